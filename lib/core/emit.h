/* SPDX-License-Identifier: MIT */
#ifndef CORE_EMIT_H
#define CORE_EMIT_H

#include "core/ctx.h"
#include "core/plan.h"
#include "core/sink.h"

/**
 * enum emit_compression - how records are stored where a format has a choice
 */
enum emit_compression {
	EMIT_COMPRESSION_NONE,
	EMIT_COMPRESSION_LZ4,
};

/**
 * struct emit_request - everything that decides the bytes of one container
 *
 * Nothing else may: no clock, environment, thread timing, or version of a library.
 * @tree:        what goes in; sorted by name bytes; the emitter may use id and n_links of its nodes
 * @seed:        32 bytes from which every identifier is derived (emit_derive())
 * @layer_name:  the container's own place, so that two in one image get different identifiers
 * @epoch:       seconds since 1970 UTC of everything that the container itself dates
 * @uuid:        fixed identifier of the volume instead of the derived one; NULL: derived
 * @compression: refused by formats that have none
 * @bootstrap:   initfs: the bootstrap program, or NULL
 * @max_size:    initfs: largest result, bytes; 0: the format's own limit
 */
struct emit_request {
	struct rimg_ctx *ctx;
	struct plan *tree;
	uint8_t seed[32];
	const char *layer_name;
	int64_t epoch;
	const uint8_t *uuid;
	enum emit_compression compression;
	const struct rimg_source *bootstrap;
	uint64_t max_size;
};

/**
 * struct rimg_emitter - a format that can be written
 * @name:    the format's, as in struct rimg_format
 * @measure: bytes that the tree needs: for formats that end where their content ends (initfs) the
 *           exact size, for volumes the smallest size that fits
 * @emit:    write the container over the whole of @sink, which is all zero
 *
 * Both return 0 or an error that names the entry at fault ("/a/b: ..."): a name, type or attribute
 * that the format cannot hold is refused, never dropped.
 */
struct rimg_emitter {
	const char *name;
	int (*measure)(const struct emit_request *rq, uint64_t *ret_size, struct rimg_error *err);
	int (*emit)(const struct emit_request *rq, struct sink *sink, struct rimg_error *err);
};

/* RIMG_EMITTER(x) at the start of a line in lib/formats defines `emitter_x` */
#define RIMG_EMITTER(id_) const struct rimg_emitter emitter_##id_

/** emitters - every emitter, sorted by name; ends with NULL */
extern const struct rimg_emitter *const emitters[];

/** emitter_find - by format name, or NULL */
const struct rimg_emitter *emitter_find(const char *name);

/**
 * emit_derive - @len (1..32) bytes that follow from the seed, a layer's name and a purpose
 *
 * SHA-256 of "rimg-derive-1" NUL, seed, u32 length and bytes of the name, of the purpose.
 */
int emit_derive(const struct emit_request *rq, const char *purpose, void *ret, size_t len,
		struct rimg_error *err);

/** emit_derive_uuid - a derived UUID of version 8, variant RFC 9562, in text order */
int emit_derive_uuid(const struct emit_request *rq, const char *purpose, uint8_t ret[16],
		     struct rimg_error *err);

/** emit_refuse - an error about one entry: "/path (origin): sentence"; returns -@code */
__attribute__((format(printf, 4, 5))) int
emit_refuse(struct rimg_error *err, int code, const struct plan_node *node, const char *fmt, ...);

#endif
