#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The reports of rimg diff as a user asks for them: pages, Markdown, --stat, and what
# --exit-equivalent promises.
. tests/lib.sh

a=$GOLDEN/disk-installer.img
b=$GOLDEN/disk-sgdisk.img

# ---- pages ----

exits 'a page is written' 1 "$RIMG" diff --digests --html "$tmp/page.html" "$a" "$b"
says 'the text report is printed all the same' 'explained 6529, unexplained 0' "$out"
says 'it has a strict policy' "default-src 'none'; style-src 'sha256-" "$tmp/page.html"
says 'it names the digest' "$(sha256sum <"$a" | cut -d' ' -f1)" "$tmp/page.html"
cp "$tmp/page.html" "$tmp/before.html"
"$RIMG" diff -j 1 --digests --html "$tmp/page.html" "$a" "$b" >"$tmp/text" 2>&1
same 'threads never show in it' "$tmp/before.html" "$tmp/page.html"
exits 'a page that cannot be written is trouble' 2 "$RIMG" diff --html "$tmp/no/page.html" "$a" "$b"
exits 'and so it is of identical files' 2 "$RIMG" diff --html "$tmp/no/page.html" "$a" "$a"
exits 'identical files have a page' 0 "$RIMG" diff --html "$tmp/same.html" "$a" "$a"
says 'which says so' 'Identical: every byte is the same.' "$tmp/same.html"
exits 'what cannot be compared has none' 2 "$RIMG" diff --html "$tmp/none.html" "$a" no-such-file
[ ! -e "$tmp/none.html" ] && pass 'no page is left behind' || not_pass 'no page is left behind' 'there is one'

# names of a hostile image, in their place and nowhere else
mkdir -p "$tmp/evil/one" "$tmp/evil/two"
printf 'one\n' >"$tmp/evil/one/"'<img src=x onerror=alert(1)>"&`@all|x`'
printf 'two\n' >"$tmp/evil/two/"'<img src=x onerror=alert(1)>"&`@all|x`'
printf 'x' >"$tmp/evil/two/$(printf '\033[31m\342\200\256')"
for side in one two; do
	"$RIMG" redoxfs "$tmp/evil/$side" -o "$tmp/$side.img" --size 4M --epoch 1 --seed a >/dev/null
done
exits 'names cannot break a page' 1 "$RIMG" diff --html "$tmp/evil.html" --markdown "$tmp/evil.md" "$tmp/one.img" "$tmp/two.img"
says 'they are told' '&lt;img src=x onerror=alert(1)&gt;&quot;&amp;' "$tmp/evil.html"
says 'also what a terminal would obey' '\x1b[31m\xe2\x80\xae' "$tmp/evil.html"
if grep -q '<img' "$tmp/evil.html"; then not_pass 'and are no markup' '<img'; else pass 'and are no markup'; fi
says 'Markdown has them as code' '`` /<img src=x onerror=alert(1)>"&`@all|x` ``' "$tmp/evil.md"
says 'with control characters escaped' '`/\x1b[31m\xe2\x80\xae`' "$tmp/evil.md"

if command -v python3 >/dev/null 2>&1; then
	for page in page same evil; do
		exits "$page: well-formed, closed, without anything active" 0 \
			python3 tests/tools/check_html.py "$tmp/$page.html"
	done
	printf '<p><b>text</p></b>' >"$tmp/bad.html"
	exits 'the check can fail' 1 python3 tests/tools/check_html.py "$tmp/bad.html"
else
	echo 'skipped: pages are not parsed, python3 is not installed'
fi

# ---- Markdown, --stat ----

exits 'Markdown to stdout' 1 "$RIMG" diff --markdown - "$a" "$b"
says 'has a table of causes' '| identifier | 10 | 130 |' "$out"
cp "$out" "$tmp/a.md"
exits 'Markdown to a file' 1 "$RIMG" diff --markdown "$tmp/b.md" "$a" "$b"
same 'is the same' "$tmp/a.md" "$tmp/b.md"
exits '--stat has a line for each path' 1 "$RIMG" diff --stat "$a" "$b"
says 'with bytes, letters and a bar' 'EFI::/EFI/BOOT/BOOTAA64.EFI | 5707 ' "$out"
says 'and the sum' '13 paths, 6529 bytes; unexplained 0' "$out"
exits 'what is not shown is said there too' 1 "$RIMG" diff --stat --ignore placement "$a" "$b"
says 'with all that differs' 'not shown, as asked (6529 bytes differ in all)' "$out"
exits 'only one format goes to stdout' 2 "$RIMG" diff --json --stat "$a" "$b"
exits 'a page may' 1 "$RIMG" diff --digests --html - "$a" "$b"
same 'and is the same' "$tmp/page.html" "$out"
exits 'not even Markdown' 2 "$RIMG" diff --json --markdown - "$a" "$b"

