/* SPDX-License-Identifier: MIT */
#include "diff/report_map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/str.h"

#define CELLS_WHOLE 2048 /* of the whole, and of a partition */
#define CELLS_ZOOM  512
#define PARTS_MAX   16
#define ZOOMS_MAX   256
#define LEVELS_MAX  8

void map_done(struct map *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->windows[i].cells);
		free(m->windows[i].name);
	}
	free(m->windows);
	*m = (struct map){ 0 };
}

/* ---- windows -------------------------------------------------------------------------------- */

/* The smallest power of two, at least a sector, of which @max make up @len. */
static uint64_t cell_for(uint64_t len, uint64_t max)
{
	uint64_t cell = MAP_SECTOR;

	while (cell <= UINT64_MAX / 4 && (len - 1) / cell >= max)
		cell *= 2;
	return cell;
}

/* @name is taken over, also when this fails. */
static int add_window(struct map *m, struct map_window w, struct rimg_error *err)
{
	struct map_window *list = vec_grow(m->windows, &m->cap, m->n, sizeof(*list));

	if (list) {
		m->windows = list;
		w.n_cells = (size_t)((w.len - 1) / w.cell + 1);
		w.cells = calloc(w.n_cells, sizeof(*w.cells));
	}
	if (!w.cells) {
		free(w.name);
		return error_nomem(err);
	}
	list[m->n++] = w;
	return 0;
}

static char *part_name(const struct rimg_node *n)
{
	auto_str struct str s = { 0 };

	if (n->number > 0)
		str_printf(&s, "%u: ", n->number);
	str_add_escaped(&s, n->name, n->name_len, STR_ESCAPE_TEXT);
	return str_take(&s);
}

/* A window for each partition of A's table that lies in one piece, in the order of the disk. */
static int add_parts(struct map *m, const struct rimg_node *root, struct rimg_error *err)
{
	const struct rimg_layer *l = root->nested;
	int rc = 0;

	if (!l || l->unreadable)
		return 0;
	rimg_for_each_child(n, l->root)
		m->n_parts_left += n->role == RIMG_ROLE_PARTITION;
	for (size_t i = 0; i < l->n_claims && m->n_parts < PARTS_MAX && rc == 0; i++) {
		const struct claim *c = &l->claims[i];
		struct map_window w = { .off = c->off };

		if (c->node->role != RIMG_ROLE_PARTITION || c->content_off != 0 ||
		    !c->node->content)
			continue;
		w.len = rimg_source_size(c->node->content);
		if (w.len == 0 || !num_in_range(w.off, w.len, m->size))
			continue;
		w.name = part_name(c->node);
		if (!w.name)
			return error_nomem(err);
		w.cell = cell_for(w.len, CELLS_WHOLE);
		rc = add_window(m, w, err);
		m->n_parts++;
		m->n_parts_left--;
	}
	return rc;
}

static int add_whole(struct map *m, struct rimg_error *err)
{
	struct map_window w = { .len = m->size, .cell = cell_for(m->size, CELLS_WHOLE) };

	w.name = strdup("the whole");
	return w.name ? add_window(m, w, err) : error_nomem(err);
}

/* A window for each cell of level @level - 1 that has differences; false: there is none. */
static int add_zooms(struct map *m, unsigned level, bool *ret_any, struct rimg_error *err)
{
	size_t n = m->n, zooms = m->n - 1 - m->n_parts;

	*ret_any = false;
	for (size_t i = 0; i < n; i++) {
		/* partitions show what the whole shows; their cells lead to its windows */
		if (m->windows[i].level != level - 1 || (i > 0 && level == 1) ||
		    m->windows[i].cell == MAP_SECTOR)
			continue;
		for (size_t k = 0; k < m->windows[i].n_cells; k++) {
			const struct map_window *from = &m->windows[i];
			struct map_window w = { .off = from->off + k * from->cell, .level = level };
			int rc;

			if (from->cells[k].bytes == 0)
				continue;
			if (zooms >= ZOOMS_MAX) {
				m->n_cells_left++;
				continue;
			}
			w.len = num_min(from->cell, from->off + from->len - w.off);
			w.cell = cell_for(w.len, CELLS_ZOOM);
			rc = add_window(m, w, err);
			if (rc < 0)
				return rc;
			zooms++;
			*ret_any = true;
		}
	}
	return 0;
}

