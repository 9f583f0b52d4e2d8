/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <unistd.h>

#include "core/str.h"
#include "verify/agreement.h"

/* Votes are written as texts, a word each: key (a letter), build (a digit), digest of the image (a
 * letter); the image at hand is "x". "a1x b1x c1y": a and b for it, c for other bytes. The standing
 * of each is one letter of: counts, repeated, dissents, Contradicts, other. */

#define MAX 16

struct room {
	struct vote votes[MAX];
	struct statement statements[MAX];
	struct subject subjects[MAX];
	const struct subject *by_name[MAX];
	uint8_t image[SHA256_LEN];
	struct agreement a;
	char standings[MAX + 1];
};

static void judge(struct room *r, const char *text, size_t threshold)
{
	static const char letters[] = "crdCo";
	size_t n = 0;

	memset(r, 0, sizeof(*r));
	memset(r->image, 'x', sizeof(r->image));
	for (; *text; text += text[3] ? 4 : 3, n++) {
		r->votes[n].key = (size_t)(text[0] - 'a');
		memset(r->statements[n].definition, text[1], SHA256_LEN);
		memset(r->subjects[n].sha256, text[2], SHA256_LEN);
		r->subjects[n].name = "os.img";
		r->statements[n].subjects = &r->subjects[n];
		r->by_name[n] = &r->subjects[n];
		r->statements[n].by_name = &r->by_name[n];
		r->statements[n].n_subjects = 1;
		r->votes[n].statement = &r->statements[n];
	}
	r->a = agreement_find(r->votes, n, r->image, threshold);
	for (size_t i = 0; i < n; i++)
		r->standings[i] = letters[r->votes[i].standing];
}

static void expect(const char *text, size_t threshold, bool agreed, const char *standings)
{
	struct room r;

	judge(&r, text, threshold);
	if (strcmp(r.standings, standings) != 0)
		fail_msg("%s: %s instead of %s", text, r.standings, standings);
	if (r.a.agreed != agreed)
		fail_msg("%s by %zu: %s", text, threshold, agreed ? "not agreed" : "agreed");
}

static void the_threshold_counts_keys(void **state)
{
	(void)state;
	expect("", 1, false, "");
	expect("a1x", 1, true, "c");
	expect("a1x", 2, false, "c");
	expect("a1x b1x", 2, true, "cc");
	expect("a1x b1x", 3, false, "cc");
	expect("a1x", 0, false, "c");
}

static void a_key_has_one_vote(void **state)
{
	(void)state;
	expect("a1x a1x", 2, false, "cr");
	expect("a1x a1x a1x b1x", 3, false, "crrc");
	expect("a1x a1x b1x", 2, true, "crc");
}

static void votes_of_different_builds_do_not_add_up(void **state)
{
	(void)state;
	expect("a1x b2x", 2, false, "cc");
	expect("a1x b2x c2x", 2, true, "ccc");
	expect("a1x a2x", 2, false, "cc");
}

static void dissent_is_named_and_does_not_stop_a_majority(void **state)
{
	struct room r;

	(void)state;
	expect("a1x b1x c1y", 2, true, "ccd");
	expect("c1y a1x b1x", 2, true, "dcc");
	expect("a1x c1y", 2, false, "cd");
	judge(&r, "a1x b1x c1y", 2);
	assert_int_equal(r.a.n_keys, 2);
	assert_int_equal(r.a.n_against, 1);
	assert_int_equal(r.a.against->key, 2);
}

static void the_image_may_be_the_dissenter(void **state)
{
	struct room r;

	(void)state;
	expect("a1y b1y c1x", 2, false, "ddc");
	expect("a1y b1y", 2, false, "oo");
	judge(&r, "a1y b1y c1x", 2);
	assert_int_equal(r.a.n_against, 2);
	judge(&r, "a1y b1y", 2);
	assert_int_equal(r.a.n_against, 2);
	assert_null(r.a.best);
}

static void two_quorums_are_none(void **state)
{
	struct room r;

	(void)state;
	expect("a1x b1y", 1, false, "cd");
	expect("a1x b1x c1y d1y", 2, false, "ccdd");
	expect("a1x b1x c1y d1z", 2, true, "ccdd");
	judge(&r, "a1x b1x c1y d1y", 2);
	assert_true(r.a.conflict);
	/* the votes for other bytes of another build are another matter */
	expect("a1x b1x c2y d2y", 2, true, "ccoo");
}

static void a_key_that_contradicts_itself_counts_for_neither(void **state)
{
	(void)state;
	expect("a1x a1y b1x", 2, false, "CCc");
	expect("a1y a1x b1x c1x", 2, true, "CCcc");
	expect("a1x a1y", 1, false, "CC");
	/* of different builds it does not contradict itself */
	expect("a1x a2y b1x", 2, true, "coc");
	/* but against an agreement it counts: being too careful is the safe side */
	expect("a1x a1y b1x c1x d1y", 2, false, "CCccd");
}

/* Every way to give four votes of two keys, builds and digests, in every order: the verdict does
 * not depend on the order, and is what counting by hand gives. */
