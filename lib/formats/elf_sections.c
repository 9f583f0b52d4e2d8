/* SPDX-License-Identifier: MIT */
#include "formats/elf_file.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"

#define MAX_NAME  ((size_t)64 << 10) /* of a section or symbol; compilers stay far below */
#define MAX_NOTES 64                 /* described per section; a core file has more */

/* ---- names -------------------------------------------------------------------------------- */

const char *elf_string(struct elf_file *f, uint32_t table, uint64_t off, size_t *ret_len)
{
	const struct elf_section *s;
	size_t left, len;
	const char *text;

	if (table == SHN_UNDEF || table >= f->n_sections)
		return NULL;
	s = &f->section[table];
	if (off >= s->have)
		return NULL;
	left = (size_t)num_min(num_min(s->have - off, MAX_NAME), f->names_left);
	text = (const char *)elf_bytes(f, s->off + off, left);
	len = strnlen(text, left);
	f->names_left -= num_min(len + 1, f->names_left);
	if (len == left)
		return NULL;
	*ret_len = len;
	return text;
}

static struct rimg_node *section_node(struct elf_file *f, size_t i, uint32_t name_off)
{
	size_t len = 0;
	const char *name = elf_string(f, f->shstrndx, name_off, &len);
	struct rimg_node *node;
	char number[32];

	if (name && len > 0)
		return layer_node(f->l, f->l->root, RIMG_ROLE_SECTION, name, len);
	snprintf(number, sizeof(number), "section %zu", i);
	node = layer_node(f->l, f->l->root, RIMG_ROLE_SECTION, number, strlen(number));
	if (node && !name && f->shstrndx != SHN_UNDEF)
		layer_finding(f->l, SEVERITY_ERROR, "elf.section-name", node,
			      f->shoff + i * f->shentsize, 4,
			      "expected a name at %" PRIu32
			      " in the section names, found the end of them",
			      name_off);
	return node;
}

/* ---- headers ------------------------------------------------------------------------------ */

static const char *section_kind(uint32_t type)
{
	static const char *const names[] = {
		"NULL",       "PROGBITS",      "SYMTAB", "STRTAB",       "RELA",
		"HASH",       "DYNAMIC",       "NOTE",   "NOBITS",       "REL",
		"SHLIB",      "DYNSYM",        NULL,     NULL,           "INIT_ARRAY",
		"FINI_ARRAY", "PREINIT_ARRAY", "GROUP",  "SYMTAB_SHNDX", "RELR"
	};

	switch (type) {
	case SHT_GNU_HASH: return "GNU_HASH";
	case SHT_GNU_verdef: return "VERDEF";
	case SHT_GNU_verneed: return "VERNEED";
	case SHT_GNU_versym: return "VERSYM";
	default: return type < ARRAY_LEN(names) ? names[type] : NULL;
	}
}

static bool has_bytes(const struct elf_section *s)
{
	return s->type != SHT_NULL && s->type != SHT_NOBITS && s->size > 0;
}

/* Only what is needed before names can be looked up. */
static void scan_headers(struct elf_file *f)
{
	for (size_t i = 0; i < f->n_sections; i++) {
		struct rd r = elf_cursor(f, f->shoff + i * f->shentsize);
		struct elf_section *s = &f->section[i];

		s->name_off = rd_u32(&r);
		s->type = rd_u32(&r);
		s->flags = elf_word(f, &r);
		s->addr = elf_word(f, &r);
		s->off = elf_word(f, &r);
		s->size = elf_word(f, &r);
		s->link = rd_u32(&r);
		s->info = rd_u32(&r);
		s->align = elf_word(f, &r);
		s->entsize = elf_word(f, &r);
		if (has_bytes(s) && s->off < f->size)
			s->have = num_min(s->size, f->size - s->off);
	}
}

static int add_header_fields(struct elf_file *f, struct rimg_node *node, uint64_t off)
{
	struct field fields = elf_fields(f, node, off, f->shentsize);

	/* clang-format off */
	field_u32(&fields, "name_offset",           RIMG_CAUSE_PLACEMENT);
	elf_field_hex32(&fields, "type",            RIMG_CAUSE_CONTENT);
	elf_field_hex(f, &fields, "flags",          RIMG_CAUSE_CONTENT);
	elf_field_hex(f, &fields, "address",        RIMG_CAUSE_PLACEMENT);
	elf_field_hex(f, &fields, "offset",         RIMG_CAUSE_PLACEMENT);
	elf_field_word(f, &fields, "size",          RIMG_CAUSE_CONTENT);
	field_u32(&fields, "link",                  RIMG_CAUSE_ORDERING);
	field_u32(&fields, "info",                  RIMG_CAUSE_ORDERING);
	elf_field_word(f, &fields, "align",         RIMG_CAUSE_CONTENT);
	elf_field_word(f, &fields, "entry_size",    RIMG_CAUSE_CONTENT);
	/* clang-format on */
	return field_end(&fields);
}

