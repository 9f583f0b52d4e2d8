/* SPDX-License-Identifier: MIT */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct str - a growing text
 *
 * After the first failed allocation it stays as it is and `failed` is set: check once, at the end.
 * `data` is NUL-terminated, or NULL while nothing has been added.
 */
struct str {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void str_done(struct str *s);
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_add_len(struct str *s, const void *bytes, size_t len);
void str_add_char(struct str *s, char c);
/** str_vformat - formatted text, to be freed; NULL without memory */
__attribute__((format(printf, 1, 0))) char *str_vformat(const char *fmt, va_list args);

__attribute__((format(printf, 2, 3))) void str_printf(struct str *s, const char *fmt, ...);

/** str_take - move the text out; the caller frees it; "" is never NULL; NULL without memory */
char *str_take(struct str *s);

/** str_cstr - the text as it is now, "" if empty */
const char *str_cstr(const struct str *s);

#define auto_str __attribute__((cleanup(str_done)))

/** enum str_escape - what else str_add_escaped() must make harmless */
enum str_escape {
	STR_ESCAPE_TEXT, /* a name on a terminal */
	STR_ESCAPE_STEP, /* a step of an address: "::" becomes \::, a ':' at either end \x3a */
	STR_ESCAPE_NAME, /* a name in a path of an address: '/' becomes \x2f as well */
};

/**
 * str_add_escaped - add untrusted bytes as harmless text, reversibly
 *
 * UTF-8 stays as it is; control characters, line separators, characters that change the direction
 * of what is read, and bytes that are not UTF-8 become \xNN each; newline, tab and carriage return
 * \n, \t, \r; a backslash \\.
 */
void str_add_escaped(struct str *s, const void *bytes, size_t len, enum str_escape mode);

/**
 * str_clean - copy a text, making what it may quote from an image harmless
 * @buf: receives valid UTF-8 and a NUL, cut at a character if @size (at least 1) is too small
 *
 * As str_add_escaped(), but a backslash stays, so that what is clean or escaped does not change.
 */
void str_clean(char *buf, size_t size, const char *text);

/**
 * str_unescape - undo str_add_escaped()
 * @ret_len: length of the result, which may hold NULs
 *
 * Returns bytes that the caller frees, or NULL for a malformed escape or without memory.
 */
char *str_unescape(const char *text, size_t len, size_t *ret_len);

/** str_unescape_to - the same into @to, which has room for @len bytes; false if malformed */
bool str_unescape_to(char *to, const char *text, size_t len, size_t *ret_len);

/** str_add_hex - add @len bytes as lower-case hexadecimal digits */
void str_add_hex(struct str *s, const void *bytes, size_t len);

/** str_hex_digit - the value of a hexadecimal digit of either case, -1 if it is none */
int str_hex_digit(char c);

/**
 * str_parse_hex - exactly 2 * @len hexadecimal digits of either case, as @len bytes
 *
 * Returns false (and leaves @ret alone) for anything else.
 */
bool str_parse_hex(const char *text, void *ret, size_t len);

/** str_utf8_len - length of the UTF-8 sequence at @p (1..4), 0 if it is not valid UTF-8 */
size_t str_utf8_len(const uint8_t *p, size_t left);

/** str_is_treacherous - is the UTF-8 sequence of @n bytes one that terminals obey, not show? */
bool str_is_treacherous(const uint8_t *p, size_t n);

/**
 * str_distance - number of letters to insert, remove, replace or swap with their neighbour to get
 * from one name to the other, for guessing what was meant; of the first 32 bytes of each
 */
size_t str_distance(const char *a, const char *b);

/** str_is_utf8 - are all @len bytes valid UTF-8? */
bool str_is_utf8(const void *bytes, size_t len);

/**
 * str_parse_u64 - a whole decimal or 0x-hexadecimal number
 *
 * Returns false (and leaves @ret alone) for anything else, overflow included.
 */
bool str_parse_u64(const char *text, uint64_t *ret);

/** str_parse_size - like str_parse_u64, with an optional suffix B, KiB, MiB, GiB, TiB (or K M G T)
 */
bool str_parse_size(const char *text, uint64_t *ret);

#endif
