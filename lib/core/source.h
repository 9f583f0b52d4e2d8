/* SPDX-License-Identifier: MIT */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

#include <sys/types.h>

#include <rimg/source.h>

struct arena;

/* Sources are made of one another:
 *
 *   - file, memory, custom: ground, bytes of the outside world
 *   - slice: a range of one other source
 *   - extents: pieces in order, which are ranges of another source, zeros, or blocks that are
 *     checked and perhaps unpacked when they are read
 *   - view: another source of the same length, transformed (deciphered) on reading
 *
 * Files and memory are freed by rimg_source_free(); the others live in an arena. */

/** enum piece_kind - what stands behind a run of a source */
enum piece_kind {
	PIECE_RAW,   /* the same bytes in the base source */
	PIECE_ZERO,  /* zeros that are stored nowhere */
	PIECE_BLOCK, /* a stored block that is checked, and perhaps unpacked, when it is read */
	PIECE_BAD,   /* bytes that cannot be found, as what leads to them is damaged: -RIMG_E_BAD */
};

/**
 * struct source_piece - one run of an extents source
 * @off:      first byte in the source
 * @len:      bytes in the source
 * @base_off: first stored byte in the base source (RAW, BLOCK)
 * @base_len: stored bytes (RAW: @len; BLOCK: more when the end of the block is not content)
 * @kind:     enum piece_kind
 * @plain:    the first @len stored bytes are the content (always so for RAW)
 * @tag:      for the decoder alone
 */
struct source_piece {
	uint64_t off;
	uint64_t len;
	uint64_t base_off;
	uint64_t base_len;
	enum piece_kind kind;
	bool plain;
	uint64_t tag[2];
};

/**
 * typedef source_decode - produce the content of a BLOCK piece
 * @ctx:  what was given to source_extents()
 * @base: the source the piece is stored in
 * @out:  receives exactly @p->len bytes
 *
 * Called from many threads. Returns 0, -RIMG_E_BAD (damaged), -RIMG_E_IO, -RIMG_E_NOMEM.
 */
typedef int (*source_decode)(const void *ctx, const struct rimg_source *base,
			     const struct source_piece *p, uint8_t *out, struct rimg_error *err);

/**
 * typedef source_transform - change bytes of a view in place
 * @off: offset of the first byte, a multiple of the view's unit; @len too (or up to the end)
 */
typedef int (*source_transform)(const void *ctx, uint64_t off, uint8_t *buf, size_t len,
				struct rimg_error *err);

/** source_slice - [off, off + len) of @base, cut to what @base has; NULL without memory */
struct rimg_source *source_slice(struct arena *a, const struct rimg_source *base, uint64_t off,
				 uint64_t len);

/**
 * source_extents - pieces of @base in order
 * @pieces: @n of them, ascending and without gaps from offset 0; kept, not copied (use the arena).
 *          A BLOCK piece's len is at most limits.decoded_bytes: it is decoded whole. What is not
 *          inside @base reads as damaged.
 * @decode: may be NULL when there are no BLOCK pieces
 *
 * Remembers the blocks read last, so small reads in order decode each block once.
 * Returns NULL without memory.
 */
struct rimg_source *source_extents(struct arena *a, const struct rimg_source *base,
				   const struct source_piece *pieces, size_t n,
				   source_decode decode, const void *ctx);

/**
 * source_share_cache - let the extents made in @a remember blocks where those made in @with do
 * @with: must outlive @a
 *
 * So one image remembers a few blocks, however many layers it has. Returns false without memory.
 */
bool source_share_cache(struct arena *a, struct arena *with);

/**
 * source_view - @base with every @unit bytes transformed on reading
 * @unit: a power of two; reads are widened to whole units
 */
struct rimg_source *source_view(struct arena *a, const struct rimg_source *base, uint32_t unit,
				source_transform transform, const void *ctx);

/**
 * typedef source_custom_read - exactly @len bytes from @off, a range inside the source
 *
 * Called from many threads. Returns 0 or a code as rimg_source_read() does.
 */
typedef int (*source_custom_read)(const void *ctx, uint64_t off, void *buf, size_t len,
				  struct rimg_error *err);

/** source_custom - @size bytes that @read brings from elsewhere; @name (kept) is for messages */
struct rimg_source *source_custom(struct arena *a, uint64_t size, const char *name,
				  source_custom_read read, const void *ctx);

/**
 * source_map - what stands behind byte @off of @src
 * @ret: a piece that begins exactly at @off, with `base_off` going one source down. BLOCK pieces
 *       that are not plain come whole: `off` may then be smaller than asked.
 *
 * Returns the base source; NULL (and @ret is not set) when @src is ground or a view, so that
 * nothing below has these bytes, and when @off is past the end.
 */
const struct rimg_source *source_map(const struct rimg_source *src, uint64_t off,
				     struct source_piece *ret);

/**
 * source_ground - follow plain bytes down to the ground
 * @off:     byte of @src; @off < size
 * @ret_off: offset in the ground source
 * @ret_len: how many bytes from @off on are there in one run, at least 1
 *
 * Returns the ground source; NULL when these bytes are zeros or decoded (*ret_len says how many).
 */
const struct rimg_source *source_ground(const struct rimg_source *src, uint64_t off,
					uint64_t *ret_off, uint64_t *ret_len);

/** source_file_kind - "a directory": what the type bits of st_mode say, for messages */
const char *source_file_kind(mode_t mode);

/** source_fd - descriptor of the host file that @src is as a whole; -1 when it is anything else */
int source_fd(const struct rimg_source *src);

/**
 * source_verify_reads - has every read of the host file behind @src succeeded so far?
 *
 * A failure that was met on the way may have been taken for "nothing there". Returns 0 or
 * -RIMG_E_IO. rimg_source_verify() asks this, too.
 */
int source_verify_reads(const struct rimg_source *src, struct rimg_error *err);

/**
 * source_verify_name - does the host path still lead to the file behind @src?
 *
 * For verdicts of which parts open the path anew: they are about one file only if it stayed there.
 * Returns 0 or -RIMG_E_IO.
 */
int source_verify_name(const struct rimg_source *src, struct rimg_error *err);

/** source_name - what messages call it: the ground's host path */
const char *source_name(const struct rimg_source *src);

/**
 * source_next_data - skip a hole of the host file
 * @off: where to start
 *
 * Returns the first offset >= @off that may hold anything but zeros, or the size if there is none.
 * Only a file under a slice or by itself knows its holes; other sources return @off.
 */
uint64_t source_next_data(const struct rimg_source *src, uint64_t off);

/** source_next_hole - the first offset >= @off where a hole begins, or the size */
uint64_t source_next_hole(const struct rimg_source *src, uint64_t off);

static inline void cleanup_source(struct rimg_source **src)
{
	rimg_source_free(*src);
}

/* a local source, freed when it goes out of scope */
#define auto_source __attribute__((cleanup(cleanup_source)))

#endif
