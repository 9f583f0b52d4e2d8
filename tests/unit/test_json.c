/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/json.h"
#include "core/num.h"

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

	if (json_read(&arena, text, len, "t.json", &value, &err) < 0)
		test_fail_error(len < 100 ? text : "a long text", &err);
	return value;
}

static struct json_object *read_text(const char *text)
{
	return read_len(text, strlen(text));
}

/* The whole line that comes out, and the code. */
static void assert_refused_len(const char *text, size_t len, int code, const char *line)
{
	struct json_object *value = NULL;
	struct rimg_error err = { 0 };
	char shown[1200];

	assert_int_equal(json_read(&arena, text, len, "t.json", &value, &err), -code);
	assert_string_equal(rimg_error_format(&err, shown, sizeof(shown)), line);
	assert_null(value);
}

static void assert_refused(const char *text, const char *line)
{
	assert_refused_len(text, strlen(text), RIMG_E_BAD, line);
}

static void sound_texts_mean_what_they_say(void **state)
{
	static const struct {
		const char *text, *canonical;
	} sound[] = {
		{ "{}", "{}" },
		{ " [ ] ", "[]" },
		{ "\t{\r\n\"a\" : [ 1 , true,false ,null]}\n", "{\"a\":[1,true,false,null]}" },
		{ "0", "0" },
		{ "-0", "0" },
		{ "null", "null" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "\"\"", "\"\"" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
		{ "\"\\u0041\\u00e4\\u20AC\\uD83D\\uDE00\"",
		  "\"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\"\\ud836\\ude04\"", "\"\xf0\x9d\xa8\x84\"" }, /* json-c 0.16 cannot */
		{ "{\"a\":{\"a\":1},\"b\":[{\"a\":2},{\"a\":3}]}",
		  "{\"a\":{\"a\":1},\"b\":[{\"a\":2},{\"a\":3}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sound); i++)
		assert_string_equal(
			json_object_to_json_string_ext(read_text(sound[i].text),
						       JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE),
			sound[i].canonical);
}

static void broken_texts_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_refused("", "t.json:1: expected a value, found the end of the text");
	assert_refused("\n\n", "t.json:3: expected a value, found the end of the text");
	assert_refused("{", "t.json:1: expected a key in quotes, found the end of the text");
	assert_refused("[1", "t.json:1: expected \",\" or \"]\", found the end of the text");
	assert_refused("[1,]", "t.json:1: expected a value, found \"]\"");
	assert_refused("{\"a\":1,}", "t.json:1: expected a key in quotes, found \"}\"");
	assert_refused("{\"a\" 1}", "t.json:1: expected \":\", found \"1\"");
	assert_refused("{\"a\":1\n\"b\":2}", "t.json:2: expected \",\" or \"}\", found \"\"\"");
	assert_refused("{a:1}", "t.json:1: expected a key in quotes, found \"a\"");
	assert_refused("['a']", "t.json:1: expected a value, found \"'\"");
	assert_refused("[1] x", "t.json:1: expected the end of the text, found \"x\"");
	assert_refused("1 2", "t.json:1: expected the end of the text, found \"2\"");
	assert_refused("[nul]", "t.json:1: expected a value, found \"n\"");
	assert_refused("[True]", "t.json:1: expected a value, found \"T\"");
	assert_refused("[NaN]", "t.json:1: expected a value, found \"N\"");
	assert_refused("[1 /* one */]", "t.json:1: expected \",\" or \"]\", found \"/\"");
	assert_refused("\xef\xbb\xbf{}", "t.json:1: expected a value, found byte 0xef");
	assert_refused_len("[1]\0", 4, RIMG_E_BAD,
			   "t.json:1: expected the end of the text, found byte 0x00");
}

static void numbers_that_are_not_64_bit_integers_are_refused(void **state)
{
	(void)state;
	assert_refused("1.0", "t.json:1: a number with a fraction or an exponent");
	assert_refused("[1e3]", "t.json:1: a number with a fraction or an exponent");
	assert_refused("0E0", "t.json:1: a number with a fraction or an exponent");
	assert_refused("9223372036854775808",
		       "t.json:1: a number that does not fit a signed 64-bit integer");
	assert_refused("-9223372036854775809",
		       "t.json:1: a number that does not fit a signed 64-bit integer");
	assert_refused("01", "t.json:1: a number that begins with 0");
	assert_refused("-01", "t.json:1: a number that begins with 0");
	assert_refused("-", "t.json:1: expected a digit, found the end of the text");
	assert_refused("+1", "t.json:1: expected a value, found \"+\"");
	assert_refused("-Infinity", "t.json:1: expected a digit, found \"I\"");
}

static void texts_hold_whole_characters_only(void **state)
{
	(void)state;
	assert_refused("\"a", "t.json:1: expected a closing quote, found the end of the text");
	assert_refused("\"\t\"", "t.json:1: byte 0x09 in a text: written \\u0009");
	assert_refused_len("\"\0\"", 3, RIMG_E_BAD,
			   "t.json:1: byte 0x00 in a text: written \\u0000");
	assert_refused("\"\\x41\"",
		       "t.json:1: expected an escape (one of \"\\/bfnrtu), found \"x\"");
	assert_refused("\"\\u12g4\"", "t.json:1: expected four hexadecimal digits after \"\\u\"");
	assert_refused("\"\\u12", "t.json:1: expected four hexadecimal digits after \"\\u\"");
	assert_refused("\"\\ud800\"", "t.json:1: half of a surrogate pair");
	assert_refused("\"\\ud800\\u0041\"", "t.json:1: half of a surrogate pair");
	assert_refused("\"\\ud800x\\udc00\"", "t.json:1: half of a surrogate pair");
	assert_refused("\"\\udc00\\ud800\"", "t.json:1: half of a surrogate pair");
	assert_refused("\"\xff\"", "t.json:1: byte 0xff is not UTF-8");
	assert_refused("\"\xc0\x80\"", "t.json:1: byte 0xc0 is not UTF-8");
	assert_refused("\"\xed\xa0\x80\"", "t.json:1: byte 0xed is not UTF-8");
	assert_refused("\"\xf4\x90\x80\x80\"", "t.json:1: byte 0xf4 is not UTF-8");
	assert_refused("\"\xe2\x82\"", "t.json:1: byte 0xe2 is not UTF-8");
}

static void a_key_that_appears_twice_is_refused_however_it_is_spelled(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\n\"b\":2,\n\"a\":1}",
		       "t.json:3: the key \"a\" for the second time");
	assert_refused("{\"a\":1,\"\\u0061\":2}", "t.json:1: the key \"a\" for the second time");
	assert_refused("{\"x\":{\"/\":1,\"\\/\":2}}",
		       "t.json:1: the key \"/\" for the second time");
	assert_refused("{\"\":1,\"\":2}", "t.json:1: the key \"\" for the second time");
	assert_refused("[{\"k\":{\"a\":1,\"b\":{\"a\":1}},\n\"k\":2}]",
		       "t.json:2: the key \"k\" for the second time");
	assert_refused("{\"a\\u0000b\":1}", "t.json:1: a key with a NUL");
}

static void nesting_ends_at_its_limit(void **state)
{
	char text[4 * JSON_DEPTH_MAX] = { 0 };

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_non_null(read_text(text));
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_refused_len(text, strlen(text), RIMG_E_LIMIT,
			   "t.json:1: more than 64 tables and lists inside one another");
}

static void the_number_of_values_ends_at_its_limit(void **state)
{
	/* the list itself is one of the values */
	size_t n = JSON_VALUES_MAX - 1;
	char *text = malloc(2 * n + 16);

	(void)state;
	assert_non_null(text);
	text[0] = '[';
	for (size_t i = 0; i < n; i++)
		memcpy(text + 1 + 2 * i, "0,", 2);
	text[2 * n] = ']';
	assert_int_equal(json_object_array_length(read_len(text, 2 * n + 1)), n);
	memcpy(text + 2 * n, ",0]", 3);
	assert_refused_len(text, 2 * n + 3, RIMG_E_LIMIT, "t.json:1: more than 1048576 values");
	free(text);
}

static void the_length_ends_at_its_limit(void **state)
{
	char *text = malloc(JSON_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', JSON_TEXT_MAX + 1);
	text[0] = '7';
	assert_int_equal(json_object_get_int64(read_len(text, JSON_TEXT_MAX)), 7);
	assert_refused_len(text, JSON_TEXT_MAX + 1, RIMG_E_LIMIT,
			   "t.json: longer than 16777216 bytes");
	free(text);
}

static void assert_place(struct json_object *value, uint32_t line, uint32_t column)
{
	struct json_place place = json_place_of(value);

	assert_string_equal(place.file, "t.json");
	assert_int_equal(place.line, line);
	assert_int_equal(place.column, column);
}

static void each_value_knows_where_it_stands(void **state)
{
	struct json_object *top =
		read_text("\n{\"a\": [10,\n  null, 20],\n\t\"b\":\n{\"c\": \"x\"}}");
	struct json_object *a = json_object_object_get(top, "a");
	struct json_object *b = json_object_object_get(top, "b");

	(void)state;
	assert_place(top, 2, 1);
	assert_place(a, 2, 2); /* members stand where their key stands */
	assert_place(json_object_array_get_idx(a, 0), 2, 8);
	assert_place(json_object_array_get_idx(a, 2), 3, 9);
	assert_place(b, 4, 2);
	assert_place(json_object_object_get(b, "c"), 5, 2);
	assert_null(json_place_of(NULL).file);
}

static void names_of_texts_are_shown_escaped(void **state)
{
	struct json_object *value = NULL;
	struct rimg_error err;

	(void)state;
	assert_int_equal(json_read(&arena, "", 0, "a\x1b[2J", &value, &err), -RIMG_E_BAD);
	assert_string_equal(err.where, "a\\x1b[2J:1");
}

/* ---- typed members ------------------------------------------------------------------------- */

static struct json_object *sample(void)
{
	return read_text("{\"t\": \"text\",\n\"i\": 42,\n\"b\": true,\n\"l\": [],\n\"o\": {},\n"
			 "\"s\": \"2MiB\",\n\"nul\": \"a\\u0000b\",\n\"none\": null,\n"
			 "\"neg\": -1,\n\"bad\": \"2 apples\"}");
}

static void members_come_with_the_type_that_is_asked_for(void **state)
{
	struct json_object *o = sample(), *v = NULL;
	const char *text = NULL;
	uint64_t size = 0;
	int64_t i = 0;
	bool b = false;
	size_t len = 0;

	(void)state;
	assert_int_equal(json_get_text(o, "[x]", "t", &text, NULL), 1);
	assert_string_equal(text, "text");
	assert_int_equal(json_get_int(o, "[x]", "i", 42, 42, &i, NULL), 1);
	assert_int_equal(i, 42);
	assert_int_equal(json_get_bool(o, "[x]", "b", &b, NULL), 1);
	assert_true(b);
	assert_int_equal(json_get(o, "[x]", "l", json_type_array, &v, NULL), 1);
	assert_int_equal(json_get(o, "[x]", "o", json_type_object, &v, NULL), 1);
	assert_int_equal(json_get_size(o, "[x]", "s", &size, NULL), 1);
	assert_int_equal(size, 2 << 20);
	assert_int_equal(json_get_size(o, "[x]", "i", &size, NULL), 1);
	assert_int_equal(size, 42);
	assert_int_equal(json_get_bytes(o, "[x]", "nul", &text, &len, NULL), 1);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 3);
}

static void members_that_are_not_there_leave_the_default(void **state)
{
	struct json_object *o = sample(), *v = o;
	const char *text = "default";
	uint64_t size = 1;
	int64_t i = 2;
	bool b = true;

	(void)state;
	assert_int_equal(json_get_text(o, "[x]", "T", &text, NULL), 0);
	assert_int_equal(json_get_int(o, "[x]", "", 0, 9, &i, NULL), 0);
	assert_int_equal(json_get_bool(o, "[x]", "bb", &b, NULL), 0);
	assert_int_equal(json_get_size(o, "[x]", "z", &size, NULL), 0);
	assert_int_equal(json_get(o, "[x]", "z", json_type_array, &v, NULL), 0);
	assert_string_equal(text, "default");
	assert_int_equal(i, 2);
	assert_true(b);
	assert_int_equal(size, 1);
	assert_ptr_equal(v, o);
}

#define assert_wrong(call_, line_)                                                           \
	do {                                                                                 \
		char shown_[1200];                                                           \
                                                                                             \
		assert_int_equal(call_, -RIMG_E_BAD);                                        \
		assert_string_equal(rimg_error_format(&err, shown_, sizeof(shown_)), line_); \
	} while (0)

static void members_of_another_type_are_refused_with_path_and_line(void **state)
{
	struct json_object *o = sample(), *v = NULL;
	struct rimg_error err;
	const char *text = NULL;
	uint64_t size = 0;
	int64_t i = 0;
	bool b = false;

	(void)state;
	assert_wrong(json_get_int(o, "[image]", "l", 0, 1, &i, &err),
		     "t.json:4: [image] l: expected an integer, found a list");
	assert_wrong(json_get_int(o, "[image]", "i", 0, 41, &i, &err),
		     "t.json:2: [image] i: expected 0 to 41, found 42");
	assert_wrong(json_get_int(o, "[image]", "i", 43, 50, &i, &err),
		     "t.json:2: [image] i: expected 43 to 50, found 42");
	assert_wrong(json_get_text(o, "[x]", "b", &text, &err),
		     "t.json:3: [x] b: expected a text, found true or false");
	assert_wrong(json_get_text(o, "[x]", "nul", &text, &err),
		     "t.json:7: [x] nul: a text with a NUL");
	assert_wrong(json_get_bool(o, "[x]", "t", &b, &err),
		     "t.json:1: [x] t: expected true or false, found a text");
	assert_wrong(json_get(o, "[x]", "i", json_type_object, &v, &err),
		     "t.json:2: [x] i: expected a table, found an integer");
	assert_wrong(json_get(o, "[x]", "none", json_type_array, &v, &err),
		     "t.json:1: [x] none: expected a list, found null");
	assert_wrong(json_get_size(o, "[x]", "o", &size, &err),
		     "t.json:5: [x] o: expected an integer or a size such as \"512MiB\", found a "
		     "table");
	assert_wrong(json_get_size(o, "[x]", "none", &size, &err),
		     "t.json:1: [x] none: expected an integer or a size such as \"512MiB\", found "
		     "null");
	assert_wrong(json_get_size(o, "[x]", "bad", &size, &err),
		     "t.json:10: [x] bad: expected a size such as \"512MiB\", found \"2 apples\"");
	assert_wrong(json_get_size(o, "[x]", "neg", &size, &err),
		     "t.json:9: [x] neg: expected 0 to 9223372036854775807, found -1");
	assert_wrong(json_missing(o, "[x]", "sha256", &err), "t.json:1: [x] sha256 is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_texts_mean_what_they_say),
		cmocka_unit_test(broken_texts_are_refused_with_their_line),
		cmocka_unit_test(numbers_that_are_not_64_bit_integers_are_refused),
		cmocka_unit_test(texts_hold_whole_characters_only),
		cmocka_unit_test(a_key_that_appears_twice_is_refused_however_it_is_spelled),
		cmocka_unit_test(nesting_ends_at_its_limit),
		cmocka_unit_test(the_number_of_values_ends_at_its_limit),
		cmocka_unit_test(the_length_ends_at_its_limit),
		cmocka_unit_test(each_value_knows_where_it_stands),
		cmocka_unit_test(names_of_texts_are_shown_escaped),
		cmocka_unit_test(members_come_with_the_type_that_is_asked_for),
		cmocka_unit_test(members_that_are_not_there_leave_the_default),
		cmocka_unit_test(members_of_another_type_are_refused_with_path_and_line),
	};

	return cmocka_run_group_tests_name("json", tests, begin, end);
}
