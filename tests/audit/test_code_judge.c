/* SPDX-License-Identifier: MIT */
#include "code_test.h"

/* Functions of functions.s, assembled as objects and linked into programs: every form has to be
 * judged the same, as the words and the tables are. */

struct want {
	const char *symbol;
	enum code_class cls;
	const char *rule; /* that has to be among the evidence, or NULL */
};

static void build(unsigned n, const char *file)
{
	run("aarch64-linux-gnu-as --defsym CASE=%u -o %s tests/audit/functions.s", n,
	    temp_path(file));
}

static const struct code_piece *named(const struct examined *e, const char *symbol)
{
	for (size_t i = 0; i < e->object->n_pieces; i++) {
		const struct code_piece *p = &e->object->pieces[i];

		if (p->symbol && strcmp(p->symbol, symbol) == 0)
			return p;
	}
	return NULL;
}

static void check(const struct examined *e, const struct want *want)
{
	for (; want->symbol; want++) {
		const struct code_piece *p = named(e, want->symbol);

		if (p && p->cls == want->cls && (!want->rule || has_rule(p, want->rule)))
			continue;
		print_pieces(e);
		fail_msg("%s: not %s by %s", want->symbol, code_class_name(want->cls),
			 want->rule ? want->rule : "what there is");
	}
}

/* Linked, nothing that is not Cranelift's becomes so. Linkers change tables: GNU ld cuts the
 * padding off Cranelift's CIE, lld 14 adds such padding to GCC's. */
static void check_linked(const char *file, const struct want *want)
{
	struct examined e = examine_file(temp_path(file));

	for (; want->symbol; want++) {
		const struct code_piece *p = named(&e, want->symbol);

		if (p && (want->cls == CODE_CRANELIFT || p->cls != CODE_CRANELIFT))
			continue;
		print_pieces(&e);
		fail_msg("%s: %s is Cranelift's", file, want->symbol);
	}
	assert_int_equal(piece_at(&e, named(&e, "start")->addr)->cls, CODE_CRANELIFT);
	examined_done(&e);
}

/* The same program without names: the same bytes, and no more of Cranelift's. */
static void check_stripped(const char *file, const char *remove)
{
	struct examined before = examine_file(temp_path(file)), after;

	run("aarch64-linux-gnu-objcopy %s %s %s 2>/dev/null", remove, temp_path(file),
	    temp_path("stripped"));
	after = examine_file(temp_path("stripped"));
	assert_int_equal(after.object->code_bytes, before.object->code_bytes);
	for (size_t i = 0; i < after.object->n_pieces; i++) {
		const struct code_piece *p = &after.object->pieces[i];

		if (p->cls != CODE_CRANELIFT)
			continue;
		/* a piece of Cranelift's was of Cranelift's */
		for (uint64_t a = p->addr; a < p->addr + p->len; a += 4)
			assert_int_equal(piece_at(&before, a)->cls, CODE_CRANELIFT);
	}
	examined_done(&before);
	examined_done(&after);
}

static void judge_tables(unsigned n, const struct want *want, bool strip)
{
	struct examined object;

	build(n, "a.o");
	object = examine_file(temp_path("a.o"));
	check(&object, want);
	examined_done(&object);
	run("aarch64-linux-gnu-ld --no-warn-rwx-segments -z separate-code -e start -o %s %s",
	    temp_path("ld"), temp_path("a.o"));
	check_linked("ld", want);
	if (have_program("ld.lld-14")) {
		run("ld.lld-14 --eh-frame-hdr -e start -o %s %s", temp_path("lld"),
		    temp_path("a.o"));
		check_linked("lld", want);
	}
	if (!strip)
		return;
	check_stripped("ld", "--strip-all");
	check_stripped("ld", "--strip-all --remove-section=.eh_frame");
	if (!have_program("ld.lld-14"))
		return;
	check_stripped("lld", "--strip-all");
	check_stripped("lld", "--strip-all --rename-section=.eh_frame=.data.x "
			      "--rename-section=.text=.notes");
	check_stripped("lld", "--strip-all --remove-section=.eh_frame "
			      "--remove-section=.eh_frame_hdr");
}

static void judge(unsigned n, const struct want *want)
{
	judge_tables(n, want, true);
}

