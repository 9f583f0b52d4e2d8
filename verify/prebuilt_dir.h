/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_PREBUILT_DIR_H
#define VERIFY_PREBUILT_DIR_H

#include "audit/prebuilt.h"
#include "core/command.h"

/**
 * prebuilt_read - index a file, or every regular file of a folder and of those below it
 *
 * Links are not followed. What cannot be read is complained about; *@ret_status is then
 * EXIT_TROUBLE, as something might have been recognised by it.
 * Returns 0, -RIMG_E_IO when @path itself cannot be read, -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int prebuilt_read(struct command_call *call,
						      struct prebuilt *index, const char *path,
						      int *ret_status, struct rimg_error *err);

#endif
