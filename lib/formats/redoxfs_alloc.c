/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/redoxfs_read.h"

/* What is free, what is kept though no directory names it, and what is neither. */

/* ---- alloc log ----------------------------------------------------------------------------- */

/* Leaves of the set of free blocks that the log may touch: far more than any sound log does, and
 * few enough that a log made to waste time ends soon. */
#define WORK_MAX (UINT64_C(1) << 24)

struct chain {
	uint64_t *index; /* newest first */
	size_t n, cap;
};

static void chain_done(struct chain *c)
{
	free(c->index);
}

struct replay {
	struct redoxfs *fs;
	uint64_t work;    /* leaves that may still be touched */
	uint64_t outside; /* free blocks that the image does not have */
	bool unused_told; /* one finding for all unused entries that are not zero */
};

static int claim_log_block(struct redoxfs *fs, size_t n, uint64_t off)
{
	struct rimg_layer *l = fs->l;
	const char *entries = redoxfs_key_text(fs, "log", n, "entries");

	if (layer_claim(l, fs->alloc, off, REDOXFS_BLOCK, "alloc log", RIMG_CAUSE_PLACEMENT) < 0 ||
	    redoxfs_raw_pointers(fs, fs->alloc, redoxfs_key_text(fs, "log", n, "previous address"),
				 redoxfs_key_text(fs, "log", n, "previous hash"), off,
				 REDOXFS_PTR_LEN, 1) < 0 ||
	    !entries)
		return -RIMG_E_NOMEM;
	return attr_add_raw(l, fs->alloc, entries, RIMG_CAUSE_PLACEMENT,
			    PLACE(off + REDOXFS_PTR_LEN, REDOXFS_BLOCK - REDOXFS_PTR_LEN));
}

static int chain_add(struct redoxfs *fs, struct chain *chain, uint64_t index)
{
	uint64_t *p = vec_grow(chain->index, &chain->cap, chain->n, sizeof(*p));

	if (!p)
		return -RIMG_E_NOMEM;
	chain->index = p;
	p[chain->n] = index;
	return claim_log_block(fs, chain->n++, redoxfs_off(fs, index));
}

/* The blocks of the log, newest first. No block is entered twice, so the chain ends. */
static int read_chain(struct redoxfs *fs, struct chain *chain)
{
	struct redoxfs_ref ref = { .ptr = fs->head.alloc,
				   .place = fs->head_off + REDOXFS_HEADER_ALLOC_OFF,
				   .node = fs->alloc,
				   .what = "alloc log" };

	while (!redoxfs_ptr_null(ref.ptr)) {
		uint8_t buf[REDOXFS_BLOCK];
		struct rd r = rd_init(buf, sizeof(buf), 0);
		int rc = redoxfs_block(fs, &ref, buf);

		if (rc < 0)
			return rc;
		fs->alloc_sound &= rc == BLOCK_GOOD && !ref.doubtful;
		if (rc == BLOCK_BAD)
			return 0;
		if (chain_add(fs, chain, redoxfs_ptr_index(ref.ptr)) < 0)
			return -RIMG_E_NOMEM;
		ref.place = redoxfs_off(fs, redoxfs_ptr_index(ref.ptr));
		ref.doubtful |= rc == BLOCK_DOUBTFUL;
		if (!ref.doubtful)
			redoxfs_check_nulls(fs, fs->alloc, buf, ref.place, REDOXFS_PTR_LEN, 1);
		ref.ptr = redoxfs_ptr_read(&r);
	}
	return 0;
}

static void alloc_finding(struct replay *p, const char *code, uint64_t place, uint64_t index,
			  int64_t count, const char *expected)
{
	if (p->fs->alloc_sound)
		layer_finding(p->fs->l, SEVERITY_ERROR, code, p->fs->alloc, place,
			      REDOXFS_ALLOC_ENTRY_LEN,
			      "expected %s in the alloc log, found %s%" PRIu64
			      " blocks from %" PRIu64 " on",
			      expected, count < 0 ? "the use of " : "the freeing of ",
			      count < 0 ? 0 - (uint64_t)count : (uint64_t)count, index);
}

/* One entry: @n blocks from @index on become free or used. Facts: docs/formats/redoxfs.md, "Alloc
 * log". */
