/* SPDX-License-Identifier: MIT */

/* What programs that use librimg call, and rimg itself does not. */

#include "test.h"

#include <rimg/check.h>
#include <rimg/diff.h>

#include "fake.h"

static const uint8_t bytes[64] = "FAKE";

/* ---- walking -------------------------------------------------------------------------------- */

static void walk(struct rimg_node *top)
{
	for (struct rimg_node *child = rimg_node_first_child(top); child;
	     child = rimg_node_next(child))
		walk(child);
}

static int open_not(struct rimg_layer *l, struct rimg_error *err)
{
	(void)l;
	return error_set(err, RIMG_E_IO, "disk", "the cable is gone");
}

static void what_cannot_be_opened_is_not_taken_for_empty(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_not);
	struct rimg_error err = { 0 };

	(void)state;
	assert_null(rimg_node_first_child(t.node));
	assert_int_equal(rimg_node_open(t.node, &err), -RIMG_E_IO);
	assert_string_equal(err.text, "the cable is gone");
	test_close(&t);
}

static int open_nothing(struct rimg_layer *l, struct rimg_error *err)
{
	(void)l;
	(void)err;
	return 0;
}

static void what_has_no_format_is_opened_all_the_same(void **state)
{
	struct test_image t = test_open_bytes("nothing known", 13);
	struct test_image empty = fake_image(bytes, sizeof(bytes), NULL, open_nothing);

	(void)state;
	assert_int_equal(rimg_node_open(t.node, NULL), 0);
	assert_false(rimg_node_damaged(t.node));
	assert_null(rimg_node_first_child(t.node));
	test_close(&t);
	assert_int_equal(rimg_node_open(empty.node, NULL), 0);
	assert_false(rimg_node_damaged(empty.node));
	test_close(&empty);
}

static int open_unreadable(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	l->unreadable = true;
	layer_finding(l, SEVERITY_ERROR, "fake.lost", NULL, 4, 2, "all is lost");
	return 0;
}

static int open_findings(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *file = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);

	(void)err;
	layer_finding(l, SEVERITY_WARNING, "fake.odd", file, 7, 0, "it is odd");
	layer_finding(l, SEVERITY_ERROR, "fake.bad", file, 8, 3, "it is bad");
	return 0;
}

static void damage_is_told_of_the_node_that_has_it(void **state)
{
	struct test_image lost = fake_image(bytes, sizeof(bytes), NULL, open_unreadable);
	struct test_image bad;

	(void)state;
	assert_int_equal(rimg_node_open(lost.node, NULL), 0);
	assert_true(rimg_node_damaged(lost.node));
	test_close(&lost);
	bad = fake_image(bytes, sizeof(bytes), NULL, open_findings);
	assert_false(rimg_node_damaged(bad.node));
	assert_true(rimg_node_damaged(rimg_node_first_child(bad.node)));
	assert_false(rimg_node_damaged(bad.node));
	test_close(&bad);
}

static void a_hard_link_has_the_content_and_attributes_of_its_file(void **state)
{
	/* the SHA-256 of both in golden/odd.jsonl */
	struct test_image t = test_open_golden("odd", "");
	const char *names[] = { "/dir/hard", "/dir/hard2" };
	uint8_t digest[2][RIMG_SHA256_LEN];

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct rimg_source *src = rimg_node_content(test_find(&t, names[i]));

		assert_non_null(src);
		assert_int_equal(rimg_source_size(src), 5000);
		assert_int_equal(rimg_source_sha256(src, digest[i], NULL), 0);
	}
	assert_memory_equal(digest[0], digest[1], RIMG_SHA256_LEN);
	test_close(&t);
}

/* ---- attributes ----------------------------------------------------------------------------- */

static int open_attributes(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *file = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);
	struct rimg_node *link = layer_node(l, l->root, RIMG_ROLE_FILE, "g", 1);

	(void)err;
	attr_add_u64(l, file, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, PLACE_NONE, 0750);
	attr_add_time(l, file, "mtime", PLACE_NONE, 86400, 0);
	attr_add_bytes(l, file, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE, "a\nb", 3);
	link->link_to = file;
	return 0;
}

struct told {
	char text[256];
	unsigned n, max;
};

static bool tell_attribute(void *arg, const struct rimg_attribute *attribute)
{
	struct told *told = arg;
	size_t used = strlen(told->text);

	snprintf(told->text + used, sizeof(told->text) - used, "%s=%s (%s)\n", attribute->key,
		 attribute->value, rimg_cause_name(attribute->cause));
	return ++told->n < told->max;
}

