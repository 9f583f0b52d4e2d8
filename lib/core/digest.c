/* SPDX-License-Identifier: MIT */
#include "core/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/source.h"

#define CHUNK ((size_t)256 << 10)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* NULL when the library has none */

static void fetch_sha256(void)
{
	/* A library context of our own: no configuration file of the host decides what SHA-256 is,
	 * and the program around us may do with the default context what it likes. Both live as
	 * long as the process. */
	static OSSL_LIB_CTX *own;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	own = OSSL_LIB_CTX_new();
	sha256 = own ? EVP_MD_fetch(own, "SHA256", NULL) : NULL;
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static int no_crypto(struct rimg_error *err)
{
	return error_crypto(err, "cannot compute SHA-256");
}

static EVP_MD_CTX *begin(struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	pthread_once(&once, fetch_sha256);
	if (!ctx || !sha256 || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1) {
		no_crypto(err);
		return NULL;
	}
	return take_ptr(ctx);
}

int rimg_source_sha256(const struct rimg_source *src, uint8_t *ret, struct rimg_error *err)
{
	return digest_source(src, ret, err);
}

int digest_bytes(const void *data, size_t len, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = begin(err);

	if (!ctx)
		return -RIMG_E_CRYPTO;
	if (EVP_DigestUpdate(ctx, data, len) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		return no_crypto(err);
	return 0;
}

/* A chunk that lies in a hole is not read: that would fill the host's page cache with zeros. */
static int next_chunk(const struct rimg_source *src, uint64_t off, size_t n, uint64_t *data,
		      uint8_t *buf, struct rimg_error *err)
{
	if (*data <= off)
		*data = source_next_data(src, off);
	if (*data - off < n)
		return rimg_source_read(src, off, buf, n, err);
	memset(buf, 0, n);
	return 0;
}

int digest_source(const struct rimg_source *src, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src), data = 0;
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = begin(err);
	auto_free uint8_t *buf = malloc((size_t)num_max(1, num_min(size, CHUNK)));

	if (!ctx)
		return -RIMG_E_CRYPTO;
	if (!buf)
		return error_nomem(err);
	for (uint64_t off = 0; off < size;) {
		size_t n = (size_t)num_min(size - off, CHUNK);
		int rc = next_chunk(src, off, n, &data, buf, err);

		if (rc < 0)
			return rc;
		if (EVP_DigestUpdate(ctx, buf, n) != 1)
			return no_crypto(err);
		off += n;
	}
	return EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? 0 : no_crypto(err);
}
