/* SPDX-License-Identifier: MIT */
#include "formats/pkgar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"

/* A package of Redox: files and symbolic links, signed.
 *
 *     0       header of 136 bytes: signature, public key, BLAKE3 of the table, count, flags
 *     136     the table, 308 bytes an entry: BLAKE3 of the contents, where they are, mode, path
 *     ...     contents: as they are, or each as a length and an LZMA2 stream
 *
 * The signature covers the header, whose hash covers the table, whose hashes cover the contents. */

#define CHUNK ((size_t)8 << 10)

struct header {
	uint8_t signature[ED25519_SIGNATURE_LEN];
	uint8_t key[ED25519_KEY_LEN];
	uint8_t table_hash[BLAKE3_LEN];
	uint32_t count;
	uint8_t version, arch, packaging, reserved;
};

static const char *arch_name(uint8_t arch)
{
	switch (arch) {
	case 0: return "independent";
	case 1: return "x86_64";
	case 2: return "x86";
	case 3: return "aarch64";
	case 4: return "riscv64";
	case 17: return "x86_64-v3";
	case 19: return "aarch64-v8.2";
	default: return NULL;
	}
}

static const char *packaging_name(uint8_t packaging)
{
	switch (packaging) {
	case PKGAR_PLAIN: return "plain";
	case PKGAR_LZMA2: return "lzma2";
	default: return NULL;
	}
}

static uint64_t table_len(uint32_t count)
{
	return (uint64_t)count * PKGAR_ENTRY_LEN;
}

/* ---- recognising -------------------------------------------------------------------------- */

/* Facts: docs/formats/pkgar.md, "Header". */
static struct header parse_header(const uint8_t *raw)
{
	struct rd r = rd_init(raw, PKGAR_HEADER_LEN, 0);
	struct header h;

	rd_copy(&r, h.signature, sizeof(h.signature));
	rd_copy(&r, h.key, sizeof(h.key));
	rd_copy(&r, h.table_hash, sizeof(h.table_hash));
	h.count = rd_le32(&r);
	h.version = rd_u8(&r);
	h.arch = rd_u8(&r);
	h.packaging = rd_u8(&r);
	h.reserved = rd_u8(&r);
	return h;
}

static bool flags_are_known(const struct header *h)
{
	return h->version == PKGAR_VERSION && arch_name(h->arch) && packaging_name(h->packaging) &&
	       h->reserved == 0;
}

/* Is there what looks like an entry behind the header: a mode, a path, and NULs up to its end? */
static bool has_entry(const struct rimg_probe *p)
{
	struct rd r = rd_init(p->head, p->head_len, 0);
	const uint8_t *path;
	uint32_t mode;
	size_t len;

	rd_seek(&r, PKGAR_HEADER_LEN + PKGAR_MODE_OFF);
	mode = rd_le32(&r);
	path = rd_bytes(&r, PKGAR_PATH_LEN);
	if (!path || !pkgar_mode_is_valid(mode))
		return false;
	len = strnlen((const char *)path, PKGAR_PATH_LEN);
	for (size_t i = len; i < PKGAR_PATH_LEN; i++)
		if (path[i] != 0)
			return false;
	return len > 0 && len < PKGAR_PATH_LEN;
}

/* Costs about as much as reading a megabyte. */
static bool is_signed(const struct rimg_probe *p, const struct header *h)
{
	bool ok;

	return ed25519_verify(h->key, h->signature, p->head + PKGAR_SIGNED_OFF,
			      PKGAR_HEADER_LEN - PKGAR_SIGNED_OFF, &ok, NULL) == 0 &&
	       ok;
}

static bool table_hash_is_right(const struct rimg_probe *p, const struct header *h)
{
	uint64_t end = PKGAR_HEADER_LEN + table_len(h->count);
	uint8_t buf[CHUNK], hash[BLAKE3_LEN];
	struct blake3 b;

	blake3_init(&b);
	for (uint64_t off = PKGAR_HEADER_LEN; off < end;) {
		size_t n = (size_t)num_min(end - off, sizeof(buf));

		if (!probe_read(p, off, buf, n))
			return false;
		blake3_update(&b, buf, n);
		off += n;
	}
	blake3_final(&b, hash);
	return memcmp(hash, h->table_hash, sizeof(hash)) == 0;
}

