/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/cleanup.h"
#include "core/str.h"

#include "random.h"

/* ---- texts that grow ---------------------------------------------------------------------- */

static void a_text_grows_by_any_steps(void **state)
{
	auto_str struct str s = { 0 };

	(void)state;
	assert_string_equal(str_cstr(&s), "");
	for (int i = 0; i < 1000; i++) {
		str_add(&s, "abc");
		str_add_char(&s, 'd');
		str_printf(&s, "%03d", i);
		str_add_len(&s, "e\0f", 3);
		assert_int_equal(s.len, 10 * (i + 1));
		assert_int_equal(s.data[s.len], '\0');
	}
	assert_memory_equal(s.data + 10 * 123, "abcd123e\0f", 10);
	assert_false(s.failed);
}

static void a_text_longer_than_any_step_fits(void **state)
{
	auto_str struct str s = { 0 };
	auto_free char *big = malloc(100001);

	(void)state;
	memset(big, 'x', 100000);
	big[100000] = '\0';
	str_add(&s, "a");
	str_printf(&s, "%s", big);
	assert_int_equal(s.len, 100001);
	assert_string_equal(s.data + 1, big);
}

/* Under AddressSanitizer: the NUL has room too, wherever the memory ends. */
static void a_text_of_any_length_has_room_for_its_nul(void **state)
{
	char big[300];

	(void)state;
	memset(big, 'x', sizeof(big));
	for (size_t first = 0; first < 140; first += 7) {
		for (size_t len = 0; len < sizeof(big); len++) {
			struct str s = { 0 };
			char *text;

			str_add_len(&s, big, first);
			str_add_len(&s, big, len);
			text = str_take(&s);
			assert_int_equal(strlen(text), first + len);
			free(text);
		}
	}
}

static void nothing_added_is_still_a_text(void **state)
{
	struct str s = { 0 };
	char *text = str_take(&s);

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

static void taking_leaves_an_empty_text(void **state)
{
	auto_str struct str s = { 0 };
	char *text;

	(void)state;
	str_add(&s, "one");
	text = str_take(&s);
	assert_string_equal(text, "one");
	free(text);
	assert_null(s.data);
	str_add(&s, "two");
	assert_string_equal(str_cstr(&s), "two");
	str_clear(&s);
	assert_string_equal(str_cstr(&s), "");
	assert_int_equal(s.len, 0);
}

static void an_impossible_length_is_a_failure_that_stays(void **state)
{
	struct str s = { 0 };

	(void)state;
	str_add(&s, "kept");
	str_add_len(&s, "", SIZE_MAX);
	assert_true(s.failed);
	str_add(&s, "dropped");
	assert_string_equal(str_cstr(&s), "kept");
	assert_null(str_take(&s));
	assert_null(s.data);

	str_add(&s, "again");
	str_add_hex(&s, "", SIZE_MAX / 2 + 1);
	assert_true(s.failed);
	str_done(&s);
}

static void hexadecimal_digits_are_lower_case(void **state)
{
	auto_str struct str s = { 0 };

	(void)state;
	str_add_hex(&s, "\x00\x9f\xA0\xff", 4);
	str_add_hex(&s, "", 0);
	assert_string_equal(str_cstr(&s), "009fa0ff");
}

static void hexadecimal_digits_are_read_back(void **state)
{
	static const char *const bad[] = { "",       "0",      "00ff1",  "00ff1122", "00ff1g",
					   "00ff 1", "0x00ff", "-0ff11", "00ff1\xb1" };
	uint8_t bytes[3] = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_parse_hex(bad[i], bytes, 3));
	assert_memory_equal(bytes, "\x01\x02\x03", 3);
	assert_true(str_parse_hex("09afAF", bytes, 3));
	assert_memory_equal(bytes, "\x09\xaf\xaf", 3);
	assert_true(str_parse_hex("", bytes, 0));
	for (int c = -128; c < 128; c++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF", *p;

		p = c ? strchr(digits, c) : NULL;
		assert_int_equal(str_hex_digit((char)c), p ? (p - digits) % 16 : -1);
	}
}

/* ---- UTF-8 -------------------------------------------------------------------------------- */

