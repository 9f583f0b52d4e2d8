# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For scripts in tests/cli that are about full and broken disks; sourced after tests/lib.sh. Uses
# tests/tools/fault.c, which is built here.

# faults_build: make the library $fault; false (and said why) where it cannot be
faults_build() {
	fault=$tmp/fault.so
	if ! "${CC:-cc}" -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -shared -fPIC \
		-o "$fault" tests/tools/fault.c -ldl 2>"$tmp/fault.log"; then
		sed 's/^/    /' "$tmp/fault.log"
		return 1
	fi
}

# faults NAME KIND ERROR CHECK COMMAND...: run COMMAND again and again, the first, second, ... call of
# KIND failing with ERROR (see fault.c), until it is not called that often any more, and then ends with
# 0. Beyond the 50th only every 29th fails, unless FAULTS_ALL is set. Each time before, the exit code must be 2 (that of a signal if it is killed) and the function CHECK, which is
# called with the kind, the error and the number, must be content; it also has to make things ready for
# the next run.
faults() {
	name=$1 kind=$2 error=$3 check=$4
	shift 4
	want=2
	case $error in
	KILL) want=137 ;;
	TERM) want=143 ;;
	INT) want=130 ;;
	HUP) want=129 ;;
	esac
	n=1
	while :; do
		rm -f "$tmp/fault.mark"
		# the first line of a message about a child that was killed is the shell's own
		status=$( (
			ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$fault" FAULT_KIND=$kind \
				FAULT_AT=$n FAULT_ERROR=$error FAULT_MARK="$tmp/fault.mark" \
				"$@" >"$out" 2>"$err" </dev/null
			echo $?
		) 2>/dev/null)
		if [ ! -s "$tmp/fault.mark" ]; then
			if [ "$status" = 0 ] && [ $n -gt 1 ]; then
				pass "$name: $kind fails with $error, up to $((n - 1))"
			else
				not_pass "$name: $kind, $error" "exit code $status in the end, after $((n - 1)) failures"
				sed 's/^/    /' "$err"
			fi
			return
		fi
		if [ "$status" != $want ]; then
			not_pass "$name: $kind $n fails with $error" "exit code $status instead of $want"
			sed 's/^/    /' "$err"
			return
		fi
		"$check" "$kind" "$error" $n || {
			not_pass "$name: $kind $n fails with $error" "$check is not content"
			return
		}
		if [ -n "${FAULTS_ALL-}" ] || [ $n -lt 50 ]; then
			n=$((n + 1))
		else
			n=$((n + 29))
		fi
	done
}
