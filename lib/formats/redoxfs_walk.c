/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"
#include "formats/redoxfs_read.h"

/* From the root directory to every inode. Directories wait in a list, so depth costs no stack. An
 * inode with several names waits until all of them are known: the first path by bytes owns it. */

/* ---- names --------------------------------------------------------------------------------- */

static void check_name(struct redoxfs *fs, struct rimg_node *node, const struct redoxfs_dirent *e)
{
	const char *what = NULL;

	if (!str_is_utf8(e->name, e->name_len))
		what = "bytes that are not UTF-8";
	else if (memchr(e->name, '\0', e->name_len))
		what = "a NUL";
	else if (memchr(e->name, '/', e->name_len))
		what = "a \"/\"";
	else if (memchr(e->name, ':', e->name_len))
		what = "a \":\"";
	else if (e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.')))
		what = "\".\" or \"..\"";
	if (what)
		layer_finding(fs->l, SEVERITY_WARNING, "redoxfs.name", node, e->off,
			      REDOXFS_DIRENT_HEADER + e->name_len,
			      "expected a name that Redox can use, found %s", what);
}

/* ---- inodes and their names ---------------------------------------------------------------- */

/* Another name of an inode: the same attributes, but nothing of it lies here. */
static int link_node(struct redoxfs *fs, struct rimg_node *node, struct rimg_node *owner)
{
	rimg_for_each_attr(a, owner) {
		struct rimg_attr *copy;

		if (strcmp(a->key, "id") == 0)
			continue;
		copy = attr_add(fs->l, node, a->key, a->type, a->cause, PLACE_NONE);
		if (!copy)
			return -RIMG_E_NOMEM;
		copy->bytes = a->bytes; /* the largest of the values */
		if (a->type == ATTR_TIME)
			copy->time = a->time;
		else if (a->type <= ATTR_BOOL)
			copy->u = a->u;
	}
	node->role = owner->role;
	node->link_to = owner;
	node->damaged |= owner->damaged;
	node->unread |= owner->unread;
	node->content = node->unread ? NULL : owner->content;
	return 0;
}

static void lost(struct redoxfs *fs, struct rimg_node *node)
{
	node->damaged = true;
	node->unread = true;
	fs->incomplete = true;
}

/* The inode is named for the first time: read it. @orphan: no directory does. */
static int first_name(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
		      uint32_t depth, bool orphan)
{
	uint8_t buf[REDOXFS_BLOCK];
	int rc = redoxfs_inode_load(fs, ino, node, buf);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		ino->state = INODE_BAD;
		lost(fs, node);
		return 0;
	}
	node->role = redoxfs_role(ino->type);
	if (ino->links != 1 && node->role != RIMG_ROLE_DIR && !orphan) {
		ino->state = INODE_WAITING;
		fs->n_waiting++;
		return 0;
	}
	return redoxfs_inode_attach(fs, ino, node, buf, depth);
}

static int another_name(struct redoxfs *fs, struct redoxfs_inode *ino, struct rimg_node *node,
			const struct redoxfs_dirent *e)
{
	node->role = redoxfs_role(ino->type);
	switch ((enum inode_state)ino->state) {
	case INODE_NEW:
	case INODE_BAD:
		node->role = RIMG_ROLE_OTHER;
		lost(fs, node);
		return 0;
	case INODE_WAITING: return 0;
	case INODE_OWNED: break;
	}
	if (node->role != RIMG_ROLE_DIR)
		return link_node(fs, node, ino->owner);
	ino->found--;
	layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.dir-twice", node, e->off, 4,
		      "expected a directory to be in one place, found inode %" PRIu32
		      " in another one before; not read again",
		      e->id);
	return 0;
}

/* A name that may belong to another inode: what is in that must not be taken for what it names. */
static void withhold(struct rimg_node *node)
{
	node->damaged = true;
	if (node->role == RIMG_ROLE_DIR)
		return;
	node->unread = true;
	node->content = NULL;
}

static int add_id(struct redoxfs *fs, struct rimg_node *node, uint32_t id, struct place place)
{
	return attr_add_u64(fs->l, node, "id", ATTR_U64, RIMG_CAUSE_PLACEMENT, place, id);
}

int redoxfs_entry(struct redoxfs *fs, const struct redoxfs_dir *dir, const struct redoxfs_dirent *e)
{
	struct rimg_layer *l = fs->l;
	struct rimg_node *node = layer_node(l, dir->node, RIMG_ROLE_OTHER, e->name, e->name_len);
	struct redoxfs_inode *ino = redoxfs_inode_find(fs, e->id);
	int rc;

	if (!node || add_id(fs, node, e->id, PLACE(e->off, 4)) < 0 ||
	    layer_claim(l, node, e->off, REDOXFS_DIRENT_HEADER + e->name_len, "dirent",
			RIMG_CAUSE_ORDERING) < 0)
		return -RIMG_E_NOMEM;
	check_name(fs, node, e);
	if (!ino) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.dirent-inode", node, e->off, 4,
			      "expected an inode of the tree, found the id %" PRIu32
			      ", which has none",
			      e->id);
		lost(fs, node);
		return 0;
	}
	ino->found++;
	if (ino->state == INODE_NEW)
		rc = first_name(fs, ino, node, dir->depth + 1, false);
	else
		rc = another_name(fs, ino, node, e);
	if (e->doubtful)
		withhold(node);
	return rc;
}

