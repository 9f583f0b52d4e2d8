/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_HEX_H
#define VERIFY_HEX_H

#include <stdbool.h>

#include "core/digest.h"

/** hex_digest - a SHA-256 of 64 lower-case digits, and nothing else, as bytes */
static inline bool hex_digest(const char *hex, uint8_t ret[SHA256_LEN])
{
	uint8_t bytes[SHA256_LEN] = { 0 };
	size_t i;

	for (i = 0; hex[i]; i++) {
		bool digit = hex[i] >= '0' && hex[i] <= '9';

		if (i >= 2 * (size_t)SHA256_LEN || (!digit && (hex[i] < 'a' || hex[i] > 'f')))
			return false;
		bytes[i / 2] =
			(uint8_t)(bytes[i / 2] << 4 | (digit ? hex[i] - '0' : hex[i] - 'a' + 10));
	}
	if (i != 2 * (size_t)SHA256_LEN)
		return false;
	for (i = 0; i < SHA256_LEN; i++)
		ret[i] = bytes[i];
	return true;
}

#endif
