/* SPDX-License-Identifier: MIT */
#include "formats/pe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/gaps.h"

/* A PE image, the form of UEFI programs.
 *
 *     DOS header, 64 bytes: "MZ" ... offset of the signature; and a program that says that it
 *                           can't run
 *     "PE\0\0", COFF header, optional header (not optional in images) with data directories
 *     section headers, 40 bytes each
 *     contents of the sections, each on a multiple of the file alignment
 *     perhaps symbols, certificates, and bytes that nothing describes: the overlay */

/* ---- recognising -------------------------------------------------------------------------- */

/* The signature that the DOS header points to. */
static bool has_signature(const struct rimg_probe *p, uint32_t off)
{
	struct rd r = rd_init(p->head, p->head_len, 0);
	uint8_t sig[PE_SIGNATURE_LEN];

	rd_seek(&r, off);
	rd_copy(&r, sig, sizeof(sig));
	if (r.failed && !probe_read(p, off, sig, sizeof(sig)))
		return false;
	return memcmp(sig, PE_SIGNATURE, sizeof(sig)) == 0;
}

static int probe(const struct rimg_probe *p)
{
	struct rd r = rd_init(p->head, p->head_len, 0);
	uint32_t off;

	rd_seek(&r, PE_LFANEW_OFF);
	off = rd_le32(&r);
	if (r.failed || memcmp(p->head, PE_DOS_MAGIC, 2) != 0)
		return 0;
	return has_signature(p, off) ? 90 : 0;
}

/* ---- headers ------------------------------------------------------------------------------ */

struct name_of {
	uint16_t number;
	const char *name;
};

static int named_attr(struct pe_file *f, const char *key, const struct name_of *names, size_t n,
		      uint16_t number)
{
	char unknown[32];
	const char *name = unknown;

	snprintf(unknown, sizeof(unknown), "unknown (0x%" PRIx16 ")", number);
	for (size_t i = 0; i < n; i++) {
		if (names[i].number == number)
			name = names[i].name;
	}
	return attr_add_bytes(f->l, f->l->root, key, ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      name, strlen(name));
}

static int describe(struct pe_file *f, uint16_t machine, uint16_t subsystem)
{
	static const struct name_of machines[] = {
		{ 0x014C, "x86" },     { 0x0200, "ia64" },    { 0x01C0, "arm" },
		{ 0x01C2, "thumb" },   { 0x01C4, "arm" },     { 0x0EBC, "efi byte code" },
		{ 0x5032, "riscv32" }, { 0x5064, "riscv64" }, { 0x6264, "loongarch64" },
		{ 0x8664, "x86_64" },  { 0xAA64, "aarch64" },
	};
	static const struct name_of subsystems[] = {
		{ 1, "native" },
		{ 2, "windows" },
		{ 3, "windows console" },
		{ 10, "efi application" },
		{ 11, "efi boot service driver" },
		{ 12, "efi runtime driver" },
		{ 13, "efi rom" },
		{ 16, "windows boot application" },
	};
	const char *class = f->is64 ? "PE32+" : "PE32";
	int rc = attr_add_bytes(f->l, f->l->root, "class", ATTR_TEXT, RIMG_CAUSE_CONTENT,
				PLACE_NONE, class, strlen(class));

	if (rc == 0)
		rc = named_attr(f, "machine", machines, ARRAY_LEN(machines), machine);
	if (rc == 0)
		rc = named_attr(f, "subsystem", subsystems, ARRAY_LEN(subsystems), subsystem);
	return rc;
}

/* The DOS header and the program behind it, up to the signature. */
static int read_dos(struct pe_file *f, struct rimg_error *err)
{
	struct rimg_node *node = layer_meta(f->l, f->l->root, "dos header");
	uint8_t buf[PE_DOS_LEN];
	struct field fields;
	int rc;

	if (!node)
		return -RIMG_E_NOMEM;
	rc = layer_read(f->l, 0, buf, sizeof(buf), err);
	if (rc < 0)
		return rc;
	fields = field_begin(f->l, node, buf, sizeof(buf), 0);
	field_raw(&fields, "dos_fields", PE_LFANEW_OFF, RIMG_CAUSE_CONTENT);
	f->header_off = field_le32(&fields, "signature_offset", RIMG_CAUSE_PLACEMENT);
	rc = field_end(&fields);
	if (rc == 0 && f->header_off > PE_DOS_LEN)
		rc = attr_add_raw(f->l, node, "dos_stub", RIMG_CAUSE_CONTENT,
				  PLACE(PE_DOS_LEN, f->header_off - PE_DOS_LEN));
	if (rc < 0)
		return rc;
	return spans_add(&f->spans, &(struct span){ .len = num_max(PE_DOS_LEN, f->header_off),
						    .content_off = NO_CONTENT,
						    .node = node,
						    .what = "DOS header",
						    .cause = RIMG_CAUSE_CONTENT,
						    .rank = PE_RANK_DOS });
}

