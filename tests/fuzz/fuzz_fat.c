/* SPDX-License-Identifier: MIT */

/* FAT12, FAT16 and FAT32. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_fat);
