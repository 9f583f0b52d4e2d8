/* SPDX-License-Identifier: MIT */
#include "audit/code_rules.h"

#include "audit/code.h"

/*
 * AArch64 words:   31       24       16        10    5     0
 *                  opcode...     Rm/imm      imm   Rn    Rt/Rd
 *
 * Facts: docs/audit.md, "Rules". Each row's mask and value can be held against a word that objdump
 * prints; where that does not suffice, the predicate says the rest.
 */

static uint32_t rt(uint32_t w)
{
	return w & 31;
}

static uint32_t rn(uint32_t w)
{
	return w >> 5 & 31;
}

static uint32_t rt2(uint32_t w)
{
	return w >> 10 & 31;
}

/* Bits 12..20 as a signed number: the immediate of unscaled and writeback addressing. */
static int imm9(uint32_t w)
{
	int v = (int)(w >> 12 & 0x1FF);

	return v >= 0x100 ? v - 0x200 : v;
}

/* Bits 15..21 as a signed number: the immediate of pairs, in units of a register's size. */
static int imm7(uint32_t w)
{
	int v = (int)(w >> 15 & 0x7F);

	return v >= 0x40 ? v - 0x80 : v;
}

static bool is_vector(uint32_t w)
{
	return (w & 0x04000000) != 0;
}

/* log2 of the bytes that a load or store of one register moves */
static uint32_t access_size(uint32_t w)
{
	return is_vector(w) && (w & 0x00800000) ? 4 : w >> 30;
}

static bool scaled_at_sp(uint32_t w)
{
	return rn(w) == 31 && (w >> 10 & 0xFFF) << access_size(w) < 256;
}

static bool fp_is_sp_plus(uint32_t w)
{
	return w != 0x910003FD;
}

/* All but pushes and pops of one register by 16 bytes, which Cranelift makes. */
static bool other_writeback(uint32_t w)
{
	bool by_16 = rn(w) == 31 && (imm9(w) == 16 || imm9(w) == -16);

	return !(by_16 && (is_vector(w) || w >> 30 == 3) && rt(w) != 30);
}

static bool rd_not_zr(uint32_t w)
{
	return rt(w) != 31;
}

static bool not_push_fplr(uint32_t w)
{
	return w != 0xA9BF7BFD;
}

static bool not_pop_fplr(uint32_t w)
{
	return w != 0xA8C17BFD;
}

/* A pair of anything but X registers; D registers are pushed and popped by 16 bytes. */
static bool pair_not_x(uint32_t w)
{
	bool push_d = w >> 30 == 1 && is_vector(w) && (w & 0x00800000) && rn(w) == 31 &&
		      (imm7(w) == 2 || imm7(w) == -2);

	return !(w >> 30 == 2 && !is_vector(w)) && !push_d;
}

static bool not_mov_sp_fp(uint32_t w)
{
	return w != 0x910003BF;
}

static bool not_cset(uint32_t w)
{
	return (w & 0x7FFF0FE0) != 0x1A9F07E0;
}

/* A bitfield that has no plainer name: neither shift nor extension. */
static bool bitfield(uint32_t w)
{
	uint32_t opc = w >> 29 & 3, immr = w >> 16 & 63, imms = w >> 10 & 63;
	uint32_t last = w >> 31 ? 63 : 31;

	if (opc == 1)
		return true;
	if (imms == last || (opc == 2 && imms + 1 == immr))
		return false;
	return !(immr == 0 && (imms == 7 || imms == 15 || imms == 31));
}

static bool dmb_or_clrex(uint32_t w)
{
	return w == 0xD50339BF || w == 0xD5033F5F;
}

static bool unscaled_below_fp(uint32_t w)
{
	return rn(w) == 29 && imm9(w) < 0;
}

static bool either_zr(uint32_t w)
{
	return rt(w) == 31 || rt2(w) == 31;
}

