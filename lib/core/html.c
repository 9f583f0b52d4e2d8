/* SPDX-License-Identifier: MIT */
#include "core/html.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* ---- characters ----------------------------------------------------------------------------- */

static void put(struct html *h, const char *text, size_t len)
{
	h->len += fwrite(text, 1, len, h->out);
}

static void put_text(struct html *h, const char *text)
{
	put(h, text, strlen(text));
}

/* One byte that must not be seen as it is. */
static void put_hex(struct html *h, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	char hex[] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };

	put(h, hex, sizeof(hex));
}

/* What stands for a character in text and in attributes alike; NULL: it may stay. */
static const char *replacement(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	case '\n': return "\\n";
	case '\t': return "\\t";
	case '\r': return "\\r";
	default: return NULL;
	}
}

enum escaping {
	ESCAPE_HARMLESS, /* backslashes stay */
	ESCAPE_LINES,    /* and so do newlines and tabs */
	ESCAPE_BYTES,    /* backslashes are doubled, so that it can be undone */
};

static bool stays(char c, enum escaping escaping)
{
	return escaping == ESCAPE_LINES && (c == '\n' || c == '\t');
}

static void put_escaped(struct html *h, const void *bytes, size_t len, enum escaping escaping)
{
	const uint8_t *p = bytes;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		const char *instead = replacement((char)p[i]);

		n = str_utf8_len(p + i, len - i);
		if (stays((char)p[i], escaping)) {
			put(h, (const char *)p + i, 1);
		} else if (instead) {
			put_text(h, instead);
		} else if (p[i] == '\\' && escaping == ESCAPE_BYTES) {
			put_text(h, "\\\\");
		} else if (n > 0 && !str_is_treacherous(p + i, n)) {
			put(h, (const char *)p + i, n);
		} else {
			n = n ? n : 1;
			for (size_t k = 0; k < n; k++)
				put_hex(h, p[i + k]);
		}
	}
}

/* ---- elements ------------------------------------------------------------------------------- */

/* Elements without an end tag in HTML. Those of SVG are closed like any other. */
static bool is_void(const char *tag)
{
	static const char *const tags[] = { "br", "hr", "img", "input", "link", "meta", "col" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return false;
}

static void end_tag(struct html *h)
{
	if (h->in_tag)
		put_text(h, ">");
	h->in_tag = false;
}

/* Elements that begin a line of the source, which somebody may read or compare. */
static bool begins_line(const char *tag)
{
	static const char *const tags[] = { "div", "section", "details", "table",  "tr",  "li",
					    "ul",  "ol",      "h1",      "h2",     "h3",  "p",
					    "svg", "rect",    "main",    "header", "nav", "footer",
					    "pre", "dl",      "body",    "dt" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return false;
}

void html_open(struct html *h, const char *tag)
{
	assert(h->depth < HTML_DEPTH);
	end_tag(h);
	if (begins_line(tag))
		put_text(h, "\n");
	put_text(h, "<");
	put_text(h, tag);
	h->open[h->depth++] = tag;
	h->in_tag = true;
}

void html_open_class(struct html *h, const char *tag, const char *classes)
{
	html_open(h, tag);
	if (classes)
		html_attr(h, "class", classes);
}

void html_attr(struct html *h, const char *name, const char *value)
{
	assert(h->in_tag);
	put_text(h, " ");
	put_text(h, name);
	if (!value)
		return;
	put_text(h, "=\"");
	put_escaped(h, value, strlen(value), ESCAPE_HARMLESS);
	put_text(h, "\"");
}

void html_attr_u64(struct html *h, const char *name, uint64_t value)
{
	html_attr_fmt(h, name, "%" PRIu64, value);
}

void html_attr_fmt(struct html *h, const char *name, const char *fmt, ...)
{
	char buf[128];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < sizeof(buf));
	html_attr(h, name, buf);
}

void html_close(struct html *h)
{
	const char *tag;

	assert(h->depth > 0);
	end_tag(h);
	tag = h->open[--h->depth];
	if (is_void(tag))
		return;
	put_text(h, "</");
	put_text(h, tag);
	put_text(h, ">");
}

void html_element(struct html *h, const char *tag, const char *classes, const char *text)
{
	html_open_class(h, tag, classes);
	html_text(h, text);
	html_close(h);
}

/* ---- text ----------------------------------------------------------------------------------- */

void html_text(struct html *h, const char *text)
{
	end_tag(h);
	put_escaped(h, text, strlen(text), ESCAPE_HARMLESS);
}

void html_fmt(struct html *h, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = str_vformat(fmt, args);
	va_end(args);
	html_text(h, text ? text : "(out of memory)");
}

void html_lines(struct html *h, const char *text, size_t len)
{
	end_tag(h);
	put_escaped(h, text, len, ESCAPE_LINES);
}

void html_bytes(struct html *h, const void *bytes, size_t len)
{
	end_tag(h);
	put_escaped(h, bytes, len, ESCAPE_BYTES);
}

void html_insert(struct html *h, const char *markup, size_t len)
{
	end_tag(h);
	put(h, markup, len);
}

void html_number(struct html *h, uint64_t n)
{
	char digits[24], grouped[32];
	size_t len, out = 0;

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			grouped[out++] = ',';
		grouped[out++] = digits[i];
	}
	end_tag(h);
	put(h, grouped, out);
}

