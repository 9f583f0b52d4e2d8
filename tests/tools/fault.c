/* SPDX-License-Identifier: MIT */

/* A library to be preloaded: the n-th call of a kind fails, as it does on a full or broken disk, or
 * kills the process. tests/faults.sh builds and drives it.
 *
 * FAULT_KIND: write (and size), sync, name (rename, link), make (a new file), read, pread (those of
 *	them that say where, as rimg's own do), remove
 * FAULT_AT: which call of that kind, from 1
 * FAULT_ERROR: ENOSPC, EIO, ENOMEM, EACCES, or a signal: KILL, INT, TERM, HUP. After a signal that does
 *	not end the process the call goes on as if nothing had been.
 * FAULT_MARK: file that gets a byte when it happens
 *
 * Only calls that the program makes itself are seen: not those of the C library's streams. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_ulong n_calls;
static int mark = -1; /* open from the start: later a sandbox would not allow it */

__attribute__((constructor)) static void open_mark(void)
{
	const char *path = getenv("FAULT_MARK");

	if (path)
		mark = (int)syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_CLOEXEC,
				    0644);
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = {
		{ "ENOSPC", ENOSPC }, { "EIO", EIO }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES }
	};

	for (size_t i = 0; name && i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	return EIO;
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

/* Is it this call's turn? Then errno is set. */
static bool must_fail(const char *kind)
{
	const char *wanted = getenv("FAULT_KIND"), *at = getenv("FAULT_AT");
	const char *error = getenv("FAULT_ERROR");

	if (!wanted || !at || strcmp(wanted, kind) != 0)
		return false;
	if (atomic_fetch_add(&n_calls, 1) + 1 != strtoul(at, NULL, 10))
		return false;
	if (mark >= 0)
		syscall(SYS_write, mark, "x", (size_t)1);
	if (error && signal_number(error) != 0) {
		kill(getpid(), signal_number(error));
		return false;
	}
	errno = error_number(error);
	return true;
}

#define REAL(name) ((__typeof__(&(name)))real(#name))

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

#define WRAP(kind, type, name, params, args)                   \
	type name params;                                      \
	type name params                                       \
	{                                                      \
		return must_fail(kind) ? -1 : REAL(name) args; \
	}

#define WRAP2(kind, other, type, name, params, args)                               \
	type name params;                                                          \
	type name params                                                           \
	{                                                                          \
		return must_fail(kind) || must_fail(other) ? -1 : REAL(name) args; \
	}

/* clang-format off */
WRAP("write", ssize_t, write, (int fd, const void *buf, size_t len), (fd, buf, len))
WRAP("write", ssize_t, pwrite, (int fd, const void *buf, size_t len, off_t off), (fd, buf, len, off))
WRAP("write", ssize_t, pwrite64, (int fd, const void *buf, size_t len, off64_t off), (fd, buf, len, off))
WRAP("write", int, ftruncate, (int fd, off_t len), (fd, len))
WRAP("write", int, ftruncate64, (int fd, off64_t len), (fd, len))
WRAP("read", ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP2("read", "pread", ssize_t, pread, (int fd, void *buf, size_t len, off_t off), (fd, buf, len, off))
WRAP2("read", "pread", ssize_t, pread64, (int fd, void *buf, size_t len, off64_t off), (fd, buf, len, off))
WRAP("sync", int, fsync, (int fd), (fd))
WRAP("sync", int, fdatasync, (int fd), (fd))
WRAP("sync", int, syncfs, (int fd), (fd))
WRAP("name", int, rename, (const char *a, const char *b), (a, b))
WRAP("name", int, renameat, (int da, const char *a, int db, const char *b), (da, a, db, b))
WRAP("name", int, renameat2, (int da, const char *a, int db, const char *b, unsigned f), (da, a, db, b, f))
WRAP("name", int, linkat, (int da, const char *a, int db, const char *b, int f), (da, a, db, b, f))
WRAP("remove", int, unlinkat, (int dir, const char *path, int f), (dir, path, f))
/* clang-format on */

/* With FORTIFY the program calls these for reads into buffers of known size. */
ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t size)
{
	return must_fail("read") ? -1 : REAL(__read_chk)(fd, buf, len, size);
}

ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t size)
{
	return must_fail("read") || must_fail("pread")
		       ? -1
		       : REAL(__pread64_chk)(fd, buf, len, off, size);
}

#define WRAP_OPEN(name)                                               \
	int name(int dir, const char *path, int flags, ...)           \
	{                                                             \
		mode_t mode = 0;                                      \
                                                                      \
		if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
			va_list args;                                 \
                                                                      \
			va_start(args, flags);                        \
			mode = va_arg(args, mode_t);                  \
			va_end(args);                                 \
			if (must_fail("make"))                        \
				return -1;                            \
		}                                                     \
		return REAL(name)(dir, path, flags, mode);            \
	}

WRAP_OPEN(openat)
WRAP_OPEN(openat64)
