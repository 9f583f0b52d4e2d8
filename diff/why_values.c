/* SPDX-License-Identifier: MIT */
/* Evidence that has to be computed: how far apart two times are, how an order changed, what stands
 * in bytes that nobody uses. */
#include <inttypes.h>
#include <string.h>

#include "core/num.h"
#include "diff/why.h"

#define SAMPLE_LEN    24 /* bytes of a text that is found where none should be */
#define ZEROS_MAX     ((uint64_t)1 << 20)
#define FREE_READ_MAX ((uint64_t)8 << 20)

/* ---- times ---------------------------------------------------------------------------------- */

static void add_unit(struct str *s, uint64_t n, const char *unit, bool *first)
{
	if (n == 0)
		return;
	str_printf(s, "%s%" PRIu64 " %s", *first ? "" : " ", n, unit);
	*first = false;
}

/* "2 d 3 h 4 min 5.5 s" */
static void add_duration(struct str *s, uint64_t seconds, uint32_t ns)
{
	bool first = true;

	add_unit(s, seconds / 86400, "d", &first);
	add_unit(s, seconds / 3600 % 24, "h", &first);
	add_unit(s, seconds / 60 % 60, "min", &first);
	if (ns > 0)
		str_printf(s, "%s%" PRIu64 ".%09" PRIu32 " s", first ? "" : " ", seconds % 60, ns);
	else if (first || seconds % 60 > 0)
		str_printf(s, "%s%" PRIu64 " s", first ? "" : " ", seconds % 60);
}

void why_add_time(struct str *s, const struct rimg_attr *a, const struct rimg_attr *b)
{
	bool later;
	uint64_t seconds;
	int64_t ns;

	if (!a || !b || a->type != ATTR_TIME || b->type != ATTR_TIME) {
		str_add(s, "a time");
		return;
	}
	later = b->time.s > a->time.s || (b->time.s == a->time.s && b->time.ns >= a->time.ns);
	if (!later) {
		const struct rimg_attr *swap = a;

		a = b;
		b = swap;
	}
	/* two numbers of 64 bits are less than 2^64 apart */
	seconds = (uint64_t)b->time.s - (uint64_t)a->time.s;
	ns = (int64_t)b->time.ns - (int64_t)a->time.ns;
	if (ns < 0) {
		ns += 1000000000;
		seconds--;
	}
	if (ns < 0 || ns >= 1000000000) /* fields that hold no nanoseconds */
		ns = 0;
	str_add(s, "the time in B is ");
	add_duration(s, seconds, (uint32_t)ns);
	str_add(s, later ? " later" : " earlier");
}

/* ---- bytes that should mean nothing --------------------------------------------------------- */

/** struct tally - bytes other than zero on one side */
struct tally {
	uint64_t n;
	uint64_t first;
	char sample[SAMPLE_LEN + 1];
	size_t sample_len;
	bool there; /* this side has such bytes */
	bool cut;   /* not all was looked at */
};

static void count_bytes(struct tally *t, const uint8_t *buf, size_t len, uint64_t off)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == 0)
			continue;
		if (t->n++ == 0)
			t->first = off + i;
		if (off + i - t->first == t->sample_len && t->sample_len < SAMPLE_LEN &&
		    buf[i] >= 0x20 && buf[i] < 0x7f)
			t->sample[t->sample_len++] = (char)buf[i];
	}
}

static void tally_ranges(struct tally *t, const struct rimg_source *src, const struct difference *x,
			 bool side_a)
{
	uint64_t left = FREE_READ_MAX;
	uint8_t buf[4096];

	for (size_t i = 0; i < x->n_ranges; i++) {
		const struct rimg_diff_range *r = &x->ranges[i];
		uint64_t off = side_a ? r->a_off : r->b_off, end = off + r->len;

		if (off == RIMG_NO_OFFSET)
			continue;
		t->there = true;
		while (off < end) {
			size_t n = (size_t)num_min(sizeof(buf), end - off);

			if (left < n || rimg_source_read(src, off, buf, n, NULL) < 0) {
				t->cut = true;
				return;
			}
			count_bytes(t, buf, n, off);
			left -= n;
			off += n;
		}
	}
}

static void add_tally(struct str *s, const char *side, const struct tally *t)
{
	if (!t->there) {
		str_printf(s, "%s ends before", side);
		return;
	}
	if (t->n == 0 && !t->cut) {
		str_printf(s, "%s has zeros there", side);
		return;
	}
	str_printf(s, "%s has %s%" PRIu64 " bytes other than zero there", side,
		   t->cut ? "at least " : "", t->n);
	if (t->n > 0)
		str_printf(s, ", from byte %" PRIu64 " on", t->first);
	if (t->sample_len >= 4) {
		str_add(s, " (\"");
		str_add_escaped(s, t->sample, t->sample_len, STR_ESCAPE_TEXT);
		str_add(s, "\")");
	}
}

bool why_only_zeros(const struct rimg_diff *d, const struct difference *x)
{
	struct tally a = { 0 }, b = { 0 };

	if (x->n_ranges == 0 || x->bytes > ZEROS_MAX)
		return false;
	tally_ranges(&a, d->root->a->content, x, true);
	tally_ranges(&b, d->root->b->content, x, false);
	return a.n == 0 && b.n == 0 && !a.cut && !b.cut;
}

static const char *what_bytes(const struct difference *x)
{
	switch (x->cause) {
	case RIMG_CAUSE_PADDING: return "padding";
	case RIMG_CAUSE_FREE_SPACE: return "bytes that are not in use";
	default: return "no structure claims these bytes";
	}
}

void why_add_bytes(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	struct tally a = { 0 }, b = { 0 };

	str_add(s, what_bytes(x));
	if (x->n_ranges == 0)
		return;
	tally_ranges(&a, d->root->a->content, x, true);
	tally_ranges(&b, d->root->b->content, x, false);
	str_add(s, ": ");
	add_tally(s, "A", &a);
	str_add(s, ", ");
	add_tally(s, "B", &b);
	if (b.n > 0 && a.n == 0 && !a.cut)
		str_add(s, "; data may be hidden here");
}
