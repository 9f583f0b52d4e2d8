#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg diff as a user calls it: exit codes, numbers against those of cmp, and pairs of images that
# differ in one known thing.
. tests/lib.sh

# number KEY: of the JSON's "bytes" in $out
number() {
	sed -n "s/^    \"$1\": \([0-9]*\),\{0,1\}\$/\1/p" "$out"
}

# counts NAME A B: `differing` is what cmp counts, and all of it is explained
counts() {
	exits "$1: they differ" 1 "$RIMG" diff --json "$2" "$3"
	bytes=$(cmp -l "$2" "$3" 2>/dev/null | wc -l)
	[ "$(stat -c %s "$2")" = "$(stat -c %s "$3")" ] ||
		bytes=$((bytes + $(stat -c %s "$2" "$3" | sort -n | paste -sd- | sed 's/\(.*\)-\(.*\)/\2 - \1/')))
	if [ "$(number differing)" = "$bytes" ] && [ "$(number explained)" = "$bytes" ] &&
		[ "$(number unexplained)" = 0 ]; then
		pass "$1: $bytes bytes differ, unexplained 0"
	else
		not_pass "$1: $bytes bytes differ" "$(number differing), unexplained $(number unexplained)"
	fi
}

# ---- exit codes ----

exits 'a file is identical to itself' 0 "$RIMG" diff "$GOLDEN/tiny.img" "$GOLDEN/tiny.img"
exits 'different files differ' 1 "$RIMG" diff "$GOLDEN/tiny.img" "$GOLDEN/text.img"
exits 'a missing file is trouble' 2 "$RIMG" diff "$GOLDEN/tiny.img" no-such-file
exits 'a missing step is trouble' 2 "$RIMG" diff "$GOLDEN/tiny.img::/nothing" "$GOLDEN/tiny.img::/etc"
exits 'a damaged file is trouble' 2 \
	"$RIMG" diff "$GOLDEN/broken/bitflip-data.img::/boot/kernel" "$GOLDEN/tiny.img::/boot/kernel"
exits 'even when both are damaged alike' 2 "$RIMG" diff \
	"$GOLDEN/broken/bitflip-data.img::/boot/kernel" "$GOLDEN/broken/bitflip-data.img::/boot/kernel"
exits 'directories that cannot be read wholly are not identical' 2 \
	"$RIMG" diff "$GOLDEN/broken/bitflip-tree.img::/" "$GOLDEN/broken/bitflip-tree.img::/"
exits 'but the bytes of damaged images may be' 0 \
	"$RIMG" diff "$GOLDEN/broken/bitflip-tree.img" "$GOLDEN/broken/bitflip-tree.img"
exits 'one address is wrong usage' 2 "$RIMG" diff "$GOLDEN/tiny.img"
exits 'an unknown cause is wrong usage' 2 "$RIMG" diff --ignore nonsense "$GOLDEN/tiny.img" "$GOLDEN/text.img"
says 'the causes are named' 'content, timestamp, identifier' "$err"
exits 'a number that is none is wrong usage' 2 "$RIMG" diff --max-diffs x "$GOLDEN/tiny.img" "$GOLDEN/text.img"

# ---- images of upstream's tools ----

counts 'two disks' "$GOLDEN/disk-installer.img" "$GOLDEN/disk-sgdisk.img"
counts 'a filesystem and its clone' "$GOLDEN/basic.img" "$GOLDEN/clone.img"
says 'it has the same content' '"equivalent": true' "$out"
counts 'a filesystem that has grown' "$GOLDEN/system.img" "$GOLDEN/grown.img"
counts 'two initfs' "$GOLDEN/initfs-boot.img" "$GOLDEN/initfs-plain.img"
says 'they have the same content' '"equivalent": true' "$out"
counts 'two filesystems' "$GOLDEN/text.img" "$GOLDEN/noise.img"
says 'they do not have the same content' '"equivalent": false' "$out"
exits 'their partition is the same' 0 \
	"$RIMG" diff "$GOLDEN/disk-installer.img::REDOX" "$GOLDEN/disk-sgdisk.img::REDOX"
exits 'a directory of a clone is the same' 0 "$RIMG" diff "$GOLDEN/basic.img::/deep" "$GOLDEN/clone.img::/deep"

# ---- output ----

