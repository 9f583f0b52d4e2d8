/* SPDX-License-Identifier: MIT */
#include "fuzz/seal.h"

#include <stdio.h>
#include <string.h>

#include "core/num.h"
#include "random.h"

#define WINDOW_MAX 64
#define TRIES      8

/* libFuzzer's; AFL++ has none for us, and replay.c does not mutate */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max);

static size_t mutate(uint8_t *data, size_t len, size_t max, struct test_random *r)
{
	if (LLVMFuzzerMutate)
		return LLVMFuzzerMutate(data, len, max);
	for (uint64_t n = len > 0 ? 1 + test_random_below(r, 4) : 0; n > 0; n--)
		data[test_random_below(r, len)] = (uint8_t)test_random_next(r);
	return len;
}

/* A few bytes, changed where they are: what is inserted or left out would move everything behind
 * it, and images hardly survive that. Most of an image is zeros, so places with something else are
 * preferred. */
static void mutate_in_place(uint8_t *data, size_t len, struct test_random *r)
{
	uint8_t window[WINDOW_MAX] = { 0 };
	size_t n = (size_t)num_min(len, (size_t)1 << test_random_below(r, 7)), off = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		off = (size_t)test_random_below(r, len - n + 1);
		memcpy(window, data + off, n);
		for (size_t k = 0; k < n; k++)
			if (window[k] != 0)
				i = TRIES;
	}
	(void)mutate(window, n, n, r);
	memcpy(data + off, window, n);
}

size_t fuzz_mutate(uint8_t *data, size_t len, size_t max, unsigned seed, fuzz_seal *seal)
{
	struct test_random r = { .state = seed };

	if (len == 0 || test_random_one_in(&r, 4))
		len = mutate(data, len, max, &r);
	else
		mutate_in_place(data, len, &r);
	if (!test_random_one_in(&r, 8))
		seal(data, len);
	return len;
}
