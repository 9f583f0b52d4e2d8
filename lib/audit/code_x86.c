/* SPDX-License-Identifier: MIT */
#include "audit/code_file.h"

#include "core/num.h"

/*
 * x86-64, by unwind entries and the first instructions alone. Nothing is called Cranelift's here:
 * the words behind the first are not read, so that an entry could be made to cover others' code.
 * What is surely not Cranelift's is said. Facts: docs/audit.md, "x86-64".
 */

static const uint8_t prologue[] = { 0x55, 0x48, 0x89, 0xE5 }; /* push rbp; mov rbp,rsp */
static const uint8_t endbr64[] = { 0xF3, 0x0F, 0x1E, 0xFA };

static bool begins_with(struct rd r, const uint8_t *bytes, size_t len)
{
	const uint8_t *p = rd_bytes(&r, len);

	return p && memcmp(p, bytes, len) == 0;
}

/* Reads sub rsp,n; false when it is something else. */
static bool read_sub_rsp(struct rd *r)
{
	static const uint8_t imm8[] = { 0x48, 0x83, 0xEC }, imm32[] = { 0x48, 0x81, 0xEC };

	if (begins_with(*r, imm8, sizeof(imm8))) {
		rd_skip(r, 4);
		return !r->failed;
	}
	if (!begins_with(*r, imm32, sizeof(imm32)))
		return false;
	rd_skip(r, 7);
	return !r->failed;
}

/* Reads mov [rsp+n],reg; returns the register by DWARF's number, or -1. */
static int read_save(struct rd *r)
{
	/* rax rcx rdx rbx rsp rbp rsi rdi, as instructions number them */
	static const int dwarf[] = { 0, 2, 1, 3, 7, 6, 4, 5 };
	uint8_t rex = rd_u8(r), op = rd_u8(r), modrm = rd_u8(r), sib = rd_u8(r);

	if ((rex & 0xFB) != 0x48 || op != 0x89 || (modrm & 7) != 4 || sib != 0x24 ||
	    modrm >> 6 == 3)
		return -1;
	rd_skip(r, modrm >> 6 == 0 ? 0 : modrm >> 6 == 1 ? 1 : 4);
	if (r->failed)
		return -1;
	return rex & 4 ? 8 + (modrm >> 3 & 7) : dwarf[modrm >> 3 & 7];
}

/* Are all registers that the program names saved by mov, in its order? There has to be one. */
static bool saves_by_mov(const struct code_file *f, const struct code_fde *fde, struct rd code)
{
	uint32_t regs[2];
	size_t i = 0;

	rd_skip(&code, sizeof(prologue));
	if (!read_sub_rsp(&code))
		return false;
	for (; code_unwind_pushed(f, fde, i, regs) == 1; i++) {
		if (read_save(&code) != (int)regs[0])
			return false;
	}
	return i > 0 && code_unwind_pushed(f, fde, i, regs) == 0;
}

static void cut_entry(struct code_file *f, const struct code_region *r, const struct code_fde *fde)
{
	struct rd code = code_rd(f, fde->off, fde->len);
	enum code_class cls = CODE_UNKNOWN;
	uint64_t bits = 0;

	if (begins_with(code, endbr64, sizeof(endbr64)))
		bits |= code_rule_bit(RULE_X86_ENDBR);
	if (begins_with(code, prologue, sizeof(prologue)))
		bits |= code_rule_bit(RULE_PROLOGUE);
	switch (fde->shape) {
	case FDE_FOREIGN:
		bits |= code_rule_bit(RULE_FDE_FOREIGN);
		cls = CODE_FOREIGN;
		break;
	case FDE_FRAMED:
		bits |= code_rule_bit(RULE_FDE_FRAMED);
		if (!(bits & code_rule_bit(RULE_PROLOGUE))) {
			bits |= code_rule_bit(RULE_FDE_MISMATCH);
			cls = CODE_CONFLICT;
		} else if (saves_by_mov(f, fde, code)) {
			bits |= code_rule_bit(RULE_X86_SAVES);
		}
		break;
	case FDE_EMPTY:
	default: bits |= code_rule_bit(RULE_FDE_EMPTY); break;
	}
	if (bits & code_rule_bit(RULE_X86_ENDBR))
		cls = CODE_FOREIGN;
	code_emit(f, r, fde->off, fde->len, cls, bits);
}

/* Bytes that compilers put between functions: int3, nop, zero. */
static bool is_pad(uint8_t byte)
{
	return byte == 0xCC || byte == 0x90 || byte == 0;
}

/* What no entry covers: padding, and the rest by symbols. @symbol: the first behind @off or later.
 */
static void cut_gap(struct code_file *f, const struct code_region *r, uint64_t off, uint64_t end,
		    size_t *symbol)
{
	while (off < end) {
		uint64_t next, pad = off;

		while (*symbol < f->n_symbols && f->symbols[*symbol].off <= off)
			(*symbol)++;
		next = *symbol < f->n_symbols ? num_min(f->symbols[*symbol].off, end) : end;
		while (pad < next && is_pad(f->data[pad]))
			pad++;
		if (pad > off)
			code_emit(f, r, off, pad - off, CODE_PAD, 0);
		code_emit(f, r, pad, next - pad, CODE_UNKNOWN, 0);
		off = next;
	}
}

/* Returns the first entry behind the region. */
static size_t cut_region(struct code_file *f, const struct code_region *r, size_t i, size_t *symbol)
{
	uint64_t off = r->off, end = r->off + r->len;

	for (; i < f->n_fdes && f->fdes[i].off < end; i++) {
		const struct code_fde *fde = &f->fdes[i];
		uint64_t after = fde->off + fde->len;

		if (fde->off < off || fde->len > end - fde->off ||
		    (i + 1 < f->n_fdes && f->fdes[i + 1].off < after)) {
			code_odd(f, ODD_UNWIND_OVERLAP, fde->off); /* says nothing */
			continue;
		}
		cut_gap(f, r, off, fde->off, symbol);
		cut_entry(f, r, fde);
		off = after;
	}
	cut_gap(f, r, off, end, symbol);
	return i;
}

void code_cut_x86(struct code_file *f)
{
	size_t fde = 0, symbol = 0;

	for (size_t i = 0; i < f->n_regions && !f->nomem; i++) {
		const struct code_region *r = &f->regions[i];

		if (r->opaque)
			code_emit(f, r, r->off, r->len, CODE_UNKNOWN, 0);
		else
			fde = cut_region(f, r, fde, &symbol);
	}
}
