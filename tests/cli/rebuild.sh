#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rimg verify rebuild: commands that let one thing about their surroundings into the output, one at a
# time. Which one it was is known from the command.
. tests/lib.sh

mkdir -p "$tmp/src/sub"
for name in three one two four; do
	echo "$name" >"$tmp/src/$name"
	echo "$name" >"$tmp/src/sub/$name"
done
chmod 600 "$tmp/src/one"
ln -s one "$tmp/src/link"

rebuild() {
	"$RIMG" verify rebuild --source "$tmp/src" --artifact out.img "$@"
}

# variation NAME: is it varied on this machine? As the program says, which tries it.
rebuild --json --command 'cat one two three four sub/* link >out.img' >"$tmp/all.json"
variation() {
	grep -A 1 "\"name\": \"$1\"" "$tmp/all.json" | grep -q '"varied": true'
}

# blames NAMES COMMAND: the bytes differ, and that is why, and nothing else is
blames() {
	label="$2: $1"
	for name in $1; do
		if ! variation "$name"; then
			pass "$label (not varied here)"
			return
		fi
	done
	exits "$label: not reproducible" 1 rebuild --json --command "$2"
	sed -n '/"blamed": \[/,/\]/p' "$out" | sed '1d;$d' | tr -d ' ",' >"$tmp/blamed"
	echo "$1" | tr ' ' '\n' >"$tmp/expected"
	same "$label: blamed" "$tmp/expected" "$tmp/blamed"
}

exits 'a command that depends on its sources alone' 0 \
	rebuild --command 'cat one two three four sub/* link >out.img'
says 'tells the digest' "$(cat "$tmp/src/one" "$tmp/src/two" "$tmp/src/three" "$tmp/src/four" \
	"$tmp"/src/sub/* "$tmp/src/link" | sha256sum | cut -d ' ' -f 1)" "$out"
says 'and how often' 'the same' "$out"
exits 'four times' 0 rebuild --times 4 --command 'cat one >out.img'
says 'four times: says so' '4 times' "$out"

blames 'time' 'date -u +%Y >out.img'
blames 'time' 'date +%s%N >out.img'
blames 'tz' 'date -d @0 >out.img'
blames 'host' 'uname -n >out.img'
blames 'umask' 'umask >out.img'
blames 'order' 'ls -f sub >out.img'
blames 'cwd' 'pwd >out.img'
blames 'user' 'id -u >out.img'
blames 'threads' 'nproc >out.img'
blames 'kernel' 'uname -r | cut -c 1 >out.img'
# shellcheck disable=SC2016 # for the other shell
blames 'home' 'echo $HOME >out.img'
# shellcheck disable=SC2016
blames 'env' 'echo $VARIED >out.img'
blames 'umask cwd' 'umask >out.img; pwd >>out.img'

# neither alone does it
if variation umask && variation cwd; then
	# shellcheck disable=SC2016
	exits 'only two things together' 1 rebuild --json \
		--command 'case $(umask)$(pwd) in 0077*longer*) echo both;; *) echo no;; esac >out.img'
	says 'says together' '"together": true' "$out"
fi
exits 'a build that differs by itself' 1 rebuild --json \
	--command 'od -An -N 16 -tx1 /dev/urandom >out.img'
says 'says so' '"by_itself": true' "$out"
says 'and what differs' '"cause": "content"' "$out"

# ---- the sources are as they were, the artifact is found, nothing is left behind

(cd "$tmp/src" && find . -exec stat -c '%A %s %Y %n' {} + | sort) >"$tmp/before"
exits 'a command that spoils its sources' 0 rebuild --command 'echo x >>one; rm two; echo y >out.img'
(cd "$tmp/src" && find . -exec stat -c '%A %s %Y %n' {} + | sort) >"$tmp/after"
same 'spoils a copy' "$tmp/before" "$tmp/after"
mkdir "$tmp/work"
exits 'with a working directory' 0 rebuild --work "$tmp/work" --command 'cat one >out.img'
find "$tmp/work" -mindepth 1 >"$tmp/left"
same 'nothing is left in it' /dev/null "$tmp/left"
exits 'modes and links are copied' 0 rebuild --keep "$tmp/kept" \
	--command 'stat -c "%a %F" one; readlink link; cp one out.img'
printf '600 regular file\none\n' >"$tmp/expected"
same 'as they are' "$tmp/expected" "$tmp/kept/0.log"
same 'and what was built is kept' "$tmp/src/one" "$tmp/kept/0.out"
exits 'a directory to keep must be new' 2 rebuild --keep "$tmp/kept" --command 'cp one out.img'

# ---- what an earlier build left in the sources is not taken for a new one

cp -r "$tmp/src" "$tmp/used"
echo earlier >"$tmp/used/out.img"
exits 'an artifact that is there already, and is not built again' 2 \
	"$RIMG" verify rebuild --source "$tmp/used" --artifact out.img --command true
says 'names it' 'out.img' "$err"
exits 'and one that would be left as it is' 0 \
	"$RIMG" verify rebuild --source "$tmp/used" --artifact out.img \
	--command '[ -e out.img ] || cat one >out.img'
says 'is built' "$(sha256sum <"$tmp/src/one" | cut -d ' ' -f 1)" "$out"
echo earlier >"$tmp/earlier"
same 'in a copy' "$tmp/earlier" "$tmp/used/out.img"
mkdir "$tmp/used/sub/made"
echo earlier >"$tmp/used/sub/made/out.img"
mv "$tmp/used/sub/made" "$tmp/made"
ln -s "$tmp/made" "$tmp/used/sub/made"
exits 'an artifact behind a link that leads out of the copy' 2 \
	"$RIMG" verify rebuild --source "$tmp/used" --artifact sub/made/out.img --command true
