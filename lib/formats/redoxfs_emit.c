/* SPDX-License-Identifier: MIT */

/* Writes a RedoxFS volume, version 8, from a plan. Facts: docs/formats/redoxfs.md.
 *
 *     blocks 0..255   header ring: slot 0 alone is used, generation 0
 *     block 256       left unused, as upstream does
 *     257..           inodes in order of the tree walked depth first; directories, records and
 *                     lists, each in the lowest free blocks; the tree of inodes; the alloc log
 *
 * Everything unused is zero. A volume that is too small is laid out all the same, without writing,
 * so that the error can say how much is needed. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/seahash.h"
#include "core/str.h"
#include "core/wr.h"
#include "formats/redoxfs_emit.h"

#define MAX_INODES (UINT64_C(254) * 254 * 254 * 254 - 1) /* id 0 names nothing */

/* Blocks that a volume should have left for its first change: each commit writes anew the path to
 * what it changes, and a new alloc log, before it frees the old ones. */
#define SPARE_BLOCKS 8

void wr_ptr(struct wr *w, const struct redoxfs_ptr *ptr)
{
	if (ptr->index == 0) {
		wr_zero(w, REDOXFS_PTR_LEN);
		return;
	}
	wr_le64(w, ptr->index << REDOXFS_PTR_INDEX_SHIFT |
			   (uint64_t)ptr->pack << REDOXFS_PTR_PACK_SHIFT | ptr->level);
	wr_le64(w, ptr->hash);
}

/* ---- blocks ------------------------------------------------------------------------------- */

int emission_put(struct emission *e, uint64_t index, const uint8_t *block, struct redoxfs_ptr *ret,
		 struct rimg_error *err)
{
	*ret = (struct redoxfs_ptr){ .index = index, .hash = seahash(block, REDOXFS_BLOCK) };
	if (index >= e->space.n_blocks)
		return 0;
	return sink_write(e->sink, index * REDOXFS_BLOCK, block, REDOXFS_BLOCK, err);
}

int emission_place(struct emission *e, const uint8_t *block, struct redoxfs_ptr *ret,
		   struct rimg_error *err)
{
	uint64_t index;

	if (space_take(&e->space, 0, &index) < 0)
		return error_nomem(err);
	return emission_put(e, index, block, ret, err);
}

/* ---- inodes ------------------------------------------------------------------------------- */

uint32_t emission_id(uint64_t order)
{
	uint64_t slot = order + 1; /* id 0 names nothing */
	uint32_t id = 0;

	for (unsigned shift = 0; shift < 32; shift += 8, slot /= REDOXFS_TREE_SLOTS)
		id |= (uint32_t)(slot % REDOXFS_TREE_SLOTS) << shift;
	return id;
}

static uint16_t type_of(const struct plan_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_DIR: return REDOXFS_TYPE_DIR;
	case RIMG_ROLE_SYMLINK: return REDOXFS_TYPE_SYMLINK;
	case RIMG_ROLE_SOCKET: return REDOXFS_TYPE_SOCKET;
	default: return REDOXFS_TYPE_FILE;
	}
}

static void wr_time(struct wr *w, const struct plan_time *t)
{
	wr_le64(w, (uint64_t)t->s);
	wr_le32(w, t->ns);
}

int emission_inode(struct emission *e, const struct plan_node *node, const struct body *body,
		   struct rimg_error *err)
{
	uint8_t block[REDOXFS_BLOCK];
	struct wr w = wr_init(block, sizeof(block));

	wr_le16(&w, (uint16_t)(type_of(node) << REDOXFS_TYPE_SHIFT | node->mode));
	wr_le32(&w, node->uid);
	wr_le32(&w, node->gid);
	wr_le32(&w, node->n_links);
	wr_le64(&w, body->size);
	wr_le64(&w, body->blocks);
	wr_time(&w, &node->ctime);
	wr_time(&w, &node->mtime);
	wr_time(&w, &node->atime);
	wr_le32(&w, node->role == RIMG_ROLE_FILE ? REDOXFS_FILE_LEVEL : 0);
	wr_le32(&w, body->inline_data ? REDOXFS_FLAG_INLINE : 0);
	wr_zero(&w, REDOXFS_INODE_ZERO_LEN);
	wr_bytes(&w, body->data, sizeof(body->data));
	return emission_put(e, e->next_inode_blk + node->id, block, &e->inodes[node->id], err);
}

