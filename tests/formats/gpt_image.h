/* SPDX-License-Identifier: MIT */
#ifndef TEST_GPT_IMAGE_H
#define TEST_GPT_IMAGE_H

/* What the tests of partition tables share: golden/disk-sgdisk, to be changed. Include "test.h"
 * first. */

#include "core/crc32.h"
#include "core/str.h"

#include "nodes.h"

#define SECTOR  ((size_t)512)
#define SECTORS 131072
#define SIZE    (SECTORS * SECTOR)

/* offsets in the disk */
#define PRIMARY        SECTOR
#define ENTRIES        (2 * SECTOR)
#define BACKUP_ENTRIES ((SECTORS - 33) * SECTOR)
#define BACKUP         ((SECTORS - 1) * SECTOR)
#define ENTRIES_LEN    16384

static uint8_t *disk; /* a copy of golden/disk-sgdisk, as it is before each test */
static uint8_t *clean;

static inline int load_disk(void **state)
{
	size_t len;

	(void)state;
	clean = test_load(test_image_path("disk-sgdisk"), &len);
	disk = malloc(SIZE);
	return len == SIZE && disk ? 0 : -1;
}

static inline int free_disk(void **state)
{
	(void)state;
	free(clean);
	free(disk);
	return 0;
}

static inline int restore_disk(void **state)
{
	(void)state;
	memcpy(disk, clean, SIZE);
	return 0;
}

static inline void put(size_t off, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		disk[off + i] = (uint8_t)(value >> 8 * i);
}

static inline void fix_header(size_t header, size_t len)
{
	put(header + 16, 0, 4);
	put(header + 16, crc32_update(0, disk + header, len), 4);
}

static inline struct rimg_layer *open_layer(struct test_image *t)
{
	return layer_of(t->node, "gpt");
}

/* Opens and checks the disk in memory. */
static inline struct test_image open_disk(void)
{
	struct test_image t = test_open_bytes(disk, SIZE);
	struct rimg_layer *l = open_layer(&t);

	if (!l->unreadable)
		run_check(l);
	return t;
}

static inline void assert_attr(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = node_attr(node, key);
	auto_str struct str s = { 0 };

	if (!a)
		fail_msg("%s: no attribute %s", node->name, key);
	attr_format(&s, a);
	assert_string_equal(str_cstr(&s), expected);
}

/* Every byte has an owner that the format named. */
static inline void assert_no_gaps(const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
}

/* ---- one rule broken at a time ------------------------------------------------------------- */

#define ERROR   SEVERITY_ERROR
#define WARNING SEVERITY_WARNING

#define PRIMARY_ENTRY(n) (ENTRIES + ((n)-1) * 128)

/* A finding of that code, node and severity, about byte @at. */
static inline bool found(const struct rimg_image *image, const char *code, const char *node,
			 enum severity severity, uint64_t at)
{
	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		for (size_t i = 0; i < l->n_findings; i++) {
			const struct finding *f = &l->findings[i];

			if (strcmp(f->code, code) == 0 && strcmp(f->node->name, node) == 0 &&
			    f->severity == severity && at - f->off < f->len)
				return true;
		}
	}
	return false;
}

/* ---- helpers for others -------------------------------------------------------------------- */

#define test(f_) cmocka_unit_test_setup(f_, restore_disk)

#endif
