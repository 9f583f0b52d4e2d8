/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_DSSE_H
#define VERIFY_DSSE_H

#include "verify/key.h"

#include "core/mem.h"

/* DSSE version 1: a payload, its type, and signatures over both. docs/attest.md has the format. */

#define DSSE_IN_TOTO        "application/vnd.in-toto+json"
#define DSSE_SIGNATURES_MAX 64U
#define DSSE_TRY_COST       65536U /* trying a key costs as much as hashing these bytes */

/**
 * struct dsse_signature
 * @keyid: what the envelope calls the key; NULL: nothing. A hint which nobody has signed.
 * @sig:   @sig_len bytes; of Ed25519 only if these are 64
 */
struct dsse_signature {
	const char *keyid;
	const uint8_t *sig;
	size_t sig_len;
};

/** struct dsse - an envelope; all in the arena that it was read into */
struct dsse {
	const char *type;
	const uint8_t *payload; /* a NUL behind it */
	size_t payload_len;
	struct dsse_signature *signatures;
	size_t n;
};

/**
 * dsse_parse - read an envelope; nothing in it is verified
 * @name: what messages call it
 *
 * Returns 0; -RIMG_E_BAD: not JSON as core/json.h wants it, a member that is missing or of another
 * type, bad base64; -RIMG_E_LIMIT; -RIMG_E_NOMEM. Errors tell the offset in the text, or the
 * member.
 */
int dsse_parse(struct arena *a, const char *text, size_t len, const char *name, struct dsse *ret,
	       struct rimg_error *err);

/** dsse_pae - add what is signed, the pre-authentication encoding of type and payload */
void dsse_pae(struct str *out, const char *type, const void *payload, size_t len);

#define DSSE_NOBODY SIZE_MAX

/**
 * dsse_signer - which of @n keys made the signature? All are tried, whatever the key id says.
 * @pae:    of the envelope
 * @budget: bytes that may still be verified; each try takes those of @pae and DSSE_TRY_COST
 * @ret:    index of the key, or DSSE_NOBODY
 *
 * Returns 0, -RIMG_E_CRYPTO, or -RIMG_E_LIMIT.
 */
int dsse_signer(const struct dsse_signature *s, const struct str *pae,
		const struct public_key *const *keys, size_t n, uint64_t *budget, size_t *ret,
		struct rimg_error *err);

/**
 * dsse_write - add the envelope as one line of JSON, with one more signature
 * @more: its key id and signature; NULL: none
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int dsse_write(struct str *out, const struct dsse *e, const struct dsse_signature *more,
	       struct rimg_error *err);

#endif
