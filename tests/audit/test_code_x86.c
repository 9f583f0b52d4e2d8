/* SPDX-License-Identifier: MIT */
#include "code_test.h"

/* x86-64: what is surely not Cranelift's is said, nothing is called Cranelift's. */

static const struct {
	const char *symbol;
	enum code_class cls;
	const char *rule;
} wants[] = {
	{ "saves", CODE_UNKNOWN, "x86-saves-by-mov" },
	{ "saves_others", CODE_UNKNOWN, "prologue" },
	{ "framed", CODE_UNKNOWN, "fde-framed" },
	{ "restores", CODE_FOREIGN, "fde-foreign" },
	{ "pushes", CODE_FOREIGN, "fde-foreign" },
	{ "leaf", CODE_UNKNOWN, "fde-empty" },
	{ "marked", CODE_FOREIGN, "x86-endbr" },
	{ "forged", CODE_CONFLICT, "fde-mismatch" },
	{ "no_entry", CODE_UNKNOWN, NULL },
};

static void check(const struct examined *e)
{
	assert_int_equal(e->object->arch, CODE_X86_64);
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		const struct code_piece *p = NULL;

		for (size_t k = 0; k < e->object->n_pieces && !p; k++) {
			const char *symbol = e->object->pieces[k].symbol;

			if (symbol && strcmp(symbol, wants[i].symbol) == 0)
				p = &e->object->pieces[k];
		}
		if (p && p->cls == wants[i].cls && (!wants[i].rule || has_rule(p, wants[i].rule)))
			continue;
		print_pieces(e);
		fail_msg("%s: not %s by %s", wants[i].symbol, code_class_name(wants[i].cls),
			 wants[i].rule ? wants[i].rule : "what there is");
	}
	assert_int_equal(e->object->by_class[CODE_CRANELIFT], 0);
	assert_true(e->object->by_class[CODE_PAD] >= 3);
}

static void functions_are_judged_by_their_entries(void **state)
{
	struct examined e;

	(void)state;
	run("clang-14 --target=x86_64-linux-gnu -c -o %s tests/audit/functions-x86.s",
	    temp_path("x.o"));
	e = examine_file(temp_path("x.o"));
	check(&e);
	examined_done(&e);
	run("ld.lld-14 -e saves -o %s %s", temp_path("x"), temp_path("x.o"));
	e = examine_file(temp_path("x"));
	check(&e);
	examined_done(&e);
}

/* Not only the ones that do not return: a saved register that is another is no save by mov. */
static void registers_have_to_be_the_ones_of_the_entry(void **state)
{
	struct examined e;

	(void)state;
	run("clang-14 --target=x86_64-linux-gnu -c -o %s tests/audit/functions-x86.s",
	    temp_path("x.o"));
	e = examine_file(temp_path("x.o"));
	for (size_t i = 0; i < e.object->n_pieces; i++) {
		const struct code_piece *p = &e.object->pieces[i];

		if (p->symbol)
			assert_int_equal(has_rule(p, "x86-saves-by-mov"),
					 strcmp(p->symbol, "saves") == 0);
	}
	examined_done(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_judged_by_their_entries),
		cmocka_unit_test(registers_have_to_be_the_ones_of_the_entry),
	};

	if (!have_program("clang-14") || !have_program("ld.lld-14"))
		test_skip_program("clang-14 or lld-14 is missing");
	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
