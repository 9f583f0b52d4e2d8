/* SPDX-License-Identifier: MIT */
#include "core/lz4.h"

#include <stdbool.h>
#include <string.h>

/* An LZ4 block is a row of sequences: a token (lengths, four bits each), more length bytes,
 * literals, a 16-bit distance, more length bytes. The last one ends with its literals.
 *
 * Which matches are taken is what this file fixes. Positions are found again through a table with
 * one position for each hash of the next bytes; a longer search steps faster. */

#define MIN_MATCH      4U     /* shortest match */
#define LAST_START     12U    /* no match begins in the last bytes of the input ... */
#define LAST_LITERALS  6U     /* ... and none reaches into these */
#define DISTANCE_MAX   65535U /* what the 16-bit distance holds */
#define SMALL_INPUT    65535U /* shorter inputs hash four bytes instead of five */
#define TOKEN_MAX      15U
#define SEARCH_SHIFT   5 /* every 32 misses, the step grows by one */
#define WORD           8U
#define always_inline_ static inline __attribute__((always_inline))

struct output {
	uint8_t *data;
	size_t pos, cap;
};

always_inline_ uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

always_inline_ uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* 0..LZ4_SLOTS-1, from the four or five bytes at @p; eight can be read there. */
always_inline_ uint32_t slot_of(const uint8_t *p, bool small)
{
	if (small)
		return (load32(p) * 2654435761U) >> 20;
	return (uint32_t)(((load64(p) << 24) * UINT64_C(889523592379)) >> 52);
}

/* How many bytes at @a and @b are equal, at most @max. */
always_inline_ size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t max)
{
	size_t n = 0;

	while (max - n >= WORD) {
		uint64_t different = load64(a + n) ^ load64(b + n);

		if (different)
			return n + (size_t)__builtin_ctzll(different) / 8;
		n += WORD;
	}
	while (n < max && a[n] == b[n])
		n++;
	return n;
}

always_inline_ size_t length_bytes(size_t len)
{
	return len < TOKEN_MAX ? 0 : (len - TOKEN_MAX) / 255 + 1;
}

/* What of a length does not fit into the token; there is room. */
always_inline_ void put_length(struct output *o, size_t len)
{
	if (len < TOKEN_MAX)
		return;
	for (len -= TOKEN_MAX; len >= 255; len -= 255)
		o->data[o->pos++] = 255;
	o->data[o->pos++] = (uint8_t)len;
}

/* Token and literals, with room for @more bytes after them; false if that does not fit. @readable:
 * bytes that the input still has at @lit. */
always_inline_ bool put_literals(struct output *o, const uint8_t *lit, size_t len, size_t readable,
				 size_t match, size_t more)
{
	size_t low = match < TOKEN_MAX ? match : TOKEN_MAX;
	size_t high = len < TOKEN_MAX ? len : TOKEN_MAX;
	size_t left = o->cap - o->pos;
	size_t need = 1 + length_bytes(len) + len + more;

	if (need > left)
		return false;
	o->data[o->pos++] = (uint8_t)(high << 4 | low);
	put_length(o, len);
	if (len <= 2 * WORD && readable >= 2 * WORD && left - need >= 2 * WORD)
		memcpy(o->data + o->pos, lit, 2 * WORD); /* short runs: more, but no loop */
	else if (len > 0)
		memcpy(o->data + o->pos, lit, len);
	o->pos += len;
	return true;
}

struct match {
	size_t cur; /* LAST_START or more before the end; 0: no match */
	size_t from;
};

/* The first match at @cur or after it. */
always_inline_ struct match find_match(const uint8_t *in, size_t n, size_t cur, uint32_t *table,
				       bool small)
{
	uint32_t misses = 1U << SEARCH_SHIFT;

	while (cur <= n - LAST_START) {
		uint32_t slot = slot_of(in + cur, small);
		size_t from = table[slot];

		table[slot] = (uint32_t)cur;
		if ((small || cur - from <= DISTANCE_MAX) && load32(in + from) == load32(in + cur))
			return (struct match){ .cur = cur, .from = from };
		cur += misses++ >> SEARCH_SHIFT;
	}
	return (struct match){ 0 };
}

always_inline_ size_t compress(const uint8_t *in, size_t n, struct output *o, uint32_t *table,
			       bool small)
{
	size_t lit = 0; /* what is not written yet begins here */
	size_t cur = 1;

	/* position 0 is entered into a table of zeros: nothing to do */
	while (n > LAST_START) {
		struct match m = find_match(in, n, cur, table, small);
		size_t distance = m.cur - m.from;
		size_t len;

		if (m.cur == 0)
			break;
		while (m.from > 0 && m.cur > lit && in[m.from - 1] == in[m.cur - 1]) {
			m.from--;
			m.cur--;
		}
		cur = m.cur + MIN_MATCH;
		len = equal_bytes(in + cur, in + m.from + MIN_MATCH, n - LAST_LITERALS - cur);
		if (!put_literals(o, in + lit, m.cur - lit, n - lit, len, 2 + length_bytes(len)))
			return 0;
		o->data[o->pos++] = (uint8_t)distance;
		o->data[o->pos++] = (uint8_t)(distance >> 8);
		put_length(o, len);
		cur += len;
		table[slot_of(in + cur - 2, small)] = (uint32_t)(cur - 2);
		lit = cur;
	}
	if (!put_literals(o, in + lit, n - lit, n - lit, 0, 0))
		return 0;
	return o->pos;
}

size_t lz4_compress(const uint8_t *in, size_t n, uint8_t *out, size_t cap, struct lz4_work *w)
{
	struct output o = { .data = out, .cap = cap };

	if (n > LZ4_INPUT_MAX)
		return 0;
	memset(w->table, 0, sizeof(w->table));
	return n < SMALL_INPUT ? compress(in, n, &o, w->table, true)
			       : compress(in, n, &o, w->table, false);
}