/* ands with immediate into a register; ands and tst of registers. */
static bool ands(uint32_t w)
{
	return (w & 0x7F800000) == 0x72000000 ? rt(w) != 31 : (w & 0x7F200000) == 0x6A000000;
}

/* Cranelift loads the size of a large frame to x16. */
static bool not_by_x16(uint32_t w)
{
	return (w >> 16 & 31) != 16;
}

static bool unscaled_at_sp(uint32_t w)
{
	return rn(w) == 31 && !is_vector(w) && imm9(w) >= 0 &&
	       (imm9(w) & ((1 << (w >> 30)) - 1)) == 0;
}

static bool uxt(uint32_t w)
{
	return (w & 0xFFFFFC00) == 0x53001C00 || (w & 0xFFFFFC00) == 0x53003C00;
}

static bool not_fp(uint32_t w)
{
	return rt(w) != 29;
}

/* Registers that a callee saves, the higher one first; x29 and x30 are the frame. */
static bool pair_descending(uint32_t w)
{
	return rt(w) == rt2(w) + 1 && rt2(w) >= 19 && rt(w) <= 28;
}

static bool pair_ascending(uint32_t w)
{
	return rt2(w) == rt(w) + 1 && rt(w) >= 19 && rt2(w) <= 28;
}

/* The compiler may not have more to say than the names: rows are in the order of enum code_rule. */
/* clang-format off */
const struct code_rule_row code_rules[N_CODE_RULES] = {
[RULE_CALL_WITHOUT_FRAME] = { "call-without-frame", 0, 0, NULL, RULE_NEVER,
	"calls, but does not begin with Cranelift's frame (stp x29,x30,[sp,#-16]!; mov x29,sp)" },
[RULE_ADRP_APART] = { "adrp-apart", 0, 0, NULL, RULE_NEVER,
	"adrp xN whose next word is neither add xN,xN,#n nor ldr x,[xN,#n]; Cranelift writes the two at once" },
[RULE_OTHER_PUSH] = { "other-push", 0, 0, NULL, RULE_NEVER,
	"pushes one register as a pair, or a pair behind one of lower registers; Cranelift goes down" },
[RULE_PAIR_AT_SP] = { "pair-at-sp", 0xFF8003E0, 0xA90003E0, NULL, RULE_NEVER,
	"stp or ldp of X registers at [sp,#n] without writeback; Cranelift pushes and pops" },
[RULE_SCALED_AT_SP] = { "scaled-at-sp", 0x3B000000, 0x39000000, scaled_at_sp, RULE_NEVER,
	"load or store at [sp,#n], n < 256, in the scaled form; Cranelift takes the unscaled one" },
[RULE_MOV_ZR] = { "mov-from-zr", 0x7FFFFFE0, 0x2A1F03E0, NULL, RULE_NEVER,
	"mov of the zero register" },
[RULE_FP_IS_SP_PLUS] = { "fp-is-sp-plus", 0xFF8003FF, 0x910003FD, fp_is_sp_plus, RULE_NEVER,
	"add x29,sp,#n: the frame record is not at the bottom of the frame" },
[RULE_OTHER_WRITEBACK] = { "other-writeback", 0x3B200400, 0x38000400, other_writeback, RULE_NEVER,
	"writeback other than a push or pop of one register by 16 bytes" },
[RULE_STORE_ZR] = { "store-zr", 0x3FC0001F, 0x3900001F, NULL, RULE_NEVER,
	"store of the zero register" },
[RULE_ADDS_IMM] = { "adds-imm", 0x3F800000, 0x31000000, rd_not_zr, RULE_NEVER,
	"adds or subs with an immediate into a register" },
[RULE_FPLR_PRE] = { "fplr-pre", 0xFFC07FFF, 0xA9807BFD, not_push_fplr, RULE_NEVER,
	"stp x29,x30,[sp,#-n]! with n other than 16" },
[RULE_FPLR_POST] = { "fplr-post", 0xFFC07FFF, 0xA8C07BFD, not_pop_fplr, RULE_NEVER,
	"ldp x29,x30,[sp],#n with n other than 16" },
[RULE_PAIR_NOT_X] = { "pair-not-x", 0x3A000000, 0x28000000, pair_not_x, RULE_NEVER,
	"pair of W, S, D or Q registers" },
[RULE_CBNZ_W] = { "cbnz-w", 0xFF000000, 0x35000000, NULL, RULE_NEVER,
	"cbnz of a W register" },
[RULE_CSET_W] = { "cset-w", 0xFFFF0FE0, 0x1A9F07E0, NULL, RULE_NEVER,
	"cset of a W register" },
[RULE_ADD_FROM_FP] = { "add-from-fp", 0x1F8003E0, 0x110003A0, not_mov_sp_fp, RULE_NEVER,
	"add or sub with an immediate from x29" },
[RULE_BRK] = { "brk", 0xFFE0001F, 0xD4200000, NULL, RULE_NEVER,
	"brk; Cranelift traps with udf" },
[RULE_CSINC] = { "csinc", 0x3FE00C00, 0x1A800400, not_cset, RULE_NEVER,
	"csinc or csneg that is not cset" },
[RULE_BITFIELD] = { "bitfield", 0x1F800000, 0x13000000, bitfield, RULE_NEVER,
	"bfm, ubfx, ubfiz, sbfx or sbfiz" },
[RULE_DMB_ISHLD] = { "dmb-ishld", 0xFF000000, 0xD5000000, dmb_or_clrex, RULE_NEVER,
	"dmb ishld or clrex" },
[RULE_UNSCALED_BELOW_FP] = { "unscaled-below-fp", 0x3B200C00, 0x38000000, unscaled_below_fp,
	RULE_NEVER, "load or store at [x29,#-n]" },
[RULE_STP_ZR] = { "stp-zr", 0xFFC00000, 0xA9000000, either_zr, RULE_NEVER,
	"stp of X registers, one of them the zero register" },
[RULE_CSEL_W] = { "csel-w", 0xFFE00C00, 0x1A800000, NULL, RULE_NEVER,
	"csel of W registers" },
[RULE_ANDS] = { "ands", 0x62000000, 0x62000000, ands, RULE_NEVER,
	"ands into a register, or tst of registers" },
[RULE_CSEL_XZR] = { "csel-xzr", 0xFFFF0C00, 0x9A9F0000, NULL, RULE_NEVER,
	"csel x,x,xzr" },
[RULE_SP_BY_REGISTER] = { "sp-by-register", 0xBFE0001F, 0x8B20001F, not_by_x16, RULE_NEVER,
	"add or sub into sp by a register other than x16: a frame of variable size" },
[RULE_UNSCALED_AT_SP] = { "unscaled-at-sp", 0x3B200C00, 0x38000000, unscaled_at_sp, RULE_POSITIVE,
	"load or store at [sp,#n] in the unscaled form although the scaled one would fit" },
[RULE_TRAP_WORD] = { "trap-word", 0xFFFFFFFF, 0x0000C11F, NULL, RULE_POSITIVE,
	"udf #0xc11f, Cranelift's trap" },
[RULE_UXT] = { "uxt", 0xFFFFDC00, 0x53001C00, uxt, RULE_POSITIVE,
	"uxtb or uxth; LLVM and GCC write and" },
[RULE_TABLE_CLAMP] = { "table-clamp", 0xFFE0FFE0, 0x9A8023E0, NULL, RULE_POSITIVE,
	"csel x,xzr,x,hs: the guard of Cranelift's jump tables" },
[RULE_CSDB] = { "csdb", 0xFFFFFFFF, 0xD503229F, NULL, RULE_POSITIVE,
	"csdb behind the guard of a jump table" },
[RULE_PAIR_PUSH] = { "pair-push", 0xFFFF83E0, 0xA9BF03E0, not_fp, RULE_FRAMED,
	"stp of two registers by 16 bytes below sp" },
[RULE_SINGLE_PUSH] = { "single-push", 0xFFFFFFE0, 0xF81F0FE0, NULL, RULE_FRAMED,
	"str of one register by 16 bytes below sp" },
[RULE_CSET_X] = { "cset-x", 0xFFFF0FE0, 0x9A9F07E0, NULL, RULE_FRAMED,
	"cset of an X register" },
[RULE_CMP_XZR] = { "cmp-xzr", 0xFFFFFC1F, 0xEB1F001F, NULL, RULE_FRAMED,
	"cmp with xzr" },

[RULE_LLVM_PAIR_ORDER] = { "llvm-pair-order", 0xFF8003E0, 0xA90003E0, pair_descending, RULE_LLVM,
	"callee-saved pair at sp with the higher register first" },
[RULE_LLVM_MOV_ZR] = { "llvm-mov-zr", 0x7FFFFFE0, 0x2A1F03E0, NULL, RULE_LLVM,
	"a zero is made with mov from the zero register" },
[RULE_LLVM_BRK1] = { "llvm-brk-1", 0xFFFFFFFF, 0xD4200020, NULL, RULE_LLVM,
	"brk #1" },
[RULE_GCC_PAIR_ORDER] = { "gcc-pair-order", 0xFF8003E0, 0xA90003E0, pair_ascending, RULE_GCC,
	"callee-saved pair at sp with the lower register first" },
[RULE_GCC_FPLR_PRE] = { "gcc-fplr-pre", 0xFFC07FFF, 0xA9807BFD, not_push_fplr, RULE_GCC,
	"the whole frame is made by stp x29,x30,[sp,#-n]!" },
[RULE_GCC_MOVZ0] = { "gcc-movz-0", 0x7FFFFFE0, 0x52800000, NULL, RULE_GCC,
	"a zero is made with movz" },

[RULE_JUMP_TABLE] = { "jump-table", 0, 0, NULL, RULE_POSITIVE,
	"jump table in the code, behind the br that uses it" },
[RULE_PROLOGUE] = { "prologue", 0, 0, NULL, RULE_SHAPE,
	"begins with stp x29,x30,[sp,#-16]!; mov x29,sp; on x86-64 with push rbp; mov rbp,rsp" },
[RULE_LEAF] = { "small-leaf", 0, 0, NULL, RULE_SHAPE,
	"at most three instructions without a frame, as the unwind table says" },
[RULE_ASM_WRAPPER] = { "asm-wrapper", 0, 0, NULL, RULE_SHAPE,
	"the exact words that rustc's Cranelift backend puts around inline assembly" },
[RULE_PLT] = { "plt", 0, 0, NULL, RULE_SHAPE,
	"an entry of the procedure linkage table, made by the linker" },
[RULE_LITERALS] = { "literals", 0, 0, NULL, RULE_SHAPE,
	"holds words that loads of literals reach and control does not" },
[RULE_FALLS_IN] = { "falls-in", 0, 0, NULL, RULE_SHAPE,
	"the code before it runs on into it: not the beginning of a function" },
[RULE_FALLS_OUT] = { "falls-out", 0, 0, NULL, RULE_SHAPE,
	"runs on behind its end: not the end of a function" },
[RULE_BRANCH_OUT] = { "branch-out", 0, 0, NULL, RULE_SHAPE,
	"branches to code outside of it" },
[RULE_UNREACHED] = { "unreached", 0, 0, NULL, RULE_SHAPE,
	"no branch of the function that the unwind table puts it in leads here" },
[RULE_NOT_CODE] = { "not-in-section", 0, 0, NULL, RULE_SHAPE,
	"in an executable segment, but not in an executable section" },

[RULE_CIE_CRANELIFT] = { "cie-cranelift", 0, 0, NULL, RULE_UNWIND,
	"unwind entry's CIE: length 20, 4/-8, as Cranelift writes it" },
[RULE_CIE_LLVM] = { "cie-llvm", 0, 0, NULL, RULE_UNWIND,
	"unwind entry's CIE: factors 1/-4, as LLVM writes it" },
[RULE_CIE_GCC] = { "cie-gcc", 0, 0, NULL, RULE_UNWIND,
	"unwind entry's CIE: factors 4/-8, unpadded, as the GNU assembler writes it" },
[RULE_CIE_OTHER] = { "cie-other", 0, 0, NULL, RULE_UNWIND,
	"unwind entry's CIE is none of the known ones" },
[RULE_FDE_FRAMED] = { "fde-framed", 0, 0, NULL, RULE_UNWIND,
	"unwind program of Cranelift's frame, and nothing more" },
[RULE_FDE_EMPTY] = { "fde-empty", 0, 0, NULL, RULE_UNWIND,
	"empty unwind program: a function without a frame" },
[RULE_FDE_FOREIGN] = { "fde-foreign", 0, 0, NULL, RULE_UNWIND,
	"unwind program that Cranelift does not write" },
[RULE_FDE_MISMATCH] = { "fde-mismatch", 0, 0, NULL, RULE_UNWIND,
	"the code does not do what its unwind program says" },
[RULE_FDE_OVERLAP] = { "fde-overlap", 0, 0, NULL, RULE_UNWIND,
	"several unwind entries claim it" },
[RULE_CIE_MIXED] = { "cie-mixed", 0, 0, NULL, RULE_UNWIND,
	"entries of the same CIE are of several compilers, so that it says nothing" },

[RULE_X86_SAVES] = { "x86-saves-by-mov", 0, 0, NULL, RULE_SHAPE,
	"saves registers by mov to [rsp+n] where its unwind program says so, as Cranelift does; "
	"LLVM and GCC push them" },
[RULE_X86_ENDBR] = { "x86-endbr", 0, 0, NULL, RULE_NEVER,
	"begins with endbr64, which Cranelift does not write" },
};
/* clang-format on */

