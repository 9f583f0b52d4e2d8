/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/digests.h"
#include "core/str.h"

static void assert_hex(const void *bytes, size_t len, const char *expected)
{
	auto_str struct str s = { 0 };

	str_add_hex(&s, bytes, len);
	assert_string_equal(str_cstr(&s), expected);
}

static void assert_digests(const void *data, size_t len, const char *sha1, const char *sha256,
			   const char *blake3)
{
	struct rimg_source *src = rimg_source_open_memory(data, len, "memory");
	struct rimg_error err;
	struct digests d;

	assert_non_null(src);
	if (digests_source(src, &d, &err) < 0)
		test_fail_error("digests", &err);
	assert_hex(d.sha1, SHA1_LEN, sha1);
	assert_hex(d.sha256, SHA256_LEN, sha256);
	assert_hex(d.blake3, BLAKE3_LEN, blake3);
	rimg_source_free(src);
}

/* FIPS 180-4's examples; BLAKE3's own vector for no input, b3sum's output for the others */
static void digests_are_those_that_are_published(void **state)
{
	(void)state;
	assert_digests("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
		       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		       "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
	assert_digests("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d",
		       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		       "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
}

static void a_million_letters_are_read_in_pieces(void **state)
{
	size_t len = 3000000;
	uint8_t *data = malloc(len), sha1[SHA1_LEN];
	struct rimg_source *src;
	struct rimg_error err;
	struct digests d;

	(void)state;
	assert_non_null(data);
	memset(data, 'a', len);
	assert_int_equal(digests_sha1(data, 1000000, sha1, &err), 0);
	assert_hex(sha1, SHA1_LEN, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	/* the same bytes at once and in pieces */
	src = rimg_source_open_memory(data, len, "memory");
	assert_int_equal(digests_source(src, &d, &err), 0);
	assert_int_equal(digests_sha1(data, len, sha1, &err), 0);
	assert_memory_equal(d.sha1, sha1, SHA1_LEN);
	rimg_source_free(src);
	free(data);
}

static int fail_to_read(const void *ctx, uint64_t off, void *buf, size_t len,
			struct rimg_error *err)
{
	(void)ctx;
	(void)off;
	(void)buf;
	(void)len;
	err->code = RIMG_E_IO;
	return -RIMG_E_IO;
}

static void what_cannot_be_read_has_no_digests(void **state)
{
	struct rimg_error err = { 0 };
	struct digests d;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(digests_source(source_custom(&a, 10, "x", fail_to_read, NULL), &d, &err),
			 -RIMG_E_IO);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_that_are_published),
		cmocka_unit_test(a_million_letters_are_read_in_pieces),
		cmocka_unit_test(what_cannot_be_read_has_no_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
