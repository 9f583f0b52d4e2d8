/* SPDX-License-Identifier: MIT */
#include "core/source.h"

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
#include "core/mem.h"
#include "core/num.h"

enum source_kind {
	SOURCE_FILE,
	SOURCE_MEMORY,
	SOURCE_CUSTOM,
	SOURCE_SLICE,
	SOURCE_EXTENTS,
	SOURCE_VIEW,
};

#define CACHE_SLOTS 8 /* contents read in small steps at the same time */

/* The blocks decoded last by any extents source of some arenas: small reads in order decode each
 * block once, and an image of many files and layers holds a few blocks, not one a file. */
struct block_cache {
	pthread_mutex_t lock;
	uint64_t
		last_id; /* given to a source; never again, so what a freed one left is never met */
	uint64_t now;    /* counts uses */
	struct cache_slot {
		uint64_t id; /* of the source; 0: nothing is in buf */
		size_t piece;
		uint64_t used; /* when */
		uint8_t *buf;
		size_t cap;
	} slots[CACHE_SLOTS];
};

struct rimg_source {
	enum source_kind kind;
	uint64_t size;
	const char *name;               /* ground only */
	const struct rimg_source *base; /* NULL for ground */
	union {
		struct {
			int fd;
			struct timespec mtime;
			_Atomic uint64_t *failed; /* 1 + the first offset that could not be read */
		} file;
		const uint8_t *memory;
		struct {
			source_custom_read read;
			const void *ctx;
		} custom;
		uint64_t slice_off;
		struct {
			const struct source_piece *pieces;
			size_t n;
			source_decode decode;
			const void *ctx;
			struct block_cache *cache;
			uint64_t id; /* in the cache */
		} extents;
		struct {
			uint32_t unit;
			source_transform transform;
			const void *ctx;
		} view;
	};
};

/* ---- ground ------------------------------------------------------------------------------- */

static struct rimg_source *ground_new(enum source_kind kind, uint64_t size, const char *name)
{
	struct rimg_source *src = calloc(1, sizeof(*src));

	if (!src)
		return NULL;
	src->kind = kind;
	src->size = size;
	src->name = strdup(name);
	if (!src->name) {
		free(src);
		return NULL;
	}
	return src;
}

const char *source_file_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "a regular file";
	case S_IFDIR: return "a directory";
	case S_IFLNK: return "a symbolic link";
	case S_IFBLK: return "a block device";
	case S_IFCHR: return "a character device";
	case S_IFIFO: return "a pipe";
	case S_IFSOCK: return "a socket";
	default: return "something else";
	}
}

struct rimg_source *rimg_source_open_fd(int fd, const char *name, struct rimg_error *err)
{
	auto_close int own = fd;
	struct rimg_source *src;
	struct stat st;
	off_t size;

	if (fstat(own, &st) < 0) {
		error_os(err, name, "cannot look at it");
		return NULL;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		error_set(err, RIMG_E_ARG, name,
			  "expected a regular file or a block device, found %s%s",
			  source_file_kind(st.st_mode),
			  S_ISDIR(st.st_mode) ? "" : "; copy what comes out of it into a file");
		return NULL;
	}
	size = S_ISREG(st.st_mode) ? st.st_size : lseek(own, 0, SEEK_END);
	if (size < 0) {
		error_os(err, name, "cannot find its size");
		return NULL;
	}
	src = ground_new(SOURCE_FILE, (uint64_t)size, name);
	if (!src) {
		error_nomem(err);
		return NULL;
	}
	src->file.failed = calloc(1, sizeof(*src->file.failed));
	if (!src->file.failed) {
		src->kind = SOURCE_MEMORY; /* it owns no descriptor yet */
		rimg_source_free(src);
		error_nomem(err);
		return NULL;
	}
	src->file.fd = take_fd(own);
	src->file.mtime = st.st_mtim;
	return src;
}

struct rimg_source *rimg_source_open_path(const char *path, struct rimg_error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer; it is refused right after */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		error_os(err, path, "cannot open it");
		return NULL;
	}
	return rimg_source_open_fd(fd, path, err);
}

struct rimg_source *rimg_source_open_memory(const void *data, size_t len, const char *name)
{
	struct rimg_source *src = ground_new(SOURCE_MEMORY, len, name);

	if (src)
		src->memory = data;
	return src;
}

