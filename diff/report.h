/* SPDX-License-Identifier: MIT */
#ifndef DIFF_REPORT_H
#define DIFF_REPORT_H

#include <stdio.h>

#include <rimg/diff.h>

#include "core/jsonw.h"

/**
 * struct report_side - one of the artifacts compared
 * @address: as the user gave it
 * @sha256:  64 digits, or "" when it was not asked for
 */
struct report_side {
	const char *address;
	uint64_t size;
	char sha256[65];
};

/**
 * struct report - a comparison that is being shown
 * @shown, @not_shown: differences so far, by what the user wants to see
 */
struct report {
	FILE *out;
	bool color;
	bool verbose;
	struct report_side a, b;
	const struct rimg_diff_summary *summary;
	uint64_t shown, not_shown;
	enum rimg_cause cause; /* of the last difference */
	struct jsonw json;     /* for report_json */
};

/**
 * struct report_format - one way to show a comparison
 * @by_cause:   differences come grouped by cause, root causes first, in the order of
 *              report_causes(); otherwise depth first, children by name bytes
 * @begin:      the numbers are known, differences follow
 * @difference: one that is to be shown; valid during the call
 * @end:        no more
 *
 * Output errors show in ferror() of the stream.
 */
struct report_format {
	bool by_cause;
	void (*begin)(struct report *r);
	void (*difference)(struct report *r, const struct rimg_difference *x);
	void (*end)(struct report *r);
};

extern const struct report_format report_text;
extern const struct report_format report_json;

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

/** report_causes - all causes, those from which others follow first; @n: how many */
const enum rimg_cause *report_causes(size_t *ret_n);

/**
 * report_write - show a comparison
 * @r: all set but the counters
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int report_write(struct report *r, const struct report_format *format, const struct rimg_diff *diff,
		 const struct report_filter *filter);

#endif
