/* SPDX-License-Identifier: MIT */

/* Archives that Redox boots from. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_initfs);
