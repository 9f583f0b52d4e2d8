/* SPDX-License-Identifier: MIT */
#include "audit/code_a64.h"

#include "core/num.h"

/* Runs of exact words that no compiler's optimiser had a hand in: the wrapper around inline
 * assembly, entries of the procedure linkage table. */

/* most words of a body that is taken for inline assembly without a declaration */
#define WRAPPER_BODY_MAX 24

/*
 * May a word stand in the body of a wrapper? Its operands are loaded from and stored to what x19
 * points at; what it does is a system instruction. Anything else could be a function that was put
 * between the words of a wrapper.
 */
static bool is_body_word(uint32_t w)
{
	if ((w & 0x3B0003E0) == 0x39000260 && (w & 31) != 19) /* ldr, str [x19,#n] */
		return true;
	if ((w & 0xFFC00000) == 0xD5000000) /* msr, mrs, barriers, hints, sys */
		return true;
	return (w & 0xFFE0001C) == 0xD4000000 && (w & 3) != 0; /* svc, hvc, smc */
}

/* Words before the tail of a wrapper whose head ends at word @at, or 0: there is none near. */
static size_t find_tail(const struct a64_code *c, size_t at, size_t limit)
{
	/* ldr x19,[sp,#24]; ldp x29,x30,[sp],#32; ret */
	static const uint32_t tail[] = { 0xF9400FF3, 0xA8C27BFD, A64_RET };
	size_t last = num_min(limit, at + WRAPPER_BODY_MAX + ARRAY_LEN(tail));

	for (; last - at >= ARRAY_LEN(tail); at++) {
		if (a64_word(c, at) == tail[0] && a64_word(c, at + 1) == tail[1] &&
		    a64_word(c, at + 2) == tail[2])
			return at;
	}
	return 0;
}

size_t a64_wrapper(const struct a64_code *c, size_t first, size_t limit, bool *ret_plain)
{
	/* stp x29,x30,[sp,#-32]!; mov x29,sp; str x19,[sp,#24]; mov x19,x0 */
	static const uint32_t head[] = { 0xA9BE7BFD, 0x910003FD, 0xF9000FF3, 0xAA0003F3 };
	size_t at = first + ARRAY_LEN(head), end;
	uint64_t never;

	if (limit - first < ARRAY_LEN(head))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(head); i++) {
		if (a64_word(c, first + i) != head[i])
			return 0;
	}
	never = c->f->matcher.of_kind[RULE_NEVER];
	end = find_tail(c, at, limit);
	*ret_plain = true;
	for (; at < end; at++) {
		uint32_t w = a64_word(c, at);

		if (is_body_word(w))
			continue;
		*ret_plain = false;
		if (code_match(&c->f->matcher, w) & never)
			return 0;
	}
	return end ? end + 3 - first : 0;
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
