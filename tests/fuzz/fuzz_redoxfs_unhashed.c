/* SPDX-License-Identifier: MIT */

/* Edits of a RedoxFS volume with its checksums off: without them a fuzzing engine would hardly ever
 * get past a hash. Every hash is 0 here, in the volume and as computed; what the volume holds is
 * made below, and the input is a list of edits to it:
 *
 *     u8 block (as fuzz/redoxfs_input.h counts them), u16 offset, u8 length, bytes */

#include <lz4.h>
#include <string.h>

#include "core/num.h"
#include "core/rd.h"
#include "core/seahash.h"
#include "core/wr.h"
#include "fuzz/fuzz.h"
#include "fuzz/redoxfs_input.h"

#define N_BLOCKS  300
#define EDIT_MAX  32 /* bytes of one edit */
#define FILE_MODE (REDOXFS_TYPE_FILE << REDOXFS_TYPE_SHIFT | 0644)

static uint8_t volume[(N_BLOCKS - REDOXFS_INPUT_HOLE) * REDOXFS_BLOCK];

/* Instead of the library's own. */
uint64_t seahash(const void *data, size_t len)
{
	(void)data;
	(void)len;
	return 0;
}

/* ---- the volume ---------------------------------------------------------------------------- */

static struct wr at(unsigned block, size_t off)
{
	size_t start = block == 0 ? 0 : block - REDOXFS_INPUT_HOLE;

	start = start * REDOXFS_BLOCK + off;
	return wr_init(volume + start, sizeof(volume) - start);
}

static void pointer(unsigned block, size_t off, uint64_t index, unsigned packed, unsigned level)
{
	struct wr w = at(block, off);

	wr_le64(&w, index << REDOXFS_PTR_INDEX_SHIFT | packed << REDOXFS_PTR_PACK_SHIFT | level);
}

static void record_pointer(unsigned inode, unsigned i, uint64_t index, unsigned packed,
			   unsigned level)
{
	pointer(inode, REDOXFS_INODE_DATA_OFF + i * REDOXFS_PTR_LEN, index, packed, level);
}

/* An inode in its block and in the tree, whose lowest list is block 260. */
static void inode(unsigned block, uint32_t id, unsigned mode, uint32_t links, uint64_t size,
		  uint32_t flags)
{
	struct wr w = at(block, 0);

	wr_le16(&w, (uint16_t)mode);
	w = at(block, REDOXFS_INODE_LINKS_OFF);
	wr_le32(&w, links);
	wr_le64(&w, size);
	w = at(block, REDOXFS_INODE_LEVEL_OFF);
	wr_le32(&w, mode >> REDOXFS_TYPE_SHIFT == REDOXFS_TYPE_FILE ? REDOXFS_FILE_LEVEL : 0);
	wr_le32(&w, flags);
	pointer(260, id * REDOXFS_PTR_LEN, block, 0, 0);
}

static void directory(unsigned block, uint64_t first, unsigned levels)
{
	struct wr w = at(block, REDOXFS_INODE_DATA_OFF);

	wr_le64(&w, (UINT64_MAX & ~UINT64_C(15)) | levels);
	wr_le64(&w, UINT64_MAX);
	record_pointer(block, 1, first, 0, 0);
}

static size_t entry(unsigned block, size_t off, uint32_t id, const char *name)
{
	size_t len = strlen(name);
	struct wr w = at(block, off);

	wr_le32(&w, id);
	wr_u8(&w, (uint8_t)len);
	wr_bytes(&w, name, len);
	return off + REDOXFS_DIRENT_HEADER + len;
}

static void dirlist_end(unsigned block, unsigned count, size_t used)
{
	struct wr w = at(block, REDOXFS_DIRLIST_COUNT_OFF);

	wr_le16(&w, (uint16_t)count);
	wr_le16(&w, (uint16_t)used);
}

