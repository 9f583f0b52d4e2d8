/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "formats/fat_volume.h"

/* Directories: from clusters to nodes. No recursion: directories wait in a queue, and each holds at
 * least one cluster that no other chain has, so that the queue ends.
 * Facts: docs/formats/fat.md, "Directory". */

#define CHUNK_LEN ((size_t)64 << 10)

/** struct dir - a directory while it is read */
struct dir {
	struct fat_volume *v;
	struct fat_pending self;
	bool is_root;
	bool ended; /* the end mark has been seen */
	bool dot, dotdot;
	struct fat_long pending; /* long-name entries that wait for their short entry */
};

static int claim(struct dir *d, uint64_t off, const char *what, enum rimg_cause cause)
{
	return layer_claim(d->v->l, d->self.node, off, FAT_ENTRY_LEN, what, cause);
}

/* ---- long-name entries of nobody ---------------------------------------------------------- */

static int drop_pending(struct dir *d, const char *code, const char *why)
{
	struct fat_long *p = &d->pending;

	if (p->n > 0)
		layer_finding(d->v->l, SEVERITY_ERROR, code, d->self.node, p->off[0], FAT_ENTRY_LEN,
			      "expected long-name entries and their short entry, "
			      "found %s",
			      why);
	for (unsigned i = 0; i < p->n; i++) {
		if (claim(d, p->off[i], "long name without file", RIMG_CAUSE_FREE_SPACE) < 0)
			return -RIMG_E_NOMEM;
	}
	p->n = 0;
	return 0;
}

static int add_long(struct dir *d, const uint8_t *slot, uint64_t off)
{
	if (fat_long_add(&d->pending, slot, off))
		return 0;
	if (drop_pending(d, "fat.lfn-order", "a name that breaks off") < 0)
		return -RIMG_E_NOMEM;
	if (fat_long_add(&d->pending, slot, off))
		return 0;
	layer_finding(d->v->l, SEVERITY_ERROR, "fat.lfn-order", d->self.node, off, 1,
		      "expected the last part of a long name first, found order 0x%02x", slot[0]);
	return claim(d, off, "long name without file", RIMG_CAUSE_FREE_SPACE);
}

/* Gives the waiting long-name entries to @node if they belong to @e, else away. Sets @ret_long to
 * whether they did. */
static int settle_long(struct dir *d, const struct fat_entry *e, bool *ret_long)
{
	*ret_long = fat_long_fits(&d->pending, e);
	if (*ret_long || d->pending.n == 0)
		return 0;
	if (d->pending.n < d->pending.total)
		return drop_pending(d, "fat.lfn-order", "a name that breaks off");
	return drop_pending(d, "fat.lfn-checksum", "a checksum of another short name");
}

static int claim_long(struct dir *d, struct rimg_node *node, const char *what)
{
	for (unsigned i = 0; i < d->pending.n; i++) {
		if (layer_claim(d->v->l, node, d->pending.off[i], FAT_ENTRY_LEN, what,
				RIMG_CAUSE_ORDERING) < 0)
			return -RIMG_E_NOMEM;
	}
	d->pending.n = 0;
	return 0;
}

/* ---- files -------------------------------------------------------------------------------- */

/* What of a run is content, what is slack behind the end, what is too much. */
static int claim_run(struct fat_volume *v, struct rimg_node *node, const struct fat_run *run,
		     uint64_t at, uint64_t size)
{
	uint64_t off = fat_cluster_off(&v->geo, run->cluster);
	uint64_t len = (uint64_t)run->n * v->geo.cluster;
	uint64_t content = at < size ? num_min(len, size - at) : 0, needed = 0;

	if (content > 0 && !num_align_up(content, v->geo.cluster, &needed))
		return -RIMG_E_NOMEM;
	if (layer_claim_content(v->l, node, off, content, at) < 0 ||
	    layer_claim(v->l, node, off + content, needed - content, "slack", RIMG_CAUSE_PADDING) <
		    0)
		return -RIMG_E_NOMEM;
	return layer_claim(v->l, node, off + needed, len - needed, "clusters behind the end",
			   RIMG_CAUSE_FREE_SPACE);
}

