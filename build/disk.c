/* SPDX-License-Identifier: MIT */
#include "build/disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "build/output.h"
#include "build/selfcheck.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/layer.h"
#include "formats/gpt.h"

bool disk_type(const char *text, uint8_t ret[16])
{
	for (const struct gpt_type *t = gpt_types; t->name; t++)
		if (strcmp(t->name, text) == 0) {
			memcpy(ret, t->guid, 16);
			return true;
		}
	return output_uuid(text, ret);
}

static struct emit_request request(const struct disk *d, const struct disk_part *part)
{
	struct emit_request rq = { .ctx = d->ctx, .epoch = d->epoch, .layer_name = "disk" };

	memcpy(rq.seed, d->seed, sizeof(rq.seed));
	rq.uuid = d->guid;
	if (part) {
		rq.layer_name = part->gpt.name;
		rq.tree = part->tree;
		rq.compression = part->compression;
		rq.uuid = part->uuid;
	}
	return rq;
}

static uint64_t part_off(const struct disk_part *part)
{
	return part->gpt.first_lba * GPT_SECTOR;
}

static uint64_t part_len(const struct disk_part *part)
{
	return (part->gpt.last_lba - part->gpt.first_lba + 1) * GPT_SECTOR;
}

/* Put the partition's name before what went wrong in it. */
static int in_partition(const struct disk_part *part, int rc, struct rimg_error *err)
{
	char text[sizeof(err->text)];

	if (rc == 0 || !err)
		return rc;
	snprintf(text, sizeof(text), "%s", err->text);
	snprintf(err->text, sizeof(err->text), "partition \"%.64s\": %.400s", part->gpt.name, text);
	return rc;
}

static int write_part(const struct disk *d, const struct disk_part *part, struct sink *slice,
		      struct rimg_error *err)
{
	struct emit_request rq = request(d, part);
	const struct rimg_emitter *emitter;

	if (!part->format && !part->raw)
		return 0;
	if (!part->format && rimg_source_size(part->raw) > part_len(part))
		return error_set(err, RIMG_E_LIMIT, NULL,
				 "has %" PRIu64 " bytes, its contents have %" PRIu64,
				 part_len(part), rimg_source_size(part->raw));
	if (!part->format)
		return sink_copy(slice, 0, part->raw, err);
	emitter = emitter_find(part->format);
	if (!emitter)
		return error_set(err, RIMG_E_UNSUPPORTED, NULL, "%s cannot be written",
				 part->format);
	return emitter->emit(&rq, slice, err);
}

int disk_write(const struct disk *d, struct sink *sink, struct rimg_error *err)
{
	struct emit_request rq = request(d, NULL);
	auto_free struct gpt_partition *table = calloc(d->n_parts + 1, sizeof(*table));
	auto_with(arena_done) struct arena slices;
	int rc;

	arena_init(&slices, 0);
	if (!table)
		return error_nomem(err);
	for (size_t i = 0; i < d->n_parts; i++)
		table[i] = d->parts[i].gpt;
	rc = gpt_emit(&rq, table, d->n_parts, sink, err);
	for (size_t i = 0; i < d->n_parts && rc == 0; i++) {
		const struct disk_part *part = &d->parts[i];
		struct sink *slice = sink_slice(&slices, sink, part_off(part), part_len(part));

		if (!slice)
			return error_nomem(err);
		rc = in_partition(part, write_part(d, part, slice, err), err);
	}
	return rc;
}

/* ---- self-check --------------------------------------------------------------------------- */

static int check_table(const struct disk *d, struct rimg_layer *l, const char *name,
		       struct rimg_error *err)
{
	size_t n = 0;
	int rc = l->format->check(l, err); /* libfdisk's opinion is part of it */

	if (rc < 0)
		return rc;
	if (l->n_findings > 0)
		return error_at(err, RIMG_E_INTERNAL, name, l->findings[0].off,
				"the table that was written is not sound (%s [%s]); nothing was "
				"kept; please report this",
				l->findings[0].text, l->findings[0].code);
	rimg_for_each_child(node, l->root) {
		if (node->role != RIMG_ROLE_PARTITION)
			continue;
		if (n == d->n_parts ||
		    node_attr_u64(node, "first_lba", 0) != d->parts[n].gpt.first_lba ||
		    node_attr_u64(node, "last_lba", 0) != d->parts[n].gpt.last_lba)
			break;
		n++;
	}
	if (n != d->n_parts)
		return error_set(
			err, RIMG_E_INTERNAL, name,
			"the partitions that were written are not the planned ones; nothing "
			"was kept; please report this");
	return 0;
}

static int check_part(const struct disk *d, const struct disk_part *part, struct arena *a,
		      const struct rimg_source *back, const char *name, struct rimg_error *err)
{
	struct emit_request rq = request(d, part);
	const struct rimg_source *slice;

	if (!part->format)
		return 0;
	slice = source_slice(a, back, part_off(part), part_len(part));
	if (!slice)
		return error_nomem(err);
	return selfcheck_tree(&rq, slice, name, part->format, err);
}

int disk_selfcheck(const struct disk *d, struct sink *sink, const char *name,
		   struct rimg_error *err)
{
	const struct rimg_source *back = sink_source(sink, err);
	struct rimg_image *image = back ? image_open_part(d->ctx, back, name, err) : NULL;
	struct rimg_layer *l;
	int rc;

	if (!image)
		return -RIMG_E_IO;
	rc = node_open(rimg_image_root(image), &l, err);
	if (rc == 0 && (!l || strcmp(layer_format_name(l), "gpt") != 0))
		rc = error_set(err, RIMG_E_INTERNAL, name,
			       "no partition table is recognised in what was written; nothing was "
			       "kept; please report this");
	if (rc == 0)
		rc = check_table(d, l, name, err);
	for (size_t i = 0; i < d->n_parts && rc == 0; i++) {
		const struct disk_part *part = &d->parts[i];

		rc = in_partition(part, check_part(d, part, &image->arena, back, name, err), err);
	}
	rimg_image_free(image);
	return rc;
}
