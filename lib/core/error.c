/* SPDX-License-Identifier: MIT */
#define ERROR_DEFINES
#include "core/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

const char *rimg_code_name(int code)
{
	static const char *const names[] = {
		[RIMG_E_IO] = "io",
		[RIMG_E_NOMEM] = "memory",
		[RIMG_E_TRUNCATED] = "truncated",
		[RIMG_E_BAD] = "bad",
		[RIMG_E_UNSUPPORTED] = "unsupported",
		[RIMG_E_LIMIT] = "limit",
		[RIMG_E_NOENT] = "not-found",
		[RIMG_E_ARG] = "argument",
		[RIMG_E_CRYPTO] = "crypto",
		[RIMG_E_INTERNAL] = "internal",
	};

	if (code < RIMG_E_IO || code > RIMG_E_INTERNAL)
		return "unknown";
	return names[code];
}

const char *rimg_error_format(const struct rimg_error *err, char *buf, size_t len)
{
	char place[32] = "";
	bool named = err->where[0] != '\0';

	if (err->has_off)
		snprintf(place, sizeof(place), "at byte %" PRIu64 ": ", err->off);
	snprintf(buf, len, "%s%s%s%s", named ? err->where : "", named ? ": " : "", place,
		 err->text);
	return buf;
}

/* Fills everything but the offset. The text is cut rather than refused: some of it is better than
 * none. Arguments may lie in @err itself. */
__attribute__((format(printf, 4, 0))) static int
fill(struct rimg_error *err, int code, const char *where, const char *fmt, va_list args)
{
	struct rimg_error new = { .code = code };
	char text[sizeof(new.text) + 4]; /* a character that is cut at its end is not in new.text */

	if (!err)
		return -code;
	vsnprintf(text, sizeof(text), fmt, args);
	str_clean(new.text, sizeof(new.text), text);
	/* an empty name is what was asked for, and has to be seen */
	if (where && !where[0])
		where = "\"\"";
	str_clean(new.where, sizeof(new.where), where ? where : "");
	*err = new;
	return -code;
}

int error_set(struct rimg_error *err, int code, const char *where, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, code, where, fmt, args);
	va_end(args);
	return -code;
}

int error_at(struct rimg_error *err, int code, const char *where, uint64_t off, const char *fmt,
	     ...)
{
	va_list args;

	va_start(args, fmt);
	fill(err, code, where, fmt, args);
	va_end(args);
	if (err) {
		err->has_off = true;
		err->off = off;
	}
	return -code;
}

int error_os(struct rimg_error *err, const char *where, const char *what)
{
	int number = errno;
	char words[128];

	/* GNU strerror_r: the message may be static, without touching `words` */
	error_set(err, RIMG_E_IO, where, "%s: %s", what, strerror_r(number, words, sizeof(words)));
	if (err)
		err->os_errno = number;
	errno = number;
	return -RIMG_E_IO;
}

int error_crypto(struct rimg_error *err, const char *what)
{
	mem_note_failure("OpenSSL lacks memory or an algorithm");
	return error_set(err, RIMG_E_CRYPTO, NULL,
			 "OpenSSL %s: out of memory, or it lacks the algorithm", what);
}

int error_nomem(struct rimg_error *err)
{
	mem_note_failure("out of memory");
	return error_set(err, RIMG_E_NOMEM, NULL, "out of memory");
}

int error_keep(struct rimg_error **ret, int rc, const struct rimg_error *err)
{
	if (rc >= 0)
		return rc;
	*ret = malloc(sizeof(**ret));
	if (*ret)
		**ret = *err;
	return rc;
}

int error_give(struct rimg_error *err, int rc, const struct rimg_error *kept)
{
	if (!kept)
		return error_set(err, -rc, NULL, "out of memory while another failure was told");
	if (err)
		*err = *kept;
	return rc;
}