/* The content of a file of @size bytes, which the chain holds at least. */
static int lay_out(struct fat_volume *v, struct rimg_node *node, const struct fat_chain *c,
		   uint64_t size)
{
	struct arena *a = &v->l->arena;
	struct source_piece *pieces = NULL;
	uint64_t at = 0;
	size_t n = 0;

	if (c->n_runs > 1) {
		pieces = arena_array(a, c->n_runs, sizeof(*pieces));
		if (!pieces)
			return -RIMG_E_NOMEM;
	}
	for (size_t i = 0; i < c->n_runs; i++) {
		uint64_t len = (uint64_t)c->runs[i].n * v->geo.cluster;

		if (claim_run(v, node, &c->runs[i], at, size) < 0)
			return -RIMG_E_NOMEM;
		if (pieces && at < size)
			pieces[n++] = (struct source_piece){
				.off = at,
				.len = num_min(len, size - at),
				.base_off = fat_cluster_off(&v->geo, c->runs[i].cluster),
				.base_len = num_min(len, size - at),
				.kind = PIECE_RAW,
				.plain = true,
			};
		at += len;
	}
	if (n > 1)
		node->content = source_extents(a, v->l->src, pieces, n, NULL, NULL);
	else
		node->content = source_slice(a, v->l->src,
					     size > 0 && c->n_runs > 0
						     ? fat_cluster_off(&v->geo, c->runs[0].cluster)
						     : 0,
					     size);
	return node->content ? 0 : -RIMG_E_NOMEM;
}

static void check_length(struct fat_volume *v, struct rimg_node *node, const struct fat_entry *e,
			 const struct fat_chain *c, uint64_t off)
{
	uint64_t needed = (e->size + (uint64_t)v->geo.cluster - 1) / v->geo.cluster;

	if (e->size == 0 && e->cluster != 0)
		layer_finding(v->l, SEVERITY_ERROR, "fat.empty-with-cluster", node, off + 26, 2,
			      "expected no cluster for an empty file, found %" PRIu32, e->cluster);
	else if (c->n_clusters < needed && (c->whole || e->cluster == 0))
		layer_finding(v->l, SEVERITY_ERROR, "fat.chain-short", node, off + 28, 4,
			      "expected %" PRIu64 " clusters for %" PRIu32 " bytes, found %" PRIu64,
			      needed, e->size, c->n_clusters);
	else if (c->n_clusters > needed)
		layer_finding(v->l, SEVERITY_ERROR, "fat.chain-long", node, off + 28, 4,
			      "expected %" PRIu64 " clusters for %" PRIu32 " bytes, found %" PRIu64,
			      needed, e->size, c->n_clusters);
}

static int open_file(struct fat_volume *v, struct rimg_node *node, const struct fat_entry *e,
		     uint64_t off)
{
	auto_with(fat_chain_done) struct fat_chain c = { 0 };

	if (e->cluster != 0 && fat_follow(v, node, e->cluster, off + 26, &c) < 0)
		return -RIMG_E_NOMEM;
	check_length(v, node, e, &c, off);
	return lay_out(v, node, &c, num_min(e->size, c.n_clusters * v->geo.cluster));
}

/* ---- entries ------------------------------------------------------------------------------ */

static int push(struct fat_volume *v, struct fat_pending p)
{
	struct fat_pending *queue = vec_grow(v->queue, &v->cap_queue, v->n_queue, sizeof(*queue));

	if (!queue)
		return -RIMG_E_NOMEM;
	v->queue = queue;
	v->queue[v->n_queue++] = p;
	return 0;
}

static int open_dir(struct dir *d, struct rimg_node *node, const struct fat_entry *e, uint64_t off)
{
	struct fat_volume *v = d->v;
	uint32_t max = v->l->image->ctx->limits.dir_depth;

	if (e->size != 0)
		layer_finding(v->l, SEVERITY_ERROR, "fat.dir-size", node, off + 28, 4,
			      "expected size 0 of a directory, found %" PRIu32, e->size);
	if (e->cluster == 0) {
		layer_finding(v->l, SEVERITY_ERROR, "fat.dir-cluster", node, off + 26, 2,
			      "expected a cluster of the directory, found 0");
		return 0;
	}
	if (d->self.depth >= max) {
		layer_finding(v->l, SEVERITY_ERROR, "fat.depth", node, off, FAT_ENTRY_LEN,
			      "expected at most %" PRIu32
			      " directories inside each other; not read" LIMIT_MORE("dir-depth"),
			      max);
		return 0;
	}
	return push(v, (struct fat_pending){ .node = node,
					     .off = off + 26,
					     .cluster = e->cluster,
					     .parent_cluster = d->is_root ? 0 : d->self.cluster,
					     .depth = d->self.depth + 1 });
}

