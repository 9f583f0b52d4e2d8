/* SPDX-License-Identifier: MIT */
#include "formats/gpt_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/crc32.h"
#include "core/error.h"
#include "core/num.h"

/* The two headers and their arrays of entries: which of them is sound, and where they disagree.
 * Facts: docs/formats/gpt.md, "Header", "Entries", "Two copies". */

size_t gpt_entry_name(const struct gpt_entry *e, char *name, bool *ret_ok)
{
	size_t n = 0;
	bool bad;
	size_t len;

	while (n < GPT_NAME_UNITS && e->name[n] != 0)
		n++;
	len = utf16_to_utf8(e->name, n, name, &bad);
	*ret_ok = !bad;
	return len;
}

bool gpt_entry_used(const struct gpt_entry *e)
{
	static const uint8_t unused[16];

	return memcmp(e->type, unused, sizeof(unused)) != 0;
}

bool gpt_entry_get(const struct gpt_copy *c, uint32_t i, struct gpt_entry *ret)
{
	struct rd all = rd_init(c->entries, c->entries ? c->entries_len : 0, c->entries_off);
	struct rd r = rd_sub(&all, (uint64_t)i * c->entry_len, GPT_ENTRY_LEN);
	uint8_t guid[16];

	if (i >= c->n_entries || r.failed)
		return false;
	rd_copy(&r, guid, sizeof(guid));
	gpt_guid_swap(guid, ret->type);
	rd_copy(&r, guid, sizeof(guid));
	gpt_guid_swap(guid, ret->unique);
	ret->first_lba = rd_le64(&r);
	ret->last_lba = rd_le64(&r);
	ret->flags = rd_le64(&r);
	for (size_t k = 0; k < GPT_NAME_UNITS; k++)
		ret->name[k] = rd_le16(&r);
	return !r.failed;
}

/* Sectors that the entries of a readable header take. */
static uint64_t entries_sectors(const struct gpt *g, const struct gpt_copy *c)
{
	uint64_t len = (uint64_t)c->n_entries * c->entry_len;

	return (len + g->sector - 1) / g->sector;
}

/* ---- header ------------------------------------------------------------------------------- */

/* Facts: docs/formats/gpt.md, "Header" */
static int header_fields(struct gpt *g, struct gpt_copy *c, const uint8_t *buf, uint64_t off)
{
	struct field f = field_begin(g->l, c->node, buf, g->sector, off);

	/* clang-format off */
	field_text (&f, "signature", 8,        RIMG_CAUSE_CONTENT);
	field_hex32(&f, "revision",            RIMG_CAUSE_CONTENT);
	c->header_len       = field_le32 (&f, "header_size",      RIMG_CAUSE_PLACEMENT);
	field_hex32(&f, "header_crc32",        RIMG_CAUSE_CHECKSUM);
	field_zero (&f, "reserved", 4,         "gpt.header-padding");
	c->my_lba           = field_le64 (&f, "my_lba",           RIMG_CAUSE_PLACEMENT);
	c->alternate_lba    = field_le64 (&f, "alternate_lba",    RIMG_CAUSE_PLACEMENT);
	c->first_usable_lba = field_le64 (&f, "first_usable_lba", RIMG_CAUSE_PLACEMENT);
	c->last_usable_lba  = field_le64 (&f, "last_usable_lba",  RIMG_CAUSE_PLACEMENT);
	field_guid (&f, "disk_guid",           RIMG_CAUSE_IDENTIFIER, c->disk_guid);
	c->entries_lba      = field_le64 (&f, "entries_lba",      RIMG_CAUSE_PLACEMENT);
	c->n_entries        = field_le32 (&f, "n_entries",        RIMG_CAUSE_PLACEMENT);
	c->entry_len        = field_le32 (&f, "entry_size",       RIMG_CAUSE_PLACEMENT);
	c->entries_crc      = field_hex32(&f, "entries_crc32",    RIMG_CAUSE_CHECKSUM);
	field_zero (&f, "padding", g->sector - GPT_HEADER_LEN, "gpt.header-padding");
	/* clang-format on */
	return field_end(&f);
}

static bool signature_ok(struct gpt *g, const struct gpt_copy *c, const uint8_t *buf, uint64_t off)
{
	if (memcmp(buf, GPT_SIGNATURE, 8) == 0)
		return true;
	layer_finding(g->l, SEVERITY_ERROR, "gpt.header-signature", c->node, off, 8,
		      "%s header: expected the signature \"" GPT_SIGNATURE "\" at LBA %" PRIu64
		      ", found %s",
		      c->title, c->lba,
		      memcmp(buf, (const uint8_t[8]){ 0 }, 8) == 0 ? "zeros" : "other bytes");
	return false;
}

