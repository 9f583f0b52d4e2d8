#!/bin/sh
# SPDX-License-Identifier: MIT
#
# describe.sh LIBRARY: what programs that were linked with librimg.so rely on: symbols with their
# versions, prototypes, sizes, offsets, values. Of machines with 64 bits; the recorded description is
# tests/abi/librimg.abi. After a change that is meant:
#
#     tests/abi/describe.sh out/librimg.so >tests/abi/librimg.abi
#
# and docs/embedding.md, "Versions", says which changes may be meant.
set -eu
export LC_ALL=C
library=$1
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for header in include/rimg/*.h; do
	echo "#include <rimg/${header##*/}>"
done >"$work/all.c"
${CC:-gcc} -std=c11 -gdwarf-4 -fno-eliminate-unused-debug-types -Iinclude -c "$work/all.c" -o "$work/all.o"
gcc -std=c11 -Iinclude -fsyntax-only -aux-info "$work/prototypes" "$work/all.c"

echo "soname $(readelf -d "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p')"
# defined ones alone; the node itself is an absolute symbol
readelf --dyn-syms -W "$library" |
	awk '$7 ~ /^[0-9]+$/ && $8 ~ /@/ { print "symbol " $8 " " $4 }' | sort
sed -n 's|^/\* include/rimg/[^ ]* \*/ extern |function |p' "$work/prototypes" | sort
readelf --debug-dump=info "$work/all.o" | awk -f tests/abi/types.awk
sed -n 's/^#define \(RIMG_[A-Z0-9_]*\) \(..*\)/constant \1 = \2/p' include/rimg/*.h | grep -v 'RIMG_VERSION =' | sort
