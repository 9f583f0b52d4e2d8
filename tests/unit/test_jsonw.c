/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>

#include "core/jsonw.h"

/* What is expected is either the text of RFC 8259 or what json-c, a reader of others, makes of it.
 */

struct doc {
	struct jsonw w;
	char *text;
	size_t len;
};

static void doc_open(struct doc *d, bool pretty)
{
	*d = (struct doc){ .w = { .pretty = pretty } };
	d->w.out = open_memstream(&d->text, &d->len);
	assert_non_null(d->w.out);
}

static void doc_close(struct doc *d)
{
	assert_int_equal(fclose(d->w.out), 0);
}

/* One string, written and read back by json-c, as bytes. */
static void check_string(const char *bytes, size_t len, const char *expected_text,
			 const char *expected_value)
{
	struct json_object *o;
	struct doc d;

	doc_open(&d, false);
	jsonw_bytes(&d.w, NULL, bytes, len);
	doc_close(&d);
	assert_string_equal(d.text, expected_text);
	o = json_tokener_parse(d.text);
	assert_non_null(o);
	if (expected_value) {
		assert_int_equal(json_object_get_string_len(o), strlen(expected_value));
		assert_string_equal(json_object_get_string(o), expected_value);
	}
	json_object_put(o);
	free(d.text);
}

static void a_document_in_one_line_has_commas_where_they_belong(void **state)
{
	struct doc d;

	(void)state;
	doc_open(&d, false);
	jsonw_object(&d.w, NULL);
	jsonw_u64(&d.w, "n", UINT64_MAX);
	jsonw_array(&d.w, "list");
	jsonw_array(&d.w, NULL);
	jsonw_end_array(&d.w);
	jsonw_bool(&d.w, NULL, true);
	jsonw_bool(&d.w, NULL, false);
	jsonw_null(&d.w, NULL);
	jsonw_end_array(&d.w);
	jsonw_object(&d.w, "empty");
	jsonw_end_object(&d.w);
	jsonw_text(&d.w, "last", "x");
	jsonw_end_object(&d.w);
	doc_close(&d);
	assert_string_equal(d.text, "{\"n\":18446744073709551615,\"list\":[[],true,false,null],"
				    "\"empty\":{},\"last\":\"x\"}");
	free(d.text);
}

static void a_pretty_document_has_a_line_for_each_value(void **state)
{
	struct doc d;

	(void)state;
	doc_open(&d, true);
	jsonw_object(&d.w, NULL);
	jsonw_u64(&d.w, "n", 1);
	jsonw_array(&d.w, "list");
	jsonw_u64(&d.w, NULL, 2);
	jsonw_u64(&d.w, NULL, 3);
	jsonw_end_array(&d.w);
	jsonw_array(&d.w, "none");
	jsonw_end_array(&d.w);
	jsonw_end_object(&d.w);
	doc_close(&d);
	assert_string_equal(d.text, "{\n  \"n\": 1,\n  \"list\": [\n    2,\n    3\n  ],\n"
				    "  \"none\": []\n}");
	free(d.text);
}

static void quotes_backslashes_and_controls_are_escaped(void **state)
{
	(void)state;
	check_string("a\"b", 3, "\"a\\\"b\"", "a\"b");
	check_string("a\\b", 3, "\"a\\\\b\"", "a\\b");
	check_string("\n\t\x1b", 3, "\"\\u000a\\u0009\\u001b\"", "\n\t\x1b");
	check_string("\x7f", 1, "\"\\u007f\"", "\x7f");
	check_string("\0x", 2, "\"\\u0000x\"", NULL);
}

static void text_in_utf8_stays_as_it_is(void **state)
{
	(void)state;
	check_string("\xc3\xa9", 2, "\"\xc3\xa9\"", "\xc3\xa9");
	check_string("\xe6\x97\xa5", 3, "\"\xe6\x97\xa5\"", "\xe6\x97\xa5");
	check_string("\xf0\x9f\xa6\x80", 4, "\"\xf0\x9f\xa6\x80\"", "\xf0\x9f\xa6\x80");
	check_string("\xc2\xa0", 2, "\"\xc2\xa0\"", "\xc2\xa0"); /* U+00A0: first after C1 */
}

