/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/str.h"
#include "redoxfs_image.h"

/* Golden volumes against the listings of upstream's own crate. */

#define PASSWORD "correct-horse"

static struct test_image open_volume(const char *name)
{
	return test_open_with(test_image_path(name),
			      strcmp(name, "encrypted") == 0 ? PASSWORD : NULL);
}

/* ---- one line of a listing ----------------------------------------------------------------- */

static const char *text_of(struct json_object *line, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(line, key, &value))
		fail_msg("the listing has no %s", key);
	return json_object_get_string(value);
}

static void compare_number(const struct rimg_node *node, struct json_object *line, const char *key,
			   const char *attr)
{
	uint64_t listed, found = number(node, attr);

	assert_true(str_parse_u64(text_of(line, key), &listed));
	if (listed != found)
		fail_msg("%s: %s is %" PRIu64 ", listed %" PRIu64, node->name, key, found, listed);
}

static void compare_text(const struct rimg_node *node, struct json_object *line, const char *key,
			 const char *found)
{
	if (strcmp(found, text_of(line, key)) != 0)
		fail_msg("%s: %s is %s, listed %s", node->name, key, found, text_of(line, key));
}

static void compare_time(const struct rimg_node *node, struct json_object *line, const char *key)
{
	const struct rimg_attr *a = node_attr(node, key);
	char text[64];

	assert_non_null(a);
	assert_int_equal(a->type, ATTR_TIME);
	snprintf(text, sizeof(text), "%" PRIi64 ".%09" PRIu32, a->time.s, a->time.ns);
	compare_text(node, line, key, text);
}

static void compare_content(const struct rimg_node *node, struct json_object *line)
{
	auto_str struct str sha = { 0 };
	uint8_t digest[SHA256_LEN];
	struct rimg_error err;

	assert_non_null(node->content);
	assert_int_equal(rimg_source_size(node->content), number(node, "size"));
	if (digest_source(node->content, digest, &err) < 0)
		test_fail_error(node->name, &err);
	str_add_hex(&sha, digest, sizeof(digest));
	compare_text(node, line, "sha256", str_cstr(&sha));
}

static void compare_target(const struct rimg_node *node, struct json_object *line)
{
	const struct rimg_attr *target = node_attr(node, "target");
	struct json_object *listed;

	if (!json_object_object_get_ex(line, "target", &listed)) {
		assert_null(target);
		return;
	}
	assert_non_null(target);
	assert_int_equal(target->bytes.len, json_object_get_string_len(listed));
	assert_memory_equal(target->bytes.data, json_object_get_string(listed), target->bytes.len);
}

static void compare_node(const struct rimg_node *node, struct json_object *line)
{
	char mode[16];

	compare_text(node, line, "type", rimg_role_name(node->role));
	compare_number(node, line, "id", "id");
	snprintf(mode, sizeof(mode), "%04" PRIo64, number(node, "mode"));
	compare_text(node, line, "mode", mode);
	compare_number(node, line, "uid", "uid");
	compare_number(node, line, "gid", "gid");
	compare_number(node, line, "size", "size");
	compare_number(node, line, "blocks", "blocks");
	compare_number(node, line, "links", "links");
	compare_text(node, line, "inline", number(node, "inline") ? "true" : "false");
	compare_time(node, line, "ctime");
	compare_time(node, line, "mtime");
	compare_time(node, line, "atime");
	if (node->role != RIMG_ROLE_DIR)
		compare_content(node, line);
	else
		assert_null(node->content);
	compare_target(node, line);
}

static void compare_header(const struct rimg_layer *l, struct json_object *line)
{
	const struct rimg_attr *uuid = node_attr(l->root, "uuid");
	auto_str struct str text = { 0 };

	compare_number(l->root, line, "ring_block", "ring block");
	compare_number(l->root, line, "generation", "generation");
	compare_number(l->root, line, "size", "size");
	compare_number(l->root, line, "free_blocks", "free blocks");
	compare_text(l->root, line, "encrypted", number(l->root, "encrypted") ? "true" : "false");
	assert_non_null(uuid);
	str_add_hex(&text, uuid->bytes.data, uuid->bytes.len);
	compare_text(l->root, line, "uuid", str_cstr(&text));
	assert_int_equal(number(l->root, "version"), 8);
	assert_int_equal(number(l->root, "block size"), 4096);
}

/* ---- a whole listing ----------------------------------------------------------------------- */

static struct rimg_node *find_path(const struct rimg_layer *l, const char *path)
{
	struct rimg_node *node = l->top;

	while (node && *path == '/' && path[1]) {
		size_t n = strcspn(path + 1, "/");

		node = node_find(node, path + 1, n);
		path += 1 + n;
	}
	return node;
}

static size_t count_nodes(const struct rimg_layer *l)
{
	size_t n = 0;

	for (struct rimg_node *node = l->top; node; node = node_after(node, l->top))
		n++;
	return n;
}

