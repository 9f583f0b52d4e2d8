/* SPDX-License-Identifier: MIT */
#define JSON_DEFINES
#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* Two passes. The first, here, holds the text against the grammar (RFC 8259) and our own rules, and
 * notes where each value stands. The second is json-c's, which so meets sound texts only. Both see
 * the values in the same order: that is how the places find their values. */

struct key {
	const char *data; /* unescaped */
	size_t len;
	struct json_place place;
};

struct scan {
	const uint8_t *text;
	size_t len, pos;
	uint32_t line;
	size_t line_pos; /* where the line begins */
	const char *name;
	struct rimg_error *err;
	struct arena scratch; /* unescaped keys */
	struct json_place *places;
	size_t n_places, cap_places;
	struct key *keys; /* of the objects that are open, innermost last */
	size_t n_keys, cap_keys;
};

static void scan_done(struct scan *s)
{
	arena_done(&s->scratch);
	free(s->places);
	free(s->keys);
}

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

/* json-c would take other numbers as floating point, which nothing here means. */
static int scan_number(struct scan *s)
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
	return 0;
}

static int scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if (!num_in_range(s->pos, len, s->len) || memcmp(s->text + s->pos, word, len) != 0)
		return expected(s, "a value");
	s->pos += len;
	return 0;
}

static int add_place(struct scan *s, struct json_place place)
{
	struct json_place *places;

	if (s->n_places >= JSON_VALUES_MAX)
		return json_error(s->err, RIMG_E_LIMIT, here(s), "more than %u values",
				  JSON_VALUES_MAX);
	places = vec_grow(s->places, &s->cap_places, s->n_places, sizeof(*places));
	if (!places)
		return error_nomem(s->err);
	s->places = places;
	places[s->n_places++] = place;
	return 0;
}

static int scan_key(struct scan *s)
{
	struct json_place place = here(s);
	auto_str struct str text = { 0 };
	struct key *keys;
	char *copy;
	int r;

	if (peek(s) != '"')
		return expected(s, "a key in quotes");
	r = scan_text(s, &text);
	if (r < 0)
		return r;
	if (memchr(str_cstr(&text), '\0', text.len))
		return json_error(s->err, RIMG_E_BAD, place, "a key with a NUL");
	keys = vec_grow(s->keys, &s->cap_keys, s->n_keys, sizeof(*keys));
	copy = arena_copy(&s->scratch, str_cstr(&text), text.len);
	if (keys)
		s->keys = keys;
	if (!keys || !copy)
		return error_nomem(s->err);
	keys[s->n_keys++] = (struct key){ .data = copy, .len = text.len, .place = place };
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int r = strcmp(x->data, y->data);

	if (r != 0)
		return r;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	return x->place.column < y->place.column ? -1 : x->place.column > y->place.column;
}

/* All keys from @base on belong to one object, which is complete. */
static int end_object(struct scan *s, size_t base)
{
	struct key *keys = s->keys + base;
	size_t n = s->n_keys - base;

	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++) {
		auto_str struct str shown = { 0 };

		if (strcmp(keys[i - 1].data, keys[i].data) != 0)
			continue;
		str_add_escaped(&shown, keys[i].data, keys[i].len, STR_ESCAPE_TEXT);
		return json_error(s->err, RIMG_E_BAD, keys[i].place,
				  "the key \"%s\" for the second time, first in line %u",
				  str_cstr(&shown), keys[i - 1].place.line);
	}
	s->n_keys = base;
	return 0;
}

static int scan_value(struct scan *s, unsigned depth, const struct json_place *key);

static int scan_object(struct scan *s, unsigned depth)
{
	size_t base = s->n_keys;

	s->pos++;
	skip_space(s);
	if (peek(s) == '}') {
		s->pos++;
		return 0;
	}
	for (;;) {
		struct json_place place = here(s);
		int r = scan_key(s);

		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) != ':')
			return expected(s, "\":\"");
		s->pos++;
		skip_space(s);
		r = scan_value(s, depth + 1, &place);
		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) != ',' && peek(s) != '}')
			return expected(s, "\",\" or \"}\"");
		if (s->text[s->pos++] == '}')
			return end_object(s, base);
		skip_space(s);
	}
}

