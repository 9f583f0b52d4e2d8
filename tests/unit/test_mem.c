/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <malloc.h>

#include "core/mem.h"

#include "random.h"

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void pieces_are_zero_aligned_and_apart(void **state)
{
	struct test_random rnd = test_random_start("mem");
	struct arena a;
	struct {
		uint8_t *p;
		size_t len;
	} pieces[500];

	(void)state;
	arena_init(&a, 0);
	for (size_t i = 0; i < 500; i++) {
		size_t len = test_random_below(&rnd, test_random_one_in(&rnd, 20) ? 300000 : 200);

		pieces[i].p = arena_alloc(&a, len);
		pieces[i].len = len;
		assert_non_null(pieces[i].p);
		assert_int_equal((uintptr_t)pieces[i].p % 16, 0);
		assert_true(is_zero(pieces[i].p, len));
		memset(pieces[i].p, (int)(i % 255 + 1), len);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < pieces[i].len; k++)
			assert_int_equal(pieces[i].p[k], i % 255 + 1);
	arena_done(&a);
}

static void the_limit_holds_to_the_byte(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_non_null(arena_alloc(&a, 32));
	assert_null(arena_alloc(&a, 33));
	assert_true(a.refused);
	assert_non_null(arena_alloc(&a, 32));
	assert_int_equal(a.used, 64);
	assert_null(arena_alloc(&a, 1));
	assert_non_null(arena_alloc(&a, 0));
	arena_done(&a);
	/* and is still there for what comes next */
	assert_int_equal(a.used, 0);
	assert_false(a.refused);
	assert_null(arena_alloc(&a, 65));
	arena_done(&a);
}

static void several_arenas_share_a_limit(void **state)
{
	struct arena a, b;
	uint64_t used = 0;

	(void)state;
	arena_init(&a, 64);
	arena_init(&b, 64);
	a.shared = b.shared = &used;
	assert_non_null(arena_alloc(&a, 48));
	assert_null(arena_alloc(&b, 32));
	assert_true(b.refused);
	assert_non_null(arena_alloc(&b, 16));
	assert_int_equal(used, 64);
	arena_done(&a);
	assert_int_equal(used, 16);
	assert_non_null(arena_alloc(&b, 48));
	arena_done(&b);
	assert_int_equal(used, 0);
}

static void what_is_kept_elsewhere_can_be_charged(void **state)
{
	struct arena a;
	uint64_t used = 0;

	(void)state;
	arena_init(&a, 100);
	a.shared = &used;
	assert_true(arena_charge(&a, 60));
	assert_false(arena_charge(&a, 41));
	assert_true(a.refused);
	assert_false(arena_charge(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, 48));
	assert_true(arena_charge(&a, 40));
	assert_int_equal(used, 100);
	arena_done(&a);
	assert_int_equal(used, 0);
}

static void impossible_sizes_are_refused_not_wrapped(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 15));
	assert_null(arena_alloc(&a, SIZE_MAX - 64));
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	assert_null(arena_array(&a, SIZE_MAX, SIZE_MAX));
	assert_null(arena_copy(&a, "", SIZE_MAX));
	assert_int_equal(a.used, 0);
	assert_non_null(arena_array(&a, 0, 8));
	assert_non_null(arena_array(&a, 3, 8));
	arena_done(&a);
}

/* A layer of some hundred names of 70 kB must not cost four times that. */
static void large_pieces_take_about_what_they_need(void **state)
{
	const size_t n = 100, len = 70000;
	struct arena a;
	size_t before, taken;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("the sanitizer's malloc does not tell what was taken\n");
	skip();
#endif
	arena_init(&a, 0);
	for (size_t i = 0; i < 1000; i++) /* until the arena takes its largest steps */
		assert_non_null(arena_alloc(&a, 1000));
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	for (size_t i = 0; i < n; i++)
		assert_non_null(arena_alloc(&a, len));
	taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	assert_in_range(taken, 0, n * len * 5 / 4);
	arena_done(&a);
}

static void a_large_piece_may_come_first(void **state)
{
	struct arena a;
	uint8_t *large, *small;

	(void)state;
	arena_init(&a, 0);
	large = arena_alloc(&a, 1000000);
	small = arena_alloc(&a, 10);
	assert_true(large && small);
	memset(large, 1, 1000000);
	assert_true(is_zero(small, 10));
	arena_done(&a);
}

