/* SPDX-License-Identifier: MIT */

/* Packages: large contents, limits, trees, packages in packages. */

#include "test.h"

#include "core/owner.h"
#include "core/pool.h"

#include "pkgar_image.h"

/* ---- large contents ---------------------------------------------------------------------------
 */

#define BIG_LEN (((size_t)3 << 20) + 1234)

/* Bytes that never come again, and do not take long to pack. */
static uint8_t *make_big(void)
{
	uint8_t *data = malloc(BIG_LEN);
	uint32_t x = 12345;

	assert_non_null(data);
	for (size_t i = 0; i < BIG_LEN; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (uint8_t)(i % 512 < 8 ? x >> 24 : i % 512);
	}
	return data;
}

struct reads {
	const struct rimg_source *src;
	const uint8_t *expected;
	bool wrong[64];
};

static void read_one(void *arg, size_t i)
{
	struct reads *r = arg;
	uint64_t off = (i * 733331) % (BIG_LEN - 5000);
	uint8_t buf[5000];

	r->wrong[i] = rimg_source_read(r->src, off, buf, sizeof(buf), NULL) < 0 ||
		      memcmp(buf, r->expected + off, sizeof(buf)) != 0;
}

static void large_contents_are_read_in_any_order_by_many_threads(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_archive(&m, 1, packed);
		struct test_image t = test_open_bytes(a.data, a.len);
		struct reads r = { .src = test_find(&t, "/big")->content, .expected = data };
		size_t len;
		uint8_t *whole;

		pool_for(8, ARRAY_LEN(r.wrong), read_one, &r);
		for (size_t i = 0; i < ARRAY_LEN(r.wrong); i++)
			assert_false(r.wrong[i]);
		whole = test_read_node(test_find(&t, "/big"), &len);
		assert_int_equal(len, BIG_LEN);
		assert_memory_equal(whole, data, len);
		free(whole);
		run_check(open_layer(t.node));
		assert_no_findings(t.image);
		test_close(&t);
		free_archive(&a);
	}
	free(data);
}

static void one_bad_byte_at_the_end_keeps_back_the_first(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_archive(&m, 1, packed);
		struct rimg_error err;
		struct test_image t;
		uint8_t byte;

		a.data[a.len - 20] ^= 1;
		t = test_open_bytes(a.data, a.len);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(
				rimg_source_read(test_find(&t, "/big")->content, 0, &byte, 1, &err),
				-RIMG_E_BAD);
			assert_true(err.has_off);
			assert_int_equal(err.off, a.content[0]);
		}
		run_check(open_layer(t.node));
		assert_non_null(t.image->layers);
		assert_int_not_equal(t.image->layers->n_errors, 0);
		test_close(&t);
		free_archive(&a);
	}
	free(data);
}

static void plain_contents_lie_in_the_archive(void **state)
{
	uint8_t *data = make_big();
	const struct member m[] = { { "a", FILE_MODE, "first", 5 },
				    { "big", FILE_MODE, data, BIG_LEN } };
	struct archive a = make_archive(m, 2, false);
	struct test_image t = test_open_bytes(a.data, a.len);
	const struct rimg_node *big = test_find(&t, "/big");

	(void)state;
	for (uint64_t off = 0; off < BIG_LEN;) {
		uint64_t at, len;

		assert_ptr_equal(source_ground(big->content, off, &at, &len), t.node->content);
		assert_int_equal(at, a.content[1] + off);
		off += len;
	}
	test_close(&t);
	free_archive(&a);
	free(data);
}

/* ---- limits ------------------------------------------------------------------------------------
 */

static struct test_image open_limited(const struct archive *a, const struct rimg_limits *limits)
{
	struct test_image t = { .ctx = rimg_ctx_new(limits, 1) };
	struct rimg_source *src = rimg_source_open_memory(a->data, a->len, "memory");

	assert_non_null(t.ctx);
	assert_non_null(src);
	t.image = rimg_image_open(t.ctx, src, "memory", NULL);
	assert_non_null(t.image);
	t.node = rimg_image_root(t.image);
	return t;
}

