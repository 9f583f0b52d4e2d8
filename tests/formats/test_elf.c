/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <elf.h>
#include <inttypes.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/owner.h"
#include "formats/elf_view.h"

#include "nodes.h"

static struct rimg_layer *open_layer(struct rimg_node *node)
{
	return layer_of(node, "elf");
}

static bool has_name(const struct rimg_node *node, const char *name)
{
	if (strcmp(node->name, name) == 0)
		return true;
	rimg_for_each_attr(a, node) {
		if (strcmp(a->key, "alias") == 0 && a->bytes.len == strlen(name) &&
		    memcmp(a->bytes.data, name, a->bytes.len) == 0)
			return true;
	}
	return false;
}

/* ---- a small program made by hand, of either class and byte order --------------------------- */

/*   0x000  ELF header           0x040  program headers: LOAD, NOTE
 *   0x100  .text                0x140  .comment
 *   0x160  .note.gnu.build-id   0x180  .symtab
 *   0x240  .strtab              0x280  .shstrtab
 *   0x300  section headers */
enum {
	TEXT = 0x100,
	COMMENT = 0x140,
	NOTE = 0x160,
	SYMTAB = 0x180,
	STRTAB = 0x240,
	SHSTRTAB = 0x280,
	SHDRS = 0x300,
	ELF_LEN = SHDRS + 7 * 64,
	ADDRESS = 0x10000,
};

static uint8_t elf[ELF_LEN + 64];
static bool is64 = true, big;

