/* SPDX-License-Identifier: MIT */

/* Writes an initfs image in the page layout of upstream's archiver. Facts: docs/formats/initfs.md.
 *
 *     header page | bootstrap | inode table | root's entries | entry: contents, name | entry: ...
 *
 * Each piece begins on a page of its own; an empty piece takes no room. A directory's contents are
 * its entries' table and then, for each entry in order of name bytes, the entry's contents and its
 * name. Inodes are numbered when their contents have been placed: children before their directory,
 * the root 0. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/emit.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"
#include "core/rd.h"
#include "core/wr.h"
#include "formats/initfs.h"

#define DEFAULT_MAX_SIZE (UINT64_C(64) << 20) /* the archiver's own limit */

#define ELF_HEADER_MIN 0x20
#define ELF_CLASS_OFF  4
#define ELF_DATA_OFF   5
#define ELF_ENTRY_OFF  0x18

/* Where an inode's pieces go, by inode number. */
struct placed {
	const struct plan_node *node;
	uint64_t content_off;
	uint64_t content_len;
	uint64_t name_off;
};

struct layout {
	const struct emit_request *rq;
	uint64_t max_size;
	uint64_t next; /* where the next piece begins, a multiple of a page */
	uint64_t end;  /* behind the last byte that is written */
	uint64_t table_off;
	uint64_t entry; /* of the bootstrap program */
	struct placed *inodes;
	size_t n_inodes; /* numbered so far, without the root */
};

static void layout_done(struct layout *lo)
{
	free(lo->inodes);
}

#define auto_layout auto_with(layout_done)

static int too_large(const struct layout *lo, const struct plan_node *node, struct rimg_error *err)
{
	return emit_refuse(err, RIMG_E_LIMIT, node,
			   "the initfs grows beyond %" PRIu64
			   " bytes here; raise max_size (never above 4 GiB) or store less",
			   lo->max_size);
}

/* The offset of a piece of @len bytes. */
static int place(struct layout *lo, const struct plan_node *node, uint64_t len, uint64_t *ret,
		 struct rimg_error *err)
{
	uint64_t end;

	*ret = lo->next;
	if (len == 0)
		return 0;
	if (!num_add(lo->next, len, &end) || end > lo->max_size)
		return too_large(lo, node, err);
	lo->end = end;
	return num_align_up(end, INITFS_PAGE, &lo->next) ? 0 : too_large(lo, node, err);
}

static int check_entry(const struct plan_node *node, struct rimg_error *err)
{
	if (node->role != RIMG_ROLE_FILE && node->role != RIMG_ROLE_DIR &&
	    node->role != RIMG_ROLE_SYMLINK)
		return emit_refuse(
			err, RIMG_E_UNSUPPORTED, node,
			"an initfs holds files, directories and symbolic links, not a %s",
			rimg_role_name(node->role));
	if (node->name_len == 0 || node->name_len > INITFS_MAX_NAME ||
	    memchr(node->name, '/', node->name_len) || memchr(node->name, '\0', node->name_len))
		return emit_refuse(err, RIMG_E_ARG, node,
				   "expected a name of 1 to %d bytes without '/' and NUL",
				   INITFS_MAX_NAME);
	if (node->mode & ~INITFS_MODE_MASK)
		return emit_refuse(err, RIMG_E_ARG, node, "expected a mode up to 07777, found %#o",
				   node->mode);
	return 0;
}

static uint64_t content_len(const struct plan_node *node)
{
	const struct rimg_source *content = plan_owner(node)->content;

	if (node->role == RIMG_ROLE_DIR)
		return (uint64_t)node->n_children * INITFS_DIRENT_LEN;
	return content ? rimg_source_size(content) : 0;
}

/* Place a directory's entries with all that is in them. As deep as directories nest. */
static int place_children(struct layout *lo, struct plan_node *dir, uint32_t depth,
			  struct rimg_error *err)
{
	if (depth > lo->rq->ctx->limits.dir_depth)
		return emit_refuse(err, RIMG_E_LIMIT, dir,
				   "expected at most %" PRIu32
				   " directories inside each other" LIMIT_MORE("dir-depth"),
				   lo->rq->ctx->limits.dir_depth);
	for (uint32_t i = 0; i < dir->n_children; i++) {
		struct plan_node *node = dir->children[i];
		struct placed p = { .node = node, .content_len = content_len(node) };
		int rc = check_entry(node, err);

		if (rc == 0)
			rc = place(lo, node, p.content_len, &p.content_off, err);
		if (rc == 0 && node->role == RIMG_ROLE_DIR)
			rc = place_children(lo, node, depth + 1, err);
		if (rc == 0)
			rc = place(lo, node, node->name_len, &p.name_off, err);
		if (rc < 0)
			return rc;
		node->id = ++lo->n_inodes;
		lo->inodes[node->id] = p;
	}
	return 0;
}

