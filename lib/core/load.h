/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOAD_H
#define CORE_LOAD_H

#include <stddef.h>

#include <rimg/error.h>

/**
 * load_file - a whole host file in memory, with a NUL behind it
 * @max:  bytes; a longer file is -RIMG_E_LIMIT
 * @what: what it is to be, for that message: "a key"
 * @ret:  the caller frees it
 *
 * Returns 0 or a code of rimg_source_open_path() and rimg_source_read(); a file that changes
 * meanwhile is -RIMG_E_IO.
 */
int load_file(const char *path, size_t max, const char *what, char **ret, size_t *ret_len,
	      struct rimg_error *err);

#endif
