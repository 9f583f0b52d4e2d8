#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What librimg.so offers to programs that were linked with it: tests/abi/describe.sh.
. tests/lib.sh

library=$(dirname "$RIMG")/librimg.so
need gcc
need readelf
[ -e "$library" ] || skip 'librimg.so is not built: sanitizers do not go into it'
[ "$(getconf LONG_BIT)" = 64 ] || skip 'the recorded sizes are those of 64 bits'

exits 'the library can be described' 0 tests/abi/describe.sh "$library"
cp "$out" "$tmp/found"
same 'symbols, prototypes, sizes, offsets and values are those recorded' tests/abi/librimg.abi "$tmp/found"

# the other tables of names, each by itself
sed -n 's/^symbol \(.*\)@@RIMG_[0-9.]* FUNC$/\1/p' "$tmp/found" | sort >"$tmp/symbols"
sed -n 's/^function .*[ *]\(rimg_[a-z0-9_]*\) (.*/\1/p' "$tmp/found" | sort >"$tmp/functions"
sed -n 's/^	\(rimg_.*\);$/\1/p' lib/librimg.map | sort >"$tmp/map"
same 'each function of the headers is exported, and nothing else' "$tmp/functions" "$tmp/symbols"
same 'the version script names the same' "$tmp/functions" "$tmp/map"
sed -n 's/^ \(rimg_.*\)@RIMG_[0-9.]* [0-9.]*$/\1/p' packaging/debian/librimg0.symbols | sort >"$tmp/debian"
same 'so do the symbols of the Debian package' "$tmp/functions" "$tmp/debian"
grep -c '^symbol ' "$tmp/found" >"$tmp/n_symbols"
wc -l <"$tmp/symbols" >"$tmp/n_functions"
same 'every exported symbol is a function with a version of its own' "$tmp/n_functions" "$tmp/n_symbols"

# Debian's list of what a build needs, and ours
sed -n '/^\[build\]/,/^$/s/^\([a-z][^ ]*\).*/\1/p' docs/packages.txt | grep -vxE 'gcc|g\+\+' | sort >"$tmp/expected"
sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z][^ ,]*\),*$/\1/p' packaging/debian/control | sort >"$tmp/found"
same 'the Debian package is built with what docs/packages.txt names' "$tmp/expected" "$tmp/found"

# what the library itself needs is there: no symbol is left for a program to bring along
readelf -d "$library" | sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*\]/\1/p' | sort >"$tmp/needed"
for module in $(sed -n 's/^PC_PRIVATE = //p' packaging/rules.mk); do
	pkg-config --libs-only-l "$module" | tr ' ' '\n' | sed -n 's/^-l//p'
done | { cat; echo c; } | grep -vxE 'dl|rt|pthread|m' | sort -u >"$tmp/private" # parts of libc today
sed -i '/^gcc_s$/d' "$tmp/needed"                                           # the compiler's own
same 'rimg.pc names what it needs, for static programs' "$tmp/private" "$tmp/needed"

done_testing
