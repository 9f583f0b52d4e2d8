/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/command.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "verify/agree_report.h"
#include "verify/timestamp.h"

static const char until_mark[] = ",until=";

/**
 * struct agree - one run of the command
 * @now: of --now; seconds since 1970
 */
struct agree {
	struct command_call *call;
	struct arena arena;
	struct trusted_key keys[BALLOTS_KEYS_MAX];
	uint64_t threshold;
	bool has_now;
	int64_t now;
	struct ballots ballots;
	struct theirs theirs;
	struct rimg_error err;
};

/* ---- options -------------------------------------------------------------------------------- */

/* "KEY.pub" or "KEY.pub,until=TIME" */
static int get_key(struct agree *g, const char *value)
{
	struct trusted_key *key = &g->keys[g->ballots.n_keys];
	const char *mark = strstr(value, until_mark);

	if (g->ballots.n_keys >= BALLOTS_KEYS_MAX)
		return call_usage(g->call, "more than %u trusted keys", BALLOTS_KEYS_MAX);
	key->path = arena_copy(&g->arena, value, mark ? (size_t)(mark - value) : strlen(value));
	if (!key->path) {
		error_nomem(&g->err);
		return call_error(g->call, &g->err);
	}
	if (mark) {
		key->has_until = true;
		if (!timestamp_parse(mark + sizeof(until_mark) - 1, &key->until))
			return call_usage(g->call,
					  "--trusted %s: until wants seconds since 1970 or a time "
					  "such as 2026-01-31T12:00:00Z",
					  value);
	}
	if (public_key_load(key->path, &key->public, &g->err) < 0)
		return call_error(g->call, &g->err);
	for (size_t i = 0; i < g->ballots.n_keys; i++)
		if (memcmp(g->keys[i].public.raw, key->public.raw, ED25519_KEY_LEN) == 0)
			return call_usage(g->call, "%s and %s are the same key, which has one vote",
					  g->keys[i].path, key->path);
	g->ballots.n_keys++;
	return EXIT_HOLDS;
}

static int get_keys(struct agree *g)
{
	const char *value;
	size_t i = 0;
	int status = EXIT_HOLDS;

	while (status == EXIT_HOLDS && (value = call_each(g->call, "trusted", &i)) != NULL)
		status = get_key(g, value);
	if (status != EXIT_HOLDS)
		return status;
	if (g->threshold > g->ballots.n_keys)
		return call_usage(g->call, "%zu trusted key%s can never be %" PRIu64,
				  g->ballots.n_keys, g->ballots.n_keys == 1 ? "" : "s",
				  g->threshold);
	return EXIT_HOLDS;
}

void agree_may_read(const struct command_call *call, struct sandbox *s)
{
	const char *value;
	size_t i = 0;

	while ((value = call_each(call, "trusted", &i)) != NULL) {
		const char *mark = strstr(value, until_mark);
		auto_free char *path = strndup(value, mark ? (size_t)(mark - value) : SIZE_MAX);

		sandbox_may_read(s, path);
	}
	sandbox_may_read(s, call_value(call, "theirs"));
	/* everything else is read before the image is looked at */
	s->later = call_has(call, "theirs");
}

static int confine(struct command_call *call)
{
	struct sandbox s;

	sandbox_init(&s);
	call_may_read(&s, call->args[0]);
	for (size_t i = 1; i < call->n_args; i++)
		sandbox_may_read(&s, call->args[i]);
	agree_may_read(call, &s);
	return call_confine(call, &s);
}

static int get_options(struct agree *g)
{
	struct command_call *call = g->call;
	const char *threshold = call_value(call, "threshold"), *now = call_value(call, "now");

	if (call->n_args < 2)
		return call_usage(call, "expected an image and attestations, found %zu arguments",
				  call->n_args);
	if (!threshold)
		return call_usage(call, "how many have to agree? give --threshold K");
	if (!str_parse_u64(threshold, &g->threshold) || g->threshold < 1)
		return call_usage(call, "--threshold wants a number from 1, not %s", threshold);
	if (!call_has(call, "trusted"))
		return call_usage(call, "whom do you trust? give --trusted KEY.pub, once for each");
	g->has_now = now != NULL;
	if (now && !timestamp_parse(now, &g->now))
		return call_usage(call,
				  "--now wants seconds since 1970 or a time such as "
				  "2026-01-31T12:00:00Z, not %s",
				  now);
	return confine(call) == EXIT_HOLDS ? get_keys(g) : EXIT_TROUBLE;
}

static bool tell_now(void *arg, int64_t *ret_s)
{
	struct agree *g = arg;

	if (!g->has_now)
		g->has_now = g->call->now && g->call->now(&g->now);
	*ret_s = g->now;
	return g->has_now;
}

/* ---- the command ---------------------------------------------------------------------------- */

static enum verdict judge(const struct agree *g, const struct agreement *a)
{
	if (g->ballots.n_refusals > 0)
		return VERDICT_TROUBLE;
	if (a->conflict)
		return VERDICT_CONFLICT;
	return a->agreed ? VERDICT_AGREED : VERDICT_NOT_AGREED;
}

