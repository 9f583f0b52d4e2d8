/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <time.h>

#include "core/cleanup.h"
#include "core/pool.h"
#include "core/str.h"

#include "fake.h"
#include "random.h"

static const uint8_t bytes[64] = "FAKE";

/* ---- names ---------------------------------------------------------------------------------- */

static struct test_random rnd;

#define MANY 60

/* Names that are often equal, or one the beginning of another, or hold what texts do not. */
static int open_names(struct rimg_layer *l, struct rimg_error *err)
{
	size_t n = test_random_below(&rnd, MANY);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		char name[4];
		size_t len = test_random_below(&rnd, sizeof(name));

		for (size_t k = 0; k < len; k++)
			name[k] = "a\0\xff"[test_random_below(&rnd, 3)];
		assert_non_null(layer_node(l, l->root, RIMG_ROLE_FILE, name, len));
	}
	return 0;
}

/* Found by looking at one after the other. */
static struct rimg_node *plain_find(struct rimg_node *parent, const char *name, size_t len,
				    uint64_t nth)
{
	rimg_for_each_child(child, parent)
		if (child->name_len == len && memcmp(child->name, name, len) == 0 && --nth == 0)
			return child;
	return NULL;
}

static void names_are_found_as_by_a_plain_search(void **state)
{
	(void)state;
	rnd = test_random_start("node");
	for (int round = 0; round < 300; round++) {
		struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_names);
		struct rimg_node *root = fake_layer(t.node)->root;

		for (int i = 0; i < 100; i++) {
			char name[4];
			size_t len = test_random_below(&rnd, sizeof(name));
			uint64_t nth = test_random_below(&rnd, 6);

			for (size_t k = 0; k < len; k++)
				name[k] = "a\0\xff"[test_random_below(&rnd, 3)];
			if (nth > 0)
				assert_ptr_equal(node_find_nth(root, name, len, nth),
						 plain_find(root, name, len, nth));
			else
				assert_null(node_find_nth(root, name, len, 0));
			assert_ptr_equal(node_find(root, name, len),
					 plain_find(root, name, len, 1));
		}
		test_close(&t);
	}
}

static void children_are_sorted_by_bytes_then_as_stored(void **state)
{
	(void)state;
	rnd = test_random_start("node");
	for (int round = 0; round < 100; round++) {
		struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_names);
		struct rimg_node *root = fake_layer(t.node)->root;
		struct rimg_node **list = node_by_name(root);

		for (uint32_t i = 1; i < root->n_children; i++) {
			const struct rimg_node *a = list[i - 1], *b = list[i];
			uint32_t k = 0;

			while (k < a->name_len && k < b->name_len && a->name[k] == b->name[k])
				k++;
			if (k == a->name_len && k == b->name_len)
				assert_true(a->index < b->index);
			else if (k < a->name_len && k < b->name_len)
				assert_true((uint8_t)a->name[k] < (uint8_t)b->name[k]);
			else
				assert_int_equal(k, a->name_len);
		}
		test_close(&t);
	}
}

static void nothing_is_found_in_nothing(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_names);

	(void)state;
	assert_null(node_find(t.node, "", 0));
	assert_null(node_by_name(t.node));
	test_close(&t);
}

/* ---- the tree ------------------------------------------------------------------------------- */

static int open_twice(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);
	struct rimg_node *file = layer_node(l, top, RIMG_ROLE_FILE, "f", 1);

	(void)err;
	l->top = top;
	layer_node(l, top, RIMG_ROLE_DIR, "d", 1);
	return l->depth == 1 ? layer_content_range(l, file, 0, 32) : 0;
}

static void parents_are_artifacts_not_layers(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_twice);
	struct rimg_node *outer = test_find(&t, "/f"), *inner = test_find(&t, "/f::/f");

	(void)state;
	assert_null(rimg_node_parent(t.node));
	assert_string_equal(rimg_node_name(inner, NULL), "f");
	assert_ptr_equal(rimg_node_parent(rimg_node_parent(inner)), outer);
	assert_ptr_equal(rimg_node_parent(rimg_node_parent(outer)), t.node);
	assert_int_equal(rimg_node_role(rimg_node_parent(outer)), RIMG_ROLE_DIR);
	test_close(&t);
}

static void walking_opens_contents(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_twice);
	struct rimg_node *top = rimg_node_first_child(t.node);
	struct rimg_node *file = rimg_node_first_child(top);

	(void)state;
	assert_int_equal(rimg_source_size(rimg_node_content(file)), 32);
	assert_string_equal(rimg_node_name(rimg_node_next(file), NULL), "d");
	assert_null(rimg_node_next(rimg_node_next(file)));
	assert_null(rimg_node_first_child(rimg_node_next(file)));
	assert_null(rimg_node_content(rimg_node_next(file)));
	assert_null(file->nested);
	assert_int_equal(rimg_node_role(rimg_node_first_child(file)), RIMG_ROLE_DIR);
	assert_non_null(file->nested);
	assert_string_equal(rimg_node_format(file), "fake");
	test_close(&t);
}

