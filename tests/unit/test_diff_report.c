/* SPDX-License-Identifier: MIT */
/* Reports, read back: JSON by json-c, against the document's promises in docs/cli.md; text by its
 * lines. */
#include "test.h"

#include <json-c/json.h>

#include "core/num.h"
#include "diff/report.h"

struct pair_of_images {
	struct test_image a, b;
	struct rimg_diff *diff;
};

static struct pair_of_images compare(const char *a, const char *b, const char *steps)
{
	struct pair_of_images p = { test_open_golden(a, steps), test_open_golden(b, steps), NULL };
	struct rimg_error err;

	p.diff = rimg_diff_run(p.a.node, p.b.node, NULL, &err);
	if (!p.diff)
		test_fail_error("diff", &err);
	return p;
}

static void done(struct pair_of_images *p)
{
	rimg_diff_free(p->diff);
	test_close(&p->a);
	test_close(&p->b);
}

static char *write_report(const struct pair_of_images *p, const struct report_format *format,
			  const struct report_filter *filter, struct report *ret)
{
	char *text = NULL;
	size_t len;
	struct report r = { .summary = rimg_diff_get_summary(p->diff),
			    .a = { .address = "a\xff.img" },
			    .b = { .address = "b\n.img" } };

	r.out = open_memstream(&text, &len);
	assert_non_null(r.out);
	r.a.size = r.summary->a_size;
	r.b.size = r.summary->b_size;
	assert_int_equal(report_write(&r, format, p->diff, filter), 0);
	assert_int_equal(fclose(r.out), 0);
	assert_int_equal(strlen(text), len);
	if (ret)
		*ret = r;
	return text;
}

static const struct report_filter everything = { 0 };

/* ---- JSON ----------------------------------------------------------------------------------- */

static struct json_object *parse(const char *text)
{
	enum json_tokener_error error;
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, text, (int)strlen(text) + 1);
	error = json_tokener_get_error(t);
	json_tokener_free(t);
	if (error != json_tokener_success)
		fail_msg("not JSON: %s", json_tokener_error_desc(error));
	return o;
}

static struct json_object *get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		fail_msg("no key %s", key);
	if (json_object_get_type(value) != type)
		fail_msg("%s is %s", key, json_object_to_json_string(value));
	return value;
}

static uint64_t number(struct json_object *o, const char *key)
{
	return json_object_get_uint64(get(o, key, json_type_int));
}

static const char *text_of(struct json_object *o, const char *key)
{
	return json_object_get_string(get(o, key, json_type_string));
}

static bool is_one_of(const char *text, const char *list)
{
	char word[64];

	snprintf(word, sizeof(word), "|%s|", text);
	return strstr(list, word) != NULL;
}

static void check_text_or_null(struct json_object *o, const char *key)
{
	struct json_object *value;

	assert_true(json_object_object_get_ex(o, key, &value));
	assert_true(!value || json_object_get_type(value) == json_type_string);
}

/* Returns how many bytes the ranges have. */
static uint64_t check_ranges(struct json_object *ranges, uint64_t size_a, uint64_t size_b)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < json_object_array_length(ranges); i++) {
		struct json_object *r = json_object_array_get_idx(ranges, i);
		struct json_object *a, *b;
		uint64_t len;

		assert_int_equal(json_object_get_type(r), json_type_array);
		assert_int_equal(json_object_array_length(r), 3);
		a = json_object_array_get_idx(r, 0);
		b = json_object_array_get_idx(r, 1);
		len = json_object_get_uint64(json_object_array_get_idx(r, 2));
		assert_true(a || b);
		assert_true(!a || num_in_range(json_object_get_uint64(a), len, size_a));
		assert_true(!b || num_in_range(json_object_get_uint64(b), len, size_b));
		assert_true(!a || !b || json_object_get_uint64(a) == json_object_get_uint64(b));
		sum += len;
	}
	return sum;
}

/* One difference; returns its bytes. */
static uint64_t check_difference(struct json_object *o, uint64_t size_a, uint64_t size_b)
{
	static const char layers[] = "|gpt|fat|redoxfs|initfs|elf|pe|function|archive|bytes|";
	static const char causes[] =
		"|content|timestamp|identifier|ordering|placement|compression|checksum|padding|"
		"free-space|build-path|build-id|symbol-hash|codegen|unexplained|";
	const char *kind = text_of(o, "kind");
	struct json_object *coarse;
	uint64_t bytes = number(o, "bytes"), in_ranges;

	text_of(o, "path");
	if (!is_one_of(text_of(o, "layer"), layers))
		fail_msg("layer %s", text_of(o, "layer"));
	assert_true(is_one_of(text_of(o, "cause"), causes));
	assert_true(is_one_of(kind, "|added|removed|changed|moved|"));
	check_text_or_null(o, "field");
	check_text_or_null(o, "a");
	check_text_or_null(o, "b");
	in_ranges = check_ranges(get(o, "ranges", json_type_array), size_a, size_b);
	if (!json_object_object_get_ex(o, "coarse", &coarse))
		assert_int_equal(in_ranges, bytes);
	return bytes;
}

