#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make-golden.sh WORKDIR: make every golden image but the broken ones and the packages, with their
# listings, anew. uuids, times and directory order differ on each run.
#
# Needs in PATH: redoxfs-ar redoxfs-mkfs redoxfs-clone redoxfs-resize (crate redoxfs 0.9.1),
# redox-initfs-ar (redox-initfs-tools 0.2.0), redoxfs-oracle and disk-oracle (tests/oracle),
# sgdisk mkfs.fat mmd mcopy python3 xz.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
w=$1; mkdir -p "$w"; cd "$w"
rm -rf in *.img *.jsonl
python3 "$here/make-inputs.py" in
redox-initfs-ar in/initfs in/misc/bootstrap -o initfs-boot.img
redox-initfs-ar in/initfs -o initfs-plain.img
cp initfs-boot.img in/system/boot/initfs
cp initfs-boot.img in/system/usr/lib/boot/initfs
new() { rm -f "$1"; truncate -s "$2" "$1"; }

new empty.img 4M;          redoxfs-mkfs empty.img
new smallest.img 1085440;  redoxfs-mkfs smallest.img
new basic.img 16M;         redoxfs-ar basic.img in/basic
new many-short.img 32M;    redoxfs-ar many-short.img in/many-short
new many-long.img 32M;     redoxfs-ar many-long.img in/many-long
new noise.img 8M;          redoxfs-ar noise.img in/basic/noise
new text.img 8M;           redoxfs-ar text.img in/basic/text
new system.img 8M;         redoxfs-ar system.img in/system
new tiny.img 3M;           redoxfs-ar tiny.img in/tiny
new reserved.img 8M;       redoxfs-ar reserved.img in/system in/misc/bootloader.bin
new clone.img 20M;         redoxfs-clone basic.img clone.img 2>/dev/null
cp system.img shrunk.img;  redoxfs-resize shrunk.img 4MiB
cp system.img grown.img;   truncate -s 12M grown.img; redoxfs-resize grown.img max

redoxfs-oracle mkfs encrypted.img --size 4194304 --password correct-horse
for n in 0 1 3967 3968 5000 140000; do
  redoxfs-oracle put encrypted.img "/e-$n" "$n" --password correct-horse
done
redoxfs-oracle mkfs base.img --size 16777216
redoxfs-oracle write-test base.img --keep churned.img --rounds 24
redoxfs-oracle mkfs wrapped.img --size 16777216
i=0; while [ $i -lt 1100 ]; do redoxfs-oracle put wrapped.img "/w-$i" $((i % 60)); i=$((i + 1)); done
redoxfs-oracle mkfs odd.img --size 4194304
redoxfs-oracle put odd.img /dir 0 --mode 40750
redoxfs-oracle put odd.img /dir/socket 0 --mode 140755
redoxfs-oracle put odd.img /dir/fifo 0 --mode 10644
redoxfs-oracle put odd.img /dir/char 0 --mode 20644
redoxfs-oracle put odd.img /dir/notype 5 --mode 644
redoxfs-oracle put odd.img /dir/hard 5000 --links hard2
redoxfs-oracle put odd.img /dir/inline-grown-0 0 --truncate 1048576
redoxfs-oracle put odd.img /dir/inline-grown-9 9 --truncate 5000
redoxfs-oracle put odd.img /dir/inline-shrunk 3000 --truncate 10
redoxfs-oracle put odd.img /dir/shrunk 300000 --truncate 140000
redoxfs-oracle put odd.img /dir/shrunk-to-0 300000 --truncate 0
redoxfs-oracle put odd.img /dir/far 5 --at 3145728
redoxfs-oracle put odd.img /dir/very-far 5 --at 20000000
redoxfs-oracle put odd.img /dir/extremely-far 5 --at 2300000000 --truncate 40
rm -f base.img

# disk of upstream's installer layout, made through the crates it uses
new part.img 63963136; redoxfs-ar part.img in/system
disk-oracle disk-installer.img 67108864 in/misc/bootloader.bin in/misc/bootstrap part.img
# the same layout with sgdisk, mkfs.fat and mtools
new disk-sgdisk.img 64M
dd if=in/misc/bootloader.bin of=disk-sgdisk.img conv=notrunc status=none
sgdisk -o -a 1 -U 11111111-2222-3333-4444-555555555555 \
  -n 1:34:2047 -t 1:ef02 -c 1:BIOS -u 1:11111111-2222-3333-4444-000000000001 \
  -n 2:2048:4095 -t 2:ef00 -c 2:EFI -u 2:11111111-2222-3333-4444-000000000002 \
  -n 3:4096:129023 -t 3:8300 -c 3:REDOX -u 3:11111111-2222-3333-4444-000000000003 disk-sgdisk.img >/dev/null
new esp.img 1M
mkfs.fat --invariant -F 12 -i 12345678 esp.img >/dev/null
mmd -i esp.img ::/EFI ::/EFI/BOOT
mcopy -i esp.img in/misc/bootstrap ::/EFI/BOOT/BOOTAA64.EFI
dd if=esp.img of=disk-sgdisk.img bs=512 seek=2048 conv=notrunc status=none
dd if=part.img of=disk-sgdisk.img bs=512 seek=4096 conv=notrunc status=none
rm -f esp.img part.img

for f in *.img; do
  b=${f%.img}
  case $b in
    initfs-*) ;;
    encrypted) redoxfs-oracle list $f --password correct-horse > $b.jsonl ;;
    disk-*) redoxfs-oracle list $f --offset 2097152 --size 63963136 > $b.jsonl ;;
    *) redoxfs-oracle list $f > $b.jsonl ;;
  esac
done
