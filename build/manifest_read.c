/* SPDX-License-Identifier: MIT */
#include "build/manifest_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/str.h"
#include "core/toml.h"

/* Files become one document: each is parsed and checked by itself, then merged onto what the files
 * that it includes have given. */

/* ---- words ---------------------------------------------------------------------------------- */

const char *load_shown(struct load *l, const char *text)
{
	auto_str struct str s = { 0 };
	const char *copy = NULL;

	str_add_escaped(&s, text, strlen(text), STR_ESCAPE_TEXT);
	if (!s.failed)
		copy = arena_copy(&l->m->arena, str_cstr(&s), s.len);
	return copy ? copy : "?";
}

int load_warn(struct load *l, struct json_place at, const char *fmt, ...)
{
	struct manifest_warning *grown =
		vec_grow(l->warnings, &l->cap_warnings, l->m->n_warnings, sizeof(*grown));
	auto_free char *text = NULL;
	va_list args;
	char *copy = NULL;

	if (!grown)
		return error_nomem(l->err);
	l->warnings = grown;
	va_start(args, fmt);
	text = str_vformat(fmt, args);
	va_end(args);
	if (text)
		copy = arena_copy(&l->m->arena, text, strlen(text));
	if (!copy)
		return error_nomem(l->err);
	grown[l->m->n_warnings++] = (struct manifest_warning){ .place = at, .text = copy };
	return 0;
}

/* The folder that a text at @at is relative to: "" or ending in a slash. What the command line says
 * is relative to the working directory. */
static size_t folder_len(struct json_place at)
{
	const char *slash = at.file && at.line > 0 ? strrchr(at.file, '/') : NULL;

	return slash ? (size_t)(slash - at.file) + 1 : 0;
}