static int read_dirs(struct redoxfs *fs)
{
	while (fs->n_dirs > 0) {
		struct redoxfs_dir dir = fs->dirs[--fs->n_dirs];
		int rc = redoxfs_dir_read(fs, &dir);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_root(struct redoxfs *fs)
{
	struct rimg_layer *l = fs->l;
	struct redoxfs_inode *ino = redoxfs_inode_find(fs, REDOXFS_ROOT_ID);
	int rc;

	l->top = layer_node(l, l->root, RIMG_ROLE_DIR, "/", 1);
	if (!l->top || add_id(fs, l->top, REDOXFS_ROOT_ID, PLACE_NONE) < 0)
		return -RIMG_E_NOMEM;
	if (!ino) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.root", l->top, 0, 0,
			      "expected inode 1, the root directory, in the tree, found none");
		lost(fs, l->top);
		return 0;
	}
	rc = first_name(fs, ino, l->top, 0, true);
	if (rc < 0)
		return rc;
	if (ino->state == INODE_OWNED && l->top->role != RIMG_ROLE_DIR) {
		layer_finding(l, SEVERITY_ERROR, "redoxfs.root", l->top,
			      redoxfs_off(fs, redoxfs_ptr_index(ino->ptr)), 2,
			      "expected inode 1 to be a directory, found type %x", ino->type);
		l->top->content = NULL;
		lost(fs, l->top);
	}
	l->top->role = RIMG_ROLE_DIR;
	return read_dirs(fs);
}

/* ---- inodes without a name ----------------------------------------------------------------- */

/* Below which node it is shown: nodes of the release list are still open somewhere. */
static struct rimg_node *orphanage(struct redoxfs *fs, const struct redoxfs_inode *ino)
{
	if (ino->released)
		return fs->release;
	if (!fs->orphans)
		fs->orphans = layer_meta(fs->l, fs->l->root, "orphans");
	return fs->orphans;
}

static int read_orphan(struct redoxfs *fs, struct redoxfs_inode *ino)
{
	const char *name = arena_printf(&fs->l->arena, "inode[%" PRIu32 "]", ino->id);
	struct rimg_node *parent = orphanage(fs, ino);
	struct rimg_node *node =
		name && parent ? layer_node(fs->l, parent, RIMG_ROLE_OTHER, name, strlen(name))
			       : NULL;
	int rc;

	if (!node || add_id(fs, node, ino->id, PLACE_NONE) < 0)
		return -RIMG_E_NOMEM;
	rc = first_name(fs, ino, node, 0, true);
	if (rc < 0)
		return rc;
	if (ino->released && ino->state == INODE_OWNED && ino->links != 0)
		layer_finding(
			fs->l, SEVERITY_ERROR, "redoxfs.links", node,
			redoxfs_off(fs, redoxfs_ptr_index(ino->ptr)) + REDOXFS_INODE_LINKS_OFF, 4,
			"expected no links to an inode of the release list, found %" PRIu32,
			ino->links);
	return read_dirs(fs);
}

static int read_orphans(struct redoxfs *fs)
{
	uint64_t n = 0;
	uint32_t first = 0;

	for (size_t i = 0; i < fs->n_inodes; i++) {
		struct redoxfs_inode *ino = &fs->inodes[i];
		int rc;

		if (ino->found > 0 || ino->id == REDOXFS_ROOT_ID)
			continue;
		if (!ino->released && n++ == 0)
			first = ino->id;
		rc = read_orphan(fs, ino);
		if (rc < 0)
			return rc;
	}
	if (n > 0)
		layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.orphan", fs->orphans, 0, 0,
			      "expected every inode in a directory, found %" PRIu64
			      " in none, the first is inode %" PRIu32,
			      n, first);
	return 0;
}

/* ---- hard links ---------------------------------------------------------------------------- */

