/* SPDX-License-Identifier: MIT */

/* FAULT_AT=each: at each call of the kind the process is copied, and the call fails in the copy,
 * which runs to its end; then the process itself goes on as if nothing had happened. All calls have
 * their turn in a single run. There is one thread, and no sandbox.
 *
 * FAULT_DIR holds these; the process begins in `work`:
 *	work/       where the command is run
 *	old/        what is in it before
 *	new/        what is in it after the command ran undisturbed
 *	out, err    what it printed then, and `status` its exit code
 *	work.out, work.err   its standard output and error
 * and here are made:
 *	copy/       the folder of a copy of the process, in which it is `work`, while that is `kept`; copy.out,
 *		copy.err
 *	log         a line for each copy that did what it must not
 *	count       the number of calls, and of copies that refused, did the same, failed otherwise
 *	            within a library, were wrong */

#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS_MAX 20  /* of a copy: how busy the machine is does not count */
#define SECONDS_MAX     600 /* where it only waits */
#define FDS_MAX     256
#define PIPES_MAX   8

static struct {
	unsigned long calls, refused, same, library, wrong;
} count;

static bool used; /* by the process itself, not in copies */

__attribute__((format(printf, 3, 4))) static void add_line(const struct fault_env *env,
							    const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], line[1024];
	va_list args;
	int fd, len;

	snprintf(path, sizeof(path), "%s/%s", env->dir, name);
	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	for (int i = 0; i + 1 < len; i++)
		if (line[i] == '\n')
			line[i] = '|';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, (size_t)len) != len)
		abort();
	close(fd);
}

void fault_tell(const struct fault_env *env)
{
	if (used && getpid() == env->process)
		add_line(env, "count", "%lu %lu %lu %lu %lu\n", count.calls, count.refused,
			 count.same, count.library, count.wrong);
}

void fault_note_library(const struct fault_env *env)
{
	add_line(env, "copy.library", "yes\n");
}

bool fault_in_library(const struct fault_env *env)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/copy.library", env->dir);
	return access(path, F_OK) == 0;
}

/* ---- a folder of its own -------------------------------------------------------------------- */

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	dprintf(STDERR_FILENO, "fault_each: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_tree(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	DIR *list;

	if (fd < 0) {
		unlinkat(dir, name, 0);
		return;
	}
	fchmod(fd, 0700);
	list = fdopendir(fd);
	must(list != NULL, name);
	while ((entry = readdir(list)) != NULL)
		if (!is_dots(entry->d_name))
			remove_tree(fd, entry->d_name);
	closedir(list);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static void rename_dir(const struct fault_env *env, const char *from, const char *to)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", env->dir, from);
	snprintf(target, sizeof(target), "%s/%s", env->dir, to);
	if (rename(path, target) < 0)
		abort();
}

static void remove_dir(const struct fault_env *env, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", env->dir, name);
	remove_tree(AT_FDCWD, path);
}

/* Holes stay holes: images are mostly holes. */
static void copy_bytes(int from, int to)
{
	static char buf[1 << 16];
	struct stat st;
	off_t off = 0;

	must(fstat(from, &st) == 0 && ftruncate(to, st.st_size) == 0, "copy");
	while ((off = lseek(from, off, SEEK_DATA)) >= 0) {
		off_t end = lseek(from, off, SEEK_HOLE);

		while (off < end) {
			size_t len = (size_t)(end - off) < sizeof(buf) ? (size_t)(end - off) : sizeof(buf);
			ssize_t n = pread(from, buf, len, off);

			must(n > 0 && pwrite(to, buf, (size_t)n, off) == n, "copy");
			off += n;
		}
	}
	futimens(to, (struct timespec[2]){ st.st_atim, st.st_mtim });
}

static void copy_file(int from_dir, int to_dir, const char *name, mode_t mode)
{
	int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
	int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	must(from >= 0 && to >= 0, name);
	copy_bytes(from, to);
	fchmod(to, mode & 07777);
	close(from);
	close(to);
}

static void copy_tree(int from_dir, int to_dir)
{
	DIR *list = fdopendir(dup(from_dir));
	struct dirent *entry;
	struct stat st;

	must(list != NULL, "list");
	rewinddir(list);
	while ((entry = readdir(list)) != NULL) {
		const char *name = entry->d_name;
		char target[PATH_MAX] = "";

		if (is_dots(name))
			continue;
		must(fstatat(from_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0, name);
		if (S_ISLNK(st.st_mode)) {
			must(readlinkat(from_dir, name, target, sizeof(target) - 1) > 0, name);
			must(symlinkat(target, to_dir, name) == 0, name);
		} else if (S_ISDIR(st.st_mode)) {
			int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), to;

			must(mkdirat(to_dir, name, 0700) == 0, name);
			to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			must(from >= 0 && to >= 0, name);
			copy_tree(from, to);
			fchmod(to, st.st_mode & 07777);
			close(from);
			close(to);
		} else {
			copy_file(from_dir, to_dir, name, st.st_mode);
		}
	}
	closedir(list);
}

/* Pipes of its own, empty: else the end of one would not come before the process itself closes it. */
static struct {
	ino_t ino; /* of the process's */
	int ends[2];
} pipes[PIPES_MAX];

static int pipe_instead(ino_t ino, bool writes)
{
	size_t i = 0;

	while (i < PIPES_MAX && pipes[i].ino != 0 && pipes[i].ino != ino)
		i++;
	must(i < PIPES_MAX, "pipes");
	if (pipes[i].ino == 0) {
		must(pipe2(pipes[i].ends, O_CLOEXEC) == 0, "pipe");
		for (int end = 0; end < 2; end++) { /* out of the way */
			int low = pipes[i].ends[end];

			pipes[i].ends[end] = fcntl(low, F_DUPFD_CLOEXEC, FDS_MAX);
			must(pipes[i].ends[end] >= 0, "pipe");
			close(low);
		}
		pipes[i].ino = ino;
	}
	return dup(pipes[i].ends[writes]);
}

