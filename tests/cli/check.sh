#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg verify check: every golden image accepted, every broken one refused for the right reason, and
# what rimg writes itself held against the strict rules.
. tests/lib.sh

rimg=$(realpath "$RIMG")
broken=$GOLDEN/broken
printf 'correct-horse\n' >"$tmp/password"

# ---- sound images ----
for image in "$GOLDEN"/*.img "$GOLDEN"/*.pkgar; do
	title=$(basename "$image")
	exits "$title is sound" 0 "$rimg" --password-file "$tmp/password" verify check "$image"
	says "$title: said so" ': sound: 0 errors' "$out"
done
exits 'without a password nobody knows' 2 "$rimg" verify check "$GOLDEN/encrypted.img"
says 'and that is said' 'not checked to the end' "$out"

# ---- broken images: name, exit code, code of an error (or of a warning, where upstream accepts it) ----
while read -r row want finding severity; do
	case $row in '' | \#*) continue ;; esac
	exits "$row: exit code" "$want" "$rimg" verify check "$broken/$row.img"
	if grep "^${severity:-error}: " "$out" | grep -qF "[$finding]"; then
		pass "$row: $finding"
	else
		not_pass "$row: $finding" "not among: $(cat "$out")"
	fi
	echo "$broken/$row.img" >>"$tmp/seen"
done <<'END'
# name               exit finding            severity if not error
alloc-not-free       1 redoxfs.alloc-not-free
alloc-past-end       1 redoxfs.alloc-range
alloc-used-is-free   1 redoxfs.block-free
bitflip-alloc        1 redoxfs.block-hash
bitflip-compressed   1 redoxfs.record
bitflip-data         1 redoxfs.record
bitflip-node         1 redoxfs.block-hash
bitflip-tree         1 redoxfs.block-hash
compressed-garbage   1 redoxfs.record
dir-count-too-big    1 redoxfs.dirlist
dir-cycle            1 redoxfs.dir-twice
dir-dangling         1 redoxfs.dirent-inode
dir-duplicate-name   1 redoxfs.name-duplicate
dir-name-length-0    1 redoxfs.name-length
dir-size             1 redoxfs.dir-size
gpt-entries-crc      1 gpt.entries-crc
gpt-header-crc       1 gpt.header-crc
gpt-no-backup        1 gpt.header-signature
header-all-hashes    1 redoxfs.header-hash
header-newest-hash   0 redoxfs.header-hash  warning
header-size-too-big  1 redoxfs.header-size
header-slot0-missing 0 redoxfs.header-slot0 warning
header-stale-newer   1 redoxfs.header-uuid
header-version-7     2 redoxfs.version
htree-order          1 redoxfs.htree-order
initfs-count         1 initfs.inode-range
initfs-cycle         1 initfs.cycle
initfs-magic         1 initfs.magic
initfs-page-size     1 initfs.page-size
initfs-table         1 initfs.table
initfs-truncated     1 initfs.size
initfs-type          1 initfs.inode-type
links                1 redoxfs.links
node-record-level    1 redoxfs.inode-level
node-type-unknown    1 redoxfs.inode-type
pointer-level-15     1 redoxfs.pointer-level
pointer-out-of-range 1 redoxfs.pointer-range
truncated            1 redoxfs.block-missing
END
printf '%s\n' "$broken"/*.img | sort >"$tmp/all"
sort -o "$tmp/seen" "$tmp/seen"
same 'every broken image is in the table' "$tmp/all" "$tmp/seen"

# ---- what rimg writes ----
in=$tmp/in
mkdir -p "$in/initfs/bin" "$in/tree/deep/er" "$in/empty"
cp "$(command -v ls)" "$in/initfs/bin/init" # any small program
program=$in/initfs/bin/init
cp "$program" "$in/tree/program"
head -c 70000 /dev/zero >"$in/tree/zeros"
printf 'text\n' >"$in/tree/deep/er/x"
ln -s ../zeros "$in/tree/deep/link"
"$rimg" -q initfs "$in/initfs" -o "$tmp/plain.initfs"
"$rimg" -q initfs "$in/initfs" -o "$tmp/boot.initfs" --bootstrap "$program"
"$rimg" -q redoxfs "$in/tree" -o "$tmp/none.fs" -s 16MiB -c none
"$rimg" -q redoxfs "$in/tree" -o "$tmp/lz4.fs" -s 16MiB -c lz4
"$rimg" -q redoxfs "$in/empty" -o "$tmp/empty.fs" -s 2MiB
printf 'MZ loader\n' >"$in/loader.efi"
cat >"$in/disk.toml" <<END
[image]
size = "16MiB"
epoch = 1767225600
[bootloader]
source = "loader.efi"
sha256 = "$(sha256sum <"$in/loader.efi" | cut -d' ' -f1)"
[initfs]
root = "initfs"
[[files]]
path = "/boot/kernel"
source = "initfs/bin/init"
[[files]]
path = "/tree"
source = "tree"
END
"$rimg" -q build "$in/disk.toml" -o "$tmp/disk.img"
for file in plain.initfs boot.initfs none.fs lz4.fs empty.fs disk.img; do
	exits "what rimg writes is strictly sound: $file" 0 "$rimg" verify check --strict "$tmp/$file"
done
says 'a disk: all that lies in it was checked' '(elf 3, fat 1, gpt 1, initfs 1, redoxfs 1)' "$out"
exits 'nothing about booting is missing' 1 grep -q 'boot\.' "$out"
for image in system disk-installer; do
	exits "upstream's $image is not strictly sound" 1 "$rimg" verify check --strict "$GOLDEN/$image.img"
	says "as it leaves bytes in free space: $image" '[layer.not-zero]' "$out"
done
exits "upstream's leaked blocks" 1 "$rimg" verify check --strict "$GOLDEN/churned.img"
says 'are errors then' 'error: '"$GOLDEN"'/churned.img::unreachable: at byte ' "$out"

# put FILE OFFSET BYTE: a copy in $tmp/changed with one byte changed
put() {
	cp "$tmp/$1" "$tmp/changed"
	printf '%b' "$3" | dd of="$tmp/changed" bs=1 seek="$2" conv=notrunc status=none
}
# strict_only NAME CODE [ADDRESS_STEPS]: a warning for upstream's sake, an error in strict mode
strict_only() {
	exits "$1: a warning" 0 "$rimg" verify check "$tmp/changed"
	says "$1: $2" "[$2]" "$out"
	exits "$1: an error if strict" 1 "$rimg" verify check --strict "$tmp/changed"
	grep '^error: ' "$out" >"$tmp/errors"
	says "$1: which is $2" "[$2]" "$tmp/errors"
}
put none.fs $((16 * 1048576 - 1)) '\001'
strict_only 'a byte in the last free block' layer.not-zero
put disk.img $((16 * 1048576 - 40 * 512)) '\001'
strict_only 'a byte between partitions' layer.not-zero
put disk.img $((4096 * 512 - 1)) '\001'
strict_only 'a byte in the last free cluster' layer.not-zero
put boot.initfs 100 '\001'
strict_only 'a byte in the padding of an initfs' layer.not-zero
cp "$tmp/none.fs" "$tmp/changed"
dd if="$tmp/none.fs" of="$tmp/changed" bs=4096 count=1 seek=7 conv=notrunc status=none
exits 'a second header in the ring' 1 "$rimg" verify check "$tmp/changed"
says 'stands in the wrong slot' '[redoxfs.header-slot]' "$out"
put none.fs $((4096 * 200)) '\001'
strict_only 'a byte in the ring' redoxfs.header-junk

# ---- booting ----
# disk NAME PARTITION...: 16 MiB; EFI and file systems taken from what rimg wrote
"$rimg" -q cat "$tmp/disk.img::EFI" >"$tmp/efi.fat"
"$rimg" -q cat "$tmp/disk.img::REDOX" >"$tmp/redox.fs"
disk() {
	image=$tmp/$1
	shift
	"$rimg" -q disk -o "$image" --size 24MiB "$@"
}
boots_not() {
	exits "$1: sound, even strictly" 0 "$rimg" verify check --strict "$2"
	says "$1: but told" "[$3]" "$out"
	grep -c 'boot\.' "$out" >"$tmp/n"
	echo 1 >"$tmp/want"
	same "$1: and nothing else about booting" "$tmp/want" "$tmp/n"
}
bios=BIOS:bios:34:2047 efi=EFI:efi:2048:4095:$tmp/efi.fat redox=REDOX:linux:4096:32767:$tmp/redox.fs
disk whole.img --partition "$bios" --partition "$efi" --partition "$redox"
exits 'a disk from its parts is strictly sound' 0 "$rimg" verify check --strict "$tmp/whole.img"
exits 'and boots' 1 grep -q 'boot\.' "$out"
disk order.img --partition "$bios" --partition "$redox" --partition "EFI:efi:32768:34815:$tmp/efi.fat"
boots_not 'partitions in another order' "$tmp/order.img" boot.partitions
"$rimg" -q replace "$tmp/whole.img" "REDOX::/boot/kernel=$in/loader.efi" -o "$tmp/kernel.img"
boots_not 'a kernel that is no ELF file' "$tmp/kernel.img" boot.kernel
sed 's,path = "/boot/kernel",path = "/boot/core",' "$in/disk.toml" >"$in/nokernel.toml"
"$rimg" -q build "$in/nokernel.toml" -o "$tmp/nokernel.img"
boots_not 'no kernel' "$tmp/nokernel.img" boot.kernel
sed '/^.initfs/,/^root/d' "$in/disk.toml" >"$in/noinitfs.toml"
"$rimg" -q build "$in/noinitfs.toml" -o "$tmp/noinitfs.img"
boots_not 'no initfs' "$tmp/noinitfs.img" boot.initfs
sed '/^.bootloader/,/^sha256/d' "$in/disk.toml" >"$in/noloader.toml"
"$rimg" -q build "$in/noloader.toml" -o "$tmp/noloader.img"
boots_not 'no boot loader' "$tmp/noloader.img" boot.loader
disk ring.img --partition "$bios" --partition "$efi" --partition "REDOX:linux:4096:32767:$GOLDEN/reserved.img"
exits 'a RedoxFS behind a reserved area is sound' 0 "$rimg" verify check "$tmp/ring.img"
says 'but boot loaders do not find it' '[boot.ring]' "$out"

# ---- partitions of unknown formats ----
printf 'no file system\n' >"$tmp/garbage"
disk garbage.img --partition "$bios" --partition "$efi" --partition "REDOX:linux:4096:32767:$tmp/garbage"
exits 'a partition with something unknown in it leaves the verdict open' 2 "$rimg" verify check "$tmp/garbage.img"
says 'and is named' "not checked: $tmp/garbage.img::REDOX: its format is not known" "$out"
disk blank.img --partition "$bios" --partition "$efi" --partition "REDOX:linux:4096:32767"
exits 'one with nothing in it does not' 0 "$rimg" verify check --strict "$tmp/blank.img"
disk bios.img --partition "BIOS:bios:34:2047:$tmp/garbage" --partition "$efi" --partition "$redox"
exits 'and neither does boot code' 0 "$rimg" verify check --strict "$tmp/bios.img"

# ---- addresses ----
exits 'one partition' 0 "$rimg" verify check "$tmp/disk.img::EFI"
says 'and nothing else is checked' 'checked 1 container (fat 1), 1 file' "$out"
says 'so the verdict is about no more' "$tmp/disk.img::EFI: sound: 0 errors" "$out"
exits 'a file in a file system' 0 "$rimg" verify check "$tmp/disk.img::REDOX::/boot/initfs"
says 'with what is in it' '(elf 1, initfs 1)' "$out"
exits 'a directory' 0 "$rimg" verify check "$tmp/disk.img::REDOX::/tree"
says 'with its file system, and what is below it' '(elf 1, redoxfs 1)' "$out"
printf 'nothing that is known\n' >"$tmp/text"
exits 'an unknown format cannot be checked' 2 "$rimg" verify check "$tmp/text"
says 'which is no pass' 'not checked: ' "$out"
exits 'no file' 2 "$rimg" verify check "$tmp/none"
exits 'no argument' 2 "$rimg" verify check

# ---- broken inside ----
cp "$broken/initfs-table.img" "$in/tree/broken.initfs"
head -c 100 "$program" >"$in/tree/cut-program"
"$rimg" -q redoxfs "$in/tree" -o "$tmp/nested.fs" -s 16MiB
exits 'a broken initfs in a file' 1 "$rimg" verify check "$tmp/nested.fs"
says 'is an error there' "error: $tmp/nested.fs::/broken.initfs: at byte 8: " "$out"
says 'and so is a program that is cut off' "error: $tmp/nested.fs::/cut-program" "$out"
printf '\177ELF\003\003\003 no program\n' >"$tmp/magic"
mkdir "$in/magic" && cp "$tmp/magic" "$in/magic/file"
"$rimg" -q redoxfs "$in/magic" -o "$tmp/magic.fs" -s 2MiB
exits 'a file that has only the magic of a format' 0 "$rimg" verify check "$tmp/magic.fs"
says 'is told' 'warning: '"$tmp"'/magic.fs::/file: expected a format behind the magic of elf' "$out"
exits 'but addressed itself it is a broken program' 1 "$rimg" verify check "$tmp/magic"

# ---- records of installed packages ----
# header and table: 136 bytes, and 308 for each of 6 entries
head -c 1984 "$GOLDEN/package-plain.pkgar" >"$tmp/plain.pkgar_head"
exits 'the head of a package alone is an error' 1 "$rimg" verify check "$tmp/plain.pkgar_head"
says 'as contents are missing' 'error: '"$tmp"'/plain.pkgar_head: expected contents' "$out"
grep -c '^error' "$out" >"$tmp/n"
echo 1 >"$tmp/want"
same 'which is said once' "$tmp/want" "$tmp/n"
mkdir -p "$in/installed/var/lib/packages"
cp "$tmp/plain.pkgar_head" "$in/installed/var/lib/packages/"
"$rimg" -q redoxfs "$in/installed" -o "$tmp/installed.fs" -s 2MiB
exits 'in an image it records what is installed' 0 "$rimg" verify check "$tmp/installed.fs"
says 'which is told' 'warning: '"$tmp"'/installed.fs::/var/lib/packages/plain.pkgar_head: expected contents' "$out"
head -c 1983 "$GOLDEN/package-plain.pkgar" >"$tmp/cut"
exits 'a table cut short is no head' 1 "$rimg" verify check "$tmp/cut"
head -c 1985 "$GOLDEN/package-plain.pkgar" >"$tmp/cut"
exits 'and neither is what has some contents' 1 "$rimg" verify check "$tmp/cut"
says 'but not all' '[pkgar.range]' "$out"

# ---- codes that no golden image has ----
head -c 20 "$tmp/plain.initfs" >"$tmp/cut"
exits 'an initfs that ends in its header' 1 "$rimg" verify check "$tmp/cut"
says 'is truncated' '[initfs.truncated]' "$out"
cp "$tmp/plain.initfs" "$tmp/large" && truncate -s 4294967295 "$tmp/large"
exits 'an initfs of just less than 4 GiB' 1 "$rimg" verify check "$tmp/large"
grep -F too-large "$out" >"$tmp/grepped"
same 'is not too large' /dev/null "$tmp/grepped"
truncate -s 4294967296 "$tmp/large"
exits 'an initfs of 4 GiB' 1 "$rimg" verify check "$tmp/large"
says 'is too large' '[initfs.too-large]' "$out"
rm -f "$tmp/large"
head -c 63 "$rimg" >"$tmp/cut"
exits 'a program that ends in its header' 1 "$rimg" verify check "$tmp/cut"
says 'is truncated, too' '[elf.truncated]' "$out"

# ---- JSON, SARIF ----
cp "$tmp/disk.img" "$tmp/over.img"
exits 'a log is not written over the image' 2 "$rimg" verify check "$tmp/over.img::EFI" --sarif "$tmp/over.img"
same 'which is as it was' "$tmp/disk.img" "$tmp/over.img"
exits 'JSON' 1 "$rimg" verify check --json "$broken/gpt-header-crc.img" --sarif "$tmp/log.sarif"
cp "$out" "$tmp/json"
if command -v python3 >/dev/null 2>&1; then
	cat >"$tmp/read.py" <<'END'
import json, sys
j = json.load(open(sys.argv[1]))
assert j["schema"] == "rimg.verify-check/1" and j["ok"] is False and j["complete"] is True
p = [p for p in j["problems"] if p["severity"] == "error"]
assert [(x["path"], x["offset"], x["image_offset"], x["code"]) for x in p] == \
    [("header", 528, 528, "gpt.header-crc")], p
assert j["errors"] == 1 and j["warnings"] == len(j["problems"]) - 1 and j["not_shown"] == 0
assert j["checked"]["formats"]["gpt"] == 1 and j["checked"]["partitions"] == 3
s = json.load(open(sys.argv[2]))
assert s["version"] == "2.1.0" and len(s["runs"]) == 1
run = s["runs"][0]
rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
assert rules == sorted(set(rules)) and run["tool"]["driver"]["name"] == "rimg verify check"
assert len(run["results"]) == len(j["problems"])
for r, q in zip(run["results"], j["problems"]):
    assert r["ruleId"] == q["code"] == rules[r["ruleIndex"]] and r["level"] == q["severity"]
    assert r["message"]["text"] == q["message"]
    loc = r["locations"][0]
    assert loc["physicalLocation"]["artifactLocation"]["uri"].endswith("gpt-header-crc.img")
    if q["path"]:
        assert loc["logicalLocations"][0]["fullyQualifiedName"] == q["path"]
    if q["image_offset"] is not None:
        assert loc["physicalLocation"]["address"]["absoluteAddress"] == q["image_offset"]
invocation = run["invocations"][0]
assert sorted(invocation.pop("properties")["sandbox"]) == ["landlock", "seccomp"]
assert invocation == {"executionSuccessful": True, "exitCode": 1}
END
	exits 'JSON and SARIF say the same' 0 python3 "$tmp/read.py" "$tmp/json" "$tmp/log.sarif"
	"$rimg" verify check --json "$tmp/text" >"$tmp/unread.json"
	"$rimg" verify check --json --strict "$tmp/disk.img" >"$tmp/sound.json"
	for document in json unread.json sound.json; do
		exits "JSON fits its schema: $document" 0 python3 tests/tools/check_schema.py \
			docs/schema/verify-check.json "$tmp/$document"
	done
else
	echo 'skipped: python3 is not installed, so JSON and SARIF are not read back'
fi
exits 'a SARIF file that cannot be written' 2 "$rimg" verify check "$tmp/none.fs" --sarif "$tmp/no/such/x.sarif"

# ---- threads ----
for threads in 1 2 5; do
	"$rimg" -j $threads verify check --json "$GOLDEN/disk-installer.img" >"$tmp/j$threads"
done
same 'the number of threads does not show' "$tmp/j1" "$tmp/j2"
same 'whatever it is' "$tmp/j1" "$tmp/j5"

done_testing
