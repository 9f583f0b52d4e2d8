/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "audit/walk.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/pool.h"

/* struct look - the contents from @first on */
struct look {
	struct audit_work *w;
	size_t first;
};

static struct audit_content *at(struct look *look, size_t i)
{
	return &look->w->contents[look->first + i];
}

/* ---- what it is ----------------------------------------------------------------------------- */

static bool begins(const uint8_t *head, size_t len, const char *magic, size_t n)
{
	return len >= n && memcmp(head, magic, n) == 0;
}

#define STEP ((size_t)64 << 10)

/* Returns 1 when all bytes are zeros, 0 when not, or an error. */
static int all_zeros(const struct rimg_source *src, struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src), next = 0;
	auto_free uint8_t *buf = malloc(STEP);

	if (!buf)
		return error_nomem(err);
	for (uint64_t off = source_next_data(src, 0); off < size;
	     off = source_next_data(src, next)) {
		size_t len = (size_t)num_min(STEP, size - off);
		int rc = rimg_source_read(src, off, buf, len, err);

		if (rc < 0)
			return rc;
		if (!mem_is_zero(buf, len))
			return 0;
		next = off + len;
	}
	return 1;
}

/* A partition of a format that nobody here knows may hold anything. */
static int classify_volume(struct audit_content *c, struct rimg_error *err)
{
	int rc = all_zeros(c->src, err);

	if (rc == 0) {
		c->artifact = true;
		c->kind = AUDIT_KIND_OPAQUE;
		c->found_format = "unrecognised";
	}
	return rc < 0 ? rc : 0;
}

static int classify(struct audit_content *c, struct rimg_error *err)
{
	size_t len = (size_t)num_min(rimg_source_size(c->src), KNOWN_HEAD);
	auto_free uint8_t *head = malloc(len ? len : 1);
	static const struct known_format plain = { "data", AUDIT_KIND_OPAQUE };
	const struct known_format *known;
	int rc;

	if (!head)
		return error_nomem(err);
	rc = rimg_source_read(c->src, 0, head, len, err);
	if (rc < 0)
		return rc;
	c->candidate = c->format || begins(head, len, "\177ELF", 4) || begins(head, len, "MZ", 2);
	known = c->candidate ? NULL : known_find(head, len);
	if (!known && !c->candidate && c->declared)
		known = &plain;
	if (known) {
		c->artifact = true;
		c->kind = known->kind;
		c->found_format = known->name;
	}
	return c->volume && !known && !c->candidate ? classify_volume(c, err) : 0;
}

static void classify_one(void *arg, size_t i)
{
	struct audit_content *c = at(arg, i);
	struct rimg_error err;

	if (c->origin != AUDIT_FROM_REST && !c->artifact)
		c->rc = error_keep(&c->err, classify(c, &err), &err);
}

static void too_much(struct audit_content *c)
{
	struct rimg_error err;
	int rc = error_set(
		&err, RIMG_E_LIMIT, NULL,
		"not read: the contents of this image are more than 256 times its size" LIMIT_MORE(
			"read-extra"));

	c->rc = error_keep(&c->err, rc, &err);
}

/* Programs and whatever else is an artifact are hashed, as long as their sizes are no trick. */
static void plan_hashing(struct audit_work *w, size_t first)
{
	for (size_t i = first; i < w->n_contents; i++) {
		struct audit_content *c = &w->contents[i];
		uint64_t size = rimg_source_size(c->src);

		if (c->rc < 0 || !(c->candidate || c->artifact))
			continue;
		c->hashed = size <= w->hashable;
		w->hashable -= c->hashed ? size : 0;
		if (!c->hashed)
			too_much(c);
	}
}

/* Returns 1 when there is a zero among the bytes, 0 when not, or an error. */
static int has_zero(const struct rimg_source *src, struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src);
	auto_free uint8_t *buf = malloc(STEP);

	if (!buf)
		return error_nomem(err);
	for (uint64_t off = 0; off < size; off += STEP) {
		size_t len = (size_t)num_min(STEP, size - off);
		int rc = rimg_source_read(src, off, buf, len, err);

		if (rc < 0)
			return rc;
		if (memchr(buf, 0, len))
			return 1;
	}
	return 0;
}

