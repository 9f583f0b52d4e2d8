/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/policy_delta.h"
#include "diff/report.h"

#define VALUE_MAX        72 /* bytes of a value that are shown without -v, when no width is known */
#define DETAIL_MAX       40 /* lines of a closer look, with -v */
#define INDENT           2
#define POLICY_ARTIFACTS 40U /* without -v */
#define INDENT_MORE      6

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define CYAN  "\033[36m"
#define DIM   "\033[2m"
#define PLAIN "\033[0m"

static const char *paint(const struct report *r, const char *code)
{
	return r->color ? code : "";
}

/* "1 byte", "2 bytes" */
static void print_count(FILE *out, uint64_t n, const char *noun)
{
	fprintf(out, "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
}

/* ---- the beginning -------------------------------------------------------------------------- */

static void print_names(struct report *r)
{
	auto_str struct str s = { 0 };

	str_add_escaped(&s, r->a.address, strlen(r->a.address), STR_ESCAPE_TEXT);
	str_add(&s, " and ");
	str_add_escaped(&s, r->b.address, strlen(r->b.address), STR_ESCAPE_TEXT);
	fprintf(r->out, "%s%s %s%s", paint(r, BOLD), str_cstr(&s), report_verdict(r->summary),
		paint(r, PLAIN));
}

static void print_digests(struct report *r)
{
	if (!r->a.sha256[0])
		return;
	fprintf(r->out, "  A sha256 %s\n", r->a.sha256);
	fprintf(r->out, "  B sha256 %s\n", r->b.sha256);
}

/* How many there are, and how many of them are needed to understand all. */
static void print_roots(struct report *r)
{
	const struct rimg_diff_summary *s = r->summary;
	uint64_t followers = s->differences - s->roots;

	fputs(": ", r->out);
	print_count(r->out, s->differences, "difference");
	fprintf(r->out, " of %u cause%s", report_count_causes(s),
		report_count_causes(s) == 1 ? "" : "s");
	if (followers > 0)
		fprintf(r->out, ", of which %" PRIu64 " follow%s from the other %" PRIu64,
			followers, followers == 1 ? "s" : "", s->roots);
	fputc('\n', r->out);
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
	fprintf(r->out, "; explained %" PRIu64 ", unexplained %s%" PRIu64 "%s\n", s->explained,
		s->unexplained ? paint(r, RED) : "", s->unexplained,
		s->unexplained ? paint(r, PLAIN) : "");
	fprintf(r->out, "  the content tree is %s\n",
		s->equivalent ? "the same (names, types, modes, owners, file bytes)"
			      : "not the same");
	if (s->unread > 0) {
		fputs("  ", r->out);
		print_count(r->out, s->unread, "part");
		fputs(" could not be read, and so could not be compared\n", r->out);
	}
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

static int begin(struct report *r, struct rimg_error *err)
{
	const struct rimg_diff_summary *s = r->summary;

	(void)err;
	print_names(r);
	if (s->identical) {
		if (s->has_bytes)
			fprintf(r->out, ": %" PRIu64 " bytes", s->a_size);
		fputc('\n', r->out);
		print_digests(r);
	} else if (s->differences == 0) {
		fputs(": nothing differs in what could be read\n", r->out);
	} else {
		print_roots(r);
		print_sizes(r);
		print_digests(r);
		print_table(r);
	}
	return 0;
}

/* ---- one difference ------------------------------------------------------------------------- */

/* Bytes that a value may take: two of them are to fit into a line of the terminal. */
static size_t value_max(const struct report *r)
{
	if (r->verbose)
		return 0;
	if (r->width == 0)
		return VALUE_MAX;
	return r->width < 64 ? 24 : r->width / 2 - 8;
}

/* A sentence, on a terminal broken at blanks; @indent columns before each line. */
static void print_sentence(struct report *r, unsigned indent, const char *text)
{
	size_t room = r->width > indent + 20 ? r->width - indent : SIZE_MAX;

	while (*text) {
		size_t len = strlen(text), n = len;

		if (n > room) {
			n = room;
			while (n > 0 && text[n] != ' ')
				n--;
			/* a word longer than the line is left to the terminal */
			if (n == 0)
				n = strcspn(text, " ");
		}
		fprintf(r->out, "%*s%s%.*s%s\n", (int)indent, "", paint(r, DIM), (int)n, text,
			paint(r, PLAIN));
		text += n;
		while (*text == ' ')
			text++;
	}
}

static const char *kind_color(enum rimg_diff_kind kind)
{
	switch (kind) {
	case RIMG_DIFF_ADDED: return GREEN;
	case RIMG_DIFF_REMOVED: return RED;
	case RIMG_DIFF_MOVED: return CYAN;
	case RIMG_DIFF_CHANGED: break;
	}
	return "";
}

static int print_difference(struct report *r, const struct rimg_difference *x, unsigned indent)
{
	auto_str struct str change = { 0 }, where = { 0 };
	const char *color = paint(r, kind_color(x->kind));

	report_add_change(&change, x, value_max(r));
	report_add_where(&where, x);
	if (change.failed || where.failed)
		return -RIMG_E_NOMEM;
	fprintf(r->out, "%*s%s: %s%s%s", (int)indent, "", report_path(x), color, str_cstr(&change),
		color[0] ? PLAIN : "");
	if (where.len > 0)
		fprintf(r->out, "%s [%s]%s", paint(r, DIM), str_cstr(&where), paint(r, PLAIN));
	return 0;
}

static const char *line_color(const char *line)
{
	switch (line[0]) {
	case '-': return RED;
	case '+': return GREEN;
	case '@': return CYAN;
	case '\\': return DIM;
	default: return "";
	}
}

static int print_details(struct report *r, const struct rimg_difference *x, struct rimg_error *err)
{
	auto_str struct str s = { 0 };
	int rc = report_add_details(&s, r, x, DETAIL_MAX, err);
	const char *line = str_cstr(&s);

	while (rc == 0 && *line) {
		const char *color = paint(r, line_color(line));
		size_t n = strcspn(line, "\n");

		fprintf(r->out, "%*s%s%.*s%s\n", INDENT_MORE, "", color, (int)n, line,
			color[0] ? PLAIN : "");
		line += n + (line[n] == '\n');
	}
	return rc;
}

/* ---- what follows --------------------------------------------------------------------------- */

/* The followers that were not printed, in one line. */
static void print_folded(struct report *r)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);
	uint64_t sum = 0;
	const char *before = " (";

	for (size_t i = 0; i < RIMG_N_CAUSES; i++)
		sum += r->text.folded[i];
	if (sum == 0)
		return;
	fprintf(r->out, "%*s%s+ ", INDENT_MORE, "", paint(r, DIM));
	print_count(r->out, sum, "difference");
	fprintf(r->out, " that follow%s from it", sum == 1 ? "s" : "");
	for (size_t i = 0; i < n; i++) {
		if (r->text.folded[causes[i]] == 0)
			continue;
		fprintf(r->out, "%s%s %" PRIu64, before, rimg_cause_name(causes[i]),
			r->text.folded[causes[i]]);
		before = ", ";
	}
	fputs("; ", r->out);
	print_count(r->out, r->text.folded_bytes, "byte");
	fprintf(r->out, ")%s\n", paint(r, PLAIN));
	memset(r->text.folded, 0, sizeof(r->text.folded));
	r->text.folded_bytes = 0;
}

