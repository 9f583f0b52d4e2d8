/* SPDX-License-Identifier: MIT */

/* GUID partition tables with one rule broken: golden/disk-sgdisk with a few bytes changed, and
 * checksums made right again where they are not what is broken. */

#include "test.h"

#include "core/num.h"

#include "gpt_image.h"

/* Makes the checksums of both tables right; the headers' own sizes are not asked. */
static void fix_checksums(void)
{
	put(PRIMARY + 88, crc32_update(0, disk + ENTRIES, ENTRIES_LEN), 4);
	put(BACKUP + 88, crc32_update(0, disk + BACKUP_ENTRIES, ENTRIES_LEN), 4);
	fix_header(PRIMARY, 92);
	fix_header(BACKUP, 92);
}

/* Changes an entry's field in both tables, with right checksums. */
static void put_entry(unsigned number, size_t at, uint64_t value, size_t len)
{
	put(ENTRIES + (number - 1) * 128 + at, value, len);
	put(BACKUP_ENTRIES + (number - 1) * 128 + at, value, len);
	fix_checksums();
}

/* ---- one rule broken at a time ------------------------------------------------------------- */

/* Which checksums are made right again after the change. */
enum fix { FIX_NONE, FIX_ALL };

struct edit {
	size_t off;
	uint64_t value;
	size_t len;
	enum fix fix;
	const char *code; /* NULL: no finding */
	const char *node;
	enum severity severity;
	size_t at; /* where the finding is, when that is not what has been changed */
};

