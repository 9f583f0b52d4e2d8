/* SPDX-License-Identifier: MIT */
#include "build/lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "core/load.h"
#include "core/pool.h"
#include "core/str.h"
#include "formats/gpt.h"

#define SCHEMA "rimg.lock/1"

struct lock_entry {
	const char *address;
	const struct rimg_source *content; /* NULL: the digest is known */
	uint64_t size;
	uint8_t sha256[SHA256_LEN];
	int rc;
	struct rimg_error *err; /* of a failure */
};

void lock_done(struct lock *lock)
{
	for (size_t i = 0; i < lock->n; i++)
		free(lock->entries[i].err);
	free(lock->entries);
	arena_done(&lock->arena);
}

/* ---- collecting --------------------------------------------------------------------------- */

static struct lock_entry *add_entry(struct lock *lock, const char *address, uint64_t size,
				    struct rimg_error *err)
{
	struct lock_entry *list = vec_grow(lock->entries, &lock->cap, lock->n, sizeof(*list));

	if (!list) {
		error_nomem(err);
		return NULL;
	}
	lock->entries = list;
	list[lock->n] = (struct lock_entry){ .address = address, .size = size };
	return &list[lock->n++];
}

static int add_content(struct lock *lock, const char *address, const struct rimg_source *content,
		       struct rimg_error *err)
{
	struct lock_entry *e = add_entry(lock, address, rimg_source_size(content), err);

	if (!e)
		return -RIMG_E_NOMEM;
	e->content = content;
	return 0;
}

static int add_plan(struct lock *lock, const struct plan *p, const struct rimg_source *not_this,
		    struct rimg_error *err)
{
	int rc = 0;

	for (const struct plan_node *n = p->root; n && rc == 0; n = plan_next(n))
		if (n->origin && n->content && n->content != not_this)
			rc = add_content(lock, n->origin, n->content, err);
	return rc;
}

static int add_manifests(struct lock *lock, const struct manifest *m, struct rimg_error *err)
{
	for (size_t i = 0; i < m->n_inputs; i++) {
		const char *text = m->inputs[i].text, *slash = strrchr(text, '/');
		struct lock_entry *e;

		/* the first is spelled from where the command ran, which is nothing to lock */
		if (i == 0 && slash)
			text = slash + 1;
		e = add_entry(lock, text, m->inputs[i].size, err);

		if (!e)
			return -RIMG_E_NOMEM;
		memcpy(e->sha256, m->inputs[i].sha256, sizeof(e->sha256));
	}
	return 0;
}

static int add_partitions(struct lock *lock, const struct image_build *b, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->disk.n_parts && rc == 0; i++)
		if (b->disk.parts[i].raw)
			rc = add_content(lock, b->m->partitions[i].source->text,
					 b->disk.parts[i].raw, err);
	return rc;
}

static void hash_entry(void *arg, size_t i)
{
	struct lock_entry *e = &((struct lock *)arg)->entries[i];
	struct rimg_error err;

	if (e->content)
		e->rc = error_keep(&e->err, digest_source(e->content, e->sha256, &err), &err);
}

static int compare_entries(const void *pa, const void *pb)
{
	const struct lock_entry *a = pa, *b = pb;
	int order = strcmp(a->address, b->address);

	return order != 0 ? order : memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}

/* One input that goes to several places is one input. */
static void remove_twins(struct lock *lock)
{
	size_t n = 0;

	for (size_t i = 0; i < lock->n; i++)
		if (n == 0 || compare_entries(&lock->entries[n - 1], &lock->entries[i]) != 0)
			lock->entries[n++] = lock->entries[i];
	lock->n = n;
}

