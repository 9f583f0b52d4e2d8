#!/bin/sh
# SPDX-License-Identifier: MIT
#
# compare-diffoscope.sh DIR: rimg diff and diffoscope on the same two disks, which differ in one
# instruction of one program. Time, memory, and whether the report names the file and the function;
# the reports stay in DIR. docs/comparison.md shows a run.
#
# SIZE=n: MiB of the file system (512). LIMIT=s: seconds after which diffoscope is ended (300).
# MEMORY=n: GiB that it may use (16). RUNS=n: of rimg (9)
set -eu
cd "$(dirname "$0")/.."
dir=$1
: "${RIMG:=out/rimg}" "${MEASURE:=out/tests/bench/measure}" "${SIZE:=512}" "${LIMIT:=300}" "${MEMORY:=16}" "${RUNS:=9}"
for program in gcc openssl diffoscope; do
	command -v $program >/dev/null || { echo "skipped: $program is not installed"; exit 77; }
done
mkdir -p "$dir/tmp"
dir=$(realpath "$dir")
export LC_ALL=C.UTF-8 TMPDIR="$dir/tmp"

# ---- two disks ----

# program FILE NUMBER: 3,000 functions, one of which adds NUMBER
program() {
	awk -v number="$2" 'BEGIN {
		for (i = 0; i < 3000; i++)
			printf "__attribute__((noipa)) int work_%d(int x) { return x * %d + %d; }\n",
				i, i + 3, i == 1500 ? number : i
		print "int main(int argc, char **argv) { (void)argv; return work_1500(argc); }"
	}' >"$dir/program.c"
	gcc -O2 -Wl,--build-id=none -o "$1" "$dir/program.c"
}

# about eight tenths of the file system, half noise and half text
tree() {
	mkdir -p "$dir/tree/bin"
	openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 </dev/zero 2>/dev/null | head -c 1048576 >"$dir/noise"
	awk 'BEGIN { for (i = 0; i < 60000; i++) print "record", i * 7919 % 65536, "of the scheme", i }' |
		head -c 1048576 >"$dir/text"
	i=0
	while [ $i -lt $((SIZE * 56 / 10)) ]; do
		mkdir -p "$dir/tree/d$((i % 40))"
		from=$dir/noise
		[ $((i % 2)) = 0 ] || from=$dir/text
		head -c $((1024 + (i * 7919 % 1024) * (i * 104729 % 1024) * 548 / 1000)) "$from" >"$dir/tree/d$((i % 40))/f$i"
		i=$((i + 1))
	done
}

if [ ! -e "$dir/done-$SIZE" ]; then
	echo "making two disks with $SIZE MiB of RedoxFS"
	rm -rf "$dir/tree" "$dir"/*.img "$dir"/done-*
	tree
	for side in a b; do
		number=1
		[ $side = a ] || number=2
		program "$dir/tree/bin/tool" $number
		"$RIMG" -q redoxfs "$dir/tree" -o "$dir/fs.img" --size "${SIZE}M" --epoch 1 --seed comparison --compression none >/dev/null
		"$RIMG" -q disk -o "$dir/$side.img" --size "$((SIZE + 2))M" --seed comparison \
			--partition "REDOX:linux:2048:$((SIZE * 2048 + 2047)):$dir/fs.img" >/dev/null
	done
	rm -rf "$dir/fs.img" "$dir/noise" "$dir/text" "$dir/program.c" "$dir/tree"
	touch "$dir/done-$SIZE"
fi
cat "$dir/a.img" "$dir/b.img" >/dev/null # into the page cache

# ---- the runs ----

echo "$(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg); two disks of $(stat -c %s "$dir/a.img") bytes, $(cmp -l "$dir/a.img" "$dir/b.img" | wc -l) bytes differ"
echo "$("$RIMG" --version | head -n 1), $(diffoscope --version)"
printf '%-20s %10s %10s %12s %5s %12s %s\n' command time processor memory exit report names

# row LABEL REPORT MEDIAN MIN MAX MEMORY EXIT CPU: a line of the table
row() {
	label=$1 report=$2
	shift 2
	named=
	for word in /bin/tool work_1500; do
		if grep -qF -e "$word" "$report"; then named="$named $word"; fi
	done
	printf '%-20s %7s ms %7s ms %8s KiB %5s %10s B %s\n' "$label" "$1" "$6" "$4" "$5" "$(stat -c %s "$report")" \
		"${named:- neither the file nor the function}"
}

"$RIMG" diff -v "$dir/a.img" "$dir/b.img" >"$dir/rimg.txt" || true
"$RIMG" diff --html "$dir/rimg.html" "$dir/a.img" "$dir/b.img" >/dev/null || true
# shellcheck disable=SC2046 # six numbers
row 'rimg diff -v' "$dir/rimg.txt" $("$MEASURE" "$RUNS" "$RIMG" diff -v "$dir/a.img" "$dir/b.img")
# shellcheck disable=SC2046
row 'rimg diff --html' "$dir/rimg.html" $("$MEASURE" "$RUNS" "$RIMG" diff --html "$dir/rimg.html" "$dir/a.img" "$dir/b.img")
: >"$dir/diffoscope.txt"
measured=$(
	ulimit -v $((MEMORY * 1048576))
	"$MEASURE" 0 timeout "$LIMIT" diffoscope --no-progress --text "$dir/diffoscope.txt" "$dir/a.img" "$dir/b.img"
)
# shellcheck disable=SC2086
row 'diffoscope --text' "$dir/diffoscope.txt" $measured
case $measured in
*' 124 '*) echo "diffoscope was ended after $LIMIT s" ;;
*' 1 '*) ;;
*) echo 'diffoscope did not come to an end of its own' ;;
esac
