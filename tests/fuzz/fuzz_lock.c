/* SPDX-License-Identifier: MIT */

/* Lock files, as `rimg build --locked` and `rimg verify attest` read them. */

#include <string.h>

#include "build/lock.h"
#include "fuzz/fuzz.h"
#include "verify/lockfile.h"

static void count(void *arg, const char *text)
{
	fuzz_require(text[0] != '\0');
	++*(unsigned *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct manifest m = { .epoch = 1, .seed = "x", .seed_len = 1 };
	struct lock none = { 0 };
	struct lockfile attested;
	uint8_t image[SHA256_LEN];
	unsigned told = 0;
	struct arena a;
	int same, rc;

	arena_init(&a, 0);
	rc = lockfile_read(&a, text, len, "lock", &attested, NULL);
	same = lock_compare_text(&none, &m, text, len, "lock", count, &told, image, NULL);
	fuzz_require(same <= 1 && (same < 0 || (same == 1) == (told > 0)));
	/* what is good enough to attest is good enough to build from, and means the same image */
	if (rc == 0)
		fuzz_require(same >= 0 && memcmp(image, attested.image, sizeof(image)) == 0 &&
			     told >= attested.n_inputs);
	arena_done(&a);
	return 0;
}