# ---- --exit-equivalent ----

# build IMAGE DIR OPTION...
build() {
	image=$1 dir=$2
	shift 2
	"$RIMG" redoxfs "$dir" -o "$image" --size 8M "$@" >/dev/null
}
mkdir -p "$tmp/tree/etc"
seq 1 5000 >"$tmp/tree/etc/numbers"
build "$tmp/a.img" "$tmp/tree" --epoch 1 --seed a
build "$tmp/b.img" "$tmp/tree" --epoch 2 --seed b --compression none
exits 'other times, ids and packing differ' 1 "$RIMG" diff "$tmp/a.img" "$tmp/b.img"
exits 'but are equivalent' 0 "$RIMG" diff --exit-equivalent "$tmp/a.img" "$tmp/b.img"
says 'and told all the same' 'timestamp' "$out"
exits 'whatever is shown' 0 "$RIMG" diff --exit-equivalent --only nothing "$tmp/a.img" "$tmp/b.img"

echo more >>"$tmp/tree/etc/numbers"
build "$tmp/b.img" "$tmp/tree" --epoch 1 --seed a
exits 'another content is not equivalent' 1 "$RIMG" diff --exit-equivalent "$tmp/a.img" "$tmp/b.img"
exits 'not even when content is ignored' 1 "$RIMG" diff --exit-equivalent --ignore content "$tmp/a.img" "$tmp/b.img"
exits 'nor when it is hidden' 1 "$RIMG" diff --exit-equivalent --only nothing "$tmp/a.img" "$tmp/b.img"
exits 'nor when nothing may be shown' 1 "$RIMG" diff --exit-equivalent --max-diffs 1 "$tmp/a.img" "$tmp/b.img"

cp "$tmp/a.img" "$tmp/b.img"
printf 'hidden' | dd of="$tmp/b.img" bs=1 seek=8000000 conv=notrunc status=none
exits 'bytes in free space are not passed over' 1 "$RIMG" diff --exit-equivalent "$tmp/a.img" "$tmp/b.img"
exits 'unless the user says so' 0 "$RIMG" diff --exit-equivalent --ignore free-space "$tmp/a.img" "$tmp/b.img"

every='--ignore timestamp --ignore identifier --ignore ordering --ignore placement --ignore compression
	--ignore checksum --ignore padding --ignore free-space --ignore build-path --ignore build-id
	--ignore symbol-hash --ignore codegen --ignore content --ignore unexplained'
cp "$GOLDEN/encrypted.img" "$tmp/encrypted.img"
chmod u+w "$tmp/encrypted.img"
printf 'XYZ' | dd of="$tmp/encrypted.img" bs=1 seek=2097152 conv=notrunc status=none
# shellcheck disable=SC2086 # a list of options
exits 'what is enciphered does not pass' 1 "$RIMG" diff --exit-equivalent $every "$GOLDEN/encrypted.img" "$tmp/encrypted.img"
bad=0
for image in "$GOLDEN"/broken/*.img; do
	case $(basename "$image") in
	gpt-*) base=$GOLDEN/disk-sgdisk.img ;;
	initfs-*) base=$GOLDEN/initfs-boot.img ;;
	*) base=$GOLDEN/tiny.img ;;
	esac
	status=0
	# shellcheck disable=SC2086 # a list of options
	"$RIMG" diff -q --exit-equivalent $every "$base" "$image" >/dev/null 2>"$err" || status=$?
	if [ $status = 0 ] && grep -q '^rimg: [^w]' "$err"; then
		not_pass "$(basename "$image") is damaged" 'it passed as equivalent'
		bad=1
	fi
done
[ $bad = 0 ] && pass 'nothing that is damaged passes, whatever is ignored'

done_testing
