/* SPDX-License-Identifier: MIT */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <rimg/source.h>

#define SHA256_LEN 32

/** digest_source - SHA-256 of all bytes of @src; 0 or a code of rimg_source_read() */
int digest_source(const struct rimg_source *src, uint8_t ret[SHA256_LEN], struct rimg_error *err);

/** digest_bytes - SHA-256 of @len bytes; 0 or -RIMG_E_CRYPTO */
int digest_bytes(const void *data, size_t len, uint8_t ret[SHA256_LEN], struct rimg_error *err);

#endif
