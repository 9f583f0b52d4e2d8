/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/pool.h"

#include "fake.h"
#include "random.h"

/* ---- SHA-256 -------------------------------------------------------------------------------- */

static void assert_hex(const uint8_t digest[SHA256_LEN], const char *want)
{
	char hex[2 * SHA256_LEN + 1];

	for (size_t i = 0; i < SHA256_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(hex, want);
}

/* OpenSSL's, in a library context of the test's own. */
static OSSL_LIB_CTX *library;

static void plain_sha256(const void *data, size_t len, uint8_t ret[SHA256_LEN])
{
	assert_int_equal(EVP_Q_digest(library, "SHA256", NULL, data, len, ret, NULL), 1);
}

/* A host may configure OpenSSL to have no algorithms at all. */
static void no_configuration_decides_what_sha256_is(void **state)
{
	uint8_t digest[SHA256_LEN];

	(void)state;
	assert_null(EVP_MD_fetch(NULL, "SHA256", NULL));
	assert_int_equal(digest_bytes("abc", 3, digest, NULL), 0);
	assert_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* FIPS 180-4's example values for SHA-256, and that of the empty message */
static void examples_of_the_standard_come_out(void **state)
{
	static const struct {
		const char *text, *digest;
	} known[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t digest[SHA256_LEN];
		struct rimg_source *src =
			rimg_source_open_memory(known[i].text, strlen(known[i].text), "text");

		assert_int_equal(digest_bytes(known[i].text, strlen(known[i].text), digest, NULL),
				 0);
		assert_hex(digest, known[i].digest);
		memset(digest, 0, sizeof(digest));
		assert_int_equal(digest_source(src, digest, NULL), 0);
		assert_hex(digest, known[i].digest);
		rimg_source_free(src);
	}
}

static void a_million_letters_have_the_value_of_the_standard(void **state)
{
	auto_free char *text = malloc(1000000);
	uint8_t digest[SHA256_LEN];

	(void)state;
	memset(text, 'a', 1000000);
	assert_int_equal(digest_bytes(text, 1000000, digest, NULL), 0);
	assert_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void sources_longer_than_a_step_are_hashed_whole(void **state)
{
	static const size_t lens[] = { 1048575, 1048576, 1048577, 3 * 1048576, 3145733 };
	struct test_random rnd = test_random_start("digest");
	auto_free uint8_t *data = malloc(3145733);

	(void)state;
	test_random_fill(&rnd, data, 3145733);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct rimg_source *src = rimg_source_open_memory(data, lens[i], "data");
		uint8_t digest[SHA256_LEN], want[SHA256_LEN];

		assert_int_equal(digest_source(src, digest, NULL), 0);
		plain_sha256(data, lens[i], want);
		assert_memory_equal(digest, want, SHA256_LEN);
		rimg_source_free(src);
	}
}

/* Data at both ends of holes that begin and end within a step, at its edges, or fill several. */
static void holes_of_a_file_are_hashed_as_zeros(void **state)
{
	static const size_t data_at[] = { 0, 4096, 258048, 262144, 1048576, 1835007, 3000000 };
	size_t len = 3145733;
	auto_free uint8_t *want = calloc(1, len);
	char *dir = test_temp_dir();
	char path[256];
	uint8_t digest[SHA256_LEN], plain[SHA256_LEN];
	struct rimg_source *src;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/sparse", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	for (size_t i = 0; i < ARRAY_LEN(data_at); i++) {
		want[data_at[i]] = (uint8_t)(i + 1);
		assert_int_equal(pwrite(fd, want + data_at[i], 1, (off_t)data_at[i]), 1);
	}
	src = rimg_source_open_fd(fd, path, NULL);
	assert_int_equal(digest_source(src, digest, NULL), 0);
	plain_sha256(want, len, plain);
	assert_memory_equal(digest, plain, SHA256_LEN);
	rimg_source_free(src);
	test_remove_dir(dir);
}

static int fail_to_read(const void *ctx, uint64_t off, void *buf, size_t len,
			struct rimg_error *err)
{
	(void)ctx;
	(void)off;
	memset(buf, 0, len);
	return error_set(err, RIMG_E_IO, "disk", "gone");
}

static void what_cannot_be_read_has_no_digest(void **state)
{
	struct arena a;
	uint8_t digest[SHA256_LEN] = "untouched";
	struct rimg_error err;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(
		digest_source(source_custom(&a, 10, "disk", fail_to_read, NULL), digest, &err),
		-RIMG_E_IO);
	assert_string_equal(err.text, "gone");
	assert_string_equal((const char *)digest, "untouched");
	arena_done(&a);
}

static void hash_one(void *arg, size_t i)
{
	uint8_t *all = arg;

	if (digest_bytes("abc", 3, all + i * SHA256_LEN, NULL) < 0)
		memset(all + i * SHA256_LEN, 0, SHA256_LEN);
}

static void many_threads_hash_at_once(void **state)
{
	static uint8_t all[64 * SHA256_LEN];
	uint8_t want[SHA256_LEN];

	(void)state;
	plain_sha256("abc", 3, want);
	pool_for(8, 64, hash_one, all);
	for (size_t i = 0; i < 64; i++)
		assert_memory_equal(all + i * SHA256_LEN, want, SHA256_LEN);
}

/* ---- trees, computed twice ------------------------------------------------------------------- */

/* A tree as a test writes it down. */
struct item {
	const char *name;
	enum rimg_role role;
	uint64_t mode, uid, gid;
	const char *content;
	const struct item *children; /* ends with a name of NULL */
};

static void put(uint8_t **p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*(*p)++ = (uint8_t)(value >> (8 * i));
}

static int compare_items(const void *a, const void *b)
{
	return strcmp((*(const struct item *const *)a)->name,
		      (*(const struct item *const *)b)->name);
}

/* By the encoding that digest.c documents. */
static void plain_digest(const struct item *item, bool asked, uint8_t ret[SHA256_LEN])
{
	uint8_t buf[4096], *p = buf;
	const struct item *sorted[64];
	bool holder = item->role == RIMG_ROLE_PARTITION || item->role == RIMG_ROLE_DIR ||
		      item->role == RIMG_ROLE_FILE;
	bool own = !asked || item->children;
	size_t name_len = asked ? 0 : strlen(item->name), n = 0;

	memcpy(p, "rimg-tree-1", 12);
	p += 12;
	put(&p, asked && holder ? RIMG_ROLE_IMAGE : item->role, 1);
	put(&p, name_len, 4);
	put(&p, own ? item->mode : 0, 4);
	put(&p, own ? item->uid : 0, 4);
	put(&p, own ? item->gid : 0, 4);
	memcpy(p, item->name, name_len);
	p += name_len;
	put(&p, item->children ? 2 : item->content ? 1 : 0, 1);
	if (!item->children && item->content) {
		put(&p, strlen(item->content), 8);
		plain_sha256(item->content, strlen(item->content), p);
		p += SHA256_LEN;
	}
	for (const struct item *c = item->children; c && c->name; c++)
		if (c->role != RIMG_ROLE_META)
			sorted[n++] = c;
	if (item->children) {
		qsort(sorted, n, sizeof(sorted[0]), compare_items);
		put(&p, n, 8);
	}
	for (size_t i = 0; i < n; i++, p += SHA256_LEN)
		plain_digest(sorted[i], false, p);
	plain_sha256(buf, (size_t)(p - buf), ret);
}

static const struct item *written; /* what the next layer consists of: its top, or its children */
static bool with_top;              /* a file system, with a top directory */
static bool in_partition;          /* the outermost layer is a table with one partition */

static void add_item(struct rimg_layer *l, struct rimg_node *parent, const struct item *item);

static void add_owner(struct rimg_layer *l, struct rimg_node *node, const struct item *item)
{
	attr_add_u64(l, node, "mtime", ATTR_U64, RIMG_CAUSE_TIMESTAMP, PLACE_NONE, l->depth);
	if (item->mode)
		attr_add_u64(l, node, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, PLACE_NONE,
			     item->mode);
	if (item->uid)
		attr_add_u64(l, node, "uid", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE, item->uid);
	if (item->gid)
		attr_add_u64(l, node, "gid", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE, item->gid);
}

static int read_text(const void *ctx, uint64_t off, void *buf, size_t len, struct rimg_error *err)
{
	(void)err;
	memcpy(buf, (const char *)ctx + off, len);
	return 0;
}

static void add_item(struct rimg_layer *l, struct rimg_node *parent, const struct item *item)
{
	struct rimg_node *node = layer_node(l, parent, item->role, item->name, strlen(item->name));

	add_owner(l, node, item);
	if (item->content)
		node->content = source_custom(&l->arena, strlen(item->content), "text", read_text,
					      item->content);
	for (const struct item *c = item->children; c && c->name; c++)
		add_item(l, node, c);
}

static int open_written(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node;

	(void)err;
	layer_meta(l, l->root, "header");
	if (in_partition && l->depth == 1) {
		node = layer_node(l, l->root, RIMG_ROLE_PARTITION, "REDOX", 5);
		return layer_content_range(l, node, 8, rimg_source_size(l->src) - 8);
	}
	if (with_top) {
		l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);
		add_owner(l, l->top, written);
	}
	for (const struct item *c = written->children; c->name; c++)
		add_item(l, l->top, c);
	return 0;
}

