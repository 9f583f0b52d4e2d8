/* SPDX-License-Identifier: MIT */
#include "verify/ballots.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/json.h"
#include "core/load.h"

void ballots_done(struct ballots *b)
{
	free(b->votes);
	free(b->ballots);
	free(b->refusals);
	arena_done(&b->arena);
}

/* Errors that are about the attestation, not about us. */
static bool is_its_fault(int rc)
{
	return rc < 0 && rc != -RIMG_E_NOMEM && rc != -RIMG_E_INTERNAL && rc != -RIMG_E_CRYPTO;
}

/* Remember why the file is not counted; 0, -RIMG_E_NOMEM or -RIMG_E_LIMIT. */
static int refuse(struct ballots *b, const char *file, const struct rimg_error *why,
		  struct rimg_error *err)
{
	struct refusal *list =
		vec_grow(b->refusals, &b->cap_refusals, b->n_refusals, sizeof(*list));

	if (!list)
		return error_nomem(err);
	b->refusals = list;
	if (b->n_refusals >= BALLOTS_REFUSALS_MAX)
		return error_set(err, RIMG_E_LIMIT, file,
				 "more than %u attestations or signatures to refuse",
				 BALLOTS_REFUSALS_MAX);
	list[b->n_refusals++] = (struct refusal){ .file = file, .err = *why };
	return 0;
}

static int add_vote(struct ballots *b, const char *file, size_t key,
		    const struct statement *statement, struct rimg_error *err)
{
	struct vote *votes = vec_grow(b->votes, &b->cap, b->n, sizeof(*votes));
	struct ballot *ballots;

	if (votes)
		b->votes = votes;
	ballots = vec_grow(b->ballots, &b->cap_ballots, b->n, sizeof(*ballots));
	if (ballots)
		b->ballots = ballots;
	if (!votes || !ballots)
		return error_nomem(err);
	if (b->n >= AGREEMENT_VOTES_MAX)
		return error_set(err, RIMG_E_LIMIT, file, "more than %u signatures in all",
				 AGREEMENT_VOTES_MAX);
	votes[b->n] = (struct vote){ .key = key, .statement = statement };
	ballots[b->n++] = (struct ballot){ .file = file };
	return 0;
}

/* ---- signatures ----------------------------------------------------------------------------- */

/* Who has signed: the keys, without those that have expired. */
struct signers {
	size_t keys[DSSE_SIGNATURES_MAX];
	size_t n;
};

/* Has it expired? 1 yes, 0 no, or an error when there is no clock. */
static int is_over(struct ballots *b, int64_t end, const char *file, struct rimg_error *err)
{
	int64_t now = 0;

	if (!b->now || !b->now(b->now_arg, &now))
		return error_set(err, RIMG_E_IO, file,
				 "what expires needs a clock, and there is none: give --now TIME");
	return now >= end;
}

static void say_unknown(struct rimg_error *why, const struct ballots *b, const char *file,
			const struct dsse_signature *s, size_t i)
{
	const struct trusted_key *hinted = NULL;

	for (size_t k = 0; k < b->n_keys && s->keyid && !hinted; k++)
		if (strcmp(b->trusted[k].public.id, s->keyid) == 0)
			hinted = &b->trusted[k];
	if (hinted)
		error_set(why, RIMG_E_CRYPTO, file,
			  "signature %zu does not hold, though it names the key of %s: the "
			  "statement or the signature was altered",
			  i + 1, hinted->path);
	else if (s->sig_len != ED25519_SIGNATURE_LEN)
		error_set(why, RIMG_E_CRYPTO, file,
			  "signature %zu: expected the %d bytes of Ed25519, found %zu", i + 1,
			  ED25519_SIGNATURE_LEN, s->sig_len);
	else
		error_set(why, RIMG_E_CRYPTO, file,
			  "signature %zu holds for no trusted key: an unknown key%s%s, or an "
			  "altered statement",
			  i + 1, s->keyid ? ", which calls itself " : "", s->keyid ? s->keyid : "");
}

/* One signature: a signer, or a refusal. */
static int check_signature(struct ballots *b, const char *file, const struct dsse *e, size_t i,
			   const struct str *pae, struct signers *ret, struct rimg_error *err)
{
	const struct public_key *keys[BALLOTS_KEYS_MAX];
	uint64_t budget = BALLOTS_VERIFY_MAX - b->verified;
	struct rimg_error why;
	size_t who = DSSE_NOBODY;
	int rc;

	for (size_t k = 0; k < b->n_keys; k++)
		keys[k] = &b->trusted[k].public;
	rc = dsse_signer(&e->signatures[i], pae, keys, b->n_keys, &budget, &who, err);
	b->verified = BALLOTS_VERIFY_MAX - budget;
	if (rc < 0)
		return rc;
	if (who == DSSE_NOBODY) {
		say_unknown(&why, b, file, &e->signatures[i], i);
		return refuse(b, file, &why, err);
	}
	if (b->trusted[who].has_until) {
		rc = is_over(b, b->trusted[who].until, file, err);
		if (rc < 0)
			return rc;
		if (rc == 1) {
			error_set(&why, RIMG_E_CRYPTO, file,
				  "signature %zu: the key of %s has expired", i + 1,
				  b->trusted[who].path);
			return refuse(b, file, &why, err);
		}
	}
	ret->keys[ret->n++] = who;
	return 0;
}