static void contents_are_unpacked_up_to_the_limit(void **state)
{
	uint8_t *data = make_big();
	const struct member m = { "big", FILE_MODE, data, BIG_LEN };
	struct archive a = make_archive(&m, 1, true);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;
		const struct rimg_node *node;

		limits.analysis_bytes = BIG_LEN - i;
		t = open_limited(&a, &limits);
		node = test_find(&t, "/big");
		assert_int_equal(node->unread, i == 1);
		assert_int_equal(node->content != NULL, i == 0);
		if (i == 0)
			assert_no_findings(t.image);
		else
			assert_finding(t.image, "pkgar.too-large");
		test_close(&t);
	}
	free_archive(&a);
	free(data);
}

/* Each of them is small enough, all of them are many times the size of the image. */
static void contents_that_unpack_to_very_much_in_all_are_not_unpacked(void **state)
{
	enum { N = 12, LEN = 4 << 20 };
	uint8_t *zeros = calloc(1, LEN);
	struct member m[N];
	char names[N][8];
	struct rimg_limits limits = rimg_limits_default();
	struct archive a;
	struct test_image t;
	size_t n = 0;

	(void)state;
	assert_non_null(zeros);
	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "z%zu", i);
		m[i] = (struct member){ names[i], FILE_MODE, zeros, LEN };
	}
	a = make_archive(m, N, true);
	limits.analysis_bytes = (uint64_t)16 << 20;
	t = open_limited(&a, &limits);
	rimg_for_each_child(child, open_layer(t.node)->top)
		n += child->content != NULL;
	/* 16 MiB, and 16 times the size of the archive */
	assert_int_equal(n, ((16 << 20) + 16 * a.len) / LEN);
	assert_finding(t.image, "pkgar.too-large");
	test_close(&t);
	free_archive(&a);
	free(zeros);
}

static void table_over_the_limit_is_not_read(void **state)
{
	struct archive a = make_small(false);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;
		struct rimg_layer *l;

		limits.analysis_bytes = 4 * PKGAR_ENTRY_LEN - i;
		t = open_limited(&a, &limits);
		l = open_layer(t.node);
		assert_int_equal(l->unreadable, i == 1);
		if (i == 1)
			assert_finding(t.image, "pkgar.limit");
		else
			assert_no_finding(t.image, "pkgar.limit");
		test_close(&t);
	}
	free_archive(&a);
}

static void folders_deeper_than_the_limit_are_not_made(void **state)
{
	const struct member m = { "a/b/c/d", FILE_MODE, "x", 1 };
	struct archive a = make_archive(&m, 1, false);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;

		limits.dir_depth = 3 - i;
		t = open_limited(&a, &limits);
		open_layer(t.node);
		if (i == 1)
			assert_finding(t.image, "pkgar.depth");
		else
			assert_no_findings(t.image);
		test_find(&t, i == 0 ? "/a/b/c/d" : "/?entry-0");
		test_close(&t);
	}
	free_archive(&a);
}

/* Entries that each need 127 folders of their own. */
static void more_folders_than_nodes_are_an_error(void **state)
{
	enum { N = 20 };
	struct member m[N];
	char paths[N][256];
	struct rimg_limits limits = rimg_limits_default();
	struct archive a;
	struct test_image t;
	struct rimg_layer *l;
	struct rimg_error err;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < 255; k++)
			paths[i][k] = k % 2 ? '/' : 'a';
		paths[i][255] = '\0';
		paths[i][0] = (char)('0' + i);
		m[i] = (struct member){ paths[i], FILE_MODE, "", 0 };
	}
	a = make_archive(m, N, false);
	limits.nodes = 128 * N + 1;
	t = open_limited(&a, &limits);
	assert_int_equal(node_open(t.node, &l, &err), 0);
	assert_no_findings(t.image);
	assert_holds(&t, &m[N - 1]);
	test_close(&t);
	for (uint64_t nodes = 1; nodes < 128 * N + 1; nodes += 711) {
		limits.nodes = nodes;
		t = open_limited(&a, &limits);
		assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
		test_close(&t);
	}
	free_archive(&a);
}

/* ---- trees -------------------------------------------------------------------------------------
 */

