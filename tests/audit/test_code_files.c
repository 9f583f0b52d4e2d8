/* SPDX-License-Identifier: MIT */
#include "code_test.h"

#include <elf.h>

/* Containers: where code is looked for, what is said of headers that are damaged or missing.
 * Programs are made here, byte by byte, and by an assembler and linkers. */

/* ---- a small ELF file of 64 bits ---------------------------------------------------------------
 */

struct file {
	uint8_t *data;
	size_t len;
};

static struct file new_file(size_t len)
{
	struct file f = { calloc(1, len), len };

	assert_non_null(f.data);
	return f;
}

static void put(struct file *f, size_t off, size_t len, uint64_t value)
{
	assert_true(off + len <= f->len);
	for (size_t i = 0; i < len; i++)
		f->data[off + i] = (uint8_t)(value >> 8 * i);
}

static void put_header(struct file *f, uint16_t type, uint16_t machine, uint16_t n_segments,
		       uint64_t shoff, uint16_t n_sections)
{
	memcpy(f->data, "\x7F\x45LF\2\1\1", 7);
	put(f, 16, 2, type);
	put(f, 18, 2, machine);
	put(f, 20, 4, 1);
	put(f, 32, 8, n_segments ? 64 : 0);
	put(f, 40, 8, shoff);
	put(f, 52, 2, 64);
	put(f, 54, 2, 56);
	put(f, 56, 2, n_segments);
	put(f, 58, 2, 64);
	put(f, 60, 2, n_sections);
}

static void put_segment(struct file *f, unsigned i, uint32_t flags, uint64_t off, uint64_t addr,
			uint64_t len)
{
	size_t at = 64 + (size_t)i * 56;

	put(f, at, 4, PT_LOAD);
	put(f, at + 4, 4, flags);
	put(f, at + 8, 8, off);
	put(f, at + 16, 8, addr);
	put(f, at + 32, 8, len);
	put(f, at + 40, 8, len);
}

static void put_section(struct file *f, uint64_t shoff, unsigned i, uint64_t flags, uint64_t addr,
			uint64_t off, uint64_t len)
{
	size_t at = shoff + (size_t)i * 64;

	put(f, at + 4, 4, SHT_PROGBITS);
	put(f, at + 8, 8, flags);
	put(f, at + 16, 8, addr);
	put(f, at + 24, 8, off);
	put(f, at + 32, 8, len);
}

/* GCC's habit, twenty bytes: stp x29,x30,[sp,#-32]!; stp x19,x20,[sp,#16]; mov w0,#0; ldp
 * x29,x30,[sp],#32; ret */
static void put_gcc(struct file *f, size_t off)
{
	static const uint32_t words[] = { 0xA9BE7BFD, 0xA90153F3, 0x52800000, 0xA8C27BFD,
					  0xD65F03C0 };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		put(f, off + i * 4, 4, words[i]);
}

static void segments_say_where_code_is_when_sections_do_not(void **state)
{
	struct file f = new_file(0x200);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 2, 0, 0);
	put_segment(&f, 0, PF_R, 0, 0x1000, 0x100);
	put_segment(&f, 1, PF_R | PF_X, 0x100, 0x2100, 20);
	put_gcc(&f, 0x100);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->arch, CODE_A64);
	assert_string_equal(e.object->format, "elf");
	assert_int_equal(e.object->code_bytes, 20);
	assert_int_equal(e.object->by_class[CODE_GCC], 20);
	assert_int_equal(e.object->pieces[0].off, 0x100);
	assert_int_equal(e.object->pieces[0].addr, 0x2100);
	assert_true(has_reason(&e, "no section headers"));
	examined_done(&e);
}

static void instructions_lie_at_aligned_addresses(void **state)
{
	struct file f = new_file(0x200);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 1, 0, 0);
	put_segment(&f, 0, PF_R | PF_X, 0x102, 0x2102, 22);
	put_gcc(&f, 0x104);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 22);
	assert_int_equal(e.object->by_class[CODE_GCC], 20);
	assert_int_equal(e.object->by_class[CODE_UNKNOWN], 2);
	assert_true(has_reason(&e, "not aligned"));
	examined_done(&e);
	/* offset and address need not agree */
	f = new_file(0x200);
	put_header(&f, ET_EXEC, EM_AARCH64, 1, 0, 0);
	put_segment(&f, 0, PF_R | PF_X, 0x103, 0x2000, 20);
	put_gcc(&f, 0x103);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->by_class[CODE_GCC], 20);
	examined_done(&e);
}

