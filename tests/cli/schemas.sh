#!/bin/sh
# SPDX-License-Identifier: MIT
#
# JSON is what its schema in docs/schema says, as a small validator of our own reads it. `make interop`
# asks another one.
. tests/lib.sh
need python3

# fits NAME SCHEMA FILE [--lines]
fits() {
	exits "$1: is as docs/schema/$2 says" 0 python3 tests/tools/check_schema.py "docs/schema/$2" "$3" ${4-}
}

# spoiled NAME SCHEMA FILE SED: a document that is spoiled does not pass
spoiled() {
	sed "$4" "$3" >"$tmp/spoiled.json"
	if cmp -s "$3" "$tmp/spoiled.json"; then
		not_pass "$1" 'nothing was spoiled'
	else
		exits "$1" 1 python3 tests/tools/check_schema.py "docs/schema/$2" "$tmp/spoiled.json" ${5-}
	fi
}

n=0
# compared A B OPTION...
compared() {
	a=$1 b=$2
	shift 2
	n=$((n + 1))
	"$RIMG" diff --json "$@" "$GOLDEN/$a.img" "$GOLDEN/$b.img" >"$tmp/diff-$n.json" 2>/dev/null
	fits "diff of $a and $b" diff.json "$tmp/diff-$n.json"
}
compared disk-installer disk-sgdisk --digests
compared disk-installer disk-installer --digests
compared basic clone --max-diffs 40
compared tiny broken/truncated
compared tiny broken/bitflip-tree
compared initfs-boot initfs-plain --ignore timestamp
"$RIMG" diff --json "$GOLDEN/tiny.img::/" "$GOLDEN/text.img::/" >"$tmp/dirs.json" 2>/dev/null
fits 'diff of two directories' diff.json "$tmp/dirs.json"
spoiled 'a word for a boolean' diff.json "$tmp/diff-1.json" 's/"identical": false/"identical": "no"/'
spoiled 'an unknown cause' diff.json "$tmp/diff-1.json" 's/"cause": "identifier"/"cause": "magic"/'
spoiled 'a missing key' diff.json "$tmp/diff-1.json" '/"unread"/d'
spoiled 'a range of two numbers' diff.json "$tmp/diff-1.json" 's/\[\([0-9]*\),\([0-9]*\),[0-9]*\]/[\1,\2]/'
spoiled 'differences of identical files' diff.json "$tmp/diff-2.json" 's/"differing": 0/"differing": 1/'

for image in basic disk-installer initfs-boot; do
	"$RIMG" ls -R --json --nested "$GOLDEN/$image.img" >"$tmp/ls.jsonl" 2>/dev/null
	fits "ls of $image" ls.json "$tmp/ls.jsonl" --lines
done
"$RIMG" ls -R -a --json "$RIMG" >"$tmp/program.jsonl" 2>/dev/null
if grep -q '"type":"section"' "$tmp/program.jsonl"; then # in emulators the program is a script
	fits 'ls of a program' ls.json "$tmp/program.jsonl" --lines
fi
spoiled 'an unknown type' ls.json "$tmp/ls.jsonl" 's/"type":"file"/"type":"pipe"/' --lines
for address in disk-installer.img disk-installer.img::EFI basic.img::/modes basic.img \
	broken/bitflip-tree.img broken/truncated.img; do
	"$RIMG" info --json "$GOLDEN/$address" >"$tmp/info.json" 2>/dev/null
	fits "info of $address" info.json "$tmp/info.json"
done
spoiled 'a negative count' info.json "$tmp/info.json" 's/"errors": /"errors": -/'

mkdir "$tmp/in"
printf 'text\n' >"$tmp/in/file"
cat >"$tmp/m.toml" <<'END'
[image]
size = "8MiB"
epoch = 1
seed = "schema"
[[files]]
path = "/"
source = "in"
END
if "$RIMG" -q build "$tmp/m.toml" -o "$tmp/m.img" --lock "$tmp/m.lock" >"$out" 2>"$err"; then
	fits 'a lock' lock.json "$tmp/m.lock"
	spoiled 'a digest that is cut' lock.json "$tmp/m.lock" 's/\("sha256": "[0-9a-f]\{60\}\)[0-9a-f]*/\1/'
else
	not_pass 'a lock' "$(cat "$err")"
fi

done_testing
