/* SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"

#include "core/format.h"
#include "core/num.h"
#include "core/owner.h"

#define CONTENT_MAX ((uint64_t)256 << 10) /* bytes of one content that are read */
#define PIECE_LEN   ((size_t)4096)

struct rimg_ctx *fuzz_ctx(void)
{
	static struct rimg_ctx *ctx;
	struct rimg_limits limits = rimg_limits_default();

	if (ctx)
		return ctx;
	limits.nodes = 20000;
	limits.arena_bytes = 64 << 20;
	limits.read_extra = 1 << 20;
	limits.dir_depth = 64;
	limits.layer_depth = 5;
	limits.findings = 100;
	limits.analysis_bytes = 4 << 20;
	ctx = rimg_ctx_new(&limits, 1);
	fuzz_require(ctx != NULL);
	return ctx;
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
		fuzz_require(rc != -RIMG_E_TRUNCATED && rc != -RIMG_E_INTERNAL);
	}
}

/* All bytes of an open layer have one owner. */
static void check_claims(const struct rimg_layer *l)
{
	uint64_t end = 0;

	if (l->unreadable)
		return;
	for (size_t i = 0; i < l->n_claims; i++) {
		fuzz_require(l->claims[i].off == end && l->claims[i].len > 0);
		fuzz_require(l->claims[i].node->layer == l);
		end += l->claims[i].len;
	}
	fuzz_require(end == rimg_source_size(l->src));
}

static void check_layer(struct rimg_layer *l)
{
	struct rimg_error err;

	check_claims(l);
	for (size_t i = 0; i < l->n_findings; i++)
		fuzz_require(l->findings[i].node && l->findings[i].text && l->findings[i].code);
	if (!l->unreadable && l->format->check)
		fuzz_require(l->format->check(l, &err) != -RIMG_E_INTERNAL);
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
	size_t n_nodes = 0;

	for (struct rimg_node *n = rimg_image_root(image); n; n = next_node(n)) {
		struct rimg_layer *l = NULL;
		struct rimg_error err;
		char address[64];

		/* as long as the path is: of all nodes it would be most of the work */
		if (n_nodes++ % 16 == 0)
			(void)rimg_node_address(n, address, sizeof(address));
		if (!n->content)
			continue;
		read_content(n->content);
		fuzz_require(node_open(n, &l, &err) != -RIMG_E_INTERNAL);
		if (l)
			check_layer(l);
	}
}

void fuzz_source(const struct rimg_source *src)
{
	struct rimg_image *image = src ? image_open_part(fuzz_ctx(), src, "input", NULL) : NULL;

	if (image)
		walk(image);
	rimg_image_free(image);
}

void fuzz_image(const uint8_t *data, size_t len)
{
	struct rimg_source *src = rimg_source_open_memory(data, len, "input");

	fuzz_source(src);
	rimg_source_free(src);
}
