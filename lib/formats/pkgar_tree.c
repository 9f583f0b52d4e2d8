/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "formats/pkgar.h"

/* The table is a list of paths. Sorted, all that lies in a folder stands in a row, so one walk
 * finds every folder; the nodes are then made in the order of the table. */

#define NO_DIR SIZE_MAX /* above a directory: the top; no directory has so high a number */

struct dir {
	size_t parent;
	const uint8_t *path; /* of an entry in it */
	uint16_t path_len;   /* of the folder's own path in it */
	uint16_t name_off;   /* where its last component begins */
	bool below_file;     /* a file or link has that path, too */
	struct rimg_node *node;
};

struct tree {
	struct pkgar *p;
	struct rimg_error *err;
	struct pkgar_entry *
		*order; /* those with a path that can be used, sorted: n_order of them */
	size_t n_order;
	struct dir *dirs;
	size_t n_dirs, cap_dirs;
	size_t *dir_of;                /* the folder of each entry, by its number */
	size_t stack[PKGAR_DEPTH_MAX]; /* the folders that the entry looked at lies in */
	size_t depth;
};

static void done(struct tree *t)
{
	free(t->order);
	free(t->dirs);
	free(t->dir_of);
}

static size_t number_of(const struct tree *t, const struct pkgar_entry *e)
{
	return (size_t)(e - t->p->entries);
}

/* ---- paths -------------------------------------------------------------------------------- */

/* Is a component of a path a name, and not "", "." or ".."? */
static bool is_normal(const uint8_t *name, size_t len)
{
	return !(len == 0 || (len == 1 && name[0] == '.') ||
		 (len == 2 && name[0] == '.' && name[1] == '.'));
}

/* Why the path of an entry cannot be used: a code and what was expected; NULL if it can. */
static const char *path_defect(const struct tree *t, const struct pkgar_entry *e,
			       const char **ret_expected)
{
	const uint8_t *path = e->path;
	size_t len = e->path_len, begin = 0;
	uint32_t depth = 0;

	*ret_expected = "a path of 1 to 255 bytes with a NUL behind";
	if (len == 0 || len == PKGAR_PATH_LEN)
		return "pkgar.path";
	*ret_expected = "a relative path whose parts are names";
	for (size_t i = 0; i <= len; i++) {
		if (i < len && path[i] != '/')
			continue;
		if (!is_normal(path + begin, i - begin))
			return "pkgar.path";
		begin = i + 1;
		depth += i < len;
	}
	*ret_expected = "fewer directories inside each other" LIMIT_MORE("dir-depth");
	return depth > t->p->l->image->ctx->limits.dir_depth ? "pkgar.depth" : NULL;
}

/* '/' sorts before all other bytes, so that what lies in a folder follows its path in a row. */
static int rank(uint8_t c)
{
	return c == '/' ? 0 : c;
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct pkgar_entry *a = *(struct pkgar_entry *const *)pa;
	const struct pkgar_entry *b = *(struct pkgar_entry *const *)pb;
	size_t len = (size_t)num_min(a->path_len, b->path_len);

	for (size_t i = 0; i < len; i++)
		if (a->path[i] != b->path[i])
			return rank(a->path[i]) < rank(b->path[i]) ? -1 : 1;
	if (a->path_len != b->path_len)
		return a->path_len < b->path_len ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static int sort_entries(struct tree *t)
{
	struct pkgar *p = t->p;
	const char *expected;

	t->order = calloc(p->n + 1, sizeof(*t->order));
	t->dir_of = calloc(p->n + 1, sizeof(*t->dir_of));
	if (!t->order || !t->dir_of)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < p->n; i++) {
		t->dir_of[i] = NO_DIR;
		if (!path_defect(t, &p->entries[i], &expected))
			t->order[t->n_order++] = &p->entries[i];
	}
	if (t->n_order > 0)
		qsort(t->order, t->n_order, sizeof(*t->order), compare_entries);
	return 0;
}

/* ---- folders ------------------------------------------------------------------------------ */

static bool has_path(const struct pkgar_entry *e, const uint8_t *path, size_t len)
{
	return e && e->path_len == len && memcmp(e->path, path, len) == 0;
}

static bool lies_in(const struct pkgar_entry *e, const struct dir *d)
{
	return e->path_len > d->path_len && e->path[d->path_len] == '/' &&
	       memcmp(e->path, d->path, d->path_len) == 0;
}

static int push_dir(struct tree *t, const struct pkgar_entry *e, size_t name_off, size_t end,
		    const struct pkgar_entry *before)
{
	const struct rimg_limits *limits = &t->p->l->image->ctx->limits;
	struct dir *dirs;

	/* there are more folders than entries, if the image wants it so */
	if (t->n_dirs >= limits->nodes)
		return error_set(t->err, RIMG_E_LIMIT, layer_address(t->p->l),
				 "its folders are more than the limit of %" PRIu64
				 " nodes" LIMIT_MORE("nodes"),
				 limits->nodes);
	dirs = vec_grow(t->dirs, &t->cap_dirs, t->n_dirs, sizeof(*dirs));
	if (!dirs)
		return -RIMG_E_NOMEM;
	t->dirs = dirs;
	dirs[t->n_dirs] = (struct dir){ .parent = t->depth ? t->stack[t->depth - 1] : NO_DIR,
					.path = e->path,
					.path_len = (uint16_t)end,
					.name_off = (uint16_t)name_off,
					.below_file = has_path(before, e->path, end) };
	t->stack[t->depth++] = t->n_dirs++;
	return 0;
}

/* Leave the folders that @e is not in, and enter those above it; @before comes before it in order.
 */