/* @address: @text has the escapes of an address, so the folder gets them too */
const char *load_join(struct load *l, struct json_place at, const char *text, bool address)
{
	auto_str struct str s = { 0 };
	const char *copy;
	const char *base = l->options->base;

	if (text[0] != '/' && address && base && base[0]) {
		str_add_escaped(&s, base, strlen(base), STR_ESCAPE_STEP);
		str_add_char(&s, '/');
	} else if (text[0] != '/' && address) {
		str_add_escaped(&s, at.file ? at.file : "", folder_len(at), STR_ESCAPE_STEP);
	} else if (text[0] != '/') {
		str_add_len(&s, at.file ? at.file : "", folder_len(at));
	}
	str_add(&s, text);
	copy = s.failed ? NULL : arena_copy(&l->m->arena, str_cstr(&s), s.len);
	if (!copy)
		error_nomem(l->err);
	return copy;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* An I/O error about @path, at the place that names it (or nowhere, for the first file). */
static int io_error(struct load *l, struct json_place at, const char *path, const char *what)
{
	int number = errno;
	const char *shown = load_shown(l, path);
	char words[128];

	if (!at.file)
		return error_os(l->err, shown, what);
	json_error(l->err, RIMG_E_IO, at, "%s \"%s\": %s", what, shown,
		   strerror_r(number, words, sizeof(words)));
	if (l->err)
		l->err->os_errno = number;
	return -RIMG_E_IO;
}

static int open_file(struct load *l, struct json_place at, const char *path, struct load_file *ret)
{
	/* a FIFO must not hang us */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return io_error(l, at, path, "cannot open");
	if (!S_ISREG(st.st_mode))
		return json_error(l->err, RIMG_E_IO,
				  at.file ? at : (struct json_place){ .file = path },
				  "\"%s\" is not a regular file", load_shown(l, path));
	*ret = (struct load_file){ .dev = st.st_dev, .ino = st.st_ino, .path = path };
	return take_fd(fd);
}

/* Everything, up to a byte more than may be: the parsers then say so. */
static int read_file(struct load *l, struct json_place at, const char *path, int fd,
		     struct str *ret)
{
	auto_free char *buf = malloc(JSON_TEXT_MAX + 1);
	size_t len = 0;

	if (!buf)
		return error_nomem(l->err);
	while (len <= JSON_TEXT_MAX) {
		ssize_t n = read(fd, buf + len, JSON_TEXT_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(l, at, path, "cannot read");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	str_add_len(ret, buf, len);
	return ret->failed ? error_nomem(l->err) : 0;
}

static int note_input(struct load *l, const char *text, const char *path, const char *data,
		      size_t len)
{
	struct manifest_input *grown =
		vec_grow(l->inputs, &l->cap_inputs, l->m->n_inputs, sizeof(*grown));
	struct manifest_input *input;

	if (!grown)
		return error_nomem(l->err);
	l->inputs = grown;
	input = &grown[l->m->n_inputs++];
	*input = (struct manifest_input){ .text = text, .path = path, .size = len };
	return digest_bytes(data, len, input->sha256, l->err);
}

static bool is_json(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n'))
		i++;
	return i < len && text[i] == '{';
}

static int parse(struct load *l, const char *text, size_t len, const char *path,
		 struct json_object **ret)
{
	int r = is_json(text, len) ? json_read(&l->m->arena, text, len, path, ret, l->err)
				   : toml_read(&l->m->arena, text, len, path, ret, l->err);

	return r < 0 ? r : keys_check(l, *ret);
}

/* ---- merging -------------------------------------------------------------------------------- */

/* Values get one more reference: the document that they come from keeps its own. */

static int merge_keys(struct load *l, struct json_object *into, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		if (json_add(into, key, json_object_get(value), l->err) < 0)
			return -RIMG_E_NOMEM;
	}
	/* what is missing is missing in the last file that has the table */
	return json_set_place(&l->m->arena, into, json_place_of(from)) ? 0 : error_nomem(l->err);
}

static int merge_append(struct load *l, struct json_object *into, struct json_object *from)
{
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *item = json_object_array_get_idx(from, i);

		if (json_append(into, json_object_get(item), l->err) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

static int merge_document(struct load *l, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		struct json_object *have = json_object_object_get(l->doc, key);
		enum key_merge how = keys_merge(key);
		int r = 0;

		if (how == KEY_MERGE_NONE)
			continue;
		if (!have || how == KEY_MERGE_REPLACE)
			r = json_add(l->doc, key, json_object_get(value), l->err);
		else if (how == KEY_MERGE_KEYS)
			r = merge_keys(l, have, value);
		else
			r = merge_append(l, have, value);
		if (r < 0)
			return r;
	}
	return json_set_place(&l->m->arena, l->doc, json_place_of(from)) ? 0 : error_nomem(l->err);
}

/* ---- including ------------------------------------------------------------------------------ */

static int load_one(struct load *l, struct json_place at, const char *text, const char *path);

static int include_all(struct load *l, struct json_object *list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		struct json_place at = json_place_of(item);
		const char *text = json_object_get_string(item), *path;
		int r;

		if (text[0] == '\0' || strlen(text) != (size_t)json_object_get_string_len(item))
			return json_error(l->err, RIMG_E_BAD, at,
					  "include: an empty name, or one with a NUL");
		path = load_join(l, at, text, false);
		if (!path)
			return -RIMG_E_NOMEM;
		r = load_one(l, at, text, path);
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_parsed(struct load *l, const char *text, size_t len, const char *path)
{
	struct json_object *doc = NULL;
	int r = parse(l, text, len, path, &doc);

	if (r == 0)
		r = include_all(l, json_object_object_get(doc, "include"));
	if (r == 0)
		r = merge_document(l, doc);
	return r;
}

/* The files from the one that is met again on: "a.toml, b.toml, a.toml". */
static int cycle(struct load *l, struct json_place at, unsigned from)
{
	auto_str struct str chain = { 0 };

	for (unsigned i = from; i < l->depth; i++) {
		str_add_escaped(&chain, l->stack[i].path, strlen(l->stack[i].path),
				STR_ESCAPE_TEXT);
		str_add(&chain, " -> ");
	}
	str_add_escaped(&chain, l->stack[from].path, strlen(l->stack[from].path), STR_ESCAPE_TEXT);
	return json_error(l->err, RIMG_E_BAD, at, "include goes round in a circle: %s",
			  str_cstr(&chain));
}

/* @at: the place that includes the file; nowhere for the first */
static int load_one(struct load *l, struct json_place at, const char *text, const char *path)
{
	auto_str struct str content = { 0 };
	struct load_file file = { 0 };
	auto_close int fd = open_file(l, at, path, &file);
	int r;

	if (fd < 0)
		return fd;
	for (unsigned i = 0; i < l->depth; i++) {
		if (l->stack[i].dev == file.dev && l->stack[i].ino == file.ino)
			return cycle(l, at, i);
	}
	if (l->depth >= MANIFEST_DEPTH_MAX)
		return json_error(l->err, RIMG_E_LIMIT, at,
				  "more than %u files include one another", MANIFEST_DEPTH_MAX);
	if (l->m->n_inputs >= MANIFEST_FILES_MAX)
		return json_error(l->err, RIMG_E_LIMIT, at, "more than %u files are included",
				  MANIFEST_FILES_MAX - 1);
	r = read_file(l, at, path, fd, &content);
	if (r == 0)
		r = note_input(l, text, path, str_cstr(&content), content.len);
	l->n_bytes += content.len;
	if (r == 0 && l->n_bytes > JSON_TEXT_MAX && content.len < l->n_bytes)
		return json_error(l->err, RIMG_E_LIMIT, at,
				  "the files of this manifest are longer than %u bytes together",
				  JSON_TEXT_MAX);
	l->stack[l->depth++] = file;
	if (r == 0)
		r = load_parsed(l, str_cstr(&content), content.len, path);
	l->depth--;
	return r;
}

int load_read_file(struct load *l, const char *path)
{
	const char *copy = arena_copy(&l->m->arena, path, strlen(path));

	if (!copy)
		return error_nomem(l->err);
	return load_one(l, (struct json_place){ 0 }, copy, copy);
}

int load_read_text(struct load *l, const char *text, size_t len, const char *path)
{
	const char *copy = arena_copy(&l->m->arena, path, strlen(path));
	int r;

	if (!copy)
		return error_nomem(l->err);
	r = note_input(l, copy, copy, text, len);
	return r < 0 ? r : load_parsed(l, text, len, copy);
}
