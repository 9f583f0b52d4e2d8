/* SPDX-License-Identifier: MIT */
/* Instructions and the addresses in them, held against what objdump says of the test program. */
#include "test.h"

#include <elf.h>

#include "core/num.h"
#include "core/str.h"
#include "core/wr.h"
#include "diff/insns.h"

static void put(uint8_t *p, const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			p[4 * i + k] = (uint8_t)(words[i] >> (8 * k));
}

static struct insns decode_a64(const uint8_t *data, size_t len, uint64_t addr)
{
	static const struct elf_view view = { .is64 = true, .machine = EM_AARCH64 };
	struct insns_decoder decoder = { 0 };
	struct insns c;

	assert_int_equal(insns_decode(&decoder, &view, data, len, addr, &c), 0);
	return c;
}

/* aarch64-linux-gnu-objdump -d of these words at 0x1000:
 *   bl 0x1010; b.eq 0xff8; cbz w3, 0x1010; tbnz w0, #3, 0x1004; ldr x1, 0x1020;
 *   adrp x2, 0x3000; add x2, x2, #0x10; adrp x4, 0x3000; ldr x5, [x4, #8]; adr x6, 0x1034 */
static void addresses_of_aarch64_are_what_objdump_says(void **unused)
{
	static const uint32_t words[] = { 0x94000004, 0x54ffffa0, 0x34000043, 0x371fffc0,
					  0x58000081, 0xd0000002, 0x91004042, 0xd0000004,
					  0xf9400485, 0x10000086 };
	static const uint64_t targets[] = { 0x1010, 0xff8,  0x1010, 0x1004, 0x1020,
					    0,      0x3010, 0,      0x3008, 0x1034 };
	uint8_t data[sizeof(words)];
	struct insns c;

	(void)unused;
	put(data, words, ARRAY_LEN(words));
	c = decode_a64(data, sizeof(data), 0x1000);
	assert_int_equal(c.n, ARRAY_LEN(words));
	for (size_t i = 0; i < c.n; i++) {
		assert_int_equal(c.insn[i].off, 4 * i);
		assert_int_equal(c.insn[i].has_target, targets[i] != 0);
		if (targets[i])
			assert_int_equal(c.insn[i].target, targets[i]);
		assert_int_equal(c.insn[i].page, i == 5 || i == 7);
	}
	insns_done(&c);
}

/* A page that nothing completes is not known to be the same thing elsewhere. */
static void half_an_address_is_not_taken_for_moved(void **unused)
{
	static const uint32_t words_a[] = { 0xd0000002, 0xd65f03c0 }; /* adrp x2, +0x2000; ret */
	static const uint32_t words_b[] = { 0xf0000002, 0xd65f03c0 }; /* adrp x2, +0x3000; ret */
	uint8_t data_a[8], data_b[8];
	struct insns_delta delta;
	struct insns a, b;

	(void)unused;
	put(data_a, words_a, 2);
	put(data_b, words_b, 2);
	a = decode_a64(data_a, 8, 0x1000);
	b = decode_a64(data_b, 8, 0x1000);
	assert_int_equal(insns_compare(&a, &b, EDITS_MAX, &delta), 0);
	assert_int_equal(delta.n_changed, 0);
	assert_int_equal(delta.n_moved, 0);
	assert_int_equal(delta.n_other, 1);
	insns_delta_done(&delta);
	insns_done(&a);
	insns_done(&b);
}

/* A branch that leads to another instruction of the same function differs, though its opcode does
 * not. */
static void a_branch_to_elsewhere_in_the_function_is_told(void **unused)
{
	static const uint32_t words_a[] = { 0x14000002, 0xd503201f, 0xd65f03c0 }; /* b +8 */
	static const uint32_t words_b[] = { 0x14000001, 0xd503201f, 0xd65f03c0 }; /* b +4 */
	uint8_t data_a[12], data_b[12];
	struct insns_delta delta;
	struct insns a, b;

	(void)unused;
	put(data_a, words_a, 3);
	put(data_b, words_b, 3);
	a = decode_a64(data_a, 12, 0x1000);
	b = decode_a64(data_b, 12, 0x2000);
	assert_int_equal(insns_compare(&a, &b, EDITS_MAX, &delta), 0);
	assert_int_equal(delta.n_other, 1);
	insns_delta_done(&delta);
	insns_done(&a);
	insns_done(&b);
}

/* objdump -d prints "  401000:\tMNEMONIC ..." for each instruction. */
static void compare_with_objdump(const struct elf_view *v, const struct elf_view_section *text,
				 const char *path)
{
	struct insns_decoder decoder = { 0 };
	struct insns c;
	char command[600], line[512];
	size_t i = 0;
	FILE *f;

	assert_int_equal(insns_decode(&decoder, v, text->data, (size_t)text->size, text->addr, &c),
			 0);
	assert_true(c.n > 1000);
	snprintf(command, sizeof(command), "objdump -d --no-show-raw-insn -w -j .text '%s'", path);
	f = popen(command, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		uint64_t addr;
		char tab;

		if (line[0] != ' ' || sscanf(line, " %lx:%c", &addr, &tab) != 2 || tab != '\t')
			continue;
		/* Capstone takes prefixes that objdump tells apart as one instruction, or not */
		while (i < c.n && c.addr + c.insn[i].off < addr)
			i++;
		if (i == c.n || c.addr + c.insn[i].off != addr)
			fail_msg("0x%lx: objdump sees an instruction, the decoder none", addr);
	}
	assert_int_equal(pclose(f), 0);
	insns_done(&c);
	insns_decoder_done(&decoder);
}

static void instructions_end_where_objdump_says(void **unused)
{
	size_t len;
	uint8_t *data = test_load("/proc/self/exe", &len);
	struct test_image t = test_open_bytes(data, len);
	const struct elf_view_section *text = NULL;
	struct elf_view v;
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	(void)unused;
	assert_in_range(n, 1, sizeof(path) - 1);
	path[n] = 0;
	assert_int_equal(elf_view_open(t.node->content, UINT64_MAX, &v), 0);
	for (size_t i = 1; i < v.n_sections; i++)
		if (strcmp(v.section[i].name, ".text") == 0)
			text = &v.section[i];
	assert_non_null(text);
	if (v.machine == EM_X86_64 && system("objdump --version >/dev/null 2>&1") == 0)
		compare_with_objdump(&v, text, path);
	else
		print_message("skipped: objdump for this machine is missing\n");
	elf_view_done(&v);
	test_close(&t);
	free(data);
}

/* nop, nop word ptr [rax+rax], int3: what assemblers fill with; a return is none of it */
static void padding_does_nothing(void **unused)
{
	static const uint8_t idle[] = { 0x90, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0xcc };
	static const uint8_t ret[] = { 0x90, 0xc3 };
	static const uint8_t cut[] = { 0x90, 0x0f };
	static const struct elf_view view = { .is64 = true, .machine = EM_X86_64 };
	struct insns_decoder decoder = { 0 };

	(void)unused;
	assert_true(insns_is_padding(&decoder, &view, idle, sizeof(idle)));
	assert_false(insns_is_padding(&decoder, &view, ret, sizeof(ret)));
	assert_false(insns_is_padding(&decoder, &view, cut, sizeof(cut)));
	insns_decoder_done(&decoder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_aarch64_are_what_objdump_says),
		cmocka_unit_test(half_an_address_is_not_taken_for_moved),
		cmocka_unit_test(a_branch_to_elsewhere_in_the_function_is_told),
		cmocka_unit_test(instructions_end_where_objdump_says),
		cmocka_unit_test(padding_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
