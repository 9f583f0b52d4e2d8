/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/seahash.h"
#include "formats/redoxfs_read.h"

/* The contents of inodes: inline bytes, or records under up to four levels of list blocks.
 *
 * Record r of a file is its bytes from r * 2^level blocks on. A stored record may be shorter than
 * that (zeros follow) or longer (the rest is slack); a null pointer is a hole. */

/* ---- one record ---------------------------------------------------------------------------- */

static uint64_t level_bytes(unsigned level)
{
	return (uint64_t)REDOXFS_BLOCK << level;
}

/* Where a stored record lies in the host file, for messages. */
static int bad_record(const struct rimg_source *base, uint64_t off, struct rimg_error *err,
		      const char *what)
{
	uint64_t at = off, len;
	const struct rimg_source *ground = source_ground(base, off, &at, &len);

	if (!ground)
		at = off;
	return error_at(err, RIMG_E_BAD, source_name(base), at, "%s", what);
}

/* Facts: docs/formats/redoxfs.md, "Records". */
static int unpack(const uint8_t *stored, uint64_t stored_len, uint8_t *out, uint64_t out_len)
{
	struct rd r = rd_init(stored, (size_t)stored_len, 0);
	uint16_t n = rd_le16(&r);
	const uint8_t *lz4 = rd_bytes(&r, n);

	if (!lz4)
		return -1;
	return LZ4_decompress_safe((const char *)lz4, (char *)out, n, (int)out_len);
}

/* Are the bytes of a packed record behind its LZ4 block zeros? It has been unpacked: they are
 * there. */
static bool packed_tail_zero(const uint8_t *stored, uint64_t stored_len)
{
	struct rd r = rd_init(stored, (size_t)stored_len, 0);

	rd_skip(&r, rd_le16(&r));
	return mem_is_zero(stored + r.pos, (size_t)stored_len - r.pos);
}

static int unpack_into(const uint8_t *stored, uint64_t stored_len, uint64_t full_len, uint8_t *out,
		       size_t len, struct redoxfs_unpacked *ret, struct rimg_error *err)
{
	auto_free uint8_t *tmp = NULL;
	uint8_t *to = out;
	int n;

	if (len < full_len) {
		tmp = malloc((size_t)full_len);
		if (!tmp)
			return error_nomem(err);
		to = tmp;
	}
	n = unpack(stored, stored_len, to, full_len);
	if (n < 0)
		return 1;
	memset(to + n, 0, (size_t)full_len - (size_t)n);
	if (ret) {
		ret->full = (uint64_t)n == full_len;
		ret->tail_zero = packed_tail_zero(stored, stored_len);
	}
	if (tmp)
		memcpy(out, tmp, len);
	return 0;
}

static int check_hash(const struct rimg_source *base, uint64_t off, const uint8_t *stored,
		      uint64_t stored_len, uint64_t expected, struct rimg_error *err)
{
	uint64_t found = seahash(stored, (size_t)stored_len);
	char what[96];

	if (found == expected)
		return 0;
	snprintf(what, sizeof(what),
		 "expected seahash %016" PRIx64 " of a record, found %016" PRIx64, expected, found);
	return bad_record(base, off, err, what);
}

int redoxfs_record_verify(const struct rimg_source *base, uint64_t off, uint64_t stored,
			  uint64_t hash, unsigned packed, uint8_t *out, size_t len,
			  struct redoxfs_unpacked *ret, struct rimg_error *err)
{
	auto_free uint8_t *tmp = NULL;
	uint8_t *to = out;
	int rc;

	/* a whole plain record needs no second buffer */
	if (packed != 0 || len < stored) {
		tmp = malloc((size_t)stored);
		if (!tmp)
			return error_nomem(err);
		to = tmp;
	}
	rc = rimg_source_read(base, off, to, (size_t)stored, err);
	if (rc == 0)
		rc = check_hash(base, off, to, stored, hash, err);
	if (rc < 0)
		return rc;
	if (packed != 0) {
		rc = unpack_into(to, stored, level_bytes(packed), out, len, ret, err);
		return rc <= 0 ? rc
			       : bad_record(base, off, err,
					    "expected a record of LZ4 data, found it malformed");
	}
	if (tmp)
		memcpy(out, tmp, len);
	return 0;
}

static int decode_record(const void *ctx, const struct rimg_source *base,
			 const struct source_piece *p, uint8_t *out, struct rimg_error *err)
{
	(void)ctx;
	return redoxfs_record_verify(base, p->base_off, p->base_len, p->tag[0], (unsigned)p->tag[1],
				     out, (size_t)p->len, NULL, err);
}

/* ---- pieces -------------------------------------------------------------------------------- */

