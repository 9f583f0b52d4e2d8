/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is read here, json-c's own parser has to read as the same, except that version 0.16 takes
 * some surrogate pairs for broken ones ("\ud836\ude04"). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *value = NULL, *again;
	struct arena arena;

	if (memmem(data, len, "\\ud", 3) || memmem(data, len, "\\uD", 3))
		return 0;
	arena_init(&arena, 0);
	if (json_read(&arena, (const char *)data, len, "fuzz", &value, NULL) == 0) {
		struct json_tokener *tok = json_tokener_new_ex((int)JSON_DEPTH_MAX + 1);

		if (!tok)
			abort();
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
		again = json_tokener_parse_ex(tok, (const char *)data, (int)len);
		if (json_tokener_get_error(tok) ==
		    json_tokener_continue) /* a number wants an end */
			again = json_tokener_parse_ex(tok, "", 1);
		if (json_tokener_get_error(tok) != json_tokener_success ||
		    !json_object_equal(value, again))
			abort();
		json_object_put(again);
		json_tokener_free(tok);
	}
	arena_done(&arena);
	return 0;
}
