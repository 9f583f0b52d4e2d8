/* SPDX-License-Identifier: MIT */
/* The law of completeness: whatever bytes of whatever image change, a comparison says that the two
 * differ, and gives every differing byte to exactly one difference. */
#include "test.h"

#include <rimg/diff.h>

#include "core/num.h"

#define NAMES_MAX 128

static uint64_t state = UINT64_C(0x1234567);

static uint64_t random_below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* ---- images --------------------------------------------------------------------------------- */

static char names[NAMES_MAX][64];
static size_t n_names;

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Every image of a folder of golden ones: "basic", "broken/links". */
static void list_images(const char *folder)
{
	DIR *d = opendir(test_golden_path(folder));
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len < 5 || strcmp(e->d_name + len - 4, ".img") != 0)
			continue;
		assert_true(n_names < NAMES_MAX);
		snprintf(names[n_names++], sizeof(names[0]), "%s%s%.*s", folder,
			 folder[0] ? "/" : "", (int)len - 4, e->d_name);
	}
	closedir(d);
	qsort(names, n_names, sizeof(names[0]), compare_names);
}

struct bytes {
	uint8_t *data;
	size_t len;
};

static struct bytes load(const char *name)
{
	struct bytes b;

	b.data = test_load(test_image_path(name), &b.len);
	return b;
}

static struct bytes copy_of(const struct bytes *b)
{
	struct bytes c = { malloc(b->len + 1), b->len };

