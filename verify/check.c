/* SPDX-License-Identifier: MIT */
#include "verify/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/str.h"
#include "core/zeros.h"
#include "verify/check_boot.h"
#include "verify/check_rules.h"

#define KEPT_MAX 100000 /* problems, and unread contents; more are counted */
#define CHUNK    ((size_t)1 << 20)

struct check {
	const struct check_options *o;
	struct check_report *r;
	struct rimg_error *err;
	uint8_t *buf;
};

void check_report_done(struct check_report *r)
{
	for (size_t i = 0; i < r->n_problems; i++) {
		free(r->problems[i].path);
		free(r->problems[i].message);
	}
	for (size_t i = 0; i < r->n_kept_unread; i++) {
		free(r->unread[i].path);
		free(r->unread[i].message);
	}
	free(r->problems);
	free(r->unread);
	*r = (struct check_report){ 0 };
}

enum check_verdict check_verdict(const struct check_report *r)
{
	if (r->n_unread > 0)
		return CHECK_UNREAD;
	return r->n_errors > 0 ? CHECK_UNSOUND : CHECK_SOUND;
}

const char *check_verdict_name(enum check_verdict v)
{
	static const char *const names[] = {
		[CHECK_SOUND] = "sound",
		[CHECK_UNSOUND] = "unsound",
		[CHECK_UNREAD] = "not checked to the end",
	};

	return names[v];
}

/* ---- what is told --------------------------------------------------------------------------- */

/* NULL without memory, which is recorded. */
static char *address_of(struct check *c, const struct rimg_node *node)
{
	struct str s = { 0 };
	char *text;

	node_add_address(&s, node);
	text = str_take(&s);
	if (!text)
		error_nomem(c->err);
	return text;
}

static int add_unread(struct check *c, const struct rimg_node *node, const char *message)
{
	struct check_report *r = c->r;
	struct check_unread *p;
	auto_free char *path = NULL, *text = NULL;

	if (r->n_unread++ >= KEPT_MAX)
		return 0;
	path = address_of(c, node);
	text = strdup(message);
	p = vec_grow(r->unread, &r->cap_unread, r->n_kept_unread, sizeof(*p));
	if (!path || !text || !p)
		return error_nomem(c->err);
	r->unread = p;
	p[r->n_kept_unread++] =
		(struct check_unread){ .path = take_ptr(path), .message = take_ptr(text) };
	return 0;
}

/* An error that concerns one content; running out of memory ends everything. */
static int unread(struct check *c, const struct rimg_node *node, int rc,
		  const struct rimg_error *why)
{
	char line[sizeof(why->where) + sizeof(why->text) + 64];

	if (rc == -RIMG_E_NOMEM) {
		if (c->err)
			*c->err = *why;
		return rc;
	}
	return add_unread(c, node, rimg_error_format(why, line, sizeof(line)));
}

/* The byte of the host file that holds byte @off of the layer, as it is. */
static uint64_t place_in_image(const struct rimg_layer *l, uint64_t off)
{
	uint64_t at, len;

	if (off >= rimg_source_size(l->src) || !source_ground(l->src, off, &at, &len))
		return UINT64_MAX;
	return at;
}

static int add_problem(struct check *c, const struct rimg_layer *l, const struct finding *f,
		       enum severity severity)
{
	struct check_report *r = c->r;
	struct check_problem *p;
	auto_free char *path = NULL, *text = NULL;

	if (r->n_problems >= KEPT_MAX)
		return 0;
	path = address_of(c, f->node);
	text = strdup(f->text);
	p = vec_grow(r->problems, &r->cap_problems, r->n_problems, sizeof(*p));
	if (!path || !text || !p)
		return error_nomem(c->err);
	r->problems = p;
	p[r->n_problems++] = (struct check_problem){
		.code = f->code,
		.severity = severity,
		.path = take_ptr(path),
		.message = take_ptr(text),
		.off = f->off,
		.len = f->len,
		.image_off = f->len > 0 ? place_in_image(l, f->off) : UINT64_MAX,
	};
	return 0;
}

