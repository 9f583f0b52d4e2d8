/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "formats/fat_volume.h"

/* The file allocation table: what is the next cluster, and which clusters has nobody.
 * Facts: docs/formats/fat.md, "FAT". */

#define FAT_VALUE_FREE 0U
#define FAT_VALUE_BAD  0x0ffffff7U /* and what is above ends a chain */

/* ---- entries ------------------------------------------------------------------------------ */

/* Entry @cluster, the special values as FAT32 has them; FREE for one that is not in the image. */
static uint32_t get(const struct fat_volume *v, uint32_t cluster)
{
	struct rd r = rd_init(v->table, v->table_len, 0);
	uint32_t value;

	switch (v->geo.type) {
	case FAT_TYPE_12:
		rd_seek(&r, (uint64_t)cluster + cluster / 2);
		value = rd_le16(&r);
		value = cluster & 1 ? value >> 4 : value & 0xfff;
		return value >= 0xff7 ? value | 0x0ffff000 : value;
	case FAT_TYPE_16:
		rd_seek(&r, (uint64_t)cluster * 2);
		value = rd_le16(&r);
		return value >= 0xfff7 ? value | 0x0fff0000 : value;
	case FAT_TYPE_32: break;
	}
	rd_seek(&r, (uint64_t)cluster * 4);
	return rd_le32(&r) & 0x0fffffff;
}

/* Where the entry is, for findings. */
static uint64_t entry_off(const struct fat_volume *v, uint32_t cluster)
{
	uint64_t bits = (uint64_t)cluster * (uint64_t)v->geo.type;

	return v->geo.reserved_len + v->geo.active_fat * v->geo.fat_len + bits / 8;
}

static bool is_used(const struct fat_volume *v, uint32_t cluster)
{
	uint32_t i = cluster - FAT_FIRST_CLUSTER;

	return (v->used[i / 8] >> (i % 8) & 1) != 0;
}

static void set_used(struct fat_volume *v, uint32_t cluster)
{
	uint32_t i = cluster - FAT_FIRST_CLUSTER;

	v->used[i / 8] = (uint8_t)(v->used[i / 8] | 1U << (i % 8));
}

static bool is_present(const struct fat_volume *v, uint32_t cluster)
{
	return cluster >= FAT_FIRST_CLUSTER && cluster - FAT_FIRST_CLUSTER < v->n_present;
}

/* ---- the tables --------------------------------------------------------------------------- */

/* Entry 0 repeats the media byte, entry 1 holds an end mark with two flags in FAT16 and FAT32. */
static void check_head(struct fat_volume *v, struct rimg_node *node)
{
	uint32_t ones =
		(uint32_t)((UINT64_C(1) << (v->geo.type == FAT_TYPE_32 ? 28 : v->geo.type)) - 1);
	uint32_t expected = (ones & ~UINT32_C(0xff)) | v->geo.media;
	uint32_t width = ((uint32_t)v->geo.type + 7) / 8;
	uint32_t media = get(v, 0) & ones, flags = get(v, 1) & ones;
	uint32_t clean = v->geo.type == FAT_TYPE_32   ? 0x0c000000
			 : v->geo.type == FAT_TYPE_16 ? 0xc000
						      : 0;

	if (media != expected)
		layer_finding(v->l, SEVERITY_ERROR, "fat.media", node, entry_off(v, 0), width,
			      "expected entry 0 to repeat the media byte as 0x%" PRIx32
			      ", found 0x%" PRIx32,
			      expected, media);
	if ((flags & clean) != clean)
		layer_finding(v->l, SEVERITY_WARNING, "fat.dirty", node, entry_off(v, 1), width,
			      "expected a volume that was closed without errors, found flags "
			      "0x%" PRIx32 " in entry 1",
			      flags);
}

static int table_node(struct fat_volume *v, uint8_t i)
{
	struct rimg_layer *l = v->l;
	const struct fat_geometry *g = &v->geo;
	uint64_t off = g->reserved_len + i * g->fat_len;
	uint64_t bits = ((uint64_t)g->n_clusters + FAT_FIRST_CLUSTER) * (uint64_t)g->type;
	uint32_t head = FAT_FIRST_CLUSTER * (uint32_t)g->type / 8, all = (uint32_t)((bits + 7) / 8);
	const char *name = arena_printf(&l->arena, "fat[%u]", i);
	struct rimg_node *node = name ? layer_meta(l, l->root, name) : NULL;

	if (!node || attr_add_raw(l, node, "head", RIMG_CAUSE_CONTENT, PLACE(off, head)) < 0 ||
	    attr_add_raw(l, node, "entries", RIMG_CAUSE_PLACEMENT, PLACE(off + head, all - head)) <
		    0)
		return -RIMG_E_NOMEM;
	v->info->fats[i] = node;
	/* what is left are entries of clusters that do not exist */
	return layer_claim(l, node, off, g->fat_len, "fat", RIMG_CAUSE_PADDING);
}