static void overlapping_sections_and_segments_are_counted_once(void **state)
{
	struct file f = new_file(0x400);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 2, 0x200, 4);
	put_segment(&f, 0, PF_R | PF_X, 0x100, 0x2100, 0x40);
	put_segment(&f, 1, PF_R | PF_X, 0x120, 0x9120, 0x40);
	put_section(&f, 0x200, 1, SHF_ALLOC | SHF_EXECINSTR, 0x2100, 0x100, 0x20);
	put_section(&f, 0x200, 2, SHF_ALLOC | SHF_EXECINSTR, 0x2110, 0x110, 0x20);
	put_section(&f, 0x200, 3, SHF_ALLOC | SHF_EXECINSTR, 0x9150, 0x150, 0x20);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 0x70); /* 0x100 to 0x170 */
	assert_int_equal(e.object->by_class[CODE_PAD], 0x70);
	assert_true(has_reason(&e, "overlap"));
	examined_done(&e);
}

static void what_a_segment_has_beside_sections_is_judged_too(void **state)
{
	struct file f = new_file(0x400);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 1, 0x200, 2);
	put_segment(&f, 0, PF_R | PF_X, 0x100, 0x2100, 0x80);
	put_section(&f, 0x200, 1, SHF_ALLOC | SHF_EXECINSTR, 0x2100, 0x100, 0x40);
	put_gcc(&f, 0x150);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 0x80);
	assert_int_equal(e.object->by_class[CODE_GCC], 20);
	assert_true(has_rule(piece_at(&e, 0x2150), "not-in-section"));
	assert_true(has_reason(&e, "no executable section"));
	examined_done(&e);
}

static void code_that_is_not_in_the_file_is_told(void **state)
{
	struct file f = new_file(0x110);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 1, 0, 0);
	put_segment(&f, 0, PF_R | PF_X, 0x100, 0x2100, 0x80);
	put(&f, 64 + 40, 8, 0x200); /* more in memory */
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 0x10);
	assert_true(has_reason(&e, "is not in the file"));
	assert_true(has_reason(&e, "filled at run time"));
	examined_done(&e);
}

static void without_any_headers_all_is_unknown_code(void **state)
{
	struct file f = new_file(0x100);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 0, 0, 0);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 0x100);
	assert_int_equal(e.object->by_class[CODE_UNKNOWN], 0x100);
	examined_done(&e);
}

static void headers_that_are_cut_off_leave_the_rest_unknown(void **state)
{
	struct file f = new_file(0x200);
	struct examined e;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 9, 0, 0); /* room for 8 */
	put_segment(&f, 0, PF_R | PF_X, 0x100, 0x2100, 20);
	memset(f.data + 0x100, 0, 0x100);
	put_gcc(&f, 0x100);
	put(&f, 32, 8, 0x40);
	put(&f, 56, 2, 200);
	e = examine_bytes(f.data, f.len);
	assert_int_equal(e.object->code_bytes, 0x200);
	assert_int_equal(e.object->by_class[CODE_GCC], 20);
	assert_int_equal(e.object->by_class[CODE_UNKNOWN], 0x200 - 20);
	assert_true(has_reason(&e, "headers are damaged"));
	examined_done(&e);
}

static void other_machines_are_unknown(void **state)
{
	static const struct {
		uint16_t machine;
		enum code_arch arch;
	} machines[] = { { EM_RISCV, CODE_RISCV64 },
			 { EM_386, CODE_OTHER },
			 { EM_ARM, CODE_OTHER } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
		struct file f = new_file(0x200);
		struct examined e;

		put_header(&f, ET_EXEC, machines[i].machine, 1, 0, 0);
		put_segment(&f, 0, PF_R | PF_X, 0x100, 0x2100, 0x40);
		e = examine_bytes(f.data, f.len);
		assert_int_equal(e.object->arch, machines[i].arch);
		assert_int_equal(e.object->by_class[CODE_UNKNOWN], 0x40);
		examined_done(&e);
	}
}

