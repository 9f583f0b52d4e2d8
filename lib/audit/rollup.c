/* SPDX-License-Identifier: MIT */
#include "audit/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "audit/prebuilt.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"

/* Of two compilers in one program the smaller is not noise above this share, in parts of a hundred:
 * telling LLVM from GCC swaps one or two. */
#define NOISE 5U

const char *audit_verdict_name(enum audit_verdict verdict)
{
	static const char *const names[AUDIT_N_VERDICTS] = {
		[AUDIT_CRANELIFT] = "cranelift",
		[AUDIT_LLVM] = "llvm",
		[AUDIT_GCC] = "gcc",
		[AUDIT_ASM] = "asm",
		[AUDIT_MIXED] = "mixed",
		[AUDIT_UNKNOWN] = "unknown",
		[AUDIT_DECLARED] = "declared",
		[AUDIT_NO_CODE] = "no-code",
	};

	return names[verdict];
}

/* *rest + @more, both less than @all: is that @all or above? *rest becomes what is over. */
static uint32_t add_below(uint64_t *rest, uint64_t more, uint64_t all)
{
	bool above = *rest >= all - more;

	*rest = above ? *rest - (all - more) : *rest + more;
	return above;
}

/* part * POLICY_ONE / all, rounded down, bit by bit: not every machine has numbers that wide.
 * Padding counts on neither side: a large gap would make up for any code. */
uint32_t audit_share(const struct audit_counts *counts)
{
	uint64_t pad = counts->by_class[CODE_PAD], rest = 0;
	uint64_t part = counts->covered - pad, all = counts->code_bytes - pad;
	uint32_t share = 0;

	if (part >= all)
		return POLICY_ONE;
	for (uint32_t bit = UINT32_C(1) << 31; bit > 0; bit >>= 1) {
		share = 2 * share + add_below(&rest, rest, all);
		if (POLICY_ONE & bit)
			share += add_below(&rest, part, all);
	}
	return share;
}

/* ---- exceptions by hash --------------------------------------------------------------------- */

struct hashed {
	const uint8_t *sha256;
	size_t index; /* of the policy's exception */
};

/* The exceptions of one kind, sorted by hash, then as they stand in the file. */
struct hashes {
	struct hashed *v;
	size_t n;
};

struct judge {
	struct audit_work *w;
	struct audit_report *r;
	struct hashes artifacts, code;
	uint8_t **digests; /* of each artifact: of all its pieces, those that need one are set */
	struct rimg_error *errors;
	int *rcs;
};

static void judge_done(struct judge *j)
{
	for (size_t i = 0; j->digests && i < j->r->n_artifacts; i++)
		free(j->digests[i]);
	free(j->digests);
	free(j->errors);
	free(j->rcs);
	free(j->artifacts.v);
	free(j->code.v);
}

static int compare_hashed(const void *pa, const void *pb)
{
	const struct hashed *a = pa, *b = pb;
	int order = memcmp(a->sha256, b->sha256, SHA256_LEN);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int sort_exceptions(const struct policy *p, bool code, struct hashes *ret)
{
	ret->v = calloc(p->n_exceptions + 1, sizeof(*ret->v));
	if (!ret->v)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < p->n_exceptions; i++)
		if (p->exceptions[i].is_code == code)
			ret->v[ret->n++] = (struct hashed){ p->exceptions[i].sha256, i };
	qsort(ret->v, ret->n, sizeof(*ret->v), compare_hashed);
	return 0;
}

/* The first one of a hash; h->n if there is none. */
static size_t first_of(const struct hashes *h, const uint8_t *sha256)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(h->v[mid].sha256, sha256, SHA256_LEN) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < h->n && memcmp(h->v[low].sha256, sha256, SHA256_LEN) == 0 ? low : h->n;
}

static bool is_of(const struct hashes *h, size_t i, const uint8_t *sha256)
{
	return i < h->n && memcmp(h->v[i].sha256, sha256, SHA256_LEN) == 0;
}

/* ---- from contents to artifacts ------------------------------------------------------------- */

static int compare_paths(const void *pa, const void *pb)
{
	return strcmp(*(const char *const *)pa, *(const char *const *)pb);
}

