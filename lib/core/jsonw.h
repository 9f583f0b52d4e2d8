/* SPDX-License-Identifier: MIT */
#ifndef CORE_JSONW_H
#define CORE_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/sandbox.h"

/**
 * struct jsonw - writes one JSON document to a stream, never holding it whole
 *
 * Commas and quoting are its business, nesting the caller's. Keys are given with the value and are
 * NULL inside arrays. Output errors show in ferror() of the stream.
 */
struct jsonw {
	FILE *out;
	bool comma;  /* the next value needs a comma before it */
	bool pretty; /* a line for each value, indented */
	unsigned depth;
};

void jsonw_object(struct jsonw *w, const char *key);
void jsonw_end_object(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_end_array(struct jsonw *w);
void jsonw_u64(struct jsonw *w, const char *key, uint64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);

/** jsonw_text - a NUL-terminated text */
void jsonw_text(struct jsonw *w, const char *key, const char *text);

/**
 * jsonw_bytes - untrusted bytes as a string, reversibly
 *
 * UTF-8 as it is. A byte that is not part of valid UTF-8 becomes the six characters \udcNN, and so
 * does a backslash that stands before such six characters.
 */
void jsonw_bytes(struct jsonw *w, const char *key, const void *bytes, size_t len);

/** jsonw_sandbox - what was in force, as the key "sandbox"; the same on all machines that have it
 * all */
void jsonw_sandbox(struct jsonw *w, const struct sandbox_state *state);

/**
 * jsonw_document - a value that is JSON already: what another writer has made
 *
 * Its lines are indented as this document wants; line breaks are never part of a string.
 */
void jsonw_document(struct jsonw *w, const char *key, const char *json);

#endif
