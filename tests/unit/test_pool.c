/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/pool.h"

#define MANY 5000

struct slots {
	atomic_uint taken[MANY];
	uint64_t result[MANY];
};

static void fill_slot(void *arg, size_t i)
{
	struct slots *s = arg;

	atomic_fetch_add(&s->taken[i], 1);
	s->result[i] = i * i;
}

static void each_index_is_taken_once(void **state)
{
	static const unsigned threads[] = { 0, 1, 2, 3, 8, 255, 256, 257, 100000 };
	static const size_t counts[] = { 0, 1, 2, 7, MANY };
	static struct slots s;

	(void)state;
	for (size_t t = 0; t < 9; t++) {
		for (size_t c = 0; c < 5; c++) {
			memset(&s, 0, sizeof(s));
			pool_for(threads[t], counts[c], fill_slot, &s);
			for (size_t i = 0; i < MANY; i++) {
				assert_int_equal(atomic_load(&s.taken[i]), i < counts[c]);
				assert_int_equal(s.result[i], i < counts[c] ? i * i : 0);
			}
		}
	}
}

struct busy {
	pthread_t caller;
	atomic_bool done[16];
};

static void take_time(void *arg, size_t i)
{
	struct busy *b = arg;

	if (!pthread_equal(pthread_self(), b->caller))
		usleep(20000);
	atomic_store(&b->done[i], true);
}

static void all_is_done_when_it_returns(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		struct busy b = { .caller = pthread_self() };

		pool_for(8, 16, take_time, &b);
		for (size_t i = 0; i < 16; i++)
			assert_true(atomic_load(&b.done[i]));
	}
}

static size_t count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void note_threads(void *arg, size_t i)
{
	((size_t *)arg)[i] = count_threads();
}

static void there_are_no_more_threads_than_asked_for(void **state)
{
	const size_t before = count_threads();
	size_t n[50];

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		for (size_t count = 1; count <= 50; count += 7) {
			pool_for(threads, count, note_threads, n);
			for (size_t i = 0; i < count; i++)
				assert_in_range(n[i], 1, before + threads - 1);
			/* nor more than there is work for */
			for (size_t i = 0; i < count; i++)
				assert_in_range(n[i], 1, before + count - 1);
		}
	}
}

/* No thread can be started with such a stack: 128 TiB, or 3 GiB where addresses have 32 bits. */
#define TOO_LARGE (SIZE_MAX > UINT32_MAX ? UINT64_C(1) << 47 : UINT64_C(3) << 30)

static void without_threads_the_caller_does_it_all(void **state)
{
	static struct slots s;
	pthread_attr_t usual, huge;

	(void)state;
	assert_int_equal(pthread_getattr_default_np(&usual), 0);
	assert_int_equal(pthread_attr_init(&huge), 0);
	assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)TOO_LARGE), 0);
	assert_int_equal(pthread_setattr_default_np(&huge), 0);
	pool_for(8, MANY, fill_slot, &s);
	assert_int_equal(pthread_setattr_default_np(&usual), 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(atomic_load(&s.taken[i]), 1);
	pthread_attr_destroy(&huge);
	pthread_attr_destroy(&usual);
}

struct order {
	pthread_t caller;
	size_t next;
	bool wrong;
};

static void note_order(void *arg, size_t i)
{
	struct order *o = arg;

	o->wrong |= i != o->next || !pthread_equal(pthread_self(), o->caller);
	o->next++;
}

static void one_thread_is_a_loop_of_the_caller(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads <= 1; threads++) {
		struct order o = { .caller = pthread_self() };

		pool_for(threads, 100, note_order, &o);
		assert_int_equal(o.next, 100);
		assert_false(o.wrong);
	}
}

/* With as many threads as indices, all can wait for one another. */
static void meet(void *arg, size_t i)
{
	(void)i;
	pthread_barrier_wait(arg);
}

static void threads_run_at_the_same_time(void **state)
{
	pthread_barrier_t barrier;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, 4), 0);
	alarm(60); /* rather than wait for ever */
	pool_for(4, 4, meet, &barrier);
	pool_for(9, 4, meet, &barrier);
	alarm(0);
	pthread_barrier_destroy(&barrier);
}

static void inner(void *arg, size_t i)
{
	(void)i;
	atomic_fetch_add((atomic_uint *)arg, 1);
}

static void outer(void *arg, size_t i)
{
	(void)i;
	pool_for(3, 10, inner, arg);
}

static void a_worker_may_have_workers(void **state)
{
	atomic_uint n = 0;

	(void)state;
	pool_for(3, 10, outer, &n);
	assert_int_equal(atomic_load(&n), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_index_is_taken_once),
		cmocka_unit_test(all_is_done_when_it_returns),
		cmocka_unit_test(there_are_no_more_threads_than_asked_for),
		cmocka_unit_test(without_threads_the_caller_does_it_all),
		cmocka_unit_test(one_thread_is_a_loop_of_the_caller),
		cmocka_unit_test(threads_run_at_the_same_time),
		cmocka_unit_test(a_worker_may_have_workers),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
