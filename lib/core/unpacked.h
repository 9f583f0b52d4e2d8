/* SPDX-License-Identifier: MIT */
#ifndef CORE_UNPACKED_H
#define CORE_UNPACKED_H

#include <rimg/error.h>

#include <stddef.h>
#include <stdint.h>

/**
 * struct unpacked - contents that are held whole in memory, the ones read last
 *
 * For contents that can only be made from their beginning on, such as a long compressed stream:
 * made once, they can be read in any order. One for a context, so that a command holds a bounded
 * number of bytes, however many images it opens. Safe from many threads, one at a time.
 */
struct unpacked;

/**
 * struct unpacked_item - one content; it belongs to whoever can make it
 * @len:  bytes of the content, at least 1
 * @make: write all of them; may read other items. Returns 0 or a code of rimg_source_read().
 * @ctx:  for @make
 */
struct unpacked_item {
	uint64_t len;
	int (*make)(const struct unpacked_item *item, uint8_t *out, struct rimg_error *err);
	const void *ctx;
	/* for unpacked.c alone; zero at first */
	uint8_t *data;
	struct unpacked_item *newer, *older;
};

/** unpacked_new - @max: bytes held at the same time, unless one item alone has more; NULL without
 * memory */
struct unpacked *unpacked_new(uint64_t max);

/** unpacked_free - every item must have been dropped; NULL is fine */
void unpacked_free(struct unpacked *u);

/**
 * unpacked_read - bytes of a content, which is made if it is not held
 *
 * [off, off + len) must lie inside. Returns 0, -RIMG_E_NOMEM or what the item's @make returned.
 */
int unpacked_read(struct unpacked *u, struct unpacked_item *item, uint64_t off, void *buf,
		  size_t len, struct rimg_error *err);

/** unpacked_drop - forget an item, before the memory that it lies in is freed */
void unpacked_drop(struct unpacked *u, struct unpacked_item *item);

#endif
