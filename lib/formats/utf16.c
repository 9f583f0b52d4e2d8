/* SPDX-License-Identifier: MIT */
#include "formats/utf16.h"

#include "core/str.h"

static size_t put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t utf16_to_utf8(const uint16_t *units, size_t n, char *out, bool *ret_bad)
{
	size_t len = 0;
	bool bad = false;

	for (size_t i = 0; i < n; i++) {
		uint32_t c = units[i];

		if (c >= 0xd800 && c < 0xdc00 && i + 1 < n && units[i + 1] >= 0xdc00 &&
		    units[i + 1] < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (units[i + 1] - 0xdc00U);
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			bad = true;
		}
		len += put(out + len, c);
	}
	out[len] = '\0';
	*ret_bad = bad;
	return len;
}

/* The code point of a valid sequence of @n bytes. */
static uint32_t decode_utf8(const uint8_t *p, size_t n)
{
	static const uint8_t first_mask[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = p[0] & first_mask[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fU);
	return c;
}

size_t utf16_from_utf8(const char *text, size_t len, uint16_t *out, size_t max)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t units = 0, n;

	for (size_t i = 0; i < len; i += n) {
		uint32_t c;

		n = str_utf8_len(p + i, len - i);
		if (n == 0 || max - units < (n == 4 ? 2 : 1))
			return SIZE_MAX;
		c = decode_utf8(p + i, n);
		if (n == 4) {
			out[units++] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
			out[units++] = (uint16_t)(0xdc00 + (c & 0x3ff));
		} else {
			out[units++] = (uint16_t)c;
		}
	}
	return units;
}
