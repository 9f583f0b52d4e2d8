/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "redoxfs_image.h"

/* One rule of the format at a time, broken in a sound volume whose hashes are made right again:
 * directories, names, links. */

/* ---- directories --------------------------------------------------------------------------- */

/* Offset of the entry of that name in the DirList of /etc. */
static size_t etc_entry(const struct volume *v, const char *name)
{
	size_t list = volume_follow(v, volume_pointer(v, ETC, 1)), pos = list;

	for (;;) {
		size_t len = volume_get(v, pos + 4, 1);

		assert_true(pos < list + 4092 && len > 0);
		if (len == strlen(name) && memcmp(v->data + pos + 5, name, len) == 0)
			return pos;
		pos += 5 + len;
	}
}

static void names_that_redox_cannot_use_are_a_warning(void **state)
{
	static const struct {
		const char name[6];
		const char *path;
	} names[] = {
		{ "in/in", "/etc/in/in" },
		{ "in:in", "/etc/in:in" },
		{ "in\0in", NULL },
		{ "in\xff"
		  "in",
		  "/etc/in\xff"
		  "in" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct volume v = volume_load("tiny");
		struct opened o;

		volume_write(&v, etc_entry(&v, "block") + 5, names[i].name, 5);
		o = open_changed(&v);
		assert_finding(o.image.image, "redoxfs.name");
		assert_int_equal(o.layer->n_warnings, 1);
		assert_int_equal(o.layer->n_errors, 0);
		assert_non_null(node_find(node_find(o.layer->top, "etc", 3), names[i].name, 5));
		test_close(&o.image);
		if (names[i].path)
			expect(&v, "redoxfs.name", SEVERITY_WARNING, names[i].path);
		else
			volume_free(&v);
	}
}

static void counters_that_do_not_fit_are_a_finding(void **state)
{
	/* of the DirList of /etc: 3 entries in 31 bytes */
	static const struct {
		uint64_t count, used;
	} bad[] = {
		{ 2, 31 }, { 4, 31 }, { 3, 30 }, { 3, 32 }, { 0, 31 }, { 3, 4093 }, { 3, 65535 }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volume v = volume_load("tiny");
		size_t list = volume_follow(&v, volume_pointer(&v, ETC, 1));

		volume_put(&v, list + REDOXFS_DIRLIST_COUNT_OFF, 2, bad[i].count);
		volume_put(&v, list + REDOXFS_DIRLIST_USED_OFF, 2, bad[i].used);
		expect(&v, "redoxfs.dirlist", SEVERITY_ERROR, "/etc");
	}
}

static void a_name_of_253_bytes_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t list = volume_follow(&v, volume_pointer(&v, ETC, 1));

	(void)state;
	volume_put(&v, list + 4, 1, 253);
	volume_put(&v, list + REDOXFS_DIRLIST_COUNT_OFF, 2, 1);
	volume_put(&v, list + REDOXFS_DIRLIST_USED_OFF, 2, 258);
	expect(&v, "redoxfs.name-length", SEVERITY_ERROR, "/etc");
}

static void a_directory_without_a_sensible_first_block_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_pointer(&v, ETC, 0), 8, 0x12345600); /* no marker */
	expect(&v, "redoxfs.dir-root", SEVERITY_ERROR, "/etc");
	v = volume_load("tiny");
	volume_put(&v, volume_pointer(&v, ETC, 1), 8, 0); /* a marker alone */
	expect(&v, "redoxfs.dir-root", SEVERITY_ERROR, "/etc");
}

/* A marker of 15 levels over a DirList: read as an htree block it makes no sense, but ends. */
static void a_wrong_number_of_htree_levels_ends(void **state)
{
	struct volume v = volume_load("tiny");
	struct opened o;

	(void)state;
	volume_put(&v, volume_pointer(&v, ETC, 0), 8, UINT64_MAX);
	o = open_changed(&v);
	assert_true(o.layer->n_errors > 0);
	assert_int_equal(node_find(o.layer->top, "etc", 3)->n_children, 0);
	test_close(&o.image);
	volume_free(&v);
}

static void hashes_that_do_not_fit_their_names_are_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t htree = volume_follow(&v, volume_pointer(&v, MANY, 1));
	uint64_t hash = volume_get(&v, htree, 4);

	(void)state;
	volume_put(&v, htree, 4, hash + 1); /* not the exact maximum */
	expect(&v, "redoxfs.htree-hash", SEVERITY_ERROR, "/many");
}