static uint64_t pieces_end(const struct redoxfs *fs)
{
	const struct source_piece *last;

	if (fs->n_pieces == 0)
		return 0;
	last = &fs->pieces[fs->n_pieces - 1];
	return last->off + last->len;
}

static int push_piece(struct redoxfs *fs, struct source_piece piece)
{
	struct source_piece *last = fs->n_pieces > 0 ? &fs->pieces[fs->n_pieces - 1] : NULL;
	struct source_piece *p;

	if (piece.len == 0)
		return 0;
	if (last && last->kind == piece.kind &&
	    (piece.kind == PIECE_ZERO || piece.kind == PIECE_BAD)) {
		last->len += piece.len;
		return 0;
	}
	p = vec_grow(fs->pieces, &fs->cap_pieces, fs->n_pieces, sizeof(*p));
	if (!p)
		return -RIMG_E_NOMEM;
	fs->pieces = p;
	p[fs->n_pieces++] = piece;
	return 0;
}

/* Zeros up to byte @off. */
static int pad_to(struct redoxfs *fs, uint64_t off)
{
	uint64_t end = pieces_end(fs);

	if (off <= end)
		return 0;
	return push_piece(
		fs, (struct source_piece){ .off = end, .len = off - end, .kind = PIECE_ZERO });
}

/* The next piece, with zeros before it. */
static int add_piece(struct redoxfs *fs, struct source_piece piece)
{
	int rc = pad_to(fs, piece.off);

	return rc < 0 ? rc : push_piece(fs, piece);
}

/* Bytes that can't be read; base_len says that no number of stored bytes would do. */
static int add_bad(struct redoxfs *fs, uint64_t off, uint64_t end)
{
	if (off >= end)
		return 0;
	return add_piece(fs, (struct source_piece){ .off = off,
						    .len = end - off,
						    .base_len = UINT64_MAX,
						    .kind = PIECE_BAD });
}

/* The pieces so far, up to @size, become the content of the node. */
static int set_content(struct redoxfs *fs, struct rimg_node *node, uint64_t size)
{
	struct arena *a = &fs->l->arena;
	struct source_piece *pieces = NULL;
	size_t n;

	if (pad_to(fs, size) < 0)
		return -RIMG_E_NOMEM;
	n = fs->n_pieces;
	if (n > 0) {
		pieces = arena_array(a, n, sizeof(*pieces));
		if (!pieces)
			return -RIMG_E_NOMEM;
		memcpy(pieces, fs->pieces, n * sizeof(*pieces));
	}
	node->content = source_extents(a, fs->data, pieces, n, decode_record, NULL);
	return node->content ? 0 : -RIMG_E_NOMEM;
}

/* Stored bytes that are content, if they can be seen as they are. */
static int claim_content(struct redoxfs *fs, struct rimg_node *node, uint64_t off, uint64_t len,
			 uint64_t content_off)
{
	if (fs->head.encrypted)
		return layer_claim(fs->l, node, off, len, "content", RIMG_CAUSE_CONTENT);
	return layer_claim_content(fs->l, node, off, len, content_off);
}

/* ---- inline -------------------------------------------------------------------------------- */

int redoxfs_content_inline(struct redoxfs *fs, struct redoxfs_layout *lay)
{
	struct rimg_layer *l = fs->l;
	uint64_t off = lay->inode_off + REDOXFS_INODE_DATA_OFF;
	uint64_t len = num_min(lay->size, REDOXFS_INODE_DATA_LEN);

	lay->blocks = 1;
	if (layer_claim(l, lay->node, lay->inode_off, REDOXFS_INODE_DATA_OFF, "inode",
			RIMG_CAUSE_PLACEMENT) < 0 ||
	    claim_content(fs, lay->node, off, len, 0) < 0 ||
	    layer_claim(l, lay->node, off + len, REDOXFS_INODE_DATA_LEN - len, "inline slack",
			RIMG_CAUSE_PADDING) < 0)
		return -RIMG_E_NOMEM;
	fs->n_pieces = 0;
	if (push_piece(fs, (struct source_piece){ .len = len,
						  .base_off = off,
						  .base_len = len,
						  .kind = PIECE_RAW,
						  .plain = true }) < 0)
		return -RIMG_E_NOMEM;
	return set_content(fs, lay->node, lay->size);
}

/* ---- records ------------------------------------------------------------------------------- */

/* struct spot - a pointer on the way to records: the first one below it, and how many there are */
struct spot {
	struct redoxfs_ref ref;
	uint64_t record;
	uint64_t covers;
	bool distrust; /* a list above has a wrong hash: nothing below is content */
};

