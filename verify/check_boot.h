/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_CHECK_BOOT_H
#define VERIFY_CHECK_BOOT_H

#include "core/layer.h"

/*
 * Would Redox boot from this disk? What boot loaders look for lies in several layers, so that no
 * format can check it. Only warnings: a disk of data is sound as well. Facts: docs/findings.md,
 * "Boot".
 */

/** enum boot_file - one of the files that a boot loader reads */
enum boot_file {
	BOOT_MISSING,
	BOOT_LINK,  /* a symlink, which loaders do not follow */
	BOOT_OTHER, /* without the magic that it has to begin with */
	BOOT_FOUND,
};

/**
 * struct check_boot - what the partitions of one disk hold
 * @efi, @redox: the partition that has the file system, or NULL
 * @loader:      the first of them holds a boot loader
 */
struct check_boot {
	struct rimg_node *efi, *redox;
	bool loader;
	bool at_start; /* the ring is at the partition's first block */
	enum boot_file kernel, initfs;
};

/**
 * check_boot_look - see what an open layer says about booting
 * @node: the node that it was opened on; nothing happens unless it is a partition
 */
void check_boot_look(struct check_boot *b, struct rimg_node *node, struct rimg_layer *l);

/** check_boot_judge - findings `boot.*` on the layer of a disk with an EFI partition and a RedoxFS
 */
void check_boot_judge(const struct check_boot *b, struct rimg_layer *disk);

#endif
