/* SPDX-License-Identifier: MIT */
#ifndef DIFF_EDITS_H
#define DIFF_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct edit - items [a, a + n_a) of one list stand for [b, b + n_b) of the other */
struct edit {
	size_t a, n_a;
	size_t b, n_b;
};

/** struct edits - all edits that make one list the other, ascending; between them items are equal
 */
struct edits {
	struct edit *items;
	size_t n, cap;
	bool coarse; /* too many: what lies between the first and the last is one edit */
};

#define EDITS_MAX ((size_t)1000) /* the paths of the search take 4 bytes x EDITS_MAX^2 / 2 */

/**
 * edits_find - the fewest edits between two lists of keys
 * @max: items that are taken out or put in at most, up to EDITS_MAX; more is told as coarse
 * @ret: set on success only; the caller frees it with edits_done()
 *
 * Myers' algorithm, greedy. Time is bounded by the length of the lists times @max.
 * Returns 0 or -RIMG_E_NOMEM.
 */
int edits_find(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b, size_t max,
	       struct edits *ret);

void edits_done(struct edits *e);

#endif
