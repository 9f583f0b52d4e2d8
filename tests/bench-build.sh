#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench-build.sh DIR: how long, and with how much memory, does it take to make a RedoxFS of 512 MiB
# from 400 MiB in 2,864 files? In the same run: cp -a of the same tree, and redoxfs-ar if it is there
# (REDOXFS_AR=path, or that of `make interop`). What counts are ratios.
#
# RUNS=n (5), THREADS=n (2)
set -eu
cd "$(dirname "$0")/.."
dir=$1
: "${RIMG:=out/rimg}" "${RUNS:=5}" "${THREADS:=2}" "${REDOXFS_AR:=out/interop/upstream/bin/redoxfs-ar}"
export LC_ALL=C.UTF-8
mkdir -p "$dir"

# half noise, half text that packs well; sizes from 1 KiB to 1 MiB
if [ ! -e "$dir/tree.done" ]; then
	echo "making a tree of 400 MiB in $dir"
	rm -rf "$dir/tree"
	head -c 1048576 /dev/urandom >"$dir/noise"
	awk 'BEGIN { srand(1); for (i = 0; i < 40000; i++) print "record", int(rand() * 65536), "of the scheme", i }' |
		head -c 1048576 >"$dir/text"
	i=0
	while [ $i -lt 2864 ]; do
		folder=$dir/tree/d$((i % 40))
		mkdir -p "$folder"
		size=$((1024 + (i * 7919 % 1024) * (i * 104729 % 1024) * 548 / 1000))
		from=$dir/noise
		[ $((i % 2)) = 0 ] || from=$dir/text
		head -c $size "$from" >"$folder/f$i"
		i=$((i + 1))
	done
	touch "$dir/tree.done"
fi
cat "$dir"/tree/*/* >/dev/null # into the page cache
echo "$(nproc) processors; $(du -sm "$dir/tree" | cut -f 1) MiB in $(find "$dir/tree" -type f | wc -l) files"
printf '%-44s %8s %8s %8s %9s %5s %s\n' command 'median' min max memory exit 'ratio'

# run LABEL BASE COMMAND...: BASE is a median to divide by, or 0; leaves the median in $median
run() {
	label=$1 base=$2
	shift 2
	line=$("$MEASURE" "$RUNS" "$@")
	# shellcheck disable=SC2086 # five numbers
	set -- $line
	median=$1
	printf '%-44s %5s ms %5s ms %5s ms %5s MiB %5s' "$label" "$1" "$2" "$3" $(($4 / 1024)) "$5"
	[ "$base" = 0 ] || awk "BEGIN { printf \"  %.2f x cp -a\", $1 / $base }"
	echo
}

run 'cp -a' 0 sh -c "rm -rf '$dir/copy' && cp -a '$dir/tree' '$dir/copy'"
cp=$median
rm -rf "$dir/copy"
run 'cp -a and sync of what it wrote' "$cp" sh -c "rm -rf '$dir/copy' && cp -a '$dir/tree' '$dir/copy' && sync -f '$dir/copy'"
rm -rf "$dir/copy"
for compression in none lz4; do
	run "rimg redoxfs -c $compression -j $THREADS" "$cp" "$RIMG" -j "$THREADS" redoxfs "$dir/tree" -o "$dir/out.img" -s 512MiB -c $compression
done
if [ -x "$REDOXFS_AR" ]; then
	run 'redoxfs-ar (one thread, LZ4)' "$cp" sh -c "rm -f '$dir/theirs.img' && truncate -s 512M '$dir/theirs.img' && '$REDOXFS_AR' '$dir/theirs.img' '$dir/tree'"
else
	echo 'redoxfs-ar: skipped, it is not there (make interop builds it)'
fi