int fat_read_table(struct fat_volume *v, struct rimg_error *err)
{
	const struct fat_geometry *g = &v->geo;
	uint64_t size = rimg_source_size(v->l->src);
	uint64_t off = g->reserved_len + g->active_fat * g->fat_len;
	uint64_t len = off < size ? num_min(g->fat_len, size - off) : 0;
	int rc;

	v->info->fats = arena_array(&v->l->arena, g->n_fats, sizeof(*v->info->fats));
	if (!v->info->fats)
		return -RIMG_E_NOMEM;
	for (uint8_t i = 0; i < g->n_fats; i++) {
		if (table_node(v, i) < 0)
			return -RIMG_E_NOMEM;
	}
	/* entries of clusters that do not exist are not needed */
	len = num_min(len, ((uint64_t)v->n_present + FAT_FIRST_CLUSTER + 1) * 4);
	if (len > v->l->image->ctx->limits.analysis_bytes) {
		layer_finding(v->l, SEVERITY_ERROR, "fat.limit", v->info->fats[g->active_fat], off,
			      len,
			      "expected a FAT of at most %" PRIu64
			      " bytes, found %" PRIu64 LIMIT_MORE("content"),
			      v->l->image->ctx->limits.analysis_bytes, len);
		v->l->unreadable = true;
		return 0;
	}
	v->table_len = (size_t)len;
	v->table = malloc(v->table_len + 1);
	if (!v->table)
		return error_nomem(err);
	/* of a volume that ends before it there is nothing to read */
	rc = len > 0 ? layer_read(v->l, off, v->table, v->table_len, err) : 0;
	if (rc < 0)
		return rc;
	if (v->table_len >= 8)
		check_head(v, v->info->fats[g->active_fat]);
	return 0;
}

/* ---- chains ------------------------------------------------------------------------------- */

void fat_chain_done(struct fat_chain *c)
{
	free(c->runs);
}

static int add_cluster(struct fat_volume *v, struct fat_chain *c, uint32_t cluster)
{
	struct fat_run *last = c->n_runs > 0 ? &c->runs[c->n_runs - 1] : NULL;
	struct fat_run *runs;

	set_used(v, cluster);
	c->n_clusters++;
	if (last && last->cluster + last->n == cluster) {
		last->n++;
		return 0;
	}
	runs = vec_grow(c->runs, &c->cap_runs, c->n_runs, sizeof(*runs));
	if (!runs)
		return -RIMG_E_NOMEM;
	c->runs = runs;
	c->runs[c->n_runs++] = (struct fat_run){ .cluster = cluster, .n = 1 };
	return 0;
}

static bool in_chain(const struct fat_chain *c, uint32_t cluster)
{
	for (size_t i = 0; i < c->n_runs; i++) {
		if (cluster >= c->runs[i].cluster && cluster - c->runs[i].cluster < c->runs[i].n)
			return true;
	}
	return false;
}

/* Can @cluster be the next one of the chain? If not, a finding says why. */
static bool can_follow(struct fat_volume *v, struct rimg_node *node, const struct fat_chain *c,
		       uint32_t cluster, uint64_t off)
{
	uint32_t last = v->geo.n_clusters + FAT_FIRST_CLUSTER - 1;

	if (!is_present(v, cluster)) {
		if (cluster >= FAT_FIRST_CLUSTER && cluster <= last)
			layer_finding(v->l, SEVERITY_ERROR, "fat.truncated", node, off, 1,
				      "expected cluster %" PRIu32
				      " in the image, found that the image ends before it",
				      cluster);
		else
			layer_finding(v->l, SEVERITY_ERROR, "fat.chain-range", node, off, 1,
				      "expected a cluster from 2 to %" PRIu32 ", found %" PRIu32,
				      last, cluster);
		return false;
	}
	if (!is_used(v, cluster))
		return true;
	if (in_chain(c, cluster))
		layer_finding(v->l, SEVERITY_ERROR, "fat.chain-loop", node, off, 1,
			      "expected a chain with an end, found that cluster %" PRIu32
			      " comes again after %" PRIu64 " clusters",
			      cluster, c->n_clusters);
	else
		layer_finding(v->l, SEVERITY_ERROR, "fat.cross-link", node, off, 1,
			      "expected clusters of its own, found that cluster %" PRIu32
			      " belongs to another chain",
			      cluster);
	return false;
}

