/* SPDX-License-Identifier: MIT */
#ifndef CORE_RD_H
#define CORE_RD_H

/* A cursor over untrusted bytes: the only way that a parser touches them.
 *
 * The cursor is sticky. The first read that does not fit sets `failed`; from then on every read
 * gives 0 and rd_left() is 0, so loops end and one check of `failed` covers a whole structure.
 * Check it before a value is used as an offset, as a size or in a decision.
 *
 * The plain readers are little-endian; rd_u16/u32/u64 follow `big` (ELF comes in both orders). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *data;
	size_t len;
	size_t pos;
	uint64_t origin; /* offset of data[0] in its source, for messages */
	bool big;        /* byte order of rd_u16, rd_u32, rd_u64 */
	bool failed;
};

static inline struct rd rd_init(const void *data, size_t len, uint64_t origin)
{
	/* an empty buffer may have no address; what is computed from it must be one */
	return (struct rd){ .data = data ? data : (const uint8_t *)"",
			    .len = data ? len : 0,
			    .origin = origin };
}

/** rd_left - bytes that can still be read */
static inline size_t rd_left(const struct rd *r)
{
	return r->failed ? 0 : r->len - r->pos;
}

/** rd_where - offset in the source of the next byte */
static inline uint64_t rd_where(const struct rd *r)
{
	return r->origin + r->pos;
}

/** rd_bytes - the next @n bytes in place, or NULL (and failed) if there are fewer */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p;

	if (n > rd_left(r)) {
		r->failed = true;
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += n;
	return p;
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_bytes(r, n);
}

/** rd_seek - go to byte @pos of the buffer */
static inline void rd_seek(struct rd *r, uint64_t pos)
{
	if (r->failed || pos > r->len)
		r->failed = true;
	else
		r->pos = (size_t)pos;
}

/** rd_copy - copy @n bytes to @to, zeros if there are fewer */
static inline void rd_copy(struct rd *r, void *to, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}

/** rd_sub - a cursor over [off, off + len) of the same buffer; failed if that is not inside */
static inline struct rd rd_sub(const struct rd *r, uint64_t off, uint64_t len)
{
	struct rd sub = { .data = r->data, .origin = r->origin, .big = r->big, .failed = true };

	if (r->failed || off > r->len || len > r->len - off)
		return sub;
	sub.data = r->data + off;
	sub.len = (size_t)len;
	sub.origin = r->origin + off;
	sub.failed = false;
	return sub;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}

/** rd_le, rd_be - a number of @n bytes, at most 8 */
static inline uint64_t rd_le(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = n; p && i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static inline uint64_t rd_be(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = 0; p && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static inline uint16_t rd_le16(struct rd *r)
{
	return (uint16_t)rd_le(r, 2);
}

static inline uint32_t rd_le32(struct rd *r)
{
	return (uint32_t)rd_le(r, 4);
}

static inline uint64_t rd_le64(struct rd *r)
{
	return rd_le(r, 8);
}

static inline uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)(r->big ? rd_be(r, 2) : rd_le(r, 2));
}

static inline uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)(r->big ? rd_be(r, 4) : rd_le(r, 4));
}

static inline uint64_t rd_u64(struct rd *r)
{
	return r->big ? rd_be(r, 8) : rd_le(r, 8);
}

#endif
