/* SPDX-License-Identifier: MIT */
#include <argon2.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/wr.h"
#include "formats/redoxfs_read.h"

/* Enciphered volumes. Facts: docs/formats/redoxfs.md, "Encryption".
 *
 *     password, salt  --Argon2id-->  password key  --AES of two blocks-->  two keys for AES-XTS
 *
 * Every block but the headers is enciphered by itself, with its number as the tweak. */

#define ARGON2_MEMORY_KIB 4096
#define ARGON2_PASSES     3
#define ARGON2_LANES      1
#define TWEAK_LEN         16
#define CHECK_LEN         16 /* the hash of the header and 8 zero bytes */

static void cleanup_cipher_ctx(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

static void tweak_of(uint64_t number, uint8_t tweak[TWEAK_LEN])
{
	struct wr w = wr_init(tweak, TWEAK_LEN);

	wr_le64(&w, number);
	wr_le64(&w, 0);
}

/* @len bytes in place, a multiple of 16, each @unit of them with the next tweak. */
static int decipher(const struct redoxfs_key *key, uint64_t number, uint8_t *buf, size_t len,
		    size_t unit, struct rimg_error *err)
{
	auto_with(cleanup_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tweak[TWEAK_LEN];
	int n;

	if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_128_xts(), NULL, key->bytes, NULL) != 1)
		return error_crypto(err, "cannot decipher with AES-128-XTS");
	for (size_t done = 0; done < len; done += unit, number++) {
		tweak_of(number, tweak);
		if (EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, tweak) != 1 ||
		    EVP_DecryptUpdate(ctx, buf + done, &n, buf + done, (int)unit) != 1 ||
		    n != (int)unit)
			return error_crypto(err, "cannot decipher with AES-128-XTS");
	}
	return 0;
}

/* The transform of the view: whole blocks; a part of one at the end of the image stays as it is. */
static int decipher_blocks(const void *ctx, uint64_t off, uint8_t *buf, size_t len,
			   struct rimg_error *err)
{
	const struct redoxfs_key *key = ctx;

	/* numbers before the ring wrap around, but those blocks are never asked for */
	return decipher(key, off / REDOXFS_BLOCK - key->ring_block, buf, len - len % REDOXFS_BLOCK,
			REDOXFS_BLOCK, err);
}

/* The two keys of a slot: each one block of AES under the password key. */
static int unwrap_keys(const uint8_t password_key[REDOXFS_KEY_LEN],
		       const uint8_t wrapped[2 * REDOXFS_KEY_LEN], struct redoxfs_key *key,
		       struct rimg_error *err)
{
	auto_with(cleanup_cipher_ctx) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	if (!ctx || EVP_DecryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, password_key, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
	    EVP_DecryptUpdate(ctx, key->bytes, &n, wrapped, sizeof(key->bytes)) != 1 ||
	    n != (int)sizeof(key->bytes))
		return error_crypto(err, "cannot decipher with AES-128");
	return 0;
}

/* 1: this key slot opens with the password; 0: it does not. */
static int try_slot(struct redoxfs *fs, const uint8_t slot[REDOXFS_KEY_SLOT_LEN],
		    const uint8_t block[REDOXFS_BLOCK])
{
	const struct rimg_ctx *ctx = fs->l->image->ctx;
	uint8_t password_key[REDOXFS_KEY_LEN], check[CHECK_LEN], expected[CHECK_LEN] = { 0 };
	int rc = argon2id_hash_raw(ARGON2_PASSES, ARGON2_MEMORY_KIB, ARGON2_LANES, ctx->password,
				   ctx->password_len, slot, REDOXFS_KEY_LEN, password_key,
				   sizeof(password_key));

	if (rc == ARGON2_MEMORY_ALLOCATION_ERROR)
		return error_nomem(fs->err);
	if (rc != ARGON2_OK)
		return error_set(fs->err, RIMG_E_CRYPTO, NULL, "Argon2 failed: %s",
				 argon2_error_message(rc));
	rc = unwrap_keys(password_key, slot + REDOXFS_KEY_LEN, &fs->key, fs->err);
	OPENSSL_cleanse(password_key, sizeof(password_key));
	if (rc < 0)
		return rc;
	memcpy(expected, block + REDOXFS_HEADER_HASH_OFF, 8);
	memcpy(check, block + REDOXFS_HEADER_CIPHERED_OFF, sizeof(check));
	rc = decipher(&fs->key, fs->head.generation, check, sizeof(check), sizeof(check), fs->err);
	return rc < 0 ? rc : memcmp(check, expected, sizeof(check)) == 0;
}

static int try_slots(struct redoxfs *fs, const uint8_t block[REDOXFS_BLOCK])
{
	for (size_t i = 0; i < REDOXFS_KEY_SLOTS; i++) {
		const uint8_t *slot = block + REDOXFS_HEADER_KEYS_OFF + i * REDOXFS_KEY_SLOT_LEN;
		int rc;

		if (mem_is_zero(slot, REDOXFS_KEY_SLOT_LEN))
			continue;
		rc = try_slot(fs, slot, block);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The header block again: the key slots are in it. 1, 0 or a code. */
static int read_header(struct redoxfs *fs, uint8_t block[REDOXFS_BLOCK])
{
	int rc = layer_read(fs->l, fs->head_off, block, REDOXFS_BLOCK, fs->err);

	if (rc == -RIMG_E_BAD || rc == -RIMG_E_TRUNCATED)
		return 0;
	return rc < 0 ? rc : 1;
}

int redoxfs_unlock(struct redoxfs *fs)
{
	struct rimg_layer *l = fs->l;
	bool given = l->image->ctx->password != NULL;
	uint8_t block[REDOXFS_BLOCK];
	int rc = read_header(fs, block);

	/* no configuration file of the host may decide what AES is */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (rc > 0 && given)
		rc = try_slots(fs, block);
	else if (rc > 0)
		rc = 0;
	if (rc < 0)
		return rc;
	if (rc == 0) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.password", NULL,
			      fs->head_off + REDOXFS_HEADER_KEYS_OFF,
			      REDOXFS_KEY_SLOTS * REDOXFS_KEY_SLOT_LEN,
			      given ? "expected the password of this encrypted volume, found that "
				      "it opens none of the key slots"
				    : "expected a password for this encrypted volume, found none: "
				      "give one with --password-file");
		l->unreadable = true;
		return 0;
	}
	fs->key.ring_block = fs->ring_off / REDOXFS_BLOCK;
	fs->data = source_view(&l->arena, l->src, REDOXFS_BLOCK, decipher_blocks, &fs->key);
	l->opaque_places = true;
	return fs->data ? 1 : -RIMG_E_NOMEM;
}
