/* SPDX-License-Identifier: MIT */
#include "fuzz/seal.h"

#include <string.h>

#include "core/num.h"
#include "core/rd.h"
#include "core/seahash.h"
#include "core/wr.h"
#include "formats/redoxfs.h"
#include "fuzz/redoxfs_input.h"

#define BLOCKS_MAX 512 /* of an input; what lies behind is not sealed */
#define DEPTH_MAX  16

/* What a pointer leads to: blocks with pointers of their own, or not. */
enum kind {
	KIND_PLAIN, /* a record; a list of directory entries without a hash tree */
	KIND_TREE,  /* the node tree; @below levels of lists lie under this one, then inodes */
	KIND_INODE,
	KIND_LIST,  /* of records, @below lists deep */
	KIND_HTREE, /* of a directory, @below levels deep */
	KIND_CHAIN, /* alloc log, release list */
};

struct volume {
	uint8_t *data;
	size_t len;
	bool sealed[BLOCKS_MAX];
};

static uint64_t le_at(const uint8_t *p, size_t n)
{
	struct rd r = rd_init(p, n, 0);

	return rd_le(&r, n);
}

static void put64(uint8_t *p, uint64_t value)
{
	struct wr w = wr_init(p, sizeof(value));

	wr_le64(&w, value);
}

static void seal_block(struct volume *v, uint8_t *block, enum kind kind, unsigned below,
		       unsigned depth);

/* The hash in the pointer at @ptr, after all that lies below. */
static void seal_pointer(struct volume *v, uint8_t *ptr, enum kind kind, unsigned below,
			 unsigned depth)
{
	uint64_t addr = le_at(ptr, 8), index = addr >> REDOXFS_PTR_INDEX_SHIFT;
	uint64_t n = (uint64_t)REDOXFS_BLOCK << (addr & REDOXFS_PTR_LEVEL_MASK);
	uint64_t first;

	if (index <= REDOXFS_INPUT_HOLE)
		return;
	first = index - REDOXFS_INPUT_HOLE;
	if (first >= BLOCKS_MAX || !num_in_range(first * REDOXFS_BLOCK, n, v->len))
		return;
	if (!v->sealed[first] && depth < DEPTH_MAX) {
		v->sealed[first] = true;
		seal_block(v, v->data + first * REDOXFS_BLOCK, kind, below, depth + 1);
	}
	put64(ptr + 8, seahash(v->data + first * REDOXFS_BLOCK, (size_t)n));
}

static void seal_pointers(struct volume *v, uint8_t *block, size_t n, enum kind kind,
			  unsigned below, unsigned depth)
{
	for (size_t i = 0; i < n; i++)
		seal_pointer(v, block + i * REDOXFS_PTR_LEN, kind, below, depth);
}

/* The largest hash of a name in a list of directory entries. */
static uint32_t largest_hash(const uint8_t *list)
{
	struct rd r = rd_init(list, REDOXFS_DIRLIST_COUNT_OFF, 0);
	uint64_t n = le_at(list + REDOXFS_DIRLIST_COUNT_OFF, 2);
	uint32_t largest = 0;

	for (; n > 0 && rd_left(&r) > REDOXFS_DIRENT_HEADER; n--) {
		uint32_t id = rd_le32(&r), hash;
		size_t len = rd_u8(&r);
		const uint8_t *name = rd_bytes(&r, len);

		(void)id;
		if (!name)
			break;
		hash = (uint32_t)seahash(name, len);
		hash = hash == REDOXFS_HTREE_UNUSED ? REDOXFS_HTREE_UNUSED - 1 : hash;
		largest = hash > largest ? hash : largest;
	}
	return largest;
}

static void seal_htree(struct volume *v, uint8_t *block, unsigned below, unsigned depth)
{
	for (size_t i = 0; i < REDOXFS_HTREE_SLOTS; i++) {
		uint8_t *slot = block + i * REDOXFS_HTREE_SLOT_LEN;
		uint64_t index = le_at(slot + 4, 8) >> REDOXFS_PTR_INDEX_SHIFT;
		uint64_t first = index - REDOXFS_INPUT_HOLE;
		struct wr w = wr_init(slot, 4);

		seal_pointer(v, slot + 4, below > 1 ? KIND_HTREE : KIND_PLAIN, below - 1, depth);
		if (below == 1 && index > REDOXFS_INPUT_HOLE && first < BLOCKS_MAX &&
		    num_in_range(first * REDOXFS_BLOCK, REDOXFS_BLOCK, v->len))
			wr_le32(&w, largest_hash(v->data + first * REDOXFS_BLOCK));
	}
}

static void seal_inode(struct volume *v, uint8_t *block, unsigned depth)
{
	static const unsigned counts[REDOXFS_DEPTHS] = REDOXFS_DEPTH_COUNTS;
	uint8_t *data = block + REDOXFS_INODE_DATA_OFF;
	unsigned type = (unsigned)le_at(block, 2) >> REDOXFS_TYPE_SHIFT;

	if (le_at(block + REDOXFS_INODE_FLAGS_OFF, 4) & REDOXFS_FLAG_INLINE)
		return;
	if (type == REDOXFS_TYPE_DIR) {
		unsigned levels = (unsigned)le_at(data, 8) & REDOXFS_PTR_LEVEL_MASK;

		seal_pointer(v, data + REDOXFS_PTR_LEN, levels > 0 ? KIND_HTREE : KIND_PLAIN,
			     levels, depth);
		return;
	}
	for (unsigned d = 0; d < REDOXFS_DEPTHS; d++) {
		seal_pointers(v, data, counts[d], d > 0 ? KIND_LIST : KIND_PLAIN, d, depth);
		data += counts[d] * REDOXFS_PTR_LEN;
	}
}

static void seal_block(struct volume *v, uint8_t *block, enum kind kind, unsigned below,
		       unsigned depth)
{
	switch (kind) {
	case KIND_PLAIN: break;
	case KIND_TREE:
		seal_pointers(v, block, REDOXFS_TREE_SLOTS, below > 0 ? KIND_TREE : KIND_INODE,
			      below - 1, depth);
		break;
	case KIND_INODE: seal_inode(v, block, depth); break;
	case KIND_LIST:
		seal_pointers(v, block, REDOXFS_LIST_LEN, below > 1 ? KIND_LIST : KIND_PLAIN,
			      below - 1, depth);
		break;
	case KIND_HTREE: seal_htree(v, block, below, depth); break;
	case KIND_CHAIN: seal_pointer(v, block, KIND_CHAIN, 0, depth); break;
	}
}

void seal_redoxfs(uint8_t *data, size_t len)
{
	struct volume v = { .data = data, .len = len };
	uint64_t hash;

	if (len < REDOXFS_BLOCK)
		return;
	memcpy(data, REDOXFS_SIGNATURE, REDOXFS_SIGNATURE_LEN);
	seal_pointer(&v, data + REDOXFS_HEADER_TREE_OFF, KIND_TREE, REDOXFS_TREE_LEVELS - 1, 0);
	seal_pointer(&v, data + REDOXFS_HEADER_ALLOC_OFF, KIND_CHAIN, 0, 0);
	seal_pointer(&v, data + REDOXFS_HEADER_RELEASE_OFF, KIND_CHAIN, 0, 0);
	hash = seahash(data, REDOXFS_HEADER_CIPHERED_OFF);
	put64(data + REDOXFS_HEADER_CIPHERED_OFF, hash);
	put64(data + REDOXFS_HEADER_CIPHERED_OFF + 8, 0);
	put64(data + REDOXFS_HEADER_HASH_OFF, hash);
}
