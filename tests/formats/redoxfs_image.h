/* SPDX-License-Identifier: MIT */
#ifndef TEST_REDOXFS_IMAGE_H
#define TEST_REDOXFS_IMAGE_H

/* RedoxFS volumes in memory that tests change: every hash above a change is made right again, so
 * that just the one thing is wrong. Include "test.h" first. */

#include <endian.h>

#include "core/seahash.h"
#include "core/str.h"
#include "core/wr.h"
#include "formats/redoxfs.h"

#include "nodes.h"

/* ---- volumes in memory --------------------------------------------------------------------- */

struct volume {
	uint8_t *data;
	size_t len;
};

/** volume_load - a golden image to change; volume_free() it */
static inline struct volume volume_load(const char *name)
{
	struct volume v;

	v.data = test_load(test_image_path(name), &v.len);
	return v;
}

static inline void volume_free(struct volume *v)
{
	free(v->data);
}

static inline uint64_t volume_get(const struct volume *v, uint64_t off, size_t n)
{
	struct rd r = rd_init(v->data, v->len, 0);
	uint64_t value;

	rd_seek(&r, off);
	value = rd_le(&r, n);
	assert_false(r.failed);
	return value;
}

/* Does the pointer at @p lead to this block, with this hash? */
static inline bool volume_is_pointer(const uint8_t *p, uint64_t block, uint64_t hash)
{
	uint64_t words[2];

	memcpy(words, p, sizeof(words));
	return le64toh(words[0]) >> REDOXFS_PTR_INDEX_SHIFT == block && le64toh(words[1]) == hash;
}

static inline void volume_fix_header(struct volume *v, size_t block)
{
	uint8_t *h = v->data + block * REDOXFS_BLOCK;
	uint64_t hash = seahash(h, REDOXFS_HEADER_CIPHERED_OFF);
	struct wr w = wr_init(h + REDOXFS_HEADER_CIPHERED_OFF, 24);

	wr_le64(&w, hash);
	wr_le64(&w, 0);
	wr_le64(&w, hash);
}

/* Change bytes of what lies at @start, 4096 << level bytes, and every pointer to it. As deep as the
 * structures of a volume are stacked. */
static inline void volume_write_record(struct volume *v, size_t start, unsigned level, size_t off,
				       const void *bytes, size_t len)
{
	size_t size = (size_t)REDOXFS_BLOCK << level, block = start / REDOXFS_BLOCK;
	uint64_t old, now;

	assert_true(start + size <= v->len && off + len <= size);
	old = seahash(v->data + start, size);
	memcpy(v->data + start + off, bytes, len);
	if (block < REDOXFS_RING) {
		volume_fix_header(v, block);
		return;
	}
	now = seahash(v->data + start, size);
	for (size_t pos = 0; pos + REDOXFS_PTR_LEN <= v->len; pos += 4) {
		uint8_t hash[8];
		struct wr w = wr_init(hash, sizeof(hash));
		size_t in = pos % REDOXFS_BLOCK + 8;

		if (in + 8 > REDOXFS_BLOCK || !volume_is_pointer(v->data + pos, block, old))
			continue;
		wr_le64(&w, now);
		volume_write_record(v, pos - pos % REDOXFS_BLOCK, 0, in, hash, sizeof(hash));
	}
}

/** volume_write - change bytes at an offset of the volume, within one block */
static inline void volume_write(struct volume *v, size_t off, const void *bytes, size_t len)
{
	volume_write_record(v, off - off % REDOXFS_BLOCK, 0, off % REDOXFS_BLOCK, bytes, len);
}

/** volume_put - change a little-endian number of @n bytes */
static inline void volume_put(struct volume *v, size_t off, size_t n, uint64_t value)
{
	uint8_t bytes[8];
	struct wr w = wr_init(bytes, sizeof(bytes));

	wr_le64(&w, value);
	volume_write(v, off, bytes, n);
}

/** volume_header - offset of the newest valid header */
static inline size_t volume_header(const struct volume *v)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < REDOXFS_RING; i++) {
		size_t off = i * REDOXFS_BLOCK;
		const uint8_t *h = v->data + off;

		if (memcmp(h, REDOXFS_SIGNATURE, REDOXFS_SIGNATURE_LEN) != 0 ||
		    volume_get(v, off + REDOXFS_HEADER_HASH_OFF, 8) !=
			    seahash(h, REDOXFS_HEADER_CIPHERED_OFF))
			continue;
		if (best == SIZE_MAX ||
		    volume_get(v, off + REDOXFS_HEADER_GENERATION_OFF, 8) >
			    volume_get(v, best + REDOXFS_HEADER_GENERATION_OFF, 8))
			best = off;
	}
	assert_int_not_equal(best, SIZE_MAX);
	return best;
}

