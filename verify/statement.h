/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_STATEMENT_H
#define VERIFY_STATEMENT_H

#include "core/digest.h"
#include "core/mem.h"

#include <stdbool.h>

/* in-toto statements as rimg understands them: what some key says about an artifact. Formats and
 * rules: docs/attest.md. */

#define STATEMENT_TYPE       "https://in-toto.io/Statement/v1"
#define STATEMENT_PROVENANCE "https://slsa.dev/provenance/v1"
#define STATEMENT_RESULT     "https://in-toto.io/attestation/svr/v0.2"

/* what a rebuild's provenance says of how the image was made */
#define BUILD_TYPE_LOCK  "urn:rimg:build:1"       /* by `rimg build`, from the inputs of a lock */
#define BUILD_TYPE_BYTES "urn:rimg:unspecified:1" /* nothing: only the bytes are vouched for */
#define BUILDER_PREFIX   "urn:rimg:builder:"      /* and the id of the key */

/* what a joint statement says: who verifies, and the two properties */
#define VERIFIER_ID      "urn:rimg:verifier:1"
#define PROPERTY_REBUILT "RIMG_REBUILT_FROM_LOCK"
#define PROPERTY_BYTES   "RIMG_BYTES_VOUCHED_FOR"

#define STATEMENT_SUBJECTS_MAX 65536U
#define STATEMENT_FACTS_MAX    64U

/** struct subject - @name: "" if it has none */
struct subject {
	const char *name;
	uint8_t sha256[SHA256_LEN];
};

/** struct fact - something about the machine, told for the case that results differ */
struct fact {
	const char *key;
	const char *value;
};

/**
 * struct statement - a statement whose signature holds; all in the arena it was read into
 * @by_name:     @n_subjects pointers to the subjects, sorted by name, then by place
 * @definition:  digest of what the subjects were made from and how: two statements are about one
 *               build if it is equal. Key order and spelling of the JSON do not count.
 * @build_type:  of a provenance; of a joint statement its property
 * @builder_id:  of a provenance; NULL in joint statements
 * @n_inputs:    resolved dependencies; 0 also where they are not stated
 * @has_expires: after @expires (seconds since 1970) it says nothing any more
 * @time:        when it was made, as it says; NULL: it does not
 */
struct statement {
	const char *predicate_type;
	struct subject *subjects;
	const struct subject **by_name;
	size_t n_subjects;
	uint8_t definition[SHA256_LEN];
	const char *build_type;
	const char *builder_id;
	size_t n_inputs;
	bool has_expires;
	int64_t expires;
	const char *time;
	struct fact *facts;
	size_t n_facts;
};

/**
 * statement_parse - read the payload of an envelope that has been verified
 * @name: what messages call it
 *
 * Members that nobody here knows are passed over, as in-toto wants it; those that mean something
 * must be there and be right. Returns 0; -RIMG_E_BAD; -RIMG_E_UNSUPPORTED: a predicate that is not
 * about a build; -RIMG_E_LIMIT; -RIMG_E_NOMEM; -RIMG_E_CRYPTO.
 */
int statement_parse(struct arena *a, const void *text, size_t len, const char *name,
		    struct statement *ret, struct rimg_error *err);

/** statement_subject - the first subject of that digest, or NULL */
const struct subject *statement_subject(const struct statement *s,
					const uint8_t sha256[SHA256_LEN]);

/** statement_named - the subject of that name, or NULL */
const struct subject *statement_named(const struct statement *s, const char *name);

#endif