/* Are the sizes such that the fields and the entries can be read at all? */
static bool sizes_ok(struct gpt *g, const struct gpt_copy *c, uint64_t off)
{
	bool ok = true;

	if (c->header_len < GPT_HEADER_LEN || c->header_len > g->sector) {
		layer_finding(g->l, SEVERITY_ERROR, "gpt.header-size", c->node, off + 12, 4,
			      "%s header: expected a size of %u to %" PRIu32
			      " bytes, found %" PRIu32,
			      c->title, GPT_HEADER_LEN, g->sector, c->header_len);
		ok = false;
	}
	if (c->entry_len < GPT_ENTRY_LEN || c->entry_len > GPT_ENTRY_LEN_MAX ||
	    (c->entry_len & (c->entry_len - 1)) != 0) {
		layer_finding(
			g->l, SEVERITY_ERROR, "gpt.entry-size", c->node, off + 84, 4,
			"%s header: expected entries of 128, 256, ... %u bytes, found %" PRIu32,
			c->title, GPT_ENTRY_LEN_MAX, c->entry_len);
		ok = false;
	}
	if (c->n_entries == 0 || c->n_entries > GPT_N_ENTRIES_MAX) {
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entry-count", c->node, off + 80, 4,
			      "%s header: expected 1 to %u entries, found %" PRIu32, c->title,
			      GPT_N_ENTRIES_MAX, c->n_entries);
		ok = false;
	}
	if (ok && !num_in_range(c->entries_lba, entries_sectors(g, c), g->n_sectors)) {
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entries-place", c->node, off + 72, 8,
			      "%s header: expected the entries inside the %" PRIu64
			      " sectors of the disk, found them at LBA %" PRIu64,
			      c->title, g->n_sectors, c->entries_lba);
		ok = false;
	}
	return ok;
}

static bool header_crc_ok(struct gpt *g, const struct gpt_copy *c, const uint8_t *buf, uint64_t off)
{
	static const uint8_t zeros[4];
	size_t behind = GPT_HEADER_CRC_OFF + sizeof(zeros);
	struct rd r = rd_init(buf + GPT_HEADER_CRC_OFF, 4, off);
	uint32_t stored = rd_le32(&r), crc;

	crc = crc32_update(0, buf, GPT_HEADER_CRC_OFF);
	crc = crc32_update(crc, zeros, sizeof(zeros));
	crc = crc32_update(crc, buf + behind, c->header_len - behind);
	if (crc == stored)
		return true;
	layer_finding(g->l, SEVERITY_ERROR, "gpt.header-crc", c->node, off + GPT_HEADER_CRC_OFF, 4,
		      "%s header: expected CRC 0x%08" PRIx32 " of its bytes, found 0x%08" PRIx32,
		      c->title, crc, stored);
	return false;
}

static bool my_lba_ok(struct gpt *g, const struct gpt_copy *c, uint64_t off)
{
	if (c->my_lba == c->lba)
		return true;
	layer_finding(g->l, SEVERITY_ERROR, "gpt.my-lba", c->node, off + 24, 8,
		      "%s header: expected it to name its own LBA %" PRIu64 ", found %" PRIu64,
		      c->title, c->lba, c->my_lba);
	return false;
}

/* Where a sound header puts things; what is wrong here does not make it unreadable. */
static void check_layout(struct gpt *g, const struct gpt_copy *c, uint64_t off)
{
	bool backup = c == &g->backup;
	uint64_t end = c->entries_lba + entries_sectors(g, c);

	if (c->first_usable_lba > c->last_usable_lba || c->last_usable_lba >= g->n_sectors)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.usable-range", c->node, off + 40, 16,
			      "%s header: expected a usable range inside LBA 0 to %" PRIu64
			      ", found %" PRIu64 " to %" PRIu64,
			      c->title, g->last_lba, c->first_usable_lba, c->last_usable_lba);
	if (backup ? c->entries_lba <= c->last_usable_lba || end > c->lba
		   : c->entries_lba <= c->lba || end > c->first_usable_lba)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entries-place", c->node, off + 72, 8,
			      "%s header: expected the entries between the usable range and the "
			      "header, found them at LBA %" PRIu64 " to %" PRIu64,
			      c->title, c->entries_lba, end - 1);
}

static void judge_header(struct gpt *g, struct gpt_copy *c, const uint8_t *buf, uint64_t off)
{
	struct rd r = rd_init(buf + 8, 4, off + 8);
	uint32_t revision = rd_le32(&r);
	bool crc_ok, lba_ok;

	if (!signature_ok(g, c, buf, off))
		return;
	if (revision != GPT_REVISION)
		layer_finding(g->l, SEVERITY_WARNING, "gpt.revision", c->node, off + 8, 4,
			      "%s header: expected revision 0x%08x, found 0x%08" PRIx32, c->title,
			      GPT_REVISION, revision);
	c->readable = sizes_ok(g, c, off);
	if (!c->readable)
		return;
	crc_ok = header_crc_ok(g, c, buf, off);
	lba_ok = my_lba_ok(g, c, off);
	c->valid = crc_ok && lba_ok;
	if (c->valid)
		check_layout(g, c, off);
}

