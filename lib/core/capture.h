/* SPDX-License-Identifier: MIT */
#ifndef CORE_CAPTURE_H
#define CORE_CAPTURE_H

#include <stdio.h>

#include "core/str.h"

struct rimg_error;
struct sink;

/**
 * capture_open - a stream whose text is added to @text
 * @text: outlives the stream; complete once that is closed
 *
 * In place of open_memstream(), which without memory drops what is written to it and reports no
 * error, neither by ferror() nor by fclose(). Returns NULL without memory.
 */
FILE *capture_open(struct str *text);

/** capture_close - close it; 0, or -RIMG_E_NOMEM if anything that was written is missing */
__attribute__((warn_unused_result)) int capture_close(FILE *out, struct rimg_error *err);

/** capture_fn - writes something to a stream, of what @arg says; returns 0 or an error */
typedef int (*capture_fn)(FILE *out, void *arg, struct rimg_error *err);

/** capture_text - add what @write writes to @text; 0, its error, or -RIMG_E_NOMEM */
__attribute__((warn_unused_result)) int capture_text(struct str *text, capture_fn write, void *arg,
						     struct rimg_error *err);

/**
 * capture_sink - what @write writes, in a file that has not got its name @path yet
 *
 * Returns the sink, to be committed; NULL on failure.
 */
struct sink *capture_sink(const char *path, capture_fn write, void *arg, struct rimg_error *err);

/**
 * capture_save - what @write writes, as a host file, complete or not at all
 *
 * The file is written once all is known. Returns 0 or an error of whatever code; @err
 * tells why.
 */
__attribute__((warn_unused_result)) int capture_save(const char *path, capture_fn write, void *arg,
						     struct rimg_error *err);

#endif
