/* SPDX-License-Identifier: MIT */
#include "core/address.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/layer.h"
#include "core/node.h"
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

int address_split(const char *address, char **ret_path, const char **ret_steps,
		  struct rimg_error *err)
{
	const char *end = find_separator(address);
	size_t len = end ? (size_t)(end - address) : strlen(address);
	size_t path_len;
	char *path = str_unescape(address, len, &path_len);

	if (!path || path_len != strlen(path)) {
		free(path);
		return error_set(err, RIMG_E_ARG, address,
				 "expected escapes \\\\ \\n \\t \\r \\xNN \\:: only, found another "
				 "backslash");
	}
	*ret_path = path;
	*ret_steps = end ? end + 2 : address + len;
	return 0;
}

static int no_such_step(struct rimg_node *node, const char *step, size_t len,
			struct rimg_error *err)
{
	auto_free char *where = node_full_address(node);
	auto_str struct str shown = { 0 };
	const char *kind = rimg_role_name(node->role);

	str_add_escaped(&shown, step, len, STR_ESCAPE_TEXT);
	if (node->nested)
		kind = layer_format_name(node->nested);
	else if (!node->first_child)
		return error_set(err, RIMG_E_NOENT, where,
				 "no container format is recognised here, so there is no \"%s\" in "
				 "it",
				 str_cstr(&shown));
	return error_set(err, RIMG_E_NOENT, where, "nothing called \"%s\" in this %s",
			 str_cstr(&shown), kind);
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

/* A child by name; else by "NAME#N", the Nth of that name. */
static struct rimg_node *find_name(struct rimg_node *parent, const char *name, size_t len)
{
	struct rimg_node *found = node_find(parent, name, len);
	const char *hash = memrchr(name, '#', len);
	auto_free char *digits = NULL;
	uint64_t nth;

	if (found || !hash)
		return found;
	digits = strndup(hash + 1, len - (size_t)(hash + 1 - name));
	if (!digits || !str_parse_u64(digits, &nth))
		return NULL;
	return node_find_nth(parent, name, (size_t)(hash - name), nth);
}

static struct rimg_node *find_number(struct rimg_node *parent, const char *name)
{
	uint64_t number;

	if (!str_parse_u64(name, &number) || number == 0)
		return NULL;
	rimg_for_each_child(child, parent)
		if (child->number == number)
			return child;
	return NULL;
}

/* "/boot/kernel" from the directory @top. */
static struct rimg_node *find_path(struct rimg_node *top, const char *path, size_t len)
{
	struct rimg_node *node = top;

	for (size_t i = 0; i < len && node;) {
		size_t n;

		if (path[i] == '/') {
			i++;
			continue;
		}
		n = 0;
		while (i + n < len && path[i + n] != '/')
			n++;
		node = find_name(node, path + i, n);
		i += n;
	}
	return node;
}

/* One step, its bytes already unescaped. The node's own children come first (the functions of a
 * section), then the layer on its content. */
static struct rimg_node *descend(struct rimg_node *node, const char *step, size_t len,
				 struct rimg_error *err)
{
	struct rimg_node *found = find_name(node, step, len);
	struct rimg_layer *l;

	if (found)
		return found;
	if (node->role == RIMG_ROLE_DIR && (found = find_path(node, step, len)))
		return found;
	if (node_open(node, &l, err) < 0)
		return NULL;
	if (l && l->unreadable) {
		layer_is_unreadable(l, err);
		return NULL;
	}
	if (l && len > 0 && step[0] == '/')
		found = find_path(l->top, step, len);
	if (l && !found)
		found = find_name(l->root, step, len);
	if (l && !found)
		found = find_number(l->root, step);
	if (!found)
		no_such_step(node, step, len, err);
	return found;
}

struct rimg_node *address_find(struct rimg_node *node, const char *steps, struct rimg_error *err)
{
	while (node && *steps) {
		const char *end = find_separator(steps);
		size_t len = end ? (size_t)(end - steps) : strlen(steps);
		size_t step_len;
		auto_free char *step = str_unescape(steps, len, &step_len);

		if (!step) {
			error_set(err, RIMG_E_ARG, steps,
				  "expected escapes \\\\ \\n \\t \\r \\xNN "
				  "\\:: only, found another backslash");
			return NULL;
		}
		node = descend(node, step, step_len, err);
		steps = end ? end + 2 : steps + len;
	}
	return node;
}

struct rimg_node *rimg_image_find(struct rimg_image *image, const char *steps,
				  struct rimg_error *err)
{
	return address_find(image->root, steps, err);
}

struct rimg_node *rimg_image_open_address(struct rimg_ctx *ctx, const char *address,
					  struct rimg_image **ret_image, struct rimg_error *err)
{
	auto_free char *path = NULL;
	const char *steps;
	struct rimg_source *src;
	struct rimg_image *image;
	struct rimg_node *node;

	if (address_split(address, &path, &steps, err) < 0)
		return NULL;
	src = rimg_source_open_path(path, err);
	if (!src)
		return NULL;
	image = rimg_image_open(ctx, src, path, err);
	if (!image)
		return NULL;
	node = address_find(image->root, steps, err);
	if (!node) {
		rimg_image_free(image);
		return NULL;
	}
	*ret_image = image;
	return node;
}
