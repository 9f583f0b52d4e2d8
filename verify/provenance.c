/* SPDX-License-Identifier: MIT */
#include "verify/provenance.h"

#include <stdio.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/lz4.h"
#include "verify/timestamp.h"

/* One statement while it is written; `failed`: there was no memory for a text in it. */
struct writer {
	struct jsonw w;
	bool failed;
};

static void put_digest(struct writer *o, const char *hex)
{
	jsonw_object(&o->w, "digest");
	jsonw_text(&o->w, "sha256", hex);
	jsonw_end_object(&o->w);
}

static void put_raw_digest(struct writer *o, const uint8_t sha256[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, sha256, SHA256_LEN);
	o->failed = o->failed || hex.failed;
	put_digest(o, str_cstr(&hex));
}

static void put_time(struct writer *o, const char *key, int64_t s)
{
	auto_str struct str text = { 0 };

	timestamp_add(&text, s);
	o->failed = o->failed || text.failed;
	jsonw_text(&o->w, key, str_cstr(&text));
}

static void put_subjects(struct writer *o, const struct claim_request *rq)
{
	jsonw_array(&o->w, "subject");
	for (size_t i = 0; i < rq->n_subjects; i++) {
		jsonw_object(&o->w, NULL);
		jsonw_text(&o->w, "name", rq->subjects[i].name);
		put_raw_digest(o, rq->subjects[i].sha256);
		jsonw_end_object(&o->w);
	}
	jsonw_end_array(&o->w);
}

/* ---- provenance ----------------------------------------------------------------------------- */

static void put_definition(struct writer *o, const struct lockfile *lock)
{
	struct jsonw *w = &o->w;

	jsonw_object(w, "buildDefinition");
	jsonw_text(w, "buildType", lock ? BUILD_TYPE_LOCK : BUILD_TYPE_BYTES);
	jsonw_object(w, "externalParameters");
	if (lock) {
		jsonw_object(w, "manifest");
		put_digest(o, lock->manifest);
		jsonw_end_object(w);
		jsonw_u64(w, "epoch", lock->epoch);
		jsonw_text(w, "seed", lock->seed);
	}
	jsonw_end_object(w);
	if (lock) {
		jsonw_array(w, "resolvedDependencies");
		for (size_t i = 0; i < lock->n_inputs; i++) {
			jsonw_object(w, NULL);
			jsonw_text(w, "name", lock->inputs[i].address);
			put_digest(o, lock->inputs[i].sha256);
			jsonw_end_object(w);
		}
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

/* What the LZ4 encoder makes of 64 KiB with matches near and far and with noise: the same digest,
 * the same encoder. */
static int lz4_id(struct str *out, struct rimg_error *err)
{
	enum { IN = 65536, OUT = IN + IN / 8 };
	auto_free uint8_t *in = malloc(IN), *packed = malloc(OUT);
	auto_free struct lz4_work *work = malloc(sizeof(*work));
	uint8_t digest[SHA256_LEN];
	uint32_t x = 1;
	size_t len;
	int rc;

	if (!in || !packed || !work)
		return error_nomem(err);
	for (uint32_t i = 0; i < IN; i++) {
		x = x * 1664525U + 1013904223U;
		in[i] = i % 4096 < 1024 ? (uint8_t)(x >> 24) : (uint8_t)(i % 251 * (i >> 12));
	}
	len = lz4_compress(in, IN, packed, OUT, work);
	rc = digest_bytes(packed, len, digest, err);
	if (rc < 0)
		return rc;
	str_add_hex(out, digest, sizeof(digest));
	return out->failed ? error_nomem(err) : 0;
}

/* What of rimg decides the bytes of an image. */
static int put_version(struct writer *o, struct rimg_error *err)
{
	auto_str struct str lz4 = { 0 }, names = { 0 };
	int rc = lz4_id(&lz4, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; emitters[i]; i++)
		str_printf(&names, "%s%s", i ? " " : "", emitters[i]->name);
	o->failed = o->failed || names.failed;
	jsonw_object(&o->w, "version");
	jsonw_text(&o->w, "rimg", rimg_version());
	jsonw_text(&o->w, "rimg-lz4", str_cstr(&lz4));
	jsonw_text(&o->w, "rimg-formats", str_cstr(&names));
	jsonw_end_object(&o->w);
	return 0;
}

static void put_facts(struct writer *o, const struct claim_request *rq)
{
	struct jsonw *w = &o->w;

	if (rq->n_facts == 0)
		return;
	jsonw_array(w, "byproducts");
	jsonw_object(w, NULL);
	jsonw_text(w, "name", "machine");
	jsonw_object(w, "annotations");
	for (size_t i = 0; i < rq->n_facts; i++)
		jsonw_text(w, rq->facts[i].key, rq->facts[i].value);
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_end_array(w);
}

static int put_details(struct writer *o, const struct claim_request *rq, struct rimg_error *err)
{
	auto_str struct str id = { 0 };
	struct jsonw *w = &o->w;
	int rc;

	str_printf(&id, BUILDER_PREFIX "%s", rq->keyid);
	o->failed = o->failed || id.failed;
	jsonw_object(w, "runDetails");
	jsonw_object(w, "builder");
	jsonw_text(w, "id", str_cstr(&id));
	rc = put_version(o, err);
	jsonw_end_object(w);
	if (rq->has_time || rq->has_expires) {
		jsonw_object(w, "metadata");
		if (rq->has_time)
			put_time(o, "finishedOn", rq->time);
		if (rq->has_expires)
			put_time(o, "rimg_expires", rq->expires);
		jsonw_end_object(w);
	}
	put_facts(o, rq);
	jsonw_end_object(w);
	return rc;
}

/* ---- joint statements ----------------------------------------------------------------------- */

static void put_result(struct writer *o, const struct claim_request *rq)
{
	struct jsonw *w = &o->w;

	jsonw_object(w, "verifier");
	jsonw_text(w, "id", VERIFIER_ID);
	jsonw_array(w, "policies");
	if (rq->lock) {
		jsonw_object(w, NULL);
		jsonw_text(w, "name", "rimg.lock inputs");
		put_raw_digest(o, rq->lock->inputs_sha256);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	put_time(o, "timeCreated", rq->time);
	jsonw_array(w, "properties");
	jsonw_text(w, NULL, rq->lock ? PROPERTY_REBUILT : PROPERTY_BYTES);
	jsonw_end_array(w);
	if (rq->has_expires)
		put_time(o, "rimg_expires", rq->expires);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int put_statement(struct writer *o, const struct claim_request *rq, struct rimg_error *err)
{
	struct jsonw *w = &o->w;
	int rc = 0;

	jsonw_object(w, NULL);
	jsonw_text(w, "_type", STATEMENT_TYPE);
	put_subjects(o, rq);
	jsonw_text(w, "predicateType", rq->keyid ? STATEMENT_PROVENANCE : STATEMENT_RESULT);
	jsonw_object(w, "predicate");
	if (rq->keyid) {
		put_definition(o, rq->lock);
		rc = put_details(o, rq, err);
	} else {
		put_result(o, rq);
	}
	jsonw_end_object(w);
	jsonw_end_object(w);
	return rc;
}

int provenance_write(const struct claim_request *rq, struct str *out, struct rimg_error *err)
{
	struct writer o = { .w = { .out = capture_open(out) } };
	int rc;

	if (!o.w.out)
		return error_nomem(err);
	rc = put_statement(&o, rq, err);
	if (capture_close(o.w.out, NULL) < 0)
		o.failed = true;
	return rc == 0 && o.failed ? error_nomem(err) : rc;
}
