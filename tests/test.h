/* SPDX-License-Identifier: MIT */
#ifndef TEST_H
#define TEST_H

/* What every test program includes, and includes first. The only file that includes cmocka.
 *
 * Test programs run from the project's root. Golden images lie unpacked in TEST_GOLDEN
 * (`make golden`); the program under test, if a test needs it, is TEST_RIMG. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rimg/image.h>

#include "core/layer.h"

#ifndef TEST_GOLDEN
#	define TEST_GOLDEN "out/golden"
#endif
#ifndef TEST_RIMG
#	define TEST_RIMG "out/rimg"
#endif

/** test_skip_program - leave the whole program: the runner says that it was skipped, and why */
__attribute__((noreturn)) static inline void test_skip_program(const char *why)
{
	printf("%s\n", why);
	exit(77);
}

/* ---- files --------------------------------------------------------------------------------- */

/**
 * test_golden_path, test_image_path - "basic.jsonl" -> "out/golden/basic.jsonl",
 * "broken/links" -> "out/golden/broken/links.img"
 *
 * The text is valid until the eighth call after this one.
 */
static inline const char *test_golden_path(const char *file)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];

	assert_in_range(snprintf(path, sizeof(paths[0]), "%s/%s", TEST_GOLDEN, file), 1, 511);
	return path;
}

static inline const char *test_image_path(const char *name)
{
	char file[256];

	assert_in_range(snprintf(file, sizeof(file), "%s.img", name), 1, 255);
	return test_golden_path(file);
}

/** test_load - a whole file with a NUL behind; fails the test if it can't; free() it */
static inline uint8_t *test_load(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *data;
	struct stat st;
	size_t len;

	if (!f || fstat(fileno(f), &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	len = (size_t)st.st_size;
	data = malloc(len + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, len, f), len);
	fclose(f);
	data[len] = 0;
	if (ret_len)
		*ret_len = len;
	return data;
}

/** test_save - make or overwrite a file; fails the test if it can't */
static inline void test_save(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wbe");

	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/** test_temp_dir - a new empty folder; remove and free() it with test_remove_dir() */
static inline char *test_temp_dir(void)
{
	char *path = strdup("/tmp/rimg-test-XXXXXX");

	assert_non_null(path);
	assert_non_null(mkdtemp(path));
	return path;
}

/* Removes what is below @dir, which is closed; @depth: folders that may still lie in it. */
static inline void test_remove_below(int dir, unsigned depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dir, e->d_name, 0) == 0)
			continue;
		assert_int_not_equal(depth, 0);
		if (fchmodat(dir, e->d_name, 0700, 0) < 0 && errno != EPERM)
			fail_msg("%s: %s", e->d_name, strerror(errno));
		sub = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		assert_return_code(sub, errno);
		test_remove_below(sub, depth - 1);
		assert_return_code(unlinkat(dir, e->d_name, AT_REMOVEDIR), errno);
	}
	closedir(d);
}

/** test_remove_dir - undo test_temp_dir(), with all that the test has put there */
static inline void test_remove_dir(char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_return_code(dir, errno);
	test_remove_below(dir, 64);
	assert_return_code(rmdir(path), errno);
	free(path);
}

/* ---- images -------------------------------------------------------------------------------- */

/** struct test_image - an opened artifact with its context; @node is what the address names */
struct test_image {
	struct rimg_ctx *ctx;
	struct rimg_image *image;
	struct rimg_node *node;
};

/* Fails the test with the whole sentence. */
__attribute__((noreturn)) static inline void test_fail_error(const char *what,
							     const struct rimg_error *err)
{
	char line[1200];

	fail_msg("%s: %s", what, rimg_error_format(err, line, sizeof(line)));
	abort(); /* fail_msg() does not come back, but does not say so */
}

/** test_open_with - open an address with a password (or NULL); test_close() it */
static inline struct test_image test_open_with(const char *address, const char *password)
{
	struct test_image t = { .ctx = rimg_ctx_new(NULL, 1) };
	struct rimg_error err;

	assert_non_null(t.ctx);
	if (password)
		assert_int_equal(rimg_ctx_set_password(t.ctx, password, strlen(password)), 0);
	t.node = rimg_image_open_address(t.ctx, address, &t.image, &err);
	if (!t.node)
		test_fail_error(address, &err);
	return t;
}