/* 4 bytes of seconds since 1970, or of a hash where builds are reproducible */
static void time_field(struct field *fields, const char *key)
{
	uint64_t off = rd_where(&fields->rd);
	uint32_t s = rd_le32(&fields->rd);

	if (!fields->rd.failed &&
	    attr_add_time(fields->layer, fields->node, key, PLACE(off, 4), s, 0) < 0)
		fields->nomem = true;
}

/* Facts: docs/formats/pe.md, "COFF header". */
static uint16_t coff_fields(struct pe_file *f, struct field *fields)
{
	uint16_t machine;

	/* clang-format off */
	field_raw(fields, "signature", PE_SIGNATURE_LEN,               RIMG_CAUSE_CONTENT);
	machine         = field_hex16(fields, "machine",               RIMG_CAUSE_CONTENT);
	f->n_sections   = field_le16(fields, "sections",               RIMG_CAUSE_CONTENT);
	time_field(fields, "timestamp");
	f->symbols_off  = field_le32(fields, "symbols_offset",         RIMG_CAUSE_PLACEMENT);
	f->n_symbols    = field_le32(fields, "symbols",                RIMG_CAUSE_CONTENT);
	f->optional_len = field_le16(fields, "optional_header_length", RIMG_CAUSE_CONTENT);
	field_hex16(fields, "characteristics",                         RIMG_CAUSE_CONTENT);
	/* clang-format on */
	return machine;
}

static uint64_t word_field(const struct pe_file *f, struct field *fields, const char *key,
			   enum rimg_cause cause)
{
	return f->is64 ? field_hex64(fields, key, cause) : field_hex32(fields, key, cause);
}

/* Facts: docs/formats/pe.md, "Optional header". */
static uint16_t optional_fields(struct pe_file *f, struct field *fields)
{
	uint16_t magic, subsystem;

	/* clang-format off */
	magic         = field_hex16(fields, "magic",         RIMG_CAUSE_CONTENT);
	f->is64       = magic == PE_MAGIC_64;
	field_u8(fields, "linker_major",                     RIMG_CAUSE_CONTENT);
	field_u8(fields, "linker_minor",                     RIMG_CAUSE_CONTENT);
	field_le32(fields, "code_size",                      RIMG_CAUSE_CONTENT);
	field_le32(fields, "data_size",                      RIMG_CAUSE_CONTENT);
	field_le32(fields, "bss_size",                       RIMG_CAUSE_CONTENT);
	f->entry      = field_hex32(fields, "entry",         RIMG_CAUSE_PLACEMENT);
	field_hex32(fields, "code_base",                     RIMG_CAUSE_PLACEMENT);
	if (!f->is64)
		field_hex32(fields, "data_base",             RIMG_CAUSE_PLACEMENT);
	word_field(f, fields, "image_base",                  RIMG_CAUSE_PLACEMENT);
	field_le32(fields, "section_alignment",              RIMG_CAUSE_CONTENT);
	field_le32(fields, "file_alignment",                 RIMG_CAUSE_CONTENT);
	field_le16(fields, "os_version_major", RIMG_CAUSE_CONTENT);
	field_le16(fields, "os_version_minor", RIMG_CAUSE_CONTENT);
	field_le16(fields, "image_version_major", RIMG_CAUSE_CONTENT);
	field_le16(fields, "image_version_minor", RIMG_CAUSE_CONTENT);
	field_le16(fields, "subsystem_version_major", RIMG_CAUSE_CONTENT);
	field_le16(fields, "subsystem_version_minor", RIMG_CAUSE_CONTENT);
	field_le32(fields, "win32_version",                  RIMG_CAUSE_CONTENT);
	f->image_size = field_le32(fields, "image_size",     RIMG_CAUSE_CONTENT);
	field_le32(fields, "headers_size",                   RIMG_CAUSE_CONTENT);
	field_hex32(fields, "checksum",                      RIMG_CAUSE_CHECKSUM);
	subsystem     = field_le16(fields, "subsystem",      RIMG_CAUSE_CONTENT);
	field_hex16(fields, "dll_characteristics",           RIMG_CAUSE_CONTENT);
	word_field(f, fields, "stack_reserve",               RIMG_CAUSE_CONTENT);
	word_field(f, fields, "stack_commit",                RIMG_CAUSE_CONTENT);
	word_field(f, fields, "heap_reserve",                RIMG_CAUSE_CONTENT);
	word_field(f, fields, "heap_commit",                 RIMG_CAUSE_CONTENT);
	field_le32(fields, "loader_flags",                   RIMG_CAUSE_CONTENT);
	f->n_dirs     = field_le32(fields, "directories",    RIMG_CAUSE_CONTENT);
	/* clang-format on */
	return subsystem;
}