static int enter(struct tree *t, const struct pkgar_entry *e, const struct pkgar_entry *before)
{
	size_t begin = 0;

	while (t->depth > 0 && !lies_in(e, &t->dirs[t->stack[t->depth - 1]]))
		t->depth--;
	if (t->depth > 0)
		begin = (size_t)t->dirs[t->stack[t->depth - 1]].path_len + 1;
	for (size_t i = begin; i < e->path_len; i++) {
		int rc;

		if (e->path[i] != '/')
			continue;
		rc = push_dir(t, e, begin, i, before);
		if (rc < 0)
			return rc;
		begin = i + 1;
	}
	return 0;
}

static int find_dirs(struct tree *t)
{
	const struct pkgar_entry *before = NULL;

	for (size_t i = 0; i < t->n_order; i++) {
		struct pkgar_entry *e = t->order[i];
		int rc = enter(t, e, before);

		if (rc < 0)
			return rc;
		if (t->depth > 0)
			t->dir_of[number_of(t, e)] = t->stack[t->depth - 1];
		e->twice = before && has_path(before, e->path, e->path_len);
		before = e;
	}
	return 0;
}

/* ---- nodes -------------------------------------------------------------------------------- */

/* A folder as readers make it; no byte of the archive says anything of it. */
static struct rimg_node *folder_node(struct rimg_layer *l, struct rimg_node *parent,
				     const void *name, size_t len)
{
	struct rimg_node *node = layer_node(l, parent, RIMG_ROLE_DIR, name, len);

	if (!node ||
	    attr_add_u64(l, node, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, PLACE_NONE, 0755) < 0)
		return NULL;
	return node;
}

static struct rimg_node *make_dir(struct tree *t, struct dir *d, struct rimg_node *parent)
{
	struct rimg_layer *l = t->p->l;

	d->node = folder_node(l, parent, d->path + d->name_off, (size_t)d->path_len - d->name_off);
	if (d->node && d->below_file)
		layer_finding(l, SEVERITY_ERROR, "pkgar.below-file", d->node, 0, 0,
			      "expected entries in folders only, found some below the path of a "
			      "file or link");
	return d->node;
}

/* The node of a folder, made with those above it where they are missing. */
static struct rimg_node *dir_node(struct tree *t, size_t number)
{
	size_t missing[PKGAR_DEPTH_MAX], n = 0;
	struct rimg_node *node;

	for (; number < t->n_dirs && !t->dirs[number].node; number = t->dirs[number].parent)
		missing[n++] = number;
	node = number < t->n_dirs ? t->dirs[number].node : t->p->l->top;
	while (n > 0 && node)
		node = make_dir(t, &t->dirs[missing[--n]], node);
	return node;
}

static enum rimg_role role_of(const struct pkgar_entry *e)
{
	if (!pkgar_mode_is_valid(e->mode))
		return RIMG_ROLE_OTHER;
	return pkgar_is_symlink(e) ? RIMG_ROLE_SYMLINK : RIMG_ROLE_FILE;
}

/* An entry without a path that can be used gets a name from its number, and no folder. */
static int add_nameless(struct tree *t, struct pkgar_entry *e, const char *code,
			const char *expected)
{
	struct rimg_layer *l = t->p->l;
	struct place place = PLACE(e->at + PKGAR_PATH_OFF, PKGAR_PATH_LEN);
	char name[40];

	snprintf(name, sizeof(name), "?entry-%zu", number_of(t, e));
	e->node = layer_node(l, l->top, role_of(e), name, strlen(name));
	if (!e->node)
		return -RIMG_E_NOMEM;
	layer_finding(l, SEVERITY_ERROR, code, e->node, place.off, place.len,
		      "expected %s, found \"%.*s\"", expected, (int)e->path_len,
		      (const char *)e->path);
	return attr_add_bytes(l, e->node, "path", ATTR_TEXT, RIMG_CAUSE_CONTENT, place, e->path,
			      e->path_len);
}

static void check_padding(struct tree *t, const struct pkgar_entry *e)
{
	for (size_t i = e->path_len; i < PKGAR_PATH_LEN; i++) {
		if (e->path[i] == 0)
			continue;
		layer_finding(t->p->l, SEVERITY_WARNING, "pkgar.path-padding", e->node,
			      e->at + PKGAR_PATH_OFF + i, 1,
			      "expected zeros behind the path, found 0x%02x", e->path[i]);
		return;
	}
}

static int add_entry(struct tree *t, struct pkgar_entry *e)
{
	const char *expected, *defect = path_defect(t, e, &expected);
	struct rimg_layer *l = t->p->l;
	struct rimg_node *dir;
	size_t begin = e->path_len;

	if (defect)
		return add_nameless(t, e, defect, expected);
	dir = dir_node(t, t->dir_of[number_of(t, e)]);
	if (!dir)
		return -RIMG_E_NOMEM;
	while (begin > 0 && e->path[begin - 1] != '/')
		begin--;
	e->node = layer_node(l, dir, role_of(e), e->path + begin, e->path_len - begin);
	if (!e->node)
		return -RIMG_E_NOMEM;
	if (e->twice)
		layer_finding(l, SEVERITY_ERROR, "pkgar.duplicate", e->node, e->at, PKGAR_ENTRY_LEN,
			      "expected one entry of this path, found a second one");
	check_padding(t, e);
	return 0;
}

int pkgar_make_tree(struct pkgar *p, struct rimg_error *err)
{
	auto_with(done) struct tree t = { .p = p, .err = err };
	int rc;

	p->l->top = folder_node(p->l, p->l->root, "/", 1);
	if (!p->l->top)
		return -RIMG_E_NOMEM;
	rc = sort_entries(&t);
	if (rc == 0)
		rc = find_dirs(&t);
	for (size_t i = 0; i < p->n && rc == 0; i++)
		rc = add_entry(&t, &p->entries[i]);
	return rc;
}
