/* SPDX-License-Identifier: MIT */
#include "formats/initfs_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "formats/gaps.h"

/* An initfs image: header, bootstrap program, inodes, and the tree of files.
 *
 *     0       header of 44 (older: 42) bytes, zeros up to 4096
 *     4096    the bootstrap program, an ELF file, if there is one
 *     table   20 bytes an inode; inode 0 is the root directory
 *     ...     contents; a directory's content is a list of 8-byte entries: inode, name
 *             names
 *
 * Each piece begins on a page of its own with zeros behind it. All offsets count from byte 0. */

/* ---- recognising -------------------------------------------------------------------------- */

/* Is all of the header but its magic as an archiver writes it? */
static bool header_is_plausible(const struct rimg_probe *p)
{
	struct rd r = rd_init(p->head, p->head_len, 0);
	uint32_t table, ns;
	uint64_t size;
	uint16_t count, page;

	rd_seek(&r, INITFS_TABLE_OFF);
	table = rd_le32(&r);
	rd_skip(&r, 8);
	ns = rd_le32(&r);
	count = rd_le16(&r);
	rd_skip(&r, 8);
	size = rd_le64(&r);
	page = rd_le16(&r);
	return !r.failed && table >= INITFS_HEADER_LEN &&
	       num_in_range(table, (uint64_t)count * INITFS_INODE_LEN, p->size) && count > 0 &&
	       ns < 1000000000 && size == p->size && page == INITFS_PAGE;
}

static int probe(const struct rimg_probe *p)
{
	unsigned matching = 0;

	if (p->head_len < INITFS_MAGIC_LEN)
		return 0;
	for (size_t i = 0; i < INITFS_MAGIC_LEN; i++)
		matching += p->head[i] == (uint8_t)INITFS_MAGIC[i];
	if (matching == INITFS_MAGIC_LEN)
		return 90;
	/* a damaged magic before an otherwise perfect header: read on, and say so */
	return matching >= INITFS_MAGIC_LEN / 2 && header_is_plausible(p) ? 60 : 0;
}

/* ---- header ------------------------------------------------------------------------------- */

/* The older archivers wrote no page size: where it stands now, their header page is zero; and as
 * every table of theirs begins at 42 or later, one that begins before 44 is theirs too. */
static bool header_is_old(uint32_t table_off, uint16_t page_size)
{
	return page_size == 0 || (table_off >= INITFS_HEADER_OLD && table_off < INITFS_HEADER_LEN);
}

static void check_header(struct initfs *fs, bool old, uint64_t size_field, uint16_t page_size,
			 bool magic_ok)
{
	struct rimg_layer *l = fs->l;

	if (!magic_ok)
		layer_finding(l, SEVERITY_ERROR, "initfs.magic", NULL, 0, INITFS_MAGIC_LEN,
			      "expected \"" INITFS_MAGIC "\" as the first bytes, found others");
	if (old)
		layer_finding(l, SEVERITY_WARNING, "initfs.old-header", NULL, INITFS_PAGE_SIZE_OFF,
			      2,
			      "expected a page size of 4096, found the older header of 42 bytes "
			      "without one: today's bootstrap refuses this image");
	else if (page_size != INITFS_PAGE)
		layer_finding(l, SEVERITY_ERROR, "initfs.page-size", NULL, INITFS_PAGE_SIZE_OFF, 2,
			      "expected a page size of 4096, found %" PRIu16, page_size);
	if (size_field != fs->size)
		layer_finding(l, SEVERITY_ERROR, "initfs.size", NULL, INITFS_SIZE_OFF, 8,
			      "expected the image's length of %" PRIu64
			      " bytes in the header, found %" PRIu64,
			      fs->size, size_field);
	if (fs->size > UINT32_MAX)
		layer_finding(l, SEVERITY_ERROR, "initfs.too-large", NULL, 0, 0,
			      "expected less than 4 GiB, found %" PRIu64 " bytes", fs->size);
}

