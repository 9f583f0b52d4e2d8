/* SPDX-License-Identifier: MIT */
#include "formats/pe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"

#define MAX_DEBUG    64         /* entries of a debug directory; linkers write at most five */
#define MAX_STRINGS  (16 << 20) /* bytes of long section names */
#define MAX_PDB_PATH 1024

/* ---- COFF symbols ------------------------------------------------------------------------- */

/* The string table follows the symbols: its length, which counts itself, and the strings. */
static int read_strings(struct pe_file *f, uint64_t off, uint64_t *ret_len, struct rimg_error *err)
{
	uint8_t raw[4];
	struct rd r = rd_init(raw, sizeof(raw), off);
	uint32_t len;
	int rc = layer_read(f->l, off, raw, sizeof(raw), err);

	if (rc < 0)
		return rc;
	len = rd_le32(&r);
	if (len < 4 || !num_in_range(off, len, f->size) || len > MAX_STRINGS)
		return -RIMG_E_TRUNCATED;
	f->strings = malloc(len - 4 + 1);
	if (!f->strings)
		return -RIMG_E_NOMEM;
	f->strings_len = len - 4;
	*ret_len = len;
	return layer_read(f->l, off + 4, f->strings, f->strings_len, err);
}

int pe_read_symbols(struct pe_file *f, struct rimg_error *err)
{
	uint64_t len = (uint64_t)f->n_symbols * PE_SYMBOL_LEN, strings_len = 0;
	struct rimg_node *node;
	int rc = -RIMG_E_TRUNCATED;

	if (f->symbols_off == 0)
		return 0;
	node = layer_meta(f->l, f->l->root, "symbols");
	if (!node)
		return -RIMG_E_NOMEM;
	if (num_in_range(f->symbols_off, len, f->size))
		rc = read_strings(f, f->symbols_off + len, &strings_len, err);
	if (rc < 0 && rc != -RIMG_E_TRUNCATED)
		return rc;
	if (rc < 0) {
		layer_finding(f->l, SEVERITY_ERROR, "pe.symbols", node, f->symbols_off, 0,
			      "expected %" PRIu32 " symbols and their strings at %" PRIu32
			      ", found the end of the file",
			      f->n_symbols, f->symbols_off);
		return 0;
	}
	if (pe_content(f, node, f->symbols_off, len + strings_len) < 0)
		return -RIMG_E_NOMEM;
	return spans_add(&f->spans, &(struct span){ .off = f->symbols_off,
						    .len = len + strings_len,
						    .node = node,
						    .what = "content",
						    .cause = RIMG_CAUSE_CONTENT,
						    .rank = PE_RANK_SYMBOLS });
}

/* ---- certificates ------------------------------------------------------------------------- */

static int read_certificates(struct pe_file *f)
{
	uint64_t off = f->dir[PE_DIR_CERTIFICATES].addr, len = f->dir[PE_DIR_CERTIFICATES].size;
	struct rimg_node *node;

	if (off == 0 || len == 0)
		return 0;
	node = layer_meta(f->l, f->l->root, "certificates");
	if (!node)
		return -RIMG_E_NOMEM;
	if (!num_in_range(off, len, f->size)) {
		layer_finding(f->l, SEVERITY_ERROR, "pe.certificates", node, off, 0,
			      "expected %" PRIu64 " bytes of certificates, found the end of the "
			      "file at %" PRIu64,
			      len, f->size);
		off = num_min(off, f->size);
		len = f->size - off;
	}
	if (pe_content(f, node, off, len) < 0)
		return -RIMG_E_NOMEM;
	return spans_add(&f->spans, &(struct span){ .off = off,
						    .len = len,
						    .node = node,
						    .what = "content",
						    .cause = RIMG_CAUSE_CONTENT,
						    .rank = PE_RANK_CERTIFICATES });
}

/* ---- debug directory ---------------------------------------------------------------------- */

/* The section whose stored bytes hold [addr, addr + len), and where in the file that is. */
static const struct pe_section *section_at(const struct pe_file *f, uint32_t addr, uint32_t len,
					   uint64_t *ret_off)
{
	for (size_t i = 0; i < f->n_sections; i++) {
		const struct pe_section *s = &f->section[i];

		if (addr >= s->vaddr && num_in_range(addr - s->vaddr, len, s->have)) {
			*ret_off = (uint64_t)s->off + (addr - s->vaddr);
			return s;
		}
	}
	return NULL;
}

/* "RSDS", GUID, age, path of the debug file: which build this is, and where it was made. */
static int read_codeview(struct pe_file *f, uint32_t addr, uint32_t size, struct rimg_error *err)
{
	uint8_t data[24 + MAX_PDB_PATH];
	size_t len = num_min_size(size, sizeof(data));
	uint64_t off;
	const struct pe_section *s = section_at(f, addr, size, &off);
	struct field fields;
	int rc;

	if (!s || len < 24)
		return 0;
	rc = layer_read(f->l, off, data, len, err);
	if (rc < 0 || memcmp(data, "RSDS", 4) != 0)
		return rc;
	fields = field_begin(f->l, s->node, data, len, off);
	rd_skip(&fields.rd, 4);
	field_guid(&fields, "pdb_guid", RIMG_CAUSE_BUILD_ID, NULL);
	field_le32(&fields, "pdb_age", RIMG_CAUSE_BUILD_ID);
	field_text(&fields, "pdb_path", strnlen((const char *)data + 24, len - 24),
		   RIMG_CAUSE_BUILD_PATH);
	return field_end(&fields);
}

