/* SPDX-License-Identifier: MIT */

/* measure RUNS [--before COMMAND] COMMAND... [--vs COMMAND...]...
 *
 * Runs each command RUNS times after one run that is not counted (RUNS 0: once, and that counts),
 * with its output thrown away, and prints a line for each: "MEDIAN MIN MAX MEMORY EXIT CPU":
 * milliseconds of wall time, the largest resident set of all runs in KiB, the exit code, and
 * milliseconds of processor time, the median of all runs. Several commands run in turn, so that a
 * machine that becomes slower does so for all; their lines go on with "RATIO LOW HIGH", hundredths
 * of what the first command took in the same round: median, minimum, maximum. What the shell runs
 * before each is not counted. Ends with 1 if the runs' exit codes are not all the same. */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX     1000
#define COMMANDS_MAX 16

struct command {
	char **argv;
	uint64_t ns[RUNS_MAX];
	uint64_t cpu_ns[RUNS_MAX];
	uint64_t ratio[RUNS_MAX]; /* hundredths */
	long rss_kib;
	int status;
};

static struct command commands[COMMANDS_MAX];
static size_t n_commands;

static void fail(const char *what)
{
	fprintf(stderr, "measure: %s\n", what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(const struct rusage *u)
{
	return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000;
}

static int run(char **argv, struct rusage *ret)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, ret) < 0)
		fail(strerror(errno));
	return status;
}

static void run_counted(struct command *c, size_t i, char **before)
{
	struct rusage usage = { 0 };
	uint64_t start;
	int status;

	if (before && run(before, &usage) != 0)
		fail("what goes before a command failed");
	start = now_ns();
	status = run(c->argv, &usage);
	c->ns[i] = now_ns() - start;
	c->cpu_ns[i] = cpu_ns(&usage);
	c->ratio[i] = (c->ns[i] * 100 + commands[0].ns[i] / 2) / commands[0].ns[i];
	if (usage.ru_maxrss > c->rss_kib)
		c->rss_kib = usage.ru_maxrss;
	if (!WIFEXITED(status) || (i > 0 && status != c->status)) {
		fprintf(stderr, "measure: %s does not always end alike\n", c->argv[0]);
		exit(1);
	}
	c->status = status;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned long ms(uint64_t ns)
{
	return (unsigned long)((ns + 500000) / 1000000);
}

static void print(struct command *c, size_t n)
{
	qsort(c->ns, n, sizeof(*c->ns), compare);
	qsort(c->cpu_ns, n, sizeof(*c->cpu_ns), compare);
	qsort(c->ratio, n, sizeof(*c->ratio), compare);
	printf("%lu %lu %lu %ld %d %lu", ms(c->ns[n / 2]), ms(c->ns[0]), ms(c->ns[n - 1]),
	       c->rss_kib, WEXITSTATUS(c->status), ms(c->cpu_ns[n / 2]));
	if (n_commands > 1)
		printf(" %lu %lu %lu", (unsigned long)c->ratio[n / 2], (unsigned long)c->ratio[0],
		       (unsigned long)c->ratio[n - 1]);
	putchar('\n');
}

static void split(char **argv)
{
	bool first = true;

	for (; *argv; argv++) {
		bool next = strcmp(*argv, "--vs") == 0;

		if (next)
			*argv = NULL;
		else if (first && n_commands == COMMANDS_MAX)
			fail("too many commands");
		else if (first)
			commands[n_commands++].argv = argv;
		first = next;
	}
}

int main(int argc, char **argv)
{
	char shell[] = "sh", option[] = "-c";
	char *before[] = { shell, option, NULL, NULL };
	size_t n, first = 2;

	if (argc > 4 && strcmp(argv[2], "--before") == 0) {
		before[2] = argv[3];
		first = 4;
	}
	if (argc > (int)first)
		split(argv + first);
	n = argc > 1 ? strtoul(argv[1], NULL, 10) : RUNS_MAX;
	if (n_commands == 0 || n >= RUNS_MAX) {
		fprintf(stderr,
			"usage: measure RUNS [--before COMMAND] COMMAND... [--vs COMMAND...]...\n");
		return 1;
	}
	/* the run that does not count is written over by the next */
	for (size_t round = 0; round <= n; round++)
		for (size_t i = 0; i < n_commands; i++)
			run_counted(&commands[i], round > 0 ? round - 1 : 0,
				    before[2] ? before : NULL);
	for (size_t i = 0; i < n_commands; i++)
		print(&commands[i], n > 0 ? n : 1);
	return 0;
}
