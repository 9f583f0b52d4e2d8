/* SPDX-License-Identifier: MIT */
#include "build/manifest_load.h"

#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* Every key of the language, with the type of its value. What values mean, and which of them are
 * good, is the decoders' business. docs/manifest.md has the same keys, in the same order. */

enum key_type {
	KEY_TEXT,
	KEY_INT,
	KEY_BOOL,
	KEY_SIZE,   /* an integer or a text */
	KEY_TEXTS,  /* a list of texts */
	KEY_TABLE,  /* with the keys `keys` */
	KEY_TABLES, /* a list of such tables */
	KEY_MAP,    /* a table of such tables, by names that the user gives */
	KEY_MIXED,  /* like KEY_MAP; a text or null may stand for a table */
};

/**
 * struct key_rule - one key
 * @ignored: it asks for something that does not happen here: why
 */
struct key_rule {
	const char *name;
	enum key_type type;
	enum key_merge merge; /* of the keys of the whole document */
	const struct key_rule *keys;
	const char *ignored;
};

static const struct key_rule image_keys[] = {
	{ .name = "size", .type = KEY_SIZE },
	{ .name = "epoch", .type = KEY_INT },
	{ .name = "seed", .type = KEY_TEXT },
	{ .name = "compression", .type = KEY_TEXT },
	{ .name = "package_dirs", .type = KEY_TEXTS },
	{ .name = "package_keys", .type = KEY_TEXTS },
	{ .name = NULL },
};

static const struct key_rule partition_keys[] = {
	{ .name = "name", .type = KEY_TEXT },     { .name = "type", .type = KEY_TEXT },
	{ .name = "first_lba", .type = KEY_INT }, { .name = "last_lba", .type = KEY_INT },
	{ .name = "format", .type = KEY_TEXT },   { .name = "compression", .type = KEY_TEXT },
	{ .name = "source", .type = KEY_TEXT },   { .name = NULL },
};

static const struct key_rule bootloader_keys[] = {
	{ .name = "source", .type = KEY_TEXT },
	{ .name = "sha256", .type = KEY_TEXT },
	{ .name = "path", .type = KEY_TEXT },
	{ .name = NULL },
};

static const struct key_rule initfs_keys[] = {
	{ .name = "root", .type = KEY_TEXT },         { .name = "bootstrap", .type = KEY_TEXT },
	{ .name = "path", .type = KEY_TEXT },         { .name = "max_size", .type = KEY_SIZE },
	{ .name = "skip_special", .type = KEY_BOOL }, { .name = NULL },
};

static const struct key_rule file_keys[] = {
	{ .name = "path", .type = KEY_TEXT },
	{ .name = "source", .type = KEY_TEXT },
	{ .name = "data", .type = KEY_TEXT },
	{ .name = "symlink", .type = KEY_BOOL },
	{ .name = "directory", .type = KEY_BOOL },
	{ .name = "hardlink", .type = KEY_TEXT },
	{ .name = "mode", .type = KEY_INT },
	{ .name = "uid", .type = KEY_INT },
	{ .name = "gid", .type = KEY_INT },
	{ .name = "recursive_chown", .type = KEY_BOOL },
	{ .name = "postinstall", .type = KEY_BOOL },
	{ .name = "append", .type = KEY_BOOL },
	{ .name = "skip_special", .type = KEY_BOOL },
	{ .name = NULL },
};

static const struct key_rule package_keys[] = {
	{ .name = "source", .type = KEY_TEXT },
	{ .name = "version", .type = KEY_TEXT, .ignored = "the package that is found is taken" },
	{ .name = "git", .type = KEY_TEXT, .ignored = "packages are not built here" },
	{ .name = "path", .type = KEY_TEXT, .ignored = "packages are not built here" },
	{ .name = NULL },
};

static const struct key_rule general_keys[] = {
	{ .name = "filesystem_size", .type = KEY_INT },
	{ .name = "efi_partition_size", .type = KEY_INT },
	{ .name = "skip_partitions", .type = KEY_BOOL },
	{ .name = "encrypt_disk", .type = KEY_TEXT },
	{ .name = "cookbook", .type = KEY_TEXT },
	{ .name = "prompt", .type = KEY_BOOL, .ignored = "nobody is asked anything" },
	{ .name = "live_disk", .type = KEY_BOOL, .ignored = "boot loaders are taken as they are" },
	{ .name = "write_bootloader",
	  .type = KEY_TEXT,
	  .ignored = "nothing but the image is written" },
	{ .name = "no_mount", .type = KEY_BOOL, .ignored = "nothing is ever mounted" },
	{ .name = NULL },
};

static const struct key_rule user_keys[] = {
	{ .name = "password", .type = KEY_TEXT },
	{ .name = "uid", .type = KEY_INT },
	{ .name = "gid", .type = KEY_INT },
	{ .name = "name", .type = KEY_TEXT },
	{ .name = "home", .type = KEY_TEXT },
	{ .name = "shell", .type = KEY_TEXT },
	{ .name = NULL },
};

static const struct key_rule group_keys[] = {
	{ .name = "gid", .type = KEY_INT },
	{ .name = "members", .type = KEY_TEXTS },
	{ .name = NULL },
};

