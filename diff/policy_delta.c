/* SPDX-License-Identifier: MIT */
#include "diff/policy_delta.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/str.h"

const char *delta_kind_name(enum delta_kind kind)
{
	switch (kind) {
	case DELTA_ADDED: return "added";
	case DELTA_REMOVED: return "removed";
	case DELTA_CHANGED: return "changed";
	case DELTA_MOVED: break;
	}
	return "moved";
}

struct policy_delta *policy_delta_read(const char *file, struct rimg_error *err)
{
	struct policy_delta *d = calloc(1, sizeof(*d));

	if (!d) {
		error_nomem(err);
		return NULL;
	}
	d->file = file;
	if (policy_load(&d->policy, file, err) < 0) {
		policy_delta_free(d);
		return NULL;
	}
	return d;
}

void policy_delta_free(struct policy_delta *d)
{
	if (!d)
		return;
	audit_free(d->a);
	audit_free(d->b);
	policy_done(&d->policy);
	arena_done(&d->arena);
	free(d->artifacts);
	free(d);
}

/* ---- places --------------------------------------------------------------------------------- */

/** struct spot - an artifact at one of its paths
 * @path: without the steps to what is compared */
struct spot {
	const char *path;
	const struct audit_artifact *artifact;
	bool paired;
};

struct spots {
	struct spot *list;
	size_t n;
};

static void spots_done(struct spots *p)
{
	free(p->list);
}

/* A path without the address of what is compared, which it begins with. */
static const char *behind(const char *path, const char *start)
{
	size_t len = strlen(start);
	const char *rest = path + len;

	if (len == 0 || strncmp(path, start, len) != 0)
		return path;
	if (strncmp(rest, "::", 2) == 0)
		return rest + 2;
	return rest[0] == '\0' || rest[0] == '/' || start[len - 1] == '/' ? rest : path;
}

static int compare_artifacts(const struct audit_artifact *a, const struct audit_artifact *b)
{
	return (a > b) - (a < b); /* both of one array */
}

static int by_path(const void *pa, const void *pb)
{
	const struct spot *a = pa, *b = pb;
	int order = strcmp(a->path, b->path);

	return order ? order : compare_artifacts(a->artifact, b->artifact);
}

static int by_content(const void *pa, const void *pb)
{
	const struct spot *a = pa, *b = pb;
	int order = memcmp(a->artifact->sha256, b->artifact->sha256, SHA256_LEN);

	if (a->paired != b->paired)
		return a->paired ? 1 : -1;
	return order ? order : by_path(pa, pb);
}

static int list_spots(const struct audit_report *r, struct rimg_node *node, struct spots *ret)
{
	auto_str struct str start = { 0 };
	size_t n = 0;

	node_add_address(&start, node);
	for (size_t i = 0; i < r->n_artifacts; i++)
		n += r->artifacts[i].n_paths;
	ret->list = calloc(n + 1, sizeof(*ret->list));
	if (!ret->list || start.failed)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < r->n_artifacts; i++)
		for (size_t k = 0; k < r->artifacts[i].n_paths; k++)
			ret->list[ret->n++] = (struct spot){
				.path = behind(r->artifacts[i].paths[k], str_cstr(&start)),
				.artifact = &r->artifacts[i],
			};
	qsort(ret->list, ret->n, sizeof(*ret->list), by_path);
	return 0;
}

/* ---- code ----------------------------------------------------------------------------------- */

/** struct key - a piece that is not covered, as it is compared */
struct key {
	uint8_t digest[SHA256_LEN];
	uint8_t cls;
	size_t piece;
};

struct keys {
	struct key *list;
	size_t n;
};

static void keys_done(struct keys *k)
{
	free(k->list);
}

static int compare_content(const struct key *a, const struct key *b)
{
	int order = memcmp(a->digest, b->digest, SHA256_LEN);

	return order ? order : (a->cls > b->cls) - (a->cls < b->cls);
}

static int by_key(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;
	int order = compare_content(a, b);

	return order ? order : (a->piece > b->piece) - (a->piece < b->piece);
}

static int by_piece(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;

	return (a->piece > b->piece) - (a->piece < b->piece);
}

/* The pieces that are not covered; with digests if there is another side.
 * @side: digest of what is too long for one, which so equals nothing on the other side */
static int list_keys(const struct audit_artifact *a, bool digests, uint8_t side, struct keys *ret,
		     struct rimg_error *err)
{
	size_t n = 0;

