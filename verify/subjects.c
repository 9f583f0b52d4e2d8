/* SPDX-License-Identifier: MIT */
#include "verify/subjects.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/pool.h"
#include "core/str.h"

struct collector {
	struct subjects *s;
	struct rimg_node *base; /* the artifact; names begin here */
	const char *name;
	const struct rimg_source **sources; /* of s->list, by index */
	size_t cap;
	struct rimg_error *err;
};

void subjects_done(struct subjects *s)
{
	free(s->list);
	arena_done(&s->arena);
}

/* ---- finding -------------------------------------------------------------------------------- */

/* The name of the artifact, and the steps that lead from it to @node. */
static const char *name_of(const struct collector *c, const struct rimg_node *node)
{
	auto_str struct str all = { 0 }, base = { 0 }, out = { 0 };
	const char *rest;

	node_add_address(&all, node);
	node_add_address(&base, c->base);
	if (all.failed || base.failed)
		return NULL;
	rest = str_cstr(&all);
	if (base.len > 0)
		rest = strlen(rest) > base.len + 1 ? rest + base.len + 2 : "";
	str_add(&out, c->name);
	if (*rest)
		str_printf(&out, "::%s", rest);
	return out.failed ? NULL : arena_copy(&c->s->arena, out.data, out.len);
}

static int add(struct collector *c, const struct rimg_node *node)
{
	const struct rimg_source **sources;
	struct subject *list;
	const char *name;

	if (!node->content)
		return 0;
	if (c->s->n >= STATEMENT_SUBJECTS_MAX)
		return error_set(c->err, RIMG_E_LIMIT, c->name, "more than %u things to vouch for",
				 STATEMENT_SUBJECTS_MAX);
	name = name_of(c, node);
	list = vec_grow(c->s->list, &c->s->cap, c->s->n, sizeof(*list));
	if (list)
		c->s->list = list;
	sources = vec_grow(c->sources, &c->cap, c->s->n, sizeof(*sources));
	if (sources)
		c->sources = sources;
	if (!name || !list || !sources)
		return error_nomem(c->err);
	list[c->s->n] = (struct subject){ .name = name };
	sources[c->s->n++] = node->content;
	return 0;
}

/* The next node below @top, depth first; directories are gone into. */
static struct rimg_node *next_below(const struct rimg_node *top, struct rimg_node *node)
{
	if (node->role == RIMG_ROLE_DIR && node->first_child)
		return node->first_child;
	while (node != top && !node->next)
		node = node->parent;
	return node == top ? NULL : node->next;
}

/* All files in a directory and below it. */
static int add_files(struct collector *c, struct rimg_node *dir)
{
	int rc = 0;

	if (!dir || dir->role != RIMG_ROLE_DIR)
		return 0;
	for (struct rimg_node *n = next_below(dir, dir); n && rc == 0; n = next_below(dir, n))
		if (n->role == RIMG_ROLE_FILE)
			rc = add(c, n);
	return rc;
}

/* The directory at a path such as "usr/lib/boot", in any case of letters for FAT; NULL: none. */
static struct rimg_node *find_dir(struct rimg_node *top, const char *path, bool any_case)
{
	struct rimg_node *at = top;

	while (at && *path) {
		size_t len = strcspn(path, "/");
		struct rimg_node *found = NULL;

		rimg_for_each_child(child, at)
			if (child->role == RIMG_ROLE_DIR && child->name_len == len &&
			    (any_case ? strncasecmp(child->name, path, len)
				      : memcmp(child->name, path, len)) == 0)
				found = child;
		at = found;
		path += len + (path[len] == '/');
	}
	return at;
}

/* What a machine starts from, if @l is a file system. */
static int add_boot_files(struct collector *c, struct rimg_layer *l)
{
	const char *format = layer_format_name(l);
	int rc = 0;

	if (strcmp(format, "fat") == 0)
		return add_files(c, find_dir(l->top, "EFI", true));
	if (strcmp(format, "redoxfs") != 0)
		return 0;
	rc = add_files(c, find_dir(l->top, "boot", false));
	return rc < 0 ? rc : add_files(c, find_dir(l->top, "usr/lib/boot", false));
}

/* The artifact, and what is in it: partitions one deep, files of the file systems in them. */
static int find_all(struct collector *c)
{
	struct rimg_layer *l = NULL;
	int rc = add(c, c->base);

	if (rc == 0)
		rc = node_open(c->base, &l, c->err);
	if (rc < 0 || !l)
		return rc;
	rc = add_boot_files(c, l);
	rimg_for_each_child(child, l->top) {
		struct rimg_layer *inner = NULL;

		if (rc == 0 && child->role == RIMG_ROLE_PARTITION) {
			rc = add(c, child);
			if (rc == 0)
				rc = node_open(child, &inner, c->err);
			if (rc == 0 && inner)
				rc = add_boot_files(c, inner);
		}
	}
	return rc;
}

/* ---- hashing -------------------------------------------------------------------------------- */

struct hashing {
	const struct collector *c;
	int *rc;
	struct rimg_error *errors; /* of each */
};

static void hash_one(void *arg, size_t i)
{
	struct hashing *h = arg;

	h->rc[i] = digest_source(h->c->sources[i], h->c->s->list[i].sha256, &h->errors[i]);
}

static int hash_all(const struct collector *c, unsigned threads)
{
	auto_free int *rc = calloc(c->s->n, sizeof(*rc));
	auto_free struct rimg_error *errors = calloc(c->s->n, sizeof(*errors));
	struct hashing h = { .c = c, .rc = rc, .errors = errors };

	if (!rc || !errors)
		return error_nomem(c->err);
	pool_for(threads, c->s->n, hash_one, &h);
	for (size_t i = 0; i < c->s->n; i++)
		if (rc[i] < 0) {
			if (c->err)
				*c->err = errors[i];
			return rc[i];
		}
	return 0;
}

int subjects_collect(struct subjects *s, struct rimg_node *node, const char *name,
		     struct rimg_error *err)
{
	struct collector c = { .s = s, .base = node, .name = name, .err = err };
	int rc;

	arena_init(&s->arena, 0);
	rc = find_all(&c);
	if (rc == 0)
		rc = hash_all(&c, node->image->ctx->threads);
	free(c.sources);
	return rc;
}
