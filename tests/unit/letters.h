/* SPDX-License-Identifier: MIT */
#ifndef TEST_LETTERS_H
#define TEST_LETTERS_H

/* What the tests of sources share: a file of letters, a decoder, a transform. Include "test.h"
 * first. */

#include <stdatomic.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/source.h"

/* ---- a decoder and a transform that are easily written twice ------------------------------- */

static atomic_uint n_decoded;

static inline uint64_t sum_of(const uint8_t *data, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + data[i];
	return sum;
}

/* A plain block must have the sum of tag[1]. Another is stored backwards, XORed with tag[0]. */
static inline int decode(const void *ctx, const struct rimg_source *base,
			 const struct source_piece *p, uint8_t *out, struct rimg_error *err)
{
	auto_free uint8_t *stored = malloc(p->base_len + 1);
	int rc;

	(void)ctx;
	atomic_fetch_add(&n_decoded, 1);
	rc = rimg_source_read(base, p->base_off, stored, p->base_len, err);
	if (rc < 0)
		return rc;
	if (p->plain && sum_of(stored, p->base_len) != p->tag[1])
		return error_set(err, RIMG_E_BAD, source_name(base), "the sum is wrong");
	for (size_t i = 0; i < p->len; i++)
		out[i] = p->plain ? stored[i] : (uint8_t)(stored[p->base_len - 1 - i] ^ p->tag[0]);
	return 0;
}

/* ---- slices and pieces at their bounds ------------------------------------------------------ */

static const uint8_t letters[] = "abcdefghijklmnopqrstuvwxyz";

/* Most tests below need an arena and a ground of 26 letters. */
struct fixture {
	struct arena arena;
	struct rimg_source *ground;
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, 0);
	f->ground = rimg_source_open_memory(letters, 26, "letters");
	*state = f;
	return f->ground ? 0 : -1;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_done(&f->arena);
	rimg_source_free(f->ground);
	free(f);
	return 0;
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* An extents source of four blocks of 6 letters, each stored backwards. */
static inline struct rimg_source *four_blocks(struct fixture *f)
{
	struct source_piece *pieces = arena_array(&f->arena, 4, sizeof(*pieces));

	for (size_t i = 0; i < 4; i++)
		pieces[i] = (struct source_piece){ .off = 6 * i,
						   .len = 6,
						   .kind = PIECE_BLOCK,
						   .base_off = 6 * i,
						   .base_len = 6 };
	return source_extents(&f->arena, f->ground, pieces, 4, decode, NULL);
}

/* ---- holes ---------------------------------------------------------------------------------- */

#define with_letters(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