static void what_is_neither_elf_nor_pe_is_no_object(void **state)
{
	static const char *const contents[] = { "", "MZ", "\x7F\x45L", "plain text", "!<arch>\n" };
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		struct rimg_source *src =
			rimg_source_open_memory(contents[i], strlen(contents[i]), "test");
		struct code_object *object;
		struct rimg_error err;

		assert_int_equal(code_examine(ctx, src, &object, &err), 0);
		assert_null(object);
		rimg_source_free(src);
	}
	rimg_ctx_free(ctx);
}

static void content_over_the_limit_is_an_error(void **state)
{
	struct rimg_limits limits = rimg_limits_default();
	struct rimg_ctx *ctx;
	struct file f = new_file(0x200);
	struct rimg_source *src = rimg_source_open_memory(f.data, f.len, "test");
	struct code_object *object;
	struct rimg_error err;

	(void)state;
	put_header(&f, ET_EXEC, EM_AARCH64, 0, 0, 0);
	limits.analysis_bytes = 0x1FF;
	ctx = rimg_ctx_new(&limits, 1);
	assert_int_equal(code_examine(ctx, src, &object, &err), -RIMG_E_LIMIT);
	rimg_ctx_free(ctx);
	limits.analysis_bytes = 0x200;
	ctx = rimg_ctx_new(&limits, 1);
	assert_int_equal(code_examine(ctx, src, &object, &err), 0);
	code_object_free(object);
	rimg_ctx_free(ctx);
	rimg_source_free(src);
	free(f.data);
}

static void raw_code_is_judged_by_its_words(void **state)
{
	struct rimg_ctx *ctx = rimg_ctx_new(NULL, 1);
	struct file f = new_file(0x42);
	struct rimg_source *src = rimg_source_open_memory(f.data, f.len, "test");
	struct code_object *object;
	struct rimg_error err;

	(void)state;
	put_gcc(&f, 0x10);
	put(&f, 0x41, 1, 7);
	assert_int_equal(code_examine_raw(ctx, src, CODE_A64, &object, &err), 0);
	assert_string_equal(object->format, "raw");
	assert_int_equal(object->code_bytes, 0x42);
	assert_int_equal(object->by_class[CODE_GCC], 20);
	assert_int_equal(object->by_class[CODE_UNKNOWN], 2); /* no whole word */
	assert_int_equal(object->by_class[CODE_PAD], 0x42 - 22);
	code_object_free(object);
	rimg_source_free(src);
	rimg_ctx_free(ctx);
	free(f.data);
}

/* ---- real programs ------------------------------------------------------------------------------
 */

static void build_program(const char *file, const char *flags)
{
	run("aarch64-linux-gnu-as --defsym CASE=0 -o %s tests/audit/functions.s", temp_path("a.o"));
	run("aarch64-linux-gnu-ld -z separate-code -e start %s -o %s %s", flags, temp_path(file),
	    temp_path("a.o"));
}

/* The table is found by its section, by the segment of its header, and by search. */
static void the_unwind_table_is_found_without_section_headers(void **state)
{
	static const char *const flags[] = { "--eh-frame-hdr", "--no-eh-frame-hdr" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct examined with, without;
		uint8_t *data;
		size_t len;

		build_program("a", flags[i]);
		with = examine_file(temp_path("a"));
		data = test_load(temp_path("a"), &len);
		memset(data + 40, 0, 8); /* e_shoff */
		memset(data + 58, 0, 6); /* e_shentsize, e_shnum, e_shstrndx */
		without = examine_bytes(data, len);
		assert_true(has_reason(&without, "no section headers"));
		assert_int_equal(has_reason(&without, "found by search"), i == 1);
		for (size_t k = 0; k < with.object->n_pieces; k++) {
			const struct code_piece *p = &with.object->pieces[k];
			const struct code_piece *q = piece_at(&without, p->addr);

			assert_non_null(q);
			assert_int_equal(q->cls, p->cls);
			assert_null(q->symbol);
		}
		examined_done(&with);
		examined_done(&without);
	}
}

/* A program whose section headers deny that there is code: nothing of it is Cranelift's any more.
 */
