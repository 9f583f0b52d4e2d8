/* SPDX-License-Identifier: MIT */
#include <rimg/image.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/ctx.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/num.h"
#include "core/unpacked.h"

#define RIMG_VERSION "0.1.0"
#define THREADS_MAX  256

const char *rimg_version(void)
{
	return RIMG_VERSION;
}

struct rimg_limits rimg_limits_default(void)
{
	return (struct rimg_limits){
		.layer_depth = 16,
		.dir_depth = 1024,
		.nodes = UINT64_C(4) << 20,
		.arena_bytes = UINT64_C(1) << 30,
		.read_factor = 16,
		.read_extra = UINT64_C(64) << 20,
		.findings = 10000,
		.analysis_bytes = UINT64_C(256) << 20,
		.attr_bytes = 64 << 10,
		.decoded_bytes = 1 << 20,
	};
}

struct rimg_ctx *rimg_ctx_new(const struct rimg_limits *limits, unsigned threads)
{
	struct rimg_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->limits = limits ? *limits : rimg_limits_default();
	ctx->unpacked = unpacked_new(ctx->limits.analysis_bytes);
	if (!ctx->unpacked) {
		free(ctx);
		return NULL;
	}
	if (threads == 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		threads = online > 0 ? (unsigned)num_min((uint64_t)online, THREADS_MAX) : 1;
	}
	ctx->threads = (unsigned)num_min(threads, THREADS_MAX);
	return ctx;
}

static void forget_password(struct rimg_ctx *ctx)
{
	if (ctx->password)
		explicit_bzero(ctx->password, ctx->password_len);
	free(ctx->password);
	ctx->password = NULL;
	ctx->password_len = 0;
}

void rimg_ctx_free(struct rimg_ctx *ctx)
{
	if (!ctx)
		return;
	forget_password(ctx);
	unpacked_free(ctx->unpacked);
	free(ctx->formats);
	free(ctx);
}

int ctx_add_format(struct rimg_ctx *ctx, const struct rimg_format *format)
{
	const struct rimg_format **list =
		vec_grow(ctx->formats, &ctx->cap_formats, ctx->n_formats, sizeof(*list));

	if (!list)
		return -RIMG_E_NOMEM;
	ctx->formats = list;
	ctx->formats[ctx->n_formats++] = format;
	return 0;
}

int rimg_ctx_set_password(struct rimg_ctx *ctx, const void *password, size_t len)
{
	uint8_t *copy;

	forget_password(ctx);
	if (!password)
		return 0;
	copy = malloc(len ? len : 1);
	if (!copy)
		return -RIMG_E_NOMEM;
	memcpy(copy, password, len);
	ctx->password = copy;
	ctx->password_len = len;
	return 0;
}

struct rimg_image *image_open_part(struct rimg_ctx *ctx, const struct rimg_source *src,
				   const char *name, struct rimg_error *err)
{
	struct rimg_image *image = calloc(1, sizeof(*image));

	if (!image) {
		error_nomem(err);
		return NULL;
	}
	image->ctx = ctx;
	arena_init(&image->arena, 0);
	image->name = arena_copy(&image->arena, name, strlen(name));
	image->root = arena_alloc(&image->arena, sizeof(*image->root));
	if (!image->name || !image->root) {
		rimg_image_free(image);
		error_nomem(err);
		return NULL;
	}
	image->root->image = image;
	image->root->role = RIMG_ROLE_IMAGE;
	image->root->name = "";
	image->root->content = src;
	return image;
}

struct rimg_image *rimg_image_open(struct rimg_ctx *ctx, struct rimg_source *src, const char *name,
				   struct rimg_error *err)
{
	struct rimg_image *image = image_open_part(ctx, src, name, err);

	if (image)
		image->src = src;
	else
		rimg_source_free(src);
	return image;
}

void rimg_image_free(struct rimg_image *image)
{
	if (!image)
		return;
	while (image->layers) {
		struct rimg_layer *l = image->layers;

		image->layers = l->next;
		layer_free(l);
	}
	arena_done(&image->arena);
	rimg_source_free(image->src);
	free(image);
}

struct rimg_node *rimg_image_root(struct rimg_image *image)
{
	return image->root;
}

uint64_t rimg_image_each_finding(const struct rimg_image *image,
				 bool (*fn)(void *arg, const struct rimg_finding *finding),
				 void *arg)
{
	uint64_t dropped = 0;
	bool more = true;

	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		for (size_t i = 0; i < l->n_findings && more; i++) {
			const struct finding *f = &l->findings[i];
			const struct rimg_finding shown = {
				.code = f->code,
				.severity = severity_shown(f->severity),
				.text = f->text,
				/* a layer's root is not an artifact of its own */
				.node = f->node == l->root ? l->root->parent : f->node,
				.container = l->root->parent,
				.off = f->off,
				.len = f->len,
			};

			more = fn(arg, &shown);
		}
		dropped += l->n_errors + l->n_warnings - l->n_findings;
	}
	return dropped;
}
