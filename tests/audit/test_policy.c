/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "audit/policy.h"
#include "core/num.h"

/* The expectations are docs/audit.md's, "Policy". */

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct policy policy;
static struct rimg_error err;

static int end(void **state)
{
	(void)state;
	policy_done(&policy);
	policy = (struct policy){ 0 };
	return 0;
}

static int read_text(const char *text)
{
	policy_done(&policy);
	policy = (struct policy){ 0 };
	return policy_read(&policy, text, strlen(text), "p.toml", &err);
}

static void assert_refused(const char *text, const char *line)
{
	char buf[1024];

	assert_int_equal(read_text(text), -RIMG_E_BAD);
	assert_string_equal(rimg_error_format(&err, buf, sizeof(buf)), line);
}

static void without_a_file_cranelift_alone_passes(void **state)
{
	(void)state;
	policy_init(&policy);
	for (unsigned i = 0; i < N_CODE_CLASSES; i++)
		assert_int_equal(policy.allow[i], i == CODE_CRANELIFT);
	assert_int_equal(policy.min_coverage, 1000000);
	assert_false(policy.interpreted || policy.opaque || policy.hidden);
	assert_int_equal(policy.n_exceptions, 0);
}

static void an_empty_file_is_the_default(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_true(policy.allow[CODE_CRANELIFT]);
	assert_int_equal(policy.min_coverage, 1000000);
}

static void every_key_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_text("[policy]\n"
				   "allow = ['asm', 'llvm']\n"
				   "min_coverage = 0.985\n"
				   "interpreted = 'allow'\n"
				   "opaque = 'allow'\n"
				   "hidden = 'allow'\n"
				   "[[exception]]\n"
				   "path = 'EFI::/EFI/BOOT/BOOTAA64.EFI'\n"
				   "sha256 = '" HASH "'\n"
				   "reason = 'a loader'\n"
				   "[[exception]]\n"
				   "code_sha256 = '" HASH "'\n"
				   "class = 'asm'\n"
				   "name = 'memcpy'\n"
				   "reason = 'by hand'\n"),
			 0);
	assert_true(policy.allow[CODE_ASM] && policy.allow[CODE_LLVM]);
	assert_false(policy.allow[CODE_CRANELIFT]);
	assert_int_equal(policy.min_coverage, 985000);
	assert_true(policy.interpreted && policy.opaque && policy.hidden);
	assert_int_equal(policy.n_exceptions, 2);
	assert_false(policy.exceptions[0].is_code);
	assert_string_equal(policy.exceptions[0].path, "EFI::/EFI/BOOT/BOOTAA64.EFI");
	assert_int_equal(policy.exceptions[0].sha256[1], 0x11);
	assert_int_equal(policy.exceptions[0].sha256[31], 0xff);
	assert_string_equal(policy.exceptions[0].reason, "a loader");
	assert_int_equal(policy.exceptions[0].place.line, 7);
	assert_true(policy.exceptions[1].is_code);
	assert_int_equal(policy.exceptions[1].cls, CODE_ASM);
	assert_string_equal(policy.exceptions[1].name, "memcpy");
}

static void unknown_keys_are_told_with_the_nearest(void **state)
{
	(void)state;
	assert_refused(
		"[policy]\nmin_covrage = 1\n",
		"p.toml:2: unknown key \"min_covrage\" in [policy]; the nearest known one is "
		"\"min_coverage\"");
	assert_refused("[polcy]\n",
		       "p.toml:1: unknown key \"polcy\"; the nearest known one is \"policy\"");
	assert_refused(
		"[[exception]]\nsha265 = '" HASH "'\nreason = 'x'\n",
		"p.toml:2: unknown key \"sha265\" in [[exception]]; the nearest known one is "
		"\"sha256\"");
	/* each kind of exception has its own keys */
	assert_refused("[[exception]]\nsha256 = '" HASH "'\nreason = 'x'\nclass = 'asm'\n",
		       "p.toml:4: unknown key \"class\" in [[exception]]; the nearest known one is "
		       "\"path\"");
	assert_refused("[[exception]]\ncode_sha256 = '" HASH "'\nreason = 'x'\nclass = 'asm'\n"
		       "path = '/x'\n",
		       "p.toml:5: unknown key \"path\" in [[exception]]; the nearest known one is "
		       "\"name\"");
}

static void what_nobody_knows_cannot_be_allowed(void **state)
{
	(void)state;
	assert_refused("[policy]\nallow = ['cranelift', 'unknown']\n",
		       "p.toml:2: [policy] allow: \"unknown\" says that nobody knows what made the "
		       "code; declare the code by its hash instead");
	assert_refused(
		"[policy]\nallow = ['conflict']\n",
		"p.toml:2: [policy] allow: \"conflict\" says that nobody knows what made the "
		"code; declare the code by its hash instead");
	assert_refused("[policy]\nallow = ['pad']\n",
		       "p.toml:2: [policy] allow: expected cranelift, llvm, gcc, foreign, asm, "
		       "conflict or unknown, found pad");
	assert_refused("[policy]\nallow = [1]\n",
		       "p.toml:2: [policy] allow: expected cranelift, llvm, gcc, foreign, asm, "
		       "conflict or unknown, found an integer");
}

