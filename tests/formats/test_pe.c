/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <inttypes.h>

#include "core/num.h"
#include "core/owner.h"

#include "nodes.h"
#include "temp.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "pe");
}

/* ---- programs made by linkers, against objdump ---------------------------------------------- */

static void save_source(void)
{
	static const char source[] =
		"int data = 5;\nconst char msg[] = \"hello\";\nint zero[100];\n"
		"static int helper(int x) { return x * data; }\n"
		"int efi_main(void *h, void *t) { zero[1] = helper(3); return h == t ? zero[1] : "
		"msg[2]; }\n";

	test_save(temp_path("s.c"), source, strlen(source));
}

/* "  0 .text  00000078  0000000140001000  0000000140001000  00000400  2**4" of GNU objdump;
 * LLVM's says "  0 .text  0000001c  0000000140001000 TEXT" and no offset. */
static size_t assert_sections(const struct rimg_layer *l, const char *objdump, const char *path,
			      bool gnu)
{
	char line[600];
	struct rimg_node *node = l->root->first_child;
	uint64_t base = number(node_find(l->root, "header", 6), "image_base");
	size_t n = 0;
	FILE *f;

	snprintf(line, sizeof(line), "%s -h %s", objdump, path);
	f = popen(line, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char name[200];
		uint64_t size, vma, lma, off;
		int fields = sscanf(line, " %*u %199s %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
				    name, &size, &vma, &lma, &off);

		if (fields < (gnu ? 5 : 3))
			continue;
		while (node && node->role != RIMG_ROLE_SECTION)
			node = node->next;
		assert_non_null(node);
		assert_string_equal(node->name, name);
		assert_int_equal(base + number(node, "address"), vma);
		if (gnu) {
			assert_int_equal(number(node, "virtual_size"), size);
			assert_int_equal(number(node, "offset"), off);
		}
		node = node->next;
		n++;
	}
	pclose(f);
	for (; node; node = node->next)
		assert_int_not_equal(node->role, RIMG_ROLE_SECTION);
	return n;
}

/* GNU ld writes symbols, section names in the string table, and a checksum. */
static void program_linked_by_gnu_ld_reads_as_objdump_says(void **state)
{
	struct test_image t;
	struct rimg_layer *l;
	size_t len;
	uint8_t *data;

	(void)state;
	need_program("clang-14");
	need_program("objdump");
	need_program("ld");
	save_source();
	if (!try_run(
		    "cd %s && clang-14 --target=x86_64-unknown-windows -ffreestanding -O0 -gdwarf-4 "
		    "-c -o s.obj s.c && ld -m i386pep --subsystem 10 -e efi_main -o gnu.efi s.obj "
		    "2>/dev/null",
		    temp)) {
		print_message("[  SKIPPED ] this ld makes no PE images\n");
		skip();
	}
	t = test_open(temp_path("gnu.efi"));
	l = open_layer(t.node);
	run_check(l);
	assert_no_findings(t.image);
	assert_in_range(assert_sections(l, "objdump", temp_path("gnu.efi"), true), 6, 20);
	assert_text(l->root, "class", "PE32+");
	assert_text(l->root, "machine", "x86_64");
	assert_text(l->root, "subsystem", "efi application");
	assert_non_null(node_find(l->root, ".debug_info", 11));
	assert_non_null(node_find(l->root, "symbols", 7)->content);
	assert_int_not_equal(number(node_find(l->root, "header", 6), "checksum"), 0);
	test_close(&t);

	/* any changed byte changes the sum */
	data = test_load(temp_path("gnu.efi"), &len);
	data[len - 1] ^= 1;
	t = test_open_bytes(data, len);
	run_check(open_layer(t.node));
	assert_finding(t.image, "pe.checksum");
	test_close(&t);
	free(data);
}

