/* SPDX-License-Identifier: MIT */
#ifndef BUILD_INITFS_LINKS_H
#define BUILD_INITFS_LINKS_H

#include "core/plan.h"

/**
 * initfs_rewrite_links - give symbolic links the targets that an initfs stores
 *
 * Its runtime resolves every target from the root of the system's name space. So a relative target
 * becomes the path of the link's directory and the target, not normalised ("bin/../etc/init.rc"),
 * as upstream's archiver stores it; an absolute one loses its leading slashes. (The archiver stores
 * as many ".." as its source folder is deep on the host, which the runtime drops again.) Facts:
 * docs/formats/initfs.md, "Inode table". Returns 0 or an error.
 */
int initfs_rewrite_links(struct plan *p, struct rimg_error *err);

#endif
