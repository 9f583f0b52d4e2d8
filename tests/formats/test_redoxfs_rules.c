/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>
#include <lz4.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/str.h"
#include "redoxfs_image.h"

/* One rule of the format at a time, broken in a sound volume whose hashes are made right again. */

static size_t ring_slot(size_t slot)
{
	return slot * REDOXFS_BLOCK;
}

/* ---- the tools of this test ---------------------------------------------------------------- */

static void a_change_with_right_hashes_is_sound(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_inode(&v, INLINE) + 2, 4, 77); /* uid */
	volume_put(&v, volume_inode(&v, MANY) + 6, 4, 78);
	expect_sound(&v);
}

/* ---- ring ---------------------------------------------------------------------------------- */

static void a_header_in_another_slot_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	memcpy(v.data + ring_slot(9), v.data + ring_slot(3), REDOXFS_BLOCK);
	expect(&v, "redoxfs.header-slot", SEVERITY_ERROR, "header[9]");
}

static void a_first_header_in_another_slot_does_not_hide_the_ring(void **state)
{
	struct volume v = volume_load("tiny");
	struct opened o;

	(void)state;
	memcpy(v.data + ring_slot(0), v.data + ring_slot(3), REDOXFS_BLOCK);
	/* generation 3 in slot 0: the ring cannot begin before the image */
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.header-slot");
	assert_non_null(node_find(o.layer->top, "boot", 4));
	test_close(&o.image);
	volume_free(&v);
}

static void a_header_of_256_generations_ago_is_a_finding(void **state)
{
	struct volume v = volume_load("wrapped");
	size_t newest = volume_header(&v);
	size_t before = newest - REDOXFS_BLOCK;
	uint64_t generation = volume_get(&v, before + REDOXFS_HEADER_GENERATION_OFF, 8);
	char where[32];

	(void)state;
	assert_int_equal(volume_get(&v, newest + REDOXFS_HEADER_GENERATION_OFF, 8), generation + 1);
	volume_put(&v, before + REDOXFS_HEADER_GENERATION_OFF, 8, generation - 256);
	snprintf(where, sizeof(where), "header[%zu]", before / REDOXFS_BLOCK);
	expect(&v, "redoxfs.header-generation", SEVERITY_ERROR, where);
}

static void a_header_of_another_version_in_the_ring_is_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, ring_slot(1) + REDOXFS_HEADER_VERSION_OFF, 8, 7);
	expect(&v, "redoxfs.header-version", SEVERITY_WARNING, "header[1]");
}

static void other_versions_are_named_and_not_read(void **state)
{
	static const uint64_t versions[] = { 0, 4, 5, 6, 7, 9, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct volume v = volume_load("tiny");
		struct opened o;
		char text[64];

		for (size_t slot = 0; slot < 6; slot++)
			volume_put(&v, ring_slot(slot) + REDOXFS_HEADER_VERSION_OFF, 8,
				   versions[i]);
		o = open_changed(&v);
		assert_true(o.layer->unreadable);
		assert_finding(o.image.image, "redoxfs.version");
		snprintf(text, sizeof(text), "found version %" PRIu64 ",", versions[i]);
		assert_non_null(strstr(test_finding(o.image.image, "redoxfs.version")->text, text));
		test_close(&o.image);
		volume_free(&v);
	}
}

static void other_bytes_in_the_ring_are_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	v.data[ring_slot(77) + 4095] = 1;
	expect(&v, "redoxfs.header-junk", SEVERITY_WARNING, "header[77]");
}

static void a_size_that_is_not_whole_blocks_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_SIZE_OFF, 8, v.len - 1);
	expect(&v, "redoxfs.header-size", SEVERITY_ERROR, "");
}

static void a_size_within_the_ring_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_SIZE_OFF, 8, 256 * 4096);
	expect(&v, "redoxfs.header-size", SEVERITY_ERROR, "");
}

static void the_largest_size_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_SIZE_OFF, 8, UINT64_MAX & ~4095);
	expect(&v, "redoxfs.header-size", SEVERITY_ERROR, "");
}

