/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_THEIRS_H
#define VERIFY_THEIRS_H

#include <rimg/diff.h>

#include "core/digest.h"
#include "core/mem.h"

/* Images of rebuilders who got other bytes, if they are at hand: found by digest, not by name. */

#define THEIRS_FILES_MAX 4096U

struct their_image {
	const char *path;
	uint8_t sha256[SHA256_LEN];
};

/** struct theirs - the files of a folder, hashed; in their arena. Begins as zeros. */
struct theirs {
	struct arena arena;
	struct their_image *list;
	size_t n;
};

void theirs_done(struct theirs *t);

/**
 * theirs_load - hash all files of a folder; names that begin with a dot are not looked at
 * @threads: how many at a time
 */
int theirs_load(struct theirs *t, const char *dir, unsigned threads, struct rimg_error *err);

/** theirs_find - path of the file with this digest, or NULL */
const char *theirs_find(const struct theirs *t, const uint8_t sha256[SHA256_LEN]);

#endif