static int scan_list(struct scan *s, unsigned depth)
{
	s->pos++;
	skip_space(s);
	if (peek(s) == ']') {
		s->pos++;
		return 0;
	}
	for (;;) {
		int r = scan_value(s, depth + 1, NULL);

		if (r < 0)
			return r;
		skip_space(s);
		if (peek(s) != ',' && peek(s) != ']')
			return expected(s, "\",\" or \"]\"");
		if (s->text[s->pos++] == ']')
			return 0;
		skip_space(s);
	}
}

/* @depth: objects and lists that the value lies in; @key: where its key stands, if it has one */
static int scan_value(struct scan *s, unsigned depth, const struct json_place *key)
{
	int c = peek(s), r = add_place(s, key ? *key : here(s));

	if (r < 0)
		return r;
	if ((c == '{' || c == '[') && depth >= JSON_DEPTH_MAX)
		return json_error(s->err, RIMG_E_LIMIT, here(s),
				  "more than %u tables and lists inside one another",
				  JSON_DEPTH_MAX);
	if (c == '{')
		return scan_object(s, depth);
	if (c == '[')
		return scan_list(s, depth);
	if (c == '"') {
		auto_str struct str unused = { 0 };

		return scan_text(s, &unused);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s, c == 't' ? "true" : c == 'f' ? "false" : "null");
}

static int scan_all(struct scan *s)
{
	int r;

	skip_space(s);
	r = scan_value(s, 0, NULL);
	if (r < 0)
		return r;
	skip_space(s);
	if (s->pos < s->len)
		return expected(s, "the end of the text");
	return 0;
}

/* Gives the places to the values, in the order of the text; false if there are too few. */
static bool assign_places(struct json_object *value, struct json_place *places, size_t n,
			  size_t *at)
{
	if (*at >= n)
		return false;
	if (value)
		json_object_set_userdata(value, &places[*at], NULL);
	++*at;
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			if (!assign_places(member, places, n, at))
				return false;
		}
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			if (!assign_places(json_object_array_get_idx(value, i), places, n, at))
				return false;
		}
	}
	return true;
}

static void put_tokener(struct json_tokener **tok)
{
	json_tokener_free(*tok);
}

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

/* The second pass, over a text that is sound. */
static int build(struct arena *a, const struct scan *s, struct json_object **ret)
{
	auto_with(put_tokener) struct json_tokener *tok =
		json_tokener_new_ex((int)JSON_DEPTH_MAX + 1);
	struct json_place *places = arena_array(a, s->n_places, sizeof(*places));
	struct json_object *value;
	size_t at = 0;

	if (!tok || !places)
		return error_nomem(s->err);
	memcpy(places, s->places, s->n_places * sizeof(*places));
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tok, (const char *)s->text, (int)s->len);
	if (json_tokener_get_error(tok) == json_tokener_continue) /* a number wants an end */
		value = json_tokener_parse_ex(tok, "", 1);
	if (json_tokener_get_error(tok) != json_tokener_success)
		return json_error(s->err, RIMG_E_INTERNAL, (struct json_place){ .file = s->name },
				  "json-c refuses what was found sound: %s",
				  json_tokener_error_desc(json_tokener_get_error(tok)));
	if (json_keep(a, value, s->err) < 0)
		return -RIMG_E_NOMEM;
	if (!assign_places(value, places, s->n_places, &at) || at != s->n_places)
		return json_error(s->err, RIMG_E_INTERNAL, (struct json_place){ .file = s->name },
				  "json-c found other values than were counted");
	*ret = value;
	return 0;
}

int json_read(struct arena *a, const char *text, size_t len, const char *name,
	      struct json_object **ret, struct rimg_error *err)
{
	auto_with(scan_done) struct scan s = { 0 };
	int r;

	s.text = (const uint8_t *)text;
	s.len = len;
	s.line = 1;
	s.err = err;
	s.name = arena_copy(a, name, strlen(name));
	arena_init(&s.scratch, 0);
	if (!s.name)
		return error_nomem(err);
	if (len > JSON_TEXT_MAX)
		return json_error(err, RIMG_E_LIMIT, (struct json_place){ .file = s.name },
				  "longer than %u bytes", JSON_TEXT_MAX);
	r = scan_all(&s);
	if (r < 0)
		return r;
	return build(a, &s, ret);
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
