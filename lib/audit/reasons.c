/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/prebuilt.h"
#include "audit/rollup.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

#define N_RULES 64U /* bits of a piece's evidence */

const char *rollup_percent(uint32_t share, char buf[ROLLUP_PERCENT_LEN])
{
	uint32_t tenths = share / (POLICY_ONE / 1000);

	snprintf(buf, ROLLUP_PERCENT_LEN, "%" PRIu32 ".%" PRIu32, tenths / 10, tenths % 10);
	return buf;
}

/* A list in the arena grows by doubling; what is left behind is little. */
static int append(struct arena *arena, const char ***list, size_t *n, const char *text)
{
	const char **grown = NULL;

	if (!text)
		return -RIMG_E_NOMEM;
	if ((*n & (*n - 1)) == 0) {
		grown = arena_array(arena, *n ? *n * 2 : 1, sizeof(char *));
		if (!grown)
			return -RIMG_E_NOMEM;
		if (*n > 0)
			memcpy(grown, *list, *n * sizeof(char *));
		*list = grown;
	}
	(*list)[(*n)++] = text;
	return 0;
}

int rollup_add_reason(struct audit_report *r, struct audit_artifact *a, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	text = str_vformat(fmt, args);
	va_end(args);
	if (!text)
		return -RIMG_E_NOMEM;
	return append(&r->arena, &a->reasons, &a->n_reasons,
		      arena_copy(&r->arena, text, strlen(text)));
}

/* ---- why it does not pass ------------------------------------------------------------------- */

/* The bytes of one class that the policy does not cover, and where they begin. */
static int explain_class(struct audit_report *r, struct audit_artifact *a, enum code_class cls)
{
	auto_str struct str name = { 0 };
	const struct code_piece *first = NULL;
	uint64_t bytes = 0, n = 0;

	for (size_t i = 0; i < a->object->n_pieces; i++) {
		const struct code_piece *p = &a->object->pieces[i];

		if (a->pieces[i].cls != cls || a->pieces[i].standing < AUDIT_UNCOVERED)
			continue;
		first = first ? first : p;
		bytes += p->len;
		n++;
	}
	if (!first)
		return 0;
	if (first->symbol) {
		str_add(&name, " ");
		str_add_escaped(&name, first->symbol, strlen(first->symbol), STR_ESCAPE_TEXT);
	}
	return rollup_add_reason(
		r, a,
		"%" PRIu64 " bytes of %s code in %" PRIu64 " piece%s, the first at 0x%" PRIx64 "%s",
		bytes, code_class_name(cls), n, n == 1 ? "" : "s", first->addr, str_cstr(&name));
}

static int explain_code(struct audit_report *r, struct audit_artifact *a)
{
	static const enum code_class order[] = { CODE_CONFLICT, CODE_LLVM, CODE_GCC,
						 CODE_FOREIGN,  CODE_ASM,  CODE_UNKNOWN };
	char have[ROLLUP_PERCENT_LEN], want[ROLLUP_PERCENT_LEN];
	uint32_t share = audit_share(&a->counts);
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(order) && rc == 0; i++)
		rc = explain_class(r, a, order[i]);
	if (rc == 0 && share < r->policy->min_coverage)
		rc = rollup_add_reason(r, a,
				       "%s %% of its code is allowed or declared, the policy wants "
				       "%s %%",
				       rollup_percent(share, have),
				       rollup_percent(r->policy->min_coverage, want));
	return rc;
}

static int explain_failure(struct audit_report *r, struct audit_artifact *a)
{
	int rc = 0;

	if (a->hidden)
		rc = rollup_add_reason(r, a, "hidden-code: %s where none should be",
				       a->kind == AUDIT_KIND_RAW       ? "machine code"
				       : a->kind == AUDIT_KIND_ARCHIVE ? "an archive of programs"
				       : a->kind == AUDIT_KIND_OPAQUE  ? "a file system"
								       : "a program");
	if (rc == 0 && a->kind == AUDIT_KIND_OPAQUE)
		rc = rollup_add_reason(r, a, "%s: not opened, so what is in it was not judged",
				       a->format);
	if (rc == 0 && a->kind == AUDIT_KIND_INTERPRETED && !a->pass)
		rc = rollup_add_reason(r, a, "%s: interpreted, which the policy does not allow",
				       a->format);
	return rc == 0 && a->object ? explain_code(r, a) : rc;
}

/* ---- evidence ------------------------------------------------------------------------------- */

struct tally {
	unsigned rule;
	uint64_t n, bytes;
};

static int compare_tallies(const void *pa, const void *pb)
{
	const struct tally *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static int explain_evidence(struct audit_report *r, struct audit_artifact *a)
{
	struct tally tallies[N_RULES] = { 0 };
	struct arena *arena = &r->arena;
	int rc = 0;

	for (unsigned i = 0; i < N_RULES; i++)
		tallies[i].rule = i;
	for (size_t i = 0; i < a->object->n_pieces; i++) {
		const struct code_piece *p = &a->object->pieces[i];

		for (uint64_t bits = p->evidence; bits; bits &= bits - 1) {
			struct tally *t = &tallies[__builtin_ctzll(bits)];

			t->n++;
			t->bytes += p->len;
		}
	}
	qsort(tallies, N_RULES, sizeof(tallies[0]), compare_tallies);
	for (unsigned i = 0; i < N_RULES && tallies[i].n > 0 && rc == 0; i++) {
		const char *name = code_rule_name(tallies[i].rule);

		rc = append(arena, &a->evidence, &a->n_evidence,
			    arena_printf(arena, "%s: %" PRIu64 " piece%s, %" PRIu64 " bytes",
					 name ? name : "rule", tallies[i].n,
					 tallies[i].n == 1 ? "" : "s", tallies[i].bytes));
	}
	for (size_t i = 0; i < a->object->n_notes && rc == 0; i++)
		rc = append(arena, &a->evidence, &a->n_evidence, a->object->notes[i]);
	return rc;
}

int rollup_explain(struct audit_report *r, struct audit_artifact *a)
{
	int rc = 0;

	if (a->origin > 0)
		rc = rollup_add_reason(r, a, "byte for byte the prebuilt %s",
				       prebuilt_name(r->prebuilt, a->origin));
	if (rc == 0 && a->exception > 0)
		rc = rollup_add_reason(r, a, "declared: %s",
				       r->policy->exceptions[a->exception - 1].reason);
	else if (rc == 0)
		rc = explain_failure(r, a);
	for (size_t i = 0; a->object && i < a->object->n_reasons && rc == 0; i++)
		rc = append(&r->arena, &a->reasons, &a->n_reasons, a->object->reasons[i]);
	return rc == 0 && a->object ? explain_evidence(r, a) : rc;
}
