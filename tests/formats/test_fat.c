/* SPDX-License-Identifier: MIT */

/* FAT volumes. What the golden disks' EFI partitions hold was listed with mtools 4.0.32 (minfo,
 * mdir, mtype). */

#include "test.h"

#include "core/digest.h"
#include "formats/fat.h"

#include "fat_image.h"

/* ---- golden volumes ------------------------------------------------------------------------ */

static void assert_attrs(struct rimg_layer *l, const struct expected *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_attr(e[i].node ? node_find(l->root, e[i].node, strlen(e[i].node)) : l->root,
			    e[i].key, e[i].value);
}

static void the_installers_volume_is_what_minfo_says(void **state)
{
	static const struct expected minfo[] = {
		{ NULL, "type", "FAT12" },
		{ NULL, "cluster_size", "512" },
		{ NULL, "volume_id", "0x12345678" },
		{ NULL, "label", "NO NAME" },
		{ NULL, "clusters", "2003" },      /* fsck.fat -v */
		{ NULL, "free_clusters", "1991" }, /* mdir: 1 019 392 bytes free */
		{ "boot sector", "oem_name", "MSWIN4.1" },
		{ "boot sector", "sector_size", "512" },
		{ "boot sector", "sectors_per_cluster", "1" },
		{ "boot sector", "reserved_sectors", "1" },
		{ "boot sector", "n_fats", "2" },
		{ "boot sector", "root_entries", "512" },
		{ "boot sector", "sectors16", "2048" },
		{ "boot sector", "media", "0xf8" },
		{ "boot sector", "fat_sectors16", "6" },
		{ "boot sector", "sectors_per_track", "32" },
		{ "boot sector", "heads", "64" },
		{ "boot sector", "hidden_sectors", "0" },
		{ "boot sector", "drive", "0x0" },
		{ "boot sector", "extended_signature", "0x29" },
		{ "boot sector", "volume_id", "0x12345678" },
		{ "boot sector", "label", "NO NAME" },
		{ "boot sector", "type_text", "FAT12" },
	};
	struct test_image t;

	(void)state;
	use(INSTALLER);
	t = open_esp();
	assert_attrs(t.node->nested, minfo, ARRAY_LEN(minfo));
	assert_no_gaps(t.node->nested);
	test_close(&t);
}

static void sgdisks_volume_is_what_minfo_says(void **state)
{
	static const struct expected minfo[] = {
		{ NULL, "type", "FAT12" },
		{ NULL, "cluster_size", "2048" },
		{ NULL, "clusters", "502" },
		{ NULL, "free_clusters", "497" }, /* mdir: 1 017 856 bytes free */
		{ "boot sector", "oem_name", "mkfs.fat" },
		{ "boot sector", "sectors_per_cluster", "4" },
		{ "boot sector", "fat_sectors16", "2" },
		{ "boot sector", "sectors_per_track", "16" },
		{ "boot sector", "heads", "2" },
		{ "boot sector", "drive", "0x80" },
	};
	struct test_image t;

	(void)state;
	use(SGDISK);
	t = open_esp();
	assert_attrs(t.node->nested, minfo, ARRAY_LEN(minfo));
	assert_no_gaps(t.node->nested);
	assert_no_findings(t.image);
	test_close(&t);
}

static void the_boot_loader_is_what_mtype_prints(void **state)
{
	/* mtype -i ... ::/EFI/BOOT/BOOTAA64.EFI | sha256sum, the same on both */
	static const char sha256[] =
		"921ec49973f6d47728cc45f61c6b27f697c1378bf0251496340b11d46764dd8c";

	(void)state;
	for (int base = SGDISK; base <= INSTALLER; base++) {
		struct test_image t;
		struct rimg_node *file;
		uint8_t digest[SHA256_LEN];
		auto_str struct str hex = { 0 };

		use((enum base)base);
		t = open_esp();
		file = test_find(&t, "/EFI/BOOT/BOOTAA64.EFI");
		assert_int_equal(file->role, RIMG_ROLE_FILE);
		assert_int_equal(rimg_source_size(file->content), 5000);
		assert_int_equal(digest_source(file->content, digest, NULL), 0);
		str_add_hex(&hex, digest, sizeof(digest));
		assert_string_equal(str_cstr(&hex), sha256);
		test_close(&t);
	}
}