/* There is no magic number. What looks like an entry, or else a right signature, lets one look; a
 * table with the hash that the header says is proof. What is dear is asked last: large files of all
 * kinds come by here. */
static int probe(const struct rimg_probe *p)
{
	struct header h;
	bool known, inside;

	if (p->head_len < PKGAR_HEADER_LEN)
		return 0;
	h = parse_header(p->head);
	known = flags_are_known(&h);
	if (h.count == 0)
		return known && table_hash_is_right(p, &h) ? 85 : 0;
	inside = num_in_range(PKGAR_HEADER_LEN, table_len(h.count), p->size);
	if (!(inside && has_entry(p)) && !(known && is_signed(p, &h)))
		return 0;
	if (inside && table_hash_is_right(p, &h))
		return 85;
	return known ? 60 : 0;
}

/* ---- header ------------------------------------------------------------------------------- */

static int add_name(struct pkgar *p, const char *key, enum rimg_cause cause, const char *name)
{
	name = name ? name : "unknown";
	return attr_add_bytes(p->l, p->l->root, key, ATTR_TEXT, cause, PLACE_NONE, name,
			      strlen(name));
}

static void check_flags(struct pkgar *p, const struct header *h)
{
	struct rimg_layer *l = p->l;

	if (h->version != PKGAR_VERSION) {
		layer_finding(l, SEVERITY_ERROR, "pkgar.version", NULL, PKGAR_VERSION_OFF, 1,
			      "expected version 0, found version %u, which is not supported",
			      h->version);
		l->unreadable = true;
	}
	if (!arch_name(h->arch))
		layer_finding(l, SEVERITY_WARNING, "pkgar.architecture", NULL, PKGAR_ARCH_OFF, 1,
			      "expected the number of an architecture, found %u", h->arch);
	if (!packaging_name(h->packaging))
		layer_finding(l, SEVERITY_ERROR, "pkgar.packaging", NULL, PKGAR_PACKAGING_OFF, 1,
			      "expected packaging 0 (plain) or 1 (LZMA2), found %u: no contents "
			      "can be read",
			      h->packaging);
	if (h->reserved != 0)
		layer_finding(l, SEVERITY_WARNING, "pkgar.reserved", NULL, PKGAR_RESERVED_OFF, 1,
			      "expected zero in bits 24 to 31 of the flags, found 0x%02x",
			      h->reserved);
}

static int check_signature(struct pkgar *p, const uint8_t raw[PKGAR_HEADER_LEN],
			   const struct header *h, struct rimg_error *err)
{
	bool ok;
	int rc = ed25519_verify(h->key, h->signature, raw + PKGAR_SIGNED_OFF,
				PKGAR_HEADER_LEN - PKGAR_SIGNED_OFF, &ok, err);

	if (rc == 0 && !ok)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.signature", NULL, 0,
			      ED25519_SIGNATURE_LEN,
			      "expected a signature of the header under the key that it names, "
			      "found that it is not one");
	return rc;
}

