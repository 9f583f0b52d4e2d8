/* SPDX-License-Identifier: MIT */
#include "fuzz/redoxfs_input.h"

#include "core/mem.h"
#include "core/num.h"
#include "core/source.h"
#include "fuzz/fuzz.h"

void fuzz_redoxfs_input(const uint8_t *data, size_t len)
{
	struct rimg_source *base = rimg_source_open_memory(data, len, "input"), *volume;
	uint64_t first = num_min(len, REDOXFS_BLOCK);
	uint64_t hole = REDOXFS_INPUT_HOLE * (uint64_t)REDOXFS_BLOCK;
	struct source_piece pieces[] = {
		{ .len = first, .base_len = first, .kind = PIECE_RAW },
		{ .off = first, .len = hole, .kind = PIECE_ZERO },
		{ .off = first + hole,
		  .len = len - first,
		  .base_off = first,
		  .base_len = len - first,
		  .kind = PIECE_RAW },
	};
	struct arena arena;

	arena_init(&arena, 0);
	volume = source_extents(&arena, base, pieces, len > first ? 3 : 2, NULL, NULL);
	if (len > 0 && volume)
		fuzz_source(volume);
	arena_done(&arena);
	rimg_source_free(base);
}
