/* SPDX-License-Identifier: MIT */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include <rimg/rimg.h>

/* The limits of struct rimg_limits by name, for `--limit NAME=VALUE` and for whoever is told of
 * one. */

/* what a message about a limit ends with */
#define LIMIT_MORE(name) "; --limit " name "=N allows more"

/** limits_name - the name of limit @i, from 0; NULL after the last. @arg is not used. */
const char *limits_name(const void *arg, size_t i);

/** limits_about - what limit @i is about, in a few words, with the unit */
const char *limits_about(size_t i);

/** limits_value - the value of limit @i */
uint64_t limits_value(const struct rimg_limits *limits, size_t i);

/**
 * limits_set - set a limit as in "nodes=5000000" or "content=1GiB"
 *
 * Returns 0, or -RIMG_E_ARG with a sentence: no such limit, no number, out of the range in which
 * rimg can keep its promises (depths recurse, and a content of 4 GiB has no offsets of 32 bits).
 */
int limits_set(struct rimg_limits *limits, const char *assignment, struct rimg_error *err);

#endif
