/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/num.h"

#include "random.h"

/* Sums and products are compared with those of wider numbers, which machines of 32 bits do not
 * have. */
#ifdef __SIZEOF_INT128__

/* Numbers where things go wrong, and some between. */
static uint64_t edgy(struct test_random *rnd)
{
	uint64_t near = UINT64_C(1) << test_random_below(rnd, 64);

	switch (test_random_below(rnd, 4)) {
	case 0: return near + test_random_below(rnd, 3) - 1;
	case 1: return UINT64_MAX - test_random_below(rnd, 3);
	case 2: return test_random_below(rnd, 3);
	default: return test_random_next(rnd);
	}
}

static void sums_and_products_agree_with_wider_numbers(void **state)
{
	struct test_random rnd = test_random_start("num");

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t a = edgy(&rnd), b = edgy(&rnd), got = 77;
		unsigned __int128 sum = (unsigned __int128)a + b,
				  product = (unsigned __int128)a * b;

		assert_int_equal(num_add(a, b, &got), sum <= UINT64_MAX);
		assert_int_equal(got, sum <= UINT64_MAX ? (uint64_t)sum : 77);
		got = 77;
		assert_int_equal(num_mul(a, b, &got), product <= UINT64_MAX);
		assert_int_equal(got, product <= UINT64_MAX ? (uint64_t)product : 77);
	}
}

static void rounding_up_agrees_with_wider_numbers(void **state)
{
	struct test_random rnd = test_random_start("num");

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t a = edgy(&rnd), step = UINT64_C(1) << test_random_below(&rnd, 64);
		unsigned __int128 up = ((unsigned __int128)a + step - 1) / step * step;
		uint64_t got = 77;

		assert_int_equal(num_align_up(a, step, &got), up <= UINT64_MAX);
		assert_int_equal(got, up <= UINT64_MAX ? (uint64_t)up : 77);
	}
}

static void ranges_agree_with_wider_numbers(void **state)
{
	struct test_random rnd = test_random_start("num");

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t off = edgy(&rnd), len = edgy(&rnd), size = edgy(&rnd);

		if (test_random_one_in(&rnd, 3))
			size = off + len;
		assert_int_equal(num_in_range(off, len, size),
				 (unsigned __int128)off + len <= size);
	}
}
#endif /* __SIZEOF_INT128__ */

static void an_empty_range_at_the_end_is_inside(void **state)
{
	(void)state;
	assert_true(num_in_range(10, 0, 10));
	assert_true(num_in_range(0, 10, 10));
	assert_true(num_in_range(0, 0, 0));
	assert_false(num_in_range(11, 0, 10));
	assert_false(num_in_range(10, 1, 10));
	assert_true(num_in_range(UINT64_MAX, 0, UINT64_MAX));
	assert_false(num_in_range(1, UINT64_MAX, UINT64_MAX));
}

static void the_smaller_and_the_larger_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(num_min(1, UINT64_MAX), 1);
	assert_int_equal(num_min(UINT64_MAX, 1), 1);
	assert_int_equal(num_max(1, UINT64_MAX), UINT64_MAX);
	assert_int_equal(num_max(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(num_min(5, 5), 5);
	assert_int_equal(num_max(5, 5), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __SIZEOF_INT128__
		cmocka_unit_test(sums_and_products_agree_with_wider_numbers),
		cmocka_unit_test(rounding_up_agrees_with_wider_numbers),
		cmocka_unit_test(ranges_agree_with_wider_numbers),
#endif
		cmocka_unit_test(an_empty_range_at_the_end_is_inside),
		cmocka_unit_test(the_smaller_and_the_larger_are_told_apart),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
