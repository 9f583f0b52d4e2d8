/* SPDX-License-Identifier: MIT */
#ifndef CORE_DIGESTS_H
#define CORE_DIGESTS_H

#include <rimg/source.h>

#include "core/blake3.h"
#include "core/digest.h"

#define SHA1_LEN 20

/**
 * struct digests - what bills of materials and packages name a content by
 *
 * SHA-1 is there because SPDX demands it; nothing here relies on it.
 */
struct digests {
	uint8_t sha1[SHA1_LEN];
	uint8_t sha256[SHA256_LEN];
	uint8_t blake3[BLAKE3_LEN];
};

/** digests_source - all of them, of all bytes of @src, which are read once; 0 or a code */
__attribute__((warn_unused_result)) int digests_source(const struct rimg_source *src,
						       struct digests *ret, struct rimg_error *err);

/** digests_sha1 - SHA-1 of bytes in memory; 0 or -RIMG_E_CRYPTO */
__attribute__((warn_unused_result)) int digests_sha1(const void *data, size_t len,
						     uint8_t ret[SHA1_LEN], struct rimg_error *err);

#endif
