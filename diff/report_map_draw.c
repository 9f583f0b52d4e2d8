/* SPDX-License-Identifier: MIT */
/* The windows of a map as SVG. Cells of one owner that follow one another in a row are one
 * rectangle; on top of these lie the cells that differ, with the letter of their cause. What is
 * drawn is bounded by the number of windows and by MAP_BYTES_MAX. */
#include "diff/report_map.h"

#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/num.h"
#include "core/owner.h"
#include "core/str.h"

#define CELL          14 /* units of SVG */
#define GUTTER        84 /* left of the cells: the number of the row's first sector */
#define PIECES_MAX    16 /* of a cell that are looked at to find who owns most of it */
#define NAME_MAX_LEN  200
#define N_TINTS       6
#define MAP_BYTES_MAX (UINT64_C(4) << 20) /* of the page, after which no more windows are drawn */

struct drawing {
	struct html *h;
	const struct report *r;
	const struct map *m;
	const struct map_window *w;
	const uint8_t *listed;
};

/* ---- owners --------------------------------------------------------------------------------- */

/**
 * struct look - what a cell looks like
 * @node: who owns most of it; NULL: neither side has these bytes
 * @what: what the bytes are to it, or NULL
 * @kind: class of the stylesheet, without what tells neighbours from one another
 */
struct look {
	const struct rimg_node *node;
	const char *what;
	const char *kind;
};

static const struct rimg_node *partition_of(const struct rimg_node *root, const struct rimg_node *n)
{
	for (; n && n != root; n = n->parent)
		if (n->role == RIMG_ROLE_PARTITION && n->layer == root->nested)
			return n;
	return NULL;
}

static const char *kind_of(const struct owner *o)
{
	static const enum rimg_cause empty[] = { RIMG_CAUSE_FREE_SPACE, RIMG_CAUSE_PADDING };

	if (o->node->role == RIMG_ROLE_GAP)
		return "o-gap";
	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		if (o->claim && !o->attr && o->claim->cause == empty[i])
			return "o-free";
	if (o->node->role == RIMG_ROLE_META)
		return "o-meta";
	return o->node->role == RIMG_ROLE_DIR ? "o-dir" : "o-file";
}

static struct look look_at(const struct drawing *d, struct rimg_node *root, uint64_t off,
			   uint64_t len)
{
	static const char *const tints[N_TINTS] = { "o-0", "o-1", "o-2", "o-3", "o-4", "o-5" };
	uint64_t size = rimg_source_size(root->content), best = 0;
	struct look look = { 0 };
	uint64_t end = off + num_min(len, size - off);

	for (int i = 0; i < PIECES_MAX && off < end; i++) {
		struct owner o = owner_at(root, off, NULL);
		uint64_t n = num_min(o.len, end - off);

		if (n > best) {
			best = n;
			look = (struct look){ .node = o.node,
					      .what = o.claim ? o.claim->what : NULL,
					      .kind = kind_of(&o) };
		}
		off += n;
	}
	if (look.node && d->w == d->m->windows && d->m->n_parts > 0) {
		const struct rimg_node *part = partition_of(root, look.node);

		if (part)
			look = (struct look){ .node = part, .kind = tints[part->number % N_TINTS] };
	}
	return look;
}

/* Who owns a cell of the window: in A, where A has it. */
static struct look look_of(const struct drawing *d, size_t cell)
{
	const struct report *r = d->r;
	uint64_t off = d->w->off + cell * d->w->cell;
	uint64_t len = num_min(d->w->cell, d->w->off + d->w->len - off);

	if (off < r->a.size)
		return look_at(d, r->a.node, off, len);
	return off < r->b.size ? look_at(d, r->b.node, off, len) : (struct look){ 0 };
}

static void put_cut(struct html *h, const char *text)
{
	char buf[NAME_MAX_LEN + 1];
	size_t n = report_cut(text, NAME_MAX_LEN);

	memcpy(buf, text, n);
	buf[n] = '\0';
	html_text(h, buf);
	if (text[n])
		html_text(h, "...");
}

