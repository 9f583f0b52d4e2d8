/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/seahash.h"
#include "formats/redoxfs_read.h"

/* The ring of headers, and where it is:
 *
 *     0            reserved area: a boot loader; usually nothing
 *     ring_off     slot 0 .. slot 255, a header each: generation g stands in slot g mod 256
 *     + 1 MiB      block 256: the rest of the volume */

enum slot_state {
	SLOT_ZERO,    /* never written */
	SLOT_VALID,   /* a header whose version and hash are right */
	SLOT_HASH,    /* a header, but its hash is wrong */
	SLOT_VERSION, /* a header of another version */
	SLOT_JUNK,    /* anything else */
	SLOT_UNREADABLE,
};

struct slot {
	enum slot_state state;
	uint64_t version;
	struct redoxfs_header head; /* meant only with SLOT_VALID, else as found */
};

/* ---- one header ---------------------------------------------------------------------------- */

static bool has_signature(const uint8_t *block)
{
	return memcmp(block, REDOXFS_SIGNATURE, REDOXFS_SIGNATURE_LEN) == 0;
}

/* Facts: docs/formats/redoxfs.md, "Header". */
static struct slot slot_parse(const uint8_t block[REDOXFS_BLOCK])
{
	struct rd r = rd_init(block, REDOXFS_BLOCK, 0);
	struct slot s = { .state = SLOT_JUNK };
	uint64_t hash, copy, zero;

	if (!has_signature(block)) {
		if (mem_is_zero(block, REDOXFS_BLOCK))
			s.state = SLOT_ZERO;
		return s;
	}
	rd_seek(&r, REDOXFS_HEADER_VERSION_OFF);
	s.version = rd_le64(&r);
	rd_copy(&r, s.head.uuid, sizeof(s.head.uuid));
	s.head.size = rd_le64(&r);
	s.head.generation = rd_le64(&r);
	s.head.tree = redoxfs_ptr_read(&r);
	s.head.alloc = redoxfs_ptr_read(&r);
	rd_seek(&r, REDOXFS_HEADER_RELEASE_OFF);
	s.head.release = redoxfs_ptr_read(&r);
	rd_seek(&r, REDOXFS_HEADER_CIPHERED_OFF);
	copy = rd_le64(&r);
	zero = rd_le64(&r);
	hash = rd_le64(&r);
	s.head.encrypted = copy != hash || zero != 0;
	if (s.version != REDOXFS_VERSION)
		s.state = SLOT_VERSION;
	else if (hash != seahash(block, REDOXFS_HEADER_CIPHERED_OFF))
		s.state = SLOT_HASH;
	else
		s.state = SLOT_VALID;
	return s;
}

/* ---- finding the ring ---------------------------------------------------------------------- */

/* The first block in [from, end) of @src that begins with the signature; @end if there is none.
 * Reads 8 bytes of each block and nothing of the host file's holes. */
static int find_signature(const struct rimg_source *src, uint64_t from, uint64_t end, uint64_t *ret,
			  struct rimg_error *err)
{
	uint64_t hole = 0; /* no hole begins before this offset */

	for (uint64_t b = from; b < end; b++) {
		uint64_t off = b * REDOXFS_BLOCK;
		uint8_t start[REDOXFS_SIGNATURE_LEN];
		int rc;

		if (off >= hole) {
			off = source_next_data(src, off) & ~(uint64_t)(REDOXFS_BLOCK - 1);
			b = num_max(b, off / REDOXFS_BLOCK);
			if (b >= end)
				break;
			off = b * REDOXFS_BLOCK;
			hole = source_next_hole(src, off);
		}
		rc = rimg_source_read(src, off, start, sizeof(start), err);
		if (rc == -RIMG_E_BAD)
			continue;
		if (rc < 0)
			return rc;
		if (has_signature(start)) {
			*ret = b;
			return 0;
		}
	}
	*ret = end;
	return 0;
}

/* Whole blocks of @size bytes in which a header may stand. */
static uint64_t scan_end(uint64_t size)
{
	return num_min(size / REDOXFS_BLOCK, REDOXFS_SCAN_BLOCKS);
}

/* One block as a slot. 1, 0 when it cannot be read, or a code. */
static int read_slot(const struct rimg_source *src, uint64_t block, struct slot *ret,
		     struct rimg_error *err)
{
	uint8_t buf[REDOXFS_BLOCK];
	int rc = rimg_source_read(src, block * REDOXFS_BLOCK, buf, sizeof(buf), err);

