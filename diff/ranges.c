/* SPDX-License-Identifier: MIT */
#include "diff/ranges.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"

#define BLOCK_SHIFT 12
#define BLOCK_LEN   ((size_t)1 << BLOCK_SHIFT)
#define WORD_BITS   64
#define MAP_BITS    (UINT64_C(1) << 28) /* 32 MiB: blocks of 4096 up to 1 TiB */
#define CHUNK_MIN   (UINT64_C(1) << 20) /* what a worker takes at once */
#define CHUNKS_MAX  (UINT64_C(1) << 20)
#define BATCH_LEN   (UINT64_C(128) << 20) /* between two calls of progress */
#define SMALL_LEN   (UINT64_C(2) << 20)   /* shorter ranges aren't worth a thread */

/* ---- maps of blocks ------------------------------------------------------------------------ */

int blockmap_init(struct blockmap *m, uint64_t size, struct rimg_error *err)
{
	uint64_t blocks;

	*m = (struct blockmap){ .size = size, .shift = BLOCK_SHIFT };
	while (size >> m->shift >= MAP_BITS)
		m->shift++;
	blocks = (size >> m->shift) + 1;
	m->words = calloc((size_t)(blocks / WORD_BITS + 1), sizeof(*m->words));
	return m->words ? 0 : error_nomem(err);
}

void blockmap_done(struct blockmap *m)
{
	free(m->words);
	m->words = NULL;
}

void blockmap_set(struct blockmap *m, uint64_t off, uint64_t len)
{
	uint64_t i = off >> m->shift, end;

	if (len == 0)
		return;
	end = ((off + len - 1) >> m->shift) + 1;
	while (i < end) {
		uint64_t bit = i % WORD_BITS, n = num_min(WORD_BITS - bit, end - i);

		m->words[i / WORD_BITS] |= (UINT64_MAX >> (WORD_BITS - n)) << bit;
		i += n;
	}
}

static uint64_t count_blocks(const struct blockmap *m)
{
	return m->size ? ((m->size - 1) >> m->shift) + 1 : 0;
}

/* The first block in [i, n) whose bit is @set; n when there is none. */
static uint64_t find_bit(const struct blockmap *m, uint64_t i, uint64_t n, bool set)
{
	while (i < n) {
		uint64_t word = m->words[i / WORD_BITS];

		word = (set ? word : ~word) >> (i % WORD_BITS);
		if (word != 0)
			return num_min(n, i + (unsigned)__builtin_ctzll(word));
		i += WORD_BITS - i % WORD_BITS;
	}
	return n;
}

bool blockmap_any(const struct blockmap *m, uint64_t off, uint64_t len)
{
	uint64_t end;

	if (len == 0 || off >= m->size)
		return false;
	len = num_min(len, m->size - off);
	end = ((off + len - 1) >> m->shift) + 1;
	return find_bit(m, off >> m->shift, end, true) < end;
}

bool blockmap_next(const struct blockmap *m, uint64_t *off, uint64_t *len)
{
	uint64_t n = count_blocks(m), first, end;

	if (*off >= m->size)
		return false;
	first = find_bit(m, *off >> m->shift, n, true);
	end = find_bit(m, first, n, false);
	if (first == end)
		return false;
	*off = num_max(*off, first << m->shift);
	*len = num_min(end << m->shift, m->size) - *off;
	return true;
}

/* ---- buffers ------------------------------------------------------------------------------- */

struct slot {
	atomic_flag busy;
	uint8_t *a;
	uint8_t *b;
};

struct scratch {
	unsigned threads;
	uint8_t *memory;
	struct slot slots[];
};

struct scratch *scratch_new(unsigned threads)
{
	auto_free struct scratch *s = calloc(1, sizeof(*s) + threads * sizeof(s->slots[0]));

	if (!s)
		return NULL;
	s->threads = threads;
	if (posix_memalign((void **)&s->memory, BLOCK_LEN, 2 * threads * STEP_LEN) != 0)
		return NULL;
	for (unsigned i = 0; i < threads; i++) {
		atomic_flag_clear(&s->slots[i].busy);
		s->slots[i].a = s->memory + 2 * i * STEP_LEN;
		s->slots[i].b = s->slots[i].a + STEP_LEN;
	}
	return take_ptr(s);
}

void scratch_free(struct scratch *s)
{
	if (!s)
		return;
	free(s->memory);
	free(s);
}

void scratch_pair(struct scratch *s, uint8_t **ret_a, uint8_t **ret_b)
{
	*ret_a = s->slots[0].a;
	*ret_b = s->slots[0].b;
}

/* There are as many slots as workers, so one is free. Which one never shows. */
static struct slot *slot_take(struct scratch *s)
{
	for (unsigned i = 0;; i = (i + 1) % s->threads)
		if (!atomic_flag_test_and_set_explicit(&s->slots[i].busy, memory_order_acquire))
			return &s->slots[i];
}

