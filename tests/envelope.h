/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ENVELOPE_H
#define TESTS_ENVELOPE_H

/* Envelopes for tests, made without rimg: OpenSSL signs and encodes. */

#include <openssl/evp.h>

#include "core/mem.h"
#include "core/str.h"
#include "verify/key.h"

/** envelope_key - the test key number @n (1..9): its seed is 32 times that byte */
static inline EVP_PKEY *envelope_key(int n)
{
	uint8_t seed[32];
	EVP_PKEY *key;

	memset(seed, n, sizeof(seed));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	assert_non_null(key);
	return key;
}

static inline struct public_key envelope_public(int n)
{
	EVP_PKEY *key = envelope_key(n);
	struct public_key public;
	uint8_t raw[32];
	size_t len = sizeof(raw);

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
	assert_int_equal(public_key_set(&public, raw, NULL), 0);
	EVP_PKEY_free(key);
	return public;
}

static inline void envelope_add_base64(struct str *s, const void *data, size_t len)
{
	unsigned char *text = malloc(len * 2 + 8);

	assert_non_null(text);
	str_add_len(s, text, (size_t)EVP_EncodeBlock(text, data, (int)len));
	free(text);
}

/** envelope_add_signature - a member of "signatures", by key @n, with a key id or without (NULL) */
static inline void envelope_add_signature(struct str *s, int n, const char *keyid, const char *type,
					  const void *payload, size_t len)
{
	EVP_PKEY *key = envelope_key(n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct str pae = { 0 };
	uint8_t sig[64];
	size_t sig_len = sizeof(sig);

	str_printf(&pae, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
	str_add_len(&pae, payload, len);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(ctx, sig, &sig_len, (const unsigned char *)pae.data, pae.len), 1);
	str_add(s, "{");
	if (keyid)
		str_printf(s, "\"keyid\":\"%s\",", keyid);
	str_add(s, "\"sig\":\"");
	envelope_add_base64(s, sig, sig_len);
	str_add(s, "\"}");
	str_done(&pae);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/** envelope_make - @payload, signed by the keys whose numbers are the digits of @keys */
static inline struct str envelope_make(const char *keys, const char *type, const char *payload)
{
	struct str s = { 0 };

	str_add(&s, "{\"payload\":\"");
	envelope_add_base64(&s, payload, strlen(payload));
	str_printf(&s, "\",\"payloadType\":\"%s\",\"signatures\":[", type);
	for (size_t i = 0; keys[i]; i++) {
		if (i > 0)
			str_add_char(&s, ',');
		envelope_add_signature(&s, keys[i] - '0', NULL, type, payload, strlen(payload));
	}
	str_add(&s, "]}");
	assert_false(s.failed);
	return s;
}

#endif
