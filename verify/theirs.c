/* SPDX-License-Identifier: MIT */
#include "verify/theirs.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/pool.h"

void theirs_done(struct theirs *t)
{
	arena_done(&t->arena);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The paths of the regular files among the entries. */
static int keep_files(struct theirs *t, const char *dir, struct dirent **entries, int n,
		      struct rimg_error *err)
{
	t->list = arena_array(&t->arena, (size_t)n + 1, sizeof(*t->list));
	if (!t->list)
		return error_nomem(err);
	for (int i = 0; i < n; i++) {
		char *path = arena_printf(&t->arena, "%s/%s", dir, entries[i]->d_name);

		if (!path)
			return error_nomem(err);
		if (!is_file(path))
			continue;
		if (t->n >= THEIRS_FILES_MAX)
			return error_set(err, RIMG_E_LIMIT, dir, "more than %u files",
					 THEIRS_FILES_MAX);
		t->list[t->n++].path = path;
	}
	return 0;
}

struct hashing {
	struct theirs *t;
	int *rc;
	struct rimg_error *errors;
};

static void hash_one(void *arg, size_t i)
{
	struct hashing *h = arg;
	struct rimg_source *src = rimg_source_open_path(h->t->list[i].path, &h->errors[i]);

	h->rc[i] =
		src ? digest_source(src, h->t->list[i].sha256, &h->errors[i]) : -h->errors[i].code;
	rimg_source_free(src);
}

static int hash_all(struct theirs *t, unsigned threads, struct rimg_error *err)
{
	auto_free int *rc = calloc(t->n + 1, sizeof(*rc));
	auto_free struct rimg_error *errors = calloc(t->n + 1, sizeof(*errors));
	struct hashing h = { .t = t, .rc = rc, .errors = errors };

	if (!rc || !errors)
		return error_nomem(err);
	pool_for(threads, t->n, hash_one, &h);
	for (size_t i = 0; i < t->n; i++)
		if (rc[i] < 0) {
			if (err)
				*err = errors[i];
			return rc[i];
		}
	return 0;
}

int theirs_load(struct theirs *t, const char *dir, unsigned threads, struct rimg_error *err)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_visible, by_bytes), rc;

	if (n < 0)
		return error_os(err, dir, "cannot read the folder");
	rc = keep_files(t, dir, entries, n, err);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return rc < 0 ? rc : hash_all(t, threads, err);
}

const char *theirs_find(const struct theirs *t, const uint8_t sha256[SHA256_LEN])
{
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(t->list[i].sha256, sha256, SHA256_LEN) == 0)
			return t->list[i].path;
	return NULL;
}
