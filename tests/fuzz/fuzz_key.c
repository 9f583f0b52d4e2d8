/* SPDX-License-Identifier: MIT */

/* Public keys: what is read can be written, and is then the same key. */

#include <string.h>

#include "fuzz/fuzz.h"
#include "verify/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct public_key key, again;
	auto_str struct str pem = { 0 };

	if (public_key_parse((const char *)data, len, "key", &key, NULL) < 0)
		return 0;
	fuzz_require(public_key_add_pem(&key, &pem, NULL) == 0);
	fuzz_require(public_key_parse(str_cstr(&pem), pem.len, "again", &again, NULL) == 0);
	fuzz_require(strcmp(key.id, again.id) == 0 &&
		     memcmp(key.raw, again.raw, sizeof(key.raw)) == 0);
	return 0;
}
