/* SPDX-License-Identifier: MIT */
#include "audit/code_elf.h"

#include <elf.h>

#include "core/cleanup.h"
#include "core/num.h"

/*
 * Where the code of an ELF file lies:
 *
 *     sections with SHF_EXECINSTR   |----.plt----|--------.text--------|
 *     segments with PF_X       |--------------------------------------------|
 *     regions                  |~~~~|----.plt----|--------.text--------|~~~~|
 *
 * A region is a section, or what a segment has beside sections. In relocatable objects there are
 * sections alone. Facts: docs/formats/elf.md; docs/audit.md, "Regions".
 */

#define ENTRY_OFF 24 /* of the address where the program begins */

struct elf_header {
	uint64_t entry, phoff, shoff;
	uint16_t phentsize, phnum, shentsize, shnum, shstrndx;
};

static uint64_t word(const struct code_file *f, struct rd *r)
{
	return f->is64 ? rd_u64(r) : rd_u32(r);
}

static enum code_arch arch_of(uint16_t machine)
{
	switch (machine) {
	case EM_AARCH64: return CODE_A64;
	case EM_X86_64: return CODE_X86_64;
	case EM_RISCV: return CODE_RISCV64;
	default: return CODE_OTHER;
	}
}

/* How many bytes of [off, off + size) the content has. */
static uint64_t have(const struct code_file *f, uint64_t off, uint64_t size)
{
	return off < f->len ? num_min(size, f->len - off) : 0;
}

/* Not every loader looks at these fields: where they are not what the machine's programs have, such
 * a loader sees another file than the one that would be read here. */
static bool is_readable(const struct code_file *f, const uint8_t *ident)
{
	bool wide = ident[EI_CLASS] == ELFCLASS64, little = ident[EI_DATA] == ELFDATA2LSB;

	if (f->arch != CODE_OTHER)
		return wide && little;
	return (wide || ident[EI_CLASS] == ELFCLASS32) && (little || ident[EI_DATA] == ELFDATA2MSB);
}

static bool read_header(struct code_elf *e, struct elf_header *h)
{
	struct code_file *f = e->f;
	struct rd r = code_rd(f, 0, f->len);
	const uint8_t *ident = rd_bytes(&r, EI_NIDENT);

	if (!ident)
		return false;
	f->is64 = ident[EI_CLASS] == ELFCLASS64;
	f->big = r.big = ident[EI_DATA] == ELFDATA2MSB;
	e->type = rd_u16(&r);
	e->machine = rd_u16(&r);
	rd_skip(&r, 4); /* version */
	h->entry = word(f, &r);
	h->phoff = word(f, &r);
	h->shoff = word(f, &r);
	rd_skip(&r, 6); /* flags, length of this header */
	h->phentsize = rd_u16(&r);
	h->phnum = rd_u16(&r);
	h->shentsize = rd_u16(&r);
	h->shnum = rd_u16(&r);
	h->shstrndx = rd_u16(&r);
	f->relocatable = e->type == ET_REL;
	f->arch = r.failed ? CODE_OTHER : arch_of(e->machine);
	return !r.failed && is_readable(f, ident);
}

static struct code_section read_section(const struct code_file *f, struct rd *r)
{
	struct code_section s = { 0 };

	s.name = rd_u32(r);
	s.type = rd_u32(r);
	s.flags = word(f, r);
	s.addr = word(f, r);
	s.off = word(f, r);
	s.size = word(f, r);
	s.link = rd_u32(r);
	s.info = rd_u32(r);
	(void)word(f, r);
	s.entsize = word(f, r);
	if (s.type != SHT_NOBITS && s.type != SHT_NULL)
		s.have = have(f, s.off, s.size);
	return s;
}

static struct code_segment read_segment(const struct code_file *f, struct rd *r)
{
	struct code_segment s = { 0 };

	s.type = rd_u32(r);
	if (f->is64)
		s.flags = rd_u32(r);
	s.off = word(f, r);
	s.addr = word(f, r);
	(void)word(f, r);
	s.filesz = word(f, r);
	s.memsz = word(f, r);
	if (!f->is64)
		s.flags = rd_u32(r);
	s.have = have(f, s.off, s.filesz);
	return s;
}

/*
 * A table of headers, as far as it lies in the content.
 * @step:  bytes from one to the next; @least: bytes of one
 * Returns how many there are; says so if some are not there.
 */
static size_t table_len(struct code_file *f, uint64_t off, uint64_t count, uint16_t step,
			size_t least)
{
	uint64_t room = off < f->len ? (f->len - off) / (step ? step : 1) : 0;

	if (count == 0)
		return 0;
	/* another step than the usual one is one that some loaders do not take */
	if (off == 0 || step != least || room < count)
		code_odd(f, ODD_BAD_HEADERS, off);
	if (off == 0 || step < least)
		return 0;
	return (size_t)num_min(count, room);
}

