/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "core/str.h"
#include "diff/report.h"

#define VALUE_MAX 72 /* bytes of a value that are shown without -v */

static const char *paint(const struct report *r, const char *code)
{
	return r->color ? code : "";
}

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define DIM   "\033[2m"
#define PLAIN "\033[0m"

/* "1 byte", "2 bytes" */
static void print_count(FILE *out, uint64_t n, const char *noun)
{
	fprintf(out, "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
}

static void print_names(struct report *r, const char *verdict)
{
	auto_str struct str s = { 0 };

	str_add_escaped(&s, r->a.address, strlen(r->a.address), STR_ESCAPE_TEXT);
	str_add(&s, " and ");
	str_add_escaped(&s, r->b.address, strlen(r->b.address), STR_ESCAPE_TEXT);
	fprintf(r->out, "%s%s %s%s", paint(r, BOLD), str_cstr(&s), verdict, paint(r, PLAIN));
}

static void print_digests(struct report *r)
{
	if (!r->a.sha256[0])
		return;
	fprintf(r->out, "  A sha256 %s\n", r->a.sha256);
	fprintf(r->out, "  B sha256 %s\n", r->b.sha256);
}

static unsigned count_causes(const struct rimg_diff_summary *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < RIMG_N_CAUSES; i++)
		n += s->by_cause[i].differences > 0;
	return n;
}

static void print_sizes(struct report *r)
{
	const struct rimg_diff_summary *s = r->summary;

	fputs("  ", r->out);
	print_count(r->out, s->differing, "byte");
	fprintf(r->out, " of %" PRIu64 " %s", s->compared,
		s->differing == 1 ? "differs" : "differ");
	if (!s->has_bytes)
		fputs(" in the contents of files", r->out);
	if (s->a_size != s->b_size)
		fprintf(r->out, "; sizes %" PRIu64 " -> %" PRIu64, s->a_size, s->b_size);
	fprintf(r->out, "; explained %" PRIu64 ", unexplained %" PRIu64 "\n", s->explained,
		s->unexplained);
	fprintf(r->out, "  the content tree is %s\n",
		s->equivalent ? "the same (names, types, modes, owners, file bytes)"
			      : "not the same");
}

static void print_table(struct report *r)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);

	fprintf(r->out, "  %-14s %11s %12s\n", "cause", "differences", "bytes");
	for (size_t i = 0; i < n; i++) {
		enum rimg_cause c = causes[i];

		if (r->summary->by_cause[c].differences == 0)
			continue;
		fprintf(r->out, "  %-14s %11" PRIu64 " %12" PRIu64 "\n", rimg_cause_name(c),
			r->summary->by_cause[c].differences, r->summary->by_cause[c].bytes);
	}
}

static void begin(struct report *r)
{
	const struct rimg_diff_summary *s = r->summary;

	if (s->identical) {
		print_names(r, "are identical");
		if (s->has_bytes)
			fprintf(r->out, ": %" PRIu64 " bytes", s->a_size);
		fputc('\n', r->out);
		print_digests(r);
		return;
	}
	if (s->differences == 0) {
		print_names(r, "could not be compared wholly");
		fputs(": nothing differs in what could be read\n", r->out);
		return;
	}
	print_names(r, "differ");
	fputs(": ", r->out);
	print_count(r->out, s->differences, "difference");
	fputs(" from ", r->out);
	print_count(r->out, count_causes(s), "cause");
	fputc('\n', r->out);
	print_sizes(r);
	print_digests(r);
	print_table(r);
}

/* A value, cut for a line unless everything is wanted. */
static void print_value(struct report *r, const char *text)
{
	size_t len = strlen(text), n = len;

	if (!r->verbose && len > VALUE_MAX) {
		n = VALUE_MAX;
		/* not inside of a character */
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	fprintf(r->out, "%.*s%s", (int)n, text, n < len ? "..." : "");
}

static void print_change(struct report *r, const struct rimg_difference *x)
{
	switch (x->kind) {
	case RIMG_DIFF_ADDED:
		fprintf(r->out, ": %sadded%s %s", paint(r, GREEN), paint(r, PLAIN), x->b);
		return;
	case RIMG_DIFF_REMOVED:
		fprintf(r->out, ": %sremoved%s %s", paint(r, RED), paint(r, PLAIN), x->a);
		return;
	case RIMG_DIFF_MOVED:
		fputs(": moved to ", r->out);
		print_value(r, x->b);
		return;
	case RIMG_DIFF_CHANGED: break;
	}
	fprintf(r->out, ": %s", x->field);
	if (!x->a && !x->b)
		return;
	fputc(' ', r->out);
	print_value(r, x->a ? x->a : "(none)");
	fputs(" -> ", r->out);
	print_value(r, x->b ? x->b : "(none)");
}

/* How many bytes, and where the first of them is. */
static void print_bytes(struct report *r, const struct rimg_difference *x)
{
	if (x->bytes == 0)
		return;
	fprintf(r->out, "%s [", paint(r, DIM));
	print_count(r->out, x->bytes, "byte");
	if (x->n_ranges > 0) {
		const struct rimg_diff_range *first = &x->ranges[0];

		fprintf(r->out, " at %" PRIu64,
			first->a_off != RIMG_NO_OFFSET ? first->a_off : first->b_off);
		if (x->n_ranges > 1)
			fprintf(r->out, " and in %zu%s more places", x->n_ranges - 1,
				x->coarse ? " or" : "");
	}
	fprintf(r->out, "]%s", paint(r, PLAIN));
}

static void difference(struct report *r, const struct rimg_difference *x)
{
	if (r->shown == 0 || r->cause != x->cause)
		fprintf(r->out, "\n%s%s%s\n",
			paint(r, x->cause == RIMG_CAUSE_UNEXPLAINED ? RED : BOLD),
			rimg_cause_name(x->cause), paint(r, PLAIN));
	fprintf(r->out, "  %s", x->path[0] ? x->path : "(whole)");
	print_change(r, x);
	print_bytes(r, x);
	fputc('\n', r->out);
}

static void end(struct report *r)
{
	if (r->not_shown == 0)
		return;
	fputc('\n', r->out);
	print_count(r->out, r->not_shown, "difference");
	fprintf(r->out, " %s not shown, as asked\n", r->not_shown == 1 ? "is" : "are");
}

const struct report_format report_text = {
	.by_cause = true,
	.begin = begin,
	.difference = difference,
	.end = end,
};
