/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/rd.h"

#include "random.h"

static const uint8_t count[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void numbers_are_little_endian(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_le16(&r), 0x0302);
	assert_int_equal(rd_le32(&r), 0x07060504);
	assert_int_equal(rd_le64(&r), UINT64_C(0x0f0e0d0c0b0a0908));
	assert_int_equal(rd_left(&r), 1);
	assert_false(r.failed);
}

static void numbers_follow_the_byte_order_that_is_set(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);

	(void)state;
	r.big = true;
	assert_int_equal(rd_u16(&r), 0x0102);
	assert_int_equal(rd_u32(&r), 0x03040506);
	assert_int_equal(rd_u64(&r), UINT64_C(0x0708090a0b0c0d0e));
	assert_int_equal(rd_le16(&r), 0x100f);
	rd_seek(&r, 0);
	r.big = false;
	assert_int_equal(rd_u16(&r), 0x0201);
	assert_int_equal(rd_u32(&r), 0x06050403);
	assert_int_equal(rd_u64(&r), UINT64_C(0x0e0d0c0b0a090807));
}

static void numbers_of_odd_lengths_are_read(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);

	(void)state;
	assert_int_equal(rd_le(&r, 3), 0x030201);
	assert_int_equal(rd_be(&r, 3), 0x040506);
	assert_int_equal(rd_le(&r, 0), 0);
	assert_int_equal(r.pos, 6);
}

static void the_highest_bits_survive(void **state)
{
	static const uint8_t ones[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct rd r = rd_init(ones, sizeof(ones), 0);

	(void)state;
	assert_int_equal(rd_le64(&r), UINT64_MAX);
	rd_seek(&r, 0);
	assert_int_equal(rd_be(&r, 8), UINT64_MAX);
	rd_seek(&r, 0);
	assert_int_equal(rd_le32(&r), UINT32_MAX);
}

/* Each reader at the last position where it fits, and one byte further. */
static void each_reader_stops_at_the_end(void **state)
{
	static const size_t lens[] = { 1, 2, 4, 8 };

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		for (size_t back = lens[k] - 1; back <= lens[k]; back++) {
			struct rd r = rd_init(count, sizeof(count), 0);
			uint64_t v;

			rd_seek(&r, sizeof(count) - back);
			v = k == 0   ? rd_u8(&r)
			    : k == 1 ? rd_le16(&r)
			    : k == 2 ? rd_le32(&r)
				     : rd_le64(&r);
			assert_int_equal(r.failed, back < lens[k]);
			assert_int_equal(v != 0, back == lens[k]);
			assert_int_equal(rd_left(&r), 0);
		}
	}
}

static void nothing_can_be_read_after_a_failure(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);
	uint8_t copy[4] = { 9, 9, 9, 9 };

	(void)state;
	rd_skip(&r, 17);
	assert_true(r.failed);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_le64(&r), 0);
	assert_null(rd_bytes(&r, 1));
	rd_copy(&r, copy, sizeof(copy));
	assert_memory_equal(copy, "\0\0\0\0", 4);
	rd_seek(&r, 0);
	assert_true(r.failed);
	assert_int_equal(rd_left(&r), 0);
	assert_true(rd_sub(&r, 0, 1).failed);
	assert_int_equal(rd_where(&r), 0);
}

static void huge_lengths_do_not_wrap_around(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);

	(void)state;
	rd_skip(&r, 8);
	assert_null(rd_bytes(&r, SIZE_MAX));
	assert_true(r.failed);
	r = rd_init(count, sizeof(count), 0);
	rd_seek(&r, UINT64_MAX);
	assert_true(r.failed);
	r = rd_init(count, sizeof(count), 0);
	assert_true(rd_sub(&r, UINT64_MAX, 2).failed);
	assert_true(rd_sub(&r, 2, UINT64_MAX).failed);
	assert_true(rd_sub(&r, UINT64_MAX, UINT64_MAX).failed);
	assert_false(r.failed);
}

