/* SPDX-License-Identifier: MIT */
#ifndef CORE_OWNER_H
#define CORE_OWNER_H

#include "core/layer.h"

/**
 * struct owner - to whom a byte of an artifact belongs
 * @node:  the deepest node; never NULL
 * @claim: the claim that gave it the bytes; NULL when the artifact itself has no open layer
 * @attr:  the attribute of @node whose place this is, the first of several, or NULL
 * @off:   the byte asked for, in the source of the layer that @claim is of
 * @len:   how many bytes from the one asked for on surely have this owner; at least 1
 */
struct owner {
	struct rimg_node *node;
	const struct claim *claim;
	const struct rimg_attr *attr;
	uint64_t off;
	uint64_t len;
};

/**
 * owner_at - who owns byte @off of the content of @node
 * @descend: called for each node whose plain content the byte is in and that has an open layer:
 *           false stops there. NULL: always descend.
 *
 * @off must be less than the size of the content.
 */
struct owner owner_at(struct rimg_node *node, uint64_t off,
		      bool (*descend)(const struct rimg_node *node));

/**
 * owner_index - make finding the attribute of a byte quick
 *
 * For nodes whose attributes are all made; does nothing when they are few. Returns 0 or
 * -RIMG_E_NOMEM.
 */
int owner_index(struct rimg_node *node);

#endif
