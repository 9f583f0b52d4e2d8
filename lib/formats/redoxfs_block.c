/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "core/num.h"
#include "core/seahash.h"
#include "formats/redoxfs_read.h"

/* Pointers, and the blocks of metadata that they lead to. */

struct redoxfs_ptr redoxfs_ptr_read(struct rd *r)
{
	struct redoxfs_ptr p;

	p.addr = rd_le64(r);
	p.hash = rd_le64(r);
	return p;
}

void redoxfs_check_nulls(struct redoxfs *fs, struct rimg_node *node, const uint8_t *first,
			 uint64_t off, size_t stride, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rd r = rd_init(first + i * stride, REDOXFS_PTR_LEN, 0);
		struct redoxfs_ptr p = redoxfs_ptr_read(&r);

		if (!redoxfs_ptr_null(p) || (p.addr == 0 && p.hash == 0))
			continue;
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.padding", node, off + i * stride,
			      REDOXFS_PTR_LEN,
			      "expected zeros in a pointer that leads nowhere, found address "
			      "%" PRIx64 " and hash %016" PRIx64,
			      p.addr, p.hash);
		return;
	}
}

uint64_t redoxfs_off(const struct redoxfs *fs, uint64_t index)
{
	return fs->ring_off + index * REDOXFS_BLOCK;
}

const char *redoxfs_key_text(struct redoxfs *fs, const char *what, size_t i, const char *part)
{
	return arena_printf(&fs->l->arena, "%s[%zu] %s", what, i, part);
}

int redoxfs_raw_pointers(struct redoxfs *fs, struct rimg_node *node, const char *addresses,
			 const char *hashes, uint64_t off, uint32_t stride, uint32_t n)
{
	if (!addresses || !hashes ||
	    attr_add_raw(fs->l, node, addresses, RIMG_CAUSE_PLACEMENT, PLACES(off, 8, stride, n)) <
		    0 ||
	    attr_add_raw(fs->l, node, hashes, RIMG_CAUSE_CHECKSUM, PLACES(off + 8, 8, stride, n)) <
		    0)
		return -RIMG_E_NOMEM;
	return 0;
}

int redoxfs_read(struct redoxfs *fs, struct rimg_node *node, uint64_t index,
		 uint8_t buf[REDOXFS_BLOCK])
{
	struct rimg_layer *l = fs->l;
	uint64_t off = redoxfs_off(fs, index);
	struct rimg_error why = { 0 };
	int rc;

	if (fs->data == l->src || l->budget < REDOXFS_BLOCK) {
		rc = layer_read(l, off, buf, REDOXFS_BLOCK, &why);
	} else {
		l->budget -= REDOXFS_BLOCK;
		rc = rimg_source_read(fs->data, off, buf, REDOXFS_BLOCK, &why);
	}
	if (rc == 0)
		return 1;
	if (rc == -RIMG_E_BAD || rc == -RIMG_E_TRUNCATED) {
		/* the volume lies in something that is damaged itself */
		layer_finding(l, SEVERITY_ERROR, "redoxfs.block-unreadable", node, off,
			      REDOXFS_BLOCK,
			      "expected a block to read, found damage to what the volume is stored "
			      "in: %s",
			      why.text);
		fs->incomplete = true;
		return 0;
	}
	if (fs->err)
		*fs->err = why;
	return rc;
}

static void bad_pointer(struct redoxfs *fs, const struct redoxfs_ref *ref, const char *code,
			const char *expected)
{
	fs->incomplete = true;
	if (ref->doubtful)
		return;
	layer_finding(fs->l, SEVERITY_ERROR, code, ref->node, ref->place, REDOXFS_PTR_LEN,
		      "expected %s in the pointer to the %s, found block %" PRIu64
		      ", level %u, unpacked level %u",
		      expected, ref->what, redoxfs_ptr_index(ref->ptr), redoxfs_ptr_level(ref->ptr),
		      redoxfs_ptr_packed(ref->ptr));
}

static bool level_ok(const struct redoxfs_ref *ref, bool record)
{
	unsigned level = redoxfs_ptr_level(ref->ptr), packed = redoxfs_ptr_packed(ref->ptr);

	if (!record)
		return level == 0 && packed == 0;
	return level <= REDOXFS_LEVEL_MAX && packed <= REDOXFS_LEVEL_MAX &&
	       (packed == 0 || packed > level);
}

