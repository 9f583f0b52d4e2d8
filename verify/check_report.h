/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_CHECK_REPORT_H
#define VERIFY_CHECK_REPORT_H

#include <stdio.h>

#include "core/jsonw.h"
#include "core/sarif.h"
#include "verify/check.h"

/* A report of check_node(), in words and as data. */

/**
 * check_put_text - a line for each problem and each unread content, then one for the whole
 * @name:    of the image, put before each path
 * @address: what was checked, which the verdict is about
 * @quiet:   only errors and what was not read, and the last line
 */
void check_put_text(FILE *out, const struct check_report *r, const char *name, const char *address,
		    bool strict, bool quiet);

/** check_put_json - "ok", "complete", "problems", "unread", "checked" of the object that is open */
void check_put_json(struct jsonw *w, const struct check_report *r, bool strict);

/**
 * check_rules - the code of each problem, for sarif_rules()
 * @codes: room for r->n_problems + 1
 *
 * Contents that were not read are of rule "check.unread".
 */
size_t check_rules(const struct check_report *r, const char **codes);

/** check_put_sarif - every problem as a result of the run that is open */
void check_put_sarif(struct sarif *s, const struct check_report *r);

#endif
