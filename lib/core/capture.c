/* SPDX-License-Identifier: MIT */
#include "core/capture.h"

#include "core/cleanup.h"
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

int capture_text(struct str *text, capture_fn write, void *arg, struct rimg_error *err)
{
	FILE *out = capture_open(text);
	int rc, closed;

	if (!out)
		return error_nomem(err);
	rc = write(out, arg, err);
	closed = capture_close(out, rc < 0 ? NULL : err);
	return rc < 0 ? rc : closed;
}

struct sink *capture_sink(const char *path, capture_fn write, void *arg, struct rimg_error *err)
{
	auto_str struct str text = { 0 };
	auto_sink struct sink *sink = NULL;

	if (capture_text(&text, write, arg, err) < 0)
		return NULL;
	sink = sink_file(path, text.len, err);
	if (!sink || sink_write(sink, 0, str_cstr(&text), text.len, err) < 0)
		return NULL;
	return take_ptr(sink);
}

int capture_save(const char *path, capture_fn write, void *arg, struct rimg_error *err)
{
	auto_sink struct sink *sink = capture_sink(path, write, arg, err);

	/* without one, @err tells why; its code is nobody's concern */
	return sink ? sink_commit(sink, err) : -RIMG_E_IO;
}
