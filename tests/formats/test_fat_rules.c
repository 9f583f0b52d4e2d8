/* SPDX-License-Identifier: MIT */

/* FAT volumes with one rule broken: golden EFI partitions with a few bytes changed. */

#include "test.h"

#include "formats/fat.h"

#include "fat_image.h"

/* ---- one rule broken at a time ------------------------------------------------------------- */

struct edit {
	enum base base;
	size_t off;
	uint64_t value;
	size_t len;
	const char *code; /* NULL: no finding beyond those that the volume had */
	const char *node;
	enum severity severity;
	size_t at; /* where the finding is, when that is not what has been changed */
};

static const struct edit edits[] = {
	{ SGDISK, 510, 0xaa54, 2, "fat.boot-signature", "boot sector", ERROR, 0 },
	{ SGDISK, SGDISK_FAT0, 0xf0, 1, "fat.media", "fat[0]", ERROR, 0 },
	{ SGDISK, SGDISK_FAT0 + 1, 0xf0, 1, "fat.media", "fat[0]", ERROR, SGDISK_FAT0 },
	{ SGDISK, SGDISK_FAT1, 0xf0, 1, "fat.copies-differ", "fat[1]", ERROR, 0 },
	{ SGDISK, SGDISK_ROOT - 1, 1, 1, "fat.copies-differ", "fat[1]", ERROR, 0 },
	/* directories */
	{ SGDISK, DIRENT_EFI + 28, 1, 4, "fat.dir-size", "EFI", ERROR, 0 },
	{ SGDISK, DIRENT_EFI + 26, 0, 2, "fat.dir-cluster", "EFI", ERROR, 0 },
	{ SGDISK, DIRENT_EFI + 26, 1, 2, "fat.chain-range", "EFI", ERROR, 0 },
	{ SGDISK, DIRENT_EFI + 26, 504, 2, "fat.chain-range", "EFI", ERROR, 0 },
	{ SGDISK, DIRENT_EFI + 26, 0xffff, 2, "fat.chain-range", "EFI", ERROR, 0 },
	{ SGDISK, DIRENT_EFI + 20, 1, 2, "fat.entry-padding", "/", WARNING, 0 }, /* before FAT32 */
	{ SGDISK, SGDISK_CLUSTER(2) + 26, 3, 2, "fat.dot", "EFI", ERROR, 0 },
	{ SGDISK, SGDISK_CLUSTER(2) + 11, 0, 1, "fat.dot", "EFI", ERROR, 0 },
	{ SGDISK, SGDISK_CLUSTER(2) + 32 + 26, 2, 2, "fat.dot", "EFI", ERROR, 0 },
	{ SGDISK, SGDISK_CLUSTER(3) + 32 + 26, 0, 2, "fat.dot", "BOOT", ERROR, 0 },
	{ SGDISK, SGDISK_CLUSTER(3), 0xe5, 1, "fat.dot", "BOOT", ERROR, NOWHERE },
	{ SGDISK, SGDISK_CLUSTER(2) + 1, '.', 1, "fat.dot", "EFI", ERROR,
	  SGDISK_CLUSTER(2) + 32 }, /* ".." twice */
	{ SGDISK, SGDISK_CLUSTER(2) + 96 + 1, 1, 1, "fat.behind-end", "EFI", WARNING, 0 },
	{ SGDISK, SGDISK_CLUSTER(3) - 1, 1, 1, "fat.behind-end", "EFI", WARNING, 0 },
	/* files */
	{ SGDISK, DIRENT_FILE + 28, 0, 4, "fat.empty-with-cluster", "BOOTAA64.EFI", ERROR,
	  DIRENT_FILE + 26 },
	{ SGDISK, DIRENT_FILE + 28, 4096, 4, "fat.chain-long", "BOOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 28, 4097, 4, NULL, NULL, 0, 0 },
	{ SGDISK, DIRENT_FILE + 28, 6144, 4, NULL, NULL, 0, 0 },
	{ SGDISK, DIRENT_FILE + 28, 6145, 4, "fat.chain-short", "BOOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 28, UINT32_MAX, 4, "fat.chain-short", "BOOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 26, 0, 2, "fat.chain-short", "BOOTAA64.EFI", ERROR,
	  DIRENT_FILE + 28 },
	{ SGDISK, DIRENT_FILE + 26, 2, 2, "fat.cross-link", "BOOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 26, 5, 2, "fat.chain-short", "BOOTAA64.EFI", ERROR,
	  DIRENT_FILE + 28 },
	{ SGDISK, DIRENT_FILE + 26, 5, 2, "fat.lost", "lost", WARNING, SGDISK_CLUSTER(4) },
	{ SGDISK, DIRENT_FILE, 'b', 1, "fat.short-name", "bOOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE, ' ', 1, "fat.short-name", " OOTAA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 3, '/', 1, "fat.short-name", "BOO/AA64.EFI", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 10, 0x1f, 1, "fat.short-name", "BOOTAA64.EF\x1f", ERROR, 0 },
	{ SGDISK, DIRENT_FILE + 16, 0x5dad, 2, "fat.time", "BOOTAA64.EFI", WARNING,
	  0 }, /* month 13 */
	{ SGDISK, DIRENT_FILE + 22, 0x001e, 2, "fat.time", "BOOTAA64.EFI", WARNING,
	  0 }, /* second 60 */
	{ SGDISK, DIRENT_FILE + 13, 200, 1, "fat.time", "BOOTAA64.EFI", WARNING, 0 },
	{ SGDISK, DIRENT_FILE + 13, 199, 1, NULL, NULL, 0, 0 },
	{ SGDISK, DIRENT_FILE + 18, 0, 2, NULL, NULL, 0, 0 }, /* not set */
	{ SGDISK, DIRENT_FILE + 11, 0x08, 1, "fat.label", "BOOT", ERROR, 0 },
	{ SGDISK, SGDISK_ROOT + 32, 0x2e, 1, "fat.short-name", ".", ERROR, 0 },
	/* the volume itself */
	{ SGDISK, 19, 2049, 2, "fat.truncated", "", ERROR, NOWHERE },
	{ SGDISK, 19, 2047, 2, NULL, NULL, 0, 0 },
	/* long names */
	{ INSTALLER, LONG_FILE, 0x42, 1, "fat.lfn-order", "BOOT", ERROR, 0 },
	{ INSTALLER, LONG_FILE, 0x01, 1, "fat.lfn-order", "BOOT", ERROR, 0 },
	{ INSTALLER, LONG_FILE, 0x40, 1, "fat.lfn-order", "BOOT", ERROR, 0 },
	{ INSTALLER, LONG_FILE, 0x55, 1, "fat.lfn-order", "BOOT", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 13, 0x55, 1, "fat.lfn-checksum", "BOOT", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 33, 'X', 1, "fat.lfn-checksum", "BOOT", ERROR, LONG_FILE },
	{ INSTALLER, LONG_FILE + 32, 0xe5, 1, "fat.lfn-order", "BOOT", ERROR, LONG_FILE },
	{ INSTALLER, LONG_FILE + 32, 0, 1, "fat.lfn-order", "BOOT", ERROR, LONG_FILE },
	{ INSTALLER, LONG_FILE + 1, '/', 2, "fat.long-name", "/OOTAA64.EFI", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 1, 0x1f, 2, "fat.long-name", "\x1fOOTAA64.EFI", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 1, 0, 2, "fat.long-name", "BOOTAA64.EFI", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 28, '.', 2, "fat.long-name", "BOOTAA64.EF.", ERROR, 0 },
	{ INSTALLER, LONG_FILE + 28, 0xd800, 2, "fat.long-name", "BOOTAA64.EF\xed\xa0\x80", ERROR,
	  0 },
	{ INSTALLER, LONG_FILE + 28, 0x20ac, 2, NULL, NULL, 0, 0 }, /* any other character */
};

static void each_rule_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		const struct edit *e = &edits[i];
		struct test_image t;
		bool ok;

		use(e->base);
		put(e->off, e->value, e->len);
		t = open_esp();
		if (e->code)
			ok = found(t.node->nested, e->code, e->node, e->severity,
				   e->at ? e->at : e->off);
		else
			ok = t.node->nested->n_findings == (e->base == INSTALLER ? 4 : 0);
		if (!ok) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("edit %zu: expected %s of %s", i, e->code ? e->code : "nothing",
				 e->node ? e->node : "it");
		}
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

