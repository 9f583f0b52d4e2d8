/* SPDX-License-Identifier: MIT */
#include "audit/hidden_a64.h"

#include <string.h>

/* How much likelier a word's highest byte is in AArch64 code than elsewhere: eighths of a bit, as
 * measured on compiled programs against all kinds of files. The highest byte tells most of what an
 * instruction is. Facts: docs/audit.md, "Raw code". */
/* clang-format off */
static const int8_t likelier[256] = {
	-10, -57, -56, -53, -51, -53, -52, -53, -26, -60, -39, -5, -50, -47, -21, -29,
	20, -3, 10, -13, 26, -50, -51, 15, -51, -52, 4, -17, -51, -50, -1, -50,
	-64, -52, -64, -54, -55, -53, -51, -55, -56, -19, 12, -48, -64, -60, -35, -27,
	-41, -21, -17, -23, -9, -8, -5, -1, 15, 18, -57, -56, 2, 7, -57, -51,
	-53, -62, -55, -59, -59, -62, -56, -54, -57, -62, -8, -11, -45, -55, -11, -40,
	-33, -5, 23, 9, 25, -56, -53, -53, -50, -53, -17, -56, -54, -56, -40, -60,
	-53, -64, -61, -64, -64, -64, -64, -63, -64, -64, -29, -3, -64, -42, -34, -33,
	-40, 24, -28, -64, -64, -64, -60, -59, -10, -5, -28, -55, -52, -54, -47, -45,
	-52, -50, -51, -52, -51, -52, -50, -50, -10, -53, -13, 22, -51, -52, -51, -50,
	9, 42, 5, -4, 23, -50, -51, 30, -51, -50, 21, 3, -51, -50, -14, -50,
	-52, -50, -50, -51, -51, -52, -51, -51, 27, 35, 41, -22, -32, 11, -51, -50,
	9, -14, 11, -30, 19, 9, -27, -25, 20, 26, -40, -51, -44, -34, -50, -51,
	-53, -50, -50, -51, -50, -51, -51, -51, -1, -52, -7, 7, -51, -50, -50, -50,
	8, 22, 24, 13, -12, 25, 32, -51, -52, -50, -13, -50, -51, -50, -50, -50,
	-52, -51, -51, -51, -51, -50, -51, -51, -52, -54, -30, 25, -50, -52, -52, -49,
	9, 21, 1, -50, -51, -50, -51, -51, 43, 46, -21, -49, -21, -13, -52, -42,
};
/* clang-format on */

#define WINDOW_WORDS (A64_WINDOW / 4)
#define ENOUGH       (8 * 48) /* 48 bits in a window */
#define ENOUGH_VARY  (8 * 32) /* and 32 bits when a value counts at most VARY_MAX times */
#define VARY_MAX     6
#define VALUES_MIN   8 /* different values in a window */

/* Tables of small numbers or of addresses repeat one byte that code has, too; code varies. */
static bool varies(const uint8_t *top)
{
	uint8_t seen[256] = { 0 };
	int score = 0, values = 0;

	for (size_t i = 0; i < WINDOW_WORDS; i++) {
		uint8_t value = top[4 * i];

		if (seen[value] == 0)
			values++;
		if (seen[value] < VARY_MAX)
			score += likelier[value];
		seen[value]++;
	}
	return values >= VALUES_MIN && score >= ENOUGH_VARY;
}

struct a64_sums hidden_a64_sums(const uint8_t *p)
{
	int a = 0, b = 0, c = 0, d = 0;

	for (size_t i = 3; i < A64_STEP + 3; i += 4) {
		a += likelier[p[i]];
		b += likelier[p[i + 1]];
		c += likelier[p[i + 2]];
		d += likelier[p[i + 3]];
	}
	return (struct a64_sums){ { a, b, c, d } };
}

bool hidden_a64_window(const uint8_t *p, const struct a64_sums *left, const struct a64_sums *right)
{
	for (size_t align = 0; align < 4; align++)
		if (left->score[align] + right->score[align] >= ENOUGH && varies(p + align + 3))
			return true;
	return false;
}
