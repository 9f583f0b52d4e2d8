#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The text of ls, and cat and info. JSON listings are in listings.sh, damaged images in broken.sh.
. tests/lib.sh

basic=$GOLDEN/basic.img
disk=$GOLDEN/disk-sgdisk.img
initfs=$GOLDEN/initfs-boot.img

# prints NAME COMMAND...: exit code 0, no complaints, and on stdout what is on stdin
prints() {
	label=$1
	shift
	cat >"$tmp/expected"
	exits "$label" 0 "$@"
	same "$label: the result" "$tmp/expected" "$out"
	same "$label: no complaints" /dev/null "$err"
}

# ---- ls

prints 'a disk' "$RIMG" ls "$disk" <<'END'
BIOS
EFI
REDOX
END

# names as golden/make-inputs.py gives them; sorted by bytes, escaped
prints 'names' "$RIMG" ls "$basic::/names" <<END
 lead
-dash
..two
.hidden
1
UPPER
a b
back\\\\slash
n2
new\\nline
$(printf '%0124d127' 0 | tr 0 n)
$(printf '%0125d128' 0 | tr 0 n)
$(printf '%0248d251' 0 | tr 0 n)
$(printf '%0249d252' 0 | tr 0 n)
quo"te
star*?[x]
tab\\there
trail 
upper
été
日本語
🦀
END

# times as in golden/basic.jsonl, in another spelling
prints 'long lines' "$RIMG" ls -l "$basic::/modes" <<'END'
----------   1       0:0           2 2026-11-23T09:46:44Z m-0000
-r--------   1       0:0           4 2026-11-23T09:46:44Z m-0400
-rw-------   1       0:0           4 2026-11-23T09:46:44Z m-0600
-rw-r--r--   1       0:0           4 2026-11-23T09:46:44Z m-0644
-rwxr-xr-x   1       0:0           4 2026-11-23T09:46:44Z m-0755
-rwxrwxrwx   1       0:0           4 2026-11-23T09:46:44Z m-0777
-rwxrwxrwt   1       0:0           5 2026-11-23T09:46:44Z m-1777
-rwxr-sr-x   1       0:0           5 2026-11-23T09:46:44Z m-2755
-rwsr-xr-x   1       0:0           5 2026-11-23T09:46:44Z m-4755
-rwsrwsrwt   1       0:0           5 2026-11-23T09:46:44Z m-7777
END
prints 'owners' "$RIMG" ls -l "$basic::/owners" <<'END'
-rw-r-----   1       1:2           6 2026-11-23T09:46:44Z o-1-2
-rw-r-----   1 1000:1000           6 2026-11-23T09:46:44Z o-1000-1000
-rw-r-----   1 4294967294:4294967294           6 2026-11-23T09:46:44Z o-4294967294-4294967294
-rw-r-----   1 65534:65534           6 2026-11-23T09:46:44Z o-65534-65534
END
prints 'hard links and other kinds' "$RIMG" ls -ql "$GOLDEN/odd.img::/dir" <<'END'
?rw-r--r--   1       0:0           0 2023-11-14T22:13:21Z char
-rw-r--r--   1       0:0          40 2023-11-14T22:13:22Z extremely-far
-rw-r--r--   1       0:0     3145733 2023-11-14T22:13:21Z far
?rw-r--r--   1       0:0           0 2023-11-14T22:13:21Z fifo
-rw-r--r--   2       0:0        5000 2023-11-14T22:13:21Z hard
-rw-r--r--   2       0:0        5000 2023-11-14T22:13:21Z hard2
-rw-r--r--   1       0:0     1048576 2023-11-14T22:13:22Z inline-grown-0
-rw-r--r--   1       0:0        5000 2023-11-14T22:13:22Z inline-grown-9
-rw-r--r--   1       0:0          10 2023-11-14T22:13:22Z inline-shrunk
?rw-r--r--   1       0:0           5 2023-11-14T22:13:21Z notype
-rw-r--r--   1       0:0      140000 2023-11-14T22:13:22Z shrunk
-rw-r--r--   1       0:0           0 2023-11-14T22:13:22Z shrunk-to-0
srwxr-xr-x   1       0:0           0 2023-11-14T22:13:21Z socket
-rw-r--r--   1       0:0    20000005 2023-11-14T22:13:21Z very-far
END
prints 'a link shows where it points' "$RIMG" ls -ld "$basic::/links/l1-13" <<'END'
lrwxrwxrwx   1       0:0          13 2026-11-23T09:46:44Z /links/l1-13 -> ../text/t-100
END
prints 'a format without times and link counts' "$RIMG" ls -l "$initfs::/etc" <<'END'
-rw-r--r--   -       0:0           0                    - empty
-rw-r--r--   -       0:0         300                    - init.rc
-rws--x--x   -       0:0           1                    - setuid
END
prints 'a file lists itself' "$RIMG" ls "$basic::/hard/a" <<'END'
/hard/a
END
prints 'a directory as such' "$RIMG" ls -d "$disk::REDOX::/boot" <<'END'
/boot
END
prints 'a partition as such' "$RIMG" ls -ld "$disk::EFI" <<'END'
partition    -         -     1048576                    - EFI
END
printf '0123456789' >"$tmp/plain bytes"
prints 'an image of no known format lists itself' "$RIMG" ls "$tmp/plain bytes" <<END
$tmp/plain bytes
END

