# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For scripts in tests/cli that are about full and broken disks, and want of memory; sourced after
# tests/lib.sh. Uses tests/tools/fault*.c, of which a library is built here.

# faults_build: make the library $fault; false (and said why) where it cannot be
faults_build() {
	fault=$tmp/fault.so
	if ! "${CC:-cc}" -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -shared -fPIC \
		-o "$fault" tests/tools/fault.c tests/tools/fault_each.c tests/tools/fault_judge.c \
		-ldl 2>"$tmp/fault.log"; then
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

# each NAME KINDS ERRORS COMMAND...: run COMMAND in a copy of the folder $seed; at each call of KINDS
# (see fault.c) a copy of the process gets each of ERRORS, and must end as fault_judge.c says. With
# FAULT_STEP only each one of so many calls.
# Leaks are not looked for: OpenSSL, without memory, loses what it had got, and cannot be told apart.
each() {
	name=$1 kinds=$2 errors=$3
	shift 3
	each=$tmp/each
	rm -rf "$each" && mkdir "$each" || exit 1
	for dir in work old new; do
		cp -a "$seed" "$each/$dir"
	done
	(cd "$each/new" && exec "$@" >"$each/out" 2>"$each/err" </dev/null)
	echo $? >"$each/status"
	if grep -q 'memory' "$each/err"; then
		not_pass "$name" "it lacks memory without a fault: $(cat "$each/err")"
	fi
	(
		cd "$each/work" &&
			timeout "${FAULT_TIMEOUT:-3000}" env LD_PRELOAD="$fault" FAULT_AT=each \
				ASAN_OPTIONS=verify_asan_link_order=0:exitcode=99:detect_leaks=0 \
				UBSAN_OPTIONS=exitcode=99 \
				FAULT_KIND="$kinds" FAULT_ERROR="$errors" FAULT_STEP="${FAULT_STEP:-1}" \
				FAULT_DIR="$each" "$@" >"$each/work.out" 2>"$each/work.err" </dev/null
		[ $? = "$(cat "$each/status")" ]
	) || {
		not_pass "$name: $kinds" 'it does not end as without faults'
		sed 's/^/    /' "$each/work.err"
		return
	}
	[ -e "$each/count" ] || echo 0 0 0 0 0 >"$each/count"
	read -r n_calls n_refused n_same n_library n_wrong <"$each/count"
	each_calls=$((each_calls + n_calls))
	each_copies=$((each_copies + n_refused + n_same + n_library + n_wrong))
	each_library=$((each_library + n_library))
	if [ "$n_calls" = 0 ] && [ -n "${optional-}" ]; then
		return
	elif [ "$n_calls" = 0 ]; then
		not_pass "$name: $kinds" 'there is no such call'
	elif [ -n "${FAULT_FRESH-}" ] && [ "$n_wrong" = 0 ]; then
		pass "$name: $kinds, $errors: of $n_calls calls $n_refused refused, $n_same without effect, $n_library in a library"
	elif [ "$n_wrong" != 0 ]; then
		not_pass "$name: $kinds, $errors" "$n_wrong of $n_calls calls"
		sed 's/^/    /' "$each/log" | head -n 20
		[ -z "${FAULT_KEEP-}" ] || cp "$each/log" "$FAULT_KEEP/$name.$(echo "$kinds" | tr ' ' -).log"
	elif ! cmp -s "$each/out" "$each/work.out" || ! diff -r "$each/new" "$each/work" >/dev/null; then
		not_pass "$name: $kinds" 'the process itself made something else than without faults'
	else
		pass "$name: $kinds, $errors: of $n_calls calls $n_refused refused, $n_same without effect, $n_library in a library"
	fi
}
each_calls=0
each_copies=0
each_library=0
