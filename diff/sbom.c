/* SPDX-License-Identifier: MIT */
#include "diff/sbom.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/date.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/listing.h"

struct collect {
	struct sbom *s;
	struct rimg_ctx *ctx;
	size_t strip; /* bytes of an address that lead to what was addressed */
	uint64_t budget;
	sbom_complain complain;
	void *arg;
	struct rimg_error *err;
};

void sbom_done(struct sbom *s)
{
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].path);
		free(s->files[i].producers);
	}
	for (size_t i = 0; i < s->n_packages; i++) {
		free(s->packages[i].name);
		free(s->packages[i].path);
		free(s->packages[i].key);
	}
	for (size_t i = 0; i < s->n_claims; i++)
		free(s->claims[i].path);
	for (size_t i = 0; i < s->n_unread; i++)
		free(s->unread[i]);
	for (size_t i = 0; i < s->n_damaged; i++)
		free(s->damaged[i]);
	free(s->damaged);
	free(s->files);
	free(s->packages);
	free(s->claims);
	free(s->unread);
	free(s->name);
	*s = (struct sbom){ 0 };
}

/* ---- one file ------------------------------------------------------------------------------- */

/* The path of a node from what was addressed; NULL without memory. */
static char *path_of(const struct collect *c, const struct rimg_node *node)
{
	auto_str struct str whole = { 0 };
	struct str s = { 0 };

	node_add_address(&whole, node);
	if (whole.len > c->strip)
		str_add_len(&s, whole.data + c->strip, whole.len - c->strip);
	s.failed |= whole.failed;
	return str_take(&s);
}

static int note_unread(struct collect *c, char *path, const struct rimg_error *why)
{
	struct sbom *s = c->s;
	char **p = vec_grow(s->unread, &s->cap_unread, s->n_unread, sizeof(*p));

	c->complain(c->arg, path, why);
	if (!p) {
		free(path);
		return error_nomem(c->err);
	}
	s->unread = p;
	p[s->n_unread++] = path;
	return 0;
}

/* Files may be missing from a container with errors. A program has no files, and neither has the
 * record of an installed package. */
static int note_damage(struct collect *c, const struct rimg_layer *l, bool record)
{
	struct rimg_error why;
	struct sbom *s = c->s;
	char **p;
	char *path;

	if (l->n_errors == 0 || record || strcmp(layer_format_name(l), "elf") == 0 ||
	    strcmp(layer_format_name(l), "pe") == 0)
		return 0;
	path = path_of(c, l->root);
	p = path ? vec_grow(s->damaged, &s->cap_damaged, s->n_damaged, sizeof(*p)) : NULL;
	if (!p) {
		free(path);
		return error_nomem(c->err);
	}
	s->damaged = p;
	p[s->n_damaged++] = path;
	error_set(&why, RIMG_E_BAD, NULL,
		  "%" PRIu64 " errors in its %s structures: files may be missing; see rimg verify "
		  "check",
		  l->n_errors, layer_format_name(l));
	c->complain(c->arg, path, &why);
	return 0;
}

/* What its .comment says; several are joined; NULL when it says nothing. */
static int add_producers(struct collect *c, struct sbom_file *f, const struct rimg_layer *l)
{
	struct str s = { 0 };

	rimg_for_each_attr(a, l->root) {
		if (strcmp(a->key, "comment") != 0 || a->type != ATTR_TEXT)
			continue;
		if (s.len > 0)
			str_add(&s, "; ");
		str_add_escaped(&s, a->bytes.data, a->bytes.len, STR_ESCAPE_TEXT);
	}
	if (s.len == 0 && !s.failed)
		return 0;
	f->producers = str_take(&s);
	return f->producers ? 0 : error_nomem(c->err);
}

static int examine_code(struct collect *c, const struct rimg_node *inode, struct sbom_file *f)
{
	struct code_object *object = NULL;
	struct rimg_error why;
	int rc = code_examine(c->ctx, inode->content, &object, &why);

	if (rc == -RIMG_E_NOMEM)
		return error_nomem(c->err);
	if (rc < 0 || !object) /* too large to examine: then nothing is said of its code */
		return 0;
	f->has_code = true;
	f->arch = object->arch;
	f->code_bytes = object->code_bytes;
	memcpy(f->by_class, object->by_class, sizeof(f->by_class));
	code_object_free(object);
	return 0;
}

static int read_file(struct collect *c, const struct rimg_node *inode, struct sbom_file *f,
		     struct rimg_error *why)
{
	if (!inode->content || inode->unread)
		return error_set(why, RIMG_E_BAD, NULL, "its content could not be laid out");
	f->size = rimg_source_size(inode->content);
	if (f->size > c->budget)
		return error_set(
			why, RIMG_E_LIMIT, NULL,
			"the contents of this image are more than %d times its size" LIMIT_MORE(
				"read-extra"),
			LISTING_FACTOR);
	c->budget -= f->size;
	return digests_source(inode->content, &f->digests, why);
}

