/* SPDX-License-Identifier: MIT */

/* Sources of every kind, beside plain arrays that hold the same. */

#include "test.h"

#include "core/num.h"
#include "core/pool.h"

#include "random.h"
#include "letters.h"

/* ---- a decoder and a transform that are easily written twice ------------------------------- */

#define VIEW_UNIT 16

static int scramble(const void *ctx, uint64_t off, uint8_t *buf, size_t len, struct rimg_error *err)
{
	uint64_t size = *(const uint64_t *)ctx;

	(void)err;
	/* what source.h promises */
	assert_int_equal(off % VIEW_UNIT, 0);
	assert_true(len % VIEW_UNIT == 0 || off + len == size);
	assert_true(len > 0);
	for (size_t i = 0; i < len; i++)
		buf[i] ^= (uint8_t)(0x55 + (off + i) / VIEW_UNIT);
	return 0;
}

/* ---- sources beside plain arrays ------------------------------------------------------------ */

#define NOWHERE UINT64_MAX

/* A source, the bytes that it must have, and where in the ground each of them lies. */
struct model {
	struct rimg_source *src;
	const struct model *base;
	uint64_t size;
	uint8_t *bytes;
	uint64_t *ground;
};

static struct model *model_new(struct arena *a, const struct model *base, uint64_t size)
{
	struct model *m = arena_alloc(a, sizeof(*m));

	m->base = base;
	m->size = size;
	m->bytes = arena_alloc(a, size + 1);
	m->ground = arena_array(a, size + 1, sizeof(*m->ground));
	for (uint64_t i = 0; i < size; i++)
		m->ground[i] = NOWHERE;
	return m;
}

static struct model *model_ground(struct arena *a, struct test_random *rnd, uint64_t size)
{
	struct model *m = model_new(a, NULL, size);

	test_random_fill(rnd, m->bytes, size);
	for (uint64_t i = 0; i < size; i++)
		m->ground[i] = i;
	return m;
}

static struct model *random_slice(struct arena *a, struct test_random *rnd,
				  const struct model *base)
{
	uint64_t off = test_random_below(rnd, base->size + 1);
	uint64_t len = test_random_below(rnd, base->size - off + 1);
	struct model *m = model_new(a, base, len);

	m->src = source_slice(a, base->src, off, len);
	memcpy(m->bytes, base->bytes + off, len);
	memcpy(m->ground, base->ground + off, len * sizeof(*m->ground));
	return m;
}

static struct model *random_view(struct arena *a, const struct model *base)
{
	struct model *m = model_new(a, base, base->size);

	m->src = source_view(a, base->src, VIEW_UNIT, scramble, &m->size);
	for (uint64_t i = 0; i < m->size; i++)
		m->bytes[i] = (uint8_t)(base->bytes[i] ^ (0x55 + i / VIEW_UNIT));
	return m;
}

/* A piece somewhere in the base, of at most 60 bytes. */
static struct source_piece random_piece(struct test_random *rnd, const struct model *base)
{
	struct source_piece p = { .kind = (enum piece_kind)test_random_below(rnd, 3) };

	p.len = test_random_below(rnd, 60);
	if (p.kind == PIECE_ZERO)
		return p;
	p.base_off = test_random_below(rnd, base->size + 1);
	p.len = num_min(p.len, base->size - p.base_off);
	p.base_len = p.len;
	p.plain = p.kind == PIECE_RAW || test_random_one_in(rnd, 2);
	if (p.kind == PIECE_RAW)
		return p;
	p.base_len += test_random_below(rnd, base->size - p.base_off - p.len + 1) % 10;
	p.tag[0] = test_random_next(rnd) & 0xff;
	p.tag[1] = sum_of(base->bytes + p.base_off, p.base_len);
	return p;
}