static int add_child(struct dir *d, const struct fat_entry *e, const uint8_t *slot, uint64_t off)
{
	struct fat_volume *v = d->v;
	enum rimg_role role = (e->attr & FAT_ATTR_DIR) != 0 ? RIMG_ROLE_DIR : RIMG_ROLE_FILE;
	const char *problem = NULL;
	struct rimg_node *node;
	struct fat_name name = { .len = 0 };
	bool has_long;

	if (settle_long(d, e, &has_long) < 0)
		return -RIMG_E_NOMEM;
	if (has_long)
		problem = fat_long_name(&d->pending, &name);
	if (!has_long || name.len == 0)
		fat_short_name(e, &name);
	node = layer_node(v->l, d->self.node, role, name.text, name.len);
	if (!node)
		return -RIMG_E_NOMEM;
	if (problem)
		layer_finding(v->l, SEVERITY_ERROR, "fat.long-name", node, d->pending.off[0],
			      FAT_ENTRY_LEN,
			      "expected 1 to %u characters that are allowed, found %s",
			      FAT_LONG_MAX, problem);
	fat_check_short(v, node, e, off);
	if (claim_long(d, node, "dirent") < 0 ||
	    layer_claim(v->l, node, off, FAT_ENTRY_LEN, "dirent", RIMG_CAUSE_ORDERING) < 0 ||
	    fat_entry_fields(v, node, NULL, slot, off) < 0)
		return -RIMG_E_NOMEM;
	return role == RIMG_ROLE_DIR ? open_dir(d, node, e, off) : open_file(v, node, e, off);
}

/* An entry that is about the directory itself: ".", "..", or the label of the volume. One that
 * should not be there (@prefix is NULL) has no attributes. */
static int add_own(struct dir *d, const struct fat_entry *e, const char *prefix,
		   const uint8_t *slot, uint64_t off)
{
	bool has_long;

	if (settle_long(d, e, &has_long) < 0 ||
	    claim_long(d, d->self.node, "long name of its own entry") < 0 ||
	    claim(d, off, "own entry", RIMG_CAUSE_ORDERING) < 0)
		return -RIMG_E_NOMEM;
	return prefix ? fat_entry_fields(d->v, d->self.node, prefix, slot, off) : 0;
}

static int add_dot(struct dir *d, const struct fat_entry *e, const uint8_t *slot, uint64_t off)
{
	bool up = e->name[1] == '.';
	bool *seen = up ? &d->dotdot : &d->dot;
	uint32_t expected = up ? d->self.parent_cluster : d->self.cluster;

	if (d->is_root || *seen) {
		layer_finding(d->v->l, SEVERITY_ERROR, "fat.dot", d->self.node, off, FAT_ENTRY_LEN,
			      "expected no %sentry \"%s\", found one", d->is_root ? "" : "second ",
			      up ? ".." : ".");
		return add_own(d, e, NULL, slot, off);
	}
	*seen = true;
	if (e->cluster != expected || (e->attr & FAT_ATTR_DIR) == 0)
		layer_finding(d->v->l, SEVERITY_ERROR, "fat.dot", d->self.node, off, FAT_ENTRY_LEN,
			      "expected \"%s\" to be a directory at cluster %" PRIu32
			      ", found attributes 0x%02x and cluster %" PRIu32,
			      up ? ".." : ".", expected, e->attr, e->cluster);
	else if (e->size != 0)
		layer_finding(d->v->l, SEVERITY_ERROR, "fat.dir-size", d->self.node, off + 28, 4,
			      "expected size 0 of \"%s\", found %" PRIu32, up ? ".." : ".",
			      e->size);
	return add_own(d, e, up ? "dotdot." : "dot.", slot, off);
}

static int add_label(struct dir *d, const struct fat_entry *e, const uint8_t *slot, uint64_t off)
{
	if (d->is_root && !node_attr(d->self.node, "label.name"))
		return add_own(d, e, "label.", slot, off);
	layer_finding(d->v->l, SEVERITY_ERROR, "fat.label", d->self.node, off, FAT_ENTRY_LEN,
		      "expected one volume label, in the root directory; found %s",
		      d->is_root ? "another" : "one elsewhere");
	return add_own(d, e, NULL, slot, off);
}

/* Bytes of an entry that mean nothing. Facts: docs/formats/fat.md, "Directory entry", "Long names".
 */
static void check_padding(struct dir *d, const struct fat_entry *e, const uint8_t *slot,
			  uint64_t off)
{
	bool is_long = (e->attr & FAT_ATTR_MASK) == FAT_ATTR_LONG;
	uint8_t kind = slot[12];
	size_t at = 26; /* of two bytes */

	if (!is_long) {
		kind &= (uint8_t) ~(FAT_LOWER_BASE | FAT_LOWER_EXT);
		at = 20;
	}
	if (kind == 0 && ((!is_long && d->v->geo.type == FAT_TYPE_32) || mem_is_zero(slot + at, 2)))
		return;
	layer_finding(d->v->l, SEVERITY_WARNING, "fat.entry-padding", d->self.node,
		      off + (kind != 0 ? 12 : at), kind != 0 ? 1 : 2,
		      "expected zeros in the reserved bytes of a directory entry, found others");
}

