/* SPDX-License-Identifier: MIT */
#include <rimg/diff.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "diff/pairs.h"

static const struct rimg_diff_options no_options;

/* ---- running -------------------------------------------------------------------------------- */

void rimg_diff_free(struct rimg_diff *d)
{
	if (!d)
		return;
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		for (struct difference *x = p->first; x; x = x->next)
			free(x->ranges);
		if (p->blocks)
			blockmap_done(p->blocks);
	}
	blockmap_done(&d->map);
	scratch_free(d->scratch);
	free(d->stack.items);
	free(d->links.items);
	free(d->unmatched.items);
	free(d->attrs.slots);
	free(d->list);
	arena_done(&d->arena);
	free(d);
}

static void cleanup_diff(struct rimg_diff **d)
{
	rimg_diff_free(*d);
}

/* Leave the trees as they were. */
static void clear_marks(const struct rimg_diff *d)
{
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		if (p->a)
			p->a->mark = NULL;
		if (p->b)
			p->b->mark = NULL;
	}
	for (size_t i = 0; i < d->unmatched.n; i++) {
		const struct pair *p = d->unmatched.items[i];

		for (struct rimg_node *n = p->a; n; n = node_after(n, p->a))
			n->mark = NULL;
		for (struct rimg_node *n = p->b; n; n = node_after(n, p->b))
			n->mark = NULL;
	}
}

/* How much of contents may be compared: images can say that many files lie in the same bytes. */
static uint64_t budget_of(const struct rimg_limits *limits, const struct rimg_node *a,
			  const struct rimg_node *b)
{
	uint64_t sum, budget;

	if (!num_add(rimg_source_size(a->image->src), rimg_source_size(b->image->src), &sum) ||
	    !num_mul(sum, limits->read_factor, &budget) ||
	    !num_add(budget, limits->read_extra, &budget))
		return UINT64_MAX;
	return budget;
}

static struct rimg_diff *diff_new(struct rimg_node *a, struct rimg_node *b,
				  const struct rimg_diff_options *options)
{
	auto_with(cleanup_diff) struct rimg_diff *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = a->image->ctx;
	d->options = options ? options : &no_options;
	arena_init(&d->arena, d->ctx->limits.arena_bytes);
	d->scratch = scratch_new(d->ctx->threads);
	d->root = d->scratch ? pair_add(d, NULL, a, b) : NULL;
	if (!d->root)
		return NULL;
	d->root->tree = true;
	d->budget = budget_of(&d->ctx->limits, a, b);
	d->summary.has_bytes = a->content && b->content;
	if (a->content)
		d->summary.a_size = rimg_source_size(a->content);
	if (b->content)
		d->summary.b_size = rimg_source_size(b->content);
	return take_ptr(d);
}

/* The bytes of the artifacts. Sets *ret when they are the same. */
static int compare_bytes(struct rimg_diff *d, bool *ret, struct rimg_error *err)
{
	struct rimg_diff_summary *sum = &d->summary;
	struct compare c = {
		.a = d->root->a->content,
		.b = d->root->b->content,
		.len = num_min(sum->a_size, sum->b_size),
		.map = &d->map,
		.scratch = d->scratch,
		.progress = d->options->progress,
		.progress_arg = d->options->progress_arg,
	};
	int rc = blockmap_init(&d->map, c.len, err);

	if (rc == 0)
		rc = compare_run(&c, err);
	if (rc < 0)
		return rc;
	sum->compared = num_max(sum->a_size, sum->b_size);
	*ret = !c.differs && sum->a_size == sum->b_size;
	return 0;
}

static int compare_inside(struct rimg_diff *d, struct rimg_error *err)
{
	struct pair *root = d->root;
	int rc;

	if (d->summary.has_bytes) {
		root->content = CONTENT_DIFFERENT;
		root->in_place = true;
		root->scope = scope_add(d, root, &d->map, SCOPE_RANGES);
		if (!root->scope)
			return error_nomem(err);
	}
	rc = diff_walk(d, err);
	return rc < 0 ? rc : diff_account(d, err);
}

/* Nothing was found in two directories; was all of them read? */
static uint64_t count_unread(const struct rimg_diff *d)
{
	const struct rimg_layer *a = d->root->a->layer, *b = d->root->b->layer;

	return d->summary.unread + (a && a->n_errors > 0) + (b && b->n_errors > 0);
}

static int run(struct rimg_diff *d, struct rimg_error *err)
{
	struct rimg_diff_summary *sum = &d->summary;
	bool equal = false;
	int rc = 0;

	if (sum->has_bytes)
		rc = compare_bytes(d, &equal, err);
	if (rc == 0 && !equal)
		rc = compare_inside(d, err);
	if (rc < 0)
		return rc;
	if (!sum->has_bytes)
		sum->unread = count_unread(d);
	sum->identical = equal || (!sum->has_bytes && sum->differences == 0 && sum->unread == 0);
	sum->equivalent = equal || (!d->tree_differs && sum->unread == 0);
	rc = rimg_source_verify(d->root->a->image->src, err);
	return rc < 0 ? rc : rimg_source_verify(d->root->b->image->src, err);
}

struct rimg_diff *rimg_diff_run(struct rimg_node *a, struct rimg_node *b,
				const struct rimg_diff_options *options, struct rimg_error *err)
{
	auto_with(cleanup_diff) struct rimg_diff *d = NULL;
	int rc;

	if (a->image == b->image) {
		error_set(err, RIMG_E_ARG, a->image->name,
			  "expected two images, found one opened once");
		return NULL;
	}
	if (!a->content != !b->content) {
		auto_free char *name = node_full_address(a->content ? b : a);

		error_set(err, RIMG_E_ARG, name,
			  "it has no bytes of its own, the other one has; nothing to compare");
		return NULL;
	}
	d = diff_new(a, b, options);
	if (!d) {
		error_nomem(err);
		return NULL;
	}
	rc = run(d, err);
	clear_marks(d);
	if (rc == -RIMG_E_NOMEM && d->arena.refused)
		error_set(err, RIMG_E_LIMIT, a->image->name,
			  "comparing the trees needs more than the limit of %" PRIu64
			  " bytes" LIMIT_MORE("metadata"),
			  d->ctx->limits.arena_bytes);
	if (rc < 0)
		return NULL;
	d->options = &no_options;
	return take_ptr(d);
}

const struct rimg_diff_summary *rimg_diff_get_summary(const struct rimg_diff *d)
{
	return &d->summary;
}
