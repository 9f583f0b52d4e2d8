/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/pkgar.h"

/* Where the contents lie. No byte has two owners: else a small archive could hold any number of
 * large files, each to be read, unpacked and looked into. */

/* Cuts what the entry claims to what there is; a finding tells. */
static void cut(struct pkgar *p, struct pkgar_entry *e)
{
	e->off = p->size;
	e->lies = e->stored_field == 0;
	if (e->stored_field == 0) /* no bytes have no place, wherever the offset points */
		return;
	if (num_add(p->data_off, e->offset_field, &e->off) && e->off < p->size)
		e->stored = num_min(e->stored_field, p->size - e->off);
	e->lies = e->stored == e->stored_field;
	if (!e->lies && !p->head)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.range", e->node,
			      e->at + PKGAR_OFFSET_OFF, 16,
			      "expected contents inside the archive, found %" PRIu64
			      " bytes at %" PRIu64 " of its data, which has %" PRIu64,
			      e->stored_field, e->offset_field,
			      p->size > p->data_off ? p->size - p->data_off : 0);
}

static int compare_places(const void *pa, const void *pb)
{
	const struct pkgar_entry *a = *(struct pkgar_entry *const *)pa;
	const struct pkgar_entry *b = *(struct pkgar_entry *const *)pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static void refuse_overlap(struct pkgar *p, struct pkgar_entry *e, const struct pkgar_entry *owner)
{
	auto_str struct str path = { 0 };

	if (p->l->n_findings < p->l->image->ctx->limits.findings)
		node_add_path(&path, owner->node);
	layer_finding(p->l, SEVERITY_ERROR, "pkgar.overlap", e->node, e->off, e->stored,
		      "expected contents of its own, found bytes of \"%s\" among them",
		      str_cstr(&path));
	e->lies = false;
	e->stored = 0;
}

static void check_gap(struct pkgar *p, uint64_t end, uint64_t next)
{
	if (next <= end)
		return;
	if (next == p->size)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.trailing", NULL, end, next - end,
			      "expected the end of the archive behind the last contents, found "
			      "%" PRIu64 " bytes more",
			      next - end);
	else
		layer_finding(p->l, SEVERITY_WARNING, "pkgar.gap", NULL, end, next - end,
			      "expected contents one after the other, found %" PRIu64
			      " bytes that are no entry's",
			      next - end);
}

/* What installers keep of a package is its header and table. One finding will do for all contents.
 * Facts: docs/formats/pkgar.md, "Heads". */
static void check_head(struct pkgar *p)
{
	uint64_t missing = 0;

	for (size_t i = 0; i < p->n; i++)
		missing += p->entries[i].stored_field > 0;
	p->head = missing > 0 && !p->untrusted && p->size == p->data_off;
	if (p->head)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.head", NULL, 0, 0,
			      "expected contents behind the table, found the end: the head of a "
			      "package, without the contents of %" PRIu64 " entries",
			      missing);
}

/* Facts: docs/formats/pkgar.md, "Checks". */
int pkgar_place(struct pkgar *p)
{
	auto_free struct pkgar_entry **order = calloc(p->n + 1, sizeof(*order));
	const struct pkgar_entry *owner = NULL;
	uint64_t end = p->data_off;
	size_t n = 0;

	if (!order)
		return -RIMG_E_NOMEM;
	check_head(p);
	for (size_t i = 0; i < p->n; i++) {
		cut(p, &p->entries[i]);
		if (p->entries[i].stored > 0)
			order[n++] = &p->entries[i];
	}
	if (n > 0)
		qsort(order, n, sizeof(*order), compare_places);
	for (size_t i = 0; i < n; i++) {
		struct pkgar_entry *e = order[i];

		if (owner && e->off < end) {
			refuse_overlap(p, e, owner);
			continue;
		}
		check_gap(p, end, e->off);
		end = e->off + e->stored;
		owner = e;
	}
	check_gap(p, end, p->size);
	return 0;
}