void rimg_source_free(struct rimg_source *src)
{
	if (!src)
		return;
	if (src->kind == SOURCE_FILE) {
		close(src->file.fd);
		free(src->file.failed);
	}
	cleanup_free(&src->name);
	free(src);
}

uint64_t rimg_source_size(const struct rimg_source *src)
{
	return src->size;
}

static const struct rimg_source *ground_of(const struct rimg_source *src)
{
	while (src->base)
		src = src->base;
	return src;
}

const char *source_name(const struct rimg_source *src)
{
	return ground_of(src)->name;
}

int source_fd(const struct rimg_source *src)
{
	return src->kind == SOURCE_FILE ? src->file.fd : -1;
}

/* Remember that a read failed: not everyone who asks for bytes can tell that there were none. */
static int read_failed(const struct rimg_source *src, uint64_t off, int rc)
{
	uint64_t none = 0;

	atomic_compare_exchange_strong(src->file.failed, &none, off + 1);
	return rc;
}

int source_verify_reads(const struct rimg_source *src, struct rimg_error *err)
{
	uint64_t failed;

	src = ground_of(src);
	failed = src->kind == SOURCE_FILE ? atomic_load(src->file.failed) : 0;
	return failed == 0 ? 0
			   : error_at(err, RIMG_E_IO, src->name, failed - 1,
				      "it could not be read from here on, so what is said of it is "
				      "not complete");
}

int rimg_source_verify(const struct rimg_source *src, struct rimg_error *err)
{
	struct stat st;

	src = ground_of(src);
	if (src->kind != SOURCE_FILE)
		return 0;
	if (source_verify_reads(src, err) < 0)
		return -RIMG_E_IO;
	if (fstat(src->file.fd, &st) < 0)
		return error_os(err, src->name, "cannot look at it again");
	if (S_ISBLK(st.st_mode))
		return 0;
	if ((uint64_t)st.st_size != src->size || st.st_mtim.tv_sec != src->file.mtime.tv_sec ||
	    st.st_mtim.tv_nsec != src->file.mtime.tv_nsec)
		return error_set(err, RIMG_E_IO, src->name,
				 "the file changed while it was read; run again when nothing "
				 "writes to it");
	return 0;
}

int source_verify_name(const struct rimg_source *src, struct rimg_error *err)
{
	struct stat opened, named;

	src = ground_of(src);
	if (src->kind != SOURCE_FILE)
		return 0;
	if (fstat(src->file.fd, &opened) < 0 || stat(src->name, &named) < 0)
		return error_os(err, src->name, "cannot look at it again");
	if (opened.st_dev != named.st_dev || opened.st_ino != named.st_ino)
		return error_set(err, RIMG_E_IO, src->name,
				 "another file was put in its place while it was read; run again "
				 "when nothing writes to it");
	return 0;
}

