/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAT_IMAGE_H
#define TEST_FAT_IMAGE_H

/* What the tests of FAT share: the EFI partitions of the golden disks, to be changed. Include
 * "test.h" first. */

#include "core/num.h"
#include "core/str.h"

#include "nodes.h"

#define ESP_OFF  ((size_t)1 << 20)
#define ESP_SIZE ((size_t)1 << 20)

/* of mkfs.fat and mtools: FAT12, clusters of 2048 bytes, no long names */
#define SGDISK_FAT0       0x200U
#define SGDISK_FAT1       0x600U
#define SGDISK_ROOT       0xa00U
#define SGDISK_CLUSTER(c) (0x4a00U + ((c)-2) * 2048U)
#define DIRENT_EFI        SGDISK_ROOT
#define DIRENT_BOOT       (SGDISK_CLUSTER(2) + 64)
#define DIRENT_FILE       (SGDISK_CLUSTER(3) + 64)

/* of fatfs: FAT12, clusters of 512 bytes, a long name before every entry */
#define INSTALLER_ROOT       0x1a00U
#define INSTALLER_CLUSTER(c) (0x5a00U + ((c)-2) * 512U)
#define LONG_FILE            (INSTALLER_CLUSTER(3) + 128) /* then its short entry */

static uint8_t *golden[2]; /* EFI partitions as they are: sgdisk's, installer's */
static uint8_t *esp;       /* the one under test */

enum base { SGDISK, INSTALLER };

static inline int load(void **state)
{
	static const char *const disks[] = { "disk-sgdisk", "disk-installer" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		size_t len;
		uint8_t *disk = test_load(test_image_path(disks[i]), &len);

		assert_true(len > ESP_OFF + ESP_SIZE);
		golden[i] = malloc(ESP_SIZE);
		assert_non_null(golden[i]);
		memcpy(golden[i], disk + ESP_OFF, ESP_SIZE);
		free(disk);
	}
	esp = malloc(ESP_SIZE);
	return esp ? 0 : -1;
}

static inline int unload(void **state)
{
	(void)state;
	free(golden[SGDISK]);
	free(golden[INSTALLER]);
	free(esp);
	return 0;
}

static inline void use(enum base base)
{
	memcpy(esp, golden[base], ESP_SIZE);
}

static inline void put(size_t off, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		esp[off + i] = (uint8_t)(value >> 8 * i);
}

/* Sets a FAT12 entry of one table of sgdisk's. */
static inline void put_fat(size_t table, unsigned cluster, unsigned value)
{
	size_t at = table + cluster + cluster / 2;
	unsigned old = esp[at] | (unsigned)esp[at + 1] << 8;

	value = cluster & 1 ? (old & 0x000f) | value << 4 : (old & 0xf000) | value;
	put(at, value, 2);
}

static inline void put_fats(unsigned cluster, unsigned value)
{
	put_fat(SGDISK_FAT0, cluster, value);
	put_fat(SGDISK_FAT1, cluster, value);
}

static inline struct rimg_layer *open_layer(struct test_image *t)
{
	return layer_of(t->node, "fat");
}

static inline struct test_image open_bytes(const uint8_t *data, size_t len)
{
	struct test_image t = test_open_bytes(data, len);
	struct rimg_layer *l = open_layer(&t);

	if (!l->unreadable)
		run_check(l);
	return t;
}

static inline struct test_image open_esp(void)
{
	return open_bytes(esp, ESP_SIZE);
}

static inline void assert_attr(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = node_attr(node, key);
	auto_str struct str s = { 0 };

	if (!a)
		fail_msg("%s: no attribute %s", node->name, key);
	attr_format(&s, a);
	if (strcmp(str_cstr(&s), expected) != 0)
		fail_msg("%s of %s: expected %s, found %s", key, node->name, expected,
			 str_cstr(&s));
}

static inline void assert_no_gaps(const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
}

/* The claim over byte @off. */
static inline const struct claim *claim_of(const struct rimg_layer *l, uint64_t off)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		if (off - l->claims[i].off < l->claims[i].len)
			return &l->claims[i];
	}
	fail_msg("byte %llu is claimed by nobody", (unsigned long long)off);
	abort();
}

static inline void assert_claim(const struct rimg_layer *l, uint64_t off, const char *node,
				const char *what, enum rimg_cause cause)
{
	const struct claim *c = claim_of(l, off);

	assert_string_equal(c->node->name, node);
	assert_string_equal(c->what, what);
	assert_string_equal(rimg_cause_name(c->cause), rimg_cause_name(cause));
}

/* ---- golden volumes ------------------------------------------------------------------------ */

struct expected {
	const char *node; /* NULL: the layer's root; else below it */
	const char *key, *value;
};

/* ---- one rule broken at a time ------------------------------------------------------------- */

#define ERROR   SEVERITY_ERROR
#define WARNING SEVERITY_WARNING

/* A finding of that code, node and severity, about byte @at if that is not NOWHERE. */
#define NOWHERE SIZE_MAX
static inline bool found(const struct rimg_layer *l, const char *code, const char *node,
			 enum severity severity, size_t at)
{
	for (size_t i = 0; i < l->n_findings; i++) {
		const struct finding *f = &l->findings[i];

		if (strcmp(f->code, code) == 0 && strcmp(f->node->name, node) == 0 &&
		    f->severity == severity && (at == NOWHERE || at - f->off < f->len))
			return true;
	}
	return false;
}

#endif