static void compare_line(const struct rimg_layer *l, struct json_object *line, size_t *n_paths)
{
	struct json_object *header;
	struct rimg_node *node;

	if (json_object_object_get_ex(line, "header", &header)) {
		compare_header(l, header);
		return;
	}
	node = find_path(l, text_of(line, "path"));
	if (!node)
		fail_msg("%s is not there", text_of(line, "path"));
	compare_node(node, line);
	++*n_paths;
}

static void compare_listing(const struct rimg_layer *l, const char *file)
{
	auto_fclose FILE *f = fopen(test_golden_path(file), "re");
	auto_free char *text = NULL;
	size_t cap = 0, n_paths = 0;

	assert_non_null(f);
	while (getline(&text, &cap, f) > 0) {
		struct json_object *line = json_tokener_parse(text);

		assert_non_null(line);
		compare_line(l, line, &n_paths);
		json_object_put(line);
	}
	assert_true(n_paths > 0);
	assert_int_equal(count_nodes(l), n_paths);
}

/* Every byte of a sound volume has a meaning. */
static void assert_no_gaps(const struct rimg_layer *l)
{
	rimg_for_each_child(node, l->root)
		assert_int_not_equal(node->role, RIMG_ROLE_GAP);
}

static void check_sound(struct rimg_node *node, const char *listing)
{
	struct rimg_layer *l = layer_of(node, "redoxfs");
	struct rimg_error err;

	compare_listing(l, listing);
	assert_no_gaps(l);
	if (l->format->check(l, &err) < 0)
		test_fail_error(listing, &err);
	assert_no_errors(node->image);
}

static void check_volume(const char *name)
{
	struct test_image t = open_volume(name);
	char listing[64];

	snprintf(listing, sizeof(listing), "%s.jsonl", name);
	check_sound(t.node, listing);
	test_close(&t);
}

static void fresh_volumes_list_as_upstream_lists_them(void **state)
{
	(void)state;
	check_volume("empty");
	check_volume("smallest");
	check_volume("tiny");
	check_volume("system");
}

static void all_sizes_links_and_names_list_as_upstream_lists_them(void **state)
{
	(void)state;
	check_volume("basic");
	check_volume("text");
	check_volume("noise");
}

static void large_directories_list_as_upstream_lists_them(void **state)
{
	(void)state;
	check_volume("many-short");
	check_volume("many-long");
}

static void reserved_and_resized_volumes_list_as_upstream_lists_them(void **state)
{
	(void)state;
	check_volume("reserved");
	check_volume("shrunk");
	check_volume("grown");
	check_volume("clone");
}

static void volumes_that_were_written_to_list_as_upstream_lists_them(void **state)
{
	(void)state;
	check_volume("churned");
	check_volume("wrapped");
	check_volume("odd");
}

static void an_encrypted_volume_lists_with_its_password(void **state)
{
	(void)state;
	check_volume("encrypted");
}

static void partitions_list_as_upstream_lists_them(void **state)
{
	static const char *const disks[] = { "disk-installer", "disk-sgdisk" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		struct test_image t = test_open_golden(disks[i], "");
		char listing[64];

		snprintf(listing, sizeof(listing), "%s.jsonl", disks[i]);
		check_sound(test_find(&t, "REDOX"), listing);
		test_close(&t);
	}
}

/* ---- encryption ---------------------------------------------------------------------------- */

static void check_locked(const char *password, const char *hint)
{
	struct test_image t = test_open_with(test_image_path("encrypted"), password);
	struct rimg_layer *l = layer_of(t.node, "redoxfs");
	const struct finding *f = test_finding(t.image, "redoxfs.password");

	assert_true(l->unreadable);
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_non_null(strstr(f->text, hint));
	test_close(&t);
}

static void no_password_is_a_finding_that_names_the_option(void **state)
{
	(void)state;
	check_locked(NULL, "--password-file");
}

static void a_wrong_password_is_a_finding(void **state)
{
	(void)state;
	check_locked("correct-horsf", "none of the key slots");
	check_locked("", "none of the key slots");
}

static void a_password_does_not_matter_to_a_plain_volume(void **state)
{
	struct test_image t = test_open_with(test_image_path("tiny"), PASSWORD);

	(void)state;
	check_sound(t.node, "tiny.jsonl");
	test_close(&t);
}

static void places_in_an_encrypted_volume_mean_nothing(void **state)
{
	struct test_image t = open_volume("encrypted");
	struct rimg_layer *l = layer_of(t.node, "redoxfs");

	(void)state;
	assert_true(l->opaque_places);
	for (size_t i = 0; i < l->n_claims; i++)
		assert_true(l->claims[i].content_off == NO_CONTENT);
	test_close(&t);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Reads that begin and end anywhere give the bytes of the whole. */
static void check_partial_reads(const struct rimg_node *node)
{
	size_t len;
	auto_free uint8_t *whole = test_read_node(node, &len);
	static const size_t steps[] = { 1000, 4096, 4097, 131072, 131073, 300000 };

	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		auto_free uint8_t *part = malloc(steps[s]);

		assert_non_null(part);
		for (size_t off = len % 7; off < len; off += steps[s] * 3 / 2) {
			size_t n = (size_t)num_min(steps[s], len - off);

			assert_int_equal(rimg_source_read(node->content, off, part, n, NULL), 0);
			assert_memory_equal(part, whole + off, n);
		}
	}
}

