#!/bin/sh
# SPDX-License-Identifier: MIT
#
# deb-reproducible.sh DIR: make the Debian packages twice, in other folders, at another time, with other
# umask, language, home and, for root, by another user; what comes out has to be the same bytes.
set -eu
mkdir -p "$1"
dir=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
a=$dir/a
b="$dir/a-longer-name/and-deeper"
rm -rf "$a" "$dir/a-longer-name"
mkdir -p "$a" "$b"
chmod 755 "$dir" "$dir/a-longer-name" "$b"

packaging/deb.sh "$a" >"$dir/a.sums"
(umask 077 && tar -C "$b" --strip-components=1 --no-same-permissions -xf "$a"/rimg_*.orig.tar.xz)
(cd "$b" && git init -q . && git add -A)
find "$b" -not -path '*/.git/*' -exec touch -h -d '2001-02-03 04:05:06 UTC' {} +
other=
if [ "$(id -u)" = 0 ]; then
	chown -R nobody: "$b"
	other='setpriv --reuid=nobody --regid=nogroup --clear-groups'
fi
shift_clock=
! command -v faketime >/dev/null 2>&1 || shift_clock='faketime -f +400d'
# shellcheck disable=SC2086
(umask 077 && cd "$b" && env TZ=Asia/Tokyo LC_ALL=C LANG=C HOME="$b" USER=somebody LOGNAME=somebody \
	$other $shift_clock packaging/deb.sh "$b/out/deb") >"$dir/b.sums"

grep -E '^[0-9a-f]{64}  ' "$dir/a.sums" >"$dir/sums"
grep -E '^[0-9a-f]{64}  ' "$dir/b.sums" | diff "$dir/sums" - || {
	echo 'deb: other bytes in other surroundings (<: as they are)' >&2
	exit 1
}
cat "$dir/sums"
echo "reproducible: the same bytes of $(wc -l <"$dir/sums") files${other:+, by another user}${shift_clock:+, 400 days later}"
