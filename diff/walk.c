/* SPDX-License-Identifier: MIT */
/* The walk: pairs of nodes, beginning with the artifacts compared. What differs in a pair becomes
 * differences; contents that differ are opened, and the walk goes on inside of them. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "diff/pairs.h"

#define PROGRESS_EVERY 4096
#define ALONE_LEN      ((uint64_t)64 << 10) /* shorter contents are opened without a second thread */

/* ---- attributes ----------------------------------------------------------------------------- */

static bool is_of_tree(const char *key)
{
	return strcmp(key, "mode") == 0 || strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0;
}

static int attr_differs(struct rimg_diff *d, struct pair *p, const struct rimg_attr *a,
			const struct rimg_attr *b, struct rimg_error *err)
{
	const struct rimg_attr *either = a ? a : b;

	assert(either);
	/* where a directory is stored is no part of what it is */
	if (!p->scope &&
	    (either->cause == RIMG_CAUSE_PLACEMENT || either->cause == RIMG_CAUSE_CHECKSUM))
		return 0;
	if (p->half_read && !(p->a->unread ? a : b))
		return 0;
	if (is_of_tree(either->key))
		differs_in_tree(d, p);
	return difference_attr(d, p, a, b) ? 0 : error_nomem(err);
}

static int compare_attr(struct rimg_diff *d, struct pair *p, const struct rimg_attr *a,
			const struct rimg_attr *b, struct rimg_error *err)
{
	bool equal = attr_equal(a, b);

	/* enciphered bytes say nothing about the plain ones */
	if (equal && a->type == ATTR_RAW && !p->a->layer->opaque_places &&
	    !p->b->layer->opaque_places) {
		int rc = place_compare(d, p, a, b, &equal, err);

		if (rc < 0)
			return rc;
	}
	return equal ? 0 : attr_differs(d, p, a, b, err);
}

/* An attribute and its position, to find the one of the same key on the other side. */
struct keyed {
	const struct rimg_attr *attr;
	const struct rimg_attr *other;
	size_t index;
};

