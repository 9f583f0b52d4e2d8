/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_ALL_H
#define VERIFY_ALL_H

#include "core/command.h"
#include "core/sarif.h"
#include "core/str.h"

/*
 * Everything that can be said of an image, as one verdict: is it sound (check), what made its code
 * (audit), is it what the manifest builds, again and again (rebuild), do others vouch for it
 * (agree). A part that did not run is told as not checked, and is never counted as passed.
 */

enum all_id { ALL_CHECK, ALL_AUDIT, ALL_REBUILD, ALL_AGREE, ALL_N };

/** enum all_state - what came of a part, by the exit code that it has alone */
enum all_state {
	ALL_NOT_CHECKED, /* did not run */
	ALL_HOLDS,
	ALL_FAILS,
	ALL_OPEN, /* something could not be read or done: nobody knows */
};

/** all_state_name - "not checked", "holds", "fails", "open" */
const char *all_state_name(enum all_state state);

/** all_part_name - "check", "audit", "rebuild", "agree" */
const char *all_part_name(enum all_id id);

/**
 * struct all_part - one part
 * @why:  NOT_CHECKED: why not; OPEN: what stopped it, or NULL where @text tells
 * @text: what the part's own command prints, may be empty
 * @json: its own document, may be empty
 */
struct all_part {
	enum all_state state;
	char *why;
	struct str text;
	struct str json;
};

/**
 * struct all_report - the whole
 * @address: what it is about: an image, or a part of one
 * @sandbox: what was in force from check on
 * @sarif:   the log of check and audit, empty if it was not asked for
 */
struct all_report {
	const char *address;
	const struct sandbox_state *sandbox;
	struct all_part parts[ALL_N];
	struct str sarif;
};

/**
 * all_rebuild - the first part, if it applies: the only one that starts programs
 * @call:    of `rimg verify all`: its options say what applies
 * @image:   the host file, no byte of which is looked at
 * @is_part: the report will be about a part of it
 * @ret:     begins empty; all_done() it, also after an error
 *
 * Returns as all_run().
 */
__attribute__((warn_unused_result)) int all_rebuild(struct command_call *call, const char *image,
						    bool is_part, struct all_report *ret,
						    struct rimg_error *err);

/**
 * all_run - run every other part that applies, in a sandbox
 * @node: the image
 * @ret:  what all_rebuild() left
 *
 * Returns 0, or -RIMG_E_NOMEM or another code that leaves no report at all.
 */
__attribute__((warn_unused_result)) int all_run(struct command_call *call, struct rimg_node *node,
						struct all_report *ret, struct rimg_error *err);

void all_done(struct all_report *r);

/** all_verdict - HOLDS when every part that ran holds; OPEN wins over FAILS wins over HOLDS;
 * NOT_CHECKED when none ran */
enum all_state all_verdict(const struct all_report *r);

/** all_put_text, all_put_json, all_put_html - the report; html: 0 or -RIMG_E_CRYPTO */
void all_put_text(FILE *out, const struct all_report *r, bool quiet);
void all_put_json(FILE *out, const struct all_report *r);
__attribute__((warn_unused_result)) int all_put_html(FILE *out, const struct all_report *r,
						     struct rimg_error *err);

#endif
