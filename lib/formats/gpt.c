/* SPDX-License-Identifier: MIT */
#include "formats/gpt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/gaps.h"
#include "formats/gpt_table.h"

/* A GUID partition table: protective MBR, two headers, two arrays of entries, partitions. The
 * picture is in gpt.h, the two tables are read in gpt_table.c. */

/* clang-format off */
const struct gpt_type gpt_types[] = {
	{ "efi",                { 0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2,
				  0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b } },
	{ "bios",               { 0x21, 0x68, 0x61, 0x48, 0x64, 0x49, 0x6e, 0x6f,
				  0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49 } },
	{ "linux",              { 0x0f, 0xc6, 0x3d, 0xaf, 0x84, 0x83, 0x47, 0x72,
				  0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4 } },
	{ "linux-swap",         { 0x06, 0x57, 0xfd, 0x6d, 0xa4, 0xab, 0x43, 0xc4,
				  0x84, 0xe5, 0x09, 0x33, 0xc8, 0x4b, 0x4f, 0x4f } },
	{ "microsoft-data",     { 0xeb, 0xd0, 0xa0, 0xa2, 0xb9, 0xe5, 0x44, 0x33,
				  0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7 } },
	{ "microsoft-reserved", { 0xe3, 0xc9, 0xe3, 0x16, 0x0b, 0x5c, 0x4d, 0xb8,
				  0x81, 0x7d, 0xf9, 0x2d, 0xf0, 0x02, 0x15, 0xae } },
	{ NULL,                 { 0 } },
};
/* clang-format on */

const char *gpt_type_name(const uint8_t guid[16])
{
	for (const struct gpt_type *t = gpt_types; t->name; t++) {
		if (memcmp(t->guid, guid, sizeof(t->guid)) == 0)
			return t->name;
	}
	return NULL;
}

void gpt_guid_swap(const uint8_t from[16], uint8_t to[16])
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < sizeof(order); i++)
		to[i] = from[order[i]];
}

/* ---- recognising -------------------------------------------------------------------------- */

/* Has byte @off of the content the header's signature? */
static bool tag_at(const struct rimg_probe *p, uint64_t off)
{
	uint8_t tag[8];

	if (!num_in_range(off, sizeof(tag), p->size))
		return false;
	if (num_in_range(off, sizeof(tag), p->head_len))
		memcpy(tag, p->head + off, sizeof(tag));
	else if (!probe_read(p, off, tag, sizeof(tag)))
		return false;
	return memcmp(tag, GPT_SIGNATURE, sizeof(tag)) == 0;
}

/* A boot sector whose only entry covers the disk from LBA 1 on: what is left when both headers are
 * gone. */
static bool is_protective(const struct rimg_probe *p)
{
	struct rd r = rd_init(p->head, p->head_len, 0);
	uint32_t first_lba;
	uint16_t signature;
	uint8_t type;

	rd_seek(&r, MBR_ENTRIES_OFF + 4);
	type = rd_u8(&r);
	rd_skip(&r, 3);
	first_lba = rd_le32(&r);
	rd_seek(&r, MBR_SIGNATURE_OFF);
	signature = rd_le16(&r);
	return !r.failed && type == MBR_TYPE_PROTECTIVE && first_lba == GPT_PRIMARY_LBA &&
	       signature == MBR_SIGNATURE;
}

/* Bytes of a sector: where a header is found decides; 0 when there is none. */
static uint32_t find_sector(const struct rimg_probe *p)
{
	static const uint32_t sizes[] = { GPT_SECTOR, GPT_SECTOR_MAX };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		if (tag_at(p, sizes[i]))
			return sizes[i];
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint64_t sectors = p->size / sizes[i];

		if (sectors > 2 && tag_at(p, (sectors - 1) * sizes[i]))
			return sizes[i];
	}
	return 0;
}

