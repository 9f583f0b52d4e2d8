/* SPDX-License-Identifier: MIT */
#include "audit/code_a64.h"

#include "core/num.h"

/*
 * Walks over AArch64 code. Every word is looked at a bounded number of times: once by a64_mark(),
 * once by a64_function_end(), once by the walk and once by the match of the rules.
 */

/* words that a branch may pass over where there is perhaps no code at all */
#define BARE_REACH 256

/* Bits [shift, shift + n) of a word as a signed number. */
static int64_t field(uint32_t w, unsigned shift, unsigned n)
{
	int64_t v = (int64_t)(w >> shift & ((1U << n) - 1));

	return v >= (int64_t)1 << (n - 1) ? v - ((int64_t)1 << n) : v;
}

/* br, blr, ret, eret, drps and the ones that authenticate their pointer. */
static enum a64_flow flow_of_register(uint32_t w)
{
	switch (w >> 21 & 0xF) {
	case 0:
	case 8: return FLOW_BR;
	case 1:
	case 9: return FLOW_CALL_REG;
	case 2:
	case 4:
	case 5: return FLOW_RET;
	default: return FLOW_STOP; /* not allocated */
	}
}

enum a64_flow a64_flow_slow(uint32_t w, int64_t *ret_target)
{
	switch (w >> 26) {
	case 0x05: *ret_target = field(w, 0, 26); return FLOW_JUMP;
	case 0x25: *ret_target = field(w, 0, 26); return FLOW_CALL;
	case 0x00: return w >> 16 == 0 ? FLOW_STOP : FLOW_NEXT;
	default: break;
	}
	if ((w & 0xFF000000) == 0x54000000 || (w & 0x7E000000) == 0x34000000) {
		*ret_target = field(w, 5, 19);
		return FLOW_CONDITION;
	}
	if ((w & 0x7E000000) == 0x36000000) {
		*ret_target = field(w, 5, 14);
		return FLOW_CONDITION;
	}
	if ((w & 0x3B000000) == 0x18000000) {
		*ret_target = field(w, 5, 19);
		return FLOW_LITERAL;
	}
	if ((w & 0xFE000000) == 0xD6000000)
		return flow_of_register(w);
	return (w & 0xFFE0001F) == 0xD4200000 ? FLOW_STOP : FLOW_NEXT;
}

/* Words that a load of a literal reads. */
static size_t literal_words(uint32_t w)
{
	if (w & 0x04000000)
		return w >> 30 < 3 ? (size_t)1 << (w >> 30) : 0;
	return w >> 30 == 3 ? 0 : w >> 30 == 1 ? 2 : 1;
}

/* ---- branches, calls and literals of all regions
 * ------------------------------------------------------ */

/* Marks the words that a branch, a call or a load of a literal at word @i leads to. */
static void mark_target(const struct a64_code *c, size_t i, int64_t distance, size_t n,
			uint8_t flag)
{
	struct code_file *f = c->f;
	int64_t to = (int64_t)i + distance;
	uint64_t off, left;
	size_t at;

	if (to >= 0 && (uint64_t)to < c->n_words) {
		for (size_t k = 0; k < n && (size_t)to + k < c->n_words; k++)
			c->flags[(size_t)to + k] |= flag;
		return;
	}
	if (f->relocatable ||
	    !code_offset(f, c->region->addr + (uint64_t)i * 4 + (uint64_t)(distance * 4), &off,
			 &left))
		return;
	at = code_region_at(f, off);
	if (at == CODE_NONE || (off - f->regions[at].off) % 4 != 0)
		return;
	for (size_t k = 0; k < n && (off - f->regions[at].off) / 4 + k < f->regions[at].len / 4;
	     k++)
		f->flags[f->regions[at].first_word + (off - f->regions[at].off) / 4 + k] |= flag;
}

static void mark_region(const struct a64_code *c)
{
	for (size_t i = 0; i < c->n_words; i++) {
		uint32_t w = a64_word(c, i);
		int64_t distance = 0;
		enum a64_flow flow = a64_flow(w, &distance);

		/* endless loops; in objects such a distance waits for its relocation */
		if (distance == 0)
			continue;
		if (flow == FLOW_CALL)
			mark_target(c, i, distance, 1, WORD_CALLED);
		else if (flow == FLOW_LITERAL)
			mark_target(c, i, distance, literal_words(w), WORD_LITERAL);
		else if (flow == FLOW_JUMP || flow == FLOW_CONDITION)
			mark_target(c, i, distance, 1, WORD_BRANCHED);
	}
}

void a64_mark(struct code_file *f)
{
	for (size_t i = 0; i < f->n_regions; i++) {
		const struct code_region *r = &f->regions[i];
		struct a64_code c = { f, r, f->flags + r->first_word, (size_t)(r->len / 4) };

		/* what is perhaps no code may not say where functions begin */
		if (!r->opaque && !r->bare)
			mark_region(&c);
	}
}

