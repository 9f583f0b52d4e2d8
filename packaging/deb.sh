#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deb.sh OUT: Debian source and binary packages in the folder OUT, from the files that git knows, and
# what lintian says about them. Nothing but these files gets into a package: not the time, the place, the
# user or what else lies around (packaging/deb-reproducible.sh tries it). DEB_BUILD_OPTIONS=... is
# passed on; without it the tests are not run once more.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

lacking=
for program in git xz dpkg-buildpackage dh lintian; do
	command -v $program >/dev/null 2>&1 || lacking="$lacking $program"
done
if [ -n "$lacking" ]; then
	echo "Debian packages cannot be made here, this is missing:$lacking" >&2
	echo "make deps CI=true installs it (docs/packages.txt, develop)" >&2
	exit 1
fi

unset MAKEFLAGS MAKELEVEL MFLAGS
umask 022
version=$(dpkg-parsechangelog -l packaging/debian/changelog -S Version)
upstream=${version%-*}
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-nocheck}
export SOURCE_DATE_EPOCH DEB_BUILD_OPTIONS
header=$(sed -n 's/^#define RIMG_VERSION "\(.*\)"$/\1/p' include/rimg/rimg.h)
if [ "$upstream" != "$header" ]; then
	echo "packaging/debian/changelog is of version $upstream, include/rimg/rimg.h of $header" >&2
	exit 1
fi

rm -rf "$out/work" "$out"/*rimg*_*
mkdir "$out/work"
packaging/dist.sh "$out/rimg_$upstream.orig.tar.xz" "rimg-$upstream"
tar -C "$out/work" -xf "$out/rimg_$upstream.orig.tar.xz"
mv "$out/work/rimg-$upstream" "$out/rimg-$upstream"
trap 'rm -rf "$out/rimg-$upstream" "$out/work"' EXIT
# as unpacked, where every file has the same mode everywhere
cp -R "$out/rimg-$upstream/packaging/debian" "$out/rimg-$upstream/debian"
(cd "$out/rimg-$upstream" && dpkg-buildpackage -us -uc "-j$(nproc)") >"$out/build.log" 2>&1 || {
	tail -n 40 "$out/build.log"
	echo "deb: see $out/build.log" >&2
	exit 1
}
lintian --fail-on error,warning "$out"/rimg_"$version"_*.changes
cd "$out"
sha256sum -- *.deb *.dsc *.tar.xz
