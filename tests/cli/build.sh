# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# rimg build, initfs, redoxfs, disk, replace, normalize: what they make, what they refuse, and that
# nothing of the host shows in the bytes.
. tests/lib.sh

rimg=$(realpath "$RIMG")
epoch=1767225600
unset SOURCE_DATE_EPOCH

# ---- inputs --------------------------------------------------------------------------------------
in=$tmp/in
mkdir -p "$in/initfs/bin" "$in/initfs/etc" "$in/usr-bin/deep/er"
small_program "$in/bootstrap"
printf 'init\n' >"$in/initfs/bin/init"
chmod 755 "$in/initfs/bin/init"
printf 'etc\n' >"$in/initfs/etc/rc"
ln -s ../etc/rc "$in/initfs/bin/rc"
head -c 300000 "$rimg" >"$in/kernel"
printf 'MZ loader\n' >"$in/loader.efi"
loader_sha256=$(sha256sum <"$in/loader.efi" | cut -d' ' -f1)
for i in 1 2 3 4 5 6 7 8 9; do printf 'tool %s\n' $i >"$in/usr-bin/tool$i"; done
printf 'deep\n' >"$in/usr-bin/deep/er/x"
ln -s tool1 "$in/usr-bin/link"
cat >"$in/image.toml" <<END
[image]
size = "16MiB"
epoch = $epoch
seed = "test"
[bootloader]
source = "loader.efi"
sha256 = "$loader_sha256"
[initfs]
bootstrap = "bootstrap"
root = "initfs"
[[files]]
path = "/boot/kernel"
source = "kernel"
[[files]]
path = "/usr/lib/boot/kernel"
hardlink = "/boot/kernel"
[[files]]
path = "/usr/bin"
source = "usr-bin"
[[files]]
path = "/etc/hostname"
data = "redox\n"
[users.root]
password = ""
uid = 0
gid = 0
home = "/root"
[users.user]
password = "password"
END

# ---- what is made --------------------------------------------------------------------------------
img=$tmp/a.img
exits 'an image is built' 0 "$rimg" build "$in/image.toml" -o "$img"
printf '%s  %s\n' "$(sha256sum <"$img" | cut -d' ' -f1)" "$img" >"$tmp/want"
same 'and its digest printed' "$tmp/want" "$out"
exits 'check of the same image' 0 "$rimg" build --check "$in/image.toml" -o "$img"
"$rimg" cat "$img::REDOX::/boot/kernel" >"$tmp/kernel"
same 'the kernel is in it' "$in/kernel" "$tmp/kernel"
"$rimg" cat "$img::REDOX::/boot/initfs::/bin/init" >"$tmp/init"
same 'the initfs in it holds init' "$in/initfs/bin/init" "$tmp/init"
"$rimg" cat "$img::EFI::/EFI/BOOT/BOOTAA64.EFI" >"$tmp/efi"
same 'the boot loader is in it' "$in/loader.efi" "$tmp/efi"
exits 'links and owners' 0 "$rimg" ls -l "$img::REDOX::/usr/lib/boot"
says 'the kernel has two names' '   2 ' "$out"
exits 'passwd' 0 "$rimg" cat "$img::REDOX::/etc/passwd"
printf 'root;0;0;root;/root;/bin/ion\nuser;1000;1000;user;/home/user;/bin/ion\n' >"$tmp/want"
same 'users are listed as the installer does' "$tmp/want" "$out"
exits 'shadow' 0 "$rimg" cat "$img::REDOX::/etc/shadow"
says 'the password is hashed' 'user;$argon2id$v=19$m=19456,t=2,p=1$' "$out"
exits 'no finding' 0 "$rimg" info "$img"

