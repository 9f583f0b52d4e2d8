/* SPDX-License-Identifier: MIT */
#ifndef BUILD_TOML_H
#define BUILD_TOML_H

#include "core/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * toml_read - parse a TOML text into the same values as json_read()
 * @a:    holds the value and all that belongs to it
 * @text: @len bytes of TOML 1.0
 * @name: of the text, for messages; copied
 * @ret:  a table whose members are sorted by key; set on success only
 *
 * Refused, beside what TOML itself refuses: floating point numbers, dates and times, keys with a
 * NUL, and texts over the limits of core/json.h.
 * Returns 0; -RIMG_E_BAD with "NAME:LINE: sentence", -RIMG_E_LIMIT, -RIMG_E_NOMEM.
 */
int toml_read(struct arena *a, const char *text, size_t len, const char *name,
	      struct json_object **ret, struct rimg_error *err);

/**
 * toml_check - hold a text against the limits, before the parser sees it
 * @name: is not copied
 *
 * The parser would follow dotted keys as deep as they are and free the tables by recursion.
 * Returns 0; -RIMG_E_BAD for bytes that are not UTF-8; -RIMG_E_LIMIT.
 */
int toml_check(const char *text, size_t len, const char *name, struct rimg_error *err);

#ifdef __cplusplus
}
#endif
#endif
