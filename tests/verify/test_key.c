/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/num.h"
#include "verify/hex.h"
#include "verify/key.h"
#include "verify/timestamp.h"

/* RFC 8410, sections 10.1 and 10.3. The id: `openssl pkey -pubin -outform DER | sha256sum` */
#define RFC_PUBLIC                                                       \
	"-----BEGIN PUBLIC KEY-----\n"                                   \
	"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n" \
	"-----END PUBLIC KEY-----\n"
#define RFC_SECRET                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" \
	"-----END PRIVATE KEY-----\n"
#define RFC_ID "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f"

static int parse(const char *text, struct public_key *key, struct rimg_error *err)
{
	return public_key_parse(text, strlen(text), "k.pub", key, err);
}

static void a_public_key_of_the_standard_is_read(void **state)
{
	struct public_key key;
	struct str pem = { 0 };

	(void)state;
	assert_int_equal(parse(RFC_PUBLIC, &key, NULL), 0);
	assert_int_equal(key.raw[0], 0x19);
	assert_int_equal(key.raw[31], 0xe1);
	assert_string_equal(key.id, RFC_ID);
	assert_int_equal(public_key_add_pem(&key, &pem, NULL), 0);
	assert_string_equal(str_cstr(&pem), RFC_PUBLIC);
	str_done(&pem);
	/* words before the key, as some tools write them */
	assert_int_equal(parse("alice\n" RFC_PUBLIC, &key, NULL), 0);
}

static void a_secret_key_of_the_standard_signs(void **state)
{
	struct secret_key *key =
		secret_key_parse(RFC_SECRET, strlen(RFC_SECRET), "k.pem", NULL, NULL);
	uint8_t sig[ED25519_SIGNATURE_LEN];
	bool good = false;

	(void)state;
	assert_non_null(key);
	assert_string_equal(secret_key_public(key)->id, RFC_ID);
	assert_int_equal(secret_key_sign(key, "hello", 5, sig, NULL), 0);
	assert_int_equal(ed25519_verify(secret_key_public(key)->raw, sig, "hello", 5, &good, NULL),
			 0);
	assert_true(good);
	secret_key_free(key);
}

static void two_keys_made_are_not_the_same(void **state)
{
	struct str a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(secret_key_generate(&a, NULL), 0);
	assert_int_equal(secret_key_generate(&b, NULL), 0);
	assert_string_not_equal(a.data, b.data);
	str_done(&a);
	str_done(&b);
}

static void refused(const char *text, int code, const char *why)
{
	struct rimg_error err = { 0 };
	struct public_key key;

	assert_int_equal(parse(text, &key, &err), -code);
	assert_string_equal(err.where, "k.pub");
	if (!strstr(err.text, why))
		fail_msg("\"%s\" is not in \"%s\"", why, err.text);
}

static void what_is_no_public_key_is_refused(void **state)
{
	(void)state;
	refused("", RIMG_E_BAD, "expected a public key in PEM");
	refused("nothing", RIMG_E_BAD, "expected a public key in PEM");
	refused("-----BEGIN PUBLIC KEY-----\nMCow\n", RIMG_E_BAD, "expected a public key in PEM");
	refused(RFC_SECRET, RIMG_E_BAD, "a secret key where a public one is expected");
	refused(RFC_PUBLIC RFC_PUBLIC, RIMG_E_BAD, "several");
	refused(RFC_PUBLIC RFC_SECRET, RIMG_E_BAD, "several");
	refused("-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----\n", RIMG_E_BAD,
		"found \"BEGIN CERTIFICATE\"");
	/* X25519, of RFC 8410 too, and one byte more than a key */
	refused("-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
		"-----END PUBLIC KEY-----\n",
		RIMG_E_UNSUPPORTED, "of another kind");
	refused("-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuEA\n"
		"-----END PUBLIC KEY-----\n",
		RIMG_E_UNSUPPORTED, "of another kind");
}