static int read_header(struct gpt *g, struct gpt_copy *c, struct rimg_error *err)
{
	uint8_t buf[GPT_SECTOR_MAX];
	uint64_t off = c->lba * g->sector;
	int rc;

	c->there = true;
	rc = layer_read(g->l, off, buf, g->sector, err);
	if (rc == 0)
		rc = layer_claim(g->l, c->node, off, g->sector, "header", RIMG_CAUSE_PADDING);
	if (rc == 0)
		rc = header_fields(g, c, buf, off);
	if (rc < 0)
		return rc;
	judge_header(g, c, buf, off);
	return 0;
}

/* ---- where the backup is ------------------------------------------------------------------ */

static int has_signature(struct gpt *g, uint64_t lba, bool *ret, struct rimg_error *err)
{
	uint8_t tag[8];
	int rc = layer_read(g->l, lba * g->sector, tag, sizeof(tag), err);

	if (rc == 0)
		*ret = memcmp(tag, GPT_SIGNATURE, sizeof(tag)) == 0;
	return rc;
}

/* The backup belongs into the last sector. A header that the primary names elsewhere is used if it
 * is one: disks that grew have theirs in the middle. Sets @ret_there when there is a sector. */
static int find_backup(struct gpt *g, uint64_t *ret_lba, bool *ret_there, struct rimg_error *err)
{
	const struct gpt_copy *p = &g->primary;
	bool elsewhere = false, at_end = false;
	int rc;

	*ret_lba = g->last_lba;
	*ret_there = g->last_lba > GPT_PRIMARY_LBA;
	if (!*ret_there || !p->valid || p->alternate_lba == g->last_lba)
		return 0;
	layer_finding(g->l, SEVERITY_ERROR, "gpt.backup-place", p->node, p->lba * g->sector + 32, 8,
		      "primary header: expected the backup header at the last LBA %" PRIu64
		      ", found it named at LBA %" PRIu64,
		      g->last_lba, p->alternate_lba);
	rc = has_signature(g, g->last_lba, &at_end, err);
	if (rc == 0 && p->alternate_lba < g->n_sectors && p->alternate_lba > GPT_PRIMARY_LBA)
		rc = has_signature(g, p->alternate_lba, &elsewhere, err);
	if (elsewhere)
		*ret_lba = p->alternate_lba;
	*ret_there = elsewhere || at_end;
	return rc;
}

static int read_headers(struct gpt *g, struct rimg_error *err)
{
	bool there = false;
	int rc = 0;

	g->primary.lba = GPT_PRIMARY_LBA;
	if (g->n_sectors > GPT_PRIMARY_LBA)
		rc = read_header(g, &g->primary, err);
	else
		layer_finding(g->l, SEVERITY_ERROR, "gpt.no-header", g->primary.node, 0, 0,
			      "primary header: expected a sector at LBA 1, found the end of the "
			      "image");
	if (rc == 0)
		rc = find_backup(g, &g->backup.lba, &there, err);
	if (rc < 0)
		return rc;
	if (there)
		return read_header(g, &g->backup, err);
	layer_finding(g->l, SEVERITY_ERROR, "gpt.no-header", g->backup.node, 0, 0,
		      "backup header: expected one in the last sector or where the primary header "
		      "names it, found none");
	return 0;
}

/* ---- entries ------------------------------------------------------------------------------ */

/* Where the entries of @c are: as its header says, else where the other header lets expect them. */
static bool locate_entries(const struct gpt *g, struct gpt_copy *c, const struct gpt_copy *o)
{
	uint64_t sectors;

	if (!c->readable) {
		if (!c->there || !o->readable)
			return false;
		c->n_entries = o->n_entries;
		c->entry_len = o->entry_len;
		sectors = entries_sectors(g, c);
		if (c == &g->backup && c->lba < sectors)
			return false;
		c->entries_lba = c == &g->backup ? c->lba - sectors : GPT_ENTRIES_LBA;
	}
	sectors = entries_sectors(g, c);
	if (!num_in_range(c->entries_lba, sectors, g->n_sectors))
		return false;
	c->entries_off = c->entries_lba * g->sector;
	c->entries_len = (size_t)(sectors * g->sector);
	return true;
}

