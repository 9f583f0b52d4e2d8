/* SPDX-License-Identifier: MIT */

/* What the core does when there is no memory: each scenario is run once for each allocation that it
 * makes, with just that one failing, and once more with all from that one on. The result is the
 * right one or an error that says so, nothing is lost, and a second attempt succeeds.
 *
 * The linker leads the allocations of librimg here (Makefile: --wrap); those of other libraries are
 * theirs. */

#include "test.h"

#include "core/capture.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/owner.h"
#include "core/str.h"

#include "fake.h"

/* ---- allocations that fail --------------------------------------------------------------------
 */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *p);

static bool armed;      /* allocations are counted and may fail */
static size_t n_asked;  /* since then */
static size_t fail_at;  /* this one fails, counted from 1 */
static bool fail_after; /* and so do all behind it */
static long n_live;     /* blocks that were allocated and not freed */

static bool must_fail(void)
{
	if (!armed)
		return false;
	n_asked++;
	return n_asked == fail_at || (fail_after && n_asked > fail_at);
}

static void *counted(void *p)
{
	n_live += p != NULL;
	return p;
}

void *__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	if (must_fail())
		return NULL;
	return p ? __real_realloc(p, size) : counted(__real_realloc(p, size));
}

char *__wrap_strdup(const char *s)
{
	return must_fail() ? NULL : counted(__real_strdup(s));
}

void __wrap_free(void *p)
{
	n_live -= p != NULL;
	__real_free(p);
}

/* Has the allocation failed that was to fail? */
static bool failed_one(void)
{
	return n_asked >= fail_at;
}

/* Runs @scenario with each allocation failing that it makes while it is armed. */
static void with_each_failing(void (*scenario)(void))
{
	size_t runs = 0;

	for (int after = 0; after < 2; after++) {
		bool failed = true;

		fail_after = after;
		for (fail_at = 1; failed; fail_at++, runs++) {
			long before = n_live;

			n_asked = 0;
			scenario();
			failed = failed_one();
			assert_false(armed);
			assert_int_equal(n_live, before);
			assert_in_range(runs, 0, 10000);
		}
	}
	/* a scenario that allocates nothing proves nothing */
	assert_in_range(runs, 4, 10000);
}

static void arm(void)
{
	armed = true;
}

static void disarm(void)
{
	armed = false;
}

/* ---- an image of everything -------------------------------------------------------------------
 */

static uint8_t bytes[600];

static int fill_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) "FAKE"[i % 4];
	return 0;
}

static int copy_block(const void *ctx, const struct rimg_source *base, const struct source_piece *p,
		      uint8_t *out, struct rimg_error *err)
{
	(void)ctx;
	return rimg_source_read(base, p->base_off, out, p->len, err);
}

static int keep(const void *ctx, uint64_t off, uint8_t *buf, size_t len, struct rimg_error *err)
{
	(void)ctx;
	(void)off;
	(void)buf;
	(void)len;
	(void)err;
	return 0;
}

static int add_packed(struct rimg_layer *l, struct rimg_node *dir)
{
	struct rimg_node *node = layer_node(l, dir, RIMG_ROLE_FILE, "packed", 6);
	struct source_piece *p = arena_array(&l->arena, 2, sizeof(*p));
	struct rimg_source *packed;

	if (!node || !p)
		return -RIMG_E_NOMEM;
	p[0] = (struct source_piece){
		.len = 40, .kind = PIECE_BLOCK, .base_off = 200, .base_len = 40
	};
	p[1] = (struct source_piece){
		.off = 40, .len = 40, .kind = PIECE_BLOCK, .base_off = 240, .base_len = 40
	};
	packed = source_extents(&l->arena, l->src, p, 2, copy_block, NULL);
	if (!packed)
		return -RIMG_E_NOMEM;
	node->content = source_view(&l->arena, packed, 16, keep, NULL);
	return node->content ? layer_claim(l, node, 200, 80, "packed", RIMG_CAUSE_CONTENT)
			     : -RIMG_E_NOMEM;
}

static int add_header(struct rimg_layer *l, const uint8_t *buf)
{
	struct rimg_node *node = layer_meta(l, l->root, "header");
	struct field f;

	if (!node || layer_claim(l, node, 0, 20, "header", RIMG_CAUSE_CONTENT) < 0)
		return -RIMG_E_NOMEM;
	f = field_begin(l, node, buf, 20, 0);
	f.prefix = "main.";
	field_le32(&f, "magic", RIMG_CAUSE_CONTENT);
	field_zero(&f, "zero", 4, "fake.zero");
	field_time(&f, "time");
	return field_end(&f);
}

