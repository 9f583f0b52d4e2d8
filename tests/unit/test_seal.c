/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/format.h"
#include "core/num.h"
#include "fuzz/redoxfs_input.h"
#include "fuzz/seal.h"

/* The seals of fuzz targets: what they leave wrong, no fuzzer gets past. */

#define SEEDS "tests/fuzz/corpus/"

static void sound_seeds_are_left_as_they_are(void **state)
{
	static const struct {
		const char *path;
		fuzz_seal *seal;
	} seeds[] = {
		{ SEEDS "ar/gnu", seal_ar },
		{ SEEDS "elf/64", seal_elf },
		{ SEEDS "fat/small-12", seal_fat },
		{ SEEDS "gpt/four-entries", seal_gpt },
		{ SEEDS "initfs/packed", seal_initfs },
		{ SEEDS "pe/program", seal_pe },
		{ SEEDS "pkgar/plain", seal_pkgar },
		{ SEEDS "pkgar/lzma2", seal_pkgar },
		{ SEEDS "redoxfs/smallest", seal_redoxfs },
		{ SEEDS "redoxfs/tree", seal_redoxfs },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		size_t len;
		uint8_t *seed = test_load(seeds[i].path, &len),
			*sealed = test_load(seeds[i].path, &len);

		print_message("%s\n", seeds[i].path);
		seeds[i].seal(sealed, len);
		assert_memory_equal(sealed, seed, len);
		free(seed);
		free(sealed);
	}
}

/* With the blocks that inputs leave out. */
static uint8_t *whole_volume(const uint8_t *data, size_t len, size_t *ret_len)
{
	size_t hole = (size_t)REDOXFS_INPUT_HOLE * REDOXFS_BLOCK;
	uint8_t *volume = calloc(1, len + hole);

	assert_non_null(volume);
	memcpy(volume, data, REDOXFS_BLOCK);
	memcpy(volume + REDOXFS_BLOCK + hole, data + REDOXFS_BLOCK, len - REDOXFS_BLOCK);
	*ret_len = len + hole;
	return volume;
}

static bool is_found(const uint8_t *data, size_t len, bool is_volume, const char *code)
{
	uint8_t *volume = is_volume ? whole_volume(data, len, &len) : NULL;
	struct test_image t = test_open_bytes(volume ? volume : data, len);
	struct rimg_layer *l;
	struct rimg_error err;
	bool found;

	assert_int_equal(node_open(rimg_image_root(t.image), &l, &err), 0);
	assert_non_null(l);
	assert_int_equal(l->format->check(l, &err), 0);
	found = test_finding(t.image, code) != NULL;
	test_close(&t);
	free(volume);
	return found;
}

static void what_is_changed_is_sealed(void **state)
{
	static const struct {
		const char *path;
		fuzz_seal *seal;
		size_t at; /* a byte that a checksum is of */
		const char *code;
	} changes[] = {
		{ SEEDS "fat/small-12", seal_fat, 1120, "fat.lfn-checksum" },
		{ SEEDS "gpt/four-entries", seal_gpt, 1080, "gpt.entries-crc" },
		{ SEEDS "gpt/four-entries", seal_gpt, 568, "gpt.header-crc" },
		{ SEEDS "pkgar/plain", seal_pkgar, 1064, "pkgar.hash" },
		{ SEEDS "pkgar/plain", seal_pkgar, 190, "pkgar.table-hash" },
		{ SEEDS "redoxfs/tree", seal_redoxfs, 8320, "redoxfs.block-hash" },
		{ SEEDS "redoxfs/tree", seal_redoxfs, 16, "redoxfs.header-hash" },
		{ SEEDS "redoxfs/tree", seal_redoxfs, 40999, "redoxfs.block-hash" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		bool is_volume = changes[i].seal == seal_redoxfs;
		size_t len;
		uint8_t *data = test_load(changes[i].path, &len);

		print_message("%s, byte %zu\n", changes[i].path, changes[i].at);
		data[changes[i].at] ^= 1;
		assert_true(is_found(data, len, is_volume, changes[i].code));
		changes[i].seal(data, len);
		assert_false(is_found(data, len, is_volume, changes[i].code));
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_seeds_are_left_as_they_are),
		cmocka_unit_test(what_is_changed_is_sealed),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
