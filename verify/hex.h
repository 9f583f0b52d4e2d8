/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_HEX_H
#define VERIFY_HEX_H

#include <stdbool.h>
#include <string.h>

#include "core/digest.h"
#include "core/str.h"

/** hex_digest - a SHA-256 of 64 lower-case digits, and nothing else, as bytes */
static inline bool hex_digest(const char *hex, uint8_t ret[SHA256_LEN])
{
	return hex[strspn(hex, "0123456789abcdef")] == '\0' && str_parse_hex(hex, ret, SHA256_LEN);
}

#endif
