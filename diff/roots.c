/* SPDX-License-Identifier: MIT */
/* Which differences follow from which. A checksum differs because what it covers does, a block lies
 * elsewhere because something before it grew: such differences follow from a root, and a reader who
 * knows the roots knows why two artifacts differ. A difference that no rule below ties to another
 * is a root: nothing is folded away on a guess.
 *
 * For each pair the best root in its subtree is remembered, and the best one that can move others;
 * what follows looks for the nearest pair around it that has one. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "diff/pairs.h"
#include "diff/why.h"

#define ECHO_KEYS_MAX ((size_t)1 << 20) /* values that are looked for twice; more are roots */

/** struct family - of one layer: the first difference of each cause that stands for the others */
struct family {
	struct difference *first[RIMG_N_CAUSES];
};

struct roots {
	struct rimg_diff *d;
	struct difference **echoes; /* table of attributes by layer, key and values */
	size_t n_echoes;            /* slots, a power of two */
};

/* What somebody decided, or may have hidden, before what happens by itself. */
unsigned diff_rank(enum rimg_cause cause)
{
	static const enum rimg_cause order[] = {
		RIMG_CAUSE_CONTENT,    RIMG_CAUSE_CODEGEN,     RIMG_CAUSE_UNEXPLAINED,
		RIMG_CAUSE_BUILD_PATH, RIMG_CAUSE_SYMBOL_HASH, RIMG_CAUSE_COMPRESSION,
		RIMG_CAUSE_ORDERING,   RIMG_CAUSE_IDENTIFIER,  RIMG_CAUSE_TIMESTAMP,
		RIMG_CAUSE_FREE_SPACE, RIMG_CAUSE_PADDING,     RIMG_CAUSE_BUILD_ID,
		RIMG_CAUSE_PLACEMENT,  RIMG_CAUSE_CHECKSUM,
	};
	unsigned i = 0;

	_Static_assert(ARRAY_LEN(order) == RIMG_N_CAUSES, "every cause has its place");
	while (order[i] != cause)
		i++;
	return i;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int number(struct rimg_diff *d)
{
	size_t n = 0;

	for (struct pair *p = d->root; p; p = pair_next(p, d->root))
		for (struct difference *x = p->hidden ? NULL : p->first; x; x = x->next)
			n++;
	d->list = calloc(n + 1, sizeof(struct difference *));
	if (!d->list)
		return -RIMG_E_NOMEM;
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		for (struct difference *x = p->hidden ? NULL : p->first; x; x = x->next) {
			x->index = d->n_list;
			x->root = NULL;
			d->list[d->n_list++] = x;
		}
	}
	return 0;
}

/* ---- what a difference is ------------------------------------------------------------------- */

static const struct rimg_node *node_of(const struct difference *x)
{
	return x->pair->a ? x->pair->a : x->pair->b;
}

static bool is_layer_root(const struct rimg_node *n)
{
	return n->layer && n == n->layer->root;
}

/* Words about the format that have no bytes of their own. */
static bool is_description(const struct difference *x)
{
	const struct rimg_attr *attr = x->attr_a ? x->attr_a : x->attr_b;

	return x->type == DIFFERS_ATTR && attr->place.len == 0 && attr->type != ATTR_RAW;
}

/* A number that says how long the content is: it cannot but differ with it. */
static bool is_size(const struct difference *x)
{
	const struct pair *p = x->pair;

	return x->type == DIFFERS_ATTR && x->attr_a && x->attr_b && p->a->content &&
	       p->b->content && x->attr_a->type == ATTR_U64 && x->attr_b->type == ATTR_U64 &&
	       x->attr_a->u == rimg_source_size(p->a->content) &&
	       x->attr_b->u == rimg_source_size(p->b->content) && x->attr_a->u != x->attr_b->u;
}

static bool is_count(const struct difference *x)
{
	return x->type == DIFFERS_ATTR && x->attr_a && x->attr_b && x->attr_a->type == ATTR_U64 &&
	       x->attr_b->type == ATTR_U64;
}

/* Words on what is in the content. */
static bool is_content_count(const struct difference *x)
{
	return is_description(x) && x->cause == RIMG_CAUSE_CONTENT && !is_layer_root(node_of(x)) &&
	       difference_find(x->pair, DIFFERS_CONTENT);
}

