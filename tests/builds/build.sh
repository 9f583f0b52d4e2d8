#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh RIMG INPUTS OUT: makes one image of each kind that rimg writes from what inputs.sh made, in
# the folder OUT, and prints a line "SHA-256  NAME" for each. The digests are sha256sum's, not rimg's.
set -eu
rimg=$1
in=$2
out=$3
mkdir -p "$out"
unset SOURCE_DATE_EPOCH
export LC_ALL=C

# made NAME ARGUMENT...: run rimg, with -o and this name
made() {
	name=$1
	shift
	"$rimg" "$@" -o "$out/$name" >"$out/said" 2>"$out/warned" || { cat "$out/warned" >&2 && exit 1; }
	sum=$(sha256sum <"$out/$name" | cut -d' ' -f1)
	[ "$(cut -d' ' -f1 "$out/said")" = "$sum" ] || { echo "$name: rimg printed another digest" >&2 && exit 1; }
	echo "$sum  $name"
}

made tree-none.img redoxfs "$in/tree" -c none --epoch 1767225600 --seed a
made tree-lz4.img redoxfs "$in/tree" -c lz4 --epoch 1767225600 -s 64MiB --uuid 00112233-4455-6677-8899-aabbccddeeff
made tree-modes.img redoxfs "$in/tree" -c lz4 --keep-modes
made wide.img redoxfs "$in/wide"
made initfs.img initfs "$in/initfs" --epoch 1767225600
made initfs-bootstrap.img initfs "$in/initfs" -b "$in/bootstrap"
made full.img build "$in/full.toml"
made partitions.img build "$in/partitions.toml"
made fat32.img build "$in/fat32.toml"
made whole.img build "$in/whole.json"
made disk.img disk -s 8MiB --seed b -p "one:linux:34:6999:$in/partition" -p two:efi:7000:16350
made replaced.img replace "$out/full.img" "REDOX::/boot/kernel=$in/loader.efi" \
	"REDOX::/boot/initfs::/bin/init=$in/kernel" "EFI::/EFI/new/file=$in/bootstrap" -c lz4
made normalized-disk.img normalize "$in/disk-installer.img"
made normalized-redoxfs.img normalize "$in/basic.img" -c lz4 --epoch 1 --seed c
made normalized-initfs.img normalize "$in/initfs-boot.img"