static void attributes_come_in_order_as_harmless_text(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_attributes);
	struct rimg_node *file = rimg_node_first_child(t.node);
	struct told all = { .max = 9 }, link = { .max = 9 }, two = { .max = 2 };

	(void)state;
	assert_int_equal(rimg_node_each_attribute(file, tell_attribute, &all), 0);
	assert_string_equal(all.text, "mode=0750 (content)\n"
				      "mtime=1970-01-02T00:00:00Z (timestamp)\n"
				      "target=a\\nb (content)\n");
	assert_int_equal(rimg_node_each_attribute(rimg_node_next(file), tell_attribute, &link), 0);
	assert_string_equal(link.text, all.text);
	assert_int_equal(rimg_node_each_attribute(file, tell_attribute, &two), 0);
	assert_int_equal(two.n, 2);
	assert_int_equal(rimg_node_each_attribute(t.node, tell_attribute, &two), 0);
	assert_int_equal(two.n, 2);
	test_close(&t);
}

/* ---- findings ------------------------------------------------------------------------------- */

struct found {
	struct rimg_finding findings[4];
	size_t n, max;
};

static bool keep_finding(void *arg, const struct rimg_finding *finding)
{
	struct found *found = arg;

	assert_in_range(found->n, 0, 3);
	found->findings[found->n++] = *finding;
	return found->n < found->max;
}

static void findings_are_told_with_their_place(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_findings);
	struct found found = { .max = 4 }, none = { .max = 4 }, one = { .max = 1 };
	struct rimg_node *file;

	(void)state;
	assert_int_equal(rimg_image_each_finding(t.image, keep_finding, &none), 0);
	assert_int_equal(none.n, 0);
	file = rimg_node_first_child(t.node);
	assert_int_equal(rimg_image_each_finding(t.image, keep_finding, &found), 0);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.findings[0].code, "fake.odd");
	assert_int_equal(found.findings[0].severity, RIMG_SEVERITY_WARNING);
	assert_int_equal(found.findings[0].len, 0);
	assert_string_equal(found.findings[1].code, "fake.bad");
	assert_string_equal(found.findings[1].text, "it is bad");
	assert_int_equal(found.findings[1].severity, RIMG_SEVERITY_ERROR);
	assert_int_equal(found.findings[1].off, 8);
	assert_int_equal(found.findings[1].len, 3);
	assert_ptr_equal(found.findings[1].node, file);
	assert_ptr_equal(found.findings[1].container, t.node);
	assert_int_equal(rimg_image_each_finding(t.image, keep_finding, &one), 0);
	assert_int_equal(one.n, 1);
	test_close(&t);
}

static void a_finding_of_a_whole_content_is_its_owners(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_unreadable);
	struct found found = { .max = 4 };

	(void)state;
	walk(t.node);
	rimg_image_each_finding(t.image, keep_finding, &found);
	assert_int_equal(found.n, 1);
	assert_ptr_equal(found.findings[0].node, t.node);
	assert_ptr_equal(found.findings[0].container, t.node);
	test_close(&t);
}

static void findings_that_were_not_kept_are_counted(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;
	struct found found = { .max = 4 };

	(void)state;
	limits.findings = 1;
	t = fake_image(bytes, sizeof(bytes), &limits, open_findings);
	walk(t.node);
	assert_int_equal(rimg_image_each_finding(t.image, keep_finding, &found), 1);
	assert_int_equal(found.n, 1);
	test_close(&t);
}

/* ---- digests -------------------------------------------------------------------------------- */

static void sha256_is_that_of_the_standard(void **state)
{
	/* FIPS 180-4, "abc" */
	static const uint8_t abc[RIMG_SHA256_LEN] = {
		0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
		0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
		0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
	};
	struct rimg_source *src = rimg_source_open_memory("abc", 3, "memory");
	uint8_t digest[RIMG_SHA256_LEN];

	(void)state;
	assert_int_equal(rimg_source_sha256(src, digest, NULL), 0);
	assert_memory_equal(digest, abc, sizeof(abc));
	rimg_source_free(src);
}

/* ---- checks --------------------------------------------------------------------------------- */

struct problems {
	size_t n, n_unread, n_code;
	const char *code;
};

static bool count_problem(void *arg, const struct rimg_problem *problem)
{
	struct problems *p = arg;

	p->n++;
	if (!problem->code)
		p->n_unread++;
	else if (strcmp(problem->code, p->code) == 0)
		p->n_code++;
	return true;
}