/* What a layer has found since the last call; @told counts. */
static int tell(struct check *c, const struct rimg_layer *l, size_t *told)
{
	for (; *told < l->n_findings; ++*told) {
		const struct finding *f = &l->findings[*told];
		enum severity severity = check_severity(l, f, c->o->strict);
		int rc = add_problem(c, l, f, severity);

		if (severity == SEVERITY_ERROR)
			c->r->n_errors++;
		else
			c->r->n_warnings++;
		if (rc == 0 && check_leaves_open(f->code))
			rc = add_unread(c, f->node, f->text);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Findings that the layer counted but did not keep. Nobody knows which they are: in strict mode
 * they weigh as errors; else the warnings may stand for broken rules, so that the verdict is open.
 */
static int tell_dropped(struct check *c, const struct rimg_layer *l)
{
	uint64_t errors = l->n_errors, warnings = l->n_warnings;
	char line[192];

	for (size_t i = 0; i < l->n_findings; i++) {
		errors -= l->findings[i].severity == SEVERITY_ERROR;
		warnings -= l->findings[i].severity == SEVERITY_WARNING;
	}
	c->r->n_errors += errors;
	if (c->o->strict) {
		c->r->n_errors += warnings;
		return 0;
	}
	c->r->n_warnings += warnings;
	if (warnings == 0)
		return 0;
	snprintf(line, sizeof(line),
		 "%" PRIu64 " more warnings than the limit of %" PRIu64
		 " findings: nobody knows what they say" LIMIT_MORE("findings"),
		 warnings, l->image->ctx->limits.findings);
	return add_unread(c, l->root, line);
}

/* ---- one layer ------------------------------------------------------------------------------ */

static void count_layer(struct check *c, const struct rimg_layer *l)
{
	c->r->containers++;
	for (size_t i = 0; formats[i]; i++) {
		assert(i < CHECK_FORMATS_MAX);
		if (formats[i] == l->format)
			c->r->by_format[i]++;
	}
	if (c->o->progress)
		c->o->progress(c->o->arg, c->r->containers);
}

static void count_node(struct check *c, const struct rimg_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_PARTITION: c->r->partitions++; break;
	case RIMG_ROLE_FILE: c->r->files++; break;
	case RIMG_ROLE_DIR: c->r->dirs++; break;
	case RIMG_ROLE_SYMLINK: c->r->symlinks++; break;
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER: c->r->others++; break;
	default: break;
	}
}

/* The rules of its format, and that nothing is where nothing should be. */
static int examine(struct check *c, struct rimg_layer *l)
{
	struct rimg_error why;
	int rc = 0;

	if (l->unreadable)
		return 0;
	if (l->format->check)
		rc = l->format->check(l, &why);
	if (rc == 0 && check_is_written(l))
		rc = zeros_check(l, c->o->strict ? SEVERITY_ERROR : SEVERITY_WARNING, &c->r->bytes,
				 &why);
	return rc < 0 ? unread(c, l->root, rc, &why) : 0;
}

/* Bytes [off, off + len) of the layer, only to see that they are there. */
static int read_range(struct check *c, struct rimg_layer *l, const struct claim *claim)
{
	uint64_t off = claim->off, end = off + claim->len;

	while ((off = source_next_data(l->src, off)) < end) {
		size_t n = (size_t)num_min(end - off, CHUNK);
		struct rimg_error why;
		int rc = rimg_source_read(l->src, off, c->buf, n, &why);

		if (rc == -RIMG_E_BAD) {
			layer_finding(l, SEVERITY_ERROR, "layer.unreadable", claim->node, off,
				      end - off, "expected to read the content, found damage: %s",
				      why.text);
			return 0;
		}
		if (rc < 0)
			return unread(c, claim->node, rc, &why);
		c->r->bytes += n;
		off += n;
	}
	return 0;
}

/* Whoever walks the tree next begins without marks. */
static void clear_marks(struct rimg_layer *l)
{
	for (struct rimg_node *n = l->root; n; n = node_after(n, l->root))
		n->mark = NULL;
}

/* Contents that no container's own rules have read. By claims, which do not overlap: so each byte
 * is read once, whatever the tables say. */
static int read_contents(struct check *c, struct rimg_layer *l)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *claim = &l->claims[i];
		int rc;

		if (claim->content_off == NO_CONTENT || claim->node->mark)
			continue;
		rc = read_range(c, l, claim);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_layer(struct check *c, struct rimg_layer *l, struct rimg_node *top);
static int check_content(struct check *c, struct rimg_node *node, struct check_boot *disk);

/* May something lie in it? Sections and functions are parts of what has been read whole. */
static bool is_looked_into(const struct rimg_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_FILE:
	case RIMG_ROLE_PARTITION:
	case RIMG_ROLE_META:
	case RIMG_ROLE_OTHER: return node->content && !node->link_to && !node->opened;
	default: return false;
	}
}