static void bytes_behind_the_volume_are_its_tail(void **state)
{
	struct test_image t = test_open_golden("shrunk", "");
	struct rimg_layer *l = layer_of(t.node, "redoxfs");
	struct rimg_node *tail = node_find(l->root, "tail", 4);
	const struct claim *last = &l->claims[l->n_claims - 1];

	(void)state;
	assert_non_null(tail);
	assert_ptr_equal(last->node, tail);
	assert_int_equal(last->off, 4 << 20);
	assert_int_equal(last->len, 4 << 20);
	test_close(&t);
}

static void a_reserved_area_is_a_content(void **state)
{
	struct test_image t = test_open_golden("reserved", "");
	struct rimg_layer *l = layer_of(t.node, "redoxfs");
	struct rimg_node *reserved = node_find(l->root, "reserved", 8);

	(void)state;
	assert_non_null(reserved);
	assert_int_equal(rimg_source_size(reserved->content), 3 * 4096);
	test_close(&t);
}

/* A volume behind as much as upstream looks through, and one block more. */
static void a_ring_is_found_up_to_block_65535(void **state)
{
	struct volume v = volume_load("smallest");
	char *dir = test_temp_dir(), path[600];

	(void)state;
	snprintf(path, sizeof(path), "%s/far.img", dir);
	for (uint64_t block = 65535; block <= 65536; block++) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct test_image t;

		assert_return_code(fd, errno);
		assert_int_equal(pwrite(fd, v.data, v.len, (off_t)(block * 4096)), v.len);
		close(fd);
		t = test_open(path);
		if (block == 65535)
			assert_int_equal(number(layer_of(t.node, "redoxfs")->root, "ring block"),
					 block);
		else
			assert_null(rimg_node_format(t.node));
		test_close(&t);
	}
	test_remove_dir(dir);
	volume_free(&v);
}

static void bytes_in_the_padding_of_the_header_are_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_ZERO_OFF + 903, 1, 1);
	expect(&v, "redoxfs.padding", SEVERITY_WARNING, "header");
}

/* ---- pointers ------------------------------------------------------------------------------ */

/* Makes record 0 of an inode point elsewhere; the hash stays. */
static void point(struct volume *v, uint32_t id, uint64_t index, unsigned packed, unsigned level)
{
	volume_put(v, volume_pointer(v, id, 0), 8, index << 8 | packed << 4 | level);
}

static void levels_beyond_5_are_a_finding(void **state)
{
	static const struct {
		unsigned packed, level;
	} bad[] = { { 0, 6 }, { 6, 1 }, { 1, 1 }, { 2, 3 }, { 15, 15 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volume v = volume_load("tiny");

		point(&v, BLOCK, 300, bad[i].packed, bad[i].level);
		expect(&v, "redoxfs.pointer-level", SEVERITY_ERROR, "/etc/block");
	}
}

static void records_outside_of_the_volume_are_a_finding(void **state)
{
	static const struct {
		uint64_t index;
		unsigned level;
	} bad[] = { { 1, 0 }, { 255, 0 }, { 768, 0 }, { 767, 1 }, { (UINT64_C(1) << 56) - 1, 5 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volume v = volume_load("tiny");

		point(&v, BLOCK, bad[i].index, 0, bad[i].level);
		expect(&v, "redoxfs.pointer-range", SEVERITY_ERROR, "/etc/block");
	}
}

static void a_block_that_two_files_use_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	uint64_t words = volume_get(&v, volume_pointer(&v, WORDS, 0), 8);

	(void)state;
	volume_put(&v, volume_pointer(&v, BLOCK, 0), 8, words & ~UINT64_C(0xff));
	expect(&v, "redoxfs.block-shared", SEVERITY_ERROR, "/etc/words");
}

/* A hole reads as zeros, and a record that is not there is one. */
static void a_null_pointer_is_a_hole(void **state)
{
	struct volume v = volume_load("tiny");
	struct opened o;
	size_t len;
	uint8_t *data;

	(void)state;
	point(&v, BLOCK, 0, 0, 3);
	volume_put(&v, volume_inode(&v, BLOCK) + REDOXFS_INODE_BLOCKS_OFF, 8, 1);
	o = open_changed(&v);
	assert_no_errors(o.image.image);
	data = test_read_node(test_find(&o.image, "/etc/block"), &len);
	assert_int_equal(len, 4096);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], 0);
	free(data);
	test_close(&o.image);
	volume_free(&v);
}