	*ret = (struct slot){ .state = SLOT_UNREADABLE };
	if (rc == -RIMG_E_BAD)
		return 0;
	if (rc < 0)
		return rc;
	*ret = slot_parse(buf);
	return 1;
}

/* The block of slot 0, if the header in @block stands where its generation says. */
static bool ring_start(uint64_t block, const struct redoxfs_header *head, uint64_t *ret)
{
	uint64_t slot = head->generation % REDOXFS_RING;

	if (slot > block)
		return false;
	*ret = block - slot;
	return true;
}

/* ---- probe --------------------------------------------------------------------------------- */

enum {
	SCORE_SURE = 95,     /* a valid header of a ring at the very start */
	SCORE_DAMAGED = 70,  /* a header there that is not valid, or of another version */
	SCORE_RESERVED = 45, /* a valid header further on: another format may explain the start */
	SCORE_REMAINS = 20,
};

static int score_block(const struct rimg_probe *p, uint64_t block)
{
	struct rimg_error why;
	struct slot s;
	uint64_t start;
	int rc = read_slot(p->src, block, &s, &why);

	probe_trouble(p, rc, &why);
	if (rc <= 0)
		return 0;
	if (s.state == SLOT_VALID && ring_start(block, &s.head, &start))
		return start == 0 ? SCORE_SURE : SCORE_RESERVED;
	return block == 0 ? SCORE_DAMAGED : SCORE_REMAINS;
}

/* Can @src be read anywhere at no cost but that of reading? Not if blocks have to be decoded. */
static bool is_plain(const struct rimg_source *src)
{
	for (;;) {
		uint64_t size = rimg_source_size(src);
		struct source_piece p;

		src = source_map(src, 0, &p);
		if (!src)
			return true;
		if (p.kind != PIECE_RAW || p.len != size)
			return false;
	}
}

/* A partition table starts here, and the file system is inside a partition. */
static bool is_disk(const struct rimg_probe *p)
{
	static const char tag[] = "EFI PART";
	struct rd r = rd_init(p->head, p->head_len, 0);
	const uint8_t *found;

	rd_seek(&r, 512);
	found = rd_bytes(&r, sizeof(tag) - 1);
	return found && memcmp(found, tag, sizeof(tag) - 1) == 0;
}

int redoxfs_probe(const struct rimg_probe *p)
{
	uint64_t end = scan_end(p->size), head_end = p->head_len / REDOXFS_BLOCK, b;
	int best = 0;

	if (p->size / REDOXFS_BLOCK <= REDOXFS_RING)
		end = num_min(end, head_end); /* cut short, at most */
	for (b = 0; b < head_end; b++) {
		if (!has_signature(p->head + b * REDOXFS_BLOCK))
			continue;
		best = (int)num_max((uint64_t)best, (uint64_t)score_block(p, b));
		if (best > SCORE_REMAINS)
			return best;
	}
	if (is_disk(p))
		return best;
	if (!is_plain(p->src))
		end = num_min(end, REDOXFS_RING);
	while (b < end) {
		struct rimg_error why;
		int rc = find_signature(p->src, b, end, &b, &why);

		probe_trouble(p, rc, &why);
		if (rc < 0 || b == end)
			break;
		if (score_block(p, b) == SCORE_RESERVED || score_block(p, b) == SCORE_SURE)
			return score_block(p, b);
		b++;
	}
	return best;
}

/* ---- choosing the header ------------------------------------------------------------------- */

struct ring {
	uint64_t start; /* block of slot 0 */
	struct slot slot[REDOXFS_RING];
	int chosen;
};

/* What was seen on the way when no valid header turns up. */
struct remains {
	bool found;
	uint64_t block;
	struct slot slot;
};

/* Which of the headers that do not lead to a ring tells most. */
static int telling(enum slot_state state)
{
	return state == SLOT_VALID ? 2 : state == SLOT_VERSION ? 1 : 0;
}

