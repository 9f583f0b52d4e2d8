/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/num.h"
#include "formats/redoxfs_read.h"

/* The node tree: four levels of lists of 254 pointers; a pointer of the lowest leads to an inode.
 * The indexes on the way down are the bytes of its id, highest first.
 *
 *     0       254 pointers
 *     4064    256 bits: lowest lists: slot taken; upper lists: the list below is full */

struct list {
	struct redoxfs *fs;
	unsigned level; /* 0: its pointers lead to inodes */
	uint32_t first; /* id of the first inode below it */
	uint64_t off;   /* in the layer */
	bool doubtful;
	bool reported; /* a wrong bit: one finding for each list will do */
	uint8_t buf[REDOXFS_BLOCK];
};

static bool bit_at(const struct list *list, unsigned i)
{
	return list->buf[REDOXFS_TREE_BITMAP_OFF + i / 8] >> (i % 8) & 1;
}

static bool is_full(const struct list *list)
{
	for (unsigned i = 0; i < REDOXFS_TREE_SLOTS; i++) {
		if (!bit_at(list, i))
			return false;
	}
	return true;
}

static void bitmap_finding(struct list *list, unsigned i, const char *expected)
{
	if (list->doubtful || list->reported)
		return;
	list->reported = true;
	layer_finding(list->fs->l, SEVERITY_ERROR, "redoxfs.tree-bitmap", list->fs->tree,
		      list->off + REDOXFS_TREE_BITMAP_OFF + i / 8, 1,
		      "expected bit %u of the tree list %s, found the opposite", i, expected);
}

/* Bits 254 and 255 belong to no slot. */
static void check_spare_bits(struct list *list)
{
	for (unsigned i = REDOXFS_TREE_SLOTS; i < REDOXFS_TREE_BITMAP_LEN * 8; i++) {
		if (bit_at(list, i))
			bitmap_finding(list, i, "clear, as it has no slot");
	}
}

static int claim_list(const struct list *list)
{
	struct redoxfs *fs = list->fs;
	size_t n = fs->n_lists++;
	const char *bitmap = redoxfs_key_text(fs, "list", n, "bitmap");

	if (!bitmap ||
	    layer_claim(fs->l, fs->tree, list->off, REDOXFS_BLOCK, "tree list",
			RIMG_CAUSE_PLACEMENT) < 0 ||
	    redoxfs_raw_pointers(fs, fs->tree, redoxfs_key_text(fs, "list", n, "addresses"),
				 redoxfs_key_text(fs, "list", n, "hashes"), list->off,
				 REDOXFS_PTR_LEN, REDOXFS_TREE_SLOTS) < 0)
		return -RIMG_E_NOMEM;
	return attr_add_raw(fs->l, fs->tree, bitmap, RIMG_CAUSE_PLACEMENT,
			    PLACE(list->off + REDOXFS_TREE_BITMAP_OFF, REDOXFS_TREE_BITMAP_LEN));
}

/* An inode for the table. Each needs a block, so that more than blocks cannot be sound. */
static int add_inode(const struct list *list, unsigned i, struct redoxfs_ptr ptr, uint64_t place)
{
	struct redoxfs *fs = list->fs;
	uint32_t id = list->first + i;
	struct redoxfs_inode *p;

	if (id == 0 || fs->n_inodes >= fs->n_blk) {
		fs->incomplete = true;
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.tree-inode", fs->tree, place,
			      REDOXFS_PTR_LEN, "expected %s, found a pointer for inode %" PRIu32,
			      id == 0 ? "no inode 0" : "at most an inode for each block", id);
		return 0;
	}
	p = vec_grow(fs->inodes, &fs->cap_inodes, fs->n_inodes, sizeof(*p));
	if (!p)
		return -RIMG_E_NOMEM;
	fs->inodes = p;
	p[fs->n_inodes++] = (struct redoxfs_inode){
		.id = id, .ptr = ptr, .place = place, .doubtful = list->doubtful
	};
	return 0;
}

