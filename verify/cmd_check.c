/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/findings.h"
#include "core/sink.h"
#include "verify/check.h"
#include "verify/check_report.h"

static void show_progress(void *arg, uint64_t n_containers)
{
	call_progress(arg, "containers checked:", n_containers, 0);
}

static int exit_of(const struct check_report *r)
{
	switch (check_verdict(r)) {
	case CHECK_SOUND: return EXIT_HOLDS;
	case CHECK_UNSOUND: return EXIT_FAILS;
	case CHECK_UNREAD: break;
	}
	return EXIT_TROUBLE;
}

static void put_json(struct command_call *call, const struct check_report *r, bool strict)
{
	struct jsonw w = { .out = call->out, .pretty = true };

	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-check/1");
	jsonw_text(&w, "address", call->args[0]);
	check_put_json(&w, r, strict);
	jsonw_sandbox(&w, &call->sandbox);
	jsonw_end_object(&w);
	fputc('\n', call->out);
}

/* What a log is made of. */
struct log {
	const struct check_report *r;
	const struct sandbox_state *sandbox;
	const char *image;
};

static int put_sarif(FILE *out, void *arg, struct rimg_error *err)
{
	const struct log *log = arg;
	const struct check_report *r = log->r;
	auto_free const char **codes = calloc(r->n_problems + 1, sizeof(*codes));
	struct sarif s;

	if (!codes || sarif_begin(&s, out, "rimg verify check", log->image, codes,
				  sarif_rules(codes, check_rules(r, codes)), finding_text) < 0)
		return error_nomem(err);
	s.sandbox = log->sandbox;
	check_put_sarif(&s, r);
	sarif_end(&s, r->n_unread == 0, exit_of(r));
	return 0;
}

static int check(struct command_call *call, struct rimg_node *node, const char *image)
{
	auto_with(check_report_done) struct check_report r = { 0 };
	const struct check_options o = { .strict = call_has(call, "strict"),
					 .progress = show_progress,
					 .arg = call };
	const char *sarif = call_value(call, "sarif");
	struct log log = { .r = &r, .sandbox = &call->sandbox, .image = image };
	struct rimg_error err;

	if (check_node(node, &o, &r, &err) < 0)
		return call_error(call, &err);
	if (call_has(call, "json"))
		put_json(call, &r, o.strict);
	else
		check_put_text(call->out, &r, image, call->args[0], o.strict, call->quiet);
	if (sarif && capture_save(sarif, put_sarif, &log, &err) < 0)
		return call_error(call, &err);
	return exit_of(&r);
}

static int confine(struct command_call *call)
{
	struct sandbox s;

	if (!call_has(call, "sarif"))
		return EXIT_HOLDS;
	sandbox_init(&s);
	call_may_read(&s, call->args[0]);
	sandbox_may_write(&s, call_value(call, "sarif"));
	return call_confine(call, &s);
}

static int run_check(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	struct rimg_node *node;
	struct rimg_error err;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	if (confine(call) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	node = call_open(call, call->args[0], &image);
	if (!node)
		return EXIT_TROUBLE;
	if (sink_refuse(call_value(call, "sarif"), image->name, &err) < 0)
		return call_error(call, &err);
	status = check(call, node, image->name);
	if (rimg_source_verify(image->src, &err) < 0)
		status = call_error(call, &err);
	return status;
}

static const struct command_option options[] = {
	OPTION_FLAG("strict", 0,
		    "as rimg itself writes: nothing stale, lost or left over anywhere"),
	OPTION_FLAG("json", 0, "one JSON document, schema rimg.verify-check/1"),
	OPTION_VALUE("sarif", 0, "FILE",
		     "also the problems as SARIF 2.1.0, for code hosts and editors"),
	{ 0 },
};

RIMG_COMMAND(verify_check) = {
	.name = "verify check",
	.summary = "tell whether an image is sound, with all that lies in it",
	.usage = "[--strict] [--json] [--sarif FILE] ADDRESS",
	.help = "Every checksum, pointer, allocation, count, size and order is checked, in the\n"
		"partition table (both copies), file systems, archives, packages and programs, and\n"
		"in those that lie in files of these. Every content is read.\n"
		"\n"
		"An error is a broken rule. A warning is odd, but nothing is lost by it: upstream's\n"
		"own tools leave blocks behind, for instance. docs/findings.md explains each code.\n"
		"What could not be read is told as not checked, and is never a pass.\n"
		"\n"
		"--strict is for images that claim to be made by rimg: free space, padding and gaps\n"
		"are zero, every block in use is reached, there is one generation, and whatever\n"
		"else is odd about the layout is an error.\n"
		"\n"
		"Examples:\n"
		"  rimg verify check disk.img\n"
		"  rimg verify check --strict disk.img             one that rimg built\n"
		"  rimg verify check disk.img::REDOX::/boot/initfs  only what is in this file\n"
		"  rimg verify check --json disk.img | jq '.problems[] | .code'\n"
		"  rimg verify check --sarif disk.sarif disk.img   for a code host\n"
		"\n"
		"Exit codes: 0 sound, perhaps with warnings; 1 unsound; 2 something could not be\n"
		"read, or is in a format or version that is not known.\n",
	.options = options,
	.run = run_check,
};