/* Facts: docs/formats/initfs.md, "Header". *ret_ok: false when there is nothing to go on with. */
static int read_header(struct initfs *fs, bool *ret_ok, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;
	uint8_t buf[INITFS_HEADER_LEN];
	struct field f;
	const uint8_t *magic;
	uint64_t size_field;
	uint16_t page_size;
	bool old;
	int rc;

	*ret_ok = false;
	if (fs->size < sizeof(buf)) {
		layer_finding(l, SEVERITY_ERROR, "initfs.truncated", NULL, 0, 0,
			      "expected a header of 44 bytes, found the end after %" PRIu64,
			      fs->size);
		return 0;
	}
	rc = layer_read(l, 0, buf, sizeof(buf), err);
	if (rc < 0)
		return rc;
	f = field_begin(l, l->root, buf, sizeof(buf), 0);
	magic = field_text(&f, "magic", INITFS_MAGIC_LEN, RIMG_CAUSE_CONTENT);
	fs->table_off = field_le32(&f, "table_offset", RIMG_CAUSE_PLACEMENT);
	field_time(&f, "creation");
	fs->count = field_le16(&f, "inodes", RIMG_CAUSE_CONTENT);
	fs->entry = field_hex64(&f, "bootstrap_entry", RIMG_CAUSE_PLACEMENT);
	size_field = field_le64(&f, "size", RIMG_CAUSE_PLACEMENT);
	page_size = (uint16_t)(buf[INITFS_PAGE_SIZE_OFF] | buf[INITFS_PAGE_SIZE_OFF + 1] << 8);
	old = header_is_old(fs->table_off, page_size);
	if (!old)
		field_le16(&f, "page_size", RIMG_CAUSE_CONTENT);
	rc = field_end(&f);
	if (rc == 0)
		rc = attr_add_bytes(l, l->root, "header", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
				    old ? "42 bytes" : "44 bytes", 8);
	if (rc == 0)
		rc = layer_claim(l, l->root, 0, old ? INITFS_HEADER_OLD : INITFS_HEADER_LEN,
				 "header", RIMG_CAUSE_CONTENT);
	if (rc < 0)
		return rc;
	check_header(fs, old, size_field, page_size,
		     magic && memcmp(magic, INITFS_MAGIC, INITFS_MAGIC_LEN) == 0);
	*ret_ok = true;
	return 0;
}

/* ---- inode table -------------------------------------------------------------------------- */

/* How many inodes of the table lie inside the image; findings tell about the others. */
static size_t usable_inodes(struct initfs *fs)
{
	struct rimg_layer *l = fs->l;
	uint64_t len = (uint64_t)fs->count * INITFS_INODE_LEN;
	uint64_t have;

	if (fs->table_off < INITFS_HEADER_OLD) {
		layer_finding(l, SEVERITY_ERROR, "initfs.table", NULL, INITFS_TABLE_OFF, 4,
			      "expected the inode table behind the header, found it at %" PRIu32,
			      fs->table_off);
		return 0;
	}
	if (num_in_range(fs->table_off, len, fs->size))
		return fs->count;
	have = fs->table_off < fs->size ? (fs->size - fs->table_off) / INITFS_INODE_LEN : 0;
	layer_finding(l, SEVERITY_ERROR, "initfs.table", NULL, INITFS_TABLE_OFF, 4,
		      "expected a table of %zu inodes at %" PRIu32
		      " inside the image, found the end after %" PRIu64 " of them",
		      fs->count, fs->table_off, have);
	return (size_t)have;
}

