/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/str.h"
#include "verify/rebuild_report.h"

#define TIMES_MAX 16

/* ---- what differs -------------------------------------------------------------------------- */

struct pair {
	struct rimg_image *a, *b;
	struct rimg_diff *diff;
};

static void pair_done(struct pair *p)
{
	rimg_diff_free(p->diff);
	rimg_image_free(p->a);
	rimg_image_free(p->b);
}

static struct rimg_image *open_output(struct command_call *call, const char *path,
				      struct rimg_error *err)
{
	struct rimg_source *src = rimg_source_open_path(path, err);

	return src ? rimg_image_open(call->ctx, src, path, err) : NULL;
}

static int open_outputs(struct command_call *call, const struct rebuild_result *r, struct pair *p,
			struct rimg_error *err)
{
	p->a = open_output(call, r->a, err);
	p->b = p->a ? open_output(call, r->b, err) : NULL;
	return p->b ? 0 : -RIMG_E_IO;
}

static int compare_outputs(struct pair *p, struct rimg_error *err)
{
	p->diff = rimg_diff_run(rimg_image_root(p->a), rimg_image_root(p->b), NULL, err);
	return p->diff ? 0 : -RIMG_E_IO;
}

/* ---- the command --------------------------------------------------------------------------- */

static void show_build(void *arg, const char *what)
{
	struct command_call *call = arg;

	if (!call->quiet)
		call_progress(call, "building:", 0, 0);
	if (call->verbose)
		call_complain(call, "building: %s", what);
}

static void put_result(struct command_call *call, const struct rebuild_result *r, uint32_t wanted,
		       const struct rimg_diff *diff)
{
	struct jsonw w = { .out = call->out, .pretty = true };

	if (!call_has(call, "json")) {
		rebuild_put_text(call->out, r, wanted, diff);
		return;
	}
	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-rebuild/1");
	rebuild_put_json(&w, r, wanted, diff);
	jsonw_sandbox(&w, &call->sandbox);
	jsonw_end_object(&w);
	fputc('\n', call->out);
}

/* Variations that were named one by one are wanted; what cannot be varied then is trouble. */
static int check_wanted(struct command_call *call, const struct rebuild_result *r, uint32_t wanted)
{
	int status = EXIT_HOLDS;

	for (unsigned id = 0; id < N_VARY; id++)
		if (wanted != VARY_ALL && (wanted & ~r->varied & VARY_BIT(id))) {
			call_complain(call, "%s cannot be varied here: %s", vary_name(id),
				      r->host.how[id]);
			status = EXIT_TROUBLE;
		}
	return status;
}

/* In the child. */
static int read_and_tell(struct command_call *call, const struct rebuild_request *rq,
			 const struct rebuild_result *r)
{
	auto_with(pair_done) struct pair pair = { 0 };
	struct rimg_error err;
	struct sandbox s;
	int status, rc = 0;

	if (r->b)
		rc = open_outputs(call, r, &pair, &err);
	sandbox_init(&s);
	status = call_confine(call, &s);
	if (status != EXIT_HOLDS)
		return status;
	if (r->b && rc == 0)
		rc = compare_outputs(&pair, &err);
	if (rc < 0)
		status = call_error(call, &err);
	put_result(call, r, rq->vary, pair.diff);
	return call_finish(call, status);
}

/* What builds made is looked into by a child in a sandbox: this process, which has started them,
 * still has to clean up behind them. */
static int tell_apart(struct command_call *call, const struct rebuild_request *rq,
		      const struct rebuild_result *r)
{
	int status;
	pid_t child;

	call_progress(call, NULL, 0, 0);
	fflush(call->out);
	child = fork();
	if (child == 0)
		_exit(read_and_tell(call, rq, r));
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			child = -1;
	call->confined = true; /* the child was, which has read all there was to read */
	if (child > 0 && WIFEXITED(status))
		return WEXITSTATUS(status);
	call_complain(call, "what was built could not be looked into: the process for it %s",
		      child > 0 ? "was killed" : "could not be started");
	return EXIT_TROUBLE;
}

static int rebuild(struct command_call *call, const struct rebuild_request *rq)
{
	auto_with(rebuild_done) struct rebuild_result r = { 0 };
	struct rimg_error err;
	int status;

	if (rebuild_run(rq, &r, &err) < 0) {
		rebuild_put_log(call->err, &r);
		return call_error(call, &err);
	}
	status = tell_apart(call, rq, &r);
	status = call_worse(status, check_wanted(call, &r, rq->vary));
	return call_worse(status, r.reproducible && r.as_expected ? EXIT_HOLDS : EXIT_FAILS);
}

