/* SPDX-License-Identifier: MIT */
#include "audit/walk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/redoxfs_read.h"

/* Every byte of the artifact ends up in a content: as that of a node that no container format
 * takes, or as the rest of a container, which is all of it that is not the content of one of its
 * nodes. Claims are complete (core/layer.h), so nothing falls between the two. */

#define HEAD_LEN     ((size_t)64 << 10)
#define SCORE_STRONG 51   /* a second format: more than core/layer.c wants for its warning */
#define SCORE_LIKELY 40   /* a format that some reader would take the bytes for */
#define REST_MIN     16U  /* bytes that can hold no code worth the name */
#define UNREAD_MAX   4096 /* kept; more are counted */
#define READ_FACTOR  256U

/* ---- lists ---------------------------------------------------------------------------------- */

void audit_progress(const struct audit_work *w, const char *what, uint64_t done, uint64_t total)
{
	if (w->options && w->options->progress)
		w->options->progress(w->options->progress_arg, what, done, total);
}

uint64_t audit_budget(const struct audit_work *w)
{
	uint64_t budget;

	if (!num_mul(rimg_source_size(w->start->image->root->content), READ_FACTOR, &budget) ||
	    !num_add(budget, w->ctx->limits.read_extra, &budget))
		return UINT64_MAX;
	return budget;
}

int audit_add_path(struct audit_content *c, const char *path)
{
	const char **grown = vec_grow(c->paths, &c->cap_paths, c->n_paths, sizeof(*grown));

	if (!grown)
		return -RIMG_E_NOMEM;
	c->paths = grown;
	grown[c->n_paths++] = path;
	return 0;
}

struct audit_content *audit_add_content(struct audit_work *w, const struct rimg_source *src,
					enum audit_origin origin, const char *path)
{
	struct audit_content *grown =
		vec_grow(w->contents, &w->cap_contents, w->n_contents, sizeof(*grown));
	struct audit_content *c;

	if (!grown)
		return NULL;
	w->contents = grown;
	c = &grown[w->n_contents];
	*c = (struct audit_content){ .src = src, .origin = origin, .same = w->n_contents };
	if (audit_add_path(c, path) < 0)
		return NULL;
	w->n_contents++;
	return c;
}

int audit_add_unread(struct audit_work *w, const char *path, const char *code, const char *text,
		     bool trouble)
{
	struct audit_report *r = w->report;
	struct audit_unread *grown;

	if (!path)
		return -RIMG_E_NOMEM;
	if (r->n_unread >= UNREAD_MAX) {
		r->n_unread_lost++;
		return 0;
	}
	grown = vec_grow(r->unread, &w->cap_unread, r->n_unread, sizeof(*grown));
	if (!grown)
		return -RIMG_E_NOMEM;
	r->unread = grown;
	path = arena_copy(&r->arena, path, strlen(path));
	text = arena_copy(&r->arena, text, strlen(text));
	if (!path || !text)
		return -RIMG_E_NOMEM;
	grown[r->n_unread++] = (struct audit_unread){
		.path = path, .code = code, .text = text, .trouble = trouble
	};
	return 0;
}

static const char *address_of(struct audit_work *w, const struct rimg_node *node)
{
	auto_str struct str s = { 0 };

	node_add_address(&s, node);
	return s.failed ? NULL : arena_copy(&w->report->arena, str_cstr(&s), s.len);
}

int audit_add_unread_node(struct audit_work *w, const struct rimg_node *node, const char *text,
			  bool trouble)
{
	const char *path = address_of(w, node);

	return path ? audit_add_unread(w, path, NULL, text, trouble) : -RIMG_E_NOMEM;
}

/* ---- what a content is ---------------------------------------------------------------------- */

static void weigh(const struct rimg_format *format, const struct rimg_probe *p,
		  const struct rimg_format **best, int *best_score, int *second_score)
{
	int score = format->probe(p);

	if (score > *best_score) {
		*second_score = *best_score;
		*best_score = score;
		*best = format;
	} else if (score > *second_score) {
		*second_score = score;
	}
}

/* Are the bytes of a second format, whose reader sees what that of the first does not? A file
 * system near the start of a disk lies in a partition. */
static bool is_twice(const struct rimg_format *best, int second)
{
	return second >= (strcmp(best->name, "gpt") == 0 ? SCORE_STRONG : SCORE_LIKELY);
}

