/* SPDX-License-Identifier: MIT */
#include "verify/base64.h"

#include <string.h>

#include "core/error.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum alphabet { EITHER, STANDARD, FOR_URLS };

/* The six bits of a character, and which alphabet has it; -1: none. */
static int value_of(char c, enum alphabet *ret)
{
	const char *found;

	*ret = EITHER;
	if (c == '-' || c == '_') {
		*ret = FOR_URLS;
		return c == '-' ? 62 : 63;
	}
	found = c ? strchr(standard, c) : NULL;
	if (!found)
		return -1;
	if (c == '+' || c == '/')
		*ret = STANDARD;
	return (int)(found - standard);
}

/* How many of the last four characters are padding. */
static size_t padding(const char *text, size_t len)
{
	if (len == 0 || text[len - 1] != '=')
		return 0;
	return text[len - 2] == '=' ? 2 : 1;
}

static int bad(struct rimg_error *err, size_t at, const char *why)
{
	return error_at(err, RIMG_E_BAD, NULL, at, "%s", why);
}

int base64_decode(struct arena *a, const char *text, size_t len, uint8_t **ret, size_t *ret_len,
		  struct rimg_error *err)
{
	enum alphabet used = EITHER, mine;
	size_t n_pad, n = 0;
	uint32_t bits = 0;
	unsigned n_bits = 0;
	uint8_t *out;

	if (len % 4 != 0)
		return bad(err, len,
			   "base64 whose length is no multiple of 4: it is cut short or "
			   "lacks its padding");
	n_pad = padding(text, len);
	out = arena_alloc(a, len / 4 * 3 + 1);
	if (!out)
		return error_nomem(err);
	for (size_t i = 0; i < len - n_pad; i++) {
		int value = value_of(text[i], &mine);

		if (value < 0)
			return bad(err, i, "a character that is not base64");
		if (mine != EITHER && used != EITHER && mine != used)
			return bad(err, i, "base64 that mixes the two alphabets");
		used = mine != EITHER ? mine : used;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (uint8_t)(bits >> n_bits);
			bits &= (1U << n_bits) - 1;
		}
	}
	if (bits != 0)
		return bad(err, len - n_pad - 1,
			   "base64 with bits behind its end that are not zero");
	*ret = out;
	*ret_len = n;
	return 0;
}

void base64_add(struct str *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = 0;
		char group[4];

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? p[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			group[k] = k <= n ? standard[bits >> (18 - 6 * k) & 63] : '=';
		str_add_len(s, group, sizeof(group));
	}
}
