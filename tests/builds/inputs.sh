#!/bin/sh
# SPDX-License-Identifier: MIT
#
# inputs.sh DIR GOLDEN: makes DIR, the inputs of tests/builds/build.sh. The same bytes on every machine:
# sh, awk and coreutils, no time, no chance. GOLDEN is the folder of the unpacked golden images.
set -eu
dir=$1
golden=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C
umask 022
mkdir -p "$dir"
cd "$dir"

# text N [SEED]: N bytes that can be packed
text() {
	awk -v n="$1" -v x="${2:-1}" 'BEGIN {
		split("scheme kernel block record tree hash", word, " ")
		while (n > 0) {
			x = x * 16807 % 2147483647
			s = word[x % 6 + 1] (x % 5 ? " " : "\n")
			printf "%s", substr(s, 1, n)
			n -= length(s)
		}
	}'
}

# noise N [SEED]: N bytes that cannot
noise() {
	awk -v n="$1" -v x="${2:-1}" 'BEGIN {
		for (i = 1; i <= n; i++) {
			x = x * 16807 % 2147483647
			printf "\\%03o%s", int(x / 256) % 256, i % 512 ? "" : "\n"
		}
		if (n % 512)
			print ""
	}' | while read -r line; do
		# shellcheck disable=SC2059 # escapes of bytes
		printf "$line"
	done
}

# program: the least that is an ELF program for AArch64, with its entry at 0x2040
program() {
	printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000'
	printf '\002\000\267\000\001\000\000\000\100\040\000\000\000\000\000\000'
	printf '\100\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
	printf '\000\000\000\000\100\000\070\000\001\000\100\000\000\000\000\000'
	text 5000
}

# ---- tree: every way to store a file ---------------------------------------------------------------
mkdir -p tree/text tree/noise tree/zero tree/holes tree/links tree/modes tree/empty
noise 262145 >all.noise
for n in 0 1 2 3966 3967 3968 3969 4095 4096 4097 8191 8192 8193 12288 16384 16385 32769 65535 \
	65536 65537 131071 131072 131073 262144 262145; do
	text $n $((n + 1)) >tree/text/$n
	head -c $n all.noise >tree/noise/$n
	head -c $n /dev/zero >tree/zero/$n
done
# holes, and as many records as need one level of lists (above 16 MiB) and two (above 2 GiB)
{ text 5000 && head -c 400000 /dev/zero && text 7; } >tree/holes/between
{ head -c 131072 all.noise && head -c 393216 /dev/zero; } >tree/holes/last
{ text 17000000 5 && head -c 100000 all.noise; } >tree/one-level
{ head -c 70000 all.noise && truncate -s 2200000000 /dev/stdout && cat && text 70000; } \
	>tree/holes/two-levels </dev/null
ln -s x tree/links/short
ln -s ../text/1 tree/links/up
ln -s /usr/bin/init tree/links/absolute
ln -s "$(text 3967 | tr ' \n' xx)" tree/links/inline
ln -s "$(text 4000 | tr ' \n' yy)" tree/links/record
deep=tree/deep
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do deep=$deep/$i; done
mkdir -p $deep
echo 'at the bottom' >$deep/leaf
for mode in 400 644 700 755 4755 2755 1777; do
	echo $mode >tree/modes/$mode
	chmod $mode tree/modes/$mode
done

# ---- wide: directories with trees of hashes --------------------------------------------------------
mkdir -p wide/long wide/short wide/same wide/names
long=$(text 244 | tr ' \n' __)
for i in $(awk 'BEGIN { for (i = 0; i < 3400; i++) printf "%04d\n", i }'); do
	: >"wide/long/$i$long"
	[ "$i" -ge 1000 ] || : >"wide/short/$i"
done
while read -r name; do : >"wide/same/$name"; done <"$here/same-hash.txt"
for name in ' lead' 'trail ' -dash .hidden ..two 'quo"te' 'back\slash' '*?[x]' UPPER upper \
	"$(printf 'tab\there')" "$(printf '\303\251t\303\251')" "$(printf '\346\227\245\346\234\254')" \
	"$(printf '\360\237\246\200')" "$(text 252 | tr ' \n' __)"; do
	echo name >"wide/names/$name"
