/* SPDX-License-Identifier: MIT */

/* A library to be preloaded: counts what a program asks of the system, and writes it to COUNT_FILE
 * when it ends, a line each, "NAME NUMBER": reads and writes that say where (rimg's own all do),
 * their bytes, files opened, threads started, and the largest resident set in KiB. For tests that
 * hold work against bounds instead of a clock: tests/cli/growth.sh. */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static atomic_ullong n_reads, n_read, n_writes, n_written, n_opened, n_threads;

#define REAL(name) ((__typeof__(&(name)))real(#name))

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		abort();
	return found;
}

static void add(atomic_ullong *calls, atomic_ullong *bytes, ssize_t n)
{
	atomic_fetch_add(calls, 1);
	if (n > 0)
		atomic_fetch_add(bytes, (unsigned long long)n);
}

ssize_t pread64(int fd, void *buf, size_t len, off64_t off)
{
	ssize_t n = REAL(pread64)(fd, buf, len, off);

	add(&n_reads, &n_read, n);
	return n;
}

/* with FORTIFY, for reads into buffers of known size */
ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t off, size_t size)
{
	ssize_t n = REAL(__pread64_chk)(fd, buf, len, off, size);

	add(&n_reads, &n_read, n);
	return n;
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	ssize_t n = REAL(pwrite64)(fd, buf, len, off);

	add(&n_writes, &n_written, n);
	return n;
}

int openat64(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(args, mode_t) : 0;
	va_end(args);
	atomic_fetch_add(&n_opened, 1);
	return REAL(openat64)(dir, path, flags, mode);
}

int pthread_create(pthread_t *restrict id, const pthread_attr_t *restrict attr, void *(*fn)(void *),
		   void *restrict arg)
{
	atomic_fetch_add(&n_threads, 1);
	return REAL(pthread_create)(id, attr, fn, arg);
}

/* Opened before the program shuts itself off from files. */
static int out = -1, status = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("COUNT_FILE");

	out = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (out < 0 || status < 0)
		abort();
}

/* VmHWM: the largest resident set so far, in KiB */
static unsigned long memory(void)
{
	char text[8192];
	ssize_t n = REAL(pread64)(status, text, sizeof(text) - 1, 0);
	const char *line;

	text[n > 0 ? n : 0] = 0;
	line = strstr(text, "\nVmHWM:");
	if (!line)
		abort();
	return strtoul(line + strlen("\nVmHWM:"), NULL, 10);
}

__attribute__((destructor)) static void tell(void)
{
	dprintf(out,
		"reads %llu\nread %llu\nwrites %llu\nwritten %llu\nopened %llu\nthreads %llu\n"
		"memory %lu\n",
		n_reads, n_read, n_writes, n_written, n_opened, n_threads, memory());
}
