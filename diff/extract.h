/* SPDX-License-Identifier: MIT */
#ifndef DIFF_EXTRACT_H
#define DIFF_EXTRACT_H

#include "core/command.h"

/**
 * struct extract - one run of `rimg extract`
 * @special:   also set-user-id, set-group-id and sticky bits
 * @owners:    also owners and groups, which the host allows to root only
 * @sync:      flush each file as it is made; a tree is flushed at its end
 * @budget:    bytes of content that may still be read
 * @buf:       EXTRACT_CHUNK bytes
 * @n_made:    entries made
 * @n_skipped: entries that could not or must not be made; each has been complained about
 * @n_unset:   attributes that the host refused to set; complained about too
 */
struct extract {
	struct command_call *call;
	bool special;
	bool owners;
	bool sync;
	uint64_t budget;
	uint8_t *buf;
	uint64_t n_made;
	uint64_t n_skipped;
	uint64_t n_unset;
};

#define EXTRACT_CHUNK ((size_t)1 << 20)

/**
 * extract_top - the node whose children a tree made of @node consists of
 *
 * A directory is its own; an image and a partition give what their file system or partition table
 * holds. Anything else, and an image of no known format, is bytes: *ret_top is NULL.
 * Returns 0, -RIMG_E_BAD when the content is recognised but unreadable (a finding says why), or a
 * code of node_open().
 */
int extract_top(struct rimg_node *node, struct rimg_node **ret_top, struct rimg_error *err);

/**
 * extract_tree - make a directory of all that lies in @top
 * @path: must not exist, or be an empty directory
 *
 * Until all is written and flushed the directory has another name beside @path (an empty directory
 * that is already there is filled in place); on failure it is removed (emptied).
 * Returns 0, or a code with @err set; entries that were left out are counted in @x.
 */
int extract_tree(struct extract *x, struct rimg_node *top, const char *path,
		 struct rimg_error *err);

/** extract_one - make the file @dest of the content of @node, or a symbolic link; as above */
int extract_one(struct extract *x, const struct rimg_node *node, const char *dest,
		struct rimg_error *err);

/* ---- between extract.c and extract_file.c --------------------------------------------------- */

/** extract_interrupted - -RIMG_E_IO when a signal wants the program to end, else 0 */
int extract_interrupted(struct rimg_error *err);

/** extract_skip - complain that @node is left out, and count it */
__attribute__((format(printf, 3, 4))) void
extract_skip(struct extract *x, const struct rimg_node *node, const char *fmt, ...);

/**
 * extract_host_error - the host refused to make @node, by errno
 *
 * What concerns this entry only (its name is too long for the host, ...) is complained about and
 * counted: returns 0. What will not get better (no space, ...) is returned with @err set.
 */
int extract_host_error(struct extract *x, const struct rimg_node *node, const char *what,
		       struct rimg_error *err);

/**
 * extract_entry - make a file or a symbolic link called @name in @dir
 * @ret_made: false when it had to be left out
 */
int extract_entry(struct extract *x, int dir, const char *name, const struct rimg_node *node,
		  bool *ret_made, struct rimg_error *err);

/** extract_attributes - give the open file or directory @fd the owner, mode and times of @node */
void extract_attributes(struct extract *x, int fd, const struct rimg_node *node);

#endif
