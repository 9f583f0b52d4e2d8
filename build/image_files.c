/* SPDX-License-Identifier: MIT */

/* [[files]]: what the manifest puts into the root file system by name. */

#include <stdlib.h>
#include <string.h>

#include "build/image.h"
#include "core/address.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

#define MODE_DATA 0644
#define MODE_DIR  0755
#define MODE_LINK 0777

void image_chown(struct plan_node *top, const uint32_t *uid, const uint32_t *gid)
{
	for (struct plan_node *n = top; n; n = plan_next(n)) {
		const struct plan_node *up = n;

		while (up && up != top)
			up = up->parent;
		if (!up)
			break;
		if (uid)
			n->uid = *uid;
		if (gid)
			n->gid = *gid;
	}
}

struct plan_node *image_put(struct image_build *b, const char *path, enum rimg_role role,
			    struct rimg_error *err)
{
	struct plan_node like = { .mode = MODE_DIR };
	struct plan_node *parent, *node;
	const char *name;
	bool is_new;

	inputs_stamp(&like, &b->rules);
	if (role == RIMG_ROLE_DIR && strcmp(path, "/") == 0)
		return b->root.root;
	parent = plan_make_parent(&b->root, path, &like, &name, err);
	if (!parent)
		return NULL;
	is_new = role != RIMG_ROLE_DIR || !plan_child(parent, name, strlen(name));
	node = inputs_put(&b->root, parent, role, name, strlen(name), &b->rules, err);
	if (node && is_new) {
		inputs_stamp(node, &b->rules);
		node->mode = role == RIMG_ROLE_DIR       ? MODE_DIR
			     : role == RIMG_ROLE_SYMLINK ? MODE_LINK
							 : MODE_DATA;
	}
	return node;
}

/* ---- appending ---------------------------------------------------------------------------- */

/* Two contents, one behind the other. */
struct joined {
	const struct rimg_source *first, *second;
};

static int read_joined(const void *ctx, uint64_t off, void *buf, size_t len, struct rimg_error *err)
{
	const struct joined *j = ctx;
	uint64_t first_len = rimg_source_size(j->first);
	size_t n = off < first_len ? (size_t)num_min(len, first_len - off) : 0;
	int rc = n > 0 ? rimg_source_read(j->first, off, buf, n, err) : 0;

	if (rc < 0 || n == len)
		return rc;
	return rimg_source_read(j->second, off + n - first_len, (uint8_t *)buf + n, len - n, err);
}

static int join(struct image_build *b, struct plan_node *node, const struct rimg_source *before,
		struct rimg_error *err)
{
	struct joined *j = arena_alloc(&b->root.arena, sizeof(*j));
	uint64_t size;

	if (!j || !num_add(rimg_source_size(before), rimg_source_size(node->content), &size))
		return error_nomem(err);
	*j = (struct joined){ .first = before, .second = node->content };
	node->content = source_custom(&b->root.arena, size, "appended file", read_joined, j);
	return node->content ? 0 : error_nomem(err);
}

/* ---- one entry ---------------------------------------------------------------------------- */

static int put_tree(struct image_build *b, const struct manifest_file *f, struct plan_node **ret,
		    struct rimg_error *err)
{
	struct inputs_rules rules = b->rules;
	struct rimg_node *from;
	struct plan_node *dir;

	rules.skip_special = f->skip_special;
	if (artifacts_is_dir(f->source)) {
		auto_free char *path = NULL;
		const char *steps;

		*ret = dir = image_put(b, f->path, RIMG_ROLE_DIR, err);
		if (!dir)
			return -RIMG_E_ARG;
		if (address_split(f->source->path, &path, &steps, err) < 0)
			return -RIMG_E_ARG;
		return inputs_add_dir(&b->root, dir, path, f->source->text, &rules, err);
	}
	from = image_find(b, f->source, err);
	if (!from)
		return -RIMG_E_NOENT;
	if (from->role != RIMG_ROLE_DIR && from->role != RIMG_ROLE_PARTITION) {
		*ret = NULL; /* a file */
		return 0;
	}
	*ret = dir = image_put(b, f->path, RIMG_ROLE_DIR, err);
	return dir ? inputs_add_node(&b->root, dir, from, f->source->text, &rules, err)
		   : -RIMG_E_ARG;
}