static int put_look(const struct drawing *d, const struct look *look, struct rimg_error *err)
{
	auto_str struct str s = { 0 };

	if (!look->node)
		return 0;
	node_add_address(&s, look->node);
	if (s.failed)
		return error_nomem(err);
	put_cut(d->h, s.len > 0 ? str_cstr(&s) : "the whole");
	if (look->what)
		html_fmt(d->h, " (%s)", look->what);
	return 0;
}

/* ---- cells ---------------------------------------------------------------------------------- */

static void put_rect(const struct drawing *d, size_t cell, size_t n, const char *css)
{
	html_open_class(d->h, "rect", css);
	html_attr_u64(d->h, "x", GUTTER + cell % MAP_COLUMNS * CELL);
	html_attr_u64(d->h, "y", cell / MAP_COLUMNS * CELL);
	html_attr_u64(d->h, "width", n * CELL);
	html_attr_u64(d->h, "height", CELL);
}

static size_t row_end(const struct drawing *d, size_t cell)
{
	return (size_t)num_min(d->w->n_cells, (cell / MAP_COLUMNS + 1) * MAP_COLUMNS);
}

/* Which tint the last file had. */
struct tinting {
	const struct rimg_node *node;
	bool dark;
};

static const char *tint_of(struct tinting *t, const struct rimg_node *n)
{
	if (n != t->node)
		t->dark = !t->dark;
	t->node = n;
	return t->dark ? "o-file2" : "o-file";
}

/* Of a partition, in the first cell of each row that is its and that nothing covers: for those who
 * cannot see the tint. */
static void put_number(const struct drawing *d, size_t cell, size_t n, const struct rimg_node *node)
{
	if (!node || node->role != RIMG_ROLE_PARTITION || d->w != d->m->windows)
		return;
	for (; n > 1 && d->w->cells[cell].bytes > 0; n--)
		cell++;
	html_open_class(d->h, "text", "ground");
	html_attr_u64(d->h, "x", GUTTER + cell % MAP_COLUMNS * CELL + CELL / 2);
	html_attr_u64(d->h, "y", cell / MAP_COLUMNS * CELL + CELL - 4);
	html_fmt(d->h, "%u", node->number);
	html_close(d->h);
}

/* The ground of one row: who owns what. Files that are neighbours get different tints. */
static int draw_owners(const struct drawing *d, size_t row, struct tinting *t,
		       struct rimg_error *err)
{
	size_t end = row_end(d, row), i = row;
	struct look look = look_of(d, i);

	while (i < end) {
		struct look next = { 0 };
		size_t n = 1;
		const char *css = look.kind;
		int rc;

		for (; i + n < end; n++) {
			next = look_of(d, i + n);
			if (next.node != look.node || next.kind != look.kind)
				break;
		}
		if (css && strcmp(css, "o-file") == 0)
			css = tint_of(t, look.node);
		put_rect(d, i, n, css ? css : "o-gap");
		html_open(d->h, "title");
		rc = put_look(d, &look, err);
		html_close(d->h);
		html_close(d->h);
		put_number(d, i, n, look.node);
		if (rc < 0)
			return rc;
		i += n;
		look = next;
	}
	return 0;
}

/* The cause that a cell is marked with: what nobody can explain before all others. */
static enum rimg_cause gravest(uint32_t causes)
{
	size_t n;
	const enum rimg_cause *list = report_causes(&n);

	if (causes & UINT32_C(1) << RIMG_CAUSE_UNEXPLAINED)
		return RIMG_CAUSE_UNEXPLAINED;
	for (size_t i = 0; i < n; i++)
		if (causes & UINT32_C(1) << list[i])
			return list[i];
	return RIMG_CAUSE_UNEXPLAINED;
}

static bool is_listed(const struct drawing *d, uint64_t index)
{
	return d->listed && (d->listed[index / 8] & 1u << index % 8);
}

