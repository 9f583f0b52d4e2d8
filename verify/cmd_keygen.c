/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/jsonw.h"
#include "core/sink.h"
#include "core/str.h"
#include "verify/key.h"

static void wipe(struct str *s)
{
	if (s->data)
		explicit_bzero(s->data, s->cap);
	str_done(s);
}

/* A new key as two texts. */
static int make_pair(struct str *secret, struct str *open, struct public_key *public,
		     struct rimg_error *err)
{
	struct secret_key *key;
	int rc = secret_key_generate(secret, err);

	if (rc < 0)
		return rc;
	key = secret_key_parse(secret->data, secret->len, "new key", NULL, err);
	if (!key)
		return -RIMG_E_CRYPTO;
	*public = *secret_key_public(key);
	secret_key_free(key);
	return public_key_add_pem(public, open, err);
}

/* Both files are complete and on the disk before either gets its name; neither replaces anything.
 */
static int write_pair(const char *secret_path, const struct str *secret, const char *open_path,
		      const struct str *open, struct rimg_error *err)
{
	auto_sink struct sink *a = sink_secret(secret_path, secret->len, err);
	auto_sink struct sink *b = a ? sink_new(open_path, open->len, err) : NULL;
	int rc;

	if (!b)
		return -RIMG_E_IO;
	rc = sink_write(a, 0, secret->data, secret->len, err);
	if (rc == 0)
		rc = sink_write(b, 0, open->data, open->len, err);
	if (rc == 0)
		rc = sink_flush(b, err);
	if (rc == 0)
		rc = sink_commit(a, err);
	if (rc < 0)
		return rc;
	rc = sink_commit(b, err);
	if (rc < 0) /* made just now, and by us alone: nobody has it */
		(void)unlink(secret_path);
	return rc;
}

static int refuse_existing(struct command_call *call, const char *path)
{
	struct rimg_error err;

	if (access(path, F_OK) != 0)
		return EXIT_HOLDS;
	error_set(&err, RIMG_E_ARG, path, "exists; keys are never overwritten");
	return call_error(call, &err);
}

static void tell(struct command_call *call, const char *id, const char *secret_path,
		 const char *open_path)
{
	struct jsonw w = { .out = call->out, .pretty = true };
	auto_str struct str s = { 0 };

	if (call_has(call, "json")) {
		jsonw_object(&w, NULL);
		jsonw_text(&w, "schema", "rimg.verify-keygen/1");
		jsonw_text(&w, "keyid", id);
		jsonw_text(&w, "secret", secret_path);
		jsonw_text(&w, "public", open_path);
		jsonw_end_object(&w);
		fputc('\n', call->out);
	} else if (!call->quiet) {
		str_add_escaped(&s, open_path, strlen(open_path), STR_ESCAPE_TEXT);
		fprintf(call->out, "%s  %s\n", id, str_cstr(&s));
	}
}

/* The part of a path behind its last slash. */
static const char *basename_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int run_keygen(struct command_call *call)
{
	auto_with(wipe) struct str secret = { 0 };
	auto_str struct str open = { 0 }, secret_path = { 0 }, open_path = { 0 };
	struct public_key public;
	struct sandbox sandbox;
	struct rimg_error err;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one name for the new key, found %zu",
				  call->n_args);
	if (!basename_of(call->args[0])[0])
		return call_usage(call, "expected a name for the new key, found \"%s\"",
				  call->args[0]);
	str_printf(&secret_path, "%s.pem", call->args[0]);
	str_printf(&open_path, "%s.pub", call->args[0]);
	if (secret_path.failed || open_path.failed) {
		error_nomem(&err);
		return call_error(call, &err);
	}
	sandbox_init(&sandbox);
	sandbox_may_write(&sandbox, secret_path.data);
	sandbox_may_write(&sandbox, open_path.data);
	status = call_confine(call, &sandbox);
	if (status == EXIT_HOLDS)
		status = refuse_existing(call, secret_path.data);
	if (status == EXIT_HOLDS)
		status = refuse_existing(call, open_path.data);
	if (status != EXIT_HOLDS)
		return status;
	if (make_pair(&secret, &open, &public, &err) < 0 ||
	    write_pair(secret_path.data, &secret, open_path.data, &open, &err) < 0)
		return call_error(call, &err);
	tell(call, public.id, secret_path.data, open_path.data);
	return EXIT_HOLDS;
}

static const struct command_option options[] = {
	OPTION_FLAG("json", 0, "the result as one JSON document"),
	{ 0 },
};

RIMG_COMMAND(verify_keygen) = {
	.name = "verify keygen",
	.summary = "make a key to sign attestations with",
	.usage = "[--json] NAME",
	.help = "Makes a key of Ed25519: NAME.pem, the secret half, which only the owner of the file\n"
		"may read, and NAME.pub, the public half, which is given to everybody who is to\n"
		"trust it. Both are PEM as the openssl command reads and writes it. Existing files\n"
		"are never overwritten.\n"
		"\n"
		"Prints the key's id: SHA-256 of the public half in DER. Tell it to others by another\n"
		"way than the file, so that they can compare.\n"
		"\n"
		"The secret half is not encrypted. To store it under a passphrase:\n"
		"  openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 \\\n"
		"    -in NAME.pem -out NAME.enc.pem\n"
		"rimg verify attest reads that with --passphrase-file.\n"
		"\n"
		"Examples:\n"
		"  rimg verify keygen alice\n"
		"  openssl pkey -pubin -in alice.pub -outform DER | sha256sum      its id\n"
		"\n"
		"Exit codes: 0 made; 2 not made.\n",
	.options = options,
	.run = run_keygen,
};
