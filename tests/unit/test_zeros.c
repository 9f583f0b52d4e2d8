/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/zeros.h"
#include "fake.h"

/* 64 bytes: magic, a header with a field and padding, content, padding, free space, a gap */
#define HEADER  0
#define FIELD   4
#define CONTENT 16
#define SLACK   24
#define FREE    32
#define GAP     48
#define SIZE    64

static uint8_t bytes[SIZE];

static int open_parts(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *header = layer_meta(l, l->root, "header");
	struct rimg_node *file = layer_node(l, l->root, RIMG_ROLE_FILE, "file", 4);
	struct rimg_node *unused = layer_meta(l, l->root, "free");

	(void)err;
	if (!header || !file || !unused)
		return -RIMG_E_NOMEM;
	if (attr_add_raw(l, header, "magic", RIMG_CAUSE_CONTENT, PLACE(HEADER, 4)) < 0 ||
	    attr_add_u64(l, header, "field", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE(FIELD, 4), 7) <
		    0 ||
	    layer_claim(l, header, HEADER, CONTENT, "header", RIMG_CAUSE_PADDING) < 0 ||
	    layer_claim_content(l, file, CONTENT, SLACK - CONTENT, 0) < 0 ||
	    layer_claim(l, file, SLACK, FREE - SLACK, "slack", RIMG_CAUSE_PADDING) < 0)
		return -RIMG_E_NOMEM;
	return layer_claim(l, unused, FREE, GAP - FREE, "free", RIMG_CAUSE_FREE_SPACE);
}

static struct test_image make(void)
{
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, "FAKE", 4);
	bytes[FIELD] = 7;
	memset(bytes + CONTENT, 'c', SLACK - CONTENT);
	return fake_image(bytes, sizeof(bytes), NULL, open_parts);
}

static uint64_t check(struct rimg_layer *l, enum severity severity)
{
	uint64_t n = 0;
	struct rimg_error err;

	if (zeros_check(l, severity, &n, &err) < 0)
		test_fail_error("zeros", &err);
	return n;
}

static void what_holds_nothing_and_is_zero_is_fine(void **state)
{
	struct test_image t = make();
	struct rimg_layer *l = fake_layer(t.node);

	(void)state;
	/* header, slack, free, gap; not the content */
	assert_int_equal(check(l, SEVERITY_ERROR), SIZE - (SLACK - CONTENT));
	assert_no_findings(t.image);
	test_close(&t);
}

static void expect(size_t off, const char *node, const char *words, enum severity severity)
{
	struct test_image t = make();
	struct rimg_layer *l = fake_layer(t.node);
	const struct finding *f;

	bytes[off] = 1;
	check(l, severity);
	f = test_finding(t.image, "layer.not-zero");
	if (!f)
		fail_msg("byte %zu: no finding", off);
	assert_int_equal(l->n_findings, 1);
	assert_int_equal(f->severity, severity);
	assert_int_equal(f->off, off);
	assert_string_equal(f->node->name, node);
	assert_non_null(strstr(f->text, words));
	assert_non_null(strstr(f->text, "found 1 other bytes"));
	test_close(&t);
}

static void each_kind_of_space_has_its_finding(void **state)
{
	(void)state;
	expect(FIELD + 4, "header", "zeros in padding", SEVERITY_WARNING);
	expect(CONTENT - 1, "header", "zeros in padding", SEVERITY_ERROR);
	expect(SLACK, "file", "zeros in padding", SEVERITY_ERROR);
	expect(FREE - 1, "file", "zeros in padding", SEVERITY_ERROR);
	expect(FREE, "free", "zeros in free space", SEVERITY_ERROR);
	expect(GAP - 1, "free", "zeros in free space", SEVERITY_ERROR);
	expect(GAP, "gap@0x30", "zeros in gaps", SEVERITY_ERROR);
	expect(SIZE - 1, "gap@0x30", "zeros in gaps", SEVERITY_ERROR);
}

static void bytes_with_a_meaning_are_none_of_its_business(void **state)
{
	static const size_t offs[] = { FIELD, FIELD + 3, CONTENT, SLACK - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		struct test_image t = make();
		struct rimg_layer *l = fake_layer(t.node);

		bytes[offs[i]] = 0xff;
		check(l, SEVERITY_ERROR);
		assert_no_findings(t.image);
		test_close(&t);
	}
}

static void all_such_bytes_are_counted_in_one_finding(void **state)
{
	struct test_image t = make();
	struct rimg_layer *l = fake_layer(t.node);

	(void)state;
	memset(bytes + FREE + 3, 0xaa, 10);
	bytes[SLACK + 1] = bytes[CONTENT - 2] = 1;
	check(l, SEVERITY_ERROR);
	assert_int_equal(l->n_findings, 2);
	assert_non_null(strstr(l->findings[0].text, "free space, found 10 other"));
	assert_int_equal(l->findings[0].off, FREE + 3);
	assert_non_null(strstr(l->findings[1].text, "padding, found 2 other"));
	assert_int_equal(l->findings[1].off, CONTENT - 2);
	test_close(&t);
}

static void padding_of_enciphered_volumes_is_noise(void **state)
{
	struct test_image t = make();
	struct rimg_layer *l = fake_layer(t.node);

	(void)state;
	l->opaque_places = true;
	bytes[SLACK] = 1;
	check(l, SEVERITY_ERROR);
	assert_no_findings(t.image);
	bytes[FREE] = 1;
	check(l, SEVERITY_ERROR);
	assert_finding(t.image, "layer.not-zero");
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_holds_nothing_and_is_zero_is_fine),
		cmocka_unit_test(each_kind_of_space_has_its_finding),
		cmocka_unit_test(bytes_with_a_meaning_are_none_of_its_business),
		cmocka_unit_test(all_such_bytes_are_counted_in_one_finding),
		cmocka_unit_test(padding_of_enciphered_volumes_is_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