/** volume_follow - offset of what the pointer at @off leads to */
static inline size_t volume_follow(const struct volume *v, size_t off)
{
	uint64_t index = volume_get(v, off, 8) >> REDOXFS_PTR_INDEX_SHIFT;

	assert_int_not_equal(index, 0);
	return (size_t)index * REDOXFS_BLOCK;
}

/** volume_tree_slot - offset of the tree's pointer to inode @id */
static inline size_t volume_tree_slot(const struct volume *v, uint32_t id)
{
	size_t slot = volume_header(v) + REDOXFS_HEADER_TREE_OFF;

	for (unsigned level = REDOXFS_TREE_LEVELS; level > 0; level--)
		slot = volume_follow(v, slot) +
		       (size_t)(id >> (8 * (level - 1)) & 0xff) * REDOXFS_PTR_LEN;
	return slot;
}

/** volume_inode - offset of inode @id */
static inline size_t volume_inode(const struct volume *v, uint32_t id)
{
	return volume_follow(v, volume_tree_slot(v, id));
}

/** volume_pointer - offset of pointer @i of inode @id */
static inline size_t volume_pointer(const struct volume *v, uint32_t id, size_t i)
{
	return volume_inode(v, id) + REDOXFS_INODE_DATA_OFF + i * REDOXFS_PTR_LEN;
}

/** volume_free_block - add an entry to the alloc log */
static inline void volume_log(struct volume *v, uint64_t index, int64_t count)
{
	size_t log = volume_follow(v, volume_header(v) + REDOXFS_HEADER_ALLOC_OFF);
	size_t i = REDOXFS_ALLOC_ENTRIES;
	uint8_t entry[REDOXFS_ALLOC_ENTRY_LEN];
	struct wr w = wr_init(entry, sizeof(entry));

	/* behind the last entry in use */
	while (i > 0 &&
	       volume_get(v, log + REDOXFS_PTR_LEN + (i - 1) * REDOXFS_ALLOC_ENTRY_LEN + 8, 8) == 0)
		i--;
	assert_true(i < REDOXFS_ALLOC_ENTRIES);
	wr_le64(&w, index);
	wr_le64(&w, (uint64_t)count);
	volume_write(v, log + REDOXFS_PTR_LEN + i * REDOXFS_ALLOC_ENTRY_LEN, entry, sizeof(entry));
}

/* inodes of golden image tiny */
#define ROOT       1
#define ETC        2
#define BLOCK      3   /* /etc/block: one record of 4096 bytes */
#define INLINE     4   /* /etc/inline: 6 bytes */
#define WORDS      5   /* /etc/words: 40000 bytes in one packed record */
#define KERNEL     7   /* /boot/kernel: 9004 bytes in one record of 4 blocks */
#define MANY       9   /* /many: 300 files under an htree block */
#define FREE_BLOCK 600 /* nothing uses it */

/* ---- opening them -------------------------------------------------------------------------------
 */

struct opened {
	struct test_image image;
	struct rimg_layer *layer;
};

static inline struct opened open_changed(const struct volume *v)
{
	struct opened o = { .image = test_open_bytes(v->data, v->len) };
	struct rimg_error err;

	o.layer = layer_of(o.image.node, "redoxfs");
	if (!o.layer->unreadable && o.layer->format->check(o.layer, &err) < 0)
		test_fail_error("check", &err);
	return o;
}

static inline bool in_directories(const struct rimg_node *node)
{
	const struct rimg_layer *l = node->layer;

	while (node != l->root && node != l->top)
		node = node->parent;
	return node == l->top;
}

/* Opens, checks, expects one finding about @where ("" is the volume itself) and closes. */
static inline void expect(struct volume *v, const char *code, enum severity severity,
			  const char *where)
{
	struct opened o = open_changed(v);
	const struct finding *f = test_finding(o.layer->image, code);
	auto_str struct str path = { 0 };

	if (!f) {
		test_print_findings(o.layer->image, SEVERITY_WARNING);
		fail_msg("no finding %s", code);
	}
	assert_int_equal(f->severity, severity);
	if (in_directories(f->node))
		node_add_path(&path, f->node);
	else
		str_add(&path, f->node->name);
	assert_string_equal(str_cstr(&path), where);
	test_close(&o.image);
	volume_free(v);
}

/* Opens, checks, expects that all is well. */
static inline void expect_sound(struct volume *v)
{
	struct opened o = open_changed(v);

	assert_no_findings(o.layer->image);
	test_close(&o.image);
	volume_free(v);
}

#endif
