/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/mem.h"
#include "core/num.h"
#include "formats/redoxfs_read.h"
#include "random.h"

/* Sets of block numbers against an array of flags. */

#define N (3 * BLOCKSET_LEAF + 77)

struct pair {
	struct arena arena;
	struct blockset set;
	bool flag[N];
};

static struct pair *pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	arena_init(&p->arena, 0);
	assert_int_equal(blockset_init(&p->set, &p->arena, N), 0);
	return p;
}

static void pair_free(struct pair *p)
{
	arena_done(&p->arena);
	free(p);
}

static void put(struct pair *p, uint64_t from, uint64_t len, bool in)
{
	assert_int_equal(blockset_put(&p->set, from, len, in), 0);
	for (uint64_t i = from; i < from + len; i++)
		p->flag[i] = in;
}

static void compare_count(const struct pair *p, uint64_t from, uint64_t len)
{
	uint64_t n = 0;

	for (uint64_t i = from; i < from + len; i++)
		n += p->flag[i];
	assert_int_equal(blockset_count(&p->set, from, len), n);
}

static void compare_next(const struct pair *p, uint64_t from, bool in)
{
	uint64_t i = from;

	while (i < N && p->flag[i] != in)
		i++;
	assert_int_equal(blockset_next(&p->set, from, in), i);
}

static void compare_all(const struct pair *p)
{
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(blockset_has(&p->set, i), p->flag[i]);
}

static void a_new_set_is_empty(void **state)
{
	struct pair *p = pair_new();

	(void)state;
	compare_all(p);
	compare_count(p, 0, N);
	compare_next(p, 0, true);
	compare_next(p, 0, false);
	pair_free(p);
}

static void a_set_of_nothing_has_no_next(void **state)
{
	struct arena a;
	struct blockset s;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(blockset_init(&s, &a, 0), 0);
	assert_int_equal(blockset_next(&s, 0, true), 0);
	assert_int_equal(blockset_next(&s, 0, false), 0);
	assert_int_equal(blockset_count(&s, 0, 0), 0);
	arena_done(&a);
}

static void ranges_begin_and_end_at_words_and_leaves_and_beside_them(void **state)
{
	static const uint64_t edges[] = { 0,    1,    63,   64,   65,    4095, 4096,
					  4097, 8191, 8192, 8193, N - 1, N };

	(void)state;
	for (size_t a = 0; a < ARRAY_LEN(edges); a++) {
		for (size_t b = a; b < ARRAY_LEN(edges); b++) {
			struct pair *p = pair_new();

			put(p, edges[a], edges[b] - edges[a], true);
			compare_all(p);
			compare_count(p, 0, N);
			compare_next(p, 0, true);
			compare_next(p, edges[a], false);
			put(p, edges[a] + (edges[b] - edges[a]) / 2, (edges[b] - edges[a]) / 2,
			    false);
			compare_all(p);
			pair_free(p);
		}
	}
}

static void any_sequence_of_changes_is_as_with_flags(void **state)
{
	struct test_random r = test_random_start("changes");
	struct pair *p = pair_new();

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t from = test_random_below(&r, N);
		uint64_t len = test_random_below(&r, N - from + 1);

		if (test_random_one_in(&r, 2))
			len = num_min(len, test_random_below(&r, 100));
		put(p, from, len, test_random_one_in(&r, 2));
		from = test_random_below(&r, N);
		compare_count(p, from, test_random_below(&r, N - from + 1));
		compare_next(p, from, true);
		compare_next(p, from, false);
	}
	compare_all(p);
	pair_free(p);
}

static void a_huge_set_that_is_full_costs_little(void **state)
{
	struct arena a;
	struct blockset s;

	(void)state;
	arena_init(&a, 0);
	/* 64 TiB of blocks */
	assert_int_equal(blockset_init(&s, &a, UINT64_C(1) << 34), 0);
	assert_int_equal(blockset_put(&s, 5, (UINT64_C(1) << 34) - 10, true), 0);
	assert_int_equal(blockset_count(&s, 0, UINT64_C(1) << 34), (UINT64_C(1) << 34) - 10);
	assert_int_equal(blockset_next(&s, 5, false), (UINT64_C(1) << 34) - 5);
	assert_true(a.used < 40 << 20);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_set_is_empty),
		cmocka_unit_test(a_set_of_nothing_has_no_next),
		cmocka_unit_test(ranges_begin_and_end_at_words_and_leaves_and_beside_them),
		cmocka_unit_test(any_sequence_of_changes_is_as_with_flags),
		cmocka_unit_test(a_huge_set_that_is_full_costs_little),
	};

	return cmocka_run_group_tests_name("redoxfs_blocks", tests, NULL, NULL);
}
