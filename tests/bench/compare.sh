#!/bin/sh
# SPDX-License-Identifier: MIT
#
# compare.sh DIR: what does rimg diff cost? Makes 512 MiB disks in DIR once, from the golden images, and
# measures on files in the page cache.
#
# RUNS=n (9), THREADS=n (as many as there are processors)
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
need sgdisk mkfs.fat mcopy

# ---- the disks ----

mib=2048 # sectors

# place DISK FIRST_MIB FILE
place() {
	dd if="$3" of="$1" bs=1M seek="$2" conv=notrunc,sparse status=none
}

# The RedoxFS of several golden images and a FAT of 290 MiB that is nearly full of noise.
make_disk() {
	disk=$1
	truncate -s 512M "$disk"
	at=1
	set --
	n=0
	for name in basic clone many-short many-long churned wrapped text noise system; do
		size=$(($(stat -c %s "$GOLDEN/$name.img") / 1048576))
		n=$((n + 1))
		set -- "$@" -n "$n:$((at * mib)):$(((at + size) * mib - 1))" -t "$n:8300" -c "$n:$name" \
			-u "$n:00000000-0000-0000-0000-00000000000$n"
		place "$disk" $at "$GOLDEN/$name.img"
		at=$((at + size))
	done
	fat=$D/fat.img
	truncate -s 290M "$fat"
	mkfs.fat --invariant -F 32 "$fat" >/dev/null
	i=0
	while [ $i -lt 28 ]; do
		head -c 10M /dev/urandom >"$D/noise"
		mcopy -m -i "$fat" "$D/noise" "::noise-$i.bin"
		i=$((i + 1))
	done
	place "$disk" $at "$fat"
	sgdisk -o -a 1 -U 11111111-2222-3333-4444-555555555555 "$@" \
		-n "10:$((at * mib)):$(((at + 290) * mib - 1))" -t 10:ef00 -c 10:EFI \
		-u 10:00000000-0000-0000-0000-000000000010 "$disk" >/dev/null
	rm -f "$fat" "$D/noise"
	echo $at >"$D/fat-at"
}

if [ ! -e "$D/done" ]; then
	echo "making 512 MiB disks "
	rm -f "$D"/*.img
	make_disk "$D/a.img"
	cp --sparse=always "$D/a.img" "$D/same.img"
	cp --sparse=always "$D/a.img" "$D/guid.img"
	sgdisk -u 3:99999999-0000-0000-0000-000000000003 "$D/guid.img" >/dev/null
	cp --sparse=always "$D/a.img" "$D/file.img"
	head -c 10M /dev/urandom >"$D/noise"
	mcopy -o -m -i "$D/file.img@@$(cat "$D/fat-at")M" "$D/noise" ::noise-13.bin
	rm -f "$D/noise"
	cp --sparse=never "$D/a.img" "$D/full.img"
	cp --sparse=never "$D/a.img" "$D/full-same.img"
	touch "$D/done"
fi

# every byte is another: one more, and 255 becomes 0
if [ ! -e "$D/other.done" ]; then
	make_tree
	rm -rf "$D/other"
	cp -a "$D/tree" "$D/other"
	find "$D/other" -type f | while read -r file; do
		tr '\000-\377' '\001-\377\000' <"$file" >"$D/noise" && cp "$D/noise" "$file"
	done
	"$RIMG" redoxfs "$D/tree" -o "$D/tree.img" -s 512MiB >"$D/log"
	"$RIMG" redoxfs "$D/other" -o "$D/other.img" -s 512MiB >"$D/log"
	rm -rf "$D/other" "$D/noise"
	touch "$D/other.done"
fi

# ---- the runs ----

cat "$D"/*.img >"$D/log" # into the page cache
rm -f "$D/log"

table compare 'cmp of two equal files'
command_is '`cmp`, equal disks' 0 'exec cmp "$D/a.img" "$D/same.img"'
command_is 'equal disks' 0 'exec "$RIMG" diff -j "$THREADS" "$D/a.img" "$D/same.img"'
command_is 'the same, one thread' 0 'exec "$RIMG" diff -j 1 "$D/a.img" "$D/same.img"'
command_is 'one GUID differs' 1 'exec "$RIMG" diff -j "$THREADS" "$D/a.img" "$D/guid.img"'
command_is 'one file of 10 MiB differs' 1 'exec "$RIMG" diff -j "$THREADS" "$D/a.img" "$D/file.img"'
run_group true
command_is '`cmp`, equal disks without holes' 0 'exec cmp "$D/full.img" "$D/full-same.img"'
command_is 'equal disks without holes' 0 'exec "$RIMG" diff -j "$THREADS" "$D/full.img" "$D/full-same.img"'
run_group true
if [ ! -e "$D/tree-same.img" ]; then
	cp --sparse=always "$D/tree.img" "$D/tree-same.img"
fi
command_is '`cmp`, equal RedoxFS' 0 'exec cmp "$D/tree.img" "$D/tree-same.img"'
command_is 'RedoxFS of 2,864 files, every byte of them another' 1 'exec "$RIMG" diff -j "$THREADS" "$D/tree.img" "$D/other.img"'
run_group true
if command -v diffoscope >"$D/log"; then
	# once: it takes minutes and gigabytes
	if [ ! -e "$D/diffoscope.row" ]; then
		command_is '`cmp`' 0 'exec cmp "$D/a.img" "$D/same.img"'
		command_is '`diffoscope`, one file of 10 MiB differs, one run' 1 \
			'exec diffoscope --no-progress --text "$D/diffoscope.txt" "$D/a.img" "$D/file.img"'
		RUNS=0
		run_group true | sed -n '/diffoscope/p' >"$D/diffoscope.row"
		sed -i '/^| `cmp` |/d; /diffoscope/d' "$table"
	fi
	tee -a "$table" <"$D/diffoscope.row"
else
	left_out '`diffoscope`' 'not installed; make compare-diffoscope installs it'
fi
