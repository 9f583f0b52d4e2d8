/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <sys/wait.h>

#include "core/digest.h"

/* Trees that `rimg extract` makes, compared with the listings that other readers made of the same
 * images: every entry is there as it should be, and nothing else is. */

#define UNPACKED_MAX ((size_t)4096)

/* Runs rimg with up to four arguments, its messages in @messages; returns its exit code. */
static int run_rimg(const char *messages, const char *const args[4])
{
	pid_t pid = fork();
	int status;

	assert_return_code(pid, errno);
	if (pid == 0) {
		if (!freopen(messages, "we", stderr))
			_exit(99);
		dup2(fileno(stderr), STDERR_FILENO);
		execl(TEST_RIMG, TEST_RIMG, "extract", args[0], args[1], args[2], args[3],
		      (char *)NULL);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A path of a listing as bytes: \udcNN stands for the byte NN. */
static void unpack_path(const char *text, char ret[UNPACKED_MAX])
{
	size_t n = 0;

	for (size_t i = 0; text[i];) {
		assert_in_range(n, 0, UNPACKED_MAX - 2);
		if (strncmp(text + i, "\\udc", 4) == 0 &&
		    strspn(text + i + 4, "0123456789abcdef") >= 2) {
			const char digits[] = { text[i + 4], text[i + 5], '\0' };

			ret[n++] = (char)strtoul(digits, NULL, 16);
			i += 6;
		} else {
			ret[n++] = text[i++];
		}
	}
	ret[n] = '\0';
}

static const char *text_of(struct json_object *entry, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(entry, key, &value) ? json_object_get_string(value) : NULL;
}

static void check_digest(int dir, const char *path, const char *expected)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sha256[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1] = "";
	struct rimg_source *src;
	struct rimg_error err;
	int fd;

	/* its mode has been looked at */
	assert_return_code(fchmodat(dir, path, 0600, 0), errno);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	src = rimg_source_open_fd(fd, path, &err);
	assert_non_null(src);
	assert_int_equal(digest_source(src, sha256, &err), 0);
	rimg_source_free(src);
	for (size_t i = 0; i < SHA256_LEN; i++) {
		hex[2 * i] = digits[sha256[i] >> 4];
		hex[2 * i + 1] = digits[sha256[i] & 15];
	}
	assert_string_equal(hex, expected);
}

static void check_link(int dir, const char *path, const char *target)
{
	char buf[UNPACKED_MAX + 1];
	ssize_t n = readlinkat(dir, path, buf, sizeof(buf) - 1);

	assert_return_code(n, errno);
	buf[n] = '\0';
	assert_string_equal(buf, target);
}

static void check_mtime(const struct stat *st, const char *expected)
{
	char got[64];

	if (!expected)
		return;
	assert_in_range(snprintf(got, sizeof(got), "%lld.%09lld", (long long)st->st_mtim.tv_sec,
				 (long long)st->st_mtim.tv_nsec),
			1, sizeof(got) - 1);
	assert_string_equal(got, expected);
}

/* One line of a listing against what lies at its path. Returns 1 if something has to lie there. */
static size_t check_entry(int dir, struct json_object *entry)
{
	char path[UNPACKED_MAX];
	const char *type = text_of(entry, "type");
	mode_t mode = (mode_t)strtoul(text_of(entry, "mode"), NULL, 8);
	struct stat st;

	unpack_path(text_of(entry, "path"), path);
	if (strcmp(path, "/") == 0)
		memcpy(path, "/.", sizeof("/."));
	if (strcmp(type, "socket") == 0 || strcmp(type, "other") == 0) {
		assert_int_equal(fstatat(dir, path + 1, &st, AT_SYMLINK_NOFOLLOW), -1);
		return 0;
	}
	if (fstatat(dir, path + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	check_mtime(&st, text_of(entry, "mtime"));
	if (strcmp(type, "symlink") == 0) {
		assert_true(S_ISLNK(st.st_mode));
		check_link(dir, path + 1, text_of(entry, "target"));
		return 1;
	}
	assert_int_equal(st.st_mode & 07777, mode & 0777);
	if (strcmp(type, "dir") == 0) {
		assert_true(S_ISDIR(st.st_mode));
		return strcmp(path, "/.") == 0 ? 0 : 1;
	}
	assert_string_equal(type, "file");
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_size, strtoull(text_of(entry, "size"), NULL, 10));
	check_digest(dir, path + 1, text_of(entry, "sha256"));
	assert_return_code(fchmodat(dir, path + 1, mode & 0777, 0), errno);
	return 1;
}

static size_t count_entries(int dir, unsigned depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		assert_return_code(fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW), errno);
		if (!S_ISDIR(st.st_mode))
			continue;
		assert_int_not_equal(depth, 0);
		n += count_entries(openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				   depth - 1);
	}
	closedir(d);
	return n;
}

