/* SPDX-License-Identifier: MIT */
/* What a comparison says of small trees that differ in one known thing. */
#include "test.h"

#include <rimg/diff.h>

#include "core/num.h"
#include "core/wr.h"

/* ---- small initfs images -------------------------------------------------------------------- */

#define ENTRIES_MAX 32
#define PAGE        4096

/* An entry of a tree that is written down in a test: parents before children, "" the root. */
struct entry {
	const char *path;
	char type; /* d, f, l */
	const char *text;
	unsigned mode;
};

struct maker {
	const struct entry *entries;
	size_t n;
	uint8_t *data;
	size_t len, cap;
	uint32_t off[ENTRIES_MAX], size[ENTRIES_MAX];
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_child(const char *path, const char *parent)
{
	size_t len = (size_t)(base_name(path) - path);

	if (path[0] == '\0')
		return false;
	return strlen(parent) == (len ? len - 1 : 0) &&
	       strncmp(path, parent, len ? len - 1 : 0) == 0;
}

static void put(struct maker *m, size_t at, uint64_t value, size_t len)
{
	assert_true(at + len <= m->cap);
	for (size_t i = 0; i < len; i++)
		m->data[at + i] = (uint8_t)(value >> (8 * i));
}

/* Pieces begin on pages, as the archiver lays them out. */
static uint32_t append(struct maker *m, const void *data, size_t len)
{
	size_t at = (m->len + PAGE - 1) / PAGE * PAGE;

	assert_true(at + len <= m->cap);
	memcpy(m->data + at, data, len);
	if (len > 0)
		m->len = at + len;
	return (uint32_t)at;
}

static void put_dir(struct maker *m, size_t dir)
{
	uint8_t table[ENTRIES_MAX * 8];
	struct maker t = { .data = table, .cap = sizeof(table) };
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		const char *name = base_name(m->entries[i].path);

		if (!is_child(m->entries[i].path, m->entries[dir].path))
			continue;
		put(&t, n * 8, i, 2);
		put(&t, n * 8 + 2, strlen(name), 2);
		put(&t, n * 8 + 4, append(m, name, strlen(name)), 4);
		n++;
	}
	m->off[dir] = append(m, table, n * 8);
	m->size[dir] = (uint32_t)(n * 8);
}

/* docs/formats/initfs.md, "Header" and "Inodes". Inode numbers are indices of @entries. */
static struct maker make(const struct entry *entries, size_t n)
{
	struct maker m = { .entries = entries, .n = n, .len = PAGE, .cap = 256 * PAGE };

	assert_true(n <= ENTRIES_MAX);
	m.data = calloc(1, m.cap);
	assert_non_null(m.data);
	m.len = PAGE + n * 20;
	for (size_t i = 0; i < n; i++) {
		if (entries[i].type == 'd') {
			put_dir(&m, i);
		} else {
			m.size[i] = (uint32_t)strlen(entries[i].text);
			m.off[i] = append(&m, entries[i].text, m.size[i]);
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t type = entries[i].type == 'd' ? 1 : entries[i].type == 'l' ? 2 : 0;

		put(&m, PAGE + i * 20, type << 28 | entries[i].mode, 4);
		put(&m, PAGE + i * 20 + 4, m.size[i], 4);
		put(&m, PAGE + i * 20 + 8, m.off[i], 4);
	}
	memcpy(m.data, "RedoxFtw", 8);
	put(&m, 8, PAGE, 4);
	put(&m, 24, n, 2);
	put(&m, 26, UINT64_MAX, 8);
	put(&m, 34, m.len, 8);
	put(&m, 42, PAGE, 2);
	return m;
}

/* ---- comparing ------------------------------------------------------------------------------ */

#define LINES_MAX 64

/* The differences of one comparison, a line each: "path|kind|field|a|b|cause"; until the next. */
struct result {
	struct rimg_diff_summary sum;
	char (*lines)[512];
	size_t n;
};

static char lines[LINES_MAX][512];

static bool note(void *arg, const struct rimg_difference *x)
{
	struct result *r = arg;

	assert_true(r->n < LINES_MAX);
	snprintf(r->lines[r->n++], sizeof(r->lines[0]), "%s|%s|%s|%s|%s|%s", x->path,
		 rimg_diff_kind_name(x->kind), x->field ? x->field : "", x->a ? x->a : "",
		 x->b ? x->b : "", rimg_cause_name(x->cause));
	return true;
}

static struct result compare_nodes(struct rimg_node *a, struct rimg_node *b)
{
	struct result r = { .lines = lines };
	struct rimg_error err;
	struct rimg_diff *d = rimg_diff_run(a, b, NULL, &err);

