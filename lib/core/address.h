/* SPDX-License-Identifier: MIT */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include <rimg/image.h>

/**
 * address_split - cut "PATH::STEPS" at the first "::" that no backslash stands before
 * @ret_path:  the host path, unescaped; the caller frees it
 * @ret_steps: points into @address, after the "::", or at its end
 */
int address_split(const char *address, char **ret_path, const char **ret_steps,
		  struct rimg_error *err);

/**
 * address_open - open the host file of an address, and nothing in it
 * @ret_steps: what is left of @address, for address_find()
 *
 * Returns the image (rimg_image_free()) or NULL.
 */
struct rimg_image *address_open(struct rimg_ctx *ctx, const char *address, const char **ret_steps,
				struct rimg_error *err);

/**
 * address_find - follow steps from @node
 *
 * Returns the node or NULL with @err set, as rimg_image_find() does.
 */
struct rimg_node *address_find(struct rimg_node *node, const char *steps, struct rimg_error *err);

/** address_step_len - length of the first step of @steps, up to "::" or the end */
size_t address_step_len(const char *steps);

#endif
