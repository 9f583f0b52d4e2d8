/* SPDX-License-Identifier: MIT */

/* same_hash N [LENGTH]: prints N names of LENGTH bytes (a multiple of 8, at most 248; 8) that
 * RedoxFS gives one hash, for directories in which hashes do not tell names apart. */

#include <stdio.h>
#include <stdlib.h>

#include "same_hash.h"

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long len = argc > 2 ? strtoul(argv[2], NULL, 10) : 8;
	struct same_hash names;

	if (n == 0 || len == 0 || len % 8 != 0 || len > SAME_HASH_MAX) {
		(void)fprintf(stderr, "usage: same_hash N [LENGTH]\n");
		return 2;
	}
	names = same_hash_init((size_t)len, UINT32_C(0x5eed5eed));
	while (n-- > 0)
		printf("%s\n", same_hash_next(&names));
	return 0;
}
