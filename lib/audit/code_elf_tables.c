/* SPDX-License-Identifier: MIT */
#include "audit/code_elf.h"

#include <elf.h>

#include "core/cleanup.h"
#include "core/num.h"

/*
 * Symbols, and the ways to the unwind tables: a section .eh_frame; the segment PT_GNU_EH_FRAME,
 * whose header points at one; a search, when neither is there. Facts: docs/audit.md, "Unwind
 * tables".
 */

/* longest name of a symbol that is read */
#define NAME_LEN 4096

/* of a symbol that may name code, in the order in which names at one place are preferred */
enum { RANK_FUNC, RANK_NOTYPE };

struct symbol {
	uint32_t name;
	uint16_t section;
	uint8_t info;
	uint64_t value;
};

static struct symbol read_symbol(const struct code_file *f, struct rd *r)
{
	struct symbol s = { .name = rd_u32(r) };

	if (f->is64) {
		s.info = rd_u8(r);
		rd_skip(r, 1);
		s.section = rd_u16(r);
		s.value = rd_u64(r);
		rd_skip(r, 8);
	} else {
		s.value = rd_u32(r);
		rd_skip(r, 4);
		s.info = rd_u8(r);
		rd_skip(r, 1);
		s.section = rd_u16(r);
	}
	return s;
}

