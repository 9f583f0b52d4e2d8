#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Where results are written: what may be replaced, what of it is kept, and that an input never is.
. tests/lib.sh

mkdir "$tmp/in" "$tmp/dir"
echo one >"$tmp/in/f"
cat >"$tmp/m.toml" <<END
include = ["part.toml"]
[image]
size = "8MiB"
END
cat >"$tmp/part.toml" <<END
[[files]]
path = "/"
source = "$tmp/in"
END
exits 'an image to begin with' 0 "$RIMG" -q build "$tmp/m.toml" -o "$tmp/m.img" --lock "$tmp/m.lock"
disk=$GOLDEN/disk-installer.img

# is_as NAME FILE WHAT: FILE still holds the line WHAT
is_as() {
	echo "$3" >"$tmp/expected"
	same "$1" "$tmp/expected" "$2"
}

# no_leftovers NAME: no temporary file was left behind
no_leftovers() {
	find "$tmp" -name '*.tmp' >"$tmp/left"
	same "$1: nothing is left behind" /dev/null "$tmp/left"
}

# ---- what is there already

# refuses_place NAME PLACE TEXT: neither images nor reports go there
refuses_place() {
	name=$1 place=$2 text=$3
	for command in "redoxfs $tmp/in -o" "disk --size 1MiB -o" "diff $disk $disk --html" \
		"verify check $disk --sarif" "verify audit $disk --sarif" \
		"build $tmp/m.toml -o $tmp/x.img --lock" "verify attest $tmp/m.img --key $tmp/k.pem -o"; do
		# shellcheck disable=SC2086
		exits "$name: $command" 2 "$RIMG" $command "$place"
		says "$name: $command: it says so" "$text" "$err"
	done
}
exits 'a key' 0 "$RIMG" verify keygen "$tmp/k"
mkfifo "$tmp/fifo"
ln -s /dev/null "$tmp/nowhere"
refuses_place 'a pipe' "$tmp/fifo" 'nothing to be there, found a pipe'
[ -p "$tmp/fifo" ] && pass 'the pipe is still there' || not_pass 'the pipe is still there' 'it is not'
refuses_place 'a link to a device' "$tmp/nowhere" 'nothing to be there, found a character device'
[ -c "$tmp/nowhere" ] && pass 'the link is still there' || not_pass 'the link is still there' 'it is not'
refuses_place 'a directory' "$tmp/dir" 'nothing to be there, found a directory'
[ ! -e "$tmp/x.img" ] && pass 'no image without its lock' || not_pass 'no image without its lock' 'there is'
cd "$tmp" && case $RIMG in /*) ;; *) RIMG=$OLDPWD/$RIMG ;; esac
exits '- is no output' 2 "$RIMG" redoxfs in -o -
says '- is no output: it says what would be' './- is a file of that name' "$err"
exits 'but ./- is' 0 "$RIMG" redoxfs in -o ./-

echo old >m600 && chmod 600 m600
exits 'a private file is replaced' 0 "$RIMG" redoxfs in -o m600
[ "$(stat -c %a m600)" = 600 ] && pass 'and stays private' || not_pass 'and stays private' "$(stat -c %a m600)"
echo old >m755 && chmod 755 m755
exits 'so is a program' 0 "$RIMG" redoxfs in -o m755
[ "$(stat -c %a m755)" = 755 ] && pass 'and stays one' || not_pass 'and stays one' "$(stat -c %a m755)"
if [ "$(id -u)" = 0 ]; then
	echo old >theirs && chown 65534:65534 theirs
	exits "root replaces another's file" 0 "$RIMG" redoxfs in -o theirs
	[ "$(stat -c %u:%g theirs)" = 65534:65534 ] && pass 'and it stays theirs' ||
		not_pass 'and it stays theirs' "$(stat -c %u:%g theirs)"
fi
(
	umask 027
	"$RIMG" -q redoxfs in -o fresh
)
[ "$(stat -c %a fresh)" = 640 ] && pass 'a new file is as umask says' || not_pass 'a new file is as umask says' "$(stat -c %a fresh)"
echo target >target && ln -s target link
exits 'a link is replaced' 0 "$RIMG" redoxfs in -o link
is_as 'not what it leads to' target target
long=$(printf '%255s' '' | tr ' ' n)
exits 'a name of 255 bytes' 0 "$RIMG" redoxfs in -o "$long"
exits 'a name of 256 bytes' 2 "$RIMG" redoxfs in -o "n$long"
no_leftovers 'names'

# ---- inputs

# spares NAME FILE COMMAND...: the command is refused, and FILE is as it was
spares() {
	name=$1 file=$2
	shift 2
	cp "$file" before
	exits "$name" 2 "$RIMG" "$@"
	says "$name: it says why" 'would be overwritten' "$err"
	same "$name: nothing happened to it" before "$file"
}
head -c 4096 /dev/urandom >blob
cp m.img again.img
spares 'normalize onto its image' again.img normalize again.img -o again.img
spares 'replace onto its image' again.img replace again.img REDOX::/f=in/f -o ./again.img
spares 'replace onto a new file' in/f replace again.img REDOX::/f=in/f -o in/f
spares 'disk onto a file of a partition' blob disk --size 1MiB -p A:efi:40:60:blob -o blob
spares 'redoxfs onto a file of the tree' in/f redoxfs in -o in/f
spares 'initfs onto a file of the tree' in/f initfs in -o in/f
spares 'initfs onto its bootstrap' blob initfs in -b blob -o blob
spares 'build onto a file of a source directory' in/f build m.toml -o in/f
spares 'a lock onto one' in/f build m.toml -o x.img --lock in/f
spares 'build onto its manifest' m.toml build m.toml -o m.toml
spares 'build onto an included manifest' part.toml build m.toml -o part.toml
cat >of-image.toml <<'END'
[image]
size = "8MiB"
[[files]]
path = "/g"
source = "again.img::REDOX::/f"
END
spares 'build onto an image that it takes from' again.img build of-image.toml -o again.img
exits 'what is only compared may be anywhere' 1 "$RIMG" build --check m.toml -o in/f

# ---- all or nothing

# A digest that cannot be printed is exit code 2, and then an existing file is as it was.
for command in 'build m.toml' 'redoxfs in' 'initfs in' 'disk --size 1MiB' 'normalize m.img' \
	'replace m.img REDOX::/f=m.toml'; do
	echo old >old.img
	status=0
	# shellcheck disable=SC2086
	"$RIMG" $command -o old.img >/dev/full 2>"$err" || status=$?
	[ "$status" = 2 ] && pass "$command >/dev/full" || not_pass "$command >/dev/full" "exit $status"
	is_as "$command >/dev/full: the file is as it was" old.img old
	grep -c 'No space left' "$err" >told
	is_as "$command >/dev/full: said once" told 1
done
status=0
(
	ulimit -f 1
	"$RIMG" -q redoxfs in -o old.img 2>"$err"
) || status=$?
[ "$status" = 2 ] && pass 'a limit on the size of files' || not_pass 'a limit on the size of files' "exit $status"
says 'a limit on the size of files: said' 'File too large' "$err"
is_as 'a limit on the size of files: the file is as it was' old.img old
no_leftovers 'failures'

done_testing
