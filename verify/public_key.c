/* SPDX-License-Identifier: MIT */
#include "verify/key.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/load.h"
#include "core/num.h"

/* What stands before the 32 bytes of the key in DER: the algorithm 1.3.101.112, without parameters,
 * and the head of a bit string. RFC 8410, section 4. */
static const uint8_t spki_head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

#define SPKI_LEN (sizeof(spki_head) + ED25519_KEY_LEN)

static void cleanup_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* The encodings of the points whose order divides 8, without the sign, which is the top bit. Any
 * signature can be made to fit such a key, or many: it is nobody's. */
static const uint8_t small_order[][ED25519_KEY_LEN] = {
	{ 0 },
	{ 1 },
	{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	  0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	  0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
	{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	  0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	  0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
	{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
};

static bool is_small_order(const uint8_t raw[ED25519_KEY_LEN])
{
	uint8_t plain[ED25519_KEY_LEN];

	memcpy(plain, raw, sizeof(plain));
	plain[ED25519_KEY_LEN - 1] &= 0x7f;
	for (size_t i = 0; i < ARRAY_LEN(small_order); i++)
		if (memcmp(plain, small_order[i], sizeof(plain)) == 0)
			return true;
	return false;
}

static void to_der(const uint8_t raw[ED25519_KEY_LEN], uint8_t der[SPKI_LEN])
{
	memcpy(der, spki_head, sizeof(spki_head));
	memcpy(der + sizeof(spki_head), raw, ED25519_KEY_LEN);
}

int public_key_set(struct public_key *key, const uint8_t raw[ED25519_KEY_LEN],
		   struct rimg_error *err)
{
	uint8_t der[SPKI_LEN], digest[SHA256_LEN];
	auto_str struct str id = { 0 };
	int rc;

	if (is_small_order(raw))
		return error_set(err, RIMG_E_BAD, NULL,
				 "a key of small order, under which anybody can sign");
	to_der(raw, der);
	rc = digest_bytes(der, sizeof(der), digest, err);
	if (rc < 0)
		return rc;
	str_add_hex(&id, digest, sizeof(digest));
	if (id.failed)
		return error_nomem(err);
	memcpy(key->raw, raw, sizeof(key->raw));
	memcpy(key->id, id.data, sizeof(key->id));
	return 0;
}

/* One block of a PEM text; freed by the caller with pem_done(), which also wipes it. */
struct pem {
	char *kind;
	char *header;
	uint8_t *data;
	long len;
};

static void pem_done(struct pem *p)
{
	OPENSSL_free(p->kind);
	OPENSSL_free(p->header);
	OPENSSL_clear_free(p->data, p->len > 0 ? (size_t)p->len : 0);
}

static int from_der(const struct pem *p, const char *name, struct public_key *ret,
		    struct rimg_error *err)
{
	int rc;

	if (strstr(p->kind, "PRIVATE"))
		return error_set(
			err, RIMG_E_BAD, name,
			"a secret key where a public one is expected; keep it to yourself");
	if (strcmp(p->kind, "PUBLIC KEY") != 0)
		return error_set(err, RIMG_E_BAD, name,
				 "expected \"BEGIN PUBLIC KEY\", found \"BEGIN %s\"", p->kind);
	if (p->len != (long)SPKI_LEN || memcmp(p->data, spki_head, sizeof(spki_head)) != 0)
		return error_set(err, RIMG_E_UNSUPPORTED, name,
				 "expected a public key of Ed25519, found one of another kind");
	rc = public_key_set(ret, p->data + sizeof(spki_head), err);
	if (rc < 0 && err && err->where[0] == '\0')
		snprintf(err->where, sizeof(err->where), "%s", name);
	return rc;
}

static size_t count_blocks(const char *text, size_t len)
{
	static const char mark[] = "-----BEGIN ";
	const char *end = text + len, *p = text;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), mark, sizeof(mark) - 1)) != NULL) {
		p += sizeof(mark) - 1;
		n++;
	}
	return n;
}

static bool read_pem(const char *text, size_t len, struct pem *ret)
{
	auto_with(cleanup_bio) BIO *bio = BIO_new_mem_buf(text, (int)len);

	return bio && PEM_read_bio(bio, &ret->kind, &ret->header, &ret->data, &ret->len) == 1;
}

/* RFC 8410, section 10.1 */
static const char good_pem[] = "-----BEGIN PUBLIC KEY-----\n"
			       "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
			       "-----END PUBLIC KEY-----\n";

/* To OpenSSL a text is no PEM also if it had no memory to look at it. So bad is what is bad twice,
 * with a good one found to be good in between. */
static int read_pem_surely(const char *text, size_t len, struct pem *ret, struct rimg_error *err)
{
	auto_with(pem_done) struct pem good = { 0 };

	if (read_pem(text, len, ret))
		return 0;
	if (!read_pem(good_pem, sizeof(good_pem) - 1, &good))
		return error_crypto(err, "cannot read a key");
	return read_pem(text, len, ret) ? 0 : -RIMG_E_BAD;
}

int public_key_parse(const char *text, size_t len, const char *name, struct public_key *ret,
		     struct rimg_error *err)
{
	auto_with(pem_done) struct pem p = { 0 };
	int rc;

	if (len > KEY_PEM_MAX)
		return error_set(err, RIMG_E_LIMIT, name, "longer than %d bytes", KEY_PEM_MAX);
	if (count_blocks(text, len) > 1)
		return error_set(err, RIMG_E_BAD, name, "expected one key, found several");
	rc = read_pem_surely(text, len, &p, err);
	if (rc == -RIMG_E_BAD)
		return error_set(err, RIMG_E_BAD, name,
				 "expected a public key in PEM: \"-----BEGIN PUBLIC KEY-----\", "
				 "base64, \"-----END PUBLIC KEY-----\"");
	return rc < 0 ? rc : from_der(&p, name, ret, err);
}

int public_key_load(const char *path, struct public_key *ret, struct rimg_error *err)
{
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = load_file(path, KEY_PEM_MAX, "a file with a key", &text, &len, err);

	return rc < 0 ? rc : public_key_parse(text, len, path, ret, err);
}

int public_key_add_pem(const struct public_key *key, struct str *out, struct rimg_error *err)
{
	auto_with(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
	uint8_t der[SPKI_LEN];
	char *text = NULL;
	long len;

	to_der(key->raw, der);
	if (!bio || PEM_write_bio(bio, "PUBLIC KEY", "", der, (long)sizeof(der)) <= 0)
		return error_crypto(err, "cannot write a public key");
	len = BIO_get_mem_data(bio, &text);
	str_add_len(out, text, (size_t)len);
	return out->failed ? error_nomem(err) : 0;
}