static int replay_entry(struct replay *p, uint64_t place, uint64_t index, int64_t count)
{
	struct redoxfs *fs = p->fs;
	uint64_t n = count < 0 ? 0 - (uint64_t)count : (uint64_t)count, here, n_free;

	if (count == 0) {
		if (index != 0 && p->fs->alloc_sound && !p->unused_told)
			layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.padding", fs->alloc, place,
				      REDOXFS_ALLOC_ENTRY_LEN,
				      "expected zeros in an unused entry of the alloc log, found "
				      "block %" PRIu64,
				      index);
		p->unused_told |= index != 0;
		return 0;
	}
	if (index < REDOXFS_RING || !num_in_range(index, n, fs->size_blk)) {
		alloc_finding(p, "redoxfs.alloc-range", place, index, count,
			      "blocks of the volume");
		if (index >= fs->size_blk)
			return 0;
		n = num_min(n, fs->size_blk - index);
	}
	/* of a volume that is cut short only what is there is tracked */
	here = index < fs->n_blk ? num_min(n, fs->n_blk - index) : 0;
	p->outside =
		count > 0 ? p->outside + (n - here) : p->outside - num_min(p->outside, n - here);
	p->work -= num_min(p->work, here / BLOCKSET_LEAF + 2);
	if (here == 0)
		return 0;
	n_free = blockset_count(&fs->free, index, here);
	if (count > 0 && n_free > 0)
		alloc_finding(p, "redoxfs.alloc-twice", place, index, count,
			      "only blocks in use to be freed");
	else if (count < 0 && n_free < here)
		alloc_finding(p, "redoxfs.alloc-not-free", place, index, count,
			      "only free blocks to be used");
	return blockset_put(&fs->free, index, here, count > 0);
}

static int replay_block(struct replay *p, uint64_t block)
{
	uint8_t buf[REDOXFS_BLOCK];
	struct rd r = rd_init(buf, sizeof(buf), redoxfs_off(p->fs, block));
	int rc = redoxfs_read(p->fs, p->fs->alloc, block, buf);

	if (rc <= 0)
		return rc;
	rd_skip(&r, REDOXFS_PTR_LEN);
	for (unsigned i = 0; i < REDOXFS_ALLOC_ENTRIES && p->work > 0; i++) {
		uint64_t place = rd_where(&r);
		uint64_t index = rd_le64(&r);
		int64_t count = (int64_t)rd_le64(&r);

		rc = replay_entry(p, place, index, count);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int replay(struct redoxfs *fs, const struct chain *chain)
{
	struct replay p = { .fs = fs, .work = WORK_MAX };
	uint64_t ring = num_min(REDOXFS_RING, fs->n_blk);

	for (size_t i = chain->n; i > 0 && p.work > 0; i--) {
		int rc = replay_block(&p, chain->index[i - 1]);

		if (rc < 0)
			return rc;
	}
	/* whatever the log says, the ring is the ring */
	if (blockset_put(&fs->free, 0, ring, false) < 0)
		return -RIMG_E_NOMEM;
	if (p.work == 0) {
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.alloc-length", fs->alloc, 0, 0,
			      "expected an alloc log of sensible length, found one of %zu blocks "
			      "that takes too long to follow",
			      chain->n);
		fs->alloc_sound = false;
	}
	if (!fs->alloc_sound)
		return 0;
	for (size_t i = 0; i < chain->n; i++)
		redoxfs_check_unfree(fs, fs->alloc, "alloc log", chain->index[i], 1);
	return attr_add_u64(fs->l, fs->l->root, "free blocks", ATTR_U64, RIMG_CAUSE_FREE_SPACE,
			    PLACE_NONE, blockset_count(&fs->free, 0, fs->n_blk) + p.outside);
}

int redoxfs_alloc_read(struct redoxfs *fs)
{
	auto_with(chain_done) struct chain chain = { 0 };
	int rc;

	fs->alloc = layer_meta(fs->l, fs->l->root, "alloc");
	if (!fs->alloc)
		return -RIMG_E_NOMEM;
	if (redoxfs_ptr_null(fs->head.alloc)) {
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.alloc-missing", fs->alloc,
			      fs->head_off + REDOXFS_HEADER_ALLOC_OFF, REDOXFS_PTR_LEN,
			      "expected a pointer to the alloc log, found none");
		return 0;
	}
	fs->alloc_sound = true;
	rc = read_chain(fs, &chain);
	return rc < 0 ? rc : replay(fs, &chain);
}

