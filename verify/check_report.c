/* SPDX-License-Identifier: MIT */
#include "verify/check_report.h"

#include <inttypes.h>
#include <string.h>

#include "core/format.h"
#include "core/str.h"

/* ---- text ----------------------------------------------------------------------------------- */

/* What may quote an image is made harmless once more: nothing of it may reach a terminal raw. */
static void put_clean(FILE *out, const char *text)
{
	char clean[1024];

	str_clean(clean, sizeof(clean), text);
	fputs(clean, out);
}

static void put_place(FILE *out, const char *name, const char *path)
{
	auto_str struct str s = { 0 };

	str_add(&s, name);
	if (path[0])
		str_add(&s, "::");
	str_add(&s, path);
	fputs(s.failed ? "(no memory for the address)" : str_cstr(&s), out);
}

static void put_problem(FILE *out, const struct check_problem *p, const char *name)
{
	fputs(p->severity == SEVERITY_ERROR ? "error: " : "warning: ", out);
	put_place(out, name, p->path);
	fputs(": ", out);
	if (p->len > 0)
		fprintf(out, "at byte %" PRIu64 ": ", p->off);
	put_clean(out, p->message);
	fprintf(out, " [%s]\n", p->code);
}

static void put_plural(FILE *out, uint64_t n, const char *what)
{
	fprintf(out, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void put_counts(FILE *out, const struct check_report *r)
{
	fputs("  checked ", out);
	put_plural(out, r->containers, "container");
	for (size_t i = 0, n = 0; formats[i]; i++) {
		if (r->by_format[i] > 0)
			fprintf(out, "%s%s %" PRIu64, n++ == 0 ? " (" : ", ", formats[i]->name,
				r->by_format[i]);
	}
	fprintf(out, "%s, ", r->containers > 0 ? ")" : "");
	put_plural(out, r->files, "file");
	fputs(", ", out);
	fprintf(out, "%" PRIu64 " director%s\n", r->dirs, r->dirs == 1 ? "y" : "ies");
}

/* What was asked for, as it was spelled: the verdict is about no more than that. */
static void put_address(FILE *out, const char *address)
{
	auto_str struct str s = { 0 };

	str_add_escaped(&s, address, strlen(address), STR_ESCAPE_TEXT);
	fputs(s.failed ? "(no memory for the address)" : str_cstr(&s), out);
}

void check_put_text(FILE *out, const struct check_report *r, const char *name, const char *address,
		    bool strict, bool quiet)
{
	for (size_t i = 0; i < r->n_problems; i++) {
		if (!quiet || r->problems[i].severity == SEVERITY_ERROR)
			put_problem(out, &r->problems[i], name);
	}
	if (r->n_errors + r->n_warnings > r->n_problems)
		fprintf(out, "... and %" PRIu64 " more, not kept\n",
			r->n_errors + r->n_warnings - r->n_problems);
	for (size_t i = 0; i < r->n_kept_unread; i++) {
		fputs("not checked: ", out);
		put_place(out, name, r->unread[i].path);
		fputs(": ", out);
		put_clean(out, r->unread[i].message);
		fputc('\n', out);
	}
	put_address(out, address);
	fprintf(out, ": %s%s: ", check_verdict_name(check_verdict(r)), strict ? " (strict)" : "");
	put_plural(out, r->n_errors, "error");
	fputs(", ", out);
	put_plural(out, r->n_warnings, "warning");
	if (r->n_unread > 0)
		fprintf(out, ", %" PRIu64 " not checked", r->n_unread);
	fputc('\n', out);
	if (!quiet)
		put_counts(out, r);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_json_problem(struct jsonw *w, const struct check_problem *p)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "path", p->path);
	if (p->len > 0)
		jsonw_u64(w, "offset", p->off);
	else
		jsonw_null(w, "offset");
	jsonw_u64(w, "length", p->len);
	if (p->image_off != UINT64_MAX)
		jsonw_u64(w, "image_offset", p->image_off);
	else
		jsonw_null(w, "image_offset");
	jsonw_text(w, "code", p->code);
	jsonw_text(w, "severity", p->severity == SEVERITY_ERROR ? "error" : "warning");
	jsonw_text(w, "message", p->message);
	jsonw_end_object(w);
}

static void put_json_counts(struct jsonw *w, const struct check_report *r)
{
	jsonw_object(w, "checked");
	jsonw_u64(w, "containers", r->containers);
	jsonw_object(w, "formats");
	for (size_t i = 0; formats[i]; i++) {
		if (r->by_format[i] > 0)
			jsonw_u64(w, formats[i]->name, r->by_format[i]);
	}
	jsonw_end_object(w);
	jsonw_u64(w, "partitions", r->partitions);
	jsonw_u64(w, "files", r->files);
	jsonw_u64(w, "directories", r->dirs);
	jsonw_u64(w, "symlinks", r->symlinks);
	jsonw_u64(w, "others", r->others);
	jsonw_u64(w, "no_format", r->no_format);
	jsonw_end_object(w);
}

void check_put_json(struct jsonw *w, const struct check_report *r, bool strict)
{
	jsonw_bool(w, "ok", check_verdict(r) == CHECK_SOUND);
	jsonw_bool(w, "complete", r->n_unread == 0);
	jsonw_bool(w, "strict", strict);
	jsonw_u64(w, "errors", r->n_errors);
	jsonw_u64(w, "warnings", r->n_warnings);
	jsonw_array(w, "problems");
	for (size_t i = 0; i < r->n_problems; i++)
		put_json_problem(w, &r->problems[i]);
	jsonw_end_array(w);
	jsonw_u64(w, "not_shown", r->n_errors + r->n_warnings - r->n_problems);
	jsonw_array(w, "unread");
	for (size_t i = 0; i < r->n_kept_unread; i++) {
		jsonw_object(w, NULL);
		jsonw_text(w, "path", r->unread[i].path);
		jsonw_text(w, "message", r->unread[i].message);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	put_json_counts(w, r);
}

/* ---- SARIF ---------------------------------------------------------------------------------- */

#define UNREAD_RULE "check.unread"

size_t check_rules(const struct check_report *r, const char **codes)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_problems; i++)
		codes[n++] = r->problems[i].code;
	if (r->n_kept_unread > 0)
		codes[n++] = UNREAD_RULE;
	return n;
}

void check_put_sarif(struct sarif *s, const struct check_report *r)
{
	for (size_t i = 0; i < r->n_problems; i++) {
		const struct check_problem *p = &r->problems[i];

		sarif_result(s, &(struct sarif_result){ .rule = p->code,
							.severity = p->severity,
							.message = p->message,
							.path = p->path,
							.off = p->image_off,
							.len = p->len });
	}
	for (size_t i = 0; i < r->n_kept_unread; i++)
		sarif_result(s, &(struct sarif_result){ .rule = UNREAD_RULE,
							.severity = SEVERITY_ERROR,
							.message = r->unread[i].message,
							.path = r->unread[i].path,
							.off = UINT64_MAX });
}
