/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_AUDIT_REPORT_H
#define VERIFY_AUDIT_REPORT_H

#include <stdio.h>

#include "audit/audit.h"
#include "core/sandbox.h"

/* The outputs of `rimg verify audit`. */

/**
 * struct audit_view - how a report is shown
 * @address:   what was audited
 * @policy:    the policy's file, for pages; NULL: none was given
 * @sandbox:   what was in force; NULL: others tell that
 * @functions: also the pieces of code; as text only those that are not covered
 * @verbose:   as text: all reasons and evidence, and with @functions all pieces
 */
struct audit_view {
	const char *address;
	const char *policy;
	const struct sandbox_state *sandbox;
	bool functions;
	bool verbose;
	bool color;
};

/** audit_write_text - the worst first, a line an artifact; 0 or -RIMG_E_NOMEM */
int audit_write_text(const struct audit_report *r, const struct audit_view *view, FILE *out);

/** audit_write_json - one document, "rimg.verify-audit/1"; docs/cli.md */
int audit_write_json(const struct audit_report *r, const struct audit_view *view, FILE *out);

/**
 * audit_write_html - one self-contained page
 *
 * Bounded: what it has no room for is left out, and it says how much that is. Returns 0 or a code.
 */
__attribute__((warn_unused_result)) int audit_write_html(const struct audit_report *r,
							 const struct audit_view *view, FILE *out,
							 struct rimg_error *err);

#endif
