/* SPDX-License-Identifier: MIT */
#include "diff/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/leftover.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/sink.h"
#include "core/str.h"
#include "diff/hosttree.h"
#include "diff/listing.h"

#define HOLE_UNIT ((size_t)4096) /* zeros of this length become holes */

/* ---- complaints ----------------------------------------------------------------------------- */

void extract_skip(struct extract *x, const struct rimg_node *node, const char *fmt, ...)
{
	auto_free char *address = node_full_address(node);
	auto_free char *why = NULL;
	va_list args;

	va_start(args, fmt);
	why = str_vformat(fmt, args);
	va_end(args);
	call_complain(x->call, "%s: not extracted: %s", address ? address : "", why ? why : "");
	x->n_skipped++;
}

int extract_host_error(struct extract *x, const struct rimg_node *node, const char *what,
		       struct rimg_error *err)
{
	auto_free char *address = NULL;
	int why = errno;

	switch (why) {
	case EEXIST: extract_skip(x, node, "another entry already has its name"); return 0;
	case ENAMETOOLONG:
	case EINVAL:
	case EILSEQ:
	case EFBIG:
	case ENOENT:
	case EOPNOTSUPP: extract_skip(x, node, "%s: %s", what, strerror(why)); return 0;
	default: break;
	}
	address = node_full_address(node);
	errno = why;
	return error_os(err, address ? address : "", what);
}

static void unset(struct extract *x, const struct rimg_node *node, const char *what)
{
	auto_free char *address = NULL;
	int why = errno;

	address = node_full_address(node);
	call_complain(x->call, "%s: its %s cannot be set here: %s", address ? address : "", what,
		      strerror(why));
	x->n_unset++;
}

/* ---- owner, mode, times --------------------------------------------------------------------- */

struct metadata {
	bool has_owner, bad_owner, has_mode, has_times, bad_times;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct timespec times[2]; /* access, modification */
};

static bool valid_time(const struct rimg_attr *a, struct timespec *ret)
{
	if (a->time.ns >= 1000000000)
		return false;
	ret->tv_sec = a->time.s;
	ret->tv_nsec = a->time.ns;
	return true;
}

/* The number of an owner, as long as it does not mean "leave it" to the host. */
static bool valid_owner(const struct rimg_node *inode, const char *key, uint32_t *ret)
{
	uint64_t id = node_attr_u64(inode, key, UINT64_MAX);

	*ret = (uint32_t)id;
	return id < UINT32_MAX;
}

static struct metadata metadata_of(const struct extract *x, const struct rimg_node *node)
{
	const struct rimg_node *inode = listing_inode(node);
	const struct rimg_attr *atime = node_attr(inode, "atime");
	const struct rimg_attr *mtime = node_attr(inode, "mtime");
	uint64_t mode = node_attr_u64(inode, "mode", UINT64_MAX);
	struct metadata m = { .has_mode = mode != UINT64_MAX };

	m.mode = (mode_t)(mode & (x->special ? 07777 : 0777));
	m.has_owner =
		x->owners && valid_owner(inode, "uid", &m.uid) && valid_owner(inode, "gid", &m.gid);
	m.has_times = mtime && mtime->type == ATTR_TIME;
	m.times[0].tv_nsec = UTIME_OMIT;
	if (m.has_times && atime && atime->type == ATTR_TIME)
		m.bad_times = !valid_time(atime, &m.times[0]);
	if (m.has_times)
		m.bad_times |= !valid_time(mtime, &m.times[1]);
	return m;
}