struct fat_edit {
	unsigned cluster, value;
	const char *code; /* NULL: no finding */
	const char *node;
	size_t at; /* of the finding */
};

/* The first byte of an entry. */
#define FAT_AT(c) (SGDISK_FAT0 + (c)*3U / 2U)

/* The boot loader lies in clusters 4, 5, 6; 503 is the last one. */
static const struct fat_edit fat_edits[] = {
	{ 6, 4, "fat.chain-loop", "BOOTAA64.EFI", FAT_AT(6) },
	{ 4, 4, "fat.chain-loop", "BOOTAA64.EFI", FAT_AT(4) },
	{ 2, 2, "fat.chain-loop", "EFI", FAT_AT(2) },
	{ 6, 3, "fat.cross-link", "BOOTAA64.EFI", FAT_AT(6) },
	{ 5, 504, "fat.chain-range", "BOOTAA64.EFI", FAT_AT(5) },
	{ 5, 1, "fat.chain-range", "BOOTAA64.EFI", FAT_AT(5) },
	{ 5, 0xff6, "fat.chain-range", "BOOTAA64.EFI", FAT_AT(5) },
	{ 5, 503, "fat.chain-free", "BOOTAA64.EFI", FAT_AT(503) },
	{ 5, 0, "fat.chain-free", "BOOTAA64.EFI", FAT_AT(5) },
	{ 5, 0xff7, "fat.chain-bad", "BOOTAA64.EFI", FAT_AT(5) },
	{ 5, 0xfff, "fat.chain-short", "BOOTAA64.EFI", DIRENT_FILE + 28 },
	{ 5, 0xff8, "fat.lost", "lost", SGDISK_CLUSTER(6) },
	{ 6, 0xff8, NULL, NULL, 0 },
	{ 503, 0xfff, "fat.lost", "lost", SGDISK_CLUSTER(503) },
	{ 503, 0xff7, NULL, NULL, 0 },
	{ 504, 0xfff, NULL, NULL, 0 }, /* no such cluster: means nothing */
};

