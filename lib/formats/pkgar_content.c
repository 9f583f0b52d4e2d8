/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/pool.h"
#include "core/unpacked.h"
#include "formats/pkgar.h"

/* The contents of entries. There is one hash for all bytes of an entry, so before the first of them
 * is passed on, all are looked at:
 *
 *   - plain: pieces of the archive, checked when one of them is read; hashed once
 *   - LZMA2, short: one piece, unpacked each time it is asked for
 *   - LZMA2, long: unpacked once and held, as it can only be unpacked from its beginning on
 *
 * Two threads may come to the same verdict at the same time; neither waits for the other. */

#define CHUNK ((size_t)64 << 10)
#define BATCH 256 /* entries that are checked before their findings are recorded */

/* a long content */
struct big {
	struct unpacked *cache;
	struct unpacked_item *item;
	const struct pkgar *p;
	struct pkgar_entry *e;
};

/* ---- verdicts ----------------------------------------------------------------------------- */

static const char *verdict_code(enum pkgar_verdict v)
{
	switch (v) {
	case PKGAR_OTHER_HASH: return "pkgar.hash";
	case PKGAR_LONGER:
	case PKGAR_SHORTER: return "pkgar.length";
	default: return "pkgar.stream";
	}
}

static const char *verdict_text(enum pkgar_verdict v)
{
	switch (v) {
	case PKGAR_OTHER_HASH:
		return "expected contents with the BLAKE3 hash that the table says, found others";
	case PKGAR_LONGER:
		return "expected contents of the length that stands before them, found more";
	case PKGAR_SHORTER:
		return "expected contents of the length that stands before them, found less";
	case PKGAR_CUT:
		return "expected a whole LZMA2 stream, found the end of the stored bytes in it";
	default: return "expected an LZMA2 stream, found other bytes";
	}
}

/* Damaged contents, for who reads them; told by where they lie in the host file. */
static int refuse(const struct pkgar *p, const struct pkgar_entry *e, enum pkgar_verdict v,
		  struct rimg_error *err)
{
	uint64_t at = e->off, len;

	if (e->stored > 0 && !source_ground(p->l->src, e->off, &at, &len))
		at = e->off;
	return error_at(err, RIMG_E_BAD, source_name(p->l->src), at, "%s", verdict_text(v));
}

static int hash_plain(const struct pkgar *p, const struct pkgar_entry *e, enum pkgar_verdict *ret,
		      struct rimg_error *err)
{
	auto_free uint8_t *buf = malloc(CHUNK);
	uint8_t hash[BLAKE3_LEN];
	struct blake3 b;

	if (!buf)
		return error_nomem(err);
	blake3_init(&b);
	for (uint64_t done = 0; done < e->len;) {
		size_t n = (size_t)num_min(e->len - done, CHUNK);
		int rc = rimg_source_read(p->l->src, e->off + done, buf, n, err);

		if (rc < 0)
			return rc;
		blake3_update(&b, buf, n);
		done += n;
	}
	blake3_final(&b, hash);
	*ret = memcmp(hash, e->hash, sizeof(hash)) == 0 ? PKGAR_SOUND : PKGAR_OTHER_HASH;
	return 0;
}

/* Looks at the whole contents, and remembers what is thought of them. */
static int examine(const struct pkgar *p, struct pkgar_entry *e, uint8_t *out,
		   enum pkgar_verdict *ret, uint64_t *ret_end, struct rimg_error *err)
{
	int rc;

	*ret_end = e->stored;
	rc = p->packaging == PKGAR_LZMA2 ? pkgar_unpack(p, e, out, ret, ret_end, err)
					 : hash_plain(p, e, ret, err);
	if (rc == 0)
		atomic_store(&e->verdict, (int)*ret);
	return rc;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Contents in one piece: read, hash, pass on. */
static int read_whole(const struct pkgar *p, struct pkgar_entry *e, uint8_t *out,
		      struct rimg_error *err)
{
	uint8_t hash[BLAKE3_LEN];
	int rc = rimg_source_read(p->l->src, e->off, out, (size_t)e->len, err);