#define CLEAN                                         \
	{ "start", CODE_CRANELIFT, "jump-table" },    \
	{                                             \
		"leaf0", CODE_CRANELIFT, "small-leaf" \
	}
#define ENDS                             \
	{                                \
		NULL, CODE_UNKNOWN, NULL \
	}

static void functions_are_what_their_makers_are(void **state)
{
	const struct want want[] = {
		CLEAN,
		{ "by_table", CODE_CRANELIFT, "fde-framed" },
		{ "vectors", CODE_CRANELIFT, "fde-framed" },
		{ "long_leaf", CODE_UNKNOWN, "fde-empty" },
		{ "llvm_table", CODE_LLVM, "cie-llvm" },
		{ "gnu_table", CODE_GCC, "cie-gcc" },
		{ "strange_table", CODE_FOREIGN, "cie-other" },
		{ "llvm_words", CODE_LLVM, "fp-is-sp-plus" },
		{ "gcc_words", CODE_GCC, "fplr-pre" },
		{ "some_words", CODE_FOREIGN, "adds-imm" },
		{ "no_words", CODE_UNKNOWN, NULL },
		{ "wrapper", CODE_ASM, "asm-wrapper" },
		{ "code_alone", CODE_CRANELIFT, "unscaled-at-sp" },
		{ "weak_sign", CODE_UNKNOWN, "cset-x" },
		{ "weak_signs", CODE_CRANELIFT, "cmp-xzr" },
		{ "short", CODE_UNKNOWN, "unscaled-at-sp" },
		{ "long", CODE_CRANELIFT, "unscaled-at-sp" },
		{ "carrier", CODE_UNKNOWN, "literals" },
		{ "carrier2", CODE_CRANELIFT, "literals" },
		{ "pascal", CODE_UNKNOWN, "uxt" },
		{ "pascal_up", CODE_UNKNOWN, "other-push" },
		{ "pascal_odd", CODE_UNKNOWN, "other-push" },
		ENDS,
	};

	(void)state;
	judge(0, want);
}

static void forged_framed_entries_do_not_help(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_CONFLICT, "csel-w" },
				     { "foreign2", CODE_CONFLICT, "fde-mismatch" },
				     { "pushes", CODE_CONFLICT, "fde-mismatch" },
				     ENDS };

	(void)state;
	judge(1, want);
}

static void forged_empty_entries_do_not_help(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_CONFLICT, "fde-mismatch" },
				     { "foreign2", CODE_UNKNOWN, "fde-empty" },
				     { "foreign3", CODE_CONFLICT, "cset-w" },
				     ENDS };

	(void)state;
	judge(2, want);
}

static void a_function_split_into_small_entries_is_no_row_of_leaves(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_CONFLICT, "falls-out" },
				     { "foreign2", CODE_CONFLICT, "falls-out" },
				     { "foreign3", CODE_UNKNOWN, "falls-in" },
				     { "after_call", CODE_UNKNOWN, "falls-in" },
				     { "after_branch", CODE_UNKNOWN, "falls-in" },
				     ENDS };

	(void)state;
	judge(3, want);
}

static void an_entry_over_several_functions_covers_one(void **state)
{
	const struct want want[] = { CLEAN,
				     { "joined", CODE_CONFLICT, "unreached" },
				     { "joined2", CODE_CONFLICT, "unreached" },
				     ENDS };

	(void)state;
	/* without the entry its first function is Cranelift's by its words, as it is */
	judge_tables(4, want, false);
}

static void code_is_no_jump_table(void **state)
{
	const struct want want[] = { CLEAN, { "foreign", CODE_CONFLICT, "csel-w" }, ENDS };

	(void)state;
	judge(5, want);
}

static void a_wrapper_has_to_hold_system_instructions(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_UNKNOWN, "asm-wrapper" },
				     { "foreign2", CODE_GCC, "cset-w" },
				     ENDS };

	(void)state;
	judge(6, want);
}

static void overlapping_entries_say_nothing(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_UNKNOWN, "fde-overlap" },
				     { "nested", CODE_UNKNOWN, "fde-overlap" },
				     { "doubled", CODE_CONFLICT, "fde-overlap" },
				     ENDS };

	(void)state;
	/* without the entries one of these is Cranelift's by its words, as it is */
	judge_tables(7, want, false);
}

