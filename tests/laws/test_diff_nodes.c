/* SPDX-License-Identifier: MIT */
/* A changed byte is reported at the right node. Where the bytes of a file lie is found out by what
 * its content is made of, which the comparison's own book-keeping (claims) has no part in; where
 * structures lie, by the documents of their formats. */
#include "test.h"

#include <rimg/diff.h>

#include "core/num.h"
#include "core/str.h"

static uint64_t state = UINT64_C(0xabcdef);

static uint64_t random_below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* Whose difference a byte belongs to. */
struct found {
	uint64_t off;
	unsigned n; /* differences that have it */
	char path[4096];
	char field[128];
	enum rimg_cause cause;
};

static bool find(void *arg, const struct rimg_difference *x)
{
	struct found *f = arg;

	for (size_t i = 0; i < x->n_ranges; i++) {
		if (f->off - x->ranges[i].a_off >= x->ranges[i].len)
			continue;
		f->n++;
		snprintf(f->path, sizeof(f->path), "%s", x->path);
		snprintf(f->field, sizeof(f->field), "%s", x->field ? x->field : "");
		f->cause = x->cause;
	}
	return true;
}

/* Flip the byte at @off of @b, compare, and flip it back. */
static struct found flip(const uint8_t *a, uint8_t *b, size_t len, uint64_t off)
{
	struct test_image ta = test_open_bytes(a, len), tb = test_open_bytes(b, len);
	struct found f = { .off = off };
	struct rimg_error err;
	struct rimg_diff *d;

	b[off] ^= (uint8_t)(1 + random_below(255));
	d = rimg_diff_run(ta.node, tb.node, NULL, &err);
	if (!d)
		test_fail_error("diff", &err);
	assert_int_equal(rimg_diff_get_summary(d)->differing, 1);
	assert_int_equal(rimg_diff_each(d, RIMG_CAUSES_ALL, find, &f), 0);
	assert_int_equal(f.n, 1);
	rimg_diff_free(d);
	test_close(&ta);
	test_close(&tb);
	b[off] = a[off];
	return f;
}

/* ---- files ---------------------------------------------------------------------------------- */

#define FILES_MAX 8192

struct files {
	struct rimg_node *items[FILES_MAX];
	size_t n;
};

static void list_files(struct files *files, struct rimg_node *dir)
{
	for (struct rimg_node *n = dir->first_child; n && files->n < FILES_MAX; n = n->next) {
		if (n->role == RIMG_ROLE_DIR)
			list_files(files, n);
		else if (n->role == RIMG_ROLE_FILE && n->content && !n->link_to &&
			 rimg_source_size(n->content) > 0)
			files->items[files->n++] = n;
	}
}

/* Offset in the image of a byte that the byte at @off of the content is, or is made from. */
static uint64_t stored_at(const struct rimg_source *src, uint64_t off)
{
	struct source_piece p;
	const struct rimg_source *base;

	while ((base = source_map(src, off, &p)) != NULL) {
		if (p.kind == PIECE_ZERO || p.kind == PIECE_BAD)
			return UINT64_MAX;
		off = p.plain ? p.base_off : p.base_off + random_below(p.base_len);
		src = base;
	}
	return off;
}

static bool is_below(const char *path, const char *address)
{
	size_t len = strlen(address);

	return strncmp(path, address, len) == 0 &&
	       (path[len] == '\0' || strncmp(path + len, "::", 2) == 0);
}

static void check_files(const char *name, const char *steps, int rounds)
{
	static struct files files;
	size_t len;
	uint8_t *a = test_load(test_image_path(name), &len), *b = malloc(len);
	struct test_image t = test_open_bytes(a, len);
	struct rimg_node *dir = steps[0] ? test_find(&t, steps) : t.node;
	struct rimg_layer *l;

	assert_non_null(b);
	memcpy(b, a, len);
	assert_int_equal(node_open(dir, &l, NULL), 0);
	assert_non_null(l);
	files.n = 0;
	list_files(&files, l->top);
	assert_true(files.n > 0);
	for (int i = 0; i < rounds; i++) {
		struct rimg_node *n = files.items[random_below(files.n)];
		uint64_t off = stored_at(n->content, random_below(rimg_source_size(n->content)));
		auto_str struct str address = { 0 };
		struct found f;

		if (off == UINT64_MAX)
			continue;
		node_add_address(&address, n);
		f = flip(a, b, len, off);
		if (!is_below(f.path, str_cstr(&address)))
			fail_msg("%s: byte %llu of \"%s\" was given to \"%s\"", name,
				 (unsigned long long)off, str_cstr(&address), f.path);
		/* inside of a container it may be one of its gaps, and is told to be that */
		if (strcmp(f.path, str_cstr(&address)) == 0)
			assert_int_equal(f.cause, RIMG_CAUSE_CONTENT);
		else if (f.cause == RIMG_CAUSE_UNEXPLAINED)
			assert_non_null(strstr(f.path, "::gap@"));
	}
	test_close(&t);
	free(a);
	free(b);
}