/* The first block with a valid header; *ret_found false when there is none. */
static int find_valid(struct redoxfs *fs, uint64_t *ret, struct remains *remains, bool *ret_found)
{
	const struct rimg_source *src = fs->l->src;
	uint64_t end = scan_end(rimg_source_size(src)), b = 0;

	*ret_found = false;
	for (;; b++) {
		struct slot s;
		uint64_t start;
		int rc = find_signature(src, b, end, &b, fs->err);

		if (rc < 0 || b == end)
			return rc;
		rc = read_slot(src, b, &s, fs->err);
		if (rc < 0)
			return rc;
		if (s.state == SLOT_VALID && ring_start(b, &s.head, &start)) {
			*ret = b;
			*ret_found = true;
			return 0;
		}
		if (!remains->found || telling(s.state) > telling(remains->slot.state))
			*remains = (struct remains){ .found = true, .block = b, .slot = s };
	}
}

/* Upstream lets the first valid header alone say where the ring starts. If that header is in the
 * wrong place, the others outvote it: the start that most headers of the next 256 blocks name. */
static int vote_start(struct redoxfs *fs, uint64_t first, uint64_t *ret)
{
	const struct rimg_source *src = fs->l->src;
	uint64_t end = num_min(rimg_source_size(src) / REDOXFS_BLOCK, first + REDOXFS_RING);
	auto_free uint64_t *starts = calloc(REDOXFS_RING, sizeof(*starts));
	size_t n = 0, best = 0;

	if (!starts)
		return error_nomem(fs->err);
	for (uint64_t b = first; b < end; b++) {
		struct slot s;
		int rc = read_slot(src, b, &s, fs->err);

		if (rc < 0)
			return rc;
		if (s.state == SLOT_VALID && ring_start(b, &s.head, &starts[n]))
			n++;
	}
	for (size_t i = 0; i < n; i++) {
		size_t votes = 0;

		for (size_t k = 0; k < n; k++)
			votes += starts[k] == starts[i];
		if (votes > best) {
			best = votes;
			*ret = starts[i];
		}
	}
	return 0;
}

static int read_ring(struct redoxfs *fs, struct ring *ring)
{
	uint64_t end = rimg_source_size(fs->l->src) / REDOXFS_BLOCK;

	ring->chosen = -1;
	for (unsigned i = 0; i < REDOXFS_RING && ring->start + i < end; i++) {
		struct slot *s = &ring->slot[i];
		int rc = read_slot(fs->l->src, ring->start + i, s, fs->err);

		if (rc < 0)
			return rc;
		if (s->state == SLOT_VALID &&
		    (ring->chosen < 0 ||
		     s->head.generation > ring->slot[ring->chosen].head.generation))
			ring->chosen = (int)i;
	}
	return 0;
}

static void no_header(struct redoxfs *fs, const struct remains *remains)
{
	struct rimg_layer *l = fs->l;
	uint64_t off = remains->block * REDOXFS_BLOCK;

	l->unreadable = true;
	if (remains->found && remains->slot.state == SLOT_VERSION) {
		attr_add_u64(l, l->root, "version", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
			     remains->slot.version);
		layer_finding(l, SEVERITY_ERROR, "redoxfs.version", NULL,
			      off + REDOXFS_HEADER_VERSION_OFF, 8,
			      "expected RedoxFS version %d, found version %" PRIu64
			      ", which is not supported",
			      REDOXFS_VERSION, remains->slot.version);
		return;
	}
	if (remains->found && remains->slot.state == SLOT_VALID) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.header-slot", NULL,
			      off + REDOXFS_HEADER_GENERATION_OFF, 8,
			      "expected a header in the slot that its generation names, found "
			      "generation %" PRIu64 " in block %" PRIu64
			      ", whose ring would begin before the image",
			      remains->slot.head.generation, remains->block);
		return;
	}
	layer_finding(l, SEVERITY_ERROR, "redoxfs.header-hash", NULL, off,
		      remains->found ? REDOXFS_BLOCK : 0,
		      "expected a valid header, found none whose hash is right");
}

