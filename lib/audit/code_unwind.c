/* SPDX-License-Identifier: MIT */
#include "audit/code_file.h"

#include <stdlib.h>

#include "core/num.h"

/*
 * Call frame information, the content of .eh_frame:
 *
 *     length u32 (FFFFFFFF: u64 follows) | id: 0 | version, augmentation, factors, program   CIE
 *     length                             | back to its CIE | first address, length, program  FDE
 *     ...
 *     0
 *
 * Facts: docs/audit.md, "Unwind tables"; the DWARF standard, chapter 6.4, and the Linux Standard
 * Base, "Exception Frames".
 */

enum {
	DW_CFA_nop = 0x00,
	DW_CFA_advance_loc1 = 0x02,
	DW_CFA_advance_loc2 = 0x03,
	DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset_extended = 0x05,
	DW_CFA_def_cfa = 0x0C,
	DW_CFA_def_cfa_register = 0x0D,
	DW_CFA_def_cfa_offset = 0x0E,
	DW_CFA_advance_loc = 0x40, /* with the distance in the low 6 bits */
	DW_CFA_offset = 0x80,      /* with the register in the low 6 bits */
	DW_EH_PE_PCREL = 0x10,
	DW_EH_PE_SDATA4 = 0x0B,
};

/* bytes of a program of Cranelift's at most */
#define PROGRAM_MAX 256

/* bytes of code between the frame and the pushes: large frames touch their pages there */
#define SETUP_MAX 4096

/* registers that a function may have to save: no more pushes than that */
#define PUSHES_MAX 32

struct table {
	struct code_file *f;
	uint64_t off, addr;
	const struct code_reloc *relocs; /* NULL: pointers are as they stand */
	size_t n_relocs;
	size_t first_cie;
	bool whole; /* its length is known, not only where it begins */
};

static uint64_t read_uleb(struct rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = rd_u8(r);

		v |= (uint64_t)(byte & 0x7F) << shift;
		if (!(byte & 0x80))
			return v;
	}
	r->failed = true;
	return 0;
}

static int64_t read_sleb(struct rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = rd_u8(r);

		v |= (uint64_t)(byte & 0x7F) << shift;
		if (byte & 0x80)
			continue;
		if ((byte & 0x40) && shift + 7 < 64)
			v |= ~(uint64_t)0 << (shift + 7);
		return (int64_t)v;
	}
	r->failed = true;
	return 0;
}

/* A number in one of the encodings of pointers, without what it is relative to. */
static uint64_t read_encoded(const struct code_file *f, struct rd *r, uint8_t encoding)
{
	switch (encoding & 0x0F) {
	case 0x00: return f->is64 ? rd_u64(r) : rd_u32(r);
	case 0x02: return rd_u16(r);
	case 0x03: return rd_u32(r);
	case 0x04: return rd_u64(r);
	case 0x0A: return (uint64_t)(int16_t)rd_u16(r);
	case 0x0B: return (uint64_t)(int32_t)rd_u32(r);
	case 0x0C: return rd_u64(r);
	default: r->failed = true; return 0;
	}
}

/* ---- CIE ----------------------------------------------------------------------------------- */

struct cie_fields {
	uint64_t length; /* as stored */
	char augmentation[8];
	uint64_t ra;
	struct rd program;
};

/* The data of the augmentation: only the encoding of addresses matters here. */
static void read_augmentation(struct code_file *f, struct rd *r, struct code_cie *cie,
			      const char *augmentation)
{
	struct rd data;
	uint64_t len = read_uleb(r);

	data = rd_sub(r, r->pos, len);
	rd_skip(r, (size_t)num_min(len, SIZE_MAX));
	for (const char *c = augmentation + 1; *c && !data.failed; c++) {
		if (*c == 'R') {
			cie->encoding = rd_u8(&data);
		} else if (*c == 'L') {
			rd_skip(&data, 1);
		} else if (*c == 'P') {
			uint8_t encoding = rd_u8(&data);

			(void)read_encoded(f, &data, encoding);
		} else if (*c != 'S' && *c != 'B') {
			break;
		}
	}
	if (data.failed)
		r->failed = true;
}