static size_t symbol_len(const struct code_file *f)
{
	return f->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

/* The content's offset of what a symbol of a relocatable object names; UINT64_MAX: nothing. */
static uint64_t place_in_section(const struct code_elf *e, uint16_t section, uint64_t value)
{
	const struct code_section *s;

	if (section == SHN_UNDEF || section >= SHN_LORESERVE || section >= e->n_sections)
		return UINT64_MAX;
	s = &e->sections[section];
	return value < s->have ? s->off + value : UINT64_MAX;
}

static uint64_t place(const struct code_elf *e, const struct symbol *s)
{
	uint64_t off, left;

	if (s->section == SHN_UNDEF)
		return UINT64_MAX;
	if (e->f->relocatable)
		return place_in_section(e, s->section, s->value);
	return code_offset(e->f, s->value, &off, &left) ? off : UINT64_MAX;
}

/* The length of a name in a table of strings; 0: none, or it has no end. */
static uint32_t name_len(struct rd *strings, uint32_t name)
{
	struct rd r = *strings;
	const uint8_t *p, *nul;

	rd_seek(&r, name);
	p = rd_bytes(&r, 1);
	if (!p)
		return 0;
	nul = memchr(p, 0, num_min(rd_left(&r) + 1, NAME_LEN));
	return nul ? (uint32_t)(nul - p) : 0;
}

static void add_symbol(struct code_file *f, const struct code_section *strings_at,
		       struct rd *strings, const struct symbol *s, uint64_t off)
{
	uint8_t type = s->info & 15;
	struct code_symbol *to;
	uint32_t len;

	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return;
	if (code_region_at(f, off) == CODE_NONE)
		return;
	len = name_len(strings, s->name);
	/* $x and $d mark code and data for disassemblers */
	if (len == 0 || (type == STT_NOTYPE && f->data[strings_at->off + s->name] == '$'))
		return;
	to = code_add(f, (void **)&f->symbols, &f->cap_symbols, &f->n_symbols, sizeof(*f->symbols));
	if (to)
		*to = (struct code_symbol){ .off = off,
					    .name_off = strings_at->off + s->name,
					    .name_len = len,
					    .rank = type == STT_NOTYPE ? RANK_NOTYPE : RANK_FUNC };
}

static void read_symbols(struct code_elf *e, const struct code_section *table)
{
	struct code_file *f = e->f;
	const struct code_section *names;
	struct rd strings, r = code_rd(f, table->off, table->have);

	if (table->link >= e->n_sections)
		return;
	names = &e->sections[table->link];
	strings = code_rd(f, names->off, names->have);
	while (rd_left(&r) >= symbol_len(f) && !f->nomem) {
		struct symbol s = read_symbol(f, &r);
		uint64_t off = place(e, &s);

		if (off != UINT64_MAX)
			add_symbol(f, names, &strings, &s, off);
	}
}

void code_elf_symbols(struct code_elf *e)
{
	bool symtab = false, dynsym = false;

	for (size_t i = 0; i < e->n_sections; i++) {
		const struct code_section *s = &e->sections[i];
		bool *done = s->type == SHT_SYMTAB ? &symtab : &dynsym;

		if ((s->type != SHT_SYMTAB && s->type != SHT_DYNSYM) || *done)
			continue;
		*done = true;
		read_symbols(e, s);
	}
}

/* ---- unwind tables ------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const struct code_reloc *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

/* One entry of SHT_REL or SHT_RELA: what it leads to. */
static struct code_reloc read_reloc(const struct code_elf *e, const struct code_section *rel,
				    const struct code_section *symbols, struct rd *r)
{
	const struct code_file *f = e->f;
	struct code_reloc to = { .off = UINT64_MAX };
	uint64_t info, index, addend = 0;
	struct rd one;
	struct symbol s;

	to.at = f->is64 ? rd_u64(r) : rd_u32(r);
	info = f->is64 ? rd_u64(r) : rd_u32(r);
	if (rel->type == SHT_RELA)
		addend = f->is64 ? rd_u64(r) : (uint64_t)(int32_t)rd_u32(r);
	index = f->is64 ? info >> 32 : info >> 8;
	one = code_rd(f, symbols->off, symbols->have);
	rd_seek(&one, index * symbol_len(f));
	s = read_symbol(f, &one);
	if (!one.failed)
		to.off = place_in_section(e, s.section, s.value + addend);
	return to;
}

/* The relocations of section @target, sorted; *ret_n of them. The caller frees them. */
static struct code_reloc *read_relocs(struct code_elf *e, const struct code_section *rel,
				      size_t *ret_n)
{
	struct code_file *f = e->f;
	size_t step = (rel->type == SHT_RELA ? 3 : 2) * (f->is64 ? 8 : 4);
	struct rd r = code_rd(f, rel->off, rel->have);
	size_t n = rd_left(&r) / step;
	struct code_reloc *relocs;

	*ret_n = 0;
	if (rel->link >= e->n_sections || n == 0)
		return NULL;
	relocs = calloc(n, sizeof(*relocs));
	if (!relocs) {
		f->nomem = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		relocs[i] = read_reloc(e, rel, &e->sections[rel->link], &r);
	qsort(relocs, n, sizeof(*relocs), by_place);
	*ret_n = n;
	return relocs;
}

/* Many sections may share the same bytes: all tables together may have so many, and no more. */
static bool affordable(struct code_file *f, uint64_t len)
{
	if (len > f->tables_left) {
		code_odd(f, ODD_UNWIND_BAD, 0);
		return false;
	}
	f->tables_left -= len;
	return true;
}

/* In relocatable objects a table is read through the relocations that name it. */
static void read_relocated(struct code_elf *e)
{
	for (size_t i = 0; i < e->n_sections && !e->f->nomem; i++) {
		const struct code_section *rel = &e->sections[i], *s;
		auto_free struct code_reloc *relocs = NULL;
		size_t n;

		if ((rel->type != SHT_RELA && rel->type != SHT_REL) || rel->info >= e->n_sections)
			continue;
		s = &e->sections[rel->info];
		if (!code_elf_name_is(e, s, ".eh_frame") || !affordable(e->f, rel->have + s->have))
			continue;
		relocs = read_relocs(e, rel, &n);
		if (relocs)
			code_unwind_read(e->f, s->off, s->have, 0, relocs, n, true);
	}
}

/* Follows the header of PT_GNU_EH_FRAME; returns the offset of the table, UINT64_MAX: none. */
static uint64_t from_header(struct code_elf *e, const struct code_segment *s, uint64_t *ret_addr)
{
	struct code_file *f = e->f;
	struct rd r = code_rd(f, s->off, s->have);
	uint8_t version = rd_u8(&r), encoding = rd_u8(&r);
	uint64_t off, left;

	rd_skip(&r, 2);
	/* relative to itself, signed 32 bits: what linkers write */
	*ret_addr = s->addr + 4 + (uint64_t)(int32_t)rd_u32(&r);
	if (r.failed || version != 1 || encoding != 0x1B ||
	    !code_offset(f, *ret_addr, &off, &left)) {
		code_odd(f, ODD_UNWIND_BAD, s->off);
		return UINT64_MAX;
	}
	return off;
}

/* Up to where a table may reach that only its beginning is known of. */
static uint64_t table_end(const struct code_elf *e, uint64_t addr, uint64_t off)
{
	uint64_t at, left;

	return code_offset(e->f, addr, &at, &left) ? off + left : off;
}

void code_elf_unwind(struct code_elf *e)
{
	struct code_file *f = e->f;
	uint64_t section_off = UINT64_MAX, addr;

	f->tables_left = (uint64_t)f->len * 2;
	if (f->relocatable) {
		read_relocated(e);
		return;
	}
	for (size_t i = 0; i < e->n_sections && section_off == UINT64_MAX; i++) {
		const struct code_section *s = &e->sections[i];

		if (s->have == 0 || !code_elf_name_is(e, s, ".eh_frame"))
			continue;
		section_off = s->off;
		addr = code_address(f, s->off, &addr) ? addr : s->addr;
		code_unwind_read(f, s->off, s->have, addr, NULL, 0, true);
	}
	for (size_t i = 0; i < e->n_segments; i++) {
		uint64_t off = e->segments[i].type == PT_GNU_EH_FRAME
				       ? from_header(e, &e->segments[i], &addr)
				       : UINT64_MAX;

		if (off == UINT64_MAX)
			continue;
		if (section_off != UINT64_MAX && off != section_off)
			code_odd(f, ODD_UNWIND_SPLIT, off);
		if (off != section_off)
			code_unwind_read(f, off, table_end(e, addr, off) - off, addr, NULL, 0,
					 false);
		section_off = off;
		break;
	}
	if (section_off == UINT64_MAX)
		code_unwind_search(f);
}
