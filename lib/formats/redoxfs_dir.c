/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/seahash.h"
#include "formats/redoxfs_read.h"

/* Directories: DirLists of entries, and above them levels of htree blocks, sorted by the hash of
 * the names below.
 *
 *     DirList   0     entries: u32 id, u8 length, name
 *               4092  u16 number of entries, u16 bytes they take
 *     htree     0     204 entries: u32 largest hash of a name below, pointer
 *               4080  zeros */

struct reader {
	struct redoxfs *fs;
	const struct redoxfs_dir *dir;
	uint64_t n_blocks; /* DirLists and htree blocks */
	size_t n_htree;
	bool incomplete; /* not all blocks could be read */
};

/* Hashes that the names below an htree entry may have. */
struct range {
	bool known;
	uint32_t low;
	uint32_t high; /* exactly the largest */
};

/* Facts: docs/formats/redoxfs.md, "Directories". */
static uint32_t name_hash(const uint8_t *name, size_t len)
{
	uint32_t hash = (uint32_t)seahash(name, len);

	return hash == REDOXFS_HTREE_UNUSED ? hash - 1 : hash;
}

static int next_block(struct reader *rd, struct redoxfs_ref *ref, const char *what,
		      uint8_t buf[REDOXFS_BLOCK])
{
	int rc;

	ref->node = rd->dir->node;
	ref->what = what;
	rc = redoxfs_block(rd->fs, ref, buf);
	if (rc != BLOCK_GOOD)
		rd->incomplete = true;
	if (rc == BLOCK_BAD)
		rd->dir->node->damaged = true;
	if (rc > 0)
		rd->n_blocks++;
	return rc;
}

/* ---- DirLists ------------------------------------------------------------------------------ */

struct dirlist {
	struct reader *rd;
	uint64_t off; /* in the layer */
	bool doubtful;
	unsigned count; /* says the block */
	unsigned used;
	unsigned n;         /* entries found */
	uint32_t low, high; /* hashes of the names */
};

static int dir_entry(struct dirlist *list, struct rd *r)
{
	struct redoxfs *fs = list->rd->fs;
	struct redoxfs_dirent e = { .off = rd_where(r), .doubtful = list->doubtful };
	uint32_t hash;

	e.id = rd_le32(r);
	e.name_len = rd_u8(r);
	e.name = rd_bytes(r, e.name_len);
	if (r->failed)
		return 0;
	list->n++;
	if (e.name_len == 0 || e.name_len > REDOXFS_NAME_MAX) {
		if (!list->doubtful)
			layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.name-length",
				      list->rd->dir->node, e.off + 4, 1,
				      "expected a name of 1 to %d bytes, found %zu",
				      REDOXFS_NAME_MAX, e.name_len);
		fs->incomplete = true;
		return layer_claim(fs->l, list->rd->dir->node, e.off,
				   REDOXFS_DIRENT_HEADER + e.name_len, "dirent",
				   RIMG_CAUSE_ORDERING);
	}
	hash = name_hash(e.name, e.name_len);
	list->low = list->n == 1 || hash < list->low ? hash : list->low;
	list->high = list->n == 1 || hash > list->high ? hash : list->high;
	return redoxfs_entry(fs, list->rd->dir, &e);
}

static void check_counters(const struct dirlist *list, const struct rd *r)
{
	if (list->doubtful || (!r->failed && list->n == list->count && rd_left(r) == 0 &&
			       list->used <= REDOXFS_DIRLIST_COUNT_OFF))
		return;
	list->rd->fs->incomplete = true;
	layer_finding(
		list->rd->fs->l, SEVERITY_ERROR, "redoxfs.dirlist", list->rd->dir->node,
		list->off + REDOXFS_DIRLIST_COUNT_OFF, 4,
		"expected %u entries in %u bytes, as the end of the DirList says, found %u in "
		"%zu",
		list->count, list->used, list->n, r->pos);
}

