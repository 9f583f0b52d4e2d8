/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/str.h"
#include "redoxfs_image.h"

/* Golden images with one defect each: the finding that names it, where, and that nothing else of
 * the volume is read wrongly. */

/* ---- what the sound volume holds ----------------------------------------------------------- */

static struct json_object *sound; /* path -> sha256, of tiny.jsonl */

static int load_sound(void **state)
{
	FILE *f = fopen(test_golden_path("tiny.jsonl"), "re");
	char *text = NULL;
	size_t cap = 0;

	(void)state;
	sound = json_object_new_object();
	while (f && getline(&text, &cap, f) > 0) {
		struct json_object *line = json_tokener_parse(text), *path, *sha;

		if (json_object_object_get_ex(line, "path", &path) &&
		    json_object_object_get_ex(line, "sha256", &sha))
			json_object_object_add(sound, json_object_get_string(path),
					       json_object_get(sha));
		json_object_put(line);
	}
	free(text);
	return f && fclose(f) == 0 && json_object_object_length(sound) > 300 ? 0 : -1;
}

static int unload_sound(void **state)
{
	(void)state;
	json_object_put(sound);
	return 0;
}

/* true: the content could be read, and it is what it should be. */
static bool content_is_sound(const struct rimg_node *node)
{
	auto_str struct str path = { 0 }, sha = { 0 };
	struct json_object *expected;
	uint8_t digest[SHA256_LEN];
	struct rimg_error err;
	int rc = digest_source(node->content, digest, &err);

	if (rc < 0) {
		assert_int_equal(rc, -RIMG_E_BAD);
		assert_true(strlen(err.text) > 0);
		return false;
	}
	node_add_path(&path, node);
	str_add_hex(&sha, digest, sizeof(digest));
	if (!json_object_object_get_ex(sound, str_cstr(&path), &expected))
		fail_msg("%s is not in the sound volume, but can be read", str_cstr(&path));
	assert_string_equal(str_cstr(&sha), json_object_get_string(expected));
	return true;
}

/* Is it the first child of its name? What the second one was called before, nobody knows. */
static bool name_is_its_own(const struct rimg_node *node)
{
	return node_find(node->parent, node->name, node->name_len) == node;
}

/* Reads every file; returns how many could be read. */
static size_t read_all(const struct rimg_layer *l)
{
	size_t n = 0;

	if (l->unreadable)
		return 0;
	for (struct rimg_node *node = l->top; node; node = node_after(node, l->top)) {
		if (node->content)
			n += name_is_its_own(node) && content_is_sound(node);
		else
			assert_true(node->role == RIMG_ROLE_DIR || node->unread);
	}
	return n;
}

/* ---- the defects --------------------------------------------------------------------------- */

enum stage { OPEN, CHECK };

