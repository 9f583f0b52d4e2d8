#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `rimg extract` makes of hostile names, of DEST, and when the host fails. That trees are extracted
# as listed is in tests/unit/test_extract.c.
. tests/lib.sh

plain=$GOLDEN/initfs-plain.img
basic=$GOLDEN/basic.img
cleanup() {
	chmod -R u+rwx "$tmp" 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT

# is NAME CONDITION...: a condition of test(1)
is() {
	label=$1
	shift
	if [ "$@" ]; then
		pass "$label"
	else
		not_pass "$label" "not so: $*"
	fi
}

# put OFFSET BYTES: overwrite bytes of $tmp/evil.img, in printf's spelling
put() {
	# shellcheck disable=SC2059
	printf "$2" | dd of="$tmp/evil.img" bs=1 seek="$1" conv=notrunc status=none
}

# entry DIR INODE: where the directory entry of that inode is: u16 inode, u16 length of the name, u32
# its offset; DIR is the offset of six of them
entry() {
	od -An -v -tu2 -w8 -j "$1" -N 48 "$plain" | awk -v dir="$1" -v inode="$2" \
		'$1 == inode { print dir + 8 * (NR - 1) }'
}

# named DIR INODE: the offset of the entry's name
named() {
	at=$(entry "$1" "$2")
	od -An -tu4 -j $((at + 4)) -N 4 "$plain" | tr -d ' '
}

evil() {
	rm -rf "$tmp/evil.img" "$tmp/w"
	cp "$plain" "$tmp/evil.img"
	chmod u+w "$tmp/evil.img"
	mkdir -p "$tmp/w/outside/dir1"
}

# golden/initfs-plain.jsonl: offsets of the directories and inodes of their entries
root=8192 bin=106496
etc_inode=4 init_inode=14 up_inode=13 logd_inode=16 ramfs_inode=17

# ---- names

evil
put "$(named $bin $init_inode)" '../x'
put "$(named $bin $up_inode)" '..'
put "$(named $bin $ramfs_inode)" 'ra\000fs'
put "$(named $root $etc_inode)" '/et'
put $(($(entry $bin $logd_inode) + 2)) '\001\000'
put "$(named $bin $logd_inode)" '.'
exits 'names that escape' 1 "$RIMG" extract "$tmp/evil.img" -o "$tmp/w/dest"
for why in 'evil.img::/bin/..\x2fx: not extracted: refused: its name holds "/"' \
	'evil.img::/bin/..: not extracted: refused: its name stands for another directory' \
	'evil.img::/bin/ra\x00fs: not extracted: refused: its name holds a NUL' \
	'evil.img::/\x2fet: not extracted: refused: its name holds "/"' \
	'evil.img::/bin/.: not extracted: refused: its name stands for another directory' \
	'dest: 11 entries extracted, 5 left out'; do
	says "names that escape: $why" "$why" "$err"
done
find "$tmp/w" | sed "s,^$tmp/w,,; /nnnn/d; /raw-/d" | LC_ALL=C sort >"$tmp/got"
LC_ALL=C sort >"$tmp/expected" <<'END'

/dest
/dest/bin
/dest/bin/absolute
/dest/bin/alias
/dest/lib
/dest/lib/drivers
/dest/lib/drivers/deep
/dest/lib/drivers/deep/er
/dest/lib/drivers/deep/er/pcid.toml
/dest/nothing
/outside
/outside/dir1
END
same 'names that escape: everything else, and nothing outside' "$tmp/expected" "$tmp/got"
is 'the name of raw bytes is there' -n "$(find "$tmp/w/dest" -name 'raw-*')"

# A symbolic link that leads out, and behind it a directory of the same name: /bin/up becomes
# /bin/init, the file init the directory etc, of which the root loses its entry.
evil
up=$(entry $bin $up_inode) init=$(entry $bin $init_inode)
dd if="$plain" of="$tmp/evil.img" bs=1 skip=$((init + 2)) seek=$((up + 2)) count=6 conv=notrunc status=none
put "$init" '\004\000'
put "$(entry $root $etc_inode)" '\005\000'
put 110592 '../../outside/dir1'
exits 'a directory named like a link that leads out' 1 "$RIMG" extract "$tmp/evil.img" -o "$tmp/w/dest"
is 'the link is there' "$(readlink "$tmp/w/dest/bin/init")" = ../../outside/dir1
is 'nothing went through it' -z "$(ls -A "$tmp/w/outside/dir1")"
says 'the directory is refused' 'init#2: not extracted: another entry already has its name' "$err"

# the same the other way round: the directory first
evil
put "$up" '\004\000'
dd if="$plain" of="$tmp/evil.img" bs=1 skip=$((init + 2)) seek=$((up + 2)) count=6 conv=notrunc status=none
put "$init" '\r\000'
put "$(entry $root $etc_inode)" '\005\000'
put 110592 '../../outside/dir1'
exits 'a link named like a directory' 1 "$RIMG" extract "$tmp/evil.img" -o "$tmp/w/dest"
if [ "$up" -lt "$init" ]; then
	is 'the directory is there' -f "$tmp/w/dest/bin/init/setuid"
else
	is 'the link came first' -L "$tmp/w/dest/bin/init"
fi
is 'nothing outside' -z "$(ls -A "$tmp/w/outside/dir1")"

# ---- what DEST may be

mkdir "$tmp/d"
exits 'a directory that is there and empty' 0 "$RIMG" extract "$plain" -o "$tmp/d"
is 'it is filled' -f "$tmp/d/bin/init"
find "$tmp/d" -type f -exec sha256sum {} + | sort >"$tmp/before"
exits 'a directory that is not empty' 2 "$RIMG" extract "$plain" -o "$tmp/d"
says 'a directory that is not empty: why' 'found one that is not empty' "$err"
find "$tmp/d" -type f -exec sha256sum {} + | sort >"$tmp/after"
same 'a directory that is not empty stays as it is' "$tmp/before" "$tmp/after"
exits 'a file for a tree' 2 "$RIMG" extract "$plain" -o "$tmp/d/bin/init"
exits 'a directory for a file' 2 "$RIMG" extract "$plain::/bin/init" -o "$tmp/d"
exits 'a device for a file' 2 "$RIMG" extract "$plain::/bin/init" -o /dev/null
is 'the device is still one' -c /dev/null
exits 'no such directory' 2 "$RIMG" extract "$plain" -o "$tmp/none/dest"
exits 'no such directory for a file' 2 "$RIMG" extract "$plain::/bin/init" -o "$tmp/none/init"
exits 'slashes at the end' 0 "$RIMG" extract "$plain" -o "$tmp/slashes///"
is 'slashes at the end: the directory' -f "$tmp/slashes/bin/init"
mkdir "$tmp/here"
exits 'the current directory' 0 sh -c 'cd "$1" && "$2" extract "$3" -o .' - "$tmp/here" \
	"$(realpath "$RIMG")" "$(realpath "$plain")"
is 'the current directory is filled' -f "$tmp/here/bin/init"

echo old >"$tmp/file"
exits 'a file that is there' 0 "$RIMG" extract "$plain::/bin/init" -o "$tmp/file"
same 'a file that is there is replaced' "$tmp/d/bin/init" "$tmp/file"
echo victim >"$tmp/victim"
ln -sf victim "$tmp/link"
exits 'a link that is there' 0 "$RIMG" extract "$plain::/bin/init" -o "$tmp/link"
is 'the link is replaced' ! -L "$tmp/link"
is 'what it led to stays' "$(cat "$tmp/victim")" = victim
exits 'a link as such' 0 "$RIMG" extract "$plain::/bin/alias" -o "$tmp/alias"
is 'it is a link' "$(readlink "$tmp/alias")" = bin/init
exits 'a socket' 2 "$RIMG" extract "$GOLDEN/odd.img::/dir/socket" -o "$tmp/socket"
is 'a socket: nothing is made' ! -e "$tmp/socket"

# a subtree, a partition, a disk
exits 'a directory of an image' 0 "$RIMG" extract "$basic::/names" -o "$tmp/names"
is 'a directory: what is in it' "$(ls -A "$tmp/names" | wc -l)" -ge 22
exits 'a disk' 0 "$RIMG" extract "$GOLDEN/disk-sgdisk.img" -o "$tmp/disk"
"$RIMG" cat "$GOLDEN/disk-sgdisk.img::BIOS" >"$tmp/bios"
same 'a disk: a partition of no known format is a file' "$tmp/bios" "$tmp/disk/BIOS"
is 'a disk: FAT is a directory' -f "$tmp/disk/EFI/EFI/BOOT/BOOTAA64.EFI"
is 'a disk: RedoxFS is a directory' -f "$tmp/disk/REDOX/boot/kernel"
ls "$tmp/disk" | tr '\n' ' ' >"$tmp/got"
printf 'BIOS EFI REDOX ' >"$tmp/expected"
same 'a disk: nothing else' "$tmp/expected" "$tmp/got"

# ---- modes, times, holes

umask 077
exits 'a tree with odd modes' 0 "$RIMG" extract "$basic::/modes" -o "$tmp/modes"
exits 'with -p' 0 "$RIMG" extract -p "$basic::/modes" -o "$tmp/modes-p"
umask 022
for mode in 0000 0400 0600 0644 0755 0777 4755 2755 1777 7777; do
	is "mode $mode" "$(stat -c %04a "$tmp/modes/m-$mode")" = "0${mode#?}"
	is "mode $mode with -p" "$(stat -c %04a "$tmp/modes-p/m-$mode")" = "$mode"
done
exits 'a single file keeps its time' 0 "$RIMG" extract -q "$GOLDEN/odd.img::/dir/hard" -o "$tmp/hard"
is 'a single file: its time' "$(stat -c %.9Y "$tmp/hard")" = 1700000001.000000006
exits 'zeros' 0 "$RIMG" extract "$basic::/zero" -o "$tmp/zero"
is 'zeros become a hole' "$(stat -c %b "$tmp/zero/z-1048577")" -le 16
is 'a hole has its size' "$(stat -c %s "$tmp/zero/z-1048577")" = 1048577
if [ "$(id -u)" = 0 ]; then
	exits 'with --owner' 0 "$RIMG" extract --owner "$basic::/owners" -o "$tmp/owners"
	is 'owners are kept' "$(stat -c %u:%g "$tmp/owners/o-1000-1000")" = 1000:1000
	is 'large owners too' "$(stat -c %u:%g "$tmp/owners/o-4294967294-4294967294")" = \
		4294967294:4294967294
else
	exits 'only root gives files away' 2 "$RIMG" extract --owner "$basic::/owners" -o "$tmp/owners"
fi

# ---- failures leave nothing behind

exits 'a damaged file' 2 "$RIMG" extract "$GOLDEN/broken/bitflip-data.img::/boot/kernel" -o "$tmp/k"
is 'a damaged file: nothing is made' ! -e "$tmp/k"
echo old >"$tmp/k"
exits 'a damaged file over another' 2 "$RIMG" extract \
	"$GOLDEN/broken/bitflip-data.img::/boot/kernel" -o "$tmp/k"
is 'the other file stays' "$(cat "$tmp/k")" = old
exits 'a damaged file in a tree' 1 "$RIMG" extract "$GOLDEN/broken/bitflip-data.img" -o "$tmp/part"
is 'the damaged file is left out' ! -e "$tmp/part/boot/kernel"
is 'the others are there' -s "$tmp/part/etc/words"
says 'it is said' 'bitflip-data.img::/boot/kernel: not extracted: its content cannot be read' "$err"

# no space: a file system of 64 KiB of our own
small() {
	basic_path=$(realpath "$basic")
	unshare -rm sh -c 'mount -t tmpfs -o size=64k,mode=777 none "$1" || exit 99
		echo old >"$1/old"
		"$2" extract "$3" -o "$1/$4" 2>"$5"
		echo $? >"$6"
		cd "$1" && find . | sort >"$7"' - "$tmp/small" "$(realpath "$RIMG")" \
		"$basic_path::$1" "$2" "$err" "$tmp/status" "$tmp/found" 2>/dev/null
}
mkdir "$tmp/small"
if unshare -rm true 2>/dev/null && small /text dest; then
	echo 2 >"$tmp/expected"
	same 'no space for a tree' "$tmp/expected" "$tmp/status"
	says 'no space for a tree: why and where' 'No space left on device' "$err"
	says 'no space for a tree: nothing is claimed' 'dest: nothing was extracted' "$err"
	printf '.\n./old\n' >"$tmp/expected"
	same 'no space for a tree: nothing is left' "$tmp/expected" "$tmp/found"
	small /text/t-1048577 old
	echo 2 >"$tmp/expected"
	same 'no space for a file' "$tmp/expected" "$tmp/status"
	printf '.\n./old\n' >"$tmp/expected"
	same 'no space for a file: nothing is left' "$tmp/expected" "$tmp/found"
else
	echo 'no space left: not tested, no file system of our own can be mounted here'
fi

# an image that changes while it is read
cp "$basic" "$tmp/changing.img"
chmod u+w "$tmp/changing.img"
{
	"$RIMG" cat "$tmp/changing.img" 2>"$err"
	echo $? >"$tmp/status"
} | {
	head -c 1 >/dev/null
	echo x >>"$tmp/changing.img"
	cat >/dev/null
}
echo 2 >"$tmp/expected"
same 'an image that grows while it is read' "$tmp/expected" "$tmp/status"
says 'it is said that it changed' changing.img "$err"

# options and results
exits 'quiet' 0 "$RIMG" extract -q "$plain" -o "$tmp/quiet"
same 'nothing on stdout' /dev/null "$out"
same 'nothing on stderr' /dev/null "$err"
is 'no temporary files are left' -z "$(find "$tmp" -name '.rimg-*')"

done_testing