static int read_header(struct pkgar *p, uint8_t ret_hash[BLAKE3_LEN], struct rimg_error *err)
{
	struct rimg_layer *l = p->l;
	uint8_t raw[PKGAR_HEADER_LEN];
	struct header h;
	struct field f;
	int rc = layer_read(l, 0, raw, sizeof(raw), err);

	if (rc < 0)
		return rc;
	h = parse_header(raw);
	f = field_begin(l, l->root, raw, sizeof(raw), 0);
	/* clang-format off */
	field_bytes(&f, "signature", ED25519_SIGNATURE_LEN, RIMG_CAUSE_CHECKSUM);
	field_bytes(&f, "public_key", ED25519_KEY_LEN, RIMG_CAUSE_IDENTIFIER);
	field_bytes(&f, "table_blake3", BLAKE3_LEN, RIMG_CAUSE_CHECKSUM);
	field_le32(&f, "count",      RIMG_CAUSE_CONTENT);
	field_u8(&f, "version",      RIMG_CAUSE_CONTENT);
	field_u8(&f, "architecture", RIMG_CAUSE_CONTENT);
	field_u8(&f, "packaging",    RIMG_CAUSE_COMPRESSION);
	field_hex8(&f, "reserved",   RIMG_CAUSE_PADDING);
	/* clang-format on */
	rc = field_end(&f);
	if (rc == 0)
		rc = add_name(p, "architecture_name", RIMG_CAUSE_CONTENT, arch_name(h.arch));
	if (rc == 0)
		rc = add_name(p, "packaging_name", RIMG_CAUSE_COMPRESSION,
			      packaging_name(h.packaging));
	if (rc == 0)
		rc = layer_claim(l, l->root, 0, sizeof(raw), "header", RIMG_CAUSE_CONTENT);
	if (rc < 0)
		return rc;
	check_flags(p, &h);
	p->count = h.count;
	p->packaging = h.packaging;
	p->data_off = PKGAR_HEADER_LEN + table_len(h.count);
	memcpy(ret_hash, h.table_hash, BLAKE3_LEN);
	return check_signature(p, raw, &h, err);
}

/* ---- table -------------------------------------------------------------------------------- */

/* How many entries are there and may be read. */
static size_t usable_entries(struct pkgar *p)
{
	uint64_t max = p->l->image->ctx->limits.analysis_bytes;
	uint64_t n = num_min((p->size - PKGAR_HEADER_LEN) / PKGAR_ENTRY_LEN, p->count);

	if (n < p->count)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.truncated", NULL, PKGAR_COUNT_OFF, 4,
			      "expected a table of %" PRIu32
			      " entries, found the end of the archive after %" PRIu64,
			      p->count, n);
	if (n <= max / PKGAR_ENTRY_LEN)
		return (size_t)n;
	layer_finding(p->l, SEVERITY_ERROR, "pkgar.limit", NULL, PKGAR_COUNT_OFF, 4,
		      "expected a table of at most %" PRIu64
		      " bytes, found %" PRIu64 LIMIT_MORE("content"),
		      max, table_len((uint32_t)n));
	p->l->unreadable = true;
	return 0;
}

static int read_bytes(struct pkgar *p, uint8_t *table, uint64_t len, struct rimg_error *err)
{
	for (uint64_t off = 0; off < len;) {
		size_t n = (size_t)num_min(len - off, 1 << 20);
		int rc = layer_read(p->l, PKGAR_HEADER_LEN + off, table + off, n, err);

		if (rc < 0)
			return rc;
		off += n;
	}
	return 0;
}

static void check_table(struct pkgar *p, const uint8_t *table, const uint8_t expected[BLAKE3_LEN])
{
	uint8_t hash[BLAKE3_LEN];

	p->untrusted = p->n < p->count; /* said already */
	if (p->untrusted)
		return;
	blake3_bytes(table, (size_t)table_len(p->count), hash);
	p->untrusted = memcmp(hash, expected, sizeof(hash)) != 0;
	if (p->untrusted)
		layer_finding(p->l, SEVERITY_ERROR, "pkgar.table-hash", NULL, PKGAR_HEADER_LEN,
			      table_len(p->count),
			      "expected a table with the BLAKE3 hash that the header says, found "
			      "another: nothing that it says of the contents can be trusted");
}

/* Facts: docs/formats/pkgar.md, "Entry". */
static void parse_entry(struct pkgar_entry *e, struct rd *r)
{
	static const uint8_t none[PKGAR_PATH_LEN];
	const uint8_t *path;

	e->at = rd_where(r);
	rd_copy(r, e->hash, sizeof(e->hash));
	e->offset_field = rd_le64(r);
	e->stored_field = rd_le64(r);
	e->mode = rd_le32(r);
	path = rd_bytes(r, PKGAR_PATH_LEN);
	e->path = path ? path : none;
	e->path_len = (uint16_t)strnlen((const char *)e->path, PKGAR_PATH_LEN);
}

/* What an entry says, and the claim on it. Its length field counts as its size where it is plain.
 */