static int keep_record(struct redoxfs *fs, const struct redoxfs_layout *lay,
		       const struct redoxfs_ref *ref, uint64_t len)
{
	struct redoxfs_record *p =
		vec_grow(fs->records, &fs->cap_records, fs->n_records, sizeof(*p));

	if (!p)
		return -RIMG_E_NOMEM;
	fs->records = p;
	p[fs->n_records++] =
		(struct redoxfs_record){ .node = lay->node, .ptr = ref->ptr, .len = (uint32_t)len };
	return 0;
}

static int claim_record(struct redoxfs *fs, const struct redoxfs_layout *lay, uint64_t off,
			uint64_t stored, uint64_t content_off, uint64_t content_len)
{
	struct rimg_layer *l = fs->l;

	if (content_len == 0)
		return layer_claim(l, lay->node, off, stored, "past end", RIMG_CAUSE_FREE_SPACE);
	if (claim_content(fs, lay->node, off, content_len, content_off) < 0)
		return -RIMG_E_NOMEM;
	return layer_claim(l, lay->node, off + content_len, stored - content_len, "slack",
			   RIMG_CAUSE_PADDING);
}

/* The pointer of one record is not null. */
static int lay_record(struct redoxfs *fs, struct redoxfs_layout *lay, const struct spot *spot)
{
	struct redoxfs_ptr ptr = spot->ref.ptr;
	uint64_t whole = level_bytes(lay->level), start = spot->record * whole;
	uint64_t left = start < lay->size ? num_min(whole, lay->size - start) : 0;
	unsigned packed = redoxfs_ptr_packed(ptr);
	uint64_t stored = level_bytes(redoxfs_ptr_level(ptr)), off, len;
	bool shared;
	int rc = redoxfs_take_record(fs, &spot->ref, &shared);

	if (rc < 0)
		return rc;
	off = redoxfs_off(fs, redoxfs_ptr_index(ptr));
	if (rc == 0 || spot->distrust) {
		lay->lists_bad = true;
		if (rc > 0 && !shared &&
		    layer_claim(fs->l, lay->node, off, stored, "record", RIMG_CAUSE_CONTENT) < 0)
			return -RIMG_E_NOMEM;
		return add_bad(fs, start, start + left);
	}
	lay->blocks += stored / REDOXFS_BLOCK;
	len = num_min(left, packed ? level_bytes(packed) : stored);
	if (keep_record(fs, lay, &spot->ref, len) < 0)
		return -RIMG_E_NOMEM;
	if (!shared && packed && left > 0)
		rc = layer_claim(fs->l, lay->node, off, stored, "record", RIMG_CAUSE_CONTENT);
	else if (!shared)
		rc = claim_record(fs, lay, off, stored, start, len);
	if (rc < 0 || len == 0)
		return rc < 0 ? rc : 0;
	return add_piece(fs, (struct source_piece){ .off = start,
						    .len = len,
						    .base_off = off,
						    .base_len = stored,
						    .kind = PIECE_BLOCK,
						    .plain = packed == 0,
						    .tag = { ptr.hash, packed } });
}

static int lay_spot(struct redoxfs *fs, struct redoxfs_layout *lay, const struct spot *spot);

/* A list block: 256 pointers, each for 1/256 of what the list covers. */
static int lay_list(struct redoxfs *fs, struct redoxfs_layout *lay, const struct spot *spot)
{
	uint8_t buf[REDOXFS_BLOCK];
	uint64_t whole = level_bytes(lay->level), off, start, end;
	struct rd r;
	size_t n;
	int rc = redoxfs_block(fs, &spot->ref, buf);

	if (rc < 0)
		return rc;
	if (rc != BLOCK_GOOD)
		lay->lists_bad = true;
	if (rc == BLOCK_BAD) {
		start = num_min(spot->record * whole, lay->size);
		end = num_min((spot->record + spot->covers) * whole, lay->size);
		return add_bad(fs, start, end);
	}
	lay->blocks++;
	n = lay->n_lists++;
	off = redoxfs_off(fs, redoxfs_ptr_index(spot->ref.ptr));
	if (layer_claim(fs->l, lay->node, off, REDOXFS_BLOCK, "record list", RIMG_CAUSE_PLACEMENT) <
		    0 ||
	    redoxfs_raw_pointers(fs, lay->node, redoxfs_key_text(fs, "record list", n, "addresses"),
				 redoxfs_key_text(fs, "record list", n, "hashes"), off,
				 REDOXFS_PTR_LEN, REDOXFS_LIST_LEN) < 0)
		return -RIMG_E_NOMEM;
	if (rc == BLOCK_GOOD && !spot->distrust)
		redoxfs_check_nulls(fs, lay->node, buf, off, REDOXFS_PTR_LEN, REDOXFS_LIST_LEN);
	r = rd_init(buf, sizeof(buf), off);
	for (unsigned i = 0; i < REDOXFS_LIST_LEN; i++) {
		struct spot below = { .covers = spot->covers / REDOXFS_LIST_LEN,
				      .distrust = spot->distrust || rc == BLOCK_DOUBTFUL };
		int sub;

		below.record = spot->record + i * below.covers;
		below.ref = spot->ref;
		below.ref.doubtful = below.distrust;
		below.ref.place = rd_where(&r);
		below.ref.ptr = redoxfs_ptr_read(&r);
		sub = lay_spot(fs, lay, &below);
		if (sub < 0)
			return sub;
	}
	return 0;
}

