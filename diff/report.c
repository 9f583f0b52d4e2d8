/* SPDX-License-Identifier: MIT */
#include "diff/report.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* ---- causes --------------------------------------------------------------------------------- */

const enum rimg_cause *report_causes(size_t *ret_n)
{
	/* as diff_rank() has them */
	static const enum rimg_cause causes[] = {
		RIMG_CAUSE_CONTENT,    RIMG_CAUSE_CODEGEN,     RIMG_CAUSE_UNEXPLAINED,
		RIMG_CAUSE_BUILD_PATH, RIMG_CAUSE_SYMBOL_HASH, RIMG_CAUSE_COMPRESSION,
		RIMG_CAUSE_ORDERING,   RIMG_CAUSE_IDENTIFIER,  RIMG_CAUSE_TIMESTAMP,
		RIMG_CAUSE_FREE_SPACE, RIMG_CAUSE_PADDING,     RIMG_CAUSE_BUILD_ID,
		RIMG_CAUSE_PLACEMENT,  RIMG_CAUSE_CHECKSUM,
	};

	_Static_assert(ARRAY_LEN(causes) == RIMG_N_CAUSES, "every cause has its place");
	*ret_n = ARRAY_LEN(causes);
	return causes;
}

static const struct {
	char letter;
	const char *meaning;
} cause_words[] = {
	[RIMG_CAUSE_CONTENT] = { 'C', "what files and fields hold" },
	[RIMG_CAUSE_TIMESTAMP] = { 'T', "a time" },
	[RIMG_CAUSE_IDENTIFIER] = { 'I', "a number that was drawn to be unique" },
	[RIMG_CAUSE_ORDERING] = { 'O', "the same things in another order" },
	[RIMG_CAUSE_PLACEMENT] = { 'P', "the same things in another place" },
	[RIMG_CAUSE_COMPRESSION] = { 'Z', "the same bytes, packed in another way" },
	[RIMG_CAUSE_CHECKSUM] = { 'S', "follows from another difference" },
	[RIMG_CAUSE_PADDING] = { '0', "bytes that mean nothing between others" },
	[RIMG_CAUSE_FREE_SPACE] = { 'F', "what was left behind, or hidden, in free space" },
	[RIMG_CAUSE_BUILD_PATH] = { 'B', "a path of the machine that built it" },
	[RIMG_CAUSE_BUILD_ID] = { 'D', "a linker's digest of its output" },
	[RIMG_CAUSE_SYMBOL_HASH] = { 'H', "a compiler's digest in a symbol's name" },
	[RIMG_CAUSE_CODEGEN] = { 'G', "other instructions" },
	[RIMG_CAUSE_UNEXPLAINED] = { '?', "nothing claims these bytes" },
};

char report_cause_letter(enum rimg_cause cause)
{
	return cause_words[cause].letter;
}

const char *report_cause_meaning(enum rimg_cause cause)
{
	return cause_words[cause].meaning;
}

unsigned report_count_causes(const struct rimg_diff_summary *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < RIMG_N_CAUSES; i++)
		n += s->by_cause[i].differences > 0;
	return n;
}

const char *report_verdict(const struct rimg_diff_summary *s)
{
	if (s->identical)
		return "are identical";
	return s->differences > 0 ? "differ" : "could not be compared wholly";
}

