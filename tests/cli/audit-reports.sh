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
printf '[policy]\nmin_coverage = 0\n' >"$tmp/half.toml"
printf '.text\n.globl f\n.type f,%%function\nf:\tadd x0,x0,x1\n\tret\n.size f,.-f\n' >"$tmp/half.s"
aarch64-linux-gnu-as "$tmp/half.s" -o "$tmp/half.o" && aarch64-linux-gnu-ld -z separate-code -e f "$tmp/half.o" -o "$tmp/half" || exit 1
exits 'what passes without all of it' 0 "$rimg" verify audit --policy "$tmp/half.toml" --html "$tmp/half.html" "$tmp/half"
says 'is not told as if all of it did' 'lets through 8 bytes of code that are neither allowed nor declared' "$tmp/half.html"
exits 'what is not read does not pass' 2 "$rimg" verify audit --html "$tmp/dark.html" "$GOLDEN/encrypted.img"
says 'the page says so' 'could not be read: nothing is known of what is in there' "$tmp/dark.html"
says 'with the code' '[redoxfs.password]' "$tmp/dark.html"
sound 'and is sound' "$tmp/dark.html"
if grep -q 'Passes' "$tmp/dark.html"; then not_pass 'nor does its page pass' 'it does'; else pass 'nor does its page pass'; fi

# ---- SARIF ---------------------------------------------------------------------------------------
printf '[[exception]]\npath = "*clif"\nsha256 = "%s"\nreason = "test"\n' "$llvm_sha256" >"$tmp/wrong.toml"
mkdir "$tmp/one"
cp "$clif" "$tmp/one/clif"
volume "$tmp/one" "$tmp/one.img"
exits 'an exception with another hash fails' 1 \
	"$rimg" verify audit --policy "$tmp/wrong.toml" --sarif "$tmp/wrong.sarif" "$tmp/one.img"
is 'a log says so, though each artifact passes' \
	"$(jq -r '.runs[0].results[] | "\(.ruleId) \(.message.text)"' "$tmp/wrong.sarif")" \
	"audit.exception $tmp/wrong.toml:1: what is at \"*clif\" has another SHA-256"
is 'with its rule' "$(jq -r '.runs[0].tool.driver.rules[].id' "$tmp/wrong.sarif")" audit.exception

# ---- what a change did to the verdict ------------------------------------------------------------
mkdir -p "$tmp/old/bin"
cp "$clif" "$tmp/old/bin/tool"
cp "$llvm" "$tmp/old/bin/llvm"
cp -r "$tmp/old" "$tmp/new"
cp "$mix" "$tmp/new/bin/tool"
volume "$tmp/old" "$tmp/old.img"
volume "$tmp/new" "$tmp/new.img"
printf '[policy]\n' >"$tmp/strict.toml"
at=0x$(aarch64-linux-gnu-nm "$mix" | sed -n 's/^0*\([0-9a-f]*\) T largest$/\1/p')

# delta NAME CODE A B [OPTION]...: the JSON goes to $out
delta() {
	name=$1 code=$2 a=$3 b=$4
	shift 4
	exits "$name" "$code" "$rimg" diff --json --policy "$tmp/strict.toml" "$@" "$a" "$b"
	cp "$out" "$tmp/delta.json"
}

# holds NAME FILTER VALUE: of what the JSON says of the policy
holds() {
	is "$1" "$(jq -r ".policy | $2" "$tmp/delta.json")" "$3"
}

exits 'a function that was added' 1 "$rimg" diff --policy "$tmp/strict.toml" "$tmp/old.img" "$tmp/new.img"
says 'is told with its address, as nm has it' \
	"adds $((0x$largest)) bytes of llvm code in /bin/tool: function at $at largest" "$out"
