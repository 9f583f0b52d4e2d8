/* SPDX-License-Identifier: MIT */
/* A closer look at a difference: lines of text, instructions, or rows of bytes. */
#include "diff/detail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"

#define DEFAULT_LINES 40

/* ---- lines ---------------------------------------------------------------------------------- */

static void emit(struct detail *d, enum rimg_detail_kind kind, const char *a, const char *b)
{
	const struct rimg_detail_line line = { .kind = kind, .form = d->form, .a = a, .b = b };

	if (d->stopped)
		return;
	d->stopped = !d->fn(d->arg, &line);
	d->n_lines++;
}

bool detail_full(const struct detail *d)
{
	return d->stopped || d->n_lines >= d->max_lines;
}

void detail_head(struct detail *d, const char *text)
{
	emit(d, RIMG_DETAIL_HEAD, text, NULL);
}

void detail_same(struct detail *d, const char *a, const char *b)
{
	emit(d, RIMG_DETAIL_SAME, a, b);
}

void detail_diff(struct detail *d, const char *a, const char *b)
{
	emit(d, RIMG_DETAIL_DIFF, a, b);
}

void detail_note(struct detail *d, const char *text)
{
	emit(d, RIMG_DETAIL_NOTE, text, NULL);
}

/* ---- which form ----------------------------------------------------------------------------- */

/* What the two sides of a difference are as bytes; false: it has none, or they lie in what both
 * have in common. */
static bool has_contents(const struct difference *x)
{
	const struct pair *p = x->pair;

	return p->a && p->b && p->a->content && p->b->content &&
	       (x->type == DIFFERS_CONTENT || x->type == DIFFERS_PRESENCE);
}

static int show_contents(struct detail *d, const struct difference *x)
{
	int rc = 0;
	bool done = false;

	/* what is inside has differences of its own */
	if (x->pair->recursed)
		return 0;
	if (x->pair->a->role == RIMG_ROLE_FUNCTION && x->pair->b->role == RIMG_ROLE_FUNCTION)
		rc = detail_code(d, x->pair, &done);
	if (rc == 0 && !done)
		rc = detail_text(d, x->pair->a->content, x->pair->b->content, &done);
	if (rc == 0 && !done)
		rc = detail_hex(d, x->pair->a->content, x->pair->b->content);
	return rc;
}

/* Which of the two, and where. */
static int say_unread(const struct rimg_diff *diff, struct rimg_error *err)
{
	int rc = source_verify_reads(diff->root->a->image->src, err);

	return rc < 0 ? rc : source_verify_reads(diff->root->b->image->src, err);
}

int rimg_difference_detail(const struct rimg_diff *diff, const struct rimg_difference *difference,
			   size_t max_lines,
			   bool (*fn)(void *arg, const struct rimg_detail_line *line), void *arg,
			   struct rimg_error *err)
{
	struct detail d = { .diff = diff,
			    .max_lines = max_lines ? max_lines : DEFAULT_LINES,
			    .fn = fn,
			    .arg = arg,
			    .form = RIMG_DETAIL_LIST };
	const struct difference *x;
	int rc = 0;

	if (difference->index >= diff->n_list)
		return 0;
	x = diff->list[difference->index];
	if (has_contents(x))
		rc = show_contents(&d, x);
	else if (x->n_ranges > 0 && x->type != DIFFERS_ATTR && diff->summary.has_bytes)
		rc = detail_ranges(&d, x);
	if (rc == -RIMG_E_NOMEM)
		return error_nomem(err);
	if (rc < 0)
		detail_note(&d, "the bytes cannot be read");
	return rc == -RIMG_E_IO ? say_unread(diff, err) : 0;
}