/* The number of names of a file, one of which came or went. */
static bool is_link_count(const struct difference *x)
{
	return is_count(x) && x->pair->relinked && strcmp(x->field, "links") == 0;
}

/* How far apart two numbers are. */
static uint64_t distance(const struct difference *x)
{
	return x->attr_a->u > x->attr_b->u ? x->attr_a->u - x->attr_b->u
					   : x->attr_b->u - x->attr_a->u;
}

/* Of the format itself, not of something that it holds. */
static bool is_of_format(const struct rimg_node *n)
{
	return n->role == RIMG_ROLE_META || is_layer_root(n);
}

/* Numbers that a directory or a format keeps of what is in it, when something came or went: those
 * of a format only if they differ by no more than that. */
static struct difference *counted_in(const struct difference *x)
{
	const struct pair *p = x->pair, *layer = p->layer_pair;

	if (!is_count(x) || x->cause != RIMG_CAUSE_CONTENT)
		return NULL;
	if (node_of(x)->role == RIMG_ROLE_DIR)
		return p->came_or_went;
	return is_of_format(node_of(x)) && distance(x) <= layer->n_changed ? layer->layer_change
									   : NULL;
}

/* Entries of a list that are other ones because something came or went. */
static bool is_list_of_others(const struct difference *x)
{
	/* the entry of a child, in a list that has others */
	if (x->type == DIFFERS_CLAIM && x->cause == RIMG_CAUSE_ORDERING && x->pair->parent)
		return x->pair->came_or_went || x->pair->parent->came_or_went;
	return x->cause == RIMG_CAUSE_CONTENT && x->pair->came_or_went &&
	       (x->type == DIFFERS_CLAIM || x->type == DIFFERS_ORDER);
}

/* Fields of what is no longer in use: told by what else differs in the same structure. */
static bool is_leftover_field(const struct difference *x)
{
	return x->type == DIFFERS_ATTR && x->cause == RIMG_CAUSE_FREE_SPACE;
}

/* A content that tells nothing by itself, since what is inside of it is told. */
static bool is_shell(const struct difference *x)
{
	return x->type == DIFFERS_CONTENT && x->pair->first_child &&
	       (x->pair->recursed || !x->touched || x->shell);
}

/* A checksum that is wrong follows from nothing. */
static bool is_wrong(const struct rimg_diff *d, const struct difference *x)
{
	bool in_a;

	return x->cause == RIMG_CAUSE_CHECKSUM && node_of(x)->role == RIMG_ROLE_META &&
	       why_damage(d, x, &in_a);
}

static bool follows_by_nature(const struct difference *x)
{
	return x->cause == RIMG_CAUSE_CHECKSUM || x->cause == RIMG_CAUSE_PLACEMENT ||
	       x->cause == RIMG_CAUSE_BUILD_ID;
}

static void tie(struct difference *x, struct difference *root, enum follows how)
{
	if (!root || root == x || x->root)
		return;
	x->root = x->via = root;
	x->follows = how;
}

/* ---- the same change twice ------------------------------------------------------------------ */

static const char *plain_key(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

static bool can_echo(const struct difference *x)
{
	return x->type == DIFFERS_ATTR && x->attr_a && x->attr_b && x->attr_a->type != ATTR_RAW &&
	       !attr_equal(x->attr_a, x->attr_b);
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash_attr(uint64_t h, const struct rimg_attr *a)
{
	switch (a->type) {
	case ATTR_TEXT:
	case ATTR_BYTES:
	case ATTR_UUID: return hash_bytes(h, a->bytes.data, a->bytes.len);
	case ATTR_TIME: return hash_bytes(h, &a->time.s, sizeof(a->time.s));
	default: return hash_bytes(h, &a->u, sizeof(a->u));
	}
}

static bool is_echo(const struct difference *x, const struct difference *y)
{
	const struct rimg_node *n = node_of(x);

	/* what files are is told of each of them */
	if (x->pair != y->pair && x->cause == RIMG_CAUSE_CONTENT && diff_node_is_artifact(n) &&
	    !is_layer_root(n))
		return false;
	return x->pair->layer_pair == y->pair->layer_pair &&
	       strcmp(plain_key(x->field), plain_key(y->field)) == 0 &&
	       attr_equal(x->attr_a, y->attr_a) && attr_equal(x->attr_b, y->attr_b);
}

static struct difference **echo_slot(const struct roots *r, const struct difference *x)
{
	const char *key = plain_key(x->field);
	uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), key, strlen(key));
	size_t i;

	h = hash_attr(hash_attr(h, x->attr_a), x->attr_b);
	i = (size_t)(h ^ h >> 32) & (r->n_echoes - 1);
	/* a bounded look: a value that is not found is a root */
	for (unsigned n = 0; n < 16 && r->echoes[i] && !is_echo(r->echoes[i], x); n++)
		i = (i + 1) & (r->n_echoes - 1);
	return &r->echoes[i];
}

