/* SPDX-License-Identifier: MIT */
/* Functions whose names differ: by names without a compiler's hashes, then by code. */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "diff/pairs.h"
#include "diff/symbols.h"

#define LONE_MAX     ((size_t)1 << 17) /* of a side; more are not looked at */
#define NAME_MAX_LEN ((size_t)8192)
#define CODE_MIN     16 /* bytes of code that is more than chance */

/** struct lone - a function or section that only one side has */
struct lone {
	struct pair *pair;
	const struct rimg_node *node;
	char *name; /* without hashes */
	size_t name_len;
	uint64_t size;
	bool known;
	uint8_t digest[SHA256_LEN];
};

struct lones {
	struct lone *items;
	size_t n;
};

static void lones_done(struct lones *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].name);
	free(l->items);
}

static bool is_lone(const struct pair *p, bool side_a)
{
	const struct rimg_node *n = p->a ? p->a : p->b;

	return !p->hidden && !(p->a && p->b) && (p->a != NULL) == side_a &&
	       (n->role == RIMG_ROLE_FUNCTION || n->role == RIMG_ROLE_SECTION) &&
	       n->name_len <= NAME_MAX_LEN;
}

static int gather(struct rimg_diff *d, size_t first, bool side_a, struct lones *l)
{
	size_t n = 0;

	for (size_t i = first; i < d->unmatched.n; i++)
		n += is_lone(d->unmatched.items[i], side_a);
	l->items = calloc(n + 1, sizeof(*l->items));
	if (!l->items)
		return -RIMG_E_NOMEM;
	for (size_t i = first; i < d->unmatched.n; i++) {
		struct pair *p = d->unmatched.items[i];
		struct lone *x = &l->items[l->n];

		if (!is_lone(p, side_a))
			continue;
		x->pair = p;
		x->node = side_a ? p->a : p->b;
		x->size = x->node->content ? rimg_source_size(x->node->content) : 0;
		x->name = malloc(x->node->name_len + 1);
		if (!x->name)
			return -RIMG_E_NOMEM;
		x->name_len = symbol_normal(x->node->name, x->node->name_len, x->name);
		l->n++;
	}
	return 0;
}

static int order_names(const struct lone *a, const struct lone *b)
{
	int order = memcmp(a->name, b->name, (size_t)num_min(a->name_len, b->name_len));

	if (order == 0)
		order = (a->name_len > b->name_len) - (a->name_len < b->name_len);
	return order != 0 ? order : (int)a->node->role - (int)b->node->role;
}

static int order_sizes(const struct lone *a, const struct lone *b)
{
	int order = order_names(a, b);

	return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static int order_digests(const struct lone *a, const struct lone *b)
{
	return memcmp(a->digest, b->digest, SHA256_LEN);
}

static int compare_sizes(const void *pa, const void *pb)
{
	const struct lone *a = pa, *b = pb;
	int order = order_sizes(a, b);

	return order != 0 ? order
			  : (a->node->index > b->node->index) - (a->node->index < b->node->index);
}

/* Those that are not known come last. */
static int compare_digests(const void *pa, const void *pb)
{
	const struct lone *a = pa, *b = pb;
	int order = a->known != b->known ? (a->known ? -1 : 1) : order_digests(a, b);

	return order != 0 ? order
			  : (a->node->index > b->node->index) - (a->node->index < b->node->index);
}

static int join(struct rimg_diff *d, const struct lone *a, const struct lone *b, enum renamed how,
		struct rimg_error *err)
{
	struct pair *p;
	int rc = match_publish(d, a->pair->a, b->pair->b, &p, err);

	if (rc == 0)
		p->renamed = how;
	return rc;
}

/* Pair those that are equal by @order, in which both are sorted, if they are not paired yet. */
static int merge(struct rimg_diff *d, const struct lones *a, const struct lones *b,
		 int (*order)(const struct lone *, const struct lone *), enum renamed how,
		 struct rimg_error *err)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (i < a->n && j < b->n && rc == 0) {
		const struct lone *x = &a->items[i], *y = &b->items[j];
		int by;

		if (x->pair->b || (how == RENAMED_CODE && !x->known)) {
			i++;
			continue;
		}
		if (y->pair->hidden || (how == RENAMED_CODE && !y->known)) {
			j++;
			continue;
		}
		by = order(x, y);
		if (by == 0)
			rc = join(d, x, y, how, err);
		i += by <= 0;
		j += by >= 0;
	}
	return rc;
}

static int hash_code(struct rimg_diff *d, struct lones *l, struct rimg_error *err)
{
	for (size_t i = 0; i < l->n; i++) {
		struct lone *x = &l->items[i];
		int rc;

		if (x->node->role != RIMG_ROLE_FUNCTION || x->size < CODE_MIN ||
		    x->size > d->budget || x->pair->hidden || (x->pair->a && x->pair->b))
			continue;
		d->budget -= x->size;
		rc = digest_source(x->node->content, x->digest, err);
		if (rc < 0 && rc != -RIMG_E_BAD)
			return rc;
		x->known = rc == 0;
	}
	return 0;
}

int match_renamed(struct rimg_diff *d, size_t first, struct rimg_error *err)
{
	auto_with(lones_done) struct lones a = { 0 }, b = { 0 };
	int rc;

	if (d->unmatched.n - first > LONE_MAX)
		return 0;
	if (gather(d, first, true, &a) < 0 || gather(d, first, false, &b) < 0)
		return error_nomem(err);
	if (a.n == 0 || b.n == 0)
		return 0;
	/* of several of one name those of one length first */
	qsort(a.items, a.n, sizeof(*a.items), compare_sizes);
	qsort(b.items, b.n, sizeof(*b.items), compare_sizes);
	rc = merge(d, &a, &b, order_sizes, RENAMED_HASH, err);
	if (rc == 0)
		rc = merge(d, &a, &b, order_names, RENAMED_HASH, err);
	if (rc == 0)
		rc = hash_code(d, &a, err);
	if (rc == 0)
		rc = hash_code(d, &b, err);
	if (rc < 0)
		return rc;
	qsort(a.items, a.n, sizeof(*a.items), compare_digests);
	qsort(b.items, b.n, sizeof(*b.items), compare_digests);
	return merge(d, &a, &b, order_digests, RENAMED_CODE, err);
}
