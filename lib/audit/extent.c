/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "audit/walk.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"

/* How long a program is that lies somewhere in other bytes: as far as its own tables reach. Facts:
 * docs/formats/elf.md, pe.md, ar.md. */

#define ELF_LEN      64U
#define TABLE_MAX    (UINT64_C(65536) * 64) /* bytes of a table of headers */
#define PE_COFF_LEN  24U                    /* with its signature */
#define PE_SECTION   40U
#define MEMBER_LEN   60U
#define MEMBERS_MAX  65536U
#define CERT_DIR_OFF 4U /* index of the directory of certificates, which has a file offset */

struct extent {
	const struct rimg_source *src;
	uint64_t off, left; /* where it begins, bytes from there to the end */
	uint64_t len;       /* so far */
	struct rimg_error *err;
};

static void reach(struct extent *e, uint64_t off, uint64_t len)
{
	uint64_t end;

	if (!num_add(off, len, &end))
		end = e->left;
	e->len = num_max(e->len, num_min(end, e->left));
}

/* Up to @len bytes from @off of the program on, fewer at its end; NULL: none, or an error. */
static uint8_t *read_some(struct extent *e, uint64_t off, uint64_t *len, int *ret_rc)
{
	auto_free uint8_t *buf = NULL;

	*ret_rc = 0;
	*len = off < e->left ? num_min(*len, e->left - off) : 0;
	if (*len == 0 || *len > TABLE_MAX)
		return NULL;
	buf = malloc((size_t)*len);
	*ret_rc = buf ? rimg_source_read(e->src, e->off + off, buf, (size_t)*len, e->err)
		      : error_nomem(e->err);
	return *ret_rc < 0 ? NULL : take_ptr(buf);
}

/* ---- ELF ------------------------------------------------------------------------------------ */

struct elf_table {
	uint64_t off;
	uint16_t entry_len, n;
};

static uint64_t word(struct rd *r, bool wide)
{
	return wide ? rd_u64(r) : rd_u32(r);
}

/* The bytes that a table's entries point to. @off_at, @len_at: where an entry has these. */
static int reach_entries(struct extent *e, const struct elf_table *t, bool wide, bool big,
			 size_t off_at, size_t len_at, bool sections)
{
	uint64_t len = (uint64_t)t->entry_len * t->n;
	int rc;
	auto_free uint8_t *table = read_some(e, t->off, &len, &rc);
	struct rd all = rd_init(table, table ? (size_t)len : 0, t->off);

	all.big = big;
	reach(e, t->off, (uint64_t)t->entry_len * t->n);
	for (uint32_t i = 0; table && i < t->n; i++) {
		struct rd r = rd_sub(&all, (uint64_t)i * t->entry_len, t->entry_len);
		uint64_t off, size;
		uint32_t type;

		rd_skip(&r, sections ? 4 : 0);
		type = rd_u32(&r);
		rd_seek(&r, off_at);
		off = word(&r, wide);
		rd_seek(&r, len_at);
		size = word(&r, wide);
		if (r.failed)
			break;
		/* NOBITS has no bytes */
		if (!sections || type != 8)
			reach(e, off, size);
	}
	return rc;
}

static int elf_extent(struct extent *e)
{
	uint64_t len = ELF_LEN;
	int rc;
	auto_free uint8_t *head = read_some(e, 0, &len, &rc);
	struct rd r = rd_init(head, head ? (size_t)len : 0, e->off);
	struct elf_table segments = { 0 }, sections = { 0 };
	bool wide;

	if (!head)
		return rc;
	rd_seek(&r, 4);
	wide = rd_u8(&r) == 2;
	r.big = rd_u8(&r) == 2;
	rd_seek(&r, wide ? 32 : 28);
	segments.off = word(&r, wide);
	sections.off = word(&r, wide);
	rd_skip(&r, 4 + 2);
	segments.entry_len = rd_u16(&r);
	segments.n = rd_u16(&r);
	sections.entry_len = rd_u16(&r);
	sections.n = rd_u16(&r);
	reach(e, 0, wide ? 64 : 52);
	if (r.failed)
		return 0;
	rc = reach_entries(e, &segments, wide, r.big, wide ? 8 : 4, wide ? 32 : 16, false);
	return rc < 0 ? rc
		      : reach_entries(e, &sections, wide, r.big, wide ? 24 : 16, wide ? 32 : 20,
				      true);
}

