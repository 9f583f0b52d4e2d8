#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What rimg writes, judged by software that nobody here wrote: upstream's crate and tools, sgdisk,
# sfdisk, fsck.fat, mtools. Needs cargo with a registry, python3 and the packages of
# docs/packages.txt; what is missing is said aloud. Usage: run.sh RIMG WORKDIR
set -u
rimg=$(realpath "$1")
work=$2
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
mkdir -p "$work"
work=$(realpath "$work")
golden=$(realpath "${GOLDEN:-$top/out/golden}")
same_hash=${SAME_HASH:+$(realpath "$SAME_HASH")}
cd "$work" || exit 2
rm -rf -- ./*.tree ./*.img
epoch=1767225600
export SOURCE_DATE_EPOCH=$epoch
failed=0
passed=0
skipped=0

ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() { failed=$((failed + 1)); echo "not ok - $1"; sed 's/^/    /' "$work/log" | tail -n 20; }
skip() { skipped=$((skipped + 1)); echo "skipped: $1"; }
check() {
	name=$1
	shift
	if "$@" >"$work/log" 2>&1; then ok "$name"; else bad "$name"; fi
}
have() { command -v "$1" >/dev/null 2>&1; }

have python3 || { echo "skipped: python3 is not installed"; exit 77; }

# ---- attestations -------------------------------------------------------------------------------
if "$here/attest.sh" "$rimg" "$work/attest"; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
fi

# leave WHY: what follows cannot run here
leave() {
	echo "skipped: $1"
	[ "$failed" = 0 ] || exit 1
	exit 77
}
have cargo || leave 'cargo is not installed'

# ---- upstream's tools ---------------------------------------------------------------------------
export CARGO_TARGET_DIR="$work/target"
build() {
	cargo build --release --manifest-path "$top/tests/oracle/redoxfs-oracle/Cargo.toml" &&
		cargo install --quiet redoxfs --version 0.9.1 --root "$work/upstream"
}
if ! build >"$work/cargo.log" 2>&1; then
	tail -n 5 "$work/cargo.log"
	leave "upstream's tools could not be built"
fi
oracle=$work/target/release/redoxfs-oracle
up=$work/upstream/bin
unset CARGO_TARGET_DIR

# ---- RedoxFS ------------------------------------------------------------------------------------
# Every path, mode, owner, link, size, digest and time as upstream reads them; upstream goes on
# writing; its clone and resize work on it.
redoxfs() {
	tree=$1 size=$2 compression=$3
	img=$tree.$compression.img
	check "redoxfs $tree $compression: built" "$rimg" -q redoxfs "$tree.tree" -o "$img" -s "$size" -c "$compression"
	check "redoxfs $tree $compression: upstream reads everything" "$oracle" check "$img"
	"$oracle" list "$img" >list.jsonl 2>>log
	check "redoxfs $tree $compression: upstream sees the tree" python3 "$here/listing.py" "$work/$tree.tree" $epoch <list.jsonl
	check "redoxfs $tree $compression: upstream goes on writing" "$oracle" write-test "$img" --keep written.img
	check "redoxfs $tree $compression: what upstream wrote is sound" "$rimg" -q verify check written.img
	check "redoxfs $tree $compression: and not what rimg wrote" sh -c '! cmp -s "$1" written.img' sh "$img"
	rm -f written.img
}
for kind in empty edges wide names; do
	python3 "$here/trees.py" $kind.tree $kind
	redoxfs $kind 96MiB none
	redoxfs $kind 96MiB lz4
done
for seed in 1 2 3 4 5 6; do
	python3 "$here/trees.py" random$seed.tree random $seed
	redoxfs random$seed 256MiB lz4
	rm -rf random$seed.*
done
python3 "$here/trees.py" many.tree many
redoxfs many 256MiB none
python3 "$here/trees.py" big.tree big
redoxfs big 1100MiB none
rm -rf big.* many.*.img

cp edges.lz4.img resized.img
check "redoxfs-resize makes it smaller" "$up/redoxfs-resize" resized.img 64MiB
check "and upstream still reads it" "$oracle" check resized.img
rm -f cloned.img
truncate -s 128MiB cloned.img
check "redoxfs-clone copies it" "$up/redoxfs-clone" edges.lz4.img cloned.img
check "and the copy is sound" "$oracle" check cloned.img
check "and rimg reads the copy" "$rimg" -q ls -R cloned.img

# Upstream's archiver twice, on one folder: nothing but the volume's id, times and hashes may differ, in
# the newest header and in those that it left behind.
for i in 1 2; do
	rm -f again$i.img
	truncate -s 96M again$i.img
	check "redoxfs-ar, time $i" "$up/redoxfs-ar" again$i.img edges.tree
done
only_ids_and_times() {
	"$rimg" diff --json again1.img again2.img >again.json
	python3 - <<'END'
import json

d = json.load(open("again.json"))
assert not d["identical"] and d["equivalent"], "another content tree"
assert d["bytes"]["unexplained"] == 0, d["bytes"]
roots = {x["cause"] for x in d["differences"] if x.get("follows") is None}
assert roots <= {"identifier", "timestamp", "free-space"}, roots
assert {"identifier", "timestamp"} <= roots, roots
END
}
check "what differs between the two is said to be ids and times" only_ids_and_times
if [ -c /dev/fuse ] && have fusermount3; then
	mkdir -p mnt
	"$up/redoxfs" edges.lz4.img mnt >log 2>&1 &
	for _ in 1 2 3 4 5 6 7 8 9 10; do [ -d mnt/text ] || sleep 0.5; done
	if [ -d mnt/text ]; then
		check "upstream's FUSE mount shows the tree" diff -r --no-dereference edges.tree mnt
	else
		skip "upstream's FUSE mount: /dev/fuse is there but mounting is not allowed"
	fi
	fusermount3 -u mnt 2>/dev/null
else
	skip "upstream's FUSE mount: no /dev/fuse or fusermount3 here"
fi

# A volume with no room for anything else.
python3 "$here/trees.py" full.tree edges
need=$("$rimg" -q redoxfs full.tree -o full.img -s 2MiB 2>&1 | sed -n 's/.*at least \([0-9]*\) bytes.*/\1/p')
check "redoxfs: exactly what is needed is enough" "$rimg" -q redoxfs full.tree -o full.img -s "$need"
check "upstream reads it" "$oracle" check full.img
# what it says leaves eight blocks free, which upstream needs to write anything
check "redoxfs: with not a block behind the last one in use" "$rimg" -q redoxfs full.tree -o full.img -s $((need - 8 * 4096))
check "upstream reads that, too" "$oracle" check full.img
too_little() {
	"$rimg" -q redoxfs full.tree -o less.img -s $((need - 9 * 4096)) 2>less.log && return 1
	[ ! -e less.img ]
}
check "a block less is too little" too_little
check "and it is said how much is needed" grep -q "at least $need bytes" less.log

