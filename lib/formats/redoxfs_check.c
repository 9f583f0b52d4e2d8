/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "formats/redoxfs_read.h"

/* What opening does not look at: the records, and blocks that were lost. */

#define BATCH 1024 /* records verified before their findings are recorded */

struct outcome {
	int rc;
	struct redoxfs_unpacked unpacked;
	bool slack_zero; /* behind the end of the file, in what was unpacked */
	struct rimg_error err;
};

/* Packed records that hold something behind the end of their file; one finding tells of all, as
 * upstream leaves them. */
struct stale {
	const struct redoxfs_record *first;
	uint64_t n;
};

struct batch {
	const struct redoxfs *fs;
	const struct redoxfs_record *records;
	struct outcome *outcomes;
};

static uint64_t level_bytes(unsigned level)
{
	return (uint64_t)REDOXFS_BLOCK << level;
}

static uint64_t unpacked_bytes(struct redoxfs_ptr ptr)
{
	unsigned packed = redoxfs_ptr_packed(ptr);

	return level_bytes(packed ? packed : redoxfs_ptr_level(ptr));
}

static void verify_one(void *arg, size_t i)
{
	struct batch *b = arg;
	struct redoxfs_ptr ptr = b->records[i].ptr;
	struct outcome *o = &b->outcomes[i];
	uint64_t len = unpacked_bytes(ptr);
	auto_free uint8_t *buf = malloc((size_t)len);

	o->unpacked = (struct redoxfs_unpacked){ .full = true, .tail_zero = true };
	o->slack_zero = true;
	if (!buf) {
		o->rc = error_nomem(&o->err);
		return;
	}
	o->rc = redoxfs_record_verify(b->fs->data, redoxfs_off(b->fs, redoxfs_ptr_index(ptr)),
				      level_bytes(redoxfs_ptr_level(ptr)), ptr.hash,
				      redoxfs_ptr_packed(ptr), buf, (size_t)len, &o->unpacked,
				      &o->err);
	/* of a plain record these bytes can be seen where they are stored */
	if (o->rc == 0 && redoxfs_ptr_packed(ptr) != 0 && b->records[i].len > 0)
		o->slack_zero =
			mem_is_zero(buf + b->records[i].len, (size_t)len - b->records[i].len);
}

/* 0, or a code that ends the work. */
static int judge(struct redoxfs *fs, const struct redoxfs_record *record, const struct outcome *o,
		 struct stale *stale)
{
	uint64_t off = redoxfs_off(fs, redoxfs_ptr_index(record->ptr));
	uint64_t len = level_bytes(redoxfs_ptr_level(record->ptr));

	if (o->rc == -RIMG_E_BAD || o->rc == -RIMG_E_TRUNCATED) {
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.record", record->node, off, len, "%s",
			      o->err.text);
		return 0;
	}
	if (o->rc < 0) {
		if (fs->err)
			*fs->err = o->err;
		return o->rc;
	}
	if (!o->unpacked.full)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.record-length", record->node, off,
			      len,
			      "expected a record that unpacks to %" PRIu64 " bytes, found fewer",
			      unpacked_bytes(record->ptr));
	if (!o->unpacked.tail_zero)
		layer_finding(
			fs->l, SEVERITY_WARNING, "redoxfs.padding", record->node, off, len,
			"expected zeros behind the packed data of a record, found other bytes");
	if (!o->slack_zero && stale->n++ == 0)
		stale->first = record;
	if (record->len == 0)
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.record-past-end", record->node, off,
			      len, "expected no record past the end of the file, found one");
	return 0;
}

static void tell_stale(struct redoxfs *fs, const struct stale *stale)
{
	const struct redoxfs_record *r = stale->first;

	if (stale->n > 0)
		layer_finding(
			fs->l, SEVERITY_WARNING, "layer.not-zero", r->node,
			redoxfs_off(fs, redoxfs_ptr_index(r->ptr)),
			level_bytes(redoxfs_ptr_level(r->ptr)),
			"expected zeros behind the end of a file in its packed records, found "
			"other bytes in %" PRIu64 ", the first here",
			stale->n);
}

static int check_records(struct redoxfs *fs)
{
	auto_free struct outcome *outcomes = calloc(BATCH, sizeof(*outcomes));
	struct stale stale = { 0 };

	if (!outcomes)
		return error_nomem(fs->err);
	for (size_t done = 0; done < fs->n_records; done += BATCH) {
		size_t n = (size_t)num_min(BATCH, fs->n_records - done);
		struct batch b = { .fs = fs, .records = fs->records + done, .outcomes = outcomes };

		pool_for(fs->l->image->ctx->threads, n, verify_one, &b);
		for (size_t i = 0; i < n; i++) {
			int rc = judge(fs, &b.records[i], &outcomes[i], &stale);

			if (rc < 0)
				return rc;
		}
	}
	tell_stale(fs, &stale);
	return 0;
}

/* Block 256 is always lost; others are what upstream forgets to free. */
static void check_lost(struct redoxfs *fs)
{
	uint64_t n = 0, first = 0, end;

	if (!fs->alloc_sound || fs->incomplete)
		return;
	for (uint64_t i = REDOXFS_UNUSED_BLOCK + 1; i < fs->n_blk; i = end) {
		uint64_t seen_end = blockset_next(&fs->seen, i, true);

		end = num_min(seen_end, blockset_next(&fs->free, i, true));
		if (end > i) {
			first = n == 0 ? i : first;
			n += end - i;
			continue;
		}
		end = blockset_has(&fs->seen, i) ? blockset_next(&fs->seen, i, false)
						 : blockset_next(&fs->free, i, false);
	}
	if (n > 0)
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.block-lost", fs->unreachable,
			      redoxfs_off(fs, first), REDOXFS_BLOCK,
			      "expected every block in use to be reachable, found %" PRIu64
			      " that are not, the first is block %" PRIu64,
			      n, first);
}

int redoxfs_check(struct rimg_layer *l, struct rimg_error *err)
{
	struct redoxfs *fs = l->priv;
	int rc;

	if (!fs)
		return 0;
	fs->err = err;
	rc = check_records(fs);
	if (rc == 0)
		check_lost(fs);
	fs->err = NULL;
	return rc;
}
