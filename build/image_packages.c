/* SPDX-License-Identifier: MIT */

/* [packages]: the files of .pkgar archives, found by their names. Whether one may be used is
 * decided in build/image_trust.c. */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "build/image.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/str.h"

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
		int rc = artifacts_host_path(&m->package_dirs[i], &dir, err);

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

static int find_in_target(const char *repo, const char *target, const struct manifest_package *p,
			  char **ret, struct rimg_error *err)
{
	auto_str struct str path = { 0 };

	str_printf(&path, "%s/%s/%s.pkgar", repo, target, p->name);
	if (path.failed)
		return error_nomem(err);
	if (!exists(path.data))
		return 0;
	if (*ret)
		return error_set(err, RIMG_E_ARG, repo,
				 "package %s: more than one target has a %s.pkgar; name the folder "
				 "of one in [image] package_dirs",
				 p->name, p->name);
	*ret = str_take(&path);
	return 0;
}

/* NAME.pkgar below the TARGET folders of a cookbook. Which target is meant stands nowhere, so there
 * may be only one that has it; whichever is listed first does not show. */
static int find_in_targets(const char *repo, const struct manifest_package *p, char **ret,
			   struct rimg_error *err)
{
	auto_with(cleanup_dir) DIR *targets = opendir(repo);
	struct dirent *d;
	int rc = 0;

	if (!targets)
		return errno == ENOENT ? 0 : error_os(err, repo, "cannot list the directory");
	while (rc == 0 && (errno = 0, d = readdir(targets)) != NULL)
		if (d->d_name[0] != '.')
			rc = find_in_target(repo, d->d_name, p, ret, err);
	if (rc == 0 && errno != 0)
		rc = error_os(err, repo, "cannot list the directory");
	return rc;
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

		rc = artifacts_host_path(m->cookbook, &path, err);
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

static int add_package(struct image_build *b, const struct manifest_package *p,
		       struct rimg_error *err)
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
	rc = image_trust(b, l, p->name, err);
	return rc < 0 ? rc : inputs_add_node(&b->root, b->root.root, node, p->name, &b->rules, err);
}

int image_add_packages(struct image_build *b, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->m->n_packages && rc == 0; i++)
		rc = image_at(b->m->packages[i].place, add_package(b, &b->m->packages[i], err),
			      err);
	return rc;
}