/* The Unicode Standard 15.0, table 3-7, "Well-Formed UTF-8 Byte Sequences". */
static const struct {
	uint8_t len;
	uint8_t range[4][2];
} well_formed[] = {
	{ 1, { { 0x00, 0x7f } } },
	{ 2, { { 0xc2, 0xdf }, { 0x80, 0xbf } } },
	{ 3, { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, { 0x80, 0xbf } } },
	{ 3, { { 0xe1, 0xec }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 3, { { 0xed, 0xed }, { 0x80, 0x9f }, { 0x80, 0xbf } } },
	{ 3, { { 0xee, 0xef }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf0, 0xf0 }, { 0x90, 0xbf }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf1, 0xf3 }, { 0x80, 0xbf }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
	{ 4, { { 0xf4, 0xf4 }, { 0x80, 0x8f }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
};

static size_t table_len(const uint8_t *p, size_t left)
{
	for (size_t row = 0; row < sizeof(well_formed) / sizeof(well_formed[0]); row++) {
		size_t n = well_formed[row].len, i = 0;

		while (i < n && i < left && p[i] >= well_formed[row].range[i][0] &&
		       p[i] <= well_formed[row].range[i][1])
			i++;
		if (i == n)
			return n;
	}
	return 0;
}

static void utf8_is_what_the_table_of_unicode_says(void **state)
{
	/* both sides of each bound of the table */
	static const uint8_t edges[] = {
		0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff
	};
	uint8_t p[4];

	(void)state;
	for (int first = 0; first < 256; first++) {
		for (int second = 0; second < 256; second++) {
			for (size_t k = 0; k < 100; k++) {
				p[0] = (uint8_t)first;
				p[1] = (uint8_t)second;
				p[2] = edges[k % 10];
				p[3] = edges[k / 10];
				for (size_t left = 0; left <= 4; left++)
					if (str_utf8_len(p, left) != table_len(p, left))
						fail_msg("%02x %02x %02x %02x, %zu bytes", p[0],
							 p[1], p[2], p[3], left);
			}
		}
	}
}

/* Encoded by the definition of UTF-8 (table 3-6). */
static size_t encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

static void each_character_is_valid_and_no_surrogate(void **state)
{
	uint8_t p[4];

	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		size_t n = encode(c, p);
		bool scalar = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		if (str_utf8_len(p, n) != (scalar ? n : 0))
			fail_msg("U+%04X", (unsigned)c);
	}
}

static void a_text_is_utf8_if_all_of_it_is(void **state)
{
	(void)state;
	assert_true(str_is_utf8("", 0));
	assert_true(str_is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10));
	assert_false(str_is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9));
	assert_false(str_is_utf8("abc\xff", 4));
	assert_true(str_is_utf8("\0\0", 2));
}

/* ---- escapes ------------------------------------------------------------------------------ */

static char *escaped(const void *bytes, size_t len, enum str_escape mode)
{
	struct str s = { 0 };
	char *text;

	str_add_escaped(&s, bytes, len, mode);
	text = str_take(&s);
	assert_non_null(text);
	return text;
}

