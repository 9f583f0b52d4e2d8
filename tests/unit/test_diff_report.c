/* SPDX-License-Identifier: MIT */
/* Reports, read back: JSON by json-c, against the document's promises in docs/cli.md; text by its
 * lines; pages by where they lead. tests/cli/reports.sh has a real parser look at the pages. */
#include "test.h"

#include <json-c/json.h>

#include "core/num.h"
#include "diff/pairs.h"
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

typedef int (*writer)(struct report *r, struct rimg_error *err);

static int write_text(struct report *r, struct rimg_error *err)
{
	return report_write(r, &report_text, err);
}

static int write_json(struct report *r, struct rimg_error *err)
{
	return report_write(r, &report_json, err);
}

static char *write_report_as(const struct pair_of_images *p, writer write,
			     const struct report_filter *filter, struct report *ret,
			     struct report r)
{
	char *text = NULL;
	struct rimg_error err;
	size_t len;

	r.diff = p->diff;
	r.filter = filter;
	r.summary = rimg_diff_get_summary(p->diff);
	r.a = (struct report_side){ .address = "a\xff.img",
				    .node = p->a.node,
				    .size = r.summary->a_size };
	r.b = (struct report_side){ .address = "b\n.img",
				    .node = p->b.node,
				    .size = r.summary->b_size };
	r.out = open_memstream(&text, &len);
	assert_non_null(r.out);
	if (write(&r, &err) < 0)
		test_fail_error("report", &err);
	assert_int_equal(fclose(r.out), 0);
	assert_int_equal(strlen(text), len);
	if (ret)
		*ret = r;
	return text;
}

static char *write_report(const struct pair_of_images *p, writer write,
			  const struct report_filter *filter, struct report *ret)
{
	return write_report_as(p, write, filter, ret, (struct report){ 0 });
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
	assert_true(text_of(o, "why")[0] != '\0');
	assert_true(is_one_of(kind, "|added|removed|changed|moved|"));
	check_text_or_null(o, "field");
	check_text_or_null(o, "a");
	check_text_or_null(o, "b");
	in_ranges = check_ranges(get(o, "ranges", json_type_array), size_a, size_b);
	if (!json_object_object_get_ex(o, "coarse", &coarse))
		assert_int_equal(in_ranges, bytes);
	return bytes;
}

/* What a difference follows from follows from nothing. */
static void check_follows(struct json_object *document, struct json_object *list)
{
	size_t n = json_object_array_length(list), n_roots = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *x = json_object_array_get_idx(list, i), *root, *of_root;

		assert_int_equal(number(x, "id"), i);
		assert_true(json_object_object_get_ex(x, "follows", &root));
		if (!root) {
			n_roots++;
			continue;
		}
		assert_true(json_object_get_uint64(root) < n);
		root = json_object_array_get_idx(list, (size_t)json_object_get_uint64(root));
		assert_true(json_object_object_get_ex(root, "follows", &of_root));
		assert_null(of_root);
	}
	assert_int_equal(number(document, "roots"), n_roots);
}

/* The table of causes is the sum of the differences. */
static void check_causes(struct json_object *document, struct json_object *list)
{
	struct json_object *causes = get(document, "causes", json_type_array);
	uint64_t n = 0, bytes = 0;

	for (size_t i = 0; i < json_object_array_length(causes); i++) {
		struct json_object *c = json_object_array_get_idx(causes, i);
		uint64_t own_n = 0, own_bytes = 0;

		for (size_t k = 0; k < json_object_array_length(list); k++) {
			struct json_object *x = json_object_array_get_idx(list, k);
			bool same = strcmp(text_of(x, "cause"), text_of(c, "cause")) == 0;

			own_n += same;
			own_bytes += same ? number(x, "bytes") : 0;
		}
		assert_int_equal(number(c, "differences"), own_n);
		assert_int_equal(number(c, "bytes"), own_bytes);
		n += own_n;
		bytes += own_bytes;
	}
	assert_int_equal(n, json_object_array_length(list));
	assert_int_equal(number(get(document, "bytes", json_type_object), "differing"), bytes);
}

