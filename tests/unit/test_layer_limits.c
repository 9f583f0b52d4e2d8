/* SPDX-License-Identifier: MIT */

/* Layers: findings and limits. */

#include "test.h"

#include "core/str.h"

#include "fake.h"

static uint8_t bytes[4096] = "FAKE";

/* ---- findings ------------------------------------------------------------------------------- */

static int open_findings(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_meta(l, l->root, "m");
	struct rimg_node *warned = layer_meta(l, l->root, "w");

	(void)err;
	for (int i = 0; i < 7; i++)
		layer_finding(l, SEVERITY_ERROR, "fake.error", node, 1, 2, "number %d", i);
	for (int i = 0; i < 5; i++)
		layer_finding(l, SEVERITY_WARNING, "fake.warning", warned, 0, 0, "odd");
	return 0;
}

static void findings_beyond_the_limit_are_counted(void **state)
{
	struct rimg_limits limits = rimg_limits_default();

	(void)state;
	for (uint64_t max = 0; max <= 13; max++) {
		struct test_image t;
		const struct rimg_layer *l;

		limits.findings = max;
		t = fake_image(bytes, 100, &limits, open_findings);
		l = fake_layer(t.node);
		assert_int_equal(l->n_findings, max < 12 ? max : 12);
		assert_int_equal(l->n_errors, 7);
		assert_int_equal(l->n_warnings, 5);
		if (max > 3)
			assert_string_equal(l->findings[3].text, "number 3");
		assert_true(l->root->first_child->damaged);
		assert_false(l->root->first_child->next->damaged);
		assert_false(l->root->damaged);
		test_close(&t);
	}
}

static int open_noisy(struct rimg_layer *l, struct rimg_error *err)
{
	char big[3000];

	(void)err;
	layer_finding(l, SEVERITY_ERROR, "fake.noise", NULL, 0, 0, "found \"%s\"",
		      "\x1b[2J\n\xff\xe2\x80\xae\\x41");
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		big[i] = i % 2 == 0 ? '\xc3' : '\xa9';
	big[sizeof(big) - 1] = '\0';
	layer_finding(l, SEVERITY_ERROR, "fake.noise", NULL, 0, 0, "%s", big);
	layer_finding(l, SEVERITY_ERROR, "fake.noise", NULL, 0, 0, "a%s", big);
	return 0;
}

static void what_an_image_says_in_a_finding_is_harmless(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_noisy);
	const struct rimg_layer *l = fake_layer(t.node);

	(void)state;
	assert_string_equal(l->findings[0].text, "found \"\\x1b[2J\\n\\xff\\xe2\\x80\\xae\\x41\"");
	assert_ptr_equal(l->findings[0].node, l->root);
	assert_true(l->root->damaged);
	for (size_t i = 1; i < 3; i++) {
		assert_in_range(strlen(l->findings[i].text), 500, 511);
		assert_true(str_is_utf8(l->findings[i].text, strlen(l->findings[i].text)));
	}
	test_close(&t);
}

/* ---- limits --------------------------------------------------------------------------------- */

static uint64_t to_make;

static int open_nodes(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	for (uint64_t i = 0; i < to_make; i++)
		if (!layer_node(l, l->root, RIMG_ROLE_FILE, "n", 1))
			return -RIMG_E_NOMEM;
	return layer_claim(l, l->root, 0, UINT64_MAX, "all", RIMG_CAUSE_CONTENT);
}

static void the_limit_of_nodes_holds_on_both_sides(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	(void)state;
	limits.nodes = 50;
	t = fake_image(bytes, 100, &limits, open_nodes);
	to_make = 51;
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
	assert_non_null(strstr(err.text, "limit of 50 nodes"));
	assert_string_equal(err.where, "memory");
	/* what was too much is forgotten */
	assert_int_equal(t.image->n_nodes, 0);
	assert_int_equal(t.image->arena_used, 0);
	to_make = 50;
	l = fake_layer(t.node);
	assert_int_equal(t.image->n_nodes, 50);
	assert_int_equal(l->root->n_children, 50);
	test_close(&t);
}

