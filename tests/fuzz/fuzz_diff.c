/* SPDX-License-Identifier: MIT */

/* Compares any bytes with a changed copy of them, and holds the result against a plain loop: what
 * differs, that each byte of it belongs to one difference, and nothing else does. Every report is
 * made of it, and must be whole, within its bounds, and free of what a terminal obeys.
 *
 * The input ends in up to 16 edits of 4 bytes (where, what) and their number; the rest is A. */

#include <rimg/diff.h>

#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "diff/report.h"

#define EDITS_MAX 16
#define EDIT_LEN  4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct both {
	const uint8_t *a, *b;
	size_t len_a, len_b;
	uint8_t *owned;
	uint64_t bytes;
	bool coarse;
};

static bool differs_at(const struct both *both, uint64_t i)
{
	return i >= both->len_a || i >= both->len_b || both->a[i] != both->b[i];
}

static bool check_difference(void *arg, const struct rimg_difference *x)
{
	struct both *both = arg;

	require(x->path && x->layer && (size_t)x->cause < RIMG_N_CAUSES);
	require(x->field || x->kind == RIMG_DIFF_ADDED || x->kind == RIMG_DIFF_REMOVED);
	both->bytes += x->bytes;
	both->coarse |= x->coarse;
	for (size_t i = 0; i < x->n_ranges && !x->coarse; i++) {
		const struct rimg_diff_range *r = &x->ranges[i];
		uint64_t off = r->a_off != RIMG_NO_OFFSET ? r->a_off : r->b_off;

		for (uint64_t at = off; at < off + r->len; at++)
			require(differs_at(both, at) && !both->owned[at]++);
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
	struct rimg_error err;
	char *text = NULL;
	size_t len = 0, end_len = strlen(end);

	r.a = (struct report_side){ .address = "a", .size = s->a_size, .node = a };
	r.b = (struct report_side){ .address = "b", .size = s->b_size, .node = b };
	r.out = open_memstream(&text, &len);
	require(r.out != NULL);
	require(write(&r, &err) == 0);
	require(fclose(r.out) == 0);
	require(len > end_len && strcmp(text + len - end_len, end) == 0);
	require(write != report_markdown || len <= REPORT_MARKDOWN_MAX);
	for (size_t i = 0; i < len; i++)
		require((unsigned char)text[i] >= ' ' || text[i] == '\n' || text[i] == '\t');
	free(text);
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
		require(err.code != RIMG_E_INTERNAL && err.code != RIMG_E_TRUNCATED);
		return;
	}
	s = rimg_diff_get_summary(d);
	require(rimg_diff_each(d, RIMG_CAUSES_ALL, check_difference, both) == 0);
	for (size_t i = 0; i < num_max(both->len_a, both->len_b); i++) {
		differing += differs_at(both, i);
		require(both->coarse || both->owned[i] == differs_at(both, i));
	}
	require(s->differing == differing && both->bytes == differing);
	require(s->explained + s->unexplained == differing);
	require(s->identical == (differing == 0) && (s->differences == 0) == s->identical);
	check_reports(d, a, b);
	rimg_diff_free(d);
}

static struct rimg_ctx *small_ctx(void)
{
	struct rimg_limits limits = rimg_limits_default();

	limits.nodes = 20000;
	limits.arena_bytes = 64 << 20;
	limits.read_extra = 1 << 20;
	limits.dir_depth = 64;
	limits.layer_depth = 5;
	limits.findings = 1000;
	limits.analysis_bytes = 4 << 20;
	return rimg_ctx_new(&limits, 1);
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
	struct rimg_ctx *ctx = small_ctx();
	struct rimg_source *sa = rimg_source_open_memory(both->a, both->len_a, "a");
	struct rimg_source *sb = rimg_source_open_memory(both->b, both->len_b, "b");
	struct rimg_image *a = ctx && sa ? rimg_image_open(ctx, sa, "a", NULL) : NULL;
	struct rimg_image *b = ctx && sb ? rimg_image_open(ctx, sb, "b", NULL) : NULL;

	if (a && b)
		check(both, rimg_image_root(a), rimg_image_root(b));
	rimg_image_free(a);
	rimg_image_free(b);
	rimg_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct both both = { .a = data };
	size_t n = len > 0 ? data[len - 1] % (EDITS_MAX + 1) : 0;
	uint8_t *b;

	if (len < 1 + n * EDIT_LEN)
		return 0;
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
