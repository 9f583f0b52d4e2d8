#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The limits that an image is held to, by --limit: what is exactly at one is as it is without, what is
# above it is trouble and never a pass, and says which limit it was. Then bombs: small files that
# describe something huge, in little memory and time.
. tests/lib.sh
need python3

unset SOURCE_DATE_EPOCH
"$RIMG" --version -v >"$tmp/version"
# a sanitizer's memory is not ours: 16 TiB of shadow
bounded=yes
seccomp=$(grep -c "sanitizer" "$tmp/version" || :)
[ "$seccomp" = 0 ] || bounded=no
# bounded KIB COMMAND...: with that much address space
bounded() {
	kib=$1
	shift
	(
		[ $bounded = no ] || ulimit -v "$kib"
		exec timeout 120 "$@"
	)
}

# ---- inputs ----
mkdir -p "$tmp/tree/etc"
echo text >"$tmp/tree/etc/text"
for i in 1 2 3 4 5 6 7 8 9; do echo $i >"$tmp/tree/file-$i"; done
target=a-target-of-32-bytes-for-the-link
ln -s $target "$tmp/tree/link"
small_program "$tmp/program"
head -c 936 /dev/zero >>"$tmp/program" # 1000 bytes
cp "$tmp/program" "$tmp/tree/program"
"$RIMG" -q redoxfs "$tmp/tree" -o "$tmp/fs.img"
"$RIMG" verify check "$tmp/fs.img" >"$tmp/fs.check" 2>&1

# threshold LIMIT OPTIONS...: the least value with which a check of fs.img passes, in $least
threshold() {
	limit=$1 low=0 high=1
	shift
	while ! "$RIMG" verify check "$@" --limit "$limit=$high" "$tmp/fs.img" >/dev/null 2>&1; do
		low=$high
		high=$((high * 2))
		[ $high -lt 1073741825 ] || break
	done
	while [ $((high - low)) -gt 1 ]; do
		middle=$(((low + high) / 2))
		if "$RIMG" verify check "$@" --limit "$limit=$middle" "$tmp/fs.img" >/dev/null 2>&1; then
			high=$middle
		else
			low=$middle
		fi
	done
	least=$high
}

# both_sides LIMIT NAMED OPTIONS...: of that threshold; NAMED is what the message tells to raise
both_sides() {
	limit=$1 named=$2
	shift 2
	threshold "$limit" "$@"
	exits "$limit=$least is enough" 0 "$RIMG" verify check "$@" --limit "$limit=$least" "$tmp/fs.img"
	same "$limit: for the same result" "$tmp/fs.check" "$out"
	exits "$limit=$((least - 1)) is not" 2 "$RIMG" verify check "$@" --limit "$limit=$((least - 1))" "$tmp/fs.img"
	cat "$err" >>"$out"
	says "$limit: says so" "--limit $named=N allows more" "$out"
}
both_sides nodes nodes
both_sides metadata metadata
both_sides read-extra read-factor --limit read-factor=1

# ---- contents held whole: the size of the program is known ----
exits 'a program as large as may be' 0 "$RIMG" verify check --limit content=1000 "$tmp/program"
exits 'one byte more' 2 "$RIMG" verify check --limit content=999 "$tmp/program"
says 'says so' '--limit content=N allows more' "$out"
"$RIMG" verify audit "$tmp/program" >"$tmp/program.audit" 2>&1
exits 'an audit of as much' $? "$RIMG" verify audit --limit content=1000 "$tmp/program"
same 'is the same' "$tmp/program.audit" "$out"
exits 'nor does it pass an audit' 2 "$RIMG" verify audit --limit content=999 "$tmp/program"