# recursion goes into partitions, --nested into files; the parts' own listings are known
{
	printf '%s\n' BIOS EFI EFI::/ EFI::/EFI EFI::/EFI/BOOT EFI::/EFI/BOOT/BOOTAA64.EFI REDOX
	sed -n 's/^{"path":"\([^"]*\)".*/REDOX::\1/p' "$GOLDEN/disk-sgdisk.jsonl"
} >"$tmp/whole"
prints 'recursion goes into partitions' "$RIMG" ls -R "$disk" <"$tmp/whole"
sed -n 's/^{"path": "\([^"]*\)".*/\1/p' "$GOLDEN/initfs-boot.jsonl" |
	sed 's/\\\\udc\(..\)/\\x\1/g' >"$tmp/inner"
while read -r path; do
	printf '%s\n' "$path"
	case $path in
	*/initfs) sed "s,^,$path::," "$tmp/inner" ;;
	esac
done <"$tmp/whole" >"$tmp/nested"
prints '--nested goes into files' "$RIMG" ls -q --nested "$disk" <"$tmp/nested"
prints 'from the middle paths start at the file system' "$RIMG" ls -q --nested \
	"$disk::REDOX::/boot" <<END
/boot
/boot/initfs
$(sed 's,^,/boot/initfs::,' "$tmp/inner")
/boot/kernel
END
exits 'with -a' 0 "$RIMG" ls -a "$disk"
for structure in mbr header entries 'backup entries' 'backup header'; do
	says "with -a: $structure" "$structure" "$out"
done

# every path printed is an address
"$RIMG" ls -R "$basic" >"$tmp/paths"
n=0
while IFS= read -r path; do
	"$RIMG" info "$basic::$path" >/dev/null 2>"$err" || not_pass "$path is an address" "$(cat "$err")"
	n=$((n + 1))
done <"$tmp/paths"
[ "$n" -gt 140 ] && pass 'every path printed is an address' || not_pass 'every path' "only $n"

# colour
exits 'colour when asked for' 0 "$RIMG" ls --color=always "$disk"
says 'colour: there is some' "$(printf '\033[1;34mEFI\033[0m')" "$out"
exits 'no colour when told' 0 env NO_COLOR=1 "$RIMG" ls "$disk"
"$RIMG" ls --color=never "$disk" >"$tmp/expected"
same 'no colour: none' "$tmp/expected" "$out"

# ---- cat

# all contents, against the digests of other readers
digests() {
	sed -n 's/^{"path": *"\([^"]*\)", *"type": *"file".*"sha256": *"\([0-9a-f]*\)".*/\2 \1/p' "$1" |
		sed 's/\\u000a/\\n/; s/\\u0009/\\t/; s/\\\\udc\(..\)/\\x\1/g'
}
contents() {
	while read -r sha256 path; do
		"$RIMG" cat "$2::$path" >"$out" 2>"$err" && echo "$sha256  $out" | sha256sum -c --status ||
			not_pass "cat $2::$path" "other bytes: $(cat "$err")"
		n=$((n + 1))
	done <"$1"
}
n=0
digests "$GOLDEN/disk-sgdisk.jsonl" >"$tmp/sums"
contents "$tmp/sums" "$disk::REDOX"
digests "$GOLDEN/initfs-boot.jsonl" >"$tmp/sums"
contents "$tmp/sums" "$disk::REDOX::/boot/initfs"
contents "$tmp/sums" "$disk::3::/usr/lib/boot/initfs"
digests "$GOLDEN/basic.jsonl" | grep -v '/names/' >"$tmp/sums"
contents "$tmp/sums" "$basic"
[ "$n" -gt 80 ] && pass "cat gives the right bytes of $n files" || not_pass 'cat' "only $n files"

