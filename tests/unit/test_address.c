/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/address.h"
#include "core/cleanup.h"
#include "core/str.h"

#include "fake.h"
#include "random.h"

static const uint8_t bytes[64] = "FAKE";

/* ---- what is rendered leads back ------------------------------------------------------------ */

static struct test_random rnd;

/* Names that break addresses which are put together without care. */
static const struct {
	const char *name;
	size_t len;
} nasty[] = {
	{ "a", 1 },        { "a#2", 3 },   { "a#02", 4 },
	{ "a#1", 3 },      { "#2", 2 },    { "#1", 2 },
	{ "", 0 },         { ":", 1 },     { "::", 2 },
	{ ":::", 3 },      { "a::", 3 },   { "::a", 3 },
	{ "a:", 2 },       { ":a", 2 },    { "\\", 1 },
	{ "\\::", 3 },     { "a\\", 2 },   { "\\x41", 4 },
	{ "/", 1 },        { "a/b", 3 },   { "/a", 2 },
	{ "a/", 2 },       { "\xff", 1 },  { "\n", 1 },
	{ "\x1b[m", 3 },   { "a\0b", 3 },  { "\0", 1 },
	{ "\xc3\xa9", 2 }, { "2", 1 },     { "3", 1 },
	{ "0x2", 3 },      { "a#2\0", 4 }, { "\xe2\x80\xae", 3 },
	{ "a#", 2 },       { ".", 1 },     { "..", 2 },
	{ "a#b#2", 5 },    { "##2", 3 },   { "\\n", 2 },
	{ "b", 1 },
};

static void add_children(struct rimg_layer *l, struct rimg_node *parent, unsigned depth)
{
	static const enum rimg_role roles[] = { RIMG_ROLE_FILE, RIMG_ROLE_DIR, RIMG_ROLE_META };
	size_t n = test_random_below(&rnd, depth == 0 ? 12 : 8);
	size_t kinds = 1 + test_random_below(&rnd, ARRAY_LEN(nasty));

	for (size_t i = 0; i < n; i++) {
		size_t k = test_random_below(&rnd, kinds);
		enum rimg_role role = roles[test_random_below(&rnd, depth == 0 ? 3 : 2)];
		struct rimg_node *node = layer_node(l, parent, role, nasty[k].name, nasty[k].len);

		node->number = (uint32_t)i + 1;
		if (role == RIMG_ROLE_FILE && l->depth < 3 && test_random_one_in(&rnd, 3))
			assert_int_equal(layer_content_range(l, node, 0, 32), 0);
		else if (role != RIMG_ROLE_FILE && depth < 3)
			add_children(l, node, depth + 1);
	}
}

static int open_nasty(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	if (test_random_one_in(&rnd, 3)) /* names beside one another, no directories */
		return add_children(l, l->root, 0), 0;
	l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);
	add_children(l, l->top, 1);
	add_children(l, l->root, 2);
	return 0;
}

static size_t check_node(struct rimg_image *image, struct rimg_node *node)
{
	char address[2000], line[1200];
	struct rimg_error err;
	struct rimg_layer *l;
	struct rimg_node *found;
	size_t n = 1, len = rimg_node_address(node, address, sizeof(address));

	assert_int_equal(len, strlen(address));
	assert_true(str_is_utf8(address, len));
	found = rimg_image_find(image, address, &err);
	if (!found)
		fail_msg("%s", rimg_error_format(&err, line, sizeof(line)));
	if (found != node)
		fail_msg("%s leads to another node", address);
	rimg_for_each_child(child, node)
		n += check_node(image, child);
	assert_int_equal(node_open(node, &l, &err), 0);
	if (!l)
		return n;
	assert_true(node->first_child == NULL);
	rimg_for_each_child(child, l->root)
		n += check_node(image, child);
	return n;
}

static void every_rendered_address_leads_back(void **state)
{
	size_t n = 0;

	(void)state;
	rnd = test_random_start("address");
	for (int round = 0; round < 400; round++) {
		struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_nasty);

		n += check_node(t.image, t.node);
		test_close(&t);
	}
	assert_true(n > 10000);
}

/* A disk of two partitions, the second with a file system with a file that is a disk again. */
static int open_disk(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node;

	(void)err;
	if (l->depth % 2 == 1) {
		layer_meta(l, l->root, "header");
		node = layer_node(l, l->root, RIMG_ROLE_PARTITION, "EFI", 3);
		node->number = 1;
		node = layer_node(l, l->root, RIMG_ROLE_PARTITION, "1", 1);
		node->number = 2;
		node = layer_node(l, l->root, RIMG_ROLE_PARTITION, "RE::DOX", 7);
		node->number = 3;
		return layer_content_range(l, node, 0, 40);
	}
	layer_meta(l, l->root, "bin");
	l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);
	layer_node(l, l->top, RIMG_ROLE_FILE, "x", 1)->number = 9;
	layer_node(l, l->top, RIMG_ROLE_FILE, "x", 1)->number = 8;
	node = layer_node(l, l->top, RIMG_ROLE_DIR, "bin", 3);
	node = layer_node(l, node, RIMG_ROLE_FILE, "disk", 4);
	return layer_content_range(l, node, 0, 36);
}

