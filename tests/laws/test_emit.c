/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "random.h"

#include "build/inputs.h"
#include "build/selfcheck.h"
#include "core/digest.h"
#include "core/emit.h"
#include "core/format.h"
#include "core/num.h"

/* The laws for writing: what is emitted is read back as it was planned, the same plan gives the
 * same bytes whatever the number of threads, and a byte that is changed afterwards is noticed. */

#define MIB (UINT64_C(1) << 20)

struct world {
	char *dir;
	struct rimg_ctx *ctx;
	struct plan plan;
	struct test_random random;
};

static const struct inputs_rules rules = { .epoch = 1767225600 };

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .dir = test_temp_dir(), .random = { .state = seed } };
	w->ctx = rimg_ctx_new(NULL, 3);
	assert_non_null(w->ctx);
	assert_int_equal(plan_init(&w->plan), 0);
	inputs_stamp(w->plan.root, &rules);
}

static void world_done(struct world *w)
{
	plan_done(&w->plan);
	rimg_ctx_free(w->ctx);
	test_remove_dir(w->dir);
}

/* ---- random trees ------------------------------------------------------------------------- */

/* Sizes on both sides of every limit of the formats: inline contents, blocks, records, clusters. */
static size_t random_size(struct test_random *r)
{
	static const size_t edges[] = { 0,     1,     511,    512,    513,    3966,  3967,
					3968,  4095,  4096,   4097,   8192,   8193,  65535,
					65536, 65537, 131071, 131072, 131073, 262145 };

	if (test_random_one_in(r, 2))
		return edges[test_random_below(r, ARRAY_LEN(edges))];
	return (size_t)test_random_below(r, 20000);
}

static void fill(struct test_random *r, uint8_t *data, size_t len)
{
	switch (test_random_below(r, 4)) {
	case 0: memset(data, 0, len); break;
	case 1: /* packs well */
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t) "kernel initfs scheme"[i / 3 % 20];
		break;
	case 2: /* zeros with something in the middle */
		memset(data, 0, len);
		if (len > 0)
			data[len / 2] = 1;
		break;
	default: test_random_fill(r, data, len); break;
	}
}

static void random_name(struct test_random *r, char *name, bool plain)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-_. ";
	size_t len = test_random_one_in(r, 20) ? 200 + test_random_below(r, 50)
					       : 1 + test_random_below(r, 14);

	for (size_t i = 0; i < len; i++)
		name[i] = chars[test_random_below(r, plain ? 36 : sizeof(chars) - 1)];
	/* neither "." nor "..", and no name that FAT cannot end in */
	name[len - 1] = (char)('a' + test_random_below(r, 26));
	name[len] = '\0';
}

static struct plan_node *random_dir(struct world *w)
{
	struct plan_node *dir = w->plan.root;

	while (test_random_one_in(&w->random, 2)) {
		struct plan_node *next = NULL;

		for (uint32_t i = 0; i < dir->n_children; i++)
			if (dir->children[i]->role == RIMG_ROLE_DIR &&
			    test_random_one_in(&w->random, 2))
				next = dir->children[i];
		if (!next)
			break;
		dir = next;
	}
	return dir;
}

static void set_random_content(struct world *w, struct plan_node *node)
{
	size_t len = random_size(&w->random);
	uint8_t *data = malloc(len + 1);

	assert_non_null(data);
	fill(&w->random, data, len);
	assert_int_equal(inputs_set_bytes(&w->plan, node, data, len), 0);
	free(data);
}

/* What the format can hold: links and owners are nothing for FAT. */
static void random_tree(struct world *w, unsigned n, bool links, bool owners)
{
	struct plan_node *last_file = NULL;

	for (unsigned i = 0; i < n; i++) {
		struct test_random *r = &w->random;
		struct plan_node *dir = random_dir(w), *node;
		enum rimg_role role = test_random_one_in(r, 4) ? RIMG_ROLE_DIR : RIMG_ROLE_FILE;
		char name[300];

		if (links && test_random_one_in(r, 8))
			role = RIMG_ROLE_SYMLINK;
		random_name(r, name, !links);
		if (plan_child(dir, name, strlen(name)))
			continue;
		node = plan_add(&w->plan, dir, role, name, strlen(name), NULL);
		assert_non_null(node);
		inputs_stamp(node, &rules);
		node->mode = owners ? (uint32_t)test_random_below(r, 010000) : 0644;
		if (owners)
			node->uid = (uint32_t)test_random_next(r);
		if (role == RIMG_ROLE_SYMLINK)
			assert_int_equal(inputs_set_bytes(&w->plan, node, name, strlen(name)), 0);
		if (role != RIMG_ROLE_FILE)
			continue;
		if (links && last_file && test_random_one_in(r, 10))
			plan_link(node, last_file);
		else
			set_random_content(w, node);
		last_file = node->link_to ? node->link_to : node;
	}
}

