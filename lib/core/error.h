/* SPDX-License-Identifier: MIT */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <rimg/error.h>

/**
 * error_set - fill @err (which may be NULL) with a sentence
 * @where: address or host path, or NULL
 *
 * What an image put into the words is made harmless (str_clean()).
 * Returns -@code, so that a failing function can `return error_set(...)`.
 */
__attribute__((format(printf, 4, 5))) int error_set(struct rimg_error *err, int code,
						    const char *where, const char *fmt, ...);

/** error_at - like error_set, for byte offset @off of @where */
__attribute__((format(printf, 5, 6))) int
error_at(struct rimg_error *err, int code, const char *where, uint64_t off, const char *fmt, ...);

/** error_os - the system call that just failed, by errno, on @where; returns -RIMG_E_IO */
int error_os(struct rimg_error *err, const char *where, const char *what);

/** error_nomem - returns -RIMG_E_NOMEM */
int error_nomem(struct rimg_error *err);

/**
 * error_keep - set a failure aside, for one of many of which few fail
 * @ret: set when @rc is a failure: a copy of @err, for free(); NULL without memory
 *
 * Returns @rc.
 */
int error_keep(struct rimg_error **ret, int rc, const struct rimg_error *err);

/** error_give - the failure @rc that error_keep() set aside; returns @rc */
int error_give(struct rimg_error *err, int rc, const struct rimg_error *kept);

/**
 * error_crypto - OpenSSL failed at what it can do with any input: "cannot compute SHA-256"
 *
 * It does not tell whether it had no memory. As error_nomem(), so that no command ends well.
 */
int error_crypto(struct rimg_error *err, const char *what);

/* clang's analyzer sees one file at a time and would follow paths where these return 0 */
#if defined(__clang_analyzer__) && !defined(ERROR_DEFINES)
static inline int error_negative(int rc)
{
	return rc < 0 ? rc : -RIMG_E_INTERNAL;
}
#	define error_set(...)    error_negative(error_set(__VA_ARGS__))
#	define error_at(...)     error_negative(error_at(__VA_ARGS__))
#	define error_os(...)     error_negative(error_os(__VA_ARGS__))
#	define error_nomem(err)  error_negative(error_nomem(err))
#	define error_crypto(...) error_negative(error_crypto(__VA_ARGS__))
#endif

#endif