/* ---- alloc log ----------------------------------------------------------------------------- */

static void blocks_freed_twice_are_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_log(&v, FREE_BLOCK, 1);
	expect(&v, "redoxfs.alloc-twice", SEVERITY_ERROR, "alloc");
}

static void the_largest_counts_are_a_finding(void **state)
{
	static const struct {
		uint64_t index;
		int64_t count;
	} bad[] = { { 700, 69 },        { 255, 1 },        { 300, INT64_MAX },
		    { 300, INT64_MIN }, { UINT64_MAX, 1 }, { UINT64_MAX, -1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volume v = volume_load("tiny");

		volume_log(&v, bad[i].index, bad[i].count);
		expect(&v, "redoxfs.alloc-range", SEVERITY_ERROR, "alloc");
	}
}

static void no_alloc_log_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_ALLOC_OFF, 8, 0);
	expect(&v, "redoxfs.alloc-missing", SEVERITY_ERROR, "alloc");
}

/* The log is a chain: a block whose previous one is itself ends it. */
static void a_loop_in_the_alloc_log_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t alloc = volume_header(&v) + REDOXFS_HEADER_ALLOC_OFF;

	(void)state;
	volume_put(&v, volume_follow(&v, alloc), 8, volume_get(&v, alloc, 8));
	expect(&v, "redoxfs.block-shared", SEVERITY_ERROR, "alloc");
}

/* The newest block of the log becomes block @index, all zeros but for the way to the one before. */
static void add_log_block(struct volume *v, uint64_t index)
{
	size_t place = volume_header(v) + REDOXFS_HEADER_ALLOC_OFF;
	uint8_t *block = v->data + index * REDOXFS_BLOCK, ptr[REDOXFS_PTR_LEN];
	struct wr w = wr_init(ptr, sizeof(ptr));

	memset(block, 0, REDOXFS_BLOCK);
	memcpy(block, v->data + place, REDOXFS_PTR_LEN);
	wr_le64(&w, index << REDOXFS_PTR_INDEX_SHIFT);
	wr_le64(&w, seahash(block, REDOXFS_BLOCK));
	volume_write(v, place, ptr, sizeof(ptr));
}

/* Each entry of the log frees or uses all of 8 TiB; what comes behind is not followed either. */
static void an_alloc_log_made_to_waste_time_ends(void **state)
{
	struct volume v = volume_load("smallest");
	uint64_t size = UINT64_C(8) << 40, blocks = size / REDOXFS_BLOCK;
	char *dir = test_temp_dir(), path[600];
	struct test_image t;
	int fd;

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_SIZE_OFF, 8, size);
	for (int64_t i = 0; i < 200; i++)
		volume_log(&v, 300, (i % 2 ? -1 : 1) * (int64_t)(blocks - 300));
	add_log_block(&v, v.len / REDOXFS_BLOCK - 1);
	snprintf(path, sizeof(path), "%s/huge.img", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_return_code(fd, errno);
	assert_int_equal(pwrite(fd, v.data, v.len, 0), v.len);
	volume_free(&v);
	if (ftruncate(fd, (off_t)size) < 0) {
		print_message("no room for a hole of 8 TiB in %s\n", dir);
		close(fd);
		test_remove_dir(dir);
		skip();
	}
	close(fd);
	t = test_open(path);
	layer_of(t.node, "redoxfs");
	assert_finding(t.image, "redoxfs.alloc-length");
	test_close(&t);
	test_remove_dir(dir);
}

static void blocks_used_by_nothing_are_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_log(&v, FREE_BLOCK, -1);
	expect(&v, "redoxfs.block-lost", SEVERITY_WARNING, "unreachable");
}

/* ---- tree ---------------------------------------------------------------------------------- */

static void no_tree_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_TREE_OFF, 8, 0);
	expect(&v, "redoxfs.tree-missing", SEVERITY_ERROR, "tree");
}

