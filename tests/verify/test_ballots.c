/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/json.h"
#include "core/num.h"
#include "verify/ballots.h"
#include "envelope.h"

#define IN_TOTO "application/vnd.in-toto+json"
#define SHA_A   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* A statement from its parts; every test changes one of them. */
#define HEAD       "{\"_type\":\"https://in-toto.io/Statement/v1\","
#define SUBJECT    "\"subject\":[{\"name\":\"os.img\",\"digest\":{\"sha256\":\"" SHA_A "\"}}],"
#define PROVENANCE "\"predicateType\":\"https://slsa.dev/provenance/v1\","
#define BUILD      "\"buildDefinition\":{\"buildType\":\"urn:x\",\"externalParameters\":{}}"
#define RUN        "\"runDetails\":{\"builder\":{\"id\":\"urn:y\"}}"
#define STATEMENT  HEAD SUBJECT PROVENANCE "\"predicate\":{" BUILD "," RUN "}}"
#define RESULT     "\"predicateType\":\"https://in-toto.io/attestation/svr/v0.2\","
#define VERIFIER   "\"verifier\":{\"id\":\"urn:rimg:verifier:1\",\"policies\":[]},"
#define CREATED    "\"timeCreated\":\"2026-01-01T00:00:00Z\","
#define JOINT                                                  \
	HEAD SUBJECT RESULT "\"predicate\":{" VERIFIER CREATED \
			    "\"properties\":[\"RIMG_BYTES_VOUCHED_FOR\"]}}"

/* ---- a box ---------------------------------------------------------------------------------- */

struct box {
	struct ballots b;
	struct trusted_key keys[2]; /* 1 and 2 */
	int64_t now;
	bool has_clock;
};

static bool tell_now(void *arg, int64_t *ret_s)
{
	struct box *box = arg;

	*ret_s = box->now;
	return box->has_clock;
}

static struct box *box_new(void)
{
	struct box *box = calloc(1, sizeof(*box));

	assert_non_null(box);
	for (int i = 0; i < 2; i++) {
		box->keys[i].public = envelope_public(i + 1);
		box->keys[i].path = i == 0 ? "one.pub" : "two.pub";
	}
	box->b.trusted = box->keys;
	box->b.n_keys = 2;
	box->b.now = tell_now;
	box->b.now_arg = box;
	box->has_clock = true;
	box->now = 1767225600;
	arena_init(&box->b.arena, 0);
	return box;
}

static void box_free(struct box *box)
{
	ballots_done(&box->b);
	free(box);
}

static void add(struct box *box, const char *text, size_t len)
{
	struct rimg_error err;

	if (ballots_add_text(&box->b, "a.json", text, len, &err) < 0)
		test_fail_error("ballots_add_text", &err);
}

static void add_signed(struct box *box, const char *keys, const char *type, const char *payload)
{
	struct str s = envelope_make(keys, type, payload);

	add(box, s.data, s.len);
	str_done(&s);
}

/* Nothing was counted, for this reason. */
static void assert_refused(const struct box *box, size_t votes, const char *why)
{
	assert_int_equal(box->b.n, votes);
	assert_int_equal(box->b.n_refusals, 1);
	if (!strstr(box->b.refusals[0].err.text, why))
		fail_msg("\"%s\" is not in \"%s\"", why, box->b.refusals[0].err.text);
	assert_non_null(strstr(box->b.refusals[0].err.where, "a.json"));
}

static void text_refused(const char *text, size_t len, const char *why)
{
	struct box *box = box_new();

	add(box, text, len);
	assert_refused(box, 0, why);
	box_free(box);
}

static void payload_refused(const char *payload, const char *why)
{
	struct box *box = box_new();

	add_signed(box, "1", IN_TOTO, payload);
	assert_refused(box, 0, why);
	box_free(box);
}

/* ---- what counts ---------------------------------------------------------------------------- */