static void check_json(const char *a, const char *b, const char *steps)
{
	struct pair_of_images p = compare(a, b, steps);
	char *text = write_report(&p, write_json, &everything, NULL);
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
	check_follows(o, list);
	check_causes(o, list);
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
	char *text = write_report(&p, write_json, &everything, NULL);
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
	text = write_report(&p, write_text, &ignore, &r);
	assert_int_equal(r.not_shown, s->by_cause[RIMG_CAUSE_TIMESTAMP].differences);
	assert_int_equal(r.shown + r.not_shown, s->differences);
	assert_int_equal(count_lines(text, "mtime"), 0);
	assert_int_equal(count_lines(text, "not shown"), 1);
	free(text);
	text = write_report(&p, write_json, &only, &r);
	assert_int_equal(count_lines(text, "\"path\": \"EFI::/") +
				 count_lines(text, "\"path\": \"header\""),
			 r.shown);
	assert_true(r.shown > 5 && r.not_shown > 5);
	free(text);
	text = write_report(&p, write_text, &few, &r);
	assert_int_equal(r.shown, 3);
	assert_int_equal(r.shown + r.not_shown, s->differences);
	free(text);
	text = write_report(&p, write_text, &everything, &r);
	assert_int_equal(r.not_shown, 0);
	assert_int_equal(count_lines(text, "not shown"), 0);
	free(text);
	done(&p);
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Those have two blanks before their path. */
static size_t count_roots(const char *text)
{
	size_t n = 0;

	for (; *text; text = strchr(text, '\n') + 1)
		n += strncmp(text, "  ", 2) == 0 && text[2] != ' ';
	return n;
}

static void what_follows_is_counted_below_its_root(void **unused)
{
	struct pair_of_images p = compare("disk-installer", "disk-sgdisk", "");
	const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
	char *text = write_report(&p, write_text, &everything, NULL), *line = text;
	uint64_t followers = 0;

	(void)unused;
	assert_non_null(strstr(text, "\ncontent\n"));
	assert_true(strstr(text, "\ncontent\n") < strstr(text, "\nplacement\n"));
	assert_int_equal(count_lines(text, "explained 6529, unexplained 0"), 1);
	while ((line = strstr(line, "\n      + ")) != NULL) {
		line += strlen("\n      + ");
		followers += strtoul(line, NULL, 10);
	}
	assert_true(followers > 0);
	assert_int_equal(followers, s->differences - s->roots);
	assert_int_equal(count_roots(strstr(text, "\ncontent\n")), s->roots);
	free(text);
	/* -v has all of them, and a closer look */
	text = write_report_as(&p, write_text, &everything, NULL,
			       (struct report){ .verbose = true });
	assert_int_equal(count_lines(text, "header_crc32"), 2);
	assert_int_equal(count_lines(text, " from it ("), 0);
	assert_true(count_lines(text, "      - ") > 0);
	free(text);
	done(&p);
}

static void a_follower_whose_root_is_hidden_is_shown(void **unused)
{
	struct pair_of_images p = compare("disk-installer", "disk-sgdisk", "");
	const char *patterns[] = { "header" };
	struct report_filter only = { .patterns = patterns, .n_patterns = 1 };
	struct report r;
	char *text = write_report(&p, write_text, &only, &r);

	(void)unused;
	assert_int_equal(count_lines(text, "  header: header_crc32"), 1);
	assert_int_equal(count_lines(text, "  header: "), r.shown);
	free(text);
	done(&p);
}

static void lines_are_broken_where_the_terminal_ends(void **unused)
{
	struct pair_of_images p = compare("basic", "clone", "");
	char *text =
		write_report_as(&p, write_text, &everything, NULL, (struct report){ .width = 60 });
	bool seen = false;

	(void)unused;
	for (const char *line = strstr(text, "\n      "); line;
	     line = strstr(line + 1, "\n      ")) {
		if (line[7] == ' ' || line[7] == '+')
			continue;
		assert_true(strcspn(line + 1, "\n") <= 60);
		seen = true;
	}
	assert_true(seen);
	free(text);
	done(&p);
}

static void names_are_harmless_in_text(void **unused)
{
	struct pair_of_images p = compare("basic", "clone", "");
	char *text = write_report(&p, write_text, &everything, NULL);

	(void)unused;
	assert_true(strncmp(text, "a\\xff.img and b\\n.img differ", 28) == 0);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	free(text);
	done(&p);
}

/* ---- stat ----------------------------------------------------------------------------------- */

static void check_stat(const char *a, const char *b)
{
	struct pair_of_images p = compare(a, b, "");
	const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
	char *text = write_report(&p, report_stat, &everything, NULL);
	uint64_t sum = 0;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *stroke = strstr(line, " | ");

		if (stroke && stroke < strchr(line, '\n'))
			sum += strtoull(stroke + 3, NULL, 10);
	}
	assert_int_equal(sum, s->differing);
	free(text);
	done(&p);
}

static void stat_lines_add_up(void **unused)
{
	(void)unused;
	check_stat("disk-installer", "disk-sgdisk");
	check_stat("basic", "clone");
	check_stat("tiny", "text");
	check_stat("many-short", "many-long");
}

static void stat_lines_fit_the_terminal(void **unused)
{
	struct pair_of_images p = compare("basic", "clone", "");

	(void)unused;
	for (unsigned width = 40; width < 200; width += 23) {
		char *text = write_report_as(&p, report_stat, &everything, NULL,
					     (struct report){ .width = width });

		for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
			size_t columns = 0;

			for (const char *c = line; *c != '\n'; c++)
				columns += ((unsigned char)*c & 0xc0) != 0x80;
			if (strstr(line, " | ") && strstr(line, " | ") < line + strcspn(line, "\n"))
				assert_true(columns <= width);
		}
		free(text);
	}
	done(&p);
}

/* ---- pages ---------------------------------------------------------------------------------- */

