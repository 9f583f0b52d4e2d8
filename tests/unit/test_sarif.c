/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/findings.h"
#include "core/sarif.h"

static void rules_are_sorted_and_none_is_there_twice(void **state)
{
	const char *codes[] = { "b.x", "a.y", "b.x", "a.x", "b.x" };

	(void)state;
	assert_int_equal(sarif_rules(codes, 5), 3);
	assert_string_equal(codes[0], "a.x");
	assert_string_equal(codes[1], "a.y");
	assert_string_equal(codes[2], "b.x");
	assert_int_equal(sarif_rules(codes, 1), 1);
	assert_int_equal(sarif_rules(codes, 0), 0);
}

static const char *text_of(const char *id)
{
	return strcmp(id, "b.x") == 0 ? "what b.x means" : NULL;
}

/* A whole log as text; free() it. */
static char *write_log(const char *image, const struct sarif_result *results, size_t n)
{
	static const char *const rules[] = { "a.x", "b.x", "c.x" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct sarif s;

	assert_non_null(out);
	assert_int_equal(sarif_begin(&s, out, "tool", image, rules, 3, text_of), 0);
	for (size_t i = 0; i < n; i++)
		sarif_result(&s, &results[i]);
	sarif_end(&s, true, 1);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_in(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("%s is not in:\n%s", words, text);
}

static void a_result_names_rule_level_place_and_path(void **state)
{
	static const struct sarif_result results[] = {
		{ "a.x", SEVERITY_WARNING, "first", "", UINT64_MAX, 0 },
		{ "c.x", SEVERITY_ERROR, "second \"quoted\"", "REDOX::/a b", 4096, 16 },
	};
	char *text = write_log("disk.img", results, 2);

	(void)state;
	assert_in(text, "\"version\": \"2.1.0\"");
	assert_in(text, "\"fullDescription\": {\n                \"text\": \"what b.x means\"");
	assert_in(text, "\"fullDescription\": {\n                \"text\": \"c.x\"");
	assert_in(text, "\"ruleId\": \"c.x\",\n          \"ruleIndex\": 2,\n          \"level\": "
			"\"error\"");
	assert_in(text, "\"level\": \"warning\"");
	assert_in(text, "\"text\": \"second \\\"quoted\\\"\"");
	assert_in(text, "\"fullyQualifiedName\": \"REDOX::/a b\"");
	assert_in(text, "\"absoluteAddress\": 4096,\n                  \"length\": 16");
	/* the first one has no place */
	assert_true(strstr(text, "absoluteAddress") > strstr(text, "second"));
	free(text);
}

static void a_log_without_results_is_whole(void **state)
{
	char *text = write_log("disk.img", NULL, 0);

	(void)state;
	assert_in(text, "\"results\": []");
	assert_in(text, "\"executionSuccessful\": true");
	free(text);
}

static void codes_are_explained_as_in_the_document(void **state)
{
	(void)state;
	assert_string_equal(finding_text("gpt.mbr-signature"), "the MBR does not end in 55 AA");
	assert_string_equal(finding_text("redoxfs.name"),
			    "a name that Redox cannot use: not UTF-8, with \"/\", \":\" or NUL, "
			    "\".\" or \"..\"");
	assert_non_null(finding_text("ar.field"));
	assert_non_null(finding_text("redoxfs.version"));
	assert_null(finding_text("redoxfs.versio"));
	assert_null(finding_text("zzz"));
	assert_null(finding_text(""));
}

static void paths_become_uris(void **state)
{
	static const struct {
		const char *path, *uri;
	} rows[] = {
		{ "disk.img", "\"uri\": \"disk.img\"" },
		{ "/tmp/a b.img", "\"uri\": \"file:///tmp/a%20b.img\"" },
		{ "a:b", "\"uri\": \"a%3Ab\"" },
		{ "100%\xc3\xa9\xff\n", "\"uri\": \"100%25%C3%A9%FF%0A\"" },
		{ "../x-_~.img", "\"uri\": \"../x-_~.img\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = write_log(rows[i].path, NULL, 0);

		assert_in(text, rows[i].uri);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_sorted_and_none_is_there_twice),
		cmocka_unit_test(a_result_names_rule_level_place_and_path),
		cmocka_unit_test(a_log_without_results_is_whole),
		cmocka_unit_test(codes_are_explained_as_in_the_document),
		cmocka_unit_test(paths_become_uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