/* One pointer, or with a list all that it covers. Recursion is at most four lists deep, as each one
 * covers 256 times fewer records than the one above. */
static int lay_spot(struct redoxfs *fs, struct redoxfs_layout *lay, const struct spot *spot)
{
	struct spot s = *spot;

	if (redoxfs_ptr_null(s.ref.ptr)) {
		uint64_t whole = level_bytes(lay->level);

		/* a hole in a list with a wrong hash may be one or not */
		if (!s.distrust)
			return 0;
		lay->lists_bad = true;
		return add_bad(fs, num_min(s.record * whole, lay->size),
			       num_min((s.record + s.covers) * whole, lay->size));
	}
	s.ref.what = s.covers == 1 ? "record" : "record list";
	return s.covers == 1 ? lay_record(fs, lay, &s) : lay_list(fs, lay, &s);
}

static int lay_pointers(struct redoxfs *fs, struct redoxfs_layout *lay,
			const uint8_t buf[REDOXFS_BLOCK])
{
	static const unsigned counts[REDOXFS_DEPTHS] = REDOXFS_DEPTH_COUNTS;
	struct rd r = rd_init(buf, REDOXFS_BLOCK, lay->inode_off);
	uint64_t record = 0, covers = 1;

	rd_seek(&r, REDOXFS_INODE_DATA_OFF);
	for (size_t depth = 0; depth < REDOXFS_DEPTHS; depth++, covers *= REDOXFS_LIST_LEN) {
		for (unsigned i = 0; i < counts[depth]; i++, record += covers) {
			struct spot spot = { .record = record,
					     .covers = covers,
					     .distrust = lay->level_bad };
			int rc;

			spot.ref.place = rd_where(&r);
			spot.ref.node = lay->node;
			spot.ref.doubtful = lay->doubtful;
			spot.ref.ptr = redoxfs_ptr_read(&r);
			if (redoxfs_ptr_null(spot.ref.ptr) && !spot.distrust)
				continue;
			rc = lay_spot(fs, lay, &spot);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int redoxfs_content_records(struct redoxfs *fs, struct redoxfs_layout *lay,
			    const uint8_t buf[REDOXFS_BLOCK])
{
	uint64_t most;
	int rc;

	lay->blocks = 1;
	fs->n_pieces = 0;
	if (layer_claim(fs->l, lay->node, lay->inode_off, REDOXFS_BLOCK, "inode",
			RIMG_CAUSE_PLACEMENT) < 0 ||
	    redoxfs_raw_pointers(fs, lay->node, "record addresses", "record hashes",
				 lay->inode_off + REDOXFS_INODE_DATA_OFF, REDOXFS_PTR_LEN,
				 REDOXFS_INODE_POINTERS) < 0)
		return -RIMG_E_NOMEM;
	if (lay->level > REDOXFS_LEVEL_MAX) {
		/* nobody knows which bytes a record holds: claim them, but give none of them */
		lay->level = REDOXFS_LEVEL_MAX;
		lay->level_bad = true;
	}
	if (!lay->doubtful)
		redoxfs_check_nulls(fs, lay->node, buf + REDOXFS_INODE_DATA_OFF,
				    lay->inode_off + REDOXFS_INODE_DATA_OFF, REDOXFS_PTR_LEN,
				    REDOXFS_INODE_POINTERS);
	rc = lay_pointers(fs, lay, buf);
	if (rc < 0)
		return rc;
	most = REDOXFS_MAX_RECORDS * level_bytes(lay->level);
	if (lay->size > most) {
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.inode-size", lay->node,
			      lay->inode_off + REDOXFS_INODE_SIZE_OFF, 8,
			      "expected at most %" PRIu64 " bytes, found %" PRIu64, most,
			      lay->size);
		if (add_bad(fs, most, lay->size) < 0)
			return -RIMG_E_NOMEM;
	}
	return set_content(fs, lay->node, lay->size);
}