static void a_trusted_signature_is_a_vote(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(box, "1", IN_TOTO, STATEMENT);
	add_signed(box, "2", IN_TOTO, STATEMENT);
	assert_int_equal(box->b.n_refusals, 0);
	assert_int_equal(box->b.n, 2);
	assert_int_equal(box->b.votes[0].key, 0);
	assert_int_equal(box->b.votes[1].key, 1);
	assert_string_equal(box->b.votes[0].statement->subjects[0].name, "os.img");
	assert_int_equal(box->b.votes[0].statement->subjects[0].sha256[0], 0xaa);
	box_free(box);
}

static void a_joint_statement_has_a_vote_for_each_key(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(box, "12", IN_TOTO, JOINT);
	assert_int_equal(box->b.n_refusals, 0);
	assert_int_equal(box->b.n, 2);
	assert_ptr_equal(box->b.votes[0].statement, box->b.votes[1].statement);
	box_free(box);
}

static void spelling_does_not_change_a_definition(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(box, "1", IN_TOTO,
		   HEAD SUBJECT PROVENANCE
		   "\"predicate\":{" RUN ", \"buildDefinition\" : "
		   "{\"externalParameters\":{\"b\":[1,null],\"a\":\"\\u0041\"},"
		   "\"buildType\":\"urn:x\"}}}");
	add_signed(box, "2", IN_TOTO,
		   HEAD SUBJECT PROVENANCE
		   "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:x\","
		   "\"externalParameters\":{\"a\":\"A\",\"b\":[1,null]}}," RUN "}}");
	add_signed(box, "2", IN_TOTO,
		   HEAD SUBJECT PROVENANCE
		   "\"predicate\":{\"buildDefinition\":{\"buildType\":\"urn:x\","
		   "\"externalParameters\":{\"a\":\"A\",\"b\":[null,1]}}," RUN "}}");
	assert_int_equal(box->b.n, 3);
	assert_memory_equal(box->b.votes[0].statement->definition,
			    box->b.votes[1].statement->definition, SHA256_LEN);
	assert_memory_not_equal(box->b.votes[0].statement->definition,
				box->b.votes[2].statement->definition, SHA256_LEN);
	box_free(box);
}

static void facts_and_unknown_members_are_no_matter(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(
		box, "1", IN_TOTO,
		HEAD SUBJECT PROVENANCE
		"\"x\":1,\"predicate\":{\"y\":{}," BUILD ",\"runDetails\":{\"builder\":{\"id\":"
		"\"urn:z\"},\"byproducts\":[{\"name\":\"machine\",\"annotations\":{\"k\":\"v\"}}]}}}");
	add_signed(box, "2", IN_TOTO, STATEMENT);
	assert_int_equal(box->b.n, 2);
	assert_memory_equal(box->b.votes[0].statement->definition,
			    box->b.votes[1].statement->definition, SHA256_LEN);
	assert_int_equal(box->b.votes[0].statement->n_facts, 1);
	assert_string_equal(box->b.votes[0].statement->facts[0].key, "k");
	assert_string_equal(box->b.votes[0].statement->facts[0].value, "v");
	box_free(box);
}

/* ---- signatures ----------------------------------------------------------------------------- */

static void an_unknown_key_is_refused_by_name(void **state)
{
	struct box *box = box_new();
	struct str s = { 0 };

	(void)state;
	str_add(&s, "{\"payload\":\"");
	envelope_add_base64(&s, STATEMENT, strlen(STATEMENT));
	str_add(&s, "\",\"payloadType\":\"" IN_TOTO "\",\"signatures\":[");
	envelope_add_signature(&s, 3, "mallory", IN_TOTO, STATEMENT, strlen(STATEMENT));
	str_add(&s, "]}");
	add(box, s.data, s.len);
	assert_refused(box, 0,
		       "holds for no trusted key: an unknown key, which calls itself mallory");
	str_done(&s);
	box_free(box);
}

static void an_unknown_key_beside_a_known_one_is_not_dropped(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(box, "13", IN_TOTO, JOINT);
	assert_refused(box, 1, "signature 2 holds for no trusted key");
	box_free(box);
}

