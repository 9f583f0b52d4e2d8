/* SPDX-License-Identifier: MIT */
/* What was removed under one path and added under another with the same content was moved. Contents
 * are hashed only when the other side has one of that size. */

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/pool.h"
#include "core/str.h"
#include "diff/pairs.h"

#define CANDIDATES_MAX ((size_t)1 << 18) /* a side; above it nothing is looked for */
#define NO_PARENT      SIZE_MAX

/**
 * struct candidate - an entry that only one side has
 * @top:    the pair of the topmost node without counterpart, which it is or lies below
 * @parent: index of its directory, NO_PARENT if that is not a candidate
 * @end:    index behind the last one below it: they are in depth-first order
 * @known:  @digest is of its content, or of all that is below it
 * @taken:  it or one above it was found moved
 */
struct candidate {
	struct rimg_node *node;
	struct pair *top;
	size_t index, parent, end;
	uint64_t size;
	bool known, wanted, taken;
	int rc;
	uint8_t digest[SHA256_LEN];
	struct candidate *partner;
};

/** struct side - all of one side; @view: pointers to some of them, sorted */
struct side {
	struct candidate *items;
	size_t n, cap;
	struct candidate **view;
	size_t n_view;
};

static void side_done(struct side *s)
{
	free(s->items);
	free(s->view);
}

static const struct rimg_source *content_of(const struct rimg_node *n)
{
	return !n->content && n->link_to ? n->link_to->content : n->content;
}

/* ---- gathering ------------------------------------------------------------------------------ */

static bool is_entry(const struct rimg_node *n)
{
	return diff_roles_fit(n->role, RIMG_ROLE_FILE);
}

static int add_candidate(struct side *s, struct rimg_node *n, struct pair *top, size_t parent)
{
	const struct rimg_source *content = content_of(n);
	struct candidate *items = vec_grow(s->items, &s->cap, s->n, sizeof(*items));

	if (!items)
		return -RIMG_E_NOMEM;
	s->items = items;
	items[s->n] = (struct candidate){ .node = n,
					  .top = top,
					  .index = s->n,
					  .parent = parent,
					  .end = s->n + 1,
					  .size = content ? rimg_source_size(content) : 0 };
	s->n++;
	return 0;
}

/* Index of the directory that holds @n, looked for upwards from the candidate made last. */
static size_t parent_index(const struct side *s, const struct rimg_node *n, size_t first)
{
	size_t i = s->n - 1;

	while (s->n > first && i != NO_PARENT && s->items[i].node != n->parent)
		i = s->items[i].parent;
	return s->n > first ? i : NO_PARENT;
}

static int gather_below(struct side *s, struct pair *top, struct rimg_node *root)
{
	size_t first = s->n;

	for (struct rimg_node *n = root; n; n = node_after(n, root)) {
		size_t parent = parent_index(s, n, first);

		if (!is_entry(n))
			continue;
		if (add_candidate(s, n, top, parent) < 0)
			return -RIMG_E_NOMEM;
	}
	for (size_t i = s->n; i-- > first;) {
		struct candidate *c = &s->items[i];

		if (c->parent != NO_PARENT && s->items[c->parent].end < c->end)
			s->items[c->parent].end = c->end;
	}
	return 0;
}

static int gather(const struct rimg_diff *d, struct side *a, struct side *b)
{
	for (size_t i = 0; i < d->unmatched.n; i++) {
		struct pair *p = d->unmatched.items[i];
		int rc;

		if (p->hidden || (p->a && p->b))
			continue;
		rc = p->a ? gather_below(a, p, p->a) : gather_below(b, p, p->b);
		if (rc < 0)
			return rc;
	}
	a->view = calloc(a->n + 1, sizeof(struct candidate *));
	b->view = calloc(b->n + 1, sizeof(struct candidate *));
	return a->view && b->view ? 0 : -RIMG_E_NOMEM;
}

/* ---- digests -------------------------------------------------------------------------------- */

