/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/owner.h"

#include "fake.h"
#include "random.h"

/* Random layers in layers, with attributes at random places; each byte's owner is also sought with
 * plain loops. */

static struct test_random rnd;
static uint8_t bytes[400];

static int fill_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) "FAKE"[i % 4];
	return 0;
}

static void add_attributes(struct rimg_layer *l, struct rimg_node *node, uint64_t size)
{
	/* now and then more than are looked at one by one */
	size_t n = test_random_below(&rnd, test_random_one_in(&rnd, 6) ? 60 : 5);

	for (size_t i = 0; i < n; i++) {
		uint32_t len = (uint32_t)test_random_below(&rnd, 9);
		uint32_t stride = len + (uint32_t)test_random_below(&rnd, 12);
		struct place p = PLACES(test_random_below(&rnd, size + 5), len, stride,
					(uint32_t)test_random_below(&rnd, 6));

		if (test_random_one_in(&rnd, 4))
			p = PLACE(test_random_below(&rnd, size), len);
		assert_int_equal(attr_add_raw(l, node, "a", RIMG_CAUSE_CONTENT, p), 0);
	}
}

/* A file whose content is some pieces of the layer, or a part of it, each claimed or not. */
static void add_file(struct rimg_layer *l, uint64_t size)
{
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);
	struct source_piece *pieces = arena_array(&l->arena, 4, sizeof(*pieces));
	uint64_t len = 0;
	size_t n = 1 + test_random_below(&rnd, 4);

	add_attributes(l, node, size);
	for (size_t i = 0; i < n; i++) {
		uint64_t off = test_random_below(&rnd, size) & ~UINT64_C(3);
		uint64_t piece_len = num_min(size - off, 4 * (1 + test_random_below(&rnd, 12)));

		pieces[i] = (struct source_piece){ .off = len,
						   .len = piece_len,
						   .base_off = off,
						   .base_len = piece_len,
						   .kind = PIECE_RAW,
						   .plain = true };
		if (!test_random_one_in(&rnd, 4))
			assert_int_equal(layer_claim_content(l, node, off, piece_len, len), 0);
		len += piece_len;
	}
	/* an opener that claims more than the content has */
	if (test_random_one_in(&rnd, 3))
		assert_int_equal(
			layer_claim_content(l, node, test_random_below(&rnd, size), 20, len), 0);
	node->content = source_extents(&l->arena, l->src, pieces, n, NULL, NULL);
	assert_non_null(node->content);
}

static int open_random(struct rimg_layer *l, struct rimg_error *err)
{
	uint64_t size = rimg_source_size(l->src);
	size_t n_files = l->depth < 4 ? test_random_below(&rnd, 4) : 0;

	(void)err;
	add_attributes(l, l->root, size);
	for (size_t i = 0; i < n_files; i++)
		add_file(l, size);
	for (size_t i = test_random_below(&rnd, 5); i > 0; i--) {
		struct rimg_node *node = layer_meta(l, l->root, "m");

		add_attributes(l, node, size);
		assert_int_equal(layer_claim(l, node, test_random_below(&rnd, size),
					     test_random_below(&rnd, 40), "m", RIMG_CAUSE_PADDING),
				 0);
	}
	if (test_random_one_in(&rnd, 2))
		assert_int_equal(layer_claim(l, l->root, 0, 8, "head", RIMG_CAUSE_CONTENT), 0);
	l->opaque_places = test_random_one_in(&rnd, 8);
	l->unreadable = l->depth > 1 && test_random_one_in(&rnd, 10);
	return 0;
}

static void open_some(struct rimg_node *node)
{
	struct rimg_layer *l;

	if (test_random_one_in(&rnd, 5) && node->layer)
		return;
	assert_int_equal(node_open(node, &l, NULL), 0);
	if (!l || l->unreadable)
		return;
	rimg_for_each_child(child, l->root)
		if (child->content)
			open_some(child);
}

/* ---- the same with plain loops --------------------------------------------------------------- */

static bool holds(const struct place *p, uint64_t off)
{
	for (uint32_t i = 0; i < p->count; i++) {
		uint64_t start = p->off + (uint64_t)i * p->stride;

		if (off >= start && off < start + p->len)
			return true;
	}
	return false;
}

static const struct rimg_node *stop; /* do not descend here */

static bool goes_on(const struct rimg_node *node)
{
	return node != stop;
}

static struct owner plain_owner(struct rimg_node *node, uint64_t off)
{
	struct owner o = { .node = node };
	const struct rimg_layer *l = NULL;