static void what_is_no_secret_key_is_refused(void **state)
{
	/* openssl genpkey -algorithm X25519 */
	static const char other[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VuBCIEIHg3Wnrftzmm8ITFBDry0hk0z3iD5i9Ry1F7R7Nct8FX\n"
		"-----END PRIVATE KEY-----\n";
	/* openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret, of the key of the standard */
	static const char locked[] =
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		"MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiIyvkoeD2zvgICCAAw\n"
		"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPtPOq8jfn2QLwoqKCqJBYcEQCUI\n"
		"3870j4VKdRzySEqvdablBRJ0L5R8Pe6G9621rP0Ux4L3YKXcInjjAxBHQjMVQXkc\n"
		"jVFl0waXJmCodOeccho=\n"
		"-----END ENCRYPTED PRIVATE KEY-----\n";
	struct rimg_error err = { 0 };
	struct secret_key *key;

	(void)state;
	assert_null(secret_key_parse(RFC_PUBLIC, strlen(RFC_PUBLIC), "k", NULL, &err));
	assert_int_equal(err.code, RIMG_E_BAD);
	assert_non_null(strstr(err.text, "a public key"));
	assert_null(secret_key_parse("x", 1, "k", NULL, &err));
	assert_int_equal(err.code, RIMG_E_BAD);
	assert_null(secret_key_parse(other, strlen(other), "k", NULL, &err));
	assert_int_equal(err.code, RIMG_E_UNSUPPORTED);
	assert_null(secret_key_parse(locked, strlen(locked), "k", NULL, &err));
	assert_int_equal(err.code, RIMG_E_CRYPTO);
	assert_non_null(strstr(err.text, "--passphrase-file"));
	assert_null(secret_key_parse(locked, strlen(locked), "k", "wrong", &err));
	assert_int_equal(err.code, RIMG_E_CRYPTO);
	assert_non_null(strstr(err.text, "does not open"));
	key = secret_key_parse(locked, strlen(locked), "k", "secret", &err);
	assert_non_null(key);
	assert_string_equal(secret_key_public(key)->id, RFC_ID);
	secret_key_free(key);
}

/* ---- signatures that should not hold -------------------------------------------------------- */

/* RFC 8032, section 7.1, TEST 1 */
static const uint8_t rfc_key[] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
				   0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
				   0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
static const char rfc_sig[] = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8"
			      "821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
/* The order of the group, section 5.1, as bytes */
static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
				   0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

static void a_signature_has_one_form(void **state)
{
	uint8_t sig[64], half[32];
	unsigned carry = 0;
	bool good = false;

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		char digits[3] = { rfc_sig[2 * i], rfc_sig[2 * i + 1], '\0' };

		sig[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	assert_int_equal(ed25519_verify(rfc_key, sig, "", 0, &good, NULL), 0);
	assert_true(good);
	for (size_t i = 0; i < 32; i++) { /* S + L means the same number */
		carry += (unsigned)sig[32 + i] + order[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_int_equal(ed25519_verify(rfc_key, sig, "", 0, &good, NULL), 0);
	assert_false(good);
	memcpy(half, order, sizeof(half)); /* S = L itself */
	memcpy(sig + 32, half, sizeof(half));
	assert_int_equal(ed25519_verify(rfc_key, sig, "", 0, &good, NULL), 0);
	assert_false(good);
}

static void keys_that_anybody_can_sign_with_are_refused(void **state)
{
	/* y of the points of order 1, 2, 4 and 8, also plus 2^255 - 19 where that fits, computed
	 * from the curve's equation */
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	static const uint8_t forged[64] = { 1 }; /* R the neutral element, S zero */
	struct rimg_error err = { 0 };
	struct public_key key;
	uint8_t raw[32];
	bool good = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(points); i++)
		for (unsigned sign = 0; sign < 2; sign++) {
			assert_true(hex_digest(points[i], raw));
			raw[31] |= (uint8_t)(sign << 7);
			assert_int_equal(public_key_set(&key, raw, &err), -RIMG_E_BAD);
		}
	/* why: this signature is nobody's, and holds for any text */
	memset(raw, 0, sizeof(raw));
	raw[0] = 1;
	assert_int_equal(ed25519_verify(raw, forged, "anything", 8, &good, NULL), 0);
	assert_true(good);
	assert_int_equal(public_key_set(&key, rfc_key, &err), 0);
}

static void bytes_that_are_no_point_verify_nothing(void **state)
{
	uint8_t raw[32] = { 2 }, sig[64] = { 1 }; /* y = 2 has no x */
	bool good = true;

	(void)state;
	assert_int_equal(ed25519_verify(raw, sig, "", 0, &good, NULL), 0);
	assert_false(good);
}

/* ---- times ---------------------------------------------------------------------------------- */

static void times_are_read_and_written(void **state)
{
	/* date -u -d TEXT +%s */
	static const struct {
		const char *text;
		int64_t s;
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T23:59:59Z", 951868799 },
		{ "2026-01-01T00:00:00Z", 1767225600 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
	};
	static const char *const wrong[] = {
		"",
		"2026-01-01",
		"2026-01-01 00:00:00Z",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00:00+00:00",
		"2026-01-01T00:00:00.5Z",
		"2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"1969-12-31T23:59:59Z",
		"-1",
		"253402300800",
	};
	int64_t s = -1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct str text = { 0 };

		assert_true(timestamp_parse(times[i].text, &s));
		assert_int_equal(s, times[i].s);
		timestamp_add(&text, s);
		assert_string_equal(str_cstr(&text), times[i].text);
		str_done(&text);
	}
	assert_true(timestamp_parse("253402300799", &s));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (timestamp_parse(wrong[i], &s))
			fail_msg("%s was read", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_public_key_of_the_standard_is_read),
		cmocka_unit_test(a_secret_key_of_the_standard_signs),
		cmocka_unit_test(two_keys_made_are_not_the_same),
		cmocka_unit_test(what_is_no_public_key_is_refused),
		cmocka_unit_test(what_is_no_secret_key_is_refused),
		cmocka_unit_test(a_signature_has_one_form),
		cmocka_unit_test(keys_that_anybody_can_sign_with_are_refused),
		cmocka_unit_test(bytes_that_are_no_point_verify_nothing),
		cmocka_unit_test(times_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
