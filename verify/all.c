/* SPDX-License-Identifier: MIT */
#include "verify/all.h"

#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "core/capture.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/findings.h"
#include "core/str.h"
#include "verify/audit_report.h"
#include "verify/audit_sarif.h"
#include "verify/check.h"
#include "verify/check_report.h"
#include "verify/rebuild.h"
#include "verify/rebuild_report.h"

extern const struct rimg_command command_verify_agree;

/* What parts leave for the log that check and audit share. */
struct run {
	struct command_call *call;
	const char *image; /* the host file */
	struct all_report *r;
	struct rimg_error *err;
	struct check_report checked;
	struct policy policy;
	struct rimg_image
		*audited; /* opened anew: what a check found must not weigh in the audit */
	struct audit_report *audit;
};

static void run_done(struct run *run)
{
	check_report_done(&run->checked);
	audit_free(run->audit);
	rimg_image_free(run->audited);
	policy_done(&run->policy);
}

void all_done(struct all_report *r)
{
	for (size_t i = 0; i < ALL_N; i++) {
		free(r->parts[i].why);
		str_done(&r->parts[i].text);
		str_done(&r->parts[i].json);
	}
	str_done(&r->sarif);
	*r = (struct all_report){ 0 };
}

const char *all_state_name(enum all_state state)
{
	static const char *const names[] = {
		[ALL_NOT_CHECKED] = "not checked",
		[ALL_HOLDS] = "holds",
		[ALL_FAILS] = "fails",
		[ALL_OPEN] = "open",
	};

	return names[state];
}

const char *all_part_name(enum all_id id)
{
	static const char *const names[ALL_N] = {
		[ALL_CHECK] = "check",
		[ALL_AUDIT] = "audit",
		[ALL_REBUILD] = "rebuild",
		[ALL_AGREE] = "agree",
	};

	return names[id];
}

enum all_state all_verdict(const struct all_report *r)
{
	enum all_state verdict = ALL_NOT_CHECKED;

	for (size_t i = 0; i < ALL_N; i++) {
		if (r->parts[i].state > verdict)
			verdict = r->parts[i].state;
	}
	return verdict;
}

static enum all_state state_of(int status)
{
	switch (status) {
	case EXIT_HOLDS: return ALL_HOLDS;
	case EXIT_FAILS: return ALL_FAILS;
	default: return ALL_OPEN;
	}
}

/* ---- outputs of parts ----------------------------------------------------------------------- */

static int set_why(struct run *run, enum all_id id, enum all_state state, const char *why)
{
	struct all_part *p = &run->r->parts[id];

	p->state = state;
	free(p->why);
	p->why = strdup(why);
	return p->why ? 0 : error_nomem(run->err);
}

static int stopped(struct run *run, enum all_id id, const struct rimg_error *why)
{
	char line[sizeof(why->where) + sizeof(why->text) + 64];

	return set_why(run, id, ALL_OPEN, rimg_error_format(why, line, sizeof(line)));
}

/* The two documents of a part. */
static int put_part(struct run *run, enum all_id id, capture_fn text, capture_fn json, void *arg)
{
	struct all_part *p = &run->r->parts[id];
	int rc = capture_text(&p->text, text, arg, run->err);

	return rc < 0 ? rc : capture_text(&p->json, json, arg, run->err);
}

/* ---- check ---------------------------------------------------------------------------------- */

static int write_check_text(FILE *out, void *arg, struct rimg_error *err)
{
	const struct run *run = arg;

	(void)err;
	check_put_text(out, &run->checked, run->image, run->r->address,
		       call_has(run->call, "strict"), run->call->quiet);
	return 0;
}

static int write_check_json(FILE *out, void *arg, struct rimg_error *err)
{
	const struct run *run = arg;
	struct jsonw w = { .out = out, .pretty = true };

	(void)err;
	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-check/1");
	jsonw_text(&w, "address", run->call->args[0]);
	check_put_json(&w, &run->checked, call_has(run->call, "strict"));
	jsonw_end_object(&w);
	return 0;
}

static int run_check(struct run *run, struct rimg_node *node)
{
	const struct check_options o = { .strict = call_has(run->call, "strict") };
	struct rimg_error why;

	call_progress(run->call, "checking:", 0, 0);
	if (check_node(node, &o, &run->checked, &why) < 0)
		return stopped(run, ALL_CHECK, &why);
	switch (check_verdict(&run->checked)) {
	case CHECK_SOUND: run->r->parts[ALL_CHECK].state = ALL_HOLDS; break;
	case CHECK_UNSOUND: run->r->parts[ALL_CHECK].state = ALL_FAILS; break;
	case CHECK_UNREAD: run->r->parts[ALL_CHECK].state = ALL_OPEN; break;
	}
	return put_part(run, ALL_CHECK, write_check_text, write_check_json, run);
}

/* ---- audit ---------------------------------------------------------------------------------- */

static struct audit_view audit_view(const struct run *run)
{
	return (struct audit_view){ .address = run->call->args[0],
				    .verbose = run->call->verbose > 0 };
}

