#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Differences that were put there on purpose: two builds with exactly one thing changed between them.
# Of each pair all root causes are told, no more and no fewer; every byte that cmp finds is accounted
# for, and none is unexplained.
. tests/lib.sh
need python3

# roots FILE: "CAUSE KIND PATH FIELD" of what follows from nothing, in a JSON report
roots() {
	python3 -c '
import json, sys
for x in json.load(open(sys.argv[1]))["differences"]:
    if x["follows"] is None:
        print(x["cause"], x["kind"], x["path"] or "(whole)", x["field"] or "-")' "$1" | LC_ALL=C sort
}

# number KEY: of "bytes" in $out
number() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["bytes"][sys.argv[2]])' "$out" "$1"
}

# seeded NAME A B ROOT...
seeded() {
	name=$1 a=$2 b=$3
	shift 3
	printf '%s\n' "$@" | LC_ALL=C sort >"$tmp/expected"
	exits "$name: they differ" 1 "$RIMG" diff --json "$a" "$b"
	roots "$out" >"$tmp/roots"
	same "$name: its cause" "$tmp/expected" "$tmp/roots"
	bytes=$(cmp -l "$a" "$b" 2>/dev/null | wc -l)
	size_a=$(stat -c %s "$a") size_b=$(stat -c %s "$b")
	bytes=$((bytes + (size_a > size_b ? size_a - size_b : size_b - size_a)))
	if [ "$(number differing)" = "$bytes" ] && [ "$(number explained)" = "$bytes" ] &&
		[ "$(number unexplained)" = 0 ]; then
		pass "$name: all $bytes bytes are explained"
	else
		not_pass "$name: all $bytes bytes are explained" \
			"$(number differing) differ, $(number explained) explained"
	fi
}

# why NAME TEXT: somewhere in the last report is this evidence
why() {
	says "$1" "$2" "$out"
}

# ---- the tree that is built ----

tree=$tmp/tree
fresh() {
	rm -rf "$tree" "$tmp/initfs"
	mkdir -p "$tree/boot" "$tree/etc" "$tree/usr/bin" "$tmp/initfs/bin"
	seq 1 3000 >"$tmp/initfs/bin/numbers"
	seq 1 9000 >"$tree/etc/numbers"
	seq 5000 7000 >"$tree/etc/others"
	printf 'one\ntwo\nthree\n' >"$tree/etc/text"
	ln -s text "$tree/etc/link"
	chmod 644 "$tree"/etc/text
}

# fs IMAGE [OPTION...]: a file system of the tree
fs() {
	image=$1
	shift
	"$RIMG" redoxfs "$tree" -o "$image" --size 4M --epoch "${epoch:-1000}" --seed "${seed:-s}" --keep-modes "$@" >/dev/null ||
		not_pass "building $image" 'failed'
}

fresh
fs "$tmp/a.img"

epoch=87400 fs "$tmp/b.img"
seeded 'another epoch' "$tmp/a.img" "$tmp/b.img" 'timestamp changed / ctime'
why 'how far apart the times are' '"why": "the time in B is 1 d later"'
why 'both are dates' '"a": "1970-01-01T00:16:40Z"'

seed=other fs "$tmp/b.img"
seeded 'another seed' "$tmp/a.img" "$tmp/b.img" 'identifier changed header uuid'

fs "$tmp/b.img" --compression lz4
seeded 'compression' "$tmp/a.img" "$tmp/b.img" 'compression changed /etc/others stored'
why 'how much is stored' 'bytes are stored as'

cp "$tree/etc/text" "$tmp/saved"
printf 'one\n2\nthree\n' >"$tree/etc/text"
fs "$tmp/b.img"
seeded 'one line of a text' "$tmp/a.img" "$tmp/b.img" 'content changed /etc/text content'
exits 'the line is shown' 1 "$RIMG" diff -v "$tmp/a.img" "$tmp/b.img"
says 'what it was' '- two' "$out"
says 'what it is' '+ 2' "$out"
cp "$tmp/saved" "$tree/etc/text"

