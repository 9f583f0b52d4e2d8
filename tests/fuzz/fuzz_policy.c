/* SPDX-License-Identifier: MIT */

/* Policies: whatever is read allows no more than a policy can. */

#include <string.h>

#include "audit/policy.h"
#include "fuzz/fuzz.h"

static void check(const struct policy *p)
{
	static const char *const paths[] = { "", "/bin/sh", "root.img::REDOX::/bin/ls" };

	fuzz_require(!p->allow[CODE_CONFLICT] && !p->allow[CODE_UNKNOWN]);
	fuzz_require(p->min_coverage <= POLICY_ONE && p->n_exceptions <= POLICY_EXCEPTIONS);
	for (size_t i = 0; i < p->n_exceptions; i++) {
		const struct policy_exception *e = &p->exceptions[i];

		fuzz_require(e->reason && e->reason[0] != '\0');
		fuzz_require(e->cls < N_CODE_CLASSES && (e->is_code || !e->name));
		for (size_t k = 0; e->path && k < sizeof(paths) / sizeof(paths[0]); k++)
			(void)policy_path_fits(e->path, paths[k]);
		fuzz_require(!e->path || strpbrk(e->path, "*?") ||
			     policy_path_fits(e->path, e->path));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct policy p = { 0 };

	if (policy_read(&p, (const char *)data, len, "policy", NULL) == 0)
		check(&p);
	policy_done(&p);
	return 0;
}
