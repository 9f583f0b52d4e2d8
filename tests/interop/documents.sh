#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Documents that rimg writes, judged by the tools of their formats: bills of materials by spdx-tools and
# cyclonedx-python-lib (Python), SARIF by Microsoft's multitool (npm), with its rules for code hosts. Needs
# python3 or npm with a registry; what is missing is said aloud. Usage: documents.sh RIMG GOLDEN WORKDIR
set -u
rimg=$(realpath "$1")
golden=$(realpath "$2")
mkdir -p "$3"
work=$(realpath "$3")
cd "$work" || exit 2
failed=0 passed=0 skipped=0

ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() { failed=$((failed + 1)); echo "not ok - $1"; sed 's/^/    /' log | tail -n 20; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }
check() {
	title=$1
	shift
	if "$@" >log 2>&1; then ok "$title"; else bad "$title"; fi
}

# ---- an image with packages, one recorded as installed ----
rm -rf tree && mkdir -p tree/var/lib/packages
"$rimg" -q extract "$golden/package-plain.pkgar" -o unpacked 2>/dev/null
cp -r unpacked/. tree/ && rm -rf unpacked
head -c 1984 "$golden/package-plain.pkgar" >tree/var/lib/packages/plain.pkgar_head
cp "$golden/package-lzma2.pkgar" "$rimg" tree/
"$rimg" -q redoxfs tree -o packages.img -s 32MiB
set -- packages.img "$golden/disk-installer.img" "$golden/basic.img" "$golden/odd.img" \
	"$golden/many-short.img" "$golden/broken/dir-dangling.img" "$golden/broken/bitflip-data.img"

# ---- bills of materials ----
cat >judge.py <<'END'
import sys
if sys.argv[1] == "spdx":
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    document = parse_file(sys.argv[2])
    messages = [m.validation_message for m in validate_full_spdx_document(document)]
    assert document.files, "no files"
    print("\n".join(messages[:20]))
    sys.exit(bool(messages))
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[2]).read())
print(error)
sys.exit(error is not None)
END
if ! python3 -m venv venv >log 2>&1 ||
	! venv/bin/pip install -q 'spdx-tools==0.8.*' 'cyclonedx-python-lib[json-validation]>=8' >log 2>&1; then
	skip "bills of materials: spdx-tools and cyclonedx-python-lib cannot be installed: $(tail -n 1 log)"
else
	for image; do
		for kind in spdx cyclonedx; do
			document=$(basename "$image" .img).$kind.json
			"$rimg" -q info --sbom $kind "$image" >"$document" 2>/dev/null
			check "$document is what the format's own tools accept" venv/bin/python judge.py $kind "$document"
		done
	done
	sed 's/"algorithm": "SHA1"/"algorithm": "SHA256"/' packages.spdx.json >wrong.spdx.json
	check 'a wrong one is refused' sh -c '! venv/bin/python judge.py spdx wrong.spdx.json'
	sed 's/"alg": "SHA-1"/"alg": "SHA-0"/' packages.cyclonedx.json >wrong.cyclonedx.json
	check 'of CycloneDX, too' sh -c '! venv/bin/python judge.py cyclonedx wrong.cyclonedx.json'
fi

# ---- SARIF ----
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
if ! command -v npm >/dev/null 2>&1; then
	skip 'SARIF: npm is not installed'
elif ! npm install --no-audit --no-fund --silent --prefix npm @microsoft/sarif-multitool >log 2>&1; then
	skip "SARIF: sarif-multitool cannot be installed: $(tail -n 1 log)"
else
	# the program itself: its wrapper loses the quotes
	multitool=$work/npm/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
	[ -x "$multitool" ] || multitool=$work/npm/node_modules/.bin/sarif-multitool
	# by its rules and by those of code hosts; warnings are advice
	judge_sarif() {
		"$multitool" validate "$1" --output judged.sarif --log ForceOverwrite --rule-kind 'Sarif;Ghas' >judged 2>&1
		! grep -q ': error ' judged && grep -q 'Analysis completed successfully' judged || { cat judged; false; }
	}
	for image; do
		document=$(basename "$image" .img).sarif
		(cd "$(dirname "$image")" && "$rimg" -q verify check "$(basename "$image")" --sarif "$work/$document") >/dev/null 2>&1
		check "$document is what SARIF's own tool accepts" judge_sarif "$document"
	done
	"$rimg" verify all "$golden/disk-installer.img" --sarif all.sarif >/dev/null 2>&1
	check 'check and audit in one log, too' judge_sarif all.sarif
	"$rimg" verify check "$golden/broken/header-version-7.img" --sarif unread.sarif >/dev/null 2>&1
	check 'and so is one about what could not be read' judge_sarif unread.sarif
	sed 's/"version": "2.1.0"/"version": "2.2.0"/; s/"ruleId"/"ruleName"/' unread.sarif >wrong.sarif
	refuses_sarif() { ! judge_sarif "$1"; }
	check 'a wrong one is refused' refuses_sarif wrong.sarif
	sed '/"fullDescription"/,/}/d' unread.sarif >bare.sarif
	check 'and so is one without what code hosts want' refuses_sarif bare.sarif
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
