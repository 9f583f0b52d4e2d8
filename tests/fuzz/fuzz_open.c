/* SPDX-License-Identifier: MIT */

/* Opens any bytes as an image: every layer, every node, every content, every check.
 *
 * Linked to a fuzzing engine, or to tests/fuzz/replay.c, which runs it on files. Beyond not
 * crashing, a layer has to keep its word: its claims cover all of its bytes, each once. */

#include <stdlib.h>

#include "core/format.h"
#include "core/num.h"
#include "core/owner.h"

#define CONTENT_MAX ((uint64_t)256 << 10) /* bytes of one content that are read */
#define PIECE_LEN   ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void read_content(const struct rimg_source *src)
{
	uint8_t buf[PIECE_LEN];
	uint64_t end = num_min(rimg_source_size(src), CONTENT_MAX);

	for (uint64_t off = 0; off < end; off += sizeof(buf)) {
		size_t n = (size_t)num_min(end - off, sizeof(buf));
		struct rimg_error err;
		int rc = rimg_source_read(src, off, buf, n, &err);

		/* an opener never lays a content out beyond what is there */
		require(rc != -RIMG_E_TRUNCATED && rc != -RIMG_E_INTERNAL);
	}
}

/* All bytes of an open layer have one owner. */
static void check_claims(const struct rimg_layer *l)
{
	uint64_t end = 0;

	if (l->unreadable)
		return;
	for (size_t i = 0; i < l->n_claims; i++) {
		require(l->claims[i].off == end && l->claims[i].len > 0);
		require(l->claims[i].node->layer == l);
		end += l->claims[i].len;
	}
	require(end == rimg_source_size(l->src));
}

static void check_layer(struct rimg_layer *l)
{
	struct rimg_error err;

	check_claims(l);
	for (size_t i = 0; i < l->n_findings; i++)
		require(l->findings[i].node && l->findings[i].text && l->findings[i].code);
	if (!l->unreadable && l->format->check)
		require(l->format->check(l, &err) != -RIMG_E_INTERNAL);
}

/* The node after @node: into what it holds first. No recursion: the input decides the depth. */
static struct rimg_node *next_node(struct rimg_node *node)
{
	if (node->first_child)
		return node->first_child;
	if (node->nested && node->nested->root != node)
		return node->nested->root;
	while (node && !node->next) {
		struct rimg_node *parent = node->parent;

		/* children first, then the layer on the content */
		if (parent && parent->nested && parent->nested->root != node &&
		    node->layer == parent->layer)
			return parent->nested->root;
		node = parent;
	}
	return node ? node->next : NULL;
}

static void walk(struct rimg_image *image)
{
	for (struct rimg_node *n = rimg_image_root(image); n; n = next_node(n)) {
		struct rimg_layer *l = NULL;
		struct rimg_error err;
		char address[64];

		(void)rimg_node_address(n, address, sizeof(address));
		if (!n->content)
			continue;
		read_content(n->content);
		require(node_open(n, &l, &err) != -RIMG_E_INTERNAL);
		if (l)
			check_layer(l);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rimg_limits limits = rimg_limits_default();
	struct rimg_source *src = rimg_source_open_memory(data, len, "input");
	struct rimg_ctx *ctx;
	struct rimg_image *image;

	/* small, so that a limit is reached before the patience of a fuzzing engine */
	limits.nodes = 20000;
	limits.arena_bytes = 64 << 20;
	limits.read_extra = 1 << 20;
	limits.dir_depth = 64;
	limits.layer_depth = 5;
	limits.findings = 1000;
	limits.analysis_bytes = 4 << 20;
	ctx = rimg_ctx_new(&limits, 1);
	image = src && ctx ? rimg_image_open(ctx, src, "input", NULL) : NULL;
	if (image)
		walk(image);
	rimg_image_free(image);
	rimg_ctx_free(ctx);
	return 0;
}