static void slot_give(struct slot *slot)
{
	atomic_flag_clear_explicit(&slot->busy, memory_order_release);
}

/* ---- holes --------------------------------------------------------------------------------- */

/* The first offset >= @off of @src that may hold anything but zeros, or where that has to be asked
 * again. Goes down through slices and pieces to the holes of the host file. */
static uint64_t next_data(const struct rimg_source *src, uint64_t off)
{
	uint64_t from = off, left = rimg_source_size(src) - off;

	for (;;) {
		struct source_piece p;
		const struct rimg_source *base = source_map(src, from, &p);

		if (!base)
			return off + num_min(left, source_next_data(src, from) - from);
		left = num_min(left, p.off + p.len - from);
		if (p.kind == PIECE_ZERO)
			return off + left;
		if (!p.plain || p.kind == PIECE_BLOCK)
			return off;
		from = p.base_off;
		src = base;
	}
}

/* Skip what is a hole in both: the first offset in [off, end] that has to be read, a multiple of
 * the block length if the hole reaches that far. */
static uint64_t skip_holes(const struct compare *c, uint64_t off, uint64_t end)
{
	for (;;) {
		uint64_t next = num_min(next_data(c->a, off), next_data(c->b, off));

		next = num_min(next, end);
		if (next < end)
			next &= ~(uint64_t)(BLOCK_LEN - 1);
		if (next <= off)
			return off;
		off = next;
		if (off == end)
			return off;
	}
}

/* ---- comparing ----------------------------------------------------------------------------- */

/* A batch of chunks: what the workers share. Each writes results[i] and its own part of the map. */
struct batch {
	struct compare *c;
	uint64_t chunk_len;
	uint64_t first;     /* number of the first chunk, counted from offset 0 of the sources */
	int8_t *results;    /* of each chunk: a code of errors, or FOUND_* */
	atomic_size_t stop; /* chunks from this one on need not be looked at */
};

enum { FOUND_EQUAL, FOUND_DIFFERENT, FOUND_DAMAGED };

static void stop_at(struct batch *b, size_t i)
{
	size_t now = atomic_load(&b->stop);

	while (i < now && !atomic_compare_exchange_weak(&b->stop, &now, i))
		;
}

/* Which blocks of a step differ; the step is known to. */
static void mark_blocks(struct blockmap *map, const struct slot *slot, uint64_t off, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = BLOCK_LEN - (size_t)((off + i) % BLOCK_LEN);
		n = (size_t)num_min(n, len - i);
		if (memcmp(slot->a + i, slot->b + i, n) != 0)
			blockmap_set(map, off + i, n);
	}
}

static int read_both(const struct compare *c, const struct slot *slot, uint64_t off, size_t len,
		     struct rimg_error *err)
{
	int rc = rimg_source_read(c->a, off, slot->a, len, err);

	return rc < 0 ? rc : rimg_source_read(c->b, off, slot->b, len, err);
}

/* A step in which something is damaged: block by block, so that what can be read is compared. */
static int compare_damaged(const struct compare *c, const struct slot *slot, uint64_t off,
			   size_t len, struct rimg_error *err)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		int rc;

		n = BLOCK_LEN - (size_t)((off + i) % BLOCK_LEN);
		n = (size_t)num_min(n, len - i);
		rc = read_both(c, slot, off + i, n, err);
		if (rc < 0 && rc != -RIMG_E_BAD)
			return rc;
		if (c->map && (rc < 0 || memcmp(slot->a, slot->b, n) != 0))
			blockmap_set(c->map, off + i, n);
	}
	return FOUND_DAMAGED;
}

static int compare_step(const struct compare *c, const struct slot *slot, uint64_t off, size_t len,
			struct rimg_error *err)
{
	int rc = read_both(c, slot, off, len, err);

	if (rc == -RIMG_E_BAD && c->tolerant)
		return compare_damaged(c, slot, off, len, err);
	if (rc < 0)
		return rc;
	if (memcmp(slot->a, slot->b, len) == 0)
		return FOUND_EQUAL;
	if (c->map)
		mark_blocks(c->map, slot, off, len);
	return FOUND_DIFFERENT;
}

/* Asking for holes costs as much as reading a little, so it is done at the start and after zeros.
 */
static bool ends_in_zeros(const uint8_t *buf, size_t len)
{
	return len >= 16 && buf[len - 1] == 0 && memcmp(buf + len - 16, buf + len - 15, 15) == 0;
}

static int compare_chunk(const struct compare *c, uint64_t off, uint64_t end,
			 const struct slot *slot, struct rimg_error *err)
{
	bool ask = true;
	int found = FOUND_EQUAL;

	while (off < end) {
		size_t n;
		int rc;

		if (ask)
			off = skip_holes(c, off, end);
		n = (size_t)num_min(STEP_LEN - off % STEP_LEN, end - off);
		if (n == 0)
			break;
		rc = compare_step(c, slot, off, n, err);
		if (rc < 0)
			return rc;
		if (rc > found)
			found = rc;
		if (found != FOUND_EQUAL && !c->map)
			break;
		ask = ends_in_zeros(slot->a, n);
		off += n;
	}
	return found;
}

