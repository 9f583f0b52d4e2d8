# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For the scripts in tests/cli, which run from the project's root with $RIMG (the program) and $GOLDEN
# (the unpacked golden images) set, or by hand after `make golden`. A script looks like this:
#
#     . tests/lib.sh
#     exits 'a missing file is trouble' 2 "$RIMG" ls no-such-file
#     same 'and nothing is printed' /dev/null "$out"
#     done_testing
#
# Each check prints a line "ok - NAME" or "not ok - NAME".
set -u

: "${RIMG:=out/rimg}" "${GOLDEN:=out/golden}"
export LC_ALL=C.UTF-8
# verify rebuild preloads faketime, which a program that checks its memory would refuse
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/rimg-test-XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
out=$tmp/stdout
err=$tmp/stderr
n_checks=0
n_failed=0

# skip WHY: leave the script; the runner says that it was skipped
skip() {
	echo "$*"
	exit 77
}

# need PROGRAM: skip the script without it
need() {
	command -v "$1" >/dev/null 2>&1 || skip "$1 is not installed (docs/packages.txt)"
}

pass() {
	n_checks=$((n_checks + 1))
	echo "ok - $1"
}

# not_pass NAME WHY
not_pass() {
	n_checks=$((n_checks + 1))
	n_failed=$((n_failed + 1))
	echo "not ok - $1: $2"
}

# small_program FILE: an ELF program of 64 bytes, all of them its header, that runs at 0x2000
small_program() {
	{
		printf '\177ELF\002\001\001'
		head -c 9 /dev/zero
		printf '\002\000\267\000\001\000\000\000\000\040\000\000'
		head -c 24 /dev/zero
		printf '\100\000\070\000\000\000\100\000\000\000\000\000'
	} >"$1"
}

# exits NAME CODE COMMAND...: run it, with its output in $out and $err; the exit code must be CODE
exits() {
	name=$1 code=$2
	shift 2
	status=0
	"$@" >"$out" 2>"$err" </dev/null || status=$?
	if [ "$status" = "$code" ]; then
		pass "$name"
	else
		not_pass "$name" "exit code $status instead of $code from: $*"
		sed 's/^/    /' "$err"
	fi
}

# same NAME EXPECTED ACTUAL: two files hold the same bytes
same() {
	if cmp -s "$2" "$3"; then
		pass "$1"
	else
		not_pass "$1" "$3 is not as expected (<)"
		diff "$2" "$3" | head -n 40 | sed 's/^/    /'
	fi
}

# says NAME TEXT FILE: a line of FILE holds TEXT, word for word
says() {
	if grep -qF -e "$2" "$3"; then
		pass "$1"
	else
		not_pass "$1" "\"$2\" is not in:"
		head -n 40 "$3" | sed 's/^/    /'
	fi
}

# done_testing: the last line of each script
done_testing() {
	if [ "$n_failed" != 0 ]; then
		echo "$n_failed of $n_checks checks failed"
		exit 1
	fi
	[ "$n_checks" != 0 ] || exit 1
	echo "all $n_checks checks passed"
	exit 0
}
