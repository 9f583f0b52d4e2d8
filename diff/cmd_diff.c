/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/command.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/sink.h"
#include "core/str.h"
#include "diff/policy_delta.h"
#include "diff/report.h"

enum output {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_STAT,
	OUTPUT_MARKDOWN,
	OUTPUT_HTML,
};

/* Causes of programs: other bytes in a file. */
#define CAUSES_IN_FILES                                                              \
	(UINT32_C(1) << RIMG_CAUSE_BUILD_PATH | UINT32_C(1) << RIMG_CAUSE_BUILD_ID | \
	 UINT32_C(1) << RIMG_CAUSE_SYMBOL_HASH | UINT32_C(1) << RIMG_CAUSE_CODEGEN)

static void free_images(struct rimg_image *(*images)[2])
{
	rimg_image_free((*images)[0]);
	rimg_image_free((*images)[1]);
}

static void free_diff(struct rimg_diff **diff)
{
	rimg_diff_free(*diff);
}

static void free_delta(struct policy_delta **delta)
{
	policy_delta_free(*delta);
}

static void progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	call_progress(arg, what, done, total);
}

/* ---- options -------------------------------------------------------------------------------- */

static bool find_cause(const char *name, enum rimg_cause *ret)
{
	for (int i = 0; i < RIMG_N_CAUSES; i++) {
		if (strcmp(name, rimg_cause_name((enum rimg_cause)i)) == 0) {
			*ret = (enum rimg_cause)i;
			return true;
		}
	}
	return false;
}

static int bad_cause(struct command_call *call, const char *name)
{
	auto_str struct str s = { 0 };

	for (int i = 0; i < RIMG_N_CAUSES; i++)
		str_printf(&s, "%s%s", i ? ", " : "", rimg_cause_name((enum rimg_cause)i));
	return call_usage(call, "unknown cause %s; there are %s", name, str_cstr(&s));
}

/* 0, or an exit status after a complaint. f->patterns is the caller's to free. */
static int read_filter(struct command_call *call, struct report_filter *f)
{
	const char *value;
	size_t i = 0;

	while ((value = call_each(call, "ignore", &i)) != NULL) {
		enum rimg_cause cause;

		if (!find_cause(value, &cause))
			return bad_cause(call, value);
		f->ignored |= UINT32_C(1) << cause;
	}
	f->patterns = calloc(call->n_given + 1, sizeof(*f->patterns));
	if (!f->patterns) {
		struct rimg_error err;

		error_nomem(&err);
		return call_error(call, &err);
	}
	i = 0;
	while ((value = call_each(call, "only", &i)) != NULL)
		f->patterns[f->n_patterns++] = value;
	value = call_value(call, "max-diffs");
	if (value && !str_parse_u64(value, &f->max))
		return call_usage(call, "--max-diffs wants a number, not %s", value);
	return 0;
}

/* ---- digests -------------------------------------------------------------------------------- */

struct hashing {
	const struct rimg_source *src[2];
	uint8_t digest[2][SHA256_LEN];
	struct rimg_error err[2];
	int rc[2];
};

static void hash_one(void *arg, size_t i)
{
	struct hashing *h = arg;

	h->rc[i] = digest_source(h->src[i], h->digest[i], &h->err[i]);
}

static int add_digests(struct command_call *call, struct report *r)
{
	struct hashing h = { .src = { r->a.node->content, r->b.node->content } };
	struct report_side *sides[] = { &r->a, &r->b };

	if (!h.src[0])
		return call_usage(call, "--digests wants artifacts with bytes of their own, not "
					"directories");
	call_progress(call, "hashing", 0, 0);
	pool_for(call->ctx->threads, 2, hash_one, &h);
	for (size_t i = 0; i < 2; i++) {
		auto_str struct str s = { 0 };

		if (h.rc[i] < 0)
			return call_error(call, &h.err[i]);
		str_add_hex(&s, h.digest[i], SHA256_LEN);
		memcpy(sides[i]->sha256, str_cstr(&s), s.len + 1);
	}
	return 0;
}

/* ---- reports --------------------------------------------------------------------------------- */

/* What goes to stdout. Returns 0 or an exit status after a complaint. */
static int read_format(struct command_call *call, enum output *ret)
{
	bool html = call_to_stdout(call, "html");
	bool markdown = call_to_stdout(call, "markdown");

	*ret = OUTPUT_TEXT;
	if (call_has(call, "json") + call_has(call, "stat") + html + markdown > 1)
		return call_usage(call, "--json, --stat, --html - and --markdown - exclude one "
					"another");
	if (call_has(call, "json"))
		*ret = OUTPUT_JSON;
	else if (call_has(call, "stat"))
		*ret = OUTPUT_STAT;
	else if (html)
		*ret = OUTPUT_HTML;
	else if (markdown)
		*ret = OUTPUT_MARKDOWN;
	return 0;
}

