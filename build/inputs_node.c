/* SPDX-License-Identifier: MIT */

/* Parts of opened images as inputs of a plan. */

#include <string.h>

#include "build/inputs.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/str.h"

static int refuse(const struct rimg_node *node, struct rimg_error *err, int code, const char *why)
{
	auto_free char *where = node_full_address(node);

	return error_set(err, code, where, "%s", why);
}

static int check_sound(const struct rimg_node *node, struct rimg_error *err)
{
	if (node->damaged || node->unread)
		return refuse(node, err, RIMG_E_BAD,
			      "this is damaged (see `rimg info` of it), so it is not passed on");
	return 0;
}

int inputs_set_node(struct plan_node *node, const struct rimg_node *from, struct rimg_error *err)
{
	int rc = check_sound(from, err);

	if (rc < 0)
		return rc;
	if (!from->content)
		return refuse(from, err, RIMG_E_ARG, "expected something that has bytes");
	node->content = from->content;
	node->mode = (uint32_t)node_attr_u64(from, "mode", 0644);
	return 0;
}

/* The directory whose entries are meant: @node itself or the top of the file system in it. */
static int find_dir(struct rimg_node *node, struct rimg_node **ret, struct rimg_error *err)
{
	struct rimg_layer *l;
	int rc;

	*ret = node;
	if (node->role == RIMG_ROLE_DIR)
		return 0;
	rc = node_open(node, &l, err);
	if (rc < 0)
		return rc;
	if (!l || l->unreadable || l->top->role != RIMG_ROLE_DIR)
		return refuse(node, err, RIMG_E_ARG,
			      "expected a directory or a file system that can be read");
	*ret = l->top;
	return 0;
}

/* "shown" and the path within the file system: "old.img::REDOX::/bin/sh". */
static int set_origin(struct plan *p, struct plan_node *node, const struct rimg_node *from,
		      const char *shown)
{
	auto_str struct str origin = { 0 };

	if (!shown || from->role == RIMG_ROLE_DIR)
		return 0;
	str_printf(&origin, "%s::", shown);
	node_add_path(&origin, from);
	node->origin = origin.failed ? NULL : arena_copy(&p->arena, origin.data, origin.len);
	return node->origin ? 0 : -RIMG_E_NOMEM;
}

static void copy_attributes(struct plan_node *node, const struct rimg_node *from,
			    const struct inputs_rules *rules)
{
	uint32_t mode = from->role == RIMG_ROLE_DIR ? 0755 : 0644;

	inputs_stamp(node, rules);
	node->mode = (uint32_t)node_attr_u64(from, "mode", mode);
	node->uid = (uint32_t)node_attr_u64(from, "uid", rules->uid);
	node->gid = (uint32_t)node_attr_u64(from, "gid", rules->gid);
	node->content = from->content;
}

static bool is_entry(const struct rimg_node *node)
{
	return node->role != RIMG_ROLE_META && node->role != RIMG_ROLE_GAP;
}

/* A folder that only the paths of an archive tell of: nothing there says what it is like. */
static bool is_implied(const struct rimg_node *dir)
{
	const struct rimg_attr *mode = node_attr(dir, "mode");

	return dir->role == RIMG_ROLE_DIR && mode && mode->place.len == 0;
}

/* First all entries, each remembered at the node it came from; then the hard links, whose other
 * name may come before or after them. As deep as directories nest, which openers bound. */
static int add_entries(struct plan *p, struct plan_node *into, struct rimg_node *dir,
		       const char *shown, const struct inputs_rules *rules, struct rimg_error *err)
{
	rimg_for_each_child(from, dir) {
		struct plan_node *node;
		bool keep;
		int rc;

		if (!is_entry(from))
			continue;
		rc = check_sound(from, err);
		if (rc < 0)
			return rc;
		keep = is_implied(from) && plan_child(into, from->name, from->name_len);
		node = inputs_put(p, into, from->role, from->name, from->name_len, rules, err);
		if (!node)
			return -RIMG_E_ARG;
		from->mark = node;
		if (!keep)
			copy_attributes(node, from, rules);
		if (set_origin(p, node, from, shown) < 0)
			return error_nomem(err);
		if (from->role == RIMG_ROLE_DIR)
			rc = add_entries(p, node, from, shown, rules, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void link_entries(struct rimg_node *dir)
{
	rimg_for_each_child(from, dir) {
		struct plan_node *node = from->mark;

		if (is_entry(from) && from->link_to && from->link_to->mark)
			plan_link(node, from->link_to->mark);
		if (from->role == RIMG_ROLE_DIR)
			link_entries(from);
	}
}

int inputs_add_node(struct plan *p, struct plan_node *into, struct rimg_node *node,
		    const char *shown, const struct inputs_rules *rules, struct rimg_error *err)
{
	struct rimg_node *dir;
	int rc = find_dir(node, &dir, err);

	if (rc == 0)
		rc = check_sound(dir, err);
	if (rc < 0)
		return rc;
	if (!is_implied(dir))
		copy_attributes(into, dir, rules);
	into->content = NULL;
	rc = add_entries(p, into, dir, shown, rules, err);
	if (rc == 0)
		link_entries(dir);
	return rc;
}