void html_count(struct html *h, uint64_t n, const char *noun)
{
	html_number(h, n);
	html_text(h, " ");
	html_text(h, noun);
	if (n != 1)
		html_text(h, "s");
}

void html_card(struct html *h, uint64_t n, const char *noun, const char *below)
{
	html_open_class(h, "div", "card");
	html_open_class(h, "span", "big");
	html_number(h, n);
	html_close(h);
	html_fmt(h, "%s%s", noun, n == 1 ? "" : "s");
	html_element(h, "div", "quiet", below);
	html_close(h);
}

/* ---- the page ------------------------------------------------------------------------------- */

/* The policy: nothing may be loaded, run, embedded, sent or restyled. The digest is of exactly what
 * stands between the tags of the style element. */
static int put_policy(struct html *h, const char *css, size_t len, struct rimg_error *err)
{
	uint8_t digest[SHA256_LEN];
	char base64[4 * (SHA256_LEN / 3 + 1) + 1];
	int rc = digest_bytes(css, len, digest, err);

	if (rc < 0)
		return rc;
	EVP_EncodeBlock((unsigned char *)base64, digest, sizeof(digest));
	html_open(h, "meta");
	html_attr(h, "http-equiv", "Content-Security-Policy");
	/* a digest has no character that would have to be escaped */
	put_text(h, " content=\"default-src 'none'; style-src 'sha256-");
	put_text(h, base64);
	put_text(h, "'; base-uri 'none'; form-action 'none'\"");
	html_close(h);
	put_text(h, "\n");
	return 0;
}

static void put_meta(struct html *h, const char *name, const char *content)
{
	html_open(h, "meta");
	html_attr(h, "name", name);
	html_attr(h, "content", content);
	html_close(h);
	put_text(h, "\n");
}

int html_page(struct html *h, FILE *out, const char *title, const char *css, struct rimg_error *err)
{
	auto_str struct str style = { 0 };
	int rc;

	*h = (struct html){ .out = out };
	str_add(&style, html_style);
	if (css)
		str_add(&style, css);
	if (style.failed)
		return error_nomem(err);
	/* a style element ends at "</" whatever stands before it */
	assert(!strstr(str_cstr(&style), "</"));
	put_text(h, "<!DOCTYPE html>\n");
	html_open(h, "html");
	html_attr(h, "lang", "en");
	html_open(h, "head");
	put_text(h, ">\n");
	h->in_tag = false;
	html_open(h, "meta");
	html_attr(h, "charset", "utf-8");
	html_close(h);
	put_text(h, "\n");
	rc = put_policy(h, str_cstr(&style), style.len, err);
	if (rc < 0)
		return rc;
	put_meta(h, "viewport", "width=device-width, initial-scale=1");
	put_meta(h, "color-scheme", "light dark");
	put_meta(h, "referrer", "no-referrer");
	html_element(h, "title", NULL, title);
	put_text(h, "\n<style>");
	put(h, str_cstr(&style), style.len);
	put_text(h, "</style>");
	html_close(h);
	html_open(h, "body");
	return 0;
}

void html_page_end(struct html *h)
{
	while (h->depth > 0)
		html_close(h);
	put_text(h, "\n");
}