static void check_range(const struct dirlist *list, const struct range *range)
{
	if (!range->known || list->doubtful || list->n == 0 ||
	    (list->low >= range->low && list->high == range->high))
		return;
	layer_finding(list->rd->fs->l, SEVERITY_ERROR, "redoxfs.htree-hash", list->rd->dir->node,
		      list->off, REDOXFS_BLOCK,
		      "expected names with hashes from %08" PRIx32 " to exactly %08" PRIx32
		      ", found %08" PRIx32 " to %08" PRIx32,
		      range->low, range->high, list->low, list->high);
}

static int claim_dirlist_end(const struct dirlist *list, size_t used)
{
	struct rimg_layer *l = list->rd->fs->l;
	struct rimg_node *node = list->rd->dir->node;

	if (layer_claim(l, node, list->off + used, REDOXFS_DIRLIST_COUNT_OFF - used,
			"dirlist slack", RIMG_CAUSE_PADDING) < 0)
		return -RIMG_E_NOMEM;
	return layer_claim(l, node, list->off + REDOXFS_DIRLIST_COUNT_OFF,
			   REDOXFS_BLOCK - REDOXFS_DIRLIST_COUNT_OFF, "dirlist counters",
			   RIMG_CAUSE_PLACEMENT);
}

static int read_dirlist(struct reader *rd, struct redoxfs_ref *ref, const struct range *range)
{
	uint8_t buf[REDOXFS_BLOCK];
	struct dirlist list = { .rd = rd };
	struct rd r = rd_init(buf, sizeof(buf), 0);
	size_t end = 0;
	int rc = next_block(rd, ref, "DirList", buf);

	if (rc <= 0)
		return rc;
	list.off = redoxfs_off(rd->fs, redoxfs_ptr_index(ref->ptr));
	list.doubtful = rc == BLOCK_DOUBTFUL;
	rd_seek(&r, REDOXFS_DIRLIST_COUNT_OFF);
	list.count = rd_le16(&r);
	list.used = rd_le16(&r);
	r = rd_init(buf, num_min_size(list.used, REDOXFS_DIRLIST_COUNT_OFF), list.off);
	while (list.n < list.count && rd_left(&r) > 0) {
		rc = dir_entry(&list, &r);
		if (rc < 0)
			return rc;
		if (!r.failed)
			end = r.pos;
	}
	r.pos = end;
	check_counters(&list, &r);
	check_range(&list, range);
	return claim_dirlist_end(&list, end);
}

/* ---- htree --------------------------------------------------------------------------------- */

/* One htree block on the way down. */
struct level {
	uint64_t off;
	bool doubtful;
	bool disordered;
	bool ended;      /* an unused entry was met */
	bool unused_bad; /* and one with a hash */
	unsigned next;   /* entry */
	uint32_t before; /* hash of the entry before that; at first what the parent says */
	struct range range;
	uint8_t buf[REDOXFS_BLOCK];
};

static int claim_htree(struct reader *rd, const struct level *lv)
{
	struct redoxfs *fs = rd->fs;
	struct rimg_node *node = rd->dir->node;
	size_t n = rd->n_htree++, entries = REDOXFS_HTREE_SLOTS * REDOXFS_HTREE_SLOT_LEN;
	const char *hashes = redoxfs_key_text(fs, "htree", n, "name hashes");

	if (!hashes ||
	    layer_claim(fs->l, node, lv->off, entries, "htree", RIMG_CAUSE_ORDERING) < 0 ||
	    layer_claim(fs->l, node, lv->off + entries, REDOXFS_BLOCK - entries, "htree padding",
			RIMG_CAUSE_PADDING) < 0 ||
	    attr_add_raw(fs->l, node, hashes, RIMG_CAUSE_ORDERING,
			 PLACES(lv->off, 4, REDOXFS_HTREE_SLOT_LEN, REDOXFS_HTREE_SLOTS)) < 0)
		return -RIMG_E_NOMEM;
	return redoxfs_raw_pointers(fs, node, redoxfs_key_text(fs, "htree", n, "addresses"),
				    redoxfs_key_text(fs, "htree", n, "hashes"), lv->off + 4,
				    REDOXFS_HTREE_SLOT_LEN, REDOXFS_HTREE_SLOTS);
}

