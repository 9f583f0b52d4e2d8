/* SPDX-License-Identifier: MIT */
#include "verify/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/num.h"
#include "core/str.h"
#include "verify/canonical.h"
#include "verify/hex.h"
#include "verify/timestamp.h"

struct reader {
	struct arena *a;
	struct statement *s;
	struct rimg_error *err;
};

/* ---- members -------------------------------------------------------------------------------- */

/* Members that have to be there. */
static int need_text(const struct reader *r, struct json_object *table, const char *path,
		     const char *key, const char **ret)
{
	int rc = json_get_text(table, path, key, ret, r->err);

	return rc == 0 ? json_missing(table, path, key, r->err) : rc < 0 ? rc : 0;
}

static int need(const struct reader *r, struct json_object *table, const char *path,
		const char *key, enum json_type type, struct json_object **ret)
{
	int rc = json_get(table, path, key, type, ret, r->err);

	return rc == 0 ? json_missing(table, path, key, r->err) : rc < 0 ? rc : 0;
}

static int get_expires(const struct reader *r, struct json_object *table, const char *path)
{
	const char *text = NULL;
	int rc = json_get_text(table, path, "rimg_expires", &text, r->err);

	if (rc == 1 && (!strchr(text, 'T') || !timestamp_parse(text, &r->s->expires)))
		return json_error(
			r->err, RIMG_E_BAD, json_place_of(table),
			"%s rimg_expires: expected a time such as \"2026-01-31T12:00:00Z\"", path);
	r->s->has_expires = r->s->has_expires || rc == 1;
	return rc < 0 ? rc : 0;
}

/* ---- subjects ------------------------------------------------------------------------------- */

static int read_subject(const struct reader *r, struct json_object *value, size_t i)
{
	struct subject *subject = &r->s->subjects[i];
	struct json_object *digest = NULL;
	const char *hex = NULL;
	char path[48];
	int rc;

	snprintf(path, sizeof(path), "statement: subject %zu:", i + 1);
	subject->name = "";
	if (!json_object_is_type(value, json_type_object))
		return json_error(r->err, RIMG_E_BAD, json_place_of(value),
				  "%s expected a table, found %s", path, json_kind(value));
	rc = json_get_text(value, path, "name", &subject->name, r->err);
	if (rc >= 0)
		rc = need(r, value, path, "digest", json_type_object, &digest);
	if (rc >= 0)
		rc = need_text(r, digest, path, "sha256", &hex);
	if (rc < 0)
		return rc;
	if (!hex_digest(hex, subject->sha256))
		return json_error(r->err, RIMG_E_BAD, json_place_of(digest),
				  "%s sha256: expected 64 lower-case hexadecimal digits", path);
	return 0;
}

static int compare_names(const void *pa, const void *pb)
{
	const struct subject *a = *(const struct subject *const *)pa;
	const struct subject *b = *(const struct subject *const *)pb;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : (a > b) - (a < b);
}

/* in-toto wants names to be unique; those that differ in nothing would let us blame the wrong one.
 */
static int sort_names(const struct reader *r)
{
	size_t n = r->s->n_subjects;
	const struct subject **list = arena_array(r->a, n, sizeof(*list));

	if (!list)
		return error_nomem(r->err);
	for (size_t i = 0; i < n; i++)
		list[i] = &r->s->subjects[i];
	qsort(list, n, sizeof(*list), compare_names);
	for (size_t i = 1; i < n; i++)
		if (list[i]->name[0] && strcmp(list[i - 1]->name, list[i]->name) == 0)
			return error_set(r->err, RIMG_E_BAD, NULL,
					 "statement: two subjects have the name \"%s\"",
					 list[i]->name);
	r->s->by_name = list;
	return 0;
}

static int read_subjects(const struct reader *r, struct json_object *doc)
{
	struct json_object *list = NULL;
	int rc = need(r, doc, "statement:", "subject", json_type_array, &list);

	if (rc < 0)
		return rc;
	r->s->n_subjects = json_object_array_length(list);
	if (r->s->n_subjects == 0)
		return json_error(r->err, RIMG_E_BAD, json_place_of(list),
				  "statement: it is about nothing: no subject");
	if (r->s->n_subjects > STATEMENT_SUBJECTS_MAX)
		return json_error(r->err, RIMG_E_LIMIT, json_place_of(list),
				  "statement: more than %u subjects", STATEMENT_SUBJECTS_MAX);
	r->s->subjects = arena_array(r->a, r->s->n_subjects, sizeof(*r->s->subjects));
	if (!r->s->subjects)
		return error_nomem(r->err);
	for (size_t i = 0; i < r->s->n_subjects && rc == 0; i++)
		rc = read_subject(r, json_object_array_get_idx(list, i), i);
	return rc < 0 ? rc : sort_names(r);
}

