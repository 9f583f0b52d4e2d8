/* SPDX-License-Identifier: MIT */
#include "formats/initfs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/format.h"
#include "core/num.h"
#include "core/str.h"
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

struct inode {
	uint32_t mode; /* type, reserved bits and permissions as stored */
	uint32_t len;
	uint32_t off;
	uint32_t uid;
	uint32_t gid;
	struct rimg_node *owner; /* the node that was reached first; NULL: none yet */
};

/* a directory whose entries are still to be read */
struct pending {
	struct rimg_node *node;
	uint16_t inode;
	uint32_t depth;
};

struct initfs {
	struct rimg_layer *l;
	uint64_t size; /* of the source */
	uint32_t table_off;
	uint64_t entry;
	size_t count;        /* inodes that the header names */
	struct inode *inode; /* the ones that lie inside the image: `have` of them */
	size_t have;
	struct pending *queue; /* room for every inode, as each directory is entered once */
	size_t queue_head, queue_tail;
	uint64_t entries_left; /* how many entries may still be read */
	uint8_t *name;         /* room for the longest name */
};

struct dirent {
	uint64_t off; /* of the entry itself */
	uint16_t inode;
	uint16_t name_len;
	uint32_t name_off;
};

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
	fs->name = malloc(INITFS_MAX_NAME);
	if (!fs->inode || !fs->queue || !fs->name)
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

static uint32_t inode_type(const struct inode *ino)
{
	return ino->mode >> INITFS_TYPE_SHIFT;
}

static enum rimg_role inode_role(const struct inode *ino)
{
	switch (inode_type(ino)) {
	case INITFS_TYPE_FILE: return RIMG_ROLE_FILE;
	case INITFS_TYPE_DIR: return RIMG_ROLE_DIR;
	case INITFS_TYPE_SYMLINK: return RIMG_ROLE_SYMLINK;
	default: return RIMG_ROLE_OTHER;
	}
}

/* ---- one inode ---------------------------------------------------------------------------- */

/* The attributes of an inode; @off: where it is stored, or NO_CONTENT when another node owns it. */
static int add_inode_attrs(struct initfs *fs, struct rimg_node *node, const struct inode *ino,
			   uint64_t off)
{
	static const struct {
		const char *key;
		enum attr_type type;
		enum rimg_cause cause;
		uint8_t pos, len;
	} fields[] = {
		{ "midbits", ATTR_HEX, RIMG_CAUSE_CONTENT, 0, 4 },
		{ "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, 0, 2 },
		{ "size", ATTR_U64, RIMG_CAUSE_CONTENT, 4, 4 },
		{ "offset", ATTR_U64, RIMG_CAUSE_PLACEMENT, 8, 4 },
		{ "uid", ATTR_U64, RIMG_CAUSE_CONTENT, 12, 4 },
		{ "gid", ATTR_U64, RIMG_CAUSE_CONTENT, 16, 4 },
	};
	const uint32_t values[] = { (ino->mode & INITFS_RESERVED_MASK) >> 12,
				    ino->mode & INITFS_MODE_MASK,
				    ino->len,
				    ino->off,
				    ino->uid,
				    ino->gid };

	for (size_t i = values[0] ? 0 : 1; i < ARRAY_LEN(fields); i++) {
		struct place place =
			off == NO_CONTENT ? PLACE_NONE : PLACE(off + fields[i].pos, fields[i].len);

		if (attr_add_u64(fs->l, node, fields[i].key, fields[i].type, fields[i].cause, place,
				 values[i]) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static int add_target(struct initfs *fs, struct rimg_node *node, const struct inode *ino,
		      struct rimg_error *err)
{
	uint64_t have = ino->off < fs->size ? fs->size - ino->off : 0;
	size_t len = (size_t)num_min(num_min(ino->len, have), fs->l->image->ctx->limits.attr_bytes);
	auto_free uint8_t *target = malloc(len + 1);
	int rc;

	if (!target)
		return -RIMG_E_NOMEM;
	rc = layer_read(fs->l, len > 0 ? ino->off : 0, target, len, err);
	if (rc < 0)
		return rc;
	return attr_add_bytes(fs->l, node, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      target, len);
}

static void check_inode(struct initfs *fs, struct rimg_node *node, const struct inode *ino,
			uint64_t off)
{
	if (inode_type(ino) > INITFS_TYPE_SYMLINK)
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.inode-type", node, off, 4,
			      "expected an inode of type 0, 1 or 2, found %" PRIu32,
			      inode_type(ino));
	if (ino->mode & INITFS_RESERVED_MASK)
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.inode-reserved", node, off, 4,
			      "expected zero in bits 12 to 27, found 0x%" PRIx32,
			      (ino->mode & INITFS_RESERVED_MASK) >> 12);
	if (ino->len > 0 && !num_in_range(ino->off, ino->len, fs->size))
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.content-range", node, off + 4, 8,
			      "expected %" PRIu32 " bytes of content at %" PRIu32
			      ", found the end of the image at %" PRIu64,
			      ino->len, ino->off, fs->size);
}

/* An entry that names an inode which another entry has named before. */
static int add_link(struct initfs *fs, struct rimg_node *node, const struct inode *ino,
		    struct rimg_error *err)
{
	struct rimg_node *owner = ino->owner;

	if (node->role == RIMG_ROLE_DIR) {
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.cycle", node, 0, 0,
			      "expected each directory once in the tree, found that this entry "
			      "leads to \"%s\" again",
			      owner->name);
		return add_inode_attrs(fs, node, ino, NO_CONTENT);
	}
	layer_finding(fs->l, SEVERITY_WARNING, "initfs.inode-shared", node, 0, 0,
		      "expected an inode of its own, found the one of \"%s\"", owner->name);
	node->link_to = owner;
	node->content = owner->content;
	node->damaged |= owner->damaged;
	if (node->role == RIMG_ROLE_SYMLINK) {
		int rc = add_target(fs, node, ino, err);

		if (rc < 0)
			return rc;
	}
	return add_inode_attrs(fs, node, ino, NO_CONTENT);
}

