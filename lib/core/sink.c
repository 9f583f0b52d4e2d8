/* SPDX-License-Identifier: MIT */
#include "core/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/leftover.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/source.h"
#include "core/str.h"

#define COPY_CHUNK ((size_t)1 << 20)
#define DISK_CHUNK ((uint64_t)8 << 20) /* written bytes that the disk is told of */
#define HOLE_UNIT  ((size_t)4096)      /* runs of zeros this long, so aligned, are not written */

#define TEMP_STEM_MAX 200 /* of the 255 bytes that a name may have */

enum sink_kind {
	SINK_FILE,
	SINK_COMPARE,
	SINK_SLICE,
};

/* A run of bytes that somebody wrote into a comparing sink. */
struct written {
	uint64_t off;
	uint64_t len;
};

struct sink {
	enum sink_kind kind;
	uint64_t size;
	union {
		struct {
			int fd;
			int dir;      /* the directory it lies in */
			char *name;   /* final name in the directory; NULL: stays unnamed */
			char *temp;   /* its name until then; NULL: it has none */
			char *path;   /* for messages */
			bool keep;    /* never replace what is there */
			int leftover; /* number of the temporary file there; -1: none */
			_Atomic uint64_t written; /* bytes, by all threads */
			struct rimg_source *back; /* made by sink_source() */
		} file;
		struct {
			const struct rimg_source *existing;
			pthread_mutex_t lock;
			struct written *written;
			size_t n, cap;
			uint64_t differs; /* lowest offset known to differ; UINT64_MAX: none */
		} compare;
		struct {
			struct sink *parent;
			uint64_t off;
			const struct rimg_source *back;
			struct arena *arena;
		} slice;
	};
};

/* ---- files -------------------------------------------------------------------------------- */

static void file_done(struct sink *s)
{
	rimg_source_free(s->file.back);
	if (s->file.temp)
		unlinkat(s->file.dir, s->file.temp, 0);
	leftover_drop(s->file.leftover);
	if (s->file.fd >= 0)
		close(s->file.fd);
	if (s->file.dir >= 0)
		close(s->file.dir);
	free(s->file.name);
	free(s->file.temp);
	free(s->file.path);
}

/* Open the directory of the path and keep its last component. */
static int find_place(struct sink *s, const char *path, struct rimg_error *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	s->file.path = strdup(path);
	s->file.name = strdup(slash ? slash + 1 : path);
	if (!dir || !s->file.path || !s->file.name)
		return error_nomem(err);
	if (s->file.name[0] == '\0')
		return error_set(err, RIMG_E_ARG, path, "expected the name of a file to write");
	if (strcmp(path, "-") == 0)
		return error_set(err, RIMG_E_ARG, path,
				 "expected the name of a file: this is not written to standard "
				 "output; ./- is a file of that name");
	s->file.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->file.dir < 0)
		return error_os(err, path, "cannot open the directory to write it in");
	return 0;
}

int sink_may_replace(int dir, const char *name, const char *path, struct stat *ret, bool *ret_there,
		     struct rimg_error *err)
{
	struct stat target;

	*ret_there = fstatat(dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*ret_there && errno != ENOENT)
		return error_os(err, path, "cannot look at what is there");
	if (!*ret_there)
		return 0;
	target = *ret;
	if (S_ISLNK(ret->st_mode) && fstatat(dir, name, &target, 0) < 0)
		return 0;
	if (S_ISREG(target.st_mode))
		return 0;
	return error_set(err, RIMG_E_ARG, path,
			 "expected a regular file or nothing to be there, found %s: give another "
			 "name for the output",
			 source_file_kind(target.st_mode));
}

/* The new file is as open to others as the one whose place it takes. Where the group cannot be
 * kept, it gets no more than everybody has. */
static int keep_access(const struct sink *s, const struct stat *old, struct rimg_error *err)
{
	mode_t mode = old->st_mode & 0777;

	if (fchown(s->file.fd, old->st_uid, old->st_gid) < 0 &&
	    fchown(s->file.fd, (uid_t)-1, old->st_gid) < 0)
		mode = (mode & 0707) | (mode & 0007) << 3;
	if (fchmod(s->file.fd, mode) < 0)
		return error_os(err, s->file.path, "cannot keep the mode of the file there");
	return 0;
}

/* The first free name of "NAME.rimg-0.tmp", "NAME.rimg-1.tmp", ...: what a killed run left behind
 * must not block the next one, and no clock or process id is needed. A long NAME is cut, so that
 * any name the file system can hold can be written. */
