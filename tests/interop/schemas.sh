#!/bin/sh
# SPDX-License-Identifier: MIT
#
# schemas.sh RIMG GOLDEN WORKDIR: docs/schema and what rimg prints, judged by the Python package
# jsonschema, which knows all of JSON Schema. Skipped where it cannot be had.
set -u
rimg=$1 golden=$2 work=$3
command -v python3 >/dev/null 2>&1 || { echo 'skipped: python3 is not installed'; exit 77; }
mkdir -p "$work"
if ! python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
	[ -x "$work/venv/bin/python3" ] || python3 -m venv "$work/venv" >"$work/log" 2>&1
	"$work/venv/bin/python3" -m pip install -q 'jsonschema>=4.10' >>"$work/log" 2>&1 ||
		{ echo 'skipped: the Python package jsonschema cannot be had'; exit 77; }
	PATH=$work/venv/bin:$PATH
fi

"$rimg" diff --json "$golden/disk-installer.img" "$golden/disk-sgdisk.img" >"$work/diff-1.json" 2>/dev/null
"$rimg" diff --json --digests "$golden/basic.img" "$golden/clone.img" >"$work/diff-2.json" 2>/dev/null
"$rimg" diff --json "$golden/tiny.img" "$golden/broken/truncated.img" >"$work/diff-3.json" 2>/dev/null
"$rimg" diff --json "$golden/tiny.img" "$golden/tiny.img" >"$work/diff-4.json" 2>/dev/null
"$rimg" info --json "$golden/disk-installer.img" >"$work/info-1.json" 2>/dev/null
"$rimg" info --json "$golden/broken/bitflip-tree.img" >"$work/info-2.json" 2>/dev/null
"$rimg" ls -R --json --nested "$golden/disk-installer.img" >"$work/ls.jsonl" 2>/dev/null

python3 - "$work" docs/schema/*.json <<'END'
import glob
import json
import os
import sys

import jsonschema

work, schemas, bad = sys.argv[1], {}, 0
for path in sys.argv[2:]:
    schema = json.load(open(path))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    schemas[os.path.basename(path)[:-5]] = kind(schema)
    print("ok - %s is a schema" % path)
for path in sorted(glob.glob(work + "/*.json") + glob.glob(work + "/*.jsonl")):
    name = os.path.basename(path)
    texts = open(path).read().splitlines() if path.endswith("l") else [open(path).read()]
    errors = [e for t in texts for e in schemas[name.split(".")[0].split("-")[0]].iter_errors(json.loads(t))]
    print("%s - %s" % ("not ok" if errors else "ok", name))
    for e in errors[:10]:
        print("    %s: %s" % (e.json_path, e.message[:200]))
    bad += len(errors)
sys.exit(bad > 0)
END