static void each_rule_of_chains_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fat_edits); i++) {
		const struct fat_edit *e = &fat_edits[i];
		struct test_image t;

		use(SGDISK);
		put_fats(e->cluster, e->value);
		t = open_esp();
		if (e->code ? !found(t.node->nested, e->code, e->node,
				     strcmp(e->code, "fat.lost") == 0 ? WARNING : ERROR, e->at)
			    : t.node->nested->n_findings > 0) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("edit %zu: expected %s", i, e->code ? e->code : "nothing");
		}
		assert_no_finding(t.image, "layer.overlap");
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

static void a_broken_chain_gives_what_there_is(void **state)
{
	struct test_image t;
	struct rimg_node *file;
	uint8_t *data;
	size_t len;

	(void)state;
	use(SGDISK);
	put_fats(5, 504);
	t = open_esp();
	file = test_find(&t, "/EFI/BOOT/BOOTAA64.EFI");
	assert_true(file->damaged);
	data = test_read_node(file, &len);
	assert_int_equal(len, 4096);
	assert_memory_equal(data, esp + SGDISK_CLUSTER(4), 4096);
	free(data);
	test_close(&t);
}

static void bad_clusters_have_a_node(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	put_fats(503, 0xff7);
	t = open_esp();
	assert_claim(t.node->nested, SGDISK_CLUSTER(503), "bad", "bad", RIMG_CAUSE_FREE_SPACE);
	assert_attr(t.node->nested->root, "free_clusters", "496");
	test_close(&t);
}