/* Where a cell leads to. */
struct target {
	const struct map_window *window; /* a closer look */
	uint64_t difference;             /* or one of the list */
	bool listed;
};

static struct target target_of(const struct drawing *d, size_t cell)
{
	const struct map_cell *c = &d->w->cells[cell];
	struct target t = { 0 };

	t.window = map_window_at(d->m, d->w->level + 1, d->w->off + cell * d->w->cell);
	if (!t.window && is_listed(d, c->first)) {
		t.difference = c->first;
		t.listed = true;
	}
	return t;
}

static bool open_target(struct html *h, const struct target *t)
{
	if (!t->window && !t->listed)
		return false;
	html_open(h, "a");
	if (t->window)
		html_attr_fmt(h, "href", "#z%u-%" PRIu64, t->window->level, t->window->off);
	else
		html_attr_fmt(h, "href", "#d%" PRIu64, t->difference);
	return true;
}

static void put_causes(struct html *h, uint32_t causes)
{
	size_t n;
	const enum rimg_cause *list = report_causes(&n);
	const char *before = ": ";

	for (size_t i = 0; i < n; i++) {
		if (!(causes & UINT32_C(1) << list[i]))
			continue;
		html_text(h, before);
		html_text(h, rimg_cause_name(list[i]));
		before = ", ";
	}
}

static int put_cell_title(const struct drawing *d, size_t cell, const struct map_cell *sum,
			  size_t n, struct rimg_error *err)
{
	uint64_t off = d->w->off + cell * d->w->cell;
	uint64_t len = num_min(n * d->w->cell, d->w->off + d->w->len - off);
	struct look a = { 0 }, b = { 0 };
	int rc;

	html_open(d->h, "title");
	html_fmt(d->h, "bytes %" PRIu64 " to %" PRIu64 ": %s", off, off + len - 1,
		 sum->coarse ? "at most " : "");
	html_count(d->h, sum->bytes, "byte");
	html_text(d->h, sum->bytes == 1 ? " differs" : " differ");
	put_causes(d->h, sum->causes);
	if (off < d->r->a.size)
		a = look_at(d, d->r->a.node, off, len);
	if (off < d->r->b.size)
		b = look_at(d, d->r->b.node, off, len);
	html_text(d->h, ". A: ");
	rc = a.node ? put_look(d, &a, err) : 0;
	if (!a.node)
		html_text(d->h, "nothing");
	html_text(d->h, ". B: ");
	if (rc == 0 && b.node)
		rc = put_look(d, &b, err);
	if (!b.node)
		html_text(d->h, "nothing");
	html_close(d->h);
	return rc;
}

static void put_letter(const struct drawing *d, size_t cell, size_t n, char letter)
{
	char text[] = { letter, '\0' };

	html_open(d->h, "text");
	html_attr_fmt(d->h, "x", "%zu", GUTTER + cell % MAP_COLUMNS * CELL + n * CELL / 2);
	html_attr_fmt(d->h, "y", "%zu", cell / MAP_COLUMNS * CELL + CELL - 4);
	html_text(d->h, text);
	html_close(d->h);
}

/* The next cells that differ in the same way and lead to the same place, as one. */
static size_t same_run(const struct drawing *d, size_t cell, struct map_cell *sum)
{
	struct target first = target_of(d, cell);
	size_t n = 1, end = row_end(d, cell);

	*sum = d->w->cells[cell];
	for (; cell + n < end; n++) {
		const struct map_cell *c = &d->w->cells[cell + n];
		struct target t;

		if (c->bytes == 0 || c->causes != sum->causes)
			break;
		t = target_of(d, cell + n);
		if (t.window != first.window || t.listed != first.listed ||
		    t.difference != first.difference)
			break;
		sum->bytes += c->bytes;
		sum->coarse |= c->coarse;
	}
	return n;
}