static void names_are_escaped_as_documented(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text, *step, *name;
	} known[] = {
		{ "", 0, "", "", "" },
		{ "plain.txt", 9, "plain.txt", "plain.txt", "plain.txt" },
		{ "caf\xc3\xa9", 5, "caf\xc3\xa9", "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "a\nb\tc\rd", 7, "a\\nb\\tc\\rd", "a\\nb\\tc\\rd", "a\\nb\\tc\\rd" },
		{ "\x1b[31m", 5, "\\x1b[31m", "\\x1b[31m", "\\x1b[31m" },
		{ "\0\x7f", 2, "\\x00\\x7f", "\\x00\\x7f", "\\x00\\x7f" },
		{ "\xff\xc3", 2, "\\xff\\xc3", "\\xff\\xc3", "\\xff\\xc3" },
		{ "\xc2\x9b", 2, "\\xc2\\x9b", "\\xc2\\x9b", "\\xc2\\x9b" },
		{ "a\\b", 3, "a\\\\b", "a\\\\b", "a\\\\b" },
		{ "\\x41", 4, "\\\\x41", "\\\\x41", "\\\\x41" },
		{ "a::b", 4, "a::b", "a\\::b", "a\\::b" },
		{ "a:b", 3, "a:b", "a:b", "a:b" },
		{ ":", 1, ":", "\\x3a", "\\x3a" },
		{ "::", 2, "::", "\\::", "\\::" },
		{ ":::", 3, ":::", "\\::\\x3a", "\\::\\x3a" },
		{ "::::", 4, "::::", "\\::\\::", "\\::\\::" },
		{ ":a:", 3, ":a:", "\\x3aa\\x3a", "\\x3aa\\x3a" },
		{ "a:::b", 5, "a:::b", "a\\:::b", "a\\:::b" },
		{ "/a/b", 4, "/a/b", "/a/b", "\\x2fa\\x2fb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		auto_free char *text = escaped(known[i].bytes, known[i].len, STR_ESCAPE_TEXT);
		auto_free char *step = escaped(known[i].bytes, known[i].len, STR_ESCAPE_STEP);
		auto_free char *name = escaped(known[i].bytes, known[i].len, STR_ESCAPE_NAME);

		assert_string_equal(text, known[i].text);
		assert_string_equal(step, known[i].step);
		assert_string_equal(name, known[i].name);
	}
}

/* Of Unicode 15's data files: general category Cc, Zl, Zp; property Bidi_Control. */
static bool must_not_reach_a_terminal(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void each_character_that_acts_is_escaped_and_no_other(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint8_t p[4];
		size_t n = encode(c, p);
		struct str s = { 0 };
		bool same;

		if ((c >= 0xd800 && c <= 0xdfff) || c == '\\')
			continue;
		str_add_escaped(&s, p, n, STR_ESCAPE_TEXT);
		same = s.len == n && memcmp(s.data, p, n) == 0;
		str_done(&s);
		if (same == must_not_reach_a_terminal(c))
			fail_msg("U+%04X", (unsigned)c);
	}
}

/* Bytes of the kind that break escapes. */
static size_t nasty(struct test_random *rnd, uint8_t *buf, size_t max)
{
	static const char *const bits[] = { ":",
					    "::",
					    "\\",
					    "/",
					    "\\x",
					    "\\:",
					    "\n",
					    "\t",
					    "\r",
					    "\x1b",
					    "\xff",
					    "\xc3",
					    "\xa9",
					    "\xe2\x80\xae",
					    "#2",
					    "a",
					    "\xf0\x9f\x98\x80",
					    "x41",
					    "n",
					    "\xc2\x85" };
	size_t len = 0, want = test_random_below(rnd, max - 4);

	while (len < want) {
		const char *bit = bits[test_random_below(rnd, sizeof(bits) / sizeof(bits[0]))];
		size_t n = strlen(bit);

		if (test_random_one_in(rnd, 10)) {
			buf[len++] = (uint8_t)test_random_next(rnd);
			continue;
		}
		memcpy(buf + len, bit, n);
		len += n;
	}
	return len;
}

static void every_escape_can_be_undone(void **state)
{
	struct test_random rnd = test_random_start("str");
	uint8_t bytes[40];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		enum str_escape mode = (enum str_escape)(i % 3);
		size_t len = nasty(&rnd, bytes, sizeof(bytes)), back_len = 0;
		auto_free char *text = escaped(bytes, len, mode);
		auto_free char *back = str_unescape(text, strlen(text), &back_len);

		assert_non_null(back);
		assert_int_equal(back_len, len);
		assert_memory_equal(back, bytes, len);
		assert_int_equal(back[back_len], '\0');
	}
}

static void escaped_text_is_harmless(void **state)
{
	struct test_random rnd = test_random_start("str");
	uint8_t bytes[40];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		enum str_escape mode = (enum str_escape)(i % 3);
		size_t len = nasty(&rnd, bytes, sizeof(bytes));
		auto_free char *text = escaped(bytes, len, mode);

		assert_true(str_is_utf8(text, strlen(text)));
		for (const char *p = text; *p; p++)
			assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
		assert_null(strstr(text, "\xe2\x80\xae"));
		assert_null(strstr(text, "\xc2\x85"));
		if (mode == STR_ESCAPE_TEXT)
			continue;
		/* beside a "::" it must not become part of it, nor hold one of its own */
		assert_int_not_equal(text[0], ':');
		assert_true(len == 0 || text[strlen(text) - 1] != ':' ||
			    (strlen(text) >= 3 && strcmp(text + strlen(text) - 3, "\\::") == 0));
		assert_true(mode == STR_ESCAPE_STEP || !strchr(text, '/'));
	}
}

static void malformed_escapes_are_refused(void **state)
{
	static const char *const bad[] = { "\\",   "a\\",   "\\a",   "\\:", "\\:x", "\\x",
					   "\\x4", "\\xg0", "\\x0g", "\\0", "\\/",  "ok\\\\\\" };
	size_t len = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(str_unescape(bad[i], strlen(bad[i]), &len));
		assert_int_equal(len, 99);
	}
	/* the length counts, not what lies behind it */
	assert_null(str_unescape("\\x41", 3, &len));
	assert_null(str_unescape("\\::", 2, &len));
}

static void escapes_of_either_case_are_understood(void **state)
{
	size_t len;
	auto_free char *back = str_unescape("\\x4a\\x4A\\xfF\\x00", 16, &len);

	(void)state;
	assert_int_equal(len, 4);
	assert_memory_equal(back, "JJ\xff\0", 4);
}

static void cleaning_makes_harmless_and_keeps_backslashes(void **state)
{
	char buf[64];

	(void)state;
	str_clean(buf, sizeof(buf), "a\\x1b \x1b[1m \xff \xe2\x80\xae \xc3\xa9\n");
	assert_string_equal(buf, "a\\x1b \\x1b[1m \\xff \\xe2\\x80\\xae \xc3\xa9\\n");
	str_clean(buf, sizeof(buf), "");
	assert_string_equal(buf, "");
}

