/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_BASE64_H
#define VERIFY_BASE64_H

#include "core/mem.h"
#include "core/str.h"

#include <rimg/error.h>

/**
 * base64_decode - RFC 4648, section 4 or 5, strictly: one text for each run of bytes
 * @ret: in @a, with a NUL behind it
 *
 * Both alphabets are read, the standard one and the one for URLs, but not both in one text. Padding
 * must be there, bits that mean nothing must be zero, and there are no line ends or blanks.
 * Returns 0, -RIMG_E_BAD with the character's number, from 0, as offset, -RIMG_E_NOMEM.
 */
int base64_decode(struct arena *a, const char *text, size_t len, uint8_t **ret, size_t *ret_len,
		  struct rimg_error *err);

/** base64_add - add @len bytes in the standard alphabet, with padding */
void base64_add(struct str *s, const void *data, size_t len);

#endif
