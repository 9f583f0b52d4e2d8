/* SPDX-License-Identifier: MIT */
#include "build/image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build/initfs_links.h"
#include "build/output.h"
#include "build/selfcheck.h"
#include "core/address.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

/* ---- messages ----------------------------------------------------------------------------- */

int image_at(struct json_place place, int rc, struct rimg_error *err)
{
	char where[sizeof(err->where)], text[sizeof(err->text)];

	if (rc == 0 || !err || !place.file)
		return rc;
	snprintf(where, sizeof(where), "%.300s:%" PRIu32, place.file, place.line);
	if (err->where[0])
		snprintf(text, sizeof(text), "%.200s: %.300s", err->where, err->text);
	else
		snprintf(text, sizeof(text), "%s", err->text);
	memcpy(err->where, where, sizeof(where));
	memcpy(err->text, text, sizeof(text));
	return rc;
}

void image_warn(struct image_build *b, const char *fmt, ...)
{
	char text[512];
	va_list args;

	if (!b->warn)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	b->warn(b->warn_ctx, text);
}

static void warn_replaced(void *ctx, const struct plan_node *old)
{
	auto_str struct str path = { 0 };

	plan_add_path(&path, old);
	image_warn(ctx, "%s comes from two sources; the later one is used", str_cstr(&path));
}

/* ---- parts -------------------------------------------------------------------------------- */

static int check_sha256(const struct manifest_bootloader *bl, const struct rimg_source *content,
			struct rimg_error *err)
{
	auto_str struct str want = { 0 }, have = { 0 };
	uint8_t digest[SHA256_LEN];
	int rc = digest_source(content, digest, err);

	if (rc < 0 || memcmp(digest, bl->sha256, sizeof(digest)) == 0)
		return rc;
	str_add_hex(&want, bl->sha256, sizeof(bl->sha256));
	str_add_hex(&have, digest, sizeof(digest));
	return error_set(err, RIMG_E_BAD, NULL,
			 "the boot loader is not the declared one: expected SHA-256 %s, found %s",
			 str_cstr(&want), str_cstr(&have));
}

static int add_bootloader(struct image_build *b, struct rimg_error *err)
{
	const struct manifest_bootloader *bl = b->m->bootloader;
	struct rimg_node *from = artifacts_find(&b->artifacts, &bl->source, err);
	struct plan_node like = { .mode = 0755 }, *parent, *node;
	const char *name;
	int rc;

	if (!from)
		return -RIMG_E_NOENT;
	inputs_stamp(&like, &b->rules);
	parent = plan_make_parent(&b->esp, bl->path, &like, &name, err);
	node = parent ? inputs_put(&b->esp, parent, RIMG_ROLE_FILE, name, strlen(name), &b->rules,
				   err)
		      : NULL;
	if (!node)
		return -RIMG_E_ARG;
	inputs_stamp(node, &b->rules);
	node->origin = bl->source.text;
	rc = inputs_set_node(node, from, err);
	return rc < 0 ? rc : check_sha256(bl, node->content, err);
}

static int emit_initfs(struct image_build *b, const struct emit_request *rq, struct rimg_error *err)
{
	const struct rimg_emitter *emitter = emitter_find("initfs");
	const struct rimg_source *back;
	uint64_t size;
	int rc = emitter ? emitter->measure(rq, &size, err)
			 : error_set(err, RIMG_E_INTERNAL, NULL, "no emitter for initfs");

	if (rc < 0)
		return rc;
	b->initfs_sink = sink_temporary(b->path, size, err);
	if (!b->initfs_sink)
		return -RIMG_E_IO;
	rc = emitter->emit(rq, b->initfs_sink, err);
	back = rc == 0 ? sink_source(b->initfs_sink, err) : NULL;
	if (rc == 0 && !back)
		return -RIMG_E_IO;
	return rc < 0 ? rc : selfcheck_tree(rq, back, "initfs", "initfs", err);
}

static int add_initfs(struct image_build *b, struct rimg_error *err)
{
	const struct manifest_initfs *in = b->m->initfs;
	struct emit_request rq = { .ctx = b->ctx,
				   .tree = &b->initfs,
				   .layer_name = "initfs",
				   .epoch = b->m->epoch,
				   .max_size = in->max_size };
	struct inputs_rules rules = b->rules;
	auto_free char *root = NULL;
	struct plan_node *node;
	const char *steps;
	int rc = address_split(in->root.path, &root, &steps, err);

	memcpy(rq.seed, b->seed, sizeof(rq.seed));
	rules.skip_special = in->skip_special;
	inputs_stamp(b->initfs.root, &b->rules);
	if (rc == 0)
		rc = inputs_add_dir(&b->initfs, b->initfs.root, root, in->root.text, &rules, err);
	if (rc == 0)
		rc = initfs_rewrite_links(&b->initfs, err);
	if (rc == 0 && in->bootstrap) {
		struct rimg_node *from = image_find(b, in->bootstrap, err);

		if (!from)
			return -RIMG_E_NOENT;
		b->bootstrap = rq.bootstrap = from->content;
	}
	if (rc == 0)
		rc = emit_initfs(b, &rq, err);
	node = rc == 0 ? image_put(b, in->path, RIMG_ROLE_FILE, err) : NULL;
	if (!node)
		return rc < 0 ? rc : -RIMG_E_ARG;
	node->content = sink_source(b->initfs_sink, err);
	node->origin = "[initfs]";
	return node->content ? 0 : -RIMG_E_IO;
}

