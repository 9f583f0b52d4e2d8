/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"

#include "random.h"

/* ---- SHA-256 -------------------------------------------------------------------------------- */

static void assert_hex(const uint8_t digest[SHA256_LEN], const char *want)
{
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(hex, want);
}

/* OpenSSL's, in a library context of the test's own. */
static OSSL_LIB_CTX *library;

static void plain_sha256(const void *data, size_t len, uint8_t ret[SHA256_LEN])
{
	assert_int_equal(EVP_Q_digest(library, "SHA256", NULL, data, len, ret, NULL), 1);
}

/* A host may configure OpenSSL to have no algorithms at all. */
static void no_configuration_decides_what_sha256_is(void **state)
{
	uint8_t digest[SHA256_LEN];

	(void)state;
	assert_null(EVP_MD_fetch(NULL, "SHA256", NULL));
	assert_int_equal(digest_bytes("abc", 3, digest, NULL), 0);
	assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180-4's example values for SHA-256, and that of the empty message */
static void examples_of_the_standard_come_out(void **state)
{
	static const struct {
		const char *text, *digest;
	} known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t digest[SHA256_LEN];
		struct rimg_source *src =
			rimg_source_open_memory(known[i].text, strlen(known[i].text), "text");

		assert_int_equal(digest_bytes(known[i].text, strlen(known[i].text), digest, NULL),
				 0);
		assert_hex(digest, known[i].digest);
		memset(digest, 0, sizeof(digest));
		assert_int_equal(digest_source(src, digest, NULL), 0);
		assert_hex(digest, known[i].digest);
		rimg_source_free(src);
	}
}

static void a_million_letters_have_the_value_of_the_standard(void **state)
{
	auto_free char *text = malloc(1000000);
	uint8_t digest[SHA256_LEN];

	(void)state;
	memset(text, 'a', 1000000);
	assert_int_equal(digest_bytes(text, 1000000, digest, NULL), 0);
	assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sources_longer_than_a_step_are_hashed_whole(void **state)
{
	static const size_t lens[] = { 1048575, 1048576, 1048577, 3 * 1048576, 3145733 };
	struct test_random rnd = test_random_start("digest");
	auto_free uint8_t *data = malloc(3145733);

	(void)state;
	test_random_fill(&rnd, data, 3145733);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct rimg_source *src = rimg_source_open_memory(data, lens[i], "data");
		uint8_t digest[SHA256_LEN], want[SHA256_LEN];

		assert_int_equal(digest_source(src, digest, NULL), 0);
		plain_sha256(data, lens[i], want);
		assert_memory_equal(digest, want, SHA256_LEN);
		rimg_source_free(src);
	}
}

/* Data at both ends of holes that begin and end within a step, at its edges, or fill several. */
static void holes_of_a_file_are_hashed_as_zeros(void **state)
{
	static const size_t data_at[] = { 0, 4096, 258048, 262144, 1048576, 1835007, 3000000 };
	size_t len = 3145733;
	auto_free uint8_t *want = calloc(1, len);
	char *dir = test_temp_dir();
	char path[256];
	uint8_t digest[SHA256_LEN], plain[SHA256_LEN];
	struct rimg_source *src;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/sparse", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	for (size_t i = 0; i < ARRAY_LEN(data_at); i++) {
		want[data_at[i]] = (uint8_t)(i + 1);
		assert_int_equal(pwrite(fd, want + data_at[i], 1, (off_t)data_at[i]), 1);
	}
	src = rimg_source_open_fd(fd, path, NULL);
	assert_int_equal(digest_source(src, digest, NULL), 0);
	plain_sha256(want, len, plain);
	assert_memory_equal(digest, plain, SHA256_LEN);
	rimg_source_free(src);
	test_remove_dir(dir);
}

static int fail_to_read(const void *ctx, uint64_t off, void *buf, size_t len,
			struct rimg_error *err)
{
	(void)ctx;
	(void)off;
	memset(buf, 0, len);
	return error_set(err, RIMG_E_IO, "disk", "gone");
}

static void what_cannot_be_read_has_no_digest(void **state)
{
	struct arena a;
	uint8_t digest[SHA256_LEN] = "untouched";
	struct rimg_error err;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(
		digest_source(source_custom(&a, 10, "disk", fail_to_read, NULL), digest, &err),
		-RIMG_E_IO);
	assert_string_equal(err.text, "gone");
	assert_string_equal((const char *)digest, "untouched");
	arena_done(&a);
}

static void hash_one(void *arg, size_t i)
{
	uint8_t *all = arg;

	if (digest_bytes("abc", 3, all + i * SHA256_LEN, NULL) < 0)
		memset(all + i * SHA256_LEN, 0, SHA256_LEN);
}

static void many_threads_hash_at_once(void **state)
{
	static uint8_t all[64 * SHA256_LEN];
	uint8_t want[SHA256_LEN];

	(void)state;
	plain_sha256("abc", 3, want);
	pool_for(8, 64, hash_one, all);
	for (size_t i = 0; i < 64; i++)
		assert_memory_equal(all + i * SHA256_LEN, want, SHA256_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_configuration_decides_what_sha256_is),
		cmocka_unit_test(examples_of_the_standard_come_out),
		cmocka_unit_test(a_million_letters_have_the_value_of_the_standard),
		cmocka_unit_test(sources_longer_than_a_step_are_hashed_whole),
		cmocka_unit_test(holes_of_a_file_are_hashed_as_zeros),
		cmocka_unit_test(what_cannot_be_read_has_no_digest),
		cmocka_unit_test(many_threads_hash_at_once),
	};

	library = OSSL_LIB_CTX_new();
	setenv("OPENSSL_CONF", "tests/unit/no-algorithms.cnf", 1);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