static void put(size_t off, size_t len, uint64_t value)
{
	assert_true(off + len <= sizeof(elf));
	for (size_t i = 0; i < len; i++)
		elf[off + (big ? len - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

/* A row of numbers; a length of 0 means the class's word. Returns the offset behind it. */
static size_t put_row(size_t off, const uint64_t (*row)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = row[i][0] ? (size_t)row[i][0] : is64 ? 8 : 4;

		put(off, len, row[i][1]);
		off += len;
	}
	return off;
}

static void put_segment(unsigned i, uint32_t type, uint64_t off, uint64_t size, uint64_t align)
{
	const uint64_t row64[][2] = { { 4, type },          { 4, 5 },
				      { 8, off },           { 8, ADDRESS + off },
				      { 8, ADDRESS + off }, { 8, size },
				      { 8, size },          { 8, align } };
	const uint64_t row32[][2] = {
		{ 4, type }, { 4, off }, { 4, ADDRESS + off }, { 4, ADDRESS + off }, { 4, size },
		{ 4, size }, { 4, 5 },   { 4, align }
	};

	put_row(64 + i * (is64 ? 56 : 32), is64 ? row64 : row32, 8);
}

static void put_section(unsigned i, uint32_t name, uint32_t type, uint64_t flags, uint64_t off,
			uint64_t size, uint32_t link, uint64_t entsize)
{
	const uint64_t row[][2] = {
		{ 4, name }, { 4, type },    { 0, flags }, { 0, flags ? ADDRESS + off : 0 },
		{ 0, off },  { 0, size },    { 4, link },  { 4, type == SHT_SYMTAB ? 1 : 0 },
		{ 0, 1 },    { 0, entsize },
	};

	put_row(SHDRS + i * (is64 ? 64 : 40), row, ARRAY_LEN(row));
}

static void put_symbol(unsigned i, uint32_t name, uint64_t value, uint64_t size, unsigned info,
		       unsigned shndx)
{
	const uint64_t row64[][2] = { { 4, name },  { 1, info },  { 1, 0 },
				      { 2, shndx }, { 8, value }, { 8, size } };
	const uint64_t row32[][2] = { { 4, name }, { 4, value }, { 4, size },
				      { 1, info }, { 1, 0 },     { 2, shndx } };

	put_row(SYMTAB + i * (is64 ? 24 : 16), is64 ? row64 : row32, 6);
}

static void put_text(size_t off, const char *text, size_t len)
{
	memcpy(elf + off, text, len);
}

/* where the names of the symbols lie in .strtab */
enum {
	NAME_ALPHA = 1,
	NAME_BETA = 7,
	NAME_BETA2 = 12,
	NAME_GAMMA = 18,
	NAME_X = 24,
	NAME_LABEL = 27
};

#define FUNC  (STB_GLOBAL << 4 | STT_FUNC)
#define LABEL (STB_GLOBAL << 4 | STT_NOTYPE)
#define LOCAL STT_NOTYPE

static void make_elf(bool want64, bool want_big)
{
	static const char names[] = "\0.text\0.comment\0.note.gnu.build-id\0.symtab\0.strtab\0"
				    ".shstrtab";
	static const char symbols[] = "\0alpha\0beta\0beta2\0gamma\0$x\0label";
	const uint64_t row[][2] = {
		{ 2, ET_EXEC },
		{ 2, EM_AARCH64 },
		{ 4, 1 },
		{ 0, ADDRESS + TEXT },
		{ 0, 64 },
		{ 0, SHDRS },
		{ 4, 0 },
		{ 2, want64 ? 64 : 52 },
		{ 2, want64 ? 56 : 32 },
		{ 2, 2 },
		{ 2, want64 ? 64 : 40 },
		{ 2, 7 },
		{ 2, 6 },
	};
	unsigned sym = want64 ? 24 : 16;

	is64 = want64;
	big = want_big;
	memset(elf, 0, sizeof(elf));
	put_text(0,
		 "\x7f"
		 "ELF",
		 4);
	elf[4] = want64 ? 2 : 1;
	elf[5] = want_big ? 2 : 1;
	elf[6] = 1;
	put_row(16, row, ARRAY_LEN(row));
	put_segment(0, PT_LOAD, 0, TEXT + 64, 0x1000);
	put_segment(1, PT_NOTE, NOTE, 24, 4);
	for (unsigned i = 0; i < 64; i++)
		elf[TEXT + i] = (uint8_t)(i + 1);
	put_text(COMMENT, "cc 1.0\0as 2.0", 14);
	put(NOTE, 4, 4);
	put(NOTE + 4, 4, 8);
	put(NOTE + 8, 4, NT_GNU_BUILD_ID);
	put_text(NOTE + 12, "GNU", 4);
	put_text(NOTE + 16, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	put_symbol(1, NAME_X, ADDRESS + TEXT, 0, LOCAL, 1);
	put_symbol(2, NAME_ALPHA, ADDRESS + TEXT, 16, FUNC, 1);
	put_symbol(3, NAME_BETA2, ADDRESS + TEXT + 16, 12, FUNC, 1);
	put_symbol(4, NAME_BETA, ADDRESS + TEXT + 16, 16, FUNC, 1);
	put_symbol(5, NAME_GAMMA, ADDRESS + TEXT + 48, 0, FUNC, 1);
	put_symbol(6, NAME_LABEL, ADDRESS + TEXT + 40, 0, LABEL, 1);
	memcpy(elf + STRTAB, symbols, sizeof(symbols));
	memcpy(elf + SHSTRTAB, names, sizeof(names));
	put_section(1, 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, 64, 0, 0);
	put_section(2, 7, SHT_PROGBITS, 0, COMMENT, 14, 0, 0);
	put_section(3, 16, SHT_NOTE, SHF_ALLOC, NOTE, 24, 0, 0);
	put_section(4, 35, SHT_SYMTAB, 0, SYMTAB, 7 * sym, 5, sym);
	put_section(5, 43, SHT_STRTAB, 0, STRTAB, sizeof(symbols), 0, 0);
	put_section(6, 51, SHT_STRTAB, 0, SHSTRTAB, sizeof(names), 0, 0);
}

static struct rimg_layer *open_made(struct test_image *t)
{
	*t = test_open_bytes(elf, ELF_LEN);
	return open_layer(t->node);
}

static void assert_bytes(struct test_image *t, const char *steps, uint64_t off, uint64_t len)
{
	struct rimg_node *node = test_find(t, steps);
	size_t have;
	uint8_t *data = test_read_node(node, &have);

	assert_int_equal(have, len);
	assert_memory_equal(data, elf + off, len);
	free(data);
}

static void assert_sound(void)
{
	struct test_image t;
	struct rimg_layer *l = open_made(&t);
	const struct rimg_attr *id;

	assert_no_findings(t.image);
	assert_text(l->root, "class", is64 ? "64-bit" : "32-bit");
	assert_text(l->root, "data", big ? "big-endian" : "little-endian");
	assert_text(l->root, "machine", "aarch64");
	assert_text(l->root, "type", "executable");
	assert_int_equal(number(l->root, "entry"), ADDRESS + TEXT);
	assert_int_equal(number(l->root, "stripped"), 0);
	assert_text(l->root, "comment", "cc 1.0");
	assert_bytes(&t, ".text", TEXT, 64);
	assert_bytes(&t, ".text::alpha", TEXT, 16);
	assert_bytes(&t, ".text::beta", TEXT + 16, 16);
	assert_text(test_find(&t, ".text::beta"), "alias", "beta2");
	assert_int_equal(number(test_find(&t, ".text::beta"), "address"), ADDRESS + TEXT + 16);
	/* without a size: up to the end */
	assert_bytes(&t, ".text::gamma", TEXT + 48, 16);
	assert_int_equal(test_find(&t, ".text")->n_children, 3);
	id = node_attr(test_find(&t, ".note.gnu.build-id"), "build-id");
	assert_non_null(id);
	assert_int_equal(id->cause, RIMG_CAUSE_BUILD_ID);
	assert_int_equal(id->place.off, NOTE + 16);
	assert_int_equal(id->bytes.len, 8);
	assert_memory_equal(id->bytes.data, elf + NOTE + 16, 8);
	test_close(&t);
}

static void all_classes_and_byte_orders_read_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		make_elf(i & 1, i & 2);
		assert_sound();
	}
}

/* Field offsets of the 64-bit structures. */
#define EHDR(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define PHDR(i, field)                                               \
	64 + (i) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field), \
		sizeof(((Elf64_Phdr *)0)->field)
