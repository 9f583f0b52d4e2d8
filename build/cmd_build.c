/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "build/image.h"
#include "build/lock.h"
#include "build/output.h"
#include "core/cleanup.h"
#include "core/error.h"

static const struct command_option options[] = {
	OPTION_VALUE("output", 'o', "IMAGE",
		     "the image to write; nothing appears there before it is complete"),
	OPTION_FLAG("check", 0, "write nothing: build and compare with the existing IMAGE"),
	OPTION_VALUE("directory", 'C', "DIR",
		     "the folder that the manifest's paths are relative to"),
	OPTION_VALUES("set", 0, "KEY=VALUE",
		      "override a value of the manifest: --set image.epoch=0"),
	OPTION_VALUE("lock", 0, "FILE", "write all inputs and layers with their SHA-256 as JSON"),
	OPTION_FLAG("locked", 0,
		    "refuse inputs, epoch or seed that differ from the existing --lock FILE"),
	{ 0 },
};

static void warn(void *ctx, const char *text)
{
	call_warn(ctx, "%s", text);
}

static void complain(void *ctx, const char *text)
{
	struct command_call *call = ctx;

	fprintf(call->err, "rimg: %s\n", text);
}

/* --check: 0 same bytes, 1 not, or an error. */
static int check_image(struct command_call *call, struct image_build *b, struct rimg_error *err)
{
	struct rimg_source *existing = rimg_source_open_path(b->path, err);
	auto_sink struct sink *sink = existing ? sink_compare(existing, b->m->size, err) : NULL;
	uint64_t off = 0;
	int rc = sink ? image_write(b, sink, err) : -RIMG_E_IO;

	if (rc == 0)
		rc = sink_differs(sink, &off, err);
	if (rc >= 0 && rimg_source_verify(existing, err) < 0)
		rc = -RIMG_E_IO;
	if (rc >= 0 && artifacts_verify(&b->artifacts, err) < 0)
		rc = -RIMG_E_IO;
	if (rc == 1)
		fprintf(call->out,
			"%s: differs from what the manifest builds, first at byte %" PRIu64 "\n",
			b->path, off);
	else if (rc == 0 && !call->quiet)
		fprintf(call->out, "%s: same bytes as the manifest builds\n", b->path);
	rimg_source_free(existing);
	return rc;
}

static int check_written(void *arg, struct sink *sink, struct rimg_error *err)
{
	return image_selfcheck(arg, sink, err);
}

/* Of the layers, which begin with the image, as many are hashed as somebody wants to know. */
static size_t n_asked(const struct command_call *call, const uint8_t *locked, size_t n_layers)
{
	if (locked)
		return 1;
	if (call_has(call, "lock"))
		return n_layers;
	return call->quiet ? 0 : 1;
}

/* @locked: the image that a lock demands, or NULL. */
static int write_image(struct command_call *call, struct image_build *b, const struct lock *lock,
		       const uint8_t *locked, struct rimg_error *err)
{
	auto_sink struct sink *sink = sink_file(b->path, b->m->size, err);
	auto_sink struct sink *lock_file = NULL;
	const char *lock_path = locked ? NULL : call_value(call, "lock");
	auto_with(arena_done) struct arena arena;
	struct output_digest *layers = NULL;
	size_t n_layers = 0;
	int rc = sink ? image_write(b, sink, err) : -RIMG_E_IO;

	arena_init(&arena, 0);
	if (rc == 0) {
		layers = lock_layers(b, sink, &arena, &n_layers, err);
		rc = layers ? 0 : -RIMG_E_NOMEM;
	}
	if (rc == 0)
		rc = output_seal(call, sink, check_written, b, layers,
				 n_asked(call, locked, n_layers), err);
	if (rc == 0 && locked && memcmp(layers->sha256, locked, SHA256_LEN) != 0) {
		call_complain(call,
			      "%s: the inputs are those of the lock, but not the image: "
			      "another option, or another version of rimg; nothing was kept",
			      b->path);
		return 1;
	}
	/* all that may fail comes before the first of both gets its name */
	if (rc == 0 && lock_path) {
		lock_file = lock_write(lock, b, layers, n_layers, lock_path, err);
		rc = lock_file ? sink_flush(lock_file, err) : -RIMG_E_IO;
	}
	if (rc == 0)
		rc = output_print_digest(call, layers->sha256, b->path, err);
	if (rc == 0)
		rc = sink_commit(sink, err);
	return rc < 0 || !lock_file ? rc : sink_commit(lock_file, err);
}