static int check_name(const struct plan_node *node, struct rimg_error *err)
{
	if (node->name_len == 0 || node->name_len > REDOXFS_NAME_MAX)
		return emit_refuse(err, RIMG_E_ARG, node,
				   "expected a name of 1 to %d bytes, found %" PRIu32,
				   REDOXFS_NAME_MAX, node->name_len);
	if (memchr(node->name, ':', node->name_len) || memchr(node->name, '/', node->name_len) ||
	    memchr(node->name, '\0', node->name_len))
		return emit_refuse(err, RIMG_E_ARG, node,
				   "a name on Redox holds no ':', no '/' and no NUL; rename it");
	if (strcmp(node->name, ".") == 0 || strcmp(node->name, "..") == 0)
		return emit_refuse(err, RIMG_E_ARG, node,
				   "\".\" and \"..\" are no names of entries");
	if (!str_is_utf8(node->name, node->name_len))
		return emit_refuse(err, RIMG_E_ARG, node,
				   "a name on RedoxFS is UTF-8; this one is not; rename it");
	return 0;
}

static int check_node(const struct plan_node *node, struct rimg_error *err)
{
	if (node->role != RIMG_ROLE_DIR && node->role != RIMG_ROLE_FILE &&
	    node->role != RIMG_ROLE_SYMLINK && node->role != RIMG_ROLE_SOCKET)
		return emit_refuse(
			err, RIMG_E_UNSUPPORTED, node,
			"RedoxFS holds files, directories, symbolic links and sockets, not "
			"a %s",
			rimg_role_name(node->role));
	if (node->mode & ~(uint32_t)REDOXFS_MODE_MASK)
		return emit_refuse(err, RIMG_E_ARG, node, "expected a mode up to 07777, found %#o",
				   node->mode);
	return node->parent ? check_name(node, err) : 0;
}

/* Number the inodes in the order of the walk and count the names of each. */
static int number_inodes(struct emission *e, struct rimg_error *err)
{
	for (struct plan_node *n = e->rq->tree->root; n; n = plan_next(n))
		n->n_links = 0;
	for (struct plan_node *n = e->rq->tree->root; n; n = plan_next(n)) {
		int rc = check_node(n, err);

		if (rc < 0)
			return rc;
		if (!n->link_to)
			n->id = e->n_inodes++;
		(n->link_to ? n->link_to : n)->n_links++;
	}
	if (e->n_inodes > MAX_INODES)
		return error_set(err, RIMG_E_LIMIT, NULL,
				 "RedoxFS holds at most %" PRIu64 " inodes, found %" PRIu64,
				 MAX_INODES, e->n_inodes);
	e->inodes = calloc((size_t)e->n_inodes, sizeof(*e->inodes));
	return e->inodes ? 0 : error_nomem(err);
}