static const struct edit edits[] = {
	/* protective MBR */
	{ 510, 0xaa54, 2, FIX_NONE, "gpt.mbr-signature", "mbr", ERROR, 0 },
	{ 446 + 4, 0x83, 1, FIX_NONE, "gpt.mbr-entry", "mbr", ERROR, 0 },
	{ 446 + 16 + 4, 0x83, 1, FIX_NONE, "gpt.mbr-entry", "mbr", ERROR, 0 },
	{ 446 + 8, 2, 4, FIX_NONE, "gpt.mbr-entry", "mbr", ERROR, 0 },
	{ 446 + 12, SECTORS, 4, FIX_NONE, "gpt.mbr-size", "mbr", WARNING, 0 },
	{ 446 + 12, UINT32_MAX, 4, FIX_NONE, NULL, NULL, 0, 0 },
	{ 0, 0xeb, 1, FIX_NONE, NULL, NULL, 0, 0 },
	/* headers */
	{ PRIMARY, 'X', 1, FIX_NONE, "gpt.header-signature", "header", ERROR, 0 },
	{ BACKUP + 7, 'X', 1, FIX_NONE, "gpt.header-signature", "backup header", ERROR, 0 },
	{ PRIMARY + 8, 0x00010001, 4, FIX_ALL, "gpt.revision", "header", WARNING, 0 },
	{ PRIMARY + 12, 91, 4, FIX_NONE, "gpt.header-size", "header", ERROR, 0 },
	{ PRIMARY + 12, 513, 4, FIX_NONE, "gpt.header-size", "header", ERROR, 0 },
	{ BACKUP + 12, UINT32_MAX, 4, FIX_NONE, "gpt.header-size", "backup header", ERROR, 0 },
	{ BACKUP + 16, 0, 4, FIX_NONE, "gpt.header-crc", "backup header", ERROR, 0 },
	{ PRIMARY + 20, 1, 1, FIX_ALL, "gpt.header-padding", "header", WARNING, 0 },
	{ PRIMARY + 511, 1, 1, FIX_NONE, "gpt.header-padding", "header", WARNING, 0 },
	{ BACKUP + 92, 1, 1, FIX_NONE, "gpt.header-padding", "backup header", WARNING, 0 },
	{ PRIMARY + 24, 2, 8, FIX_ALL, "gpt.my-lba", "header", ERROR, 0 },
	{ BACKUP + 24, 1, 8, FIX_ALL, "gpt.my-lba", "backup header", ERROR, 0 },
	{ PRIMARY + 32, SECTORS - 2, 8, FIX_ALL, "gpt.backup-place", "header", ERROR, 0 },
	{ PRIMARY + 32, UINT64_MAX, 8, FIX_ALL, "gpt.backup-place", "header", ERROR, 0 },
	{ BACKUP + 32, 2, 8, FIX_ALL, "gpt.alternate-lba", "backup header", ERROR, 0 },
	{ PRIMARY + 40, 35, 8, FIX_ALL, "gpt.copies-differ", "backup header", ERROR, BACKUP + 40 },
	{ BACKUP + 48, SECTORS - 35, 8, FIX_ALL, "gpt.copies-differ", "backup header", ERROR,
	  BACKUP + 48 },
	{ PRIMARY + 48, SECTORS, 8, FIX_ALL, "gpt.usable-range", "header", ERROR, 0 },
	{ PRIMARY + 40, SECTORS, 8, FIX_ALL, "gpt.usable-range", "header", ERROR, 0 },
	{ PRIMARY + 56, 1, 1, FIX_ALL, "gpt.copies-differ", "backup header", ERROR, BACKUP + 56 },
	{ PRIMARY + 72, 3, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, 0 },
	{ PRIMARY + 72, SECTORS - 31, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, 0 },
	{ PRIMARY + 72, UINT64_MAX, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, 0 },
	{ BACKUP + 72, SECTORS - 32, 8, FIX_ALL, "gpt.entries-place", "backup header", ERROR, 0 },
	{ PRIMARY + 80, 0, 4, FIX_ALL, "gpt.entry-count", "header", ERROR, 0 },
	{ PRIMARY + 80, 4097, 4, FIX_ALL, "gpt.entry-count", "header", ERROR, 0 },
	{ PRIMARY + 80, UINT32_MAX, 4, FIX_ALL, "gpt.entry-count", "header", ERROR, 0 },
	{ PRIMARY + 84, 64, 4, FIX_ALL, "gpt.entry-size", "header", ERROR, 0 },
	{ PRIMARY + 84, 129, 4, FIX_ALL, "gpt.entry-size", "header", ERROR, 0 },
	{ PRIMARY + 84, 192, 4, FIX_ALL, "gpt.entry-size", "header", ERROR, 0 },
	{ PRIMARY + 84, 8192, 4, FIX_ALL, "gpt.entry-size", "header", ERROR, 0 },
	{ PRIMARY + 84, 0, 4, FIX_ALL, "gpt.entry-size", "header", ERROR, 0 },
	{ BACKUP + 80, 64, 4, FIX_ALL, "gpt.entries-crc", "backup entries", ERROR, BACKUP_ENTRIES },
	/* the last good values and the first bad ones of where entries are */
	{ PRIMARY + 40, 33, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, PRIMARY + 72 },
	{ PRIMARY + 72, 1, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, 0 },
	{ PRIMARY + 72, SECTORS - 32, 8, FIX_ALL, "gpt.entries-place", "header", ERROR, 0 },
	{ BACKUP + 72, SECTORS - 34, 8, FIX_ALL, "gpt.entries-place", "backup header", ERROR, 0 },
	{ BACKUP + 48, SECTORS - 33, 8, FIX_ALL, "gpt.entries-place", "backup header", ERROR,
	  BACKUP + 72 },
	{ PRIMARY + 32, 1, 8, FIX_ALL, "gpt.backup-place", "header", ERROR, 0 },
	/* entries of one table */
	{ PRIMARY_ENTRY(1) + 48, 1, 8, FIX_NONE, "gpt.entries-crc", "entries", ERROR, 0 },
	{ PRIMARY_ENTRY(1) + 48, 1, 8, FIX_ALL, "gpt.copies-differ", "backup header", ERROR,
	  BACKUP + 88 },
	{ BACKUP_ENTRIES + 48, 1, 8, FIX_NONE, "gpt.entries-crc", "backup entries", ERROR, 0 },
	{ BACKUP_ENTRIES + 127 * 128, 1, 8, FIX_ALL, "gpt.unused-entry", "backup entries", WARNING,
	  0 },
	{ PRIMARY_ENTRY(128) + 127, 1, 1, FIX_ALL, "gpt.unused-entry", "entries", WARNING, 0 },
	/* between partitions */
	{ 129024 * SECTOR, 1, 1, FIX_NONE, "gpt.unallocated-data", "unallocated", WARNING, 0 },
	{ BACKUP_ENTRIES - 1, 1, 1, FIX_NONE, "gpt.unallocated-data", "unallocated", WARNING, 0 },
};