static void a_key_id_is_only_a_hint(void **state)
{
	struct box *box = box_new();
	struct str s = { 0 };

	(void)state;
	/* key 2 under the name of key 1: the vote is key 2's */
	str_add(&s, "{\"payload\":\"");
	envelope_add_base64(&s, STATEMENT, strlen(STATEMENT));
	str_add(&s, "\",\"payloadType\":\"" IN_TOTO "\",\"signatures\":[");
	envelope_add_signature(&s, 2, box->keys[0].public.id, IN_TOTO, STATEMENT,
			       strlen(STATEMENT));
	str_add(&s, "]}");
	add(box, s.data, s.len);
	assert_int_equal(box->b.n, 1);
	assert_int_equal(box->b.votes[0].key, 1);
	str_done(&s);
	box_free(box);
}

static void every_altered_byte_of_the_payload_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < strlen(STATEMENT); i += 7) {
		char other[] = STATEMENT;
		struct box *box = box_new();
		struct str s = { 0 };

		other[i] ^= 1;
		str_add(&s, "{\"payload\":\"");
		envelope_add_base64(&s, other, strlen(other));
		str_add(&s, "\",\"payloadType\":\"" IN_TOTO "\",\"signatures\":[");
		envelope_add_signature(&s, 1, box->keys[0].public.id, IN_TOTO, STATEMENT,
				       strlen(STATEMENT));
		str_add(&s, "]}");
		add(box, s.data, s.len);
		assert_refused(box, 0, "was altered");
		str_done(&s);
		box_free(box);
	}
}

static void a_type_that_was_not_signed_is_refused(void **state)
{
	struct str s = envelope_make("1", "text/plain", STATEMENT);
	char *type = strstr(s.data, "text/plain");
	struct str lie = { 0 };

	(void)state;
	str_add_len(&lie, s.data, (size_t)(type - s.data));
	str_add(&lie, IN_TOTO);
	str_add(&lie, type + strlen("text/plain"));
	text_refused(lie.data, lie.len, "holds for no trusted key");
	text_refused(s.data, s.len, "payloadType: expected");
	str_done(&lie);
	str_done(&s);
}

static void signatures_of_another_length_are_refused(void **state)
{
	static const char text[] = "{\"payload\":\"e30=\",\"payloadType\":\"" IN_TOTO
				   "\",\"signatures\":[{\"sig\":\"AAAA\"}]}";

	(void)state;
	text_refused(text, strlen(text), "expected the 64 bytes of Ed25519, found 3");
}

static void a_signature_with_a_byte_behind_it_is_refused(void **state)
{
	struct str s = envelope_make("1", IN_TOTO, STATEMENT);
	char *end = strstr(s.data, "==\"}]}");

	(void)state;
	assert_non_null(end);
	end[0] = 'A'; /* of base64: the same 64 bytes, and a zero */
	text_refused(s.data, s.len, "expected the 64 bytes of Ed25519, found 65");
	str_done(&s);
}

static void another_ones_statement_is_not_signed_over(void **state)
{
	struct box *box = box_new();
	struct str payload = { 0 };

	(void)state;
	str_printf(&payload,
		   HEAD SUBJECT PROVENANCE
		   "\"predicate\":{" BUILD
		   ",\"runDetails\":{\"builder\":{\"id\":\"urn:rimg:builder:"
		   "%s\"}}}}",
		   box->keys[0].public.id);
	add_signed(box, "1", IN_TOTO, payload.data);
	assert_int_equal(box->b.n, 1);
	assert_int_equal(box->b.n_refusals, 0);
	add_signed(box, "2", IN_TOTO, payload.data);
	assert_refused(box, 1, "the statement of another key than that of two.pub");
	str_done(&payload);
	box_free(box);
}

/* ---- expiry --------------------------------------------------------------------------------- */

static void expired_keys_are_refused(void **state)
{
	struct box *box = box_new();

	(void)state;
	box->keys[0].has_until = true;
	box->keys[0].until = box->now + 1;
	add_signed(box, "1", IN_TOTO, STATEMENT);
	assert_int_equal(box->b.n, 1);
	assert_int_equal(box->b.n_refusals, 0);
	box->keys[0].until = box->now;
	add_signed(box, "1", IN_TOTO, STATEMENT);
	assert_refused(box, 1, "the key of one.pub has expired");
	box_free(box);
}

