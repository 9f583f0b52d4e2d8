/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "build/output.h"
#include "build/remake.h"
#include "core/cleanup.h"
#include "core/error.h"

static const struct command_option options[] = {
	OUTPUT_OPTIONS,
	OPTION_VALUE("compression", 'c', "none|lz4",
		     "how records of RedoxFS are stored (default: none)"),
	{ 0 },
};

/* The grafts of one call, with the files and texts behind them. */
struct replacements {
	struct graft *grafts;
	struct rimg_source **files;
	char **addresses;
	size_t n;
};

static void replacements_done(struct replacements *l)
{
	for (size_t i = 0; i < l->n; i++) {
		rimg_source_free(l->files[i]);
		free(l->addresses[i]);
	}
	free(l->grafts);
	free(l->files);
	free(l->addresses);
}

static int parse(const char *arg, struct replacements *l, struct rimg_error *err)
{
	const char *equals = strchr(arg, '=');
	size_t i = l->n;

	if (!equals || equals == arg || equals[1] == '\0')
		return error_set(err, RIMG_E_ARG, arg,
				 "expected ADDRESS=FILE, such as "
				 "REDOX::/boot/kernel=kernel");
	l->addresses[i] = strndup(arg, (size_t)(equals - arg));
	for (size_t k = 0; k < i && l->addresses[i]; k++)
		if (strcmp(l->addresses[k], l->addresses[i]) == 0) {
			error_set(err, RIMG_E_ARG, l->addresses[i],
				  "is given twice, and can hold one file only");
			free(take_ptr(l->addresses[i]));
			return -RIMG_E_ARG;
		}
	l->files[i] = rimg_source_open_path(equals + 1, err);
	l->n++;
	if (!l->files[i])
		return -RIMG_E_IO;
	if (!l->addresses[i])
		return error_nomem(err);
	l->grafts[i] = (struct graft){ .address = l->addresses[i], .source = l->files[i] };
	return 0;
}

static int run(struct command_call *call)
{
	auto_with(replacements_done) struct replacements l = { 0 };
	struct remake r = { 0 };
	struct rimg_error err;

	if (call->n_args < 2)
		return call_usage(call, "expected an image and at least one ADDRESS=FILE");
	l.grafts = calloc(call->n_args, sizeof(*l.grafts));
	l.files = calloc(call->n_args, sizeof(struct rimg_source *));
	l.addresses = calloc(call->n_args, sizeof(*l.addresses));
	if (!l.grafts || !l.files || !l.addresses) {
		error_nomem(&err);
		return call_error(call, &err);
	}
	for (size_t i = 1; i < call->n_args; i++)
		if (parse(call->args[i], &l, &err) < 0)
			return call_error(call, &err);
	r.grafts = l.grafts;
	r.n_grafts = l.n;
	return remake_command(call, &r);
}

RIMG_COMMAND(replace) = {
	.name = "replace",
	.summary = "write a new image with some files replaced",
	.usage = "IMAGE ADDRESS=FILE... -o NEW [--epoch SECONDS] [--seed TEXT] "
		 "[--compression none|lz4]",
	.help = "Writes a canonical new image (see `rimg help normalize`) in which some files hold the\n"
		"bytes of host files. ADDRESS is what comes after IMAGE:: in an address; it may lead\n"
		"into a container that lies in a file, which is then made anew, too. A file that is\n"
		"not there is added, with the directories on the way.\n"
		"\n"
		"Exit status: 0 made, 2 not made (and an existing NEW is as it was).\n"
		"\n"
		"Examples:\n"
		"  rimg replace disk.img REDOX::/boot/kernel=kernel -o new.img\n"
		"  rimg replace disk.img REDOX::/boot/initfs::/bin/init=init -o new.img\n",
	.options = options,
	.run = run,
};