static void each_rule_of_the_tables_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		const struct edit *e = &edits[i];
		struct test_image t;

		restore_disk(NULL);
		put(e->off, e->value, e->len);
		if (e->fix == FIX_ALL)
			fix_checksums();
		t = open_disk();
		if (!e->code)
			assert_no_findings(t.image);
		else if (!found(t.image, e->code, e->node, e->severity, e->at ? e->at : e->off)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("edit %zu: expected %s of %s", i, e->code, e->node);
		}
		/* one sound copy is enough */
		assert_non_null(node_find(t.node->nested->root, "REDOX", 5));
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

struct entry_edit {
	unsigned number;
	size_t at;
	uint64_t value;
	size_t len;
	const char *code; /* NULL: no error */
	const char *node;
	enum severity severity;
};

static const struct entry_edit entry_edits[] = {
	{ 1, 32, 34, 8, NULL, NULL, 0 },                               /* first usable one */
	{ 1, 32, 33, 8, "gpt.entry-range", "BIOS", ERROR },            /* one before */
	{ 3, 40, SECTORS - 34, 8, NULL, NULL, 0 },                     /* the last usable one */
	{ 3, 40, SECTORS - 33, 8, "gpt.entry-range", "REDOX", ERROR }, /* one further */
	{ 3, 40, 4096, 8, NULL, NULL, 0 },                             /* one sector */
	{ 3, 40, 4095, 8, "gpt.entry-range", "REDOX", ERROR },         /* ends before it begins */
	{ 3, 40, SECTORS, 8, "gpt.truncated", "REDOX", ERROR },        /* past the image */
	{ 3, 40, UINT64_MAX, 8, "gpt.truncated", "REDOX", ERROR },     /* their number overflows */
	{ 3, 32, UINT64_MAX, 8, "gpt.entry-range", "REDOX", ERROR },   /* so does the offset */
	{ 1, 40, 2047, 8, NULL, NULL, 0 },                             /* up to the second */
	{ 1, 40, 2048, 8, "gpt.overlap", "EFI", ERROR },               /* shares a sector with it */
	{ 3, 32, 35, 8, "gpt.overlap", "REDOX", ERROR },               /* covers both others */
	{ 2, 16 + 15, 3, 1, "gpt.unique-guid", "REDOX", ERROR },       /* the third has it too */
	{ 1, 56, 0xdc00, 2, "gpt.name-utf16", "\xed\xb0\x80IOS", ERROR },     /* low half alone */
	{ 1, 56 + 6, 0xd800, 2, "gpt.name-utf16", "BIO\xed\xa0\x80", ERROR }, /* high half alone */
	{ 1, 56, 0xdc00d83d, 4, NULL, NULL, 0 },                              /* a pair */
	{ 1, 56 + 70, 1, 2, "gpt.name-padding", "BIOS", WARNING }, /* behind the end of the name */
	{ 1, 48, UINT64_C(1) << 63, 8, NULL, NULL, 0 },            /* attribute bits are free */
	{ 3, 0, 1, 1, NULL, NULL, 0 },                             /* so is the type */
};