/* ---- jump tables ----------------------------------------------------------------------------- */

/* Does one of the five words before the br at @at load the address behind it? */
static bool table_follows(const struct a64_code *c, size_t first, size_t at)
{
	for (size_t i = at; i > first && at - i < 5; i--) {
		uint32_t w = a64_word(c, i - 1);
		int64_t distance;

		if ((w & 0x9F000000) != 0x10000000) /* adr */
			continue;
		distance = field(w, 5, 19) * 4 + (int64_t)(w >> 29 & 3);
		if (distance == (int64_t)(at + 1 - (i - 1)) * 4)
			return true;
	}
	return false;
}

/*
 * The jump table behind the br at word @at: distances from the table to words of the function.
 * Only words whose highest byte is 00 or FF are taken for distances. AArch64 has no instructions
 * there, so that no code can pass for a table.
 * Returns its length in words.
 */
static size_t table_len(const struct a64_code *c, size_t first, size_t end, size_t at)
{
	size_t n = 0;

	if (!table_follows(c, first, at))
		return 0;
	for (size_t i = at + 1; i < end; i++, n++) {
		uint32_t w = a64_word(c, i);
		int64_t to = (int64_t)(at + 1) + (int32_t)w / 4;

		if (w % 4 != 0 || (w >> 24 != 0 && w >> 24 != 0xFF) || to < (int64_t)first ||
		    to >= (int64_t)end)
			break;
	}
	return n;
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

struct walk {
	const struct a64_code *c;
	size_t first, end;
	struct a64_part *part;
	bool sweeping; /* what lies ahead will be come to */
};

/* Control goes from word @from to word @to, which is walked later. */
static void lead_to(struct walk *k, size_t from, int64_t to)
{
	struct code_file *f = k->c->f;
	uint32_t *slot;

	if (to < (int64_t)k->first || to >= (int64_t)k->end)
		return;
	if (k->c->flags[to] & (WORD_REACHED | WORD_TARGET))
		return;
	k->c->flags[to] |= WORD_TARGET;
	if (k->sweeping && (size_t)to > from)
		return;
	slot = code_add(f, (void **)&f->pending, &f->cap_pending, &f->n_pending, sizeof(*slot));
	if (slot)
		*slot = (uint32_t)to;
}

static void walk_branch(struct walk *k, size_t i, enum a64_flow flow, int64_t distance)
{
	int64_t to = (int64_t)i + distance;

	if (flow == FLOW_JUMP && distance == 0)
		return; /* an endless loop, or a relocation's */
	if (to < (int64_t)k->first || to >= (int64_t)k->end ||
	    (distance == 0 && k->c->f->relocatable))
		k->part->bits |= code_rule_bit(RULE_BRANCH_OUT);
	lead_to(k, i, to);
}

static void walk_table(struct walk *k, size_t i)
{
	size_t n = table_len(k->c, k->first, k->end, i);

	if (n == 0)
		return;
	k->part->bits |= code_rule_bit(RULE_JUMP_TABLE);
	for (size_t t = i + 1; t <= i + n; t++) {
		k->c->flags[t] |= WORD_TABLE;
		/* targets before the end of the table were passed already */
		lead_to(k, i + n, (int64_t)(i + 1) + (int32_t)a64_word(k->c, t) / 4);
	}
}

/* From word @i on until control ends, or joins words that were reached before. Sweeping: up to the
 * end of the function, resting where nothing reached so far leads. */
static void walk_from(struct walk *k, size_t i)
{
	bool live = true;

	for (; i < k->end; i++) {
		uint8_t *flags = &k->c->flags[i];
		int64_t distance = 0;
		enum a64_flow flow;

		if (*flags & WORD_TARGET)
			live = true;
		if (!live)
			continue;
		if (*flags & WORD_REACHED)
			return;
		*flags |= WORD_REACHED;
		flow = a64_flow(a64_word(k->c, i), &distance);
		if (flow == FLOW_JUMP || flow == FLOW_CONDITION)
			walk_branch(k, i, flow, distance);
		else if (flow == FLOW_BR)
			walk_table(k, i);
		if (!a64_ends(flow))
			continue;
		if (!k->sweeping)
			return;
		live = false;
	}
	if (live)
		k->part->bits |= code_rule_bit(RULE_FALLS_OUT);
}

/* Cranelift leaves branches behind that nothing leads to: blocks that it threaded others around.
 * They lead into the function itself and so add nothing to it. */
static bool is_left_behind(const struct walk *k, size_t i, enum a64_flow flow, int64_t distance)
{
	int64_t to = (int64_t)i + distance;

	return flow == FLOW_JUMP && to >= (int64_t)k->first && to < (int64_t)k->end;
}

/* Cranelift pushes pairs from the highest registers down, and an odd one by itself. True for a pair
 * that is one register twice, or that has one of higher registers behind it. */
static bool is_other_push(uint32_t w, uint32_t next)
{
	const uint32_t mask = 0xFFFF83E0, push = 0xA9BF03E0; /* stp xN,xM,[sp,#-16]! */
	uint32_t first = w & 31;

	if ((w & mask) != push || first == 29)
		return false;
	if ((w >> 10 & 31) == first)
		return true;
	return (next & mask) == push && (next & 31) != 29 && (next & 31) > first;
}

/* Is what a load of a literal reads rather an instruction that Cranelift does not write, or one
 * that a function cannot do without? Constants are neither, but for chance. */
static bool is_doubtful(const struct code_matcher *m, uint32_t w)
{
	int64_t distance;
	enum a64_flow flow = a64_flow(w, &distance);

	if (flow != FLOW_NEXT && flow != FLOW_STOP && flow != FLOW_LITERAL)
		return true;
	return (code_match(m, w) & m->of_kind[RULE_NEVER]) != 0;
}

/* Evidence of the words, counted by what they are. */
static void gather(struct walk *k)
{
	const struct a64_code *c = k->c;
	struct a64_part *part = k->part;
	bool calls = false;

	for (size_t i = k->first; i < k->end; i++) {
		uint32_t w = a64_word(c, i);
		uint8_t flags = c->flags[i];
		int64_t distance = 0;
		enum a64_flow flow;

		if ((flags & (WORD_TABLE | WORD_REACHED)) == WORD_TABLE) {
			part->n_table++;
			continue;
		}
		if ((flags & (WORD_LITERAL | WORD_REACHED)) == WORD_LITERAL) {
			part->n_literals++;
			part->n_doubtful += is_doubtful(&c->f->matcher, w);
			continue;
		}
		flow = a64_flow(w, &distance);
		if (flags & WORD_REACHED)
			part->n_code++;
		else if (!a64_is_pad(w) && !is_left_behind(k, i, flow, distance))
			part->n_unreached++;
		part->last_flow = flow;
		part->n_called += i > k->first && (flags & WORD_CALLED);
		calls |= flow == FLOW_CALL || flow == FLOW_CALL_REG;
		part->bits |= code_match(&c->f->matcher, w);
		if (i + 1 < k->end && code_adrp_apart(w, a64_word(c, i + 1)))
			part->bits |= code_rule_bit(RULE_ADRP_APART);
		if (i + 1 < k->end && is_other_push(w, a64_word(c, i + 1)))
			part->bits |= code_rule_bit(RULE_OTHER_PUSH);
	}
	if (k->end - k->first >= 2 && a64_word(c, k->first) == A64_PUSH_FPLR &&
	    a64_word(c, k->first + 1) == A64_MOV_FP_SP)
		part->bits |= code_rule_bit(RULE_PROLOGUE);
	else if (calls)
		part->bits |= code_rule_bit(RULE_CALL_WITHOUT_FRAME);
	if (part->n_literals > 0)
		part->bits |= code_rule_bit(RULE_LITERALS);
}

void a64_walk(const struct a64_code *c, size_t first, size_t end, struct a64_part *ret)
{
	struct walk k = { c, first, end, ret, true };
	struct code_file *f = c->f;

	*ret = (struct a64_part){ .first = first, .end = end };
	f->n_pending = 0;
	walk_from(&k, first);
	k.sweeping = false;
	while (f->n_pending > 0 && !f->nomem) {
		size_t i = f->pending[--f->n_pending];

		if (!(c->flags[i] & WORD_REACHED))
			walk_from(&k, i);
	}
	gather(&k);
}

size_t a64_function_end(const struct a64_code *c, size_t first, size_t limit)
{
	size_t farthest = first;
	int64_t reach = c->region->bare ? BARE_REACH : INT64_MAX;

	for (size_t i = first; i < limit; i++) {
		int64_t distance = 0;
		enum a64_flow flow = a64_flow(a64_word(c, i), &distance);
		int64_t to = (int64_t)i + distance;

		if (i > first && (c->flags[i] & (WORD_CALLED | WORD_SYMBOL)))
			return i;
		if ((flow == FLOW_JUMP || flow == FLOW_CONDITION) && to > (int64_t)farthest &&
		    to < (int64_t)limit && distance < reach)
			farthest = (size_t)to;
		if (flow == FLOW_BR) {
			size_t n = table_len(c, first, limit, i);

			for (size_t t = i + 1; t <= i + n; t++) {
				to = (int64_t)(i + 1) + (int32_t)a64_word(c, t) / 4;
				if (to > (int64_t)farthest)
					farthest = (size_t)to;
			}
			i += n;
		}
		if (a64_ends(flow) && i >= farthest)
			return i + 1;
	}
	return limit;
}
