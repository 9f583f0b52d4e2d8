/* SPDX-License-Identifier: MIT */
#include "core/toml.h"

#include "core/error.h"

#define FRACTION_ONE UINT64_C(1000000)

/* The decimal digits of a value are rounded to nine behind the point, so that what was written as
 * six digits is these six again; @text is what json-c prints, 17 digits. */
static bool read_fraction(const char *text, uint32_t *ret)
{
	uint64_t value = 0, digits = 0;
	const char *p = text + 1;

	if ((text[0] != '0' && text[0] != '1') || (text[1] != '\0' && text[1] != '.'))
		return false;
	value = (uint64_t)(text[0] - '0');
	for (p += text[1] == '.'; digits < 9; digits++) {
		value *= 10;
		if (*p >= '0' && *p <= '9')
			value += (uint64_t)(*p++ - '0');
	}
	if (*p >= '5' && *p <= '9')
		value++;
	while (*p >= '0' && *p <= '9')
		p++;
	if (*p != '\0' || value > FRACTION_ONE * 1000 || value % 1000 != 0)
		return false;
	*ret = (uint32_t)(value / 1000);
	return true;
}

int toml_get_fraction(struct json_object *table, const char *path, const char *key, uint32_t *ret,
		      struct rimg_error *err)
{
	struct json_object *member;
	const char *text;

	if (!json_object_object_get_ex(table, key, &member))
		return 0;
	text = member ? json_object_get_string(member) : "null";
	if (!text)
		return error_nomem(err);
	if ((json_object_is_type(member, json_type_double) ||
	     json_object_is_type(member, json_type_int)) &&
	    read_fraction(text, ret))
		return 1;
	return json_error(err, RIMG_E_BAD, json_place_of(member ? member : table),
			  "%s %s: expected 0, or 0.0001 to 1 with at most six digits, found %s",
			  path, key, text);
}
