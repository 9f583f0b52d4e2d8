/* SPDX-License-Identifier: MIT */

/* [packages]: the files of .pkgar archives, each signed by a key that the manifest trusts. */

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "build/image.h"
#include "core/address.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/str.h"
#include "core/toml.h"

#define KEY_LEN      32
#define KEY_FILE_MAX ((size_t)4096)

/* ---- trusted keys ------------------------------------------------------------------------- */

struct keys {
	uint8_t (*list)[KEY_LEN];
	size_t n;
};

static int read_text(const char *path, char *buf, size_t cap, size_t *ret_len,
		     struct rimg_error *err)
{
	struct rimg_source *src = rimg_source_open_path(path, err);
	int rc;

	if (!src)
		return -RIMG_E_IO;
	*ret_len = (size_t)rimg_source_size(src);
	if (rimg_source_size(src) > cap)
		rc = error_set(err, RIMG_E_LIMIT, path, "expected a key file of at most %zu bytes",
			       cap);
	else
		rc = rimg_source_read(src, 0, buf, *ret_len, err);
	rimg_source_free(src);
	return rc;
}

static bool parse_key(const char *hex, uint8_t ret[KEY_LEN])
{
	if (strlen(hex) != 2 * (size_t)KEY_LEN)
		return false;
	for (size_t i = 0; i < KEY_LEN; i++) {
		char digits[5] = { '0', 'x', hex[2 * i], hex[2 * i + 1], '\0' };
		uint64_t value;

		if (!str_parse_u64(digits, &value) || value > UINT8_MAX)
			return false;
		ret[i] = (uint8_t)value;
	}
	return true;
}

/* A key file is TOML with pkey = "<64 hexadecimal digits>". */
static int read_key(struct image_build *b, const char *path, uint8_t ret[KEY_LEN],
		    struct rimg_error *err)
{
	char text[KEY_FILE_MAX];
	struct json_object *table;
	const char *hex = NULL;
	size_t len;
	int rc = read_text(path, text, sizeof(text), &len, err);

	if (rc == 0)
		rc = toml_read(&b->arena, text, len, path, &table, err);
	if (rc == 0)
		rc = json_get_text(table, "key file", "pkey", &hex, err);
	if (rc < 0)
		return rc;
	if (!hex || !parse_key(hex, ret))
		return error_set(err, RIMG_E_BAD, path,
				 "expected pkey = \"<64 hexadecimal digits>\"");
	return 0;
}

static int host_path(const struct manifest_source *src, char **ret, struct rimg_error *err)
{
	const char *steps;

	return address_split(src->path, ret, &steps, err);
}

static int load_keys(struct image_build *b, struct keys *keys, struct rimg_error *err)
{
	const struct manifest *m = b->m;
	int rc = 0;

	keys->list = arena_array(&b->arena, m->n_package_keys + 1, KEY_LEN);
	if (!keys->list)
		return error_nomem(err);
	for (size_t i = 0; i < m->n_package_keys && rc == 0; i++) {
		auto_free char *path = NULL;

		rc = host_path(&m->package_keys[i], &path, err);
		if (rc == 0)
			rc = read_key(b, path, keys->list[keys->n++], err);
		rc = image_at(m->package_keys[i].place, rc, err);
	}
	if (rc == 0 && m->cookbook) {
		auto_free char *path = NULL;
		auto_str struct str key = { 0 };

		rc = host_path(m->cookbook, &path, err);
		if (rc == 0)
			str_printf(&key, "%s/build/id_ed25519.pub.toml", path);
		if (rc == 0)
			rc = key.failed ? error_nomem(err)
					: read_key(b, key.data, keys->list[keys->n++], err);
	}
	return rc;
}

/* ---- finding ------------------------------------------------------------------------------ */

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* NAME.pkgar in the first package folder that has it: *ret; NULL if none does. */
static int find_in_dirs(const struct manifest *m, const struct manifest_package *p, char **ret,
			struct rimg_error *err)
{
	*ret = NULL;
	for (size_t i = 0; i < m->n_package_dirs; i++) {
		auto_free char *dir = NULL;
		auto_str struct str path = { 0 };
		int rc = host_path(&m->package_dirs[i], &dir, err);

		if (rc < 0)
			return rc;
		str_printf(&path, "%s/%s.pkgar", dir, p->name);
		if (!path.failed && exists(path.data)) {
			*ret = str_take(&path);
			return *ret ? 0 : error_nomem(err);
		}
	}
	return 0;
}

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* NAME.pkgar below the TARGET folders of a cookbook. Which target is meant stands nowhere, so there
 * may be only one that has it; whichever is listed first does not show. */
static int find_in_targets(const char *repo, const struct manifest_package *p, char **ret,
			   struct rimg_error *err)
{
	auto_with(cleanup_dir) DIR *targets = opendir(repo);
	struct dirent *d;

