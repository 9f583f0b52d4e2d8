#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Packages: what `rimg` shows of them and takes out of them, and `rimg build` with [packages]: which it
# takes, and that nothing of one that is not whole, or not trusted, gets into an image.
. tests/lib.sh

rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
unset SOURCE_DATE_EPOCH

# entries NAME: path, type, mode, size, digest and target of what the listing NAME says, a line each
entries() {
	sed -n 's/"\([a-z0-9]*\)": /"\1":/g; s/, "/,"/g; /^{"path"/p' "$golden/$1.jsonl" | fields
}

# fields: the same of what ls --json prints
fields() {
	sed 's/^{"path":"\([^"]*\)","type":"\([^"]*\)".*"mode":"\([^"]*\)".*"size":\([0-9]*\).*"sha256":"\([^"]*\)"/\1 \2 \3 \4 \5 /
		/"type":"dir"/d; s/ ,"target":"\([^"]*\)"}$/ \1/; s/ }$/ /'
}

# ---- looking into packages -----------------------------------------------------------------------

for which in package-plain package-lzma2; do
	pkg=$golden/$which.pkgar
	exits "$which is listed" 0 "$rimg" ls -R --json "$pkg"
	fields <"$out" >"$tmp/got"
	entries $which >"$tmp/want"
	[ "$(wc -l <"$tmp/want")" = 6 ] || not_pass "$which" 'the listing does not have six entries'
	same "$which: the listing is the other reader's" "$tmp/want" "$tmp/got"
	same "$which: no complaints" /dev/null "$err"

	exits "$which is extracted" 0 "$rimg" extract "$pkg" -o "$tmp/$which"
	while read -r path type mode size sha256 target; do
		case $type in
		file) got="$(sha256sum <"$tmp/$which$path" | cut -d' ' -f1) $(stat -c %a "$tmp/$which$path")" ;;
		*) got="$(readlink "$tmp/$which$path")" sha256=$target mode= ;;
		esac
		[ "$got" = "$sha256${mode:+ ${mode#0}}" ] && pass "$which: $path of $size bytes" ||
			not_pass "$which: $path" "$got"
	done <"$tmp/want"
	exits "$which: a file" 0 "$rimg" cat "$pkg::/usr/bin/tool"
	same "$which: its bytes" "$tmp/$which/usr/bin/tool" "$out"
	exits "$which: information" 0 "$rimg" info "$pkg"
	says "$which: the key" "public_key:        $(sed 's/.*"\(.*\)"/\1/' "$golden/package.pub.toml")" "$out"
	says "$which: nothing is wrong" 'findings:          none' "$out"
done
exits 'packed and plain differ' 1 "$rimg" diff "$golden/package-plain.pkgar" "$golden/package-lzma2.pkgar"
says 'but not in what they hold' 'the content tree is the same' "$out"
says 'every byte is accounted for' 'unexplained 0' "$out"

# damage PACKAGE OFFSET: a copy of it in $tmp/damaged.pkgar with another byte there
damage() {
	cp "$golden/$1.pkgar" "$tmp/damaged.pkgar"
	chmod u+w "$tmp/damaged.pkgar"
	byte=$(od -An -tu1 -j "$2" -N 1 "$tmp/damaged.pkgar")
	# shellcheck disable=SC2059
	printf "\\$(printf %03o $((byte ^ 1)))" |
		dd of="$tmp/damaged.pkgar" bs=1 seek="$2" conv=notrunc status=none
}

# Two of the entries hold nearly all of the bytes; near the end is the last one's.
for which in package-plain package-lzma2; do
	damage $which $(($(stat -c %s "$golden/$which.pkgar") - 1000))
	exits "$which, damaged: a file" 2 "$rimg" cat "$tmp/damaged.pkgar::/usr/lib/deep/dir/noise"
	same "$which, damaged: nothing of it is shown" /dev/null "$out"
	exits "$which, damaged: a file that is not" 0 "$rimg" cat "$tmp/damaged.pkgar::/usr/bin/tool"
	exits "$which, damaged: extract" 1 "$rimg" extract "$tmp/damaged.pkgar" -o "$tmp/part"
	[ -e "$tmp/part/usr/bin/tool" ] && [ ! -e "$tmp/part/usr/lib/deep/dir/noise" ] &&
		pass "$which, damaged: all but the damaged file" ||
		not_pass "$which, damaged: all but the damaged file" "$(find "$tmp/part")"
	rm -rf "$tmp/part"
done

# ---- building ------------------------------------------------------------------------------------

in=$tmp/in
mkdir -p "$in/repo"
cp "$golden/package-plain.pkgar" "$golden/package-lzma2.pkgar" "$in/repo"
cp "$golden/package.pub.toml" "$in/key.toml"
chmod -R u+w "$in"

