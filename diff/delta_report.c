/* SPDX-License-Identifier: MIT */
/* What a change did to the verdict, in words, and as JSON. */
#include <inttypes.h>
#include <string.h>

#include "core/jsonw.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/policy_delta.h"

/* The worst first; N_CODE_CLASSES stands for what is declared. */
static const enum code_class classes[] = { CODE_CONFLICT,  CODE_LLVM,    CODE_GCC,
					   CODE_FOREIGN,   CODE_UNKNOWN, CODE_ASM,
					   N_CODE_CLASSES, CODE_PAD,     CODE_CRANELIFT };

static const char *class_name(enum code_class cls)
{
	return cls == N_CODE_CLASSES ? "declared" : code_class_name(cls);
}

static uint64_t class_bytes(const struct audit_artifact *a, enum code_class cls)
{
	if (!a)
		return 0;
	return cls == N_CODE_CLASSES ? a->counts.declared : a->counts.by_class[cls];
}

/* ---- the verdict ---------------------------------------------------------------------------- */

static void add_side(struct str *s, const char *name, const struct audit_report *r)
{
	uint64_t n = r->n_unread + r->n_unread_lost;

	str_printf(s, "%s %s", name, r->pass ? "passes" : "fails");
	if (n > 0)
		str_printf(s, " (%" PRIu64 " part%s not read)", n, n == 1 ? " was" : "s were");
}

void delta_add_verdict(struct str *s, const struct policy_delta *d)
{
	add_side(s, "A", d->a);
	str_add(s, ", ");
	add_side(s, "B", d->b);
	switch (d->state) {
	case DELTA_NOT_WORSE: str_add(s, ": the verdict is not worse"); break;
	case DELTA_WORSE: str_add(s, ": the verdict is worse"); break;
	case DELTA_OPEN:
		str_add(s, ": whether the verdict is worse is not known, as not all was read");
		break;
	}
}

/* ---- lines ---------------------------------------------------------------------------------- */

/** struct lines - lines while they are told */
struct lines {
	const struct policy_delta *d;
	bool functions;
	delta_line_fn fn;
	void *arg;
	struct str line;
	bool failed;
};

static void tell(struct lines *l, unsigned level, bool worse)
{
	l->failed |= l->line.failed;
	l->fn(l->arg, level, worse, str_cstr(&l->line));
	str_clear(&l->line);
}

/* "cranelift, pass": how one side is judged */
static void add_judgement(struct str *s, const struct audit_artifact *a)
{
	str_printf(s, "%s %s", a->pass ? "pass" : "FAIL", audit_verdict_name(a->verdict));
}

static void add_deltas(struct str *s, const struct delta_artifact *x)
{
	const char *comma = "; ";

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		uint64_t a = class_bytes(x->a, classes[i]), b = class_bytes(x->b, classes[i]);

		if (a == b)
			continue;
		str_printf(s, "%s%s %c%" PRIu64, comma, class_name(classes[i]), a < b ? '+' : '-',
			   a < b ? b - a : a - b);
		comma = ", ";
	}
}

static void tell_artifact(struct lines *l, const struct delta_artifact *x)
{
	struct str *s = &l->line;

	str_printf(s, "%s %s: ", delta_kind_name(x->kind), x->path[0] ? x->path : "(whole)");
	if (x->was)
		str_printf(s, "from %s, ", x->was[0] ? x->was : "(whole)");
	if (x->a)
		add_judgement(s, x->a);
	str_add(s, x->a && x->b ? " -> " : "");
	if (x->b)
		add_judgement(s, x->b);
	add_deltas(s, x);
	if (x->worse)
		str_add(s, " (worse)");
	tell(l, 0, x->worse);
}

static void add_piece(struct str *s, const struct audit_artifact *a, size_t i)
{
	const struct code_piece *p = &a->object->pieces[i];

	str_printf(s, "0x%" PRIx64, p->addr);
	if (!p->symbol)
		return;
	str_add_char(s, ' ');
	str_add_escaped(s, p->symbol, strlen(p->symbol), STR_ESCAPE_TEXT);
}

static void tell_piece(struct lines *l, const struct delta_artifact *x,
		       const struct audit_artifact *a, size_t i)
{
	const struct code_piece *p = &a->object->pieces[i];
	const char *comma = " [";

	add_piece(&l->line, a, i);
	str_printf(&l->line, ", %" PRIu64 " bytes", p->len);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(p->evidence >> bit & 1) || !code_rule_name(bit))
			continue;
		str_printf(&l->line, "%s%s", comma, code_rule_name(bit));
		comma = ", ";
	}
	str_add(&l->line, comma[0] == ',' ? "]" : "");
	tell(l, 2, x->worse);
}

/* "adds 412 bytes of llvm code in /usr/bin/sync: function at 0x1234 main" */
static void tell_code(struct lines *l, const struct delta_artifact *x, const char *verb,
		      const struct audit_artifact *a, const struct delta_code *code)
{
	uint64_t listed = 0;

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		enum code_class cls = classes[i];

		if (cls == N_CODE_CLASSES || code->count[cls] == 0)
			continue;
		str_printf(&l->line, "%s %" PRIu64 " bytes of %s code in %s: ", verb,
			   code->bytes[cls], class_name(cls), x->path[0] ? x->path : "(whole)");
		if (code->count[cls] == 1)
			str_add(&l->line, "function at ");
		else
			str_printf(&l->line, "%" PRIu64 " functions, the first at ",
				   code->count[cls]);
		add_piece(&l->line, a, code->first[cls]);
		tell(l, 1, x->worse && verb[0] == 'a');
		for (size_t k = 0; l->functions && k < code->n_pieces; k++) {
			if (a->pieces[code->pieces[k]].cls != cls)
				continue;
			tell_piece(l, x, a, code->pieces[k]);
			listed++;
		}
	}
	if (!l->functions || listed == code->n)
		return;
	str_printf(&l->line, "%" PRIu64 " more functions not listed here", code->n - listed);
	tell(l, 2, x->worse);
}