static void paths_are_bytes_as_they_are(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_twice);
	auto_str struct str s = { 0 };

	(void)state;
	node_add_path(&s, test_find(&t, "/f::/"));
	assert_string_equal(str_cstr(&s), "/");
	str_clear(&s);
	node_add_path(&s, test_find(&t, "/f::/d"));
	assert_string_equal(str_cstr(&s), "/d");
	str_clear(&s);
	node_add_path(&s, t.node);
	node_add_path(&s, t.image->layers->root);
	assert_string_equal(str_cstr(&s), "");
	test_close(&t);
}

struct reader {
	struct rimg_node *root;
	bool ok[16];
};

static void look_up_everything(void *arg, size_t i)
{
	struct reader *r = arg;

	r->ok[i] = true;
	rimg_for_each_child(child, r->root) {
		char buf[100];

		r->ok[i] &= rimg_node_address(child, buf, sizeof(buf)) < sizeof(buf);
		r->ok[i] &= node_find(r->root, child->name, child->name_len) != NULL;
	}
}

static void an_open_tree_can_be_read_from_many_threads(void **state)
{
	struct test_image t;
	struct reader r = { 0 };

	(void)state;
	rnd = test_random_start("node");
	t = fake_image(bytes, sizeof(bytes), NULL, open_names);
	r.root = fake_layer(t.node)->root;
	pool_for(8, 16, look_up_everything, &r);
	for (size_t i = 0; i < 16; i++)
		assert_true(r.ok[i]);
	test_close(&t);
}

/* ---- attributes ----------------------------------------------------------------------------- */

static char *formatted(struct rimg_attr a)
{
	struct str s = { 0 };

	attr_format(&s, &a);
	return str_take(&s);
}

static void assert_formatted(struct rimg_attr a, const char *want)
{
	auto_free char *text = formatted(a);

	assert_string_equal(text, want);
}

#define NUMBER(type_, value_) ((struct rimg_attr){ .type = (type_), .u = (value_) })
#define BYTES(type_, text_)                                          \
	((struct rimg_attr){ .type = (type_),                        \
			     .bytes.data = (const uint8_t *)(text_), \
			     .bytes.len = sizeof(text_) - 1 })
#define TIME(s_, ns_) ((struct rimg_attr){ .type = ATTR_TIME, .time.s = (s_), .time.ns = (ns_) })

static void values_are_shown_by_their_type(void **state)
{
	struct rimg_attr raw = { .type = ATTR_RAW, .place = PLACES(0, UINT32_MAX, UINT32_MAX, 3) };

	(void)state;
	assert_formatted(NUMBER(ATTR_U64, 0), "0");
	assert_formatted(NUMBER(ATTR_U64, UINT64_MAX), "18446744073709551615");
	assert_formatted(NUMBER(ATTR_HEX, 0xdeadbeef), "0xdeadbeef");
	assert_formatted(NUMBER(ATTR_OCTAL, 0644), "0644");
	assert_formatted(NUMBER(ATTR_OCTAL, 0100755), "100755");
	assert_formatted(NUMBER(ATTR_BOOL, 1), "yes");
	assert_formatted(NUMBER(ATTR_BOOL, 0), "no");
	assert_formatted(BYTES(ATTR_TEXT, "a\x1b\\\0"), "a\\x1b\\\\\\x00");
	assert_formatted(BYTES(ATTR_BYTES, "\x01\xff"), "01ff");
	assert_formatted(BYTES(ATTR_BYTES, ""), "");
	assert_formatted(BYTES(ATTR_UUID, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd"
					  "\xee\xff"),
			 "00112233-4455-6677-8899-aabbccddeeff");
	assert_formatted(raw, "12884901885 bytes");
}

static void times_are_what_the_system_says(void **state)
{
	(void)state;
	rnd = test_random_start("node");
	for (int i = 0; i < 20000; i++) {
		/* seconds of the years 0 to 9999, where both print alike */
		time_t t = (time_t)test_random_below(&rnd, UINT64_C(315537811200)) - 62135596800;
		char want[64];
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
			 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		assert_formatted(TIME(t, 0), want);
	}
}

static void fractions_of_seconds_have_nine_digits(void **state)
{
	(void)state;
	assert_formatted(TIME(0, 0), "1970-01-01T00:00:00Z");
	assert_formatted(TIME(0, 1), "1970-01-01T00:00:00.000000001Z");
	assert_formatted(TIME(-1, 999999999), "1969-12-31T23:59:59.999999999Z");
	/* more than a second's worth is not a fraction */
	assert_formatted(TIME(0, 1000000000), "1970-01-01T00:00:00Z+1000000000ns");
	assert_formatted(TIME(0, UINT32_MAX), "1970-01-01T00:00:00Z+4294967295ns");
}

