/* SPDX-License-Identifier: MIT */
#include "formats/initfs_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "core/num.h"

/* The tree of an initfs image. Directories wait in a queue, each once; what an image could have
 * read twice over is counted. */

struct dirent {
	uint64_t off; /* of the entry itself */
	uint16_t inode;
	uint16_t name_len;
	uint32_t name_off;
};

static enum rimg_role inode_role(const struct inode *ino)
{
	switch (initfs_type(ino)) {
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
	if (len > fs->targets_left) {
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.target-overlap", node, ino->off,
			      ino->len,
			      "expected no more link targets than fit into the image, found some "
			      "that share their bytes");
		return 0;
	}
	fs->targets_left -= len;
	rc = layer_read(fs->l, len > 0 ? ino->off : 0, target, len, err);
	if (rc < 0)
		return rc;
	return attr_add_bytes(fs->l, node, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
			      target, len);
}

static void check_inode(struct initfs *fs, struct rimg_node *node, const struct inode *ino,
			uint64_t off)
{
	if (initfs_type(ino) > INITFS_TYPE_SYMLINK)
		layer_finding(fs->l, SEVERITY_ERROR, "initfs.inode-type", node, off, 4,
			      "expected an inode of type 0, 1 or 2, found %" PRIu32,
			      initfs_type(ino));
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

/* The target of a link that another node owns. */
static int share_target(struct initfs *fs, struct rimg_node *node, const struct rimg_node *owner)
{
	const struct rimg_attr *target = node_attr(owner, "target");
	struct rimg_attr *a;

	if (!target)
		return 0;
	a = attr_add(fs->l, node, "target", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE);
	if (!a)
		return -RIMG_E_NOMEM;
	a->bytes = target->bytes;
	return 0;
}

/* An entry that names an inode which another entry has named before. */
static int add_link(struct initfs *fs, struct rimg_node *node, const struct inode *ino)
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
	if (share_target(fs, node, owner) < 0)
		return -RIMG_E_NOMEM;
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
		return add_link(fs, node, ino);
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

/* Why the name of an entry can't be used; NULL: it can. */
static const char *name_defect(const struct initfs *fs, const struct dirent *e)
{
	if (!num_in_range(e->name_off, e->name_len, fs->size))
		return "initfs.name-range";
	if (e->name_len == 0)
		return "initfs.name-empty";
	if (e->name_len > INITFS_SHOWN_NAME)
		return "initfs.name-long";
	return e->name_len > fs->names_left ? "initfs.name-overlap" : NULL;
}

/* An entry without a name that can be used gets one from its number. */
static struct rimg_node *nameless_node(struct initfs *fs, struct rimg_node *dir,
				       const struct dirent *e, enum rimg_role role, uint64_t number,
				       const char *defect)
{
	char name[32];
	struct rimg_node *node;

	snprintf(name, sizeof(name), "?entry-%" PRIu64, number);
	node = layer_node(fs->l, dir, role, name, strlen(name));
	if (node)
		layer_finding(
			fs->l, SEVERITY_ERROR, defect, node, e->off, INITFS_DIRENT_LEN,
			"expected a name of its own inside the image, of 1 to %d bytes, found "
			"%" PRIu16 " bytes at %" PRIu32,
			INITFS_SHOWN_NAME, e->name_len, e->name_off);
	return node;
}

static int add_entry_node(struct initfs *fs, struct rimg_node *dir, const struct dirent *e,
			  uint64_t number, struct rimg_node **ret, struct rimg_error *err)
{
	const char *defect = name_defect(fs, e);
	enum rimg_role role =
		e->inode < fs->have ? inode_role(&fs->inode[e->inode]) : RIMG_ROLE_OTHER;
	struct rimg_node *node;
	int rc;

	if (defect) {
		*ret = nameless_node(fs, dir, e, role, number, defect);
		if (!*ret || e->name_len <= INITFS_SHOWN_NAME)
			return *ret ? 0 : -RIMG_E_NOMEM;
		return layer_claim(fs->l, *ret, e->name_off, e->name_len, "name",
				   RIMG_CAUSE_CONTENT);
	}
	fs->names_left -= e->name_len;
	rc = layer_read(fs->l, e->name_off, fs->name, e->name_len, err);
	if (rc < 0)
		return rc;
	node = layer_node(fs->l, dir, role, fs->name, e->name_len);
	if (!node)
		return -RIMG_E_NOMEM;
	check_name(fs, node, e, fs->name);
	*ret = node;
	return layer_claim(fs->l, node, e->name_off, e->name_len, "name", RIMG_CAUSE_CONTENT);
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
			      "expected at most %" PRIu32
			      " directories inside each other" LIMIT_MORE("dir-depth"),
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

int initfs_read_tree(struct initfs *fs, struct rimg_error *err)
{
	struct rimg_layer *l = fs->l;

	if (fs->have == 0 || initfs_type(&fs->inode[0]) != INITFS_TYPE_DIR) {
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
	fs->entries_left = fs->size / INITFS_DIRENT_LEN;
	fs->names_left = fs->targets_left = fs->size;
	while (fs->queue_head < fs->queue_tail) {
		int rc = read_directory(fs, &fs->queue[fs->queue_head++], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}
