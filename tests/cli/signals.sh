#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A program that is told to end, by ^C, a hangup or a job that is taken down: at every write, flush and
# renaming in turn. Nothing half done stays behind, and the exit status is that of the signal.
. tests/lib.sh
. tests/faults.sh

faults_build || skip 'a library to be preloaded cannot be built here'

mkdir -p "$tmp/tree/dir/deep" "$tmp/work"
echo text >"$tmp/tree/text"
head -c 3000000 /dev/zero | tr '\0' x >"$tmp/tree/dir/deep/data"
ln -s text "$tmp/tree/link"
cat >"$tmp/m.toml" <<'END'
[image]
size = "8MiB"
[[files]]
path = "/"
source = "tree"
END
exits 'an image to begin with' 0 "$RIMG" -q build --set image.seed=old "$tmp/m.toml" -o "$tmp/old.img"
exits 'and the new one' 0 "$RIMG" -q build "$tmp/m.toml" -o "$tmp/new.img"
exits 'a key' 0 "$RIMG" -q verify keygen "$tmp/key"

# nothing_left: in the folder there is the old or the new image, or nothing
nothing_left() {
	[ -z "$(find "$tmp/work" -name '*.tmp' -o -name '.rimg*')" ] || return 1
	cmp -s "$tmp/work/made.img" "$tmp/old.img" || cmp -s "$tmp/work/made.img" "$tmp/new.img" || return 1
	cp "$tmp/old.img" "$tmp/work/made.img"
}
cp "$tmp/old.img" "$tmp/work/made.img"
for error in INT TERM HUP; do
	for kind in write sync name; do
		faults 'build' $kind $error nothing_left "$RIMG" -q build "$tmp/m.toml" -o "$tmp/work/made.img"
		cp "$tmp/old.img" "$tmp/work/made.img"
	done
done
rm -r "$tmp/work" && mkdir "$tmp/work"

# whole_or_nothing KIND ERROR NUMBER: there is all of $whole, or nothing; after the first write surely nothing
whole_or_nothing() {
	[ -z "$(find "$tmp/work" -name '.rimg*')" ] || return 1
	if [ -e "$tmp/work/made" ]; then
		[ "$3" != 1 ] || return 1
		diff -r --no-dereference "$whole" "$tmp/work/made" >/dev/null || return 1
	fi
	rm -rf "$tmp/work/made"
}
whole=$tmp/tree
faults 'extract' write INT whole_or_nothing "$RIMG" extract "$tmp/new.img::REDOX" -o "$tmp/work/made"
rm -rf "$tmp/work/made"
whole=$tmp/tree/dir/deep/data
faults 'extract of a file' write TERM whole_or_nothing "$RIMG" extract \
	"$tmp/new.img::REDOX::/dir/deep/data" -o "$tmp/work/made"

# what is ignored when the program starts stays ignored, as under nohup
(
	trap '' HUP
	ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$fault" FAULT_KIND=write FAULT_AT=1 FAULT_ERROR=HUP \
		"$RIMG" -q build "$tmp/m.toml" -o "$tmp/work/made.img"
)
cmp -s "$tmp/work/made.img" "$tmp/new.img" && pass 'nohup' || not_pass 'nohup' 'no image'

# a program that rimg runs begins with the signals of the system: yes(1) ends when nobody reads it
exits 'what is ignored here is not ignored by a build' 0 "$RIMG" verify rebuild --vary tz --artifact x \
	--command 'yes 2>err | head -n 1 >x; test ! -s err'

done_testing
