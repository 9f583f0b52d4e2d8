/* SPDX-License-Identifier: MIT */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include "core/field.h"
#include "core/layer.h"

/** struct rimg_probe - what a format may look at to recognise a content */
struct rimg_probe {
	uint64_t size;                 /* of the content, bytes */
	const uint8_t *head;           /* its first bytes */
	size_t head_len;               /* 64 KiB, or all if it is shorter */
	const struct rimg_source *src; /* to read further, sparingly */
};

/**
 * struct rimg_format - one kind of container
 * @name:  as in JSON's `layer`, in messages and findings
 * @facts: the document that its code follows
 * @probe: how surely the content is of this format, 0 (not) .. 100; writes nothing. The highest
 *         score wins; a second format over 50 is finding `layer.ambiguous`.
 * @open:  bytes -> nodes, claims, attributes, findings. Bad data is never an error here: record a
 *         finding, set l->unreadable when there is no tree at all, return 0. Errors are I/O,
 *         memory and limits.
 * @check: invariants beyond what open() needs, as findings; may be NULL
 * @reads_contents: open() and check() together read every byte of every content, so that nobody
 * else has to, to know that it can be read
 */
struct rimg_format {
	const char *name;
	const char *facts;
	int (*probe)(const struct rimg_probe *p);
	int (*open)(struct rimg_layer *l, struct rimg_error *err);
	int (*check)(struct rimg_layer *l, struct rimg_error *err);
	bool reads_contents;
};

/* RIMG_FORMAT(x) at the start of a line in lib/formats defines `format_x`; the Makefile collects
 * these lines, sorted, into the registry: there is no list to edit. */
#define RIMG_FORMAT(id_) const struct rimg_format format_##id_

/** formats - every format, sorted by name; ends with NULL */
extern const struct rimg_format *const formats[];

/** format_find - by name, or NULL */
const struct rimg_format *format_find(const char *name);

#endif
