/* SPDX-License-Identifier: MIT */
#ifndef CORE_CTX_H
#define CORE_CTX_H

#include <rimg/rimg.h>

struct rimg_format;
struct unpacked;

struct rimg_ctx {
	struct rimg_limits limits;
	unsigned threads; /* at least 1 */
	uint8_t *password;
	size_t password_len;
	const struct rimg_format **formats; /* beyond those that are registered */
	size_t n_formats, cap_formats;
	struct unpacked *unpacked; /* contents held whole: at most limits.analysis_bytes */
};

/**
 * ctx_add_format - let images opened with @ctx also be of @format, which must outlive it
 *
 * Not while other threads use the context. Returns 0 or -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int ctx_add_format(struct rimg_ctx *ctx,
						       const struct rimg_format *format);

#endif