static void bytes_of_files_are_given_to_the_file(void **unused)
{
	static const struct {
		const char *name, *steps;
	} trees[] = {
		{ "basic", "" },        { "text", "" },
		{ "noise", "" },        { "system", "" },
		{ "odd", "" },          { "churned", "" },
		{ "clone", "" },        { "initfs-boot", "" },
		{ "initfs-plain", "" }, { "disk-installer", "REDOX" },
		{ "reserved", "" },     { "disk-installer", "EFI" },
		{ "shrunk", "" },       { "disk-sgdisk", "EFI" },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(trees); i++)
		check_files(trees[i].name, trees[i].steps, 12);
}

/* ---- structures ----------------------------------------------------------------------------- */

struct known {
	uint64_t off;
	const char *path, *field;
	enum rimg_cause cause;
};

static void check_known(const char *name, const struct known *known, size_t n)
{
	size_t len;
	uint8_t *a = test_load(test_image_path(name), &len), *b = malloc(len);

	assert_non_null(b);
	memcpy(b, a, len);
	for (size_t i = 0; i < n; i++) {
		struct found f = flip(a, b, len, known[i].off);

		if (strcmp(f.path, known[i].path) != 0 || strcmp(f.field, known[i].field) != 0 ||
		    f.cause != known[i].cause)
			fail_msg("%s: byte %llu was given to \"%s\" %s, %s; expected \"%s\" %s, %s",
				 name, (unsigned long long)known[i].off, f.path, f.field,
				 rimg_cause_name(f.cause), known[i].path, known[i].field,
				 rimg_cause_name(known[i].cause));
	}
	free(a);
	free(b);
}

#define MIB  UINT64_C(1048576)
#define LAST (UINT64_C(131072) - 1) /* LBA */

/* The UEFI specification's table 5-5 and 5-6; FAT: EFI begins at 1 MiB. */
static void bytes_of_a_disk_are_given_to_their_fields(void **unused)
{
	static const struct known known[] = {
		{ 512 + 56, "header", "disk_guid", RIMG_CAUSE_IDENTIFIER },
		{ 512 + 71, "header", "disk_guid", RIMG_CAUSE_IDENTIFIER },
		{ 512 + 16, "header", "header_crc32", RIMG_CAUSE_CHECKSUM },
		{ 512 + 88, "header", "entries_crc32", RIMG_CAUSE_CHECKSUM },
		{ 1024 + 0 * 128 + 16, "BIOS", "unique_guid", RIMG_CAUSE_IDENTIFIER },
		{ 1024 + 1 * 128 + 31, "EFI", "unique_guid", RIMG_CAUSE_IDENTIFIER },
		{ 1024 + 2 * 128 + 0, "REDOX", "type_guid", RIMG_CAUSE_CONTENT },
		{ LAST * 512 + 56, "backup header", "disk_guid", RIMG_CAUSE_IDENTIFIER },
		{ (LAST - 32) * 512 + 144, "EFI", "backup.unique_guid", RIMG_CAUSE_IDENTIFIER },
		{ MIB + 3, "EFI::boot sector", "oem_name", RIMG_CAUSE_CONTENT },
		{ MIB + 39, "EFI::boot sector", "volume_id", RIMG_CAUSE_IDENTIFIER },
	};

	(void)unused;
	check_known("disk-installer", known, ARRAY_LEN(known));
}

/* Generation 5 lies in slot 5 of the ring. A header whose hash is wrong is none, so the one before
 * it is used; but the byte is told as the field that it is. */
static void bytes_of_the_newest_header_are_given_to_it(void **unused)
{
	static const struct known known[] = {
		{ 5 * 4096 + 16, "header", "uuid", RIMG_CAUSE_IDENTIFIER },
		{ 5 * 4096 + 32, "header", "size", RIMG_CAUSE_CONTENT },
		{ 5 * 4096 + 4095, "header", "hash", RIMG_CAUSE_CHECKSUM },
	};

	(void)unused;
	check_known("system", known, ARRAY_LEN(known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_files_are_given_to_the_file),
		cmocka_unit_test(bytes_of_a_disk_are_given_to_their_fields),
		cmocka_unit_test(bytes_of_the_newest_header_are_given_to_it),
	};

	print_message("seed 0xabcdef\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
