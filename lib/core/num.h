/* SPDX-License-Identifier: MIT */
#ifndef CORE_NUM_H
#define CORE_NUM_H

/* Arithmetic on numbers that come from an image. Each num_* returns false instead of wrapping
 * around, and then leaves *ret alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

__attribute__((warn_unused_result)) static inline bool num_add(uint64_t a, uint64_t b,
							       uint64_t *ret)
{
	uint64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret = sum;
	return true;
}

__attribute__((warn_unused_result)) static inline bool num_mul(uint64_t a, uint64_t b,
							       uint64_t *ret)
{
	uint64_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*ret = product;
	return true;
}

/** num_align_up - @a rounded up to a multiple of @step, a power of two */
__attribute__((warn_unused_result)) static inline bool num_align_up(uint64_t a, uint64_t step,
								    uint64_t *ret)
{
	if (!num_add(a, step - 1, &a))
		return false;
	*ret = a & ~(step - 1);
	return true;
}

/** num_in_range - does [off, off + len) lie inside [0, size)? An empty range at the end does. */
static inline bool num_in_range(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

static inline uint64_t num_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** num_min_size - the lesser of two lengths of memory, which have 32 bits on some machines */
static inline size_t num_min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline uint64_t num_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
