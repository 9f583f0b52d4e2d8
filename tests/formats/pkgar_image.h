/* SPDX-License-Identifier: MIT */
#ifndef TEST_PKGAR_IMAGE_H
#define TEST_PKGAR_IMAGE_H

/* What the tests of packages share: packages made and signed here. Include "test.h" first. */

#include <lzma.h>
#include <openssl/evp.h>

#include "core/num.h"
#include "core/wr.h"
#include "formats/pkgar.h"

#include "nodes.h"

static inline struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "pkgar");
}

/* ---- packages made here --------------------------------------------------------------------- */

#define FILE_MODE (PKGAR_KIND_FILE | 0644)
#define LINK_MODE (PKGAR_KIND_SYMLINK | 0777)

struct member {
	const char *path;
	uint32_t mode;
	const void *data;
	size_t len;
};

struct archive {
	uint8_t *data;
	size_t len;
	size_t n;
	size_t content[8]; /* where the contents of the first members begin */
};

static inline size_t entry_at(size_t i)
{
	return PKGAR_HEADER_LEN + i * PKGAR_ENTRY_LEN;
}

static inline size_t pack(uint8_t *to, size_t cap, const void *data, size_t len)
{
	lzma_options_lzma options;
	lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA2, .options = &options },
				  { .id = LZMA_VLI_UNKNOWN } };
	struct wr w = wr_init(to, 8);
	size_t pos = 8;

	wr_le64(&w, len);
	assert_false(lzma_lzma_preset(&options, 1));
	assert_int_equal(lzma_raw_buffer_encode(filters, NULL, data, len, to, &pos, cap), LZMA_OK);
	return pos;
}

static inline void put(struct archive *a, size_t off, size_t len, uint64_t value)
{
	assert_in_range(off + len, 0, a->len);
	for (size_t i = 0; i < len; i++)
		a->data[off + i] = (uint8_t)(value >> (8 * i));
}

static inline EVP_PKEY *test_key(void)
{
	static const uint8_t seed[32] = "thirty-two bytes of no secret...";
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));

	assert_non_null(key);
	return key;
}

/* Sign the header as it is. */
static inline void sign(struct archive *a)
{
	EVP_PKEY *key = test_key();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 64, key_len = 32;

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, a->data + 64, &key_len), 1);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, a->data, &len, a->data + 64, 72), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/* Make table hash and signature right again. */
static inline void seal(struct archive *a)
{
	blake3_bytes(a->data + PKGAR_HEADER_LEN, a->n * PKGAR_ENTRY_LEN,
		     a->data + PKGAR_TABLE_HASH_OFF);
	sign(a);
}

static inline void set_path(struct archive *a, size_t i, const void *path, size_t len)
{
	uint8_t *to = a->data + entry_at(i) + PKGAR_PATH_OFF;

	assert_in_range(len, 0, PKGAR_PATH_LEN);
	memset(to, 0, PKGAR_PATH_LEN);
	memcpy(to, path, len);
}

static inline struct archive make_archive(const struct member *members, size_t n, bool packed)
{
	struct archive a = { .n = n };
	size_t cap = entry_at(n), end = entry_at(n);

	for (size_t i = 0; i < n; i++)
		cap += members[i].len + members[i].len / 2 + 4096;
	a.data = calloc(1, cap);
	assert_non_null(a.data);
	a.len = cap;
	put(&a, PKGAR_COUNT_OFF, 4, n);
	put(&a, PKGAR_PACKAGING_OFF, 1, packed);
	for (size_t i = 0; i < n; i++) {
		const struct member *m = &members[i];
		size_t len = m->len;

		blake3_bytes(m->data, m->len, a.data + entry_at(i));
		if (packed)
			len = pack(a.data + end, cap - end, m->data, m->len);
		else if (len > 0)
			memcpy(a.data + end, m->data, len);
		if (i < ARRAY_LEN(a.content))
			a.content[i] = end;
		put(&a, entry_at(i) + PKGAR_OFFSET_OFF, 8, end - entry_at(n));
		put(&a, entry_at(i) + PKGAR_STORED_OFF, 8, len);
		put(&a, entry_at(i) + PKGAR_MODE_OFF, 4, m->mode);
		set_path(&a, i, m->path, strlen(m->path));
		end += len;
	}
	a.len = end;
	seal(&a);
	return a;
}

static const struct member small[] = {
	{ "bin/tool", PKGAR_KIND_FILE | 0755, "the bytes of a tool, tool, tool, tool", 37 },
	{ "etc/empty", FILE_MODE, "", 0 },
	{ "etc/link", LINK_MODE, "../bin/tool", 11 },
	{ "etc/words", FILE_MODE, "words words words words", 23 },
};

static inline struct archive make_small(bool packed)
{
	return make_archive(small, ARRAY_LEN(small), packed);
}

/* The node of a member, or NULL. */
static inline struct rimg_node *find_member(struct test_image *t, const struct member *m)
{
	char steps[300];

	snprintf(steps, sizeof(steps), "/%s", m->path);
	return rimg_image_find(t->image, steps, NULL);
}

static inline void assert_holds(struct test_image *t, const struct member *m)
{
	struct rimg_node *node = find_member(t, m);
	size_t len;
	uint8_t *data;

	if (!node)
		fail_msg("there is no %s", m->path);
	data = test_read_node(node, &len);
	assert_int_equal(len, m->len);
	assert_memory_equal(data, m->data, len);
	free(data);
}

static inline void free_archive(struct archive *a)
{
	free(a->data);
	a->data = NULL;
}

/* ---- defects --------------------------------------------------------------------------------- */

/* Of @code, about @node or, if that is "", the layer. */
static inline const struct finding *finding_about(const struct rimg_layer *l, const char *code,
						  const struct rimg_node *node)
{
	for (size_t i = 0; i < l->n_findings; i++)
		if (strcmp(l->findings[i].code, code) == 0 && l->findings[i].node == node)
			return &l->findings[i];
	return NULL;
}

#endif
