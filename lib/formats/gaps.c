/* SPDX-License-Identifier: MIT */
#include "formats/gaps.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/num.h"

#define CHUNK ((size_t)8 << 10)

static int compare_runs(const void *pa, const void *pb)
{
	const struct gap_run *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

/* The claims made so far, sorted, and behind them an empty one at the end of the layer. */
static struct gap_run *sorted_claims(const struct rimg_layer *l)
{
	struct gap_run *runs = calloc(l->n_claims + 1, sizeof(*runs));

	if (!runs)
		return NULL;
	for (size_t i = 0; i < l->n_claims; i++)
		runs[i] = (struct gap_run){ .off = l->claims[i].off, .len = l->claims[i].len };
	qsort(runs, l->n_claims, sizeof(*runs), compare_runs);
	runs[l->n_claims] = (struct gap_run){ .off = rimg_source_size(l->src) };
	return runs;
}

int gaps_list(const struct rimg_layer *l, struct gap_run **ret, size_t *ret_n)
{
	auto_free struct gap_run *runs = sorted_claims(l);
	uint64_t end = 0;
	size_t n = 0;

	if (!runs)
		return -RIMG_E_NOMEM;
	/* in place: up to run i at most i + 1 gaps have been found, and run i is read before */
	for (size_t i = 0; i <= l->n_claims; i++) {
		struct gap_run run = runs[i];

		if (run.off > end)
			runs[n++] = (struct gap_run){ .off = end, .len = run.off - end };
		end = num_max(end, run.off + run.len);
	}
	*ret = take_ptr(runs);
	*ret_n = n;
	return 0;
}

int gaps_zero(struct rimg_layer *l, uint64_t off, uint64_t len, bool *ret, struct rimg_error *err)
{
	uint8_t buf[CHUNK];
	uint64_t end = off + len;

	for (off = source_next_data(l->src, off); off < end; off = source_next_data(l->src, off)) {
		size_t n = (size_t)num_min(end - off, sizeof(buf));
		int rc = layer_read(l, off, buf, n, err);

		if (rc < 0)
			return rc;
		if (!mem_is_zero(buf, n)) {
			*ret = false;
			return 0;
		}
		off += n;
	}
	*ret = true;
	return 0;
}

int gaps_pad(struct rimg_layer *l, struct rimg_node **node, uint64_t off, uint64_t len)
{
	if (!*node) {
		*node = layer_meta(l, l->root, "padding");
		if (!*node)
			return -RIMG_E_NOMEM;
		(*node)->cause = RIMG_CAUSE_PADDING;
	}
	return layer_claim(l, *node, off, len, "padding", RIMG_CAUSE_PADDING);
}
