/* SPDX-License-Identifier: MIT */
/* Names of symbols without a compiler's hashes. What the names mean is what llvm-cxxfilt 14 says.
 */
#include "test.h"

#include "core/num.h"
#include "core/str.h"
#include "diff/symbols.h"

static void assert_normal(const char *name, const char *expected)
{
	char out[256];
	size_t len = symbol_normal(name, strlen(name), out);

	assert_int_equal(len, strlen(expected));
	assert_memory_equal(out, expected, len);
}

/* core::fmt::write::h0123456789abcdef */
static void hashes_of_legacy_names_fall_away(void **unused)
{
	(void)unused;
	assert_normal("_ZN4core3fmt5write17h0123456789abcdefE", "_ZN4core3fmt5writeE");
	assert_normal("_ZN4core3fmt5write17h0123456789abcdefE.llvm.1234",
		      "_ZN4core3fmt5writeE.llvm.");
	/* sixteen digits, lower case, and the end */
	assert_normal("_ZN1a17h0123456789abcdeE", "_ZN1a17h0123456789abcdeE");
	assert_normal("_ZN1a17h0123456789ABCDEFE", "_ZN1a17h0123456789ABCDEFE");
	assert_normal("_ZN1a17h0123456789abcdef", "_ZN1a17h0123456789abcdef");
	/* no name of rustc */
	assert_normal("h17h0123456789abcdefE", "h17h0123456789abcdefE");
	assert_normal(".text._ZN1a17h0123456789abcdefE", ".text._ZN1aE");
}

/* mycrate::foo::bar in both */
static void disambiguators_of_v0_names_fall_away(void **unused)
{
	(void)unused;
	assert_true(symbol_same("_RNvNtCs1234_7mycrate3foo3bar", "_RNvNtCsaaa9_7mycrate3foo3bar"));
	assert_normal("_RNvNtCs1234_7mycrate3foo3bar", "_RNvNtC7mycrate3foo3bar");
	assert_false(symbol_same("_RNvNtCs1234_7mycrate3foo3bar", "_RNvNtCs1234_7mycrate3foo3baz"));
	/* "Cs1_" inside of an identifier is a part of it */
	assert_normal("_RNvC5aCs1_3foo", "_RNvC5aCs1_3foo");
	/* numbers that are no lengths */
	assert_normal("_RNvMNtCs5d_3foo3barNtB2_3Baz3new", "_RNvMNtC3foo3barNtB2_3Baz3new");
}

static void names_that_lie_about_their_length_stay(void **unused)
{
	static const char *const names[] = { "",     "_R",    "_RC",
					     "_RCs", "_RC9",  "_RC99999999999999999999a",
					     "_ZN",  "_RNvK", "_RCs_" };

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char out[64];

		assert_true(symbol_normal(names[i], strlen(names[i]), out) <= strlen(names[i]));
	}
	assert_normal("_RC9ab", "_RC9ab");
}

static void legacy_names_read_as_paths(void **unused)
{
	auto_str struct str s = { 0 };
	const char *name = "_ZN4core3fmt5write17h0123456789abcdefE";

	(void)unused;
	symbol_add_path(&s, name, strlen(name));
	assert_string_equal(str_cstr(&s), "core::fmt::write");
	str_clear(&s);
	symbol_add_path(&s, "main", 4);
	assert_string_equal(str_cstr(&s), "main");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_legacy_names_fall_away),
		cmocka_unit_test(disambiguators_of_v0_names_fall_away),
		cmocka_unit_test(names_that_lie_about_their_length_stay),
		cmocka_unit_test(legacy_names_read_as_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
