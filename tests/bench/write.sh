#!/bin/sh
# SPDX-License-Identifier: MIT
#
# write.sh DIR: put the tables that the other scripts made in DIR into docs/performance.md, where they
# belong: between "<!-- table NAME -->" and "<!-- end -->". A table that was not made stays as it is.
set -eu
cd "$(dirname "$0")/../.."
tables=$1/tables
sha=without
! grep -q -m 1 -E 'sha_ni| sha2 ' /proc/cpuinfo || sha=with
echo "$(nproc) processors ($(uname -m), $sha SHA instructions), $(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB of memory," \
	"Linux $(uname -r | cut -d. -f 1,2), $(stat -f -c %T "$1"), $(LC_ALL=C date -u +%Y-%m)." >"$tables/machine.md"
awk -v tables="$tables" '
	/^<!-- end -->$/ { skip = 0 }
	skip { next }
	{ print }
	/^<!-- table [a-z]+ -->$/ {
		file = tables "/" $3 ".md"
		while ((getline line <file) > 0) {
			print line
			skip = 1
		}
	}' docs/performance.md >"$tables/new"
mv "$tables/new" docs/performance.md
