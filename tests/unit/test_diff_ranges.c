/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/mem.h"
#include "core/num.h"
#include "diff/ranges.h"

#define BLOCK ((uint64_t)4096)

/* Numbers that are the same in every run. */
static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t random_below(uint64_t n)
{
	return next_random() % n;
}

static uint8_t *random_bytes(size_t len)
{
	uint8_t *data = malloc(len + 1);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)next_random();
	return data;
}

/* ---- maps ----------------------------------------------------------------------------------- */

static void a_map_holds_what_was_set(void **unused)
{
	(void)unused;
	for (uint64_t size = 1; size < 3000000; size = size * 3 + 1) {
		uint64_t blocks = (size + BLOCK - 1) / BLOCK, from = 0, off = 0, len;
		bool *set = calloc(blocks, sizeof(*set));
		struct blockmap m;

		assert_non_null(set);
		assert_int_equal(blockmap_init(&m, size, NULL), 0);
		assert_false(blockmap_any(&m, 0, size));
		for (int i = 0; i < 20; i++) {
			uint64_t at = random_below(size);
			uint64_t n = 1 + random_below(num_min(size - at, 3 * BLOCK));

			blockmap_set(&m, at, n);
			for (uint64_t b = at / BLOCK; b <= (at + n - 1) / BLOCK; b++)
				set[b] = true;
		}
		for (uint64_t b = 0; b < blocks; b++)
			assert_int_equal(blockmap_any(&m, b * BLOCK, 1), set[b]);
		/* the runs that it gives are those of the plain table */
		while (blockmap_next(&m, &off, &len)) {
			assert_true(off % BLOCK == 0 && len > 0 && off + len <= size);
			for (uint64_t b = from; b < off / BLOCK; b++)
				assert_false(set[b]);
			for (uint64_t b = off / BLOCK; b <= (off + len - 1) / BLOCK; b++)
				assert_true(set[b]);
			from = (off + len - 1) / BLOCK + 1;
			off += len;
		}
		for (uint64_t b = from; b < blocks; b++)
			assert_false(set[b]);
		blockmap_done(&m);
		free(set);
	}
}

static void any_looks_at_every_block_that_is_touched(void **unused)
{
	struct blockmap m;

	(void)unused;
	assert_int_equal(blockmap_init(&m, 1000 * BLOCK, NULL), 0);
	blockmap_set(&m, 500 * BLOCK, 1);
	assert_true(blockmap_any(&m, 0, 1000 * BLOCK));
	assert_false(blockmap_any(&m, 0, 500 * BLOCK));
	assert_true(blockmap_any(&m, 0, 500 * BLOCK + 1));
	assert_true(blockmap_any(&m, 501 * BLOCK - 1, 1));
	assert_false(blockmap_any(&m, 501 * BLOCK, 499 * BLOCK));
	assert_false(blockmap_any(&m, 500 * BLOCK, 0));
	assert_false(blockmap_any(&m, 2000 * BLOCK, 1));
	blockmap_done(&m);
}

static void a_huge_content_has_larger_blocks(void **unused)
{
	uint64_t size = UINT64_C(1) << 50, off = 0, len;
	struct blockmap m;

	(void)unused;
	assert_int_equal(blockmap_init(&m, size, NULL), 0);
	assert_true(m.shift > 12);
	blockmap_set(&m, size - 1, 1);
	assert_true(blockmap_next(&m, &off, &len));
	assert_int_equal(off + len, size);
	assert_int_equal(len, UINT64_C(1) << m.shift);
	blockmap_done(&m);
}