static void a_check_tells_what_is_wrong(void **state)
{
	struct test_image t = test_open_golden("broken/bitflip-data", "");
	struct problems problems = { .code = "redoxfs.record" };
	const struct rimg_check_summary *sum;
	struct rimg_check *check = rimg_check_run(t.node, NULL, NULL);

	(void)state;
	assert_non_null(check);
	test_close(&t); /* the result outlives it */
	sum = rimg_check_get_summary(check);
	rimg_check_each_problem(check, count_problem, &problems);
	assert_int_equal(sum->verdict, RIMG_VERDICT_UNSOUND);
	assert_string_equal(rimg_verdict_name(sum->verdict), "unsound");
	assert_int_equal(problems.n_code, 1);
	assert_int_equal(problems.n, sum->errors + sum->warnings);
	assert_int_not_equal(sum->files, 0);
	rimg_check_free(check);
}

static void a_tree_that_was_walked_is_checked_as_a_fresh_one_is(void **state)
{
	struct rimg_check_summary sums[2] = { { 0 } };

	(void)state;
	for (int walked = 0; walked < 2; walked++) {
		struct test_image t = test_open_golden("disk-installer", "");
		struct rimg_check *check;

		if (walked)
			walk(t.node);
		check = rimg_check_run(t.node, NULL, NULL);
		assert_non_null(check);
		sums[walked] = *rimg_check_get_summary(check);
		rimg_check_free(check);
		test_close(&t);
	}
	/* the disk, both its file systems, and what lies in them */
	assert_in_range(sums[0].containers, 3, 1000);
	assert_memory_equal(&sums[0], &sums[1], sizeof(sums[0]));
}

static void what_was_not_read_leaves_the_verdict_open(void **state)
{
	struct test_image t = test_open_bytes("nothing known", 13);
	struct problems problems = { .code = "" };
	struct rimg_check *check = rimg_check_run(t.node, NULL, NULL);

	(void)state;
	assert_non_null(check);
	rimg_check_each_problem(check, count_problem, &problems);
	assert_int_equal(rimg_check_get_summary(check)->verdict, RIMG_VERDICT_OPEN);
	assert_int_equal(rimg_check_get_summary(check)->unread, 1);
	assert_int_equal(problems.n_unread, 1);
	rimg_check_free(check);
	rimg_check_free(NULL);
	test_close(&t);
}

static void strict_is_stricter(void **state)
{
	const struct rimg_check_options strict = { .strict = true };
	struct test_image t = test_open_golden("system", "");
	struct rimg_check *plain = rimg_check_run(t.node, NULL, NULL);
	struct rimg_check *hard = rimg_check_run(t.node, &strict, NULL);

	(void)state;
	assert_int_equal(rimg_check_get_summary(plain)->verdict, RIMG_VERDICT_SOUND);
	assert_int_equal(rimg_check_get_summary(hard)->verdict, RIMG_VERDICT_UNSOUND);
	rimg_check_free(plain);
	rimg_check_free(hard);
	test_close(&t);
}

/* ---- comparisons ---------------------------------------------------------------------------- */

static void trees_that_were_walked_compare_as_fresh_ones_do(void **state)
{
	struct rimg_diff_summary sums[2] = { { 0 } };

	(void)state;
	for (int walked = 0; walked < 2; walked++) {
		struct test_image a = test_open_golden("disk-installer", "");
		struct test_image b = test_open_golden("disk-sgdisk", "");
		struct rimg_diff *diff;

		if (walked) {
			walk(a.node);
			walk(b.node);
		}
		diff = rimg_diff_run(a.node, b.node, NULL, NULL);
		assert_non_null(diff);
		sums[walked] = *rimg_diff_get_summary(diff);
		rimg_diff_free(diff);
		test_close(&a);
		test_close(&b);
	}
	assert_int_not_equal(sums[0].differences, 0);
	assert_memory_equal(&sums[0], &sums[1], sizeof(sums[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_opened_is_not_taken_for_empty),
		cmocka_unit_test(what_has_no_format_is_opened_all_the_same),
		cmocka_unit_test(damage_is_told_of_the_node_that_has_it),
		cmocka_unit_test(a_hard_link_has_the_content_and_attributes_of_its_file),
		cmocka_unit_test(attributes_come_in_order_as_harmless_text),
		cmocka_unit_test(findings_are_told_with_their_place),
		cmocka_unit_test(a_finding_of_a_whole_content_is_its_owners),
		cmocka_unit_test(findings_that_were_not_kept_are_counted),
		cmocka_unit_test(sha256_is_that_of_the_standard),
		cmocka_unit_test(a_check_tells_what_is_wrong),
		cmocka_unit_test(a_tree_that_was_walked_is_checked_as_a_fresh_one_is),
		cmocka_unit_test(what_was_not_read_leaves_the_verdict_open),
		cmocka_unit_test(strict_is_stricter),
		cmocka_unit_test(trees_that_were_walked_compare_as_fresh_ones_do),
	};

	return cmocka_run_group_tests_name("embed", tests, NULL, NULL);
}
