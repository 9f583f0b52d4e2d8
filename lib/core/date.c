/* SPDX-License-Identifier: MIT */
#include "core/date.h"

/* Both ways count years that begin in March, so that the leap day comes last, in eras of 400 years,
 * which all have the same length. */
#define DAYS_OF_ERA    146097
#define MARCH_0000     719468 /* days from 0000-03-01 to 1970-01-01 */
#define SECONDS_OF_DAY 86400

/* Floor of a division whose divisor is positive. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct date date_of_seconds(int64_t s, struct clock_time *ret_time)
{
	int64_t days = floor_div(s, SECONDS_OF_DAY);
	unsigned left = (unsigned)(s - days * SECONDS_OF_DAY);
	int64_t z = days + MARCH_0000;
	int64_t era = floor_div(z, DAYS_OF_ERA);
	unsigned day_of_era = (unsigned)(z - era * DAYS_OF_ERA);
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */
	struct date d = { .day = day_of_year - (153 * month + 2) / 5 + 1,
			  .month = month < 10 ? month + 3 : month - 9 };

	d.year = era * 400 + year_of_era + (d.month <= 2);
	*ret_time = (struct clock_time){ .hour = left / 3600,
					 .minute = left / 60 % 60,
					 .second = left % 60 };
	return d;
}

int64_t date_to_days(struct date d)
{
	int64_t year = d.year - (d.month <= 2);
	int64_t era = floor_div(year, 400);
	int64_t year_of_era = year - era * 400;
	unsigned month = d.month > 2 ? d.month - 3 : d.month + 9;
	int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;

	return era * DAYS_OF_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - MARCH_0000;
}