static void copies_and_texts_end_with_a_nul(void **state)
{
	struct arena a;
	const char *copy, *text;

	(void)state;
	arena_init(&a, 0);
	copy = arena_copy(&a, "ab\0cd", 5);
	assert_memory_equal(copy, "ab\0cd", 6);
	copy = arena_copy(&a, NULL, 0);
	assert_string_equal(copy, "");
	text = arena_printf(&a, "%s-%d", "part", 17);
	assert_string_equal(text, "part-17");
	arena_done(&a);
}

struct noted {
	char *log;
	char name;
};

static void append_name(void *arg)
{
	struct noted *n = arg;
	size_t len = strlen(n->log);

	n->log[len] = n->name;
	n->log[len + 1] = '\0';
}

static void deferred_calls_run_once_newest_first(void **state)
{
	char log[16] = "";
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (int c = 'a'; c <= 'd'; c++) {
		struct noted *n = arena_alloc(&a, sizeof(*n));

		n->log = log;
		n->name = (char)c;
		assert_true(arena_defer(&a, append_name, n));
	}
	assert_string_equal(log, "");
	arena_done(&a);
	assert_string_equal(log, "dcba");
	arena_done(&a);
	assert_string_equal(log, "dcba");
}

static void a_call_that_cannot_be_deferred_is_not_made(void **state)
{
	char log[16] = "";
	struct noted n = { .log = log, .name = 'x' };
	struct arena a;

	(void)state;
	arena_init(&a, 8);
	assert_false(arena_defer(&a, append_name, &n));
	arena_done(&a);
	assert_string_equal(log, "");
}

static void an_array_grows_and_keeps_its_elements(void **state)
{
	uint32_t *data = NULL;
	size_t cap = 0;

	(void)state;
	for (uint32_t n = 0; n < 1000; n++) {
		uint32_t *grown = vec_grow(data, &cap, n, sizeof(*data));

		assert_non_null(grown);
		assert_true(cap > n);
		data = grown;
		data[n] = n * 7;
	}
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(data[n], n * 7);
	free(data);
}

static void an_array_too_large_for_memory_is_refused(void **state)
{
	uint8_t one;
	size_t cap = SIZE_MAX / 2 + 1;

	(void)state;
	assert_null(vec_grow(&one, &cap, cap, 1));
	assert_int_equal(cap, SIZE_MAX / 2 + 1);
	cap = SIZE_MAX / 64;
	assert_null(vec_grow(&one, &cap, cap, 64));
	assert_int_equal(cap, SIZE_MAX / 64);
}

static void one_bit_anywhere_is_not_zero(void **state)
{
	uint8_t data[66] = { 0 };

	(void)state;
	data[0] = data[65] = 1; /* around what is looked at */
	for (size_t len = 0; len <= 64; len++) {
		data[len + 1] = 1;
		assert_true(mem_is_zero(data + 1, len));
		data[len + 1] = 0;
		for (size_t at = 1; at <= len; at++) {
			data[at] = (uint8_t)(1U << at % 8);
			assert_false(mem_is_zero(data + 1, len));
			data[at] = 0;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_and_apart),
		cmocka_unit_test(the_limit_holds_to_the_byte),
		cmocka_unit_test(several_arenas_share_a_limit),
		cmocka_unit_test(what_is_kept_elsewhere_can_be_charged),
		cmocka_unit_test(impossible_sizes_are_refused_not_wrapped),
		cmocka_unit_test(large_pieces_take_about_what_they_need),
		cmocka_unit_test(a_large_piece_may_come_first),
		cmocka_unit_test(copies_and_texts_end_with_a_nul),
		cmocka_unit_test(deferred_calls_run_once_newest_first),
		cmocka_unit_test(a_call_that_cannot_be_deferred_is_not_made),
		cmocka_unit_test(an_array_grows_and_keeps_its_elements),
		cmocka_unit_test(an_array_too_large_for_memory_is_refused),
		cmocka_unit_test(one_bit_anywhere_is_not_zero),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