static void code_that_sections_do_not_own_up_to_is_not_cranelifts(void **state)
{
	uint64_t shoff, n, foreign;
	struct examined with, without;
	uint8_t *data;
	size_t len;

	(void)state;
	build_program("a", "--eh-frame-hdr");
	with = examine_file(temp_path("a"));
	assert_true(with.object->by_class[CODE_CRANELIFT] > 100);
	foreign = with.object->by_class[CODE_GCC];
	data = test_load(temp_path("a"), &len);
	shoff = (uint64_t)data[40] | (uint64_t)data[41] << 8 | (uint64_t)data[42] << 16;
	n = data[60];
	for (uint64_t i = 0; i < n; i++)
		data[shoff + i * 64 + 8] &= (uint8_t)~SHF_EXECINSTR;
	without = examine_bytes(data, len);
	assert_true(without.object->code_bytes >= with.object->code_bytes);
	assert_int_equal(without.object->by_class[CODE_CRANELIFT], 0);
	assert_true(without.object->by_class[CODE_GCC] >= foreign);
	examined_done(&with);
	examined_done(&without);
}

/* The same code in PE, which Cranelift does not write for AArch64. */
static void code_in_pe_is_not_cranelifts(void **state)
{
	struct file f;
	struct examined e;
	uint8_t *text;
	size_t len;
	const struct code_piece *p;

	(void)state;
	build_program("a", "--eh-frame-hdr");
	run("aarch64-linux-gnu-objcopy -O binary -j .text %s %s", temp_path("a.o"), temp_path("t"));
	text = test_load(temp_path("t"), &len);
	f = new_file(0x200 + len);
	memcpy(f.data, "MZ", 2);
	put(&f, 60, 4, 64);
	memcpy(f.data + 64, "PE\0\0", 4);
	put(&f, 68, 2, 0xAA64);
	put(&f, 70, 2, 1);       /* sections */
	put(&f, 88 + 8, 4, len); /* behind the COFF header, without optional header */
	put(&f, 88 + 12, 4, 0x1000);
	put(&f, 88 + 16, 4, len);
	put(&f, 88 + 20, 4, 0x200);
	put(&f, 88 + 36, 4, 0x60000020); /* code, executable, readable */
	memcpy(f.data + 0x200, text, len);
	e = examine_bytes(f.data, f.len);
	assert_string_equal(e.object->format, "pe");
	assert_int_equal(e.object->arch, CODE_A64);
	assert_int_equal(e.object->code_bytes, len);
	assert_int_equal(e.object->by_class[CODE_CRANELIFT], 0);
	assert_true(e.object->by_class[CODE_GCC] > 0);
	p = piece_at(&e, 0x1000);
	assert_int_equal(p->off, 0x200);
	assert_true(has_rule(p, "jump-table"));
	examined_done(&e);
	free(text);
}

/* Each length of a real program: never a crash, and what is cut off is told. */
static void truncated_programs_are_read_as_far_as_they_go(void **state)
{
	size_t len;
	uint8_t *whole;

	(void)state;
	build_program("a", "--eh-frame-hdr");
	whole = test_load(temp_path("a"), &len);
	for (size_t n = 4; n < len; n += n < 4096 ? 61 : 997) {
		uint8_t *part = malloc(n);
		struct examined e;

		assert_non_null(part);
		memcpy(part, whole, n);
		e = examine_bytes(part, n);
		assert_true(e.object->n_reasons > 0);
		examined_done(&e);
	}
	free(whole);
}

static void digests_do_not_depend_on_the_address(void **state)
{
	struct examined a, b;
	uint8_t first[32], second[32];
	struct rimg_error err;
	const struct code_piece *p, *q;

	(void)state;
	build_program("a", "-Ttext=0x410000");
	build_program("b", "-Ttext=0x7654320");
	a = examine_file(temp_path("a"));
	b = examine_file(temp_path("b"));
	assert_int_equal(a.object->n_pieces, b.object->n_pieces);
	for (size_t i = 0; i < a.object->n_pieces; i++) {
		p = &a.object->pieces[i];
		q = &b.object->pieces[i];
		assert_int_equal(code_piece_digest(a.source, CODE_A64, p, first, &err), 0);
		assert_int_equal(code_piece_digest(b.source, CODE_A64, q, second, &err), 0);
		assert_memory_equal(first, second, 32);
		assert_int_not_equal(p->addr, q->addr);
	}
	examined_done(&a);
	examined_done(&b);
}