# ---- attributes: a link's target ----
length=${#target}
exits 'a target as long as may be' 0 "$RIMG" extract --limit "attribute=$length" "$tmp/fs.img" -o "$tmp/at"
exits 'is extracted' 0 test "$(readlink "$tmp/at/link")" = $target
exits 'one byte more' 1 "$RIMG" extract --limit "attribute=$((length - 1))" "$tmp/fs.img" -o "$tmp/above"
says 'is left out, and it is said' '--limit attribute=N allows more' "$err"
exits 'the rest is there' 0 test -f "$tmp/above/etc/text" -a ! -L "$tmp/above/link"

# ---- findings: kept so many, counted all; an ELF in this archive has two warnings ----
"$RIMG" verify check "$GOLDEN/initfs-boot.img" >"$tmp/warned.check" 2>&1
exits 'two findings kept of two' 0 "$RIMG" verify check --limit findings=2 "$GOLDEN/initfs-boot.img"
same 'tell all' "$tmp/warned.check" "$out"
exits 'one of two' 2 "$RIMG" verify check --limit findings=1 "$GOLDEN/initfs-boot.img"
says 'is not taken for all' '--limit findings=N allows more' "$out"
says 'and all are counted' '3 warnings' "$out"

# ---- layers inside layers: an initfs in an initfs in ..., 17 of them ----
mkdir "$tmp/box"
cp "$tmp/program" "$tmp/inner"
n=0
while [ $n -lt 17 ]; do
	n=$((n + 1))
	rm -f "$tmp/box/inner"
	cp "$tmp/inner" "$tmp/box/inner"
	"$RIMG" -q initfs "$tmp/box" -o "$tmp/inner" --max-size 1GiB
	cp "$tmp/inner" "$tmp/nested-$n.img"
done
# the program in it is a layer as well
exits '16 layers are read' 0 "$RIMG" verify check "$tmp/nested-15.img"
exits '17 are not' 2 "$RIMG" verify check "$tmp/nested-16.img"
says 'and it is said' '--limit layer-depth=N allows more' "$out"
exits 'unless they are allowed' 0 "$RIMG" verify check --limit layer-depth=17 "$tmp/nested-16.img"
exits 'an audit does not pass what it could not open' 2 "$RIMG" verify audit "$tmp/nested-17.img"
exits 'nor does ls list it as if that were all' 1 "$RIMG" ls --nested "$tmp/nested-17.img"

# ---- directories inside directories ----
deep=$tmp/deep
mkdir "$deep"
(
	cd "$deep" || exit 1
	n=0
	while [ $n -lt 64 ]; do # 16 at a time
		mkdir -p d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d && cd -P d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d || exit 1
		n=$((n + 1))
	done
	echo bottom >file
)
exits '1024 directories inside each other are built' 0 "$RIMG" -q redoxfs "$deep" -o "$tmp/deep.img"
exits 'and read' 0 "$RIMG" verify check "$tmp/deep.img"
exits 'but not if fewer are allowed' 2 "$RIMG" verify check --limit dir-depth=1023 "$tmp/deep.img"
says 'and it is said' '--limit dir-depth=N allows more' "$out"
mkdir "$tmp/deeper" && mv "$deep" "$tmp/deeper/d"
exits 'more are not built' 2 "$RIMG" redoxfs "$tmp/deeper" -o "$tmp/deeper.img"
says 'and it is said' 'at most 1024 directories inside each other' "$err"
mv "$tmp/deeper/d/d" "$tmp/less" # 1023 below a folder; an initfs counts its root
exits 'initfs: built' 0 "$RIMG" -q initfs "$tmp/less" -o "$tmp/deep-initfs.img"
exits 'initfs: read' 0 "$RIMG" verify check "$tmp/deep-initfs.img"
exits 'initfs: not if fewer are allowed' 2 "$RIMG" verify check --limit dir-depth=1000 "$tmp/deep-initfs.img"
says 'initfs: and it is said' '--limit dir-depth=N allows more' "$out"

# ---- bombs ----
mkdir "$tmp/zeros"
truncate -s 128M "$tmp/zeros/a"
truncate -s 128M "$tmp/zeros/b"
exits '256 MiB of zeros, packed' 0 "$RIMG" -q redoxfs "$tmp/zeros" -o "$tmp/zeros.img" --compression lz4
exits 'are checked in 192 MiB of address space' 0 bounded 196608 "$RIMG" -j 2 verify check "$tmp/zeros.img"
exits 'compared' 0 bounded 196608 "$RIMG" -j 2 diff "$tmp/zeros.img" "$tmp/zeros.img"
exits 'and listed' 0 bounded 196608 "$RIMG" -j 2 ls --json "$tmp/zeros.img"

# numbers that promise too much, one at a time, everywhere in a header: never a pass of something that
# is cut, no end, no more memory than a limit says
cat >"$tmp/bomb.py" <<'END'
import resource, subprocess, sys
rimg, path, bounded, *offsets = sys.argv[1:]
data = open(path, "rb").read()
sound = subprocess.run([rimg, "-q", "verify", "check", path], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL).returncode
def limit():
    if bounded == "yes":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
n = 0
for off in map(int, offsets):
    for value in (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x40"):
        bad = data[:off] + value + data[off + len(value):]
        with open(path + ".bomb", "wb") as f:
            f.write(bad)
        p = subprocess.run([rimg, "-q", "-j2", "verify", "check", path + ".bomb"], timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
        if p.returncode not in (0, 1, 2) or b"memory" in p.stderr:
            sys.exit(f"{path}: {value.hex()} at {off}: {p.returncode} {p.stderr.decode()}")
        n += 1
print(n)
END
"$RIMG" -q initfs "$tmp/tree" -o "$tmp/small-initfs.img"
exits 'initfs: huge numbers in its header and inodes' 0 \
	python3 "$tmp/bomb.py" "$RIMG" "$tmp/small-initfs.img" $bounded $(seq 0 4 68)
exits 'ELF: in its header' 0 python3 "$tmp/bomb.py" "$RIMG" "$tmp/program" $bounded $(seq 16 4 60)
cp "$GOLDEN"/*.pkgar "$tmp/" 2>/dev/null
for package in "$tmp"/*.pkgar; do
	chmod u+w "$package"
	exits "$(basename "$package"): in its header" 0 python3 "$tmp/bomb.py" "$RIMG" "$package" $bounded 128 132
	break
done
head -c 5000000 /dev/zero | tr '\0' '[' >"$tmp/deep.json"
{ echo 'a = ' | tr -d '\n'; head -c 5000000 /dev/zero | tr '\0' '['; } >"$tmp/deep.toml"
exits 'a manifest that is five million lists deep' 2 bounded 524288 "$RIMG" build "$tmp/deep.toml" -o "$tmp/x.img"
exits 'the same as JSON' 2 bounded 524288 "$RIMG" build "$tmp/deep.json" -o "$tmp/x.img"
truncate -s 17M "$tmp/long.toml"
exits 'a policy of 17 MiB' 2 bounded 524288 "$RIMG" verify audit --policy "$tmp/long.toml" "$tmp/program"

# ---- usage ----
exits 'no such limit' 2 "$RIMG" ls --limit size=1 "$tmp/fs.img"
says 'tells where they are' 'no limit is called "size"; rimg --version -v names them' "$err"
exits 'no number' 2 "$RIMG" ls --limit nodes=many "$tmp/fs.img"
says 'tells what is wanted' 'expected nodes=N' "$err"
exits 'none at all' 2 "$RIMG" ls --limit nodes=0 "$tmp/fs.img"
says 'tells the range' 'nodes can be 1 to 4294967295, not 0' "$err"
exits 'deeper than the stack' 2 "$RIMG" ls --limit layer-depth=65 "$tmp/fs.img"
exits 'as deep as it carries' 0 "$RIMG" ls --limit layer-depth=64 --limit dir-depth=4096 "$tmp/fs.img"
exits 'sizes have suffixes; the last one counts' 0 "$RIMG" ls --limit metadata=1 --limit metadata=1GiB "$tmp/fs.img"
for name in $(sed -n '/^limits/,/^sandbox/s/^  \([a-z-]*\) .*/\1/p' "$tmp/version"); do
	grep -q "^\.It Cm $name\$" docs/man/rimg.1 || not_pass "$name" 'is not in rimg(1)'
done
done_testing
