/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_REBUILD_REPORT_H
#define VERIFY_REBUILD_REPORT_H

#include <stdio.h>

#include <rimg/diff.h>

#include "core/jsonw.h"
#include "verify/rebuild.h"

/** rebuild_put_log - the end of what a failed build printed, made harmless; nothing if none failed
 */
void rebuild_put_log(FILE *out, const struct rebuild_result *r);

/** rebuild_put_text - the verdict, what was varied, who is to blame; @diff may be NULL */
void rebuild_put_text(FILE *out, const struct rebuild_result *r, uint32_t wanted,
		      const struct rimg_diff *diff);

/**
 * rebuild_put_json - the same as members of the object that @w is in
 * @wanted: bits of enum vary_id that were asked for; the others are not told
 */
void rebuild_put_json(struct jsonw *w, const struct rebuild_result *r, uint32_t wanted,
		      const struct rimg_diff *diff);

#endif
