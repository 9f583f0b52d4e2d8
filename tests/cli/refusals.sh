#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What the writers of formats refuse to put into an image, each with its reason, and what just fits.
. tests/lib.sh

rimg=$(realpath "$RIMG")
printf 'as it was\n' >"$tmp/old"
# refused NAME TEXT COMMAND...: exit code 2, the text on stderr, an existing output untouched
refused() {
	name=$1 text=$2
	shift 2
	cp "$tmp/old" "$tmp/out.img"
	exits "$name: refused" 2 "$@" -o "$tmp/out.img"
	says "$name: because" "$text" "$err"
	same "$name: what was there is still there" "$tmp/old" "$tmp/out.img"
}
fits() {
	name=$1
	shift
	exits "$name: fits" 0 "$rimg" -q "$@" -o "$tmp/out.img"
	exits "$name: is sound" 0 "$rimg" verify check --strict "$tmp/out.img"
}

# ---- partitions ----
disk='disk --size 4MiB'
n36=123456789012345678901234567890123456
refused 'a partition in the table' 'within 34..8158, found 33..100' "$rimg" $disk -p A:linux:33:100
refused 'a partition in the other table' 'within 34..8158, found 34..8159' "$rimg" $disk -p A:linux:34:8159
fits 'a partition from one table to the other' $disk -p A:linux:34:8158
refused 'a partition that ends before it begins' 'found 100..99' "$rimg" $disk -p A:linux:100:99
refused 'a name of 37 units' 'at most 36 UTF-16 units' "$rimg" $disk -p "${n36}7:linux:34:40"
fits 'a name of 36 units' $disk -p "$n36:linux:34:40"
fits 'a name outside of ASCII' $disk -p "Größe-€-🦀:linux:34:40"
exits 'which is kept' 0 "$rimg" ls "$tmp/out.img"
says 'as it was' 'Größe-€-🦀' "$out"
set --
i=0
while [ $i -lt 128 ]; do
	set -- "$@" -p "P$i:linux:$((34 + i)):$((34 + i))"
	i=$((i + 1))
done
fits '128 partitions' $disk "$@"
refused '129 partitions' 'at most 128 partitions' "$rimg" $disk "$@" -p "P129:linux:300:300"

# ---- initfs ----
in=$tmp/in
mkdir -p "$in"
printf 'x' >"$in/x"
small_program "$tmp/program"
fits 'a bootstrap program of its header alone' initfs "$in" -b "$tmp/program"
printf 'no program, though as long as the header of one: sixty-four bytes' >"$tmp/text"
refused 'a bootstrap that is a text' 'found another kind of file' "$rimg" initfs "$in" -b "$tmp/text"
head -c 20 "$tmp/program" >"$tmp/short"
refused 'a bootstrap that is cut' 'too short' "$rimg" initfs "$in" -b "$tmp/short"
cp "$tmp/program" "$tmp/low"
printf '\377\037' | dd of="$tmp/low" bs=1 seek=24 conv=notrunc status=none
refused 'a bootstrap that runs below its place' 'entry at 0x2000 or above' "$rimg" initfs "$in" -b "$tmp/low"
cp "$tmp/program" "$tmp/high"
printf '\100\040' | dd of="$tmp/high" bs=1 seek=24 conv=notrunc status=none
refused 'a bootstrap that runs behind its end' 'entry inside its 64 bytes' "$rimg" initfs "$in" -b "$tmp/high"
# deep N: folders inside one another below a new $tmp/deep
deep() {
	rm -rf "$tmp/deep"
	path=$tmp/deep
	i=0
	while [ $i -lt "$1" ]; do
		path=$path/d
		i=$((i + 1))
	done
	mkdir -p "$path"
}
deep 1023 # and the root
fits 'an initfs of 1024 folders in one another' initfs "$tmp/deep"
deep 1024
refused 'an initfs of 1025' 'at most 1024 directories' "$rimg" initfs "$tmp/deep"
fits 'a RedoxFS of 1024 folders in one another below its root' redoxfs "$tmp/deep"
deep 1025
refused 'a RedoxFS of 1025' 'at most 1024 directories' "$rimg" redoxfs "$tmp/deep"

done_testing
