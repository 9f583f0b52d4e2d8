/* SPDX-License-Identifier: MIT */
#ifndef CORE_DATE_H
#define CORE_DATE_H

#include <stdint.h>

/* Dates of the proleptic Gregorian calendar, without the host's clock, zone or locale. */

/** struct date - @month 1..12, @day 1..31 */
struct date {
	int64_t year;
	unsigned month;
	unsigned day;
};

/** struct clock_time - time of day, UTC */
struct clock_time {
	unsigned hour;
	unsigned minute;
	unsigned second;
};

/** date_of_seconds - date and time of @s seconds since 1970 UTC, before it if negative */
struct date date_of_seconds(int64_t s, struct clock_time *ret_time);

/** date_to_days - days from 1970-01-01 to a date whose year is within +-10^15; day 31 of a month
 * that has 30 is the first of the next */
int64_t date_to_days(struct date d);

#endif
