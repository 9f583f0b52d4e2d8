/* SPDX-License-Identifier: MIT */

/* Stands in for a fuzzing engine: gives each file of tests/fuzz/corpus/NAME, or each file and
 * folder named as an argument, to LLVMFuzzerTestOneInput(), after the empty input. The program
 * fuzz_NAME is linked with this file for `make test`. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t n_inputs;

__attribute__((noreturn)) static void die(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

/* The bytes in memory of exactly their size, so that ASan sees the first one that is read behind.
 */
static void replay_file(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *data = NULL;
	struct stat st;
	size_t len;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(name);
	len = (size_t)st.st_size;
	data = malloc(len + (len == 0));
	if (!data || read(fd, data, len) != (ssize_t)len)
		die(name);
	printf("%s\n", name); /* the last line of a crash says which input it was */
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(data, len);
	n_inputs++;
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void replay(const char *path)
{
	auto_close int dir = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	struct dirent **entries;
	int n;

	if (dir < 0 && errno == ENOTDIR) {
		replay_file(AT_FDCWD, path);
		return;
	}
	n = dir < 0 ? -1 : scandirat(dir, ".", &entries, is_visible, by_bytes);
	if (n < 0)
		die(path);
	for (int i = 0; i < n; i++) {
		replay_file(dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	char corpus[256];

	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	n_inputs++;
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1 && strncmp(name, "fuzz_", 5) == 0) {
		snprintf(corpus, sizeof(corpus), "tests/fuzz/corpus/%s", name + 5);
		if (access(corpus, F_OK) == 0)
			replay(corpus);
	}
	printf("%zu inputs replayed\n", n_inputs);
	return 0;
}
