#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh libfuzzer|afl FOLDER MINUTES TARGET... - fuzz each target in turn
#
# FOLDER holds what `make fuzz-build` made; below it go the corpora that grow, the logs, and what
# crashes. Inputs are as long as the longest seed, or 1 KiB. Stops at the first crash. Whatever is in
# ASAN_OPTIONS counts, too.

set -eu

engine=$1 out=$2 minutes=$3
shift 3

# a small quarantine stays in the processor's cache: twice as many runs
export ASAN_OPTIONS="quarantine_size_mb=8:malloc_context_size=8:${ASAN_OPTIONS:-}"

# seeds NAME: the folder with its seeds, never empty
seeds() {
	mkdir -p "$out/seeds/$1"
	printf '\n' >"$out/seeds/$1/none"
	test ! -d "tests/fuzz/corpus/$1" || cp "tests/fuzz/corpus/$1"/* "$out/seeds/$1"
}

longest() {
	find "$out/seeds/$1" -type f -printf '%s\n' | sort -n | awk '{ n = $1 } END { print (n > 1024 ? n : 1024) }'
}

dictionary() {
	test ! -f "tests/fuzz/$1.dict" || printf '%s%s\n' "$2" "tests/fuzz/$1.dict"
}

libfuzzer() {
	mkdir -p "$out/corpus/$1"
	"$out/engine_$1" -max_total_time=$((minutes * 60)) -max_len="$(longest "$1")" \
		-timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$out/$1-" \
		$(dictionary "$1" -dict=) "$out/corpus/$1" "$out/seeds/$1" >"$out/$1.log" 2>&1 || {
		tail -n 60 "$out/$1.log"
		echo "fuzz $1: see $out/$1.log; the input is $out/$1-*" >&2
		exit 1
	}
	echo "fuzz $1: $(sed -n 's/.*number_of_executed_units: *//p' "$out/$1.log") runs"
}

afl() {
	export ASAN_OPTIONS="abort_on_error=1:symbolize=0:$ASAN_OPTIONS"
	export UBSAN_OPTIONS="abort_on_error=1:symbolize=0:${UBSAN_OPTIONS:-}"
	export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
	mkdir -p "$out/found"
	FUZZ_SEAL=$1 AFL_CUSTOM_MUTATOR_LIBRARY=$out/mutator.so afl-fuzz -i "$out/seeds/$1" \
		-o "$out/found/$1" -V $((minutes * 60)) -m none -t 10000 -G "$(longest "$1")" \
		$(dictionary "$1" '-x ') -- "$out/engine_$1" >"$out/$1.log" 2>&1 || {
		tail -n 40 "$out/$1.log"
		exit 1
	}
	set -- "$1" "$out/found/$1/default"
	echo "fuzz $1: $(sed -n 's/^execs_done *: *//p' "$2/fuzzer_stats") runs," \
		"$(sed -n 's/^edges_found *: *//p' "$2/fuzzer_stats") edges"
	if [ "$(sed -n 's/^saved_\(crashes\|hangs\) *: *//p' "$2/fuzzer_stats" | tr -d '\n')" != 00 ]; then
		echo "fuzz $1: see $2/crashes and $2/hangs" >&2
		exit 1
	fi
}

for name; do
	seeds "$name"
	"$engine" "$name"
done
