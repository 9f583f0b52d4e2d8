/* SPDX-License-Identifier: MIT */

/* measure RUNS COMMAND...
 *
 * Runs a command RUNS times after one run that is not counted (RUNS 0: once, and that counts), with
 * its output thrown away, and prints "MEDIAN MIN MAX MEMORY EXIT CPU": milliseconds of wall time,
 * the largest resident set of all runs in KiB, the exit code, and milliseconds of processor time,
 * the mean of all runs. Ends with 1 if the runs' exit codes are not all the same. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 1000

struct run {
	uint64_t ns;
	uint64_t cpu_ns;
	long rss_kib;
	int status;
};

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

static struct run run_once(char **argv)
{
	struct rusage usage = { 0 };
	struct run run = { .ns = now_ns() };
	pid_t child = fork();

	if (child == 0) {
		int null = open("/dev/null", O_RDWR);

		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || wait4(child, &run.status, 0, &usage) < 0) {
		fprintf(stderr, "measure: %s\n", strerror(errno));
		exit(1);
	}
	run.ns = now_ns() - run.ns;
	run.cpu_ns = cpu_ns(&usage);
	run.rss_kib = usage.ru_maxrss;
	return run;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static unsigned long ms(uint64_t ns)
{
	return (unsigned long)((ns + 500000) / 1000000);
}

int main(int argc, char **argv)
{
	uint64_t ns[RUNS_MAX], cpu = 0;
	unsigned long n;
	long rss_kib = 0;
	struct run first;
	int status;

	if (argc < 3 || (n = strtoul(argv[1], NULL, 10)) > RUNS_MAX) {
		fprintf(stderr, "usage: measure RUNS COMMAND...\n");
		return 1;
	}
	first = run_once(argv + 2);
	status = first.status;
	if (n == 0) {
		printf("%lu %lu %lu %ld %d %lu\n", ms(first.ns), ms(first.ns), ms(first.ns),
		       first.rss_kib, WEXITSTATUS(status), ms(first.cpu_ns));
		return 0;
	}
	for (unsigned long i = 0; i < n; i++) {
		struct run run = run_once(argv + 2);

		ns[i] = run.ns;
		cpu += run.cpu_ns;
		if (run.rss_kib > rss_kib)
			rss_kib = run.rss_kib;
		if (run.status != status || !WIFEXITED(status)) {
			fprintf(stderr, "measure: %s does not always end alike\n", argv[2]);
			return 1;
		}
	}
	qsort(ns, n, sizeof(*ns), compare_ns);
	printf("%lu %lu %lu %ld %d %lu\n", ms(ns[n / 2]), ms(ns[0]), ms(ns[n - 1]), rss_kib,
	       WEXITSTATUS(status), ms(cpu / n));
	return 0;
}
