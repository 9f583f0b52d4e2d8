/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <lz4.h>

#include "core/crc32.h"
#include "core/lz4.h"
#include "core/num.h"

#define RECORD_MAX 131072U
#define STORED_MAX 65536U
#define BLOCK      4096U
#define GUARD      64U

static struct lz4_work work;

/* Text-like bytes: fresh ones of six bits, and repeats from up to 70000 bytes back. The expected
 * values below depend on every constant here. */
static void fill(uint8_t *out, size_t n, uint64_t seed)
{
	uint64_t x = seed;
	size_t at = 0;

	while (at < n) {
		size_t r, k, distance;

		x = x * 6364136223846793005U + 1442695040888963407U;
		r = (size_t)(x >> 33);
		k = 1 + (r >> 4) % 40;
		distance = at > 0 ? 1 + (r >> 10) % num_min(at, 70000) : 0;
		for (size_t i = 0; i < k && at < n; i++, at++)
			out[at] = (uint8_t)(r % 4 == 0 && at - i >= 64 ? out[at - distance]
								       : (x >> (8 + i % 48)) & 63);
	}
}

/* Compresses with room for the worst case, unpacks with liblz4, and returns the length. */
static size_t round_trip(const uint8_t *in, size_t n, uint8_t *out)
{
	static uint8_t back[RECORD_MAX + 1];
	size_t cap = n + n / 255 + 16;
	size_t len = lz4_compress(in, n, out, cap, &work);

	assert_in_range(len, 1, cap);
	assert_int_equal(
		LZ4_decompress_safe((const char *)out, (char *)back, (int)len, (int)sizeof(back)),
		(int)n);
	assert_memory_equal(back, in, n);
	return len;
}

static void short_texts_are_packed_as_upstream_packs_them(void **state)
{
	/* by lz4_flex 0.11.7 */
	static const uint8_t same[] = { 0x19, 'a', 1, 0, 0x60, 'a', 'a', 'a', 'a', 'a', 'a' };
	static const uint8_t four[] = { 0x46, 'a', 'b', 'c', 'd', 4,   0,
					0x60, 'c', 'd', 'a', 'b', 'c', 'd' };
	uint8_t out[64];

	(void)state;
	assert_int_equal(
		lz4_compress((const uint8_t *)"aaaaaaaaaaaaaaaaaaaa", 20, out, sizeof(out), &work),
		sizeof(same));
	assert_memory_equal(out, same, sizeof(same));
	assert_int_equal(
		lz4_compress((const uint8_t *)"abcdabcdabcdabcdabcd", 20, out, sizeof(out), &work),
		sizeof(four));
	assert_memory_equal(out, four, sizeof(four));
}

static void an_empty_input_is_one_token(void **state)
{
	uint8_t out[1] = { 0xff };

	(void)state;
	assert_int_equal(lz4_compress(out, 0, out, 1, &work), 1);
	assert_int_equal(out[0], 0);
	assert_int_equal(lz4_compress(out, 0, out, 0, &work), 0);
}

static void the_bytes_are_frozen_at_every_length_that_matters(void **state)
{
	/* length, CRC-32 of the input, length and CRC-32 of what lz4_flex 0.11.7 makes of it */
	static const struct {
		size_t len;
		uint32_t crc;
		size_t packed_len;
		uint32_t packed_crc;
	} known[] = {
		{ 0, 0x00000000, 1, 0xd202ef8d },          { 1, 0x6464c2b0, 2, 0xbd7d2d93 },
		{ 2, 0xb67a24bf, 3, 0x30afa9b2 },          { 3, 0xb569df65, 4, 0x9b4721ca },
		{ 4, 0xd8261033, 5, 0x67b3607b },          { 5, 0xbc814029, 6, 0xc7ef1e60 },
		{ 6, 0xdf863402, 7, 0x789e063a },          { 7, 0xf8b9e3a8, 8, 0xaca7722f },
		{ 8, 0xc5966fd7, 9, 0x20e8a45f },          { 9, 0x78196f43, 10, 0xbc319b72 },
		{ 10, 0x821668e9, 11, 0xfb660b3b },        { 11, 0x01ed59ff, 12, 0x65517798 },
		{ 12, 0xdb184362, 13, 0xb25e7733 },        { 13, 0xdf77eead, 14, 0xa5c0f597 },
		{ 14, 0x7adf82be, 15, 0x700e4dc6 },        { 15, 0x89611e2c, 17, 0x4965e9ed },
		{ 16, 0x389cdae6, 18, 0x5399e774 },        { 17, 0xe0e51fe1, 19, 0x140935d6 },
		{ 18, 0xf724d96e, 17, 0x294aba92 },        { 19, 0xc1d2c5d0, 21, 0x0e4dc50b },
		{ 20, 0xea2b1cf0, 22, 0x643f0b32 },        { 64, 0x0706d5fe, 66, 0x098555cc },
		{ 1000, 0xd4ba5be2, 594, 0x712a3812 },     { 4096, 0x67c9b60c, 2441, 0xc8ad4c21 },
		{ 8192, 0x46750ab9, 4904, 0x10731ca2 },    { 16384, 0xa1ca6216, 9843, 0x09f418a1 },
		{ 32768, 0xcb8bf2f4, 19678, 0x031e95ff },  { 65533, 0xac26c4a4, 39745, 0xe9036121 },
		{ 65534, 0x87324b07, 40135, 0x9c878af3 },  { 65535, 0xd5d38ce5, 35174, 0xdcf06f42 },
		{ 65536, 0x4156c119, 35168, 0x07878256 },  { 65537, 0x7417e1fe, 34969, 0xbd8a0f7c },
		{ 131072, 0xe5ec0ca0, 70506, 0xe39daeb2 },
	};
	uint8_t *in = malloc(RECORD_MAX), *out = malloc(2 * RECORD_MAX);

	(void)state;
	assert_non_null(in);
	assert_non_null(out);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		fill(in, known[i].len, known[i].len + 1);
		assert_int_equal(crc32_update(0, in, known[i].len), known[i].crc);
		assert_int_equal(round_trip(in, known[i].len, out), known[i].packed_len);
		assert_int_equal(crc32_update(0, out, known[i].packed_len), known[i].packed_crc);
	}
	memset(in, 0, RECORD_MAX);
	assert_int_equal(round_trip(in, RECORD_MAX, out), 525);
	assert_int_equal(crc32_update(0, out, 525), 0xc94a9787);
	free(in);
	free(out);
}

