/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "cli/options.h"

static const struct command_option own[] = {
	OPTION_FLAG("recursive", 'R', ""),
	OPTION_FLAG("long", 'l', ""),
	OPTION_VALUE("output", 'o', "FILE", ""),
	OPTION_VALUES("only", 0, "PATTERN", ""),
	OPTION_FLAG("json", 0, ""),
	OPTION_VALUE("max-diffs", 0, "N", ""),
	{ 0 },
};

#define MAX_WORDS 8

/* The line cut at blanks; an empty word is written as two quotes. */
static int parse(char *line, struct options *ret, struct rimg_error *err)
{
	static char nothing[] = "";
	char *words[MAX_WORDS];
	int n = 0;

	for (char *w = strtok(line, " "); w; w = strtok(NULL, " ")) {
		assert_in_range(n, 0, MAX_WORDS - 1);
		words[n++] = strcmp(w, "''") == 0 ? nothing : w;
	}
	return options_parse(own, n, words, ret, err);
}

/* What was understood: "R l o=x | a b", options by their long names. */
static void understands(const char *line, const char *expected)
{
	char copy[256], got[512] = "";
	struct rimg_error err;
	struct options o;
	size_t at = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	if (parse(copy, &o, &err) < 0)
		fail_msg("\"%s\": %s", line, err.text);
	for (size_t i = 0; i < o.n_given; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s%s ",
				       o.given[i].option->name, o.given[i].value ? "=" : "",
				       o.given[i].value ? o.given[i].value : "");
	at += (size_t)snprintf(got + at, sizeof(got) - at, "|");
	for (size_t i = 0; i < o.n_args; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, " %s", o.args[i]);
	assert_string_equal(got, expected);
	options_done(&o);
}

static void refuses(const char *line, const char *sentence)
{
	char copy[256];
	struct rimg_error err;
	struct options o;

	snprintf(copy, sizeof(copy), "%s", line);
	assert_int_equal(parse(copy, &o, &err), -RIMG_E_ARG);
	assert_string_equal(err.text, sentence);
}

static void options_may_stand_anywhere(void **state)
{
	(void)state;
	understands("-R a --json b -l", "recursive json long | a b");
	understands("a", "| a");
	understands("", "|");
}

static void values_may_be_attached_or_follow(void **state)
{
	(void)state;
	understands("-o x a", "output=x | a");
	understands("-ox a", "output=x | a");
	understands("--output=x a", "output=x | a");
	understands("--output x a", "output=x | a");
	understands("--output=a=b", "output=a=b |");
	understands("--output= a", "output= | a");
	understands("-o '' a", "output= | a");
	understands("-o -l", "output=-l |");
	understands("-o -- a", "output=-- | a");
}

static void letters_may_stand_together(void **state)
{
	(void)state;
	understands("-Rl a", "recursive long | a");
	understands("-lRox", "long recursive output=x |");
	understands("-lo x", "long output=x |");
}

static void two_dashes_end_the_options_and_one_is_an_argument(void **state)
{
	(void)state;
	understands("-l -- -R --json", "long | -R --json");
	understands("-- --", "| --");
	understands("- -l", "long | -");
}

static void every_command_has_the_common_options(void **state)
{
	(void)state;
	understands("-j 3 -q -vv --color=never --no-progress --password-file f",
		    "threads=3 quiet verbose verbose color=never no-progress password-file=f |");
	understands("--threads=2 -h --version", "threads=2 help version |");
}

static void options_given_twice_come_in_order(void **state)
{
	(void)state;
	understands("-j 1 -o x --threads=2", "threads=1 output=x threads=2 |");
	understands("--only a --only=b --only a", "only=a only=b only=a |");
}

static void wrong_lines_are_refused_with_the_reason(void **state)
{
	(void)state;
	refuses("-o", "option --output wants a value: --output=FILE");
	refuses("a --max-diffs", "option --max-diffs wants a value: --max-diffs=N");
	refuses("-o x -o y", "option --output counts once, and is given twice: x and y");
	refuses("--max-diffs 1 --max-diffs=1",
		"option --max-diffs counts once, and is given twice: 1 and 1");
	refuses("--json=x", "option --json takes no value");
	refuses("-x", "unknown option -x");
	refuses("-lx", "unknown option -x");
	refuses("--l", "unknown option --l");
	refuses("-\xff", "unknown option -\\xff");
}

static void a_mistyped_option_is_told_the_nearest(void **state)
{
	(void)state;
	refuses("--jsno", "unknown option --jsno; did you mean --json?");
	refuses("--recursiv", "unknown option --recursiv; did you mean --recursive?");
	refuses("--reccursive=1", "unknown option --reccursive; did you mean --recursive?");
	refuses("--maxdiffs", "unknown option --maxdiffs; did you mean --max-diffs?");
	refuses("--recur", "unknown option --recur; did you mean --recursive?");
	refuses("--colour", "unknown option --colour; did you mean --color?");
	refuses("--frobnicate", "unknown option --frobnicate");
	refuses("--recursive-and-very-much-longer-than-any-option-that-there-is",
		"unknown option --recursive-and-very-much-longer-than-any-option-that-there-is");
}

static const char *word_at(const void *arg, size_t i)
{
	const char *const *words = arg;

	return words[i];
}

static void the_nearest_word_wins_and_the_first_among_equals(void **state)
{
	static const char *const words[] = { "cat", "cut", "extract", "ls", NULL };

	(void)state;
	assert_string_equal(options_nearest("cct", word_at, words), "cat");
	assert_string_equal(options_nearest("cuut", word_at, words), "cut");
	assert_string_equal(options_nearest("etxract", word_at, words), "extract");
	assert_null(options_nearest("xtrac", word_at, words)); /* two edits in five letters */
	assert_null(options_nearest("", word_at, words));
	assert_null(options_nearest("zebra", word_at, words));
}

static void options_before_the_command_know_their_values(void **state)
{
	(void)state;
	assert_true(options_take_next("-j"));
	assert_true(options_take_next("-qj"));
	assert_true(options_take_next("--threads"));
	assert_true(options_take_next("--password-file"));
	assert_false(options_take_next("-j4"));
	assert_false(options_take_next("-q"));
	assert_false(options_take_next("--threads=4"));
	assert_false(options_take_next("--quiet"));
	assert_false(options_take_next("--unknown"));
	assert_false(options_take_next("ls"));
	assert_false(options_take_next("-"));
	assert_false(options_take_next("--"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_may_stand_anywhere),
		cmocka_unit_test(values_may_be_attached_or_follow),
		cmocka_unit_test(letters_may_stand_together),
		cmocka_unit_test(two_dashes_end_the_options_and_one_is_an_argument),
		cmocka_unit_test(every_command_has_the_common_options),
		cmocka_unit_test(options_given_twice_come_in_order),
		cmocka_unit_test(wrong_lines_are_refused_with_the_reason),
		cmocka_unit_test(a_mistyped_option_is_told_the_nearest),
		cmocka_unit_test(the_nearest_word_wins_and_the_first_among_equals),
		cmocka_unit_test(options_before_the_command_know_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