static int run_chunk(struct batch *b, size_t i, struct rimg_error *err)
{
	const struct compare *c = b->c;
	uint64_t start = (b->first + i) * b->chunk_len;
	uint64_t off = num_max(start, c->off);
	uint64_t end = num_min(c->off + c->len - start, b->chunk_len) + start;
	struct slot *slot = slot_take(c->scratch);
	int rc = compare_chunk(c, off, end, slot, err);

	slot_give(slot);
	return rc;
}

static void work(void *arg, size_t i)
{
	struct batch *b = arg;
	int rc;

	if (i > atomic_load(&b->stop))
		return;
	rc = run_chunk(b, i, NULL);
	b->results[i] = (int8_t)rc;
	if (rc < 0 || (rc != FOUND_EQUAL && !b->c->map))
		stop_at(b, i);
}

/* All chunks before `stop` have been looked at, in whatever order: the result is that of a loop. */
static int run_batch(struct batch *b, size_t n, struct rimg_error *err)
{
	struct compare *c = b->c;
	unsigned threads = c->len < SMALL_LEN ? 1 : c->scratch->threads;
	size_t last;

	memset(b->results, FOUND_EQUAL, n);
	atomic_store(&b->stop, n);
	pool_for(threads, n, work, b);
	last = atomic_load(&b->stop);
	for (size_t i = 0; i < n && i <= last; i++) {
		if (b->results[i] < 0) {
			/* again, for the words */
			int rc = run_chunk(b, i, err);

			return rc < 0 ? rc
				      : error_set(err, RIMG_E_IO, source_name(c->a),
						  "reading failed once and then did not");
		}
		c->differs |= b->results[i] != FOUND_EQUAL;
		c->damaged |= b->results[i] == FOUND_DAMAGED;
	}
	return 0;
}

int compare_run(struct compare *c, struct rimg_error *err)
{
	struct batch b = { .c = c, .chunk_len = CHUNK_MIN };
	auto_free int8_t *results = NULL;
	uint64_t n, per_batch, done = 0;

	c->differs = c->damaged = false;
	if (c->len == 0)
		return 0;
	/* no two chunks share a word of the map */
	if (c->map)
		b.chunk_len = num_max(b.chunk_len, (uint64_t)WORD_BITS << c->map->shift);
	while (c->len / b.chunk_len >= CHUNKS_MAX)
		b.chunk_len *= 2;
	b.first = c->off / b.chunk_len;
	n = (c->off + c->len - 1) / b.chunk_len - b.first + 1;
	per_batch = c->progress ? num_max(1, BATCH_LEN / b.chunk_len) : n;
	b.results = results = malloc((size_t)num_min(n, per_batch));
	if (!results)
		return error_nomem(err);
	while (done < n && (c->map || !c->differs)) {
		size_t now = (size_t)num_min(n - done, per_batch);
		int rc;

		if (c->progress)
			c->progress(c->progress_arg, "comparing", done * b.chunk_len, c->len);
		rc = run_batch(&b, now, err);
		if (rc < 0)
			return rc;
		b.first += now;
		done += now;
	}
	return 0;
}

/* ---- bytes --------------------------------------------------------------------------------- */

static uint64_t differing_bits(const uint8_t *a, const uint8_t *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return le64toh(x ^ y);
}

/* Index of the lowest zero byte of @x, 8 if there is none. */
static size_t zero_byte(uint64_t x)
{
	uint64_t low = UINT64_C(0x0101010101010101);
	uint64_t zeros = (x - low) & ~x & (low << 7);

	return zeros ? (size_t)__builtin_ctzll(zeros) / 8 : sizeof(x);
}

static size_t first_different(const uint8_t *a, const uint8_t *b, size_t len, size_t i)
{
	while (len - i >= sizeof(uint64_t)) {
		uint64_t x = differing_bits(a + i, b + i);

		if (x != 0)
			return i + (size_t)__builtin_ctzll(x) / 8;
		i += sizeof(x);
	}
	while (i < len && a[i] == b[i])
		i++;
	return i;
}

static size_t first_equal(const uint8_t *a, const uint8_t *b, size_t len, size_t i)
{
	while (len - i >= sizeof(uint64_t)) {
		size_t at = zero_byte(differing_bits(a + i, b + i));

		if (at < sizeof(uint64_t))
			return i + at;
		i += sizeof(uint64_t);
	}
	while (i < len && a[i] != b[i])
		i++;
	return i;
}

size_t compare_next(const uint8_t *a, const uint8_t *b, size_t len, size_t *pos)
{
	size_t start = first_different(a, b, len, *pos);

	if (start == len)
		return 0;
	*pos = start;
	return first_equal(a, b, len, start) - start;
}