	while (targets && (d = readdir(targets)) != NULL) {
		auto_str struct str path = { 0 };

		str_printf(&path, "%s/%s/%s.pkgar", repo, d->d_name, p->name);
		if (path.failed)
			return error_nomem(err);
		if (d->d_name[0] == '.' || !exists(path.data))
			continue;
		if (*ret)
			return error_set(err, RIMG_E_ARG, repo,
					 "package %s: more than one target has a %s.pkgar; name "
					 "the folder of one in [image] package_dirs",
					 p->name, p->name);
		*ret = str_take(&path);
	}
	return 0;
}

static int find_package(struct image_build *b, const struct manifest_package *p, char **ret,
			struct rimg_error *err)
{
	const struct manifest *m = b->m;
	auto_free char *found = NULL;
	int rc = find_in_dirs(m, p, &found, err);

	if (rc == 0 && !found && m->cookbook) {
		auto_free char *path = NULL;
		auto_str struct str repo = { 0 };

		rc = host_path(m->cookbook, &path, err);
		if (rc == 0)
			str_printf(&repo, "%s/repo", path);
		if (rc == 0)
			rc = repo.failed ? error_nomem(err)
					 : find_in_targets(repo.data, p, &found, err);
	}
	if (rc < 0)
		return rc;
	if (!found)
		return error_set(err, RIMG_E_NOENT, NULL,
				 "package %s: there is no %s.pkgar in the folders of package_dirs "
				 "(%zu of them)%s",
				 p->name, p->name, m->n_package_dirs,
				 m->cookbook ? " or in repo/TARGET/ of the cookbook" : "");
	*ret = take_ptr(found);
	return 0;
}

static struct rimg_node *open_package(struct image_build *b, const struct manifest_package *p,
				      struct rimg_error *err)
{
	struct manifest_source found = { .place = p->place };
	auto_str struct str address = { 0 };
	auto_free char *path = NULL;

	if (p->source)
		return artifacts_find(&b->artifacts, p->source, err);
	if (find_package(b, p, &path, err) < 0)
		return NULL;
	str_add_escaped(&address, path, strlen(path), STR_ESCAPE_STEP);
	found.path = found.text = str_cstr(&address);
	return artifacts_find(&b->artifacts, &found, err);
}

/* ---- trusting ----------------------------------------------------------------------------- */

/* Whole and sound? A part of a package that nobody needs counts, too. */
static int check_sound(const struct manifest_package *p, struct rimg_layer *l,
		       struct rimg_error *err)
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
		return error_set(err, RIMG_E_BAD, NULL, "package %s: %s%s%s [%s]", p->name,
				 str_cstr(&path), path.len > 0 ? ": " : "", f->text, f->code);
	}
	if (l->n_errors > 0)
		return error_set(err, RIMG_E_BAD, NULL,
				 "package %s: more is wrong with it than is kept in memory",
				 p->name);
	return 0;
}

/* The reader has checked the signature under the key that the archive itself carries, which proves
 * nothing until that key is one of ours. */
static int check_trust(const struct manifest_package *p, const struct rimg_layer *l,
		       const struct keys *keys, struct rimg_error *err)
{
	const struct rimg_attr *key = node_attr(l->root, "public_key");

	if (keys->n == 0)
		return error_set(err, RIMG_E_CRYPTO, NULL,
				 "package %s: expected a key to trust it by; name one in "
				 "[image] package_keys",
				 p->name);
	for (size_t i = 0; i < keys->n; i++)
		if (key && key->bytes.len == KEY_LEN &&
		    memcmp(key->bytes.data, keys->list[i], KEY_LEN) == 0)
			return 0;
	return error_set(err, RIMG_E_CRYPTO, NULL,
			 "package %s: expected the signature of one of the %zu trusted keys, found "
			 "another key's",
			 p->name, keys->n);
}

static int add_package(struct image_build *b, const struct manifest_package *p,
		       const struct keys *keys, struct rimg_error *err)
{
	struct rimg_node *node = open_package(b, p, err);
	struct rimg_layer *l;
	int rc;

	if (!node)
		return -RIMG_E_NOENT;
	rc = node_open(node, &l, err);
	if (rc < 0)
		return rc;
	if (!l || l->unreadable || strcmp(layer_format_name(l), "pkgar") != 0)
		return error_set(err, RIMG_E_BAD, NULL,
				 "package %s: expected a .pkgar archive, found something else",
				 p->name);
	rc = check_trust(p, l, keys, err);
	if (rc == 0)
		rc = check_sound(p, l, err);
	return rc < 0 ? rc : inputs_add_node(&b->root, b->root.root, node, p->name, &b->rules, err);
}

int image_add_packages(struct image_build *b, struct rimg_error *err)
{
	struct keys keys = { 0 };
	int rc;

	if (b->m->n_packages == 0)
		return 0;
	rc = load_keys(b, &keys, err);
	for (size_t i = 0; i < b->m->n_packages && rc == 0; i++)
		rc = image_at(b->m->packages[i].place,
			      add_package(b, &b->m->packages[i], &keys, err), err);
	return rc;
}