/* Whether @x would rather stand for @y than the other way round: what has bytes, what is no copy,
 * and what is in use. */
static bool is_better(const struct difference *x, const struct difference *y)
{
	if (is_description(x) != is_description(y))
		return is_description(y);
	if (diff_rank(x->cause) != diff_rank(y->cause))
		return diff_rank(x->cause) < diff_rank(y->cause);
	return x->bytes > 0 && y->bytes == 0;
}

static int find_echoes(struct roots *r)
{
	struct rimg_diff *d = r->d;
	size_t n = 0;

	for (size_t i = 0; i < d->n_list; i++)
		n += can_echo(d->list[i]);
	if (n > ECHO_KEYS_MAX)
		return 0;
	for (r->n_echoes = 16; r->n_echoes < 2 * n;)
		r->n_echoes *= 2;
	r->echoes = calloc(r->n_echoes, sizeof(struct difference *));
	if (!r->echoes)
		return -RIMG_E_NOMEM;
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i], **slot;

		if (!can_echo(x))
			continue;
		slot = echo_slot(r, x);
		if (!*slot || (is_echo(*slot, x) && is_better(x, *slot)))
			*slot = x;
	}
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i], *first;

		first = can_echo(x) ? *echo_slot(r, x) : NULL;
		if (first && first != x && is_echo(first, x))
			tie(x, first, FOLLOWS_ECHO);
	}
	return 0;
}

/* ---- what is known of pairs ----------------------------------------------------------------- */

/* The layer that each pair is in, what came or went in it, and which files got or lost a name. */
static void note_changes(struct rimg_diff *d)
{
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		const struct rimg_node *n = p->a ? p->a : p->b;

		if (p->holder)
			p->relinked = difference_find(p->holder, DIFFERS_PRESENCE);
		p->layer_pair = !p->parent || is_layer_root(n) ? p : p->parent->layer_pair;
	}
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i];
		struct pair *p, *file;
		const struct rimg_node *n;

		assert(x);
		p = x->pair;
		n = p->a ? p->a : p->b;
		if (x->type != DIFFERS_PRESENCE || !p->parent || !n)
			continue;
		if (!p->parent->came_or_went)
			p->parent->came_or_went = x;
		if (p->moved && p->b && p->b->parent && pair_of(p->b->parent) &&
		    !pair_of(p->b->parent)->came_or_went)
			pair_of(p->b->parent)->came_or_went = x;
		if (!p->layer_pair->layer_change)
			p->layer_pair->layer_change = x;
		for (struct rimg_node *below = p->a ? p->a : p->b; below && !p->moved;
		     below = node_after(below, n))
			p->layer_pair->n_changed++;
		file = pair_of(n->link_to);
		if (file && !file->relinked)
			file->relinked = x;
	}
}

/* Can it make others lie elsewhere? */
static bool can_move(const struct difference *x)
{
	const struct pair *p = x->pair;

	switch (x->type) {
	case DIFFERS_PRESENCE:
	case DIFFERS_ROLE:
	case DIFFERS_NAME:
	case DIFFERS_LINK:
	case DIFFERS_ORDER:
	case DIFFERS_STORED: return true;
	case DIFFERS_CONTENT:
		return !p->a || !p->b || !p->a->content || !p->b->content ||
		       rimg_source_size(p->a->content) != rimg_source_size(p->b->content) ||
		       p->packed;
	/* how large a file system is */
	case DIFFERS_ATTR:
		return is_count(x) && is_of_format(node_of(x)) && x->cause == RIMG_CAUSE_CONTENT;
	case DIFFERS_PLACE:
	case DIFFERS_CLAIM: break;
	}
	return false;
}

/* Is @p the outermost of what lies in a partition? The bytes in there are no part of what the
 * format around it counts, checks and lays out. */