/** test_open - open an address ("out/golden/basic.img::/text") with a default context */
static inline struct test_image test_open(const char *address)
{
	return test_open_with(address, NULL);
}

/** test_open_golden - test_open() of a golden image, by its name, and of steps in it ("" : none) */
static inline struct test_image test_open_golden(const char *name, const char *steps)
{
	char address[1024];

	assert_in_range(snprintf(address, sizeof(address), "%s%s%s", test_image_path(name),
				 steps[0] ? "::" : "", steps),
			1, sizeof(address) - 1);
	return test_open(address);
}

/** test_open_bytes - open bytes in memory, which must outlive the image */
static inline struct test_image test_open_bytes(const void *data, size_t len)
{
	struct test_image t = { .ctx = rimg_ctx_new(NULL, 1) };
	struct rimg_source *src = rimg_source_open_memory(data, len, "memory");
	struct rimg_error err;

	assert_non_null(t.ctx);
	assert_non_null(src);
	t.image = rimg_image_open(t.ctx, src, "memory", &err);
	if (!t.image)
		test_fail_error("memory", &err);
	t.node = rimg_image_root(t.image);
	return t;
}

static inline void test_close(struct test_image *t)
{
	rimg_image_free(t->image);
	rimg_ctx_free(t->ctx);
	*t = (struct test_image){ 0 };
}

/** test_find - the node at @steps, or fail the test */
static inline struct rimg_node *test_find(struct test_image *t, const char *steps)
{
	struct rimg_error err;
	struct rimg_node *node = rimg_image_find(t->image, steps, &err);

	if (!node)
		test_fail_error(steps, &err);
	return node;
}

/** test_read_node - the whole content of a node; free() it */
static inline uint8_t *test_read_node(const struct rimg_node *node, size_t *ret_len)
{
	const struct rimg_source *src = rimg_node_content(node);
	struct rimg_error err;
	uint8_t *data;

	assert_non_null(src);
	*ret_len = (size_t)rimg_source_size(src);
	data = malloc(*ret_len + 1);
	assert_non_null(data);
	if (rimg_source_read(src, 0, data, *ret_len, &err) < 0)
		test_fail_error(rimg_node_name(node, NULL), &err);
	data[*ret_len] = 0;
	return data;
}

/* ---- findings ------------------------------------------------------------------------------ */

/** test_finding - the first finding of that code in the layers opened so far, or NULL */
static inline const struct finding *test_finding(const struct rimg_image *image, const char *code)
{
	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		for (size_t i = 0; i < l->n_findings; i++) {
			if (strcmp(l->findings[i].code, code) == 0)
				return &l->findings[i];
		}
	}
	return NULL;
}

/* Prints what was found, for the message of a failing test; returns how many of @severity or
 * worse. */
static inline size_t test_print_findings(const struct rimg_image *image, enum severity severity)
{
	size_t n = 0;

	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		for (size_t i = 0; i < l->n_findings; i++) {
			const struct finding *f = &l->findings[i];

			if (f->severity < severity)
				continue;
			print_error("%s [%s] at byte %llu\n", f->text, f->code,
				    (unsigned long long)f->off);
			n++;
		}
	}
	return n;
}

/** assert_finding - a finding of that code was recorded */
#define assert_finding(image_, code_)                                  \
	do {                                                           \
		if (!test_finding(image_, code_)) {                    \
			test_print_findings(image_, SEVERITY_WARNING); \
			fail_msg("no finding %s", code_);              \
		}                                                      \
	} while (0)

/** assert_no_finding - none of that code was recorded */
#define assert_no_finding(image_, code_)                                            \
	do {                                                                        \
		const struct finding *finding_ = test_finding(image_, code_);       \
                                                                                    \
		if (finding_)                                                       \
			fail_msg("finding %s: %s", finding_->code, finding_->text); \
	} while (0)

/** assert_no_errors - no finding of severity error, in any layer opened so far */
#define assert_no_errors(image_)                                           \
	do {                                                               \
		if (test_print_findings(image_, SEVERITY_ERROR) > 0)       \
			fail_msg("findings of severity error, see above"); \
	} while (0)

/** assert_no_findings - nothing was found wrong or odd */
#define assert_no_findings(image_)                                     \
	do {                                                           \
		if (test_print_findings(image_, SEVERITY_WARNING) > 0) \
			fail_msg("findings, see above");               \
	} while (0)

#endif
