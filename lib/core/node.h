/* SPDX-License-Identifier: MIT */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <rimg/node.h>

/* The artifact tree. Nodes and attributes live in the arena of their layer. Once it is open they
 * are read-only and may be read from many threads, but for `mark`, and for what node_open() sets
 * when it opens a node's content: `opened`, `nested` and, with a finding, `damaged`. */

struct rimg_image;
struct rimg_layer;
struct str;

/** struct place - the bytes of the layer that hold an attribute: @count runs of @len, @stride apart
 */
struct place {
	uint64_t off;    /* in the layer's source */
	uint32_t len;    /* 0: nowhere */
	uint32_t stride; /* at least len */
	uint32_t count;  /* 1 for an ordinary field */
};

enum attr_type {
	ATTR_U64,   /* shown in decimal */
	ATTR_HEX,   /* a number shown as 0x... */
	ATTR_OCTAL, /* permissions, shown as four digits or more */
	ATTR_BOOL,
	ATTR_TIME,  /* seconds and nanoseconds since 1970 UTC */
	ATTR_TEXT,  /* bytes meant as text */
	ATTR_BYTES, /* shown in hexadecimal */
	ATTR_UUID,  /* 16 bytes in text order */
	ATTR_RAW, /* no value: only the bytes at its place count (tables of pointers, code areas) */
};

struct rimg_attr {
	struct rimg_attr *next;
	const char *key; /* static or in the arena */
	enum attr_type type;
	enum rimg_cause cause;
	struct place place;
	union {
		uint64_t u;
		struct {
			int64_t s;
			uint32_t ns;
		} time;
		struct {
			const uint8_t *data;
			size_t len;
		} bytes;
	};
};

struct rimg_node {
	struct rimg_image *image;
	struct rimg_layer *layer; /* the layer it belongs to; NULL for the image's root */
	struct rimg_node
		*parent; /* in the same layer; the layer's root: the node whose content it is */
	struct rimg_node *first_child;
	struct rimg_node *last_child;
	struct rimg_node *next;
	const char *name; /* name_len bytes, a NUL behind */
	uint32_t name_len;
	uint32_t n_children;
	uint32_t index;  /* position among its siblings as stored */
	uint32_t number; /* for "::3": 1-based; 0: none */
	enum rimg_role role;
	enum rimg_cause cause; /* of a difference when the other side lacks it */
	bool damaged;          /* a finding says that it was not wholly read */
	bool unread; /* its content could not be laid out: there are bytes but no source */
	bool opened; /* nested has been looked for */
	struct rimg_attr *attrs;
	struct rimg_attr *last_attr;
	struct place_index *places; /* where the attributes lie, if there are many; see owner.h */
	const struct rimg_source *content;
	struct rimg_layer *nested; /* the layer opened on content, or NULL */
	struct rimg_node *link_to; /* hard link: the node that owns the inode */
	struct rimg_node *
		*by_name; /* children sorted by name, made at the latest when it is open */
	void *mark;       /* for whoever walks the tree */
};

#define rimg_for_each_child(child, node) \
	for (struct rimg_node *child = (node)->first_child; child; child = child->next)

#define rimg_for_each_attr(attr, node) \
	for (const struct rimg_attr *attr = (node)->attrs; attr; attr = attr->next)

/** node_find - the first child of that name, or NULL */
struct rimg_node *node_find(struct rimg_node *node, const char *name, size_t len);

/** node_find_nth - the @nth of several children of that name, counting from 1 as stored, or NULL */
struct rimg_node *node_find_nth(struct rimg_node *node, const char *name, size_t len, uint64_t nth);

/** node_attr - the attribute of that key, or NULL */
const struct rimg_attr *node_attr(const struct rimg_node *node, const char *key);

/** node_attr_u64 - a number's value; @otherwise when the node has no such number */
uint64_t node_attr_u64(const struct rimg_node *node, const char *key, uint64_t otherwise);

/** attr_equal - same type and value? RAW attributes have no value: always true */
bool attr_equal(const struct rimg_attr *a, const struct rimg_attr *b);

/** attr_format - add the value as text: numbers, dates as ISO 8601 UTC, escaped text, hex */
void attr_format(struct str *s, const struct rimg_attr *a);

/**
 * node_after - the node that comes after @n in the tree of @top: parents first, children as stored
 *
 * How whole trees are walked: they are as deep as an image wants, so nobody recurses. Takes what is
 * there, opens nothing. Returns NULL after the last.
 */
struct rimg_node *node_after(const struct rimg_node *n, const struct rimg_node *top);

/** node_by_name - the children sorted by name bytes, then as stored; NULL without memory or
 * children */
struct rimg_node **node_by_name(struct rimg_node *node);

/** node_compare_names - order by bytes, shorter first */
int node_compare_names(const struct rimg_node *a, const struct rimg_node *b);

/**
 * node_add_path - add the path within its layer's directory tree: "/", "/boot/kernel", bytes as is
 *
 * For nodes outside of the directory tree: the names from the layer's root, a '/' before each.
 */
void node_add_path(struct str *s, const struct rimg_node *node);

/** node_add_address - add the steps from the image to the node, escaped, joined by "::" */
void node_add_address(struct str *s, const struct rimg_node *node);

/** node_full_address - the image's name and the steps; for messages; the caller frees it */
char *node_full_address(const struct rimg_node *node);

#endif
