/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/ed25519.h"
#include "core/num.h"

/* RFC 8032, section 7.1 */
static const struct vector {
	const char *key, *message, *signature;
} vectors[] = {
	{ "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
	  "1cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
	  "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
	  "984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

static size_t from_hex(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		to[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static bool verify(const uint8_t *key, const uint8_t *signature, const uint8_t *data, size_t len)
{
	struct rimg_error err;
	bool ok;

	if (ed25519_verify(key, signature, data, len, &ok, &err) < 0)
		test_fail_error("ed25519_verify", &err);
	return ok;
}

static void signatures_of_the_standard_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t key[32], message[8], signature[64];
		size_t len = from_hex(vectors[i].message, message);

		assert_int_equal(from_hex(vectors[i].key, key), 32);
		assert_int_equal(from_hex(vectors[i].signature, signature), 64);
		assert_true(verify(key, signature, message, len));
	}
}

static void any_other_bit_is_wrong(void **state)
{
	uint8_t key[32], message[8], signature[64];
	size_t len = from_hex(vectors[2].message, message);

	(void)state;
	from_hex(vectors[2].key, key);
	from_hex(vectors[2].signature, signature);
	for (size_t i = 0; i < 8 * sizeof(signature); i++) {
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(verify(key, signature, message, len));
		signature[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * sizeof(key); i++) {
		key[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(verify(key, signature, message, len));
		key[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * len; i++) {
		message[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(verify(key, signature, message, len));
		message[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_false(verify(key, signature, message, len - 1));
	assert_true(verify(key, signature, message, len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_of_the_standard_are_right),
		cmocka_unit_test(any_other_bit_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
