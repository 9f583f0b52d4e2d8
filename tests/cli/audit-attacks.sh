#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg verify audit against files that were made so that it overlooks foreign code. Each holds a small
# program of LLVM's, or code that nobody vouches for, and none may pass under the policy that
# docs/audit.md recommends.
. tests/lib.sh

for program in clang-14 ld.lld-14 aarch64-linux-gnu-as aarch64-linux-gnu-ld gzip jq mformat mcopy python3; do
	need $program
done
rimg=$(realpath "$RIMG")
unset SOURCE_DATE_EPOCH

clif=$tmp/clif small=$tmp/small
cat >"$tmp/small.c" <<'END'
static int fib(int n)
{
	int a = 0, b = 1;

	while (n-- > 0) {
		int t = a + b;

		a = b;
		b = t;
	}
	return a;
}

void _start(volatile int *p)
{
	*p = fib(*p);
}
END
aarch64-linux-gnu-as tests/audit/clif.s -o "$tmp/clif.o" &&
	aarch64-linux-gnu-ld -z separate-code "$tmp/clif.o" -o "$clif" &&
	clang-14 --target=aarch64-linux-gnu -ffreestanding -O1 -c "$tmp/small.c" -o "$tmp/small.o" &&
	ld.lld-14 "$tmp/small.o" -o "$small" || exit 1
cat >"$tmp/policy.toml" <<'END'
[policy]
allow = ["cranelift"]
min_coverage = 0.985
interpreted = "allow"
END

# audits NAME CODE ADDRESS: the JSON goes to $out
audits() {
	exits "$1" "$2" "$rimg" verify audit --json --policy "$tmp/policy.toml" "$3"
}

# found NAME FILTER VALUE: of the first artifact in $out
found() {
	value=$(jq -r ".artifacts[0] | $2" <"$out")
	if [ "$value" = "$3" ]; then
		pass "$1"
	else
		not_pass "$1" "\"$value\" instead of \"$3\""
	fi
}

# reason NAME TEXT: the first artifact has it among its reasons
reason() {
	found "$1" ".reasons | map(select(startswith(\"$2\"))) | length" 1
}

# patch NAME CODE: $tmp/NAME is the small program after the Python code, which has its bytes in d
patch() {
	python3 - "$small" "$tmp/$1" <<END || exit 1
import struct, sys
d = bytearray(open(sys.argv[1], "rb").read())
get = lambda form, at: struct.unpack_from("<" + form, d, at)[0]
put = lambda form, at, *values: struct.pack_into("<" + form, d, at, *values)
segments, sections = get("Q", 32), get("Q", 40)
n_segments, n_sections = get("H", 56), get("H", 60)
$2
open(sys.argv[2], "wb").write(d)
END
}

audits "Cranelift's program passes" 0 "$clif"
audits "the small program of LLVM's does not" 1 "$small"

# ---- padding -------------------------------------------------------------------------------------
# Five instructions that could be anybody's before 64 KiB of zeros
cat >"$tmp/padded.s" <<'END'
	.text
	.globl _start
_start:	mov	x0, #1
	mov	x1, #2
	mul	x0, x0, x1
	add	x0, x0, #3
	ret
	.zero	65536
END
aarch64-linux-gnu-as "$tmp/padded.s" -o "$tmp/padded.o" &&
	aarch64-linux-gnu-ld "$tmp/padded.o" -o "$tmp/padded" || exit 1
audits 'padding does not make up for unknown code' 1 "$tmp/padded"
found 'it is unknown' .verdict unknown

# ---- headers that loaders read in different ways -------------------------------------------------
patch no-exec '
for i in range(n_segments):
	put("I", segments + 56 * i + 4, get("I", segments + 56 * i + 4) & ~1)
for i in range(n_sections):
	put("Q", sections + 64 * i + 8, get("Q", sections + 64 * i + 8) & ~4)'
audits 'a program that begins outside of its executable bytes fails' 1 "$tmp/no-exec"
reason 'it is told' 'the program begins outside of its code'

