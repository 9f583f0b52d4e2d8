/* SPDX-License-Identifier: MIT */
#include "audit/code_a64.h"

#include <stdlib.h>

#include "core/num.h"

/*
 * Cuts regions of AArch64 code into pieces:
 *
 *     region   |..........................................................|
 *     entries      |---FDE---|         |---FDE---|---FDE---|
 *     pieces   |gap|---------|g |pad|gap|--------|---------|pad| gap | gap |
 *
 * An unwind entry is one piece. Gaps between entries are cut where functions end, and at calls'
 * targets and symbols. Where entries overlap, they are one gap. Facts: docs/audit.md, "Pieces".
 */

/* What stands before the code that begins at @first? */
static void look_before(const struct a64_code *c, size_t first, struct a64_context *context)
{
	size_t i = first;
	int64_t distance;
	enum a64_flow flow;

	while (i > 0 && first - i < 16 && a64_word(c, i - 1) == A64_NOP)
		i--;
	if (i == 0)
		return;
	if (!(c->flags[i - 1] & WORD_REACHED) && (c->flags[i - 1] & (WORD_TABLE | WORD_LITERAL)))
		return;
	flow = a64_flow(a64_word(c, i - 1), &distance);
	/* most calls at the end of a function do not come back */
	context->after_call = flow == FLOW_CALL || flow == FLOW_CALL_REG;
	context->falls_in = !a64_ends(flow) && !context->after_call;
}

static void emit(const struct a64_code *c, size_t first, size_t end, enum code_class cls,
		 uint64_t bits)
{
	code_emit(c->f, c->region, c->region->off + (uint64_t)first * 4,
		  (uint64_t)(end - first) * 4, cls, bits);
}

/* Walks and judges [first, end) as one function. */
static void cut_function(const struct a64_code *c, size_t first, size_t end,
			 struct a64_context context)
{
	struct a64_part part;
	enum code_class cls;
	uint64_t bits;

	look_before(c, first, &context);
	context.branched = (c->flags[first] & WORD_BRANCHED) != 0;
	context.is_start |= !context.falls_in || (c->flags[first] & (WORD_CALLED | WORD_SYMBOL));
	a64_walk(c, first, end, &part);
	cls = a64_judge(c, &part, &context, &bits);
	if (part.n_unreached > 0 && context.fde)
		code_odd(c->f, ODD_UNREACHED, c->region->off + (uint64_t)first * 4);
	emit(c, first, end, cls, bits);
}

/* Literals behind a function that nothing reaches are its own. */
static size_t with_literals(const struct a64_code *c, size_t end, size_t limit)
{
	while (end < limit && (c->flags[end] & WORD_LITERAL) &&
	       !(c->flags[end] & (WORD_CALLED | WORD_SYMBOL)))
		end++;
	return end;
}

/* The next piece of a gap, which begins at @first; returns where it ends. */
static size_t cut_gap_piece(const struct a64_code *c, size_t first, size_t limit, bool overlap)
{
	size_t end = first, n;
	bool plain;

	while (end < limit && a64_is_pad(a64_word(c, end)))
		end++;
	if (end > first) {
		emit(c, first, end, CODE_PAD, 0);
		return end;
	}
	n = a64_wrapper(c, first, limit, &plain);
	if (n > 0) {
		emit(c, first, first + n, plain ? CODE_ASM : CODE_UNKNOWN,
		     code_rule_bit(RULE_ASM_WRAPPER));
		return first + n;
	}
	n = a64_plt(c, first, limit);
	if (n > 0) {
		emit(c, first, first + n, CODE_ASM, code_rule_bit(RULE_PLT));
		return first + n;
	}
	end = with_literals(c, a64_function_end(c, first, limit), limit);
	/* behind a call that does not come back */
	while (end > first + 1 && a64_is_pad(a64_word(c, end - 1)) &&
	       !(c->flags[end - 1] & WORD_LITERAL))
		end--;
	cut_function(c, first, end, (struct a64_context){ .overlap = overlap });
	return end;
}

static void cut_gap(const struct a64_code *c, size_t first, size_t limit, bool overlap)
{
	while (first < limit && !c->f->nomem)
		first = cut_gap_piece(c, first, limit, overlap);
}

