/* SPDX-License-Identifier: MIT */
#include "formats/elf_file.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "formats/gaps.h"

/* An ELF file: a header that points to two tables, which describe the same bytes twice.
 *
 *     ELF header            52 or 64 bytes at 0
 *     program headers       what is mapped where when the program runs: segments
 *     section headers       what the linker sees: sections, with names in a string table
 *     contents              sections; segments are made of them
 *
 * Everything lies where the tables say. In the tree the header is a node, each segment and section
 * one more, functions lie below their section. A byte belongs to the header or table entry that it
 * is in, else to a function, else to a section, else to a segment; zeros between them are padding.
 */

/* sections or segments of one file; each takes a thousand bytes of memory here */
#define MAX_HEADERS (1 << 18)

/* ---- recognising -------------------------------------------------------------------------- */

static bool ident_is_sane(const uint8_t *ident)
{
	return (ident[EI_CLASS] == ELFCLASS32 || ident[EI_CLASS] == ELFCLASS64) &&
	       (ident[EI_DATA] == ELFDATA2LSB || ident[EI_DATA] == ELFDATA2MSB) &&
	       ident[EI_VERSION] == EV_CURRENT;
}

static int probe(const struct rimg_probe *p)
{
	if (p->head_len < SELFMAG || memcmp(p->head, ELFMAG, SELFMAG) != 0)
		return 0;
	return p->head_len >= EI_NIDENT && ident_is_sane(p->head) ? 90 : 60;
}

/* ---- shared by the parts ------------------------------------------------------------------ */

struct rd elf_cursor(const struct elf_file *f, uint64_t off)
{
	struct rd r = rd_init(f->data, f->size, 0);

	r.big = f->big;
	rd_seek(&r, off);
	return r;
}

const uint8_t *elf_bytes(const struct elf_file *f, uint64_t off, uint64_t len)
{
	struct rd all = elf_cursor(f, 0);
	struct rd r = rd_sub(&all, off, len);

	return r.failed ? NULL : r.data;
}

struct field elf_fields(const struct elf_file *f, struct rimg_node *node, uint64_t off, size_t len)
{
	const uint8_t *data = elf_bytes(f, off, len);
	struct field fields = field_begin(f->l, node, data, data ? len : 0, off);

	fields.rd.big = f->big;
	return fields;
}

uint64_t elf_word(const struct elf_file *f, struct rd *r)
{
	return f->is64 ? rd_u64(r) : rd_u32(r);
}

static uint64_t word_field(const struct elf_file *f, struct field *fields, const char *key,
			   enum attr_type type, enum rimg_cause cause)
{
	uint64_t off = rd_where(&fields->rd);
	uint64_t value = elf_word(f, &fields->rd);

	if (fields->rd.failed)
		return 0;
	if (attr_add_u64(f->l, fields->node, key, type, cause, PLACE(off, f->is64 ? 8 : 4), value) <
	    0)
		fields->nomem = true;
	return value;
}

uint32_t elf_field_hex32(struct field *fields, const char *key, enum rimg_cause cause)
{
	uint64_t off = rd_where(&fields->rd);
	uint32_t value = rd_u32(&fields->rd);

	if (fields->rd.failed)
		return 0;
	if (attr_add_u64(fields->layer, fields->node, key, ATTR_HEX, cause, PLACE(off, 4), value) <
	    0)
		fields->nomem = true;
	return value;
}

uint64_t elf_field_word(const struct elf_file *f, struct field *fields, const char *key,
			enum rimg_cause cause)
{
	return word_field(f, fields, key, ATTR_U64, cause);
}

uint64_t elf_field_hex(const struct elf_file *f, struct field *fields, const char *key,
		       enum rimg_cause cause)
{
	return word_field(f, fields, key, ATTR_HEX, cause);
}

int elf_content(const struct elf_file *f, struct rimg_node *node, uint64_t off, uint64_t len)
{
	node->content = source_slice(&f->l->arena, f->l->src, off, len);
	node->opened = true; /* until it is known to own these bytes */
	return node->content ? 0 : -RIMG_E_NOMEM;
}

static int text_attr(struct elf_file *f, const char *key, const char *text)
{
	return attr_add_bytes(f->l, f->l->root, key, ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      text, strlen(text));
}

/* ---- ELF header --------------------------------------------------------------------------- */

struct name_of {
	uint16_t number;
	const char *name;
};

