#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg verify audit: where programs are found, what a policy lets pass, and that nothing passes which
# could not be read. The programs are made here; that they are LLVM's or of Cranelift's shape is
# known from what made them.
. tests/lib.sh

for program in clang-14 ld.lld-14 aarch64-linux-gnu-as aarch64-linux-gnu-ld aarch64-linux-gnu-objcopy \
	aarch64-linux-gnu-ar gzip jq mformat mcopy python3; do
	need $program
done
rimg=$(realpath "$RIMG")
unset SOURCE_DATE_EPOCH

# ---- programs ------------------------------------------------------------------------------------
clif=$tmp/clif llvm=$tmp/llvm flat=$tmp/flat
aarch64-linux-gnu-as tests/audit/clif.s -o "$tmp/clif.o" &&
	aarch64-linux-gnu-ld -z separate-code "$tmp/clif.o" -o "$clif" &&
	ld.lld-14 -z max-page-size=4096 --image-base=0x1000 "$tmp/clif.o" -o "$tmp/bootstrap" &&
	clang-14 --target=aarch64-linux-gnu -ffreestanding -fno-vectorize -O1 -c tests/audit/foreign.c \
		-o "$tmp/llvm.o" &&
	ld.lld-14 "$tmp/llvm.o" -o "$llvm" &&
	aarch64-linux-gnu-objcopy -O binary -j .text "$llvm" "$flat" || exit 1
llvm_size=$(stat -c %s "$llvm")
llvm_sha256=$(sha256sum <"$llvm" | cut -d' ' -f1)
llvm_code=$(stat -c %s "$flat")

# audits NAME CODE ADDRESS [OPTIONS]: the JSON goes to $out
audits() {
	name=$1 code=$2 address=$3
	shift 3
	exits "$name" "$code" "$rimg" verify audit --json "$@" "$address"
}

# is NAME FILTER VALUE: of the JSON in $out
is() {
	value=$(jq -r "$2" <"$out")
	if [ "$value" = "$3" ]; then
		pass "$1"
	else
		not_pass "$1" "\"$value\" instead of \"$3\""
	fi
}

# found NAME PATH FILTER VALUE: of the artifact at a path
found() {
	is "$1" ".artifacts[] | select(.path == \"$2\") | $3" "$4"
}

# schema NAME: the JSON is what its schema says
schema() {
	cp "$out" "$tmp/document.json"
	exits "$1" 0 python3 tests/tools/check_schema.py docs/schema/verify-audit.json "$tmp/document.json"
}

# put FILE OFFSET INTO: bytes over those of another file
put() {
	dd if="$1" of="$3" bs=1 seek="$2" conv=notrunc status=none
}

# volume DIR IMAGE: a RedoxFS
volume() {
	"$rimg" redoxfs "$1" -o "$2" --size 4MiB --epoch 0 >/dev/null || exit 1
}

# ---- one program ---------------------------------------------------------------------------------
audits "Cranelift's program passes" 0 "$clif"
is 'its verdict' .verdict pass
found 'it is cranelift' '' .verdict cranelift
is 'the classes make up all of the code' \
	'.coverage | .code_bytes == ([.[]] | add) - .code_bytes and .code_bytes == .cranelift + .pad' true
audits "LLVM's program fails" 1 "$llvm"
found 'it is llvm' '' .verdict llvm
found 'its hash' '' .sha256 "$llvm_sha256"
found 'all of its code' '' .code_bytes "$llvm_code"
is 'none of it is taken for Cranelift' .coverage.cranelift 0
audits 'its functions are listed' 1 "$llvm" --functions
is 'by their names' '[.artifacts[0].functions[].symbol] | sort | join(" ")' \
	'_start collatz largest mix recurse walk'
is 'their bytes are all bytes' '[.artifacts[0].functions[].size] | add' "$llvm_code"
audits 'without asking, they are not' 1 "$llvm"
is 'there is no such key' '.artifacts[0] | has("functions")' false
exits 'as text, the worst is first' 1 "$rimg" verify audit "$llvm"
says 'with its address and why' "$llvm: $llvm_code bytes of llvm code in 6 pieces" "$out"
exits 'its evidence counts one piece as one' 0 sh -c "'$rimg' verify audit -v '$clif' | grep ': 1 piece, 56 bytes'"

