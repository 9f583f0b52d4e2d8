/* SPDX-License-Identifier: MIT */
#include "audit/code.h"

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/rd.h"

/*
 * The digest of a piece with masked words. Facts: docs/audit.md, "Digest of a piece": what a linker
 * puts into words of AArch64 code is zero in the digest.
 */

/* words behind an adrp in which a use of its register is taken for the other half of an address */
#define ADRP_REACH 8

/* most bytes of one piece that are digested */
#define DIGEST_MAX ((uint64_t)256 << 20)

struct adrps {
	size_t at[32]; /* 1 + the word that last put a page into a register; 0: none */
};

/* Does a field of @bits bits, signed, lead from word @i to another of the @n words of the piece?
 * That is a part of what the piece does, and no linker changes it. */
static bool stays_inside(uint32_t field, unsigned bits, size_t i, size_t n)
{
	int64_t steps = (int64_t)field;

	if (field >> (bits - 1) & 1)
		steps -= INT64_C(1) << bits;
	return steps >= -(int64_t)i && steps < (int64_t)(n - i);
}

/* Word @i of the @n of a piece without what linking changes. */
static uint32_t masked(struct adrps *a, uint32_t w, size_t i, size_t n)
{
	uint32_t base = w >> 5 & 31;

	if ((w & 0x1F000000) == 0x10000000) { /* adr, adrp */
		if (w >> 31)
			a->at[w & 31] = i + 1;
		else if (stays_inside(w >> 5 & 0x7FFFF, 19, i, n))
			return w;
		return w & 0x9F00001F;
	}
	if ((w & 0x7C000000) == 0x14000000) /* b, bl */
		return stays_inside(w & 0x03FFFFFF, 26, i, n) ? w : w & 0xFC000000;
	if ((w & 0x3B000000) == 0x18000000) /* ldr literal */
		return stays_inside(w >> 5 & 0x7FFFF, 19, i, n) ? w : w & 0xFF00001F;
	/* add with immediate; load or store with an unsigned offset */
	if ((w & 0x7F800000) != 0x11000000 && (w & 0x3B000000) != 0x39000000)
		return w;
	if (base == 31 || a->at[base] == 0 || i + 1 - a->at[base] > ADRP_REACH)
		return w;
	return w & ~(uint32_t)0x003FFC00;
}

static void mask_a64(uint8_t *data, size_t len)
{
	struct adrps a = { 0 };

	for (size_t i = 0; i < len / 4; i++) {
		struct rd r = rd_init(data + i * 4, 4, 0);
		uint32_t w = masked(&a, rd_le32(&r), i, len / 4);

		for (unsigned k = 0; k < 4; k++)
			data[i * 4 + k] = (uint8_t)(w >> 8 * k);
	}
}

int code_piece_digest(const struct rimg_source *content, enum code_arch arch,
		      const struct code_piece *piece, uint8_t ret[32], struct rimg_error *err)
{
	auto_free uint8_t *data = NULL;
	int rc;

	if (!num_in_range(piece->off, piece->len, rimg_source_size(content)))
		return error_set(err, RIMG_E_ARG, NULL, "a piece of other content");
	if (piece->len > DIGEST_MAX)
		return error_set(err, RIMG_E_LIMIT, NULL, "a piece of %llu bytes is not digested",
				 (unsigned long long)piece->len);
	data = malloc((size_t)piece->len + 1);
	if (!data)
		return error_nomem(err);
	rc = rimg_source_read(content, piece->off, data, (size_t)piece->len, err);
	if (rc < 0)
		return rc;
	if (arch == CODE_A64)
		mask_a64(data, (size_t)piece->len);
	return digest_bytes(data, (size_t)piece->len, ret, err);
}
