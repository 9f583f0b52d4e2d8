/* SPDX-License-Identifier: MIT */

/* Programs and objects of ELF. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_elf);