static void bits_that_do_not_fit_their_slots_are_a_finding(void **state)
{
	/* of the first lowest list (254 slots, all taken) and of the list above it */
	static const struct {
		unsigned levels;
		uint64_t bits;
	} bad[] = { { 0, 0x7f }, { 1, 0x00 }, { 1, 0x03 }, { 2, 0x01 }, { 3, 0x80 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct volume v = volume_load("tiny");
		size_t list = volume_header(&v) + REDOXFS_HEADER_TREE_OFF;

		for (unsigned k = bad[i].levels; k < REDOXFS_TREE_LEVELS; k++)
			list = volume_follow(&v, list);
		volume_put(&v, list + REDOXFS_TREE_BITMAP_OFF, 1, bad[i].bits);
		expect(&v, "redoxfs.tree-bitmap", SEVERITY_ERROR, "tree");
	}
}

static void bits_without_a_slot_are_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t root = volume_follow(&v, volume_header(&v) + REDOXFS_HEADER_TREE_OFF);

	(void)state;
	volume_put(&v, root + REDOXFS_BLOCK - 1, 1, 0x80);
	expect(&v, "redoxfs.tree-bitmap", SEVERITY_ERROR, "tree");
}

static void an_inode_0_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	uint8_t ptr[REDOXFS_PTR_LEN];

	(void)state;
	memcpy(ptr, v.data + volume_tree_slot(&v, INLINE), sizeof(ptr));
	volume_write(&v, volume_tree_slot(&v, 0), ptr, sizeof(ptr));
	expect(&v, "redoxfs.tree-inode", SEVERITY_ERROR, "tree");
}

/* Every inode takes a block, so of 266 blocks no 507 inodes can be made. */
static void more_inodes_than_blocks_are_a_finding(void **state)
{
	struct volume v = volume_load("smallest");
	size_t list = v.len, lowest = volume_tree_slot(&v, 0), upper;
	uint8_t ptr[REDOXFS_PTR_LEN] = { [1] = 5 }, more[REDOXFS_PTR_LEN];
	struct wr w = wr_init(more, sizeof(more));

	(void)state;
	v.data = realloc(v.data, v.len + REDOXFS_BLOCK);
	assert_non_null(v.data);
	memset(v.data + list, 0, REDOXFS_BLOCK);
	v.len += REDOXFS_BLOCK;
	volume_put(&v, volume_header(&v) + REDOXFS_HEADER_SIZE_OFF, 8, v.len);
	for (size_t i = 0; i < REDOXFS_TREE_SLOTS; i++) {
		memcpy(v.data + list + i * sizeof(ptr), ptr, sizeof(ptr));
		if (i > 1)
			volume_write(&v, lowest + i * sizeof(ptr), ptr, sizeof(ptr));
	}
	upper = volume_header(&v) + REDOXFS_HEADER_TREE_OFF;
	for (unsigned level = REDOXFS_TREE_LEVELS; level > 1; level--)
		upper = volume_follow(&v, upper);
	wr_le64(&w, list / REDOXFS_BLOCK << REDOXFS_PTR_INDEX_SHIFT);
	wr_le64(&w, seahash(v.data + list, REDOXFS_BLOCK));
	volume_write(&v, upper + sizeof(more), more, sizeof(more));
	expect(&v, "redoxfs.tree-inode", SEVERITY_ERROR, "tree");
}

/* Slot 1 of the root list leads to the list that slot 0 leads to. */
static void a_list_in_two_places_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t root = volume_follow(&v, volume_header(&v) + REDOXFS_HEADER_TREE_OFF);
	uint8_t ptr[REDOXFS_PTR_LEN];

	(void)state;
	memcpy(ptr, v.data + root, sizeof(ptr));
	volume_write(&v, root + REDOXFS_PTR_LEN, ptr, sizeof(ptr));
	expect(&v, "redoxfs.block-shared", SEVERITY_ERROR, "tree");
}

static void no_root_directory_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_tree_slot(&v, ROOT), 8, 0);
	expect(&v, "redoxfs.root", SEVERITY_ERROR, "/");
	v = volume_load("tiny");
	volume_put(&v, volume_inode(&v, ROOT), 2, 0100644);
	expect(&v, "redoxfs.root", SEVERITY_ERROR, "/");
}

/* ---- inodes -------------------------------------------------------------------------------- */

