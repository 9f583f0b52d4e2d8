/* SPDX-License-Identifier: MIT */
#ifndef BUILD_LOCK_H
#define BUILD_LOCK_H

#include "build/image.h"
#include "build/output.h"

/**
 * struct lock - every input of a build, with its digest: JSON "rimg.lock/1" (docs/manifest.md)
 */
struct lock {
	struct lock_entry *entries; /* sorted by address bytes */
	size_t n, cap;
	struct arena arena;
};

void lock_done(struct lock *lock);

/** lock_collect - the inputs of a prepared build, hashed in parallel; 0 or an error */
int lock_collect(const struct image_build *b, struct lock *ret, struct rimg_error *err);

/**
 * lock_compare_text - are they the inputs, epoch and seed that a lock names?
 * @m: that the inputs are of
 * @text: @len bytes: the lock
 * @name: of the text, for messages; copied
 * @complain: told of each difference
 * @ret_image: the SHA-256 that the lock names of the finished image
 *
 * Returns 0 if they are, 1 if not, or an error when the lock cannot be read.
 */
int lock_compare_text(const struct lock *lock, const struct manifest *m, const char *text,
		      size_t len, const char *name, void (*complain)(void *ctx, const char *text),
		      void *ctx, uint8_t ret_image[SHA256_LEN], struct rimg_error *err);

/** lock_compare - lock_compare_text() of the lock file @path */
int lock_compare(const struct lock *lock, const struct manifest *m, const char *path,
		 void (*complain)(void *ctx, const char *text), void *ctx,
		 uint8_t ret_image[SHA256_LEN], struct rimg_error *err);

/**
 * lock_layers - what a lock has digests of: the finished image first, its partitions, the initfs
 * @a:     holds them
 * @ret_n: how many; at least one
 *
 * They live as long as @b, @image and @a. NULL without memory.
 */
struct output_digest *lock_layers(const struct image_build *b, struct sink *image, struct arena *a,
				  size_t *ret_n, struct rimg_error *err);

/**
 * lock_write - the lock file @path: inputs, what decides the image, and the digests of its layers
 * @layers: those of lock_layers(), hashed by output_seal()
 *
 * Returns the file, written, to be given its name by sink_commit(); NULL on failure.
 */
struct sink *lock_write(const struct lock *lock, const struct image_build *b,
			const struct output_digest *layers, size_t n_layers, const char *path,
			struct rimg_error *err);

#endif