	if (!d)
		test_fail_error("diff", &err);
	assert_int_equal(rimg_diff_each(d, RIMG_CAUSES_ALL, note, &r), 0);
	r.sum = *rimg_diff_get_summary(d);
	rimg_diff_free(d);
	return r;
}

static struct result compare_at(const struct maker *a, const struct maker *b, const char *steps)
{
	struct test_image ta = test_open_bytes(a->data, a->len);
	struct test_image tb = test_open_bytes(b->data, b->len);
	struct result r = compare_nodes(test_find(&ta, steps), test_find(&tb, steps));

	assert_no_errors(ta.image);
	assert_no_errors(tb.image);
	test_close(&ta);
	test_close(&tb);
	return r;
}

static struct result compare(const struct entry *a, size_t na, const struct entry *b, size_t nb)
{
	struct maker ma = make(a, na), mb = make(b, nb);
	struct result r = compare_at(&ma, &mb, "");

	free(ma.data);
	free(mb.data);
	return r;
}

#define COMPARE(a, b) compare(a, ARRAY_LEN(a), b, ARRAY_LEN(b))

static bool has(const struct result *r, const char *line)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->lines[i], line) == 0)
			return true;
	return false;
}

static void print_lines(const struct result *r)
{
	for (size_t i = 0; i < r->n; i++)
		print_error("%s\n", r->lines[i]);
}

static void assert_has(const struct result *r, const char *line)
{
	if (has(r, line))
		return;
	print_lines(r);
	fail_msg("no difference %s", line);
}

/* No line of that kind, but for those named. */
static void assert_only(const struct result *r, const char *kind, size_t n)
{
	char word[32];
	size_t found = 0;

	snprintf(word, sizeof(word), "|%s|", kind);
	for (size_t i = 0; i < r->n; i++)
		found += strstr(r->lines[i], word) != NULL;
	if (found != n) {
		print_lines(r);
		fail_msg("%zu differences %s, expected %zu", found, kind, n);
	}
}

/* ---- trees ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct entry base[] = {
	{ "",            'd', "",              0755 },
	{ "bin",         'd', "",              0755 },
	{ "bin/init",    'f', "the first",     0755 },
	{ "bin/logd",    'f', "the logger",    0755 },
	{ "etc",         'd', "",              0755 },
	{ "etc/rc",      'f', "run everything", 0644 },
	{ "etc/link",    'l', "../bin/init",   0777 },
};
/* clang-format on */

/* base with one entry exchanged */
static struct result with(size_t i, struct entry e)
{
	struct entry changed[ARRAY_LEN(base)];

	memcpy(changed, base, sizeof(base));
	changed[i] = e;
	return COMPARE(base, changed);
}

static void the_same_tree_is_identical(void **unused)
{
	struct result r = COMPARE(base, base);

	(void)unused;
	assert_true(r.sum.identical && r.sum.equivalent);
	assert_int_equal(r.n, 0);
}

static void changed_bytes_of_a_file_are_content(void **unused)
{
	struct result r = with(3, (struct entry){ "bin/logd", 'f', "the lodger", 0755 });

	(void)unused;
	assert_int_equal(r.n, 1);
	assert_has(&r, "/bin/logd|changed|content|||content");
	assert_int_equal(r.sum.differing, 1);
	assert_false(r.sum.equivalent);
}

