/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "audit/hidden.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/source.h"
#include "core/wr.h"

/* Four small functions (a checksum, a comparison of texts, a sort, a number's digits) as clang 14
 * -O1 compiles them: that this is code is known without the detector. */
/* clang-format off */
static const uint32_t words[] = {
	0xb4000261, 0x52900e2a, 0x2a1f03e8, 0x52800029, 0x72b000ea, 0x529ffe2b, 0x3840140c, 0xf1000421,
	0x0b0c0129, 0x9baa7d2c, 0xd36ffd8c, 0x1b0ba589, 0x0b080128, 0x9baa7d0c, 0xd36ffd8c, 0x1b0ba188,
	0x54fffec1, 0x2a084120, 0xd65f03c0, 0x52800020, 0xd65f03c0, 0x39400008, 0x34000108, 0x91000409,
	0x3940002a, 0x6b0a011f, 0x54000081, 0x38401528, 0x91000421, 0x35ffff68, 0x39400029, 0x4b090100,
	0xd65f03c0, 0x7100083f, 0x540002cb, 0x2a0103e8, 0x52800029, 0x14000006, 0x937d7d6b, 0x91000529,
	0xeb08013f, 0xf82b680a, 0x540001c0, 0xf869780a, 0xaa0903eb, 0xd100056c, 0xf86c580d, 0xeb0a01bf,
	0x54fffecd, 0xf82b780d, 0xaa0c03eb, 0x9100058d, 0xf10005bf, 0x54ffff0c, 0xaa1f03eb, 0x17ffffef,
	0xd65f03c0, 0xd10143ff, 0xa9027bfd, 0x910083fd, 0xf9001bf5, 0xa9044ff4, 0xaa0003f3, 0x2a0103f4,
	0xb6f80080, 0x528005a0, 0x94000000, 0xcb1303f3, 0x9000000c, 0xaa1f03e8, 0x2a1403e9, 0x910003ea,
	0xd2c0002b, 0x9100018c, 0x9ac90e6d, 0x8b0b0108, 0x9b09cdae, 0xaa0d03f3, 0x386e698e, 0x3800154e,
	0xb5ffff4d, 0x910003e9, 0x9360fd08, 0xd1000534, 0x38686a80, 0xd1000515, 0x94000000, 0xaa1503e8,
	0x0b130013, 0xb5ffff75, 0x2a1303e0, 0xf9401bf5, 0xa9444ff4, 0xa9427bfd, 0x910143ff, 0xd65f03c0,
};
/* clang-format on */

#define CODE_LEN (sizeof(words))
#define CHUNK    ((size_t)1 << 20) /* what the scan reads at once */

struct seen {
	struct hidden_run runs[16];
	size_t n;
	size_t stop_after; /* 0: never */
};

static bool note(void *arg, const struct hidden_run *run)
{
	struct seen *seen = arg;

	assert_true(seen->n < ARRAY_LEN(seen->runs));
	seen->runs[seen->n++] = *run;
	return seen->n != seen->stop_after;
}

/* Bytes that mean nothing: a linear congruential generator with a fixed start. */
static uint8_t *noise(size_t len)
{
	uint8_t *p = malloc(len);
	uint64_t x = 1;

	assert_non_null(p);
	for (size_t i = 0; i < len; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = (uint8_t)(x >> 56);
	}
	return p;
}

static void put_code(uint8_t *at)
{
	struct wr w = wr_init(at, CODE_LEN);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		wr_le32(&w, words[i]);
}

static struct seen scan(const uint8_t *p, size_t size, uint64_t off, uint64_t len)
{
	struct rimg_source *src = rimg_source_open_memory(p, size, "bytes");
	struct rimg_error err;
	struct seen seen = { 0 };

	assert_non_null(src);
	assert_int_equal(hidden_scan(src, off, len, note, &seen, &err), 0);
	rimg_source_free(src);
	return seen;
}

static void noise_text_and_zeros_are_not_code(void **state)
{
	static const char text[] = "The quick brown fox jumps over the lazy dog. ";
	uint8_t *p = noise(3 * CHUNK);

	(void)state;
	assert_int_equal(scan(p, 3 * CHUNK, 0, 3 * CHUNK).n, 0);
	for (size_t i = 0; i < CHUNK; i++)
		p[i] = (uint8_t)text[i % (sizeof(text) - 1)];
	memset(p + CHUNK, 0, CHUNK);
	memset(p + 2 * CHUNK, 0xff, CHUNK);
	assert_int_equal(scan(p, 3 * CHUNK, 0, 3 * CHUNK).n, 0);
	memset(p, 0x94, CHUNK); /* a byte that is frequent in code, but nothing else */
	assert_int_equal(scan(p, CHUNK, 0, CHUNK).n, 0);
	free(p);
}

