/* SPDX-License-Identifier: MIT */

/* Packages of Redox. */

#include "fuzz/seal.h"

FUZZ_FORMAT(seal_pkgar);
