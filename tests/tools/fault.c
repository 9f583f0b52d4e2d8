/* SPDX-License-Identifier: MIT */

/* A library to be preloaded: the n-th call of a kind fails, as it does on a full or broken disk or
 * without memory, or kills the process. tests/faults.sh builds and drives it.
 *
 * FAULT_KIND: one or more of alloc, write (and size), sync, name (rename, link), make (a new file or
 *	folder), remove, open, close, stat, list (a folder), seek, random, read, pread (only
 *	those that say where, as rimg's own do)
 * FAULT_AT: which call of these kinds, from 1; or "each", see fault_each.c
 * FAULT_ERROR: ENOSPC, EIO, ENOMEM, EACCES, EMFILE, EINTR; HALF (less is read or written than was
 *	asked for); a signal: KILL, INT, TERM, HUP; with "+" behind it also all later ones. Several with
 *	"each". After a signal that does not end the process the call goes on as if nothing had been.
 * FAULT_MARK: file that gets a byte when it happens
 * FAULT_FRESH: keys are made; of these only the names can be compared
 * FAULT_REPORTS: names of reports: with exit code 2 they may tell so, but have to be whole
 * FAULT_TRACE: show on file descriptor 2 where it happens
 *
 * Only calls that the program makes itself are seen: not those of the C library's streams. Programs
 * that it starts are left alone. */

#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* of a sanitizer, if there is one */
__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

static struct fault_env env = { .mark = -1 };
static bool ready;
static bool inside; /* calls of our own */
static atomic_ulong n_calls;
static _Atomic(const struct fault *) current; /* it fails with this from now on */

void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

/* ---- settings ------------------------------------------------------------------------------- */

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO },	   { "ENOMEM", ENOMEM },
		       { "EACCES", EACCES }, { "EMFILE", EMFILE }, { "EINTR", EINTR } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	return 0;
}

static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "KILL", SIGKILL }, { "INT", SIGINT }, { "TERM", SIGTERM }, { "HUP", SIGHUP }
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(signals[i].name, name) == 0)
			return signals[i].number;
	return 0;
}

static void add_fault(const char *text, size_t len)
{
	struct fault *f = &env.faults[env.n_faults];

	if (env.n_faults == sizeof(env.faults) / sizeof(env.faults[0]) || len >= sizeof(f->name))
		abort();
	f->on = text[len - 1] == '+';
	memcpy(f->name, text, len - f->on);
	f->signal = signal_number(f->name);
	f->half = strcmp(f->name, "HALF") == 0;
	f->error = error_number(f->name);
	if (f->signal == 0 && !f->half && f->error == 0)
		abort();
	if (f->on)
		f->name[len - 1] = '+';
	env.n_faults++;
}

/* Libraries that crash without memory: libfdisk 2.38, which also goes on without what it could not
 * keep, capstone 4.0, and toml++ 3.3, where what it wants to throw finds no memory either. What a copy
 * of the process ends with that failed there is told apart. */
static struct {
	uintptr_t begin, end;
	bool on; /* only if all later allocations fail, too */
} library[3];
static size_t n_libraries;

