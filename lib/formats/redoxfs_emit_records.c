/* SPDX-License-Identifier: MIT */

/* Writes the contents of files and links: inline in the inode when short, else in records. Facts:
 * docs/formats/redoxfs.md, "Inode" and "Records".
 *
 * Records go through in batches: all records of a batch are read, packed and hashed in parallel,
 * then get their blocks one after the other, then are written in parallel, together with the next
 * batch's reading, so that no thread waits for the other's system calls. Where a record lies
 * follows from the tree alone, not from the number of threads or the size of a batch. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/lz4.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/seahash.h"
#include "core/wr.h"
#include "formats/redoxfs_emit.h"

#define BATCH      32
#define RECORD_MAX ((size_t)REDOXFS_BLOCK << REDOXFS_LEVEL_MAX)
#define PACKED_MAX ((size_t)65536) /* its length, in a u16, counts what follows the length */
#define INLINE_MAX (REDOXFS_INODE_DATA_LEN - 1) /* upstream turns longer contents into records */

/* A record on its way, or inline contents, which take the same way as far as reading. */
struct item {
	const struct plan_node *node;
	uint64_t off; /* in the content */
	size_t len;
	bool inline_data;
	bool last; /* of its node */
	bool zero; /* nothing but zeros: a null pointer stands for them */
	bool packed;
	struct redoxfs_ptr ptr;
	int rc;
	struct rimg_error err;
	uint8_t plain[RECORD_MAX];
	uint8_t pack[PACKED_MAX];
	struct lz4_work work;
};

struct batch {
	struct emission *e;
	struct item *items; /* to be prepared */
	size_t n;
	struct item *placed; /* of the batch before: to be written */
	size_t n_placed;
	struct redoxfs_ptr *ptrs; /* of the node in progress, by record */
	size_t n_ptrs, cap_ptrs;
};

static void batch_done(struct batch *b)
{
	free(b->items);
	free(b->placed);
	free(b->ptrs);
}

/* ---- in parallel -------------------------------------------------------------------------- */

/* The smallest level whose block holds @len bytes. */
static uint8_t level_for(size_t len)
{
	uint8_t level = 0;

	while (((size_t)REDOXFS_BLOCK << level) < len)
		level++;
	return level;
}

/* Pack the record if that saves a level; what upstream's writer would do. */
static void pack(struct item *it)
{
	size_t plain_len = (size_t)REDOXFS_BLOCK << it->ptr.level;
	size_t n = lz4_compress(it->plain, plain_len, it->pack + REDOXFS_PACKED_HEADER,
				PACKED_MAX - REDOXFS_PACKED_HEADER, &it->work);
	uint8_t level;
	struct wr w = wr_init(it->pack, PACKED_MAX);

	if (n == 0)
		return;
	level = level_for(n + REDOXFS_PACKED_HEADER);
	if (level >= it->ptr.level)
		return;
	wr_le16(&w, (uint16_t)n);
	wr_seek(&w, REDOXFS_PACKED_HEADER + n);
	wr_zero(&w, ((size_t)REDOXFS_BLOCK << level) - n - REDOXFS_PACKED_HEADER);
	it->ptr.pack = it->ptr.level;
	it->ptr.level = level;
	it->packed = true;
}

static const uint8_t *stored_bytes(const struct item *it)
{
	return it->packed ? it->pack : it->plain;
}

static void prepare(const struct batch *b, struct item *it)
{
	size_t stored;

	if (it->len > 0)
		it->rc = rimg_source_read(it->node->content, it->off, it->plain, it->len, &it->err);
	if (it->rc < 0 || it->inline_data)
		return;
	it->zero = mem_is_zero(it->plain, it->len);
	if (it->zero)
		return;
	it->ptr.level = level_for(it->len);
	stored = (size_t)REDOXFS_BLOCK << it->ptr.level;
	memset(it->plain + it->len, 0, stored - it->len);
	if (b->e->rq->compression == EMIT_COMPRESSION_LZ4 && it->ptr.level > 0)
		pack(it);
	it->ptr.hash = seahash(stored_bytes(it), (size_t)REDOXFS_BLOCK << it->ptr.level);
}

