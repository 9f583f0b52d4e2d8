/* SPDX-License-Identifier: MIT */
#ifndef DIFF_POLICY_DELTA_H
#define DIFF_POLICY_DELTA_H

#include "audit/audit.h"

struct jsonw;
struct str;

/* What a change did to the verdict of an audit: both sides are audited under one policy, artifacts
 * are paired by their paths, code by its digest. */

/** enum delta_kind - what became of an artifact */
enum delta_kind {
	DELTA_ADDED,
	DELTA_REMOVED,
	DELTA_CHANGED,
	DELTA_MOVED, /* the same bytes at another path, judged in another way */
};

/** delta_kind_name - "added" */
const char *delta_kind_name(enum delta_kind kind);

#define DELTA_FUNCTIONS 200U /* pieces kept of an artifact, each way */

/**
 * struct delta_code - pieces of code that the policy does not cover, on one side alone
 *
 * A piece whose digest (code_piece_digest()) and class a piece on the other side has as well is in
 * neither, wherever it lies in the artifact.
 *
 * @pieces: indices of pieces of the artifact, by address, at most DELTA_FUNCTIONS
 * @n:      how many there are in all
 * @bytes, @count, @first: of each class, of all; @first: the index of the first one
 */
struct delta_code {
	size_t *pieces;
	size_t n_pieces;
	uint64_t n;
	uint64_t bytes[N_CODE_CLASSES];
	uint64_t count[N_CODE_CLASSES];
	size_t first[N_CODE_CLASSES];
};

/**
 * struct delta_artifact - an artifact whose bytes or whose judgement differ
 * @path:  continues the addresses that were compared; "" for these themselves
 * @was:   MOVED: its path in A; else NULL
 * @a, @b: NULL: not there
 * @worse: B fails because of it, and A did not, or not as much
 */
struct delta_artifact {
	enum delta_kind kind;
	const char *path;
	const char *was;
	const struct audit_artifact *a, *b;
	bool worse;
	struct delta_code added, removed;
};

/** enum delta_state - the change in a word */
enum delta_state {
	DELTA_NOT_WORSE,
	DELTA_WORSE,
	DELTA_OPEN, /* something was not read, so that nobody knows */
};

/**
 * struct policy_delta - the whole
 * @file:      of the policy, as it was given
 * @artifacts: those that are worse first, then by path
 */
struct policy_delta {
	const char *file;
	struct policy policy;
	struct audit_report *a, *b;
	struct delta_artifact *artifacts;
	size_t n_artifacts, cap;
	enum delta_state state;
	struct arena arena;
};

/**
 * policy_delta_read - a delta with the policy of a file, for policy_delta_run()
 *
 * Returns NULL with what policy_load() says.
 */
struct policy_delta *policy_delta_read(const char *file, struct rimg_error *err);

/**
 * policy_delta_run - audit both sides and compare
 * @options: for both audits; may be NULL
 *
 * Returns 0 or a code of audit_run(), code_piece_digest(). The images outlive the delta.
 */
__attribute__((warn_unused_result)) int policy_delta_run(struct policy_delta *d,
							 struct rimg_node *a, struct rimg_node *b,
							 const struct audit_options *options,
							 struct rimg_error *err);

/** policy_delta_free - NULL is fine */
void policy_delta_free(struct policy_delta *d);

/* ---- delta_report.c ------------------------------------------------------------------------- */

/** delta_add_verdict - add what became of the verdict, a sentence */
void delta_add_verdict(struct str *s, const struct policy_delta *d);

/** delta_line_fn - gets a line; 0: of the whole or an artifact, 1: of its code, 2: of a function */
typedef void (*delta_line_fn)(void *arg, unsigned level, bool worse, const char *line);

/**
 * delta_each_line - the delta below its verdict, as lines of harmless text
 * @functions: also each piece of code, with its rules
 * @max:       artifacts at most, a last line tells how many more there are; 0: all
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int delta_each_line(const struct policy_delta *d,
							bool functions, size_t max,
							delta_line_fn fn, void *arg);

/** delta_put_json - the key "policy" of an open object; 0 or -RIMG_E_NOMEM */
int delta_put_json(struct jsonw *w, const struct policy_delta *d);

#endif
