#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench.sh DIR: how long, and with how much memory? Makes 512 MiB disks in DIR once, from the golden
# images, then runs each command several times on files in the page cache. What counts are ratios.
#
# RUNS=n (9), THREADS=n (2)
set -eu
cd "$(dirname "$0")/.."
dir=$1
: "${RIMG:=out/rimg}" "${GOLDEN:=out/golden}" "${RUNS:=9}" "${THREADS:=2}"
export LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1
mkdir -p "$dir"
for program in sgdisk mkfs.fat mcopy; do
	command -v $program >/dev/null || { echo "bench: $program is missing (docs/packages.txt)" >&2 && exit 1; }
done

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
	fat=$dir/fat.img
	truncate -s 290M "$fat"
	mkfs.fat --invariant -F 32 "$fat" >/dev/null
	i=0
	while [ $i -lt 28 ]; do
		head -c 10M /dev/urandom >"$dir/noise"
		mcopy -m -i "$fat" "$dir/noise" "::noise-$i.bin"
		i=$((i + 1))
	done
	place "$disk" $at "$fat"
	sgdisk -o -a 1 -U 11111111-2222-3333-4444-555555555555 "$@" \
		-n "10:$((at * mib)):$(((at + 290) * mib - 1))" -t 10:ef00 -c 10:EFI \
		-u 10:00000000-0000-0000-0000-000000000010 "$disk" >/dev/null
	rm -f "$fat" "$dir/noise"
	echo $at >"$dir/fat-at"
}

if [ ! -e "$dir/done" ]; then
	echo "making 512 MiB disks in $dir"
	rm -f "$dir"/*.img
	make_disk "$dir/a.img"
	cp --sparse=always "$dir/a.img" "$dir/same.img"
	cp --sparse=always "$dir/a.img" "$dir/guid.img"
	sgdisk -u 3:99999999-0000-0000-0000-000000000003 "$dir/guid.img" >/dev/null
	cp --sparse=always "$dir/a.img" "$dir/file.img"
	head -c 10M /dev/urandom >"$dir/noise"
	mcopy -o -m -i "$dir/file.img@@$(cat "$dir/fat-at")M" "$dir/noise" ::noise-13.bin
	rm -f "$dir/noise"
	cp --sparse=never "$dir/a.img" "$dir/full.img"
	cp --sparse=never "$dir/a.img" "$dir/full-same.img"
	touch "$dir/done"
fi

# ---- the runs ----

cat "$dir"/*.img >/dev/null # into the page cache
echo "$(nproc) processors; 512 MiB, of which $(du -m "$dir/a.img" | cut -f 1) MiB are not holes"
printf '%-44s %8s %8s %8s %9s %5s %s\n' command 'median' min max memory exit 'ratio'

bad=0

# run LABEL EXIT BASE COMMAND...: BASE is a median to divide by, or 0; leaves the median in $median
run() {
	label=$1 code=$2 base=$3
	shift 3
	line=$("$MEASURE" "$RUNS" "$@")
	# shellcheck disable=SC2086 # five numbers
	set -- $line
	median=$1
	printf '%-44s %5s ms %5s ms %5s ms %5s MiB %5s' "$label" "$1" "$2" "$3" $(($4 / 1024)) "$5"
	if [ "$base" -gt 0 ]; then
		awk "BEGIN { printf \"  %.2f x cmp\", $1 / $base }"
	fi
	[ "$5" = "$code" ] || { printf '  WRONG: exit code %s expected' "$code" && bad=1; }
	echo
}

run 'cmp of identical disks' 0 0 cmp "$dir/a.img" "$dir/same.img"
cmp=$median
run "rimg diff -j $THREADS, identical" 0 "$cmp" "$RIMG" diff -j "$THREADS" "$dir/a.img" "$dir/same.img"
run 'rimg diff -j 1, identical' 0 "$cmp" "$RIMG" diff -j 1 "$dir/a.img" "$dir/same.img"
run 'cmp of identical disks without holes' 0 0 cmp "$dir/full.img" "$dir/full-same.img"
run "rimg diff -j $THREADS, identical, no holes" 0 "$median" \
	"$RIMG" diff -j "$THREADS" "$dir/full.img" "$dir/full-same.img"
run "rimg diff -j $THREADS, one GUID differs" 1 "$cmp" "$RIMG" diff -j "$THREADS" "$dir/a.img" "$dir/guid.img"
run "rimg diff -j $THREADS, one file of 10 MiB differs" 1 "$cmp" \
	"$RIMG" diff -j "$THREADS" "$dir/a.img" "$dir/file.img"
run 'rimg ls -R, 3,000 files (many-short)' 0 0 "$RIMG" ls -R "$GOLDEN/many-short.img"
run 'rimg ls -R, 3,000 files (many-long)' 0 0 "$RIMG" ls -R "$GOLDEN/many-long.img"
exit $bad
