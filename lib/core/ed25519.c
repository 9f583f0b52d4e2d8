/* SPDX-License-Identifier: MIT */
#include "core/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "core/cleanup.h"
#include "core/error.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *own; /* as in digest.c: no configuration file decides what Ed25519 is */

static void make_own(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	own = OSSL_LIB_CTX_new();
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* The first signature of RFC 8032, 7.1: of no bytes. */
static const uint8_t good_key[ED25519_KEY_LEN] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
						   0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
						   0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
						   0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
static const uint8_t good_signature[ED25519_SIGNATURE_LEN] = {
	0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80,
	0x6e, 0x82, 0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73,
	0xe0, 0x65, 0x22, 0x49, 0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b,
	0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b, 0xd2, 0x5b, 0xf5, 0xf0,
	0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b
};

static int verify_once(const uint8_t key[ED25519_KEY_LEN],
		       const uint8_t signature[ED25519_SIGNATURE_LEN], const void *data, size_t len,
		       bool *ret, struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	auto_with(cleanup_key) EVP_PKEY *pkey = NULL;

	pthread_once(&once, make_own);
	if (ctx && own)
		pkey = EVP_PKEY_new_raw_public_key_ex(own, "ED25519", NULL, key, ED25519_KEY_LEN);
	if (!pkey || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, own, NULL, pkey, NULL) != 1)
		return error_crypto(err, "cannot verify Ed25519");
	*ret = EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_LEN, data, len) == 1;
	return 0;
}

/* To OpenSSL 3.0 a signature is bad also if it had no memory to look at it. So bad is what is bad
 * twice, with a good one found to be good in between. */
int ed25519_verify(const uint8_t key[ED25519_KEY_LEN],
		   const uint8_t signature[ED25519_SIGNATURE_LEN], const void *data, size_t len,
		   bool *ret, struct rimg_error *err)
{
	bool good = false, works = false;
	int rc = verify_once(key, signature, data, len, &good, err);

	if (rc == 0 && !good) {
		rc = verify_once(good_key, good_signature, "", 0, &works, err);
		if (rc == 0 && !works)
			rc = error_crypto(err, "cannot verify Ed25519");
		if (rc == 0)
			rc = verify_once(key, signature, data, len, &good, err);
	}
	if (rc == 0)
		*ret = good;
	return rc;
}