#define EXPIRES(time)                                                                        \
	HEAD SUBJECT PROVENANCE "\"predicate\":{" BUILD                                      \
				",\"runDetails\":{\"builder\":{\"id\":\"u\"},\"metadata\":{" \
				"\"rimg_expires\":\"" time "\"}}}}"

static void expired_statements_are_refused(void **state)
{
	struct box *box = box_new();

	(void)state;
	add_signed(box, "1", IN_TOTO, EXPIRES("2026-01-01T00:00:01Z"));
	assert_int_equal(box->b.n, 1);
	assert_int_equal(box->b.n_refusals, 0);
	add_signed(box, "1", IN_TOTO, EXPIRES("2026-01-01T00:00:00Z"));
	assert_refused(box, 1, "the statement has expired");
	box_free(box);

	box = box_new();
	box->has_clock = false;
	add_signed(box, "1", IN_TOTO, EXPIRES("2026-01-01T00:00:01Z"));
	assert_refused(box, 0, "give --now");
	box_free(box);
	payload_refused(EXPIRES("soon"), "rimg_expires: expected a time");
	payload_refused(EXPIRES("1"), "rimg_expires: expected a time");
}

/* ---- envelopes ------------------------------------------------------------------------------ */

static void malformed_envelopes_are_refused_with_the_place(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "", "expected a value" },
		{ "[]", "expected an envelope, found a list" },
		{ "{}", "payloadType is missing" },
		{ "{\"payloadType\":\"t\"}", "payload is missing" },
		{ "{\"payloadType\":1,\"payload\":\"\",\"signatures\":[]}", "expected a text" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\"}", "signatures is missing" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":{}}", "expected a list" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[]}",
		  "nobody has signed" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[1]}",
		  "signature 1: expected a table" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{}]}",
		  "signature 1: sig is missing" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"A\"}]}",
		  "signature 1: sig: character 1: base64 whose length" },
		{ "{\"payloadType\":\"t\",\"payload\":\"e30\",\"signatures\":[{\"sig\":\"\"}]}",
		  "payload: character 3: base64 whose length" },
		{ "{\"payloadType\":\"t\",\"payload\":\"e31=\",\"signatures\":[{\"sig\":\"\"}]}",
		  "payload: character 2: base64 with bits" },
		{ "{\"payloadType\":\"t\",\"payload\":\"e3\\n0=\",\"signatures\":[]}",
		  "payload: character 5: base64 whose length" },
		{ "{\"payloadType\":\"t\\u0000\",\"payload\":\"\",\"signatures\":[]}", "NUL" },
		{ "{\"payload\":\"e30=\",\"payload\":\"e30=\"}",
		  "\"payload\" for the second time" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"\",\"sig\":\"\"}]}",
		  "\"sig\" for the second time" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"\"}]} x",
		  "the end of the text" },
		{ "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[{\"sig\":\"\"}]}{}",
		  "the end of the text" },
		{ "\xef\xbb\xbf{}", "expected a value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		text_refused(wrong[i].text, strlen(wrong[i].text), wrong[i].why);
}

static void offsets_in_json_are_told(void **state)
{
	static const char text[] = "{\"payload\":\"e30=\",\"payload\":\"\"}";
	struct box *box = box_new();

	(void)state;
	add(box, text, strlen(text));
	assert_int_equal(box->b.n_refusals, 1);
	assert_true(box->b.refusals[0].err.has_off);
	assert_int_equal(box->b.refusals[0].err.off, strstr(text + 10, "\"payload\"") - text + 9);
	box_free(box);
}

static void huge_envelopes_are_refused(void **state)
{
	size_t len = (size_t)JSON_TEXT_MAX + 1;
	char *text = malloc(len);
	struct str s = { 0 };

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len);
	text_refused(text, len, "longer than");
	free(text);
	str_add(&s, "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[");
	for (unsigned i = 0; i <= DSSE_SIGNATURES_MAX; i++)
		str_printf(&s, "%s{\"sig\":\"\"}", i ? "," : "");
	str_add(&s, "]}");
	text_refused(s.data, s.len, "more than 64 signatures");
	str_clear(&s);
	for (unsigned i = 0; i <= JSON_DEPTH_MAX; i++)
		str_add_char(&s, '[');
	text_refused(s.data, s.len, "inside one another");
	str_done(&s);
}

