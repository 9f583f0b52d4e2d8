/* SPDX-License-Identifier: MIT */

/* Layers: which format, claims, contents, damage. */

#include "test.h"

#include "random.h"
#include "fake.h"

static uint8_t bytes[4096] = "FAKE";

static int open_nothing(struct rimg_layer *l, struct rimg_error *err)
{
	(void)l;
	(void)err;
	return 0;
}

static size_t count_findings(const struct rimg_layer *l, const char *code)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_findings; i++)
		n += strcmp(l->findings[i].code, code) == 0;
	return n;
}

/* ---- which format --------------------------------------------------------------------------- */

static int other_score;

static int other_probe(const struct rimg_probe *p)
{
	return p->head[0] == 'F' ? other_score : 0;
}

static int other_open(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	return layer_meta(l, l->root, "other") ? 0 : -RIMG_E_NOMEM;
}

static const struct rimg_format other_format = {
	.name = "other",
	.facts = "tests/unit/test_layer.c",
	.probe = other_probe,
	.open = other_open,
};

static struct test_image two_formats(int first, int second)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_nothing);

	assert_int_equal(ctx_add_format(t.ctx, &other_format), 0);
	fake_score = first;
	other_score = second;
	return t;
}

static void the_surest_format_wins(void **state)
{
	static const struct {
		int fake, other;
		const char *winner;
		bool ambiguous;
	} cases[] = {
		{ 90, 0, "fake", false }, { 0, 1, "other", false },   { 90, 50, "fake", false },
		{ 90, 51, "fake", true }, { 50, 90, "other", false }, { 51, 90, "other", true },
		{ 70, 70, "fake", true }, { 50, 50, "fake", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_image t = two_formats(cases[i].fake, cases[i].other);
		struct rimg_layer *l = fake_layer(t.node);

		assert_string_equal(layer_format_name(l), cases[i].winner);
		assert_string_equal(rimg_node_format(t.node), cases[i].winner);
		assert_int_equal(count_findings(l, "layer.ambiguous"), cases[i].ambiguous);
		assert_int_equal(l->n_warnings, cases[i].ambiguous);
		assert_int_equal(l->n_errors, 0);
		if (cases[i].ambiguous) {
			assert_non_null(strstr(l->findings[0].text, "as fake"));
			assert_non_null(strstr(l->findings[0].text, "as other"));
		}
		test_close(&t);
	}
}

static void what_no_format_knows_has_no_layer(void **state)
{
	struct test_image t = two_formats(0, 0);
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	(void)state;
	assert_int_equal(node_open(t.node, &l, &err), 0);
	assert_null(l);
	assert_null(rimg_node_format(t.node));
	assert_null(rimg_node_first_child(t.node));
	assert_null(t.image->layers);
	test_close(&t);
}

static void an_empty_content_has_no_layer(void **state)
{
	struct test_image t = fake_image(bytes, 0, NULL, open_nothing);
	struct rimg_layer *l = NULL;

	(void)state;
	assert_int_equal(node_open(t.node, &l, NULL), 0);
	assert_null(l);
	assert_null(rimg_node_format(t.node));
	test_close(&t);
}

static void a_context_takes_any_number_of_formats(void **state)
{
	struct test_image t = two_formats(10, 20);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(ctx_add_format(t.ctx, &other_format), 0);
	assert_string_equal(rimg_node_format(t.node), "other");
	test_close(&t);
}

static int opened;

static int count_opening(struct rimg_layer *l, struct rimg_error *err)
{
	(void)l;
	(void)err;
	opened++;
	return 0;
}

static void a_content_is_opened_once_when_somebody_looks(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, count_opening);
	struct rimg_layer *l;

	(void)state;
	opened = 0;
	assert_int_equal(rimg_node_role(t.node), RIMG_ROLE_IMAGE);
	assert_int_equal(opened, 0);
	l = fake_layer(t.node);
	assert_ptr_equal(fake_layer(t.node), l);
	assert_string_equal(rimg_node_format(t.node), "fake");
	assert_int_equal(opened, 1);
	assert_int_equal(l->depth, 1);
	assert_ptr_equal(l->root->parent, t.node);
	test_close(&t);
}

