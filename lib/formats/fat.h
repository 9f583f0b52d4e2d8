/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_FAT_H
#define FORMATS_FAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Layout of FAT12, FAT16 and FAT32, for their reader and their emitter.
 *
 *     boot sector                  geometry; FAT32: fsinfo and a backup follow in the reserved
 *     reserved sectors             sectors
 *     FAT, FAT again               one entry a cluster: the next cluster of its file
 *     root directory               FAT12 and FAT16 only; FAT32 keeps it in clusters
 *     clusters 2, 3, ...
 *
 * All numbers are little-endian. Facts: docs/formats/fat.md. */

/* boot sector */
#define FAT_BOOT_LEN           512U
#define FAT_BOOT_SIGNATURE     0xaa55U
#define FAT_BOOT_SIGNATURE_OFF 510U
#define FAT_BOOT_FSINFO_OFF    48U  /* FAT32: number of a reserved sector; 0: none */
#define FAT_BOOT_BACKUP_OFF    50U  /* the same */
#define FAT_BOOT_CODE16_LEN    448U /* FAT12, FAT16 */
#define FAT_BOOT_CODE32_LEN    420U
#define FAT_EXT_SIGNATURE      0x29U
#define FAT_MEDIA_FIXED        0xf8U
#define FAT_MIRROR_OFF         0x80U /* extended flags: one FAT only is active ... */
#define FAT_ACTIVE_MASK        0x0fU /* ... this one */

/* fsinfo sector of FAT32 */
#define FAT_FSINFO_LEAD    0x41615252U
#define FAT_FSINFO_STRUCT  0x61417272U
#define FAT_FSINFO_TRAIL   0xaa550000U
#define FAT_FSINFO_UNKNOWN 0xffffffffU

/* clusters; the number of clusters alone decides the type */
#define FAT_FIRST_CLUSTER  2U
#define FAT12_MAX_CLUSTERS 4084U
#define FAT16_MAX_CLUSTERS 65524U
#define FAT32_MAX_CLUSTERS 0x0ffffff5U

/* directory entries */
#define FAT_ENTRY_LEN     32U
#define FAT_NAME_LEN      11U
#define FAT_ATTR_LABEL    0x08U
#define FAT_ATTR_DIR      0x10U
#define FAT_ATTR_LONG     0x0fU
#define FAT_ATTR_MASK     0x3fU
#define FAT_ENTRY_END     0x00U
#define FAT_ENTRY_DELETED 0xe5U
#define FAT_NAME_E5       0x05U /* stands for a first byte E5 of a name */
#define FAT_LOWER_BASE    0x08U
#define FAT_LOWER_EXT     0x10U
#define FAT_LONG_LAST     0x40U
#define FAT_LONG_UNITS    13U /* of one long-name entry */
#define FAT_LONG_ENTRIES  20U /* of one name */
#define FAT_LONG_MAX      255U
#define FAT_EPOCH_YEAR    1980U

enum fat_type {
	FAT_TYPE_12 = 12,
	FAT_TYPE_16 = 16,
	FAT_TYPE_32 = 32,
};

/** fat_name_checksum - what the long-name entries carry of their short name */
uint8_t fat_name_checksum(const uint8_t name[FAT_NAME_LEN]);

/**
 * fat_time - date and time of an entry as seconds since 1970, taken as UTC
 * @date:       years since 1980 << 9 | month << 5 | day
 * @time:       hour << 11 | minute << 5 | second / 2
 * @hundredths: 0..199, on top of the two-second step
 *
 * Returns false for a date or time that does not exist; then @ret_s and @ret_ns are left alone.
 */
bool fat_time(uint16_t date, uint16_t time, uint8_t hundredths, int64_t *ret_s, uint32_t *ret_ns);

#endif
