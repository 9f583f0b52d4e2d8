/* SPDX-License-Identifier: MIT */
#ifndef BUILD_DISK_H
#define BUILD_DISK_H

#include "core/emit.h"
#include "formats/gpt_emit.h"

/**
 * struct disk_part - one partition of a disk to be written
 * @gpt:    its entry
 * @format: what is made in it ("fat", "redoxfs") from @tree; NULL: @raw
 * @raw:    bytes that begin at its first sector, at most as long as it; NULL: zeros
 * @uuid:   of the volume made; NULL: derived
 */
struct disk_part {
	struct gpt_partition gpt;
	const char *format;
	struct plan *tree;
	enum emit_compression compression;
	const uint8_t *uuid;
	const struct rimg_source *raw;
};

/**
 * struct disk - a whole disk to be written
 * @guid: of the disk; NULL: derived
 */
struct disk {
	struct rimg_ctx *ctx;
	uint8_t seed[32];
	int64_t epoch;
	const uint8_t *guid;
	struct disk_part *parts;
	size_t n_parts;
};

/**
 * disk_write - partition table and the contents of every partition
 *
 * Volumes are made straight in their place. Returns 0 or an error that names the partition.
 */
int disk_write(const struct disk *d, struct sink *sink, struct rimg_error *err);

/**
 * disk_selfcheck - is what was written the disk that was planned?
 *
 * Reads the table back with our own reader, which must find nothing wrong, and with libfdisk, which
 * must see the same partitions; and every volume with selfcheck_tree().
 */
int disk_selfcheck(const struct disk *d, struct sink *sink, const char *name,
		   struct rimg_error *err);

/** disk_type - GUID of a partition type by name ("bios", "efi", "linux") or as text; false if none
 */
bool disk_type(const char *text, uint8_t ret[16]);

#endif
