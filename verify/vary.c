/* SPDX-License-Identifier: MIT */
#include "verify/vary.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

static const char *const vary_names[N_VARY] = {
	[VARY_TIME] = "time",       [VARY_TZ] = "tz",       [VARY_LOCALE] = "locale",
	[VARY_UMASK] = "umask",     [VARY_USER] = "user",   [VARY_HOST] = "host",
	[VARY_CWD] = "cwd",         [VARY_HOME] = "home",   [VARY_ENV] = "env",
	[VARY_THREADS] = "threads", [VARY_ORDER] = "order", [VARY_CPU] = "cpu",
	[VARY_KERNEL] = "kernel",   [VARY_ASLR] = "aslr",
};

const char *vary_name(enum vary_id id)
{
	return vary_names[id];
}

bool vary_parse(const char *list, uint32_t *ret, const char **ret_bad, size_t *ret_len)
{
	*ret = 0;
	for (const char *word = list;; word++) {
		size_t len = strcspn(word, ",");
		uint32_t bits = len == 3 && memcmp(word, "all", 3) == 0 ? VARY_ALL : 0;

		for (unsigned id = 0; id < N_VARY; id++)
			if (strlen(vary_names[id]) == len && memcmp(vary_names[id], word, len) == 0)
				bits = VARY_BIT(id);
		if (bits == 0) {
			*ret_bad = word;
			*ret_len = len;
			return false;
		}
		*ret |= bits;
		word += len;
		if (*word == '\0')
			return true;
	}
}

/* ---- in the child: one change each; false with errno when it cannot be made ---------------- */

#define FAKETIME "/usr/bin/faketime" /* of Debian's package of that name */
#define OTHER_ID 54321               /* user and group that nobody has */

static bool put_file(const char *path, const char *text)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	return fd >= 0 && write(fd, text, len) == (ssize_t)len;
}

/* A namespace in which this user is @id: permissions stay, numbers change. */
static bool enter_user(unsigned id)
{
	char map[64], group_map[64];

	snprintf(map, sizeof(map), "%u %u 1", id, (unsigned)geteuid());
	snprintf(group_map, sizeof(group_map), "%u %u 1", id, (unsigned)getegid());
	return unshare(CLONE_NEWUSER) == 0 && put_file("/proc/self/setgroups", "deny") &&
	       put_file("/proc/self/uid_map", map) && put_file("/proc/self/gid_map", group_map);
}

/* After change_user(), which gives the right to do it; root has that already, others get it in a
 * namespace in which they stay who they are. */
static bool change_host(bool in_user_namespace)
{
	static const char name[] = "another-host-with-a-long-name";

	if (!in_user_namespace && geteuid() != 0 && !enter_user((unsigned)geteuid()))
		return false;
	return unshare(CLONE_NEWUTS) == 0 && sethostname(name, strlen(name)) == 0;
}

static bool change_personality(unsigned long flag)
{
	int now = personality(0xffffffff);

	return now >= 0 && personality((unsigned long)now | flag) >= 0;
}

static bool change_threads(void)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			return sched_setaffinity(0, sizeof(one), &one) == 0;
		}
	return false;
}

/* The first of these that is installed; names sort differently in all of them. */
static const char *other_locale(void)
{
	static const char *const names[] = { "et_EE.UTF-8", "sv_SE.UTF-8", "de_DE.UTF-8",
					     "en_US.UTF-8" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		locale_t l = newlocale(LC_ALL_MASK, names[i], (locale_t)0);

		if (l != (locale_t)0) {
			freelocale(l);
			return names[i];
		}
	}
	return NULL;
}

static bool set_all(const char *const (*pairs)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (setenv(pairs[i][0], pairs[i][1], 1) < 0)
			return false;
	return true;
}

static bool change_env(void)
{
	static const char *const pairs[][2] = {
		{ "VARIED", "a value with blanks, = and 'quotes'" },
		{ "LANGUAGE", "nonsense" },
		{ "COLUMNS", "61" },
		{ "LINES", "17" },
		{ "EDITOR", "/nonexistent/editor" },
		{ "TERM", "unknown" },
	};
	const char *path = getenv("PATH");
	char longer[4096];
	int n = snprintf(longer, sizeof(longer), "%s:/nonexistent/bin",
			 path ? path : "/usr/bin:/bin");

	return set_all(pairs, ARRAY_LEN(pairs)) && n > 0 && (size_t)n < sizeof(longer) &&
	       setenv("PATH", longer, 1) == 0;
}

/* What glibc and OpenSSL ask before they choose an implementation. */
static bool change_cpu(void)
{
	static const char *const pairs[][2] = {
		{ "GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-ERMS,-FSRM,-BMI2" },
		{ "OPENSSL_ia32cap", "0x0:0x0" },
	};

	return set_all(pairs, ARRAY_LEN(pairs));
}

