/* SPDX-License-Identifier: MIT */
/* Are two contents equal? Most of the time that is known without reading them: where both lie at
 * the same places of the artifacts compared, and no block there differs. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "diff/pairs.h"

/* ---- where bytes of a content lie in its scope --------------------------------------------- */

enum spot_kind {
	SPOT_SCOPE,  /* these very bytes, at `off` of the scope */
	SPOT_PACKED, /* made from the stored bytes at `off` of the scope */
	SPOT_ZERO,
	SPOT_BAD, /* nobody can read them */
	SPOT_ELSEWHERE,
};

struct spot {
	enum spot_kind kind;
	uint64_t off;
	uint64_t len;              /* bytes of the content that this holds for */
	uint64_t skip;             /* PACKED: bytes of the piece before the one asked for */
	uint64_t check[2];         /* SCOPE: tag of the block that is checked when it is read */
	struct source_piece piece; /* PACKED */
};

/* Do the bytes of @src from @off on lie as they are in @scope? */
static bool plain_at(const struct rimg_source *src, uint64_t off, const struct rimg_source *scope,
		     uint64_t *ret_off, uint64_t *ret_len)
{
	uint64_t len = rimg_source_size(src) - off;

	while (src != scope) {
		struct source_piece p;

		src = source_map(src, off, &p);
		if (!src || !p.plain)
			return false;
		len = num_min(len, p.len);
		off = p.base_off;
	}
	*ret_off = off;
	*ret_len = len;
	return true;
}

static struct spot locate(const struct rimg_source *src, uint64_t off,
			  const struct rimg_source *scope)
{
	struct spot s = { .kind = SPOT_ELSEWHERE, .len = rimg_source_size(src) - off };
	const struct rimg_source *base = NULL;
	uint64_t stored_len;

	while (src != scope) {
		base = source_map(src, off, &s.piece);
		if (!base)
			return s;
		s.len = num_min(s.len, s.piece.off + s.piece.len - off);
		if (!s.piece.plain)
			break;
		if (s.piece.kind == PIECE_BLOCK)
			memcpy(s.check, s.piece.tag, sizeof(s.check));
		off = s.piece.base_off;
		src = base;
	}
	if (src == scope) {
		s.kind = SPOT_SCOPE;
		s.off = off;
	} else if (s.piece.kind == PIECE_ZERO) {
		s.kind = SPOT_ZERO;
	} else if (s.piece.kind == PIECE_BAD) {
		s.kind = SPOT_BAD;
	} else if (s.piece.kind == PIECE_BLOCK &&
		   plain_at(base, s.piece.base_off, scope, &s.off, &stored_len) &&
		   stored_len >= s.piece.base_len) {
		s.kind = SPOT_PACKED;
		s.skip = off - s.piece.off;
	}
	return s;
}

/* Where a content lies on both sides, from some offset on. */
struct spots {
	struct spot a, b;
	uint64_t len; /* for how many bytes */
};

static struct spots locate_both(const struct pair *p, uint64_t off, uint64_t end)
{
	const struct rimg_source *sa = p->scope ? p->scope->a : NULL;
	const struct rimg_source *sb = p->scope ? p->scope->b : NULL;
	struct spots s = { .a = locate(p->a->content, off, sa),
			   .b = locate(p->b->content, off, sb) };

	s.len = num_min(end - off, num_min(s.a.len, s.b.len));
	return s;
}

static bool same_place(const struct spots *s)
{
	if (s->a.kind == s->b.kind && (s->a.kind == SPOT_ZERO || s->a.kind == SPOT_BAD))
		return true;
	return s->a.kind == SPOT_SCOPE && s->b.kind == SPOT_SCOPE && s->a.off == s->b.off;
}

/* Was [off, off + len) of the scope compared, and found equal? */
static bool is_clear(const struct scope *scope, uint64_t off, uint64_t len)
{
	return num_in_range(off, len, scope->map->size) && !blockmap_any(scope->map, off, len);
}