says 'and the verdict' 'A fails, B fails: the verdict is worse' "$out"
delta 'as JSON' 1 "$tmp/old.img" "$tmp/new.img"
exits 'as its schema has it' 0 python3 tests/tools/check_schema.py docs/schema/diff.json "$tmp/delta.json"
holds 'only what changed is there' '[.artifacts[].path] | join(" ")' /bin/tool
holds 'it is worse' '"\(.change) \(.artifacts[0].worse)"' 'worse true'
holds 'with its bytes' '.artifacts[0].added.bytes.llvm' "$((0x$largest))"
holds 'of each class' '.artifacts[0] | .b.attributed.llvm - .a.attributed.llvm' "$((0x$largest))"
holds 'nothing is gone' '.artifacts[0].removed.functions | length' 0
delta 'a gate does not let it pass' 1 "$tmp/old.img" "$tmp/new.img" --exit-policy
delta 'but the way back' 0 "$tmp/new.img" "$tmp/old.img" --exit-policy
holds 'is not worse' '"\(.change) \(.artifacts[0].worse)"' 'not-worse false'
holds 'a function went' '.artifacts[0].removed.functions | map(.symbol) | join(" ")' largest
delta 'images that differ still differ' 1 "$tmp/new.img" "$tmp/old.img"
delta 'the same image, though it fails, is no worse' 0 "$tmp/new.img" "$tmp/new.img"
holds 'nothing is listed' '.artifacts | length' 0
delta 'parts of images are compared, too' 1 "$tmp/old.img::/bin/tool" "$tmp/new.img::/bin/tool" --exit-policy
holds 'the path continues theirs' '.artifacts[0].path' ''
delta 'wherever they are' 1 "$tmp/old.img::/bin/tool" "$mix" --exit-policy
holds 'they are paired' '[.artifacts[] | "\(.kind) \(.path)"] | join(",")' 'changed '
mkdir -p "$tmp/other/opt"
cp -r "$tmp/new/bin" "$tmp/other/opt/tools"
volume "$tmp/other" "$tmp/other.img"
delta 'folders of other names' 0 "$tmp/new.img::/bin" "$tmp/other.img::/opt/tools" --exit-policy
holds 'are paired by what is in them' '.artifacts | length' 0
delta 'a change in them' 1 "$tmp/old.img::/bin" "$tmp/other.img::/opt/tools" --exit-policy
holds 'has the path in them' '[.artifacts[] | "\(.kind) \(.path)"] | join(",")' 'changed /tool'

# linked at another place, and with the functions in another order: the same functions
ld.lld-14 --image-base=0x900000 "$tmp/llvm.o" -o "$tmp/new/bin/llvm" || exit 1
cp "$clif" "$tmp/new/bin/tool"
volume "$tmp/new" "$tmp/moved.img"
delta 'functions that only moved' 0 "$tmp/old.img" "$tmp/moved.img" --exit-policy
holds 'are not listed' '[.artifacts[] | "\(.path) \(.added.functions + .removed.functions | length)"] | join(",")' \
	'/bin/llvm 0'
# one instruction of one of them is another one
at=$(aarch64-linux-gnu-objdump -h "$tmp/new/bin/llvm" | awk '$2 == ".text" { print $6 }')
printf '\001\002\003\013' | dd of="$tmp/new/bin/llvm" bs=1 seek=$((0x$at + 8)) conv=notrunc status=none
volume "$tmp/new" "$tmp/edited.img"
delta 'one that was edited' 1 "$tmp/moved.img" "$tmp/edited.img" --exit-policy
holds 'is listed, there and here' '[.artifacts[0] | .added, .removed | .functions | length] | join(" ")' '1 1'

# other ways to become worse, or not
cp -r "$tmp/old" "$tmp/copy"
cp "$llvm" "$tmp/copy/bin/again"
volume "$tmp/copy" "$tmp/copy.img"
delta 'a second copy of what fails is worse' 1 "$tmp/old.img" "$tmp/copy.img" --exit-policy
holds 'it was added' '[.artifacts[] | "\(.kind) \(.path)"] | join(",")' 'added /bin/again'
mv "$tmp/copy/bin/llvm" "$tmp/copy/bin/renamed"
rm "$tmp/copy/bin/again"
volume "$tmp/copy" "$tmp/renamed.img"
delta 'another name is not' 0 "$tmp/old.img" "$tmp/renamed.img" --exit-policy
printf '[[exception]]\npath = "/bin/llvm"\nsha256 = "%s"\nreason = "test"\n' "$llvm_sha256" >"$tmp/path.toml"
exits 'unless the policy binds it to its path' 1 \
	"$rimg" diff --json --exit-policy --policy "$tmp/path.toml" "$tmp/old.img" "$tmp/renamed.img"
cp "$out" "$tmp/delta.json"
holds 'it moved' '[.artifacts[] | "\(.kind) \(.was) \(.path)"] | join(",")' 'moved /bin/llvm /bin/renamed'
exits 'a file with another hash than its exception' 1 \
	"$rimg" diff --exit-policy --policy "$tmp/path.toml" "$tmp/old.img" "$tmp/moved.img"
