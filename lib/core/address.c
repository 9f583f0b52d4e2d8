/* SPDX-License-Identifier: MIT */
#include "core/address.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/node.h"
#include "core/num.h"
#include "core/str.h"

/* The first "::" that is not written "\::", or NULL. */
static const char *find_separator(const char *text)
{
	while (*text) {
		if (text[0] == ':' && text[1] == ':')
			return text;
		if (text[0] != '\\')
			text++;
		else if (text[1] == ':' && text[2] == ':')
			text += 3;
		else
			text += text[1] ? 2 : 1;
	}
	return NULL;
}

size_t address_step_len(const char *steps)
{
	const char *end = find_separator(steps);

	return end ? (size_t)(end - steps) : strlen(steps);
}

static int bad_escape(const char *text, struct rimg_error *err)
{
	return error_set(err, RIMG_E_ARG, text,
			 "expected after a backslash one of \\ n t r xNN ::, found something else");
}

int address_split(const char *address, char **ret_path, const char **ret_steps,
		  struct rimg_error *err)
{
	const char *end = find_separator(address);
	size_t len = end ? (size_t)(end - address) : strlen(address);
	size_t path_len;
	auto_free char *path = malloc(len + 1);

	if (!path)
		return error_nomem(err);
	if (!str_unescape_to(path, address, len, &path_len))
		return bad_escape(address, err);
	path[path_len] = '\0';
	if (strlen(path) != path_len)
		return error_set(err, RIMG_E_ARG, address,
				 "expected a host path, found a NUL in it");
	*ret_path = take_ptr(path);
	*ret_steps = end ? end + 2 : address + len;
	return 0;
}

/* One step, or one name of a path in it. Names are unescaped only when a path has been cut at its
 * '/', as a name may hold an escaped one. */
struct step {
	const char *text;
	size_t len;
	char *name; /* room for the bytes that it stands for */
};

/* @like: what it would have been called if it was meant; NULL: nobody knows */
static int no_such_step(struct rimg_node *node, const struct step *s, const char *like,
			struct rimg_error *err)
{
	auto_free char *where = node_full_address(node);
	const char *kind = rimg_role_name(node->role);
	int len = (int)num_min(s->len, INT_MAX);

	if (node->nested)
		kind = layer_format_name(node->nested);
	if (like)
		return error_set(err, RIMG_E_NOENT, where,
				 "nothing called \"%.*s\" in this %s; did you mean \"%s\"?", len,
				 s->text, kind, like);
	if (!node->nested && !node->first_child)
		return error_set(
			err, RIMG_E_NOENT, where,
			"no container format is recognised here, so there is no \"%.*s\" in "
			"it",
			len, s->text);
	return error_set(err, RIMG_E_NOENT, where, "nothing called \"%.*s\" in this %s", len,
			 s->text, kind);
}

/* A layer without a tree: say what its opener found. */
static int layer_is_unreadable(const struct rimg_layer *l, struct rimg_error *err)
{
	auto_free char *where = node_full_address(l->root);

	for (size_t i = 0; i < l->n_findings; i++) {
		const struct finding *f = &l->findings[i];

		if (f->severity == SEVERITY_ERROR)
			return f->len > 0 ? error_at(err, RIMG_E_BAD, where, f->off, "%s [%s]",
						     f->text, f->code)
					  : error_set(err, RIMG_E_BAD, where, "%s [%s]", f->text,
						      f->code);
	}
	return error_set(err, RIMG_E_BAD, where, "its %s structures cannot be read",
			 layer_format_name(l));
}

/* The text, as a number that fills it; false for anything else. */
static bool parse_number(const char *text, size_t len, uint64_t *ret)
{
	char digits[24]; /* more have no place in 64 bits, but for zeros in front */

	while (len > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
		text++;
		len--;
	}
	if (len >= sizeof(digits) || memchr(text, '\0', len))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return str_parse_u64(digits, ret);
}

/* A child by name; else by "NAME#N", the Nth of that name. */
static struct rimg_node *find_name(struct rimg_node *parent, const struct step *s)
{
	struct rimg_node *found;
	const char *hash;
	size_t len, before;
	uint64_t nth;

	if (!str_unescape_to(s->name, s->text, s->len, &len))
		return NULL;
	found = node_find(parent, s->name, len);
	hash = memrchr(s->name, '#', len);
	if (found || !hash)
		return found;
	before = (size_t)(hash - s->name);
	if (!parse_number(hash + 1, len - before - 1, &nth))
		return NULL;
	return node_find_nth(parent, s->name, before, nth);
}

