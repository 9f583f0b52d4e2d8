/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_SUBJECTS_H
#define VERIFY_SUBJECTS_H

#include "core/layer.h"
#include "verify/statement.h"

/**
 * struct subjects - what a statement about an image names, with digests; all in its arena
 *
 * The image itself comes first; then, in order of the tree, every partition and what a machine
 * starts from: all files below /EFI of a FAT file system, and in /boot and /usr/lib/boot of RedoxFS
 * (kernel, initfs). Names are addresses: "NAME", "NAME::REDOX", "NAME::REDOX::/boot/kernel".
 */
struct subjects {
	struct arena arena;
	struct subject *list;
	size_t n, cap;
};

void subjects_done(struct subjects *s);

/**
 * subjects_collect - find and hash them
 * @node: the artifact that is to be vouched for; has bytes
 * @name: what it is called in the names
 *
 * Hashes in parallel. Damage that is met on the way is a finding in the image's layers, for the
 * caller to look at. Returns 0, -RIMG_E_LIMIT, or a code of node_open() or rimg_source_read().
 */
int subjects_collect(struct subjects *s, struct rimg_node *node, const char *name,
		     struct rimg_error *err);

#endif
