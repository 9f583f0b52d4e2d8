/* SPDX-License-Identifier: MIT */
#include "diff/pairs.h"

#include <stdlib.h>
#include <string.h>

#include "core/num.h"

struct pair *pair_add(struct rimg_diff *d, struct pair *parent, struct rimg_node *a,
		      struct rimg_node *b)
{
	struct pair *p = arena_alloc(&d->arena, sizeof(*p));

	if (!p)
		return NULL;
	p->a = a;
	p->b = b;
	p->parent = parent;
	if (a)
		a->mark = p;
	if (b)
		b->mark = p;
	if (!parent)
		return p;
	p->scope = parent->scope;
	p->tree = parent->tree;
	if (parent->last_child)
		parent->last_child->next = p;
	else
		parent->first_child = p;
	parent->last_child = p;
	return p;
}

int pair_list_add(struct pair_list *list, struct pair *p)
{
	struct pair **items = vec_grow(list->items, &list->cap, list->n, sizeof(p));

	if (!items)
		return -RIMG_E_NOMEM;
	list->items = items;
	list->items[list->n++] = p;
	return 0;
}

uint64_t pair_bytes(const struct pair *p)
{
	uint64_t all = 0;

	return num_add(rimg_source_size(p->a->content), rimg_source_size(p->b->content), &all)
		       ? all
		       : UINT64_MAX;
}

struct pair *pair_next(const struct pair *p, const struct pair *root)
{
	if (p->first_child)
		return p->first_child;
	while (p != root && !p->next)
		p = p->parent;
	return p == root ? NULL : p->next;
}

bool diff_node_is_filler(const struct rimg_node *n)
{
	return n->role == RIMG_ROLE_GAP ||
	       (n->role == RIMG_ROLE_META &&
		(n->cause == RIMG_CAUSE_FREE_SPACE || n->cause == RIMG_CAUSE_PADDING));
}

bool diff_node_is_artifact(const struct rimg_node *n)
{
	return n->role != RIMG_ROLE_META && n->role != RIMG_ROLE_GAP;
}

/* Entries of a directory are one class: a file may be replaced by a link of its name. */
static enum rimg_role role_class(enum rimg_role role)
{
	switch (role) {
	case RIMG_ROLE_DIR:
	case RIMG_ROLE_SYMLINK:
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER: return RIMG_ROLE_FILE;
	default: return role;
	}
}

bool diff_roles_fit(enum rimg_role a, enum rimg_role b)
{
	return role_class(a) == role_class(b);
}

struct scope *scope_add(struct rimg_diff *d, struct pair *p, const struct blockmap *map,
			enum scope_mode mode)
{
	struct scope *s = arena_alloc(&d->arena, sizeof(*s));

	if (!s)
		return NULL;
	s->pair = p;
	s->a = p->a->content;
	s->b = p->b->content;
	s->map = map;
	s->mode = mode;
	if (d->last_scope)
		d->last_scope->next = s;
	else
		d->scopes = s;
	d->last_scope = s;
	return s;
}

static struct difference *difference_add(struct rimg_diff *d, struct pair *p,
					 enum difference_type type, const char *field,
					 enum rimg_cause cause)
{
	struct difference *x = arena_alloc(&d->arena, sizeof(*x));

	if (!x)
		return NULL;
	x->pair = p;
	x->type = type;
	x->field = field;
	x->cause = cause;
	if (p->last)
		p->last->next = x;
	else
		p->first = x;
	p->last = x;
	if (type == DIFFERS_ATTR)
		return x;
	x->next_other = p->others;
	p->others = x;
	return x;
}

/* There are few of them: a handful of types, and as many as a format has words for its bytes. */
struct difference *difference_get(struct rimg_diff *d, struct pair *p, enum difference_type type,
				  const char *field, enum rimg_cause cause)
{
	for (struct difference *x = p->others; x; x = x->next_other) {
		if (x->type != type)
			continue;
		if (type != DIFFERS_CLAIM || (x->cause == cause && strcmp(x->field, field) == 0))
			return x;
	}
	return difference_add(d, p, type, field, cause);
}

struct difference *difference_find(const struct pair *p, enum difference_type type)
{
	for (struct difference *x = p->others; x; x = x->next_other)
		if (x->type == type)
			return x;
	return NULL;
}

/* ---- differences of attributes -------------------------------------------------------------- */

/* Where the difference of two attributes is in the table, or where it goes. */
static size_t slot_of(const struct attr_table *t, const struct rimg_attr *a,
		      const struct rimg_attr *b)
{
	uint64_t hash = ((uintptr_t)a >> 4) * UINT64_C(0x9e3779b97f4a7c15) + ((uintptr_t)b >> 4);
	size_t i = (size_t)(hash >> 32 ^ hash) & (t->cap - 1);

	while (t->slots[i] && (t->slots[i]->attr_a != a || t->slots[i]->attr_b != b))
		i = (i + 1) & (t->cap - 1);
	return i;
}

static bool table_grow(struct attr_table *t)
{
	struct attr_table bigger = { .n = t->n, .cap = t->cap ? t->cap * 2 : 64 };

	if (t->n < t->cap / 2)
		return true;
	bigger.slots = calloc(bigger.cap, sizeof(struct difference *));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < t->cap; i++) {
		struct difference *x = t->slots[i];

		if (x)
			bigger.slots[slot_of(&bigger, x->attr_a, x->attr_b)] = x;
	}
	free(t->slots);
	*t = bigger;
	return true;
}

struct difference *difference_attr(struct rimg_diff *d, struct pair *p, const struct rimg_attr *a,
				   const struct rimg_attr *b)
{
	const struct rimg_attr *either = a ? a : b;
	struct difference *x;
	size_t i;

	if (!table_grow(&d->attrs))
		return NULL;
	i = slot_of(&d->attrs, a, b);
	if (d->attrs.slots[i])
		return d->attrs.slots[i];
	x = difference_add(d, p, DIFFERS_ATTR, either->key, either->cause);
	if (!x)
		return NULL;
	x->attr_a = a;
	x->attr_b = b;
	d->attrs.slots[i] = x;
	d->attrs.n++;
	return x;
}

struct difference *difference_content(struct rimg_diff *d, struct pair *p)
{
	const struct rimg_node *n = p->a ? p->a : p->b;
	enum rimg_cause cause = diff_node_is_artifact(n) ? RIMG_CAUSE_CONTENT : n->cause;

	return difference_get(d, p, DIFFERS_CONTENT, "content", cause);
}

void differs_in_tree(struct rimg_diff *d, const struct pair *p)
{
	const struct rimg_node *n = p->a ? p->a : p->b;

	if (p->tree && diff_node_is_artifact(n))
		d->tree_differs = true;
}
