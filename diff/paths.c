/* SPDX-License-Identifier: MIT */
/* Paths of the place where something was built: contents that are equal once one beginning of paths
 * is replaced by another. Nothing is called a build path that this does not prove. */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/num.h"
#include "diff/program.h"

#define TEXT_MIN  5 /* of a path that is looked at */
#define TEXT_MAX  4096
#define TEXTS_MAX ((size_t)1 << 18)
#define TRIES     16 /* paths whose counterpart is looked for */

/** struct text - printable bytes of a content, up to a zero or anything else */
struct text {
	const uint8_t *data;
	size_t len;
};

struct texts {
	struct text *items;
	size_t n, cap;
};

static void texts_done(struct texts *t)
{
	free(t->items);
}

static bool is_print(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static int add_text(struct texts *t, const uint8_t *data, size_t len)
{
	struct text *grown = vec_grow(t->items, &t->cap, t->n, sizeof(*grown));

	if (!grown)
		return -RIMG_E_NOMEM;
	t->items = grown;
	grown[t->n++] = (struct text){ .data = data, .len = len };
	return 0;
}

/* All texts; only those that hold a path unless @all. */
static int list_texts(struct texts *t, const uint8_t *data, size_t len, bool all)
{
	for (size_t i = 0; i < len && t->n < TEXTS_MAX;) {
		size_t n = 0;

		while (i + n < len && is_print(data[i + n]) && n < TEXT_MAX)
			n++;
		if ((all && n > 0) || (n >= TEXT_MIN && memchr(data + i, '/', n))) {
			if (add_text(t, data + i, n) < 0)
				return -RIMG_E_NOMEM;
		}
		i += n + 1;
	}
	return 0;
}

static int compare_texts(const void *pa, const void *pb)
{
	const struct text *a = pa, *b = pb;
	int order = memcmp(a->data, b->data, (size_t)num_min(a->len, b->len));

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The next text of @a from *@i on that @b lacks, both sorted. */
static bool next_alone(const struct texts *a, const struct texts *b, size_t *i, size_t *j,
		       struct text *ret)
{
	for (; *i < a->n; ++*i) {
		while (*j < b->n && compare_texts(&b->items[*j], &a->items[*i]) < 0)
			++*j;
		if (*j < b->n && compare_texts(&b->items[*j], &a->items[*i]) == 0)
			continue;
		*ret = a->items[(*i)++];
		return true;
	}
	return false;
}

/* What is before the end that two paths share, which has to begin with a '/'; the end is the
 * longest of all texts of @t. */
static bool find_beginnings(const struct text *a, const struct texts *t, struct text *ret_a,
			    struct text *ret_b)
{
	size_t best = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct text *b = &t->items[i];
		size_t most = (size_t)num_min(a->len, b->len), n = 0, slash = 0;

		while (n < most && a->data[a->len - 1 - n] == b->data[b->len - 1 - n]) {
			n++;
			if (a->data[a->len - n] == '/')
				slash = n;
		}
		if (slash <= best || slash == a->len || slash == b->len)
			continue;
		best = slash;
		*ret_a = (struct text){ .data = a->data, .len = a->len - slash };
		*ret_b = (struct text){ .data = b->data, .len = b->len - slash };
	}
	return best > 0;
}

/* A path begins at the first '/', whatever stands before it ("at /build/x.c"). Both beginnings lose
 * what they have in common there. */
static void trim(struct text *a, struct text *b)
{
	size_t n = 0, slash = 0;

	while (n < a->len && n < b->len && a->data[n] == b->data[n]) {
		if (a->data[n] == '/')
			slash = n + 1;
		n++;
	}
	/* keep one name in front, so that the beginning is found nowhere else by chance */
	if (slash > 1)
		slash--;
	a->data += slash;
	a->len -= slash;
	b->data += slash;
	b->len -= slash;
}

/* @data with every @from replaced by @to; not much more than @most bytes of it. */
static int replace(struct str *s, const uint8_t *data, size_t len, const struct text *from,
		   const struct text *to, size_t most)
{
	size_t pos = 0;

	while (pos < len && s->len <= most) {
		const uint8_t *at = memmem(data + pos, len - pos, from->data, from->len);
		size_t n = at ? (size_t)(at - data) - pos : len - pos;

		str_add_len(s, data + pos, n);
		pos += n;
		if (at) {
			str_add_len(s, to->data, to->len);
			pos += from->len;
		}
	}
	return s->failed ? -RIMG_E_NOMEM : 0;
}

static bool equal_lists(const struct texts *a, const struct texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (compare_texts(&a->items[i], &b->items[i]) != 0)
			return false;
	return true;
}

/* The same texts, in any order. */
static int equal_texts(const struct str *a, const uint8_t *b, size_t len_b, bool *ret)
{
	auto_with(texts_done) struct texts ta = { 0 }, tb = { 0 };

	if (list_texts(&ta, (const uint8_t *)str_cstr(a), a->len, true) < 0 ||
	    list_texts(&tb, b, len_b, true) < 0)
		return -RIMG_E_NOMEM;
	if (ta.n == 0 || ta.n >= TEXTS_MAX)
		return 0;
	qsort(ta.items, ta.n, sizeof(*ta.items), compare_texts);
	qsort(tb.items, tb.n, sizeof(*tb.items), compare_texts);
	*ret = equal_lists(&ta, &tb);
	return 0;
}

/* The beginnings in which the first paths differ for which that can be told. */
static bool find_pair(const struct texts *a, const struct texts *b, struct text *from,
		      struct text *to)
{
	struct text alone;
	size_t i = 0, j = 0;

	for (unsigned tries = 0; tries < TRIES && next_alone(a, b, &i, &j, &alone); tries++)
		if (find_beginnings(&alone, b, from, to)) {
			trim(from, to);
			return from->len > 0 && from->data[0] == '/' && to->len > 0 &&
			       to->data[0] == '/';
		}
	return false;
}

static void tell(struct str *s, const struct text *a, const struct text *b)
{
	str_add(s, "equal once \"");
	str_add_escaped(s, a->data, a->len, STR_ESCAPE_TEXT);
	str_add(s, "\" at the beginning of paths is replaced by \"");
	str_add_escaped(s, b->data, b->len, STR_ESCAPE_TEXT);
	str_add(s, "\"");
}

int paths_compare(const uint8_t *a, size_t len_a, const uint8_t *b, size_t len_b, bool as_texts,
		  struct str *s, bool *ret)
{
	auto_with(texts_done) struct texts ta = { 0 }, tb = { 0 };
	auto_str struct str replaced = { 0 };
	struct text from, to;

	*ret = false;
	if (list_texts(&ta, a, len_a, false) < 0 || list_texts(&tb, b, len_b, false) < 0)
		return -RIMG_E_NOMEM;
	if (ta.n == 0 || tb.n == 0)
		return 0;
	qsort(ta.items, ta.n, sizeof(*ta.items), compare_texts);
	qsort(tb.items, tb.n, sizeof(*tb.items), compare_texts);
	if (!find_pair(&ta, &tb, &from, &to))
		return 0;
	if (replace(&replaced, a, len_a, &from, &to, len_b) < 0)
		return -RIMG_E_NOMEM;
	*ret = replaced.len == len_b && memcmp(str_cstr(&replaced), b, len_b) == 0;
	if (!*ret && as_texts && replaced.len <= len_b && equal_texts(&replaced, b, len_b, ret) < 0)
		return -RIMG_E_NOMEM;
	if (*ret)
		tell(s, &from, &to);
	return 0;
}