static int take_content(struct audit_report *r, struct audit_content *c, struct audit_artifact *a)
{
	const char **paths = arena_array(&r->arena, c->n_paths, sizeof(char *));
	size_t n = c->object ? c->object->n_pieces : 0;

	if (!paths)
		return -RIMG_E_NOMEM;
	memcpy(paths, c->paths, c->n_paths * sizeof(char *));
	qsort(paths, c->n_paths, sizeof(char *), compare_paths);
	*a = (struct audit_artifact){ .paths = paths,
				      .n_paths = c->n_paths,
				      .content = c->src,
				      .kind = c->kind,
				      .format = c->found_format,
				      .object = c->object,
				      .unopened = c->declared,
				      .hidden = c->origin == AUDIT_FROM_SCAN };
	memcpy(a->sha256, c->sha256, SHA256_LEN);
	a->pieces = arena_array(&r->arena, n ? n : 1, sizeof(*a->pieces));
	if (!a->pieces)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < n; i++)
		a->pieces[i].cls = c->object->pieces[i].cls;
	return 0;
}

static int take_contents(struct judge *j)
{
	struct audit_work *w = j->w;
	struct audit_report *r = j->r;

	r->artifacts = calloc(w->n_contents + 1, sizeof(*r->artifacts));
	if (!r->artifacts)
		return -RIMG_E_NOMEM;
	r->objects = calloc(w->n_contents + 1, sizeof(*r->objects));
	if (!r->objects)
		return -RIMG_E_NOMEM;
	/* from here on they are the report's */
	for (size_t i = 0; i < w->n_contents; i++)
		if (w->contents[i].object && !w->contents[i].own_object)
			r->objects[r->n_objects++] = w->contents[i].object;
	for (size_t i = 0; i < w->n_contents; i++) {
		struct audit_content *c = &w->contents[i];

		if (!c->artifact || c->same != i || c->rc < 0)
			continue;
		if (take_content(r, c, &r->artifacts[r->n_artifacts]) < 0)
			return -RIMG_E_NOMEM;
		r->n_artifacts++;
	}
	return 0;
}

/* ---- pieces --------------------------------------------------------------------------------- */

static enum audit_standing standing_of(const struct policy *p, enum code_class cls)
{
	if (cls == CODE_PAD || p->allow[cls])
		return AUDIT_ALLOWED;
	return cls == CODE_ASM || cls == CODE_UNKNOWN ? AUDIT_UNCOVERED : AUDIT_REFUSED;
}

static bool needs_digest(const struct judge *j, const struct audit_artifact *a, size_t i)
{
	const struct code_piece *piece = &a->object->pieces[i];

	if (j->r->prebuilt && piece->len >= PREBUILT_MIN && piece->cls != CODE_PAD)
		return true;
	return j->code.n > 0 && standing_of(j->r->policy, piece->cls) != AUDIT_ALLOWED;
}

/* A slot of a thread: the digests of one artifact's pieces. */
static void digest_pieces(void *arg, size_t k)
{
	struct judge *j = arg;
	const struct audit_artifact *a = &j->r->artifacts[k];
	size_t n = a->object ? a->object->n_pieces : 0;
	bool any = false;

	for (size_t i = 0; i < n && !any; i++)
		any = needs_digest(j, a, i);
	if (!any)
		return;
	j->digests[k] = calloc(n, SHA256_LEN);
	if (!j->digests[k])
		j->rcs[k] = error_nomem(&j->errors[k]);
	for (size_t i = 0; i < n && j->rcs[k] == 0; i++)
		if (needs_digest(j, a, i))
			j->rcs[k] = code_piece_digest(
				a->content, a->object->arch, &a->object->pieces[i],
				j->digests[k] + i * SHA256_LEN, &j->errors[k]);
}

static void judge_piece(struct judge *j, struct audit_artifact *a, size_t i, const uint8_t *digest)
{
	struct audit_piece *piece = &a->pieces[i];
	enum code_class cls;
	size_t at;

	if (digest && j->r->prebuilt && a->object->pieces[i].len >= PREBUILT_MIN &&
	    piece->cls != CODE_PAD) {
		piece->origin = prebuilt_function(j->r->prebuilt, digest, &cls);
		if (piece->origin > 0)
			piece->cls = (uint8_t)cls;
	}
	piece->standing = (uint8_t)standing_of(j->r->policy, piece->cls);
	if (piece->standing == AUDIT_ALLOWED || !digest)
		return;
	for (at = first_of(&j->code, digest); is_of(&j->code, at, digest); at++) {
		piece->standing = AUDIT_EXCEPTED;
		j->r->uses[j->code.v[at].index] = AUDIT_USED;
	}
}