static void an_empty_content_has_no_blocks(void **unused)
{
	struct blockmap m;
	uint64_t off = 0, len;

	(void)unused;
	assert_int_equal(blockmap_init(&m, 0, NULL), 0);
	assert_false(blockmap_next(&m, &off, &len));
	assert_false(blockmap_any(&m, 0, 1));
	blockmap_done(&m);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static void runs_of_bytes_are_those_of_a_plain_loop(void **unused)
{
	(void)unused;
	for (int round = 0; round < 2000; round++) {
		size_t len = random_below(100), pos = 0, run;
		uint8_t *a = random_bytes(len), *b = random_bytes(len);
		uint64_t rarity = 1 + random_below(12);
		bool *differs = calloc(len + 1, sizeof(*differs));

		assert_non_null(differs);
		for (size_t i = 0; i < len; i++)
			if (random_below(12) < rarity)
				b[i] = a[i];
		for (size_t i = 0; i < len; i++)
			differs[i] = a[i] != b[i];
		for (size_t i = 0; (run = compare_next(a, b, len, &pos)) > 0; i = pos) {
			for (; i < pos; i++)
				assert_false(differs[i]);
			for (; i < pos + run; i++)
				assert_true(differs[i]);
			/* runs are as long as they can be */
			assert_false(differs[i]);
			for (size_t j = pos; j < pos + run; j++)
				differs[j] = false;
			pos += run;
		}
		for (size_t i = 0; i < len; i++)
			assert_false(differs[i]);
		free(a);
		free(b);
		free(differs);
	}
}

/* ---- comparing ------------------------------------------------------------------------------ */

struct two {
	struct rimg_source *a, *b;
};

static struct two open_two(const uint8_t *a, const uint8_t *b, size_t len)
{
	struct two t = { rimg_source_open_memory(a, len, "a"),
			 rimg_source_open_memory(b, len, "b") };

	assert_non_null(t.a);
	assert_non_null(t.b);
	return t;
}

static void close_two(struct two *t)
{
	rimg_source_free(t->a);
	rimg_source_free(t->b);
}

/* The map of [off, off + len) has to be that of comparing byte by byte. */
static void check_range(const struct two *t, const uint8_t *a, const uint8_t *b, uint64_t off,
			uint64_t len, unsigned threads)
{
	uint64_t size = rimg_source_size(t->a);
	struct blockmap m;
	struct compare c = { .a = t->a, .b = t->b, .off = off, .len = len };
	bool any = false;

	c.scratch = scratch_new(threads);
	assert_non_null(c.scratch);
	assert_int_equal(blockmap_init(&m, size, NULL), 0);
	c.map = &m;
	assert_int_equal(compare_run(&c, NULL), 0);
	for (uint64_t block = 0; block < size; block += BLOCK) {
		uint64_t from = num_max(block, off), to = num_min(block + BLOCK, off + len);
		bool differs = from < to && memcmp(a + from, b + from, to - from) != 0;

		if (blockmap_any(&m, block, 1) != differs)
			fail_msg("block at %llu of range %llu + %llu", (unsigned long long)block,
				 (unsigned long long)off, (unsigned long long)len);
		any |= differs;
	}
	assert_int_equal(c.differs, any);
	c.map = NULL;
	assert_int_equal(compare_run(&c, NULL), 0);
	assert_int_equal(c.differs, any);
	assert_false(c.damaged);
	blockmap_done(&m);
	scratch_free(c.scratch);
}

static void maps_are_those_of_comparing_byte_by_byte(void **unused)
{
	static const size_t sizes[] = { 0,      1,      4095,    4096,    4097,
					262143, 262145, 1048577, 3000000, 9000001 };

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t size = sizes[i];
		uint8_t *a = random_bytes(size), *b = malloc(size + 1);
		struct two t;

		assert_non_null(b);
		memcpy(b, a, size);
		for (int round = 0; round < 6; round++) {
			uint64_t off = round == 0 || size == 0 ? 0 : random_below(size);
			uint64_t len = round == 0 ? size : random_below(size - off + 1);

			for (int n = 0; size > 0 && n < 1 << round; n++)
				b[random_below(size)] ^= (uint8_t)(1 + random_below(255));
			t = open_two(a, b, size);
			check_range(&t, a, b, off, len, 1 + (unsigned)round % 3);
			close_two(&t);
		}
		free(a);
		free(b);
	}
}

/* A file with the data of @data, and holes where that has a whole block of zeros. */
static struct rimg_source *open_sparse(const char *dir, const char *name, const uint8_t *data,
				       size_t len)
{
	static const uint8_t zeros[4096];
	char path[256];
	struct rimg_error err;
	struct rimg_source *src;
	int fd;

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", dir, name), 1, 255);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_return_code(ftruncate(fd, (off_t)len), errno);
	for (size_t off = 0; off < len; off += BLOCK) {
		size_t n = num_min(BLOCK, len - off);

		if (memcmp(data + off, zeros, n) != 0)
			assert_int_equal(pwrite(fd, data + off, n, (off_t)off), n);
	}
	src = rimg_source_open_fd(fd, path, &err);
	assert_non_null(src);
	return src;
}

/* Blocks of zeros and of data: what is a hole in one file may be data in the other. */
static uint8_t *patchwork(const uint8_t *like, size_t len)
{
	uint8_t *data = calloc(1, len);
	bool zero = false;

	assert_non_null(data);
	if (like)
		memcpy(data, like, len);
	for (size_t off = 0; off < len; off += BLOCK) {
		size_t n = num_min(BLOCK, len - off);

		if (random_below(like ? 200 : 20) == 0)
			zero = !zero;
		if (like ? random_below(300) > 0 : zero)
			continue;
		for (size_t i = 0; i < n; i++)
			data[off + i] = like && zero ? 0 : (uint8_t)next_random();
	}
	return data;
}

static void holes_count_as_zeros(void **unused)
{
	char *dir = test_temp_dir();

	(void)unused;
	for (int round = 0; round < 6; round++) {
		size_t len = 4000000 + random_below(100000);
		uint8_t *a = patchwork(NULL, len), *b = patchwork(a, len);
		struct two t = { open_sparse(dir, "a", a, len), open_sparse(dir, "b", b, len) };

		check_range(&t, a, b, 0, len, 2);
		check_range(&t, a, b, 12345, len - 23456, 2);
		close_two(&t);
		free(a);
		free(b);
	}
	test_remove_dir(dir);
}

