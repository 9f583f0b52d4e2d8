/* SPDX-License-Identifier: MIT */
#ifndef RIMG_RIMG_H
#define RIMG_RIMG_H

#include <stddef.h>
#include <stdint.h>

#include <rimg/error.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/*
 * librimg: opens disk images, walks what is in them, checks and compares them. The parts:
 *
 *     <rimg/error.h>   what a failure looks like      <rimg/source.h>  bytes that can be read
 *     <rimg/image.h>   an opened image, addresses     <rimg/node.h>    what is in it
 *     <rimg/check.h>   is it sound?                   <rimg/diff.h>    what differs?
 *
 * Threads: there is no state outside of contexts, and two of them have nothing to do with one
 * another. What belongs to one context (its images, their nodes, results made of them) is used by
 * one thread at a time, but for sources, which any number of threads may read at once. The library
 * uses threads of its own inside of a call; they never change a result, and callbacks come from the
 * calling thread.
 *
 * Texts are UTF-8 or bytes that are not; those called harmless hold no control characters. Offsets
 * and lengths are in bytes. Library calls never print, never end the process, and need no locale.
 */

/** RIMG_VERSION - version of these headers, "MAJOR.MINOR.PATCH"; see rimg_version() */
#define RIMG_VERSION "0.1.0"

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

/** struct rimg_ctx - settings shared by the images opened with it; used by one thread at a time */
struct rimg_ctx;

/** rimg_limits_default - the defaults named above; any thread */
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

/** rimg_ctx_free - free a context, after everything made with it; NULL is fine. The password is
 * wiped. */
void rimg_ctx_free(struct rimg_ctx *ctx);

/**
 * rimg_ctx_set_password - the password that encrypted volumes are tried with
 * @password: any bytes, copied; NULL forgets it
 * @len:      how many
 *
 * For images that are opened later. A wrong password is a finding of the volume, which then cannot
 * be looked into.
 * Returns 0 or -RIMG_E_NOMEM.
 */
int rimg_ctx_set_password(struct rimg_ctx *ctx, const void *password, size_t len);

/** rimg_version - version of the library that runs, "MAJOR.MINOR.PATCH"; static, any thread */
const char *rimg_version(void);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