static const struct defect {
	const char *image;
	const char *code;
	const char *path; /* of the node that the finding is about; NULL: the volume itself */
	enum stage stage;
	enum severity severity;
	size_t unreadable; /* files of the sound volume that cannot be read */
} defects[] = {
	/* clang-format off */
	{ "bitflip-data",         "redoxfs.record",          "/boot/kernel", CHECK, SEVERITY_ERROR, 1 },
	{ "bitflip-compressed",   "redoxfs.record",          "/etc/words",   CHECK, SEVERITY_ERROR, 1 },
	{ "compressed-garbage",   "redoxfs.record",          "/etc/words",   CHECK, SEVERITY_ERROR, 1 },
	{ "bitflip-tree",         "redoxfs.block-hash",      "tree",         OPEN, SEVERITY_ERROR, 300 },
	{ "bitflip-node",         "redoxfs.block-hash",      "/etc/inline",  OPEN, SEVERITY_ERROR, 1 },
	{ "bitflip-alloc",        "redoxfs.block-hash",      "alloc",        OPEN, SEVERITY_ERROR, 0 },
	{ "truncated",            "redoxfs.header-size",     NULL,           OPEN, SEVERITY_ERROR, 305 },
	{ "header-newest-hash",   "redoxfs.header-hash",     "header[5]",    OPEN, SEVERITY_WARNING, 0 },
	{ "header-all-hashes",    "redoxfs.header-hash",     NULL,           OPEN, SEVERITY_ERROR, 305 },
	{ "header-slot0-missing", "redoxfs.header-slot0",    "ring",         OPEN, SEVERITY_WARNING, 0 },
	{ "header-stale-newer",   "redoxfs.header-uuid",     NULL,           OPEN, SEVERITY_ERROR, 305 },
	{ "header-version-7",     "redoxfs.version",         NULL,           OPEN, SEVERITY_ERROR, 305 },
	{ "header-size-too-big",  "redoxfs.header-size",     NULL,           OPEN, SEVERITY_ERROR, 0 },
	{ "dir-cycle",            "redoxfs.dir-twice",       "/etc/inline",  OPEN, SEVERITY_ERROR, 1 },
	{ "dir-dangling",         "redoxfs.dirent-inode",    "/etc/inline",  OPEN, SEVERITY_ERROR, 1 },
	{ "dir-duplicate-name",   "redoxfs.name-duplicate",  "/etc/block",   OPEN, SEVERITY_ERROR, 1 },
	{ "dir-name-length-0",    "redoxfs.name-length",     "/etc",         OPEN, SEVERITY_ERROR, 3 },
	{ "dir-count-too-big",    "redoxfs.dirlist",         "/etc",         OPEN, SEVERITY_ERROR, 0 },
	{ "htree-order",          "redoxfs.htree-order",     "/many",        OPEN, SEVERITY_ERROR, 0 },
	{ "dir-size",             "redoxfs.dir-size",        "/etc",         OPEN, SEVERITY_ERROR, 0 },
	{ "links",                "redoxfs.links",           "/etc/inline",  OPEN, SEVERITY_ERROR, 0 },
	{ "pointer-out-of-range", "redoxfs.pointer-range",   "/boot/initfs", OPEN, SEVERITY_ERROR, 1 },
	{ "pointer-level-15",     "redoxfs.pointer-level",   "/boot/initfs", OPEN, SEVERITY_ERROR, 1 },
	{ "alloc-used-is-free",   "redoxfs.block-free",      "/",            OPEN, SEVERITY_ERROR, 0 },
	{ "alloc-not-free",       "redoxfs.alloc-not-free",  "alloc",        OPEN, SEVERITY_ERROR, 0 },
	{ "alloc-past-end",       "redoxfs.alloc-range",     "alloc",        OPEN, SEVERITY_ERROR, 0 },
	{ "node-type-unknown",    "redoxfs.inode-type",      "/etc/inline",  OPEN, SEVERITY_ERROR, 0 },
	{ "node-record-level",    "redoxfs.inode-level",     "/etc/words",   OPEN, SEVERITY_ERROR, 1 },
	/* clang-format on */
};

static void check_finding(const struct rimg_layer *l, const struct defect *d)
{
	const struct finding *f = test_finding(l->image, d->code);
	auto_str struct str path = { 0 };

	if (!f) {
		test_print_findings(l->image, SEVERITY_WARNING);
		fail_msg("%s: no finding %s", d->image, d->code);
	}
	assert_int_equal(f->severity, d->severity);
	if (f->node->role == RIMG_ROLE_META)
		str_add(&path, f->node->name);
	else
		node_add_path(&path, f->node);
	if (strcmp(str_cstr(&path), d->path ? d->path : "") != 0)
		fail_msg("%s: found at %s", d->image, str_cstr(&path));
	/* where it is, unless it is about the whole volume */
	if (d->stage == OPEN)
		assert_true(f->len > 0 && f->off + f->len <= rimg_source_size(l->src));
	assert_non_null(strstr(f->text, "expected "));
	assert_non_null(strstr(f->text, "found "));
}

static void check_defect(const struct defect *d)
{
	char name[64];
	struct test_image t;
	struct rimg_layer *l;
	size_t n;

	snprintf(name, sizeof(name), "broken/%s", d->image);
	t = test_open(test_image_path(name));
	l = layer_of(t.node, "redoxfs");
	if (d->stage == CHECK)
		assert_null(test_finding(t.image, d->code));
	assert_int_equal(l->format->check(l, NULL), 0);
	check_finding(l, d);
	n = read_all(l);
	if (n != (size_t)json_object_object_length(sound) - d->unreadable)
		fail_msg("%s: %zu files could be read", d->image, n);
	test_close(&t);
}

static void each_defect_is_named_and_spoils_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++)
		check_defect(&defects[i]);
}

/* The defects of partition tables, with a sound volume in the partition. */
static void a_volume_on_a_broken_disk_is_sound(void **state)
{
	static const char *const disks[] = { "broken/gpt-header-crc", "broken/gpt-entries-crc",
					     "broken/gpt-no-backup" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		struct test_image t = test_open_golden(disks[i], "");
		struct rimg_layer *l = layer_of(test_find(&t, "REDOX"), "redoxfs");

		assert_int_equal(l->format->check(l, NULL), 0);
		assert_int_equal(l->n_errors, 0);
		test_close(&t);
	}
}

/* ---- any truncation ------------------------------------------------------------------------ */

