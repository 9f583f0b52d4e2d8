/* SPDX-License-Identifier: MIT */
#include "core/owner.h"

#include <stdlib.h>

#include "core/num.h"

/* The claim that holds @off; an open layer's claims cover it without gaps or overlaps. */
static const struct claim *claim_at(const struct rimg_layer *l, uint64_t off)
{
	size_t lo = 0, hi = l->n_claims;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->claims[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return &l->claims[lo];
}

/* Is @off in one of the runs of the place? *ret_len: how far that stays so. */
static bool place_holds(const struct place *p, uint64_t off, uint64_t *ret_len)
{
	uint64_t index, in_run;

	if (p->len == 0 || p->count == 0)
		return *ret_len = UINT64_MAX, false;
	if (off < p->off)
		return *ret_len = p->off - off, false;
	index = p->stride ? (off - p->off) / p->stride : 0;
	if (index >= p->count)
		return *ret_len = UINT64_MAX, false;
	in_run = off - p->off - index * p->stride;
	if (in_run < p->len)
		return *ret_len = p->len - in_run, true;
	/* between two runs, or behind the last one */
	if (index + 1 >= p->count)
		return *ret_len = UINT64_MAX, false;
	return *ret_len = p->stride - in_run, false;
}

/* ---- many attributes ------------------------------------------------------------------------ */

#define FEW_ATTRS 16 /* that are looked at one by one */

/**
 * struct place_span - where one attribute lies, from its first byte to its last
 * @reach: the largest end of this and all spans before it
 * @order: position among the node's attributes: of several the first owns
 */
struct place_span {
	uint64_t off;
	uint64_t reach;
	const struct rimg_attr *attr;
	size_t order;
};

/** struct place_index - spans by offset */
struct place_index {
	size_t n;
	struct place_span spans[];
};

static uint64_t place_end(const struct place *p)
{
	uint64_t len = (uint64_t)(p->count - 1) * p->stride + p->len;

	return len > UINT64_MAX - p->off ? UINT64_MAX : p->off + len;
}

static int compare_spans(const void *pa, const void *pb)
{
	const struct place_span *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

int owner_index(struct rimg_node *node)
{
	struct place_index *index;
	size_t n = 0, order = 0;
	uint64_t reach = 0;

	rimg_for_each_attr(a, node)
		n += a->place.len > 0 && a->place.count > 0;
	if (n <= FEW_ATTRS)
		return 0;
	index = arena_alloc(&node->layer->arena, sizeof(*index) + n * sizeof(index->spans[0]));
	if (!index)
		return -RIMG_E_NOMEM;
	rimg_for_each_attr(a, node) {
		if (a->place.len > 0 && a->place.count > 0)
			index->spans[index->n++] = (struct place_span){ .off = a->place.off,
									.attr = a,
									.order = order };
		order++;
	}
	qsort(index->spans, n, sizeof(index->spans[0]), compare_spans);
	for (size_t i = 0; i < n; i++) {
		reach = num_max(reach, place_end(&index->spans[i].attr->place));
		index->spans[i].reach = reach;
	}
	node->places = index;
	return 0;
}

/* How many spans begin at @off or before it? */
static size_t spans_before(const struct place_index *index, uint64_t off)
{
	size_t lo = 0, hi = index->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (index->spans[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct rimg_attr *indexed_attr_at(const struct place_index *index, uint64_t off,
					       uint64_t *len)
{
	const struct place_span *best = NULL;
	size_t i = spans_before(index, off);

	if (i < index->n)
		*len = num_min(*len, index->spans[i].off - off);
	while (i > 0 && index->spans[i - 1].reach > off) {
		const struct place_span *span = &index->spans[--i];
		uint64_t until;
		bool holds = place_holds(&span->attr->place, off, &until);

		*len = num_min(*len, until);
		if (holds && (!best || span->order < best->order))
			best = span;
	}
	return best ? best->attr : NULL;
}

/* The attribute of @node that lies at @off; shortens *len to where that may change. */
static const struct rimg_attr *attr_at(const struct rimg_node *node, uint64_t off, uint64_t *len)
{
	if (node->places)
		return indexed_attr_at(node->places, off, len);
	rimg_for_each_attr(a, node) {
		uint64_t until;
		bool holds = place_holds(&a->place, off, &until);

		*len = num_min(*len, until);
		if (holds)
			return a;
	}
	return NULL;
}

/* ---- owners --------------------------------------------------------------------------------- */

/* May the owner of a byte of the content of @node be sought inside? */
static bool is_open(const struct rimg_node *node, bool (*descend)(const struct rimg_node *node))
{
	return node->nested && !node->nested->unreadable && (!descend || descend(node));
}

struct owner owner_at(struct rimg_node *node, uint64_t off,
		      bool (*descend)(const struct rimg_node *node))
{
	struct owner o = { .node = node, .len = rimg_source_size(node->content) - off };
	bool inside = is_open(node, descend);

	while (inside) {
		const struct rimg_layer *l = o.node->nested;
		const struct claim *c = claim_at(l, off);
		uint64_t content_off = c->content_off + (off - c->off);

		o.claim = c;
		o.node = c->node;
		o.off = off;
		o.len = num_min(o.len, c->len - (off - c->off));
		inside = c->content_off != NO_CONTENT && c->node->content &&
			 content_off < rimg_source_size(c->node->content) &&
			 is_open(c->node, descend);
		if (!inside && !l->opaque_places)
			o.attr = attr_at(c->node, off, &o.len);
		off = content_off;
	}
	return o;
}