static void what_is_refused_is_bounded(void **state)
{
	struct box *box = box_new();
	struct rimg_error err;
	struct str s = { 0 };

	(void)state;
	str_add(&s, "{\"payloadType\":\"t\",\"payload\":\"\",\"signatures\":[");
	for (unsigned i = 0; i < DSSE_SIGNATURES_MAX; i++)
		str_printf(&s, "%s{\"sig\":\"\"}", i ? "," : "");
	str_add(&s, "]}");
	for (unsigned i = 0; i < BALLOTS_REFUSALS_MAX / DSSE_SIGNATURES_MAX; i++)
		add(box, s.data, s.len);
	assert_int_equal(box->b.n_refusals, BALLOTS_REFUSALS_MAX);
	assert_int_equal(ballots_add_text(&box->b, "a.json", s.data, s.len, &err), -RIMG_E_LIMIT);
	str_done(&s);
	box_free(box);
}

static void trying_signatures_is_bounded(void **state)
{
	struct str s = envelope_make("3", IN_TOTO, STATEMENT);
	struct box *box = box_new();
	struct rimg_error err;
	uint64_t one; /* what one try of a key takes */

	(void)state;
	add(box, s.data, s.len);
	one = box->b.verified / 2; /* both keys were tried */
	box->b.verified = BALLOTS_VERIFY_MAX - 2 * one;
	add(box, s.data, s.len);
	box->b.verified = BALLOTS_VERIFY_MAX - 2 * one + 1;
	assert_int_equal(ballots_add_text(&box->b, "a.json", s.data, s.len, &err), -RIMG_E_LIMIT);
	str_done(&s);
	box_free(box);
}

/* ---- statements ----------------------------------------------------------------------------- */

