/* SPDX-License-Identifier: MIT */
#ifndef CORE_TOML_H
#define CORE_TOML_H

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
 * toml_read_fractions - like toml_read(), for texts that may hold fractions
 *
 * These become values of json_type_double, which toml_get_fraction() reads; infinities and what is
 * not a number stay refused.
 */
int toml_read_fractions(struct arena *a, const char *text, size_t len, const char *name,
			struct json_object **ret, struct rimg_error *err);

/**
 * toml_get_fraction - 0, or a number from 0.0001 to 1, in millionths
 *
 * More than six digits behind the point are refused. Returns as json_get() does.
 */
int toml_get_fraction(struct json_object *table, const char *path, const char *key, uint32_t *ret,
		      struct rimg_error *err);

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