static int read_leaf(struct list *list)
{
	struct rd r = rd_init(list->buf, REDOXFS_TREE_BITMAP_OFF, list->off);

	for (unsigned i = 0; i < REDOXFS_TREE_SLOTS; i++) {
		uint64_t place = rd_where(&r);
		struct redoxfs_ptr ptr = redoxfs_ptr_read(&r);
		bool null = redoxfs_ptr_null(ptr);

		/* upstream sets the bit of id 0, which has no inode, when it looks for a slot */
		if (bit_at(list, i) != !null && list->first + i != 0)
			bitmap_finding(list, i,
				       null ? "clear for a free slot" : "set for a taken slot");
		if (!null && add_inode(list, i, ptr, place) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static int read_list(struct redoxfs *fs, const struct redoxfs_ref *ref, unsigned level,
		     uint32_t first, bool *ret_full);

static int read_upper(struct list *list)
{
	struct rd r = rd_init(list->buf, REDOXFS_TREE_BITMAP_OFF, list->off);
	struct redoxfs *fs = list->fs;

	for (unsigned i = 0; i < REDOXFS_TREE_SLOTS; i++) {
		struct redoxfs_ref ref = { .place = rd_where(&r),
					   .node = fs->tree,
					   .what = "tree list",
					   .doubtful = list->doubtful };
		bool full = false;
		int rc = 1;

		ref.ptr = redoxfs_ptr_read(&r);
		if (!redoxfs_ptr_null(ref.ptr))
			rc = read_list(fs, &ref, list->level - 1,
				       list->first + ((uint32_t)i << (8 * list->level)), &full);
		if (rc < 0)
			return rc;
		if (rc > 0 && bit_at(list, i) != full)
			bitmap_finding(list, i,
				       full ? "set for a full list" : "clear for a list with room");
	}
	return 0;
}

/* One list and all below it; recursion is as deep as the tree, four levels.
 * 1: it could be read and *ret_full is set; 0: not. */
static int read_list(struct redoxfs *fs, const struct redoxfs_ref *ref, unsigned level,
		     uint32_t first, bool *ret_full)
{
	struct list list = { .fs = fs, .level = level, .first = first };
	int rc = redoxfs_block(fs, ref, list.buf), state = rc;

	if (rc <= 0)
		return rc;
	list.off = redoxfs_off(fs, redoxfs_ptr_index(ref->ptr));
	list.doubtful = state == BLOCK_DOUBTFUL;
	if (claim_list(&list) < 0)
		return -RIMG_E_NOMEM;
	check_spare_bits(&list);
	if (!list.doubtful)
		redoxfs_check_nulls(fs, fs->tree, list.buf, list.off, REDOXFS_PTR_LEN,
				    REDOXFS_TREE_SLOTS);
	rc = level == 0 ? read_leaf(&list) : read_upper(&list);
	*ret_full = is_full(&list);
	if (rc < 0)
		return rc;
	return state == BLOCK_GOOD;
}

int redoxfs_tree_read(struct redoxfs *fs)
{
	struct redoxfs_ref ref = { .ptr = fs->head.tree,
				   .place = fs->head_off + REDOXFS_HEADER_TREE_OFF,
				   .what = "tree list" };
	bool full;
	int rc;

	ref.node = fs->tree = layer_meta(fs->l, fs->l->root, "tree");
	if (!ref.node)
		return -RIMG_E_NOMEM;
	if (redoxfs_ptr_null(ref.ptr)) {
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.tree-missing", fs->tree, ref.place,
			      REDOXFS_PTR_LEN, "expected a pointer to the node tree, found none");
		fs->incomplete = true;
		return 0;
	}
	rc = read_list(fs, &ref, REDOXFS_TREE_LEVELS - 1, 0, &full);
	return rc < 0 ? rc : 0;
}

struct redoxfs_inode *redoxfs_inode_find(struct redoxfs *fs, uint32_t id)
{
	size_t lo = 0, hi = fs->n_inodes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (fs->inodes[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < fs->n_inodes && fs->inodes[lo].id == id ? &fs->inodes[lo] : NULL;
}
