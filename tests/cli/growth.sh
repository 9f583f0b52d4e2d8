#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What commands ask of the system, counted instead of timed: bytes read and written, calls, threads and
# memory, for each byte of an image and each file in it. docs/performance.md has the times.
. tests/lib.sh

count=$tmp/count.so
"${CC:-cc}" -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -shared -fPIC -o "$count" tests/tools/count.c -ldl \
	2>"$tmp/count.log" || skip "tests/tools/count.c cannot be built: $(head -n 1 "$tmp/count.log")"
sanitized=
if grep -q -e __asan_init -e __tsan_init "$RIMG"; then
	sanitized=yes
	echo 'skipped: bounds of memory: a sanitizer takes several times as much'
fi

# counted EXIT COMMAND...: run it, and leave its figures in $reads, $read, $writes, $written, $opened,
# $threads and $memory
counted() {
	want=$1
	shift
	rm -f "$tmp/figures"
	status=0
	COUNT_FILE=$tmp/figures ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$count \
		"$@" >"$out" 2>"$err" </dev/null || status=$?
	[ $status = "$want" ] || {
		not_pass "$*" "exit code $status instead of $want"
		sed 's/^/    /' "$err"
	}
	while read -r key number; do
		eval "$key=\$number"
	done <"$tmp/figures"
}

# at_most NAME FIGURE BOUND: both whole numbers
at_most() {
	if [ "$2" -le "$3" ]; then
		pass "$1 ($2 of $3)"
	else
		not_pass "$1" "$2, expected at most $3"
	fi
}

# memory_at_most NAME FIGURE BOUND: in KiB
memory_at_most() {
	[ -n "$sanitized" ] || at_most "$@"
}

# ---- each byte once, or twice ----

mib=1048576
mkdir "$tmp/tree"
for i in 1 2 3 4 5 6 7 8; do
	seq $((i * 1000000)) $((i * 1000000 + 500000)) | head -c $((3 * mib)) >"$tmp/tree/f$i"
done
tree=$((24 * mib))

# inodes, lists, and the ring of headers, a MiB that is read three times
some=$((5 * mib))
counted 0 "$RIMG" redoxfs "$tmp/tree" -o "$tmp/a.img" -s 512MiB
at_most 'a build writes each byte once' "$written" $((tree + some))
# the tree to write it and to compare it; the image to compare it, and for its digest
at_most 'and reads the tree twice and the image twice, but no holes' "$read" $((4 * tree + 2 * some))
at_most 'in pieces, not in blocks' "$reads" 2500
at_most 'and in pieces it writes' "$writes" 400
counted 0 "$RIMG" -q redoxfs "$tmp/tree" -o "$tmp/b.img" -s 512MiB
at_most 'for a digest that nobody sees nothing is read' "$read" $((3 * tree + 2 * some))

cp --sparse=always "$tmp/a.img" "$tmp/b.img"
counted 0 "$RIMG" diff "$tmp/a.img" "$tmp/b.img"
at_most 'equal images are read once' "$read" $((2 * (tree + some)))
counted 0 "$RIMG" verify check "$tmp/a.img"
at_most 'a check reads each byte once, and the first MiB of each file, where RedoxFS may begin, twice' "$read" \
	$((tree + 8 * mib + some))
counted 0 "$RIMG" verify audit "$tmp/a.img"
at_most 'an audit looks at each byte at most three times' "$read" $((3 * (tree + some)))
counted 0 "$RIMG" info "$tmp/a.img"
at_most 'what an image is: so is what says it, which checks, too' "$read" $((tree + some))
counted 0 "$RIMG" ls -R "$tmp/a.img"
at_most 'names are told without contents' "$read" "$some"

# ---- the size of an image ----

mkdir "$tmp/few"
cp "$tmp/tree/f1" "$tmp/few/f1"
# not built but made longer, as the digest of a built one has all of its bytes
exits 'a small image' 0 "$RIMG" redoxfs "$tmp/few" -o "$tmp/small.img" -s 64MiB
cp --sparse=always "$tmp/small.img" "$tmp/large.img"
truncate -s 64G "$tmp/large.img"
for command in 'verify check' 'verify audit' info 'ls -R'; do
	# shellcheck disable=SC2086 # a command and its word; what is behind the volume may be a finding
	set -- $command
	COUNT_FILE=$tmp/figures ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$count \
		"$RIMG" "$@" "$tmp/small.img" >"$out" 2>"$err"
	small=$(sed -n 's/^memory //p' "$tmp/figures")
	COUNT_FILE=$tmp/figures ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$count \
		"$RIMG" "$@" "$tmp/large.img" >"$out" 2>"$err"
	large=$(sed -n 's/^memory //p' "$tmp/figures")
	memory_at_most "$command: 64 GiB take no more memory than 64 MiB" "$large" $((small + 3072))
	at_most "$command: and are not read" "$(sed -n 's/^read //p' "$tmp/figures")" $((16 * mib))
done

# ---- the number of files ----

# files N: a tree of them, in folders of a thousand, without a process for each
files() {
	awk -v n="$1" -v dir="$2" 'BEGIN {
		for (i = 0; i < n; i++) {
			if (i % 1000 == 0) {
				folder = sprintf("%s/d%03d", dir, i / 1000)
				system("mkdir -p " folder)
			}
			file = sprintf("%s/file-%06d", folder, i)
			printf "number %d\n", i >file
			close(file)
		}
	}'
}

files 1000 "$tmp/1"
files 11000 "$tmp/11"

# grows NAME KIB READS COMMAND...: what 10,000 files more take, for each of them; @ stands for the tree
# or image
grows() {
	name=$1 kib=$2 calls=$3
	shift 3
	counted 0 "$RIMG" "$@" "$tmp/1$image"
	first_memory=$memory first_reads=$reads first_read=$read
	counted 0 "$RIMG" "$@" "$tmp/11$image"
	memory_at_most "$name: at most $kib KiB for a file" $((memory - first_memory)) $((kib * 10000))
	at_most "$name: at most $calls reads for a file" $((reads - first_reads)) $((calls * 10000))
	at_most "$name: at most 32 KiB are read for a file" $(((read - first_read) / 10000)) 32768
	at_most "$name: no thread for each file" "$threads" 3000
}

image=
for n in 1 11; do
	counted 0 "$RIMG" redoxfs "$tmp/$n" -o "$tmp/$n.img"
	eval "memory_$n=\$memory reads_$n=\$reads opened_$n=\$opened"
done
memory_at_most 'build: at most 3 KiB for a file' $((memory_11 - memory_1)) 30000
at_most 'build: at most 6 reads for a file' $((reads_11 - reads_1)) 60000
at_most 'build: a file is opened three times' $((opened_11 - opened_1)) 30100

image=.img
grows 'check' 2 4 verify check
grows 'audit' 3 7 verify audit
grows 'info' 2 4 info
grows 'ls -R' 2 4 ls -R
cp "$tmp/11.img" "$tmp/other.img"
at=$(grep -obUa -m 1 'number 5000' "$tmp/other.img" | head -n 1 | cut -d: -f 1)
printf N | dd of="$tmp/other.img" bs=1 seek="$at" conv=notrunc status=none
counted 1 "$RIMG" diff "$tmp/11.img" "$tmp/other.img"
memory_at_most 'diff: at most 4 KiB for a file of both sides' "$memory" 56000
at_most 'diff: no thread for each file' "$threads" 100

done_testing
