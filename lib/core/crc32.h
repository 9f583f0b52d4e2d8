/* SPDX-License-Identifier: MIT */
#ifndef CORE_CRC32_H
#define CORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/**
 * crc32_update - CRC-32 as in GPT, zip and Ethernet
 * @crc:  0 to start, else the result for the bytes before
 * @data: @len bytes
 *
 * Polynomial 04C11DB7, reflected in and out, start and final value inverted.
 */
uint32_t crc32_update(uint32_t crc, const void *data, size_t len);

#endif
