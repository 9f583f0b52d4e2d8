/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <time.h>

#include "core/date.h"

/* The C library's own calendar is the second source. */
static void agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t s = -INT64_C(62135596800); s < INT64_C(253402300800); s += 86400 * 13 + 3661) {
		struct clock_time t;
		struct date d = date_of_seconds(s, &t);
		time_t when = (time_t)s;
		struct tm tm;

		assert_non_null(gmtime_r(&when, &tm));
		assert_int_equal(d.year, tm.tm_year + 1900);
		assert_int_equal(d.month, tm.tm_mon + 1);
		assert_int_equal(d.day, tm.tm_mday);
		assert_int_equal(t.hour, tm.tm_hour);
		assert_int_equal(t.minute, tm.tm_min);
		assert_int_equal(t.second, tm.tm_sec);
	}
}

static void days_of_a_date_lead_back_to_it(void **state)
{
	(void)state;
	for (int64_t day = -800000; day < 3000000; day += 7) {
		struct clock_time t;

		assert_int_equal(date_to_days(date_of_seconds(day * 86400, &t)), day);
	}
}

static void the_ends_of_time_do_not_overflow(void **state)
{
	struct clock_time t;

	(void)state;
	assert_int_equal(date_of_seconds(INT64_MAX, &t).year, INT64_C(292277026596));
	assert_int_equal(date_of_seconds(INT64_MIN, &t).year, -INT64_C(292277022657));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(days_of_a_date_lead_back_to_it),
		cmocka_unit_test(the_ends_of_time_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