static int compare_sizes(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa;
	const struct candidate *b = *(struct candidate *const *)pb;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static void view_by(struct side *s, bool (*keep)(const struct candidate *c),
		    int (*order)(const void *, const void *))
{
	s->n_view = 0;
	for (size_t i = 0; i < s->n; i++)
		if (keep(&s->items[i]))
			s->view[s->n_view++] = &s->items[i];
	qsort(s->view, s->n_view, sizeof(struct candidate *), order);
}

static bool has_no_children(const struct candidate *c)
{
	return c->node->role != RIMG_ROLE_DIR && !c->node->unread;
}

/* Mark those whose size occurs on the other side too. */
static void want_equal_sizes(struct side *a, struct side *b)
{
	size_t i = 0, j = 0;

	view_by(a, has_no_children, compare_sizes);
	view_by(b, has_no_children, compare_sizes);
	while (i < a->n_view && j < b->n_view) {
		uint64_t size = a->view[i]->size;

		if (size > b->view[j]->size) {
			j++;
			continue;
		}
		if (size < b->view[j]->size) {
			i++;
			continue;
		}
		for (; i < a->n_view && a->view[i]->size == size; i++)
			a->view[i]->wanted = true;
		for (; j < b->n_view && b->view[j]->size == size; j++)
			b->view[j]->wanted = true;
	}
}

static bool is_wanted(const struct candidate *c)
{
	return c->wanted;
}

static void hash_one(void *arg, size_t i)
{
	const struct side *s = arg;
	struct candidate *c = s->view[i];
	const struct rimg_source *content = content_of(c->node);

	c->rc = content ? digest_source(content, c->digest, NULL)
			: digest_bytes("", 0, c->digest, NULL);
	c->known = c->rc == 0;
}

/* From small to large, as far as the budget reaches: sizes are what an image says. */
static void cut_to_budget(struct rimg_diff *d, struct side *s)
{
	size_t n = 0;

	while (n < s->n_view && s->view[n]->size <= d->budget)
		d->budget -= s->view[n++]->size;
	s->n_view = n;
}

static int hash_contents(struct rimg_diff *d, struct side *s, struct rimg_error *err)
{
	view_by(s, is_wanted, compare_sizes);
	cut_to_budget(d, s);
	pool_for(d->ctx->threads, s->n_view, hash_one, s);
	for (size_t i = 0; i < s->n_view; i++) {
		const struct candidate *c = s->view[i];
		uint8_t again[SHA256_LEN];
		int rc;

		/* damaged: not found to be moved */
		if (c->rc == 0 || c->rc == -RIMG_E_BAD)
			continue;
		rc = digest_source(content_of(c->node), again, err); /* for the words */
		return rc < 0 ? rc
			      : error_set(err, RIMG_E_IO, c->node->image->name,
					  "reading failed once and then did not");
	}
	return 0;
}

static int compare_names(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa;
	const struct candidate *b = *(struct candidate *const *)pb;
	int order = node_compare_names(a->node, b->node);

	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* A directory is its entries: kind, name and digest of each. Empty ones are like any other. */
static int hash_dir(struct side *s, struct candidate *dir, struct rimg_error *err)
{
	auto_str struct str text = { 0 };
	size_t n = 0;

	for (size_t i = dir->index + 1; i < dir->end; i = s->items[i].end) {
		if (!s->items[i].known)
			return 0;
		s->view[n++] = &s->items[i];
	}
	if (n == 0)
		return 0;
	qsort(s->view, n, sizeof(struct candidate *), compare_names);
	for (size_t i = 0; i < n; i++) {
		const struct candidate *c = s->view[i];

		str_printf(&text, "%u %zu ", (unsigned)c->node->role, (size_t)c->node->name_len);
		str_add_len(&text, c->node->name, c->node->name_len);
		str_add_len(&text, c->digest, SHA256_LEN);
	}
	if (text.failed)
		return error_nomem(err);
	dir->known = true;
	return digest_bytes(text.data, text.len, dir->digest, err);
}

static int hash_dirs(struct side *s, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = s->n; i-- > 0 && rc == 0;)
		if (s->items[i].node->role == RIMG_ROLE_DIR)
			rc = hash_dir(s, &s->items[i], err);
	return rc;
}

/* ---- pairing -------------------------------------------------------------------------------- */

static bool is_free_dir(const struct candidate *c)
{
	return c->node->role == RIMG_ROLE_DIR && c->known;
}

static bool is_free_file(const struct candidate *c)
{
	return c->node->role == RIMG_ROLE_FILE && c->known && !c->taken && c->size > 0;
}

/* Large before small, so that a tree is not torn apart for a piece of it. */
static int compare_extent(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa;
	const struct candidate *b = *(struct candidate *const *)pb;
	size_t na = a->end - a->index, nb = b->end - b->index;

	if (na != nb)
		return na > nb ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static int compare_digests(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa;
	const struct candidate *b = *(struct candidate *const *)pb;
	int order = memcmp(a->digest, b->digest, SHA256_LEN);

	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_digests_names(const void *pa, const void *pb)
{
	const struct candidate *a = *(struct candidate *const *)pa;
	const struct candidate *b = *(struct candidate *const *)pb;
	int order = memcmp(a->digest, b->digest, SHA256_LEN);

	return order != 0 ? order : compare_names(pa, pb);
}

static void take(struct side *a, struct candidate *ca, struct side *b, struct candidate *cb)
{
	ca->partner = cb;
	for (size_t i = ca->index; i < ca->end; i++)
		a->items[i].taken = true;
	for (size_t i = cb->index; i < cb->end; i++)
		b->items[i].taken = true;
}

/* Index in the sorted view of the first that is not less than @digest. */
static size_t lower_bound(const struct side *s, const uint8_t *digest)
{
	size_t lo = 0, hi = s->n_view;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(s->view[mid]->digest, digest, SHA256_LEN) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* @used[i]: how many of the equal ones that begin at i are used up */
static void match_dirs(struct side *a, struct side *b, size_t *used)
{
	view_by(a, is_free_dir, compare_extent);
	view_by(b, is_free_dir, compare_digests);
	for (size_t i = 0; i < a->n_view; i++) {
		struct candidate *c = a->view[i];
		size_t first = c->taken ? b->n_view : lower_bound(b, c->digest);

		if (first == b->n_view)
			continue;
		for (size_t j = first + used[first]; j < b->n_view; j++) {
			if (memcmp(b->view[j]->digest, c->digest, SHA256_LEN) != 0)
				break;
			used[first]++;
			if (b->view[j]->taken)
				continue;
			take(a, c, b, b->view[j]);
			break;
		}
	}
}

static void match_files(struct side *a, struct side *b, int (*order)(const void *, const void *),
			bool by_name)
{
	size_t i = 0, j = 0;

	view_by(a, is_free_file, order);
	view_by(b, is_free_file, order);
	while (i < a->n_view && j < b->n_view) {
		struct candidate *ca = a->view[i], *cb = b->view[j];
		int by = memcmp(ca->digest, cb->digest, SHA256_LEN);

		if (by == 0 && by_name)
			by = node_compare_names(ca->node, cb->node);
		if (by == 0)
			take(a, ca, b, cb);
		i += by <= 0;
		j += by >= 0;
	}
}

/* They belong no longer to what was removed or added, and are to be paired one by one. */
static void unmark(struct rimg_node *root)
{
	for (struct rimg_node *n = root; n; n = node_after(n, root))
		n->mark = NULL;
}

int match_publish(struct rimg_diff *d, struct rimg_node *a, struct rimg_node *b, struct pair **ret,
		  struct rimg_error *err)
{
	struct pair *p = pair_of(a), *top_b = pair_of(b);

	unmark(a);
	unmark(b);
	if (p->a == a) {
		p->b = b;
		a->mark = b->mark = p;
	} else {
		p = pair_add(d, p, a, b);
		if (!p)
			return error_nomem(err);
	}
	if (top_b->b == b)
		top_b->hidden = true;
	*ret = p;
	return pair_list_add(&d->stack, p) < 0 ? error_nomem(err) : 0;
}

/* What was moved gets a pair of its own in place of what said that it is gone. */
static int publish(struct rimg_diff *d, const struct candidate *c, struct rimg_error *err)
{
	struct pair *p;
	int rc = match_publish(d, c->node, c->partner->node, &p, err);

	if (rc == 0)
		p->moved = true;
	return rc;
}

int match_moved(struct rimg_diff *d, struct rimg_error *err)
{
	auto_with(side_done) struct side a = { 0 }, b = { 0 };
	auto_free size_t *used = NULL;
	int rc;

	if (gather(d, &a, &b) < 0)
		return error_nomem(err);
	if (a.n == 0 || b.n == 0 || a.n > CANDIDATES_MAX || b.n > CANDIDATES_MAX)
		return 0;
	used = calloc(b.n, sizeof(*used));
	if (!used)
		return error_nomem(err);
	want_equal_sizes(&a, &b);
	rc = hash_contents(d, &a, err);
	if (rc == 0)
		rc = hash_contents(d, &b, err);
	if (rc == 0)
		rc = hash_dirs(&a, err);
	if (rc == 0)
		rc = hash_dirs(&b, err);
	if (rc < 0)
		return rc;
	match_dirs(&a, &b, used);
	match_files(&a, &b, compare_digests_names, true);
	match_files(&a, &b, compare_digests, false);
	for (size_t i = 0; i < a.n && rc == 0; i++)
		if (a.items[i].partner)
			rc = publish(d, &a.items[i], err);
	return rc;
}
