/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/pool.h"
#include "core/str.h"
#include "diff/report.h"

static void free_image(struct rimg_image **image)
{
	rimg_image_free(*image);
}

static void free_diff(struct rimg_diff **diff)
{
	rimg_diff_free(*diff);
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

static int add_digests(struct command_call *call, struct report *r, const struct rimg_node *a,
		       const struct rimg_node *b)
{
	struct hashing h = { .src = { a->content, b->content } };
	struct report_side *sides[] = { &r->a, &r->b };

	if (!a->content)
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

/* ---- the command ---------------------------------------------------------------------------- */

static int show(struct command_call *call, const struct rimg_diff *diff, const struct rimg_node *a,
		const struct rimg_node *b, const struct report_filter *filter)
{
	bool json = call_has(call, "json");
	struct report r = {
		.out = call->out,
		.color = call->color,
		.verbose = call->verbose > 0,
		.summary = rimg_diff_get_summary(diff),
		.a = { .address = call->args[0] },
		.b = { .address = call->args[1] },
	};
	struct rimg_error err;
	int status = 0;

	r.a.size = r.summary->a_size;
	r.b.size = r.summary->b_size;
	if (call_has(call, "digests"))
		status = add_digests(call, &r, a, b);
	if (status != 0)
		return status;
	call_progress(call, NULL, 0, 0);
	if (report_write(&r, json ? &report_json : &report_text, diff, filter) < 0) {
		error_nomem(&err);
		return call_error(call, &err);
	}
	if (r.summary->identical)
		return EXIT_HOLDS;
	if (r.summary->differences > 0)
		return EXIT_FAILS;
	call_complain(call, "what could not be read could not be compared");
	return EXIT_TROUBLE;
}

static int compare(struct command_call *call, const struct report_filter *filter)
{
	auto_with(free_image) struct rimg_image *image_a = NULL, *image_b = NULL;
	auto_with(free_diff) struct rimg_diff *diff = NULL;
	struct rimg_diff_options options = { .progress_arg = call };
	struct rimg_node *a, *b;
	struct rimg_error err;
	int status;

	a = call_open(call, call->args[0], &image_a);
	b = call_open(call, call->args[1], &image_b);
	if (!a || !b)
		return EXIT_TROUBLE;
	options.progress = call->progress ? progress : NULL;
	diff = rimg_diff_run(a, b, &options, &err);
	/* damage is told, but it is equal damage if the bytes are equal */
	(void)call_findings(call, image_a);
	(void)call_findings(call, image_b);
	status = diff ? show(call, diff, a, b, filter) : call_error(call, &err);
	return status;
}

static int run_diff(struct command_call *call)
{
	struct report_filter filter = { 0 };
	int status;

	if (call->n_args != 2)
		return call_usage(call, "expected two addresses, found %zu", call->n_args);
	status = read_filter(call, &filter);
	if (status == 0)
		status = compare(call, &filter);
	free(filter.patterns);
	return status;
}

static const struct command_option options[] = {
	{ "json", 0, NULL, "one JSON document with every difference and its byte ranges" },
	{ "ignore", 0, "CAUSE", "do not show differences of this cause; repeatable" },
	{ "only", 0, "PATTERN", "show only paths that fit this shell pattern; repeatable" },
	{ "max-diffs", 0, "N", "show at most N differences (default 0: all)" },
	{ "digests", 0, NULL, "also the SHA-256 of both" },
	{ NULL, 0, NULL, NULL },
};

RIMG_COMMAND(diff) = {
	.name = "diff",
	.summary = "tell in what two artifacts differ, where, and why",
	.usage = "[--json] [--ignore CAUSE]... [--only PATTERN]... [--max-diffs N] [--digests] A B",
	.help = "Compares the bytes of A and B, finds out what every differing byte is, and tells\n"
		"the differences grouped by their cause, root causes first. Bytes that differ and\n"
		"that nothing explains are \"unexplained\", with their offsets; explained and\n"
		"unexplained bytes together are all that differ.\n"
		"\n"
		"Causes: content, timestamp, identifier, ordering, placement, compression,\n"
		"checksum (follows from another difference), padding, free-space, build-path,\n"
		"build-id, symbol-hash, codegen, unexplained.\n"
		"\n"
		"--ignore, --only and --max-diffs change what is shown, never the verdict or the\n"
		"numbers; how many differences are not shown is said. In patterns * also stands\n"
		"for /. Two directories are compared by what is in them.\n"
		"\n"
		"Examples:\n"
		"  rimg diff a.img b.img                        two disks\n"
		"  rimg diff a.img::REDOX b.img::REDOX          one partition of them\n"
		"  rimg diff a.img::REDOX::/boot b.img::REDOX::/boot\n"
		"  rimg diff --ignore timestamp --ignore checksum a.img b.img\n"
		"  rimg diff --only 'REDOX::/usr/*' a.img b.img\n"
		"  rimg diff --json a.img b.img | jq .bytes\n"
		"\n"
		"Exit codes: 0 identical; 1 they differ; 2 they could not be compared.\n",
	.options = options,
	.run = run_diff,
};
