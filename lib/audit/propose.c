/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"

/* A program of Cranelift with a few pieces of others is declared piece by piece, as these recur in
 * other programs; everything else as a whole. */
#define PIECES_MAX 128U

struct need {
	uint8_t sha256[SHA256_LEN];
	size_t artifact, piece; /* where it comes first */
	size_t seq;
};

struct proposal {
	const struct audit_report *r;
	struct str *text;
	const struct audit_artifact **order; /* by path */
	struct need *needs;
	size_t n_needs, cap_needs;
	struct rimg_error *err;
};

static void proposal_done(struct proposal *p)
{
	free(p->order);
	free(p->needs);
}

/* ---- TOML ----------------------------------------------------------------------------------- */

/* A basic string. Control characters have been escaped before, where names are made text. */
static void put_text(struct str *s, const char *key, const char *text)
{
	str_printf(s, "%s = \"", key);
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			str_printf(s, "\\u%04x", (unsigned char)*text);
			continue;
		}
		if (*text == '"' || *text == '\\')
			str_add_char(s, '\\');
		str_add_char(s, *text);
	}
	str_add(s, "\"\n");
}

static void put_hash(struct str *s, const char *key, const uint8_t sha256[SHA256_LEN])
{
	str_printf(s, "%s = \"", key);
	str_add_hex(s, sha256, SHA256_LEN);
	str_add(s, "\"\n");
}

/* What stands in a comment may have come from anywhere, and a policy is UTF-8. */
static void put_comment(struct str *s, const char *text)
{
	size_t size = 4 * strlen(text) + 1; /* each byte may become \xNN */
	auto_free char *clean = malloc(size);

	if (clean)
		str_clean(clean, size, text);
	str_printf(s, "# %s\n", clean ? clean : "");
	s->failed |= !clean;
}

static void put_policy(struct str *s, const struct policy *p)
{
	const char *comma = "";

	str_add(s, "[policy]\nallow = [");
	for (unsigned i = 0; i < N_CODE_CLASSES; i++) {
		if (!p->allow[i])
			continue;
		str_printf(s, "%s\"%s\"", comma, code_class_name(i));
		comma = ", ";
	}
	str_printf(s, "]\nmin_coverage = %u.%06u\n", p->min_coverage / POLICY_ONE,
		   p->min_coverage % POLICY_ONE);
	put_text(s, "interpreted", p->interpreted ? "allow" : "deny");
	put_text(s, "opaque", p->opaque ? "allow" : "deny");
	put_text(s, "hidden", p->hidden ? "allow" : "deny");
}

static void put_exception(struct str *s, const struct policy_exception *e)
{
	str_add(s, "\n[[exception]]\n");
	if (e->path)
		put_text(s, "path", e->path);
	put_hash(s, e->is_code ? "code_sha256" : "sha256", e->sha256);
	if (e->is_code)
		put_text(s, "class", code_class_name(e->cls));
	if (e->name)
		put_text(s, "name", e->name);
	put_text(s, "reason", e->reason);
}

/* ---- what needs declaring ------------------------------------------------------------------- */

static int compare_order(const void *pa, const void *pb)
{
	const struct audit_artifact *const *a = pa, *const *b = pb;
	int order = strcmp((*a)->paths[0], (*b)->paths[0]);

	return order ? order : memcmp((*a)->sha256, (*b)->sha256, SHA256_LEN);
}

static size_t uncovered(const struct audit_artifact *a)
{
	size_t n = 0;

	for (size_t i = 0; a->object && i < a->object->n_pieces; i++)
		n += a->pieces[i].standing >= AUDIT_UNCOVERED;
	return n;
}

static bool piecewise(const struct audit_artifact *a)
{
	return a->kind == AUDIT_KIND_PROGRAM && !a->hidden &&
	       a->counts.by_class[CODE_CRANELIFT] > 0 && uncovered(a) <= PIECES_MAX;
}

static void put_artifact(struct proposal *p, const struct audit_artifact *a)
{
	for (size_t i = 0; i < a->n_paths; i++) {
		str_add(p->text, "\n[[exception]]\n");
		for (size_t k = 0; k < a->n_reasons; k++)
			put_comment(p->text, a->reasons[k]);
		if (a->paths[i][0])
			put_text(p->text, "path", a->paths[i]);
		put_hash(p->text, "sha256", a->sha256);
		str_printf(p->text, "reason = \"to be reviewed: %s, %s\"\n", a->format,
			   audit_verdict_name(a->verdict));
	}
}