static void the_order_does_not_matter(void **state)
{
	static const char *const orders[] = { "0123", "3210", "1032", "2301", "1230" };
	struct room r;

	(void)state;
	for (unsigned code = 0; code < 4096; code++) {
		char votes[4][4], text[5][17];
		bool first = false;

		for (unsigned i = 0; i < 4; i++) {
			unsigned bits = code >> 3 * i & 7;

			snprintf(votes[i], sizeof(votes[i]), "%c%c%c", 'a' + (bits & 1),
				 '1' + (bits >> 1 & 1), 'x' + (bits >> 2 & 1));
		}
		for (unsigned o = 0; o < 5; o++) {
			snprintf(text[o], sizeof(text[o]), "%s %s %s %s", votes[orders[o][0] - '0'],
				 votes[orders[o][1] - '0'], votes[orders[o][2] - '0'],
				 votes[orders[o][3] - '0']);
			judge(&r, text[o], 2);
			if (o == 0)
				first = r.a.agreed;
			if (r.a.agreed != first)
				fail_msg("%s and %s", text[0], text[o]);
		}
		/* two keys agree when both say x for a build, and neither says y for it */
		for (char build = '1'; build <= '2' && !first; build++) {
			bool x[2] = { false }, y[2] = { false };

			for (unsigned i = 0; i < 4; i++)
				if (votes[i][1] == build) {
					x[votes[i][0] - 'a'] |= votes[i][2] == 'x';
					y[votes[i][0] - 'a'] |= votes[i][2] == 'y';
				}
			if (x[0] && x[1] && !y[0] && !y[1])
				fail_msg("%s: not agreed", text[0]);
		}
		if (first && !strstr(text[0], "x"))
			fail_msg("%s: agreed", text[0]);
	}
}

static void a_layer_may_be_what_is_asked_for(void **state)
{
	struct subject subjects[2] = { { .name = "os.img" }, { .name = "os.img::REDOX" } };
	struct subject others[2] = { { .name = "os.img" }, { .name = "os.img::REDOX" } };
	const struct subject *names[2] = { &subjects[0], &subjects[1] };
	const struct subject *other_names[2] = { &others[0], &others[1] };
	struct statement s = { .subjects = subjects, .by_name = names, .n_subjects = 2 };
	struct statement t = { .subjects = others, .by_name = other_names, .n_subjects = 2 };
	struct vote votes[2] = { { .key = 0, .statement = &s }, { .key = 1, .statement = &t } };
	uint8_t image[SHA256_LEN];
	struct agreement a;

	(void)state;
	memset(image, 'x', sizeof(image));
	memset(subjects[1].sha256, 'x', SHA256_LEN);
	memset(others[1].sha256, 'y', SHA256_LEN);
	a = agreement_find(votes, 2, image, 1);
	assert_ptr_equal(votes[0].subject, &subjects[1]);
	assert_ptr_equal(votes[1].subject, &others[1]); /* by its name, not the first */
	assert_int_equal(votes[1].standing, STANDING_DISSENTS);
	assert_true(a.conflict);
}

/* Each name of one is looked for in the other when results differ. */
static void as_many_subjects_as_there_may_be_are_found_by_their_names(void **state)
{
	auto_str struct str text = { 0 };
	struct rimg_error err;
	struct statement s;
	struct arena a;

	(void)state;
	alarm(30); /* rather than go through all of them for each */
	arena_init(&a, 0);
	str_add(&text,
		"{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"" STATEMENT_RESULT
		"\",\"predicate\":{\"verifier\":{\"id\":\"x\",\"policies\":[]},"
		"\"timeCreated\":\"x\",\"properties\":[\"" PROPERTY_BYTES "\"]},\"subject\":[");
	for (unsigned i = 0; i < STATEMENT_SUBJECTS_MAX; i++)
		str_printf(&text, "%s{\"name\":\"%u\",\"digest\":{\"sha256\":\"%064x\"}}",
			   i ? "," : "", i, i);
	str_add(&text, "]}");
	if (statement_parse(&a, text.data, text.len, "test", &s, &err) < 0)
		test_fail_error("statement", &err);
	for (unsigned i = 0; i < STATEMENT_SUBJECTS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		assert_ptr_equal(statement_named(&s, name), &s.subjects[i]);
	}
	assert_null(statement_named(&s, "none"));
	assert_null(statement_named(&s, ""));
	assert_null(statement_named(&s, "99999"));
	alarm(0);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_threshold_counts_keys),
		cmocka_unit_test(a_key_has_one_vote),
		cmocka_unit_test(votes_of_different_builds_do_not_add_up),
		cmocka_unit_test(dissent_is_named_and_does_not_stop_a_majority),
		cmocka_unit_test(the_image_may_be_the_dissenter),
		cmocka_unit_test(two_quorums_are_none),
		cmocka_unit_test(a_key_that_contradicts_itself_counts_for_neither),
		cmocka_unit_test(the_order_does_not_matter),
		cmocka_unit_test(as_many_subjects_as_there_may_be_are_found_by_their_names),
		cmocka_unit_test(a_layer_may_be_what_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