/**
 * attach_inode - decode one inode and attach it to the tree
 * @node:  the node that stands for it, whose role is set from the inode's type
 * @index: inode number, less than fs->have
 * @depth: directories above it
 *
 * Directories are queued. Facts: docs/formats/initfs.md, "Inode table".
 * Returns 0, -RIMG_E_NOMEM or what reading returned; a bad inode is a finding and returns 0.
 */
static int attach_inode(struct initfs *fs, struct rimg_node *node, uint16_t index, uint32_t depth,
			struct rimg_error *err)
{
	struct inode *ino = &fs->inode[index];
	uint64_t off = fs->table_off + (uint64_t)index * INITFS_INODE_LEN;
	int rc;

	if (ino->owner)
		return add_link(fs, node, ino, err);
	ino->owner = node;
	rc = layer_claim(fs->l, node, off, INITFS_INODE_LEN, "inode", RIMG_CAUSE_CONTENT);
	if (rc == 0)
		rc = add_inode_attrs(fs, node, ino, off);
	if (rc < 0)
		return rc;
	check_inode(fs, node, ino, off);
	if (node->role == RIMG_ROLE_DIR) {
		fs->queue[fs->queue_tail++] = (struct pending){ node, index, depth };
		return 0;
	}
	/* no bytes have no place, wherever the offset points */
	rc = layer_content_range(fs->l, node, ino->len > 0 ? ino->off : 0, ino->len);
	if (rc == 0 && node->role == RIMG_ROLE_SYMLINK)
		rc = add_target(fs, node, ino, err);
	return rc;
}

/* ---- directories -------------------------------------------------------------------------- */

static void check_name(struct initfs *fs, struct rimg_node *node, const struct dirent *e,
		       const uint8_t *name)
{
	if (memchr(name, '/', e->name_len) || memchr(name, '\0', e->name_len))
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.name-bytes", node, e->name_off,
			      e->name_len, "expected a name without \"/\" and NUL, found one");
}

/* The node of an entry, named; where there is no name to be read, by the entry's number. */
static int add_entry_node(struct initfs *fs, struct rimg_node *dir, const struct dirent *e,
			  uint64_t number, struct rimg_node **ret, struct rimg_error *err)
{
	bool inside = num_in_range(e->name_off, e->name_len, fs->size);
	enum rimg_role role =
		e->inode < fs->have ? inode_role(&fs->inode[e->inode]) : RIMG_ROLE_OTHER;
	char made_up[32];
	struct rimg_node *node;

	if (inside && e->name_len > 0) {
		int rc = layer_read(fs->l, e->name_off, fs->name, e->name_len, err);

		if (rc < 0)
			return rc;
		node = layer_node(fs->l, dir, role, fs->name, e->name_len);
		if (!node)
			return -RIMG_E_NOMEM;
		check_name(fs, node, e, fs->name);
		*ret = node;
		return layer_claim(fs->l, node, e->name_off, e->name_len, "name",
				   RIMG_CAUSE_CONTENT);
	}
	snprintf(made_up, sizeof(made_up), "?entry-%" PRIu64, number);
	node = layer_node(fs->l, dir, role, made_up, strlen(made_up));
	if (!node)
		return -RIMG_E_NOMEM;
	layer_finding(fs->l, SEVERITY_ERROR, inside ? "initfs.name-empty" : "initfs.name-range",
		      node, e->off, INITFS_DIRENT_LEN,
		      inside ? "expected a name, found one of length 0 (its offset is %" PRIu32 ")"
			     : "expected a name inside the image, found offset %" PRIu32,
		      e->name_off);
	*ret = node;
	return 0;
}