static uint8_t bytes[100] = "FAKExxxxFAKE";

static void tree_digest(const char *steps, uint8_t ret[SHA256_LEN])
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_written);
	struct rimg_error err;

	if (digest_tree(test_find(&t, steps), ret, &err) != 0)
		test_fail_error(steps, &err);
	test_close(&t);
}

#define END                  \
	{                    \
		.name = NULL \
	}

static const struct item in_bin[] = {
	{ .name = "sh", .role = RIMG_ROLE_FILE, .mode = 0755, .content = "#!" },
	{ .name = "ls", .role = RIMG_ROLE_FILE, .mode = 0755, .gid = 7, .content = "" },
	END,
};
static const struct item in_top[] = {
	{ .name = "etc", .role = RIMG_ROLE_SYMLINK, .mode = 0777, .content = "bin" },
	{ .name = "bin", .role = RIMG_ROLE_DIR, .mode = 0711, .uid = 3, .children = in_bin },
	{ .name = "empty",
	  .role = RIMG_ROLE_DIR,
	  .mode = 0700,
	  .children = (struct item[]){ END } },
	{ .name = "sock", .role = RIMG_ROLE_SOCKET, .mode = 0600 },
	{ .name = "odd", .role = RIMG_ROLE_OTHER },
	{ .name = "journal", .role = RIMG_ROLE_META, .content = "does not count" },
	{ .name = "FAKE", .role = RIMG_ROLE_FILE, .content = "FAKE: a file is its bytes" },
	END,
};
static const struct item top = { .name = "",
				 .role = RIMG_ROLE_DIR,
				 .mode = 0755,
				 .uid = 1000,
				 .gid = 1001,
				 .children = in_top };