# ---- where programs lie --------------------------------------------------------------------------
mkdir -p "$tmp/d/usr/bin" "$tmp/d/share"
cp "$clif" "$tmp/d/usr/bin/clif"
cp "$clif" "$tmp/d/usr/bin/copy"
volume "$tmp/d" "$tmp/clean.img"
audits 'a volume with Cranelift alone passes' 0 "$tmp/clean.img"
is 'two files of the same bytes are one artifact' '.artifacts | length' 1
found 'with both paths' /usr/bin/clif '.also | join(" ")' /usr/bin/copy
audits 'a program of it is judged by itself' 0 "$tmp/clean.img::/usr/bin/clif"
found 'its path begins at the image' /usr/bin/clif .verdict cranelift

cp "$llvm" "$tmp/d/usr/bin/llvm"
volume "$tmp/d" "$tmp/mixed.img"
audits 'one other program makes it fail' 1 "$tmp/mixed.img"
is 'it comes first' '.artifacts[0].path' /usr/bin/llvm
is 'the other one passes' '.artifacts[1].pass' true
"$rimg" redoxfs "$tmp/d" -o "$tmp/packed.img" --size 4MiB --epoch 0 --compression lz4 >/dev/null || exit 1
audits 'packed programs are found' 1 "$tmp/packed.img"
is 'once each, and nothing is taken from their packed bytes' '[.artifacts[].path] | join(" ")' \
	'/usr/bin/llvm /usr/bin/clif'
rm "$tmp/d/usr/bin/llvm"

aarch64-linux-gnu-ar rcD "$tmp/d/share/lib.a" "$tmp/clif.o" "$tmp/llvm.o"
volume "$tmp/d" "$tmp/archive.img"
audits 'members of archives are judged' 1 "$tmp/archive.img"
found 'each by itself' /share/lib.a::llvm.o .verdict llvm
found 'as they are' /share/lib.a::clif.o .pass true
rm "$tmp/d/share/lib.a"

mkdir -p "$tmp/inner/bin"
cp "$llvm" "$tmp/inner/bin/init"
"$rimg" initfs "$tmp/inner" -o "$tmp/d/share/initfs" --bootstrap "$tmp/bootstrap" --epoch 0 >/dev/null || exit 1
volume "$tmp/d" "$tmp/nested.img"
audits 'an initfs in a file is opened' 1 "$tmp/nested.img"
found 'what lies in it is found' /share/initfs::/bin/init .verdict llvm
found 'it is not hidden' /share/initfs::/bin/init .hidden false
found 'and so is its bootstrap' /share/initfs::bootstrap .verdict cranelift
rm "$tmp/d/share/initfs"

# ---- where none should be ------------------------------------------------------------------------
printf '\211PNG\r\n\032\n\0\0\0\rIHDR' >"$tmp/d/share/logo.png"
head -c 5001 /dev/zero | tr '\0' '\125' >>"$tmp/d/share/logo.png"
at=$(stat -c %s "$tmp/d/share/logo.png")
cat "$llvm" >>"$tmp/d/share/logo.png"
volume "$tmp/d" "$tmp/png.img"
audits 'a program behind a picture is found' 1 "$tmp/png.img"
hidden=$(printf '/share/logo.png::@0x%x' "$at")
found 'where it begins' "$hidden" .hidden true
found 'and judged' "$hidden" .verdict llvm
found 'just its bytes' "$hidden" .sha256 "$llvm_sha256"
is 'the reason has its name' '.artifacts[0].reasons[0]' 'hidden-code: a program where none should be'
printf '[policy]\nhidden = "allow"\nallow = ["cranelift", "llvm", "foreign", "gcc"]\nmin_coverage = 0\n' \
	>"$tmp/lax.toml"
audits 'hidden code may be allowed' 0 "$tmp/png.img" --policy "$tmp/lax.toml"
rm "$tmp/d/share/logo.png"

cat "$clif" "$llvm" >"$tmp/d/share/both"
volume "$tmp/d" "$tmp/both.img"
audits 'a program behind a program is found' 1 "$tmp/both.img"
found 'where the first one ends' "$(printf '/share/both::@0x%x' "$(stat -c %s "$clif")")" .verdict llvm
found 'the first one is Cranelift still' /share/both .verdict cranelift
rm "$tmp/d/share/both"

aarch64-linux-gnu-objcopy --add-section .data.blob="$llvm" "$clif" "$tmp/d/share/carrier" 2>/dev/null || exit 1
volume "$tmp/d" "$tmp/carrier.img"
audits 'a program in the data of a program is found' 1 "$tmp/carrier.img"
is 'as hidden' '[.artifacts[] | select(.hidden) | .verdict] | join(" ")' llvm
rm "$tmp/d/share/carrier"