static void make_header(void)
{
	struct wr w = at(0, 0);

	wr_bytes(&w, REDOXFS_SIGNATURE, REDOXFS_SIGNATURE_LEN);
	wr_le64(&w, REDOXFS_VERSION);
	w = at(0, REDOXFS_HEADER_SIZE_OFF);
	wr_le64(&w, N_BLOCKS * REDOXFS_BLOCK);
	pointer(0, REDOXFS_HEADER_TREE_OFF, 257, 0, 0);
	pointer(0, REDOXFS_HEADER_ALLOC_OFF, 261, 0, 0);
	pointer(0, REDOXFS_HEADER_RELEASE_OFF, 262, 0, 0);
	for (unsigned level = 0; level < REDOXFS_TREE_LEVELS - 1; level++)
		pointer(257 + level, 0, 258 + level, 0, 0);
	w = at(261, REDOXFS_PTR_LEN);
	wr_le64(&w, 290); /* blocks 290.. are free */
	wr_le64(&w, N_BLOCKS - 290);
	w = at(262, REDOXFS_PTR_LEN);
	wr_le32(&w, 7);
}

static void make_files(void)
{
	static const char zeros[2 * REDOXFS_BLOCK];
	char packed[REDOXFS_BLOCK];
	int n = LZ4_compress_default(zeros, packed, sizeof(zeros), sizeof(packed));
	struct wr w = at(274, 0);

	wr_le16(&w, (uint16_t)n);
	wr_bytes(&w, packed, (size_t)n);
	inode(265, 3, FILE_MODE, 1, 100, REDOXFS_FLAG_INLINE);
	inode(266, 4, FILE_MODE, 1, 20 << 20, 0);
	record_pointer(266, 0, 270, 0, 0);
	record_pointer(266, 1, 272, 0, 1);
	record_pointer(266, 2, 274, 1, 0);
	record_pointer(266, 128, 276, 0, 0); /* a list, with a record */
	pointer(276, 0, 277, 0, 0);
	inode(267, 5, REDOXFS_TYPE_SYMLINK << REDOXFS_TYPE_SHIFT | 0777, 1, 5, REDOXFS_FLAG_INLINE);
	inode(268, 6, REDOXFS_TYPE_SOCKET << REDOXFS_TYPE_SHIFT | 0755, 2, 0, 0);
	inode(269, 7, FILE_MODE, 0, 3, REDOXFS_FLAG_INLINE); /* in the release list */
}

static void make_directories(void)
{
	const unsigned mode = REDOXFS_TYPE_DIR << REDOXFS_TYPE_SHIFT | 0755;
	struct wr w = at(281, 0);
	size_t used = 0;

	inode(263, REDOXFS_ROOT_ID, mode, 1, 4096, 0);
	directory(263, 280, 0);
	used = entry(280, used, 2, "dir");
	used = entry(280, used, 3, "inline");
	used = entry(280, used, 4, "records");
	used = entry(280, used, 5, "symlink");
	dirlist_end(280, 4, used);
	inode(264, 2, mode, 1, 8192, 0);
	directory(264, 281, 1);
	wr_le32(&w, 0); /* the only htree entry in use; all names have the hash 0 */
	pointer(281, 4, 282, 0, 0);
	for (size_t i = 1; i < REDOXFS_HTREE_SLOTS; i++) {
		w = at(281, i * REDOXFS_HTREE_SLOT_LEN);
		wr_le32(&w, REDOXFS_HTREE_UNUSED);
	}
	used = entry(282, 0, 6, "one");
	used = entry(282, used, 6, "two");
	dirlist_end(282, 2, used);
}

/* ---- edits --------------------------------------------------------------------------------- */

static void edit(uint8_t *image, struct rd *r)
{
	unsigned block = rd_u8(r) % (N_BLOCKS - REDOXFS_INPUT_HOLE);
	size_t off = rd_le16(r) % REDOXFS_BLOCK, len = rd_u8(r) % EDIT_MAX;

	len = num_min(len, num_min(rd_left(r), REDOXFS_BLOCK - off));
	rd_copy(r, image + (size_t)block * REDOXFS_BLOCK + off, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len, 0);
	uint8_t *image = malloc(sizeof(volume));

	if (!image)
		return 0;
	if (volume[0] == 0) {
		make_header();
		make_files();
		make_directories();
	}
	memcpy(image, volume, sizeof(volume));
	while (rd_left(&r) > 0)
		edit(image, &r);
	fuzz_redoxfs_input(image, sizeof(volume));
	free(image);
	return 0;
}