static bool has_error(const struct rimg_image *image)
{
	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		if (l->n_errors > 0)
			return true;
	}
	return false;
}

/* Cut within a block and between blocks: an error says so, and what is left is read rightly. */
static void a_volume_cut_anywhere_has_an_error(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	for (size_t len = REDOXFS_BLOCK; len < v.len; len += 37 * 1000) {
		/* of this length exactly, so that a sanitizer sees what reads too far */
		auto_free uint8_t *cut = malloc(len);
		struct test_image t;
		struct rimg_layer *l;

		assert_non_null(cut);
		memcpy(cut, v.data, len);
		t = test_open_bytes(cut, len);
		l = layer_of(t.node, "redoxfs");
		assert_true(has_error(t.image));
		read_all(l);
		test_close(&t);
	}
	volume_free(&v);
}

/* ---- any byte ------------------------------------------------------------------------------ */

/* Was the byte one that a reader has to look at? */
static bool byte_matters(const struct rimg_layer *l, size_t off)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *c = &l->claims[i];

		if (off >= c->off && off - c->off < c->len)
			return c->cause != RIMG_CAUSE_FREE_SPACE;
	}
	fail_msg("byte %zu has no owner", off);
	return false;
}

static void flip(struct volume *v, const struct rimg_layer *unflipped, size_t off)
{
	struct test_image t;
	struct rimg_layer *l;
	size_t n;

	v->data[off] ^= (uint8_t)(1 << (off % 8));
	t = test_open_bytes(v->data, v->len);
	l = layer_of(t.node, "redoxfs");
	n = read_all(l);
	if (!l->unreadable)
		assert_int_equal(l->format->check(l, NULL), 0);
	if (byte_matters(unflipped, off) && l->n_errors + l->n_warnings == 0)
		fail_msg("byte %zu changed, and nothing was found (%zu files read)", off, n);
	v->data[off] ^= (uint8_t)(1 << (off % 8));
	test_close(&t);
}

/* A byte of every block in turn, at an offset that moves on: a finding for each that counts, and
 * never other bytes of a file than the right ones. */
static void a_changed_byte_is_found_and_no_file_is_read_wrongly(void **state)
{
	struct volume v = volume_load("tiny");
	uint8_t *copy = test_load(test_image_path("tiny"), NULL);
	struct test_image t = test_open_bytes(copy, v.len);
	struct rimg_layer *unflipped = layer_of(t.node, "redoxfs");

	(void)state;
	for (size_t block = 0; block < v.len / REDOXFS_BLOCK; block++)
		flip(&v, unflipped, block * REDOXFS_BLOCK + block * 1009 % REDOXFS_BLOCK);
	/* and the parts of blocks that this misses: fields, pointers, counters */
	for (size_t off = 0; off < REDOXFS_BLOCK; off += 93)
		flip(&v, unflipped, volume_inode(&v, 2) + off);
	test_close(&t);
	free(copy);
	volume_free(&v);
}

/* ---- limits, threads ------------------------------------------------------------------------ */

/* With too little memory the volume is refused as a whole; nothing is left half open. */
static void a_limit_ends_in_an_error_or_a_whole_volume(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	bool opened = false;

	(void)state;
	for (uint64_t bytes = 16 << 10; bytes <= 2 << 20; bytes += 48 << 10) {
		struct test_image t;
		struct rimg_layer *l = NULL;
		struct rimg_error err;
		int rc;

		limits.arena_bytes = bytes;
		t.ctx = rimg_ctx_new(&limits, 1);
		t.node = rimg_image_open_address(t.ctx, test_image_path("tiny"), &t.image, &err);
		assert_non_null(t.node);
		rc = node_open(t.node, &l, &err);
		if (rc == 0)
			assert_int_equal(read_all(l), json_object_object_length(sound));
		else
			assert_int_equal(rc, -RIMG_E_LIMIT);
		assert_true(rc == 0 || !opened);
		opened = rc == 0;
		test_close(&t);
	}
	assert_true(opened);
}

static void the_number_of_threads_does_not_show(void **state)
{
	char *text[2] = { NULL, NULL };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct test_image t = { .ctx = rimg_ctx_new(NULL, i == 0 ? 1 : 8) };
		struct str s = { 0 };
		struct rimg_error err;
		struct rimg_layer *l;

		t.node = rimg_image_open_address(t.ctx, test_image_path("churned"), &t.image, &err);
		assert_non_null(t.node);
		l = layer_of(t.node, "redoxfs");
		assert_int_equal(l->format->check(l, &err), 0);
		assert_true(l->n_findings > 1);
		for (size_t k = 0; k < l->n_findings; k++)
			str_printf(&s, "%s %s %s\n", l->findings[k].code, l->findings[k].node->name,
				   l->findings[k].text);
		text[i] = str_take(&s);
		test_close(&t);
	}
	assert_string_equal(text[0], text[1]);
	free(text[0]);
	free(text[1]);
}