static void program_for_aarch64_reads_as_llvm_says(void **state)
{
	struct test_image t;
	struct rimg_layer *l;
	const struct rimg_attr *path;

	(void)state;
	need_program("clang-14");
	need_program("lld-link-14");
	need_program("llvm-objdump-14");
	save_source();
	run("cd %s && clang-14 --target=aarch64-unknown-windows -ffreestanding -O1 -g "
	    "-gcodeview -c -o a.obj s.c && lld-link-14 /subsystem:efi_application "
	    "/entry:efi_main /nodefaultlib /debug /pdbaltpath:away.pdb /out:a.efi "
	    "a.obj",
	    temp);
	t = test_open(temp_path("a.efi"));
	l = open_layer(t.node);
	run_check(l);
	assert_no_findings(t.image);
	assert_in_range(assert_sections(l, "llvm-objdump-14", temp_path("a.efi"), false), 3, 20);
	assert_text(l->root, "machine", "aarch64");
	path = node_attr(test_find(&t, ".rdata"), "pdb_path");
	assert_non_null(path);
	assert_int_equal(path->cause, RIMG_CAUSE_BUILD_PATH);
	assert_text(test_find(&t, ".rdata"), "pdb_path", "away.pdb");
	test_close(&t);
}

static void program_of_32_bits_reads_as_objdump_says(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	need_program("clang-14");
	need_program("lld-link-14");
	need_program("objdump");
	save_source();
	run("cd %s && clang-14 --target=i686-unknown-windows -ffreestanding -O1 -c "
	    "-o b.obj s.c && lld-link-14 /subsystem:efi_application /entry:efi_main "
	    "/nodefaultlib /safeseh:no /out:b.efi b.obj",
	    temp);
	t = test_open(temp_path("b.efi"));
	l = open_layer(t.node);
	assert_no_findings(t.image);
	assert_in_range(assert_sections(l, "objdump", temp_path("b.efi"), true), 3, 20);
	assert_text(l->root, "class", "PE32");
	assert_text(l->root, "machine", "x86");
	test_close(&t);
}

/* ---- a small image made by hand ------------------------------------------------------------- */

/*   0x000  DOS header            0x080  signature, COFF header, optional header (240 bytes)
 *   0x188  section headers       0x200  .text      0x400  .data     0x600  certificates
 *   0x620  symbols and strings */
enum {
	HEADER = 0x80,
	COFF = HEADER + 4,
	OPTIONAL = COFF + 20,
	DIRS = OPTIONAL + 112,
	SECTIONS = OPTIONAL + 240,
	TEXT = 0x200,
	DATA = 0x400,
	CERTS = 0x600,
	SYMBOLS = 0x620,
	PE_LEN = SYMBOLS + 18 + 4 + 16,
};

static uint8_t pe[PE_LEN + 64];

static void put(size_t off, size_t len, uint64_t value)
{
	assert_true(off + len <= sizeof(pe));
	for (size_t i = 0; i < len; i++)
		pe[off + i] = (uint8_t)(value >> 8 * i);
}

static void put_section(unsigned i, const char *name, uint32_t addr, uint32_t off, uint32_t flags)
{
	size_t at = SECTIONS + 40 * i;

	memcpy(pe + at, name, strlen(name));
	put(at + 8, 4, 0x1F0);
	put(at + 12, 4, addr);
	put(at + 16, 4, 0x200);
	put(at + 20, 4, off);
	put(at + 36, 4, flags);
}

static void make_pe(void)
{
	memset(pe, 0, sizeof(pe));
	memcpy(pe, "MZ", 2);
	put(60, 4, HEADER);
	memcpy(pe + 64, "can't run", 9);
	memcpy(pe + HEADER, "PE\0", 4);
	put(COFF, 2, 0xAA64);
	put(COFF + 2, 2, 2);
	put(COFF + 4, 4, 1700000000);
	put(COFF + 8, 4, SYMBOLS);
	put(COFF + 12, 4, 1);
	put(COFF + 16, 2, 240);
	put(OPTIONAL, 2, 0x20B);
	put(OPTIONAL + 16, 4, 0x1000);
	put(OPTIONAL + 56, 4, 0x3000);
	put(OPTIONAL + 68, 2, 10);
	put(OPTIONAL + 108, 4, 16);
	put(DIRS + 4 * 8, 4, CERTS);
	put(DIRS + 4 * 8 + 4, 4, 0x20);
	put(DIRS + 6 * 8, 4, 0x2000);
	put(DIRS + 6 * 8 + 4, 4, 28);
	put_section(0, ".text", 0x1000, TEXT, 0x60000020);
	put_section(1, "/4", 0x2000, DATA, 0xC0000040);
	for (unsigned i = 0; i < 0x200; i++)
		pe[TEXT + i] = (uint8_t)(i + 1);
	/* debug directory with one CodeView entry */
	put(DATA + 4, 4, 1600000000);
	put(DATA + 12, 4, 2);
	put(DATA + 16, 4, 30);
	put(DATA + 20, 4, 0x2040);
	memcpy(pe + DATA + 0x40, "RSDS0123456789abcdef\1\0\0\0a.pdb", 30);
	memset(pe + CERTS, 'c', 0x20);
	memset(pe + SYMBOLS, 's', 18);
	put(SYMBOLS + 18, 4, 20);
	memcpy(pe + SYMBOLS + 22, ".data.long.name", 16);
}