{
	head -c 3000 /dev/zero | tr '\0' '\252'
	cat "$flat"
} >"$tmp/d/share/kernel.bin"
volume "$tmp/d" "$tmp/flat.img"
audits 'machine code in no container is never ignored' 1 "$tmp/flat.img"
found 'it is unknown' /share/kernel.bin .verdict unknown
found 'its format' /share/kernel.bin .format raw
rm "$tmp/d/share/kernel.bin"

cp "$tmp/clean.img" "$tmp/free.img"
put "$llvm" 3145728 "$tmp/free.img"
audits 'a program in free blocks is found' 1 "$tmp/free.img"
found 'where it lies' @0x300000 '"\(.hidden) \(.verdict)"' 'true llvm'
cp "$tmp/clean.img" "$tmp/stale.img"
put "$clif" 3145728 "$tmp/stale.img"
audits "a hidden program fails, though it is Cranelift's" 1 "$tmp/stale.img"
found 'it is' @0x300000 '"\(.verdict) \(.pass)"' 'cranelift false'
printf '[policy]\nhidden = "allow"\n' >"$tmp/hidden.toml"
exits 'a policy may judge it as any other' 0 "$rimg" verify audit --policy "$tmp/hidden.toml" "$tmp/stale.img"

mformat -i "$tmp/esp.img" -C -T 8192 -c 8 -H 0 -h 16 -s 63 :: && printf 'hello' >"$tmp/hello" &&
	mcopy -i "$tmp/esp.img" "$tmp/hello" ::hello.txt || exit 1
exits 'a FAT volume without programs passes' 0 "$rimg" verify audit "$tmp/esp.img"
at=$(grep -obUa hello "$tmp/esp.img" | tail -n 1 | cut -d: -f1)
cp "$tmp/esp.img" "$tmp/slack.img"
put "$tmp/llvm.o" $((at + 512)) "$tmp/slack.img"
audits 'a program in the slack of a file is found' 1 "$tmp/slack.img"
found 'where it lies' "$(printf '@0x%x' $((at + 512)))" '"\(.hidden) \(.verdict)"' 'true llvm'
cp "$tmp/esp.img" "$tmp/clusters.img"
put "$llvm" 3000000 "$tmp/clusters.img"
audits 'a program in free clusters is found' 1 "$tmp/clusters.img"
found 'where it lies' "$(printf '@0x%x' 3000000)" '"\(.hidden) \(.verdict)"' 'true llvm'

"$rimg" disk -o "$tmp/disk.img" --size 16MiB --partition "EFI:efi:2048:10239:$tmp/esp.img" \
	--partition "REDOX:linux:16384:24575:$tmp/clean.img" --seed test >"$out" 2>"$err" || {
	cat "$err"
	exit 1
}
audits 'a disk with Cranelift alone passes' 0 "$tmp/disk.img"
found 'paths lead through partitions' REDOX::/usr/bin/clif .verdict cranelift
cp "$tmp/disk.img" "$tmp/gap.img"
put "$llvm" 6291456 "$tmp/gap.img"
audits 'a program between partitions is found' 1 "$tmp/gap.img"
found 'where it lies' @0x600000 '"\(.hidden) \(.verdict)"' 'true llvm'
head -c 65536 /dev/zero | tr '\0' '\252' >"$tmp/unknown"
put "$tmp/unknown" 1048576 "$tmp/gap.img"
audits 'a partition that nobody can read fails' 1 "$tmp/gap.img"
found 'it is named' EFI '"\(.format) \(.pass)"' 'unrecognised false'
j1=$tmp/j1.json
cp "$out" "$j1"
audits 'threads do not show' 1 "$tmp/gap.img" -j 7
same 'the same report' "$j1" "$out"

# ---- what is not opened, what is interpreted -----------------------------------------------------
printf '#!/bin/ion\necho\n' >"$tmp/d/usr/bin/script"
printf '\0asm\1\0\0\0' >"$tmp/d/usr/bin/module"
volume "$tmp/d" "$tmp/script.img"
audits 'scripts fail without a policy' 1 "$tmp/script.img"
found 'a script' /usr/bin/script '"\(.format) \(.verdict)"' 'script no-code'
found 'WebAssembly' /usr/bin/module .format wasm
printf '[policy]\ninterpreted = "allow"\n' >"$tmp/interpreted.toml"
exits 'a policy allows them' 0 "$rimg" verify audit --policy "$tmp/interpreted.toml" "$tmp/script.img"
rm "$tmp/d/usr/bin/script" "$tmp/d/usr/bin/module"

