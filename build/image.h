/* SPDX-License-Identifier: MIT */
#ifndef BUILD_IMAGE_H
#define BUILD_IMAGE_H

#include "build/artifacts.h"
#include "build/disk.h"
#include "build/inputs.h"
#include "build/manifest.h"

#define IMAGE_KEY_LEN 32

/**
 * struct image_build - an image on its way from a manifest to bytes
 *
 *     image.c           the steps, initfs, boot loader, partitions, writing and checking
 *     image_files.c     [[files]]
 *     image_packages.c  [packages]
 *     image_trust.c     which packages may be used
 *     image_users.c     [users], [groups]
 *
 * @path: of the image; temporary files lie beside it
 * @warn: told of what may surprise; may be NULL
 */
struct image_build {
	struct rimg_ctx *ctx;
	const struct manifest *m;
	const char *path;
	const char *outputs[2]; /* that are written, and so must not be inputs; NULL: none */
	void (*warn)(void *warn_ctx, const char *text);
	void *warn_ctx;
	struct artifacts artifacts;     /* from here on: its own */
	uint8_t (*keys)[IMAGE_KEY_LEN]; /* that packages may be signed with; NULL until asked for */
	size_t n_keys;
	const struct image_trusted *trusted;
	struct inputs_rules rules;
	uint8_t seed[32];
	struct arena arena;
	struct plan root, esp, initfs;
	struct sink *initfs_sink;
	const struct rimg_source *bootstrap; /* of the initfs, or NULL */
	struct disk disk;
};

/**
 * image_prepare - gather everything that goes in; nothing is written but a temporary initfs
 *
 * Call image_done() always. Returns 0 or an error that names file and line of the manifest.
 */
int image_prepare(struct image_build *b, struct rimg_error *err);

/** image_write - write the image, which has b->m->size bytes */
int image_write(struct image_build *b, struct sink *sink, struct rimg_error *err);

/** image_selfcheck - is what was written what was planned, and are all inputs as they were? */
int image_selfcheck(struct image_build *b, struct sink *sink, struct rimg_error *err);

void image_done(struct image_build *b);

/* ---- for the parts ------------------------------------------------------------------------- */

/** image_at - put "FILE:LINE: " before an error of something that the manifest asks for */
int image_at(struct json_place place, int rc, struct rimg_error *err);

__attribute__((format(printf, 2, 3))) void image_warn(struct image_build *b, const char *fmt, ...);

/**
 * image_put - the entry at @path of the root file system, with the directories on the way
 *
 * Made new with the rules' times and owners; an entry that is there already is replaced, a
 * directory kept. Returns NULL with @err set.
 */
struct plan_node *image_put(struct image_build *b, const char *path, enum rimg_role role,
			    struct rimg_error *err);

/**
 * image_find - the node that a source's address leads to, like artifacts_find()
 *
 * Each package on the way there has to be one that image_trust() accepts.
 */
struct rimg_node *image_find(struct image_build *b, const struct manifest_source *src,
			     struct rimg_error *err);

/**
 * image_trust - is a package signed by one of the manifest's keys, and all of it what was signed?
 * @l:    a layer of the format "pkgar"
 * @name: what messages call it
 *
 * The keys are read when the first package asks for them. Returns 0, or an error: CRYPTO for
 * another key, BAD for a package that is not what was signed.
 */
int image_trust(struct image_build *b, struct rimg_layer *l, const char *name,
		struct rimg_error *err);

/**
 * image_add_files, image_add_packages, image_add_users - put into b->root what the manifest lists
 * @postinstall: those files that go over what packages bring, or all others
 *
 * Return 0 or an error that names the place in the manifest.
 */
int image_add_files(struct image_build *b, bool postinstall, struct rimg_error *err);
int image_add_packages(struct image_build *b, struct rimg_error *err);
int image_add_users(struct image_build *b, struct rimg_error *err);

/** image_chown - give a node and all below it to an owner */
void image_chown(struct plan_node *top, const uint32_t *uid, const uint32_t *gid);

#endif
