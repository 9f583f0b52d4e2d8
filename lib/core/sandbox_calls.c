/* SPDX-License-Identifier: MIT */
#include <asm/termbits.h>
#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/leftover.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/sandbox.h"

/* The system calls that are left: what is not named ends the process (denied()). Names that a
 * machine does not have are skipped, so each call stands here in all its forms: of 32 bits, of
 * 64-bit times. */

/* Work on what is open, memory, threads; no way to open, send, start, signal or change anything
 * else. The names of files can be looked up by stat: nothing in rimg needs that in a sandbox but
 * the checks that an output is no input. */
static const char *const calls_always[] = {
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"lseek",
	"_llseek",
	"close",
	"fstat",
	"fstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"stat",
	"stat64",
	"lstat",
	"lstat64",
	"fcntl",
	"fcntl64",
	"fadvise64",
	"fadvise64_64",
	"arm_fadvise64_64",
	"readahead",
	"ftruncate",
	"ftruncate64",
	"fallocate",
	"fsync",
	"fdatasync",
	"sync_file_range",
	"sync_file_range2",
	"arm_sync_file_range",
	"syncfs",
	"poll",
	"ppoll",
	"ppoll_time64",
	/* memory; mmap and mprotect below */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	/* threads; clone below */
	"futex",
	"futex_time64",
	"set_robust_list",
	"rseq",
	"gettid",
	"getpid",
	"sched_yield",
	"sched_getaffinity",
	"exit",
	"exit_group",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	/* facts */
	"getrandom",
	"sysinfo",
	"uname",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getuid32",
	"geteuid32",
	"getgid32",
	"getegid32",
	"getrlimit",
	"ugetrlimit",
	"getrusage",
};

static const char *const calls_open[] = {
	"open",   "openat",    "openat2",    "getdents", "getdents64", "readlink",  "readlinkat",
	"access", "faccessat", "faccessat2", "getcwd",   "fstatfs",    "fstatfs64",
};

/* What may still open can be made tighter: these take away only. */
static const char *const calls_tighten[] = {
	"seccomp",
	"landlock_create_ruleset",
	"landlock_add_rule",
	"landlock_restrict_self",
};

static const char *const calls_write[] = {
	"rename",   "renameat", "renameat2", "link",   "linkat",   "unlink",
	"unlinkat", "fchmod",   "umask",     "fchown", "fchown32",
};

static const char *const calls_trees[] = {
	"mkdir",
	"mkdirat",
	"rmdir",
	"symlink",
	"symlinkat",
	"chmod",
	"fchmodat",
	"fchmodat2",
	"lchown",
	"lchown32",
	"fchownat",
	"utimensat",
	"utimensat_time64",
};

/* ---- when one is not allowed ---------------------------------------------------------------- */

/* Said without anything that needs memory or a lock. It cannot be replaced from inside: sigaction
 * is allowed for other signals alone. */
static void denied(int sig, siginfo_t *info, void *context)
{
	static const char before[] = "rimg: the sandbox does not allow system call ";
	static const char after[] = ", so this run decided nothing; if the input is not to blame, "
				    "please report it\n";
	char line[sizeof(before) + sizeof(after) + 12], digits[12];
	unsigned number = (unsigned)info->si_syscall;
	size_t n = sizeof(digits), len = sizeof(before) - 1;

	(void)sig;
	(void)context;
	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	memcpy(line, before, len);
	memcpy(line + len, digits + n, sizeof(digits) - n);
	len += sizeof(digits) - n;
	memcpy(line + len, after, sizeof(after) - 1);
	len += sizeof(after) - 1;
	(void)!write(STDERR_FILENO, line, len);
	leftover_remove();
	_exit(2);
}

/* ---- the filter ----------------------------------------------------------------------------- */

struct filter {
	scmp_filter_ctx ctx;
	bool failed;
};

