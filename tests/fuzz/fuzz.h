/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

/* What fuzz targets share. A target is tests/fuzz/fuzz_NAME.c; it is linked to libFuzzer, to the
 * driver of AFL++, or to replay.c. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <rimg/image.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/** fuzz_require - a property of the target: a breach is a crash that the engine keeps */
static inline void fuzz_require(bool holds)
{
	if (!holds)
		abort();
}

/**
 * fuzz_ctx - a context of one thread with limits so small that they are reached before the patience
 *            of an engine; made by the first call, and then always the same
 */
struct rimg_ctx *fuzz_ctx(void);

/**
 * fuzz_image - open bytes as an image: every layer, every node, every content, every check
 *
 * Beyond not crashing, a layer has to keep its word: its claims cover all of its bytes, each once.
 */
void fuzz_image(const uint8_t *data, size_t len);

/** fuzz_source - fuzz_image() of a source, which stays the caller's */
void fuzz_source(const struct rimg_source *src);

#endif