static void longest_path_and_odd_modes_are_fine(void **state)
{
	char path[256];
	const struct member m[] = { { path, PKGAR_KIND_FILE | 07777, "x", 1 },
				    { "none", PKGAR_KIND_FILE, "y", 1 },
				    { "...", FILE_MODE, "z", 1 },
				    { "..a/.b", FILE_MODE, "w", 1 } };
	struct archive a;
	struct test_image t;

	(void)state;
	memset(path, 'n', 255);
	path[255] = '\0';
	a = make_archive(m, ARRAY_LEN(m), false);
	t = test_open_bytes(a.data, a.len);
	run_check(open_layer(t.node));
	assert_no_findings(t.image);
	assert_int_equal(number(find_member(&t, &m[0]), "mode"), 07777);
	assert_int_equal(number(test_find(&t, "/none"), "mode"), 0);
	test_find(&t, "/...");
	test_find(&t, "/..a/.b");
	test_close(&t);
	free_archive(&a);
}

/* In the table: no order at all. '!' and '-' sort before '/', '0' after it. */
static void order_of_the_table_is_kept_whatever_it_is(void **state)
{
	static const struct member m[] = {
		{ "b/two", FILE_MODE, "1", 1 },  { "b!", FILE_MODE, "2", 1 },
		{ "a", FILE_MODE, "3", 1 },      { "b/c/x", FILE_MODE, "4", 1 },
		{ "b-/one", FILE_MODE, "5", 1 }, { "b/one", FILE_MODE, "6", 1 },
		{ "b0", FILE_MODE, "7", 1 },     { "b/c/w", FILE_MODE, "8", 1 },
	};
	static const char *const top[] = { "b", "b!", "a", "b-", "b0" };
	static const char *const in_b[] = { "two", "c", "one" };
	struct archive a = make_archive(m, ARRAY_LEN(m), false);
	struct test_image t = test_open_bytes(a.data, a.len);
	struct rimg_layer *l = open_layer(t.node);
	size_t n = 0;

	(void)state;
	assert_no_findings(t.image);
	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		assert_holds(&t, &m[i]);
	rimg_for_each_child(child, l->top)
		assert_string_equal(child->name, top[n++]);
	assert_int_equal(n, ARRAY_LEN(top));
	n = 0;
	rimg_for_each_child(child, test_find(&t, "/b"))
		assert_string_equal(child->name, in_b[n++]);
	assert_int_equal(n, ARRAY_LEN(in_b));
	assert_int_equal(number(test_find(&t, "/b/c"), "mode"), 0755);
	test_close(&t);
	free_archive(&a);
}

/* '!' sorts before '/'. */
static void file_is_found_to_be_a_folder_whatever_lies_between(void **state)
{
	static const struct member m[] = { { "a", FILE_MODE, "1", 1 },
					   { "a!", FILE_MODE, "2", 1 },
					   { "a/b", FILE_MODE, "3", 1 },
					   { "a0", FILE_MODE, "4", 1 } };
	struct archive a = make_archive(m, ARRAY_LEN(m), false);
	struct test_image t = test_open_bytes(a.data, a.len);

	(void)state;
	assert_non_null(
		finding_about(open_layer(t.node), "pkgar.below-file", test_find(&t, "/a#2")));
	test_close(&t);
	free_archive(&a);
}

/* Without sorting this would take minutes. */
static void many_entries_take_no_time(void **state)
{
	enum { N = 60000 };
	struct member *m = calloc(N, sizeof(*m));
	char(*paths)[32] = calloc(N, sizeof(*paths));
	struct archive a;
	struct test_image t;

	(void)state;
	assert_true(m && paths);
	for (size_t i = 0; i < N; i++) {
		snprintf(paths[i], sizeof(paths[i]), "d%zu/e/f%zu", (i * 7919) % N, i);
		m[i] = (struct member){ paths[i], FILE_MODE, "", 0 };
	}
	a = make_archive(m, N, false);
	t = test_open_bytes(a.data, a.len);
	open_layer(t.node);
	assert_no_findings(t.image);
	assert_int_equal(t.image->n_nodes, 3 * N + 1);
	assert_holds(&t, &m[N / 2]);
	test_close(&t);
	free_archive(&a);
	free(paths);
	free(m);
}

/* ---- a package as a layer among layers ----------------------------------------------------------
 */