static void a_longer_file_is_told_by_its_sizes(void **unused)
{
	struct result r = with(3, (struct entry){ "bin/logd", 'f', "the logger 2", 0755 });

	(void)unused;
	assert_has(&r, "/bin/logd|changed|content|10 bytes|12 bytes|content");
	assert_has(&r, "/bin/logd|changed|size|10|12|content");
	assert_int_equal(r.sum.unexplained, 0);
}

static void a_mode_is_of_the_tree(void **unused)
{
	struct result r = with(2, (struct entry){ "bin/init", 'f', "the first", 0700 });

	(void)unused;
	assert_int_equal(r.n, 1);
	assert_has(&r, "/bin/init|changed|mode|0755|0700|content");
	assert_false(r.sum.equivalent);
}

static void a_file_that_became_a_link_is_one_thing_that_changed(void **unused)
{
	struct result r = with(5, (struct entry){ "etc/rc", 'l', "run everything", 0644 });

	(void)unused;
	assert_has(&r, "/etc/rc|changed|role|file|symlink|content");
	assert_only(&r, "added", 0);
	assert_only(&r, "removed", 0);
	assert_false(r.sum.equivalent);
}

static void another_target_is_content(void **unused)
{
	struct result r = with(6, (struct entry){ "etc/link", 'l', "../bin/logd", 0777 });

	(void)unused;
	assert_has(&r, "/etc/link|changed|content|||content");
	assert_false(r.sum.equivalent);
}

static void a_renamed_file_has_moved(void **unused)
{
	struct result r = with(3, (struct entry){ "bin/journald", 'f', "the logger", 0755 });

	(void)unused;
	assert_has(&r, "/bin/logd|moved|path|/bin/logd|/bin/journald|content");
	assert_only(&r, "moved", 1);
	assert_only(&r, "added", 0);
	assert_only(&r, "removed", 0);
	assert_false(r.sum.equivalent);
}

static void a_renamed_and_changed_file_is_another_one(void **unused)
{
	struct result r = with(3, (struct entry){ "bin/journald", 'f', "the lodger", 0755 });

	(void)unused;
	assert_has(&r, "/bin/logd|removed||file||content");
	assert_has(&r, "/bin/journald|added|||file|content");
	assert_only(&r, "moved", 0);
}

static void empty_files_do_not_move(void **unused)
{
	struct entry a[ARRAY_LEN(base)], b[ARRAY_LEN(base)];
	struct result r;

	(void)unused;
	memcpy(a, base, sizeof(base));
	memcpy(b, base, sizeof(base));
	a[3] = (struct entry){ "bin/old", 'f', "", 0755 };
	b[3] = (struct entry){ "bin/new", 'f', "", 0755 };
	r = COMPARE(a, b);
	assert_only(&r, "moved", 0);
	assert_only(&r, "removed", 1);
	assert_only(&r, "added", 1);
}

static void a_renamed_directory_moves_as_a_whole(void **unused)
{
	static const struct entry moved[] = {
		{ "", 'd', "", 0755 },
		{ "sbin", 'd', "", 0755 },
		{ "sbin/init", 'f', "the first", 0755 },
		{ "sbin/logd", 'f', "the logger", 0700 },
		{ "etc", 'd', "", 0755 },
		{ "etc/rc", 'f', "run everything", 0644 },
		{ "etc/link", 'l', "../bin/init", 0777 },
	};
	struct result r = COMPARE(base, moved);

	(void)unused;
	assert_has(&r, "/bin|moved|path|/bin|/sbin|content");
	assert_only(&r, "moved", 1);
	assert_only(&r, "added", 0);
	assert_only(&r, "removed", 0);
	/* what is in it was compared nevertheless */
	assert_has(&r, "/bin/logd|changed|mode|0755|0700|content");
}

static void a_file_moves_out_of_a_directory_that_is_gone(void **unused)
{
	static const struct entry moved[] = {
		{ "", 'd', "", 0755 },
		{ "etc", 'd', "", 0755 },
		{ "etc/rc", 'f', "run everything", 0644 },
		{ "etc/link", 'l', "../bin/init", 0777 },
		{ "etc/init", 'f', "the first", 0755 },
	};
	struct result r = COMPARE(base, moved);

	(void)unused;
	assert_has(&r, "/bin|removed||dir||content");
	assert_has(&r, "/bin/init|moved|path|/bin/init|/etc/init|content");
	/* what is in it is gone with it */
	assert_only(&r, "removed", 1);
	assert_only(&r, "added", 0);
}