static void count_piece(struct audit_counts *counts, const struct audit_piece *piece, uint64_t len)
{
	counts->code_bytes += len;
	if (piece->standing == AUDIT_EXCEPTED)
		counts->declared += len;
	else
		counts->by_class[piece->cls] += len;
	if (piece->standing == AUDIT_EXCEPTED || piece->standing == AUDIT_ALLOWED)
		counts->covered += len;
}

static void judge_pieces(struct judge *j, struct audit_artifact *a, const uint8_t *digests)
{
	for (size_t i = 0; a->object && i < a->object->n_pieces; i++) {
		judge_piece(j, a, i, digests ? digests + i * SHA256_LEN : NULL);
		if (a->exception > 0)
			a->pieces[i].standing = AUDIT_EXCEPTED;
		count_piece(&a->counts, &a->pieces[i], a->object->pieces[i].len);
	}
}

/* ---- whole artifacts ------------------------------------------------------------------------ */

/* Is this place of the artifact declared? Marks what declares it. */
static bool path_declared(struct judge *j, struct audit_artifact *a, const char *path)
{
	const struct policy *p = j->r->policy;
	bool found = false;

	for (size_t at = first_of(&j->artifacts, a->sha256); is_of(&j->artifacts, at, a->sha256);
	     at++) {
		size_t index = j->artifacts.v[at].index;
		const char *pattern = p->exceptions[index].path;

		if (pattern && !policy_path_fits(pattern, path))
			continue;
		found = true;
		j->r->uses[index] = AUDIT_USED;
		if (a->exception == 0)
			a->exception = index + 1;
	}
	return found;
}

/* An exception holds where it says: each place of the artifact needs one. */
static int declare(struct judge *j, struct audit_artifact *a)
{
	const char *missing = NULL;

	for (size_t i = 0; i < a->n_paths; i++)
		if (!path_declared(j, a, a->paths[i]) && !missing)
			missing = a->paths[i];
	if (a->exception == 0 || !missing)
		return 0;
	a->exception = 0;
	return rollup_add_reason(j->r, a, "declared elsewhere, but not at \"%s\"", missing);
}

static uint64_t bad_bytes(const struct audit_artifact *a)
{
	const uint64_t *b = a->counts.by_class;

	return b[CODE_LLVM] + b[CODE_GCC] + b[CODE_FOREIGN] + b[CODE_CONFLICT];
}

/* Of code without Cranelift's, in which compilers had a part. */
static enum audit_verdict other_verdict(const uint64_t *b)
{
	uint64_t both = b[CODE_LLVM] + b[CODE_GCC], less = num_min(b[CODE_LLVM], b[CODE_GCC]);

	if (both == 0)
		return AUDIT_UNKNOWN;
	if (less > both / 100 * NOISE)
		return AUDIT_MIXED;
	return b[CODE_LLVM] > b[CODE_GCC] ? AUDIT_LLVM : AUDIT_GCC;
}

static enum audit_verdict verdict_of(const struct policy *p, const struct audit_artifact *a)
{
	const uint64_t *b = a->counts.by_class;

	if (a->exception > 0)
		return AUDIT_DECLARED;
	if (a->kind == AUDIT_KIND_OPAQUE)
		return AUDIT_UNKNOWN;
	if (a->counts.code_bytes == b[CODE_PAD])
		return AUDIT_NO_CODE;
	if (bad_bytes(a) > 0)
		return b[CODE_CRANELIFT] > 0 ? AUDIT_MIXED : other_verdict(b);
	if (b[CODE_CRANELIFT] > 0)
		return audit_share(&a->counts) >= p->min_coverage ? AUDIT_CRANELIFT : AUDIT_UNKNOWN;
	if (b[CODE_UNKNOWN] > 0)
		return AUDIT_UNKNOWN;
	return b[CODE_ASM] > 0 ? AUDIT_ASM : AUDIT_DECLARED;
}

static bool passes(const struct policy *p, const struct audit_artifact *a)
{
	uint64_t refused = 0;

	if (a->exception > 0)
		return true;
	if (a->unopened || (a->hidden && !p->hidden))
		return false;
	if (a->kind == AUDIT_KIND_INTERPRETED)
		return p->interpreted;
	if (a->kind == AUDIT_KIND_OPAQUE)
		return p->opaque;
	for (size_t i = 0; a->object && i < a->object->n_pieces; i++)
		refused += a->pieces[i].standing == AUDIT_REFUSED;
	return refused == 0 && audit_share(&a->counts) >= p->min_coverage;
}