static void each_rule_of_entries_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entry_edits); i++) {
		const struct entry_edit *e = &entry_edits[i];
		struct test_image t;

		restore_disk(NULL);
		put_entry(e->number, e->at, e->value, e->len);
		t = open_disk();
		/* sectors that become free may hold data; that is another rule */
		if (!e->code) {
			assert_no_errors(t.image);
		} else {
			unsigned number = strcmp(e->node, "REDOX") == 0 ? 3
					  : strcmp(e->node, "EFI") == 0 ? 2
									: 1;
			size_t at = e->at < 56 && number != e->number
					    ? (strcmp(e->code, "gpt.overlap") == 0 ? 32 : 16)
					    : e->at;

			if (!found(t.image, e->code, e->node, e->severity,
				   PRIMARY_ENTRY(number) + at)) {
				test_print_findings(t.image, SEVERITY_WARNING);
				fail_msg("edit %zu: expected %s of %s", i, e->code, e->node);
			}
		}
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
}

/* Changes the number and size of entries in both headers; checksums of so many bytes. */
static void put_counts(uint32_t primary, uint32_t backup, uint32_t size)
{
	put(PRIMARY + 80, primary, 4);
	put(PRIMARY + 84, size, 4);
	put(BACKUP + 80, backup, 4);
	put(BACKUP + 84, size, 4);
	put(PRIMARY + 88, crc32_update(0, disk + ENTRIES, (size_t)primary * size), 4);
	put(BACKUP + 88, crc32_update(0, disk + BACKUP_ENTRIES, (size_t)backup * size), 4);
	fix_header(PRIMARY, 92);
	fix_header(BACKUP, 92);
}

static void tables_may_have_fewer_entries(void **state)
{
	struct test_image t;
	const struct claim *c;

	(void)state;
	put_counts(3, 3, 128);
	t = open_disk();
	assert_no_findings(t.image);
	assert_attr(test_find(&t, "REDOX"), "backup.last_lba", "129023");
	assert_null(node_attr(test_find(&t, "REDOX"), "rest"));
	/* what the three leave of the sector is the table's, what is behind it nobody's */
	c = &t.node->nested->claims[5];
	assert_string_equal(c->node->name, "entries");
	assert_int_equal(c->off, ENTRIES + 3 * 128);
	assert_int_equal(c->len, 128);
	assert_string_equal(c[1].node->name, "unallocated");
	test_close(&t);
}

static void as_many_as_4096_entries_are_read(void **state)
{
	struct test_image t;

	(void)state;
	put(PRIMARY + 80, 4096, 4);
	put(PRIMARY + 88, crc32_update(0, disk + ENTRIES, 4096 * 128), 4);
	fix_header(PRIMARY, 92);
	t = open_disk();
	assert_no_finding(t.image, "gpt.entry-count");
	assert_attr(t.node->nested->root, "table_used", "primary");
	test_close(&t);
}

static void entries_beyond_their_number_are_none(void **state)
{
	struct test_image t;

	(void)state;
	put_counts(2, 2, 128);
	t = open_disk();
	/* the third one's bytes are still there, in the rest of the sector */
	assert_null(node_find(t.node->nested->root, "REDOX", 5));
	assert_true(found(t.image, "gpt.unused-entry", "entries", WARNING, PRIMARY_ENTRY(3)));
	assert_no_gaps(t.node->nested);
	test_close(&t);
}

static void a_partition_may_be_one_sector(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(3, 40, 4096, 8);
	t = open_disk();
	assert_int_equal(rimg_source_size(test_find(&t, "REDOX")->content), SECTOR);
	test_close(&t);
}

static void data_between_partitions_is_told_with_its_place(void **state)
{
	struct test_image t;
	const struct finding *f;

	(void)state;
	put(129030 * SECTOR + 7, 1, 1);
	t = open_disk();
	f = test_finding(t.image, "gpt.unallocated-data");
	assert_non_null(f);
	assert_int_equal(f->off, 129030 * SECTOR + 7);
	assert_int_equal(f->off + f->len, BACKUP_ENTRIES);
	test_close(&t);
}