#define SHDR(i, field)                                                  \
	SHDRS + (i) * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, field), \
		sizeof(((Elf64_Shdr *)0)->field)
#define SYM(i, field)                                                  \
	SYMTAB + (i) * sizeof(Elf64_Sym) + offsetof(Elf64_Sym, field), \
		sizeof(((Elf64_Sym *)0)->field)

struct defect {
	const char *code;
	size_t off, len;
	uint64_t value;
};

static const struct defect defects[] = {
	{ "elf.ident", EI_CLASS, 1, 0 },
	{ "elf.ident", EI_CLASS, 1, 3 },
	{ "elf.ident", EI_DATA, 1, 3 },
	{ "elf.ident", EI_VERSION, 1, 2 },
	{ "elf.ident-padding", EI_PAD, 1, 1 },
	{ "elf.ident-padding", 15, 1, 1 },
	{ "elf.header", EHDR(e_version), 2 },
	{ "elf.header", EHDR(e_ehsize), 63 },
	{ "elf.program-headers", EHDR(e_phentsize), 55 },
	{ "elf.program-headers", EHDR(e_phoff), ELF_LEN - 111 },
	{ "elf.program-headers", EHDR(e_phoff), UINT64_MAX },
	{ "elf.program-headers", EHDR(e_phoff), 0 },
	{ "elf.program-headers", EHDR(e_phnum), 0xFFFE },
	{ "elf.section-headers", EHDR(e_shentsize), 65 },
	{ "elf.section-headers", EHDR(e_shoff), SHDRS + 1 },
	{ "elf.section-headers", EHDR(e_shoff), UINT64_MAX },
	{ "elf.section-headers", EHDR(e_shnum), 8 },
	{ "elf.section-headers", EHDR(e_shnum), 0xFEFF },
	{ "elf.section-names", EHDR(e_shstrndx), 7 },
	{ "elf.entry", EHDR(e_entry), ADDRESS + TEXT + 64 },
	{ "elf.entry", PHDR(0, p_flags), 4 },
	{ "elf.segment-range", PHDR(0, p_filesz), ELF_LEN + 1 },
	{ "elf.segment-range", PHDR(1, p_offset), UINT64_MAX },
	{ "elf.segment-size", PHDR(0, p_memsz), TEXT + 63 },
	{ "elf.segment-align", PHDR(0, p_vaddr), ADDRESS + 1 },
	{ "elf.section-range", SHDR(1, sh_size), ELF_LEN - TEXT + 1 },
	{ "elf.section-range", SHDR(1, sh_size), UINT64_MAX },
	{ "elf.section-range", SHDR(2, sh_offset), UINT64_MAX },
	{ "elf.section-link", SHDR(4, sh_link), 7 },
	{ "elf.section-name", SHDR(1, sh_name), 61 },
	{ "elf.section-name", SHDR(1, sh_name), UINT32_MAX },
	{ "elf.section-overlap", SHDR(2, sh_offset), TEXT + 63 },
	{ "elf.symbol-table", SHDR(4, sh_size), 7 * 24 - 1 },
	{ "elf.symbol-table", SHDR(4, sh_size), ELF_LEN },
	{ "elf.symbol-name", SYM(2, st_name), 33 },
	{ "elf.symbol-name", SHDR(4, sh_link), 0 },
	{ "elf.symbol-range", SYM(2, st_value), ADDRESS + TEXT + 64 },
	{ "elf.symbol-range", SYM(2, st_shndx), 7 },
	{ "elf.symbol-range", SYM(4, st_size), 49 },
	{ "elf.symbol-range", SYM(4, st_size), UINT64_MAX },
	{ "elf.symbol-overlap", SYM(2, st_size), 17 },
	{ "elf.note", NOTE, 4, 5000 },
	{ "elf.note", NOTE + 4, 4, UINT32_MAX },
	{ "elf.gap-data", STRTAB - 1, 1, 1 },
	{ "elf.gap-data", SHDRS - 1, 1, 1 },
};

