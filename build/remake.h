/* SPDX-License-Identifier: MIT */
#ifndef BUILD_REMAKE_H
#define BUILD_REMAKE_H

#include "core/emit.h"
#include "core/layer.h"

/**
 * struct graft - one file to be put into the remade image
 * @address: where: the steps of an address, "REDOX::/boot/kernel"
 * @source:  what
 * @used:    set by remake_write()
 */
struct graft {
	const char *address;
	const struct rimg_source *source;
	bool used;
};

/**
 * struct remake - an image laid out anew, in the canonical way, from what an old one holds
 *
 * Kept are names, types, permissions, owners, contents, and the partitions' places, names and
 * types. Times, identifiers, order, placement and free space are made anew, so that two images with
 * the same content become the same bytes.
 * @old:         the artifact: a disk, RedoxFS, FAT or initfs
 * @path:        of the new file; temporary files lie beside it
 * @compression: of every RedoxFS
 */
struct remake {
	struct rimg_ctx *ctx;
	struct rimg_node *old;
	const char *path;
	uint8_t seed[32];
	int64_t epoch;
	enum emit_compression compression;
	struct graft *grafts;
	size_t n_grafts;
	struct arena arena;  /* from here on: its own */
	struct sink **sinks; /* temporary files with the remade containers that lie in files */
	size_t n_sinks, cap_sinks;
	struct plan **plans;
	size_t n_plans, cap_plans;
};

/**
 * remake_write - make the new image in a sink
 * @ret: set on success only: the finished, checked, but not yet committed file
 *
 * Refuses (BAD) what is damaged and (UNSUPPORTED) what it cannot write. Call remake_done() always.
 */
int remake_write(struct remake *r, struct sink **ret, struct rimg_error *err);

void remake_done(struct remake *r);

struct command_call;

/**
 * remake_command - what `normalize` and `replace` share: options, IMAGE, writing, the digest
 * @r: its grafts are set, nothing else
 *
 * Returns enum exit_status.
 */
int remake_command(struct command_call *call, struct remake *r);

#endif
