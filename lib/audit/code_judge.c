/* SPDX-License-Identifier: MIT */
#include "audit/code_a64.h"

/*
 * The verdict on one part of AArch64 code: unwind entry first, then words, then shape.
 * Facts: docs/audit.md, "Judging". Wherever the evidence does not suffice the verdict is unknown;
 * what a symbol or a container says never makes it better.
 */

/* without an unwind entry fewer instructions than that could be anybody's */
#define CODE_ALONE_MIN 13
#define LEAF_MAX       3

static unsigned count(uint64_t bits)
{
	return (unsigned)__builtin_popcountll(bits);
}

static bool has(uint64_t bits, enum code_rule rule)
{
	return (bits & code_rule_bit(rule)) != 0;
}

/* What of the evidence speaks for Cranelift: some of it only behind the prologue. */
static uint64_t positives(const struct code_matcher *m, uint64_t bits)
{
	uint64_t kinds = m->of_kind[RULE_POSITIVE];

	if (has(bits, RULE_PROLOGUE))
		kinds |= m->of_kind[RULE_FRAMED];
	return bits & kinds;
}

/* Not Cranelift: whose is it? Facts: docs/audit.md, "LLVM against GCC". */
static enum code_class split(const struct code_matcher *m, uint64_t bits)
{
	bool llvm = (bits & m->of_kind[RULE_LLVM]) != 0;
	bool gcc = (bits & m->of_kind[RULE_GCC]) != 0;

	if (llvm == gcc)
		return CODE_FOREIGN;
	return llvm ? CODE_LLVM : CODE_GCC;
}

/* Do the words save what the unwind program says, in its order, by pushes? */
static bool pushes_match(const struct a64_code *c, const struct a64_part *part,
			 const struct code_fde *fde)
{
	size_t at = part->first + fde->setup;
	uint32_t regs[2], n;

	for (size_t i = 0; (n = code_unwind_pushed(c->f, fde, i, regs)) > 0; i++, at++) {
		uint32_t w, vector;

		if (at >= part->end)
			return false;
		w = a64_word(c, at);
		/* 64..95 are the vector registers */
		vector = regs[0] >= 64 ? 0x04000000U : 0;
		if (n == 2) {
			uint32_t op = vector ? 0x6DBF03E0U : 0xA9BF03E0U;
			uint32_t a = regs[0] & 31, b = regs[1] & 31;

			if (w != (op | a | b << 10) && w != (op | b | a << 10))
				return false;
		} else if (w != ((vector ? 0xFC1F0FE0U : 0xF81F0FE0U) | (regs[0] & 31))) {
			return false;
		}
	}
	return true;
}

/* Does the code do what the program of a Cranelift entry says? */
static bool entry_holds(const struct a64_code *c, const struct a64_part *part, uint64_t bits,
			const struct code_fde *fde)
{
	if (fde->shape == FDE_EMPTY)
		return !has(bits, RULE_PROLOGUE);
	return has(bits, RULE_PROLOGUE) && pushes_match(c, part, fde);
}

/* Control comes in at the top alone, and leaves by ret, traps, calls; its data is data. */
static bool is_whole(const struct a64_part *part, uint64_t bits)
{
	const uint64_t odd = code_rule_bit(RULE_FALLS_IN) | code_rule_bit(RULE_FALLS_OUT) |
			     code_rule_bit(RULE_BRANCH_OUT) | code_rule_bit(RULE_UNREACHED);

	return (bits & odd) == 0 && part->n_called == 0 && part->n_doubtful == 0 &&
	       a64_ends(part->last_flow);
}

/* What an entry says is a function of Cranelift's, with a frame or without. */
static enum code_class judge_cranelift_entry(const struct a64_code *c, const struct a64_part *part,
					     const struct a64_context *context, uint64_t *bits)
{
	const struct code_fde *fde = context->fde;
	const struct code_matcher *m = &c->f->matcher;
	uint64_t never = *bits & m->of_kind[RULE_NEVER], positive = positives(m, *bits);

	if (fde->shape == FDE_FOREIGN)
		return CODE_CONFLICT;
	if (!entry_holds(c, part, *bits, fde)) {
		*bits |= code_rule_bit(RULE_FDE_MISMATCH);
		return CODE_CONFLICT;
	}
	/* none of this was ever seen in a function of Cranelift's */
	if (never || has(*bits, RULE_FALLS_OUT) || part->n_unreached > 0 || part->n_called > 0)
		return CODE_CONFLICT;
	if (!is_whole(part, *bits))
		return CODE_UNKNOWN;
	if (fde->shape == FDE_EMPTY && (context->after_call || context->branched)) {
		/* perhaps the rest of a function that was cut behind a call or at a branch */
		*bits |= code_rule_bit(RULE_FALLS_IN);
		return CODE_UNKNOWN;
	}
	if (positive)
		return CODE_CRANELIFT;
	/* of several compilers: GCC may write this frame in functions that do not come back */
	if (has(*bits, RULE_CIE_MIXED))
		return CODE_UNKNOWN;
	if (fde->shape == FDE_FRAMED)
		return CODE_CRANELIFT;
	if (part->n_code > LEAF_MAX || part->n_literals > 0)
		return CODE_UNKNOWN;
	*bits |= code_rule_bit(RULE_LEAF);
	return CODE_CRANELIFT;
}

