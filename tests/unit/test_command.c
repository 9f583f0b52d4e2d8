/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/command.h"

/* A call whose results and complaints are kept. */
struct fixture {
	struct command_call call;
	char *out, *err;
	size_t out_len, err_len;
};

static const struct command_option options[] = {
	OPTION_VALUES("only", 0, "PATTERN", ""),
	OPTION_FLAG("json", 0, ""),
	{ 0 },
};
static const struct rimg_command command = { .name = "try", .options = options };

static void fixture_open(struct fixture *f)
{
	*f = (struct fixture){ .call = { .command = &command } };
	f->call.out = open_memstream(&f->out, &f->out_len);
	f->call.err = open_memstream(&f->err, &f->err_len);
	assert_non_null(f->call.out);
	assert_non_null(f->call.err);
}

static void fixture_close(struct fixture *f)
{
	fclose(f->call.out);
	fclose(f->call.err);
	free(f->out);
	free(f->err);
}

static const char *complaints(struct fixture *f)
{
	fflush(f->call.err);
	return f->err;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void options_are_found_by_name(void **state)
{
	struct command_given given[] = { { &options[0], "a" },
					 { &options[1], NULL },
					 { &options[0], "b" } };
	struct fixture f;
	size_t i = 0;

	(void)state;
	fixture_open(&f);
	assert_null(call_value(&f.call, "only"));
	assert_false(call_has(&f.call, "json"));
	f.call.given = given;
	f.call.n_given = 3;
	assert_string_equal(call_value(&f.call, "only"), "b");
	assert_string_equal(call_value(&f.call, "json"), "");
	assert_true(call_has(&f.call, "json"));
	assert_false(call_has(&f.call, "none"));
	assert_string_equal(call_each(&f.call, "only", &i), "a");
	assert_string_equal(call_each(&f.call, "only", &i), "b");
	assert_null(call_each(&f.call, "only", &i));
	fixture_close(&f);
}

static void an_error_is_one_line_with_place_and_offset(void **state)
{
	struct rimg_error err = { .code = RIMG_E_BAD,
				  .has_off = true,
				  .off = 512,
				  .where = "a.img::EFI",
				  .text = "expected x, found y" };
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(call_error(&f.call, &err), EXIT_TROUBLE);
	assert_string_equal(complaints(&f), "rimg: a.img::EFI: at byte 512: expected x, found y\n");
	fixture_close(&f);
}

static void wrong_usage_points_to_the_help(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.call.quiet = true;
	assert_int_equal(call_usage(&f.call, "expected %d", 2), EXIT_TROUBLE);
	assert_string_equal(complaints(&f), "rimg try: expected 2\nTry: rimg try --help\n");
	fixture_close(&f);
}

static void warnings_are_not_for_the_quiet(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	call_warn(&f.call, "odd");
	f.call.quiet = true;
	call_warn(&f.call, "not seen");
	call_complain(&f.call, "seen");
	assert_string_equal(complaints(&f), "rimg: warning: odd\nrimg: seen\n");
	fixture_close(&f);
}

static void messages_do_nothing_to_a_terminal(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	call_complain(&f.call, "a%sb\\x00", "\033[31m\n\xe2\x80\xae\xff");
	assert_string_equal(complaints(&f), "rimg: a\\x1b[31m\\n\\xe2\\x80\\xae\\xffb\\x00\n");
	fixture_close(&f);
}

/* An opened image that gets findings of ours beside those it has (none: it is sound). */
static struct rimg_layer *open_layer(struct test_image *t)
{
	struct rimg_layer *l;
	struct rimg_error err;

	*t = test_open_golden("initfs-plain", "");
	assert_int_equal(node_open(rimg_image_root(t->image), &l, &err), 0);
	assert_non_null(l);
	return l;
}

static void findings_name_node_byte_and_code(void **state)
{
	struct test_image t;
	struct rimg_layer *l = open_layer(&t);
	char expected[512];
	struct fixture f;

	(void)state;
	fixture_open(&f);
	assert_int_equal(call_findings(&f.call, t.image), EXIT_HOLDS);
	assert_int_equal(f.err_len, 0);
	layer_finding(l, SEVERITY_WARNING, "t.odd", NULL, 0, 0, "odd");
	assert_int_equal(call_findings(&f.call, t.image), EXIT_HOLDS);
	snprintf(expected, sizeof(expected), "rimg: warning: %s: odd [t.odd]\n",
		 test_image_path("initfs-plain"));
	assert_string_equal(complaints(&f), expected);
	layer_finding(l, SEVERITY_ERROR, "t.bad", test_find(&t, "/bin/init"), 7, 1, "expected 1");
	f.call.quiet = true;
	assert_int_equal(call_findings(&f.call, t.image), EXIT_FAILS);
	snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected),
		 "rimg: %s::/bin/init: at byte 7: expected 1 [t.bad]\n",
		 test_image_path("initfs-plain"));
	assert_string_equal(complaints(&f), expected);
	fixture_close(&f);
	test_close(&t);
}

