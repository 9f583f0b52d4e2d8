/* SPDX-License-Identifier: MIT */
#include "code_test.h"

#include "audit/code_rules.h"

/* The words of words.s are made by an assembler; the file says which rule each is evidence of. */

static uint8_t *assembled;
static size_t assembled_len;

static int assemble(void **state)
{
	make_temp(state);
	run("aarch64-linux-gnu-as -march=armv8.5-a -o %s tests/audit/words.s",
	    temp_path("words.o"));
	run("aarch64-linux-gnu-objcopy -O binary -j .text %s %s", temp_path("words.o"),
	    temp_path("words.bin"));
	assembled = test_load(temp_path("words.bin"), &assembled_len);
	return 0;
}

static int forget(void **state)
{
	free(assembled);
	return remove_temp(state);
}

static void each_word_is_evidence_of_its_rule(void **state)
{
	struct code_matcher m;
	FILE *f = fopen("tests/audit/words.s", "re");
	char line[256];
	size_t n = 0, wrong = 0;

	(void)state;
	code_matcher_init(&m);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *want = strstr(line, "//= ");
		const char *got;
		uint32_t w;

		if (!want || line[0] != '\t')
			continue;
		want += strcspn(want, " ") + 1;
		want[strcspn(want, "\n")] = 0;
		if (strncmp(want, "- ", 2) == 0)
			want += 2;
		assert_true(n * 4 + 4 <= assembled_len);
		w = (uint32_t)assembled[n * 4] | (uint32_t)assembled[n * 4 + 1] << 8 |
		    (uint32_t)assembled[n * 4 + 2] << 16 | (uint32_t)assembled[n * 4 + 3] << 24;
		got = evidence_text(code_match(&m, w));
		if (strcmp(*got ? got : "-", want) != 0) {
			print_error("%08x %s: got \"%s\"\n", w, line, got);
			wrong++;
		}
		n++;
	}
	fclose(f);
	assert_int_equal(n * 4, assembled_len);
	assert_true(n > 100);
	assert_int_equal(wrong, 0);
}

static void every_rule_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_CODE_RULES; i++) {
		assert_non_null(code_rule_name(i));
		assert_non_null(code_rule_note(i));
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(code_rule_name(i), code_rule_name(k));
		/* bits outside of the mask could never match */
		assert_int_equal(code_rules[i].value & ~code_rules[i].mask, 0);
	}
	assert_null(code_rule_name(N_CODE_RULES));
	assert_null(code_rule_note(64));
}

/* The index by the highest byte may not lose a rule: held against the table itself. */
static void the_index_finds_what_the_table_says(void **state)
{
	struct code_matcher m;
	uint32_t w = 12345;

	(void)state;
	code_matcher_init(&m);
	for (unsigned n = 0; n < 2000000; n++) {
		uint64_t bits = 0;

		w = w * 1664525 + 1013904223;
		for (unsigned i = RULE_PAIR_AT_SP; i <= RULE_LAST_HINT; i++) {
			const struct code_rule_row *r = &code_rules[i];

			if ((w & r->mask) != r->value || (r->extra && !r->extra(w)))
				continue;
			if (i > RULE_LAST_WORD || !(bits & (code_rule_bit(RULE_LAST_WORD + 1) - 1)))
				bits |= code_rule_bit(i);
		}
		assert_int_equal(code_match(&m, w), bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_word_is_evidence_of_its_rule, assemble,
						forget),
		cmocka_unit_test(every_rule_has_a_name_and_a_sentence),
		cmocka_unit_test(the_index_finds_what_the_table_says),
	};

	if (!have_program("aarch64-linux-gnu-as"))
		test_skip_program("aarch64-linux-gnu-as is missing (binutils-aarch64-linux-gnu)");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
