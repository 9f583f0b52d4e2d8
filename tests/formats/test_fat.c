/* SPDX-License-Identifier: MIT */

/* FAT volumes. What the golden disks' EFI partitions hold was listed with mtools 4.0.32 (minfo,
 * mdir, mtype). Broken ones are those partitions with a few bytes changed. */

#include "test.h"

#include "core/digest.h"
#include "core/format.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/fat.h"

#define ESP_OFF  ((size_t)1 << 20)
#define ESP_SIZE ((size_t)1 << 20)

/* of mkfs.fat and mtools: FAT12, clusters of 2048 bytes, no long names */
#define SGDISK_FAT0       0x200U
#define SGDISK_FAT1       0x600U
#define SGDISK_ROOT       0xa00U
#define SGDISK_CLUSTER(c) (0x4a00U + ((c)-2) * 2048U)
#define DIRENT_EFI        SGDISK_ROOT
#define DIRENT_BOOT       (SGDISK_CLUSTER(2) + 64)
#define DIRENT_FILE       (SGDISK_CLUSTER(3) + 64)

/* of fatfs: FAT12, clusters of 512 bytes, a long name before every entry */
#define INSTALLER_ROOT       0x1a00U
#define INSTALLER_CLUSTER(c) (0x5a00U + ((c)-2) * 512U)
#define LONG_FILE            (INSTALLER_CLUSTER(3) + 128) /* then its short entry */

static uint8_t *golden[2]; /* EFI partitions as they are: sgdisk's, installer's */
static uint8_t *esp;       /* the one under test */

enum base { SGDISK, INSTALLER };

static int load(void **state)
{
	static const char *const disks[] = { "disk-sgdisk", "disk-installer" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		size_t len;
		uint8_t *disk = test_load(test_image_path(disks[i]), &len);

		assert_true(len > ESP_OFF + ESP_SIZE);
		golden[i] = malloc(ESP_SIZE);
		assert_non_null(golden[i]);
		memcpy(golden[i], disk + ESP_OFF, ESP_SIZE);
		free(disk);
	}
	esp = malloc(ESP_SIZE);
	return esp ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	free(golden[SGDISK]);
	free(golden[INSTALLER]);
	free(esp);
	return 0;
}

static void use(enum base base)
{
	memcpy(esp, golden[base], ESP_SIZE);
}

static void put(size_t off, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		esp[off + i] = (uint8_t)(value >> 8 * i);
}

/* Sets a FAT12 entry of one table of sgdisk's. */
static void put_fat(size_t table, unsigned cluster, unsigned value)
{
	size_t at = table + cluster + cluster / 2;
	unsigned old = esp[at] | (unsigned)esp[at + 1] << 8;

	value = cluster & 1 ? (old & 0x000f) | value << 4 : (old & 0xf000) | value;
	put(at, value, 2);
}

static void put_fats(unsigned cluster, unsigned value)
{
	put_fat(SGDISK_FAT0, cluster, value);
	put_fat(SGDISK_FAT1, cluster, value);
}

static struct rimg_layer *open_layer(struct test_image *t)
{
	struct rimg_layer *l = NULL;
	struct rimg_error err;

	assert_int_equal(node_open(t->node, &l, &err), 0);
	assert_non_null(l);
	assert_string_equal(l->format->name, "fat");
	return l;
}

static void check_layer(struct rimg_layer *l)
{
	struct rimg_error err;

	assert_int_equal(l->format->check(l, &err), 0);
}

static struct test_image open_bytes(const uint8_t *data, size_t len)
{
	struct test_image t = test_open_bytes(data, len);
	struct rimg_layer *l = open_layer(&t);

	if (!l->unreadable)
		check_layer(l);
	return t;
}

static struct test_image open_esp(void)
{
	return open_bytes(esp, ESP_SIZE);
}

static void assert_attr(const struct rimg_node *node, const char *key, const char *expected)
{
	const struct rimg_attr *a = node_attr(node, key);
	auto_str struct str s = { 0 };

	if (!a)
		fail_msg("%s: no attribute %s", node->name, key);
	attr_format(&s, a);
	if (strcmp(str_cstr(&s), expected) != 0)
		fail_msg("%s of %s: expected %s, found %s", key, node->name, expected,
			 str_cstr(&s));
}

