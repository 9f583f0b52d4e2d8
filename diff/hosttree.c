/* SPDX-License-Identifier: MIT */
#include "diff/hosttree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"

enum host_name host_name_check(const char *name, size_t len)
{
	if (len == 0)
		return HOST_NAME_EMPTY;
	if (memchr(name, '\0', len))
		return HOST_NAME_NUL;
	if (memchr(name, '/', len))
		return HOST_NAME_SLASH;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return HOST_NAME_DOTS;
	return HOST_NAME_FINE;
}

const char *host_name_why(enum host_name verdict)
{
	switch (verdict) {
	case HOST_NAME_EMPTY: return "is empty";
	case HOST_NAME_DOTS: return "stands for another directory";
	case HOST_NAME_SLASH: return "holds \"/\" and would lead elsewhere";
	case HOST_NAME_NUL: return "holds a NUL";
	case HOST_NAME_FINE: break;
	}
	return "is fine";
}

int host_open(int dir, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	if (host_name_check(name, strlen(name)) != HOST_NAME_FINE) {
		errno = EINVAL;
		return -1;
	}
	fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return (int)fd;
	/* an older kernel, or a sandbox without the call: for a single component that is not ".."
	 * this is just as tight */
	return openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int host_parent(const char *path, const char **ret_name, struct rimg_error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	auto_free char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd;

	if (!dir)
		return error_nomem(err);
	if (host_name_check(name, strlen(name)) != HOST_NAME_FINE)
		return error_set(err, RIMG_E_ARG, path,
				 "expected a path that ends in the name of what is to be made");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_os(err, path, "cannot open the directory to write it in");
	*ret_name = name;
	return fd;
}

int host_temporary(int dir, int (*make)(int dir, const char *name, void *arg), void *arg,
		   char ret_name[32])
{
	int r = -1;

	/* no clock or process id: what a killed run left behind must not block the next one, and
	 * two runs at once get names of their own */
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(ret_name, 32, ".rimg-%u.tmp", i);
		r = make(dir, ret_name, arg);
		if (r >= 0 || errno != EEXIST)
			break;
	}
	return r;
}

int host_write(int fd, const uint8_t *buf, size_t len, uint64_t off)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- removing ------------------------------------------------------------------------------- */

struct removal {
	DIR **dirs; /* from the top down to the one being emptied */
	char **names;
	size_t n, cap, cap_names;
};

static void removal_done(struct removal *r)
{
	for (size_t i = 0; i < r->n; i++) {
		closedir(r->dirs[i]);
		free(r->names[i]);
	}
	free(r->dirs);
	free(r->names);
}

/* Goes on in a directory; takes over @fd, also on failure. */
static int removal_enter(struct removal *r, int fd, const char *name)
{
	DIR **dirs = vec_grow(r->dirs, &r->cap, r->n, sizeof(DIR *));
	char **names = vec_grow(r->names, &r->cap_names, r->n, sizeof(char *));
	auto_free char *copy = strdup(name);
	DIR *dir;

	if (dirs)
		r->dirs = dirs;
	if (names)
		r->names = names;
	dir = dirs && names && copy ? fdopendir(fd) : NULL;
	if (!dir) {
		if (!dirs || !names || !copy)
			errno = ENOMEM;
		close(fd);
		return -1;
	}
	r->dirs[r->n] = dir;
	r->names[r->n++] = take_ptr(copy);
	return 0;
}

static int removal_leave(struct removal *r)
{
	auto_free char *name = r->names[--r->n];

	closedir(r->dirs[r->n]);
	if (r->n == 0)
		return 0;
	return unlinkat(dirfd(r->dirs[r->n - 1]), name, AT_REMOVEDIR);
}

static int remove_entry(struct removal *r, const char *name)
{
	int dir = dirfd(r->dirs[r->n - 1]);
	int fd;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	/* its mode may already be the one that the image wants */
	if (fchmodat(dir, name, 0700, 0) < 0)
		return -1;
	fd = host_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? -1 : removal_enter(r, fd, name);
}

int host_empty_below(int dir)
{
	auto_with(removal_done) struct removal r = { 0 };
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || removal_enter(&r, fd, ".") < 0)
		return -1;
	while (r.n > 0) {
		const struct dirent *e;
		int rc;

		errno = 0;
		e = readdir(r.dirs[r.n - 1]);
		if (!e && errno)
			return -1;
		rc = e ? remove_entry(&r, e->d_name) : removal_leave(&r);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int host_is_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_with(cleanup_dir) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			return 0;
	return errno ? -1 : 1;
}
