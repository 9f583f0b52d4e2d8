/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "core/num.h"
#include "core/seahash.h"

/* Expected values: what upstream computes, see docs/formats/redoxfs.md, "Hash". */

static void texts_have_upstreams_values(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} known[] = {
		{ "", 0xc920ca43256fdcb9 },
		{ "a", 0x29c401b26a16e94d },
		{ "12345678", 0x79476d25d4c6dfc4 },
		{ "123456789", 0xb9020583efde7ff9 },
		{ "to be or not to be", 0x1b993a826f4ae575 },
		{ "usr", 0x1a88e0c82e14519e },
		{ "bin", 0x192a6d96f3276c13 },
		{ "boot", 0x7006db297b166364 },
		{ "kernel", 0xb213fe2dad573077 },
		{ "initfs", 0x3840d95ef061e6cb },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_int_equal(seahash(known[i].text, strlen(known[i].text)), known[i].hash);
}

/* Lengths on both sides of a word and of a round of four words. */
static void zeros_have_upstreams_values(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} known[] = {
		{ 31, 0x212b3a0d698381c5 },     { 32, 0xb1f9c0d49e571cee },
		{ 33, 0x71ac8ac442b0eeaa },     { 63, 0x49f9a89764c0b6a7 },
		{ 64, 0xecff386a0b716520 },     { 65, 0x4e4864449d3b6ac1 },
		{ 4072, 0xe81ffcb86026ff96 },   { 4096, 0x7ad6348702da2905 },
		{ 131072, 0xf857914825ea9c96 },
	};
	uint8_t *zeros = calloc(1, 131072);

	(void)state;
	assert_non_null(zeros);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_int_equal(seahash(zeros, known[i].len), known[i].hash);
	free(zeros);
}

static void patterns_have_upstreams_values(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} known[] = {
		{ 33, 0x4e44cd0f57422a14 },
		{ 65, 0x6581bafe73b750fc },
		{ 4096, 0x3415ed2a7f56cc9d },
		{ 131072, 0x01f79b2bedcb4643 },
	};
	uint8_t *data = malloc(131072 + 1);

	(void)state;
	assert_non_null(data);
	for (size_t misaligned = 0; misaligned < 2; misaligned++) {
		for (size_t i = 0; i < 131072; i++)
			data[misaligned + i] = (uint8_t)(i % 251);
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			assert_int_equal(seahash(data + misaligned, known[i].len), known[i].hash);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_upstreams_values),
		cmocka_unit_test(zeros_have_upstreams_values),
		cmocka_unit_test(patterns_have_upstreams_values),
	};

	return cmocka_run_group_tests_name("seahash", tests, NULL, NULL);
}