static void an_entry_that_one_table_lacks_is_read_from_the_other(void **state)
{
	struct test_image t;

	(void)state;
	put_counts(128, 2, 128);
	t = open_disk();
	assert_finding(t.image, "gpt.copies-differ");
	assert_non_null(node_attr(test_find(&t, "EFI"), "backup.first_lba"));
	assert_null(node_attr(test_find(&t, "REDOX"), "backup.first_lba"));
	for (size_t i = 0; i < t.node->nested->n_claims; i++) {
		const struct claim *c = &t.node->nested->claims[i];

		assert_true(c->off != BACKUP_ENTRIES + 2 * 128 ||
			    strcmp(c->node->name, "backup entries") == 0);
	}
	assert_no_gaps(t.node->nested);
	test_close(&t);
}

static void larger_entries_end_in_zeros(void **state)
{
	struct test_image t;

	(void)state;
	/* every second of the old ones is now the rest of the one before */
	put_counts(64, 64, 256);
	t = open_disk();
	assert_no_errors(t.image);
	assert_true(found(t.image, "gpt.header-padding", "BIOS", WARNING, PRIMARY_ENTRY(2)));
	assert_true(found(t.image, "gpt.header-padding", "BIOS", WARNING, BACKUP_ENTRIES + 128));
	assert_int_equal(test_find(&t, "REDOX")->number, 2);
	assert_non_null(node_attr(test_find(&t, "REDOX"), "rest"));
	test_close(&t);
	restore_disk(NULL);
	put_counts(4, 4, 4096);
	t = open_disk();
	assert_no_errors(t.image);
	test_find(&t, "BIOS");
	test_close(&t);
}

static void a_name_may_fill_its_field(void **state)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	struct test_image t;

	(void)state;
	for (size_t i = 0; i < 36; i++)
		put_entry(2, 56 + 2 * i, (uint8_t)name[i], 2);
	t = open_disk();
	assert_no_findings(t.image);
	assert_int_equal(test_find(&t, name)->number, 2);
	test_close(&t);
}

static void a_zero_unique_guid_is_a_finding(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(2, 16, 0, 8);
	put_entry(2, 24, 0, 8);
	t = open_disk();
	assert_finding(t.image, "gpt.unique-guid");
	assert_true(found(t.image, "gpt.unique-guid", "EFI", ERROR, PRIMARY_ENTRY(2) + 16));
	test_close(&t);
}

static void an_unnamed_partition_is_called_by_its_number(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(2, 56, 0, 8);
	t = open_disk();
	assert_int_equal(test_find(&t, "partition 2")->number, 2);
	assert_no_findings(t.image);
	test_close(&t);
}

