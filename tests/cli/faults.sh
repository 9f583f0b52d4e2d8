#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Full disks, broken disks, kill -9: every write, flush, rename and read of the commands that make
# images or judge them fails in turn. An image that was there stays, or the whole new one is there;
# a verdict is never "holds".
. tests/lib.sh
. tests/faults.sh

faults_build || skip 'a library to be preloaded cannot be built here'

mkdir -p "$tmp/tree/bin" "$tmp/initfs"
echo text >"$tmp/tree/text"
ln -s text "$tmp/tree/link"
echo init >"$tmp/initfs/init"
small_program "$tmp/bootstrap"
cp "$tmp/bootstrap" "$tmp/tree/bin/program"
head -c 30000 /dev/zero | tr '\0' x >"$tmp/tree/bin/data"
cat >"$tmp/disk.toml" <<'END'
[image]
size = "4MiB"
seed = "faults"

[[partition]]
name = "EFI"
type = "efi"
first_lba = 64
last_lba = 1063
format = "fat"

[[partition]]
name = "REDOX"
type = "linux"
first_lba = 1064
last_lba = 8119
format = "redoxfs"

[initfs]
bootstrap = "bootstrap"
root = "initfs"

[[files]]
path = "/usr"
source = "tree"
END
exits 'an image to begin with' 0 "$RIMG" build --set image.seed=old "$tmp/disk.toml" -o "$tmp/old.img"
exits 'and the new one' 0 "$RIMG" build "$tmp/disk.toml" -o "$tmp/new.img" --lock "$tmp/new.lock"
if cmp -s "$tmp/old.img" "$tmp/new.img"; then
	not_pass 'these differ' 'they do not'
fi
# what the inputs are, to see that nothing touches them
digests() {
	find "$tmp/tree" "$tmp/initfs" "$tmp/bootstrap" "$tmp/disk.toml" "$tmp/new.img" -type f \
		-exec sha256sum {} + | sort
}
digests >"$tmp/inputs"

# old_or_new KIND ERROR: nothing, the old image or the whole new one has the name
old_or_new() {
	if [ -e "$tmp/made.img" ] && ! cmp -s "$tmp/made.img" "$tmp/old.img"; then
		cmp -s "$tmp/made.img" "$tmp/right.img" || return 1
	fi
	# what a killed run left has another name; others clean up, unless that is what failed
	[ "$2" = KILL ] || [ "$1" = remove ] || [ -z "$(ls "$tmp"/made.img.* 2>/dev/null)" ] || return 1
	rm -f "$tmp"/made.img.*
	cp "$tmp/old.img" "$tmp/made.img"
}

# makes NAME COMMAND...: COMMAND makes $tmp/made.img
makes() {
	label=$1
	shift
	rm -f "$tmp/made.img"
	exits "$label" 0 "$@"
	mv "$tmp/made.img" "$tmp/right.img"
	for fault_case in make:EACCES write:ENOSPC write:EIO sync:EIO name:EIO pread:EIO write:KILL sync:KILL name:KILL; do
		cp "$tmp/old.img" "$tmp/made.img"
		faults "$label" "${fault_case%:*}" "${fault_case#*:}" old_or_new "$@"
		same "$label, ${fault_case}: in the end it is there" "$tmp/right.img" "$tmp/made.img"
	done
	rm -f "$tmp/made.img"
}

makes build "$RIMG" -j 1 build "$tmp/disk.toml" -o "$tmp/made.img"
makes redoxfs "$RIMG" -j 1 redoxfs "$tmp/tree" -o "$tmp/made.img"
makes initfs "$RIMG" -j 1 initfs "$tmp/initfs" -o "$tmp/made.img"
makes disk "$RIMG" -j 1 disk -o "$tmp/made.img" --size 4MiB --partition "A:linux:64:8000:$tmp/bootstrap"
makes normalize "$RIMG" -j 1 normalize "$tmp/old.img" -o "$tmp/made.img"
makes replace "$RIMG" -j 1 replace "$tmp/old.img" "REDOX::/usr/text=$tmp/bootstrap" -o "$tmp/made.img"

# ---- judging: what cannot be read is never a pass

silent() {
	! grep -q -e '^identical' -e '^pass:' "$out"
}
cp "$tmp/new.img" "$tmp/same.img"
faults 'verify check' pread EIO silent "$RIMG" -j 1 verify check "$tmp/new.img"
faults 'diff' pread EIO silent "$RIMG" -j 1 diff "$tmp/new.img" "$tmp/same.img"
faults 'build --check' pread EIO silent "$RIMG" -j 1 build --check "$tmp/disk.toml" -o "$tmp/new.img"
cat >"$tmp/policy.toml" <<'END'
[policy]
allow = ["cranelift", "llvm", "gcc", "foreign", "asm"]
min_coverage = 0.0
END
faults 'verify audit' pread EIO silent "$RIMG" -j 1 verify audit --policy "$tmp/policy.toml" "$tmp/new.img"
no_worse() {
	! grep -q -e 'is not worse' "$out"
}
faults 'diff --policy' pread EIO no_worse "$RIMG" -j 1 diff --exit-policy --policy "$tmp/policy.toml" \
	"$tmp/new.img" "$tmp/same.img"
digests >"$tmp/inputs-after"
same 'the inputs are what they were' "$tmp/inputs" "$tmp/inputs-after"

done_testing