static void hashes_that_do_not_fit_the_htree_block_below_are_a_finding(void **state)
{
	struct volume v = volume_load("many-long");
	size_t root = volume_follow(&v, volume_pointer(&v, ROOT, 1)), folder;
	uint64_t hash;

	(void)state;
	/* the root has one entry, a folder with two levels of htree blocks */
	folder = volume_follow(&v, volume_pointer(&v, (uint32_t)volume_get(&v, root, 4), 1));
	hash = volume_get(&v, folder, 4);
	volume_put(&v, folder, 4, hash + 1);
	expect(&v, "redoxfs.htree-hash", SEVERITY_ERROR, "/many");
}

static void entries_behind_unused_ones_are_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t htree = volume_follow(&v, volume_pointer(&v, MANY, 1));
	size_t last = htree + (size_t)(REDOXFS_HTREE_SLOTS - 1) * REDOXFS_HTREE_SLOT_LEN;
	uint8_t entry[REDOXFS_HTREE_SLOT_LEN],
		unused[REDOXFS_HTREE_SLOT_LEN] = { 255, 255, 255, 255 };
	size_t used = htree;

	(void)state;
	while (volume_get(&v, used + REDOXFS_HTREE_SLOT_LEN, 4) != REDOXFS_HTREE_UNUSED)
		used += REDOXFS_HTREE_SLOT_LEN;
	memcpy(entry, v.data + used, sizeof(entry));
	volume_write(&v, last, entry, sizeof(entry));
	volume_write(&v, used, unused, sizeof(unused));
	expect(&v, "redoxfs.htree-order", SEVERITY_ERROR, "/many");
}

static void directories_deeper_than_the_limit_are_not_read(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct rimg_error err;
	struct test_image t;

	(void)state;
	/* basic has directories /deep/d0/.../d39: 41 below the root */
	for (uint32_t depth = 40; depth <= 41; depth++) {
		const struct finding *f;

		limits.dir_depth = depth;
		t.ctx = rimg_ctx_new(&limits, 1);
		t.node = rimg_image_open_address(t.ctx, test_image_path("basic"), &t.image, &err);
		assert_non_null(t.node);
		layer_of(t.node, "redoxfs");
		f = test_finding(t.image, "redoxfs.dir-depth");
		if (depth == 41) {
			assert_no_errors(t.image);
		} else {
			assert_non_null(f);
			assert_string_equal(f->node->name, "d39");
		}
		test_close(&t);
	}
}

/* ---- names --------------------------------------------------------------------------------- */

/* Puts entries for one inode into the DirList of /etc, in place of its own. */
static void write_etc(struct volume *v, uint32_t id, const char *const *names, unsigned n)
{
	uint8_t block[REDOXFS_BLOCK] = { 0 };
	struct wr w = wr_init(block, REDOXFS_DIRLIST_COUNT_OFF), end;

	for (unsigned i = 0; i < n; i++) {
		wr_le32(&w, id);
		wr_u8(&w, (uint8_t)strlen(names[i]));
		wr_bytes(&w, names[i], strlen(names[i]));
	}
	assert_false(w.failed);
	end = wr_init(block + REDOXFS_DIRLIST_COUNT_OFF, 4);
	wr_le16(&end, (uint16_t)n);
	wr_le16(&end, (uint16_t)w.pos);
	volume_write(v, volume_follow(v, volume_pointer(v, ETC, 1)), block, sizeof(block));
}

static void dots_are_no_names(void **state)
{
	static const char *const names[] = { ".", "..", "...", ".a" };
	struct volume v = volume_load("tiny");
	struct opened o;

	(void)state;
	write_etc(&v, INLINE, names, 4);
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LINKS_OFF, 4, 4);
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.name");
	assert_int_equal(o.layer->n_warnings, 2);
	test_close(&o.image);
	volume_free(&v);
}

static void a_name_of_252_bytes_is_sound(void **state)
{
	struct volume v = volume_load("tiny");
	char name[253] = { 0 };
	const char *names[] = { name };
	struct opened o;
	struct rimg_node *node;

	(void)state;
	memset(name, 'n', 252);
	write_etc(&v, INLINE, names, 1);
	o = open_changed(&v);
	node = node_find(node_find(o.layer->top, "etc", 3), name, 252);
	assert_non_null(node);
	assert_false(node->damaged);
	assert_no_finding(o.image.image, "redoxfs.name-length");
	test_close(&o.image);
	volume_free(&v);
}

/* 15 entries of 257 bytes and one of 237 take all that there is before the counters. */
static void a_dirlist_may_be_full_and_not_fuller(void **state)
{
	struct volume v = volume_load("tiny");
	char text[16][253] = { 0 };
	const char *names[16];
	struct opened o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		memset(text[i], 'a' + (int)i, i == 15 ? 232 : 252);
		names[i] = text[i];
	}
	write_etc(&v, INLINE, names, 16);
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LINKS_OFF, 4, 16);
	o = open_changed(&v);
	assert_no_finding(o.image.image, "redoxfs.dirlist");
	assert_int_equal(node_find(o.layer->top, "etc", 3)->n_children, 16);
	test_close(&o.image);
	volume_put(&v, volume_follow(&v, volume_pointer(&v, ETC, 1)) + REDOXFS_BLOCK - 2, 2, 4093);
	expect(&v, "redoxfs.dirlist", SEVERITY_ERROR, "/etc");
}

