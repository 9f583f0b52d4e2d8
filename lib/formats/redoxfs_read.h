/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_REDOXFS_READ_H
#define FORMATS_REDOXFS_READ_H

/* What the files of the RedoxFS reader share. Layout: formats/redoxfs.h.
 *
 * Functions that read return 1 when what they read can be used, 0 when it cannot (a finding says
 * why, and reading goes on without it), or a negative code that ends the work. */

#include "core/format.h"
#include "formats/redoxfs.h"

/* ---- sets of blocks (redoxfs_blocks.c) ----------------------------------------------------- */

#define BLOCKSET_LEAF 4096 /* blocks in a leaf */

/**
 * struct blockset - a set of block numbers 0 .. n-1
 *
 * Leaves are made when they are first neither empty nor full, so that a large and mostly empty or
 * mostly free volume costs next to nothing.
 */
struct blockset {
	struct arena *arena;
	uint64_t n;
	uint64_t **leaf; /* NULL: empty; `blockset_full`: all of it; else words of bits */
};

/** blockset_init - the empty set of numbers below @n; 0 or -RIMG_E_NOMEM */
int blockset_init(struct blockset *s, struct arena *a, uint64_t n);

/** blockset_has - is block @i, which is below n, in the set? */
bool blockset_has(const struct blockset *s, uint64_t i);

/** blockset_put - add or remove [from, from + len), which lies below n; 0 or -RIMG_E_NOMEM */
int blockset_put(struct blockset *s, uint64_t from, uint64_t len, bool in);

/** blockset_count - how many of [from, from + len), which lies below n, are in the set */
uint64_t blockset_count(const struct blockset *s, uint64_t from, uint64_t len);

/** blockset_next - the first number >= @from that is in the set (or, with @in false, is not); n */
uint64_t blockset_next(const struct blockset *s, uint64_t from, bool in);

/* ---- the volume ---------------------------------------------------------------------------- */

struct redoxfs_ptr {
	uint64_t addr; /* as stored */
	uint64_t hash;
};

/**
 * struct redoxfs_ref - a pointer and where it was found
 * @place:    of the pointer, bytes in the layer
 * @node:     whose pointer it is
 * @what:     what it leads to, for findings: "inode"
 * @doubtful: it lies in a block whose hash is wrong. That was a finding; what follows from it is
 *            not reported again.
 */
struct redoxfs_ref {
	struct redoxfs_ptr ptr;
	uint64_t place;
	struct rimg_node *node;
	const char *what;
	bool doubtful;
};

/** struct redoxfs_header - what counts of a valid header */
struct redoxfs_header {
	uint64_t generation;
	uint64_t size;
	uint8_t uuid[16];
	struct redoxfs_ptr tree;
	struct redoxfs_ptr alloc;
	struct redoxfs_ptr release;
	bool encrypted;
};

enum inode_state {
	INODE_NEW,     /* nobody asked for it so far */
	INODE_BAD,     /* it cannot be read */
	INODE_WAITING, /* a hard link: which path owns it turns out when all are known */
	INODE_OWNED,
};

/** struct redoxfs_inode - one inode of the node tree */
struct redoxfs_inode {
	uint32_t id;
	uint32_t found; /* directory entries that name it */
	uint32_t links; /* directory entries that should */
	uint8_t type;
	uint8_t state; /* enum inode_state */
	bool doubtful; /* its own block, or the list it stands in, has a wrong hash */
	bool released; /* in the release list */
	struct redoxfs_ptr ptr;
	uint64_t place; /* of the pointer */
	struct rimg_node *owner;
};

/** struct redoxfs_record - a record to be verified by check() */
struct redoxfs_record {
	struct rimg_node *node;
	struct redoxfs_ptr ptr;
	uint32_t len; /* bytes of the file that it holds; 0: it lies behind the end */
};

/** struct redoxfs_dir - a directory whose entries are still to be read */
struct redoxfs_dir {
	struct rimg_node *node;
	uint32_t depth;
	uint32_t levels; /* of htree blocks above the DirLists */
	uint64_t inode_off;
	uint64_t size;
	uint64_t blocks;
	struct redoxfs_ref root; /* first block; null: the directory is empty */
};

struct redoxfs_key {
	uint8_t bytes[2 * REDOXFS_KEY_LEN]; /* for data, for tweaks */
	uint64_t ring_block;                /* tweaks count from here */
};

/** struct redoxfs - an open volume; lives in the layer's arena */
struct redoxfs {
	struct rimg_layer *l;
	struct rimg_error *err;         /* of the call under way */
	const struct rimg_source *data; /* the layer, deciphered */
	struct redoxfs_key key;
	struct redoxfs_header head;
	uint64_t head_off; /* of the header in use */
	uint64_t ring_off; /* of slot 0 of the ring, bytes in the layer */
	uint64_t size_blk; /* blocks that the header promises */
	uint64_t n_blk;    /* blocks of these that are there */