static const struct key_rule document_keys[] = {
	{ .name = "include", .type = KEY_TEXTS, .merge = KEY_MERGE_NONE },
	{ .name = "image", .type = KEY_TABLE, .merge = KEY_MERGE_KEYS, .keys = image_keys },
	{ .name = "partition",
	  .type = KEY_TABLES,
	  .merge = KEY_MERGE_REPLACE,
	  .keys = partition_keys },
	{ .name = "bootloader",
	  .type = KEY_TABLE,
	  .merge = KEY_MERGE_KEYS,
	  .keys = bootloader_keys },
	{ .name = "initfs", .type = KEY_TABLE, .merge = KEY_MERGE_KEYS, .keys = initfs_keys },
	{ .name = "files", .type = KEY_TABLES, .merge = KEY_MERGE_APPEND, .keys = file_keys },
	{ .name = "packages", .type = KEY_MIXED, .merge = KEY_MERGE_KEYS, .keys = package_keys },
	{ .name = "general", .type = KEY_TABLE, .merge = KEY_MERGE_KEYS, .keys = general_keys },
	{ .name = "users", .type = KEY_MAP, .merge = KEY_MERGE_KEYS, .keys = user_keys },
	{ .name = "groups", .type = KEY_MAP, .merge = KEY_MERGE_KEYS, .keys = group_keys },
	{ .name = NULL },
};

static const struct key_rule *find_rule(const struct key_rule *rules, const char *name)
{
	for (; rules->name; rules++) {
		if (strcmp(rules->name, name) == 0)
			return rules;
	}
	return NULL;
}

/* ---- the nearest key ------------------------------------------------------------------------ */

static const struct key_rule *nearest(const struct key_rule *rules, const char *name,
				      size_t *ret_distance)
{
	const struct key_rule *best = rules;

	*ret_distance = SIZE_MAX;
	for (; rules->name; rules++) {
		size_t d = str_distance(rules->name, name);

		if (d < *ret_distance) {
			*ret_distance = d;
			best = rules;
		}
	}
	return best;
}

/* The first table that has just this key: a key too far down in a TOML file lands in the table that
 * stands above it. */
static const struct key_rule *other_home(const char *name)
{
	for (const struct key_rule *t = document_keys; t->name; t++) {
		if (t->keys && find_rule(t->keys, name))
			return t;
	}
	return NULL;
}

static const char *bracketed(struct load *l, const struct key_rule *table, const char *name)
{
	const char *close = table->type == KEY_TABLES ? "]]" : "]";
	const char *open = table->type == KEY_TABLES ? "[[" : "[";
	const char *shown = name ? load_shown(l, name) : "NAME";
	char *text;

	if (table->type == KEY_MAP || table->type == KEY_MIXED)
		text = arena_printf(&l->m->arena, "[%s.%s]", table->name, shown);
	else
		text = arena_printf(&l->m->arena, "%s%s%s", open, table->name, close);
	return text ? text : "[?]";
}

/* @path: the table it was found in; "" for the document */
static int unknown_key(struct load *l, struct json_place at, const char *path,
		       const struct key_rule *rules, const char *name)
{
	const char *in = path[0] ? " in " : "", *shown = load_shown(l, name);
	const struct key_rule *top = find_rule(document_keys, name);
	const struct key_rule *home = other_home(name), *guess;
	size_t d;

	guess = nearest(rules, name, &d);
	if (d > 2 && top && top->type == KEY_TEXTS)
		return json_error(
			l->err, RIMG_E_BAD, at,
			"unknown key \"%s\"%s%s; it belongs at the top, before all tables", shown,
			in, path);
	if (d > 2 && top)
		return json_error(l->err, RIMG_E_BAD, at,
				  "unknown key \"%s\"%s%s; it is a table of its own, %s", shown, in,
				  path, bracketed(l, top, NULL));
	if (d > 2 && home)
		return json_error(l->err, RIMG_E_BAD, at,
				  "unknown key \"%s\"%s%s; it belongs in %s", shown, in, path,
				  bracketed(l, home, NULL));
	return json_error(l->err, RIMG_E_BAD, at,
			  "unknown key \"%s\"%s%s; the nearest known one is \"%s\"", shown, in,
			  path, guess->name);
}

/* ---- types ---------------------------------------------------------------------------------- */

static bool has_type(struct json_object *value, enum key_type type)
{
	enum json_type have = json_object_get_type(value);

	switch (type) {
	case KEY_TEXT: return have == json_type_string;
	case KEY_INT: return have == json_type_int;
	case KEY_BOOL: return have == json_type_boolean;
	case KEY_SIZE: return have == json_type_int || have == json_type_string;
	case KEY_TEXTS:
	case KEY_TABLES: return have == json_type_array;
	case KEY_TABLE:
	case KEY_MAP:
	case KEY_MIXED: return have == json_type_object;
	}
	return false;
}

