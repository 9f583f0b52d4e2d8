/* SPDX-License-Identifier: MIT */
#include "verify/agree_report.h"

#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/str.h"

const char *verdict_name(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_AGREED: return "agreed";
	case VERDICT_NOT_AGREED: return "not-agreed";
	case VERDICT_CONFLICT: return "conflict";
	case VERDICT_TROUBLE: return "trouble";
	}
	return "unknown";
}

void agree_each_difference(const struct agreement *a, const struct vote *v,
			   void (*fn)(void *arg, const char *name), void *arg)
{
	const struct statement *theirs = v->statement, *best;

	if (!a->best || v->covers || v->standing == STANDING_OTHER)
		return;
	best = a->best->statement;
	for (size_t i = 0; i < theirs->n_subjects; i++) {
		const struct subject *s = statement_named(best, theirs->subjects[i].name);

		if (!s || memcmp(s->sha256, theirs->subjects[i].sha256, SHA256_LEN) != 0)
			fn(arg, theirs->subjects[i].name);
	}
	for (size_t i = 0; i < best->n_subjects; i++)
		if (!statement_named(theirs, best->subjects[i].name))
			fn(arg, best->subjects[i].name);
}

int agree_diff(const struct agree_report *r, const struct vote *v, const char **ret_path,
	       struct rimg_image **ret_image, struct rimg_diff **ret_diff, struct rimg_error *err)
{
	const char *path = v->covers ? NULL : theirs_find(r->theirs, v->subject->sha256);
	struct rimg_source *src;

	if (!path)
		return 0;
	src = rimg_source_open_path(path, err);
	*ret_image = src ? rimg_image_open(r->call->ctx, src, path, err) : NULL;
	if (!*ret_image)
		return -RIMG_E_IO;
	*ret_diff = rimg_diff_run(r->node, rimg_image_root(*ret_image), NULL, err);
	if (!*ret_diff) {
		rimg_image_free(*ret_image);
		*ret_image = NULL;
		return -RIMG_E_IO;
	}
	*ret_path = path;
	return 1;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_digest(struct jsonw *w, const char *key, const uint8_t sha256[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, sha256, SHA256_LEN);
	jsonw_text(w, key, str_cstr(&hex));
}

static void put_name(void *arg, const char *name)
{
	jsonw_text(arg, NULL, name);
}

static void put_text_or_null(struct jsonw *w, const char *key, const char *text)
{
	if (text)
		jsonw_text(w, key, text);
	else
		jsonw_null(w, key);
}

struct roots {
	struct jsonw *w;
};

static bool put_root(void *arg, const struct rimg_difference *d)
{
	struct jsonw *w = ((struct roots *)arg)->w;

	if (d->root != d->index)
		return true;
	jsonw_object(w, NULL);
	jsonw_text(w, "path", d->path);
	put_text_or_null(w, "field", d->field);
	put_text_or_null(w, "a", d->a);
	put_text_or_null(w, "b", d->b);
	jsonw_text(w, "cause", rimg_cause_name(d->cause));
	jsonw_u64(w, "bytes", d->all_bytes);
	jsonw_text(w, "why", d->why);
	jsonw_end_object(w);
	return true;
}

static int put_diff(struct jsonw *w, const struct agree_report *r, const struct vote *v,
		    struct rimg_error *err)
{
	struct rimg_image *image = NULL;
	struct rimg_diff *diff = NULL;
	struct roots roots = { .w = w };
	const char *path = NULL;
	int rc = agree_diff(r, v, &path, &image, &diff, err);

	if (rc != 1)
		return rc;
	jsonw_object(w, "diff");
	jsonw_text(w, "image", path);
	jsonw_u64(w, "differing", rimg_diff_get_summary(diff)->differing);
	jsonw_u64(w, "explained", rimg_diff_get_summary(diff)->explained);
	jsonw_u64(w, "unexplained", rimg_diff_get_summary(diff)->unexplained);
	jsonw_array(w, "roots");
	rc = rimg_diff_each_root(diff, RIMG_CAUSES_ALL, put_root, &roots);
	jsonw_end_array(w);
	jsonw_end_object(w);
	rimg_diff_free(diff);
	rimg_image_free(image);
	return rc < 0 ? error_nomem(err) : 0;
}

static int put_vote(struct jsonw *w, const struct agree_report *r, size_t i, struct rimg_error *err)
{
	const struct vote *v = &r->ballots->votes[i];
	const struct trusted_key *key = &r->ballots->trusted[v->key];
	int rc;

	jsonw_object(w, NULL);
	jsonw_text(w, "file", r->ballots->ballots[i].file);
	jsonw_text(w, "key", key->path);
	jsonw_text(w, "keyid", key->public.id);
	jsonw_text(w, "standing", standing_name(v->standing));
	put_digest(w, "sha256", v->subject->sha256);
	jsonw_text(w, "predicateType", v->statement->predicate_type);
	jsonw_text(w, "build", v->statement->build_type);
	put_digest(w, "definition", v->statement->definition);
	jsonw_u64(w, "inputs", v->statement->n_inputs);
	put_text_or_null(w, "time", v->statement->time);
	jsonw_object(w, "machine");
	for (size_t k = 0; k < v->statement->n_facts; k++)
		jsonw_text(w, v->statement->facts[k].key, v->statement->facts[k].value);
	jsonw_end_object(w);
	jsonw_array(w, "differs");
	agree_each_difference(r->agreement, v, put_name, w);
	jsonw_end_array(w);
	rc = put_diff(w, r, v, err);
	jsonw_end_object(w);
	return rc;
}

static void put_refusals(struct jsonw *w, const struct ballots *b)
{
	jsonw_array(w, "refused");
	for (size_t i = 0; i < b->n_refusals; i++) {
		const struct refusal *f = &b->refusals[i];

		jsonw_object(w, NULL);
		jsonw_text(w, "file", f->file);
		if (f->err.has_off)
			jsonw_u64(w, "offset", f->err.off);
		else
			jsonw_null(w, "offset");
		jsonw_text(w, "reason", f->err.text);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

static void put_keys(struct jsonw *w, const struct ballots *b)
{
	jsonw_array(w, "trusted");
	for (size_t i = 0; i < b->n_keys; i++) {
		jsonw_object(w, NULL);
		jsonw_text(w, "key", b->trusted[i].path);
		jsonw_text(w, "keyid", b->trusted[i].public.id);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

int agree_report_json(const struct agree_report *r, struct rimg_error *err)
{
	struct jsonw w = { .out = r->call->out, .pretty = true };
	int rc = 0;

	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-agree/1");
	jsonw_text(&w, "verdict", verdict_name(r->verdict));
	jsonw_object(&w, "image");
	jsonw_text(&w, "address", r->call->args[0]);
	jsonw_u64(&w, "size", rimg_source_size(r->node->content));
	put_digest(&w, "sha256", r->sha256);
	jsonw_end_object(&w);
	jsonw_u64(&w, "threshold", r->threshold);
	jsonw_u64(&w, "keys", r->agreement->n_keys);
	jsonw_u64(&w, "against", r->agreement->n_against);
	put_keys(&w, r->ballots);
	jsonw_array(&w, "votes");
	for (size_t i = 0; i < r->ballots->n && rc == 0; i++)
		rc = put_vote(&w, r, i, err);
	jsonw_end_array(&w);
	put_refusals(&w, r->ballots);
	jsonw_sandbox(&w, &r->call->sandbox);
	jsonw_end_object(&w);
	fputc('\n', r->call->out);
	return rc;
}
