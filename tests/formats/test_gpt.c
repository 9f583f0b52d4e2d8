/* SPDX-License-Identifier: MIT */

/* GUID partition tables. What the golden disks hold was listed with sgdisk 1.0.9 and sfdisk 2.38.
 */

#include "test.h"

#include "core/num.h"
#include "formats/gpt.h"

#include "gpt_image.h"

static uint64_t get(size_t off, size_t len)
{
	uint64_t value = 0;

	for (size_t i = len; i > 0; i--)
		value = value << 8 | disk[off + i - 1];
	return value;
}

/* ---- sound disks --------------------------------------------------------------------------- */

struct listed {
	const char *name, *type, *unique;
	uint64_t first, last;
};

static void assert_listed(const char *image, const char *disk_guid, const struct listed *expected)
{
	struct test_image t = test_open(test_image_path(image));
	struct rimg_layer *l = open_layer(&t);
	struct rimg_node *node = l->root->first_child;
	char text[32];

	assert_attr(l->root, "disk_guid", disk_guid);
	assert_attr(l->root, "sector_size", "512");
	assert_attr(l->root, "table_used", "primary");
	for (unsigned i = 0; i < 3; i++, node = node->next) {
		while (node && node->role != RIMG_ROLE_PARTITION)
			node = node->next;
		assert_non_null(node);
		assert_string_equal(node->name, expected[i].name);
		assert_int_equal(node->number, i + 1);
		assert_attr(node, "name", expected[i].name);
		assert_attr(node, "type_guid", expected[i].type);
		assert_attr(node, "unique_guid", expected[i].unique);
		assert_attr(node, "backup.unique_guid", expected[i].unique);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)expected[i].first);
		assert_attr(node, "first_lba", text);
		assert_attr(node, "backup.first_lba", text);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)expected[i].last);
		assert_attr(node, "last_lba", text);
		assert_attr(node, "attributes", "0x0");
		assert_int_equal(rimg_source_size(node->content),
				 (expected[i].last - expected[i].first + 1) * SECTOR);
	}
	for (; node; node = node->next)
		assert_int_not_equal(node->role, RIMG_ROLE_PARTITION);
	test_close(&t);
}

static void golden_disks_have_the_partitions_that_sfdisk_lists(void **state)
{
	static const struct listed sgdisk[3] = {
		{ "BIOS", "21686148-6449-6e6f-744e-656564454649",
		  "11111111-2222-3333-4444-000000000001", 34, 2047 },
		{ "EFI", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
		  "11111111-2222-3333-4444-000000000002", 2048, 4095 },
		{ "REDOX", "0fc63daf-8483-4772-8e79-3d69d8477de4",
		  "11111111-2222-3333-4444-000000000003", 4096, 129023 },
	};
	static const struct listed installer[3] = {
		{ "BIOS", "21686148-6449-6e6f-744e-656564454649",
		  "10461130-43c4-4d2e-8534-daa16709bb75", 34, 2047 },
		{ "EFI", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
		  "9ff10aba-a9d6-4646-9b1d-8461834e213e", 2048, 4095 },
		{ "REDOX", "0fc63daf-8483-4772-8e79-3d69d8477de4",
		  "b0369b59-461d-4162-bcab-e45ca8d645bf", 4096, 129023 },
	};

	(void)state;
	assert_listed("disk-sgdisk", "11111111-2222-3333-4444-555555555555", sgdisk);
	assert_listed("disk-installer", "5b8ae907-ac61-4430-a680-993c8259ea91", installer);
}

/* With libfdisk's opinion, as these are whole host files. */
static void golden_disks_are_without_findings(void **state)
{
	static const char *const disks[] = { "disk-sgdisk", "disk-installer" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		struct test_image t = test_open(test_image_path(disks[i]));
		struct rimg_layer *l = open_layer(&t);

		run_check(l);
		assert_no_findings(t.image);
		assert_no_gaps(l);
		test_close(&t);
	}
}

