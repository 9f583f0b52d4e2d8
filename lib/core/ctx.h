/* SPDX-License-Identifier: MIT */
#ifndef CORE_CTX_H
#define CORE_CTX_H

#include <rimg/rimg.h>

struct rimg_ctx {
	struct rimg_limits limits;
	unsigned threads; /* at least 1 */
	uint8_t *password;
	size_t password_len;
};

#endif