/* One entry of FAT_ENTRY_LEN bytes, at @off of the layer. */
static int read_entry(struct dir *d, const uint8_t *slot, uint64_t off)
{
	struct fat_entry e;

	if (slot[0] == FAT_ENTRY_END || d->ended) {
		d->ended = true;
		if (drop_pending(d, "fat.lfn-order", "the end of the directory") < 0)
			return -RIMG_E_NOMEM;
		if (mem_is_zero(slot, FAT_ENTRY_LEN))
			return claim(d, off, "unused entries", RIMG_CAUSE_PADDING);
		return claim(d, off, "behind the end", RIMG_CAUSE_FREE_SPACE);
	}
	if (slot[0] == FAT_ENTRY_DELETED) {
		if (drop_pending(d, "fat.lfn-order", "a deleted entry") < 0)
			return -RIMG_E_NOMEM;
		return claim(d, off, "deleted entries", RIMG_CAUSE_FREE_SPACE);
	}
	e = fat_entry_parse(d->v, slot);
	check_padding(d, &e, slot, off);
	if ((e.attr & FAT_ATTR_MASK) == FAT_ATTR_LONG)
		return add_long(d, slot, off);
	if ((e.attr & FAT_ATTR_LABEL) != 0 && (e.attr & FAT_ATTR_DIR) == 0)
		return add_label(d, &e, slot, off);
	if (fat_entry_is(&e, ".") || fat_entry_is(&e, ".."))
		return add_dot(d, &e, slot, off);
	return add_child(d, &e, slot, off);
}

/* ---- directories -------------------------------------------------------------------------- */

/* Entries of [off, off + len) of the layer, in order. */
static int read_part(struct dir *d, uint64_t off, uint64_t len, struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(CHUNK_LEN);

	if (!buf)
		return error_nomem(err);
	while (len > 0) {
		size_t n = (size_t)num_min(len, CHUNK_LEN);
		int rc = layer_read(d->v->l, off, buf, n, err);

		for (size_t i = 0; rc == 0 && i + FAT_ENTRY_LEN <= n; i += FAT_ENTRY_LEN)
			rc = read_entry(d, buf + i, off + i);
		if (rc < 0)
			return rc;
		off += n;
		len -= n;
	}
	return 0;
}

static int finish_dir(struct dir *d)
{
	if (!d->is_root && (!d->dot || !d->dotdot))
		layer_finding(d->v->l, SEVERITY_ERROR, "fat.dot", d->self.node, 0, 0,
			      "expected entries \".\" and \"..\", found %s",
			      d->dot || d->dotdot ? "one of them" : "none of them");
	return drop_pending(d, "fat.lfn-order", "the end of the directory");
}

static int read_clusters(struct dir *d, struct rimg_error *err)
{
	auto_with(fat_chain_done) struct fat_chain c = { 0 };

	if (fat_follow(d->v, d->self.node, d->self.cluster, d->self.off, &c) < 0)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < c.n_runs; i++) {
		int rc = read_part(d, fat_cluster_off(&d->v->geo, c.runs[i].cluster),
				   (uint64_t)c.runs[i].n * d->v->geo.cluster, err);

		if (rc < 0)
			return rc;
	}
	return finish_dir(d);
}

/* The root of FAT12 and FAT16: a region of its own, in whole sectors. */
static int read_root_region(struct dir *d, struct rimg_error *err)
{
	const struct fat_geometry *g = &d->v->geo;
	uint64_t size = rimg_source_size(d->v->l->src);
	uint64_t len = g->root_off < size ? num_min(g->root_len, size - g->root_off) : 0;
	uint64_t end;
	int rc;

	len -= len % FAT_ENTRY_LEN;
	end = g->root_off + len;
	rc = read_part(d, g->root_off, len, err);
	if (rc == 0)
		rc = finish_dir(d);
	if (rc < 0)
		return rc;
	return layer_claim(d->v->l, d->self.node, end, g->data_off - end, "behind the last entry",
			   RIMG_CAUSE_PADDING);
}

int fat_read_tree(struct fat_volume *v, struct rimg_error *err)
{
	struct rimg_node *top = layer_node(v->l, v->l->root, RIMG_ROLE_DIR, "/", 1);
	struct fat_pending root = { .node = top, .off = 44, .cluster = v->geo.root_cluster };

	if (!top || push(v, root) < 0)
		return -RIMG_E_NOMEM;
	v->l->top = top;
	for (size_t i = 0; i < v->n_queue; i++) {
		struct dir d = { .v = v, .self = v->queue[i], .is_root = i == 0 };
		int rc;

		if (d.is_root && v->geo.type != FAT_TYPE_32)
			rc = read_root_region(&d, err);
		else
			rc = read_clusters(&d, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