static void partition_types_have_short_names(void **state)
{
	struct test_image t = test_open_bytes(disk, SIZE);

	(void)state;
	open_layer(&t);
	assert_attr(test_find(&t, "BIOS"), "type", "bios");
	assert_attr(test_find(&t, "EFI"), "type", "efi");
	assert_attr(test_find(&t, "REDOX"), "type", "linux");
	test_close(&t);
}

static void a_partition_is_found_by_number_too(void **state)
{
	struct test_image t = test_open_bytes(disk, SIZE);

	(void)state;
	assert_ptr_equal(test_find(&t, "3"), test_find(&t, "REDOX"));
	test_close(&t);
}

static void a_partition_holds_the_bytes_of_its_sectors(void **state)
{
	struct test_image t = test_open_bytes(disk, SIZE);
	size_t len;
	uint8_t *data = test_read_node(test_find(&t, "EFI"), &len);

	(void)state;
	assert_int_equal(len, 2048 * SECTOR);
	assert_memory_equal(data, disk + 2048 * SECTOR, len);
	free(data);
	test_close(&t);
}

static void fields_tell_their_place(void **state)
{
	struct test_image t = test_open_bytes(disk, SIZE);
	struct rimg_node *redox = test_find(&t, "REDOX");
	const struct rimg_attr *a = node_attr(redox, "first_lba");
	const struct rimg_attr *b = node_attr(redox, "backup.first_lba");

	(void)state;
	assert_int_equal(a->place.off, ENTRIES + 256 + 32);
	assert_int_equal(get((size_t)a->place.off, a->place.len), 4096);
	assert_int_equal(b->place.off, BACKUP_ENTRIES + 256 + 32);
	assert_int_equal(get((size_t)b->place.off, b->place.len), 4096);
	a = node_attr(test_find(&t, "header"), "header_crc32");
	assert_int_equal(a->place.off, PRIMARY + 16);
	assert_int_equal(get((size_t)a->place.off, 4), a->u);
	test_close(&t);
}

/* ---- broken golden disks ------------------------------------------------------------------- */

static void assert_broken(const char *image, const char *code, const char *node, uint64_t off)
{
	struct test_image t = test_open(test_image_path(image));
	struct rimg_layer *l = open_layer(&t);
	const struct finding *f;

	assert_finding(t.image, code);
	f = test_finding(t.image, code);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_string_equal(f->node->name, node);
	assert_int_equal(f->off, off);
	/* the other copy still tells where everything is */
	assert_int_equal(rimg_source_size(test_find(&t, "REDOX")->content), 124928 * SECTOR);
	assert_no_gaps(l);
	run_check(l);
	assert_no_finding(t.image, "gpt.readers-disagree");
	test_close(&t);
}

static void a_wrong_header_checksum_is_named_and_the_backup_used(void **state)
{
	struct test_image t = test_open(test_image_path("broken/gpt-header-crc"));

	(void)state;
	assert_attr(open_layer(&t)->root, "table_used", "backup");
	test_close(&t);
	assert_broken("broken/gpt-header-crc", "gpt.header-crc", "header", PRIMARY + 16);
}

static void wrong_entries_are_named_and_the_backup_used(void **state)
{
	struct test_image t = test_open(test_image_path("broken/gpt-entries-crc"));
	const struct finding *f;

	(void)state;
	assert_attr(open_layer(&t)->root, "table_used", "backup");
	/* which entry it is, is said as well */
	assert_finding(t.image, "gpt.copies-differ");
	f = test_finding(t.image, "gpt.copies-differ");
	assert_int_equal(f->off, ENTRIES + 256);
	test_close(&t);
	assert_broken("broken/gpt-entries-crc", "gpt.entries-crc", "entries", ENTRIES);
}

