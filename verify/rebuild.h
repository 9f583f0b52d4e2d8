/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_REBUILD_H
#define VERIFY_REBUILD_H

#include <rimg/error.h>

#include "core/digest.h"
#include "core/mem.h"
#include "verify/vary.h"

/* Builds something several times, in surroundings that differ, and compares the bytes. */

/**
 * struct rebuild_request - what to build and how
 * @manifest:  for `rimg build`, or NULL
 * @base:      -C of `rimg build`, or NULL
 * @set:       the --set of `rimg build`, @n_set of them
 * @command:   for sh -c, or NULL; runs in a copy of @source
 * @source:    directory; NULL: the working directory
 * @artifact:  file that @command makes, relative to @source
 * @expected:  an image that the rebuilt bytes should be equal to, or NULL
 * @vary:      bits of enum vary_id
 * @times:     builds, at least 2: the first in the surroundings as they are
 * @work:      directory for copies and outputs, or NULL
 * @keep:      directory, which does not exist, for the images and the logs; or NULL
 * @require_sandbox: for `rimg build`
 * @progress:  told before each build; may be NULL
 */
struct rebuild_request {
	const char *manifest;
	const char *base;
	const char *const *set;
	size_t n_set;
	const char *command;
	const char *source;
	const char *artifact;
	const char *expected;
	uint32_t vary;
	unsigned times;
	const char *work;
	const char *keep;
	bool require_sandbox;
	void (*progress)(void *arg, const char *what);
	void *progress_arg;
};

/** enum rebuild_why - what a build was made for */
enum rebuild_why {
	REBUILD_PLAIN,   /* in the surroundings as they are */
	REBUILD_VARIED,  /* everything varied that can be */
	REBUILD_AGAIN,   /* as the first, to see whether it differs by itself */
	REBUILD_STOPPED, /* as the first, but the clock stands still */
	REBUILD_SINGLE,  /* one thing varied */
};

/** rebuild_why_name - "plain", "varied", ... */
const char *rebuild_why_name(enum rebuild_why why);

/**
 * struct rebuild_build - one build
 * @path: of its output in the working directory (or in @keep)
 * @same: the bytes of the build that it is compared with: of the plain one, or with a clock that
 *        stands still in both
 */
struct rebuild_build {
	enum rebuild_why why;
	uint32_t varied;
	bool stopped;
	bool same;
	uint8_t sha256[SHA256_LEN];
	uint64_t size;
	const char *path;
};

/**
 * struct rebuild_result - what came of it
 * @reproducible: all plain and varied builds gave the same bytes
 * @as_expected:  and these are the bytes of the expected image; true without one
 * @varied:       bits: what was varied and did not matter, or was looked at alone
 * @blamed:       bits: what changes the bytes, each found alone
 * @together:     nothing alone changes them, but all together do
 * @by_itself:    the bytes differ although nothing was varied, and the clock is not the reason
 * @host:         what could be varied, and how
 * @a, @b:        paths of two outputs that differ, or NULL
 */
struct rebuild_result {
	bool reproducible;
	bool as_expected;
	uint32_t varied;
	uint32_t blamed;
	bool together;
	bool by_itself;
	struct vary_host host;
	struct rebuild_build *builds;
	size_t n_builds, cap_builds;
	const char *a, *b;
	char *log;   /* the end of what a failed build printed, or NULL */
	char *work;  /* for rebuild_done() */
	char *place; /* likewise, or NULL */
	bool keep;
	struct arena arena;
};

/**
 * rebuild_run - build, compare, find out what is to blame
 *
 * Returns 0, also when bytes differ. A build that fails is an error: -RIMG_E_BAD, with the end of
 * its output at @ret->log. In any case rebuild_done() frees what is in @ret.
 */
int rebuild_run(const struct rebuild_request *rq, struct rebuild_result *ret,
		struct rimg_error *err);

/** rebuild_done - free, and remove the working directory */
void rebuild_done(struct rebuild_result *r);

#endif