static void each_defect_has_its_finding(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defects); i++) {
		const struct defect *d = &defects[i];
		struct test_image t;

		make_elf(true, i % 2);
		put(d->off, d->len, d->value);
		open_made(&t);
		if (!test_finding(t.image, d->code)) {
			test_print_findings(t.image, SEVERITY_WARNING);
			fail_msg("no finding %s for 0x%" PRIx64 " at %zu", d->code, d->value,
				 d->off);
		}
		test_close(&t);
	}
}

static void the_entry_of_32_bits_has_four_bytes(void **state)
{
	const struct finding *f;
	struct test_image t;

	(void)state;
	make_elf(false, true);
	put(offsetof(Elf32_Ehdr, e_entry), 4, ADDRESS + TEXT + 64);
	open_made(&t);
	f = test_finding(t.image, "elf.entry");
	assert_non_null(f);
	assert_int_equal(f->off, offsetof(Elf32_Ehdr, e_entry));
	assert_int_equal(f->len, 4);
	test_close(&t);
}

/* The last value that is right, beside the first of the list above that is not. */
static void last_good_values_have_no_finding(void **state)
{
	static const struct defect good[] = {
		{ NULL, EHDR(e_entry), ADDRESS + TEXT + 63 },
		{ NULL, EHDR(e_entry), 0 },
		{ NULL, PHDR(0, p_filesz), TEXT + 63 },
		{ NULL, SYM(2, st_size), 15 },
		{ NULL, SYM(4, st_size), 48 - 16 },
		{ NULL, SYM(5, st_value), ADDRESS + TEXT + 63 },
		{ NULL, SYM(2, st_shndx), SHN_ABS },
		{ NULL, SYM(2, st_shndx), SHN_UNDEF },
		{ NULL, SHDR(4, sh_link), 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct test_image t;

		make_elf(true, i % 2);
		put(good[i].off, good[i].len, good[i].value);
		open_made(&t);
		assert_no_findings(t.image);
		test_close(&t);
	}
}

static void counts_beyond_the_header_stand_in_section_header_0(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		make_elf(true, i);
		put(EHDR(e_shnum), 0);
		put(EHDR(e_shstrndx), SHN_XINDEX);
		put(EHDR(e_phnum), PN_XNUM);
		put(SHDR(0, sh_size), 7);
		put(SHDR(0, sh_link), 6);
		put(SHDR(0, sh_info), 2);
		assert_sound();
	}
}

static void truncated_anywhere_ends_in_findings(void **state)
{
	(void)state;
	make_elf(true, false);
	for (size_t len = 4; len < ELF_LEN; len++) {
		struct test_image t = test_open_bytes(elf, len);

		if (open_layer(t.node)->n_errors == 0)
			fail_msg("no error for %zu bytes", len);
		test_close(&t);
	}
}

static void magic_before_noise_is_unreadable_and_says_so(void **state)
{
	uint8_t noise[9000] = "\x7f"
			      "ELF";
	uint32_t seed = 1;
	struct test_image t;

	(void)state;
	for (size_t i = 4; i < sizeof(noise); i++) {
		seed = seed * 1103515245 + 12345;
		noise[i] = (uint8_t)(seed >> 16);
	}
	t = test_open_bytes(noise, sizeof(noise));
	assert_true(open_layer(t.node)->unreadable);
	assert_finding(t.image, "elf.ident");
	test_close(&t);
}

