#!/bin/sh
# SPDX-License-Identifier: MIT
#
# reproducible.sh DIR: build rimg in two folders below DIR, in different surroundings, and compare
# what comes out. Fails at the first byte that differs.
set -eu
dir=$1
cd "$(dirname "$0")/../.."
rm -rf "$dir"
mkdir -p "$dir/a" "$dir/a-longer-name/and deeper/b"
a=$dir/a
b="$dir/a-longer-name/and deeper/b"
for copy in "$a" "$b"; do
	for part in Makefile docs include lib build diff verify packaging tests; do
		[ ! -e "$part" ] || cp -R "$part" "$copy"
	done
done
find "$b" -exec touch -d '2001-02-03 04:05:06 UTC' {} +

(umask 022 && cd "$a" && env -u MAKEFLAGS -u MAKELEVEL TZ=UTC LC_ALL=C.UTF-8 make -s -j1 all)
(umask 077 && cd "$b" &&
	env -u MAKEFLAGS -u MAKELEVEL TZ=Asia/Tokyo LC_ALL=C HOME=/nonexistent USER=somebody make -s -j2 all)

for file in rimg librimg.a librimg.so; do
	cmp "$a/out/$file" "$b/out/$file"
	sha256sum "$a/out/$file"
done
rm -rf "$dir"
echo "reproducible: the same bytes from both builds"