says 'is worse' 'A passes, B fails: the verdict is worse' "$out"
{
	printf '\211PNG\r\n\032\n'
	cat "$clif"
} >"$tmp/copy/logo"
volume "$tmp/copy" "$tmp/hidden.img"
delta "a hidden program is worse, though it is Cranelift's" 1 "$tmp/renamed.img" "$tmp/hidden.img" --exit-policy
aarch64-linux-gnu-ld -z separate-code -e 0x1000 "$tmp/clif.o" -o "$tmp/clif2" 2>/dev/null || exit 1
{
	printf '\211PNG\r\n\032\n'
	cat "$tmp/clif2"
} >"$tmp/copy/logo"
volume "$tmp/copy" "$tmp/hidden2.img"
delta 'and so is another hidden one' 1 "$tmp/hidden.img" "$tmp/hidden2.img" --exit-policy
holds 'in the same place' '[.artifacts[] | "\(.kind) \(.path)"] | join(",")' 'changed /logo::@0x8'
gzip -n <"$clif" >"$tmp/old/bin/data.gz"
volume "$tmp/old" "$tmp/gz.img"
delta 'what is not opened is worse' 1 "$tmp/renamed.img" "$tmp/gz.img" --exit-policy
gzip -n <"$mix" >"$tmp/old/bin/data.gz"
volume "$tmp/old" "$tmp/gz2.img"
delta 'also when it only has other bytes' 1 "$tmp/gz.img" "$tmp/gz2.img" --exit-policy
delta 'what is not read is not known' 2 "$GOLDEN/encrypted.img" "$GOLDEN/encrypted.img" --exit-policy
holds 'and called so' .change not-known
delta 'nor against something that passes' 2 "$clif" "$GOLDEN/encrypted.img" --exit-policy
delta 'but what passes wholly is not worse' 0 "$GOLDEN/encrypted.img" "$clif" --exit-policy
exits 'as a page, Markdown and --stat' 1 "$rimg" diff --stat --policy "$tmp/strict.toml" --html "$tmp/delta.html" \
	--markdown "$tmp/delta.md" "$tmp/old.img" "$tmp/new.img"
says 'all have it: --stat' 'the verdict is worse' "$out"
says 'the page' 'the verdict is worse' "$tmp/delta.html"
says 'with the function' 'largest' "$tmp/delta.html"
sound 'which is sound' "$tmp/delta.html"
says 'and Markdown' 'A fails, B fails: the verdict is worse' "$tmp/delta.md"
exits 'there is no gate without a policy' 2 "$rimg" diff --exit-policy "$tmp/old.img" "$tmp/new.img"
exits 'a policy that cannot be read is trouble' 2 "$rimg" diff --policy "$tmp/none.toml" "$tmp/old.img" "$tmp/new.img"
exits 'threads' 1 "$rimg" diff -j 1 --json --policy "$tmp/strict.toml" "$tmp/old.img" "$tmp/new.img"
cp "$out" "$tmp/j1.json"
exits 'any number of them' 1 "$rimg" diff -j 7 --json --policy "$tmp/strict.toml" "$tmp/old.img" "$tmp/new.img"
same 'never show' "$tmp/j1.json" "$out"

# ---- no report takes the place of what it is about -----------------------------------------------
cp "$tmp/old.img" "$tmp/keep.img"
cp "$tmp/strict.toml" "$tmp/keep.toml"
ln "$tmp/keep.img" "$tmp/link.img"
for option in --html --sarif; do
	exits "audit: $option is not the image" 2 "$rimg" verify audit $option "$tmp/link.img" "$tmp/keep.img"
	exits "audit: $option is not the policy" 2 \
		"$rimg" verify audit --policy "$tmp/keep.toml" $option "$tmp/keep.toml" "$tmp/keep.img"
done
exits 'audit: nor one the other' 2 "$rimg" verify audit --html "$tmp/x" --sarif "$tmp/x" "$tmp/keep.img"
for option in --html --markdown; do
	exits "diff: $option is not A" 2 "$rimg" diff $option "$tmp/link.img" "$tmp/keep.img" "$tmp/new.img"
	exits "diff: $option is not B" 2 "$rimg" diff $option "$tmp/link.img" "$tmp/new.img" "$tmp/keep.img"
	exits "diff: $option is not the policy" 2 \
		"$rimg" diff --policy "$tmp/keep.toml" $option "$tmp/keep.toml" "$tmp/new.img" "$tmp/keep.img"
done
exits 'diff: nor one the other' 2 "$rimg" diff --html "$tmp/x" --markdown "$tmp/x" "$tmp/new.img" "$tmp/keep.img"
same 'the image is there' "$tmp/old.img" "$tmp/keep.img"
same 'and the policy' "$tmp/strict.toml" "$tmp/keep.toml"

done_testing
