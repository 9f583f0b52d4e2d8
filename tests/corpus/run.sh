#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh MEASURE WORKDIR: make the corpora (README.md), and let MEASURE judge the audit by them. What
# cannot be made for want of a tool is skipped, aloud; the table holds what could. The scripts and the
# compilers are deterministic: the same machine makes the same corpora. Fails when the audit is wrong.
set -u
here=$(cd "$(dirname "$0")" && pwd)
measure=$1
mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 2
command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; exit 77; }
rm -f "$work"/*.tsv

# step COMMAND...: a corpus; its seconds are told
step() {
	start=$(date +%s)
	"$@" || { echo "corpus: $* failed"; exit 2; }
	echo "    $(basename "$1") $(($(date +%s) - start)) s"
}
export PYTHONDONTWRITEBYTECODE=1
step "$here/foreign.py" "$work"
step "$here/clif.sh" "$work"
step "$here/rustc.sh" "$work"
step "$here/mixed.py" "$work"
step "$here/attack.py" --all "$work"

set -- "$work"/*.tsv
cat "$@" 2>/dev/null | grep -q . || { echo "skipped: no corpus could be made"; exit 77; }
if "$measure" ${SIZES:+--sizes} "$@" >"$work/table.txt"; then
	status=0
else
	status=1
fi
cat "$work/table.txt"
[ $status = 0 ] && echo "corpus: in what could be made, nothing foreign was called Cranelift's, nothing mixed passed, no attack helped"
exit $status