static void a_wrong_number_of_blocks_is_a_finding(void **state)
{
	static const struct {
		uint32_t id;
		const char *path;
	} of[] = { { INLINE, "/etc/inline" }, { KERNEL, "/boot/kernel" }, { ETC, "/etc" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct volume v = volume_load("tiny");
		size_t off = volume_inode(&v, of[i].id) + REDOXFS_INODE_BLOCKS_OFF;

		volume_put(&v, off, 8, volume_get(&v, off, 8) + 1);
		expect(&v, "redoxfs.blocks", SEVERITY_ERROR, of[i].path);
	}
}

static void types_of_other_systems_are_a_warning_and_others_an_error(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 16; type++) {
		bool redox = type == 4 || type == 8 || type == 10 || type == 12;
		bool posix = type == 0 || type == 1 || type == 2 || type == 6;
		struct volume v = volume_load("tiny");

		volume_put(&v, volume_inode(&v, INLINE), 2, type << 12 | 0644);
		volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_LEVEL_OFF, 4,
			   type == 8 ? 5 : 0);
		if (redox && type != 4)
			expect_sound(&v);
		else if (type == 4)
			expect(&v, "redoxfs.dir-inline", SEVERITY_ERROR, "/etc/inline");
		else
			expect(&v, "redoxfs.inode-type", posix ? SEVERITY_WARNING : SEVERITY_ERROR,
			       "/etc/inline");
	}
}

static void bytes_in_the_padding_of_an_inode_are_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_inode(&v, INLINE) + REDOXFS_INODE_ZERO_OFF + 53, 1, 1);
	expect(&v, "redoxfs.padding", SEVERITY_WARNING, "/etc/inline");
	v = volume_load("tiny");
	volume_put(&v, volume_inode(&v, ETC) + REDOXFS_BLOCK - 1, 1, 1);
	expect(&v, "redoxfs.padding", SEVERITY_WARNING, "/etc");
}

static void inline_contents_end_at_3968_and_go_on_as_zeros(void **state)
{
	static const uint64_t sizes[] = { 3967, 3968, 3969, 10000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct volume v = volume_load("tiny");
		size_t inode = volume_inode(&v, INLINE), len;
		struct opened o;
		uint8_t *data;

		data = malloc(REDOXFS_INODE_DATA_LEN);
		assert_non_null(data);
		for (size_t k = 0; k < REDOXFS_INODE_DATA_LEN; k++)
			data[k] = (uint8_t)(k % 255 + 1);
		volume_write(&v, inode + REDOXFS_INODE_DATA_OFF, data, REDOXFS_INODE_DATA_LEN);
		free(data);
		volume_put(&v, inode + REDOXFS_INODE_SIZE_OFF, 8, sizes[i]);
		o = open_changed(&v);
		assert_no_findings(o.image.image);
		data = test_read_node(test_find(&o.image, "/etc/inline"), &len);
		assert_int_equal(len, sizes[i]);
		for (size_t k = 0; k < len; k++)
			assert_int_equal(data[k], k < 3968 ? k % 255 + 1 : 0);
		free(data);
		test_close(&o.image);
		volume_free(&v);
	}
}

