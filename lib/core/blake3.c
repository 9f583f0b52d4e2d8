/* SPDX-License-Identifier: MIT */
#include "core/blake3.h"

#include <string.h>

#include "core/num.h"

/* The input is cut into chunks of 1024 bytes, these into blocks of 64. The blocks of a chunk are
 * compressed one after the other, the chunks' values pairwise up a binary tree whose left subtrees
 * are complete. The last compression, wherever it happens, is marked as the root's and gives the
 * digest: so the newest block is kept back until it is known whether something follows.
 *
 * Facts: "BLAKE3: one function, fast everywhere", section 2. */

#define CHUNK_BLOCKS     16U
#define FLAG_CHUNK_START 1U
#define FLAG_CHUNK_END   2U
#define FLAG_PARENT      4U
#define FLAG_ROOT        8U

static const uint32_t initial[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

/* which message word goes where, in each of the seven rounds */
static const uint8_t schedule[7][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8 },
	{ 3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1 },
	{ 10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6 },
	{ 12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4 },
	{ 9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7 },
	{ 11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13 },
};

static inline uint32_t rotate(uint32_t v, unsigned by)
{
	return v >> by | v << (32 - by);
}

/* mix two message words into a column or a diagonal of the state */
static inline __attribute__((always_inline)) void
quarter(uint32_t s[16], unsigned a, unsigned b, unsigned c, unsigned d, uint32_t x, uint32_t y)
{
	s[a] += s[b] + x;
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b] + y;
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

/* one round: columns, then diagonals */
static inline __attribute__((always_inline)) void mix(uint32_t s[16], const uint32_t m[16],
						      const uint8_t w[16])
{
	quarter(s, 0, 4, 8, 12, m[w[0]], m[w[1]]);
	quarter(s, 1, 5, 9, 13, m[w[2]], m[w[3]]);
	quarter(s, 2, 6, 10, 14, m[w[4]], m[w[5]]);
	quarter(s, 3, 7, 11, 15, m[w[6]], m[w[7]]);
	quarter(s, 0, 5, 10, 15, m[w[8]], m[w[9]]);
	quarter(s, 1, 6, 11, 12, m[w[10]], m[w[11]]);
	quarter(s, 2, 7, 8, 13, m[w[12]], m[w[13]]);
	quarter(s, 3, 4, 9, 14, m[w[14]], m[w[15]]);
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* value = the compression of @block, on top of @value */
static void compress(uint32_t value[8], const uint8_t block[BLAKE3_BLOCK_LEN], uint32_t len,
		     uint64_t counter, uint32_t flags)
{
	uint32_t m[16], s[16];

	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		m[i] = load32(block + 4 * i);
	memcpy(s, value, 8 * sizeof(s[0]));
	memcpy(s + 8, initial, 4 * sizeof(s[0]));
	s[12] = (uint32_t)counter;
	s[13] = (uint32_t)(counter >> 32);
	s[14] = len;
	s[15] = flags;
	/* not a loop: so the compiler knows which words a round takes */
	mix(s, m, schedule[0]);
	mix(s, m, schedule[1]);
	mix(s, m, schedule[2]);
	mix(s, m, schedule[3]);
	mix(s, m, schedule[4]);
	mix(s, m, schedule[5]);
	mix(s, m, schedule[6]);
	for (size_t i = 0; i < 8; i++)
		value[i] = s[i] ^ s[i + 8];
}

static void store_value(const uint32_t value[8], uint8_t ret[BLAKE3_LEN])
{
	for (size_t i = 0; i < BLAKE3_LEN; i++)
		ret[i] = (uint8_t)(value[i / 4] >> 8 * (i % 4));
}

/* right = the parent of @left and @right */
static void join(const uint32_t left[8], uint32_t right[8], uint32_t flags)
{
	uint8_t block[BLAKE3_BLOCK_LEN];

	store_value(left, block);
	store_value(right, block + BLAKE3_LEN);
	memcpy(right, initial, sizeof(initial));
	compress(right, block, sizeof(block), 0, FLAG_PARENT | flags);
}

static uint32_t start_flag(const struct blake3 *b)
{
	return b->n_blocks == 0 ? FLAG_CHUNK_START : 0;
}

/* The chunk is full and something follows: its value goes onto the stack, joined with the subtrees
 * that it completes. There is one for each one bit at the end of the number of chunks before. */
static void end_chunk(struct blake3 *b)
{
	for (uint64_t before = b->n_chunks; before & 1; before >>= 1)
		join(b->stack[--b->stack_len], b->chunk, 0);
	memcpy(b->stack[b->stack_len++], b->chunk, sizeof(b->chunk));
	b->n_chunks++;
	b->n_blocks = 0;
	memcpy(b->chunk, initial, sizeof(initial));
}

/* One whole block that is not the last of the input. */
static void add_block(struct blake3 *b, const uint8_t *block)
{
	bool last = b->n_blocks == CHUNK_BLOCKS - 1;

	compress(b->chunk, block, BLAKE3_BLOCK_LEN, b->n_chunks,
		 start_flag(b) | (last ? FLAG_CHUNK_END : 0));
	b->n_blocks++;
	if (last)
		end_chunk(b);
}

void blake3_init(struct blake3 *b)
{
	*b = (struct blake3){ 0 };
	memcpy(b->chunk, initial, sizeof(initial));
}

void blake3_update(struct blake3 *b, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		size_t take;

		if (b->block_len == BLAKE3_BLOCK_LEN) {
			add_block(b, b->block);
			b->block_len = 0;
		}
		for (; b->block_len == 0 && len > BLAKE3_BLOCK_LEN; len -= BLAKE3_BLOCK_LEN) {
			add_block(b, p);
			p += BLAKE3_BLOCK_LEN;
		}
		take = (size_t)num_min(BLAKE3_BLOCK_LEN - b->block_len, len);
		memcpy(b->block + b->block_len, p, take);
		b->block_len += (uint32_t)take;
		p += take;
		len -= take;
	}
}

void blake3_final(const struct blake3 *b, uint8_t ret[BLAKE3_LEN])
{
	uint32_t flags = start_flag(b) | FLAG_CHUNK_END | (b->stack_len == 0 ? FLAG_ROOT : 0);
	uint8_t block[BLAKE3_BLOCK_LEN] = { 0 };
	uint32_t value[8];

	memcpy(block, b->block, b->block_len);
	memcpy(value, b->chunk, sizeof(value));
	compress(value, block, b->block_len, b->n_chunks, flags);
	for (uint32_t i = b->stack_len; i > 0; i--)
		join(b->stack[i - 1], value, i == 1 ? FLAG_ROOT : 0);
	store_value(value, ret);
}

void blake3_bytes(const void *data, size_t len, uint8_t ret[BLAKE3_LEN])
{
	struct blake3 b;

	blake3_init(&b);
	blake3_update(&b, data, len);
	blake3_final(&b, ret);
}
