/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/prebuilt.h"
#include "core/capture.h"
#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/sink.h"
#include "core/str.h"
#include "verify/audit_report.h"
#include "verify/audit_sarif.h"
#include "verify/prebuilt_dir.h"

static void free_report(struct audit_report **report)
{
	audit_free(*report);
}

static void free_prebuilt(struct prebuilt **p)
{
	prebuilt_free(*p);
}

static void progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	call_progress(arg, what, done, total);
}

/* ---- what is given -------------------------------------------------------------------------- */

static int read_policy(struct command_call *call, struct policy *policy)
{
	const char *file = call_value(call, "policy");
	struct rimg_error err;

	if (!file)
		policy_init(policy);
	else if (policy_load(policy, file, &err) < 0)
		return call_error(call, &err);
	return EXIT_HOLDS;
}

/* Sets *ret to an index of what --known-prebuilt names; NULL when it was not given. */
static int read_prebuilt(struct command_call *call, struct prebuilt **ret)
{
	struct rimg_error err;
	const char *path;
	size_t i = 0;
	int status = EXIT_HOLDS;

	*ret = NULL;
	if (!call_has(call, "known-prebuilt"))
		return EXIT_HOLDS;
	*ret = prebuilt_new();
	(void)error_set(&err, RIMG_E_NOMEM, NULL, "out of memory"); /* or it will be overwritten */
	if (!*ret)
		return call_error(call, &err);
	while ((path = call_each(call, "known-prebuilt", &i)) != NULL) {
		if (prebuilt_read(call, *ret, path, &status, &err) < 0) {
			prebuilt_free(take_ptr(*ret));
			return call_error(call, &err);
		}
	}
	prebuilt_finish(*ret);
	if (prebuilt_count(*ret) == 0)
		call_warn(call, "--known-prebuilt: nothing there is a program");
	return status;
}

/* ---- what is told --------------------------------------------------------------------------- */

static void tell_exceptions(struct command_call *call, const struct audit_report *r)
{
	for (size_t i = 0; i < r->policy->n_exceptions; i++) {
		const struct policy_exception *e = &r->policy->exceptions[i];

		if (r->uses[i] == AUDIT_MISMATCH)
			call_complain(call, "%s:%u: what is at \"%s\" has another SHA-256",
				      e->place.file, e->place.line, e->path);
		else if (r->uses[i] == AUDIT_UNUSED)
			call_warn(call, "%s:%u: nothing there needs this exception%s%s",
				  e->place.file, e->place.line, e->name ? ": " : "",
				  e->name ? e->name : "");
	}
}

static int propose(struct command_call *call, const struct audit_report *r)
{
	auto_str struct str text = { 0 };
	struct rimg_error err;

	if (audit_propose(r, &text, &err) < 0)
		return call_error(call, &err);
	call_write(call, str_cstr(&text), text.len);
	return EXIT_HOLDS;
}

static int show(struct command_call *call, const struct audit_report *r,
		const struct audit_view *view)
{
	struct rimg_error err;
	int rc;

	if (call_has(call, "propose-policy"))
		return propose(call, r);
	(void)error_set(&err, RIMG_E_NOMEM, NULL, "out of memory"); /* or it will be overwritten */
	if (call_to_stdout(call, "html"))
		rc = audit_write_html(r, view, call->out, &err);
	else if (call_has(call, "json"))
		rc = audit_write_json(r, view, call->out);
	else
		rc = audit_write_text(r, view, call->out);
	return rc < 0 ? call_error(call, &err) : EXIT_HOLDS;
}

/* What reports are made of. */
struct subject {
	const struct audit_report *r;
	const struct audit_view *view;
	const char *image;
	int status;
};

static int put_html(FILE *out, void *arg, struct rimg_error *err)
{
	const struct subject *s = arg;

	return audit_write_html(s->r, s->view, out, err);
}

static int put_sarif(FILE *out, void *arg, struct rimg_error *err)
{
	const struct subject *subject = arg;
	const struct audit_report *r = subject->r;
	auto_free const char **rules = calloc(audit_n_rules(r), sizeof(*rules));
	struct sarif s;

	if (!rules || sarif_begin(&s, out, "rimg verify audit", subject->image, rules,
				  sarif_rules(rules, audit_rules(r, rules)), audit_rule_text) < 0)
		return error_nomem(err);
	s.sandbox = subject->view->sandbox;
	audit_put_sarif(&s, r);
	sarif_end(&s, subject->status != EXIT_TROUBLE, subject->status);
	return 0;
}

/* The files that were asked for, each complete or not at all. */
static int save(struct command_call *call, struct subject *s)
{
	const char *html = call_file(call, "html"), *sarif = call_value(call, "sarif");
	struct rimg_error err;
	int status = EXIT_HOLDS;

	if (html && capture_save(html, put_html, s, &err) < 0)
		status = call_error(call, &err);
	if (sarif && capture_save(sarif, put_sarif, s, &err) < 0)
		status = call_error(call, &err);
	return status;
}

/* Not all was read: then the verdict is not what the bytes say. */
static int status_of(const struct audit_report *r)
{
	if (r->n_unread > 0 || r->n_unread_lost > 0)
		return EXIT_TROUBLE;
	return r->pass ? EXIT_HOLDS : EXIT_FAILS;
}

/* No report may take the place of what it is about, or of another one. */
static int refuse(struct command_call *call, const char *image)
{
	const char *html = call_file(call, "html"), *sarif = call_value(call, "sarif");
	const char *policy = call_value(call, "policy");
	struct rimg_error err;

	if (sink_refuse(html, image, &err) < 0 || sink_refuse(html, policy, &err) < 0 ||
	    sink_refuse(sarif, image, &err) < 0 || sink_refuse(sarif, policy, &err) < 0 ||
	    sink_refuse(sarif, html, &err) < 0)
		return call_error(call, &err);
	return EXIT_HOLDS;
}