static int root_attrs(struct redoxfs *fs)
{
	struct rimg_layer *l = fs->l;
	const struct redoxfs_header *h = &fs->head;
	/* clang-format off */
	const struct {
		const char *key;
		enum attr_type type;
		enum rimg_cause cause;
		uint64_t value;
	} numbers[] = {
		{ "version",    ATTR_U64,  RIMG_CAUSE_CONTENT,    REDOXFS_VERSION },
		{ "size",       ATTR_U64,  RIMG_CAUSE_CONTENT,    h->size },
		{ "block size", ATTR_U64,  RIMG_CAUSE_CONTENT,    REDOXFS_BLOCK },
		{ "ring block", ATTR_U64,  RIMG_CAUSE_PLACEMENT,  fs->ring_off / REDOXFS_BLOCK },
		{ "generation", ATTR_U64,  RIMG_CAUSE_IDENTIFIER, h->generation },
		{ "encrypted",  ATTR_BOOL, RIMG_CAUSE_CONTENT,    h->encrypted },
	};
	/* clang-format on */

	if (attr_add_bytes(l, l->root, "uuid", ATTR_UUID, RIMG_CAUSE_IDENTIFIER, PLACE_NONE,
			   h->uuid, sizeof(h->uuid)) < 0)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (attr_add_u64(l, l->root, numbers[i].key, numbers[i].type, numbers[i].cause,
				 PLACE_NONE, numbers[i].value) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* How many blocks there are, by the header and by the image. */
static void measure(struct redoxfs *fs)
{
	uint64_t have = rimg_source_size(fs->l->src) - fs->ring_off, size = fs->head.size;

	fs->size_blk = size / REDOXFS_BLOCK;
	fs->n_blk = num_min(size, have) / REDOXFS_BLOCK;
	if (size % REDOXFS_BLOCK != 0)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-size", NULL,
			      fs->head_off + REDOXFS_HEADER_SIZE_OFF, 8,
			      "expected a size in blocks of %d bytes, found %" PRIu64,
			      REDOXFS_BLOCK, size);
	if (size > have)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-size", NULL,
			      fs->head_off + REDOXFS_HEADER_SIZE_OFF, 8,
			      "expected %" PRIu64 " bytes from the ring on, as the header says, "
			      "found the end of the image after %" PRIu64,
			      size, have);
	if (fs->size_blk <= REDOXFS_RING)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-size", NULL,
			      fs->head_off + REDOXFS_HEADER_SIZE_OFF, 8,
			      "expected more than the %d blocks of the ring, found %" PRIu64
			      " bytes",
			      REDOXFS_RING, size);
}

static int read_slots(struct redoxfs *fs, struct ring *ring)
{
	struct remains remains = { 0 };
	uint64_t first = 0;
	bool found;
	int rc = find_valid(fs, &first, &remains, &found);

	if (rc < 0)
		return rc;
	if (!found) {
		no_header(fs, &remains);
		return 0;
	}
	rc = vote_start(fs, first, &ring->start);
	if (rc == 0)
		rc = read_ring(fs, ring);
	return rc < 0 ? rc : 1;
}

int redoxfs_ring_open(struct redoxfs *fs)
{
	auto_free struct ring *ring = calloc(1, sizeof(*ring));
	int rc;

	if (!ring)
		return error_nomem(fs->err);
	rc = read_slots(fs, ring);
	if (rc <= 0)
		return rc;
	if (ring->chosen < 0) /* cannot be: the header that found the ring is in it */
		return error_set(fs->err, RIMG_E_INTERNAL, NULL, "the ring lost its header");
	fs->head = ring->slot[ring->chosen].head;
	fs->ring_off = ring->start * REDOXFS_BLOCK;
	fs->head_off = fs->ring_off + (uint64_t)ring->chosen * REDOXFS_BLOCK;
	if (root_attrs(fs) < 0)
		return -RIMG_E_NOMEM;
	measure(fs);
	return 1;
}

/* ---- nodes --------------------------------------------------------------------------------- */