/* One entry; its attributes belong to the section whose bytes it is made of. */
static int read_debug(struct pe_file *f, const struct pe_section *s, uint64_t off,
		      struct rimg_error *err)
{
	uint8_t raw[PE_DEBUG_LEN];
	struct rd r = rd_init(raw, sizeof(raw), off);
	uint32_t stamp, type, size, addr;
	int rc = layer_read(f->l, off, raw, sizeof(raw), err);

	if (rc < 0)
		return rc;
	rd_skip(&r, 4);
	stamp = rd_le32(&r);
	rd_skip(&r, 4);
	type = rd_le32(&r);
	size = rd_le32(&r);
	addr = rd_le32(&r);
	rc = attr_add_time(f->l, s->node, "debug_timestamp", PLACE(off + 4, 4), stamp, 0);
	if (rc == 0 && type == PE_DEBUG_CODEVIEW)
		rc = read_codeview(f, addr, size, err);
	return rc;
}

static int read_debug_directory(struct pe_file *f, struct rimg_error *err)
{
	uint32_t addr = f->dir[PE_DIR_DEBUG].addr, size = f->dir[PE_DIR_DEBUG].size;
	const struct pe_section *s;
	uint64_t off;
	int rc = 0;

	if (size == 0)
		return 0;
	s = section_at(f, addr, size, &off);
	if (!s) {
		layer_finding(f->l, SEVERITY_WARNING, "pe.directory-range", f->header, 0, 0,
			      "expected the debug directory in a section, found address "
			      "0x%" PRIx32,
			      addr);
		return 0;
	}
	for (uint32_t i = 0; rc == 0 && i < size / PE_DEBUG_LEN && i < MAX_DEBUG; i++)
		rc = read_debug(f, s, off + (uint64_t)i * PE_DEBUG_LEN, err);
	return rc;
}

/* Directories of addresses lie in the memory that the image takes. */
static void check_directories(struct pe_file *f)
{
	for (uint32_t i = 0; i < PE_N_DIRS; i++) {
		if (i == PE_DIR_CERTIFICATES || f->dir[i].size == 0 ||
		    num_in_range(f->dir[i].addr, f->dir[i].size, f->image_size))
			continue;
		layer_finding(f->l, SEVERITY_WARNING, "pe.directory-range", f->header, 0, 0,
			      "expected data directory %" PRIu32 " inside the image of %" PRIu32
			      " bytes, found %" PRIu32 " bytes at 0x%" PRIx32,
			      i, f->image_size, f->dir[i].size, f->dir[i].addr);
	}
}

int pe_read_data(struct pe_file *f, struct rimg_error *err)
{
	int rc = read_certificates(f);

	check_directories(f);
	return rc < 0 ? rc : read_debug_directory(f, err);
}

/* ---- checksum ----------------------------------------------------------------------------- */

/* The sum of all 16-bit words with carries added in, and the length; the field itself counts as
 * zero. */
static uint32_t sum_words(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i += 2) {
		sum += (uint32_t)data[i] | (i + 1 < len ? (uint32_t)data[i + 1] << 8 : 0);
		sum = (sum & 0xFFFF) + (sum >> 16);
	}
	return sum;
}

/* Zero the bytes of @data, which begins at @off, that lie in the field. */
static void blank(uint8_t *data, size_t len, uint64_t off, const struct place *field)
{
	for (uint64_t at = num_max(field->off, off); at < field->off + field->len; at++) {
		if (at - off < len)
			data[at - off] = 0;
	}
}

int pe_check(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *header = node_find(l->root, "header", 6);
	const struct rimg_attr *field = header ? node_attr(header, "checksum") : NULL;
	uint64_t size = rimg_source_size(l->src);
	uint32_t sum = 0;

	if (!field || field->u == 0)
		return 0;
	for (uint64_t off = 0; off < size;) {
		uint8_t buf[8192];
		size_t len = (size_t)num_min(size - off, sizeof(buf));
		int rc = rimg_source_read(l->src, off, buf, len, err);

		if (rc < 0)
			return rc;
		blank(buf, len, off, &field->place);
		sum = sum_words(sum, buf, len);
		off += len;
	}
	sum += (uint32_t)size;
	if (sum != field->u)
		layer_finding(l, SEVERITY_WARNING, "pe.checksum", header, field->place.off, 4,
			      "expected checksum 0x%" PRIx32 ", found 0x%" PRIx64, sum, field->u);
	return 0;
}
