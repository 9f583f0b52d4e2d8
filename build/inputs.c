/* SPDX-License-Identifier: MIT */
#include "build/inputs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/source.h"
#include "core/str.h"

#define MODE_FILE 0644
#define MODE_EXEC 0755
#define DEPTH_MAX 1024

/* ---- nodes -------------------------------------------------------------------------------- */

void inputs_stamp(struct plan_node *node, const struct inputs_rules *rules)
{
	struct plan_time t = { .s = rules->epoch };

	node->ctime = node->mtime = node->atime = t;
	node->uid = rules->uid;
	node->gid = rules->gid;
}

static void free_source(void *src)
{
	rimg_source_free(src);
}

int inputs_set_bytes(struct plan *p, struct plan_node *node, const void *data, size_t len)
{
	const void *copy = arena_copy(&p->arena, data, len);
	struct rimg_source *src =
		copy ? rimg_source_open_memory(copy, len, node->origin ? node->origin : "data")
		     : NULL;

	if (!src || !arena_defer(&p->arena, free_source, src)) {
		rimg_source_free(src);
		return -RIMG_E_NOMEM;
	}
	node->content = src;
	return 0;
}

struct plan_node *inputs_put(struct plan *p, struct plan_node *into, enum rimg_role role,
			     const void *name, size_t name_len, const struct inputs_rules *rules,
			     struct rimg_error *err)
{
	struct plan_node *old = plan_child(into, name, name_len);

	if (old && role == RIMG_ROLE_DIR && old->role == RIMG_ROLE_DIR)
		return old;
	if (old && (role == RIMG_ROLE_DIR || old->role == RIMG_ROLE_DIR)) {
		auto_str struct str path = { 0 };

		plan_add_path(&path, old);
		error_set(err, RIMG_E_ARG, str_cstr(&path),
			  "there is a %s already, which a %s does not replace",
			  rimg_role_name(old->role), rimg_role_name(role));
		return NULL;
	}
	if (old) {
		if (rules->replaced)
			rules->replaced(rules->ctx, old);
		plan_remove(p, old);
	}
	return plan_add(p, into, role, name, name_len, err);
}

/* ---- host files --------------------------------------------------------------------------- */

/* A directory of the host that stays open as long as the plan. */
struct host_root {
	int fd;
};

static void close_root(void *arg)
{
	struct host_root *root = arg;

	close(root->fd);
}

static struct host_root *open_root(struct plan *p, const char *path, struct rimg_error *err)
{
	struct host_root *root = arena_alloc(&p->arena, sizeof(*root));

	if (!root) {
		error_nomem(err);
		return NULL;
	}
	root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0) {
		error_os(err, path, "cannot open it");
		return NULL;
	}
	if (!arena_defer(&p->arena, close_root, root)) {
		close(root->fd);
		error_nomem(err);
		return NULL;
	}
	return root;
}