bool report_is_clean(const struct rimg_diff_summary *s)
{
	return s->unread == 0 && s->unexplained == 0 &&
	       s->by_cause[RIMG_CAUSE_UNEXPLAINED].differences == 0;
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *report_path(const struct rimg_difference *x)
{
	return x->path[0] ? x->path : "(whole)";
}

size_t report_cut(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);

	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void add_value(struct str *s, const char *text, size_t max)
{
	size_t n = max ? report_cut(text, max) : strlen(text);

	str_add_len(s, text, n);
	if (text[n])
		str_add(s, "...");
}

void report_add_change(struct str *s, const struct rimg_difference *x, size_t max)
{
	switch (x->kind) {
	case RIMG_DIFF_ADDED: str_printf(s, "added %s", x->b ? x->b : ""); return;
	case RIMG_DIFF_REMOVED: str_printf(s, "removed %s", x->a ? x->a : ""); return;
	case RIMG_DIFF_MOVED:
		str_add(s, "moved to ");
		add_value(s, x->b ? x->b : "", max);
		return;
	case RIMG_DIFF_CHANGED: break;
	}
	str_add(s, x->field ? x->field : "");
	if (!x->a && !x->b)
		return;
	str_add(s, " ");
	add_value(s, x->a ? x->a : "(none)", max);
	str_add(s, " -> ");
	add_value(s, x->b ? x->b : "(none)", max);
}

void report_add_where(struct str *s, const struct rimg_difference *x)
{
	const struct rimg_diff_range *first = x->ranges;

	if (x->bytes == 0)
		return;
	str_printf(s, "%" PRIu64 " byte%s", x->bytes, x->bytes == 1 ? "" : "s");
	if (x->n_ranges == 0)
		return;
	str_printf(s, " at %" PRIu64, first->a_off != RIMG_NO_OFFSET ? first->a_off : first->b_off);
	if (x->n_ranges > 1)
		str_printf(s, " and in %zu%s more place%s", x->n_ranges - 1, x->coarse ? " or" : "",
			   x->n_ranges == 2 && !x->coarse ? "" : "s");
}

/* ---- a closer look -------------------------------------------------------------------------- */

static void add_line(struct str *s, const char *mark, const char *text)
{
	str_add(s, mark);
	str_add(s, text);
	str_add_char(s, '\n');
}

static bool add_detail(void *arg, const struct rimg_detail_line *line)
{
	struct str *s = arg;

	switch (line->kind) {
	case RIMG_DETAIL_HEAD: add_line(s, "", line->a); break;
	case RIMG_DETAIL_NOTE: add_line(s, "\\ ", line->a); break;
	case RIMG_DETAIL_SAME: add_line(s, "  ", line->b ? line->b : line->a); break;
	case RIMG_DETAIL_DIFF:
		if (line->a)
			add_line(s, "- ", line->a);
		if (line->b)
			add_line(s, "+ ", line->b);
		break;
	}
	return !s->failed;
}

int report_add_details(struct str *s, const struct report *r, const struct rimg_difference *x,
		       size_t max_lines, struct rimg_error *err)
{
	int rc = rimg_difference_detail(r->diff, x, max_lines, add_detail, s, err);

	return rc == 0 && s->failed ? error_nomem(err) : rc;
}

/* ---- passes --------------------------------------------------------------------------------- */

struct pass {
	const struct report *r;
	report_fn fn;
	void *arg;
	uint64_t n, not_shown;
	int rc;
	struct rimg_error *err;
};

static bool is_wanted(const struct report_filter *f, const struct rimg_difference *x)
{
	if (f->ignored & UINT32_C(1) << x->cause)
		return false;
	if (f->n_patterns == 0)
		return true;
	/* backslashes belong to escaped names */
	for (size_t i = 0; i < f->n_patterns; i++)
		if (fnmatch(f->patterns[i], x->path, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static bool take(void *arg, const struct rimg_difference *x)
{
	struct pass *pass = arg;
	const struct report_filter *f = pass->r->filter;

	if (!is_wanted(f, x) || (f->max && pass->n >= f->max)) {
		pass->not_shown++;
		return true;
	}
	pass->n++;
	pass->rc = pass->fn(pass->arg, x, pass->err);
	return pass->rc == 0;
}

int report_each(const struct report *r, bool by_root, report_fn fn, void *arg,
		uint64_t *ret_not_shown, struct rimg_error *err)
{
	struct pass pass = { .r = r, .fn = fn, .arg = arg, .err = err };
	int rc = by_root ? rimg_diff_each_root(r->diff, RIMG_CAUSES_ALL, take, &pass)
			 : rimg_diff_each(r->diff, RIMG_CAUSES_ALL, take, &pass);

	if (ret_not_shown)
		*ret_not_shown = pass.not_shown;
	return rc < 0 ? error_nomem(err) : pass.rc;
}

struct writing {
	struct report *r;
	const struct report_format *format;
};

static int write_one(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct writing *w = arg;
	int rc = w->format->difference(w->r, x, err);

	w->r->shown++;
	return rc;
}

int report_write(struct report *r, const struct report_format *format, struct rimg_error *err)
{
	struct writing w = { .r = r, .format = format };
	int rc = format->begin(r, err);

	if (rc == 0)
		rc = report_each(r, format->by_root, write_one, &w, &r->not_shown, err);
	return rc < 0 ? rc : format->end(r, err);
}