static int write_audit_text(FILE *out, void *arg, struct rimg_error *err)
{
	const struct run *run = arg;
	const struct audit_view view = audit_view(run);

	return audit_write_text(run->audit, &view, out) < 0 ? error_nomem(err) : 0;
}

static int write_audit_json(FILE *out, void *arg, struct rimg_error *err)
{
	const struct run *run = arg;
	const struct audit_view view = audit_view(run);

	return audit_write_json(run->audit, &view, out) < 0 ? error_nomem(err) : 0;
}

static int run_audit(struct run *run)
{
	const char *file = call_value(run->call, "policy");
	struct all_part *p = &run->r->parts[ALL_AUDIT];
	struct rimg_node *node;
	struct rimg_error why;
	int rc = 0;

	if (file)
		rc = policy_load(&run->policy, file, &why);
	else
		policy_init(&run->policy);
	if (rc < 0)
		return stopped(run, ALL_AUDIT, &why);
	call_progress(run->call, "auditing:", 0, 0);
	node = rimg_image_open_address(run->call->ctx, run->call->args[0], &run->audited, &why);
	if (!node)
		return stopped(run, ALL_AUDIT, &why);
	if (audit_run(node, &run->policy, NULL, &run->audit, &why) < 0)
		return stopped(run, ALL_AUDIT, &why);
	if (run->audit->n_unread > 0 || run->audit->n_unread_lost > 0)
		p->state = ALL_OPEN;
	else
		p->state = run->audit->pass ? ALL_HOLDS : ALL_FAILS;
	return put_part(run, ALL_AUDIT, write_audit_text, write_audit_json, run);
}

/* ---- rebuild -------------------------------------------------------------------------------- */

/* What rebuild_run() was asked, and what it found. */
struct rebuilt {
	const struct rebuild_request *rq;
	struct rebuild_result result;
};

static void rebuilt_done(struct rebuilt *b)
{
	rebuild_done(&b->result);
}

static int write_rebuild_text(FILE *out, void *arg, struct rimg_error *err)
{
	const struct rebuilt *b = arg;

	(void)err;
	rebuild_put_text(out, &b->result, b->rq->vary, NULL);
	return 0;
}

static int write_rebuild_json(FILE *out, void *arg, struct rimg_error *err)
{
	const struct rebuilt *b = arg;
	struct jsonw w = { .out = out, .pretty = true };

	(void)err;
	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-rebuild/1");
	rebuild_put_json(&w, &b->result, b->rq->vary, NULL);
	jsonw_end_object(&w);
	return 0;
}

/* What the build that failed printed, in place of a result. */
static int write_log(FILE *out, void *arg, struct rimg_error *err)
{
	const struct rebuilt *b = arg;

	(void)err;
	rebuild_put_log(out, &b->result);
	return 0;
}

static int do_rebuild(struct run *run, const struct rebuild_request *rq)
{
	auto_with(rebuilt_done) struct rebuilt b = { .rq = rq };
	struct all_part *p = &run->r->parts[ALL_REBUILD];
	struct rimg_error why;

	call_progress(run->call, "building:", 0, 0);
	if (rebuild_run(rq, &b.result, &why) < 0)
		return capture_text(&p->text, write_log, &b, run->err) < 0
			       ? -RIMG_E_NOMEM
			       : stopped(run, ALL_REBUILD, &why);
	p->state = b.result.reproducible && b.result.as_expected ? ALL_HOLDS : ALL_FAILS;
	return put_part(run, ALL_REBUILD, write_rebuild_text, write_rebuild_json, &b);
}

static int run_rebuild(struct run *run, bool is_part)
{
	struct command_call *call = run->call;
	auto_free const char **set = calloc(call->n_given + 1, sizeof(*set));
	struct rebuild_request rq = { .times = 2, .set = set };
	const char *vary = call_value(call, "vary"), *bad, *value;
	size_t len, i = 0;

	if (!set)
		return error_nomem(run->err);
	if (call->n_args < 2)
		return set_why(run, ALL_REBUILD, ALL_NOT_CHECKED, "no manifest was given");
	if (is_part)
		return set_why(run, ALL_REBUILD, ALL_NOT_CHECKED,
			       "a manifest builds a whole image, and this is a part of one");
	if (!vary_parse(vary ? vary : "all", &rq.vary, &bad, &len))
		return set_why(run, ALL_REBUILD, ALL_OPEN,
			       "--vary: one of the variations is unknown, see rimg verify rebuild "
			       "--help");
	while ((value = call_each(call, "set", &i)) != NULL)
		set[rq.n_set++] = value;
	rq.manifest = call->args[1];
	rq.base = call_value(call, "directory");
	rq.expected = run->image;
	rq.require_sandbox = call->require_sandbox;
	return do_rebuild(run, &rq);
}

/* ---- agree ---------------------------------------------------------------------------------- */

