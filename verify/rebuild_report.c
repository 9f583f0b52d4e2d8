/* SPDX-License-Identifier: MIT */
#include "verify/rebuild_report.h"

#include <inttypes.h>
#include <string.h>

#include "core/str.h"

#define SHOWN_MAX 20 /* differences */

/* ---- text ---------------------------------------------------------------------------------- */

static void put_hex(FILE *out, const uint8_t digest[SHA256_LEN])
{
	for (size_t i = 0; i < SHA256_LEN; i++)
		fprintf(out, "%02x", digest[i]);
}

static void put_variations(FILE *out, const struct rebuild_result *r, uint32_t which,
			   const char *title)
{
	if (which != 0)
		fprintf(out, "%s:\n", title);
	for (unsigned id = 0; id < N_VARY; id++)
		if (which & VARY_BIT(id))
			fprintf(out, "  %-8s %s\n", vary_name(id), r->host.how[id]);
}

static void put_blame(FILE *out, const struct rebuild_result *r)
{
	fputs("not reproducible\n", out);
	put_variations(out, r, r->blamed, "to blame, each alone");
	if (r->together)
		fputs("to blame: nothing alone; only all of it together\n", out);
	if (r->by_itself)
		fprintf(out, "to blame: itself; it differs even if nothing is varied%s\n",
			r->host.faketime ? ", and although the clock stands still"
					 : " (or the clock: faketime is not installed)");
}

void rebuild_put_log(FILE *out, const struct rebuild_result *r)
{
	const char *at = r->log ? r->log : "";

	while (*at) {
		auto_str struct str line = { 0 };
		size_t len = strcspn(at, "\n");

		str_add_escaped(&line, at, len, STR_ESCAPE_TEXT);
		fprintf(out, "  | %s\n", str_cstr(&line));
		at += len + (at[len] == '\n');
	}
}

struct shown {
	FILE *out;
	struct jsonw *json;
	unsigned n;
};

static bool put_difference(void *arg, const struct rimg_difference *d)
{
	struct shown *shown = arg;

	if (shown->n++ == SHOWN_MAX)
		return false;
	fprintf(shown->out, "  %s%s%s: %s, %" PRIu64 " bytes\n",
		d->path[0] ? d->path : "(the image)", d->field ? " " : "", d->field ? d->field : "",
		rimg_cause_name(d->cause), d->bytes);
	return true;
}

static void put_diff(FILE *out, const struct rimg_diff *diff)
{
	const struct rimg_diff_summary *sum = rimg_diff_get_summary(diff);
	struct shown shown = { .out = out };

	fprintf(out, "%" PRIu64 " bytes differ, in %" PRIu64 " places:\n", sum->differing,
		sum->differences);
	if (rimg_diff_each(diff, RIMG_CAUSES_ALL, put_difference, &shown) < 0 ||
	    shown.n > SHOWN_MAX)
		fputs("  ... and more: keep the images with --keep, and see rimg diff\n", out);
}

void rebuild_put_text(FILE *out, const struct rebuild_result *r, uint32_t wanted,
		      const struct rimg_diff *diff)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->n_builds; i++)
		n += r->builds[i].why == REBUILD_PLAIN || r->builds[i].why == REBUILD_VARIED;
	if (r->reproducible) {
		put_hex(out, r->builds[0].sha256);
		fprintf(out, "  the same %" PRIu64 " bytes, %u times\n", r->builds[0].size, n);
	} else {
		put_blame(out, r);
	}
	if (!r->as_expected)
		fputs("but not the bytes of the expected image\n", out);
	put_variations(out, r, r->varied & ~r->blamed,
		       r->reproducible ? "varied" : "varied, without blame");
	put_variations(out, r, wanted & ~r->varied, "not varied");
	if (diff)
		put_diff(out, diff);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_names(struct jsonw *w, const char *key, uint32_t which)
{
	jsonw_array(w, key);
	for (unsigned id = 0; id < N_VARY; id++)
		if (which & VARY_BIT(id))
			jsonw_text(w, NULL, vary_name(id));
	jsonw_end_array(w);
}

static void put_digest(struct jsonw *w, const uint8_t digest[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, digest, SHA256_LEN);
	jsonw_text(w, "sha256", str_cstr(&hex));
}

static void put_build(struct jsonw *w, const struct rebuild_build *build)
{
	jsonw_object(w, NULL);
	jsonw_text(w, "why", rebuild_why_name(build->why));
	put_names(w, "varied", build->varied);
	jsonw_bool(w, "clock_stopped", build->stopped);
	jsonw_bool(w, "same", build->same);
	put_digest(w, build->sha256);
	jsonw_u64(w, "size", build->size);
	jsonw_end_object(w);
}

static bool put_json_difference(void *arg, const struct rimg_difference *d)
{
	struct shown *shown = arg;

	if (shown->n++ == SHOWN_MAX)
		return false;
	jsonw_object(shown->json, NULL);
	jsonw_text(shown->json, "path", d->path);
	jsonw_text(shown->json, "layer", d->layer);
	jsonw_text(shown->json, "kind", rimg_diff_kind_name(d->kind));
	if (d->field)
		jsonw_text(shown->json, "field", d->field);
	jsonw_text(shown->json, "cause", rimg_cause_name(d->cause));
	jsonw_u64(shown->json, "bytes", d->bytes);
	jsonw_end_object(shown->json);
	return true;
}

static void put_json_diff(struct jsonw *w, const struct rimg_diff *diff)
{
	const struct rimg_diff_summary *sum = rimg_diff_get_summary(diff);
	struct shown shown = { .json = w };
	bool more;

	jsonw_object(w, "diff");
	jsonw_u64(w, "differing", sum->differing);
	jsonw_u64(w, "unexplained", sum->unexplained);
	jsonw_u64(w, "count", sum->differences);
	jsonw_array(w, "differences");
	more = rimg_diff_each(diff, RIMG_CAUSES_ALL, put_json_difference, &shown) < 0 ||
	       shown.n > SHOWN_MAX;
	jsonw_end_array(w);
	jsonw_bool(w, "more", more);
	jsonw_end_object(w);
}

void rebuild_put_json(struct jsonw *w, const struct rebuild_result *r, uint32_t wanted,
		      const struct rimg_diff *diff)
{
	jsonw_bool(w, "reproducible", r->reproducible);
	jsonw_bool(w, "as_expected", r->as_expected);
	put_names(w, "blamed", r->blamed);
	jsonw_bool(w, "together", r->together);
	jsonw_bool(w, "by_itself", r->by_itself);
	jsonw_array(w, "variations");
	for (unsigned id = 0; id < N_VARY; id++) {
		if (!(wanted & VARY_BIT(id)))
			continue;
		jsonw_object(w, NULL);
		jsonw_text(w, "name", vary_name(id));
		jsonw_bool(w, "varied", (r->varied & VARY_BIT(id)) != 0);
		jsonw_text(w, "how", r->host.how[id]);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_array(w, "builds");
	for (size_t i = 0; i < r->n_builds; i++)
		put_build(w, &r->builds[i]);
	jsonw_end_array(w);
	if (diff)
		put_json_diff(w, diff);
}
