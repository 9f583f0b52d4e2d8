/* SPDX-License-Identifier: MIT */
#include "core/capture.h"

#include "core/error.h"
#include "core/sink.h"

/* A result below @size is an error to the stream. */
static ssize_t add(void *text, const char *bytes, size_t size)
{
	struct str *s = text;

	str_add_len(s, bytes, size);
	return s->failed ? 0 : (ssize_t)size;
}

FILE *capture_open(struct str *text)
{
	return fopencookie(text, "w", (cookie_io_functions_t){ .write = add });
}

int capture_close(FILE *out, struct rimg_error *err)
{
	bool failed = ferror(out) != 0;

	return fclose(out) != 0 || failed ? error_nomem(err) : 0;
}

int capture_save(const char *path, int (*write)(FILE *out, void *arg, struct rimg_error *err),
		 void *arg, struct rimg_error *err)
{
	auto_str struct str text = { 0 };
	FILE *out = capture_open(&text);
	int rc, closed;

	if (!out)
		return error_nomem(err);
	rc = write(out, arg, err);
	closed = capture_close(out, rc < 0 ? NULL : err);
	if (rc < 0 || closed < 0)
		return rc < 0 ? rc : closed;
	return sink_save(path, str_cstr(&text), text.len, err);
}
