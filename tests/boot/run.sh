#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh RIMG WORKDIR LOADER: boot an image of examples/denovo/phase1.toml in QEMU with a real Redox
# boot loader and compare what it hands to the stub kernel with what went in. As a control, an image
# with one byte changed must not get there. LOADER is the path of a BOOTAA64.EFI, which is not in
# this repository.
set -eu
rimg=$(realpath "$1")
work=$2
loader=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
firmware=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
skip() { echo "skipped: $*"; exit 77; }
[ -n "$loader" ] || skip "no boot loader given (make boot BOOTLOADER=path of a BOOTAA64.EFI)"
[ -f "$loader" ] || { echo "$loader: no such file" >&2; exit 2; }
command -v qemu-system-aarch64 >/dev/null 2>&1 || skip "qemu-system-aarch64 is not installed (docs/packages.txt)"
[ -f $firmware ] || skip "$firmware is not there (package qemu-efi-aarch64, docs/packages.txt)"
mkdir -p "$work"
loader=$(realpath "$loader")
"$here/inputs.sh" "$work/in"

# boot IMAGE LOG: until the stub says that it is done, the loader gives up, or 60 seconds are over
boot() {
	rm -f "$2"
	timeout 60 qemu-system-aarch64 -M virt -cpu cortex-a72 -m 1536 -bios $firmware \
		-drive file="$1",format=raw,if=none,id=hd0,snapshot=on -device virtio-blk-pci,drive=hd0 \
		-boot menu=on,splash-time=0 -nic none -display none -monitor none -no-reboot \
		-serial file:"$2" &
	qemu=$!
	while kill -0 $qemu 2>/dev/null; do
		if grep -aqE 'SETUP PANIC|Synchronous Exception at|Shell>|INCORRECT HASH' "$2" 2>/dev/null; then
			sleep 1
			kill $qemu 2>/dev/null || :
		fi
		sleep 0.2
	done
	wait $qemu 2>/dev/null || :
	tr -d '\r' <"$2" | grep -a '^STUB ' >"$2.stub" || :
}
value() { sed -n "s/^STUB $1=//p" "$2" | head -n 1; }
padded_sha256() {
	cp "$1" "$work/padded"
	truncate -s %4096 "$work/padded"
	sha256sum <"$work/padded" | cut -d' ' -f1
}

failed=0
same() {
	if [ "$2" = "$3" ]; then echo "ok - $1"; else
		echo "not ok - $1: expected $2, found $3"
		failed=1
	fi
}
for compression in none lz4; do
	img=$work/$compression.img
	"$rimg" -q build "$top/examples/denovo/phase1.toml" -C "$work/in" -o "$img" \
		--set "bootloader.source=\"$loader\"" \
		--set "bootloader.sha256=\"$(sha256sum <"$loader" | cut -d' ' -f1)\"" \
		--set "partition.REDOX.compression=\"$compression\""
	boot "$img" "$work/$compression.log"
	stub=$work/$compression.log.stub
	grep -q 'KERNEL-OK' "$stub" || { echo "not ok - $compression: the kernel was not reached"; tail -n 5 "$work/$compression.log"; exit 1; }
	echo "ok - $compression: the kernel was reached"
	same "$compression: the kernel is the one that went in" "$(sha256sum <"$work/in/kernel" | cut -d' ' -f1)" "$(value kernel_sha256 "$stub")"
	"$rimg" cat "$img::REDOX::/boot/initfs" >"$work/initfs"
	same "$compression: the initfs is the one that went in" "$(padded_sha256 "$work/initfs")" "$(value initfs_sha256 "$stub")"
done

# control: a changed byte in the kernel's first record must be noticed by the loader
cp "$work/none.img" "$work/changed.img"
off=$(grep -abo 'record 000100 of the stub' "$work/changed.img" | head -n 1 | cut -d: -f1)
printf 'X' | dd of="$work/changed.img" bs=1 seek="$off" conv=notrunc status=none
boot "$work/changed.img" "$work/changed.log"
if grep -q KERNEL-OK "$work/changed.log.stub"; then
	echo "not ok - control: a changed byte went unnoticed"
	failed=1
else
	echo "ok - control: a changed byte keeps the kernel from being reached"
fi
exit $failed
