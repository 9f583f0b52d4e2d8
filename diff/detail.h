/* SPDX-License-Identifier: MIT */
#ifndef DIFF_DETAIL_H
#define DIFF_DETAIL_H

#include "diff/pairs.h"

/** struct detail - a closer look that is being shown; see rimg_difference_detail() */
struct detail {
	const struct rimg_diff *diff;
	size_t max_lines;
	size_t n_lines;
	bool stopped;
	enum rimg_detail_form form;
	bool (*fn)(void *arg, const struct rimg_detail_line *line);
	void *arg;
};

/** detail_full - are there enough lines? */
bool detail_full(const struct detail *d);

/** detail_head, detail_same, detail_diff, detail_note - give a line; texts must be harmless */
void detail_head(struct detail *d, const char *text);
void detail_same(struct detail *d, const char *a, const char *b);
void detail_diff(struct detail *d, const char *a, const char *b);
void detail_note(struct detail *d, const char *text);

/* Each of these returns 0, -RIMG_E_NOMEM or a code of rimg_source_read(). */

/** detail_hex - rows of bytes around the first ones that differ */
int detail_hex(struct detail *d, const struct rimg_source *a, const struct rimg_source *b);

/** detail_ranges - rows of bytes of the artifacts around the first ranges of @x */
int detail_ranges(struct detail *d, const struct difference *x);

/** detail_text - lines that differ, with some around them; @ret: false if these are no texts */
int detail_text(struct detail *d, const struct rimg_source *a, const struct rimg_source *b,
		bool *ret);

/** detail_code - instructions that differ; @ret: false if they cannot be told */
int detail_code(struct detail *d, const struct pair *p, bool *ret);

#endif
