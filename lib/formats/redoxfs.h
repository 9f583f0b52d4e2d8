/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_REDOXFS_H
#define FORMATS_REDOXFS_H

/* Layout of RedoxFS, version 8, for its reader and its writer. Facts: docs/formats/redoxfs.md.
 *
 * Integers are little-endian, structures packed. `_OFF`: offset in bytes within the structure. */

#define REDOXFS_BLOCK       4096
#define REDOXFS_SIGNATURE   "RedoxFS" /* with the NUL behind it */
#define REDOXFS_VERSION     8
#define REDOXFS_SCAN_BLOCKS 65536 /* where a ring may begin, in blocks of the volume */

/* ---- header: one block in a ring of 256 ---------------------------------------------------- */

#define REDOXFS_RING                  256
#define REDOXFS_SIGNATURE_LEN         8
#define REDOXFS_HEADER_VERSION_OFF    8
#define REDOXFS_HEADER_UUID_OFF       16
#define REDOXFS_HEADER_SIZE_OFF       32 /* bytes of the volume, from slot 0 of the ring on */
#define REDOXFS_HEADER_GENERATION_OFF 40
#define REDOXFS_HEADER_TREE_OFF       48
#define REDOXFS_HEADER_ALLOC_OFF      64
#define REDOXFS_HEADER_KEYS_OFF       80
#define REDOXFS_HEADER_RELEASE_OFF    3152
#define REDOXFS_HEADER_ZERO_OFF       3168
#define REDOXFS_HEADER_CIPHERED_OFF   4072 /* hash and 8 zero bytes, enciphered if the volume is */
#define REDOXFS_HEADER_HASH_OFF       4088 /* of all bytes before REDOXFS_HEADER_CIPHERED_OFF */
#define REDOXFS_KEY_SLOTS             64
#define REDOXFS_KEY_SLOT_LEN          48 /* salt, first key, second key */
#define REDOXFS_KEY_LEN               16
#define REDOXFS_UNUSED_BLOCK          256 /* upstream neither uses nor frees it */

/* ---- block pointer: u64 address, u64 hash -------------------------------------------------- */

#define REDOXFS_PTR_LEN         16
#define REDOXFS_PTR_INDEX_SHIFT 8
#define REDOXFS_PTR_PACK_SHIFT  4 /* level that the data unpacks to, 0: stored as it is */
#define REDOXFS_PTR_LEVEL_MASK  15
#define REDOXFS_LEVEL_MAX       5 /* of any record, stored or unpacked */

/* ---- node tree ----------------------------------------------------------------------------- */

#define REDOXFS_TREE_LEVELS     4
#define REDOXFS_TREE_SLOTS      254 /* pointers in a list; ids have bytes 0..253 */
#define REDOXFS_TREE_BITMAP_OFF 4064
#define REDOXFS_TREE_BITMAP_LEN 32
#define REDOXFS_ROOT_ID         1

/* ---- inode (upstream: Node): one block ----------------------------------------------------- */

#define REDOXFS_INODE_LINKS_OFF  10
#define REDOXFS_INODE_SIZE_OFF   14
#define REDOXFS_INODE_BLOCKS_OFF 22
#define REDOXFS_INODE_LEVEL_OFF  66
#define REDOXFS_INODE_FLAGS_OFF  70
#define REDOXFS_INODE_ZERO_OFF   74
#define REDOXFS_INODE_ZERO_LEN   54
#define REDOXFS_INODE_DATA_OFF   128 /* inline contents, or pointers */
#define REDOXFS_INODE_DATA_LEN   3968
#define REDOXFS_INODE_POINTERS   248
#define REDOXFS_MODE_MASK        07777
#define REDOXFS_TYPE_SHIFT       12
#define REDOXFS_TYPE_DIR         0x4
#define REDOXFS_TYPE_FILE        0x8
#define REDOXFS_TYPE_SYMLINK     0xa
#define REDOXFS_TYPE_SOCKET      0xc
#define REDOXFS_FILE_LEVEL       5 /* record level of files; of all else 0 */
#define REDOXFS_FLAG_INLINE      1

/* pointers of an inode, by how many list blocks lie above the record */
#define REDOXFS_DEPTHS 5
#define REDOXFS_DEPTH_COUNTS       \
	{                          \
		128, 64, 32, 16, 8 \
	}
#define REDOXFS_LIST_LEN    256 /* pointers in a list block */
#define REDOXFS_MAX_RECORDS UINT64_C(34630287488)

/* ---- record -------------------------------------------------------------------------------- */

#define REDOXFS_PACKED_HEADER 2 /* u16: bytes of the LZ4 block that follows */

/* ---- directories --------------------------------------------------------------------------- */

#define REDOXFS_DIRLIST_COUNT_OFF 4092 /* u16: entries */
#define REDOXFS_DIRLIST_USED_OFF  4094 /* u16: bytes of all entries */
#define REDOXFS_DIRENT_HEADER     5    /* u32 id, u8 length of the name */
#define REDOXFS_NAME_MAX          252

#define REDOXFS_HTREE_SLOTS    204
#define REDOXFS_HTREE_SLOT_LEN 20 /* u32 hash, pointer */
#define REDOXFS_HTREE_UNUSED   UINT32_MAX

/* ---- alloc log and release list ------------------------------------------------------------ */

#define REDOXFS_ALLOC_ENTRIES   255
#define REDOXFS_ALLOC_ENTRY_LEN 16 /* u64 first block, i64 count: freed if > 0, used if < 0 */
#define REDOXFS_RELEASE_IDS     1020

#endif