# read as one of 32 bits it has a single section, which is not executable
patch class32 '
d[4] = 1
put("HHHH", 40, 52, 0, 0, 40)
put("H", 48, 1)'
audits 'a program of 64 bits that claims to have 32 fails' 1 "$tmp/class32"
found 'all of it is unknown' '.code_bytes' "$(stat -c %s "$tmp/class32")"
patch class9 'd[4] = 9'
audits 'so does one of a class that there is not' 1 "$tmp/class9"
patch order 'd[5] = 9'
audits 'and one of a byte order that there is not' 1 "$tmp/order"
found 'all of it is unknown' '.code_bytes' "$(stat -c %s "$tmp/order")"
# twice the step skips every other segment
patch step '
put("H", 54, 112)
put("H", 56, n_segments // 2)'
audits 'so does one whose table of segments has another step' 1 "$tmp/step"
reason 'it is told' 'headers are damaged'

# code in a section that is data, in an application for firmware that maps all of it alike
python3 - "$small" "$tmp/efi" <<'END' || exit 1
import struct, sys
elf = open(sys.argv[1], "rb").read()
at, = struct.unpack_from("<Q", elf, 40)
text = next(s for i in range(struct.unpack_from("<H", elf, 60)[0])
            for s in [struct.unpack_from("<IIQQQQ", elf, at + 64 * i)] if s[2] & 4)
code = elf[text[4]:text[4] + text[5]].ljust(512, b"\0")
coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0xAA64, 1, 0, 0, 0, 240, 0x22)
optional = struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 14, 0, 0, 512, 0, 0x1000, 0x1000,
                       0x140000000, 0x1000, 512, 0, 0, 0, 0, 0, 0, 0, 0x2000, 512, 0, 10, 0,
                       0, 0, 0, 0, 0, 16) + bytes(128)
section = struct.pack("<8sIIIIIIHHI", b".data", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0xC0000040)
head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + coff + optional + section
open(sys.argv[2], "wb").write(head.ljust(512, b"\0") + code)
END
audits 'an application that begins in its data fails' 1 "$tmp/efi"
reason 'it is told' 'the program begins outside of its code'

# ---- one file, two formats -----------------------------------------------------------------------
# a volume with LLVM's program, packed, which RedoxFS finds behind other things
mkdir "$tmp/d"
{
	cat "$small"
	python3 -c 'print("abcdefgh" * 4000)'
} >"$tmp/d/small"
"$rimg" redoxfs "$tmp/d" -o "$tmp/volume.img" --size 2MiB --compression lz4 --epoch 0 >/dev/null || exit 1
audits 'a volume with it fails' 1 "$tmp/volume.img"
mkdir "$tmp/clean"
cp "$clif" "$tmp/clean/clif"
"$rimg" redoxfs "$tmp/clean" -o "$tmp/clean.img" --size 2MiB --epoch 0 >/dev/null || exit 1
audits "a volume with Cranelift's alone passes" 0 "$tmp/clean.img"
cp "$clif" "$tmp/twice" && truncate -s 262144 "$tmp/twice" && cat "$tmp/volume.img" >>"$tmp/twice" || exit 1
audits "a volume behind a program of Cranelift's cannot be read" 2 "$tmp/twice"
mformat -i "$tmp/fat.img" -C -T 512 -h 1 -s 1 -d 1 :: 2>"$err" && mcopy -i "$tmp/fat.img" "$clif" ::clif || {
	cat "$err"
	exit 1
}
audits 'a FAT volume passes' 0 "$tmp/fat.img"
cat "$tmp/volume.img" >>"$tmp/fat.img"
audits 'with another volume behind it, it cannot be read' 2 "$tmp/fat.img"

# between partitions, where only its header is plain
"$rimg" disk -o "$tmp/disk.img" --size 16MiB --partition "REDOX:linux:2048:8191:$tmp/clean.img" --seed test \
	>"$out" 2>"$err" || {
	cat "$err"
	exit 1
}
audits 'a disk passes' 0 "$tmp/disk.img"
dd if="$tmp/volume.img" of="$tmp/disk.img" bs=512 seek=16384 conv=notrunc status=none
audits 'with a volume between partitions it fails' 1 "$tmp/disk.img"
found 'it is named' '"\(.path) \(.format) \(.hidden)"' '@0x800000 redoxfs true'

# ---- what holds others ---------------------------------------------------------------------------
# in_volume NAME: $tmp/e/NAME alone in a volume fails
in_volume() {
	"$rimg" redoxfs "$tmp/e" -o "$tmp/e.img" --size 2MiB --epoch 0 >/dev/null || exit 1
	audits "$1 fails" 1 "$tmp/e.img"
	found "$1: what it is" .format "$2"
	rm -r "$tmp/e"/*
}
mkdir "$tmp/e"
printf '#!/bin/sh\necho hello\n' >"$tmp/e/script"
"$rimg" redoxfs "$tmp/e" -o "$tmp/e.img" --size 2MiB --epoch 0 >/dev/null || exit 1
audits 'a script passes' 0 "$tmp/e.img"
{
	printf '#!/bin/sh\ntail -c +40 "$0" | gunzip >/tmp/x; exec /tmp/x\n'
	gzip -cn "$small"
} >"$tmp/e/script"
in_volume 'a script with an archive behind it' 'script with data'
python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.compress(open(sys.argv[1], "rb").read(), 3))' \
	"$small" >"$tmp/e/data"
in_volume 'a zlib stream of a low level' zlib
{
	printf '\120\052\115\030\004\000\000\000skip'
	head -c 200 /dev/zero | tr '\0' '\252'
} >"$tmp/e/data"
in_volume 'a stream behind a frame to be skipped' 'zstd or lz4'

done_testing
