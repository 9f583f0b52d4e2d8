/* SPDX-License-Identifier: MIT */
#include "verify/lockfile.h"

#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "core/load.h"
#include "verify/hex.h"

#define SCHEMA      "rimg.lock/1"
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static int get(struct json_object *table, const char *path, const char *key, enum json_type type,
	       struct json_object **ret, struct rimg_error *err)
{
	int rc = json_get(table, path, key, type, ret, err);

	return rc == 0 ? json_missing(table, path, key, err) : rc < 0 ? rc : 0;
}

static int get_text(struct json_object *table, const char *path, const char *key, const char **ret,
		    struct rimg_error *err)
{
	int rc = json_get_text(table, path, key, ret, err);

	return rc == 0 ? json_missing(table, path, key, err) : rc < 0 ? rc : 0;
}

static int get_sha256(struct json_object *table, const char *path, const char **ret,
		      uint8_t digest[SHA256_LEN], struct rimg_error *err)
{
	int rc = get_text(table, path, "sha256", ret, err);

	if (rc == 0 && !hex_digest(*ret, digest))
		return json_error(err, RIMG_E_BAD, json_place_of(table),
				  "%s sha256: expected 64 lower-case hexadecimal digits", path);
	return rc;
}

static int is_table(struct json_object *value, const char *path, struct rimg_error *err)
{
	if (json_object_is_type(value, json_type_object))
		return 0;
	return json_error(err, RIMG_E_BAD, json_place_of(value), "%s expected a table, found %s",
			  path, json_kind(value));
}

static int get_size(struct json_object *table, int64_t *ret, struct rimg_error *err)
{
	int rc = json_get_int(table, "lock: input:", "size", 0, INT64_MAX, ret, err);

	return rc == 0 ? json_missing(table, "lock: input:", "size", err) : rc < 0 ? rc : 0;
}

static int read_inputs(struct arena *a, struct json_object *doc, struct lockfile *ret,
		       struct rimg_error *err)
{
	struct json_object *list = NULL;
	uint8_t digest[SHA256_LEN];
	int64_t size = 0;
	int rc = get(doc, "lock:", "inputs", json_type_array, &list, err);

	if (rc < 0)
		return rc;
	ret->n_inputs = json_object_array_length(list);
	ret->inputs = arena_array(a, ret->n_inputs + 1, sizeof(*ret->inputs));
	if (!ret->inputs)
		return error_nomem(err);
	for (size_t i = 0; i < ret->n_inputs && rc == 0; i++) {
		struct json_object *value = json_object_array_get_idx(list, i);

		rc = is_table(value, "lock: input:", err);
		if (rc == 0)
			rc = get_text(value, "lock: input:", "address", &ret->inputs[i].address,
				      err);
		if (rc == 0)
			rc = get_sha256(value, "lock: input:", &ret->inputs[i].sha256, digest, err);
		if (rc == 0)
			rc = get_size(value, &size, err);
		ret->inputs[i].size = (uint64_t)size;
	}
	return rc;
}

/* The layer with the empty path is the image. */
static int read_image(struct json_object *doc, struct lockfile *ret, struct rimg_error *err)
{
	struct json_object *list = NULL;
	const char *path = NULL, *hex = NULL;
	int rc = get(doc, "lock:", "layers", json_type_array, &list, err);

	for (size_t i = 0; rc == 0 && i < json_object_array_length(list); i++) {
		struct json_object *value = json_object_array_get_idx(list, i);

		rc = is_table(value, "lock: layer:", err);
		if (rc == 0)
			rc = get_text(value, "lock: layer:", "path", &path, err);
		if (rc == 0 && path[0] == '\0')
			return get_sha256(value, "lock: layer:", &hex, ret->image, err);
	}
	return rc < 0 ? rc
		      : json_error(err, RIMG_E_BAD, json_place_of(list),
				   "lock: layers: the image itself is missing");
}

static int read_lock(struct arena *a, struct json_object *doc, struct lockfile *ret,
		     struct rimg_error *err)
{
	struct json_object *manifest = NULL;
	const char *schema = NULL;
	uint8_t digest[SHA256_LEN];
	int64_t epoch = 0;
	int rc = is_table(doc, "lock:", err);

	if (rc == 0)
		rc = get_text(doc, "lock:", "schema", &schema, err);
	if (rc == 0 && strcmp(schema, SCHEMA) != 0)
		return json_error(err, RIMG_E_UNSUPPORTED, json_place_of(doc),
				  "expected a lock of schema " SCHEMA);
	if (rc < 0)
		return rc;
	rc = json_get_int(doc, "lock:", "epoch", 0, LAST_SECOND, &epoch, err);
	if (rc == 0)
		return json_missing(doc, "lock:", "epoch", err);
	ret->epoch = (uint64_t)epoch;
	if (rc > 0)
		rc = get_text(doc, "lock:", "seed", &ret->seed, err);
	if (rc == 0 && !json_object_object_get_ex(doc, "manifest", &manifest))
		return json_error(err, RIMG_E_BAD, json_place_of(doc),
				  "lock: it does not say which input is the manifest; build again "
				  "with this version of rimg, which writes that down");
	if (rc == 0)
		rc = is_table(manifest, "lock: manifest:", err);
	if (rc == 0)
		rc = get_text(manifest, "lock: manifest:", "address", &ret->manifest_address, err);
	if (rc == 0)
		rc = get_sha256(manifest, "lock: manifest:", &ret->manifest, digest, err);
	if (rc == 0)
		rc = read_inputs(a, doc, ret, err);
	return rc < 0 ? rc : read_image(doc, ret, err);
}

static void put_inputs(struct jsonw *w, const struct lockfile *lock)
{
	jsonw_object(w, NULL);
	jsonw_u64(w, "epoch", lock->epoch);
	jsonw_text(w, "seed", lock->seed);
	jsonw_object(w, "manifest");
	jsonw_text(w, "address", lock->manifest_address);
	jsonw_text(w, "sha256", lock->manifest);
	jsonw_end_object(w);
	jsonw_array(w, "inputs");
	for (size_t i = 0; i < lock->n_inputs; i++) {
		jsonw_object(w, NULL);
		jsonw_text(w, "address", lock->inputs[i].address);
		jsonw_u64(w, "size", lock->inputs[i].size);
		jsonw_text(w, "sha256", lock->inputs[i].sha256);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	fputc('\n', w->out);
}

static int hash_inputs(struct lockfile *lock, struct rimg_error *err)
{
	auto_str struct str text = { 0 };
	struct jsonw w = { .out = capture_open(&text) };

	if (!w.out)
		return error_nomem(err);
	put_inputs(&w, lock);
	return capture_close(w.out, err) < 0
		       ? -RIMG_E_NOMEM
		       : digest_bytes(str_cstr(&text), text.len, lock->inputs_sha256, err);
}

int lockfile_read(struct arena *a, const char *text, size_t len, const char *name,
		  struct lockfile *ret, struct rimg_error *err)
{
	struct json_object *doc = NULL;
	struct lockfile lock = { 0 };
	int rc = json_read(a, text, len, name, &doc, err);

	if (rc == 0)
		rc = read_lock(a, doc, &lock, err);
	if (rc == 0)
		rc = hash_inputs(&lock, err);
	if (rc == 0)
		*ret = lock;
	return rc;
}

int lockfile_load(struct arena *a, const char *path, struct lockfile *ret, struct rimg_error *err)
{
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = load_file(path, JSON_TEXT_MAX, "a lock", &text, &len, err);

	return rc < 0 ? rc : lockfile_read(a, text, len, path, ret, err);
}
