/* SPDX-License-Identifier: MIT */
#include "core/toml.h"

#include <string.h>

#include "core/num.h"
#include "core/str.h"

/* Walks over a text as a TOML parser does, knowing no more than where strings and comments end.
 * What it counts are upper bounds for as long as the text is sound; where it is not, the parser
 * stops anyway. */

struct walk {
	const uint8_t *text;
	size_t len, pos;
	uint32_t line;
	uint32_t depth;    /* brackets that are open */
	uint32_t dots;     /* in the key that is being read */
	uint32_t n_values; /* at most so many values and tables until here */
};

static bool at_three(const struct walk *w, uint8_t quote)
{
	return num_in_range(w->pos, 3, w->len) && w->text[w->pos] == quote &&
	       w->text[w->pos + 1] == quote && w->text[w->pos + 2] == quote;
}

static void skip_one(struct walk *w)
{
	if (w->text[w->pos] == '\n')
		w->line++;
	w->pos++;
}

/* A string in one quote each side; it does not go past the end of the line. */
static void skip_string(struct walk *w, uint8_t quote)
{
	for (w->pos++; w->pos < w->len && w->text[w->pos] != '\n'; w->pos++) {
		if (w->text[w->pos] == quote) {
			w->pos++;
			return;
		}
		if (quote == '"' && w->text[w->pos] == '\\' && w->pos + 1 < w->len &&
		    w->text[w->pos + 1] != '\n')
			w->pos++;
	}
}

/* A string in three quotes each side. Up to two more may stand before the last three. */
static void skip_long_string(struct walk *w, uint8_t quote)
{
	for (w->pos += 3; w->pos < w->len; skip_one(w)) {
		if (at_three(w, quote)) {
			w->pos += 3;
			for (size_t i = 0; i < 2 && w->pos < w->len && w->text[w->pos] == quote;
			     i++)
				w->pos++;
			return;
		}
		if (quote == '"' && w->text[w->pos] == '\\' && w->pos + 1 < w->len)
			skip_one(w);
	}
}

static void step(struct walk *w)
{
	uint8_t c = w->text[w->pos];

	if (c == '"' || c == '\'') {
		if (at_three(w, c))
			skip_long_string(w, c);
		else
			skip_string(w, c);
		return;
	}
	if (c == '#') {
		while (w->pos < w->len && w->text[w->pos] != '\n')
			w->pos++;
		return;
	}
	if (c == '.')
		w->dots++;
	else if (strchr("=,[]{}\n", c) && c != '\0')
		w->dots = 0;
	if (c == '[' || c == '{')
		w->depth++;
	else if ((c == ']' || c == '}') && w->depth > 0)
		w->depth--;
	if (c == '.' || c == '=' || c == ',' || c == '[' || c == '{')
		w->n_values++;
	skip_one(w);
}

static int check_utf8(const char *text, size_t len, const char *name, struct rimg_error *err)
{
	const uint8_t *p = (const uint8_t *)text;
	struct json_place at = { .file = name, .line = 1 };
	size_t n;

	for (size_t pos = 0; pos < len; pos += n) {
		n = str_utf8_len(p + pos, len - pos);
		if (n == 0)
			return json_error(err, RIMG_E_BAD, at, "byte 0x%02x is not UTF-8", p[pos]);
		if (p[pos] == '\n')
			at.line++;
	}
	return 0;
}

int toml_check(const char *text, size_t len, const char *name, struct rimg_error *err)
{
	struct walk w = { .text = (const uint8_t *)text, .len = len, .line = 1 };

	if (len > JSON_TEXT_MAX)
		return json_error(err, RIMG_E_LIMIT, (struct json_place){ .file = name },
				  "longer than %u bytes", JSON_TEXT_MAX);
	if (check_utf8(text, len, name, err) < 0)
		return -RIMG_E_BAD;
	while (w.pos < w.len) {
		struct json_place at = { .file = name, .line = w.line };

		step(&w);
		if (w.depth > JSON_DEPTH_MAX || w.dots > JSON_DEPTH_MAX)
			return json_error(err, RIMG_E_LIMIT, at,
					  "more than %u tables and lists inside one another",
					  JSON_DEPTH_MAX);
		if (w.n_values > JSON_VALUES_MAX)
			return json_error(err, RIMG_E_LIMIT, at, "more than %u values",
					  JSON_VALUES_MAX);
	}
	return 0;
}