	if (rc < 0)
		return rc;
	blake3_bytes(out, (size_t)e->len, hash);
	if (memcmp(hash, e->hash, sizeof(hash)) == 0)
		return 0;
	atomic_store(&e->verdict, PKGAR_OTHER_HASH);
	return refuse(p, e, PKGAR_OTHER_HASH, err);
}

static int read_piece(const struct pkgar *p, struct pkgar_entry *e,
		      const struct source_piece *piece, uint8_t *out, struct rimg_error *err)
{
	enum pkgar_verdict v = (enum pkgar_verdict)atomic_load(&e->verdict);
	uint64_t end;
	int rc = 0;

	if (v == PKGAR_UNKNOWN)
		rc = examine(p, e, NULL, &v, &end, err);
	if (rc < 0)
		return rc;
	if (v != PKGAR_SOUND)
		return refuse(p, e, v, err);
	return rimg_source_read(p->l->src, piece->base_off, out, (size_t)piece->len, err);
}

static int unpack_whole(const struct pkgar *p, struct pkgar_entry *e, uint8_t *out,
			struct rimg_error *err)
{
	enum pkgar_verdict v = (enum pkgar_verdict)atomic_load(&e->verdict);
	uint64_t end;

	if (v == PKGAR_UNKNOWN || v == PKGAR_SOUND) {
		int rc = examine(p, e, out, &v, &end, err);

		if (rc < 0)
			return rc;
	}
	return v == PKGAR_SOUND ? 0 : refuse(p, e, v, err);
}

/* The decoder of the pieces. */
static int decode(const void *ctx, const struct rimg_source *base, const struct source_piece *piece,
		  uint8_t *out, struct rimg_error *err)
{
	const struct pkgar *p = ctx;
	struct pkgar_entry *e = &p->entries[piece->tag[0]];

	(void)base;
	if (p->packaging == PKGAR_LZMA2)
		return unpack_whole(p, e, out, err);
	return piece->len == e->len ? read_whole(p, e, out, err)
				    : read_piece(p, e, piece, out, err);
}

static int make_big(const struct unpacked_item *item, uint8_t *out, struct rimg_error *err)
{
	const struct big *b = item->ctx;

	return unpack_whole(b->p, b->e, out, err);
}

static int read_big(const void *ctx, uint64_t off, void *buf, size_t len, struct rimg_error *err)
{
	const struct big *b = ctx;

	return unpacked_read(b->cache, b->item, off, buf, len, err);
}

static void drop_big(void *arg)
{
	const struct big *b = arg;

	unpacked_drop(b->cache, b->item);
}

/* ---- laying out --------------------------------------------------------------------------- */

static uint64_t first_of_hash(const struct pkgar_entry *e)
{
	struct rd r = rd_init(e->hash, sizeof(e->hash), 0);

	return rd_le64(&r);
}

static int set_pieces(struct pkgar *p, struct pkgar_entry *e, uint64_t piece_len)
{
	uint64_t n = (e->len + piece_len - 1) / piece_len;
	bool plain = p->packaging == PKGAR_PLAIN;
	struct source_piece *pieces;

	if (n > SIZE_MAX)
		return -RIMG_E_NOMEM;
	pieces = arena_array(&p->l->arena, (size_t)n, sizeof(*pieces));
	if (!pieces)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t off = i * piece_len, len = num_min(e->len - off, piece_len);

		/* whoever takes pieces for equal by what they are made of must see the hash, too */
		pieces[i] = (struct source_piece){
			.off = off,
			.len = len,
			.base_off = e->off + (plain ? off : 0),
			.base_len = plain ? len : e->stored,
			.kind = PIECE_BLOCK,
			.plain = plain,
			.tag = { (uint64_t)(e - p->entries), first_of_hash(e) },
		};
	}
	e->node->content = source_extents(&p->l->arena, p->l->src, pieces, (size_t)n, decode, p);
	return e->node->content ? 0 : -RIMG_E_NOMEM;
}

static int set_big(struct pkgar *p, struct pkgar_entry *e)
{
	struct arena *a = &p->l->arena;
	struct unpacked_item *item = arena_alloc(a, sizeof(*item));
	struct big *b = arena_alloc(a, sizeof(*b));

	if (!item || !b || !arena_defer(a, drop_big, b))
		return -RIMG_E_NOMEM;
	*b = (struct big){ .cache = p->l->image->ctx->unpacked, .item = item, .p = p, .e = e };
	*item = (struct unpacked_item){ .len = e->len, .make = make_big, .ctx = b };
	e->node->content = source_custom(a, e->len, source_name(p->l->src), read_big, b);
	return e->node->content ? 0 : -RIMG_E_NOMEM;
}

/* No bytes are never read, so their hash is looked at here. */
static int set_empty(struct pkgar *p, struct pkgar_entry *e)
{
	uint8_t hash[BLAKE3_LEN];

	blake3_bytes("", 0, hash);
	if (memcmp(hash, e->hash, sizeof(hash)) != 0) {
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.hash", e->node, e->at, BLAKE3_LEN,
			      "%s (none at all)", verdict_text(PKGAR_OTHER_HASH));
		e->node->unread = true;
		e->judged = true;
		return 0;
	}
	e->node->content = source_slice(&p->l->arena, p->l->src, e->off, 0);
	return e->node->content ? 0 : -RIMG_E_NOMEM;
}

