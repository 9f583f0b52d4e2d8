/* SPDX-License-Identifier: MIT */
#include "core/node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/date.h"
#include "core/layer.h"
#include "core/num.h"
#include "core/str.h"

#define NS_PER_S 1000000000

const char *rimg_role_name(enum rimg_role role)
{
	static const char *const names[] = {
		[RIMG_ROLE_IMAGE] = "image",       [RIMG_ROLE_PARTITION] = "partition",
		[RIMG_ROLE_META] = "meta",         [RIMG_ROLE_DIR] = "dir",
		[RIMG_ROLE_FILE] = "file",         [RIMG_ROLE_SYMLINK] = "symlink",
		[RIMG_ROLE_SOCKET] = "socket",     [RIMG_ROLE_OTHER] = "other",
		[RIMG_ROLE_SEGMENT] = "segment",   [RIMG_ROLE_SECTION] = "section",
		[RIMG_ROLE_FUNCTION] = "function", [RIMG_ROLE_GAP] = "gap",
	};

	return (size_t)role < ARRAY_LEN(names) ? names[role] : "unknown";
}

const char *rimg_cause_name(enum rimg_cause cause)
{
	static const char *const names[RIMG_N_CAUSES] = {
		[RIMG_CAUSE_CONTENT] = "content",       [RIMG_CAUSE_TIMESTAMP] = "timestamp",
		[RIMG_CAUSE_IDENTIFIER] = "identifier", [RIMG_CAUSE_ORDERING] = "ordering",
		[RIMG_CAUSE_PLACEMENT] = "placement",   [RIMG_CAUSE_COMPRESSION] = "compression",
		[RIMG_CAUSE_CHECKSUM] = "checksum",     [RIMG_CAUSE_PADDING] = "padding",
		[RIMG_CAUSE_FREE_SPACE] = "free-space", [RIMG_CAUSE_BUILD_PATH] = "build-path",
		[RIMG_CAUSE_BUILD_ID] = "build-id",     [RIMG_CAUSE_SYMBOL_HASH] = "symbol-hash",
		[RIMG_CAUSE_CODEGEN] = "codegen",       [RIMG_CAUSE_UNEXPLAINED] = "unexplained",
	};

	return (size_t)cause < RIMG_N_CAUSES ? names[cause] : "unknown";
}

enum rimg_role rimg_node_role(const struct rimg_node *node)
{
	return node->role;
}

const char *rimg_node_name(const struct rimg_node *node, size_t *ret_len)
{
	if (ret_len)
		*ret_len = node->name_len;
	return node->name;
}

struct rimg_node *rimg_node_parent(const struct rimg_node *node)
{
	struct rimg_node *parent = node->parent;

	/* a layer's root is not an artifact of its own: it stands for what its content's owner
	 * holds */
	while (parent && parent->layer && parent == parent->layer->root)
		parent = parent->parent;
	return parent;
}

/* Of a hard link the node that has content and attributes. */
static const struct rimg_node *inode_of(const struct rimg_node *node)
{
	return node->link_to ? node->link_to : node;
}

const struct rimg_source *rimg_node_content(const struct rimg_node *node)
{
	return inode_of(node)->content;
}

int rimg_node_open(struct rimg_node *node, struct rimg_error *err)
{
	struct rimg_layer *l;

	return node_open(node, &l, err);
}

bool rimg_node_damaged(const struct rimg_node *node)
{
	const struct rimg_layer *l = node->nested;

	return node->damaged || node->unread ||
	       (l && (l->unreadable || l->root->damaged || l->top->damaged));
}

int rimg_node_each_attribute(const struct rimg_node *node,
			     bool (*fn)(void *arg, const struct rimg_attribute *attribute),
			     void *arg)
{
	auto_str struct str value = { 0 };

	rimg_for_each_attr(a, inode_of(node)) {
		struct rimg_attribute shown = { .key = a->key, .cause = a->cause };

		str_clear(&value);
		attr_format(&value, a);
		if (value.failed)
			return -RIMG_E_NOMEM;
		shown.value = str_cstr(&value);
		if (!fn(arg, &shown))
			break;
	}
	return 0;
}

