/* SPDX-License-Identifier: MIT */
/* Differences as the public header tells them: paths and values as text. */
#include <rimg/diff.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/pairs.h"
#include "diff/why.h"

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
	struct str path, a, b, why;
};

static void shown_done(struct shown *s)
{
	str_done(&s->path);
	str_done(&s->a);
	str_done(&s->b);
	str_done(&s->why);
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

void diff_add_path(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	const struct pair *p = x->pair;

	add_path(s, p->a ? d->root->a : d->root->b, p->a ? p->a : p->b);
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
		.index = x->index,
		.root = x->root->index,
		.n_followers = x->n_followers,
		.all_bytes = x->root == x ? x->all_bytes : x->bytes,
	};

	diff_add_path(&s.path, d, x);
	why_add(&s.why, d, x);
	if (s.path.failed || s.a.failed || s.b.failed || s.why.failed)
		return -RIMG_E_NOMEM;
	view.path = str_cstr(&s.path);
	view.a = text_of(&s.a, has_a);
	view.b = text_of(&s.b, has_b);
	view.why = str_cstr(&s.why);
	*ret_go_on = fn(arg, &view);
	return 0;
}

int rimg_diff_each(const struct rimg_diff *d, uint32_t causes,
		   bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg)
{
	bool go_on = true;
	int rc = 0;

	for (size_t i = 0; i < d->n_list && rc == 0 && go_on; i++)
		if (causes & UINT32_C(1) << d->list[i]->cause)
			rc = show(d, d->list[i], &go_on, fn, arg);
	return rc;
}

/* By the rank of the root's cause, then by root, which comes before what follows from it. */
static int compare_roots(const void *pa, const void *pb)
{
	const struct difference *a = *(struct difference *const *)pa;
	const struct difference *b = *(struct difference *const *)pb;
	unsigned rank_a = diff_rank(a->root->cause), rank_b = diff_rank(b->root->cause);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (a->root != b->root)
		return a->root->index < b->root->index ? -1 : 1;
	if ((a->root == a) != (b->root == b))
		return a->root == a ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

int rimg_diff_each_root(const struct rimg_diff *d, uint32_t causes,
			bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg)
{
	auto_free struct difference **list = calloc(d->n_list + 1, sizeof(*list));
	bool go_on = true;
	int rc = 0;

	if (!list)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < d->n_list; i++)
		list[i] = d->list[i];
	qsort(list, d->n_list, sizeof(struct difference *), compare_roots);
	for (size_t i = 0; i < d->n_list && rc == 0 && go_on; i++)
		if (causes & UINT32_C(1) << list[i]->cause)
			rc = show(d, list[i], &go_on, fn, arg);
	return rc;
}
