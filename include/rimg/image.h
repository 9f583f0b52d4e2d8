/* SPDX-License-Identifier: MIT */
#ifndef RIMG_IMAGE_H
#define RIMG_IMAGE_H

#include <rimg/node.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct rimg_image - one opened artifact with the tree of all that was found in it */
struct rimg_image;

/**
 * rimg_image_open - open an artifact
 * @ctx:  must outlive the image
 * @src:  taken over: freed with the image, also when this fails
 * @name: what messages call it, usually the host path; copied
 *
 * Nothing is read yet: nodes open their contents when somebody looks inside.
 * Returns the image, which the caller frees with rimg_image_free(), or NULL with @err set.
 */
struct rimg_image *rimg_image_open(struct rimg_ctx *ctx, struct rimg_source *src, const char *name,
				   struct rimg_error *err);

/** rimg_image_free - free the image, its tree and its source; NULL is fine */
void rimg_image_free(struct rimg_image *image);

/** rimg_image_root - the node that is the whole artifact */
struct rimg_node *rimg_image_root(struct rimg_image *image);

/**
 * rimg_image_find - follow an address
 * @steps: what comes after the host path: "REDOX::/boot/kernel"; "" is the root
 *
 * Returns the node, or NULL with @err set: NOENT (names the step), UNSUPPORTED, BAD, IO, ...
 */
struct rimg_node *rimg_image_find(struct rimg_image *image, const char *steps,
				  struct rimg_error *err);

/**
 * rimg_image_open_address - open the host file of an address and follow its steps
 * @address:   "disk.img::REDOX::/boot/kernel"; in names "::" is written \::, a backslash \\, any
 *             byte \xNN (so a '/' in a path \x2f); \n \t \r are known too
 * @ret_image: set on success only; the caller frees it with rimg_image_free()
 *
 * Returns the node addressed or NULL with @err set.
 */
struct rimg_node *rimg_image_open_address(struct rimg_ctx *ctx, const char *address,
					  struct rimg_image **ret_image, struct rimg_error *err);

#ifdef __cplusplus
}
#endif
#endif