/* ---- emitting ----------------------------------------------------------------------------- */

static struct sink *emit(struct world *w, const struct emit_request *rq, const char *format,
			 const char *file, uint64_t size)
{
	const struct rimg_emitter *emitter = emitter_find(format);
	char path[600];
	struct rimg_error err;
	struct sink *sink;

	assert_non_null(emitter);
	snprintf(path, sizeof(path), "%s/%s", w->dir, file);
	if (size == 0 && emitter->measure(rq, &size, &err) < 0)
		test_fail_error("measure", &err);
	sink = sink_file(path, size, &err);
	if (!sink || emitter->emit(rq, sink, &err) < 0)
		test_fail_error("emit", &err);
	return sink;
}

static void digest(struct sink *sink, uint8_t ret[SHA256_LEN])
{
	struct rimg_error err;
	const struct rimg_source *back = sink_source(sink, &err);

	if (!back || digest_source(back, ret, &err) < 0)
		test_fail_error("digest", &err);
}

/* Read back; no finding at all, not even a warning; then again by one thread: the same bytes. */
static void round_trip(struct world *w, const char *format, enum emit_compression compression,
		       uint64_t size)
{
	struct emit_request rq = { .ctx = w->ctx,
				   .tree = &w->plan,
				   .layer_name = "test",
				   .epoch = rules.epoch,
				   .compression = compression };
	struct rimg_ctx *alone = rimg_ctx_new(NULL, 1);
	struct sink *sink = emit(w, &rq, format, "a.img", size), *again;
	uint8_t first[SHA256_LEN], second[SHA256_LEN];
	struct rimg_error err;
	struct rimg_image *image;
	struct rimg_layer *l;

	if (selfcheck_tree(&rq, sink_source(sink, &err), "a.img", format, &err) < 0)
		test_fail_error("selfcheck", &err);
	image = image_open_part(w->ctx, sink_source(sink, &err), "a.img", &err);
	assert_non_null(image);
	assert_int_equal(node_open(rimg_image_root(image), &l, &err), 0);
	assert_int_equal(l->format->check(l, &err), 0);
	assert_no_findings(image);
	rimg_image_free(image);
	digest(sink, first);
	rq.ctx = alone;
	again = emit(w, &rq, format, "b.img", size);
	digest(again, second);
	assert_memory_equal(first, second, sizeof(first));
	sink_free(sink);
	sink_free(again);
	rimg_ctx_free(alone);
}

static void redoxfs_is_read_back_as_planned(void **state)
{
	struct test_random seeds = test_random_start("redoxfs");

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		struct world w;

		world_init(&w, test_random_next(&seeds));
		random_tree(&w, i * 20, true, true);
		round_trip(&w, "redoxfs", i % 2 ? EMIT_COMPRESSION_LZ4 : EMIT_COMPRESSION_NONE,
			   i % 3 ? 64 * MIB : 0);
		world_done(&w);
	}
}

static void fat_is_read_back_as_planned(void **state)
{
	static const uint64_t sizes[] = { 1, 2, 4, 5, 8, 16, 32, 33, 64, 130, 260, 520 };
	struct test_random seeds = test_random_start("fat");

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct world w;

		world_init(&w, test_random_next(&seeds));
		random_tree(&w, i == 0 ? 3 : 40, false, false);
		round_trip(&w, "fat", EMIT_COMPRESSION_NONE, sizes[i] * MIB + (i == 0 ? MIB : 0));
		world_done(&w);
	}
}

