/* SPDX-License-Identifier: MIT */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include <rimg/source.h>

struct arena;
struct stat;

/**
 * struct sink - where an emitter puts bytes
 *
 * A sink has a fixed size and begins as zeros: what is never written is zero (a hole, where the
 * host can hold one). Writes are positional and may come from many threads, in any order, but not
 * twice for the same byte.
 */
struct sink;

/**
 * sink_file - a new host file of @size bytes under a temporary name beside @path
 *
 * Nothing appears at @path before sink_commit(). A regular file there, or a symbolic link, is then
 * replaced: of the file, mode and (if allowed) owner are kept; what the link leads to stays.
 * Returns the sink (sink_free()), or NULL, also (ARG) when anything else is there or @path is "-".
 */
struct sink *sink_file(const char *path, uint64_t size, struct rimg_error *err);

/**
 * sink_secret - like sink_file(), for what must be neither read by others nor replaced
 *
 * Only the owner may read and write the file, and sink_commit() fails when something is at @path.
 */
struct sink *sink_secret(const char *path, uint64_t size, struct rimg_error *err);

/** sink_new - like sink_file(), but sink_commit() fails when something is at @path */
struct sink *sink_new(const char *path, uint64_t size, struct rimg_error *err);

/** sink_temporary - an unnamed file in the directory of @path, gone when the sink is freed */
struct sink *sink_temporary(const char *path, uint64_t size, struct rimg_error *err);

/**
 * sink_compare - write nothing: compare with @existing, which must outlive the sink
 *
 * Its size is @size, whatever the size of @existing. See sink_differs().
 */
struct sink *sink_compare(const struct rimg_source *existing, uint64_t size,
			  struct rimg_error *err);

/** sink_slice - [off, off + len) of @parent as a sink of its own, in the arena; NULL without memory
 */
struct sink *sink_slice(struct arena *a, struct sink *parent, uint64_t off, uint64_t len);

/** sink_free - close; a file that was not committed is removed. NULL is fine. Not for slices. */
void sink_free(struct sink *s);

static inline void cleanup_sink(struct sink **s)
{
	sink_free(*s);
}

/* a local sink, freed when it goes out of scope */
#define auto_sink __attribute__((cleanup(cleanup_sink)))

/** sink_size - bytes that it has from the start */
uint64_t sink_size(const struct sink *s);

/**
 * sink_write - put @len bytes at @off
 *
 * Runs of zeros may be left as holes. Returns 0, -RIMG_E_TRUNCATED when the range does not lie
 * inside the sink, -RIMG_E_IO (no space, ...).
 */
int sink_write(struct sink *s, uint64_t off, const void *buf, size_t len, struct rimg_error *err);

/** sink_copy - put all bytes of @src at @off, in pieces, skipping its holes */
int sink_copy(struct sink *s, uint64_t off, const struct rimg_source *src, struct rimg_error *err);

/**
 * sink_source - what the sink holds now, to be read back; lives as long as the sink
 *
 * Of a comparing sink: the existing file. NULL without memory.
 */
const struct rimg_source *sink_source(struct sink *s, struct rimg_error *err);

/**
 * sink_flush - bring what was written so far to the disk; sink_commit() then has less to do
 *
 * May run while the sink is read. Returns 0 or -RIMG_E_IO.
 */
int sink_flush(struct sink *s, struct rimg_error *err);

/**
 * sink_commit - flush to the disk and give the file its name, replacing what was there
 *
 * Only for sink_file(), sink_new() and sink_secret(). Returns 0, -RIMG_E_IO, or -RIMG_E_NOMEM if
 * memory was missed anywhere (mem_failure()); then the old file is as it was.
 */
int sink_commit(struct sink *s, struct rimg_error *err);

/**
 * sink_refuse - an error if a file that is to be written at @path would replace the file @input
 *
 * Whatever the two are called. Either may be NULL, and need not exist. Returns 0 or -RIMG_E_ARG.
 */
__attribute__((warn_unused_result)) int sink_refuse(const char *path, const char *input,
						    struct rimg_error *err);

/**
 * sink_may_replace - may a finished file take the place of what is there?
 * @dir, @name: where it is to be; @path names it in messages
 * @ret:        what is there itself, if *@ret_there
 *
 * Only nothing, a regular file or a symbolic link that leads to no other thing may be replaced:
 * removing a device that scripts call "nowhere" would be the worst of surprises. Returns 0,
 * -RIMG_E_ARG or -RIMG_E_IO.
 */
__attribute__((warn_unused_result)) int sink_may_replace(int dir, const char *name,
							 const char *path, struct stat *ret,
							 bool *ret_there, struct rimg_error *err);

/** file_set_size - ftruncate(), however often it is interrupted; else false, and errno says why */
bool file_set_size(int fd, uint64_t size);

/** sink_save - a host file of @len bytes, as sink_file() and sink_commit() make it; 0 or a code */
int sink_save(const char *path, const void *data, size_t len, struct rimg_error *err);

/**
 * sink_differs - the verdict of a comparing sink, after everything was written
 * @ret_off: the first byte that differs; the shorter size if one is a prefix of the other
 *
 * Returns 1 when the existing file differs, 0 when all bytes are equal, or an error.
 */
int sink_differs(struct sink *s, uint64_t *ret_off, struct rimg_error *err);

#endif