static int set_content(struct pkgar *p, struct pkgar_entry *e)
{
	uint64_t piece_len = num_max(1, p->l->image->ctx->limits.decoded_bytes);

	if (e->len == 0)
		return set_empty(p, e);
	if (p->packaging == PKGAR_LZMA2 && e->len > piece_len)
		return set_big(p, e);
	return set_pieces(p, e, piece_len);
}

/* ---- lengths ------------------------------------------------------------------------------ */

/* The largest content that is unpacked: half as much for each package around that is packed, too,
 * as theirs may have to be held at the same time. */
static uint64_t content_max(const struct rimg_layer *l)
{
	uint64_t max = l->image->ctx->limits.analysis_bytes;

	for (const struct rimg_node *n = l->root->parent; n->layer; n = n->layer->root->parent) {
		const struct pkgar *around = n->layer->priv;

		if (n->layer->format == l->format && around->packaging == PKGAR_LZMA2)
			max /= 2;
	}
	return max;
}

/* May this many bytes be unpacked, after all that the image holds besides? */
static bool take_unpacked(struct rimg_image *image, uint64_t len)
{
	const struct rimg_limits *limits = &image->ctx->limits;
	uint64_t max, sum;

	if (!num_mul(rimg_source_size(image->root->content), limits->read_factor, &max) ||
	    !num_add(max, limits->analysis_bytes, &max))
		max = UINT64_MAX;
	if (!num_add(image->n_unpacked, len, &sum) || sum > max)
		return false;
	image->n_unpacked = sum;
	return true;
}

/* The length before a stream. *ret_ok: false when it cannot be unpacked; a finding says why. */
static int read_length(struct pkgar *p, struct pkgar_entry *e, bool *ret_ok, struct rimg_error *err)
{
	struct rimg_layer *l = p->l;
	uint8_t raw[PKGAR_LENGTH_LEN];
	struct rd r = rd_init(raw, sizeof(raw), e->off);
	int rc;

	*ret_ok = false;
	if (e->stored < PKGAR_PACKED_MIN) {
		layer_finding(l, SEVERITY_ERROR, "pkgar.stream", e->node, e->off, e->stored,
			      "expected a length of 8 bytes and an LZMA2 stream, found %" PRIu64
			      " bytes in all",
			      e->stored);
		return 0;
	}
	rc = layer_read(l, e->off, raw, sizeof(raw), err);
	if (rc < 0)
		return rc;
	e->len = rd_le64(&r);
	rc = attr_add_u64(l, e->node, "size", ATTR_U64, RIMG_CAUSE_CONTENT,
			  PLACE(e->off, PKGAR_LENGTH_LEN), e->len);
	if (rc < 0)
		return rc;
	*ret_ok = e->len <= content_max(l) && take_unpacked(l->image, e->len);
	if (!*ret_ok)
		layer_finding(l, SEVERITY_ERROR, "pkgar.too-large", e->node, e->off,
			      PKGAR_LENGTH_LEN,
			      "expected contents that unpack to at most %" PRIu64
			      " bytes, and not to many times the size of the image in all, found "
			      "%" PRIu64,
			      content_max(l), e->len);
	return 0;
}

/* ---- findings ----------------------------------------------------------------------------- */

/* What came out of looking at contents: a finding, or 0, or a code that ends the work. */
static int judge(struct pkgar *p, struct pkgar_entry *e, int rc, enum pkgar_verdict v,
		 const struct rimg_error *why, struct rimg_error *err)
{
	if (rc == -RIMG_E_BAD || rc == -RIMG_E_TRUNCATED) {
		/* damaged where the archive is stored */
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.stored", e->node, e->off, e->stored,
			      "%s", why->text);
		e->judged = true;
		return 0;
	}
	if (rc < 0) {
		if (err)
			*err = *why;
		return rc;
	}
	if (v != PKGAR_SOUND) {
		layer_finding(p->l, SEVERITY_ERROR, verdict_code(v), e->node, e->off, e->stored,
			      "%s", verdict_text(v));
		e->judged = true;
	}
	return 0;
}

static int check_target(struct pkgar *p, struct pkgar_entry *e, const uint8_t *target)
{
	struct rimg_node *node = e->node;

	if (memchr(target, '\0', (size_t)e->len))
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.target", node, e->off, e->stored,
			      "expected a target without NUL, found one");
	return attr_add_bytes(p->l, node, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      target, (size_t)e->len);
}

