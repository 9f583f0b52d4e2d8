/* SPDX-License-Identifier: MIT */
/* One page: the verdict and its numbers, the causes, the map, and beside the tree of paths the
 * differences, those that follow folded below what they follow from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/html.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/policy_delta.h"
#include "diff/report.h"
#include "diff/report_map.h"
#include "diff/report_tree.h"

#define LISTED_MAX    3000                /* differences */
#define DETAILED_MAX  300                 /* of them, with a closer look */
#define LIST_BYTES    (UINT64_C(8) << 20) /* of the list, after which there are no more */
#define POLICY_BYTES  (UINT64_C(1) << 20) /* of what the change did to the verdict */
#define DETAIL_LINES  60
#define RANGES_SHOWN  12
#define SUMMARY_VALUE 80   /* bytes of a value in a line */
#define VALUE_MAX     2000 /* bytes of a value where there is room */

struct page {
	struct html h;
	struct report *r;
	struct map map;
	uint8_t *listed; /* a bit for each difference */
	uint64_t n_listed, n_detailed;
	uint64_t n_wanted; /* differences that the user wants to see */
	struct str list;   /* made before the page */
	bool in_root;      /* the elements of a difference that follows from none are open */
	bool in_followers; /* and those of the ones that follow */
	uint64_t root;
};

/* ---- the top -------------------------------------------------------------------------------- */

static void put_names(struct html *h, const struct report *r)
{
	html_open(h, "h1");
	html_open_class(h, "span", "path");
	html_bytes(h, r->a.address, strlen(r->a.address));
	html_close(h);
	html_text(h, " and ");
	html_open_class(h, "span", "path");
	html_bytes(h, r->b.address, strlen(r->b.address));
	html_close(h);
	html_fmt(h, " %s", report_verdict(r->summary));
	html_close(h);
}

static void put_verdict(struct html *h, const struct report *r)
{
	const struct rimg_diff_summary *s = r->summary;

	if (s->identical) {
		html_element(h, "p", "verdict good", "Identical: every byte is the same.");
		return;
	}
	if (!report_is_clean(s)) {
		html_open_class(h, "p", "verdict doubt");
		if (s->unread > 0) {
			html_count(h, s->unread, "part");
			html_text(h, " could not be read, and so could not be compared. ");
		}
		if (s->by_cause[RIMG_CAUSE_UNEXPLAINED].differences > 0) {
			html_count(h, s->unexplained, "byte");
			html_text(h, " of those that differ cannot be explained.");
		}
		html_close(h);
	}
	if (s->differences == 0)
		return;
	html_open_class(h, "p", s->equivalent ? "verdict" : "verdict bad");
	html_text(h, s->equivalent ? "Not the same bytes, but the same content: names, types, "
				     "modes, owners and the bytes of files."
				   : "The content is not the same.");
	html_close(h);
}

static void put_cards(struct html *h, const struct report *r)
{
	const struct rimg_diff_summary *s = r->summary;

	html_open_class(h, "div", "cards");
	html_card(h, s->differing, "byte",
		  s->has_bytes ? "differ" : "differ in the contents of files");
	html_card(h, s->compared, "byte", "compared");
	html_card(h, s->explained, "byte", "explained");
	html_card(h, s->unexplained, "byte", "unexplained");
	html_card(h, s->roots, "difference", "that follow from nothing else");
	html_card(h, s->differences - s->roots, "difference", "that follow from these");
	html_close(h);
}

static void put_side(struct html *h, const char *name, const struct report_side *side,
		     bool has_bytes)
{
	html_element(h, "dt", NULL, name);
	html_open(h, "dd");
	html_open_class(h, "span", "path");
	html_bytes(h, side->address, strlen(side->address));
	html_close(h);
	if (has_bytes) {
		html_text(h, ", ");
		html_count(h, side->size, "byte");
	}
	if (side->sha256[0]) {
		html_open_class(h, "span", "quiet");
		html_text(h, ", SHA-256 ");
		html_element(h, "span", "path", side->sha256);
		html_close(h);
	}
	html_close(h);
}