static void read_sections(struct code_elf *e, const struct elf_header *h)
{
	struct code_file *f = e->f;
	size_t least = f->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t count = h->shnum;
	struct code_section first = { 0 };
	struct rd r = code_rd(f, h->shoff, least);

	if (h->shoff && !r.failed)
		first = read_section(f, &r);
	if (count == 0 && h->shoff)
		count = first.size;
	e->names = h->shstrndx == SHN_XINDEX ? first.link : h->shstrndx;
	count = table_len(f, h->shoff, count, h->shentsize, least);
	e->sections = count ? arena_array(f->arena, count, sizeof(*e->sections)) : NULL;
	if (count && !e->sections) {
		f->nomem = true;
		return;
	}
	for (; e->n_sections < count; e->n_sections++) {
		r = code_rd(f, h->shoff + (uint64_t)e->n_sections * h->shentsize, least);
		e->sections[e->n_sections] = read_section(f, &r);
	}
}

static void read_segments(struct code_elf *e, const struct elf_header *h)
{
	struct code_file *f = e->f;
	size_t least = f->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t count = h->phnum;

	if (count == PN_XNUM && e->n_sections > 0)
		count = e->sections[0].info;
	count = table_len(f, h->phoff, count, h->phentsize, least);
	e->segments = count ? arena_array(f->arena, count, sizeof(*e->segments)) : NULL;
	if (count && !e->segments) {
		f->nomem = true;
		return;
	}
	for (; e->n_segments < count; e->n_segments++) {
		struct rd r = code_rd(f, h->phoff + (uint64_t)e->n_segments * h->phentsize, least);

		e->segments[e->n_segments] = read_segment(f, &r);
	}
}

bool code_elf_name_is(const struct code_elf *e, const struct code_section *s, const char *name)
{
	const struct code_section *names;
	size_t len = strlen(name) + 1;
	struct rd r;
	const uint8_t *p;

	if (e->names >= e->n_sections)
		return false;
	names = &e->sections[e->names];
	r = code_rd(e->f, names->off, names->have);
	rd_seek(&r, s->name);
	p = rd_bytes(&r, len);
	return p && memcmp(p, name, len) == 0;
}

/* ---- regions ------------------------------------------------------------------------------- */

/* A run that claims to be code, before overlaps are gone. */
struct claim {
	uint64_t off, len, addr;
	size_t section;
};

static int by_off(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->len != y->len)
		return x->len > y->len ? -1 : 1;
	return x->section < y->section ? -1 : x->section > y->section;
}

/* Claims in order of offsets, each byte once: the claim that begins first has it. */
static size_t settle(struct code_file *f, struct claim *claims, size_t n)
{
	uint64_t end = 0;
	size_t kept = 0;

	if (n > 0)
		qsort(claims, n, sizeof(*claims), by_off);
	for (size_t i = 0; i < n; i++) {
		struct claim c = claims[i];
		uint64_t taken = c.off < end ? num_min(end - c.off, c.len) : 0;

		if (taken > 0)
			code_odd(f, ODD_REGION_OVERLAP, c.off);
		c.off += taken;
		c.addr += taken;
		c.len -= taken;
		if (c.len == 0)
			continue;
		claims[kept++] = c;
		end = c.off + c.len;
	}
	return kept;
}

static void add_region(struct code_file *f, const struct claim *c, bool bare)
{
	struct code_region *r = code_add(f, (void **)&f->regions, &f->cap_regions, &f->n_regions,
					 sizeof(*f->regions));

	if (!r)
		return;
	*r = (struct code_region){
		.off = c->off, .len = c->len, .addr = c->addr, .section = c->section, .bare = bare
	};
	if (bare)
		code_odd(f, ODD_BARE, c->off);
}

/* Sections, and between them what is left of the segments; both ascend without overlaps. */
static void merge(struct code_file *f, const struct claim *sections, size_t n_sections,
		  const struct claim *segments, size_t n_segments, bool bare)
{
	size_t k = 0;

	for (size_t i = 0; i < n_segments; i++) {
		struct claim rest = segments[i];

		/* a section may begin before the segment, and end inside or behind it */
		while (k < n_sections && sections[k].off < rest.off + rest.len) {
			uint64_t end = sections[k].off + sections[k].len;

			if (sections[k].off > rest.off) {
				struct claim before = rest;

				before.len = sections[k].off - rest.off;
				add_region(f, &before, bare);
			}
			if (end > rest.off) {
				uint64_t used = num_min(end - rest.off, rest.len);

				rest.off += used;
				rest.addr += used;
				rest.len -= used;
			}
			if (end > rest.off + rest.len)
				break; /* the next segment may be covered by it too */
			add_region(f, &sections[k++], false);
		}
		if (rest.len > 0)
			add_region(f, &rest, bare);
	}
	while (k < n_sections)
		add_region(f, &sections[k++], false);
}

/* In what is not relocatable a section's bytes are where a segment loads them. @budget: sections
 * whose header says something else are looked up, up to that many; they are not the rule. */