static void a_wiped_backup_header_is_named(void **state)
{
	(void)state;
	assert_broken("broken/gpt-no-backup", "gpt.header-signature", "backup header", BACKUP);
}

static void a_finding_says_what_was_expected_and_found(void **state)
{
	struct test_image t = test_open(test_image_path("broken/gpt-header-crc"));
	const struct finding *f;

	(void)state;
	open_layer(&t);
	f = test_finding(t.image, "gpt.header-crc");
	/* both numbers by python3's zlib.crc32() and xxd */
	assert_string_equal(f->text, "primary header: expected CRC 0x8c6609b7 of its bytes, found "
				     "0x8c6609b6");
	test_close(&t);
}

/* ---- which copy ---------------------------------------------------------------------------- */

static void the_backup_alone_is_enough(void **state)
{
	struct test_image t;

	(void)state;
	memset(disk, 0, 34 * SECTOR);
	t = open_disk();
	assert_true(found(t.image, "gpt.header-signature", "header", ERROR, PRIMARY));
	assert_true(found(t.image, "gpt.entries-crc", "entries", ERROR, ENTRIES));
	assert_true(found(t.image, "gpt.copies-differ", "entries", ERROR, PRIMARY_ENTRY(3)));
	assert_attr(t.node->nested->root, "table_used", "backup");
	assert_int_equal(test_find(&t, "REDOX")->number, 3);
	/* what the primary says now shows beside what the backup says */
	assert_attr(test_find(&t, "REDOX"), "first_lba", "0");
	assert_attr(test_find(&t, "REDOX"), "backup.first_lba", "4096");
	test_close(&t);
}

static void the_primary_alone_is_enough(void **state)
{
	struct test_image t;

	(void)state;
	memset(disk + BACKUP_ENTRIES, 0, 33 * SECTOR);
	t = open_disk();
	assert_attr(t.node->nested->root, "table_used", "primary");
	assert_finding(t.image, "gpt.header-signature");
	assert_int_equal(test_find(&t, "REDOX")->number, 3);
	test_close(&t);
}

static void without_sound_checksums_what_can_be_read_is_shown(void **state)
{
	struct test_image t;

	(void)state;
	/* the primary is gone, the backup's checksum is wrong */
	put(PRIMARY, 0, 8);
	put(BACKUP + 16, 0, 4);
	t = open_disk();
	assert_attr(t.node->nested->root, "table_used", "backup");
	assert_finding(t.image, "gpt.header-crc");
	assert_int_equal(test_find(&t, "REDOX")->number, 3);
	test_close(&t);
	/* the other way round */
	restore_disk(NULL);
	put(BACKUP, 0, 8);
	put(PRIMARY + 16, 0, 4);
	t = open_disk();
	assert_attr(t.node->nested->root, "table_used", "primary");
	assert_int_equal(test_find(&t, "REDOX")->number, 3);
	test_close(&t);
}

static void a_primary_that_names_itself_does_not_hide_the_backup(void **state)
{
	struct test_image t;

	(void)state;
	put(PRIMARY + 32, 1, 8);
	fix_header(PRIMARY, 92);
	t = open_disk();
	assert_true(found(t.image, "gpt.backup-place", "header", ERROR, PRIMARY + 32));
	assert_attr(test_find(&t, "backup header"), "my_lba", "131071");
	test_close(&t);
}

static void a_disk_smaller_than_its_table_is_bounded(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	/* 32 sectors that are all entries, as the header says */
	put(PRIMARY + 72, 0, 8);
	fix_header(PRIMARY, 92);
	for (size_t sectors = 31; sectors <= 33; sectors++) {
		t = test_open_bytes(disk, sectors * SECTOR);
		l = open_layer(&t);
		assert_true(l->n_errors > 0);
		test_close(&t);
	}
	/* its last sector is a header of no size: there is no room for entries before it */
	memcpy(disk + 31 * SECTOR, GPT_SIGNATURE, 8);
	t = test_open_bytes(disk, 32 * SECTOR);
	open_layer(&t);
	assert_finding(t.image, "gpt.header-size");
	test_close(&t);
}

