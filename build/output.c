/* SPDX-License-Identifier: MIT */
#include "build/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "build/manifest.h"
#include "build/selfcheck.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/source.h"
#include "core/str.h"

int output_seed(const void *text, size_t len, uint8_t ret[32], struct rimg_error *err)
{
	static const char domain[] = "rimg-seed-1";
	auto_str struct str s = { 0 };

	str_add_len(&s, domain, sizeof(domain));
	str_add_len(&s, text, len);
	if (s.failed)
		return error_nomem(err);
	return digest_bytes(s.data, s.len, ret, err);
}

int output_epoch(const struct command_call *call, int64_t *ret, struct rimg_error *err)
{
	const char *given = call_value(call, "epoch");
	const char *text = given ? given : call->source_date_epoch;
	uint64_t epoch = 0;

	if (text && (!str_parse_u64(text, &epoch) || epoch > MANIFEST_EPOCH_MAX))
		return error_set(err, RIMG_E_ARG, given ? "--epoch" : "SOURCE_DATE_EPOCH",
				 "expected seconds since 1970, up to the year 9999, found \"%s\"",
				 text);
	*ret = (int64_t)epoch;
	return 0;
}

bool output_uuid(const char *text, uint8_t ret[16])
{
	size_t n = 0;
	uint8_t uuid[16] = { 0 };

	for (; *text; text++) {
		int value = str_hex_digit(*text);

		if (*text == '-' && (n == 8 || n == 12 || n == 16 || n == 20))
			continue;
		if (value < 0 || n == 32)
			return false;
		uuid[n / 2] = (uint8_t)(uuid[n / 2] << 4 | value);
		n++;
	}
	if (n != 32)
		return false;
	memcpy(ret, uuid, sizeof(uuid));
	return true;
}

bool output_compression(const char *text, enum emit_compression *ret)
{
	if (strcmp(text, "none") == 0)
		*ret = EMIT_COMPRESSION_NONE;
	else if (strcmp(text, "lz4") == 0)
		*ret = EMIT_COMPRESSION_LZ4;
	else
		return false;
	return true;
}

int output_options(struct command_call *call, struct output *o)
{
	const char *seed = call_value(call, "seed");
	struct rimg_error err;
	int rc;

	o->rq.ctx = call->ctx;
	o->path = call_value(call, "output");
	if (!o->path)
		return call_usage(call, "where to? give --output FILE");
	rc = output_epoch(call, &o->rq.epoch, &err);
	if (rc == 0)
		rc = output_seed(seed ? seed : "", seed ? strlen(seed) : 0, o->rq.seed, &err);
	o->rules.epoch = o->rq.epoch;
	inputs_refuse_output(&o->rules, o->path);
	return rc < 0 ? call_error(call, &err) : EXIT_HOLDS;
}

int output_confine(struct command_call *call, const struct output *o, const char *input)
{
	struct sandbox s;

	sandbox_init(&s);
	call_may_read(&s, input);
	sandbox_may_read(&s, call_value(call, "bootstrap"));
	sandbox_may_write(&s, o->path);
	return call_confine(call, &s);
}

/* Side by side, begun in this order: the disk is to be busy from the first moment on, and of those
 * that compute, a digest takes longest and is alone in having one thread only. */
enum finish_step {
	FINISH_FLUSH,
	FINISH_DIGEST, /* the first of them; the check comes after the last */
};

struct finish {
	struct sink *sink;
	int (*check)(void *arg, struct sink *sink, struct rimg_error *err);
	void *arg;
	struct output_digest *digests;
	size_t n_digests;
	struct {
		int rc;
		struct rimg_error err;
	} flush, checked;
};

static void hash_one(struct output_digest *d)
{
	struct rimg_error err;

	d->rc = error_keep(&d->err, digest_source(d->content, d->sha256, &err), &err);
}

static void finish_step(void *arg, size_t i)
{
	struct finish *f = arg;

	if (i == FINISH_FLUSH)
		f->flush.rc = sink_flush(f->sink, &f->flush.err);
	else if (i < FINISH_DIGEST + f->n_digests)
		hash_one(&f->digests[i - FINISH_DIGEST]);
	else if (f->check)
		f->checked.rc = f->check(f->arg, f->sink, &f->checked.err);
}