/* Order of paths: a directory's path goes on with "/". */
static int compare_paths(const void *pa, const void *pb)
{
	const struct rimg_node *a = *(struct rimg_node *const *)pa;
	const struct rimg_node *b = *(struct rimg_node *const *)pb;
	size_t n = num_min_size(a->name_len, b->name_len);
	int order = memcmp(a->name, b->name, n), next_a, next_b;

	if (order != 0)
		return order;
	next_a = n < a->name_len ? (uint8_t)a->name[n] : a->role == RIMG_ROLE_DIR ? '/' : -1;
	next_b = n < b->name_len ? (uint8_t)b->name[n] : b->role == RIMG_ROLE_DIR ? '/' : -1;
	if (next_a != next_b)
		return next_a < next_b ? -1 : 1;
	if (a->name_len != b->name_len) /* a name with a "/" in it against a directory's end */
		return a->name_len < b->name_len ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

struct frame {
	struct rimg_node **list;
	size_t n, next;
};

struct stack {
	struct frame *frames;
	size_t n, cap;
};

static void stack_done(struct stack *s)
{
	while (s->n > 0)
		free(s->frames[--s->n].list);
	free(s->frames);
}

static int push_children(struct stack *s, const struct rimg_node *dir)
{
	auto_free struct rimg_node **list = NULL;
	struct frame *frames;
	size_t n = 0;

	if (dir->n_children == 0)
		return 0;
	list = calloc(dir->n_children, sizeof(struct rimg_node *));
	frames = vec_grow(s->frames, &s->cap, s->n, sizeof(*frames));
	if (frames)
		s->frames = frames;
	if (!list || !frames)
		return -RIMG_E_NOMEM;
	rimg_for_each_child(child, dir)
		list[n++] = child;
	qsort(list, n, sizeof(struct rimg_node *), compare_paths);
	frames[s->n++] = (struct frame){ .list = take_ptr(list), .n = n };
	return 0;
}

/* A path in order: if its inode still waits, it becomes the owner; else it links to it. */
static int settle(struct redoxfs *fs, struct rimg_node *node)
{
	struct redoxfs_inode *ino = redoxfs_inode_find(fs, (uint32_t)node_attr_u64(node, "id", 0));
	uint8_t buf[REDOXFS_BLOCK];
	int rc;

	if (!ino || node->role == RIMG_ROLE_DIR || node->link_to || node == ino->owner)
		return 0;
	if (ino->state == INODE_OWNED)
		return link_node(fs, node, ino->owner);
	if (ino->state != INODE_WAITING) {
		lost(fs, node);
		return 0;
	}
	rc = redoxfs_read(fs, node, redoxfs_ptr_index(ino->ptr), buf);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		ino->state = INODE_BAD;
		lost(fs, node);
		return 0;
	}
	rc = redoxfs_inode_attach(fs, ino, node, buf, 0);
	if (node->unread)
		withhold(node);
	return rc;
}

static int settle_below(struct redoxfs *fs, const struct rimg_node *top)
{
	auto_with(stack_done) struct stack s = { 0 };

	if (push_children(&s, top) < 0)
		return -RIMG_E_NOMEM;
	while (s.n > 0) {
		struct frame *f = &s.frames[s.n - 1];
		struct rimg_node *node;
		int rc;

		if (f->next == f->n) {
			free(f->list);
			s.n--;
			continue;
		}
		node = f->list[f->next++];
		rc = node->role == RIMG_ROLE_DIR ? push_children(&s, node) : settle(fs, node);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int settle_links(struct redoxfs *fs)
{
	const struct rimg_node *tops[] = { fs->l->top, fs->release, fs->orphans };

	for (size_t i = 0; i < ARRAY_LEN(tops) && fs->n_waiting > 0; i++) {
		int rc = tops[i] ? settle_below(fs, tops[i]) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Fewer names than links are only news when all directories could be read. */
static void check_links(struct redoxfs *fs)
{
	for (size_t i = 0; i < fs->n_inodes; i++) {
		const struct redoxfs_inode *ino = &fs->inodes[i];
		uint32_t found = ino->found + (ino->id == REDOXFS_ROOT_ID);

		if (ino->state == INODE_OWNED && !ino->doubtful && ino->released && ino->found > 0)
			layer_finding(fs->l, SEVERITY_ERROR, "redoxfs.links", ino->owner,
				      redoxfs_off(fs, redoxfs_ptr_index(ino->ptr)) +
					      REDOXFS_INODE_LINKS_OFF,
				      4,
				      "expected no directory entry for an inode of the release "
				      "list, found %" PRIu32,
				      ino->found);
		if (ino->state != INODE_OWNED || ino->doubtful || found == 0 ||
		    found == ino->links || (found < ino->links && fs->incomplete))
			continue;
		layer_finding(
			fs->l, SEVERITY_ERROR, "redoxfs.links", ino->owner,
			redoxfs_off(fs, redoxfs_ptr_index(ino->ptr)) + REDOXFS_INODE_LINKS_OFF, 4,
			"expected %" PRIu32 " links, as many as there are entries, found %" PRIu32,
			found, ino->links);
	}
}

int redoxfs_walk(struct redoxfs *fs)
{
	int rc = read_root(fs);

	if (rc == 0)
		rc = read_orphans(fs);
	if (rc == 0)
		rc = settle_links(fs);
	if (rc == 0)
		check_links(fs);
	return rc;
}
