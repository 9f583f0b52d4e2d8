/* SPDX-License-Identifier: MIT */
#ifndef RIMG_CHECK_H
#define RIMG_CHECK_H

#include <rimg/image.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* Is an artifact sound, with all that lies in it? `rimg verify check` is this and a report. */

/** struct rimg_check - everything that a check found */
struct rimg_check;

/** enum rimg_verdict - what a check comes to, in the order of weight */
enum rimg_verdict {
	RIMG_VERDICT_SOUND,   /* everything was read, and no rule is broken */
	RIMG_VERDICT_UNSOUND, /* everything was read, and a rule is broken */
	RIMG_VERDICT_OPEN,    /* something could not be read: nobody knows */
};

/** rimg_verdict_name - "sound", "unsound", "not checked to the end"; static */
const char *rimg_verdict_name(enum rimg_verdict verdict);

/**
 * struct rimg_check_summary - the check in numbers
 * @errors, @warnings: findings of either severity
 * @unread:            parts that could not be read; the verdict is then OPEN
 * @containers:        contents that were opened and held against the rules of their format
 * @files:             files seen, in all of them
 * @no_format:         files whose format is not known: only read to their end
 */
struct rimg_check_summary {
	enum rimg_verdict verdict;
	uint64_t errors;
	uint64_t warnings;
	uint64_t unread;
	uint64_t containers;
	uint64_t files;
	uint64_t no_format;
};

#define RIMG_NOT_IN_IMAGE UINT64_MAX

/**
 * struct rimg_problem - one thing that is wrong or odd, or that could not be read
 * @code:      which rule, as docs/findings.md lists them; NULL: it could not be read
 * @severity:  by the rules of a check; of what could not be read, ERROR
 * @path:      steps from the image to the node, as the command line spells them; "" is the image
 * @text:      one sentence: what was expected, what was found; harmless
 * @off, @len: bytes in the container that @path lies in; @len 0: no particular place
 * @image_off: the same byte in the image's file; RIMG_NOT_IN_IMAGE when it is packed or enciphered
 *             there, or when there is no particular place
 */
struct rimg_problem {
	const char *code;
	enum rimg_severity severity;
	const char *path;
	const char *text;
	uint64_t off;
	uint64_t len;
	uint64_t image_off;
};

/**
 * struct rimg_check_options - how to check
 * @strict:   hold it against what rimg itself writes: nothing free, stale or padding may be other
 *            than zero, and warnings about the layout are errors
 * @progress: called now and then from the calling thread, with the containers checked so far; or
 *            NULL
 */
struct rimg_check_options {
	bool strict;
	void (*progress)(void *arg, uint64_t n_containers);
	void *progress_arg;
};

/**
 * rimg_check_run - check what a node holds, or with a directory what is below it
 * @node:    of any image; its tree is left as it is, as everything is read anew
 * @options: may be NULL; read during the call only
 *
 * A failure to read is no error of this function but makes the verdict OPEN.
 * Returns the result, which the caller frees with rimg_check_free() and which may outlive the
 * image, or NULL with @err set: NOMEM, or what rimg_image_find() says when @node is not found
 * again, as the file was changed.
 */
struct rimg_check *rimg_check_run(struct rimg_node *node, const struct rimg_check_options *options,
				  struct rimg_error *err);

/** rimg_check_free - free a result; NULL is fine */
void rimg_check_free(struct rimg_check *check);

/** rimg_check_get_summary - the verdict and the numbers; live as long as the result */
const struct rimg_check_summary *rimg_check_get_summary(const struct rimg_check *check);

/**
 * rimg_check_each_problem - call @fn for every problem
 * @fn:  gets a problem that is valid during the call, its texts as long as the result; returns
 *       false to stop
 * @arg: passed to @fn
 *
 * In the order of the walk, a container before what lies in it; then what could not be read. At
 * most 100,000 of either are kept; the summary counts all.
 */
void rimg_check_each_problem(const struct rimg_check *check,
			     bool (*fn)(void *arg, const struct rimg_problem *problem), void *arg);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