static void check_entries_crc(struct gpt *g, struct gpt_copy *c, const struct gpt_copy *o)
{
	size_t len = (size_t)c->n_entries * c->entry_len;
	uint32_t crc = crc32_update(0, c->entries, len);

	if (c->valid && crc != c->entries_crc)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entries-crc", c->entries_node,
			      c->entries_off, len,
			      "%s entries: expected CRC 0x%08" PRIx32
			      " as the header says, found 0x%08" PRIx32,
			      c->title, c->entries_crc, crc);
	else if (c->valid)
		c->entries_valid = true;
	else if (o->valid && crc != o->entries_crc)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.entries-crc", c->entries_node,
			      c->entries_off, len,
			      "%s entries: expected CRC 0x%08" PRIx32
			      " as the %s header says, found 0x%08" PRIx32,
			      c->title, o->entries_crc, o->title, crc);
}

static int read_entries(struct gpt *g, struct gpt_copy *c, const struct gpt_copy *o,
			struct rimg_error *err)
{
	int rc;

	if (!locate_entries(g, c, o))
		return 0;
	c->entries = malloc(c->entries_len);
	if (!c->entries)
		return error_nomem(err);
	rc = layer_read(g->l, c->entries_off, c->entries, c->entries_len, err);
	if (rc < 0)
		return rc;
	check_entries_crc(g, c, o);
	return 0;
}

/* ---- both --------------------------------------------------------------------------------- */

static void differ(struct gpt *g, const char *what, uint32_t at, uint64_t primary, uint64_t backup)
{
	if (primary != backup)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.copies-differ", g->backup.node,
			      g->backup.lba * g->sector + at, 4,
			      "expected the same %s in both headers, found %" PRIu64
			      " in the primary and %" PRIu64 " in the backup",
			      what, primary, backup);
}

static void compare_headers(struct gpt *g)
{
	const struct gpt_copy *p = &g->primary, *b = &g->backup;
	uint64_t off = b->lba * g->sector;

	if (b->valid && b->alternate_lba != GPT_PRIMARY_LBA)
		layer_finding(
			g->l, SEVERITY_ERROR, "gpt.alternate-lba", b->node, off + 32, 8,
			"backup header: expected it to name the primary header at LBA 1, found "
			"LBA %" PRIu64,
			b->alternate_lba);
	if (!p->valid || !b->valid)
		return;
	differ(g, "first usable LBA", 40, p->first_usable_lba, b->first_usable_lba);
	differ(g, "last usable LBA", 48, p->last_usable_lba, b->last_usable_lba);
	differ(g, "number of entries", 80, p->n_entries, b->n_entries);
	differ(g, "size of an entry", 84, p->entry_len, b->entry_len);
	if (memcmp(p->disk_guid, b->disk_guid, sizeof(p->disk_guid)) != 0)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.copies-differ", b->node, off + 56, 16,
			      "expected the same disk GUID in both headers, found two");
	if (p->entries_crc != b->entries_crc)
		layer_finding(g->l, SEVERITY_ERROR, "gpt.copies-differ", b->node, off + 88, 4,
			      "expected the same CRC of the entries in both headers, found "
			      "0x%08" PRIx32 " in the primary and 0x%08" PRIx32 " in the backup",
			      p->entries_crc, b->entries_crc);
}

/* The primary if it is sound, else the backup if that is, else whichever can be read at all. */
static struct gpt_copy *choose(struct gpt *g)
{
	if (g->primary.entries_valid)
		return &g->primary;
	if (g->backup.entries_valid)
		return &g->backup;
	if (g->primary.readable && g->primary.entries)
		return &g->primary;
	if (g->backup.readable && g->backup.entries)
		return &g->backup;
	return NULL;
}

static int make_nodes(struct gpt *g)
{
	struct rimg_layer *l = g->l;

	g->primary.title = "primary";
	g->backup.title = "backup";
	g->primary.node = layer_meta(l, l->root, "header");
	g->primary.entries_node = layer_meta(l, l->root, "entries");
	g->backup.entries_node = layer_meta(l, l->root, "backup entries");
	g->backup.node = layer_meta(l, l->root, "backup header");
	return g->backup.node && g->backup.entries_node && g->primary.entries_node &&
			       g->primary.node
		       ? 0
		       : -RIMG_E_NOMEM;
}

int gpt_read_tables(struct gpt *g, struct rimg_error *err)
{
	int rc = make_nodes(g);

	if (rc == 0)
		rc = read_headers(g, err);
	if (rc == 0)
		rc = read_entries(g, &g->primary, &g->backup, err);
	if (rc == 0)
		rc = read_entries(g, &g->backup, &g->primary, err);
	if (rc < 0)
		return rc;
	compare_headers(g);
	g->used = choose(g);
	g->other = g->used == &g->backup ? &g->primary : &g->backup;
	return 0;
}