for pair in 'disk-installer disk-sgdisk' 'basic clone' 'churned wrapped'; do
	set -- $pair
	"$RIMG" diff -j 1 "$GOLDEN/$1.img" "$GOLDEN/$2.img" >"$tmp/one" 2>&1
	"$RIMG" diff -j 8 "$GOLDEN/$1.img" "$GOLDEN/$2.img" >"$tmp/eight" 2>&1
	same "$pair: threads never show" "$tmp/one" "$tmp/eight"
done
exits 'digests' 1 "$RIMG" diff --digests --json "$GOLDEN/tiny.img" "$GOLDEN/text.img"
says 'are those of sha256sum' "$(sha256sum <"$GOLDEN/tiny.img" | cut -d' ' -f1)" "$out"
says 'of both' "$(sha256sum <"$GOLDEN/text.img" | cut -d' ' -f1)" "$out"
exits 'what is hidden is no pass' 1 "$RIMG" diff --only 'no-such-path' "$GOLDEN/tiny.img" "$GOLDEN/text.img"
says 'and is said' 'not shown' "$out"

# ---- damaged images, each against the one it was made from ----

for image in "$GOLDEN"/broken/*.img; do
	name=$(basename "$image" .img)
	case $name in
	gpt-*) base=$GOLDEN/disk-sgdisk.img ;;
	initfs-*) base=$GOLDEN/initfs-boot.img ;;
	*) base=$GOLDEN/tiny.img ;;
	esac
	counts "$name" "$base" "$image"
done

# ---- one known thing changed, with our own builder ----

# tree DIR: what the images below hold
tree() {
	mkdir -p "$1/boot" "$1/etc" "$tmp/initfs/bin"
	seq 1 20000 >"$tmp/initfs/bin/numbers"
	echo "${2:-first}" >"$tmp/initfs/bin/word"
	rm -f "$1/boot/initfs"
	"$RIMG" initfs "$tmp/initfs" -o "$1/boot/initfs" --epoch 1 >/dev/null
	seq 1 30000 >"$1/etc/numbers"
	echo text >"$1/etc/text"
}

# build DIR IMAGE [COMPRESSION]
build() {
	"$RIMG" redoxfs "$1" -o "$2" --size 16M --epoch 1 --seed test --compression "${3:-lz4}" >/dev/null
}

tree "$tmp/tree"
if build "$tmp/tree" "$tmp/a.img"; then
	tree "$tmp/tree" third
	build "$tmp/tree" "$tmp/b.img"
	counts 'a file in an initfs in a packed record' "$tmp/a.img" "$tmp/b.img"
	says 'is told by its whole path' '"path": "/boot/initfs::/bin/word"' "$out"
	says 'and so is what holds it' '"path": "/boot/initfs",' "$out"
	tree "$tmp/tree" fourth
	build "$tmp/tree" "$tmp/b.img"
	counts 'the same with another size' "$tmp/a.img" "$tmp/b.img"
	says 'is told too' '"path": "/boot/initfs::/bin/word"' "$out"
	tree "$tmp/tree"
	build "$tmp/tree" "$tmp/b.img" none
	counts 'the same tree without compression' "$tmp/a.img" "$tmp/b.img"
	says 'has the cause compression' '"cause": "compression"' "$out"
	says 'and the same content' '"equivalent": true' "$out"
	tree "$tmp/tree" third
	build "$tmp/tree" "$tmp/c.img" none
	counts 'a file in an initfs that is stored as it is' "$tmp/b.img" "$tmp/c.img"
	says 'is told by its path' '"path": "/boot/initfs::/bin/word"' "$out"
	tree "$tmp/tree"
	mv "$tmp/tree/etc/text" "$tmp/tree/etc/a-text"
	build "$tmp/tree" "$tmp/b.img"
	counts 'a renamed file' "$tmp/a.img" "$tmp/b.img"
	says 'has moved' '"kind": "moved"' "$out"
	says 'from its old path' '"a": "/etc/text"' "$out"
	says 'to its new one' '"b": "/etc/a-text"' "$out"
	cp "$tmp/a.img" "$tmp/b.img"
	printf 'hidden' | dd of="$tmp/b.img" bs=1 seek=16000000 conv=notrunc status=none
	counts 'bytes hidden in free space' "$tmp/a.img" "$tmp/b.img"
	says 'are free space' '"cause": "free-space"' "$out"
else
	not_pass 'our own builder' 'it made no image'
fi

done_testing