/* Is the initial program sp + 0 and @n_nops paddings? */
static bool is_plain_start(struct rd program, size_t n_nops)
{
	static const uint8_t def_cfa_sp[] = { DW_CFA_def_cfa, 31, 0 };
	const uint8_t *p = rd_bytes(&program, sizeof(def_cfa_sp));

	if (!p || memcmp(p, def_cfa_sp, sizeof(def_cfa_sp)) != 0 || rd_left(&program) != n_nops)
		return false;
	while (rd_left(&program) > 0) {
		if (rd_u8(&program) != DW_CFA_nop)
			return false;
	}
	return true;
}

/* Facts: docs/audit.md, "Unwind tables": lengths and factors of Cranelift, LLVM and the GNU
 * assembler. */
static enum cie_class classify_cie(const struct code_cie *cie, const struct cie_fields *fields)
{
	if (cie->code_align == 1 && cie->data_align == -4)
		return CIE_LLVM;
	if (cie->code_align != 4 || cie->data_align != -8)
		return CIE_OTHER;
	if (fields->length == 20 && strcmp(fields->augmentation, "zR") == 0 && fields->ra == 30 &&
	    cie->encoding == (DW_EH_PE_PCREL | DW_EH_PE_SDATA4) &&
	    is_plain_start(fields->program, 4))
		return CIE_CRANELIFT;
	return fields->length == 16 || strchr(fields->augmentation, 'P') ? CIE_GCC : CIE_OTHER;
}

/* @r: what stands behind the id, to the end of the entry */
static void read_cie(struct table *t, struct rd *r, uint64_t off, uint64_t length)
{
	struct code_file *f = t->f;
	struct code_cie cie = { .off = off }, *to;
	struct cie_fields fields = { .length = length };
	uint8_t version = rd_u8(r);
	size_t n = 0;

	for (char c = (char)rd_u8(r); c && !r->failed; c = (char)rd_u8(r)) {
		if (n == sizeof(fields.augmentation) - 1)
			r->failed = true;
		else
			fields.augmentation[n++] = c;
	}
	cie.code_align = read_uleb(r);
	cie.data_align = read_sleb(r);
	fields.ra = version == 1 ? rd_u8(r) : read_uleb(r);
	cie.augmented = fields.augmentation[0] == 'z';
	if (cie.augmented)
		read_augmentation(f, r, &cie, fields.augmentation);
	if (r->failed || (version != 1 && version != 3) || (n > 0 && !cie.augmented)) {
		code_odd(f, ODD_UNWIND_BAD, off);
		return;
	}
	fields.program = rd_sub(r, r->pos, rd_left(r));
	cie.cls = classify_cie(&cie, &fields);
	to = code_add(f, (void **)&f->cies, &f->cap_cies, &f->n_cies, sizeof(*f->cies));
	if (to)
		*to = cie;
}

/* The CIE of this table at offset @off of the content, or NULL; they were found in ascending order.
 */