static const char *name_of(const struct name_of *names, size_t n, uint16_t number)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i].number == number)
			return names[i].name;
	}
	return NULL;
}

static const char *machine_name(uint16_t machine)
{
	static const struct name_of names[] = {
		{ EM_386, "x86" },       { EM_68K, "m68k" },        { EM_MIPS, "mips" },
		{ EM_PPC, "powerpc" },   { EM_PPC64, "powerpc64" }, { EM_S390, "s390" },
		{ EM_ARM, "arm" },       { EM_SH, "sh" },           { EM_SPARCV9, "sparc64" },
		{ EM_IA_64, "ia64" },    { EM_X86_64, "x86_64" },   { EM_AARCH64, "aarch64" },
		{ EM_RISCV, "riscv" },   { EM_BPF, "bpf" },         { EM_SPARC, "sparc" },
		{ EM_PARISC, "parisc" }, { 258, "loongarch" },
	};

	return name_of(names, ARRAY_LEN(names), machine);
}

static const char *type_name(uint16_t type)
{
	static const struct name_of names[] = {
		{ ET_NONE, "none" },         { ET_REL, "relocatable" }, { ET_EXEC, "executable" },
		{ ET_DYN, "shared object" }, { ET_CORE, "core" },
	};

	return name_of(names, ARRAY_LEN(names), type);
}

static const char *osabi_name(uint16_t osabi)
{
	static const struct name_of names[] = {
		{ ELFOSABI_NONE, "System V" },         { ELFOSABI_GNU, "GNU" },
		{ ELFOSABI_NETBSD, "NetBSD" },         { ELFOSABI_FREEBSD, "FreeBSD" },
		{ ELFOSABI_OPENBSD, "OpenBSD" },       { ELFOSABI_ARM_AEABI, "ARM EABI" },
		{ ELFOSABI_STANDALONE, "standalone" },
	};

	return name_of(names, ARRAY_LEN(names), osabi);
}

static int numbered_attr(struct elf_file *f, const char *key, const char *name, uint16_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "unknown (%" PRIu16 ")", number);
	return text_attr(f, key, name ? name : text);
}

/* What the header says in words, at the root, for people who ask what this file is. */
static int describe(struct elf_file *f, uint8_t osabi)
{
	int rc = text_attr(f, "class", f->is64 ? "64-bit" : "32-bit");

	if (rc == 0)
		rc = text_attr(f, "data", f->big ? "big-endian" : "little-endian");
	if (rc == 0)
		rc = numbered_attr(f, "type", type_name(f->type), f->type);
	if (rc == 0)
		rc = numbered_attr(f, "machine", machine_name(f->machine), f->machine);
	if (rc == 0)
		rc = numbered_attr(f, "osabi", osabi_name(osabi), osabi);
	if (rc == 0)
		rc = attr_add_u64(f->l, f->l->root, "entry", ATTR_HEX, RIMG_CAUSE_PLACEMENT,
				  PLACE_NONE, f->entry);
	return rc;
}

