/* SPDX-License-Identifier: MIT */

/* What a process may leave in which a call failed: the result that it would have had, to the last
 * byte; or exit code 2, a message that says why, and in its folder nothing lost and nothing half made.
 * See fault_each.c for the names. */

#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void join(char path[PATH_MAX], const char *dir, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
		abort();
}

static int open_in(const char *dir, const char *path)
{
	char full[PATH_MAX];

	join(full, dir, path);
	return open(full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

static bool same_bytes(int a, int b)
{
	static char buf_a[1 << 16], buf_b[1 << 16];
	ssize_t n, m;

	do {
		n = read(a, buf_a, sizeof(buf_a));
		m = read(b, buf_b, sizeof(buf_b));
	} while (n > 0 && n == m && memcmp(buf_a, buf_b, (size_t)n) == 0);
	return n == 0 && m == 0;
}

/* Two files, or links, or folders (whatever is in them). */
static bool same_entry(const char *dir_a, const char *dir_b, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX], link_a[PATH_MAX] = "", link_b[PATH_MAX] = "";
	struct stat st_a, st_b;
	int fd_a, fd_b;
	bool same;

	join(a, dir_a, path);
	join(b, dir_b, path);
	if (lstat(a, &st_a) < 0 || lstat(b, &st_b) < 0)
		return false;
	if ((st_a.st_mode & S_IFMT) != (st_b.st_mode & S_IFMT))
		return false;
	if (S_ISDIR(st_a.st_mode))
		return true;
	if (S_ISLNK(st_a.st_mode))
		return readlink(a, link_a, sizeof(link_a) - 1) > 0 &&
		       readlink(b, link_b, sizeof(link_b) - 1) > 0 && strcmp(link_a, link_b) == 0;
	if (st_a.st_size != st_b.st_size)
		return false;
	fd_a = open_in(dir_a, path);
	fd_b = open_in(dir_b, path);
	same = fd_a >= 0 && fd_b >= 0 && same_bytes(fd_a, fd_b);
	close(fd_a);
	close(fd_b);
	return same;
}

static bool has_entry(const char *dir, const char *path)
{
	char full[PATH_MAX];

	join(full, dir, path);
	return access(full, F_OK) == 0;
}

/* A temporary file, or something in a temporary folder: NAME.rimg-N.tmp, rimg-rebuild-XXXXXX. */
static bool is_temporary(const char *path)
{
	const char *begin = strstr(path, ".rimg-");
	const char *end = begin ? strstr(begin, ".tmp") : NULL;

	return (end && (end[4] == '\0' || end[4] == '/')) ||
	       strncmp(path, "rimg-rebuild-", strlen("rimg-rebuild-")) == 0;
}

struct look {
	const char *copy, *old, *new;
	bool whole;	 /* it must be what it is in `new`; else also as it is in `old` */
	bool temporary; /* what is temporary may be left */
	bool fresh;	 /* names only */
	const char *reports; /* files that may tell of the fault, if they are whole; NULL: none */
	char *why;
	size_t size;
};

/* A report that ends as it would have ended. */
static bool is_report(const struct look *l, const char *path)
{
	char end_a[8] = "", end_b[8] = "";
	const char *at = l->reports ? strstr(l->reports, path) : NULL;
	int fd_a = at ? open_in(l->copy, path) : -1, fd_b = at ? open_in(l->new, path) : -1;
	bool same = fd_a >= 0 && fd_b >= 0 && lseek(fd_a, -(off_t)sizeof(end_a), SEEK_END) > 0 &&
		    lseek(fd_b, -(off_t)sizeof(end_b), SEEK_END) > 0 &&
		    read(fd_a, end_a, sizeof(end_a)) == (ssize_t)sizeof(end_a) &&
		    read(fd_b, end_b, sizeof(end_b)) == (ssize_t)sizeof(end_b) &&
		    memcmp(end_a, end_b, sizeof(end_a)) == 0;

	close(fd_a);
	close(fd_b);
	return same;
}

static bool look_at_entry(const struct look *l, const char *path)
{
	if (l->temporary && is_temporary(path))
		return true;
	if (l->fresh && has_entry(l->copy, path) && has_entry(l->new, path))
		return true;
	if (same_entry(l->copy, l->new, path) || (!l->whole && same_entry(l->copy, l->old, path)))
		return true;
	if (is_report(l, path))
		return true;
	snprintf(l->why, l->size, "%s is neither the old one nor the new one", path);
	return false;
}

/* Of every entry below @from/@path: is it in the copy as it should be? */
static bool look_below(const struct look *l, const char *from, const char *path)
{
	char full[PATH_MAX], child[PATH_MAX];
	struct dirent *entry;
	bool good = true;
	DIR *list;

	join(full, from, path);
	list = opendir(full);
	if (!list && errno == ENOTDIR)
		return true;
	if (!list)
		return false;
	while (good && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (*path)
			join(child, path, entry->d_name);
		else
			snprintf(child, sizeof(child), "%s", entry->d_name);
		good = look_at_entry(l, child);
		if (good && entry->d_type == DT_DIR)
			good = look_below(l, from, child);
	}
	closedir(list);
	return good;
}

static bool files_hold(const struct fault_env *env, bool whole, bool temporary, bool reports,
		       char *why, size_t size)
{
	char copy[PATH_MAX], old[PATH_MAX], new[PATH_MAX];
	struct look l = { copy, old, new, whole, temporary, env->fresh,
			  reports ? env->reports : NULL, why, size };

	join(copy, env->dir, "copy");
	join(old, env->dir, "old");
	join(new, env->dir, "new");
	return look_below(&l, copy, "") && look_below(&l, whole ? new : old, "");
}

static size_t load(const struct fault_env *env, const char *name, char *buf, size_t size)
{
	int fd = open_in(env->dir, name);
	ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : -1;

	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static bool same_output(const struct fault_env *env, const char *a, const char *b)
{
	int fd_a = open_in(env->dir, a), fd_b = open_in(env->dir, b);
	bool same = fd_a >= 0 && fd_b >= 0 && same_bytes(fd_a, fd_b);

	close(fd_a);
	close(fd_b);
	return same;
}

/* A message, which of memory must name it. What was not looked at is told in the output, too. */
static bool says_why(const struct fault_env *env, const char *kind, const struct fault *f, char *why,
		     size_t size)
{
	static char out[1 << 16];
	char text[2048];
	size_t len = load(env, "copy.err", text, sizeof(text));

	if (strcmp(kind, "alloc") == 0 ? strstr(text, "memory") != NULL : len > 0)
		return true;
	load(env, "copy.out", out, sizeof(out));
	if (f->error != ENOMEM && strstr(out, strerror(f->error)))
		return true;
	snprintf(why, size, "exit code 2, but the message is: %.300s", text);
	return false;
}

bool fault_judge(const struct fault_env *env, const char *kind, const struct fault *f, int status,
		 char *why, size_t size)
{
	/* removing takes memory, too */
	bool left = f->signal != 0 || strcmp(kind, "remove") == 0 || f->on;
	bool short_run = f->half || f->error == EINTR;
	char want[16], text[400];

	if (f->signal != 0 && WIFSIGNALED(status) && WTERMSIG(status) == f->signal)
		return files_hold(env, false, true, false, why, size);
	load(env, "copy.err", text, sizeof(text));
	load(env, "status", want, sizeof(want));
	if (WIFSIGNALED(status)) {
		snprintf(why, size, "signal %d: %s", WTERMSIG(status), text);
		return false;
	}
	if (WEXITSTATUS(status) == 2 && !short_run)
		return says_why(env, kind, f, why, size) && 
		       files_hold(env, false, left, strcmp(kind, "alloc") != 0, why, size);
	if (WEXITSTATUS(status) != strtol(want, NULL, 10)) {
		snprintf(why, size, "exit code %d: %s", WEXITSTATUS(status), text);
		return false;
	}
	if (env->fresh)
		return files_hold(env, true, left, false, why, size);
	/* json-c says that it goes on without random numbers */
	if (!same_output(env, "out", "copy.out") ||
	    (strcmp(kind, "random") != 0 && !same_output(env, "err", "copy.err"))) {
		snprintf(why, size, "exit code %d, but other output: %s", WEXITSTATUS(status), text);
		return false;
	}
	return files_hold(env, true, left, false, why, size);
}
