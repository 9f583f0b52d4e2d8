/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "verify/agreement.h"
#include "verify/ballots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool now(void *arg, int64_t *ret_s)
{
	(void)arg;
	*ret_s = 1767225600;
	return true;
}

/* An envelope that nobody can have signed for us is never a vote. */
static void as_envelope(const char *text, size_t len)
{
	static const uint8_t raw[ED25519_KEY_LEN] = { 0xd7, 0x5a, 0x98 };
	struct trusted_key key = { .path = "key.pub" };
	struct ballots b = { .trusted = &key, .n_keys = 1, .now = now };
	struct dsse e, again;
	struct str out = { 0 };
	struct arena a;

	if (public_key_set(&key.public, raw, NULL) < 0)
		abort();
	arena_init(&b.arena, 0);
	if (ballots_add_text(&b, "fuzz", text, len, NULL) == 0 && (b.n > 0 || b.n_refusals == 0))
		abort();
	ballots_done(&b);

	/* what is read can be written, and then means the same */
	arena_init(&a, 0);
	if (dsse_parse(&a, text, len, "fuzz", &e, NULL) == 0) {
		if (dsse_write(&out, &e, NULL, NULL) < 0 ||
		    dsse_parse(&a, out.data, out.len, "again", &again, NULL) < 0 ||
		    again.payload_len != e.payload_len || again.n != e.n ||
		    memcmp(again.payload, e.payload, e.payload_len) != 0)
			abort();
	}
	str_done(&out);
	arena_done(&a);
}

/* The same bytes as what a trusted key has signed. */
static void as_statement(const char *text, size_t len)
{
	struct statement s;
	struct vote votes[2];
	struct arena a;

	arena_init(&a, 0);
	if (statement_parse(&a, text, len, "fuzz", &s, NULL) == 0) {
		struct agreement found;

		for (size_t i = 0; i < 2; i++)
			votes[i] = (struct vote){ .key = i, .statement = &s };
		found = agreement_find(votes, 2, s.subjects[s.n_subjects - 1].sha256, 2);
		if (!found.agreed || found.n_keys != 2)
			abort();
		found = agreement_find(votes, 1, s.subjects[0].sha256, 2);
		if (found.agreed)
			abort();
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	as_envelope((const char *)data, len);
	as_statement((const char *)data, len);
	return 0;
}