void extract_attributes(struct extract *x, int fd, const struct rimg_node *node)
{
	struct metadata m = metadata_of(x, node);
	struct stat st;

	/* the owner first: changing it takes away the set-id bits */
	errno = ERANGE;
	if (m.bad_owner || (m.has_owner && fchown(fd, m.uid, m.gid) < 0))
		unset(x, node, "owner");
	if (m.has_mode && fchmod(fd, m.mode) < 0)
		unset(x, node, "mode");
	else if (m.has_mode && m.mode & 07000 && fstat(fd, &st) == 0 &&
		 (st.st_mode & 07777) != m.mode) {
		errno = EPERM;
		unset(x, node, "set-id or sticky bit");
	}
	errno = ERANGE;
	if (m.bad_times || (m.has_times && futimens(fd, m.times) < 0))
		unset(x, node, "time");
}

static void link_attributes(struct extract *x, int dir, const char *name,
			    const struct rimg_node *node)
{
	struct metadata m = metadata_of(x, node);

	errno = ERANGE;
	if (m.bad_owner ||
	    (m.has_owner && fchownat(dir, name, m.uid, m.gid, AT_SYMLINK_NOFOLLOW) < 0))
		unset(x, node, "owner");
	errno = ERANGE;
	if (m.bad_times || (m.has_times && utimensat(dir, name, m.times, AT_SYMLINK_NOFOLLOW) < 0))
		unset(x, node, "time");
}

/* ---- contents ------------------------------------------------------------------------------- */

/* The first byte from @off on that may be other than zero. */
static uint64_t skip_hole(const struct rimg_source *src, uint64_t off)
{
	uint64_t next = source_next_data(src, off);
	struct source_piece p;

	if (off >= rimg_source_size(src))
		return off;
	if (next == off && source_map(src, off, &p) && p.kind == PIECE_ZERO)
		next = p.off + p.len;
	return next;
}

/* Writes the units of @buf that are not zero; the file already has its size. */
static int write_sparse(int fd, const uint8_t *buf, size_t len, uint64_t off)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i += HOLE_UNIT) {
		size_t unit = (size_t)num_min(HOLE_UNIT, len - i);

		if (!mem_is_zero(buf + i, unit))
			continue;
		if (i > from && host_write(fd, buf + from, i - from, off + from) < 0)
			return -1;
		from = i + unit;
	}
	return len > from ? host_write(fd, buf + from, len - from, off + from) : 0;
}

int extract_interrupted(struct rimg_error *err)
{
	int sig = leftover_interrupted();

	return sig ? error_set(err, RIMG_E_IO, NULL, "interrupted by signal %d", sig) : 0;
}

static int spend(struct extract *x, const struct rimg_node *node, uint64_t len,
		 struct rimg_error *err)
{
	auto_free char *address = NULL;

	if (len <= x->budget) {
		x->budget -= len;
		return 0;
	}
	address = node_full_address(node);
	return error_set(err, RIMG_E_LIMIT, address,
			 "the contents of this image are many times larger than it is; it is "
			 "built to fill the disk" LIMIT_MORE("read-extra"));
}

/* Copies the content into the new file @fd. 1: done; 0: the entry is left out. */
static int write_content(struct extract *x, int fd, const struct rimg_node *node,
			 struct rimg_error *err)
{
	const struct rimg_source *src = listing_inode(node)->content;
	uint64_t size = rimg_source_size(src);
	struct rimg_error why;
	int rc;

	if (!file_set_size(fd, size))
		return extract_host_error(x, node, "cannot make a file of its size", err);
	for (uint64_t off = skip_hole(src, 0); off < size; off = skip_hole(src, off)) {
		size_t n = (size_t)num_min(size - off, EXTRACT_CHUNK);

		rc = spend(x, node, n, err);
		if (rc == 0)
			rc = extract_interrupted(err);
		if (rc < 0)
			return rc;
		if (rimg_source_read(src, off, x->buf, n, &why) < 0) {
			char line[sizeof(why.where) + sizeof(why.text) + 64];

			extract_skip(x, node, "its content cannot be read: %s",
				     rimg_error_format(&why, line, sizeof(line)));
			return 0;
		}
		if (write_sparse(fd, x->buf, n, off) < 0)
			return extract_host_error(x, node, "cannot write", err);
		off += n;
	}
	return 1;
}

