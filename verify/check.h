/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_CHECK_H
#define VERIFY_CHECK_H

#include "core/layer.h"

/*
 * Is an artifact sound, with all that lies in it? Every layer is opened, held against the rules of
 * its format, read to its last byte, and closed again, so that what is needed is the memory of one
 * chain of layers. What could not be read is told apart from what is wrong.
 */

/**
 * struct check_problem - something wrong or odd
 * @code, @message: as of struct finding
 * @path:           address of the node, steps from the image; "" is the image
 * @off, @len:      bytes in the container it was found in; @len 0: no particular place
 * @image_off:      the same byte in the host file; UINT64_MAX when it is packed or enciphered there
 */
struct check_problem {
	const char *code;
	enum severity severity;
	char *path;
	char *message;
	uint64_t off, len;
	uint64_t image_off;
};

/** struct check_unread - something that could not be judged, so that the verdict is open */
struct check_unread {
	char *path;
	char *message;
};

#define CHECK_FORMATS_MAX 32

/**
 * struct check_report - what was found
 * @n_errors, @n_warnings: of all findings, also of those that were not kept
 * @n_unread:              of all, also of those that were not kept
 * @by_format:             containers of formats[i]
 * @bytes:                 contents read to their end, each once: those of host file and containers
 * @no_format:             files that are in no format that is known
 */
struct check_report {
	struct check_problem *problems;
	size_t n_problems, cap_problems;
	struct check_unread *unread;
	size_t n_kept_unread, cap_unread;
	uint64_t n_errors, n_warnings, n_unread;
	uint64_t by_format[CHECK_FORMATS_MAX];
	uint64_t containers, partitions, files, dirs, symlinks, others, no_format;
	uint64_t bytes;
};

/**
 * struct check_options - how strict
 * @strict:   hold it against what rimg writes itself: nothing that is free, lost, stale or padding
 *            may be anything but zero, and warnings about the layout are errors
 * @progress: called now and then, with the containers checked so far; NULL: not
 */
struct check_options {
	bool strict;
	void (*progress)(void *arg, uint64_t n_containers);
	void *arg;
};

/**
 * check_node - check what a node holds, or with a directory what is below it
 * @node: from rimg_image_open_address(); layers that the way to it has opened are told as well
 * @ret:  begins empty; check_report_done() it, also after an error
 *
 * Problems are in the order of the walk: a container before what lies in it. Closes every layer
 * that it opens. Returns 0, or -RIMG_E_NOMEM: then nothing is known.
 */
__attribute__((warn_unused_result)) int check_node(struct rimg_node *node,
						   const struct check_options *options,
						   struct check_report *ret,
						   struct rimg_error *err);

void check_report_done(struct check_report *r);

/** enum check_verdict - in the order of their weight */
enum check_verdict {
	CHECK_SOUND,
	CHECK_UNSOUND, /* a rule is broken */
	CHECK_UNREAD,  /* something could not be read: nobody knows */
};

enum check_verdict check_verdict(const struct check_report *r);

/** check_verdict_name - "sound", "unsound", "not checked to the end" */
const char *check_verdict_name(enum check_verdict v);

#endif