/* The entry address that the kernel jumps to: e_entry, whatever the program's class and order. */
static int bootstrap_entry(struct layout *lo, struct rimg_error *err)
{
	const struct rimg_source *src = lo->rq->bootstrap;
	uint8_t head[ELF_HEADER_MIN];
	struct rd r = rd_init(head, sizeof(head), 0);
	int rc;

	lo->entry = INITFS_NO_BOOTSTRAP;
	if (!src)
		return 0;
	if (rimg_source_size(src) < sizeof(head))
		return error_set(err, RIMG_E_BAD, NULL,
				 "the bootstrap program is too short to be an ELF program");
	rc = rimg_source_read(src, 0, head, sizeof(head), err);
	if (rc < 0)
		return rc;
	if (memcmp(head, "\177ELF", 4) != 0 || head[ELF_CLASS_OFF] < 1 || head[ELF_CLASS_OFF] > 2 ||
	    head[ELF_DATA_OFF] < 1 || head[ELF_DATA_OFF] > 2)
		return error_set(
			err, RIMG_E_BAD, NULL,
			"expected an ELF program as bootstrap, found another kind of file");
	r.big = head[ELF_DATA_OFF] == 2;
	rd_seek(&r, ELF_ENTRY_OFF);
	lo->entry = head[ELF_CLASS_OFF] == 1 ? rd_u32(&r) : rd_u64(&r);
	if (lo->entry < INITFS_LOAD_ADDRESS + INITFS_BOOTSTRAP_OFF)
		return error_set(
			err, RIMG_E_BAD, NULL,
			"expected the bootstrap program's entry at 0x%x or above (it must be "
			"linked to run there), found 0x%" PRIx64,
			INITFS_LOAD_ADDRESS + INITFS_BOOTSTRAP_OFF, lo->entry);
	if (lo->entry - INITFS_LOAD_ADDRESS - INITFS_BOOTSTRAP_OFF >= rimg_source_size(src))
		return error_set(err, RIMG_E_BAD, NULL,
				 "expected the bootstrap program's entry inside its %" PRIu64
				 " bytes, which are at 0x%x, found 0x%" PRIx64,
				 rimg_source_size(src), INITFS_LOAD_ADDRESS + INITFS_BOOTSTRAP_OFF,
				 lo->entry);
	return 0;
}

static int check_size(struct layout *lo, struct rimg_error *err)
{
	uint64_t format_max = UINT32_MAX;

	lo->max_size = lo->rq->max_size ? lo->rq->max_size : DEFAULT_MAX_SIZE;
	lo->max_size = num_min(lo->max_size, format_max);
	if (lo->rq->compression != EMIT_COMPRESSION_NONE)
		return error_set(err, RIMG_E_UNSUPPORTED, NULL, "an initfs has no compression");
	if (lo->rq->tree->n_nodes > INITFS_MAX_INODES)
		return emit_refuse(err, RIMG_E_LIMIT, lo->rq->tree->root,
				   "an initfs holds at most %d entries, found %" PRIu64,
				   INITFS_MAX_INODES, lo->rq->tree->n_nodes);
	return 0;
}

static int lay_out(struct layout *lo, struct rimg_error *err)
{
	struct plan_node *root = lo->rq->tree->root;
	struct placed p = { .node = root, .content_len = content_len(root) };
	uint64_t bootstrap_off;
	int rc = check_size(lo, err);

	if (rc == 0)
		rc = bootstrap_entry(lo, err);
	if (rc < 0)
		return rc;
	lo->inodes = calloc((size_t)lo->rq->tree->n_nodes, sizeof(*lo->inodes));
	if (!lo->inodes)
		return error_nomem(err);
	lo->next = INITFS_PAGE;
	if (lo->rq->bootstrap)
		rc = place(lo, root, rimg_source_size(lo->rq->bootstrap), &bootstrap_off, err);
	if (rc == 0)
		rc = place(lo, root, lo->rq->tree->n_nodes * INITFS_INODE_LEN, &lo->table_off, err);
	if (rc == 0)
		rc = place(lo, root, p.content_len, &p.content_off, err);
	if (rc == 0)
		rc = place_children(lo, root, 1, err);
	root->id = 0;
	lo->inodes[0] = p;
	return rc;
}

