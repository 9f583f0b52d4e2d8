/* SPDX-License-Identifier: MIT */
#include "diff/report_tree.h"

#include <string.h>

#include "core/error.h"
#include "core/mem.h"
#include "core/num.h"

#define BRANCHES_MAX  4000
#define DEPTH_MAX     24 /* each takes three elements that are open at once */
#define OPEN_DEPTH    2  /* branches up to here are not folded, if they are small */
#define OPEN_CHILDREN 12
#define STEP_LEN_MAX  200

/**
 * struct branch - one step of the paths
 * @n:     differences here and below
 * @own:   of these, here
 * @bytes: of all @n
 * @first: number of the first one here
 */
struct branch {
	struct branch *parent;
	struct branch *first_child;
	struct branch *last_child;
	struct branch *next;
	const char *step;
	size_t step_len;
	unsigned depth;
	uint64_t n_children;
	uint64_t n;
	uint64_t own;
	uint64_t bytes;
	uint64_t first;
};

struct tree {
	struct arena arena;
	struct branch root;
	uint64_t n_branches;
	uint64_t n_cut; /* differences without a line of their own */
};

/* ---- growing -------------------------------------------------------------------------------- */

/* The length of the next step of a path, with what separates it from the one before: "REDOX",
 * "::/", "usr", "/bin". Names hold neither '/' nor "::" that are not escaped. */
static size_t step_len(const char *path)
{
	size_t n = strspn(path, ":/");

	while (path[n]) {
		if (path[n] == '\\' && path[n + 1])
			n++;
		else if (path[n] == '/' || (path[n] == ':' && path[n + 1] == ':'))
			break;
		n++;
	}
	return n;
}

/* Differences come depth first, children by name: what a step belongs to is the last child, or new.
 * Should a path come out of order all the same, it has a second branch, and no count is wrong. */
static struct branch *grow(struct tree *t, struct branch *at, const char *step, size_t len,
			   struct rimg_error *err)
{
	struct branch *last = at->last_child, *b;

	if (last && last->step_len == len && memcmp(last->step, step, len) == 0)
		return last;
	b = arena_alloc(&t->arena, sizeof(*b));
	if (b)
		b->step = arena_copy(&t->arena, step, len);
	if (!b || !b->step) {
		error_nomem(err);
		return NULL;
	}
	b->step_len = len;
	b->parent = at;
	b->depth = at->depth + 1;
	if (last)
		last->next = b;
	else
		at->first_child = b;
	at->last_child = b;
	at->n_children++;
	t->n_branches++;
	return b;
}

static int add(void *arg, const struct rimg_difference *x, struct rimg_error *err)
{
	struct tree *t = arg;
	struct branch *b = &t->root;
	const char *path = x->path;

	while (*path) {
		size_t n = step_len(path);

		if (b->depth >= DEPTH_MAX || t->n_branches >= BRANCHES_MAX) {
			t->n_cut++;
			break;
		}
		b = grow(t, b, path, n, err);
		if (!b)
			return -RIMG_E_NOMEM;
		path += n;
	}
	if (b->own++ == 0)
		b->first = x->index;
	for (; b; b = b->parent) {
		b->n++;
		b->bytes += x->bytes;
	}
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_step(struct html *h, const struct branch *b, const uint8_t *listed)
{
	char step[STEP_LEN_MAX + 1];
	size_t n = report_cut(b->step, STEP_LEN_MAX);
	bool linked = b->own > 0 && (listed[b->first / 8] & 1u << b->first % 8);

	memcpy(step, b->step, n);
	step[n] = '\0';
	if (linked) {
		html_open_class(h, "a", "path");
		html_attr_fmt(h, "href", "#d%llu", (unsigned long long)b->first);
	} else {
		html_open_class(h, "span", "path");
	}
	html_text(h, step);
	html_text(h, b->step_len > n ? "..." : "");
	html_close(h);
	html_text(h, " ");
	html_open_class(h, "span", "quiet");
	html_number(h, b->n);
	if (b->bytes > 0) {
		html_text(h, " / ");
		html_count(h, b->bytes, "byte");
	}
	html_close(h);
}

static void begin_branch(struct html *h, const struct branch *b, const uint8_t *listed)
{
	html_open(h, "li");
	if (!b->first_child) {
		put_step(h, b, listed);
		return;
	}
	html_open(h, "details");
	if (b->depth <= OPEN_DEPTH && b->n_children <= OPEN_CHILDREN)
		html_attr(h, "open", NULL);
	html_open(h, "summary");
	put_step(h, b, listed);
	html_close(h);
	html_open_class(h, "ul", "plain");
}

static void end_branch(struct html *h, const struct branch *b)
{
	if (b->first_child) {
		html_close(h);
		html_close(h);
	}
	html_close(h);
}

static void write_branches(struct html *h, const struct branch *root, const uint8_t *listed)
{
	const struct branch *b = root->first_child;

	while (b) {
		begin_branch(h, b, listed);
		if (b->first_child) {
			b = b->first_child;
			continue;
		}
		end_branch(h, b);
		while (b != root && !b->next) {
			b = b->parent;
			if (b != root)
				end_branch(h, b);
		}
		b = b == root ? NULL : b->next;
	}
}

static void write_tree(struct html *h, const struct tree *t, const uint8_t *listed)
{
	html_element(h, "h2", NULL, "Where");
	if (t->n_cut > 0) {
		html_open_class(h, "p", "note loud");
		html_count(h, t->n_cut, "difference");
		html_text(h, t->n_cut == 1 ? " has" : " have");
		html_text(h,
			  " no line in this tree, to keep the page small; counted where it ends.");
		html_close(h);
	}
	html_open_class(h, "ul", "plain");
	if (t->root.own > 0) {
		html_open(h, "li");
		html_text(h, "the whole ");
		html_open_class(h, "span", "quiet");
		html_number(h, t->root.own);
		html_close(h);
		html_close(h);
	}
	write_branches(h, &t->root, listed);
	html_close(h);
}

int tree_write(struct html *h, const struct report *r, const uint8_t *listed,
	       struct rimg_error *err)
{
	struct tree t = { 0 };
	int rc;

	arena_init(&t.arena, 0);
	rc = report_each(r, false, add, &t, NULL, err);
	if (rc == 0)
		write_tree(h, &t, listed);
	arena_done(&t.arena);
	return rc;
}