static void directory_fields(struct pe_file *f, struct field *fields)
{
	static const char *const names[PE_N_DIRS][2] = {
		{ "export.address", "export.size" },
		{ "import.address", "import.size" },
		{ "resource.address", "resource.size" },
		{ "exception.address", "exception.size" },
		{ "certificates.offset", "certificates.size" },
		{ "relocation.address", "relocation.size" },
		{ "debug.address", "debug.size" },
		{ "architecture.address", "architecture.size" },
		{ "global.address", "global.size" },
		{ "tls.address", "tls.size" },
		{ "load_config.address", "load_config.size" },
		{ "bound_import.address", "bound_import.size" },
		{ "import_table.address", "import_table.size" },
		{ "delay_import.address", "delay_import.size" },
		{ "clr.address", "clr.size" },
		{ "reserved.address", "reserved.size" },
	};

	size_t n = num_min_size(num_min_size(f->n_dirs, PE_N_DIRS), rd_left(&fields->rd) / 8);

	if (n < f->n_dirs)
		layer_finding(
			f->l, SEVERITY_ERROR, "pe.directories", f->header, rd_where(&fields->rd), 0,
			"expected %" PRIu32 " data directories, found room for %zu", f->n_dirs, n);
	for (size_t i = 0; i < n; i++) {
		f->dir[i].addr = field_hex32(fields, names[i][0], RIMG_CAUSE_PLACEMENT);
		f->dir[i].size = field_le32(fields, names[i][1], RIMG_CAUSE_CONTENT);
	}
}

/* The smallest optional header of an image, without directories. */
static uint16_t optional_min(bool is64)
{
	return is64 ? 112 : 96;
}

/* What the COFF header says about the one behind it decides how that is read. */
static bool headers_fit(struct pe_file *f, const uint8_t *coff)
{
	struct rd r = rd_init(coff, PE_SIGNATURE_LEN + PE_COFF_LEN + 2, f->header_off);
	uint64_t need;
	uint16_t len, magic;

	rd_skip(&r, PE_SIGNATURE_LEN + 16);
	len = rd_le16(&r);
	rd_skip(&r, 2);
	magic = rd_le16(&r);
	need = f->header_off + PE_SIGNATURE_LEN + PE_COFF_LEN + (uint64_t)len;
	if (magic == PE_MAGIC_32 || magic == PE_MAGIC_64) {
		if (len >= optional_min(magic == PE_MAGIC_64) && need <= f->size)
			return true;
	}
	layer_finding(f->l, SEVERITY_ERROR, "pe.header", NULL, f->header_off,
		      PE_SIGNATURE_LEN + PE_COFF_LEN + 2,
		      "expected a whole optional header of PE32 or PE32+, found magic 0x%" PRIx16
		      " and %" PRIu16 " bytes",
		      magic, len);
	return false;
}

static int add_header_fields(struct pe_file *f, const uint8_t *data, size_t len)
{
	struct field fields = field_begin(f->l, f->header, data, len, f->header_off);
	uint16_t machine = coff_fields(f, &fields);
	uint16_t subsystem = optional_fields(f, &fields);
	int rc;

	directory_fields(f, &fields);
	if (rd_left(&fields.rd) > 0)
		field_raw(&fields, "rest", rd_left(&fields.rd), RIMG_CAUSE_CONTENT);
	rc = field_end(&fields);
	return rc < 0 ? rc : describe(f, machine, subsystem);
}

