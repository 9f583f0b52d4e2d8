/* SPDX-License-Identifier: MIT */
#include "tests/test.h"

#include <string.h>

#include "core/disasm.h"

/* The encodings are those of the manuals, as assemblers write them. */
static const uint8_t push_frame[] = { 0xfd, 0x7b, 0xbf, 0xa9 };
static const uint8_t branch[] = { 0x02, 0x00, 0x00, 0x14 };
static const uint8_t push_rbp[] = { 0x55, 0x48, 0x89, 0xe5 };

static void one(enum disasm_machine machine, const uint8_t *code, size_t len, uint64_t addr,
		size_t unit, struct disasm_text *ret)
{
	struct disasm *d = disasm_new(machine);

	assert_non_null(d);
	memset(ret, 0xa5, sizeof(*ret));
	disasm_one(d, code, len, addr, unit, ret);
	disasm_free(d);
}

static void aarch64_is_text(void **state)
{
	struct disasm_text t;

	(void)state;
	one(DISASM_A64, push_frame, sizeof(push_frame), 0x1000, 4, &t);
	assert_int_equal(t.len, 4);
	assert_string_equal(t.mnemonic, "stp");
	assert_string_equal(t.operands, "x29, x30, [sp, #-0x10]!");
}

static void branches_lead_to_addresses(void **state)
{
	struct disasm_text t;

	(void)state;
	one(DISASM_A64, branch, sizeof(branch), 0x1000, 4, &t);
	assert_string_equal(t.mnemonic, "b");
	assert_string_equal(t.operands, "#0x1008");
}

static void x86_takes_what_the_instruction_has(void **state)
{
	struct disasm_text t;

	(void)state;
	one(DISASM_X86_64, push_rbp, sizeof(push_rbp), 0, 1, &t);
	assert_int_equal(t.len, 1);
	assert_string_equal(t.mnemonic, "push");
	assert_string_equal(t.operands, "rbp");
	one(DISASM_X86_64, push_rbp + 1, sizeof(push_rbp) - 1, 1, 1, &t);
	assert_int_equal(t.len, 3);
	assert_string_equal(t.operands, "rbp, rsp");
}

static void what_is_no_instruction_is_a_number(void **state)
{
	static const uint8_t zeros_and_one[] = { 0x01, 0x00, 0x00, 0x00 };
	struct disasm_text t;

	(void)state;
	one(DISASM_X86_64, (const uint8_t[]){ 0x06 }, 1, 0, 1, &t);
	assert_int_equal(t.len, 1);
	assert_string_equal(t.mnemonic, ".insn");
	assert_string_equal(t.operands, "0x06");
	one(DISASM_NONE, zeros_and_one, 4, 0, 4, &t);
	assert_int_equal(t.len, 4);
	assert_string_equal(t.operands, "0x00000001");
}

static void fewer_bytes_than_an_instruction_are_all_taken(void **state)
{
	struct disasm_text t;

	(void)state;
	one(DISASM_A64, push_frame, 3, 0, 4, &t);
	assert_int_equal(t.len, 3);
	assert_string_equal(t.mnemonic, ".insn");
	assert_string_equal(t.operands, "0xbf7bfd");
}

static void nothing_to_free_is_fine(void **state)
{
	(void)state;
	disasm_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aarch64_is_text),
		cmocka_unit_test(branches_lead_to_addresses),
		cmocka_unit_test(x86_takes_what_the_instruction_has),
		cmocka_unit_test(what_is_no_instruction_is_a_number),
		cmocka_unit_test(fewer_bytes_than_an_instruction_are_all_taken),
		cmocka_unit_test(nothing_to_free_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
