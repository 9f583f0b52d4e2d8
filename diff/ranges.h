/* SPDX-License-Identifier: MIT */
#ifndef DIFF_RANGES_H
#define DIFF_RANGES_H

#include "core/source.h"

/* Which blocks of two contents differ: the raw material of every comparison. */

#define STEP_LEN ((size_t)256 << 10) /* bytes that are read and compared at once */

/**
 * struct blockmap - a bit for every block of a content
 * @size:  bytes of the content
 * @shift: a block has 1 << @shift bytes: 4096, more when the content is so large (it may be mostly
 *         a hole) that the map would be
 */
struct blockmap {
	uint64_t size;
	unsigned shift;
	uint64_t *words;
};

/** blockmap_init - a map without a set bit; 0 or -RIMG_E_NOMEM */
int blockmap_init(struct blockmap *m, uint64_t size, struct rimg_error *err);

void blockmap_done(struct blockmap *m);

/** blockmap_set - set the bit of every block that [off, off + len) touches */
void blockmap_set(struct blockmap *m, uint64_t off, uint64_t len);

/** blockmap_any - is one set of the blocks that [off, off + len) touches? */
bool blockmap_any(const struct blockmap *m, uint64_t off, uint64_t len);

/**
 * blockmap_next - the next run of set blocks
 * @off: where to look from on; becomes where the run begins
 * @len: length of the run, cut at the end of the content
 *
 * Returns false when there is none.
 */
bool blockmap_next(const struct blockmap *m, uint64_t *off, uint64_t *len);

/** struct scratch - buffers of the workers, made once for many comparisons */
struct scratch;

/** scratch_new - buffers for @threads workers; NULL without memory; free with scratch_free() */
struct scratch *scratch_new(unsigned threads);
void scratch_free(struct scratch *s);

/** scratch_pair - two buffers of STEP_LEN, for a caller that runs no comparison meanwhile */
void scratch_pair(struct scratch *s, uint8_t **ret_a, uint8_t **ret_b);

/**
 * struct compare - one comparison of a range of two sources
 * @off, @len:  the range, inside of both
 * @map:        receives the blocks that differ (offsets are those of the sources); NULL: it is
 *              enough to know whether one does
 * @tolerant:   blocks that are damaged in one source or both count as different; otherwise they are
 *              an error
 * @progress:   may be NULL; called from the calling thread
 * @differs:    result
 * @damaged:    result: some block could not be read
 */
struct compare {
	const struct rimg_source *a;
	const struct rimg_source *b;
	uint64_t off;
	uint64_t len;
	struct blockmap *map;
	struct scratch *scratch;
	bool tolerant;
	void (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *progress_arg;
	bool differs;
	bool damaged;
};

/**
 * compare_run - compare, with several threads when the range is long
 *
 * Holes that both sources have in the same place are not read.
 * Returns 0 or a code of rimg_source_read(), always that of the first place that fails.
 */
int compare_run(struct compare *c, struct rimg_error *err);

/**
 * compare_next - the next run of differing bytes of two buffers
 * @pos: where to look from on; becomes where the run begins
 *
 * Returns its length, 0 when there is none.
 */
size_t compare_next(const uint8_t *a, const uint8_t *b, size_t len, size_t *pos);

#endif