/* The target of a link, which is its contents. */
static int add_target(struct pkgar *p, struct pkgar_entry *e, struct rimg_error *err)
{
	uint8_t target[PKGAR_TARGET_MAX];
	struct rimg_error why = { 0 };
	enum pkgar_verdict v;
	int rc;

	if (e->len == 0 || e->len > PKGAR_TARGET_MAX) {
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.target", e->node, e->off, e->stored,
			      "expected a target of 1 to %d bytes, found %" PRIu64,
			      PKGAR_TARGET_MAX, e->len);
		return 0;
	}
	rc = rimg_source_read(e->node->content, 0, target, (size_t)e->len, &why);
	if (rc == 0)
		return check_target(p, e, target);
	v = (enum pkgar_verdict)atomic_load(&e->verdict);
	/* its own damage, or that of what it is stored in? */
	if (v != PKGAR_UNKNOWN && v != PKGAR_SOUND)
		rc = 0;
	return judge(p, e, rc, v, &why, err);
}

/* The stored bytes belong to the node, whether they can be read or not. */
static int claim(struct pkgar *p, struct pkgar_entry *e, bool laid_out)
{
	struct rimg_layer *l = p->l;
	uint64_t prefix = 0;

	if (laid_out && p->packaging == PKGAR_PLAIN)
		return layer_claim_content(l, e->node, e->off, e->stored, 0);
	if (p->packaging == PKGAR_LZMA2)
		prefix = num_min(e->stored, PKGAR_LENGTH_LEN);
	if (layer_claim(l, e->node, e->off, prefix, "length", RIMG_CAUSE_CONTENT) < 0)
		return -RIMG_E_NOMEM;
	return layer_claim(l, e->node, e->off + prefix, e->stored - prefix, "content",
			   RIMG_CAUSE_CONTENT);
}

int pkgar_add_content(struct pkgar *p, struct pkgar_entry *e, struct rimg_error *err)
{
	bool known = p->packaging == PKGAR_PLAIN || p->packaging == PKGAR_LZMA2;
	bool readable = e->lies && known;
	int rc = 0;

	if (p->packaging == PKGAR_PLAIN) {
		e->len = e->stored;
		rc = attr_add_u64(p->l, e->node, "size", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
				  e->stored_field);
	} else if (readable) {
		rc = read_length(p, e, &readable, err);
	}
	e->node->unread = !readable;
	if (rc == 0)
		rc = claim(p, e, readable);
	if (rc == 0 && readable)
		rc = set_content(p, e);
	if (rc == 0 && pkgar_is_symlink(e) && e->node->content)
		rc = add_target(p, e, err);
	return rc;
}

/* ---- checking ----------------------------------------------------------------------------- */

struct outcome {
	int rc;
	enum pkgar_verdict verdict;
	uint64_t end;
	struct rimg_error err;
};

struct batch {
	const struct pkgar *p;
	struct pkgar_entry *entries;
	struct outcome *outcomes;
};

static bool is_checked_now(const struct pkgar_entry *e)
{
	return e->node->content && !e->judged;
}

static void check_one(void *arg, size_t i)
{
	struct batch *b = arg;
	struct pkgar_entry *e = &b->entries[i];
	struct outcome *o = &b->outcomes[i];

	*o = (struct outcome){ .verdict = PKGAR_SOUND, .end = e->stored };
	if (is_checked_now(e))
		o->rc = examine(b->p, e, NULL, &o->verdict, &o->end, &o->err);
}

static int record(struct pkgar *p, struct pkgar_entry *e, const struct outcome *o,
		  struct rimg_error *err)
{
	int rc = judge(p, e, o->rc, o->verdict, &o->err, err);

	if (rc < 0 || o->rc < 0 || o->verdict != PKGAR_SOUND || o->end == e->stored)
		return rc;
	layer_finding(p->l, SEVERITY_ERROR, "pkgar.stream-rest", e->node, e->off + o->end,
		      e->stored - o->end,
		      "expected the end of the LZMA2 stream at the end of the stored bytes, found "
		      "%" PRIu64 " bytes more",
		      e->stored - o->end);
	return 0;
}

int pkgar_check(struct rimg_layer *l, struct rimg_error *err)
{
	struct pkgar *p = l->priv;
	auto_free struct outcome *outcomes = calloc(BATCH, sizeof(*outcomes));

	if (!outcomes)
		return error_nomem(err);
	for (size_t done = 0; done < p->n; done += BATCH) {
		size_t n = (size_t)num_min(BATCH, p->n - done);
		struct batch b = { .p = p, .entries = p->entries + done, .outcomes = outcomes };

		pool_for(l->image->ctx->threads, n, check_one, &b);
		for (size_t i = 0; i < n; i++) {
			int rc = record(p, &b.entries[i], &outcomes[i], err);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
