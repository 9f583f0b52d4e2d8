/* SPDX-License-Identifier: MIT */
/* Files that only one side has, but of which the larger part is in a file that only the other side
 * has: moved and changed. And copies of files that are there under another name.
 *
 * Similar is what shares pieces: of each file the hashes of all its windows of 16 bytes are taken,
 * and the smallest ones kept. What part of the smallest ones of both is in both estimates what part
 * of the windows is (A. Broder, "On the resemblance and containment of documents", 1997). */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"
#include "diff/pairs.h"

#define FILES_MAX   512                  /* a side; more are not compared */
#define SKETCH      128                  /* hashes kept of a file */
#define WINDOW      16                   /* bytes */
#define SIZE_MIN    64                   /* smaller files are similar by chance */
#define HEAD_LEN    ((uint64_t)1 << 20)  /* bytes of a file that are looked at */
#define READ_BUDGET ((uint64_t)32 << 20) /* of all files */
#define SIMILAR     50                   /* hundredths that make a file another's successor */
#define COPIES_MAX  4                    /* files of one size that a file is compared with */
#define FACTOR      UINT64_C(0x9e3779b97f4a7c15)

/** struct lone - a file that only one side has; @hash: its smallest hashes, ascending */
struct lone {
	struct rimg_node *node;
	uint64_t hash[SKETCH];
	size_t n_hashes;
	bool taken;
};

struct lones {
	struct lone *items;
	size_t n, cap;
};

static void lones_done(struct lones *l)
{
	free(l->items);
}

/* ---- sketches ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 29;
}

/* Where @h goes among the smallest ones, if it does. */
static void keep_hash(struct lone *l, uint64_t h)
{
	size_t lo = 0, hi = l->n_hashes;

	if (l->n_hashes == SKETCH && h >= l->hash[SKETCH - 1])
		return;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->hash[mid] < h)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < l->n_hashes && l->hash[lo] == h)
		return;
	if (l->n_hashes < SKETCH)
		l->n_hashes++;
	memmove(&l->hash[lo + 1], &l->hash[lo], (l->n_hashes - lo - 1) * sizeof(l->hash[0]));
	l->hash[lo] = h;
}

static void sketch(struct lone *l, const uint8_t *data, size_t len)
{
	uint64_t h = 0, out = 1;

	for (size_t i = 0; i < WINDOW; i++)
		out *= FACTOR;
	for (size_t i = 0; i < len; i++) {
		h = h * FACTOR + data[i] + 1;
		if (i >= WINDOW)
			h -= out * (data[i - WINDOW] + UINT64_C(1));
		if (i + 1 >= WINDOW)
			keep_hash(l, mix(h));
	}
}

static int sketch_all(struct lones *l, uint64_t *budget, struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(HEAD_LEN);

	if (!buf)
		return error_nomem(err);
	for (size_t i = 0; i < l->n; i++) {
		struct lone *x = &l->items[i];
		size_t len = (size_t)num_min(rimg_source_size(x->node->content), HEAD_LEN);
		int rc;

		if (len > *budget)
			continue;
		*budget -= len;
		rc = rimg_source_read(x->node->content, 0, buf, len, err);
		if (rc < 0 && rc != -RIMG_E_BAD)
			return rc;
		if (rc == 0)
			sketch(x, buf, len);
	}
	return 0;
}

/* Hundredths of the smallest hashes of both that are in both. */
static unsigned resemblance(const struct lone *a, const struct lone *b)
{
	size_t i = 0, j = 0, n = 0, both = 0;

	while (n < SKETCH && i < a->n_hashes && j < b->n_hashes) {
		bool equal = a->hash[i] == b->hash[j];
		bool first = a->hash[i] < b->hash[j];

		both += equal;
		i += equal || first;
		j += equal || !first;
		n++;
	}
	n += (size_t)num_min(SKETCH - n, (a->n_hashes - i) + (b->n_hashes - j));
	return n ? (unsigned)(both * 100 / n) : 0;
}

/* ---- pairing -------------------------------------------------------------------------------- */

static bool is_file(const struct rimg_node *n)
{
	return n->role == RIMG_ROLE_FILE && n->content && !n->link_to && !n->unread;
}

static int gather_below(struct lones *l, struct rimg_node *root)
{
	for (struct rimg_node *n = root; n; n = node_after(n, root)) {
		struct lone *grown;

		/* what was found to be moved is another's */
		if (pair_of(n) != pair_of(root) || !is_file(n) ||
		    rimg_source_size(n->content) < SIZE_MIN)
			continue;
		grown = vec_grow(l->items, &l->cap, l->n, sizeof(*grown));
		if (!grown)
			return -RIMG_E_NOMEM;
		l->items = grown;
		memset(&grown[l->n], 0, sizeof(*grown));
		grown[l->n++].node = n;
		if (l->n > FILES_MAX)
			return 0;
	}
	return 0;
}

static int gather(const struct rimg_diff *d, struct lones *a, struct lones *b)
{
	for (size_t i = 0; i < d->unmatched.n; i++) {
		const struct pair *p = d->unmatched.items[i];

		if (p->hidden || (p->a && p->b))
			continue;
		if (gather_below(p->a ? a : b, p->a ? p->a : p->b) < 0)
			return -RIMG_E_NOMEM;
		if (a->n > FILES_MAX || b->n > FILES_MAX)
			return 0;
	}
	return 0;
}

/** struct likeness - two files and how much of them is equal */
struct likeness {
	size_t a, b;
	unsigned score;
	bool same_name;
};