/* 0 done, 1 the claim does not hold, or an error. */
static int build(struct command_call *call, struct image_build *b, struct rimg_error *err)
{
	auto_with(lock_done) struct lock lock = { 0 };
	uint8_t image[SHA256_LEN];
	const char *lock_path = call_value(call, "lock");
	int rc = image_prepare(b, err);

	if (rc == 0 && lock_path)
		rc = lock_collect(b, &lock, err);
	if (rc == 0 && lock_path && call_has(call, "locked"))
		rc = lock_compare(&lock, b->m, lock_path, complain, call, image, err);
	if (rc != 0)
		return rc;
	return call_has(call, "check")
		       ? check_image(call, b, err)
		       : write_image(call, b, &lock, call_has(call, "locked") ? image : NULL, err);
}

static int load(struct command_call *call, struct manifest *m, struct rimg_error *err)
{
	struct manifest_options mo = { .base = call_value(call, "directory") };
	auto_free const char **set = calloc(call->n_given + 1, sizeof(*set));
	const char *value;
	size_t i = 0;
	int rc;

	if (!set)
		return error_nomem(err);
	while ((value = call_each(call, "set", &i)) != NULL)
		set[mo.n_set++] = value;
	mo.set = set;
	rc = output_epoch(call, &mo.epoch, err);
	return rc < 0 ? rc : manifest_load(call->args[0], &mo, m, err);
}

/* What is written: the image and its lock. */
static void set_outputs(struct command_call *call, struct image_build *b)
{
	if (call_has(call, "check"))
		return;
	b->outputs[0] = b->path;
	b->outputs[1] = call_has(call, "locked") ? NULL : call_value(call, "lock");
}

/* Image and lock are two files, and neither is a part of the manifest. */
static int refuse_outputs(struct command_call *call, const struct image_build *b,
			  struct rimg_error *err)
{
	int rc = sink_refuse(b->outputs[0], call_value(call, "lock"), err);

	for (size_t i = 0; i < b->m->n_inputs && rc == 0; i++) {
		rc = sink_refuse(b->outputs[0], b->m->inputs[i].path, err);
		if (rc == 0)
			rc = sink_refuse(b->outputs[1], b->m->inputs[i].path, err);
	}
	return rc;
}

static int run(struct command_call *call)
{
	auto_with(manifest_done) struct manifest m = { 0 };
	struct image_build b = { .ctx = call->ctx, .m = &m, .warn = warn, .warn_ctx = call };
	struct sandbox sandbox;
	struct rimg_error err;
	int rc;

	b.path = call_value(call, "output");
	if (call->n_args != 1)
		return call_usage(call, "expected one manifest, found %zu arguments", call->n_args);
	if (!b.path)
		return call_usage(call, "where to? give --output IMAGE");
	if (call_has(call, "locked") && !call_value(call, "lock"))
		return call_usage(call, "--locked needs --lock FILE");
	/* a manifest may name anything; no byte of it has been read yet */
	sandbox_init(&sandbox);
	sandbox_may_read(&sandbox, "/");
	sandbox_may_write(&sandbox, b.path); /* --check: what is in it, while it is made */
	sandbox_may_write(&sandbox, call_value(call, "lock"));
	sandbox.later = true;
	if (call_confine(call, &sandbox) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	set_outputs(call, &b);
	rc = load(call, &m, &err);
	if (rc == 0)
		rc = refuse_outputs(call, &b, &err);
	if (rc < 0)
		return call_error(call, &err);
	for (size_t i = 0; i < m.n_warnings; i++)
		call_warn(call, "%s:%" PRIu32 ": %s", m.warnings[i].place.file,
			  m.warnings[i].place.line, m.warnings[i].text);
	rc = build(call, &b, &err);
	image_done(&b);
	if (rc < 0)
		return call_error(call, &err);
	return call_finish(call, rc == 1 ? EXIT_FAILS : EXIT_HOLDS);
}

RIMG_COMMAND(build) = {
	.name = "build",
	.summary = "build a disk image from a manifest",
	.usage = "MANIFEST -o IMAGE [-C DIR] [--set KEY=VALUE]... [--lock FILE [--locked]]\n"
		 "--check MANIFEST -o IMAGE",
	.help = "Builds the image that a manifest describes (see rimg-manifest(5)): partition table,\n"
		"EFI partition, RedoxFS, initfs. Nothing but rimg is needed. The same inputs give the\n"
		"same bytes, on any machine.\n"
		"\n"
		"The finished image is read back and compared with the plan, and libfdisk must see the\n"
		"same partitions, before the file gets its name. Prints the image's SHA-256.\n"
		"\n"
		"Exit status: 0 built (--check: same bytes); 1 --check: other bytes, --locked: other\n"
		"inputs; 2 trouble, and an existing IMAGE is as it was.\n"
		"\n"
		"Examples:\n"
		"  rimg build denovo.toml -o denovo.img\n"
		"  rimg build --check denovo.toml -o theirs.img\n"
		"  rimg build denovo.toml -o denovo.img --lock denovo.lock --locked\n",
	.options = options,
	.run = run,
};