static int draw_differences(const struct drawing *d, struct rimg_error *err)
{
	for (size_t i = 0; i < d->w->n_cells;) {
		struct map_cell sum;
		struct target target;
		char css[32];
		size_t n;
		bool linked;
		int rc;

		if (d->w->cells[i].bytes == 0) {
			i++;
			continue;
		}
		n = same_run(d, i, &sum);
		target = target_of(d, i);
		linked = open_target(d->h, &target);
		snprintf(css, sizeof(css), "c-%s", rimg_cause_name(gravest(sum.causes)));
		put_rect(d, i, n, css);
		rc = put_cell_title(d, i, &sum, n, err);
		html_close(d->h);
		put_letter(d, i, n, report_cause_letter(gravest(sum.causes)));
		if (linked)
			html_close(d->h);
		if (rc < 0)
			return rc;
		i += n;
	}
	return 0;
}

/* ---- windows -------------------------------------------------------------------------------- */

static int draw_window(const struct drawing *d, const char *label, struct rimg_error *err)
{
	size_t rows = (d->w->n_cells - 1) / MAP_COLUMNS + 1;
	unsigned width = GUTTER + MAP_COLUMNS * CELL + 1;
	struct tinting tinting = { .dark = true };
	int rc = 0;

	html_open_class(d->h, "div", "scroll");
	html_open_class(d->h, "svg", "map");
	html_attr_fmt(d->h, "viewBox", "0 0 %u %zu", width, rows * CELL + 1);
	html_attr_u64(d->h, "width", width);
	html_attr_u64(d->h, "height", rows * CELL + 1);
	html_attr(d->h, "role", "img");
	html_attr(d->h, "aria-label", label);
	for (size_t row = 0; row < rows && rc == 0; row++) {
		html_open_class(d->h, "text", "side");
		html_attr_u64(d->h, "x", GUTTER - 6);
		html_attr_u64(d->h, "y", row * CELL + CELL - 4);
		html_number(d->h, (d->w->off + row * MAP_COLUMNS * d->w->cell) / MAP_SECTOR);
		html_close(d->h);
		rc = draw_owners(d, row * MAP_COLUMNS, &tinting, err);
	}
	if (rc == 0)
		rc = draw_differences(d, err);
	html_close(d->h);
	html_close(d->h);
	return rc;
}

static void put_size(struct html *h, uint64_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;

	while (unit + 1 < ARRAY_LEN(units) && len >= 1024 && len % 1024 == 0) {
		len /= 1024;
		unit++;
	}
	html_number(h, len);
	html_fmt(h, " %s", units[unit]);
}

static void put_scale(struct html *h, const struct map_window *w)
{
	html_open_class(h, "p", "quiet");
	html_text(h, "Bytes ");
	html_number(h, w->off);
	html_text(h, " to ");
	html_number(h, w->off + w->len - 1);
	html_text(h, "; a cell is ");
	put_size(h, w->cell);
	html_text(h, w->cell == MAP_SECTOR ? ", one sector" : "");
	html_text(h, "; on the left the number of a row's first sector.");
	html_close(h);
}

static int write_zoom(struct drawing *d, struct rimg_error *err)
{
	struct html *h = d->h;
	char label[64];
	int rc;

	snprintf(label, sizeof(label), "bytes %" PRIu64 " and following", d->w->off);
	html_open_class(h, "div", "zoom");
	html_attr_fmt(h, "id", "z%u-%" PRIu64, d->w->level, d->w->off);
	put_scale(h, d->w);
	rc = draw_window(d, label, err);
	html_open(h, "p");
	html_open(h, "a");
	if (d->w->level > 1)
		html_attr_fmt(h, "href", "#z%u-%" PRIu64, d->w->level - 1,
			      map_window_at(d->m, d->w->level - 1, d->w->off)->off);
	else
		html_attr(h, "href", "#map");
	html_text(h, "Back to the larger picture");
	html_close(h);
	html_close(h);
	html_close(h);
	return rc;
}

