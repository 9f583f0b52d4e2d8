/* SPDX-License-Identifier: MIT */
#include "core/layer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/owner.h"
#include "core/str.h"

#define HEAD_LEN     ((size_t)64 << 10)
#define FINDING_LEN  512 /* of a finding's text with its NUL */
#define SCORE_STRONG 50  /* two formats above this claim the same bytes: news */

const char *layer_format_name(const struct rimg_layer *l)
{
	return l->format->name;
}

/* ---- life --------------------------------------------------------------------------------- */

void layer_free(struct rimg_layer *l)
{
	if (!l)
		return;
	l->image->n_nodes -= l->n_nodes;
	arena_done(&l->arena);
	free(l->claims);
	free(l->findings);
	free(l);
}

static void cleanup_layer(struct rimg_layer **l)
{
	layer_free(*l);
}

static uint64_t read_budget(const struct rimg_limits *limits, uint64_t size)
{
	uint64_t budget;

	if (!num_mul(size, limits->read_factor, &budget) ||
	    !num_add(budget, limits->read_extra, &budget))
		return UINT64_MAX;
	return budget;
}

/* Without what takes memory: see add_root(). */
static struct rimg_layer *layer_new(struct rimg_node *owner, const struct rimg_format *format)
{
	struct rimg_image *image = owner->image;
	const struct rimg_limits *limits = &image->ctx->limits;
	struct rimg_layer *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->image = image;
	l->format = format;
	l->src = owner->content;
	l->depth = owner->layer ? owner->layer->depth + 1 : 1;
	l->budget = read_budget(limits, rimg_source_size(owner->content));
	arena_init(&l->arena, limits->arena_bytes);
	l->arena.shared = &image->arena_used;
	return l;
}

static int add_root(struct rimg_layer *l, struct rimg_node *owner)
{
	struct rimg_node *root = arena_alloc(&l->arena, sizeof(*root));

	if (!root || !source_share_cache(&l->arena, &l->image->arena))
		return -RIMG_E_NOMEM;
	root->image = l->image;
	root->layer = l;
	root->parent = owner;
	root->role = RIMG_ROLE_META;
	root->name = "";
	root->opened = true;
	l->root = root;
	l->top = root;
	return 0;
}

/* ---- claims and gaps ---------------------------------------------------------------------- */

struct claim_order {
	struct claim claim;
	size_t seq;
};

static int add_claim(struct rimg_layer *l, struct claim c)
{
	uint64_t size = rimg_source_size(l->src);
	struct claim *last = l->n_claims > 0 ? &l->claims[l->n_claims - 1] : NULL;
	struct claim *claims;

	if (c.off >= size || c.len == 0)
		return 0;
	c.len = num_min(c.len, size - c.off);
	if (last && last->node == c.node && last->what == c.what && last->cause == c.cause &&
	    last->off + last->len == c.off &&
	    (c.content_off == NO_CONTENT
		     ? last->content_off == NO_CONTENT
		     : last->content_off != NO_CONTENT &&
			       last->content_off + last->len == c.content_off)) {
		last->len += c.len;
		return 0;
	}
	if (!arena_charge(&l->arena, sizeof(*claims)))
		return -RIMG_E_NOMEM;
	claims = vec_grow(l->claims, &l->cap_claims, l->n_claims, sizeof(*claims));
	if (!claims)
		return -RIMG_E_NOMEM;
	l->claims = claims;
	l->claims[l->n_claims++] = c;
	return 0;
}

int layer_claim(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len,
		const char *what, enum rimg_cause cause)
{
	return add_claim(l, (struct claim){ .off = off,
					    .len = len,
					    .content_off = NO_CONTENT,
					    .node = node,
					    .what = what,
					    .cause = cause });
}

int layer_claim_content(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len,
			uint64_t content_off)
{
	return add_claim(l, (struct claim){ .off = off,
					    .len = len,
					    .content_off = content_off,
					    .node = node,
					    .what = "content",
					    .cause = RIMG_CAUSE_CONTENT });
}

