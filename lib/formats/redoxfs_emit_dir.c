/* SPDX-License-Identifier: MIT */

/* Writes directories: one DirList, or DirLists below a tree of hashes. Facts:
 * docs/formats/redoxfs.md, "Directories". Entries of one DirList are in order of name bytes; below
 * a hash tree they are packed in order of (hash, name bytes), each DirList filled before the next
 * begins, each level of the tree likewise. */

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/seahash.h"
#include "core/wr.h"
#include "formats/redoxfs_emit.h"

struct entry {
	uint32_t hash;
	const struct plan_node *node;
};

/* A block of the directory with the largest hash of all names below it. */
struct branch {
	uint32_t hash;
	struct redoxfs_ptr ptr;
};

struct branches {
	struct branch *list;
	size_t n, cap;
};

static void branches_done(struct branches *b)
{
	free(b->list);
}

#define auto_branches auto_with(branches_done)

static int add_branch(struct branches *b, uint32_t hash, const struct redoxfs_ptr *ptr)
{
	struct branch *list = vec_grow(b->list, &b->cap, b->n, sizeof(*list));

	if (!list)
		return -RIMG_E_NOMEM;
	b->list = list;
	list[b->n++] = (struct branch){ .hash = hash, .ptr = *ptr };
	return 0;
}

/* The value that marks unused slots is no hash. */
static uint32_t name_hash(const struct plan_node *node)
{
	uint32_t hash = (uint32_t)seahash(node->name, node->name_len);

	return hash == REDOXFS_HTREE_UNUSED ? REDOXFS_HTREE_UNUSED - 1 : hash;
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	uint32_t len =
		a->node->name_len < b->node->name_len ? a->node->name_len : b->node->name_len;
	int order;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	order = memcmp(a->node->name, b->node->name, len);
	if (order != 0)
		return order;
	return (a->node->name_len > b->node->name_len) - (a->node->name_len < b->node->name_len);
}

static size_t entry_len(const struct plan_node *node)
{
	return REDOXFS_DIRENT_HEADER + node->name_len;
}

/* One DirList from entries[*next] on; *next goes behind the last one that fitted. */
static int place_list(struct emission *e, const struct entry *entries, size_t n, size_t *next,
		      struct redoxfs_ptr *ret, struct rimg_error *err)
{
	uint8_t block[REDOXFS_BLOCK] = { 0 };
	struct wr w = wr_init(block, sizeof(block));
	size_t first = *next, used;

	while (*next < n && w.pos + entry_len(entries[*next].node) <= REDOXFS_DIRLIST_COUNT_OFF) {
		const struct plan_node *node = entries[(*next)++].node;

		wr_le32(&w, emission_id(plan_owner(node)->id));
		wr_u8(&w, (uint8_t)node->name_len);
		wr_bytes(&w, node->name, node->name_len);
	}
	used = w.pos;
	wr_seek(&w, REDOXFS_DIRLIST_COUNT_OFF);
	wr_le16(&w, (uint16_t)(*next - first));
	wr_le16(&w, (uint16_t)used);
	return emission_place(e, block, ret, err);
}

/* The level above: each block holds up to REDOXFS_HTREE_SLOTS branches. */
static int place_level(struct emission *e, const struct branches *below, struct branches *above,
		       struct rimg_error *err)
{
	for (size_t i = 0; i < below->n;) {
		uint8_t block[REDOXFS_BLOCK] = { 0 };
		struct wr w = wr_init(block, sizeof(block));
		struct redoxfs_ptr ptr, null = { 0 };
		uint32_t hash = 0;
		int rc;

		for (unsigned slot = 0; slot < REDOXFS_HTREE_SLOTS; slot++) {
			bool used = i < below->n;

			wr_le32(&w, used ? below->list[i].hash : REDOXFS_HTREE_UNUSED);
			wr_ptr(&w, used ? &below->list[i].ptr : &null);
			if (used)
				hash = below->list[i++].hash;
		}
		rc = emission_place(e, block, &ptr, err);
		if (rc == 0 && add_branch(above, hash, &ptr) < 0)
			rc = error_nomem(err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* The directory's own pointers: a marker that carries the number of hash levels, then the root. */
static void fill_body(struct body *body, unsigned n_levels, const struct redoxfs_ptr *root,
		      size_t n_blocks)
{
	struct wr w = wr_init(body->data, sizeof(body->data));

	wr_le64(&w, ~UINT64_C(15) | n_levels);
	wr_le64(&w, UINT64_MAX);
	wr_ptr(&w, root);
	body->size = (uint64_t)n_blocks * REDOXFS_BLOCK;
	body->blocks = 1 + n_blocks;
}

static int place_tree(struct emission *e, const struct entry *entries, size_t n, struct body *body,
		      struct rimg_error *err)
{
	auto_branches struct branches level = { 0 };
	size_t n_blocks = 0;
	unsigned n_levels = 0;

	for (size_t next = 0; next < n;) {
		struct redoxfs_ptr ptr;
		int rc = place_list(e, entries, n, &next, &ptr, err);

		if (rc == 0 && add_branch(&level, entries[next - 1].hash, &ptr) < 0)
			rc = error_nomem(err);
		if (rc < 0)
			return rc;
	}
	n_blocks = level.n;
	while (level.n > 1) {
		struct branches above = { 0 };
		int rc = place_level(e, &level, &above, err);

		branches_done(&level);
		level = above;
		if (rc < 0)
			return rc;
		n_blocks += level.n;
		n_levels++;
	}
	fill_body(body, n_levels, &level.list[0].ptr, n_blocks);
	return 0;
}

int emission_dir(struct emission *e, const struct plan_node *dir, struct body *body,
		 struct rimg_error *err)
{
	auto_free struct entry *entries = NULL;
	size_t total = 0;

	*body = (struct body){ .blocks = 1 };
	if (dir->n_children == 0)
		return 0;
	entries = calloc(dir->n_children, sizeof(*entries));
	if (!entries)
		return error_nomem(err);
	for (uint32_t i = 0; i < dir->n_children; i++) {
		entries[i].node = dir->children[i];
		entries[i].hash = name_hash(dir->children[i]);
		total += entry_len(dir->children[i]);
	}
	if (total > REDOXFS_DIRLIST_COUNT_OFF)
		qsort(entries, dir->n_children, sizeof(*entries), compare_entries);
	return place_tree(e, entries, dir->n_children, body, err);
}
