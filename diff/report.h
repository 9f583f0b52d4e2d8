/* SPDX-License-Identifier: MIT */
#ifndef DIFF_REPORT_H
#define DIFF_REPORT_H

#include <stdio.h>

#include <rimg/diff.h>

#include "core/jsonw.h"

struct policy_delta;
struct str;

/**
 * struct report_side - one of the artifacts compared
 * @address: as the user gave it
 * @sha256:  64 digits, or "" when it was not asked for
 * @node:    what was compared
 */
struct report_side {
	const char *address;
	uint64_t size;
	char sha256[65];
	struct rimg_node *node;
};

/**
 * struct report_filter - which differences are shown; the verdict never depends on it
 * @ignored:  bit 1 << cause: not shown
 * @patterns: shell patterns for paths, of which one has to fit; none: all do
 * @max:      how many; 0: all
 */
struct report_filter {
	uint32_t ignored;
	const char **patterns;
	size_t n_patterns;
	uint64_t max;
};

/**
 * struct report - a comparison that is being shown
 * @width:     columns of the terminal; 0: of no terminal
 * @policy:    what the change did to the verdict of an audit; NULL: nobody asked
 * @shown, @not_shown: differences so far, by what the user wants to see
 * @text:      of report_text: the cause whose heading was printed last, the last difference that
 *             follows from none, and its followers that were only counted
 */
struct report {
	FILE *out;
	bool color;
	bool verbose;
	unsigned width;
	struct report_side a, b;
	const struct rimg_diff *diff;
	const struct report_filter *filter;
	const struct rimg_diff_summary *summary;
	const struct policy_delta *policy;
	uint64_t shown, not_shown;
	struct {
		enum rimg_cause cause;
		bool has_root;
		uint64_t root;
		uint64_t folded[RIMG_N_CAUSES];
		uint64_t folded_bytes;
	} text;
	struct jsonw json; /* for report_json */
};

/**
 * struct report_format - one way to show a comparison
 * @by_root:    what follows comes behind what it follows from; otherwise all come depth first,
 *              children by name bytes
 * @begin:      the numbers are known, differences follow
 * @difference: one that is to be shown; valid during the call
 * @end:        no more
 *
 * Each returns 0 or a code, which ends the report. Output errors show in ferror() of the stream.
 */
struct report_format {
	bool by_root;
	int (*begin)(struct report *r, struct rimg_error *err);
	int (*difference)(struct report *r, const struct rimg_difference *x,
			  struct rimg_error *err);
	int (*end)(struct report *r, struct rimg_error *err);
};

extern const struct report_format report_text;
extern const struct report_format report_json;

/**
 * report_write - show a comparison
 * @r: all set but the counters
 *
 * Returns 0, -RIMG_E_NOMEM, or what the format returned.
 */
int report_write(struct report *r, const struct report_format *format, struct rimg_error *err);

/** report_policy_text - what became of the verdict, as text; 0 or -RIMG_E_NOMEM */
int report_policy_text(const struct report *r);

/** report_stat - a line for each path: how many bytes, and a bar; 0 or a code */
int report_stat(struct report *r, struct rimg_error *err);

/**
 * report_html - one self-contained page
 *
 * Bounded: what a page has no room for is left out, and it says how much that is. Returns 0 or a
 * code.
 */
int report_html(struct report *r, struct rimg_error *err);

/** report_markdown - for the discussion of a change: at most REPORT_MARKDOWN_MAX bytes */
#define REPORT_MARKDOWN_MAX ((size_t)60000)
int report_markdown(struct report *r, struct rimg_error *err);

/* ---- for those who write reports ------------------------------------------------------------ */

/** report_fn - gets a difference that is to be shown; valid during the call; 0 or a code */
typedef int (*report_fn)(void *arg, const struct rimg_difference *x, struct rimg_error *err);

/**
 * report_each - call @fn for each difference that the filter lets through
 * @by_root:       see struct report_format
 * @ret_not_shown: how many it held back; may be NULL
 *
 * Returns 0, -RIMG_E_NOMEM, or what @fn returned.
 */
int report_each(const struct report *r, bool by_root, report_fn fn, void *arg,
		uint64_t *ret_not_shown, struct rimg_error *err);

/** report_causes - all causes, those from which others follow first; @ret_n: how many */
const enum rimg_cause *report_causes(size_t *ret_n);

/** report_cause_letter - a letter for each cause, for where there is no room for its name */
char report_cause_letter(enum rimg_cause cause);

/** report_cause_meaning - what a cause means, in a few words */
const char *report_cause_meaning(enum rimg_cause cause);

/** report_count_causes - how many causes have differences */
unsigned report_count_causes(const struct rimg_diff_summary *s);

/**
 * report_verdict - the comparison in a few words: "are identical", "differ",
 * "could not be compared wholly"
 */
const char *report_verdict(const struct rimg_diff_summary *s);

/** report_is_clean - did all that differs get a cause, and could all be read? */
bool report_is_clean(const struct rimg_diff_summary *s);

/** report_path - path of a difference, with a word for the artifacts themselves */
const char *report_path(const struct rimg_difference *x);

/** report_cut - where to cut a text that is to have at most @max bytes: not inside a character */
size_t report_cut(const char *text, size_t max);

/** report_add_change - what became of it: "added file", "mode 0644 -> 0755"; values of at most
 * @max bytes each, 0: whole */
void report_add_change(struct str *s, const struct rimg_difference *x, size_t max);

/** report_add_where - where the bytes are: "12 bytes at 512 and in 3 more places"; "" for none */
void report_add_where(struct str *s, const struct rimg_difference *x);

/** report_add_details - a closer look, as lines of a unified diff; @max_lines: at most so many */
int report_add_details(struct str *s, const struct report *r, const struct rimg_difference *x,
		       size_t max_lines, struct rimg_error *err);

#endif