static void put_sides(struct html *h, const struct report *r)
{
	html_open_class(h, "dl", "sides");
	put_side(h, "A", &r->a, r->summary->has_bytes);
	put_side(h, "B", &r->b, r->summary->has_bytes);
	html_close(h);
}

/* "C content" in the colour of the cause */
static void put_cause(struct html *h, enum rimg_cause cause)
{
	char css[40];

	snprintf(css, sizeof(css), "tag c-%s", rimg_cause_name(cause));
	html_open_class(h, "span", css);
	html_fmt(h, "%c %s", report_cause_letter(cause), rimg_cause_name(cause));
	html_close(h);
}

static void put_causes(struct html *h, const struct report *r)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);

	html_element(h, "h2", NULL, "Why");
	html_open_class(h, "div", "scroll");
	html_open(h, "table");
	html_open(h, "tr");
	html_element(h, "th", NULL, "cause");
	html_element(h, "th", "num", "differences");
	html_element(h, "th", "num", "bytes");
	html_element(h, "th", NULL, "what it means");
	html_close(h);
	for (size_t i = 0; i < n; i++) {
		enum rimg_cause c = causes[i];

		if (r->summary->by_cause[c].differences == 0)
			continue;
		html_open(h, "tr");
		html_open(h, "td");
		put_cause(h, c);
		html_close(h);
		html_open_class(h, "td", "num");
		html_number(h, r->summary->by_cause[c].differences);
		html_close(h);
		html_open_class(h, "td", "num");
		html_number(h, r->summary->by_cause[c].bytes);
		html_close(h);
		html_element(h, "td", NULL, report_cause_meaning(c));
		html_close(h);
	}
	html_close(h);
	html_close(h);
}

/* ---- the policy ----------------------------------------------------------------------------- */

struct policy_list {
	struct html *h;
	uint64_t end; /* length of the page at which the list ends */
	uint64_t n_left;
};

static void put_policy_line(void *arg, unsigned level, bool worse, const char *line)
{
	static const char *const levels[] = { "policy0", "policy1", "policy2" };
	struct policy_list *l = arg;

	if (l->h->len > l->end) {
		l->n_left++;
		return;
	}
	html_open_class(l->h, "li", levels[level]);
	if (level == 0)
		html_element(l->h, "span", worse ? "tag bad" : "tag",
			     worse ? "worse" : "not worse");
	html_text(l->h, level == 0 ? " " : "");
	html_element(l->h, "span", "path", line);
	html_close(l->h);
}

/* What the change did to the verdict of an audit. */
static int put_policy(struct html *h, const struct policy_delta *d, struct rimg_error *err)
{
	static const char *const css[] = { [DELTA_NOT_WORSE] = "verdict",
					   [DELTA_WORSE] = "verdict bad",
					   [DELTA_OPEN] = "verdict doubt" };
	struct policy_list l = { .h = h, .end = h->len + POLICY_BYTES };
	auto_str struct str verdict = { 0 };
	int rc;

	delta_add_verdict(&verdict, d);
	html_element(h, "h2", NULL, "The policy");
	html_open(h, "p");
	html_open_class(h, "span", "path");
	html_bytes(h, d->file, strlen(d->file));
	html_close(h);
	html_close(h);
	html_open_class(h, "p", css[d->state]);
	html_fmt(h, "%s.", str_cstr(&verdict));
	html_close(h);
	html_open_class(h, "ul", "plain");
	rc = delta_each_line(d, true, 0, put_policy_line, &l);
	html_close(h);
	if (l.n_left > 0) {
		html_open_class(h, "p", "note loud");
		html_count(h, l.n_left, "more line");
		html_text(h, " not shown, to keep this page small; --json has all.");
		html_close(h);
	}
	return rc < 0 || verdict.failed ? error_nomem(err) : 0;
}

/* ---- one difference ------------------------------------------------------------------------- */

static void put_cut(struct html *h, const char *text, size_t max)
{
	size_t n = report_cut(text, max), left = strlen(text + n);
	char *cut = left > 0 ? strndup(text, n) : NULL;

	html_text(h, cut ? cut : text);
	free(cut);
	if (left > 0) {
		html_text(h, "... (");
		html_count(h, left, "more byte");
		html_text(h, ")");
	}
}