static struct rimg_node *find_number(struct rimg_node *parent, const struct step *s)
{
	uint64_t number;

	if (!parse_number(s->text, s->len, &number) || number == 0)
		return NULL;
	rimg_for_each_child(child, parent)
		if (child->number == number)
			return child;
	return NULL;
}

/* "/boot/kernel" from the directory @top. */
static struct rimg_node *find_path(struct rimg_node *top, const struct step *s)
{
	struct rimg_node *node = top;

	for (size_t i = 0; i < s->len && node;) {
		struct step part = { .text = s->text + i, .name = s->name };

		if (s->text[i] == '/') {
			i++;
			continue;
		}
		while (i + part.len < s->len && part.text[part.len] != '/')
			part.len++;
		node = find_name(node, &part);
		i += part.len;
	}
	return node;
}

/* What was meant by a step that leads nowhere, as people write paths: without its first "/", or
 * with one in the place of "::". NULL when there is no such thing, either. */
static char *meant(struct rimg_layer *l, const struct step *s)
{
	const char *slash = memchr(s->text, '/', s->len);
	struct step first = { .text = s->text, .name = s->name };
	auto_str struct str like = { 0 };

	if (s->len == 0 || slash == s->text)
		return NULL;
	if (find_path(l->top, s)) {
		str_add_char(&like, '/');
		str_add_len(&like, s->text, s->len);
		return str_take(&like);
	}
	first.len = slash ? (size_t)(slash - s->text) : 0;
	if (!slash || !find_name(l->root, &first))
		return NULL;
	str_add_len(&like, s->text, first.len);
	str_add(&like, "::");
	str_add_len(&like, slash, s->len - first.len);
	return str_take(&like);
}

/* The node's own children come first (the functions of a section), then the layer on its content.
 */
static struct rimg_node *descend(struct rimg_node *node, const struct step *s,
				 struct rimg_error *err)
{
	struct rimg_node *found = find_name(node, s);
	struct rimg_layer *l;

	if (found)
		return found;
	if (node->role == RIMG_ROLE_DIR && (found = find_path(node, s)))
		return found;
	if (node_open(node, &l, err) < 0)
		return NULL;
	if (l && l->unreadable) {
		layer_is_unreadable(l, err);
		return NULL;
	}
	if (l && s->len > 0 && s->text[0] == '/')
		found = find_path(l->top, s);
	if (l && !found)
		found = find_name(l->root, s);
	if (l && !found)
		found = find_number(l->root, s);
	if (!found) {
		auto_free char *like = l ? meant(l, s) : NULL;

		no_such_step(node, s, like, err);
	}
	return found;
}

struct rimg_node *address_find(struct rimg_node *node, const char *steps, struct rimg_error *err)
{
	auto_free char *name = malloc(strlen(steps) + 1);

	if (!name) {
		error_nomem(err);
		return NULL;
	}
	while (node && *steps) {
		struct step s = { .text = steps, .len = address_step_len(steps), .name = name };
		size_t len;

		if (!str_unescape_to(name, s.text, s.len, &len)) {
			bad_escape(steps, err);
			return NULL;
		}
		node = descend(node, &s, err);
		steps += s.len;
		if (*steps)
			steps += strlen("::");
	}
	return node;
}

struct rimg_node *rimg_image_find(struct rimg_image *image, const char *steps,
				  struct rimg_error *err)
{
	return address_find(image->root, steps, err);
}

struct rimg_image *address_open(struct rimg_ctx *ctx, const char *address, const char **ret_steps,
				struct rimg_error *err)
{
	auto_free char *path = NULL;
	struct rimg_source *src;

	if (address_split(address, &path, ret_steps, err) < 0)
		return NULL;
	src = rimg_source_open_path(path, err);
	return src ? rimg_image_open(ctx, src, path, err) : NULL;
}

struct rimg_node *rimg_image_open_address(struct rimg_ctx *ctx, const char *address,
					  struct rimg_image **ret_image, struct rimg_error *err)
{
	const char *steps;
	struct rimg_image *image = address_open(ctx, address, &steps, err);
	struct rimg_node *node = image ? address_find(image->root, steps, err) : NULL;

	if (!node)
		rimg_image_free(image);
	else
		*ret_image = image;
	return node;
}