static void an_exception_stands_for_bytes(void **state)
{
	(void)state;
	assert_refused(
		"[policy]\n[[exception]]\npath = '/x'\nreason = 'y'\n",
		"p.toml:2: [[exception]]: expected sha256 or code_sha256: an exception stands "
		"for bytes, a path alone would let any bytes pass");
	assert_int_equal(read_text("[[exception]]\nsha256 = '" HASH "'\nreason = 'y'\n"), 0);
	assert_null(policy.exceptions[0].path);
	assert_int_equal(read_text("[[exception]]\nsha256 = '" HASH "'\n"), -RIMG_E_BAD);
	assert_int_equal(read_text("[[exception]]\nsha256 = '" HASH "'\nreason = ''\n"),
			 -RIMG_E_BAD);
	assert_int_equal(read_text("[[exception]]\nsha256 = '" HASH "'\npath = ''\nreason = 'y'\n"),
			 -RIMG_E_BAD);
	assert_int_equal(read_text("[[exception]]\ncode_sha256 = '" HASH "'\nreason = 'y'\n"),
			 -RIMG_E_BAD);
}

static void a_hash_has_64_digits(void **state)
{
	static const char *const bad[] = {
		"[[exception]]\nreason = 'y'\nsha256 = ''\n",
		"[[exception]]\nreason = 'y'\nsha256 = '" HASH "0'\n",
		"[[exception]]\nreason = 'y'\nsha256 = '0112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff'\n",
		"[[exception]]\nreason = 'y'\nsha256 = 'g0112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff'\n",
		"[[exception]]\nreason = 'y'\nsha256 = 5\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_text(bad[i]), -RIMG_E_BAD);
	assert_int_equal(read_text("[[exception]]\nreason = 'y'\nsha256 = '"
				   "00112233445566778899AABBCCDDEEFF"
				   "00112233445566778899aabbccddeeff'\n"),
			 0);
	assert_int_equal(policy.exceptions[0].sha256[15], 0xff);
}

static void values_of_other_types_are_refused(void **state)
{
	static const char *const bad[] = {
		"policy = 1\n",
		"exception = {}\n",
		"exception = [1]\n",
		"[policy]\nallow = 'cranelift'\n",
		"[policy]\nmin_coverage = '1'\n",
		"[policy]\nmin_coverage = 1.5\n",
		"[policy]\nmin_coverage = -0.1\n",
		"[policy]\ninterpreted = true\n",
		"[policy]\nopaque = 'maybe'\n",
		"[policy]\nhidden = ''\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_text(bad[i]), -RIMG_E_BAD);
}

static void paths_may_have_wildcards(void **state)
{
	(void)state;
	assert_true(policy_path_fits("/usr/bin/x", "/usr/bin/x"));
	assert_false(policy_path_fits("/usr/bin/x", "/usr/bin/xy"));
	assert_false(policy_path_fits("/usr/bin/x", "/usr/bin"));
	assert_true(policy_path_fits("*/x", "/usr/bin/x"));
	assert_true(policy_path_fits("/usr/*", "/usr/bin/x"));
	assert_true(policy_path_fits("/usr/*/x", "/usr/a/b/x"));
	assert_true(policy_path_fits("*", ""));
	assert_false(policy_path_fits("?", ""));
	assert_true(policy_path_fits("a?c", "abc"));
	assert_true(policy_path_fits("*a*b", "aabab"));
	assert_false(policy_path_fits("*a*b", "aaba"));
	assert_true(policy_path_fits("a*", "a*"));
	/* nothing else is special */
	assert_false(policy_path_fits("[ab]", "a"));
	assert_true(policy_path_fits("\\x2f", "\\x2f"));
}

static void a_file_that_is_missing_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(policy_load(&policy, "tests/no-such-policy", &err), -RIMG_E_IO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(without_a_file_cranelift_alone_passes, end),
		cmocka_unit_test_teardown(an_empty_file_is_the_default, end),
		cmocka_unit_test_teardown(every_key_is_read, end),
		cmocka_unit_test_teardown(unknown_keys_are_told_with_the_nearest, end),
		cmocka_unit_test_teardown(what_nobody_knows_cannot_be_allowed, end),
		cmocka_unit_test_teardown(an_exception_stands_for_bytes, end),
		cmocka_unit_test_teardown(a_hash_has_64_digits, end),
		cmocka_unit_test_teardown(values_of_other_types_are_refused, end),
		cmocka_unit_test_teardown(paths_may_have_wildcards, end),
		cmocka_unit_test_teardown(a_file_that_is_missing_is_an_error, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
