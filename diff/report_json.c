/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/error.h"
#include "diff/policy_delta.h"
#include "diff/report.h"

static void write_side(struct jsonw *w, const char *key, const struct report_side *side)
{
	jsonw_object(w, key);
	jsonw_bytes(w, "address", side->address, strlen(side->address));
	jsonw_u64(w, "size", side->size);
	if (side->sha256[0])
		jsonw_text(w, "sha256", side->sha256);
	jsonw_end_object(w);
}

static int begin(struct report *r, struct rimg_error *err)
{
	struct jsonw *w = &r->json;

	(void)err;
	*w = (struct jsonw){ .out = r->out, .pretty = true };
	jsonw_object(w, NULL);
	jsonw_text(w, "schema", "rimg.diff/1");
	jsonw_bool(w, "identical", r->summary->identical);
	jsonw_bool(w, "equivalent", r->summary->equivalent);
	write_side(w, "a", &r->a);
	write_side(w, "b", &r->b);
	jsonw_array(w, "differences");
	return 0;
}

static void write_value(struct jsonw *w, const char *key, const char *text)
{
	if (text)
		jsonw_text(w, key, text);
	else
		jsonw_null(w, key);
}

static void write_offset(struct jsonw *w, uint64_t off)
{
	if (off == RIMG_NO_OFFSET)
		jsonw_null(w, NULL);
	else
		jsonw_u64(w, NULL, off);
}

static void write_ranges(struct jsonw *w, const struct rimg_difference *x)
{
	bool pretty = w->pretty;

	jsonw_array(w, "ranges");
	w->pretty = false; /* three numbers are easier to read on one line */
	for (size_t i = 0; i < x->n_ranges; i++) {
		jsonw_array(w, NULL);
		write_offset(w, x->ranges[i].a_off);
		write_offset(w, x->ranges[i].b_off);
		jsonw_u64(w, NULL, x->ranges[i].len);
		jsonw_end_array(w);
	}
	jsonw_end_array(w);
	w->pretty = pretty;
}

static int difference(struct report *r, const struct rimg_difference *x, struct rimg_error *err)
{
	struct jsonw *w = &r->json;

	(void)err;
	jsonw_object(w, NULL);
	jsonw_u64(w, "id", x->index);
	jsonw_text(w, "path", x->path);
	jsonw_text(w, "layer", x->layer);
	jsonw_text(w, "kind", rimg_diff_kind_name(x->kind));
	write_value(w, "field", x->field);
	write_value(w, "a", x->a);
	write_value(w, "b", x->b);
	jsonw_text(w, "cause", rimg_cause_name(x->cause));
	jsonw_text(w, "why", x->why);
	if (x->root == x->index)
		jsonw_null(w, "follows");
	else
		jsonw_u64(w, "follows", x->root);
	jsonw_u64(w, "bytes", x->bytes);
	if (x->coarse)
		jsonw_bool(w, "coarse", true);
	write_ranges(w, x);
	jsonw_end_object(w);
	return 0;
}

static void write_causes(struct jsonw *w, const struct rimg_diff_summary *s)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);

	jsonw_array(w, "causes");
	for (size_t i = 0; i < n; i++) {
		if (s->by_cause[causes[i]].differences == 0)
			continue;
		jsonw_object(w, NULL);
		jsonw_text(w, "cause", rimg_cause_name(causes[i]));
		jsonw_u64(w, "differences", s->by_cause[causes[i]].differences);
		jsonw_u64(w, "bytes", s->by_cause[causes[i]].bytes);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

static int end(struct report *r, struct rimg_error *err)
{
	const struct rimg_diff_summary *s = r->summary;
	struct jsonw *w = &r->json;

	jsonw_end_array(w);
	if (r->not_shown > 0)
		jsonw_u64(w, "not_shown", r->not_shown);
	write_causes(w, s);
	jsonw_u64(w, "roots", s->roots);
	jsonw_u64(w, "unread", s->unread);
	jsonw_object(w, "bytes");
	jsonw_u64(w, "compared", s->compared);
	jsonw_u64(w, "differing", s->differing);
	jsonw_u64(w, "explained", s->explained);
	jsonw_u64(w, "unexplained", s->unexplained);
	jsonw_end_object(w);
	if (r->policy && delta_put_json(w, r->policy) < 0)
		return error_nomem(err);
	jsonw_end_object(w);
	fputc('\n', r->out);
	return 0;
}

const struct report_format report_json = {
	.begin = begin,
	.difference = difference,
	.end = end,
};