	assert_non_null(c.data);
	memcpy(c.data, b->data, b->len);
	return c;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* What one comparison is held against. */
struct check {
	const struct bytes *a, *b;
	const char *what;
	uint8_t *owned; /* for each byte: belongs to a difference */
	uint64_t bytes; /* of all differences */
	uint64_t explained;
	bool coarse;
	size_t n;
	uint64_t wanted; /* a byte whose owner is looked for; UINT64_MAX: none */
	char path[256];  /* its owner */
	char field[64];
	char layer[16];
};

static bool differs_at(const struct check *c, uint64_t off)
{
	if (off >= c->a->len || off >= c->b->len)
		return true;
	return c->a->data[off] != c->b->data[off];
}

static void check_range(struct check *c, const struct rimg_difference *x,
			const struct rimg_diff_range *r)
{
	uint64_t off = r->a_off != RIMG_NO_OFFSET ? r->a_off : r->b_off;

	assert_true(r->len > 0);
	assert_int_equal(r->a_off == RIMG_NO_OFFSET, off >= c->a->len);
	assert_int_equal(r->b_off == RIMG_NO_OFFSET, off >= c->b->len);
	assert_true(r->a_off == RIMG_NO_OFFSET || num_in_range(off, r->len, c->a->len));
	assert_true(r->b_off == RIMG_NO_OFFSET || num_in_range(off, r->len, c->b->len));
	for (uint64_t i = off; !x->coarse && i < off + r->len; i++) {
		if (!differs_at(c, i))
			fail_msg("%s: \"%s\" %s: byte %llu does not differ", c->what, x->path,
				 x->field, (unsigned long long)i);
		if (c->owned[i]++)
			fail_msg("%s: byte %llu belongs to two differences, one is \"%s\" %s",
				 c->what, (unsigned long long)i, x->path, x->field);
	}
	if (c->wanted < off || c->wanted - off >= r->len)
		return;
	snprintf(c->path, sizeof(c->path), "%s", x->path);
	snprintf(c->field, sizeof(c->field), "%s", x->field ? x->field : "");
	snprintf(c->layer, sizeof(c->layer), "%s", x->layer);
}

static bool check_one(void *arg, const struct rimg_difference *x)
{
	struct check *c = arg;
	uint64_t bytes = 0, end = 0;

	c->n++;
	c->coarse |= x->coarse;
	c->bytes += x->bytes;
	if (x->cause != RIMG_CAUSE_UNEXPLAINED)
		c->explained += x->bytes;
	for (size_t i = 0; i < x->n_ranges; i++) {
		const struct rimg_diff_range *r = &x->ranges[i];
		uint64_t off = r->a_off != RIMG_NO_OFFSET ? r->a_off : r->b_off;

		assert_true(i == 0 || off >= end);
		check_range(c, x, r);
		end = off + r->len;
		bytes += r->len;
	}
	if (x->coarse)
		assert_true(bytes >= x->bytes);
	else if (bytes != x->bytes)
		fail_msg("%s: \"%s\" %s: %llu bytes in ranges, %llu counted", c->what, x->path,
			 x->field, (unsigned long long)bytes, (unsigned long long)x->bytes);
	return true;
}

static void check_totals(const struct check *c, const struct rimg_diff_summary *s)
{
	size_t longer = num_max(c->a->len, c->b->len);
	uint64_t differing = 0;

	for (size_t i = 0; i < longer; i++) {
		bool differs;

		while (i + 4096 < num_min(c->a->len, c->b->len) &&
		       memcmp(c->a->data + i, c->b->data + i, 4096) == 0)
			i += 4096;
		differs = differs_at(c, i);

		differing += differs;
		if (differs && !c->coarse && !c->owned[i])
			fail_msg("%s: byte %zu belongs to no difference", c->what, i);
	}
	assert_int_equal(s->differing, differing);
	assert_int_equal(s->identical, differing == 0);
	assert_int_equal(s->explained + s->unexplained, differing);
	assert_int_equal(s->differences, c->n);
	assert_int_equal(c->bytes, differing);
	assert_int_equal(c->explained, s->explained);
	assert_int_equal(s->compared, longer);
	assert_true(s->identical ? s->equivalent && c->n == 0 : c->n > 0);
}

/* Compare, and hold the result against a plain loop over the bytes. */
static struct check check_pair(const char *what, const struct bytes *a, const struct bytes *b,
			       uint64_t wanted, struct rimg_diff_summary *ret)
{
	struct test_image ta = test_open_bytes(a->data, a->len);
	struct test_image tb = test_open_bytes(b->data, b->len);
	struct check c = { .a = a, .b = b, .what = what, .wanted = wanted };
	struct rimg_error err;
	struct rimg_diff *d = rimg_diff_run(ta.node, tb.node, NULL, &err);

	if (!d)
		test_fail_error(what, &err);
	c.owned = calloc(1, num_max(a->len, b->len) + 1);
	assert_non_null(c.owned);
	assert_int_equal(rimg_diff_each(d, RIMG_CAUSES_ALL, check_one, &c), 0);
	check_totals(&c, rimg_diff_get_summary(d));
	if (ret)
		*ret = *rimg_diff_get_summary(d);
	rimg_diff_free(d);
	assert_null(ta.node->mark);
	assert_null(tb.node->mark);
	test_close(&ta);
	test_close(&tb);
	free(c.owned);
	c.owned = NULL;
	return c;
}

/* ---- flips ---------------------------------------------------------------------------------- */

/* Most bytes of an image are free: look for one that isn't zero now and then. */
static size_t choose_byte(const struct bytes *b)
{
	size_t off = random_below(b->len);

	if (random_below(4) == 0)
		return off;
	for (int tries = 0; tries < 3000 && b->data[off] == 0; tries++)
		off = random_below(b->len);
	return off;
}

static void flip(struct bytes *b, size_t off)
{
	b->data[off] ^= (uint8_t)(1 + random_below(255));
}

static void one_flipped_byte_is_one_byte_of_one_difference(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < n_names; i++) {
		struct bytes a = load(names[i]);
		int rounds = a.len > (32 << 20) ? 1 : a.len > (4 << 20) ? 3 : 8;

		for (int n = 0; n < rounds; n++) {
			struct bytes b = copy_of(&a);
			struct rimg_diff_summary sum;
			size_t off = choose_byte(&b);
			char what[128];

			snprintf(what, sizeof(what), "%.63s, byte %zu", names[i], off);
			flip(&b, off);
			check_pair(what, &a, &b, off, &sum);
			assert_int_equal(sum.differing, 1);
			free(b.data);
		}
		free(a.data);
	}
}