/* ---- claims --------------------------------------------------------------------------------- */

struct wish {
	uint64_t off, len, content_off;
	unsigned node;
	const char *what;
	bool content;
};

#define N_WISHES 30
#define N_NODES  4

static struct wish wishes[N_WISHES];
static size_t n_wishes;
static struct rimg_node *nodes[N_NODES];

static int open_wishes(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	for (unsigned i = 0; i < N_NODES; i++) {
		char name[2] = { (char)('A' + i), 0 };

		nodes[i] = layer_meta(l, l->root, name);
	}
	for (size_t i = 0; i < n_wishes; i++) {
		const struct wish *w = &wishes[i];
		struct rimg_node *node = nodes[w->node];
		int rc = w->content ? layer_claim_content(l, node, w->off, w->len, w->content_off)
				    : layer_claim(l, node, w->off, w->len, w->what,
						  RIMG_CAUSE_PADDING);

		assert_int_equal(rc, 0);
	}
	return 0;
}

static void random_wishes(struct test_random *rnd, uint64_t size)
{
	static const char *const whats[] = { "table", "entry" };

	n_wishes = test_random_below(rnd, N_WISHES + 1);
	for (size_t i = 0; i < n_wishes; i++) {
		struct wish *w = &wishes[i];

		*w = (struct wish){ .off = test_random_below(rnd, size + 4),
				    .len = test_random_below(rnd, size / 4 + 2),
				    .node = (unsigned)test_random_below(rnd, N_NODES),
				    .what = whats[test_random_below(rnd, 2)],
				    .content = test_random_one_in(rnd, 2),
				    .content_off = test_random_below(rnd, 1000) };
		if (i > 0 && w[-1].len < UINT64_MAX &&
		    test_random_one_in(rnd, 3)) { /* goes on where the last one ended */
			uint64_t len = w->len;

			*w = w[-1];
			w->off += w->len;
			w->content_off += w->len;
			w->len = len;
		}
		if (test_random_one_in(rnd, 15))
			w->len = UINT64_MAX;
		if (w->content)
			w->what = "content";
	}
}

/* A claim that only goes on where the one made before it has ended is one with it. */
static size_t join_wishes(uint64_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < n_wishes; i++) {
		struct wish w = wishes[i];
		struct wish *last = n > 0 ? &wishes[n - 1] : NULL;

		if (w.off >= size || w.len == 0)
			continue;
		if (w.len > size - w.off)
			w.len = size - w.off;
		if (last && last->node == w.node && last->content == w.content &&
		    strcmp(last->what, w.what) == 0 && last->off + last->len == w.off &&
		    (!w.content || last->content_off + last->len == w.content_off))
			last->len += w.len;
		else
			wishes[n++] = w;
	}
	return n;
}

/* The wish that must get a byte: of those that cover it the one that begins first, and of those the
 * one made first; -1 for a gap. */
static int wish_at(uint64_t off)
{
	int best = -1;

	for (size_t i = 0; i < n_wishes; i++)
		if (wishes[i].off <= off && off - wishes[i].off < wishes[i].len &&
		    (best < 0 || wishes[i].off < wishes[best].off))
			best = (int)i;
	return best;
}

static size_t overlapping_wishes(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_wishes; i++) {
		bool overlaps = false;

		for (size_t k = 0; k < n_wishes; k++) {
			bool before = wishes[k].off < wishes[i].off ||
				      (wishes[k].off == wishes[i].off && k < i);

			overlaps |= before && wishes[k].off + wishes[k].len > wishes[i].off;
		}
		n += overlaps;
	}
	return n;
}