static void drop_pipes(void)
{
	for (size_t i = 0; i < PIPES_MAX && pipes[i].ino != 0; i++) {
		close(pipes[i].ends[0]);
		close(pipes[i].ends[1]);
	}
}

/* A descriptor of a file in the folder becomes one of its copy, any other one of the same file. */
static void switch_fd(int fd, const char *work, int copy_dir)
{
	char link[64], path[PATH_MAX] = "";
	size_t len = strlen(work);
	int flags = fcntl(fd, F_GETFL), fd_flags = fcntl(fd, F_GETFD), other;
	struct stat st;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return;
	must(fstat(fd, &st) == 0, path);
	if (strncmp(path, work, len) != 0 || (path[len] != '/' && path[len] != '\0')) {
		if (S_ISFIFO(st.st_mode))
			other = pipe_instead(st.st_ino, (flags & O_ACCMODE) == O_WRONLY);
		else if (S_ISREG(st.st_mode))
			other = open(link, flags & O_ACCMODE); /* with a position of its own */
		else
			return;
	} else if (st.st_nlink == 0) {
		int from = open(link, O_RDONLY | O_CLOEXEC);

		other = openat(copy_dir, ".", O_TMPFILE | O_RDWR, 0600);
		must(from >= 0 && other >= 0, path);
		copy_bytes(from, other);
		close(from);
	} else {
		other = openat(copy_dir, path[len] ? path + len + 1 : ".",
			       flags & (O_ACCMODE | O_DIRECTORY | O_APPEND));
	}
	must(other >= 0, path);
	if (S_ISREG(st.st_mode))
		lseek(other, lseek(fd, 0, SEEK_CUR), SEEK_SET);
	must(dup2(other, fd) == fd && fcntl(fd, F_SETFD, fd_flags) == 0, path);
	close(other);
}

/* A stream of its own, which begins with what was printed so far. */
static void switch_stream(int fd, int dir, const char *old_name, const char *name)
{
	int from = openat(dir, old_name, O_RDONLY | O_CLOEXEC);
	int to = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(from >= 0 && to >= 0, name);
	copy_bytes(from, to);
	lseek(to, 0, SEEK_END);
	/* at the very end it is closed already */
	must(fcntl(fd, F_GETFD) < 0 || dup2(to, fd) == fd, name);
	close(from);
	close(to);
}

void fault_isolate(const struct fault_env *env)
{
	int dir = open(env->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), from, to;
	char work[PATH_MAX];

	must(dir >= 0, env->dir);
	if (dir <= STDERR_FILENO)
		dir = fcntl(dir, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	switch_stream(STDERR_FILENO, dir, "work.err", "copy.err");
	switch_stream(STDOUT_FILENO, dir, "work.out", "copy.out");
	must(realpath(env->dir, work) != NULL, env->dir);
	strncat(work, "/kept", sizeof(work) - strlen(work) - 1);
	unlinkat(dir, "copy.library", 0);
	must(mkdirat(dir, "work", 0755) == 0, "work");
	from = openat(dir, "kept", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = openat(dir, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(from >= 0 && to >= 0, "copy");
	copy_tree(from, to);
	close(from);
	for (int fd = 3; fd < FDS_MAX; fd++)
		if (fd != dir && fd != to && fcntl(fd, F_GETFD) >= 0)
			switch_fd(fd, work, to);
	drop_pipes();
	must(fchdir(to) == 0, "copy");
	close(dir);
	close(to);
}

/* ---- children ------------------------------------------------------------------------------- */

/* Before the process is copied a child of its own has ended, but is not waited for. */
static siginfo_t ended;

bool fault_child(pid_t pid, int *ret_status)
{
	if (ended.si_pid != pid)
		return false;
	*ret_status = ended.si_code == CLD_EXITED ? ended.si_status << 8 : ended.si_status;
	return true;
}

/* ---- each call --------------------------------------------------------------------------------- */

static void look_at(const struct fault_env *env, const char *kind, const struct fault *f,
		    unsigned long n, int status)
{
	char why[512] = "";

	if (!fault_judge(env, kind, f, status, why, sizeof(why))) {
		if (fault_in_library(env) && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
			count.library++;
			return;
		}
		count.wrong++;
		add_line(env, "log", "%s %lu %s: %s\n", kind, n, f->name, why);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
		count.refused++;
	} else {
		count.same++;
	}
}

static void limit_time(void)
{
	const struct rlimit cpu = { CPU_SECONDS_MAX, CPU_SECONDS_MAX };

	if (setrlimit(RLIMIT_CPU, &cpu) < 0)
		abort();
	alarm(SECONDS_MAX);
}

const struct fault *fault_each(const struct fault_env *env, const char *kind, unsigned long n)
{
	if (getpid() != env->process)
		return NULL;
	used = true;
	count.calls = n;
	if ((n - 1) % env->step != 0)
		return NULL;
	for (size_t i = 0; i < env->n_faults; i++) {
		pid_t child;
		int status;

		ended.si_pid = 0;
		(void)waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT);
		rename_dir(env, "work", "kept");
		child = fork();
		if (child < 0)
			abort();
		if (child == 0) {
			used = false;
			limit_time();
			fault_isolate(env);
			return &env->faults[i];
		}
		while (waitpid(child, &status, 0) < 0)
			if (errno != EINTR)
				abort();
		remove_dir(env, "copy");
		rename_dir(env, "work", "copy");
		rename_dir(env, "kept", "work");
		look_at(env, kind, &env->faults[i], n, status);
	}
	return NULL;
}
