/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/num.h"
#include "verify/base64.h"

/* RFC 4648, section 10, and the last two from `printf '\377\376\373\360' | base64` and so on */
static const struct vector {
	const char *bytes, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\377\376\373\360", "//778A==" },
	{ "\373\377\277", "+/+/" },
};

static int decode(const char *text, size_t len, char *to, size_t *ret_len, struct rimg_error *err)
{
	struct arena a;
	uint8_t *bytes = NULL;
	int rc;

	arena_init(&a, 0);
	rc = base64_decode(&a, text, len, &bytes, ret_len, err);
	if (rc == 0)
		memcpy(to, bytes, *ret_len);
	arena_done(&a);
	return rc;
}

static void texts_of_the_standard_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct str s = { 0 };
		char bytes[16];
		size_t len = 99;

		base64_add(&s, vectors[i].bytes, strlen(vectors[i].bytes));
		assert_string_equal(str_cstr(&s), vectors[i].text);
		str_done(&s);
		assert_int_equal(
			decode(vectors[i].text, strlen(vectors[i].text), bytes, &len, NULL), 0);
		assert_int_equal(len, strlen(vectors[i].bytes));
		assert_memory_equal(bytes, vectors[i].bytes, len);
	}
}

static void the_alphabet_for_urls_is_read_too(void **state)
{
	char bytes[16];
	size_t len;

	(void)state;
	assert_int_equal(decode("__778A==", 8, bytes, &len, NULL), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "\377\376\373\360", 4);
	assert_int_equal(decode("-_-_", 4, bytes, &len, NULL), 0);
	assert_memory_equal(bytes, "\373\377\277", 3);
}

static void refused(const char *text, size_t len, uint64_t off, const char *why)
{
	struct rimg_error err = { 0 };
	char bytes[64];
	size_t n;

	assert_int_equal(decode(text, len, bytes, &n, &err), -RIMG_E_BAD);
	assert_true(err.has_off);
	assert_int_equal(err.off, off);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void what_is_not_the_one_spelling_is_refused(void **state)
{
	(void)state;
	refused("Zg", 2, 2, "multiple of 4");
	refused("Zg=", 3, 3, "multiple of 4");
	refused("Zm9vYg", 6, 6, "multiple of 4");
	refused("Zh==", 4, 1, "not zero");
	refused("Zm9=", 4, 2, "not zero");
	refused("Zg==Zg==", 8, 2, "not base64");
	refused("Z===", 4, 1, "not base64");
	refused("====", 4, 0, "not base64");
	refused("Zm9v\nZg=", 8, 4, "not base64");
	refused("Zm9v Zg=", 8, 4, "not base64");
	refused("Zm9\0", 4, 3, "not base64");
	refused("Zm9\xc3", 4, 3, "not base64");
	refused("+_+_", 4, 1, "mixes");
	refused("-/AA", 4, 1, "mixes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_the_standard_are_read_and_written),
		cmocka_unit_test(the_alphabet_for_urls_is_read_too),
		cmocka_unit_test(what_is_not_the_one_spelling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