static int read_table(struct initfs *fs, struct rimg_error *err)
{
	uint8_t buf[INITFS_INODE_LEN * 256];
	size_t have = usable_inodes(fs);

	fs->inode = calloc(have + 1, sizeof(*fs->inode));
	fs->queue = calloc(have + 1, sizeof(*fs->queue));
	if (!fs->inode || !fs->queue)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < have;) {
		size_t n = (size_t)num_min(have - i, sizeof(buf) / INITFS_INODE_LEN);
		uint64_t off = fs->table_off + (uint64_t)i * INITFS_INODE_LEN;
		struct rd r = rd_init(buf, n * INITFS_INODE_LEN, off);
		int rc = layer_read(fs->l, off, buf, n * INITFS_INODE_LEN, err);

		if (rc < 0)
			return rc;
		for (; rd_left(&r) > 0; i++) {
			struct inode *ino = &fs->inode[i];

			ino->mode = rd_le32(&r);
			ino->len = rd_le32(&r);
			ino->off = rd_le32(&r);
			ino->uid = rd_le32(&r);
			ino->gid = rd_le32(&r);
		}
	}
	fs->have = have;
	return 0;
}

/* ---- what is not in the tree -------------------------------------------------------------- */

/* Inodes that no entry names belong to a node of their own. */
static int claim_unreached(struct initfs *fs)
{
	struct rimg_layer *l = fs->l;
	struct rimg_node *node = NULL;
	size_t n = 0, first = 0;

	for (size_t i = 0; i < fs->have; i++) {
		if (fs->inode[i].owner)
			continue;
		if (!node) {
			node = layer_meta(l, l->root, "inodes");
			first = i;
		}
		if (!node || layer_claim(l, node, fs->table_off + (uint64_t)i * INITFS_INODE_LEN,
					 INITFS_INODE_LEN, "inode", RIMG_CAUSE_CONTENT) < 0)
			return -RIMG_E_NOMEM;
		n++;
	}
	if (n > 0)
		layer_finding(l, SEVERITY_ERROR, "initfs.unreachable", node,
			      fs->table_off + (uint64_t)first * INITFS_INODE_LEN, INITFS_INODE_LEN,
			      "expected every inode in the tree, found %zu that no entry names, "
			      "the first is %zu",
			      n, first);
	return 0;
}

/* The entry address of the ELF file at 4096. Returns false when there is none. */
static bool elf_entry(const uint8_t head[64], uint64_t *ret)
{
	struct rd r = rd_init(head, 64, INITFS_BOOTSTRAP_OFF);
	uint8_t class;

	if (memcmp(head,
		   "\x7f"
		   "ELF",
		   4) != 0)
		return false;
	rd_seek(&r, 4);
	class = rd_u8(&r);
	r.big = rd_u8(&r) == 2;
	rd_seek(&r, 0x18);
	*ret = class == 2 ? rd_u64(&r) : rd_u32(&r);
	return class == 1 || class == 2;
}

static void bad_entry(struct initfs *fs, const char *expected)
{
	layer_finding(fs->l, SEVERITY_ERROR, "initfs.entry", NULL, INITFS_ENTRY_OFF, 8,
		      "expected %s, found bootstrap entry 0x%" PRIx64, expected, fs->entry);
}

/* Facts: docs/formats/initfs.md, "Bootstrap". */
static int read_bootstrap(struct initfs *fs, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;
	uint8_t head[64];
	struct rimg_node *node;
	uint64_t e_entry;
	int rc;

	if (fs->entry == INITFS_NO_BOOTSTRAP) {
		if (fs->table_off > INITFS_BOOTSTRAP_OFF)
			layer_finding(l, SEVERITY_WARNING, "initfs.entry", NULL, INITFS_ENTRY_OFF,
				      8,
				      "expected the inode table at 4096 as there is no bootstrap "
				      "program, found it at %" PRIu32,
				      fs->table_off);
		return 0;
	}
	if (fs->table_off <= INITFS_BOOTSTRAP_OFF) {
		bad_entry(fs, "a bootstrap program between 4096 and the inode table");
		return 0;
	}
	if (fs->entry < INITFS_LOAD_ADDRESS + INITFS_BOOTSTRAP_OFF ||
	    fs->entry - INITFS_LOAD_ADDRESS >= fs->size)
		bad_entry(fs, "an address from 0x2000 on inside the image");
	node = layer_meta(l, l->root, "bootstrap");
	if (!node)
		return -RIMG_E_NOMEM;
	rc = layer_content_range(l, node, INITFS_BOOTSTRAP_OFF,
				 fs->table_off - INITFS_BOOTSTRAP_OFF);
	if (rc == 0)
		rc = layer_read(l, INITFS_BOOTSTRAP_OFF, head, sizeof(head), err);
	if (rc < 0 && rc != -RIMG_E_TRUNCATED)
		return rc;
	if (rc < 0 || !elf_entry(head, &e_entry))
		bad_entry(fs, "an ELF program at 4096");
	else if (e_entry != fs->entry)
		bad_entry(fs, "the entry of the ELF program at 4096");
	return 0;
}

