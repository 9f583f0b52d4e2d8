/* SPDX-License-Identifier: MIT */
#include "diff/symbols.h"

#include <string.h>

#include "core/str.h"

#define HASH_DIGITS 16

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_base62(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of "17h", sixteen digits and "E" at @p; 0 if something else is there. */
static size_t legacy_hash_len(const char *p, size_t left)
{
	if (left < 3 + HASH_DIGITS + 1 || memcmp(p, "17h", 3) != 0)
		return 0;
	for (size_t i = 3; i < 3 + HASH_DIGITS; i++)
		if (!is_hex(p[i]))
			return 0;
	return p[3 + HASH_DIGITS] == 'E' ? 3 + HASH_DIGITS : 0;
}

/* Length of base-62 digits and "_" at @p; 0 if something else is there. */
static size_t base62_len(const char *p, size_t left)
{
	size_t n = 0;

	while (n < left && is_base62(p[n]))
		n++;
	return n < left && p[n] == '_' ? n + 1 : 0;
}

/* A decimal number at @p and as many bytes behind it: an identifier. 0: it is longer than the name.
 */
static size_t identifier_len(const char *p, size_t left)
{
	size_t n = 0, len = 0;

	while (n < left && is_digit(p[n]) && len < left)
		len = len * 10 + (size_t)(p[n++] - '0');
	if (n < left && p[n] == '_')
		n++;
	return len <= left - n ? n + len : 0;
}

/* Facts: RFC 2603 of Rust, "Syntax of mangled names". What is copied whole at @p: numbers that are
 * no length of an identifier, and identifiers. */
static size_t v0_piece_len(const char *p, size_t left)
{
	size_t n = 1;

	if (is_digit(*p))
		n = identifier_len(p, left);
	else if (strchr("BLGs", *p) && base62_len(p + 1, left - 1))
		n = 1 + base62_len(p + 1, left - 1);
	else if (*p == 'K' && left > 2 && base62_len(p + 2, left - 2))
		n = 2 + base62_len(p + 2, left - 2);
	return n ? n : left;
}

static size_t v0_normal(const char *name, size_t len, char *out)
{
	size_t pos = 2, n = 2;

	memcpy(out, name, 2);
	while (pos < len) {
		size_t skip = 0, piece;

		if (pos + 2 < len && name[pos] == 'C' && name[pos + 1] == 's')
			skip = base62_len(name + pos + 2, len - pos - 2);
		if (skip > 0) {
			out[n++] = 'C';
			pos += 2 + skip;
			continue;
		}
		piece = v0_piece_len(name + pos, len - pos);
		memcpy(out + n, name + pos, piece);
		n += piece;
		pos += piece;
	}
	return n;
}

/* Without the number behind ".llvm.", which is a hash of the module. */
static size_t cut_suffix(const char *name, size_t len)
{
	static const char llvm[] = ".llvm.";
	size_t n = len;

	while (n > 0 && is_digit(name[n - 1]))
		n--;
	if (n < len && n >= sizeof(llvm) - 1 && memcmp(name + n - 6, llvm, 6) == 0)
		return n;
	return len;
}

size_t symbol_normal(const char *name, size_t len, char *out)
{
	size_t n = 0;

	len = cut_suffix(name, len);
	if (len > 2 && memcmp(name, "_R", 2) == 0)
		return v0_normal(name, len, out);
	if (len < 3 || memcmp(name, "_ZN", 3) != 0) {
		/* sections of one function have its name in theirs */
		const char *inner = len > 4 ? memmem(name, len, "._ZN", 4) : NULL;

		if (!inner) {
			memcpy(out, name, len);
			return len;
		}
	}
	for (size_t pos = 0; pos < len;) {
		size_t hash = legacy_hash_len(name + pos, len - pos);

		pos += hash;
		if (pos < len)
			out[n++] = name[pos++];
	}
	return n;
}

bool symbol_same(const char *a, const char *b)
{
	char out_a[1024], out_b[1024];
	size_t len_a = strlen(a), len_b = strlen(b);

	if (len_a == len_b && memcmp(a, b, len_a) == 0)
		return true;
	if (len_a > sizeof(out_a) || len_b > sizeof(out_b))
		return false;
	len_a = symbol_normal(a, len_a, out_a);
	len_b = symbol_normal(b, len_b, out_b);
	return len_a == len_b && memcmp(out_a, out_b, len_a) == 0;
}

void symbol_add_path(struct str *s, const char *name, size_t len)
{
	size_t pos = 3;
	bool first = true;

	if (len < 4 || memcmp(name, "_ZN", 3) != 0 || !is_digit(name[3])) {
		str_add_escaped(s, name, len, STR_ESCAPE_TEXT);
		return;
	}
	while (pos < len && is_digit(name[pos]) && !legacy_hash_len(name + pos, len - pos)) {
		size_t whole = identifier_len(name + pos, len - pos), digits = 0;

		while (digits < whole && is_digit(name[pos + digits]))
			digits++;
		if (whole == 0)
			break;
		str_add(s, first ? "" : "::");
		str_add_escaped(s, name + pos + digits, whole - digits, STR_ESCAPE_TEXT);
		first = false;
		pos += whole;
	}
}
