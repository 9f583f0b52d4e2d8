/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/owner.h"
#include "core/str.h"
#include "formats/initfs.h"

#include "nodes.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "initfs");
}

/* ---- golden images against the listings of an independent reader --------------------------- */

/* The listings spell a byte that is not UTF-8 as the six characters \udcNN. */
static char *listed_path(const struct rimg_node *node)
{
	auto_str struct str bytes = { 0 };
	struct str path = { 0 };

	node_add_path(&bytes, node);
	for (size_t i = 0; i < bytes.len;) {
		size_t n = str_utf8_len((const uint8_t *)bytes.data + i, bytes.len - i);

		if (n > 0)
			str_add_len(&path, bytes.data + i, n);
		else
			str_printf(&path, "\\udc%02x", (uint8_t)bytes.data[i]);
		i += n > 0 ? n : 1;
	}
	return str_take(&path);
}

static char *hex_digest(const struct rimg_node *node)
{
	struct str s = { 0 };
	uint8_t sha[SHA256_LEN];

	assert_int_equal(digest_source(node->content, sha, NULL), 0);
	str_add_hex(&s, sha, sizeof(sha));
	return str_take(&s);
}

static void add_text(struct json_object *o, const char *key, char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
	free(text);
}

static void add_number(struct json_object *o, const char *key, const struct rimg_node *node)
{
	json_object_object_add(o, key, json_object_new_uint64(number(node, key)));
}

static void add_printed(struct json_object *o, const char *key, const char *fmt, uint64_t value)
{
	char text[40];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), fmt, value);
#pragma GCC diagnostic pop
	json_object_object_add(o, key, json_object_new_string(text));
}

/* One line of a listing, made from a node. */
static struct json_object *list_node(const struct rimg_node *node)
{
	struct json_object *o = json_object_new_object();
	const struct rimg_attr *target = node_attr(node, "target");

	add_text(o, "path", listed_path(node));
	json_object_object_add(o, "type", json_object_new_string(rimg_role_name(node->role)));
	add_number(o, "inode", node);
	add_printed(o, "mode", "%04" PRIo64, number(node, "mode"));
	add_number(o, "uid", node);
	add_number(o, "gid", node);
	add_number(o, "size", node);
	add_number(o, "offset", node);
	add_printed(o, "midbits", "0x%" PRIx64, node_attr_u64(node, "midbits", 0));
	if (node->role != RIMG_ROLE_DIR)
		add_text(o, "sha256", hex_digest(node));
	if (target)
		json_object_object_add(o, "target",
				       json_object_new_string_len((const char *)target->bytes.data,
								  (int)target->bytes.len));
	return o;
}

static struct json_object *list_header(const struct rimg_layer *l)
{
	struct json_object *o = json_object_new_object(), *h = json_object_new_object();
	const struct rimg_attr *creation = node_attr(l->root, "creation");
	char time[64];

	assert_non_null(creation);
	snprintf(time, sizeof(time), "%" PRId64 ".%09" PRIu32, creation->time.s, creation->time.ns);
	json_object_object_add(h, "inode_table_offset",
			       json_object_new_uint64(number(l->root, "table_offset")));
	json_object_object_add(h, "creation", json_object_new_string(time));
	json_object_object_add(h, "inode_count", json_object_new_uint64(number(l->root, "inodes")));
	add_printed(h, "bootstrap_entry", "0x%" PRIx64, number(l->root, "bootstrap_entry"));
	json_object_object_add(h, "initfs_size", json_object_new_uint64(number(l->root, "size")));
	add_number(h, "page_size", l->root);
	json_object_object_add(h, "file_len", json_object_new_uint64(rimg_source_size(l->src)));
	json_object_object_add(o, "header", h);
	return o;
}

struct listing {
	struct {
		char *path;
		struct json_object *line;
	} entry[256];
	size_t n;
};

