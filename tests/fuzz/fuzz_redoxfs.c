/* SPDX-License-Identifier: MIT */

/* Volumes of RedoxFS, as fuzz/redoxfs_input.h has them. */

#include "fuzz/redoxfs_input.h"
#include "fuzz/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_redoxfs_input(data, len);
	return 0;
}

FUZZ_MUTATOR(seal_redoxfs);
