#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What rimg is for, shown on real images: `make demo` runs this after building. Each command is
# printed before it runs, with its exit code after it; the demo fails if one is not as it should be.
set -u
cd "$(dirname "$0")/.."
: "${RIMG:=out/rimg}" "${GOLDEN:=out/golden}"
export LC_ALL=C.UTF-8

work=$(mktemp -d "${TMPDIR:-/tmp}/rimg-demo-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
bold= plain=
[ -t 1 ] && [ -z "${NO_COLOR-}" ] && bold=$(printf '\033[1m') && plain=$(printf '\033[0m')
wrong=0

tell() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# run CODE LINES COMMAND...: show at most LINES lines of what it prints
run() {
	code=$1 lines=$2
	shift 2
	printf '%s$ rimg' "$bold"
	for word; do
		case $word in
		*[!A-Za-z0-9_./:=,@+-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '%s\n' "$plain"
	"$RIMG" "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	head -n "$lines" "$work/out"
	total=$(wc -l <"$work/out")
	[ "$total" -le "$lines" ] || printf '... %d lines more\n' $((total - lines))
	if [ "$status" = "$code" ]; then
		printf '[exit code %d]\n' "$status"
	else
		printf '[exit code %d; WRONG, %d is right]\n' "$status" "$code"
		wrong=$((wrong + 1))
	fi
}

installer=$GOLDEN/disk-installer.img
sgdisk=$GOLDEN/disk-sgdisk.img

tell 'A disk as the Redox installer makes it: GPT, an EFI partition with FAT, and RedoxFS'
run 0 40 info "$installer"

tell 'What is on it, down through the file systems'
run 0 20 ls -l "$installer::EFI::/EFI/BOOT"
run 0 60 ls -R "$installer::REDOX"

tell 'A file of the initfs that is a file in RedoxFS in a partition of the disk'
run 0 5 cat "$installer::REDOX::/boot/initfs::/etc/init.rc"

tell 'The same system laid out by sgdisk, mkfs.fat and mtools: what differs, and why?'
run 1 60 diff "$installer" "$sgdisk"

tell 'The same bytes: exit code 0 and nothing else to say'
cp "$installer" "$work/copy.img"
run 0 10 diff "$installer" "$work/copy.img"

tell "Take a whole tree out, and compare it with what upstream's own reader says is in the image"
run 0 10 extract "$installer::REDOX" -o "$work/tree"
(cd "$work/tree" && find . -type f | LC_ALL=C sort | xargs sha256sum | sed 's/  \./  /') >"$work/ours"
sed -n 's/^{"path":"\([^"]*\)","type":"file",.*"sha256":"\([0-9a-f]*\)".*/\2  \1/p' \
	"$GOLDEN/disk-installer.jsonl" >"$work/upstream"
cat "$work/ours"
if [ -s "$work/ours" ] && cmp -s "$work/ours" "$work/upstream"; then
	echo "[all $(wc -l <"$work/upstream") files have the SHA-256 of upstream's listing]"
else
	echo '[WRONG: upstream lists other files]'
	wrong=$((wrong + 1))
fi

tell 'A damaged image: one bit of a file is flipped. What can be read is; the rest is named'
run 2 10 cat "$GOLDEN/broken/bitflip-data.img::/boot/kernel"
tell 'A damaged partition table: the backup is used, and said so'
run 1 40 ls "$GOLDEN/broken/gpt-header-crc.img"

tell 'Is it sound, down to the last byte? Warnings are what another tool would have done otherwise'
run 0 12 verify check "$installer"
run 1 12 verify check "$GOLDEN/broken/gpt-header-crc.img"
tell 'What made the code in it? Stubs of no compiler, so that nothing passes'
run 1 12 verify audit "$installer"

tell 'Build such a disk: phase 1 of examples/denovo, from a stub kernel and bootstrap made here'
if tests/boot/inputs.sh "$work/in"; then
	loader=$(realpath "$installer")::EFI::/EFI/BOOT/BOOTAA64.EFI
	set -- build examples/denovo/phase1.toml -C "$work/in" --set "bootloader.source=$loader" \
		--set "bootloader.sha256=$("$RIMG" cat "$loader" | sha256sum | cut -d' ' -f1)"
	run 0 10 "$@" -o "$work/denovo.img" --lock "$work/denovo.lock"
	tell 'Again, by one thread, in another time zone: the same bytes'
	TZ=Pacific/Kiritimati && export TZ
	run 0 10 "$@" -o "$work/again.img" -j 1
	run 0 10 diff "$work/denovo.img" "$work/again.img"
	run 0 10 build --check examples/denovo/phase1.toml -C "$work/in" --set "bootloader.source=$loader" \
		--set "bootloader.sha256=$("$RIMG" cat "$loader" | sha256sum | cut -d' ' -f1)" -o "$work/again.img"
	run 0 30 ls -Rl "$work/denovo.img"
	run 0 60 info "$work/denovo.img"
	tell 'One byte of the kernel changed: what does that do to the image?'
	printf 'X' | dd of="$work/in/kernel" bs=1 seek=20000 conv=notrunc status=none
	run 0 10 "$@" -o "$work/other.img"
	run 1 30 diff "$work/denovo.img" "$work/other.img"
	tell 'And a boot loader that is not the declared one?'
	run 2 10 build examples/denovo/phase1.toml -C "$work/in" --set "bootloader.source=$loader" -o "$work/no.img"
else
	echo '[skipped: the assembler for AArch64 is missing]'
fi

if [ "$wrong" != 0 ]; then
	printf '\n%d commands did not end as they should\n' "$wrong"
	exit 1
fi
printf '\nThe demo is over; every command ended as it should. Next: docs/tour.md\n'