static void assert_no_gaps(const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->root)
		assert_int_not_equal(child->role, RIMG_ROLE_GAP);
}

/* The claim over byte @off. */
static const struct claim *claim_of(const struct rimg_layer *l, uint64_t off)
{
	for (size_t i = 0; i < l->n_claims; i++) {
		if (off - l->claims[i].off < l->claims[i].len)
			return &l->claims[i];
	}
	fail_msg("byte %llu is claimed by nobody", (unsigned long long)off);
	abort();
}

static void assert_claim(const struct rimg_layer *l, uint64_t off, const char *node,
			 const char *what, enum rimg_cause cause)
{
	const struct claim *c = claim_of(l, off);

	assert_string_equal(c->node->name, node);
	assert_string_equal(c->what, what);
	assert_string_equal(rimg_cause_name(c->cause), rimg_cause_name(cause));
}

/* ---- golden volumes ------------------------------------------------------------------------ */

struct expected {
	const char *node; /* NULL: the layer's root; else below it */
	const char *key, *value;
};

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

#define ERROR   SEVERITY_ERROR
#define WARNING SEVERITY_WARNING

/* A finding of that code, node and severity, about byte @at if that is not NOWHERE. */
#define NOWHERE SIZE_MAX
static bool found(const struct rimg_layer *l, const char *code, const char *node,
		  enum severity severity, size_t at)
{
	for (size_t i = 0; i < l->n_findings; i++) {
		const struct finding *f = &l->findings[i];

		if (strcmp(f->code, code) == 0 && strcmp(f->node->name, node) == 0 &&
		    f->severity == severity && (at == NOWHERE || at - f->off < f->len))
			return true;
	}
	return false;
}

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
	{ SGDISK, DIRENT_EFI + 20, 1, 2, NULL, NULL, 0, 0 }, /* no cluster number before FAT32 */
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

/* ---- volumes made by mkfs.fat and mtools --------------------------------------------------- */

#define TOOLS "PATH=$PATH:/sbin:/usr/sbin; "

static bool have_tools(void)
{
	bool have = system(TOOLS
			   "command -v mkfs.fat >/dev/null && command -v fsck.fat >/dev/null "
			   "&& command -v mcopy >/dev/null && command -v mshowfat >/dev/null") == 0;

	if (!have)
		print_message("mkfs.fat, fsck.fat or mtools are not there\n");
	return have;
}

/* Runs a shell script in @dir; its variable i is the volume. Fails the test with its output. */
static void run(const char *dir, const char *script)
{
	auto_str struct str s = { 0 };

	str_printf(&s,
		   "cd %s && { " TOOLS "export LC_ALL=C.UTF-8 TZ=UTC MTOOLS_SKIP_CHECK=1; i=vol; "
		   "set -e; %s\n} >log 2>&1 </dev/null",
		   dir, script);
	if (system(str_cstr(&s)) != 0) {
		str_clear(&s);
		str_printf(&s, "cat %s/log >&2", dir);
		(void)!system(str_cstr(&s));
		fail_msg("%s", script);
	}
}

static char *path_in(const char *dir, const char *name)
{
	static char path[1024];

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", dir, name), 1, sizeof(path) - 1);
	return path;
}

static struct test_image open_volume(const char *dir)
{
	struct test_image t = test_open(path_in(dir, "vol"));

	check_layer(open_layer(&t));
	return t;
}

/* Every file and directory below the host's @path is in @node, and nothing else. */
static void assert_same_tree(const char *path, struct rimg_node *node, unsigned depth)
{
	DIR *d = opendir(path);
	struct dirent *e;
	uint32_t n = 0;

	assert_non_null(d);
	assert_true(depth > 0);
	while ((e = readdir(d))) {
		char *below;
		struct stat st;
		struct rimg_node *child;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		assert_true(asprintf(&below, "%s/%s", path, e->d_name) > 0);
		assert_int_equal(lstat(below, &st), 0);
		child = node_find(node, e->d_name, strlen(e->d_name));
		if (!child)
			fail_msg("%s is missing", below);
		if (S_ISDIR(st.st_mode)) {
			assert_int_equal(child->role, RIMG_ROLE_DIR);
			assert_same_tree(below, child, depth - 1);
		} else {
			size_t len, host_len;
			uint8_t *data = test_read_node(child, &len);
			uint8_t *host = test_load(below, &host_len);

			assert_int_equal(len, host_len);
			assert_memory_equal(data, host, len);
			free(data);
			free(host);
		}
		free(below);
		n++;
	}
	closedir(d);
	assert_int_equal(node->n_children, n);
}

