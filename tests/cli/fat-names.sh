#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Names of all kinds in FAT volumes that rimg writes: mtools put them into a volume and read them in its
# normalized copy, fsck.fat and check find nothing wrong with it.
. tests/lib.sh
need mcopy
need mkfs.fat
need fsck.fat

# begin NAME: an empty volume $tmp/NAME.img, and no files
begin() {
	rm -rf "$tmp/in"
	mkdir "$tmp/in"
	truncate -s 1M "$tmp/$1.img"
	mkfs.fat -F 12 -s 1 "$tmp/$1.img" >"$out" || exit 1
	volume=$tmp/$1.img
}

# put NAME: a file of that name; mtools say nothing when they leave out one that is there
put() {
	echo "$1" >"$tmp/in/$1"
	mcopy -n -i "$volume" "$tmp/in/$1" :: || exit 1
}

# normalizes NAME: the copy of the volume holds the same files under the same names, and is sound
normalizes() {
	exits "$1: is normalized" 0 "$RIMG" -q normalize "$tmp/$1.img" -o "$tmp/$1.new"
	exits "$1: fsck.fat finds nothing" 0 fsck.fat -n "$tmp/$1.new"
	exits "$1: check finds nothing" 0 "$RIMG" verify check --strict "$tmp/$1.new"
	mkdir "$tmp/$1.out"
	exits "$1: mtools read it" 0 mcopy -i "$tmp/$1.new" '::*' "$tmp/$1.out"
	exits "$1: what mtools read is what they wrote" 0 diff -r "$tmp/in" "$tmp/$1.out"
}

begin kinds
for name in UPPER.TXT lower.txt MiXed.Ext noext .hidden '.hidden too' 'two  spaces' 'a.name.of.many.dots' \
	'a+b,c;d=e[f].g+h' 'Größe.txt' 'Имя файла' '漢字' '~1' '. .x' "$(printf '%0240d' 0).long"; do
	put "$name"
done
normalizes kinds

# more than nine long names that begin alike; what their short names could be are names of their own
begin alike
for name in COLLID~3.TXT collid~1.txt Collid~2.txt COLLI~10.TXT; do
	put "$name"
done
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	put "Collide $i.txt"
done
normalizes alike

done_testing
