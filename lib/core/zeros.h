/* SPDX-License-Identifier: MIT */
#ifndef CORE_ZEROS_H
#define CORE_ZEROS_H

#include "core/layer.h"

/**
 * zeros_check - is everything zero that holds nothing?
 * @severity: of the findings
 * @ret_read: grows by the bytes that were looked at; holes of the host file are not read
 *
 * Free space, padding and gaps (bytes of no structure) of an open layer, by its claims; what an
 * attribute stands for is not padding. Up to three findings `layer.not-zero`, one for each of these
 * kinds, with the first such byte and how many there are. Padding of an enciphered volume is noise
 * and not looked at.
 *
 * Returns 0 or a code of rimg_source_read(); damage of what the layer is stored in is finding
 * `layer.unreadable`.
 */
int zeros_check(struct rimg_layer *l, enum severity severity, uint64_t *ret_read,
		struct rimg_error *err);

#endif