static void write_down(const struct item *item, bool has_top, bool in_table)
{
	written = item;
	with_top = has_top;
	in_partition = in_table;
}

static void a_tree_has_the_digest_of_the_documented_encoding(void **state)
{
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	(void)state;
	write_down(&top, true, false);
	tree_digest("", got);
	plain_digest(&top, true, want);
	assert_memory_equal(got, want, SHA256_LEN);
	tree_digest("/", got);
	assert_memory_equal(got, want, SHA256_LEN);
	tree_digest("/bin", got);
	plain_digest(&in_top[1], true, want);
	assert_memory_equal(got, want, SHA256_LEN);
	tree_digest("/bin/sh", got);
	plain_digest(&in_bin[0], true, want);
	assert_memory_equal(got, want, SHA256_LEN);
	tree_digest("/etc", got);
	plain_digest(&in_top[0], true, want);
	assert_memory_equal(got, want, SHA256_LEN);
}

static void a_partition_is_the_tree_in_it(void **state)
{
	struct item partition = { .name = "REDOX",
				  .role = RIMG_ROLE_PARTITION,
				  .mode = 0755,
				  .uid = 1000,
				  .gid = 1001,
				  .children = in_top };
	struct item disk = { .name = "",
			     .role = RIMG_ROLE_IMAGE,
			     .children = (struct item[]){ partition, END } };
	uint8_t got[SHA256_LEN], want[SHA256_LEN], bare[SHA256_LEN];

	(void)state;
	write_down(&top, true, true);
	tree_digest("", got);
	plain_digest(&disk, true, want);
	assert_memory_equal(got, want, SHA256_LEN);
	/* the partition and an image of its file system are equivalent */
	tree_digest("REDOX", got);
	write_down(&top, true, false);
	tree_digest("", bare);
	assert_memory_equal(got, bare, SHA256_LEN);
}

static void names_beside_one_another_are_a_tree_too(void **state)
{
	static const struct item members = { .name = "",
					     .role = RIMG_ROLE_IMAGE,
					     .children = in_bin };
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	(void)state;
	write_down(&members, false, false);
	tree_digest("", got);
	plain_digest(&members, true, want);
	assert_memory_equal(got, want, SHA256_LEN);
}

