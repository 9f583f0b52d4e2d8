/* SPDX-License-Identifier: MIT */
#ifndef RIMG_RIMG_H
#define RIMG_RIMG_H

#include <stddef.h>
#include <stdint.h>

#include <rimg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct rimg_limits - how much one context may spend on an image
 *
 * Every loop, recursion and allocation that an image can steer is bounded by one of these. Going
 * over one is RIMG_E_LIMIT or finding `layer.limit`, never a crash.
 */
struct rimg_limits {
	uint32_t layer_depth;    /* layers inside layers; 16 */
	uint32_t dir_depth;      /* directories inside directories; 1024 */
	uint64_t nodes;          /* nodes of one image; 4,194,304 */
	uint64_t arena_bytes;    /* metadata of one image, bytes; 1 GiB */
	uint64_t read_factor;    /* bytes an opener may read: factor * size of its layer ... */
	uint64_t read_extra;     /* ... plus this; 16 and 64 MiB. The contents of all layers of an
				   image together are bounded likewise by the image's size */
	uint64_t findings;       /* findings kept per layer, more are counted; 10,000 */
	uint64_t analysis_bytes; /* largest content held whole (ELF, PE, archives); 256 MiB */
	uint32_t attr_bytes;     /* longest attribute value, bytes; 64 KiB */
	uint32_t decoded_bytes;  /* decoded output of one extent, bytes; 1 MiB */
};

/** struct rimg_ctx - settings shared by the images opened with it; one per command */
struct rimg_ctx;

/** rimg_limits_default - the defaults named above */
struct rimg_limits rimg_limits_default(void);

/**
 * rimg_ctx_new - make a context
 * @limits:  copied; NULL for the defaults
 * @threads: 1..256 worker threads; 0 for one per online processor. Never changes a result.
 *
 * Returns a context that the caller frees with rimg_ctx_free() after every image opened with it,
 * or NULL without memory.
 */
struct rimg_ctx *rimg_ctx_new(const struct rimg_limits *limits, unsigned threads);

/** rimg_ctx_free - free a context; NULL is fine. The password is wiped. */
void rimg_ctx_free(struct rimg_ctx *ctx);

/**
 * rimg_ctx_set_password - the password that encrypted volumes are tried with
 * @password: @len bytes, copied; NULL forgets it
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int rimg_ctx_set_password(struct rimg_ctx *ctx, const void *password, size_t len);

/** rimg_version - version of the library, "MAJOR.MINOR.PATCH" */
const char *rimg_version(void);

#ifdef __cplusplus
}
#endif
#endif
