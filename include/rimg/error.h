/* SPDX-License-Identifier: MIT */
#ifndef RIMG_ERROR_H
#define RIMG_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum rimg_code - why a call failed
 *
 * Functions that can fail return 0 or the negative of one of these. Damage in an image is not an
 * error but a finding (see node.h): errors are for what stops the work.
 */
enum rimg_code {
	RIMG_E_IO = 1,      /* the host could not read or write; os_errno says more */
	RIMG_E_NOMEM,       /* no memory */
	RIMG_E_TRUNCATED,   /* a range lies past the end of its source */
	RIMG_E_BAD,         /* the bytes break their format and nothing useful can be read */
	RIMG_E_UNSUPPORTED, /* the format is recognised, this version or kind of it is not read */
	RIMG_E_LIMIT,       /* a limit of struct rimg_limits was reached */
	RIMG_E_NOENT,       /* nothing of that name */
	RIMG_E_ARG,         /* the caller's arguments do not fit */
	RIMG_E_CRYPTO,      /* wrong or missing password, or the crypto library refused */
	RIMG_E_INTERNAL,    /* a defect of rimg itself */
};

/**
 * struct rimg_error - one failure, told in place
 *
 * Lives on the caller's stack, so that reporting needs no memory. Written on failure only. Wherever
 * a function takes one, NULL is fine: then only the code is told.
 * @code:     enum rimg_code
 * @os_errno: errno of the failed system call, or 0
 * @has_off:  whether @off means something
 * @off:      byte offset in the thing that @where names
 * @where:    address or host path, already escaped for text output
 * @text:     one sentence without a full stop: what was expected, what was found
 */
struct rimg_error {
	int code;
	int os_errno;
	bool has_off;
	uint64_t off;
	char where[512];
	char text[512];
};

/**
 * rimg_error_format - the whole failure as one line
 * @err: a failure
 * @buf: receives a NUL-terminated line without newline, cut if too long
 * @len: size of @buf in bytes, at least 1
 *
 * Returns @buf. Any thread.
 */
const char *rimg_error_format(const struct rimg_error *err, char *buf, size_t len);

/** rimg_code_name - short name of an enum rimg_code ("io", "limit", ...); "unknown" for other
 * numbers; static, any thread */
const char *rimg_code_name(int code);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