static int compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return (a->len > b->len) - (a->len < b->len);
}

static bool is_content(const struct claim *c)
{
	return c->content_off != NO_CONTENT;
}

/* Files that share bytes with anything are not looked into for nested formats: they could hold each
 * other without end. */
static int close_shared(struct initfs *fs)
{
	const struct rimg_layer *l = fs->l;
	auto_free struct claim *claims = calloc(l->n_claims + 1, sizeof(*claims));
	const struct claim *before = NULL;

	if (!claims)
		return -RIMG_E_NOMEM;
	memcpy(claims, l->claims, l->n_claims * sizeof(*claims));
	qsort(claims, l->n_claims, sizeof(*claims), compare_claims);
	for (size_t i = 0; i < l->n_claims; i++) {
		const struct claim *c = &claims[i];

		if (before && c->off < before->off + before->len) {
			c->node->opened |= is_content(c);
			before->node->opened |= is_content(before);
		}
		if (!before || c->off + c->len > before->off + before->len)
			before = c;
	}
	return 0;
}

/* The zeros behind each piece up to the next page are padding; so are whole pages of zeros. Other
 * bytes that nothing claims are left to be reported as gaps. */
static int claim_padding(struct initfs *fs, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;
	auto_free struct gap_run *gaps = NULL;
	struct rimg_node *padding = NULL;
	size_t n;
	int rc = gaps_list(l, &gaps, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		uint64_t to_page = -gaps[i].off & (INITFS_PAGE - 1);
		uint64_t slack = num_min(to_page, gaps[i].len);
		bool zero;

		rc = gaps_zero(l, gaps[i].off, gaps[i].len, &zero, err);
		if (rc < 0)
			break;
		if (!zero)
			layer_finding(l, SEVERITY_WARNING, "initfs.gap", NULL, gaps[i].off,
				      gaps[i].len,
				      "expected zeros between the pieces, found other bytes in the "
				      "%" PRIu64 " from here on",
				      gaps[i].len);
		if (zero || slack > 0)
			rc = gaps_pad(l, &padding, gaps[i].off, zero ? gaps[i].len : slack);
	}
	return rc;
}

static void done(struct initfs *fs)
{
	free(fs->inode);
	free(fs->queue);
}

/**
 * open_initfs - read the header, the inode table and the whole tree
 *
 * Offsets are bytes from the start of the image, times seconds + nanoseconds since 1970 UTC.
 * Facts: docs/formats/initfs.md.
 */
static int open_initfs(struct rimg_layer *l, struct rimg_error *err)
{
	auto_with(done) struct initfs fs = { .l = l, .size = rimg_source_size(l->src) };
	bool ok;
	int rc = read_header(&fs, &ok, err);

	if (rc < 0 || !ok) {
		l->unreadable = true;
		return rc;
	}
	rc = read_table(&fs, err);
	if (rc == 0)
		rc = initfs_read_tree(&fs, err);
	if (rc < 0 || l->unreadable)
		return rc;
	rc = read_bootstrap(&fs, err);
	if (rc == 0)
		rc = claim_unreached(&fs);
	if (rc == 0)
		rc = close_shared(&fs);
	return rc < 0 ? rc : claim_padding(&fs, err);
}

RIMG_FORMAT(initfs) = {
	.name = "initfs",
	.facts = "docs/formats/initfs.md",
	.probe = probe,
	.open = open_initfs,
	.check = initfs_check,
};
