/* SPDX-License-Identifier: MIT */
#ifndef BUILD_SELFCHECK_H
#define BUILD_SELFCHECK_H

#include "core/emit.h"

/**
 * selfcheck_tree - is what was written the tree that was planned?
 * @written: the bytes of the container, read back
 * @name:    what messages call it
 * @format:  the format that must be recognised in them
 *
 * Opens the container with its reader, which must find no error, and compares every entry: type,
 * name, permissions, owners, times, links, and all bytes, as far as the format holds them.
 * Returns 0; -RIMG_E_INTERNAL when they differ; or what kept it from reading.
 */
int selfcheck_tree(const struct emit_request *rq, const struct rimg_source *written,
		   const char *name, const char *format, struct rimg_error *err);

#endif
