/* SPDX-License-Identifier: MIT */
#include "diff/listing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/num.h"

bool listing_is_entry(enum rimg_role role)
{
	switch (role) {
	case RIMG_ROLE_IMAGE:
	case RIMG_ROLE_PARTITION:
	case RIMG_ROLE_DIR:
	case RIMG_ROLE_FILE:
	case RIMG_ROLE_SYMLINK:
	case RIMG_ROLE_SOCKET:
	case RIMG_ROLE_OTHER:
	case RIMG_ROLE_SECTION:
	case RIMG_ROLE_FUNCTION: return true;
	case RIMG_ROLE_META:
	case RIMG_ROLE_SEGMENT:
	case RIMG_ROLE_GAP: break;
	}
	return false;
}

uint64_t listing_budget(const struct rimg_image *image)
{
	uint64_t budget;

	if (!num_mul(rimg_source_size(image->src), LISTING_FACTOR, &budget) ||
	    !num_add(budget, image->ctx->limits.read_extra, &budget))
		return UINT64_MAX;
	return budget;
}

const struct rimg_node *listing_inode(const struct rimg_node *node)
{
	return node->link_to ? node->link_to : node;
}

void listing_put_attr(struct jsonw *w, const char *key, const struct rimg_attr *a)
{
	auto_str struct str s = { 0 };

	switch (a->type) {
	case ATTR_U64: jsonw_u64(w, key, a->u); return;
	case ATTR_BOOL: jsonw_bool(w, key, a->u != 0); return;
	case ATTR_TEXT: jsonw_bytes(w, key, a->bytes.data, a->bytes.len); return;
	case ATTR_TIME: str_printf(&s, "%" PRId64 ".%09" PRIu32, a->time.s, a->time.ns); break;
	default: attr_format(&s, a);
	}
	jsonw_text(w, key, str_cstr(&s));
}

int listing_target(const struct rimg_node *node, struct str *s, struct rimg_error *err)
{
	const struct rimg_node *inode = listing_inode(node);
	const struct rimg_attr *target = node_attr(inode, "target");
	uint64_t size = inode->content ? rimg_source_size(inode->content) : 0;
	auto_free char *buf = NULL;
	int rc;

	if (!inode->content && target && target->type == ATTR_TEXT) {
		str_add_len(s, target->bytes.data, target->bytes.len);
		return 0;
	}
	if (!inode->content)
		return error_set(err, RIMG_E_BAD, NULL, "the target cannot be read");
	if (size > node->image->ctx->limits.attr_bytes)
		return error_set(err, RIMG_E_LIMIT, NULL,
				 "the target is longer than any path" LIMIT_MORE("attribute"));
	buf = malloc((size_t)size + 1);
	if (!buf)
		return error_nomem(err);
	rc = rimg_source_read(inode->content, 0, buf, (size_t)size, err);
	if (rc == 0)
		str_add_len(s, buf, (size_t)size);
	return rc;
}

/* ---- where paths start ---------------------------------------------------------------------- */

int listing_open(struct listing *l, struct rimg_node *node, struct rimg_error *err)
{
	auto_str struct str s = { 0 };
	int rc;

	l->node = node;
	l->dir = NULL;
	l->layer = NULL;
	l->base = node->layer;
	if (!l->self && (node->role == RIMG_ROLE_DIR || node->first_child)) {
		l->dir = node;
	} else if (!l->self) {
		rc = node_open(node, &l->layer, err);
		if (rc < 0)
			return rc;
		if (l->layer && !l->layer->unreadable) {
			l->dir = l->layer->top;
			l->base = l->layer;
		}
	}
	if (l->base)
		node_add_address(&s, l->base->root);
	l->strip = s.len > 0 ? s.len + strlen("::") : 0;
	return s.failed ? error_nomem(err) : 0;
}

void listing_path(const struct listing *l, const struct rimg_node *node, bool bytes, struct str *s)
{
	auto_str struct str path = { 0 };

	if (!node->layer) {
		if (bytes)
			str_add(s, node->image->name);
		else
			str_add_escaped(s, node->image->name, strlen(node->image->name),
					STR_ESCAPE_STEP);
		return;
	}
	if (bytes && node->layer == l->base) {
		node_add_path(&path, node);
		if (str_cstr(&path)[0] == '/') {
			str_add_len(s, path.data, path.len);
			s->failed |= path.failed;
			return;
		}
		str_clear(&path);
	}
	node_add_address(&path, node);
	if (path.len >= l->strip)
		str_add_len(s, str_cstr(&path) + l->strip, path.len - l->strip);
	s->failed |= path.failed;
}

/* ---- the walk ------------------------------------------------------------------------------- */

/* An entry, or what lies inside it: that begins with the entry's path and a joint, so it is sorted
 * by the name with the joint behind. */
struct item {
	struct rimg_node *node;
	const char *joint; /* "": the entry itself */
};

struct frame {
	struct item *items;
	size_t n, next;
};

