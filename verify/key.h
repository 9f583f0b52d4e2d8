/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_KEY_H
#define VERIFY_KEY_H

#include "core/digest.h"
#include "core/ed25519.h"
#include "core/str.h"

/* Ed25519 keys as PEM: public ones as SubjectPublicKeyInfo, secret ones as PKCS#8 (RFC 8410), which
 * is what the openssl command reads and writes. */

#define KEY_PEM_MAX 65536 /* bytes of a file with a key */
#define KEY_ID_LEN  (2 * (size_t)SHA256_LEN)

/**
 * struct public_key
 * @id: SHA-256 of its SubjectPublicKeyInfo in DER, as hexadecimal digits: what it is called
 */
struct public_key {
	uint8_t raw[ED25519_KEY_LEN];
	char id[KEY_ID_LEN + 1];
};

/** struct secret_key - wiped when it is freed */
struct secret_key;

/**
 * public_key_set - the key of 32 raw bytes
 *
 * Returns 0, -RIMG_E_CRYPTO, or -RIMG_E_BAD for a key under which anybody can sign: one of the
 * eight points of small order.
 */
int public_key_set(struct public_key *key, const uint8_t raw[ED25519_KEY_LEN],
		   struct rimg_error *err);

/**
 * public_key_parse - the one key of a PEM text
 *
 * Returns 0; -RIMG_E_BAD: no PEM, damaged, several, a secret key; -RIMG_E_UNSUPPORTED: not Ed25519.
 */
int public_key_parse(const char *text, size_t len, const char *name, struct public_key *ret,
		     struct rimg_error *err);

/** public_key_load - the key of a file */
int public_key_load(const char *path, struct public_key *ret, struct rimg_error *err);

/** public_key_add_pem - add the key as PEM; -RIMG_E_CRYPTO */
int public_key_add_pem(const struct public_key *key, struct str *out, struct rimg_error *err);

/**
 * secret_key_parse, secret_key_load - the key of a PEM text or file
 * @passphrase: for an encrypted one; NULL: none is known
 *
 * Returns the key, which the caller frees with secret_key_free(), or NULL with @err set, CRYPTO
 * when the passphrase is missing or wrong.
 */
struct secret_key *secret_key_parse(const char *text, size_t len, const char *name,
				    const char *passphrase, struct rimg_error *err);
struct secret_key *secret_key_load(const char *path, const char *passphrase,
				   struct rimg_error *err);

/**
 * secret_key_generate - add a new one as PEM text, which the caller wipes
 *
 * The only thing in rimg that is meant to be different each time: OpenSSL takes it from the
 * system's source of randomness. In verify/keygen.c, which alone may. Returns 0, -RIMG_E_CRYPTO.
 */
int secret_key_generate(struct str *out, struct rimg_error *err);

void secret_key_free(struct secret_key *key);

/** secret_key_public - its public half; lives as long as the key */
const struct public_key *secret_key_public(const struct secret_key *key);

/** secret_key_sign - pure Ed25519 of @len bytes; 0 or -RIMG_E_CRYPTO */
int secret_key_sign(const struct secret_key *key, const void *data, size_t len,
		    uint8_t ret[ED25519_SIGNATURE_LEN], struct rimg_error *err);

/** key_library - the library context that secret keys live in, or NULL; for verify/keygen.c */
struct ossl_lib_ctx_st *key_library(void);

#endif
