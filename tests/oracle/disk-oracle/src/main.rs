// SPDX-License-Identifier: MIT
//! disk-oracle OUT SIZE_BYTES BIOS_FILE EFI_FILE REDOXFS_IMAGE [EFI_MIB]
//!
//! Lays a disk out the way upstream's installer does (same crates, same calls to
//! them, same geometry), then copies a RedoxFS image into the third partition.
use std::collections::BTreeMap;
use std::fs::{read, OpenOptions};
use std::io::{Seek, SeekFrom, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arg: Vec<String> = std::env::args().collect();
    let size: u64 = arg[2].parse()?;
    let (bios, efi, fs) = (read(&arg[3])?, read(&arg[4])?, read(&arg[5])?);
    let efi_mib: u64 = arg.get(6).map_or(Ok(1), |s| s.parse())?;
    let mut disk = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&arg[1])?;
    disk.set_len(size)?;

    const MIB: u64 = 1 << 20;
    let efi_first = MIB / 512;
    let efi_last = efi_first + efi_mib * MIB / 512 - 1;
    let fs_first = efi_last + 1;
    let fs_last = (size - 34 * 512) / MIB * MIB / 512 - 1;

    disk.seek(SeekFrom::Start(0))?;
    disk.write_all(&bios)?;
    gpt::mbr::ProtectiveMBR::with_lb_size((size.div_ceil(512) - 1) as u32).update_conservative(&mut disk)?;
    {
        let mut table = gpt::GptConfig::new()
            .initialized(false)
            .writable(true)
            .logical_block_size(gpt::disk::LogicalBlockSize::Lb512)
            .create_from_device(Box::new(&mut disk), None)?;
        let mut parts = BTreeMap::new();
        for (id, kind, first_lba, last_lba, name) in [
            (1, gpt::partition_types::BIOS, 34, efi_first - 1, "BIOS"),
            (2, gpt::partition_types::EFI, efi_first, efi_last, "EFI"),
            (3, gpt::partition_types::LINUX_FS, fs_first, fs_last, "REDOX"),
        ] {
            let part_guid = uuid::Uuid::new_v4();
            let name = name.to_string();
            parts.insert(id, gpt::partition::Partition { part_type_guid: kind, part_guid, first_lba, last_lba, flags: 0, name });
        }
        table.update_partitions(parts)?;
        table.write()?;
    }
    {
        let mut part = fscommon::StreamSlice::new(&mut disk, efi_first * 512, (efi_last + 1) * 512)?;
        fatfs::format_volume(&mut part, fatfs::FormatVolumeOptions::new())?;
        let vol = fatfs::FileSystem::new(&mut part, fatfs::FsOptions::new())?;
        let boot = vol.root_dir().create_dir("EFI")?.create_dir("BOOT")?;
        let mut file = boot.create_file("BOOTAA64.EFI")?;
        file.truncate()?;
        file.write_all(&efi)?;
    }
    let room = (fs_last + 1 - fs_first) * 512;
    println!("redoxfs partition: first {fs_first} last {fs_last} bytes {room}");
    if fs.len() as u64 > room {
        return Err("RedoxFS image is larger than its partition".into());
    }
    disk.seek(SeekFrom::Start(fs_first * 512))?;
    disk.write_all(&fs)?;
    Ok(())
}
