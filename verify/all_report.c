/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/html.h"
#include "core/jsonw.h"
#include "core/str.h"
#include "verify/all.h"

static const char *const meanings[ALL_N] = {
	[ALL_CHECK] = "sound, with all that lies in it",
	[ALL_AUDIT] = "its code is what the policy allows",
	[ALL_REBUILD] = "the manifest builds these bytes, in varied surroundings",
	[ALL_AGREE] = "enough trusted keys vouch for these bytes",
};

/* "holds" alone would say more than is known when parts did not run. */
static const char *verdict_words(const struct all_report *r)
{
	switch (all_verdict(r)) {
	case ALL_NOT_CHECKED: return "nothing was checked";
	case ALL_FAILS: return "fails";
	case ALL_OPEN: return "open: something could not be read or done";
	case ALL_HOLDS: break;
	}
	for (size_t i = 0; i < ALL_N; i++) {
		if (r->parts[i].state == ALL_NOT_CHECKED)
			return "holds, as far as it was checked";
	}
	return "holds";
}

static void put_why(FILE *out, const char *why)
{
	char clean[1024];

	if (!why)
		return;
	str_clean(clean, sizeof(clean), why);
	fprintf(out, " (%s)", clean);
}

void all_put_text(FILE *out, const struct all_report *r, bool quiet)
{
	auto_str struct str name = { 0 };

	for (size_t i = 0; i < ALL_N && !quiet; i++) {
		const struct all_part *p = &r->parts[i];

		if (p->text.len > 0)
			fprintf(out, "== %s ==\n%s\n", all_part_name((enum all_id)i),
				str_cstr(&p->text));
	}
	str_add_escaped(&name, r->address, strlen(r->address), STR_ESCAPE_TEXT);
	for (size_t i = 0; i < ALL_N; i++) {
		const struct all_part *p = &r->parts[i];

		fprintf(out, "%-8s %-11s  %s", all_part_name((enum all_id)i),
			all_state_name(p->state), meanings[i]);
		put_why(out, p->why);
		fputc('\n', out);
	}
	fprintf(out, "%s: %s\n", str_cstr(&name), verdict_words(r));
}

void all_put_json(FILE *out, const struct all_report *r)
{
	struct jsonw w = { .out = out, .pretty = true };

	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-all/1");
	jsonw_bytes(&w, "image", r->address, strlen(r->address));
	jsonw_text(&w, "verdict", all_state_name(all_verdict(r)));
	jsonw_array(&w, "not_checked");
	for (size_t i = 0; i < ALL_N; i++) {
		if (r->parts[i].state == ALL_NOT_CHECKED)
			jsonw_text(&w, NULL, all_part_name((enum all_id)i));
	}
	jsonw_end_array(&w);
	jsonw_object(&w, "parts");
	for (size_t i = 0; i < ALL_N; i++) {
		const struct all_part *p = &r->parts[i];

		jsonw_object(&w, all_part_name((enum all_id)i));
		jsonw_text(&w, "state", all_state_name(p->state));
		if (p->why)
			jsonw_bytes(&w, "why", p->why, strlen(p->why));
		if (p->json.len > 0)
			jsonw_document(&w, "report", str_cstr(&p->json));
		else
			jsonw_null(&w, "report");
		jsonw_end_object(&w);
	}
	jsonw_end_object(&w);
	jsonw_sandbox(&w, r->sandbox);
	jsonw_end_object(&w);
	fputc('\n', out);
}

/* ---- HTML ----------------------------------------------------------------------------------- */

static const char *class_of(enum all_state state)
{
	static const char *const classes[] = {
		[ALL_NOT_CHECKED] = "tag doubt",
		[ALL_HOLDS] = "tag good",
		[ALL_FAILS] = "tag bad",
		[ALL_OPEN] = "tag doubt",
	};

	return classes[state];
}

/* Green is for what was checked in full. */
static const char *class_of_verdict(const struct all_report *r)
{
	if (all_verdict(r) == ALL_FAILS)
		return "verdict bad";
	for (size_t i = 0; i < ALL_N; i++) {
		if (r->parts[i].state != ALL_HOLDS)
			return "verdict doubt";
	}
	return "verdict good";
}

static void put_summary(struct html *h, const struct all_report *r)
{
	html_open(h, "table");
	for (size_t i = 0; i < ALL_N; i++) {
		const struct all_part *p = &r->parts[i];

		html_open(h, "tr");
		html_element(h, "th", NULL, all_part_name((enum all_id)i));
		html_open(h, "td");
		html_element(h, "span", class_of(p->state), all_state_name(p->state));
		html_close(h);
		html_open(h, "td");
		html_text(h, meanings[i]);
		if (p->why) {
			html_text(h, ": ");
			html_text(h, p->why);
		}
		html_close(h);
		html_close(h);
	}
	html_close(h);
}

int all_put_html(FILE *out, const struct all_report *r, struct rimg_error *err)
{
	struct html h;
	int rc = html_page(&h, out, "rimg verify all", NULL, err);

	if (rc < 0)
		return rc;
	html_open_class(&h, "div", "page");
	html_open(&h, "h1");
	html_text(&h, "Verdict on ");
	html_open_class(&h, "span", "path");
	html_bytes(&h, r->address, strlen(r->address));
	html_close(&h);
	html_close(&h);
	html_open_class(&h, "p", class_of_verdict(r));
	html_element(&h, "strong", NULL, verdict_words(r));
	html_close(&h);
	put_summary(&h, r);
	for (size_t i = 0; i < ALL_N; i++) {
		const struct all_part *p = &r->parts[i];

		if (p->text.len == 0)
			continue;
		html_element(&h, "h2", NULL, all_part_name((enum all_id)i));
		html_open(&h, "pre");
		html_lines(&h, str_cstr(&p->text), p->text.len);
		html_close(&h);
	}
	html_element(&h, "p", NULL, sandbox_words(r->sandbox));
	html_close(&h);
	html_page_end(&h);
	return 0;
}