chmod 4755 "$tree/etc/text"
fs "$tmp/b.img"
seeded 'a mode' "$tmp/a.img" "$tmp/b.img" 'content changed /etc/text mode'
chmod 644 "$tree/etc/text"

ln -sf numbers "$tree/etc/link"
fs "$tmp/b.img"
seeded 'the target of a link' "$tmp/a.img" "$tmp/b.img" 'content changed /etc/link content'
ln -sf text "$tree/etc/link"

mv "$tree/etc/numbers" "$tree/usr/bin/renamed"
fs "$tmp/b.img"
seeded 'a renamed file' "$tmp/a.img" "$tmp/b.img" 'content moved /etc/numbers path'
echo more >>"$tree/usr/bin/renamed"
fs "$tmp/b.img"
seeded 'a file renamed and changed' "$tmp/a.img" "$tmp/b.img" \
	'content moved /etc/numbers path' 'content changed /etc/numbers content'
why 'how similar it is' 'similar content under another path: about 9'
fresh

rm "$tree/etc/others"
fs "$tmp/b.img"
seeded 'a file that is gone' "$tmp/a.img" "$tmp/b.img" 'content removed /etc/others -'
fresh

seq 100 >"$tree/etc/added"
fs "$tmp/b.img"
seeded 'a file more' "$tmp/a.img" "$tmp/b.img" 'content added /etc/added -'
cp "$tree/etc/numbers" "$tree/etc/added"
fs "$tmp/b.img"
seeded 'a copy of a file' "$tmp/a.img" "$tmp/b.img" 'content added /etc/added -'
why 'of which' 'its content is that of /etc/numbers'
fresh

seq 1 20000 >"$tree/etc/numbers"
fs "$tmp/b.img"
seeded 'a file that grew' "$tmp/a.img" "$tmp/b.img" 'content changed /etc/numbers content'
fresh

# ---- bytes that nobody should look at ----

cp "$tmp/a.img" "$tmp/b.img"
printf 'hidden' | dd of="$tmp/b.img" bs=1 seek=4000000 conv=notrunc status=none
seeded 'bytes hidden in free space' "$tmp/a.img" "$tmp/b.img" 'free-space changed free free'
why 'are shown' '6 bytes other than zero there, from byte 4000000 on (\"hidden\"); data may be hidden here'

cp "$tmp/a.img" "$tmp/b.img"
dd if="$tmp/a.img" of="$tmp/b.img" bs=4096 count=1 seek=200 conv=notrunc status=none
seeded 'a second header in the ring' "$tmp/a.img" "$tmp/b.img" 'free-space changed header[200] header'
why 'is told with what is wrong with it' 'expected generation'

# ---- the initfs in the file system ----

initfs() {
	"$RIMG" initfs "$tmp/initfs" -o "$tree/boot/initfs" --epoch "$1" >/dev/null
}

initfs 1000
fs "$tmp/a.img"
echo word >"$tmp/initfs/bin/word"
initfs 1000
fs "$tmp/b.img"
seeded 'a file more in the initfs' "$tmp/a.img" "$tmp/b.img" 'content added /boot/initfs::/bin/word -'
rm "$tmp/initfs/bin/word"
sed -i 's/^1500$/xxxx/' "$tmp/initfs/bin/numbers"
initfs 1000
fs "$tmp/b.img" --compression none
seeded 'a line of a file in the initfs' "$tmp/a.img" "$tmp/b.img" \
	'content changed /boot/initfs::/bin/numbers content'
fresh

# ---- owners, links: by a manifest ----

# manifest IMAGE LINE...: a whole disk
manifest() {
	image=$1
	shift
	{
		printf '[image]\nsize = "12MiB"\nseed = "s"\nepoch = 1000\n'
		printf '[[files]]\npath = "/etc"\nsource = "%s"\n' "$tree/etc"
		printf '%s\n' "$@"
	} >"$tmp/m.toml"
	"$RIMG" build "$tmp/m.toml" -o "$image" >/dev/null 2>"$tmp/built" || not_pass "building $image" "$(cat "$tmp/built")"
}

