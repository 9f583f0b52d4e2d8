/* SPDX-License-Identifier: MIT */
#include "diff/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"
#include "diff/hosttree.h"
#include "diff/listing.h"

/* Making a tree takes two walks. The first makes directories that only their owner can enter, and
 * everything in them; the second gives the directories the modes and times that they shall have,
 * which the first would have changed or been locked out by.
 *
 * A node's `mark` tells what was made of it: of a directory or partition, itself; of the node that
 * owns an inode, the first of its hard links that was made. */

#define FILES_WANTED 4096 /* open at once: one a level of directories, 1024 by default */

/* A directory being filled. */
struct level {
	int fd;
	struct rimg_node
		*top; /* whose children go into it; its mode and times are the directory's */
	struct rimg_node **list;
	size_t next;
};

struct tree {
	struct extract *x;
	struct level *levels;
	size_t n, cap;
	struct rimg_error *err;
};

static void tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		close(t->levels[i].fd);
	free(t->levels);
}

/* ---- what is a tree ------------------------------------------------------------------------- */

static bool makes_entry(const struct rimg_node *node)
{
	switch (node->role) {
	case RIMG_ROLE_PARTITION:
	case RIMG_ROLE_DIR:
	case RIMG_ROLE_FILE:
	case RIMG_ROLE_SYMLINK:
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER: return true;
	default: return false;
	}
}

int extract_top(struct rimg_node *node, struct rimg_node **ret_top, struct rimg_error *err)
{
	struct rimg_layer *l;
	int rc;

	*ret_top = node->role == RIMG_ROLE_DIR ? node : NULL;
	if (node->role != RIMG_ROLE_IMAGE && node->role != RIMG_ROLE_PARTITION)
		return 0;
	rc = node_open(node, &l, err);
	if (rc < 0 || !l)
		return rc;
	if (l->unreadable)
		return error_set(err, RIMG_E_BAD, NULL, "its %s structures cannot be read",
				 layer_format_name(l));
	if (l->top->role == RIMG_ROLE_DIR)
		*ret_top = l->top;
	rimg_for_each_child(child, l->top)
		if (makes_entry(child))
			*ret_top = l->top;
	return 0;
}

/* ---- levels --------------------------------------------------------------------------------- */

/* Goes on in @fd, which it takes over, also on failure. */
static int enter(struct tree *t, int fd, struct rimg_node *top)
{
	struct level *levels = vec_grow(t->levels, &t->cap, t->n, sizeof(*levels));

	if (levels)
		t->levels = levels;
	if (!levels || (top->n_children > 0 && !node_by_name(top))) {
		close(fd);
		return error_nomem(t->err);
	}
	t->levels[t->n++] = (struct level){ .fd = fd, .top = top, .list = node_by_name(top) };
	return 0;
}

static void leave(struct tree *t)
{
	close(t->levels[--t->n].fd);
}

static struct level *current(struct tree *t)
{
	return &t->levels[t->n - 1];
}

static struct rimg_node *next_child(struct level *level)
{
	return level->next < level->top->n_children ? level->list[level->next++] : NULL;
}

/* ---- the first walk: entries ---------------------------------------------------------------- */

static bool has_mode(const struct rimg_node *top)
{
	return node_attr(listing_inode(top), "mode") != NULL;
}

/* A directory called @name for @node, with what lies in @top. */
static int make_dir(struct tree *t, const char *name, struct rimg_node *node, struct rimg_node *top)
{
	int dir = current(t)->fd, fd;

	if (mkdirat(dir, name, has_mode(top) ? 0700 : 0777) < 0)
		return extract_host_error(t->x, node, "cannot create the directory", t->err);
	fd = host_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return extract_host_error(t->x, node, "cannot enter the directory", t->err);
	node->mark = node;
	t->x->n_made++;
	return enter(t, fd, top);
}

/* The directory that @node was made in: from the nearest directory above it that is open now, then
 * down component by component. -1 with errno. */
static int open_parent_of(struct tree *t, const struct rimg_node *node)
{
	const struct rimg_node *names[1024];
	size_t n = 0, level = 0;
	int fd;

	for (const struct rimg_node *p = node->parent; p && n < ARRAY_LEN(names); p = p->parent) {
		for (level = t->n; level > 0 && t->levels[level - 1].top != p; level--)
			;
		if (level > 0)
			break;
		names[n++] = p;
	}
	if (level == 0) {
		errno = ELOOP;
		return -1;
	}
	fd = fcntl(t->levels[level - 1].fd, F_DUPFD_CLOEXEC, 0);
	while (n > 0 && fd >= 0) {
		int next = host_open(fd, names[--n]->name, O_RDONLY | O_DIRECTORY, 0);

		close(fd);
		fd = next;
	}
	return fd;
}

