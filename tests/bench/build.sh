#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh DIR: what does it cost to make a RedoxFS of 512 MiB from 400 MiB in 2,864 files, and to judge
# it? Against cp -a of the same tree, and redoxfs-ar if it is there (REDOXFS_AR=path, or that of
# `make interop`).
#
# RUNS=n (9), THREADS=n (as many as there are processors)
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
: "${REDOXFS_AR:=out/interop/upstream/bin/redoxfs-ar}"
make_tree
cat "$D"/tree/*/* >"$D/log" # into the page cache
rm -rf "$D/log" "$D/copies"
mkdir "$D/copies"
export REDOXFS_AR

# Nothing stands where they write, and nothing waits to be written. Before each run what the one before
# made gives its memory back: a virtual machine's host takes back what is not used for long, and to get
# it again takes longer than to fill it. Copies are made empty, and removed in the end: some file systems
# look long for an inode right after thousands were freed.
before='rm -f "$D"/out-*.img; find "$D/copies" -type f -size +0 -exec truncate -s 0 {} +; sync -f "$D"'

table build 'cp -a'
command_is '`cp -a`' 0 'exec cp -a "$D/tree" "$(mktemp -d "$D/copies/XXXXXX")"'
command_is '`cp -a`, `sync`' 0 'to=$(mktemp -d "$D/copies/XXXXXX"); cp -a "$D/tree" "$to" && sync -f "$to"'
command_is '`cp -a`, `sync`, `diff -r`, `sha256sum` of all: what `rimg` does, too' 0 \
	'to=$(mktemp -d "$D/copies/XXXXXX"); cp -a "$D/tree" "$to" && sync -f "$to" && diff -r "$D/tree" "$to/tree" && find "$to" -type f -exec sha256sum {} +'
command_is '`rimg redoxfs`, plain' 0 'exec "$RIMG" -j "$THREADS" redoxfs "$D/tree" -o "$D/out-1.img" -s 512MiB -c none'
command_is '`rimg -q redoxfs`, plain, no digest' 0 'exec "$RIMG" -q -j "$THREADS" redoxfs "$D/tree" -o "$D/out-1.img" -s 512MiB -c none'
command_is '`rimg redoxfs`, LZ4' 0 'exec "$RIMG" -j "$THREADS" redoxfs "$D/tree" -o "$D/out-1.img" -s 512MiB -c lz4'
command_is '`rimg -q redoxfs`, LZ4, no digest' 0 'exec "$RIMG" -q -j "$THREADS" redoxfs "$D/tree" -o "$D/out-1.img" -s 512MiB -c lz4'
if [ -x "$REDOXFS_AR" ]; then
	command_is '`redoxfs-ar`, LZ4, one thread' 0 'truncate -s 512M "$D/out-2.img" && exec "$REDOXFS_AR" "$D/out-2.img" "$D/tree"'
fi
run_group "$before"
[ -x "$REDOXFS_AR" ] || left_out '`redoxfs-ar`' 'not there; make interop builds it'
rm -rf "$D/copies"

[ -e "$D/tree.img" ] || "$RIMG" -q redoxfs "$D/tree" -o "$D/tree.img" -s 512MiB
cat "$D/tree.img" >"$D/log"
rm -f "$D/log" "$D"/out-*.img

table judge 'sha256sum of the image'
command_is '`sha256sum`' 0 'exec sha256sum "$D/tree.img"'
command_is '`rimg verify check`' 0 'exec "$RIMG" -j "$THREADS" verify check "$D/tree.img"'
command_is '`rimg verify audit`: no program in it, all of it is looked through for code' 0 \
	'exec "$RIMG" -j "$THREADS" verify audit "$D/tree.img"'
command_is '`rimg info`' 0 'exec "$RIMG" info "$D/tree.img"'
command_is '`rimg ls -R`' 0 'exec "$RIMG" ls -R "$D/tree.img"'
run_group true

# 100 MiB of AArch64 code: functions of 96 instructions, which an assembler takes as bytes
if command -v aarch64-linux-gnu-as >"$D/log"; then
	if [ ! -e "$D/code.elf" ]; then
		awk 'BEGIN {
			print ".text"
			for (i = 0; i < 273067; i++) {
				printf ".globl f%d\n.type f%d,%%function\nf%d:\n stp x29, x30, [sp, #-32]!\n mov x29, sp\n stp x19, x20, [sp, #16]\n", i, i, i
				for (k = 0; k < 88; k++)
					printf " add x%d, x%d, #%d\n", k % 18, (k * 7 + i) % 18, (i + k * 13) % 4096
				printf " bl f%d\n mov x0, x19\n ldp x19, x20, [sp, #16]\n ldp x29, x30, [sp], #32\n ret\n.size f%d,.-f%d\n", (i * 31) % 273067, i, i
			}
		}' | aarch64-linux-gnu-as -o "$D/code.o" -
		aarch64-linux-gnu-ld -Ttext=0x400000 -e 0 -o "$D/code.elf" "$D/code.o"
		rm -f "$D/code.o"
	fi
	table code 'sha256sum of the program'
	command_is '`sha256sum`' 0 'exec sha256sum "$D/code.elf"'
	command_is '`rimg verify audit`, 100 MiB of code in 273,067 functions' 1 'exec "$RIMG" verify audit "$D/code.elf"'
	run_group true
else
	table code 'sha256sum of the program'
	left_out '`rimg verify audit` of code' 'aarch64-linux-gnu-as is missing'
fi
rm -f "$D/log"