/* 100 of each severity in a layer; how many more is said, also of those that were not kept. */
static void many_findings_are_cut_and_counted(void **state)
{
	static const struct {
		unsigned n;
		int verbose;
		size_t lines;
		const char *last;
	} cases[] = {
		{ 100, 0, 100, "[t.bad]\n" },
		{ 101, 0, 101, ": ... and 1 more error; -v shows more\n" },
		{ 350, 0, 101, ": ... and 250 more errors; -v shows more\n" },
		{ 350, 1, 350, "[t.bad]\n" },
		{ 10010, 1, 10001, ": ... and 10 more errors\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct test_image t;
		struct rimg_layer *l = open_layer(&t);
		struct fixture f;
		const char *text;

		fixture_open(&f);
		f.call.verbose = cases[i].verbose;
		for (unsigned n = 0; n < cases[i].n; n++)
			layer_finding(l, SEVERITY_ERROR, "t.bad", NULL, n, 1, "bad");
		assert_int_equal(call_findings(&f.call, t.image), EXIT_FAILS);
		text = complaints(&f);
		assert_int_equal(count_lines(text), cases[i].lines);
		assert_true(strlen(text) > strlen(cases[i].last));
		assert_string_equal(text + strlen(text) - strlen(cases[i].last), cases[i].last);
		fixture_close(&f);
		test_close(&t);
	}
}

static void results_that_cannot_be_written_are_trouble(void **state)
{
	static char block[8192];
	struct fixture f;
	FILE *kept;

	(void)state;
	fixture_open(&f);
	assert_true(call_write(&f.call, "x", 1));
	assert_true(call_write(&f.call, NULL, 0));
	assert_string_equal(f.out, "x");
	assert_int_equal(call_finish(&f.call, EXIT_FAILS), EXIT_FAILS);

	kept = f.call.out;
	f.call.out = fopen("/dev/full", "we");
	assert_non_null(f.call.out);
	fputs("a little", f.call.out);
	assert_int_equal(call_finish(&f.call, EXIT_HOLDS), EXIT_TROUBLE);
	assert_string_equal(complaints(&f),
			    "rimg: cannot write the results: No space left on device\n");
	fclose(f.call.out);

	/* a write that fails on the way leaves nothing to flush: its reason is remembered */
	f.call.out_errno = 0;
	f.call.out = fopen("/dev/full", "we");
	assert_non_null(f.call.out);
	assert_false(call_write(&f.call, block, sizeof(block)) && call_write(&f.call, NULL, 0));
	assert_int_equal(f.call.out_errno, ENOSPC);
	assert_int_equal(call_finish(&f.call, EXIT_HOLDS), EXIT_TROUBLE);
	fclose(f.call.out);
	f.call.out = kept;
	fixture_close(&f);
}

static void note_progress(struct command_call *call, const char *what, uint64_t done,
			  uint64_t total)
{
	(void)done;
	(void)total;
	fputs(what ? "[line]" : "[wiped]", call->err);
}

static void a_progress_line_is_wiped_before_a_message(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	f.call.draw = note_progress;
	call_progress(&f.call, "work", 1, 2);
	assert_string_equal(complaints(&f), "");
	f.call.progress = true;
	call_progress(&f.call, "work", 1, 2);
	call_complain(&f.call, "x");
	assert_string_equal(complaints(&f), "[line][wiped]rimg: x\n");
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_found_by_name),
		cmocka_unit_test(an_error_is_one_line_with_place_and_offset),
		cmocka_unit_test(wrong_usage_points_to_the_help),
		cmocka_unit_test(warnings_are_not_for_the_quiet),
		cmocka_unit_test(messages_do_nothing_to_a_terminal),
		cmocka_unit_test(findings_name_node_byte_and_code),
		cmocka_unit_test(many_findings_are_cut_and_counted),
		cmocka_unit_test(results_that_cannot_be_written_are_trouble),
		cmocka_unit_test(a_progress_line_is_wiped_before_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