/* One attempt with exactly @cap bytes of room: what is behind stays as it was. */
static size_t with_room(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	size_t len;

	memset(out + cap, 0xa5, GUARD);
	len = lz4_compress(in, n, out, cap, &work);
	assert_in_range(len, 0, cap);
	for (size_t i = 0; i < GUARD; i++)
		assert_int_equal(out[cap + i], 0xa5);
	return len;
}

static void a_result_that_does_not_fit_is_refused_and_never_written_past_the_end(void **state)
{
	static uint8_t in[RECORD_MAX], out[2 * RECORD_MAX];
	static const size_t lengths[] = { 1, 12, 13, 20, 64, 300, 5000, 70000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		size_t n = lengths[i], len;

		fill(in, n, 77 + i);
		len = round_trip(in, n, out);
		assert_int_equal(with_room(in, n, out, len), len);
		assert_int_equal(with_room(in, n, out, len + 1), len);
		assert_int_equal(with_room(in, n, out, len + 15), len);
		for (size_t cap = len - 1, step = 1; cap < len; cap -= step, step += cap / 50)
			assert_int_equal(with_room(in, n, out, cap), 0);
	}
}

static void random_inputs_survive_a_round_trip(void **state)
{
	static uint8_t in[RECORD_MAX], out[2 * RECORD_MAX];
	uint64_t x = 20260101;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		size_t n;

		x = x * 6364136223846793005U + 1442695040888963407U;
		n = (size_t)(x >> 40) % (i % 8 == 0 ? RECORD_MAX + 1 : 600);
		fill(in, n, x);
		if (i % 3 == 0) /* long runs: length bytes of 255 */
			memset(in + n / 4, (int)i, n / 2);
		round_trip(in, n, out);
	}
}

/* A record as RedoxFS stores it: u16 length, LZ4 block, zeros to the end of the smallest power of
 * two of blocks that holds them. Returns the unpacked length, or 0 if there is none at @p. */
static size_t unpack_record(const uint8_t *p, size_t left, uint8_t *out, size_t *ret_len)
{
	size_t len = (size_t)(p[0] | p[1] << 8), stored = BLOCK;
	int n;

	while (stored < len + 2)
		stored *= 2;
	if (len == 0 || stored > STORED_MAX || stored > left)
		return 0;
	n = LZ4_decompress_safe((const char *)p + 2, (char *)out, (int)len, (int)RECORD_MAX);
	if (n < 0 || (size_t)n <= stored || (n & (n - 1)) != 0)
		return 0;
	for (size_t i = len + 2; i < stored; i++) {
		if (p[i] != 0)
			return 0;
	}
	*ret_len = len;
	return (size_t)n;
}

/* Every block of an image that holds a compressed record is packed again; returns how many. */
static size_t repack_image(const char *name)
{
	static uint8_t plain[RECORD_MAX], packed[STORED_MAX];
	size_t size, found = 0;
	uint8_t *image = test_load(test_image_path(name), &size);

	for (size_t off = 0; size - off >= BLOCK; off += BLOCK) {
		size_t len, n = unpack_record(image + off, size - off, plain, &len);

		if (n == 0)
			continue;
		assert_int_equal(lz4_compress(plain, n, packed, STORED_MAX - 2, &work), len);
		assert_memory_equal(packed, image + off + 2, len);
		found++;
	}
	free(image);
	return found;
}

static void records_of_golden_images_are_packed_again_to_the_same_bytes(void **state)
{
	/* records that a walk along the pointers reaches; records of deleted files add to them */
	static const struct {
		const char *name;
		size_t n;
	} images[] = {
		{ "basic", 31 },         { "churned", 37 }, { "clone", 31 },
		{ "disk-installer", 5 }, { "grown", 5 },    { "odd", 2 },
		{ "text", 28 },          { "reserved", 5 }, { "tiny", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		assert_in_range(repack_image(images[i].name), images[i].n, images[i].n + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_texts_are_packed_as_upstream_packs_them),
		cmocka_unit_test(an_empty_input_is_one_token),
		cmocka_unit_test(the_bytes_are_frozen_at_every_length_that_matters),
		cmocka_unit_test(
			a_result_that_does_not_fit_is_refused_and_never_written_past_the_end),
		cmocka_unit_test(random_inputs_survive_a_round_trip),
		cmocka_unit_test(records_of_golden_images_are_packed_again_to_the_same_bytes),
	};

	return cmocka_run_group_tests_name("lz4", tests, NULL, NULL);
}
