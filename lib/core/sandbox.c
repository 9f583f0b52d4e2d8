/* SPDX-License-Identifier: MIT */
#include "core/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/str.h"

/* Landlock by its system calls: the C library has none of them, and Debian 12's headers know less
 * than today's kernels. Facts: Documentation/userspace-api/landlock.rst of Linux. */

#ifndef SYS_landlock_create_ruleset /* the same numbers on every machine */
#	define SYS_landlock_create_ruleset 444
#	define SYS_landlock_add_rule       445
#	define SYS_landlock_restrict_self  446
#endif

#define VERSION_FLAG 1U /* of landlock_create_ruleset(): ask for the ABI */
#define PATH_BENEATH 1U /* of landlock_add_rule() */

/* clang-format off */
#define FS_EXECUTE     (UINT64_C(1) << 0)
#define FS_WRITE_FILE  (UINT64_C(1) << 1)
#define FS_READ_FILE   (UINT64_C(1) << 2)
#define FS_READ_DIR    (UINT64_C(1) << 3)
#define FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_DIR    (UINT64_C(1) << 7)
#define FS_MAKE_REG    (UINT64_C(1) << 8)
#define FS_MAKE_SYM    (UINT64_C(1) << 12)
#define FS_ABI_1       ((UINT64_C(1) << 13) - 1)
#define FS_REFER       (UINT64_C(1) << 13) /* ABI 2 */
#define FS_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5 */
#define NET_ALL        UINT64_C(3)         /* ABI 4: bind and connect of TCP */
#define SCOPE_ALL      UINT64_C(3)         /* ABI 6: abstract sockets and signals */
/* clang-format on */

#define READING (FS_READ_FILE | FS_READ_DIR)
#define ON_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define WRITING (READING | FS_WRITE_FILE | FS_TRUNCATE | FS_MAKE_REG | FS_REMOVE_FILE)
#define MAKING  (WRITING | FS_MAKE_DIR | FS_MAKE_SYM | FS_REMOVE_DIR | FS_REFER)

/* A kernel takes the part that it knows, by the size that it is told. */
struct ruleset_attr {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

/* ---- what there is -------------------------------------------------------------------------- */

#if defined(RIMG_COVERAGE) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#	define INSTRUMENTED 1
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
		__has_feature(memory_sanitizer) || __has_feature(coverage_sanitizer)
#		define INSTRUMENTED 1
#	endif
#endif
#ifndef INSTRUMENTED
#	define INSTRUMENTED 0
#endif

/* What is linked in reads /proc and its own program to tell what it found, or writes its counts at
 * the end. */
#ifdef RIMG_COVERAGE
#	define INSTRUMENT UINT64_MAX
#else
#	define INSTRUMENT (READING | FS_EXECUTE)
#endif

bool sandbox_instrumented(void)
{
	return INSTRUMENTED != 0;
}

const char *sandbox_words(const struct sandbox_state *state)
{
	if (state->landlock && state->seccomp)
		return "Read in a sandbox: files by Landlock, system calls by seccomp.";
	if (state->landlock)
		return "Read in half a sandbox: files by Landlock; no seccomp.";
	if (state->seccomp)
		return "Read in half a sandbox: system calls by seccomp; no Landlock.";
	return "Read without a sandbox.";
}

static unsigned landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return abi > 0 ? (unsigned)abi : 0;
}

static bool has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_TRAP;

	return !INSTRUMENTED && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

struct sandbox_state sandbox_offer(void)
{
	return (struct sandbox_state){ .landlock = landlock_abi(), .seccomp = has_seccomp() };
}

/* ---- Landlock ------------------------------------------------------------------------------- */

static uint64_t rights_of(unsigned abi)
{
	return FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

void sandbox_init(struct sandbox *s)
{
	struct ruleset_attr attr = { 0 };
	size_t size = sizeof(attr.fs);

	*s = (struct sandbox){ .ruleset = -1, .abi = landlock_abi() };
	if (s->abi == 0)
		return;
	s->handled = attr.fs = rights_of(s->abi);
	if (s->abi >= 4) {
		attr.net = NET_ALL;
		size = sizeof(attr.fs) + sizeof(attr.net);
	}
	if (s->abi >= 6) {
		attr.scoped = SCOPE_ALL;
		size = sizeof(attr);
	}
	s->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

void sandbox_done(struct sandbox *s)
{
	if (s->ruleset >= 0)
		close(s->ruleset);
	s->ruleset = -1;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void allow(struct sandbox *s, const char *path, uint64_t rights)
{
	struct path_beneath_attr attr = { .allowed = rights & s->handled };
	auto_close int fd = -1;
	struct stat st;

	s->opens = true;
	if (s->ruleset < 0)
		return;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode))
		attr.allowed &= ON_FILE;
	attr.parent = fd;
	/* a rule that could not be added is a file that cannot be opened, which will be told */
	(void)syscall(SYS_landlock_add_rule, s->ruleset, PATH_BENEATH, &attr, 0);
}

/* The folder that @path lies in, and @path itself where it is there already. */
static void allow_place(struct sandbox *s, const char *path, uint64_t rights)
{
	size_t len = strlen(path);
	auto_free char *dir = NULL;

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	dir = len > 0 ? strndup(path, len) : strdup(".");
	if (dir)
		allow(s, dir, rights);
}

/* The targets of links in a folder: who collects files in one may have linked them there. */
static void allow_links(struct sandbox *s, const char *path)
{
	auto_with(close_dir) DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)) != NULL) {
		auto_str struct str target = { 0 };

		if (e->d_type != DT_LNK)
			continue;
		str_printf(&target, "%s/%s", path, e->d_name);
		if (!target.failed)
			allow(s, target.data, READING);
	}
}

void sandbox_may_read(struct sandbox *s, const char *path)
{
	if (!path)
		return;
	allow(s, path, READING);
	allow_links(s, path);
}

void sandbox_may_write(struct sandbox *s, const char *path)
{
	if (!path)
		return;
	s->writes = true;
	allow_place(s, path, WRITING);
}

void sandbox_may_make(struct sandbox *s, const char *path)
{
	if (!path)
		return;
	s->writes = s->trees = true;
	allow_place(s, path, MAKING);
	allow(s, path, MAKING); /* an empty directory that is there may be reached by a link */
}

static bool restrict_files(struct sandbox *s)
{
	/* hard links between directories would be refused: FS_REFER can be granted from ABI 2 on */
	if (s->ruleset < 0 || (s->trees && s->abi < 2))
		return false;
	if (INSTRUMENTED)
		allow(s, "/", INSTRUMENT);
	return syscall(SYS_landlock_restrict_self, s->ruleset, 0) == 0;
}

/* The C library counts processors, by a file, when many threads ask for memory: tell it now what it
 * would find, as malloc's default is made of it. */
static void settle_malloc(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n > 0 && n < 65536)
		(void)mallopt(M_ARENA_MAX, (int)n * (sizeof(long) == 4 ? 2 : 8));
}

void sandbox_enter(struct sandbox *s, struct sandbox_state *ret)
{
	settle_malloc();
	/* without it neither of the two is for everybody, and no program that is started gains
	 * rights */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return;
	if (restrict_files(s))
		ret->landlock = s->abi;
	/* asked again: an emulator may know the older call alone, and hand it to a kernel that
	 * would then judge the emulator's calls */
	if (has_seccomp() && sandbox_filter(s, ret->seccomp))
		ret->seccomp = true;
}