static int find_library(struct dl_phdr_info *info, size_t size, void *unused)
{
	uintptr_t end = info->dlpi_addr;

	(void)size, (void)unused;
	if (!strstr(info->dlpi_name, "libfdisk") && !strstr(info->dlpi_name, "libcapstone") &&
	    !strstr(info->dlpi_name, "libtomlplusplus"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr +
			      info->dlpi_phdr[i].p_memsz;
	if (n_libraries == sizeof(library) / sizeof(library[0]))
		abort();
	library[n_libraries].begin = info->dlpi_addr;
	library[n_libraries].on = strstr(info->dlpi_name, "libtomlplusplus") != NULL;
	library[n_libraries++].end = end;
	return 0;
}

static bool is_in_library(const void *frame, const struct fault *f)
{
	for (size_t i = 0; i < n_libraries; i++)
		if ((f->on || !library[i].on) &&
		    (uintptr_t)frame - library[i].begin < library[i].end - library[i].begin)
			return true;
	return false;
}

static void set_up(void)
{
	const char *at = getenv("FAULT_AT"), *errors = getenv("FAULT_ERROR");
	const char *step = getenv("FAULT_STEP");
	void *frames[4];

	ready = true;
	env.kinds = getenv("FAULT_KIND");
	if (!env.kinds || !at || !errors) {
		env.kinds = NULL;
		return;
	}
	env.at = strcmp(at, "each") == 0 ? 0 : strtoul(at, NULL, 10);
	env.step = step ? strtoul(step, NULL, 10) : 1;
	if (getenv("FAULT_MARK")) /* later a sandbox would not allow it */
		env.mark = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAULT_MARK"),
					O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	env.dir = getenv("FAULT_DIR");
	env.process = getpid();
	env.fresh = getenv("FAULT_FRESH") != NULL;
	env.reports = getenv("FAULT_REPORTS");
	while (*errors) {
		size_t len = strcspn(errors, " ");

		add_fault(errors, len);
		errors += len + strspn(errors + len, " ");
	}
	inside = true;
	if (__lsan_disable)
		__lsan_disable();
	(void)backtrace(frames, 4); /* what it needs is loaded now, for good */
	dl_iterate_phdr(find_library, NULL);
	if (__lsan_enable)
		__lsan_enable();
	inside = false;
}

/* Programs that this one starts are not meant. */
__attribute__((constructor)) static void leave_others_alone(void)
{
	/* a sanitizer allocates before there is an environment to read */
	if (!env.kinds)
		set_up();
	unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void)
{
	inside = true;
	fault_tell(&env);
}

static bool is_wanted(const char *kind)
{
	size_t len = strlen(kind);

	if (strcmp(kind, "pread") == 0 && is_wanted("read"))
		return true;
	for (const char *p = env.kinds; p && (p = strstr(p, kind)) != NULL; p += len)
		if ((p == env.kinds || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
			return true;
	return false;
}

/* ---- what becomes of a call ----------------------------------------------------------------- */

static void leave_mark(void)
{
	void *frames[64];

	if (env.mark >= 0)
		syscall(SYS_write, env.mark, "x", (size_t)1);
	if (getenv("FAULT_TRACE"))
		backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
}

static void note_library(const struct fault *f)
{
	static bool noted;
	void *frames[16];
	int n = noted ? 0 : backtrace(frames, 16);

	for (int i = 0; i < n && !noted; i++)
		noted = is_in_library(frames[i], f);
	if (n > 0 && noted)
		fault_note_library(&env);
}

static enum fault_turn with_fault(const struct fault *f)
{
	if (env.at == 0 && f->error == ENOMEM) {
		inside = true;
		note_library(f);
		inside = false;
	}
	if (f->signal != 0) {
		kill(getpid(), f->signal);
		return FAULT_NONE;
	}
	errno = f->error;
	return f->half ? FAULT_HALF : FAULT_FAIL;
}

static const struct fault *pick(const char *kind)
{
	unsigned long n = atomic_fetch_add(&n_calls, 1) + 1;
	const struct fault *f = NULL;
	int saved = errno;

	if (env.at != 0)
		return n == env.at ? &env.faults[0] : NULL;
	inside = true;
	f = fault_each(&env, kind, n);
	inside = false;
	errno = saved;
	return f;
}

static enum fault_turn turn(const char *kind)
{
	const struct fault *f = current;

	if (inside)
		return FAULT_NONE;
	if (!ready)
		set_up();
	if (!is_wanted(kind))
		return FAULT_NONE;
	if (f)
		return f->on ? with_fault(f) : FAULT_NONE;
	f = pick(kind);
	if (!f)
		return FAULT_NONE;
	current = f;
	inside = true;
	leave_mark();
	inside = false;
	return with_fault(f);
}

static bool must_fail(const char *kind)
{
	return turn(kind) == FAULT_FAIL;
}

/* ---- memory --------------------------------------------------------------------------------- */

#define WRAP_ALLOC(type, name, params, args)                                                \
	type name params                                                                    \
	{                                                                                   \
		static type(*next) params;                                                  \
                                                                                            \
		if (!next) {                                                                \
			bool was = inside;                                                  \
                                                                                            \
			inside = true;                                                      \
			next = (type(*) params)real(#name);                                 \
			inside = was;                                                       \
		}                                                                           \
		return must_fail("alloc") ? NULL : next args;                               \
	}

/* clang-format off */
WRAP_ALLOC(void *, malloc, (size_t size), (size))
WRAP_ALLOC(void *, calloc, (size_t n, size_t size), (n, size))
WRAP_ALLOC(void *, realloc, (void *p, size_t size), (p, size))
WRAP_ALLOC(void *, aligned_alloc, (size_t align, size_t size), (align, size))
WRAP_ALLOC(void *, memalign, (size_t align, size_t size), (align, size))
/* clang-format on */

int posix_memalign(void **ret, size_t align, size_t size)
{
	return must_fail("alloc") ? ENOMEM : REAL(posix_memalign)(ret, align, size);
}

/* C++: elsewhere it comes from malloc(), but an address sanitizer brings its own. */
static void *cxx_new(const char *name, size_t size)
{
	static bool known, is_own;

	if (!known) {
		inside = true;
		is_own = dlsym(RTLD_DEFAULT, "__asan_init") != NULL;
		inside = false;
		known = true;
	}
	if (is_own && must_fail("alloc")) {
		errno = ENOMEM;
		((void (*)(void))real("_ZSt17__throw_bad_allocv"))();
	}
	return ((void *(*)(size_t))real(name))(size);
}

void *_Znwm(size_t size);
void *_Znwm(size_t size)
{
	return cxx_new("_Znwm", size);
}

void *_Znam(size_t size);
void *_Znam(size_t size)
{
	return cxx_new("_Znam", size);
}

static bool is_each(void)
{
	return ready && env.kinds && env.at == 0;
}

/* Where each call has its turn the order of calls must not change: one thread. */
int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return is_each() ? EAGAIN : REAL(pthread_create)(id, attr, fn, arg);
}

/* And a lock that the process holds when it is copied is not the copy's: it has another thread id. With
 * one thread there is nothing to be locked. */
#define WRAP_LOCK(name, type)                               \
	int name(type *lock)                                \
	{                                                   \
		return is_each() ? 0 : REAL(name)(lock);    \
	}

/* It holds a lock of the C library's own, so that it fails as a whole. */
locale_t newlocale(int mask, const char *name, locale_t base)
{
	bool was = inside;
	locale_t made;

	if (must_fail("alloc"))
		return NULL;
	inside = was || is_each();
	made = REAL(newlocale)(mask, name, base);
	inside = was;
	return made;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	pid_t rc = REAL(waitpid)(pid, status, options);

	return rc < 0 && errno == ECHILD && current && fault_child(pid, status) ? pid : rc;
}

/* What copies and judges must not itself be confined. */
int seccomp_load(const void *filter);
int seccomp_load(const void *filter)
{
	return is_each() ? 0 : REAL(seccomp_load)(filter);
}

long syscall(long number, ...)
{
	long arg[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(list, long);
	va_end(list);
	if (is_each() && number == SYS_landlock_restrict_self)
		return 0;
	return REAL(syscall)(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

/* clang-format off */
WRAP_LOCK(pthread_mutex_lock, pthread_mutex_t)
WRAP_LOCK(pthread_mutex_unlock, pthread_mutex_t)
WRAP_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
WRAP_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
WRAP_LOCK(pthread_rwlock_unlock, pthread_rwlock_t)
/* clang-format on */

/* ---- files ---------------------------------------------------------------------------------- */

#define WRAP(kind, type, name, params, args)                   \
	type name params;                                      \
	type name params                                       \
	{                                                      \
		return must_fail(kind) ? -1 : REAL(name) args; \
	}

#define WRAP_NULL(kind, type, name, params, args)                \
	type name params;                                        \
	type name params                                         \
	{                                                        \
		return must_fail(kind) ? NULL : REAL(name) args; \
	}

/* What reads or writes @len bytes. */
#define WRAP_RUN(kind, name, params, args)                 \
	ssize_t name params;                               \
	ssize_t name params                                \
	{                                                  \
		enum fault_turn now = turn(kind);          \
                                                           \
		if (now == FAULT_HALF && len > 1)          \
			len /= 2;                          \
		return now == FAULT_FAIL ? -1 : REAL(name) args; \
	}

/* clang-format off */
WRAP_RUN("write", write, (int fd, const void *buf, size_t len), (fd, buf, len))
WRAP_RUN("write", pwrite, (int fd, const void *buf, size_t len, off_t off), (fd, buf, len, off))
WRAP_RUN("write", pwrite64, (int fd, const void *buf, size_t len, off64_t off), (fd, buf, len, off))
WRAP("write", int, ftruncate, (int fd, off_t len), (fd, len))
WRAP("write", int, ftruncate64, (int fd, off64_t len), (fd, len))
WRAP_RUN("read", read, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP_RUN("pread", pread, (int fd, void *buf, size_t len, off_t off), (fd, buf, len, off))
WRAP_RUN("pread", pread64, (int fd, void *buf, size_t len, off64_t off), (fd, buf, len, off))
/* with FORTIFY, for buffers of known size */
WRAP_RUN("read", __read_chk, (int fd, void *buf, size_t len, size_t size), (fd, buf, len, size))
WRAP_RUN("pread", __pread64_chk, (int fd, void *buf, size_t len, off64_t off, size_t size), (fd, buf, len, off, size))
WRAP_RUN("stat", readlinkat, (int dir, const char *path, char *buf, size_t len), (dir, path, buf, len))
WRAP("sync", int, fsync, (int fd), (fd))
WRAP("sync", int, fdatasync, (int fd), (fd))
WRAP("sync", int, syncfs, (int fd), (fd))
WRAP("name", int, rename, (const char *a, const char *b), (a, b))
WRAP("name", int, renameat, (int da, const char *a, int db, const char *b), (da, a, db, b))
WRAP("name", int, renameat2, (int da, const char *a, int db, const char *b, unsigned f), (da, a, db, b, f))
WRAP("name", int, linkat, (int da, const char *a, int db, const char *b, int f), (da, a, db, b, f))
WRAP("name", int, symlinkat, (const char *to, int dir, const char *path), (to, dir, path))
WRAP("make", int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP("make", int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode))
WRAP("remove", int, unlinkat, (int dir, const char *path, int f), (dir, path, f))
WRAP("remove", int, unlink, (const char *path), (path))
WRAP("remove", int, rmdir, (const char *path), (path))
WRAP("stat", int, fstat, (int fd, struct stat *st), (fd, st))
WRAP("stat", int, fstat64, (int fd, struct stat64 *st), (fd, st))
WRAP("stat", int, stat64, (const char *path, struct stat64 *st), (path, st))
WRAP("stat", int, lstat64, (const char *path, struct stat64 *st), (path, st))
WRAP("stat", int, fstatat64, (int dir, const char *path, struct stat64 *st, int f), (dir, path, st, f))
WRAP("seek", off_t, lseek, (int fd, off_t off, int whence), (fd, off, whence))
WRAP("seek", off64_t, lseek64, (int fd, off64_t off, int whence), (fd, off, whence))
WRAP("list", int, scandir64, (const char *path, struct dirent64 ***ret, int (*filter)(const struct dirent64 *), int (*order)(const struct dirent64 **, const struct dirent64 **)), (path, ret, filter, order))
WRAP_NULL("list", DIR *, opendir, (const char *path), (path))
WRAP_NULL("list", DIR *, fdopendir, (int fd), (fd))
WRAP_NULL("list", struct dirent64 *, readdir64, (DIR *dir), (dir))
WRAP("random", ssize_t, getrandom, (void *buf, size_t len, unsigned f), (buf, len, f))
WRAP("random", int, getentropy, (void *buf, size_t len), (buf, len))
/* clang-format on */

/* The file is closed all the same, as Linux does it. */
int close(int fd)
{
	bool fails = must_fail("close");
	int error = errno, rc = REAL(close)(fd);

	if (fails)
		errno = error;
	return fails ? -1 : rc;
}

#define IS_NEW(flags) (((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0)

#define WRAP_OPEN(name, params, args)                              \
	int name params;                                           \
	int name params                                            \
	{                                                          \
		mode_t mode = 0;                                   \
                                                                   \
		if (IS_NEW(flags)) {                               \
			va_list list;                              \
                                                                   \
			va_start(list, flags);                     \
			mode = va_arg(list, mode_t);               \
			va_end(list);                              \
		}                                                  \
		if (must_fail(IS_NEW(flags) ? "make" : "open"))    \
			return -1;                                 \
		return REAL(name) args;                            \
	}

/* clang-format off */
WRAP_OPEN(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
WRAP_OPEN(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
WRAP("open", int, __open64_2, (const char *path, int flags), (path, flags))
WRAP("open", int, __openat64_2, (int dir, const char *path, int flags), (dir, path, flags))
/* clang-format on */
