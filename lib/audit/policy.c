/* SPDX-License-Identifier: MIT */
#include "audit/policy.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/load.h"
#include "core/num.h"
#include "core/str.h"
#include "core/toml.h"

struct reader {
	struct policy *p;
	struct rimg_error *err;
};

/* ---- keys ----------------------------------------------------------------------------------- */

static const char *const top_keys[] = { "policy", "exception", NULL };
static const char *const policy_keys[] = { "allow",  "min_coverage", "interpreted",
					   "opaque", "hidden",       NULL };
static const char *const artifact_keys[] = { "path", "sha256", "reason", NULL };
static const char *const code_keys[] = { "code_sha256", "class", "name", "reason", NULL };

static bool is_key(const char *const *keys, const char *name)
{
	for (; *keys; keys++)
		if (strcmp(*keys, name) == 0)
			return true;
	return false;
}

static const char *nearest(const char *const *keys, const char *name)
{
	const char *best = *keys;

	for (; *keys; keys++)
		if (str_distance(*keys, name) < str_distance(best, name))
			best = *keys;
	return best;
}

/* @path: the table as messages call it; "" for the document */
static int check_keys(struct reader *r, struct json_object *table, const char *path,
		      const char *const *keys)
{
	json_object_object_foreach(table, name, value)
	{
		auto_str struct str shown = { 0 };

		if (is_key(keys, name))
			continue;
		str_add_escaped(&shown, name, strlen(name), STR_ESCAPE_TEXT);
		return json_error(r->err, RIMG_E_BAD, json_place_of(value ? value : table),
				  "unknown key \"%s\"%s%s; the nearest known one is \"%s\"",
				  str_cstr(&shown), path[0] ? " in " : "", path,
				  nearest(keys, name));
	}
	return 0;
}

/* ---- values --------------------------------------------------------------------------------- */

static int read_class(struct reader *r, struct json_object *value, const char *path,
		      enum code_class *ret)
{
	const char *name =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	auto_str struct str shown = { 0 };

	for (unsigned i = 0; name && i < N_CODE_CLASSES; i++) {
		if (i != CODE_PAD && strcmp(name, code_class_name(i)) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (name)
		str_add_escaped(&shown, name, strlen(name), STR_ESCAPE_TEXT);
	return json_error(r->err, RIMG_E_BAD, json_place_of(value),
			  "%s: expected cranelift, llvm, gcc, foreign, asm, conflict or unknown, "
			  "found %s",
			  path, name ? str_cstr(&shown) : json_kind(value));
}

static int read_allow(struct reader *r, struct json_object *table)
{
	struct json_object *list = NULL;
	int rc = json_get(table, "[policy]", "allow", json_type_array, &list, r->err);

	if (rc <= 0)
		return rc;
	memset(r->p->allow, 0, sizeof(r->p->allow));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		enum code_class cls = CODE_UNKNOWN;

		rc = read_class(r, item, "[policy] allow", &cls);
		if (rc < 0)
			return rc;
		if (cls == CODE_CONFLICT || cls == CODE_UNKNOWN)
			return json_error(r->err, RIMG_E_BAD, json_place_of(item),
					  "[policy] allow: \"%s\" says that nobody knows what made "
					  "the code; declare the code by its hash instead",
					  code_class_name(cls));
		r->p->allow[cls] = true;
	}
	return 0;
}

/* "allow" or "deny" */
static int read_permit(struct reader *r, struct json_object *table, const char *key, bool *ret)
{
	const char *text = NULL;
	int rc = json_get_text(table, "[policy]", key, &text, r->err);

	if (rc <= 0)
		return rc;
	*ret = strcmp(text, "allow") == 0;
	if (*ret || strcmp(text, "deny") == 0)
		return 0;
	return json_error(r->err, RIMG_E_BAD, json_place_of(json_object_object_get(table, key)),
			  "[policy] %s: expected \"allow\" or \"deny\"", key);
}

static int read_policy_table(struct reader *r, struct json_object *doc)
{
	struct json_object *table = NULL;
	int rc = json_get(doc, "", "policy", json_type_object, &table, r->err);

	if (rc <= 0)
		return rc;
	rc = check_keys(r, table, "[policy]", policy_keys);
	if (rc == 0)
		rc = read_allow(r, table);
	if (rc == 0)
		rc = toml_get_fraction(table, "[policy]", "min_coverage", &r->p->min_coverage,
				       r->err);
	if (rc >= 0)
		rc = read_permit(r, table, "interpreted", &r->p->interpreted);
	if (rc == 0)
		rc = read_permit(r, table, "opaque", &r->p->opaque);
	return rc < 0 ? rc : read_permit(r, table, "hidden", &r->p->hidden);
}

/* ---- exceptions ----------------------------------------------------------------------------- */

static const char path_of_exception[] = "[[exception]]";

static int read_hash(struct reader *r, struct json_object *table, const char *key,
		     uint8_t ret[SHA256_LEN])
{
	const char *text = NULL;
	int rc = json_get_text(table, path_of_exception, key, &text, r->err);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < 2 * SHA256_LEN; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (!digit || (i == 2 * SHA256_LEN - 1 && text[i + 1] != '\0'))
			return json_error(r->err, RIMG_E_BAD,
					  json_place_of(json_object_object_get(table, key)),
					  "[[exception]] %s: expected 64 hexadecimal digits", key);
		ret[i / 2] = (uint8_t)(ret[i / 2] << 4 | ((digit - digits) & 15));
	}
	return 1;
}

