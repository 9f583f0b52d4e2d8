#!/bin/sh
# SPDX-License-Identifier: MIT
#
# clif.sh WORKDIR: objects by releases of Cranelift, as lines for WORKDIR/clif.tsv. Each folder of clif/
# is a release with its lock; cargo gets the crates, and builds into WORKDIR. A release that cannot be
# built is skipped, aloud. A line is: kind, corpus, path, functions, percent that has to be attributed.
#
# clif.sh --object PROGRAM ARCH OPT SEED OUT: one object (used by xargs below)
set -u
functions=250

if [ "$1" = --object ]; then
	"$2" "$3" "$4" "$5" $functions "$6"
	exit
fi

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/clif" && work=$(cd "$1" && pwd) || exit 2
command -v cargo >/dev/null || { echo "skipped: Cranelift: cargo is not installed"; exit 0; }

# a release may ask for a newer compiler than it needs
build() {
	for how in '' --ignore-rust-version; do
		cargo build --quiet --release --locked $how --manifest-path "$here/clif/$1/Cargo.toml" \
			--target-dir "$work/clif-target/$1" >"$work/clif/$1.log" 2>&1 && return 0
	done
	return 1
}

# list RELEASE ARCH SEED: at two levels, six seeds each. What a seed varies beside the CLIF it says
# modulo 3, 4 and 5: SEED is a multiple of 60.
list() {
	seed=$3
	for opt in none speed; do
		for _ in 0 1 2 3 4 5; do
			object=$work/clif/$1-$2-$opt-$seed
			frame=frames
			[ $((seed % 4)) = 3 ] && frame="leaves without frame"
			printf '%s\0' "$work/clif-target/$1/release/clif-corpus" "$2" $opt $seed "$object" \
				>>"$work/clif/jobs"
			# code alone leaves small functions undecided, tables alone leaves without a frame
			[ "$frame" = frames ] && demanded=99 || demanded=95
			# nothing of x86-64 is called Cranelift's: docs/audit.md
			[ "$2" = x86_64 ] && demanded=0
			printf 'cranelift\t%s\t%s\t%s\t%s\n' \
				"$2 $1 tables, $frame" "$object-tables.o" $functions $demanded \
				"$2 $1 bare, $frame" "$object-bare.o" $functions 0 >>"$work/clif.tsv"
			seed=$((seed + 1))
		done
	done
}

: >"$work/clif.tsv"
: >"$work/clif/jobs"
seed=0
for folder in "$here"/clif/*/; do
	release=$(basename "$folder")
	[ -f "$folder/Cargo.toml" ] || continue
	if build "$release"; then
		for arch in aarch64 x86_64; do
			list "$release" $arch $seed
			seed=$((seed + 60))
		done
	else
		echo "skipped: Cranelift $release could not be built:"
		tail -n 3 "$work/clif/$release.log"
	fi
done
xargs -0 -r -n 5 -P "$(nproc)" "$0" --object <"$work/clif/jobs" || exit 1
echo "cranelift: $(wc -l <"$work/clif.tsv") objects"
