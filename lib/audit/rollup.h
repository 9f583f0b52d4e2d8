/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_ROLLUP_H
#define AUDIT_ROLLUP_H

#include "audit/walk.h"

/* What the parts of the roll-up share: rollup.c decides, reasons.c puts it into words. */

/** rollup_add_reason - one more reason, in the report's arena; 0 or -RIMG_E_NOMEM */
__attribute__((format(printf, 3, 4))) int
rollup_add_reason(struct audit_report *r, struct audit_artifact *a, const char *fmt, ...);

/** rollup_explain - set reasons and evidence of an artifact that is decided; 0 or -RIMG_E_NOMEM */
int rollup_explain(struct audit_report *r, struct audit_artifact *a);

/** rollup_percent - millionths as text, "98.5": never rounded up */
#define ROLLUP_PERCENT_LEN 16
const char *rollup_percent(uint32_t share, char buf[ROLLUP_PERCENT_LEN]);

#endif