static int compare_likeness(const void *pa, const void *pb)
{
	const struct likeness *a = pa, *b = pb;

	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	if (a->same_name != b->same_name)
		return a->same_name ? -1 : 1;
	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	return (a->b > b->b) - (a->b < b->b);
}

static struct likeness *list_likenesses(const struct lones *a, const struct lones *b, size_t *ret_n)
{
	struct likeness *list = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; j < b->n; j++) {
			unsigned score = resemblance(&a->items[i], &b->items[j]);
			struct likeness *grown;

			if (score < SIMILAR)
				continue;
			grown = vec_grow(list, &cap, n, sizeof(*list));
			if (!grown) {
				free(list);
				return NULL;
			}
			list = grown;
			list[n++] = (struct likeness){
				.a = i,
				.b = j,
				.score = score,
				.same_name =
					node_compare_names(a->items[i].node, b->items[j].node) == 0,
			};
		}
	}
	*ret_n = n;
	return n > 0 ? list : calloc(1, sizeof(*list));
}

static int pair_similar(struct rimg_diff *d, struct lones *a, struct lones *b,
			struct rimg_error *err)
{
	size_t n = 0;
	auto_free struct likeness *list = list_likenesses(a, b, &n);

	if (!list)
		return error_nomem(err);
	qsort(list, n, sizeof(*list), compare_likeness);
	for (size_t i = 0; i < n; i++) {
		struct lone *x = &a->items[list[i].a], *y = &b->items[list[i].b];
		struct pair *p;
		int rc;

		if (x->taken || y->taken)
			continue;
		x->taken = y->taken = true;
		rc = match_publish(d, x->node, y->node, &p, err);
		if (rc < 0)
			return rc;
		p->moved = true;
		p->similar = (unsigned)num_min(list[i].score, 99);
	}
	return 0;
}

/* ---- copies --------------------------------------------------------------------------------- */

/** struct sized - a file, and its place in the walk, which decides between equal ones */
struct sized {
	struct rimg_node *node;
	uint64_t size;
	size_t index;
};

static int compare_sized(const void *pa, const void *pb)
{
	const struct sized *a = pa, *b = pb;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* All files of one side that both have, by size. */
static struct sized *list_common(const struct rimg_diff *d, bool side_a, size_t *ret_n)
{
	struct sized *list;
	size_t n = 0;

	for (struct pair *p = d->root; p; p = pair_next(p, d->root))
		n += p->a && p->b && is_file(side_a ? p->a : p->b);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return NULL;
	n = 0;
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		struct rimg_node *node = side_a ? p->a : p->b;

		if (!p->a || !p->b || !is_file(node))
			continue;
		list[n] = (struct sized){ .node = node,
					  .size = rimg_source_size(node->content),
					  .index = n };
		n++;
	}
	qsort(list, n, sizeof(*list), compare_sized);
	*ret_n = n;
	return list;
}

static size_t first_of_size(const struct sized *list, size_t n, uint64_t size)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (list[mid].size < size)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int same_content(struct rimg_diff *d, const struct rimg_node *a, const struct rimg_node *b,
			bool *ret, struct rimg_error *err)
{
	struct compare c = { .a = a->content,
			     .b = b->content,
			     .len = rimg_source_size(a->content),
			     .scratch = d->scratch,
			     .tolerant = true };
	int rc;

	*ret = false;
	if (c.len > d->budget)
		return 0;
	d->budget -= c.len;
	rc = compare_run(&c, err);
	*ret = rc == 0 && !c.differs && !c.damaged;
	return rc;
}

static int find_copy(struct rimg_diff *d, struct pair *p, const struct sized *list, size_t n,
		     struct rimg_error *err)
{
	const struct rimg_node *lone = p->a ? p->a : p->b;
	uint64_t size = rimg_source_size(lone->content);
	size_t first = first_of_size(list, n, size);

	for (size_t i = first; i < n && i - first < COPIES_MAX; i++) {
		bool same;
		int rc;

		if (list[i].size != size)
			return 0;
		rc = same_content(d, lone, list[i].node, &same, err);
		if (rc < 0)
			return rc;
		if (same) {
			p->copy_of = list[i].node;
			return 0;
		}
	}
	return 0;
}

static int find_copies(struct rimg_diff *d, bool side_a, struct rimg_error *err)
{
	auto_free struct sized *list = NULL;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < d->unmatched.n && rc == 0; i++) {
		struct pair *p = d->unmatched.items[i];
		const struct rimg_node *node = side_a ? p->a : p->b;

		if (p->hidden || (p->a && p->b) || !node || !is_file(node) ||
		    rimg_source_size(node->content) == 0)
			continue;
		if (!list)
			list = list_common(d, side_a, &n);
		if (!list)
			return error_nomem(err);
		rc = find_copy(d, p, list, n, err);
	}
	return rc;
}

int match_similar(struct rimg_diff *d, struct rimg_error *err)
{
	auto_with(lones_done) struct lones a = { 0 }, b = { 0 };
	uint64_t budget = READ_BUDGET;
	int rc = 0;

	if (gather(d, &a, &b) < 0)
		return error_nomem(err);
	if (a.n > 0 && b.n > 0 && a.n <= FILES_MAX && b.n <= FILES_MAX) {
		rc = sketch_all(&a, &budget, err);
		if (rc == 0)
			rc = sketch_all(&b, &budget, err);
		if (rc == 0)
			rc = pair_similar(d, &a, &b, err);
	}
	if (rc == 0)
		rc = find_copies(d, true, err);
	return rc < 0 ? rc : find_copies(d, false, err);
}
