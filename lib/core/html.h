/* SPDX-License-Identifier: MIT */
#ifndef CORE_HTML_H
#define CORE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HTML_DEPTH 128 /* elements that may be open at once */

/**
 * struct html - writes one self-contained HTML page to a stream, never holding it whole
 *
 * The page has no script, loads nothing, and says so in a strict content security policy, whose
 * only exception is the SHA-256 of its own stylesheet. Escaping, and closing what was opened, are
 * this writer's business; tags, names of attributes and classes are constants of the caller. Styles
 * are classes: the policy also forbids the attribute `style`. Output errors show in ferror() of the
 * stream.
 *
 * @len: bytes written so far, for those who bound their pages
 */
struct html {
	FILE *out;
	uint64_t len;
	bool in_tag; /* a start tag is open: attributes may follow */
	unsigned depth;
	const char *open[HTML_DEPTH];
};

struct rimg_error;

/**
 * html_page - begin a page: head, stylesheet, <body>
 * @title: harmless text as for html_text()
 * @css:   rules that come after the shared ones, or NULL
 *
 * The shared stylesheet (html_style.c) has light and dark colours, narrow and wide layouts, and the
 * classes that its comment lists. Returns 0 or -RIMG_E_CRYPTO (no digest of the stylesheet).
 */
int html_page(struct html *h, FILE *out, const char *title, const char *css,
	      struct rimg_error *err);

/** html_page_end - end it, and every element that is still open */
void html_page_end(struct html *h);

/** html_open - begin an element; @tag is static; close it with html_close() */
void html_open(struct html *h, const char *tag);

/** html_open_class - html_open() with a class, or several with blanks between */
void html_open_class(struct html *h, const char *tag, const char *classes);

/** html_attr - add an attribute to the element that was just opened; NULL: one without value */
void html_attr(struct html *h, const char *name, const char *value);
void html_attr_u64(struct html *h, const char *name, uint64_t value);

/** html_attr_fmt - the same, formatted */
__attribute__((format(printf, 3, 4))) void html_attr_fmt(struct html *h, const char *name,
							 const char *fmt, ...);

/** html_close - end the innermost element; those that hold nothing ("br", "rect") as well */
void html_close(struct html *h);

/** html_element - an element of nothing but text; @classes may be NULL */
void html_element(struct html *h, const char *tag, const char *classes, const char *text);

/**
 * html_text - add text that is our own, or was made harmless already (addresses, values)
 *
 * What is special to HTML is escaped. Control characters, bytes that are not UTF-8 and what changes
 * the direction of text become \xNN, as in str_clean(): what is clean or escaped does not change.
 */
void html_text(struct html *h, const char *text);

/** html_fmt - the same, formatted */
__attribute__((format(printf, 2, 3))) void html_fmt(struct html *h, const char *fmt, ...);

/** html_lines - html_text() for a text of several lines, in a <pre>: newlines and tabs stay */
void html_lines(struct html *h, const char *text, size_t len);

/** html_bytes - add untrusted bytes (a name), reversibly, as str_add_escaped() does */
void html_bytes(struct html *h, const void *bytes, size_t len);

/** html_insert - add what another writer made: whole elements, as they are */
void html_insert(struct html *h, const char *markup, size_t len);

/** html_number - add a number with its digits in groups of three: 41,212 */
void html_number(struct html *h, uint64_t n);

/** html_count - "1 byte", "41,212 bytes" */
void html_count(struct html *h, uint64_t n, const char *noun);

/** html_card - one of the cards in a row: the number, large, "bytes", and a line below */
void html_card(struct html *h, uint64_t n, const char *noun, const char *below);

/** html_style - the shared stylesheet */
extern const char html_style[];

#endif