/* Facts: docs/formats/redoxfs.md, "Pointers". */
static bool pointer_ok(struct redoxfs *fs, const struct redoxfs_ref *ref, bool record)
{
	uint64_t index = redoxfs_ptr_index(ref->ptr), n;
	char expected[96];

	if (!level_ok(ref, record)) {
		bad_pointer(fs, ref, "redoxfs.pointer-level",
			    record ? "a level of at most 5, and 0 or more unpacked" : "level 0");
		return false;
	}
	n = UINT64_C(1) << redoxfs_ptr_level(ref->ptr);
	if (index < REDOXFS_RING || !num_in_range(index, n, fs->size_blk)) {
		snprintf(expected, sizeof(expected), "blocks from %d to %" PRIu64, REDOXFS_RING,
			 fs->size_blk - 1);
		bad_pointer(fs, ref, "redoxfs.pointer-range", expected);
		return false;
	}
	if (!num_in_range(index, n, fs->n_blk)) {
		snprintf(expected, sizeof(expected), "one of the %" PRIu64 " blocks of the image",
			 fs->n_blk);
		bad_pointer(fs, ref, "redoxfs.block-missing", expected);
		return false;
	}
	return true;
}

void redoxfs_check_unfree(struct redoxfs *fs, struct rimg_node *node, const char *what,
			  uint64_t index, uint64_t n)
{
	if (!fs->alloc_sound || blockset_count(&fs->free, index, n) == 0)
		return;
	layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.block-free", node, redoxfs_off(fs, index),
		      n * REDOXFS_BLOCK,
		      "expected the %s at block %" PRIu64 " in use, found it free in the alloc log",
		      what, index);
}

/* 1: the blocks are now this reference's; 0: another reference has led to them before. */
static int take(struct redoxfs *fs, const struct redoxfs_ref *ref)
{
	uint64_t index = redoxfs_ptr_index(ref->ptr);
	uint64_t n = UINT64_C(1) << redoxfs_ptr_level(ref->ptr);

	if (blockset_count(&fs->seen, index, n) > 0) {
		fs->incomplete = true;
		if (!ref->doubtful)
			layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.block-shared", ref->node,
				      ref->place, REDOXFS_PTR_LEN,
				      "expected the %s in blocks of its own, found block %" PRIu64
				      " in use for something else",
				      ref->what, index);
		return 0;
	}
	redoxfs_check_unfree(fs, ref->node, ref->what, index, n);
	return blockset_put(&fs->seen, index, n, true) < 0 ? -RIMG_E_NOMEM : 1;
}

int redoxfs_take_record(struct redoxfs *fs, const struct redoxfs_ref *ref, bool *ret_shared)
{
	int rc;

	*ret_shared = false;
	if (!pointer_ok(fs, ref, true))
		return 0;
	rc = take(fs, ref);
	*ret_shared = rc == 0;
	return rc < 0 ? rc : 1;
}

int redoxfs_block(struct redoxfs *fs, const struct redoxfs_ref *ref, uint8_t buf[REDOXFS_BLOCK])
{
	uint64_t index = redoxfs_ptr_index(ref->ptr), found;
	int rc;

	if (!pointer_ok(fs, ref, false))
		return BLOCK_BAD;
	/* what a doubtful pointer leads to is only believed with its hash, so look before taking */
	if (ref->doubtful) {
		rc = redoxfs_read(fs, ref->node, index, buf);
		if (rc <= 0)
			return rc;
		if (seahash(buf, REDOXFS_BLOCK) != ref->ptr.hash)
			return BLOCK_BAD;
	}
	rc = take(fs, ref);
	if (rc <= 0)
		return rc;
	if (ref->doubtful)
		return BLOCK_GOOD;
	rc = redoxfs_read(fs, ref->node, index, buf);
	if (rc <= 0)
		return rc;
	found = seahash(buf, REDOXFS_BLOCK);
	if (found == ref->ptr.hash)
		return BLOCK_GOOD;
	layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.block-hash", ref->node,
		      redoxfs_off(fs, index), REDOXFS_BLOCK,
		      "expected seahash %016" PRIx64 " of the %s, found %016" PRIx64, ref->ptr.hash,
		      ref->what, found);
	fs->incomplete = true;
	return BLOCK_DOUBTFUL;
}