/* "<4-6> <9> ": the clusters of a file by its claims, as mshowfat prints them. */
static void clusters_of(const struct rimg_node *node, struct str *s)
{
	const struct rimg_layer *l = node->layer;
	uint64_t cluster = node_attr_u64(l->root, "cluster_size", 0);
	uint64_t two = 0, at = 0; /* where cluster 2 is */

	while (at < rimg_source_size(node->content)) {
		const struct claim *c = l->claims, *end = c + l->n_claims;
		uint64_t a, b;

		while (c < end && (c->node != node || c->content_off != at))
			c++;
		assert_true(c < end);
		if (at == 0)
			two = c->off - (node_attr_u64(node, "first_cluster", 0) - 2) * cluster;
		a = (c->off - two) / cluster + 2;
		b = (c->off + c->len - 1 - two) / cluster + 2;
		str_printf(s, a == b ? "<%llu> " : "<%llu-%llu> ", (unsigned long long)a,
			   (unsigned long long)b);
		at += c->len;
	}
	s->data[s->len - 1] = '\n'; /* not a space */
}

static const char make_tree[] =
	"mkdir -p host/EFI/BOOT host/many host/deep/1/2/3/4/5/6/7/8\n"
	"awk 'BEGIN { for (n = 0; n < 9000; n++) printf \"%d \", n * n }' >host/EFI/BOOT/BOOTAA64.EFI\n"
	"echo text >'host/A long file name, with spaces [and] +signs.txt'\n"
	"echo text >'host/\303\274n\303\257code \342\230\203.txt'\n"
	"echo text >host/lower.txt; echo text >host/UPPER.TXT; echo text >host/Mixed.Txt\n"
	"echo text >host/lower.UP; echo text >host/.hidden; echo text >host/two.dots.txt\n"
	": >host/empty; echo deep >host/deep/1/2/3/4/5/6/7/8/file\n"
	"long=$(awk 'BEGIN { for (n = 0; n < 255; n++) printf \"%d\", n % 10 }'); echo long >host/$long\n"
	"for n in $(seq 300); do echo $n >host/many/file-number-$n.txt; done\n"
	"find host -exec touch -d '2024-02-29 12:34:56 UTC' {} +\n"
	"mcopy -s -m -i $i host/* host/.hidden ::\n";

/* Every second of many small files deleted, and a large one in their place. */
static const char fragment[] =
	"size() { minfo -i $i | sed -n \"s/^$1 size: \\\\([0-9]*\\\\).*/\\\\1/p\"; }\n"
	"cluster=$(($(size cluster) * $(size sector)))\n"
	"mkdir small; for n in $(seq 100); do echo $n >small/s$n; done; mcopy -s -i $i small ::\n"
	"for n in $(seq 1 2 100); do mdel -i $i ::small/s$n; rm small/s$n; done\n"
	/* what is behind them is filled, so that only the holes are left */
	"free=$(mdir -i $i :: | tr -d ' ' | sed -n 's/bytesfree//p')\n"
	"head -c $((free - 50 * cluster)) /dev/zero >fill; mcopy -i $i fill ::\n"
	"awk 'BEGIN { for (n = 0; n < 60000; n++) printf \"%d,\", n * 7 }' |"
	" head -c $((49 * cluster - 9)) >big\n"
	"mcopy -i $i big ::; mv small fill big host/\n"
	"mshowfat -i $i ::big ::fill >clusters\n";

struct volume {
	const char *mkfs; /* size and options */
	const char *type;
};

static const struct volume volumes[] = {
	{ "truncate -s 2M $i; mkfs.fat -F 12 -s 2 -r 64 $i", "FAT12" },
	{ "truncate -s 5M $i; mkfs.fat -F 16 -s 1 $i", "FAT16" },
	{ "truncate -s 36M $i; mkfs.fat -F 32 -s 1 $i", "FAT32" },
	{ "truncate -s 8M $i; mkfs.fat -F 12 -S 4096 -s 1 $i", "FAT12" },
};