# ---- names with one hash ------------------------------------------------------------------------
# Directories are ordered by a hash of the name. 1,000 names of 8 bytes with the same one fill four
# lists of names; 3,300 of 248 bytes fill 221, so that they go on in another block of the hash tree.
# Upstream finds each, inserts more of them, removes half; and rimg reads what upstream makes of them.
same_hash() {
	len=$1 first=$2 more=$3
	"$same_hash" $((first + more)) "$len" >names.all
	head -n "$first" names.all >names.first
	tail -n "$more" names.all >names.more
	rm -rf same && mkdir -p same/d
	(cd same/d && xargs -n 400 touch <../../names.first)
	check "$first names of $len bytes with one hash: built" "$rimg" -q redoxfs same -o same.img -s 64MiB
	check "$first names of $len bytes with one hash: upstream finds, inserts, removes" "$oracle" dir-test same.img d --more names.more
	rm -f theirs.img && truncate -s 96MiB theirs.img && "$up/redoxfs-mkfs" theirs.img >/dev/null 2>&1
	check "$((first + more)) names of $len bytes with one hash: upstream makes such a directory" "$oracle" fill theirs.img d names.all
	"$rimg" ls theirs.img::/d >listed 2>log
	LC_ALL=C sort names.all >sorted
	check "and rimg lists it" cmp sorted listed
	check "and finds nothing wrong" sh -c "'$rimg' info theirs.img | tee /dev/stderr | grep -q 'findings: *none'"
}
if [ -n "$same_hash" ]; then
	same_hash 8 1000 500
	same_hash 248 3300 300
