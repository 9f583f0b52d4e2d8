/* SPDX-License-Identifier: MIT */
#include "core/zeros.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/owner.h"
#include "core/source.h"

#define CHUNK ((size_t)256 << 10)

enum kind { KIND_FREE, KIND_PADDING, KIND_GAP, N_KINDS };

static const char *const kind_names[N_KINDS] = {
	[KIND_FREE] = "free space",
	[KIND_PADDING] = "padding",
	[KIND_GAP] = "gaps between structures",
};

/** struct hits - bytes other than zero in one kind of space */
struct hits {
	uint64_t n;
	uint64_t first; /* in the layer */
	struct rimg_node *node;
};

struct scan {
	struct rimg_layer *l;
	uint8_t *buf;
	struct hits hits[N_KINDS];
	uint64_t n_read;
};

static bool kind_of(const struct rimg_layer *l, const struct claim *c, enum kind *ret)
{
	if (c->node->role == RIMG_ROLE_GAP)
		*ret = KIND_GAP;
	else if (c->cause == RIMG_CAUSE_FREE_SPACE)
		*ret = KIND_FREE;
	else if (c->cause == RIMG_CAUSE_PADDING && !l->opaque_places)
		*ret = KIND_PADDING;
	else
		return false;
	return true;
}

static uint64_t count_nonzero(const uint8_t *data, uint64_t len)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < len; i++)
		n += data[i] != 0;
	return n;
}

/* Offset of the first byte of @data that is not zero; @len if there is none. */
static size_t first_nonzero(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (len - i >= 64) {
		uint64_t w[8];

		memcpy(w, data + i, sizeof(w));
		if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
			break;
		i += sizeof(w);
	}
	while (i < len && data[i] == 0)
		i++;
	return i;
}

/* Does an attribute give the bytes a meaning, though the claim around it is padding? */
static bool has_meaning(const struct owner *o, enum kind kind)
{
	return kind == KIND_PADDING && o->attr && o->attr->cause != RIMG_CAUSE_PADDING &&
	       o->attr->cause != RIMG_CAUSE_FREE_SPACE;
}

/* One piece of a claim that is in memory; @off: of its first byte. */
static void judge(struct scan *s, const struct claim *c, enum kind kind, uint64_t off, size_t len)
{
	struct hits *h = &s->hits[kind];

	for (size_t i = first_nonzero(s->buf, len); i < len;
	     i += first_nonzero(s->buf + i, len - i)) {
		uint64_t run = len - i;

		if (kind == KIND_PADDING) {
			struct owner o = owner_at(s->l->root->parent, off + i, NULL);

			run = num_min(run, o.len);
			if (has_meaning(&o, kind)) {
				i += (size_t)run;
				continue;
			}
		}
		if (h->n == 0) {
			h->first = off + i;
			h->node = c->node;
		}
		h->n += count_nonzero(s->buf + i, run);
		i += (size_t)run;
	}
}

/* What the layer is stored in is damaged here, which is said once for each claim. */
static void unreadable(struct scan *s, const struct claim *c, uint64_t off, uint64_t len,
		       const struct rimg_error *why)
{
	layer_finding(s->l, SEVERITY_ERROR, "layer.unreadable", c->node, off, len,
		      "expected to read the %s, found damage: %s", c->what, why->text);
}

static int scan_claim(struct scan *s, const struct claim *c, enum kind kind, struct rimg_error *err)
{
	uint64_t off = c->off, end = c->off + c->len;

	for (;;) {
		struct rimg_error why;
		size_t n;
		int rc;

		off = source_next_data(s->l->src, off);
		if (off >= end)
			return 0;
		n = (size_t)num_min(end - off, CHUNK);
		rc = rimg_source_read(s->l->src, off, s->buf, n, &why);
		if (rc == -RIMG_E_BAD) {
			unreadable(s, c, off, end - off, &why);
			return 0;
		}
		if (rc < 0) {
			if (err)
				*err = why;
			return rc;
		}
		s->n_read += n;
		judge(s, c, kind, off, n);
		off += n;
	}
}

int zeros_check(struct rimg_layer *l, enum severity severity, uint64_t *ret_read,
		struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(CHUNK);
	struct scan s = { .l = l, .buf = buf };

	if (!buf)
		return error_nomem(err);
	for (size_t i = 0; i < l->n_claims; i++) {
		enum kind kind;
		int rc = kind_of(l, &l->claims[i], &kind) ? scan_claim(&s, &l->claims[i], kind, err)
							  : 0;

		if (rc < 0)
			return rc;
	}
	*ret_read += s.n_read;
	for (size_t i = 0; i < N_KINDS; i++) {
		const struct hits *h = &s.hits[i];

		if (h->n > 0)
			layer_finding(l, severity, "layer.not-zero", h->node, h->first, 1,
				      "expected zeros in %s, found %" PRIu64
				      " other bytes, the first here",
				      kind_names[i], h->n);
	}
	return 0;
}
