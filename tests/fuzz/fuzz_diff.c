/* SPDX-License-Identifier: MIT */

/* Compares any bytes with a changed copy of them, and holds the result against a plain loop: what
 * differs, that each byte of it belongs to one difference, and nothing else does. Where the input
 * asks for it, as it takes most of the time, every report is made, and must be whole, within its
 * bounds, and free of what a terminal obeys.
 *
 * The input ends in up to 15 edits of 4 bytes (where, what) and a byte: their number, and
 * WITH_REPORTS; the rest is A. */

#include <rimg/diff.h>

#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "core/num.h"
#include "diff/report.h"
#include "fuzz/fuzz.h"

#define EDITS_MASK   15U
#define WITH_REPORTS 16U
#define EDIT_LEN     4

struct both {
	const uint8_t *a, *b;
	size_t len_a, len_b;
	uint8_t *owned;
	uint64_t bytes;
	bool coarse;
	bool with_reports;
};

static bool differs_at(const struct both *both, uint64_t i)
{
	return i >= both->len_a || i >= both->len_b || both->a[i] != both->b[i];
}

static bool check_difference(void *arg, const struct rimg_difference *x)
{
	struct both *both = arg;

	fuzz_require(x->path && x->layer && (size_t)x->cause < RIMG_N_CAUSES);
	fuzz_require(x->field || x->kind == RIMG_DIFF_ADDED || x->kind == RIMG_DIFF_REMOVED);
	both->bytes += x->bytes;
	both->coarse |= x->coarse;
	for (size_t i = 0; i < x->n_ranges && !x->coarse; i++) {
		const struct rimg_diff_range *r = &x->ranges[i];
		uint64_t off = r->a_off != RIMG_NO_OFFSET ? r->a_off : r->b_off;

		for (uint64_t at = off; at < off + r->len; at++)
			fuzz_require(differs_at(both, at) && !both->owned[at]++);
	}
	return true;
}

typedef int (*writer)(struct report *r, struct rimg_error *err);

static int write_text(struct report *r, struct rimg_error *err)
{
	return report_write(r, &report_text, err);
}

static int write_json(struct report *r, struct rimg_error *err)
{
	return report_write(r, &report_json, err);
}

static void check_report(const struct rimg_diff *d, struct rimg_node *a, struct rimg_node *b,
			 writer write, const char *end)
{
	static const struct report_filter all;
	const struct rimg_diff_summary *s = rimg_diff_get_summary(d);
	struct report r = { .diff = d, .summary = s, .filter = &all, .verbose = true, .width = 72 };
	auto_str struct str text = { 0 };
	size_t end_len = strlen(end);
	struct rimg_error err;

	r.a = (struct report_side){ .address = "a", .size = s->a_size, .node = a };
	r.b = (struct report_side){ .address = "b", .size = s->b_size, .node = b };
	r.out = capture_open(&text);
	fuzz_require(r.out != NULL);
	fuzz_require(write(&r, &err) == 0);
	fuzz_require(capture_close(r.out, &err) == 0);
	fuzz_require(text.len > end_len && strcmp(text.data + text.len - end_len, end) == 0);
	fuzz_require(write != report_markdown || text.len <= REPORT_MARKDOWN_MAX);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		fuzz_require(c >= ' ' || c == '\n' || c == '\t');
	}
}

static void check_reports(const struct rimg_diff *d, struct rimg_node *a, struct rimg_node *b)
{
	check_report(d, a, b, write_text, "\n");
	check_report(d, a, b, write_json, "\n}\n");
	check_report(d, a, b, report_stat, "\n");
	check_report(d, a, b, report_markdown, "\n");
	check_report(d, a, b, report_html, "</html>\n");
}

static void check(struct both *both, struct rimg_node *a, struct rimg_node *b)
{
	struct rimg_error err;
	struct rimg_diff *d = rimg_diff_run(a, b, NULL, &err);
	const struct rimg_diff_summary *s;
	uint64_t differing = 0;

	if (!d) {
		fuzz_require(err.code != RIMG_E_INTERNAL && err.code != RIMG_E_TRUNCATED);
		return;
	}
	s = rimg_diff_get_summary(d);
	fuzz_require(rimg_diff_each(d, RIMG_CAUSES_ALL, check_difference, both) == 0);
	for (size_t i = 0; i < num_max(both->len_a, both->len_b); i++) {
		differing += differs_at(both, i);
		fuzz_require(both->coarse || both->owned[i] == differs_at(both, i));
	}
	fuzz_require(s->differing == differing && both->bytes == differing);
	fuzz_require(s->explained + s->unexplained == differing);
	fuzz_require(s->identical == (differing == 0) && (s->differences == 0) == s->identical);
	if (both->with_reports)
		check_reports(d, a, b);
	rimg_diff_free(d);
}

/* B is A with bytes changed; an edit past the end cuts it. */
static size_t edit(uint8_t *b, size_t len, const uint8_t *edits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *e = edits + i * EDIT_LEN;
		size_t off = (size_t)e[0] | (size_t)e[1] << 8 | (size_t)e[2] << 16;

		if (off < len)
			b[off] ^= e[3];
		else
			len -= num_min(len, e[3]);
	}
	return len;
}

static void compare(struct both *both)
{
	struct rimg_ctx *ctx = fuzz_ctx();
	struct rimg_source *sa = rimg_source_open_memory(both->a, both->len_a, "a");
	struct rimg_source *sb = rimg_source_open_memory(both->b, both->len_b, "b");
	struct rimg_image *a = sa ? rimg_image_open(ctx, sa, "a", NULL) : NULL;
	struct rimg_image *b = sb ? rimg_image_open(ctx, sb, "b", NULL) : NULL;

	if (a && b)
		check(both, rimg_image_root(a), rimg_image_root(b));
	rimg_image_free(a);
	rimg_image_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct both both = { .a = data };
	size_t n = len > 0 ? data[len - 1] & EDITS_MASK : 0;
	uint8_t *b;

	if (len < 1 + n * EDIT_LEN)
		return 0;
	both.with_reports = data[len - 1] & WITH_REPORTS;
	both.len_a = len - 1 - n * EDIT_LEN;
	b = malloc(both.len_a + 1);
	both.owned = calloc(1, both.len_a + 1);
	if (b && both.owned) {
		memcpy(b, data, both.len_a);
		both.b = b;
		both.len_b = edit(b, both.len_a, data + both.len_a, n);
		compare(&both);
	}
	free(b);
	free(both.owned);
	return 0;
}
