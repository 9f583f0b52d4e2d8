/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_FAT_VOLUME_H
#define FORMATS_FAT_VOLUME_H

#include "core/format.h"
#include "formats/fat.h"
#include "formats/utf16.h"

/* What the files of the FAT reader share. */

/** struct fat_geometry - where everything is; offsets and lengths in bytes of the layer */
struct fat_geometry {
	enum fat_type type;
	uint32_t sector;
	uint32_t cluster;
	uint8_t n_fats;
	uint8_t media;
	uint8_t active_fat;
	bool mirrored;                         /* all FATs are to be equal */
	uint16_t fsinfo_sector, backup_sector; /* FAT32; 0: none */
	uint32_t root_cluster;                 /* FAT32 */
	uint32_t n_clusters;
	uint64_t reserved_len;
	uint64_t fat_len; /* of one FAT */
	uint64_t root_off, root_len;
	uint64_t data_off;
	uint64_t end_off; /* behind the volume's last sector */
};

/** struct fat_info - what check() needs; lives in the layer's arena */
struct fat_info {
	struct fat_geometry geo;
	struct rimg_node **fats; /* geo.n_fats nodes */
	struct rimg_node *fsinfo, *backup;
	uint64_t n_free; /* clusters */
};

/** struct fat_pending - a directory that is still to be read */
struct fat_pending {
	struct rimg_node *node;
	uint64_t off; /* where its cluster is named */
	uint32_t cluster;
	uint32_t parent_cluster; /* what its ".." must say: 0 for the root */
	uint32_t depth;
};

/**
 * struct fat_volume - a volume while it is opened
 * @table:     bytes of the active FAT that are in the image
 * @n_present: clusters that lie wholly inside the image; only these are looked at
 * @used:      one bit for each of them: some chain holds it
 */
struct fat_volume {
	struct rimg_layer *l;
	struct fat_info *info;
	struct fat_geometry geo;
	uint8_t *table;
	size_t table_len;
	uint32_t n_present;
	uint8_t *used;
	struct fat_pending *queue;
	size_t n_queue, cap_queue;
};

/** struct fat_run - clusters in a row */
struct fat_run {
	uint32_t cluster;
	uint32_t n;
};

/**
 * struct fat_chain - the clusters of one file or directory, in order
 * @whole: it ended with an end mark; if not, a finding says why
 */
struct fat_chain {
	struct fat_run *runs; /* malloc'ed; fat_chain_done() */
	size_t n_runs, cap_runs;
	uint64_t n_clusters;
	bool whole;
};

/** struct fat_entry - a short directory entry */
struct fat_entry {
	uint8_t name[FAT_NAME_LEN];
	uint8_t attr;
	uint8_t nt_case;
	uint32_t cluster;
	uint32_t size;
};

/* ---- fat.c -------------------------------------------------------------------------------- */

/** fat_cluster_off - byte offset of a cluster, which must be at least FAT_FIRST_CLUSTER */
static inline uint64_t fat_cluster_off(const struct fat_geometry *g, uint32_t cluster)
{
	return g->data_off + (uint64_t)(cluster - FAT_FIRST_CLUSTER) * g->cluster;
}

/* ---- fat_table.c -------------------------------------------------------------------------- */

/** fat_read_table - nodes and claims of the FATs; the active one goes to memory */
int fat_read_table(struct fat_volume *v, struct rimg_error *err);

/**
 * fat_follow - collect the chain that begins at @first, for @node
 * @off: where in the layer @first is named, for findings
 * @ret: begins empty; free it with fat_chain_done()
 *
 * Every cluster is taken once: one that is in another chain, or in this one before, ends the chain
 * with a finding. So all chains of a volume together are as long as its clusters are many.
 * Returns 0 or -RIMG_E_NOMEM.
 */
int fat_follow(struct fat_volume *v, struct rimg_node *node, uint32_t first, uint64_t off,
	       struct fat_chain *ret);

void fat_chain_done(struct fat_chain *c);

/** fat_claim_rest - free, lost and bad clusters, and what is behind the last one */
int fat_claim_rest(struct fat_volume *v);

/* ---- fat_entry.c -------------------------------------------------------------------------- */

/** struct fat_name - a name as the tree has it: UTF-8, or what the code page of the maker was */
struct fat_name {
	char text[UTF16_MAX(FAT_LONG_ENTRIES * FAT_LONG_UNITS) + 1];
	size_t len;
};

/**
 * struct fat_long - the long-name entries before a short entry, as far as they came
 * @off:   where each of the @n seen is; the last part of the name comes first
 * @total: entries that the name has
 */
struct fat_long {
	uint64_t off[FAT_LONG_ENTRIES];
	unsigned n, total;
	uint8_t checksum;
	uint16_t units[FAT_LONG_ENTRIES * FAT_LONG_UNITS];
};

/** fat_entry_parse - take a short entry of FAT_ENTRY_LEN bytes apart */
struct fat_entry fat_entry_parse(const struct fat_volume *v, const uint8_t *slot);

/** fat_entry_is - is it "." or ".."? */
bool fat_entry_is(const struct fat_entry *e, const char *name);

/** fat_short_name - "NAME.EXT" of an entry, in lower case where the entry says so */
void fat_short_name(const struct fat_entry *e, struct fat_name *ret);

/** fat_check_short - finding fat.short-name when there are characters that no short name has */
void fat_check_short(struct fat_volume *v, struct rimg_node *node, const struct fat_entry *e,
		     uint64_t off);

/**
 * fat_long_add - the next long-name entry of a directory
 *
 * Returns false when it does not continue the name: then nothing has changed.
 */
bool fat_long_add(struct fat_long *l, const uint8_t *slot, uint64_t off);

/** fat_long_fits - is the name complete, and that of this short entry? */
bool fat_long_fits(const struct fat_long *l, const struct fat_entry *e);

/** fat_long_name - the name of a complete one; returns what is wrong with it, or NULL */
const char *fat_long_name(const struct fat_long *l, struct fat_name *ret);

/**
 * fat_entry_fields - the attributes of a short entry
 * @slot:   FAT_ENTRY_LEN bytes, at @off of the layer
 * @prefix: put before each key; NULL for none
 */
int fat_entry_fields(struct fat_volume *v, struct rimg_node *node, const char *prefix,
		     const uint8_t *slot, uint64_t off);

/* ---- fat_dir.c ---------------------------------------------------------------------------- */

/** fat_read_tree - the root directory and all that is below it */
int fat_read_tree(struct fat_volume *v, struct rimg_error *err);

/* ---- fat_check.c -------------------------------------------------------------------------- */

int fat_check(struct rimg_layer *l, struct rimg_error *err);

#endif
