#!/bin/sh
# SPDX-License-Identifier: MIT
#
# valgrind.sh LOGDIR PROGRAM...: test programs under memcheck, and each command line of
# tests/cli/every-fault.sh. An error is what it calls one, and memory that nothing leads to any more.
# What is left out is listed at the end.
set -u
logs=$1
shift
command -v valgrind >/dev/null || {
	echo 'SKIPPED: valgrind is not installed (docs/packages.txt)'
	exit 77
}
rm -rf "$logs" && mkdir -p "$logs" || exit 1
logs=$(realpath "$logs")
supp=$(realpath tests/tools/valgrind.supp)
export MEMCHECK="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
	--show-leak-kinds=definite --suppressions=$supp"

# a process that is confined, or whose allocations fail, or that counts what the machine does
left_out='test_sandbox test_oom test_pool test_elf_readelf'
programs=
for program in "$@"; do
	case " $left_out " in
	*" $(basename "$program") "*) ;;
	*) programs="$programs $program" ;;
	esac
done

"${CC:-cc}" -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -shared -fPIC -o "$logs/unconfined.so" \
	tests/tools/unconfined.c -ldl || exit 1
# shellcheck disable=SC2086 # words
printf '%s\n' commands $programs | LOGS=$logs xargs -P "$(nproc)" -I '{}' sh -c '
	name=$(basename {})
	if [ {} = commands ]; then
		FAULT_BESIDE="env LD_PRELOAD=$LOGS/unconfined.so" FAULT_TOOL=$MEMCHECK sh tests/cli/every-fault.sh
	else
		timeout 1200 $MEMCHECK {}
	fi >"$LOGS/$name.log" 2>&1 </dev/null && echo "ok       $name" || {
		echo "$name" >>"$LOGS/failed"
		grep -e "^==" -e "^not ok" "$LOGS/$name.log" | head -n 30
		echo "FAILED   $name"
	}'
for name in $left_out; do
	echo "SKIPPED  $name: not under valgrind"
done
echo 'SKIPPED  scripts of tests/cli but for the command lines of every-fault.sh; fuzz corpora (make check-asan has them)'
if [ -e "$logs/failed" ]; then
	echo "FAILED: $(sort "$logs/failed" | tr '\n' ' ')"
	exit 1
fi