/* ---- entries -------------------------------------------------------------------------------- */

static int make_file(struct extract *x, int dir, const char *name, const struct rimg_node *node,
		     bool *ret_made, struct rimg_error *err)
{
	const struct rimg_node *inode = listing_inode(node);
	bool has_mode = node_attr(inode, "mode") != NULL;
	auto_close int fd = -1;
	int rc;

	if (!inode->content) {
		extract_skip(x, node, "its content cannot be read");
		return 0;
	}
	fd = host_open(dir, name, O_RDWR | O_CREAT | O_EXCL, has_mode ? 0600 : 0666);
	if (fd < 0)
		return extract_host_error(x, node, "cannot create it", err);
	rc = write_content(x, fd, node, err);
	if (rc <= 0) {
		unlinkat(dir, name, 0);
		return rc;
	}
	extract_attributes(x, fd, node);
	if (x->sync && fsync(fd) < 0) {
		rc = extract_host_error(x, node, "cannot flush it to the disk", err);
		unlinkat(dir, name, 0);
		return rc;
	}
	*ret_made = true;
	return 0;
}

static int make_link(struct extract *x, int dir, const char *name, const struct rimg_node *node,
		     bool *ret_made, struct rimg_error *err)
{
	auto_str struct str target = { 0 };
	struct rimg_error why;

	if (listing_target(node, &target, &why) < 0) {
		extract_skip(x, node, "%s", why.text);
		return 0;
	}
	if (target.failed)
		return error_nomem(err);
	if (memchr(str_cstr(&target), '\0', target.len)) {
		extract_skip(x, node, "its target holds a NUL");
		return 0;
	}
	/* the target is not looked at: nothing that rimg does goes through it */
	if (symlinkat(str_cstr(&target), dir, name) < 0)
		return extract_host_error(x, node, "cannot create the link", err);
	link_attributes(x, dir, name, node);
	*ret_made = true;
	return 0;
}

int extract_entry(struct extract *x, int dir, const char *name, const struct rimg_node *node,
		  bool *ret_made, struct rimg_error *err)
{
	int rc;

	*ret_made = false;
	if (node->role == RIMG_ROLE_SYMLINK)
		rc = make_link(x, dir, name, node, ret_made, err);
	else
		rc = make_file(x, dir, name, node, ret_made, err);
	if (*ret_made)
		x->n_made++;
	return rc;
}

/* ---- a single file -------------------------------------------------------------------------- */

struct one {
	struct extract *x;
	const struct rimg_node *node;
	bool made;
	int rc;
	struct rimg_error *err;
};

/* Is the name free? extract_entry() takes one that is not for a second entry of that name. */
static int make_one(int dir, const char *name, void *arg)
{
	struct one *one = arg;

	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	one->rc = extract_entry(one->x, dir, name, one->node, &one->made, one->err);
	return 0;
}

int extract_one(struct extract *x, const struct rimg_node *node, const char *dest,
		struct rimg_error *err)
{
	struct one one = { .x = x, .node = node, .err = err };
	const char *name;
	auto_close int dir = host_parent(dest, &name, err);
	struct stat old;
	bool is_there;
	char temp[32];
	int rc;

	if (dir < 0)
		return dir;
	rc = sink_may_replace(dir, name, dest, &old, &is_there, err);
	if (rc < 0)
		return rc;
	x->sync = true;
	if (host_temporary(dir, make_one, &one, temp) < 0)
		return error_os(err, dest, "cannot create a temporary file beside it");
	if (one.rc < 0 || !one.made)
		return one.rc;
	rc = rimg_source_verify(node->image->src, err);
	if (rc == 0 && renameat(dir, temp, dir, name) < 0)
		rc = error_os(err, dest, "cannot give the finished file its name");
	if (rc < 0)
		unlinkat(dir, temp, 0);
	else if (fsync(dir) < 0)
		rc = error_os(err, dest, "cannot flush its directory to the disk");
	return rc;
}