static int gpt_probe(const struct rimg_probe *p)
{
	if (tag_at(p, GPT_SECTOR))
		return 95;
	if (find_sector(p) != 0)
		return 85;
	return is_protective(p) ? 40 : 0;
}

/* ---- protective MBR ----------------------------------------------------------------------- */

struct mbr_entry {
	uint8_t type;
	uint32_t first_lba;
	uint32_t n_sectors;
};

static void check_mbr(struct gpt *g, struct rimg_node *node, const struct mbr_entry *e,
		      bool others_used, uint16_t signature)
{
	uint64_t rest = num_min(g->last_lba, UINT32_MAX);

	if (signature != MBR_SIGNATURE)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.mbr-signature", node, MBR_SIGNATURE_OFF, 2,
			      "expected the boot signature 0x%04x, found 0x%04x", MBR_SIGNATURE,
			      signature);
	if (e->type != MBR_TYPE_PROTECTIVE || others_used)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.mbr-entry", node, MBR_ENTRIES_OFF,
			      MBR_ENTRY_LEN * MBR_N_ENTRIES,
			      "expected one entry of type 0xee and three empty ones, found type "
			      "0x%02x%s",
			      e->type, others_used ? " and others" : "");
	else if (e->first_lba != GPT_PRIMARY_LBA)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.mbr-entry", node, MBR_ENTRIES_OFF + 8, 4,
			      "expected the protective entry to begin at LBA 1, found %" PRIu32,
			      e->first_lba);
	else if (e->n_sectors != rest && e->n_sectors != UINT32_MAX)
		layer_finding(g->l, SEVERITY_WARNING, "gpt.mbr-size", node, MBR_ENTRIES_OFF + 12, 4,
			      "expected the protective entry to cover %" PRIu64
			      " sectors, found %" PRIu32,
			      rest, e->n_sectors);
}

/* An entry without a type is empty; what else stands in it, nobody reads. */
static void check_unused(struct gpt *g, struct rimg_node *node, const uint8_t *bytes, uint64_t off)
{
	if (!bytes || bytes[4] != 0 || mem_is_zero(bytes, MBR_ENTRY_LEN))
		return;
	layer_finding(g->l, SEVERITY_WARNING, "gpt.header-padding", node, off, MBR_ENTRY_LEN,
		      "expected zeros in an MBR entry without a type, found other bytes");
}

/* Facts: docs/formats/gpt.md, "Protective MBR" */
static int read_mbr(struct gpt *g, struct rimg_error *err)
{
	static const char *const empty[] = { "entry2", "entry3", "entry4" };
	uint8_t buf[GPT_SECTOR_MAX];
	struct rimg_node *node = layer_meta(g->l, g->l->root, "mbr");
	struct mbr_entry e;
	uint16_t signature;
	bool others = false;
	struct field f;
	int rc;

	if (!node)
		return -RIMG_E_NOMEM;
	if (g->n_sectors == 0)
		return 0;
	rc = layer_read(g->l, 0, buf, g->sector, err);
	if (rc == 0)
		rc = layer_claim(g->l, node, 0, g->sector, "mbr", RIMG_CAUSE_PADDING);
	if (rc < 0)
		return rc;
	f = field_begin(g->l, node, buf, g->sector, 0);
	field_raw(&f, "boot_code", MBR_CODE_LEN, RIMG_CAUSE_CONTENT);
	field_hex32(&f, "disk_signature", RIMG_CAUSE_IDENTIFIER);
	field_hex16(&f, "reserved", RIMG_CAUSE_CONTENT);
	field_hex8(&f, "status", RIMG_CAUSE_CONTENT);
	field_bytes(&f, "chs_first", 3, RIMG_CAUSE_PLACEMENT);
	e.type = field_hex8(&f, "type", RIMG_CAUSE_CONTENT);
	field_bytes(&f, "chs_last", 3, RIMG_CAUSE_PLACEMENT);
	e.first_lba = field_le32(&f, "first_lba", RIMG_CAUSE_PLACEMENT);
	e.n_sectors = field_le32(&f, "n_sectors", RIMG_CAUSE_PLACEMENT);
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		const uint8_t *bytes =
			field_bytes(&f, empty[i], MBR_ENTRY_LEN, RIMG_CAUSE_PLACEMENT);

		others = others || (bytes && bytes[4] != 0);
		check_unused(g, node, bytes, MBR_ENTRIES_OFF + (i + 1) * MBR_ENTRY_LEN);
	}
	signature = field_hex16(&f, "signature", RIMG_CAUSE_CONTENT);
	if (g->sector > MBR_LEN)
		field_zero(&f, "padding", g->sector - MBR_LEN, "gpt.header-padding");
	check_mbr(g, node, &e, others, signature);
	return field_end(&f);
}