static void names_outside_of_ascii_become_utf8(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(2, 56, UINT64_C(0xde00d83d20ac00e4), 8);
	t = open_disk();
	/* a umlaut, euro sign, U+1F600 */
	test_find(&t, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_no_findings(t.image);
	test_close(&t);
}

static void two_partitions_may_have_one_name(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(1, 56, UINT64_C(0x004900460045), 8);
	t = open_disk();
	assert_no_findings(t.image);
	assert_int_equal(test_find(&t, "EFI")->number, 1);
	assert_int_equal(test_find(&t, "EFI#2")->number, 2);
	test_close(&t);
}

static void a_partition_past_the_end_is_cut(void **state)
{
	struct test_image t = test_open_bytes(disk, 100000 * SECTOR);
	struct rimg_layer *l = open_layer(&t);

	(void)state;
	assert_finding(t.image, "gpt.truncated");
	assert_finding(t.image, "gpt.backup-place");
	assert_finding(t.image, "gpt.no-header");
	assert_true(test_find(&t, "REDOX")->damaged);
	assert_int_equal(rimg_source_size(test_find(&t, "REDOX")->content),
			 (100000 - 4096) * SECTOR);
	assert_no_gaps(l);
	test_close(&t);
}

static void a_partition_of_the_sector_behind_the_last_is_truncated(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(3, 32, SECTORS, 8);
	put_entry(3, 40, SECTORS, 8);
	t = open_disk();
	assert_true(found(t.image, "gpt.truncated", "REDOX", ERROR, PRIMARY_ENTRY(3) + 32));
	test_close(&t);
}

static void sector_numbers_that_overflow_leave_an_empty_content(void **state)
{
	struct test_image t;

	(void)state;
	put_entry(3, 32, UINT64_MAX - 1, 8);
	put_entry(3, 40, UINT64_MAX, 8);
	t = open_disk();
	assert_finding(t.image, "gpt.entry-range");
	assert_finding(t.image, "gpt.truncated");
	assert_int_equal(rimg_source_size(test_find(&t, "REDOX")->content), 0);
	assert_no_gaps(t.node->nested);
	test_close(&t);
}

/* Or tables in tables would be without end. */
static void bytes_of_two_partitions_are_looked_into_once(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	/* as on disks for CD and USB: the first covers the disk, the second is a part of it */
	put_entry(1, 32, 0, 8);
	put_entry(1, 40, SECTORS - 34, 8);
	t = open_disk();
	assert_true(found(t.image, "gpt.overlap", "BIOS", ERROR, PRIMARY_ENTRY(1) + 32));
	assert_int_equal(node_open(test_find(&t, "BIOS"), &l, NULL), 0);
	assert_null(l);
	assert_non_null(rimg_node_format(test_find(&t, "EFI")));
	test_close(&t);
	/* two with the same sectors: the first is looked into */
	restore_disk(NULL);
	put_entry(1, 32, 2048, 8);
	put_entry(1, 40, 4095, 8);
	t = open_disk();
	assert_true(found(t.image, "gpt.overlap", "EFI", ERROR, PRIMARY_ENTRY(2) + 32));
	assert_string_equal(rimg_node_format(test_find(&t, "BIOS")), "fat");
	assert_null(rimg_node_format(test_find(&t, "EFI")));
	test_close(&t);
}

/* Without a primary header, where its entries are follows from the backup's numbers. These say that
 * they take all of the disk, which has no room for that behind sector 2. */
static void entries_of_a_lost_header_that_find_no_room_are_not_read(void **state)
{
	enum { ALL = 16 };
	size_t header = (ALL - 1) * SECTOR;
	struct test_image t;

	(void)state;
	memset(disk, 0, ALL * SECTOR);
	memcpy(disk + header, disk + BACKUP, SECTOR);
	put(header + 24, ALL - 1, 8);
	put(header + 40, 3, 8);
	put(header + 48, 4, 8);
	put(header + 72, 0, 8);
	put(header + 80, ALL * SECTOR / 4096, 4);
	put(header + 84, 4096, 4);
	fix_header(header, 92);
	t = test_open_bytes(disk, ALL * SECTOR);
	open_layer(&t);
	assert_true(found(t.image, "gpt.header-signature", "header", ERROR, SECTOR));
	assert_true(found(t.image, "gpt.entries-place", "backup header", ERROR, header + 72));
	assert_true(found(t.image, "gpt.entries-crc", "backup entries", ERROR, 0));
	assert_no_finding(t.image, "gpt.no-table");
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(each_rule_of_the_tables_has_its_finding),
		test(each_rule_of_entries_has_its_finding),
		test(tables_may_have_fewer_entries),
		test(as_many_as_4096_entries_are_read),
		test(entries_beyond_their_number_are_none),
		test(a_partition_may_be_one_sector),
		test(data_between_partitions_is_told_with_its_place),
		test(an_entry_that_one_table_lacks_is_read_from_the_other),
		test(larger_entries_end_in_zeros),
		test(a_name_may_fill_its_field),
		test(a_zero_unique_guid_is_a_finding),
		test(an_unnamed_partition_is_called_by_its_number),
		test(names_outside_of_ascii_become_utf8),
		test(two_partitions_may_have_one_name),
		test(a_partition_past_the_end_is_cut),
		test(a_partition_of_the_sector_behind_the_last_is_truncated),
		test(sector_numbers_that_overflow_leave_an_empty_content),
		test(bytes_of_two_partitions_are_looked_into_once),
		test(entries_of_a_lost_header_that_find_no_room_are_not_read),
	};

	return cmocka_run_group_tests_name("gpt rules", tests, load_disk, free_disk);
}