int layer_content_range(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len)
{
	uint64_t size = rimg_source_size(l->src);

	if (!num_in_range(off, len, size)) {
		node->damaged = true;
		off = num_min(off, size);
		len = num_min(len, size - off);
	}
	node->content = source_slice(&l->arena, l->src, off, len);
	if (!node->content)
		return -RIMG_E_NOMEM;
	return layer_claim_content(l, node, off, len, 0);
}

static int compare_claims(const void *pa, const void *pb)
{
	const struct claim_order *a = pa, *b = pb;

	if (a->claim.off != b->claim.off)
		return a->claim.off < b->claim.off ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Sort by offset; among claims that begin at the same byte the earlier made one comes first. */
static int sort_claims(struct rimg_layer *l)
{
	auto_free struct claim_order *order = NULL;
	bool sorted = true;

	for (size_t i = 1; i < l->n_claims && sorted; i++)
		sorted = l->claims[i - 1].off <= l->claims[i].off;
	if (sorted)
		return 0;
	order = calloc(l->n_claims, sizeof(*order));
	if (!order)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < l->n_claims; i++)
		order[i] = (struct claim_order){ .claim = l->claims[i], .seq = i };
	qsort(order, l->n_claims, sizeof(*order), compare_claims);
	for (size_t i = 0; i < l->n_claims; i++)
		l->claims[i] = order[i].claim;
	return 0;
}

static void overlap(struct rimg_layer *l, const struct claim *first, const struct claim *second,
		    uint64_t len)
{
	auto_str struct str a = { 0 };
	auto_str struct str b = { 0 };

	/* as many as the claims are, but only so many are kept */
	if (l->n_findings < l->image->ctx->limits.findings) {
		node_add_path(&a, first->node);
		node_add_path(&b, second->node);
	}
	layer_finding(l, SEVERITY_ERROR, "layer.overlap", second->node, second->off, len,
		      "expected bytes of one owner, found \"%s\" of \"%s\" and \"%s\" of \"%s\"",
		      first->what, str_cstr(&a), second->what, str_cstr(&b));
}

/* Each byte gets one owner: where claims overlap, the one that begins first keeps the bytes. */
static void cut_overlaps(struct rimg_layer *l)
{
	uint64_t end = 0;
	const struct claim *before = NULL;
	size_t n = 0;

	for (size_t i = 0; i < l->n_claims; i++) {
		struct claim c = l->claims[i];

		if (c.off < end && before) {
			uint64_t shared = num_min(end - c.off, c.len);

			overlap(l, before, &c, shared);
			c.off += shared;
			c.len -= shared;
			if (c.content_off != NO_CONTENT)
				c.content_off += shared;
		}
		if (c.len == 0)
			continue;
		end = c.off + c.len;
		l->claims[n] = c;
		before = &l->claims[n++];
	}
	l->n_claims = n;
}

static int add_gap(struct rimg_layer *l, uint64_t off, uint64_t len)
{
	char name[64];
	struct rimg_node *gap;

	snprintf(name, sizeof(name), "gap@0x%" PRIx64, off);
	gap = layer_node(l, l->root, RIMG_ROLE_GAP, name, strlen(name));
	if (!gap)
		return -RIMG_E_NOMEM;
	gap->cause = RIMG_CAUSE_UNEXPLAINED;
	return layer_claim(l, gap, off, len, "gap", RIMG_CAUSE_UNEXPLAINED);
}

/* What nobody claimed becomes gap nodes, so that a lazy opener loses explanations, never bytes. */
static int fill_gaps(struct rimg_layer *l)
{
	uint64_t end = 0, size = rimg_source_size(l->src);
	size_t n = l->n_claims;

	for (size_t i = 0; i <= n; i++) {
		uint64_t next = i < n ? l->claims[i].off : size;

		if (next > end && add_gap(l, end, next - end) < 0)
			return -RIMG_E_NOMEM;
		if (i < n)
			end = l->claims[i].off + l->claims[i].len;
	}
	return sort_claims(l);
}

static int settle_claims(struct rimg_layer *l)
{
	if (sort_claims(l) < 0)
		return -RIMG_E_NOMEM;
	cut_overlaps(l);
	return fill_gaps(l);
}

/* ---- opening ------------------------------------------------------------------------------ */

static bool is_damage(int rc)
{
	return rc == -RIMG_E_BAD || rc == -RIMG_E_TRUNCATED;
}

