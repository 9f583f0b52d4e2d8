/* SPDX-License-Identifier: MIT */
#include "core/jsonw.h"

#include <inttypes.h>
#include <string.h>

#include "core/str.h"

/* What comes before any value or closing bracket: a new line in pretty documents. */
static void new_line(struct jsonw *w)
{
	if (!w->pretty)
		return;
	fputc('\n', w->out);
	for (unsigned i = 0; i < w->depth; i++)
		fputs("  ", w->out);
}

/* Can what follows a backslash be taken for a byte that jsonw_bytes() has escaped? */
static bool looks_escaped(const uint8_t *p, size_t left)
{
	if (left < 6 || memcmp(p, "\\udc", 4) != 0)
		return false;
	for (size_t i = 4; i < 6; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

/* The character of a valid sequence of one to three bytes, which is all that is ever escaped. */
static unsigned code_point(const uint8_t *p, size_t n)
{
	if (n == 1)
		return p[0];
	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

static void quoted(struct jsonw *w, const uint8_t *p, size_t len)
{
	fputc('"', w->out);
	for (size_t i = 0; i < len;) {
		size_t n = str_utf8_len(p + i, len - i);

		if (n == 0) {
			fprintf(w->out, "\\\\udc%02x", p[i]);
			i++;
			continue;
		}
		if (p[i] == '\\' && looks_escaped(p + i, len - i))
			fputs("\\\\udc5c", w->out);
		else if (p[i] == '\\' || p[i] == '"')
			fprintf(w->out, "\\%c", p[i]);
		else if (str_is_treacherous(p + i, n))
			fprintf(w->out, "\\u%04x", code_point(p + i, n));
		else
			fwrite(p + i, 1, n, w->out);
		i += n;
	}
	fputc('"', w->out);
}

/* Comma, line and key before a value. */
static void begin(struct jsonw *w, const char *key)
{
	if (w->comma)
		fputc(',', w->out);
	if (w->depth > 0)
		new_line(w);
	if (key) {
		quoted(w, (const uint8_t *)key, strlen(key));
		fputs(w->pretty ? ": " : ":", w->out);
	}
	w->comma = true;
}

static void open_bracket(struct jsonw *w, const char *key, char bracket)
{
	begin(w, key);
	fputc(bracket, w->out);
	w->comma = false;
	w->depth++;
}

static void close_bracket(struct jsonw *w, char bracket)
{
	w->depth--;
	if (w->comma)
		new_line(w);
	fputc(bracket, w->out);
	w->comma = true;
}

void jsonw_object(struct jsonw *w, const char *key)
{
	open_bracket(w, key, '{');
}

void jsonw_end_object(struct jsonw *w)
{
	close_bracket(w, '}');
}

void jsonw_array(struct jsonw *w, const char *key)
{
	open_bracket(w, key, '[');
}

void jsonw_end_array(struct jsonw *w)
{
	close_bracket(w, ']');
}

void jsonw_u64(struct jsonw *w, const char *key, uint64_t value)
{
	begin(w, key);
	fprintf(w->out, "%" PRIu64, value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	begin(w, key);
	fputs(value ? "true" : "false", w->out);
}

void jsonw_null(struct jsonw *w, const char *key)
{
	begin(w, key);
	fputs("null", w->out);
}

void jsonw_text(struct jsonw *w, const char *key, const char *text)
{
	jsonw_bytes(w, key, text, strlen(text));
}

void jsonw_bytes(struct jsonw *w, const char *key, const void *bytes, size_t len)
{
	begin(w, key);
	quoted(w, bytes, len);
}

void jsonw_sandbox(struct jsonw *w, const struct sandbox_state *state)
{
	jsonw_object(w, "sandbox");
	jsonw_bool(w, "landlock", state->landlock != 0);
	jsonw_bool(w, "seccomp", state->seccomp);
	jsonw_end_object(w);
}

void jsonw_document(struct jsonw *w, const char *key, const char *json)
{
	size_t len = strlen(json);

	while (len > 0 && (json[len - 1] == '\n' || json[len - 1] == ' '))
		len--;
	begin(w, key);
	for (size_t i = 0; i < len; i++) {
		if (json[i] == '\n')
			new_line(w);
		else
			fputc(json[i], w->out);
	}
}