static const struct command_option *agree_option(const char *name)
{
	for (const struct command_option *o = command_verify_agree.options; o->name; o++) {
		if (strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

/* The options that are the other command's as well; room for those of @call and one more. */
static size_t hand_on(const struct command_call *call, struct command_given *given)
{
	static const char *const names[] = { "threshold", "trusted", "theirs", "now" };
	size_t n = 0;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		const char *value;
		size_t i = 0;

		while ((value = call_each(call, names[k], &i)) != NULL)
			given[n++] = (struct command_given){ agree_option(names[k]), value };
	}
	return n;
}

/* The other command, and what it answered. */
struct agree_call {
	struct command_call sub;
	int status;
};

static int write_agree(FILE *out, void *arg, struct rimg_error *err)
{
	struct agree_call *a = arg;

	(void)err;
	a->sub.out = out;
	a->status = command_verify_agree.run(&a->sub);
	return 0;
}

/* The command itself, with what it prints in memory: it reads nothing but its call. */
static int call_agree(struct run *run, struct agree_call *a, bool json, struct str *ret)
{
	size_t n = a->sub.n_given;
	int rc;

	if (json)
		a->sub.given[a->sub.n_given++] =
			(struct command_given){ agree_option("json"), NULL };
	rc = capture_text(ret, write_agree, a, run->err);
	a->sub.n_given = n;
	return rc < 0 ? rc : a->status;
}

static int run_agree(struct run *run)
{
	struct command_call *call = run->call;
	struct agree_call a = { .sub = *call };
	struct all_part *p = &run->r->parts[ALL_AGREE];
	auto_free const char **args = calloc(call->n_given + 2, sizeof(*args));
	auto_free struct command_given *given = calloc(call->n_given + 2, sizeof(*given));
	const char *value;
	size_t i = 0;
	int status;

	if (!args || !given)
		return error_nomem(run->err);
	a.sub.command = &command_verify_agree;
	a.sub.args = args;
	a.sub.given = given;
	a.sub.n_given = hand_on(call, given);
	a.sub.n_args = 0;
	args[a.sub.n_args++] = call->args[0];
	while ((value = call_each(call, "attestation", &i)) != NULL)
		args[a.sub.n_args++] = value;
	if (a.sub.n_args == 1 && a.sub.n_given == 0)
		return set_why(run, ALL_AGREE, ALL_NOT_CHECKED, "no attestations were given");
	status = call_agree(run, &a, false, &p->text);
	if (status < 0)
		return status;
	p->state = state_of(status);
	/* without a document there was no result to tell of */
	if (p->text.len > 0) {
		status = call_agree(run, &a, true, &p->json);
		if (status < 0)
			return status;
		/* both times it has read everything anew */
		if (state_of(status) != p->state)
			return set_why(run, ALL_AGREE, ALL_OPEN,
				       "asked twice, it gave two answers: something has changed");
		return 0;
	}
	return set_why(run, ALL_AGREE, ALL_OPEN, "it could not be asked; see standard error");
}

/* ---- together ------------------------------------------------------------------------------- */

static const char *rule_text(const char *rule)
{
	const char *text = finding_text(rule);

	return text ? text : audit_rule_text(rule);
}

static int exit_of(enum all_state state)
{
	if (state == ALL_HOLDS)
		return EXIT_HOLDS;
	return state == ALL_FAILS ? EXIT_FAILS : EXIT_TROUBLE;
}

static int write_sarif(FILE *out, void *arg, struct rimg_error *err)
{
	const struct run *run = arg;
	size_t cap = run->checked.n_problems + 1 + (run->audit ? audit_n_rules(run->audit) : 0);
	auto_free const char **rules = calloc(cap, sizeof(*rules));
	enum all_state verdict = all_verdict(run->r);
	struct sarif s;
	size_t n;

	if (!rules)
		return error_nomem(err);
	n = check_rules(&run->checked, rules);
	if (run->audit)
		n += audit_rules(run->audit, rules + n);
	if (sarif_begin(&s, out, "rimg verify all", run->image, rules, sarif_rules(rules, n),
			rule_text) < 0)
		return error_nomem(err);
	s.sandbox = &run->call->sandbox;
	check_put_sarif(&s, &run->checked);
	if (run->audit)
		audit_put_sarif(&s, run->audit);
	sarif_end(&s, verdict != ALL_OPEN, exit_of(verdict));
	return 0;
}

int all_rebuild(struct command_call *call, const char *image, bool is_part, struct all_report *ret,
		struct rimg_error *err)
{
	auto_with(run_done) struct run run = { .call = call, .image = image, .r = ret, .err = err };

	return run_rebuild(&run, is_part);
}

int all_run(struct command_call *call, struct rimg_node *node, struct all_report *ret,
	    struct rimg_error *err)
{
	auto_with(run_done) struct run run = {
		.call = call, .image = node->image->name, .r = ret, .err = err
	};
	int rc;

	ret->address = call->args[0];
	ret->sandbox = &call->sandbox;
	rc = run_check(&run, node);
	if (rc == 0)
		rc = run_audit(&run);
	if (rc == 0)
		rc = run_agree(&run);
	if (rc == 0 && call_has(call, "sarif"))
		rc = capture_text(&ret->sarif, write_sarif, &run, err);
	call_progress(call, NULL, 0, 0);
	return rc;
}