static void put_value(struct html *h, const char *css, const char *text, size_t max)
{
	html_open_class(h, "span", css);
	put_cut(h, text, max);
	html_close(h);
}

/* "mode 0644 -> 0755" */
static void put_change(struct html *h, const struct rimg_difference *x)
{
	switch (x->kind) {
	case RIMG_DIFF_ADDED:
		html_text(h, "added ");
		put_value(h, "new", x->b ? x->b : "", SUMMARY_VALUE);
		return;
	case RIMG_DIFF_REMOVED:
		html_text(h, "removed ");
		put_value(h, "old", x->a ? x->a : "", SUMMARY_VALUE);
		return;
	case RIMG_DIFF_MOVED:
		html_text(h, "moved to ");
		put_value(h, "new", x->b ? x->b : "", VALUE_MAX);
		return;
	case RIMG_DIFF_CHANGED: break;
	}
	html_text(h, x->field ? x->field : "");
	if (!x->a && !x->b)
		return;
	html_text(h, " ");
	put_value(h, "old", x->a ? x->a : "(none)", SUMMARY_VALUE);
	html_text(h, " \xe2\x86\x92 "); /* an arrow */
	put_value(h, "new", x->b ? x->b : "(none)", SUMMARY_VALUE);
}

static void put_summary(struct page *p, const struct rimg_difference *x)
{
	struct html *h = &p->h;

	put_cause(h, x->cause);
	html_text(h, " ");
	html_element(h, "b", "path", report_path(x));
	html_text(h, " ");
	put_change(h, x);
	if (x->bytes == 0 && x->n_followers == 0)
		return;
	html_open_class(h, "span", "quiet");
	html_text(h, " \xc2\xb7 "); /* a dot in the middle */
	if (x->bytes > 0)
		html_count(h, x->bytes, "byte");
	if (x->n_followers > 0) {
		html_text(h, x->bytes > 0 ? "; " : "");
		html_number(h, x->n_followers);
		html_text(h, x->n_followers == 1 ? " follows" : " follow");
		if (x->all_bytes > x->bytes) {
			html_text(h, ", in all ");
			html_count(h, x->all_bytes, "byte");
		}
	}
	html_close(h);
}

static void put_ranges(struct page *p, const struct rimg_difference *x)
{
	struct html *h = &p->h;
	size_t n = x->n_ranges < RANGES_SHOWN ? x->n_ranges : RANGES_SHOWN;

	if (x->n_ranges == 0)
		return;
	html_element(h, "dt", NULL, "at byte");
	html_open(h, "dd");
	for (size_t i = 0; i < n; i++) {
		const struct rimg_diff_range *range = &x->ranges[i];
		uint64_t off = range->a_off != RIMG_NO_OFFSET ? range->a_off : range->b_off;
		bool linked;

		html_text(h, i ? ", " : "");
		linked = map_link(h, &p->map, off);
		html_number(h, off);
		if (linked)
			html_close(h);
		html_text(h, " (");
		html_number(h, range->len);
		html_text(h, range->a_off == RIMG_NO_OFFSET   ? ", B only)"
			     : range->b_off == RIMG_NO_OFFSET ? ", A only)"
							      : ")");
	}
	if (x->n_ranges > n) {
		html_text(h, " and in ");
		html_count(h, x->n_ranges - n, "more place");
	}
	if (x->coarse)
		html_text(h, "; some of these also cover equal bytes");
	html_close(h);
}

static void put_row(struct html *h, const char *name, const char *css, const char *text)
{
	if (!text)
		return;
	html_element(h, "dt", NULL, name);
	html_open(h, "dd");
	put_value(h, css, text, VALUE_MAX);
	html_close(h);
}

/* ---- a closer look -------------------------------------------------------------------------- */

struct looking {
	struct html *h;
	bool open;
};

static void put_cell(struct html *h, const char *css, const char *text)
{
	html_open_class(h, "td", css);
	html_text(h, text ? text : "");
	html_close(h);
}

static void put_wide(struct html *h, const char *css, const char *text)
{
	html_open(h, "td");
	html_attr(h, "colspan", "2");
	html_element(h, "span", css, text ? text : "");
	html_close(h);
}

