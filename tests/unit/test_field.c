/* SPDX-License-Identifier: MIT */

#include "test.h"

#include "core/cleanup.h"
#include "core/str.h"

#include "fake.h"

/* The 96 bytes of a layer: the magic, then each byte its own offset. */
static uint8_t bytes[96] = "FAKE";

static int fill_bytes(void **state)
{
	(void)state;
	for (size_t i = 4; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	return 0;
}

static void (*test_body)(struct rimg_layer *l, struct rimg_node *node);

static int open_body(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	test_body(l, layer_meta(l, l->root, "m"));
	return 0;
}

/* Runs a test as an opener, which is what uses fields. */
static void as_opener(void (*body)(struct rimg_layer *l, struct rimg_node *node))
{
	struct test_image t = fake_image(bytes, sizeof(bytes), NULL, open_body);

	test_body = body;
	fake_layer(t.node);
	test_close(&t);
}

static void assert_attr(const struct rimg_attr *a, const char *key, enum attr_type type,
			enum rimg_cause cause, uint64_t off, uint32_t len)
{
	assert_non_null(a);
	assert_string_equal(a->key, key);
	assert_int_equal(a->type, type);
	assert_int_equal(a->cause, cause);
	assert_int_equal(a->place.off, off);
	assert_int_equal(a->place.len, len);
	assert_int_equal(a->place.stride, len);
	assert_int_equal(a->place.count, 1);
}

static void read_numbers(struct rimg_layer *l, struct rimg_node *node)
{
	static const struct {
		const char *key;
		enum attr_type type;
		uint64_t off;
		uint32_t len;
		uint64_t value;
	} want[] = {
		{ "u8", ATTR_U64, 16, 1, 0x10 },
		{ "le16", ATTR_U64, 17, 2, 0x1211 },
		{ "le32", ATTR_U64, 19, 4, 0x16151413 },
		{ "le64", ATTR_U64, 23, 8, UINT64_C(0x1e1d1c1b1a191817) },
		{ "hex16", ATTR_HEX, 31, 2, 0x201f },
		{ "hex32", ATTR_HEX, 33, 4, 0x24232221 },
		{ "hex64", ATTR_HEX, 37, 8, UINT64_C(0x2c2b2a2928272625) },
		{ "u16", ATTR_U64, 45, 2, 0x2d2e },
		{ "u32", ATTR_U64, 47, 4, 0x2f303132 },
		{ "u64", ATTR_U64, 51, 8, UINT64_C(0x333435363738393a) },
		{ "small", ATTR_U64, 59, 2, 0x3c3b },
		{ "hex8", ATTR_HEX, 61, 1, 0x3d },
	};
	struct field f = field_begin(l, node, bytes + 16, 80, 16);
	const struct rimg_attr *a;

	assert_int_equal(field_u8(&f, "u8", RIMG_CAUSE_CHECKSUM), want[0].value);
	assert_int_equal(field_le16(&f, "le16", RIMG_CAUSE_CHECKSUM), want[1].value);
	assert_int_equal(field_le32(&f, "le32", RIMG_CAUSE_CHECKSUM), want[2].value);
	assert_int_equal(field_le64(&f, "le64", RIMG_CAUSE_CHECKSUM), want[3].value);
	assert_int_equal(field_hex16(&f, "hex16", RIMG_CAUSE_CHECKSUM), want[4].value);
	assert_int_equal(field_hex32(&f, "hex32", RIMG_CAUSE_CHECKSUM), want[5].value);
	assert_int_equal(field_hex64(&f, "hex64", RIMG_CAUSE_CHECKSUM), want[6].value);
	f.rd.big = true;
	assert_int_equal(field_u16(&f, "u16", RIMG_CAUSE_CHECKSUM), want[7].value);
	assert_int_equal(field_u32(&f, "u32", RIMG_CAUSE_CHECKSUM), want[8].value);
	assert_int_equal(field_u64(&f, "u64", RIMG_CAUSE_CHECKSUM), want[9].value);
	f.rd.big = false;
	assert_int_equal(field_u16(&f, "small", RIMG_CAUSE_CHECKSUM), want[10].value);
	assert_int_equal(field_hex8(&f, "hex8", RIMG_CAUSE_CHECKSUM), want[11].value);
	assert_int_equal(field_end(&f), 0);
	a = node->attrs;
	for (size_t i = 0; i < ARRAY_LEN(want); i++, a = a->next) {
		assert_attr(a, want[i].key, want[i].type, RIMG_CAUSE_CHECKSUM, want[i].off,
			    want[i].len);
		assert_int_equal(a->u, want[i].value);
	}
	assert_null(a);
}

static void numbers_have_value_place_and_cause(void **state)
{
	(void)state;
	as_opener(read_numbers);
}

static void read_bytes(struct rimg_layer *l, struct rimg_node *node)
{
	static const uint8_t text[] = "name \0 x  \0 \0\0"
				      "\0\0\0\0\0\0   ";
	struct field f = field_begin(l, node, text, 20, 40);
	const struct rimg_attr *a;

	assert_ptr_equal(field_text(&f, "name", 14, RIMG_CAUSE_IDENTIFIER), text);
	assert_ptr_equal(field_text(&f, "empty", 5, RIMG_CAUSE_CONTENT), text + 14);
	assert_ptr_equal(field_bytes(&f, "one", 1, RIMG_CAUSE_ORDERING), text + 19);
	assert_ptr_equal(field_bytes(&f, "none", 0, RIMG_CAUSE_ORDERING), text + 20);
	assert_int_equal(field_end(&f), 0);
	a = node->attrs;
	assert_attr(a, "name", ATTR_TEXT, RIMG_CAUSE_IDENTIFIER, 40, 14);
	assert_int_equal(a->bytes.len, 8);
	assert_memory_equal(a->bytes.data, "name \0 x", 8);
	/* a copy: the buffer of an opener does not stay */
	assert_ptr_not_equal(a->bytes.data, text);
	a = a->next;
	assert_attr(a, "empty", ATTR_TEXT, RIMG_CAUSE_CONTENT, 54, 5);
	assert_int_equal(a->bytes.len, 0);
	a = a->next;
	assert_attr(a, "one", ATTR_BYTES, RIMG_CAUSE_ORDERING, 59, 1);
	assert_int_equal(a->bytes.len, 1);
	assert_attr(a->next, "none", ATTR_BYTES, RIMG_CAUSE_ORDERING, 60, 0);
}

static void texts_lose_what_fills_them_up(void **state)
{
	(void)state;
	as_opener(read_bytes);
}

static void read_ids(struct rimg_layer *l, struct rimg_node *node)
{
	/* UEFI 2.10, appendix A: this GUID as text and as it is stored; the ESP's type */
	static const uint8_t esp[16] = { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b };
	uint8_t data[48], ret[16];
	auto_str struct str s = { 0 };
	struct field f;

	memcpy(data, esp, 16);
	memcpy(data + 16, esp, 16);
	memcpy(data + 32, esp, 16);
	f = field_begin(l, node, data, 48, 0);
	field_guid(&f, "guid", RIMG_CAUSE_IDENTIFIER, ret);
	assert_memory_equal(ret, "\xc1\x2a\x73\x28\xf8\x1f\x11\xd2\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b",
			    16);
	field_uuid(&f, "uuid", RIMG_CAUSE_CONTENT, ret);
	assert_memory_equal(ret, esp, 16);
	field_guid(&f, "quiet", RIMG_CAUSE_CONTENT, NULL);
	assert_int_equal(field_end(&f), 0);
	assert_attr(node_attr(node, "guid"), "guid", ATTR_UUID, RIMG_CAUSE_IDENTIFIER, 0, 16);
	attr_format(&s, node_attr(node, "guid"));
	assert_string_equal(str_cstr(&s), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	str_clear(&s);
	attr_format(&s, node_attr(node, "uuid"));
	assert_string_equal(str_cstr(&s), "28732ac1-1ff8-d211-ba4b-00a0c93ec93b");
	assert_int_equal(node_attr(node, "quiet")->place.off, 32);
	/* nothing is left: zeros */
	field_guid(&f, "late", RIMG_CAUSE_CONTENT, ret);
	assert_memory_equal(ret, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_null(node_attr(node, "late"));
	assert_int_equal(field_end(&f), -RIMG_E_TRUNCATED);
}

static void identifiers_are_kept_in_the_order_of_their_text(void **state)
{
	(void)state;
	as_opener(read_ids);
}

static void read_times(struct rimg_layer *l, struct rimg_node *node)
{
	static const uint8_t data[24] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  1,    2,    3,    0,    0,    0xe1, 0xf5, 0x05,
					  0,    0,    0,    0,    9,    0,    0,    0 };
	struct field f = field_begin(l, node, data, sizeof(data), 5);
	const struct rimg_attr *a;

	field_time(&f, "before");
	field_time(&f, "mtime");
	assert_int_equal(field_end(&f), 0);
	a = node->attrs;
	assert_attr(a, "before", ATTR_TIME, RIMG_CAUSE_TIMESTAMP, 5, 12);
	assert_int_equal(a->time.s, -1);
	assert_int_equal(a->time.ns, 0x030201);
	assert_attr(a->next, "mtime", ATTR_TIME, RIMG_CAUSE_TIMESTAMP, 17, 12);
	assert_int_equal(a->next->time.s, 100000000);
	assert_int_equal(a->next->time.ns, 9);
}

static void times_are_seconds_and_nanoseconds(void **state)
{
	(void)state;
	as_opener(read_times);
}

static void read_paddings(struct rimg_layer *l, struct rimg_node *node)
{
	static const uint8_t data[13] = { 0, 0, 0, 0, 0, 7, 8, 0, 1, 2, 3, 4, 9 };
	struct field f = field_begin(l, node, data, sizeof(data), 70);

	field_zero(&f, "clean", 4, "fake.padding");
	assert_int_equal(l->n_warnings, 0);
	field_zero(&f, "dirty", 4, "fake.padding");
	assert_int_equal(l->n_warnings, 1);
	assert_string_equal(l->findings[0].code, "fake.padding");
	assert_string_equal(l->findings[0].text, "expected zeros in \"dirty\", found 0x07");
	assert_int_equal(l->findings[0].off, 75);
	assert_int_equal(l->findings[0].len, 1);
	assert_ptr_equal(l->findings[0].node, node);
	assert_false(node->damaged);
	field_raw(&f, "code", 4, RIMG_CAUSE_CODEGEN);
	field_zero(&f, "first", 1, "fake.padding");
	assert_int_equal(l->n_warnings, 2);
	assert_int_equal(l->findings[1].off, 82);
	assert_int_equal(field_end(&f), 0);
	assert_attr(node_attr(node, "clean"), "clean", ATTR_RAW, RIMG_CAUSE_PADDING, 70, 4);
	assert_attr(node_attr(node, "dirty"), "dirty", ATTR_RAW, RIMG_CAUSE_PADDING, 74, 4);
	assert_attr(node_attr(node, "code"), "code", ATTR_RAW, RIMG_CAUSE_CODEGEN, 78, 4);
}

static void padding_that_is_not_zero_is_odd(void **state)
{
	(void)state;
	as_opener(read_paddings);
}

static void read_with_prefix(struct rimg_layer *l, struct rimg_node *node)
{
	struct field f = field_begin(l, node, bytes, sizeof(bytes), 0);

	f.prefix = "backup.";
	field_u8(&f, "a", RIMG_CAUSE_CONTENT);
	field_bytes(&f, "b", 1, RIMG_CAUSE_CONTENT);
	field_time(&f, "c");
	field_raw(&f, "d", 1, RIMG_CAUSE_CONTENT);
	field_zero(&f, "e", 1, "fake.padding");
	field_uuid(&f, "f", RIMG_CAUSE_CONTENT, NULL);
	f.prefix = NULL;
	field_u8(&f, "g", RIMG_CAUSE_CONTENT);
	assert_int_equal(field_end(&f), 0);
	for (int c = 'a'; c <= 'f'; c++) {
		char key[10] = "backup.x";

		key[7] = (char)c;
		assert_non_null(node_attr(node, key));
	}
	assert_non_null(node_attr(node, "g"));
}

static void keys_can_have_a_prefix(void **state)
{
	(void)state;
	as_opener(read_with_prefix);
}

/* Every reader, and how many bytes it needs. Returns what it has read of ones. */
#define N_READERS 18
static const size_t need[N_READERS] = { 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 5, 5, 16, 16, 12, 5, 5 };

static uint64_t call_reader(struct field *f, size_t k)
{
	switch (k) {
	case 0: return field_u8(f, "x", RIMG_CAUSE_CONTENT);
	case 1: return field_le16(f, "x", RIMG_CAUSE_CONTENT);
	case 2: return field_le32(f, "x", RIMG_CAUSE_CONTENT);
	case 3: return field_le64(f, "x", RIMG_CAUSE_CONTENT);
	case 4: return field_hex8(f, "x", RIMG_CAUSE_CONTENT);
	case 5: return field_hex16(f, "x", RIMG_CAUSE_CONTENT);
	case 6: return field_hex32(f, "x", RIMG_CAUSE_CONTENT);
	case 7: return field_hex64(f, "x", RIMG_CAUSE_CONTENT);
	case 8: return field_u16(f, "x", RIMG_CAUSE_CONTENT);
	case 9: return field_u32(f, "x", RIMG_CAUSE_CONTENT);
	case 10: return field_u64(f, "x", RIMG_CAUSE_CONTENT);
	case 11: return field_bytes(f, "x", 5, RIMG_CAUSE_CONTENT) != NULL;
	case 12: return field_text(f, "x", 5, RIMG_CAUSE_CONTENT) != NULL;
	case 13: field_guid(f, "x", RIMG_CAUSE_CONTENT, NULL); return 0;
	case 14: field_uuid(f, "x", RIMG_CAUSE_CONTENT, NULL); return 0;
	case 15: field_time(f, "x"); return 0;
	case 16: field_raw(f, "x", 5, RIMG_CAUSE_CONTENT); return 0;
	default: field_zero(f, "x", 5, "fake.padding"); return 0;
	}
}

static const uint8_t ones[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

/* Each reader at the last length where it fits, and one byte shorter: then nothing is added. */
static void read_at_the_end(struct rimg_layer *l, struct rimg_node *node)
{
	for (size_t k = 0; k < N_READERS; k++) {
		for (size_t len = need[k] - 1; len <= need[k]; len++) {
			struct field f = field_begin(l, node, ones, len, 0);
			const struct rimg_attr *last = node->last_attr;
			uint64_t value = call_reader(&f, k);

			assert_int_equal(field_end(&f), len < need[k] ? -RIMG_E_TRUNCATED : 0);
			assert_int_equal(node->last_attr == last, len < need[k]);
			assert_int_equal(value != 0, k < 13 && len == need[k]);
		}
	}
}

static void fields_that_do_not_fit_are_not_there(void **state)
{
	(void)state;
	as_opener(read_at_the_end);
}

static void read_without_memory(struct rimg_layer *l, struct rimg_node *node)
{
	const uint64_t max = l->arena.max;

	for (size_t k = 0; k < N_READERS; k++) {
		/* nothing fits; the key alone, of up to 16 bytes */
		for (uint64_t left = 0; left <= 16; left += 16) {
			struct field f = field_begin(l, node, ones, need[k], 0);
			const struct rimg_attr *last = node->last_attr;

			f.prefix = "p.";
			l->arena.max = *l->arena.shared + left;
			call_reader(&f, k);
			l->arena.max = max;
			assert_int_equal(field_end(&f), -RIMG_E_NOMEM);
			assert_ptr_equal(node->last_attr, last);
		}
	}
	l->arena.max = *l->arena.shared;
	assert_int_equal(attr_add_u64(l, node, "x", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE, 1),
			 -RIMG_E_NOMEM);
	assert_int_equal(
		attr_add_bytes(l, node, "x", ATTR_BYTES, RIMG_CAUSE_CONTENT, PLACE_NONE, "", 0),
		-RIMG_E_NOMEM);
	assert_int_equal(attr_add_time(l, node, "x", PLACE_NONE, 1, 1), -RIMG_E_NOMEM);
	assert_int_equal(attr_add_raw(l, node, "x", RIMG_CAUSE_CONTENT, PLACE_NONE), -RIMG_E_NOMEM);
	l->arena.max = *l->arena.shared + 16;
	assert_int_equal(
		attr_add_bytes(l, node, "x", ATTR_BYTES, RIMG_CAUSE_CONTENT, PLACE_NONE, "", 0),
		-RIMG_E_NOMEM);
	l->arena.max = max;
	assert_null(node_attr(node, "x"));
}

static void fields_without_memory_say_so(void **state)
{
	(void)state;
	as_opener(read_without_memory);
}

static void cut_values(struct rimg_layer *l, struct rimg_node *node)
{
	auto_free uint8_t *big = calloc(1, 70000);
	const struct rimg_attr *a;

	big[65535] = 1;
	big[65536] = 2;
	assert_int_equal(attr_add_bytes(l, node, "fits", ATTR_BYTES, RIMG_CAUSE_CONTENT, PLACE_NONE,
					big, 65536),
			 0);
	assert_int_equal(l->n_warnings, 0);
	assert_int_equal(node_attr(node, "fits")->bytes.len, 65536);
	assert_int_equal(attr_add_bytes(l, node, "cut", ATTR_BYTES, RIMG_CAUSE_CONTENT,
					PLACE(20, 30), big, 65537),
			 0);
	a = node_attr(node, "cut");
	assert_int_equal(a->bytes.len, 65536);
	assert_int_equal(a->bytes.data[65535], 1);
	assert_int_equal(l->n_warnings, 1);
	assert_string_equal(l->findings[0].code, "layer.attr-cut");
	assert_int_equal(l->findings[0].off, 20);
	assert_int_equal(l->findings[0].len, 30);
	assert_non_null(strstr(l->findings[0].text, "65537"));
}

static void values_longer_than_the_limit_are_cut_and_that_is_told(void **state)
{
	(void)state;
	as_opener(cut_values);
}

static void add_by_hand(struct rimg_layer *l, struct rimg_node *node)
{
	struct place table = PLACES(8, 4, 16, 3);
	const struct rimg_attr *a;

	assert_int_equal(attr_add_raw(l, node, "table", RIMG_CAUSE_PLACEMENT, table), 0);
	assert_int_equal(
		attr_add_u64(l, node, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, PLACE(1, 2), 7), 0);
	assert_int_equal(attr_add_bytes(l, node, "label", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
					NULL, 0),
			 0);
	assert_int_equal(attr_add_time(l, node, "mtime", PLACE(3, 12), -5, 6), 0);
	a = node->attrs;
	assert_string_equal(a->key, "table");
	assert_int_equal(a->place.off, 8);
	assert_int_equal(a->place.stride, 16);
	assert_int_equal(a->place.count, 3);
	assert_attr(a->next, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, 1, 2);
	assert_int_equal(a->next->next->bytes.len, 0);
	assert_int_equal(a->next->next->place.len, 0);
	assert_attr(node->last_attr, "mtime", ATTR_TIME, RIMG_CAUSE_TIMESTAMP, 3, 12);
	assert_int_equal(node->last_attr->time.s, -5);
}

static void attributes_can_be_added_without_a_cursor(void **state)
{
	(void)state;
	as_opener(add_by_hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_value_place_and_cause),
		cmocka_unit_test(texts_lose_what_fills_them_up),
		cmocka_unit_test(identifiers_are_kept_in_the_order_of_their_text),
		cmocka_unit_test(times_are_seconds_and_nanoseconds),
		cmocka_unit_test(padding_that_is_not_zero_is_odd),
		cmocka_unit_test(keys_can_have_a_prefix),
		cmocka_unit_test(fields_that_do_not_fit_are_not_there),
		cmocka_unit_test(fields_without_memory_say_so),
		cmocka_unit_test(values_longer_than_the_limit_are_cut_and_that_is_told),
		cmocka_unit_test(attributes_can_be_added_without_a_cursor),
	};

	return cmocka_run_group_tests_name("field", tests, fill_bytes, NULL);
}
