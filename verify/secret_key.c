/* SPDX-License-Identifier: MIT */
#include "verify/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/load.h"

struct secret_key {
	EVP_PKEY *pkey;
	struct public_key public;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *own; /* as in core/digest.c: no configuration file of the host has a say */

static void make_own(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	own = OSSL_LIB_CTX_new();
}

OSSL_LIB_CTX *key_library(void)
{
	pthread_once(&once, make_own);
	return own;
}

static void cleanup_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void cleanup_pkey(EVP_PKEY **pkey)
{
	EVP_PKEY_free(*pkey);
}

static void cleanup_secret(struct secret_key **key)
{
	secret_key_free(*key);
}

void secret_key_free(struct secret_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey); /* which wipes it */
	free(key);
}

const struct public_key *secret_key_public(const struct secret_key *key)
{
	return &key->public;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct asked {
	const char *passphrase;
	bool was_asked;
};

static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	struct asked *asked = arg;
	size_t len = asked->passphrase ? strlen(asked->passphrase) : 0;

	(void)writing;
	asked->was_asked = true;
	if (!asked->passphrase || len > (size_t)size)
		return -1;
	memcpy(buf, asked->passphrase, len);
	return (int)len;
}

static int why_not(const char *text, size_t len, const char *name, const struct asked *asked,
		   struct rimg_error *err)
{
	if (memmem(text, len, "BEGIN PUBLIC KEY", 16))
		return error_set(err, RIMG_E_BAD, name,
				 "a public key; to sign the secret one is needed");
	if (asked->was_asked && !asked->passphrase)
		return error_set(err, RIMG_E_CRYPTO, name,
				 "the key is encrypted: give --passphrase-file FILE");
	if (asked->was_asked)
		return error_set(err, RIMG_E_CRYPTO, name, "the passphrase does not open this key");
	return error_set(
		err, RIMG_E_BAD, name,
		"expected a secret key in PEM (PKCS#8): \"-----BEGIN PRIVATE KEY-----\" or "
		"\"-----BEGIN ENCRYPTED PRIVATE KEY-----\"");
}

static int read_once(const char *text, size_t len, struct asked *asked, EVP_PKEY **ret,
		     uint8_t raw[ED25519_KEY_LEN])
{
	auto_with(cleanup_bio) BIO *bio = BIO_new_mem_buf(text, (int)len);
	size_t raw_len = ED25519_KEY_LEN;

	EVP_PKEY_free(*ret);
	*ret = bio ? PEM_read_bio_PrivateKey_ex(bio, NULL, give_passphrase, asked, own, NULL)
		   : NULL;
	if (!*ret)
		return -RIMG_E_BAD;
	return EVP_PKEY_is_a(*ret, "ED25519") &&
			       EVP_PKEY_get_raw_public_key(*ret, raw, &raw_len) == 1 &&
			       raw_len == ED25519_KEY_LEN
		       ? 0
		       : -RIMG_E_UNSUPPORTED;
}

/* RFC 8410, section 10.3; a secret to nobody */
static const char good_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			       "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
			       "-----END PRIVATE KEY-----\n";

/* To OpenSSL a key is bad also if it had no memory to look at it. So bad is what is bad twice, with
 * a good one found to be good in between. */
static int read_surely(const char *text, size_t len, struct asked *asked, EVP_PKEY **ret,
		       uint8_t raw[ED25519_KEY_LEN], struct rimg_error *err)
{
	auto_with(cleanup_pkey) EVP_PKEY *good = NULL;
	struct asked none = { .passphrase = NULL };
	int rc = read_once(text, len, asked, ret, raw);

	if (rc == 0)
		return 0;
	if (read_once(good_pem, sizeof(good_pem) - 1, &none, &good, raw) < 0)
		return error_crypto(err, "cannot read a key of Ed25519");
	return read_once(text, len, asked, ret, raw);
}

struct secret_key *secret_key_parse(const char *text, size_t len, const char *name,
				    const char *passphrase, struct rimg_error *err)
{
	auto_with(cleanup_secret) struct secret_key *key = calloc(1, sizeof(*key));
	struct asked asked = { .passphrase = passphrase };
	uint8_t raw[ED25519_KEY_LEN];
	int rc = -RIMG_E_BAD;

	if (!key || !key_library()) {
		error_nomem(err);
		return NULL;
	}
	if (len <= KEY_PEM_MAX)
		rc = read_surely(text, len, &asked, &key->pkey, raw, err);
	if (rc == -RIMG_E_UNSUPPORTED)
		error_set(err, RIMG_E_UNSUPPORTED, name,
			  "expected a key of Ed25519, found one of another kind");
	else if (rc == -RIMG_E_BAD)
		why_not(text, len, name, &asked, err);
	if (rc < 0)
		return NULL;
	return public_key_set(&key->public, raw, err) < 0 ? NULL : take_ptr(key);
}

struct secret_key *secret_key_load(const char *path, const char *passphrase, struct rimg_error *err)
{
	char *text = NULL;
	size_t len = 0;
	struct secret_key *key;

	if (load_file(path, KEY_PEM_MAX, "a file with a key", &text, &len, err) < 0)
		return NULL;
	key = secret_key_parse(text, len, path, passphrase, err);
	explicit_bzero(text, len);
	free(text);
	return key;
}

/* ---- signing -------------------------------------------------------------------------------- */

int secret_key_sign(const struct secret_key *key, const void *data, size_t len,
		    uint8_t ret[ED25519_SIGNATURE_LEN], struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t ret_len = ED25519_SIGNATURE_LEN;
	bool good = false;
	int rc;

	if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, NULL, own, NULL, key->pkey, NULL) != 1 ||
	    EVP_DigestSign(ctx, ret, &ret_len, data, len) != 1 || ret_len != ED25519_SIGNATURE_LEN)
		return error_crypto(err, "cannot sign with Ed25519");
	/* a signature that a fault spoiled can give the key away */
	rc = ed25519_verify(key->public.raw, ret, data, len, &good, err);
	if (rc == 0 && !good)
		rc = error_set(err, RIMG_E_CRYPTO, NULL,
			       "the signature made does not fit its own key");
	return rc;
}
