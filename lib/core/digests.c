/* SPDX-License-Identifier: MIT */
#include "core/digests.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define CHUNK ((size_t)1 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha1, *sha256; /* NULL when the library has none */

/* In a library context of our own, for the reasons of digest.c. */
static void fetch(void)
{
	OSSL_LIB_CTX *own;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	own = OSSL_LIB_CTX_new();
	sha1 = own ? EVP_MD_fetch(own, "SHA1", NULL) : NULL;
	sha256 = own ? EVP_MD_fetch(own, "SHA256", NULL) : NULL;
}

static void cleanup_md(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static int no_crypto(struct rimg_error *err)
{
	return error_crypto(err, "cannot compute SHA-1 or SHA-256");
}

static EVP_MD_CTX *begin(EVP_MD *const *md)
{
	auto_with(cleanup_md) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	pthread_once(&once, fetch);
	if (!ctx || !*md || EVP_DigestInit_ex2(ctx, *md, NULL) != 1)
		return NULL;
	return take_ptr(ctx);
}

int digests_sha1(const void *data, size_t len, uint8_t ret[SHA1_LEN], struct rimg_error *err)
{
	auto_with(cleanup_md) EVP_MD_CTX *ctx = begin(&sha1);

	if (!ctx || EVP_DigestUpdate(ctx, data, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		return no_crypto(err);
	return 0;
}

int digests_source(const struct rimg_source *src, struct digests *ret, struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src);
	auto_with(cleanup_md) EVP_MD_CTX *one = begin(&sha1);
	auto_with(cleanup_md) EVP_MD_CTX *two = begin(&sha256);
	auto_free uint8_t *buf = malloc((size_t)num_max(1, num_min(size, CHUNK)));
	struct blake3 three;

	if (!one || !two)
		return no_crypto(err);
	if (!buf)
		return error_nomem(err);
	blake3_init(&three);
	for (uint64_t off = 0; off < size;) {
		size_t n = (size_t)num_min(size - off, CHUNK);
		int rc = rimg_source_read(src, off, buf, n, err);

		if (rc < 0)
			return rc;
		if (EVP_DigestUpdate(one, buf, n) != 1 || EVP_DigestUpdate(two, buf, n) != 1)
			return no_crypto(err);
		blake3_update(&three, buf, n);
		off += n;
	}
	blake3_final(&three, ret->blake3);
	if (EVP_DigestFinal_ex(one, ret->sha1, NULL) != 1 ||
	    EVP_DigestFinal_ex(two, ret->sha256, NULL) != 1)
		return no_crypto(err);
	return 0;
}