static void stub_of_a_header_and_noise_is_read_with_warnings(void **state)
{
	struct test_image t = test_open_golden("initfs-boot", "bootstrap");
	struct rimg_layer *l = open_layer(t.node);

	(void)state;
	assert_false(l->unreadable);
	assert_int_equal(l->n_errors, 0);
	assert_finding(t.image, "elf.header");
	assert_finding(t.image, "elf.gap-data");
	/* the noise has an owner, whose content can be looked at */
	assert_int_equal(test_finding(t.image, "elf.gap-data")->node->role, RIMG_ROLE_META);
	assert_non_null(test_finding(t.image, "elf.gap-data")->node->content);
	assert_int_equal(number(l->root, "entry"), 0x2000);
	test_close(&t);
}

static void larger_than_the_limit_is_not_read(void **state)
{
	struct test_image t;

	(void)state;
	make_elf(true, false);
	t = test_open_bytes(elf, ELF_LEN);
	t.ctx->limits.analysis_bytes = ELF_LEN - 1;
	assert_true(open_layer(t.node)->unreadable);
	assert_finding(t.image, "elf.too-big");
	test_close(&t);

	t = test_open_bytes(elf, ELF_LEN);
	t.ctx->limits.analysis_bytes = ELF_LEN;
	assert_false(open_layer(t.node)->unreadable);
	test_close(&t);
}

/* As many aliases of one function: they need no nodes, but nobody knows that before they are read.
 */
static void more_functions_than_nodes_are_counted(void **state)
{
	enum { N = 64, LEN = 24 };
	uint8_t many[ELF_LEN + N * LEN] = { 0 };
	struct test_image t;

	(void)state;
	make_elf(true, false);
	put_section(4, 35, SHT_SYMTAB, 0, ELF_LEN, sizeof(many) - ELF_LEN, 5, LEN);
	memcpy(many, elf, ELF_LEN);
	for (size_t i = 1; i < N; i++)
		memcpy(many + ELF_LEN + i * LEN, elf + SYMTAB + (size_t)2 * LEN, LEN);
	for (uint64_t limit = N - 2; limit < N; limit++) {
		t = test_open_bytes(many, sizeof(many));
		t.ctx->limits.nodes = limit;
		open_layer(t.node);
		assert_int_equal(test_find(&t, ".text")->n_children, 1);
		if (limit < N - 1)
			assert_finding(t.image, "elf.symbol-count");
		else
			assert_null(test_finding(t.image, "elf.symbol-count"));
		test_close(&t);
	}
}

static void labels_stand_in_for_functions_where_there_are_none(void **state)
{
	struct test_image t;

	(void)state;
	make_elf(true, false);
	for (unsigned i = 2; i <= 5; i++)
		put(SYM(i, st_info), STB_GLOBAL << 4 | STT_OBJECT);
	open_made(&t);
	assert_int_equal(test_find(&t, ".text")->n_children, 1);
	assert_bytes(&t, ".text::label", TEXT + 40, 24);
	test_close(&t);
}

static void function_inside_another_owns_its_bytes(void **state)
{
	struct test_image t;

	(void)state;
	make_elf(true, false);
	put(SYM(2, st_size), 40);
	open_made(&t);
	assert_bytes(&t, ".text::alpha", TEXT, 40);
	assert_bytes(&t, ".text::beta", TEXT + 16, 16);
	assert_string_equal(owner_at(t.node, TEXT + 15, NULL).node->name, "alpha");
	assert_string_equal(owner_at(t.node, TEXT + 16, NULL).node->name, "beta");
	assert_no_finding(t.image, "layer.overlap");
	test_close(&t);
}

static void symbols_of_one_address_are_one_function(void **state)
{
	struct test_image t;
	struct rimg_node *node;

	(void)state;
	make_elf(true, false);
	put(SYM(2, st_value), ADDRESS + TEXT + 16);
	put(SYM(5, st_value), ADDRESS + TEXT + 16);
	open_made(&t);
	assert_int_equal(test_find(&t, ".text")->n_children, 1);
	node = test_find(&t, ".text::alpha");
	assert_text(node, "alias", "beta");
	assert_true(has_name(node, "beta2"));
	assert_true(has_name(node, "gamma"));
	assert_no_findings(t.image);
	test_close(&t);
}

