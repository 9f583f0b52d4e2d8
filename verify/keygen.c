/* SPDX-License-Identifier: MIT */
#include "verify/key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/cleanup.h"
#include "core/error.h"

/* The one place whose output is meant to be different each time (tests/tools/lint.awk knows). */

static void cleanup_bio(BIO **bio)
{
	BIO_free(*bio); /* wipes what it held */
}

static void cleanup_pkey(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

int secret_key_generate(struct str *out, struct rimg_error *err)
{
	auto_with(cleanup_pkey) EVP_PKEY *pkey = NULL;
	auto_with(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len;

	if (key_library())
		pkey = EVP_PKEY_Q_keygen(key_library(), NULL, "ED25519");
	if (!pkey || !bio ||
	    PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1)
		return error_crypto(err, "cannot make a key of Ed25519");
	len = BIO_get_mem_data(bio, &text);
	str_add_len(out, text, (size_t)len);
	return out->failed ? error_nomem(err) : 0;
}
