#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The manual pages of librimg, which packaging/apidoc.awk makes of the headers: complete and without
# complaints.
. tests/lib.sh

need mandoc

apidoc() { awk -v out="$tmp/pages" -v date='November 23, 2026' -f packaging/apidoc.awk "$@"; }

mkdir "$tmp/pages"
exits 'pages are made of the headers' 0 apidoc include/rimg/*.h
same 'without complaint' /dev/null "$err"
{
	sed -n 's/^	\(rimg_.*\);$/\1/p' lib/librimg.map
	ls include/rimg | sed 's/\.h$//; s/^/rimg_/; s/^rimg_rimg$/librimg/'
} | sort >"$tmp/expected"
ls "$tmp/pages" | sed 's/\.3$//' | sort >"$tmp/found"
same 'a page for each header and each function that is exported' "$tmp/expected" "$tmp/found"
sed -n 's/^	\(rimg_.*\);$/\1/p' lib/librimg.map | while read -r name; do
	page=$(sed -n 's|^\.so man3/||p' "$tmp/pages/$name.3")
	grep -q "^\.Nm $name\( ,\)\{0,1\}$" "$tmp/pages/$page" && grep -q "$name(" "$tmp/pages/$page" || echo "$name"
done >"$tmp/missing"
same 'which leads to where it is explained' /dev/null "$tmp/missing"

# with_line TEXT: a header that also has this line
with_line() {
	mkdir -p "$tmp/rimg"
	awk -v line="$1" '/^#ifdef __cplusplus/ && ++n == 2 { print line; print "" } { print }' \
		include/rimg/source.h >"$tmp/rimg/source.h"
}

# refused NAME TEXT COMPLAINT
refused() {
	with_line "$2"
	exits "$1" 1 apidoc "$tmp/rimg/source.h"
	says "$1: the complaint" "$3" "$err"
}

with_line '/** rimg_x - tells nothing; any thread */
int rimg_x(void);'
exits 'a function that is explained is fine' 0 apidoc "$tmp/rimg/source.h"
refused 'a function without a comment' 'int rimg_x(void);' 'no comment before: int rimg_x'
refused 'a parameter without a word' '/** rimg_x - tells nothing */
int rimg_x(int depth);' 'rimg_x: parameter depth is not explained'
refused 'a parameter that is not there' '/**
 * rimg_x - tells nothing
 * @depth: how deep
 */
int rimg_x(void);' 'rimg_x: @depth is not there'
refused 'a structure without a comment' 'struct rimg_x;' 'no comment before: struct rimg_x'

for page in $(grep -L '^\.so' "$tmp"/pages/*.3); do
	mandoc -T lint -W warning "$page"
done >"$tmp/lint"
same 'mandoc has nothing to say against them' /dev/null "$tmp/lint"

done_testing