# ---- nothing of the host shows --------------------------------------------------------------------
# built again with this and that changed; the bytes must be the same
again() {
	name=$1
	shift
	rm -f "$tmp/b.img"
	exits "$name: built" 0 "$@"
	same "$name: same bytes" "$img" "$tmp/b.img"
}
build() { "$rimg" build "$in/image.toml" -o "$tmp/b.img" "$@"; }
again 'one thread' build -j 1
again 'seven threads' build -j 7
umask_build() { (umask 0077 && build); }
again 'umask' umask_build
env_build() { env -i HOME=/nonexistent TZ=Pacific/Kiritimati LC_ALL=C LANG=xx USER=nobody PATH=/none "$rimg" build "$in/image.toml" -o "$tmp/b.img"; }
again 'environment, time zone, locale, home' env_build
cwd_build() { (cd "$in" && "$rimg" build image.toml -o ../b.img); }
again 'working directory' cwd_build
mkdir -p "$tmp/a/very/long/folder/name"
cp -r "$in" "$tmp/a/very/long/folder/name/other"
moved_build() { "$rimg" build "$tmp/a/very/long/folder/name/other/image.toml" -o "$tmp/b.img"; }
again 'other folder, other inodes' moved_build
# the same files made in another order, with other permissions, times and hard links
mkdir -p "$tmp/c/usr-bin"
for i in 9 3 1 8 2 7 4 6 5; do printf 'tool %s\n' $i >"$tmp/c/usr-bin/tool$i"; done
cp -r "$in/usr-bin/deep" "$in/usr-bin/link" "$tmp/c/usr-bin/" 2>/dev/null
rm -f "$tmp/c/usr-bin/link" && ln -s tool1 "$tmp/c/usr-bin/link"
chmod 600 "$tmp/c/usr-bin/tool"* && touch -d @1000000000 "$tmp/c/usr-bin/tool3"
for f in bootstrap initfs kernel loader.efi image.toml; do cp -r "$in/$f" "$tmp/c/"; done
order_build() { "$rimg" build "$tmp/c/image.toml" -o "$tmp/b.img"; }
again 'order of creation, modes, times' order_build
dir_build() { "$rimg" build "$in/image.toml" -C "$tmp/c" -o "$tmp/b.img"; }
again '-C' dir_build
epoch_build() { SOURCE_DATE_EPOCH=1 "$rimg" build "$in/image.toml" -o "$tmp/b.img"; }
again 'SOURCE_DATE_EPOCH, where the manifest has an epoch' epoch_build
if [ "$(id -u)" = 0 ]; then
	chmod -R a+rX "$tmp" && mkdir -p "$tmp/user" && chown 65534 "$tmp/user"
	user_build() { setpriv --reuid 65534 --clear-groups "$rimg" build "$in/image.toml" -o "$tmp/user/b.img" && mv "$tmp/user/b.img" "$tmp/b.img"; }
	again 'another user' user_build
fi
exits 'another epoch' 0 "$rimg" build "$in/image.toml" -o "$tmp/e.img" --set image.epoch=0
exits 'is another image' 1 "$rimg" diff "$img" "$tmp/e.img"
exits 'and check says so' 1 "$rimg" build --check "$in/image.toml" -o "$tmp/e.img"

# ---- locks ---------------------------------------------------------------------------------------
exits 'a lock is written' 0 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/lock"
says 'it names the inputs' '"address": "usr-bin/tool3"' "$tmp/lock"
# what it says of the layers: the image, its partitions as sfdisk finds them, and the initfs
layers() {
	sha256sum <"$tmp/b.img"
	sfdisk -d "$tmp/b.img" 2>"$err" | sed -n 's/.*start= *\([0-9]*\), size= *\([0-9]*\),.*/\1 \2/p' | while read -r start size; do
		dd if="$tmp/b.img" bs=512 skip="$start" count="$size" status=none | sha256sum
	done
	"$rimg" cat "$tmp/b.img::REDOX::/boot/initfs" | sha256sum
}
if command -v sfdisk >/dev/null 2>&1; then
	layers | cut -d ' ' -f 1 >"$tmp/want"
	sed -n '/"layers"/,$ s/.*"sha256": "\(.*\)".*/\1/p' "$tmp/lock" >"$tmp/have"
	same 'and what was made of them' "$tmp/want" "$tmp/have"
	exits 'a quiet build' 0 "$rimg" -q build "$in/image.toml" -o "$tmp/quiet.img" --lock "$tmp/quiet.lock"
	same 'makes the same lock' "$tmp/lock" "$tmp/quiet.lock"
	exits 'and without a lock' 0 "$rimg" -q build "$in/image.toml" -o "$tmp/quiet.img"
	same 'the same image' "$tmp/b.img" "$tmp/quiet.img"
