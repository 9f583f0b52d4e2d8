/* SPDX-License-Identifier: MIT */
#ifndef CORE_WR_H
#define CORE_WR_H

/* A cursor for writing into a buffer, little-endian; the counterpart of rd.h, and sticky like it:
 * what does not fit is dropped and `failed` is set. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wr {
	uint8_t *data;
	size_t len;
	size_t pos;
	bool failed;
};

static inline struct wr wr_init(void *data, size_t len)
{
	return (struct wr){ .data = data, .len = len };
}

static inline void wr_bytes(struct wr *w, const void *bytes, size_t n)
{
	if (w->failed || n > w->len - w->pos) {
		w->failed = true;
		return;
	}
	if (n > 0)
		memcpy(w->data + w->pos, bytes, n);
	w->pos += n;
}

static inline void wr_zero(struct wr *w, size_t n)
{
	if (w->failed || n > w->len - w->pos) {
		w->failed = true;
		return;
	}
	if (n > 0)
		memset(w->data + w->pos, 0, n);
	w->pos += n;
}

/** wr_seek - go to byte @pos of the buffer */
static inline void wr_seek(struct wr *w, size_t pos)
{
	if (w->failed || pos > w->len)
		w->failed = true;
	else
		w->pos = pos;
}

/** wr_le - @value as a number of @n bytes, at most 8 */
static inline void wr_le(struct wr *w, uint64_t value, size_t n)
{
	uint8_t bytes[8];

	if (n > sizeof(bytes)) {
		w->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	wr_bytes(w, bytes, n);
}

static inline void wr_u8(struct wr *w, uint8_t value)
{
	wr_le(w, value, 1);
}

static inline void wr_le16(struct wr *w, uint16_t value)
{
	wr_le(w, value, 2);
}

static inline void wr_le32(struct wr *w, uint32_t value)
{
	wr_le(w, value, 4);
}

static inline void wr_le64(struct wr *w, uint64_t value)
{
	wr_le(w, value, 8);
}

#endif