static void entries_of_no_length_say_nothing(void **state)
{
	const struct want want[] = { CLEAN, { "foreign", CODE_UNKNOWN, NULL }, ENDS };
	struct examined e;

	(void)state;
	judge(8, want);
	e = examine_file(temp_path("a.o"));
	assert_true(has_reason(&e, "cover nothing (1,"));
	examined_done(&e);
}

static void symbols_that_cut_do_not_help(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_GCC, "falls-out" },
				     { "foreign2", CODE_UNKNOWN, "falls-in" },
				     { "foreign3", CODE_FOREIGN, "falls-in" },
				     ENDS };

	(void)state;
	judge(9, want);
}

static void literals_that_control_reaches_are_code(void **state)
{
	const struct want want[] = { CLEAN, { "foreign", CODE_CONFLICT, "csel-w" }, ENDS };

	(void)state;
	judge(10, want);
}

static void entries_over_parts_do_not_help(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_CONFLICT, "falls-out" },
				     { "foreign2", CODE_FOREIGN, "csel-w" },
				     { "foreign3", CODE_UNKNOWN, "falls-in" },
				     ENDS };

	(void)state;
	judge(11, want);
}

static void a_function_does_not_branch_out_under_a_condition(void **state)
{
	const struct want want[] = { CLEAN, { "foreign", CODE_UNKNOWN, "branch-out" }, ENDS };

	(void)state;
	judge(12, want);
}

static void a_cie_of_several_compilers_says_nothing_by_itself(void **state)
{
	const struct want want[] = { { "start", CODE_CRANELIFT, "cie-mixed" },
				     { "leaf0", CODE_UNKNOWN, "cie-mixed" },
				     { "foreign", CODE_CONFLICT, "fde-foreign" },
				     { "no_sign", CODE_UNKNOWN, "cie-mixed" },
				     ENDS };

	(void)state;
	judge(13, want);
}

static void all_that_can_be_executed_is_judged(void **state)
{
	const struct want want[] = { CLEAN,
				     { "foreign", CODE_FOREIGN, "csel-w" },
				     { "leaf1", CODE_UNKNOWN, NULL },
				     { "foreign2", CODE_GCC, "fplr-pre" },
				     ENDS };

	(void)state;
	judge(14, want);
}

static void programs_that_are_nearly_cranelifts_are_not(void **state)
{
	static const char *const variants[] = { "advance_at_end", "later",    "larger",
						"other_slot",     "no_lr",    "other_register",
						"at_once",        "restores", "three",
						"ends_early",     "remembers" };
	struct want want[ARRAY_LEN(variants) + 1] = { ENDS };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		want[i] = (struct want){ variants[i], CODE_CONFLICT, "fde-foreign" };
		want[i + 1] = (struct want)ENDS;
	}
	judge(15, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_what_their_makers_are),
		cmocka_unit_test(forged_framed_entries_do_not_help),
		cmocka_unit_test(forged_empty_entries_do_not_help),
		cmocka_unit_test(a_function_split_into_small_entries_is_no_row_of_leaves),
		cmocka_unit_test(an_entry_over_several_functions_covers_one),
		cmocka_unit_test(code_is_no_jump_table),
		cmocka_unit_test(a_wrapper_has_to_hold_system_instructions),
		cmocka_unit_test(overlapping_entries_say_nothing),
		cmocka_unit_test(entries_of_no_length_say_nothing),
		cmocka_unit_test(symbols_that_cut_do_not_help),
		cmocka_unit_test(literals_that_control_reaches_are_code),
		cmocka_unit_test(entries_over_parts_do_not_help),
		cmocka_unit_test(a_function_does_not_branch_out_under_a_condition),
		cmocka_unit_test(a_cie_of_several_compilers_says_nothing_by_itself),
		cmocka_unit_test(all_that_can_be_executed_is_judged),
		cmocka_unit_test(programs_that_are_nearly_cranelifts_are_not),
	};

	if (!have_program("aarch64-linux-gnu-as"))
		test_skip_program("aarch64-linux-gnu-as is missing (binutils-aarch64-linux-gnu)");
	return cmocka_run_group_tests(tests, make_temp, remove_temp);
}