gzip -n <"$llvm" >"$tmp/d/share/llvm.gz"
volume "$tmp/d" "$tmp/gzip.img"
audits 'what is compressed fails' 1 "$tmp/gzip.img"
found 'it is told as what it is' /share/llvm.gz '"\(.format) \(.verdict)"' 'gzip unknown'
printf '[policy]\nopaque = "allow"\n' >"$tmp/opaque.toml"
exits 'a policy allows it' 0 "$rimg" verify audit --policy "$tmp/opaque.toml" "$tmp/gzip.img"
rm "$tmp/d/share/llvm.gz"

# ---- what cannot be read -------------------------------------------------------------------------
audits 'an encrypted volume without password is not read' 2 "$GOLDEN/encrypted.img"
is 'it fails' .verdict fail
is 'and says why' '.unread[0].code' redoxfs.password
printf 'correct-horse\n' >"$tmp/password"
audits 'with it, it is' 0 "$GOLDEN/encrypted.img" --password-file "$tmp/password"
is 'all of it' '.unread | length' 0
audits 'nor is a damaged file' 2 "$GOLDEN/broken/bitflip-data.img"
is 'it fails, too' .verdict fail
schema 'with what is not read'
for name in bitflip-tree gpt-header-crc initfs-truncated header-all-hashes truncated; do
	audits "damaged: $name" 2 "$GOLDEN/broken/$name.img"
	is "damaged: $name fails" .verdict fail
done
exits 'a missing file is trouble' 2 "$rimg" verify audit no-such-file
exits 'two addresses are wrong usage' 2 "$rimg" verify audit "$clif" "$llvm"

# ---- policies ------------------------------------------------------------------------------------
cp "$llvm" "$tmp/d/usr/bin/llvm"
cp "$llvm" "$tmp/d/share/llvm"
volume "$tmp/d" "$tmp/two.img"
cat >"$tmp/one.toml" <<END
[[exception]]
path = "/usr/bin/llvm"
sha256 = "$llvm_sha256"
reason = "test"
END
audits 'a declared program passes' 0 "$tmp/mixed.img" --policy "$tmp/one.toml"
found 'it is declared' /usr/bin/llvm .verdict declared
is 'its code is' '.coverage.declared' "$llvm_code"
is 'the exception was used' '.exceptions[0].use' used
schema 'with exceptions'
audits 'the same bytes elsewhere are not declared' 1 "$tmp/two.img" --policy "$tmp/one.toml"
sed 's/^path.*//' "$tmp/one.toml" >"$tmp/any.toml"
exits 'without a path they are' 0 "$rimg" verify audit --policy "$tmp/any.toml" "$tmp/two.img"
sed 's,/usr/bin/llvm,*/llvm,' "$tmp/one.toml" >"$tmp/glob.toml"
exits 'or with a wildcard' 0 "$rimg" verify audit --policy "$tmp/glob.toml" "$tmp/two.img"
exits 'an exception that nothing needs is a warning' 0 \
	"$rimg" verify audit --policy "$tmp/one.toml" "$tmp/clean.img"
says 'with its place' "one.toml:1: nothing there needs this exception" "$err"
sed "s,/usr/bin/llvm,/usr/bin/clif," "$tmp/one.toml" >"$tmp/wrong.toml"
exits 'an exception with another hash fails, though all of it would pass' 1 \
	"$rimg" verify audit --policy "$tmp/wrong.toml" "$tmp/clean.img"
says 'it is told' 'what is at "/usr/bin/clif" has another SHA-256' "$err"
printf '[[exception]]\npath = "/usr/bin/llvm"\nreason = "test"\n' >"$tmp/nohash.toml"
exits 'a path alone declares nothing' 2 "$rimg" verify audit --policy "$tmp/nohash.toml" "$tmp/two.img"
says 'that is told with its line' 'nohash.toml:1: [[exception]]: expected sha256' "$err"

# a whole container, whatever is in it
nested_sha256=$(sha256sum <"$tmp/nested.img" | cut -d' ' -f1)
mkdir "$tmp/outer"
cp "$tmp/nested.img" "$tmp/outer/disk"
"$rimg" redoxfs "$tmp/outer" -o "$tmp/outer.img" --size 8MiB --epoch 0 >/dev/null || exit 1
audits 'a volume in a file of a volume is opened' 1 "$tmp/outer.img"
found 'two levels down' /disk::/share/initfs::/bin/init .verdict llvm
printf '[[exception]]\nsha256 = "%s"\nreason = "test"\n' "$nested_sha256" >"$tmp/whole.toml"
audits 'it may be declared as a whole' 0 "$tmp/outer.img" --policy "$tmp/whole.toml"
found 'then it is not looked into' /disk '"\(.verdict) \(.format)"' 'declared redoxfs'