static const char *type_name(enum key_type type)
{
	static const char *const names[] = {
		[KEY_TEXT] = "a text",
		[KEY_INT] = "an integer",
		[KEY_BOOL] = "true or false",
		[KEY_SIZE] = "an integer or a size such as \"512MiB\"",
		[KEY_TEXTS] = "a list of texts",
		[KEY_TABLE] = "a table",
		[KEY_TABLES] = "a list of tables ([[...]])",
		[KEY_MAP] = "a table",
		[KEY_MIXED] = "a table",
	};

	return names[type];
}

/* @path: how messages call what holds the value; @key: its key there, or "" */
static int wrong_type(struct load *l, struct json_place at, const char *path, const char *key,
		      const char *wanted, struct json_object *value)
{
	return json_error(l->err, RIMG_E_BAD, at, "%s%s%s: expected %s, found %s", path,
			  path[0] && key[0] ? " " : "", key, wanted, json_kind(value));
}

static struct json_place place_or(struct json_object *value, struct json_object *holder)
{
	return json_place_of(value ? value : holder);
}

/* Values of scalar types, and lists of texts. */
static int check_value(struct load *l, struct json_object *holder, const char *path,
		       const struct key_rule *rule, struct json_object *value)
{
	if (!has_type(value, rule->type))
		return wrong_type(l, place_or(value, holder), path, rule->name,
				  type_name(rule->type), value);
	if (rule->type != KEY_TEXTS)
		return 0;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		if (!json_object_is_type(item, json_type_string))
			return wrong_type(l, place_or(item, value), path, rule->name,
					  "a list of texts", item);
	}
	return 0;
}

/* A table that holds no tables. */
static int check_table(struct load *l, struct json_object *table, const char *path,
		       const struct key_rule *rules)
{
	json_object_object_foreach(table, name, value)
	{
		const struct key_rule *rule = find_rule(rules, name);
		int r;

		if (!rule)
			return unknown_key(l, place_or(value, table), path, rules, name);
		r = check_value(l, table, path, rule, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_map(struct load *l, struct json_object *map, const struct key_rule *rule)
{
	json_object_object_foreach(map, name, value)
	{
		bool table = json_object_is_type(value, json_type_object);
		bool other = rule->type == KEY_MIXED &&
			     (!value || json_object_is_type(value, json_type_string));
		const char *path = bracketed(l, rule, name);
		int r = 0;

		if (!table && !other)
			return wrong_type(l, place_or(value, map), path, "",
					  rule->type == KEY_MIXED ? "a table or a text" : "a table",
					  value);
		if (table)
			r = check_table(l, value, path, rule->keys);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_tables(struct load *l, struct json_object *list, const struct key_rule *rule)
{
	const char *path = bracketed(l, rule, NULL);

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *table = json_object_array_get_idx(list, i);
		int r;

		if (!json_object_is_type(table, json_type_object))
			return wrong_type(l, place_or(table, list), path, "", "a table", table);
		r = check_table(l, table, path, rule->keys);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_member(struct load *l, struct json_object *doc, const char *name,
			struct json_object *value)
{
	const struct key_rule *rule = find_rule(document_keys, name);
	int r;

	if (!rule)
		return unknown_key(l, place_or(value, doc), "", document_keys, name);
	r = check_value(l, doc, "", rule, value);
	if (r < 0)
		return r;
	switch (rule->type) {
	case KEY_TABLE: return check_table(l, value, bracketed(l, rule, NULL), rule->keys);
	case KEY_TABLES: return check_tables(l, value, rule);
	case KEY_MAP:
	case KEY_MIXED: return check_map(l, value, rule);
	default: return 0;
	}
}

int keys_check(struct load *l, struct json_object *doc)
{
	json_object_object_foreach(doc, name, value)
	{
		int r = check_member(l, doc, name, value);

		if (r < 0)
			return r;
	}
	return 0;
}

enum key_merge keys_merge(const char *key)
{
	const struct key_rule *rule = find_rule(document_keys, key);

	return rule ? rule->merge : KEY_MERGE_NONE;
}

/* ---- keys without effect -------------------------------------------------------------------- */

/* false and "" ask for what happens anyway */
static bool asks_for_something(struct json_object *value)
{
	if (json_object_is_type(value, json_type_string))
		return json_object_get_string_len(value) > 0;
	return json_object_get_boolean(value);
}

static int note_ignored(struct load *l, struct json_object *table, const char *path,
			const struct key_rule *rules)
{
	for (const struct key_rule *rule = rules; rule->name; rule++) {
		struct json_object *value = json_object_object_get(table, rule->name);

		if (rule->ignored && value && asks_for_something(value) &&
		    load_warn(l, json_place_of(value), "%s %s has no effect: %s", path, rule->name,
			      rule->ignored) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

int keys_note_ignored(struct load *l)
{
	struct json_object *packages = load_table(l, "packages");
	const struct key_rule *rule = find_rule(document_keys, "packages");
	int r = note_ignored(l, load_table(l, "general"), "[general]", general_keys);

	if (r < 0 || !packages || !rule)
		return r;
	json_object_object_foreach(packages, name, value)
	{
		if (!json_object_is_type(value, json_type_object))
			continue;
		r = note_ignored(l, value, bracketed(l, rule, name), package_keys);
		if (r < 0)
			return r;
	}
	return 0;
}
