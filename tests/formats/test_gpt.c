/* SPDX-License-Identifier: MIT */

/* GUID partition tables. What the golden disks hold was listed with sgdisk 1.0.9 and sfdisk 2.38;
 * broken ones are golden/disk-sgdisk with a few bytes changed, and checksums made right again where
 * they are not what is broken. */

#include "test.h"

#include "core/crc32.h"
#include "core/format.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/gpt.h"

#define SECTOR  ((size_t)512)
#define SECTORS 131072
#define SIZE    (SECTORS * SECTOR)

/* offsets in the disk */
#define PRIMARY        SECTOR
#define ENTRIES        (2 * SECTOR)
#define BACKUP_ENTRIES ((SECTORS - 33) * SECTOR)
#define BACKUP         ((SECTORS - 1) * SECTOR)
#define ENTRIES_LEN    16384

static uint8_t *disk; /* a copy of golden/disk-sgdisk, as it is before each test */
static uint8_t *clean;

static int load_disk(void **state)
{
	size_t len;

	(void)state;
	clean = test_load(test_image_path("disk-sgdisk"), &len);
	disk = malloc(SIZE);
	return len == SIZE && disk ? 0 : -1;
}

static int free_disk(void **state)
{
	(void)state;
	free(clean);
	free(disk);
	return 0;
}

static int restore_disk(void **state)
{
	(void)state;
	memcpy(disk, clean, SIZE);
	return 0;
}

static void put(size_t off, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		disk[off + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(size_t off, size_t len)
{
	uint64_t value = 0;

	for (size_t i = len; i > 0; i--)
		value = value << 8 | disk[off + i - 1];
	return value;
}

static void fix_header(size_t header, size_t len)
{
	put(header + 16, 0, 4);
	put(header + 16, crc32_update(0, disk + header, len), 4);
}

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

static struct rimg_layer *open_layer(struct test_image *t)
{
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	assert_int_equal(node_open(t->node, &l, &err), 0);
	assert_non_null(l);
	assert_string_equal(l->format->name, "gpt");
	return l;
}

static void check_layer(struct rimg_layer *l)
{
	struct rimg_error err;

	assert_int_equal(l->format->check(l, &err), 0);
}

/* Opens and checks the disk in memory. */
static struct test_image open_disk(void)
{
	struct test_image t = test_open_bytes(disk, SIZE);
	struct rimg_layer *l = open_layer(&t);

	if (!l->unreadable)
		check_layer(l);
	return t;
}

static void assert_attr(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = node_attr(node, key);
	auto_str struct str s = { 0 };

	if (!a)
		fail_msg("%s: no attribute %s", node->name, key);
	attr_format(&s, a);
	assert_string_equal(str_cstr(&s), expected);
}

/* Every byte has an owner that the format named. */
static void assert_no_gaps(const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
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

		check_layer(l);
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
	check_layer(l);
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

#define ERROR   SEVERITY_ERROR
#define WARNING SEVERITY_WARNING

#define PRIMARY_ENTRY(n) (ENTRIES + ((n)-1) * 128)

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

/* A finding of that code, node and severity, about byte @at. */
static bool found(const struct rimg_image *image, const char *code, const char *node,
		  enum severity severity, uint64_t at)
{
	for (const struct rimg_layer *l = image->layers; l; l = l->next) {
		for (size_t i = 0; i < l->n_findings; i++) {
			const struct finding *f = &l->findings[i];

			if (strcmp(f->code, code) == 0 && strcmp(f->node->name, node) == 0 &&
			    f->severity == severity && at - f->off < f->len)
				return true;
		}
	}
	return false;
}

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
	check_layer(open_layer(&t));
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
	check_layer(open_layer(&t));
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

#define test(f_) cmocka_unit_test_setup(f_, restore_disk)

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
