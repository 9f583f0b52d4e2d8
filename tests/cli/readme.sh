#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does rimg print what the README shows? Its examples are run on golden images and on a small manifest.
. tests/lib.sh
. tests/documents.sh

rimg=$(realpath "$RIMG")
golden=$(realpath "$GOLDEN")
readme=$PWD/README.md
unset SOURCE_DATE_EPOCH
mkdir "$tmp/bin" "$tmp/work"
ln -s "$rimg" "$tmp/bin/rimg"
PATH=$tmp/bin:$PATH
cd "$tmp/work" || exit 1
ln -s "$golden/disk-installer.img" disk.img
ln -s "$golden/disk-installer.img" "$golden/disk-sgdisk.img" .
ln -s "$golden/broken/gpt-header-crc.img" broken.img
# what stands for the reader's own manifest, and who has built from it before
printf 'MZ loader\n' >loader.efi
printf '[image]\nsize = "8MiB"\n[bootloader]\nsource = "loader.efi"\nsha256 = "%s"\n' \
	"$(sha256sum <loader.efi | cut -d' ' -f1)" >os.toml
mkdir votes
{
	rimg -q build os.toml -o "$tmp/os.img" --lock "$tmp/os.lock"
	for who in alice bob; do
		rimg verify keygen $who
		rimg verify attest "$tmp/os.img" --name os.img --lock "$tmp/os.lock" --key $who.pem -o votes/$who.json
	done
} >"$tmp/log" 2>&1

doc_run "$readme" "$tmp/steps"
doc_mutants "$tmp/steps"

done_testing