/* The program `faketime` will be put before the command; this is what its library reads. */
static bool change_clock(const struct vary_host *host)
{
	static const char *const pairs[][2] = {
		{ "FAKETIME_DONT_FAKE_MONOTONIC", "1" },
		{ "NO_FAKE_STAT", "1" },
	};

	if (!host->faketime) {
		errno = ENOENT;
		return false;
	}
	return set_all(pairs, ARRAY_LEN(pairs));
}

static bool change_user(void)
{
	static const char *const pairs[][2] = { { "USER", "somebody" },
						{ "LOGNAME", "somebody" },
						{ "EMAIL", "somebody@example.org" } };

	return enter_user(OTHER_ID) && set_all(pairs, ARRAY_LEN(pairs));
}

static bool change_locale(void)
{
	const char *name = other_locale();

	if (!name)
		errno = ENOENT;
	return name && setenv("LC_ALL", name, 1) == 0 && setenv("LANG", name, 1) == 0;
}

/* A zone of three letters needs no file: 14 hours and 45 minutes before Greenwich. */
static bool change_tz(void)
{
	return setenv("TZ", "VRY-14:45", 1) == 0;
}

static bool change_umask(void)
{
	umask(077);
	return true;
}

/* Every change of the set; false at the first that cannot be made. */
static bool change_all(const struct vary_host *host, const struct vary_run *run)
{
	uint32_t set = run->set;

#define WANTED(id) ((set & VARY_BIT(id)) != 0)
	return (!WANTED(VARY_USER) || change_user()) &&
	       (!WANTED(VARY_HOST) || change_host(WANTED(VARY_USER))) &&
	       (!WANTED(VARY_TZ) || change_tz()) && (!WANTED(VARY_LOCALE) || change_locale()) &&
	       (!WANTED(VARY_UMASK) || change_umask()) &&
	       (!WANTED(VARY_HOME) || setenv("HOME", run->home, 1) == 0) &&
	       (!WANTED(VARY_ENV) || change_env()) &&
	       (!WANTED(VARY_THREADS) || host->n_cpus < 2 || change_threads()) &&
	       (!WANTED(VARY_CPU) || change_cpu()) &&
	       (!WANTED(VARY_KERNEL) || change_personality(UNAME26)) &&
	       (!WANTED(VARY_ASLR) || change_personality(ADDR_NO_RANDOMIZE)) &&
	       ((!WANTED(VARY_TIME) && !run->stopped) || change_clock(host));
#undef WANTED
}

/* ---- starting ------------------------------------------------------------------------------ */

/* The program, or faketime with the program as its arguments. */
static void execute(const struct vary_host *host, const struct vary_run *run)
{
	const char *fake[] = { host->faketime, "-f", run->stopped ? "1320966671" : "+404d" };
	auto_free char **argv = NULL; /* execv() changes none of them, but says so only in prose */
	size_t n = 0;

	while (run->argv[n])
		n++;
	argv = calloc(ARRAY_LEN(fake) + n + 1, sizeof(*argv));
	if (!argv)
		return;
	memcpy(argv, fake, sizeof(fake));
	memcpy(argv + ARRAY_LEN(fake), run->argv, n * sizeof(*argv));
	if (run->stopped) /* seconds since 1970, which no time zone changes */
		setenv("FAKETIME_FMT", "%s", 1);
	if (!run->stopped && !(run->set & VARY_BIT(VARY_TIME)))
		memmove(argv, argv + ARRAY_LEN(fake), (n + 1) * sizeof(*argv));
	execv(argv[0], argv);
}

/* ---- what this machine can ----------------------------------------------------------------- */