int lock_collect(const struct image_build *b, struct lock *ret, struct rimg_error *err)
{
	const struct rimg_source *initfs = b->initfs_sink ? sink_source(b->initfs_sink, err) : NULL;
	int rc = add_manifests(ret, b->m, err);

	if (rc == 0)
		rc = add_plan(ret, &b->initfs, NULL, err);
	if (rc == 0)
		rc = add_plan(ret, &b->esp, NULL, err);
	if (rc == 0)
		rc = add_plan(ret, &b->root, initfs, err);
	if (rc == 0 && b->bootstrap)
		rc = add_content(ret, b->m->initfs->bootstrap->text, b->bootstrap, err);
	if (rc == 0)
		rc = add_partitions(ret, b, err);
	if (rc < 0)
		return rc;
	pool_for(b->ctx->threads, ret->n, hash_entry, ret);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->entries[i].rc < 0)
			return error_give(err, ret->entries[i].rc, ret->entries[i].err);
	if (ret->n > 0)
		qsort(ret->entries, ret->n, sizeof(*ret->entries), compare_entries);
	remove_twins(ret);
	return 0;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static int parse_digest(struct json_object *at, const char *hex, uint8_t ret[SHA256_LEN],
			struct rimg_error *err)
{
	return str_parse_hex(hex, ret, SHA256_LEN)
		       ? 0
		       : json_error(err, RIMG_E_BAD, json_place_of(at),
				    "expected sha256 of 64 hexadecimal digits");
}

static int parse_input(struct json_object *value, struct lock_entry *ret, struct rimg_error *err)
{
	const char *hex = NULL;
	int64_t size = 0;
	int rc;

	*ret = (struct lock_entry){ 0 };
	if (!json_object_is_type(value, json_type_object))
		return json_error(err, RIMG_E_BAD, json_place_of(value),
				  "expected an input, found %s", json_kind(value));
	rc = json_get_text(value, "input", "address", &ret->address, err);
	if (rc >= 0)
		rc = json_get_text(value, "input", "sha256", &hex, err);
	if (rc >= 0)
		rc = json_get_int(value, "input", "size", 0, INT64_MAX, &size, err);
	if (rc < 0)
		return rc;
	if (!ret->address || !hex)
		return json_error(err, RIMG_E_BAD, json_place_of(value),
				  "expected an input with address, size and sha256");
	ret->size = (uint64_t)size;
	return parse_digest(value, hex, ret->sha256, err);
}

/* The digest of the image: of the layer with an empty path. */
static int parse_image(struct json_object *doc, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	struct json_object *layers = NULL;
	int rc = json_get(doc, "lock", "layers", json_type_array, &layers, err);

	for (size_t i = 0; rc > 0 && i < json_object_array_length(layers); i++) {
		struct json_object *layer = json_object_array_get_idx(layers, i);
		const char *path = NULL, *hex = NULL;

		if (!json_object_is_type(layer, json_type_object) ||
		    json_get_text(layer, "layer", "path", &path, NULL) <= 0 || path[0] != '\0')
			continue;
		rc = json_get_text(layer, "layer", "sha256", &hex, err);
		return rc > 0 ? parse_digest(layer, hex, ret, err)
			      : json_error(err, RIMG_E_BAD, json_place_of(layer),
					   "expected the layer's sha256");
	}
	return rc < 0 ? rc
		      : error_set(err, RIMG_E_BAD, NULL,
				  "expected a lock with the image among its layers");
}

static int parse_inputs(struct json_object *doc, struct lock *ret, struct rimg_error *err)
{
	struct json_object *inputs = NULL;
	const char *schema = NULL;
	int rc = json_object_is_type(doc, json_type_object)
			 ? json_get_text(doc, "lock", "schema", &schema, err)
			 : error_set(err, RIMG_E_BAD, NULL, "expected a lock file");

	if (rc >= 0 && (!schema || strcmp(schema, SCHEMA) != 0))
		rc = error_set(err, RIMG_E_UNSUPPORTED, NULL, "expected a lock of schema " SCHEMA);
	if (rc >= 0)
		rc = json_get(doc, "lock", "inputs", json_type_array, &inputs, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; inputs && i < json_object_array_length(inputs); i++) {
		struct lock_entry parsed, *e;

		rc = parse_input(json_object_array_get_idx(inputs, i), &parsed, err);
		if (rc < 0)
			return rc;
		e = add_entry(ret, NULL, 0, err);
		if (!e)
			return -RIMG_E_NOMEM;
		*e = parsed;
	}
	if (ret->n > 0)
		qsort(ret->entries, ret->n, sizeof(*ret->entries), compare_entries);
	return 0;
}

