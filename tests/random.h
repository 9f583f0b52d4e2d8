/* SPDX-License-Identifier: MIT */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

/* Numbers for property tests: the same at each run, unless RIMG_TEST_SEED says otherwise. Include
 * "test.h" first. */

#include <inttypes.h>

struct test_random {
	uint64_t state;
};

/** test_random_next - any 64 bits (the generator is splitmix64) */
static inline uint64_t test_random_next(struct test_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/** test_random_start - a generator; prints the seed, so that a failure can be had again */
static inline struct test_random test_random_start(const char *what)
{
	const char *text = getenv("RIMG_TEST_SEED");
	struct test_random r = { .state = text ? strtoull(text, NULL, 0) : 1 };

	printf("%s: RIMG_TEST_SEED=%" PRIu64 "\n", what, r.state);
	return r;
}

/** test_random_below - a number in [0, n); @n > 0 */
static inline uint64_t test_random_below(struct test_random *r, uint64_t n)
{
	return test_random_next(r) % n;
}

/** test_random_one_in - true once in @n times */
static inline bool test_random_one_in(struct test_random *r, uint64_t n)
{
	return test_random_below(r, n) == 0;
}

static inline void test_random_fill(struct test_random *r, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)test_random_next(r);
}

#endif
