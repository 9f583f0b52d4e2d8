/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/error.h"
#include "core/source.h"
#include "fake.h"
#include "verify/check.h"
#include "verify/check_rules.h"

static const struct check_options plain;
static const struct check_options strict = { .strict = true };

static struct check_report run(struct rimg_node *node, const struct check_options *o)
{
	struct check_report r = { 0 };
	struct rimg_error err;

	if (check_node(node, o, &r, &err) < 0)
		test_fail_error("check", &err);
	return r;
}

static uint64_t count_of(const struct check_report *r, const char *format)
{
	for (size_t i = 0; formats[i]; i++) {
		if (strcmp(formats[i]->name, format) == 0)
			return r->by_format[i];
	}
	fail_msg("no format %s", format);
	return 0;
}

static void layers_are_closed_again(void **state)
{
	struct test_image t = test_open_golden("disk-installer", "");
	struct check_report r = run(t.node, &plain), again;

	(void)state;
	assert_int_equal(check_verdict(&r), CHECK_SOUND);
	assert_int_equal(count_of(&r, "gpt"), 1);
	assert_int_equal(count_of(&r, "fat"), 1);
	assert_int_equal(count_of(&r, "redoxfs"), 1);
	assert_int_equal(count_of(&r, "initfs"), 2); /* at both places where loaders look */
	assert_true(r.containers > 7 && r.files > 7);
	/* only the disk's own layer is left, and a second check finds the same */
	assert_non_null(t.image->layers);
	assert_null(t.image->layers->next);
	/* and no marks, which others walk the tree by */
	rimg_for_each_child(child, t.image->layers->root)
		assert_null(child->mark);
	again = run(t.node, &plain);
	assert_int_equal(again.n_warnings, r.n_warnings);
	assert_int_equal(again.containers, r.containers);
	assert_int_equal(again.bytes, r.bytes);
	check_report_done(&again);
	check_report_done(&r);
	test_close(&t);
}

static void the_memory_of_one_content_is_enough_for_many(void **state)
{
	struct test_image t = test_open_golden("system", "");
	struct check_report r = run(t.node, &plain);
	uint64_t need;

	(void)state;
	assert_int_equal(check_verdict(&r), CHECK_SOUND);
	need = t.image->n_nodes;
	check_report_done(&r);
	/* all nodes of nested layers are gone, those of the file system are there */
	assert_int_equal(need, t.image->layers->n_nodes);
	test_close(&t);
}

static void a_problem_tells_where_in_the_image_it_is(void **state)
{
	struct test_image t = test_open_golden("broken/gpt-header-crc", "");
	struct check_report r = run(t.node, &plain);

	(void)state;
	assert_int_equal(check_verdict(&r), CHECK_UNSOUND);
	assert_int_equal(r.n_errors, 1);
	assert_string_equal(r.problems[0].code, "gpt.header-crc");
	assert_string_equal(r.problems[0].path, "header");
	assert_int_equal(r.problems[0].off, 528);
	assert_int_equal(r.problems[0].image_off, 528);
	check_report_done(&r);
	test_close(&t);
}

static void offsets_in_a_partition_are_counted_from_the_image_too(void **state)
{
	struct test_image t = test_open_golden("disk-installer", "");
	struct check_report r = run(t.node, &plain);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < r.n_problems; i++) {
		const struct check_problem *p = &r.problems[i];

		if (strncmp(p->code, "fat.", 4) != 0 || p->len == 0)
			continue;
		assert_int_equal(p->image_off, 2048 * 512 + p->off);
		n++;
	}
	assert_true(n > 0);
	check_report_done(&r);
	test_close(&t);
}

static void limits_leave_the_verdict_open(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct check_report r;
	struct rimg_image *image;
	struct rimg_error err;
	struct rimg_ctx *ctx;
	struct rimg_node *node;

	(void)state;
	limits.layer_depth = 2; /* the disk, its file systems, but not what lies in files */
	ctx = rimg_ctx_new(&limits, 1);
	assert_non_null(ctx);
	node = rimg_image_open_address(ctx, test_image_path("disk-installer"), &image, &err);
	assert_non_null(node);
	r = run(node, &plain);
	assert_int_equal(check_verdict(&r), CHECK_UNREAD);
	assert_true(r.n_unread > 0);
	assert_non_null(strstr(r.unread[0].message, "at most 2 layers"));
	check_report_done(&r);
	rimg_image_free(image);
	rimg_ctx_free(ctx);
}

/* A warning that was not kept may be one that breaks a rule. */
static enum check_verdict verdict_with(uint64_t n_findings, const struct check_options *o)
{
	struct rimg_limits limits = rimg_limits_default();
	enum check_verdict v;
	struct check_report r;
	struct rimg_image *image;
	struct rimg_error err;
	struct rimg_ctx *ctx;
	struct rimg_node *node;

	limits.findings = n_findings;
	ctx = rimg_ctx_new(&limits, 1);
	assert_non_null(ctx);
	node = rimg_image_open_address(ctx, test_image_path("disk-installer"), &image, &err);
	assert_non_null(node);
	r = run(node, o);
	v = check_verdict(&r);
	assert_int_equal(r.n_unread > 0, v == CHECK_UNREAD);
	if (v == CHECK_UNREAD)
		assert_non_null(strstr(r.unread[0].message, "more warnings than the limit"));
	check_report_done(&r);
	rimg_image_free(image);
	rimg_ctx_free(ctx);
	return v;
}

static void warnings_that_were_not_kept_leave_the_verdict_open(void **state)
{
	(void)state;
	assert_int_equal(verdict_with(100, &plain), CHECK_SOUND);
	assert_int_equal(verdict_with(2, &plain), CHECK_UNREAD);
	assert_int_equal(verdict_with(2, &strict), CHECK_UNSOUND);
}

