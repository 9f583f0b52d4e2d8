/* SPDX-License-Identifier: MIT */

/* Names in FAT volumes: short and long ones, their case, duplicates, the label. */

#include "test.h"

#include "formats/fat.h"
#include "formats/utf16.h"

#include "fat_image.h"

/* ---- one rule broken at a time ------------------------------------------------------------- */

static void names_that_differ_in_case_only_are_duplicates(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	memcpy(esp + DIRENT_FILE + 32, "BOOTAA64EFI", 11);
	esp[DIRENT_FILE + 32 + 12] = 0x18; /* shown in lower case */
	t = open_esp();
	assert_finding(t.image, "fat.duplicate-name");
	test_find(&t, "/EFI/BOOT/bootaa64.efi");
	test_close(&t);
	/* one character makes the difference */
	esp[DIRENT_FILE + 32] = 'C';
	t = open_esp();
	assert_no_findings(t.image);
	test_find(&t, "/EFI/BOOT/cootaa64.efi");
	test_close(&t);
}

static void a_short_name_may_begin_with_byte_e5(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	esp[DIRENT_FILE] = 0x05;
	t = open_esp();
	assert_no_findings(t.image);
	test_find(&t, "/EFI/BOOT/\\xe5OOTAA64.EFI");
	test_close(&t);
}