struct walk {
	struct listing *l;
	struct frame *frames;
	size_t n, cap;
	listing_visit visit;
	void (*trouble)(void *arg, const struct rimg_error *err);
	void *arg;
	struct rimg_error *err;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->frames[i].items);
	free(w->frames);
}

/* Byte @i of the name followed by the joint, or -1 behind its end. */
static int key_byte(const struct item *item, size_t i)
{
	size_t len = item->node->name_len;

	if (i < len)
		return (unsigned char)item->node->name[i];
	return i - len < strlen(item->joint) ? (unsigned char)item->joint[i - len] : -1;
}

static int compare_items(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	size_t i = num_min_size(a->node->name_len, b->node->name_len);
	int order = memcmp(a->node->name, b->node->name, i), x, y;

	if (order != 0)
		return order;
	do {
		x = key_byte(a, i);
		y = key_byte(b, i);
		i++;
	} while (x == y && x >= 0);
	if (x != y)
		return x < y ? -1 : 1;
	/* the second of two entries of one name comes behind all that is in the first */
	return (a->node->index > b->node->index) - (a->node->index < b->node->index);
}

static bool is_shown(const struct walk *w, const struct rimg_node *node)
{
	return w->l->all || listing_is_entry(node->role);
}

/* May there be something inside? Whether there is shows when it is opened. */
static bool goes_inside(const struct walk *w, const struct rimg_node *node)
{
	if (!w->l->recursive)
		return false;
	if (node->first_child || node->role == RIMG_ROLE_PARTITION)
		return true;
	return w->l->nested && node->role == RIMG_ROLE_FILE && node->content && !node->link_to;
}

/* The children of @dir but for @skip, sorted, on top of the stack. */
static int push(struct walk *w, struct rimg_node *dir, const struct rimg_node *skip)
{
	struct frame *frames, f = { 0 };

	if (dir->n_children == 0)
		return 0;
	frames = vec_grow(w->frames, &w->cap, w->n, sizeof(*frames));
	if (!frames)
		return error_nomem(w->err);
	w->frames = frames;
	f.items = calloc((size_t)dir->n_children * 2, sizeof(*f.items));
	if (!f.items)
		return error_nomem(w->err);
	rimg_for_each_child(child, dir) {
		if (child == skip || !is_shown(w, child))
			continue;
		f.items[f.n++] = (struct item){ .node = child, .joint = "" };
		if (goes_inside(w, child))
			f.items[f.n++] = (struct item){
				.node = child,
				.joint = child->role == RIMG_ROLE_DIR ? "/" : "::",
			};
	}
	qsort(f.items, f.n, sizeof(*f.items), compare_items);
	w->frames[w->n++] = f;
	return 0;
}

/* The entries of a layer: its directories first, then what it has beside them. */
static int push_layer(struct walk *w, struct rimg_layer *layer)
{
	int rc = 0;

	if (layer->top == layer->root)
		return push(w, layer->root, NULL);
	if (w->l->all)
		rc = push(w, layer->root, layer->top);
	return rc < 0 ? rc : push(w, layer->top, NULL);
}

static int enter(struct walk *w, struct rimg_node *node)
{
	struct rimg_layer *layer;
	struct rimg_error why;
	int rc;

	if (node->first_child)
		return push(w, node, NULL);
	rc = node_open(node, &layer, &why);
	if (rc == -RIMG_E_NOMEM)
		return error_nomem(w->err);
	if (rc < 0) {
		w->trouble(w->arg, &why);
		return 0;
	}
	if (!layer || layer->unreadable)
		return 0;
	rc = push_layer(w, layer);
	if (rc == 0 && layer->top != layer->root)
		rc = w->visit(w->arg, layer->top);
	return rc;
}

static int walk_start(struct walk *w)
{
	struct listing *l = w->l;
	int rc;

	if (!l->dir)
		return w->visit(w->arg, l->node);
	rc = l->layer ? push_layer(w, l->layer) : push(w, l->dir, NULL);
	if (rc == 0 && l->recursive && l->dir->role == RIMG_ROLE_DIR)
		rc = w->visit(w->arg, l->dir);
	return rc;
}

int listing_walk(struct listing *l, listing_visit visit,
		 void (*trouble)(void *arg, const struct rimg_error *err), void *arg,
		 struct rimg_error *err)
{
	auto_with(walk_done) struct walk w = {
		.l = l, .visit = visit, .trouble = trouble, .arg = arg, .err = err
	};
	int rc = walk_start(&w);

	while (rc == 0 && w.n > 0) {
		struct frame *f = &w.frames[w.n - 1];
		const struct item *item = f->next < f->n ? &f->items[f->next++] : NULL;

		if (!item) {
			free(f->items);
			w.n--;
		} else if (item->joint[0] == '\0') {
			rc = visit(arg, item->node);
		} else {
			rc = enter(&w, item->node);
		}
	}
	return rc;
}