static int add_entry(struct initfs *fs, const struct pending *dir, const struct dirent *e,
		     uint64_t number, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;
	struct rimg_node *node;
	int rc = add_entry_node(fs, dir->node, e, number, &node, err);

	if (rc == 0)
		rc = layer_claim(l, node, e->off, INITFS_DIRENT_LEN, "dirent", RIMG_CAUSE_ORDERING);
	if (rc == 0)
		rc = attr_add_u64(l, node, "inode", ATTR_U64, RIMG_CAUSE_PLACEMENT,
				  PLACE(e->off, 2), e->inode);
	if (rc == 0)
		rc = attr_add_u64(l, node, "name_length", ATTR_U64, RIMG_CAUSE_CONTENT,
				  PLACE(e->off + 2, 2), e->name_len);
	if (rc == 0)
		rc = attr_add_u64(l, node, "name_offset", ATTR_U64, RIMG_CAUSE_PLACEMENT,
				  PLACE(e->off + 4, 4), e->name_off);
	if (rc < 0)
		return rc;
	if (e->inode < fs->have)
		return attach_inode(fs, node, e->inode, dir->depth + 1, err);
	layer_finding(l, SEVERITY_ERROR, "initfs.inode-range", node, e->off, 2,
		      "expected an inode below %zu, found %" PRIu16, fs->have, e->inode);
	return 0;
}

static int check_duplicates(struct initfs *fs, struct rimg_node *dir)
{
	struct rimg_node **list = node_by_name(dir);

	if (!list)
		return dir->n_children > 0 ? -RIMG_E_NOMEM : 0;
	for (uint32_t i = 1; i < dir->n_children; i++) {
		if (node_compare_names(list[i - 1], list[i]) == 0)
			layer_finding(fs->l, SEVERITY_ERROR, "initfs.name-duplicate", list[i], 0, 0,
				      "expected a name of its own in its directory, found \"%s\" "
				      "twice: readers see the first",
				      list[i]->name);
	}
	return 0;
}

/* How many whole entries of a directory may be read; findings tell why not all. */
static uint64_t usable_entries(struct initfs *fs, const struct pending *dir,
			       const struct inode *ino)
{
	uint64_t have = ino->off < fs->size ? num_min(fs->size - ino->off, ino->len) : 0;
	uint64_t n = have / INITFS_DIRENT_LEN;

	if (ino->len % INITFS_DIRENT_LEN)
		layer_finding(fs->l, SEVERITY_WARNING, "initfs.dir-remainder", dir->node,
			      ino->off + (ino->len & ~7U), ino->len % INITFS_DIRENT_LEN,
			      "expected a multiple of 8 bytes, found %" PRIu32, ino->len);
	if (dir->depth >= fs->l->image->ctx->limits.dir_depth) {
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.depth", dir->node, 0, 0,
			      "expected at most %" PRIu32 " directories inside each other",
			      fs->l->image->ctx->limits.dir_depth);
		return 0;
	}
	if (n > fs->entries_left) {
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.dir-overlap", dir->node, ino->off,
			      ino->len,
			      "expected no more entries than fit into the image, found "
			      "directories that share their bytes");
		return 0;
	}
	fs->entries_left -= n;
	return n;
}

