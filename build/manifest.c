/* SPDX-License-Identifier: MIT */
#include "build/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "build/manifest_load.h"
#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "core/str.h"

#define ARENA_MAX ((uint64_t)1 << 30)
#define PATH_LEN  4096U

/* ---- paths ---------------------------------------------------------------------------------- */

/* Why RedoxFS cannot hold a name; NULL if it can. */
static const char *name_fault(const char *name, size_t len)
{
	if (len == 0)
		return "an empty name";
	if (len > MANIFEST_NAME_MAX)
		return "a name of more than 252 bytes";
	if (len <= 2 && memcmp(name, "..", len) == 0)
		return "\".\" and \"..\" are no names";
	if (memchr(name, ':', len))
		return "a name with \":\"";
	if (!str_is_utf8(name, len))
		return "a name that is not UTF-8";
	return NULL;
}

int manifest_path_check(struct arena *a, const char *path, const char **ret, char *why, size_t len)
{
	const char *fault = NULL, *copy;
	size_t n;

	path += strspn(path, "/");
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > PATH_LEN)
		fault = "a path of more than 4096 bytes";
	for (size_t at = 0; n > 0 && !fault && at <= n;) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t end = slash ? (size_t)(slash - path) : n;

		fault = name_fault(path + at, end - at);
		at = end + 1;
	}
	if (fault) {
		snprintf(why, len, "%s", fault);
		return -RIMG_E_BAD;
	}
	copy = arena_printf(a, "/%.*s", (int)n, path);
	if (!copy) {
		snprintf(why, len, "out of memory");
		return -RIMG_E_NOMEM;
	}
	*ret = copy;
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* What goes into the root file system needs one. */
static int check_root(struct load *l)
{
	const struct manifest *m = l->m;
	struct json_place at = { 0 };

	if (m->layout == MANIFEST_LAYOUT_PLAIN || m->root)
		return 0;
	if (m->n_files > 0)
		at = m->files[0].place;
	else if (m->initfs)
		at = m->initfs->place;
	else if (m->n_packages > 0)
		at = m->packages[0].place;
	else if (m->n_groups > 0)
		at = m->groups[0].place;
	else
		return 0;
	return json_error(l->err, RIMG_E_BAD, at,
			  "this has no place: no partition has the format \"redoxfs\"");
}

static int decode(struct load *l)
{
	static int (*const steps[])(struct load * l) = {
		keys_note_ignored, load_image,    load_partitions, load_bootloader, load_initfs,
		load_files,        load_packages, load_people,     check_root,
	};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int r = steps[i](l);

		if (r < 0)
			return r;
	}
	if (l->m->esp && !l->m->bootloader)
		return load_warn(l, json_place_of(l->doc),
				 "without [bootloader], nothing boots from the image");
	return 0;
}

/* A list that grew moves into the arena. */
static const void *keep_list(struct load *l, const void *list, size_t n, size_t size)
{
	void *kept = arena_array(&l->m->arena, n, size);

	if (kept && list)
		memcpy(kept, list, n * size);
	return kept;
}

static int keep_lists(struct load *l)
{
	struct manifest *m = l->m;

	m->inputs = keep_list(l, l->inputs, m->n_inputs, sizeof(*m->inputs));
	m->warnings = keep_list(l, l->warnings, m->n_warnings, sizeof(*m->warnings));
	return m->inputs && m->warnings ? 0 : error_nomem(l->err);
}

static void load_done(struct load *l)
{
	free(l->inputs);
	free(l->warnings);
}

/* @text: in place of the file's content, or NULL */
static int load_all(struct manifest *m, const char *text, size_t len, const char *path,
		    const struct manifest_options *options, struct rimg_error *err)
{
	static const struct manifest_options none = { 0 };
	auto_with(load_done) struct load l = { .m = m, .err = err };
	int r;

	l.options = options ? options : &none;
	arena_init(&m->arena, ARENA_MAX);
	m->seed = "";
	m->epoch = l.options->epoch;
	if (m->epoch < 0 || m->epoch > MANIFEST_EPOCH_MAX)
		return error_set(err, RIMG_E_ARG, NULL,
				 "the default epoch is not in the years 1970 to 9999");
	l.doc = json_object_new_object();
	if (!l.doc)
		return error_nomem(err);
	r = json_keep(&m->arena, l.doc, err);
	if (r == 0)
		r = text ? load_read_text(&l, text, len, path) : load_read_file(&l, path);
	if (r == 0)
		r = load_apply_set(&l);
	if (r == 0)
		r = decode(&l);
	return r < 0 ? r : keep_lists(&l);
}

static int load(const char *text, size_t len, const char *path,
		const struct manifest_options *options, struct manifest *ret,
		struct rimg_error *err)
{
	struct manifest m = { 0 };
	int r = load_all(&m, text, len, path, options, err);

	if (r < 0)
		manifest_done(&m);
	else
		*ret = m;
	return r;
}

int manifest_load(const char *path, const struct manifest_options *options, struct manifest *ret,
		  struct rimg_error *err)
{
	return load(NULL, 0, path, options, ret, err);
}

int manifest_load_text(const char *text, size_t len, const char *path,
		       const struct manifest_options *options, struct manifest *ret,
		       struct rimg_error *err)
{
	return load(text ? text : "", len, path, options, ret, err);
}

void manifest_done(struct manifest *m)
{
	arena_done(&m->arena);
	*m = (struct manifest){ 0 };
}
