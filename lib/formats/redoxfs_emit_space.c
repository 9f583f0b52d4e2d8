/* SPDX-License-Identifier: MIT */

/* Free space of a volume being written: runs of 2^n blocks, aligned to their size, of which the
 * lowest that is large enough is taken first. Small pieces thus fill the holes that aligned records
 * leave. Facts: docs/formats/redoxfs.md, "Alloc log". */

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/wr.h"
#include "formats/redoxfs_emit.h"

/* ---- heaps -------------------------------------------------------------------------------- */

static int heap_push(struct space_level *h, uint64_t index)
{
	uint64_t *heap = vec_grow(h->heap, &h->cap, h->n, sizeof(*heap));
	size_t i = h->n;

	if (!heap)
		return -RIMG_E_NOMEM;
	h->heap = heap;
	h->n++;
	for (; i > 0 && heap[(i - 1) / 2] > index; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = index;
	return 0;
}

static uint64_t heap_pop(struct space_level *h)
{
	uint64_t top = h->heap[0], last = h->heap[--h->n];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
		if (child + 1 < h->n && h->heap[child + 1] < h->heap[child])
			child++;
		if (h->heap[child] >= last)
			break;
		h->heap[i] = h->heap[child];
	}
	if (h->n > 0)
		h->heap[i] = last;
	return top;
}

/* ---- taking ------------------------------------------------------------------------------- */

int space_init(struct space *sp, uint64_t first, uint64_t n_blocks)
{
	uint64_t at = first, limit = UINT64_C(1) << (SPACE_LEVELS - 1);

	*sp = (struct space){ .n_blocks = n_blocks, .end = first };
	while (at < limit) {
		unsigned level = at == 0 ? SPACE_LEVELS - 1 : (unsigned)__builtin_ctzll(at);

		if (heap_push(&sp->levels[level], at) < 0)
			return -RIMG_E_NOMEM;
		at += UINT64_C(1) << level;
	}
	return 0;
}

void space_done(struct space *sp)
{
	for (unsigned i = 0; i < SPACE_LEVELS; i++)
		free(sp->levels[i].heap);
	*sp = (struct space){ 0 };
}

int space_take(struct space *sp, unsigned level, uint64_t *ret_index)
{
	unsigned best = SPACE_LEVELS;
	uint64_t index;

	for (unsigned i = level; i < SPACE_LEVELS; i++)
		if (sp->levels[i].n > 0 &&
		    (best == SPACE_LEVELS || sp->levels[i].heap[0] < sp->levels[best].heap[0]))
			best = i;
	if (best == SPACE_LEVELS) /* 2^55 blocks in use: no volume is that large */
		return -RIMG_E_NOMEM;
	index = heap_pop(&sp->levels[best]);
	while (best > level) {
		best--;
		if (heap_push(&sp->levels[best], index + (UINT64_C(1) << best)) < 0)
			return -RIMG_E_NOMEM;
	}
	sp->end = num_max(sp->end, index + (UINT64_C(1) << level));
	*ret_index = index;
	return 0;
}

/* ---- what is left ------------------------------------------------------------------------- */

static int compare_runs(const void *pa, const void *pb)
{
	const struct space_run *a = pa, *b = pb;

	return (a->index > b->index) - (a->index < b->index);
}

static size_t collect_runs(const struct space *sp, struct space_run *runs)
{
	size_t n = 0;

	for (unsigned level = 0; level < SPACE_LEVELS; level++)
		for (size_t i = 0; i < sp->levels[level].n; i++) {
			uint64_t index = sp->levels[level].heap[i];

			if (index < sp->n_blocks)
				runs[n++] = (struct space_run){
					.index = index,
					.count =
						num_min(UINT64_C(1) << level, sp->n_blocks - index),
				};
		}
	return n;
}

struct space_run *space_runs(const struct space *sp, size_t *ret_n)
{
	struct space_run *runs;
	size_t n = 1, joined = 0;

	for (unsigned level = 0; level < SPACE_LEVELS; level++)
		n += sp->levels[level].n;
	runs = calloc(n, sizeof(*runs));
	if (!runs)
		return NULL;
	n = collect_runs(sp, runs);
	qsort(runs, n, sizeof(*runs), compare_runs);
	for (size_t i = 0; i < n; i++) {
		struct space_run *last = joined > 0 ? &runs[joined - 1] : NULL;

		if (last && last->index + last->count == runs[i].index)
			last->count += runs[i].count;
		else
			runs[joined++] = runs[i];
	}
	*ret_n = joined;
	return runs;
}

/* Take blocks for the log until they hold what is free once they are taken. */
static struct space_run *settle_log(struct space *sp, uint64_t **blocks, size_t *n_blocks,
				    size_t *n_runs)
{
	size_t cap = 0;

	for (;;) {
		struct space_run *runs = space_runs(sp, n_runs);
		size_t need =
			*n_runs / REDOXFS_ALLOC_ENTRIES + (*n_runs % REDOXFS_ALLOC_ENTRIES != 0);
		uint64_t *grown;

		if (!runs || (*n_blocks > 0 && *n_blocks >= need))
			return runs;
		free(runs);
		grown = vec_grow(*blocks, &cap, *n_blocks, sizeof(*grown));
		if (!grown)
			return NULL;
		*blocks = grown;
		if (space_take(sp, 0, &grown[*n_blocks]) < 0)
			return NULL;
		(*n_blocks)++;
	}
}

int emission_alloc_log(struct emission *e, struct redoxfs_ptr *ret, struct rimg_error *err)
{
	auto_free uint64_t *blocks = NULL;
	size_t n_blocks = 0, n_runs = 0, done = 0;
	auto_free struct space_run *runs = settle_log(&e->space, &blocks, &n_blocks, &n_runs);

	*ret = (struct redoxfs_ptr){ 0 };
	if (!runs)
		return error_nomem(err);
	/* each block points to the older one, so the oldest, with the lowest runs, goes first */
	for (size_t i = 0; i < n_blocks; i++) {
		uint8_t block[REDOXFS_BLOCK] = { 0 };
		struct wr w = wr_init(block, sizeof(block));
		int rc;

		wr_ptr(&w, ret);
		for (unsigned k = 0; k < REDOXFS_ALLOC_ENTRIES && done < n_runs; k++, done++) {
			wr_le64(&w, runs[done].index);
			wr_le64(&w, runs[done].count);
		}
		rc = emission_put(e, blocks[i], block, ret, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