/* ---- partitions --------------------------------------------------------------------------- */

/* Is there nothing behind the end mark of the name? */
static bool name_padded(const struct gpt_entry *e)
{
	size_t n = 0;

	while (n < GPT_NAME_UNITS && e->name[n] != 0)
		n++;
	while (n < GPT_NAME_UNITS && e->name[n] == 0)
		n++;
	return n == GPT_NAME_UNITS;
}

/* The attributes of one copy's entry. Facts: docs/formats/gpt.md, "Entries" */
static int entry_fields(struct gpt *g, const struct gpt_copy *c, struct rimg_node *node, uint32_t i)
{
	uint64_t at = (uint64_t)i * c->entry_len;
	struct rd all = rd_init(c->entries, c->entries_len, c->entries_off);
	struct rd bytes = rd_sub(&all, at, c->entry_len);
	struct field f = field_begin(g->l, node, bytes.data, bytes.len, bytes.origin);
	char name[GPT_NAME_MAX + 1];
	struct gpt_entry e;
	size_t len;
	bool ok;

	if (!gpt_entry_get(c, i, &e))
		return 0;
	f.prefix = c == &g->backup ? "backup." : NULL;
	field_guid(&f, "type_guid", RIMG_CAUSE_CONTENT, NULL);
	field_guid(&f, "unique_guid", RIMG_CAUSE_IDENTIFIER, NULL);
	field_le64(&f, "first_lba", RIMG_CAUSE_PLACEMENT);
	field_le64(&f, "last_lba", RIMG_CAUSE_PLACEMENT);
	field_hex64(&f, "attributes", RIMG_CAUSE_CONTENT);
	len = gpt_entry_name(&e, name, &ok);
	if (attr_add_bytes(g->l, node, f.prefix ? "backup.name" : "name", ATTR_TEXT,
			   RIMG_CAUSE_CONTENT, PLACE(rd_where(&f.rd), 2 * GPT_NAME_UNITS), name,
			   len) < 0)
		return -RIMG_E_NOMEM;
	rd_skip(&f.rd, 2 * GPT_NAME_UNITS);
	if (c->entry_len > GPT_ENTRY_LEN)
		field_zero(&f, "rest", c->entry_len - GPT_ENTRY_LEN, "gpt.header-padding");
	return field_end(&f);
}

/* Where in the table in use a part of entry @i is, for findings. */
static uint64_t entry_off(const struct gpt *g, uint32_t number, uint32_t at)
{
	return g->used->entries_off + (uint64_t)(number - 1) * g->used->entry_len + at;
}

/* The checksums only say that the copies differ; this says in which entry. */
static void compare_copies(struct gpt *g, const struct gpt_part *p)
{
	const struct gpt_copy *u = g->used, *o = g->other;
	size_t at = (size_t)(p->number - 1) * u->entry_len;

	if (!o->entries || o->entry_len != u->entry_len || p->number > o->n_entries ||
	    memcmp(u->entries + at, o->entries + at, u->entry_len) == 0)
		return;
	layer_finding(g->l, SEVERITY_ERROR, "gpt.copies-differ", o->entries_node,
		      o->entries_off + at, o->entry_len,
		      "expected entry %" PRIu32 " of the %s table as in the %s one, which is used; "
		      "found other bytes",
		      p->number, o->title, u->title);
}