static const struct code_cie *find_cie(const struct table *t, uint64_t off)
{
	const struct code_file *f = t->f;
	size_t lo = t->first_cie, hi = f->n_cies;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->cies[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->n_cies && f->cies[lo].off == off ? &f->cies[lo] : NULL;
}

/* ---- the program of an FDE ------------------------------------------------------------------ */

/* What Cranelift writes for a frame, by architecture: registers of DWARF. */
struct frame_words {
	uint64_t fp, ra; /* ra is saved by the call itself where it is 0 */
	uint64_t unit;   /* bytes of an instruction; 1: they vary */
	int64_t data_align;
};

static const struct frame_words frame_a64 = { 29, 30, 4, -8 };
static const struct frame_words frame_x86 = { 6, 0, 1, -8 };

/* The next operation; *ret is its operand, a distance in bytes for an advance. Padding at the end
 * is not an operation. Returns DW_CFA_advance_loc and DW_CFA_offset without their low bits. */
static int next_op(struct rd *r, uint64_t code_align, uint64_t *ret, uint64_t *ret_reg)
{
	uint8_t op;

	do {
		if (rd_left(r) == 0)
			return -1;
		op = rd_u8(r);
	} while (op == DW_CFA_nop);
	*ret_reg = op & 0x3F;
	switch (op & 0xC0) {
	case DW_CFA_advance_loc: *ret = (op & 0x3F) * code_align; return DW_CFA_advance_loc;
	case DW_CFA_offset: *ret = read_uleb(r); return DW_CFA_offset;
	default: break;
	}
	switch (op) {
	case DW_CFA_advance_loc1: *ret = rd_u8(r) * code_align; return DW_CFA_advance_loc;
	case DW_CFA_advance_loc2: *ret = rd_u16(r) * code_align; return DW_CFA_advance_loc;
	case DW_CFA_advance_loc4: *ret = rd_u32(r) * code_align; return DW_CFA_advance_loc;
	case DW_CFA_offset_extended: /* of a vector register */
		*ret_reg = read_uleb(r);
		*ret = read_uleb(r);
		return DW_CFA_offset;
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_register: *ret = read_uleb(r); return op;
	default: return op; /* none that Cranelift writes */
	}
}

/* The rest of a frame's program: pushes, each of one or two registers. */
static bool only_pushes(struct rd *r, uint64_t code_align, const struct frame_words *w)
{
	uint64_t v, reg;
	unsigned saved = 2; /* since the last advance */
	unsigned pushes = 0;
	int op;

	while ((op = next_op(r, code_align, &v, &reg)) >= 0 && pushes <= PUSHES_MAX) {
		if (op == DW_CFA_advance_loc && saved > 0 && (w->unit == 1 || v == w->unit)) {
			saved = 0;
			pushes++;
		} else if (op == DW_CFA_offset && saved < 2) {
			saved++;
		} else {
			return false;
		}
	}
	return saved > 0 && pushes <= PUSHES_MAX && !r->failed;
}

/*
 * Facts: docs/audit.md, "Unwind tables": the frame is set up in the order
 *     advance 1; CFA is sp + 16; fp at CFA-16; [lr at CFA-8]; advance k; CFA is by fp; pushes
 */
static bool is_framed(struct rd r, const struct code_cie *cie, const struct frame_words *w,
		      uint32_t *ret_setup)
{
	uint64_t v, reg, first, second;

	if (cie->data_align != w->data_align || rd_left(&r) > PROGRAM_MAX)
		return false;
	if (next_op(&r, cie->code_align, &first, &reg) != DW_CFA_advance_loc ||
	    (w->unit > 1 && first != w->unit))
		return false;
	if (next_op(&r, cie->code_align, &v, &reg) != DW_CFA_def_cfa_offset || v != 16)
		return false;
	if (next_op(&r, cie->code_align, &v, &reg) != DW_CFA_offset || reg != w->fp || v != 2)
		return false;
	if (w->ra &&
	    (next_op(&r, cie->code_align, &v, &reg) != DW_CFA_offset || reg != w->ra || v != 1))
		return false;
	if (next_op(&r, cie->code_align, &second, &reg) != DW_CFA_advance_loc ||
	    second % w->unit != 0 || second == 0 || second > SETUP_MAX)
		return false;
	if (next_op(&r, cie->code_align, &v, &reg) != DW_CFA_def_cfa_register || v != w->fp)
		return false;
	*ret_setup = (uint32_t)((first + second) / w->unit);
	return only_pushes(&r, cie->code_align, w);
}

static enum fde_shape shape_of(const struct code_file *f, const struct code_cie *cie,
			       struct rd program, uint32_t *ret_setup)
{
	struct rd r = program;
	uint64_t v, reg;

	*ret_setup = 0;
	if (next_op(&r, 1, &v, &reg) < 0)
		return FDE_EMPTY;
	if (f->arch != CODE_A64 && f->arch != CODE_X86_64)
		return FDE_FOREIGN;
	return is_framed(program, cie, f->arch == CODE_A64 ? &frame_a64 : &frame_x86, ret_setup)
		       ? FDE_FRAMED
		       : FDE_FOREIGN;
}

uint32_t code_unwind_pushed(const struct code_file *f, const struct code_fde *fde, size_t i,
			    uint32_t regs[2])
{
	struct rd r = code_rd(f, fde->program_off, fde->program_len);
	uint64_t v, reg;
	size_t pushes = 0;
	uint32_t n = 0;
	int op;
	bool framed = false;

	while ((op = next_op(&r, 1, &v, &reg)) >= 0) {
		if (op == DW_CFA_def_cfa_register)
			framed = true;
		else if (op == DW_CFA_advance_loc && framed)
			pushes++;
		else if (op == DW_CFA_offset && framed && pushes == i + 1 && n < 2)
			regs[n++] = (uint32_t)reg;
	}
	return n;
}

/* ---- FDE ----------------------------------------------------------------------------------- */

/* Where the code of an entry lies whose address field stands at offset @at of the content. */
static uint64_t code_place(const struct table *t, uint64_t at, uint64_t value, uint8_t encoding)
{
	uint64_t off, left;
	size_t lo = 0, hi = t->n_relocs;

	if (t->relocs) {
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (t->relocs[mid].at < at - t->off)
				lo = mid + 1;
			else
				hi = mid;
		}
		return lo < t->n_relocs && t->relocs[lo].at == at - t->off ? t->relocs[lo].off
									   : UINT64_MAX;
	}
	if ((encoding & 0xF0) == DW_EH_PE_PCREL)
		value += t->addr + (at - t->off);
	else if ((encoding & 0xF0) != 0)
		return UINT64_MAX;
	if (!t->f->is64)
		value = (uint32_t)value;
	return code_offset(t->f, value, &off, &left) ? off : UINT64_MAX;
}