	struct blockset seen; /* reached from the header */
	struct blockset free; /* says the alloc log */
	bool alloc_sound;     /* the whole log could be read */
	bool incomplete;      /* a part of the metadata could not be read */

	struct redoxfs_inode *inodes; /* ascending by id */
	size_t n_inodes, cap_inodes;
	size_t n_waiting;
	struct redoxfs_dir *dirs; /* still to be read */
	size_t n_dirs, cap_dirs;
	struct redoxfs_record *records;
	size_t n_records, cap_records;
	struct source_piece *pieces; /* of the content being laid out */
	size_t n_pieces, cap_pieces;

	size_t n_lists; /* of the tree */
	struct rimg_node *tree;
	struct rimg_node *alloc;
	struct rimg_node *release; /* NULL until needed, as the next */
	struct rimg_node *orphans;
	struct rimg_node *unused;
	struct rimg_node *unreachable;
};

/* ---- blocks and pointers (redoxfs_block.c) ------------------------------------------------- */

enum { BLOCK_BAD, BLOCK_GOOD, BLOCK_DOUBTFUL };

struct redoxfs_ptr redoxfs_ptr_read(struct rd *r);

static inline uint64_t redoxfs_ptr_index(struct redoxfs_ptr p)
{
	return p.addr >> REDOXFS_PTR_INDEX_SHIFT;
}

static inline unsigned redoxfs_ptr_level(struct redoxfs_ptr p)
{
	return (unsigned)(p.addr & REDOXFS_PTR_LEVEL_MASK);
}

/** redoxfs_ptr_packed - level of the unpacked data; 0: it is not packed */
static inline unsigned redoxfs_ptr_packed(struct redoxfs_ptr p)
{
	return (unsigned)(p.addr >> REDOXFS_PTR_PACK_SHIFT & REDOXFS_PTR_LEVEL_MASK);
}

static inline bool redoxfs_ptr_null(struct redoxfs_ptr p)
{
	return redoxfs_ptr_index(p) == 0;
}

/**
 * redoxfs_check_nulls - pointers that are null are zeros: a finding for the first that is not
 * @first: the first of @n pointers, each @stride bytes behind the one before
 * @off: where it lies in the layer
 */
void redoxfs_check_nulls(struct redoxfs *fs, struct rimg_node *node, const uint8_t *first,
			 uint64_t off, size_t stride, size_t n);

/** redoxfs_off - offset in the layer of block @index, which is below n_blk */
uint64_t redoxfs_off(const struct redoxfs *fs, uint64_t index);

/** redoxfs_read - read block @index, which is below n_blk; 1, 0 (finding) or a code */
int redoxfs_read(struct redoxfs *fs, struct rimg_node *node, uint64_t index,
		 uint8_t buf[REDOXFS_BLOCK]);

/**
 * redoxfs_take_record - may the blocks of this record be used, and are they nobody else's?
 * @ret_shared: they are fine, but something else uses them too
 *
 * Returns 1 when they lie inside and have a permitted level, else 0.
 */
int redoxfs_take_record(struct redoxfs *fs, const struct redoxfs_ref *ref, bool *ret_shared);

/**
 * redoxfs_block - follow a pointer to a block of metadata
 *
 * Checks the pointer, that nothing else has led to the block, and its hash. Returns BLOCK_GOOD,
 * BLOCK_DOUBTFUL (its hash is wrong), BLOCK_BAD (nothing in @buf), or a negative code.
 */
int redoxfs_block(struct redoxfs *fs, const struct redoxfs_ref *ref, uint8_t buf[REDOXFS_BLOCK]);

/** redoxfs_check_unfree - record a finding when block @index, in use by @node, is free as well */
void redoxfs_check_unfree(struct redoxfs *fs, struct rimg_node *node, const char *what,
			  uint64_t index, uint64_t n);

/** redoxfs_key_text - "list[3] hashes" in the arena; NULL without memory */
const char *redoxfs_key_text(struct redoxfs *fs, const char *what, size_t i, const char *part);

/**
 * redoxfs_raw_pointers - attributes for the addresses and the hashes of a table of pointers
 * @off, @stride, @n: place of the first pointer in the layer, bytes from one to the next, how many
 */
int redoxfs_raw_pointers(struct redoxfs *fs, struct rimg_node *node, const char *addresses,
			 const char *hashes, uint64_t off, uint32_t stride, uint32_t n);

/* ---- ring and password (redoxfs_ring.c, redoxfs_crypt.c) ----------------------------------- */

/** redoxfs_probe - see struct rimg_format */
int redoxfs_probe(const struct rimg_probe *p);

/** redoxfs_ring_open - find the ring, choose the header; 1, 0 (unreadable) or a code */
int redoxfs_ring_open(struct redoxfs *fs);

/** redoxfs_ring_nodes - nodes, claims and findings for all that lies before block 256 */
int redoxfs_ring_nodes(struct redoxfs *fs);

/**
 * redoxfs_unlock - try the password on every key slot and set up fs->data
 *
 * Returns 1, 0 (no or wrong password: finding) or a code.
 */