# manifest NAME PACKAGES [IMAGE-KEYS [GENERAL-KEYS]]
manifest() {
	cat >"$in/$1.toml" <<-END
		[image]
		size = "16MiB"
		seed = "packages"
		${3-package_dirs = [\"repo\"]
		package_keys = [\"key.toml\"]}
		[general]
		skip_partitions = true
		${4-}
		[packages]
		$2
	END
}

# refuses NAME MANIFEST MESSAGE: exit code 2, and no image
refuses() {
	exits "$1: refused" 2 "$rimg" build "$in/$2.toml" -o "$tmp/none.img"
	says "$1: why" "$3" "$err"
	[ -z "$(find "$tmp" -maxdepth 1 -name '*none.img*' -o -maxdepth 1 -name '.rimg*')" ] &&
		pass "$1: no image" || not_pass "$1: no image" "there is one"
}

manifest plain 'package-plain = {}'
exits 'a package is built in' 0 "$rimg" build "$in/plain.toml" -o "$tmp/plain.img"
"$rimg" ls -R --json "$tmp/plain.img" | fields | sort >"$tmp/got"
entries package-plain | sort >"$tmp/want"
same 'the image holds what is in the package' "$tmp/want" "$tmp/got"
exits 'its folders' 0 "$rimg" ls -R --json "$tmp/plain.img::/usr"
says 'its folders: mode and owner' '"path":"/usr/lib/deep/dir","type":"dir","id":12,"mode":"0755","uid":0,"gid":0' "$out"

manifest packed 'package-lzma2 = {}'
for j in 1 3; do
	exits "a packed one is built in, $j threads" 0 "$rimg" -j $j build "$in/packed.toml" -o "$tmp/packed.img"
	same "packed or not does not show, $j threads" "$tmp/plain.img" "$tmp/packed.img"
done
manifest source 'any = { source = "repo/package-plain.pkgar" }' 'package_keys = ["key.toml"]'
exits 'a package by its path' 0 "$rimg" build "$in/source.toml" -o "$tmp/source.img"
same 'a package by its path is the same' "$tmp/plain.img" "$tmp/source.img"
manifest both 'package-lzma2 = {}
package-plain = {}'
exits 'two packages with the same files' 0 "$rimg" build "$in/both.toml" -o "$tmp/both.img"
same 'two packages: the later files are used' "$tmp/plain.img" "$tmp/both.img"
says 'two packages: it is said' '/usr/bin/tool comes from two sources' "$err"

# an included manifest's package is taken back
sed 's/^\[image\]/include = ["both.toml"]\n&/; s/^package-plain = .*/package-lzma2 = "ignore"/' \
	"$in/plain.toml" >"$in/ignore.toml"
exits 'a package that is ignored' 0 "$rimg" build "$in/ignore.toml" -o "$tmp/ignore.img"
same 'an ignored package leaves nothing' "$tmp/plain.img" "$tmp/ignore.img"
same 'an ignored package is not spoken of' /dev/null "$err"

# folders that are there stay as they are, others may be changed afterwards
manifest folders 'package-plain = {}'
cat >>"$in/folders.toml" <<'END'
[[files]]
path = "/"
data = ""
directory = true
mode = 0o700
uid = 3
[[files]]
path = "/etc"
data = ""
directory = true
mode = 0o1777
gid = 7
[[files]]
path = "/usr/bin"
data = ""
directory = true
mode = 0o711
postinstall = true
END
exits 'folders of a package' 0 "$rimg" build "$in/folders.toml" -o "$tmp/folders.img"
exits 'folders of a package: list' 0 "$rimg" ls -lR "$tmp/folders.img"
says 'the root is as before' 'drwx------   1       3:0 ' "$out"
says 'a folder that was there is as before' 'drwxrwxrwt   1       0:7 ' "$out"
says 'a folder may be changed afterwards' 'drwx--x--x   1       0:0 ' "$out"

# ---- keys ----------------------------------------------------------------------------------------

key=$(sed 's/.*"\(.*\)"/\1/' "$in/key.toml")
other=$(echo "$key" | tr 0-9 1-90)
echo "pkey = \"$other\"" >"$in/other.toml"
echo "pkey = \"${key%?}\"" >"$in/short.toml"
echo "pkey = \"${key%?}g\"" >"$in/letter.toml"
echo "key = \"$key\"" >"$in/named.toml"
echo 'pkey = 7' >"$in/number.toml"
dirs='package_dirs = ["repo"]'

manifest nokey 'package-plain = {}' "$dirs"
refuses 'no key' nokey 'nokey.toml:9: package package-plain: expected a key to trust it by'
manifest wrong 'package-plain = {}' "$dirs
package_keys = [\"other.toml\"]"
refuses 'the wrong key' wrong "package package-plain: expected the signature of one of the 1 trusted keys, found another key's"
manifest two 'package-plain = {}' "$dirs
package_keys = [\"other.toml\", \"key.toml\"]"
exits 'one of two keys' 0 "$rimg" build "$in/two.toml" -o "$tmp/two.img"
same 'one of two keys does' "$tmp/plain.img" "$tmp/two.img"
for which in short letter named number missing; do
	manifest key-$which 'package-plain = {}' "$dirs
package_keys = [\"key.toml\", \"$which.toml\"]"
	refuses "a key file: $which" key-$which "$which.toml"
done

# ---- addresses into packages ---------------------------------------------------------------------
# what comes out of a package by an address is trusted no sooner than what comes by its name

# address NAME SOURCE [IMAGE-KEYS]: a manifest with one file of a package
address() {
	manifest "$1" '' ${3+"$3"}
	printf '[[files]]\npath = "/tool"\nsource = "%s"\n' "$2" >>"$in/$1.toml"
}
tool=repo/package-plain.pkgar::/usr/bin/tool
address file $tool
exits 'a file of a package' 0 "$rimg" build "$in/file.toml" -o "$tmp/file.img"
"$rimg" cat "$tmp/file.img::/tool" >"$tmp/got"
"$rimg" cat "$golden/package-plain.pkgar::/usr/bin/tool" >"$tmp/want"
same 'a file of a package: its bytes' "$tmp/want" "$tmp/got"
address dir repo/package-lzma2.pkgar::/usr/lib
exits 'a folder of a package' 0 "$rimg" build "$in/dir.toml" -o "$tmp/dir.img"
for which in package-plain.pkgar::/usr/bin/tool package-lzma2.pkgar::/usr/lib package-plain.pkgar::/; do
	address file repo/$which "$dirs"
	refuses "of a package, without a key: $which" file "package repo/$which: expected a key to trust it by"
	address file repo/$which 'package_keys = ["other.toml"]'
	refuses "of a package, with another's key: $which" file "found another key's"
done
# the file itself is sound, another one of the package is not
damage package-plain $(($(stat -c %s "$golden/package-plain.pkgar") - 1))
mv "$tmp/damaged.pkgar" "$in/repo/a.pkgar"
address file repo/a.pkgar::/usr/bin/tool
refuses 'a sound file of a package that is not' file 'package repo/a.pkgar::/usr/bin/tool: '
says 'a sound file of a package that is not: the code' '[pkgar.hash]' "$err"
# a package that lies in an image
manifest holder ''
printf '[[files]]\npath = "/pkg"\nsource = "repo/package-plain.pkgar"\n' >>"$in/holder.toml"
exits 'a package as a file needs no key' 0 "$rimg" build "$in/holder.toml" -o "$in/holder.img"
address file holder.img::/pkg::/usr/bin/tool "$dirs"
refuses 'of a package in an image, without a key' file 'expected a key to trust it by'
address file holder.img::/pkg::/usr/bin/tool
exits 'of a package in an image' 0 "$rimg" build "$in/file.toml" -o "$tmp/file.img"
# other places of a manifest that take addresses
mkdir -p "$in/initfs"
cat >"$in/bootstrap.toml" <<END
[image]
size = "16MiB"
[general]
skip_partitions = true
[initfs]
root = "initfs"
bootstrap = "$tool"
END
refuses 'a bootstrap of a package, without a key' bootstrap 'expected a key to trust it by'
cat >"$in/raw.toml" <<END
[image]
size = "16MiB"
[[partition]]
name = "raw"
type = "linux"
first_lba = 34
last_lba = 9999
source = "$tool"
END
refuses 'a partition of a package, without a key' raw 'expected a key to trust it by'
printf 'package_keys = ["key.toml"]\n' | sed -i '2r /dev/stdin' "$in/raw.toml"
exits 'a partition of a package' 0 "$rimg" build "$in/raw.toml" -o "$tmp/raw.img"
# a boot loader is declared by its digest
cat >"$in/loader.toml" <<END
[image]
size = "16MiB"
[bootloader]
source = "$tool"
sha256 = "$("$rimg" cat "$in/$tool" | sha256sum | cut -d' ' -f1)"
END
exits 'a boot loader of a package, whose digest is declared' 0 "$rimg" build "$in/loader.toml" -o "$tmp/loader.img"

# ---- packages that are none, or not whole --------------------------------------------------------

manifest gone 'package-gone = {}'
refuses 'a package that is not there' gone 'package package-gone: there is no package-gone.pkgar in the folders of package_dirs (1 of them)'
cp "$rimg" "$in/repo/program.pkgar"
manifest program 'program = {}'
refuses 'a program' program 'package program: expected a .pkgar archive, found something else'
: >"$in/repo/empty.pkgar"
manifest empty 'empty = {}'
refuses 'an empty file' empty 'package empty: expected a .pkgar archive, found something else'

# tampered NAME PACKAGE OFFSET CODE; another package's files would hide what is wrong with this one
tampered() {
	damage "$2" "$3"
	mv "$tmp/damaged.pkgar" "$in/repo/a.pkgar"
	manifest a 'a = {}
package-plain = {}'
	refuses "$1" a "a.toml:10: package a: "
	says "$1: the code" "$4" "$err"
}
size=$(stat -c %s "$golden/package-plain.pkgar")
packed=$(stat -c %s "$golden/package-lzma2.pkgar")
tampered 'a bit of the signature' package-plain 3 '[pkgar.signature]'
tampered 'a bit of the key' package-plain 70 "found another key's"
tampered "a bit of the table's hash" package-plain 100 '[pkgar.signature]'
tampered 'a bit of the flags' package-plain 133 '[pkgar.signature]'
tampered 'a bit of a hash' package-plain 140 '[pkgar.table-hash]'
tampered 'a bit of a path' package-plain $((136 + 52)) '[pkgar.table-hash]'
tampered 'a bit of a mode' package-plain $((136 + 308 + 48)) '[pkgar.table-hash]'
tampered 'a bit of a target' package-plain $((136 + 6 * 308)) '[pkgar.hash]'
tampered 'a bit of contents' package-plain $((size - 1)) '[pkgar.hash]'
tampered 'a bit of packed contents' package-lzma2 $((packed - 1000)) '[pkgar.'
tampered 'the end of a stream' package-lzma2 $((packed - 1)) '[pkgar.'
head -c $((size - 1)) "$golden/package-plain.pkgar" >"$in/repo/a.pkgar"
refuses 'the last byte is gone' a '[pkgar.range]'
{
	cat "$golden/package-plain.pkgar"
	printf x
} >"$in/repo/a.pkgar"
refuses 'a byte behind the end' a '[pkgar.trailing]'
head -c 1000 "$golden/package-plain.pkgar" >"$in/repo/a.pkgar"
refuses 'half of a table' a '[pkgar.truncated]'

damage package-plain $((size - 1))
mv "$tmp/damaged.pkgar" "$in/repo/a.pkgar"
cp "$tmp/plain.img" "$tmp/old.img"
exits 'a tampered package over an image' 2 "$rimg" build "$in/a.toml" -o "$tmp/old.img"
same 'the image stays as it was' "$tmp/plain.img" "$tmp/old.img"

# ---- a cookbook ----------------------------------------------------------------------------------

cook=$in/cook
mkdir -p "$cook/build" "$cook/repo/aarch64-unknown-redox" "$cook/repo/x86_64-unknown-redox"
cp "$in/repo/package-plain.pkgar" "$cook/repo/aarch64-unknown-redox"
cp "$in/key.toml" "$cook/build/id_ed25519.pub.toml"
manifest cook 'package-plain = {}' '' 'cookbook = "cook"'
exits 'a cookbook' 0 "$rimg" build "$in/cook.toml" -o "$tmp/cook.img"
same 'a cookbook gives the same image' "$tmp/plain.img" "$tmp/cook.img"
manifest gone 'package-gone = {}' '' 'cookbook = "cook"'
refuses 'a package that the cookbook has not' gone 'or in repo/TARGET/ of the cookbook'
mkdir "$in/no-cook"
printf 'a file\n' >"$in/no-cook/repo"
manifest no-list 'package-gone = {}' '' 'cookbook = "no-cook"'
refuses 'a cookbook that cannot be listed' no-list 'no-cook/repo: cannot list the directory'
cp "$in/other.toml" "$cook/build/id_ed25519.pub.toml"
refuses "the cookbook's key is another" cook "found another key's"
rm "$cook/build/id_ed25519.pub.toml"
refuses 'the cookbook has no key' cook 'id_ed25519.pub.toml'
cp "$in/key.toml" "$cook/build/id_ed25519.pub.toml"
cp "$in/repo/package-lzma2.pkgar" "$cook/repo/x86_64-unknown-redox/package-plain.pkgar"
refuses 'a package for two targets' cook 'more than one target has a package-plain.pkgar'
manifest cook-dir 'package-plain = {}' 'package_dirs = ["cook/repo/x86_64-unknown-redox"]' 'cookbook = "cook"'
exits 'one of two targets' 0 "$rimg" build "$in/cook-dir.toml" -o "$tmp/cook.img"
same 'one of two targets, by its folder' "$tmp/plain.img" "$tmp/cook.img"

done_testing
