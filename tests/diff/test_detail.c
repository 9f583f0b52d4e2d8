/* SPDX-License-Identifier: MIT */
/* The closer look at texts, held against diff -u. */
#include "test.h"
#include "random.h"

#include <rimg/diff.h>

#include "core/str.h"

/* As a unified diff without its head. */
static bool add_line(void *arg, const struct rimg_detail_line *line)
{
	struct str *s = arg;

	assert_int_equal(line->form, RIMG_DETAIL_TEXT);
	switch (line->kind) {
	case RIMG_DETAIL_HEAD: str_printf(s, "%s\n", line->a); break;
	case RIMG_DETAIL_SAME: str_printf(s, " %s\n", line->a); break;
	case RIMG_DETAIL_DIFF:
		assert_true(!line->a != !line->b);
		str_printf(s, "%c%s\n", line->a ? '-' : '+', line->a ? line->a : line->b);
		break;
	case RIMG_DETAIL_NOTE: fail_msg("%s", line->a);
	}
	return true;
}

struct looking {
	const struct rimg_diff *diff;
	struct str *s;
};

static bool look(void *arg, const struct rimg_difference *x)
{
	struct looking *l = arg;

	assert_int_equal(rimg_difference_detail(l->diff, x, 100000, add_line, l->s, NULL), 0);
	return true;
}

static void our_diff(struct str *s, const struct str *a, const struct str *b)
{
	struct test_image ta = test_open_bytes((const uint8_t *)str_cstr(a), a->len);
	struct test_image tb = test_open_bytes((const uint8_t *)str_cstr(b), b->len);
	struct rimg_diff *d = rimg_diff_run(ta.node, tb.node, NULL, NULL);
	struct looking l = { .diff = d, .s = s };

	assert_non_null(d);
	assert_int_equal(rimg_diff_each_root(d, RIMG_CAUSES_ALL, look, &l), 0);
	rimg_diff_free(d);
	test_close(&ta);
	test_close(&tb);
}

/* "@@ -3 +3,2 @@" means one line */
static void add_head(struct str *s, char *line)
{
	unsigned long at[2], n[2];
	char *p = line + 4;

	for (int i = 0; i < 2; i++) {
		at[i] = strtoul(p, &p, 10);
		n[i] = 1;
		if (*p == ',')
			n[i] = strtoul(p + 1, &p, 10);
		p += 2;
	}
	str_printf(s, "@@ -%lu,%lu +%lu,%lu @@\n", at[0], n[0], at[1], n[1]);
}

static void their_diff(struct str *s, const char *dir)
{
	char command[512], line[512];
	FILE *f;

	snprintf(command, sizeof(command), "diff -d -u '%s/a' '%s/b'", dir, dir);
	f = popen(command, "re");
	assert_non_null(f);
	for (unsigned n = 0; fgets(line, sizeof(line), f); n++) {
		if (n < 2)
			continue;
		if (strncmp(line, "@@", 2) == 0)
			add_head(s, line);
		else
			str_add(s, line);
	}
	pclose(f);
}

/* Apply a unified diff's counts: how many lines it takes out and puts in. */
static void count(const struct str *s, size_t *ret_out, size_t *ret_in)
{
	*ret_out = *ret_in = 0;
	for (const char *p = str_cstr(s); *p; p = strchr(p, '\n') + 1) {
		*ret_out += *p == '-';
		*ret_in += *p == '+';
	}
}

static void one_changed_line_is_told_as_diff_does(void **unused)
{
	auto_str struct str a = { 0 }, b = { 0 }, ours = { 0 }, theirs = { 0 };
	char *dir = test_temp_dir(), path[512];

	(void)unused;
	for (int i = 0; i < 40; i++) {
		str_printf(&a, "line %d\n", i);
		if (i == 10)
			str_add(&b, "another\n");
		else if (i != 30)
			str_printf(&b, "line %d\n", i);
	}
	snprintf(path, sizeof(path), "%s/a", dir);
	test_save(path, str_cstr(&a), a.len);
	snprintf(path, sizeof(path), "%s/b", dir);
	test_save(path, str_cstr(&b), b.len);
	our_diff(&ours, &a, &b);
	their_diff(&theirs, dir);
	assert_string_equal(str_cstr(&ours), str_cstr(&theirs));
	test_remove_dir(dir);
}

/* Other diffs of one length may be as good; but none is shorter. */
static void random_edits_are_told_in_as_few_lines_as_diff_does(void **unused)
{
	struct test_random r = test_random_start("detail");

	(void)unused;
	for (int round = 0; round < 40; round++) {
		auto_str struct str a = { 0 }, b = { 0 }, ours = { 0 }, theirs = { 0 };
		char *dir = test_temp_dir(), path[512];
		size_t out, in, out2, in2;

		str_add(&b, "begins otherwise\n");
		for (int i = 0; i < 60; i++) {
			uint64_t word = test_random_below(&r, 12), edit = test_random_below(&r, 8);

			str_printf(&a, "word %d\n", (int)word);
			if (edit != 0)
				str_printf(&b, "word %d\n", (int)word);
			if (edit == 1)
				str_add(&b, "put in\n");
		}
		snprintf(path, sizeof(path), "%s/a", dir);
		test_save(path, str_cstr(&a), a.len);
		snprintf(path, sizeof(path), "%s/b", dir);
		test_save(path, str_cstr(&b), b.len);
		our_diff(&ours, &a, &b);
		their_diff(&theirs, dir);
		count(&ours, &out, &in);
		count(&theirs, &out2, &in2);
		assert_true(out + in > 0);
		assert_int_equal(out, out2);
		assert_int_equal(in, in2);
		test_remove_dir(dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_changed_line_is_told_as_diff_does),
		cmocka_unit_test(random_edits_are_told_in_as_few_lines_as_diff_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
