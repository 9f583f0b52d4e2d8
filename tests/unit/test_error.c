/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/error.h"
#include "core/str.h"

static void a_failure_is_told_with_place_and_words(void **state)
{
	struct rimg_error err;
	char line[200];

	(void)state;
	assert_int_equal(
		error_at(&err, RIMG_E_BAD, "a.img::/x", 512, "expected %d, found %s", 7, "nothing"),
		-RIMG_E_BAD);
	assert_int_equal(err.code, RIMG_E_BAD);
	assert_int_equal(err.os_errno, 0);
	assert_true(err.has_off);
	assert_int_equal(err.off, 512);
	assert_string_equal(err.where, "a.img::/x");
	assert_string_equal(err.text, "expected 7, found nothing");
	assert_string_equal(rimg_error_format(&err, line, sizeof(line)),
			    "a.img::/x: at byte 512: expected 7, found nothing");
}

static void a_failure_without_place_leaves_nothing_of_an_earlier_one(void **state)
{
	struct rimg_error err;
	char line[200];

	(void)state;
	error_at(&err, RIMG_E_BAD, "a.img", 512, "first");
	err.os_errno = 5;
	assert_int_equal(error_set(&err, RIMG_E_ARG, NULL, "second"), -RIMG_E_ARG);
	assert_int_equal(err.os_errno, 0);
	assert_false(err.has_off);
	assert_string_equal(rimg_error_format(&err, line, sizeof(line)), "second");
	error_set(&err, RIMG_E_ARG, "x", "third");
	assert_string_equal(rimg_error_format(&err, line, sizeof(line)), "x: third");
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	errno = ENOENT;
	assert_int_equal(error_set(NULL, RIMG_E_LIMIT, NULL, "x"), -RIMG_E_LIMIT);
	assert_int_equal(error_at(NULL, RIMG_E_BAD, "y", 1, "x"), -RIMG_E_BAD);
	assert_int_equal(error_os(NULL, "y", "x"), -RIMG_E_IO);
	assert_int_equal(error_nomem(NULL), -RIMG_E_NOMEM);
}

static void the_systems_words_are_kept_and_errno_too(void **state)
{
	struct rimg_error err;

	(void)state;
	errno = ENOSPC;
	assert_int_equal(error_os(&err, "f", "cannot write"), -RIMG_E_IO);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(err.os_errno, ENOSPC);
	assert_string_equal(err.text, "cannot write: No space left on device");
	assert_false(err.has_off);
	errno = 123456; /* there is none such */
	error_os(&err, "f", "x");
	assert_non_null(strstr(err.text, "123456"));
}

static void long_words_are_cut_not_overrun(void **state)
{
	struct rimg_error err;
	char big[5000], line[64];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	error_set(&err, RIMG_E_BAD, big, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(strlen(err.where), sizeof(err.where) - 1);
	memset(line, 'z', sizeof(line));
	rimg_error_format(&err, line, 32);
	assert_int_equal(strlen(line), 31);
	assert_int_equal(line[32], 'z');
	rimg_error_format(&err, line, 1);
	assert_string_equal(line, "");
}

/* é is two bytes: whatever the cut falls on, no half of it may stay. */
static void words_are_cut_between_characters(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 2; shift++) {
		struct rimg_error err;
		char big[2000];

		for (size_t i = 0; i < sizeof(big) - 1; i++)
			big[i] = i < shift ? 'a' : (i - shift) % 2 == 0 ? '\xc3' : '\xa9';
		big[sizeof(big) - 1] = '\0';
		error_set(&err, RIMG_E_BAD, big, "%s", big);
		assert_true(str_is_utf8(err.text, strlen(err.text)));
		assert_true(str_is_utf8(err.where, strlen(err.where)));
		assert_in_range(strlen(err.text), sizeof(err.text) - 2, sizeof(err.text) - 1);
		assert_memory_equal(err.text, big, strlen(err.text));
	}
}

static void what_an_image_says_cannot_act_on_a_terminal(void **state)
{
	struct rimg_error err;
	char line[300];

	(void)state;
	error_set(&err, RIMG_E_BAD, "a\x1b]0;x\a.img", "found \"%s\"", "\n\x1b[2J\xff\xe2\x80\xae");
	assert_string_equal(err.where, "a\\x1b]0;x\\x07.img");
	assert_string_equal(err.text, "found \"\\n\\x1b[2J\\xff\\xe2\\x80\\xae\"");
	assert_null(strchr(rimg_error_format(&err, line, sizeof(line)), '\n'));
	/* what is escaped already stays as it is */
	error_set(&err, RIMG_E_BAD, "a\\x1b\\\\b", "%s", "\\n\\\\");
	assert_string_equal(err.where, "a\\x1b\\\\b");
	assert_string_equal(err.text, "\\n\\\\");
}

static void a_failure_can_be_told_anew_with_its_own_words(void **state)
{
	struct rimg_error err;

	(void)state;
	error_set(&err, RIMG_E_IO, "disk.img", "it broke");
	error_set(&err, RIMG_E_BAD, err.where, "in vain: %s", err.text);
	assert_string_equal(err.where, "disk.img");
	assert_string_equal(err.text, "in vain: it broke");
}

static void a_failure_is_kept_and_given_back(void **state)
{
	struct rimg_error err = { 0 }, again = { 0 }, *kept = NULL;

	(void)state;
	assert_int_equal(error_keep(&kept, 0, &err), 0);
	assert_null(kept);
	error_at(&err, RIMG_E_BAD, "disk.img", 17, "words");
	assert_int_equal(error_keep(&kept, -RIMG_E_BAD, &err), -RIMG_E_BAD);
	error_set(&err, RIMG_E_IO, "other", "other words");
	assert_int_equal(error_give(&again, -RIMG_E_BAD, kept), -RIMG_E_BAD);
	assert_int_equal(again.off, 17);
	assert_string_equal(again.text, "words");
	assert_int_equal(error_give(NULL, -RIMG_E_BAD, kept), -RIMG_E_BAD);
	free(kept);
	/* without memory the words are lost, not the failure */
	assert_int_equal(error_give(&again, -RIMG_E_LIMIT, NULL), -RIMG_E_LIMIT);
	assert_int_equal(again.code, RIMG_E_LIMIT);
}

static void each_code_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = RIMG_E_IO; a <= RIMG_E_INTERNAL; a++) {
		assert_string_not_equal(rimg_code_name(a), "unknown");
		for (int b = RIMG_E_IO; b < a; b++)
			assert_string_not_equal(rimg_code_name(a), rimg_code_name(b));
	}
	assert_string_equal(rimg_code_name(0), "unknown");
	assert_string_equal(rimg_code_name(-RIMG_E_IO), "unknown");
	assert_string_equal(rimg_code_name(RIMG_E_INTERNAL + 1), "unknown");
	assert_string_equal(rimg_code_name(RIMG_E_LIMIT), "limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_told_with_place_and_words),
		cmocka_unit_test(a_failure_without_place_leaves_nothing_of_an_earlier_one),
		cmocka_unit_test(nobody_has_to_listen),
		cmocka_unit_test(the_systems_words_are_kept_and_errno_too),
		cmocka_unit_test(long_words_are_cut_not_overrun),
		cmocka_unit_test(words_are_cut_between_characters),
		cmocka_unit_test(what_an_image_says_cannot_act_on_a_terminal),
		cmocka_unit_test(a_failure_can_be_told_anew_with_its_own_words),
		cmocka_unit_test(a_failure_is_kept_and_given_back),
		cmocka_unit_test(each_code_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
