/* SPDX-License-Identifier: MIT */
#ifndef CORE_ED25519_H
#define CORE_ED25519_H

#include <rimg/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ED25519_KEY_LEN       32
#define ED25519_SIGNATURE_LEN 64

/**
 * ed25519_verify - is @signature the one of @len bytes under the public key @key?
 * @ret: set on success only
 *
 * Pure Ed25519, as in RFC 8032. Returns 0, or -RIMG_E_CRYPTO when the library cannot do it.
 */
__attribute__((warn_unused_result)) int
ed25519_verify(const uint8_t key[ED25519_KEY_LEN], const uint8_t signature[ED25519_SIGNATURE_LEN],
	       const void *data, size_t len, bool *ret, struct rimg_error *err);

#endif