static struct model *random_extents(struct arena *a, struct test_random *rnd,
				    const struct model *base)
{
	size_t n = test_random_below(rnd, 20);
	struct source_piece *pieces = arena_array(a, n, sizeof(*pieces));
	uint64_t size = 0;
	struct model *m;

	for (size_t i = 0; i < n; i++) {
		pieces[i] = random_piece(rnd, base);
		pieces[i].off = size;
		size += pieces[i].len;
	}
	m = model_new(a, base, size);
	m->src = source_extents(a, base->src, pieces, n, decode, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct source_piece *p = &pieces[i];

		for (uint64_t k = 0; k < p->len && p->kind != PIECE_ZERO; k++) {
			uint64_t at = p->base_off + (p->plain ? k : p->base_len - 1 - k);

			m->bytes[p->off + k] =
				(uint8_t)(base->bytes[at] ^ (p->plain ? 0 : p->tag[0]));
			if (p->plain)
				m->ground[p->off + k] = base->ground[at];
		}
	}
	return m;
}

static void check_reads(struct test_random *rnd, const struct model *m)
{
	uint8_t buf[700];
	struct rimg_error err;

	assert_non_null(m->src);
	assert_int_equal(rimg_source_size(m->src), m->size);
	for (int i = 0; i < 40; i++) {
		uint64_t off = test_random_below(rnd, m->size + 3);
		uint64_t len = test_random_below(rnd, test_random_one_in(rnd, 3) ? 600 : 40);
		int rc;

		if (test_random_one_in(rnd, 3) && off < m->size)
			len = num_min(m->size - off, 600);
		memset(buf, 0xee, sizeof(buf));
		rc = rimg_source_read(m->src, off, buf, len, &err);
		assert_int_equal(buf[len], 0xee);
		if (off > m->size || len > m->size - off) {
			assert_int_equal(rc, -RIMG_E_TRUNCATED);
			assert_int_equal(err.code, RIMG_E_TRUNCATED);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_memory_equal(buf, m->bytes + off, len);
	}
}

/* What source_map() says of each byte must lead to that byte. */
static void check_map(const struct model *m)
{
	for (uint64_t off = 0; off < m->size; off++) {
		struct source_piece p;
		const struct rimg_source *base = source_map(m->src, off, &p);
		uint8_t out[64];

		if (!base) {
			assert_true(!m->base || m->src == NULL || m->ground[off] == NOWHERE);
			continue;
		}
		assert_ptr_equal(base, m->base->src);
		assert_true(p.off <= off && off - p.off < p.len);
		assert_true(p.len <= m->size - p.off);
		if (p.kind == PIECE_ZERO) {
			assert_int_equal(m->bytes[off], 0);
			assert_false(p.plain);
		} else if (p.plain) {
			assert_int_equal(p.off, off);
			assert_memory_equal(m->base->bytes + p.base_off, m->bytes + off, p.len);
			assert_true(p.base_len >= p.len);
		} else {
			assert_int_equal(decode(NULL, base, &p, out, NULL), 0);
			assert_memory_equal(out, m->bytes + p.off, p.len);
		}
	}
}

static void check_ground(const struct model *m, const struct rimg_source *ground)
{
	for (uint64_t off = 0; off < m->size; off++) {
		uint64_t at = 77, len = 0;
		const struct rimg_source *found = source_ground(m->src, off, &at, &len);

		assert_in_range(len, 1, m->size - off);
		assert_ptr_equal(found, m->ground[off] == NOWHERE ? NULL : ground);
		for (uint64_t i = 0; i < len; i++)
			assert_int_equal(m->ground[off + i], found ? at + i : NOWHERE);
	}
}

static void check_everything(struct test_random *rnd, const struct model *m,
			     const struct rimg_source *ground)
{
	struct source_piece p;

	check_reads(rnd, m);
	check_map(m);
	check_ground(m, ground);
	assert_null(source_map(m->src, m->size, &p));
	assert_null(source_map(m->src, UINT64_MAX, &p));
	assert_string_equal(source_name(m->src), "ground");
}

/* Sources made of sources, five deep, all checked. */
static void check_tower(struct test_random *rnd, struct arena *a, struct model *ground)
{
	const struct model *m = ground;

	check_everything(rnd, m, ground->src);
	for (int depth = 0; depth < 5; depth++) {
		switch (test_random_below(rnd, 4)) {
		case 0: m = random_slice(a, rnd, m); break;
		case 1: m = random_view(a, m); break;
		default: m = random_extents(a, rnd, m); break;
		}
		check_everything(rnd, m, ground->src);
	}
}

static void sources_of_memory_agree_with_arrays(void **state)
{
	struct test_random rnd = test_random_start("source");

	(void)state;
	for (int round = 0; round < 400; round++) {
		struct arena a;
		struct model *ground;

		arena_init(&a, 0);
		ground = model_ground(&a, &rnd, test_random_below(&rnd, 600));
		ground->src = rimg_source_open_memory(ground->bytes, ground->size, "ground");
		check_tower(&rnd, &a, ground);
		rimg_source_free(ground->src);
		arena_done(&a);
	}
}

static void sources_of_a_file_agree_with_arrays(void **state)
{
	struct test_random rnd = test_random_start("source");
	char *dir = test_temp_dir();
	auto_free char *path = NULL;
	struct rimg_error err;

	(void)state;
	assert_true(asprintf(&path, "%s/file", dir) > 0);
	for (int round = 0; round < 40; round++) {
		struct arena a;
		struct model *ground;
		int fd;

		arena_init(&a, 0);
		ground = model_ground(&a, &rnd, test_random_below(&rnd, 600));
		test_save(path, ground->bytes, ground->size);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_return_code(fd, errno);
		ground->src = rimg_source_open_fd(fd, "ground", &err);
		check_tower(&rnd, &a, ground);
		assert_int_equal(rimg_source_verify(ground->src, &err), 0);
		rimg_source_free(ground->src);
		arena_done(&a);
	}
	test_remove_dir(dir);
}

/* ---- slices and pieces at their bounds ------------------------------------------------------ */

static void a_slice_is_cut_to_its_base(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t off, len, want;
	} cases[] = {
		{ 0, 26, 26 },         { 0, 27, 26 },
		{ 26, 0, 0 },          { 26, 1, 0 },
		{ 27, 1, 0 },          { 20, 6, 6 },
		{ 20, 7, 6 },          { UINT64_MAX, UINT64_MAX, 0 },
		{ 5, UINT64_MAX, 21 }, { UINT64_MAX - 9, 20, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rimg_source *s =
			source_slice(&f->arena, f->ground, cases[i].off, cases[i].len);
		char c;

		assert_int_equal(rimg_source_size(s), cases[i].want);
		assert_int_equal(rimg_source_read(s, cases[i].want, &c, 1, NULL),
				 -RIMG_E_TRUNCATED);
		if (cases[i].want == 0)
			continue;
		assert_int_equal(rimg_source_read(s, cases[i].want - 1, &c, 1, NULL), 0);
		assert_int_equal(c, letters[cases[i].off + cases[i].want - 1]);
	}
}

static void reads_past_the_end_do_not_wrap_around(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s = source_slice(&f->arena, f->ground, 10, 5);
	char buf[8];

	assert_int_equal(rimg_source_read(s, UINT64_MAX, buf, 2, NULL), -RIMG_E_TRUNCATED);
	assert_int_equal(rimg_source_read(s, 2, buf, SIZE_MAX, NULL), -RIMG_E_TRUNCATED);
	assert_int_equal(rimg_source_read(s, 5, buf, 0, NULL), 0);
	assert_int_equal(rimg_source_read(s, 6, buf, 0, NULL), -RIMG_E_TRUNCATED);
	assert_int_equal(rimg_source_read(f->ground, UINT64_MAX - 9, buf, 8, NULL),
			 -RIMG_E_TRUNCATED);
}

/* "letters: at byte 3" of a slice would be looked for at byte 3 of the file. */
static void a_message_has_no_offset_that_is_not_one_of_the_file(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s = source_slice(&f->arena, f->ground, 10, 5);
	struct rimg_error err;
	char buf[8];

	assert_int_equal(rimg_source_read(f->ground, 20, buf, 8, &err), -RIMG_E_TRUNCATED);
	assert_true(err.has_off);
	assert_int_equal(err.off, 20);
	assert_string_equal(err.where, "letters");
	assert_string_equal(err.text, "expected 8 more bytes, found 6");
	assert_int_equal(rimg_source_read(s, 3, buf, 8, &err), -RIMG_E_TRUNCATED);
	assert_false(err.has_off);
	assert_string_equal(err.where, "letters");
	assert_string_equal(err.text, "expected 8 more bytes at byte 3 of a part of it, found 2");
}

static void a_piece_outside_of_its_base_is_damage(void **state)
{
	struct fixture *f = *state;
	static const struct source_piece pieces[] = {
		{ .off = 0,
		  .len = 4,
		  .kind = PIECE_RAW,
		  .base_off = 20,
		  .base_len = 4,
		  .plain = true },
		{ .off = 4,
		  .len = 4,
		  .kind = PIECE_RAW,
		  .base_off = 24,
		  .base_len = 4,
		  .plain = true },
		{ .off = 8,
		  .len = 4,
		  .kind = PIECE_BLOCK,
		  .base_off = UINT64_MAX - 1,
		  .base_len = 4,
		  .plain = true },
		{ .off = 12,
		  .len = 4,
		  .kind = PIECE_RAW,
		  .base_off = UINT64_MAX,
		  .base_len = 4,
		  .plain = true },
	};
	struct rimg_source *s =
		source_extents(&f->arena, f->ground, pieces, ARRAY_LEN(pieces), decode, NULL);
	struct rimg_error err;
	uint64_t off, len;
	char buf[16];

	assert_int_equal(rimg_source_read(s, 0, buf, 6, &err), 0);
	assert_memory_equal(buf, "uvwxyz", 6);
	for (size_t at = 6; at < 16; at++) {
		assert_int_equal(rimg_source_read(s, at, buf, 1, &err), -RIMG_E_BAD);
		assert_int_equal(err.code, RIMG_E_BAD);
	}
	assert_int_equal(rimg_source_read(s, 0, buf, 16, NULL), -RIMG_E_BAD);
	assert_int_equal(rimg_source_read(s, 0, buf, 17, NULL), -RIMG_E_TRUNCATED);
	/* nor do these bytes lie anywhere */
	assert_ptr_equal(source_ground(s, 4, &off, &len), f->ground);
	assert_int_equal(off, 24);
	assert_int_equal(len, 2);
	for (size_t at = 6; at < 16; at++) {
		assert_null(source_ground(s, at, &off, &len));
		assert_in_range(len, 1, 16 - at);
	}
}

static void pieces_in_disorder_are_an_error_not_a_crash(void **state)
{
	struct fixture *f = *state;
	static const struct source_piece gap[] = {
		{ .off = 0, .len = 4, .kind = PIECE_ZERO },
		{ .off = 6, .len = 4, .kind = PIECE_ZERO },
	};
	static const struct source_piece late[] = {
		{ .off = 5, .len = 4, .kind = PIECE_ZERO },
	};
	static const struct source_piece wild[] = {
		{ .off = 0, .len = 4, .kind = PIECE_ZERO },
		{ .off = UINT64_MAX - 2, .len = 1, .kind = PIECE_ZERO },
	};
	struct rimg_error err;
	char buf[64];
	struct rimg_source *s = source_extents(&f->arena, f->ground, gap, 2, decode, NULL);

	assert_int_equal(rimg_source_read(s, 0, buf, 10, &err), -RIMG_E_INTERNAL);
	assert_int_equal(rimg_source_read(s, 4, buf, 1, &err), -RIMG_E_INTERNAL);
	assert_int_equal(rimg_source_read(s, 0, buf, 4, &err), 0);
	s = source_extents(&f->arena, f->ground, late, 1, decode, NULL);
	assert_int_equal(rimg_source_read(s, 0, buf, 1, &err), -RIMG_E_INTERNAL);
	s = source_extents(&f->arena, f->ground, wild, 2, decode, NULL);
	assert_int_equal(rimg_source_read(s, 2, buf, 60, &err), -RIMG_E_INTERNAL);
}

static void bytes_that_nothing_leads_to_are_damage(void **state)
{
	struct fixture *f = *state;
	static const struct source_piece pieces[] = {
		{ .off = 0,
		  .len = 4,
		  .kind = PIECE_RAW,
		  .base_off = 1,
		  .base_len = 4,
		  .plain = true },
		{ .off = 4, .len = 4, .kind = PIECE_BAD },
		{ .off = 8,
		  .len = 4,
		  .kind = PIECE_RAW,
		  .base_off = 1,
		  .base_len = 4,
		  .plain = true },
	};
	struct rimg_source *s = source_extents(&f->arena, f->ground, pieces, 3, NULL, NULL);
	struct source_piece p;
	uint64_t off, len;
	char buf[12];

	assert_int_equal(rimg_source_read(s, 0, buf, 12, NULL), -RIMG_E_BAD);
	assert_int_equal(rimg_source_read(s, 5, buf, 1, NULL), -RIMG_E_BAD);
	assert_int_equal(rimg_source_read(s, 8, buf, 4, NULL), 0);
	assert_memory_equal(buf, "bcde", 4);
	assert_null(source_ground(s, 5, &off, &len));
	assert_int_equal(len, 3);
	assert_ptr_equal(source_map(s, 5, &p), f->ground);
	assert_false(p.plain);
}

static void no_pieces_are_an_empty_source(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s = source_extents(&f->arena, f->ground, NULL, 0, NULL, NULL);
	struct source_piece p;
	char c;

	assert_int_equal(rimg_source_size(s), 0);
	assert_int_equal(rimg_source_read(s, 0, &c, 0, NULL), 0);
	assert_int_equal(rimg_source_read(s, 0, &c, 1, NULL), -RIMG_E_TRUNCATED);
	assert_null(source_map(s, 0, &p));
}

static int read_backwards(const void *ctx, uint64_t off, void *buf, size_t len,
			  struct rimg_error *err)
{
	uint8_t *p = buf;

	if (off + len > 20)
		return error_set(err, RIMG_E_IO, ctx, "cannot");
	for (size_t i = 0; i < len; i++)
		p[i] = letters[25 - off - i];
	return 0;
}

static void a_source_of_ones_own_is_ground(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *own = source_custom(&f->arena, 26, "own", read_backwards, "own");
	struct rimg_source *s = source_slice(&f->arena, own, 2, 24);
	struct rimg_error err;
	uint64_t off, len;
	char buf[8];

	assert_int_equal(rimg_source_read(s, 1, buf, 3, &err), 0);
	assert_memory_equal(buf, "wvu", 3);
	assert_int_equal(rimg_source_read(s, 18, buf, 1, &err), -RIMG_E_IO);
	assert_int_equal(rimg_source_read(s, 24, buf, 1, &err), -RIMG_E_TRUNCATED);
	assert_ptr_equal(source_ground(s, 1, &off, &len), own);
	assert_int_equal(off, 3);
	assert_string_equal(source_name(s), "own");
	assert_int_equal(rimg_source_verify(s, &err), 0);
	assert_int_equal(source_next_data(s, 3), 3);
	assert_int_equal(source_next_hole(s, 3), 24);
}

/* ---- blocks --------------------------------------------------------------------------------- */

static void small_reads_in_order_decode_each_block_once(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s = four_blocks(f);
	char buf[25] = "";

	atomic_store(&n_decoded, 0);
	for (size_t i = 0; i < 24; i++)
		assert_int_equal(rimg_source_read(s, i, buf + i, 1, NULL), 0);
	assert_string_equal(buf, "fedcbalkjihgrqponmxwvuts");
	assert_int_equal(atomic_load(&n_decoded), 4);
}

static void eight_sources_read_in_turns_decode_each_block_once(void **state)
{
	struct fixture *f = *state;
	struct rimg_source *s[8];
	char c;

	for (size_t k = 0; k < 8; k++)
		s[k] = four_blocks(f);
	atomic_store(&n_decoded, 0);
	for (size_t i = 0; i < 24; i++) {
		for (size_t k = 0; k < 8; k++) {
			assert_int_equal(rimg_source_read(s[k], i, &c, 1, NULL), 0);
			assert_int_equal(c, "fedcbalkjihgrqponmxwvuts"[i]);
		}
	}
	assert_int_equal(atomic_load(&n_decoded), 32);
}

/* Reads of blocks of one arena, from within a decoder. */
static int decode_through(const void *ctx, const struct rimg_source *base,
			  const struct source_piece *p, uint8_t *out, struct rimg_error *err)
{
	(void)ctx;
	return rimg_source_read(base, p->base_off, out, p->len, err);
}

static void a_decoder_may_read_blocks_itself(void **state)
{
	struct fixture *f = *state;
	static const struct source_piece pieces[] = {
		{ .off = 0, .len = 8, .kind = PIECE_BLOCK, .base_off = 3, .base_len = 8 },
		{ .off = 8, .len = 8, .kind = PIECE_BLOCK, .base_off = 11, .base_len = 8 },
	};
	struct rimg_source *s =
		source_extents(&f->arena, four_blocks(f), pieces, 2, decode_through, NULL);
	char buf[17] = "";

	alarm(60); /* rather than wait for itself for ever */
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(rimg_source_read(s, i, buf + i, 1, NULL), 0);
	alarm(0);
	assert_string_equal(buf, "cbalkjihgrqponmx");
}

static void a_damaged_block_damages_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct source_piece pieces[3] = { { 0 } };
	struct rimg_source *s;
	struct rimg_error err;
	char buf[24];

	for (size_t i = 0; i < 3; i++)
		pieces[i] = (struct source_piece){ .off = 8 * i,
						   .len = 8,
						   .kind = PIECE_BLOCK,
						   .base_off = 8 * i,
						   .base_len = 8,
						   .plain = true,
						   .tag[1] = sum_of(letters + 8 * i, 8) };
	pieces[1].tag[1]++;
	s = source_extents(&f->arena, f->ground, pieces, 3, decode, NULL);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(rimg_source_read(s, 2, buf, 3, &err), 0);
		assert_memory_equal(buf, "cde", 3);
		assert_int_equal(rimg_source_read(s, 10, buf, 3, &err), -RIMG_E_BAD);
		assert_string_equal(err.text, "the sum is wrong");
		assert_int_equal(rimg_source_read(s, 8, buf, 8, &err), -RIMG_E_BAD);
		assert_int_equal(rimg_source_read(s, 7, buf, 2, &err), -RIMG_E_BAD);
		assert_int_equal(rimg_source_read(s, 16, buf, 8, &err), 0);
		assert_memory_equal(buf, "qrstuvwx", 8);
	}
}

