/* SPDX-License-Identifier: MIT */

/* Packages: golden ones against the listings of an independent reader, and sound ones made here. */

#include "test.h"

#include <json-c/json.h>

#include "core/digest.h"
#include "core/str.h"

#include "pkgar_image.h"

/* ---- golden packages against the listings of an independent reader -------------------------- */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return value ? json_object_get_string(value) : NULL;
}

static void assert_listed(struct test_image *t, struct json_object *line)
{
	struct rimg_node *node = test_find(t, text_of(line, "path"));
	auto_str struct str sha = { 0 };
	uint8_t digest[SHA256_LEN];
	char mode[16];

	assert_string_equal(rimg_role_name(node->role), text_of(line, "type"));
	snprintf(mode, sizeof(mode), "%04" PRIo64, number(node, "mode"));
	assert_string_equal(mode, text_of(line, "mode"));
	assert_int_equal(number(node, "size"),
			 json_object_get_uint64(json_object_object_get(line, "size")));
	assert_int_equal(rimg_source_size(node->content), number(node, "size"));
	assert_int_equal(digest_source(node->content, digest, NULL), 0);
	str_add_hex(&sha, digest, sizeof(digest));
	assert_string_equal(sha.data, text_of(line, "sha256"));
	if (node->role == RIMG_ROLE_SYMLINK)
		assert_text(node, "target", text_of(line, "target"));
	else
		assert_null(text_of(line, "target"));
}

static void assert_header(const struct rimg_layer *l, struct json_object *line)
{
	static const char *const keys[] = { "count", "version", "architecture", "packaging" };
	struct json_object *header = json_object_object_get(line, "header");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(number(l->root, keys[i]),
				 json_object_get_uint64(json_object_object_get(header, keys[i])));
}

static size_t count_entries(const struct rimg_node *dir)
{
	size_t n = 0;

	rimg_for_each_child(child, dir)
		n += child->role == RIMG_ROLE_DIR ? count_entries(child) : 1;
	return n;
}

static void assert_lists_as(const char *name)
{
	char file[64], line[4096];
	struct test_image t;
	struct rimg_layer *l;
	size_t n = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s.pkgar", name);
	t = test_open(test_golden_path(file));
	l = open_layer(t.node);
	snprintf(file, sizeof(file), "%s.jsonl", name);
	f = fopen(test_golden_path(file), "re");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); n++) {
		struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		if (n == 0)
			assert_header(l, o);
		else
			assert_listed(&t, o);
		json_object_put(o);
	}
	fclose(f);
	assert_int_equal(n, 7);
	assert_int_equal(count_entries(l->top), n - 1);
	run_check(l);
	assert_no_findings(t.image);
	test_close(&t);
}

static void plain_package_lists_as_another_reader_says(void **state)
{
	(void)state;
	assert_lists_as("package-plain");
}

static void packed_package_lists_as_another_reader_says(void **state)
{
	(void)state;
	assert_lists_as("package-lzma2");
}

static void key_of_a_package_is_the_one_in_the_key_file(void **state)
{
	struct test_image t = test_open(test_golden_path("package-plain.pkgar"));
	const struct rimg_attr *key = node_attr(open_layer(t.node)->root, "public_key");
	char *file = (char *)test_load(test_golden_path("package.pub.toml"), NULL);
	auto_str struct str hex = { 0 };

	(void)state;
	assert_non_null(key);
	assert_int_equal(key->type, ATTR_BYTES);
	assert_int_equal(key->cause, RIMG_CAUSE_IDENTIFIER);
	str_add_hex(&hex, key->bytes.data, key->bytes.len);
	assert_int_equal(hex.len, 64);
	assert_non_null(strstr(file, hex.data));
	free(file);
	test_close(&t);
}

/* ---- packages made here --------------------------------------------------------------------- */

static void sound_packages_have_no_findings(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);
		struct test_image t = test_open_bytes(a.data, a.len);
		struct rimg_layer *l = open_layer(t.node);

		run_check(l);
		assert_no_findings(t.image);
		assert_text(test_find(&t, "/etc/link"), "target", "../bin/tool");
		for (size_t i = 0; i < ARRAY_LEN(small); i++)
			assert_holds(&t, &small[i]);
		test_close(&t);
		free_archive(&a);
	}
}

static void package_without_entries_is_one(void **state)
{
	struct archive a = make_archive(small, 0, false);
	struct test_image t = test_open_bytes(a.data, a.len);
	struct rimg_layer *l = open_layer(t.node);

	(void)state;
	assert_int_equal(a.len, 136);
	assert_int_equal(l->top->n_children, 0);
	run_check(l);
	assert_no_findings(t.image);
	test_close(&t);
	free_archive(&a);
}

static void zeros_and_text_are_no_packages(void **state)
{
	static uint8_t zeros[8192], text[8192];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t len = 100; len <= sizeof(zeros); len += 501) {
		struct test_image t = test_open_bytes(zeros, len);
		const char *format = rimg_node_format(t.node);

		assert_true(!format || strcmp(format, "pkgar") != 0);
		test_close(&t);
		t = test_open_bytes(text, len);
		assert_null(rimg_node_format(t.node));
		test_close(&t);
	}
}

static const char *format_of(const struct archive *a)
{
	struct test_image t = test_open_bytes(a->data, a->len);
	const char *format = rimg_node_format(t.node);

	test_close(&t);
	return format;
}

/* Of entry, signature, flags and the table's hash. */
static void one_sign_of_a_package_is_not_enough(void **state)
{
	struct archive a = make_small(false);
	uint8_t *table = a.data + PKGAR_HEADER_LEN;

	(void)state;
	assert_non_null(format_of(&a));
	put(&a, PKGAR_VERSION_OFF, 1, 1);
	assert_non_null(format_of(&a)); /* entry, hash */
	a.data[PKGAR_TABLE_HASH_OFF] ^= 1;
	assert_null(format_of(&a)); /* entry */
	put(&a, PKGAR_VERSION_OFF, 1, 0);
	assert_non_null(format_of(&a)); /* entry, flags */
	sign(&a);
	memset(table + PKGAR_MODE_OFF, 0, 4);
	assert_non_null(format_of(&a)); /* signature, flags */
	put(&a, PKGAR_VERSION_OFF, 1, 1);
	sign(&a);
	assert_null(format_of(&a)); /* signature */
	put(&a, PKGAR_VERSION_OFF, 1, 0);
	assert_null(format_of(&a)); /* flags */
	free_archive(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_package_lists_as_another_reader_says),
		cmocka_unit_test(packed_package_lists_as_another_reader_says),
		cmocka_unit_test(key_of_a_package_is_the_one_in_the_key_file),
		cmocka_unit_test(sound_packages_have_no_findings),
		cmocka_unit_test(package_without_entries_is_one),
		cmocka_unit_test(zeros_and_text_are_no_packages),
		cmocka_unit_test(one_sign_of_a_package_is_not_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