	while (o.node->nested && !o.node->nested->unreadable && o.node != stop) {
		l = o.node->nested;
		for (size_t i = 0; i < l->n_claims; i++) {
			const struct claim *c = &l->claims[i];

			if (off >= c->off && off - c->off < c->len)
				o.claim = c;
		}
		o.off = off;
		o.node = o.claim->node;
		if (o.claim->content_off == NO_CONTENT)
			break;
		off = o.claim->content_off + (off - o.claim->off);
		if (off >= rimg_source_size(o.node->content))
			break;
	}
	if (l && !l->opaque_places)
		for (const struct rimg_attr *a = o.node->attrs; a && !o.attr; a = a->next)
			o.attr = holds(&a->place, o.off) ? a : NULL;
	return o;
}

static void check_owners(struct rimg_node *node)
{
	uint64_t size = rimg_source_size(node->content);
	uint64_t same_until = 0;
	struct owner last = { 0 };

	for (uint64_t off = 0; off < size; off++) {
		struct owner o = owner_at(node, off, stop ? goes_on : NULL);
		struct owner want = plain_owner(node, off);

		assert_ptr_equal(o.node, want.node);
		assert_ptr_equal(o.claim, want.claim);
		assert_ptr_equal(o.attr, want.attr);
		assert_int_equal(o.off, want.off);
		assert_in_range(o.len, 1, size - off);
		/* what was said of more bytes than one holds for each of them */
		if (off < same_until) {
			assert_ptr_equal(o.node, last.node);
			assert_ptr_equal(o.claim, last.claim);
			assert_ptr_equal(o.attr, last.attr);
		} else {
			last = o;
			same_until = off + o.len;
		}
	}
}

static void each_byte_has_the_owner_that_plain_loops_find(void **state)
{
	(void)state;
	rnd = test_random_start("owner");
	for (int round = 0; round < 500; round++) {
		uint64_t size = 4 + test_random_below(&rnd, sizeof(bytes) - 4);
		struct test_image t = fake_image(bytes, size, NULL, open_random);

		open_some(t.node);
		stop = NULL;
		check_owners(t.node);
		/* not below one of the layers, then from inside it */
		for (const struct rimg_layer *l = t.image->layers; l; l = l->next) {
			if (!test_random_one_in(&rnd, 3))
				continue;
			stop = l->root->parent;
			check_owners(t.node);
			stop = NULL;
			check_owners(l->root->parent);
		}
		test_close(&t);
	}
}

static void an_artifact_that_is_not_open_owns_itself(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_random);
	struct owner o = owner_at(t.node, 7, NULL);

	(void)state;
	assert_ptr_equal(o.node, t.node);
	assert_null(o.claim);
	assert_null(o.attr);
	assert_int_equal(o.len, 93);
	test_close(&t);
}

static int open_table(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_meta(l, l->root, "table");

	(void)err;
	assert_int_equal(layer_claim(l, node, 10, 50, "table", RIMG_CAUSE_CONTENT), 0);
	assert_int_equal(attr_add_raw(l, node, "even", RIMG_CAUSE_ORDERING, PLACES(20, 2, 4, 3)),
			 0);
	assert_int_equal(attr_add_raw(l, node, "far", RIMG_CAUSE_ORDERING,
				      PLACES(UINT64_MAX - 5, 4, UINT32_MAX, UINT32_MAX)),
			 0);
	return 0;
}

static void strided_places_are_seen_run_by_run(void **state)
{
	static const struct {
		uint64_t off, len;
		const char *attr;
	} want[] = {
		{ 10, 10, NULL },  { 20, 2, "even" }, { 21, 1, "even" },
		{ 22, 2, NULL },   { 23, 1, NULL },   { 24, 2, "even" },
		{ 28, 2, "even" }, { 30, 30, NULL },  { 59, 1, NULL },
	};
	struct test_image t = fake_image(bytes, 100, NULL, open_table);

	(void)state;
	fake_layer(t.node);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct owner o = owner_at(t.node, want[i].off, NULL);

		assert_string_equal(o.node->name, "table");
		assert_int_equal(o.len, want[i].len);
		assert_int_equal(o.attr != NULL, want[i].attr != NULL);
		if (want[i].attr)
			assert_string_equal(o.attr->key, want[i].attr);
	}
	assert_int_equal(owner_at(t.node, 60, NULL).node->role, RIMG_ROLE_GAP);
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_has_the_owner_that_plain_loops_find),
		cmocka_unit_test(an_artifact_that_is_not_open_owns_itself),
		cmocka_unit_test(strided_places_are_seen_run_by_run),
	};

	return cmocka_run_group_tests_name("owner", tests, fill_bytes, NULL);
}
