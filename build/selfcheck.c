/* SPDX-License-Identifier: MIT */
#include "build/selfcheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/layer.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/str.h"

#define PIECE ((size_t)512 << 10)

/* One piece of contents to compare: the same range on both sides. */
struct piece {
	const struct plan_node *node;
	const struct rimg_source *planned, *found;
	uint64_t off;
	size_t len;
	bool differs;
	int rc;
	struct rimg_error *err; /* of a failure */
};

struct check {
	const struct emit_request *rq;
	struct piece *pieces;
	size_t n, cap;
	struct rimg_error *err;
};

static void check_done(struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->pieces[i].err);
	free(c->pieces);
}

static int mismatch(const struct check *c, const struct plan_node *node, const char *what)
{
	return emit_refuse(
		c->err, RIMG_E_INTERNAL, node,
		"what was written is not what was planned (%s); nothing was kept; please "
		"report this",
		what);
}

/* ---- contents ----------------------------------------------------------------------------- */

static void compare_piece(void *arg, size_t i)
{
	struct check *c = arg;
	struct piece *p = &c->pieces[i];
	auto_free uint8_t *a = malloc(p->len);
	auto_free uint8_t *b = malloc(p->len);
	struct rimg_error err;
	int rc = a && b ? 0 : error_nomem(&err);

	if (rc == 0)
		rc = rimg_source_read(p->planned, p->off, a, p->len, &err);
	if (rc == 0)
		rc = rimg_source_read(p->found, p->off, b, p->len, &err);
	p->differs = rc == 0 && memcmp(a, b, p->len) != 0;
	p->rc = error_keep(&p->err, rc, &err);
}

static int add_pieces(struct check *c, const struct plan_node *node,
		      const struct rimg_source *planned, const struct rimg_source *found)
{
	uint64_t size = planned ? rimg_source_size(planned) : 0;

	if ((found ? rimg_source_size(found) : 0) != size)
		return mismatch(c, node, "size");
	for (uint64_t off = 0; off < size;) {
		struct piece *pieces = vec_grow(c->pieces, &c->cap, c->n, sizeof(*pieces));
		size_t len = (size_t)num_min(size - off, PIECE);

		if (!pieces)
			return error_nomem(c->err);
		c->pieces = pieces;
		pieces[c->n++] = (struct piece){
			.node = node, .planned = planned, .found = found, .off = off, .len = len
		};
		off += len;
	}
	return 0;
}

static int compare_pieces(struct check *c)
{
	pool_for(c->rq->ctx->threads, c->n, compare_piece, c);
	for (size_t i = 0; i < c->n; i++) {
		if (c->pieces[i].rc < 0)
			return error_give(c->err, c->pieces[i].rc, c->pieces[i].err);
		if (c->pieces[i].differs)
			return mismatch(c, c->pieces[i].node, "contents");
	}
	return 0;
}

/* ---- entries ------------------------------------------------------------------------------ */

/* A format that lacks an attribute says nothing about it. */
static bool number_agrees(const struct rimg_node *found, const char *key, uint64_t planned)
{
	return node_attr_u64(found, key, planned) == planned;
}

static bool time_agrees(const struct rimg_node *found, const char *key,
			const struct plan_time *planned)
{
	const struct rimg_attr *a = node_attr(found, key);

	/* only RedoxFS stores whole times; FAT's are steps of two seconds from 1980 on */
	if (!a || strcmp(found->layer->format->name, "redoxfs") != 0)
		return true;
	return a->time.s == planned->s && a->time.ns == planned->ns;
}

static int compare_entry(struct check *c, const struct plan_node *node,
			 const struct rimg_node *found)
{
	const struct plan_node *owner = plan_owner(node);

	if (node->role != found->role)
		return mismatch(c, node, "type");
	if (!number_agrees(found, "mode", owner->mode) ||
	    !number_agrees(found, "uid", owner->uid) || !number_agrees(found, "gid", owner->gid))
		return mismatch(c, node, "permissions or owners");
	if (!time_agrees(found, "ctime", &owner->ctime) ||
	    !time_agrees(found, "mtime", &owner->mtime) ||
	    !time_agrees(found, "atime", &owner->atime))
		return mismatch(c, node, "times");
	if (!number_agrees(found, "links", owner->n_links))
		return mismatch(c, node, "number of links");
	if (node->role == RIMG_ROLE_DIR)
		return 0;
	return add_pieces(c, node, owner->content, found->content);
}

static int compare_dir(struct check *c, const struct plan_node *dir, struct rimg_node *found)
{
	struct rimg_node **list = node_by_name(found);

	if (found->n_children != dir->n_children)
		return mismatch(c, dir, "number of entries");
	if (!list && found->n_children > 0)
		return error_nomem(c->err);
	for (uint32_t i = 0; i < dir->n_children; i++) {
		const struct plan_node *node = dir->children[i];
		int rc;

		if (list[i]->name_len != node->name_len ||
		    memcmp(list[i]->name, node->name, node->name_len) != 0)
			return mismatch(c, node, "name");
		rc = compare_entry(c, node, list[i]);
		if (rc == 0 && node->role == RIMG_ROLE_DIR)
			rc = compare_dir(c, node, list[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int no_findings(const struct rimg_layer *l, const char *name, struct rimg_error *err)
{
	for (size_t i = 0; i < l->n_findings; i++)
		if (l->findings[i].severity == SEVERITY_ERROR)
			return error_at(
				err, RIMG_E_INTERNAL, name, l->findings[i].off,
				"what was written is not sound (%s [%s]); nothing was kept; "
				"please report this",
				l->findings[i].text, l->findings[i].code);
	return 0;
}

int selfcheck_tree(const struct emit_request *rq, const struct rimg_source *written,
		   const char *name, const char *format, struct rimg_error *err)
{
	auto_with(check_done) struct check c = { .rq = rq, .err = err };
	struct rimg_image *image = image_open_part(rq->ctx, written, name, err);
	struct rimg_layer *l;
	int rc;

	if (!image)
		return -RIMG_E_NOMEM;
	rc = node_open(rimg_image_root(image), &l, err);
	if (rc == 0 && (!l || strcmp(layer_format_name(l), format) != 0))
		rc = error_set(err, RIMG_E_INTERNAL, name,
			       "what was written is not recognised as %s; nothing was kept; please "
			       "report this",
			       format);
	if (rc == 0)
		rc = no_findings(l, name, err);
	if (rc == 0)
		rc = compare_entry(&c, rq->tree->root, l->top);
	if (rc == 0)
		rc = compare_dir(&c, rq->tree->root, l->top);
	if (rc == 0)
		rc = compare_pieces(&c);
	rimg_image_free(image);
	return rc;
}