static void code_is_found_at_every_alignment_and_across_chunks(void **state)
{
	static const size_t places[] = { 0,           1,           2,           3,
					 4097,        CHUNK - 1,   CHUNK - 130, CHUNK - 256,
					 CHUNK - 511, CHUNK - 512, CHUNK };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		uint8_t *p = noise(2 * CHUNK);
		struct seen seen;

		put_code(p + places[i]);
		seen = scan(p, 2 * CHUNK, 0, 2 * CHUNK);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.runs[0].kind, HIDDEN_A64);
		/* as near as windows of 256 bytes at every 128 can tell */
		assert_in_range(seen.runs[0].off + 256, places[i], places[i] + 512);
		assert_in_range(seen.runs[0].off + seen.runs[0].len, places[i] + CODE_LEN - 256,
				places[i] + CODE_LEN + 256);
		free(p);
	}
}

static void code_at_the_very_end_is_found(void **state)
{
	uint8_t *p = noise(CHUNK);

	(void)state;
	put_code(p + CHUNK - CODE_LEN);
	assert_int_equal(scan(p, CHUNK, 0, CHUNK).n, 1);
	assert_int_equal(scan(p, CHUNK, 0, CHUNK - CODE_LEN).n, 0);
	assert_int_equal(scan(p, CHUNK, CHUNK - CODE_LEN, CODE_LEN).n, 1);
	free(p);
}

static void two_far_runs_are_two(void **state)
{
	uint8_t *p = noise(CHUNK);
	struct seen seen;

	(void)state;
	put_code(p + 1000);
	put_code(p + 9000);
	seen = scan(p, CHUNK, 0, CHUNK);
	assert_int_equal(seen.n, 2);
	assert_true(seen.runs[0].off < seen.runs[1].off);
	free(p);
}

/* ELF headers of both classes and orders: what the standard says a loader needs. */
static void elf_headers_are_found_at_any_offset(void **state)
{
	static const uint8_t little[20] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,   0,
					    0,    0,   0,   0,   0, 0, 2, 0, 183, 0 };
	static const uint8_t big[20] = { 0x7f, 'E', 'L', 'F', 1, 2, 1, 0, 0, 0,
					 0,    0,   0,   0,   0, 0, 0, 3, 0, 22 };
	static const size_t places[] = { 0, 7, CHUNK - 513, CHUNK - 512, CHUNK - 3, CHUNK + 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		uint8_t *p = noise(2 * CHUNK);
		struct seen seen;

		memcpy(p + places[i], i % 2 ? big : little, 20);
		seen = scan(p, 2 * CHUNK, 0, 2 * CHUNK);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.runs[0].kind, HIDDEN_ELF);
		assert_int_equal(seen.runs[0].off, places[i]);
		p[places[i] + 4] = 3; /* no such class */
		assert_int_equal(scan(p, 2 * CHUNK, 0, 2 * CHUNK).n, 0);
		free(p);
	}
}

static void a_program_may_go_on_behind_the_range(void **state)
{
	static const uint8_t elf[20] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,   0,
					 0,    0,   0,   0,   0, 0, 2, 0, 183, 0 };
	uint8_t *p = noise(8192);

	(void)state;
	memcpy(p + 4095, elf, sizeof(elf));
	assert_int_equal(scan(p, 8192, 0, 4096).n, 1);
	assert_int_equal(scan(p, 8192, 0, 4095).n, 0);
	assert_int_equal(scan(p, 8192, 4096, 4096).n, 0);
	free(p);
}

static void put_pe(uint8_t *at, uint32_t lfanew)
{
	struct wr w = wr_init(at, 64);

	memcpy(at, "MZ", 2);
	wr_seek(&w, 0x3c);
	wr_le32(&w, lfanew);
	memcpy(at + lfanew, "PE\0\0", 4);
	at[lfanew + 24] = 0x0b;
	at[lfanew + 25] = 0x02;
}

static void pe_headers_are_found_near_and_far(void **state)
{
	static const uint32_t distances[] = { 64, 128, 4096, CHUNK - 600, CHUNK + 100 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(distances); i++) {
		uint8_t *p = noise(3 * CHUNK);
		struct seen seen;

		put_pe(p + 777, distances[i]);
		seen = scan(p, 3 * CHUNK, 0, 3 * CHUNK);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.runs[0].kind, HIDDEN_PE);
		assert_int_equal(seen.runs[0].off, 777);
		p[777 + distances[i]] = 'X';
		assert_int_equal(scan(p, 3 * CHUNK, 0, 3 * CHUNK).n, 0);
		free(p);
	}
}