static size_t header_len(const struct elf_file *f)
{
	return f->is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

/* Facts: docs/formats/elf.md, "ELF header". */
static int read_header(struct elf_file *f)
{
	struct rimg_node *node = layer_meta(f->l, f->l->root, "header");
	struct field fields;
	uint32_t version;
	uint8_t osabi;
	int rc;

	if (!node)
		return -RIMG_E_NOMEM;
	fields = elf_fields(f, node, 0, header_len(f));
	/* clang-format off */
	field_bytes(&fields, "magic", SELFMAG, RIMG_CAUSE_CONTENT);
	field_u8(&fields, "class",         RIMG_CAUSE_CONTENT);
	field_u8(&fields, "data",          RIMG_CAUSE_CONTENT);
	field_u8(&fields, "ident_version", RIMG_CAUSE_CONTENT);
	osabi = field_u8(&fields, "osabi", RIMG_CAUSE_CONTENT);
	field_u8(&fields, "abi_version",   RIMG_CAUSE_CONTENT);
	field_zero(&fields, "ident_padding", EI_NIDENT - EI_PAD, "elf.ident-padding");
	f->type      = field_u16(&fields, "type",      RIMG_CAUSE_CONTENT);
	f->machine   = field_u16(&fields, "machine",   RIMG_CAUSE_CONTENT);
	version      = field_u32(&fields, "version",   RIMG_CAUSE_CONTENT);
	f->entry     = elf_field_hex(f, &fields, "entry",  RIMG_CAUSE_PLACEMENT);
	f->phoff     = elf_field_word(f, &fields, "phoff", RIMG_CAUSE_PLACEMENT);
	f->shoff     = elf_field_word(f, &fields, "shoff", RIMG_CAUSE_PLACEMENT);
	elf_field_hex32(&fields, "flags", RIMG_CAUSE_CONTENT);
	f->ehsize    = field_u16(&fields, "ehsize",    RIMG_CAUSE_CONTENT);
	f->phentsize = field_u16(&fields, "phentsize", RIMG_CAUSE_CONTENT);
	f->phnum     = field_u16(&fields, "phnum",     RIMG_CAUSE_CONTENT);
	f->shentsize = field_u16(&fields, "shentsize", RIMG_CAUSE_CONTENT);
	f->shnum     = field_u16(&fields, "shnum",     RIMG_CAUSE_CONTENT);
	f->shstrndx  = field_u16(&fields, "shstrndx",  RIMG_CAUSE_ORDERING);
	/* clang-format on */
	rc = field_end(&fields);
	if (rc < 0)
		return rc;
	if (version != EV_CURRENT || f->ehsize != header_len(f))
		layer_finding(f->l, SEVERITY_WARNING, "elf.header", node, 0, header_len(f),
			      "expected version 1 and a header of %zu bytes, found version %" PRIu32
			      " and %" PRIu16 " bytes",
			      header_len(f), version, f->ehsize);
	rc = spans_add(&f->spans, &(struct span){ .len = header_len(f),
						  .content_off = NO_CONTENT,
						  .node = node,
						  .what = "ELF header",
						  .cause = RIMG_CAUSE_CONTENT,
						  .rank = ELF_RANK_HEADER });
	return rc < 0 ? rc : describe(f, osabi);
}

/* Counts that don't fit into the header stand in the unused section header 0. */
static void read_counts(struct elf_file *f)
{
	struct rd r = elf_cursor(f, f->shoff);
	uint64_t size;
	uint32_t link, info;

	if (f->shoff == 0)
		return;
	rd_skip(&r, f->is64 ? 32 : 20);
	size = elf_word(f, &r);
	link = rd_u32(&r);
	info = rd_u32(&r);
	if (r.failed)
		return;
	if (f->shnum == 0)
		f->shnum = size;
	if (f->shstrndx == SHN_XINDEX)
		f->shstrndx = link;
	if (f->phnum == PN_XNUM)
		f->phnum = info;
}

/* ---- segments ----------------------------------------------------------------------------- */

static const char *segment_kind(uint32_t type)
{
	static const char *const names[] = { "NULL", "LOAD",  "DYNAMIC", "INTERP",
					     "NOTE", "SHLIB", "PHDR",    "TLS" };

	switch (type) {
	case PT_GNU_EH_FRAME: return "GNU_EH_FRAME";
	case PT_GNU_STACK: return "GNU_STACK";
	case PT_GNU_RELRO: return "GNU_RELRO";
	case PT_GNU_PROPERTY: return "GNU_PROPERTY";
	default: return type < ARRAY_LEN(names) ? names[type] : NULL;
	}
}

static void check_segment(struct elf_file *f, const struct elf_segment *s, uint64_t header_off)
{
	if (s->filesz > 0 && !num_in_range(s->off, s->filesz, f->size))
		layer_finding(f->l, SEVERITY_ERROR, "elf.segment-range", s->node, header_off,
			      f->phentsize,
			      "expected %" PRIu64 " bytes at %" PRIu64
			      ", found the end of the file at %zu",
			      s->filesz, s->off, f->size);
	if (s->type != PT_LOAD)
		return;
	if (s->filesz > s->memsz)
		layer_finding(f->l, SEVERITY_ERROR, "elf.segment-size", s->node, header_off,
			      f->phentsize,
			      "expected no more bytes in the file than in memory (%" PRIu64
			      "), found %" PRIu64,
			      s->memsz, s->filesz);
	if (s->align > 1 && (s->align & (s->align - 1)) == 0 &&
	    ((s->vaddr - s->off) & (s->align - 1)) != 0)
		layer_finding(f->l, SEVERITY_WARNING, "elf.segment-align", s->node, header_off,
			      f->phentsize,
			      "expected address 0x%" PRIx64 " and offset 0x%" PRIx64
			      " to be equal modulo 0x%" PRIx64,
			      s->vaddr, s->off, s->align);
}

static int segment_spans(struct elf_file *f, const struct elf_segment *s, uint64_t header_off)
{
	struct span header = { .off = header_off,
			       .len = f->phentsize,
			       .content_off = NO_CONTENT,
			       .node = s->node,
			       .what = "program header",
			       .cause = RIMG_CAUSE_PLACEMENT,
			       .rank = ELF_RANK_SEGMENT_HEADER };
	struct span content = { .off = s->off,
				.len = s->have,
				.node = s->node,
				.what = "content",
				.cause = RIMG_CAUSE_CONTENT,
				.rank = s->type == PT_LOAD ? ELF_RANK_LOAD : ELF_RANK_SEGMENT };

	if (spans_add(&f->spans, &header) < 0)
		return -RIMG_E_NOMEM;
	return spans_add(&f->spans, &content);
}

/* Facts: docs/formats/elf.md, "Segments". */
static int read_segment(struct elf_file *f, size_t i)
{
	uint64_t off = f->phoff + i * f->phentsize;
	struct elf_segment *s = &f->segment[i];
	struct field fields;
	const char *kind;
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "segment %zu", i);
	s->node = layer_node(f->l, f->l->root, RIMG_ROLE_SEGMENT, name, strlen(name));
	if (!s->node)
		return -RIMG_E_NOMEM;
	fields = elf_fields(f, s->node, off, f->phentsize);
	/* clang-format off */
	s->type = elf_field_hex32(&fields, "type", RIMG_CAUSE_CONTENT);
	if (f->is64)
		s->flags = elf_field_hex32(&fields, "flags", RIMG_CAUSE_CONTENT);
	s->off    = elf_field_hex(f, &fields, "offset",      RIMG_CAUSE_PLACEMENT);
	s->vaddr  = elf_field_hex(f, &fields, "address",     RIMG_CAUSE_PLACEMENT);
	elf_field_hex(f, &fields, "physical_address",        RIMG_CAUSE_PLACEMENT);
	s->filesz = elf_field_word(f, &fields, "size",       RIMG_CAUSE_CONTENT);
	s->memsz  = elf_field_word(f, &fields, "memory_size", RIMG_CAUSE_CONTENT);
	if (!f->is64)
		s->flags = elf_field_hex32(&fields, "flags", RIMG_CAUSE_CONTENT);
	s->align  = elf_field_word(f, &fields, "align",      RIMG_CAUSE_CONTENT);
	/* clang-format on */
	rc = field_end(&fields);
	kind = segment_kind(s->type);
	if (rc == 0 && kind)
		rc = attr_add_bytes(f->l, s->node, "kind", ATTR_TEXT, RIMG_CAUSE_CONTENT,
				    PLACE_NONE, kind, strlen(kind));
	if (rc < 0)
		return rc;
	s->have = s->off < f->size ? num_min(s->filesz, f->size - s->off) : 0;
	check_segment(f, s, off);
	return segment_spans(f, s, off);
}

