/* SPDX-License-Identifier: MIT */

/* Mutations with seals for AFL++, which loads this as AFL_CUSTOM_MUTATOR_LIBRARY beside its own.
 * The variable FUZZ_SEAL names the target: "gpt"; those without a seal are only mutated. */

#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "fuzz/seal.h"

#define OUT_MAX ((size_t)1 << 20)

struct mutator {
	fuzz_seal *seal;
	unsigned seed;
	uint8_t out[OUT_MAX];
};

/* as AFL++ calls them; what it hands over first is its own state */
void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t len, uint8_t **ret, uint8_t *other,
		       size_t other_len, size_t max);
void afl_custom_deinit(void *data);

static void no_seal(uint8_t *data, size_t len)
{
	(void)data;
	(void)len;
}

static fuzz_seal *seal_of(const char *target)
{
	static const struct {
		const char *target;
		fuzz_seal *seal;
	} seals[] = {
		{ "ar", seal_ar },       { "elf", seal_elf },         { "fat", seal_fat },
		{ "gpt", seal_gpt },     { "initfs", seal_initfs },   { "pe", seal_pe },
		{ "pkgar", seal_pkgar }, { "redoxfs", seal_redoxfs },
	};

	for (size_t i = 0; target && i < ARRAY_LEN(seals); i++)
		if (strcmp(seals[i].target, target) == 0)
			return seals[i].seal;
	return no_seal;
}

void *afl_custom_init(void *afl, unsigned seed)
{
	struct mutator *m = calloc(1, sizeof(*m));

	(void)afl;
	if (m) {
		m->seal = seal_of(getenv("FUZZ_SEAL"));
		m->seed = seed;
	}
	return m;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t len, uint8_t **ret, uint8_t *other,
		       size_t other_len, size_t max)
{
	struct mutator *m = data;

	(void)other;
	(void)other_len;
	len = (size_t)num_min(len, num_min(max, OUT_MAX));
	memcpy(m->out, buf, len);
	*ret = m->out;
	return fuzz_mutate(m->out, len, (size_t)num_min(max, OUT_MAX), m->seed++, m->seal);
}

void afl_custom_deinit(void *data)
{
	free(data);
}
