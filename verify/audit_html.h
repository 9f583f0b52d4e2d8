/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_AUDIT_HTML_H
#define VERIFY_AUDIT_HTML_H

#include "core/html.h"
#include "verify/audit_report.h"

/* What the parts of an audit's page share: audit_html.c is the page, audit_html_bar.c draws
 * classes, audit_html_code.c shows artifacts and their code. */

/**
 * struct audit_page - a page while it is written
 * @h:        what is written to now
 * @detailed: for each artifact of the report, whether it has a place on the page
 */
struct audit_page {
	struct html h;
	const struct audit_report *r;
	const struct audit_view *view;
	bool *detailed;
	size_t n_left; /* artifacts that have none */
};

/** audit_foreign - bytes that are surely not Cranelift's, and not declared */
uint64_t audit_foreign(const struct audit_counts *c);

/** audit_bar - the classes of code as a bar with letters; nothing where there is no code */
void audit_bar(struct html *h, const struct audit_counts *c, unsigned width);

/** audit_legend - what letters and colours of bars mean, with the bytes of each class */
void audit_legend(struct html *h, const struct audit_counts *c);

/** audit_bar_style - rules for the stylesheet */
extern const char audit_bar_style[];

/** audit_path - the first path of an artifact, or the address when it is that itself */
void audit_path(struct audit_page *p, const char *path);

/** audit_put_details - every artifact, folded, until the page is full; sets p->detailed; 0 or a
 * code */
int audit_put_details(struct audit_page *p, struct rimg_error *err);

/** audit_put_rules - all rules with their notes; names of rules on the page lead to them */
void audit_put_rules(struct html *h);

#endif