/* Signature, COFF header and optional header. *ret_ok: false when there is nothing to go on with.
 */
static int read_header(struct pe_file *f, bool *ret_ok, struct rimg_error *err)
{
	uint8_t coff[PE_SIGNATURE_LEN + PE_COFF_LEN + 2];
	auto_free uint8_t *data = NULL;
	size_t len;
	int rc = layer_read(f->l, f->header_off, coff, sizeof(coff), err);

	*ret_ok = false;
	if (rc == -RIMG_E_TRUNCATED) {
		layer_finding(f->l, SEVERITY_ERROR, "pe.header", NULL, f->header_off, 0,
			      "expected a COFF header at %" PRIu32
			      ", found the end of the file at %" PRIu64,
			      f->header_off, f->size);
		return 0;
	}
	if (rc < 0 || !headers_fit(f, coff))
		return rc;
	len = PE_SIGNATURE_LEN + PE_COFF_LEN + (size_t)(coff[20] | coff[21] << 8);
	data = malloc(len);
	f->header = layer_meta(f->l, f->l->root, "header");
	if (!data || !f->header)
		return -RIMG_E_NOMEM;
	rc = layer_read(f->l, f->header_off, data, len, err);
	if (rc == 0)
		rc = add_header_fields(f, data, len);
	if (rc < 0)
		return rc;
	*ret_ok = true;
	return spans_add(&f->spans, &(struct span){ .off = f->header_off,
						    .len = len,
						    .content_off = NO_CONTENT,
						    .node = f->header,
						    .what = "PE header",
						    .cause = RIMG_CAUSE_CONTENT,
						    .rank = PE_RANK_HEADER });
}

/* ---- sections ----------------------------------------------------------------------------- */

static bool all_digits(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len > 0;
}

/* "/123": the name stands at that offset of the string table. */
static const char *long_name(const struct pe_file *f, const uint8_t *raw, size_t len,
			     size_t *ret_len)
{
	uint32_t off = 0;
	const char *name;

	if (len < 2 || raw[0] != '/' || !all_digits(raw + 1, len - 1) || !f->strings)
		return NULL;
	for (size_t i = 1; i < len; i++)
		off = off * 10 + raw[i] - '0';
	/* offsets count from the length field */
	if (off < 4 || off - 4 >= f->strings_len)
		return NULL;
	name = (const char *)f->strings + (off - 4);
	*ret_len = strnlen(name, f->strings_len - (off - 4));
	return *ret_len > 0 ? name : NULL;
}

static struct rimg_node *section_node(struct pe_file *f, size_t i, const uint8_t *raw)
{
	size_t len = strnlen((const char *)raw, 8), long_len;
	const char *name = long_name(f, raw, len, &long_len);
	char number[32];

	if (name)
		return layer_node(f->l, f->l->root, RIMG_ROLE_SECTION, name, long_len);
	if (len > 0)
		return layer_node(f->l, f->l->root, RIMG_ROLE_SECTION, raw, len);
	snprintf(number, sizeof(number), "section %zu", i + 1);
	return layer_node(f->l, f->l->root, RIMG_ROLE_SECTION, number, strlen(number));
}

int pe_content(const struct pe_file *f, struct rimg_node *node, uint64_t off, uint64_t len)
{
	node->content = source_slice(&f->l->arena, f->l->src, off, len);
	node->opened = true; /* until it is known to own these bytes */
	return node->content ? 0 : -RIMG_E_NOMEM;
}

