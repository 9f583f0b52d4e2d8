/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_CANONICAL_H
#define VERIFY_CANONICAL_H

#include <json-c/json.h>

#include "core/str.h"

/**
 * canonical_add - add a JSON value in an encoding that equal values, and no others, share
 *
 * Members of tables are sorted by the bytes of their keys; lengths stand before texts, counts
 * before lists and tables: nothing has to be escaped. Only for values of core/json.h, whose depth
 * is bounded. Returns false without memory.
 */
bool canonical_add(struct str *out, struct json_object *value);

#endif