/* Which format would open it? @ret_twice: a second one would, too. */
static int find_format(struct audit_work *w, const struct rimg_source *src,
		       const struct rimg_format **ret, bool *ret_twice, struct rimg_error *err)
{
	size_t len = (size_t)num_min(rimg_source_size(src), HEAD_LEN);
	auto_free uint8_t *head = malloc(len);
	struct rimg_probe p = { .size = rimg_source_size(src), .head_len = len, .src = src };
	int best = 0, second = 0, rc;

	*ret = NULL;
	if (!head)
		return error_nomem(err);
	rc = rimg_source_read(src, 0, head, len, err);
	if (rc < 0)
		return rc;
	p.head = head;
	for (size_t i = 0; formats[i]; i++)
		weigh(formats[i], &p, ret, &best, &second);
	for (size_t i = 0; i < w->ctx->n_formats; i++)
		weigh(w->ctx->formats[i], &p, ret, &best, &second);
	*ret_twice = *ret && is_twice(*ret, second);
	return 0;
}

/* Programs are not opened as layers: they are examined, which sees more of them. */
static bool is_program(const struct rimg_format *format)
{
	return format && (strcmp(format->name, "elf") == 0 || strcmp(format->name, "pe") == 0);
}

/* ---- the rest of a container ---------------------------------------------------------------- */

/* The bytes of a layer as they are meant, where they are stored enciphered; NULL: unknown. */
static const struct rimg_source *plain_bytes(const struct rimg_layer *l)
{
	const struct redoxfs *fs = l->priv;

	if (!l->opaque_places)
		return l->src;
	return fs && strcmp(l->format->name, "redoxfs") == 0 ? fs->data : NULL;
}

/* Is this claim the content of a node that is looked into by itself? Packed and enciphered contents
 * are claimed, too, but their stored bytes are not plain. */
static bool is_content(const struct claim *c)
{
	if (!c->node->content || c->node->role == RIMG_ROLE_FUNCTION)
		return false;
	return c->content_off != NO_CONTENT || strcmp(c->what, "content") == 0 ||
	       strcmp(c->what, "record") == 0;
}

static int add_range(struct audit_content *c, uint64_t off, uint64_t len)
{
	struct audit_range *grown, *last;

	if (len == 0)
		return 0;
	last = c->n_ranges > 0 ? &c->ranges[c->n_ranges - 1] : NULL;
	if (last && last->off + last->len == off) {
		last->len += len;
		return 0;
	}
	if (last && last->len < REST_MIN)
		c->n_ranges--;
	grown = vec_grow(c->ranges, &c->cap_ranges, c->n_ranges, sizeof(*grown));
	if (!grown)
		return -RIMG_E_NOMEM;
	c->ranges = grown;
	grown[c->n_ranges++] = (struct audit_range){ .off = off, .len = len };
	return 0;
}

/* A packed record says how long it is; what stands behind it is slack. Facts:
 * docs/formats/redoxfs.md, "Records". */
static int add_record_slack(struct audit_work *w, struct audit_content *rest,
			    const struct source_piece *p)
{
	uint8_t raw[2];
	struct rd r = rd_init(raw, sizeof(raw), p->base_off);
	struct rimg_error err;
	uint64_t used;

	if (p->kind != PIECE_BLOCK || p->plain || p->base_len < sizeof(raw))
		return 0;
	if (rimg_source_read(rest->src, p->base_off, raw, sizeof(raw), &err) < 0)
		return audit_add_unread(w, rest->paths[0], NULL, err.text, true);
	used = sizeof(raw) + (uint64_t)rd_le16(&r);
	return used < p->base_len ? add_range(rest, p->base_off + used, p->base_len - used) : 0;
}

/* The slack of all packed records of a layer. Those of hard links belong to one node. */
static int add_packed_slack(struct audit_work *w, struct audit_content *rest,
			    const struct rimg_layer *l)
{
	struct source_piece p;
	int rc = 0;

	if (strcmp(l->format->name, "redoxfs") != 0)
		return 0;
	for (struct rimg_node *n = l->root; n && rc == 0; n = node_after(n, l->root)) {
		uint64_t size = n->content && !n->link_to ? rimg_source_size(n->content) : 0;

		for (uint64_t off = 0; off < size && rc == 0; off = p.off + p.len) {
			if (source_map(n->content, off, &p) != rest->src || p.off + p.len <= off)
				break;
			rc = add_record_slack(w, rest, &p);
		}
	}
	return rc;
}

