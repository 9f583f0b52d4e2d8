/* SPDX-License-Identifier: MIT */
/* Lines that differ in two texts, with some around them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/detail.h"
#include "diff/edits.h"

#define TEXT_MAX       ((uint64_t)4 << 20) /* bytes of a text that is shown by lines */
#define CONTEXT        ((size_t)3)
#define LINE_MAX_SHOWN ((size_t)400)

struct text {
	char *data;
	size_t len;
	size_t *start; /* of each line, and the end */
	uint64_t *key; /* equal for equal lines */
	size_t n;
};

static void text_done(struct text *t)
{
	free(t->data);
	free(t->start);
	free(t->key);
}

static bool is_text(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != 0x1b) ||
		    c == 0x7f)
			return false;
	}
	return str_is_utf8(data, len);
}

/* Equal lines have equal keys; unequal ones that have too are told apart by comparing. */
static uint64_t key_of(const char *line, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)line[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int split(struct text *t)
{
	size_t n = 0, line = 0;

	for (size_t i = 0; i < t->len; i++)
		n += t->data[i] == '\n';
	n += t->len > 0 && t->data[t->len - 1] != '\n';
	t->start = calloc(n + 1, sizeof(*t->start));
	t->key = calloc(n + 1, sizeof(*t->key));
	if (!t->start || !t->key)
		return -RIMG_E_NOMEM;
	t->n = n;
	for (size_t i = 0; i < t->len && line < n; line++) {
		const char *end = memchr(t->data + i, '\n', t->len - i);
		size_t len = end ? (size_t)(end - t->data) + 1 - i : t->len - i;

		t->start[line] = i;
		t->key[line] = key_of(t->data + i, len);
		i += len;
	}
	t->start[n] = t->len;
	return 0;
}

static int load(struct text *t, const struct rimg_source *src, bool *ret)
{
	uint64_t size = rimg_source_size(src);
	char head[512];
	size_t n = (size_t)num_min(size, sizeof(head));
	int rc;

	*ret = false;
	if (size > TEXT_MAX)
		return 0;
	rc = n ? rimg_source_read(src, 0, head, n, NULL) : 0;
	/* programs are most of what is asked for */
	if (rc < 0 || memchr(head, 0, n))
		return rc;
	t->len = (size_t)size;
	t->data = malloc(t->len + 1);
	if (!t->data)
		return -RIMG_E_NOMEM;
	rc = t->len ? rimg_source_read(src, 0, t->data, t->len, NULL) : 0;
	if (rc < 0 || !is_text(t->data, t->len))
		return rc;
	*ret = true;
	return split(t);
}

/* Two lines that have one key but are not the same: then keys say nothing. */
static bool keys_lie(const struct text *a, const struct text *b, const struct edits *e)
{
	size_t i = 0, j = 0;

	for (size_t n = 0; n <= e->n; n++) {
		size_t end = n < e->n ? e->items[n].a : a->n;

		for (; i < end; i++, j++) {
			size_t len = a->start[i + 1] - a->start[i];

			if (len != b->start[j + 1] - b->start[j] ||
			    memcmp(a->data + a->start[i], b->data + b->start[j], len) != 0)
				return true;
		}
		if (n < e->n) {
			i = e->items[n].a + e->items[n].n_a;
			j = e->items[n].b + e->items[n].n_b;
		}
	}
	return false;
}

/* ---- showing -------------------------------------------------------------------------------- */

/* A line without its end, harmless. */
static void line_text(struct str *s, const struct text *t, size_t i)
{
	size_t len = t->start[i + 1] - t->start[i];
	const char *line = t->data + t->start[i];
	bool ended = len > 0 && line[len - 1] == '\n';

	len -= ended;
	str_clear(s);
	if (len > LINE_MAX_SHOWN) {
		len = LINE_MAX_SHOWN;
		while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80)
			len--;
		str_add_escaped(s, line, len, STR_ESCAPE_TEXT);
		str_printf(s, "... (%zu bytes)", t->start[i + 1] - t->start[i]);
	} else {
		str_add_escaped(s, line, len, STR_ESCAPE_TEXT);
	}
	if (!ended)
		str_add(s, " (no end of line)");
}

