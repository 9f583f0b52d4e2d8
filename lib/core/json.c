/* SPDX-License-Identifier: MIT */
#define JSON_DEFINES
#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* One pass over the text, by the grammar of RFC 8259 and our own rules, which makes values of
 * json-c as it goes. json-c's own parser is not used: it keeps the last of two equal keys, forgets
 * places, and does not survive every failed allocation. */

struct scan {
	const uint8_t *text;
	size_t len, pos;
	uint32_t line;
	size_t line_pos; /* where the line begins */
	const char *name;
	uint32_t n_values;
	struct arena *a;
	struct rimg_error *err;
};

static struct json_place here(const struct scan *s)
{
	return (struct json_place){
		.file = s->name,
		.line = s->line,
		.column = (uint32_t)(s->pos - s->line_pos) + 1,
	};
}

static int peek(const struct scan *s)
{
	return s->pos < s->len ? s->text[s->pos] : -1;
}

__attribute__((format(printf, 2, 3))) static int scan_error(const struct scan *s, const char *fmt,
							    ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return json_error(s->err, RIMG_E_BAD, here(s), "%s", text);
}

static int expected(const struct scan *s, const char *what)
{
	int c = peek(s);

	if (c < 0)
		return scan_error(s, "expected %s, found the end of the text", what);
	if (c > ' ' && c < 0x7f)
		return scan_error(s, "expected %s, found \"%c\"", what, c);
	return scan_error(s, "expected %s, found byte 0x%02x", what, (unsigned)c);
}

static void skip_space(struct scan *s)
{
	for (;; s->pos++) {
		int c = peek(s);

		if (c == '\n') {
			s->line++;
			s->line_pos = s->pos + 1;
		} else if (c != ' ' && c != '\t' && c != '\r') {
			return;
		}
	}
}

