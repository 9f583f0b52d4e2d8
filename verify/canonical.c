/* SPDX-License-Identifier: MIT */
#include "verify/canonical.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"

/*     null n;   false f;   true t;   an integer i-12;   a text s3:abc
 *     a list l2:VALUE VALUE   a table o2:KEY VALUE KEY VALUE, keys as texts      (without blanks)
 */

static int compare_keys(const void *pa, const void *pb)
{
	return strcmp(*(const char *const *)pa, *(const char *const *)pb);
}

static void add_text(struct str *out, const char *text, size_t len)
{
	str_printf(out, "s%zu:", len);
	str_add_len(out, text, len);
}

static bool add_list(struct str *out, struct json_object *list)
{
	size_t n = json_object_array_length(list);
	bool good = true;

	str_printf(out, "l%zu:", n);
	for (size_t i = 0; i < n && good; i++)
		good = canonical_add(out, json_object_array_get_idx(list, i));
	return good;
}

static bool add_table(struct str *out, struct json_object *table)
{
	size_t n = (size_t)json_object_object_length(table), i = 0;
	auto_free const char **keys = calloc(n + 1, sizeof(*keys));
	bool good = true;

	if (!keys)
		return false;
	json_object_object_foreach(table, key, value)
	{
		(void)value;
		keys[i++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	str_printf(out, "o%zu:", n);
	for (i = 0; i < n && good; i++) {
		add_text(out, keys[i], strlen(keys[i]));
		good = canonical_add(out, json_object_object_get(table, keys[i]));
	}
	return good;
}

bool canonical_add(struct str *out, struct json_object *value)
{
	bool good = true;

	switch (json_object_get_type(value)) {
	case json_type_null: str_add(out, "n;"); break;
	case json_type_boolean: str_add(out, json_object_get_boolean(value) ? "t;" : "f;"); break;
	case json_type_int: str_printf(out, "i%" PRId64 ";", json_object_get_int64(value)); break;
	case json_type_string:
		add_text(out, json_object_get_string(value),
			 (size_t)json_object_get_string_len(value));
		break;
	case json_type_array: good = add_list(out, value); break;
	case json_type_object: good = add_table(out, value); break;
	case json_type_double: good = false; break; /* core/json.h makes none */
	}
	return good && !out->failed;
}