else
	echo 'skipped: the layers of a lock: sfdisk is missing'
fi
exits 'the same inputs are accepted' 0 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/lock" --locked
printf 'changed\n' >"$tmp/c/usr-bin/tool3"
cp "$tmp/b.img" "$tmp/before"
cp "$in/image.toml" "$tmp/manifest"
exits 'the image is not written over its manifest' 2 "$rimg" build "$in/image.toml" -o "$in/./image.toml"
same 'which is as it was' "$tmp/manifest" "$in/image.toml"
exits 'nor the lock' 2 "$rimg" build "$in/image.toml" -o "$tmp/new.img" --lock "$in/image.toml"
same 'which is as it was, too' "$tmp/manifest" "$in/image.toml"
exits 'nor the lock over the image' 2 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/b.img"
same 'the image is there' "$tmp/before" "$tmp/b.img"
exits 'nor where neither is yet' 2 "$rimg" build "$in/image.toml" -o "$tmp/new.img" --lock "$tmp/new.img"
exits 'nothing is there then' 1 test -e "$tmp/new.img"
exits 'another seed is not' 1 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/lock" --locked \
	--set image.seed=another
says 'and is named' 'seed' "$err"
exits 'another time is not' 1 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/lock" --locked \
	--set image.epoch=12345
says 'and named, too' 'epoch' "$err"
exits 'another size is not' 1 "$rimg" build "$in/image.toml" -o "$tmp/b.img" --lock "$tmp/lock" --locked \
	--set image.size=17MiB
says 'and it says so' 'but not the image' "$err"
same 'nothing was kept' "$tmp/before" "$tmp/b.img"
exits 'other inputs are not' 1 "$rimg" build "$tmp/c/image.toml" -o "$tmp/b.img" --lock "$tmp/lock" --locked
says 'and it says which' 'usr-bin/tool3: is not the input that the lock names' "$err"
same 'the image is as it was' "$img" "$tmp/b.img"

