/* SPDX-License-Identifier: MIT */

/* Archives of ar. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_ar);
