/* SPDX-License-Identifier: MIT */
#ifndef RIMG_SOURCE_H
#define RIMG_SOURCE_H

#include <stdbool.h>

#include <rimg/rimg.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct rimg_source - a readable run of bytes: a host file, memory, or a part of another source
 *
 * Reading is exact (all bytes or an error) and safe from many threads at once. Nothing is mapped: a
 * file that shrinks meanwhile is an error, not a signal.
 */
struct rimg_source;

/**
 * rimg_source_open_fd - a source over an open file
 * @fd:   a regular file or block device open for reading; the source takes it over, also on failure
 * @name: host path for messages; copied
 *
 * The file's size and modification time are taken now; rimg_source_verify() compares them later.
 * Returns the source (the caller frees it with rimg_source_free()) or NULL with @err set.
 */
struct rimg_source *rimg_source_open_fd(int fd, const char *name, struct rimg_error *err);

/**
 * rimg_source_open_path - like rimg_source_open_fd() for a host path
 * @path: of a regular file or block device; also what messages call it
 *
 * Returns the source (the caller frees it with rimg_source_free()) or NULL with @err set.
 */
struct rimg_source *rimg_source_open_path(const char *path, struct rimg_error *err);

/**
 * rimg_source_open_memory - a source over bytes of the caller, which must outlive it
 * @data: @len bytes, which must not change
 * @name: for messages; copied
 *
 * Returns the source (rimg_source_free()) or NULL without memory.
 */
struct rimg_source *rimg_source_open_memory(const void *data, size_t len, const char *name);

/** rimg_source_free - close and free; NULL is fine. Nothing that reads through it may live on. */
void rimg_source_free(struct rimg_source *src);

/** rimg_source_size - length in bytes; any thread */
uint64_t rimg_source_size(const struct rimg_source *src);

/**
 * rimg_source_read - read exactly @len bytes from byte offset @off
 * @buf: receives them; holds anything after a failure
 *
 * Returns 0, -RIMG_E_TRUNCATED when the range does not lie inside the source, -RIMG_E_IO, or
 * -RIMG_E_BAD when the bytes are decoded from others (a checksummed or compressed record) and
 * those are damaged. Any thread.
 */
int rimg_source_read(const struct rimg_source *src, uint64_t off, void *buf, size_t len,
		     struct rimg_error *err);

#define RIMG_SHA256_LEN 32

/**
 * rimg_source_sha256 - the SHA-256 of all bytes of a source
 * @ret: receives RIMG_SHA256_LEN bytes, on success only
 *
 * Returns 0, a code of rimg_source_read(), -RIMG_E_NOMEM, or -RIMG_E_CRYPTO. Any thread.
 */
int rimg_source_sha256(const struct rimg_source *src, uint8_t *ret, struct rimg_error *err);

/**
 * rimg_source_verify - is the host file behind @src as it was opened, and could it be read?
 *
 * Returns 0 when size and modification time are as they were and no read has failed, -RIMG_E_IO
 * with a sentence if not. Sources that are not host files always return 0. Ask it at the end: what
 * was made of a file that changed meanwhile is worth nothing. Any thread.
 */
int rimg_source_verify(const struct rimg_source *src, struct rimg_error *err);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
