/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "build/output.h"
#include "build/remake.h"
#include "core/cleanup.h"

static const struct command_option options[] = {
	OUTPUT_OPTIONS,
	OPTION_VALUE("compression", 'c', "none|lz4",
		     "how records of RedoxFS are stored (default: none)"),
	{ 0 },
};

/* What was written has been compared layer by layer; are the inputs still what they were? */
static int check_inputs(void *arg, struct sink *sink, struct rimg_error *err)
{
	const struct remake *r = arg;
	int rc = rimg_source_verify(r->old->image->src, err);

	(void)sink;
	for (size_t i = 0; i < r->n_grafts && rc == 0; i++)
		rc = rimg_source_verify(r->grafts[i].source, err);
	return rc;
}

static int write_image(struct command_call *call, struct remake *r, struct rimg_error *err)
{
	struct sink *sink;
	int rc = sink_refuse(r->path, r->old->image->name, err);

	for (size_t i = 0; i < r->n_grafts && rc == 0; i++)
		rc = sink_refuse(r->path, source_name(r->grafts[i].source), err);
	if (rc < 0)
		return rc;
	rc = remake_write(r, &sink, err);
	return rc < 0 ? rc : output_finish(call, sink, r->path, check_inputs, r, err);
}

int remake_command(struct command_call *call, struct remake *r)
{
	const char *compression = call_value(call, "compression");
	struct output o = { 0 };
	struct rimg_image *image;
	struct rimg_error err;
	int status = output_options(call, &o);

	if (status != EXIT_HOLDS)
		return status;
	if (compression && !output_compression(compression, &r->compression))
		return call_usage(call, "--compression: expected none or lz4, found \"%s\"",
				  compression);
	r->ctx = call->ctx;
	r->path = o.path;
	r->epoch = o.rq.epoch;
	memcpy(r->seed, o.rq.seed, sizeof(r->seed));
	if (output_confine(call, &o, call->args[0]) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	r->old = call_open(call, call->args[0], &image);
	if (!r->old)
		return EXIT_TROUBLE;
	if (write_image(call, r, &err) < 0) {
		call_findings(call, image);
		status = call_error(call, &err);
	}
	remake_done(r);
	rimg_image_free(image);
	return call_finish(call, status);
}

static int run(struct command_call *call)
{
	struct remake r = { 0 };

	if (call->n_args != 1)
		return call_usage(call, "expected one image, found %zu arguments", call->n_args);
	return remake_command(call, &r);
}

RIMG_COMMAND(normalize) = {
	.name = "normalize",
	.summary = "lay an image out anew, so that same content is same bytes",
	.usage = "IMAGE -o NEW [--epoch SECONDS] [--seed TEXT] [--compression none|lz4]",
	.help = "Writes a new image with what an old one holds: names, types, permissions, owners,\n"
		"contents, and for a disk the places, names and types of its partitions. Everything\n"
		"else is made anew: times from --epoch, identifiers from --seed, order, placement;\n"
		"free space is zero. Two images with the same content become the same bytes.\n"
		"\n"
		"IMAGE is a disk, RedoxFS, FAT or initfs. Partitions of other kinds are copied as they\n"
		"are, and so are files, whatever is in them. Damaged images are refused.\n"
		"\n"
		"Exit status: 0 made, 2 not made (and an existing NEW is as it was).\n"
		"\n"
		"Example:\n"
		"  rimg normalize theirs.img -o a.img && rimg normalize ours.img -o b.img\n"
		"  rimg diff a.img b.img\n",
	.options = options,
	.run = run,
};
