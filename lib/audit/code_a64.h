/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CODE_A64_H
#define AUDIT_CODE_A64_H

#include "audit/code_file.h"

/* AArch64: what control does at a word, and walks over runs of words. code_flow.c decodes and
 * walks, code_cut.c cuts, code_judge.c judges. Words are counted from a region's beginning. */

#define A64_PUSH_FPLR 0xA9BF7BFDU /* stp x29,x30,[sp,#-16]! */
#define A64_MOV_FP_SP 0x910003FDU /* mov x29,sp */
#define A64_NOP       0xD503201FU
#define A64_RET       0xD65F03C0U

/** enum a64_flow - where control goes behind a word */
enum a64_flow {
	FLOW_NEXT,
	FLOW_CALL,      /* bl: to the target, and back */
	FLOW_CALL_REG,  /* blr */
	FLOW_JUMP,      /* b */
	FLOW_CONDITION, /* b.cond, cbz, tbz, ...: to the target or on */
	FLOW_BR,        /* br */
	FLOW_RET,
	FLOW_STOP,    /* udf, brk: nowhere */
	FLOW_LITERAL, /* on; the target is data that it loads */
};

/** a64_flow_slow - see a64_flow() */
enum a64_flow a64_flow_slow(uint32_t w, int64_t *ret_target);

/** a64_flow - decode a word; *ret_target is its distance in words, where it has one */
static inline enum a64_flow a64_flow(uint32_t w, int64_t *ret_target)
{
	/* neither branch, trap or system, nor load of a literal, nor udf */
	if ((w & 0x1C000000) != 0x14000000 && (w & 0x3B000000) != 0x18000000 && w >> 16 != 0)
		return FLOW_NEXT;
	return a64_flow_slow(w, ret_target);
}

/** a64_ends - does control not run on behind such a word? */
static inline bool a64_ends(enum a64_flow flow)
{
	return flow == FLOW_JUMP || flow == FLOW_BR || flow == FLOW_RET || flow == FLOW_STOP;
}

/** struct a64_code - the words of one region and their flags */
struct a64_code {
	struct code_file *f;
	const struct code_region *region;
	uint8_t *flags;
	size_t n_words;
};

static inline uint32_t a64_word(const struct a64_code *c, size_t i)
{
	return code_word(c->f, c->region, i);
}

/**
 * struct a64_part - what a walk over a function found
 * @first, @end:  its words
 * @bits:         evidence of its words
 * @n_code:       words that control reaches
 * @n_literals:   words that are data: literals that are loaded, and not reached
 * @n_doubtful:   of these, words that are rather instructions
 * @n_unreached:  other words that it does not reach, without those that pad
 * @n_called:     words behind the first that something calls
 * @last_flow:    of its last word that is code
 */
struct a64_part {
	size_t first, end;
	uint64_t bits;
	size_t n_code, n_literals, n_doubtful, n_table, n_unreached, n_called;
	enum a64_flow last_flow;
};

/** a64_mark - note which words are called, branched to, loaded as literals, in all regions */
void a64_mark(struct code_file *f);

/**
 * a64_walk - follow control from the first word of a function
 *
 * Sets the flags WORD_REACHED, WORD_TARGET and WORD_TABLE of [first, end) and gathers evidence.
 */
void a64_walk(const struct a64_code *c, size_t first, size_t end, struct a64_part *ret);

/**
 * a64_function_end - where a function ends that begins at @first
 * @limit: where it ends at the latest
 *
 * Behind the first word that ends control and that no branch of the function passes over, or where
 * something is called or has a name.
 */
size_t a64_function_end(const struct a64_code *c, size_t first, size_t limit);

/** a64_is_pad - zeros and nops */
static inline bool a64_is_pad(uint32_t w)
{
	return w == 0 || w == A64_NOP;
}

/**
 * a64_wrapper - words of the wrapper around inline assembly that begins at @first; 0: none does
 * @ret_plain: its body is system instructions and moves of operands alone. Other bodies could be
 *             anything: the piece is unknown then. With a word that breaks a never-rule it is no
 *             wrapper at all.
 *
 * Facts: docs/audit.md, "Inline assembly".
 */
size_t a64_wrapper(const struct a64_code *c, size_t first, size_t limit, bool *ret_plain);

/** a64_plt - words of the entry of the procedure linkage table that begins at @first; 0: none */
size_t a64_plt(const struct a64_code *c, size_t first, size_t limit);

/** struct a64_context - what is known of a part beside its words */
struct a64_context {
	const struct code_fde *fde; /* NULL: none */
	bool falls_in;              /* the words before it run on into it */
	bool after_call;            /* a call stands before it, which may come back */
	bool branched;              /* a branch leads to its first word */
	bool is_start;  /* a function begins here: a symbol, a call, an entry of a table */
	bool overlap;   /* several unwind entries claim it */
	bool unreached; /* of a function, but cut off */
};

/** a64_judge - what made a part; *ret_bits is all evidence */
enum code_class a64_judge(const struct a64_code *c, const struct a64_part *part,
			  const struct a64_context *context, uint64_t *ret_bits);

#endif