static int audit(struct command_call *call, const struct policy *policy,
		 const struct prebuilt *prebuilt)
{
	auto_image struct rimg_image *image = NULL;
	auto_with(free_report) struct audit_report *report = NULL;
	struct audit_options options = { .prebuilt = prebuilt,
					 .progress = progress,
					 .progress_arg = call };
	struct rimg_error err;
	struct rimg_node *node = call_open(call, call->args[0], &image);
	struct audit_view view = { .address = call->args[0],
				   .policy = call_value(call, "policy"),
				   .sandbox = &call->sandbox,
				   .functions = call_has(call, "functions"),
				   .verbose = call->verbose > 0,
				   .color = call->color };
	struct subject subject;
	int status;

	if (!node || refuse(call, image->name) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	if (audit_run(node, policy, &options, &report, &err) < 0)
		return call_error(call, &err);
	call_progress(call, NULL, 0, 0);
	subject = (struct subject){ report, &view, image->name, status_of(report) };
	status = call_worse(save(call, &subject), show(call, report, &view));
	tell_exceptions(call, report);
	if (rimg_source_verify(image->src, &err) < 0)
		status = call_error(call, &err);
	return call_worse(status, subject.status);
}

static int confine(struct command_call *call)
{
	struct sandbox s;

	sandbox_init(&s);
	call_may_read(&s, call->args[0]);
	sandbox_may_read(&s, call_value(call, "policy"));
	call_may_read_each(call, &s, "known-prebuilt");
	sandbox_may_write(&s, call_file(call, "html"));
	sandbox_may_write(&s, call_value(call, "sarif"));
	return call_confine(call, &s);
}

static int run_audit(struct command_call *call)
{
	auto_with(policy_done) struct policy policy = { 0 };
	auto_with(free_prebuilt) struct prebuilt *prebuilt = NULL;
	int status;

	if (call->n_args != 1)
		return call_usage(call, "expected one address, found %zu", call->n_args);
	if (call_has(call, "json") + call_has(call, "propose-policy") +
		    call_to_stdout(call, "html") >
	    1)
		return call_usage(call, "--json, --propose-policy and --html - exclude one "
					"another");
	if (confine(call) != EXIT_HOLDS || read_policy(call, &policy) != EXIT_HOLDS)
		return EXIT_TROUBLE;
	status = read_prebuilt(call, &prebuilt);
	if (call_has(call, "known-prebuilt") && !prebuilt)
		return EXIT_TROUBLE;
	return call_worse(status, audit(call, &policy, prebuilt));
}

static const struct command_option options[] = {
	OPTION_VALUE("policy", 0, "FILE",
		     "what may be in it; default: Cranelift's code and nothing else"),
	OPTION_FLAG("functions", 0,
		    "also every piece of code that is not covered; with -v, every one"),
	OPTION_FLAG("json", 0, "one JSON document"),
	OPTION_VALUE(
		"html", 0, "FILE",
		"also a page, with the instructions that decided; - is stdout, instead of text"),
	OPTION_VALUE("sarif", 0, "FILE", "also what does not pass as SARIF 2.1.0, for code hosts"),
	OPTION_FLAG("propose-policy", 0, "print a policy under which it passes, to be reviewed"),
	OPTION_VALUES("known-prebuilt", 0, "PATH",
		      "files and functions in PATH come from elsewhere; repeatable"),
	{ 0 },
};

RIMG_COMMAND(verify_audit) = {
	.name = "verify audit",
	.summary = "tell what made every program in an image, and whether that is allowed",
	.usage = "[--policy FILE] [--known-prebuilt PATH]... [OPTION]... ADDRESS\n"
		 "--propose-policy [--policy FILE] ADDRESS",
	.help = "Finds all code in an image: programs in partitions, file systems, archives and\n"
		"packages, and code where none should be: behind the end of files, in free space,\n"
		"gaps and slack. Each function is put into a class with the evidence for it:\n"
		"cranelift, llvm, gcc, foreign (not Cranelift), asm, conflict (the evidence\n"
		"contradicts itself), unknown. Then the policy decides.\n"
		"\n"
		"It fails for any byte of llvm, gcc, foreign or conflict that no exception\n"
		"declares by its SHA-256, for too much of asm and unknown in any program, for\n"
		"hidden programs, for containers that cannot be opened (gzip, squashfs, ...), and\n"
		"for everything that could not be read. docs/audit.md tells what a pass means, and\n"
		"what it does not: it is evidence against accidents, not proof against intent.\n"
		"\n"
		"The worst comes first: verdict, share of the code that is covered, bytes of code,\n"
		"format, path, and why it fails. -v shows all reasons and evidence.\n"
		"\n"
		"Examples:\n"
		"  rimg verify audit disk.img\n"
		"  rimg verify audit --policy policy.toml disk.img\n"
		"  rimg verify audit --functions disk.img::REDOX::/usr/bin/ion\n"
		"  rimg verify audit --policy policy.toml --html audit.html disk.img\n"
		"  rimg verify audit --propose-policy disk.img >policy.toml   then review it\n"
		"  rimg verify audit --known-prebuilt sysroot/lib disk.img\n"
		"  rimg verify audit --json disk.img | jq '.artifacts[] | .path, .verdict'\n"
		"\n"
		"Exit codes: 0 it passes; 1 it fails; 2 something could not be read, so that it\n"
		"cannot pass, or wrong usage.\n",
	.options = options,
	.run = run_audit,
};
