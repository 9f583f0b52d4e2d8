# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For the scripts in tests/bench; sourced with DIR, where the files lie that are measured on, in $1.
# Commands of one group run in turn, round after round, so that a machine that becomes slower does so
# for all of them. What is printed is kept as a table, which write.sh puts into docs/performance.md.

set -eu
cd "$(dirname "$0")/../.."
: "${RIMG:=out/rimg}" "${GOLDEN:=out/golden}" "${MEASURE:=out/tests/bench/measure}"
: "${RUNS:=9}" "${THREADS:=$(nproc)}"
mkdir -p "$1/tables"
D=$(cd "$1" && pwd)
export LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1 D RIMG THREADS

# the program alone, wherever the command is run
RIMG=$(cd "$(dirname "$RIMG")" && pwd)/$(basename "$RIMG")

# table NAME BASE: begin a table; BASE says what the ratios are against
table() {
	table=$D/tables/$1.md
	printf '| | median | least to most | processor | memory | against %s |\n|---|---|---|---|---|---|\n' "$2" |
		tee "$table"
	: >"$D/group"
}

# command LABEL EXIT COMMAND: one of a group; COMMAND is for the shell, and may name $D and $RIMG
command_is() {
	printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$D/group"
}

# run_group BEFORE: measure the group, the first command being what the others are compared with.
# BEFORE is for the shell, runs before each, and is not counted.
run_group() {
	before=$1
	set --
	while IFS='	' read -r label code line; do
		[ $# = 0 ] || set -- "$@" --vs
		set -- "$@" sh -c "$line"
	done <"$D/group"
	"$MEASURE" "$RUNS" --before "$before" "$@" >"$D/figures"
	paste "$D/group" "$D/figures" | while IFS='	' read -r label code line figures; do
		# shellcheck disable=SC2086 # numbers
		set -- $figures
		[ "$5" = "$code" ] || { echo "bench: $label: exit code $5, expected $code" >&2 && exit 1; }
		awk -v label="$label" -v kib="$4" -v r="${7-100}" -v lo="${8-100}" -v hi="${9-100}" \
			-v times="$1 ms | $2 to $3 ms | $6 ms" 'BEGIN {
			printf "| %s | %s | %d MiB | %.2f (%.2f to %.2f) |\n", label, times, kib / 1024, r / 100, lo / 100, hi / 100 }'
	done | tee -a "$table"
	: >"$D/group"
}

# left_out NAME WHY: a row that says why there are no figures
left_out() {
	printf '| %s | skipped: %s | | | | |\n' "$1" "$2" | tee -a "$table"
}

# need PROGRAM...: nothing can be measured without them
need() {
	for program; do
		command -v "$program" >/dev/null || { echo "bench: $program is missing (docs/packages.txt)" >&2 && exit 1; }
	done
}

# The tree that images are made of: half noise, half text that packs well; 2,864 files of 1 KiB to 1 MiB.
make_tree() {
	[ ! -e "$D/tree.done" ] || return 0
	echo 'making a tree of 400 MiB' >&2
	rm -rf "$D/tree"
	head -c 1048576 /dev/urandom >"$D/noise"
	awk 'BEGIN { srand(1); for (i = 0; i < 40000; i++) print "record", int(rand() * 65536), "of the scheme", i }' |
		head -c 1048576 >"$D/text"
	i=0
	while [ $i -lt 2864 ]; do
		folder=$D/tree/d$((i % 40))
		mkdir -p "$folder"
		from=$D/noise
		[ $((i % 2)) = 0 ] || from=$D/text
		head -c $((1024 + (i * 7919 % 1024) * (i * 104729 % 1024) * 548 / 1000)) "$from" >"$folder/f$i"
		i=$((i + 1))
	done
	touch "$D/tree.done"
}