static void check_entry(struct gpt *g, const struct gpt_part *p)
{
	static const uint8_t zero[16];
	const struct gpt_entry *e = &p->entry;
	const struct gpt_copy *c = g->used;
	uint64_t place = entry_off(g, p->number, GPT_ENTRY_FIRST_OFF);

	if (e->last_lba < e->first_lba)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entry-range", p->node, place, 16,
			      "expected the last LBA not before the first, found %" PRIu64
			      " to %" PRIu64,
			      e->first_lba, e->last_lba);
	else if (e->first_lba < c->first_usable_lba || e->last_lba > c->last_usable_lba)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entry-range", p->node, place, 16,
			      "expected a partition inside the usable LBAs %" PRIu64 " to %" PRIu64
			      ", found %" PRIu64 " to %" PRIu64,
			      c->first_usable_lba, c->last_usable_lba, e->first_lba, e->last_lba);
	if (e->last_lba >= e->first_lba && e->last_lba >= g->n_sectors)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.truncated", p->node, place, 16,
			      "expected the partition's last LBA %" PRIu64
			      " on the disk, found that the image ends at LBA %" PRIu64,
			      e->last_lba, g->last_lba);
	if (memcmp(e->unique, zero, sizeof(zero)) == 0)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.unique-guid", p->node,
			      entry_off(g, p->number, 16), 16,
			      "expected a unique GUID, found zeros");
	if (!p->name_ok)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.name-utf16", p->node,
			      entry_off(g, p->number, GPT_ENTRY_NAME_OFF), 2 * GPT_NAME_UNITS,
			      "expected a name in UTF-16, found half of a surrogate pair");
	if (!name_padded(e))
		layer_finding(g->l, SEVERITY_WARNING, "gpt.name-padding", p->node,
			      entry_off(g, p->number, GPT_ENTRY_NAME_OFF), 2 * GPT_NAME_UNITS,
			      "expected zeros behind the end of the name, found other bytes");
}

static int part_content(struct gpt *g, const struct gpt_part *p)
{
	const struct gpt_entry *e = &p->entry;
	uint64_t size = rimg_source_size(g->l->src);
	uint64_t off, end;

	if (e->last_lba < e->first_lba)
		return 0;
	/* what lies past the image is cut off, with a finding of check_entry() */
	if (!num_mul(e->first_lba, g->sector, &off) || off > size)
		off = size;
	if (!num_add(e->last_lba, 1, &end) || !num_mul(end, g->sector, &end))
		end = UINT64_MAX;
	return layer_content_range(g->l, p->node, off, end - off);
}

static int part_entry(struct gpt *g, const struct gpt_copy *c, struct rimg_node *node, uint32_t i,
		      const char *what)
{
	if (!c->entries || i >= c->n_entries)
		return 0;
	if (entry_fields(g, c, node, i) < 0)
		return -RIMG_E_NOMEM;
	return layer_claim(g->l, node, c->entries_off + (uint64_t)i * c->entry_len, c->entry_len,
			   what, RIMG_CAUSE_CONTENT);
}

static int open_part(struct gpt *g, struct gpt_part *p)
{
	char name[GPT_NAME_MAX + 1];
	size_t len = gpt_entry_name(&p->entry, name, &p->name_ok);
	const char *type = gpt_type_name(p->entry.type);
	uint32_t i = p->number - 1;

	if (len == 0)
		len = (size_t)snprintf(name, sizeof(name), "partition %" PRIu32, p->number);
	p->node = layer_node(g->l, g->l->root, RIMG_ROLE_PARTITION, name, len);
	if (!p->node)
		return -RIMG_E_NOMEM;
	p->node->number = p->number;
	if (type && attr_add_bytes(g->l, p->node, "type", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
				   type, strlen(type)) < 0)
		return -RIMG_E_NOMEM;
	if (part_entry(g, &g->primary, p->node, i, "entry") < 0 ||
	    part_entry(g, &g->backup, p->node, i, "backup entry") < 0 || part_content(g, p) < 0)
		return -RIMG_E_NOMEM;
	check_entry(g, p);
	compare_copies(g, p);
	return 0;
}