static int fill_root(struct image_build *b, struct rimg_error *err)
{
	int rc = 0;

	if (b->m->initfs)
		rc = image_at(b->m->initfs->place, add_initfs(b, err), err);
	if (rc == 0)
		rc = image_add_files(b, false, err);
	if (rc == 0)
		rc = image_add_packages(b, err);
	if (rc == 0)
		rc = image_add_files(b, true, err);
	return rc < 0 ? rc : image_add_users(b, err);
}

static void describe(const struct manifest_partition *p, struct disk_part *part)
{
	part->gpt.name = p->name;
	memcpy(part->gpt.type, p->type, sizeof(part->gpt.type));
	part->gpt.first_lba = p->first_lba;
	part->gpt.last_lba = p->last_lba;
	part->compression = p->compression;
}

static int add_partitions(struct image_build *b, struct rimg_error *err)
{
	const struct manifest *m = b->m;
	struct disk *d = &b->disk;

	*d = (struct disk){ .ctx = b->ctx, .epoch = m->epoch, .n_parts = m->n_partitions };
	memcpy(d->seed, b->seed, sizeof(d->seed));
	d->parts = arena_array(&b->arena, m->n_partitions + 1, sizeof(*d->parts));
	if (!d->parts)
		return error_nomem(err);
	for (size_t i = 0; i < m->n_partitions; i++) {
		const struct manifest_partition *p = &m->partitions[i];
		struct disk_part *part = &d->parts[i];
		struct rimg_node *from;

		describe(p, part);
		if (p->format == MANIFEST_FORMAT_FAT) {
			part->format = "fat";
			part->tree = &b->esp;
		} else if (p->format == MANIFEST_FORMAT_REDOXFS) {
			part->format = "redoxfs";
			part->tree = &b->root;
		} else if (p->source) {
			from = image_find(b, p->source, err);
			if (!from || !from->content)
				return image_at(p->place, from ? -RIMG_E_ARG : -RIMG_E_NOENT, err);
			part->raw = from->content;
		}
	}
	return 0;
}

int image_prepare(struct image_build *b, struct rimg_error *err)
{
	int rc;

	arena_init(&b->arena, 0);
	b->artifacts.ctx = b->ctx;
	b->artifacts.outputs = b->outputs;
	b->rules =
		(struct inputs_rules){ .epoch = b->m->epoch, .replaced = warn_replaced, .ctx = b };
	for (size_t i = 0; i < ARRAY_LEN(b->outputs); i++)
		inputs_refuse_output(&b->rules, b->outputs[i]);
	if (plan_init(&b->root) < 0 || plan_init(&b->esp) < 0 || plan_init(&b->initfs) < 0)
		return error_nomem(err);
	inputs_stamp(b->root.root, &b->rules);
	inputs_stamp(b->esp.root, &b->rules);
	rc = output_seed(b->m->seed, b->m->seed_len, b->seed, err);
	if (rc == 0 && b->m->bootloader)
		rc = image_at(b->m->bootloader->place, add_bootloader(b, err), err);
	if (rc == 0)
		rc = fill_root(b, err);
	return rc < 0 ? rc : add_partitions(b, err);
}

/* ---- writing ------------------------------------------------------------------------------ */

static struct emit_request plain_request(const struct image_build *b)
{
	struct emit_request rq = { .ctx = b->ctx,
				   .layer_name = "redoxfs",
				   .epoch = b->m->epoch,
				   .compression = b->m->compression };

	memcpy(rq.seed, b->seed, sizeof(rq.seed));
	return rq;
}

int image_write(struct image_build *b, struct sink *sink, struct rimg_error *err)
{
	struct emit_request rq = plain_request(b);
	const struct rimg_emitter *emitter;

	if (b->m->layout == MANIFEST_LAYOUT_GPT)
		return disk_write(&b->disk, sink, err);
	rq.tree = &b->root;
	emitter = emitter_find("redoxfs");
	if (!emitter)
		return error_set(err, RIMG_E_INTERNAL, NULL, "no emitter for redoxfs");
	return emitter->emit(&rq, sink, err);
}

int image_selfcheck(struct image_build *b, struct sink *sink, struct rimg_error *err)
{
	struct emit_request rq = plain_request(b);
	const struct rimg_source *back;
	int rc = artifacts_verify(&b->artifacts, err);

	if (rc < 0)
		return rc;
	if (b->m->layout == MANIFEST_LAYOUT_GPT)
		return disk_selfcheck(&b->disk, sink, b->path, err);
	rq.tree = &b->root;
	back = sink_source(sink, err);
	return back ? selfcheck_tree(&rq, back, b->path, "redoxfs", err) : -RIMG_E_IO;
}

void image_done(struct image_build *b)
{
	plan_done(&b->root);
	plan_done(&b->esp);
	plan_done(&b->initfs);
	sink_free(b->initfs_sink);
	artifacts_done(&b->artifacts);
	arena_done(&b->arena);
}
