/* SPDX-License-Identifier: MIT */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/mem.h"
#include "core/node.h"

/* What is to be made: a tree of directories, files and links, which an emitter of a file system
 * turns into bytes. Everything lives in the plan's arena, sources excepted. */

struct plan_time {
	int64_t s; /* since 1970 UTC */
	uint32_t ns;
};

struct plan_node {
	struct plan_node *parent;    /* NULL for the root */
	struct plan_node **children; /* sorted by name bytes */
	const char *name;            /* name_len bytes, a NUL behind; "" for the root */
	uint32_t name_len;
	uint32_t n_children, cap_children;
	enum rimg_role role; /* DIR, FILE, SYMLINK, SOCKET or OTHER; emitters refuse what they
				cannot hold */
	uint32_t mode;       /* permission bits, 07777 */
	uint32_t uid, gid;
	struct plan_time ctime, mtime, atime;
	const struct rimg_source *content; /* of a FILE, or the target of a SYMLINK; NULL: empty */
	struct plan_node *link_to; /* hard link: the FILE it is another name of; plan_link() */
	bool linked;               /* others may link to it */
	const char *origin;        /* where it comes from, for messages; or NULL */
	uint64_t id;               /* for the emitter alone */
	uint32_t n_links;          /* for the emitter alone */
};

struct plan {
	struct arena arena;
	struct plan_node *root; /* a DIR, mode 0755 */
	uint64_t n_nodes;       /* the root included */
};

/** plan_init - a plan with an empty root; -RIMG_E_NOMEM */
int plan_init(struct plan *p);
void plan_done(struct plan *p);

/**
 * plan_add - a new child, kept in order of name bytes
 *
 * Children added in ascending order cost no search. The caller fills in the rest.
 * Returns the node; NULL when the name is taken (@err: ARG) or without memory.
 */
struct plan_node *plan_add(struct plan *p, struct plan_node *parent, enum rimg_role role,
			   const void *name, size_t name_len, struct rimg_error *err);

/** plan_child - the child of that name, or NULL */
struct plan_node *plan_child(const struct plan_node *parent, const void *name, size_t name_len);

/** plan_find - follow "/a/b" from the root; NULL if it is not there. Links are not followed. */
struct plan_node *plan_find(const struct plan *p, const char *path);

/**
 * plan_make_parent - the directory that @path lies in, made with its parents where it is missing
 * @like: mode, owner and times of directories that are made
 * @ret_name: the last component inside @path
 *
 * Returns NULL when a component is a file or link, empty, "." or ".." (@err: ARG).
 */
struct plan_node *plan_make_parent(struct plan *p, const char *path, const struct plan_node *like,
				   const char **ret_name, struct rimg_error *err);

/** plan_owner - the node that has the content and attributes: itself, or what it links to */
static inline const struct plan_node *plan_owner(const struct plan_node *node)
{
	return node->link_to ? node->link_to : node;
}

/** plan_link - make @node another name of @target; of what that links to, if it is a link itself */
void plan_link(struct plan_node *node, struct plan_node *target);

/**
 * plan_remove - take a node and all below it out of the tree
 *
 * Where other names of a file stay, the first of them (in order of the walk) becomes the file.
 */
void plan_remove(struct plan *p, struct plan_node *node);

/** plan_next - depth first, a directory before what is in it, children in order; NULL at the end */
struct plan_node *plan_next(const struct plan_node *node);

/** plan_add_path - add "/a/b" to @s, escaped for messages */
struct str;
void plan_add_path(struct str *s, const struct plan_node *node);

#endif