static int emit_dirs(struct emission *e, struct rimg_error *err)
{
	for (const struct plan_node *n = e->rq->tree->root; n; n = plan_next(n)) {
		struct body body;
		int rc;

		if (n->role != RIMG_ROLE_DIR)
			continue;
		rc = emission_dir(e, n, &body, err);
		if (rc == 0)
			rc = emission_inode(e, n, &body, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- tree --------------------------------------------------------------------------------- */

/* One list of the tree over ids [first, ...), @depth lists above the inodes, counted in slots.
 * *ret_full: whether all its slots are taken, as the bitmap above it tells. */
static int emit_list(struct emission *e, uint64_t first, unsigned depth, struct redoxfs_ptr *ret,
		     bool *ret_full, struct rimg_error *err)
{
	uint8_t block[REDOXFS_BLOCK], bitmap[REDOXFS_TREE_BITMAP_LEN] = { 0 };
	struct wr w = wr_init(block, sizeof(block));
	uint64_t each = 1;

	for (unsigned i = 1; i < depth; i++)
		each *= REDOXFS_TREE_SLOTS;
	*ret_full = true;
	for (unsigned i = 0; i < REDOXFS_TREE_SLOTS; i++) {
		uint64_t slot = first + i * each; /* order + 1: slot 0 is taken by the id 0 */
		struct redoxfs_ptr ptr = { 0 };
		bool full = slot <= e->n_inodes;
		int rc = 0;

		if (depth > 1 && slot <= e->n_inodes)
			rc = emit_list(e, slot, depth - 1, &ptr, &full, err);
		else if (slot > 0 && slot <= e->n_inodes)
			ptr = e->inodes[slot - 1];
		if (rc < 0)
			return rc;
		if (full)
			bitmap[i / 8] |= (uint8_t)(1U << (i % 8));
		*ret_full &= full;
		wr_ptr(&w, &ptr);
	}
	wr_bytes(&w, bitmap, sizeof(bitmap));
	return emission_place(e, block, ret, err);
}

/* ---- volume ------------------------------------------------------------------------------- */

static int too_small(const struct emission *e, struct rimg_error *err)
{
	uint64_t needed = (e->space.end + SPARE_BLOCKS) * REDOXFS_BLOCK;

	return error_set(err, RIMG_E_LIMIT, NULL,
			 "the contents need a RedoxFS of at least %" PRIu64 " bytes (%" PRIu64
			 " MiB), the place has %" PRIu64,
			 needed, (needed >> 20) + 1, e->space.n_blocks * REDOXFS_BLOCK);
}

static int emit_header(struct emission *e, const struct redoxfs_ptr *tree,
		       const struct redoxfs_ptr *alloc, struct rimg_error *err)
{
	uint8_t block[REDOXFS_BLOCK] = { 0 }, uuid[16];
	struct wr w = wr_init(block, sizeof(block));
	uint64_t hash;
	int rc = 0;

	if (e->rq->uuid)
		memcpy(uuid, e->rq->uuid, sizeof(uuid));
	else
		rc = emit_derive_uuid(e->rq, "redoxfs uuid", uuid, err);
	if (rc < 0)
		return rc;
	wr_bytes(&w, REDOXFS_SIGNATURE, REDOXFS_SIGNATURE_LEN);
	wr_le64(&w, REDOXFS_VERSION);
	wr_bytes(&w, uuid, sizeof(uuid));
	wr_le64(&w, e->space.n_blocks * REDOXFS_BLOCK);
	wr_le64(&w, 0); /* generation */
	wr_ptr(&w, tree);
	wr_ptr(&w, alloc);
	hash = seahash(block, REDOXFS_HEADER_CIPHERED_OFF);
	wr_seek(&w, REDOXFS_HEADER_CIPHERED_OFF);
	wr_le64(&w, hash);
	wr_seek(&w, REDOXFS_HEADER_HASH_OFF);
	wr_le64(&w, hash);
	return sink_write(e->sink, 0, block, sizeof(block), err);
}

/* Everything but the header. */
static int emit_blocks(struct emission *e, struct redoxfs_ptr *tree, struct redoxfs_ptr *alloc,
		       struct rimg_error *err)
{
	bool full;
	int rc = number_inodes(e, err);

	if (rc < 0)
		return rc;
	e->next_inode_blk = REDOXFS_UNUSED_BLOCK + 1;
	if (space_init(&e->space, e->next_inode_blk + e->n_inodes, e->space.n_blocks) < 0)
		return error_nomem(err);
	rc = emit_dirs(e, err);
	if (rc == 0)
		rc = emission_contents(e, err);
	if (rc == 0)
		rc = emit_list(e, 0, REDOXFS_TREE_LEVELS, tree, &full, err);
	if (rc == 0)
		rc = emission_alloc_log(e, alloc, err);
	return rc;
}

static void emission_done(struct emission *e)
{
	space_done(&e->space);
	free(e->inodes);
}

static int redoxfs_emit(const struct emit_request *rq, struct sink *sink, struct rimg_error *err)
{
	auto_with(emission_done) struct emission e = { .rq = rq, .sink = sink };
	struct redoxfs_ptr tree = { 0 }, alloc = { 0 };
	int rc;

	e.space.n_blocks = sink ? sink_size(sink) / REDOXFS_BLOCK : 0;
	rc = emit_blocks(&e, &tree, &alloc, err);
	if (rc < 0)
		return rc;
	if (e.space.end > e.space.n_blocks)
		return too_small(&e, err);
	return emit_header(&e, &tree, &alloc, err);
}

/* The smallest volume that holds the tree and can still be changed. Laid out without writing. */
static int redoxfs_measure(const struct emit_request *rq, uint64_t *ret_size,
			   struct rimg_error *err)
{
	auto_with(emission_done) struct emission e = { .rq = rq };
	struct redoxfs_ptr tree = { 0 }, alloc = { 0 };
	int rc = emit_blocks(&e, &tree, &alloc, err);

	if (rc == 0)
		*ret_size = (e.space.end + SPARE_BLOCKS) * REDOXFS_BLOCK;
	return rc;
}

RIMG_EMITTER(redoxfs) = {
	.name = "redoxfs",
	.measure = redoxfs_measure,
	.emit = redoxfs_emit,
};
