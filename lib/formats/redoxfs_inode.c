/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "core/limits.h"
#include "core/num.h"
#include "formats/redoxfs_read.h"

/* An inode (upstream calls it Node) is one block:
 *
 *     0       mode, owner, links, size, times, record level, flags
 *     74      zeros
 *     128     inline contents, or 248 pointers to records and lists of pointers; a directory has
 *             two: what kind of block its first one is, and that block */

struct fields {
	unsigned mode;
	uint32_t links;
	uint64_t size;
	uint64_t blocks;
	uint32_t level;
	uint32_t flags;
};

enum rimg_role redoxfs_role(unsigned type)
{
	switch (type) {
	case REDOXFS_TYPE_DIR: return RIMG_ROLE_DIR;
	case REDOXFS_TYPE_FILE: return RIMG_ROLE_FILE;
	case REDOXFS_TYPE_SYMLINK: return RIMG_ROLE_SYMLINK;
	case REDOXFS_TYPE_SOCKET: return RIMG_ROLE_SOCKET;
	default: return RIMG_ROLE_OTHER;
	}
}

int redoxfs_inode_load(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
		       uint8_t buf[REDOXFS_BLOCK])
{
	struct redoxfs_ref ref = { .ptr = ino->ptr,
				   .place = ino->place,
				   .node = node,
				   .what = "inode",
				   .doubtful = ino->doubtful };
	struct rd r = rd_init(buf, REDOXFS_BLOCK, 0);
	int rc = redoxfs_block(fs, &ref, buf);

	if (rc <= 0)
		return rc;
	ino->doubtful = rc == BLOCK_DOUBTFUL;
	ino->type = (uint8_t)(rd_le16(&r) >> REDOXFS_TYPE_SHIFT);
	rd_seek(&r, REDOXFS_INODE_LINKS_OFF);
	ino->links = rd_le32(&r);
	return 1;
}

/* ---- fields -------------------------------------------------------------------------------- */

/* Type and permissions share two bytes. The role of the node tells the type, unless it is one that
 * has no role of its own. */
static void field_mode(struct field *f, unsigned *ret)
{
	struct place place = PLACE(rd_where(&f->rd), 2);
	unsigned mode = rd_le16(&f->rd), type = mode >> REDOXFS_TYPE_SHIFT;

	*ret = mode;
	if (attr_add_u64(f->layer, f->node, "mode", ATTR_OCTAL, RIMG_CAUSE_CONTENT, place,
			 mode & REDOXFS_MODE_MASK) < 0 ||
	    (redoxfs_role(type) == RIMG_ROLE_OTHER &&
	     attr_add_u64(f->layer, f->node, "type", ATTR_HEX, RIMG_CAUSE_CONTENT, PLACE_NONE,
			  type) < 0))
		f->nomem = true;
}

/* Facts: docs/formats/redoxfs.md, "Inode". */
static int read_fields(struct redoxfs *fs, struct rimg_node *node, const uint8_t *buf, uint64_t off,
		       struct fields *ret)
{
	struct field f = field_begin(fs->l, node, buf, REDOXFS_INODE_DATA_OFF, off);

	field_mode(&f, &ret->mode);
	/* clang-format off */
	field_le32(&f, "uid", RIMG_CAUSE_CONTENT);
	field_le32(&f, "gid", RIMG_CAUSE_CONTENT);
	ret->links  = field_le32 (&f, "links",        RIMG_CAUSE_CONTENT);
	ret->size   = field_le64 (&f, "size",         RIMG_CAUSE_CONTENT);
	ret->blocks = field_le64 (&f, "blocks",       RIMG_CAUSE_PLACEMENT);
	field_time(&f, "ctime");
	field_time(&f, "mtime");
	field_time(&f, "atime");
	ret->level  = field_le32 (&f, "record level", RIMG_CAUSE_PLACEMENT);
	ret->flags  = field_hex32(&f, "flags",        RIMG_CAUSE_PLACEMENT);
	/* clang-format on */
	field_zero(&f, "padding", REDOXFS_INODE_ZERO_LEN, "redoxfs.padding");
	if (attr_add_u64(fs->l, node, "inline", ATTR_BOOL, RIMG_CAUSE_PLACEMENT, PLACE_NONE,
			 ret->flags & REDOXFS_FLAG_INLINE) < 0)
		return -RIMG_E_NOMEM;
	return field_end(&f);
}

/* Types that other systems give to FIFOs and devices are stored by upstream when asked; the others
 * mean nothing at all, and then false is returned. */
