/* SPDX-License-Identifier: MIT */

/* Programs and objects of PE. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_pe);