static struct rimg_layer *open_made(struct test_image *t, size_t len)
{
	*t = test_open_bytes(pe, len);
	return open_layer(t->node);
}

static void sound_image_has_no_findings(void **state)
{
	struct test_image t;
	struct rimg_layer *l;
	const struct rimg_attr *a;
	size_t len;
	uint8_t *data;

	(void)state;
	make_pe();
	l = open_made(&t, PE_LEN);
	run_check(l);
	assert_no_findings(t.image);
	assert_text(l->root, "machine", "aarch64");
	a = node_attr(test_find(&t, "header"), "timestamp");
	assert_non_null(a);
	assert_int_equal(a->time.s, 1700000000);
	assert_int_equal(a->cause, RIMG_CAUSE_TIMESTAMP);
	a = node_attr(test_find(&t, ".data.long.name"), "debug_timestamp");
	assert_non_null(a);
	assert_int_equal(a->time.s, 1600000000);
	assert_text(test_find(&t, ".data.long.name"), "pdb_path", "a.pdb");
	data = test_read_node(test_find(&t, ".text"), &len);
	assert_int_equal(len, 0x200);
	assert_memory_equal(data, pe + TEXT, len);
	free(data);
	assert_int_equal(rimg_source_size(test_find(&t, "certificates")->content), 0x20);
	test_close(&t);
}

struct defect {
	const char *code;
	size_t off, len;
	uint64_t value;
};

static const struct defect defects[] = {
	{ "pe.header", OPTIONAL, 2, 0x107 },
	{ "pe.header", COFF + 16, 2, 111 },
	{ "pe.header", COFF + 16, 2, 0xFFFF },
	{ "pe.directories", OPTIONAL + 108, 4, 17 },
	{ "pe.directories", COFF + 16, 2, 239 },
	{ "pe.directories", OPTIONAL + 108, 4, UINT32_MAX },
	{ "pe.section-headers", COFF + 2, 2, 0xFFFF },
	{ "pe.section-range", SECTIONS + 16, 4, PE_LEN - TEXT + 1 },
	{ "pe.section-range", SECTIONS + 20, 4, UINT32_MAX },
	{ "pe.section-overlap", SECTIONS + 16, 4, 0x201 },
	{ "pe.entry", OPTIONAL + 16, 4, 0x1200 },
	{ "pe.entry", OPTIONAL + 16, 4, 0x2000 },
	{ "pe.symbols", COFF + 8, 4, PE_LEN - 3 },
	{ "pe.symbols", COFF + 12, 4, UINT32_MAX },
	{ "pe.symbols", SYMBOLS + 18, 4, 21 },
	{ "pe.symbols", SYMBOLS + 18, 4, 3 },
	{ "pe.certificates", DIRS + 4 * 8 + 4, 4, PE_LEN - CERTS + 1 },
	{ "pe.certificates", DIRS + 4 * 8, 4, UINT32_MAX },
	{ "pe.directory-range", DIRS + 6 * 8, 4, 0x2200 },
	{ "pe.directory-range", DIRS, 8, UINT64_C(0x200100001000) },
	{ "pe.checksum", OPTIONAL + 64, 4, 1 },
	{ "pe.gap-data", TEXT - 1, 1, 1 },
	{ "pe.overlay", COFF + 8, 4, 0 },
	{ "pe.overlay", DIRS + 4 * 8, 8, 0 },
};

static void each_defect_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++) {
		const struct defect *d = &defects[i];
		struct test_image t;
		struct rimg_layer *l;

		make_pe();
		put(d->off, d->len, d->value);
		l = open_made(&t, PE_LEN);
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
		{ NULL, OPTIONAL + 108, 4, 15 },
		{ NULL, OPTIONAL + 16, 4, 0x11FF },
		{ NULL, OPTIONAL + 16, 4, 0 },
		{ NULL, SYMBOLS + 18, 4, 20 },
		{ NULL, DIRS, 8, UINT64_C(0x200000001000) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct test_image t;
		struct rimg_layer *l;

		make_pe();
		put(good[i].off, good[i].len, good[i].value);
		l = open_made(&t, PE_LEN);
		run_check(l);
		assert_no_findings(t.image);
		test_close(&t);
	}
}

