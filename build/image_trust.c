/* SPDX-License-Identifier: MIT */

/* What may come out of a package: nothing, unless the whole of it is what a trusted key has signed.
 */

#include <string.h>

#include "build/image.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/load.h"
#include "core/str.h"
#include "core/toml.h"

#define KEY_LEN      IMAGE_KEY_LEN
#define KEY_FILE_MAX ((size_t)4096)

/* ---- trusted keys ------------------------------------------------------------------------- */

/* A key file is TOML with pkey = "<64 hexadecimal digits>". */
static int read_key(struct image_build *b, const char *path, uint8_t ret[KEY_LEN],
		    struct rimg_error *err)
{
	auto_free char *text = NULL;
	struct json_object *table;
	const char *hex = NULL;
	size_t len;
	int rc = load_file(path, KEY_FILE_MAX, "a key file", &text, &len, err);

	if (rc == 0)
		rc = toml_read(&b->arena, text, len, path, &table, err);
	if (rc == 0)
		rc = json_get_text(table, "key file", "pkey", &hex, err);
	if (rc < 0)
		return rc;
	if (!hex || !str_parse_hex(hex, ret, KEY_LEN))
		return error_set(err, RIMG_E_BAD, path,
				 "expected pkey = \"<64 hexadecimal digits>\"");
	return 0;
}

static int load_keys(struct image_build *b, struct rimg_error *err)
{
	const struct manifest *m = b->m;
	int rc = 0;

	b->keys = arena_array(&b->arena, m->n_package_keys + 1, KEY_LEN);
	if (!b->keys)
		return error_nomem(err);
	for (size_t i = 0; i < m->n_package_keys && rc == 0; i++) {
		auto_free char *path = NULL;

		rc = artifacts_host_path(&m->package_keys[i], &path, err);
		if (rc == 0)
			rc = read_key(b, path, b->keys[b->n_keys++], err);
		rc = image_at(m->package_keys[i].place, rc, err);
	}
	if (rc == 0 && m->cookbook) {
		auto_free char *path = NULL;
		auto_str struct str key = { 0 };

		rc = artifacts_host_path(m->cookbook, &path, err);
		if (rc == 0)
			str_printf(&key, "%s/build/id_ed25519.pub.toml", path);
		if (rc == 0)
			rc = key.failed ? error_nomem(err)
					: read_key(b, key.data, b->keys[b->n_keys++], err);
	}
	return rc;
}

/* ---- trusting ----------------------------------------------------------------------------- */

/* Whole and sound? A part of a package that nobody needs counts, too. */
static int check_sound(struct rimg_layer *l, const char *name, struct rimg_error *err)
{
	int rc = l->format->check ? l->format->check(l, err) : 0;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->n_findings; i++) {
		const struct finding *f = &l->findings[i];
		auto_str struct str path = { 0 };

		if (f->severity != SEVERITY_ERROR)
			continue;
		node_add_path(&path, f->node);
		return error_set(err, RIMG_E_BAD, NULL, "package %s: %s%s%s [%s]", name,
				 str_cstr(&path), path.len > 0 ? ": " : "", f->text, f->code);
	}
	if (l->n_errors > 0)
		return error_set(err, RIMG_E_BAD, NULL,
				 "package %s: more is wrong with it than is kept in memory", name);
	return 0;
}

/* The reader has checked the signature under the key that the archive itself carries, which proves
 * nothing until that key is one of ours. */
static int check_key(const struct image_build *b, const struct rimg_layer *l, const char *name,
		     struct rimg_error *err)
{
	const struct rimg_attr *key = node_attr(l->root, "public_key");

	if (b->n_keys == 0)
		return error_set(err, RIMG_E_CRYPTO, NULL,
				 "package %s: expected a key to trust it by; name one in "
				 "[image] package_keys",
				 name);
	for (size_t i = 0; i < b->n_keys; i++)
		if (key && key->bytes.len == KEY_LEN &&
		    memcmp(key->bytes.data, b->keys[i], KEY_LEN) == 0)
			return 0;
	return error_set(err, RIMG_E_CRYPTO, NULL,
			 "package %s: expected the signature of one of the %zu trusted keys, found "
			 "another key's",
			 name, b->n_keys);
}

/* A package that was found to be trustworthy. */
struct image_trusted {
	const struct rimg_layer *layer;
	const struct image_trusted *next;
};

int image_trust(struct image_build *b, struct rimg_layer *l, const char *name,
		struct rimg_error *err)
{
	struct image_trusted *trusted;
	int rc = 0;

	for (const struct image_trusted *t = b->trusted; t; t = t->next)
		if (t->layer == l)
			return 0;
	if (!b->keys)
		rc = load_keys(b, err);
	if (rc == 0)
		rc = check_key(b, l, name, err);
	if (rc == 0)
		rc = check_sound(l, name, err);
	if (rc < 0)
		return rc;
	trusted = arena_alloc(&b->arena, sizeof(*trusted));
	if (!trusted)
		return error_nomem(err);
	*trusted = (struct image_trusted){ .layer = l, .next = b->trusted };
	b->trusted = trusted;
	return 0;
}

struct rimg_node *image_find(struct image_build *b, const struct manifest_source *src,
			     struct rimg_error *err)
{
	struct rimg_node *found = artifacts_find(&b->artifacts, src, err);

	/* outwards, from the layer that holds it to the one on the host's file */
	for (struct rimg_node *n = found; n && n->layer; n = n->layer->root->parent)
		if (strcmp(layer_format_name(n->layer), "pkgar") == 0 &&
		    image_trust(b, n->layer, src->text, err) < 0)
			return NULL;
	return found;
}
