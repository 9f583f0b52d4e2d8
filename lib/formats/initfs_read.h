/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_INITFS_READ_H
#define FORMATS_INITFS_READ_H

#include "core/field.h"
#include "core/format.h"
#include "formats/initfs.h"

/* What the parts of the initfs reader share: initfs.c reads the header and the inode table,
 * initfs_tree.c what hangs on the root directory, initfs_check.c looks at what is odd about it. */

/* Longer names are not shown. The format allows 65535 bytes; Redox has use for 252. */
#define INITFS_SHOWN_NAME 4096

struct inode {
	uint32_t mode; /* type, reserved bits and permissions as stored */
	uint32_t len;
	uint32_t off;
	uint32_t uid;
	uint32_t gid;
	struct rimg_node *owner; /* the node that was reached first; NULL: none yet */
};

/* a directory whose entries are still to be read */
struct pending {
	struct rimg_node *node;
	uint16_t inode;
	uint32_t depth;
};

struct initfs {
	struct rimg_layer *l;
	uint64_t size; /* of the source */
	uint32_t table_off;
	uint64_t entry;
	size_t count;        /* inodes that the header names */
	struct inode *inode; /* the ones that lie inside the image: `have` of them */
	size_t have;
	struct pending *queue; /* room for every inode, as each directory is entered once */
	size_t queue_head, queue_tail;
	/* what may still be read; more than fits into the image must be read twice over */
	uint64_t entries_left;           /* directory entries */
	uint64_t names_left;             /* bytes of names */
	uint64_t targets_left;           /* bytes of link targets */
	uint8_t name[INITFS_SHOWN_NAME]; /* the one that is looked at */
};

/** initfs_type - the type of an inode: INITFS_TYPE_FILE, ..., or one that does not exist */
static inline uint32_t initfs_type(const struct inode *ino)
{
	return ino->mode >> INITFS_TYPE_SHIFT;
}

/**
 * initfs_read_tree - make the nodes of all that the root directory leads to
 *
 * Sets l->top, or l->unreadable when there is no root directory. Facts: docs/formats/initfs.md,
 * "Inode table". Returns 0, -RIMG_E_NOMEM or what reading returned.
 */
int initfs_read_tree(struct initfs *fs, struct rimg_error *err);

/** initfs_check - what the runtime needs beyond a readable image */
int initfs_check(struct rimg_layer *l, struct rimg_error *err);

#endif
