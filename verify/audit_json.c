/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "audit/prebuilt.h"
#include "core/jsonw.h"
#include "core/str.h"
#include "verify/audit_report.h"

/* In the order of docs/cli.md. */
static const enum code_class classes[] = { CODE_CRANELIFT, CODE_LLVM,    CODE_GCC,
					   CODE_FOREIGN,   CODE_ASM,     CODE_CONFLICT,
					   N_CODE_CLASSES, CODE_UNKNOWN, CODE_PAD };

/* Each byte is in one of them; N_CODE_CLASSES stands for what is declared. */
static void put_counts(struct jsonw *w, const char *key, const struct audit_counts *c, bool total)
{
	jsonw_object(w, key);
	if (total)
		jsonw_u64(w, "code_bytes", c->code_bytes);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i] == N_CODE_CLASSES)
			jsonw_u64(w, "declared", c->declared);
		else
			jsonw_u64(w, code_class_name(classes[i]), c->by_class[classes[i]]);
	}
	jsonw_end_object(w);
}

static int put_hash(struct jsonw *w, const char *key, const uint8_t sha256[SHA256_LEN])
{
	auto_str struct str hex = { 0 };

	str_add_hex(&hex, sha256, SHA256_LEN);
	jsonw_text(w, key, str_cstr(&hex));
	return hex.failed ? -RIMG_E_NOMEM : 0;
}

static void put_texts(struct jsonw *w, const char *key, const char *const *texts, size_t n)
{
	jsonw_array(w, key);
	for (size_t i = 0; i < n; i++)
		jsonw_bytes(w, NULL, texts[i], strlen(texts[i]));
	jsonw_end_array(w);
}

/* ---- artifacts ------------------------------------------------------------------------------ */

static void put_piece(struct jsonw *w, const struct audit_report *r, const struct audit_artifact *a,
		      size_t i)
{
	const struct code_piece *piece = &a->object->pieces[i];
	const struct audit_piece *judged = &a->pieces[i];

	jsonw_object(w, NULL);
	jsonw_u64(w, "address", piece->addr);
	jsonw_u64(w, "size", piece->len);
	if (piece->symbol)
		jsonw_bytes(w, "symbol", piece->symbol, strlen(piece->symbol));
	else
		jsonw_null(w, "symbol");
	jsonw_text(w, "verdict",
		   judged->standing == AUDIT_EXCEPTED ? "declared" : code_class_name(judged->cls));
	jsonw_array(w, "evidence");
	for (unsigned bit = 0; bit < 64; bit++)
		if (piece->evidence >> bit & 1 && code_rule_name(bit))
			jsonw_text(w, NULL, code_rule_name(bit));
	jsonw_end_array(w);
	if (judged->origin > 0)
		jsonw_text(w, "prebuilt", prebuilt_name(r->prebuilt, judged->origin));
	jsonw_end_object(w);
}

static int put_artifact(struct jsonw *w, const struct audit_report *r,
			const struct audit_artifact *a, bool functions)
{
	int rc;

	jsonw_object(w, NULL);
	jsonw_text(w, "path", a->paths[0]);
	if (a->n_paths > 1)
		put_texts(w, "also", a->paths + 1, a->n_paths - 1);
	rc = put_hash(w, "sha256", a->sha256);
	jsonw_text(w, "format", a->format);
	if (a->object)
		jsonw_text(w, "arch", code_arch_name(a->object->arch));
	else
		jsonw_null(w, "arch");
	jsonw_text(w, "verdict", audit_verdict_name(a->verdict));
	jsonw_bool(w, "pass", a->pass);
	jsonw_bool(w, "hidden", a->hidden);
	jsonw_u64(w, "code_bytes", a->counts.code_bytes);
	put_counts(w, "attributed", &a->counts, false);
	put_texts(w, "evidence", a->evidence, a->n_evidence);
	put_texts(w, "reasons", a->reasons, a->n_reasons);
	if (a->origin > 0)
		jsonw_text(w, "prebuilt", prebuilt_name(r->prebuilt, a->origin));
	if (functions) {
		jsonw_array(w, "functions");
		for (size_t i = 0; a->object && i < a->object->n_pieces; i++)
			put_piece(w, r, a, i);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
	return rc;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void put_unread(struct jsonw *w, const struct audit_report *r)
{
	jsonw_array(w, "unread");
	for (size_t i = 0; i < r->n_unread; i++) {
		const struct audit_unread *u = &r->unread[i];

		jsonw_object(w, NULL);
		jsonw_text(w, "path", u->path);
		if (u->code)
			jsonw_text(w, "code", u->code);
		else
			jsonw_null(w, "code");
		jsonw_bytes(w, "message", u->text, strlen(u->text));
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	if (r->n_unread_lost > 0)
		jsonw_u64(w, "unread_not_listed", r->n_unread_lost);
}

static int put_exceptions(struct jsonw *w, const struct audit_report *r)
{
	static const char *const uses[] = {
		[AUDIT_UNUSED] = "unused", [AUDIT_USED] = "used", [AUDIT_MISMATCH] = "mismatch"
	};
	int rc = 0;

	jsonw_array(w, "exceptions");
	for (size_t i = 0; i < r->policy->n_exceptions; i++) {
		const struct policy_exception *e = &r->policy->exceptions[i];

		jsonw_object(w, NULL);
		jsonw_u64(w, "line", e->place.line);
		if (e->path)
			jsonw_text(w, "path", e->path);
		if (put_hash(w, e->is_code ? "code_sha256" : "sha256", e->sha256) < 0)
			rc = -RIMG_E_NOMEM;
		if (e->name)
			jsonw_text(w, "name", e->name);
		jsonw_text(w, "reason", e->reason);
		jsonw_text(w, "use", uses[r->uses[i]]);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	return rc;
}

int audit_write_json(const struct audit_report *r, const struct audit_view *view, FILE *out)
{
	struct jsonw w = { .out = out, .pretty = true };
	int rc = 0;

	jsonw_object(&w, NULL);
	jsonw_text(&w, "schema", "rimg.verify-audit/1");
	jsonw_bytes(&w, "address", view->address, strlen(view->address));
	jsonw_text(&w, "verdict", r->pass ? "pass" : "fail");
	jsonw_u64(&w, "covered", r->counts.covered);
	jsonw_u64(&w, "min_coverage_millionths", r->policy->min_coverage);
	put_counts(&w, "coverage", &r->counts, true);
	jsonw_array(&w, "artifacts");
	for (size_t i = 0; i < r->n_artifacts && rc == 0; i++)
		rc = put_artifact(&w, r, &r->artifacts[i], view->functions);
	jsonw_end_array(&w);
	put_unread(&w, r);
	if (rc == 0)
		rc = put_exceptions(&w, r);
	if (view->sandbox)
		jsonw_sandbox(&w, view->sandbox);
	jsonw_end_object(&w);
	fputc('\n', out);
	return rc;
}
