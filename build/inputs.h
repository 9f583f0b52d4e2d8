/* SPDX-License-Identifier: MIT */
#ifndef BUILD_INPUTS_H
#define BUILD_INPUTS_H

#include <sys/types.h>

#include "core/plan.h"

/* What goes into a plan: files and directories of the host, bytes, and nodes of opened images. */

/**
 * struct inputs_rules - what of the host is kept
 *
 * Nothing that differs between two machines with the same files: by default no times, owners, or
 * permissions but "the owner may execute".
 * @epoch:        all times
 * @uid, @gid:    all owners
 * @keep_modes:   the host's permission bits as they are, instead of 0644, or 0755 where the owner
 *                may execute, and 0755 for directories
 * @skip_special: leave out sockets, devices and FIFOs instead of refusing them
 * @replaced:     told of each entry that another one takes the place of; may be NULL
 * @outputs:      files that are refused as inputs; see inputs_refuse_output()
 */
struct inputs_rules {
	int64_t epoch;
	uint32_t uid, gid;
	bool keep_modes;
	bool skip_special;
	void (*replaced)(void *ctx, const struct plan_node *old);
	void *ctx; /* of replaced() */
	struct {
		dev_t dev;
		ino_t ino;
	} outputs[2]; /* the image and its lock */
	size_t n_outputs;
};

/**
 * inputs_refuse_output - what is at @path now will be overwritten, and so must not be an input
 * @path: NULL: nothing
 */
void inputs_refuse_output(struct inputs_rules *rules, const char *path);

/** inputs_stamp - give a node the times of the rules, and their owner */
void inputs_stamp(struct plan_node *node, const struct inputs_rules *rules);

/** inputs_set_bytes - the content of @node is a copy of @len bytes; 0 or -RIMG_E_NOMEM */
int inputs_set_bytes(struct plan *p, struct plan_node *node, const void *data, size_t len);

/**
 * inputs_add_dir - put everything below a host directory into @into
 * @path:  host path of a directory; it is followed if it is a symbolic link, nothing below it is
 * @shown: what messages and locks call it
 *
 * Entries are taken in order of name bytes. Files that the plan has already are replaced; two
 * directories are merged; a file never replaces a directory, nor a directory a file (ARG).
 * Files are opened when they are read; one that has changed since is an error. Hard links of the
 * host become separate files.
 * The directory itself gives @into its mode, if @into is the plan's root or has no mode yet.
 */
int inputs_add_dir(struct plan *p, struct plan_node *into, const char *path, const char *shown,
		   const struct inputs_rules *rules, struct rimg_error *err);

/** inputs_set_file - the content (and mode) of @node is the host file @path, @shown in messages */
int inputs_set_file(struct plan *p, struct plan_node *node, const char *path, const char *shown,
		    const struct inputs_rules *rules, struct rimg_error *err);

/**
 * inputs_put - the entry @name of @into, made new or replacing one that is no directory
 *
 * For a DIR that is there already: that one. Returns NULL when one of both is a directory and the
 * other is not (@err: ARG), or without memory.
 */
struct plan_node *inputs_put(struct plan *p, struct plan_node *into, enum rimg_role role,
			     const void *name, size_t name_len, const struct inputs_rules *rules,
			     struct rimg_error *err);

/**
 * inputs_add_node - put the tree of an opened image into @into
 * @node: a directory, or what holds a file system: its entries are added. Its image must outlive
 *        the plan, which reads contents from it.
 * @shown: what messages and locks call it; NULL: nothing
 *
 * Modes and owners are kept, times become the rules'. Folders that only the paths of an archive
 * tell of leave those that are there, and @into, as they are. A node that a finding says is damaged
 * is refused: what cannot be read wholly is never passed on.
 */
int inputs_add_node(struct plan *p, struct plan_node *into, struct rimg_node *node,
		    const char *shown, const struct inputs_rules *rules, struct rimg_error *err);

/** inputs_set_node - the content and mode of @node are those of the artifact @from */
int inputs_set_node(struct plan_node *node, const struct rimg_node *from, struct rimg_error *err);

#endif