static int open_everything(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *dir, *file;
	uint8_t buf[20];
	int rc = layer_read(l, 0, buf, sizeof(buf), err);

	if (rc < 0)
		return rc;
	rc = add_header(l, buf);
	if (rc < 0)
		return rc;
	dir = l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);
	for (int i = 0; dir && i < 40; i++) {
		file = layer_node(l, dir, RIMG_ROLE_FILE, "same", 4);
		if (!file ||
		    layer_claim(l, file, 20 + 4 * (uint64_t)i, 3, "f", RIMG_CAUSE_CONTENT) < 0)
			return -RIMG_E_NOMEM;
	}
	if (!dir || add_packed(l, dir) < 0)
		return -RIMG_E_NOMEM;
	file = layer_node(l, dir, RIMG_ROLE_FILE, "nested", 6);
	if (!file)
		return -RIMG_E_NOMEM;
	if (l->depth < 2 && layer_content_range(l, file, 280, 290) < 0)
		return -RIMG_E_NOMEM;
	layer_finding(l, SEVERITY_WARNING, "fake.odd", file, 1, 2, "odd");
	/* within a claim of a file: an overlap */
	return layer_claim(l, l->root->first_child, 101, 2, "across", RIMG_CAUSE_CONTENT);
}

static struct test_image everything(const struct rimg_limits *limits)
{
	return fake_image(bytes, sizeof(bytes), limits, open_everything);
}

/* What must be there when all is read. */
static void check_whole(const struct test_image *t)
{
	const struct rimg_layer *l = t->image->layers;
	size_t n_layers = 0;

	for (; l; l = l->next) {
		uint64_t end = 0;

		n_layers++;
		assert_int_equal(l->top->n_children, 42);
		assert_int_equal(node_attr_u64(l->root->first_child, "main.magic", 0), 0x454b4146);
		for (size_t i = 0; i < l->n_claims; i++) {
			assert_int_equal(l->claims[i].off, end);
			end += l->claims[i].len;
		}
		assert_int_equal(end, rimg_source_size(l->src));
		/* one for the field, one for the file */
		assert_int_equal(l->n_warnings, 2);
		assert_int_not_equal(l->n_errors, 0);
	}
	assert_int_equal(n_layers, 2);
}

/* ---- scenarios --------------------------------------------------------------------------------
 */

static void assert_nomem_or(int rc, const struct rimg_error *err, int want)
{
	if (rc == want)
		return;
	assert_int_equal(rc, -RIMG_E_NOMEM);
	assert_int_equal(err->code, RIMG_E_NOMEM);
	assert_true(failed_one());
}

static void open_and_open_again(void)
{
	struct test_image t = everything(NULL);
	struct rimg_layer *l = NULL;
	struct rimg_error err;
	int rc;

	arm();
	rc = node_open(t.node, &l, &err);
	disarm();
	assert_nomem_or(rc, &err, 0);
	if (rc < 0) {
		assert_null(l);
		assert_null(t.image->layers);
		assert_int_equal(t.image->n_nodes, 0);
		assert_int_equal(t.image->arena_used, 0);
	}
	test_find(&t, "/nested::/packed");
	check_whole(&t);
	test_close(&t);
}

static void opening_a_layer(void **state)
{
	(void)state;
	with_each_failing(open_and_open_again);
}

static void find_and_find_again(void)
{
	struct test_image t = everything(NULL);
	struct rimg_node *node;
	struct rimg_error err;

	arm();
	node = rimg_image_find(t.image, "/nested::/same#7", &err);
	disarm();
	if (!node)
		assert_nomem_or(-err.code, &err, 0);
	if (!node)
		node = test_find(&t, "/nested::/same#7");
	assert_int_equal(node->index, 6);
	assert_int_equal(node->layer->depth, 2);
	check_whole(&t);
	test_close(&t);
}

static void following_an_address(void **state)
{
	(void)state;
	with_each_failing(find_and_find_again);
}

static void find_nothing(void)
{
	struct test_image t = everything(NULL);
	struct rimg_error err;

	test_find(&t, "/nested::/same");
	arm();
	assert_null(rimg_image_find(t.image, "/nested::/none", &err));
	disarm();
	assert_nomem_or(-err.code, &err, -RIMG_E_NOENT);
	test_close(&t);
}

static void following_an_address_that_leads_nowhere(void **state)
{
	(void)state;
	with_each_failing(find_nothing);
}