static void check_claims(const struct rimg_layer *l, uint64_t size)
{
	uint64_t end = 0;

	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *c = &l->claims[i];

		assert_int_equal(c->off, end);
		assert_int_not_equal(c->len, 0);
		end += c->len;
		for (uint64_t off = c->off; off < end; off++) {
			int k = wish_at(off);
			const struct wish *w = &wishes[k < 0 ? 0 : k];

			assert_int_equal(c->node->role == RIMG_ROLE_GAP, k < 0);
			if (k < 0)
				continue;
			assert_ptr_equal(c->node, nodes[w->node]);
			assert_string_equal(c->what, w->what);
			if (w->content)
				assert_int_equal(c->content_off + (off - c->off),
						 w->content_off + (off - w->off));
			else
				assert_int_equal(c->content_off, NO_CONTENT);
		}
		if (c->node->role == RIMG_ROLE_GAP) {
			char name[40];

			snprintf(name, sizeof(name), "gap@0x%" PRIx64, c->off);
			assert_string_equal(c->node->name, name);
			assert_true(c->off == 0 || wish_at(c->off - 1) >= 0);
			assert_true(end == size || wish_at(end) >= 0);
		}
	}
	assert_int_equal(end, size);
}

static void each_byte_gets_the_owner_that_a_plain_search_finds(void **state)
{
	struct test_random rnd = test_random_start("layer");

	(void)state;
	for (int round = 0; round < 1500; round++) {
		uint64_t size = 4 + test_random_below(&rnd, 200);
		struct test_image t = fake_image(bytes, size, NULL, open_wishes);
		struct rimg_layer *l;

		random_wishes(&rnd, size);
		l = fake_layer(t.node);
		n_wishes = join_wishes(size);
		check_claims(l, size);
		assert_int_equal(count_findings(l, "layer.overlap"), overlapping_wishes());
		assert_int_equal(l->n_errors, overlapping_wishes());
		test_close(&t);
	}
}

static void an_overlap_names_both_sides(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_wishes);
	const struct rimg_layer *l;

	(void)state;
	n_wishes = 2;
	wishes[0] = (struct wish){ .off = 50, .len = 30, .node = 1, .what = "entry" };
	wishes[1] = (struct wish){ .off = 10, .len = 45, .node = 0, .what = "table" };
	l = fake_layer(t.node);
	assert_int_equal(l->n_findings, 1);
	assert_string_equal(l->findings[0].text, "expected bytes of one owner, found \"table\" of "
						 "\"/A\" and \"entry\" of \"/B\"");
	assert_int_equal(l->findings[0].off, 50);
	assert_int_equal(l->findings[0].len, 5);
	assert_ptr_equal(l->findings[0].node, nodes[1]);
	assert_true(nodes[1]->damaged);
	assert_false(nodes[0]->damaged);
	test_close(&t);
}

static void wishes_outside_of_the_layer_are_nothing(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_wishes);
	const struct rimg_layer *l;

	(void)state;
	n_wishes = 4;
	wishes[0] = (struct wish){ .off = 100, .len = 1, .what = "entry" };
	wishes[1] = (struct wish){ .off = UINT64_MAX, .len = UINT64_MAX, .what = "entry" };
	wishes[2] = (struct wish){ .off = 20, .len = 0, .what = "entry" };
	wishes[3] = (struct wish){ .off = 99, .len = 2, .what = "entry" };
	l = fake_layer(t.node);
	assert_int_equal(l->n_claims, 2);
	assert_int_equal(l->claims[0].len, 99);
	assert_int_equal(l->claims[0].node->role, RIMG_ROLE_GAP);
	assert_int_equal(l->claims[0].cause, RIMG_CAUSE_UNEXPLAINED);
	assert_int_equal(l->claims[1].off, 99);
	assert_int_equal(l->claims[1].len, 1);
	assert_int_equal(l->n_findings, 0);
	test_close(&t);
}

/* ---- contents ------------------------------------------------------------------------------- */

static struct {
	uint64_t off, len;
} range;

