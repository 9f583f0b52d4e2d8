/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_INITFS_H
#define FORMATS_INITFS_H

/* Layout of an initfs image, for its reader and its writer. Facts: docs/formats/initfs.md. */

#define INITFS_MAGIC     "RedoxFtw"
#define INITFS_MAGIC_LEN 8

/* header */
#define INITFS_TABLE_OFF     8  /* u32: offset of the inode table */
#define INITFS_CREATION_OFF  12 /* u64 seconds, u32 nanoseconds */
#define INITFS_COUNT_OFF     24 /* u16: inodes, the root included */
#define INITFS_ENTRY_OFF     26 /* u64: entry address of the bootstrap program */
#define INITFS_SIZE_OFF      34 /* u64: size of the image */
#define INITFS_PAGE_SIZE_OFF 42 /* u16: not there in the older header */
#define INITFS_HEADER_LEN    44
#define INITFS_HEADER_OLD    42

#define INITFS_PAGE          4096
#define INITFS_NO_BOOTSTRAP  UINT64_MAX
#define INITFS_BOOTSTRAP_OFF INITFS_PAGE
#define INITFS_LOAD_ADDRESS  0x1000 /* where byte 0 of the image is mapped */

/* inode */
#define INITFS_INODE_LEN     20
#define INITFS_TYPE_FILE     0
#define INITFS_TYPE_DIR      1
#define INITFS_TYPE_SYMLINK  2
#define INITFS_TYPE_SHIFT    28
#define INITFS_MODE_MASK     0x00000FFFU
#define INITFS_RESERVED_MASK 0x0FFFF000U

/* directory entry: u16 inode, u16 length of the name, u32 offset of the name */
#define INITFS_DIRENT_LEN 8

#define INITFS_MAX_INODES 65535
#define INITFS_MAX_NAME   65535

#endif
