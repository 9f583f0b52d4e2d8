/* SPDX-License-Identifier: MIT */
#ifndef CORE_BLAKE3_H
#define CORE_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE3_LEN       32U
#define BLAKE3_BLOCK_LEN 64U
#define BLAKE3_DEPTH_MAX 54U /* 2^54 chunks of 1024 bytes are 2^64 bytes */

/**
 * struct blake3 - BLAKE3 of bytes that come in pieces; plain hashing only, 32 bytes of output
 *
 * Nothing is allocated: no call to end it is needed. The fields are for blake3.c alone.
 */
struct blake3 {
	uint32_t chunk[8];               /* chaining value of the chunk so far */
	uint8_t block[BLAKE3_BLOCK_LEN]; /* of that chunk, not compressed yet */
	uint32_t block_len;
	uint32_t n_blocks; /* of that chunk, compressed */
	uint64_t n_chunks; /* complete */
	uint32_t stack[BLAKE3_DEPTH_MAX][8];
	uint32_t stack_len;
};

/** blake3_init, blake3_update - begin; add @len bytes */
void blake3_init(struct blake3 *b);
void blake3_update(struct blake3 *b, const void *data, size_t len);

/** blake3_final - the digest of all that was given; @b is as before and can take more */
void blake3_final(const struct blake3 *b, uint8_t ret[BLAKE3_LEN]);

/** blake3_bytes - of @len bytes at once */
void blake3_bytes(const void *data, size_t len, uint8_t ret[BLAKE3_LEN]);

#endif