struct choice {
	const struct rimg_format *best, *second;
	int best_score, second_score;
};

static void probe_one(struct choice *c, const struct rimg_format *format,
		      const struct rimg_probe *p)
{
	int score = format->probe(p);

	if (score > c->best_score) {
		c->second = c->best;
		c->second_score = c->best_score;
		c->best = format;
		c->best_score = score;
	} else if (score > c->second_score) {
		c->second = format;
		c->second_score = score;
	}
}

/* Of equal scores the first wins: formats in order of their names, then those of the context. */
void probe_trouble(const struct rimg_probe *p, int rc, const struct rimg_error *why)
{
	if (rc < 0 && !is_damage(rc) && p->trouble && p->trouble->code == 0)
		*p->trouble = *why;
}

bool probe_read(const struct rimg_probe *p, uint64_t off, void *buf, size_t len)
{
	struct rimg_error err;
	int rc = rimg_source_read(p->src, off, buf, len, &err);

	probe_trouble(p, rc, &err);
	return rc == 0;
}

static struct choice probe_all(const struct rimg_ctx *ctx, const struct rimg_probe *p)
{
	struct choice c = { 0 };

	for (size_t i = 0; formats[i]; i++)
		probe_one(&c, formats[i], p);
	for (size_t i = 0; i < ctx->n_formats; i++)
		probe_one(&c, ctx->formats[i], p);
	return c;
}

static void add_finding(struct rimg_layer *l, struct finding f);

/* Findings about a content that could not be opened belong to the layer around it; the image's
 * root has none, so there the caller gets an error instead. */
static int refuse(struct rimg_node *node, const char *code, const struct rimg_error *why,
		  struct rimg_error *err)
{
	if (!node->layer) {
		if (err)
			*err = *why;
		return -why->code;
	}
	/* the node is not `damaged` by this: its bytes may be well, and whether somebody has looked
	 * inside must not show in what is said of it */
	add_finding(node->layer, (struct finding){ .code = code,
						   .severity = SEVERITY_ERROR,
						   .node = node,
						   .text = why->text });
	return 0;
}

/* The first bytes of the content, which is not empty. */
static int read_head(const struct rimg_source *src, uint8_t **ret, size_t *ret_len,
		     struct rimg_error *err)
{
	size_t len = (size_t)num_min(rimg_source_size(src), HEAD_LEN);
	auto_free uint8_t *head = malloc(len);
	int rc;

	if (!head)
		return error_nomem(err);
	rc = rimg_source_read(src, 0, head, len, err);
	if (rc < 0)
		return rc;
	*ret = take_ptr(head);
	*ret_len = len;
	return 0;
}

static int choose_format(const struct rimg_node *node, struct choice *ret, struct rimg_error *err)
{
	auto_free uint8_t *head = NULL;
	struct rimg_error trouble = { 0 };
	struct rimg_probe p = { .size = rimg_source_size(node->content),
				.src = node->content,
				.trouble = &trouble };
	int rc;

	*ret = (struct choice){ 0 };
	if (p.size == 0)
		return 0;
	rc = read_head(node->content, &head, &p.head_len, err);
	if (rc < 0)
		return rc;
	p.head = head;
	*ret = probe_all(node->image->ctx, &p);
	if (trouble.code != 0 && err)
		*err = trouble;
	return -trouble.code;
}

/* Make every node's children and attributes easy to find; looking for them changes nothing any
 * more. */
static int index_nodes(struct rimg_layer *l)
{
	for (struct rimg_node *n = l->root; n; n = node_after(n, l->root))
		if ((n->n_children > 0 && !node_by_name(n)) || owner_index(n) < 0)
			return -RIMG_E_NOMEM;
	return 0;
}

