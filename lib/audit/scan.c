/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/hidden.h"
#include "audit/walk.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/str.h"

/* Every byte that no piece of a program has is looked through once, in parts that many threads
 * share; what was found is then put together in order. */

#define PART        (UINT64_C(16) << 20)
#define HITS_MAX    4096U /* of one part */
#define WINDOW      256U  /* bytes that the detector judges at once */
#define FIND_FACTOR 16U   /* bytes of what is found, in sizes of where it is found */

struct part {
	size_t content;
	uint64_t off, len;
	struct hidden_run *hits;
	size_t n_hits, cap_hits;
	bool lost; /* there was more than is kept */
	bool last; /* of its range */
	int rc;
	struct rimg_error *err; /* of a failure */
};

struct scan {
	struct audit_work *w;
	struct part *parts;
	size_t n_parts, cap_parts;
	uint64_t budget;
	struct hidden_run *runs; /* of machine code, of one content after the other */
	size_t *run_content;
	size_t n_runs, cap_runs, cap_run_content;
	size_t found, n_found; /* contents that were found, in the order of those they lie in */
};

static void scan_done(struct scan *s)
{
	for (size_t i = 0; i < s->n_parts; i++) {
		free(s->parts[i].hits);
		free(s->parts[i].err);
	}
	free(s->parts);
	free(s->runs);
	free(s->run_content);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static int add_part(struct scan *s, size_t content, uint64_t off, uint64_t len)
{
	struct part *grown = vec_grow(s->parts, &s->cap_parts, s->n_parts, sizeof(*grown));

	if (!grown)
		return -RIMG_E_NOMEM;
	s->parts = grown;
	grown[s->n_parts++] = (struct part){ .content = content, .off = off, .len = len };
	return 0;
}

static int cut(struct scan *s, size_t content, uint64_t off, uint64_t len)
{
	const struct audit_content *c = &s->w->contents[content];

	if (len > s->budget) {
		s->budget = 0;
		return audit_add_unread(s->w, c->paths[0], NULL,
					"not looked through: the contents of this image are more "
					"than 256 times its size",
					true);
	}
	s->budget -= len;
	s->w->report->n_bytes += len;
	while (len > 0) {
		uint64_t step = num_min(len, PART);

		if (add_part(s, content, off, step) < 0)
			return -RIMG_E_NOMEM;
		off += step;
		len -= step;
		s->parts[s->n_parts - 1].last = len == 0;
	}
	return 0;
}

/* How far from @off on the source is zeros that are stored nowhere, or (@ret_zero false) is not. */
static uint64_t run_of(const struct rimg_source *src, uint64_t off, uint64_t len, bool *ret_zero)
{
	struct source_piece p;

	*ret_zero = false;
	if (!source_map(src, off, &p))
		return len;
	*ret_zero = p.kind == PIECE_ZERO;
	return p.off + p.len > off ? num_min(len, p.off + p.len - off) : len;
}

/* A range without its holes. */
static int add_range(struct scan *s, size_t content, uint64_t off, uint64_t len)
{
	const struct rimg_source *src = s->w->contents[content].src;
	uint64_t from = off;
	int rc = 0;

	while (len > 0 && rc == 0) {
		bool zero;
		uint64_t run = run_of(src, off, len, &zero);

		if (zero) {
			rc = cut(s, content, from, off - from);
			from = off + run;
		}
		off += run;
		len -= run;
	}
	return rc < 0 ? rc : cut(s, content, from, off - from);
}

/* All of a program but for its code, which is judged. */
static int add_program(struct scan *s, size_t content)
{
	const struct audit_content *c = &s->w->contents[content];
	const struct code_object *o = c->object;
	uint64_t end = 0, size = rimg_source_size(c->src);
	int rc = 0;

	for (size_t i = 0; i < o->n_pieces && rc == 0; i++) {
		const struct code_piece *p = &o->pieces[i];

		if (p->off > end)
			rc = add_range(s, content, end, p->off - end);
		end = num_max(end, p->off + p->len);
	}
	return rc == 0 && end < size ? add_range(s, content, end, size - end) : rc;
}

static int add_content(struct scan *s, size_t i)
{
	const struct audit_content *c = &s->w->contents[i];
	int rc = 0;

	if (c->rc < 0 || c->same != i)
		return 0;
	s->w->report->n_contents++;
	if (c->declared)
		return 0;
	if (c->object)
		return add_program(s, i);
	if (c->origin != AUDIT_FROM_REST)
		return add_range(s, i, 0, rimg_source_size(c->src));
	for (size_t k = 0; k < c->n_ranges && rc == 0; k++)
		rc = add_range(s, i, c->ranges[k].off, c->ranges[k].len);
	return rc;
}

/* ---- looking -------------------------------------------------------------------------------- */

static bool keep_hit(void *arg, const struct hidden_run *run)
{
	struct part *p = arg;
	struct hidden_run *grown = vec_grow(p->hits, &p->cap_hits, p->n_hits, sizeof(*grown));

	p->lost = !grown || p->n_hits >= HITS_MAX;
	if (grown)
		p->hits = grown;
	if (p->lost)
		return false;
	grown[p->n_hits++] = *run;
	return true;
}

static void look_through(void *arg, size_t i)
{
	struct scan *s = arg;
	struct part *p = &s->parts[i];
	const struct rimg_source *src = s->w->contents[p->content].src;
	struct rimg_error err;

	p->rc = error_keep(&p->err, hidden_scan(src, p->off, p->len, keep_hit, p, &err), &err);
}

static int tell_part(struct audit_work *w, const struct part *p)
{
	const char *path = w->contents[p->content].paths[0];
	bool damage = p->rc == -RIMG_E_BAD || p->rc == -RIMG_E_TRUNCATED;

	if (p->rc == -RIMG_E_NOMEM || (p->rc < 0 && !p->err))
		return -RIMG_E_NOMEM;
	if (p->rc < 0)
		return audit_add_unread(w, path, NULL, p->err->text, !damage);
	if (p->lost)
		return audit_add_unread(w, path, NULL, "holds more programs than are looked into",
					true);
	return 0;
}

/* ---- what was found ------------------------------------------------------------------------- */

/* The header of what the content itself is. */
static bool is_itself(const struct audit_content *c, const struct hidden_run *hit)
{
	if (hit->kind == HIDDEN_VOLUME) /* one of its headers, or a former one */
		return c->origin == AUDIT_FROM_REST ? strcmp(c->format, "redoxfs") == 0
						    : hit->off == 0;
	if (hit->off != 0)
		return false;
	if (hit->kind == HIDDEN_ARCHIVE)
		return c->origin == AUDIT_FROM_REST && strcmp(c->format, "ar") == 0;
	return hit->kind != HIDDEN_A64 && c->candidate;
}

static const char *inner_path(struct audit_work *w, size_t content, uint64_t off)
{
	const char *outer = w->contents[content].paths[0];

	return arena_printf(&w->report->arena, "%s%s@0x%" PRIx64, outer, outer[0] ? "::" : "", off);
}

/* A new content: @len bytes from @off on of another. */
static struct audit_content *add_inner(struct audit_work *w, size_t parent, uint64_t off,
				       uint64_t len)
{
	const char *path = inner_path(w, parent, off);
	const struct rimg_source *src =
		source_slice(&w->report->arena, w->contents[parent].src, off, len);
	struct audit_content *c =
		path && src ? audit_add_content(w, src, AUDIT_FROM_SCAN, path) : NULL;

	if (c) {
		c->parent = parent;
		c->parent_off = off;
	}
	return c;
}

/* What is found that no program is, but holds some. */
static void name_holder(struct audit_content *c, enum hidden_kind kind)
{
	if (kind != HIDDEN_ARCHIVE && kind != HIDDEN_VOLUME)
		return;
	c->artifact = true;
	c->kind = kind == HIDDEN_VOLUME ? AUDIT_KIND_OPAQUE : AUDIT_KIND_ARCHIVE;
	c->found_format = kind == HIDDEN_VOLUME ? "redoxfs" : "ar";
}

static int add_run(struct scan *s, size_t content, const struct hidden_run *hit)
{
	struct hidden_run *last = s->n_runs > 0 ? &s->runs[s->n_runs - 1] : NULL, *runs;
	size_t *contents;

	if (last && s->run_content[s->n_runs - 1] == content && hit->off >= last->off &&
	    hit->off - last->off <= last->len) {
		last->len = num_max(last->len, hit->off + hit->len - last->off);
		return 0;
	}
	runs = vec_grow(s->runs, &s->cap_runs, s->n_runs, sizeof(*runs));
	if (runs)
		s->runs = runs;
	contents = vec_grow(s->run_content, &s->cap_run_content, s->n_runs, sizeof(*contents));
	if (contents)
		s->run_content = contents;
	if (!runs || !contents)
		return -RIMG_E_NOMEM;
	contents[s->n_runs] = content;
	runs[s->n_runs++] = *hit;
	return 0;
}

/* A program, an archive or a volume. @budget: bytes that may still be examined in this content. */
static int add_found(struct scan *s, size_t parent, const struct hidden_run *hit, uint64_t *budget)
{
	struct audit_work *w = s->w;
	struct audit_content *c;
	struct rimg_error why;
	uint64_t len;
	int rc;

	if (*budget == 0)
		return 0; /* that has been told */
	rc = audit_extent(w->contents[parent].src, hit, &len, &why);
	if (rc == -RIMG_E_NOMEM)
		return rc;
	if (rc < 0 &&
	    audit_add_unread(w, inner_path(w, parent, hit->off), NULL, why.text, false) < 0)
		return -RIMG_E_NOMEM;
	if (len > *budget) {
		*budget = 0;
		return audit_add_unread(w, inner_path(w, parent, hit->off), NULL,
					"not looked into: the programs found here claim more bytes "
					"than there are",
					true);
	}
	*budget -= len;
	c = add_inner(w, parent, hit->off, len);
	if (!c)
		return -RIMG_E_NOMEM;
	name_holder(c, hit->kind);
	return 0;
}

/* A window that reaches over the end of what is looked through says nothing of the bytes before. */
static bool is_edge(const struct audit_content *c, const struct part *p,
		    const struct hidden_run *hit)
{
	uint64_t end = p->off + p->len;

	return p->last && hit->len < WINDOW && hit->off + hit->len == end &&
	       end < rimg_source_size(c->src);
}

static int add_hits(struct scan *s, const struct part *p, uint64_t *budget)
{
	const struct audit_content *c;

	for (size_t i = 0; i < p->n_hits; i++) {
		const struct hidden_run *hit = &p->hits[i];
		int rc = 0;

		c = &s->w->contents[p->content]; /* contents move when one is added */
		if (is_itself(c, hit))
			continue;
		if (hit->kind != HIDDEN_A64)
			rc = add_found(s, p->content, hit, budget);
		else if (!is_edge(c, p, hit))
			rc = add_run(s, p->content, hit);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int collect(struct scan *s)
{
	uint64_t budget = 0;
	size_t content = SIZE_MAX;

	for (size_t i = 0; i < s->n_parts; i++) {
		const struct part *p = &s->parts[i];
		int rc = tell_part(s->w, p);

		if (p->content != content) {
			content = p->content;
			if (!num_mul(rimg_source_size(s->w->contents[content].src), FIND_FACTOR,
				     &budget))
				budget = UINT64_MAX;
		}
		if (rc == 0)
			rc = add_hits(s, p, &budget);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- machine code without a container ------------------------------------------------------- */

struct ranges {
	struct audit_range *v;
	size_t n, cap;
};

static void ranges_done(struct ranges *r)
{
	free(r->v);
}

static int ranges_add(struct ranges *r, uint64_t off, uint64_t len)
{
	struct audit_range *grown = vec_grow(r->v, &r->cap, r->n, sizeof(*grown));

	if (!grown)
		return -RIMG_E_NOMEM;
	r->v = grown;
	grown[r->n++] = (struct audit_range){ .off = off, .len = len };
	return 0;
}

static int compare_ranges(const void *pa, const void *pb)
{
	const struct audit_range *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

/* The code of the programs that were found in @content: it is judged. Contents come in order, so
 * each is looked at once. */
static int judged_code(struct scan *s, size_t content, struct ranges *ret)
{
	struct audit_work *w = s->w;

	for (; s->found < s->n_found && w->contents[s->found].parent <= content; s->found++) {
		const struct audit_content *c = &w->contents[s->found];
		const struct code_object *o = w->contents[c->same].object;

		for (size_t k = 0; o && c->parent == content && k < o->n_pieces; k++)
			if (ranges_add(ret, c->parent_off + o->pieces[k].off, o->pieces[k].len) < 0)
				return -RIMG_E_NOMEM;
	}
	if (ret->n > 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_ranges);
	return 0;
}

/* What of a run is left beside the judged ranges; windows at its ends reach into them. */
static int subtract(const struct hidden_run *run, const struct ranges *judged, struct ranges *ret)
{
	uint64_t at = run->off, end = run->off + run->len;

	for (size_t i = 0; i < judged->n && judged->v[i].off < end; i++) {
		const struct audit_range *j = &judged->v[i];

		if (j->off > at && j->off - at > WINDOW && ranges_add(ret, at, j->off - at) < 0)
			return -RIMG_E_NOMEM;
		at = num_max(at, num_min(end, j->off + j->len));
	}
	/* a run that no program touches is reported however short it is */
	if (at < end && (at == run->off || end - at > WINDOW))
		return ranges_add(ret, at, end - at);
	return 0;
}

/* Code that nobody can attribute, as an object of its own. */
static int make_raw(struct audit_work *w, struct audit_content *c, const struct audit_range *runs,
		    size_t n)
{
	struct arena *a = &w->report->arena;
	struct code_object *o = arena_alloc(a, sizeof(*o));
	struct code_piece *pieces = arena_array(a, n, sizeof(*pieces));

	if (!o || !pieces)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		pieces[i] = (struct code_piece){ .off = runs[i].off,
						 .addr = runs[i].off,
						 .len = runs[i].len,
						 .cls = CODE_UNKNOWN };
		o->code_bytes += runs[i].len;
	}
	o->format = "raw";
	o->arch = CODE_A64;
	o->by_class[CODE_UNKNOWN] = o->code_bytes;
	o->pieces = pieces;
	o->n_pieces = n;
	c->object = o;
	c->own_object = true;
	c->artifact = true;
	c->kind = AUDIT_KIND_RAW;
	c->found_format = "raw";
	return 0;
}

/* A file of no known format that holds machine code is an artifact as a whole; elsewhere each run
 * is one. */
static int add_raw(struct audit_work *w, size_t content, const struct ranges *runs)
{
	struct audit_content *c = &w->contents[content];
	struct rimg_error err;

	if (runs->n == 0)
		return 0;
	if (c->origin == AUDIT_FROM_NODE && (!c->artifact || (c->whole && c->volume))) {
		if (make_raw(w, c, runs->v, runs->n) < 0)
			return -RIMG_E_NOMEM;
		c->rc = digest_source(c->src, c->sha256, &err);
		c->hashed = c->rc == 0;
		return c->rc < 0 ? audit_add_unread(w, c->paths[0], NULL, err.text, true) : 0;
	}
	for (size_t i = 0; i < runs->n; i++) {
		struct audit_range all = { .len = runs->v[i].len };

		c = add_inner(w, content, runs->v[i].off, runs->v[i].len);
		if (!c || make_raw(w, c, &all, 1) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static int settle_runs(struct scan *s)
{
	size_t next;

	for (size_t i = 0; i < s->n_runs; i = next) {
		auto_with(ranges_done) struct ranges judged = { 0 }, left = { 0 };
		size_t content = s->run_content[i];
		/* a single window among a program's tables is noise */
		uint64_t min = s->w->contents[content].object ? WINDOW + 1 : 1;
		int rc = judged_code(s, content, &judged);

		for (next = i; next < s->n_runs && s->run_content[next] == content; next++)
			if (rc == 0 && s->runs[next].len >= min)
				rc = subtract(&s->runs[next], &judged, &left);
		if (rc == 0)
			rc = add_raw(s->w, content, &left);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int audit_scan(struct audit_work *w)
{
	auto_with(scan_done) struct scan s = { .w = w, .budget = audit_budget(w) };
	size_t first = w->n_contents;
	int rc = 0;

	for (size_t i = 0; i < first && rc == 0; i++)
		rc = add_content(&s, i);
	if (rc < 0)
		return rc;
	audit_progress(w, "bytes to be looked through:", w->report->n_bytes, 0);
	pool_for(w->ctx->threads, s.n_parts, look_through, &s);
	rc = collect(&s);
	s.found = first;
	s.n_found = w->n_contents;
	if (rc == 0)
		rc = audit_look(w, first);
	if (rc == 0)
		rc = settle_runs(&s);
	if (rc < 0)
		return rc;
	/* the runs, which are known to be code: only hashed, and the same ones joined */
	return audit_look(w, s.n_found);
}
