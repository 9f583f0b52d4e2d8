/* SPDX-License-Identifier: MIT */
#ifndef DIFF_WHY_H
#define DIFF_WHY_H

#include "core/str.h"
#include "diff/pairs.h"

/**
 * why_add - one sentence on why @x has its cause, or from what it follows
 *
 * Made when it is asked for; may read a few bytes of the artifacts. What cannot be read is left
 * out. Allocation failures show in @s->failed.
 */
void why_add(struct str *s, const struct rimg_diff *d, const struct difference *x);

/** why_add_bytes - the same for bytes that are meant to be free, zero or unknown */
void why_add_bytes(struct str *s, const struct rimg_diff *d, const struct difference *x);

/** why_only_zeros - has @x no other bytes, so that one side is only longer? false if it has many */
bool why_only_zeros(const struct rimg_diff *d, const struct difference *x);

/** why_add_time - the same for two times */
void why_add_time(struct str *s, const struct rimg_attr *a, const struct rimg_attr *b);

/** why_add_name - "PATH" or "PATH: FIELD" of a difference */
void why_add_name(struct str *s, const struct rimg_diff *d, const struct difference *x);

/**
 * why_damage - the first finding that either side has about bytes of @x
 *
 * What a reader stumbled over is the best explanation there is. NULL: none is known.
 */
const struct finding *why_damage(const struct rimg_diff *d, const struct difference *x,
				 bool *ret_in_a);

/** diff_add_path - the steps from the artifacts compared to where @x is */
void diff_add_path(struct str *s, const struct rimg_diff *d, const struct difference *x);

#endif