# ---- proposals -----------------------------------------------------------------------------------
for img in mixed two archive nested png both carrier flat free slack clusters gap script gzip; do
	exits "$img: a policy is proposed" 1 "$rimg" verify audit --propose-policy "$tmp/$img.img"
	cp "$out" "$tmp/proposed.toml"
	exits "$img: it passes with it" 0 "$rimg" verify audit --policy "$tmp/proposed.toml" "$tmp/$img.img"
	same "$img: all of it is needed" /dev/null "$err"
done
exits 'another image does not profit' 1 "$rimg" verify audit --policy "$tmp/proposed.toml" "$tmp/two.img"

# a program of Cranelift with one function of another compiler: the function is declared
clang-14 --target=aarch64-linux-gnu -ffreestanding -fno-vectorize -O1 -fasynchronous-unwind-tables \
	-ffunction-sections -Wl,-r -c tests/audit/foreign.c -o "$tmp/parts.o" 2>/dev/null
aarch64-linux-gnu-objcopy -j .text.largest "$tmp/parts.o" "$tmp/largest.o" &&
	aarch64-linux-gnu-ld -z separate-code "$tmp/clif.o" "$tmp/largest.o" -o "$tmp/mix" || exit 1
audits 'a Cranelift program with a foreign function fails' 1 "$tmp/mix" --functions
found 'it is mixed' '' .verdict mixed
is 'the function is found' '[.artifacts[0].functions[] | select(.symbol == "largest").verdict] | join(" ")' llvm
exits 'the function is proposed' 1 "$rimg" verify audit --propose-policy "$tmp/mix"
cp "$out" "$tmp/piece.toml"
says 'by the hash of its code' 'code_sha256 = ' "$tmp/piece.toml"
says 'with its name' 'name = "largest"' "$tmp/piece.toml"
audits 'it passes with it' 0 "$tmp/mix" --policy "$tmp/piece.toml" --functions
is 'the function is declared' '[.artifacts[0].functions[] | select(.symbol == "largest").verdict] | join(" ")' declared
found 'the rest is Cranelift' '' .verdict cranelift
exits 'the program with all of the functions does not' 1 \
	"$rimg" verify audit --policy "$tmp/piece.toml" "$llvm"

# ---- known files and functions -------------------------------------------------------------------
mkdir "$tmp/prebuilt"
cp "$tmp/parts.o" "$tmp/prebuilt/parts.o"
audits 'a function of a known file is told' 1 "$tmp/mix" --functions --known-prebuilt "$tmp/prebuilt"
is 'by its name there' '[.artifacts[0].functions[] | select(.prebuilt).prebuilt] | join(" ")' 'parts.o: largest'
cp "$llvm" "$tmp/prebuilt/zlib"
audits 'a known file is told' 1 "$llvm" --known-prebuilt "$tmp/prebuilt"
found 'by its name' '' .prebuilt zlib
schema 'the JSON is as its schema says'
cp "$clif" "$tmp/prebuilt/clif"
audits "what is known is never Cranelift's" 1 "$clif" --known-prebuilt "$tmp/prebuilt"
is 'none of it' .coverage.cranelift 0
exits 'a missing folder is trouble' 2 "$rimg" verify audit --known-prebuilt "$tmp/none" "$clif"

# ---- nothing to judge ----------------------------------------------------------------------------
# A section that is addressed by itself has lost what tells that it is code, and an empty file or one of
# zeros is no image: that nothing was found in them is not a pass.
nothing_judged() {
	exits "$1" 2 "$rimg" verify audit "$2"
	says "$1: it says so" 'UNREAD' "$out"
	exits "$1: as JSON" 2 "$rimg" verify audit --json "$2"
	says "$1: the verdict" '"verdict": "fail"' "$out"
}
: >"$tmp/empty"
head -c 100000 /dev/zero >"$tmp/zeros"
nothing_judged 'a section' "$llvm::.comment"
exits 'a section that looks like code is judged' 1 "$rimg" verify audit "$llvm::.text"
nothing_judged 'a function' "$tmp/mix::.text::largest"
nothing_judged 'an empty file' "$tmp/empty"
nothing_judged 'zeros' "$tmp/zeros"
exits 'a section is not compared under a policy, either' 2 "$rimg" diff --policy "$tmp/piece.toml" \
	--exit-policy "$llvm::.text" "$clif::.text"
mkdir "$tmp/no-files"
exits 'an image without files' 0 "$rimg" -q redoxfs "$tmp/no-files" -o "$tmp/no-files.img"
exits 'that has been looked into, and passes' 0 "$rimg" verify audit "$tmp/no-files.img"

done_testing