static void a_disk_that_grew_has_its_backup_where_the_primary_says(void **state)
{
	uint8_t *grown = calloc(1, SIZE + 100 * SECTOR);
	struct test_image t;

	(void)state;
	assert_non_null(grown);
	memcpy(grown, disk, SIZE);
	t = test_open_bytes(grown, SIZE + 100 * SECTOR);
	open_layer(&t);
	assert_finding(t.image, "gpt.backup-place");
	assert_finding(t.image, "gpt.mbr-size");
	assert_no_finding(t.image, "gpt.header-signature");
	assert_no_finding(t.image, "gpt.my-lba");
	assert_attr(test_find(&t, "backup header"), "my_lba", "131071");
	test_close(&t);
	free(grown);
}

static void without_any_header_nothing_is_shown_and_that_is_said(void **state)
{
	struct test_image t;

	(void)state;
	/* the protective MBR is left; the file system behind the cut would be recognised by itself
	 */
	memset(disk + PRIMARY, 0, SECTOR);
	t = test_open_bytes(disk, 4096 * SECTOR);
	assert_true(open_layer(&t)->unreadable);
	assert_finding(t.image, "gpt.no-table");
	assert_int_equal(test_finding(t.image, "gpt.no-table")->severity, ERROR);
	test_close(&t);
}

static void other_bytes_are_no_partition_table(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	memset(disk, 0, 2 * SECTOR);
	memset(disk + BACKUP, 0, SECTOR);
	/* a boot sector with an ordinary partition */
	put(446 + 4, 0x83, 1);
	put(446 + 8, 1, 4);
	put(510, 0xaa55, 2);
	t = test_open_bytes(disk, SIZE);
	assert_int_equal(node_open(t.node, &l, NULL), 0);
	assert_true(!l || strcmp(l->format->name, "gpt") != 0);
	test_close(&t);
}

static void cut_anywhere_there_is_a_finding(void **state)
{
	static const size_t sizes[] = { 520,      1023,          1024,       1025,    1535,
					1536,     17407,         17408,      17409,   2048 * SECTOR,
					SIZE / 2, SIZE - SECTOR, SIZE - 513, SIZE - 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct test_image t = test_open_bytes(disk, sizes[i]);
		struct rimg_layer *l = open_layer(&t);

		assert_true(l->n_errors > 0);
		test_close(&t);
	}
}

static void bytes_behind_the_last_sector_are_a_finding(void **state)
{
	uint8_t *longer = calloc(1, SIZE + 1);
	struct test_image t;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, disk, SIZE);
	t = test_open_bytes(longer, SIZE + 1);
	open_layer(&t);
	assert_finding(t.image, "gpt.size");
	assert_no_errors(t.image);
	test_close(&t);
	free(longer);
}

/* ---- libfdisk ------------------------------------------------------------------------------ */

static void readers_that_disagree_are_a_finding(void **state)
{
	char *dir = test_temp_dir();
	char path[128];
	struct test_image t;

	(void)state;
	/* with two wrong checksums libfdisk gives up; ours shows what can be read, and says so */
	disk[PRIMARY + 16] ^= 1;
	disk[BACKUP + 16] ^= 1;
	snprintf(path, sizeof(path), "%s/disk.img", dir);
	test_save(path, disk, SIZE);
	t = test_open(path);
	run_check(open_layer(&t));
	assert_finding(t.image, "gpt.header-crc");
	assert_finding(t.image, "gpt.readers-disagree");
	test_find(&t, "REDOX");
	test_close(&t);
	test_remove_dir(dir);
}

