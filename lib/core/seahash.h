/* SPDX-License-Identifier: MIT */
#ifndef CORE_SEAHASH_H
#define CORE_SEAHASH_H

#include <stddef.h>
#include <stdint.h>

/**
 * seahash - the 64-bit checksum of RedoxFS over @len bytes
 *
 * Facts: docs/formats/redoxfs.md, "Hash".
 */
uint64_t seahash(const void *data, size_t len);

#endif
