/* SPDX-License-Identifier: MIT */
#ifndef DIFF_REPORT_TREE_H
#define DIFF_REPORT_TREE_H

#include "core/html.h"
#include "diff/report.h"

/**
 * tree_write - the paths of all differences that are to be shown, as a tree with counts
 * @listed: a bit for each difference that the page tells of, by its number, and so can be led to
 *
 * Bounded; what has no line of its own is counted where it lies, and the page says so. Returns 0 or
 * a code.
 */
int tree_write(struct html *h, const struct report *r, const uint8_t *listed,
	       struct rimg_error *err);

#endif