/* Are the clusters of a file those that mshowfat lists? Returns whether they are in pieces. */
static bool assert_clusters(const char *dir, struct rimg_node *node)
{
	auto_str struct str s = { 0 };
	char *listed = (char *)test_load(path_in(dir, "clusters"), NULL);

	/* "::/big <10> <12-13> ..." */
	str_printf(&s, "::/%s ", node->name);
	clusters_of(node, &s);
	if (!strstr(listed, str_cstr(&s)))
		fail_msg("expected %s, found %s", listed, str_cstr(&s));
	free(listed);
	return strchr(str_cstr(&s), '>') != strrchr(str_cstr(&s), '>');
}

/* The bytes at the place of the first cluster are its number. */
static void assert_cluster_place(const char *dir, const struct rimg_node *node, bool two_halves)
{
	const struct rimg_attr *a = node_attr(node, "first_cluster");
	FILE *f = fopen(path_in(dir, "vol"), "rbe");
	uint64_t value = 0;

	assert_non_null(f);
	assert_int_equal(a->place.count, two_halves ? 2 : 1);
	for (uint32_t i = 0; i < a->place.count; i++) {
		assert_int_equal(fseek(f, (long)(a->place.off + i * a->place.stride), SEEK_SET), 0);
		value = value << 16 | (unsigned)getc(f);
		value |= (unsigned)getc(f) << 8;
	}
	assert_int_equal(value, a->u);
	fclose(f);
}

/* fsck.fat: "vol: 329 files, 1234/4567 clusters" */
static void assert_counts(const char *dir, const struct rimg_layer *l)
{
	char *said;
	unsigned used, total;

	run(dir, "fsck.fat -n $i");
	said = (char *)test_load(path_in(dir, "log"), NULL);
	assert_non_null(strstr(said, "files, "));
	assert_int_equal(sscanf(strstr(said, "files, "), "files, %u/%u", &used, &total), 2);
	free(said);
	assert_int_equal(node_attr_u64(l->root, "clusters", 0), total);
	assert_int_equal(node_attr_u64(l->root, "free_clusters", 0), total - used);
}

static void assert_volume(const struct volume *v)
{
	char *dir = test_temp_dir();
	struct test_image t;
	bool big, fill;

	run(dir, v->mkfs);
	run(dir, make_tree);
	run(dir, fragment);
	t = open_volume(dir);
	assert_attr(t.node->nested->root, "type", v->type);
	assert_no_findings(t.image);
	assert_no_gaps(t.node->nested);
	assert_same_tree(path_in(dir, "host"), t.node->nested->top, 20);
	assert_attr(test_find(&t, "/lower.txt"), "mtime", "2024-02-29T12:34:56Z");
	assert_cluster_place(dir, test_find(&t, "/big"), strcmp(v->type, "FAT32") == 0);
	big = assert_clusters(dir, test_find(&t, "/big"));
	fill = assert_clusters(dir, test_find(&t, "/fill"));
	assert_true(big || fill);
	assert_counts(dir, t.node->nested);
	test_close(&t);
	test_remove_dir(dir);
}

static void volumes_of_every_type_hold_what_mtools_put_there(void **state)
{
	(void)state;
	if (!have_tools())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(volumes); i++)
		assert_volume(&volumes[i]);
}