/* ---- a content that cannot be read ---------------------------------------------------------- */

static int failing_read(const void *ctx, uint64_t off, void *buf, size_t len,
			struct rimg_error *err)
{
	const uint64_t *bad = ctx;

	memset(buf, 'x', len);
	if (off == 0)
		memcpy(buf, "FAKE", len < 4 ? len : 4);
	if (*bad >= off && *bad - off < len)
		return error_set(err, RIMG_E_IO, "disk", "the disk is broken");
	return 0;
}

static int open_one_file(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *file = layer_node(l, l->root, RIMG_ROLE_FILE, "file", 4);

	(void)err;
	return file ? layer_content_range(l, file, 4, rimg_source_size(l->src) - 4) : -RIMG_E_NOMEM;
}

static int give_up(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	layer_finding(l, SEVERITY_WARNING, "fake.odd", NULL, 0, 0, "odd");
	l->unreadable = true;
	return 0;
}

static void what_a_reader_gave_up_on_is_not_sound(void **state)
{
	static const char text[] = "FAKE contents";
	struct test_image t = { .ctx = rimg_ctx_new(NULL, 1) };
	struct rimg_source *src = rimg_source_open_memory(text, sizeof(text), "disk");
	struct check_report r;

	(void)state;
	fake_open_now = give_up;
	assert_int_equal(ctx_add_format(t.ctx, &fake_format), 0);
	t.image = rimg_image_open(t.ctx, src, "disk", NULL);
	assert_non_null(t.image);
	r = run(rimg_image_root(t.image), &plain);
	assert_int_equal(check_verdict(&r), CHECK_UNREAD);
	check_report_done(&r);
	rimg_image_free(t.image);
	rimg_ctx_free(t.ctx);
}

/* A file of 2 MiB with one byte that cannot be read; UINT64_MAX: none. */
static enum check_verdict check_failing(uint64_t bad, uint64_t *ret_bytes)
{
	struct arena a;
	struct test_image t = { .ctx = rimg_ctx_new(NULL, 1) };
	struct rimg_source *src;
	struct check_report r;
	enum check_verdict v;

	arena_init(&a, 0);
	fake_open_now = open_one_file;
	assert_int_equal(ctx_add_format(t.ctx, &fake_format), 0);
	src = source_custom(&a, 2 << 20, "disk", failing_read, &bad);
	t.image = image_open_part(t.ctx, src, "disk", NULL);
	assert_non_null(t.image);
	r = run(rimg_image_root(t.image), &plain);
	v = check_verdict(&r);
	*ret_bytes = r.bytes;
	if (v == CHECK_UNREAD) {
		assert_string_equal(r.unread[0].path, "file");
		assert_non_null(strstr(r.unread[0].message, "the disk is broken"));
	}
	check_report_done(&r);
	rimg_image_free(t.image);
	rimg_ctx_free(t.ctx);
	arena_done(&a);
	return v;
}

/* Not where blocks begin: there formats look for themselves. */
static void every_byte_of_a_content_without_format_is_read(void **state)
{
	static const uint64_t bad[] = { 100000, (1 << 20) + 50, (2 << 20) - 1 };
	uint64_t bytes;

	(void)state;
	assert_int_equal(check_failing(UINT64_MAX, &bytes), CHECK_SOUND);
	assert_int_equal(bytes, (2 << 20) - 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check_failing(bad[i], &bytes), CHECK_UNREAD);
}

/* ---- weights -------------------------------------------------------------------------------- */

static void weights_are_those_of_the_document(void **state)
{
	static const struct {
		const char *code;
		enum severity found, plain, strict;
	} rows[] = {
		{ "redoxfs.links", SEVERITY_ERROR, SEVERITY_ERROR, SEVERITY_ERROR },
		{ "redoxfs.padding", SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_ERROR },
		{ "redoxfs.name", SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_ERROR },
		{ "redoxfs.block-lost", SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_ERROR },
		{ "redoxfs.record-past-end", SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_ERROR },
		{ "redoxfs.header-slot0", SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_ERROR },
		{ "initfs.init-missing", SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_WARNING },
		{ "layer.only-magic", SEVERITY_WARNING, SEVERITY_WARNING, SEVERITY_WARNING },
	};
	struct test_image t = test_open_golden("tiny", "");
	struct rimg_layer *l;

	(void)state;
	assert_int_equal(node_open(t.node, &l, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct finding f = { .code = rows[i].code, .severity = rows[i].found };

		assert_int_equal(check_severity(l, &f, false), rows[i].plain);
		assert_int_equal(check_severity(l, &f, true), rows[i].strict);
	}
	test_close(&t);
}

static void programs_are_not_held_against_what_rimg_writes(void **state)
{
	struct test_image t = test_open_golden("initfs-boot", "bootstrap");
	struct check_report r = run(t.node, &strict);

	(void)state;
	assert_int_equal(check_verdict(&r), CHECK_SOUND);
	assert_true(r.n_warnings > 0);
	check_report_done(&r);
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_closed_again),
		cmocka_unit_test(the_memory_of_one_content_is_enough_for_many),
		cmocka_unit_test(a_problem_tells_where_in_the_image_it_is),
		cmocka_unit_test(offsets_in_a_partition_are_counted_from_the_image_too),
		cmocka_unit_test(limits_leave_the_verdict_open),
		cmocka_unit_test(warnings_that_were_not_kept_leave_the_verdict_open),
		cmocka_unit_test(what_a_reader_gave_up_on_is_not_sound),
		cmocka_unit_test(every_byte_of_a_content_without_format_is_read),
		cmocka_unit_test(weights_are_those_of_the_document),
		cmocka_unit_test(programs_are_not_held_against_what_rimg_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
