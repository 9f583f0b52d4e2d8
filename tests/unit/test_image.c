/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/ctx.h"

/* ---- contexts ---------------------------------------------------------------------------------
 */

static void the_defaults_are_those_of_the_header(void **state)
{
	struct rimg_limits l = rimg_limits_default();
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);

	(void)state;
	assert_int_equal(l.layer_depth, 16);
	assert_int_equal(l.dir_depth, 1024);
	assert_int_equal(l.nodes, 4194304);
	assert_int_equal(l.arena_bytes, 1073741824);
	assert_int_equal(l.read_factor, 16);
	assert_int_equal(l.read_extra, 67108864);
	assert_int_equal(l.findings, 10000);
	assert_int_equal(l.analysis_bytes, 268435456);
	assert_int_equal(l.attr_bytes, 65536);
	assert_int_equal(l.decoded_bytes, 1048576);
	assert_memory_equal(&ctx->limits, &l, sizeof(l));
	rimg_ctx_free(ctx);
	rimg_ctx_free(NULL);
}

static void limits_are_copied(void **state)
{
	struct rimg_limits l = rimg_limits_default();
	struct rimg_ctx *ctx;

	(void)state;
	l.nodes = 7;
	ctx = rimg_ctx_new(&l, 1);
	l.nodes = 8;
	assert_int_equal(ctx->limits.nodes, 7);
	rimg_ctx_free(ctx);
}

static void threads_are_one_to_256(void **state)
{
	static const struct {
		unsigned asked, low, high;
	} cases[] = { { 0, 1, 256 },
		      { 1, 1, 1 },
		      { 256, 256, 256 },
		      { 257, 256, 256 },
		      { 1000000, 256, 256 } };
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rimg_ctx *ctx = rimg_ctx_new(NULL, cases[i].asked);

		assert_in_range(ctx->threads, cases[i].low, cases[i].high);
		if (cases[i].asked == 0 && online >= 1 && online <= 256)
			assert_int_equal(ctx->threads, online);
		rimg_ctx_free(ctx);
	}
}

static void a_password_is_copied_and_can_be_forgotten(void **state)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	char word[] = "a\0b";

	(void)state;
	assert_null(ctx->password);
	assert_int_equal(rimg_ctx_set_password(ctx, word, 3), 0);
	memset(word, 'x', sizeof(word));
	assert_int_equal(ctx->password_len, 3);
	assert_memory_equal(ctx->password, "a\0b", 3);
	assert_int_equal(rimg_ctx_set_password(ctx, "other", 5), 0);
	assert_memory_equal(ctx->password, "other", 5);
	/* an empty one is one */
	assert_int_equal(rimg_ctx_set_password(ctx, "", 0), 0);
	assert_non_null(ctx->password);
	assert_int_equal(ctx->password_len, 0);
	assert_int_equal(rimg_ctx_set_password(ctx, NULL, 5), 0);
	assert_null(ctx->password);
	assert_int_equal(ctx->password_len, 0);
	rimg_ctx_free(ctx);
}

static void the_version_has_three_numbers(void **state)
{
	unsigned dots = 0;

	(void)state;
	for (const char *p = rimg_version(); *p; p++) {
		assert_true(*p == '.' || (*p >= '0' && *p <= '9'));
		dots += *p == '.';
	}
	assert_int_equal(dots, 2);
}

/* ---- images ------------------------------------------------------------------------------------
 */

static void an_image_is_a_node_without_parent(void **state)
{
	char name[] = "disk.img";
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct rimg_source *src = rimg_source_open_memory("abc", 3, "memory");
	struct rimg_image *image = rimg_image_open(ctx, src, name, NULL);
	struct rimg_node *root = rimg_image_root(image);
	struct rimg_error err;
	char address[10];
	size_t len;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(rimg_node_role(root), RIMG_ROLE_IMAGE);
	assert_string_equal(rimg_node_name(root, &len), "");
	assert_int_equal(len, 0);
	assert_null(rimg_node_parent(root));
	assert_null(rimg_node_next(root));
	assert_ptr_equal(rimg_node_content(root), src);
	assert_ptr_equal(rimg_image_find(image, "", &err), root);
	assert_int_equal(rimg_node_address(root, address, sizeof(address)), 0);
	assert_string_equal(address, "");
	assert_null(rimg_image_find(image, "x", &err));
	assert_string_equal(err.where, "disk.img");
	rimg_image_free(image);
	rimg_image_free(NULL);
	rimg_ctx_free(ctx);
}

static void a_part_of_an_image_leaves_its_source_alone(void **state)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct rimg_source *src = rimg_source_open_memory("abc", 3, "memory");
	struct rimg_image *part = image_open_part(ctx, src, "part", NULL);
	char c;

	(void)state;
	assert_non_null(part);
	rimg_image_free(part);
	assert_int_equal(rimg_source_read(src, 2, &c, 1, NULL), 0);
	assert_int_equal(c, 'c');
	rimg_source_free(src);
	rimg_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_those_of_the_header),
		cmocka_unit_test(limits_are_copied),
		cmocka_unit_test(threads_are_one_to_256),
		cmocka_unit_test(a_password_is_copied_and_can_be_forgotten),
		cmocka_unit_test(the_version_has_three_numbers),
		cmocka_unit_test(an_image_is_a_node_without_parent),
		cmocka_unit_test(a_part_of_an_image_leaves_its_source_alone),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
