/* SPDX-License-Identifier: MIT */
/* The shortest way from one list to another, after E. W. Myers, "An O(ND) Difference Algorithm and
 * Its Variations", 1986: furthest reaching paths on diagonals k = x - y for 0, 1, 2, ... edits.
 * The paths of all steps are kept, so the way back is read off from them. */
#include "diff/edits.h"

#include <rimg/error.h>

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/num.h"

/** struct search - between the equal beginnings and ends; @reach: of step d at [d * d + d + k] */
struct search {
	const uint64_t *a, *b;
	int64_t n_a, n_b;
	int32_t *reach;
	size_t cap;
	int64_t n_steps;
};

void edits_done(struct edits *e)
{
	free(e->items);
	*e = (struct edits){ 0 };
}

/* Where diagonal @k is after @d steps; the diagonals of a step are -d, -d + 2, ... d. */
static int32_t *reach_of(const struct search *s, int64_t d, int64_t k)
{
	return &s->reach[d * (d + 1) / 2 + (k + d) / 2];
}

static bool make_room(struct search *s, int64_t d)
{
	size_t want = (size_t)((d + 1) * (d + 2) / 2);
	int32_t *grown;

	if (want <= s->cap)
		return true;
	s->cap = num_max(2 * s->cap, num_max(want, 1024));
	grown = realloc(s->reach, s->cap * sizeof(*grown));
	if (grown)
		s->reach = grown;
	return grown != NULL;
}

/* Does the path of step @d on diagonal @k come from the one above (an item of B put in)? */
static bool comes_from_above(const struct search *s, int64_t d, int64_t k)
{
	return k == -d || (k != d && *reach_of(s, d - 1, k - 1) < *reach_of(s, d - 1, k + 1));
}

/* One more step on all diagonals. true: the end is reached. */
static bool step(struct search *s, int64_t d)
{
	for (int64_t k = -d; k <= d; k += 2) {
		int64_t x = 0, y;

		if (d > 0)
			x = comes_from_above(s, d, k) ? *reach_of(s, d - 1, k + 1)
						      : *reach_of(s, d - 1, k - 1) + 1;
		y = x - k;
		while (x < s->n_a && y >= 0 && y < s->n_b && s->a[x] == s->b[y]) {
			x++;
			y++;
		}
		*reach_of(s, d, k) = (int32_t)x;
		if (x >= s->n_a && y >= s->n_b)
			return true;
	}
	return false;
}

/* Found from the end to the beginning. */
static int add_edit(struct edits *e, size_t a, size_t n_a, size_t b, size_t n_b)
{
	struct edit *last = e->n > 0 ? &e->items[e->n - 1] : NULL;
	struct edit *items;

	if (last && last->a == a + n_a && last->b == b + n_b) {
		last->a = a;
		last->b = b;
		last->n_a += n_a;
		last->n_b += n_b;
		return 0;
	}
	items = vec_grow(e->items, &e->cap, e->n, sizeof(*items));
	if (!items)
		return -RIMG_E_NOMEM;
	e->items = items;
	items[e->n++] = (struct edit){ .a = a, .n_a = n_a, .b = b, .n_b = n_b };
	return 0;
}

static int walk_back(const struct search *s, size_t skip, struct edits *e)
{
	int64_t k = s->n_a - s->n_b;
	int rc = 0;

	for (int64_t d = s->n_steps; d > 0 && rc == 0; d--) {
		bool above = comes_from_above(s, d, k);
		int64_t x, y;

		k += above ? 1 : -1;
		x = *reach_of(s, d - 1, k);
		y = x - k;
		rc = add_edit(e, skip + (size_t)x, !above, skip + (size_t)y, above);
	}
	return rc;
}

static void turn_around(struct edits *e)
{
	for (size_t i = 0; i < e->n / 2; i++) {
		struct edit swap = e->items[i];

		e->items[i] = e->items[e->n - 1 - i];
		e->items[e->n - 1 - i] = swap;
	}
}

static int run(struct search *s, size_t skip, size_t max, struct edits *e)
{
	int64_t most = (int64_t)num_min(num_min(max, EDITS_MAX), (uint64_t)(s->n_a + s->n_b));

	for (s->n_steps = 0; s->n_steps <= most; s->n_steps++) {
		if (!make_room(s, s->n_steps))
			return -RIMG_E_NOMEM;
		if (step(s, s->n_steps))
			return walk_back(s, skip, e);
	}
	e->coarse = true;
	return add_edit(e, skip, (size_t)s->n_a, skip, (size_t)s->n_b);
}

int edits_find(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b, size_t max,
	       struct edits *ret)
{
	struct edits e = { 0 };
	struct search s = { 0 };
	size_t skip = 0;
	int rc = 0;

	while (skip < n_a && skip < n_b && a[skip] == b[skip])
		skip++;
	while (n_a > skip && n_b > skip && a[n_a - 1] == b[n_b - 1]) {
		n_a--;
		n_b--;
	}
	s.a = a + skip;
	s.b = b + skip;
	s.n_a = (int64_t)(n_a - skip);
	s.n_b = (int64_t)(n_b - skip);
	if (s.n_a > INT32_MAX / 2 || s.n_b > INT32_MAX / 2) {
		e.coarse = true;
		rc = add_edit(&e, skip, n_a - skip, skip, n_b - skip);
	} else if (s.n_a > 0 || s.n_b > 0) {
		rc = run(&s, skip, max, &e);
	}
	free(s.reach);
	if (rc < 0) {
		edits_done(&e);
		return rc;
	}
	turn_around(&e);
	*ret = e;
	return 0;
}