static void htree_finding(struct reader *rd, const struct level *lv, const char *code, unsigned i,
			  const char *expected, uint32_t found)
{
	if (!lv->doubtful)
		layer_finding(rd->fs->l, SEVERITY_ERROR, code, rd->dir->node,
			      lv->off + (uint64_t)i * REDOXFS_HTREE_SLOT_LEN,
			      REDOXFS_HTREE_SLOT_LEN,
			      "expected %s in an htree block, found %08" PRIx32 " in entry %u",
			      expected, found, i);
}

/* The largest hash below a block is the one its parent's entry has: that of its last used entry. */
static void check_last(struct reader *rd, const struct level *lv)
{
	struct rd r = rd_init(lv->buf, sizeof(lv->buf), lv->off);
	uint32_t last = 0;
	unsigned at = 0;

	for (unsigned i = 0; i < REDOXFS_HTREE_SLOTS; i++) {
		uint32_t hash = rd_le32(&r);

		if (!redoxfs_ptr_null(redoxfs_ptr_read(&r))) {
			last = hash;
			at = i;
		}
	}
	if (lv->range.known && last != lv->range.high)
		htree_finding(rd, lv, "redoxfs.htree-hash", at, "its parent's hash as the last",
			      last);
}

static void check_htree_padding(struct reader *rd, const struct level *lv)
{
	for (size_t i = REDOXFS_HTREE_SLOTS * REDOXFS_HTREE_SLOT_LEN; i < REDOXFS_BLOCK; i++) {
		if (lv->buf[i] == 0 || lv->doubtful)
			continue;
		layer_finding(rd->fs->l, SEVERITY_WARNING, "redoxfs.padding", rd->dir->node,
			      lv->off + i, 1,
			      "expected zeros behind the entries of an htree block, found 0x%02x",
			      lv->buf[i]);
		return;
	}
}

/* 1: the block is in @lv. */
static int enter_htree(struct reader *rd, struct redoxfs_ref *ref, const struct range *range,
		       struct level *lv)
{
	int rc = next_block(rd, ref, "htree block", lv->buf);

	if (rc <= 0)
		return rc;
	lv->off = redoxfs_off(rd->fs, redoxfs_ptr_index(ref->ptr));
	lv->doubtful = rc == BLOCK_DOUBTFUL;
	lv->disordered = lv->ended = lv->unused_bad = false;
	lv->next = 0;
	lv->range = *range;
	lv->before = range->known ? range->low : 0;
	check_last(rd, lv);
	check_htree_padding(rd, lv);
	if (!lv->doubtful)
		redoxfs_check_nulls(rd->fs, rd->dir->node, lv->buf + 4, lv->off + 4,
				    REDOXFS_HTREE_SLOT_LEN, REDOXFS_HTREE_SLOTS);
	return claim_htree(rd, lv) < 0 ? -RIMG_E_NOMEM : 1;
}

/* The next used entry of a block. false: there is none. */
static bool next_entry(struct reader *rd, struct level *lv, struct redoxfs_ref *ref,
		       struct range *range)
{
	while (lv->next < REDOXFS_HTREE_SLOTS) {
		unsigned i = lv->next++;
		struct rd r = rd_init(lv->buf, sizeof(lv->buf), lv->off);
		uint32_t hash;

		rd_seek(&r, (uint64_t)i * REDOXFS_HTREE_SLOT_LEN);
		hash = rd_le32(&r);
		*ref = (struct redoxfs_ref){ .place = rd_where(&r), .doubtful = lv->doubtful };
		ref->ptr = redoxfs_ptr_read(&r);
		if (redoxfs_ptr_null(ref->ptr)) {
			/* the first of them will do */
			if (hash != REDOXFS_HTREE_UNUSED && !lv->unused_bad) {
				htree_finding(rd, lv, "redoxfs.htree-order", i,
					      "hash ffffffff of an unused entry", hash);
				lv->unused_bad = true;
			}
			lv->ended = true;
			continue;
		}
		if (lv->ended || hash < lv->before) {
			htree_finding(rd, lv, "redoxfs.htree-order", i,
				      lv->ended ? "unused entries last" : "ascending hashes", hash);
			lv->disordered = true;
		}
		*range = (struct range){ .known = !lv->doubtful,
					 .low = lv->disordered ? 0 : lv->before,
					 .high = hash };
		lv->before = hash;
		return true;
	}
	return false;
}