static int describe_entry(struct pkgar *p, const struct pkgar_entry *e)
{
	struct rimg_layer *l = p->l;
	bool valid = pkgar_mode_is_valid(e->mode);
	enum rimg_cause stored =
		p->packaging == PKGAR_LZMA2 ? RIMG_CAUSE_COMPRESSION : RIMG_CAUSE_CONTENT;
	int rc = layer_claim(l, e->node, e->at, PKGAR_ENTRY_LEN, "entry", RIMG_CAUSE_ORDERING);

	e->node->damaged |= p->untrusted;
	if (rc == 0)
		rc = attr_add_bytes(l, e->node, "blake3", ATTR_BYTES, RIMG_CAUSE_CHECKSUM,
				    PLACE(e->at, BLAKE3_LEN), e->hash, sizeof(e->hash));
	if (rc == 0)
		rc = attr_add_u64(l, e->node, "offset", ATTR_U64, RIMG_CAUSE_PLACEMENT,
				  PLACE(e->at + PKGAR_OFFSET_OFF, 8), e->offset_field);
	if (rc == 0)
		rc = attr_add_u64(l, e->node, "stored_size", ATTR_U64, stored,
				  PLACE(e->at + PKGAR_STORED_OFF, 8), e->stored_field);
	if (rc == 0)
		rc = attr_add_u64(l, e->node, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT,
				  PLACE(e->at + PKGAR_MODE_OFF, 4),
				  valid ? e->mode & PKGAR_PERM : e->mode);
	if (rc == 0 && !valid)
		layer_finding(l, SEVERITY_ERROR, "pkgar.mode", e->node, e->at + PKGAR_MODE_OFF, 4,
			      "expected the mode of a file (0100000) or of a symbolic link "
			      "(0120000), found 0%" PRIo32,
			      e->mode);
	return rc;
}

static int read_entries(struct pkgar *p, const uint8_t *table, struct rimg_error *err)
{
	struct rd r = rd_init(table, p->n * PKGAR_ENTRY_LEN, PKGAR_HEADER_LEN);
	int rc;

	p->entries = arena_array(&p->l->arena, p->n + 1, sizeof(*p->entries));
	if (!p->entries)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < p->n; i++)
		parse_entry(&p->entries[i], &r);
	rc = pkgar_make_tree(p, err);
	if (rc == 0)
		rc = pkgar_place(p);
	for (size_t i = 0; i < p->n && rc == 0; i++) {
		rc = describe_entry(p, &p->entries[i]);
		if (rc == 0)
			rc = pkgar_add_content(p, &p->entries[i], err);
	}
	/* they lie in the table, which goes now */
	for (size_t i = 0; i < p->n; i++)
		p->entries[i].path = NULL;
	return rc;
}

/**
 * open_pkgar - read the header and the whole table
 *
 * Offsets are bytes from the start of the archive, but those in the table from its end.
 * Facts: docs/formats/pkgar.md.
 */
static int open_pkgar(struct rimg_layer *l, struct rimg_error *err)
{
	struct pkgar *p = arena_alloc(&l->arena, sizeof(*p));
	auto_free uint8_t *table = NULL;
	uint8_t hash[BLAKE3_LEN];
	int rc;

	if (!p)
		return -RIMG_E_NOMEM;
	l->priv = p;
	p->l = l;
	p->size = rimg_source_size(l->src);
	rc = read_header(p, hash, err);
	if (rc < 0 || l->unreadable)
		return rc;
	p->n = usable_entries(p);
	if (l->unreadable)
		return 0;
	table = malloc(p->n * PKGAR_ENTRY_LEN + 1);
	if (!table)
		return -RIMG_E_NOMEM;
	rc = read_bytes(p, table, table_len((uint32_t)p->n), err);
	if (rc < 0)
		return rc;
	check_table(p, table, hash);
	return read_entries(p, table, err);
}

RIMG_FORMAT(pkgar) = {
	.name = "pkgar",
	.facts = "docs/formats/pkgar.md",
	.probe = probe,
	.open = open_pkgar,
	.check = pkgar_check,
	.reads_contents = true,
};