static void render(void)
{
	static const char want[] = "memory::/nested::/same#9";
	struct test_image t = everything(NULL);
	struct rimg_node *node = test_find(&t, "/nested::/same#9");
	char buf[100] = "?", *full;
	size_t len;

	arm();
	len = rimg_node_address(node, buf, sizeof(buf));
	full = node_full_address(node);
	disarm();
	if (len == 0)
		assert_true(failed_one());
	assert_string_equal(buf, len == 0 ? "" : want + strlen("memory::"));
	if (full)
		assert_string_equal(full, want);
	else
		assert_true(failed_one());
	free(full);
	test_close(&t);
}

static void rendering_an_address(void **state)
{
	(void)state;
	with_each_failing(render);
}

/* Without its sorted lists, as while it is opened: looking up must work, or fail loudly. */
static void look_up_unsorted(void)
{
	struct test_image t = everything(NULL);
	struct rimg_layer *l = fake_layer(t.node);
	struct rimg_node *found[3];
	uint64_t max = l->arena.max;
	char address[40];

	l->top->by_name = NULL;
	l->arena.max = 1; /* nor room in the arena */
	arm();
	found[0] = node_find(l->top, "packed", 6);
	found[1] = node_find_nth(l->top, "same", 4, 40);
	found[2] = node_find_nth(l->top, "same", 4, 41);
	disarm();
	assert_string_equal(found[0]->name, "packed");
	assert_int_equal(found[1]->index, 39);
	assert_null(found[2]);
	rimg_node_address(found[1], address, sizeof(address));
	assert_string_equal(address, "/same#40");
	assert_null(l->top->by_name);
	l->arena.max = max;
	test_close(&t);
}

static void looking_up_names_without_room_for_a_sorted_list(void **state)
{
	(void)state;
	fail_at = SIZE_MAX;
	look_up_unsorted();
}

static void read_packed(void)
{
	struct test_image t = everything(NULL);
	struct rimg_node *node = test_find(&t, "/packed");
	struct rimg_error err;
	uint8_t buf[80];
	int rc;

	arm();
	for (size_t i = 0; i < 80; i += 5) {
		rc = rimg_source_read(node->content, i, buf + i, 5, &err);
		if (rc < 0)
			break;
	}
	disarm();
	assert_nomem_or(rc, &err, 0);
	for (size_t i = 0; i < 80; i += 5)
		assert_int_equal(rimg_source_read(node->content, i, buf + i, 5, &err), 0);
	assert_memory_equal(buf, bytes + 200, 80);
	test_close(&t);
}

static void reading_packed_blocks(void **state)
{
	(void)state;
	with_each_failing(read_packed);
}

static void hash_content(void)
{
	struct test_image t = everything(NULL);
	const struct rimg_source *src = test_find(&t, "/packed")->content;
	uint8_t digest[SHA256_LEN], again[SHA256_LEN];
	struct rimg_error err;
	int rc;

	arm();
	rc = digest_source(src, digest, &err);
	disarm();
	assert_nomem_or(rc, &err, 0);
	assert_int_equal(digest_source(src, again, &err), 0);
	if (rc == 0)
		assert_memory_equal(digest, again, SHA256_LEN);
	test_close(&t);
}

static void hashing_a_content(void **state)
{
	(void)state;
	with_each_failing(hash_content);
}

static char *host_path;

static void open_path(void)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct rimg_image *image = NULL;
	struct rimg_node *node;
	struct rimg_error err;

	fake_open_now = open_everything;
	assert_int_equal(ctx_add_format(ctx, &fake_format), 0);
	arm();
	node = rimg_image_open_address(ctx, host_path, &image, &err);
	disarm();
	if (!node) {
		assert_nomem_or(-err.code, &err, 0);
		assert_null(image);
	} else {
		assert_string_equal(node->name, "packed");
	}
	rimg_image_free(image);
	rimg_ctx_free(ctx);
}

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void opening_an_address(void **state)
{
	char *dir = test_temp_dir();
	size_t before = open_descriptors();
	char path[200], address[240];

	(void)state;
	snprintf(path, sizeof(path), "%s/disk.img", dir);
	snprintf(address, sizeof(address), "%s::/nested::/packed", path);
	test_save(path, bytes, sizeof(bytes));
	host_path = address;
	with_each_failing(open_path);
	assert_int_equal(open_descriptors(), before);
	test_remove_dir(dir);
}

