/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/address.h"
#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/json.h"
#include "core/jsonw.h"
#include "core/load.h"
#include "core/sink.h"
#include "core/str.h"
#include "verify/dsse.h"
#include "verify/provenance.h"
#include "verify/subjects.h"
#include "verify/timestamp.h"

/**
 * struct attest - one run of the command
 * @rq:    what is to be said
 * @joint: the envelope that a signature is added to, with what it says; unused without --add-to
 * @path:  of the envelope that is written
 */
struct attest {
	struct command_call *call;
	struct arena arena;
	struct secret_key *key;
	struct claim_request rq;
	struct lockfile lock;
	struct subjects subjects;
	struct dsse joint;
	struct statement said;
	const char *path;
	const char *name;
	size_t n_signatures;
	struct rimg_error err;
};

static void attest_done(struct attest *a)
{
	secret_key_free(a->key);
	subjects_done(&a->subjects);
	arena_done(&a->arena);
}

static int no_memory(struct attest *a)
{
	error_nomem(&a->err);
	return call_error(a->call, &a->err);
}

/* ---- options -------------------------------------------------------------------------------- */

static int get_time(struct command_call *call, const char *option, bool *ret_has, int64_t *ret)
{
	const char *text = call_value(call, option);

	if (!text)
		return EXIT_HOLDS;
	if (!timestamp_parse(text, ret))
		return call_usage(call,
				  "--%s wants seconds since 1970 or a time such as "
				  "2026-01-31T12:00:00Z, not %s",
				  option, text);
	*ret_has = true;
	return EXIT_HOLDS;
}

/* "kernel=Linux 6.1"; each key once. */
static int get_facts(struct attest *a)
{
	struct command_call *call = a->call;
	struct fact *facts = arena_array(&a->arena, call->n_given + 1, sizeof(*facts));
	const char *value;
	size_t i = 0, n = 0;

	if (!facts)
		return no_memory(a);
	while ((value = call_each(call, "fact", &i)) != NULL) {
		const char *equals = strchr(value, '=');

		if (!equals || equals == value || !str_is_utf8(value, strlen(value)))
			return call_usage(call, "--fact wants KEY=VALUE in UTF-8");
		if (n >= STATEMENT_FACTS_MAX)
			return call_usage(call, "more than %u facts", STATEMENT_FACTS_MAX);
		facts[n].key = arena_copy(&a->arena, value, (size_t)(equals - value));
		facts[n].value = equals + 1;
		if (!facts[n].key)
			return no_memory(a);
		for (size_t k = 0; k < n; k++)
			if (strcmp(facts[k].key, facts[n].key) == 0)
				return call_usage(call, "the fact %s is given twice", facts[n].key);
		n++;
	}
	a->rq.facts = facts;
	a->rq.n_facts = n;
	return EXIT_HOLDS;
}

static int get_options(struct attest *a)
{
	struct command_call *call = a->call;
	const char *add_to = call_value(call, "add-to");
	bool joint = call_has(call, "joint") || add_to;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one image, found %zu arguments", call->n_args);
	if (!call_value(call, "key"))
		return call_usage(call, "with which key? give --key KEY.pem");
	a->path = call_value(call, "output") ? call_value(call, "output") : add_to;
	if (!a->path)
		return call_usage(call, "where to? give --output FILE");
	if (call_has(call, "name") && !call_value(call, "name")[0])
		return call_usage(call, "--name: expected a name, found nothing");
	if (joint && call_has(call, "fact"))
		return call_usage(call, "a joint statement is about no machine: no --fact in it");
	status = get_time(call, "time", &a->rq.has_time, &a->rq.time);
	if (status == EXIT_HOLDS)
		status = get_time(call, "expires", &a->rq.has_expires, &a->rq.expires);
	if (status == EXIT_HOLDS && a->rq.has_time && a->rq.has_expires &&
	    a->rq.expires <= a->rq.time)
		return call_usage(call, "--expires has to be later than --time");
	return status == EXIT_HOLDS ? get_facts(a) : status;
}

