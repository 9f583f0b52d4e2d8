#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The page of rimg verify audit, and what rimg diff --policy says that a change did. The programs are
# made here, so that it is known what made them; instructions are held against objdump's.
. tests/lib.sh

for program in clang-14 ld.lld-14 aarch64-linux-gnu-as aarch64-linux-gnu-ld aarch64-linux-gnu-objcopy \
	aarch64-linux-gnu-objdump gzip jq python3; do
	need $program
done
rimg=$(realpath "$RIMG")
unset SOURCE_DATE_EPOCH

# ---- programs ------------------------------------------------------------------------------------
clif=$tmp/clif llvm=$tmp/llvm mix=$tmp/mix
aarch64-linux-gnu-as tests/audit/clif.s -o "$tmp/clif.o" &&
	aarch64-linux-gnu-ld -z separate-code "$tmp/clif.o" -o "$clif" &&
	clang-14 --target=aarch64-linux-gnu -ffreestanding -fno-vectorize -O1 -c tests/audit/foreign.c \
		-o "$tmp/llvm.o" &&
	ld.lld-14 "$tmp/llvm.o" -o "$llvm" &&
	clang-14 --target=aarch64-linux-gnu -ffreestanding -fno-vectorize -O1 -fasynchronous-unwind-tables \
		-ffunction-sections -c tests/audit/foreign.c -o "$tmp/parts.o" &&
	aarch64-linux-gnu-objcopy -j .text.largest "$tmp/parts.o" "$tmp/largest.o" &&
	aarch64-linux-gnu-ld -z separate-code "$tmp/clif.o" "$tmp/largest.o" -o "$mix" || exit 1
llvm_sha256=$(sha256sum <"$llvm" | cut -d' ' -f1)

# volume DIR IMAGE: a RedoxFS
volume() {
	"$rimg" redoxfs "$1" -o "$2" --size 4MiB --epoch 0 >/dev/null || exit 1
}

# lines NAME FILE LINE...: just these
lines() {
	name=$1 file=$2
	shift 2
	printf '%s\n' "$@" >"$tmp/lines"
	same "$name" "$tmp/lines" "$file"
}

# sound NAME PAGE: well-formed, and nothing in it can become active
sound() {
	exits "$1" 0 python3 tests/tools/check_html.py "$2"
}

# ---- the page ------------------------------------------------------------------------------------
evil='<img src=x onerror=alert(1)>"&`'
mkdir -p "$tmp/d/bin" "$tmp/d/share"
cp "$clif" "$tmp/d/bin/$evil"
cp "$clif" "$tmp/d/share/copy"
cp "$llvm" "$tmp/d/bin/llvm"
cp "$mix" "$tmp/d/bin/mix"
printf '#!/bin/ion\n' >"$tmp/d/bin/script"
gzip -n <"$llvm" >"$tmp/d/share/data.gz"
volume "$tmp/d" "$tmp/a.img"
cat >"$tmp/p.toml" <<END
[policy]
interpreted = "allow"
[[exception]]
path = "/bin/llvm"
sha256 = "$llvm_sha256"
reason = "a </td> of the test"
[[exception]]
path = "/none"
sha256 = "$llvm_sha256"
reason = "for nothing"
END
exits 'a page is written, and the verdict stays' 1 \
	"$rimg" verify audit --policy "$tmp/p.toml" --html "$tmp/a.html" "$tmp/a.img"
says 'the text is printed all the same' '2 of 5 artifacts fail' "$out"
sound 'it is sound' "$tmp/a.html"
says 'it has the verdict' 'Fails: 2 of 5 artifacts' "$tmp/a.html"
says 'the policy' "$tmp/p.toml" "$tmp/a.html"
says 'the exception that was used' '<span class="tag good">used</span>' "$tmp/a.html"
says 'and the one that was not' '<span class="tag doubt">unused</span>' "$tmp/a.html"
says 'with reasons as text' 'a &lt;/td&gt; of the test' "$tmp/a.html"
says 'names are text as well' '/bin/&lt;img src=x onerror=alert(1)&gt;&quot;&amp;`' "$tmp/a.html"
says 'what a rule says' 'csel of W registers' "$tmp/a.html"

# is NAME VALUE EXPECTED
is() {
	if [ "$2" = "$3" ]; then pass "$1"; else not_pass "$1" "\"$2\" instead of \"$3\""; fi
}

# the same artifacts in four orders, as jq and sort have them
"$rimg" verify audit --policy "$tmp/p.toml" --json "$tmp/a.img" >"$tmp/a.json" 2>/dev/null
exits 'its tables can be read' 0 python3 tests/tools/audit_page.py orders "$tmp/a.html"
sed 's/ (+1)$//' "$out" >"$tmp/orders"
for order in by-verdict by-path by-foreign by-size; do
	sed -n "s/^$order //p" "$tmp/orders" >"$tmp/$order"