/* Stale headers are free space, whatever stands in them. */
static int header_fields(struct redoxfs *fs, struct rimg_node *node, const uint8_t *block,
			 uint64_t off, bool in_use)
{
	struct field f = field_begin(fs->l, node, block, REDOXFS_BLOCK, off);
#define CAUSE(name) (in_use ? RIMG_CAUSE_##name : RIMG_CAUSE_FREE_SPACE)
	/* clang-format off */
	field_text (&f, "signature", REDOXFS_SIGNATURE_LEN, CAUSE(CONTENT));
	field_le64 (&f, "version",         CAUSE(CONTENT));
	field_uuid (&f, "uuid",            CAUSE(IDENTIFIER), NULL);
	field_le64 (&f, "size",            CAUSE(CONTENT));
	field_le64 (&f, "generation",      CAUSE(IDENTIFIER));
	field_hex64(&f, "tree address",    CAUSE(PLACEMENT));
	field_hex64(&f, "tree hash",       CAUSE(CHECKSUM));
	field_hex64(&f, "alloc address",   CAUSE(PLACEMENT));
	field_hex64(&f, "alloc hash",      CAUSE(CHECKSUM));
	if (in_use && !fs->head.encrypted)
		field_zero (&f, "key slots", REDOXFS_KEY_SLOTS * REDOXFS_KEY_SLOT_LEN,
			    "redoxfs.padding");
	else
		field_raw  (&f, "key slots", REDOXFS_KEY_SLOTS * REDOXFS_KEY_SLOT_LEN,
			    CAUSE(IDENTIFIER));
	field_hex64(&f, "release address", CAUSE(PLACEMENT));
	field_hex64(&f, "release hash",    CAUSE(CHECKSUM));
	if (in_use)
		field_zero(&f, "padding", REDOXFS_HEADER_CIPHERED_OFF - REDOXFS_HEADER_ZERO_OFF,
			   "redoxfs.padding");
	else
		field_raw (&f, "padding", REDOXFS_HEADER_CIPHERED_OFF - REDOXFS_HEADER_ZERO_OFF,
			   RIMG_CAUSE_FREE_SPACE);
	field_bytes(&f, "hash copy", 16,   CAUSE(CHECKSUM));
	field_hex64(&f, "hash",            CAUSE(CHECKSUM));
	/* clang-format on */
#undef CAUSE
	if (in_use)
		redoxfs_check_nulls(fs, node, block + REDOXFS_HEADER_RELEASE_OFF,
				    off + REDOXFS_HEADER_RELEASE_OFF, REDOXFS_PTR_LEN, 1);
	return field_end(&f);
}

static int slot_node(struct redoxfs *fs, const struct ring *ring, unsigned i,
		     const uint8_t block[REDOXFS_BLOCK], struct rimg_node **ret)
{
	struct rimg_layer *l = fs->l;
	uint64_t off = fs->ring_off + (uint64_t)i * REDOXFS_BLOCK;
	bool in_use = (int)i == ring->chosen;
	const char *name = in_use ? "header" : arena_printf(&l->arena, "header[%u]", i);
	struct rimg_node *node = name ? layer_meta(l, l->root, name) : NULL;
	enum rimg_cause cause = in_use ? RIMG_CAUSE_CONTENT : RIMG_CAUSE_FREE_SPACE;

	if (!node || layer_claim(l, node, off, REDOXFS_BLOCK, "header", cause) < 0)
		return -RIMG_E_NOMEM;
	node->cause = cause;
	*ret = node;
	/* with a wrong hash it is still read as a header, so that a reader sees which field it is
	 */
	return ring->slot[i].state == SLOT_VALID || ring->slot[i].state == SLOT_HASH
		       ? header_fields(fs, node, block, off, in_use)
		       : 0;
}

/* Facts: docs/formats/redoxfs.md, "Ring". */
static void check_valid(struct redoxfs *fs, unsigned i, const struct slot *s,
			struct rimg_node *node)
{
	uint64_t off = fs->ring_off + (uint64_t)i * REDOXFS_BLOCK;

	if (s->head.generation % REDOXFS_RING != i)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-slot", node,
			      off + REDOXFS_HEADER_GENERATION_OFF, 8,
			      "expected generation %u modulo 256 in slot %u, found generation "
			      "%" PRIu64,
			      i, i, s->head.generation);
	else if (fs->head.generation - s->head.generation >= REDOXFS_RING)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-generation", node,
			      off + REDOXFS_HEADER_GENERATION_OFF, 8,
			      "expected one of the 256 generations up to %" PRIu64
			      ", found %" PRIu64,
			      fs->head.generation, s->head.generation);
}