static int write_output(struct report *r, enum output output, struct rimg_error *err)
{
	switch (output) {
	case OUTPUT_TEXT: return report_write(r, &report_text, err);
	case OUTPUT_JSON: return report_write(r, &report_json, err);
	case OUTPUT_STAT: return report_stat(r, err);
	case OUTPUT_MARKDOWN: return report_markdown(r, err);
	case OUTPUT_HTML: break;
	}
	return report_html(r, err);
}

struct saving {
	struct report r;
	enum output output;
};

static int write_saved(FILE *out, void *arg, struct rimg_error *err)
{
	struct saving *s = arg;

	s->r.out = out;
	return write_output(&s->r, s->output, err);
}

/* A report as a file, complete or not at all. */
static int save_output(const struct report *r, enum output output, const char *path,
		       struct rimg_error *err)
{
	struct saving s = { .r = *r, .output = output };

	return capture_save(path, write_saved, &s, err);
}

/* No report may take the place of what it is about, or of another one. */
static int refuse(struct command_call *call, const struct report *r)
{
	const char *outputs[] = { call_file(call, "html"), call_file(call, "markdown") };
	const char *inputs[] = { r->a.node->image->name, r->b.node->image->name,
				 call_value(call, "policy") };
	struct rimg_error err;

	for (size_t i = 0; i < ARRAY_LEN(outputs); i++)
		for (size_t k = 0; k < ARRAY_LEN(inputs); k++)
			if (sink_refuse(outputs[i], inputs[k], &err) < 0)
				return call_error(call, &err);
	if (sink_refuse(outputs[0], outputs[1], &err) < 0)
		return call_error(call, &err);
	return 0;
}

static int save_files(struct command_call *call, const struct report *r, struct rimg_error *err)
{
	const char *html = call_file(call, "html"), *markdown = call_file(call, "markdown");
	int rc = 0;

	if (html)
		rc = save_output(r, OUTPUT_HTML, html, err);
	if (rc == 0 && markdown)
		rc = save_output(r, OUTPUT_MARKDOWN, markdown, err);
	return rc;
}

/* ---- the verdict ---------------------------------------------------------------------------- */

/* Causes that --exit-equivalent passes over: what says nothing of what somebody put into an image,
 * and what the user named. What is content, or nobody knows what, stays a difference, whatever was
 * named. */
static uint32_t ignorable(const struct report_filter *f)
{
	uint32_t causes =
		UINT32_C(1) << RIMG_CAUSE_TIMESTAMP | UINT32_C(1) << RIMG_CAUSE_IDENTIFIER |
		UINT32_C(1) << RIMG_CAUSE_ORDERING | UINT32_C(1) << RIMG_CAUSE_PLACEMENT |
		UINT32_C(1) << RIMG_CAUSE_COMPRESSION | UINT32_C(1) << RIMG_CAUSE_CHECKSUM;

	causes |= f->ignored;
	return causes &
	       ~(UINT32_C(1) << RIMG_CAUSE_CONTENT | UINT32_C(1) << RIMG_CAUSE_UNEXPLAINED);
}

static bool passes_as_equivalent(const struct rimg_diff_summary *s, const struct report_filter *f,
				 bool damaged)
{
	uint32_t causes = ignorable(f);

	if (damaged || s->unread > 0 || s->unexplained > 0)
		return false;
	for (int i = 0; i < RIMG_N_CAUSES; i++)
		if (s->by_cause[i].differences > 0 && !(causes & UINT32_C(1) << i))
			return false;
	/* that other bytes of files are fine is for the user to say */
	return s->equivalent || (f->ignored & CAUSES_IN_FILES) != 0;
}

static int judge(struct command_call *call, const struct rimg_diff_summary *s,
		 const struct report_filter *f, bool damaged)
{
	if (s->identical)
		return EXIT_HOLDS;
	if (s->differences == 0) {
		call_complain(call, "what could not be read could not be compared");
		return EXIT_TROUBLE;
	}
	if (!call_has(call, "exit-equivalent") || !passes_as_equivalent(s, f, damaged))
		return EXIT_FAILS;
	return EXIT_HOLDS;
}

/* ---- the policy ----------------------------------------------------------------------------- */

/* Sets *ret if the user gave a policy. Returns 0 or an exit status after a complaint. */
static int read_policy(struct command_call *call, struct policy_delta **ret)
{
	const char *file = call_value(call, "policy");
	struct rimg_error err;

	if (!file)
		return 0;
	*ret = policy_delta_read(file, &err);
	return *ret ? 0 : call_error(call, &err);
}

