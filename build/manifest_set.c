/* SPDX-License-Identifier: MIT */
#include "build/manifest_load.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"
#include "core/toml.h"

/* "KEY=VALUE" of the command line, put into the merged document. Mistakes in it are found the way
 * those of files are: by the check of all keys afterwards. */

#define PARTS_MAX 16U

/** struct setting - one of them; @at has no line, which marks what comes from the command line */
struct setting {
	struct load *l;
	struct json_place at;
	const char *parts[PARTS_MAX];
	unsigned n_parts;
	const char *value;
};

static int bad(const struct setting *s, const char *why)
{
	return json_error(s->l->err, RIMG_E_ARG, s->at, "%s", why);
}

/* One part of the key: bare, or in double quotes with \" and \\. Returns what is behind it. */
static const char *read_part(const char *p, struct str *ret)
{
	if (*p != '"') {
		size_t len = strcspn(p, ".=\"");

		str_add_len(ret, p, len);
		return len > 0 ? p + len : NULL;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		str_add_char(ret, *p);
	}
	return *p ? p + 1 : NULL;
}

static int split_key(struct setting *s, const char *text)
{
	const char *p = text;

	for (;;) {
		auto_str struct str part = { 0 };

		p = read_part(p, &part);
		if (!p || (*p != '.' && *p != '='))
			return bad(s, "expected KEY=VALUE, with a key such as image.size");
		if (s->n_parts >= PARTS_MAX)
			return bad(s, "the key has too many parts");
		s->parts[s->n_parts] = arena_copy(&s->l->m->arena, str_cstr(&part), part.len);
		if (part.failed || !s->parts[s->n_parts])
			return error_nomem(s->l->err);
		s->n_parts++;
		if (*p++ == '=')
			break;
	}
	s->value = p;
	return 0;
}

/* @depth: tables and lists that may still lie in @value; the parser saw to it that it is enough */
static bool set_places(struct setting *s, struct json_object *value, unsigned depth)
{
	if (!value || !json_set_place(&s->l->m->arena, value, s->at))
		return false;
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			if (depth == 0 || !set_places(s, member, depth - 1))
				return false;
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			if (depth == 0 ||
			    !set_places(s, json_object_array_get_idx(value, i), depth - 1))
				return false;
		}
	}
	return true;
}

/* TOML if it is just one TOML value, else a text. Kept by the arena. */
static int read_value(struct setting *s, struct json_object **ret)
{
	auto_str struct str text = { 0 };
	struct json_object *doc = NULL, *value = NULL;
	size_t len = strlen(s->value);
	int r;

	str_printf(&text, "v = %s", s->value);
	if (text.failed)
		return error_nomem(s->l->err);
	r = toml_read(&s->l->m->arena, text.data, text.len, s->at.file, &doc, NULL);
	if (r == -RIMG_E_NOMEM)
		return error_nomem(s->l->err);
	if (r == 0 && json_object_object_length(doc) == 1)
		value = json_object_object_get(doc, "v");
	if (!value && (!str_is_utf8(s->value, len) || len > JSON_TEXT_MAX))
		return bad(s, "the value is not UTF-8, or too long");
	if (!value) {
		value = json_object_new_string_len(s->value, (int)len);
		if (!value)
			return error_nomem(s->l->err);
		r = json_keep(&s->l->m->arena, value, s->l->err);
		if (r < 0)
			return r;
	}
	if (!set_places(s, value, JSON_DEPTH_MAX))
		return error_nomem(s->l->err);
	*ret = value;
	return 0;
}

/* The element of a list of tables that is called @name: the last, since later ones win. */
static int find_element(struct setting *s, struct json_object *list, const char *name,
			struct json_object **ret)
{
	bool files = strcmp(s->parts[0], "files") == 0;

	for (size_t i = json_object_array_length(list); i > 0; i--) {
		struct json_object *table = json_object_array_get_idx(list, i - 1);
		struct json_object *own = json_object_object_get(table, files ? "path" : "name");
		const char *text = own ? json_object_get_string(own) : NULL;

		if (!text || strcmp(text, name) != 0)
			continue;
		*ret = table;
		return 0;
	}
	return json_error(s->l->err, RIMG_E_ARG, s->at, "no [[%s]] has the %s \"%s\"", s->parts[0],
			  files ? "path" : "name", load_shown(s->l, name));
}

static int make_table(struct setting *s, struct json_object *holder, const char *key,
		      struct json_object **ret)
{
	struct json_object *table = json_object_new_object();

	if (!table || !json_set_place(&s->l->m->arena, table, s->at)) {
		json_object_put(table);
		return error_nomem(s->l->err);
	}
	*ret = table;
	return json_add(holder, key, table, s->l->err);
}

/* One step down. Tables that are missing are made; lists must be there. */
static int descend(struct setting *s, struct json_object *holder, const char *part,
		   struct json_object **ret)
{
	struct json_object *child;

	if (json_object_is_type(holder, json_type_array))
		return find_element(s, holder, part, ret);
	if (!json_object_is_type(holder, json_type_object))
		return bad(s, "a part of the key is neither a table nor a list of tables");
	child = json_object_object_get(holder, part);
	if (child) {
		*ret = child;
		return 0;
	}
	if (holder == s->l->doc && (strcmp(part, "partition") == 0 || strcmp(part, "files") == 0))
		return json_error(s->l->err, RIMG_E_ARG, s->at, "the manifest has no [[%s]]", part);
	return make_table(s, holder, part, ret);
}

static int apply(struct load *l, const char *text)
{
	struct setting s = { .l = l };
	struct json_object *value = NULL, *holder = l->doc;
	int r;

	s.at.file = arena_printf(&l->m->arena, "--set %s", text);
	if (!s.at.file)
		return error_nomem(l->err);
	r = split_key(&s, text);
	if (r == 0 && strcmp(s.parts[0], "include") == 0)
		r = bad(&s, "only a file can include another");
	if (r == 0)
		r = read_value(&s, &value);
	for (unsigned i = 0; r == 0 && i + 1 < s.n_parts; i++)
		r = descend(&s, holder, s.parts[i], &holder);
	if (r == 0 && !json_object_is_type(holder, json_type_object))
		r = bad(&s, "a part of the key is not a table");
	if (r < 0)
		return r;
	r = json_add(holder, s.parts[s.n_parts - 1], json_object_get(value), l->err);
	return r < 0 ? r : keys_check(l, l->doc);
}

int load_apply_set(struct load *l)
{
	for (size_t i = 0; i < l->options->n_set; i++) {
		int r = apply(l, l->options->set[i]);

		if (r < 0)
			return r;
	}
	return 0;
}