const char *rimg_node_format(struct rimg_node *node)
{
	struct rimg_layer *l;

	if (node_open(node, &l, NULL) < 0 || !l)
		return NULL;
	return layer_format_name(l);
}

struct rimg_node *rimg_node_first_child(struct rimg_node *node)
{
	struct rimg_layer *l;

	if (node->first_child)
		return node->first_child;
	if (node_open(node, &l, NULL) < 0 || !l)
		return NULL;
	return l->root->first_child;
}

struct rimg_node *rimg_node_next(const struct rimg_node *node)
{
	return node->next;
}

size_t rimg_node_address(const struct rimg_node *node, char *buf, size_t len)
{
	auto_str struct str s = { 0 };
	size_t total;

	node_add_address(&s, node);
	if (s.failed) /* a part of an address leads elsewhere */
		str_done(&s);
	total = s.len;
	if (len > 0) {
		size_t n = total < len ? total : len - 1;

		memcpy(buf, str_cstr(&s), n);
		buf[n] = '\0';
	}
	return total;
}

int node_compare_names(const struct rimg_node *a, const struct rimg_node *b)
{
	int order = memcmp(a->name, b->name, num_min_size(a->name_len, b->name_len));

	if (order != 0)
		return order;
	return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int compare_siblings(const struct rimg_node *a, const struct rimg_node *b)
{
	int order = node_compare_names(a, b);

	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_children(const void *pa, const void *pb)
{
	return compare_siblings(*(struct rimg_node *const *)pa, *(struct rimg_node *const *)pb);
}

struct rimg_node *node_after(const struct rimg_node *n, const struct rimg_node *top)
{
	if (n->first_child)
		return n->first_child;
	while (n != top && !n->next)
		n = n->parent;
	return n == top ? NULL : n->next;
}

struct rimg_node **node_by_name(struct rimg_node *node)
{
	struct rimg_node **list;
	size_t n = 0;

	if (node->by_name || node->n_children == 0)
		return node->by_name;
	list = arena_array(node->layer ? &node->layer->arena : &node->image->arena,
			   node->n_children, sizeof(struct rimg_node *));
	if (!list)
		return NULL;
	rimg_for_each_child(child, node)
		list[n++] = child;
	qsort(list, n, sizeof(struct rimg_node *), compare_children);
	node->by_name = list;
	return list;
}

/* Index in by_name of the first child that does not come before @key. */
static size_t lower_bound(const struct rimg_node *parent, struct rimg_node **list,
			  const struct rimg_node *key)
{
	size_t lo = 0, hi = parent->n_children;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_siblings(list[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool has_name(const struct rimg_node *node, const char *name, size_t len)
{
	return node->name_len == len && memcmp(node->name, name, len) == 0;
}

/* The same without the sorted list, for which there was no memory. */
static struct rimg_node *find_slowly(struct rimg_node *node, const char *name, size_t len,
				     uint64_t nth)
{
	rimg_for_each_child(child, node)
		if (has_name(child, name, len) && --nth == 0)
			return child;
	return NULL;
}

struct rimg_node *node_find_nth(struct rimg_node *node, const char *name, size_t len, uint64_t nth)
{
	struct rimg_node key = { .name = name, .name_len = (uint32_t)len };
	struct rimg_node **list = node_by_name(node);
	size_t i;

	if (len > UINT32_MAX || nth == 0 || nth > node->n_children)
		return NULL;
	if (!list)
		return find_slowly(node, name, len, nth);
	i = lower_bound(node, list, &key) + (size_t)(nth - 1);
	return i < node->n_children && has_name(list[i], name, len) ? list[i] : NULL;
}

struct rimg_node *node_find(struct rimg_node *node, const char *name, size_t len)
{
	return node_find_nth(node, name, len, 1);
}

const struct rimg_attr *node_attr(const struct rimg_node *node, const char *key)
{
	rimg_for_each_attr(a, node)
		if (strcmp(a->key, key) == 0)
			return a;
	return NULL;
}

static bool is_number(const struct rimg_attr *a)
{
	return a->type == ATTR_U64 || a->type == ATTR_HEX || a->type == ATTR_OCTAL ||
	       a->type == ATTR_BOOL;
}

uint64_t node_attr_u64(const struct rimg_node *node, const char *key, uint64_t otherwise)
{
	const struct rimg_attr *a = node_attr(node, key);

	return a && is_number(a) ? a->u : otherwise;
}

bool attr_equal(const struct rimg_attr *a, const struct rimg_attr *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == ATTR_RAW)
		return true;
	if (is_number(a))
		return a->u == b->u;
	if (a->type == ATTR_TIME)
		return a->time.s == b->time.s && a->time.ns == b->time.ns;
	return a->bytes.len == b->bytes.len &&
	       (a->bytes.len == 0 || memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
}

static void format_time(struct str *s, int64_t seconds, uint32_t ns)
{
	struct clock_time t;
	struct date d = date_of_seconds(seconds, &t);

	str_printf(s, "%04" PRId64 "-%02u-%02uT%02u:%02u:%02u", d.year, d.month, d.day, t.hour,
		   t.minute, t.second);
	if (ns > 0 && ns < NS_PER_S)
		str_printf(s, ".%09" PRIu32, ns);
	str_add_char(s, 'Z');
	if (ns >= NS_PER_S) /* no time has so many, but an image may say so */
		str_printf(s, "+%" PRIu32 "ns", ns);
}

static void format_uuid(struct str *s, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			str_add_char(s, '-');
		str_add_hex(s, data + i, 1);
	}
}

void attr_format(struct str *s, const struct rimg_attr *a)
{
	switch (a->type) {
	case ATTR_U64: str_printf(s, "%" PRIu64, a->u); break;
	case ATTR_HEX: str_printf(s, "0x%" PRIx64, a->u); break;
	case ATTR_OCTAL: str_printf(s, "%04" PRIo64, a->u); break;
	case ATTR_BOOL: str_add(s, a->u ? "yes" : "no"); break;
	case ATTR_TIME: format_time(s, a->time.s, a->time.ns); break;
	case ATTR_TEXT: str_add_escaped(s, a->bytes.data, a->bytes.len, STR_ESCAPE_TEXT); break;
	case ATTR_BYTES: str_add_hex(s, a->bytes.data, a->bytes.len); break;
	case ATTR_UUID: format_uuid(s, a->bytes.data, a->bytes.len); break;
	case ATTR_RAW:
		str_printf(s, "%" PRIu64 " bytes", (uint64_t)a->place.len * a->place.count);
		break;
	}
}

/* Which one of several siblings of one name it is: 1 for the first, 2 for the second as stored. */
static uint64_t nth_of_name(const struct rimg_node *node)
{
	const struct rimg_node first = { .name = node->name, .name_len = node->name_len };
	struct rimg_node **list = node_by_name(node->parent);
	uint64_t nth = 1;

	if (list)
		return 1 + lower_bound(node->parent, list, node) -
		       lower_bound(node->parent, list, &first);
	for (const struct rimg_node *n = node->parent->first_child; n != node; n = n->next)
		nth += has_name(n, node->name, node->name_len);
	return nth;
}

/* "#2" for the second of its name; "#02" if a sibling's whole name is what "#2" would make, as that
 * one is found first. */
static void add_number(struct str *s, const struct rimg_node *node, uint64_t nth)
{
	auto_str struct str name = { 0 };

	str_add_len(&name, node->name, node->name_len);
	str_add_char(&name, '#');
	for (int digits = 1; !name.failed; digits++) {
		name.len = (size_t)node->name_len + 1;
		str_printf(&name, "%0*" PRIu64, digits, nth);
		if (!name.failed && !node_find(node->parent, name.data, name.len))
			break;
	}
	if (name.failed)
		s->failed = true;
	else
		str_add(s, name.data + node->name_len);
}

/* How a name is spelled: as it is, or as a step of an address, or in a path of one. */
enum path_style { PATH_BYTES, PATH_STEP, PATH_NAME };

static void add_name(struct str *s, const struct rimg_node *node, enum path_style style)
{
	const char *name = node->name;
	size_t len = node->name_len;
	uint64_t nth;

	if (style == PATH_BYTES) {
		str_add_len(s, name, len);
		return;
	}
	if (style == PATH_STEP && len > 0 && name[0] == '/') {
		str_add(s, "\\x2f"); /* it is no path */
		name++;
		len--;
	}
	str_add_escaped(s, name, len, style == PATH_NAME ? STR_ESCAPE_NAME : STR_ESCAPE_STEP);
	nth = nth_of_name(node);
	if (nth > 1 || node->name_len == 0)
		add_number(s, node, nth);
}

/* The names from below @stop down to @node, joined by @joint. The way down is as deep as the tree,
 * which the image decides: no recursion. */
static void add_chain(struct str *s, const struct rimg_node *stop, const struct rimg_node *node,
		      const char *joint, enum path_style style)
{
	auto_str struct str stack = { 0 };

	for (const struct rimg_node *n = node; n != stop; n = n->parent)
		str_add_len(&stack, &n, sizeof(n));
	for (size_t i = stack.len / sizeof(node); i > 0 && !stack.failed; i--) {
		const struct rimg_node *n;

		memcpy(&n, stack.data + (i - 1) * sizeof(n), sizeof(n));
		if (n->parent != stop || joint[0] == '/')
			str_add(s, joint);
		add_name(s, n, style);
	}
	s->failed |= stack.failed;
}

/* Is @node the top of its layer's directory tree or below it? */
static bool in_directory_tree(const struct rimg_node *node)
{
	const struct rimg_layer *l = node->layer;

	if (l->top == l->root)
		return false;
	while (node != l->root && node != l->top)
		node = node->parent;
	return node == l->top;
}

static void add_path(struct str *s, const struct rimg_node *node, enum path_style style)
{
	const struct rimg_layer *l = node->layer;

	if (in_directory_tree(node)) {
		if (node == l->top)
			str_add_char(s, '/');
		else
			add_chain(s, l->top, node, "/", style == PATH_STEP ? PATH_NAME : style);
	} else {
		add_chain(s, l->root, node, style == PATH_STEP ? "::" : "/", style);
	}
}

void node_add_path(struct str *s, const struct rimg_node *node)
{
	if (node->layer && node != node->layer->root)
		add_path(s, node, PATH_BYTES);
}

void node_add_address(struct str *s, const struct rimg_node *node)
{
	size_t before;

	while (node->layer && node == node->layer->root)
		node = node->parent;
	if (!node->layer)
		return;
	before = s->len;
	/* as deep as layers nest, which limits.layer_depth bounds */
	node_add_address(s, node->layer->root);
	if (s->len > before)
		str_add(s, "::");
	add_path(s, node, PATH_STEP);
}

char *node_full_address(const struct rimg_node *node)
{
	auto_str struct str s = { 0 };
	size_t name_len;

	str_add_escaped(&s, node->image->name, strlen(node->image->name), STR_ESCAPE_STEP);
	str_add(&s, "::");
	name_len = s.len;
	node_add_address(&s, node);
	if (s.len == name_len && !s.failed) {
		s.len -= 2;
		s.data[s.len] = '\0';
	}
	return str_take(&s);
}