static int judge_artifact(struct judge *j, size_t k)
{
	struct audit_report *r = j->r;
	struct audit_artifact *a = &r->artifacts[k];

	if (j->rcs[k] < 0) {
		if (j->w->err)
			*j->w->err = j->errors[k];
		return j->rcs[k];
	}
	if (declare(j, a) < 0)
		return -RIMG_E_NOMEM;
	if (r->prebuilt)
		a->origin = prebuilt_file(r->prebuilt, a->sha256);
	judge_pieces(j, a, j->digests[k]);
	a->verdict = verdict_of(r->policy, a);
	a->pass = passes(r->policy, a);
	r->counts.code_bytes += a->counts.code_bytes;
	r->counts.declared += a->counts.declared;
	r->counts.covered += a->counts.covered;
	for (unsigned i = 0; i < N_CODE_CLASSES; i++)
		r->counts.by_class[i] += a->counts.by_class[i];
	r->pass &= a->pass;
	return rollup_explain(r, a);
}

/* ---- the report ----------------------------------------------------------------------------- */

/* An exception that declares nothing: is what it means there, with other bytes? */
static void judge_unused(struct audit_report *r)
{
	for (size_t i = 0; i < r->policy->n_exceptions; i++) {
		const struct policy_exception *e = &r->policy->exceptions[i];

		if (r->uses[i] != AUDIT_UNUSED || !e->path)
			continue;
		for (size_t k = 0; k < r->n_artifacts && r->uses[i] == AUDIT_UNUSED; k++)
			for (size_t n = 0; n < r->artifacts[k].n_paths; n++)
				if (policy_path_fits(e->path, r->artifacts[k].paths[n]))
					r->uses[i] = AUDIT_MISMATCH;
		r->pass &= r->uses[i] != AUDIT_MISMATCH;
	}
}

static int compare_artifacts(const void *pa, const void *pb)
{
	const struct audit_artifact *a = pa, *b = pb;
	uint64_t x = bad_bytes(a), y = bad_bytes(b);

	if (a->pass != b->pass)
		return a->pass ? 1 : -1;
	if (x != y)
		return x < y ? 1 : -1;
	x = a->counts.code_bytes - a->counts.covered;
	y = b->counts.code_bytes - b->counts.covered;
	if (x != y)
		return x < y ? 1 : -1;
	return strcmp(a->paths[0], b->paths[0]);
}

static int compare_unread(const void *pa, const void *pb)
{
	const struct audit_unread *a = pa, *b = pb;
	int order = strcmp(a->path, b->path);

	if (order == 0)
		order = strcmp(a->code ? a->code : "", b->code ? b->code : "");
	return order ? order : strcmp(a->text, b->text);
}

static int prepare(struct judge *j)
{
	struct audit_report *r = j->r;

	r->uses = calloc(r->policy->n_exceptions + 1, sizeof(*r->uses));
	if (!r->uses || take_contents(j) < 0)
		return -RIMG_E_NOMEM;
	j->digests = calloc(r->n_artifacts + 1, sizeof(*j->digests));
	j->errors = calloc(r->n_artifacts + 1, sizeof(*j->errors));
	j->rcs = calloc(r->n_artifacts + 1, sizeof(*j->rcs));
	if (!j->digests || !j->errors || !j->rcs ||
	    sort_exceptions(r->policy, false, &j->artifacts) < 0)
		return -RIMG_E_NOMEM;
	return sort_exceptions(r->policy, true, &j->code);
}

int audit_judge(struct audit_work *w)
{
	auto_with(judge_done) struct judge j = { .w = w, .r = w->report };
	struct audit_report *r = w->report;
	int rc = prepare(&j);

	if (rc < 0)
		return error_nomem(w->err);
	r->pass = r->n_unread == 0 && r->n_unread_lost == 0;
	audit_progress(w, "artifacts to be judged:", r->n_artifacts, 0);
	pool_for(w->ctx->threads, r->n_artifacts, digest_pieces, &j);
	for (size_t k = 0; k < r->n_artifacts && rc == 0; k++)
		rc = judge_artifact(&j, k);
	if (rc < 0)
		return rc == -RIMG_E_NOMEM ? error_nomem(w->err) : rc;
	judge_unused(r);
	qsort(r->artifacts, r->n_artifacts, sizeof(*r->artifacts), compare_artifacts);
	if (r->n_unread > 0)
		qsort(r->unread, r->n_unread, sizeof(*r->unread), compare_unread);
	return 0;
}