# ---- what is refused -----------------------------------------------------------------------------
# refused NAME TEXT COMMAND...: exit code 2, the text on stderr, an existing output untouched
refused() {
	name=$1 text=$2
	shift 2
	printf 'old\n' >"$tmp/old.img"
	exits "$name: refused" 2 "$@"
	says "$name: says why" "$text" "$err"
	printf 'old\n' >"$tmp/want"
	same "$name: the old file is untouched" "$tmp/want" "$tmp/old.img"
	ls -A "$tmp" | grep -F .tmp >"$tmp/left" || :
	: >"$tmp/want"
	same "$name: nothing is left behind" "$tmp/want" "$tmp/left"
}
manifest() { printf "$@" >"$in/bad.toml"; }
bad() { "$rimg" build "$in/bad.toml" -o "$tmp/old.img"; }
manifest '[image]\nsize = "16MiB"\nsede = "x"\n'
refused 'an unknown key' 'bad.toml:3' bad
manifest '[image]\nsize = "16MiB"\n[[files]]\npath = "/x"\nsource = "nothing"\n'
refused 'a missing source' 'nothing' bad
manifest '[image]\nsize = "16MiB"\n[bootloader]\nsource = "loader.efi"\nsha256 = "%064d"\n' 0
refused 'another boot loader' 'expected SHA-256 0000' bad
manifest '[image]\nsize = "4MiB"\n[[files]]\npath = "/big"\nsource = "big"\n'
head -c 5000000 /dev/urandom >"$in/big"
refused 'an image that is too small' 'the contents need a RedoxFS of at least' bad
manifest '[image]\nsize = "16MiB"\n[[files]]\npath = "/a:b"\ndata = ""\n'
refused 'a name that Redox cannot hold' 'bad.toml:4' bad
manifest 'include = ["bad.toml"]\n'
refused 'an include cycle' 'bad.toml' bad
manifest '[image]\nsize = "16MiB"\n[[files]]\npath = "/d"\nsource = "special"\n'
mkdir -p "$in/special" && mkfifo "$in/special/fifo"
refused 'a FIFO' 'skip_special' bad
mkdir -p "$in/loop" && ln -s loop "$in/loop/loop"
ln -s round "$in/round"
manifest '[image]\nsize = "16MiB"\n[[files]]\npath = "/d"\nsource = "round"\n'
refused 'a symlink loop' 'round' bad
manifest '[image]\nsize = "16MiB"\n[[files]]\npath = "/d"\nsource = "loop"\n'
exits 'a link to its own folder is only a link' 0 "$rimg" -q build "$in/bad.toml" -o "$tmp/loop.img"
mkdir -p "$in/names" && : >"$in/names/$(printf 'a:b')"
refused 'a host file that Redox cannot hold' "no ':'" "$rimg" redoxfs "$in/names" -o "$tmp/old.img"
printf 'x' >"$in/names/$(printf '\377')" && rm "$in/names/a:b"
refused 'a name that is not UTF-8' 'UTF-8' "$rimg" redoxfs "$in/names" -o "$tmp/old.img"
refused 'a disk without room for its table' 'partition tables' "$rimg" disk -o "$tmp/old.img" --size 4096
refused 'overlapping partitions' 'overlap' "$rimg" disk -o "$tmp/old.img" --size 4MiB -p A:linux:100:200 -p B:linux:200:300
refused 'a file that is larger than its partition' 'partition "A"' "$rimg" disk -o "$tmp/old.img" --size 4MiB -p "A:linux:100:200:$in/big"
refused 'a folder that is not there' 'nowhere' "$rimg" redoxfs "$tmp/nowhere" -o "$tmp/old.img"
# the ELF header of a program that begins at 0x10000000
{
	printf '\177ELF\002\001\001'
	head -c 9 /dev/zero
	printf '\002\000\267\000\001\000\000\000\000\000\000\020'
	head -c 4072 /dev/zero
} >"$tmp/far"
refused 'a bootstrap that begins elsewhere' 'entry inside its 4100 bytes' "$rimg" initfs "$in/initfs" -b "$tmp/far" -o "$tmp/old.img"
refused 'a bootstrap that is no program' 'ELF' "$rimg" initfs "$in/initfs" -b "$in/loader.efi" -o "$tmp/old.img"
refused 'an initfs over its limit' 'max_size' "$rimg" initfs "$in/initfs" --max-size 4096 -o "$tmp/old.img"
refused 'a damaged image' 'damaged' "$rimg" normalize "$GOLDEN/broken/links.img" -o "$tmp/old.img"
refused 'no image at all' 'no known format' "$rimg" normalize "$in/big" -o "$tmp/old.img"
exits 'no output is a usage error' 2 "$rimg" build "$in/image.toml"
exits 'a folder for the output that is not there' 2 "$rimg" build "$in/image.toml" -o "$tmp/none/x.img"

# ---- killed --------------------------------------------------------------------------------------
# whenever it dies, there is the old file or the whole new one under the final name
cp "$img" "$tmp/old.img"
for delay in 0.001 0.003 0.005 0.01 0.02 0.03 0.05 0.1; do
	"$rimg" -q build "$in/image.toml" -o "$tmp/old.img" --set image.seed=other &
	pid=$!
	sleep $delay
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	cmp -s "$img" "$tmp/old.img" || break
done
"$rimg" -q build "$in/image.toml" -o "$tmp/new.img" --set image.seed=other
if cmp -s "$img" "$tmp/old.img" || cmp -s "$tmp/new.img" "$tmp/old.img"; then
	pass 'a killed build leaves the old image or the new one'
else
	not_pass 'a killed build leaves the old image or the new one' 'it is neither'
