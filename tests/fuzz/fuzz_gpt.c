/* SPDX-License-Identifier: MIT */

/* Partition tables, sectors of 512 bytes. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_gpt);
