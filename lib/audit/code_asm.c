/* SPDX-License-Identifier: MIT */
#include "audit/code_a64.h"

#include "core/num.h"

/* Runs of exact words that no compiler's optimiser had a hand in: the wrapper around inline
 * assembly, entries of the procedure linkage table. */

#define WRAPPER_BODY_MAX 64

size_t a64_wrapper(const struct a64_code *c, size_t first, size_t limit)
{
	/* stp x29,x30,[sp,#-32]!; mov x29,sp; str x19,[sp,#24]; mov x19,x0 */
	static const uint32_t head[] = { 0xA9BE7BFD, 0x910003FD, 0xF9000FF3, 0xAA0003F3 };
	/* ldr x19,[sp,#24]; ldp x29,x30,[sp],#32; ret */
	static const uint32_t tail[] = { 0xF9400FF3, 0xA8C27BFD, 0xD65F03C0 };
	size_t end = num_min(limit, first + WRAPPER_BODY_MAX + ARRAY_LEN(head) + ARRAY_LEN(tail));
	size_t matched = 0;

	if (limit - first < ARRAY_LEN(head) + ARRAY_LEN(tail))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		if (a64_word(c, first + i) != head[i])
			return 0;
	}
	for (size_t i = first + ARRAY_LEN(head); i < end; i++) {
		uint32_t w = a64_word(c, i);

		matched = w == tail[matched] ? matched + 1 : w == tail[0];
		if (matched == ARRAY_LEN(tail))
			return i + 1 - first;
	}
	return 0;
}

size_t a64_plt(const struct a64_code *c, size_t first, size_t limit)
{
	uint32_t w[4];

	if (limit - first < ARRAY_LEN(w))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(w); i++)
		w[i] = a64_word(c, first + i);
	/* adrp x16,page; ldr x17,[x16,#n]; add x16,x16,#n; br x17 */
	if ((w[0] & 0x9F00001F) != 0x90000010 || (w[1] & 0xFFC003FF) != 0xF9400211 ||
	    (w[2] & 0xFFC003FF) != 0x91000210 || w[3] != 0xD61F0220)
		return 0;
	return ARRAY_LEN(w);
}