static void an_address_with_its_host_path_leads_back(void **state)
{
	static const char *const names[] = { "disk.img", "a::b",     "::",  "a:",
					     "\\n",      "sp ace\n", "\xff" };
	char *dir = test_temp_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = NULL, *address = NULL, *back = NULL;
		struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
		struct rimg_image *image, *again;
		struct rimg_node *node;
		struct rimg_error err;

		assert_true(asprintf(&path, "%s/%s", dir, names[i]) > 0);
		test_save(path, bytes, sizeof(bytes));
		fake_open_now = open_disk;
		fake_score = 90;
		assert_int_equal(ctx_add_format(ctx, &fake_format), 0);
		image = rimg_image_open(ctx, rimg_source_open_path(path, &err), path, &err);
		assert_non_null(image);
		node = i == 0 ? image->root : rimg_image_find(image, "3::/x#2", &err);
		address = node_full_address(node);
		node = rimg_image_open_address(ctx, address, &again, &err);
		if (!node)
			test_fail_error(address, &err);
		back = node_full_address(node);
		assert_string_equal(back, address);
		assert_string_equal(again->name, path);
		assert_int_equal(node->number, i == 0 ? 0 : 8);
		rimg_image_free(again);
		rimg_image_free(image);
		rimg_ctx_free(ctx);
	}
	test_remove_dir(dir);
}

/* ---- what users write ------------------------------------------------------------------------ */

static void steps_are_followed_as_documented(void **state)
{
	static const struct {
		const char *steps, *address;
	} cases[] = {
		{ "", "" },
		{ "EFI", "EFI" },
		{ "EFI::", "EFI" },
		{ "header", "header" },
		/* a name goes before a number */
		{ "1", "1" },
		{ "2", "1" },
		{ "3", "RE\\::DOX" },
		{ "0x3", "RE\\::DOX" },
		{ "RE\\::DOX", "RE\\::DOX" },
		{ "RE\\x3a:DOX", "RE\\::DOX" },
		{ "3::/", "RE\\::DOX::/" },
		{ "3:://", "RE\\::DOX::/" },
		{ "3::/bin", "RE\\::DOX::/bin" },
		{ "3::/bin/", "RE\\::DOX::/bin" },
		{ "3:://bin//disk", "RE\\::DOX::/bin/disk" },
		{ "3::/bin::disk", "RE\\::DOX::/bin/disk" },
		{ "3::/::bin/disk", "RE\\::DOX::/bin/disk" },
		{ "3::/b\\x69n/disk", "RE\\::DOX::/bin/disk" },
		/* beside the directory tree, not in it */
		{ "3::bin", "RE\\::DOX::bin" },
		{ "3::/x", "RE\\::DOX::/x" },
		{ "3::/x#1", "RE\\::DOX::/x" },
		{ "3::/x#2", "RE\\::DOX::/x#2" },
		{ "3::/x#0002", "RE\\::DOX::/x#2" },
		{ "3::/bin/disk::3::/x", "RE\\::DOX::/bin/disk::RE\\::DOX::/x" },
	};
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_disk);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char address[200];

		rimg_node_address(test_find(&t, cases[i].steps), address, sizeof(address));
		assert_string_equal(address, cases[i].address);
	}
	test_close(&t);
}

