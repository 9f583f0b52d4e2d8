#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `make install` puts where, and whether it works from there: the program, the manual pages, and
# the library for examples/embed.c, which knows nothing but what pkg-config says.
. tests/lib.sh

built=$(dirname "$RIMG")
need gcc
need g++
need make
need man
need pkg-config
[ -e "$built/librimg.so" ] || skip 'librimg.so is not built: sanitizers do not go into it'

dest=$tmp/dest
# the flags that rimg was built with, or it would be built anew; not the jobs
case ${MAKEFLAGS-} in
*' -- '*) MAKEFLAGS="-- ${MAKEFLAGS#* -- }" ;;
*) MAKEFLAGS= ;;
esac
export MAKEFLAGS
run_make() { make -s O="$built" prefix=/usr DESTDIR="$dest" "$@"; }

# tree DIR: every file with its mode, target and bytes
tree() {
	(cd "$1" && find . ! -type d -printf '%P %m %l\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

# ---- what is there

exits 'make install' 0 run_make install
(cd "$dest" && find . ! -type d -printf '%P\n' | sort) >"$tmp/files"
{
	sed 's/#.*//; s/ *$//; /^$/d' tests/installed.txt
	sed -n 's|^	\(rimg_.*\);$|usr/share/man/man3/\1.3|p' lib/librimg.map
	ls include/rimg | sed 's|\.h$||; s|^|rimg_|; s|^rimg_rimg$|librimg|; s|.*|usr/share/man/man3/&.3|'
	ls docs/man/*.[157] include/rimg/*.h | sed 's|^docs/man/\(.*\)\.\(.\)$|usr/share/man/man\2/\1.\2|; s|^include/|usr/include/|'
} | sort >"$tmp/expected"
same 'the files are those of tests/installed.txt, every manual page, every header, and a page for all in it' "$tmp/expected" "$tmp/files"
tree "$dest" >"$tmp/once"
find "$dest" -type f -perm /022 >"$tmp/writable"
same 'nobody but the owner may write to them' /dev/null "$tmp/writable"
exits 'make install, again' 0 run_make install
tree "$dest" >"$tmp/twice"
same 'the second time changes nothing' "$tmp/once" "$tmp/twice"
grep -rlF -e "$tmp" "$dest" >"$tmp/leaks"
same 'no file knows DESTDIR' /dev/null "$tmp/leaks"

# ---- the program

exits 'the installed program runs' 0 "$dest/usr/bin/rimg" --version
exits 'rimg-diff is rimg diff' 0 "$dest/usr/bin/rimg-diff" --help
says 'rimg-diff is rimg diff: its help' 'Usage: rimg diff' "$out"

# ---- the manual pages

find "$dest/usr/share/man" -name '*.[1357]' | sort | while read -r page; do
	name=${page##*/}
	# a page that stands for another leads there
	other=$(sed -n 's/^\.so //p' "$page")
	[ -z "$other" ] || page=$dest/usr/share/man/$other
	[ "$(man -M "$dest/usr/share/man" -w "${name##*.}" "${name%.*}" 2>&1)" = "$page" ] || echo "$name"
done >"$tmp/not-found"
same 'man finds every page' /dev/null "$tmp/not-found"
MANROFFOPT=-ww man -M "$dest/usr/share/man" --warnings -E UTF-8 -l -Tutf8 -Z "$dest"/usr/share/man/man?/* >/dev/null 2>"$tmp/warnings"
same 'and shows them without a warning' /dev/null "$tmp/warnings"

# ---- the library

# pc TREE ARGUMENT...: pkg-config, where nothing but that tree is known of rimg
pc() {
	root=$1
	shift
	PKG_CONFIG_PATH=$root/usr/lib/pkgconfig pkg-config --define-variable=prefix="$root/usr" "$@" rimg
}

cp examples/embed.c "$tmp/embed.c"
# shellcheck disable=SC2046
exits 'embed.c builds against the shared library' 0 gcc -std=c11 -Wall -Wextra -Werror \
	-o "$tmp/embed" "$tmp/embed.c" $(pc "$dest" --cflags --libs) -Wl,-rpath,"$dest/usr/lib"
readelf -d "$tmp/embed" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^libc\.' >"$tmp/needed"
echo librimg.so.0 >"$tmp/expected"
same 'embed needs librimg.so.0 and nothing else' "$tmp/expected" "$tmp/needed"

cp -R "$dest" "$tmp/static"
rm -f "$tmp/static/usr/lib/"librimg.so*
# shellcheck disable=SC2046
exits 'embed.c builds against the static library' 0 gcc -std=c11 -Wall -Wextra -Werror \
	-o "$tmp/embed-static" "$tmp/embed.c" $(pc "$tmp/static" --static --cflags --libs)
nm -g --defined-only "$dest/usr/lib/librimg.a" | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort >"$tmp/globals"
sed -n 's/^	\(rimg_.*\);$/\1/p' lib/librimg.map | sort >"$tmp/expected"
same 'the static library has no other public names than the shared one' "$tmp/expected" "$tmp/globals"
echo '#include <rimg/check.h>
#include <rimg/diff.h>
int main() { return rimg_version()[0] == 0; }' >"$tmp/embed.cc"
# shellcheck disable=SC2046
exits 'a C++ program builds, too' 0 g++ -std=c++11 -Wall -Wextra -Werror \
	-o "$tmp/embed-cc" "$tmp/embed.cc" $(pc "$dest" --cflags --libs) -Wl,-rpath,"$dest/usr/lib"
exits 'the C++ program runs' 0 "$tmp/embed-cc"

# listed NAME: digests and paths of the regular files of a golden image, by the listing that the
# image's own tools made
listed() {
	sed -n 's/^{"path": *"\([^"]*\)", *"type": *"file".*"sha256": *"\([0-9a-f]*\)".*/\2  \1/p' "$GOLDEN/$1.jsonl" | sort
}

for image in odd text churned initfs-plain; do
	for program in embed embed-static; do
		exits "$program list $image" 0 "$tmp/$program" list "$GOLDEN/$image.img"
		listed "$image" >"$tmp/expected"
		sort "$out" | grep -v '::' >"$tmp/found"
		[ -s "$tmp/expected" ] || not_pass "$image" 'its listing is empty'
		# names that are escaped, in another way here than there
		grep -v '\\' "$tmp/expected" >"$tmp/plain"
		grep -v '\\' "$tmp/found" >"$tmp/found-plain"
		same "$program list $image: digests and paths are those of the listing" "$tmp/plain" "$tmp/found-plain"
		cut -d ' ' -f 1 "$tmp/expected" | sort >"$tmp/plain"
		cut -d ' ' -f 1 "$tmp/found" | sort >"$tmp/found-plain"
		same "$program list $image: also of files with odd names" "$tmp/plain" "$tmp/found-plain"
	done
done
# a file of a disk by another way: its bytes, taken out by rimg, through sha256sum
exits 'embed list of a part of a disk' 0 "$tmp/embed" list "$GOLDEN/disk-sgdisk.img::EFI"
grep ' ' "$out" | sed 's/^[0-9a-f]*  //' | while read -r address; do
	printf '%s  %s\n' "$("$RIMG" cat "$GOLDEN/disk-sgdisk.img::$address" | sha256sum | cut -d ' ' -f 1)" "$address"
done >"$tmp/expected"
[ -s "$tmp/expected" ] && same 'embed list of a part of a disk: the digests of its files' "$tmp/expected" "$out" ||
	not_pass 'embed list of a part of a disk' 'nothing is listed'
exits 'embed list of a damaged image' 1 "$tmp/embed" list "$GOLDEN/broken/bitflip-data.img"
exits 'embed check of a sound image' 0 "$tmp/embed" check "$GOLDEN/initfs-plain.img"
says 'embed check of a sound image: the verdict' 'sound: 0 errors' "$out"
exits 'embed check of a damaged image' 1 "$tmp/embed" check "$GOLDEN/broken/bitflip-data.img"
says 'embed check of a damaged image: the problem' '/boot/kernel: expected seahash' "$out"
exits 'embed check of what is no image' 2 "$tmp/embed" check examples/embed.c
exits 'embed diff of one image' 0 "$tmp/embed" diff "$GOLDEN/system.img" "$GOLDEN/system.img"
exits 'embed diff of two images' 1 "$tmp/embed" diff "$GOLDEN/disk-installer.img" "$GOLDEN/disk-sgdisk.img"
cmp -l "$GOLDEN/disk-installer.img" "$GOLDEN/disk-sgdisk.img" | wc -l >"$tmp/differing"
says 'embed diff of two images: as many bytes as cmp sees' " $(cat "$tmp/differing") bytes of 67108864, 0 unexplained" "$out"
exits 'embed of a missing file' 2 "$tmp/embed" list no-such-file

# ---- other places

exits 'make install into other folders' 0 make -s O="$built" DESTDIR="$tmp/other" prefix=/opt/rimg \
	libdir=/opt/rimg/lib/x86 includedir=/srv/include install
sed '/^$/q' "$tmp/other/opt/rimg/lib/x86/pkgconfig/rimg.pc" >"$tmp/found"
# shellcheck disable=SC2016
printf '%s\n' prefix=/opt/rimg 'libdir=${prefix}/lib/x86' includedir=/srv/include '' >"$tmp/expected"
same 'rimg.pc says where' "$tmp/expected" "$tmp/found"
[ -e "$tmp/other/srv/include/rimg/rimg.h" ] && pass 'headers are there' || not_pass 'headers are there' 'they are not'

# ---- away again

echo mine >"$dest/usr/bin/other"
exits 'make uninstall' 0 run_make uninstall
(cd "$dest" && find . ! -type d -printf '%P\n') >"$tmp/left"
echo usr/bin/other >"$tmp/expected"
same 'make uninstall leaves what is not rimg, and nothing else' "$tmp/expected" "$tmp/left"
exits 'make uninstall, again' 0 run_make uninstall

done_testing