done
foreign='.attributed | .llvm + .gcc + .foreign + .conflict'
jq -r '.artifacts[].path' "$tmp/a.json" >"$tmp/paths"
same 'the worst come first' "$tmp/paths" "$tmp/by-verdict"
LC_ALL=C sort "$tmp/paths" >"$tmp/sorted"
same 'or by path' "$tmp/sorted" "$tmp/by-path"
jq -r ".artifacts | sort_by(-($foreign), .path)[].path" "$tmp/a.json" >"$tmp/sorted"
same 'or by foreign bytes' "$tmp/sorted" "$tmp/by-foreign"
jq -r '.artifacts | sort_by(-.code_bytes, .path)[].path' "$tmp/a.json" >"$tmp/sorted"
same 'or by bytes of code' "$tmp/sorted" "$tmp/by-size"
python3 tests/tools/audit_page.py bars "$tmp/a.html" >"$tmp/bars" || exit 1
largest=$(aarch64-linux-gnu-objdump -h -j .text.largest "$tmp/largest.o" | awk '$2 == ".text.largest" { print $3 }')
code=$((0x$largest))
is 'a bar has its whole width, and its bytes as text' \
	"$(grep '^/bin/mix ' "$tmp/bars")" "/bin/mix 180 llvm $code, cranelift 56"
is 'what is declared is no longer what it was' "$(grep '^/bin/llvm ' "$tmp/bars" | cut -d' ' -f1-3)" '/bin/llvm 180 declared'

# words that decided, as objdump has them
exits 'the page of one program' 1 "$rimg" verify audit --html "$tmp/mix.html" "$mix"
sound 'it is sound, too' "$tmp/mix.html"
exits 'what it shows can be read' 0 python3 tests/tools/audit_page.py words "$tmp/mix.html"
LC_ALL=C sort "$out" >"$tmp/words"
aarch64-linux-gnu-objdump -d "$mix" | sed -n 's/^ *\([0-9a-f]*\):\t\([0-9a-f]\{8\}\) .*/0x\1 \2/p' |
	LC_ALL=C sort >"$tmp/dump"
LC_ALL=C comm -23 "$tmp/words" "$tmp/dump" >"$tmp/only"
same 'all words are where objdump has them' /dev/null "$tmp/only"
aarch64-linux-gnu-objdump -d "$mix" | grep -P '\tcsel\tw|\tmov\t[wx][0-9]+, [wx]zr' |
	sed -n 's/^ *\([0-9a-f]*\):\t\([0-9a-f]\{8\}\) .*/0x\1 \2/p' >"$tmp/deciding"
[ -s "$tmp/deciding" ] || not_pass 'there are words that decide' 'none'
while read -r line; do
	says "a word that decides is there: $line" "$line" "$tmp/words"
done <"$tmp/deciding"

# bounded, and it says so
awk 'BEGIN { print ".text"; for (i = 0; i < 900; i++)
	printf ".globl f%d\n.type f%d,%%function\nf%d:\tmov w0,wzr\n\tadd w0,w0,#%d\n\tret\n.size f%d,.-f%d\n", i, i, i, i, i, i }' \
	>"$tmp/many.s"
aarch64-linux-gnu-as "$tmp/many.s" -o "$tmp/many.o" && aarch64-linux-gnu-ld -e f0 "$tmp/many.o" -o "$tmp/many" || exit 1
exits 'a program of 900 functions' 1 "$rimg" verify audit --html "$tmp/many.html" "$tmp/many"
sound 'has a page' "$tmp/many.html"
is 'with 200 of them' "$(grep -c 'class="piece"' "$tmp/many.html")" 200
"$rimg" verify audit --json --functions "$tmp/many" 2>/dev/null |
	jq '[.artifacts[0].functions[] | select(.verdict != "pad")] | length - 200' >"$tmp/left"
says 'and what is left out is counted' "$(cat "$tmp/left") more pieces of code that no policy covers (8,4" "$tmp/many.html"
mkdir "$tmp/scripts"
i=0
while [ $i -lt 530 ]; do
	printf '#!/bin/ion\n%d\n' $i >"$tmp/scripts/$i"
	i=$((i + 1))
done
volume "$tmp/scripts" "$tmp/scripts.img"
exits '530 artifacts' 1 "$rimg" verify audit --html "$tmp/scripts.html" "$tmp/scripts.img"
sound 'have a page' "$tmp/scripts.html"
says 'with 500 of them in a table' '30 more artifacts not shown in this table' "$tmp/scripts.html"

exits 'threads' 1 "$rimg" verify audit -j 7 --policy "$tmp/p.toml" --html "$tmp/j7.html" "$tmp/a.img"
same 'never show in it' "$tmp/a.html" "$tmp/j7.html"
exits 'a page to stdout' 1 "$rimg" verify audit --policy "$tmp/p.toml" --html - "$tmp/a.img"
same 'is the same' "$tmp/a.html" "$out"
exits 'only one thing goes to stdout' 2 "$rimg" verify audit --json --html - "$tmp/a.img"
exits 'a page that cannot be written is trouble' 2 "$rimg" verify audit --html "$tmp/no/page.html" "$clif"
exits 'what passes has a page' 0 "$rimg" verify audit --html "$tmp/clif.html" "$clif"
says 'which says so' 'Passes: all code that was found is allowed or declared.' "$tmp/clif.html"
sound 'and is sound' "$tmp/clif.html"
exits 'what is not read does not pass' 2 "$rimg" verify audit --html "$tmp/dark.html" "$GOLDEN/encrypted.img"
says 'the page says so' 'could not be read: nothing is known of what is in there' "$tmp/dark.html"
says 'with the code' '[redoxfs.password]' "$tmp/dark.html"
sound 'and is sound' "$tmp/dark.html"
if grep -q 'Passes' "$tmp/dark.html"; then not_pass 'nor does its page pass' 'it does'; else pass 'nor does its page pass'; fi

done_testing
