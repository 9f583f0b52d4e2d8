#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `rimg ls -R --json` prints is, byte for byte, the listing that another reader made of the same
# image (golden/README.md). The first line of a listing is its header.
. tests/lib.sh

echo correct-horse >"$tmp/password"

# listed NAME STEPS [OPTION...]; -q where the image is sound but odd enough for a warning
listed() {
	name=$1 steps=$2
	shift 2
	tail -n +2 "$GOLDEN/$name.jsonl" >"$tmp/expected"
	exits "$name$steps is listed" 0 "$RIMG" ls -R --json "$@" "$GOLDEN/$name.img$steps"
	same "$name$steps: the listing is the other reader's" "$tmp/expected" "$out"
	same "$name$steps: no complaints" /dev/null "$err"
}

for name in basic churned clone empty grown many-long many-short noise reserved shrunk \
	smallest system text tiny wrapped; do
	listed $name ''
done
listed odd '' -q
listed encrypted '' -q --password-file="$tmp/password"
listed disk-installer ::REDOX
listed disk-sgdisk ::3
listed disk-sgdisk ::REDOX::/ -j 1

# the other reader of initfs puts blanks behind colons and commas, and shows reserved bits
for name in initfs-boot initfs-plain; do
	tail -n +2 "$GOLDEN/$name.jsonl" |
		sed 's/": /":/g; s/, "/,"/g; s/,"midbits":"0x0"//' >"$tmp/expected"
	exits "$name is listed" 0 "$RIMG" ls -R --json "$GOLDEN/$name.img"
	same "$name: the listing is the other reader's" "$tmp/expected" "$out"
	same "$name: no complaints" /dev/null "$err"
done

# a directory is listed from itself on, a single level without itself
tail -n +2 "$GOLDEN/basic.jsonl" | grep '^{"path":"/names[/"]' >"$tmp/expected"
exits 'a directory is listed' 0 "$RIMG" ls -R --json "$GOLDEN/basic.img::/names"
same 'a directory: its part of the listing' "$tmp/expected" "$out"
tail -n +2 "$GOLDEN/basic.jsonl" | grep '^{"path":"/[^"/][^"/]*"' >"$tmp/expected"
exits 'one level is listed' 0 "$RIMG" ls --json "$GOLDEN/basic.img"
same 'one level: the entries of the root' "$tmp/expected" "$out"
grep '^{"path":"/hard/a"' "$GOLDEN/basic.jsonl" >"$tmp/expected"
exits 'a file is listed' 0 "$RIMG" ls --json "$GOLDEN/basic.img::/hard/a"
same 'a file: its line' "$tmp/expected" "$out"

# any number of threads gives the same bytes
exits 'with one thread' 0 "$RIMG" ls -R --json -j 1 "$GOLDEN/basic.img"
mv "$out" "$tmp/one"
exits 'with nine threads' 0 "$RIMG" ls -R --json -j 9 "$GOLDEN/basic.img"
same 'one and nine threads print the same' "$tmp/one" "$out"

done_testing
