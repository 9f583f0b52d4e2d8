/* SPDX-License-Identifier: MIT */
#include "core/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/num.h"
#include "core/wr.h"

#define CHUNK ((size_t)1 << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* NULL when the library has none */

static void fetch_sha256(void)
{
	/* no configuration file of the host may decide what SHA-256 is */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static int no_crypto(struct rimg_error *err)
{
	return error_set(err, RIMG_E_CRYPTO, NULL, "OpenSSL cannot compute SHA-256");
}

static EVP_MD_CTX *begin(struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	pthread_once(&once, fetch_sha256);
	if (!ctx || !sha256 || EVP_DigestInit_ex2(ctx, sha256, NULL) != 1) {
		no_crypto(err);
		return NULL;
	}
	return take_ptr(ctx);
}

int digest_bytes(const void *data, size_t len, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = begin(err);

	if (!ctx)
		return -RIMG_E_CRYPTO;
	if (EVP_DigestUpdate(ctx, data, len) != 1 || EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		return no_crypto(err);
	return 0;
}

int digest_source(const struct rimg_source *src, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src);
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = begin(err);
	auto_free uint8_t *buf = malloc((size_t)num_max(1, num_min(size, CHUNK)));

	if (!ctx)
		return -RIMG_E_CRYPTO;
	if (!buf)
		return error_nomem(err);
	for (uint64_t off = 0; off < size;) {
		size_t n = (size_t)num_min(size - off, CHUNK);
		int rc = rimg_source_read(src, off, buf, n, err);

		if (rc < 0)
			return rc;
		if (EVP_DigestUpdate(ctx, buf, n) != 1)
			return no_crypto(err);
		off += n;
	}
	return EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? 0 : no_crypto(err);
}

/* ---- trees -------------------------------------------------------------------------------- */

/* What is hashed for a node, all numbers little-endian:
 *
 *     "rimg-tree-1" NUL | u8 role | u32 length, name | u32 mode | u32 uid | u32 gid
 *     u8 kind of body: 0 none, 1 content: u64 size, SHA-256 of it; 2 children: u64 count, then the
 *     digest of each, in order of name bytes */
enum body { BODY_NONE, BODY_CONTENT, BODY_CHILDREN };

#define HEADER_LEN 29 /* without the name */
static const char domain[12] = "rimg-tree-1";

static bool is_artifact(const struct rimg_node *node)
{
	return node->role != RIMG_ROLE_META && node->role != RIMG_ROLE_GAP;
}

/* The node whose children are the body of @node: a directory itself, a partition's or an image's
 * file system or partition table. Files count as bytes, whatever could be opened in them. */
static int find_children(struct rimg_node *node, struct rimg_node **ret, struct rimg_error *err)
{
	struct rimg_layer *l;
	int rc;

	*ret = NULL;
	if (node->role == RIMG_ROLE_DIR)
		*ret = node;
	if (node->role != RIMG_ROLE_PARTITION && node->role != RIMG_ROLE_IMAGE)
		return 0;
	rc = node_open(node, &l, err);
	if (rc == 0 && l && !l->unreadable)
		*ret = l->top;
	return rc;
}

static int hash_header(EVP_MD_CTX *ctx, const struct rimg_node *node, enum body body,
		       struct rimg_error *err)
{
	/* a tree's own root has no name that counts: two files may hold the same tree */
	uint32_t name_len = node->role == RIMG_ROLE_IMAGE ? 0 : node->name_len;
	uint8_t fixed[HEADER_LEN];
	struct wr w = wr_init(fixed, sizeof(fixed));

	wr_bytes(&w, domain, sizeof(domain));
	wr_u8(&w, (uint8_t)node->role);
	wr_le32(&w, name_len);
	wr_le32(&w, (uint32_t)node_attr_u64(node, "mode", 0));
	wr_le32(&w, (uint32_t)node_attr_u64(node, "uid", 0));
	wr_le32(&w, (uint32_t)node_attr_u64(node, "gid", 0));
	if (EVP_DigestUpdate(ctx, fixed, w.pos) != 1 ||
	    EVP_DigestUpdate(ctx, node->name, name_len) != 1)
		return no_crypto(err);
	fixed[0] = (uint8_t)body;
	return EVP_DigestUpdate(ctx, fixed, 1) == 1 ? 0 : no_crypto(err);
}

static int hash_content(EVP_MD_CTX *ctx, const struct rimg_node *node, struct rimg_error *err)
{
	uint8_t body[8 + SHA256_LEN];
	struct wr w = wr_init(body, 8);
	int rc = digest_source(node->content, body + 8, err);

	if (rc < 0)
		return rc;
	wr_le64(&w, rimg_source_size(node->content));
	return EVP_DigestUpdate(ctx, body, sizeof(body)) == 1 ? 0 : no_crypto(err);
}

static int hash_node(struct rimg_node *node, uint32_t depth, uint8_t ret[SHA256_LEN],
		     struct rimg_error *err);

static int hash_children(EVP_MD_CTX *ctx, struct rimg_node *parent, uint32_t depth,
			 struct rimg_error *err)
{
	struct rimg_node **list = node_by_name(parent);
	uint64_t n = 0;
	uint8_t count[8], digest[SHA256_LEN];
	struct wr w = wr_init(count, sizeof(count));

	if (!list && parent->n_children > 0)
		return error_nomem(err);
	for (uint32_t i = 0; i < parent->n_children; i++)
		n += is_artifact(list[i]);
	wr_le64(&w, n);
	if (EVP_DigestUpdate(ctx, count, sizeof(count)) != 1)
		return no_crypto(err);
	for (uint32_t i = 0; i < parent->n_children; i++) {
		int rc;

		if (!is_artifact(list[i]))
			continue;
		rc = hash_node(list[i], depth + 1, digest, err);
		if (rc < 0)
			return rc;
		if (EVP_DigestUpdate(ctx, digest, sizeof(digest)) != 1)
			return no_crypto(err);
	}
	return 0;
}

/* Recursion is as deep as directories nest, which openers bound by limits.dir_depth. */
static int hash_node(struct rimg_node *node, uint32_t depth, uint8_t ret[SHA256_LEN],
		     struct rimg_error *err)
{
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = NULL;
	struct rimg_node *children;
	enum body body;
	int rc = find_children(node, &children, err);

	if (rc < 0)
		return rc;
	if (depth > node->image->ctx->limits.dir_depth * 2 || node->unread)
		return error_set(err, RIMG_E_BAD, node->image->name,
				 "a part of the tree cannot be read, so it has no digest");
	body = children ? BODY_CHILDREN : node->content ? BODY_CONTENT : BODY_NONE;
	ctx = begin(err);
	if (!ctx)
		return -RIMG_E_CRYPTO;
	rc = hash_header(ctx, node, body, err);
	if (rc == 0 && body == BODY_CHILDREN)
		rc = hash_children(ctx, children, depth, err);
	else if (rc == 0 && body == BODY_CONTENT)
		rc = hash_content(ctx, node, err);
	if (rc < 0)
		return rc;
	return EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? 0 : no_crypto(err);
}

int digest_tree(struct rimg_node *node, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	return hash_node(node, 0, ret, err);
}