says 'says so' 'outside' "$err"
exits 'and one above it' 2 \
	"$RIMG" verify rebuild --source "$tmp/used" --artifact ../out.img --command 'echo x >../out.img'
says 'says so, too' 'outside' "$err"
same 'it is not touched' "$tmp/earlier" "$tmp/made/out.img"

# ---- trouble

exits 'a failing command' 2 rebuild --command 'echo at first; printf "why it\\tfailed"; exit 3'
head -n 2 "$err" >"$tmp/shown"
printf '  | at first\n  | why it\\tfailed\n' >"$tmp/expected"
same 'shows what it printed, line by line' "$tmp/expected" "$tmp/shown"
says 'and its exit code' 'exit code 3' "$err"
exits 'no artifact' 2 rebuild --command true
says 'it is told that the command has not made it' 'out.img: the command ended well, but has not made this file' "$err"
says 'names it' 'out.img' "$err"
exits 'a variation that does not exist' 2 rebuild --vary tz,moon --command true
says 'names it: moon' '"moon"' "$err"
exits 'a command without an artifact' 2 "$RIMG" verify rebuild --command true
exits 'nothing to build' 2 "$RIMG" verify rebuild
exits 'a manifest that is not there' 2 "$RIMG" verify rebuild "$tmp/none.toml"
for missing in time locale; do
	variation $missing && continue
	exits "$missing cannot be varied here, and is asked for" 2 rebuild --vary $missing \
		--command 'cp one out.img'
	says "$missing: says so" "$missing cannot be varied here" "$err"
done

# ---- manifests

mkdir -p "$tmp/tree/etc" "$tmp/tree/bin"
for name in z y x w; do
	head -c 20000 /dev/zero | tr '\0' $name >"$tmp/tree/bin/$name"
done
echo host >"$tmp/tree/etc/hostname"
cat >"$tmp/disk.toml" <<'END'
[image]
size = "16MiB"
seed = "rebuild"
epoch = 1700000000

[[partition]]
name = "REDOX"
type = "linux"
first_lba = 2048
last_lba = 30719
format = "redoxfs"

[[files]]
path = "/"
source = "tree"
END
exits 'a manifest' 0 "$RIMG" build "$tmp/disk.toml" -o "$tmp/disk.img"
cp "$out" "$tmp/built"
exits 'rebuilt' 0 "$RIMG" verify rebuild "$tmp/disk.toml"
mkdir "$tmp/relative"
rimg=$(realpath "$RIMG")
exits 'in a folder that is named from here' 0 \
	sh -c 'cd "$1" && "$2" verify rebuild --vary tz --work relative disk.toml' sh "$tmp" "$rimg"
says 'to the same bytes' "$(cut -d ' ' -f 1 "$tmp/built")" "$out"
exits 'the expected ones' 0 "$RIMG" verify rebuild --expect "$tmp/disk.img" "$tmp/disk.toml"
printf x | dd of="$tmp/disk.img" bs=1 seek=9000000 conv=notrunc 2>/dev/null
exits 'not the expected ones' 1 "$RIMG" verify rebuild --expect "$tmp/disk.img" "$tmp/disk.toml"
says 'says so' 'not the bytes of the expected image' "$out"
exits 'with -C and --set' 0 "$RIMG" verify rebuild -C "$tmp" --set image.seed=other "$tmp/disk.toml"
"$RIMG" build -C "$tmp" --set image.seed=other "$tmp/disk.toml" -o "$tmp/other.img" >"$tmp/built"
says 'as rimg build takes them' "$(cut -d ' ' -f 1 "$tmp/built")" "$out"

# ---- inputs that cannot all be copied

mkdir -p "$tmp/deep/one" "$tmp/deep/two" "$tmp/deep/three"
sed 's,"tree","../tree",' "$tmp/disk.toml" >"$tmp/deep/disk.toml"
exits 'inputs above the manifest' 0 "$RIMG" verify rebuild "$tmp/deep/disk.toml"
sed -n '/^not varied/,$p' "$out" >"$tmp/not"
says 'their order is not varied' '  order    ' "$tmp/not"
exits 'which is trouble if it was asked for' 2 "$RIMG" verify rebuild --vary order "$tmp/deep/disk.toml"
mkfifo "$tmp/deep/fifo"
exits 'nor with a pipe among them' 0 "$RIMG" verify rebuild "$tmp/deep/disk.toml"
sed -n '/^not varied/,$p' "$out" >"$tmp/not"
says 'and it is said why' 'another type' "$tmp/not"

# ---- interrupted

"$RIMG" verify rebuild --work "$tmp/work" --source "$tmp/src" --artifact out.img \
	--command "pwd >$tmp/where.new; mv $tmp/where.new $tmp/where; sleep 60; :" >"$out" 2>"$err" &
n=0
while [ ! -e "$tmp/where" ] && [ $n -lt 200 ]; do
	sleep 0.1
	n=$((n + 1))
done
kill -TERM $!
status=0
wait $! || status=$?
echo "$status" >"$tmp/got"
echo 2 >"$tmp/expected"
same 'a build that is interrupted is trouble' "$tmp/expected" "$tmp/got"
says 'and called so' 'interrupted' "$err"
exits 'the copy is removed' 1 test -e "$(cat "$tmp/where")"
find "$tmp/work" -mindepth 1 >"$tmp/left"
same 'and so is what was built' /dev/null "$tmp/left"

done_testing
