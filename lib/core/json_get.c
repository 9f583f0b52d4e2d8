/* SPDX-License-Identifier: MIT */
#include "core/json.h"

#include <inttypes.h>
#include <string.h>

#include "core/str.h"

static const char *type_kind(enum json_type type)
{
	switch (type) {
	case json_type_null: return "null";
	case json_type_boolean: return "true or false";
	case json_type_double: return "a number with a fraction";
	case json_type_int: return "an integer";
	case json_type_object: return "a table";
	case json_type_array: return "a list";
	case json_type_string: return "a text";
	}
	return "something else";
}

const char *json_kind(struct json_object *value)
{
	return type_kind(json_object_get_type(value));
}

/* Where to point for a member: null has no place of its own, so its table stands for it. */
static struct json_place member_place(struct json_object *table, struct json_object *member)
{
	return json_place_of(member ? member : table);
}

int json_get(struct json_object *table, const char *path, const char *key, enum json_type type,
	     struct json_object **ret, struct rimg_error *err)
{
	struct json_object *member;

	if (!json_object_object_get_ex(table, key, &member))
		return 0;
	if (!json_object_is_type(member, type))
		return json_error(err, RIMG_E_BAD, member_place(table, member),
				  "%s %s: expected %s, found %s", path, key, type_kind(type),
				  json_kind(member));
	*ret = member;
	return 1;
}

int json_get_bool(struct json_object *table, const char *path, const char *key, bool *ret,
		  struct rimg_error *err)
{
	struct json_object *member = NULL;
	int r = json_get(table, path, key, json_type_boolean, &member, err);

	if (r == 1)
		*ret = json_object_get_boolean(member);
	return r;
}

int json_get_int(struct json_object *table, const char *path, const char *key, int64_t min,
		 int64_t max, int64_t *ret, struct rimg_error *err)
{
	struct json_object *member = NULL;
	int r = json_get(table, path, key, json_type_int, &member, err);
	int64_t v;

	if (r != 1)
		return r;
	v = json_object_get_int64(member);
	if (v < min || v > max)
		return json_error(err, RIMG_E_BAD, json_place_of(member),
				  "%s %s: expected %" PRId64 " to %" PRId64 ", found %" PRId64,
				  path, key, min, max, v);
	*ret = v;
	return 1;
}

int json_get_bytes(struct json_object *table, const char *path, const char *key, const char **ret,
		   size_t *ret_len, struct rimg_error *err)
{
	struct json_object *member = NULL;
	int r = json_get(table, path, key, json_type_string, &member, err);

	if (r != 1)
		return r;
	*ret = json_object_get_string(member);
	*ret_len = (size_t)json_object_get_string_len(member);
	return 1;
}

int json_get_text(struct json_object *table, const char *path, const char *key, const char **ret,
		  struct rimg_error *err)
{
	const char *text = NULL;
	size_t len = 0;
	int r = json_get_bytes(table, path, key, &text, &len, err);

	if (r != 1)
		return r;
	if (strlen(text) != len)
		return json_error(err, RIMG_E_BAD,
				  json_place_of(json_object_object_get(table, key)),
				  "%s %s: a text with a NUL", path, key);
	*ret = text;
	return 1;
}

int json_get_size(struct json_object *table, const char *path, const char *key, uint64_t *ret,
		  struct rimg_error *err)
{
	struct json_object *member = json_object_object_get(table, key);
	const char *text = NULL;
	int64_t v = 0;
	int r;

	if (json_object_is_type(member, json_type_int)) {
		r = json_get_int(table, path, key, 0, INT64_MAX, &v, err);
		if (r == 1)
			*ret = (uint64_t)v;
		return r;
	}
	if (!json_object_is_type(member, json_type_string)) {
		if (!json_object_object_get_ex(table, key, &member))
			return 0;
		return json_error(err, RIMG_E_BAD, member_place(table, member),
				  "%s %s: expected an integer or a size such as \"512MiB\", found "
				  "%s",
				  path, key, json_kind(member));
	}
	r = json_get_text(table, path, key, &text, err);
	if (r == 1 && !str_parse_size(text, ret)) {
		auto_str struct str shown = { 0 };

		str_add_escaped(&shown, text, strlen(text), STR_ESCAPE_TEXT);
		return json_error(err, RIMG_E_BAD, json_place_of(member),
				  "%s %s: expected a size such as \"512MiB\", found \"%s\"", path,
				  key, str_cstr(&shown));
	}
	return r;
}

int json_missing(struct json_object *table, const char *path, const char *key,
		 struct rimg_error *err)
{
	return json_error(err, RIMG_E_BAD, json_place_of(table), "%s %s is missing", path, key);
}