static void the_tree_is_what_mdir_lists(void **state)
{
	(void)state;
	for (int base = SGDISK; base <= INSTALLER; base++) {
		struct test_image t;
		struct rimg_node *top;

		use((enum base)base);
		t = open_esp();
		top = t.node->nested->top;
		assert_ptr_equal(test_find(&t, "/"), top);
		/* one entry in each, "." and ".." are not entries of the tree */
		assert_int_equal(top->n_children, 1);
		assert_int_equal(test_find(&t, "/EFI")->role, RIMG_ROLE_DIR);
		assert_int_equal(test_find(&t, "/EFI")->n_children, 1);
		assert_int_equal(test_find(&t, "/EFI/BOOT")->n_children, 1);
		test_close(&t);
	}
}

/* Dates by mdir; seconds and hundredths by hand from the bytes of the entry. */
static void times_and_fields_of_an_entry_are_attributes(void **state)
{
	struct test_image t;
	struct rimg_node *file;
	const struct rimg_attr *a;

	(void)state;
	use(INSTALLER);
	t = open_esp();
	file = test_find(&t, "/EFI/BOOT/BOOTAA64.EFI");
	assert_attr(file, "short_name", "BOOTAA64.EFI");
	assert_attr(file, "attributes", "0x0");
	assert_attr(file, "ctime", "2026-11-23T09:46:53.220000000Z");
	assert_attr(file, "atime", "2026-11-23T00:00:00Z");
	assert_attr(file, "mtime", "2026-11-23T09:46:52Z");
	assert_attr(file, "first_cluster", "4");
	assert_attr(file, "size", "5000");
	a = node_attr(file, "mtime");
	assert_int_equal(a->cause, RIMG_CAUSE_TIMESTAMP);
	assert_int_equal(a->place.off, LONG_FILE + 32 + 22);
	assert_int_equal(a->place.len, 4);
	assert_attr(test_find(&t, "/EFI"), "dot.first_cluster", "2");
	assert_attr(test_find(&t, "/EFI"), "dotdot.first_cluster", "0");
	assert_attr(test_find(&t, "/EFI/BOOT"), "dotdot.first_cluster", "2");
	a = node_attr(file, "first_cluster");
	assert_int_equal(a->place.off, LONG_FILE + 32 + 26);
	assert_int_equal(a->place.count, 1);
	test_close(&t);
}

static void every_byte_belongs_to_what_it_is(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	use(INSTALLER);
	t = open_esp();
	l = t.node->nested;
	assert_claim(l, 0, "boot sector", "boot sector", RIMG_CAUSE_PADDING);
	assert_claim(l, 0x200, "fat[0]", "fat", RIMG_CAUSE_PADDING);
	assert_claim(l, 0xe00, "fat[1]", "fat", RIMG_CAUSE_PADDING);
	assert_claim(l, INSTALLER_ROOT, "EFI", "dirent", RIMG_CAUSE_ORDERING);
	assert_claim(l, INSTALLER_ROOT + 64, "/", "unused entries", RIMG_CAUSE_PADDING);
	assert_claim(l, INSTALLER_CLUSTER(2) + 32, "EFI", "own entry", RIMG_CAUSE_ORDERING);
	assert_claim(l, LONG_FILE, "BOOTAA64.EFI", "dirent", RIMG_CAUSE_ORDERING);
	assert_claim(l, INSTALLER_CLUSTER(4) + 4999, "BOOTAA64.EFI", "content", RIMG_CAUSE_CONTENT);
	assert_int_equal(claim_of(l, INSTALLER_CLUSTER(4) + 4999)->content_off, 0);
	assert_claim(l, INSTALLER_CLUSTER(4) + 5000, "BOOTAA64.EFI", "slack", RIMG_CAUSE_PADDING);
	assert_claim(l, INSTALLER_CLUSTER(4) + 5120, "free", "free", RIMG_CAUSE_FREE_SPACE);
	assert_claim(l, ESP_SIZE - 1, "free", "free", RIMG_CAUSE_FREE_SPACE);
	test_close(&t);
}

