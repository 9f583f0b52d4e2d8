/* SPDX-License-Identifier: MIT */
#include "formats/fat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/fat_volume.h"

/* A FAT volume: recognising it, the boot sector and the reserved sectors. The picture is in fat.h;
 * the FATs are read in fat_table.c, directories in fat_dir.c. */

/* ---- geometry ----------------------------------------------------------------------------- */

/* The numbers of the boot sector that the layout follows from. */
struct bpb {
	uint16_t sector;
	uint8_t cluster_sectors;
	uint16_t reserved;
	uint8_t n_fats;
	uint16_t root_entries;
	uint32_t total;
	uint8_t media;
	uint32_t fat_sectors;
	bool is32;
	uint16_t ext_flags, version;
	uint32_t root_cluster;
	uint16_t fsinfo, backup;
};

static bool is_power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool jump_ok(const uint8_t *jump)
{
	return (jump[0] == 0xeb && jump[2] == 0x90) || jump[0] == 0xe9;
}

/* Facts: docs/formats/fat.md, "Boot sector" */
static bool bpb_parse(const uint8_t *boot, size_t len, struct bpb *b)
{
	struct rd r = rd_init(boot, len, 0);
	const uint8_t *jump = rd_bytes(&r, 3);
	uint16_t total16, fat16;
	uint32_t total32, fat32;

	rd_skip(&r, 8);
	b->sector = rd_le16(&r);
	b->cluster_sectors = rd_u8(&r);
	b->reserved = rd_le16(&r);
	b->n_fats = rd_u8(&r);
	b->root_entries = rd_le16(&r);
	total16 = rd_le16(&r);
	b->media = rd_u8(&r);
	fat16 = rd_le16(&r);
	rd_skip(&r, 8);
	total32 = rd_le32(&r);
	fat32 = rd_le32(&r);
	b->ext_flags = rd_le16(&r);
	b->version = rd_le16(&r);
	b->root_cluster = rd_le32(&r);
	b->fsinfo = rd_le16(&r);
	b->backup = rd_le16(&r);
	b->is32 = fat16 == 0;
	b->total = total16 != 0 ? total16 : total32;
	b->fat_sectors = b->is32 ? fat32 : fat16;
	return !r.failed && len >= FAT_BOOT_LEN && jump && jump_ok(jump);
}

/* Strict, because nothing else tells a FAT volume from other bytes. */
static bool bpb_plausible(const struct bpb *b)
{
	if (!is_power_of_two(b->sector) || b->sector < 512 || b->sector > 4096 ||
	    !is_power_of_two(b->cluster_sectors) || b->reserved == 0 || b->n_fats == 0 ||
	    b->n_fats > 4 || b->total == 0 || b->fat_sectors == 0)
		return false;
	if (b->media != 0xf0 && b->media < 0xf8)
		return false;
	if (b->is32)
		return b->root_entries == 0 && b->version == 0 &&
		       b->root_cluster >= FAT_FIRST_CLUSTER;
	return b->root_entries != 0;
}

/* Fills in what depends on the number of clusters; false when type and sizes do not fit. */
static bool choose_type(const struct bpb *b, uint64_t clusters, struct fat_geometry *g)
{
	uint64_t bits;

	if (b->is32)
		g->type = FAT_TYPE_32;
	else
		g->type = clusters <= FAT12_MAX_CLUSTERS ? FAT_TYPE_12 : FAT_TYPE_16;
	if (clusters == 0 || clusters > FAT32_MAX_CLUSTERS ||
	    (g->type == FAT_TYPE_16 && clusters > FAT16_MAX_CLUSTERS))
		return false;
	bits = (clusters + FAT_FIRST_CLUSTER) * (uint64_t)g->type;
	g->n_clusters = (uint32_t)clusters;
	return (bits + 7) / 8 <= g->fat_len;
}