/* Are the bytes known to be equal, without reading them? */
static bool known_equal(const struct pair *p, const struct spots *s)
{
	const struct source_piece *pa = &s->a.piece, *pb = &s->b.piece;

	if (s->a.kind != s->b.kind || s->a.kind == SPOT_ELSEWHERE || s->a.kind == SPOT_BAD)
		return false;
	if (s->a.kind == SPOT_ZERO)
		return true;
	if (s->a.off != s->b.off)
		return false;
	/* the same bytes, of which the same is expected */
	if (s->a.kind == SPOT_SCOPE)
		return memcmp(s->a.check, s->b.check, sizeof(s->a.check)) == 0 &&
		       is_clear(p->scope, s->a.off, s->len);
	/* the same stored bytes, to be unpacked in the same way */
	return s->a.skip == s->b.skip && pa->len == pb->len && pa->base_len == pb->base_len &&
	       pa->tag[0] == pb->tag[0] && pa->tag[1] == pb->tag[1] &&
	       p->a->layer->format == p->b->layer->format &&
	       is_clear(p->scope, s->a.off, pa->base_len);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static bool is_in_place(const struct pair *p, uint64_t len)
{
	for (uint64_t off = 0; off < len;) {
		struct spots s = locate_both(p, off, len);

		if (!same_place(&s))
			return false;
		off += s.len;
	}
	return p->scope != NULL;
}

/* Compare [off, off + len) by reading. */
static int compare_run_of(struct rimg_diff *d, struct pair *p, uint64_t off, uint64_t len,
			  struct blockmap *map, bool *differs, struct rimg_error *err)
{
	struct compare c = { .a = p->a->content,
			     .b = p->b->content,
			     .off = off,
			     .len = len,
			     .map = map,
			     .scratch = d->scratch,
			     .tolerant = true };
	int rc;

	if (len > d->budget)
		return error_set(
			err, RIMG_E_LIMIT, p->a->image->name,
			"comparing the contents of its files takes more than %" PRIu64
			" times the size of the images; one is built to waste time" LIMIT_MORE(
				"read-extra"),
			d->ctx->limits.read_factor);
	d->budget -= len;
	rc = compare_run(&c, err);
	*differs |= c.differs;
	p->damaged |= c.damaged;
	return rc;
}

/* A part that neither side can be read in is neither equal nor different. */
static void note_unknown(struct rimg_diff *d, const struct pair *p)
{
	d->tree_differs |= p->tree;
	d->summary.unread += !d->summary.has_bytes;
}

/* Compare those parts of [0, len) of which it is not known already. */
static int compare_rest(struct rimg_diff *d, struct pair *p, uint64_t len, struct blockmap *map,
			bool *ret_differs, struct rimg_error *err)
{
	uint64_t start = 0, off = 0;

	*ret_differs = false;
	while (off < len) {
		struct spots s = locate_both(p, off, len);
		bool bad_a = s.a.kind == SPOT_BAD, bad_b = s.b.kind == SPOT_BAD;
		bool known = bad_a || bad_b || known_equal(p, &s);
		uint64_t end = known ? off : off + s.len;
		int rc = 0;

		p->packed |= s.a.kind == SPOT_PACKED || s.b.kind == SPOT_PACKED;
		p->repacked |= (s.a.kind == SPOT_PACKED && s.b.kind == SPOT_SCOPE) ||
			       (s.a.kind == SPOT_SCOPE && s.b.kind == SPOT_PACKED);
		/* what was gathered before a part that is known, or at the end */
		if (end > start && (known || end == len))
			rc = compare_run_of(d, p, start, end - start, map, ret_differs, err);
		if (rc < 0)
			return rc;
		if (bad_a && bad_b)
			note_unknown(d, p);
		else if (bad_a || bad_b)
			*ret_differs = true;
		if (bad_a != bad_b && map)
			blockmap_set(map, off, s.len);
		if (*ret_differs && !map)
			return 0;
		off += s.len;
		if (known)
			start = off;
	}
	return 0;
}

uint64_t content_bad_len(const struct rimg_source *src, uint64_t off)
{
	struct spot s = locate(src, off, NULL);

	return s.kind == SPOT_BAD ? s.len : 0;
}

static void free_blocks(struct pair *p)
{
	blockmap_done(p->blocks);
	p->blocks = NULL;
}

static int map_blocks(struct rimg_diff *d, struct pair *p, uint64_t len, struct rimg_error *err)
{
	bool differs = false;
	int rc;

	p->blocks = arena_alloc(&d->arena, sizeof(*p->blocks));
	if (!p->blocks)
		return error_nomem(err);
	rc = blockmap_init(p->blocks, len, err);
	if (rc == 0)
		rc = compare_rest(d, p, len, p->blocks, &differs, err);
	if (rc < 0)
		return rc;
	if (differs)
		p->content = CONTENT_DIFFERENT;
	else if (p->content != CONTENT_DIFFERENT)
		free_blocks(p);
	return 0;
}

int content_compare(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	uint64_t len_a, len_b, len;
	bool differs;
	int rc;

	if (!p->a->content && !p->b->content)
		return 0;
	p->content = CONTENT_DIFFERENT;
	if (!p->a->content || !p->b->content)
		return 0;
	len_a = rimg_source_size(p->a->content);
	len_b = rimg_source_size(p->b->content);
	len = num_min(len_a, len_b);
	if (len_a == len_b)
		p->content = CONTENT_EQUAL;
	p->in_place = is_in_place(p, len);
	if (!p->in_place)
		return map_blocks(d, p, len, err);
	if (p->content == CONTENT_DIFFERENT)
		return 0;
	rc = compare_rest(d, p, len, NULL, &differs, err);
	if (rc == 0 && differs)
		p->content = CONTENT_DIFFERENT;
	return rc;
}

/* ---- attributes that are bytes -------------------------------------------------------------- */

/* One long run. */
static int run_equal(struct rimg_diff *d, const struct pair *p, uint64_t off_a, uint64_t off_b,
		     uint64_t len, bool *ret_equal, struct rimg_error *err)
{
	struct compare c = { .scratch = d->scratch, .tolerant = true };
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	c.a = source_slice(&arena, p->a->layer->src, off_a, len);
	c.b = source_slice(&arena, p->b->layer->src, off_b, len);
	c.len = len;
	rc = c.a && c.b ? compare_run(&c, err) : error_nomem(err);
	*ret_equal = rc == 0 && !c.differs;
	arena_done(&arena);
	return rc;
}

/* @n short runs that lie near one another: read with what is between them. */
static int runs_equal(struct rimg_diff *d, const struct pair *p, const struct place *pa,
		      const struct place *pb, uint64_t off_a, uint64_t off_b, uint32_t n,
		      bool *ret_equal, struct rimg_error *err)
{
	size_t len_a = (size_t)(n - 1) * pa->stride + pa->len;
	size_t len_b = (size_t)(n - 1) * pb->stride + pb->len;
	uint8_t *buf_a, *buf_b;
	int rc;

	scratch_pair(d->scratch, &buf_a, &buf_b);
	rc = rimg_source_read(p->a->layer->src, off_a, buf_a, len_a, err);
	if (rc == 0)
		rc = rimg_source_read(p->b->layer->src, off_b, buf_b, len_b, err);
	for (uint32_t i = 0; i < n && rc == 0 && *ret_equal; i++)
		*ret_equal = memcmp(buf_a + (size_t)i * pa->stride, buf_b + (size_t)i * pb->stride,
				    pa->len) == 0;
	return rc;
}

/* Do [off_a, off_a + len) of one layer and [off_b, off_b + len) of the other lie at the same place
 * of the scope, and was that found equal? */
static bool runs_known_equal(const struct pair *p, uint64_t off_a, uint64_t off_b, uint64_t len)
{
	const struct rimg_source *sa = p->a->layer->src, *sb = p->b->layer->src;
	uint64_t at_a, at_b, len_a, len_b;

	return p->scope && plain_at(sa, off_a, p->scope->a, &at_a, &len_a) &&
	       plain_at(sb, off_b, p->scope->b, &at_b, &len_b) && at_a == at_b && len <= len_a &&
	       len <= len_b && is_clear(p->scope, at_a, len);
}

/* All of @place, from its first run to the end of the last; false: not inside the layer. */
static bool span_of(const struct rimg_layer *l, const struct place *place, uint32_t n,
		    uint64_t *ret_len)
{
	uint64_t len = n > 0 ? (uint64_t)(n - 1) * place->stride + place->len : 0;

	*ret_len = len;
	return num_in_range(place->off, len, rimg_source_size(l->src));
}

int place_compare(struct rimg_diff *d, const struct pair *p, const struct rimg_attr *a,
		  const struct rimg_attr *b, bool *ret_equal, struct rimg_error *err)
{
	const struct place *pa = &a->place, *pb = &b->place;
	uint32_t n = pa->stride && pb->stride ? pa->count : pa->count > 0;
	uint64_t span_a, span_b;
	int rc = 0;

	*ret_equal = pa->len == pb->len && pa->count == pb->count;
	if (!*ret_equal)
		return 0;
	/* what is not there is equal if the same is not there */
	if (!span_of(p->a->layer, pa, n, &span_a) || !span_of(p->b->layer, pb, n, &span_b)) {
		*ret_equal = pa->off == pb->off && pa->stride == pb->stride;
		return 0;
	}
	if (pa->stride == pb->stride && runs_known_equal(p, pa->off, pb->off, span_a))
		return 0;
	if (pa->len > STEP_LEN / 2) {
		for (uint32_t i = 0; i < n && *ret_equal && rc == 0; i++)
			rc = run_equal(d, p, pa->off + (uint64_t)i * pa->stride,
				       pb->off + (uint64_t)i * pb->stride, pa->len, ret_equal, err);
		return rc;
	}
	for (uint32_t i = 0, now; i < n && *ret_equal && rc == 0; i += now) {
		/* as many as fit into the buffers */
		uint64_t fit = (STEP_LEN - pa->len) / num_max(1, num_max(pa->stride, pb->stride));

		now = (uint32_t)num_min(fit + 1, n - i);
		rc = runs_equal(d, p, pa, pb, pa->off + (uint64_t)i * pa->stride,
				pb->off + (uint64_t)i * pb->stride, now, ret_equal, err);
	}
	if (rc == -RIMG_E_BAD) {
		*ret_equal = false;
		return 0;
	}
	return rc;
}
