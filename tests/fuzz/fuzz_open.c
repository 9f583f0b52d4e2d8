/* SPDX-License-Identifier: MIT */

/* Any bytes as an image. The seeds are formats inside one another; each format by itself has a
 * target of its own, which is much faster. */

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_image(data, len);
	return 0;
}
