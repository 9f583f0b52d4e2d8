/* SPDX-License-Identifier: MIT */
#include "core/owner.h"

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

/* The attribute of @node that lies at @off; shortens *len to where that changes. */
static const struct rimg_attr *attr_at(const struct rimg_node *node, uint64_t off, uint64_t *len)
{
	rimg_for_each_attr(a, node) {
		uint64_t until;
		bool holds = place_holds(&a->place, off, &until);

		*len = num_min(*len, until);
		if (holds)
			return a;
	}
	return NULL;
}

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