static void show_same(struct detail *d, const struct text *a, size_t from, size_t to, struct str *s)
{
	for (; from < to && !detail_full(d); from++) {
		line_text(s, a, from);
		detail_same(d, str_cstr(s), str_cstr(s));
	}
}

static void show_edit(struct detail *d, const struct text *a, const struct text *b,
		      const struct edit *e, struct str *s)
{
	for (size_t i = 0; i < e->n_a && !detail_full(d); i++) {
		line_text(s, a, e->a + i);
		detail_diff(d, str_cstr(s), NULL);
	}
	for (size_t i = 0; i < e->n_b && !detail_full(d); i++) {
		line_text(s, b, e->b + i);
		detail_diff(d, NULL, str_cstr(s));
	}
}

/* How many edits belong together: those with few lines in between. */
static size_t hunk_len(const struct edits *e, size_t first)
{
	size_t n = 1;

	while (first + n < e->n) {
		const struct edit *x = &e->items[first + n - 1];

		if (e->items[first + n].a - (x->a + x->n_a) > 2 * CONTEXT)
			break;
		n++;
	}
	return n;
}

/* As in unified diffs: an empty side begins with the line before it. */
static void head_text(char *text, size_t size, size_t a, size_t n_a, size_t b, size_t n_b)
{
	snprintf(text, size, "@@ -%zu,%zu +%zu,%zu @@", n_a ? a + 1 : a, n_a, n_b ? b + 1 : b, n_b);
}

static void show_hunk(struct detail *d, const struct text *a, const struct text *b,
		      const struct edit *e, size_t n, struct str *s)
{
	const struct edit *last = &e[n - 1];
	size_t before = num_min(e->a, CONTEXT);
	size_t end = last->a + last->n_a, behind = num_min(a->n - end, CONTEXT);
	size_t n_a = end + behind - (e->a - before);
	size_t n_b = last->b + last->n_b + behind - (e->b - before);
	char text[96];

	head_text(text, sizeof(text), e->a - before, n_a, e->b - before, n_b);
	detail_head(d, text);
	show_same(d, a, e->a - before, e->a, s);
	for (size_t i = 0; i < n; i++) {
		show_edit(d, a, b, &e[i], s);
		if (i + 1 < n)
			show_same(d, a, e[i].a + e[i].n_a, e[i + 1].a, s);
	}
	show_same(d, a, end, end + behind, s);
}

static void show(struct detail *d, const struct text *a, const struct text *b,
		 const struct edits *e, struct str *s)
{
	char text[96];
	size_t i = 0;

	if (e->coarse)
		detail_note(d, "too many lines differ to match them one by one");
	while (i < e->n && !detail_full(d)) {
		size_t n = hunk_len(e, i);

		show_hunk(d, a, b, &e->items[i], n, s);
		i += n;
	}
	if (!detail_full(d))
		return;
	snprintf(text, sizeof(text), "further lines are not shown; the texts have %zu and %zu",
		 a->n, b->n);
	detail_note(d, text);
}

int detail_text(struct detail *d, const struct rimg_source *src_a, const struct rimg_source *src_b,
		bool *ret)
{
	auto_with(text_done) struct text a = { 0 }, b = { 0 };
	auto_with(edits_done) struct edits e = { 0 };
	auto_str struct str s = { 0 };
	int rc = load(&a, src_a, ret);

	if (rc == 0 && *ret)
		rc = load(&b, src_b, ret);
	if (rc < 0 || !*ret || !a.start || !b.start)
		return rc;
	rc = edits_find(a.key, a.n, b.key, b.n, EDITS_MAX, &e);
	if (rc < 0)
		return rc;
	*ret = !keys_lie(&a, &b, &e);
	if (!*ret)
		return 0;
	d->form = RIMG_DETAIL_TEXT;
	show(d, &a, &b, &e, &s);
	return s.failed ? -RIMG_E_NOMEM : 0;
}
