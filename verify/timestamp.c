/* SPDX-License-Identifier: MIT */
#include "verify/timestamp.h"

#include <inttypes.h>
#include <string.h>

#include "core/date.h"

#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

/* @n digits; -1 if they are not. */
static int digits(const char *p, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

static bool parse_date(const char *text, int64_t *ret_s)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	struct clock_time t;
	struct date d, back;
	int64_t s;

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; i < sizeof(shape) - 1; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return false;
	d.year = digits(text, 4);
	d.month = (unsigned)digits(text + 5, 2);
	d.day = (unsigned)digits(text + 8, 2);
	t.hour = (unsigned)digits(text + 11, 2);
	t.minute = (unsigned)digits(text + 14, 2);
	t.second = (unsigned)digits(text + 17, 2);
	if (d.year < 1970 || d.month < 1 || d.month > 12 || d.day < 1 || t.hour > 23 ||
	    t.minute > 59 || t.second > 59)
		return false;
	s = date_to_days(d) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
	back = date_of_seconds(s, &t);
	if (back.month != d.month || back.day != d.day)
		return false;
	*ret_s = s;
	return true;
}

bool timestamp_parse(const char *text, int64_t *ret_s)
{
	uint64_t s;

	if (parse_date(text, ret_s))
		return true;
	if (!str_parse_u64(text, &s) || s > (uint64_t)LAST_SECOND)
		return false;
	*ret_s = (int64_t)s;
	return true;
}

void timestamp_add(struct str *out, int64_t s)
{
	struct clock_time t;
	struct date d = date_of_seconds(s, &t);

	str_printf(out, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02uZ", d.year, d.month, d.day, t.hour,
		   t.minute, t.second);
}