/* ---- links, release list ------------------------------------------------------------------- */

/* Takes the entry of /etc/inline out of its DirList, as upstream does. */
static void remove_inline(struct volume *v)
{
	size_t list = volume_follow(v, volume_pointer(v, ETC, 1)), at = etc_entry(v, "inline");
	size_t used = volume_get(v, list + REDOXFS_DIRLIST_USED_OFF, 2), end = at + 5 + 6;
	uint8_t rest[64];

	assert_true(list + used - end <= sizeof(rest));
	memcpy(rest, v->data + end, list + used - end);
	if (list + used > end)
		volume_write(v, at, rest, list + used - end);
	volume_put(v, list + REDOXFS_DIRLIST_COUNT_OFF, 2, 2);
	volume_put(v, list + REDOXFS_DIRLIST_USED_OFF, 2, used - 11);
}

static void an_inode_in_no_directory_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	remove_inline(&v);
	expect(&v, "redoxfs.orphan", SEVERITY_ERROR, "orphans");
}

/* A release list of one block at a block that was free, with these ids. */
static void add_release_list(struct volume *v, uint32_t first, uint32_t second)
{
	uint8_t *block = v->data + (size_t)FREE_BLOCK * REDOXFS_BLOCK, ptr[REDOXFS_PTR_LEN];
	struct wr w = wr_init(block, REDOXFS_BLOCK);

	wr_le64(&w, 0);
	wr_le64(&w, 0);
	wr_le32(&w, first);
	wr_le32(&w, second);
	wr_zero(&w, REDOXFS_BLOCK - 24);
	w = wr_init(ptr, sizeof(ptr));
	wr_le64(&w, (uint64_t)FREE_BLOCK << REDOXFS_PTR_INDEX_SHIFT);
	wr_le64(&w, seahash(block, REDOXFS_BLOCK));
	volume_write(v, volume_header(v) + REDOXFS_HEADER_RELEASE_OFF, ptr, sizeof(ptr));
	volume_log(v, FREE_BLOCK, -1);
}

static void an_inode_that_waits_for_its_release_is_no_orphan(void **state)
{
	struct volume v = volume_load("tiny");
	struct opened o;
	struct rimg_node *release, *node;

	(void)state;
	remove_inline(&v);
	add_release_list(&v, INLINE, 0);
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LINKS_OFF, 4, 0);
	o = open_changed(&v);
	assert_no_findings(o.image.image);
	release = node_find(o.layer->root, "release", 7);
	assert_non_null(release);
	node = node_find(release, "inode[4]", 8);
	assert_non_null(node);
	assert_int_equal(rimg_source_size(node->content), 6);
	test_close(&o.image);
	volume_free(&v);
}

static void links_to_an_inode_of_the_release_list_are_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	remove_inline(&v);
	add_release_list(&v, INLINE, 0);
	expect(&v, "redoxfs.links", SEVERITY_ERROR, "inode[4]");
}

static void an_unknown_inode_in_the_release_list_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	add_release_list(&v, 0, 40000);
	expect(&v, "redoxfs.release-inode", SEVERITY_ERROR, "release");
}

/* Two entries with a link count of 2: whichever is stored first, the first path owns the inode. */
static void hard_links_belong_to_the_first_path(void **state)
{
	struct volume v = volume_load("tiny");
	struct rimg_node *etc, *block, *in;
	struct opened o;

	(void)state;
	/* /etc/inline gets the inode of /etc/block, whose own goes away with it */
	volume_put(&v, etc_entry(&v, "inline"), 4, BLOCK);
	volume_put(&v, volume_inode(&v, BLOCK) + REDOXFS_INODE_LINKS_OFF, 4, 2);
	o = open_changed(&v);
	etc = node_find(o.layer->top, "etc", 3);
	block = node_find(etc, "block", 5);
	in = node_find(etc, "inline", 6);
	assert_null(test_finding(o.image.image, "redoxfs.links"));
	assert_null(block->link_to);
	assert_ptr_equal(in->link_to, block);
	assert_ptr_equal(in->content, block->content);
	test_close(&o.image);
	volume_free(&v);
}