static bool put_line(void *arg, const struct rimg_detail_line *line)
{
	struct looking *l = arg;
	struct html *h = l->h;

	if (!l->open) {
		html_open_class(h, "div", "scroll");
		html_open_class(h, "table", "look");
		l->open = true;
	}
	html_open(h, "tr");
	switch (line->kind) {
	case RIMG_DETAIL_HEAD: put_wide(h, "quiet", line->a); break;
	case RIMG_DETAIL_NOTE: put_wide(h, "note", line->a); break;
	case RIMG_DETAIL_SAME:
		put_cell(h, NULL, line->a);
		put_cell(h, NULL, line->b ? line->b : line->a);
		break;
	case RIMG_DETAIL_DIFF:
		put_cell(h, line->a ? "old" : NULL, line->a);
		put_cell(h, line->b ? "new" : NULL, line->b);
		break;
	}
	html_close(h);
	return true;
}

static int put_details(struct page *p, const struct rimg_difference *x, struct rimg_error *err)
{
	struct looking l = { .h = &p->h };
	int rc;

	if (p->n_detailed >= DETAILED_MAX) {
		html_element(&p->h, "p", "note", "No closer look here, to keep this page small.");
		return 0;
	}
	rc = rimg_difference_detail(p->r->diff, x, DETAIL_LINES, put_line, &l, err);
	if (l.open) {
		html_close(&p->h);
		html_close(&p->h);
		p->n_detailed++;
	}
	return rc;
}

static int put_body(struct page *p, const struct rimg_difference *x, struct rimg_error *err)
{
	struct html *h = &p->h;

	html_open(h, "div");
	html_element(h, "p", NULL, x->why);
	html_open(h, "dl");
	if (x->kind == RIMG_DIFF_CHANGED || x->kind == RIMG_DIFF_MOVED) {
		put_row(h, "in A", "old", x->a);
		put_row(h, "in B", "new", x->b);
	}
	html_element(h, "dt", NULL, "format");
	html_element(h, "dd", NULL, x->layer);
	put_ranges(p, x);
	html_close(h);
	html_close(h);
	return put_details(p, x, err);
}

/* ---- the list ------------------------------------------------------------------------------- */

static void close_root(struct page *p)
{
	if (p->in_followers)
		html_close(&p->h); /* details */
	if (p->in_root)
		html_close(&p->h);
	p->in_root = p->in_followers = false;
}

static void open_difference(struct page *p, const struct rimg_difference *x)
{
	html_open_class(&p->h, "details", "diff");
	html_open(&p->h, "summary");
	html_attr_fmt(&p->h, "id", "d%" PRIu64, x->index);
	put_summary(p, x);
	html_close(&p->h);
}

static void open_followers(struct page *p)
{
	html_open(&p->h, "details");
	html_element(&p->h, "summary", NULL, "What follows from it");
	p->in_followers = true;
}

static bool is_listed(const struct page *p, const struct rimg_difference *x)
{
	return p->listed[x->index / 8] & 1u << x->index % 8;
}

static int list_one(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct page *p = arg;
	bool follows = p->in_root && x->root == p->root && x->root != x->index;
	int rc;

	if (!is_listed(p, x))
		return 0;
	if (p->h.len > LIST_BYTES) {
		p->listed[x->index / 8] &= (uint8_t) ~(1u << x->index % 8);
		return 0;
	}
	p->n_listed++;
	if (!follows)
		close_root(p);
	else if (!p->in_followers)
		open_followers(p);
	open_difference(p, x);
	rc = put_body(p, x, err);
	if (follows) {
		html_close(&p->h);
	} else {
		p->in_root = true;
		p->root = x->index;
	}
	return rc;
}

static int mark(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct page *p = arg;

	(void)err;
	if (p->n_wanted++ < LISTED_MAX)
		p->listed[x->index / 8] |= (uint8_t)(1u << x->index % 8);
	return 0;
}