static int open_range(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);

	(void)err;
	return layer_content_range(l, node, range.off, range.len);
}

static void a_content_is_what_is_there_of_its_range(void **state)
{
	static const struct {
		uint64_t off, len, want_off, want_len;
		bool damaged;
	} cases[] = {
		{ 10, 20, 10, 20, false },        { 0, 100, 0, 100, false },
		{ 100, 0, 100, 0, false },        { 99, 1, 99, 1, false },
		{ 99, 2, 99, 1, true },           { 101, 0, 100, 0, true },
		{ UINT64_MAX, 20, 100, 0, true }, { 10, UINT64_MAX, 10, 90, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct test_image t = fake_image(bytes, 100, NULL, open_range);
		struct rimg_node *node;
		struct source_piece p;

		range.off = cases[i].off;
		range.len = cases[i].len;
		node = fake_layer(t.node)->root->first_child;
		assert_int_equal(node->damaged, cases[i].damaged);
		assert_int_equal(rimg_source_size(node->content), cases[i].want_len);
		if (cases[i].want_len > 0) {
			assert_non_null(source_map(node->content, 0, &p));
			assert_int_equal(p.base_off, cases[i].want_off);
		}
		test_close(&t);
	}
}

/* A content within a content within ...: each begins four bytes into the last. */
static int open_next(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "next", 4);

	(void)err;
	return layer_content_range(l, node, 4, rimg_source_size(l->src) - 4);
}

static void layers_nest_as_deep_as_the_limit_and_no_deeper(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	uint8_t nested[400];

	(void)state;
	for (size_t i = 0; i < sizeof(nested); i++)
		nested[i] = (uint8_t) "FAKE"[i % 4];
	for (uint32_t depth = 1; depth <= 16; depth += 5) {
		struct test_image t;
		struct rimg_node *node;
		struct rimg_layer *l;
		struct rimg_error err;

		limits.layer_depth = depth;
		t = fake_image(nested, sizeof(nested), &limits, open_next);
		node = t.node;
		for (uint32_t i = 1; i <= depth; i++) {
			l = fake_layer(node);
			assert_int_equal(l->depth, i);
			node = l->root->first_child;
		}
		for (int again = 0; again < 2; again++) {
			assert_int_equal(node_open(node, &l, &err), 0);
			assert_null(l);
			assert_int_equal(count_findings(node->layer, "layer.limit"), 1);
			assert_int_equal(node->layer->n_errors, 1);
		}
		/* its bytes can be read, whatever is in them */
		assert_false(node->damaged);
		test_close(&t);
	}
}

/* Two contents that both begin one unit later: a tree of 2^depth layers over the same bytes. */
static int open_next_twice(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	for (int i = 0; i < 2; i++) {
		struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "next", 4);

		if (!node)
			return -RIMG_E_NOMEM;
		node->content = source_slice(&l->arena, l->src, 4, rimg_source_size(l->src) - 4);
		if (!node->content)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* Opens all that can be; returns how many layers there are. */
static size_t open_all(struct rimg_node *node)
{
	struct rimg_error err;
	struct rimg_layer *l;
	size_t n = 1;

	assert_int_equal(node_open(node, &l, &err), 0);
	if (!l)
		return 0;
	rimg_for_each_child(child, l->root)
		n += open_all(child);
	return n;
}

static void contents_that_share_bytes_are_bounded_in_all(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;
	uint8_t nested[400];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(nested); i++)
		nested[i] = (uint8_t) "FAKE"[i % 4];
	limits.read_factor = 16;
	limits.read_extra = 0;
	t = fake_image(nested, sizeof(nested), &limits, open_next_twice);
	n = open_all(t.node);
	assert_in_range(n, 16,
			30); /* of 65,535: 16 times the bytes, in contents that shrink by 4 */
	assert_finding(t.image, "layer.limit");
	test_close(&t);
}

/* ---- damage and errors ---------------------------------------------------------------------- */