else
	skip "names with one hash: no SAME_HASH (make interop)"
fi

# ---- recorded images ----------------------------------------------------------------------------
# The images whose digests `make test` compares with tests/golden-builds.txt, read by others here.
recorded() {
	rm -rf inputs recorded
	"$top/tests/builds/inputs.sh" inputs "$golden" && "$top/tests/builds/build.sh" "$rimg" inputs recorded >digests &&
		diff "$top/tests/golden-builds.txt" digests
}
# redoxfs_at NAME FIRST LAST: the RedoxFS in these sectors of a disk
redoxfs_at() {
	check "recorded $1: upstream reads its RedoxFS" "$oracle" check recorded/$1.img --offset $(($2 * 512)) --size $((($3 - $2 + 1) * 512))
	check "recorded $1: upstream goes on writing in it" "$oracle" write-test recorded/$1.img --offset $(($2 * 512)) --size $((($3 - $2 + 1) * 512))
}
# table NAME: its partition table, and its EFI partition from sector $2 on, in $3 sectors
table() {
	check "recorded $1: sgdisk finds no problem" sh -c "sgdisk -v recorded/$1.img | tee /dev/stderr | grep -q 'No problems found'"
	[ $# = 1 ] && return
	dd if=recorded/$1.img of=esp.img bs=512 skip=$2 count=$3 status=none conv=sparse
	check "recorded $1: fsck.fat finds nothing" fsck.fat -n esp.img
	check "recorded $1: mcopy gets the boot loader out" sh -c 'mcopy -n -o -i esp.img ::/EFI/BOOT/BOOTAA64.EFI got.efi && cmp got.efi inputs/loader.efi'
	rm -f esp.img got.efi
}
check "recorded: the same bytes as in the record" recorded
for image in tree-none tree-lz4; do
	check "recorded $image: upstream reads everything" "$oracle" check recorded/$image.img
	"$oracle" list recorded/$image.img >list.jsonl 2>>log
	check "recorded $image: upstream sees the tree" python3 "$here/listing.py" "$work/inputs/tree" $epoch <list.jsonl
done
for image in tree-modes wide whole normalized-redoxfs; do
	check "recorded $image: upstream reads everything" "$oracle" check recorded/$image.img
done
# the first two have no room for what is written
for image in tree-lz4 whole normalized-redoxfs; do
	check "recorded $image: upstream goes on writing" "$oracle" write-test recorded/$image.img
done
check "recorded wide: upstream finds, removes names of one hash" "$oracle" dir-test recorded/wide.img same
check "recorded initfs: a second reader sees the tree" python3 "$here/initfs.py" recorded/initfs.img inputs/initfs
check "recorded initfs-bootstrap: a second reader sees the tree" python3 "$here/initfs.py" recorded/initfs-bootstrap.img inputs/initfs inputs/bootstrap
table full 2048 2048
redoxfs_at full 4096 129023
table partitions 10240 81920
redoxfs_at partitions 92160 163806
table fat32 2048 1058816
redoxfs_at fat32 1060864 1097694
table disk
table replaced
redoxfs_at replaced 4096 129023
table normalized-disk
rm -rf inputs recorded

# ---- records ------------------------------------------------------------------------------------
# The packed records of one file are those of redoxfs-ar: same tree, same stored blocks.
rm -f theirs.img
truncate -s 96MiB theirs.img
check "redoxfs-ar packs the same tree" "$up/redoxfs-ar" theirs.img edges.tree
"$rimg" ls -R --json theirs.img >theirs.jsonl
"$rimg" ls -R --json edges.lz4.img >ours.jsonl
check "same size, blocks and digest of every file as redoxfs-ar" python3 -c '
import json, sys
def load(path):
    return {d["path"]: (d["type"], d.get("size"), d.get("blocks"), d.get("inline"), d.get("sha256"), d.get("target"))
            for d in map(json.loads, open(path)) if d["type"] != "dir"}
a, b = load("ours.jsonl"), load("theirs.jsonl")
bad = sorted(p for p in a.keys() | b.keys() if a.get(p) != b.get(p))
print(len(a), "entries,", bad)
sys.exit(bool(bad))'
check "redoxfs --keep-modes of the same tree: built" "$rimg" -q redoxfs edges.tree -o modes.img -s 96MiB -c lz4 --keep-modes
check "the stored bytes of every record, and every inode but for times and places, are redoxfs-ar's" \
	python3 "$here/records.py" modes.img theirs.img
check "normalize makes the same bytes of both" sh -c "
	'$rimg' -q normalize theirs.img -o n1.img -c lz4 --seed x && '$rimg' -q normalize edges.lz4.img -o n2.img -c lz4 --seed x &&
	'$rimg' ls -R --json n1.img | sed 's/\"mode\":\"[0-7]*\"//' >n1.jsonl && '$rimg' ls -R --json n2.img | sed 's/\"mode\":\"[0-7]*\"//' >n2.jsonl && cmp n1.jsonl n2.jsonl"

# ---- initfs -------------------------------------------------------------------------------------
mkdir -p i.tree/bin i.tree/etc/deep
cp "$rimg" i.tree/bin/init
printf 'x' >i.tree/etc/one
: >i.tree/etc/deep/nothing
ln -s init i.tree/bin/alias
ln -s /etc/one i.tree/etc/deep/absolute
check "initfs: built" "$rimg" -q initfs i.tree -o i.img
check "initfs: a second reader sees the tree" python3 "$here/initfs.py" i.img i.tree
check "initfs with bootstrap: built" "$rimg" -q initfs i.tree -o ib.img -b "$rimg"
check "initfs with bootstrap: a second reader sees the tree" python3 "$here/initfs.py" ib.img i.tree "$rimg"

# ---- disks --------------------------------------------------------------------------------------
mkdir -p e.tree/EFI/BOOT "e.tree/a long name"
cp "$rimg" e.tree/EFI/BOOT/BOOTAA64.EFI
printf 'hello\n' >"e.tree/a long name/with spaces.txt"
cat >disk.toml <<END
[image]
size = "512MiB"
epoch = $epoch
seed = "interop"
[bootloader]
source = "e.tree/EFI/BOOT/BOOTAA64.EFI"
sha256 = "$(sha256sum <e.tree/EFI/BOOT/BOOTAA64.EFI | cut -d' ' -f1)"
[[files]]
path = "/"
source = "edges.tree"
END
if [ "$(stat -c %s e.tree/EFI/BOOT/BOOTAA64.EFI)" -gt 900000 ]; then
	head -c 900000 "$rimg" >e.tree/EFI/BOOT/BOOTAA64.EFI
	sed -i "s/^sha256.*/sha256 = \"$(sha256sum <e.tree/EFI/BOOT/BOOTAA64.EFI | cut -d' ' -f1)\"/" disk.toml
fi
check "disk: built" "$rimg" -q build disk.toml -o disk.img
check "disk: sgdisk finds no problem" sh -c 'sgdisk -v disk.img | tee /dev/stderr | grep -q "No problems found"'
check "disk: sfdisk finds no error" sh -c 'sfdisk --verify disk.img 2>&1 | tee /dev/stderr | grep -q "No errors detected"'
dd if=disk.img of=esp.img bs=512 skip=2048 count=2048 status=none
check "disk: fsck.fat finds nothing" fsck.fat -n esp.img
check "disk: mcopy gets the boot loader out" sh -c 'mcopy -n -i esp.img ::/EFI/BOOT/BOOTAA64.EFI got.efi && cmp got.efi e.tree/EFI/BOOT/BOOTAA64.EFI'
check "disk: upstream reads its RedoxFS" "$oracle" check disk.img --offset 2097152 --size 533725184
check "disk: upstream goes on writing in it" "$oracle" write-test disk.img --offset 2097152 --size 533725184

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