const struct map_window *map_window_at(const struct map *m, unsigned level, uint64_t off)
{
	size_t lo = 1 + m->n_parts, hi = m->n;

	if (level == 0)
		return m->n > 0 ? &m->windows[0] : NULL;
	/* by level, then by offset: the last that does not begin behind it */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct map_window *w = &m->windows[mid];

		if (w->level < level || (w->level == level && w->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 1 + m->n_parts)
		return NULL;
	lo--;
	if (m->windows[lo].level != level || off - m->windows[lo].off >= m->windows[lo].len)
		return NULL;
	return &m->windows[lo];
}

/* ---- filling -------------------------------------------------------------------------------- */

struct filling {
	struct map *m;
	unsigned level;
};

static void fill_window(struct map_window *w, const struct rimg_difference *x, uint64_t off,
			uint64_t len)
{
	uint64_t end = off + len;

	if (off >= w->off + w->len || end <= w->off)
		return;
	off = num_max(off, w->off);
	end = num_min(end, w->off + w->len);
	while (off < end) {
		struct map_cell *c = &w->cells[(off - w->off) / w->cell];
		uint64_t n = num_min(end - off, w->cell - (off - w->off) % w->cell);

		if (c->bytes == 0)
			c->first = x->index;
		c->bytes += n;
		c->causes |= UINT32_C(1) << x->cause;
		c->coarse |= x->coarse;
		off += n;
	}
}

/* The windows of a level that a range touches. Those of level 0 lie over one another; the others
 * side by side, perhaps with holes between them. */
static void fill_range(struct filling *f, const struct rimg_difference *x, uint64_t off,
		       uint64_t len)
{
	struct map *m = f->m;
	size_t i = 1 + m->n_parts, hi = m->n;

	if (f->level == 0) {
		for (size_t k = 0; k < m->n; k++)
			fill_window(&m->windows[k], x, off, len);
		return;
	}
	while (i < hi) {
		size_t mid = i + (hi - i) / 2;
		const struct map_window *w = &m->windows[mid];

		if (w->level < f->level || (w->level == f->level && w->off + w->len <= off))
			i = mid + 1;
		else
			hi = mid;
	}
	for (; i < m->n && m->windows[i].level == f->level && m->windows[i].off < off + len; i++)
		fill_window(&m->windows[i], x, off, len);
}

static bool fill(void *arg, const struct rimg_difference *x)
{
	struct filling *f = arg;

	for (size_t i = 0; i < x->n_ranges; i++) {
		const struct rimg_diff_range *range = &x->ranges[i];

		fill_range(f, x, range->a_off != RIMG_NO_OFFSET ? range->a_off : range->b_off,
			   range->len);
	}
	return true;
}

int map_make(const struct report *r, struct map *m, struct rimg_error *err)
{
	bool any = true;
	int rc;

	*m = (struct map){ .size = num_max(r->summary->a_size, r->summary->b_size) };
	if (!r->summary->has_bytes || m->size == 0)
		return 0;
	rc = add_whole(m, err);
	if (rc == 0)
		rc = add_parts(m, r->a.node, err);
	for (unsigned level = 0; level < LEVELS_MAX && any && rc == 0; level++) {
		struct filling f = { .m = m, .level = level };

		if (level > 0)
			rc = add_zooms(m, level, &any, err);
		if (rc == 0 && any && rimg_diff_each(r->diff, RIMG_CAUSES_ALL, fill, &f) < 0)
			rc = error_nomem(err);
	}
	return rc;
}