static void place_section(const struct code_file *f, struct claim *c, unsigned *budget)
{
	uint64_t off, left, addr;

	if (f->relocatable || (code_offset(f, c->addr, &off, &left) && off == c->off))
		return;
	if (*budget == 0)
		return;
	(*budget)--;
	if (code_address(f, c->off, &addr))
		c->addr = addr;
}

static void find_regions(struct code_elf *e)
{
	struct code_file *f = e->f;
	auto_free struct claim *sections = calloc(e->n_sections + 1, sizeof(*sections));
	auto_free struct claim *segments = calloc(e->n_segments + 1, sizeof(*segments));
	size_t n_sections = 0, n_segments = 0;
	unsigned budget = 256;

	if (!sections || !segments) {
		f->nomem = true;
		return;
	}
	for (size_t i = 0; i < e->n_sections; i++) {
		const struct code_section *s = &e->sections[i];

		if (!(s->flags & SHF_EXECINSTR))
			continue;
		if (s->type == SHT_NOBITS ? s->size > 0 : s->have < s->size)
			code_odd(f, s->type == SHT_NOBITS ? ODD_NO_FILE_BYTES : ODD_REGION_CUT,
				 s->off);
		if (s->have == 0)
			continue;
		sections[n_sections] = (struct claim){ .off = s->off,
						       .len = s->have,
						       .addr = f->relocatable ? 0 : s->addr,
						       .section = i };
		place_section(f, &sections[n_sections++], &budget);
	}
	for (size_t i = 0; i < e->n_segments; i++) {
		const struct code_segment *s = &e->segments[i];

		if (s->type != PT_LOAD || !(s->flags & PF_X))
			continue;
		if (s->have < s->filesz)
			code_odd(f, ODD_REGION_CUT, s->off);
		if (s->memsz > s->filesz)
			code_odd(f, ODD_NO_FILE_BYTES, s->off);
		if (s->have > 0)
			segments[n_segments++] = (struct claim){
				.off = s->off, .len = s->have, .addr = s->addr, .section = CODE_NONE
			};
	}
	n_sections = settle(f, sections, n_sections);
	n_segments = settle(f, segments, n_segments);
	merge(f, sections, n_sections, segments, n_segments, e->n_sections > 0);
}

static int by_addr(const void *a, const void *b)
{
	const struct code_map *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->off < y->off ? -1 : x->off > y->off;
}

static void add_map(struct code_file *f, uint64_t addr, uint64_t off, uint64_t len)
{
	struct code_map *m = len == 0 ? NULL
				      : code_add(f, (void **)&f->maps, &f->cap_maps, &f->n_maps,
						 sizeof(*f->maps));

	if (m)
		*m = (struct code_map){ addr, off, len };
}

/* Which addresses are loaded: as the segments say, or without any as the sections do. */
static void map_addresses(struct code_elf *e)
{
	struct code_file *f = e->f;

	if (f->relocatable)
		return;
	for (size_t i = 0; i < e->n_segments; i++) {
		const struct code_segment *s = &e->segments[i];

		if (s->type == PT_LOAD)
			add_map(f, s->addr, s->off, s->have);
	}
	for (size_t i = 0; f->n_maps == 0 && i < e->n_sections; i++) {
		const struct code_section *s = &e->sections[i];

		if (s->flags & SHF_ALLOC)
			add_map(f, s->addr, s->off, s->have);
	}
	if (f->n_maps > 0)
		qsort(f->maps, f->n_maps, sizeof(*f->maps), by_addr);
}

/* A program begins in its code. One that does not is made for a loader that asks neither segments
 * nor sections what may be executed. */
static void check_entry(struct code_file *f, const struct elf_header *h)
{
	uint64_t off, left;

	if (f->relocatable || h->entry == 0)
		return;
	if (!code_offset(f, h->entry, &off, &left) || code_region_at(f, off) == CODE_NONE)
		code_odd(f, ODD_ENTRY, ENTRY_OFF);
}

void code_elf_read(struct code_file *f)
{
	struct code_elf e = { .f = f };
	struct elf_header h;

	f->format = "elf";
	if (!read_header(&e, &h)) {
		code_odd(f, ODD_BAD_HEADERS, 0);
		code_opaque_rest(f);
		return;
	}
	read_sections(&e, &h);
	read_segments(&e, &h);
	if (e.n_sections == 0 && !f->relocatable)
		code_odd(f, ODD_NO_SECTIONS, h.shoff);
	map_addresses(&e);
	find_regions(&e);
	check_entry(f, &h);
	if (f->odd[ODD_BAD_HEADERS].count > 0 || f->odd[ODD_ENTRY].count > 0 ||
	    (e.n_sections == 0 && e.n_segments == 0))
		code_opaque_rest(f);
	if (f->nomem)
		return;
	code_elf_symbols(&e);
	code_elf_unwind(&e);
	code_elf_notes(&e);
}