/* Arenas reuse addresses; what a source that is gone has left must not be taken for another's. */
static void blocks_of_a_source_that_is_gone_are_not_met_again(void **state)
{
	struct fixture *f = *state;
	char c;

	for (uint64_t i = 0; i < 20; i++) {
		struct arena a;
		struct source_piece *p;
		struct rimg_source *s;

		arena_init(&a, 0);
		assert_true(source_share_cache(&a, &f->arena));
		p = arena_alloc(&a, sizeof(*p));
		*p = (struct source_piece){
			.len = 2, .kind = PIECE_BLOCK, .base_off = i, .base_len = 2
		};
		s = source_extents(&a, f->ground, p, 1, decode, NULL);
		assert_int_equal(rimg_source_read(s, 1, &c, 1, NULL), 0);
		assert_int_equal(c, letters[i]);
		arena_done(&a);
	}
}

static void blocks_of_growing_length_fit_into_the_cache(void **state)
{
	struct fixture *f = *state;
	char buf[26];

	for (uint64_t len = 2; len <= 26; len++) {
		struct source_piece *p = arena_alloc(&f->arena, sizeof(*p));
		struct rimg_source *s;

		*p = (struct source_piece){ .len = len, .kind = PIECE_BLOCK, .base_len = len };
		s = source_extents(&f->arena, f->ground, p, 1, decode, NULL);
		assert_int_equal(rimg_source_read(s, 1, buf, len - 1, NULL), 0);
		for (uint64_t i = 1; i < len; i++)
			assert_int_equal(buf[i - 1], letters[len - 1 - i]);
	}
}