static int compare_ranges(const void *pa, const void *pb)
{
	const struct audit_range *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

static int collect_rest(struct audit_work *w, struct rimg_layer *l)
{
	const struct rimg_source *src = plain_bytes(l);
	const char *path = address_of(w, l->root);
	struct audit_content *rest;
	int rc = 0;

	if (!path)
		return -RIMG_E_NOMEM;
	if (!src)
		return audit_add_unread(w, path, NULL,
					"what is free in this enciphered content was not looked "
					"through",
					false);
	rest = audit_add_content(w, src, AUDIT_FROM_REST, path);
	if (!rest)
		return -RIMG_E_NOMEM;
	rest->format = l->format->name;
	for (size_t i = 0; i < l->n_claims && rc == 0; i++) {
		const struct claim *c = &l->claims[i];

		rc = is_content(c) ? 0 : add_range(rest, c->off, c->len);
	}
	if (rc == 0)
		rc = add_packed_slack(w, rest, l);
	if (rest->n_ranges > 0)
		qsort(rest->ranges, rest->n_ranges, sizeof(*rest->ranges), compare_ranges);
	return rc;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static int visit(struct audit_work *w, struct rimg_node *node, bool is_start);

/* @top and all nodes below it in its layer. Layers lie in one another only so deep, so this
 * recurses only so deep. */
static int visit_below(struct audit_work *w, struct rimg_node *top)
{
	int rc = 0;

	for (struct rimg_node *n = top; n && rc == 0; n = node_after(n, top))
		rc = visit(w, n, n == w->start);
	return rc;
}

static int visit_layer(struct audit_work *w, struct rimg_layer *l)
{
	int rc = visit_below(w, l->root);

	return rc < 0 ? rc : collect_rest(w, l);
}

/* What a node was met as: the index of its content, or NO_INDEX for a container. */
#define NO_INDEX SIZE_MAX

static int mark(struct audit_work *w, struct rimg_node *node)
{
	struct rimg_node **grown =
		vec_grow(w->marked, &w->cap_marked, w->n_marked, sizeof(struct rimg_node *));
	size_t *index = arena_alloc(&w->report->arena, sizeof(*index));

	if (grown)
		w->marked = grown;
	if (!grown || !index)
		return -RIMG_E_NOMEM;
	*index = NO_INDEX;
	grown[w->n_marked++] = node;
	node->mark = index;
	return 0;
}

/* One more name of a content that was met before. The artifacts of a container are listed under its
 * first name. */
static int visit_again(struct audit_work *w, const struct rimg_node *node, const size_t *index)
{
	const char *path = *index != NO_INDEX ? address_of(w, node) : NULL;

	if (*index == NO_INDEX)
		return 0;
	return path ? audit_add_path(&w->contents[*index], path) : -RIMG_E_NOMEM;
}

static int add_leaf(struct audit_work *w, struct rimg_node *node, const struct rimg_format *format)
{
	size_t *index = node->link_to ? node->link_to->mark : node->mark;
	const char *path = address_of(w, node);
	struct audit_content *c =
		path ? audit_add_content(w, node->content, AUDIT_FROM_NODE, path) : NULL;

	if (!c)
		return -RIMG_E_NOMEM;
	c->format = format && is_program(format) ? format->name : NULL;
	c->volume = !format && (node->role == RIMG_ROLE_PARTITION || node->role == RIMG_ROLE_IMAGE);
	c->whole = node == w->start;
	*index = w->n_contents - 1;
	return 0;
}

/* Does an exception of the policy stand for all of these bytes, at this place? Only contents are
 * hashed that an exception means by its path, or files, if there is one without a path. */
static int is_declared(struct audit_work *w, const struct rimg_node *node, const char *path,
		       bool *ret)
{
	const struct policy *p = w->report->policy;
	uint8_t sha256[SHA256_LEN];
	struct rimg_error err;
	bool hashed = false;

	*ret = false;
	for (size_t i = 0; i < p->n_exceptions && !*ret; i++) {
		const struct policy_exception *e = &p->exceptions[i];

		if (e->is_code ||
		    (e->path ? !policy_path_fits(e->path, path) : node->role != RIMG_ROLE_FILE))
			continue;
		if (!hashed && rimg_source_size(node->content) > w->hashable)
			return 0;
		if (!hashed && digest_source(node->content, sha256, &err) < 0)
			return err.code == RIMG_E_NOMEM ? -RIMG_E_NOMEM : 0;
		w->hashable -= hashed ? 0 : rimg_source_size(node->content);
		hashed = true;
		*ret = memcmp(sha256, e->sha256, SHA256_LEN) == 0;
	}
	return 0;
}

static int add_declared(struct audit_work *w, struct rimg_node *node,
			const struct rimg_format *format)
{
	struct audit_content *c;

	if (add_leaf(w, node, format) < 0)
		return -RIMG_E_NOMEM;
	c = &w->contents[w->n_contents - 1];
	c->declared = true;
	if (format && !is_program(format)) {
		c->artifact = true;
		c->kind = AUDIT_KIND_OPAQUE;
		c->found_format = format->name;
	}
	return 0;
}

/* A content could not be opened. Only of the artifact itself that is an error. */
static int refused(struct audit_work *w, struct rimg_node *node, const struct rimg_error *why,
		   bool is_start)
{
	bool damage = why->code == RIMG_E_BAD || why->code == RIMG_E_TRUNCATED;

	if (why->code == RIMG_E_NOMEM || (is_start && !damage)) {
		if (w->err)
			*w->err = *why;
		return -why->code;
	}
	return audit_add_unread_node(w, node, why->text, !damage);
}

static int visit_container(struct audit_work *w, struct rimg_node *node,
			   const struct rimg_format *format, bool is_start)
{
	struct rimg_layer *l;
	struct rimg_error why;
	int rc = node_open(node, &l, &why);

	if (rc < 0)
		return refused(w, node, &why, is_start);
	/* findings tell why; what stands there in plain sight is looked through */
	if (!l || l->unreadable)
		return add_leaf(w, node, format);
	return visit_layer(w, l);
}

static int visit(struct audit_work *w, struct rimg_node *node, bool is_start)
{
	struct rimg_node *owner = node->link_to ? node->link_to : node;
	const struct rimg_format *format;
	struct rimg_error why;
	bool twice = false, declared = false;
	const char *path;
	int rc;

	if (node->unread &&
	    audit_add_unread_node(w, node, "where its bytes lie is damaged", false) < 0)
		return -RIMG_E_NOMEM;
	if (!node->content || (node->role == RIMG_ROLE_FUNCTION && !is_start) ||
	    rimg_source_size(node->content) == 0)
		return 0;
	if (owner->mark)
		return visit_again(w, node, owner->mark);
	if (mark(w, owner) < 0)
		return -RIMG_E_NOMEM;
	audit_progress(w, "contents found:", w->n_contents, 0);
	rc = find_format(w, node->content, &format, &twice, &why);
	if (rc < 0)
		return refused(w, node, &why, is_start);
	path = address_of(w, node);
	if (!path || is_declared(w, node, path, &declared) < 0)
		return -RIMG_E_NOMEM;
	if (declared)
		return add_declared(w, node, format);
	if (twice &&
	    audit_add_unread_node(w, node,
				  "its bytes are those of two formats, and only one of them was "
				  "looked into",
				  false) < 0)
		return -RIMG_E_NOMEM;
	return !format || is_program(format) ? add_leaf(w, node, format)
					     : visit_container(w, node, format, is_start);
}

/* ---- damage --------------------------------------------------------------------------------- */

static int collect_findings(struct audit_work *w, struct rimg_layer *l)
{
	uint64_t told = 0;
	int rc = 0;

	for (size_t i = 0; i < l->n_findings && rc == 0; i++) {
		const struct finding *f = &l->findings[i];
		const char *path = address_of(w, f->node);

		if (f->severity != SEVERITY_ERROR)
			continue;
		told++;
		rc = path ? audit_add_unread(w, path, f->code, f->text,
					     strcmp(f->code, "layer.limit") == 0)
			  : -RIMG_E_NOMEM;
	}
	if (rc == 0 && (told < l->n_errors || (l->unreadable && l->n_errors == 0)))
		rc = audit_add_unread_node(w, l->root, "more is damaged than can be listed", false);
	return rc;
}

int audit_walk(struct audit_work *w)
{
	struct rimg_layer *l = w->start->layer;
	int rc;

	if (l && l->root == w->start)
		rc = visit_layer(w, l);
	else
		rc = visit_below(w, w->start);
	for (size_t i = 0; i < w->n_marked; i++)
		w->marked[i]->mark = NULL;
	/* those around the artifact, too: where it lies depends on them */
	for (l = w->start->image->layers; l && rc == 0; l = l->next)
		if (!is_program(l->format))
			rc = collect_findings(w, l);
	return rc == -RIMG_E_NOMEM ? error_nomem(w->err) : rc;
}
