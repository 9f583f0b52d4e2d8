/* SPDX-License-Identifier: MIT */
#ifndef RIMG_NODE_H
#define RIMG_NODE_H

#include <rimg/source.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
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
 * the format. docs/diff.md tells what each means.
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

/** rimg_role_name, rimg_cause_name - the spelling used in every output ("free-space", ...);
 * "unknown" for other numbers; static, any thread */
const char *rimg_role_name(enum rimg_role role);
const char *rimg_cause_name(enum rimg_cause cause);

/** rimg_node_role - what it is */
enum rimg_role rimg_node_role(const struct rimg_node *node);

/**
 * rimg_node_name - its name: bytes, NUL-terminated but perhaps with NULs inside; not escaped
 * @ret_len: receives how many bytes, without the NUL at the end; may be NULL
 *
 * Returns the name, which lives as long as the image; "" for the image itself. What is shown to
 * people is better taken from rimg_node_address(), which escapes what could do harm.
 */
const char *rimg_node_name(const struct rimg_node *node, size_t *ret_len);

/** rimg_node_parent - the node it lies in; NULL for the image */
struct rimg_node *rimg_node_parent(const struct rimg_node *node);

/**
 * rimg_node_content - its bytes, also of a file that is another name of one (hard link)
 *
 * Returns NULL if it has none, or if they could not be laid out: then it is rimg_node_damaged().
 * The source lives as long as the image and is not to be freed.
 */
const struct rimg_source *rimg_node_content(const struct rimg_node *node);

/**
 * rimg_node_format - name of the format that its content is in ("redoxfs", "elf", ...)
 *
 * Opens the content if that has not been done. Returns NULL when no format is recognised or the
 * content cannot be read, which rimg_node_open() tells apart; static.
 */
const char *rimg_node_format(struct rimg_node *node);

/**
 * rimg_node_open - look into a node, so that whether it has children is known
 *
 * What rimg_node_first_child() and rimg_node_format() do by themselves, but for telling why it
 * failed: who must not take a failure for an empty container calls this first. A content in no
 * known format, or none, is no failure, and has no children. One that is damaged is a finding, and
 * its node rimg_node_damaged(). Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM, -RIMG_E_LIMIT,
 * -RIMG_E_CRYPTO; for the image's own content also -RIMG_E_BAD and -RIMG_E_TRUNCATED.
 */
int rimg_node_open(struct rimg_node *node, struct rimg_error *err);

/**
 * rimg_node_damaged - is something known to be wrong with it, so that it was not wholly read?
 *
 * Of the node itself and of its content's structures, as far as they were opened, not of what lies
 * below it. What it is, a finding says.
 */
bool rimg_node_damaged(const struct rimg_node *node);

/**
 * struct rimg_attribute - one property of a node: mode, size of a cluster, unique GUID, ...
 * @key:   its name, as `rimg info` and the field of a difference spell it; static
 * @value: as text: numbers in decimal, hexadecimal or octal, times as ISO 8601 in UTC, UUIDs, names
 *         escaped; harmless
 * @cause: what a difference in it would mean
 */
struct rimg_attribute {
	const char *key;
	const char *value;
	enum rimg_cause cause;
};

/**
 * rimg_node_each_attribute - call @fn for every attribute of a node, in the order they are stored
 * @fn:  gets an attribute that is valid during the call; returns false to stop
 * @arg: passed to @fn
 *
 * A hard link has those of its file. Returns 0 or -RIMG_E_NOMEM.
 */
int rimg_node_each_attribute(const struct rimg_node *node,
			     bool (*fn)(void *arg, const struct rimg_attribute *attribute),
			     void *arg);

/**
 * rimg_node_first_child, rimg_node_next - walk the children
 *
 * first_child opens the node's content when the node has no children of its own; see
 * rimg_node_open(). Both return NULL at the end; nodes live as long as the image.
 */
struct rimg_node *rimg_node_first_child(struct rimg_node *node);
struct rimg_node *rimg_node_next(const struct rimg_node *node);

/**
 * rimg_node_address - the steps that lead to the node, as the command line spells them
 * @buf: receives a NUL-terminated text such as "REDOX::/boot/kernel"; empty for the image
 * @len: size of @buf in bytes; 0: nothing is written, only the length is told
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
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