static void check_json(const char *a, const char *b, const char *steps)
{
	struct pair_of_images p = compare(a, b, steps);
	char *text = write_report(&p, &report_json, &everything, NULL);
	struct json_object *o = parse(text), *list, *bytes;
	uint64_t sum = 0;

	assert_string_equal(text_of(o, "schema"), "rimg.diff/1");
	assert_false(json_object_get_boolean(get(o, "identical", json_type_boolean)));
	get(o, "equivalent", json_type_boolean);
	/* what is no UTF-8 is escaped, and so is what would break a line */
	assert_string_equal(text_of(get(o, "a", json_type_object), "address"), "a\\udcff.img");
	assert_string_equal(text_of(get(o, "b", json_type_object), "address"), "b\n.img");
	list = get(o, "differences", json_type_array);
	assert_true(json_object_array_length(list) > 0);
	for (size_t i = 0; i < json_object_array_length(list); i++)
		sum += check_difference(json_object_array_get_idx(list, i),
					number(get(o, "a", json_type_object), "size"),
					number(get(o, "b", json_type_object), "size"));
	bytes = get(o, "bytes", json_type_object);
	assert_int_equal(number(bytes, "differing"), sum);
	assert_int_equal(number(bytes, "explained") + number(bytes, "unexplained"), sum);
	assert_true(number(bytes, "compared") >= sum);
	json_object_put(o);
	free(text);
	done(&p);
}

static void json_is_as_documented(void **unused)
{
	(void)unused;
	check_json("disk-installer", "disk-sgdisk", "");
	check_json("basic", "clone", "");
	check_json("initfs-boot", "initfs-plain", "");
	check_json("many-short", "many-long", "");
	check_json("tiny", "broken/truncated", "");
}

static void json_of_identical_images_has_no_differences(void **unused)
{
	struct pair_of_images p = compare("tiny", "tiny", "");
	char *text = write_report(&p, &report_json, &everything, NULL);
	struct json_object *o = parse(text);

	(void)unused;
	assert_true(json_object_get_boolean(get(o, "identical", json_type_boolean)));
	assert_true(json_object_get_boolean(get(o, "equivalent", json_type_boolean)));
	assert_int_equal(json_object_array_length(get(o, "differences", json_type_array)), 0);
	assert_int_equal(number(get(o, "bytes", json_type_object), "differing"), 0);
	json_object_put(o);
	free(text);
	done(&p);
}

/* ---- filters -------------------------------------------------------------------------------- */

static size_t count_lines(const char *text, const char *with)
{
	size_t n = 0;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');
		const char *found = strstr(line, with);

		assert_non_null(end);
		n += found && found < end;
	}
	return n;
}

static void filters_hide_and_say_how_much(void **unused)
{
	struct pair_of_images p = compare("disk-installer", "disk-sgdisk", "");
	const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
	const char *patterns[] = { "EFI::/*", "header" };
	struct report_filter ignore = { .ignored = 1u << RIMG_CAUSE_TIMESTAMP };
	struct report_filter only = { .patterns = patterns, .n_patterns = 2 };
	struct report_filter few = { .max = 3 };
	struct report r;
	char *text;

	(void)unused;
	text = write_report(&p, &report_text, &ignore, &r);
	assert_int_equal(r.not_shown, s->by_cause[RIMG_CAUSE_TIMESTAMP].differences);
	assert_int_equal(r.shown + r.not_shown, s->differences);
	assert_int_equal(count_lines(text, "mtime"), 0);
	assert_int_equal(count_lines(text, "not shown"), 1);
	free(text);
	text = write_report(&p, &report_json, &only, &r);
	assert_int_equal(count_lines(text, "\"path\": \"EFI::/") +
				 count_lines(text, "\"path\": \"header\""),
			 r.shown);
	assert_true(r.shown > 5 && r.not_shown > 5);
	free(text);
	text = write_report(&p, &report_text, &few, &r);
	assert_int_equal(r.shown, 3);
	assert_int_equal(r.shown + r.not_shown, s->differences);
	free(text);
	text = write_report(&p, &report_text, &everything, &r);
	assert_int_equal(r.not_shown, 0);
	assert_int_equal(count_lines(text, "not shown"), 0);
	free(text);
	done(&p);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void root_causes_come_before_those_that_follow(void **unused)
{
	struct pair_of_images p = compare("disk-installer", "disk-sgdisk", "");
	char *text = write_report(&p, &report_text, &everything, NULL);
	const char *content = strstr(text, "\ncontent\n"), *checksum = strstr(text, "\nchecksum\n");

	(void)unused;
	assert_non_null(content);
	assert_non_null(checksum);
	assert_true(content < checksum);
	assert_int_equal(count_lines(text, "explained 6529, unexplained 0"), 1);
	free(text);
	done(&p);
}

static void names_are_harmless_in_text(void **unused)
{
	struct pair_of_images p = compare("basic", "clone", "");
	char *text = write_report(&p, &report_text, &everything, NULL);

	(void)unused;
	assert_true(strncmp(text, "a\\xff.img and b\\n.img differ", 28) == 0);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	free(text);
	done(&p);
}

static void every_cause_has_its_place(void **unused)
{
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);
	bool seen[RIMG_N_CAUSES] = { false };

	(void)unused;
	assert_int_equal(n, RIMG_N_CAUSES);
	for (size_t i = 0; i < n; i++) {
		assert_false(seen[causes[i]]);
		seen[causes[i]] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_as_documented),
		cmocka_unit_test(json_of_identical_images_has_no_differences),
		cmocka_unit_test(filters_hide_and_say_how_much),
		cmocka_unit_test(root_causes_come_before_those_that_follow),
		cmocka_unit_test(names_are_harmless_in_text),
		cmocka_unit_test(every_cause_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
