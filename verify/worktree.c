/* SPDX-License-Identifier: MIT */
#include "verify/worktree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/str.h"

#define DEPTH_MAX 128

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- names of a directory ------------------------------------------------------------------ */

struct names {
	char **list;
	size_t n, cap;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
}

static int ascending(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int descending(const void *a, const void *b)
{
	return ascending(b, a);
}

/* The names of @dir in the order in which the host tells them. Takes over @fd. */
static int list_names(int fd, const char *path, struct names *names, struct rimg_error *err)
{
	auto_with(cleanup_dir) DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return error_os(err, path, "cannot read the directory");
	}
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		char **list;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		list = vec_grow(names->list, &names->cap, names->n, sizeof(*list));
		if (!list)
			return error_nomem(err);
		names->list = list;
		list[names->n] = strdup(entry->d_name);
		if (!list[names->n])
			return error_nomem(err);
		names->n++;
	}
	return errno == 0 ? 0 : error_os(err, path, "cannot read the directory");
}

static int open_dir(int at, const char *name, const char *path, struct rimg_error *err)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 ? fd : error_os(err, path, "cannot open the directory");
}

/* ---- copying ------------------------------------------------------------------------------- */

struct copying {
	bool backwards;
	unsigned depth;
	struct rimg_error *err;
	const char *path; /* of the whole, for messages */
};

static int copy_bytes(int from, int to)
{
	auto_free char *buf = malloc(1 << 20);
	ssize_t n;

	if (!buf)
		return -1;
	while ((n = read(from, buf, 1 << 20)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (ssize_t done = 0, put; done < n; done += put) {
			put = write(to, buf + done, (size_t)(n - done));
			if (put < 0 && errno == EINTR)
				put = 0;
			else if (put <= 0)
				return -1;
		}
	}
	return 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_mtim, st->st_mtim };
	auto_close int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int to =
		openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || to < 0 || copy_bytes(from, to) < 0)
		return -1;
	return fchmod(to, st->st_mode & 0777) < 0 ? -1 : futimens(to, times);
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target));

	if (n < 0)
		return -1;
	if ((size_t)n == sizeof(target)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	target[n] = '\0';
	return symlinkat(target, to_dir, name);
}

static int copy_dir(struct copying *c, int from, int to);

static int copy_below(struct copying *c, int from_dir, int to_dir, const char *name,
		      const struct stat *st)
{
	auto_close int from = open_dir(from_dir, name, name, c->err);
	auto_close int to = -1;

	if (from < 0)
		return from;
	if (mkdirat(to_dir, name, 0700) < 0)
		return error_os(c->err, name, "cannot make a copy");
	to = open_dir(to_dir, name, name, c->err);
	if (to < 0)
		return to;
	if (copy_dir(c, take_fd(from), to) < 0)
		return -RIMG_E_IO;
	return fchmod(to, st->st_mode & 0777) < 0 ? error_os(c->err, name, "cannot set its mode")
						  : 0;
}