/* Sets r->policy, if the user gave one. Returns 0 or an exit status after a complaint. */
static int audit_both(struct command_call *call, struct report *r, struct policy_delta *delta)
{
	struct audit_options options = { .progress = progress, .progress_arg = call };
	struct rimg_error err;

	if (!delta)
		return 0;
	/* a read that failed may not show in the delta; then there is no verdict */
	if (policy_delta_run(delta, r->a.node, r->b.node, &options, &err) < 0 ||
	    rimg_source_verify(r->a.node->image->src, &err) < 0 ||
	    rimg_source_verify(r->b.node->image->src, &err) < 0)
		return call_error(call, &err);
	r->policy = delta;
	return 0;
}

static int judge_policy(struct command_call *call, const struct policy_delta *delta)
{
	switch (delta->state) {
	case DELTA_NOT_WORSE: return EXIT_HOLDS;
	case DELTA_WORSE: return EXIT_FAILS;
	case DELTA_OPEN: break;
	}
	call_complain(call, "what could not be read could not be audited");
	return EXIT_TROUBLE;
}

/* What differs, unless only the policy is asked; what could not be compared is trouble either way.
 */
static int judge_both(struct command_call *call, const struct report *r, int status)
{
	if (!r->policy)
		return status;
	if (call_has(call, "exit-policy") && status == EXIT_FAILS)
		status = EXIT_HOLDS;
	return call_worse(status, judge_policy(call, r->policy));
}

/* ---- the command ---------------------------------------------------------------------------- */

/* Everything is written before anybody judges: a report that could not be is trouble. */
static int show(struct command_call *call, struct report *r, enum output output)
{
	struct rimg_error err;
	int status = 0;

	if (call_has(call, "digests"))
		status = add_digests(call, r);
	if (status != 0)
		return status;
	call_progress(call, "writing", 0, 0);
	if (save_files(call, r, &err) < 0)
		return call_error(call, &err);
	call_progress(call, NULL, 0, 0);
	if (write_output(r, output, &err) < 0)
		return call_error(call, &err);
	return 0;
}

static int compare(struct command_call *call, const struct report_filter *filter,
		   enum output output)
{
	auto_with(free_images) struct rimg_image *images[2] = { NULL };
	auto_with(free_delta) struct policy_delta *delta = NULL;
	auto_with(free_diff) struct rimg_diff *diff = NULL;
	struct rimg_diff_options options = { .progress_arg = call };
	struct report r = { .out = call->out,
			    .color = call->color,
			    .verbose = call->verbose > 0,
			    .width = call->width,
			    .filter = filter };
	struct rimg_error err;
	struct rimg_node *nodes[2];
	bool damaged, opened;
	int status = read_policy(call, &delta);

	if (status != 0)
		return status;
	opened = call_open_two(call, call->args, images, nodes);
	r.a = (struct report_side){ .address = call->args[0], .node = nodes[0] };
	r.b = (struct report_side){ .address = call->args[1], .node = nodes[1] };
	if (!opened || refuse(call, &r) != 0)
		return EXIT_TROUBLE;
	options.progress = call->progress ? progress : NULL;
	diff = rimg_diff_run(r.a.node, r.b.node, &options, &err);
	/* damage is told, but it is equal damage if the bytes are equal */
	damaged = call_findings(call, images[0]) != EXIT_HOLDS;
	damaged |= call_findings(call, images[1]) != EXIT_HOLDS;
	if (!diff)
		return call_error(call, &err);
	r.diff = diff;
	r.summary = rimg_diff_get_summary(diff);
	r.a.size = r.summary->a_size;
	r.b.size = r.summary->b_size;
	status = audit_both(call, &r, delta);
	if (status == 0)
		status = show(call, &r, output);
	return status != 0 ? status : judge_both(call, &r, judge(call, r.summary, filter, damaged));
}

static int confine(struct command_call *call)
{
	struct sandbox s;

	if (!call_has(call, "policy") && !call_has(call, "html") && !call_has(call, "markdown"))
		return EXIT_HOLDS;
	sandbox_init(&s);
	call_may_read(&s, call->args[0]);
	call_may_read(&s, call->args[1]);
	sandbox_may_read(&s, call_value(call, "policy"));
	sandbox_may_write(&s, call_file(call, "html"));
	sandbox_may_write(&s, call_file(call, "markdown"));
	return call_confine(call, &s);
}