static void put_swatch(struct html *h, const char *css, const char *text)
{
	html_open(h, "span");
	html_open(h, "svg");
	html_attr_u64(h, "width", CELL);
	html_attr_u64(h, "height", CELL);
	html_open_class(h, "rect", css);
	html_attr_u64(h, "width", CELL);
	html_attr_u64(h, "height", CELL);
	html_close(h);
	html_open_class(h, "rect", "edge");
	html_attr_u64(h, "width", CELL);
	html_attr_u64(h, "height", CELL);
	html_close(h);
	html_close(h);
	html_text(h, text);
	html_close(h);
}

static void write_legend(const struct drawing *d)
{
	struct html *h = d->h;

	html_open_class(h, "svg", "defs");
	html_attr(h, "width", "0");
	html_attr(h, "height", "0");
	html_attr(h, "aria-hidden", "true");
	html_open(h, "defs");
	html_open(h, "pattern");
	html_attr(h, "id", "hatch");
	html_attr(h, "width", "5");
	html_attr(h, "height", "5");
	html_attr(h, "patternUnits", "userSpaceOnUse");
	html_open_class(h, "path", "hatch");
	html_attr(h, "d", "M0 0H5V5H0ZM0 5L5 0");
	html_close(h);
	html_close(h);
	html_close(h);
	html_close(h);
	html_open_class(h, "div", "legend");
	put_swatch(h, "o-file", "files, in two tints so that neighbours can be told apart");
	put_swatch(h, "o-dir", "directories");
	put_swatch(h, "o-meta", "structures of a format");
	put_swatch(h, "o-free", "free space and padding");
	put_swatch(h, "o-gap", "nobody's");
	html_close(h);
	html_element(
		h, "p", "quiet",
		"Cells that differ have the colour and the letter of their cause; of several "
		"causes unexplained bytes count first, then what others follow from. The ground "
		"shows who owns most of a cell in A, or in B where A has ended. Cells with "
		"differences lead to a closer look, and single sectors to what differs there.");
}

static bool open_map_link(struct html *h, const struct map_window *w)
{
	html_open(h, "a");
	html_attr_fmt(h, "href", "#z%u-%" PRIu64, w->level, w->off);
	return true;
}

bool map_link(struct html *h, const struct map *m, uint64_t off)
{
	const struct map_window *found = NULL;

	for (unsigned level = 1;; level++) {
		const struct map_window *w = map_window_at(m, level, off);

		if (!w)
			break;
		found = w;
	}
	return found && open_map_link(h, found);
}

/* ---- partitions ----------------------------------------------------------------------------- */

static struct map_cell sum_of(const struct map_window *w)
{
	struct map_cell sum = { 0 };

	for (size_t i = 0; i < w->n_cells; i++) {
		sum.bytes += w->cells[i].bytes;
		sum.causes |= w->cells[i].causes;
		sum.coarse |= w->cells[i].coarse;
	}
	return sum;
}

static void write_part_row(struct html *h, const struct map_window *w)
{
	struct map_cell sum = sum_of(w);

	html_open(h, "tr");
	html_open_class(h, "td", "path");
	html_text(h, w->name);
	html_close(h);
	html_open_class(h, "td", "num");
	html_number(h, w->off / MAP_SECTOR);
	html_close(h);
	html_open_class(h, "td", "num");
	html_number(h, (w->len - 1) / MAP_SECTOR + 1);
	html_close(h);
	html_open_class(h, "td", "num");
	html_text(h, sum.coarse ? "at most " : "");
	html_number(h, sum.bytes);
	html_close(h);
	html_open(h, "td");
	for (int i = 0; i < RIMG_N_CAUSES; i++)
		if (sum.causes & UINT32_C(1) << i)
			html_fmt(h, "%c %s ", report_cause_letter((enum rimg_cause)i),
				 rimg_cause_name((enum rimg_cause)i));
	html_close(h);
	html_close(h);
}