static void any_part_of_a_content_can_be_read(void **state)
{
	static const char *const names[] = { "basic", "odd", "encrypted" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct test_image t = open_volume(names[i]);
		struct rimg_layer *l = layer_of(t.node, "redoxfs");

		for (struct rimg_node *n = l->top; n; n = node_after(n, l->top)) {
			if (n->role == RIMG_ROLE_FILE && rimg_source_size(n->content) < 8 << 20)
				check_partial_reads(n);
		}
		test_close(&t);
	}
}

/* A claim that says to be content is: the bytes of the image and of the file are the same. */
static void check_content_claim(const struct rimg_layer *l, const struct claim *c)
{
	uint8_t a[4096], b[4096];

	for (uint64_t done = 0; done < c->len; done += sizeof(a)) {
		size_t n = (size_t)num_min(sizeof(a), c->len - done);

		assert_int_equal(rimg_source_read(l->src, c->off + done, a, n, NULL), 0);
		assert_int_equal(
			rimg_source_read(c->node->content, c->content_off + done, b, n, NULL), 0);
		assert_memory_equal(a, b, n);
	}
}

static void claimed_content_is_content(void **state)
{
	static const char *const names[] = { "basic", "odd", "reserved", "churned" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct test_image t = open_volume(names[i]);
		struct rimg_layer *l = layer_of(t.node, "redoxfs");
		size_t n = 0;

		for (size_t k = 0; k < l->n_claims; k++) {
			if (l->claims[k].content_off == NO_CONTENT)
				continue;
			check_content_claim(l, &l->claims[k]);
			n++;
		}
		assert_true(n > 0);
		test_close(&t);
	}
}

/* An attribute with a place has its value there. */
static void check_attr_place(const struct rimg_layer *l, const struct rimg_attr *a)
{
	uint8_t bytes[8] = { 0 };
	struct rd r = rd_init(bytes, sizeof(bytes), 0);
	uint64_t value;

	if (a->place.len == 0 || a->place.len > sizeof(bytes) || a->type == ATTR_RAW)
		return;
	assert_int_equal(rimg_source_read(l->src, a->place.off, bytes, a->place.len, NULL), 0);
	value = rd_le64(&r);
	if (strcmp(a->key, "mode") == 0)
		value &= REDOXFS_MODE_MASK;
	if (a->type == ATTR_U64 || a->type == ATTR_HEX || a->type == ATTR_OCTAL)
		assert_int_equal(a->u, value);
}

static void attributes_are_where_they_say(void **state)
{
	static const char *const names[] = { "tiny", "reserved", "churned", "many-long" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct test_image t = open_volume(names[i]);
		struct rimg_layer *l = layer_of(t.node, "redoxfs");

		for (struct rimg_node *n = l->root; n; n = node_after(n, l->root)) {
			rimg_for_each_attr(a, n)
				check_attr_place(l, a);
		}
		test_close(&t);
	}
}

/* ---- links --------------------------------------------------------------------------------- */

static void the_first_path_owns_a_hard_link(void **state)
{
	struct test_image t = open_volume("odd");
	struct rimg_layer *l = layer_of(t.node, "redoxfs");
	struct rimg_node *first = find_path(l, "/dir/hard"), *second = find_path(l, "/dir/hard2");

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_null(first->link_to);
	assert_ptr_equal(second->link_to, first);
	assert_ptr_equal(second->content, first->content);
	assert_int_equal(second->role, RIMG_ROLE_FILE);
	rimg_for_each_attr(a, second)
		assert_true(a->place.len == 0 || strcmp(a->key, "id") == 0);
	for (size_t i = 0; i < l->n_claims; i++) {
		if (l->claims[i].node == second)
			assert_string_equal(l->claims[i].what, "dirent");
	}
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_volumes_list_as_upstream_lists_them),
		cmocka_unit_test(all_sizes_links_and_names_list_as_upstream_lists_them),
		cmocka_unit_test(large_directories_list_as_upstream_lists_them),
		cmocka_unit_test(reserved_and_resized_volumes_list_as_upstream_lists_them),
		cmocka_unit_test(volumes_that_were_written_to_list_as_upstream_lists_them),
		cmocka_unit_test(an_encrypted_volume_lists_with_its_password),
		cmocka_unit_test(partitions_list_as_upstream_lists_them),
		cmocka_unit_test(no_password_is_a_finding_that_names_the_option),
		cmocka_unit_test(a_wrong_password_is_a_finding),
		cmocka_unit_test(a_password_does_not_matter_to_a_plain_volume),
		cmocka_unit_test(places_in_an_encrypted_volume_mean_nothing),
		cmocka_unit_test(any_part_of_a_content_can_be_read),
		cmocka_unit_test(claimed_content_is_content),
		cmocka_unit_test(attributes_are_where_they_say),
		cmocka_unit_test(the_first_path_owns_a_hard_link),
	};

	return cmocka_run_group_tests_name("redoxfs", tests, NULL, NULL);
}
