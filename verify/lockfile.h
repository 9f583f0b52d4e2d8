/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_LOCKFILE_H
#define VERIFY_LOCKFILE_H

#include "core/digest.h"
#include "core/mem.h"

/** struct locked_input - an input of a build, with its digest as 64 hexadecimal digits */
struct locked_input {
	const char *address;
	uint64_t size;
	const char *sha256;
};

/**
 * struct lockfile - what `rimg build --lock` wrote; all in the arena that it was read into
 * @inputs_sha256: everything that the build was made from, in one number: of the line that
 *                 `jq -c "{epoch,seed,manifest,inputs}"` makes of the lock. Not of the whole file,
 * as that holds the result, too.
 * @manifest: SHA-256 of the manifest that was built, as 64 hexadecimal digits
 * @image:    SHA-256 of the image that was built
 */
struct lockfile {
	uint8_t inputs_sha256[SHA256_LEN];
	uint64_t epoch;
	const char *seed;
	const char *manifest_address;
	const char *manifest;
	struct locked_input *inputs;
	size_t n_inputs;
	uint8_t image[SHA256_LEN];
};

/**
 * lockfile_read - read one of schema "rimg.lock/1" (docs/cli.md)
 * @text: @len bytes
 * @name: of the text, for messages; copied
 *
 * Returns 0 or an error as json_read() has them; -RIMG_E_UNSUPPORTED for another schema.
 */
int lockfile_read(struct arena *a, const char *text, size_t len, const char *name,
		  struct lockfile *ret, struct rimg_error *err);

/** lockfile_load - lockfile_read() of a host file; also -RIMG_E_IO */
int lockfile_load(struct arena *a, const char *path, struct lockfile *ret, struct rimg_error *err);

#endif