/* What helps to understand a section at a glance: its kind, how many entries it has. */
static int describe(struct elf_file *f, const struct elf_section *s)
{
	const char *kind = section_kind(s->type);
	int rc = 0;

	if (kind)
		rc = attr_add_bytes(f->l, s->node, "kind", ATTR_TEXT, RIMG_CAUSE_CONTENT,
				    PLACE_NONE, kind, strlen(kind));
	if (rc < 0 || s->entsize == 0 || (s->flags & SHF_STRINGS) || !has_bytes(s))
		return rc;
	return attr_add_u64(f->l, s->node, "entries", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
			    s->size / s->entsize);
}

static void check_section(struct elf_file *f, const struct elf_section *s, uint64_t header_off)
{
	if (has_bytes(s) && s->have < s->size)
		layer_finding(f->l, SEVERITY_ERROR, "elf.section-range", s->node, header_off,
			      f->shentsize,
			      "expected %" PRIu64 " bytes at %" PRIu64
			      ", found the end of the file at %zu",
			      s->size, s->off, f->size);
	if (s->link >= f->n_sections)
		layer_finding(f->l, SEVERITY_WARNING, "elf.section-link", s->node, header_off,
			      f->shentsize, "expected a section below %zu, found link %" PRIu32,
			      f->n_sections, s->link);
}

static int section_spans(struct elf_file *f, const struct elf_section *s, struct rimg_node *node,
			 uint64_t header_off)
{
	struct span header = { .off = header_off,
			       .len = f->shentsize,
			       .content_off = NO_CONTENT,
			       .node = node,
			       .what = "section header",
			       .cause = RIMG_CAUSE_PLACEMENT,
			       .rank = ELF_RANK_SECTION_HEADER };
	struct span content = { .off = s->off,
				.len = s->have,
				.node = node,
				.what = "content",
				.cause = RIMG_CAUSE_CONTENT,
				.rank = ELF_RANK_SECTION };

	if (s->have > 0 && elf_content(f, node, s->off, s->have) < 0)
		return -RIMG_E_NOMEM;
	if (spans_add(&f->spans, &header) < 0)
		return -RIMG_E_NOMEM;
	return spans_add(&f->spans, &content);
}

/* Facts: docs/formats/elf.md, "Sections". Index 0 is no section: its header holds counts that are
 * too large for the ELF header, or zeros. */
static int read_section(struct elf_file *f, size_t i)
{
	uint64_t off = f->shoff + i * f->shentsize;
	struct elf_section *s = &f->section[i];
	struct rimg_node *node = i == 0 ? layer_meta(f->l, f->l->root, "section header 0")
					: section_node(f, i, s->name_off);
	int rc;

	if (!node)
		return -RIMG_E_NOMEM;
	rc = add_header_fields(f, node, off);
	if (rc < 0)
		return rc;
	if (i == 0)
		return section_spans(f, &(struct elf_section){ 0 }, node, off);
	s->node = node;
	check_section(f, s, off);
	rc = describe(f, s);
	return rc < 0 ? rc : section_spans(f, s, node, off);
}

/* ---- what some sections say --------------------------------------------------------------- */

/* .comment: one text for each tool that took part, in a row. */
static int read_comment(struct elf_file *f, const struct elf_section *s)
{
	struct rd all = elf_cursor(f, 0);
	struct rd r = rd_sub(&all, s->off, s->have);
	unsigned n = 0;

	while (rd_left(&r) > 0 && n < MAX_NOTES) {
		const char *text = (const char *)rd_bytes(&r, 0);
		size_t len = strnlen(text, rd_left(&r));

		if (len > 0 && attr_add_bytes(f->l, f->l->root, "comment", ATTR_TEXT,
					      RIMG_CAUSE_CONTENT, PLACE_NONE, text, len) < 0)
			return -RIMG_E_NOMEM;
		n += len > 0;
		rd_skip(&r, num_min_size(len + 1, rd_left(&r)));
	}
	return 0;
}

struct note {
	const uint8_t *name;
	uint32_t name_len;
	const uint8_t *desc;
	uint32_t desc_len;
	uint64_t desc_off;
	uint32_t type;
};

static void skip_to(struct rd *r, uint64_t align)
{
	rd_skip(r, (size_t)num_min(-r->pos & (align - 1), rd_left(r)));
}

static bool next_note(struct rd *r, uint64_t align, struct note *ret)
{
	struct note n;

	n.name_len = rd_u32(r);
	n.desc_len = rd_u32(r);
	n.type = rd_u32(r);
	n.name = rd_bytes(r, n.name_len);
	skip_to(r, align);
	n.desc_off = rd_where(r);
	n.desc = rd_bytes(r, n.desc_len);
	skip_to(r, align);
	if (r->failed)
		return false;
	*ret = n;
	return true;
}

