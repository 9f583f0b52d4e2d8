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

int ed25519_verify(const uint8_t key[ED25519_KEY_LEN],
		   const uint8_t signature[ED25519_SIGNATURE_LEN], const void *data, size_t len,
		   bool *ret, struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	auto_with(cleanup_key) EVP_PKEY *pkey = NULL;

	pthread_once(&once, make_own);
	if (ctx && own)
		pkey = EVP_PKEY_new_raw_public_key_ex(own, "ED25519", NULL, key, ED25519_KEY_LEN);
	if (!pkey || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, own, NULL, pkey, NULL) != 1)
		return error_set(err, RIMG_E_CRYPTO, NULL, "OpenSSL cannot verify Ed25519");
	*ret = EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_LEN, data, len) == 1;
	return 0;
}
