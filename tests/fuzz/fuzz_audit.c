/* SPDX-License-Identifier: MIT */

/* Examines any bytes as an artifact, and as raw code of each architecture. Beyond not crashing:
 * each byte of code is in one piece, pieces lie in the content, and all evidence has a name. */

#include "audit/code.h"
#include "fuzz/fuzz.h"

static void check(const struct rimg_source *src, const struct code_object *object, size_t len)
{
	uint64_t end = 0, total = 0, by_class = 0;

	for (size_t i = 0; i < object->n_pieces; i++) {
		const struct code_piece *p = &object->pieces[i];
		uint8_t digest[32];
		struct rimg_error err;

		fuzz_require(p->off >= end && p->len > 0 && p->off <= len &&
			     p->len <= len - p->off);
		fuzz_require(p->cls < N_CODE_CLASSES);
		for (unsigned bit = 0; bit < 64; bit++)
			fuzz_require(!(p->evidence >> bit & 1) || code_rule_name(bit));
		end = p->off + p->len;
		total += p->len;
		if (i < 16)
			fuzz_require(code_piece_digest(src, object->arch, p, digest, &err) == 0);
	}
	for (size_t i = 0; i < N_CODE_CLASSES; i++)
		by_class += object->by_class[i];
	fuzz_require(total == object->code_bytes && by_class == object->code_bytes);
	for (size_t i = 0; i < object->n_notes; i++)
		fuzz_require(object->notes[i] && object->notes[i][0]);
	for (size_t i = 0; i < object->n_reasons; i++)
		fuzz_require(object->reasons[i] && object->reasons[i][0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rimg_ctx *ctx = fuzz_ctx();
	struct rimg_source *src = rimg_source_open_memory(data, len, "input");
	struct code_object *object = NULL;
	struct rimg_error err;

	fuzz_require(ctx && src);
	fuzz_require(code_examine(ctx, src, &object, &err) == 0);
	if (object)
		check(src, object, len);
	code_object_free(object);
	for (unsigned arch = 0; arch < N_CODE_ARCHES; arch++) {
		fuzz_require(code_examine_raw(ctx, src, (enum code_arch)arch, &object, &err) == 0);
		check(src, object, len);
		fuzz_require(object->code_bytes == len);
		code_object_free(object);
	}
	rimg_source_free(src);
	return 0;
}