static int run_diff(struct command_call *call)
{
	struct report_filter filter = { 0 };
	enum output output;
	int status;

	if (call->n_args != 2)
		return call_usage(call, "expected two addresses, found %zu", call->n_args);
	if (call_has(call, "exit-policy") && !call_has(call, "policy"))
		return call_usage(call, "--exit-policy wants --policy FILE");
	status = confine(call);
	if (status == 0)
		status = read_format(call, &output);
	if (status == 0)
		status = read_filter(call, &filter);
	if (status == 0)
		status = compare(call, &filter, output);
	free(filter.patterns);
	return status;
}

static const struct command_option options[] = {
	OPTION_FLAG("json", 0, "one JSON document with every difference and its byte ranges"),
	OPTION_FLAG("stat", 0, "a line for each path: how many bytes differ, of which causes"),
	OPTION_VALUE("html", 0, "FILE",
		     "also a page with a map of the image; - is stdout, instead of text"),
	OPTION_VALUE("markdown", 0, "FILE",
		     "also a summary for a pull request; - is stdout, instead of text"),
	OPTION_VALUES("ignore", 0, "CAUSE", "do not show differences of this cause; repeatable"),
	OPTION_VALUES("only", 0, "PATTERN",
		      "show only paths that fit this shell pattern; repeatable"),
	OPTION_VALUE("max-diffs", 0, "N", "show at most N differences (default 0: all)"),
	OPTION_VALUE("policy", 0, "FILE",
		     "also audit both, and tell what the change did to the verdict"),
	OPTION_FLAG("exit-policy", 0, "0 unless the verdict is worse, whatever differs"),
	OPTION_FLAG("digests", 0, "also the SHA-256 of both"),
	OPTION_FLAG("exit-equivalent", 0, "0 also if only ignorable causes remain; see above"),
	{ 0 },
};

RIMG_COMMAND(diff) = {
	.name = "diff",
	.summary = "tell in what two artifacts differ, where, and why",
	.usage = "[OPTION]... A B\n"
		 "--policy FILE [--exit-policy] [OPTION]... A B",
	.help = "Compares the bytes of A and B, finds out what every differing byte is, and tells\n"
		"the differences by their cause, root causes first; what follows from a difference\n"
		"is counted below it. Bytes that differ and that nothing explains are\n"
		"\"unexplained\", with their offsets; explained and unexplained bytes together are\n"
		"all that differ. -v also shows what follows, and the lines, instructions and\n"
		"bytes that differ.\n"
		"\n"
		"Causes: content, timestamp, identifier, ordering, placement, compression,\n"
		"checksum (follows from another difference), padding, free-space, build-path,\n"
		"build-id, symbol-hash, codegen, unexplained.\n"
		"\n"
		"--ignore, --only and --max-diffs change what is shown, never the verdict or the\n"
		"numbers; how many differences are not shown is said. In patterns * also stands\n"
		"for /. Directories inside of images are compared by what is in them.\n"
		"\n"
		"With --exit-equivalent the exit code is 0 also for artifacts that differ, if\n"
		"every difference is a timestamp, identifier, ordering, placement, compression,\n"
		"checksum, or of a cause that --ignore names (content and unexplained cannot be);\n"
		"if all of both could be read, and nothing in them is damaged; and if the content\n"
		"trees are equal or --ignore allows other bytes in files (build-path, build-id,\n"
		"symbol-hash, codegen).\n"
		"\n"
		"With --policy both are audited as by rimg verify audit, and what the change did\n"
		"to the verdict is told: programs that came, went or are judged in another way,\n"
		"and the code in them that the policy does not cover, by its address. Functions\n"
		"that only moved are left out. The exit code is 1 also when B fails where A did\n"
		"not, or has code that does not pass and that A has not; 2 when not all could be\n"
		"read. With --exit-policy it tells of the policy alone: 0 also when they differ.\n"
		"\n"
		"Examples:\n"
		"  rimg diff a.img b.img                        two disks\n"
		"  rimg diff a.img::REDOX b.img::REDOX          one partition of them\n"
		"  rimg diff a.img::REDOX::/boot b.img::REDOX::/boot\n"
		"  rimg diff --html diff.html a.img b.img       a page for the browser\n"
		"  rimg diff --color=always -v a.img b.img | less -R\n"
		"  rimg diff --ignore timestamp --ignore checksum a.img b.img\n"
		"  rimg diff --only 'REDOX::/usr/*' a.img b.img\n"
		"  rimg diff --policy policy.toml --exit-policy old.img new.img   a gate for CI\n"
		"  rimg diff --json a.img b.img | jq .bytes\n"
		"\n"
		"Exit codes: 0 identical (or see above); 1 they differ; 2 they could not be\n"
		"compared, or a report could not be written.\n",
	.options = options,
	.run = run_diff,
};