static void write_parts_table(const struct drawing *d)
{
	static const char *const heads[] = { "first sector", "sectors", "bytes that differ" };
	struct html *h = d->h;

	html_open_class(h, "div", "scroll");
	html_open_class(h, "table", "wide");
	html_open(h, "tr");
	html_element(h, "th", NULL, "partition");
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		html_element(h, "th", "num", heads[i]);
	html_element(h, "th", NULL, "causes");
	html_close(h);
	for (size_t i = 1; i <= d->m->n_parts; i++)
		write_part_row(h, &d->m->windows[i]);
	html_close(h);
	html_close(h);
}

static int write_part(struct drawing *d, struct rimg_error *err)
{
	int rc;

	html_open(d->h, "details");
	html_attr(d->h, "open", NULL);
	html_open(d->h, "summary");
	html_text(d->h, "Partition ");
	html_element(d->h, "span", "path", d->w->name);
	html_close(d->h);
	html_open(d->h, "div");
	put_scale(d->h, d->w);
	rc = draw_window(d, d->w->name, err);
	html_close(d->h);
	html_close(d->h);
	return rc;
}

/* Those in which nothing differs were not opened: there is nothing to draw. */
static int write_parts(struct drawing *d, struct rimg_error *err)
{
	int rc = 0;

	write_parts_table(d);
	html_element(d->h, "p", "quiet",
		     "Partitions in which nothing differs have no picture of their own.");
	for (size_t i = 1; i <= d->m->n_parts && rc == 0; i++) {
		d->w = &d->m->windows[i];
		if (sum_of(d->w).bytes > 0)
			rc = write_part(d, err);
	}
	return rc;
}

static void note_left_out(const struct drawing *d)
{
	struct html *h = d->h;

	if (d->m->n_cells_left > 0) {
		html_open_class(h, "p", "note loud");
		html_text(h, "Left out, to keep this page small: the closer look at ");
		html_count(h, d->m->n_cells_left, "cell");
		html_text(h, " with differences.");
		html_close(h);
	}
	if (d->m->n_parts_left > 0) {
		html_open_class(h, "p", "note loud");
		html_count(h, d->m->n_parts_left, "partition");
		html_text(h, d->m->n_parts_left == 1 ? " has" : " have");
		html_text(h, " no map here, since there are many or they overlap others.");
		html_close(h);
	}
}

static int write_zooms(struct drawing *d, uint64_t max, size_t *ret_end, struct rimg_error *err)
{
	uint64_t start = d->h->len;
	size_t i = 1 + d->m->n_parts;
	int rc = 0;

	for (; i < d->m->n && rc == 0 && d->h->len - start < max; i++) {
		d->w = &d->m->windows[i];
		rc = write_zoom(d, err);
	}
	*ret_end = i;
	return rc;
}

int map_fit(struct map *m, const struct report *r, const uint8_t *listed, struct rimg_error *err)
{
	size_t end = m->n;
	/* measured, and dropped */
	struct html h = { .out = fopencookie(NULL, "w", (cookie_io_functions_t){ 0 }) };
	struct drawing d = { .h = &h, .r = r, .m = m, .listed = listed };
	int rc = 0;

	if (!h.out)
		return error_nomem(err);
	if (m->n > 0)
		rc = write_zooms(&d, MAP_BYTES_MAX, &end, err);
	fclose(h.out);
	m->n_cells_left += m->n - end;
	for (; m->n > end; m->n--)
		free(m->windows[m->n - 1].cells);
	return rc;
}

int map_write(struct html *h, const struct report *r, const struct map *m, const uint8_t *listed,
	      struct rimg_error *err)
{
	struct drawing d = { .h = h, .r = r, .m = m, .w = m->windows, .listed = listed };
	size_t end;
	int rc;

	if (m->n == 0)
		return 0;
	write_legend(&d);
	put_scale(h, d.w);
	rc = draw_window(&d, "map of the whole", err);
	if (rc == 0)
		rc = write_zooms(&d, UINT64_MAX, &end, err);
	note_left_out(&d);
	return rc == 0 && m->n_parts > 0 ? write_parts(&d, err) : rc;
}
