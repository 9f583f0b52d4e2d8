/* SPDX-License-Identifier: MIT */
/* Rows of 16 bytes around those that differ. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"
#include "core/str.h"
#include "diff/detail.h"

#define ROW     ((size_t)16)
#define CONTEXT 1 /* rows before and behind */

struct hex {
	struct detail *d;
	const struct rimg_source *a, *b;
	uint64_t next; /* row that was not shown yet */
	bool begun;
};

static void add_row(struct str *s, const uint8_t *row, size_t n, uint64_t off)
{
	str_printf(s, "%08" PRIx64 " ", off);
	for (size_t i = 0; i < ROW; i++) {
		str_add(s, i == ROW / 2 ? "  " : " ");
		if (i < n)
			str_printf(s, "%02x", row[i]);
		else
			str_add(s, "  ");
	}
	str_add(s, "  |");
	for (size_t i = 0; i < n; i++)
		str_add_char(s, row[i] >= 0x20 && row[i] < 0x7f ? (char)row[i] : '.');
	str_add_char(s, '|');
}

static int read_row(const struct rimg_source *src, uint64_t off, uint8_t *row, size_t *ret_n)
{
	uint64_t size = rimg_source_size(src);

	*ret_n = off < size ? (size_t)num_min(ROW, size - off) : 0;
	return *ret_n ? rimg_source_read(src, off, row, *ret_n, NULL) : 0;
}

static int show_row(struct hex *h, uint64_t off)
{
	auto_str struct str sa = { 0 }, sb = { 0 };
	uint8_t row_a[ROW], row_b[ROW];
	size_t na = 0, nb = 0;
	int rc = read_row(h->a, off, row_a, &na);

	if (rc == 0)
		rc = read_row(h->b, off, row_b, &nb);
	if (rc < 0)
		return rc;
	add_row(&sa, row_a, na, off);
	add_row(&sb, row_b, nb, off);
	if (sa.failed || sb.failed)
		return -RIMG_E_NOMEM;
	if (na == nb && memcmp(row_a, row_b, na) == 0)
		detail_same(h->d, str_cstr(&sa), str_cstr(&sb));
	else
		detail_diff(h->d, na ? str_cstr(&sa) : NULL, nb ? str_cstr(&sb) : NULL);
	return 0;
}

/* Rows [from, to) with a heading if they do not follow the ones before. */
static int show_rows(struct hex *h, uint64_t from, uint64_t to)
{
	char text[64];

	if (from < h->next)
		from = h->next;
	else if (from > h->next || !h->begun) {
		snprintf(text, sizeof(text), "@@ byte %" PRIu64 " @@", from);
		detail_head(h->d, text);
	}
	h->begun = true;
	for (; from < to && !detail_full(h->d); from += ROW) {
		int rc = show_row(h, from);

		if (rc < 0)
			return rc;
		h->next = from + ROW;
	}
	return 0;
}

/* A byte differs at @off: its row with those around it. */
static int show_around(struct hex *h, uint64_t off)
{
	uint64_t row = off - off % ROW;
	uint64_t end = num_max(rimg_source_size(h->a), rimg_source_size(h->b));

	return show_rows(h, row - num_min(row, CONTEXT * ROW),
			 num_min(row + (CONTEXT + 1) * ROW, end));
}

static void say_rest(struct hex *h)
{
	char text[96];

	snprintf(text, sizeof(text), "what differs from byte %" PRIu64 " on is not shown", h->next);
	detail_note(h->d, text);
}

/* All that differs in @len bytes at @off, which both have. */
static int show_chunk(struct hex *h, const uint8_t *a, const uint8_t *b, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int rc;

		if (a[i] == b[i])
			continue;
		rc = show_around(h, off + i);
		if (rc < 0 || detail_full(h->d))
			return rc;
		i |= ROW - 1; /* chunks begin at a row */
	}
	return 0;
}

int detail_hex(struct detail *d, const struct rimg_source *a, const struct rimg_source *b)
{
	struct hex h = { .d = d, .a = a, .b = b };
	uint64_t size_a = rimg_source_size(a), size_b = rimg_source_size(b), off = 0;
	uint64_t common = num_min(size_a, size_b), all = num_max(size_a, size_b);
	uint8_t buf_a[4096], buf_b[4096];
	int rc = 0;

	d->form = RIMG_DETAIL_HEX;
	while (rc == 0 && off < common && !detail_full(d)) {
		size_t n = (size_t)num_min(sizeof(buf_a), common - off);

		rc = rimg_source_read(a, off, buf_a, n, NULL);
		if (rc == 0)
			rc = rimg_source_read(b, off, buf_b, n, NULL);
		if (rc == 0)
			rc = show_chunk(&h, buf_a, buf_b, off, n);
		off += n;
	}
	if (rc == 0 && off >= common && all > common && !detail_full(d))
		rc = show_around(&h, common);
	if (rc == 0 && detail_full(d))
		say_rest(&h);
	return rc;
}

int detail_ranges(struct detail *d, const struct difference *x)
{
	struct hex h = { .d = d, .a = d->diff->root->a->content, .b = d->diff->root->b->content };
	int rc = 0;
	size_t i;

	d->form = RIMG_DETAIL_HEX;
	for (i = 0; i < x->n_ranges && rc == 0 && !detail_full(d); i++) {
		const struct rimg_diff_range *r = &x->ranges[i];
		uint64_t off = r->a_off != RIMG_NO_OFFSET ? r->a_off : r->b_off;
		uint64_t end = num_min(off + r->len, off + d->max_lines * ROW);

		for (; off < end && rc == 0 && !detail_full(d); off += ROW - off % ROW)
			rc = show_around(&h, off);
	}
	if (rc == 0 && detail_full(d))
		say_rest(&h);
	return rc;
}