static int set_source(struct image_build *b, const struct manifest_file *f, struct plan_node *node,
		      struct rimg_error *err)
{
	auto_free char *path = NULL;
	const char *steps;
	struct rimg_node *from;

	if (address_split(f->source->path, &path, &steps, err) < 0)
		return -RIMG_E_ARG;
	if (*steps == '\0')
		return inputs_set_file(&b->root, node, path, f->source->text, &b->rules, err);
	from = image_find(b, f->source, err);
	node->origin = f->source->text;
	return from ? inputs_set_node(node, from, err) : -RIMG_E_NOENT;
}

static int put_content(struct image_build *b, const struct manifest_file *f, struct plan_node **ret,
		       struct rimg_error *err)
{
	const struct plan_node *old = plan_find(&b->root, f->path);
	const struct rimg_source *before = NULL;
	enum rimg_role role = f->kind == MANIFEST_FILE_SYMLINK ? RIMG_ROLE_SYMLINK : RIMG_ROLE_FILE;
	struct inputs_rules quiet = b->rules;
	struct plan_node *node;
	int rc;

	if (f->append && old && old->role == RIMG_ROLE_FILE) {
		before = plan_owner(old)->content;
		b->rules.replaced = NULL; /* what is appended to is not lost */
	}
	*ret = node = image_put(b, f->path, role, err);
	b->rules.replaced = quiet.replaced;
	if (!node)
		return -RIMG_E_ARG;
	if (f->kind == MANIFEST_FILE_SOURCE)
		rc = set_source(b, f, node, err);
	else
		rc = inputs_set_bytes(&b->root, node, f->data, f->data_len) < 0 ? error_nomem(err)
										: 0;
	return rc == 0 && before ? join(b, node, before, err) : rc;
}

static int put_hard_link(struct image_build *b, const struct manifest_file *f,
			 struct plan_node **ret, struct rimg_error *err)
{
	struct plan_node *target = plan_find(&b->root, f->target);

	if (!target || target->role != RIMG_ROLE_FILE)
		return error_set(err, RIMG_E_NOENT, f->path,
				 "expected a file at %s to link to, found %s; list it before this",
				 f->target, target ? rimg_role_name(target->role) : "nothing");
	*ret = image_put(b, f->path, RIMG_ROLE_FILE, err);
	if (!*ret)
		return -RIMG_E_ARG;
	plan_link(*ret, target);
	return 0;
}

static int add_file(struct image_build *b, const struct manifest_file *f, struct rimg_error *err)
{
	struct plan_node *node = NULL;
	int rc = 0;

	if (f->kind == MANIFEST_FILE_SOURCE)
		rc = put_tree(b, f, &node, err);
	if (rc == 0 && f->kind == MANIFEST_FILE_DIRECTORY)
		rc = (node = image_put(b, f->path, RIMG_ROLE_DIR, err)) ? 0 : -RIMG_E_ARG;
	else if (rc == 0 && f->kind == MANIFEST_FILE_HARDLINK)
		rc = put_hard_link(b, f, &node, err);
	else if (rc == 0 && !node)
		rc = put_content(b, f, &node, err);
	if (rc < 0)
		return rc;
	if (f->recursive_chown)
		image_chown(node, f->has_uid ? &f->uid : NULL, f->has_gid ? &f->gid : NULL);
	if (node->link_to)
		node = node->link_to;
	if (f->has_mode)
		node->mode = f->mode;
	if (f->has_uid)
		node->uid = f->uid;
	if (f->has_gid)
		node->gid = f->gid;
	return 0;
}

int image_add_files(struct image_build *b, bool postinstall, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->m->n_files && rc == 0; i++) {
		const struct manifest_file *f = &b->m->files[i];

		if (f->postinstall == postinstall)
			rc = image_at(f->place, add_file(b, f, err), err);
	}
	return rc;
}