static void a_hole_of_a_terabyte_costs_nothing(void **unused)
{
	char *dir = test_temp_dir();
	uint64_t size = UINT64_C(1) << 40, off = 0, len;
	struct two t = { NULL, NULL };
	struct blockmap m;
	struct compare c = { .len = size, .map = &m };

	(void)unused;
	for (int i = 0; i < 2; i++) {
		char path[256];
		int fd;

		snprintf(path, sizeof(path), "%s/%d", dir, i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_return_code(fd, errno);
		assert_return_code(ftruncate(fd, (off_t)size), errno);
		assert_int_equal(pwrite(fd, i ? "b" : "a", 1, (off_t)(size / 2)), 1);
		*(i ? &t.b : &t.a) = rimg_source_open_fd(fd, path, NULL);
	}
	assert_true(t.a && t.b);
	c.a = t.a;
	c.b = t.b;
	c.scratch = scratch_new(2);
	assert_int_equal(blockmap_init(&m, size, NULL), 0);
	assert_int_equal(compare_run(&c, NULL), 0);
	assert_true(blockmap_next(&m, &off, &len));
	assert_int_equal(off, size / 2);
	off += len;
	assert_false(blockmap_next(&m, &off, &len));
	blockmap_done(&m);
	scratch_free(c.scratch);
	close_two(&t);
	test_remove_dir(dir);
}

/* ---- trouble -------------------------------------------------------------------------------- */

struct faults {
	const uint8_t *data;
	uint64_t from; /* where reading fails from on */
	uint64_t to;
	int code;
};

static int read_with_faults(const void *ctx, uint64_t off, void *buf, size_t len,
			    struct rimg_error *err)
{
	const struct faults *f = ctx;

	if (off < f->to && off + len > f->from) {
		if (err)
			*err = (struct rimg_error){ .code = f->code,
						    .has_off = true,
						    .off = num_max(off, f->from) };
		return -f->code;
	}
	memcpy(buf, f->data + off, len);
	return 0;
}

static void damaged_blocks_count_as_different_when_tolerated(void **unused)
{
	size_t len = 2000000;
	uint8_t *a = random_bytes(len);
	struct faults f = { .data = a, .from = 600000, .to = 610000, .code = RIMG_E_BAD };
	struct arena arena;
	struct blockmap m;
	struct compare c = { .len = len, .map = &m, .tolerant = true };
	struct rimg_source *plain = rimg_source_open_memory(a, len, "plain");

	(void)unused;
	arena_init(&arena, 0);
	c.a = plain;
	c.b = source_custom(&arena, len, "faulty", read_with_faults, &f);
	c.scratch = scratch_new(2);
	assert_non_null(c.b);
	assert_int_equal(blockmap_init(&m, len, NULL), 0);
	assert_int_equal(compare_run(&c, NULL), 0);
	assert_true(c.differs && c.damaged);
	for (uint64_t off = 0; off < len; off += BLOCK)
		assert_int_equal(blockmap_any(&m, off, 1), off + BLOCK > f.from && off < f.to);
	c.tolerant = false;
	assert_int_equal(compare_run(&c, NULL), -RIMG_E_BAD);
	blockmap_done(&m);
	scratch_free(c.scratch);
	rimg_source_free(plain);
	arena_done(&arena);
	free(a);
}

/* Whatever the threads do, the first place that fails is told. */
static void the_first_failure_is_the_one_that_is_told(void **unused)
{
	size_t len = 30000000;
	uint8_t *a = random_bytes(len);
	struct faults f = { .data = a, .from = 5000000, .to = len, .code = RIMG_E_IO };
	struct arena arena;
	struct compare c = { .len = len, .tolerant = true };
	struct rimg_source *plain = rimg_source_open_memory(a, len, "plain");

	(void)unused;
	arena_init(&arena, 0);
	c.a = plain;
	c.b = source_custom(&arena, len, "faulty", read_with_faults, &f);
	for (unsigned threads = 1; threads < 6; threads++) {
		struct rimg_error err = { 0 };

		c.scratch = scratch_new(threads);
		assert_int_equal(compare_run(&c, &err), -RIMG_E_IO);
		assert_int_equal(err.off, f.from);
		scratch_free(c.scratch);
	}
	rimg_source_free(plain);
	arena_done(&arena);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_holds_what_was_set),
		cmocka_unit_test(any_looks_at_every_block_that_is_touched),
		cmocka_unit_test(a_huge_content_has_larger_blocks),
		cmocka_unit_test(an_empty_content_has_no_blocks),
		cmocka_unit_test(runs_of_bytes_are_those_of_a_plain_loop),
		cmocka_unit_test(maps_are_those_of_comparing_byte_by_byte),
		cmocka_unit_test(holes_count_as_zeros),
		cmocka_unit_test(a_hole_of_a_terabyte_costs_nothing),
		cmocka_unit_test(damaged_blocks_count_as_different_when_tolerated),
		cmocka_unit_test(the_first_failure_is_the_one_that_is_told),
	};

	state = UINT64_C(0x5eed);
	print_message("seed 0x5eed\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