static void clusters_behind_the_end_of_a_file_are_told_apart(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	put(DIRENT_FILE + 28, 10, 4);
	t = open_esp();
	assert_claim(t.node->nested, SGDISK_CLUSTER(4) + 9, "BOOTAA64.EFI", "content",
		     RIMG_CAUSE_CONTENT);
	assert_claim(t.node->nested, SGDISK_CLUSTER(4) + 10, "BOOTAA64.EFI", "slack",
		     RIMG_CAUSE_PADDING);
	assert_claim(t.node->nested, SGDISK_CLUSTER(5), "BOOTAA64.EFI", "clusters behind the end",
		     RIMG_CAUSE_FREE_SPACE);
	test_close(&t);
}

static void a_deleted_file_is_free_space_of_its_directory(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	esp[DIRENT_FILE] = 0xe5;
	for (unsigned c = 4; c <= 6; c++)
		put_fats(c, 0);
	t = open_esp();
	assert_no_findings(t.image);
	assert_int_equal(test_find(&t, "/EFI/BOOT")->n_children, 0);
	assert_claim(t.node->nested, DIRENT_FILE, "BOOT", "deleted entries", RIMG_CAUSE_FREE_SPACE);
	assert_claim(t.node->nested, SGDISK_CLUSTER(4), "free", "free", RIMG_CAUSE_FREE_SPACE);
	test_close(&t);
}

