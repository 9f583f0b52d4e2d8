/* SPDX-License-Identifier: MIT */
/* Instructions of two functions side by side: those that differ, with some around them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/insns.h"
#include "diff/detail.h"

#define CODE_MAX ((uint64_t)1 << 20)
#define CONTEXT  ((size_t)2)

struct listing {
	struct detail *d;
	struct disassembler *words;
	const struct insns *a, *b;
	const struct insns_delta *delta;
	struct str sa, sb;
};

static void line_of(struct listing *l, struct str *s, const struct insns *c, size_t i)
{
	str_clear(s);
	str_printf(s, "+0x%-4x ", (unsigned)c->insn[i].off);
	disassembler_add(l->words, s, c, &c->insn[i]);
}

static bool leads_elsewhere(const struct listing *l, size_t i, size_t j)
{
	const struct insn *a = &l->a->insn[i], *b = &l->b->insn[j];

	return a->has_target && b->has_target &&
	       memcmp(l->a->data + a->off, l->b->data + b->off, a->len) != 0 &&
	       !insns_leads_to_same(l->a, a, l->b, b);
}

/* Instructions [i, end) of A that are equal to those of B from @j on. */
static void show_same(struct listing *l, size_t i, size_t j, size_t end)
{
	for (; i < end && !detail_full(l->d); i++, j++) {
		line_of(l, &l->sa, l->a, i);
		line_of(l, &l->sb, l->b, j);
		if (leads_elsewhere(l, i, j))
			detail_diff(l->d, str_cstr(&l->sa), str_cstr(&l->sb));
		else
			detail_same(l->d, str_cstr(&l->sa), str_cstr(&l->sb));
	}
}

static void show_edit(struct listing *l, const struct edit *e)
{
	size_t n = (size_t)num_max(e->n_a, e->n_b);

	for (size_t k = 0; k < n && !detail_full(l->d); k++) {
		if (k < e->n_a)
			line_of(l, &l->sa, l->a, e->a + k);
		if (k < e->n_b)
			line_of(l, &l->sb, l->b, e->b + k);
		detail_diff(l->d, k < e->n_a ? str_cstr(&l->sa) : NULL,
			    k < e->n_b ? str_cstr(&l->sb) : NULL);
	}
}

static void show_head(struct listing *l, size_t i, size_t j)
{
	char text[96];

	snprintf(text, sizeof(text), "@@ instruction %zu of %zu, %zu of %zu @@", i + 1, l->a->n,
		 j + 1, l->b->n);
	detail_head(l->d, text);
}

/* The first instruction from @i on, before @end, that leads elsewhere; @end if none does. */
static size_t next_other(const struct listing *l, size_t i, size_t j, size_t end)
{
	while (i < end && !leads_elsewhere(l, i, j)) {
		i++;
		j++;
	}
	return i;
}

/* The equal stretch [i, end) of A, of which those are shown that lead elsewhere, with some around,
 * and some at both ends if something else stands there. */
static void show_stretch(struct listing *l, size_t i, size_t j, size_t end, bool begun, bool more)
{
	size_t to = begun ? (size_t)num_min(end, i + CONTEXT) : i, first = i;

	show_same(l, i, j, to);
	for (size_t at = to; at < end && !detail_full(l->d); at = to) {
		size_t other = next_other(l, at, j + (at - first), end);
		bool found = other < end;
		size_t from = other - num_min(other - at, CONTEXT);

		if (!found && !more)
			return;
		if (from > to || !begun)
			show_head(l, from, j + (from - first));
		begun = true;
		to = found ? (size_t)num_min(end, other + 1 + CONTEXT) : end;
		show_same(l, from, j + (from - first), to);
	}
}

static void show(struct listing *l)
{
	const struct edits *e = &l->delta->edits;
	size_t i = 0, j = 0;

	if (e->coarse)
		detail_note(l->d, "too many instructions differ to match them one by one");
	for (size_t n = 0; n <= e->n && !detail_full(l->d); n++) {
		const struct edit *x = n < e->n ? &e->items[n] : NULL;

		show_stretch(l, i, j, x ? x->a : l->a->n, n > 0, x != NULL);
		if (!x)
			break;
		if (n == 0 && x->a == 0)
			show_head(l, 0, 0);
		show_edit(l, x);
		i = x->a + x->n_a;
		j = x->b + x->n_b;
	}
	if (detail_full(l->d))
		detail_note(l->d, "further instructions are not shown");
}

/* ---- the two functions ---------------------------------------------------------------------- */

static int load(const struct rimg_source *src, uint8_t **ret)
{
	size_t len = (size_t)rimg_source_size(src);

	*ret = malloc(len + 1);
	return *ret ? rimg_source_read(src, 0, *ret, len, NULL) : -RIMG_E_NOMEM;
}

static int decode(struct insns_decoder *decoder, const struct rimg_node *n,
		  const struct elf_view *view, const uint8_t *data, struct insns *ret)
{
	return insns_decode(decoder, view, data, (size_t)rimg_source_size(n->content),
			    node_attr_u64(n, "address", 0), ret);
}

static int list(struct detail *d, const struct insns *a, const struct insns *b, bool *ret)
{
	auto_with(insns_delta_done) struct insns_delta delta = { 0 };
	struct listing l = { .d = d, .a = a, .b = b, .delta = &delta };
	bool failed;

	if (a->n == 0 || b->n == 0)
		return 0;
	if (insns_compare(a, b, EDITS_MAX, &delta) < 0)
		return -RIMG_E_NOMEM;
	l.words = disassembler_new(a->view);
	if (!l.words)
		return -RIMG_E_NOMEM;
	*ret = true;
	d->form = RIMG_DETAIL_CODE;
	show(&l);
	failed = l.sa.failed || l.sb.failed;
	disassembler_free(l.words);
	str_done(&l.sa);
	str_done(&l.sb);
	return failed ? -RIMG_E_NOMEM : 0;
}

/* The file that a function lies in. */
static const struct rimg_source *file_of(const struct rimg_node *n)
{
	return n->layer->src;
}

int detail_code(struct detail *d, const struct pair *p, bool *ret)
{
	auto_with(elf_view_done) struct elf_view va = { 0 }, vb = { 0 };
	auto_with(insns_done) struct insns a = { 0 }, b = { 0 };
	auto_with(insns_decoder_done) struct insns_decoder decoder = { 0 };
	auto_free uint8_t *data_a = NULL, *data_b = NULL;
	uint64_t most = d->diff->ctx->limits.analysis_bytes;
	int rc;

	if (pair_bytes(p) > CODE_MAX)
		return 0;
	rc = elf_view_open(file_of(p->a), most, &va);
	if (rc == 0)
		rc = elf_view_open(file_of(p->b), most, &vb);
	if (rc < 0 || !va.data || !vb.data)
		return rc;
	rc = load(p->a->content, &data_a);
	if (rc == 0)
		rc = load(p->b->content, &data_b);
	if (rc == 0)
		rc = decode(&decoder, p->a, &va, data_a, &a);
	if (rc == 0)
		rc = decode(&decoder, p->b, &vb, data_b, &b);
	return rc == 0 ? list(d, &a, &b, ret) : rc;
}
