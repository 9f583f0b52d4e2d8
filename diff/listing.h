/* SPDX-License-Identifier: MIT */
#ifndef DIFF_LISTING_H
#define DIFF_LISTING_H

#include "core/jsonw.h"
#include "core/layer.h"
#include "core/str.h"

/* The entries that lie in a node, in the order in which they are shown. */

/**
 * struct listing - what is being listed, and how
 * @node:       what was asked for
 * @dir:        the node whose children are listed; NULL: there is nothing inside, list @node
 * @base:       the layer from which paths start; NULL for an image of no known format
 * @layer:      the layer opened on @node; NULL if @dir is @node or there is none
 * @strip:      bytes of an address that lead to @base
 * @self:       only @node, not what is in it
 * @recursive:  also what lies in directories, partitions and sections
 * @nested:     also what lies in files
 * @all:        also structures, segments and gaps
 */
struct listing {
	struct rimg_node *node;
	struct rimg_node *dir;
	struct rimg_layer *base;
	struct rimg_layer *layer;
	size_t strip;
	bool self;
	bool recursive;
	bool nested;
	bool all;
};

/**
 * listing_open - look into @node
 * @l: receives all but the flags, which the caller sets before
 *
 * A content that is recognised but cannot be read gives no @dir, and a @layer that says so.
 * Returns 0 or a code of node_open().
 */
int listing_open(struct listing *l, struct rimg_node *node, struct rimg_error *err);

/** typedef listing_visit - called for each entry; anything but 0 ends the walk and is returned */
typedef int (*listing_visit)(void *arg, struct rimg_node *node);

/**
 * listing_walk - visit every entry, by path bytes
 *
 * "/a", "/a-b", "/a/x" come in this order, as if whole paths had been sorted, while the names of
 * one chain of directories at a time are all that is sorted. A directory listed recursively comes
 * first itself. Contents that cannot be opened are told by @trouble, and the walk goes on.
 * Returns 0, -RIMG_E_NOMEM, or what @visit returned.
 */
int listing_walk(struct listing *l, listing_visit visit,
		 void (*trouble)(void *arg, const struct rimg_error *err), void *arg,
		 struct rimg_error *err);

/**
 * listing_path - add the path of an entry
 * @bytes: in the layer listed, the names as they are ("/boot/kernel"); false, and always further
 *         inside: as steps of an address, escaped ("/boot/initfs::/bin/init")
 */
void listing_path(const struct listing *l, const struct rimg_node *node, bool bytes, struct str *s);

/**
 * listing_budget - how many bytes of content one command reads from an image
 *
 * Contents may be larger than the image they lie in: holes, packed records, records that many files
 * share. LZ4 packs 255 to 1 at best, so only an image that is built to waste time or disk comes
 * above LISTING_FACTOR times its size.
 */
uint64_t listing_budget(const struct rimg_image *image);
#define LISTING_FACTOR 256

/** listing_is_entry - is a node of this role content, or only structure? */
bool listing_is_entry(enum rimg_role role);

/** listing_inode - the node that carries attributes and content: for hard links the first of them
 */
const struct rimg_node *listing_inode(const struct rimg_node *node);

/**
 * listing_put_attr - write the value of an attribute: numbers and flags as such, times as
 * "seconds.nanoseconds", everything else as attr_format() spells it
 */
void listing_put_attr(struct jsonw *w, const char *key, const struct rimg_attr *a);

/**
 * listing_target - where a symbolic link points
 * @s: receives the bytes as stored
 *
 * Returns 0, -RIMG_E_LIMIT when they are longer than an attribute may be, -RIMG_E_BAD when the
 * content could not be laid out, or a code of rimg_source_read().
 */
int listing_target(const struct rimg_node *node, struct str *s, struct rimg_error *err);

#endif