int redoxfs_unlock(struct redoxfs *fs);

/* ---- alloc log, release list, what is left over (redoxfs_alloc.c) -------------------------- */

/**
 * redoxfs_alloc_read - replay the alloc log: which blocks are free, in fs->free
 *
 * Returns 0 or a code, as all of these three; damage is findings. Facts: docs/formats/redoxfs.md,
 * "Alloc log", "Release list".
 */
int redoxfs_alloc_read(struct redoxfs *fs);

/** redoxfs_release_read - mark the inodes of the release list; once the tree has been read */
int redoxfs_release_read(struct redoxfs *fs);

/** redoxfs_claim_rest - claim the blocks that nothing led to, as free or unreachable; last of all
 */
int redoxfs_claim_rest(struct redoxfs *fs);

/* ---- tree (redoxfs_tree.c) ----------------------------------------------------------------- */

/**
 * redoxfs_tree_read - list every inode and where it lies, in fs->inodes
 *
 * Returns 0 or a code; damage is findings. Facts: docs/formats/redoxfs.md, "Node tree".
 */
int redoxfs_tree_read(struct redoxfs *fs);

/** redoxfs_inode_find - the inode of that id, or NULL */
struct redoxfs_inode *redoxfs_inode_find(struct redoxfs *fs, uint32_t id);

/* ---- inodes (redoxfs_inode.c), their contents (redoxfs_record.c) --------------------------- */

/** redoxfs_role - what a node of that type of inode is */
enum rimg_role redoxfs_role(unsigned type);

/**
 * redoxfs_inode_load - follow the tree's pointer to an inode for the first time
 *
 * Sets type, links and doubtful. Returns 1, 0 or a code.
 */
int redoxfs_inode_load(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
		       uint8_t buf[REDOXFS_BLOCK]);

/**
 * redoxfs_inode_attach - make @node the owner of the inode: attributes, claims, content
 * @depth: of directories above it; a directory is added to fs->dirs
 */
int redoxfs_inode_attach(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
			 const uint8_t buf[REDOXFS_BLOCK], uint32_t depth);

/** struct redoxfs_layout - contents to lay out: fields of the inode, and what was found */
struct redoxfs_layout {
	struct rimg_node *node;
	uint64_t inode_off;
	uint64_t size;
	unsigned level;  /* of a whole record */
	bool doubtful;   /* the inode's hash is wrong */
	bool level_bad;  /* set: no such record level */
	bool lists_bad;  /* set: a list block could not be read, or a pointer is bad */
	uint64_t blocks; /* set: blocks owned, the inode's own included */
	size_t n_lists;  /* set: list blocks */
};

/**
 * redoxfs_content_inline, redoxfs_content_records - content and claims of an inode that is no
 * directory; @buf is its block
 */
int redoxfs_content_inline(struct redoxfs *fs, struct redoxfs_layout *lay);
int redoxfs_content_records(struct redoxfs *fs, struct redoxfs_layout *lay,
			    const uint8_t buf[REDOXFS_BLOCK]);

/** struct redoxfs_unpacked - what a packed record was like */
struct redoxfs_unpacked {
	bool full;      /* it filled the size of its level */
	bool tail_zero; /* nothing but zeros is stored behind the LZ4 block */
};

/**
 * redoxfs_record_verify - read a stored record, check its hash, unpack it
 * @base, @off, @stored: where it lies: bytes
 * @packed: level of the unpacked data, 0 if it is stored as it is
 * @out: receives the first @len bytes
 * @ret: set when a record was unpacked; may be NULL
 *
 * Returns 0, -RIMG_E_BAD with a sentence in @err, or another code of rimg_source_read().
 */
int redoxfs_record_verify(const struct rimg_source *base, uint64_t off, uint64_t stored,
			  uint64_t hash, unsigned packed, uint8_t *out, size_t len,
			  struct redoxfs_unpacked *ret, struct rimg_error *err);

/* ---- directories (redoxfs_dir.c, redoxfs_walk.c) ------------------------------------------- */

struct redoxfs_dirent {
	uint32_t id;
	const uint8_t *name;
	size_t name_len;
	uint64_t off;  /* in the layer */
	bool doubtful; /* it stands in a DirList whose hash is wrong */
};

/** redoxfs_dir_read - read all entries of a directory and make a child for each */
int redoxfs_dir_read(struct redoxfs *fs, const struct redoxfs_dir *dir);

/** redoxfs_entry - make the child for one directory entry */
int redoxfs_entry(struct redoxfs *fs, const struct redoxfs_dir *dir,
		  const struct redoxfs_dirent *entry);

/** redoxfs_walk - from the root directory down, then whatever else the tree holds */
int redoxfs_walk(struct redoxfs *fs);

/* ---- check() (redoxfs_check.c) ------------------------------------------------------------- */

int redoxfs_check(struct rimg_layer *l, struct rimg_error *err);

#endif