/* Every second byte is claimed, so there are as many gaps. */
static int open_comb(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	for (uint64_t i = 0; i < to_make; i++)
		if (layer_claim(l, l->root, 2 * i, 1, "tooth", RIMG_CAUSE_CONTENT) < 0)
			return -RIMG_E_NOMEM;
	return 0;
}

static void gaps_count_as_nodes(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	(void)state;
	limits.nodes = 50;
	to_make = 50;
	t = fake_image(bytes, 100, &limits, open_comb);
	assert_int_equal(fake_layer(t.node)->root->n_children, 50);
	test_close(&t);
	to_make = 51;
	t = fake_image(bytes, 102, &limits, open_comb);
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
	test_close(&t);
}

static void the_limit_of_memory_holds_for_claims_too(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t = fake_image(bytes, sizeof(bytes), &limits, open_comb);
	struct rimg_layer *l = fake_layer(t.node);
	struct rimg_error err;
	uint64_t used = t.image->arena_used;

	(void)state;
	to_make = 2000;
	test_close(&t);
	t = fake_image(bytes, sizeof(bytes), &limits, open_comb);
	l = fake_layer(t.node);
	used = t.image->arena_used;
	/* 2,000 claims and as many gaps with a claim, a node and a name each */
	assert_true(used > 4000 * sizeof(struct claim) + 2000 * sizeof(struct rimg_node));
	test_close(&t);

	limits.arena_bytes = used;
	t = fake_image(bytes, sizeof(bytes), &limits, open_comb);
	l = fake_layer(t.node);
	test_close(&t);
	limits.arena_bytes = used - 1;
	t = fake_image(bytes, sizeof(bytes), &limits, open_comb);
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
	assert_int_equal(t.image->arena_used, 0);
	test_close(&t);
	limits.arena_bytes = 1;
	t = fake_image(bytes, sizeof(bytes), &limits, open_comb);
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
	test_close(&t);
}

static uint64_t to_read;

static int open_reading(struct rimg_layer *l, struct rimg_error *err)
{
	uint8_t buf[100];
	int rc = 0;

	/* what is not inside costs nothing */
	assert_int_equal(layer_read(l, 50, buf, 51, err), -RIMG_E_TRUNCATED);
	for (uint64_t i = 0; i < to_read && rc == 0; i++)
		rc = layer_read(l, i % 100, buf, 1, err);
	return rc;
}

static void an_opener_may_read_so_much_and_no_byte_more(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	(void)state;
	limits.read_factor = 3;
	limits.read_extra = 7;
	t = fake_image(bytes, 100, &limits, open_reading);
	to_read = 308;
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_LIMIT);
	assert_string_equal(err.where, "memory");
	to_read = 307;
	assert_int_equal(fake_layer(t.node)->budget, 0);
	test_close(&t);

	limits.read_factor = UINT64_MAX / 2;
	t = fake_image(bytes, 100, &limits, open_reading);
	assert_int_equal(fake_layer(t.node)->budget, UINT64_MAX - 307);
	test_close(&t);
}

static int open_reading_outside(struct rimg_layer *l, struct rimg_error *err)
{
	uint8_t buf[4];
	uint64_t used = 0;

	for (int i = 0; i < 1000; i++) {
		assert_int_equal(layer_read(l, 98, buf, 4, err), -RIMG_E_TRUNCATED);
		if (i == 0)
			used = l->arena.used;
	}
	assert_int_equal(err->off, 98);
	assert_string_equal(err->where, "memory");
	/* an image full of wrong pointers must not fill memory with their messages */
	assert_int_equal(l->arena.used, used);
	return 0;
}

static void a_thousand_wrong_pointers_cost_one_message(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_reading_outside);

	(void)state;
	fake_layer(t.node);
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_beyond_the_limit_are_counted),
		cmocka_unit_test(what_an_image_says_in_a_finding_is_harmless),
		cmocka_unit_test(the_limit_of_nodes_holds_on_both_sides),
		cmocka_unit_test(gaps_count_as_nodes),
		cmocka_unit_test(the_limit_of_memory_holds_for_claims_too),
		cmocka_unit_test(an_opener_may_read_so_much_and_no_byte_more),
		cmocka_unit_test(a_thousand_wrong_pointers_cost_one_message),
	};

	return cmocka_run_group_tests_name("layer limits", tests, NULL, NULL);
}
