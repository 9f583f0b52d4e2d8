/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_UTF16_H
#define FORMATS_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names of partitions and long names of FAT are UTF-16LE. */

/** UTF16_MAX - bytes that utf16_to_utf8() writes at most for @n units, without the NUL */
#define UTF16_MAX(n_) (3 * (size_t)(n_))

/**
 * utf16_to_utf8 - convert 16-bit units to UTF-8
 * @units: @n units in host order
 * @out:   room for UTF16_MAX(@n) + 1 bytes; receives the result and a NUL
 * @ret_bad: set to whether there was a surrogate without its partner. Such a unit becomes its three
 *           bytes, which are not valid UTF-8: different names stay different.
 *
 * Returns the length in bytes.
 */
size_t utf16_to_utf8(const uint16_t *units, size_t n, char *out, bool *ret_bad);

/**
 * utf16_from_utf8 - convert text to 16-bit units
 * @text: @len bytes
 * @out:  room for @max units
 *
 * Returns the number of units; SIZE_MAX when @text is not UTF-8 or needs more than @max.
 */
size_t utf16_from_utf8(const char *text, size_t len, uint16_t *out, size_t max);

#endif