/* ---- release list -------------------------------------------------------------------------- */

static void release_id(struct redoxfs *fs, uint32_t id, uint64_t place, bool doubtful)
{
	struct redoxfs_inode *ino = id ? redoxfs_inode_find(fs, id) : NULL;

	if (ino)
		ino->released = true;
	else if (id != 0 && !doubtful)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.release-inode", fs->release, place, 4,
			      "expected an inode of the tree in the release list, found %" PRIu32,
			      id);
}

static int release_block(struct redoxfs *fs, const uint8_t *buf, size_t n, uint64_t off,
			 bool doubtful)
{
	struct rd r = rd_init(buf, REDOXFS_BLOCK, off);
	const char *ids = redoxfs_key_text(fs, "list", n, "inodes");

	if (!ids ||
	    layer_claim(fs->l, fs->release, off, REDOXFS_BLOCK, "release list",
			RIMG_CAUSE_PLACEMENT) < 0 ||
	    redoxfs_raw_pointers(fs, fs->release,
				 redoxfs_key_text(fs, "list", n, "previous address"),
				 redoxfs_key_text(fs, "list", n, "previous hash"), off,
				 REDOXFS_PTR_LEN, 1) < 0 ||
	    attr_add_raw(fs->l, fs->release, ids, RIMG_CAUSE_PLACEMENT,
			 PLACE(off + REDOXFS_PTR_LEN, REDOXFS_BLOCK - REDOXFS_PTR_LEN)) < 0)
		return -RIMG_E_NOMEM;
	rd_skip(&r, REDOXFS_PTR_LEN);
	for (unsigned i = 0; i < REDOXFS_RELEASE_IDS; i++) {
		uint64_t place = rd_where(&r);

		release_id(fs, rd_le32(&r), place, doubtful);
	}
	return 0;
}

/* After the tree has been read: the list names inodes. */
int redoxfs_release_read(struct redoxfs *fs)
{
	struct redoxfs_ref ref = { .ptr = fs->head.release,
				   .place = fs->head_off + REDOXFS_HEADER_RELEASE_OFF,
				   .what = "release list" };

	if (redoxfs_ptr_null(ref.ptr))
		return 0;
	ref.node = fs->release = layer_meta(fs->l, fs->l->root, "release");
	if (!ref.node)
		return -RIMG_E_NOMEM;
	for (size_t n = 0; !redoxfs_ptr_null(ref.ptr); n++) {
		uint8_t buf[REDOXFS_BLOCK];
		struct rd r = rd_init(buf, sizeof(buf), 0);
		int rc = redoxfs_block(fs, &ref, buf);

		if (rc <= 0)
			return rc;
		ref.doubtful |= rc == BLOCK_DOUBTFUL;
		ref.place = redoxfs_off(fs, redoxfs_ptr_index(ref.ptr));
		if (!ref.doubtful)
			redoxfs_check_nulls(fs, fs->release, buf, ref.place, REDOXFS_PTR_LEN, 1);
		if (release_block(fs, buf, n, ref.place, ref.doubtful) < 0)
			return -RIMG_E_NOMEM;
		ref.ptr = redoxfs_ptr_read(&r);
	}
	return 0;
}

/* ---- what is left over --------------------------------------------------------------------- */

/* From block @from on: how far it goes on being seen or not, free or not. */
static uint64_t run_end(const struct redoxfs *fs, uint64_t from, bool seen, bool is_free)
{
	uint64_t end = blockset_next(&fs->seen, from, !seen);

	return seen ? end : num_min(end, blockset_next(&fs->free, from, !is_free));
}

/* Blocks that nothing led to: free ones, and others that are lost (block 256 always is). */
int redoxfs_claim_rest(struct redoxfs *fs)
{
	struct rimg_layer *l = fs->l;
	uint64_t end;

	for (uint64_t i = REDOXFS_RING; i < fs->n_blk; i = end) {
		bool seen = blockset_has(&fs->seen, i), is_free = blockset_has(&fs->free, i);

		end = run_end(fs, i, seen, is_free);
		if (seen)
			continue;
		if (layer_claim(l, is_free ? fs->unused : fs->unreachable, redoxfs_off(fs, i),
				(end - i) * REDOXFS_BLOCK, is_free ? "free" : "unreachable",
				RIMG_CAUSE_FREE_SPACE) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}