static void package_in_a_package_is_opened(void **state)
{
	uint8_t *data = make_big();
	const struct member big = { "big", FILE_MODE, data, BIG_LEN };

	(void)state;
	for (int packed = 0; packed < 4; packed++) {
		struct archive inner = make_archive(&big, 1, packed & 1);
		const struct member m = { "repo/p.pkgar", FILE_MODE, inner.data, inner.len };
		struct archive outer = make_archive(&m, 1, packed & 2);
		struct test_image t = test_open_bytes(outer.data, outer.len);
		size_t len;
		uint8_t *read = test_read_node(test_find(&t, "/repo/p.pkgar::/big"), &len);

		assert_int_equal(len, BIG_LEN);
		assert_memory_equal(read, data, len);
		assert_no_findings(t.image);
		free(read);
		test_close(&t);
		free_archive(&outer);
		free_archive(&inner);
	}
	free(data);
}

/* Half of the limit, as both may have to be held at the same time. */
static void packed_package_in_a_packed_one_may_unpack_to_half(void **state)
{
	uint8_t *data = make_big();
	const struct member big = { "big", FILE_MODE, data, BIG_LEN };
	struct archive inner = make_archive(&big, 1, true);
	const struct member m = { "p", FILE_MODE, inner.data, inner.len };
	struct archive outer = make_archive(&m, 1, true);
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_image t;

		limits.analysis_bytes = 2 * BIG_LEN - i;
		t = open_limited(&outer, &limits);
		assert_int_equal(test_find(&t, "/p::/big")->content != NULL, i == 0);
		test_close(&t);
	}
	free_archive(&outer);
	free_archive(&inner);
	free(data);
}

static void assert_owner(struct test_image *t, size_t off, const char *steps, const char *what,
			 const char *attr)
{
	struct owner o = owner_at(t->node, off, NULL);
	const struct rimg_node *node = steps[0] ? test_find(t, steps) : open_layer(t->node)->root;

	if (o.node != node)
		fail_msg("byte %zu belongs to %s", off, o.node->name);
	assert_string_equal(o.claim->what, what);
	if (attr && !o.attr)
		fail_msg("byte %zu of \"%s\" has no attribute", off, steps);
	if (attr)
		assert_string_equal(o.attr->key, attr);
	else
		assert_null(o.attr);
}

static void each_structure_is_owned_by_its_node(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct archive a = make_small(packed);
		struct test_image t = test_open_bytes(a.data, a.len);

		open_layer(t.node);
		assert_owner(&t, 0, "", "header", "signature");
		assert_owner(&t, 64, "", "header", "public_key");
		assert_owner(&t, 127, "", "header", "table_blake3");
		assert_owner(&t, 128, "", "header", "count");
		assert_owner(&t, 135, "", "header", "reserved");
		assert_owner(&t, entry_at(3), "/etc/words", "entry", "blake3");
		assert_owner(&t, entry_at(3) + 32, "/etc/words", "entry", "offset");
		assert_owner(&t, entry_at(3) + 47, "/etc/words", "entry", "stored_size");
		assert_owner(&t, entry_at(3) + 48, "/etc/words", "entry", "mode");
		assert_owner(&t, entry_at(3) + 52, "/etc/words", "entry", NULL);
		assert_owner(&t, entry_at(4) - 1, "/etc/words", "entry", NULL);
		assert_owner(&t, a.content[0], "/bin/tool", packed ? "length" : "content",
			     packed ? "size" : NULL);
		assert_owner(&t, a.content[0] + 8, "/bin/tool", "content", NULL);
		assert_owner(&t, a.len - 1, "/etc/words", "content", NULL);
		test_close(&t);
		free_archive(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_contents_are_read_in_any_order_by_many_threads),
		cmocka_unit_test(one_bad_byte_at_the_end_keeps_back_the_first),
		cmocka_unit_test(plain_contents_lie_in_the_archive),
		cmocka_unit_test(contents_are_unpacked_up_to_the_limit),
		cmocka_unit_test(contents_that_unpack_to_very_much_in_all_are_not_unpacked),
		cmocka_unit_test(table_over_the_limit_is_not_read),
		cmocka_unit_test(folders_deeper_than_the_limit_are_not_made),
		cmocka_unit_test(more_folders_than_nodes_are_an_error),
		cmocka_unit_test(longest_path_and_odd_modes_are_fine),
		cmocka_unit_test(order_of_the_table_is_kept_whatever_it_is),
		cmocka_unit_test(file_is_found_to_be_a_folder_whatever_lies_between),
		cmocka_unit_test(many_entries_take_no_time),
		cmocka_unit_test(package_in_a_package_is_opened),
		cmocka_unit_test(packed_package_in_a_packed_one_may_unpack_to_half),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