/* ---- threads -------------------------------------------------------------------------------- */

struct crowd {
	const struct model *m;
	uint64_t seed;
	atomic_uint wrong;
};

static void read_at_random(void *arg, size_t i)
{
	struct crowd *crowd = arg;
	struct test_random rnd = { .state = crowd->seed + i };
	uint8_t buf[64];

	for (int k = 0; k < 400; k++) {
		uint64_t off = test_random_below(&rnd, crowd->m->size);
		size_t len = test_random_below(&rnd, num_min(64, crowd->m->size - off) + 1);

		if (rimg_source_read(crowd->m->src, off, buf, len, NULL) < 0 ||
		    memcmp(buf, crowd->m->bytes + off, len) != 0)
			atomic_fetch_add(&crowd->wrong, 1);
	}
}

static void many_threads_read_one_source(void **state)
{
	struct test_random rnd = test_random_start("source");

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct arena a;
		struct model *ground;
		struct crowd crowd = { .seed = test_random_next(&rnd) };

		arena_init(&a, 0);
		ground = model_ground(&a, &rnd, 600);
		ground->src = rimg_source_open_memory(ground->bytes, ground->size, "ground");
		crowd.m =
			random_view(&a, random_extents(&a, &rnd, random_extents(&a, &rnd, ground)));
		if (crowd.m->size > 0)
			pool_for(8, 16, read_at_random, &crowd);
		assert_int_equal(atomic_load(&crowd.wrong), 0);
		rimg_source_free(ground->src);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_of_memory_agree_with_arrays),
		cmocka_unit_test(sources_of_a_file_agree_with_arrays),
		with_letters(a_slice_is_cut_to_its_base),
		with_letters(reads_past_the_end_do_not_wrap_around),
		with_letters(a_message_has_no_offset_that_is_not_one_of_the_file),
		with_letters(a_piece_outside_of_its_base_is_damage),
		with_letters(pieces_in_disorder_are_an_error_not_a_crash),
		with_letters(bytes_that_nothing_leads_to_are_damage),
		with_letters(no_pieces_are_an_empty_source),
		with_letters(a_source_of_ones_own_is_ground),
		with_letters(small_reads_in_order_decode_each_block_once),
		with_letters(eight_sources_read_in_turns_decode_each_block_once),
		with_letters(a_decoder_may_read_blocks_itself),
		with_letters(a_damaged_block_damages_nothing_else),
		with_letters(blocks_of_a_source_that_is_gone_are_not_met_again),
		with_letters(blocks_of_growing_length_fit_into_the_cache),
		cmocka_unit_test(many_threads_read_one_source),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