static void write_out(const struct batch *b, struct item *it)
{
	uint64_t n_blk = UINT64_C(1) << it->ptr.level;

	if (it->inline_data || it->zero ||
	    !num_in_range(it->ptr.index, n_blk, b->e->space.n_blocks))
		return;
	it->rc = sink_write(b->e->sink, it->ptr.index * REDOXFS_BLOCK, stored_bytes(it),
			    (size_t)n_blk * REDOXFS_BLOCK, &it->err);
}

/* Step 2i prepares item i, step 2i + 1 writes item i of the batch before. */
static void step(void *arg, size_t i)
{
	const struct batch *b = arg;
	size_t item = i / 2;

	if (i % 2 == 0 && item < b->n)
		prepare(b, &b->items[item]);
	else if (i % 2 == 1 && item < b->n_placed)
		write_out(b, &b->placed[item]);
}

/* ---- in order ----------------------------------------------------------------------------- */

/* A list block over @n pointers, @depth lists above the records; null when all are null. */
static int place_list(struct batch *b, const struct redoxfs_ptr *ptrs, uint64_t n, unsigned depth,
		      struct body *body, struct redoxfs_ptr *ret, struct rimg_error *err)
{
	uint64_t each = 1; /* records below one slot */
	uint8_t block[REDOXFS_BLOCK];
	struct wr w = wr_init(block, sizeof(block));
	bool any = false;

	for (unsigned i = 1; i < depth; i++)
		each *= REDOXFS_LIST_LEN;
	for (unsigned slot = 0; slot < REDOXFS_LIST_LEN; slot++) {
		struct redoxfs_ptr ptr = { 0 };
		uint64_t first = slot * each;
		int rc = 0;

		if (first < n && depth > 1)
			rc = place_list(b, ptrs + first, num_min(each, n - first), depth - 1, body,
					&ptr, err);
		else if (first < n)
			ptr = ptrs[first];
		if (rc < 0)
			return rc;
		any |= ptr.index != 0;
		wr_ptr(&w, &ptr);
	}
	*ret = (struct redoxfs_ptr){ 0 };
	if (!any)
		return 0;
	body->blocks++;
	return emission_place(b->e, block, ret, err);
}

/* The pointers of an inode: to records, then to lists of ever more depth. */
static int fill_pointers(struct batch *b, struct body *body, struct rimg_error *err)
{
	static const uint64_t counts[REDOXFS_DEPTHS] = REDOXFS_DEPTH_COUNTS;
	struct wr w = wr_init(body->data, sizeof(body->data));
	uint64_t done = 0, each = 1;

	for (unsigned depth = 0; depth < REDOXFS_DEPTHS; depth++, each *= REDOXFS_LIST_LEN)
		for (uint64_t i = 0; i < counts[depth] && done < b->n_ptrs; i++) {
			uint64_t n = num_min(each, b->n_ptrs - done);
			struct redoxfs_ptr ptr = b->ptrs[done];
			int rc = 0;

			if (depth > 0)
				rc = place_list(b, b->ptrs + done, n, depth, body, &ptr, err);
			if (rc < 0)
				return rc;
			wr_ptr(&w, &ptr);
			done += n;
		}
	return 0;
}

static int finish_node(struct batch *b, const struct item *last, struct rimg_error *err)
{
	const struct plan_node *node = last->node;
	struct body body = { .blocks = 1, .inline_data = last->inline_data };
	int rc = 0;

	body.size = node->content ? rimg_source_size(node->content) : 0;
	if (last->inline_data) {
		memcpy(body.data, last->plain, last->len);
	} else {
		for (size_t i = 0; i < b->n_ptrs; i++)
			if (b->ptrs[i].index != 0)
				body.blocks += UINT64_C(1) << b->ptrs[i].level;
		rc = fill_pointers(b, &body, err);
	}
	b->n_ptrs = 0;
	return rc < 0 ? rc : emission_inode(b->e, node, &body, err);
}

