/* SPDX-License-Identifier: MIT */
#ifndef BUILD_ARTIFACTS_H
#define BUILD_ARTIFACTS_H

#include "build/manifest.h"
#include "core/layer.h"

/**
 * struct artifacts - the opened sources of a build
 *
 * One host file that many sources lead into is opened once. Everything stays open until the image
 * is written, since plans read from it.
 */
struct artifacts {
	struct rimg_ctx *ctx;
	const char *const *outputs; /* two paths that are not to be read from, each perhaps NULL */
	struct opened *list;        /* sorted by host path */
	size_t n, cap;
};

void artifacts_done(struct artifacts *a);

/**
 * artifacts_find - the node that a source's address leads to
 *
 * Returns NULL with @err set, which then names the manifest's line.
 */
struct rimg_node *artifacts_find(struct artifacts *a, const struct manifest_source *src,
				 struct rimg_error *err);

/** artifacts_host_path - the host file at the head of a source's address; free() it */
int artifacts_host_path(const struct manifest_source *src, char **ret, struct rimg_error *err);

/** artifacts_is_dir - is the source a directory of the host? */
bool artifacts_is_dir(const struct manifest_source *src);

/** artifacts_verify - has any file that was opened changed since? 0 or -RIMG_E_IO */
int artifacts_verify(const struct artifacts *a, struct rimg_error *err);

#endif