static void add(struct filter *f, uint32_t action, const char *name, unsigned n,
		const struct scmp_arg_cmp *args)
{
	int number = seccomp_syscall_resolve_name(name), rc;

	/* known to the kernel, not to an older libseccomp */
	if (number == __NR_SCMP_ERROR)
		return;
	rc = seccomp_rule_add_array(f->ctx, action, number, n, args);
	if (rc == -ENOMEM)
		mem_note_failure("out of memory");
	f->failed |= rc < 0;
}

static void add_all(struct filter *f, uint32_t action, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(f, action, names[i], 0, NULL);
}

static void add_if(struct filter *f, const char *name, struct scmp_arg_cmp arg)
{
	add(f, SCMP_ACT_ALLOW, name, 1, &arg);
}

/* Calls that are harmless with some arguments only. */
static void add_some(struct filter *f)
{
	static const unsigned long requests[] = { TCGETS, TIOCGWINSZ, BLKGETSIZE64, BLKSSZGET };
	uint32_t pid = (uint32_t)getpid();

	/* no new code */
#ifdef __s390__ /* hands a pointer to its arguments over, which a filter cannot follow */
	add(f, SCMP_ACT_ALLOW, "mmap", 0, NULL);
#else
	add_if(f, "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#endif
	add_if(f, "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	add_if(f, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* threads, not processes. The C library tries clone3 first, whose flags a filter cannot
	 * see. */
#ifdef __s390__
	add_if(f, "clone", SCMP_A1(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
#else
	add_if(f, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
#endif
	add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	/* signals to itself: abort() */
	add_if(f, "tgkill", SCMP_A0(SCMP_CMP_EQ, pid, 0));
	add_if(f, "kill", SCMP_A0(SCMP_CMP_EQ, pid, 0));
	/* the C library's own, with the first thread; who is told of denied calls stays */
	add_if(f, "rt_sigaction", SCMP_A0(SCMP_CMP_NE, SIGSYS, 0));
	add_if(f, "sigaction", SCMP_A0(SCMP_CMP_NE, SIGSYS, 0));
	/* is it a terminal, how wide, how large is the device */
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		add_if(f, "ioctl", SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	/* ask for limits, set none */
	add_if(f, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0));
}

static bool catch_denied(void)
{
	struct sigaction act = { .sa_sigaction = denied, .sa_flags = SA_SIGINFO };
	sigset_t set;

	sigemptyset(&act.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	return sigaction(SIGSYS, &act, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &set, NULL) == 0;
}

bool sandbox_filter(const struct sandbox *s, bool again)
{
	struct filter f = { .ctx = seccomp_init(SCMP_ACT_TRAP) };
	int rc = -EINVAL;

	if (!f.ctx) {
		mem_note_failure("out of memory");
		return false;
	}
	add_all(&f, SCMP_ACT_ALLOW, calls_always, ARRAY_LEN(calls_always));
	add_some(&f);
	/* as Landlock has it. The C library looks into /proc and /sys at odd moments and does
	 * without; rimg takes a file that cannot be opened for trouble. */
	add_all(&f, s->opens ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), calls_open,
		ARRAY_LEN(calls_open));
	if (s->opens) {
		add_all(&f, SCMP_ACT_ALLOW, calls_tighten, ARRAY_LEN(calls_tighten));
		add_if(&f, "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NO_NEW_PRIVS, 0));
	}
	if (s->writes)
		add_all(&f, SCMP_ACT_ALLOW, calls_write, ARRAY_LEN(calls_write));
	if (s->trees)
		add_all(&f, SCMP_ACT_ALLOW, calls_trees, ARRAY_LEN(calls_trees));
	/* a filter must not cost what mitigations of speculation cost: it guards no secret of ours
	 * from code that runs in the same process anyway */
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_NNP, 0); /* it is set already */
	if (!f.failed && (again || catch_denied()))
		rc = seccomp_load(f.ctx);
	if (rc == -ENOMEM)
		mem_note_failure("out of memory");
	seccomp_release(f.ctx);
	return rc == 0;
}