static int compare_keys(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;
	int order = strcmp(a->attr->key, b->attr->key);

	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_positions(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;

	return (a->index > b->index) - (a->index < b->index);
}

static struct keyed *list_attrs(const struct rimg_attr *first, size_t *ret_n)
{
	struct keyed *list;
	size_t n = 0;

	for (const struct rimg_attr *a = first; a; a = a->next)
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return NULL;
	n = 0;
	for (const struct rimg_attr *a = first; a; a = a->next, n++)
		list[n] = (struct keyed){ .attr = a, .index = n };
	qsort(list, n, sizeof(*list), compare_keys);
	*ret_n = n;
	return list;
}

static void match_keys(struct keyed *a, size_t na, struct keyed *b, size_t nb)
{
	size_t i = 0, j = 0;

	while (i < na && j < nb) {
		int order = strcmp(a[i].attr->key, b[j].attr->key);

		if (order == 0) {
			a[i].other = b[j].attr;
			b[j].other = a[i].attr;
		}
		i += order <= 0;
		j += order >= 0;
	}
}

/* The rest of two lists that have not the same keys in the same order. */
static int compare_lists(struct rimg_diff *d, struct pair *p, const struct rimg_attr *a,
			 const struct rimg_attr *b, struct rimg_error *err)
{
	size_t na = 0, nb = 0;
	auto_free struct keyed *la = list_attrs(a, &na), *lb = list_attrs(b, &nb);
	int rc = 0;

	if (!la || !lb)
		return error_nomem(err);
	match_keys(la, na, lb, nb);
	qsort(la, na, sizeof(*la), compare_positions);
	qsort(lb, nb, sizeof(*lb), compare_positions);
	for (size_t i = 0; i < na && rc == 0; i++)
		rc = la[i].other ? compare_attr(d, p, la[i].attr, la[i].other, err)
				 : attr_differs(d, p, la[i].attr, NULL, err);
	for (size_t i = 0; i < nb && rc == 0; i++)
		if (!lb[i].other)
			rc = attr_differs(d, p, NULL, lb[i].attr, err);
	return rc;
}

static int compare_attrs(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	const struct rimg_attr *a = p->a->attrs, *b = p->b->attrs;

	for (; a && b && strcmp(a->key, b->key) == 0; a = a->next, b = b->next) {
		int rc = compare_attr(d, p, a, b, err);

		if (rc < 0)
			return rc;
	}
	return a || b ? compare_lists(d, p, a, b, err) : 0;
}

/* ---- the node itself ------------------------------------------------------------------------ */

/* A partition's name is an attribute where the format says where it is stored. */
static bool name_counts(const struct pair *p)
{
	const struct rimg_attr *a = node_attr(p->a, "name"), *b = node_attr(p->b, "name");

	return p->parent && !p->moved && node_compare_names(p->a, p->b) != 0 &&
	       !(a && b && !attr_equal(a, b));
}

static int compare_identity(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	struct difference *x = NULL;

	if (p->a->role != p->b->role && !p->half_read) {
		x = difference_get(d, p, DIFFERS_ROLE, "role", RIMG_CAUSE_CONTENT);
		if (!x)
			return error_nomem(err);
		differs_in_tree(d, p);
	}
	if (p->parent && node_compare_names(p->a, p->b) != 0)
		differs_in_tree(d, p);
	if (name_counts(p) && !difference_get(d, p, DIFFERS_NAME, "name",
					      p->renamed == RENAMED_HASH ? RIMG_CAUSE_SYMBOL_HASH
									 : RIMG_CAUSE_CONTENT))
		return error_nomem(err);
	if (!p->moved)
		return 0;
	differs_in_tree(d, p);
	x = difference_get(d, p, DIFFERS_PRESENCE, "path", RIMG_CAUSE_CONTENT);
	return x ? 0 : error_nomem(err);
}

/* What was not read wholly is not known to be equal, unless the bytes are. */
static void note_unread(struct rimg_diff *d, const struct pair *p)
{
	bool unread = p->a->unread || p->b->unread || p->a->damaged || p->b->damaged;

	if (!unread)
		return;
	if (!d->summary.has_bytes)
		d->summary.unread++;
	if (p->tree && (diff_node_is_artifact(p->a) || p->a == p->a->layer->root))
		d->tree_differs = true;
}

/* ---- contents ------------------------------------------------------------------------------- */

struct opening {
	struct rimg_node *node[2];
	struct rimg_layer *layer[2];
	struct rimg_error err[2];
	int rc[2];
};

static void open_one(void *arg, size_t i)
{
	struct opening *o = arg;

	o->rc[i] = node_open(o->node[i], &o->layer[i], &o->err[i]);
}

/* Open both contents, at the same time if they are worth a thread. true: they are of one format and
 * can be walked. */
static int open_both(struct rimg_diff *d, const struct pair *p, bool *ret, struct rimg_error *err)
{
	struct opening o = { .node = { p->a, p->b } };
	uint64_t size = num_min(rimg_source_size(p->a->content), rimg_source_size(p->b->content));

	pool_for(size < ALONE_LEN ? 1 : d->ctx->threads, 2, open_one, &o);
	for (size_t i = 0; i < 2; i++) {
		if (o.rc[i] == 0)
			continue;
		if (err)
			*err = o.err[i];
		return o.rc[i];
	}
	*ret = o.layer[0] && o.layer[1] && !o.layer[0]->unreadable && !o.layer[1]->unreadable &&
	       o.layer[0]->format == o.layer[1]->format;
	return 0;
}

/* Does its content count by what is in it? A file is its bytes. */
static bool is_container(const struct rimg_diff *d, const struct pair *p)
{
	return p == d->root || p->a->role == RIMG_ROLE_PARTITION || p->a->role == RIMG_ROLE_IMAGE;
}

/* Inside of a content: in the same scope if its bytes are those of the scope, else in one of its
 * own, whose bytes are counted where the content is stored. */
static int enter(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	struct scope *scope = p->scope;
	struct pair *inner;

	p->descend = p->in_place;
	if (!p->in_place)
		scope = scope_add(d, p, p->blocks, p->scope ? SCOPE_EXPLAIN : SCOPE_COUNT);
	inner = scope ? pair_add(d, p, p->a->nested->root, p->b->nested->root) : NULL;
	if (!inner || pair_list_add(&d->stack, inner) < 0)
		return error_nomem(err);
	inner->scope = scope;
	inner->tree = p->tree && is_container(d, p);
	return 0;
}

/* Bytes of a content in place go to what is inside of it, or become a difference of its own when
 * they are accounted for. */
static bool needs_difference(const struct pair *p)
{
	const struct rimg_source *a = p->a->content, *b = p->b->content;

	if (p->recursed)
		return !p->in_place && p->scope;
	return !p->in_place || p->damaged || !a || !b || rimg_source_size(a) != rimg_source_size(b);
}

static int content_differs(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	int rc = 0;

	if (p->a->content && p->b->content && !p->half_read)
		rc = open_both(d, p, &p->recursed, err);
	if (rc < 0)
		return rc;
	if (!p->recursed || !is_container(d, p))
		differs_in_tree(d, p);
	if (needs_difference(p) && !difference_content(d, p))
		return error_nomem(err);
	if (p->recursed)
		return enter(d, p, err);
	if (!p->scope && p->blocks && !scope_add(d, p, p->blocks, SCOPE_COUNT))
		return error_nomem(err);
	return 0;
}

static int compare_contents(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	if (diff_node_is_filler(p->a) || diff_node_is_filler(p->b))
		return 0;
	/* those of the artifacts compared were the first thing that was done */
	if (p != d->root || !d->summary.has_bytes) {
		int rc = content_compare(d, p, err);

		if (rc < 0)
			return rc;
	}
	if (!d->summary.has_bytes && !p->scope && p->a->content && p->b->content)
		d->summary.compared +=
			num_max(rimg_source_size(p->a->content), rimg_source_size(p->b->content));
	if (p->half_read)
		p->content = CONTENT_DIFFERENT;
	if (p->content == CONTENT_EQUAL && p->scope && p->repacked &&
	    !difference_get(d, p, DIFFERS_STORED, "stored", RIMG_CAUSE_COMPRESSION))
		return error_nomem(err);
	return p->content == CONTENT_DIFFERENT ? content_differs(d, p, err) : 0;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int compare_pair(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	bool bytes_count = p == d->root && d->summary.has_bytes;
	int rc = 0;

	p->half_read = p->a->unread != p->b->unread;
	note_unread(d, p);
	if (!bytes_count)
		rc = compare_identity(d, p, err);
	if (rc == 0 && !bytes_count)
		rc = compare_attrs(d, p, err);
	if (rc == 0)
		rc = compare_contents(d, p, err);
	return rc;
}

static int visit(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	int rc;

	if (p->a->link_to || p->b->link_to)
		return pair_list_add(&d->links, p) < 0 ? error_nomem(err) : 0;
	rc = compare_pair(d, p, err);
	if (rc == 0)
		rc = match_children(d, p, err);
	if (rc == 0)
		rc = match_order(d, p, err);
	return rc;
}

static int drain(struct rimg_diff *d, struct rimg_error *err)
{
	uint64_t n = 0;
	int rc = 0;

	while (d->stack.n > 0 && rc == 0) {
		rc = visit(d, d->stack.items[--d->stack.n], err);
		if (++n % PROGRESS_EVERY == 0 && d->options->progress)
			d->options->progress(d->options->progress_arg, "looking inside", n, 0);
	}
	return rc;
}

/* A file that is known by another name on one side, since a name came or went that is first: it is
 * compared with what that name leads to. */
static int visit_renamed(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	struct rimg_node *a = p->a, *b = p->b;
	int rc = compare_identity(d, p, err);

	p->holder = pair_of(a->link_to ? a->link_to : b->link_to);
	p->a = a->link_to ? a->link_to : a;
	p->b = b->link_to ? b->link_to : b;
	if (rc == 0)
		rc = compare_attrs(d, p, err);
	if (rc == 0)
		rc = compare_contents(d, p, err);
	p->a = a;
	p->b = b;
	return rc;
}

static bool is_alone(const struct rimg_node *n)
{
	const struct pair *p = pair_of(n);

	return p && (p->a == n || p->b == n) && !(p->a && p->b);
}

/* Further names of a file: nothing to compare when the other names are counterparts too. */
static int visit_link(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	const struct rimg_node *a = p->a->link_to, *b = p->b->link_to;

	if (a && b && pair_of(a) && pair_of(a)->a == a && pair_of(a)->b == b) {
		note_unread(d, p);
		return compare_identity(d, p, err);
	}
	if (!a != !b && is_alone(a ? a : b))
		return visit_renamed(d, p, err);
	if (!difference_get(d, p, DIFFERS_LINK, "link", RIMG_CAUSE_CONTENT))
		return error_nomem(err);
	return compare_pair(d, p, err);
}

static int visit_links(struct rimg_diff *d, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < d->links.n && rc == 0; i++)
		rc = visit_link(d, d->links.items[i], err);
	return rc;
}

static int name_unmatched(struct rimg_diff *d, struct rimg_error *err)
{
	for (size_t i = 0; i < d->unmatched.n; i++) {
		struct pair *p = d->unmatched.items[i];
		const struct rimg_node *n = p->a ? p->a : p->b;

		if (p->hidden || (p->a && p->b) || diff_node_is_filler(n) || p->parent->half_read)
			continue;
		if (!difference_get(d, p, DIFFERS_PRESENCE, NULL, n->cause))
			return error_nomem(err);
		differs_in_tree(d, p);
	}
	return 0;
}

int diff_walk(struct rimg_diff *d, struct rimg_error *err)
{
	int rc = 0;

	if (pair_list_add(&d->stack, d->root) < 0)
		return error_nomem(err);
	rc = drain(d, err);
	if (rc == 0)
		rc = match_moved(d, err);
	if (rc == 0)
		rc = match_similar(d, err);
	if (rc == 0)
		rc = drain(d, err);
	if (rc == 0)
		rc = visit_links(d, err);
	/* a link may have led to contents that nobody else compared */
	if (rc == 0)
		rc = drain(d, err);
	return rc < 0 ? rc : name_unmatched(d, err);
}