static void equal_files_are_paired_by_name_when_they_move(void **unused)
{
	static const struct entry a[] = {
		{ "", 'd', "", 0755 },         { "x", 'd', "", 0755 },
		{ "x/p", 'f', "same", 0644 },  { "x/q", 'f', "same", 0644 },
		{ "x/r", 'f', "other", 0644 },
	};
	static const struct entry b[] = {
		{ "", 'd', "", 0755 },           { "y", 'd', "", 0755 },
		{ "y/q", 'f', "same", 0644 },    { "y/p", 'f', "same", 0644 },
		{ "y/s", 'f', "another", 0644 },
	};
	struct result r = COMPARE(a, b);

	(void)unused;
	assert_has(&r, "/x/p|moved|path|/x/p|/y/p|content");
	assert_has(&r, "/x/q|moved|path|/x/q|/y/q|content");
	assert_has(&r, "/x|removed||dir||content");
	assert_has(&r, "/y|added|||dir|content");
	assert_int_equal(r.sum.unexplained, 0);
}

static void another_order_of_entries_is_ordering_and_equivalent(void **unused)
{
	static const struct entry swapped[] = {
		{ "", 'd', "", 0755 },
		{ "bin", 'd', "", 0755 },
		{ "bin/logd", 'f', "the logger", 0755 },
		{ "bin/init", 'f', "the first", 0755 },
		{ "etc", 'd', "", 0755 },
		{ "etc/rc", 'f', "run everything", 0644 },
		{ "etc/link", 'l', "../bin/init", 0777 },
	};
	struct result r = COMPARE(base, swapped);

	(void)unused;
	assert_has(&r, "/bin|changed|order|init|logd|ordering");
	assert_false(r.sum.identical);
	assert_true(r.sum.equivalent);
	assert_int_equal(r.sum.unexplained, 0);
	/* only what is stored elsewhere, and the places that say where */
	for (size_t i = 0; i < r.n; i++)
		assert_true(strstr(r.lines[i], "|placement") || strstr(r.lines[i], "|ordering"));
}

static void differences_come_depth_first_by_name(void **unused)
{
	struct entry changed[ARRAY_LEN(base)];
	struct result r;

	(void)unused;
	memcpy(changed, base, sizeof(base));
	for (size_t i = 0; i < ARRAY_LEN(base); i++)
		changed[i].mode ^= 1;
	r = COMPARE(base, changed);
	assert_int_equal(r.n, 7);
	assert_string_equal(r.lines[0], "/|changed|mode|0755|0754|content");
	assert_string_equal(r.lines[1], "/bin|changed|mode|0755|0754|content");
	assert_string_equal(r.lines[2], "/bin/init|changed|mode|0755|0754|content");
	assert_string_equal(r.lines[3], "/bin/logd|changed|mode|0755|0754|content");
	assert_string_equal(r.lines[4], "/etc|changed|mode|0755|0754|content");
	assert_string_equal(r.lines[5], "/etc/link|changed|mode|0777|0776|content");
	assert_string_equal(r.lines[6], "/etc/rc|changed|mode|0644|0645|content");
}

/* ---- directories ---------------------------------------------------------------------------- */