static void a_cursor_over_a_part_sees_only_that(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 1000);
	struct rd sub;

	(void)state;
	r.big = true;
	rd_skip(&r, 3);
	sub = rd_sub(&r, 4, 2);
	assert_false(sub.failed);
	assert_true(sub.big);
	assert_int_equal(rd_where(&sub), 1004);
	assert_int_equal(rd_u16(&sub), 0x0506);
	assert_int_equal(rd_u8(&sub), 0);
	assert_true(sub.failed);
	assert_int_equal(rd_where(&r), 1003);
	/* the last good one and the first bad one */
	assert_false(rd_sub(&r, 16, 0).failed);
	assert_false(rd_sub(&r, 15, 1).failed);
	assert_true(rd_sub(&r, 15, 2).failed);
	assert_true(rd_sub(&r, 17, 0).failed);
}

static void seeking_to_the_end_is_fine_and_further_is_not(void **state)
{
	struct rd r = rd_init(count, sizeof(count), 0);

	(void)state;
	rd_seek(&r, 16);
	assert_false(r.failed);
	assert_int_equal(rd_left(&r), 0);
	rd_seek(&r, 17);
	assert_true(r.failed);
}

static void an_empty_buffer_has_nothing_but_is_no_failure(void **state)
{
	struct rd r = rd_init(NULL, 0, 7);
	uint8_t to = 1;

	(void)state;
	assert_int_equal(rd_left(&r), 0);
	assert_non_null(rd_bytes(&r, 0));
	rd_copy(&r, &to, 0);
	assert_int_equal(to, 1);
	assert_false(rd_sub(&r, 0, 0).failed);
	assert_false(r.failed);
	assert_int_equal(rd_where(&r), 7);
	assert_int_equal(rd_u8(&r), 0);
	assert_true(r.failed);
}

/* What a cursor should do, written once more with plain indices. */
static void random_steps_agree_with_an_array(void **state)
{
	struct test_random rnd = test_random_start("rd");
	uint8_t data[40];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len = test_random_below(&rnd, sizeof(data) + 1), pos = 0;
		struct rd r = rd_init(data, len, 5);
		bool failed = false;

		test_random_fill(&rnd, data, sizeof(data));
		for (int step = 0; step < 20; step++) {
			size_t n = test_random_below(&rnd, 9);
			uint64_t want = 0, got;

			if (test_random_one_in(&rnd, 6)) {
				size_t to = test_random_below(&rnd, len + 2);

				rd_seek(&r, to);
				failed |= to > len;
				pos = failed ? pos : to;
				continue;
			}
			failed |= pos + n > len;
			for (size_t i = 0; i < n && !failed; i++)
				want |= (uint64_t)data[pos + i] << (8 * i);
			got = rd_le(&r, n);
			pos += failed ? 0 : n;
			assert_int_equal(got, want);
			assert_int_equal(r.failed, failed);
			assert_int_equal(rd_left(&r), failed ? 0 : len - pos);
			assert_int_equal(rd_where(&r), 5 + pos);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(numbers_follow_the_byte_order_that_is_set),
		cmocka_unit_test(numbers_of_odd_lengths_are_read),
		cmocka_unit_test(the_highest_bits_survive),
		cmocka_unit_test(each_reader_stops_at_the_end),
		cmocka_unit_test(nothing_can_be_read_after_a_failure),
		cmocka_unit_test(huge_lengths_do_not_wrap_around),
		cmocka_unit_test(a_cursor_over_a_part_sees_only_that),
		cmocka_unit_test(seeking_to_the_end_is_fine_and_further_is_not),
		cmocka_unit_test(an_empty_buffer_has_nothing_but_is_no_failure),
		cmocka_unit_test(random_steps_agree_with_an_array),
	};

	return cmocka_run_group_tests_name("rd", tests, NULL, NULL);
}