static bool is_build_id(const struct note *n)
{
	return n->type == NT_GNU_BUILD_ID && n->name_len == 4 && memcmp(n->name, "GNU", 4) == 0;
}

static int add_note(struct elf_file *f, struct rimg_node *node, const struct note *n)
{
	size_t name_len = n->name_len > 0 ? strnlen((const char *)n->name, n->name_len) : 0;
	char text[96];

	if (is_build_id(n) &&
	    (attr_add_bytes(f->l, node, "build-id", ATTR_BYTES, RIMG_CAUSE_BUILD_ID,
			    PLACE(n->desc_off, n->desc_len), n->desc, n->desc_len) < 0 ||
	     attr_add_bytes(f->l, f->l->root, "build-id", ATTR_BYTES, RIMG_CAUSE_BUILD_ID,
			    PLACE_NONE, n->desc, n->desc_len) < 0))
		return -RIMG_E_NOMEM;
	snprintf(text, sizeof(text), "%.*s type %" PRIu32 ", %" PRIu32 " bytes",
		 (int)num_min(name_len, 48), (const char *)n->name, n->type, n->desc_len);
	return attr_add_bytes(f->l, node, "note", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE, text,
			      strlen(text));
}

int elf_read_notes(struct elf_file *f, struct rimg_node *node, uint64_t off, uint64_t len,
		   uint64_t align)
{
	struct rd r =
		rd_sub(&(struct rd){ .data = f->data, .len = f->size, .big = f->big }, off, len);

	for (unsigned n = 0; rd_left(&r) > 0 && n < MAX_NOTES; n++) {
		struct note note;

		if (!next_note(&r, align == 8 ? 8 : 4, &note)) {
			layer_finding(f->l, SEVERITY_WARNING, "elf.note", node, off, len,
				      "expected notes up to the end, found one that is longer");
			return 0;
		}
		if (add_note(f, node, &note) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static bool name_is(const struct rimg_node *node, const char *name)
{
	return node->name_len == strlen(name) && memcmp(node->name, name, node->name_len) == 0;
}

static int read_section_contents(struct elf_file *f)
{
	for (size_t i = 1; i < f->n_sections; i++) {
		const struct elf_section *s = &f->section[i];
		int rc = 0;

		if (s->have == 0 || (s->flags & SHF_COMPRESSED))
			continue;
		if (s->type == SHT_NOTE)
			rc = elf_read_notes(f, s->node, s->off, s->have, s->align);
		else if (s->type == SHT_PROGBITS && name_is(s->node, ".comment"))
			rc = read_comment(f, s);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- overlaps ----------------------------------------------------------------------------- */

static int compare_offsets(const void *pa, const void *pb)
{
	const struct elf_section *a = *(const struct elf_section *const *)pa;
	const struct elf_section *b = *(const struct elf_section *const *)pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a > b) - (a < b);
}

/* Sections of one file hardly ever share bytes; who reads one of them should know. */
static int check_overlaps(struct elf_file *f)
{
	auto_free const struct elf_section **order = calloc(f->n_sections, sizeof(*order));
	const struct elf_section *before = NULL, *first = NULL, *first_before = NULL;
	size_t n = 0, n_overlaps = 0;

	if (!order)
		return -RIMG_E_NOMEM;
	for (size_t i = 1; i < f->n_sections; i++) {
		if (f->section[i].have > 0)
			order[n++] = &f->section[i];
	}
	qsort(order, n, sizeof(*order), compare_offsets);
	for (size_t i = 0; i < n; i++) {
		const struct elf_section *s = order[i];

		if (before && s->off < before->off + before->have) {
			if (n_overlaps++ == 0) {
				first = s;
				first_before = before;
			}
		}
		if (!before || s->off + s->have > before->off + before->have)
			before = s;
	}
	if (first)
		layer_finding(f->l, SEVERITY_WARNING, "elf.section-overlap", first->node,
			      first->off, first->have,
			      "expected sections with bytes of their own, found %zu that share "
			      "some, the first with \"%s\"",
			      n_overlaps, first_before->node->name);
	return 0;
}

int elf_read_sections(struct elf_file *f)
{
	int rc = 0;

	scan_headers(f);
	if (f->shstrndx >= f->n_sections) {
		layer_finding(f->l, SEVERITY_ERROR, "elf.section-names", NULL, 0, 0,
			      "expected the section of the names below %zu, found %" PRIu32,
			      f->n_sections, f->shstrndx);
		f->shstrndx = SHN_UNDEF;
	}
	for (size_t i = 0; rc == 0 && i < f->n_sections; i++)
		rc = read_section(f, i);
	if (rc == 0)
		rc = read_section_contents(f);
	return rc < 0 ? rc : check_overlaps(f);
}
