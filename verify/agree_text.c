/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"
#include "verify/agree_report.h"

#define NAMES_SHOWN 12 /* subjects that differ; -v shows all */
#define ROOTS_SHOWN 10 /* differences that follow from no other; -v shows all */

static void add_shown(struct str *s, const char *text)
{
	str_add_escaped(s, text, strlen(text), STR_ESCAPE_TEXT);
}

static void say(const struct agree_report *r, const char *before, const char *text)
{
	auto_str struct str s = { 0 };

	add_shown(&s, text);
	fprintf(r->call->out, "%s%s\n", before, str_cstr(&s));
}

static void say_digest(const struct agree_report *r, const char *before,
		       const uint8_t sha256[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, sha256, SHA256_LEN);
	fprintf(r->call->out, "%s%s\n", before, str_cstr(&hex));
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void say_verdict(const struct agree_report *r)
{
	const struct agreement *a = r->agreement;
	FILE *out = r->call->out;

	switch (r->verdict) {
	case VERDICT_AGREED:
		fprintf(out, "agreed: %zu trusted key%s vouch%s for these bytes, %zu needed\n",
			a->n_keys, plural(a->n_keys), a->n_keys == 1 ? "es" : "", r->threshold);
		break;
	case VERDICT_NOT_AGREED:
		fprintf(out, "not agreed: %zu trusted key%s vouch%s for these bytes, %zu needed\n",
			a->n_keys, plural(a->n_keys), a->n_keys == 1 ? "es" : "", r->threshold);
		break;
	case VERDICT_CONFLICT:
		fprintf(out,
			"conflict: %zu trusted key%s for these bytes, %zu for others of the same "
			"build, %zu needed\n",
			a->n_keys, plural(a->n_keys), a->n_against, r->threshold);
		break;
	case VERDICT_TROUBLE:
		fprintf(out,
			"no verdict: %zu attestation%s or signature%s could not be counted (%zu "
			"trusted key%s for these bytes, %zu needed)\n",
			r->ballots->n_refusals, plural(r->ballots->n_refusals),
			plural(r->ballots->n_refusals), a->n_keys, plural(a->n_keys), r->threshold);
		break;
	}
	if (a->best) {
		const struct statement *s = a->best->statement;

		say(r, "  build: ", s->build_type);
		if (s->n_inputs > 0)
			fprintf(out, "  inputs: %zu\n", s->n_inputs);
	}
	if (a->against)
		say_digest(r, "  most keys for other bytes: ", a->against->subject->sha256);
}

/* ---- votes ---------------------------------------------------------------------------------- */

struct names {
	const struct agree_report *r;
	size_t n;
};

static void say_name(void *arg, const char *name)
{
	struct names *names = arg;

	if (names->n < NAMES_SHOWN || names->r->call->verbose > 0)
		say(names->r, "    differs: ", name[0] ? name : "(without a name)");
	names->n++;
}

static void say_facts(const struct agree_report *r, const struct statement *s)
{
	for (size_t i = 0; i < s->n_facts; i++) {
		auto_str struct str line = { 0 };

		add_shown(&line, s->facts[i].key);
		str_add(&line, " = ");
		add_shown(&line, s->facts[i].value);
		fprintf(r->call->out, "    machine: %s\n", str_cstr(&line));
	}
}

struct roots {
	const struct agree_report *r;
	size_t n;
};

static bool say_root(void *arg, const struct rimg_difference *d)
{
	struct roots *roots = arg;
	auto_str struct str line = { 0 };

	if (d->root != d->index)
		return true;
	if (roots->n++ >= ROOTS_SHOWN && roots->r->call->verbose == 0)
		return true;
	add_shown(&line, d->path);
	if (d->field) {
		str_add(&line, ": ");
		add_shown(&line, d->field);
	}
	if (d->a || d->b) {
		str_add_char(&line, ' ');
		add_shown(&line, d->a ? d->a : "-");
		str_add(&line, " -> ");
		add_shown(&line, d->b ? d->b : "-");
	}
	fprintf(roots->r->call->out, "      %s [%s, %" PRIu64 " bytes]\n", str_cstr(&line),
		rimg_cause_name(d->cause), d->all_bytes);
	return true;
}

static int say_diff(const struct agree_report *r, const struct vote *v, struct rimg_error *err)
{
	struct rimg_image *image = NULL;
	struct rimg_diff *diff = NULL;
	struct roots roots = { .r = r };
	const struct rimg_diff_summary *sum;
	const char *path = NULL;
	int rc = agree_diff(r, v, &path, &image, &diff, err);

	if (rc != 1)
		return rc;
	sum = rimg_diff_get_summary(diff);
	say(r, "    compared with ", path);
	fprintf(r->call->out,
		"      %" PRIu64 " bytes differ; explained %" PRIu64 ", unexplained %" PRIu64 "\n",
		sum->differing, sum->explained, sum->unexplained);
	rc = rimg_diff_each_root(diff, RIMG_CAUSES_ALL, say_root, &roots);
	if (roots.n > ROOTS_SHOWN && r->call->verbose == 0)
		fprintf(r->call->out, "      ... and %zu more; -v shows them\n",
			roots.n - ROOTS_SHOWN);
	rimg_diff_free(diff);
	rimg_image_free(image);
	return rc < 0 ? error_nomem(err) : 0;
}

static int say_vote(const struct agree_report *r, size_t i, struct rimg_error *err)
{
	const struct vote *v = &r->ballots->votes[i];
	const struct trusted_key *key = &r->ballots->trusted[v->key];
	struct names names = { .r = r };
	auto_str struct str line = { 0 };

	add_shown(&line, key->path);
	str_add(&line, "  ");
	add_shown(&line, r->ballots->ballots[i].file);
	fprintf(r->call->out, "%-11s %.16s  %s\n", standing_name(v->standing), key->public.id,
		str_cstr(&line));
	if (v->covers)
		return 0;
	say_digest(r, "    sha256: ", v->subject->sha256);
	agree_each_difference(r->agreement, v, say_name, &names);
	if (names.n > NAMES_SHOWN && r->call->verbose == 0)
		fprintf(r->call->out, "    ... and %zu more; -v shows them\n",
			names.n - NAMES_SHOWN);
	say_facts(r, v->statement);
	return say_diff(r, v, err);
}

int agree_report_text(const struct agree_report *r, struct rimg_error *err)
{
	auto_str struct str shown = { 0 };
	int rc = 0;

	add_shown(&shown, r->call->args[0]);
	str_add(&shown, ": sha256 ");
	say_digest(r, str_cstr(&shown), r->sha256);
	say_verdict(r);
	for (size_t i = 0; i < r->ballots->n && rc == 0; i++)
		rc = say_vote(r, i, err);
	for (size_t i = 0; i < r->ballots->n_refusals; i++) {
		char text[sizeof(r->ballots->refusals[i].err.where) + 640];

		say(r, "refused     ",
		    rimg_error_format(&r->ballots->refusals[i].err, text, sizeof(text)));
	}
	return rc;
}
