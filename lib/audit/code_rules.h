/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CODE_RULES_H
#define AUDIT_CODE_RULES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The rules by which code is judged, one row each: code_rules.c. A rule is a bit of a piece's
 * evidence; its number is its row. Facts, rates and how to check each by hand: docs/audit.md.
 */

/** enum code_rule_kind - what a rule speaks for */
enum code_rule_kind {
	RULE_NEVER,    /* Cranelift does not make such a word */
	RULE_POSITIVE, /* Cranelift does; others hardly ever, and then break a never-rule too */
	RULE_FRAMED,   /* positive, but only behind Cranelift's prologue */
	RULE_LLVM,     /* once it is not Cranelift: LLVM's habit */
	RULE_GCC,      /* GCC's habit */
	RULE_UNWIND,   /* what the unwind table says */
	RULE_SHAPE,    /* how the piece as a whole is made */
	N_CODE_RULE_KINDS,
};

/** enum code_rule - the rows; the words' ones first, in the order in which a word tries them */
enum code_rule {
	/* not taken by a single word: told by the whole piece */
	RULE_CALL_WITHOUT_FRAME,
	RULE_ADRP_APART,
	RULE_OTHER_PUSH,
	/* AArch64 words; the first rule that takes a word has it */
	RULE_PAIR_AT_SP,
	RULE_SCALED_AT_SP,
	RULE_MOV_ZR,
	RULE_FP_IS_SP_PLUS,
	RULE_OTHER_WRITEBACK,
	RULE_STORE_ZR,
	RULE_ADDS_IMM,
	RULE_FPLR_PRE,
	RULE_FPLR_POST,
	RULE_PAIR_NOT_X,
	RULE_CBNZ_W,
	RULE_CSET_W,
	RULE_ADD_FROM_FP,
	RULE_BRK,
	RULE_CSINC,
	RULE_BITFIELD,
	RULE_DMB_ISHLD,
	RULE_UNSCALED_BELOW_FP,
	RULE_STP_ZR,
	RULE_CSEL_W,
	RULE_ANDS,
	RULE_CSEL_XZR,
	RULE_SP_BY_REGISTER,
	RULE_UNSCALED_AT_SP,
	RULE_TRAP_WORD,
	RULE_UXT,
	RULE_TABLE_CLAMP,
	RULE_CSDB,
	RULE_PAIR_PUSH,
	RULE_SINGLE_PUSH,
	RULE_CSET_X,
	RULE_CMP_XZR,
	RULE_LAST_WORD = RULE_CMP_XZR,
	/* words again, counted beside the ones above */
	RULE_LLVM_PAIR_ORDER,
	RULE_LLVM_MOV_ZR,
	RULE_LLVM_BRK1,
	RULE_GCC_PAIR_ORDER,
	RULE_GCC_FPLR_PRE,
	RULE_GCC_MOVZ0,
	RULE_LAST_HINT = RULE_GCC_MOVZ0,
	/* the piece as a whole */
	RULE_JUMP_TABLE,
	RULE_PROLOGUE,
	RULE_LEAF,
	RULE_ASM_WRAPPER,
	RULE_PLT,
	RULE_LITERALS,
	RULE_FALLS_IN,
	RULE_FALLS_OUT,
	RULE_BRANCH_OUT,
	RULE_UNREACHED,
	RULE_NOT_CODE,
	/* unwind tables */
	RULE_CIE_CRANELIFT,
	RULE_CIE_LLVM,
	RULE_CIE_GCC,
	RULE_CIE_OTHER,
	RULE_FDE_FRAMED,
	RULE_FDE_EMPTY,
	RULE_FDE_FOREIGN,
	RULE_FDE_MISMATCH,
	RULE_FDE_OVERLAP,
	RULE_CIE_MIXED,
	/* x86-64 */
	RULE_X86_SAVES,
	RULE_X86_ENDBR,
	N_CODE_RULES,
};

/**
 * struct code_rule_row - one rule
 * @mask, @value: a word with (word & mask) == value is taken, if @extra holds; mask 0: not a rule
 *                of single words
 */
struct code_rule_row {
	const char *name;
	uint32_t mask, value;
	bool (*extra)(uint32_t word);
	enum code_rule_kind kind;
	const char *note;
};

extern const struct code_rule_row code_rules[N_CODE_RULES];

/** code_rule_bit - the bit of evidence */
static inline uint64_t code_rule_bit(enum code_rule rule)
{
	return (uint64_t)1 << rule;
}

/**
 * struct code_matcher - the table of rules, indexed
 * @by_top:  the rules that a word may match, by its highest byte
 * @of_kind: the bits of all rules of a kind
 */
struct code_matcher {
	uint64_t by_top[256];
	uint64_t of_kind[N_CODE_RULE_KINDS];
};

/** code_matcher_init - made from the table of rules */
void code_matcher_init(struct code_matcher *m);

/** code_match_slow - see code_match(); @candidates: the rules to try, at least one */
uint64_t code_match_slow(uint64_t candidates, uint32_t word);

/** code_match - evidence of one AArch64 word: at most one rule, and hints to LLVM or GCC */
static inline uint64_t code_match(const struct code_matcher *m, uint32_t word)
{
	uint64_t candidates = m->by_top[word >> 24];

	return candidates ? code_match_slow(candidates, word) : 0;
}

/** code_adrp_apart - an adrp xN with another word behind it than add xN,xN,#n or ldr x,[xN,#n]:
 * RULE_ADRP_APART; Cranelift writes the two halves of an address at once */
bool code_adrp_apart(uint32_t word, uint32_t next);

_Static_assert(N_CODE_RULES <= 64, "evidence is one word of 64 bits");

#endif