static void each_half_of_a_short_name_has_its_case(void **state)
{
	static const struct {
		uint8_t nt_case;
		const char *path;
	} known[] = {
		{ 0x00, "/EFI/BOOT/AZ[`{.A_Z" },
		{ 0x08, "/EFI/BOOT/az[`{.A_Z" },
		{ 0x10, "/EFI/BOOT/AZ[`{.a_z" },
		{ 0x18, "/EFI/BOOT/az[`{.a_z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct test_image t;

		use(SGDISK);
		memcpy(esp + DIRENT_FILE, "AZ[`{   A_Z", 11);
		esp[DIRENT_FILE + 12] = known[i].nt_case;
		t = open_esp();
		test_find(&t, known[i].path);
		test_close(&t);
	}
}

static void the_label_is_an_attribute_of_the_root(void **state)
{
	struct test_image t;

	(void)state;
	use(SGDISK);
	memcpy(esp + SGDISK_ROOT + 32, "MY VOLUME  \x08", 12);
	t = open_esp();
	assert_no_findings(t.image);
	assert_attr(t.node->nested->top, "label.name", "MY VOLUME");
	assert_attr(t.node->nested->root, "label", "MY VOLUME");
	assert_int_equal(t.node->nested->top->n_children, 1);
	test_close(&t);
	memcpy(esp + SGDISK_ROOT + 64, "MY VOLUME  \x08", 12);
	t = open_esp();
	assert_finding(t.image, "fat.label");
	test_close(&t);
}

static void long_names_that_differ_in_case_only_are_duplicates(void **state)
{
	struct test_image t;

	(void)state;
	use(INSTALLER);
	memcpy(esp + LONG_FILE + 64, esp + LONG_FILE, 64);
	memcpy(esp + LONG_FILE + 96, "OTHER   EFI", 11);
	esp[LONG_FILE + 64 + 13] = fat_name_checksum((const uint8_t *)"OTHER   EFI");
	put(LONG_FILE + 96 + 26, 0, 2);
	put(LONG_FILE + 96 + 28, 0, 4);
	esp[LONG_FILE + 64 + 1] = 'b';
	t = open_esp();
	assert_true(
		found(t.node->nested, "fat.duplicate-name", "bOOTAA64.EFI", ERROR, LONG_FILE + 96));
	test_close(&t);
	esp[LONG_FILE + 64 + 1] = '[' - 'A' + 'a'; /* not a letter */
	t = open_esp();
	assert_no_errors(t.image);
	test_close(&t);
}

/* The long-name entries of a name of @n units "aaa...", then the short entry of the boot loader. */
static size_t put_long(size_t at, unsigned n)
{
	static const uint8_t places[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned entries = (n + 12) / 13;

	for (unsigned order = entries; order > 0; order--, at += 32) {
		memset(esp + at, 0, 32);
		esp[at] = (uint8_t)(order | (order == entries ? 0x40 : 0));
		esp[at + 11] = 0x0f;
		esp[at + 13] = 0x54; /* by fatfs, see below */
		for (unsigned i = 0; i < 13; i++) {
			unsigned unit = (order - 1) * 13 + i;

			put(at + places[i], unit < n ? 'a' : unit == n ? 0 : 0xffff, 2);
		}
	}
	memcpy(esp + at, golden[SGDISK] + DIRENT_FILE, 32);
	return at;
}

static void parts_of_long_names_follow_one_another(void **state)
{
	/* in a name of 30 characters, that is of three parts */
	static const struct {
		size_t at; /* behind the first part */
		uint8_t value;
		const char *code;
	} broken[] = {
		{ 0, 0x42, "fat.lfn-order" },       { 0, 0x44, "fat.lfn-order" },
		{ 32, 1, "fat.lfn-order" },         { 32, 3, "fat.lfn-order" },
		{ 32, 0x42, "fat.lfn-order" },      { 64, 2, "fat.lfn-order" },
		{ 32 + 13, 0x55, "fat.lfn-order" }, { 64 + 13, 0x55, "fat.lfn-order" },
		{ 32, 0xe5, "fat.lfn-order" },      { 13, 0x55, "fat.lfn-order" },
		{ 32 + 11, 0x20, "fat.lfn-order" },
	};
	struct test_image t;
	const struct rimg_node *file;

	(void)state;
	use(SGDISK);
	put_long(DIRENT_FILE, 30);
	t = open_esp();
	assert_no_findings(t.image);
	test_find(&t, "/EFI/BOOT/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	test_close(&t);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		use(SGDISK);
		put_long(DIRENT_FILE, 30);
		esp[DIRENT_FILE + broken[i].at] = broken[i].value;
		t = open_esp();
		if (!test_finding(t.image, broken[i].code))
			fail_msg("case %zu", i);
		/* the file is there, but not under that name */
		file = test_find(&t, "/EFI/BOOT")->last_child;
		assert_attr(file, "short_name", "BOOTAA64.EFI");
		assert_int_not_equal(file->name_len, 30);
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

static void long_names_have_at_most_255_characters(void **state)
{
	static const unsigned lengths[] = { 13, 14, 26, 255, 256, 259, 260 };
	struct test_image t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		const struct rimg_node *file;

		use(SGDISK);
		put_long(DIRENT_FILE, lengths[i]);
		t = open_esp();
		file = test_find(&t, "/EFI/BOOT")->first_child;
		assert_int_equal(file->name_len, lengths[i]);
		if (lengths[i] <= 255)
			assert_no_findings(t.image);
		else
			assert_true(found(t.node->nested, "fat.long-name", file->name, ERROR,
					  DIRENT_FILE));
		test_close(&t);
	}
}

static void a_long_name_may_cross_clusters(void **state)
{
	struct test_image t;
	size_t end;

	(void)state;
	use(SGDISK);
	/* the directory gets cluster 7 as its second; the name begins in the last entry of the
	 * first */
	put_fats(3, 7);
	put_fats(7, 0xfff);
	memset(esp + DIRENT_FILE, 0xe5, SGDISK_CLUSTER(4) - DIRENT_FILE);
	end = put_long(SGDISK_CLUSTER(7) - 32, 30);
	memmove(esp + SGDISK_CLUSTER(4) - 32, esp + SGDISK_CLUSTER(7) - 32, 32);
	memcpy(esp + SGDISK_CLUSTER(6), golden[SGDISK] + SGDISK_CLUSTER(6), 2048);
	t = open_esp();
	assert_no_findings(t.image);
	assert_claim(t.node->nested, SGDISK_CLUSTER(4) - 32, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		     "dirent", RIMG_CAUSE_ORDERING);
	assert_claim(t.node->nested, end, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "dirent",
		     RIMG_CAUSE_ORDERING);
	assert_claim(t.node->nested, end + 32, "BOOT", "unused entries", RIMG_CAUSE_PADDING);
	test_close(&t);
}

/* ---- parts --------------------------------------------------------------------------------- */

/* Checksums that crate fatfs put into the long names of golden/disk-installer. */
static void short_names_have_the_checksums_that_fatfs_writes(void **state)
{
	static const struct {
		const char *name;
		uint8_t sum;
	} known[] = {
		{ "EFI        ", 0x2d }, { ".          ", 0x77 }, { "..         ", 0xc2 },
		{ "BOOT       ", 0xdd }, { "BOOTAA64EFI", 0x54 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_int_equal(fat_name_checksum((const uint8_t *)known[i].name), known[i].sum);
}

/* The Unicode Standard, table 3-5; mtools write none beyond FFFF. */
static void names_become_utf16_and_come_back(void **state)
{
	static const char text[] = "M\u0430\u4e8c\U00010302";
	static const uint16_t units[] = { 0x4d, 0x430, 0x4e8c, 0xd800, 0xdf02 };
	uint16_t found[8];
	char back[32];
	bool bad;

	(void)state;
	assert_int_equal(utf16_from_utf8(text, strlen(text), found, ARRAY_LEN(found)), 5);
	assert_memory_equal(found, units, sizeof(units));
	assert_int_equal(utf16_to_utf8(units, 5, back, &bad), strlen(text));
	assert_false(bad);
	assert_string_equal(back, text);
	/* neither the last unit nor half of a pair finds room */
	assert_int_equal(utf16_from_utf8(text, strlen(text), found, 4), SIZE_MAX);
	assert_int_equal(utf16_from_utf8(text, strlen(text), found, 3), SIZE_MAX);
	assert_int_equal(utf16_from_utf8(text, strlen(text), found, 2), SIZE_MAX);
	/* a surrogate, a byte that begins nothing, a sequence that breaks off */
	assert_int_equal(utf16_from_utf8("\xed\xa0\x80", 3, found, 8), SIZE_MAX);
	assert_int_equal(utf16_from_utf8("a\xff", 2, found, 8), SIZE_MAX);
	assert_int_equal(utf16_from_utf8("\xe4\xba", 2, found, 8), SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_differ_in_case_only_are_duplicates),
		cmocka_unit_test(a_short_name_may_begin_with_byte_e5),
		cmocka_unit_test(each_half_of_a_short_name_has_its_case),
		cmocka_unit_test(the_label_is_an_attribute_of_the_root),
		cmocka_unit_test(a_long_name_may_cross_clusters),
		cmocka_unit_test(long_names_have_at_most_255_characters),
		cmocka_unit_test(parts_of_long_names_follow_one_another),
		cmocka_unit_test(long_names_that_differ_in_case_only_are_duplicates),
		cmocka_unit_test(short_names_have_the_checksums_that_fatfs_writes),
		cmocka_unit_test(names_become_utf16_and_come_back),
	};

	return cmocka_run_group_tests_name("fat names", tests, load, unload);
}
