/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <string.h>

#include "core/command.h"
#include "core/format.h"

static void formats_are_sorted_by_name_without_duplicates(void **state)
{
	(void)state;
	for (size_t i = 0; formats[i] && formats[i + 1]; i++)
		assert_true(strcmp(formats[i]->name, formats[i + 1]->name) < 0);
}

static void commands_are_sorted_by_name_without_duplicates(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i] && commands[i + 1]; i++)
		assert_true(strcmp(commands[i]->name, commands[i + 1]->name) < 0);
}

static void each_format_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; formats[i]; i++) {
		assert_string_not_equal(formats[i]->name, "");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(formats[i]->name, formats[k]->name);
	}
}

static void every_format_has_what_the_core_calls(void **state)
{
	(void)state;
	for (size_t i = 0; formats[i]; i++) {
		assert_non_null(formats[i]->probe);
		assert_non_null(formats[i]->open);
		if (strncmp(formats[i]->facts, "docs/formats/", 13) != 0 ||
		    access(formats[i]->facts, R_OK) < 0)
			fail_msg("%s: no document %s", formats[i]->name, formats[i]->facts);
	}
}

static void every_command_teaches(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		assert_non_null(commands[i]->run);
		assert_true(strlen(commands[i]->summary) > 0);
		assert_null(strchr(commands[i]->summary, '\n'));
		assert_true(strlen(commands[i]->help) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_sorted_by_name_without_duplicates),
		cmocka_unit_test(commands_are_sorted_by_name_without_duplicates),
		cmocka_unit_test(each_format_has_a_name_of_its_own),
		cmocka_unit_test(every_format_has_what_the_core_calls),
		cmocka_unit_test(every_command_teaches),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