static int open_parts(struct gpt *g)
{
	struct gpt_info *info = g->info;
	struct gpt_entry e;
	size_t n = 0;

	if (!g->used)
		return 0;
	for (uint32_t i = 0; gpt_entry_get(g->used, i, &e); i++)
		n += gpt_entry_used(&e);
	info->parts = arena_array(&g->l->arena, n, sizeof(*info->parts));
	if (!info->parts)
		return -RIMG_E_NOMEM;
	for (uint32_t i = 0; info->n_parts < n && gpt_entry_get(g->used, i, &e); i++) {
		struct gpt_part *p = &info->parts[info->n_parts];

		if (!gpt_entry_used(&e))
			continue;
		p->number = i + 1;
		p->entry = e;
		if (open_part(g, p) < 0)
			return -RIMG_E_NOMEM;
		info->n_parts++;
	}
	return 0;
}

/* ---- unused entries ----------------------------------------------------------------------- */

/* What of a copy's array no partition owns: runs of entries that are all zero, or not. */
static int claim_unused(struct gpt *g, const struct gpt_copy *c)
{
	struct gpt_entry e;
	size_t i = 0, at, end = c->entries_len;

	for (at = 0; c->entries && at < end; i++) {
		size_t len = (size_t)num_min(c->entry_len, end - at);
		bool zero = true, used;

		used = i < c->n_entries && gpt_entry_get(g->used, (uint32_t)i, &e) &&
		       gpt_entry_used(&e);
		for (size_t k = at; k < at + len && !used && zero; k++)
			zero = c->entries[k] == 0;
		if (!used && layer_claim(g->l, c->entries_node, c->entries_off + at, len,
					 zero ? "unused entries" : "unused entry that is not empty",
					 zero ? RIMG_CAUSE_PADDING : RIMG_CAUSE_FREE_SPACE) < 0)
			return -RIMG_E_NOMEM;
		if (!used && !zero)
			layer_finding(g->l, SEVERITY_WARNING, "gpt.unused-entry", c->entries_node,
				      c->entries_off + at, len,
				      "expected zeros in entry %zu, which the table in use leaves "
				      "free, found other bytes",
				      i + 1);
		at += len;
	}
	return 0;
}

/* ---- between partitions ------------------------------------------------------------------- */