static void the_ends_of_time_can_be_shown(void **state)
{
	(void)state;
	/* of the proleptic calendar, by arithmetic on whole numbers elsewhere */
	assert_formatted(TIME(INT64_MAX, 0), "292277026596-12-04T15:30:07Z");
	assert_formatted(TIME(INT64_MIN, 0), "-292277022657-01-27T08:29:52Z");
}

static void values_are_equal_only_within_a_type(void **state)
{
	struct rimg_attr one = NUMBER(ATTR_U64, 1), hex = NUMBER(ATTR_HEX, 1);
	struct rimg_attr two = NUMBER(ATTR_U64, 2), ab = BYTES(ATTR_TEXT, "ab");
	struct rimg_attr abc = BYTES(ATTR_TEXT, "abc"), abd = BYTES(ATTR_TEXT, "abd");
	struct rimg_attr now = TIME(5, 6), later = TIME(5, 7), far = TIME(6, 6);
	struct rimg_attr none = BYTES(ATTR_BYTES, ""), raw = { .type = ATTR_RAW };
	struct rimg_attr other = { .type = ATTR_RAW, .place = PLACE(1, 2) };

	(void)state;
	assert_true(attr_equal(&one, &one));
	assert_false(attr_equal(&one, &two));
	assert_false(attr_equal(&one, &hex));
	assert_true(attr_equal(&abc, &abc));
	assert_false(attr_equal(&ab, &abc));
	assert_false(attr_equal(&abc, &abd));
	assert_true(attr_equal(&now, &now));
	assert_false(attr_equal(&now, &later));
	assert_false(attr_equal(&now, &far));
	assert_true(attr_equal(&none, &none));
	assert_true(attr_equal(&raw, &other));
	assert_false(attr_equal(&raw, &none));
}

static int open_attributes(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_meta(l, l->root, "m");

	(void)err;
	attr_add_u64(l, node, "size", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE, 7);
	attr_add_u64(l, node, "size", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE, 8);
	attr_add_bytes(l, node, "label", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE, "x", 1);
	attr_add_time(l, node, "mtime", PLACE_NONE, 1, 2);
	return 0;
}

static void attributes_are_found_by_key(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_attributes);
	struct rimg_node *node = fake_layer(t.node)->root->first_child;
	size_t n = 0;

	(void)state;
	assert_int_equal(node_attr(node, "size")->u, 7);
	assert_int_equal(node_attr_u64(node, "size", 99), 7);
	assert_int_equal(node_attr_u64(node, "label", 99), 99);
	assert_int_equal(node_attr_u64(node, "mtime", 99), 99);
	assert_int_equal(node_attr_u64(node, "none", 99), 99);
	assert_null(node_attr(node, "siz"));
	assert_int_equal(node_attr(node, "mtime")->cause, RIMG_CAUSE_TIMESTAMP);
	rimg_for_each_attr(a, node)
		n += a->key != NULL;
	assert_int_equal(n, 4);
	test_close(&t);
}

static void roles_and_causes_have_the_names_of_the_outputs(void **state)
{
	static const char *const causes[] = { "content",    "timestamp",  "identifier",
					      "ordering",   "placement",  "compression",
					      "checksum",   "padding",    "free-space",
					      "build-path", "build-id",   "symbol-hash",
					      "codegen",    "unexplained" };

	(void)state;
	assert_int_equal(RIMG_N_CAUSES, ARRAY_LEN(causes));
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		assert_string_equal(rimg_cause_name((enum rimg_cause)i), causes[i]);
	assert_string_equal(rimg_cause_name(RIMG_N_CAUSES), "unknown");
	for (int i = RIMG_ROLE_IMAGE; i <= RIMG_ROLE_GAP; i++)
		assert_string_not_equal(rimg_role_name((enum rimg_role)i), "unknown");
	assert_string_equal(rimg_role_name(RIMG_ROLE_SYMLINK), "symlink");
	assert_string_equal(rimg_role_name((enum rimg_role)(RIMG_ROLE_GAP + 1)), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_as_by_a_plain_search),
		cmocka_unit_test(children_are_sorted_by_bytes_then_as_stored),
		cmocka_unit_test(nothing_is_found_in_nothing),
		cmocka_unit_test(parents_are_artifacts_not_layers),
		cmocka_unit_test(walking_opens_contents),
		cmocka_unit_test(paths_are_bytes_as_they_are),
		cmocka_unit_test(an_open_tree_can_be_read_from_many_threads),
		cmocka_unit_test(values_are_shown_by_their_type),
		cmocka_unit_test(times_are_what_the_system_says),
		cmocka_unit_test(fractions_of_seconds_have_nine_digits),
		cmocka_unit_test(the_ends_of_time_can_be_shown),
		cmocka_unit_test(values_are_equal_only_within_a_type),
		cmocka_unit_test(attributes_are_found_by_key),
		cmocka_unit_test(roles_and_causes_have_the_names_of_the_outputs),
	};

	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