manifest "$tmp/a.img"
manifest "$tmp/b.img" '[[files]]' 'path = "/etc/hard"' 'hardlink = "/etc/numbers"'
seeded 'a hard link' "$tmp/a.img" "$tmp/b.img" 'content added REDOX::/etc/hard -'
manifest "$tmp/a.img" '[[files]]' 'path = "/etc/owned"' 'data = "x"' 'uid = 7'
manifest "$tmp/b.img" '[[files]]' 'path = "/etc/owned"' 'data = "x"' 'uid = 8'
seeded 'an owner' "$tmp/a.img" "$tmp/b.img" 'content changed REDOX::/etc/owned uid'

# ---- the partition table ----

# disk IMAGE SEED NAME
disk() {
	"$RIMG" disk -o "$1" --size 1M --seed "$2" -p "$3:linux:64:1900:$tree/etc/text" >/dev/null
}
disk "$tmp/a.img" s DATA
disk "$tmp/b.img" s OTHER
seeded 'the name of a partition' "$tmp/a.img" "$tmp/b.img" 'content changed DATA name'
disk "$tmp/b.img" t DATA
seeded 'the GUIDs of a disk' "$tmp/a.img" "$tmp/b.img" 'identifier changed DATA unique_guid' \
	'identifier changed backup header disk_guid'
cp "$tmp/a.img" "$tmp/b.img"
printf 'x' | dd of="$tmp/b.img" bs=1 seek=990000 conv=notrunc status=none
seeded 'a byte behind the last partition' "$tmp/a.img" "$tmp/b.img" \
	'free-space changed unallocated unallocated'

# ---- FAT, by dosfstools ----

if command -v mkfs.vfat >/dev/null && command -v mcopy >/dev/null; then
	# fat IMAGE ID
	fat() {
		rm -f "$1"
		truncate -s 1M "$1"
		SOURCE_DATE_EPOCH=1000000000 mkfs.vfat --invariant -i "$2" "$1" >/dev/null
		touch -d @1000000000 "$tree/etc/text"
		TZ=UTC mcopy -m -i "$1" "$tree/etc/text" ::text
	}
	fat "$tmp/a.img" 11111111
	fat "$tmp/b.img" 22222222
	seeded 'the id of a FAT volume' "$tmp/a.img" "$tmp/b.img" 'identifier changed boot sector volume_id'
	# the cluster of the file, behind its end: 14 bytes
	at=$(grep -abo three "$tmp/a.img" | cut -d: -f1)
	cp "$tmp/a.img" "$tmp/b.img"
	printf 'slack' | dd of="$tmp/b.img" bs=1 seek=$((at + 100)) conv=notrunc status=none
	seeded 'bytes behind the end of a file' "$tmp/a.img" "$tmp/b.img" 'padding changed /text slack'
else
	echo 'skipped: mkfs.vfat or mcopy is not installed (docs/packages.txt)'
fi

# ---- programs ----