static void truncated_anywhere_ends_in_findings(void **state)
{
	(void)state;
	make_pe();
	for (size_t len = HEADER + 4; len < PE_LEN; len++) {
		struct test_image t;

		if (open_made(&t, len)->n_errors == 0)
			fail_msg("no error for %zu bytes", len);
		test_close(&t);
	}
}

static void overlay_is_reachable(void **state)
{
	struct test_image t;
	size_t len;
	uint8_t *data;

	(void)state;
	make_pe();
	memcpy(pe + PE_LEN, "tail", 4);
	open_made(&t, PE_LEN + 4);
	assert_finding(t.image, "pe.overlay");
	data = test_read_node(test_find(&t, "overlay"), &len);
	assert_int_equal(len, 4);
	assert_memory_equal(data, "tail", 4);
	free(data);
	test_close(&t);
}

static void headers_inside_of_each_other_are_told_apart(void **state)
{
	struct test_image t;

	(void)state;
	/* the smallest images keep the signature inside of the DOS header */
	make_pe();
	memmove(pe + 4, pe + HEADER, SECTIONS + 80 - HEADER);
	put(60, 4, 4);
	open_made(&t, PE_LEN);
	assert_string_equal(owner_at(t.node, 3, NULL).node->name, "dos header");
	assert_string_equal(owner_at(t.node, 4, NULL).node->name, "header");
	assert_string_equal(owner_at(t.node, 63, NULL).node->name, "header");
	assert_no_finding(t.image, "layer.overlap");
	test_close(&t);
}

static void each_structure_is_owned_by_its_node(void **state)
{
	static const struct {
		uint64_t off;
		const char *name, *key;
		enum rimg_cause cause;
	} owners[] = {
		{ 60, "dos header", "signature_offset", RIMG_CAUSE_PLACEMENT },
		{ 64, "dos header", "dos_stub", RIMG_CAUSE_CONTENT },
		{ COFF + 7, "header", "timestamp", RIMG_CAUSE_TIMESTAMP },
		{ OPTIONAL + 64, "header", "checksum", RIMG_CAUSE_CHECKSUM },
		{ DIRS + 6 * 8, "header", "debug.address", RIMG_CAUSE_PLACEMENT },
		{ SECTIONS + 20, ".text", "offset", RIMG_CAUSE_PLACEMENT },
		{ SECTIONS + 80, "padding", NULL, RIMG_CAUSE_PADDING },
		{ TEXT, ".text", NULL, RIMG_CAUSE_CONTENT },
		{ DATA + 4, ".data.long.name", "debug_timestamp", RIMG_CAUSE_TIMESTAMP },
		{ DATA + 0x44, ".data.long.name", "pdb_guid", RIMG_CAUSE_BUILD_ID },
		{ DATA + 0x58, ".data.long.name", "pdb_path", RIMG_CAUSE_BUILD_PATH },
		{ CERTS, "certificates", NULL, RIMG_CAUSE_CONTENT },
		{ SYMBOLS, "symbols", NULL, RIMG_CAUSE_CONTENT },
	};
	struct test_image t;

	(void)state;
	make_pe();
	open_made(&t, PE_LEN);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		struct owner o = owner_at(t.node, owners[i].off, NULL);

		assert_string_equal(o.node->name, owners[i].name);
		assert_string_equal(o.attr ? o.attr->key : "", owners[i].key ? owners[i].key : "");
		assert_int_equal(o.attr ? o.attr->cause : o.claim->cause, owners[i].cause);
	}
	test_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_linked_by_gnu_ld_reads_as_objdump_says),
		cmocka_unit_test(program_for_aarch64_reads_as_llvm_says),
		cmocka_unit_test(program_of_32_bits_reads_as_objdump_says),
		cmocka_unit_test(sound_image_has_no_findings),
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(last_good_values_have_no_finding),
		cmocka_unit_test(truncated_anywhere_ends_in_findings),
		cmocka_unit_test(overlay_is_reachable),
		cmocka_unit_test(headers_inside_of_each_other_are_told_apart),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
	};

	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
