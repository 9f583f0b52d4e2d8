/* SPDX-License-Identifier: MIT */
#include "core/sarif.h"

#include <stdlib.h>
#include <string.h>

#include "core/str.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

static int compare_codes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t sarif_rules(const char **codes, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(codes, n, sizeof(*codes), compare_codes);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || strcmp(codes[kept - 1], codes[i]) != 0)
			codes[kept++] = codes[i];
	}
	return kept;
}

/* RFC 3986: what needs no percent sign in a path. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~/", c) != NULL);
}

/* A host path as a URI reference. A first part with a colon would be a scheme: colons are coded. */
static char *uri_of(const char *path)
{
	struct str s = { 0 };

	if (path[0] == '/')
		str_add(&s, "file://");
	for (; *path; path++) {
		if (is_plain(*path))
			str_add_char(&s, *path);
		else
			str_printf(&s, "%%%02X", (unsigned)(unsigned char)*path);
	}
	return str_take(&s);
}

static void put_description(struct jsonw *w, const char *key, const char *text)
{
	jsonw_object(w, key);
	jsonw_text(w, "text", text);
	jsonw_end_object(w);
}

static void put_rule(struct sarif *s, const char *id)
{
	struct jsonw *w = &s->json;
	const char *text = s->text ? s->text(id) : NULL;

	jsonw_object(w, NULL);
	jsonw_text(w, "id", id);
	put_description(w, "shortDescription", text ? text : id);
	put_description(w, "fullDescription", text ? text : id);
	put_description(w, "help", text ? text : id);
	jsonw_end_object(w);
}

static void put_driver(struct sarif *s, const char *command)
{
	struct jsonw *w = &s->json;

	jsonw_object(w, "tool");
	jsonw_object(w, "driver");
	jsonw_text(w, "name", command);
	jsonw_text(w, "semanticVersion", rimg_version());
	jsonw_array(w, "rules");
	for (size_t i = 0; i < s->n_rules; i++)
		put_rule(s, s->rules[i]);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_object(w);
}

int sarif_begin(struct sarif *s, FILE *out, const char *command, const char *image,
		const char *const *rules, size_t n_rules, const char *(*text)(const char *id))
{
	struct jsonw *w = &s->json;
	char *uri = uri_of(image);

	*s = (struct sarif){ .json = { .out = out, .pretty = true },
			     .rules = rules,
			     .n_rules = n_rules,
			     .text = text,
			     .uri = uri };
	if (!uri)
		return -RIMG_E_NOMEM;
	jsonw_object(w, NULL);
	jsonw_text(w, "$schema", SCHEMA);
	jsonw_text(w, "version", "2.1.0");
	jsonw_array(w, "runs");
	jsonw_object(w, NULL);
	put_driver(s, command);
	jsonw_array(w, "artifacts");
	jsonw_object(w, NULL);
	jsonw_object(w, "location");
	jsonw_text(w, "uri", uri);
	jsonw_end_object(w);
	jsonw_text(w, "mimeType", "application/octet-stream");
	jsonw_array(w, "roles");
	jsonw_text(w, NULL, "analysisTarget");
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_array(w, "results");
	return 0;
}

static uint64_t rule_index(const struct sarif *s, const char *rule)
{
	size_t lo = 0, hi = s->n_rules;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->rules[mid], rule) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void put_physical(struct sarif *s, const struct sarif_result *r)
{
	struct jsonw *w = &s->json;

	jsonw_object(w, "physicalLocation");
	jsonw_object(w, "artifactLocation");
	jsonw_text(w, "uri", s->uri);
	jsonw_u64(w, "index", 0);
	jsonw_end_object(w);
	jsonw_object(w, "region");
	jsonw_u64(w, "startLine", 1);
	jsonw_end_object(w);
	if (r->off != UINT64_MAX && r->len > 0) {
		jsonw_object(w, "address");
		jsonw_u64(w, "absoluteAddress", r->off);
		jsonw_u64(w, "length", r->len);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
}

void sarif_result(struct sarif *s, const struct sarif_result *r)
{
	struct jsonw *w = &s->json;

	jsonw_object(w, NULL);
	jsonw_text(w, "ruleId", r->rule);
	jsonw_u64(w, "ruleIndex", rule_index(s, r->rule));
	jsonw_text(w, "level", r->severity == SEVERITY_ERROR ? "error" : "warning");
	jsonw_object(w, "message");
	jsonw_text(w, "text", r->message);
	jsonw_end_object(w);
	jsonw_array(w, "locations");
	jsonw_object(w, NULL);
	put_physical(s, r);
	if (r->path[0]) {
		jsonw_array(w, "logicalLocations");
		jsonw_object(w, NULL);
		jsonw_text(w, "fullyQualifiedName", r->path);
		jsonw_end_object(w);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
	jsonw_end_array(w);
	if (r->off != UINT64_MAX) {
		jsonw_object(w, "properties");
		jsonw_u64(w, "offset", r->off);
		jsonw_u64(w, "length", r->len);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
}

void sarif_end(struct sarif *s, bool complete, int exit_code)
{
	struct jsonw *w = &s->json;

	jsonw_end_array(w);
	jsonw_array(w, "invocations");
	jsonw_object(w, NULL);
	jsonw_bool(w, "executionSuccessful", complete);
	jsonw_u64(w, "exitCode", (uint64_t)exit_code);
	if (s->sandbox) {
		jsonw_object(w, "properties");
		jsonw_sandbox(w, s->sandbox);
		jsonw_end_object(w);
	}
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_text(w, "columnKind", "unicodeCodePoints");
	jsonw_end_object(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	fputc('\n', s->json.out);
	free(s->uri);
	s->uri = NULL;
}