/* The masks by hand: words, what is left of each, SHA-256 by another program. */
static void digests_mask_what_linking_changes(void **state)
{
	static const uint32_t words[][2] = {
		{ 0x90001234 | 3, 0x90000014 | 3 }, /* adrp x23 */
		{ 0x910123F7, 0x910123F7 },         /* add x23,sp: not of that page */
		{ 0x910122F7, 0x910002F7 },         /* add x23,x23,#72 */
		{ 0xF94012E0, 0xF94002E0 },         /* ldr x0,[x23,#32] */
		{ 0xF9401300, 0xF9401300 },         /* ldr x0,[x24,#32] */
		{ 0x94001234, 0x94000000 },         /* bl */
		{ 0x17FFFFFF, 0x17FFFFFF },         /* b to the word before: inside */
		{ 0x5800ABC1, 0x58000001 },         /* ldr x1, literal */
		{ 0xF94012E0, 0xF94002E0 },         /* eight words behind the adrp is the last */
		{ 0xF94012E0, 0xF94012E0 },         { 0x54000040, 0x54000040 }, /* b.eq */
		{ 0x17FFFF00, 0x14000000 }, /* b to before the piece */
		{ 0x97FFFFF4, 0x97FFFFF4 }, /* bl to its first word */
		{ 0x97FFFFF2, 0x94000000 }, /* bl to the word before that */
		{ 0x10000041, 0x10000041 }, /* adr of its last word */
		{ 0x10000045, 0x10000005 }, /* adr of the word behind that */
		{ 0x58FFFFE1, 0x58FFFFE1 }, /* ldr x1, the word before */
	};
	struct file f = new_file(sizeof(words) / 2), masked = new_file(sizeof(words) / 2);
	struct rimg_source *src = rimg_source_open_memory(f.data, f.len, "test");
	struct code_piece piece = { .len = f.len };
	uint8_t digest[32], plain[32];
	char hex[65] = "", line[128] = "";
	struct rimg_error err;
	FILE *p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		put(&f, i * 4, 4, words[i][0]);
		put(&masked, i * 4, 4, words[i][1]);
	}
	test_save(temp_path("masked"), masked.data, masked.len);
	run("sha256sum %s >%s", temp_path("masked"), temp_path("sum"));
	p = fopen(temp_path("sum"), "re");
	assert_non_null(p);
	assert_non_null(fgets(line, sizeof(line), p));
	fclose(p);
	assert_int_equal(code_piece_digest(src, CODE_A64, &piece, digest, &err), 0);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + i * 2, 3, "%02x", digest[i]);
	line[64] = 0;
	assert_string_equal(hex, line);
	assert_int_equal(code_piece_digest(src, CODE_X86_64, &piece, plain, &err), 0);
	assert_memory_not_equal(plain, digest, 32);
	piece.len++;
	assert_int_equal(code_piece_digest(src, CODE_A64, &piece, digest, &err), -RIMG_E_ARG);
	rimg_source_free(src);
	free(f.data);
	free(masked.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_say_where_code_is_when_sections_do_not),
		cmocka_unit_test(instructions_lie_at_aligned_addresses),
		cmocka_unit_test(overlapping_sections_and_segments_are_counted_once),
		cmocka_unit_test(what_a_segment_has_beside_sections_is_judged_too),
		cmocka_unit_test(code_that_is_not_in_the_file_is_told),
		cmocka_unit_test(without_any_headers_all_is_unknown_code),
		cmocka_unit_test(headers_that_are_cut_off_leave_the_rest_unknown),
		cmocka_unit_test(other_machines_are_unknown),
		cmocka_unit_test(what_is_neither_elf_nor_pe_is_no_object),
		cmocka_unit_test(content_over_the_limit_is_an_error),
		cmocka_unit_test(raw_code_is_judged_by_its_words),
		cmocka_unit_test(the_unwind_table_is_found_without_section_headers),
		cmocka_unit_test(code_that_sections_do_not_own_up_to_is_not_cranelifts),
		cmocka_unit_test(code_in_pe_is_not_cranelifts),
		cmocka_unit_test(truncated_programs_are_read_as_far_as_they_go),
		cmocka_unit_test(digests_do_not_depend_on_the_address),
		cmocka_unit_test(digests_mask_what_linking_changes),
	};

	if (!have_program("aarch64-linux-gnu-as"))
		test_skip_program("aarch64-linux-gnu-as is missing (binutils-aarch64-linux-gnu)");
	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