static int decode_nothing(const void *ctx, const struct rimg_source *base,
			  const struct source_piece *p, uint8_t *out, struct rimg_error *err)
{
	(void)ctx;
	(void)base;
	(void)p;
	(void)out;
	return error_set(err, RIMG_E_BAD, "memory", "the record is broken");
}

/* A file whose content has a piece that cannot be read. */
static int open_broken_file(struct rimg_layer *l, struct rimg_error *err)
{
	static const struct source_piece pieces[] = {
		{ .off = 0,
		  .len = 40,
		  .kind = PIECE_RAW,
		  .base_off = 0,
		  .base_len = 40,
		  .plain = true },
		{ .off = 40, .len = 10, .kind = PIECE_BLOCK, .base_off = 50, .base_len = 10 },
	};
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);

	(void)err;
	node->content = source_extents(&l->arena, l->src, pieces, 2, decode_nothing, NULL);
	return node->content ? 0 : -RIMG_E_NOMEM;
}

static int inner_code; /* what the opener of the inner layer returns */

static int open_inner(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);

	if (l->depth == 1)
		return layer_content_range(l, node, 0, 50);
	return error_set(err, -inner_code, "memory", "it is as it is");
}

static void damage_below_is_a_finding_of_the_layer_around(void **state)
{
	static const int codes[] = { -RIMG_E_BAD, -RIMG_E_TRUNCATED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct test_image t = fake_image(bytes, 100, NULL, open_inner);
		struct rimg_layer *l, *inner = NULL;
		struct rimg_error err;
		struct rimg_node *node;

		inner_code = codes[i];
		l = fake_layer(t.node);
		node = l->root->first_child;
		for (int again = 0; again < 2; again++) {
			assert_int_equal(node_open(node, &inner, &err), 0);
			assert_null(inner);
			assert_int_equal(l->n_findings, 1);
			assert_string_equal(l->findings[0].code, "layer.unreadable");
			assert_string_equal(l->findings[0].text, "it is as it is");
			assert_ptr_equal(l->findings[0].node, node);
		}
		/* nothing is left of the attempt */
		assert_int_equal(t.image->n_nodes, l->n_nodes);
		assert_int_equal(t.image->arena_used, l->arena.used);
		test_close(&t);
	}
}

static void a_head_that_cannot_be_read_is_a_finding(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_broken_file);
	struct rimg_layer *l = fake_layer(t.node), *inner = NULL;
	struct rimg_error err;

	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_int_equal(node_open(l->root->first_child, &inner, &err), 0);
		assert_null(inner);
		assert_int_equal(count_findings(l, "layer.unreadable"), 1);
		assert_string_equal(l->findings[0].text, "the record is broken");
	}
	test_close(&t);
}

static int attempts;

static int open_at_second_attempt(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = layer_node(l, l->root, RIMG_ROLE_FILE, "f", 1);

	assert_non_null(node);
	return attempts++ > 0 ? 0 : error_set(err, RIMG_E_IO, "memory", "not now");
}

static void what_stops_the_work_is_an_error_and_can_be_tried_again(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_at_second_attempt);
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	(void)state;
	attempts = 0;
	assert_int_equal(node_open(t.node, &l, &err), -RIMG_E_IO);
	assert_null(l);
	assert_string_equal(err.text, "not now");
	assert_null(t.image->layers);
	assert_int_equal(t.image->n_nodes, 0);
	assert_int_equal(t.image->arena_used, 0);
	assert_int_equal(node_open(t.node, &l, &err), 0);
	assert_non_null(l);
	assert_int_equal(t.image->n_nodes, 2); /* with the gap */
	test_close(&t);
}

static int open_unreadable(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	layer_finding(l, SEVERITY_ERROR, "fake.header", NULL, 3, 2, "expected sense, found none");
	assert_int_equal(layer_claim(l, l->root, 50, 10, "late", RIMG_CAUSE_CONTENT), 0);
	assert_int_equal(layer_claim(l, l->root, 5, 10, "early", RIMG_CAUSE_CONTENT), 0);
	l->unreadable = true;
	return 0;
}