static void check_slot(struct redoxfs *fs, unsigned i, const struct slot *s, struct rimg_node *node)
{
	uint64_t off = fs->ring_off + (uint64_t)i * REDOXFS_BLOCK;

	if (i == 0 && s->state != SLOT_VALID)
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.header-slot0", node, off,
			      REDOXFS_BLOCK,
			      "expected a valid header in slot 0, found none: a boot loader that "
			      "looks only there will not find the file system");
	switch (s->state) {
	case SLOT_ZERO: break;
	case SLOT_VALID: check_valid(fs, i, s, node); break;
	case SLOT_HASH:
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.header-hash", node, off,
			      REDOXFS_BLOCK,
			      "expected a header with a right hash in slot %u, found a wrong one "
			      "on generation %" PRIu64 "; generation %" PRIu64 " is used",
			      i, s->head.generation, fs->head.generation);
		break;
	case SLOT_VERSION:
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.header-version", node,
			      off + REDOXFS_HEADER_VERSION_OFF, 8,
			      "expected version %d in slot %u, found version %" PRIu64,
			      REDOXFS_VERSION, i, s->version);
		break;
	case SLOT_JUNK:
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.header-junk", node, off,
			      REDOXFS_BLOCK, "expected a header or zeros in slot %u, found neither",
			      i);
		break;
	case SLOT_UNREADABLE:
		layer_finding(
			fs->l, SEVERITY_ERROR, "redoxfs.block-unreadable", node, off, REDOXFS_BLOCK,
			"expected to read slot %u, found damage to what the volume is stored in",
			i);
		break;
	}
}

static int ring_slot(struct redoxfs *fs, struct ring *ring, struct rimg_node *zeros, unsigned i)
{
	uint64_t off = fs->ring_off + (uint64_t)i * REDOXFS_BLOCK;
	uint8_t block[REDOXFS_BLOCK] = { 0 };
	struct rimg_node *node = zeros;
	int rc = rimg_source_read(fs->l->src, off, block, sizeof(block), fs->err);

	if (rc < 0 && rc != -RIMG_E_BAD)
		return rc;
	ring->slot[i] = rc == 0 ? slot_parse(block) : (struct slot){ .state = SLOT_UNREADABLE };
	if (ring->slot[i].state == SLOT_ZERO)
		rc = layer_claim(fs->l, zeros, off, REDOXFS_BLOCK, "unused slot",
				 RIMG_CAUSE_PADDING);
	else
		rc = slot_node(fs, ring, i, block, &node);
	if (rc < 0)
		return rc;
	check_slot(fs, i, &ring->slot[i], node);
	return 0;
}

/* Whichever header is the newest counts, even one that an older file system left behind. */
static void check_uuids(struct redoxfs *fs, const struct ring *ring)
{
	unsigned n = 0, first = 0;

	for (unsigned i = 0; i < REDOXFS_RING; i++) {
		const struct slot *s = &ring->slot[i];

		if (s->state != SLOT_VALID ||
		    memcmp(s->head.uuid, fs->head.uuid, sizeof(fs->head.uuid)) == 0)
			continue;
		if (n++ == 0)
			first = i;
	}
	if (n > 0)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.header-uuid", NULL,
			      fs->head_off + REDOXFS_HEADER_UUID_OFF, sizeof(fs->head.uuid),
			      "expected headers of one file system in the ring, found %u with "
			      "another uuid than the newest, generation %" PRIu64
			      ", the first in slot %u",
			      n, fs->head.generation, first);
}

static int reserved_node(struct redoxfs *fs)
{
	struct rimg_node *node;

	if (fs->ring_off == 0)
		return 0;
	node = layer_meta(fs->l, fs->l->root, "reserved");
	return node ? layer_content_range(fs->l, node, 0, fs->ring_off) : -RIMG_E_NOMEM;
}

int redoxfs_ring_nodes(struct redoxfs *fs)
{
	auto_free struct ring *ring = calloc(1, sizeof(*ring));
	uint64_t end = (rimg_source_size(fs->l->src) - fs->ring_off) / REDOXFS_BLOCK;
	struct rimg_node *zeros;

	if (!ring)
		return error_nomem(fs->err);
	if (reserved_node(fs) < 0)
		return -RIMG_E_NOMEM;
	ring->chosen = (int)((fs->head_off - fs->ring_off) / REDOXFS_BLOCK);
	zeros = layer_meta(fs->l, fs->l->root, "ring");
	if (!zeros)
		return -RIMG_E_NOMEM;
	for (unsigned i = 0; i < REDOXFS_RING && i < end; i++) {
		int rc = ring_slot(fs, ring, zeros, i);

		if (rc < 0)
			return rc;
	}
	check_uuids(fs, ring);
	return 0;
}