static bool is_walled(const struct pair *p)
{
	const struct pair *above = p->parent;

	return above && p == p->layer_pair &&
	       (above->a ? above->a : above->b)->role == RIMG_ROLE_PARTITION;
}

/* @x is the best root that p and all around it have, unless they have a better one already. */
static void offer(struct pair *p, struct difference *x)
{
	for (; p && !p->best; p = p->parent) {
		p->best = x;
		if (is_walled(p)) {
			p->parent->inside = x;
			return;
		}
	}
}

static void offer_mover(struct pair *p, struct difference *x)
{
	for (; p && !p->mover; p = p->parent) {
		p->mover = x;
		if (is_walled(p))
			return;
	}
}

/* The best root in the content of @p. */
static struct difference *inside_of(const struct pair *p)
{
	return p->inside ? p->inside : p->best;
}

static bool is_candidate(const struct difference *x)
{
	return !x->root && !x->derived && !is_size(x) && !is_content_count(x) &&
	       !is_link_count(x) && !counted_in(x) && !is_list_of_others(x) &&
	       !is_leftover_field(x) && !is_shell(x);
}

static void mark_derived(struct rimg_diff *d)
{
	for (size_t i = 0; i < d->n_list; i++)
		d->list[i]->derived |=
			(follows_by_nature(d->list[i]) && !is_wrong(d, d->list[i])) ||
			(d->list[i]->cause == RIMG_CAUSE_PADDING && why_only_zeros(d, d->list[i]));
}

/* @aside: those that lie behind everything that is needed at run time, and so move little. */
static void offer_movers(struct rimg_diff *d, bool aside)
{
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i];

		if (!can_move(x) || x->aside != aside)
			continue;
		/* a content that grew is moved by what is inside of it */
		if (is_shell(x) && inside_of(x->pair))
			offer_mover(x->pair, inside_of(x->pair));
		else if (is_candidate(x))
			offer_mover(x->pair, x);
	}
}

/* Better ones first, so that each pair is written once. */
static void offer_all(struct rimg_diff *d)
{
	for (unsigned rank = 0; rank < RIMG_N_CAUSES; rank++)
		for (size_t i = 0; i < d->n_list; i++)
			if (diff_rank(d->list[i]->cause) == rank && is_candidate(d->list[i]))
				offer(d->list[i]->pair, d->list[i]);
	offer_movers(d, false);
	offer_movers(d, true);
	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		bool alone = !p->parent || is_walled(p);

		p->near = p->best || alone ? p->best : p->parent->near;
		p->near_mover = p->mover || alone ? p->mover : p->parent->near_mover;
	}
}

/* ---- tying ---------------------------------------------------------------------------------- */

/* Of the fields of a structure that is no longer in use, one that is a copy of something that is;
 * else the first. */
static struct difference *first_leftover(const struct pair *p)
{
	struct difference *first = NULL;

	for (struct difference *x = p->first; x; x = x->next) {
		if (!is_leftover_field(x))
			continue;
		if (x->follows == FOLLOWS_ECHO)
			return x;
		if (!first)
			first = x;
	}
	return first;
}

/* What a difference that is no candidate follows from; none: it is a root after all. */
static void tie_derived(struct difference *x)
{
	struct pair *p = x->pair;
	struct difference *content = difference_find(p, DIFFERS_CONTENT);

	if (is_shell(x))
		tie(x, inside_of(p), FOLLOWS_INSIDE);
	else if (is_size(x) || is_content_count(x))
		tie(x, content ? content : inside_of(p), FOLLOWS_SIZE);
	else if (is_link_count(x))
		tie(x, p->relinked, FOLLOWS_LINK);
	else if (counted_in(x))
		tie(x, counted_in(x), FOLLOWS_COUNT);
	else if (is_list_of_others(x))
		tie(x, p->came_or_went ? p->came_or_went : p->parent->came_or_went, FOLLOWS_COUNT);
	else if (is_description(x) && (is_leftover_field(x) || x->cause == RIMG_CAUSE_CHECKSUM))
		tie(x, p->near_mover, FOLLOWS_COUNT);
	else if (is_leftover_field(x))
		tie(x, first_leftover(p), FOLLOWS_FAMILY);
	else if (x->cause == RIMG_CAUSE_CHECKSUM || x->cause == RIMG_CAUSE_BUILD_ID)
		tie(x, p->near, FOLLOWS_CHECKSUM);
	else if (x->cause == RIMG_CAUSE_PLACEMENT || x->cause == RIMG_CAUSE_PADDING)
		tie(x, p->near_mover, FOLLOWS_PLACE);
	else if (x->derived)
		tie(x, p->near, FOLLOWS_TABLE);
}