/* Terabytes of nothing cost nothing; one byte more than records can hold is a finding. */
static void the_largest_file_is_mostly_a_hole(void **state)
{
	uint64_t most = REDOXFS_MAX_RECORDS << 17;
	struct volume v = volume_load("tiny");
	struct rimg_node *node;
	uint8_t buf[100];
	struct opened o;

	(void)state;
	volume_put(&v, volume_inode(&v, KERNEL) + REDOXFS_INODE_SIZE_OFF, 8, most);
	o = open_changed(&v);
	assert_no_findings(o.image.image);
	node = test_find(&o.image, "/boot/kernel");
	assert_int_equal(rimg_source_size(node->content), most);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(rimg_source_read(node->content, most - 100, buf, 100, NULL), 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	test_close(&o.image);
	volume_put(&v, volume_inode(&v, KERNEL) + REDOXFS_INODE_SIZE_OFF, 8, most + 1);
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.inode-size");
	node = test_find(&o.image, "/boot/kernel");
	assert_int_equal(rimg_source_read(node->content, most - 1, buf, 1, NULL), 0);
	assert_int_equal(rimg_source_read(node->content, most, buf, 1, NULL), -RIMG_E_BAD);
	test_close(&o.image);
	volume_free(&v);
}

/* ---- lists of records ---------------------------------------------------------------------- */

/* Golden image odd has a file whose only record, number 152, is below pointer 128, in a list. */
#define VERY_FAR     14
#define FAR_DATA     UINT64_C(20000000)
#define LIST_COVERED (UINT64_C(128) << 17) /* first byte that the list is for */

static int read_far(struct test_image *t, uint64_t off, uint8_t *ret)
{
	const struct rimg_node *node = test_find(t, "/dir/very-far");

	assert_int_equal(rimg_source_size(node->content), FAR_DATA + 5);
	return rimg_source_read(node->content, off, ret, 1, NULL);
}

static void behind_a_bad_list_nothing_is_read(void **state)
{
	struct volume v = volume_load("odd");
	struct opened o;
	uint8_t byte;

	(void)state;
	volume_put(&v, volume_pointer(&v, VERY_FAR, 128), 8, UINT64_C(5000) << 8);
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.pointer-range");
	assert_int_equal(read_far(&o.image, LIST_COVERED - 1, &byte), 0);
	assert_int_equal(read_far(&o.image, LIST_COVERED, &byte), -RIMG_E_BAD);
	assert_int_equal(read_far(&o.image, FAR_DATA + 4, &byte), -RIMG_E_BAD);
	test_close(&o.image);
	volume_free(&v);
}

/* A wrong hash may hide a pointer in what looks like a hole. */
static void behind_a_list_with_a_wrong_hash_nothing_is_read(void **state)
{
	struct volume v = volume_load("odd");
	struct opened o;
	uint8_t byte;

	(void)state;
	v.data[volume_follow(&v, volume_pointer(&v, VERY_FAR, 128)) + 4000] ^= 1;
	o = open_changed(&v);
	assert_finding(o.image.image, "redoxfs.block-hash");
	assert_int_equal(o.layer->n_errors, 1);
	assert_int_equal(read_far(&o.image, LIST_COVERED - 1, &byte), 0);
	assert_int_equal(read_far(&o.image, LIST_COVERED, &byte), -RIMG_E_BAD);
	assert_int_equal(read_far(&o.image, FAR_DATA, &byte), -RIMG_E_BAD);
	test_close(&o.image);
	volume_free(&v);
}

/* ---- records ------------------------------------------------------------------------------- */

static void a_record_that_unpacks_to_less_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	uint64_t addr = volume_get(&v, volume_pointer(&v, WORDS, 0), 8);
	size_t stored = (size_t)REDOXFS_BLOCK << (addr & 15),
	       full = (size_t)4096 << (addr >> 4 & 15);
	uint8_t *plain = calloc(1, full), *packed = calloc(1, stored);
	int n = LZ4_compress_default((const char *)plain, (char *)packed + 2, (int)full - 1,
				     (int)stored - 2);

	(void)state;
	assert_true(n > 0 && plain && packed);
	packed[0] = (uint8_t)n;
	packed[1] = (uint8_t)(n >> 8);
	volume_write_record(&v, volume_follow(&v, volume_pointer(&v, WORDS, 0)), addr & 15, 0,
			    packed, stored);
	free(plain);
	free(packed);
	expect(&v, "redoxfs.record-length", SEVERITY_ERROR, "/etc/words");
}

static void a_packed_length_beyond_the_record_is_an_error(void **state)
{
	struct volume v = volume_load("tiny");
	uint64_t addr = volume_get(&v, volume_pointer(&v, WORDS, 0), 8);
	uint8_t n[2] = { 0xff, 0xff };

	(void)state;
	volume_write_record(&v, volume_follow(&v, volume_pointer(&v, WORDS, 0)), addr & 15, 0, n,
			    sizeof(n));
	expect(&v, "redoxfs.record", SEVERITY_ERROR, "/etc/words");
}

static void records_past_the_end_of_a_file_are_a_warning(void **state)
{
	struct volume v = volume_load("tiny");

	(void)state;
	volume_put(&v, volume_inode(&v, KERNEL) + REDOXFS_INODE_SIZE_OFF, 8, 0);
	expect(&v, "redoxfs.record-past-end", SEVERITY_WARNING, "/boot/kernel");
}

