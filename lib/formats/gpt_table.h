/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_GPT_TABLE_H
#define FORMATS_GPT_TABLE_H

#include "core/format.h"
#include "formats/gpt.h"

/* What the files of the GPT reader share. */

/** struct gpt_entry - one entry, GUIDs in text order */
struct gpt_entry {
	uint8_t type[16];
	uint8_t unique[16];
	uint64_t first_lba;
	uint64_t last_lba; /* inclusive */
	uint64_t flags;
	uint16_t name[GPT_NAME_UNITS];
};

/**
 * struct gpt_copy - one of the two tables: a header and the entries it names
 * @there:         its sector is inside the image
 * @readable:      signature and sizes are such that its fields mean something
 * @valid:         readable, and checksum and place are right
 * @entries_off:   byte offset of the entries; wherever they are expected when not @readable
 * @entries:       @entries_len bytes, or NULL when they could not be read
 * @entries_valid: valid, and the checksum of the entries is right
 */
struct gpt_copy {
	const char *title; /* "primary", "backup" */
	struct rimg_node *node;
	struct rimg_node *entries_node;
	uint64_t lba;
	bool there;
	bool readable;
	bool valid;
	bool entries_valid;
	uint64_t my_lba, alternate_lba;
	uint64_t first_usable_lba, last_usable_lba;
	uint64_t entries_lba;
	uint8_t disk_guid[16];
	uint32_t header_len;
	uint32_t n_entries, entry_len;
	uint32_t entries_crc;
	uint64_t entries_off;
	uint8_t *entries;
	size_t entries_len;
};

/** struct gpt_part - one partition, as the table in use has it */
struct gpt_part {
	uint32_t number; /* 1-based */
	bool name_ok;    /* its name is valid UTF-16 */
	struct gpt_entry entry;
	struct rimg_node *node;
};

/** struct gpt_info - what check() needs; lives in the layer's arena */
struct gpt_info {
	uint32_t sector;
	struct rimg_node *unallocated;
	struct gpt_part *parts;
	size_t n_parts;
};

/** struct gpt - a table while it is opened */
struct gpt {
	struct rimg_layer *l;
	struct gpt_info *info;
	uint32_t sector;    /* bytes */
	uint64_t n_sectors; /* whole ones */
	uint64_t last_lba;  /* of the disk */
	struct gpt_copy primary, backup;
	struct gpt_copy *used;  /* NULL: neither can be used */
	struct gpt_copy *other; /* the one that is not used */
};

/** gpt_entry_get - entry @i of a copy; false when the copy has none of that number */
bool gpt_entry_get(const struct gpt_copy *c, uint32_t i, struct gpt_entry *ret);

/** gpt_entry_used - does the entry describe a partition? */
bool gpt_entry_used(const struct gpt_entry *e);

/**
 * gpt_entry_name - the name of the entry up to its end mark, as UTF-8
 * @name:   room for GPT_NAME_MAX + 1 bytes; receives the name and a NUL
 * @ret_ok: is it well-formed UTF-16?
 *
 * Returns the length in bytes.
 */
size_t gpt_entry_name(const struct gpt_entry *e, char *name, bool *ret_ok);

/**
 * gpt_read_tables - both headers and both arrays of entries
 *
 * Makes their nodes, claims the headers, and says in g->used which copy holds.
 * Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM, -RIMG_E_LIMIT.
 */
int gpt_read_tables(struct gpt *g, struct rimg_error *err);

/**
 * gpt_check_fdisk - compare the partitions with what libfdisk sees on the same host file
 *
 * Only when the layer is a whole host file; otherwise nothing is done. Returns 0 or -RIMG_E_NOMEM.
 */
int gpt_check_fdisk(struct rimg_layer *l, const struct gpt_info *info, struct rimg_error *err);

#endif