/* All entries below the root htree block, in order, with the blocks on the way down in a stack. */
static int read_htree(struct reader *rd)
{
	const struct redoxfs_dir *dir = rd->dir;
	auto_free struct level *stack = calloc(dir->levels, sizeof(*stack));
	struct redoxfs_ref ref = dir->root;
	struct range range = { 0 };
	unsigned depth = 1;
	int rc;

	if (!stack)
		return error_nomem(rd->fs->err);
	rc = enter_htree(rd, &ref, &range, &stack[0]);
	if (rc <= 0)
		return rc;
	while (depth > 0) {
		if (!next_entry(rd, &stack[depth - 1], &ref, &range)) {
			depth--;
			continue;
		}
		if (depth == dir->levels) {
			rc = read_dirlist(rd, &ref, &range);
		} else {
			rc = enter_htree(rd, &ref, &range, &stack[depth]);
			if (rc > 0)
				depth++;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- directories --------------------------------------------------------------------------- */

static void check_size(const struct reader *rd)
{
	const struct redoxfs_dir *dir = rd->dir;
	struct rimg_layer *l = rd->fs->l;
	uint64_t size = rd->n_blocks * REDOXFS_BLOCK;

	if (rd->incomplete || dir->root.doubtful)
		return;
	if (dir->size != size)
		layer_finding(l, SEVERITY_ERROR, "redoxfs.dir-size", dir->node,
			      dir->inode_off + REDOXFS_INODE_SIZE_OFF, 8,
			      "expected %" PRIu64 " bytes for the %" PRIu64
			      " blocks of the directory, found %" PRIu64,
			      size, rd->n_blocks, dir->size);
	if (dir->blocks != rd->n_blocks + 1)
		layer_finding(l, SEVERITY_ERROR, "redoxfs.blocks", dir->node,
			      dir->inode_off + REDOXFS_INODE_BLOCKS_OFF, 8,
			      "expected %" PRIu64 " blocks as it owns them, found %" PRIu64,
			      rd->n_blocks + 1, dir->blocks);
}

static int check_duplicates(struct redoxfs *fs, struct rimg_node *node)
{
	struct rimg_node **list = node_by_name(node);

	if (!list && node->n_children > 0)
		return -RIMG_E_NOMEM;
	for (uint32_t i = 1; i < node->n_children; i++) {
		const struct rimg_attr *id = node_attr(list[i], "id");

		if (node_compare_names(list[i - 1], list[i]) == 0)
			layer_finding(
				fs->l, SEVERITY_ERROR, "redoxfs.name-duplicate", list[i],
				id ? id->place.off : 0, REDOXFS_DIRENT_HEADER + list[i]->name_len,
				"expected names that differ in a directory, found two entries "
				"of this one");
	}
	return 0;
}

int redoxfs_dir_read(struct redoxfs *fs, const struct redoxfs_dir *dir)
{
	struct reader rd = { .fs = fs, .dir = dir };
	struct redoxfs_ref root = dir->root;
	int rc = 0;

	if (!redoxfs_ptr_null(root.ptr))
		rc = dir->levels > 0 ? read_htree(&rd)
				     : read_dirlist(&rd, &root, &(struct range){ 0 });
	if (rc < 0)
		return rc;
	check_size(&rd);
	return check_duplicates(fs, dir->node);
}