/* Only the words speak. */
static enum code_class judge_words(const struct code_matcher *m, const struct a64_part *part,
				   uint64_t bits)
{
	uint64_t never = bits & m->of_kind[RULE_NEVER], positive = positives(m, bits);

	if (never && (!positive || count(never) >= 3))
		return split(m, bits);
	/* Free Pascal writes uxtb and uxth, and tables of its own do not tell its code */
	positive &= ~code_rule_bit(RULE_UXT);
	/* one of the weaker signs alone could be chance */
	if (!(positive & m->of_kind[RULE_POSITIVE]) && count(positive) < 2)
		return CODE_UNKNOWN;
	if (!never && has(bits, RULE_PROLOGUE) && is_whole(part, bits) &&
	    part->n_code >= CODE_ALONE_MIN)
		return CODE_CRANELIFT;
	return CODE_UNKNOWN;
}

/*
 * GNU ld cuts the padding off Cranelift's CIE, which makes it GCC's. GCC does not write Cranelift's
 * framed program, though: where a CIE has such entries it says nothing, and an entry has to have
 * both its framed program and words that speak for Cranelift.
 */
static enum code_class judge_clipped_entry(const struct a64_code *c, const struct a64_part *part,
					   const struct a64_context *context, uint64_t *bits)
{
	const struct code_matcher *m = &c->f->matcher;
	uint64_t never = *bits & m->of_kind[RULE_NEVER];
	enum code_class cls;

	if (context->fde->shape == FDE_EMPTY) {
		cls = judge_words(m, part, *bits);
		return cls == CODE_CRANELIFT ? CODE_CONFLICT : cls;
	}
	cls = judge_cranelift_entry(c, part, context, bits);
	if (cls == CODE_CRANELIFT && !positives(m, *bits))
		return CODE_UNKNOWN;
	return cls == CODE_CONFLICT && never ? CODE_GCC : cls;
}

static enum code_class judge_entry(const struct a64_code *c, const struct a64_part *part,
				   const struct a64_context *context, uint64_t *bits)
{
	const struct code_fde *fde = context->fde;
	const struct code_matcher *m = &c->f->matcher;
	const struct code_cie *cie = &c->f->cies[fde->cie];
	enum code_class cls;

	/* cut by GNU ld, and of no other compiler: as good as Cranelift's own */
	if (cie->cls == CIE_CRANELIFT ||
	    (cie->cls == CIE_GCC && cie->framed_seen && !cie->foreign_seen))
		return judge_cranelift_entry(c, part, context, bits);
	if (cie->cls == CIE_GCC && cie->framed_seen && fde->shape != FDE_FOREIGN)
		return judge_clipped_entry(c, part, context, bits);
	if (cie->cls == CIE_OTHER) {
		cls = judge_words(m, part, *bits);
		return cls == CODE_CRANELIFT ? CODE_CONFLICT : cls;
	}
	if (positives(m, *bits) && !(*bits & m->of_kind[RULE_NEVER]))
		return CODE_CONFLICT;
	return cie->cls == CIE_LLVM ? CODE_LLVM : CODE_GCC;
}

static uint64_t entry_bits(const struct code_file *f, const struct code_fde *fde)
{
	static const enum code_rule of_cie[] = {
		[CIE_CRANELIFT] = RULE_CIE_CRANELIFT,
		[CIE_LLVM] = RULE_CIE_LLVM,
		[CIE_GCC] = RULE_CIE_GCC,
		[CIE_OTHER] = RULE_CIE_OTHER,
	};
	static const enum code_rule of_shape[] = {
		[FDE_EMPTY] = RULE_FDE_EMPTY,
		[FDE_FRAMED] = RULE_FDE_FRAMED,
		[FDE_FOREIGN] = RULE_FDE_FOREIGN,
	};
	const struct code_cie *cie = &f->cies[fde->cie];
	uint64_t bits = code_rule_bit(of_cie[cie->cls]) | code_rule_bit(of_shape[fde->shape]);

	if (cie->foreign_seen &&
	    (cie->cls == CIE_CRANELIFT || (cie->cls == CIE_GCC && cie->framed_seen)))
		bits |= code_rule_bit(RULE_CIE_MIXED);
	return bits;
}

enum code_class a64_judge(const struct a64_code *c, const struct a64_part *part,
			  const struct a64_context *context, uint64_t *ret_bits)
{
	uint64_t bits = part->bits;
	enum code_class cls;

	if (!context->is_start)
		bits &= ~code_rule_bit(RULE_CALL_WITHOUT_FRAME);
	if (context->falls_in)
		bits |= code_rule_bit(RULE_FALLS_IN);
	if (part->n_unreached > 0)
		bits |= code_rule_bit(RULE_UNREACHED);
	if (context->overlap)
		bits |= code_rule_bit(RULE_FDE_OVERLAP);
	if (c->region->bare)
		bits |= code_rule_bit(RULE_NOT_CODE);
	if (context->fde && !context->overlap) {
		bits |= entry_bits(c->f, context->fde);
		cls = judge_entry(c, part, context, &bits);
	} else {
		cls = judge_words(&c->f->matcher, part, bits);
		if (context->overlap && cls == CODE_CRANELIFT)
			cls = CODE_CONFLICT;
		/* what is perhaps no code has to look like it before it is told whose */
		if (c->region->bare && part->last_flow != FLOW_RET)
			cls = CODE_UNKNOWN;
	}
	if (cls == CODE_CRANELIFT && (c->region->bare || c->f->never_clif))
		cls = CODE_UNKNOWN;
	*ret_bits = bits;
	return cls;
}