/* Changes bytes of the volume file; the test opens it again. */
static void patch(const char *dir, long off, const char *bytes, size_t len)
{
	FILE *f = fopen(path_in(dir, "vol"), "r+be");

	assert_non_null(f);
	assert_int_equal(fseek(f, off, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

struct patch {
	long off;
	const char *bytes;
	size_t len;
	const char *code;
	const char *node;
	enum severity severity;
};

/* Of a volume made by mkfs.fat -F 32 -s 1 -R 32: fsinfo in sector 1, backups in 6 and 7. */
static const struct patch fat32_patches[] = {
	{ 512, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 484, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 510, "X", 1, "fat.fsinfo-signature", "fsinfo", ERROR },
	{ 512 + 4, "X", 1, "fat.boot-padding", "fsinfo", WARNING },
	{ 512 + 488, "\1\0\0\0", 4, "fat.free-count", "fsinfo", WARNING },
	{ 512 + 488, "\xff\xff\xff\xff", 4, NULL, NULL, 0 },
	{ 6 * 512 + 71, "X", 1, "fat.backup-differs", "backup boot sector", WARNING },
	{ 7 * 512 + 484, "X", 1, "fat.fsinfo-signature", "backup fsinfo", ERROR },
	{ 44, "\0\0\0\1", 4, "fat.chain-range", "/", ERROR },
	{ 52, "\1", 1, "fat.boot-padding", "boot sector", WARNING },
	/* bits 27 and 26 of entry 1 */
	{ 32 * 512 + 7, "\xf7", 1, "fat.dirty", "fat[0]", WARNING },
	{ 32 * 512 + 7, "\xfb", 1, "fat.dirty", "fat[0]", WARNING },
	/* bits that do not count, in one copy */
	{ 32 * 512 + 11, "\xff", 1, "fat.copies-differ", "fat[1]", ERROR },
	/* the second FAT is the active one */
	{ 40, "\x81", 1, NULL, NULL, 0 },
};

static void each_rule_of_fat32_has_its_finding(void **state)
{
	char *dir;

	(void)state;
	if (!have_tools())
		skip();
	dir = test_temp_dir();
	for (size_t i = 0; i < ARRAY_LEN(fat32_patches); i++) {
		const struct patch *p = &fat32_patches[i];
		struct test_image t;

		run(dir, "rm -f $i; truncate -s 36M $i; mkfs.fat -F 32 -s 1 -R 32 $i");
		patch(dir, p->off, p->bytes, p->len);
		/* the backup boot sector is a copy, unless that is what is broken */
		if (p->off < 512)
			patch(dir, 6 * 512 + p->off, p->bytes, p->len);
		t = open_volume(dir);
		if (p->code &&
		    !found(t.node->nested, p->code, p->node, p->severity,
			   strcmp(p->code, "fat.copies-differ") == 0 ? NOWHERE : (size_t)p->off)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("patch %zu: expected %s", i, p->code);
		} else if (!p->code) {
			assert_no_findings(t.image);
		}
		assert_no_gaps(t.node->nested);
		test_close(&t);
	}
	test_remove_dir(dir);
}

static void without_mirroring_the_active_fat_is_read(void **state)
{
	char *dir;
	struct test_image t;
	struct rimg_layer *l;
	size_t second;

	(void)state;
	if (!have_tools())
		skip();
	dir = test_temp_dir();
	run(dir, "truncate -s 36M $i; mkfs.fat -F 32 -s 1 -R 32 $i\n"
		 "head -c 5000 /etc/passwd >f || :; head -c 5000 /dev/zero >>f; mcopy -i $i f ::");
	/* the first FAT is now empty, and that is nobody's business */
	patch(dir, 32 * 512 + 12, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	t = open_volume(dir);
	assert_finding(t.image, "fat.copies-differ");
	test_close(&t);
	patch(dir, 40, "\x81", 1);
	patch(dir, 6 * 512 + 40, "\x81", 1);
	t = open_volume(dir);
	assert_no_errors(t.image);
	assert_true(rimg_source_size(test_find(&t, "/f")->content) >= 5000);
	/* what is wrong in the active one is told with its place there */
	second = node_attr(test_find(&t, "boot sector"), "fat_sectors32")->u;
	second = (32 + second) * 512;
	test_close(&t);
	patch(dir, (long)second + 12, "\0\0\0\0", 4);
	t = open_volume(dir);
	assert_true(found(t.node->nested, "fat.chain-free", "f", ERROR, second + 12));
	test_close(&t);
	/* there is no third one */
	patch(dir, 40, "\x82", 1);
	t = test_open(path_in(dir, "vol"));
	assert_int_equal(node_open(t.node, &l, NULL), 0);
	assert_null(l);
	test_close(&t);
	test_remove_dir(dir);
}

static void the_dirty_flags_of_fat16_are_a_warning(void **state)
{
	char *dir;
	struct test_image t;

	(void)state;
	if (!have_tools())
		skip();
	dir = test_temp_dir();
	run(dir, "truncate -s 5M $i; mkfs.fat -F 16 -s 1 -R 1 $i");
	t = open_volume(dir);
	assert_no_findings(t.image);
	test_close(&t);
	patch(dir, 512 + 3, "\x7f", 1);
	t = open_volume(dir);
	assert_finding(t.image, "fat.dirty");
	test_close(&t);
	patch(dir, 512 + 3, "\xbf", 1);
	t = open_volume(dir);
	assert_finding(t.image, "fat.dirty");
	test_close(&t);
	test_remove_dir(dir);
}

static void fat32_with_few_clusters_is_read_with_a_warning(void **state)
{
	char *dir;
	struct test_image t;

	(void)state;
	if (!have_tools())
		skip();
	dir = test_temp_dir();
	run(dir, "truncate -s 2M $i; mkfs.fat -F 32 -s 1 $i");
	t = open_volume(dir);
	assert_attr(t.node->nested->root, "type", "FAT32");
	assert_finding(t.image, "fat.type");
	assert_no_errors(t.image);
	test_close(&t);
	test_remove_dir(dir);
}

static void what_is_behind_the_volume_has_an_owner(void **state)
{
	char *dir;
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	if (!have_tools())
		skip();
	dir = test_temp_dir();
	/* 1023 sectors leave less than a cluster of two; then bytes that the volume does not have
	 */
	run(dir, "truncate -s 523776 $i; mkfs.fat -F 12 -s 2 $i; truncate -s 600000 $i");
	t = open_volume(dir);
	l = t.node->nested;
	assert_no_findings(t.image);
	assert_no_gaps(l);
	assert_claim(l, 599999, "tail", "behind the volume", RIMG_CAUSE_FREE_SPACE);
	test_close(&t);
	test_remove_dir(dir);
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
		cmocka_unit_test(each_rule_has_its_finding),
		cmocka_unit_test(each_rule_of_chains_has_its_finding),
		cmocka_unit_test(a_broken_chain_gives_what_there_is),
		cmocka_unit_test(bad_clusters_have_a_node),
		cmocka_unit_test(clusters_behind_the_end_of_a_file_are_told_apart),
		cmocka_unit_test(a_deleted_file_is_free_space_of_its_directory),
		cmocka_unit_test(names_that_differ_in_case_only_are_duplicates),
		cmocka_unit_test(a_short_name_may_begin_with_byte_e5),
		cmocka_unit_test(each_half_of_a_short_name_has_its_case),
		cmocka_unit_test(the_label_is_an_attribute_of_the_root),
		cmocka_unit_test(a_cut_volume_is_a_finding_at_any_length),
		cmocka_unit_test(directories_deeper_than_the_limit_are_named),
		cmocka_unit_test(a_fat_larger_than_the_limit_is_named),
		cmocka_unit_test(other_bytes_are_no_fat),
		cmocka_unit_test(a_long_name_may_cross_clusters),
		cmocka_unit_test(long_names_have_at_most_255_characters),
		cmocka_unit_test(parts_of_long_names_follow_one_another),
		cmocka_unit_test(findings_say_what_was_expected_and_found),
		cmocka_unit_test(long_names_that_differ_in_case_only_are_duplicates),
		cmocka_unit_test(a_volume_without_room_for_clusters_is_no_fat),
		cmocka_unit_test(the_number_of_clusters_decides_the_type),
		cmocka_unit_test(volumes_of_every_type_hold_what_mtools_put_there),
		cmocka_unit_test(each_rule_of_fat32_has_its_finding),
		cmocka_unit_test(without_mirroring_the_active_fat_is_read),
		cmocka_unit_test(the_dirty_flags_of_fat16_are_a_warning),
		cmocka_unit_test(fat32_with_few_clusters_is_read_with_a_warning),
		cmocka_unit_test(what_is_behind_the_volume_has_an_owner),
		cmocka_unit_test(times_are_those_of_date),
		cmocka_unit_test(times_that_do_not_exist_are_refused),
		cmocka_unit_test(short_names_have_the_checksums_that_fatfs_writes),
	};

	return cmocka_run_group_tests_name("fat", tests, load, unload);
}