static int section_spans(struct pe_file *f, struct pe_section *s, uint64_t header_off)
{
	struct span header = { .off = header_off,
			       .len = PE_SECTION_LEN,
			       .content_off = NO_CONTENT,
			       .node = s->node,
			       .what = "section header",
			       .cause = RIMG_CAUSE_PLACEMENT,
			       .rank = PE_RANK_SECTION_HEADER };
	struct span content = { .off = s->off,
				.len = s->have,
				.node = s->node,
				.what = "content",
				.cause = RIMG_CAUSE_CONTENT,
				.rank = PE_RANK_SECTION };

	if (s->have < s->size)
		layer_finding(f->l, SEVERITY_ERROR, "pe.section-range", s->node, header_off,
			      PE_SECTION_LEN,
			      "expected %" PRIu32 " bytes at %" PRIu32
			      ", found the end of the file at %" PRIu64,
			      s->size, s->off, f->size);
	if (s->have > 0 && pe_content(f, s->node, s->off, s->have) < 0)
		return -RIMG_E_NOMEM;
	f->end = num_max(f->end, (uint64_t)s->off + s->have);
	if (spans_add(&f->spans, &header) < 0)
		return -RIMG_E_NOMEM;
	return spans_add(&f->spans, &content);
}

/* Facts: docs/formats/pe.md, "Section headers". */
static int read_section(struct pe_file *f, size_t i, const uint8_t raw[PE_SECTION_LEN],
			uint64_t off)
{
	struct pe_section *s = &f->section[i];
	struct field fields;
	int rc;

	s->node = section_node(f, i, raw);
	if (!s->node)
		return -RIMG_E_NOMEM;
	fields = field_begin(f->l, s->node, raw, PE_SECTION_LEN, off);
	/* clang-format off */
	field_raw(&fields, "stored_name", 8,                        RIMG_CAUSE_CONTENT);
	s->vsize = field_le32(&fields, "virtual_size",              RIMG_CAUSE_CONTENT);
	s->vaddr = field_hex32(&fields, "address",                  RIMG_CAUSE_PLACEMENT);
	s->size  = field_le32(&fields, "size",                      RIMG_CAUSE_CONTENT);
	s->off   = field_le32(&fields, "offset",                    RIMG_CAUSE_PLACEMENT);
	field_le32(&fields, "relocations_offset",                   RIMG_CAUSE_PLACEMENT);
	field_le32(&fields, "line_numbers_offset",                  RIMG_CAUSE_PLACEMENT);
	field_le16(&fields, "relocations",                          RIMG_CAUSE_CONTENT);
	field_le16(&fields, "line_numbers",                         RIMG_CAUSE_CONTENT);
	s->flags = field_hex32(&fields, "flags",                    RIMG_CAUSE_CONTENT);
	/* clang-format on */
	rc = field_end(&fields);
	if (rc < 0)
		return rc;
	/* no offset: nothing is stored, whatever the size */
	if (s->off == 0)
		s->size = 0;
	s->have = s->off < f->size ? (uint32_t)num_min(s->size, f->size - s->off) : 0;
	return section_spans(f, s, off);
}

static int read_sections(struct pe_file *f, struct rimg_error *err)
{
	uint64_t off = f->header_off + PE_SIGNATURE_LEN + PE_COFF_LEN + (uint64_t)f->optional_len;
	uint64_t have = off < f->size ? (f->size - off) / PE_SECTION_LEN : 0;
	size_t n = (size_t)num_min(f->n_sections, have);

	if (n < f->n_sections)
		layer_finding(f->l, SEVERITY_ERROR, "pe.section-headers", f->header, off, 0,
			      "expected %" PRIu16 " section headers, found the end after %zu",
			      f->n_sections, n);
	f->n_sections = (uint16_t)n;
	f->section = calloc(n + 1, sizeof(*f->section));
	if (!f->section)
		return -RIMG_E_NOMEM;
	f->end = off + n * PE_SECTION_LEN;
	for (size_t i = 0; i < n; i++) {
		uint8_t raw[PE_SECTION_LEN];
		int rc = layer_read(f->l, off + i * PE_SECTION_LEN, raw, sizeof(raw), err);

		if (rc == 0)
			rc = read_section(f, i, raw, off + i * PE_SECTION_LEN);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int compare_offsets(const void *pa, const void *pb)
{
	const struct pe_section *a = *(const struct pe_section *const *)pa;
	const struct pe_section *b = *(const struct pe_section *const *)pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a > b) - (a < b);
}

static int check_overlaps(struct pe_file *f)
{
	auto_free const struct pe_section **order = calloc(f->n_sections + 1U, sizeof(*order));
	const struct pe_section *before = NULL;
	size_t n = 0;

	if (!order)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < f->n_sections; i++) {
		if (f->section[i].have > 0)
			order[n++] = &f->section[i];
	}
	qsort(order, n, sizeof(*order), compare_offsets);
	for (size_t i = 0; i < n; i++) {
		const struct pe_section *s = order[i];
		uint64_t end = before ? (uint64_t)before->off + before->have : 0;

		if (before && s->off < end)
			layer_finding(f->l, SEVERITY_WARNING, "pe.section-overlap", s->node, s->off,
				      s->have,
				      "expected bytes of its own, found some that are \"%s\"'s too",
				      before->node->name);
		if ((uint64_t)s->off + s->have > end)
			before = s;
	}
	return 0;
}