static int exit_status(enum verdict verdict)
{
	if (verdict == VERDICT_TROUBLE)
		return EXIT_TROUBLE;
	return verdict == VERDICT_AGREED ? EXIT_HOLDS : EXIT_FAILS;
}

static int load_ballots(struct agree *g)
{
	const char *dir = call_value(g->call, "theirs");
	int rc = 0;

	g->ballots.trusted = g->keys;
	g->ballots.now = tell_now;
	g->ballots.now_arg = g;
	for (size_t i = 1; i < g->call->n_args && rc == 0; i++)
		rc = ballots_add_all(&g->ballots, g->call->args[i], &g->err);
	if (rc == 0 && dir)
		rc = theirs_load(&g->theirs, dir, g->call->ctx->threads, &g->err);
	return rc;
}

static int agree(struct agree *g)
{
	auto_image struct rimg_image *image = NULL;
	struct command_call *call = g->call;
	struct agree_report r = { .call = call,
				  .threshold = (size_t)g->threshold,
				  .ballots = &g->ballots,
				  .theirs = &g->theirs };
	struct agreement a;
	int rc;

	rc = load_ballots(g);
	if (rc < 0)
		return call_error(call, &g->err);
	r.node = call_open(call, call->args[0], &image);
	if (!r.node)
		return EXIT_TROUBLE;
	if (!r.node->content)
		return call_usage(call, "%s has no bytes of its own", call->args[0]);
	call_progress(call, "hashing", 0, 0);
	rc = digest_source(r.node->content, r.sha256, &g->err);
	call_progress(call, NULL, 0, 0);
	if (rc == 0)
		rc = rimg_source_verify(image->src, &g->err);
	if (rc < 0)
		return call_error(call, &g->err);
	if (call_findings(call, image) != EXIT_HOLDS) {
		call_complain(call, "%s: what leads to it is damaged", call->args[0]);
		return EXIT_TROUBLE;
	}
	a = agreement_find(g->ballots.votes, g->ballots.n, r.sha256, r.threshold);
	r.agreement = &a;
	r.verdict = judge(g, &a);
	rc = call_has(call, "json") ? agree_report_json(&r, &g->err)
				    : agree_report_text(&r, &g->err);
	return rc < 0 ? call_error(call, &g->err) : exit_status(r.verdict);
}

static int run_agree(struct command_call *call)
{
	struct agree g = { .call = call };
	int status;

	arena_init(&g.arena, 0);
	arena_init(&g.ballots.arena, 0);
	arena_init(&g.theirs.arena, 0);
	status = get_options(&g);
	if (status == EXIT_HOLDS)
		status = agree(&g);
	ballots_done(&g.ballots);
	theirs_done(&g.theirs);
	arena_done(&g.arena);
	return status;
}

static const struct command_option options[] = {
	OPTION_VALUE("threshold", 0, "K",
		     "how many trusted keys have to vouch for these bytes; at least 1"),
	OPTION_VALUES("trusted", 0, "KEY.pub[,until=TIME]",
		      "a public key to trust, perhaps only until a time; once for each key"),
	OPTION_VALUE("theirs", 0, "DIR",
		     "images of others: compare with those of dissenters among them"),
	OPTION_VALUE("now", 0, "TIME", "judge what expires at this time (default: the clock)"),
	OPTION_FLAG("json", 0, "the result as one JSON document"),
	{ 0 },
};

RIMG_COMMAND(verify_agree) = {
	.name = "verify agree",
	.summary = "do K trusted keys vouch for these bytes?",
	.usage = "IMAGE --threshold K --trusted KEY.pub... [--theirs DIR] [--now TIME] [--json] "
		 "ATTESTATION|DIR...",
	.help = "Hashes IMAGE now and counts the trusted keys that have signed, in one of the\n"
		"attestations, that one build gave these bytes: the same SHA-256 and the same build\n"
		"definition. What counts are keys: neither files nor signatures nor what they call\n"
		"themselves. A DIR stands for all files in it whose names begin with no dot.\n"
		"\n"
		"  counts       vouches for these bytes\n"
		"  repeated     does so again; a key has one vote\n"
		"  dissents     the same build, other bytes: named, with what differs\n"
		"  contradicts  its key has signed both, and counts for neither\n"
		"  other        another build\n"
		"\n"
		"Dissent does not stop an agreement, but there is none when other bytes of the same\n"
		"build reach the threshold as well. What cannot be counted - a signature by no trusted\n"
		"key, an expired key or statement, an altered or malformed file - is refused with the\n"
		"reason and leaves no verdict. Nothing is fetched from a network.\n"
		"\n"
		"Examples:\n"
		"  rimg verify agree os.img --threshold 2 --trusted alice.pub --trusted bob.pub \\\n"
		"    --trusted carol.pub attestations/\n"
		"  rimg verify agree os.img --threshold 1 --trusted alice.pub alice.json\n"
		"  rimg verify agree os.img::REDOX --threshold 2 --trusted alice.pub \\\n"
		"    --trusted bob.pub,until=2027-01-01T00:00:00Z --theirs images/ attestations/\n"
		"\n"
		"Exit codes: 0 agreed; 1 not agreed; 2 no verdict, or wrong usage.\n",
	.options = options,
	.run = run_agree,
};