/* ---- PE ------------------------------------------------------------------------------------- */

static int pe_sections(struct extent *e, uint64_t off, uint16_t n)
{
	uint64_t len = (uint64_t)n * PE_SECTION;
	int rc;
	auto_free uint8_t *table = read_some(e, off, &len, &rc);
	struct rd r = rd_init(table, table ? (size_t)len : 0, off);

	reach(e, off, (uint64_t)n * PE_SECTION);
	for (uint32_t i = 0; table && i < n; i++) {
		uint64_t size, at;

		rd_seek(&r, (uint64_t)i * PE_SECTION + 16);
		size = rd_le32(&r);
		at = rd_le32(&r);
		if (r.failed)
			break;
		reach(e, at, size);
	}
	return rc;
}

/* The one directory that the sections do not hold. */
static void pe_certificates(struct extent *e, struct rd *optional)
{
	bool wide = rd_le16(optional) == 0x20b;
	uint64_t at, size;

	rd_seek(optional, (wide ? 112U : 96U) + CERT_DIR_OFF * 8);
	at = rd_le32(optional);
	size = rd_le32(optional);
	if (!optional->failed)
		reach(e, at, size);
}

static int pe_extent(struct extent *e)
{
	uint64_t len = 64, head_off, head_len = PE_COFF_LEN + UINT16_MAX;
	int rc;
	auto_free uint8_t *dos = read_some(e, 0, &len, &rc), *head = NULL;
	struct rd r = rd_init(dos, dos ? (size_t)len : 0, e->off), optional;
	uint16_t n, optional_len;

	if (!dos)
		return rc;
	reach(e, 0, 64);
	rd_seek(&r, 0x3c);
	head_off = rd_le32(&r);
	if (r.failed)
		return 0;
	head = read_some(e, head_off, &head_len, &rc);
	if (!head)
		return rc;
	r = rd_init(head, (size_t)head_len, head_off);
	rd_seek(&r, 6);
	n = rd_le16(&r);
	rd_seek(&r, 20);
	optional_len = rd_le16(&r);
	optional = rd_sub(&r, PE_COFF_LEN,
			  num_min(optional_len, head_len - num_min(head_len, PE_COFF_LEN)));
	if (r.failed)
		return 0;
	pe_certificates(e, &optional);
	return pe_sections(e, head_off + PE_COFF_LEN + optional_len, n);
}

/* ---- ar ------------------------------------------------------------------------------------- */

static bool decimal(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < n && p[i] >= '0' && p[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(p[i] - '0');
	*ret = value;
	return i > 0;
}

static int ar_extent(struct extent *e)
{
	uint64_t at = 8;

	reach(e, 0, at);
	for (unsigned i = 0; i < MEMBERS_MAX; i++) {
		uint64_t len = MEMBER_LEN, size;
		int rc;
		auto_free uint8_t *head = read_some(e, at, &len, &rc);

		if (!head || len < MEMBER_LEN || memcmp(head + 58, "`\n", 2) != 0 ||
		    !decimal(head + 48, 10, &size))
			return rc;
		reach(e, at, MEMBER_LEN + size);
		at += MEMBER_LEN + size + (size & 1);
	}
	return 0;
}

/* A header of RedoxFS says how long its volume is. */
static int volume_extent(struct extent *e)
{
	uint64_t len = 40;
	int rc;
	auto_free uint8_t *head = read_some(e, 0, &len, &rc);
	struct rd r = rd_init(head, head ? (size_t)len : 0, e->off);
	uint64_t size;

	rd_seek(&r, 32);
	size = rd_le64(&r);
	if (!r.failed)
		reach(e, 0, size);
	return rc;
}

int audit_extent(const struct rimg_source *src, const struct hidden_run *run, uint64_t *ret,
		 struct rimg_error *err)
{
	struct extent e = {
		.src = src, .off = run->off, .left = rimg_source_size(src) - run->off, .err = err
	};
	int rc = 0;

	reach(&e, 0, num_max(run->len, 1));
	if (run->kind == HIDDEN_ELF)
		rc = elf_extent(&e);
	else if (run->kind == HIDDEN_PE)
		rc = pe_extent(&e);
	else if (run->kind == HIDDEN_ARCHIVE)
		rc = ar_extent(&e);
	else if (run->kind == HIDDEN_VOLUME)
		rc = volume_extent(&e);
	*ret = e.len;
	return rc;
}