/* ---- inputs --------------------------------------------------------------------------------- */

/* The first line of the file, or NULL if no file was given. */
static int load_passphrase(struct attest *a, char **ret, size_t *ret_len)
{
	const char *path = call_value(a->call, "passphrase-file");
	int rc;

	if (!path)
		return 0;
	rc = load_file(path, 4096, "a file with a passphrase", ret, ret_len, &a->err);
	if (rc == 0)
		(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return rc;
}

/* A key that others can read is perhaps no longer its owner's alone. */
static void warn_of_readers(struct attest *a, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
		call_warn(a->call, "%s: others than its owner may read this secret key (mode %04o)",
			  path, (unsigned)(st.st_mode & 07777));
}

static int load_key(struct attest *a)
{
	char *passphrase = NULL;
	size_t len = 0;
	int rc = load_passphrase(a, &passphrase, &len);

	if (rc == 0) {
		a->key = secret_key_load(call_value(a->call, "key"), passphrase, &a->err);
		rc = a->key ? 0 : -a->err.code;
	}
	if (rc == 0)
		warn_of_readers(a, call_value(a->call, "key"));
	if (passphrase)
		explicit_bzero(passphrase, len);
	free(passphrase);
	return rc;
}

/* The envelope of --add-to. Who signed it before does not matter: what is signed now is only what
 * is found here as well. */
static int load_joint(struct attest *a)
{
	const char *path = call_value(a->call, "add-to");
	auto_free char *text = NULL;
	size_t len = 0;
	int rc;

	if (!path)
		return 0;
	rc = load_file(path, JSON_TEXT_MAX, "an envelope", &text, &len, &a->err);
	if (rc == 0)
		rc = dsse_parse(&a->arena, text, len, path, &a->joint, &a->err);
	if (rc == 0 && strcmp(a->joint.type, DSSE_IN_TOTO) != 0)
		rc = error_set(&a->err, RIMG_E_UNSUPPORTED, path,
			       "envelope: payloadType: expected \"" DSSE_IN_TOTO "\", found \"%s\"",
			       a->joint.type);
	if (rc == 0)
		rc = statement_parse(&a->arena, a->joint.payload, a->joint.payload_len, path,
				     &a->said, &a->err);
	if (rc == 0 && strcmp(a->said.predicate_type, STATEMENT_RESULT) != 0)
		rc = error_set(
			&a->err, RIMG_E_ARG, path,
			"not a joint statement: it is one rebuilder's own, and is not signed "
			"by others");
	return rc;
}

/* What the image is called: its file's name, with the steps of the address. */
static int find_name(struct attest *a)
{
	const char *given = call_value(a->call, "name"), *steps = "", *slash;
	auto_str struct str shown = { 0 };
	auto_free char *path = NULL;
	int rc;

	if (given || a->said.n_subjects > 0) {
		a->name = given ? given : a->said.subjects[0].name;
		return 0;
	}
	rc = address_split(a->call->args[0], &path, &steps, &a->err);
	if (rc < 0)
		return rc;
	slash = strrchr(path, '/');
	slash = slash ? slash + 1 : path;
	str_add_escaped(&shown, slash, strlen(slash), STR_ESCAPE_STEP);
	if (*steps)
		str_printf(&shown, "::%s", steps);
	a->name = shown.failed ? NULL : arena_copy(&a->arena, str_cstr(&shown), shown.len);
	return a->name ? 0 : error_nomem(&a->err);
}

static int load_inputs(struct attest *a)
{
	const char *lock = call_value(a->call, "lock");
	int rc = load_key(a);

	if (rc == 0)
		rc = load_joint(a);
	if (rc == 0 && lock)
		rc = lockfile_load(&a->arena, lock, &a->lock, &a->err);
	if (rc == 0)
		rc = find_name(a);
	if (rc == 0 && !str_is_utf8(a->name, strlen(a->name)))
		rc = error_set(&a->err, RIMG_E_ARG, "--name", "expected UTF-8");
	return rc;
}

/* ---- the image ------------------------------------------------------------------------------ */

/* Digests of the image and its layers. What is damaged is not vouched for. */
static int look_at_image(struct attest *a)
{
	auto_image struct rimg_image *image = NULL;
	struct command_call *call = a->call;
	struct rimg_node *node = call_open(call, call->args[0], &image);
	int rc;

	if (!node)
		return EXIT_TROUBLE;
	if (!node->content)
		return call_usage(call, "%s has no bytes of its own to vouch for", call->args[0]);
	if (sink_refuse(a->path, image->name, &a->err) < 0)
		return call_error(call, &a->err);
	call_progress(call, "hashing", 0, 0);
	rc = subjects_collect(&a->subjects, node, a->name, &a->err);
	call_progress(call, NULL, 0, 0);
	if (rc == 0)
		rc = rimg_source_verify(image->src, &a->err);
	if (rc < 0)
		return call_error(call, &a->err);
	if (call_findings(call, image) != EXIT_HOLDS) {
		call_complain(call, "%s: damaged, so nothing is vouched for", call->args[0]);
		return EXIT_FAILS;
	}
	a->rq.subjects = a->subjects.list;
	a->rq.n_subjects = a->subjects.n;
	return EXIT_HOLDS;
}

/* ---- signing -------------------------------------------------------------------------------- */

/* Why the statement found here is not the one in the envelope. */
static int refuse_joint(struct attest *a)
{
	const char *path = call_value(a->call, "add-to");

	for (size_t i = 0; i < a->said.n_subjects; i++) {
		const struct subject *theirs = &a->said.subjects[i];
		const struct subject *ours = NULL;

		for (size_t k = 0; k < a->subjects.n && !ours; k++)
			if (strcmp(a->subjects.list[k].name, theirs->name) == 0)
				ours = &a->subjects.list[k];
		if (ours && memcmp(ours->sha256, theirs->sha256, SHA256_LEN) == 0)
			continue;
		call_complain(a->call, "%s: not signed: %s %s", path, theirs->name,
			      ours ? "has other bytes here" : "does not exist here");
		return EXIT_FAILS;
	}
	call_complain(a->call,
		      "%s: not signed: it says something else than what is found here (another "
		      "lock, time, expiry or name, or made by another version of rimg)",
		      path);
	return EXIT_FAILS;
}

/* The time of a joint statement has to be the same for all who sign it. */
static int settle_time(struct attest *a)
{
	int64_t s;

	if (call_has(a->call, "add-to")) {
		if (!a->rq.has_time && timestamp_parse(a->said.time, &s)) {
			a->rq.has_time = true;
			a->rq.time = s;
		}
		if (!a->rq.has_expires) {
			a->rq.has_expires = a->said.has_expires;
			a->rq.expires = a->said.expires;
		}
	}
	if (!a->rq.has_time && a->rq.lock) {
		a->rq.has_time = true;
		a->rq.time = (int64_t)a->lock.epoch;
	}
	if (!a->rq.has_time)
		return call_usage(a->call, "a joint statement needs a time that all agree on: give "
					   "--time, or --lock for the lock's epoch");
	return EXIT_HOLDS;
}

static int sign(struct attest *a, const struct str *payload, struct str *out)
{
	const struct public_key *public = secret_key_public(a->key);
	struct dsse alone = { .type = DSSE_IN_TOTO,
			      .payload = (const uint8_t *)payload->data,
			      .payload_len = payload->len };
	bool add = call_has(a->call, "add-to");
	uint8_t sig[ED25519_SIGNATURE_LEN];
	struct dsse_signature more = { .keyid = public->id, .sig = sig, .sig_len = sizeof(sig) };
	auto_str struct str pae = { 0 };
	uint64_t budget = UINT64_MAX;
	size_t signer = DSSE_NOBODY;
	int rc = 0;

	dsse_pae(&pae, DSSE_IN_TOTO, payload->data, payload->len);
	if (pae.failed)
		return error_nomem(&a->err);
	a->n_signatures = a->joint.n;
	for (size_t i = 0; i < a->joint.n && rc == 0 && signer == DSSE_NOBODY; i++)
		rc = dsse_signer(&a->joint.signatures[i], &pae, &public, 1, &budget, &signer,
				 &a->err);
	if (rc == 0 && signer == DSSE_NOBODY) {
		a->n_signatures++;
		rc = secret_key_sign(a->key, pae.data, pae.len, sig, &a->err);
	}
	if (rc == 0 && a->n_signatures > DSSE_SIGNATURES_MAX)
		rc = error_set(&a->err, RIMG_E_LIMIT, call_value(a->call, "add-to"),
			       "more than %u signatures", DSSE_SIGNATURES_MAX);
	return rc < 0 ? rc
		      : dsse_write(out, add ? &a->joint : &alone,
				   signer == DSSE_NOBODY ? &more : NULL, &a->err);
}

static void tell(struct attest *a)
{
	const char *id = secret_key_public(a->key)->id;
	struct jsonw w = { .out = a->call->out, .pretty = true };
	auto_str struct str path = { 0 };

	if (!call_has(a->call, "json")) {
		str_add_escaped(&path, a->path, strlen(a->path), STR_ESCAPE_TEXT);
		if (!a->call->quiet)
			fprintf(a->call->out, "%s: %zu subjects signed by %s\n", str_cstr(&path),
				a->subjects.n, id);
		return;
	}
	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-attest/1");
	jsonw_text(&w, "file", a->path);
	jsonw_text(&w, "keyid", id);
	jsonw_text(&w, "predicateType", a->rq.keyid ? STATEMENT_PROVENANCE : STATEMENT_RESULT);
	jsonw_u64(&w, "signatures", a->n_signatures);
	jsonw_array(&w, "subjects");
	for (size_t i = 0; i < a->subjects.n; i++) {
		auto_str struct str hex = { 0 };

		str_add_hex(&hex, a->subjects.list[i].sha256, SHA256_LEN);
		jsonw_object(&w, NULL);
		jsonw_text(&w, "name", a->subjects.list[i].name);
		jsonw_text(&w, "sha256", str_cstr(&hex));
		jsonw_end_object(&w);
	}
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	fputc('\n', a->call->out);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int attest(struct attest *a)
{
	auto_str struct str payload = { 0 }, envelope = { 0 };
	bool joint = call_has(a->call, "joint") || call_has(a->call, "add-to");
	int status;

	if (sink_refuse(a->path, call_value(a->call, "key"), &a->err) < 0 ||
	    sink_refuse(a->path, call_value(a->call, "lock"), &a->err) < 0 || load_inputs(a) < 0)
		return call_error(a->call, &a->err);
	a->rq.lock = call_has(a->call, "lock") ? &a->lock : NULL;
	a->rq.keyid = joint ? NULL : secret_key_public(a->key)->id;
	status = joint ? settle_time(a) : EXIT_HOLDS;
	if (status == EXIT_HOLDS)
		status = look_at_image(a);
	if (status != EXIT_HOLDS)
		return status;
	if (a->rq.lock && memcmp(a->lock.image, a->subjects.list[0].sha256, SHA256_LEN) != 0) {
		call_complain(a->call, "%s: not the image that %s was written for",
			      a->call->args[0], call_value(a->call, "lock"));
		return EXIT_FAILS;
	}
	if (provenance_write(&a->rq, &payload, &a->err) < 0)
		return call_error(a->call, &a->err);
	if (call_has(a->call, "add-to") &&
	    (payload.len != a->joint.payload_len ||
	     memcmp(payload.data, a->joint.payload, payload.len) != 0))
		return refuse_joint(a);
	if (sign(a, &payload, &envelope) < 0 ||
	    sink_save(a->path, envelope.data, envelope.len, &a->err) < 0)
		return call_error(a->call, &a->err);
	tell(a);
	return EXIT_HOLDS;
}

static int confine(struct attest *a)
{
	static const char *const inputs[] = { "key", "passphrase-file", "lock", "add-to" };
	struct sandbox s;

	sandbox_init(&s);
	call_may_read(&s, a->call->args[0]);
	for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++)
		sandbox_may_read(&s, call_value(a->call, inputs[i]));
	sandbox_may_write(&s, a->path);
	return call_confine(a->call, &s);
}

static int run_attest(struct command_call *call)
{
	struct attest a = { .call = call };
	int status;

	arena_init(&a.arena, 0);
	arena_init(&a.subjects.arena, 0);
	status = get_options(&a);
	if (status == EXIT_HOLDS)
		status = confine(&a);
	if (status == EXIT_HOLDS)
		status = attest(&a);
	attest_done(&a);
	return status;
}

static const struct command_option options[] = {
	OPTION_VALUE("key", 'k', "KEY.pem", "the secret key to sign with"),
	OPTION_VALUE("passphrase-file", 0, "FILE", "first line: what the key is encrypted with"),
	OPTION_VALUE("output", 'o', "FILE",
		     "the envelope to write; nothing appears before it is complete"),
	OPTION_VALUE("lock", 0, "FILE",
		     "what the image was built from: the lock that rimg build wrote"),
	OPTION_FLAG("joint", 0, "a statement without its author, for others to sign as well"),
	OPTION_VALUE("add-to", 0, "FILE",
		     "sign the joint statement in FILE, if it is true here too"),
	OPTION_VALUE("name", 0, "NAME", "what the image is called (default: the name of its file)"),
	OPTION_VALUE("time", 0, "TIME",
		     "when the image was made; without it the statement has no time"),
	OPTION_VALUE("expires", 0, "TIME",
		     "after which the statement is no longer to be relied on"),
	OPTION_VALUES("fact", 0, "KEY=VALUE",
		      "something about this machine, shown when results differ"),
	OPTION_FLAG("json", 0, "the result as one JSON document"),
	{ 0 },
};

RIMG_COMMAND(verify_attest) = {
	.name = "verify attest",
	.summary = "sign a statement about the bytes of an image",
	.usage = "IMAGE --key KEY.pem [--lock FILE] [--time TIME] [--expires TIME] [--fact "
		 "KEY=VALUE]... -o FILE\n"
		 "IMAGE --key KEY.pem --joint [--lock FILE] [--time TIME] -o FILE\n"
		 "IMAGE --key KEY.pem --add-to FILE [--lock FILE] [-o FILE]",
	.help = "Writes an in-toto statement in a DSSE envelope, signed with Ed25519: these bytes, by\n"
		"SHA-256, for the image, its partitions, and what a machine starts from; with --lock\n"
		"also what they were built from, as SLSA provenance. docs/attest.md explains the\n"
		"format and how to verify it with the openssl command alone.\n"
		"\n"
		"The same image, lock and key give the same file: nothing of this machine, its clock\n"
		"included, is in it but what --fact and --time say. A damaged image, or one that the\n"
		"lock was not written for, is not signed.\n"
		"\n"
		"A joint statement (--joint) names no author. Others who have built the same bytes\n"
		"add their signatures with --add-to; each of them looks at an image of its own, and\n"
		"signs only what it would have stated itself.\n"
		"\n"
		"Times are seconds since 1970 or 2026-01-31T12:00:00Z.\n"
		"\n"
		"Examples:\n"
		"  rimg build os.toml -o os.img --lock os.lock\n"
		"  rimg verify attest os.img --lock os.lock --key alice.pem -o alice.json\n"
		"  rimg verify attest os.img --key bob.pem -o bob.json --fact kernel=6.1\n"
		"  rimg verify attest os.img --lock os.lock --key alice.pem --joint -o all.json\n"
		"  rimg verify attest os.img --lock os.lock --key bob.pem --add-to all.json\n"
		"\n"
		"Exit codes: 0 signed; 1 not signed, as it is not true of this image; 2 trouble.\n",
	.options = options,
	.run = run_attest,
};
