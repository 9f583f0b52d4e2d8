/* SPDX-License-Identifier: MIT */
#include "build/output.h"
#include "core/str.h"

#define MIB (UINT64_C(1) << 20)

static const struct command_option options[] = {
	OUTPUT_OPTIONS,
	OPTION_VALUE("size", 's', "SIZE", "of the file system (default: what fits, in whole MiB)"),
	OPTION_VALUE("compression", 'c', "none|lz4",
		     "how records of files are stored (default: none)"),
	OPTION_VALUE("uuid", 0, "UUID",
		     "identifier of the volume, instead of one derived from the seed"),
	OPTION_FLAG("keep-modes", 0, "keep the permission bits of the host"),
	{ 0 },
};

static int parse(struct command_call *call, struct output *o, uint64_t *size, uint8_t uuid[16])
{
	const char *text;
	int status = output_options(call, o);

	if (status != EXIT_HOLDS)
		return status;
	text = call_value(call, "size");
	if (text && (!str_parse_size(text, size) || *size == 0))
		return call_usage(call, "--size: expected a size such as 64MiB, found \"%s\"",
				  text);
	text = call_value(call, "compression");
	if (text && !output_compression(text, &o->rq.compression))
		return call_usage(call, "--compression: expected none or lz4, found \"%s\"", text);
	text = call_value(call, "uuid");
	if (text && !output_uuid(text, uuid))
		return call_usage(call, "--uuid: expected 32 hexadecimal digits, found \"%s\"",
				  text);
	if (text)
		o->rq.uuid = uuid;
	o->rules.keep_modes = call_has(call, "keep-modes");
	return EXIT_HOLDS;
}

static int run(struct command_call *call)
{
	struct output o = { 0 };
	uint64_t size = 0;
	uint8_t uuid[16];
	struct plan p;
	struct rimg_error err;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one directory, found %zu arguments",
				  call->n_args);
	status = parse(call, &o, &size, uuid);
	if (status != EXIT_HOLDS)
		return status;
	if (output_confine(call, &o, call->args[0]) != EXIT_HOLDS || plan_init(&p) < 0)
		return EXIT_TROUBLE;
	o.rq.tree = &p;
	inputs_stamp(p.root, &o.rules);
	if (inputs_add_dir(&p, p.root, call->args[0], call->args[0], &o.rules, &err) < 0)
		status = call_error(call, &err);
	else
		status = output_write(call, &o, "redoxfs", size, MIB);
	plan_done(&p);
	return call_finish(call, status);
}

RIMG_COMMAND(redoxfs) = {
	.name = "redoxfs",
	.summary = "make a RedoxFS image of a directory",
	.usage = "DIR -o FILE [--size SIZE] [--compression none|lz4] [--uuid UUID | --seed TEXT] "
		 "[--epoch SECONDS] [--keep-modes]",
	.help = "Makes what redoxfs-ar makes, but the same bytes every time: nodes in order of the\n"
		"tree, times from --epoch, permissions 0644 or 0755, owner 0, free space zero. The\n"
		"volume holds one header, in the slot where boot loaders look.\n"
		"\n"
		"The finished file is read back and compared with the directory before it gets its name.\n"
		"Prints its SHA-256.\n"
		"\n"
		"Exit status: 0 made, 2 not made (and an existing FILE is as it was).\n"
		"\n"
		"Examples:\n"
		"  rimg redoxfs out/root -o root.img --size 256MiB --compression lz4\n"
		"  rimg ls -Rl root.img\n",
	.options = options,
	.run = run,
};
