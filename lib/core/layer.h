/* SPDX-License-Identifier: MIT */
#ifndef CORE_LAYER_H
#define CORE_LAYER_H

#include <rimg/image.h>

#include "core/ctx.h"
#include "core/mem.h"
#include "core/node.h"
#include "core/rd.h"
#include "core/source.h"

/* A layer is one format opened on one content. What an opener may call is declared here and in
 * field.h; include "core/format.h" to define a format. */

struct rimg_format;

#define NO_CONTENT UINT64_MAX

/**
 * struct claim - bytes of the layer that have an owner
 * @off, @len:    range in the layer's source
 * @content_off:  offset in the owner's content of the first byte; NO_CONTENT if these are not plain
 *                bytes of its content
 * @node:         the owner
 * @what:         what the bytes are ("inode", "content", "free"); static
 * @cause:        what a difference here means when no attribute has its place here
 */
struct claim {
	uint64_t off;
	uint64_t len;
	uint64_t content_off;
	struct rimg_node *node;
	const char *what;
	enum rimg_cause cause;
};

enum severity {
	SEVERITY_WARNING, /* odd, but nothing is lost */
	SEVERITY_ERROR,   /* the format's rules are broken */
};

/** severity_shown - what include/rimg calls it */
static inline enum rimg_severity severity_shown(enum severity severity)
{
	return severity == SEVERITY_ERROR ? RIMG_SEVERITY_ERROR : RIMG_SEVERITY_WARNING;
}

/** struct finding - something wrong or odd in the bytes of a layer */
struct finding {
	const char *code; /* "redoxfs.block-hash"; static */
	enum severity severity;
	struct rimg_node *node; /* never NULL */
	uint64_t off;           /* in the layer's source; len 0: no particular place */
	uint64_t len;
	const char
		*text; /* what was expected, what was found; harmless (str_clean()); in the arena */
};

struct rimg_layer {
	struct rimg_image *image;
	const struct rimg_format *format;
	const struct rimg_source *src;
	struct rimg_node
		*root; /* carries the format's own attributes; its parent holds the content */
	struct rimg_node *top; /* where paths start ("/"); the root if there are no directories */
	uint32_t depth;
	struct arena arena;
	struct claim *claims; /* sorted by offset once open, without overlaps */
	size_t n_claims, cap_claims;
	struct finding *findings;
	size_t n_findings, cap_findings;
	uint64_t n_errors, n_warnings; /* counted beyond the ones that were kept */
	uint64_t n_nodes;
	uint64_t budget;         /* bytes that the opener may still read */
	struct rimg_layer *next; /* of the image, in order of opening */
	bool unreadable;         /* recognised, but no tree could be read: a finding says why */
	bool opaque_places;      /* stored bytes are enciphered: attribute places mean nothing */
	void *priv;              /* of the format, for its check() */
	const char *address;     /* of layer_address(), once it was asked for */
};

struct rimg_image {
	struct rimg_ctx *ctx;
	struct rimg_source *src; /* freed with the image; NULL when it is somebody else's */
	char *name;
	struct arena arena;
	struct rimg_node *root;
	struct rimg_layer *layers; /* every layer opened, oldest first */
	struct rimg_layer *last_layer;
	uint64_t n_nodes;
	uint64_t n_opened;   /* bytes of all contents that layers were opened on */
	uint64_t arena_used; /* bytes, of all layers, claims and findings included */
	uint64_t n_unpacked; /* bytes that the packed contents of its layers unpack to; for openers
				to bound, as an image can promise any number of them */
};

static inline void cleanup_image(struct rimg_image **image)
{
	rimg_image_free(*image);
}

/* a local image, freed when it goes out of scope */
#define auto_image __attribute__((cleanup(cleanup_image)))

/**
 * node_open - the layer on a node's content, opened now if it has not been
 * @ret: the layer, or NULL when the node has no content or no format recognises it
 *
 * A layer that could not be read comes back with `unreadable` set and a finding. A content that is
 * damaged where it is stored has no layer, and a finding in the layer around it; it is -RIMG_E_BAD
 * or -RIMG_E_TRUNCATED where there is none around, which is the image's own content.
 * Also returns 0, -RIMG_E_IO, -RIMG_E_NOMEM, -RIMG_E_LIMIT. Not safe from two threads on one image.
 */
int node_open(struct rimg_node *node, struct rimg_layer **ret, struct rimg_error *err);

/**
 * node_close - forget the layer opened on a node's content, with all its nodes
 *
 * It must be the last one that was opened in its image, and nobody may hold nodes of it any more:
 * for walks that look into each content in turn and keep none, so that an image of many programs
 * needs the memory of one. The node can be opened again. Does nothing where there is no layer.
 */
void node_close(struct rimg_node *node);

/**
 * image_open_part - like rimg_image_open() for a source that stays the caller's
 *
 * @src must outlive the image.
 */
struct rimg_image *image_open_part(struct rimg_ctx *ctx, const struct rimg_source *src,
				   const char *name, struct rimg_error *err);

/** layer_free - free a layer with all its nodes; NULL is fine. For image.c alone. */
void layer_free(struct rimg_layer *l);

/** layer_format_name - name of the format it is in */
const char *layer_format_name(const struct rimg_layer *l);

/* ---- for openers ------------------------------------------------------------------------- */

/**
 * layer_read - read bytes of the layer, within the opener's budget
 *
 * Returns 0; -RIMG_E_TRUNCATED when the range is not inside (bad data: record a finding and go
 * on); any other code stops the work and must be returned from open(), also -RIMG_E_BAD, when what
 * the layer is stored in is damaged there.
 */
int layer_read(struct rimg_layer *l, uint64_t off, void *buf, size_t len, struct rimg_error *err);

/** layer_node - add a child; @name is copied; NULL when memory or the node limit is exhausted */
struct rimg_node *layer_node(struct rimg_layer *l, struct rimg_node *parent, enum rimg_role role,
			     const void *name, size_t name_len);

/** layer_meta - layer_node() for a structure of the format itself, named by a text */
struct rimg_node *layer_meta(struct rimg_layer *l, struct rimg_node *parent, const char *name);

/**
 * layer_claim - these bytes belong to @node
 *
 * A range outside of the layer is cut to it. Empty ranges are ignored. Returns 0 or -RIMG_E_NOMEM.
 */
int layer_claim(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len,
		const char *what, enum rimg_cause cause);

/**
 * layer_claim_content - these bytes are the content of @node from byte @content_off on
 *
 * Where a nested layer is open, ownership goes on inside it.
 */
int layer_claim_content(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len,
			uint64_t content_off);

/**
 * layer_content_range - the content of @node is [off, off + len) of the layer, and is claimed
 *
 * A range that is not inside the layer makes the node damaged and its content what is there; the
 * caller records the finding. Returns 0 or -RIMG_E_NOMEM.
 */
int layer_content_range(struct rimg_layer *l, struct rimg_node *node, uint64_t off, uint64_t len);

/**
 * layer_finding - record something wrong or odd
 * @code: static text, "format.rule", documented in docs/findings.md
 * @node: whose problem it is; becomes `damaged` when @severity is an error; NULL: the root
 * @len:  0 when it concerns no particular bytes
 *
 * Cannot fail: without memory it is still counted.
 */
__attribute__((format(printf, 7, 8))) void layer_finding(struct rimg_layer *l,
							 enum severity severity, const char *code,
							 struct rimg_node *node, uint64_t off,
							 uint64_t len, const char *fmt, ...);

/** layer_address - address of the layer for messages; lives as long as it */
const char *layer_address(struct rimg_layer *l);

#endif