/* Try a change in a process of its own; 0 or the errno of what failed. */
static int attempt(const struct vary_host *host, enum vary_id id)
{
	const struct vary_run run = { .home = "/", .set = VARY_BIT(id) };
	pid_t child = fork();
	int status;

	if (child < 0)
		return errno;
	if (child == 0) {
		errno = 0;
		_exit(change_all(host, &run) ? 0 : errno > 0 && errno < 127 ? errno : 127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

__attribute__((format(printf, 3, 4))) static void say(struct vary_host *host, enum vary_id id,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(host->how[id], sizeof(host->how[id]), fmt, args);
	va_end(args);
}

static void describe(struct vary_host *host)
{
	const char *locale = other_locale();

	say(host, VARY_TIME, "404 days ahead, by faketime; not for statically linked programs");
	say(host, VARY_TZ, "14 h 45 min ahead of Greenwich");
	say(host, VARY_LOCALE, "%s", locale ? locale : "");
	say(host, VARY_UMASK, "077");
	say(host, VARY_USER, "user %u, somebody, in a namespace", OTHER_ID);
	say(host, VARY_HOST, "another-host-with-a-long-name, in a namespace");
	say(host, VARY_CWD, "another and longer path");
	say(host, VARY_HOME, "another, empty directory");
	say(host, VARY_ENV, "six variables more, a longer PATH");
	say(host, VARY_THREADS, "one processor instead of %u", host->n_cpus);
	say(host, VARY_ORDER, "a copy with entries made in another order");
	say(host, VARY_CPU, "fewer features, for dynamically linked glibc and OpenSSL");
	say(host, VARY_KERNEL, "2.6, by personality");
	say(host, VARY_ASLR, "none, by personality");
}

static void refuse(struct vary_host *host, enum vary_id id, int why)
{
	host->can &= ~VARY_BIT(id);
	if (id == VARY_TIME)
		say(host, id, "faketime is not installed");
	else if (id == VARY_LOCALE)
		say(host, id, "no locale with an order of its own is installed");
	else
		say(host, id, "not permitted here: %s", strerror(why));
}

/* Does the clock stand still for a program that faketime starts? */
static bool clock_obeys(const struct vary_host *host)
{
	static const char *const argv[] = { "/bin/sh", "-c", "test \"$(date +%s)\" = 1320966671",
					    NULL };
	const struct vary_run run = { .argv = argv, .stopped = true };
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0 && dup2(null, STDERR_FILENO) >= 0)
			execute(host, &run);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void vary_probe(struct vary_host *ret)
{
	cpu_set_t cpus;

	*ret = (struct vary_host){ .can = VARY_ALL, .n_cpus = 1 };
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		ret->n_cpus = (unsigned)CPU_COUNT(&cpus);
	if (access(FAKETIME, X_OK) == 0)
		ret->faketime = FAKETIME;
	describe(ret);
	for (unsigned id = 0; id < N_VARY; id++) {
		int why = attempt(ret, id);

		if (why != 0)
			refuse(ret, id, why);
	}
	if (ret->faketime && !clock_obeys(ret)) {
		ret->faketime = NULL;
		ret->can &= ~VARY_BIT(VARY_TIME);
		say(ret, VARY_TIME, "faketime does not change the clock of programs here");
	}
	if (ret->n_cpus < 2) {
		ret->can &= ~VARY_BIT(VARY_THREADS);
		say(ret, VARY_THREADS, "there is one processor only");
	}
#ifndef __x86_64__
	ret->can &= ~VARY_BIT(VARY_CPU);
	say(ret, VARY_CPU, "known for x86-64 only");
#endif
}

/* ---- being interrupted --------------------------------------------------------------------- */

static const int endings[] = { SIGHUP, SIGINT, SIGTERM };
static struct sigaction before[ARRAY_LEN(endings)];
static volatile sig_atomic_t interrupted; /* by which signal */
static volatile sig_atomic_t running;     /* the process group of the program; 0: none */

static void on_ending(int sig)
{
	interrupted = sig;
	if (running > 0)
		kill(-(pid_t)running, sig);
}

void vary_catch(bool on)
{
	struct sigaction action = { .sa_handler = on_ending };

	sigemptyset(&action.sa_mask);
	if (on)
		interrupted = 0;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		if (on && sigaction(endings[i], NULL, &before[i]) < 0)
			before[i].sa_handler = SIG_IGN;
		if (before[i].sa_handler != SIG_IGN)
			sigaction(endings[i], on ? &action : &before[i], NULL);
	}
}

bool vary_interrupted(void)
{
	return interrupted != 0;
}

/* A process group of its own: what it has started ends with it. */
static void begin_running(pid_t child)
{
	setpgid(child, child); /* so does the child; whoever is first */
	running = child;
	if (interrupted) /* before there was anything to end */
		kill(-child, interrupted);
}

static int say_interrupted(struct rimg_error *err)
{
	return error_set(err, RIMG_E_IO, NULL, "interrupted by signal %d", (int)interrupted);
}

/* In the child: become the program, or tell the parent by @report what failed. */
__attribute__((noreturn)) static void become(const struct vary_host *host,
					     const struct vary_run *run, int report)
{
	auto_close int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int why;

	/* what this program ignores is not what others count on */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	errno = EINVAL;
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && chdir(run->cwd) == 0 &&
	    dup2(run->log, STDOUT_FILENO) >= 0 && dup2(run->log, STDERR_FILENO) >= 0 &&
	    change_all(host, run))
		execute(host, run);
	why = errno;
	if (write(report, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

int vary_start(const struct vary_host *host, const struct vary_run *run, int *ret_status,
	       struct rimg_error *err)
{
	int report[2], status, why = 0;
	ssize_t n;
	pid_t child;

	if (interrupted)
		return say_interrupted(err);
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_os(err, run->argv[0], "cannot start it");
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		become(host, run, report[1]);
	}
	if (child > 0)
		begin_running(child);
	close(report[1]);
	n = child < 0 ? 0 : read(report[0], &why, sizeof(why)); /* 0: the program has started */
	close(report[0]);
	if (child < 0)
		return error_os(err, run->argv[0], "cannot start it");
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR) {
			running = 0;
			return error_os(err, run->argv[0], "cannot wait for it");
		}
	running = 0;
	if (interrupted)
		return say_interrupted(err);
	if (n == (ssize_t)sizeof(why)) {
		errno = why;
		return error_os(err, run->argv[0], "cannot start it in other surroundings");
	}
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}