static int copy_entry(struct copying *c, int from, int to, const char *name)
{
	struct stat st;
	int rc;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_os(c->err, name, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		return copy_below(c, from, to, name, &st);
	if (S_ISREG(st.st_mode))
		rc = copy_file(from, to, name, &st);
	else if (S_ISLNK(st.st_mode))
		rc = copy_link(from, to, name);
	else
		return error_set(c->err, RIMG_E_UNSUPPORTED, name,
				 "expected a file, link or directory to copy, found another type");
	return rc < 0 ? error_os(c->err, name, "cannot copy it") : 0;
}

/* Takes over @from. */
static int copy_dir(struct copying *c, int from, int to)
{
	auto_close int dir = from;
	auto_with(names_done) struct names names = { 0 };
	int rc;

	if (c->depth++ >= DEPTH_MAX)
		return error_set(c->err, RIMG_E_LIMIT, c->path,
				 "more than %d directories inside one another", DEPTH_MAX);
	rc = list_names(dup(dir), c->path, &names, c->err);
	if (rc == 0 && names.n > 0)
		qsort(names.list, names.n, sizeof(char *), c->backwards ? descending : ascending);
	for (size_t i = 0; i < names.n && rc == 0; i++)
		rc = copy_entry(c, dir, to, names.list[i]);
	c->depth--;
	return rc;
}

int worktree_copy(const char *from, const char *to, bool backwards, struct rimg_error *err)
{
	struct copying c = { .backwards = backwards, .err = err, .path = from };
	int source = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int copy = -1;

	if (source < 0)
		return error_os(err, from, "cannot open the directory");
	if (mkdir(to, 0700) == 0)
		copy = open_dir(AT_FDCWD, to, to, err);
	if (copy < 0) {
		close(source);
		return error_os(err, to, "cannot make the directory");
	}
	return copy_dir(&c, source, copy);
}

/* ---- looking ------------------------------------------------------------------------------- */

static int add_size(int dir, const char *path, unsigned depth, uint64_t *sum,
		    struct rimg_error *err)
{
	auto_close int fd = dir;
	auto_with(names_done) struct names names = { 0 };
	int rc;

	if (depth > DEPTH_MAX)
		return error_set(err, RIMG_E_LIMIT, path,
				 "more than %d directories inside one another", DEPTH_MAX);
	rc = list_names(dup(fd), path, &names, err);
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		struct stat st;

		if (fstatat(fd, names.list[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return error_os(err, names.list[i], "cannot look at it");
		if (S_ISREG(st.st_mode) && !num_add(*sum, (uint64_t)st.st_size, sum))
			*sum = UINT64_MAX;
		if (S_ISDIR(st.st_mode)) {
			int below = open_dir(fd, names.list[i], names.list[i], err);

			rc = below < 0 ? below : add_size(below, path, depth + 1, sum, err);
		}
	}
	return rc;
}

int worktree_size(const char *path, uint64_t *ret, struct rimg_error *err)
{
	int dir = open_dir(AT_FDCWD, path, path, err);

	*ret = 0;
	return dir < 0 ? dir : add_size(dir, path, 0, ret, err);
}

static int same_order(int a, int b, const char *path, unsigned depth, bool *same,
		      struct rimg_error *err)
{
	auto_close int dir_a = a;
	auto_close int dir_b = b;
	auto_with(names_done) struct names in_a = { 0 };
	auto_with(names_done) struct names in_b = { 0 };
	int rc = depth > DEPTH_MAX ? -RIMG_E_LIMIT : list_names(dup(a), path, &in_a, err);

	if (rc == 0)
		rc = list_names(dup(b), path, &in_b, err);
	*same = *same && in_a.n == in_b.n;
	for (size_t i = 0; i < in_a.n && rc == 0 && *same; i++) {
		const char *name = in_a.list[i];
		struct stat st;

		*same = strcmp(name, in_b.list[i]) == 0;
		if (!*same || fstatat(a, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		a = open_dir(dir_a, name, name, err);
		b = a < 0 ? a : open_dir(dir_b, name, name, err);
		rc = b < 0 ? b : same_order(a, b, path, depth + 1, same, err);
		if (b < 0 && a >= 0)
			close(a);
		a = dir_a;
	}
	return rc;
}

int worktree_same_order(const char *a, const char *b, bool *ret, struct rimg_error *err)
{
	int dir_a = open_dir(AT_FDCWD, a, a, err);
	int dir_b;

	*ret = true;
	if (dir_a < 0)
		return dir_a;
	dir_b = open_dir(AT_FDCWD, b, b, err);
	if (dir_b < 0) {
		close(dir_a);
		return dir_b;
	}
	return same_order(dir_a, dir_b, a, 0, ret, err);
}

/* ---- removing ------------------------------------------------------------------------------ */

/* Takes over @dir. What a build made without permission to look into is given it first. */
static void empty(int dir, unsigned depth)
{
	auto_close int fd = dir;
	auto_with(names_done) struct names names = { 0 };

	if (depth > DEPTH_MAX || list_names(dup(fd), "", &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		int below;

		if (unlinkat(fd, names.list[i], 0) == 0 || fchmodat(fd, names.list[i], 0700, 0) < 0)
			continue;
		below = open_dir(fd, names.list[i], "", NULL);
		if (below >= 0)
			empty(below, depth + 1);
		unlinkat(fd, names.list[i], AT_REMOVEDIR);
	}
}

/* Twice: there may be memory again. */
void worktree_remove(const char *path)
{
	for (int i = 0; i < 2 && access(path, F_OK) == 0; i++) {
		int dir = open_dir(AT_FDCWD, path, path, NULL);

		if (dir < 0)
			continue;
		fchmod(dir, 0700);
		empty(dir, 0);
		rmdir(path);
	}
}
