/* SPDX-License-Identifier: MIT */
#include "diff/report.h"

#include <fnmatch.h>

#include "core/num.h"

const enum rimg_cause *report_causes(size_t *ret_n)
{
	static const enum rimg_cause causes[] = {
		RIMG_CAUSE_CONTENT,     RIMG_CAUSE_CODEGEN,     RIMG_CAUSE_BUILD_PATH,
		RIMG_CAUSE_BUILD_ID,    RIMG_CAUSE_SYMBOL_HASH, RIMG_CAUSE_IDENTIFIER,
		RIMG_CAUSE_TIMESTAMP,   RIMG_CAUSE_UNEXPLAINED, RIMG_CAUSE_ORDERING,
		RIMG_CAUSE_COMPRESSION, RIMG_CAUSE_PLACEMENT,   RIMG_CAUSE_FREE_SPACE,
		RIMG_CAUSE_PADDING,     RIMG_CAUSE_CHECKSUM,
	};

	_Static_assert(ARRAY_LEN(causes) == RIMG_N_CAUSES, "every cause has its place");
	*ret_n = ARRAY_LEN(causes);
	return causes;
}

struct pass {
	struct report *r;
	const struct report_format *format;
	const struct report_filter *filter;
};

static bool is_wanted(const struct report_filter *f, const struct rimg_difference *x)
{
	if (f->ignored & UINT32_C(1) << x->cause)
		return false;
	if (f->n_patterns == 0)
		return true;
	/* backslashes belong to escaped names */
	for (size_t i = 0; i < f->n_patterns; i++)
		if (fnmatch(f->patterns[i], x->path, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static bool take(void *arg, const struct rimg_difference *x)
{
	struct pass *pass = arg;
	struct report *r = pass->r;

	if (!is_wanted(pass->filter, x) || (pass->filter->max && r->shown >= pass->filter->max)) {
		r->not_shown++;
		return true;
	}
	pass->format->difference(r, x);
	r->shown++;
	r->cause = x->cause;
	return true;
}

int report_write(struct report *r, const struct report_format *format, const struct rimg_diff *diff,
		 const struct report_filter *filter)
{
	struct pass pass = { .r = r, .format = format, .filter = filter };
	size_t n;
	const enum rimg_cause *causes = report_causes(&n);
	int rc = 0;

	format->begin(r);
	if (!format->by_cause)
		rc = rimg_diff_each(diff, RIMG_CAUSES_ALL, take, &pass);
	for (size_t i = 0; i < n && format->by_cause && rc == 0; i++)
		if (r->summary->by_cause[causes[i]].differences > 0)
			rc = rimg_diff_each(diff, UINT32_C(1) << causes[i], take, &pass);
	format->end(r);
	return rc;
}
