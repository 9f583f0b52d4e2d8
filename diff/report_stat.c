/* SPDX-License-Identifier: MIT */
/* A line for each path, depth first:
 *
 *     PATH | BYTES LETTERS BAR
 *
 * The letters are the causes of what differs there, the bar is as long as the share of the bytes.
 */

#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/report.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     40
#define BAR_MIN       8

struct stat_line {
	struct str path;
	uint64_t bytes;
	uint64_t differences;
	uint32_t causes;
};

struct stat {
	struct report *r;
	bool measure; /* first pass: only the widths are wanted */
	struct stat_line line;
	uint64_t n_lines;
	uint64_t bytes;
	uint32_t causes;
	size_t path_width;
	unsigned bytes_width;
	unsigned letters_width;
	uint64_t max; /* bytes of a line */
	size_t bar_width;
};

static unsigned count_bits(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}

static unsigned count_digits(uint64_t n)
{
	unsigned digits = 1;

	for (; n > 9; n /= 10)
		digits++;
	return digits;
}

/* Columns of a text, which is UTF-8: its characters, as most terminals show most of them. */
static size_t columns(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* The path, or "..." and its end when it is wider than there is room. */
static void print_path(const struct stat *s)
{
	const char *path = str_cstr(&s->line.path);
	size_t have = columns(path, s->line.path.len), room = s->path_width;

	fputc(' ', s->r->out);
	if (have > room) {
		size_t skip = have - (room - 3);

		for (; skip > 0 || ((unsigned char)*path & 0xc0) == 0x80; path++)
			skip -= skip > 0 && ((unsigned char)path[1] & 0xc0) != 0x80;
		fputs("...", s->r->out);
		have = room;
	}
	fputs(path, s->r->out);
	for (; have < room; have++)
		fputc(' ', s->r->out);
}

/* Length of the bar; what has bytes at all has one. */
static size_t bar_len(const struct stat *s, uint64_t bytes)
{
	uint64_t scaled;

	if (bytes == 0)
		return 0;
	if (s->max <= s->bar_width)
		return (size_t)bytes;
	/* without overflow, whatever the numbers */
	scaled = bytes > UINT64_MAX / s->bar_width ? bytes / (s->max / s->bar_width)
						   : bytes * s->bar_width / s->max;
	return (size_t)num_min(num_max(scaled, 1), s->bar_width);
}

static void print_line(const struct stat *s)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);
	size_t bar = bar_len(s, s->line.bytes);
	unsigned letters = 0;

	print_path(s);
	fprintf(s->r->out, " | %*" PRIu64 " ", (int)s->bytes_width, s->line.bytes);
	for (size_t i = 0; i < n; i++) {
		if (!(s->line.causes & UINT32_C(1) << causes[i]))
			continue;
		fputc(report_cause_letter(causes[i]), s->r->out);
		letters++;
	}
	if (bar > 0)
		fprintf(s->r->out, "%*s", (int)(s->letters_width - letters + 1), "");
	if (bar > 0 && s->r->color)
		fputs("\033[36m", s->r->out);
	for (size_t i = 0; i < bar; i++)
		fputc('#', s->r->out);
	if (bar > 0 && s->r->color)
		fputs("\033[0m", s->r->out);
	fputc('\n', s->r->out);
}

/* A path is complete. */
static void end_line(struct stat *s)
{
	struct stat_line *line = &s->line;

	if (line->differences == 0)
		return;
	if (s->measure) {
		s->path_width =
			num_max(s->path_width, columns(str_cstr(&line->path), line->path.len));
		s->letters_width = (unsigned)num_max(s->letters_width, count_bits(line->causes));
		s->max = num_max(s->max, line->bytes);
	} else {
		print_line(s);
		s->n_lines++;
		s->bytes += line->bytes;
		s->causes |= line->causes;
	}
	line->bytes = line->differences = 0;
	line->causes = 0;
	str_clear(&line->path);
}

static int add(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct stat *s = arg;

	if (s->line.differences > 0 && strcmp(str_cstr(&s->line.path), report_path(x)) != 0)
		end_line(s);
	if (s->line.differences == 0)
		str_add(&s->line.path, report_path(x));
	s->line.differences++;
	s->line.bytes += x->bytes;
	s->line.causes |= UINT32_C(1) << x->cause;
	return s->line.path.failed ? error_nomem(err) : 0;
}

static void choose_widths(struct stat *s)
{
	size_t width = s->r->width ? num_max(s->r->width, WIDTH_MIN) : WIDTH_DEFAULT;
	size_t fixed, room;

	s->bytes_width = count_digits(s->max);
	/* blanks and the stroke */
	fixed = s->bytes_width + s->letters_width + 6;
	room = width > fixed + BAR_MIN + 8 ? width - fixed - BAR_MIN : 8;
	s->path_width = num_min(s->path_width, room);
	s->bar_width = width > fixed + s->path_width ? width - fixed - s->path_width : 1;
}

static void print_total(const struct stat *s)
{
	const struct rimg_diff_summary *sum = s->r->summary;
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);
	const char *before = " ";

	fprintf(s->r->out, " %" PRIu64 " path%s, %" PRIu64 " byte%s", s->n_lines,
		s->n_lines == 1 ? "" : "s", s->bytes, s->bytes == 1 ? "" : "s");
	if (s->r->not_shown > 0)
		fprintf(s->r->out,
			"; %" PRIu64 " difference%s not shown, as asked (%" PRIu64
			" bytes differ in all)",
			s->r->not_shown, s->r->not_shown == 1 ? "" : "s", sum->differing);
	fprintf(s->r->out, "; unexplained %" PRIu64 "\n", sum->unexplained);
	for (size_t i = 0; i < n; i++) {
		if (!(s->causes & UINT32_C(1) << causes[i]))
			continue;
		fprintf(s->r->out, "%s%c %s", before, report_cause_letter(causes[i]),
			rimg_cause_name(causes[i]));
		before = ", ";
	}
	if (s->causes)
		fputc('\n', s->r->out);
}

int report_stat(struct report *r, struct rimg_error *err)
{
	struct stat s = { .r = r, .measure = true };
	int rc = report_each(r, false, add, &s, NULL, err);

	if (rc == 0) {
		end_line(&s);
		choose_widths(&s);
		s.measure = false;
		rc = report_each(r, false, add, &s, &r->not_shown, err);
	}
	if (rc == 0) {
		end_line(&s);
		print_total(&s);
	}
	str_done(&s.line.path);
	if (rc == 0 && r->policy && report_policy_text(r) < 0)
		rc = error_nomem(err);
	return rc;
}