/* A text that has to be there and to say something, or (@needed false) may be missing. */
static int read_text(struct reader *r, struct json_object *table, const char *key, bool needed,
		     const char **ret)
{
	int rc = json_get_text(table, path_of_exception, key, ret, r->err);

	if (rc == 0 && needed)
		return json_missing(table, path_of_exception, key, r->err);
	if (rc == 1 && (*ret)[0] == '\0')
		return json_error(r->err, RIMG_E_BAD,
				  json_place_of(json_object_object_get(table, key)),
				  "[[exception]] %s: expected a text, found an empty one", key);
	return rc < 0 ? rc : 0;
}

static int read_code(struct reader *r, struct json_object *table, struct policy_exception *e)
{
	struct json_object *cls;
	int rc = check_keys(r, table, path_of_exception, code_keys);

	if (rc < 0)
		return rc;
	if (!json_object_object_get_ex(table, "class", &cls))
		return json_missing(table, path_of_exception, "class", r->err);
	rc = read_class(r, cls ? cls : table, "[[exception]] class", &e->cls);
	return rc < 0 ? rc : read_text(r, table, "name", false, &e->name);
}

/* A path without a hash would let anything pass that is put there. */
static int read_artifact(struct reader *r, struct json_object *table, struct policy_exception *e)
{
	int rc = check_keys(r, table, path_of_exception, artifact_keys);

	if (rc == 0)
		rc = read_hash(r, table, "sha256", e->sha256);
	if (rc == 0)
		return json_error(r->err, RIMG_E_BAD, e->place,
				  "[[exception]]: expected sha256 or code_sha256: an exception "
				  "stands for bytes, a path alone would let any bytes pass");
	return rc < 0 ? rc : read_text(r, table, "path", false, &e->path);
}

static int read_exception(struct reader *r, struct json_object *table, struct policy_exception *e)
{
	int rc;

	if (!json_object_is_type(table, json_type_object))
		return json_error(r->err, RIMG_E_BAD, json_place_of(table),
				  "exception: expected a table, found %s", json_kind(table));
	e->place = json_place_of(table);
	rc = read_hash(r, table, "code_sha256", e->sha256);
	e->is_code = rc == 1;
	if (rc >= 0)
		rc = e->is_code ? read_code(r, table, e) : read_artifact(r, table, e);
	return rc < 0 ? rc : read_text(r, table, "reason", true, &e->reason);
}

static int read_exceptions(struct reader *r, struct json_object *doc)
{
	struct json_object *list = NULL;
	int rc = json_get(doc, "", "exception", json_type_array, &list, r->err);
	size_t n;

	if (rc <= 0)
		return rc;
	n = json_object_array_length(list);
	if (n > POLICY_EXCEPTIONS)
		return json_error(r->err, RIMG_E_LIMIT, json_place_of(list),
				  "more than %u exceptions", POLICY_EXCEPTIONS);
	r->p->exceptions = arena_array(&r->p->arena, n ? n : 1, sizeof(*r->p->exceptions));
	if (!r->p->exceptions)
		return error_nomem(r->err);
	for (size_t i = 0; i < n; i++) {
		rc = read_exception(r, json_object_array_get_idx(list, i), &r->p->exceptions[i]);
		if (rc < 0)
			return rc;
		r->p->n_exceptions++;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------ */

void policy_init(struct policy *p)
{
	*p = (struct policy){ .min_coverage = POLICY_ONE };
	p->allow[CODE_CRANELIFT] = true;
	arena_init(&p->arena, 0);
}

void policy_done(struct policy *p)
{
	arena_done(&p->arena);
}

int policy_read(struct policy *p, const char *text, size_t len, const char *name,
		struct rimg_error *err)
{
	struct reader r = { .p = p, .err = err };
	struct json_object *doc = NULL;
	int rc;

	policy_init(p);
	rc = toml_read_fractions(&p->arena, text, len, name, &doc, err);
	if (rc == 0)
		rc = check_keys(&r, doc, "", top_keys);
	if (rc == 0)
		rc = read_policy_table(&r, doc);
	return rc < 0 ? rc : read_exceptions(&r, doc);
}

int policy_load(struct policy *p, const char *path, struct rimg_error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc;

	policy_init(p);
	rc = load_file(path, JSON_TEXT_MAX, "a policy", &text, &len, err);
	return rc < 0 ? rc : policy_read(p, text, len, path, err);
}

bool policy_path_fits(const char *pattern, const char *path)
{
	const char *star = NULL, *resume = NULL;

	while (*path) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = path;
		} else if (*pattern == *path || *pattern == '?') {
			pattern++;
			path++;
		} else if (star) {
			pattern = star;
			path = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
