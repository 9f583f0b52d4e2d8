/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_WORKTREE_H
#define VERIFY_WORKTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rimg/error.h>

/* Copies of a directory to build in. Names come from the host; links are copied, never followed. */

/**
 * worktree_copy - copy a directory with all that is in it: files, links, directories
 * @to:        does not exist yet
 * @backwards: make the entries of each directory in descending order of their names, not ascending
 *
 * Modes, and times of change of files, stay; owners are the user's. Devices, sockets and pipes are
 * an error. Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM, -RIMG_E_UNSUPPORTED, -RIMG_E_LIMIT.
 */
int worktree_copy(const char *from, const char *to, bool backwards, struct rimg_error *err);

/** worktree_size - bytes in the files of a directory and all below it */
int worktree_size(const char *path, uint64_t *ret, struct rimg_error *err);

/**
 * worktree_same_order - do two copies list their entries in the same order, everywhere?
 *
 * Only a copy that lists at least one directory otherwise can show whether a build depends on it.
 */
int worktree_same_order(const char *a, const char *b, bool *ret, struct rimg_error *err);

/** worktree_remove - remove a directory and everything in it; silent, as far as it goes */
void worktree_remove(const char *path);

#endif
