/* SPDX-License-Identifier: MIT */
#ifndef DIFF_REPORT_MAP_H
#define DIFF_REPORT_MAP_H

#include "core/html.h"
#include "diff/report.h"

/* The map of an image: a picture of all its sectors as rows of cells. A *window* shows a range of
 * the bytes; its cells, all of one size, are small enough for the range to fit. The first window is
 * the whole artifact, then comes one for each partition, then one for each cell of the first that
 * has differences, and so on down to cells of one sector. */

/**
 * struct map_cell - some sectors
 * @bytes:  differing bytes; also equal ones when @coarse
 * @causes: bit 1 << cause
 * @first:  number of the first difference that has bytes here
 * @coarse: some difference that touches the cell has only approximate ranges
 */
struct map_cell {
	uint64_t bytes;
	uint64_t first;
	uint32_t causes;
	bool coarse;
};

/**
 * struct map_window - a range of the artifact in cells
 * @level: 0: the whole and the partitions; n: a cell of level n - 1
 * @name:  harmless text: what the window shows; NULL for cells
 * @cell:  bytes of a cell, a power of two, at least a sector
 */
struct map_window {
	uint64_t off;
	uint64_t len;
	unsigned level;
	char *name;
	uint64_t cell;
	size_t n_cells;
	struct map_cell *cells;
};

/**
 * struct map - all windows
 * @windows:   the whole; the partitions; cells by level, then by offset
 * @n_parts:   partitions that have a window
 * @n_cells_left: cells with differences that have no window because there are too many
 * @n_parts_left: partitions that have none, also because they do not lie in one piece
 */
struct map {
	uint64_t size;
	struct map_window *windows;
	size_t n, cap;
	size_t n_parts;
	uint64_t n_cells_left;
	uint64_t n_parts_left;
};

#define MAP_SECTOR  UINT64_C(512)
#define MAP_COLUMNS 64

/**
 * map_make - look where all differences are, also those that are not shown
 * @ret: map_done() frees it
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int map_make(const struct report *r, struct map *ret, struct rimg_error *err);

void map_done(struct map *m);

/** map_window_at - the window of a level that shows byte @off, or NULL */
const struct map_window *map_window_at(const struct map *m, unsigned level, uint64_t off);

/**
 * map_fit - forget the windows that a page has no room for, before anything leads to them
 * @listed: as for map_write()
 */
int map_fit(struct map *m, const struct report *r, const uint8_t *listed, struct rimg_error *err);

/**
 * map_write - the pictures, with legend and tables
 * @listed: a bit for each difference that the page tells of, by its number, and so can be led to
 */
int map_write(struct html *h, const struct report *r, const struct map *m, const uint8_t *listed,
	      struct rimg_error *err);

/** map_link - begin an <a> to the closest look at byte @off that there is; false: there is none */
bool map_link(struct html *h, const struct map *m, uint64_t off);

#endif