/* ---- what it was made from ------------------------------------------------------------------ */

/* The digest of a list of values, each of which may be NULL, together with the predicate's type. */
static int define(const struct reader *r, struct json_object *const *values, size_t n)
{
	auto_str struct str text = { 0 };

	str_add(&text, "rimg-definition-1\n");
	str_add(&text, r->s->predicate_type);
	str_add_char(&text, '\n');
	for (size_t i = 0; i < n; i++)
		if (!canonical_add(&text, values[i]))
			return error_nomem(r->err);
	if (text.failed)
		return error_nomem(r->err);
	return digest_bytes(text.data, text.len, r->s->definition, r->err);
}

/* What the machine was like: in byproducts, the annotations of the one that is called "machine". */
static int read_facts(const struct reader *r, struct json_object *annotations)
{
	size_t n = (size_t)json_object_object_length(annotations);

	if (n > STATEMENT_FACTS_MAX)
		return json_error(r->err, RIMG_E_LIMIT, json_place_of(annotations),
				  "statement: more than %u facts about the machine",
				  STATEMENT_FACTS_MAX);
	r->s->facts = arena_array(r->a, n + 1, sizeof(*r->s->facts));
	if (!r->s->facts)
		return error_nomem(r->err);
	r->s->n_facts = 0;
	json_object_object_foreach(annotations, key, value)
	{
		struct fact *f = &r->s->facts[r->s->n_facts];

		(void)value;
		f->key = key;
		if (json_get_text(annotations, "statement: machine:", key, &f->value, r->err) != 1)
			return -RIMG_E_BAD;
		r->s->n_facts++;
	}
	return 0;
}

static int read_byproducts(const struct reader *r, struct json_object *details)
{
	struct json_object *list = NULL;
	int rc = json_get(details, "statement: runDetails:", "byproducts", json_type_array, &list,
			  r->err);

	for (size_t i = 0; rc >= 0 && list && i < json_object_array_length(list); i++) {
		struct json_object *value = json_object_array_get_idx(list, i), *notes = NULL;
		const char *name = NULL;

		if (!json_object_is_type(value, json_type_object))
			return json_error(r->err, RIMG_E_BAD, json_place_of(value),
					  "statement: byproducts: expected a table, found %s",
					  json_kind(value));
		rc = json_get_text(value, "statement: byproducts:", "name", &name, r->err);
		if (rc == 1 && strcmp(name, "machine") == 0)
			rc = json_get(value, "statement: machine:", "annotations", json_type_object,
				      &notes, r->err);
		if (rc == 1 && notes)
			rc = read_facts(r, notes);
	}
	return rc < 0 ? rc : 0;
}

static int read_details(const struct reader *r, struct json_object *details)
{
	struct json_object *builder = NULL, *metadata = NULL;
	const char *path = "statement: runDetails:";
	int rc = need(r, details, path, "builder", json_type_object, &builder);

	if (rc >= 0)
		rc = need_text(r, builder, "statement: builder:", "id", &r->s->builder_id);
	if (rc >= 0)
		rc = json_get(details, path, "metadata", json_type_object, &metadata, r->err);
	if (rc == 1)
		rc = json_get_text(metadata, "statement: metadata:", "finishedOn", &r->s->time,
				   r->err);
	if (rc >= 0 && metadata)
		rc = get_expires(r, metadata, "statement: metadata:");
	return rc < 0 ? rc : read_byproducts(r, details);
}

static int read_provenance(const struct reader *r, struct json_object *predicate)
{
	struct json_object *definition = NULL, *details = NULL, *inputs = NULL, *params = NULL;
	const char *path = "statement: predicate:", *inner = "statement: buildDefinition:";
	int rc = need(r, predicate, path, "buildDefinition", json_type_object, &definition);

	if (rc >= 0)
		rc = need_text(r, definition, inner, "buildType", &r->s->build_type);
	if (rc >= 0)
		rc = need(r, definition, inner, "externalParameters", json_type_object, &params);
	if (rc >= 0)
		rc = json_get(definition, inner, "resolvedDependencies", json_type_array, &inputs,
			      r->err);
	if (rc == 1)
		r->s->n_inputs = json_object_array_length(inputs);
	if (rc >= 0)
		rc = need(r, predicate, path, "runDetails", json_type_object, &details);
	if (rc >= 0)
		rc = read_details(r, details);
	return rc < 0 ? rc : define(r, &definition, 1);
}

/* ---- joint statements ----------------------------------------------------------------------- */

/* A verification result can be about anything; here it has to be about a rebuild, and nothing else,
 * so that who counts signatures knows what was signed. */