static void directories_are_compared_by_what_is_in_them(void **unused)
{
	struct entry changed[ARRAY_LEN(base)];
	struct maker a = make(base, ARRAY_LEN(base)), b;
	struct result r;

	(void)unused;
	memcpy(changed, base, sizeof(base));
	changed[3].text = "the lodger";
	b = make(changed, ARRAY_LEN(base));
	r = compare_at(&a, &b, "/bin");
	assert_int_equal(r.n, 1);
	assert_has(&r, "/logd|changed|content|||content");
	assert_false(r.sum.identical || r.sum.equivalent || r.sum.has_bytes);
	assert_int_equal(r.sum.compared, strlen("the first") + strlen("the logger"));
	assert_int_equal(r.sum.differing, 1);
	assert_int_equal(r.sum.explained, 1);
	r = compare_at(&a, &b, "/");
	assert_int_equal(r.n, 1);
	assert_has(&r, "/bin/logd|changed|content|||content");
	r = compare_at(&a, &b, "/etc");
	assert_true(r.sum.identical && r.sum.equivalent);
	assert_int_equal(r.n, 0);
	free(a.data);
	free(b.data);
}

/* Two directories of which the same part cannot be read are not known to be identical. */
static void unreadable_directories_are_not_identical(void **unused)
{
	struct test_image a = test_open_golden("broken/bitflip-tree", "/many");
	struct test_image b = test_open_golden("broken/bitflip-tree", "/many");
	struct result r = compare_nodes(a.node, b.node);

	(void)unused;
	assert_false(r.sum.identical);
	assert_false(r.sum.equivalent);
	assert_true(r.sum.unread > 0);
	test_close(&a);
	test_close(&b);
}

/* golden/broken/README.md: one bit of a list that leads to the inode of /many is flipped. */
static void what_cannot_be_read_is_not_said_to_be_gone(void **unused)
{
	struct test_image a = test_open_golden("tiny", "");
	struct test_image b = test_open_golden("broken/bitflip-tree", "");
	struct result r = compare_nodes(a.node, b.node);

	(void)unused;
	assert_has(&r, "/many|changed|content|readable|unreadable|content");
	assert_only(&r, "removed", 0);
	assert_false(r.sum.equivalent);
	assert_int_equal(r.sum.differing, 1);
	assert_int_equal(r.sum.explained, 1);
	test_close(&a);
	test_close(&b);
}

static void a_record_that_cannot_be_unpacked_is_different(void **unused)
{
	struct test_image a = test_open_golden("tiny", "");
	struct test_image b = test_open_golden("broken/compressed-garbage", "");
	struct result r = compare_nodes(a.node, b.node);

	(void)unused;
	assert_has(&r, "/etc/words|changed|content|||content");
	assert_false(r.sum.equivalent);
	test_close(&a);
	test_close(&b);
}

/* ---- misuse and trouble --------------------------------------------------------------------- */

static void assert_refused(struct rimg_node *a, struct rimg_node *b, int code)
{
	struct rimg_error err = { 0 };

	assert_null(rimg_diff_run(a, b, NULL, &err));
	assert_int_equal(err.code, code);
}

static void what_cannot_be_compared_is_refused(void **unused)
{
	struct maker m = make(base, ARRAY_LEN(base));
	struct test_image a = test_open_bytes(m.data, m.len), b = test_open_bytes(m.data, m.len);

	(void)unused;
	assert_refused(test_find(&a, "/bin"), test_find(&b, "/bin/init"), RIMG_E_ARG);
	assert_refused(test_find(&a, "/bin/logd"), test_find(&b, "/etc"), RIMG_E_ARG);
	assert_refused(test_find(&a, "/bin"), test_find(&a, "/etc"), RIMG_E_ARG);
	test_close(&a);
	test_close(&b);
	free(m.data);
}

static void a_damaged_file_is_not_compared(void **unused)
{
	struct test_image a = test_open_golden("broken/bitflip-data", "/boot/kernel");
	struct test_image b = test_open_golden("tiny", "/boot/kernel");

	(void)unused;
	assert_refused(a.node, b.node, RIMG_E_BAD);
	test_close(&a);
	test_close(&b);
}

static void a_file_that_changes_meanwhile_is_an_error(void **unused)
{
	struct maker m = make(base, ARRAY_LEN(base));
	char *dir = test_temp_dir(), path[256];
	struct test_image a, b = test_open_bytes(m.data, m.len);

	(void)unused;
	snprintf(path, sizeof(path), "%s/image", dir);
	test_save(path, m.data, m.len);
	a = test_open(path);
	test_save(path, m.data, m.len - 1);
	assert_refused(a.node, b.node, RIMG_E_IO);
	test_close(&a);
	a = test_open(path);
	test_save(path, m.data, m.len);
	assert_refused(a.node, b.node, RIMG_E_IO);
	test_close(&a);
	test_close(&b);
	test_remove_dir(dir);
	free(m.data);
}

