/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_SPANS_H
#define FORMATS_SPANS_H

#include "core/layer.h"

/* Claims that may overlap, as in formats whose tables point wherever they like: collected first,
 * then resolved so that each byte has one owner. Of the spans over a byte the one of the lowest
 * rank gets it, among equals the one added first. */

/** struct span - bytes that a node would like to own; the members are those of struct claim */
struct span {
	uint64_t off;
	uint64_t len;
	uint64_t content_off; /* NO_CONTENT: not plain bytes of its content */
	struct rimg_node *node;
	const char *what;
	enum rimg_cause cause;
	unsigned rank;
};

struct spans {
	struct span *span;
	size_t n, cap;
};

/**
 * typedef spans_emit - a run of bytes and the span that gets it
 * @piece: cut to the run; runs come in ascending order and as long as possible
 *
 * Returns 0, or what spans_resolve() shall return.
 */
typedef int (*spans_emit)(void *arg, const struct span *piece);

/** spans_done - free the list */
void spans_done(struct spans *s);

/** spans_add - one more; empty ones are ignored; 0 or -RIMG_E_NOMEM. off + len must not wrap. */
int spans_add(struct spans *s, const struct span *span);

/** spans_resolve - give each byte to one span; 0, -RIMG_E_NOMEM, or what @emit returned */
int spans_resolve(struct spans *s, spans_emit emit, void *arg);

/**
 * spans_claim - a piece becomes a claim
 *
 * A node is looked into for nested formats only if it gets all of its content: contents that share
 * bytes could hold each other without end. Its maker sets `opened` for the case that it gets none.
 * Returns 0 or -RIMG_E_NOMEM.
 */
int spans_claim(struct rimg_layer *l, const struct span *piece);

#endif