static bool fat_geometry(const uint8_t *boot, size_t len, struct fat_geometry *g)
{
	struct bpb b;

	if (!bpb_parse(boot, len, &b) || !bpb_plausible(&b))
		return false;
	*g = (struct fat_geometry){
		.sector = b.sector,
		.cluster = (uint32_t)b.sector * b.cluster_sectors,
		.n_fats = b.n_fats,
		.media = b.media,
		.mirrored = true,
		.reserved_len = (uint64_t)b.reserved * b.sector,
		.fat_len = (uint64_t)b.fat_sectors * b.sector,
		.end_off = (uint64_t)b.total * b.sector,
	};
	if (b.is32) {
		g->root_cluster = b.root_cluster;
		g->fsinfo_sector = b.fsinfo;
		g->backup_sector = b.backup;
		g->mirrored = (b.ext_flags & FAT_MIRROR_OFF) == 0;
		g->active_fat = g->mirrored ? 0 : b.ext_flags & FAT_ACTIVE_MASK;
	}
	g->root_off = g->reserved_len + g->n_fats * g->fat_len;
	g->root_len = (uint64_t)b.root_entries * FAT_ENTRY_LEN;
	/* the root takes whole sectors */
	g->data_off = g->root_off + ((g->root_len + b.sector - 1) & ~(uint64_t)(b.sector - 1U));
	if (g->data_off >= g->end_off || g->active_fat >= g->n_fats || g->cluster == 0)
		return false;
	return choose_type(&b, (g->end_off - g->data_off) / g->cluster, g);
}

static uint16_t boot_signature(const uint8_t *boot)
{
	struct rd r = rd_init(boot, FAT_BOOT_LEN, 0);

	rd_seek(&r, FAT_BOOT_SIGNATURE_OFF);
	return rd_le16(&r);
}

static int fat_probe(const struct rimg_probe *p)
{
	struct fat_geometry g;

	if (p->head_len < FAT_BOOT_LEN || !fat_geometry(p->head, p->head_len, &g))
		return 0;
	return boot_signature(p->head) == FAT_BOOT_SIGNATURE ? 80 : 55;
}

/* ---- boot sector -------------------------------------------------------------------------- */

/* Facts: docs/formats/fat.md, "Boot sector", FAT32 */
static void fields_fat32(struct field *f)
{
	/* clang-format off */
	field_le32 (f, "fat_sectors32",  RIMG_CAUSE_PLACEMENT);
	field_hex16(f, "extended_flags", RIMG_CAUSE_CONTENT);
	field_hex16(f, "version",        RIMG_CAUSE_CONTENT);
	field_le32 (f, "root_cluster",   RIMG_CAUSE_PLACEMENT);
	field_le16 (f, "fsinfo_sector",  RIMG_CAUSE_PLACEMENT);
	field_le16 (f, "backup_sector",  RIMG_CAUSE_PLACEMENT);
	field_zero (f, "reserved", 12,   "fat.boot-padding");
	/* clang-format on */
}

/* Facts: docs/formats/fat.md, "Boot sector" */
static int boot_fields(struct fat_volume *v, struct rimg_node *node, const uint8_t *boot,
		       uint64_t off)
{
	struct field f = field_begin(v->l, node, boot, v->geo.sector, off);
	bool is32 = v->geo.type == FAT_TYPE_32;

	/* clang-format off */
	field_bytes(&f, "jump", 3,            RIMG_CAUSE_CONTENT);
	field_text (&f, "oem_name", 8,        RIMG_CAUSE_CONTENT);
	field_le16 (&f, "sector_size",        RIMG_CAUSE_PLACEMENT);
	field_u8   (&f, "sectors_per_cluster", RIMG_CAUSE_PLACEMENT);
	field_le16 (&f, "reserved_sectors",   RIMG_CAUSE_PLACEMENT);
	field_u8   (&f, "n_fats",             RIMG_CAUSE_PLACEMENT);
	field_le16 (&f, "root_entries",       RIMG_CAUSE_PLACEMENT);
	field_le16 (&f, "sectors16",          RIMG_CAUSE_PLACEMENT);
	field_hex8 (&f, "media",              RIMG_CAUSE_CONTENT);
	field_le16 (&f, "fat_sectors16",      RIMG_CAUSE_PLACEMENT);
	field_le16 (&f, "sectors_per_track",  RIMG_CAUSE_PLACEMENT);
	field_le16 (&f, "heads",              RIMG_CAUSE_PLACEMENT);
	field_le32 (&f, "hidden_sectors",     RIMG_CAUSE_PLACEMENT);
	field_le32 (&f, "sectors32",          RIMG_CAUSE_PLACEMENT);
	if (is32)
		fields_fat32(&f);
	field_hex8 (&f, "drive",              RIMG_CAUSE_CONTENT);
	field_hex8 (&f, "state",              RIMG_CAUSE_CONTENT);
	field_hex8 (&f, "extended_signature", RIMG_CAUSE_CONTENT);
	field_hex32(&f, "volume_id",          RIMG_CAUSE_IDENTIFIER);
	field_text (&f, "label", 11,          RIMG_CAUSE_CONTENT);
	field_text (&f, "type_text", 8,       RIMG_CAUSE_CONTENT);
	field_raw  (&f, "boot_code", is32 ? FAT_BOOT_CODE32_LEN : FAT_BOOT_CODE16_LEN,
		    RIMG_CAUSE_CONTENT);
	field_hex16(&f, "boot_signature",     RIMG_CAUSE_CONTENT);
	/* clang-format on */
	if (v->geo.sector > FAT_BOOT_LEN)
		field_raw(&f, "padding", v->geo.sector - FAT_BOOT_LEN, RIMG_CAUSE_PADDING);
	return field_end(&f);
}