static void what_could_act_on_a_terminal_is_escaped(void **state)
{
	(void)state;
	check_string("\xc2\x9b", 2, "\"\\u009b\"", "\xc2\x9b");         /* U+009B: CSI */
	check_string("\xe2\x80\xae", 3, "\"\\u202e\"", "\xe2\x80\xae"); /* right-to-left override */
	check_string("\xe2\x80\xaf", 3, "\"\xe2\x80\xaf\"", "\xe2\x80\xaf"); /* U+202F: harmless */
	check_string("\xe2\x80\xa8", 3, "\"\\u2028\"", "\xe2\x80\xa8");      /* line separator */
	check_string("\xd8\x9c", 2, "\"\\u061c\"", "\xd8\x9c");         /* Arabic letter mark */
	check_string("\xe2\x81\xa6", 3, "\"\\u2066\"", "\xe2\x81\xa6"); /* isolate */
	check_string("\xe2\x81\xaa", 3, "\"\xe2\x81\xaa\"", "\xe2\x81\xaa"); /* U+206A: harmless */
}

static void a_byte_that_is_not_utf8_becomes_six_characters(void **state)
{
	(void)state;
	check_string("raw-\xff\xfe", 6, "\"raw-\\\\udcff\\\\udcfe\"", "raw-\\udcff\\udcfe");
	check_string("\xc3", 1, "\"\\\\udcc3\"", "\\udcc3");
	check_string("\xed\xa0\x80", 3, "\"\\\\udced\\\\udca0\\\\udc80\"",
		     "\\udced\\udca0\\udc80"); /* a surrogate is not UTF-8 */
}

static void a_text_that_looks_like_an_escaped_byte_is_told_from_one(void **state)
{
	(void)state;
	check_string("\\udcff", 6, "\"\\\\udc5cudcff\"", "\\udc5cudcff");
	check_string("\\udc5c", 6, "\"\\\\udc5cudc5c\"", "\\udc5cudc5c");
	check_string("\\udcf", 5, "\"\\\\udcf\"", "\\udcf");    /* too short to be one */
	check_string("\\udcFF", 6, "\"\\\\udcFF\"", "\\udcFF"); /* never written in capitals */
	check_string("\\\xff", 2, "\"\\\\\\\\udcff\"", "\\\\udcff");
}

/* Undoes jsonw_bytes() on what json-c gives back, left to right, as its comment says. */
static size_t decode(const char *text, size_t len, uint8_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		if (len - i >= 6 && memcmp(text + i, "\\udc", 4) == 0 &&
		    strspn(text + i + 4, "0123456789abcdef") >= 2) {
			const char digits[] = { text[i + 4], text[i + 5], '\0' };

			ret[n++] = (uint8_t)strtoul(digits, NULL, 16);
			i += 6;
		} else {
			ret[n++] = (uint8_t)text[i++];
		}
	}
	return n;
}

static void any_bytes_come_back_from_their_string(void **state)
{
	static const char alphabet[] = "\\udcf5\xff\xc3\xa9\"\n";
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[12], back[12 * 6];
		struct json_object *o;
		struct doc d;
		size_t n;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 1103515245 + 12345;
			bytes[i] = (uint8_t)alphabet[(x >> 16) % (sizeof(alphabet) - 1)];
		}
		doc_open(&d, false);
		jsonw_bytes(&d.w, NULL, bytes, sizeof(bytes));
		doc_close(&d);
		o = json_tokener_parse(d.text);
		assert_non_null(o);
		n = decode(json_object_get_string(o), (size_t)json_object_get_string_len(o), back);
		assert_int_equal(n, sizeof(bytes));
		assert_memory_equal(back, bytes, sizeof(bytes));
		json_object_put(o);
		free(d.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_in_one_line_has_commas_where_they_belong),
		cmocka_unit_test(a_pretty_document_has_a_line_for_each_value),
		cmocka_unit_test(quotes_backslashes_and_controls_are_escaped),
		cmocka_unit_test(text_in_utf8_stays_as_it_is),
		cmocka_unit_test(what_could_act_on_a_terminal_is_escaped),
		cmocka_unit_test(a_byte_that_is_not_utf8_becomes_six_characters),
		cmocka_unit_test(a_text_that_looks_like_an_escaped_byte_is_told_from_one),
		cmocka_unit_test(any_bytes_come_back_from_their_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