cat >"$tmp/prog.c" <<'END'
#ifndef TEXT
#define TEXT "text"
#endif
extern int sum(const char *s);
static volatile int sink __attribute__((aligned(64)));
__attribute__((noinline)) int sum(const char *s) { int n = 0; while (*s) n += *s++; return n; }
__attribute__((noinline)) int twice(int x)
{
	int n = x * 2;
#ifdef MORE
	sink = n;
	sink = n ^ 5;
#endif
	return n NUMBER;
}
__attribute__((noinline)) int hashed(int x) __asm__("_ZN4core3fmt5write17h" HASH "E");
__attribute__((noinline)) int hashed(int x) { sink = x; return sum(TEXT) + twice(x); }
int _start(void) { return hashed(sum(__FILE__)) + twice(3); }
END
# prog OUTPUT [OPTION...]
prog() {
	output=$1
	shift
	gcc -O2 -fno-ipa-ra -nostdlib -static -no-pie -fno-asynchronous-unwind-tables -fcf-protection=none \
		-Wl,--build-id=sha1 -DNUMBER=+1 -DHASH='"0123456789abcdef"' -o "$output" "$@" 2>"$tmp/cc" ||
		not_pass "compiling $output" "$(head -n 3 "$tmp/cc")"
}
if gcc -dumpmachine | grep -q x86_64; then
	mkdir -p "$tmp/here" "$tmp/somewhere"
	cp "$tmp/prog.c" "$tmp/here"
	cp "$tmp/prog.c" "$tmp/somewhere"
	cd "$tmp" || exit 1
	case $RIMG in /*) ;; *) RIMG=$OLDPWD/$RIMG ;; esac
	case $GOLDEN in /*) ;; *) GOLDEN=$OLDPWD/$GOLDEN ;; esac
	prog a.elf prog.c
	prog b.elf prog.c -UNUMBER -DNUMBER=+2
	seeded 'one byte in a function' a.elf b.elf 'codegen changed .text::twice content'
	why 'one instruction' '1 of 2 instructions differ'
	exits 'is shown' 1 "$RIMG" diff -v a.elf b.elf
	says 'as it was' 'lea eax, [rdi + rdi + 1]' "$out"
	says 'and as it is' 'lea eax, [rdi + rdi + 2]' "$out"
	rm -rf "$tree"
	mkdir -p "$tree/bin"
	cp a.elf "$tree/bin/prog"
	fs a.img --compression lz4
	cp b.elf "$tree/bin/prog"
	fs b.img --compression lz4
	seeded 'the same in a packed file' a.img b.img 'codegen changed /bin/prog::.text::twice content'
	prog b.elf prog.c -DMORE
	seeded 'a function that grew, and moves all behind it' a.elf b.elf \
		'codegen changed .text::twice content'
	why 'what it moves' 'hold another address of the same thing'
	prog b.elf prog.c '-DTEXT="other"'
	seeded 'a text of a program' a.elf b.elf 'content changed .rodata content'
	prog b.elf prog.c -UHASH -DHASH='"fedcba9876543210"'
	seeded 'the hash in a symbol' a.elf b.elf \
		'symbol-hash changed .text::_ZN4core3fmt5write17h0123456789abcdefE name'
	why 'of which function' 'core::fmt::write in both'
	prog b.elf prog.c -Wl,--build-id=0x0123456789012345678901234567890123456789
	seeded 'a build id' a.elf b.elf 'build-id changed .note.gnu.build-id build-id'
	prog a.elf "$tmp/here/prog.c"
	prog b.elf "$tmp/somewhere/prog.c"
	seeded 'the folder of a build' a.elf b.elf 'build-path changed .rodata content'
	why 'which' 'equal once \"/here\" at the beginning of paths is replaced by \"/somewhere\"'
	prog a.elf -g prog.c
	prog b.elf -g prog.c -O1
	exits 'another option of the compiler' 1 "$RIMG" diff --json a.elf b.elf
	why 'is told' 'made by another compiler or with other options: \"GNU C17'
else
	echo 'skipped: programs of x86-64 need a compiler for it'
fi

# ---- images of upstream's tools ----

seeded 'a clone, by upstream' "$GOLDEN/basic.img" "$GOLDEN/clone.img" \
	'content changed header size' 'identifier changed header uuid' \
	'identifier changed header generation' 'timestamp changed / ctime' \
	'free-space changed free free' 'free-space changed header[6] header' \
	'free-space changed header[7] header'
seeded 'a wrong hash of a header' "$GOLDEN/tiny.img" "$GOLDEN/broken/header-newest-hash.img" \
	'checksum changed header hash' 'identifier changed header generation'
why 'is told' 'damage in B: expected a header with a right hash in slot 5'
seeded 'an initfs without bootstrap, by upstream' "$GOLDEN/initfs-boot.img" "$GOLDEN/initfs-plain.img" \
	'content removed bootstrap -' 'timestamp changed (whole) creation'

done_testing