/* Everything below @top: parents first, and no recursion but into contents. */
static int check_below(struct check *c, struct rimg_node *top, struct check_boot *boot)
{
	for (struct rimg_node *n = top; n; n = node_after(n, top)) {
		int rc = 0;

		count_node(c, n);
		if (is_looked_into(n))
			rc = check_content(c, n, boot);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/**
 * check_layer - one open layer and all that lies in it
 * @top: check contents below this node only; the layer's own rules hold for it as a whole
 *
 * Layers lie in one another at most as deep as limits.layer_depth, and so does this recurse.
 */
static int check_layer(struct check *c, struct rimg_layer *l, struct rimg_node *top)
{
	struct check_boot boot = { 0 };
	size_t told = 0;
	int rc;

	count_layer(c, l);
	rc = examine(c, l);
	if (rc == 0)
		rc = tell(c, l, &told);
	if (rc == 0 && l->unreadable && l->n_errors == 0)
		rc = add_unread(c, l->root, "its reader gave up, and did not say why");
	if (rc == 0 && !l->unreadable) {
		rc = check_below(c, top, &boot);
		if (rc == 0 && !l->format->reads_contents)
			rc = read_contents(c, l);
	}
	clear_marks(l);
	if (rc == 0)
		check_boot_judge(&boot, l);
	if (rc == 0)
		rc = tell(c, l, &told);
	return rc < 0 ? rc : tell_dropped(c, l);
}

/* Is there any byte but zero in it? Stops at the first. */
static int find_data(struct check *c, const struct rimg_source *src, bool *ret,
		     struct rimg_error *why)
{
	uint64_t size = rimg_source_size(src), off = 0;

	*ret = false;
	while (!*ret && (off = source_next_data(src, off)) < size) {
		size_t n = (size_t)num_min(size - off, CHUNK);
		int rc = rimg_source_read(src, off, c->buf, n, why);

		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n && !*ret; i++)
			*ret = c->buf[i] != 0;
		off += n;
	}
	return 0;
}

/* A partition is there to hold something that can be checked, but for one of boot code. */
static int no_format(struct check *c, const struct rimg_node *node)
{
	const struct rimg_attr *type = node_attr(node, "type");
	struct rimg_error why;
	bool data;
	int rc;

	if (node->role == RIMG_ROLE_FILE)
		c->r->no_format++;
	if (node->role != RIMG_ROLE_PARTITION ||
	    (type && type->type == ATTR_TEXT && type->bytes.len == 4 &&
	     memcmp(type->bytes.data, "bios", 4) == 0))
		return 0;
	rc = find_data(c, node->content, &data, &why);
	if (rc < 0)
		return unread(c, node, rc, &why);
	return data ? add_unread(c, node, "its format is not known, so nothing in it was checked")
		    : 0;
}

/* The content of a node that has not been opened: opened, checked, closed. */
static int check_content(struct check *c, struct rimg_node *node, struct check_boot *disk)
{
	struct rimg_layer *l;
	struct rimg_error why;
	int rc = node_open(node, &l, &why);

	if (rc < 0)
		return unread(c, node, rc, &why);
	if (l && node->role == RIMG_ROLE_FILE && check_only_magic(l)) {
		layer_finding(node->layer, SEVERITY_WARNING, "layer.only-magic", node, 0, 0,
			      "expected a format behind the magic of %s, found that nothing else "
			      "fits; checked as a file without a format",
			      layer_format_name(l));
		c->r->no_format++;
	} else if (l) {
		node->mark = node; /* its bytes have been read */
		check_boot_look(disk, node, l);
		rc = check_layer(c, l, l->root);
	} else {
		rc = no_format(c, node);
	}
	node_close(node);
	return rc;
}

/* ---- where it begins ------------------------------------------------------------------------ */

/* What opening the layers on the way to @node has found; their rules are not its business. */
static int tell_way(struct check *c, const struct rimg_node *node, const struct rimg_layer *but)
{
	for (struct rimg_layer *l = node->image->layers; l; l = l->next) {
		size_t told = 0;
		int rc = l == but ? 0 : tell(c, l, &told);

		if (rc == 0 && l != but)
			rc = tell_dropped(c, l);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_start(struct check *c, struct rimg_node *node)
{
	struct rimg_node *inode = node->link_to ? node->link_to : node;
	struct rimg_layer *l = NULL;
	struct rimg_error why;
	int rc;

	if (node->role == RIMG_ROLE_DIR || !inode->content) {
		/* a directory, or a structure: its layer, and what is below it */
		rc = tell_way(c, node, node->layer);
		return rc < 0 ? rc : check_layer(c, node->layer, node);
	}
	rc = tell_way(c, node, inode->nested);
	if (rc == 0)
		rc = node_open(inode, &l, &why);
	else
		return rc;
	if (rc < 0)
		return unread(c, inode, rc, &why);
	if (!l)
		return add_unread(c, inode,
				  "its format is not known, so there is nothing to check");
	return check_layer(c, l, l->root);
}

int check_node(struct rimg_node *node, const struct check_options *options,
	       struct check_report *ret, struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(CHUNK);
	struct check c = { .o = options, .r = ret, .err = err, .buf = buf };
	struct rimg_error why;
	int rc = buf ? check_start(&c, node) : error_nomem(err);

	/* a read that failed where nobody could tell, or a file that changed */
	if (rc == 0 && ret->n_unread == 0 &&
	    rimg_source_verify(node->image->root->content, &why) < 0)
		rc = unread(&c, node, -RIMG_E_IO, &why);
	return rc;
}
