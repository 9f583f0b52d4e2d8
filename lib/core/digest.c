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
#include "core/source.h"
#include "core/wr.h"

#define CHUNK ((size_t)256 << 10)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* NULL when the library has none */

static void fetch_sha256(void)
{
	/* A library context of our own: no configuration file of the host decides what SHA-256 is,
	 * and the program around us may do with the default context what it likes. Both live as
	 * long as the process. */
	static OSSL_LIB_CTX *own;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	own = OSSL_LIB_CTX_new();
	sha256 = own ? EVP_MD_fetch(own, "SHA256", NULL) : NULL;
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static int no_crypto(struct rimg_error *err)
{
	return error_crypto(err, "cannot compute SHA-256");
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

int rimg_source_sha256(const struct rimg_source *src, uint8_t *ret, struct rimg_error *err)
{
	return digest_source(src, ret, err);
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

/* A chunk that lies in a hole is not read: that would fill the host's page cache with zeros. */
static int next_chunk(const struct rimg_source *src, uint64_t off, size_t n, uint64_t *data,
		      uint8_t *buf, struct rimg_error *err)
{
	if (*data <= off)
		*data = source_next_data(src, off);
	if (*data - off < n)
		return rimg_source_read(src, off, buf, n, err);
	memset(buf, 0, n);
	return 0;
}

int digest_source(const struct rimg_source *src, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src), data = 0;
	auto_with(cleanup_md_ctx) EVP_MD_CTX *ctx = begin(err);
	auto_free uint8_t *buf = malloc((size_t)num_max(1, num_min(size, CHUNK)));

	if (!ctx)
		return -RIMG_E_CRYPTO;
	if (!buf)
		return error_nomem(err);
	for (uint64_t off = 0; off < size;) {
		size_t n = (size_t)num_min(size - off, CHUNK);
		int rc = next_chunk(src, off, n, &data, buf, err);

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
 *     "rimg-tree-1" NUL | u8 role | u32 length of name | u32 mode | u32 uid | u32 gid | name
 *     u8 kind of body: 0 none; 1 content: u64 size, SHA-256 of it; 2 children: u64 count, then the
 *     digest of each, in order of name bytes
 *
 * The role is a number of enum rimg_role. Children are what users put there: partitions and entries
 * of file systems and archives. Their body is their content; a directory's is its children, and so
 * is that of a partition in which a format with such children is recognised.
 *
 * The node that is asked for counts without its name: images, partitions, directories and files may
 * hold the same tree, so to all of them applies what does to partitions, and their role is 0. Mode,
 * uid and gid (0 where there are none) are the node's own, or those of the top directory in it; of
 * the node asked for only if its body is children. */
enum body { BODY_NONE, BODY_CONTENT, BODY_CHILDREN };

#define HEADER_LEN 29 /* without the name */
static const char domain[12] = "rimg-tree-1";

static bool is_artifact(const struct rimg_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_PARTITION:
	case RIMG_ROLE_DIR:
	case RIMG_ROLE_FILE:
	case RIMG_ROLE_SYMLINK:
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER: return true;
	default: return false;
	}
}

static bool may_hold_tree(const struct rimg_node *node)
{
	return node->role == RIMG_ROLE_IMAGE || node->role == RIMG_ROLE_PARTITION ||
	       node->role == RIMG_ROLE_DIR || node->role == RIMG_ROLE_FILE;
}

/* Is there a tree in the layer? A program is bytes, whatever its sections are. */
static bool has_tree(const struct rimg_layer *l)
{
	rimg_for_each_child(child, l->top)
		if (is_artifact(child))
			return true;
	return l->top != l->root;
}

/* A node while it is hashed: its children are, one after the other. */
struct frame {
	EVP_MD_CTX *ctx;
	struct rimg_node *node;
	struct rimg_node *top;   /* whose children are the body, or NULL */
	struct rimg_node **list; /* the children of top */
	uint32_t next;
	bool asked; /* for this node the digest is asked */
};

/* The way down is as deep as the tree, which the image decides: no recursion. */
struct stack {
	struct frame *frames;
	size_t n, cap;
};

static void stack_done(struct stack *s)
{
	while (s->n > 0)
		EVP_MD_CTX_free(s->frames[--s->n].ctx);
	free(s->frames);
}

static int unreadable_part(const struct rimg_node *node, struct rimg_error *err)
{
	auto_free char *address = node_full_address(node);

	return error_set(err, RIMG_E_BAD, address ? address : node->image->name,
			 "a part of the tree cannot be read, so it has no digest");
}

/* Whose children are the body of the node? */
static int find_top(struct frame *f, struct rimg_error *err)
{
	struct rimg_node *node = f->node;
	struct rimg_layer *l;
	int rc;

	if (node->damaged || node->unread)
		return unreadable_part(node, err);
	if (node->role == RIMG_ROLE_DIR) {
		f->top = node;
		return 0;
	}
	if (!may_hold_tree(node) || (node->role == RIMG_ROLE_FILE && !f->asked))
		return 0;
	rc = node_open(node, &l, err);
	if (rc < 0)
		return rc;
	if (!l || l->unreadable) /* what is not understood are bytes */
		return 0;
	if (l->root->damaged || l->top->damaged)
		return unreadable_part(l->root, err);
	if (has_tree(l))
		f->top = l->top;
	return 0;
}

static int hash_header(const struct frame *f, enum body body, struct rimg_error *err)
{
	const struct rimg_node *node = f->node;
	const struct rimg_node *owned = f->top ? f->top : f->asked ? NULL : node;
	enum rimg_role role = f->asked && may_hold_tree(node) ? RIMG_ROLE_IMAGE : node->role;
	uint32_t name_len = f->asked ? 0 : node->name_len;
	uint8_t fixed[HEADER_LEN], kind = (uint8_t)body;
	struct wr w = wr_init(fixed, sizeof(fixed));

	wr_bytes(&w, domain, sizeof(domain));
	wr_u8(&w, (uint8_t)role);
	wr_le32(&w, name_len);
	wr_le32(&w, owned ? (uint32_t)node_attr_u64(owned, "mode", 0) : 0);
	wr_le32(&w, owned ? (uint32_t)node_attr_u64(owned, "uid", 0) : 0);
	wr_le32(&w, owned ? (uint32_t)node_attr_u64(owned, "gid", 0) : 0);
	if (EVP_DigestUpdate(f->ctx, fixed, w.pos) != 1 ||
	    EVP_DigestUpdate(f->ctx, node->name, name_len) != 1 ||
	    EVP_DigestUpdate(f->ctx, &kind, 1) != 1)
		return no_crypto(err);
	return 0;
}

static int hash_content(const struct frame *f, struct rimg_error *err)
{
	uint8_t body[8 + SHA256_LEN];
	struct wr w = wr_init(body, 8);
	int rc = digest_source(f->node->content, body + 8, err);

	if (rc < 0)
		return rc;
	wr_le64(&w, rimg_source_size(f->node->content));
	return EVP_DigestUpdate(f->ctx, body, sizeof(body)) == 1 ? 0 : no_crypto(err);
}

/* What comes before the digests of the children. */
static int begin_children(struct frame *f, struct rimg_error *err)
{
	uint8_t count[8];
	struct wr w = wr_init(count, sizeof(count));
	uint64_t n = 0;

	f->list = node_by_name(f->top);
	if (!f->list && f->top->n_children > 0)
		return error_nomem(err);
	for (uint32_t i = 0; i < f->top->n_children; i++)
		n += is_artifact(f->list[i]);
	wr_le64(&w, n);
	return EVP_DigestUpdate(f->ctx, count, sizeof(count)) == 1 ? 0 : no_crypto(err);
}

static int push(struct stack *s, struct rimg_node *node, struct rimg_error *err)
{
	struct frame *frames = vec_grow(s->frames, &s->cap, s->n, sizeof(*frames));
	struct frame *f;
	enum body body;
	int rc;

	if (!frames)
		return error_nomem(err);
	s->frames = frames;
	f = &frames[s->n];
	*f = (struct frame){ .ctx = begin(err), .node = node, .asked = s->n == 0 };
	if (!f->ctx)
		return -RIMG_E_CRYPTO;
	s->n++;
	rc = find_top(f, err);
	if (rc < 0)
		return rc;
	body = f->top ? BODY_CHILDREN : node->content ? BODY_CONTENT : BODY_NONE;
	rc = hash_header(f, body, err);
	if (rc == 0 && body == BODY_CHILDREN)
		rc = begin_children(f, err);
	else if (rc == 0 && body == BODY_CONTENT)
		rc = hash_content(f, err);
	return rc;
}

/* The next child to hash, or NULL. */
static struct rimg_node *next_child(struct frame *f)
{
	while (f->top && f->next < f->top->n_children) {
		struct rimg_node *child = f->list[f->next++];

		if (is_artifact(child))
			return child;
	}
	return NULL;
}

int digest_tree(struct rimg_node *node, uint8_t ret[SHA256_LEN], struct rimg_error *err)
{
	auto_with(stack_done) struct stack s = { 0 };
	uint8_t digest[SHA256_LEN];
	int rc = push(&s, node, err);

	while (rc == 0) {
		struct frame *f = &s.frames[s.n - 1];
		struct rimg_node *child = next_child(f);

		if (child) {
			rc = push(&s, child, err);
			continue;
		}
		if (EVP_DigestFinal_ex(f->ctx, digest, NULL) != 1)
			return no_crypto(err);
		EVP_MD_CTX_free(f->ctx);
		if (--s.n == 0)
			break;
		if (EVP_DigestUpdate(s.frames[s.n - 1].ctx, digest, sizeof(digest)) != 1)
			return no_crypto(err);
	}
	if (rc == 0)
		memcpy(ret, digest, sizeof(digest));
	return rc;
}
