/* SPDX-License-Identifier: MIT */

#include "test.h"

#include <string.h>

#include "core/crc32.h"

static void the_check_value_of_the_catalogue_comes_out(void **state)
{
	(void)state;
	/* CRC-32/ISO-HDLC: check value for the digits 1 to 9 */
	assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
}

static void known_texts_have_their_published_values(void **state)
{
	static const struct {
		const char *text;
		uint32_t crc;
	} known[] = {
		{ "", 0x00000000 },
		{ "a", 0xe8b7be43 },
		{ "abc", 0x352441c2 },
		{ "message digest", 0x20159d7f },
		{ "The quick brown fox jumps over the lazy dog", 0x414fa339 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_int_equal(crc32_update(0, known[i].text, strlen(known[i].text)),
				 known[i].crc);
}

static void every_byte_value_counts(void **state)
{
	uint8_t all[256], same[32];

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	/* values of zlib's crc32() */
	assert_int_equal(crc32_update(0, all, sizeof(all)), 0x29058c73);
	memset(same, 0, sizeof(same));
	assert_int_equal(crc32_update(0, same, sizeof(same)), 0x190a55ad);
	memset(same, 0xff, sizeof(same));
	assert_int_equal(crc32_update(0, same, sizeof(same)), 0xff6cab0b);
}

static void pieces_give_the_same_as_the_whole(void **state)
{
	const char *text = "The quick brown fox jumps over the lazy dog";
	size_t len = strlen(text);

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint32_t crc = crc32_update(0, text, cut);

		assert_int_equal(crc32_update(crc, text + cut, len - cut), 0x414fa339);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_check_value_of_the_catalogue_comes_out),
		cmocka_unit_test(known_texts_have_their_published_values),
		cmocka_unit_test(every_byte_value_counts),
		cmocka_unit_test(pieces_give_the_same_as_the_whole),
	};

	return cmocka_run_group_tests_name("crc32", tests, NULL, NULL);
}
