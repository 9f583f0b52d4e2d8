/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_WALK_H
#define AUDIT_WALK_H

#include "audit/audit.h"
#include "audit/hidden.h"

/* What the parts of an audit share. The tree is walked by one thread (walk.c); what it leads to is
 * a list of contents, which many threads look into (contents.c). */

/** struct audit_range - bytes of a content */
struct audit_range {
	uint64_t off;
	uint64_t len;
};

/** enum audit_origin - how a content came to be one */
enum audit_origin {
	AUDIT_FROM_NODE, /* a file, a partition, ... of no format that is opened here */
	AUDIT_FROM_REST, /* what a container's structures, gaps and free space are */
	AUDIT_FROM_SCAN, /* a program that was found inside of another content */
};

/**
 * struct audit_content - bytes that are looked into
 * @paths:   escaped steps, in the report's arena
 * @format:  what the formats' probes say that it is: "elf", "pe", or NULL; REST: the container
 * @ranges:  REST: which bytes; otherwise all of them
 * @same:    index of the first content of the same bytes; its own unless it was hashed
 * @object:  its code, or NULL
 * @parent, @parent_off: SCAN: the content that it lies in, and where
 * @kind, @found_format: what it is, if it is an artifact
 * @rc, @err: why it could not be read
 */
struct audit_content {
	const char **paths;
	size_t n_paths, cap_paths;
	const struct rimg_source *src;
	const char *format;
	enum audit_origin origin;
	struct audit_range *ranges;
	size_t n_ranges, cap_ranges;
	size_t parent;
	uint64_t parent_off;

	bool artifact;
	bool hashed;
	bool candidate;  /* begins like a program */
	bool declared;   /* by the policy, as a whole: what is in it is not looked for */
	bool whole;      /* the artifact that is audited, a file by itself */
	bool volume;     /* a partition or the image: what it is has to be known, or nothing is */
	bool own_object; /* made here, in the arena */
	uint8_t sha256[SHA256_LEN];
	size_t same;
	struct code_object *object;
	enum audit_kind kind;
	const char *found_format;
	int rc;
	struct rimg_error *err; /* of a failure */
};

/** struct audit_work - an audit while it is made */
struct audit_work {
	struct rimg_ctx *ctx;
	struct rimg_node *start;
	struct audit_report *report;
	const struct audit_options *options;
	struct audit_content *contents;
	size_t n_contents, cap_contents;
	struct rimg_node **marked; /* whose `mark` is set */
	size_t n_marked, cap_marked;
	size_t cap_unread, cap_artifacts;
	uint64_t hashable; /* bytes that may still be hashed */
	struct rimg_error *err;
};

/** audit_budget - bytes that are read from an image for one purpose: contents may be larger than
 * the image, by holes and packing, but only so much larger */
uint64_t audit_budget(const struct audit_work *w);

/**
 * audit_walk - collect the contents below w->start, and what of the tree could not be read
 *
 * Returns 0, -RIMG_E_NOMEM, or a code of node_open() for the artifact itself.
 */
__attribute__((warn_unused_result)) int audit_walk(struct audit_work *w);

/**
 * audit_look - find out what contents from @first on are; programs are examined
 *
 * Of contents that are the same bytes only the first is examined; it gets the paths of the others.
 * Returns 0 or -RIMG_E_NOMEM; what cannot be read is added to the report's unread things.
 */
__attribute__((warn_unused_result)) int audit_look(struct audit_work *w, size_t first);

/**
 * audit_scan - look through all that is not known to be code, for programs and machine code
 *
 * Adds what is found as contents, looked into. Returns as audit_look().
 */
__attribute__((warn_unused_result)) int audit_scan(struct audit_work *w);

/** audit_add_content - a new content; NULL without memory; pointers to others become invalid.
 * @path: in the arena */
struct audit_content *audit_add_content(struct audit_work *w, const struct rimg_source *src,
					enum audit_origin origin, const char *path);

/** audit_add_path - one more place of a content; 0 or -RIMG_E_NOMEM */
int audit_add_path(struct audit_content *c, const char *path);

/** audit_add_unread - note what could not be looked at; texts are copied; 0 or -RIMG_E_NOMEM */
int audit_add_unread(struct audit_work *w, const char *path, const char *code, const char *text,
		     bool trouble);

/** audit_add_unread_node - the same, of a node */
int audit_add_unread_node(struct audit_work *w, const struct rimg_node *node, const char *text,
			  bool trouble);

/** audit_progress - tell how far the work is, if anybody asked */
void audit_progress(const struct audit_work *w, const char *what, uint64_t done, uint64_t total);

/**
 * audit_extent - how far a program or archive reaches that was found in other bytes
 * @ret: bytes from run->off on, at least run->len, inside of @src; as far as its own tables say
 *
 * Returns 0 or a code of rimg_source_read(); *@ret is set either way.
 */
__attribute__((warn_unused_result)) int audit_extent(const struct rimg_source *src,
						     const struct hidden_run *run, uint64_t *ret,
						     struct rimg_error *err);

/* rollup.c */

/** audit_judge - contents that are artifacts -> artifacts, verdicts, the report; 0 or an error */
__attribute__((warn_unused_result)) int audit_judge(struct audit_work *w);

/* known.c */

/** struct known_format - what bytes are called that rimg does not look into */
struct known_format {
	const char *name;
	enum audit_kind kind; /* INTERPRETED or OPAQUE */
};

#define KNOWN_HEAD ((size_t)66 << 10) /* bytes that known_find() wants to see */

/** known_find - a script, WebAssembly, or a container that is not opened; NULL: none of these */
const struct known_format *known_find(const uint8_t *head, size_t len);

#endif
