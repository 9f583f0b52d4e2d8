#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dist.sh FILE.tar.xz NAME: the files that git knows, as they lie here, below NAME/ in an archive.
# The same files make the same bytes.
set -eu
file=$1 name=$2
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
trap 'rm -f "$file.list" "$file.tar" "$file.new"' EXIT
git ls-files -z >"$file.list"
LC_ALL=C tar --create --file="$file.tar" --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" \
	--owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX,a-s --transform="s|^|$name/|S" \
	--no-recursion --null --files-from="$file.list"
xz -6 -T1 <"$file.tar" >"$file.new"
mv "$file.new" "$file"
