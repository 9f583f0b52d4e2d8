/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/wr.h"

#include "random.h"

static void numbers_are_little_endian(void **state)
{
	static const uint8_t want[] = { 0xab, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0xef,
					0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01 };
	uint8_t buf[sizeof(want)];
	struct wr w = wr_init(buf, sizeof(buf));

	(void)state;
	wr_u8(&w, 0xab);
	wr_le16(&w, 0x1234);
	wr_le32(&w, 0x12345678);
	wr_le64(&w, UINT64_C(0x0123456789abcdef));
	assert_false(w.failed);
	assert_int_equal(w.pos, sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
}

static void what_does_not_fit_is_dropped_whole(void **state)
{
	uint8_t buf[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wr w = wr_init(buf, 4);

	(void)state;
	wr_u8(&w, 0xff);
	wr_le32(&w, 0);
	assert_true(w.failed);
	assert_int_equal(w.pos, 1);
	assert_memory_equal(buf, "\xff\2\3\4\5\6\7\10", 8);
	/* it stays so, even for what would fit */
	wr_u8(&w, 0);
	wr_zero(&w, 1);
	wr_bytes(&w, "x", 1);
	wr_seek(&w, 0);
	assert_true(w.failed);
	assert_memory_equal(buf, "\xff\2\3\4\5\6\7\10", 8);
}

static void the_last_byte_can_be_written(void **state)
{
	uint8_t buf[4] = { 0 };
	struct wr w = wr_init(buf, sizeof(buf));

	(void)state;
	wr_seek(&w, 2);
	wr_le16(&w, 0x0102);
	assert_false(w.failed);
	assert_memory_equal(buf, "\0\0\2\1", 4);
	wr_seek(&w, 4);
	assert_false(w.failed);
	wr_seek(&w, 5);
	assert_true(w.failed);
}

static void huge_lengths_do_not_wrap_around(void **state)
{
	uint8_t buf[4] = { 0 };
	struct wr w = wr_init(buf, sizeof(buf));

	(void)state;
	wr_seek(&w, 2);
	wr_zero(&w, SIZE_MAX);
	assert_true(w.failed);
	w = wr_init(buf, sizeof(buf));
	wr_seek(&w, 2);
	wr_bytes(&w, buf, SIZE_MAX - 1);
	assert_true(w.failed);
}

static void a_number_of_more_than_eight_bytes_is_refused(void **state)
{
	uint8_t buf[16] = { 0 };
	struct wr w = wr_init(buf, sizeof(buf));

	(void)state;
	wr_le(&w, UINT64_MAX, 9);
	assert_true(w.failed);
	assert_int_equal(w.pos, 0);
	assert_int_equal(buf[0], 0);
}

static void nothing_fits_into_an_empty_buffer_but_nothing(void **state)
{
	struct wr w = wr_init(NULL, 0);

	(void)state;
	wr_bytes(&w, NULL, 0);
	wr_zero(&w, 0);
	wr_seek(&w, 0);
	assert_false(w.failed);
	wr_u8(&w, 1);
	assert_true(w.failed);
}

static void zeros_are_written(void **state)
{
	uint8_t buf[4] = { 1, 1, 1, 1 };
	struct wr w = wr_init(buf, sizeof(buf));

	(void)state;
	wr_seek(&w, 1);
	wr_zero(&w, 2);
	assert_int_equal(w.pos, 3);
	assert_memory_equal(buf, "\1\0\0\1", 4);
}

static void random_steps_agree_with_an_array(void **state)
{
	struct test_random rnd = test_random_start("wr");

	(void)state;
	for (int round = 0; round < 2000; round++) {
		uint8_t buf[40] = { 0 }, want[40] = { 0 };
		size_t len = test_random_below(&rnd, sizeof(buf) + 1), pos = 0;
		struct wr w = wr_init(buf, len);
		bool failed = false;

		for (int step = 0; step < 12; step++) {
			uint64_t value = test_random_next(&rnd);
			size_t n = test_random_below(&rnd, 9);

			failed |= n > len - pos;
			for (size_t i = 0; i < n && !failed; i++)
				want[pos + i] = (uint8_t)(value >> (8 * i));
			pos += failed ? 0 : n;
			wr_le(&w, value, n);
			assert_int_equal(w.failed, failed);
			assert_int_equal(w.pos, pos);
		}
		assert_memory_equal(buf, want, sizeof(buf));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_little_endian),
		cmocka_unit_test(what_does_not_fit_is_dropped_whole),
		cmocka_unit_test(the_last_byte_can_be_written),
		cmocka_unit_test(huge_lengths_do_not_wrap_around),
		cmocka_unit_test(a_number_of_more_than_eight_bytes_is_refused),
		cmocka_unit_test(nothing_fits_into_an_empty_buffer_but_nothing),
		cmocka_unit_test(zeros_are_written),
		cmocka_unit_test(random_steps_agree_with_an_array),
	};

	return cmocka_run_group_tests_name("wr", tests, NULL, NULL);
}
