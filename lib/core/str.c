/* SPDX-License-Identifier: MIT */
#include "core/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"

void str_done(struct str *s)
{
	free(s->data);
	*s = (struct str){ 0 };
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->data)
		s->data[0] = '\0';
}

/* Room for @more bytes and a NUL. */
static bool reserve(struct str *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 64;
	char *data;

	if (s->failed || more >= SIZE_MAX / 2 - s->len) {
		s->failed = true;
		return false;
	}
	if (s->len + more < s->cap)
		return true;
	while (cap <= s->len + more)
		cap *= 2;
	data = realloc(s->data, cap);
	if (!data) {
		mem_note_failure("out of memory");
		s->failed = true;
		return false;
	}
	s->data = data;
	s->cap = cap;
	return true;
}

void str_add_len(struct str *s, const void *bytes, size_t len)
{
	if (!reserve(s, len))
		return;
	if (len > 0)
		memcpy(s->data + s->len, bytes, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_len(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_len(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		s->failed = true;
		return;
	}
	if (!reserve(s, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(s->data + s->len, (size_t)len + 1, fmt, args);
	va_end(args);
	s->len += (size_t)len;
}

char *str_vformat(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) >= 0)
		return text;
	mem_note_failure("out of memory");
	return NULL;
}

char *str_take(struct str *s)
{
	char *data;

	if (!s->data)
		str_add_len(s, "", 0);
	if (s->failed) {
		str_done(s);
		return NULL;
	}
	data = s->data;
	*s = (struct str){ 0 };
	return data;
}

const char *str_cstr(const struct str *s)
{
	return s->data ? s->data : "";
}

void str_add_hex(struct str *s, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;

	if (!reserve(s, len > SIZE_MAX / 2 ? SIZE_MAX : 2 * len))
		return;
	for (size_t i = 0; i < len; i++) {
		s->data[s->len++] = digits[p[i] >> 4];
		s->data[s->len++] = digits[p[i] & 15];
	}
	s->data[s->len] = '\0';
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool str_parse_hex(const char *text, void *ret, size_t len)
{
	uint8_t *bytes = ret;

	for (size_t i = 0; i < 2 * len; i++)
		if (str_hex_digit(text[i]) < 0) /* the end of the text is no digit either */
			return false;
	if (text[2 * len])
		return false;
	for (size_t i = 0; i < len; i++)
		bytes[i] =
			(uint8_t)(str_hex_digit(text[2 * i]) << 4 | str_hex_digit(text[2 * i + 1]));
	return true;
}

/* The bounds of a sequence's second byte rule out overlong forms, surrogates and values past
 * U+10FFFF (Unicode 15, table 3-7). */
size_t str_utf8_len(const uint8_t *p, size_t left)
{
	size_t n;
	uint8_t low = 0x80, high = 0xbf;

	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

bool str_is_utf8(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = str_utf8_len(p + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}

/* The C0 and C1 controls, DEL, line and paragraph separators, and what changes the direction of
 * text (the property Bidi_Control of Unicode 15): U+061C, U+200E, U+200F, U+2028..202E,
 * U+2066..2069. */
bool str_is_treacherous(const uint8_t *p, size_t n)
{
	if (n == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (n == 2)
		return (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c);
	if (n != 3 || p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9;
}

#define HARMLESS_MAX 12 /* three bytes, \xNN each */

/* Writes the harmless form of the character at @p to @out; returns the length of that. *ret_used:
 * bytes of @p that it stands for. A backslash is harmless. */
static size_t harmless(const uint8_t *p, size_t left, char out[HARMLESS_MAX], size_t *ret_used)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = str_utf8_len(p, left), len = 0;
	char letter = *p == '\n' ? 'n' : *p == '\t' ? 't' : *p == '\r' ? 'r' : '\0';

	*ret_used = n ? n : 1;
	if (letter) {
		out[0] = '\\';
		out[1] = letter;
		return 2;
	}
	if (n > 0 && !str_is_treacherous(p, n)) {
		memcpy(out, p, n);
		return n;
	}
	for (size_t i = 0; i < *ret_used; i++) {
		out[len++] = '\\';
		out[len++] = 'x';
		out[len++] = digits[p[i] >> 4];
		out[len++] = digits[p[i] & 15];
	}
	return len;
}

/* How many of the first bytes are printable ASCII. */
static size_t plain_len(const uint8_t *p, size_t left)
{
	size_t n = 0;

	while (n < left && p[n] >= 0x20 && p[n] < 0x7f)
		n++;
	return n;
}

void str_clean(char *buf, size_t size, const char *text)
{
	size_t left = strlen(text), len = 0;
	char out[HARMLESS_MAX];
	size_t used;

	for (; left > 0; text += used, left -= used) {
		size_t n = plain_len((const uint8_t *)text, num_min(left, size - len - 1));

		/* nearly all of nearly every text */
		if (n > 0) {
			memcpy(buf + len, text, n);
			used = n;
			len += n;
			continue;
		}
		n = harmless((const uint8_t *)text, left, out, &used);
		if (n >= size - len)
			break;
		memcpy(buf + len, out, n);
		len += n;
	}
	buf[len] = '\0';
}

void str_add_escaped(struct str *s, const void *bytes, size_t len, enum str_escape mode)
{
	const uint8_t *p = bytes;
	bool step = mode != STR_ESCAPE_TEXT;
	char out[HARMLESS_MAX];
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		if (p[i] == '\\') {
			str_add(s, "\\\\");
			used = 1;
		} else if (step && p[i] == ':' && i + 1 < len && p[i + 1] == ':') {
			str_add(s, "\\::");
			used = 2;
		} else if (step && p[i] == ':' && (i == 0 || i + 1 == len)) {
			str_add(s, "\\x3a"); /* would join the "::" beside it */
			used = 1;
		} else if (mode == STR_ESCAPE_NAME && p[i] == '/') {
			str_add(s, "\\x2f");
			used = 1;
		} else {
			size_t n = harmless(p + i, len - i, out, &used);

			str_add_len(s, out, n);
		}
	}
}

/* One escape, @text being what follows the backslash. Writes its bytes to @to and returns how many,
 * 0 if it is malformed; *ret_used: its length. */
static size_t unescape_one(char *to, const char *text, size_t left, size_t *ret_used)
{
	*ret_used = 1;
	if (left == 0)
		return 0;
	switch (text[0]) {
	case 'n': *to = '\n'; return 1;
	case 't': *to = '\t'; return 1;
	case 'r': *to = '\r'; return 1;
	case '\\': *to = '\\'; return 1;
	case 'x':
		if (left < 3 || str_hex_digit(text[1]) < 0 || str_hex_digit(text[2]) < 0)
			return 0;
		*to = (char)(str_hex_digit(text[1]) << 4 | str_hex_digit(text[2]));
		*ret_used = 3;
		return 1;
	case ':':
		if (left < 2 || text[1] != ':')
			return 0;
		memcpy(to, "::", 2);
		*ret_used = 2;
		return 2;
	default: return 0;
	}
}

bool str_unescape_to(char *to, const char *text, size_t len, size_t *ret_len)
{
	size_t n = 0, used;

	for (size_t i = 0; i < len; i += used) {
		size_t made = 1;

		used = 1;
		if (text[i] != '\\') {
			to[n] = text[i];
		} else {
			made = unescape_one(to + n, text + i + 1, len - i - 1, &used);
			used++;
		}
		if (made == 0)
			return false;
		n += made;
	}
	*ret_len = n;
	return true;
}

char *str_unescape(const char *text, size_t len, size_t *ret_len)
{
	char *bytes = malloc(len + 1);

	if (!bytes)
		return NULL;
	if (!str_unescape_to(bytes, text, len, ret_len)) {
		free(bytes);
		return NULL;
	}
	bytes[*ret_len] = '\0';
	return bytes;
}

/* The digits at @text; *ret_end points behind them. */
static bool parse_digits(const char *text, uint64_t *ret, const char **ret_end)
{
	uint64_t v = 0;
	int base = 10;
	const char *p = text;

	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	if (str_hex_digit(*p) < 0 || str_hex_digit(*p) >= base)
		return false;
	for (; str_hex_digit(*p) >= 0 && str_hex_digit(*p) < base; p++)
		if (!num_mul(v, (uint64_t)base, &v) || !num_add(v, (uint64_t)str_hex_digit(*p), &v))
			return false;
	*ret = v;
	*ret_end = p;
	return true;
}

bool str_parse_u64(const char *text, uint64_t *ret)
{
	const char *end;
	uint64_t v;

	if (!parse_digits(text, &v, &end) || *end != '\0')
		return false;
	*ret = v;
	return true;
}

bool str_parse_size(const char *text, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		unsigned shift;
	} units[] = {
		{ "", 0 },     { "B", 0 },  { "K", 10 },   { "KiB", 10 }, { "M", 20 },
		{ "MiB", 20 }, { "G", 30 }, { "GiB", 30 }, { "T", 40 },   { "TiB", 40 },
	};
	const char *end;
	uint64_t v;

	if (!parse_digits(text, &v, &end))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strcmp(end, units[i].suffix) == 0)
			return num_mul(v, UINT64_C(1) << units[i].shift, ret);
	return false;
}

/* ---- guessing ------------------------------------------------------------------------------- */

#define GUESS_MAX 32U /* bytes of a name that count */

size_t str_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, GUESS_MAX), m = strnlen(b, GUESS_MAX);
	size_t row[GUESS_MAX + 1][GUESS_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[i][0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = row[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = num_min_size(best, num_min_size(row[i - 1][j], row[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = num_min_size(best, row[i - 2][j - 2] + 1);
			row[i][j] = best;
		}
	}
	return row[n][m];
}