/* What a FAT32 boot sector names has to be one of the reserved sectors. */
static void check_named(struct fat_volume *v, struct rimg_node *node)
{
	const struct fat_geometry *g = &v->geo;
	uint64_t n = g->reserved_len / g->sector;

	if (g->fsinfo_sector >= n)
		layer_finding(v->l, SEVERITY_ERROR, "fat.fsinfo-signature", node,
			      FAT_BOOT_FSINFO_OFF, 2,
			      "expected fsinfo in one of the %" PRIu64
			      " reserved sectors, found it named in sector %u",
			      n, g->fsinfo_sector);
	if (g->backup_sector >= n)
		layer_finding(v->l, SEVERITY_WARNING, "fat.backup-differs", node,
			      FAT_BOOT_BACKUP_OFF, 2,
			      "expected the backup boot sector in one of the %" PRIu64
			      " reserved sectors, found it named in sector %u",
			      n, g->backup_sector);
}

static int read_boot(struct fat_volume *v, const uint8_t *boot)
{
	struct rimg_layer *l = v->l;
	struct rimg_node *node = layer_meta(l, l->root, "boot sector");
	uint16_t signature = boot_signature(boot);

	if (!node || layer_claim(l, node, 0, v->geo.sector, "boot sector", RIMG_CAUSE_PADDING) < 0)
		return -RIMG_E_NOMEM;
	if (signature != FAT_BOOT_SIGNATURE)
		layer_finding(l, SEVERITY_ERROR, "fat.boot-signature", node, FAT_BOOT_SIGNATURE_OFF,
			      2, "expected the boot signature 0x%04x, found 0x%04x",
			      FAT_BOOT_SIGNATURE, signature);
	if (v->geo.type == FAT_TYPE_32 && v->geo.n_clusters <= FAT16_MAX_CLUSTERS)
		layer_finding(l, SEVERITY_WARNING, "fat.type", node, 0, 0,
			      "expected more than %u clusters on a FAT32 volume, found %" PRIu32
			      ": some readers will take it for FAT%s",
			      FAT16_MAX_CLUSTERS, v->geo.n_clusters,
			      v->geo.n_clusters <= FAT12_MAX_CLUSTERS ? "12" : "16");
	check_named(v, node);
	return boot_fields(v, node, boot, 0);
}

/* ---- reserved sectors --------------------------------------------------------------------- */

