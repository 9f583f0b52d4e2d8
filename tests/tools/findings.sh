#!/bin/sh
# SPDX-License-Identifier: MIT
#
# findings.sh FILE...: the codes of findings in these sources and those of docs/findings.md are the same
set -eu
cd "$(dirname "$0")/../.."
page=docs/findings.md

# a code is "format.rule"; formats are the ones that are registered, and the core's "layer"
formats=$(sed -n 's/^RIMG_FORMAT(\([a-z0-9_]*\)).*/\1/p' "$@" | tr '\n' '|')layer
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
exit $bad
