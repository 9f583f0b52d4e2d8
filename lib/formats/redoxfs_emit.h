/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_REDOXFS_EMIT_H
#define FORMATS_REDOXFS_EMIT_H

/* What the parts of the RedoxFS writer share. Layout constants are in formats/redoxfs.h.
 *
 *     redoxfs_emit.c         the volume: order of work, inodes, tree, header
 *     redoxfs_emit_records.c contents of files: read, packed, hashed in parallel, then placed
 *     redoxfs_emit_dir.c     entries of directories
 *     redoxfs_emit_space.c   which blocks are free, and the alloc log that says so */

#include "core/emit.h"
#include "formats/redoxfs.h"

/** struct redoxfs_ptr - a block pointer; index 0 is null */
struct redoxfs_ptr {
	uint64_t index;
	uint64_t hash;
	uint8_t level;
	uint8_t pack; /* level that the stored data unpacks to, 0: stored as it is */
};

/* Free runs of 2^level blocks, aligned to their size, each level a heap with the lowest on top. */
#define SPACE_LEVELS 56

struct space_level {
	uint64_t *heap;
	size_t n, cap;
};

struct space {
	struct space_level levels[SPACE_LEVELS];
	uint64_t n_blocks; /* of the volume; what is placed behind it does not fit */
	uint64_t end;      /* behind the highest block in use */
};

/** space_init - blocks [@first, 2^(SPACE_LEVELS-1)) are free; -RIMG_E_NOMEM */
int space_init(struct space *sp, uint64_t first, uint64_t n_blocks);
void space_done(struct space *sp);

/** space_take - the lowest free run of 2^@level blocks; -RIMG_E_NOMEM */
int space_take(struct space *sp, unsigned level, uint64_t *ret_index);

/** struct space_run - blocks [index, index + count) */
struct space_run {
	uint64_t index;
	uint64_t count;
};

/**
 * space_runs - what is free inside the volume, ascending, neighbours joined
 *
 * Returns an array that the caller frees, or NULL without memory.
 */
struct space_run *space_runs(const struct space *sp, size_t *ret_n);

/** struct emission - one volume being written */
struct emission {
	const struct emit_request *rq;
	struct sink *sink;
	struct space space;
	struct redoxfs_ptr *inodes; /* where each inode went, by order number: root 0 */
	uint64_t n_inodes;
	uint64_t next_inode_blk; /* inodes lie one after the other */
};

/** emission_id - tree id of the @order-th inode (root: 0): ids have no byte above 253 */
uint32_t emission_id(uint64_t order);

/**
 * emission_put - write one block that has its place, with its hash
 * @index: block number; what lies behind the volume's end is not written: the error comes later,
 *         when it is known how much is missing
 * @block: REDOXFS_BLOCK bytes
 */
int emission_put(struct emission *e, uint64_t index, const uint8_t *block, struct redoxfs_ptr *ret,
		 struct rimg_error *err);

/** emission_place - emission_put() in the lowest free block */
int emission_place(struct emission *e, const uint8_t *block, struct redoxfs_ptr *ret,
		   struct rimg_error *err);

struct wr;

/** wr_ptr - append a pointer as it is stored */
void wr_ptr(struct wr *w, const struct redoxfs_ptr *ptr);

/**
 * struct body - what an inode holds, as its block tells it
 * @size:   in bytes
 * @blocks: blocks owned, the inode's own included
 * @inline_data: contents are in @data itself
 * @data:   REDOXFS_INODE_DATA_LEN bytes of contents or pointers
 */
struct body {
	uint64_t size;
	uint64_t blocks;
	bool inline_data;
	uint8_t data[REDOXFS_INODE_DATA_LEN];
};

/** emission_inode - write the inode of @node, and remember where; 0 or an error */
int emission_inode(struct emission *e, const struct plan_node *node, const struct body *body,
		   struct rimg_error *err);

/** emission_dir - place the entries of a directory and fill @body */
int emission_dir(struct emission *e, const struct plan_node *dir, struct body *body,
		 struct rimg_error *err);

/** emission_contents - place the contents of every inode that is no directory, and its inode */
int emission_contents(struct emission *e, struct rimg_error *err);

/** emission_alloc_log - place the alloc log; after it nothing may be placed */
int emission_alloc_log(struct emission *e, struct redoxfs_ptr *ret, struct rimg_error *err);

#endif
