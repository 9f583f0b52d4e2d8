#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every image of golden/broken is read to its end by ls, info and extract, with an exit code of the
# table below and a message that names the defect which golden/README.md or its own README tells of.
. tests/lib.sh

# read_to_the_end NAME LS INFO EXTRACT MESSAGE: the exit codes, and what one of ls's messages says.
# Contents that are damaged are noticed by who reads them: ls --json, extract, and info, which checks
# everything.
read_to_the_end() {
	image=$GOLDEN/broken/$1.img
	exits "$1: ls" "$2" timeout 60 "$RIMG" ls -R --json "$image"
	says "$1: ls names the defect" "$5" "$err"
	exits "$1: info" "$3" timeout 60 "$RIMG" info "$image"
	[ -s "$err" ] && pass "$1: info says so" || not_pass "$1: info says so" "nothing on stderr"
	exits "$1: extract" "$4" timeout 60 "$RIMG" extract "$image" -o "$tmp/dest"
	case $4 in
	2) [ ! -e "$tmp/dest" ] && pass "$1: nothing is left" || not_pass "$1: nothing is left" "DEST" ;;
	*) [ -d "$tmp/dest" ] && pass "$1: DEST is made" || not_pass "$1: DEST is made" "no DEST" ;;
	esac
	[ -z "$(find "$tmp" -name '.rimg*')" ] || not_pass "$1: no temporary files" "there are"
	chmod -R u+rwx "$tmp/dest" 2>/dev/null
	rm -rf "$tmp/dest"
}

while read -r row ls info extract message; do
	case $row in '' | \#*) continue ;; esac
	read_to_the_end "$row" "$ls" "$info" "$extract" "$message"
	echo "$GOLDEN/broken/$row.img" >>"$tmp/seen"
done <<'END'
# name               ls info extract message
alloc-not-free       1 1 1 found the use of 1 blocks from 300 on [redoxfs.alloc-not-free]
alloc-past-end       1 1 1 [redoxfs.alloc-range]
alloc-used-is-free   1 1 1 [redoxfs.block-free]
bitflip-alloc        1 1 1 bitflip-alloc.img::alloc: at byte
bitflip-compressed   1 1 1 bitflip-compressed.img::/etc/words: its content cannot be read:
bitflip-data         1 1 1 bitflip-data.img::/boot/kernel: its content cannot be read:
bitflip-node         1 1 1 bitflip-node.img::/etc/inline: at byte
bitflip-tree         1 1 1 bitflip-tree.img::tree: at byte
compressed-garbage   1 1 1 compressed-garbage.img::/etc/words: its content cannot be read:
dir-count-too-big    1 1 1 dir-count-too-big.img::/etc: at byte
dir-cycle            1 1 1 dir-cycle.img::/etc/inline: at byte
dir-dangling         1 1 1 dir-dangling.img::/etc/inline: at byte
dir-duplicate-name   1 1 1 dir-duplicate-name.img::/etc/block#2: at byte
dir-name-length-0    1 1 1 expected a name of 1 to 252 bytes, found 0
dir-size             1 1 1 expected 4096 bytes for the 1 blocks of the directory, found 8192
gpt-entries-crc      1 1 1 [gpt.entries-crc]
gpt-header-crc       1 1 1 [gpt.header-crc]
gpt-no-backup        1 1 1 at byte 67108352: backup header: expected the signature
header-all-hashes    2 2 2 found none whose hash is right
header-newest-hash   0 0 0 generation 4 is used
header-size-too-big  1 1 1 expected 1073741824 bytes from the ring on
header-slot0-missing 0 0 0 expected a valid header in slot 0, found none
header-stale-newer   1 1 1 [redoxfs.header-uuid]
header-version-7     2 2 2 found version 7, which is not supported
htree-order          1 1 1 htree-order.img::/many: at byte
initfs-count         1 1 1 expected an inode below 3, found
initfs-cycle         1 1 1 leads to "/" again
initfs-magic         1 1 1 at byte 0: expected "RedoxFtw"
initfs-page-size     1 1 1 at byte 42: expected a page size of 4096, found 16384
initfs-table         2 2 2 initfs-table.img: at byte 8: expected a table of 20 inodes
initfs-truncated     1 1 1 expected the image's length of 100000 bytes in the header, found 176131
initfs-type          1 1 1 expected an inode of type 0, 1 or 2, found 7
links                1 1 1 links.img::/etc/inline: at byte
node-record-level    1 1 1 expected record level 5 for its type, found 40
node-type-unknown    1 1 1 node-type-unknown.img::/etc/inline: at byte
pointer-level-15     1 1 1 pointer-level-15.img::/boot/initfs: at byte
pointer-out-of-range 1 1 1 found block 100000
truncated            1 1 1 found the end of the image after 1638400
END

printf '%s\n' "$GOLDEN"/broken/*.img | sort >"$tmp/all"
sort -o "$tmp/seen" "$tmp/seen"
same 'every broken image is in the table' "$tmp/all" "$tmp/seen"

done_testing