static void a_tree_that_is_too_large_is_a_limit(void **unused)
{
	struct rimg_limits limits = rimg_limits_default();
	struct maker a = make(base, ARRAY_LEN(base)), b = make(base, ARRAY_LEN(base) - 1);
	struct test_image ta = test_open_bytes(a.data, a.len), tb = test_open_bytes(b.data, b.len);
	struct rimg_layer *l;

	(void)unused;
	/* opened before the limit counts, so that it is the comparison that meets it */
	assert_int_equal(node_open(ta.node, &l, NULL), 0);
	assert_int_equal(node_open(tb.node, &l, NULL), 0);
	limits.arena_bytes = 1000;
	ta.image->ctx->limits = limits;
	assert_refused(ta.node, tb.node, RIMG_E_LIMIT);
	test_close(&ta);
	test_close(&tb);
	free(a.data);
	free(b.data);
}

/* Files may be said to lie in the same bytes over and over. */
static void comparing_more_than_the_images_can_hold_is_a_limit(void **unused)
{
	struct entry changed[ARRAY_LEN(base)];
	struct maker a = make(base, ARRAY_LEN(base)), b;
	struct test_image ta, tb;
	struct rimg_layer *l;

	(void)unused;
	memcpy(changed, base, sizeof(base));
	changed[3].text = "the lodger";
	b = make(changed, ARRAY_LEN(base));
	ta = test_open_bytes(a.data, a.len);
	tb = test_open_bytes(b.data, b.len);
	assert_int_equal(node_open(ta.node, &l, NULL), 0);
	assert_int_equal(node_open(tb.node, &l, NULL), 0);
	ta.image->ctx->limits.read_factor = 0;
	ta.image->ctx->limits.read_extra = strlen("the logger") - 1;
	assert_refused(ta.node, tb.node, RIMG_E_LIMIT);
	ta.image->ctx->limits.read_extra++;
	assert_int_equal(compare_nodes(ta.node, tb.node).n, 1);
	test_close(&ta);
	test_close(&tb);
	free(a.data);
	free(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_tree_is_identical),
		cmocka_unit_test(changed_bytes_of_a_file_are_content),
		cmocka_unit_test(a_longer_file_is_told_by_its_sizes),
		cmocka_unit_test(a_mode_is_of_the_tree),
		cmocka_unit_test(a_file_that_became_a_link_is_one_thing_that_changed),
		cmocka_unit_test(another_target_is_content),
		cmocka_unit_test(a_renamed_file_has_moved),
		cmocka_unit_test(a_renamed_and_changed_file_is_another_one),
		cmocka_unit_test(empty_files_do_not_move),
		cmocka_unit_test(a_renamed_directory_moves_as_a_whole),
		cmocka_unit_test(a_file_moves_out_of_a_directory_that_is_gone),
		cmocka_unit_test(equal_files_are_paired_by_name_when_they_move),
		cmocka_unit_test(another_order_of_entries_is_ordering_and_equivalent),
		cmocka_unit_test(differences_come_depth_first_by_name),
		cmocka_unit_test(directories_are_compared_by_what_is_in_them),
		cmocka_unit_test(unreadable_directories_are_not_identical),
		cmocka_unit_test(what_cannot_be_read_is_not_said_to_be_gone),
		cmocka_unit_test(a_record_that_cannot_be_unpacked_is_different),
		cmocka_unit_test(what_cannot_be_compared_is_refused),
		cmocka_unit_test(a_damaged_file_is_not_compared),
		cmocka_unit_test(a_file_that_changes_meanwhile_is_an_error),
		cmocka_unit_test(a_tree_that_is_too_large_is_a_limit),
		cmocka_unit_test(comparing_more_than_the_images_can_hold_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
