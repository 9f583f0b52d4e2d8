/* SPDX-License-Identifier: MIT */
#include "core/seahash.h"

#include <endian.h>
#include <string.h>

#define LANES      4
#define WORD       8
#define MULTIPLIER UINT64_C(0x6eed0e9da4d94a4f)

static uint64_t diffuse(uint64_t x)
{
	x *= MULTIPLIER;
	x ^= (x >> 32) >> (x >> 60);
	return x * MULTIPLIER;
}

/* @n bytes, 1 to 8 of them, as a little-endian number. */
static uint64_t word_at(const uint8_t *p, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, p, n);
	return le64toh(word);
}

uint64_t seahash(const void *data, size_t len)
{
	uint64_t lane[LANES] = { UINT64_C(0x16f11fe89b0d677c), UINT64_C(0xb480a793d8e6c86c),
				 UINT64_C(0x6fe2e5aaf078ebc9), UINT64_C(0x14f994a4c5259381) };
	const uint8_t *p = data;
	size_t left = len;

	/* word i goes to lane i mod 4: the four chains of multiplications run side by side */
	for (; left >= LANES * WORD; left -= LANES * WORD, p += LANES * WORD) {
#pragma GCC unroll 4 /* LANES: then they stay in registers */
		for (size_t i = 0; i < LANES; i++)
			lane[i] = diffuse(lane[i] ^ word_at(p + i * WORD, WORD));
	}
	for (size_t i = 0; left > 0; i++) {
		size_t n = left < WORD ? left : WORD;

		lane[i] = diffuse(lane[i] ^ word_at(p, n));
		p += n;
		left -= n;
	}
	return diffuse(lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ len);
}
