/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_FAT_NAMES_H
#define FORMATS_FAT_NAMES_H

#include "core/plan.h"
#include "formats/fat.h"

/**
 * struct fat_name - how one entry of a directory is called on disk
 * @node:    the entry
 * @short_name: base and extension, padded with spaces
 * @units:   long name, NUL-free; n_units 0: the short name says it all
 */
struct fat_name {
	const struct plan_node *node;
	uint8_t short_name[FAT_NAME_LEN];
	uint16_t units[FAT_LONG_MAX];
	uint16_t n_units;
};

/**
 * fat_names - names for all entries of a directory, in its order
 * @dir: names are checked: characters, length, unique without regard to case
 *
 * A name that is an 8.3 name in capitals is stored as it is. All others get a long name and a short
 * one made of up to six characters, '~' and the lowest number that is free in the directory.
 * Returns an array of dir->n_children that the caller frees, or NULL with @err set.
 */
struct fat_name *fat_names(const struct plan_node *dir, struct rimg_error *err);

/** fat_name_slots - 32-byte entries that a name takes, its short entry included */
unsigned fat_name_slots(const struct fat_name *name);

#endif