/* Two programs with equal sections can still differ in their headers. */
static void a_program_is_its_bytes(void **state)
{
	static const struct item sections[] = {
		{ .name = ".text", .role = RIMG_ROLE_SECTION, .content = "code" },
		{ .name = "LOAD", .role = RIMG_ROLE_SEGMENT, .content = "code" },
		{ .name = "main", .role = RIMG_ROLE_FUNCTION, .content = "code" },
		END,
	};
	static const struct item program = { .name = "", .children = sections };
	const struct item nothing = { .name = "", .children = (struct item[]){ END } };
	char text[sizeof(bytes) + 1] = "";
	struct item plain = { .name = "", .role = RIMG_ROLE_FILE, .content = text };
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	(void)state;
	memset(bytes + 12, 'x', sizeof(bytes) - 12);
	memcpy(text, bytes, sizeof(bytes));
	plain_digest(&plain, true, want);
	write_down(&program, false, false);
	tree_digest("", got);
	assert_memory_equal(got, want, SHA256_LEN);
	write_down(&nothing, false, false);
	tree_digest("", got);
	assert_memory_equal(got, want, SHA256_LEN);
}

/* ---- what counts ----------------------------------------------------------------------------- */

static void each_thing_that_counts_changes_the_digest(void **state)
{
	static const struct {
		const char *what;
		struct item file;
	} variants[] = {
		{ "the same", { "f", RIMG_ROLE_FILE, 0644, 1, 2, "abc", NULL } },
		{ "name", { "g", RIMG_ROLE_FILE, 0644, 1, 2, "abc", NULL } },
		{ "role", { "f", RIMG_ROLE_SYMLINK, 0644, 1, 2, "abc", NULL } },
		{ "mode", { "f", RIMG_ROLE_FILE, 0645, 1, 2, "abc", NULL } },
		{ "uid", { "f", RIMG_ROLE_FILE, 0644, 2, 2, "abc", NULL } },
		{ "gid", { "f", RIMG_ROLE_FILE, 0644, 1, 1, "abc", NULL } },
		{ "content", { "f", RIMG_ROLE_FILE, 0644, 1, 2, "abd", NULL } },
		{ "length", { "f", RIMG_ROLE_FILE, 0644, 1, 2, "abca", NULL } },
		{ "no content", { "f", RIMG_ROLE_FILE, 0644, 1, 2, NULL, NULL } },
		{ "empty content", { "f", RIMG_ROLE_FILE, 0644, 1, 2, "", NULL } },
		{ "no child", { NULL, RIMG_ROLE_FILE, 0, 0, 0, NULL, NULL } },
	};
	uint8_t digests[ARRAY_LEN(variants)][SHA256_LEN], again[SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		struct item files[] = { variants[i].file, END };
		struct item dir = { .name = "", .role = RIMG_ROLE_DIR, .children = files };

		write_down(&dir, true, false);
		tree_digest("", digests[i]);
		tree_digest("", again);
		assert_memory_equal(digests[i], again, SHA256_LEN);
		for (size_t k = 0; k < i; k++)
			if (memcmp(digests[i], digests[k], SHA256_LEN) == 0)
				fail_msg("%s and %s", variants[i].what, variants[k].what);
	}
}

static void mode_and_owner_of_the_top_count(void **state)
{
	struct item changed = top;
	uint8_t one[SHA256_LEN], two[SHA256_LEN];

	(void)state;
	write_down(&top, true, false);
	tree_digest("", one);
	changed.mode = 0777;
	write_down(&changed, true, false);
	tree_digest("", two);
	assert_memory_not_equal(one, two, SHA256_LEN);
}

static void the_order_in_which_entries_are_stored_does_not_count(void **state)
{
	struct item swapped[] = { in_bin[1], in_bin[0], END };
	struct item one = { .name = "", .role = RIMG_ROLE_DIR, .children = in_bin };
	struct item two = { .name = "", .role = RIMG_ROLE_DIR, .children = swapped };
	uint8_t a[SHA256_LEN], b[SHA256_LEN];

	(void)state;
	write_down(&one, true, false);
	tree_digest("", a);
	write_down(&two, true, false);
	tree_digest("", b);
	assert_memory_equal(a, b, SHA256_LEN);
}

/* ---- what is not known ------------------------------------------------------------------------
 */

static void (*spoil)(struct rimg_layer *l);