/* How many entries of a table lie in the file; a finding tells when these aren't all. */
static size_t usable_entries(struct elf_file *f, const char *code, uint64_t off, uint64_t n,
			     uint64_t entsize, uint64_t expected_entsize)
{
	uint64_t have;

	if (n == 0)
		return 0;
	if (entsize != expected_entsize) {
		layer_finding(f->l, SEVERITY_ERROR, code, NULL, 0, header_len(f),
			      "expected headers of %" PRIu64 " bytes, found %" PRIu64,
			      expected_entsize, entsize);
		return 0;
	}
	if (n > MAX_HEADERS) {
		layer_finding(f->l, SEVERITY_ERROR, code, NULL, 0, header_len(f),
			      "expected at most %d headers, found %" PRIu64, MAX_HEADERS, n);
		return 0;
	}
	have = off > 0 && off < f->size ? num_min((f->size - off) / entsize, n) : 0;
	if (have < n)
		layer_finding(f->l, SEVERITY_ERROR, code, NULL, off, 0,
			      "expected %" PRIu64 " headers at %" PRIu64
			      ", found the end of the file after %" PRIu64,
			      n, off, have);
	return (size_t)have;
}

static int read_segments(struct elf_file *f)
{
	size_t n = usable_entries(f, "elf.program-headers", f->phoff, f->phnum, f->phentsize,
				  f->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));

	f->segment = calloc(n + 1, sizeof(*f->segment));
	if (!f->segment)
		return -RIMG_E_NOMEM;
	f->n_segments = n;
	for (size_t i = 0; i < n; i++) {
		int rc = read_segment(f, i);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_sections(struct elf_file *f)
{
	size_t n =
		f->shoff == 0
			? 0
			: usable_entries(f, "elf.section-headers", f->shoff, f->shnum, f->shentsize,
					 f->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr));

	f->section = calloc(n + 1, sizeof(*f->section));
	if (!f->section)
		return -RIMG_E_NOMEM;
	f->n_sections = n;
	return n > 0 ? elf_read_sections(f) : 0;
}

