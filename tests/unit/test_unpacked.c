/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/unpacked.h"

/* Contents whose every byte is the first letter of their name. */
struct content {
	const char *name;
	struct unpacked_item item;
	unsigned n_made;
	int fails;             /* with this code */
	struct content *reads; /* while it is made */
	struct unpacked *unpacked;
};

/* A content is const for those who make it; what it counts is not. */
static struct content *content_of(const struct unpacked_item *item)
{
	struct content *const *c = item->ctx;

	return *c;
}

static int make(const struct unpacked_item *item, uint8_t *out, struct rimg_error *err)
{
	struct content *c = content_of(item);
	char byte;

	c->n_made++;
	if (c->fails)
		return error_set(err, c->fails, NULL, "it fails");
	memset(out, c->name[0], (size_t)item->len);
	if (c->reads) {
		assert_int_equal(unpacked_read(c->unpacked, &c->reads->item, 0, &byte, 1, err), 0);
		assert_int_equal(byte, c->reads->name[0]);
	}
	return 0;
}

static struct content contents[6];
static struct content *pointers[6];

/* a, b, c, ... of @len bytes each */
static struct unpacked *begin(uint64_t max, uint64_t len)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	struct unpacked *u = unpacked_new(max);

	assert_non_null(u);
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		pointers[i] = &contents[i];
		contents[i] = (struct content){
			.name = names[i],
			.item = { .len = len, .make = make, .ctx = &pointers[i] },
			.unpacked = u,
		};
	}
	return u;
}

static void end(struct unpacked *u)
{
	for (size_t i = 0; i < ARRAY_LEN(contents); i++)
		unpacked_drop(u, &contents[i].item);
	unpacked_free(u);
}

/* Reads the last byte of each content that @names lists. */
static void read_all(struct unpacked *u, const char *names)
{
	for (; *names; names++) {
		struct content *c = &contents[*names - 'a'];
		struct rimg_error err;
		char byte = 0;

		if (unpacked_read(u, &c->item, c->item.len - 1, &byte, 1, &err) < 0)
			test_fail_error(c->name, &err);
		assert_int_equal(byte, *names);
	}
}

static void assert_made(const char *times)
{
	for (size_t i = 0; times[i]; i++)
		if (contents[i].n_made != (unsigned)(times[i] - '0'))
			fail_msg("%s was made %u times", contents[i].name, contents[i].n_made);
}

static void contents_are_made_once_as_long_as_there_is_room(void **state)
{
	struct unpacked *u = begin(300, 100);

	(void)state;
	read_all(u, "abcabccba");
	assert_made("111000");
	end(u);
}

static void the_one_read_longest_ago_goes_first(void **state)
{
	struct unpacked *u = begin(300, 100);

	(void)state;
	read_all(u, "abcad"); /* b goes */
	read_all(u, "acd");
	assert_made("111100");
	read_all(u, "b"); /* a goes */
	read_all(u, "cdb");
	assert_made("121100");
	read_all(u, "a");
	assert_made("221100");
	end(u);
}

static void one_byte_too_many_and_there_is_room_for_one_less(void **state)
{
	struct unpacked *u = begin(299, 100);

	(void)state;
	read_all(u, "abcbc");
	assert_made("111000");
	read_all(u, "a");
	assert_made("211000");
	end(u);
}

static void content_larger_than_all_room_is_held_alone(void **state)
{
	struct unpacked *u = begin(99, 100);

	(void)state;
	read_all(u, "aaa");
	assert_made("100000");
	read_all(u, "bab");
	assert_made("220000");
	end(u);
}

static void dropped_content_is_made_again(void **state)
{
	struct unpacked *u = begin(300, 100);

	(void)state;
	read_all(u, "ab");
	unpacked_drop(u, &contents[0].item);
	unpacked_drop(u, &contents[0].item);
	read_all(u, "cdb"); /* there is room for three */
	assert_made("111100");
	read_all(u, "a");
	assert_made("211100");
	end(u);
}

static void failure_is_not_held(void **state)
{
	struct unpacked *u = begin(300, 100);
	struct rimg_error err;
	char byte;

	(void)state;
	read_all(u, "bcd");
	contents[0].fails = RIMG_E_BAD;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(unpacked_read(u, &contents[0].item, 0, &byte, 1, &err),
				 -RIMG_E_BAD);
		assert_string_equal(err.text, "it fails");
	}
	contents[0].fails = 0;
	read_all(u, "a");
	assert_made("311100");
	end(u);
}

/* As a package in a package does. */
static void making_one_content_may_read_another(void **state)
{
	struct unpacked *u = begin(150, 100);

	(void)state;
	contents[0].reads = &contents[1];
	contents[1].reads = &contents[2];
	read_all(u, "a");
	assert_made("111000");
	read_all(u, "a");
	assert_made("111000");
	end(u);
}

struct reads {
	struct unpacked *u;
	bool wrong[400];
};

static void read_one(void *arg, size_t i)
{
	struct reads *r = arg;
	struct content *c = &contents[i % ARRAY_LEN(contents)];
	char bytes[100];

	r->wrong[i] = unpacked_read(r->u, &c->item, i % 900, bytes, sizeof(bytes), NULL) < 0;
	for (size_t k = 0; k < sizeof(bytes); k++)
		r->wrong[i] |= bytes[k] != c->name[0];
}

static void many_threads_read_at_the_same_time(void **state)
{
	struct reads r = { .u = begin(2500, 1000) };

	(void)state;
	pool_for(8, ARRAY_LEN(r.wrong), read_one, &r);
	for (size_t i = 0; i < ARRAY_LEN(r.wrong); i++)
		assert_false(r.wrong[i]);
	end(r.u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents_are_made_once_as_long_as_there_is_room),
		cmocka_unit_test(the_one_read_longest_ago_goes_first),
		cmocka_unit_test(one_byte_too_many_and_there_is_room_for_one_less),
		cmocka_unit_test(content_larger_than_all_room_is_held_alone),
		cmocka_unit_test(dropped_content_is_made_again),
		cmocka_unit_test(failure_is_not_held),
		cmocka_unit_test(making_one_content_may_read_another),
		cmocka_unit_test(many_threads_read_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
