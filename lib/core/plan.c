/* SPDX-License-Identifier: MIT */
#include "core/plan.h"

#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

static struct plan_node *node_new(struct plan *p, enum rimg_role role, const void *name,
				  size_t name_len)
{
	struct plan_node *node = arena_alloc(&p->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->name = arena_copy(&p->arena, name, name_len);
	if (!node->name)
		return NULL;
	node->name_len = (uint32_t)name_len;
	node->role = role;
	p->n_nodes++;
	return node;
}

int plan_init(struct plan *p)
{
	*p = (struct plan){ 0 };
	arena_init(&p->arena, 0);
	p->root = node_new(p, RIMG_ROLE_DIR, "", 0);
	if (!p->root) {
		plan_done(p);
		return -RIMG_E_NOMEM;
	}
	p->root->mode = 0755;
	return 0;
}

void plan_done(struct plan *p)
{
	arena_done(&p->arena);
	p->root = NULL;
}

static int compare_name(const struct plan_node *node, const void *name, size_t name_len)
{
	int order = memcmp(node->name, name, num_min_size(node->name_len, name_len));

	if (order != 0)
		return order;
	return (node->name_len > name_len) - (node->name_len < name_len);
}

/* Index of the first child that is not less than the name. */
static uint32_t lower_bound(const struct plan_node *parent, const void *name, size_t name_len)
{
	uint32_t lo = 0, hi = parent->n_children;

	/* trees are mostly walked in order: the new name then goes last */
	if (hi > 0 && compare_name(parent->children[hi - 1], name, name_len) < 0)
		return hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (compare_name(parent->children[mid], name, name_len) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct plan_node *plan_child(const struct plan_node *parent, const void *name, size_t name_len)
{
	uint32_t i = lower_bound(parent, name, name_len);

	if (i == parent->n_children || compare_name(parent->children[i], name, name_len) != 0)
		return NULL;
	return parent->children[i];
}

static bool make_room(struct plan *p, struct plan_node *parent)
{
	uint32_t cap = parent->cap_children ? parent->cap_children * 2 : 4;
	struct plan_node **children;

	if (parent->n_children < parent->cap_children)
		return true;
	children = arena_array(&p->arena, cap, sizeof(struct plan_node *));
	if (!children)
		return false;
	if (parent->n_children > 0)
		memcpy(children, parent->children, parent->n_children * sizeof(struct plan_node *));
	parent->children = children;
	parent->cap_children = cap;
	return true;
}

struct plan_node *plan_add(struct plan *p, struct plan_node *parent, enum rimg_role role,
			   const void *name, size_t name_len, struct rimg_error *err)
{
	uint32_t i = lower_bound(parent, name, name_len);
	struct plan_node *node;

	if (i < parent->n_children && compare_name(parent->children[i], name, name_len) == 0) {
		auto_str struct str path = { 0 };

		plan_add_path(&path, parent->children[i]);
		error_set(err, RIMG_E_ARG, str_cstr(&path),
			  "there is an entry of that name already");
		return NULL;
	}
	node = name_len < UINT32_MAX ? node_new(p, role, name, name_len) : NULL;
	if (!node || !make_room(p, parent)) {
		error_nomem(err);
		return NULL;
	}
	memmove(parent->children + i + 1, parent->children + i,
		(parent->n_children - i) * sizeof(struct plan_node *));
	parent->children[i] = node;
	parent->n_children++;
	node->parent = parent;
	return node;
}

/* The next component of @path from *pos on; false at the end. */
static bool next_component(const char *path, size_t *pos, size_t *ret_len)
{
	while (path[*pos] == '/')
		(*pos)++;
	*ret_len = strcspn(path + *pos, "/");
	return *ret_len > 0;
}

struct plan_node *plan_find(const struct plan *p, const char *path)
{
	struct plan_node *node = p->root;
	size_t pos = 0, len;

	for (; node && next_component(path, &pos, &len); pos += len)
		node = plan_child(node, path + pos, len);
	return node;
}

static bool is_dots(const char *name, size_t len)
{
	return (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

static struct plan_node *enter_dir(struct plan *p, struct plan_node *parent, const char *name,
				   size_t len, const struct plan_node *like, struct rimg_error *err)
{
	struct plan_node *dir = plan_child(parent, name, len);

	if (!dir) {
		dir = plan_add(p, parent, RIMG_ROLE_DIR, name, len, err);
		if (!dir)
			return NULL;
		dir->mode = like->mode;
		dir->uid = like->uid;
		dir->gid = like->gid;
		dir->ctime = like->ctime;
		dir->mtime = like->mtime;
		dir->atime = like->atime;
	}
	if (dir->role != RIMG_ROLE_DIR) {
		auto_str struct str path = { 0 };

		plan_add_path(&path, dir);
		error_set(err, RIMG_E_ARG, str_cstr(&path), "expected a directory, found a %s",
			  rimg_role_name(dir->role));
		return NULL;
	}
	return dir;
}

struct plan_node *plan_make_parent(struct plan *p, const char *path, const struct plan_node *like,
				   const char **ret_name, struct rimg_error *err)
{
	struct plan_node *dir = p->root;
	size_t pos = 0, len;

	while (next_component(path, &pos, &len)) {
		size_t rest = pos + len;
		size_t rest_len;

		if (is_dots(path + pos, len)) {
			error_set(err, RIMG_E_ARG, path,
				  "expected a path without \".\" and \"..\"");
			return NULL;
		}
		if (!next_component(path, &rest, &rest_len)) {
			*ret_name = path + pos;
			return dir;
		}
		dir = enter_dir(p, dir, path + pos, len, like, err);
		if (!dir)
			return NULL;
		pos += len;
	}
	error_set(err, RIMG_E_ARG, path, "expected the path of an entry, found the root itself");
	return NULL;
}

void plan_link(struct plan_node *node, struct plan_node *target)
{
	while (target->link_to)
		target = target->link_to;
	target->linked = true;
	node->link_to = target;
	node->content = NULL;
}

static bool is_below(const struct plan_node *node, const struct plan_node *top)
{
	while (node && node != top)
		node = node->parent;
	return node == top;
}

/* @gone leaves the tree: its first other name takes its place for the rest. */
static void pass_on(struct plan *p, struct plan_node *gone)
{
	struct plan_node *heir = NULL;

	for (struct plan_node *n = p->root; n; n = plan_next(n)) {
		if (n->link_to != gone)
			continue;
		if (!heir) {
			heir = n;
			heir->content = gone->content;
			heir->link_to = NULL;
		} else {
			plan_link(n, heir);
		}
	}
}

void plan_remove(struct plan *p, struct plan_node *node)
{
	struct plan_node *parent = node->parent;
	uint32_t i = lower_bound(parent, node->name, node->name_len);
	struct plan_node *next;

	for (struct plan_node *n = node; n && is_below(n, node); n = plan_next(n))
		p->n_nodes--;
	parent->n_children--;
	memmove(parent->children + i, parent->children + i + 1,
		(parent->n_children - i) * sizeof(struct plan_node *));
	node->parent = NULL;
	for (struct plan_node *n = node; n; n = next) {
		next = plan_next(n);
		if (n->linked)
			pass_on(p, n);
	}
}

struct plan_node *plan_next(const struct plan_node *node)
{
	if (node->n_children > 0)
		return node->children[0];
	for (const struct plan_node *up = node->parent; up; node = up, up = up->parent) {
		uint32_t i = lower_bound(up, node->name, node->name_len) + 1;

		if (i < up->n_children)
			return up->children[i];
	}
	return NULL;
}

void plan_add_path(struct str *s, const struct plan_node *node)
{
	auto_str struct str stack = { 0 };

	if (!node->parent)
		str_add_char(s, '/');
	for (const struct plan_node *n = node; n->parent; n = n->parent)
		str_add_len(&stack, &n, sizeof(n));
	for (size_t i = stack.len / sizeof(node); i > 0 && !stack.failed; i--) {
		const struct plan_node *n;

		memcpy(&n, stack.data + (i - 1) * sizeof(n), sizeof(n));
		str_add_char(s, '/');
		str_add_escaped(s, n->name, n->name_len, STR_ESCAPE_TEXT);
	}
	s->failed |= stack.failed;
}
