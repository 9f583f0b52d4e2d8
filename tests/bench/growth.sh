#!/bin/sh
# SPDX-License-Identifier: MIT
#
# growth.sh DIR: how do time and memory grow with the size of an image, with the number of files in it
# and with the number of functions in a program? The images of many sizes are sparse, and hold the same
# 20 files. Needs about 3 GiB in DIR.
#
# RUNS=n (3; once where a run takes long)
RUNS=${RUNS:-3}
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
export A B
A=$D/growth-a.img B=$D/growth-b.img

begin() {
	table=$D/tables/$1.md
	shift
	{
		printf '|'
		printf ' %s |' "$@"
		printf '\n'
		printf '|'
		printf -- '---|%.0s' "$@"
		printf '\n'
	} | tee "$table"
}

# cell EXIT COMMAND: processor time, which other work on the machine changes least, and memory
cell() {
	# shellcheck disable=SC2046 # numbers
	set -- "$1" $("$MEASURE" "$runs" sh -c "$2")
	[ "$6" = "$1" ] || { echo "bench: exit code $6, expected $1" >&2 && exit 1; }
	awk -v ms="$7" -v kib="$5" 'BEGIN { printf " %s, %d MiB |", ms < 10000 ? ms " ms" : sprintf("%.1f s", ms / 1000), kib / 1024 }' |
		tee -a "$table"
}

# row LABEL TREE SIZE: the commands on an image of TREE
row() {
	tree=$2 size=$3
	export tree size
	printf '| %s |' "$1" | tee -a "$table"
	rm -f "$A" "$B"
	cell 0 'exec "$RIMG" redoxfs "$tree" -o "$A" $size'
	cp --sparse=always "$A" "$B"
	# a byte of a file's data, in the one that is looked for by its text
	at=$(grep -obUa -m 1 'the byte that differs' "$B" | head -n 1 | cut -d: -f 1)
	printf T | dd of="$B" bs=1 seek="$at" conv=notrunc status=none
	cell 0 'exec "$RIMG" verify check "$A"'
	cell 0 'exec "$RIMG" diff "$A" "$A"'
	cell 1 'exec "$RIMG" diff "$A" "$B"'
	cell 0 'exec "$RIMG" verify audit "$A"'
	cell 0 'exec "$RIMG" info "$A"'
	cell 0 'exec "$RIMG" ls -R "$A"'
	echo | tee -a "$table"
}

# files N: a tree of N small files, a thousand in a folder
files() {
	rm -rf "$D/files"
	mkdir "$D/files"
	awk -v n="$1" -v dir="$D/files" 'BEGIN {
		for (i = 0; i < n; i++) {
			if (i % 1000 == 0) {
				folder = sprintf("%s/d%05d", dir, i / 1000)
				system("mkdir " folder)
			}
			file = sprintf("%s/file-%06d", folder, i)
			printf "this is file number %d, and that is all it holds\n", i >file
			if (i == int(n / 2))
				print "the byte that differs" >file
			close(file)
		}
	}'
}

files 20
head -c 3000000 /dev/urandom >"$D/files/d00000/noise"
begin size 'size' 'build' 'check' 'diff, equal' 'diff, one byte' 'audit' 'info' 'ls -R'
for mib in 16 64 256 1024 4096 16384 65536; do
	runs=$RUNS
	[ $mib -lt 4096 ] || runs=0
	label="$mib MiB"
	[ $mib -lt 1024 ] || label="$((mib / 1024)) GiB"
	row "$label" "$D/files" "-s ${mib}MiB"
done

begin files 'files' 'build' 'check' 'diff, equal' 'diff, one byte' 'audit' 'info' 'ls -R'
for n in 10 100 1000 10000 100000 200000; do
	runs=$RUNS
	[ $n -lt 10000 ] || runs=0
	files $n
	row "$n" "$D/files" ''
done
rm -rf "$D/files" "$A" "$B"

# program N CHANGE: an x86-64 program of N functions; CHANGE: an instruction that all have more
program() {
	awk -v n="$1" -v more="$2" 'BEGIN {
		for (i = 0; i < n; i++) {
			f = sprintf("f%06d", i)
			printf ".globl %s\n.type %s,@function\n%s: push %%rbp\n mov $%d,%%eax\n%s\n call f%06d\n pop %%rbp\n ret\n.size %s,.-%s\n",
				f, f, f, i * 7 + 1, more, (i * 31 + 7) % n, f, f
		}
		print ".globl _start\n_start: ret"
	}' | as -o "$D/program.o" -
	ld -o "$3" "$D/program.o"
	rm -f "$D/program.o"
}

if [ "$(uname -m)" != x86_64 ] || ! command -v as ld >"$D/log"; then
	begin functions 'functions' 'figures'
	echo '| | skipped: needs as and ld for x86-64 |' | tee -a "$table"
	exit 0
fi
begin functions 'functions' 'diff, all differ' 'audit' 'ls -R'
for n in 1000 10000 50000 200000; do
	runs=$RUNS
	[ $n -lt 50000 ] || runs=0
	program $n '' "$A"
	program $n ' add $9,%eax' "$B"
	printf '| %s |' "$n" | tee -a "$table"
	cell 1 'exec "$RIMG" diff "$A" "$B"'
	cell 1 'exec "$RIMG" verify audit "$A"'
	cell 0 'exec "$RIMG" ls -R "$A"'
	echo | tee -a "$table"
done
rm -f "$A" "$B" "$D/log"
