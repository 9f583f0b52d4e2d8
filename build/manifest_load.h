/* SPDX-License-Identifier: MIT */
#ifndef BUILD_MANIFEST_LOAD_H
#define BUILD_MANIFEST_LOAD_H

#include <sys/types.h>

#include "build/manifest.h"

/* What the files of the manifest's loader share. It works in three steps:
 *
 *     manifest_read.c    files -> one tree of json-c values: parse, check the keys, include, merge
 *     manifest_keys.c    which keys there are, and of what type
 *     manifest_image.c   [image], [general], partitions, boot loader, initfs -> structs
 *     manifest_tree.c    files, packages, users, groups -> structs
 *     manifest.c         the order of it all, and what is true of the whole only
 */

struct load_file {
	dev_t dev;
	ino_t ino;
	const char *path;
};

/** struct load - a manifest while it is loaded */
struct load {
	struct manifest *m;
	const struct manifest_options *options;
	struct rimg_error *err;
	struct json_object *doc; /* merged; every value in it is kept by the arena */
	struct load_file stack[MANIFEST_DEPTH_MAX]; /* files that include one another */
	unsigned depth;
	uint64_t n_bytes; /* of all files together */
	struct manifest_input *inputs;
	size_t cap_inputs;
	struct manifest_warning *warnings;
	size_t cap_warnings;
};

/* ---- manifest_keys.c ------------------------------------------------------------------------ */

/** enum key_merge - what a later file does to what an earlier one has */
enum key_merge {
	KEY_MERGE_KEYS,    /* a table: key by key */
	KEY_MERGE_APPEND,  /* a list: both, one after the other */
	KEY_MERGE_REPLACE, /* the later stands alone */
	KEY_MERGE_NONE,    /* belongs to its own file alone */
};

/**
 * keys_check - has @doc only keys that exist, each with a value of its type?
 *
 * Returns 0 or -RIMG_E_BAD.
 */
int keys_check(struct load *l, struct json_object *doc);

/** keys_merge - how a key of the whole document merges; @key exists */
enum key_merge keys_merge(const char *key);

/** keys_note_ignored - a warning for each key that asks for something that does not happen here */
int keys_note_ignored(struct load *l);

/* ---- manifest_read.c, manifest_set.c -------------------------------------------------------- */

/** load_read_file, load_read_text - set l->doc from a file, or a text in its place */
int load_read_file(struct load *l, const char *path);
int load_read_text(struct load *l, const char *text, size_t len, const char *path);

/** load_apply_set - the "KEY=VALUE" of the options, onto l->doc */
int load_apply_set(struct load *l);

/** load_join - @text as seen from the folder of the file at @at; NULL without memory */
const char *load_join(struct load *l, struct json_place at, const char *text, bool address);

/** load_warn - remember a warning; 0 or -RIMG_E_NOMEM */
__attribute__((format(printf, 3, 4))) int load_warn(struct load *l, struct json_place at,
						    const char *fmt, ...);

/** load_shown - text for a message, in the arena; never NULL */
const char *load_shown(struct load *l, const char *text);

/* ---- decoding ------------------------------------------------------------------------------- */

/** load_table - the table @key of the document, or NULL */
struct json_object *load_table(const struct load *l, const char *key);

/* Members of tables, as in core/json.h: 1 found, 0 not there, or an error. */

/** load_source - a text that names something outside; *ret is in the arena */
int load_source(struct load *l, struct json_object *table, const char *path, const char *key,
		const struct manifest_source **ret);

/** load_sources - a list of them */
int load_sources(struct load *l, struct json_object *table, const char *path, const char *key,
		 const struct manifest_source **ret, size_t *ret_n);

/** load_image_path - a text that is a path in RedoxFS, "/" excepted */
int load_image_path(struct load *l, struct json_object *table, const char *path, const char *key,
		    const char **ret);

/** load_u32 - an integer of at most @max */
int load_u32(struct load *l, struct json_object *table, const char *path, const char *key,
	     uint32_t max, uint32_t *ret);

/* manifest_image.c, manifest_tree.c: fill l->m; 0 or an error */
int load_image(struct load *l);
int load_partitions(struct load *l);
int load_bootloader(struct load *l);
int load_initfs(struct load *l);
int load_files(struct load *l);
int load_packages(struct load *l);
int load_people(struct load *l);

#endif