/* No memory is a limit of ours if we refused to ask for more. */
static int say_nomem(struct rimg_layer *l, struct rimg_node *owner, struct rimg_error *err)
{
	const struct rimg_limits *limits = &l->image->ctx->limits;
	bool refused = l->arena.refused || l->image->n_nodes >= limits->nodes;
	auto_free char *address = refused ? node_full_address(owner) : NULL;

	if (!refused)
		return error_nomem(err);
	if (l->image->n_nodes >= limits->nodes)
		return error_set(err, RIMG_E_LIMIT, address ? address : l->image->name,
				 "its %s structures need more than the limit of %" PRIu64
				 " nodes in all" LIMIT_MORE("nodes"),
				 l->format->name, limits->nodes);
	return error_set(err, RIMG_E_LIMIT, address ? address : l->image->name,
			 "its %s structures need more than the limit of %" PRIu64
			 " bytes in all" LIMIT_MORE("metadata"),
			 l->format->name, limits->arena_bytes);
}

static int run_opener(struct rimg_layer *l, struct rimg_node *owner, const struct choice *c,
		      struct rimg_error *err)
{
	int rc = add_root(l, owner);

	if (rc < 0)
		return rc;
	if (c->second_score > SCORE_STRONG)
		layer_finding(l, SEVERITY_WARNING, "layer.ambiguous", NULL, 0, 0,
			      "expected one format, found that the bytes are valid as %s and as %s",
			      c->best->name, c->second->name);
	rc = l->format->open(l, err);
	if (rc == 0 && !l->unreadable)
		rc = settle_claims(l);
	return rc < 0 ? rc : index_nodes(l);
}

static void publish(struct rimg_node *node, struct rimg_layer *l)
{
	struct rimg_image *image = node->image;

	if (image->last_layer)
		image->last_layer->next = l;
	else
		image->layers = l;
	image->last_layer = l;
	node->nested = l;
}

static int open_as(struct rimg_node *node, const struct choice *c, struct rimg_error *err)
{
	auto_with(cleanup_layer) struct rimg_layer *l = layer_new(node, c->best);
	int rc;

	if (!l)
		return error_nomem(err);
	rc = run_opener(l, node, c, err);
	if (rc == -RIMG_E_NOMEM)
		return say_nomem(l, node, err);
	if (rc < 0)
		return rc;
	publish(node, take_ptr(l));
	return 0;
}

/* Contents may share bytes: a disk whose partitions all hold the whole disk has as many layers as a
 * tree of that width and depth. So all contents together are held against the same bound as what an
 * opener may read. */
static int charge_content(struct rimg_node *node, struct rimg_error *why)
{
	struct rimg_image *image = node->image;
	const struct rimg_limits *limits = &image->ctx->limits;
	uint64_t budget = read_budget(limits, rimg_source_size(image->root->content));
	uint64_t size = rimg_source_size(node->content);

	if (size > budget - num_min(image->n_opened, budget))
		return error_set(
			why, RIMG_E_LIMIT, NULL,
			"expected contents of at most %" PRIu64
			" bytes inside each other, in all; not opened" LIMIT_MORE("read-factor"),
			budget);
	image->n_opened += size;
	return 0;
}