static int file_read(const struct rimg_source *src, uint64_t off, uint8_t *buf, size_t len,
		     struct rimg_error *err)
{
	while (len > 0) {
		ssize_t n = pread(src->file.fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			error_os(err, src->name, "cannot read");
			if (err) {
				err->has_off = true;
				err->off = off;
			}
			return read_failed(src, off, -RIMG_E_IO);
		}
		if (n == 0)
			return read_failed(src, off,
					   error_at(err, RIMG_E_IO, src->name, off,
						    "the file became shorter while it was read"));
		buf += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

struct rimg_source *source_custom(struct arena *a, uint64_t size, const char *name,
				  source_custom_read read, const void *ctx)
{
	struct rimg_source *src = arena_alloc(a, sizeof(*src));

	if (!src)
		return NULL;
	src->kind = SOURCE_CUSTOM;
	src->size = size;
	src->name = name;
	src->custom.read = read;
	src->custom.ctx = ctx;
	return src;
}

/* ---- slices and extents ------------------------------------------------------------------- */

static struct rimg_source *derived_new(struct arena *a, enum source_kind kind,
				       const struct rimg_source *base, uint64_t size)
{
	struct rimg_source *src = arena_alloc(a, sizeof(*src));

	if (!src)
		return NULL;
	src->kind = kind;
	src->base = base;
	src->size = size;
	return src;
}

struct rimg_source *source_slice(struct arena *a, const struct rimg_source *base, uint64_t off,
				 uint64_t len)
{
	struct rimg_source *src;

	off = num_min(off, base->size);
	src = derived_new(a, SOURCE_SLICE, base, num_min(len, base->size - off));
	if (src)
		src->slice_off = off;
	return src;
}

static void cache_free(void *arg)
{
	struct block_cache *cache = arg;

	pthread_mutex_destroy(&cache->lock);
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		free(cache->slots[i].buf);
}

static struct block_cache *cache_of(struct arena *a)
{
	struct block_cache *cache = a->block_cache;

	if (cache)
		return cache;
	cache = arena_alloc(a, sizeof(*cache));
	if (!cache || pthread_mutex_init(&cache->lock, NULL) != 0)
		return NULL;
	if (!arena_defer(a, cache_free, cache)) {
		pthread_mutex_destroy(&cache->lock);
		return NULL;
	}
	a->block_cache = cache;
	return cache;
}

bool source_share_cache(struct arena *a, struct arena *with)
{
	a->block_cache = cache_of(with);
	return a->block_cache != NULL;
}

struct rimg_source *source_extents(struct arena *a, const struct rimg_source *base,
				   const struct source_piece *pieces, size_t n,
				   source_decode decode, const void *ctx)
{
	uint64_t size = n > 0 ? pieces[n - 1].off + pieces[n - 1].len : 0;
	struct rimg_source *src = derived_new(a, SOURCE_EXTENTS, base, size);
	struct block_cache *cache = cache_of(a);

	if (!src || !cache)
		return NULL;
	src->extents.pieces = pieces;
	src->extents.n = n;
	src->extents.decode = decode;
	src->extents.ctx = ctx;
	src->extents.cache = cache;
	src->extents.id = ++cache->last_id;
	return src;
}

/* The piece that holds byte @off, of several that begin there the last; @off < size. */
static const struct source_piece *piece_at(const struct rimg_source *src, uint64_t off)
{
	size_t lo = 0, hi = src->extents.n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (src->extents.pieces[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}
	return &src->extents.pieces[lo];
}

static int decode(const struct rimg_source *src, const struct source_piece *p, uint8_t *out,
		  struct rimg_error *err)
{
	return src->extents.decode(src->extents.ctx, src->base, p, out, err);
}

/* Copies from the cache; false when the block is not there. */
static bool copy_cached(const struct rimg_source *src, size_t piece, uint64_t skip, uint8_t *buf,
			size_t len)
{
	struct block_cache *cache = src->extents.cache;
	bool found = false;

	pthread_mutex_lock(&cache->lock);
	for (size_t i = 0; i < CACHE_SLOTS && !found; i++) {
		struct cache_slot *slot = &cache->slots[i];

		if (slot->id != src->extents.id || slot->piece != piece)
			continue;
		memcpy(buf, slot->buf + skip, len);
		slot->used = ++cache->now;
		found = true;
	}
	pthread_mutex_unlock(&cache->lock);
	return found;
}

/* Puts @in where the least recently used block was, and returns that, empty. */
static struct cache_slot exchange(struct block_cache *cache, struct cache_slot in)
{
	struct cache_slot *oldest = &cache->slots[0];
	struct cache_slot out;

	pthread_mutex_lock(&cache->lock);
	for (size_t i = 1; i < CACHE_SLOTS; i++)
		if (cache->slots[i].used < oldest->used)
			oldest = &cache->slots[i];
	out = *oldest;
	*oldest = in;
	oldest->used = in.id ? ++cache->now : 0;
	pthread_mutex_unlock(&cache->lock);
	out.id = 0;
	return out;
}

/* Part of a block: decode it whole into the cache, unless it is there already. The lock is not
 * held meanwhile: others decode at the same time, and a decoder may read what has blocks itself. */
static int read_cached(const struct rimg_source *src, const struct source_piece *p, uint64_t skip,
		       uint8_t *buf, size_t len, struct rimg_error *err)
{
	size_t piece = (size_t)(p - src->extents.pieces);
	struct cache_slot slot;
	int rc;

	if (copy_cached(src, piece, skip, buf, len))
		return 0;
	slot = exchange(src->extents.cache, (struct cache_slot){ 0 });
	if (slot.cap < p->len) {
		free(slot.buf);
		slot.buf = malloc((size_t)p->len);
		slot.cap = slot.buf ? (size_t)p->len : 0;
	}
	if (!slot.buf)
		return error_nomem(err);
	rc = decode(src, p, slot.buf, err);
	if (rc == 0) {
		memcpy(buf, slot.buf + skip, len);
		slot.id = src->extents.id;
		slot.piece = piece;
	}
	slot = exchange(src->extents.cache, slot);
	free(slot.buf);
	return rc;
}

/* Where byte @skip of a piece is stored; past the end of any source if there is no such offset. */
static uint64_t stored_at(const struct source_piece *p, uint64_t skip)
{
	uint64_t off;

	return num_add(p->base_off, skip, &off) ? off : UINT64_MAX;
}

static int read_piece(const struct rimg_source *src, const struct source_piece *p, uint64_t skip,
		      uint8_t *buf, size_t len, struct rimg_error *err)
{
	switch (p->kind) {
	case PIECE_ZERO: memset(buf, 0, len); return 0;
	case PIECE_RAW: return rimg_source_read(src->base, stored_at(p, skip), buf, len, err);
	case PIECE_BAD:
		return error_set(err, RIMG_E_BAD, source_name(src),
				 "what leads to byte %" PRIu64 " of a content is damaged",
				 p->off + skip);
	case PIECE_BLOCK: break;
	}
	if (skip == 0 && len == p->len)
		return decode(src, p, buf, err);
	return read_cached(src, p, skip, buf, len, err);
}

static int extents_read(const struct rimg_source *src, uint64_t off, uint8_t *buf, size_t len,
			struct rimg_error *err)
{
	const struct source_piece *p, *end;

	if (len == 0) /* of a source without pieces, perhaps */
		return 0;
	end = src->extents.pieces + src->extents.n;
	for (p = piece_at(src, off); len > 0; p++) {
		uint64_t skip;
		size_t n;
		int rc;

		if (p < end && p->len == 0)
			continue;
		if (p >= end || off < p->off || off - p->off >= p->len)
			return error_set(err, RIMG_E_INTERNAL, source_name(src),
					 "the pieces of a content are not in order");
		skip = off - p->off;
		n = (size_t)num_min(len, p->len - skip);
		rc = read_piece(src, p, skip, buf, n, err);
		if (rc == -RIMG_E_TRUNCATED) { /* the piece is, not what was asked for */
			if (err)
				err->code = RIMG_E_BAD;
			return -RIMG_E_BAD;
		}
		if (rc < 0)
			return rc;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* ---- views -------------------------------------------------------------------------------- */

struct rimg_source *source_view(struct arena *a, const struct rimg_source *base, uint32_t unit,
				source_transform transform, const void *ctx)
{
	struct rimg_source *src = derived_new(a, SOURCE_VIEW, base, base->size);

	if (!src)
		return NULL;
	src->view.unit = unit;
	src->view.transform = transform;
	src->view.ctx = ctx;
	return src;
}

/* One unit of which only a part is wanted. */
static int read_part_of_unit(const struct rimg_source *src, uint64_t start, size_t skip,
			     uint8_t *buf, size_t len, struct rimg_error *err)
{
	size_t unit = (size_t)num_min(src->view.unit, src->size - start);
	auto_free uint8_t *tmp = malloc(unit);
	int rc;

	if (!tmp)
		return error_nomem(err);
	rc = rimg_source_read(src->base, start, tmp, unit, err);
	if (rc == 0)
		rc = src->view.transform(src->view.ctx, start, tmp, unit, err);
	if (rc == 0)
		memcpy(buf, tmp + skip, len);
	return rc;
}

static int view_read(const struct rimg_source *src, uint64_t off, uint8_t *buf, size_t len,
		     struct rimg_error *err)
{
	uint64_t mask = src->view.unit - 1;

	while (len > 0) {
		size_t skip = (size_t)(off & mask);
		size_t n = len & ~(size_t)mask;
		int rc;

		if (skip != 0 || n == 0) {
			n = (size_t)num_min(len, src->view.unit - skip);
			rc = read_part_of_unit(src, off - skip, skip, buf, n, err);
		} else {
			rc = rimg_source_read(src->base, off, buf, n, err);
			if (rc == 0)
				rc = src->view.transform(src->view.ctx, off, buf, n, err);
		}
		if (rc < 0)
			return rc;
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

/* ---- all kinds ---------------------------------------------------------------------------- */

static int past_end(const struct rimg_source *src, uint64_t off, size_t len, struct rimg_error *err)
{
	uint64_t left = off < src->size ? src->size - off : 0;

	if (!src->base)
		return error_at(err, RIMG_E_TRUNCATED, src->name, off,
				"expected %zu more bytes, found %" PRIu64, len, left);
	/* an offset beside the name of the file would be taken for one in the file */
	return error_set(err, RIMG_E_TRUNCATED, source_name(src),
			 "expected %zu more bytes at byte %" PRIu64
			 " of a part of it, found %" PRIu64,
			 len, off, left);
}

int rimg_source_read(const struct rimg_source *src, uint64_t off, void *buf, size_t len,
		     struct rimg_error *err)
{
	if (!num_in_range(off, len, src->size))
		return past_end(src, off, len, err);
	switch (src->kind) {
	case SOURCE_FILE: return file_read(src, off, buf, len, err);
	case SOURCE_MEMORY:
		if (len > 0)
			memcpy(buf, src->memory + off, len);
		return 0;
	case SOURCE_CUSTOM: return src->custom.read(src->custom.ctx, off, buf, len, err);
	case SOURCE_SLICE: return rimg_source_read(src->base, src->slice_off + off, buf, len, err);
	case SOURCE_EXTENTS: return extents_read(src, off, buf, len, err);
	case SOURCE_VIEW: return view_read(src, off, buf, len, err);
	}
	return error_set(err, RIMG_E_INTERNAL, NULL, "unknown kind of source");
}

const struct rimg_source *source_map(const struct rimg_source *src, uint64_t off,
				     struct source_piece *ret)
{
	const struct source_piece *p;
	uint64_t skip;

	if (off >= src->size)
		return NULL;
	if (src->kind == SOURCE_SLICE) {
		*ret = (struct source_piece){
			.off = off,
			.len = src->size - off,
			.base_off = src->slice_off + off,
			.base_len = src->size - off,
			.kind = PIECE_RAW,
			.plain = true,
		};
		return src->base;
	}
	if (src->kind != SOURCE_EXTENTS)
		return NULL;
	p = piece_at(src, off);
	*ret = *p;
	if (p->kind == PIECE_BLOCK && !p->plain)
		return src->base;
	skip = off - p->off;
	ret->off += skip;
	ret->len -= skip;
	ret->plain = p->kind == PIECE_RAW || p->kind == PIECE_BLOCK;
	if (ret->plain) {
		ret->base_off = stored_at(p, skip);
		ret->base_len -= skip;
	}
	return src->base;
}

const struct rimg_source *source_ground(const struct rimg_source *src, uint64_t off,
					uint64_t *ret_off, uint64_t *ret_len)
{
	uint64_t len = src->size - off;

	while (src->base) {
		struct source_piece p;
		const struct rimg_source *base = source_map(src, off, &p);

		if (!base) { /* a view: nothing below has these bytes */
			*ret_len = len;
			return NULL;
		}
		len = num_min(len, p.off + p.len - off);
		if (!p.plain) {
			*ret_len = len;
			return NULL;
		}
		off = p.base_off;
		src = base;
		if (off >= src->size) { /* a damaged piece leads nowhere */
			*ret_len = len;
			return NULL;
		}
		len = num_min(len, src->size - off);
	}
	*ret_off = off;
	*ret_len = len;
	return src;
}

/* lseek() on the ground file, translated to @src, which is it or a slice of it; @otherwise when
 * holes are not known. */
static uint64_t seek_ground(const struct rimg_source *src, uint64_t off, int whence,
			    uint64_t otherwise)
{
	uint64_t shift = 0;
	const struct rimg_source *s = src;
	off_t found;

	for (; s->kind == SOURCE_SLICE; s = s->base)
		shift += s->slice_off;
	if (s->kind != SOURCE_FILE || off >= src->size)
		return otherwise;
	found = lseek(s->file.fd, (off_t)(shift + off), whence);
	if (found < 0)
		return errno == ENXIO && whence == SEEK_DATA ? src->size : otherwise;
	return num_min((uint64_t)found - shift, src->size);
}

uint64_t source_next_data(const struct rimg_source *src, uint64_t off)
{
	return seek_ground(src, off, SEEK_DATA, off);
}

uint64_t source_next_hole(const struct rimg_source *src, uint64_t off)
{
	return seek_ground(src, off, SEEK_HOLE, src->size);
}
