/* SPDX-License-Identifier: MIT */

/* Audits any bytes as an image, and reads the policy that is proposed for it. The report has to
 * keep its word: bytes of code are in one class each, and nothing passes that was not read. Under
 * the policy proposed, it passes, if all of it was read. */

#include "audit/audit.h"
#include "core/str.h"
#include "fuzz/fuzz.h"

static uint64_t sum(const struct audit_counts *c)
{
	uint64_t bytes = c->declared;

	for (unsigned i = 0; i < N_CODE_CLASSES; i++)
		bytes += c->by_class[i];
	return bytes;
}

static void check_report(const struct audit_report *r)
{
	uint64_t bytes = 0;

	fuzz_require(!r->pass || (r->n_unread == 0 && r->n_unread_lost == 0));
	for (size_t i = 0; i < r->n_artifacts; i++) {
		const struct audit_artifact *a = &r->artifacts[i];

		fuzz_require(a->n_paths > 0 && a->format);
		fuzz_require(sum(&a->counts) == a->counts.code_bytes);
		fuzz_require(a->counts.covered <= a->counts.code_bytes);
		fuzz_require(!a->object || a->object->code_bytes == a->counts.code_bytes);
		fuzz_require(a->pass || (!r->pass && a->n_reasons > 0));
		bytes += a->counts.code_bytes;
	}
	fuzz_require(bytes == r->counts.code_bytes && sum(&r->counts) == bytes);
}

/* Returns the report, or NULL when the audit could not be made. */
static struct audit_report *audit(struct rimg_image *image, const struct policy *policy)
{
	struct audit_report *r = NULL;
	struct rimg_error err;
	int rc = audit_run(rimg_image_root(image), policy, NULL, &r, &err);

	fuzz_require(rc == 0 ? r != NULL : rc == -err.code && err.code != RIMG_E_INTERNAL);
	if (rc == 0)
		check_report(r);
	return r;
}

static void check_proposal(struct rimg_image *image, const struct audit_report *r)
{
	struct policy policy = { 0 };
	struct audit_report *again;
	struct str text = { 0 };
	struct rimg_error err;

	if (audit_propose(r, &text, &err) == 0) {
		fuzz_require(policy_read(&policy, str_cstr(&text), text.len, "proposed", &err) ==
			     0);
		again = audit(image, &policy);
		fuzz_require(!again || again->pass == (r->n_unread == 0));
		audit_free(again);
		policy_done(&policy);
	}
	str_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rimg_ctx *ctx = fuzz_ctx();
	struct rimg_source *src = rimg_source_open_memory(data, len, "fuzz");
	struct rimg_image *image = ctx && src ? rimg_image_open(ctx, src, "fuzz", NULL) : NULL;
	struct audit_report *r;
	struct policy policy;

	policy_init(&policy);
	if (image) {
		r = audit(image, &policy);
		if (r)
			check_proposal(image, r);
		audit_free(r);
		rimg_image_free(image);
	}
	policy_done(&policy);
	return 0;
}