static int check_signatures(struct ballots *b, const char *file, const struct dsse *e,
			    struct signers *ret, struct rimg_error *err)
{
	auto_str struct str pae = { 0 };
	int rc = 0;

	dsse_pae(&pae, e->type, e->payload, e->payload_len);
	if (pae.failed)
		return error_nomem(err);
	for (size_t i = 0; i < e->n && rc == 0; i++)
		rc = check_signature(b, file, e, i, &pae, ret, err);
	return rc;
}

/* ---- statements ----------------------------------------------------------------------------- */

/* A rebuilder's own statement names its key. Signed by another one, somebody passes off what is not
 * his. Builders of other software are called what they like. */
static bool fits_builder(const struct statement *s, const struct public_key *key)
{
	size_t len = strlen(BUILDER_PREFIX);

	return !s->builder_id || strncmp(s->builder_id, BUILDER_PREFIX, len) != 0 ||
	       strcmp(s->builder_id + len, key->id) == 0;
}

/* What was verified is read now, for the first time. */
static int read_statement(struct ballots *b, const char *file, const struct dsse *e,
			  struct statement *ret, struct rimg_error *why)
{
	int rc;

	if (strcmp(e->type, DSSE_IN_TOTO) != 0)
		return error_set(why, RIMG_E_UNSUPPORTED, file,
				 "envelope: payloadType: expected \"" DSSE_IN_TOTO
				 "\", found \"%s\"",
				 e->type);
	rc = statement_parse(&b->arena, e->payload, e->payload_len, file, ret, why);
	if (rc == 0 && ret->has_expires) {
		rc = is_over(b, ret->expires, file, why);
		if (rc == 1)
			rc = error_set(why, RIMG_E_BAD, file, "the statement has expired");
	}
	return rc;
}

static int add_votes(struct ballots *b, const char *file, const struct statement *s,
		     const struct signers *signers, struct rimg_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < signers->n && rc == 0; i++) {
		const struct trusted_key *t = &b->trusted[signers->keys[i]];
		struct rimg_error why;

		if (fits_builder(s, &t->public)) {
			rc = add_vote(b, file, signers->keys[i], s, err);
			continue;
		}
		error_set(&why, RIMG_E_BAD, file,
			  "statement: builder: it is the statement of another key than that of %s, "
			  "which signed it",
			  t->path);
		rc = refuse(b, file, &why, err);
	}
	return rc;
}

/* The envelope lives in @own, which is freed soon: what nobody trusted has signed is not kept. */
static int add_envelope(struct ballots *b, struct arena *own, const char *name, const char *text,
			size_t len, struct rimg_error *err)
{
	struct statement *s = arena_alloc(&b->arena, sizeof(*s));
	struct signers signers = { 0 };
	struct rimg_error why = { 0 };
	struct dsse e = { 0 };
	int rc;

	if (!s)
		return error_nomem(err);
	rc = dsse_parse(own, text, len, name, &e, &why);
	if (rc == 0) {
		rc = check_signatures(b, name, &e, &signers, err);
		if (rc < 0 || signers.n == 0) /* then refusals say why */
			return rc;
		rc = read_statement(b, name, &e, s, &why);
	}
	if (is_its_fault(rc))
		return refuse(b, name, &why, err);
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	return add_votes(b, name, s, &signers, err);
}

int ballots_add_text(struct ballots *b, const char *name, const char *text, size_t len,
		     struct rimg_error *err)
{
	auto_with(arena_done) struct arena own;

	arena_init(&own, 0);
	return add_envelope(b, &own, name, text, len, err);
}

int ballots_add(struct ballots *b, const char *path, struct rimg_error *err)
{
	auto_free char *text = NULL;
	struct rimg_error why = { 0 };
	size_t len = 0;
	int rc;

	if (b->n_files++ >= BALLOTS_FILES_MAX)
		return error_set(err, RIMG_E_LIMIT, path, "more than %u attestations",
				 BALLOTS_FILES_MAX);
	rc = load_file(path, JSON_TEXT_MAX, "an attestation", &text, &len, &why);
	if (is_its_fault(rc))
		return refuse(b, path, &why, err);
	if (rc < 0) {
		if (err)
			*err = why;
		return rc;
	}
	b->loaded += len;
	if (b->loaded > BALLOTS_PAYLOAD_ALL)
		return error_set(err, RIMG_E_LIMIT, path, "more than %" PRIu64 " bytes in all",
				 BALLOTS_PAYLOAD_ALL);
	return ballots_add_text(b, path, text, len, err);
}

/* ---- folders -------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int ballots_add_all(struct ballots *b, const char *path, struct rimg_error *err)
{
	struct dirent **entries = NULL;
	struct stat st;
	int n, rc = 0;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return ballots_add(b, path, err);
	n = scandir(path, &entries, is_visible, by_bytes);
	if (n < 0)
		return error_os(err, path, "cannot read the folder");
	if (n == 0)
		rc = error_set(err, RIMG_E_NOENT, path, "no attestation is in this folder");
	for (int i = 0; i < n; i++) {
		const char *file = arena_printf(&b->arena, "%s/%s", path, entries[i]->d_name);

		if (rc == 0)
			rc = file ? ballots_add(b, file, err) : error_nomem(err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}