/* Things that happen to all of a layer at once: one stands for the others. */
static bool is_of_family(enum rimg_cause cause)
{
	return cause == RIMG_CAUSE_TIMESTAMP || cause == RIMG_CAUSE_ORDERING ||
	       cause == RIMG_CAUSE_COMPRESSION || cause == RIMG_CAUSE_PLACEMENT ||
	       cause == RIMG_CAUSE_CHECKSUM || cause == RIMG_CAUSE_BUILD_ID ||
	       cause == RIMG_CAUSE_SYMBOL_HASH || cause == RIMG_CAUSE_BUILD_PATH;
}

static int join_family(struct rimg_diff *d, struct difference *x)
{
	struct pair *layer = x->pair->layer_pair;

	if (!layer->family)
		layer->family = arena_alloc(&d->arena, sizeof(*layer->family));
	if (!layer->family)
		return -RIMG_E_NOMEM;
	if (!layer->family->first[x->cause])
		layer->family->first[x->cause] = x;
	else if (x->derived || !follows_by_nature(x))
		tie(x, layer->family->first[x->cause], FOLLOWS_FAMILY);
	return 0;
}

/* What has bytes of its own stands for what only describes. */
static int tie_families(struct rimg_diff *d)
{
	for (int descriptions = 0; descriptions < 2; descriptions++) {
		for (size_t i = 0; i < d->n_list; i++) {
			struct difference *x = d->list[i];

			if (x->root || !(is_of_family(x->cause) || x->type == DIFFERS_STORED) ||
			    is_description(x) != (descriptions == 1))
				continue;
			if (join_family(d, x) < 0)
				return -RIMG_E_NOMEM;
		}
	}
	/* hashes of what only lies elsewhere */
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i];
		const struct family *f = x->pair->layer_pair->family;

		if (f && x->derived && x->cause == RIMG_CAUSE_CHECKSUM &&
		    f->first[RIMG_CAUSE_PLACEMENT])
			tie(x, f->first[RIMG_CAUSE_PLACEMENT], FOLLOWS_CHECKSUM);
	}
	return 0;
}

/* The end of a chain. Rules may point at one another in a ring when nothing else differs: then the
 * first of it is the root. */
static struct difference *end_of(struct difference *x)
{
	struct difference *slow = x, *fast = x;

	while (fast->root && fast->root->root) {
		slow = slow->root;
		fast = fast->root->root;
		if (slow == fast) {
			fast->root = NULL;
			fast->follows = FOLLOWS_NOTHING;
			return fast;
		}
	}
	return fast->root ? fast->root : fast;
}

static void sum_up(struct rimg_diff *d)
{
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i], *end = end_of(x);

		if (x != end)
			x->root = end;
	}
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i];

		if (!x->root)
			x->root = x;
		x->root->all_bytes += x->bytes;
		x->root->n_followers += x->root != x;
		d->summary.roots += x->root == x;
	}
}

/* A file that differs only in a time that is inside of it differs because of the time. */
static void name_shells(struct rimg_diff *d)
{
	for (size_t i = 0; i < d->n_list; i++) {
		struct difference *x = d->list[i];

		if (x->follows == FOLLOWS_INSIDE && x->pair->recursed && !x->pair->damaged &&
		    x->root != x)
			x->cause = x->root->cause;
	}
}

int diff_find_roots(struct rimg_diff *d, struct rimg_error *err)
{
	struct roots r = { .d = d };
	int rc = number(d);

	if (rc == 0) {
		note_changes(d);
		rc = find_echoes(&r);
	}
	free(r.echoes);
	if (rc < 0)
		return error_nomem(err);
	mark_derived(d);
	offer_all(d);
	for (size_t i = 0; i < d->n_list; i++)
		if (!d->list[i]->root && !is_candidate(d->list[i]))
			tie_derived(d->list[i]);
	if (tie_families(d) < 0)
		return error_nomem(err);
	sum_up(d);
	name_shells(d);
	return 0;
}
