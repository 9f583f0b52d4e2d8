/* SPDX-License-Identifier: MIT */
#include <rimg/diff.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
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

		for (struct rimg_node *n = p->a; n; n = diff_node_next(n, p->a))
			n->mark = NULL;
		for (struct rimg_node *n = p->b; n; n = diff_node_next(n, p->b))
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
			  "comparing the trees needs more than the limit of %" PRIu64 " bytes",
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

/* ---- showing -------------------------------------------------------------------------------- */

const char *rimg_diff_kind_name(enum rimg_diff_kind kind)
{
	static const char *const names[] = {
		[RIMG_DIFF_CHANGED] = "changed",
		[RIMG_DIFF_ADDED] = "added",
		[RIMG_DIFF_REMOVED] = "removed",
		[RIMG_DIFF_MOVED] = "moved",
	};

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "unknown";
}

/* The texts of the difference that is being shown. */
struct shown {
	struct str path, a, b;
};

static void shown_done(struct shown *s)
{
	str_done(&s->path);
	str_done(&s->a);
	str_done(&s->b);
}

/* The steps from @root, one of the artifacts compared, to @n. */
static void add_path(struct str *s, const struct rimg_node *root, const struct rimg_node *n)
{
	auto_str struct str above = { 0 }, whole = { 0 };
	size_t skip;

	node_add_address(&above, root);
	node_add_address(&whole, n);
	s->failed |= above.failed || whole.failed;
	/* a hard link may lead to what is not below */
	if (above.len > whole.len || memcmp(str_cstr(&above), str_cstr(&whole), above.len) != 0) {
		str_add(s, str_cstr(&whole));
		return;
	}
	if (above.len == whole.len)
		return;
	/* what is inside of a content is joined to it by "::"; paths below a directory, also below
	 * "/", begin with "/" */
	skip = above.len;
	if (skip > 0 && root->content)
		skip += 2;
	else if (skip > 0 && above.data[skip - 1] == '/')
		skip--;
	str_add(s, str_cstr(&whole) + skip);
}

/* A content is told by its size, when that says something. */
static bool add_content(struct str *s, const struct pair *p, const struct rimg_node *n)
{
	const struct rimg_source *a = p->a ? p->a->content : NULL;
	const struct rimg_source *b = p->b ? p->b->content : NULL;

	if (a && b && rimg_source_size(a) == rimg_source_size(b))
		return false;
	if (!n->content && !n->unread && p->half_read)
		str_add(s, "readable");
	else if (n->content)
		str_printf(s, "%" PRIu64 " bytes", rimg_source_size(n->content));
	else
		str_add(s, n->unread ? "unreadable" : "none");
	return true;
}

/* Bytes of an attribute may differ though its value does not; then that is not worth showing. */
static bool has_value(const struct difference *x, const struct rimg_attr *attr)
{
	if (!attr || attr->type == ATTR_RAW)
		return false;
	return !x->attr_a || !x->attr_b || !attr_equal(x->attr_a, x->attr_b);
}

/* What one side is; false: nothing to be shown. */
static bool add_value(const struct rimg_diff *d, struct str *s, const struct difference *x,
		      bool side_a)
{
	const struct rimg_node *n = side_a ? x->pair->a : x->pair->b;
	const struct rimg_node *root = side_a ? d->root->a : d->root->b;
	const struct rimg_node *first = side_a ? x->first_a : x->first_b;
	const struct rimg_attr *attr = side_a ? x->attr_a : x->attr_b;

	if (!n)
		return false;
	switch (x->type) {
	case DIFFERS_PRESENCE:
		if (x->pair->moved)
			add_path(s, root, n);
		else
			str_add(s, rimg_role_name(n->role));
		return true;
	case DIFFERS_ROLE: str_add(s, rimg_role_name(n->role)); return true;
	case DIFFERS_NAME: str_add_escaped(s, n->name, n->name_len, STR_ESCAPE_TEXT); return true;
	case DIFFERS_LINK:
		if (n->link_to)
			add_path(s, root, n->link_to);
		return n->link_to != NULL;
	case DIFFERS_ATTR:
		if (!has_value(x, attr))
			return false;
		attr_format(s, attr);
		return true;
	case DIFFERS_ORDER:
		str_add_escaped(s, first->name, first->name_len, STR_ESCAPE_TEXT);
		return true;
	case DIFFERS_CONTENT: return add_content(s, x->pair, n);
	case DIFFERS_STORED:
	case DIFFERS_PLACE:
	case DIFFERS_CLAIM: break;
	}
	return false;
}

static const char *layer_of(const struct difference *x)
{
	const struct rimg_node *n = x->pair->a ? x->pair->a : x->pair->b;
	const char *name;

	if (n->role == RIMG_ROLE_FUNCTION)
		return "function";
	if (!n->layer || (x->type == DIFFERS_CONTENT && !x->pair->recursed))
		return "bytes";
	name = layer_format_name(n->layer);
	/* one word for all kinds of archives */
	return strcmp(name, "ar") == 0 || strcmp(name, "pkgar") == 0 ? "archive" : name;
}

static enum rimg_diff_kind kind_of(const struct difference *x)
{
	if (x->type != DIFFERS_PRESENCE)
		return RIMG_DIFF_CHANGED;
	if (x->pair->moved)
		return RIMG_DIFF_MOVED;
	return x->pair->a ? RIMG_DIFF_REMOVED : RIMG_DIFF_ADDED;
}

static const char *text_of(struct str *s, bool shown)
{
	return shown ? str_cstr(s) : NULL;
}

static int show(const struct rimg_diff *d, const struct difference *x, bool *ret_go_on,
		bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg)
{
	const struct pair *p = x->pair;
	auto_with(shown_done) struct shown s = { 0 };
	bool has_a = add_value(d, &s.a, x, true), has_b = add_value(d, &s.b, x, false);
	struct rimg_difference view = {
		.layer = layer_of(x),
		.kind = kind_of(x),
		.field = x->field,
		.cause = x->cause,
		.bytes = x->bytes,
		.ranges = x->ranges,
		.n_ranges = x->n_ranges,
		.coarse = x->coarse,
		.node_a = p->a,
		.node_b = p->b,
	};

	add_path(&s.path, p->a ? d->root->a : d->root->b, p->a ? p->a : p->b);
	if (s.path.failed || s.a.failed || s.b.failed)
		return -RIMG_E_NOMEM;
	view.path = str_cstr(&s.path);
	view.a = text_of(&s.a, has_a);
	view.b = text_of(&s.b, has_b);
	*ret_go_on = fn(arg, &view);
	return 0;
}

int rimg_diff_each(const struct rimg_diff *d, uint32_t causes,
		   bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg)
{
	bool go_on = true;
	int rc = 0;

	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		for (struct difference *x = p->first; x && !p->hidden; x = x->next) {
			if (!(causes & UINT32_C(1) << x->cause))
				continue;
			rc = show(d, x, &go_on, fn, arg);
			if (rc < 0 || !go_on)
				return rc;
		}
	}
	return 0;
}
