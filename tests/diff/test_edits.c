/* SPDX-License-Identifier: MIT */
/* The shortest way from one list to another, held against a table of all ways. */
#include "test.h"
#include "random.h"

#include "diff/edits.h"

#define LEN_MAX 24

/* Length of the longest common subsequence, by the textbook. */
static size_t common(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b)
{
	size_t best[LEN_MAX + 1][LEN_MAX + 1] = { 0 };

	for (size_t i = 1; i <= n_a; i++)
		for (size_t j = 1; j <= n_b; j++) {
			size_t up = best[i - 1][j], left = best[i][j - 1];

			best[i][j] = up > left ? up : left;
			if (a[i - 1] == b[j - 1])
				best[i][j] = best[i - 1][j - 1] + 1;
		}
	return best[n_a][n_b];
}

/* Between the edits all is equal, they ascend and none is empty; returns items put in or taken out.
 */
static size_t check(const uint64_t *a, size_t n_a, const uint64_t *b, size_t n_b,
		    const struct edits *e)
{
	size_t i = 0, j = 0, cost = 0;

	for (size_t n = 0; n <= e->n; n++) {
		size_t end = n < e->n ? e->items[n].a : n_a;

		assert_in_range(end, i, n_a);
		for (; i < end; i++, j++) {
			assert_true(j < n_b);
			assert_int_equal(a[i], b[j]);
		}
		if (n == e->n)
			break;
		assert_int_equal(e->items[n].b, j);
		assert_true(e->items[n].n_a + e->items[n].n_b > 0);
		cost += e->items[n].n_a + e->items[n].n_b;
		i += e->items[n].n_a;
		j += e->items[n].n_b;
	}
	assert_int_equal(i, n_a);
	assert_int_equal(j, n_b);
	return cost;
}

static void edits_are_the_fewest(void **unused)
{
	struct test_random r = test_random_start("edits");

	(void)unused;
	for (int round = 0; round < 20000; round++) {
		uint64_t a[LEN_MAX], b[LEN_MAX];
		size_t n_a = test_random_below(&r, LEN_MAX + 1);
		size_t n_b = test_random_below(&r, LEN_MAX + 1);
		uint64_t kinds = 1 + test_random_below(&r, 8);
		struct edits e;

		for (size_t i = 0; i < n_a; i++)
			a[i] = test_random_below(&r, kinds);
		for (size_t i = 0; i < n_b; i++)
			b[i] = test_random_below(&r, kinds);
		assert_int_equal(edits_find(a, n_a, b, n_b, EDITS_MAX, &e), 0);
		assert_false(e.coarse);
		assert_int_equal(check(a, n_a, b, n_b, &e), n_a + n_b - 2 * common(a, n_a, b, n_b));
		edits_done(&e);
	}
}

/* A thousand items are found one by one, one more is told as coarse. */
static void more_than_a_thousand_edits_are_coarse(void **unused)
{
	static uint64_t a[4000], b[4000];

	(void)unused;
	for (size_t n = 500; n <= 501; n++) {
		struct edits e;
		size_t cost;

		for (size_t i = 0; i < 4000; i++)
			a[i] = b[i] = i;
		for (size_t i = 0; i < n; i++)
			b[i * 7] = 10000 + i;
		assert_int_equal(edits_find(a, 4000, b, 4000, EDITS_MAX, &e), 0);
		cost = check(a, 4000, b, 4000, &e);
		assert_int_equal(e.coarse, n > 500);
		assert_int_equal(e.n, n > 500 ? 1 : n);
		assert_true(cost >= 2 * n);
		edits_done(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_are_the_fewest),
		cmocka_unit_test(more_than_a_thousand_edits_are_coarse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
