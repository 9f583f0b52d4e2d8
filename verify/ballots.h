/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_BALLOTS_H
#define VERIFY_BALLOTS_H

#include "verify/agreement.h"
#include "verify/dsse.h"

#include "core/mem.h"

#define BALLOTS_FILES_MAX    4096U
#define BALLOTS_KEYS_MAX     64U
#define BALLOTS_REFUSALS_MAX 4096U
#define BALLOTS_VERIFY_MAX   (UINT64_C(16) << 30)  /* bytes that signatures are tried on, in all */
#define BALLOTS_PAYLOAD_ALL  (UINT64_C(256) << 20) /* bytes of all envelopes */

/** struct trusted_key - @path: where it comes from; @until: seconds since 1970, if @has_until */
struct trusted_key {
	struct public_key public;
	const char *path;
	bool has_until;
	int64_t until;
};

/** struct refusal - an envelope, or a signature in one, that was not counted, and why */
struct refusal {
	const char *file;
	struct rimg_error err;
};

/** struct ballot - what agreement_find() does not need to know about the vote of the same index */
struct ballot {
	const char *file;
};

/**
 * struct ballots - what the attestations say; begins as zeros but for the first members
 * @keys:  pointers to @n_keys of @trusted
 * @now:   seconds since 1970, asked when something may have expired; false: nobody knows
 * @votes: signatures that hold, by trusted keys which have not expired, over statements that are
 *         understood and have not expired
 */
struct ballots {
	const struct trusted_key *trusted;
	size_t n_keys;
	bool (*now)(void *arg, int64_t *ret_s);
	void *now_arg;
	struct arena arena;
	struct vote *votes;
	struct ballot *ballots;
	size_t n, cap, cap_ballots;
	struct refusal *refusals;
	size_t n_refusals, cap_refusals;
	size_t n_files;
	uint64_t verified;
	uint64_t loaded;
};

void ballots_done(struct ballots *b);

/**
 * ballots_add - verify and read the envelope in a file
 * @path: kept
 *
 * Signatures come first: nothing of a payload is looked at before a trusted key has signed it, and
 * then exactly the bytes that were signed. What cannot be counted is a refusal, never passed over.
 * Returns 0, or an error that stops the work: -RIMG_E_NOMEM, -RIMG_E_CRYPTO, -RIMG_E_LIMIT.
 */
int ballots_add(struct ballots *b, const char *path, struct rimg_error *err);

/** ballots_add_text - the same for an envelope in memory; @name is kept */
int ballots_add_text(struct ballots *b, const char *name, const char *text, size_t len,
		     struct rimg_error *err);

/**
 * ballots_add_all - the same for a file, or every file in a folder, in order of name bytes
 *
 * Names that begin with a dot are not looked at; everything else has to be an attestation.
 */
int ballots_add_all(struct ballots *b, const char *path, struct rimg_error *err);

#endif
