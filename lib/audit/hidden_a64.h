/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_HIDDEN_A64_H
#define AUDIT_HIDDEN_A64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The detector of raw AArch64 code. It looks at windows of 64 words, each 32 words behind the one
 * before, of words at each of the four possible alignments. */

#define A64_STEP   ((size_t)128)    /* bytes from one window to the next */
#define A64_WINDOW (2 * A64_STEP)   /* bytes in a window */
#define A64_REACH  (A64_WINDOW + 3) /* bytes that a call looks at */

/** struct a64_sums - how much half of a window reads as code, at each alignment */
struct a64_sums {
	int score[4];
};

/** hidden_a64_sums - of A64_STEP + 3 bytes */
struct a64_sums hidden_a64_sums(const uint8_t *p);

/**
 * hidden_a64_window - do the bytes read as code, at any alignment?
 * @p:           A64_REACH bytes; bytes 0..3 are where the four alignments begin
 * @left, @right: the sums of its two halves
 *
 * Says so of 97 to 98 % of all windows in the middle of compiled code, and of fewer than 2 in a
 * million windows of other data. Rates: docs/audit.md, "Raw code".
 */
bool hidden_a64_window(const uint8_t *p, const struct a64_sums *left, const struct a64_sums *right);

#endif