/* Paths are compared, not names: "a-b" comes before "a/b". */
static void the_first_path_is_that_of_smaller_bytes(void **state)
{
	static const char *const names[] = { "zz", "b", "a-", "a" };
	struct volume v = volume_load("tiny");
	struct opened o;
	struct rimg_node *etc;

	(void)state;
	write_etc(&v, INLINE, names, 4);
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LINKS_OFF, 4, 4);
	o = open_changed(&v);
	etc = node_find(o.layer->top, "etc", 3);
	assert_null(node_find(etc, "a", 1)->link_to);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(node_find(etc, names[i], strlen(names[i]))->link_to,
				 node_find(etc, "a", 1));
	assert_no_finding(o.image.image, "redoxfs.links");
	test_close(&o.image);
	volume_free(&v);
}

static void more_names_than_links_are_a_finding_and_lead_to_the_first(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct volume v = volume_load("tiny");
	struct opened o;
	struct rimg_node *etc;

	(void)state;
	write_etc(&v, INLINE, names, 2);
	o = open_changed(&v);
	etc = node_find(o.layer->top, "etc", 3);
	assert_finding(o.image.image, "redoxfs.links");
	assert_ptr_equal(node_find(etc, "two", 3)->link_to, node_find(etc, "one", 3));
	test_close(&o.image);
	volume_free(&v);
}

static void all_names_of_a_lost_inode_are_unread(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct volume v = volume_load("tiny");
	struct opened o;
	struct rimg_node *etc;

	(void)state;
	write_etc(&v, INLINE, names, 2);
	volume_put(&v, volume_tree_slot(&v, INLINE), 8, UINT64_C(9999) << 8);
	o = open_changed(&v);
	etc = node_find(o.layer->top, "etc", 3);
	rimg_for_each_child(node, etc) {
		assert_true(node->unread && node->damaged);
		assert_null(node->content);
	}
	assert_int_equal(etc->n_children, 2);
	test_close(&o.image);
	volume_free(&v);
}

/* /etc is in no directory any more; what is in it has its place, and a hard link in it an owner. */
static void a_directory_in_no_directory_is_read_all_the_same(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct volume v = volume_load("tiny");
	size_t root = volume_follow(&v, volume_pointer(&v, ROOT, 1)), at = root;
	struct rimg_node *orphans, *etc;
	struct opened o;

	(void)state;
	while (volume_get(&v, at, 4) != ETC)
		at += REDOXFS_DIRENT_HEADER + volume_get(&v, at + 4, 1);
	volume_put(&v, at, 4, BLOCK); /* the entry leads to a file now */
	write_etc(&v, INLINE, names, 2);
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LINKS_OFF, 4, 2);
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.orphan");
	orphans = node_find(o.layer->root, "orphans", 7);
	assert_non_null(orphans);
	etc = node_find(orphans, "inode[2]", 8);
	assert_non_null(etc);
	assert_int_equal(etc->role, RIMG_ROLE_DIR);
	assert_ptr_equal(node_find(etc, "two", 3)->link_to, node_find(etc, "one", 3));
	test_close(&o.image);
	volume_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_redox_cannot_use_are_a_warning),
		cmocka_unit_test(counters_that_do_not_fit_are_a_finding),
		cmocka_unit_test(a_name_of_253_bytes_is_a_finding),
		cmocka_unit_test(a_directory_without_a_sensible_first_block_is_a_finding),
		cmocka_unit_test(a_wrong_number_of_htree_levels_ends),
		cmocka_unit_test(hashes_that_do_not_fit_their_names_are_a_finding),
		cmocka_unit_test(hashes_that_do_not_fit_the_htree_block_below_are_a_finding),
		cmocka_unit_test(entries_behind_unused_ones_are_a_finding),
		cmocka_unit_test(directories_deeper_than_the_limit_are_not_read),
		cmocka_unit_test(dots_are_no_names),
		cmocka_unit_test(a_name_of_252_bytes_is_sound),
		cmocka_unit_test(a_dirlist_may_be_full_and_not_fuller),
		cmocka_unit_test(an_inode_in_no_directory_is_a_finding),
		cmocka_unit_test(an_inode_that_waits_for_its_release_is_no_orphan),
		cmocka_unit_test(links_to_an_inode_of_the_release_list_are_a_finding),
		cmocka_unit_test(an_unknown_inode_in_the_release_list_is_a_finding),
		cmocka_unit_test(hard_links_belong_to_the_first_path),
		cmocka_unit_test(the_first_path_is_that_of_smaller_bytes),
		cmocka_unit_test(more_names_than_links_are_a_finding_and_lead_to_the_first),
		cmocka_unit_test(all_names_of_a_lost_inode_are_unread),
		cmocka_unit_test(a_directory_in_no_directory_is_read_all_the_same),
	};

	return cmocka_run_group_tests_name("redoxfs_dirs", tests, NULL, NULL);
}
