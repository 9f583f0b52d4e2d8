/* SPDX-License-Identifier: MIT */
#ifndef DIFF_HOSTTREE_H
#define DIFF_HOSTTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rimg/error.h>

/* Making files on the host out of what an image says. The names are hostile: each one is used as a
 * single component beneath a directory that is already open, and nothing that is a symbolic link is
 * ever gone through. */

/** enum host_name - why a name out of an image is not made on the host */
enum host_name {
	HOST_NAME_FINE,
	HOST_NAME_EMPTY,
	HOST_NAME_DOTS,  /* "." or ".." */
	HOST_NAME_SLASH, /* leads elsewhere */
	HOST_NAME_NUL,
};

/** host_name_check - may these @len bytes be the name of a directory entry? */
enum host_name host_name_check(const char *name, size_t len);

/** host_name_why - the end of the sentence "refused: its name ..." */
const char *host_name_why(enum host_name verdict);

/**
 * host_open - open or create one entry of @dir, never through a symbolic link
 * @name: a fine name
 *
 * Returns a descriptor, or -1 with errno.
 */
int host_open(int dir, const char *name, int flags, mode_t mode);

/**
 * host_parent - open the directory of @path
 * @ret_name: points into @path, the last component, which is not empty
 *
 * Returns a descriptor that the caller closes, or -RIMG_E_x.
 */
int host_parent(const char *path, const char **ret_name, struct rimg_error *err);

/**
 * host_temporary - the first free one of the names ".rimg-0.tmp", ".rimg-1.tmp", ...
 * @make:  creates it in @dir; -1 with errno EEXIST: try the next
 *
 * Returns what @make returned; @ret_name receives the name.
 */
int host_temporary(int dir, int (*make)(int dir, const char *name, void *arg), void *arg,
		   char ret_name[32]);

/** host_write - write all @len bytes at @off; 0, or -1 with errno */
int host_write(int fd, const uint8_t *buf, size_t len, uint64_t off);

/** host_empty_below - remove everything in the directory @dir; 0, or -1 with errno */
int host_empty_below(int dir);

/** host_is_empty - is there nothing in @dir? -1 with errno when it cannot be read */
int host_is_empty(int dir);

#endif
