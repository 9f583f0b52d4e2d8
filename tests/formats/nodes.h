/* SPDX-License-Identifier: MIT */
#ifndef TEST_NODES_H
#define TEST_NODES_H

/* What the tests of formats share: the layer on a node, and its attributes. Include "test.h" first.
 */

#include "core/format.h"

/** layer_of - the layer on a node, which is of that format */
static inline struct rimg_layer *layer_of(struct rimg_node *node, const char *format)
{
	struct rimg_layer *l;
	struct rimg_error err;

	if (node_open(node, &l, &err) < 0)
		test_fail_error("open", &err);
	assert_non_null(l);
	assert_string_equal(l->format->name, format);
	return l;
}

/** run_check - the rules of the layer's format */
static inline void run_check(struct rimg_layer *l)
{
	struct rimg_error err;

	if (l->format->check(l, &err) < 0)
		test_fail_error("check", &err);
}

static inline const struct rimg_attr *attr_of(const struct rimg_node *node, const char *key)
{
	const struct rimg_attr *a = node_attr(node, key);

	if (!a)
		fail_msg("%s has no attribute %s", node->name, key);
	return a;
}

static inline uint64_t number(const struct rimg_node *node, const char *key)
{
	return attr_of(node, key)->u;
}

static inline void assert_text(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = attr_of(node, key);

	assert_int_equal(a->bytes.len, strlen(expected));
	assert_memory_equal(a->bytes.data, expected, a->bytes.len);
}

#endif
