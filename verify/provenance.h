/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_PROVENANCE_H
#define VERIFY_PROVENANCE_H

#include "verify/lockfile.h"
#include "verify/statement.h"

#include "core/str.h"

/**
 * struct claim_request - what a statement is to say
 * @subjects: the image first
 * @lock:     what it was built from; NULL: that is not said
 * @keyid:    who says it; NULL: a joint statement, which anybody may sign
 * @time:     seconds since 1970; a joint statement has to have one
 * @facts:    about the machine; not in a joint statement
 */
struct claim_request {
	const struct subject *subjects;
	size_t n_subjects;
	const struct lockfile *lock;
	const char *keyid;
	bool has_time, has_expires;
	int64_t time;
	int64_t expires;
	const struct fact *facts;
	size_t n_facts;
};

/**
 * provenance_write - add the statement as one line of JSON
 *
 * The same request gives the same bytes. Returns 0, -RIMG_E_NOMEM, -RIMG_E_CRYPTO.
 */
int provenance_write(const struct claim_request *rq, struct str *out, struct rimg_error *err);

#endif
