/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_TIMESTAMP_H
#define VERIFY_TIMESTAMP_H

#include "core/str.h"

/* Times of attestations: RFC 3339 in UTC to the second, "2026-01-31T12:00:00Z". */

/**
 * timestamp_parse - such a text, or a number of seconds since 1970 UTC
 *
 * From 1970 up to the year 9999. Returns false for anything else: other zones, fractions, days that
 * do not exist, second 60.
 */
bool timestamp_parse(const char *text, int64_t *ret_s);

/** timestamp_add - add @s seconds since 1970 as such a text */
void timestamp_add(struct str *out, int64_t s);

#endif