done

# ---- what a manifest needs --------------------------------------------------------------------------
mkdir -p initfs/bin initfs/etc/deep repo usr-bin/deep/er
program >bootstrap
printf 'init\n' >initfs/bin/init
chmod 755 initfs/bin/init
ln -s init initfs/bin/alias
ln -s /etc/rc initfs/etc/deep/absolute
text 9000 >initfs/etc/rc
: >initfs/etc/deep/nothing
noise 300000 7 >kernel
{ printf 'MZ' && text 200000 9; } >loader.efi
for i in 1 2 3 4 5 6 7 8 9; do
	text $((i * 10000)) $i >usr-bin/tool$i
	chmod 755 usr-bin/tool$i
done
ln -s tool1 usr-bin/link
echo deep >usr-bin/deep/er/x
cp "$golden/package-plain.pkgar" "$golden/package-lzma2.pkgar" repo
cp "$golden/package.pub.toml" key.toml
text 3000000 11 >partition
for golden_name in disk-installer basic initfs-boot; do
	ln -s "$golden/$golden_name.img" $golden_name.img
done

loader_sha256=$(sha256sum <loader.efi | cut -d' ' -f1)
cat >base.toml <<END
[image]
epoch = 1767225600
seed = "recorded builds"
package_dirs = ["repo"]
package_keys = ["key.toml"]
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
END
cat >full.toml <<'END'
include = ["base.toml"]
[image]
size = "64MiB"
compression = "lz4"
[[files]]
path = "/usr/bin"
source = "usr-bin"
[[files]]
path = "/usr/bin"
directory = true
mode = 0o750
uid = 0
gid = 7
recursive_chown = true
[[files]]
path = "/bin"
data = "usr/bin"
symlink = true
[[files]]
path = "/etc/hostname"
data = "redox\n"
mode = 0o600
uid = 4294967294
gid = 1
[[files]]
path = "/etc/hostname"
data = "more\n"
append = true
[[files]]
path = "/etc/late"
data = "behind the packages\n"
postinstall = true
[[files]]
path = "/share/from-an-image"
source = "disk-installer.img::REDOX::/"
[[files]]
path = "/share/tree/text"
source = "tree/text"
[packages]
package-plain = {}
package-lzma2 = {}
[users.root]
password = ""
uid = 0
gid = 0
home = "/root"
[users.user]
password = "password"
[users.other]
password = "pass phrase"
uid = 2000
shell = "/bin/sh"
[groups.wheel]
members = ["root", "user"]
END
# FAT12 is in full.toml
cat >partitions.toml <<'END'
include = ["base.toml"]
[image]
size = "80MiB"
[[partition]]
name = "raw"
type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
first_lba = 34
last_lba = 9999
source = "partition"
[[partition]]
name = "EFI"
type = "efi"
first_lba = 10240
last_lba = 92159
format = "fat"
[[partition]]
name = "REDOX"
type = "linux"
first_lba = 92160
last_lba = 163806
format = "redoxfs"
compression = "lz4"
[[partition]]
name = "nothing"
type = "bios"
first_lba = 10000
last_lba = 10000
END
cat >fat32.toml <<'END'
include = ["base.toml"]
[image]
size = "536MiB"
[[partition]]
name = "EFI"
type = "efi"
first_lba = 2048
last_lba = 1060863
format = "fat"
[[partition]]
name = "REDOX"
type = "linux"
first_lba = 1060864
last_lba = 1097694
format = "redoxfs"
END
cat >whole.json <<'END'
{ "image": { "size": "40MiB", "seed": "whole", "compression": "lz4" }, "general": { "skip_partitions": true },
  "files": [ { "path": "/", "source": "wide" }, { "path": "/boot", "source": "basic.img::/" } ] }
END