static void sections_that_share_bytes_are_not_looked_into(void **state)
{
	struct test_image t;
	struct rimg_layer *l;

	(void)state;
	/* a section that is the file itself */
	make_elf(true, false);
	put(SHDR(2, sh_offset), 0);
	put(SHDR(2, sh_size), ELF_LEN);
	open_made(&t);
	assert_int_equal(rimg_source_size(test_find(&t, ".comment")->content), ELF_LEN);
	assert_int_equal(node_open(test_find(&t, ".comment"), &l, NULL), 0);
	assert_null(l);
	test_close(&t);

	/* a section with a program in it that shares nothing */
	make_elf(true, false);
	memcpy(elf + TEXT, elf, 64);
	put(SHDR(1, sh_flags), SHF_ALLOC);
	open_made(&t);
	assert_int_equal(node_open(test_find(&t, ".text"), &l, NULL), 0);
	assert_non_null(l);
	assert_string_equal(l->format->name, "elf");
	test_close(&t);
}

static void each_structure_is_owned_by_its_node(void **state)
{
	static const struct {
		uint64_t off;
		const char *name, *what, *key;
		enum rimg_cause cause;
	} owners[] = {
		{ 24, "header", "ELF header", "entry", RIMG_CAUSE_PLACEMENT },
		{ 64 + 8, "segment 0", "program header", "offset", RIMG_CAUSE_PLACEMENT },
		{ TEXT - 1, "padding", "padding", NULL, RIMG_CAUSE_PADDING },
		{ TEXT, "alpha", "content", NULL, RIMG_CAUSE_CONTENT },
		{ TEXT + 31, "beta", "content", NULL, RIMG_CAUSE_CONTENT },
		{ TEXT + 32, ".text", "content", NULL, RIMG_CAUSE_CONTENT },
		{ TEXT + 63, "gamma", "content", NULL, RIMG_CAUSE_CONTENT },
		{ NOTE + 15, ".note.gnu.build-id", "content", NULL, RIMG_CAUSE_CONTENT },
		{ NOTE + 16, ".note.gnu.build-id", "content", "build-id", RIMG_CAUSE_BUILD_ID },
		{ NOTE + 24, "padding", "padding", NULL, RIMG_CAUSE_PADDING },
		{ SHDRS, "section header 0", "section header", "name_offset",
		  RIMG_CAUSE_PLACEMENT },
		{ SHDRS + 64 + 32, ".text", "section header", "size", RIMG_CAUSE_CONTENT },
	};
	struct test_image t;

	(void)state;
	make_elf(true, false);
	open_made(&t);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		struct owner o = owner_at(t.node, owners[i].off, NULL);

		assert_string_equal(o.node->name, owners[i].name);
		assert_string_equal(o.claim->what, owners[i].what);
		assert_int_equal(o.attr ? o.attr->cause : o.claim->cause, owners[i].cause);
		assert_string_equal(o.attr ? o.attr->key : "", owners[i].key ? owners[i].key : "");
	}
	test_close(&t);
}

/* ---- a program as a whole ------------------------------------------------------------------ */

/* What is in elf[], up to @len bytes, as those see it who compare programs. */
static struct elf_view view(size_t len, uint64_t max)
{
	struct test_image t = test_open_bytes(elf, len);
	struct elf_view v;

	assert_int_equal(elf_view_open(t.node->content, max, &v), 0);
	test_close(&t);
	return v;
}

static void assert_named(const char *name, const char *expected)
{
	assert_non_null(name);
	assert_string_equal(name, expected);
}

static void assert_view_sound(void)
{
	struct elf_view v = view(ELF_LEN, ELF_LEN);
	uint64_t text = ADDRESS + TEXT;

	assert_int_equal(v.n_sections, 7);
	assert_named(v.section[6].name, ".shstrtab");
	assert_named(elf_view_section_at(&v, text + 63)->name, ".text");
	assert_null(elf_view_section_at(&v, text + 64));
	assert_null(elf_view_section_at(&v, text - 1));
	assert_named(elf_view_symbol_at(&v, text + 15)->name, "alpha");
	assert_named(elf_view_symbol_at(&v, text + 31)->name, "beta");
	assert_null(elf_view_symbol_at(&v, text + 32));
	assert_named(elf_view_symbol_at(&v, text + 48)->name, "gamma");
	assert_null(elf_view_symbol_at(&v, text + 49));
	assert_null(elf_view_symbol_at(&v, text - 1));
	elf_view_done(&v);
}