struct complaint {
	void (*tell)(void *ctx, const char *text);
	void *ctx;
};

static void complain(const struct complaint *c, const char *address, const char *what)
{
	auto_str struct str s = { 0 };

	str_add_escaped(&s, address, strlen(address), STR_ESCAPE_TEXT);
	str_printf(&s, ": %s", what);
	c->tell(c->ctx, str_cstr(&s));
}

/* Two sorted lists side by side. */
static int tell_differences(const struct lock *have, const struct lock *want,
			    const struct complaint *c)
{
	size_t i = 0, k = 0;
	int differ = 0;

	while (i < have->n || k < want->n) {
		const struct lock_entry *h = i < have->n ? &have->entries[i] : NULL;
		const struct lock_entry *w = k < want->n ? &want->entries[k] : NULL;
		int order = !h ? 1 : !w ? -1 : strcmp(h->address, w->address);

		if (order == 0 && memcmp(h->sha256, w->sha256, SHA256_LEN) != 0)
			complain(c, h->address, "is not the input that the lock names");
		else if (order < 0)
			complain(c, h->address, "is not in the lock");
		else if (w && order > 0)
			complain(c, w->address, "is in the lock but no input of this build");
		else
			differ--;
		differ++;
		i += order <= 0;
		k += order >= 0;
	}
	return differ > 0;
}

/* What comes from --set or the environment, and is in no input: 1 if it differs. */
static int tell_settings(const struct manifest *m, struct json_object *doc,
			 const struct complaint *c, struct rimg_error *err)
{
	int64_t epoch = 0;
	const char *seed = NULL;
	size_t len = 0;
	int has_epoch = json_get_int(doc, "lock", "epoch", 0, INT64_MAX, &epoch, err);
	int has_seed =
		has_epoch < 0 ? has_epoch : json_get_bytes(doc, "lock", "seed", &seed, &len, err);
	bool same_epoch = has_epoch == 1 && epoch == m->epoch;
	bool same_seed = has_seed == 1 && len == m->seed_len && memcmp(seed, m->seed, len) == 0;

	if (has_seed < 0)
		return has_seed;
	if (!same_epoch)
		complain(c, "epoch", "is not the one that the lock names");
	if (!same_seed)
		complain(c, "seed", "is not the one that the lock names");
	return !same_epoch || !same_seed;
}

int lock_compare_text(const struct lock *lock, const struct manifest *m, const char *text,
		      size_t len, const char *name, void (*tell)(void *ctx, const char *text),
		      void *ctx, uint8_t ret_image[SHA256_LEN], struct rimg_error *err)
{
	auto_with(lock_done) struct lock want = { 0 };
	struct complaint c = { .tell = tell, .ctx = ctx };
	struct json_object *doc;
	int rc = json_read(&want.arena, text, len, name, &doc, err);

	if (rc == 0)
		rc = parse_inputs(doc, &want, err);
	if (rc == 0)
		rc = parse_image(doc, ret_image, err);
	if (rc == 0)
		rc = tell_settings(m, doc, &c, err);
	if (rc < 0)
		return rc;
	return tell_differences(lock, &want, &c) | rc;
}