/* Open what has not been tried yet; damage leaves a finding, and no layer. */
static int try_open(struct rimg_node *node, struct rimg_error *err)
{
	const struct rimg_limits *limits = &node->image->ctx->limits;
	struct rimg_error why = { .code = RIMG_E_INTERNAL, .text = "an opener gave no reason" };
	struct choice c;
	int rc;

	if (node->layer && node->layer->depth >= limits->layer_depth) {
		error_set(&why, RIMG_E_LIMIT, NULL,
			  "expected at most %" PRIu32
			  " layers inside each other; not opened" LIMIT_MORE("layer-depth"),
			  limits->layer_depth);
		return refuse(node, "layer.limit", &why, err);
	}
	rc = choose_format(node, &c, &why);
	if (rc == 0 && c.best && charge_content(node, &why) < 0)
		return refuse(node, "layer.limit", &why, err);
	if (rc == 0 && c.best)
		rc = open_as(node, &c, &why);
	/* damaged where the opener read it: a matter of what the content is stored in */
	if (is_damage(rc))
		return refuse(node, "layer.unreadable", &why, err);
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int node_open(struct rimg_node *node, struct rimg_layer **ret, struct rimg_error *err)
{
	*ret = node->nested;
	if (!node->opened && node->content) {
		int rc = try_open(node, err);

		if (rc < 0)
			return rc;
		node->opened = true;
		*ret = node->nested;
	}
	return 0;
}

void node_close(struct rimg_node *node)
{
	struct rimg_layer *l = node->nested;
	struct rimg_image *image = node->image;
	struct rimg_layer **at = &image->layers, *before = NULL;

	node->nested = NULL;
	node->opened = false;
	if (!l)
		return;
	while (*at != l) {
		before = *at;
		at = &before->next;
	}
	assert(!l->next); /* what was opened after it may lie in it */
	*at = NULL;
	image->last_layer = before;
	layer_free(l);
}

/* ---- for openers -------------------------------------------------------------------------- */

const char *layer_address(struct rimg_layer *l)
{
	if (!l->address) {
		auto_free char *text = node_full_address(l->root);

		l->address = text ? arena_copy(&l->arena, text, strlen(text)) : NULL;
	}
	return l->address ? l->address : l->image->name;
}

int layer_read(struct rimg_layer *l, uint64_t off, void *buf, size_t len, struct rimg_error *err)
{
	if (!num_in_range(off, len, rimg_source_size(l->src)))
		return error_at(err, RIMG_E_TRUNCATED, layer_address(l), off,
				"expected %zu bytes, found the end of the %s layer", len,
				l->format->name);
	if (len > l->budget)
		return error_at(err, RIMG_E_LIMIT, layer_address(l), off,
				"reading its structures takes more than %" PRIu64
				" times its size; the image is built to waste time" LIMIT_MORE(
					"read-extra"),
				l->image->ctx->limits.read_factor);
	l->budget -= len;
	return rimg_source_read(l->src, off, buf, len, err);
}

struct rimg_node *layer_node(struct rimg_layer *l, struct rimg_node *parent, enum rimg_role role,
			     const void *name, size_t name_len)
{
	struct rimg_node *node;

	if (l->image->n_nodes >= l->image->ctx->limits.nodes || name_len > UINT32_MAX ||
	    parent->n_children == UINT32_MAX)
		return NULL;
	node = arena_alloc(&l->arena, sizeof(*node));
	if (!node)
		return NULL;
	node->name = arena_copy(&l->arena, name, name_len);
	if (!node->name)
		return NULL;
	node->name_len = (uint32_t)name_len;
	node->image = l->image;
	node->layer = l;
	node->parent = parent;
	node->role = role;
	node->index = parent->n_children++;
	if (parent->last_child)
		parent->last_child->next = node;
	else
		parent->first_child = node;
	parent->last_child = node;
	parent->by_name = NULL;
	l->image->n_nodes++;
	l->n_nodes++;
	return node;
}

struct rimg_node *layer_meta(struct rimg_layer *l, struct rimg_node *parent, const char *name)
{
	return layer_node(l, parent, RIMG_ROLE_META, name, strlen(name));
}

/* Counts it, and keeps it with a copy of its text if there is room. */
static void add_finding(struct rimg_layer *l, struct finding f)
{
	struct finding *findings;
	const char *text;

	if (f.severity == SEVERITY_ERROR)
		l->n_errors++;
	else
		l->n_warnings++;
	if (l->n_findings >= l->image->ctx->limits.findings ||
	    !arena_charge(&l->arena, sizeof(*findings)))
		return;
	findings = vec_grow(l->findings, &l->cap_findings, l->n_findings, sizeof(*findings));
	if (!findings)
		return;
	l->findings = findings;
	text = arena_copy(&l->arena, f.text, strlen(f.text));
	f.text = text ? text : "(no memory for the details)";
	l->findings[l->n_findings++] = f;
}

void layer_finding(struct rimg_layer *l, enum severity severity, const char *code,
		   struct rimg_node *node, uint64_t off, uint64_t len, const char *fmt, ...)
{
	char text[FINDING_LEN + 4]; /* as in error.c: cut between characters */
	char clean[FINDING_LEN] = "";
	va_list args;

	if (!node)
		node = l->root;
	node->damaged |= severity == SEVERITY_ERROR;
	/* an image can be all damage: beyond what is kept, it costs no text */
	if (l->n_findings < l->image->ctx->limits.findings) {
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
		str_clean(clean, sizeof(clean), text);
	}
	add_finding(l, (struct finding){ .code = code,
					 .severity = severity,
					 .node = node,
					 .off = off,
					 .len = len,
					 .text = clean });
}
