/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_AGREE_REPORT_H
#define VERIFY_AGREE_REPORT_H

#include "core/command.h"
#include "verify/ballots.h"
#include "verify/theirs.h"

/* What `rimg verify agree` prints. */

/** enum verdict - the answer; what could not be counted leaves none */
enum verdict {
	VERDICT_AGREED,
	VERDICT_NOT_AGREED,
	VERDICT_CONFLICT,
	VERDICT_TROUBLE,
};

/** verdict_name - "agreed", "not-agreed", "conflict", "trouble" */
const char *verdict_name(enum verdict verdict);

/**
 * struct agree_report - all that is told
 * @node:    the image
 * @theirs:  images of dissenters; empty if none are at hand
 */
struct agree_report {
	struct command_call *call;
	struct rimg_node *node;
	uint8_t sha256[SHA256_LEN];
	size_t threshold;
	enum verdict verdict;
	const struct agreement *agreement;
	const struct ballots *ballots;
	const struct theirs *theirs;
};

/** agree_report_text, agree_report_json - write it on call->out; 0 or an error */
int agree_report_text(const struct agree_report *r, struct rimg_error *err);
int agree_report_json(const struct agree_report *r, struct rimg_error *err);

/**
 * agree_each_difference - call @fn for what a vote's statement says otherwise than the best one
 *
 * Names of subjects whose digests differ, or that only one of both has; those of @v first. The
 * image itself is among them. Does nothing when there is no best one or @v is of another build.
 */
void agree_each_difference(const struct agreement *a, const struct vote *v,
			   void (*fn)(void *arg, const char *name), void *arg);

/**
 * agree_diff - compare the image with a dissenter's, if it is at hand
 * @ret_path: where it lies
 * @ret_image, @ret_diff: the caller frees the difference, then the image
 *
 * Returns 1, 0 when it is not at hand, or an error.
 */
int agree_diff(const struct agree_report *r, const struct vote *v, const char **ret_path,
	       struct rimg_image **ret_image, struct rimg_diff **ret_diff, struct rimg_error *err);

/** agree_may_read - what the options of the command name: keys, and images of others at any time */
void agree_may_read(const struct command_call *call, struct sandbox *s);

#endif
