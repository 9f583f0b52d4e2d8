/* SPDX-License-Identifier: MIT */
#include "verify/audit_sarif.h"

#include <string.h>

#include "core/num.h"
#include "core/str.h"

static const struct {
	const char *rule, *text;
} rules[] = {
	{ "audit.asm", "a program with more hand-written code than the policy allows" },
	{ "audit.cranelift", "a program of Cranelift that the policy does not let pass" },
	{ "audit.declared", "a declared artifact that the policy does not let pass all the same" },
	{ "audit.exception", "an exception of the policy names a path where other bytes are" },
	{ "audit.gcc", "code of GCC that the policy does not declare" },
	{ "audit.llvm", "code of LLVM that the policy does not declare" },
	{ "audit.mixed", "code of several compilers that the policy does not declare" },
	{ "audit.no-code", "something without machine code that the policy does not let pass" },
	{ "audit.unknown", "code that could not be attributed, or a content that is not opened" },
	{ "audit.unread", "something was not looked at, so that nothing is known of it" },
};

const char *audit_rule_text(const char *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (strcmp(rules[i].rule, rule) == 0)
			return rules[i].text;
	}
	return NULL;
}

/* The rule of a verdict: "audit." and its name. */
static const char *rule_of(enum audit_verdict verdict)
{
	const char *name = audit_verdict_name(verdict);

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (strcmp(rules[i].rule + strlen("audit."), name) == 0)
			return rules[i].rule;
	}
	return "audit.unknown";
}

size_t audit_n_rules(const struct audit_report *r)
{
	return r->n_artifacts + 2;
}

static bool has_mismatch(const struct audit_report *r)
{
	for (size_t i = 0; i < r->policy->n_exceptions; i++) {
		if (r->uses[i] == AUDIT_MISMATCH)
			return true;
	}
	return false;
}

size_t audit_rules(const struct audit_report *r, const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_artifacts; i++) {
		if (!r->artifacts[i].pass)
			ret[n++] = rule_of(r->artifacts[i].verdict);
	}
	if (has_mismatch(r))
		ret[n++] = "audit.exception";
	if (r->n_unread > 0)
		ret[n++] = "audit.unread";
	return n;
}

static void put_artifact(struct sarif *s, const struct audit_artifact *a)
{
	auto_str struct str message = { 0 };

	str_printf(&message, "%s, %s", a->format, audit_verdict_name(a->verdict));
	for (size_t i = 0; i < a->n_reasons; i++)
		str_printf(&message, "%s %s", i == 0 ? ":" : ";", a->reasons[i]);
	for (size_t i = 0; i < a->n_paths; i++)
		sarif_result(s, &(struct sarif_result){ .rule = rule_of(a->verdict),
							.severity = SEVERITY_ERROR,
							.message = str_cstr(&message),
							.path = a->paths[i],
							.off = UINT64_MAX });
}

/* Then the audit fails, whether or not an artifact does. */
static void put_mismatches(struct sarif *s, const struct audit_report *r)
{
	for (size_t i = 0; i < r->policy->n_exceptions; i++) {
		const struct policy_exception *e = &r->policy->exceptions[i];
		auto_str struct str message = { 0 };

		if (r->uses[i] != AUDIT_MISMATCH)
			continue;
		str_printf(&message, "%s:%u: what is at \"%s\" has another SHA-256", e->place.file,
			   e->place.line, e->path);
		sarif_result(s, &(struct sarif_result){ .rule = "audit.exception",
							.severity = SEVERITY_ERROR,
							.message = str_cstr(&message),
							.path = "",
							.off = UINT64_MAX });
	}
}

void audit_put_sarif(struct sarif *s, const struct audit_report *r)
{
	put_mismatches(s, r);
	for (size_t i = 0; i < r->n_artifacts; i++) {
		if (!r->artifacts[i].pass)
			put_artifact(s, &r->artifacts[i]);
	}
	for (size_t i = 0; i < r->n_unread; i++)
		sarif_result(s, &(struct sarif_result){ .rule = "audit.unread",
							.severity = SEVERITY_ERROR,
							.message = r->unread[i].text,
							.path = r->unread[i].path,
							.off = UINT64_MAX });
}
