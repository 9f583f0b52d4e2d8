/* SPDX-License-Identifier: MIT */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include "core/field.h"
#include "core/layer.h"

/**
 * struct rimg_probe - what a format may look at to recognise a content
 * @trouble: for probe_trouble() alone
 */
struct rimg_probe {
	uint64_t size;                 /* of the content, bytes */
	const uint8_t *head;           /* its first bytes */
	size_t head_len;               /* 64 KiB, or all if it is shorter */
	const struct rimg_source *src; /* to read further, sparingly: probe_read() */
	struct rimg_error *trouble;
};

/**
 * probe_trouble - the format's probe could not read: @rc and @why are what rimg_source_read() said
 *
 * A content that is damaged there is of another format. But when a disk is broken, or there is no
 * memory, it is not known what the content is: then looking inside is an error, whatever the probes
 * say. Does nothing when @rc is not negative.
 */
void probe_trouble(const struct rimg_probe *p, int rc, const struct rimg_error *why);

/** probe_read - bytes behind the head; false if they cannot be read, see probe_trouble() */
bool probe_read(const struct rimg_probe *p, uint64_t off, void *buf, size_t len);

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

#endif
