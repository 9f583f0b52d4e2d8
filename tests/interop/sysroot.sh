#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sysroot.sh ARCH DIR: DIR becomes a root folder with what rimg is built against, for another of
# Debian's machines. The host's apt is asked with a package database of its own, so nothing of the
# host is changed and root is not needed. A folder that is complete is left alone.
set -eu
arch=$1
dir=$2
here=$(cd "$(dirname "$0")" && pwd)
list=$here/../../docs/packages.txt

# the libraries of [build] and [test], and what a cross compiler brings for its own machine only
packages=$(sed -n '/^\[build\]/,/^\[compare\]/s/^\(lib[^ ]*-dev\).*/\1/p' "$list" | LC_ALL=C sort)
packages="libc6-dev libstdc++-12-dev $(echo $packages)"
[ "$(cat "$dir/complete" 2>/dev/null)" = "$packages" ] && exit 0

rm -rf -- "$dir"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/apt/state" "$dir/root"
dir=$(realpath "$dir")
: >"$dir/apt/status"
foreign_apt() {
	apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Debug::NoLocking=1 \
		-o Dir::State="$dir/apt/state" -o Dir::State::lists="$dir/apt/lists" \
		-o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt" "$@" </dev/null
}
# other sources than Debian's need not have this machine; what counts is what comes next
foreign_apt update >&2 || echo "sysroot.sh: not all package lists for $arch could be read" >&2
# shellcheck disable=SC2086 # a list of words
foreign_apt -y --no-install-recommends --download-only install $packages >&2
for deb in "$dir"/apt/archives/*.deb; do
	dpkg-deb -x "$deb" "$dir/root"
done
rm -rf -- "$dir/apt"
echo "$packages" >"$dir/complete"