static int print_root(struct report *r, const struct rimg_difference *x, struct rimg_error *err)
{
	int rc;

	print_folded(r);
	if (!r->text.has_root || r->text.cause != x->cause)
		fprintf(r->out, "\n%s%s%s\n",
			paint(r, x->cause == RIMG_CAUSE_UNEXPLAINED ? RED : BOLD),
			rimg_cause_name(x->cause), paint(r, PLAIN));
	r->text.has_root = true;
	r->text.cause = x->cause;
	r->text.root = x->index;
	rc = print_difference(r, x, INDENT);
	fputc('\n', r->out);
	if (rc == 0)
		print_sentence(r, INDENT_MORE, x->why);
	return rc == 0 && r->verbose ? print_details(r, x, err) : rc;
}

static int difference(struct report *r, const struct rimg_difference *x, struct rimg_error *err)
{
	int rc;

	/* also what follows from something that is not shown */
	if (!r->text.has_root || x->root != r->text.root)
		return print_root(r, x, err);
	if (!r->verbose) {
		r->text.folded[x->cause]++;
		r->text.folded_bytes += x->bytes;
		return 0;
	}
	rc = print_difference(r, x, INDENT_MORE);
	fprintf(r->out, " %s(%s)%s\n", paint(r, DIM), rimg_cause_name(x->cause), paint(r, PLAIN));
	return rc;
}

/* ---- the policy ----------------------------------------------------------------------------- */

static void print_policy_line(void *arg, unsigned level, bool worse, const char *line)
{
	const struct report *r = arg;
	const char *color = level == 0 && worse ? paint(r, RED) : "";

	fprintf(r->out, "%*s%s%s%s\n", (int)(INDENT + 2 * level), "", color, line,
		color[0] ? PLAIN : "");
}

int report_policy_text(const struct report *r)
{
	auto_str struct str s = { 0 };
	struct report copy = *r;
	int rc;

	str_add_escaped(&s, r->policy->file, strlen(r->policy->file), STR_ESCAPE_TEXT);
	str_add(&s, ": ");
	delta_add_verdict(&s, r->policy);
	fprintf(r->out, "\n%spolicy %s%s\n",
		paint(r, r->policy->state == DELTA_NOT_WORSE ? BOLD : RED), str_cstr(&s),
		paint(r, PLAIN));
	rc = delta_each_line(r->policy, r->verbose, r->verbose ? 0 : POLICY_ARTIFACTS,
			     print_policy_line, &copy);
	return s.failed ? -RIMG_E_NOMEM : rc;
}

static int end(struct report *r, struct rimg_error *err)
{
	print_folded(r);
	if (r->not_shown > 0) {
		fputc('\n', r->out);
		print_count(r->out, r->not_shown, "difference");
		fprintf(r->out, " %s not shown, as asked\n", r->not_shown == 1 ? "is" : "are");
	}
	return r->policy && report_policy_text(r) < 0 ? error_nomem(err) : 0;
}

const struct report_format report_text = {
	.by_root = true,
	.begin = begin,
	.difference = difference,
	.end = end,
};
