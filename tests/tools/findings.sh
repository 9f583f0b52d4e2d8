#!/bin/sh
# SPDX-License-Identifier: MIT
#
# findings.sh FILE...: the codes of findings in these sources and those of docs/findings.md are the same,
# and the table of rules names codes and tests that exist
set -eu
cd "$(dirname "$0")/../.."
page=docs/findings.md

# a code is "format.rule"; formats are the ones that are registered, the core's "layer", "boot", "check"
formats=$(sed -n 's/^RIMG_FORMAT(\([a-z0-9_]*\)).*/\1/p' "$@" | tr '\n' '|')'layer|boot|check'
used=$(grep -hoE "\"($formats)\\.[a-z0-9]+(-[a-z0-9]+)*\"" "$@" | tr -d '"' | LC_ALL=C sort -u)
named=$(sed -n 's/^| `\([a-z0-9]*\.[a-z0-9-]*\)` |.*/\1/p' "$page" | LC_ALL=C sort)

bad=0
for code in $used; do
	printf '%s\n' "$named" | grep -qxF "$code" || { echo "$page lacks $code" && bad=1; }
done
for code in $named; do
	printf '%s\n' "$used" | grep -qxF "$code" || { echo "$page: no source records $code" && bad=1; }
done
for code in $(printf '%s\n' "$named" | uniq -d); do
	echo "$page: $code is there twice"
	bad=1
done
# | rule | `code` | test |
sed -n 's/^| [^|`]* | `\([a-z0-9.-]*\)` | \([a-z0-9_.]*\) |$/\1 \2/p' "$page" >"${TMPDIR:-/tmp}/rules.$$"
trap 'rm -f "${TMPDIR:-/tmp}/rules.$$"' EXIT
while read -r code test; do
	printf '%s\n' "$named" | grep -qxF "$code" || { echo "$page: $code is in a rule, but has no row" && bad=1; }
	case $test in
	*.txt) grep -qF -e "$code" "tests/defects/$test" ;;
	*.sh) grep -qF -e "$code" "tests/cli/$test" ;;
	*) grep -qE "^static void $test\(void" tests/formats/*.c tests/verify/*.c ;;
	esac || { echo "$page: no test $test for $code" && bad=1; }
done <"${TMPDIR:-/tmp}/rules.$$"
[ -s "${TMPDIR:-/tmp}/rules.$$" ] || { echo "$page: no rules" && bad=1; }
exit $bad