static void archives_are_found(void **state)
{
	uint8_t *p = noise(8192);
	struct seen seen;

	(void)state;
	memcpy(p + 5, "!<arch>\n", 8);
	memcpy(p + 5 + 66, "`\n", 2);
	seen = scan(p, 8192, 0, 8192);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.runs[0].kind, HIDDEN_ARCHIVE);
	assert_int_equal(seen.runs[0].off, 5);
	p[5 + 66] = 'x';
	assert_int_equal(scan(p, 8192, 0, 8192).n, 0);
	free(p);
}

/* "MZ" that all point to far headers: some are looked at, the others count as found. */
static bool count(void *arg, const struct hidden_run *run)
{
	size_t *n = arg;

	*n += run->kind == HIDDEN_PE;
	return true;
}

static void a_flood_of_far_headers_is_not_ignored(void **state)
{
	size_t size = 4 * CHUNK, n = 0;
	uint8_t *p = calloc(1, size);
	struct rimg_source *src = rimg_source_open_memory(p, size, "flood");
	struct rimg_error err;

	(void)state;
	assert_non_null(src);
	for (size_t i = 0; i < 300; i++) {
		struct wr w = wr_init(p + i * 128, 64);

		memcpy(p + i * 128, "MZ", 2);
		wr_seek(&w, 0x3c);
		wr_le32(&w, (uint32_t)(3 * CHUNK));
	}
	assert_int_equal(hidden_scan(src, 0, size, count, &n, &err), 0);
	assert_int_equal(n, 300 - 256);
	rimg_source_free(src);
	free(p);
}

static void the_callback_can_stop_the_scan(void **state)
{
	uint8_t *p = noise(CHUNK);
	struct rimg_source *src = rimg_source_open_memory(p, CHUNK, "bytes");
	struct seen seen = { .stop_after = 1 };
	struct rimg_error err;

	(void)state;
	put_code(p + 1000);
	put_code(p + 9000);
	assert_int_equal(hidden_scan(src, 0, CHUNK, note, &seen, &err), 0);
	assert_int_equal(seen.n, 1);
	rimg_source_free(src);
	free(p);
}

static int give_zeros(const void *ctx, uint64_t off, void *buf, size_t len, struct rimg_error *err)
{
	uint64_t *n = *(uint64_t *const *)ctx;

	(void)off;
	(void)err;
	*n += len;
	memset(buf, 0, len);
	return 0;
}

/* An image has a gap in each block: as many ranges as blocks, and each is to cost what it holds. */
static void of_a_short_range_little_more_than_itself_is_read(void **state)
{
	uint64_t n_read = 0, *counter = &n_read;
	struct arena a;
	struct rimg_error err;
	struct seen seen = { 0 };
	struct rimg_source *src;

	(void)state;
	arena_init(&a, 0);
	src = source_custom(&a, (uint64_t)1 << 30, "image", give_zeros, &counter);
	assert_int_equal(hidden_scan(src, 5 * CHUNK, 100, note, &seen, &err), 0);
	assert_in_range(n_read, 100, 100 + 512);
	n_read = 0;
	assert_int_equal(hidden_scan(src, 5 * CHUNK, 8 * CHUNK, note, &seen, &err), 0);
	assert_in_range(n_read, 8 * CHUNK, 8 * CHUNK + 16 * 512);
	arena_done(&a);
}

static void a_range_behind_the_end_is_refused(void **state)
{
	uint8_t byte = 0;
	struct rimg_source *src = rimg_source_open_memory(&byte, 1, "byte");
	struct seen seen = { 0 };
	struct rimg_error err;

	(void)state;
	assert_int_equal(hidden_scan(src, 0, 2, note, &seen, &err), -RIMG_E_INTERNAL);
	assert_int_equal(hidden_scan(src, 2, 0, note, &seen, &err), -RIMG_E_INTERNAL);
	assert_int_equal(hidden_scan(src, 1, 0, note, &seen, &err), 0);
	rimg_source_free(src);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_text_and_zeros_are_not_code),
		cmocka_unit_test(code_is_found_at_every_alignment_and_across_chunks),
		cmocka_unit_test(code_at_the_very_end_is_found),
		cmocka_unit_test(two_far_runs_are_two),
		cmocka_unit_test(elf_headers_are_found_at_any_offset),
		cmocka_unit_test(a_program_may_go_on_behind_the_range),
		cmocka_unit_test(pe_headers_are_found_near_and_far),
		cmocka_unit_test(archives_are_found),
		cmocka_unit_test(a_flood_of_far_headers_is_not_ignored),
		cmocka_unit_test(the_callback_can_stop_the_scan),
		cmocka_unit_test(of_a_short_range_little_more_than_itself_is_read),
		cmocka_unit_test(a_range_behind_the_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