static void put_left_out(struct page *p)
{
	struct html *h = &p->h;
	uint64_t left = p->n_wanted - p->n_listed;

	if (p->r->not_shown > 0) {
		html_open_class(h, "p", "note loud");
		html_count(h, p->r->not_shown, "difference");
		html_text(h, p->r->not_shown == 1 ? " is" : " are");
		html_text(h, " not shown, as asked. The numbers above count all.");
		html_close(h);
	}
	if (left == 0)
		return;
	html_open_class(h, "p", "note loud");
	html_count(h, left, "difference");
	html_text(h, left == 1 ? " is" : " are");
	html_text(h, " not listed, to keep this page small. The numbers above count all; --json "
		     "lists all.");
	html_close(h);
}

/* Made before the page, of which it is the last part: what has no room in it is not listed, and
 * nothing may lead there. */
static int make_list(struct page *p, struct rimg_error *err)
{
	int rc;

	p->h = (struct html){ .out = capture_open(&p->list) };
	if (!p->h.out)
		return error_nomem(err);
	rc = report_each(p->r, true, list_one, p, &p->r->not_shown, err);
	close_root(p);
	put_left_out(p);
	if (capture_close(p->h.out, rc < 0 ? NULL : err) < 0)
		return rc < 0 ? rc : -RIMG_E_NOMEM;
	return rc;
}

/* ---- the page ------------------------------------------------------------------------------- */

static const char page_style[] =
	".look{font:.85em/1.45 ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
	"white-space:pre;tab-size:8}\n"
	".look td{border:0;padding:0 1.2em 0 .3em}\n"
	".look .note{border:0;padding:0;white-space:normal}\n"
	".diff{border-top:1px solid var(--line);padding:.25rem 0}\n"
	".diff .diff{border:0}\n"
	".sides dd{margin-left:0}\n"
	"svg.map{min-width:44rem}\n.defs{position:absolute}\n"
	".policy1{margin-left:2rem}.policy2{margin-left:4rem;color:var(--quiet)}\n"
	"nav ul.plain ul.plain{margin-left:.9rem}\n";

static int put_middle(struct page *p, struct rimg_error *err)
{
	struct html *h = &p->h;
	int rc;

	put_causes(h, p->r);
	if (p->map.n > 0) {
		html_open(h, "h2");
		html_attr(h, "id", "map");
		html_text(h, "Map");
		html_close(h);
		rc = map_write(h, p->r, &p->map, p->listed, err);
		if (rc < 0)
			return rc;
	}
	html_open_class(h, "div", "split");
	html_open(h, "nav");
	rc = tree_write(h, p->r, p->listed, err);
	html_close(h);
	html_open(h, "main");
	html_element(h, "h2", NULL, "What");
	html_element(h, "p", "quiet",
		     "What somebody wanted comes first, then what happened by itself; what follows "
		     "from a difference is folded below it.");
	html_insert(h, str_cstr(&p->list), p->list.len);
	html_close(h);
	html_close(h);
	return rc;
}

static int write_page(struct page *p, struct rimg_error *err)
{
	struct html *h = &p->h;
	int rc = html_page(h, p->r->out, "rimg diff", page_style, err);

	if (rc < 0)
		return rc;
	html_open_class(h, "div", "page");
	put_names(h, p->r);
	put_verdict(h, p->r);
	put_sides(h, p->r);
	if (!p->r->summary->identical)
		put_cards(h, p->r);
	if (p->r->policy)
		rc = put_policy(h, p->r->policy, err);
	if (rc == 0 && p->r->summary->differences > 0)
		rc = put_middle(p, err);
	html_page_end(h);
	return rc;
}

int report_html(struct report *r, struct rimg_error *err)
{
	struct page p = { .r = r };
	auto_free uint8_t *listed = calloc(1, (size_t)(r->summary->differences / 8 + 1));
	int rc;

	p.listed = listed;
	if (!listed)
		return error_nomem(err);
	rc = report_each(r, true, mark, &p, &r->not_shown, err);
	if (rc == 0)
		rc = map_make(r, &p.map, err);
	if (rc == 0)
		rc = map_fit(&p.map, r, listed, err);
	if (rc == 0)
		rc = make_list(&p, err);
	if (rc == 0)
		rc = write_page(&p, err);
	map_done(&p.map);
	str_done(&p.list);
	return rc;
}
