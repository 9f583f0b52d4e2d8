/* SPDX-License-Identifier: MIT */
#include "build/initfs_links.h"
#include "build/output.h"
#include "core/str.h"

static const struct command_option options[] = {
	OUTPUT_OPTIONS,
	OPTION_VALUE("bootstrap", 'b', "FILE",
		     "the ELF program that the kernel starts, placed at byte 4096"),
	OPTION_VALUE("max-size", 0, "SIZE", "refuse a larger result (default: 64MiB)"),
	{ 0 },
};

static int fill(struct command_call *call, struct output *o, struct plan *p, struct rimg_error *err)
{
	int rc = inputs_add_dir(p, p->root, call->args[0], call->args[0], &o->rules, err);

	inputs_stamp(p->root, &o->rules);
	return rc < 0 ? rc : initfs_rewrite_links(p, err);
}

static int with_bootstrap(struct command_call *call, struct output *o, struct plan *p)
{
	const char *path = call_value(call, "bootstrap");
	struct rimg_source *src = NULL;
	struct rimg_error err;
	int status;

	if (sink_refuse(o->path, path, &err) < 0)
		return call_error(call, &err);
	if (path) {
		src = rimg_source_open_path(path, &err);
		if (!src)
			return call_error(call, &err);
		o->rq.bootstrap = src;
	}
	if (fill(call, o, p, &err) < 0)
		status = call_error(call, &err);
	else
		status = output_write(call, o, "initfs", 0, 1);
	rimg_source_free(src);
	return status;
}

static int run(struct command_call *call)
{
	struct output o = { 0 };
	const char *max_size = call_value(call, "max-size");
	struct plan p;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one directory, found %zu arguments",
				  call->n_args);
	status = output_options(call, &o);
	if (status != EXIT_HOLDS)
		return status;
	if (max_size && (!str_parse_size(max_size, &o.rq.max_size) || o.rq.max_size == 0))
		return call_usage(call, "--max-size: expected a size such as 128MiB, found \"%s\"",
				  max_size);
	if (output_confine(call, &o, call->args[0]) != EXIT_HOLDS || plan_init(&p) < 0)
		return EXIT_TROUBLE;
	o.rq.tree = &p;
	status = with_bootstrap(call, &o, &p);
	plan_done(&p);
	return call_finish(call, status);
}

RIMG_COMMAND(initfs) = {
	.name = "initfs",
	.summary = "make an initfs image of a directory",
	.usage = "DIR -o FILE [--bootstrap FILE] [--max-size SIZE] [--epoch SECONDS]",
	.help = "Makes what redox-initfs-ar makes, but the same bytes every time: entries in order of\n"
		"their names, times from --epoch, permissions 0644 or 0755, owner 0. Each piece lies on\n"
		"pages of its own, as the bootstrap program and memory mapping need.\n"
		"\n"
		"The finished file is read back and compared with the directory before it gets its name.\n"
		"Prints its SHA-256.\n"
		"\n"
		"Exit status: 0 made, 2 not made (and an existing FILE is as it was).\n"
		"\n"
		"Examples:\n"
		"  rimg initfs out/initfs -o initfs.img --bootstrap out/bootstrap\n"
		"  rimg ls -R initfs.img\n",
	.options = options,
	.run = run,
};