int lock_compare(const struct lock *lock, const struct manifest *m, const char *path,
		 void (*tell)(void *ctx, const char *text), void *ctx,
		 uint8_t ret_image[SHA256_LEN], struct rimg_error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int rc = load_file(path, JSON_TEXT_MAX, "a lock", &text, &len, err);

	return rc < 0 ? rc : lock_compare_text(lock, m, text, len, path, tell, ctx, ret_image, err);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_digest(struct jsonw *w, const uint8_t sha256[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, sha256, SHA256_LEN);
	jsonw_text(w, "sha256", str_cstr(&hex));
}

/* Which of the inputs was built; the others were included, or are what it names. */
static void put_manifest(struct jsonw *w, const struct manifest *m)
{
	const char *text = m->inputs[0].text, *slash = strrchr(text, '/');

	text = slash ? slash + 1 : text;
	jsonw_object(w, "manifest");
	jsonw_bytes(w, "address", text, strlen(text));
	put_digest(w, m->inputs[0].sha256);
	jsonw_end_object(w);
}

static void put_inputs(struct jsonw *w, const struct lock *lock)
{
	jsonw_array(w, "inputs");
	for (size_t i = 0; i < lock->n; i++) {
		const struct lock_entry *e = &lock->entries[i];

		jsonw_object(w, NULL);
		jsonw_bytes(w, "address", e->address, strlen(e->address));
		jsonw_u64(w, "size", e->size);
		put_digest(w, e->sha256);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

/* ---- layers ------------------------------------------------------------------------------- */

struct output_digest *lock_layers(const struct image_build *b, struct sink *image, struct arena *a,
				  size_t *ret_n, struct rimg_error *err)
{
	size_t n = 1 + b->disk.n_parts + (b->initfs_sink ? 1 : 0);
	struct output_digest *ret = arena_array(a, n, sizeof(*ret)), *next = ret;
	const struct rimg_source *back = sink_source(image, err);

	if (!ret)
		error_nomem(err);
	if (!ret || !back)
		return NULL;
	*next++ = (struct output_digest){ .name = "", .content = back };
	for (size_t i = 0; i < b->disk.n_parts; i++) {
		const struct gpt_partition *p = &b->disk.parts[i].gpt;

		*next++ = (struct output_digest){
			.name = p->name,
			.content = source_slice(a, back, p->first_lba * GPT_SECTOR,
						(p->last_lba - p->first_lba + 1) * GPT_SECTOR)
		};
	}
	if (b->initfs_sink)
		*next = (struct output_digest){ .name = "initfs",
						.content = sink_source(b->initfs_sink, err) };
	for (size_t i = 0; i < n; i++)
		if (!ret[i].content) {
			error_nomem(err);
			return NULL;
		}
	*ret_n = n;
	return ret;
}

/* The image itself has the empty path. */
static void put_layers(struct jsonw *w, const struct output_digest *layers, size_t n)
{
	jsonw_array(w, "layers");
	for (size_t i = 0; i < n; i++) {
		jsonw_object(w, NULL);
		jsonw_text(w, "path", layers[i].name);
		jsonw_u64(w, "size", rimg_source_size(layers[i].content));
		put_digest(w, layers[i].sha256);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

struct writing {
	const struct lock *lock;
	const struct image_build *b;
	const struct output_digest *layers;
	size_t n_layers;
};

static int write_lock(FILE *out, void *arg, struct rimg_error *err)
{
	const struct writing *to = arg;
	const struct manifest *m = to->b->m;
	struct jsonw w = { .out = out, .pretty = true };

	(void)err;
	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", SCHEMA);
	jsonw_u64(&w, "epoch", (uint64_t)m->epoch);
	jsonw_bytes(&w, "seed", m->seed, m->seed_len);
	if (m->n_inputs > 0)
		put_manifest(&w, m);
	put_inputs(&w, to->lock);
	put_layers(&w, to->layers, to->n_layers);
	jsonw_end_object(&w);
	fputc('\n', out);
	return 0;
}

struct sink *lock_write(const struct lock *lock, const struct image_build *b,
			const struct output_digest *layers, size_t n_layers, const char *path,
			struct rimg_error *err)
{
	struct writing w = { .lock = lock, .b = b, .layers = layers, .n_layers = n_layers };

	return capture_sink(path, write_lock, &w, err);
}
