/* SPDX-License-Identifier: MIT */

/* Writes a FAT12, FAT16 or FAT32 volume from a plan. Facts: docs/formats/fat.md; the picture of the
 * layout is in formats/fat.h.
 *
 * Geometry follows from the size of the volume alone, by the rule that upstream's installer gets
 * from its library. Clusters are given out in the order of the tree walked depth first, each file's
 * and directory's in one run. The boot code area is zero: firmware does not run it. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/date.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/num.h"
#include "core/wr.h"
#include "formats/fat.h"
#include "formats/fat_names.h"

#define SECTOR       UINT64_C(512)
#define MIB          (UINT64_C(1) << 20)
#define ROOT_ENTRIES 512U /* FAT12, FAT16 */
#define N_FATS       2U
#define FSINFO_LBA   1U
#define BACKUP_LBA   6U

struct geometry {
	enum fat_type type;
	uint64_t n_sectors;
	uint32_t sectors_per_cluster;
	uint32_t reserved;
	uint32_t root_sectors;
	uint32_t sectors_per_fat;
	uint32_t n_clusters;
};

struct volume {
	const struct emit_request *rq;
	struct sink *sink;
	struct geometry g;
	uint8_t *fat;  /* as stored, for the clusters in use */
	uint64_t next; /* first cluster that is free */
	uint64_t root; /* FAT32: the root directory's first cluster */
	uint32_t volume_id;
};

/* ---- geometry ----------------------------------------------------------------------------- */

