/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/prebuilt.h"
#include "audit/rollup.h"
#include "core/cleanup.h"
#include "core/str.h"
#include "verify/audit_report.h"

struct text {
	const struct audit_report *r;
	const struct audit_view *view;
	FILE *out;
	struct str line;
	bool failed;
};

static void paint(struct text *t, const char *color)
{
	if (t->view->color)
		str_add(&t->line, color);
}

static void put_line(struct text *t)
{
	fprintf(t->out, "%s\n", str_cstr(&t->line));
	t->failed |= t->line.failed;
	str_clear(&t->line);
}

/* Sentences quote what is escaped already; what policies, and the host, say is not. */
static void put_clean(struct text *t, const char *text)
{
	size_t size = 4 * strlen(text) + 1; /* each byte may become \xNN */
	auto_free char *clean = malloc(size);

	if (clean)
		str_clean(clean, size, text);
	str_add(&t->line, clean ? clean : "");
	t->failed |= !clean;
}

/* ---- pieces --------------------------------------------------------------------------------- */

static void put_piece(struct text *t, const struct audit_artifact *a, size_t i)
{
	const struct code_piece *piece = &a->object->pieces[i];
	const struct audit_piece *judged = &a->pieces[i];
	const char *comma = "";

	str_printf(&t->line, "        0x%08" PRIx64 " %8" PRIu64 " %-9s ", piece->addr, piece->len,
		   judged->standing == AUDIT_EXCEPTED ? "declared" : code_class_name(judged->cls));
	if (piece->symbol)
		str_add_escaped(&t->line, piece->symbol, strlen(piece->symbol), STR_ESCAPE_TEXT);
	str_add(&t->line, piece->symbol ? " [" : "[");
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(piece->evidence >> bit & 1) || !code_rule_name(bit))
			continue;
		str_printf(&t->line, "%s%s", comma, code_rule_name(bit));
		comma = ", ";
	}
	str_add_char(&t->line, ']');
	if (judged->origin > 0)
		str_printf(&t->line, " = %s", prebuilt_name(t->r->prebuilt, judged->origin));
	put_line(t);
}

static void put_pieces(struct text *t, const struct audit_artifact *a)
{
	for (size_t i = 0; a->object && i < a->object->n_pieces; i++)
		if (t->view->verbose || a->pieces[i].standing >= AUDIT_UNCOVERED)
			put_piece(t, a, i);
}

/* ---- artifacts ------------------------------------------------------------------------------ */

static void put_details(struct text *t, const struct audit_artifact *a)
{
	for (size_t i = 1; i < a->n_paths; i++) {
		str_printf(&t->line, "    also %s", a->paths[i]);
		put_line(t);
	}
	str_add(&t->line, "    sha256 ");
	str_add_hex(&t->line, a->sha256, SHA256_LEN);
	put_line(t);
	for (size_t i = 0; i < a->n_reasons; i++) {
		str_add(&t->line, "    ");
		put_clean(t, a->reasons[i]);
		put_line(t);
	}
	for (size_t i = 0; i < a->n_evidence; i++) {
		str_add(&t->line, "    evidence ");
		put_clean(t, a->evidence[i]);
		put_line(t);
	}
}

/* Of no code there is no share. */
static const char *share_of(const struct audit_counts *c, char buf[ROLLUP_PERCENT_LEN])
{
	return c->code_bytes > 0 ? rollup_percent(audit_share(c), buf) : "-";
}

static void put_artifact(struct text *t, const struct audit_artifact *a)
{
	char share[ROLLUP_PERCENT_LEN];
	const char *path = a->paths[0][0] ? a->paths[0] : t->view->address;

	paint(t, a->pass ? "\033[32m" : "\033[1;31m");
	str_printf(&t->line, "%s", a->pass ? "pass" : "FAIL");
	paint(t, "\033[0m");
	str_printf(&t->line, " %-9s %5s %% %9" PRIu64 " %-6s ", audit_verdict_name(a->verdict),
		   share_of(&a->counts, share), a->counts.code_bytes, a->format);
	if (a->paths[0][0])
		str_add(&t->line, path);
	else
		put_clean(t, path);
	if (a->n_paths > 1)
		str_printf(&t->line, " (+%zu)", a->n_paths - 1);
	if (!a->pass && a->n_reasons > 0) {
		str_add(&t->line, ": ");
		put_clean(t, a->reasons[0]);
	}
	put_line(t);
	if (t->view->verbose)
		put_details(t, a);
	if (t->view->functions)
		put_pieces(t, a);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void put_unread(struct text *t)
{
	for (size_t i = 0; i < t->r->n_unread; i++) {
		const struct audit_unread *u = &t->r->unread[i];

		paint(t, "\033[1;31m");
		str_add(&t->line, "UNREAD");
		paint(t, "\033[0m");
		str_add_char(&t->line, ' ');
		if (u->path[0])
			str_add(&t->line, u->path);
		else
			put_clean(t, t->view->address);
		str_add(&t->line, ": ");
		put_clean(t, u->text);
		if (u->code)
			str_printf(&t->line, " [%s]", u->code);
		put_line(t);
	}
	if (t->r->n_unread_lost > 0) {
		str_printf(&t->line, "UNREAD ... and %" PRIu64 " more", t->r->n_unread_lost);
		put_line(t);
	}
}

static void put_classes(struct text *t)
{
	const struct audit_counts *c = &t->r->counts;

	str_printf(&t->line, "%" PRIu64 " bytes of code%s", c->code_bytes,
		   c->code_bytes > 0 ? ":" : "");
	for (unsigned i = 0; i < N_CODE_CLASSES; i++)
		if (c->by_class[i] > 0)
			str_printf(&t->line, " %s %" PRIu64, code_class_name(i), c->by_class[i]);
	if (c->declared > 0)
		str_printf(&t->line, " declared %" PRIu64, c->declared);
	put_line(t);
}

static void put_verdict(struct text *t)
{
	char share[ROLLUP_PERCENT_LEN];
	size_t n = 0;

	for (size_t i = 0; i < t->r->n_artifacts; i++)
		n += !t->r->artifacts[i].pass;
	paint(t, t->r->pass ? "\033[32m" : "\033[1;31m");
	str_add(&t->line, t->r->pass ? "pass" : "fail");
	paint(t, "\033[0m");
	str_add(&t->line, ": ");
	if (t->r->counts.code_bytes > 0)
		str_printf(&t->line, "%s %% of the code is allowed or declared; ",
			   share_of(&t->r->counts, share));
	str_printf(&t->line, "%zu of %zu artifacts fail", n, t->r->n_artifacts);
	if (t->r->n_unread > 0)
		str_printf(&t->line, "; %" PRIu64 " parts were not read",
			   t->r->n_unread + t->r->n_unread_lost);
	put_line(t);
}

int audit_write_text(const struct audit_report *r, const struct audit_view *view, FILE *out)
{
	struct text t = { .r = r, .view = view, .out = out };

	put_unread(&t);
	for (size_t i = 0; i < r->n_artifacts; i++)
		put_artifact(&t, &r->artifacts[i]);
	put_classes(&t);
	put_verdict(&t);
	str_done(&t.line);
	return t.failed ? -RIMG_E_NOMEM : 0;
}