static void a_cut_volume_is_a_finding_at_any_length(void **state)
{
	static const size_t sizes[] = {
		512,    513,    1000,           1536,        SGDISK_ROOT,
		2600,   18943,  18944,          19000,       SGDISK_CLUSTER(3),
		0x5a01, 0x6000, 0x100000 - 512, 0x100000 - 1
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct test_image t;

		use(SGDISK);
		t = open_bytes(esp, sizes[i]);
		assert_finding(t.image, "fat.truncated");
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

static void directories_deeper_than_the_limit_are_named(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t = { .ctx = NULL };

	(void)state;
	use(SGDISK);
	for (limits.dir_depth = 1; limits.dir_depth <= 2; limits.dir_depth++) {
		t.ctx = rimg_ctx_new(&limits, 1);
		t.image = rimg_image_open(t.ctx, rimg_source_open_memory(esp, ESP_SIZE, "memory"),
					  "memory", NULL);
		t.node = rimg_image_root(t.image);
		open_layer(&t);
		if (limits.dir_depth == 1)
			assert_finding(t.image, "fat.depth");
		else
			assert_no_findings(t.image);
		test_close(&t);
	}
}

static void a_fat_larger_than_the_limit_is_named(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct test_image t = { .ctx = NULL };

	(void)state;
	use(SGDISK);
	limits.analysis_bytes = 1023; /* a FAT has 1024 */
	t.ctx = rimg_ctx_new(&limits, 1);
	t.image = rimg_image_open(t.ctx, rimg_source_open_memory(esp, ESP_SIZE, "memory"), "memory",
				  NULL);
	t.node = rimg_image_root(t.image);
	assert_true(open_layer(&t)->unreadable);
	assert_finding(t.image, "fat.limit");
	test_close(&t);
}

static void other_bytes_are_no_fat(void **state)
{
	/* of the boot sector: what would make it impossible */
	static const struct {
		size_t off;
		uint8_t value;
	} impossible[] = {
		{ 0, 0 },     { 2, 0 },  { 11, 1 }, { 12, 0 },    { 12, 0x20 },
		{ 13, 0 },    { 13, 3 }, { 14, 0 }, { 16, 0 },    { 16, 5 },
		{ 21, 0xf7 }, { 22, 0 }, { 18, 0 }, { 20, 0x00 }, { 22, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		struct test_image t;
		struct rimg_layer *l;

		use(SGDISK);
		esp[impossible[i].off] = impossible[i].value;
		t = test_open_bytes(esp, ESP_SIZE);
		assert_int_equal(node_open(t.node, &l, NULL), 0);
		if (l && strcmp(l->format->name, "fat") == 0)
			fail_msg("byte %zu", impossible[i].off);
		test_close(&t);
	}
}

/* A boot sector with clusters of one sector, one FAT and a root of one sector. */
static void make_boot(unsigned fat_sectors, unsigned clusters)
{
	unsigned total = 1 + fat_sectors + 1 + clusters;

	use(SGDISK);
	put(13, 1, 1);
	put(16, 1, 1);
	put(17, 16, 2);
	put(19, total < 65536 ? total : 0, 2);
	put(22, fat_sectors, 2);
	put(32, total, 4);
}

/* The limits are those of the specification: "less than 4085", "less than 65525". */
static void the_number_of_clusters_decides_the_type(void **state)
{
	static const struct {
		unsigned fat_sectors, clusters;
		const char *type; /* NULL: no FAT */
	} known[] = {
		{ 12, 1, "FAT12" },
		{ 12, 4084, "FAT12" },
		{ 17, 4085, "FAT16" },
		{ 256, 65524, "FAT16" },
		{ 257, 65525, NULL },
		{ 12, 0, NULL },
		/* entries that the FAT has room for, less 0 and 1 */
		{ 16, 4094, "FAT16" },
		{ 16, 4095, NULL },
		{ 17, 4350, "FAT16" },
		{ 17, 4351, NULL },
		{ 3, 1022, "FAT12" },
		{ 3, 1023, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct test_image t;
		struct rimg_layer *l;

		make_boot(known[i].fat_sectors, known[i].clusters);
		t = test_open_bytes(esp, ESP_SIZE);
		assert_int_equal(node_open(t.node, &l, NULL), 0);
		if (known[i].type) {
			assert_non_null(l);
			assert_attr(l->root, "type", known[i].type);
			assert_int_equal(node_attr_u64(l->root, "clusters", 0), known[i].clusters);
		} else if (l && strcmp(l->format->name, "fat") == 0) {
			fail_msg("case %zu", i);
		}
		test_close(&t);
	}
}

static void a_volume_without_room_for_clusters_is_no_fat(void **state)
{
	static const unsigned totals[] = { 1, 36, 37, 40 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
		struct test_image t;
		struct rimg_layer *l;

		use(SGDISK);
		put(19, totals[i], 2);
		t = test_open_bytes(esp, ESP_SIZE);
		assert_int_equal(node_open(t.node, &l, NULL), 0);
		assert_true(!l || strcmp(l->format->name, "fat") != 0);
		test_close(&t);
	}
}

static void findings_say_what_was_expected_and_found(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	put_fats(5, 504);
	t = open_esp();
	assert_string_equal(test_finding(t.image, "fat.chain-range")->text,
			    "expected a cluster from 2 to 503, found 504");
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_finding),
		cmocka_unit_test(each_rule_of_chains_has_its_finding),
		cmocka_unit_test(a_broken_chain_gives_what_there_is),
		cmocka_unit_test(bad_clusters_have_a_node),
		cmocka_unit_test(clusters_behind_the_end_of_a_file_are_told_apart),
		cmocka_unit_test(a_deleted_file_is_free_space_of_its_directory),
		cmocka_unit_test(a_cut_volume_is_a_finding_at_any_length),
		cmocka_unit_test(directories_deeper_than_the_limit_are_named),
		cmocka_unit_test(a_fat_larger_than_the_limit_is_named),
		cmocka_unit_test(other_bytes_are_no_fat),
		cmocka_unit_test(findings_say_what_was_expected_and_found),
		cmocka_unit_test(a_volume_without_room_for_clusters_is_no_fat),
		cmocka_unit_test(the_number_of_clusters_decides_the_type),
	};

	return cmocka_run_group_tests_name("fat rules", tests, load, unload);
}