static int open_spoiled(struct rimg_layer *l, struct rimg_error *err)
{
	int rc = open_written(l, err);

	spoil(l);
	return rc;
}

static void make_file_unread(struct rimg_layer *l)
{
	l->top->first_child->next->first_child->unread = true;
}

static void make_dir_damaged(struct rimg_layer *l)
{
	layer_finding(l, SEVERITY_ERROR, "fake.dir", l->top->first_child->next, 0, 0,
		      "lost entries");
}

static void make_top_damaged(struct rimg_layer *l)
{
	layer_finding(l, SEVERITY_ERROR, "fake.dir", l->top, 0, 0, "lost entries");
}

static void make_root_damaged(struct rimg_layer *l)
{
	layer_finding(l, SEVERITY_ERROR, "fake.dir", NULL, 0, 0, "lost entries");
}

static void make_unreadable(struct rimg_layer *l)
{
	layer_finding(l, SEVERITY_ERROR, "fake.version", NULL, 0, 0, "too new");
	l->unreadable = true;
}

static void what_is_not_understood_is_its_bytes(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_spoiled);
	char text[sizeof(bytes) + 1] = "";
	struct item plain = { .name = "", .role = RIMG_ROLE_FILE, .content = text };
	uint8_t got[SHA256_LEN], want[SHA256_LEN];

	(void)state;
	memset(bytes + 12, 'x', sizeof(bytes) - 12);
	memcpy(text, bytes, sizeof(bytes));
	write_down(&top, true, false);
	spoil = make_unreadable;
	assert_int_equal(digest_tree(t.node, got, NULL), 0);
	plain_digest(&plain, true, want);
	assert_memory_equal(got, want, SHA256_LEN);
	test_close(&t);
}

static void what_was_not_wholly_read_has_no_digest(void **state)
{
	static void (*const ways[])(struct rimg_layer * l) = { make_file_unread, make_dir_damaged,
							       make_top_damaged,
							       make_root_damaged };
	static const char *const where[] = { "memory::/bin/sh", "memory::/bin", "memory",
					     "memory" };

	(void)state;
	write_down(&top, true, false);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_spoiled);
		uint8_t digest[SHA256_LEN] = "untouched";
		struct rimg_error err;

		spoil = ways[i];
		assert_int_equal(digest_tree(t.node, digest, &err), -RIMG_E_BAD);
		assert_string_equal(err.where, where[i]);
		assert_string_equal((const char *)digest, "untouched");
		test_close(&t);
	}
}

static int open_deep(struct rimg_layer *l, struct rimg_error *err)
{
	struct rimg_node *node = l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "", 0);

	(void)err;
	for (int i = 0; i < 100000; i++)
		node = layer_node(l, node, RIMG_ROLE_DIR, "d", 1);
	return 0;
}

static void a_deep_tree_does_not_overrun_the_stack(void **state)
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_deep);
	uint8_t digest[SHA256_LEN];

	(void)state;
	assert_int_equal(digest_tree(t.node, digest, NULL), 0);
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_configuration_decides_what_sha256_is),
		cmocka_unit_test(examples_of_the_standard_come_out),
		cmocka_unit_test(a_million_letters_have_the_value_of_the_standard),
		cmocka_unit_test(sources_longer_than_a_step_are_hashed_whole),
		cmocka_unit_test(holes_of_a_file_are_hashed_as_zeros),
		cmocka_unit_test(what_cannot_be_read_has_no_digest),
		cmocka_unit_test(many_threads_hash_at_once),
		cmocka_unit_test(a_tree_has_the_digest_of_the_documented_encoding),
		cmocka_unit_test(a_partition_is_the_tree_in_it),
		cmocka_unit_test(names_beside_one_another_are_a_tree_too),
		cmocka_unit_test(a_program_is_its_bytes),
		cmocka_unit_test(each_thing_that_counts_changes_the_digest),
		cmocka_unit_test(mode_and_owner_of_the_top_count),
		cmocka_unit_test(the_order_in_which_entries_are_stored_does_not_count),
		cmocka_unit_test(what_is_not_understood_is_its_bytes),
		cmocka_unit_test(what_was_not_wholly_read_has_no_digest),
		cmocka_unit_test(a_deep_tree_does_not_overrun_the_stack),
	};

	library = OSSL_LIB_CTX_new();
	setenv("OPENSSL_CONF", "tests/unit/no-algorithms.cnf", 1);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
