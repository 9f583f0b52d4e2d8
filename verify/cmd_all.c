/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/address.h"
#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/sink.h"
#include "core/source.h"
#include "verify/agree_report.h"
#include "verify/all.h"

static int put_html(FILE *out, void *report, struct rimg_error *err)
{
	return all_put_html(out, report, err);
}

/* The files that were asked for. */
static int save(struct command_call *call, struct all_report *r)
{
	const char *html = call_value(call, "html"), *sarif = call_value(call, "sarif");
	struct rimg_error err;
	int status = EXIT_HOLDS;

	if (html && capture_save(html, put_html, r, &err) < 0)
		status = call_error(call, &err);
	if (sarif && sink_save(sarif, str_cstr(&r->sarif), r->sarif.len, &err) < 0)
		status = call_error(call, &err);
	return status;
}

/* From here on no program is started, and the files that are named are all that can be opened. */
static int confine(struct command_call *call)
{
	struct sandbox s;

	sandbox_init(&s);
	call_may_read(&s, call->args[0]);
	sandbox_may_read(&s, call_value(call, "policy"));
	call_may_read_each(call, &s, "attestation");
	agree_may_read(call, &s);
	sandbox_may_write(&s, call_value(call, "html"));
	sandbox_may_write(&s, call_value(call, "sarif"));
	s.later = true;
	return call_confine(call, &s);
}

static int verify(struct command_call *call, struct rimg_image *image, const char *steps)
{
	auto_with(all_done) struct all_report r = { 0 };
	struct rimg_node *node;
	struct rimg_error err;
	int status;

	if (all_rebuild(call, image->name, steps[0] != '\0', &r, &err) < 0)
		return call_error(call, &err);
	if (confine(call) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	node = address_find(rimg_image_root(image), steps, &err);
	if (!node || all_run(call, node, &r, &err) < 0)
		return call_error(call, &err);
	if (call_has(call, "json"))
		all_put_json(call->out, &r);
	else
		all_put_text(call->out, &r, call->quiet);
	status = save(call, &r);
	switch (all_verdict(&r)) {
	case ALL_HOLDS: break;
	case ALL_FAILS: status = call_worse(status, EXIT_FAILS); break;
	case ALL_NOT_CHECKED:
	case ALL_OPEN: status = EXIT_TROUBLE; break;
	}
	return status;
}

static int run_all(struct command_call *call)
{
	auto_image struct rimg_image *image = NULL;
	struct rimg_error err;
	const char *steps;
	int status;

	if (call->n_args < 1 || call->n_args > 2)
		return call_usage(call,
				  "expected an image and perhaps a manifest, found %zu "
				  "arguments",
				  call->n_args);
	if (call_has(call, "attestation") != call_has(call, "threshold") ||
	    call_has(call, "attestation") != call_has(call, "trusted"))
		return call_usage(call, "--attestation, --threshold and --trusted belong together");
	if (!call_has(call, "attestation") && (call_has(call, "theirs") || call_has(call, "now")))
		return call_usage(call, "--theirs and --now go with --attestation");
	if (call->n_args < 2 &&
	    (call_has(call, "directory") || call_has(call, "set") || call_has(call, "vary")))
		return call_usage(call, "-C, --set and --vary go with a manifest");
	image = address_open(call->ctx, call->args[0], &steps, &err);
	if (!image)
		return call_error(call, &err);
	if (sink_refuse(call_value(call, "html"), image->name, &err) < 0 ||
	    sink_refuse(call_value(call, "sarif"), image->name, &err) < 0 ||
	    sink_refuse(call_value(call, "sarif"), call_value(call, "html"), &err) < 0)
		return call_error(call, &err);
	status = verify(call, image, steps);
	/* audit, rebuild and agree have opened it anew, by its name */
	if (rimg_source_verify(image->src, &err) < 0 || source_verify_name(image->src, &err) < 0)
		status = call_error(call, &err);
	return status;
}

static const struct command_option options[] = {
	OPTION_FLAG("strict", 0, "check: as rimg itself writes"),
	OPTION_VALUE("policy", 0, "FILE",
		     "audit: what may be in it; default: Cranelift's code alone"),
	OPTION_VALUE("directory", 'C', "DIR",
		     "rebuild: sources of the manifest are relative to it"),
	OPTION_VALUES("set", 0, "KEY=VALUE", "rebuild: as for rimg build"),
	OPTION_VALUE("vary", 0, "LIST", "rebuild: what to vary (default: all)"),
	OPTION_VALUES("attestation", 0, "FILE|DIR", "agree: what others say; once for each"),
	OPTION_VALUE("threshold", 0, "K", "agree: how many trusted keys have to vouch for it"),
	OPTION_VALUES("trusted", 0, "KEY.pub[,until=TIME]", "agree: a key to trust; once for each"),
	OPTION_VALUE("theirs", 0, "DIR", "agree: images of others, to compare with"),
	OPTION_VALUE("now", 0, "TIME", "agree: judge what expires at this time"),
	OPTION_FLAG("json", 0, "one JSON document, schema rimg.verify-all/1"),
	OPTION_VALUE("html", 0, "FILE", "also a page with all of it, to be read offline"),
	OPTION_VALUE("sarif", 0, "FILE", "also what check and audit found as SARIF 2.1.0"),
	{ 0 },
};

RIMG_COMMAND(verify_all) = {
	.name = "verify all",
	.summary = "check, audit, rebuild and agree, as one verdict",
	.usage = "[--strict] [--policy FILE] [-C DIR] [--json] [--html FILE] [--sarif FILE]\n"
		 "[--attestation FILE --threshold K --trusted KEY.pub]... IMAGE [MANIFEST]",
	.help = "Everything that can be said of an image:\n"
		"\n"
		"  check    is it sound, with all that lies in it?\n"
		"  audit    what made its code, and does the policy allow that?\n"
		"  rebuild  does the manifest build these bytes, in varied surroundings?\n"
		"  agree    do enough trusted keys vouch for these bytes?\n"
		"\n"
		"rebuild runs when a manifest is given, agree when attestations are. What did not\n"
		"run is told as not checked, and is never counted as passed. Each of the four is a\n"
		"command of its own, whose help tells more.\n"
		"\n"
		"Examples:\n"
		"  rimg verify all --policy policy.toml os.img\n"
		"  rimg verify all --strict --policy policy.toml os.img os.toml\n"
		"  rimg verify all --attestation attestations/ --threshold 2 \\\n"
		"    --trusted alice.pub --trusted bob.pub --html os.html os.img os.toml\n"
		"\n"
		"Exit codes: 0 all that was checked holds; 1 something does not; 2 something could\n"
		"not be read or done.\n",
	.options = options,
	.run = run_all,
};