static void initfs_is_read_back_as_planned(void **state)
{
	struct test_random seeds = test_random_start("initfs");

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct plan_node *bin, *init;
		struct world w;

		world_init(&w, test_random_next(&seeds));
		bin = plan_add(&w.plan, w.plan.root, RIMG_ROLE_DIR, "bin", 3, NULL);
		assert_non_null(bin);
		bin->mode = 0755;
		init = plan_add(&w.plan, bin, RIMG_ROLE_FILE, "init", 4, NULL);
		assert_non_null(init);
		init->mode = 0755;
		set_random_content(&w, init);
		random_tree(&w, i * 10, true, true);
		round_trip(&w, "initfs", EMIT_COMPRESSION_NONE, 0);
		world_done(&w);
	}
}

/* ---- directories of every size ------------------------------------------------------------ */

static void add_many(struct world *w, unsigned n, size_t name_len)
{
	for (unsigned i = 0; i < n; i++) {
		char name[300];
		struct plan_node *node;

		memset(name, 'n', sizeof(name));
		snprintf(name, sizeof(name), "%05u", i);
		name[5] = 'n';
		node = plan_add(&w->plan, w->plan.root, RIMG_ROLE_FILE, name, name_len, NULL);
		assert_non_null(node);
		inputs_stamp(node, &rules);
		node->mode = 0600;
	}
}

