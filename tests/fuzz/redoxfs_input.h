/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_REDOXFS_INPUT_H
#define TESTS_FUZZ_REDOXFS_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "formats/redoxfs.h"

/* A volume of RedoxFS begins with a ring of 256 blocks, of which a new one uses the first, and the
 * block behind the ring is never used. So that inputs stay small, these 256 are not in them: block
 * 0 of an input is block 0 of the volume, block i of it is block i + 256. */

#define REDOXFS_INPUT_HOLE REDOXFS_RING /* blocks that are left out, behind the first */

/** fuzz_redoxfs_input - fuzz_image() of the volume that such an input stands for */
void fuzz_redoxfs_input(const uint8_t *data, size_t len);

#endif