int fat_follow(struct fat_volume *v, struct rimg_node *node, uint32_t first, uint64_t off,
	       struct fat_chain *ret)
{
	uint32_t cluster = first;

	while (can_follow(v, node, ret, cluster, off)) {
		uint32_t next = get(v, cluster);

		off = entry_off(v, cluster);
		if (next == FAT_VALUE_BAD) {
			layer_finding(v->l, SEVERITY_ERROR, "fat.chain-bad", node, off, 1,
				      "expected a good cluster, found that the FAT marks %" PRIu32
				      " as bad",
				      cluster);
			return 0;
		}
		if (add_cluster(v, ret, cluster) < 0)
			return -RIMG_E_NOMEM;
		if (next > FAT_VALUE_BAD) {
			ret->whole = true;
			return 0;
		}
		if (next == FAT_VALUE_FREE) {
			layer_finding(v->l, SEVERITY_ERROR, "fat.chain-free", node, off, 1,
				      "expected the next cluster or an end mark, found that the "
				      "FAT marks cluster %" PRIu32 " as free",
				      cluster);
			return 0;
		}
		cluster = next;
	}
	return 0;
}

/* ---- clusters of nobody ------------------------------------------------------------------- */

enum cluster_state { STATE_USED, STATE_FREE, STATE_LOST, STATE_BAD, N_STATES };

static enum cluster_state state_of(const struct fat_volume *v, uint32_t cluster)
{
	uint32_t value;

	if (is_used(v, cluster))
		return STATE_USED;
	value = get(v, cluster);
	if (value == FAT_VALUE_FREE)
		return STATE_FREE;
	return value == FAT_VALUE_BAD ? STATE_BAD : STATE_LOST;
}

static int claim_state(struct fat_volume *v, struct rimg_node **nodes, enum cluster_state state,
		       uint32_t cluster, uint32_t n)
{
	static const char *const names[N_STATES] = { NULL, "free", "lost", "bad" };
	struct rimg_layer *l = v->l;
	uint64_t off = fat_cluster_off(&v->geo, cluster);

	if (state == STATE_USED)
		return 0;
	if (!nodes[state])
		nodes[state] = layer_meta(l, l->root, names[state]);
	if (!nodes[state])
		return -RIMG_E_NOMEM;
	nodes[state]->cause = RIMG_CAUSE_FREE_SPACE;
	if (state == STATE_LOST)
		layer_finding(l, SEVERITY_WARNING, "fat.lost", nodes[state], off,
			      (uint64_t)n * v->geo.cluster,
			      "expected clusters in use to belong to a file, found %" PRIu32
			      " from cluster %" PRIu32 " on that belong to none",
			      n, cluster);
	return layer_claim(l, nodes[state], off, (uint64_t)n * v->geo.cluster, names[state],
			   RIMG_CAUSE_FREE_SPACE);
}

static int claim_tail(struct fat_volume *v)
{
	struct rimg_layer *l = v->l;
	uint64_t size = rimg_source_size(l->src);
	uint64_t off = v->geo.data_off + (uint64_t)v->n_present * v->geo.cluster;
	struct rimg_node *tail;

	if (off >= size)
		return 0;
	tail = layer_meta(l, l->root, "tail");
	if (!tail)
		return -RIMG_E_NOMEM;
	tail->cause = RIMG_CAUSE_PADDING;
	if (off < v->geo.end_off && layer_claim(l, tail, off, v->geo.end_off - off,
						"less than a cluster", RIMG_CAUSE_PADDING) < 0)
		return -RIMG_E_NOMEM;
	off = num_max(off, v->geo.end_off);
	if (off >= size)
		return 0;
	return layer_claim(l, tail, off, size - off, "behind the volume", RIMG_CAUSE_FREE_SPACE);
}

int fat_claim_rest(struct fat_volume *v)
{
	struct rimg_node *nodes[N_STATES] = { NULL };
	uint32_t end = v->n_present + FAT_FIRST_CLUSTER;

	nodes[STATE_FREE] = layer_meta(v->l, v->l->root, "free");
	if (!nodes[STATE_FREE])
		return -RIMG_E_NOMEM;
	nodes[STATE_FREE]->cause = RIMG_CAUSE_FREE_SPACE;
	for (uint32_t cluster = FAT_FIRST_CLUSTER; cluster < end;) {
		enum cluster_state state = state_of(v, cluster);
		uint32_t n = 1;

		while (cluster + n < end && state_of(v, cluster + n) == state)
			n++;
		if (state == STATE_FREE)
			v->info->n_free += n;
		if (claim_state(v, nodes, state, cluster, n) < 0)
			return -RIMG_E_NOMEM;
		cluster += n;
	}
	return claim_tail(v);
}