/* Words of the region that an entry covers; false: it does not lie on words, or not inside. */
static bool entry_words(const struct a64_code *c, const struct code_fde *fde, size_t *ret_first,
			size_t *ret_end)
{
	uint64_t at = fde->off - c->region->off;
	uint64_t left = (uint64_t)c->n_words * 4;

	if (at % 4 != 0 || fde->len % 4 != 0 || at > left || fde->len > left - at) {
		code_odd(c->f, ODD_UNWIND_STRAY, fde->off);
		return false;
	}
	*ret_first = (size_t)(at / 4);
	*ret_end = (size_t)((at + fde->len) / 4);
	return true;
}

/* Entries from @i on that overlap one another; returns the one behind them. */
static size_t overlapping(const struct a64_code *c, size_t i, uint64_t *ret_end)
{
	const struct code_file *f = c->f;
	uint64_t end = f->fdes[i].len + f->fdes[i].off;

	for (i++; i < f->n_fdes && f->fdes[i].off < end; i++)
		end = num_max(end, f->fdes[i].len + f->fdes[i].off);
	*ret_end = end;
	return i;
}

/* Returns the first entry behind the region. */
static size_t cut_region(const struct a64_code *c, size_t i)
{
	struct code_file *f = c->f;
	const struct code_region *r = c->region;
	size_t pos = 0;

	while (i < f->n_fdes && f->fdes[i].off < r->off + r->len) {
		size_t first, end, next;
		uint64_t behind;

		if (!entry_words(c, &f->fdes[i], &first, &end)) {
			i++; /* as if it was not there */
			continue;
		}
		next = overlapping(c, i, &behind);
		cut_gap(c, pos, first, false);
		if (next == i + 1) {
			cut_function(c, first, end,
				     (struct a64_context){ .fde = &f->fdes[i], .is_start = true });
		} else {
			code_odd(f, ODD_UNWIND_OVERLAP, f->fdes[i].off);
			end = (size_t)num_min((behind - r->off) / 4, c->n_words);
			cut_gap(c, first, end, true);
		}
		pos = end;
		i = next;
	}
	cut_gap(c, pos, c->n_words, false);
	return i;
}

static void mark_symbols(struct code_file *f)
{
	for (size_t i = 0; i < f->n_symbols; i++) {
		size_t at = code_region_at(f, f->symbols[i].off);
		const struct code_region *r = at == CODE_NONE ? NULL : &f->regions[at];
		uint64_t off = r ? f->symbols[i].off - r->off : 0;

		if (!r || off % 4 != 0 || off / 4 >= r->len / 4)
			continue;
		f->flags[r->first_word + off / 4] |= WORD_SYMBOL;
	}
}

/* Bytes behind the last whole word. */
static void cut_tail(struct code_file *f, const struct code_region *r)
{
	uint64_t off = r->off + r->len / 4 * 4;
	bool zero = true;

	for (uint64_t i = off; i < r->off + r->len; i++)
		zero &= f->data[i] == 0;
	code_emit(f, r, off, r->off + r->len - off, zero ? CODE_PAD : CODE_UNKNOWN, 0);
}

/* Instructions lie at addresses that are multiples of 4, wherever a region begins. */
static void cut_head(struct code_file *f, struct code_region *r)
{
	uint64_t head = num_min(-r->addr & 3, r->len);

	if (head == 0 || r->opaque)
		return;
	code_odd(f, ODD_MISALIGNED, r->off);
	r->off += head;
	r->addr += head;
	r->len -= head;
	r->head = (uint8_t)head;
}

/* The bytes before the first word that were cut off by cut_head(). */
static void emit_head(struct code_file *f, const struct code_region *r)
{
	struct code_region head = *r;

	head.off -= r->head;
	head.addr -= r->head;
	code_emit(f, &head, head.off, r->head, CODE_UNKNOWN, 0);
}

void code_cut_a64(struct code_file *f)
{
	size_t n_words = 0, fde = 0;

	for (size_t i = 0; i < f->n_regions; i++) {
		cut_head(f, &f->regions[i]);
		f->regions[i].first_word = n_words;
		n_words += (size_t)(f->regions[i].len / 4);
	}
	f->flags = calloc(n_words + 1, 1);
	if (!f->flags) {
		f->nomem = true;
		return;
	}
	code_matcher_init(&f->matcher);
	a64_mark(f);
	mark_symbols(f);
	for (size_t i = 0; i < f->n_regions && !f->nomem; i++) {
		const struct code_region *r = &f->regions[i];
		struct a64_code c = { f, r, f->flags + r->first_word, (size_t)(r->len / 4) };

		if (r->opaque) {
			code_emit(f, r, r->off, r->len, CODE_UNKNOWN, 0);
			continue;
		}
		emit_head(f, r);
		fde = cut_region(&c, fde);
		cut_tail(f, r);
	}
}