exits 'cat of an image' 0 "$RIMG" cat "$disk"
same 'cat of an image: its bytes' "$disk" "$out"
dd if="$disk" bs=512 skip=2048 count=2048 status=none >"$tmp/expected"
exits 'cat of a partition' 0 "$RIMG" cat "$disk::EFI"
same 'cat of a partition: its bytes' "$tmp/expected" "$out"
printf ../text/t-100 >"$tmp/expected"
exits 'cat of a link' 0 "$RIMG" cat "$basic::/links/l1-13"
same 'cat of a link: its target' "$tmp/expected" "$out"
exits 'cat of a directory' 2 "$RIMG" cat "$basic::/text"
says 'cat of a directory: why' 'basic.img::/text: a dir that has no content' "$err"
same 'cat of a directory: nothing' /dev/null "$out"
exits 'cat of nothing' 0 "$RIMG" cat "$basic::/text/t-0"
same 'cat of nothing: nothing' /dev/null "$out"

# a damaged content is printed up to the damage: one bit of a record is flipped, the sound image has
# the rest
"$RIMG" cat "$GOLDEN/tiny.img::/boot/kernel" >"$tmp/sound"
exits 'cat of a damaged file' 2 "$RIMG" cat "$GOLDEN/broken/bitflip-data.img::/boot/kernel"
says 'cat of a damaged file: how far it came' 'bitflip-data.img::/boot/kernel: printed up to byte' "$err"
says 'cat of a damaged file: what is wrong' seahash "$err"
head -c "$(wc -c <"$out")" "$tmp/sound" >"$tmp/expected"
same 'cat of a damaged file: no wrong byte' "$tmp/expected" "$out"
exits 'cat of a sound file near it' 0 "$RIMG" cat "$GOLDEN/broken/bitflip-data.img::/etc/inline"
exits 'cat in an image with findings' 1 "$RIMG" cat "$GOLDEN/broken/links.img::/etc/inline"

# ---- info

# the numbers of the header that the other reader saw
for image in basic churned odd wrapped reserved; do
	exits "info of $image" 0 "$RIMG" info -q "$GOLDEN/$image.img"
	cp "$out" "$tmp/info"
	head -n 1 "$GOLDEN/$image.jsonl" | tr -d '{}"' | tr ',' '\n' | sed 's/^header://' >"$tmp/header"
	while IFS=: read -r key value; do
		case $key in
		ring_block) line='ring block' ;;
		free_blocks) line='free blocks' ;;
		generation | size) line=$key ;;
		*) continue ;;
		esac
		grep -q "^$line: *$value\$" "$tmp/info" && pass "info of $image: $key" ||
			not_pass "info of $image: $key" "not $value"
	done <"$tmp/header"
	uuid=$(sed -n 's/^uuid: *//p' "$tmp/info" | tr -d -)
	grep -q "^uuid:$uuid\$" "$tmp/header" && pass "info of $image: uuid" ||
		not_pass "info of $image: uuid" "$uuid"
done
# ---- addresses that are written as paths
exits 'a path without its first slash' 2 "$RIMG" cat "$disk::REDOX::boot/kernel"
says 'is told' 'nothing called "boot/kernel" in this redoxfs; did you mean "/boot/kernel"?' "$err"
exits 'a partition as the first part of a path' 2 "$RIMG" cat "$disk::REDOX/boot/kernel"
says 'is told, too' 'nothing called "REDOX/boot/kernel" in this gpt; did you mean "REDOX::/boot/kernel"?' "$err"
for none in REDOX::boot/kernal EFI::nothing redox NONE/boot; do
	exits "nothing is meant by '$none'" 2 "$RIMG" cat "$disk::$none"
	exits "nor told" 1 grep -q 'did you mean' "$err"
done

exits 'info of a disk' 0 "$RIMG" info "$disk"
for line in 'address:     '"$disk" 'kind:        image' 'format:      gpt' \
	'disk_guid:   11111111-2222-3333-4444-555555555555' "::BIOS" "::EFI" "::REDOX" \
	'11111111-2222-3333-4444-000000000003'; do
	says "info of a disk: $line" "$line" "$out"
done
exits 'info of a file' 0 "$RIMG" info "$basic::/modes/m-4755"
says 'info of a file: its mode' '4755' "$out"
says 'info of a file: no format' 'none that is known' "$out"
exits 'info of an old version' 2 "$RIMG" info "$GOLDEN/broken/header-version-7.img"
says 'info of an old version: it is told' 'redoxfs (unreadable)' "$out"
exits 'info as JSON' 0 "$RIMG" info --json "$disk"
says 'info as JSON: its schema' '"schema": "rimg.info/1"' "$out"
says 'info as JSON: the disk' '"disk_guid": "11111111-2222-3333-4444-555555555555"' "$out"
[ "$(grep -c '"kind": "partition"' "$out")" = 3 ] && pass 'info as JSON: three parts' ||
	not_pass 'info as JSON: three parts' 'not three'

done_testing