/* A file of the host as it was when the plan was made. */
struct host_file {
	const struct host_root *root; /* NULL: path is the user's, and symbolic links in it count */
	const char *path;             /* below root */
	const char *name;             /* for messages */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

static bool unchanged(const struct host_file *f, const struct stat *st)
{
	return st->st_dev == f->dev && st->st_ino == f->ino && st->st_size == f->size &&
	       st->st_mtim.tv_sec == f->mtime.tv_sec && st->st_mtim.tv_nsec == f->mtime.tv_nsec;
}

static int read_exact(int fd, const char *name, uint64_t off, uint8_t *buf, size_t len,
		      struct rimg_error *err)
{
	while (len > 0) {
		ssize_t n = pread(fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(err, name, "cannot read");
		if (n == 0)
			return error_at(err, RIMG_E_IO, name, off,
					"the file became shorter while it was read");
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Opened for each read: a plan may hold more files than a process may have open. */
static int host_file_read(const void *ctx, uint64_t off, void *buf, size_t len,
			  struct rimg_error *err)
{
	const struct host_file *f = ctx;
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	auto_close int fd =
		f->root ? openat(f->root->fd, f->path, flags | O_NOFOLLOW) : open(f->path, flags);
	struct stat st;
	int rc;

	if (fd < 0)
		return error_os(err, f->name, "cannot open it");
	rc = read_exact(fd, f->name, off, buf, len, err);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) < 0)
		return error_os(err, f->name, "cannot look at it");
	if (!unchanged(f, &st))
		return error_set(err, RIMG_E_IO, f->name,
				 "the file changed while the image was built; build again when "
				 "nothing writes to it");
	return 0;
}

void inputs_refuse_output(struct inputs_rules *rules, const char *path)
{
	struct stat st;

	assert(rules->n_outputs < ARRAY_LEN(rules->outputs));
	/* a link that stands there is replaced, not what it leads to */
	if (!path || lstat(path, &st) < 0)
		return;
	rules->outputs[rules->n_outputs].dev = st.st_dev;
	rules->outputs[rules->n_outputs].ino = st.st_ino;
	rules->n_outputs++;
}

static int check_not_output(const struct inputs_rules *rules, const char *name,
			    const struct stat *st, struct rimg_error *err)
{
	for (size_t i = 0; i < rules->n_outputs; i++)
		if (st->st_dev == rules->outputs[i].dev && st->st_ino == rules->outputs[i].ino)
			return error_set(err, RIMG_E_ARG, name,
					 "is an input and would be overwritten: give the output a "
					 "place that nothing is taken from");
	return 0;
}

static int set_host_content(struct plan *p, struct plan_node *node, const struct host_root *root,
			    const char *path, const char *name, const struct stat *st)
{
	struct host_file *f = arena_alloc(&p->arena, sizeof(*f));

	if (!f)
		return -RIMG_E_NOMEM;
	*f = (struct host_file){ .root = root,
				 .path = arena_copy(&p->arena, path, strlen(path)),
				 .name = arena_copy(&p->arena, name, strlen(name)),
				 .dev = st->st_dev,
				 .ino = st->st_ino,
				 .size = st->st_size,
				 .mtime = st->st_mtim };
	if (!f->path || !f->name)
		return -RIMG_E_NOMEM;
	node->origin = f->name;
	node->content = source_custom(&p->arena, (uint64_t)st->st_size, f->name, host_file_read, f);
	return node->content ? 0 : -RIMG_E_NOMEM;
}

static uint32_t mode_of(const struct stat *st, const struct inputs_rules *rules)
{
	if (rules->keep_modes)
		return (uint32_t)st->st_mode & 07777;
	if (S_ISDIR(st->st_mode))
		return MODE_EXEC;
	return st->st_mode & S_IXUSR ? MODE_EXEC : MODE_FILE;
}

int inputs_set_file(struct plan *p, struct plan_node *node, const char *path, const char *shown,
		    const struct inputs_rules *rules, struct rimg_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_os(err, path, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return error_set(err, RIMG_E_ARG, path, "expected a regular file, found %s",
				 source_file_kind(st.st_mode));
	if (check_not_output(rules, path, &st, err) < 0)
		return -RIMG_E_ARG;
	node->mode = mode_of(&st, rules);
	return set_host_content(p, node, NULL, path, shown, &st) < 0 ? error_nomem(err) : 0;
}

/* ---- host directories --------------------------------------------------------------------- */

struct walk {
	struct plan *plan;
	const struct host_root *root;
	const char *root_path;
	const struct inputs_rules *rules;
	struct rimg_error *err;
};

struct name_list {
	char **names;
	size_t n, cap;
};

static void name_list_done(struct name_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct name_list *l, const char *name)
{
	char **names = vec_grow(l->names, &l->cap, l->n, sizeof(*names));

	if (!names)
		return -RIMG_E_NOMEM;
	l->names = names;
	names[l->n] = strdup(name);
	return names[l->n++] ? 0 : -RIMG_E_NOMEM;
}

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The names in a directory, sorted by bytes: the order that the host lists them in must not show.
 */
static int list_names(const struct walk *w, const char *path, const char *shown,
		      struct name_list *ret)
{
	int fd = openat(w->root->fd, path[0] ? path : ".",
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_with(cleanup_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return error_os(w->err, shown, "cannot list the directory");
	}
	while (errno = 0, (d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (add_name(ret, d->d_name) < 0)
			return error_nomem(w->err);
	}
	if (errno != 0)
		return error_os(w->err, shown, "cannot list the directory");
	if (ret->n > 0)
		qsort(ret->names, ret->n, sizeof(*ret->names), compare_names);
	return 0;
}

static int set_link(const struct walk *w, struct plan_node *node, const char *path,
		    const char *shown, const struct stat *st)
{
	size_t cap = st->st_size > 0 ? (size_t)st->st_size + 1 : 4096;
	auto_free char *target = malloc(cap);
	ssize_t n;

	if (!target)
		return error_nomem(w->err);
	n = readlinkat(w->root->fd, path, target, cap);
	if (n < 0)
		return error_os(w->err, shown, "cannot read the symbolic link");
	if ((size_t)n >= cap)
		return error_set(w->err, RIMG_E_IO, shown,
				 "the symbolic link changed while it was read");
	node->mode = 0777;
	return inputs_set_bytes(w->plan, node, target, (size_t)n) < 0 ? error_nomem(w->err) : 0;
}

static int add_dir(const struct walk *w, struct plan_node *into, const char *path, unsigned depth);

static int add_entry(const struct walk *w, struct plan_node *into, const char *name,
		     const char *path, unsigned depth)
{
	auto_str struct str shown = { 0 };
	struct plan_node *node;
	enum rimg_role role = RIMG_ROLE_FILE;
	struct stat st;

	str_printf(&shown, "%s/%s", w->root_path, path);
	if (shown.failed)
		return error_nomem(w->err);
	if (fstatat(w->root->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_os(w->err, shown.data, "cannot look at it");
	if (S_ISDIR(st.st_mode))
		role = RIMG_ROLE_DIR;
	else if (S_ISLNK(st.st_mode))
		role = RIMG_ROLE_SYMLINK;
	else if (!S_ISREG(st.st_mode) && w->rules->skip_special)
		return 0;
	else if (!S_ISREG(st.st_mode))
		return error_set(w->err, RIMG_E_ARG, shown.data,
				 "expected files, directories and symbolic links, found a socket, "
				 "device or FIFO (skip_special = true leaves it out)");
	node = inputs_put(w->plan, into, role, name, strlen(name), w->rules, w->err);
	if (!node)
		return -RIMG_E_ARG;
	inputs_stamp(node, w->rules);
	if (role == RIMG_ROLE_SYMLINK)
		return set_link(w, node, path, shown.data, &st);
	node->mode = mode_of(&st, w->rules);
	if (role == RIMG_ROLE_DIR)
		return add_dir(w, node, path, depth + 1);
	if (check_not_output(w->rules, shown.data, &st, w->err) < 0)
		return -RIMG_E_ARG;
	if (set_host_content(w->plan, node, w->root, path, shown.data, &st) < 0)
		return error_nomem(w->err);
	return 0;
}

/* As deep as directories nest on the host, DEPTH_MAX at most. */
static int add_dir(const struct walk *w, struct plan_node *into, const char *path, unsigned depth)
{
	auto_with(name_list_done) struct name_list list = { 0 };
	auto_str struct str below = { 0 };
	int rc;

	str_printf(&below, "%s%s%s", w->root_path, path[0] ? "/" : "", path);
	if (below.failed)
		return error_nomem(w->err);
	if (depth > DEPTH_MAX)
		return error_set(w->err, RIMG_E_LIMIT, below.data,
				 "expected at most %d directories inside each other", DEPTH_MAX);
	rc = list_names(w, path, below.data, &list);
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		str_clear(&below);
		str_printf(&below, "%s%s%s", path, path[0] ? "/" : "", list.names[i]);
		if (below.failed)
			return error_nomem(w->err);
		rc = add_entry(w, into, list.names[i], below.data, depth);
	}
	return rc;
}

int inputs_add_dir(struct plan *p, struct plan_node *into, const char *path, const char *shown,
		   const struct inputs_rules *rules, struct rimg_error *err)
{
	struct walk w = { .plan = p, .root_path = shown, .rules = rules, .err = err };
	struct stat st;

	w.root = open_root(p, path, err);
	if (!w.root)
		return -RIMG_E_IO;
	if (fstat(w.root->fd, &st) < 0)
		return error_os(err, path, "cannot look at it");
	if (into == p->root || into->mode == 0)
		into->mode = mode_of(&st, rules);
	return add_dir(&w, into, "", 0);
}