static void wrong_steps_are_told(void **state)
{
	static const struct {
		const char *steps;
		int code;
		const char *where, *text;
	} cases[] = {
		{ "NONE", RIMG_E_NOENT, "memory", "nothing called \"NONE\" in this fake" },
		{ "4", RIMG_E_NOENT, "memory", "nothing called \"4\" in this fake" },
		{ "0", RIMG_E_NOENT, "memory", "nothing called \"0\" in this fake" },
		{ "::EFI", RIMG_E_NOENT, "memory", "nothing called \"\" in this fake" },
		{ "3\\x00", RIMG_E_NOENT, "memory", "nothing called \"3\\x00\" in this fake" },
		{ "EFI::x", RIMG_E_NOENT, "memory::EFI",
		  "no container format is recognised here, so there is no \"x\" in it" },
		{ "3::/x#3", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/x#3\" in this fake" },
		{ "3::/x#0", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/x#0\" in this fake" },
		{ "3::/x#2\\x00", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/x#2\\x00\" in this fake" },
		{ "3::/x#2x", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/x#2x\" in this fake" },
		{ "3::/x#", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/x#\" in this fake" },
		{ "3::/bin/none", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/bin/none\" in this fake" },
		{ "3::/bin::none", RIMG_E_NOENT, "memory::RE\\::DOX::/bin",
		  "nothing called \"none\" in this dir" },
		{ "3::/b\\x2fin", RIMG_E_NOENT, "memory::RE\\::DOX",
		  "nothing called \"/b\\x2fin\" in this fake" },
		{ "a\\b", RIMG_E_ARG, "a\\b", NULL },
		{ "EFI\\", RIMG_E_ARG, "EFI\\", NULL },
		{ "3::a\\:b", RIMG_E_ARG, "a\\:b", NULL },
	};
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_disk);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rimg_error err;

		assert_null(rimg_image_find(t.image, cases[i].steps, &err));
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.where, cases[i].where);
		if (cases[i].text)
			assert_string_equal(err.text, cases[i].text);
		assert_null(rimg_image_find(t.image, cases[i].steps, NULL));
	}
	test_close(&t);
}

static void an_address_is_cut_at_the_first_free_separator(void **state)
{
	static const struct {
		const char *address, *path, *steps;
	} cases[] = {
		{ "disk.img", "disk.img", "" },
		{ "disk.img::", "disk.img", "" },
		{ "disk.img::A::B", "disk.img", "A::B" },
		{ "a\\::b::C", "a::b", "C" },
		{ "a:b::C", "a:b", "C" },
		{ "a\\x3a:b", "a::b", "" },
		{ "a\\\\::C", "a\\", "C" },
		{ "a\\\\\\::C", "a\\::C", "" },
		{ ":::x", "", ":x" },
		{ "", "", "" },
		{ "a\\nb", "a\nb", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *path = NULL;
		const char *steps = NULL;
		struct rimg_error err;

		assert_int_equal(address_split(cases[i].address, &path, &steps, &err), 0);
		/* "a\\\::C": an escaped backslash, then an escaped separator */
		assert_string_equal(path, cases[i].path);
		assert_string_equal(steps, cases[i].steps);
	}
}

static void a_host_path_with_wrong_escapes_is_refused(void **state)
{
	static const char *const bad[] = { "a\\b", "a\\", "a\\x4", "a\\x00b", "\\:x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *path = NULL;
		const char *steps = NULL;
		struct rimg_error err;

		assert_int_equal(address_split(bad[i], &path, &steps, &err), -RIMG_E_ARG);
		assert_string_equal(err.where, bad[i]);
		assert_null(path);
		assert_null(steps);
	}
}

static void steps_are_measured_to_their_end(void **state)
{
	(void)state;
	assert_int_equal(address_step_len(""), 0);
	assert_int_equal(address_step_len("abc"), 3);
	assert_int_equal(address_step_len("abc::d"), 3);
	assert_int_equal(address_step_len("::d"), 0);
	assert_int_equal(address_step_len("a\\::c::d"), 5);
	assert_int_equal(address_step_len("a:"), 2);
}

static void a_buffer_too_small_gets_the_beginning(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_disk);
	struct rimg_node *node = test_find(&t, "3::/bin/disk");
	const char *whole = "RE\\::DOX::/bin/disk";

	(void)state;
	for (size_t size = 0; size <= strlen(whole) + 2; size++) {
		char buf[40];

		memset(buf, 'z', sizeof(buf));
		assert_int_equal(rimg_node_address(node, buf, size), strlen(whole));
		assert_int_equal(buf[size], 'z');
		if (size == 0)
			continue;
		assert_int_equal(strlen(buf), num_min(strlen(whole), size - 1));
		assert_memory_equal(buf, whole, strlen(buf));
	}
	test_close(&t);
}

static void files_that_cannot_be_opened_are_told(void **state)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct rimg_image *image = NULL;
	struct rimg_error err;

	(void)state;
	assert_null(rimg_image_open_address(ctx, "/nonexistent::a", &image, &err));
	assert_int_equal(err.code, RIMG_E_IO);
	assert_string_equal(err.where, "/nonexistent");
	assert_null(rimg_image_open_address(ctx, "a\\b", &image, &err));
	assert_int_equal(err.code, RIMG_E_ARG);
	assert_null(image);
	rimg_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rendered_address_leads_back),
		cmocka_unit_test(an_address_with_its_host_path_leads_back),
		cmocka_unit_test(steps_are_followed_as_documented),
		cmocka_unit_test(wrong_steps_are_told),
		cmocka_unit_test(an_address_is_cut_at_the_first_free_separator),
		cmocka_unit_test(a_host_path_with_wrong_escapes_is_refused),
		cmocka_unit_test(steps_are_measured_to_their_end),
		cmocka_unit_test(a_buffer_too_small_gets_the_beginning),
		cmocka_unit_test(files_that_cannot_be_opened_are_told),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