/* @r: what stands behind the pointer to the CIE, to the end of the entry */
static void read_fde(struct table *t, struct rd *r, uint64_t off, uint64_t cie_off)
{
	struct code_file *f = t->f;
	const struct code_cie *cie = find_cie(t, cie_off);
	struct code_fde fde = { 0 }, *to;
	uint64_t at = r->origin + r->pos, value;
	struct rd program;

	if (!cie) {
		code_odd(f, ODD_UNWIND_BAD, off);
		return;
	}
	value = read_encoded(f, r, cie->encoding);
	fde.off = code_place(t, at, value, cie->encoding);
	fde.len = read_encoded(f, r, cie->encoding & 0x0F);
	if (cie->augmented)
		rd_skip(r, (size_t)num_min(read_uleb(r), SIZE_MAX));
	if (r->failed) {
		code_odd(f, ODD_UNWIND_BAD, off);
		return;
	}
	if (fde.len == 0 || fde.off == UINT64_MAX) {
		code_odd(f, fde.len == 0 ? ODD_UNWIND_ZERO : ODD_UNWIND_STRAY, off);
		return;
	}
	program = rd_sub(r, r->pos, rd_left(r));
	fde.program_off = program.origin;
	fde.program_len = (uint32_t)num_min(program.len, UINT32_MAX);
	fde.cie = (uint32_t)(cie - f->cies);
	fde.shape = shape_of(f, cie, program, &fde.setup);
	f->cies[fde.cie].foreign_seen |= fde.shape == FDE_FOREIGN;
	f->cies[fde.cie].framed_seen |= fde.shape == FDE_FRAMED;
	to = code_add(f, (void **)&f->fdes, &f->cap_fdes, &f->n_fdes, sizeof(*f->fdes));
	if (to)
		*to = fde;
}

/* One entry. Returns false at the end of the table, or when the rest cannot be read. */
static bool read_entry(struct table *t, struct rd *r)
{
	struct code_file *f = t->f;
	uint64_t off = rd_where(r), length = rd_u32(r), id_off, id;
	bool wide = length == UINT32_MAX;
	struct rd entry;

	if (wide)
		length = rd_u64(r);
	if (r->failed)
		return false;
	if (length == 0) /* the end, unless the section goes on: linkers join tables */
		return t->whole;
	id_off = rd_where(r);
	entry = rd_sub(r, r->pos, length);
	id = wide ? rd_u64(&entry) : rd_u32(&entry);
	if (entry.failed || (wide && length > r->len)) {
		code_odd(f, ODD_UNWIND_BAD, off);
		return false;
	}
	rd_skip(r, (size_t)length);
	if (id == 0)
		read_cie(t, &entry, off, length);
	else if (id > id_off - t->off)
		code_odd(f, ODD_UNWIND_BAD, off);
	else
		read_fde(t, &entry, off, id_off - id);
	return !f->nomem;
}