static void cleaning_twice_is_cleaning_once(void **state)
{
	struct test_random rnd = test_random_start("str");
	uint8_t bytes[41];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char once[200], twice[200];

		bytes[nasty(&rnd, bytes, sizeof(bytes) - 1)] = '\0';
		str_clean(once, sizeof(once), (const char *)bytes);
		str_clean(twice, sizeof(twice), once);
		assert_string_equal(once, twice);
		assert_true(str_is_utf8(once, strlen(once)));
	}
}

static void cleaning_cuts_between_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\x1b"
				   "b";
	static const char *const want[] = { "",
					    "a",
					    "a",
					    "a\xc3\xa9",
					    "a\xc3\xa9",
					    "a\xc3\xa9",
					    "a\xc3\xa9",
					    "a\xc3\xa9\\x1b",
					    "a\xc3\xa9\\x1bb" };

	(void)state;
	for (size_t size = 1; size <= 9; size++) {
		char buf[16];

		memset(buf, 'z', sizeof(buf));
		str_clean(buf, size, text);
		assert_string_equal(buf, want[size - 1]);
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 'z');
	}
}

/* ---- numbers ------------------------------------------------------------------------------ */

static void whole_numbers_are_parsed(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },         { "7", 7 },
		{ "007", 7 },       { "18446744073709551615", UINT64_MAX },
		{ "0x0", 0 },       { "0xffffffffffffffff", UINT64_MAX },
		{ "0XaBc", 0xabc }, { "0x0000000000000000001", 1 },
	};
	static const char *const bad[] = { "",
					   " ",
					   " 1",
					   "1 ",
					   "+1",
					   "-1",
					   "0x",
					   "0xg",
					   "1a",
					   "1.0",
					   "18446744073709551616",
					   "0x10000000000000000",
					   "99999999999999999999",
					   "1K",
					   "x1" };
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_parse_u64(good[i].text, &v));
		assert_int_equal(v, good[i].value);
	}
	v = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(str_parse_u64(bad[i], &v));
		assert_int_equal(v, 77);
	}
}

static void sizes_may_have_a_suffix(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "512", 512 },
		{ "512B", 512 },
		{ "1K", 1024 },
		{ "1KiB", 1024 },
		{ "3M", 3 * UINT64_C(1048576) },
		{ "3MiB", 3 * UINT64_C(1048576) },
		{ "2G", 2 * UINT64_C(1073741824) },
		{ "2GiB", 2 * UINT64_C(1073741824) },
		{ "1T", UINT64_C(1099511627776) },
		{ "16777215TiB", UINT64_C(16777215) << 40 },
		{ "0x10K", 16384 },
	};
	static const char *const bad[] = { "K",   "1k",    "1KB",         "1 K",
					   "1Ki", "1KiBs", "16777216TiB", "18446744073709551615K",
					   "-1K", "" };
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(str_parse_size(good[i].text, &v));
		assert_int_equal(v, good[i].value);
	}
	v = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(str_parse_size(bad[i], &v));
		assert_int_equal(v, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_grows_by_any_steps),
		cmocka_unit_test(a_text_longer_than_any_step_fits),
		cmocka_unit_test(a_text_of_any_length_has_room_for_its_nul),
		cmocka_unit_test(nothing_added_is_still_a_text),
		cmocka_unit_test(taking_leaves_an_empty_text),
		cmocka_unit_test(an_impossible_length_is_a_failure_that_stays),
		cmocka_unit_test(hexadecimal_digits_are_lower_case),
		cmocka_unit_test(hexadecimal_digits_are_read_back),
		cmocka_unit_test(utf8_is_what_the_table_of_unicode_says),
		cmocka_unit_test(each_character_is_valid_and_no_surrogate),
		cmocka_unit_test(a_text_is_utf8_if_all_of_it_is),
		cmocka_unit_test(names_are_escaped_as_documented),
		cmocka_unit_test(each_character_that_acts_is_escaped_and_no_other),
		cmocka_unit_test(every_escape_can_be_undone),
		cmocka_unit_test(escaped_text_is_harmless),
		cmocka_unit_test(malformed_escapes_are_refused),
		cmocka_unit_test(escapes_of_either_case_are_understood),
		cmocka_unit_test(cleaning_makes_harmless_and_keeps_backslashes),
		cmocka_unit_test(cleaning_twice_is_cleaning_once),
		cmocka_unit_test(cleaning_cuts_between_characters),
		cmocka_unit_test(whole_numbers_are_parsed),
		cmocka_unit_test(sizes_may_have_a_suffix),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