/* The four digits of \uXXXX; -1 if they are not. */
static int hex4(const struct scan *s, size_t pos)
{
	int v = 0;

	if (!num_in_range(pos, 4, s->len))
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int c = s->text[pos + i];

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static void put_utf8(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_add_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		str_add_char(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			str_add_char(out, (char)(0xe0 | c >> 12));
		} else {
			str_add_char(out, (char)(0xf0 | c >> 18));
			str_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		str_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	str_add_char(out, (char)(0x80 | (c & 0x3f)));
}

/* \uXXXX, or two of them for what is past U+FFFF; `pos` is at the "u". */
static int scan_unicode(struct scan *s, struct str *out)
{
	int c = hex4(s, s->pos + 1), low;

	if (c < 0)
		return scan_error(s, "expected four hexadecimal digits after \"\\u\"");
	s->pos += 5;
	if (c < 0xd800 || c > 0xdfff) {
		put_utf8(out, (uint32_t)c);
		return 0;
	}
	if (c > 0xdbff || !num_in_range(s->pos, 6, s->len) || s->text[s->pos] != '\\' ||
	    s->text[s->pos + 1] != 'u')
		return scan_error(s, "half of a surrogate pair");
	low = hex4(s, s->pos + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return scan_error(s, "half of a surrogate pair");
	s->pos += 6;
	put_utf8(out, 0x10000 + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
	return 0;
}

static int scan_escape(struct scan *s, struct str *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	int c;

	s->pos++;
	c = peek(s);
	if (c == 'u')
		return scan_unicode(s, out);
	found = c > 0 ? strchr(from, c) : NULL;
	if (!found)
		return expected(s, "an escape (one of \"\\/bfnrtu)");
	str_add_char(out, to[found - from]);
	s->pos++;
	return 0;
}

/* A text in quotes; @out gets what it means. */
static int scan_text(struct scan *s, struct str *out)
{
	int r = 0;

	s->pos++;
	while (r == 0) {
		int c = peek(s);
		size_t n;

		if (c == '"') {
			s->pos++;
			return out->failed ? error_nomem(s->err) : 0;
		}
		if (c < 0)
			return expected(s, "a closing quote");
		if (c < ' ')
			return scan_error(s, "byte 0x%02x in a text: written \\u%04x", (unsigned)c,
					  (unsigned)c);
		if (c == '\\') {
			r = scan_escape(s, out);
			continue;
		}
		n = str_utf8_len(s->text + s->pos, s->len - s->pos);
		if (n == 0)
			return scan_error(s, "byte 0x%02x is not UTF-8", (unsigned)c);
		str_add_len(out, s->text + s->pos, n);
		s->pos += n;
	}
	return r;
}

/* Other numbers would be floating point, which nothing here means. */
static int scan_number(struct scan *s, struct json_object **ret)
{
	bool negative = peek(s) == '-';
	uint64_t limit = (uint64_t)INT64_MAX + negative, v = 0;
	size_t start;
	int c;

	s->pos += negative;
	start = s->pos;
	for (; (c = peek(s)) >= '0' && c <= '9'; s->pos++) {
		unsigned digit = (unsigned)(c - '0');

		if (v > (limit - digit) / 10)
			return scan_error(s, "a number that does not fit a signed 64-bit integer");
		v = v * 10 + digit;
	}
	if (s->pos == start)
		return expected(s, "a digit");
	if (s->text[start] == '0' && s->pos - start > 1)
		return scan_error(s, "a number that begins with 0");
	if (c == '.' || c == 'e' || c == 'E')
		return scan_error(s, "a number with a fraction or an exponent");
	*ret = json_object_new_int64(negative ? (int64_t)(0 - v) : (int64_t)v);
	return *ret ? 0 : error_nomem(s->err);
}

static int scan_word(struct scan *s, struct json_object **ret)
{
	static const char *const words[] = { "null", "false", "true" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (!num_in_range(s->pos, len, s->len) ||
		    memcmp(s->text + s->pos, words[i], len) != 0)
			continue;
		s->pos += len;
		*ret = i == 0 ? NULL : json_object_new_boolean(i == 2);
		return i == 0 || *ret ? 0 : error_nomem(s->err);
	}
	return expected(s, "a value");
}

static int scan_string(struct scan *s, struct json_object **ret)
{
	auto_str struct str text = { 0 };
	int r = scan_text(s, &text);

	if (r < 0)
		return r;
	*ret = json_object_new_string_len(str_cstr(&text), (int)text.len);
	return *ret ? 0 : error_nomem(s->err);
}

/* The key is kept in the arena, where it outlives the table. */
static int scan_key(struct scan *s, struct json_object *table, const char **ret)
{
	struct json_place at = here(s);
	auto_str struct str text = { 0 };
	auto_str struct str shown = { 0 };
	int r;

	if (peek(s) != '"')
		return expected(s, "a key in quotes");
	r = scan_text(s, &text);
	if (r < 0)
		return r;
	if (memchr(str_cstr(&text), '\0', text.len))
		return json_error(s->err, RIMG_E_BAD, at, "a key with a NUL");
	if (json_object_object_get_ex(table, str_cstr(&text), NULL)) {
		str_add_escaped(&shown, str_cstr(&text), text.len, STR_ESCAPE_TEXT);
		return json_error(s->err, RIMG_E_BAD, at, "the key \"%s\" for the second time",
				  str_cstr(&shown));
	}
	*ret = arena_copy(s->a, str_cstr(&text), text.len);
	return *ret ? 0 : error_nomem(s->err);
}

static int scan_value(struct scan *s, unsigned depth, struct json_place at,
		      struct json_object **ret);

static int scan_member(struct scan *s, unsigned depth, struct json_object *table)
{
	struct json_place at = here(s);
	struct json_object *value = NULL;
	const char *key = NULL;
	int r = scan_key(s, table, &key);

	if (r < 0)
		return r;
	skip_space(s);
	if (peek(s) != ':')
		return expected(s, "\":\"");
	s->pos++;
	skip_space(s);
	r = scan_value(s, depth + 1, at, &value);
	return r < 0 ? r : json_add(table, key, value, s->err);
}

static int scan_item(struct scan *s, unsigned depth, struct json_object *list)
{
	struct json_object *value = NULL;
	int r = scan_value(s, depth + 1, here(s), &value);

	return r < 0 ? r : json_append(list, value, s->err);
}

/* What is in braces or brackets, into @into. */
static int scan_members(struct scan *s, unsigned depth, struct json_object *into)
{
	bool table = s->text[s->pos++] == '{';
	int end = table ? '}' : ']';

	skip_space(s);
	if (peek(s) == end) {
		s->pos++;
		return 0;
	}
	for (;;) {
		int r = table ? scan_member(s, depth, into) : scan_item(s, depth, into);

		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) != ',' && peek(s) != end)
			return expected(s, table ? "\",\" or \"}\"" : "\",\" or \"]\"");
		if (s->text[s->pos++] == end)
			return 0;
		skip_space(s);
	}
}

static int scan_container(struct scan *s, unsigned depth, struct json_object **ret)
{
	struct json_object *value =
		peek(s) == '{' ? json_object_new_object() : json_object_new_array();
	int r;

	if (!value)
		return error_nomem(s->err);
	r = scan_members(s, depth, value);
	if (r < 0)
		json_object_put(value);
	else
		*ret = value;
	return r;
}

/* @depth: tables and lists that the value lies in; @at: what place it gets; *@ret: the caller's */
static int scan_value(struct scan *s, unsigned depth, struct json_place at,
		      struct json_object **ret)
{
	struct json_object *value = NULL;
	int c = peek(s), r;

	if (s->n_values++ >= JSON_VALUES_MAX)
		return json_error(s->err, RIMG_E_LIMIT, here(s), "more than %u values",
				  JSON_VALUES_MAX);
	if ((c == '{' || c == '[') && depth >= JSON_DEPTH_MAX)
		return json_error(s->err, RIMG_E_LIMIT, here(s),
				  "more than %u tables and lists inside one another",
				  JSON_DEPTH_MAX);
	if (c == '{' || c == '[')
		r = scan_container(s, depth, &value);
	else if (c == '"')
		r = scan_string(s, &value);
	else if (c == '-' || (c >= '0' && c <= '9'))
		r = scan_number(s, &value);
	else
		r = scan_word(s, &value);
	if (r < 0)
		return r;
	if (value && !json_set_place(s->a, value, at)) {
		json_object_put(value);
		return error_nomem(s->err);
	}
	*ret = value;
	return 0;
}

static int scan_all(struct scan *s, struct json_object **ret)
{
	struct json_object *value = NULL;
	int r;

	skip_space(s);
	r = scan_value(s, 0, here(s), &value);
	if (r == 0)
		r = json_keep(s->a, value, s->err);
	skip_space(s);
	if (r == 0 && s->pos < s->len)
		return expected(s, "the end of the text");
	if (r == 0)
		*ret = value;
	return r;
}

/* ---- values --------------------------------------------------------------------------------- */

static void put_value(void *value)
{
	json_object_put(value);
}

int json_keep(struct arena *a, struct json_object *value, struct rimg_error *err)
{
	if (!value || arena_defer(a, put_value, value))
		return 0;
	json_object_put(value);
	return error_nomem(err);
}

int json_add(struct json_object *table, const char *key, struct json_object *value,
	     struct rimg_error *err)
{
	/* json-c's own copy of a key is not checked for having been made */
	if (json_object_object_add_ex(table, key, value, JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0)
		return 0;
	json_object_put(value);
	return error_nomem(err);
}

int json_append(struct json_object *list, struct json_object *value, struct rimg_error *err)
{
	if (json_object_array_add(list, value) == 0)
		return 0;
	json_object_put(value);
	return error_nomem(err);
}

int json_read(struct arena *a, const char *text, size_t len, const char *name,
	      struct json_object **ret, struct rimg_error *err)
{
	struct scan s = {
		.text = (const uint8_t *)text, .len = len, .line = 1, .a = a, .err = err
	};
	int rc;

	s.name = arena_copy(a, name, strlen(name));
	if (!s.name)
		return error_nomem(err);
	if (len > JSON_TEXT_MAX)
		return json_error(err, RIMG_E_LIMIT, (struct json_place){ .file = s.name },
				  "longer than %u bytes", JSON_TEXT_MAX);
	rc = scan_all(&s, ret);
	if (rc < 0 && err)
		err->off = s.pos;
	return rc;
}

struct json_place json_place_of(struct json_object *value)
{
	const struct json_place *place = value ? json_object_get_userdata(value) : NULL;

	return place ? *place : (struct json_place){ 0 };
}

bool json_set_place(struct arena *a, struct json_object *value, struct json_place place)
{
	struct json_place *kept = arena_alloc(a, sizeof(*kept));

	if (!kept)
		return false;
	*kept = place;
	json_object_set_userdata(value, kept, NULL);
	return true;
}

int json_error(struct rimg_error *err, int code, struct json_place at, const char *fmt, ...)
{
	auto_str struct str where = { 0 };
	char text[sizeof(err->text)];
	va_list args;

	if (at.file)
		str_add_escaped(&where, at.file, strlen(at.file), STR_ESCAPE_TEXT);
	if (at.file && at.line > 0)
		str_printf(&where, ":%u", at.line);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return error_set(err, code, str_cstr(&where), "%s", text);
}
