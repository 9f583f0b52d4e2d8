/* SPDX-License-Identifier: MIT */
#include "formats/elf_view.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/rd.h"

#define MAX_SECTIONS ((uint64_t)1 << 18)
#define MAX_SYMBOLS  ((size_t)1 << 22)
#define MAX_LOADED   1024 /* sections that are looked through for an address; programs have 40 */

void elf_view_done(struct elf_view *v)
{
	free(v->data);
	free(v->section);
	free(v->symbol);
	*v = (struct elf_view){ 0 };
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct rd cursor(const struct elf_view *v, uint64_t off)
{
	struct rd r = rd_init(v->data, v->size, 0);

	r.big = v->big;
	rd_seek(&r, off);
	return r;
}

static uint64_t word(const struct elf_view *v, struct rd *r)
{
	return v->is64 ? rd_u64(r) : rd_u32(r);
}

struct header {
	uint64_t shoff, shnum;
	uint32_t shstrndx;
	uint16_t shentsize;
};

/* Facts: docs/formats/elf.md, "ELF header". */
static bool read_header(struct elf_view *v, struct header *ret)
{
	struct rd r;

	if (v->size < EI_NIDENT || memcmp(v->data, ELFMAG, SELFMAG) != 0)
		return false;
	v->is64 = v->data[EI_CLASS] == ELFCLASS64;
	v->big = v->data[EI_DATA] == ELFDATA2MSB;
	r = cursor(v, EI_NIDENT);
	v->type = rd_u16(&r);
	v->machine = rd_u16(&r);
	rd_skip(&r, 4);
	(void)word(v, &r); /* entry */
	(void)word(v, &r); /* program headers */
	ret->shoff = word(v, &r);
	rd_skip(&r, 4 + 3 * 2);
	ret->shentsize = rd_u16(&r);
	ret->shnum = rd_u16(&r);
	ret->shstrndx = rd_u16(&r);
	return !r.failed;
}

/* Facts: docs/formats/elf.md, "Sections". */
static void read_section(struct elf_view *v, const struct header *h, size_t i, uint32_t *ret_name,
			 uint32_t *ret_info)
{
	struct elf_view_section *s = &v->section[i];
	struct rd r = cursor(v, h->shoff + i * h->shentsize), bytes;
	uint64_t off;

	*ret_name = rd_u32(&r);
	s->name = "";
	s->type = rd_u32(&r);
	s->flags = word(v, &r);
	s->addr = word(v, &r);
	off = word(v, &r);
	s->size = word(v, &r);
	s->link = rd_u32(&r);
	*ret_info = rd_u32(&r);
	(void)word(v, &r); /* alignment */
	s->entsize = word(v, &r);
	if (r.failed) {
		*s = (struct elf_view_section){ .name = "" };
		return;
	}
	if (s->type == SHT_NOBITS || s->type == SHT_NULL || s->size == 0)
		return;
	r = cursor(v, 0);
	bytes = rd_sub(&r, off, s->size);
	if (!bytes.failed)
		s->data = bytes.data;
}

/* The text at @off of a string table, which ends in it; NULL: none. */
static const char *text_at(const struct elf_view *v, uint64_t table, uint64_t off)
{
	const struct elf_view_section *s;

	if (table == 0 || table >= v->n_sections)
		return NULL;
	s = &v->section[table];
	if (!s->data || off >= s->size || !memchr(s->data + off, 0, (size_t)(s->size - off)))
		return NULL;
	return (const char *)s->data + off;
}

static int read_sections(struct elf_view *v, struct header *h)
{
	auto_free uint32_t *names = NULL;
	uint32_t first_name, info;

	if (h->shoff == 0 || h->shoff >= v->size ||
	    h->shentsize != (v->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return 0;
	v->section = calloc(1, sizeof(*v->section));
	if (!v->section)
		return -RIMG_E_NOMEM;
	/* counts that are too large for the header stand in section header 0 */
	read_section(v, h, 0, &first_name, &info);
	if (h->shnum == 0)
		h->shnum = v->section[0].size;
	if (h->shstrndx == SHN_XINDEX)
		h->shstrndx = v->section[0].link;
	free(v->section);
	v->n_sections = (size_t)num_min(num_min(h->shnum, MAX_SECTIONS),
					(v->size - h->shoff) / h->shentsize);
	v->section = calloc(v->n_sections + 1, sizeof(*v->section));
	names = calloc(v->n_sections + 1, sizeof(*names));
	if (!v->section || !names)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < v->n_sections; i++)
		read_section(v, h, i, &names[i], &info);
	for (size_t i = 1; i < v->n_sections; i++) {
		const char *name = text_at(v, h->shstrndx, names[i]);

		v->section[i].name = name ? name : "";
	}
	return 0;
}

/* ---- symbols -------------------------------------------------------------------------------- */

static size_t symbol_len(const struct elf_view *v)
{
	return v->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

bool elf_view_read_symbol(const struct elf_view *v, const struct elf_view_section *table, size_t i,
			  struct elf_view_symbol *ret)
{
	struct rd r;
	uint32_t name;
	uint8_t info;
	const char *text;

	if (!table->data || i >= table->size / symbol_len(v))
		return false;
	r = rd_init(table->data, (size_t)table->size, 0);
	r.big = v->big;
	rd_seek(&r, i * symbol_len(v));
	name = rd_u32(&r);
	if (v->is64) {
		info = rd_u8(&r);
		(void)rd_u8(&r);
		ret->section = rd_u16(&r);
		ret->addr = rd_u64(&r);
		ret->size = rd_u64(&r);
	} else {
		ret->addr = rd_u32(&r);
		ret->size = rd_u32(&r);
		info = rd_u8(&r);
		(void)rd_u8(&r);
		ret->section = rd_u16(&r);
	}
	ret->type = info & 0xf;
	ret->bind = info >> 4;
	text = text_at(v, table->link, name);
	ret->name = text ? text : "";
	return !r.failed;
}

static int compare_symbols(const void *pa, const void *pb)
{
	const struct elf_view_symbol *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	/* labels of the linker script say less than names of things */
	if ((a->type == STT_NOTYPE) != (b->type == STT_NOTYPE))
		return a->type == STT_NOTYPE ? 1 : -1;
	return strcmp(a->name, b->name);
}

static bool is_named_thing(const struct elf_view_symbol *s)
{
	return s->name[0] && s->section != SHN_UNDEF && s->section != SHN_ABS &&
	       (s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_GNU_IFUNC ||
		(s->type == STT_NOTYPE && s->bind != STB_LOCAL));
}

/* Of those at one address the first by name is kept, with the largest size. */
static void merge_symbols(struct elf_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n_symbols; i++) {
		struct elf_view_symbol *last = kept > 0 ? &v->symbol[kept - 1] : NULL;

		if (last && last->addr == v->symbol[i].addr)
			last->size = num_max(last->size, v->symbol[i].size);
		else
			v->symbol[kept++] = v->symbol[i];
	}
	v->n_symbols = kept;
}

static int read_symbols(struct elf_view *v)
{
	const struct elf_view_section *table = NULL;
	struct elf_view_symbol symbol;
	size_t n = 0;

	/* .symtab has all of .dynsym */
	for (size_t i = 1; i < v->n_sections; i++)
		if (v->section[i].type == SHT_SYMTAB ||
		    (!table && v->section[i].type == SHT_DYNSYM))
			table = &v->section[i];
	/* addresses of relocatable files say nothing */
	if (!table || v->type == ET_REL)
		return 0;
	n = (size_t)num_min(table->size / symbol_len(v), MAX_SYMBOLS);
	v->symbol = calloc(n + 1, sizeof(*v->symbol));
	if (!v->symbol)
		return -RIMG_E_NOMEM;
	for (size_t i = 1; i < n && elf_view_read_symbol(v, table, i, &symbol); i++)
		if (is_named_thing(&symbol))
			v->symbol[v->n_symbols++] = symbol;
	qsort(v->symbol, v->n_symbols, sizeof(*v->symbol), compare_symbols);
	merge_symbols(v);
	return 0;
}

int elf_view_open(const struct rimg_source *src, uint64_t max, struct elf_view *ret)
{
	auto_with(elf_view_done) struct elf_view v = { 0 };
	struct header h;
	int rc;

	*ret = v;
	if (rimg_source_size(src) > max)
		return 0;
	v.size = (size_t)rimg_source_size(src);
	v.data = malloc(v.size + 1);
	if (!v.data)
		return -RIMG_E_NOMEM;
	rc = rimg_source_read(src, 0, v.data, v.size, NULL);
	if (rc == -RIMG_E_IO)
		return rc;
	if (rc < 0 || !read_header(&v, &h))
		return 0;
	rc = read_sections(&v, &h);
	if (rc == 0)
		rc = read_symbols(&v);
	if (rc < 0)
		return rc;
	*ret = v;
	v = (struct elf_view){ 0 };
	return 0;
}

/* ---- looking up ----------------------------------------------------------------------------- */

const struct elf_view_section *elf_view_section_at(const struct elf_view *v, uint64_t addr)
{
	if (v->type == ET_REL)
		return NULL;
	for (size_t i = 1; i < num_min(v->n_sections, MAX_LOADED); i++) {
		const struct elf_view_section *s = &v->section[i];

		if ((s->flags & SHF_ALLOC) && !(s->flags & SHF_TLS) && addr >= s->addr &&
		    addr - s->addr < s->size)
			return s;
	}
	return NULL;
}

const struct elf_view_symbol *elf_view_symbol_at(const struct elf_view *v, uint64_t addr)
{
	size_t lo = 0, hi = v->n_symbols;
	const struct elf_view_symbol *s;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->symbol[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	s = &v->symbol[lo - 1];
	return addr == s->addr || addr - s->addr < s->size ? s : NULL;
}
