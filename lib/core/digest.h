/* SPDX-License-Identifier: MIT */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <rimg/source.h>

#define SHA256_LEN 32

/** digest_source - SHA-256 of all bytes of @src; 0 or a code of rimg_source_read() */
int digest_source(const struct rimg_source *src, uint8_t ret[SHA256_LEN], struct rimg_error *err);

/** digest_bytes - SHA-256 of @len bytes; 0 or -RIMG_E_CRYPTO */
int digest_bytes(const void *data, size_t len, uint8_t ret[SHA256_LEN], struct rimg_error *err);

struct rimg_node;

/**
 * digest_tree - SHA-256 over everything that makes a content tree what it is
 *
 * Roles, names, modes, owners, link targets and the contents of files below @node, whatever their
 * layout, ids and times. Two trees with equal digests are `equivalent`. What a program or an
 * unknown content consists of are its bytes. The encoding is versioned and length-prefixed;
 * digest.c specifies it.
 *
 * Opens contents as node_open() does: one thread for an image. Returns 0, -RIMG_E_BAD when
 * something in it was not wholly read (there is no digest then), or a code of node_open() or
 * rimg_source_read().
 */
int digest_tree(struct rimg_node *node, uint8_t ret[SHA256_LEN], struct rimg_error *err);

#endif