static void make_context(void)
{
	struct rimg_limits limits = rimg_limits_default();
	struct rimg_ctx *ctx;
	struct rimg_source *src;
	struct rimg_image *image = NULL;
	struct rimg_error err;
	int rc = 0;

	arm();
	ctx = rimg_ctx_new(&limits, 1);
	if (ctx)
		rc = rimg_ctx_set_password(ctx, "secret", 6);
	if (ctx && rc == 0)
		rc = ctx_add_format(ctx, &fake_format);
	src = rimg_source_open_memory(bytes, sizeof(bytes), "memory");
	if (ctx && src)
		image = rimg_image_open(ctx, src, "memory", &err);
	else
		rimg_source_free(src);
	disarm();
	if (!ctx || rc < 0 || !src || !image)
		assert_true(failed_one());
	if (ctx && src && !image)
		assert_int_equal(err.code, RIMG_E_NOMEM);
	if (ctx && rc < 0) {
		assert_int_equal(rc, -RIMG_E_NOMEM);
		assert_int_equal(ctx->n_formats, 0);
	}
	rimg_image_free(image);
	rimg_ctx_free(ctx);
}

static void making_contexts_sources_and_images(void **state)
{
	(void)state;
	with_each_failing(make_context);
}

static void write_text(void)
{
	struct str s = { 0 };
	char *text, *back = NULL;
	size_t len = 0;

	arm();
	for (int i = 0; i < 100; i++) {
		str_printf(&s, "%02d,", i);
		str_add_hex(&s, "\x7f", 1);
		str_add_escaped(&s, "\n", 1, STR_ESCAPE_TEXT);
	}
	text = str_take(&s);
	if (text)
		back = str_unescape(text, strlen(text), &len);
	disarm();
	if (!text || !back)
		assert_true(failed_one());
	if (text) {
		assert_int_equal(strlen(text), 700);
		assert_memory_equal(text + 7 * 42, "42,7f\\n", 7);
	}
	if (back) {
		assert_int_equal(len, 600);
		assert_memory_equal(back + 6 * 42, "42,7f\n", 6);
	}
	assert_null(s.data);
	free(text);
	free(back);
}

static void writing_a_text(void **state)
{
	(void)state;
	with_each_failing(write_text);
}

static void write_stream(void)
{
	auto_str struct str text = { 0 };
	struct rimg_error err;
	char line[64];
	FILE *out;
	size_t n = 0;
	int rc;

	arm();
	out = capture_open(&text);
	disarm();
	assert_non_null(out);
	arm();
	for (int i = 0; i < 5000; i++)
		n += (size_t)fprintf(out, "line %d of what must be whole\n", i);
	rc = capture_close(out, &err);
	disarm();
	if (rc == 0) {
		assert_false(failed_one());
		assert_int_equal(text.len, n);
		snprintf(line, sizeof(line), "line 4999 of what must be whole\n");
		assert_string_equal(str_cstr(&text) + n - strlen(line), line);
	} else {
		assert_int_equal(rc, -RIMG_E_NOMEM);
		assert_int_equal(err.code, RIMG_E_NOMEM);
	}
}

/* also where what failed was not the last thing written */
static void writing_a_stream(void **state)
{
	(void)state;
	with_each_failing(write_stream);
}

/* ---- the limit of the arena, at every byte -----------------------------------------------------
 */

static void no_limit_of_memory_leaves_half_a_layer(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t = everything(NULL);
	uint64_t whole;

	(void)state;
	test_find(&t, "/nested::/packed");
	whole = t.image->arena_used;
	test_close(&t);
	fail_at = SIZE_MAX;
	for (uint64_t max = 8; max <= whole; max += 8) {
		struct rimg_error err;

		limits.arena_bytes = max;
		t = everything(&limits);
		if (rimg_image_find(t.image, "/nested::/packed", &err)) {
			/* only texts of messages may be missing then */
			assert_true(max > whole - 2000);
			check_whole(&t);
		} else {
			assert_int_equal(err.code, RIMG_E_LIMIT);
			assert_non_null(strstr(err.text, "limit of"));
			assert_true(t.image->arena_used <= max);
		}
		/* what was refused succeeds when the limit is raised */
		t.ctx->limits.arena_bytes = 2 * whole;
		if (t.image->layers)
			t.image->layers->arena.max = 2 * whole;
		test_find(&t, "/nested::/packed");
		check_whole(&t);
		test_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_a_layer),
		cmocka_unit_test(following_an_address),
		cmocka_unit_test(following_an_address_that_leads_nowhere),
		cmocka_unit_test(rendering_an_address),
		cmocka_unit_test(looking_up_names_without_room_for_a_sorted_list),
		cmocka_unit_test(reading_packed_blocks),
		cmocka_unit_test(hashing_a_content),
		cmocka_unit_test(opening_an_address),
		cmocka_unit_test(making_contexts_sources_and_images),
		cmocka_unit_test(writing_a_text),
		cmocka_unit_test(writing_a_stream),
		cmocka_unit_test(no_limit_of_memory_leaves_half_a_layer),
	};

	return cmocka_run_group_tests_name("oom", tests, fill_bytes, NULL);
}
