/* SPDX-License-Identifier: MIT */

#include <stdlib.h>

#include "core/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read must be a value that JSON can tell, and that is then read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *value = NULL, *again = NULL;
	struct arena arena;

	arena_init(&arena, 0);
	if (toml_read(&arena, (const char *)data, len, "fuzz", &value, NULL) == 0) {
		size_t n;
		const char *text =
			json_object_to_json_string_length(value, JSON_C_TO_STRING_PLAIN, &n);

		if (json_read(&arena, text, n, "again", &again, NULL) < 0 ||
		    !json_object_equal(value, again))
			abort();
	}
	arena_done(&arena);
	return 0;
}
