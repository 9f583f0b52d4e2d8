/* SPDX-License-Identifier: MIT */
#ifndef BUILD_OUTPUT_H
#define BUILD_OUTPUT_H

#include "build/inputs.h"
#include "core/command.h"
#include "core/digest.h"
#include "core/emit.h"

/* What the commands that write one container share: options, writing, checking, the digest. */

/* options that every one of them has; a command lists its own behind them */
#define OUTPUT_OPTIONS                                                                                   \
	OPTION_VALUE("output", 'o', "FILE",                                                              \
		     "the file to write; nothing appears there before it is complete"),                  \
		OPTION_VALUE(                                                                            \
			"epoch", 0, "SECONDS",                                                           \
			"every timestamp, seconds since 1970 UTC (default: SOURCE_DATE_EPOCH, else 0)"), \
		OPTION_VALUE("seed", 0, "TEXT",                                                          \
			     "what identifiers are derived from (default: empty)")

/**
 * struct output - a container about to be written
 * @path: the value of --output
 */
struct output {
	struct emit_request rq;
	struct inputs_rules rules;
	const char *path;
};

/** output_options - read OUTPUT_OPTIONS; complains and returns EXIT_TROUBLE if they do not fit */
int output_options(struct command_call *call, struct output *o);

/**
 * output_confine - enter the sandbox: what is given and --bootstrap may be read, the output made
 * @input: address, file or directory; NULL: everything is open already
 */
int output_confine(struct command_call *call, const struct output *o, const char *input);

/** output_seed - the 32 bytes that stand for a seed text: SHA-256 of "rimg-seed-1" NUL and it */
int output_seed(const void *text, size_t len, uint8_t ret[32], struct rimg_error *err);

/** output_epoch - --epoch, else SOURCE_DATE_EPOCH, else 0; -RIMG_E_ARG if it is not a number */
int output_epoch(const struct command_call *call, int64_t *ret, struct rimg_error *err);

/** output_uuid - "xxxxxxxx-xxxx-..." or 32 hexadecimal digits, in text order; false if neither */
bool output_uuid(const char *text, uint8_t ret[16]);

/** output_compression - "none" or "lz4"; false if neither */
bool output_compression(const char *text, enum emit_compression *ret);

/**
 * output_write - write the tree of @o->rq in a format, compare with the plan, give it its name
 * @size: of the file; 0: what the format measures
 * @step: the measured size is rounded up to a multiple of this power of two; 1: as it is
 *
 * Prints "SHA-256  PATH" on call->out unless quiet. Returns enum exit_status, having complained.
 */
int output_write(struct command_call *call, struct output *o, const char *format, uint64_t size,
		 uint64_t step);

/**
 * struct output_digest - something whose SHA-256 is asked for
 * @name:   what a lock calls it; "" for the whole output
 * @sha256: set by output_seal()
 * @rc, @err: for output_seal() alone
 */
struct output_digest {
	const char *name;
	const struct rimg_source *content;
	uint8_t sha256[SHA256_LEN];
	int rc;
	struct rimg_error *err;
};

/**
 * output_seal - check what was written, flush it, and hash it
 * @check:   compares the sink with what was planned, or NULL; may run in another thread
 * @digests: what is to be hashed, of the sink or of others; no @n saves most of the time
 *
 * All is done at the same time: a failure of any leaves what was there before.
 */
int output_seal(struct command_call *call, struct sink *sink,
		int (*check)(void *arg, struct sink *sink, struct rimg_error *err), void *arg,
		struct output_digest *digests, size_t n, struct rimg_error *err);

/**
 * output_finish - output_seal(), print the digest, then give the file its name
 * @path: what the file is called in the output
 *
 * In this order, so that a digest that cannot be printed leaves an existing file as it was.
 */
int output_finish(struct command_call *call, struct sink *sink, const char *path,
		  int (*check)(void *arg, struct sink *sink, struct rimg_error *err), void *arg,
		  struct rimg_error *err);

/** output_print_digest - "SHA-256  PATH" on call->out, unless quiet; IO when it does not get there
 */
int output_print_digest(struct command_call *call, const uint8_t digest[SHA256_LEN],
			const char *path, struct rimg_error *err);

#endif