/* Facts: docs/formats/fat.md, "FSInfo" */
static int fsinfo_fields(struct fat_volume *v, struct rimg_node *node, const uint8_t *buf,
			 uint64_t off)
{
	struct field f = field_begin(v->l, node, buf, v->geo.sector, off);
	uint32_t lead, structure, trail;

	/* clang-format off */
	lead      = field_hex32(&f, "lead_signature",   RIMG_CAUSE_CONTENT);
	field_zero(&f, "reserved", 480,                 "fat.boot-padding");
	structure = field_hex32(&f, "struct_signature", RIMG_CAUSE_CONTENT);
	field_le32(&f, "free_clusters",                 RIMG_CAUSE_CHECKSUM);
	field_le32(&f, "next_free",                     RIMG_CAUSE_PLACEMENT);
	field_zero(&f, "reserved2", 12,                 "fat.boot-padding");
	trail     = field_hex32(&f, "trail_signature",  RIMG_CAUSE_CONTENT);
	/* clang-format on */
	if (v->geo.sector > FAT_BOOT_LEN)
		field_raw(&f, "padding", v->geo.sector - FAT_BOOT_LEN, RIMG_CAUSE_PADDING);
	if (lead != FAT_FSINFO_LEAD || structure != FAT_FSINFO_STRUCT || trail != FAT_FSINFO_TRAIL)
		layer_finding(
			v->l, SEVERITY_ERROR, "fat.fsinfo-signature", node, off, FAT_BOOT_LEN,
			"expected the signatures 0x%08x, 0x%08x and 0x%08x, found 0x%08" PRIx32
			", 0x%08" PRIx32 " and 0x%08" PRIx32,
			FAT_FSINFO_LEAD, FAT_FSINFO_STRUCT, FAT_FSINFO_TRAIL, lead, structure,
			trail);
	return field_end(&f);
}

static bool has_fsinfo_lead(const uint8_t *buf)
{
	struct rd r = rd_init(buf, 4, 0);

	return rd_le32(&r) == FAT_FSINFO_LEAD;
}

/* One reserved sector behind the boot sector, so @i is not 0; @rest owns those without a name. */
static int reserved_sector(struct fat_volume *v, struct rimg_node *rest, uint32_t i,
			   const uint8_t *buf)
{
	struct rimg_layer *l = v->l;
	const struct fat_geometry *g = &v->geo;
	uint64_t off = (uint64_t)i * g->sector;
	struct rimg_node *node;

	if (i == g->fsinfo_sector) {
		node = v->info->fsinfo = layer_meta(l, l->root, "fsinfo");
		if (!node || fsinfo_fields(v, node, buf, off) < 0)
			return -RIMG_E_NOMEM;
		return layer_claim(l, node, off, g->sector, "fsinfo", RIMG_CAUSE_PADDING);
	}
	if (i == g->backup_sector) {
		node = v->info->backup = layer_meta(l, l->root, "backup boot sector");
		if (!node || boot_fields(v, node, buf, off) < 0)
			return -RIMG_E_NOMEM;
		return layer_claim(l, node, off, g->sector, "backup boot sector",
				   RIMG_CAUSE_PADDING);
	}
	if (g->backup_sector != 0 && i == g->backup_sector + 1U && has_fsinfo_lead(buf)) {
		node = layer_meta(l, l->root, "backup fsinfo");
		if (!node || fsinfo_fields(v, node, buf, off) < 0)
			return -RIMG_E_NOMEM;
		return layer_claim(l, node, off, g->sector, "backup fsinfo", RIMG_CAUSE_PADDING);
	}
	return layer_claim(l, rest, off, g->sector, "reserved sectors",
			   mem_is_zero(buf, g->sector) ? RIMG_CAUSE_PADDING : RIMG_CAUSE_CONTENT);
}