bool code_adrp_apart(uint32_t word, uint32_t next)
{
	uint32_t n = rt(word);

	if ((word & 0x9F000000) != 0x90000000)
		return false;
	if (rn(next) != n)
		return true;
	return (next & 0xFFC00000) == 0x91000000 ? rt(next) != n
						 : (next & 0xFFC00000) != 0xF9400000;
}

const char *code_rule_name(unsigned bit)
{
	return bit < N_CODE_RULES ? code_rules[bit].name : NULL;
}

const char *code_rule_note(unsigned bit)
{
	return bit < N_CODE_RULES ? code_rules[bit].note : NULL;
}

void code_matcher_init(struct code_matcher *m)
{
	*m = (struct code_matcher){ 0 };
	for (unsigned i = 0; i < N_CODE_RULES; i++)
		m->of_kind[code_rules[i].kind] |= code_rule_bit(i);
	for (uint32_t top = 0; top < 256; top++) {
		for (unsigned i = 0; i < N_CODE_RULES; i++) {
			const struct code_rule_row *r = &code_rules[i];

			if (r->mask && ((top << 24) & r->mask) == (r->value & 0xFF000000))
				m->by_top[top] |= code_rule_bit(i);
		}
	}
}

uint64_t code_match_slow(uint64_t candidates, uint32_t word)
{
	const uint64_t words = code_rule_bit(RULE_LAST_WORD + 1) - 1;
	uint64_t bits = 0;

	while (candidates) {
		unsigned i = (unsigned)__builtin_ctzll(candidates);
		const struct code_rule_row *r = &code_rules[i];

		candidates &= candidates - 1;
		if ((word & r->mask) != r->value || (r->extra && !r->extra(word)))
			continue;
		bits |= code_rule_bit(i);
		if (i <= RULE_LAST_WORD)
			candidates &= ~words; /* the others give hints */
	}
	return bits;
}