fi
rm -f "$tmp"/*.tmp

# ---- no space, changing inputs -------------------------------------------------------------------
# a file system of 4 MiB of our own, with an old image on it
full() {
	unshare -rm sh -c 'mount -t tmpfs -o size=4m,mode=777 none "$1" || exit 99
		echo old >"$1/old.img"
		"$2" -q redoxfs "$3" -s 16MiB -o "$1/old.img" 2>"$4"
		echo $? >"$5"
		cd "$1" && find . -type f | sort >"$6" && cat old.img >>"$6"' - \
		"$tmp/full" "$rimg" "$in/wide" "$err" "$tmp/status" "$tmp/found" 2>/dev/null
}
mkdir -p "$tmp/full" "$in/wide"
head -c 6000000 /dev/urandom >"$in/wide/big"
if unshare -rm true 2>/dev/null && full; then
	echo 2 >"$tmp/want"
	same 'no space: exit code 2' "$tmp/want" "$tmp/status"
	says 'no space: says why' 'No space left on device' "$err"
	printf './old.img\nold\n' >"$tmp/want"
	same 'no space: the old image stays, and nothing else' "$tmp/want" "$tmp/found"
else
	echo '# no space: not tried, no file system of our own can be mounted here'
fi

# a file that grows while the image is built: never an image that was checked against neither
mkdir -p "$in/moving"
head -c 20000000 /dev/urandom >"$in/moving/log"
(while :; do printf x >>"$in/moving/log"; done) &
writer=$!
exits 'a source that changes while it is read: refused' 2 "$rimg" redoxfs "$in/moving" -s 64MiB -o "$tmp/moving.img"
kill $writer
wait $writer 2>/dev/null
says 'a source that changes: says so' 'changed while the image was built' "$err"
[ ! -e "$tmp/moving.img" ] && pass 'a source that changes: no image' || not_pass 'a source that changes: no image' 'there is one'

# ---- remade --------------------------------------------------------------------------------------
for golden in disk-installer disk-sgdisk; do
	exits "normalize $golden" 0 "$rimg" normalize "$GOLDEN/$golden.img" -o "$tmp/$golden.img"
done
same 'two disks of one tree become the same bytes' "$tmp/disk-installer.img" "$tmp/disk-sgdisk.img"
exits 'normalize is idempotent' 0 "$rimg" normalize "$tmp/disk-installer.img" -o "$tmp/n.img"
same 'the same bytes again' "$tmp/disk-installer.img" "$tmp/n.img"
exits 'what is in it stays' 0 "$rimg" ls -R --json "$tmp/disk-installer.img::REDOX"
sed 's/"\(id\|blocks\|links\|[cma]time\)":[^,}]*//g; s/,,*/,/g' "$out" >"$tmp/have"
sed -n '2,$p' "$GOLDEN/disk-installer.jsonl" | sed 's/"\(id\|blocks\|links\|[cma]time\)":[^,}]*//g; s/,,*/,/g' >"$tmp/want"
same 'names, types, modes, owners, bytes' "$tmp/want" "$tmp/have"
for initfs in initfs-boot initfs-plain; do
	exits "normalize $initfs" 0 "$rimg" normalize "$GOLDEN/$initfs.img" -o "$tmp/n.img"
	exits "$initfs: same content tree" 1 "$rimg" diff "$GOLDEN/$initfs.img" "$tmp/n.img"
	says "$initfs: says so" 'the content tree is the same' "$out"
done
printf 'new init\n' >"$in/new-init"
exits 'replace a file in an initfs in a file' 0 "$rimg" replace "$tmp/disk-installer.img" "REDOX::/boot/initfs::/bin/init=$in/new-init" "3::/etc/hostname=$in/new-init" -o "$tmp/r.img"
"$rimg" cat "$tmp/r.img::REDOX::/boot/initfs::/bin/init" >"$tmp/have"
same 'it holds the new bytes' "$in/new-init" "$tmp/have"
"$rimg" cat "$tmp/r.img::REDOX::/etc/hostname" >"$tmp/have"
same 'and so does the other' "$in/new-init" "$tmp/have"
exits 'and the rest is sound' 0 "$rimg" info "$tmp/r.img"
exits 'replace in a partition that is not there' 2 "$rimg" replace "$img" "NONE::/x=$in/new-init" -o "$tmp/r.img"

done_testing