static void list_below(struct listing *list, struct rimg_node *node, unsigned depth)
{
	assert_in_range(depth, 0, 64);
	assert_in_range(list->n, 0, 255);
	list->entry[list->n].path = listed_path(node);
	list->entry[list->n++].line = list_node(node);
	rimg_for_each_child(child, node)
		list_below(list, child, depth + 1);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void assert_line(FILE *f, struct json_object *found)
{
	char line[8192];
	struct json_object *expected;

	if (!fgets(line, sizeof(line), f))
		fail_msg("not in the listing: %s", json_object_to_json_string(found));
	expected = json_tokener_parse(line);
	assert_non_null(expected);
	if (!json_object_equal(expected, found)) {
		print_error("expected %s", line);
		fail_msg("found    %s", json_object_to_json_string(found));
	}
	json_object_put(expected);
	json_object_put(found);
}

static void assert_lists_as(const char *name)
{
	struct test_image t = test_open_golden(name, "");
	struct rimg_layer *l = open_layer(t.node);
	struct listing list = { 0 };
	char file[64], rest[8];
	FILE *f;

	snprintf(file, sizeof(file), "%s.jsonl", name);
	f = fopen(test_golden_path(file), "re");
	assert_non_null(f);
	assert_line(f, list_header(l));
	list_below(&list, l->top, 0);
	qsort(list.entry, list.n, sizeof(list.entry[0]), compare_entries);
	for (size_t i = 0; i < list.n; i++) {
		assert_line(f, list.entry[i].line);
		free(list.entry[i].path);
	}
	assert_null(fgets(rest, sizeof(rest), f));
	fclose(f);
	assert_no_findings(t.image);
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
	test_close(&t);
}

static void image_with_bootstrap_lists_as_upstream_says(void **state)
{
	(void)state;
	assert_lists_as("initfs-boot");
}

static void image_without_bootstrap_lists_as_upstream_says(void **state)
{
	(void)state;
	assert_lists_as("initfs-plain");
}

static void bootstrap_is_everything_between_4096_and_the_table(void **state)
{
	struct test_image t = test_open_golden("initfs-boot", "bootstrap");
	size_t len, image_len;
	uint8_t *image = test_load(test_image_path("initfs-boot"), &image_len);
	uint8_t *data = test_read_node(t.node, &len);

	(void)state;
	assert_int_equal(len, 12288 - 4096);
	assert_memory_equal(data, image + 4096, len);
	free(data);
	free(image);
	test_close(&t);

	t = test_open_golden("initfs-plain", "");
	assert_null(rimg_image_find(t.image, "bootstrap", NULL));
	test_close(&t);
}

static void each_golden_broken_image_has_its_finding(void **state)
{
	static const struct {
		const char *name, *code, *path;
		uint64_t off;
	} cases[] = {
		{ "initfs-magic", "initfs.magic", "", 0 },
		{ "initfs-table", "initfs.table", "", 8 },
		{ "initfs-count", "initfs.inode-range", "/bin", 16384 },
		{ "initfs-truncated", "initfs.size", "", 34 },
		{ "initfs-truncated", "initfs.name-range", "", 0 },
		{ "initfs-cycle", "initfs.cycle", "", 0 },
		{ "initfs-type", "initfs.inode-type", "/etc/init.rc", 12308 },
		{ "initfs-page-size", "initfs.page-size", "", 42 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[64];
		struct test_image t;
		struct rimg_layer *l;
		const struct finding *f;

		snprintf(name, sizeof(name), "broken/%s", cases[i].name);
		t = test_open_golden(name, "");
		l = open_layer(t.node);
		f = test_finding(t.image, cases[i].code);
		if (!f)
			fail_msg("%s: no finding %s", name, cases[i].code);
		assert_int_equal(f->severity, SEVERITY_ERROR);
		if (cases[i].off)
			assert_int_equal(f->off, cases[i].off);
		assert_true(l->unreadable || l->top != l->root);
		test_close(&t);
	}
}

/* ---- a small image made by hand ------------------------------------------------------------ */

/*      0  header            4096  bootstrap: an ELF header
 *   8192  inode table      12288  entries of "/": bin, etc, link
 *  16384  entries of bin   20480  init (100 bytes)      24576  "init"
 *  28672  "bin"            32768  "etc" (an empty folder: no content)
 *  36864  "bin/init"       40960  "link" */
enum {
	TABLE = 8192,
	ROOT_DIR = 12288,
	BIN_DIR = 16384,
	INIT = 20480,
	NAME_INIT = 24576,
	NAME_BIN = 28672,
	NAME_ETC = 32768,
	TARGET = 36864,
	NAME_LINK = 40960,
	IMAGE_LEN = NAME_LINK + 4,
};

static uint8_t image[IMAGE_LEN + 64];

static void put(size_t off, size_t len, uint64_t value)
{
	assert_true(off + len <= sizeof(image));
	for (size_t i = 0; i < len; i++)
		image[off + i] = (uint8_t)(value >> 8 * i);
}

static void put_text(size_t off, const char *text)
{
	memcpy(image + off, text, strlen(text));
}

static void put_inode(unsigned n, uint32_t mode, uint32_t len, uint32_t off)
{
	put(TABLE + 20 * n, 4, mode);
	put(TABLE + 20 * n + 4, 4, len);
	put(TABLE + 20 * n + 8, 4, off);
}

static void put_entry(size_t off, unsigned inode, unsigned name_len, uint32_t name_off)
{
	put(off, 2, inode);
	put(off + 2, 2, name_len);
	put(off + 4, 4, name_off);
}

static void make_image(void)
{
	memset(image, 0, sizeof(image));
	put_text(0, "RedoxFtw");
	put(8, 4, TABLE);
	put(12, 8, 1700000000);
	put(20, 4, 5);
	put(24, 2, 5);
	put(26, 8, 0x2000);
	put(34, 8, IMAGE_LEN);
	put(42, 2, 4096);
	put_text(4096, "\x7f"
		       "ELF\x02\x01\x01");
	put(4096 + 0x18, 8, 0x2000);
	put(4096 + 52, 2, 64);
	put_inode(0, 0x100001ED, 24, ROOT_DIR);
	put_inode(1, 0x000001ED, 100, INIT);
	put_inode(2, 0x100001ED, 8, BIN_DIR);
	put_inode(3, 0x100001C0, 0, 33000);
	put_inode(4, 0x200001FF, 8, TARGET);
	put_entry(ROOT_DIR, 2, 3, NAME_BIN);
	put_entry(ROOT_DIR + 8, 3, 3, NAME_ETC);
	put_entry(ROOT_DIR + 16, 4, 4, NAME_LINK);
	put_entry(BIN_DIR, 1, 4, NAME_INIT);
	memset(image + INIT, 'x', 100);
	put_text(NAME_INIT, "init");
	put_text(NAME_BIN, "bin");
	put_text(NAME_ETC, "etc");
	put_text(TARGET, "bin/init");
	put_text(NAME_LINK, "link");
}

static struct rimg_layer *open_made(struct test_image *t, size_t len)
{
	*t = test_open_bytes(image, len);
	return open_layer(t->node);
}

static void sound_image_has_no_findings(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	make_image();
	l = open_made(&t, IMAGE_LEN);
	run_check(l);
	assert_no_findings(t.image);
	assert_text(l->root, "header", "44 bytes");
	assert_text(test_find(&t, "/link"), "target", "bin/init");
	assert_int_equal(number(test_find(&t, "/etc"), "mode"), 0700);
	assert_int_equal(rimg_source_size(test_find(&t, "/bin/init")->content), 100);
	test_close(&t);
}

static void older_header_is_read_and_named(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	make_image();
	put(42, 2, 0);
	l = open_made(&t, IMAGE_LEN);
	run_check(l);
	assert_int_equal(l->n_errors, 0);
	assert_int_equal(l->n_warnings, 1);
	assert_finding(t.image, "initfs.old-header");
	assert_text(l->root, "header", "42 bytes");
	assert_null(node_attr(l->root, "page_size"));
	assert_non_null(test_find(&t, "/bin/init"));
	test_close(&t);
}

/* Pieces of the older archivers follow one another without gaps. */
static void older_image_with_packed_pieces_has_no_errors(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	memset(image, 0, sizeof(image));
	put_text(0, "RedoxFtw");
	put(8, 4, 4096);
	put(24, 2, 2);
	put(26, 8, UINT64_MAX);
	put(34, 8, 4096 + 40 + 8 + 3 + 1);
	put(4096, 4, 0x100001ED);
	put(4100, 4, 8);
	put(4104, 4, 4136);
	put(4116, 4, 0x1A4);
	put(4120, 4, 3);
	put(4124, 4, 4144);
	put_entry(4136, 1, 1, 4147);
	put_text(4144, "xyzf");
	l = open_made(&t, 4148);
	assert_int_equal(l->n_errors, 0);
	assert_finding(t.image, "initfs.old-header");
	assert_int_equal(rimg_source_size(test_find(&t, "/f")->content), 3);
	test_close(&t);
}

struct defect {
	const char *code;
	size_t off, len;
	uint64_t value;
};

/* One defect each, with its finding. */
static const struct defect defects[] = {
	{ "initfs.magic", 7, 1, 'x' },
	{ "initfs.magic", 0, 4, 0 },
	{ "initfs.page-size", 42, 2, 16384 },
	{ "initfs.page-size", 42, 2, 4095 },
	{ "initfs.size", 34, 8, IMAGE_LEN - 1 },
	{ "initfs.size", 34, 8, IMAGE_LEN + 1 },
	{ "initfs.table", 8, 4, 41 },
	{ "initfs.table", 8, 4, IMAGE_LEN - 99 },
	{ "initfs.table", 8, 4, 0xFFFFFFFF },
	{ "initfs.root", 24, 2, 0 },
	{ "initfs.root", TABLE + 3, 1, 0 },
	{ "initfs.unreachable", 24, 2, 6 },
	{ "initfs.inode-range", 24, 2, 4 },
	{ "initfs.inode-range", ROOT_DIR, 2, 5 },
	{ "initfs.entry", 26, 8, 0x1FFF },
	{ "initfs.entry", 26, 8, 0x2001 },
	{ "initfs.entry", 26, 8, 0x1000 + IMAGE_LEN },
	{ "initfs.entry", 26, 8, UINT64_MAX },
	{ "initfs.entry", 4096, 1, 0 },
	{ "initfs.entry", 4096 + 0x18, 8, 0x2010 },
	{ "initfs.inode-type", TABLE + 23, 1, 0x30 },
	{ "initfs.inode-reserved", TABLE + 22, 1, 0x01 },
	{ "initfs.inode-reserved", TABLE + 21, 1, 0x11 },
	{ "initfs.content-range", TABLE + 24, 4, IMAGE_LEN - INIT + 1 },
	{ "initfs.content-range", TABLE + 28, 4, IMAGE_LEN - 99 },
	{ "initfs.content-range", TABLE + 28, 4, 0xFFFFFFFF },
	{ "initfs.content-range", TABLE + 48, 4, 0xFFFFFFFF },
	{ "initfs.content-range", TABLE + 88, 4, 0xFFFFFFFF },
	{ "initfs.dir-remainder", TABLE + 44, 4, 9 },
	{ "initfs.name-range", ROOT_DIR + 20, 4, IMAGE_LEN - 3 },
	{ "initfs.name-range", ROOT_DIR + 20, 4, 0xFFFFFFFF },
	{ "initfs.name-long", ROOT_DIR + 18, 6, 4097 | (uint64_t)TABLE << 16 },
	{ "initfs.name-empty", ROOT_DIR + 18, 2, 0 },
	{ "initfs.name-bytes", NAME_BIN + 1, 1, '/' },
	{ "initfs.name-bytes", NAME_BIN + 1, 1, 0 },
	{ "initfs.name-duplicate", NAME_ETC, 3, 'b' | 'i' << 8 | 'n' << 16 },
	{ "initfs.cycle", BIN_DIR, 2, 0 },
	{ "initfs.cycle", BIN_DIR, 2, 2 },
	{ "initfs.inode-shared", ROOT_DIR + 8, 2, 4 },
	{ "initfs.gap", 44, 1, 1 },
	{ "initfs.gap", 4095, 1, 1 },
	{ "initfs.gap", INIT + 100, 1, 1 },
	{ "initfs.gap", NAME_LINK - 1, 1, 1 },
	{ "initfs.name-utf8", NAME_BIN, 1, 0xFF },
	{ "initfs.init-missing", NAME_BIN, 1, 'B' },
	{ "initfs.init-missing", NAME_INIT, 1, 'I' },
	{ "initfs.init-mode", TABLE + 20, 2, 0x1B6 },
	{ "layer.overlap", TABLE + 28, 4, BIN_DIR - 90 },
};

static void each_defect_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++) {
		const struct defect *d = &defects[i];
		struct test_image t;
		struct rimg_layer *l;

		make_image();
		put(d->off, d->len, d->value);
		l = open_made(&t, IMAGE_LEN);
		run_check(l);
		if (!test_finding(t.image, d->code)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("no finding %s for 0x%" PRIx64 " at %zu", d->code, d->value,
				 d->off);
		}
		test_close(&t);
	}
}