static int claim_unallocated(struct gpt *g)
{
	struct rimg_node *node = layer_meta(g->l, g->l->root, "unallocated");
	auto_free struct gap_run *gaps = NULL;
	size_t n;

	if (!node || gaps_list(g->l, &gaps, &n) < 0)
		return -RIMG_E_NOMEM;
	g->info->unallocated = node;
	for (size_t i = 0; i < n; i++) {
		if (layer_claim(g->l, node, gaps[i].off, gaps[i].len, "unallocated",
				RIMG_CAUSE_FREE_SPACE) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static int compare_first(const void *pa, const void *pb)
{
	const struct gpt_part *a = *(const struct gpt_part *const *)pa;
	const struct gpt_part *b = *(const struct gpt_part *const *)pb;

	if (a->entry.first_lba != b->entry.first_lba)
		return a->entry.first_lba < b->entry.first_lba ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static int compare_unique(const void *pa, const void *pb)
{
	const struct gpt_part *a = *(const struct gpt_part *const *)pa;
	const struct gpt_part *b = *(const struct gpt_part *const *)pb;
	int order = memcmp(a->entry.unique, b->entry.unique, sizeof(a->entry.unique));

	return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

/* Bytes that are another partition's too, or hold this very table, are not looked into: tables in
 * tables could make of one image as many layers as they like. */
static void check_overlaps(struct gpt *g, struct gpt_part *const *sorted, size_t n)
{
	const struct gpt_part *far = NULL;  /* the one that reaches furthest so far */
	const struct gpt_part *open = NULL; /* the last one that may be looked into */

	for (size_t i = 0; i < n; i++) {
		struct gpt_part *p = sorted[i];
		const struct gpt_entry *e = &p->entry;
		uint64_t place = entry_off(g, p->number, GPT_ENTRY_FIRST_OFF);

		if (e->last_lba < e->first_lba)
			continue;
		if (far && e->first_lba <= far->entry.last_lba)
			layer_finding(g->l, SEVERITY_ERROR, "gpt.overlap", p->node, place, 16,
				      "expected it apart from partition %" PRIu32
				      ", found that they share LBA %" PRIu64,
				      far->number, e->first_lba);
		if (!far || e->last_lba > far->entry.last_lba)
			far = p;
		if (e->first_lba <= GPT_PRIMARY_LBA)
			layer_finding(g->l, SEVERITY_ERROR, "gpt.overlap", p->node, place, 16,
				      "expected it apart from the table, found that it begins at "
				      "LBA %" PRIu64 "; what is in it is not shown",
				      e->first_lba);
		p->node->opened = e->first_lba <= GPT_PRIMARY_LBA ||
				  (open && e->first_lba <= open->entry.last_lba);
		if (!p->node->opened)
			open = p;
	}
}

/* Rules about several partitions: no LBA and no GUID twice. */
static int check_together(struct gpt *g)
{
	size_t n = g->info->n_parts;
	auto_free struct gpt_part **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		sorted[i] = &g->info->parts[i];
	qsort(sorted, n, sizeof(*sorted), compare_first);
	check_overlaps(g, sorted, n);
	qsort(sorted, n, sizeof(*sorted), compare_unique);
	for (size_t i = 1; i < n; i++) {
		const struct gpt_part *a = sorted[i - 1], *b = sorted[i];

		if (memcmp(a->entry.unique, b->entry.unique, sizeof(a->entry.unique)) == 0)
			layer_finding(
				g->l, SEVERITY_ERROR, "gpt.unique-guid", b->node,
				entry_off(g, b->number, 16), 16,
				"expected a GUID of its own, found that of partition %" PRIu32,
				a->number);
	}
	return 0;
}

/* ---- opening ------------------------------------------------------------------------------ */

static int root_attrs(struct gpt *g)
{
	struct rimg_layer *l = g->l;
	const char *table = g->used ? g->used->title : "none";

	if (attr_add_u64(l, l->root, "sector_size", ATTR_U64, RIMG_CAUSE_PLACEMENT, PLACE_NONE,
			 g->sector) < 0 ||
	    attr_add_u64(l, l->root, "sectors", ATTR_U64, RIMG_CAUSE_PLACEMENT, PLACE_NONE,
			 g->n_sectors) < 0 ||
	    attr_add_bytes(l, l->root, "table_used", ATTR_TEXT, RIMG_CAUSE_CHECKSUM, PLACE_NONE,
			   table, strlen(table)) < 0)
		return -RIMG_E_NOMEM;
	if (!g->used)
		return 0;
	if (attr_add_bytes(l, l->root, "disk_guid", ATTR_UUID, RIMG_CAUSE_IDENTIFIER, PLACE_NONE,
			   g->used->disk_guid, 16) < 0)
		return -RIMG_E_NOMEM;
	return attr_add_u64(l, l->root, "partitions", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
			    g->info->n_parts);
}

static void gpt_done(struct gpt *g)
{
	free(g->primary.entries);
	free(g->backup.entries);
}

static int open_tables(struct gpt *g, struct rimg_error *err)
{
	int rc = read_mbr(g, err);

	if (rc == 0)
		rc = gpt_read_tables(g, err);
	if (rc < 0)
		return rc;
	if (!g->used) {
		layer_finding(g->l, SEVERITY_ERROR, "gpt.no-table", NULL, 0, 0,
			      "expected a partition table in the second or the last sector, found "
			      "none that can be read");
		g->l->unreadable = true;
		return root_attrs(g);
	}
	rc = open_parts(g);
	if (rc == 0)
		rc = claim_unused(g, &g->primary);
	if (rc == 0)
		rc = claim_unused(g, &g->backup);
	if (rc == 0)
		rc = check_together(g);
	if (rc == 0)
		rc = claim_unallocated(g);
	return rc < 0 ? rc : root_attrs(g);
}

static int gpt_open(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_error trouble = { 0 };
	struct rimg_probe p = { .size = rimg_source_size(l->src),
				.src = l->src,
				.trouble = &trouble };
	auto_with(gpt_done) struct gpt g = { .l = l };

	g.sector = find_sector(&p);
	if (trouble.code != 0) {
		if (err)
			*err = trouble;
		return -trouble.code;
	}
	if (g.sector == 0)
		g.sector = GPT_SECTOR;
	g.n_sectors = p.size / g.sector;
	g.last_lba = g.n_sectors > 0 ? g.n_sectors - 1 : 0;
	if (p.size % g.sector != 0)
		layer_finding(l, SEVERITY_WARNING, "gpt.size", NULL, g.n_sectors * g.sector,
			      p.size % g.sector,
			      "expected whole sectors of %" PRIu32 " bytes, found %" PRIu64
			      " bytes behind the last one",
			      g.sector, p.size % g.sector);
	g.info = arena_alloc(&l->arena, sizeof(*g.info));
	if (!g.info)
		return -RIMG_E_NOMEM;
	g.info->sector = g.sector;
	l->priv = g.info;
	return open_tables(&g, err);
}

/* ---- checking ----------------------------------------------------------------------------- */

/* The first byte of [off, off + len) that is not zero, or the end. Holes are not read. */
static int first_nonzero(struct rimg_layer *l, uint64_t off, uint64_t len, uint64_t *ret,
			 struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(64 << 10);
	uint64_t end = off + len;

	if (!buf)
		return error_nomem(err);
	for (;;) {
		size_t n;
		int rc;

		off = source_next_data(l->src, off);
		if (off >= end)
			return *ret = end, 0;
		n = (size_t)num_min(end - off, 64 << 10);
		rc = layer_read(l, off, buf, n, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (buf[i] != 0)
				return *ret = off + i, 0;
		}
		off += n;
	}
}

static int check_unallocated(struct rimg_layer *l, const struct gpt_info *info,
			     struct rimg_error *err)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *c = &l->claims[i];
		uint64_t at = 0;
		int rc;

		if (c->node != info->unallocated)
			continue;
		rc = first_nonzero(l, c->off, c->len, &at, err);
		if (rc < 0)
			return rc;
		if (at < c->off + c->len)
			layer_finding(l, SEVERITY_WARNING, "gpt.unallocated-data", c->node, at,
				      c->off + c->len - at,
				      "expected zeros where no partition is, found other bytes");
	}
	return 0;
}

static int gpt_check(struct rimg_layer *l, struct rimg_error *err)
{
	const struct gpt_info *info = l->priv;
	int rc = check_unallocated(l, info, err);

	return rc < 0 ? rc : gpt_check_fdisk(l, info, err);
}

RIMG_FORMAT(gpt) = {
	.name = "gpt",
	.facts = "docs/formats/gpt.md",
	.probe = gpt_probe,
	.open = gpt_open,
	.check = gpt_check,
};
