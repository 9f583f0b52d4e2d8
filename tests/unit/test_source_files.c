/* SPDX-License-Identifier: MIT */

/* Sources that are host files: what is no file, what changes, holes. */

#include "test.h"

#include "core/num.h"

#include "letters.h"

/* ---- files ---------------------------------------------------------------------------------- */

struct file {
	char *dir;
	char *path;
};

static struct file file_new(const void *data, size_t len)
{
	struct file f = { .dir = test_temp_dir() };

	assert_true(asprintf(&f.path, "%s/disk.img", f.dir) > 0);
	test_save(f.path, data, len);
	return f;
}

static void file_done(struct file *f)
{
	free(f->path);
	test_remove_dir(f->dir);
}

static struct rimg_source *open_path(const char *path)
{
	struct rimg_error err;
	struct rimg_source *src = rimg_source_open_path(path, &err);

	if (!src)
		test_fail_error(path, &err);
	return src;
}

static void what_is_not_a_file_is_refused_at_once(void **state)
{
	struct file f = file_new("x", 1);
	auto_free char *fifo = NULL;
	struct rimg_error err;

	(void)state;
	assert_true(asprintf(&fifo, "%s/fifo", f.dir) > 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	alarm(60); /* rather than wait for a writer */
	assert_null(rimg_source_open_path(fifo, &err));
	alarm(0);
	assert_int_equal(err.code, RIMG_E_ARG);
	assert_string_equal(err.where, fifo);
	assert_null(rimg_source_open_path(f.dir, &err));
	assert_int_equal(err.code, RIMG_E_ARG);
	assert_non_null(strstr(err.text, "a directory"));
	assert_null(rimg_source_open_path("/dev/null", &err));
	assert_int_equal(err.code, RIMG_E_ARG);
	assert_null(rimg_source_open_path("/nonexistent/file", &err));
	assert_int_equal(err.code, RIMG_E_IO);
	assert_int_equal(err.os_errno, ENOENT);
	assert_string_equal(err.where, "/nonexistent/file");
	file_done(&f);
}

static void a_descriptor_is_taken_over_even_on_failure(void **state)
{
	struct file f = file_new("x", 1);
	int fd = open(f.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rimg_source *src;
	struct rimg_error err;

	(void)state;
	assert_null(rimg_source_open_fd(fd, "dir", &err));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_null(rimg_source_open_fd(-1, "none", &err));
	assert_int_equal(err.code, RIMG_E_IO);
	assert_int_equal(err.os_errno, EBADF);
	fd = open(f.path, O_RDONLY | O_CLOEXEC);
	src = rimg_source_open_fd(fd, "file", &err);
	assert_non_null(src);
	rimg_source_free(src);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	rimg_source_free(NULL);
	file_done(&f);
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	struct file f = file_new("0123456789", 10);
	int fd = open(f.path, O_WRONLY | O_CLOEXEC);
	struct rimg_error err;
	struct rimg_source *src = rimg_source_open_fd(fd, f.path, &err);
	char c;

	(void)state;
	assert_non_null(src);
	alarm(60); /* rather than try for ever */
	assert_int_equal(rimg_source_read(src, 7, &c, 1, &err), -RIMG_E_IO);
	alarm(0);
	assert_int_equal(err.os_errno, EBADF);
	assert_string_equal(err.where, f.path);
	assert_true(err.has_off);
	assert_int_equal(err.off, 7);
	assert_int_equal(rimg_source_read(src, 7, &c, 1, NULL), -RIMG_E_IO);
	rimg_source_free(src);
	file_done(&f);
}

static void overwrite(const char *path, off_t size, const void *data, size_t len, off_t off)
{
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	if (size >= 0)
		assert_return_code(ftruncate(fd, size), errno);
	if (len > 0)
		assert_int_equal(pwrite(fd, data, len, off), len);
}

static void set_mtime(const char *path, time_t s, long ns)
{
	struct timespec times[2] = { { .tv_sec = s, .tv_nsec = ns },
				     { .tv_sec = s, .tv_nsec = ns } };

	assert_return_code(utimensat(AT_FDCWD, path, times, 0), errno);
}

static void a_file_that_changed_is_noticed(void **state)
{
	struct file f = file_new("0123456789", 10);
	struct rimg_error err;

	(void)state;
	for (int how = 0; how < 4; how++) {
		struct arena a;
		struct rimg_source *src, *part;

		overwrite(f.path, 10, "0123456789", 10, 0);
		set_mtime(f.path, 1000000, 5);
		src = open_path(f.path);
		arena_init(&a, 0);
		part = source_slice(&a, src, 2, 3);
		assert_int_equal(rimg_source_verify(src, &err), 0);
		if (how == 0)
			overwrite(f.path, 11, "", 0, 0);
		else if (how == 1)
			overwrite(f.path, 9, "", 0, 0);
		else if (how == 2)
			set_mtime(f.path, 1000000, 6);
		else
			set_mtime(f.path, 1000001, 5);
		if (how < 2)
			set_mtime(f.path, 1000000, 5);
		assert_int_equal(rimg_source_verify(src, &err), -RIMG_E_IO);
		assert_string_equal(err.where, f.path);
		assert_non_null(strstr(err.text, "changed"));
		assert_int_equal(rimg_source_verify(part, &err), -RIMG_E_IO);
		arena_done(&a);
		rimg_source_free(src);
	}
	file_done(&f);
}

static void another_file_in_its_place_is_noticed(void **state)
{
	struct file f = file_new("0123456789", 10);
	struct rimg_source *src = open_path(f.path);
	auto_free char *other = NULL;
	struct rimg_error err;

	(void)state;
	assert_true(asprintf(&other, "%s/other.img", f.dir) > 0);
	test_save(other, "0123456789", 10);
	assert_int_equal(source_verify_name(src, &err), 0);
	assert_return_code(rename(other, f.path), errno);
	assert_int_equal(source_verify_name(src, &err), -RIMG_E_IO);
	assert_string_equal(err.where, f.path);
	assert_non_null(strstr(err.text, "another file"));
	assert_int_equal(rimg_source_verify(src, &err), 0); /* itself it is as it was */
	assert_return_code(unlink(f.path), errno);
	assert_int_equal(source_verify_name(src, &err), -RIMG_E_IO);
	rimg_source_free(src);
	file_done(&f);
}

static void a_file_that_shrinks_while_read_is_an_error(void **state)
{
	struct file f = file_new("0123456789", 10);
	struct rimg_source *src = open_path(f.path);
	struct rimg_error err;
	char buf[10];

	(void)state;
	overwrite(f.path, 4, "", 0, 0);
	assert_int_equal(rimg_source_read(src, 0, buf, 4, &err), 0);
	assert_int_equal(rimg_source_read(src, 2, buf, 4, &err), -RIMG_E_IO);
	assert_true(err.has_off);
	assert_int_equal(err.off, 4);
	assert_non_null(strstr(err.text, "shorter"));
	/* the source keeps the size that it had */
	assert_int_equal(rimg_source_size(src), 10);
	rimg_source_free(src);
	file_done(&f);
}

/* ---- holes ---------------------------------------------------------------------------------- */

#define PAGE UINT64_C(65536)

/* A file of 16 pages with data in some; false when the file system knows no holes. */
static bool sparse_file(const struct file *f, const char *pages)
{
	auto_close int fd = open(f->path, O_RDWR | O_CLOEXEC | O_TRUNC);
	static uint8_t page[PAGE];

	assert_return_code(ftruncate(fd, (off_t)(PAGE * strlen(pages))), errno);
	memset(page, 0x77, sizeof(page));
	for (size_t i = 0; pages[i]; i++)
		if (pages[i] == 'd')
			assert_int_equal(pwrite(fd, page, PAGE, (off_t)(PAGE * i)), PAGE);
	assert_return_code(fsync(fd), errno);
	for (size_t i = 0; pages[i]; i++) {
		off_t data = lseek(fd, (off_t)(PAGE * i), SEEK_DATA);

		if (pages[i] == 'h' && data == (off_t)(PAGE * i))
			return false;
	}
	return true;
}

static void check_holes(const struct rimg_source *s, uint64_t shift, const char *pages)
{
	uint64_t size = rimg_source_size(s);

	for (uint64_t off = 0; off < size; off += 1000) {
		uint64_t data = off, hole = off;

		while (data < size && pages[(shift + data) / PAGE] == 'h')
			data++;
		while (hole < size && pages[(shift + hole) / PAGE] == 'd')
			hole++;
		assert_int_equal(source_next_data(s, off), data);
		assert_int_equal(source_next_hole(s, off), hole);
	}
	assert_int_equal(source_next_data(s, size), size);
	assert_int_equal(source_next_hole(s, size), size);
}

static void holes_of_the_file_are_known(void **state)
{
	static const char *const layouts[] = { "hhddhdhh", "dhhhhhhd", "hhhh", "dddd", "hdhdhdh" };
	struct file f = file_new("", 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		struct rimg_source *src;
		struct arena a;

		if (!sparse_file(&f, layouts[i])) {
			file_done(&f);
			print_message("the file system of the temporary folder knows no holes\n");
			skip();
		}
		src = open_path(f.path);
		arena_init(&a, 0);
		check_holes(src, 0, layouts[i]);
		for (uint64_t off = 0; off < rimg_source_size(src); off += PAGE * 3 / 4) {
			uint64_t len = num_min(rimg_source_size(src) - off, PAGE * 5 / 2);
			struct rimg_source *outer =
				source_slice(&a, src, off / 2, off - off / 2 + len);
			struct rimg_source *inner = source_slice(&a, outer, off - off / 2, len);

			check_holes(inner, off, layouts[i]);
		}
		arena_done(&a);
		rimg_source_free(src);
	}
	file_done(&f);
}

static void sources_without_holes_are_data_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s = four_blocks(f);

	assert_int_equal(source_next_data(f->ground, 7), 7);
	assert_int_equal(source_next_hole(f->ground, 7), 26);
	assert_int_equal(source_next_data(s, 7), 7);
	assert_int_equal(source_next_hole(s, 7), 24);
}

static void offsets_past_four_gigabytes_are_exact(void **state)
{
	const uint64_t at = (UINT64_C(5) << 30) + 3;
	struct file f = file_new("", 0);
	struct rimg_source *src;
	struct arena a;
	char buf[5];
	auto_close int fd = open(f.path, O_WRONLY | O_CLOEXEC);

	(void)state;
	if (ftruncate(fd, (off_t)(at + 10)) < 0 || pwrite(fd, "hello", 5, (off_t)at) != 5) {
		file_done(&f);
		print_message(
			"the file system of the temporary folder has no sparse files of 5 GiB\n");
		skip();
	}
	src = open_path(f.path);
	arena_init(&a, 0);
	assert_int_equal(rimg_source_size(src), at + 10);
	assert_int_equal(rimg_source_read(src, at, buf, 5, NULL), 0);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(rimg_source_read(source_slice(&a, src, at - 1, 11), 2, buf, 4, NULL), 0);
	assert_memory_equal(buf, "ello", 4);
	arena_done(&a);
	rimg_source_free(src);
	file_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_a_file_is_refused_at_once),
		cmocka_unit_test(a_descriptor_is_taken_over_even_on_failure),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(a_file_that_changed_is_noticed),
		cmocka_unit_test(another_file_in_its_place_is_noticed),
		cmocka_unit_test(a_file_that_shrinks_while_read_is_an_error),
		cmocka_unit_test(holes_of_the_file_are_known),
		with_letters(sources_without_holes_are_data_to_the_end),
		cmocka_unit_test(offsets_past_four_gigabytes_are_exact),
	};

	return cmocka_run_group_tests_name("source files", tests, NULL, NULL);
}
