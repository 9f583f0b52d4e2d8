/* SPDX-License-Identifier: MIT */
#ifndef CORE_LZ4_H
#define CORE_LZ4_H

#include <stddef.h>
#include <stdint.h>

#define LZ4_SLOTS     4096U
#define LZ4_INPUT_MAX (1U << 30)

/** struct lz4_work - scratch of one compression; nothing needs to be set, nothing is kept */
struct lz4_work {
	uint32_t table[LZ4_SLOTS];
};

/**
 * lz4_compress - make one LZ4 block, byte for byte the one that RedoxFS writes
 * @in:  @n bytes, at most LZ4_INPUT_MAX
 * @out: receives at most @cap bytes; what lies behind the result, up to @cap, is undefined
 *
 * The matcher is frozen: it makes the same bytes on every machine and in every version, because
 * they are part of images. It is that of lz4_flex 0.11 on 64-bit little-endian machines.
 * Facts: docs/formats/redoxfs.md, "LZ4".
 * Returns the length of the block (at least 1), or 0 when it is longer than @cap.
 */
size_t lz4_compress(const uint8_t *in, size_t n, uint8_t *out, size_t cap, struct lz4_work *w);

#endif