static void check_entry(struct pe_file *f)
{
	if (f->entry == 0)
		return;
	for (size_t i = 0; i < f->n_sections; i++) {
		const struct pe_section *s = &f->section[i];

		if ((s->flags & PE_SCN_EXECUTE) && f->entry >= s->vaddr &&
		    f->entry - s->vaddr < num_max(s->vsize, s->size))
			return;
	}
	layer_finding(f->l, SEVERITY_WARNING, "pe.entry", f->header, 0, 0,
		      "expected the entry address in an executable section, found 0x%" PRIx32,
		      f->entry);
}

/* ---- who owns which bytes ----------------------------------------------------------------- */

static int claim_piece(void *arg, const struct span *piece)
{
	return spans_claim(arg, piece);
}

static int add_overlay(struct pe_file *f, uint64_t off, uint64_t len)
{
	struct rimg_node *node = layer_meta(f->l, f->l->root, "overlay");

	layer_finding(f->l, SEVERITY_WARNING, "pe.overlay", NULL, off, len,
		      "expected the end behind the last section, found %" PRIu64 " bytes more",
		      len);
	return node ? layer_content_range(f->l, node, off, len) : -RIMG_E_NOMEM;
}

/* Bytes that nothing describes: zeros are padding; behind all sections it is the overlay, elsewhere
 * a gap. */
static int claim_rest(struct pe_file *f, struct rimg_error *err)
{
	struct rimg_layer *l = f->l;
	auto_free struct gap_run *gaps = NULL;
	struct rimg_node *padding = NULL;
	size_t n;
	int rc = gaps_list(l, &gaps, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		bool zero;

		rc = gaps_zero(l, gaps[i].off, gaps[i].len, &zero, err);
		if (rc < 0)
			return rc;
		if (zero)
			rc = gaps_pad(l, &padding, gaps[i].off, gaps[i].len);
		else if (gaps[i].off >= f->end)
			rc = add_overlay(f, gaps[i].off, gaps[i].len);
		else
			layer_finding(l, SEVERITY_WARNING, "pe.gap-data", NULL, gaps[i].off,
				      gaps[i].len,
				      "expected zeros where no header points, found %" PRIu64
				      " bytes with others among them",
				      gaps[i].len);
	}
	return rc;
}

/* ---- opening ------------------------------------------------------------------------------ */

static void done(struct pe_file *f)
{
	free(f->section);
	free(f->strings);
	spans_done(&f->spans);
}

/**
 * open_pe - read the headers, the sections and what else the headers point to
 *
 * Offsets are bytes from the start of the file, addresses relative to where it is loaded.
 * Facts: docs/formats/pe.md.
 */
static int open_pe(struct rimg_layer *l, struct rimg_error *err)
{
	auto_with(done) struct pe_file f = { .l = l, .size = rimg_source_size(l->src) };
	bool ok = false;
	int rc = read_dos(&f, err);

	if (rc == 0)
		rc = read_header(&f, &ok, err);
	if (rc < 0 || !ok) {
		l->unreadable = true;
		return rc;
	}
	rc = pe_read_symbols(&f, err);
	if (rc == 0)
		rc = read_sections(&f, err);
	if (rc == 0)
		rc = check_overlaps(&f);
	if (rc == 0)
		rc = pe_read_data(&f, err);
	if (rc < 0)
		return rc;
	check_entry(&f);
	rc = spans_resolve(&f.spans, claim_piece, l);
	return rc < 0 ? rc : claim_rest(&f, err);
}

RIMG_FORMAT(pe) = {
	.name = "pe",
	.facts = "docs/formats/pe.md",
	.probe = probe,
	.open = open_pe,
	.check = pe_check,
};
