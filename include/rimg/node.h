/* SPDX-License-Identifier: MIT */
#ifndef RIMG_NODE_H
#define RIMG_NODE_H

#include <rimg/source.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct rimg_node - one artifact of an image: partition, file, section, function, ... */
struct rimg_node;

/** enum rimg_role - what kind of thing a node is */
enum rimg_role {
	RIMG_ROLE_IMAGE,     /* the whole artifact that was opened */
	RIMG_ROLE_PARTITION, /* of a partition table */
	RIMG_ROLE_META,      /* a structure of a format itself: header, allocation table, ... */
	RIMG_ROLE_DIR,
	RIMG_ROLE_FILE, /* also a member of an archive */
	RIMG_ROLE_SYMLINK,
	RIMG_ROLE_SOCKET,
	RIMG_ROLE_OTHER, /* an entry of a file system whose type is none of these */
	RIMG_ROLE_SEGMENT,
	RIMG_ROLE_SECTION,
	RIMG_ROLE_FUNCTION,
	RIMG_ROLE_GAP, /* bytes that no structure of the format claims */
};

/**
 * enum rimg_cause - what a difference in some bytes means
 *
 * Every attribute and every claimed range carries one, so that comparing needs no knowledge of
 * the format.
 */
enum rimg_cause {
	RIMG_CAUSE_CONTENT,
	RIMG_CAUSE_TIMESTAMP,
	RIMG_CAUSE_IDENTIFIER,
	RIMG_CAUSE_ORDERING,
	RIMG_CAUSE_PLACEMENT,
	RIMG_CAUSE_COMPRESSION,
	RIMG_CAUSE_CHECKSUM,
	RIMG_CAUSE_PADDING,
	RIMG_CAUSE_FREE_SPACE,
	RIMG_CAUSE_BUILD_PATH,
	RIMG_CAUSE_BUILD_ID,
	RIMG_CAUSE_SYMBOL_HASH,
	RIMG_CAUSE_CODEGEN,
	RIMG_CAUSE_UNEXPLAINED,
	RIMG_N_CAUSES,
};

/** rimg_role_name, rimg_cause_name - the spelling used in every output ("free-space", ...) */
const char *rimg_role_name(enum rimg_role role);
const char *rimg_cause_name(enum rimg_cause cause);

/** rimg_node_role - what it is */
enum rimg_role rimg_node_role(const struct rimg_node *node);

/** rimg_node_name - its name: bytes, NUL-terminated but perhaps with NULs inside; not escaped */
const char *rimg_node_name(const struct rimg_node *node, size_t *ret_len);

/** rimg_node_parent - the node it lies in; NULL for the image */
struct rimg_node *rimg_node_parent(const struct rimg_node *node);

/** rimg_node_content - its bytes, or NULL if it has none; lives as long as the image */
const struct rimg_source *rimg_node_content(const struct rimg_node *node);

/**
 * rimg_node_format - name of the format that its content is in ("redoxfs", "elf", ...)
 *
 * Opens the content if that has not been done. Returns NULL when no format is recognised or the
 * content cannot be read.
 */
const char *rimg_node_format(struct rimg_node *node);

/**
 * rimg_node_first_child, rimg_node_next - walk the children
 *
 * first_child opens the node's content when the node has no children of its own. Both return NULL
 * at the end.
 */
struct rimg_node *rimg_node_first_child(struct rimg_node *node);
struct rimg_node *rimg_node_next(const struct rimg_node *node);

/**
 * rimg_node_address - the steps that lead to the node, as the command line spells them
 * @buf: receives a NUL-terminated text such as "REDOX::/boot/kernel"; empty for the image
 *
 * Leads back to the node by rimg_image_find(), whatever its name is: the second of two siblings of
 * one name is "NAME#2", one without a name "#1", escapes are those of rimg_image_open_address().
 *
 * Returns the length that the whole text needs, without the NUL (it was cut if that is >= @len);
 * without memory 0, and the text is empty.
 */
size_t rimg_node_address(const struct rimg_node *node, char *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
