/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_AUDIT_SARIF_H
#define VERIFY_AUDIT_SARIF_H

#include "audit/audit.h"
#include "core/sarif.h"

/* What an audit does not let pass, as results of a SARIF run. */

/** audit_rule_text - what a rule of an audit is about, or NULL if it is none */
const char *audit_rule_text(const char *rule);

/** audit_n_rules - an upper bound of what audit_rules() writes */
size_t audit_n_rules(const struct audit_report *r);

/** audit_rules - the rule of each result, for sarif_rules(); returns how many */
size_t audit_rules(const struct audit_report *r, const char **rules);

/** audit_put_sarif - a result for each path of an artifact that fails, and for what was not read */
void audit_put_sarif(struct sarif *s, const struct audit_report *r);

#endif
