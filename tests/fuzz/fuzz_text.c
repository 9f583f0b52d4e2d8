/* SPDX-License-Identifier: MIT */

/* The small languages of texts: what is escaped, decoded or parsed goes back to where it came from.
 */

#include <string.h>

#include "core/str.h"
#include "fuzz/fuzz.h"
#include "verify/base64.h"
#include "verify/timestamp.h"

static bool is_harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return str_is_utf8(text, len);
}

static void escape(const uint8_t *data, size_t len, enum str_escape mode)
{
	auto_str struct str s = { 0 };
	size_t back_len;
	char *back;

	str_add_escaped(&s, data, len, mode);
	fuzz_require(is_harmless(str_cstr(&s), s.len));
	back = str_unescape(str_cstr(&s), s.len, &back_len);
	fuzz_require(back && back_len == len && (len == 0 || memcmp(back, data, len) == 0));
	free(back);
}

static void clean(const char *text)
{
	char once[100], twice[100];

	str_clean(once, sizeof(once), text);
	str_clean(twice, sizeof(twice), once);
	fuzz_require(is_harmless(once, strlen(once)) && strcmp(once, twice) == 0);
	str_clean(twice, 50, text);
	fuzz_require(strncmp(once, twice, strlen(twice)) == 0 &&
		     (strlen(twice) > 50 - 13 || strcmp(once, twice) == 0));
}

static void base64(const uint8_t *data, size_t len)
{
	auto_str struct str s = { 0 };
	uint8_t *bytes;
	size_t n;
	struct arena a;

	arena_init(&a, 0);
	base64_add(&s, data, len);
	fuzz_require(base64_decode(&a, str_cstr(&s), s.len, &bytes, &n, NULL) == 0);
	fuzz_require(n == len && (n == 0 || memcmp(bytes, data, n) == 0));
	if (base64_decode(&a, (const char *)data, len, &bytes, &n, NULL) == 0) {
		str_clear(&s);
		base64_add(&s, bytes, n);
		fuzz_require(s.len == len);
		for (size_t i = 0; i < len; i++)
			fuzz_require(s.data[i] == (char)data[i] || data[i] == '-' ||
				     data[i] == '_');
	}
	arena_done(&a);
}

static void numbers(const char *text)
{
	auto_str struct str s = { 0 };
	int64_t then, again;
	uint64_t number, size;

	if (timestamp_parse(text, &then)) {
		timestamp_add(&s, then);
		fuzz_require(timestamp_parse(str_cstr(&s), &again) && again == then);
	}
	if (str_parse_u64(text, &number))
		fuzz_require(str_parse_size(text, &size) && size == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	fuzz_require(text != NULL);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	escape(data, len, STR_ESCAPE_TEXT);
	escape(data, len, STR_ESCAPE_STEP);
	escape(data, len, STR_ESCAPE_NAME);
	clean(text);
	base64(data, len);
	numbers(text);
	free(text);
	return 0;
}