static void directories_grow_trees_of_hashes(void **state)
{
	static const struct {
		unsigned n;
		size_t name_len;
		uint64_t levels;
	} cases[] = {
		{ 0, 5, 0 },    /* empty: no block at all */
		{ 409, 5, 0 },  /* 4090 bytes: one DirList */
		{ 410, 5, 1 },  /* 4100 bytes: one too many */
		{ 15, 252, 0 }, /* the longest names */
		{ 16, 252, 1 },
		{ 15 * 204, 252, 1 }, /* one hash block full of full DirLists */
		{ 15 * 204 + 1, 252, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct emit_request rq = { .layer_name = "test" };
		struct rimg_image *image;
		struct rimg_layer *l;
		struct rimg_error err;
		struct world w;
		struct sink *sink;
		uint8_t marker;

		world_init(&w, 1);
		add_many(&w, cases[i].n, cases[i].name_len);
		rq.ctx = w.ctx;
		rq.tree = &w.plan;
		sink = emit(&w, &rq, "redoxfs", "a.img", 64 * MIB);
		image = image_open_part(w.ctx, sink_source(sink, &err), "a.img", &err);
		assert_non_null(image);
		assert_int_equal(node_open(rimg_image_root(image), &l, &err), 0);
		assert_int_equal(l->format->check(l, &err), 0);
		assert_no_findings(image);
		assert_int_equal(l->top->n_children, cases[i].n);
		/* the marker's low four bits, in the root's inode: docs/formats/redoxfs.md */
		assert_int_equal(rimg_source_read(sink_source(sink, &err), 257 * 4096 + 128,
						  &marker, 1, &err),
				 0);
		assert_int_equal(marker & 15, cases[i].levels);
		rimg_image_free(image);
		sink_free(sink);
		world_done(&w);
	}
}

/* ---- limits ------------------------------------------------------------------------------- */

static void a_volume_that_is_too_small_says_how_much_is_needed(void **state)
{
	const struct rimg_emitter *emitter = emitter_find("redoxfs");
	struct emit_request rq = { .layer_name = "test" };
	struct rimg_error err;
	struct sink *sink;
	struct world w;
	uint64_t need;
	char path[600], text[64];

	(void)state;
	world_init(&w, 7);
	random_tree(&w, 60, true, true);
	rq.ctx = w.ctx;
	rq.tree = &w.plan;
	assert_int_equal(emitter->measure(&rq, &need, &err), 0);
	snprintf(path, sizeof(path), "%s/small.img", w.dir);
	sink = sink_file(path, need - 12 * UINT64_C(4096), &err);
	assert_non_null(sink);
	assert_int_equal(emitter->emit(&rq, sink, &err), -RIMG_E_LIMIT);
	snprintf(text, sizeof(text), "at least %llu bytes", (unsigned long long)need);
	assert_non_null(strstr(err.text, text));
	sink_free(sink);
	assert_int_equal(access(path, F_OK), -1);
	sink_free(emit(&w, &rq, "redoxfs", "large.img", need));
	world_done(&w);
}

/* A full file system has not one free block left, and is sound all the same. */
static void a_volume_may_be_full_to_the_last_block(void **state)
{
	struct emit_request rq = { .layer_name = "test" };
	struct world w;
	uint64_t need;
	struct rimg_error err;

	(void)state;
	world_init(&w, 8);
	random_tree(&w, 30, true, true);
	rq.ctx = w.ctx;
	rq.tree = &w.plan;
	assert_int_equal(emitter_find("redoxfs")->measure(&rq, &need, &err), 0);
	round_trip(&w, "redoxfs", EMIT_COMPRESSION_NONE, need - 8 * UINT64_C(4096));
	world_done(&w);
}

static void expect_refused(const char *format, const char *name, enum rimg_role role)
{
	const struct rimg_emitter *emitter = emitter_find(format);
	struct emit_request rq = { .layer_name = "test" };
	struct plan_node *node;
	struct rimg_error err;
	struct world w;
	uint64_t size;

	world_init(&w, 1);
	node = plan_add(&w.plan, w.plan.root, role, name, strlen(name), NULL);
	assert_non_null(node);
	node->mode = 0644;
	rq.ctx = w.ctx;
	rq.tree = &w.plan;
	if (emitter->measure(&rq, &size, &err) >= 0)
		fail_msg("%s: \"%s\" was not refused", format, name);
	world_done(&w);
}

static void what_a_format_cannot_hold_is_refused(void **state)
{
	static const char *const never[] = { ".", "..", "a:b", "bad\xff", "a/b" };
	char too_long[254];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		expect_refused("redoxfs", never[i], RIMG_ROLE_FILE);
	memset(too_long, 'n', 253);
	too_long[253] = '\0';
	expect_refused("redoxfs", too_long, RIMG_ROLE_FILE);
	expect_refused("redoxfs", "fifo", RIMG_ROLE_OTHER);
	expect_refused("fat", "link", RIMG_ROLE_SYMLINK);
	expect_refused("fat", "what?", RIMG_ROLE_FILE);
	expect_refused("fat", "dot.", RIMG_ROLE_FILE);
	expect_refused("initfs", "a/b", RIMG_ROLE_FILE);
	expect_refused("initfs", "socket", RIMG_ROLE_SOCKET);
}

/* ---- a changed byte ----------------------------------------------------------------------- */

static void a_changed_byte_is_noticed(void **state)
{
	struct test_random r = test_random_start("changed byte");
	struct emit_request rq = { .layer_name = "test" };
	struct rimg_error err;
	struct sink *sink;
	struct world w;
	uint8_t *data;
	uint64_t size;

	(void)state;
	world_init(&w, 5);
	random_tree(&w, 40, true, true);
	rq.ctx = w.ctx;
	rq.tree = &w.plan;
	sink = emit(&w, &rq, "redoxfs", "a.img", 0);
	size = sink_size(sink);
	data = malloc((size_t)size);
	assert_non_null(data);
	assert_int_equal(rimg_source_read(sink_source(sink, &err), 0, data, (size_t)size, &err), 0);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t off = 257 * 4096 + test_random_below(&r, 40 * UINT64_C(4096));
		struct rimg_source *src;

		data[off] ^= 0x10;
		src = rimg_source_open_memory(data, (size_t)size, "changed");
		assert_non_null(src);
		if (selfcheck_tree(&rq, src, "changed", "redoxfs", &err) >= 0)
			fail_msg("byte %llu was changed unnoticed", (unsigned long long)off);
		rimg_source_free(src);
		data[off] ^= 0x10;
	}
	free(data);
	sink_free(sink);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redoxfs_is_read_back_as_planned),
		cmocka_unit_test(fat_is_read_back_as_planned),
		cmocka_unit_test(initfs_is_read_back_as_planned),
		cmocka_unit_test(directories_grow_trees_of_hashes),
		cmocka_unit_test(a_volume_that_is_too_small_says_how_much_is_needed),
		cmocka_unit_test(a_volume_may_be_full_to_the_last_block),
		cmocka_unit_test(what_a_format_cannot_hold_is_refused),
		cmocka_unit_test(a_changed_byte_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