static void note_time(struct collect *c, const struct rimg_node *inode)
{
	const struct rimg_attr *a = node_attr(inode, "mtime");

	if (a && a->type == ATTR_TIME && a->time.s > c->s->newest)
		c->s->newest = a->time.s;
}

/* A file with its digests becomes part of the list; *ret is its index, or SIZE_MAX. */
static int add_file(struct collect *c, const struct rimg_node *node, size_t package, size_t *ret)
{
	struct sbom *s = c->s;
	const struct rimg_node *inode = listing_inode(node);
	struct sbom_file f = { .package = package }, *p;
	struct rimg_error why;
	char *path = path_of(c, node);
	int rc;

	*ret = SIZE_MAX;
	if (!path)
		return error_nomem(c->err);
	note_time(c, inode);
	rc = read_file(c, inode, &f, &why);
	if (rc < 0 && rc != -RIMG_E_NOMEM)
		return note_unread(c, path, &why);
	p = rc == 0 ? vec_grow(s->files, &s->cap_files, s->n_files, sizeof(*p)) : NULL;
	if (!p) {
		free(path);
		return error_nomem(c->err);
	}
	s->files = p;
	f.path = path;
	*ret = s->n_files;
	p[s->n_files++] = f;
	return 0;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int collect_below(struct collect *c, struct rimg_node *top, size_t package);

/* What a layer on the content of file @i says of it, and then what lies in it. */
static int collect_layer(struct collect *c, struct rimg_node *node, struct rimg_layer *l, size_t i,
			 size_t package)
{
	const char *format = layer_format_name(l);
	struct sbom_file *f = i != SIZE_MAX ? &c->s->files[i] : NULL;
	int rc = 0;

	if (f && !l->unreadable) {
		f->format = format;
		rc = add_producers(c, f, l);
	}
	if (rc == 0 && f && (strcmp(format, "elf") == 0 || strcmp(format, "pe") == 0))
		rc = examine_code(c, listing_inode(node), f);
	if (rc < 0)
		return rc;
	/* a file that begins like something which it is not is a file as any other */
	if (l->unreadable)
		return f ? 0 : note_damage(c, l, false);
	if (f && strcmp(format, "pkgar") == 0) {
		auto_str struct str way = { 0 };

		node_add_address(&way, node->layer ? node->layer->root : node);
		if (way.failed ||
		    sbom_add_package(c->s, l, f->path, way.len > c->strip ? way.len - c->strip : 0,
				     &package) < 0)
			return error_nomem(c->err);
		if (c->s->packages[package].installed)
			return note_damage(c, l, true); /* what it tells of lies elsewhere */
	}
	rc = collect_below(c, l->root, package);
	return rc < 0 ? rc : note_damage(c, l, false);
}

static int collect_node(struct collect *c, struct rimg_node *node, size_t package)
{
	bool file = node->role == RIMG_ROLE_FILE;
	struct rimg_layer *l = NULL;
	struct rimg_error why;
	size_t i = SIZE_MAX;
	int rc = file ? add_file(c, node, package, &i) : 0;

	if (rc < 0 || node->link_to || node->opened || !node->content ||
	    (!file && node->role != RIMG_ROLE_PARTITION))
		return rc;
	rc = node_open(node, &l, &why);
	if (rc == -RIMG_E_NOMEM)
		return error_nomem(c->err);
	if (rc < 0) {
		char *path = path_of(c, node);

		return path ? note_unread(c, path, &why) : error_nomem(c->err);
	}
	if (l)
		rc = collect_layer(c, node, l, i, package);
	node_close(node);
	return rc;
}

static int collect_below(struct collect *c, struct rimg_node *top, size_t package)
{
	for (struct rimg_node *n = top->first_child; n; n = node_after(n, top)) {
		int rc = collect_node(c, n, package);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int compare_files(const void *pa, const void *pb)
{
	const struct sbom_file *a = pa, *b = pb;

	return strcmp(a->path, b->path);
}

static int compare_path(const void *path, const void *file)
{
	return strcmp(path, ((const struct sbom_file *)file)->path);
}

struct sbom_file *sbom_find(const struct sbom *s, const char *path)
{
	if (s->n_files == 0)
		return NULL;
	return bsearch(path, s->files, s->n_files, sizeof(*s->files), compare_path);
}

/* "disk.img", or with steps the last of them. */
static int name_it(struct collect *c, const struct rimg_node *node)
{
	const char *host = strrchr(node->image->name, '/');
	struct str s = { 0 };

	host = host ? host + 1 : node->image->name;
	str_add_escaped(&s, host, strlen(host), STR_ESCAPE_STEP);
	if (node->layer) {
		str_add(&s, "::");
		node_add_address(&s, node);
	}
	c->s->name = str_take(&s);
	return c->s->name ? 0 : error_nomem(c->err);
}

/* A directory has no bytes of its own: then the digests are those of the image it lies in. */
static int read_whole(struct collect *c, const struct rimg_node *node)
{
	const struct rimg_source *src = listing_inode(node)->content;

	if (!src)
		src = node->image->root->content;
	c->s->size = rimg_source_size(src);
	return digests_source(src, &c->s->digests, c->err);
}

static int collect_top(struct collect *c, struct rimg_node *node)
{
	auto_str struct str way = { 0 };
	struct rimg_layer *l = NULL;
	size_t i;
	int rc;

	if (node->role == RIMG_ROLE_DIR || node->first_child) {
		node_add_address(&way, node->layer->root);
		c->strip = way.len > 0 ? way.len + strlen("::") : 0;
		rc = way.failed ? error_nomem(c->err) : collect_below(c, node, SBOM_NO_PACKAGE);
		return rc < 0 ? rc : note_damage(c, node->layer, false);
	}
	node_add_address(&way, node);
	if (way.failed)
		return error_nomem(c->err);
	rc = node_open(node, &l, c->err);
	if (rc < 0)
		return rc;
	if (!l || l->unreadable || l->top == l->root) {
		/* a file, not a container of files: a list of itself */
		bool tree = false;

		for (struct rimg_node *n = l ? l->root->first_child : NULL; n && !tree; n = n->next)
			tree = n->role == RIMG_ROLE_PARTITION || n->role == RIMG_ROLE_FILE;
		if (!tree) {
			rc = add_file(c, node, SBOM_NO_PACKAGE, &i);
			return rc == 0 && l ? collect_layer(c, node, l, i, SBOM_NO_PACKAGE) : rc;
		}
	}
	c->strip = way.len > 0 ? way.len + strlen("::") : 0;
	rc = collect_below(c, l->root, SBOM_NO_PACKAGE);
	return rc < 0 ? rc : note_damage(c, l, false);
}

int sbom_collect(struct rimg_node *node, struct sbom *ret, sbom_complain complain, void *arg,
		 struct rimg_error *err)
{
	struct collect c = { .s = ret,
			     .ctx = node->image->ctx,
			     .budget = listing_budget(node->image),
			     .complain = complain,
			     .arg = arg,
			     .err = err };
	int rc = name_it(&c, node);

	if (rc == 0)
		rc = read_whole(&c, node);
	if (rc == 0)
		rc = collect_top(&c, node);
	if (rc < 0)
		return rc;
	if (ret->n_files > 0)
		qsort(ret->files, ret->n_files, sizeof(*ret->files), compare_files);
	sbom_assign(ret);
	return 0;
}

/* ---- shared by the writers ------------------------------------------------------------------- */

#define YEAR_10000 INT64_C(253402300800)

void sbom_put_time(struct jsonw *w, const char *key, int64_t s)
{
	auto_str struct str text = { 0 };
	struct clock_time t;
	struct date d;

	if (s < 0 || s >= YEAR_10000)
		s = s < 0 ? 0 : YEAR_10000 - 1;
	d = date_of_seconds(s, &t);
	str_printf(&text, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02uZ", d.year, d.month, d.day, t.hour,
		   t.minute, t.second);
	jsonw_text(w, key, str_cstr(&text));
}

void sbom_put_hex(struct jsonw *w, const char *key, const void *bytes, size_t len)
{
	auto_str struct str text = { 0 };

	str_add_hex(&text, bytes, len);
	jsonw_text(w, key, str_cstr(&text));
}

int sbom_uuid(const struct sbom *s, const char *kind, int64_t created, char ret[37],
	      struct rimg_error *err)
{
	auto_str struct str text = { 0 };
	uint8_t digest[SHA256_LEN];
	int rc;

	str_printf(&text, "rimg-sbom-1 %s %s %" PRId64 " %zu %zu %zu ", kind, rimg_version(),
		   created, s->n_files, s->n_unread, s->n_damaged);
	str_add_hex(&text, s->digests.sha256, sizeof(s->digests.sha256));
	str_add_len(&text, s->name, strlen(s->name) + 1);
	if (text.failed)
		return error_nomem(err);
	rc = digest_bytes(text.data, text.len, digest, err);
	if (rc < 0)
		return rc;
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	str_clear(&text);
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			str_add_char(&text, '-');
		str_add_hex(&text, &digest[i], 1);
	}
	if (text.failed)
		return error_nomem(err);
	memcpy(ret, text.data, 37);
	return 0;
}
