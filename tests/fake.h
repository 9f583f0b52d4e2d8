/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAKE_H
#define TEST_FAKE_H

/* A format whose opener the test brings: what begins with "FAKE" is of it. Include "test.h" first.
 */

#include "core/ctx.h"
#include "core/error.h"
#include "core/field.h"
#include "core/format.h"
#include "core/num.h"

typedef int (*fake_opener)(struct rimg_layer *l, struct rimg_error *err);

static fake_opener fake_open_now; /* what the next content that begins with "FAKE" is opened by */
static int fake_score = 90;

static inline int fake_probe(const struct rimg_probe *p)
{
	return p->head_len >= 4 && memcmp(p->head, "FAKE", 4) == 0 ? fake_score : 0;
}

static inline int fake_open(struct rimg_layer *l, struct rimg_error *err)
{
	return fake_open_now(l, err);
}

static const struct rimg_format fake_format = {
	.name = "fake",
	.facts = "tests/fake.h",
	.probe = fake_probe,
	.open = fake_open,
};

/** fake_image - an image of bytes that must outlive it; its contents open with @opener */
static inline struct test_image fake_image(const void *data, size_t len,
					   const struct rimg_limits *limits, fake_opener opener)
{
	struct test_image t = { .ctx = rimg_ctx_new(limits, 1) };
	struct rimg_source *src = rimg_source_open_memory(data, len, "memory");
	struct rimg_error err;

	fake_open_now = opener;
	fake_score = 90;
	assert_non_null(t.ctx);
	assert_non_null(src);
	assert_int_equal(ctx_add_format(t.ctx, &fake_format), 0);
	t.image = rimg_image_open(t.ctx, src, "memory", &err);
	assert_non_null(t.image);
	t.node = rimg_image_root(t.image);
	return t;
}

/** fake_layer - the layer on a node's content, or fail the test */
static inline struct rimg_layer *fake_layer(struct rimg_node *node)
{
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	if (node_open(node, &l, &err) < 0)
		test_fail_error("node_open", &err);
	assert_non_null(l);
	return l;
}

#endif