/* Every link leads to an id of this page, and there is nothing that a browser would load. */
static void check_links(const char *page)
{
	size_t n = 0;

	for (const char *at = page; (at = strstr(at, "href=\"")) != NULL; n++) {
		char id[64];

		at += strlen("href=\"");
		assert_true(*at == '#');
		assert_true(strcspn(at, "\"") < 40);
		snprintf(id, sizeof(id), "id=\"%.*s\"", (int)strcspn(at, "\"") - 1, at + 1);
		if (!strstr(page, id))
			fail_msg("nothing has %s", id);
	}
	assert_true(n > 0);
	assert_null(strstr(page, "src="));
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "style=\""));
	for (const char *c = page; *c; c++)
		assert_true((unsigned char)*c >= 0x20 || *c == '\n');
}

static size_t count_text(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

static void pages_lead_only_to_what_is_there(void **unused)
{
	static const char *const pairs[][2] = { { "disk-installer", "disk-sgdisk" },
						{ "basic", "clone" },
						{ "tiny", "broken/truncated" },
						{ "initfs-boot", "initfs-plain" } };

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct pair_of_images p = compare(pairs[i][0], pairs[i][1], "");
		const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
		char *page = write_report(&p, report_html, &everything, NULL);
		char *again = write_report(&p, report_html, &everything, NULL);

		check_links(page);
		assert_string_equal(page, again);
		assert_int_equal(count_text(page, "<details class=\"diff\">"), s->differences);
		assert_non_null(strstr(page, "a\\xff.img"));
		assert_non_null(strstr(page, "b\\n.img"));
		assert_non_null(strstr(page, "id=\"map\""));
		free(page);
		free(again);
		done(&p);
	}
}

static void pages_are_bounded_and_say_so(void **unused)
{
	struct pair_of_images p = compare("many-short", "many-long", "");
	const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
	char *page = write_report(&p, report_html, &everything, NULL);
	size_t listed = count_text(page, "<details class=\"diff\">");
	const char *end = strstr(page, "not listed, to keep this page small");
	unsigned long thousands, rest;

	(void)unused;
	check_links(page);
	assert_true(strlen(page) < (size_t)20 << 20);
	assert_true(listed < s->differences);
	assert_non_null(end);
	while (end > page && strncmp(end, "loud\">", 6) != 0)
		end--;
	assert_int_equal(sscanf(end, "loud\">%lu,%lu differences", &thousands, &rest), 2);
	assert_int_equal(listed + 1000 * thousands + rest, s->differences);
	free(page);
	done(&p);
}

static void pages_of_directories_have_no_map(void **unused)
{
	struct pair_of_images p = compare("tiny", "text", "/");
	char *page = write_report(&p, report_html, &everything, NULL);

	(void)unused;
	check_links(page);
	assert_null(strstr(page, "id=\"map\""));
	free(page);
	done(&p);
}

/* ---- Markdown ------------------------------------------------------------------------------- */

static void markdown_is_short_and_says_so(void **unused)
{
	struct pair_of_images p = compare("many-short", "many-long", "");
	char *text = write_report(&p, report_markdown, &everything, NULL);

	(void)unused;
	assert_true(strlen(text) <= REPORT_MARKDOWN_MAX);
	assert_true(strlen(text) > REPORT_MARKDOWN_MAX / 2);
	assert_non_null(strstr(text, "not listed here**"));
	assert_int_equal(count_text(text, "<details>"), count_text(text, "</details>"));
	free(text);
	done(&p);
}

static void markdown_is_whole(void **unused)
{
	struct pair_of_images p = compare("disk-installer", "disk-sgdisk", "");
	const struct rimg_diff_summary *s = rimg_diff_get_summary(p.diff);
	char *text = write_report(&p, report_markdown, &everything, NULL);

	(void)unused;
	assert_null(strstr(text, "not listed here"));
	assert_int_equal(count_text(text, "\n- `"), s->roots);
	assert_non_null(strstr(text, "### `a\\xff.img` and `b\\n.img` differ\n"));
	assert_int_equal(count_text(text, "<details>"), count_text(text, "</details>"));
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
		assert_int_equal(diff_rank(causes[i]), i);
		seen[causes[i]] = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_as_documented),
		cmocka_unit_test(json_of_identical_images_has_no_differences),
		cmocka_unit_test(filters_hide_and_say_how_much),
		cmocka_unit_test(what_follows_is_counted_below_its_root),
		cmocka_unit_test(a_follower_whose_root_is_hidden_is_shown),
		cmocka_unit_test(lines_are_broken_where_the_terminal_ends),
		cmocka_unit_test(stat_lines_add_up),
		cmocka_unit_test(stat_lines_fit_the_terminal),
		cmocka_unit_test(pages_lead_only_to_what_is_there),
		cmocka_unit_test(pages_are_bounded_and_say_so),
		cmocka_unit_test(pages_of_directories_have_no_map),
		cmocka_unit_test(markdown_is_short_and_says_so),
		cmocka_unit_test(markdown_is_whole),
		cmocka_unit_test(names_are_harmless_in_text),
		cmocka_unit_test(every_cause_has_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