static void bytes_that_are_no_host_file_are_not_shown_to_libfdisk(void **state)
{
	struct test_image t;

	(void)state;
	disk[PRIMARY + 16] ^= 1;
	disk[BACKUP + 16] ^= 1;
	t = open_disk();
	assert_no_finding(t.image, "gpt.readers-disagree");
	test_close(&t);
}

/* ---- larger sectors ------------------------------------------------------------------------ */

static void sectors_of_4096_bytes_are_read_as_fdisk_writes_them(void **state)
{
	char *dir = test_temp_dir();
	char command[512];
	char path[128];
	struct test_image t;

	(void)state;
	snprintf(path, sizeof(path), "%s/disk.img", dir);
	/* one partition of 1 MiB from sector 256 on, then what is left */
	snprintf(command, sizeof(command),
		 "truncate -s 16M %s && printf 'g\\nn\\n1\\n256\\n511\\nn\\n2\\n\\n\\nw\\n' | "
		 "PATH=$PATH:/sbin:/usr/sbin fdisk -b 4096 %s >%s/log 2>&1",
		 path, path, dir);
	if (system("PATH=$PATH:/sbin:/usr/sbin command -v fdisk >/dev/null") != 0) {
		print_message("fdisk is not there\n");
		test_remove_dir(dir);
		skip();
	}
	assert_int_equal(system(command), 0);
	t = test_open(path);
	run_check(open_layer(&t));
	assert_no_findings(t.image);
	assert_attr(t.node->nested->root, "sector_size", "4096");
	assert_attr(test_find(&t, "partition 1"), "first_lba", "256");
	assert_int_equal(rimg_source_size(test_find(&t, "partition 1")->content), 1 << 20);
	assert_attr(test_find(&t, "partition 2"), "first_lba", "512");
	assert_no_gaps(t.node->nested);
	test_close(&t);
	test_remove_dir(dir);
}

/* ---- helpers for others -------------------------------------------------------------------- */

static void guids_are_swapped_between_disk_and_text(void **state)
{
	/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it lies on the disk, entry 2 of sgdisk's */
	const struct gpt_type *efi = &gpt_types[0];
	uint8_t text[16], back[16];

	(void)state;
	gpt_guid_swap(disk + ENTRIES + 128, text);
	assert_memory_equal(text, efi->guid, 16);
	assert_string_equal(gpt_type_name(text), "efi");
	gpt_guid_swap(text, back);
	assert_memory_equal(back, disk + ENTRIES + 128, 16);
	text[15] ^= 1;
	assert_null(gpt_type_name(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(golden_disks_have_the_partitions_that_sfdisk_lists),
		test(golden_disks_are_without_findings),
		test(partition_types_have_short_names),
		test(a_partition_is_found_by_number_too),
		test(a_partition_holds_the_bytes_of_its_sectors),
		test(fields_tell_their_place),
		test(a_wrong_header_checksum_is_named_and_the_backup_used),
		test(wrong_entries_are_named_and_the_backup_used),
		test(a_wiped_backup_header_is_named),
		test(a_finding_says_what_was_expected_and_found),
		test(the_backup_alone_is_enough),
		test(the_primary_alone_is_enough),
		test(without_sound_checksums_what_can_be_read_is_shown),
		test(a_primary_that_names_itself_does_not_hide_the_backup),
		test(a_disk_smaller_than_its_table_is_bounded),
		test(a_disk_that_grew_has_its_backup_where_the_primary_says),
		test(without_any_header_nothing_is_shown_and_that_is_said),
		test(other_bytes_are_no_partition_table),
		test(cut_anywhere_there_is_a_finding),
		test(bytes_behind_the_last_sector_are_a_finding),
		test(readers_that_disagree_are_a_finding),
		test(bytes_that_are_no_host_file_are_not_shown_to_libfdisk),
		test(sectors_of_4096_bytes_are_read_as_fdisk_writes_them),
		test(guids_are_swapped_between_disk_and_text),
	};

	return cmocka_run_group_tests_name("gpt", tests, load_disk, free_disk);
}
