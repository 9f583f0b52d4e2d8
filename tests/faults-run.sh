#!/bin/sh
# SPDX-License-Identifier: MIT
#
# faults-run.sh LOGDIR [LABEL...]: tests/cli/every-fault.sh with calls of all kinds, one command at a
# time on each processor, and a sum. Whole outputs are kept as LOGDIR/LABEL.log, what went wrong as
# LOGDIR/LABEL.KINDS.log. By default all commands, with every call.
set -u
logs=$1
shift
rm -rf "$logs" && mkdir -p "$logs" || exit 1
logs=$(realpath "$logs")
[ $# != 0 ] || set -- $(sed -n 's/^command \([a-z-]*\) .*/\1/p' tests/cli/every-fault.sh) kill
export FAULT_CALLS=1 FAULT_STEP="${FAULT_STEP:-1}" FAULT_KEEP="$logs"

printf '%s\n' "$@" | LOGS=$logs xargs -P "$(nproc)" -I '{}' sh -c '
	FAULT_ONLY={} sh tests/cli/every-fault.sh >"$LOGS/{}.log" 2>&1 || echo {} >>"$LOGS/failed"
	sed -n "/^ok - {}: /p; /^not ok - /,/^ok - /p" "$LOGS/{}.log"'
cat "$logs"/*.log | awk '/ failures at [0-9]+ calls; / { copies += $1; calls += $4; library += $6 }
	END { print copies " failures at " calls " calls; " library " of them within a library that does not stand that" }'
if [ -e "$logs/failed" ]; then
	echo "FAILED: $(sort "$logs/failed" | tr '\n' ' ')"
	exit 1
fi