void code_unwind_read(struct code_file *f, uint64_t off, uint64_t len, uint64_t addr,
		      const struct code_reloc *relocs, size_t n_relocs, bool whole)
{
	struct table t = { .f = f,
			   .off = off,
			   .addr = addr,
			   .relocs = relocs,
			   .n_relocs = n_relocs,
			   .first_cie = f->n_cies,
			   .whole = whole };
	struct rd r = code_rd(f, off, len);

	while (rd_left(&r) >= 4 && read_entry(&t, &r))
		;
}

/* Does a CIE that is worth reading begin at @r? Its length, id 0, a version, "zR" or alike. */
static bool looks_like_cie(struct rd r)
{
	uint32_t length = rd_u32(&r), id = rd_u32(&r);
	uint8_t version = rd_u8(&r), z = rd_u8(&r);

	return !r.failed && length >= 8 && length <= 64 && length % 4 == 0 && id == 0 &&
	       (version == 1 || version == 3) && z == 'z';
}

/* Reads a table that may begin at @off, with @left bytes; returns how many bytes belong to it. */
static uint64_t try_table(struct code_file *f, uint64_t off, uint64_t left, uint64_t addr)
{
	struct table t = { .f = f, .off = off, .addr = addr, .first_cie = f->n_cies };
	struct rd r = code_rd(f, off, left);
	size_t before = f->n_fdes;

	if (!looks_like_cie(r))
		return 0;
	while (rd_left(&r) >= 4 && read_entry(&t, &r))
		;
	if (f->n_fdes > before)
		code_odd(f, ODD_UNWIND_SEARCHED, off);
	return r.failed ? left : rd_where(&r) - off;
}

/* Facts: the table is aligned to 4, and its first id is zero; what was read as a table is not
 * searched again. */
void code_unwind_search(struct code_file *f)
{
	for (size_t i = 0; i < f->n_maps && !f->nomem; i++) {
		const struct code_map m = f->maps[i];
		struct rd r = code_rd(f, m.off, m.len);
		const uint8_t *p = rd_bytes(&r, (size_t)m.len);
		uint64_t at = -m.off & 3;

		while (p && at + 8 <= m.len) {
			uint64_t used = 0;

			if ((p[at + 4] | p[at + 5] | p[at + 6] | p[at + 7]) == 0)
				used = try_table(f, m.off + at, m.len - at, m.addr + at);
			at += num_max(4, used & ~(uint64_t)3);
		}
	}
}

/* ---- what the entries are worth -------------------------------------------------------------- */

static int by_code(const void *a, const void *b)
{
	const struct code_fde *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	return x->program_off < y->program_off ? -1 : x->program_off > y->program_off;
}

static bool same_entry(const struct code_file *f, const struct code_fde *a,
		       const struct code_fde *b)
{
	return a->off == b->off && a->len == b->len && a->shape == b->shape &&
	       f->cies[a->cie].cls == f->cies[b->cie].cls && a->program_len == b->program_len &&
	       memcmp(f->data + a->program_off, f->data + b->program_off, a->program_len) == 0;
}

void code_unwind_done(struct code_file *f)
{
	size_t kept = 0;

	if (f->n_fdes > 0)
		qsort(f->fdes, f->n_fdes, sizeof(*f->fdes), by_code);
	for (size_t i = 0; i < f->n_fdes; i++) {
		const struct code_fde *fde = &f->fdes[i];

		if (code_region_at(f, fde->off) == CODE_NONE)
			code_odd(f, ODD_UNWIND_STRAY, fde->off);
		else if (kept == 0 || !same_entry(f, &f->fdes[kept - 1], fde))
			f->fdes[kept++] = *fde;
	}
	f->n_fdes = kept;
}