/* The first failure, in order of the steps. */
static int finish_result(const struct finish *f, struct rimg_error *err)
{
	if (f->flush.rc < 0)
		return error_give(err, f->flush.rc, &f->flush.err);
	for (size_t i = 0; i < f->n_digests; i++)
		if (f->digests[i].rc < 0)
			return error_give(err, f->digests[i].rc, f->digests[i].err);
	return f->checked.rc < 0 ? error_give(err, f->checked.rc, &f->checked.err) : 0;
}

int output_seal(struct command_call *call, struct sink *sink,
		int (*check)(void *arg, struct sink *sink, struct rimg_error *err), void *arg,
		struct output_digest *digests, size_t n, struct rimg_error *err)
{
	struct finish f = {
		.sink = sink, .check = check, .arg = arg, .digests = digests, .n_digests = n
	};
	const struct rimg_source *written = sink_source(sink, err);
	int rc;

	if (!written)
		return -RIMG_E_NOMEM;
	/* the one that flushes does nothing but wait */
	pool_for(call->ctx->threads > 1 ? call->ctx->threads + 1 : 1, FINISH_DIGEST + n + 1,
		 finish_step, &f);
	rc = finish_result(&f, err);
	for (size_t i = 0; i < n; i++)
		free(take_ptr(digests[i].err));
	return rc < 0 ? rc : source_verify_reads(written, err);
}

int output_print_digest(struct command_call *call, const uint8_t digest[SHA256_LEN],
			const char *path, struct rimg_error *err)
{
	auto_str struct str line = { 0 };

	if (call->quiet)
		return 0;
	str_add_hex(&line, digest, SHA256_LEN);
	str_add(&line, "  ");
	str_add_escaped(&line, path, strlen(path), STR_ESCAPE_TEXT);
	str_add_char(&line, '\n');
	if (line.failed)
		return error_nomem(err);
	if (call_write(call, line.data, line.len) && call_write(call, NULL, 0))
		return 0;
	call->out_told = true;
	errno = call->out_errno;
	return error_os(err, path, "not written, as its digest could not be printed");
}

int output_finish(struct command_call *call, struct sink *sink, const char *path,
		  int (*check)(void *arg, struct sink *sink, struct rimg_error *err), void *arg,
		  struct rimg_error *err)
{
	struct output_digest whole = { .name = "", .content = sink_source(sink, err) };
	int rc;

	if (!whole.content)
		return -RIMG_E_NOMEM;
	rc = output_seal(call, sink, check, arg, &whole, call->quiet ? 0 : 1, err);
	if (rc == 0)
		rc = output_print_digest(call, whole.sha256, path, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}

struct container {
	struct output *o;
	const struct rimg_emitter *emitter;
};

static int check_container(void *arg, struct sink *sink, struct rimg_error *err)
{
	const struct container *c = arg;
	const struct rimg_source *back = sink_source(sink, err);

	if (c->o->rq.bootstrap && rimg_source_verify(c->o->rq.bootstrap, err) < 0)
		return -RIMG_E_IO;
	return back ? selfcheck_tree(&c->o->rq, back, c->o->path, c->emitter->name, err)
		    : -RIMG_E_IO;
}

static int write_container(struct command_call *call, struct output *o,
			   const struct rimg_emitter *emitter, uint64_t size,
			   struct rimg_error *err)
{
	auto_sink struct sink *sink = sink_file(o->path, size, err);
	struct container c = { .o = o, .emitter = emitter };
	int rc = sink ? emitter->emit(&o->rq, sink, err) : -RIMG_E_IO;

	return rc < 0 ? rc : output_finish(call, sink, o->path, check_container, &c, err);
}

int output_write(struct command_call *call, struct output *o, const char *format, uint64_t size,
		 uint64_t step)
{
	const struct rimg_emitter *emitter = emitter_find(format);
	struct rimg_error err;
	int rc = 0;

	o->rq.layer_name = format;
	if (!emitter)
		rc = error_set(&err, RIMG_E_INTERNAL, NULL, "no emitter for %s", format);
	if (rc == 0 && size == 0) {
		rc = emitter->measure(&o->rq, &size, &err);
		if (rc == 0 && !num_align_up(size, step, &size))
			rc = error_set(&err, RIMG_E_LIMIT, o->path, "too large");
	}
	if (rc == 0)
		rc = write_container(call, o, emitter, size, &err);
	return rc < 0 ? call_error(call, &err) : EXIT_HOLDS;
}