static int tell_stripped(struct elf_file *f)
{
	bool stripped = true;

	for (size_t i = 1; i < f->n_sections; i++)
		stripped &= f->section[i].type != SHT_SYMTAB;
	return attr_add_u64(f->l, f->l->root, "stripped", ATTR_BOOL, RIMG_CAUSE_CONTENT, PLACE_NONE,
			    stripped);
}

/* Which program reads it at run time; notes, when no section header points to them. */
static int read_segment_contents(struct elf_file *f)
{
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct elf_segment *s = &f->segment[i];
		int rc = 0;

		if (s->type == PT_INTERP && s->have > 0) {
			const char *text = (const char *)elf_bytes(f, s->off, s->have);

			rc = attr_add_bytes(f->l, f->l->root, "interpreter", ATTR_TEXT,
					    RIMG_CAUSE_CONTENT, PLACE_NONE, text,
					    strnlen(text, (size_t)s->have));
		} else if (s->type == PT_NOTE && f->n_sections == 0) {
			rc = elf_read_notes(f, s->node, s->off, s->have, s->align);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void check_entry(struct elf_file *f)
{
	bool loaded = false;

	/* there it is the address of a descriptor, which is data */
	if (f->machine == EM_PPC64 || f->machine == EM_IA_64 || f->machine == EM_PARISC)
		return;
	for (size_t i = 0; i < f->n_segments; i++) {
		const struct elf_segment *s = &f->segment[i];

		if (s->type != PT_LOAD)
			continue;
		loaded = true;
		if ((s->flags & PF_X) && f->entry >= s->vaddr && f->entry - s->vaddr < s->memsz)
			return;
	}
	if (loaded && f->entry != 0)
		layer_finding(
			f->l, SEVERITY_WARNING, "elf.entry", NULL, 24, f->is64 ? 8 : 4,
			"expected the entry address in an executable segment, found 0x%" PRIx64,
			f->entry);
}

/* ---- who owns which bytes ----------------------------------------------------------------- */

struct claiming {
	struct elf_file *f;
	struct rimg_node *padding;
};

static bool is_zero(const struct elf_file *f, uint64_t off, uint64_t len)
{
	const uint8_t *data = elf_bytes(f, off, len);

	return data && mem_is_zero(data, (size_t)len);
}

/* Segments get their bytes as content only where sections don't have them already. */
static int segment_content(const struct elf_file *f, size_t i)
{
	const struct elf_segment *s = &f->segment[i];

	if (s->have == 0 || s->node->content)
		return 0;
	return elf_content(f, s->node, s->off, s->have);
}

/* Zeros that only a segment covers are alignment, not its content. */
static int claim_piece(void *arg, const struct span *piece)
{
	struct claiming *c = arg;
	struct elf_file *f = c->f;

	if (piece->rank == ELF_RANK_FUNCTION) /* code holds no formats */
		return layer_claim_content(f->l, piece->node, piece->off, piece->len,
					   piece->content_off);
	if (piece->rank < ELF_RANK_SEGMENT)
		return spans_claim(f->l, piece);
	if (is_zero(f, piece->off, piece->len))
		return gaps_pad(f->l, &c->padding, piece->off, piece->len);
	/* bytes of no section; the nodes of the segments stand in a row */
	if (segment_content(f, piece->node->index - f->segment[0].node->index) < 0)
		return -RIMG_E_NOMEM;
	return spans_claim(f->l, piece);
}

/* Bytes that no header points to, with others than zeros among them: data, perhaps of a format of
 * its own, that somebody put there. */
static int claim_unreferenced(struct rimg_layer *l, const struct gap_run *run)
{
	char name[40];
	struct rimg_node *node;

	snprintf(name, sizeof(name), "unreferenced@0x%" PRIx64, run->off);
	node = layer_meta(l, l->root, name);
	if (!node)
		return -RIMG_E_NOMEM;
	layer_finding(l, SEVERITY_WARNING, "elf.gap-data", node, run->off, run->len,
		      "expected zeros where no header points, found %" PRIu64
		      " bytes with others among them",
		      run->len);
	return layer_content_range(l, node, run->off, run->len);
}

/* Bytes that nothing describes: padding if they are zero, otherwise news. */
static int claim_rest(struct claiming *c)
{
	struct elf_file *f = c->f;
	auto_free struct gap_run *gaps = NULL;
	size_t n;
	int rc = gaps_list(f->l, &gaps, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (is_zero(f, gaps[i].off, gaps[i].len))
			rc = gaps_pad(f->l, &c->padding, gaps[i].off, gaps[i].len);
		else
			rc = claim_unreferenced(f->l, &gaps[i]);
	}
	return rc;
}

static int claim_all(struct elf_file *f)
{
	struct claiming c = { .f = f };
	int rc = 0;

	for (size_t i = 0; rc == 0 && f->n_sections == 0 && i < f->n_segments; i++)
		rc = segment_content(f, i);
	if (rc == 0)
		rc = spans_resolve(&f->spans, claim_piece, &c);
	return rc < 0 ? rc : claim_rest(&c);
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Is it an ELF file that can be read at all? If not, a finding says why. */
static bool readable(struct rimg_layer *l, const uint8_t *ident, uint64_t size)
{
	if (size < EI_NIDENT || !ident_is_sane(ident)) {
		layer_finding(l, SEVERITY_ERROR, "elf.ident", NULL, 0, num_min(size, EI_NIDENT),
			      "expected an ELF class, byte order and version behind the magic, "
			      "found others");
		return false;
	}
	if (size < (ident[EI_CLASS] == ELFCLASS64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr))) {
		layer_finding(l, SEVERITY_ERROR, "elf.truncated", NULL, 0, size,
			      "expected a whole ELF header, found the end after %" PRIu64 " bytes",
			      size);
		return false;
	}
	if (size > l->image->ctx->limits.analysis_bytes) {
		layer_finding(l, SEVERITY_ERROR, "elf.too-big", NULL, 0, 0,
			      "expected at most %" PRIu64
			      " bytes to analyse, found %" PRIu64 LIMIT_MORE("content"),
			      l->image->ctx->limits.analysis_bytes, size);
		return false;
	}
	return true;
}

static void done(struct elf_file *f)
{
	free(f->data);
	free(f->section);
	free(f->segment);
	spans_done(&f->spans);
}

static int load(struct elf_file *f, struct rimg_error *err)
{
	f->data = malloc(f->size);
	if (!f->data)
		return -RIMG_E_NOMEM;
	return layer_read(f->l, 0, f->data, f->size, err);
}

/**
 * open_elf - read headers, segments, sections and functions
 *
 * Offsets are bytes from the start of the file. The file is held in memory while this runs.
 * Facts: docs/formats/elf.md.
 */
static int open_elf(struct rimg_layer *l, struct rimg_error *err)
{
	auto_with(done) struct elf_file f = { .l = l };
	uint64_t size = rimg_source_size(l->src);
	uint8_t ident[EI_NIDENT] = { 0 };
	int rc = layer_read(l, 0, ident, (size_t)num_min(size, EI_NIDENT), err);

	if (rc < 0 || !readable(l, ident, size)) {
		l->unreadable = true;
		return rc;
	}
	f.size = (size_t)size;
	rc = load(&f, err);
	if (rc < 0)
		return rc;
	f.is64 = ident[EI_CLASS] == ELFCLASS64;
	f.big = ident[EI_DATA] == ELFDATA2MSB;
	/* far more than the names of a sane file: string tables are part of its size */
	f.names_left = 4 * size + (1 << 20);
	rc = read_header(&f);
	read_counts(&f);
	if (rc == 0)
		rc = read_segments(&f);
	if (rc == 0)
		rc = read_sections(&f);
	if (rc == 0)
		rc = tell_stripped(&f);
	if (rc == 0)
		rc = elf_read_functions(&f);
	if (rc == 0)
		rc = read_segment_contents(&f);
	if (rc < 0)
		return rc;
	check_entry(&f);
	return claim_all(&f);
}

RIMG_FORMAT(elf) = {
	.name = "elf",
	.facts = "docs/formats/elf.md",
	.probe = probe,
	.open = open_elf,
	.reads_contents = true,
};