static int place_item(struct batch *b, struct item *it, struct rimg_error *err)
{
	struct redoxfs_ptr *ptrs;

	if (it->inline_data)
		return finish_node(b, it, err);
	if (!it->zero && space_take(&b->e->space, it->ptr.level, &it->ptr.index) < 0)
		return error_nomem(err);
	ptrs = vec_grow(b->ptrs, &b->cap_ptrs, b->n_ptrs, sizeof(*ptrs));
	if (!ptrs)
		return error_nomem(err);
	b->ptrs = ptrs;
	ptrs[b->n_ptrs++] = it->ptr;
	return it->last ? finish_node(b, it, err) : 0;
}

static int first_failure(const struct item *items, size_t n, struct rimg_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].rc < 0) {
			if (err)
				*err = items[i].err;
			return items[i].rc;
		}
	return 0;
}

/* Prepare and place the batch, and write the one before. */
static int flush(struct batch *b, struct rimg_error *err)
{
	struct item *items = b->items;
	size_t n = b->n;
	int rc;

	pool_for(b->e->rq->ctx->threads, 2 * (size_t)num_max(n, b->n_placed), step, b);
	rc = first_failure(b->placed, b->n_placed, err);
	if (rc == 0)
		rc = first_failure(items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = place_item(b, &items[i], err);
	b->items = b->placed;
	b->placed = items;
	b->n_placed = n;
	b->n = 0;
	return rc;
}

static int add_item(struct batch *b, const struct plan_node *node, uint64_t off, size_t len,
		    bool inline_data, bool last, struct rimg_error *err)
{
	struct item *it = &b->items[b->n++];

	it->node = node;
	it->off = off;
	it->len = len;
	it->inline_data = inline_data;
	it->last = last;
	it->zero = false;
	it->packed = false;
	it->ptr = (struct redoxfs_ptr){ 0 };
	it->rc = 0;
	return b->n == BATCH ? flush(b, err) : 0;
}

static int add_node(struct batch *b, const struct plan_node *node, struct rimg_error *err)
{
	uint64_t size = node->content ? rimg_source_size(node->content) : 0;
	uint64_t record = node->role == RIMG_ROLE_FILE ? RECORD_MAX : REDOXFS_BLOCK;
	int rc = 0;

	if (size <= INLINE_MAX)
		return add_item(b, node, 0, (size_t)size, true, true, err);
	if (size / record >= REDOXFS_MAX_RECORDS)
		return emit_refuse(err, RIMG_E_LIMIT, node,
				   "a RedoxFS file has at most %" PRIu64 " records, %" PRIu64
				   " bytes are too many",
				   REDOXFS_MAX_RECORDS, size);
	for (uint64_t off = 0; off < size && rc == 0; off += record) {
		size_t len = (size_t)num_min(record, size - off);

		rc = add_item(b, node, off, len, false, off + len == size, err);
	}
	return rc;
}

int emission_contents(struct emission *e, struct rimg_error *err)
{
	auto_with(batch_done) struct batch b = { .e = e,
						 .items = calloc(BATCH, sizeof(struct item)),
						 .placed = calloc(BATCH, sizeof(struct item)) };
	int rc = 0;

	if (!b.items || !b.placed)
		return error_nomem(err);
	for (const struct plan_node *n = e->rq->tree->root; n && rc == 0; n = plan_next(n))
		if (n->role != RIMG_ROLE_DIR && !n->link_to)
			rc = add_node(&b, n, err);
	for (int i = 0; i < 2 && rc == 0; i++) /* the last batch, then its writing */
		rc = flush(&b, err);
	return rc;
}