static uint64_t next_power_of_two(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static uint64_t cluster_bytes(uint64_t size)
{
	uint64_t round = next_power_of_two(size);

	if (size < 4 * MIB)
		return num_max(SECTOR, round / MIB * SECTOR);
	if (size <= 16 * MIB)
		return 1024;
	if (size <= 128 * MIB)
		return 2048;
	if (size < 512 * MIB)
		return round / (64 * MIB) * 1024;
	if (size <= 8192 * MIB)
		return 4096;
	return num_min(round / (2048 * MIB) * 1024, 32768);
}

static uint64_t fat_bytes(enum fat_type type, uint64_t n_entries)
{
	return (n_entries * (unsigned)type + 7) / 8;
}

/* The clusters that fit, and the smallest FAT for them, when the volume is of @type. */
static bool fit(struct geometry *g, enum fat_type type)
{
	uint64_t fat_sectors = 1, fixed, n;

	g->type = type;
	g->reserved = type == FAT_TYPE_32 ? 32 : 1;
	g->root_sectors = type == FAT_TYPE_32 ? 0 : ROOT_ENTRIES * FAT_ENTRY_LEN / (uint32_t)SECTOR;
	for (;;) {
		fixed = g->reserved + g->root_sectors + N_FATS * fat_sectors;
		if (fixed >= g->n_sectors)
			return false;
		n = (g->n_sectors - fixed) / g->sectors_per_cluster;
		if (fat_bytes(type, n + FAT_FIRST_CLUSTER) <= fat_sectors * SECTOR)
			break;
		fat_sectors++;
		if (fat_sectors < fat_bytes(type, n) / SECTOR / 2) /* large volumes: not by ones */
			fat_sectors = fat_bytes(type, n) / SECTOR / 2;
	}
	g->sectors_per_fat = (uint32_t)fat_sectors;
	g->n_clusters = (uint32_t)n;
	if (n > UINT32_MAX)
		return false;
	if (type == FAT_TYPE_12)
		return n > 0 && n <= FAT12_MAX_CLUSTERS;
	if (type == FAT_TYPE_16)
		return n > FAT12_MAX_CLUSTERS && n <= FAT16_MAX_CLUSTERS;
	return n > FAT16_MAX_CLUSTERS && n <= FAT32_MAX_CLUSTERS;
}

static int choose_geometry(uint64_t size, struct geometry *g, struct rimg_error *err)
{
	g->n_sectors = size / SECTOR;
	g->sectors_per_cluster = (uint32_t)(cluster_bytes(size) / SECTOR);
	if (g->n_sectors <= UINT32_MAX &&
	    (fit(g, FAT_TYPE_32) || fit(g, FAT_TYPE_16) || fit(g, FAT_TYPE_12)))
		return 0;
	return error_set(err, RIMG_E_ARG, NULL,
			 "expected a FAT volume of 64 KiB to 2 TiB, found %" PRIu64 " bytes", size);
}

static uint64_t cluster_len(const struct geometry *g)
{
	return g->sectors_per_cluster * SECTOR;
}

static uint64_t root_off(const struct geometry *g)
{
	return (g->reserved + (uint64_t)N_FATS * g->sectors_per_fat) * SECTOR;
}

static uint64_t cluster_off(const struct geometry *g, uint64_t cluster)
{
	return root_off(g) + g->root_sectors * SECTOR +
	       (cluster - FAT_FIRST_CLUSTER) * cluster_len(g);
}

/* ---- clusters ----------------------------------------------------------------------------- */

static uint64_t clusters_for(const struct geometry *g, uint64_t bytes)
{
	return (bytes + cluster_len(g) - 1) / cluster_len(g);
}

/* Bytes of a directory's entries, "." and ".." included. */
static int dir_bytes(const struct plan_node *dir, uint64_t *ret, struct rimg_error *err)
{
	auto_free struct fat_name *names = fat_names(dir, err);
	uint64_t slots = dir->parent ? 2 : 0;

	if (!names)
		return -RIMG_E_ARG;
	for (uint32_t i = 0; i < dir->n_children; i++)
		slots += fat_name_slots(&names[i]);
	*ret = slots * FAT_ENTRY_LEN;
	return 0;
}

static uint64_t file_size(const struct plan_node *node)
{
	const struct rimg_source *content = plan_owner(node)->content;

	return content ? rimg_source_size(content) : 0;
}

static int check_node(const struct plan_node *node, struct rimg_error *err)
{
	if (node->role != RIMG_ROLE_DIR && node->role != RIMG_ROLE_FILE)
		return emit_refuse(err, RIMG_E_UNSUPPORTED, node,
				   "FAT holds files and directories, not a %s",
				   rimg_role_name(node->role));
	if (node->role == RIMG_ROLE_FILE && file_size(node) > UINT32_MAX)
		return emit_refuse(err, RIMG_E_LIMIT, node,
				   "a file on FAT has less than 4 GiB, found %" PRIu64 " bytes",
				   file_size(node));
	return 0;
}

/* Give every directory and file its run of clusters: node->id is the first one, 0 for none. */
static int place(struct volume *v, struct rimg_error *err)
{
	v->next = FAT_FIRST_CLUSTER;
	for (struct plan_node *n = v->rq->tree->root; n; n = plan_next(n)) {
		uint64_t bytes = 0;
		int rc = check_node(n, err);

		if (rc == 0 && n->role == RIMG_ROLE_DIR)
			rc = dir_bytes(n, &bytes, err);
		if (rc < 0)
			return rc;
		if (n->role == RIMG_ROLE_FILE)
			bytes = file_size(n);
		else if (bytes == 0)
			bytes = 1; /* an empty root of FAT32 has a cluster, too */
		if (n->parent || v->g.type == FAT_TYPE_32) {
			n->id = bytes ? v->next : 0;
			v->next += clusters_for(&v->g, bytes);
		} else if (bytes > (uint64_t)ROOT_ENTRIES * FAT_ENTRY_LEN) {
			return emit_refuse(err, RIMG_E_LIMIT, n,
					   "the root directory of FAT12 and FAT16 holds %u entries "
					   "(a long name takes several), these need %" PRIu64,
					   ROOT_ENTRIES, bytes / FAT_ENTRY_LEN);
		}
	}
	return 0;
}

/* ---- tables ------------------------------------------------------------------------------- */

static void set_entry(struct volume *v, uint64_t cluster, uint32_t value)
{
	uint8_t *p = v->fat + cluster * (unsigned)v->g.type / 8;

	if (v->g.type == FAT_TYPE_12) {
		unsigned shift = cluster % 2 ? 4 : 0;

		p[0] = (uint8_t)(p[0] | (value & 0xfff) << shift);
		p[1] = (uint8_t)(p[1] | (value & 0xfff) << shift >> 8);
		return;
	}
	for (unsigned i = 0; i < (unsigned)v->g.type / 8; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t end_of_chain(enum fat_type type)
{
	return type == FAT_TYPE_32 ? 0x0fffffff : (UINT32_C(1) << (unsigned)type) - 1;
}

static void set_chain(struct volume *v, uint64_t first, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		set_entry(v, first + i,
			  i + 1 < n ? (uint32_t)(first + i + 1) : end_of_chain(v->g.type));
}

static int write_fats(struct volume *v, struct rimg_error *err)
{
	uint64_t len = fat_bytes(v->g.type, v->next);
	uint32_t end = end_of_chain(v->g.type);
	int rc = 0;

	v->fat = calloc((size_t)len + 1, 1); /* FAT12's last entry touches the byte behind */
	if (!v->fat)
		return error_nomem(err);
	set_entry(v, 0, (end & ~UINT32_C(0xff)) | FAT_MEDIA_FIXED);
	set_entry(v, 1, end);
	for (const struct plan_node *n = v->rq->tree->root; n; n = plan_next(n)) {
		uint64_t bytes = n->role == RIMG_ROLE_FILE ? file_size(n) : 1;

		if (n->role == RIMG_ROLE_DIR && (rc = dir_bytes(n, &bytes, err)) < 0)
			return rc;
		if (n->id != 0)
			set_chain(v, n->id, clusters_for(&v->g, num_max(bytes, 1)));
	}
	for (unsigned i = 0; i < N_FATS && rc == 0; i++)
		rc = sink_write(v->sink,
				(v->g.reserved + (uint64_t)i * v->g.sectors_per_fat) * SECTOR,
				v->fat, (size_t)len, err);
	return rc;
}

/* ---- directories -------------------------------------------------------------------------- */

/* Date and time of an entry: UTC, in steps of two seconds, from 1980 to 2107; what lies outside is
 * moved to the nearest end. */
static void dos_time(int64_t s, uint16_t *ret_date, uint16_t *ret_time)
{
	const int64_t first = INT64_C(315532800),
		      last = INT64_C(4354819198); /* 1980, end of 2107 */
	int64_t t = s < first ? first : s > last ? last : s;
	struct clock_time ct;
	struct date d = date_of_seconds(t, &ct);

	*ret_date = (uint16_t)((d.year - FAT_EPOCH_YEAR) << 9 | d.month << 5 | d.day);
	*ret_time = (uint16_t)(ct.hour << 11 | ct.minute << 5 | ct.second / 2);
}

static void wr_entry(struct wr *w, const uint8_t name[FAT_NAME_LEN], const struct plan_node *node,
		     uint64_t cluster)
{
	uint16_t cdate, ctime, mdate, mtime, adate, atime;
	bool is_dir = node->role == RIMG_ROLE_DIR;

	dos_time(node->ctime.s, &cdate, &ctime);
	dos_time(node->mtime.s, &mdate, &mtime);
	dos_time(node->atime.s, &adate, &atime);
	wr_bytes(w, name, FAT_NAME_LEN);
	wr_u8(w, is_dir ? FAT_ATTR_DIR : 0);
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)(node->ctime.s >= 0 ? node->ctime.s % 2 * 100 : 0));
	wr_le16(w, ctime);
	wr_le16(w, cdate);
	wr_le16(w, adate);
	wr_le16(w, (uint16_t)(cluster >> 16));
	wr_le16(w, mtime);
	wr_le16(w, mdate);
	wr_le16(w, (uint16_t)cluster);
	wr_le32(w, is_dir ? 0 : (uint32_t)file_size(node));
}

/* The long-name entries: last part first; behind the name a NUL, then FFFF. */
static void wr_long_name(struct wr *w, const struct fat_name *name)
{
	unsigned n = fat_name_slots(name) - 1;
	uint8_t checksum = fat_name_checksum(name->short_name);

	for (unsigned part = n; part > 0; part--) {
		wr_u8(w, (uint8_t)(part == n ? part | FAT_LONG_LAST : part));
		for (unsigned i = 0; i < FAT_LONG_UNITS; i++) {
			unsigned at = (part - 1) * FAT_LONG_UNITS + i;
			uint16_t unit = 0xffff;

			if (at <= name->n_units)
				unit = at < name->n_units ? name->units[at] : 0;
			if (i == 5) { /* the units lie around these fields: 5, 6, 2 */
				wr_u8(w, FAT_ATTR_LONG);
				wr_u8(w, 0);
				wr_u8(w, checksum);
			}
			if (i == 11)
				wr_le16(w, 0);
			wr_le16(w, unit);
		}
	}
}

static int write_dir(struct volume *v, const struct plan_node *dir, struct rimg_error *err)
{
	static const uint8_t dot[FAT_NAME_LEN] = ".          ",
			     dot_dot[FAT_NAME_LEN] = "..         ";
	auto_free struct fat_name *names = fat_names(dir, err);
	auto_free uint8_t *entries = NULL;
	uint64_t len, off = root_off(&v->g);
	struct wr w;
	int rc = names ? dir_bytes(dir, &len, err) : -RIMG_E_ARG;

	if (rc < 0 || len == 0)
		return rc;
	entries = malloc((size_t)len);
	if (!entries)
		return error_nomem(err);
	w = wr_init(entries, (size_t)len);
	if (dir->parent) {
		wr_entry(&w, dot, dir, dir->id);
		/* the root is 0 here whatever its cluster */
		wr_entry(&w, dot_dot, dir->parent, dir->parent->parent ? dir->parent->id : 0);
	}
	for (uint32_t i = 0; i < dir->n_children; i++) {
		wr_long_name(&w, &names[i]);
		wr_entry(&w, names[i].short_name, names[i].node, names[i].node->id);
	}
	if (dir->id != 0)
		off = cluster_off(&v->g, dir->id);
	return sink_write(v->sink, off, entries, (size_t)len, err);
}

static int write_tree(struct volume *v, struct rimg_error *err)
{
	int rc = 0;

	for (const struct plan_node *n = v->rq->tree->root; n && rc == 0; n = plan_next(n)) {
		if (n->role == RIMG_ROLE_DIR)
			rc = write_dir(v, n, err);
		else if (n->id != 0)
			rc = sink_copy(v->sink, cluster_off(&v->g, n->id), plan_owner(n)->content,
				       err);
	}
	return rc;
}

/* ---- boot sector -------------------------------------------------------------------------- */

static void wr_bpb32(struct wr *w, const struct volume *v)
{
	wr_le32(w, v->g.sectors_per_fat);
	wr_le16(w, 0); /* both FATs are kept equal */
	wr_le16(w, 0); /* version */
	wr_le32(w, (uint32_t)v->root);
	wr_le16(w, FSINFO_LBA);
	wr_le16(w, BACKUP_LBA);
	wr_zero(w, 12);
}

static void compose_boot(const struct volume *v, uint8_t sector[FAT_BOOT_LEN])
{
	static const char type_names[3][9] = { "FAT12   ", "FAT16   ", "FAT32   " };
	const struct geometry *g = &v->g;
	bool is32 = g->type == FAT_TYPE_32;
	bool small = g->n_sectors < 65536 && !is32;
	struct wr w = wr_init(sector, FAT_BOOT_LEN);

	memset(sector, 0, FAT_BOOT_LEN);
	wr_u8(&w, 0xeb); /* a jump over these fields */
	wr_u8(&w, is32 ? 0x58 : 0x3c);
	wr_u8(&w, 0x90);
	wr_bytes(&w, "MSWIN4.1", 8);
	wr_le16(&w, SECTOR);
	wr_u8(&w, (uint8_t)g->sectors_per_cluster);
	wr_le16(&w, (uint16_t)g->reserved);
	wr_u8(&w, N_FATS);
	wr_le16(&w, is32 ? 0 : ROOT_ENTRIES);
	wr_le16(&w, small ? (uint16_t)g->n_sectors : 0);
	wr_u8(&w, FAT_MEDIA_FIXED);
	wr_le16(&w, is32 ? 0 : (uint16_t)g->sectors_per_fat);
	wr_le16(&w, 32); /* sectors a track and heads: of no meaning for a disk without them */
	wr_le16(&w, 64);
	wr_le32(&w, 0); /* hidden sectors */
	wr_le32(&w, small ? 0 : (uint32_t)g->n_sectors);
	if (is32)
		wr_bpb32(&w, v);
	wr_u8(&w, g->type == FAT_TYPE_12 ? 0 : 0x80);
	wr_u8(&w, 0);
	wr_u8(&w, FAT_EXT_SIGNATURE);
	wr_le32(&w, v->volume_id);
	wr_bytes(&w, "NO NAME    ", 11);
	wr_bytes(&w, type_names[g->type == FAT_TYPE_12 ? 0 : g->type == FAT_TYPE_16 ? 1 : 2], 8);
	wr_seek(&w, FAT_BOOT_SIGNATURE_OFF);
	wr_le16(&w, FAT_BOOT_SIGNATURE);
}

static void compose_fsinfo(const struct volume *v, uint8_t sector[FAT_BOOT_LEN])
{
	struct wr w = wr_init(sector, FAT_BOOT_LEN);

	memset(sector, 0, FAT_BOOT_LEN);
	wr_le32(&w, FAT_FSINFO_LEAD);
	wr_seek(&w, 484);
	wr_le32(&w, FAT_FSINFO_STRUCT);
	wr_le32(&w, (uint32_t)(v->g.n_clusters + FAT_FIRST_CLUSTER - v->next));
	wr_le32(&w, (uint32_t)(v->next - 1)); /* the cluster given out last */
	wr_seek(&w, 508);
	wr_le32(&w, FAT_FSINFO_TRAIL);
}

static int write_boot(struct volume *v, struct rimg_error *err)
{
	uint8_t boot[FAT_BOOT_LEN], fsinfo[FAT_BOOT_LEN];
	int rc;

	compose_boot(v, boot);
	rc = sink_write(v->sink, 0, boot, sizeof(boot), err);
	if (rc < 0 || v->g.type != FAT_TYPE_32)
		return rc;
	compose_fsinfo(v, fsinfo);
	rc = sink_write(v->sink, FSINFO_LBA * SECTOR, fsinfo, sizeof(fsinfo), err);
	if (rc == 0)
		rc = sink_write(v->sink, BACKUP_LBA * SECTOR, boot, sizeof(boot), err);
	if (rc == 0)
		rc = sink_write(v->sink, (BACKUP_LBA + FSINFO_LBA) * SECTOR, fsinfo, sizeof(fsinfo),
				err);
	return rc;
}

/* ---- volume ------------------------------------------------------------------------------- */

static void volume_done(struct volume *v)
{
	free(v->fat);
}

static int prepare(struct volume *v, uint64_t size, struct rimg_error *err)
{
	int rc;

	if (v->rq->compression != EMIT_COMPRESSION_NONE)
		return error_set(err, RIMG_E_UNSUPPORTED, NULL, "FAT has no compression");
	rc = choose_geometry(size, &v->g, err);
	if (rc == 0)
		rc = place(v, err);
	v->root = v->g.type == FAT_TYPE_32 ? v->rq->tree->root->id : 0;
	return rc;
}

static bool fits(const struct volume *v)
{
	return v->next <= (uint64_t)v->g.n_clusters + FAT_FIRST_CLUSTER;
}

static int fat_measure(const struct emit_request *rq, uint64_t *ret_size, struct rimg_error *err)
{
	for (uint64_t size = MIB;; size *= 2) {
		struct volume v = { .rq = rq };
		int rc = prepare(&v, size, err);

		if (rc < 0)
			return rc;
		if (fits(&v)) {
			*ret_size = size;
			return 0;
		}
	}
}

static int fat_emit(const struct emit_request *rq, struct sink *sink, struct rimg_error *err)
{
	auto_with(volume_done) struct volume v = { .rq = rq, .sink = sink };
	uint8_t id[4] = { 0 };
	int rc = prepare(&v, sink_size(sink), err);

	if (rc == 0 && !fits(&v))
		rc = error_set(err, RIMG_E_LIMIT, NULL,
			       "the contents need %" PRIu64
			       " bytes of clusters, this FAT volume has "
			       "%" PRIu64,
			       (v.next - FAT_FIRST_CLUSTER) * cluster_len(&v.g),
			       v.g.n_clusters * cluster_len(&v.g));
	if (rc == 0)
		rc = emit_derive(rq, "fat volume id", id, sizeof(id), err);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < sizeof(id); i++)
		v.volume_id |= (uint32_t)id[i] << (8 * i);
	rc = write_boot(&v, err);
	if (rc == 0)
		rc = write_fats(&v, err);
	return rc < 0 ? rc : write_tree(&v, err);
}

RIMG_EMITTER(fat) = {
	.name = "fat",
	.measure = fat_measure,
	.emit = fat_emit,
};