static int read_directory(struct initfs *fs, const struct pending *dir, struct rimg_error *err)
{
	const struct inode *ino = &fs->inode[dir->inode];
	uint64_t n = usable_entries(fs, dir, ino);
	uint64_t used = n * INITFS_DIRENT_LEN;
	uint8_t buf[INITFS_DIRENT_LEN * 256];
	int rc;

	for (uint64_t i = 0; i < n;) {
		size_t len = (size_t)num_min((n - i) * INITFS_DIRENT_LEN, sizeof(buf));
		uint64_t off = ino->off + i * INITFS_DIRENT_LEN;
		struct rd r = rd_init(buf, len, off);

		rc = layer_read(fs->l, off, buf, len, err);
		for (; rc == 0 && rd_left(&r) > 0; i++) {
			struct dirent e = { .off = rd_where(&r) };

			e.inode = rd_le16(&r);
			e.name_len = rd_le16(&r);
			e.name_off = rd_le32(&r);
			rc = add_entry(fs, dir, &e, i, err);
		}
		if (rc < 0)
			return rc;
	}
	rc = layer_claim(fs->l, dir->node, ino->off + used, ino->len - used, "entries",
			 RIMG_CAUSE_CONTENT);
	return rc < 0 ? rc : check_duplicates(fs, dir->node);
}

static int read_tree(struct initfs *fs, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;

	if (fs->have == 0 || inode_type(&fs->inode[0]) != INITFS_TYPE_DIR) {
		layer_finding(l, SEVERITY_ERROR, "initfs.root", NULL, fs->table_off,
			      fs->have ? INITFS_INODE_LEN : 0,
			      "expected inode 0 to be a directory, found %s",
			      fs->have ? "another type" : "no inode");
		l->unreadable = true;
		return 0;
	}
	l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "/", 1);
	if (!l->top)
		return -RIMG_E_NOMEM;
	if (attr_add_u64(l, l->top, "inode", ATTR_U64, RIMG_CAUSE_PLACEMENT, PLACE_NONE, 0) < 0 ||
	    attach_inode(fs, l->top, 0, 0, err) < 0)
		return -RIMG_E_NOMEM;
	/* each entry takes 8 bytes, so that more than this can only be read twice over */
	fs->entries_left = fs->size / INITFS_DIRENT_LEN;
	while (fs->queue_head < fs->queue_tail) {
		int rc = read_directory(fs, &fs->queue[fs->queue_head++], err);

		if (rc < 0)
			return rc;
	}
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
	free(fs->name);
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
		rc = read_tree(&fs, err);
	if (rc < 0 || l->unreadable)
		return rc;
	rc = read_bootstrap(&fs, err);
	if (rc == 0)
		rc = claim_unreached(&fs);
	return rc < 0 ? rc : claim_padding(&fs, err);
}

/* ---- checking ----------------------------------------------------------------------------- */

/* Names of one directory; its subdirectories are looked at when the walk comes to them. */
static void check_names(struct rimg_layer *l, struct rimg_node *dir)
{
	rimg_for_each_child(node, dir) {
		if (!str_is_utf8(node->name, node->name_len))
			layer_finding(l, SEVERITY_WARNING, "initfs.name-utf8", node, 0, 0,
				      "expected a name in UTF-8, found other bytes: its directory "
				      "cannot be listed at run time");
	}
}

/* The node after @node in the tree below @top, parents first; NULL at the end. */
static struct rimg_node *next_in_tree(const struct rimg_node *top, struct rimg_node *node)
{
	if (node->first_child)
		return node->first_child;
	while (node != top && !node->next)
		node = node->parent;
	return node == top ? NULL : node->next;
}

/* What the bootstrap program starts: bin/init, not through a link in the middle of the path. */
static void check_init(struct rimg_layer *l)
{
	struct rimg_node *bin = node_find(l->top, "bin", 3);
	struct rimg_node *init =
		bin && bin->role == RIMG_ROLE_DIR ? node_find(bin, "init", 4) : NULL;

	if (!init || (init->role != RIMG_ROLE_FILE && init->role != RIMG_ROLE_SYMLINK))
		layer_finding(l, SEVERITY_WARNING, "initfs.init-missing", l->top, 0, 0,
			      "expected a program /bin/init for the bootstrap to start, found %s",
			      init ? "something that is not a file" : "none");
	else if (init->role == RIMG_ROLE_FILE && !(node_attr_u64(init, "mode", 0) & 0111))
		layer_finding(l, SEVERITY_WARNING, "initfs.init-mode", init, 0, 0,
			      "expected an executable mode, found %04" PRIo64,
			      node_attr_u64(init, "mode", 0));
}

static int check_initfs(struct rimg_layer *l, struct rimg_error *err)
{
	(void)err;
	if (l->top == l->root)
		return 0;
	for (struct rimg_node *node = l->top; node; node = next_in_tree(l->top, node))
		check_names(l, node);
	check_init(l);
	return 0;
}

RIMG_FORMAT(initfs) = {
	.name = "initfs",
	.facts = "docs/formats/initfs.md",
	.probe = probe,
	.open = open_initfs,
	.check = check_initfs,
};