static int read_reserved(struct fat_volume *v, struct rimg_error *err)
{
	uint8_t buf[4096];
	uint64_t n = v->geo.reserved_len / v->geo.sector;
	struct rimg_node *rest = NULL;

	for (uint32_t i = 1; i < n; i++) {
		int rc = layer_read(v->l, (uint64_t)i * v->geo.sector, buf, v->geo.sector, err);

		if (rc == -RIMG_E_TRUNCATED)
			return 0;
		if (rc < 0)
			return rc;
		if (!rest) {
			rest = layer_meta(v->l, v->l->root, "reserved");
			if (!rest)
				return -RIMG_E_NOMEM;
		}
		rc = reserved_sector(v, rest, i, buf);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* The label is in the root directory; the boot sector may repeat it. */
static int root_label(struct fat_volume *v, const struct rimg_node *boot)
{
	const struct rimg_attr *label = node_attr(v->l->top, "label.name");

	if (!label)
		label = node_attr(boot, "label");
	return attr_add_bytes(v->l, v->l->root, "label", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      label->bytes.data, label->bytes.len);
}

/* What is said about the volume as a whole; the bytes behind it belong to the nodes below. */
static int root_attrs(struct fat_volume *v)
{
	struct rimg_layer *l = v->l;
	const struct fat_geometry *g = &v->geo;
	const struct rimg_node *boot = l->root->first_child;
	const struct {
		const char *key;
		enum attr_type type;
		enum rimg_cause cause;
		uint64_t value;
	} numbers[] = {
		{ "sector_size", ATTR_U64, RIMG_CAUSE_PLACEMENT, g->sector },
		{ "cluster_size", ATTR_U64, RIMG_CAUSE_PLACEMENT, g->cluster },
		{ "size", ATTR_U64, RIMG_CAUSE_PLACEMENT, g->end_off },
		{ "clusters", ATTR_U64, RIMG_CAUSE_PLACEMENT, g->n_clusters },
		{ "free_clusters", ATTR_U64, RIMG_CAUSE_CHECKSUM, v->info->n_free },
		{ "volume_id", ATTR_HEX, RIMG_CAUSE_IDENTIFIER,
		  node_attr_u64(boot, "volume_id", 0) },
	};
	char type[8];

	snprintf(type, sizeof(type), "FAT%d", (int)g->type);
	if (attr_add_bytes(l, l->root, "type", ATTR_TEXT, RIMG_CAUSE_PLACEMENT, PLACE_NONE, type,
			   strlen(type)) < 0)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (attr_add_u64(l, l->root, numbers[i].key, numbers[i].type, numbers[i].cause,
				 PLACE_NONE, numbers[i].value) < 0)
			return -RIMG_E_NOMEM;
	}
	return root_label(v, boot);
}

static void fat_done(struct fat_volume *v)
{
	free(v->table);
	free(v->used);
	free(v->queue);
}

/* How much of the volume is there. */
static int measure(struct fat_volume *v)
{
	const struct fat_geometry *g = &v->geo;
	uint64_t size = rimg_source_size(v->l->src), present = 0;

	if (size > g->data_off)
		present = num_min((size - g->data_off) / g->cluster, g->n_clusters);
	v->n_present = (uint32_t)present;
	v->used = calloc(1, v->n_present / 8U + 1);
	if (!v->used)
		return -RIMG_E_NOMEM;
	if (size < g->end_off)
		layer_finding(v->l, SEVERITY_ERROR, "fat.truncated", NULL, size, 0,
			      "expected a volume of %" PRIu64 " bytes, found %" PRIu64, g->end_off,
			      size);
	return 0;
}

static int open_volume(struct fat_volume *v, const uint8_t *boot, struct rimg_error *err)
{
	int rc = measure(v);

	if (rc == 0)
		rc = read_boot(v, boot);
	if (rc == 0)
		rc = read_reserved(v, err);
	if (rc == 0)
		rc = fat_read_table(v, err);
	if (rc < 0 || v->l->unreadable)
		return rc;
	rc = fat_read_tree(v, err);
	if (rc == 0)
		rc = fat_claim_rest(v);
	return rc == 0 ? root_attrs(v) : rc;
}

static int fat_open(struct rimg_layer *l, struct rimg_error *err)
{
	uint8_t boot[4096] = { 0 };
	size_t len = (size_t)num_min(rimg_source_size(l->src), sizeof(boot));
	auto_with(fat_done) struct fat_volume v = { .l = l };
	int rc = layer_read(l, 0, boot, len, err);

	if (rc < 0)
		return rc;
	if (!fat_geometry(boot, len, &v.geo))
		return error_set(err, RIMG_E_INTERNAL, layer_address(l), "opened without a probe");
	v.info = arena_alloc(&l->arena, sizeof(*v.info));
	if (!v.info)
		return -RIMG_E_NOMEM;
	v.info->geo = v.geo;
	l->priv = v.info;
	return open_volume(&v, boot, err);
}

RIMG_FORMAT(fat) = {
	.name = "fat",
	.facts = "docs/formats/fat.md",
	.probe = fat_probe,
	.open = fat_open,
	.check = fat_check,
};
