/* SPDX-License-Identifier: MIT */
#ifndef SAME_HASH_H
#define SAME_HASH_H

/* Names that RedoxFS gives the same hash: the low 32 bits of seahash (docs/formats/redoxfs.md,
 * "Directories"). Every step of seahash can be taken back, so the last eight bytes of a name follow
 * from the others and from the hash that is wanted; of all the values of its upper half, which
 * RedoxFS drops, those are taken whose eight bytes are letters. This is written from the
 * description and not with lib/core/seahash.c, so that one tests the other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SAME_HASH_MAX 248

struct same_hash {
	char name[SAME_HASH_MAX + 1];
	size_t len;
	uint32_t hash;
	uint64_t upper; /* the next one to try */
};

#define SAME_HASH_FACTOR UINT64_C(0x6eed0e9da4d94a4f)

static inline uint64_t same_hash_mix(uint64_t x)
{
	x *= SAME_HASH_FACTOR;
	x ^= (x >> 32) >> (x >> 60);
	return x * SAME_HASH_FACTOR;
}

/* The x of which same_hash_mix(x) is @y. The shift leaves the upper half alone, which names it. */
static inline uint64_t same_hash_unmix(uint64_t y)
{
	uint64_t inverse =
		SAME_HASH_FACTOR; /* right in the lowest 3 bits; each step doubles them */

	for (int i = 0; i < 5; i++)
		inverse *= 2 - SAME_HASH_FACTOR * inverse;
	y *= inverse;
	y ^= (y >> 32) >> (y >> 60);
	return y * inverse;
}

static inline uint64_t same_hash_word(const char *bytes)
{
	uint64_t word = 0;

	for (int i = 7; i >= 0; i--)
		word = word << 8 | (uint8_t)bytes[i];
	return word;
}

/** same_hash_init - names of @len bytes, a multiple of 8, with the hash @hash */
static inline struct same_hash same_hash_init(size_t len, uint32_t hash)
{
	struct same_hash s = { .len = len, .hash = hash };

	memset(s.name, 'x', len);
	return s;
}

/** same_hash_next - the next one; valid until the one after it */
static inline const char *same_hash_next(struct same_hash *s)
{
	uint64_t lane[4] = { UINT64_C(0x16f11fe89b0d677c), UINT64_C(0xb480a793d8e6c86c),
			     UINT64_C(0x6fe2e5aaf078ebc9), UINT64_C(0x14f994a4c5259381) };
	size_t last = s->len / 8 - 1;
	uint64_t others;

	for (size_t i = 0; i < last; i++)
		lane[i % 4] = same_hash_mix(lane[i % 4] ^ same_hash_word(s->name + 8 * i));
	others = lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ lane[last % 4] ^ s->len;
	for (;;) {
		uint64_t want = same_hash_unmix(s->upper++ << 32 | s->hash) ^ others;
		uint64_t word = same_hash_unmix(want) ^ lane[last % 4];
		bool good = true;

		for (int i = 0; i < 8 && good; i++) {
			char c = (char)(word >> 8 * i & 255);

			s->name[8 * last + (size_t)i] = c;
			good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '+';
		}
		if (good)
			return s->name;
	}
}

#endif
