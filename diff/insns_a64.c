/* SPDX-License-Identifier: MIT */
/* AArch64 and RISC-V: which bits of an instruction are an address. Facts: *Arm Architecture
 * Reference Manual for A-profile*, C4.1; *The RISC-V Instruction Set Manual*, volume I, chapters
 * 2.2, 2.5 and 24. */
#include <string.h>

#include "diff/insns_arch.h"

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The @n bits of @x from @low on, as a number with a sign. */
static int64_t bits_signed(uint32_t x, unsigned low, unsigned n)
{
	uint64_t value = (x >> low) & ((UINT64_C(1) << n) - 1);
	uint64_t sign = UINT64_C(1) << (n - 1);

	return (int64_t)(value ^ sign) - (int64_t)sign;
}

/* ---- AArch64 -------------------------------------------------------------------------------- */

/** struct a64 - pages that registers were set to by adrp, until they are written again, and where
 */
struct a64 {
	struct insns *c;
	bool known[32];
	uint64_t page[32];
	size_t from[32];
};

static void forget_calls(struct a64 *s)
{
	/* registers that a call may change: x0..x18, x30 */
	for (unsigned r = 0; r <= 18; r++)
		s->known[r] = false;
	s->known[30] = false;
}

struct branch {
	uint32_t mask, value;
	unsigned low, n; /* bits of the displacement, in instructions */
	bool calls;
};

static const struct branch branches[] = {
	{ 0xfc000000, 0x94000000, 0, 26, true },  /* bl */
	{ 0xfc000000, 0x14000000, 0, 26, false }, /* b */
	{ 0xff000000, 0x54000000, 5, 19, false }, /* b.cond, bc.cond */
	{ 0x7e000000, 0x34000000, 5, 19, false }, /* cbz, cbnz */
	{ 0x7e000000, 0x36000000, 5, 14, false }, /* tbz, tbnz */
	{ 0x3b000000, 0x18000000, 5, 19, false }, /* ldr (literal) */
};

static bool read_branch(struct a64 *s, uint32_t x, uint64_t pc, struct insn *ret)
{
	for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
		const struct branch *b = &branches[i];
		uint32_t field = (uint32_t)(((UINT64_C(1) << b->n) - 1) << b->low);

		if ((x & b->mask) != b->value)
			continue;
		ret->has_target = true;
		ret->target = pc + (uint64_t)bits_signed(x, b->low, b->n) * 4;
		ret->key = x & ~field;
		if (b->calls)
			forget_calls(s);
		if (b->value == 0x18000000)
			s->known[x & 31] = false;
		return true;
	}
	return false;
}

/* adr and adrp make an address in one instruction, or its page. */
static bool read_adr(struct a64 *s, uint32_t x, uint64_t pc, struct insn *ret)
{
	unsigned rd = x & 31;
	uint64_t imm = (uint64_t)bits_signed(x, 5, 19) << 2 | ((x >> 29) & 3);

	if ((x & 0x1f000000) != 0x10000000)
		return false;
	ret->key = x & 0x9f00001f;
	if (x & 0x80000000) {
		s->known[rd] = rd != 31;
		s->page[rd] = (pc & ~UINT64_C(0xfff)) + (imm << 12);
		s->from[rd] = s->c->n;
		ret->page = true;
		return true;
	}
	s->known[rd] = false;
	ret->has_target = true;
	ret->target = pc + imm;
	return true;
}

/* What makes an address of a page: add, and loads and stores with an offset. */
static bool read_low(struct a64 *s, uint32_t x, struct insn *ret)
{
	unsigned rn = (x >> 5) & 31, rd = x & 31, shift = 0;
	uint64_t imm = (x >> 10) & 0xfff;
	bool add = (x & 0xffc00000) == 0x91000000;
	bool load = (x & 0x3b000000) == 0x39000000;

	if ((!add && !load) || !s->known[rn])
		return false;
	if (load) {
		shift = x >> 30;
		if ((x & 0x04800000) == 0x04800000 && shift == 0)
			shift = 4; /* 128-bit vector registers */
	}
	ret->key = x & ~UINT32_C(0x003ffc00);
	ret->has_target = true;
	ret->target = s->page[rn] + (imm << shift);
	s->c->insn[s->from[rn]].used = true;
	/* a store and a load of a vector leave the general registers alone */
	if (add || (!(x & 0x04000000) && (x & 0x00c00000)))
		s->known[rd] = false;
	return true;
}

static void read_a64(struct a64 *s, uint32_t x, uint64_t pc, struct insn *ret)
{
	ret->key = x;
	if (read_branch(s, x, pc, ret) || read_adr(s, x, pc, ret) || read_low(s, x, ret))
		return;
	/* blr */
	if ((x & 0xfffffc1f) == 0xd63f0000) {
		forget_calls(s);
		return;
	}
	/* most of the others write the register in the lowest bits; pairs also another */
	s->known[x & 31] = false;
	if ((x & 0x3a000000) == 0x28000000)
		s->known[(x >> 10) & 31] = false;
}

int insns_a64(struct insns *c)
{
	struct a64 s = { .c = c };
	size_t off = 0;

	for (; off + 4 <= c->len; off += 4) {
		struct insn insn = { .off = (uint32_t)off, .len = 4 };

		read_a64(&s, le32(c->data + off), c->addr + off, &insn);
		if (insns_add(c, &insn) < 0)
			return -RIMG_E_NOMEM;
	}
	for (; off < c->len; off++) {
		const struct insn rest = { .off = (uint32_t)off,
					   .len = 1,
					   .key = UINT64_C(1) << 32 | c->data[off] };

		if (insns_add(c, &rest) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* ---- RISC-V --------------------------------------------------------------------------------- */

/* jal and the branches; what comes in pairs with auipc is left as it is, and counts as changed. */
static void read_riscv(uint32_t x, uint64_t pc, struct insn *ret)
{
	uint32_t op = x & 0x7f;

	ret->key = x;
	if (op == 0x6f) {
		ret->target = pc + ((uint64_t)bits_signed(x, 31, 1) << 20 | (x & 0xff000) |
				    ((x >> 9) & 0x800) | ((x >> 20) & 0x7fe));
		ret->key = x & 0xfff;
	} else if (op == 0x63) {
		ret->target = pc + ((uint64_t)bits_signed(x, 31, 1) << 12 | ((x << 4) & 0x800) |
				    ((x >> 20) & 0x7e0) | ((x >> 7) & 0x1e));
		ret->key = x & 0x01fff07f;
	} else {
		return;
	}
	ret->has_target = true;
}

int insns_riscv(struct insns *c)
{
	for (size_t off = 0; off < c->len;) {
		struct insn insn = { .off = (uint32_t)off };

		if (c->len - off >= 4 && (c->data[off] & 3) == 3) {
			insn.len = 4;
			read_riscv(le32(c->data + off), c->addr + off, &insn);
		} else {
			insn.len = c->len - off >= 2 ? 2 : 1;
			insn.key = UINT64_C(1) << 32 | c->data[off];
			if (insn.len == 2)
				insn.key |= (uint64_t)c->data[off + 1] << 8;
		}
		if (insns_add(c, &insn) < 0)
			return -RIMG_E_NOMEM;
		off += insn.len;
	}
	return 0;
}
