/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_GPT_EMIT_H
#define FORMATS_GPT_EMIT_H

#include "core/emit.h"

/**
 * struct gpt_partition - one partition to be written
 * @name:       UTF-8, at most 36 UTF-16 units
 * @type:       type GUID in text order
 * @guid:       unique GUID in text order, or NULL: derived from the seed and the entry's number
 * @first_lba:  first sector of 512 bytes
 * @last_lba:   last sector, inclusive
 * @attributes: attribute bits
 */
struct gpt_partition {
	const char *name;
	uint8_t type[16];
	const uint8_t *guid;
	uint64_t first_lba;
	uint64_t last_lba;
	uint64_t attributes;
};

/**
 * gpt_emit - protective MBR, primary and backup table for a disk of the sink's size
 * @rq:    seed, layer_name and uuid (the disk GUID) count
 * @parts: in the order of their entries, at most 128
 *
 * Writes sectors 0..33 and the last 33; the rest of the sink is the caller's.
 * Facts: docs/formats/gpt.md.
 * Returns 0; -RIMG_E_ARG for a size that is no multiple of 512 or a partition that does not fit,
 * overlaps another or has a name that cannot be stored; or what the sink returns.
 */
int gpt_emit(const struct emit_request *rq, const struct gpt_partition *parts, size_t n,
	     struct sink *sink, struct rimg_error *err);

/** gpt_usable - first and last usable sector of a disk of @size bytes; false if it is too small */
bool gpt_usable(uint64_t size, uint64_t *ret_first, uint64_t *ret_last);

#endif
