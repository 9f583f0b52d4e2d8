#!/bin/sh
# SPDX-License-Identifier: MIT
#
# inputs.sh DIR: the inputs of examples/denovo/phase1.toml, made here: a stub kernel that prints what
# the boot loader handed to it, a stub bootstrap program, and a small initfs. Needs binutils for
# aarch64 (docs/packages.txt). The same bytes every time.
set -eu
dir=$1
here=$(cd "$(dirname "$0")" && pwd)
as=aarch64-linux-gnu-as
ld=aarch64-linux-gnu-ld
command -v $as >/dev/null 2>&1 || {
	echo "$as is not installed (docs/packages.txt)" >&2
	exit 77
}
mkdir -p "$dir/initfs/bin" "$dir/initfs/etc"
for stub in kernel bootstrap; do
	$as -o "$dir/$stub.o" "$here/stub-$stub.S"
	$ld -n -s -T "$here/stub-$stub.ld" -o "$dir/$stub" "$dir/$stub.o"
	rm -f "$dir/$stub.o"
done
# bytes behind the program, which the loader maps and nothing looks at: records of every kind
i=0
while [ $i -lt 20000 ]; do
	printf 'record %06d of the stub kernel, which packs well\n' $i
	i=$((i + 1))
done >>"$dir/kernel"
cp "$dir/bootstrap" "$dir/initfs/bin/init"
chmod 755 "$dir/kernel" "$dir/bootstrap" "$dir/initfs/bin/init"
printf 'stub\n' >"$dir/initfs/etc/hostname"
