/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/num.h"
#include "core/str.h"
#include "core/toml.h"

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct json_object *read_len(const char *text, size_t len)
{
	struct json_object *value = NULL;
	struct rimg_error err;

	if (toml_read(&arena, text, len, "t.toml", &value, &err) < 0)
		test_fail_error(len < 200 ? text : "a long text", &err);
	return value;
}

static const char *as_json(struct json_object *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void assert_means(const char *text, const char *json)
{
	assert_string_equal(as_json(read_len(text, strlen(text))), json);
}

/* Refused somewhere in that line; what is said about it is the parser's business. */
static void assert_refused_in_line(const char *text, size_t len, unsigned line)
{
	struct json_object *value = NULL;
	struct rimg_error err = { 0 };
	char where[32];

	if (toml_read(&arena, text, len, "t.toml", &value, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, RIMG_E_BAD);
	snprintf(where, sizeof(where), "t.toml:%u", line);
	assert_string_equal(err.where, where);
	assert_true(strlen(err.text) > 5);
	assert_null(value);
}

/* The whole line that comes out, and the code. */
static void assert_refused(const char *text, size_t len, int code, const char *line)
{
	struct json_object *value = NULL;
	struct rimg_error err = { 0 };
	char shown[1200];

	assert_int_equal(toml_read(&arena, text, len, "t.toml", &value, &err), -code);
	assert_string_equal(rimg_error_format(&err, shown, sizeof(shown)), line);
}

static void keys_and_tables_make_the_tree_of_the_standard(void **state)
{
	(void)state;
	assert_means("", "{}");
	assert_means("# nothing but this", "{}");
	assert_means("\xef\xbb\xbf"
		     "a = 1\n",
		     "{\"a\":1}");
	assert_means("a=1\r\nb = 2\r\n[t] # end\r\nc=3", "{\"a\":1,\"b\":2,\"t\":{\"c\":3}}");
	assert_means("\t a-b_9 =\t1 ", "{\"a-b_9\":1}");
	assert_means("10 = 1\n-1 = 2\n", "{\"-1\":2,\"10\":1}");
	assert_means("\"\" = 1\n'x.y' = 2\n\"q\\\"\" = 3", "{\"\":1,\"q\\\"\":3,\"x.y\":2}");
	assert_means("\"\xc3\xb6l\" = 1", "{\"\xc3\xb6l\":1}");
	assert_means("u.v.w = 1\nu . x = 2\nu.\"y.z\" = 3",
		     "{\"u\":{\"v\":{\"w\":1},\"x\":2,\"y.z\":3}}");
	assert_means("[a.b]\nc = 1\n[a]\nd = 2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}");
	assert_means("[ a . 'b' ]\n", "{\"a\":{\"b\":{}}}");
	assert_means("[a]\nx.y = 1\nx.z = 2\n[a.w]\n",
		     "{\"a\":{\"w\":{},\"x\":{\"y\":1,\"z\":2}}}");
	assert_means("t = { a = 1, b.c = 2, 'd' = {} }",
		     "{\"t\":{\"a\":1,\"b\":{\"c\":2},\"d\":{}}}");
	assert_means("[[f]]\na = 1\n[[f]]\n[[f]]\na = 2\n[f.s]\nb = 3\n",
		     "{\"f\":[{\"a\":1},{},{\"a\":2,\"s\":{\"b\":3}}]}");
	assert_means("[[f]]\n[[f.g]]\na=1\n[[f.g]]\na=2\n[[f]]\n[[f.g]]\na=3",
		     "{\"f\":[{\"g\":[{\"a\":1},{\"a\":2}]},{\"g\":[{\"a\":3}]}]}");
}

static void integers_and_truth_come_in_every_notation(void **state)
{
	(void)state;
	assert_means("a = [0, +7, -0, -12, 1_000_000]", "{\"a\":[0,7,0,-12,1000000]}");
	assert_means("a = [0xdead_BEEF, 0o0644, 0b1_01]", "{\"a\":[3735928559,420,5]}");
	assert_means("a = [9223372036854775807, -9223372036854775808]",
		     "{\"a\":[9223372036854775807,-9223372036854775808]}");
	assert_means("a = [true, false]", "{\"a\":[true,false]}");
}

static void texts_come_in_four_kinds_of_quotes(void **state)
{
	(void)state;
	assert_means("a = \"\"", "{\"a\":\"\"}");
	assert_means("a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\"}");
	assert_means("a = \"\\u00E4 \\U0001F600\"", "{\"a\":\"\xc3\xa4 \xf0\x9f\x98\x80\"}");
	assert_means("a = 'C:\\n'", "{\"a\":\"C:\\\\n\"}");
	assert_means("a = \"\"\"\nx\n  y\"\"\"", "{\"a\":\"x\\n  y\"}");
	assert_means("a = \"\"\"x \\\n\n   y\"\"\"", "{\"a\":\"x y\"}");
	assert_means("a = \"\"\"\"in\" and \"\"out\"\"\"\"\"",
		     "{\"a\":\"\\\"in\\\" and \\\"\\\"out\\\"\\\"\"}");
	assert_means("a = \'\'\'\n\\ \'\' \'\'\'", "{\"a\":\"\\\\ \'\' \"}");
	assert_means("a = \"tab\there # no comment\" # a comment",
		     "{\"a\":\"tab\\there # no comment\"}");
}

static void line_ends_of_windows_become_line_feeds(void **state)
{
	(void)state;
	assert_means("a = \"\"\"\r\nx\r\ny\"\"\"\r\nb = 1\r\n", "{\"a\":\"x\\ny\",\"b\":1}");
}

static void a_text_may_hold_a_nul(void **state)
{
	struct json_object *value;

	(void)state;
	value = json_object_object_get(read_len("a = \"x\\u0000y\"", 14), "a");
	assert_int_equal(json_object_get_string_len(value), 3);
	assert_memory_equal(json_object_get_string(value), "x\0y", 3);
}

static void lists_may_mix_types_and_run_over_lines(void **state)
{
	(void)state;
	assert_means("a = []", "{\"a\":[]}");
	assert_means("a = [ 1, 'b', [true], {c = 2} ]", "{\"a\":[1,\"b\",[true],{\"c\":2}]}");
	assert_means("a = [\n 1, # one\n\n 2,\n]", "{\"a\":[1,2]}");
}

static void what_the_standard_forbids_is_refused_with_its_line(void **state)
{
	static const struct {
		unsigned line;
		const char *text;
	} wrong[] = {
		/* twice the same */
		{ 2, "a = 1\na = 1" },
		{ 2, "a = 1\n\"a\" = 2" },
		{ 2, "a.b = 1\na.b = 2" },
		{ 2, "a = 1\na.b = 2" },
		{ 2, "a.b = 1\na = 2" },
		{ 1, "t = { a = 1, a = 2 }" },
		{ 3, "[a]\nb = 1\n[a]" },
		{ 3, "[a]\nb = 1\n[a.b]" },
		{ 2, "a.b = 1\n[a]" },
		{ 2, "a = { b = 1 }\n[a.c]" },
		{ 2, "a = { b = {} }\na.b.c = 1" },
		{ 2, "a = [1]\n[[a]]" },
		{ 2, "[a]\n[[a]]" },
		{ 2, "[[a]]\n[a]" },
		{ 3, "[a.b]\n[a]\nb.c = 1" },
		/* keys and headers */
		{ 1, "a" },
		{ 1, "a =" },
		{ 1, "= 1" },
		{ 1, "a b = 1" },
		{ 1, "a. = 1" },
		{ 1, ".a = 1" },
		{ 1, "a..b = 1" },
		{ 1, "\xc3\xa4 = 1" },
		{ 1, "\"\"\"a\"\"\" = 1" },
		{ 1, "a = 1 b = 2" },
		{ 2, "b = 1\na = 1,\n" },
		{ 1, "[]" },
		{ 1, "[a" },
		{ 1, "[[a]" },
		{ 1, "[a]]" },
		{ 1, "[a] b = 1" },
		{ 1, "[a.]" },
		/* texts */
		{ 1, "a = \"x" },
		{ 1, "a = 'x" },
		{ 1, "a = \"x\ny\"" },
		{ 1, "a = \"\\q\"" },
		{ 1, "a = \"\\e\"" },
		{ 1, "a = \"\\x41\"" },
		{ 1, "a = \"\\u12\"" },
		{ 1, "a = \"\\ud800\"" },
		{ 1, "a = \"\\U00110000\"" },
		{ 1, "a = \"\x01\"" },
		{ 1, "a = '\x7f'" },
		{ 1, "# \x02" },
		{ 1, "a = x" },
		/* integers, truth */
		{ 1, "a = 01" },
		{ 1, "a = -01" },
		{ 1, "a = 1__0" },
		{ 1, "a = _1" },
		{ 1, "a = 1_" },
		{ 1, "a = 0x" },
		{ 1, "a = 0X1" },
		{ 1, "a = +0x1" },
		{ 1, "a = 0b12" },
		{ 1, "a = 0o8" },
		{ 1, "a = 9223372036854775808" },
		{ 1, "a = True" },
		{ 1, "a = yes" },
		/* lists, tables in a line */
		{ 1, "a = [1 2]" },
		{ 1, "a = [1,,2]" },
		{ 1, "a = [,]" },
		{ 1, "a = { b = 1, }" },
		{ 1, "a = { b = 1 c = 2 }" },
		{ 1, "a = { b = 1,\nc = 2 }" },
		{ 1, "a = 1\rb = 2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_refused_in_line(wrong[i].text, strlen(wrong[i].text), wrong[i].line);
	assert_refused_in_line("a = 1\nb = \"\0\"", 13, 2);
	assert_refused_in_line("a = 1\n\0", 7, 2);
}

#define refused(text_, line_) assert_refused(text_, sizeof(text_) - 1, RIMG_E_BAD, line_)

static void fractions_and_dates_are_refused(void **state)
{
	static const char fraction[] = "t.toml:2: a number with a fraction or an exponent: only "
				       "integers are known here";
	static const char date[] = "t.toml:2: a date or a time: these are not known here; a text "
				   "stands in quotes";

	(void)state;
	refused("[a]\nx = 1.5", fraction);
	refused("[a]\nx = [1, 2e3]", fraction);
	refused("[a]\nx = inf", fraction);
	refused("[a]\nx = { y = -nan }", fraction);
	refused("[a]\nx = 2026-01-01", date);
	refused("[a]\nx = 07:32:00", date);
	refused("[a]\nx = 2026-01-01T00:00:00Z", date);
}

static int read_fraction(const char *text, uint32_t *ret)
{
	struct json_object *doc = NULL;
	struct rimg_error err;

	assert_int_equal(toml_read_fractions(&arena, text, strlen(text), "t.toml", &doc, &err), 0);
	return toml_get_fraction(doc, "t", "x", ret, &err);
}

static void fractions_are_read_in_millionths_where_they_are_asked_for(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
	} good[] = {
		{ "x = 0", 0 },
		{ "x = 1", 1000000 },
		{ "x = 0.0", 0 },
		{ "x = 1.0", 1000000 },
		{ "x = 0.985", 985000 },
		{ "x = 0.1", 100000 },
		{ "x = 0.999999", 999999 },
		{ "x = 0.000101", 101 },
		{ "x = 0.333333", 333333 },
		{ "x = 5e-1", 500000 },
	};
	static const char *const bad[] = { "x = 1.000001",  "x = 2",        "x = -0.5",
					   "x = 0.9999999", "x = 0.000099", "x = 1e300",
					   "x = true",      "x = '0.5'",    "x = [0.5]" };
	uint32_t value = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(read_fraction(good[i].text, &value), 1);
		assert_int_equal(value, good[i].value);
	}
	value = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_fraction(bad[i], &value), -RIMG_E_BAD);
	assert_int_equal(read_fraction("y = 0.5", &value), 0);
	assert_int_equal(value, 7);
}

static void infinity_is_no_fraction(void **state)
{
	struct json_object *doc = NULL;
	struct rimg_error err;

	(void)state;
	assert_int_equal(toml_read_fractions(&arena, "x = inf", 7, "t.toml", &doc, &err),
			 -RIMG_E_BAD);
	assert_int_equal(toml_read_fractions(&arena, "x = -nan", 8, "t.toml", &doc, &err),
			 -RIMG_E_BAD);
	assert_null(doc);
}

static void bytes_that_are_not_utf8_are_refused_wherever_they_stand(void **state)
{
	(void)state;
	refused("a = 1\n# \xff", "t.toml:2: byte 0xff is not UTF-8");
	refused("a = '\xc0\x80'", "t.toml:1: byte 0xc0 is not UTF-8");
	refused("a = \"\xed\xa0\x80\"", "t.toml:1: byte 0xed is not UTF-8");
	refused("\n\n\xf5 = 1", "t.toml:3: byte 0xf5 is not UTF-8");
	refused("a = '\xe2\x82", "t.toml:1: byte 0xe2 is not UTF-8");
}

static void a_key_with_a_nul_is_refused(void **state)
{
	(void)state;
	refused("\"a\" = 1\n\"a\\u0000b\" = 2", "t.toml:2: a key with a NUL");
}

/* @n times @open, @middle, @n times @shut; free() it */
static char *nested(const char *open, const char *middle, const char *shut, size_t n)
{
	struct str s = { 0 };

	for (size_t i = 0; i < n; i++)
		str_add(&s, open);
	str_add(&s, middle);
	for (size_t i = 0; i < n; i++)
		str_add(&s, shut);
	return str_take(&s);
}

static void assert_nesting(char *text, bool good)
{
	static const char line[] = "t.toml:1: more than 64 tables and lists inside one another";

	assert_non_null(text);
	if (good)
		read_len(text, strlen(text));
	else
		assert_refused(text, strlen(text), RIMG_E_LIMIT, line);
	free(text);
}

static void nesting_ends_at_its_limit_however_it_is_made(void **state)
{
	(void)state;
	/* the text's own table is one of the 64; the prefix makes the first of the others */
	assert_nesting(nested("a.", "b = 1", "", 63), true);
	assert_nesting(nested("a.", "b = 1", "", 64), false);
	assert_nesting(nested("a.", "b = 1", "", 1000000), false);
	assert_nesting(nested("'a'.", "b = 1", "", 100000), false);
	assert_nesting(nested("a={", "", "}", 63), true);
	assert_nesting(nested("a={", "", "}", 64), false);
	assert_nesting(nested("a={", "", "}", 100000), false);
}

static void lists_in_lists_end_at_the_limit_too(void **state)
{
	char *text = nested("[", "", "]", 100001);
	char deep[300] = "a = ";

	(void)state;
	memset(deep + 4, '[', 63);
	memset(deep + 67, ']', 63);
	assert_string_not_equal(as_json(read_len(deep, 130)), "{}");
	memset(deep + 4, '[', 64);
	memset(deep + 68, ']', 64);
	assert_refused(deep, 132, RIMG_E_LIMIT,
		       "t.toml:1: more than 64 tables and lists inside one another");
	assert_refused(text, strlen(text), RIMG_E_LIMIT,
		       "t.toml:1: more than 64 tables and lists inside one another");
	free(text);
}

static void dots_and_brackets_in_texts_and_comments_do_not_count(void **state)
{
	char *text = nested("[.{", "", "", 500);
	struct str s = { 0 };

	(void)state;
	str_printf(&s,
		   "# %s\na = '%s' # %s\nb = \"\\\"%s\"\nc = \"\"\"\n%s \\\"\"\" \n%s\"\"\"\"\"\n",
		   text, text, text, text, text, text);
	str_printf(&s, "d = \'\'\'\n%s\\\'\'\'\'\ne = 1\n", text);
	free(text);
	assert_int_equal(json_object_get_int(json_object_object_get(read_len(s.data, s.len), "e")),
			 1);
	str_done(&s);
}

static void the_number_of_values_ends_at_its_limit(void **state)
{
	/* one "=", one "[", and a comma each */
	size_t n = JSON_VALUES_MAX - 2;
	char *text = malloc(2 * n + 16);
	struct json_object *value;

	(void)state;
	assert_non_null(text);
	memcpy(text, "a=[", 3);
	for (size_t i = 0; i < n; i++)
		memcpy(text + 3 + 2 * i, "0,", 2);
	text[3 + 2 * n] = ']';
	value = json_object_object_get(read_len(text, 4 + 2 * n), "a");
	assert_int_equal(json_object_array_length(value), n);
	memcpy(text + 3 + 2 * n, "0,]", 3);
	assert_refused(text, 6 + 2 * n, RIMG_E_LIMIT, "t.toml:1: more than 1048576 values");
	free(text);
}

static void the_length_ends_at_its_limit(void **state)
{
	char *text = malloc(JSON_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', JSON_TEXT_MAX + 1);
	memcpy(text, "a=7", 3);
	assert_string_equal(as_json(read_len(text, JSON_TEXT_MAX)), "{\"a\":7}");
	assert_refused(text, JSON_TEXT_MAX + 1, RIMG_E_LIMIT, "t.toml: longer than 16777216 bytes");
	free(text);
}

static void assert_place(struct json_object *value, uint32_t line, uint32_t column)
{
	struct json_place place = json_place_of(value);

	assert_string_equal(place.file, "t.toml");
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
}

static void each_value_knows_where_it_stands(void **state)
{
	static const char text[] =
		"\n  a = \"\"\"\nx\"\"\"\n[[f]]\nb.c = [ 1,\n   2 ]\n[[f]]\n[t.u]\n";
	struct json_object *top = read_len(text, sizeof(text) - 1);
	struct json_object *f = json_object_object_get(top, "f"), *c;

	(void)state;
	assert_place(top, 1, 1);
	assert_place(json_object_object_get(top, "a"), 2, 3); /* its key */
	assert_place(json_object_array_get_idx(f, 0), 4, 1);
	assert_place(json_object_array_get_idx(f, 1), 7, 1);
	c = json_object_object_get(json_object_array_get_idx(f, 0), "b");
	assert_place(c, 5, 1);
	c = json_object_object_get(c, "c");
	assert_place(c, 5, 3);
	assert_place(json_object_array_get_idx(c, 0), 5, 9);
	assert_place(json_object_array_get_idx(c, 1), 6, 4);
	assert_place(json_object_object_get(top, "t"), 8, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_tables_make_the_tree_of_the_standard),
		cmocka_unit_test(integers_and_truth_come_in_every_notation),
		cmocka_unit_test(texts_come_in_four_kinds_of_quotes),
		cmocka_unit_test(line_ends_of_windows_become_line_feeds),
		cmocka_unit_test(a_text_may_hold_a_nul),
		cmocka_unit_test(lists_may_mix_types_and_run_over_lines),
		cmocka_unit_test(what_the_standard_forbids_is_refused_with_its_line),
		cmocka_unit_test(fractions_and_dates_are_refused),
		cmocka_unit_test(fractions_are_read_in_millionths_where_they_are_asked_for),
		cmocka_unit_test(infinity_is_no_fraction),
		cmocka_unit_test(bytes_that_are_not_utf8_are_refused_wherever_they_stand),
		cmocka_unit_test(a_key_with_a_nul_is_refused),
		cmocka_unit_test(nesting_ends_at_its_limit_however_it_is_made),
		cmocka_unit_test(lists_in_lists_end_at_the_limit_too),
		cmocka_unit_test(dots_and_brackets_in_texts_and_comments_do_not_count),
		cmocka_unit_test(the_number_of_values_ends_at_its_limit),
		cmocka_unit_test(the_length_ends_at_its_limit),
		cmocka_unit_test(each_value_knows_where_it_stands),
	};

	return cmocka_run_group_tests_name("toml", tests, begin, end);
}