int delta_each_line(const struct policy_delta *d, bool functions, size_t max, delta_line_fn fn,
		    void *arg)
{
	struct lines l = { .d = d, .functions = functions, .fn = fn, .arg = arg };
	size_t n = max > 0 && d->n_artifacts > max ? max : d->n_artifacts;

	for (size_t i = 0; i < n; i++) {
		const struct delta_artifact *x = &d->artifacts[i];

		tell_artifact(&l, x);
		tell_code(&l, x, "adds", x->b, &x->added);
		tell_code(&l, x, "removes", x->a, &x->removed);
	}
	if (n < d->n_artifacts) {
		str_printf(&l.line, "%zu more artifacts not listed here", d->n_artifacts - n);
		tell(&l, 0, d->artifacts[n].worse);
	}
	str_done(&l.line);
	return l.failed ? -RIMG_E_NOMEM : 0;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_classes(struct jsonw *w, const struct audit_counts *c)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		jsonw_u64(w, class_name(classes[i]),
			  classes[i] == N_CODE_CLASSES ? c->declared : c->by_class[classes[i]]);
}

static void put_side(struct jsonw *w, const char *key, const struct audit_report *r)
{
	jsonw_object(w, key);
	jsonw_text(w, "verdict", r->pass ? "pass" : "fail");
	jsonw_u64(w, "unread", r->n_unread + r->n_unread_lost);
	jsonw_u64(w, "code_bytes", r->counts.code_bytes);
	put_classes(w, &r->counts);
	jsonw_end_object(w);
}

static int put_artifact(struct jsonw *w, const char *key, const struct audit_artifact *a)
{
	auto_str struct str hex = { 0 };

	if (!a) {
		jsonw_null(w, key);
		return 0;
	}
	str_add_hex(&hex, a->sha256, SHA256_LEN);
	jsonw_object(w, key);
	jsonw_text(w, "sha256", str_cstr(&hex));
	jsonw_text(w, "format", a->format);
	jsonw_text(w, "verdict", audit_verdict_name(a->verdict));
	jsonw_bool(w, "pass", a->pass);
	jsonw_bool(w, "hidden", a->hidden);
	jsonw_u64(w, "code_bytes", a->counts.code_bytes);
	jsonw_object(w, "attributed");
	put_classes(w, &a->counts);
	jsonw_end_object(w);
	jsonw_end_object(w);
	return hex.failed ? -RIMG_E_NOMEM : 0;
}

static void put_function(struct jsonw *w, const struct audit_artifact *a, size_t i)
{
	const struct code_piece *p = &a->object->pieces[i];

	jsonw_object(w, NULL);
	jsonw_u64(w, "address", p->addr);
	jsonw_u64(w, "size", p->len);
	if (p->symbol)
		jsonw_bytes(w, "symbol", p->symbol, strlen(p->symbol));
	else
		jsonw_null(w, "symbol");
	jsonw_text(w, "verdict", code_class_name(a->pieces[i].cls));
	jsonw_array(w, "evidence");
	for (unsigned bit = 0; bit < 64; bit++)
		if (p->evidence >> bit & 1 && code_rule_name(bit))
			jsonw_text(w, NULL, code_rule_name(bit));
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_code(struct jsonw *w, const char *key, const struct audit_artifact *a,
		     const struct delta_code *code)
{
	jsonw_object(w, key);
	jsonw_object(w, "bytes");
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i] != N_CODE_CLASSES && code->count[classes[i]] > 0)
			jsonw_u64(w, class_name(classes[i]), code->bytes[classes[i]]);
	jsonw_end_object(w);
	jsonw_array(w, "functions");
	for (size_t i = 0; i < code->n_pieces; i++)
		put_function(w, a, code->pieces[i]);
	jsonw_end_array(w);
	jsonw_u64(w, "functions_not_listed", code->n - code->n_pieces);
	jsonw_end_object(w);
}

int delta_put_json(struct jsonw *w, const struct policy_delta *d)
{
	static const char *const states[] = {
		[DELTA_NOT_WORSE] = "not-worse", [DELTA_WORSE] = "worse", [DELTA_OPEN] = "not-known"
	};
	int rc = 0;

	jsonw_object(w, "policy");
	jsonw_bytes(w, "file", d->file, strlen(d->file));
	jsonw_text(w, "change", states[d->state]);
	put_side(w, "a", d->a);
	put_side(w, "b", d->b);
	jsonw_array(w, "artifacts");
	for (size_t i = 0; i < d->n_artifacts && rc == 0; i++) {
		const struct delta_artifact *x = &d->artifacts[i];

		jsonw_object(w, NULL);
		jsonw_text(w, "kind", delta_kind_name(x->kind));
		jsonw_text(w, "path", x->path);
		if (x->was)
			jsonw_text(w, "was", x->was);
		jsonw_bool(w, "worse", x->worse);
		rc = put_artifact(w, "a", x->a);
		if (rc == 0)
			rc = put_artifact(w, "b", x->b);
		put_code(w, "added", x->b, &x->added);
		put_code(w, "removed", x->a, &x->removed);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
	return rc;
}