/* ---- what the volume is stored in ---------------------------------------------------------- */

/* The volume, but for one block that cannot be read. */
static struct test_image open_without(const struct volume *v, size_t block, struct arena *a)
{
	struct test_image t = test_open_bytes(v->data, v->len);
	const struct source_piece pieces[] = {
		{ .len = block, .base_len = block, .kind = PIECE_RAW, .plain = true },
		{ .off = block, .len = REDOXFS_BLOCK, .kind = PIECE_BAD },
		{ .off = block + REDOXFS_BLOCK,
		  .len = v->len - block - REDOXFS_BLOCK,
		  .base_off = block + REDOXFS_BLOCK,
		  .base_len = v->len - block - REDOXFS_BLOCK,
		  .kind = PIECE_RAW,
		  .plain = true },
	};
	struct source_piece *kept;

	arena_init(a, 0);
	kept = arena_alloc(a, sizeof(pieces));
	assert_non_null(kept);
	memcpy(kept, pieces, sizeof(pieces));
	t.node->content = source_extents(a, t.node->content, kept, ARRAY_LEN(pieces), NULL, NULL);
	assert_non_null(t.node->content);
	return t;
}

/* Opens tiny with one block that cannot be read. */
static void expect_unreadable(size_t block, const char *code, const char *where)
{
	struct volume v = volume_load("tiny");
	struct arena a;
	struct test_image t = open_without(&v, block, &a);
	struct rimg_layer *l = layer_of(t.node, "redoxfs");
	const struct finding *f;

	assert_int_equal(l->format->check(l, NULL), 0);
	f = test_finding(t.image, code);
	assert_non_null(f);
	assert_string_equal(f->node->name, where);
	test_close(&t);
	arena_done(&a);
	volume_free(&v);
}

static void a_block_that_cannot_be_read_is_a_finding_about_what_needs_it(void **state)
{
	struct volume v = volume_load("tiny");
	size_t header = volume_header(&v);

	(void)state;
	expect_unreadable(77 * REDOXFS_BLOCK, "redoxfs.block-unreadable", "header[77]");
	expect_unreadable(volume_follow(&v, header + REDOXFS_HEADER_ALLOC_OFF),
			  "redoxfs.block-unreadable", "alloc");
	expect_unreadable(volume_follow(&v, header + REDOXFS_HEADER_TREE_OFF),
			  "redoxfs.block-unreadable", "tree");
	expect_unreadable(volume_inode(&v, ETC), "redoxfs.block-unreadable", "etc");
	expect_unreadable(volume_follow(&v, volume_pointer(&v, MANY, 1)),
			  "redoxfs.block-unreadable", "many");
	expect_unreadable(volume_follow(&v, volume_pointer(&v, WORDS, 0)), "redoxfs.record",
			  "words");
	volume_free(&v);
}

static void a_ring_is_found_behind_a_block_that_cannot_be_read(void **state)
{
	const size_t reserved = 100 * REDOXFS_BLOCK;
	struct volume tiny = volume_load("tiny"), v = { .len = reserved + tiny.len };
	struct arena a;
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	v.data = calloc(1, v.len);
	assert_non_null(v.data);
	memcpy(v.data + reserved, tiny.data, tiny.len);
	volume_free(&tiny);
	t = open_without(&v, 50 * REDOXFS_BLOCK, &a);
	l = layer_of(t.node, "redoxfs");
	assert_int_equal(number(l->root, "ring block"), 100);
	assert_no_errors(t.image);
	test_close(&t);
	arena_done(&a);
	volume_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_defect_is_named_and_spoils_nothing_else),
		cmocka_unit_test(a_volume_on_a_broken_disk_is_sound),
		cmocka_unit_test(a_volume_cut_anywhere_has_an_error),
		cmocka_unit_test(a_limit_ends_in_an_error_or_a_whole_volume),
		cmocka_unit_test(the_number_of_threads_does_not_show),
		cmocka_unit_test(a_changed_byte_is_found_and_no_file_is_read_wrongly),
		cmocka_unit_test(a_block_that_cannot_be_read_is_a_finding_about_what_needs_it),
		cmocka_unit_test(a_ring_is_found_behind_a_block_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("redoxfs_broken", tests, load_sound, unload_sound);
}