/* A further name for what was made of @first. A host that can't gets a copy, and it is said. */
static int make_hard_link(struct tree *t, struct rimg_node *node, const struct rimg_node *first)
{
	auto_close int from = open_parent_of(t, first);
	auto_free char *address = NULL;
	bool made;

	if (from >= 0 && linkat(from, first->name, current(t)->fd, node->name, 0) == 0) {
		t->x->n_made++;
		return 0;
	}
	if (errno == EEXIST)
		return extract_host_error(t->x, node, "cannot create the link", t->err);
	address = node_full_address(node);
	call_warn(t->x->call, "%s: a copy, not a hard link: %s", address ? address : "",
		  strerror(errno));
	return extract_entry(t->x, current(t)->fd, node->name, node, &made, t->err);
}

static int make_file(struct tree *t, struct rimg_node *node)
{
	struct rimg_node *owner = node->link_to ? node->link_to : node;
	bool made;
	int rc;

	if (owner->mark)
		return make_hard_link(t, node, owner->mark);
	rc = extract_entry(t->x, current(t)->fd, node->name, node, &made, t->err);
	if (made)
		owner->mark = node;
	return rc;
}

/* Partition names are free text: one that is no name for a host is replaced by the number, one that
 * an earlier partition has gets "#2" as in its address. */
static void add_partition_name(struct str *s, const struct rimg_node *node)
{
	unsigned nth = 1;

	if (host_name_check(node->name, node->name_len) != HOST_NAME_FINE) {
		str_printf(s, "partition %u", node->number);
		return;
	}
	rimg_for_each_child(other, node->parent)
		if (other->index < node->index && node_compare_names(other, node) == 0)
			nth++;
	str_add_len(s, node->name, node->name_len);
	if (nth > 1)
		str_printf(s, "#%u", nth);
}

/* A file system becomes a directory, anything else a file. */
static int make_partition(struct tree *t, struct rimg_node *node)
{
	auto_str struct str name = { 0 };
	auto_free char *address = NULL;
	struct rimg_node *top;
	struct rimg_error why;
	bool made;
	int rc;

	add_partition_name(&name, node);
	if (name.failed)
		return error_nomem(t->err);
	rc = extract_top(node, &top, &why);
	if (rc == -RIMG_E_BAD) {
		address = node_full_address(node);
		call_warn(t->x->call, "%s: extracted as bytes: %s", address ? address : "",
			  why.text);
		top = NULL;
	} else if (rc < 0) {
		*t->err = why;
		return rc;
	}
	if (top)
		return make_dir(t, name.data, node, top);
	return extract_entry(t->x, current(t)->fd, name.data, node, &made, t->err);
}

static int make_entry(struct tree *t, struct rimg_node *node)
{
	enum host_name verdict = host_name_check(node->name, node->name_len);

	if (!makes_entry(node))
		return 0;
	call_progress(t->x->call, "entries extracted:", t->x->n_made, 0);
	if (node->role == RIMG_ROLE_PARTITION)
		return make_partition(t, node);
	if (verdict != HOST_NAME_FINE) {
		extract_skip(t->x, node, "refused: its name %s", host_name_why(verdict));
		return 0;
	}
	if (node->role == RIMG_ROLE_DIR)
		return make_dir(t, node->name, node, node);
	if (node->role == RIMG_ROLE_FILE || node->role == RIMG_ROLE_SYMLINK)
		return make_file(t, node);
	extract_skip(t->x, node, "it is neither a file nor a directory nor a symbolic link");
	return 0;
}

static int make_all(struct tree *t, int fd, struct rimg_node *top)
{
	int rc = enter(t, fd, top);

	while (rc == 0 && t->n > 0) {
		struct rimg_node *node = next_child(current(t));

		if (node)
			rc = make_entry(t, node);
		else
			leave(t);
		if (rc == 0)
			rc = extract_interrupted(t->err);
	}
	return rc;
}

/* ---- the second walk: directories ----------------------------------------------------------- */