/* The target of a symlink is read at once, so damage to it is found at once. */
static void a_symlink_that_cannot_be_read_is_a_finding(void **state)
{
	struct volume v = volume_load("tiny");
	size_t inode = volume_inode(&v, BLOCK);

	(void)state;
	volume_put(&v, inode, 2, 0xa << 12 | 0777);
	volume_put(&v, inode + REDOXFS_INODE_LEVEL_OFF, 4, 0);
	v.data[volume_follow(&v, volume_pointer(&v, BLOCK, 0))] ^= 1;
	expect(&v, "redoxfs.symlink-unreadable", SEVERITY_ERROR, "/etc/block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_with_right_hashes_is_sound),
		cmocka_unit_test(a_header_in_another_slot_is_a_finding),
		cmocka_unit_test(a_first_header_in_another_slot_does_not_hide_the_ring),
		cmocka_unit_test(a_header_of_256_generations_ago_is_a_finding),
		cmocka_unit_test(a_header_of_another_version_in_the_ring_is_a_warning),
		cmocka_unit_test(other_versions_are_named_and_not_read),
		cmocka_unit_test(other_bytes_in_the_ring_are_a_warning),
		cmocka_unit_test(a_size_that_is_not_whole_blocks_is_a_finding),
		cmocka_unit_test(a_size_within_the_ring_is_a_finding),
		cmocka_unit_test(the_largest_size_is_a_finding),
		cmocka_unit_test(bytes_behind_the_volume_are_its_tail),
		cmocka_unit_test(a_reserved_area_is_a_content),
		cmocka_unit_test(a_ring_is_found_up_to_block_65535),
		cmocka_unit_test(bytes_in_the_padding_of_the_header_are_a_warning),
		cmocka_unit_test(levels_beyond_5_are_a_finding),
		cmocka_unit_test(records_outside_of_the_volume_are_a_finding),
		cmocka_unit_test(a_block_that_two_files_use_is_a_finding),
		cmocka_unit_test(a_null_pointer_is_a_hole),
		cmocka_unit_test(blocks_freed_twice_are_a_finding),
		cmocka_unit_test(the_largest_counts_are_a_finding),
		cmocka_unit_test(no_alloc_log_is_a_finding),
		cmocka_unit_test(a_loop_in_the_alloc_log_is_a_finding),
		cmocka_unit_test(an_alloc_log_made_to_waste_time_ends),
		cmocka_unit_test(blocks_used_by_nothing_are_a_warning),
		cmocka_unit_test(no_tree_is_a_finding),
		cmocka_unit_test(bits_that_do_not_fit_their_slots_are_a_finding),
		cmocka_unit_test(bits_without_a_slot_are_a_finding),
		cmocka_unit_test(an_inode_0_is_a_finding),
		cmocka_unit_test(more_inodes_than_blocks_are_a_finding),
		cmocka_unit_test(a_list_in_two_places_is_a_finding),
		cmocka_unit_test(no_root_directory_is_a_finding),
		cmocka_unit_test(a_wrong_number_of_blocks_is_a_finding),
		cmocka_unit_test(types_of_other_systems_are_a_warning_and_others_an_error),
		cmocka_unit_test(bytes_in_the_padding_of_an_inode_are_a_warning),
		cmocka_unit_test(inline_contents_end_at_3968_and_go_on_as_zeros),
		cmocka_unit_test(the_largest_file_is_mostly_a_hole),
		cmocka_unit_test(behind_a_bad_list_nothing_is_read),
		cmocka_unit_test(behind_a_list_with_a_wrong_hash_nothing_is_read),
		cmocka_unit_test(a_record_that_unpacks_to_less_is_a_finding),
		cmocka_unit_test(a_packed_length_beyond_the_record_is_an_error),
		cmocka_unit_test(records_past_the_end_of_a_file_are_a_warning),
		cmocka_unit_test(a_symlink_that_cannot_be_read_is_a_finding),
	};

	return cmocka_run_group_tests_name("redoxfs_rules", tests, NULL, NULL);
}