static void a_view_of_all_classes_and_byte_orders_is_the_same(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		make_elf(i & 1, i & 2);
		assert_view_sound();
	}
	make_elf(true, false);
	put(EHDR(e_shnum), 0);
	put(EHDR(e_shstrndx), SHN_XINDEX);
	put(SHDR(0, sh_size), 7);
	put(SHDR(0, sh_link), 6);
	assert_view_sound();
}

/* Bytes of the program that are no program: what remains is left out, and nothing else. */
static void a_view_leaves_out_what_is_damaged(void **state)
{
	static const struct {
		size_t off, len;
		uint64_t value;
		size_t n_sections, n_symbols;
	} edits[] = {
		{ 0, 1, 0, 0, 0 },
		{ EHDR(e_shentsize), 40, 0, 0 },
		{ EHDR(e_shoff), 0, 0, 0 },
		{ EHDR(e_shoff), ELF_LEN, 0, 0 },
		{ EHDR(e_shoff), ELF_LEN - 64, 1, 0 },
		{ EHDR(e_type), ET_REL, 7, 0 },
		{ SHDR(4, sh_type), SHT_NOBITS, 7, 0 },
		{ SHDR(4, sh_size), UINT64_MAX, 7, 0 },
		{ SHDR(4, sh_size), 0, 7, 0 },
		{ SHDR(4, sh_size), 3 * 24, 7, 1 },
		{ SHDR(4, sh_link), 0, 7, 0 },
		{ SHDR(4, sh_link), 7, 7, 0 },
		{ SYM(2, st_name), UINT32_MAX, 7, 3 },
		{ SYM(2, st_info), STB_GLOBAL << 4 | STT_FILE, 7, 3 },
	};
	struct elf_view v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		make_elf(true, false);
		put(edits[i].off, edits[i].len, edits[i].value);
		v = view(ELF_LEN, ELF_LEN);
		if (v.n_sections != edits[i].n_sections || v.n_symbols != edits[i].n_symbols)
			fail_msg("edit %zu: %zu sections, %zu symbols", i, v.n_sections,
				 v.n_symbols);
		if (v.type == ET_REL)
			assert_null(elf_view_section_at(&v, ADDRESS + TEXT));
		elf_view_done(&v);
	}
	make_elf(true, false);
	v = view(ELF_LEN, ELF_LEN - 1);
	assert_null(v.data);
	for (size_t len = 1; len < ELF_LEN; len++) {
		v = view(len, ELF_LEN);
		assert_true(v.n_sections <= (len > SHDRS ? (len - SHDRS) / 64 : 0));
		elf_view_done(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_classes_and_byte_orders_read_the_same),
		cmocka_unit_test(each_defect_has_its_finding),
		cmocka_unit_test(the_entry_of_32_bits_has_four_bytes),
		cmocka_unit_test(last_good_values_have_no_finding),
		cmocka_unit_test(counts_beyond_the_header_stand_in_section_header_0),
		cmocka_unit_test(truncated_anywhere_ends_in_findings),
		cmocka_unit_test(magic_before_noise_is_unreadable_and_says_so),
		cmocka_unit_test(stub_of_a_header_and_noise_is_read_with_warnings),
		cmocka_unit_test(larger_than_the_limit_is_not_read),
		cmocka_unit_test(more_functions_than_nodes_are_counted),
		cmocka_unit_test(labels_stand_in_for_functions_where_there_are_none),
		cmocka_unit_test(function_inside_another_owns_its_bytes),
		cmocka_unit_test(symbols_of_one_address_are_one_function),
		cmocka_unit_test(sections_that_share_bytes_are_not_looked_into),
		cmocka_unit_test(each_structure_is_owned_by_its_node),
		cmocka_unit_test(a_view_of_all_classes_and_byte_orders_is_the_same),
		cmocka_unit_test(a_view_leaves_out_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
