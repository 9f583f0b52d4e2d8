/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/fat_volume.h"

/* Rules of a FAT volume that opening it does not need: copies that must be equal, counts, and names
 * that must differ. Facts: docs/formats/fat.md, "Rules". */

#define CHUNK_LEN ((size_t)64 << 10)

/* ---- copies ------------------------------------------------------------------------------- */

/**
 * struct comparison - two ranges of the layer, byte by byte
 * @first:    offset from their beginnings of the first byte that differs
 * @n_differ: bytes that do
 */
struct comparison {
	uint64_t first, n_differ;
};

static int compare_ranges(struct rimg_layer *l, uint64_t a, uint64_t b, uint64_t len,
			  struct comparison *ret, struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(2 * CHUNK_LEN);

	if (!buf)
		return error_nomem(err);
	*ret = (struct comparison){ 0 };
	for (uint64_t at = 0; at < len; at += CHUNK_LEN) {
		size_t n = (size_t)num_min(len - at, CHUNK_LEN);
		int rc = layer_read(l, a + at, buf, n, err);

		if (rc == 0)
			rc = layer_read(l, b + at, buf + CHUNK_LEN, n, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (buf[i] == buf[CHUNK_LEN + i])
				continue;
			if (ret->n_differ++ == 0)
				ret->first = at + i;
		}
	}
	return 0;
}

static int check_fats(struct rimg_layer *l, const struct fat_info *info, struct rimg_error *err)
{
	const struct fat_geometry *g = &info->geo;
	uint64_t size = rimg_source_size(l->src);

	if (!g->mirrored || g->root_off > size)
		return 0;
	for (uint8_t i = 1; i < g->n_fats; i++) {
		uint64_t off = g->reserved_len + i * g->fat_len;
		struct comparison c;
		int rc = compare_ranges(l, g->reserved_len, off, g->fat_len, &c, err);

		if (rc < 0)
			return rc;
		if (c.n_differ > 0)
			layer_finding(l, SEVERITY_ERROR, "fat.copies-differ", info->fats[i],
				      off + c.first, 1,
				      "expected FAT %u to equal FAT 0, found %" PRIu64
				      " other bytes",
				      i, c.n_differ);
	}
	return 0;
}

static int check_backup(struct rimg_layer *l, const struct fat_info *info, struct rimg_error *err)
{
	uint64_t off = (uint64_t)info->geo.backup_sector * info->geo.sector;
	struct comparison c;
	int rc;

	if (!info->backup)
		return 0;
	rc = compare_ranges(l, 0, off, FAT_BOOT_LEN, &c, err);
	if (rc == 0 && c.n_differ > 0)
		layer_finding(l, SEVERITY_WARNING, "fat.backup-differs", info->backup,
			      off + c.first, 1,
			      "expected a copy of the boot sector, found %" PRIu64 " other bytes",
			      c.n_differ);
	return rc;
}

static void check_free(struct rimg_layer *l, const struct fat_info *info)
{
	uint64_t said = info->fsinfo ? node_attr_u64(info->fsinfo, "free_clusters", UINT32_MAX)
				     : UINT32_MAX;

	if (said != FAT_FSINFO_UNKNOWN && said != info->n_free)
		layer_finding(l, SEVERITY_WARNING, "fat.free-count", info->fsinfo,
			      (uint64_t)info->geo.fsinfo_sector * info->geo.sector + 488, 4,
			      "expected %" PRIu64 " free clusters, found that fsinfo says %" PRIu64,
			      info->n_free, said);
}

/* ---- directories -------------------------------------------------------------------------- */

struct name {
	const uint8_t *data;
	size_t len;
	struct rimg_node *node;
};

static uint8_t fold(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

/* FAT names are the same in either case; beyond ASCII only in equal case here. */
static int compare_folded(const struct name *a, const struct name *b)
{
	for (size_t i = 0; i < a->len && i < b->len; i++) {
		int order = fold(a->data[i]) - fold(b->data[i]);

		if (order != 0)
			return order;
	}
	return (a->len > b->len) - (a->len < b->len);
}

static int compare_names(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;
	int order = compare_folded(a, b);

	return order != 0 ? order
			  : (a->node->index > b->node->index) - (a->node->index < b->node->index);
}

/* Long and short names share one space: no name of a directory may be another's. */
static int check_names(struct rimg_layer *l, struct rimg_node *dir)
{
	auto_free struct name *names = calloc((size_t)dir->n_children * 2 + 1, sizeof(*names));
	size_t n = 0;

	if (!names)
		return -RIMG_E_NOMEM;
	rimg_for_each_child(child, dir) {
		const struct rimg_attr *s = node_attr(child, "short_name");

		names[n++] = (struct name){ (const uint8_t *)child->name, child->name_len, child };
		if (s)
			names[n++] = (struct name){ s->bytes.data, s->bytes.len, child };
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 1; i < n; i++) {
		const struct rimg_attr *s = node_attr(names[i].node, "short_name");

		if (names[i - 1].node != names[i].node &&
		    compare_folded(&names[i - 1], &names[i]) == 0)
			layer_finding(l, SEVERITY_ERROR, "fat.duplicate-name", names[i].node,
				      s ? s->place.off : 0, s ? FAT_ENTRY_LEN : 0,
				      "expected a name of its own, found that of another entry of "
				      "the directory");
	}
	return 0;
}

/* "." and ".." are to be the first two entries of the directory's first cluster. */
static void check_dots(struct rimg_layer *l, const struct fat_info *info, struct rimg_node *dir)
{
	static const char *const keys[] = { "dot.short_name", "dotdot.short_name" };
	uint64_t cluster = node_attr_u64(dir, "first_cluster", 0);
	uint64_t off;

	if (cluster < FAT_FIRST_CLUSTER || cluster > UINT32_MAX)
		return;
	off = fat_cluster_off(&info->geo, (uint32_t)cluster);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct rimg_attr *a = node_attr(dir, keys[i]);

		if (a && a->place.off != off + i * FAT_ENTRY_LEN)
			layer_finding(l, SEVERITY_WARNING, "fat.dot-place", dir, a->place.off,
				      FAT_ENTRY_LEN,
				      "expected \"%s\" as entry %zu of the directory, found it "
				      "later",
				      i == 0 ? "." : "..", i + 1);
	}
}

/* Bytes behind the end of a directory are nobody's, so nothing should be there. */
static void check_behind_end(struct rimg_layer *l)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *c = &l->claims[i];

		if (strcmp(c->what, "behind the end") == 0)
			layer_finding(l, SEVERITY_WARNING, "fat.behind-end", c->node, c->off,
				      c->len,
				      "expected zeros behind the end of the directory, found other "
				      "bytes");
	}
}

int fat_check(struct rimg_layer *l, struct rimg_error *err)
{
	const struct fat_info *info = l->priv;
	int rc = check_fats(l, info, err);

	if (rc == 0)
		rc = check_backup(l, info, err);
	if (rc < 0)
		return rc;
	check_free(l, info);
	check_behind_end(l);
	for (struct rimg_node *n = l->top; n; n = node_after(n, l->top)) {
		if (n->role != RIMG_ROLE_DIR)
			continue;
		check_dots(l, info, n);
		if (check_names(l, n) < 0)
			return error_nomem(err);
	}
	return 0;
}
