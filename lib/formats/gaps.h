/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_GAPS_H
#define FORMATS_GAPS_H

#include <stdbool.h>

#include "core/layer.h"

/* What openers of files with alignment gaps share: to find the bytes that they have not claimed, to
 * see whether these are zero, and to give them to a node called "padding". */

/** struct gap_run - a run of bytes of the layer that nothing has claimed so far */
struct gap_run {
	uint64_t off;
	uint64_t len;
};

/**
 * gaps_list - every unclaimed run of the layer, ascending
 * @ret:   set on success only; the caller frees it
 *
 * Call it when all else is claimed: later claims don't show. Returns 0 or -RIMG_E_NOMEM.
 */
int gaps_list(const struct rimg_layer *l, struct gap_run **ret, size_t *ret_n);

/**
 * gaps_zero - are the bytes [off, off + len) of the layer, which lie inside, all zero?
 *
 * Returns 0, or an error of layer_read() that open() has to return.
 */
int gaps_zero(struct rimg_layer *l, uint64_t off, uint64_t len, bool *ret, struct rimg_error *err);

/**
 * gaps_pad - claim bytes as padding
 * @node: the layer's node "padding", made by the first call; starts as NULL
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int gaps_pad(struct rimg_layer *l, struct rimg_node **node, uint64_t off, uint64_t len);

#endif