/* fsck.fat says the same: "Expected a valid '.' entry in this slot". */
static void long_names_before_the_dot_entries_are_a_warning(void **state)
{
	struct test_image t;

	(void)state;
	use(INSTALLER);
	t = open_esp();
	assert_no_errors(t.image);
	assert_finding(t.image, "fat.dot-place");
	assert_int_equal(t.node->nested->n_warnings, 4);
	test_close(&t);
}

/* ---- parts --------------------------------------------------------------------------------- */

/* Seconds by date(1): date -u -d "2107-12-31 23:59:58" +%s */
static void times_are_those_of_date(void **state)
{
	static const struct {
		unsigned year, month, day, hour, minute, second, hundredths;
		int64_t s;
		uint32_t ns;
	} known[] = {
		{ 1980, 1, 1, 0, 0, 0, 0, 315532800, 0 },
		{ 1980, 1, 1, 0, 0, 2, 0, 315532802, 0 },
		{ 2000, 2, 29, 12, 34, 56, 0, 951827696, 0 },
		{ 2026, 11, 23, 9, 46, 52, 122, 1795427213, 220000000 },
		{ 2099, 12, 31, 23, 59, 58, 0, 4102444798, 0 },
		{ 2100, 3, 1, 0, 0, 0, 0, 4107542400, 0 },
		{ 2107, 12, 31, 23, 59, 58, 199, 4354819199, 990000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint16_t date = (uint16_t)((known[i].year - 1980) << 9 | known[i].month << 5 |
					   known[i].day);
		uint16_t time = (uint16_t)(known[i].hour << 11 | known[i].minute << 5 |
					   known[i].second / 2);
		int64_t s = 0;
		uint32_t ns = 0;

		assert_true(fat_time(date, time, (uint8_t)known[i].hundredths, &s, &ns));
		assert_int_equal(s, known[i].s);
		assert_int_equal(ns, known[i].ns);
	}
}

static void times_that_do_not_exist_are_refused(void **state)
{
	static const struct {
		uint16_t date, time;
		uint8_t hundredths;
	} wrong[] = {
		{ 0, 0, 0 },                      /* not set */
		{ 1 << 5, 0, 0 },                 /* day 0 */
		{ 1, 0, 0 },                      /* month 0 */
		{ 13 << 5 | 1, 0, 0 },            /* month 13 */
		{ 4 << 5 | 31, 0, 0 },            /* April 31 */
		{ 1 << 9 | 2 << 5 | 29, 0, 0 },   /* February 29 of 1981 */
		{ 120 << 9 | 2 << 5 | 29, 0, 0 }, /* ... of 2100 */
		{ 1 << 5 | 1, 24 << 11, 0 },
		{ 1 << 5 | 1, 60 << 5, 0 },
		{ 1 << 5 | 1, 30, 0 },
		{ 1 << 5 | 1, 0, 200 },
	};
	int64_t s;
	uint32_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(fat_time(wrong[i].date, wrong[i].time, wrong[i].hundredths, &s, &ns));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_installers_volume_is_what_minfo_says),
		cmocka_unit_test(sgdisks_volume_is_what_minfo_says),
		cmocka_unit_test(the_boot_loader_is_what_mtype_prints),
		cmocka_unit_test(the_tree_is_what_mdir_lists),
		cmocka_unit_test(times_and_fields_of_an_entry_are_attributes),
		cmocka_unit_test(every_byte_belongs_to_what_it_is),
		cmocka_unit_test(long_names_before_the_dot_entries_are_a_warning),
		cmocka_unit_test(times_are_those_of_date),
		cmocka_unit_test(times_that_do_not_exist_are_refused),
	};

	return cmocka_run_group_tests_name("fat", tests, load, unload);
}