static void malformed_statements_are_refused(void **state)
{
	static const struct {
		const char *payload, *why;
	} wrong[] = {
		{ "", "expected a value" },
		{ "[]", "expected a statement, found a list" },
		{ "{}", "_type is missing" },
		{ "{\"_type\":\"https://in-toto.io/Statement/v0.1\"}", "_type: expected" },
		{ HEAD "\"x\":1}", "subject is missing" },
		{ HEAD "\"subject\":[]}", "no subject" },
		{ HEAD "\"subject\":[1]}", "subject 1: expected a table" },
		{ HEAD "\"subject\":[{\"name\":\"x\"}]}", "subject 1: digest is missing" },
		{ HEAD "\"subject\":[{\"digest\":{\"sha512\":\"00\"}}]}", "sha256 is missing" },
		{ HEAD "\"subject\":[{\"digest\":{\"sha256\":\"aa\"}}]}", "64 lower-case" },
		{ HEAD "\"subject\":[{\"digest\":{\"sha256\":\"" SHA_A "a\"}}]}", "64 lower-case" },
		{ HEAD "\"subject\":[{\"digest\":{\"sha256\":\"" SHA_A "\",\"sha256\":\"" SHA_B
		       "\"}}]}",
		  "\"sha256\" for the second time" },
		{ HEAD "\"subject\":[{\"name\":\"x\",\"digest\":{\"sha256\":\"" SHA_A
		       "\"}},{\"name\":\"x\",\"digest\":{\"sha256\":\"" SHA_B "\"}}]}",
		  "two subjects have the name \"x\"" },
		{ HEAD SUBJECT "\"x\":1}", "predicateType is missing" },
		{ HEAD SUBJECT "\"predicateType\":\"https://slsa.dev/provenance/v1\"}",
		  "predicate is missing" },
		{ HEAD SUBJECT "\"predicateType\":\"https://slsa.dev/provenance/v0.2\","
			       "\"predicate\":{}}",
		  "unknown predicate \"https://slsa.dev/provenance/v0.2\"" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{" RUN "}}",
		  "buildDefinition is missing" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{" BUILD "}}", "runDetails is missing" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{\"buildDefinition\":{}," RUN "}}",
		  "buildType is missing" },
		{ HEAD SUBJECT PROVENANCE
		  "\"predicate\":{\"buildDefinition\":{\"buildType\":\"x\"}," RUN "}}",
		  "externalParameters is missing" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{" BUILD ",\"runDetails\":{}}}",
		  "builder is missing" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{" BUILD
					  ",\"runDetails\":{\"builder\":{}}}}",
		  "id is missing" },
		{ HEAD SUBJECT PROVENANCE "\"predicate\":{\"buildDefinition\":{\"buildType\":\"x\","
					  "\"externalParameters\":{\"n\":1.5}}," RUN "}}",
		  "fraction" },
		{ STATEMENT " x", "the end of the text" },
		{ HEAD SUBJECT RESULT "\"predicate\":{}}", "verifier is missing" },
		{ HEAD SUBJECT RESULT "\"predicate\":{\"verifier\":{\"id\":\"u\"}}}",
		  "policies is missing" },
		{ HEAD SUBJECT RESULT "\"predicate\":{" VERIFIER "\"properties\":[]}}",
		  "timeCreated is missing" },
		{ HEAD SUBJECT RESULT "\"predicate\":{" VERIFIER CREATED "\"properties\":[]}}",
		  "not about a rebuild" },
		{ HEAD SUBJECT RESULT "\"predicate\":{" VERIFIER CREATED
				      "\"properties\":[\"SLSA_BUILD_LEVEL_3\"]}}",
		  "not about a rebuild" },
		{ HEAD SUBJECT RESULT "\"predicate\":{" VERIFIER CREATED
				      "\"properties\":[\"RIMG_BYTES_VOUCHED_FOR\",\"X\"]}}",
		  "not about a rebuild" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		payload_refused(wrong[i].payload, wrong[i].why);
}

static void nothing_is_read_before_it_is_verified(void **state)
{
	struct box *box = box_new();

	(void)state;
	/* a statement that would be refused for what it says, signed by nobody who is trusted */
	add_signed(box, "3", IN_TOTO, "{");
	assert_refused(box, 0, "holds for no trusted key");
	box_free(box);
}

static void names_from_elsewhere_are_made_harmless(void **state)
{
	(void)state;
	payload_refused(HEAD SUBJECT "\"predicateType\":\"\\u001b[2J\",\"predicate\":{}}",
			"\\x1b[2J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trusted_signature_is_a_vote),
		cmocka_unit_test(a_joint_statement_has_a_vote_for_each_key),
		cmocka_unit_test(spelling_does_not_change_a_definition),
		cmocka_unit_test(facts_and_unknown_members_are_no_matter),
		cmocka_unit_test(an_unknown_key_is_refused_by_name),
		cmocka_unit_test(an_unknown_key_beside_a_known_one_is_not_dropped),
		cmocka_unit_test(a_key_id_is_only_a_hint),
		cmocka_unit_test(every_altered_byte_of_the_payload_is_refused),
		cmocka_unit_test(a_type_that_was_not_signed_is_refused),
		cmocka_unit_test(signatures_of_another_length_are_refused),
		cmocka_unit_test(a_signature_with_a_byte_behind_it_is_refused),
		cmocka_unit_test(another_ones_statement_is_not_signed_over),
		cmocka_unit_test(expired_keys_are_refused),
		cmocka_unit_test(expired_statements_are_refused),
		cmocka_unit_test(malformed_envelopes_are_refused_with_the_place),
		cmocka_unit_test(offsets_in_json_are_told),
		cmocka_unit_test(huge_envelopes_are_refused),
		cmocka_unit_test(what_is_refused_is_bounded),
		cmocka_unit_test(trying_signatures_is_bounded),
		cmocka_unit_test(malformed_statements_are_refused),
		cmocka_unit_test(nothing_is_read_before_it_is_verified),
		cmocka_unit_test(names_from_elsewhere_are_made_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