static bool check_type(struct redoxfs *fs, struct rimg_node *node, uint64_t off, unsigned type)
{
	static const uint16_t known = 1U << REDOXFS_TYPE_DIR | 1U << REDOXFS_TYPE_FILE |
				      1U << REDOXFS_TYPE_SYMLINK | 1U << REDOXFS_TYPE_SOCKET;
	static const uint16_t elsewhere = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 6;

	if (known >> type & 1)
		return true;
	layer_finding(
		fs->l, elsewhere >> type & 1 ? SEVERITY_WARNING : SEVERITY_ERROR,
		"redoxfs.inode-type", node, off, 2,
		"expected a directory (4), file (8), symlink (a) or socket (c), found type %x",
		type);
	return elsewhere >> type & 1;
}

static void check_level(struct redoxfs *fs, struct rimg_node *node, uint64_t off, unsigned type,
			uint32_t level)
{
	uint32_t expected = type == REDOXFS_TYPE_FILE ? REDOXFS_FILE_LEVEL : 0;

	if (level != expected)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.inode-level", node,
			      off + REDOXFS_INODE_LEVEL_OFF, 4,
			      "expected record level %" PRIu32 " for its type, found %" PRIu32,
			      expected, level);
}

/* ---- directories --------------------------------------------------------------------------- */

static bool is_marker(struct redoxfs_ptr p)
{
	return (p.addr | REDOXFS_PTR_LEVEL_MASK) == UINT64_MAX && p.hash == UINT64_MAX;
}

/* The two pointers of a directory. false: they make no sense. */
static bool dir_root(struct redoxfs *fs, struct redoxfs_dir *dir, const uint8_t *buf)
{
	struct rd r = rd_init(buf, REDOXFS_BLOCK, dir->inode_off);
	uint64_t place;
	struct redoxfs_ptr marker;
	bool empty;

	rd_seek(&r, REDOXFS_INODE_DATA_OFF);
	place = rd_where(&r);
	marker = redoxfs_ptr_read(&r);
	dir->root.place = rd_where(&r);
	dir->root.ptr = redoxfs_ptr_read(&r);
	empty = redoxfs_ptr_null(dir->root.ptr);
	dir->levels = redoxfs_ptr_level(marker);
	if (empty ? redoxfs_ptr_null(marker) : is_marker(marker))
		return true;
	fs->incomplete = true;
	if (!dir->root.doubtful)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.dir-root", dir->node, place,
			      2 * REDOXFS_PTR_LEN,
			      "expected %s, found marker 0x%016" PRIx64 " with block %" PRIu64,
			      empty ? "no marker without a first block"
				    : "a marker before the first block",
			      marker.addr, redoxfs_ptr_index(dir->root.ptr));
	return false;
}

/* Nothing but the two pointers of a directory may be set. */
static void check_dir_rest(struct redoxfs *fs, const struct redoxfs_dir *dir, const uint8_t *buf)
{
	size_t from = REDOXFS_INODE_DATA_OFF + 2 * REDOXFS_PTR_LEN;

	for (size_t i = from; i < REDOXFS_BLOCK && !dir->root.doubtful; i++) {
		if (buf[i] == 0)
			continue;
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.padding", dir->node,
			      dir->inode_off + i, 1,
			      "expected zeros behind the two pointers of a directory, found 0x%02x",
			      buf[i]);
		return;
	}
}

static int queue_dir(struct redoxfs *fs, const struct redoxfs_dir *dir)
{
	struct redoxfs_dir *p = vec_grow(fs->dirs, &fs->cap_dirs, fs->n_dirs, sizeof(*p));

	if (!p)
		return -RIMG_E_NOMEM;
	fs->dirs = p;
	p[fs->n_dirs++] = *dir;
	return 0;
}

static int attach_dir(struct redoxfs *fs, const struct redoxfs_inode *ino, struct rimg_node *node,
		      const uint8_t *buf, const struct fields *fields, uint32_t depth)
{
	uint64_t off = redoxfs_off(fs, redoxfs_ptr_index(ino->ptr));
	struct redoxfs_dir dir = { .node = node,
				   .depth = depth,
				   .inode_off = off,
				   .size = fields->size,
				   .blocks = fields->blocks,
				   .root = { .node = node, .doubtful = ino->doubtful } };

	if (layer_claim(fs->l, node, off, REDOXFS_BLOCK, "inode", RIMG_CAUSE_PLACEMENT) < 0 ||
	    redoxfs_raw_pointers(fs, node, "record addresses", "record hashes",
				 off + REDOXFS_INODE_DATA_OFF, REDOXFS_PTR_LEN,
				 REDOXFS_INODE_POINTERS) < 0)
		return -RIMG_E_NOMEM;
	if (fields->flags & REDOXFS_FLAG_INLINE) {
		fs->incomplete = true;
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.dir-inline", node,
			      off + REDOXFS_INODE_FLAGS_OFF, 4,
			      "expected a directory with pointers, found inline contents");
		return 0;
	}
	if (!dir_root(fs, &dir, buf))
		return 0;
	check_dir_rest(fs, &dir, buf);
	if (!ino->doubtful)
		redoxfs_check_nulls(fs, node, buf + REDOXFS_INODE_DATA_OFF,
				    off + REDOXFS_INODE_DATA_OFF, REDOXFS_PTR_LEN, 2);
	if (depth > fs->l->image->ctx->limits.dir_depth) {
		fs->incomplete = true;
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.dir-depth", node, off, REDOXFS_BLOCK,
			      "expected at most %" PRIu32
			      " directories inside each other, found more; not read" LIMIT_MORE(
				      "dir-depth"),
			      fs->l->image->ctx->limits.dir_depth);
		return 0;
	}
	return queue_dir(fs, &dir);
}