static int read_property(const struct reader *r, struct json_object *properties)
{
	struct json_object *only = json_object_array_length(properties) == 1
					   ? json_object_array_get_idx(properties, 0)
					   : NULL;
	const char *text =
		json_object_is_type(only, json_type_string) ? json_object_get_string(only) : "";

	if (strcmp(text, PROPERTY_REBUILT) == 0)
		r->s->build_type = PROPERTY_REBUILT;
	else if (strcmp(text, PROPERTY_BYTES) == 0)
		r->s->build_type = PROPERTY_BYTES;
	else
		return json_error(r->err, RIMG_E_UNSUPPORTED, json_place_of(properties),
				  "statement: properties: expected [\"" PROPERTY_REBUILT
				  "\"] or [\"" PROPERTY_BYTES
				  "\"]; other results are not about a rebuild");
	return 0;
}

static int read_result(const struct reader *r, struct json_object *predicate)
{
	struct json_object *verifier = NULL, *properties = NULL, *policies = NULL;
	const char *path = "statement: predicate:", *id = NULL;
	int rc = need(r, predicate, path, "verifier", json_type_object, &verifier);

	if (rc >= 0)
		rc = need_text(r, verifier, "statement: verifier:", "id", &id);
	if (rc >= 0)
		rc = need(r, verifier, "statement: verifier:", "policies", json_type_array,
			  &policies);
	if (rc >= 0)
		rc = need_text(r, predicate, path, "timeCreated", &r->s->time);
	if (rc >= 0)
		rc = need(r, predicate, path, "properties", json_type_array, &properties);
	if (rc >= 0)
		rc = get_expires(r, predicate, path);
	if (rc >= 0)
		rc = read_property(r, properties);
	if (rc < 0)
		return rc;
	r->s->n_inputs = 0;
	return define(r, (struct json_object *[]){ verifier, properties }, 2);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int read_all(const struct reader *r, struct json_object *doc)
{
	struct json_object *predicate = NULL;
	const char *type = NULL;
	int rc;

	if (!json_object_is_type(doc, json_type_object))
		return json_error(r->err, RIMG_E_BAD, json_place_of(doc),
				  "expected a statement, found %s", json_kind(doc));
	rc = need_text(r, doc, "statement:", "_type", &type);
	if (rc >= 0 && strcmp(type, STATEMENT_TYPE) != 0)
		return json_error(r->err, RIMG_E_UNSUPPORTED, json_place_of(doc),
				  "statement: _type: expected \"" STATEMENT_TYPE "\", found \"%s\"",
				  type);
	if (rc >= 0)
		rc = read_subjects(r, doc);
	if (rc >= 0)
		rc = need_text(r, doc, "statement:", "predicateType", &r->s->predicate_type);
	if (rc >= 0)
		rc = need(r, doc, "statement:", "predicate", json_type_object, &predicate);
	if (rc < 0)
		return rc;
	if (strcmp(r->s->predicate_type, STATEMENT_PROVENANCE) == 0)
		return read_provenance(r, predicate);
	if (strcmp(r->s->predicate_type, STATEMENT_RESULT) == 0)
		return read_result(r, predicate);
	return json_error(r->err, RIMG_E_UNSUPPORTED, json_place_of(doc),
			  "statement: unknown predicate \"%s\"; expected " STATEMENT_PROVENANCE
			  " or " STATEMENT_RESULT,
			  r->s->predicate_type);
}

int statement_parse(struct arena *a, const void *text, size_t len, const char *name,
		    struct statement *ret, struct rimg_error *err)
{
	struct statement s = { 0 };
	struct reader r = { .a = a, .s = &s, .err = err };
	struct json_object *doc = NULL;
	int rc = json_read(a, text, len, name, &doc, err);

	if (rc < 0) {
		if (err)
			err->has_off = true;
		return rc;
	}
	rc = read_all(&r, doc);
	if (rc < 0 && err && err->where[0] == '\0')
		snprintf(err->where, sizeof(err->where), "%s", name);
	if (rc == 0)
		*ret = s;
	return rc;
}

const struct subject *statement_subject(const struct statement *s, const uint8_t sha256[SHA256_LEN])
{
	for (size_t i = 0; i < s->n_subjects; i++)
		if (memcmp(s->subjects[i].sha256, sha256, SHA256_LEN) == 0)
			return &s->subjects[i];
	return NULL;
}

const struct subject *statement_named(const struct statement *s, const char *name)
{
	size_t lo = 0, hi = s->n_subjects;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->by_name[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n_subjects && strcmp(s->by_name[lo]->name, name) == 0 ? s->by_name[lo]
									     : NULL;
}