static void many_flipped_bytes_are_all_accounted_for(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < n_names; i++) {
		struct bytes a = load(names[i]), b = copy_of(&a);
		size_t start = random_below(a.len);

		for (int n = 0; n < 100; n++)
			flip(&b, choose_byte(&b));
		/* and a run over the edges of things */
		for (size_t n = 0; n < 20000 && start + n < b.len; n++)
			flip(&b, start + n);
		check_pair(names[i], &a, &b, UINT64_MAX, NULL);
		free(a.data);
		free(b.data);
	}
}

static void what_only_the_longer_has_is_accounted_for(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < n_names; i++) {
		struct bytes a = load(names[i]), b = copy_of(&a);

		b.len -= 1 + random_below(b.len - 1);
		flip(&b, choose_byte(&b));
		check_pair(names[i], &a, &b, UINT64_MAX, NULL);
		check_pair(names[i], &b, &a, UINT64_MAX, NULL);
		free(a.data);
		free(b.data);
	}
}

static void equal_images_are_identical(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < n_names; i++) {
		struct bytes a = load(names[i]), b = copy_of(&a);
		struct rimg_diff_summary sum;

		check_pair(names[i], &a, &b, UINT64_MAX, &sum);
		assert_true(sum.identical);
		free(a.data);
		free(b.data);
	}
}

static void different_images_are_accounted_for(void **unused)
{
	(void)unused;
	for (size_t i = 1; i < n_names; i++) {
		struct bytes a = load(names[i - 1]), b = load(names[i]);

		check_pair(names[i], &a, &b, UINT64_MAX, NULL);
		free(a.data);
		free(b.data);
	}
}

static void nothing_is_identical_to_an_empty_file(void **unused)
{
	struct bytes a = load("initfs-plain"), b = { NULL, 0 };
	struct rimg_diff_summary sum;

	(void)unused;
	check_pair("empty", &a, &b, UINT64_MAX, &sum);
	assert_int_equal(sum.differing, a.len);
	check_pair("empty", &b, &a, UINT64_MAX, &sum);
	check_pair("both empty", &b, &b, UINT64_MAX, &sum);
	assert_true(sum.identical);
	free(a.data);
}

/* ---- the right node ------------------------------------------------------------------------- */

/* Offsets as the UEFI specification lays them out, for disk-installer's three partitions. */
static void a_byte_of_a_partition_table_is_in_its_field(void **unused)
{
	static const struct {
		uint64_t off;
		const char *path, *field;
	} table[] = {
		{ 512 + 56, "header", "disk_guid" },
		{ 512 + 71, "header", "disk_guid" },
		{ 512 + 16, "header", "header_crc32" },
		{ 512 + 88, "header", "entries_crc32" },
		{ 1024 + 0 * 128 + 16, "BIOS", "unique_guid" },
		{ 1024 + 1 * 128 + 31, "EFI", "unique_guid" },
		{ 1024 + 2 * 128 + 0, "REDOX", "type_guid" },
		{ 1024 + 2 * 128 + 48, "REDOX", "attributes" },
		{ (131072 - 1) * 512 + 56, "backup header", "disk_guid" },
		{ (131072 - 33) * 512 + 128 + 16, "EFI", "backup.unique_guid" },
	};
	struct bytes a = load("disk-installer");

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct bytes b = copy_of(&a);
		struct check c;

		flip(&b, table[i].off);
		c = check_pair("disk-installer", &a, &b, table[i].off, NULL);
		assert_string_equal(c.path, table[i].path);
		assert_string_equal(c.field, table[i].field);
		assert_string_equal(c.layer, "gpt");
		free(b.data);
	}
	free(a.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flipped_byte_is_one_byte_of_one_difference),
		cmocka_unit_test(many_flipped_bytes_are_all_accounted_for),
		cmocka_unit_test(what_only_the_longer_has_is_accounted_for),
		cmocka_unit_test(equal_images_are_identical),
		cmocka_unit_test(different_images_are_accounted_for),
		cmocka_unit_test(nothing_is_identical_to_an_empty_file),
		cmocka_unit_test(a_byte_of_a_partition_table_is_in_its_field),
	};

	print_message("seed 0x1234567\n");
	list_images("");
	list_images("broken");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