/* ---- writing ------------------------------------------------------------------------------ */

static int write_header(const struct layout *lo, struct sink *sink, struct rimg_error *err)
{
	uint8_t header[INITFS_HEADER_LEN];
	struct wr w = wr_init(header, sizeof(header));

	wr_bytes(&w, INITFS_MAGIC, INITFS_MAGIC_LEN);
	wr_le32(&w, (uint32_t)lo->table_off);
	wr_le64(&w, (uint64_t)lo->rq->epoch);
	wr_le32(&w, 0);
	wr_le16(&w, (uint16_t)lo->rq->tree->n_nodes);
	wr_le64(&w, lo->entry);
	wr_le64(&w, lo->end);
	wr_le16(&w, INITFS_PAGE);
	return sink_write(sink, 0, header, sizeof(header), err);
}

static uint32_t type_of(const struct plan_node *node)
{
	if (node->role == RIMG_ROLE_DIR)
		return INITFS_TYPE_DIR;
	return node->role == RIMG_ROLE_SYMLINK ? INITFS_TYPE_SYMLINK : INITFS_TYPE_FILE;
}

static int write_table(const struct layout *lo, struct sink *sink, struct rimg_error *err)
{
	size_t n = (size_t)lo->rq->tree->n_nodes;
	size_t len = n * INITFS_INODE_LEN;
	auto_free uint8_t *table = malloc(len);
	struct wr w = wr_init(table, len);

	if (!table)
		return error_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct placed *p = &lo->inodes[i];
		const struct plan_node *owner = plan_owner(p->node);

		wr_le32(&w, type_of(owner) << INITFS_TYPE_SHIFT | owner->mode);
		wr_le32(&w, (uint32_t)p->content_len);
		wr_le32(&w, (uint32_t)p->content_off);
		wr_le32(&w, owner->uid);
		wr_le32(&w, owner->gid);
	}
	return sink_write(sink, lo->table_off, table, len, err);
}

static int write_dir(const struct layout *lo, const struct placed *p, struct sink *sink,
		     struct rimg_error *err)
{
	size_t len = (size_t)p->content_len;
	auto_free uint8_t *entries = malloc(len ? len : 1);
	struct wr w = wr_init(entries, len);

	if (!entries)
		return error_nomem(err);
	for (uint32_t i = 0; i < p->node->n_children; i++) {
		const struct plan_node *child = p->node->children[i];

		wr_le16(&w, (uint16_t)child->id);
		wr_le16(&w, (uint16_t)child->name_len);
		wr_le32(&w, (uint32_t)lo->inodes[child->id].name_off);
	}
	return sink_write(sink, p->content_off, entries, len, err);
}

static int write_inode(const struct layout *lo, const struct placed *p, struct sink *sink,
		       struct rimg_error *err)
{
	const struct plan_node *node = p->node;
	int rc = 0;

	if (node->role == RIMG_ROLE_DIR)
		rc = write_dir(lo, p, sink, err);
	else if (p->content_len > 0)
		rc = sink_copy(sink, p->content_off, plan_owner(node)->content, err);
	if (rc == 0 && node->parent)
		rc = sink_write(sink, p->name_off, node->name, node->name_len, err);
	return rc;
}

static int initfs_measure(const struct emit_request *rq, uint64_t *ret_size, struct rimg_error *err)
{
	auto_layout struct layout lo = { .rq = rq };
	int rc = lay_out(&lo, err);

	if (rc == 0)
		*ret_size = lo.end;
	return rc;
}

static int initfs_emit(const struct emit_request *rq, struct sink *sink, struct rimg_error *err)
{
	auto_layout struct layout lo = { .rq = rq };
	int rc = lay_out(&lo, err);

	if (rc == 0 && sink_size(sink) != lo.end)
		rc = error_set(err, RIMG_E_ARG, NULL,
			       "the initfs takes exactly %" PRIu64 " bytes, its place has %" PRIu64,
			       lo.end, sink_size(sink));
	if (rc == 0)
		rc = write_header(&lo, sink, err);
	if (rc == 0 && rq->bootstrap)
		rc = sink_copy(sink, INITFS_BOOTSTRAP_OFF, rq->bootstrap, err);
	if (rc == 0)
		rc = write_table(&lo, sink, err);
	for (uint64_t i = 0; i < rq->tree->n_nodes && rc == 0; i++)
		rc = write_inode(&lo, &lo.inodes[i], sink, err);
	return rc;
}

RIMG_EMITTER(initfs) = {
	.name = "initfs",
	.measure = initfs_measure,
	.emit = initfs_emit,
};