	for (size_t i = 0; a && a->object && i < a->object->n_pieces; i++)
		n += a->pieces[i].standing >= AUDIT_UNCOVERED;
	ret->list = calloc(n + 1, sizeof(*ret->list));
	if (!ret->list)
		return error_nomem(err);
	for (size_t i = 0; n > 0 && i < a->object->n_pieces; i++) {
		struct key *key = &ret->list[ret->n];
		int rc = 0;

		if (a->pieces[i].standing < AUDIT_UNCOVERED)
			continue;
		key->cls = a->pieces[i].cls;
		key->piece = i;
		if (digests)
			rc = code_piece_digest(a->content, a->object->arch, &a->object->pieces[i],
					       key->digest, err);
		if (rc == -RIMG_E_LIMIT)
			memset(key->digest, side, sizeof(key->digest));
		else if (rc < 0)
			return rc;
		ret->n++;
	}
	if (digests)
		qsort(ret->list, ret->n, sizeof(*ret->list), by_key);
	return 0;
}

/* Takes out of both what both have. */
static void drop_common(struct keys *a, struct keys *b)
{
	size_t i = 0, k = 0, n_a = 0, n_b = 0;

	while (i < a->n || k < b->n) {
		int order = i == a->n   ? 1
			    : k == b->n ? -1
					: compare_content(&a->list[i], &b->list[k]);

		if (order < 0) {
			a->list[n_a++] = a->list[i++];
		} else if (order > 0) {
			b->list[n_b++] = b->list[k++];
		} else {
			i++;
			k++;
		}
	}
	a->n = n_a;
	b->n = n_b;
}

static int keep_code(struct policy_delta *d, const struct audit_artifact *a, struct keys *keys,
		     struct delta_code *ret)
{
	qsort(keys->list, keys->n, sizeof(*keys->list), by_piece);
	ret->n = keys->n;
	ret->n_pieces = keys->n < DELTA_FUNCTIONS ? keys->n : DELTA_FUNCTIONS;
	ret->pieces = arena_array(&d->arena, ret->n_pieces + 1, sizeof(*ret->pieces));
	if (!ret->pieces)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < keys->n; i++) {
		const struct key *key = &keys->list[i];

		if (i < ret->n_pieces)
			ret->pieces[i] = key->piece;
		if (ret->count[key->cls]++ == 0)
			ret->first[key->cls] = key->piece;
		ret->bytes[key->cls] += a->object->pieces[key->piece].len;
	}
	return 0;
}

static int compare_code(struct policy_delta *d, struct delta_artifact *x, struct rimg_error *err)
{
	auto_with(keys_done) struct keys a = { 0 }, b = { 0 };
	bool both = x->a && x->b;
	int rc = list_keys(x->a, both, 0x00, &a, err);

	if (rc == 0)
		rc = list_keys(x->b, both, 0xFF, &b, err);
	if (rc < 0)
		return rc;
	if (both)
		drop_common(&a, &b);
	if (keep_code(d, x->a, &a, &x->removed) < 0 || keep_code(d, x->b, &b, &x->added) < 0)
		return error_nomem(err);
	return 0;
}

/* ---- artifacts ------------------------------------------------------------------------------ */

static bool is_same_judgement(const struct audit_artifact *a, const struct audit_artifact *b)
{
	return a->pass == b->pass && a->verdict == b->verdict && a->hidden == b->hidden &&
	       memcmp(&a->counts, &b->counts, sizeof(a->counts)) == 0;
}

/* What fails whatever its code is, or without code that could be compared, is worse when it is not
 * the same as before. */
static bool is_worse(const struct delta_artifact *x)
{
	if (!x->b || x->b->pass)
		return false;
	if (!x->a || x->a->pass || x->added.n > 0 || (x->b->hidden && !x->a->hidden))
		return true;
	return (!x->b->object || x->b->unopened || x->b->hidden) &&
	       memcmp(x->a->sha256, x->b->sha256, SHA256_LEN) != 0;
}

static int add_artifact(struct policy_delta *d, const struct spot *a, const struct spot *b,
			struct rimg_error *err)
{
	struct delta_artifact x = { .kind = DELTA_CHANGED,
				    .path = b ? b->path : a->path,
				    .a = a ? a->artifact : NULL,
				    .b = b ? b->artifact : NULL };
	struct delta_artifact *grown;
	int rc;