static int revisit(struct tree *t, struct rimg_node *node)
{
	auto_str struct str name = { 0 };
	struct rimg_node *top = node;
	int fd, rc;

	if (node->role == RIMG_ROLE_PARTITION) {
		add_partition_name(&name, node);
		rc = extract_top(node, &top, t->err);
		if (rc < 0 || !top)
			return rc;
	} else {
		str_add_len(&name, node->name, node->name_len);
	}
	if (name.failed)
		return error_nomem(t->err);
	fd = host_open(current(t)->fd, name.data, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return extract_host_error(t->x, node, "cannot enter the directory again", t->err);
	return enter(t, fd, top);
}

/* Innermost first: a directory that is not its owner's to enter is not entered any more. */
static int finish_all(struct tree *t, int fd, struct rimg_node *top)
{
	int rc = enter(t, fd, top);

	while (rc == 0 && t->n > 0) {
		struct rimg_node *node = next_child(current(t));
		bool is_dir =
			node && (node->role == RIMG_ROLE_DIR || node->role == RIMG_ROLE_PARTITION);

		if (is_dir && node->mark == node) {
			rc = revisit(t, node);
		} else if (!node) {
			if (current(t)->top->role == RIMG_ROLE_DIR)
				extract_attributes(t->x, current(t)->fd, current(t)->top);
			leave(t);
		}
		if (rc == 0)
			rc = extract_interrupted(t->err);
	}
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* Where a tree goes. Without @temp it is an empty directory that was there before. */
struct dest {
	const char *path;
	const char *name;
	int parent;
	int fd;
	mode_t old_mode;
	char temp[32];
};

static void dest_done(struct dest *d)
{
	if (d->parent >= 0)
		close(d->parent);
	if (d->fd >= 0)
		close(d->fd);
}

static int make_temp_dir(int dir, const char *name, void *arg)
{
	return mkdirat(dir, name, *(mode_t *)arg);
}

static int open_existing(struct dest *d, struct rimg_error *err)
{
	int empty = host_is_empty(d->fd);
	struct stat st;

	if (empty < 0 || fstat(d->fd, &st) < 0)
		return error_os(err, d->path, "cannot read the directory");
	d->old_mode = st.st_mode & 07777;
	if (!empty)
		return error_set(err, RIMG_E_ARG, d->path,
				 "expected nothing or an empty directory, found one that is not "
				 "empty");
	return 0;
}

static int open_dest(struct dest *d, const char *path, mode_t mode, struct rimg_error *err)
{
	d->path = path;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd >= 0)
		return open_existing(d, err);
	if (errno != ENOENT)
		return error_os(err, path, "cannot make a directory of it");
	d->parent = host_parent(path, &d->name, err);
	if (d->parent < 0)
		return d->parent;
	if (host_temporary(d->parent, make_temp_dir, &mode, d->temp) < 0) {
		d->temp[0] = '\0';
		return error_os(err, path, "cannot create a temporary directory beside it");
	}
	d->fd = host_open(d->parent, d->temp, O_RDONLY | O_DIRECTORY, 0);
	if (d->fd < 0)
		return error_os(err, path, "cannot enter the temporary directory beside it");
	return 0;
}

static int commit(struct dest *d, const struct rimg_image *image, struct rimg_error *err)
{
	int rc = rimg_source_verify(image->src, err);

	if (rc < 0)
		return rc;
	if (syncfs(d->fd) < 0)
		return error_os(err, d->path, "cannot flush it to the disk");
	if (!d->temp[0])
		return 0;
	rc = renameat2(d->parent, d->temp, d->parent, d->name, RENAME_NOREPLACE);
	/* some file systems know no flags; a directory never replaces anything but an empty one */
	if (rc < 0 && (errno == EINVAL || errno == ENOSYS))
		rc = renameat(d->parent, d->temp, d->parent, d->name);
	if (rc < 0)
		return error_os(err, d->path, "cannot give the finished directory its name");
	d->temp[0] = '\0';
	if (fsync(d->parent) < 0)
		return error_os(err, d->path, "cannot flush its directory to the disk");
	return 0;
}

static void discard(struct extract *x, struct dest *d)
{
	bool gone = fchmod(d->fd, 0700) == 0 && host_empty_below(d->fd) == 0;

	if (gone)
		gone = d->temp[0] ? unlinkat(d->parent, d->temp, AT_REMOVEDIR) == 0
				  : fchmod(d->fd, d->old_mode) == 0;
	if (!gone)
		call_complain(x->call, "%s: the unfinished %s cannot be removed: %s", d->path,
			      d->temp[0] ? d->temp : "contents", strerror(errno));
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_WANTED)
		return;
	limit.rlim_cur = (rlim_t)num_min(limit.rlim_max, FILES_WANTED);
	/* without it only trees of extreme depth fail, with a message */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* One walk over the whole tree, from a descriptor of its own. */
static int walk(struct extract *x, const struct dest *d, struct rimg_node *top,
		int (*all)(struct tree *t, int fd, struct rimg_node *top), struct rimg_error *err)
{
	auto_with(tree_done) struct tree t = { .x = x, .err = err };
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return error_os(err, d->path, "cannot enter it again");
	return all(&t, fd, top);
}

int extract_tree(struct extract *x, struct rimg_node *top, const char *path, struct rimg_error *err)
{
	auto_with(dest_done) struct dest d = { .parent = -1, .fd = -1 };
	int rc;

	allow_many_files();
	rc = open_dest(&d, path, has_mode(top) ? 0700 : 0777, err);
	if (rc < 0) {
		if (d.temp[0])
			unlinkat(d.parent, d.temp, AT_REMOVEDIR);
		return rc;
	}
	rc = walk(x, &d, top, make_all, err);
	if (rc == 0)
		rc = walk(x, &d, top, finish_all, err);
	if (rc == 0)
		rc = commit(&d, top->image, err);
	/* once it has its name it stays, even if flushing the directory above failed */
	if (rc < 0 && (d.temp[0] || !d.name))
		discard(x, &d);
	return rc;
}
