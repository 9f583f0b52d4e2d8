/* SPDX-License-Identifier: MIT */
#include "formats/spans.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/num.h"

void spans_done(struct spans *s)
{
	free(s->span);
	*s = (struct spans){ 0 };
}

int spans_add(struct spans *s, const struct span *span)
{
	struct span *grown;

	if (span->len == 0)
		return 0;
	grown = vec_grow(s->span, &s->cap, s->n, sizeof(*grown));
	if (!grown)
		return -RIMG_E_NOMEM;
	s->span = grown;
	s->span[s->n++] = *span;
	return 0;
}

/* ---- a heap of spans: the one that wins a byte on top -------------------------------------- */

struct heap {
	const struct span **at;
	size_t n;
};

/* Spans stay in their array, so that the address tells which was added first. */
static bool wins(const struct span *a, const struct span *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a < b;
}

static void heap_push(struct heap *h, const struct span *s)
{
	size_t i = h->n++;

	for (; i > 0 && wins(s, h->at[(i - 1) / 2]); i = (i - 1) / 2)
		h->at[i] = h->at[(i - 1) / 2];
	h->at[i] = s;
}

static void heap_pop(struct heap *h)
{
	const struct span *s = h->at[--h->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && wins(h->at[child + 1], h->at[child]))
			child++;
		if (!wins(h->at[child], s))
			break;
		h->at[i] = h->at[child];
		i = child;
	}
	if (h->n > 0)
		h->at[i] = s;
}

/* ---- the sweep ---------------------------------------------------------------------------- */

static int compare_starts(const void *pa, const void *pb)
{
	const struct span *a = *(const struct span *const *)pa;
	const struct span *b = *(const struct span *const *)pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a > b) - (a < b);
}

static const struct span **by_start(const struct spans *s)
{
	const struct span **order = calloc(s->n + 1, sizeof(*order));

	if (!order)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		order[i] = &s->span[i];
	qsort(order, s->n, sizeof(*order), compare_starts);
	return order;
}

/* The run that has been given to one span so far and may still grow. */
struct run {
	const struct span *owner;
	uint64_t off, end;
};

static int flush(struct run *run, spans_emit emit, void *arg)
{
	struct span piece;

	if (!run->owner)
		return 0;
	piece = *run->owner;
	piece.off = run->off;
	piece.len = run->end - run->off;
	if (piece.content_off != NO_CONTENT)
		piece.content_off += run->off - run->owner->off;
	return emit(arg, &piece);
}

static int extend(struct run *run, const struct span *owner, uint64_t off, uint64_t end,
		  spans_emit emit, void *arg)
{
	int rc = 0;

	if (run->owner == owner && run->end == off) {
		run->end = end;
		return 0;
	}
	rc = flush(run, emit, arg);
	*run = (struct run){ .owner = owner, .off = off, .end = end };
	return rc;
}

int spans_resolve(struct spans *s, spans_emit emit, void *arg)
{
	auto_free const struct span **order = by_start(s);
	auto_free const struct span **slots = calloc(s->n + 1, sizeof(*slots));
	struct heap h = { .at = slots };
	struct run run = { 0 };
	uint64_t pos = 0;
	size_t i = 0;

	if (!order || !slots)
		return -RIMG_E_NOMEM;
	while (i < s->n || h.n > 0) {
		uint64_t end;
		int rc;

		if (h.n == 0)
			pos = num_max(pos, order[i]->off);
		for (; i < s->n && order[i]->off <= pos; i++)
			heap_push(&h, order[i]);
		while (h.n > 0 && h.at[0]->off + h.at[0]->len <= pos)
			heap_pop(&h);
		if (h.n == 0)
			continue;
		end = h.at[0]->off + h.at[0]->len;
		if (i < s->n)
			end = num_min(end, order[i]->off);
		rc = extend(&run, h.at[0], pos, end, emit, arg);
		if (rc < 0)
			return rc;
		pos = end;
	}
	return flush(&run, emit, arg);
}

int spans_claim(struct rimg_layer *l, const struct span *piece)
{
	if (piece->content_off != NO_CONTENT) {
		piece->node->opened = piece->len != rimg_source_size(piece->node->content);
		return layer_claim_content(l, piece->node, piece->off, piece->len,
					   piece->content_off);
	}
	return layer_claim(l, piece->node, piece->off, piece->len, piece->what, piece->cause);
}