/* ---- all else ------------------------------------------------------------------------------ */

/* What a symlink leads to, if it is short enough for an attribute. */
static int add_target(struct redoxfs *fs, struct rimg_node *node)
{
	struct rimg_layer *l = fs->l;
	uint64_t size = rimg_source_size(node->content);
	struct rimg_error why;
	struct rimg_attr *a;
	uint8_t *text;
	int rc;

	if (size > l->image->ctx->limits.attr_bytes || size > l->budget)
		return 0;
	l->budget -= size;
	text = arena_alloc(&l->arena, (size_t)size + 1);
	if (!text)
		return -RIMG_E_NOMEM;
	rc = rimg_source_read(node->content, 0, text, (size_t)size, &why);
	if (rc == -RIMG_E_BAD || rc == -RIMG_E_TRUNCATED) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.symlink-unreadable", node, 0, 0,
			      "expected to read what the symlink leads to, found: %s", why.text);
		return 0;
	}
	if (rc < 0) {
		if (fs->err)
			*fs->err = why;
		return rc;
	}
	a = attr_add(l, node, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE);
	if (!a)
		return -RIMG_E_NOMEM;
	a->bytes.data = text;
	a->bytes.len = (size_t)size;
	return 0;
}

static void check_blocks(struct redoxfs *fs, const struct redoxfs_layout *lay, uint64_t blocks)
{
	if (!lay->doubtful && !lay->lists_bad && blocks != lay->blocks)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.blocks", lay->node,
			      lay->inode_off + REDOXFS_INODE_BLOCKS_OFF, 8,
			      "expected %" PRIu64 " blocks as it owns them, found %" PRIu64,
			      lay->blocks, blocks);
}

static int attach_content(struct redoxfs *fs, const struct redoxfs_inode *ino,
			  struct rimg_node *node, const uint8_t *buf, const struct fields *fields)
{
	struct redoxfs_layout lay = { .node = node,
				      .inode_off = redoxfs_off(fs, redoxfs_ptr_index(ino->ptr)),
				      .size = fields->size,
				      .level = fields->level,
				      .doubtful = ino->doubtful };
	int rc = fields->flags & REDOXFS_FLAG_INLINE ? redoxfs_content_inline(fs, &lay)
						     : redoxfs_content_records(fs, &lay, buf);

	if (rc < 0)
		return rc;
	check_blocks(fs, &lay, fields->blocks);
	if (ino->doubtful) {
		/* whatever it was, it must not be taken for what the file held */
		node->content = NULL;
		node->unread = true;
		return 0;
	}
	return node->role == RIMG_ROLE_SYMLINK ? add_target(fs, node) : 0;
}

int redoxfs_inode_attach(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
			 const uint8_t buf[REDOXFS_BLOCK], uint32_t depth)
{
	uint64_t off = redoxfs_off(fs, redoxfs_ptr_index(ino->ptr));
	struct fields fields;

	ino->state = INODE_OWNED;
	ino->owner = node;
	node->role = redoxfs_role(ino->type);
	if (read_fields(fs, node, buf, off, &fields) < 0)
		return -RIMG_E_NOMEM;
	if (!ino->doubtful && (fields.flags & ~(uint32_t)REDOXFS_FLAG_INLINE) != 0)
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.padding", node,
			      off + REDOXFS_INODE_FLAGS_OFF, 4,
			      "expected no flags but that of inline contents, found 0x%" PRIx32,
			      fields.flags);
	if (!ino->doubtful && check_type(fs, node, off, ino->type))
		check_level(fs, node, off, ino->type, fields.level);
	if (node->role == RIMG_ROLE_DIR)
		return attach_dir(fs, ino, node, buf, &fields, depth);
	return attach_content(fs, ino, node, buf, &fields);
}