static int read_options(struct command_call *call, struct rebuild_request *rq)
{
	const char *vary = call_value(call, "vary"), *times = call_value(call, "times"), *bad;
	uint64_t n = 2;
	size_t len;

	if (!vary_parse(vary ? vary : "all", &rq->vary, &bad, &len))
		return call_usage(call, "--vary: \"%.*s\" is none of the variations, see --help",
				  (int)len, bad);
	if (times && (!str_parse_u64(times, &n) || n < 2 || n > TIMES_MAX))
		return call_usage(call, "--times: expected 2 to %d, found \"%s\"", TIMES_MAX,
				  times);
	rq->times = (unsigned)n;
	rq->command = call_value(call, "command");
	rq->artifact = call_value(call, "artifact");
	rq->source = call_value(call, "source");
	rq->base = call_value(call, "directory");
	rq->expected = call_value(call, "expect");
	rq->work = call_value(call, "work");
	rq->keep = call_value(call, "keep");
	rq->require_sandbox = call->require_sandbox;
	rq->progress = show_build;
	rq->progress_arg = call;
	return EXIT_HOLDS;
}

static int run_rebuild(struct command_call *call)
{
	struct rebuild_request rq = { 0 };
	struct rimg_error err;
	auto_free const char **set = calloc(call->n_given + 1, sizeof(*set));
	const char *value;
	int status = read_options(call, &rq);
	size_t i = 0;

	if (status != EXIT_HOLDS)
		return status;
	if (!set) {
		(void)error_nomem(&err);
		return call_error(call, &err);
	}
	while ((value = call_each(call, "set", &i)) != NULL)
		set[rq.n_set++] = value;
	rq.set = set;
	if (rq.command) {
		if (call->n_args != 0 || !rq.artifact || rq.base || rq.n_set > 0)
			return call_usage(call,
					  "--command goes with --artifact FILE, and without a "
					  "manifest, -C and --set");
	} else if (call->n_args != 1 || rq.artifact || rq.source) {
		return call_usage(call, "expected one manifest, or --command with --artifact");
	}
	rq.manifest = rq.command ? NULL : call->args[0];
	return rebuild(call, &rq);
}

static const struct command_option options[] = {
	OPTION_VALUE("vary", 0, "LIST",
		     "what to vary, words with commas between them (default: all)"),
	OPTION_VALUE("times", 0, "N", "builds, 2 to 16; all but the first are varied (default: 2)"),
	OPTION_VALUE("expect", 0, "IMAGE", "the rebuilt bytes must be those of this image, too"),
	OPTION_VALUE("directory", 'C', "DIR", "as for rimg build: sources are relative to it"),
	OPTION_VALUES("set", 0, "KEY=VALUE", "as for rimg build"),
	OPTION_VALUE("command", 0, "COMMAND",
		     "build with this shell command instead of rimg build"),
	OPTION_VALUE("artifact", 0, "FILE", "what the command makes, relative to its directory"),
	OPTION_VALUE("source", 0, "DIR",
		     "what the command builds from; it gets a copy (default: .)"),
	OPTION_VALUE("work", 0, "DIR", "where copies and outputs go (default: /var/tmp)"),
	OPTION_VALUE("keep", 0, "DIR",
		     "keep the outputs and what the builds printed in this new directory"),
	OPTION_FLAG("json", 0, "one JSON document, schema rimg.verify-rebuild/1"),
	{ 0 },
};

RIMG_COMMAND(verify_rebuild) = {
	.name = "verify rebuild",
	.summary = "build again in other surroundings, compare, and name what is to blame",
	.usage = "[--vary LIST] [--times N] [--expect IMAGE] [--keep DIR] MANIFEST\n"
		 "[--source DIR] --command COMMAND --artifact FILE",
	.help = "Builds what a manifest describes, or what a command makes, at least twice: as\n"
		"things are, and with everything about the surroundings changed. If the bytes\n"
		"differ, it builds with one change at a time, says which are to blame, and shows\n"
		"what differs as rimg diff does.\n"
		"\n"
		"Variations: time (the clock), tz, locale, umask, user, host, cwd (path of the\n"
		"working directory), home, env, threads, order (in which directories list their\n"
		"entries), cpu (features that libraries choose code by), kernel (version), aslr.\n"
		"What cannot be varied on this machine is told as not varied, and never counts; if\n"
		"it was named in --vary, that is trouble. time needs Debian's faketime.\n"
		"\n"
		"A command runs as sh -c COMMAND in a fresh copy of its sources, every time at the\n"
		"same path unless cwd is varied. The artifact is removed from the copy first. What\n"
		"else an earlier build left in the sources is not: clean them, or only the last\n"
		"steps are repeated. SOURCE_DATE_EPOCH, if set, is an input like any other, and\n"
		"not varied.\n"
		"\n"
		"Examples:\n"
		"  rimg verify rebuild denovo.toml\n"
		"  rimg verify rebuild --expect denovo.img denovo.toml\n"
		"  rimg verify rebuild --vary time,user --keep out denovo.toml\n"
		"  rimg verify rebuild --command 'make image' --artifact build/harddrive.img\n"
		"\n"
		"Exit codes: 0 the same bytes every time; 1 they differ; 2 a build failed, or\n"
		"something that was asked for cannot be varied.\n",
	.options = options,
	.run = run_rebuild,
};