static int need_pieces(struct proposal *p, size_t index)
{
	const struct audit_artifact *a = p->order[index];

	for (size_t i = 0; i < a->object->n_pieces; i++) {
		struct need *grown;
		int rc;

		if (a->pieces[i].standing < AUDIT_UNCOVERED)
			continue;
		grown = vec_grow(p->needs, &p->cap_needs, p->n_needs, sizeof(*grown));
		if (!grown)
			return error_nomem(p->err);
		p->needs = grown;
		grown[p->n_needs] =
			(struct need){ .artifact = index, .piece = i, .seq = p->n_needs };
		rc = code_piece_digest(a->content, a->object->arch, &a->object->pieces[i],
				       grown[p->n_needs++].sha256, p->err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int compare_hash(const void *pa, const void *pb)
{
	const struct need *a = pa, *b = pb;
	int order = memcmp(a->sha256, b->sha256, SHA256_LEN);

	return order ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static int compare_seq(const void *pa, const void *pb)
{
	const struct need *a = pa, *b = pb;

	return (a->seq > b->seq) - (a->seq < b->seq);
}

/* Each piece once, where it comes first. */
static void unique_needs(struct proposal *p)
{
	size_t n = 0;

	if (p->n_needs == 0)
		return;
	qsort(p->needs, p->n_needs, sizeof(*p->needs), compare_hash);
	for (size_t i = 0; i < p->n_needs; i++)
		if (i == 0 || memcmp(p->needs[i].sha256, p->needs[n - 1].sha256, SHA256_LEN) != 0)
			p->needs[n++] = p->needs[i];
	p->n_needs = n;
	qsort(p->needs, n, sizeof(*p->needs), compare_seq);
}

static void put_piece(struct proposal *p, const struct need *need)
{
	const struct audit_artifact *a = p->order[need->artifact];
	const struct code_piece *piece = &a->object->pieces[need->piece];
	auto_str struct str name = { 0 }, where = { 0 };

	str_printf(&where, "to be reviewed: %" PRIu64 " bytes at 0x%" PRIx64 " of %s", piece->len,
		   piece->addr, a->paths[0][0] ? a->paths[0] : "the program");
	str_add(p->text, "\n[[exception]]\n");
	put_hash(p->text, "code_sha256", need->sha256);
	put_text(p->text, "class", code_class_name(a->pieces[need->piece].cls));
	if (piece->symbol && piece->symbol[0]) {
		str_add_escaped(&name, piece->symbol, strlen(piece->symbol), STR_ESCAPE_TEXT);
		put_text(p->text, "name", str_cstr(&name));
	}
	put_text(p->text, "reason", str_cstr(&where));
	p->text->failed |= name.failed || where.failed;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void put_unread(struct str *s, const struct audit_unread *u)
{
	auto_str struct str line = { 0 };

	str_printf(&line, "cannot be declared, as it was not read: %s: %s", u->path, u->text);
	put_comment(s, str_cstr(&line));
	s->failed |= line.failed;
}

static void put_beginning(struct proposal *p)
{
	const struct audit_report *r = p->r;

	put_comment(p->text,
		    "Proposed by rimg verify audit. Each exception below lets code pass that "
		    "was not shown to be");
	put_comment(p->text, "allowed: review every one, and say in its reason why it may stay.");
	for (size_t i = 0; i < r->n_unread; i++)
		put_unread(p->text, &r->unread[i]);
	str_add_char(p->text, '\n');
	put_policy(p->text, r->policy);
	for (size_t i = 0; i < r->policy->n_exceptions; i++)
		if (r->uses[i] == AUDIT_USED)
			put_exception(p->text, &r->policy->exceptions[i]);
}

int audit_propose(const struct audit_report *report, struct str *text, struct rimg_error *err)
{
	auto_with(proposal_done) struct proposal p = { .r = report, .text = text, .err = err };
	int rc = 0;

	p.order = calloc(report->n_artifacts + 1, sizeof(*p.order));
	if (!p.order)
		return error_nomem(err);
	for (size_t i = 0; i < report->n_artifacts; i++)
		p.order[i] = &report->artifacts[i];
	qsort(p.order, report->n_artifacts, sizeof(*p.order), compare_order);
	put_beginning(&p);
	for (size_t i = 0; i < report->n_artifacts && rc == 0; i++) {
		if (p.order[i]->pass)
			continue;
		if (piecewise(p.order[i]))
			rc = need_pieces(&p, i);
		else
			put_artifact(&p, p.order[i]);
	}
	if (rc < 0)
		return rc;
	unique_needs(&p);
	for (size_t i = 0; i < p.n_needs; i++)
		put_piece(&p, &p.needs[i]);
	return text->failed ? error_nomem(err) : 0;
}
