/* SPDX-License-Identifier: MIT */
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/pairs.h"

#define PARTITIONS_MAX 4096 /* more are not paired by number */
#define NAMES_SHOWN    4    /* of an order */

/* A node that only one side has: everything below it belongs to it. */
static int add_unmatched(struct rimg_diff *d, struct pair *parent, struct rimg_node *a,
			 struct rimg_node *b, struct rimg_error *err)
{
	struct rimg_node *n = a ? a : b;
	struct pair *p = pair_add(d, parent, a, b);

	if (!p || pair_list_add(&d->unmatched, p) < 0)
		return error_nomem(err);
	for (struct rimg_node *below = n; below; below = node_after(below, n))
		below->mark = p;
	if (diff_node_is_artifact(n))
		parent->set_changed = true;
	return 0;
}

static int add_matched(struct rimg_diff *d, struct pair *parent, struct rimg_node *a,
		       struct rimg_node *b, struct rimg_error *err)
{
	struct pair *p = pair_add(d, parent, a, b);

	if (!p || pair_list_add(&d->stack, p) < 0)
		return error_nomem(err);
	return 0;
}

/* A run of children of one name, and how far each class of role has been paired. */
struct group {
	struct rimg_node **list;
	size_t n;
	size_t next[RIMG_ROLE_GAP + 1];
};

/* The first child of the group that is not paired yet and whose role fits. */
static struct rimg_node *group_take(struct group *g, enum rimg_role role)
{
	size_t *next = &g->next[role];

	for (; *next < g->n; ++*next) {
		struct rimg_node *n = g->list[*next];

		if (!n->mark && diff_roles_fit(n->role, role))
			return n;
	}
	return NULL;
}

static int match_group(struct rimg_diff *d, struct pair *p, const struct group *a, struct group *b,
		       struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < a->n && rc == 0; i++) {
		struct rimg_node *other = group_take(b, a->list[i]->role);

		rc = other ? add_matched(d, p, a->list[i], other, err)
			   : add_unmatched(d, p, a->list[i], NULL, err);
	}
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (!b->list[i]->mark)
			rc = add_unmatched(d, p, NULL, b->list[i], err);
	return rc;
}

static size_t group_len(struct rimg_node **list, size_t n)
{
	size_t len = 1;

	while (len < n && node_compare_names(list[0], list[len]) == 0)
		len++;
	return len;
}

/* Children of both, sorted by name. */
static int merge(struct rimg_diff *d, struct pair *p, struct rimg_node **la, struct rimg_node **lb,
		 struct rimg_error *err)
{
	size_t na = p->a->n_children, nb = p->b->n_children, i = 0, j = 0;
	int rc = 0;

	while ((i < na || j < nb) && rc == 0) {
		int order = i == na ? 1 : j == nb ? -1 : node_compare_names(la[i], lb[j]);
		struct group a = { 0 }, b = { 0 };

		if (order <= 0)
			a = (struct group){ .list = la + i, .n = group_len(la + i, na - i) };
		if (order >= 0)
			b = (struct group){ .list = lb + j, .n = group_len(lb + j, nb - j) };
		rc = match_group(d, p, &a, &b, err);
		i += a.n;
		j += b.n;
	}
	return rc;
}

/* ---- partitions ----------------------------------------------------------------------------- */

static bool is_lone_partition(const struct pair *p)
{
	const struct rimg_node *n = p->a ? p->a : p->b;

	return !p->hidden && !(p->a && p->b) && n->role == RIMG_ROLE_PARTITION && n->number > 0;
}

/* A partition whose name changed is still the partition of that number. */
static int match_numbers(struct rimg_diff *d, size_t first, struct rimg_error *err)
{
	size_t n = d->unmatched.n;

	if (n - first > PARTITIONS_MAX)
		return 0;
	for (size_t i = first; i < n; i++) {
		struct pair *p = d->unmatched.items[i];

		for (size_t j = first; j < n && p->a && is_lone_partition(p); j++) {
			struct pair *other = d->unmatched.items[j];

			if (!other->b || !is_lone_partition(other) ||
			    other->b->number != p->a->number)
				continue;
			p->b = other->b;
			p->b->mark = p;
			other->hidden = true;
			if (pair_list_add(&d->stack, p) < 0)
				return error_nomem(err);
		}
	}
	return 0;
}

int match_children(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	struct rimg_node **la = node_by_name(p->a), **lb = node_by_name(p->b);
	size_t first = d->unmatched.n;
	int rc;

	if ((p->a->n_children > 0 && !la) || (p->b->n_children > 0 && !lb))
		return error_nomem(err);
	rc = merge(d, p, la, lb, err);
	if (rc == 0)
		rc = match_numbers(d, first, err);
	return rc < 0 ? rc : match_renamed(d, first, err);
}

/* ---- order ---------------------------------------------------------------------------------- */

static bool has_an_order(const struct rimg_node *n)
{
	return diff_roles_fit(n->role, RIMG_ROLE_FILE) || n->role == RIMG_ROLE_SECTION;
}

/* The next child, from @n on, whose counterpart is a child of the other parent. */
static struct rimg_node *next_paired(struct rimg_node *n, const struct pair *parent)
{
	for (; n; n = n->next) {
		const struct pair *p = pair_of(n);

		if (has_an_order(n) && p && p->a && p->b && p->a->parent == parent->a &&
		    p->b->parent == parent->b)
			return n;
	}
	return NULL;
}

/* Names from @n on, as far as they are worth reading. */
static void add_names(struct str *s, struct rimg_node *n, const struct pair *p)
{
	for (unsigned shown = 0; n && shown < NAMES_SHOWN; shown++) {
		str_add(s, shown ? " " : "");
		str_add_escaped(s, n->name, n->name_len, STR_ESCAPE_TEXT);
		n = next_paired(n->next, p);
	}
	if (n)
		str_add(s, " ...");
}

/* How the order changed, in brief. */
static int tell_order(struct rimg_diff *d, struct difference *x, struct rimg_node *a,
		      struct rimg_node *b, size_t same, struct rimg_error *err)
{
	auto_str struct str s = { 0 };
	size_t n = same, moved = 0;

	for (struct rimg_node *na = a, *nb = b; na && nb; n++) {
		moved += pair_of(na) != pair_of(nb);
		na = next_paired(na->next, x->pair);
		nb = next_paired(nb->next, x->pair);
	}
	str_printf(&s, "%zu of %zu entries stand at another position; from number %zu on A has ",
		   moved, n, same + 1);
	add_names(&s, a, x->pair);
	str_add(&s, ", B has ");
	add_names(&s, b, x->pair);
	x->why = s.failed ? NULL : arena_copy(&d->arena, str_cstr(&s), s.len);
	return x->why ? 0 : error_nomem(err);
}

int match_order(struct rimg_diff *d, struct pair *p, struct rimg_error *err)
{
	struct rimg_node *a = next_paired(p->a->first_child, p);
	struct rimg_node *b = next_paired(p->b->first_child, p);
	struct difference *x;
	size_t same = 0;

	while (a && b && pair_of(a) == pair_of(b)) {
		a = next_paired(a->next, p);
		b = next_paired(b->next, p);
		same++;
	}
	if (!a || !b)
		return 0;
	x = difference_get(d, p, DIFFERS_ORDER, "order", RIMG_CAUSE_ORDERING);
	if (!x)
		return error_nomem(err);
	x->first_a = a;
	x->first_b = b;
	return tell_order(d, x, a, b, same, err);
}
