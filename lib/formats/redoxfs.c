/* SPDX-License-Identifier: MIT */
#include "formats/redoxfs.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/num.h"
#include "formats/redoxfs_read.h"

/* A RedoxFS volume, in blocks of 4096 bytes:
 *
 *     reserved     a boot loader; usually nothing
 *     ring         256 slots for headers; the newest one is in use
 *     256..        everything else, in any order:
 *                  the node tree: inode number -> inode; inodes, their record lists and records;
 *                  DirLists and htree blocks of directories; the alloc log; the release list;
 *                  free blocks; lost blocks
 *     tail         what the image has behind the size in the header
 *
 * Block numbers count from slot 0 of the ring. Facts: docs/formats/redoxfs.md. */

static void volume_done(void *arg)
{
	struct redoxfs *fs = arg;

	free(fs->inodes);
	free(fs->dirs);
	free(fs->records);
	free(fs->pieces);
	OPENSSL_cleanse(&fs->key, sizeof(fs->key));
}

static int sum_nodes(struct redoxfs *fs)
{
	struct rimg_layer *l = fs->l;
	uint64_t end = fs->ring_off + fs->n_blk * REDOXFS_BLOCK;
	uint64_t size = rimg_source_size(l->src);
	struct rimg_node *tail;

	fs->unused = layer_meta(l, l->root, "free");
	fs->unreachable = layer_meta(l, l->root, "unreachable");
	if (!fs->unused || !fs->unreachable)
		return -RIMG_E_NOMEM;
	fs->unused->cause = fs->unreachable->cause = RIMG_CAUSE_FREE_SPACE;
	/* a volume smaller than its ring ends with the ring all the same */
	end = num_max(end, fs->ring_off + REDOXFS_RING * REDOXFS_BLOCK);
	if (end >= size)
		return 0;
	tail = layer_meta(l, l->root, "tail");
	if (!tail)
		return -RIMG_E_NOMEM;
	tail->cause = RIMG_CAUSE_FREE_SPACE;
	return layer_claim(l, tail, end, size - end, "tail", RIMG_CAUSE_FREE_SPACE);
}

static int read_volume(struct redoxfs *fs)
{
	struct arena *a = &fs->l->arena;
	int rc;

	if (blockset_init(&fs->seen, a, fs->n_blk) < 0 ||
	    blockset_init(&fs->free, a, fs->n_blk) < 0)
		return -RIMG_E_NOMEM;
	rc = redoxfs_ring_nodes(fs);
	if (rc == 0)
		rc = redoxfs_alloc_read(fs);
	if (rc == 0)
		rc = redoxfs_tree_read(fs);
	if (rc == 0)
		rc = redoxfs_release_read(fs);
	if (rc == 0)
		rc = sum_nodes(fs);
	if (rc == 0)
		rc = redoxfs_walk(fs);
	return rc < 0 ? rc : redoxfs_claim_rest(fs);
}

/**
 * redoxfs_open - read a volume: ring, alloc log, node tree, directories, all inodes
 *
 * Offsets are bytes of the layer; block numbers count from slot 0 of the ring; times are seconds
 * and nanoseconds since 1970 UTC. Facts: docs/formats/redoxfs.md.
 */
static int redoxfs_open(struct rimg_layer *l, struct rimg_error *err)
{
	struct redoxfs *fs = arena_alloc(&l->arena, sizeof(*fs));
	int rc;

	if (!fs || !arena_defer(&l->arena, volume_done, fs))
		return -RIMG_E_NOMEM;
	fs->l = l;
	fs->err = err;
	fs->data = l->src;
	rc = redoxfs_ring_open(fs);
	if (rc > 0 && fs->head.encrypted)
		rc = redoxfs_unlock(fs);
	if (rc <= 0)
		return rc;
	l->priv = fs;
	rc = read_volume(fs);
	fs->err = NULL;
	return rc;
}

RIMG_FORMAT(redoxfs) = {
	.name = "redoxfs",
	.facts = "docs/formats/redoxfs.md",
	.probe = redoxfs_probe,
	.open = redoxfs_open,
	.check = redoxfs_check,
	.reads_contents = true,
};
