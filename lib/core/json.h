/* SPDX-License-Identifier: MIT */
#ifndef CORE_JSON_H
#define CORE_JSON_H

/* Strict reading of JSON, for manifests, policies, locks and attestations, into values of json-c
 * which remember where they stood. What is refused, because readers disagree about it or because
 * nothing here means it: keys that appear twice in an object, numbers with a fraction or an
 * exponent or outside of a signed 64-bit integer, unpaired surrogates, bytes that are not UTF-8,
 * a NUL in a key, anything after the value, and texts over the limits below.
 *
 * Values live as long as the arena that was given; nobody puts them. */

#include <json-c/json.h>

#include <rimg/error.h>

#include "core/mem.h"

#define JSON_TEXT_MAX   (16U << 20) /* bytes of a text */
#define JSON_DEPTH_MAX  64U         /* objects and arrays inside one another */
#define JSON_VALUES_MAX (1U << 20)  /* values in a text */

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct json_place - where in a text something stands
 * @file: name of the text, as messages show it; NULL: nowhere
 * @line: from 1; 0: the text as a whole
 * @column: bytes from the start of the line, from 1
 */
struct json_place {
	const char *file;
	uint32_t line;
	uint32_t column;
};

/**
 * json_read - parse one text
 * @a:    holds the value and all that belongs to it
 * @text: @len bytes
 * @name: of the text, for messages; copied
 *
 * Returns 0 with *@ret set (NULL is JSON's null); -RIMG_E_BAD with "NAME:LINE: sentence",
 * -RIMG_E_LIMIT, -RIMG_E_NOMEM. Then @err->off is where in the text reading stopped, and
 * `has_off` stays false, as people look for lines.
 */
int json_read(struct arena *a, const char *text, size_t len, const char *name,
	      struct json_object **ret, struct rimg_error *err);

/** json_place_of - where a value stands: its key if it has one; nowhere for NULL */
struct json_place json_place_of(struct json_object *value);

/** json_set_place - remember where @value stands, in @a; false without memory */
bool json_set_place(struct arena *a, struct json_object *value, struct json_place place);

/**
 * json_add, json_append - put @value, whose reference is taken over, into a table or at the end of
 * a list; 0 or -RIMG_E_NOMEM
 * @key: is not copied: it lives in the arena. A value that the table has under it is replaced.
 */
int json_add(struct json_object *table, const char *key, struct json_object *value,
	     struct rimg_error *err);
int json_append(struct json_object *list, struct json_object *value, struct rimg_error *err);

/** json_keep - put @value when the arena is freed; on failure it is put at once */
int json_keep(struct arena *a, struct json_object *value, struct rimg_error *err);

/** json_error - an error at a place: "FILE:LINE: sentence"; returns -@code */
__attribute__((format(printf, 4, 5))) int json_error(struct rimg_error *err, int code,
						     struct json_place at, const char *fmt, ...);

/** json_kind - what a value is, with its article: "a text", "an integer", "a list", "a table" */
const char *json_kind(struct json_object *value);

/* Typed members of @table. Each returns 1 and sets *ret when the member is there and is what is
 * asked for, 0 when it is not there (and leaves *ret alone), -RIMG_E_BAD with a sentence such as
 * "[image] size: expected an integer, found a list" when it is something else. @path names the
 * table in that sentence ("[image]"). */
int json_get(struct json_object *table, const char *path, const char *key, enum json_type type,
	     struct json_object **ret, struct rimg_error *err);
int json_get_bool(struct json_object *table, const char *path, const char *key, bool *ret,
		  struct rimg_error *err);
int json_get_int(struct json_object *table, const char *path, const char *key, int64_t min,
		 int64_t max, int64_t *ret, struct rimg_error *err);

/** json_get_text - a text without NULs; it lives as long as the value */
int json_get_text(struct json_object *table, const char *path, const char *key, const char **ret,
		  struct rimg_error *err);

/** json_get_bytes - a text that may hold NULs */
int json_get_bytes(struct json_object *table, const char *path, const char *key, const char **ret,
		   size_t *ret_len, struct rimg_error *err);

/** json_get_size - an integer of at least 0, or a text such as "512MiB" (str_parse_size) */
int json_get_size(struct json_object *table, const char *path, const char *key, uint64_t *ret,
		  struct rimg_error *err);

/** json_missing - an error about a member that has to be there; returns -RIMG_E_BAD */
int json_missing(struct json_object *table, const char *path, const char *key,
		 struct rimg_error *err);

#ifdef __cplusplus
}
#endif

/* as in core/error.h */
#if defined(__clang_analyzer__) && !defined(JSON_DEFINES) && !defined(__cplusplus)
#	include "core/error.h"
#	define json_error(...) error_negative(json_error(__VA_ARGS__))
#endif
#endif