/* A script is text. One that is not has an archive behind it, which it unpacks. */
static int check_script(struct audit_content *c, struct rimg_error *err)
{
	int rc;

	if (!c->artifact || c->kind != AUDIT_KIND_INTERPRETED ||
	    strcmp(c->found_format, "script") != 0)
		return 0;
	rc = has_zero(c->src, err);
	if (rc == 1) {
		c->kind = AUDIT_KIND_OPAQUE;
		c->found_format = "script with data";
	}
	return rc < 0 ? rc : 0;
}

static void hash_one(void *arg, size_t i)
{
	struct audit_content *c = at(arg, i);
	struct rimg_error err;
	int rc;

	if (!c->hashed)
		return;
	rc = digest_source(c->src, c->sha256, &err);
	if (rc == 0)
		rc = check_script(c, &err);
	c->rc = error_keep(&c->err, rc, &err);
	c->hashed = rc == 0;
}

/* ---- the same bytes ------------------------------------------------------------------------- */

struct twin {
	const struct audit_content *c;
	size_t index;
};

static int compare_twins(const void *pa, const void *pb)
{
	const struct twin *a = pa, *b = pb;
	int order = memcmp(a->c->sha256, b->c->sha256, SHA256_LEN);

	/* what is hidden stays apart from what is not */
	if (order == 0)
		order = (a->c->origin > b->c->origin) - (a->c->origin < b->c->origin);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int join(struct audit_work *w, size_t first, size_t other)
{
	struct audit_content *to = &w->contents[first], *from = &w->contents[other];

	from->same = first;
	to->declared |= from->declared;
	for (size_t i = 0; i < from->n_paths; i++)
		if (audit_add_path(to, from->paths[i]) < 0)
			return -RIMG_E_NOMEM;
	return 0;
}

static int join_twins(struct look *look)
{
	struct audit_work *w = look->w;
	auto_free struct twin *twins = calloc(w->n_contents - look->first + 1, sizeof(*twins));
	size_t n = 0;

	if (!twins)
		return -RIMG_E_NOMEM;
	for (size_t i = look->first; i < w->n_contents; i++)
		if (w->contents[i].hashed)
			twins[n++] = (struct twin){ .c = &w->contents[i], .index = i };
	qsort(twins, n, sizeof(*twins), compare_twins);
	for (size_t i = 1; i < n; i++) {
		size_t before = w->contents[twins[i - 1].index].same;

		if (twins[i].c->origin == twins[i - 1].c->origin &&
		    memcmp(twins[i].c->sha256, twins[i - 1].c->sha256, SHA256_LEN) == 0 &&
		    join(w, before, twins[i].index) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* ---- programs ------------------------------------------------------------------------------- */

static void examine_one(void *arg, size_t i)
{
	struct look *look = arg;
	struct audit_content *c = at(look, i);
	struct rimg_error err;

	if (!c->candidate || c->rc < 0 || c->same != look->first + i)
		return;
	c->rc = error_keep(&c->err, code_examine(look->w->ctx, c->src, &c->object, &err), &err);
	if (c->rc < 0)
		return;
	c->artifact = true;
	if (c->object) {
		c->kind = AUDIT_KIND_PROGRAM;
		c->found_format = c->object->format;
		return;
	}
	/* it claims to be a program, and nobody knows how to read it */
	c->kind = AUDIT_KIND_OPAQUE;
	c->found_format = c->format ? c->format : "program";
}

/* Damaged bytes are a matter of the image; that the host fails, or a limit, of this run. */
static int tell_unread(struct audit_work *w, const struct audit_content *c)
{
	bool damage = c->rc == -RIMG_E_BAD || c->rc == -RIMG_E_TRUNCATED;
	int rc = 0;

	if (c->rc == -RIMG_E_NOMEM || !c->err)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < c->n_paths && rc == 0; i++)
		rc = audit_add_unread(w, c->paths[i], NULL, c->err->text, !damage);
	return rc;
}

int audit_look(struct audit_work *w, size_t first)
{
	struct look look = { .w = w, .first = first };
	size_t n = w->n_contents - first;
	int rc;

	audit_progress(w, "contents to be hashed:", n, 0);
	pool_for(w->ctx->threads, n, classify_one, &look);
	plan_hashing(w, first);
	pool_for(w->ctx->threads, n, hash_one, &look);
	rc = join_twins(&look);
	if (rc < 0)
		return rc;
	audit_progress(w, "contents to be examined:", n, 0);
	pool_for(w->ctx->threads, n, examine_one, &look);
	for (size_t i = first; i < w->n_contents && rc == 0; i++)
		if (w->contents[i].rc < 0 && w->contents[i].same == i)
			rc = tell_unread(w, &w->contents[i]);
	return rc;
}