static int create_temporary(struct sink *s, mode_t mode, struct rimg_error *err)
{
	for (unsigned i = 0; i < 10000; i++) {
		auto_str struct str name = { 0 };

		str_printf(&name, "%.*s.rimg-%u.tmp", TEMP_STEM_MAX, s->file.name, i);
		if (name.failed)
			return error_nomem(err);
		s->file.fd = openat(s->file.dir, name.data,
				    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (s->file.fd >= 0) {
			s->file.leftover = leftover_add(s->file.dir, name.data);
			s->file.temp = str_take(&name);
			return s->file.temp ? 0 : error_nomem(err);
		}
		if (errno != EEXIST)
			break;
	}
	return error_os(err, s->file.path, "cannot create a temporary file beside it");
}

enum file_fate {
	FILE_REPLACES, /* takes the place of what is there */
	FILE_KEEPS,    /* never does */
	FILE_UNNAMED,  /* is gone at the end */
};

/* Creates the temporary file, open to others as it is to be in the end. */
static int create(struct sink *s, enum file_fate fate, mode_t mode, struct rimg_error *err)
{
	struct stat old;
	bool there = false;

	if (fate == FILE_REPLACES &&
	    sink_may_replace(s->file.dir, s->file.name, s->file.path, &old, &there, err) < 0)
		return -RIMG_E_ARG;
	there = there && S_ISREG(old.st_mode); /* the access to a link is everybody's */
	if (create_temporary(s, there ? 0600 : mode, err) < 0)
		return -RIMG_E_IO;
	return there ? keep_access(s, &old, err) : 0;
}

bool file_set_size(int fd, uint64_t size)
{
	int rc;

	if (size > INT64_MAX) {
		errno = EFBIG;
		return false;
	}
	do {
		rc = ftruncate(fd, (off_t)size);
	} while (rc < 0 && errno == EINTR);
	return rc == 0;
}

static struct sink *file_new(const char *path, uint64_t size, enum file_fate fate, mode_t mode,
			     struct rimg_error *err)
{
	auto_sink struct sink *s = calloc(1, sizeof(*s));

	if (!s) {
		error_nomem(err);
		return NULL;
	}
	s->kind = SINK_FILE;
	s->size = size;
	s->file.fd = s->file.dir = s->file.leftover = -1;
	s->file.keep = fate == FILE_KEEPS;
	if (find_place(s, path, err) < 0 || create(s, fate, mode, err) < 0)
		return NULL;
	if (fate == FILE_UNNAMED) {
		unlinkat(s->file.dir, s->file.temp, 0);
		leftover_drop(s->file.leftover);
		s->file.leftover = -1;
		free(take_ptr(s->file.temp));
		free(take_ptr(s->file.name));
	}
	if (!file_set_size(s->file.fd, size)) {
		error_os(err, path, "cannot make a file of its size");
		return NULL;
	}
	return take_ptr(s);
}

struct sink *sink_file(const char *path, uint64_t size, struct rimg_error *err)
{
	return file_new(path, size, FILE_REPLACES, 0644, err);
}

struct sink *sink_new(const char *path, uint64_t size, struct rimg_error *err)
{
	return file_new(path, size, FILE_KEEPS, 0644, err);
}

struct sink *sink_secret(const char *path, uint64_t size, struct rimg_error *err)
{
	return file_new(path, size, FILE_KEEPS, 0600, err);
}

struct sink *sink_temporary(const char *path, uint64_t size, struct rimg_error *err)
{
	return file_new(path, size, FILE_UNNAMED, 0600, err);
}

/* The disk begins while there is still something to compute, so that the flush at the end has
 * little to wait for. This is a hint: what fails here is told by the flush. */
static void begin_flush(struct sink *s, size_t n)
{
	uint64_t before = atomic_fetch_add(&s->file.written, n);

	if (s->file.name && before / DISK_CHUNK != (before + n) / DISK_CHUNK)
		(void)sync_file_range(s->file.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int file_write(struct sink *s, uint64_t off, const uint8_t *buf, size_t len,
		      struct rimg_error *err)
{
	while (len > 0) {
		ssize_t n = pwrite(s->file.fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			error_os(err, s->file.path, "cannot write");
			if (err) {
				err->has_off = true;
				err->off = off;
			}
			return -RIMG_E_IO;
		}
		begin_flush(s, (size_t)n);
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Give the file its final name; some file systems know no renaming that does not replace. */
static int give_name(const struct sink *s)
{
	int dir = s->file.dir;

	if (!s->file.keep)
		return renameat(dir, s->file.temp, dir, s->file.name);
	if (renameat2(dir, s->file.temp, dir, s->file.name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dir, s->file.temp, dir, s->file.name, 0) < 0)
		return -1;
	return unlinkat(dir, s->file.temp, 0);
}

int sink_flush(struct sink *s, struct rimg_error *err)
{
	if (s->kind == SINK_FILE && fsync(s->file.fd) < 0)
		return error_os(err, s->file.path, "cannot flush it to the disk");
	return 0;
}

int sink_commit(struct sink *s, struct rimg_error *err)
{
	if (s->kind != SINK_FILE || !s->file.temp)
		return error_set(err, RIMG_E_INTERNAL, NULL, "only a named file can be committed");
	/* who made it may not have noticed that a part is missing */
	if (mem_failure())
		return error_nomem(err);
	if (sink_flush(s, err) < 0)
		return -RIMG_E_IO;
	if (give_name(s) < 0)
		return error_os(err, s->file.path, "cannot give the finished file its name");
	leftover_drop(s->file.leftover);
	s->file.leftover = -1;
	free(take_ptr(s->file.temp));
	if (fsync(s->file.dir) == 0)
		return 0;
	(void)error_os(err, s->file.path, "cannot flush its directory to the disk");
	if (s->file.keep) /* nothing was there before, and so it shall be */
		(void)unlinkat(s->file.dir, s->file.name, 0);
	return -RIMG_E_IO;
}

/* ---- comparing ---------------------------------------------------------------------------- */

struct sink *sink_compare(const struct rimg_source *existing, uint64_t size, struct rimg_error *err)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s || pthread_mutex_init(&s->compare.lock, NULL) != 0) {
		free(s);
		error_nomem(err);
		return NULL;
	}
	s->kind = SINK_COMPARE;
	s->size = size;
	s->compare.existing = existing;
	s->compare.differs = UINT64_MAX;
	return s;
}

static void compare_done(struct sink *s)
{
	pthread_mutex_destroy(&s->compare.lock);
	free(s->compare.written);
}

static void note_difference(struct sink *s, uint64_t off)
{
	s->compare.differs = num_min(s->compare.differs, off);
}

/* Bytes of [off, off + len) against @buf; NULL stands for zeros. */
static int compare_run(struct sink *s, uint64_t off, const uint8_t *buf, uint64_t len,
		       uint64_t *ret_differs, struct rimg_error *err)
{
	uint64_t have = rimg_source_size(s->compare.existing);
	auto_free uint8_t *theirs = malloc(COPY_CHUNK);

	if (!theirs)
		return error_nomem(err);
	for (uint64_t done = 0; done < len && *ret_differs == UINT64_MAX;) {
		size_t n = (size_t)num_min(len - done, COPY_CHUNK);
		int rc;

		if (off + done >= have) {
			*ret_differs = off + done;
			break;
		}
		n = (size_t)num_min(n, have - (off + done));
		rc = rimg_source_read(s->compare.existing, off + done, theirs, n, err);
		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++) {
			if (theirs[i] != (buf ? buf[done + i] : 0)) {
				*ret_differs = off + done + i;
				break;
			}
		}
		done += n;
	}
	return 0;
}

static int compare_write(struct sink *s, uint64_t off, const uint8_t *buf, size_t len,
			 struct rimg_error *err)
{
	uint64_t differs = UINT64_MAX;
	int rc = compare_run(s, off, buf, len, &differs, err);
	struct written *written;

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&s->compare.lock);
	note_difference(s, differs);
	written = vec_grow(s->compare.written, &s->compare.cap, s->compare.n, sizeof(*written));
	if (written) {
		s->compare.written = written;
		written[s->compare.n++] = (struct written){ .off = off, .len = len };
	}
	pthread_mutex_unlock(&s->compare.lock);
	return written ? 0 : error_nomem(err);
}

static int compare_written(const void *pa, const void *pb)
{
	const struct written *a = pa, *b = pb;

	return (a->off > b->off) - (a->off < b->off);
}

/* What was never written must be zero in the existing file, too. */
static int compare_rest(struct sink *s, struct rimg_error *err)
{
	uint64_t end = 0;

	if (s->compare.n > 0)
		qsort(s->compare.written, s->compare.n, sizeof(struct written), compare_written);
	for (size_t i = 0; i <= s->compare.n; i++) {
		uint64_t next = i < s->compare.n ? s->compare.written[i].off : s->size;
		uint64_t differs = UINT64_MAX;
		uint64_t from = source_next_data(s->compare.existing, end);
		int rc = 0;

		from = num_max(from, end);
		if (next > from)
			rc = compare_run(s, from, NULL, next - from, &differs, err);
		if (rc < 0)
			return rc;
		note_difference(s, differs);
		if (i < s->compare.n)
			end = num_max(end, next + s->compare.written[i].len);
	}
	return 0;
}

int sink_differs(struct sink *s, uint64_t *ret_off, struct rimg_error *err)
{
	uint64_t have;
	int rc;

	if (s->kind != SINK_COMPARE)
		return error_set(err, RIMG_E_INTERNAL, NULL, "only a comparing sink has a verdict");
	have = rimg_source_size(s->compare.existing);
	rc = compare_rest(s, err);
	if (rc < 0)
		return rc;
	if (have != s->size)
		note_difference(s, num_min(have, s->size));
	if (s->compare.differs == UINT64_MAX)
		return 0;
	*ret_off = s->compare.differs;
	return 1;
}

/* ---- all kinds ---------------------------------------------------------------------------- */

struct sink *sink_slice(struct arena *a, struct sink *parent, uint64_t off, uint64_t len)
{
	struct sink *s = arena_alloc(a, sizeof(*s));

	if (!s)
		return NULL;
	s->kind = SINK_SLICE;
	s->size = len;
	s->slice.parent = parent;
	s->slice.off = off;
	s->slice.arena = a;
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	if (s->kind == SINK_FILE)
		file_done(s);
	else if (s->kind == SINK_COMPARE)
		compare_done(s);
	free(s);
}

uint64_t sink_size(const struct sink *s)
{
	return s->size;
}

int sink_write(struct sink *s, uint64_t off, const void *buf, size_t len, struct rimg_error *err)
{
	if (!num_in_range(off, len, s->size))
		return error_set(err, RIMG_E_TRUNCATED, NULL,
				 "expected to write inside of %" PRIu64
				 " bytes, found %zu bytes at "
				 "%" PRIu64,
				 s->size, len, off);
	switch (s->kind) {
	case SINK_FILE: return file_write(s, off, buf, len, err);
	case SINK_COMPARE: return compare_write(s, off, buf, len, err);
	case SINK_SLICE: return sink_write(s->slice.parent, s->slice.off + off, buf, len, err);
	}
	return error_set(err, RIMG_E_INTERNAL, NULL, "unknown kind of sink");
}

/* Write a buffer without the aligned units of it that are all zero. */
static int write_sparse(struct sink *s, uint64_t off, const uint8_t *buf, size_t len,
			struct rimg_error *err)
{
	size_t start = 0;

	for (size_t i = 0; i < len;) {
		size_t n = (size_t)num_min(len - i, HOLE_UNIT);
		int rc = 0;

		if (mem_is_zero(buf + i, n)) {
			if (i > start)
				rc = sink_write(s, off + start, buf + start, i - start, err);
			start = i + n;
		}
		if (rc < 0)
			return rc;
		i += n;
	}
	return len > start ? sink_write(s, off + start, buf + start, len - start, err) : 0;
}

int sink_copy(struct sink *s, uint64_t off, const struct rimg_source *src, struct rimg_error *err)
{
	uint64_t size = rimg_source_size(src);
	auto_free uint8_t *buf = malloc(COPY_CHUNK);

	if (!buf)
		return error_nomem(err);
	for (uint64_t at = source_next_data(src, 0); at < size; at = source_next_data(src, at)) {
		size_t n = (size_t)num_min(size - at, COPY_CHUNK);
		int rc = rimg_source_read(src, at, buf, n, err);

		if (rc == 0)
			rc = write_sparse(s, off + at, buf, n, err);
		if (rc < 0)
			return rc;
		at += n;
	}
	return 0;
}

const struct rimg_source *sink_source(struct sink *s, struct rimg_error *err)
{
	const struct rimg_source *parent;
	int fd;

	switch (s->kind) {
	case SINK_COMPARE: return s->compare.existing;
	case SINK_FILE:
		if (s->file.back)
			return s->file.back;
		fd = fcntl(s->file.fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0) {
			error_os(err, s->file.path, "cannot read back what was written");
			return NULL;
		}
		s->file.back = rimg_source_open_fd(fd, s->file.path, err);
		return s->file.back;
	case SINK_SLICE: break;
	}
	if (s->slice.back)
		return s->slice.back;
	parent = sink_source(s->slice.parent, err);
	if (parent)
		s->slice.back = source_slice(s->slice.arena, parent, s->slice.off, s->size);
	if (parent && !s->slice.back)
		error_nomem(err);
	return s->slice.back;
}

int sink_refuse(const char *path, const char *input, struct rimg_error *err)
{
	struct stat out, in;
	bool same;

	if (!path || !input)
		return 0;
	/* a link that stands at @path is replaced, not what it leads to */
	same = lstat(path, &out) == 0 && stat(input, &in) == 0 && out.st_dev == in.st_dev &&
	       out.st_ino == in.st_ino;
	if (!same && strcmp(path, input) != 0)
		return 0;
	return error_set(err, RIMG_E_ARG, path,
			 "would be overwritten, and has another part in this: give another name "
			 "for the output");
}

int sink_save(const char *path, const void *data, size_t len, struct rimg_error *err)
{
	auto_sink struct sink *sink = sink_file(path, len, err);
	int rc;

	if (!sink)
		return -RIMG_E_IO;
	rc = sink_write(sink, 0, data, len, err);
	return rc < 0 ? rc : sink_commit(sink, err);
}