	if (x.a && x.b && memcmp(x.a->sha256, x.b->sha256, SHA256_LEN) == 0 &&
	    is_same_judgement(x.a, x.b))
		return 0;
	if (!a || !b) {
		x.kind = a ? DELTA_REMOVED : DELTA_ADDED;
	} else if (strcmp(a->path, b->path) != 0) {
		x.kind = DELTA_MOVED;
		x.was = a->path;
	}
	rc = compare_code(d, &x, err);
	if (rc < 0)
		return rc;
	x.worse = is_worse(&x);
	grown = vec_grow(d->artifacts, &d->cap, d->n_artifacts, sizeof(*grown));
	if (!grown)
		return error_nomem(err);
	d->artifacts = grown;
	grown[d->n_artifacts++] = x;
	return 0;
}

/* Those with equal paths; marks what has found its other side. */
static int pair_by_path(struct policy_delta *d, struct spots *a, struct spots *b,
			struct rimg_error *err)
{
	size_t i = 0, k = 0;
	int rc = 0;

	while (i < a->n && k < b->n && rc == 0) {
		int order = strcmp(a->list[i].path, b->list[k].path);

		if (order == 0) {
			a->list[i].paired = b->list[k].paired = true;
			rc = add_artifact(d, &a->list[i], &b->list[k], err);
		}
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

/* Of the rest, the same bytes under other paths; what is left is only there, or only here. */
static int pair_by_content(struct policy_delta *d, struct spots *a, struct spots *b,
			   struct rimg_error *err)
{
	size_t i = 0, k = 0;
	int rc = 0;

	qsort(a->list, a->n, sizeof(*a->list), by_content);
	qsort(b->list, b->n, sizeof(*b->list), by_content);
	while (rc == 0) {
		const struct spot *x = i < a->n && !a->list[i].paired ? &a->list[i] : NULL;
		const struct spot *y = k < b->n && !b->list[k].paired ? &b->list[k] : NULL;
		int order;

		if (!x && !y)
			break;
		order = !x ? 1 : !y ? -1 : memcmp(x->artifact->sha256, y->artifact->sha256, 32);
		rc = add_artifact(d, order <= 0 ? x : NULL, order >= 0 ? y : NULL, err);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

static int compare_deltas(const void *pa, const void *pb)
{
	const struct delta_artifact *a = pa, *b = pb;
	int order = strcmp(a->path, b->path);

	if (a->worse != b->worse)
		return a->worse ? -1 : 1;
	if (order)
		return order;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->b && b->b ? compare_artifacts(a->b, b->b) : compare_artifacts(a->a, b->a);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool is_complete(const struct audit_report *r)
{
	return r->n_unread == 0 && r->n_unread_lost == 0;
}

static enum delta_state state_of(const struct policy_delta *d)
{
	bool worse = d->a->pass && !d->b->pass;

	/* what passes, all of it read, is not worse than anything */
	if (!is_complete(d->b) || (!is_complete(d->a) && !d->b->pass))
		return DELTA_OPEN;
	for (size_t i = 0; i < d->n_artifacts; i++)
		worse |= d->artifacts[i].worse;
	for (size_t i = 0; i < d->policy.n_exceptions; i++)
		worse |= d->b->uses[i] == AUDIT_MISMATCH && d->a->uses[i] != AUDIT_MISMATCH;
	return worse ? DELTA_WORSE : DELTA_NOT_WORSE;
}

int policy_delta_run(struct policy_delta *d, struct rimg_node *a, struct rimg_node *b,
		     const struct audit_options *options, struct rimg_error *err)
{
	auto_with(spots_done) struct spots at = { 0 }, bt = { 0 };
	int rc = audit_run(a, &d->policy, options, &d->a, err);

	if (rc == 0)
		rc = audit_run(b, &d->policy, options, &d->b, err);
	if (rc < 0)
		return rc;
	if (list_spots(d->a, a, &at) < 0 || list_spots(d->b, b, &bt) < 0)
		return error_nomem(err);
	rc = pair_by_path(d, &at, &bt, err);
	if (rc == 0)
		rc = pair_by_content(d, &at, &bt, err);
	if (rc < 0)
		return rc;
	if (d->n_artifacts > 0)
		qsort(d->artifacts, d->n_artifacts, sizeof(*d->artifacts), compare_deltas);
	d->state = state_of(d);
	return 0;
}
