/* SPDX-License-Identifier: MIT */

/* Packed records of RedoxFS: any bytes as one; any bytes packed, and unpacked by liblz4.
 *
 * The first byte of the input is the level that the rest unpacks to. */

#include <lz4.h>
#include <string.h>

#include "core/lz4.h"
#include "core/num.h"
#include "core/seahash.h"
#include "formats/redoxfs_read.h"
#include "fuzz/fuzz.h"

#define LEVELS   3U /* unpacked to 8, 16 or 32 KiB; more only take longer */
#define FULL_MAX ((size_t)REDOXFS_BLOCK << LEVELS)

/* What it unpacks to begins with what its start unpacks to, as contents may end inside of it. */
static void unpack(const uint8_t *data, size_t len, unsigned level)
{
	static uint8_t all[FULL_MAX], start[FULL_MAX / 2];
	struct rimg_source *src = rimg_source_open_memory(data, len, "record");
	size_t full = (size_t)REDOXFS_BLOCK << level, half = full / 2 - 1;
	uint64_t hash = seahash(data, len);
	int rc, again;

	fuzz_require(src != NULL);
	rc = redoxfs_record_verify(src, 0, len, hash, level, all, full, NULL, NULL);
	again = redoxfs_record_verify(src, 0, len, hash, level, start, half, NULL, NULL);
	fuzz_require(rc == again && (rc == 0 || rc == -RIMG_E_BAD));
	fuzz_require(rc < 0 || memcmp(all, start, half) == 0);
	fuzz_require(redoxfs_record_verify(src, 0, len, hash ^ 1, level, start, half, NULL, NULL) ==
		     -RIMG_E_BAD);
	rimg_source_free(src);
}

static void pack(const uint8_t *data, size_t len)
{
	static uint8_t packed[2 * FULL_MAX], back[FULL_MAX];
	static struct lz4_work work;
	size_t n = lz4_compress(data, len, packed, sizeof(packed), &work);

	fuzz_require(n > 0 && n <= len + len / 255 + 16);
	fuzz_require(LZ4_decompress_safe((const char *)packed, (char *)back, (int)n, (int)len) ==
		     (int)len);
	fuzz_require(memcmp(back, data, len) == 0);
	fuzz_require(lz4_compress(data, len, packed, n - 1, &work) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2)
		return 0;
	unpack(data + 1, len - 1, 1 + data[0] % LEVELS);
	pack(data + 1, num_min(len - 1, FULL_MAX));
	return 0;
}