/* The listing's lines against the tree at @dest. */
static void check_tree(const char *listing, const char *dest)
{
	char *text = (char *)test_load(listing, NULL), *save = NULL;
	int dir = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *line = strtok_r(text, "\n", &save);
	size_t expected = 0;

	assert_return_code(dir, errno);
	assert_non_null(line); /* the header */
	while ((line = strtok_r(NULL, "\n", &save))) {
		struct json_object *entry = json_tokener_parse(line);

		assert_non_null(entry);
		expected += check_entry(dir, entry);
		json_object_put(entry);
	}
	assert_int_equal(count_entries(dir, 64), expected);
	free(text);
}

static void extract_and_check(const char *name, const char *steps, const char *option,
			      int expected_status)
{
	char *temp = test_temp_dir();
	char address[512], dest[128], messages[128], listing[128];

	snprintf(address, sizeof(address), "%s%s", test_image_path(name), steps);
	snprintf(dest, sizeof(dest), "%s/dest", temp);
	snprintf(messages, sizeof(messages), "%s/messages", temp);
	snprintf(listing, sizeof(listing), "%s.jsonl", name);
	const char *const args[4] = { address, "-o", dest, option };

	if (run_rimg(messages, args) != expected_status) {
		print_error("%s", (char *)test_load(messages, NULL));
		fail_msg("%s: another exit code than %d", address, expected_status);
	}
	check_tree(test_golden_path(listing), dest);
	test_remove_dir(temp);
}

static void an_initfs_is_extracted_as_listed(void **state)
{
	(void)state;
	extract_and_check("initfs-boot", "", NULL, 0);
	extract_and_check("initfs-plain", "::/", NULL, 0);
}

static void every_file_system_is_extracted_as_listed(void **state)
{
	static const char *const names[] = {
		"basic",     "churned",    "clone", "empty",    "grown",
		"many-long", "many-short", "noise", "reserved", "shrunk",
		"smallest",  "system",     "text",  "tiny",     "wrapped",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		extract_and_check(names[i], "", NULL, 0);
}

static void a_partition_is_extracted_as_listed(void **state)
{
	(void)state;
	extract_and_check("disk-installer", "::REDOX", NULL, 0);
	extract_and_check("disk-sgdisk", "::3::/", NULL, 0);
}

static void sockets_and_unknown_types_are_left_out_and_it_is_said(void **state)
{
	(void)state;
	extract_and_check("odd", "", NULL, 1);
}

static void an_encrypted_file_system_is_extracted_as_listed(void **state)
{
	char *temp = test_temp_dir();
	char path[128], option[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/password", temp);
	test_save(path, "correct-horse\n", 14);
	snprintf(option, sizeof(option), "--password-file=%s", path);
	extract_and_check("encrypted", "", option, 0);
	test_remove_dir(temp);
}

static void hard_links_share_an_inode(void **state)
{
	char *temp = test_temp_dir();
	char dest[128], messages[128];
	struct stat a, b;
	int dir;

	(void)state;
	snprintf(dest, sizeof(dest), "%s/dest", temp);
	snprintf(messages, sizeof(messages), "%s/messages", temp);
	const char *const args[4] = { test_image_path("odd"), "-o", dest, NULL };

	assert_int_equal(run_rimg(messages, args), 1);
	dir = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_return_code(dir, errno);
	assert_return_code(fstatat(dir, "dir/hard", &a, AT_SYMLINK_NOFOLLOW), errno);
	assert_return_code(fstatat(dir, "dir/hard2", &b, AT_SYMLINK_NOFOLLOW), errno);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_nlink, 2);
	close(dir);
	test_remove_dir(temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_initfs_is_extracted_as_listed),
		cmocka_unit_test(every_file_system_is_extracted_as_listed),
		cmocka_unit_test(a_partition_is_extracted_as_listed),
		cmocka_unit_test(sockets_and_unknown_types_are_left_out_and_it_is_said),
		cmocka_unit_test(an_encrypted_file_system_is_extracted_as_listed),
		cmocka_unit_test(hard_links_share_an_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