static void an_unreadable_layer_is_there_and_says_so(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_unreadable);
	struct rimg_layer *l = fake_layer(t.node);
	struct rimg_error err;

	(void)state;
	assert_true(l->unreadable);
	assert_ptr_equal(t.image->layers, l);
	assert_string_equal(rimg_node_format(t.node), "fake");
	assert_null(rimg_image_find(t.image, "x", &err));
	assert_int_equal(err.code, RIMG_E_BAD);
	assert_string_equal(err.text, "expected sense, found none [fake.header]");
	assert_true(err.has_off);
	assert_int_equal(err.off, 3);
	test_close(&t);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static int open_tree(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *dir = layer_node(l, l->root, RIMG_ROLE_DIR, "d\0x", 3);

	(void)err;
	layer_node(l, dir, RIMG_ROLE_FILE, "z", 1);
	layer_node(l, dir, RIMG_ROLE_FILE, "a", 1);
	/* a look-up while the tree grows sees what is there by then */
	assert_non_null(node_find(dir, "a", 1));
	assert_null(node_find(dir, "m", 1));
	layer_node(l, dir, RIMG_ROLE_FILE, "m", 1);
	assert_non_null(node_find(dir, "m", 1));
	layer_node(l, layer_node(l, dir, RIMG_ROLE_DIR, "", 0), RIMG_ROLE_FILE, "deep", 4);
	return 0;
}

static void check_sorted(const struct rimg_node *node)
{
	assert_int_equal(node->by_name != NULL, node->n_children > 0);
	rimg_for_each_child(child, node)
		check_sorted(child);
}

static void a_tree_is_complete_when_it_is_open(void **state)
{
	struct test_image t = fake_image(bytes, 100, NULL, open_tree);
	struct rimg_layer *l = fake_layer(t.node);
	struct rimg_node *dir = l->root->first_child, *child = dir->first_child;
	static const char *const names[] = { "z", "a", "m", "" };
	size_t len;

	(void)state;
	assert_memory_equal(rimg_node_name(dir, &len), "d\0x", 4);
	assert_int_equal(len, 3);
	for (uint32_t i = 0; i < 4; i++, child = child->next) {
		assert_string_equal(child->name, names[i]);
		assert_int_equal(child->index, i);
		assert_ptr_equal(child->parent, dir);
		assert_ptr_equal(child->layer, l);
		assert_ptr_equal(child->image, t.image);
	}
	assert_null(child);
	assert_int_equal(l->n_nodes, 7);
	/* look-ups change nothing from here on */
	check_sorted(l->root);
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_surest_format_wins),
		cmocka_unit_test(what_no_format_knows_has_no_layer),
		cmocka_unit_test(an_empty_content_has_no_layer),
		cmocka_unit_test(a_context_takes_any_number_of_formats),
		cmocka_unit_test(a_content_is_opened_once_when_somebody_looks),
		cmocka_unit_test(each_byte_gets_the_owner_that_a_plain_search_finds),
		cmocka_unit_test(an_overlap_names_both_sides),
		cmocka_unit_test(wishes_outside_of_the_layer_are_nothing),
		cmocka_unit_test(a_content_is_what_is_there_of_its_range),
		cmocka_unit_test(layers_nest_as_deep_as_the_limit_and_no_deeper),
		cmocka_unit_test(contents_that_share_bytes_are_bounded_in_all),
		cmocka_unit_test(damage_below_is_a_finding_of_the_layer_around),
		cmocka_unit_test(a_head_that_cannot_be_read_is_a_finding),
		cmocka_unit_test(what_stops_the_work_is_an_error_and_can_be_tried_again),
		cmocka_unit_test(an_unreadable_layer_is_there_and_says_so),
		cmocka_unit_test(a_tree_is_complete_when_it_is_open),
	};

	return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
