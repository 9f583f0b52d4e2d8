/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_AGREEMENT_H
#define VERIFY_AGREEMENT_H

#include "verify/statement.h"

/* The rule of agreement (docs/attest.md): K distinct trusted keys have signed that one build gave
 * these bytes. It is about keys: not key ids, not files, not signatures. */

#define AGREEMENT_VOTES_MAX 4096U

/** enum standing - what a vote says about the image */
enum standing {
	STANDING_COUNTS,      /* these bytes */
	STANDING_REPEATED,    /* these bytes, but the key's vote for that build counts already */
	STANDING_DISSENTS,    /* the same build, other bytes */
	STANDING_CONTRADICTS, /* its key has signed both for one build, so it counts for neither */
	STANDING_OTHER,       /* other bytes of another build */
};

/** standing_name - "counts", "repeated", "dissents", "contradicts", "other" */
const char *standing_name(enum standing standing);

/**
 * struct vote - one key's signature over one statement; verified, trusted and not expired
 * @key:      which of the trusted keys, a number
 * @covers, @standing, @subject: set by agreement_find(). @covers: the image's digest is among its
 *            subjects. @subject is the statement's word about the image:
 *            the subject with its digest, else the one with the name that it has elsewhere, else
 * the first.
 */
struct vote {
	size_t key;
	const struct statement *statement;
	bool covers;
	enum standing standing;
	const struct subject *subject;
};

/**
 * struct agreement - the result
 * @agreed:    enough keys vote for these bytes, by one build, and @conflict is false
 * @conflict:  as many keys say that a build of these bytes gives certain other bytes
 * @n_keys:    distinct keys for these bytes, of the build that has most
 * @best:      a vote that counts, of that build; NULL: there is none
 * @n_against: distinct keys for the other bytes that have most votes
 * @against:   a vote for these; NULL: there is none
 */
struct agreement {
	bool agreed;
	bool conflict;
	size_t n_keys;
	const struct vote *best;
	size_t n_against;
	const struct vote *against;
};

/**
 * agreement_find - count
 * @votes:     @n of them, at most AGREEMENT_VOTES_MAX; in any order: it changes nothing but which
 * of two equal votes is called the repeated one
 * @image:     SHA-256 of the image, computed now
 * @threshold: at least 1
 */
struct agreement agreement_find(struct vote *votes, size_t n, const uint8_t image[SHA256_LEN],
				size_t threshold);

#endif