/* The last value that is right, beside the first of the list above that is not. */
static void last_good_values_have_no_finding(void **state)
{
	static const struct defect good[] = {
		{ "initfs.content-range", TABLE + 24, 4, IMAGE_LEN - INIT },
		{ "initfs.content-range", TABLE + 28, 4, IMAGE_LEN - 100 },
		{ "initfs.content-range", TABLE + 68, 4, 0xFFFFFFFF }, /* no bytes, no place */
		{ "initfs.name-range", ROOT_DIR + 20, 4, IMAGE_LEN - 4 },
		{ "initfs.name-long", ROOT_DIR + 18, 6, 4096 | (uint64_t)TABLE << 16 },
		{ "initfs.inode-reserved", TABLE + 21, 1, 0x0F },
		{ "initfs.init-mode", TABLE + 20, 2, 0x40 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct test_image t;
		struct rimg_layer *l;

		make_image();
		put(good[i].off, good[i].len, good[i].value);
		l = open_made(&t, IMAGE_LEN);
		run_check(l);
		assert_no_finding(t.image, good[i].code);
		test_close(&t);
	}
}

/* The inode table begins right behind the magic of the program. */
static void an_image_that_ends_within_the_head_of_the_program_has_none(void **state)
{
	struct test_image t;

	(void)state;
	make_image();
	put(8, 4, 4100);
	put(24, 2, 1);
	put(34, 8, 4120);
	put(4100, 4, 0x100001ED);
	put(4104, 8, 0);
	put(4112, 8, 0);
	open_made(&t, 4120);
	assert_finding(t.image, "initfs.entry");
	assert_no_finding(t.image, "initfs.root");
	test_close(&t);
}

static void truncated_anywhere_is_a_finding(void **state)
{
	(void)state;
	make_image();
	for (size_t len = 8; len < IMAGE_LEN; len += len < 64 || len > IMAGE_LEN - 64 ? 1 : 61) {
		struct test_image t;
		struct rimg_layer *l = open_made(&t, len);

		assert_int_not_equal(l->n_errors, 0);
		test_close(&t);
	}
}

static void file_cut_off_is_damaged_and_says_so(void **state)
{
	struct test_image t;
	struct rimg_node *init;

	(void)state;
	make_image();
	put(TABLE + 24, 4, 50000);
	open_made(&t, IMAGE_LEN);
	init = test_find(&t, "/bin/init");
	assert_true(init->damaged);
	assert_int_equal(number(init, "size"), 50000);
	assert_int_equal(rimg_source_size(init->content), IMAGE_LEN - INIT);
	test_close(&t);
}

static void second_name_of_an_inode_is_a_link(void **state)
{
	struct test_image t;
	struct rimg_node *first, *second;

	(void)state;
	make_image();
	put(ROOT_DIR + 8, 2, 1);
	open_made(&t, IMAGE_LEN);
	first = test_find(&t, "/etc");
	second = test_find(&t, "/bin/init");
	assert_ptr_equal(second->link_to, first);
	assert_null(first->link_to);
	assert_ptr_equal(second->content, first->content);
	assert_int_equal(number(second, "mode"), number(first, "mode"));
	test_close(&t);
}

static void directory_named_twice_is_entered_once(void **state)
{
	struct test_image t;
	struct rimg_node *again;

	(void)state;
	make_image();
	put(BIN_DIR, 2, 0);
	open_made(&t, IMAGE_LEN);
	again = test_find(&t, "/bin/init");
	assert_int_equal(again->role, RIMG_ROLE_DIR);
	assert_null(again->first_child);
	assert_true(again->damaged);
	test_close(&t);
}

/* 65535 directories that all have the same 5000 entries would be 300 million nodes. */
static void directories_that_share_entries_end_in_a_finding(void **state)
{
	size_t len = 4096 + 20 * 2000 + 8 * 2000 + 8;
	uint8_t *big = calloc(1, len);
	struct test_image t;

	(void)state;
	assert_non_null(big);
	make_image();
	memcpy(big, image, 44);
	memset(image, 0, sizeof(image));
	for (size_t i = 0; i < 2000; i++) {
		put_inode(0, 0x100001ED, 16000, 44096);
		memcpy(big + 4096 + 20 * i, image + TABLE, 20);
		put_entry(0, (unsigned)i, 4, 0);
		memcpy(big + 44096 + 8 * i, image, 8);
	}
	big[8] = 0;
	big[9] = 0x10;
	big[24] = 2000 & 0xFF;
	big[25] = 2000 >> 8;
	t = test_open_bytes(big, len);
	open_layer(t.node);
	assert_finding(t.image, "initfs.dir-overlap");
	assert_in_range(t.image->n_nodes, 1, 20000);
	test_close(&t);
	free(big);
}

/* 2000 entries that have all the image as their name, or as their target, would be gigabytes. */
static void names_and_targets_that_share_bytes_end_in_a_finding(void **state)
{
	size_t dir = 4096 + 20 * 2000, len = dir + 8 * 2000;
	uint8_t *packed = calloc(1, len);
	struct test_image t;

	(void)state;
	assert_non_null(packed);
	make_image();
	memcpy(packed, image, 44);
	for (size_t i = 0; i < 2000; i++) {
		put_inode(0, i ? 0x200001FF : 0x100001ED, i ? 50000 : 16000, i ? 0 : (unsigned)dir);
		memcpy(packed + 4096 + 20 * i, image + TABLE, 20);
		put_entry(0, (unsigned)i, 4000, 0);
		memcpy(packed + dir + 8 * i, image, 8);
	}
	packed[8] = 0;
	packed[9] = 0x10;
	packed[24] = 2000 & 0xFF;
	packed[25] = 2000 >> 8;
	t = test_open_bytes(packed, len);
	open_layer(t.node);
	assert_finding(t.image, "initfs.name-overlap");
	assert_finding(t.image, "initfs.target-overlap");
	assert_in_range(t.image->arena_used, 1, 8 << 20);
	test_close(&t);
	free(packed);
}

static void files_that_share_bytes_are_not_looked_into(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	make_image();
	/* an image that is its own file */
	put_inode(1, 0x000001ED, IMAGE_LEN, 0);
	open_made(&t, IMAGE_LEN);
	assert_int_equal(rimg_source_size(test_find(&t, "/bin/init")->content), IMAGE_LEN);
	assert_int_equal(node_open(test_find(&t, "/bin/init"), &l, NULL), 0);
	assert_null(l);
	test_close(&t);

	/* the ELF header of the bootstrap program as a file of its own: neither is */
	make_image();
	put_inode(1, 0x000001ED, 4096, 4096);
	open_made(&t, IMAGE_LEN);
	assert_int_equal(node_open(test_find(&t, "/bin/init"), &l, NULL), 0);
	assert_null(l);
	assert_int_equal(node_open(test_find(&t, "bootstrap"), &l, NULL), 0);
	assert_null(l);
	assert_finding(t.image, "layer.overlap");
	test_close(&t);

	/* and a program that shares nothing is */
	make_image();
	open_made(&t, IMAGE_LEN);
	assert_int_equal(node_open(test_find(&t, "bootstrap"), &l, NULL), 0);
	assert_non_null(l);
	test_close(&t);
}

static void directories_deeper_than_the_limit_end_in_a_finding(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t;

	(void)state;
	make_image();
	limits.dir_depth = 1;
	t = test_open_bytes(image, IMAGE_LEN);
	t.ctx->limits = limits;
	open_layer(t.node);
	assert_finding(t.image, "initfs.depth");
	test_close(&t);
}

/* ---- who owns which bytes ------------------------------------------------------------------ */

static void each_structure_is_owned_by_its_node(void **state)
{
	static const struct {
		uint64_t off;
		const char *name, *what, *key;
		enum rimg_cause cause;
	} owners[] = {
		{ 12, "", "header", "creation", RIMG_CAUSE_TIMESTAMP },
		{ 23, "", "header", "creation", RIMG_CAUSE_TIMESTAMP },
		{ 26, "", "header", "bootstrap_entry", RIMG_CAUSE_PLACEMENT },
		{ 43, "", "header", "page_size", RIMG_CAUSE_CONTENT },
		{ 44, "padding", "padding", NULL, RIMG_CAUSE_PADDING },
		{ TABLE + 20, "init", "inode", "mode", RIMG_CAUSE_CONTENT },
		{ TABLE + 28, "init", "inode", "offset", RIMG_CAUSE_PLACEMENT },
		{ TABLE + 3, "/", "inode", NULL, RIMG_CAUSE_CONTENT },
		{ ROOT_DIR, "bin", "dirent", "inode", RIMG_CAUSE_PLACEMENT },
		{ ROOT_DIR + 20, "link", "dirent", "name_offset", RIMG_CAUSE_PLACEMENT },
		{ INIT + 99, "init", "content", NULL, RIMG_CAUSE_CONTENT },
		{ INIT + 100, "padding", "padding", NULL, RIMG_CAUSE_PADDING },
		{ TARGET, "link", "content", NULL, RIMG_CAUSE_CONTENT },
		{ IMAGE_LEN - 1, "link", "name", NULL, RIMG_CAUSE_CONTENT },
	};
	struct test_image t;

	(void)state;
	make_image();
	open_made(&t, IMAGE_LEN);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		struct owner o = owner_at(t.node, owners[i].off, NULL);

		assert_string_equal(o.node->name, owners[i].name);
		assert_string_equal(o.claim->what, owners[i].what);
		assert_int_equal(o.attr ? o.attr->cause : o.claim->cause, owners[i].cause);
		if (owners[i].key)
			assert_string_equal(o.attr ? o.attr->key : "none", owners[i].key);
	}
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_with_bootstrap_lists_as_upstream_says),
		cmocka_unit_test(image_without_bootstrap_lists_as_upstream_says),
		cmocka_unit_test(bootstrap_is_everything_between_4096_and_the_table),
		cmocka_unit_test(each_golden_broken_image_has_its_finding),
		cmocka_unit_test(sound_image_has_no_findings),
		cmocka_unit_test(older_header_is_read_and_named),
		cmocka_unit_test(older_image_with_packed_pieces_has_no_errors),
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(last_good_values_have_no_finding),
		cmocka_unit_test(truncated_anywhere_is_a_finding),
		cmocka_unit_test(an_image_that_ends_within_the_head_of_the_program_has_none),
		cmocka_unit_test(file_cut_off_is_damaged_and_says_so),
		cmocka_unit_test(second_name_of_an_inode_is_a_link),
		cmocka_unit_test(directory_named_twice_is_entered_once),
		cmocka_unit_test(directories_that_share_entries_end_in_a_finding),
		cmocka_unit_test(names_and_targets_that_share_bytes_end_in_a_finding),
		cmocka_unit_test(files_that_share_bytes_are_not_looked_into),
		cmocka_unit_test(directories_deeper_than_the_limit_end_in_a_finding),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
