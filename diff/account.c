/* SPDX-License-Identifier: MIT */
/* The accounting: every differing byte is given to exactly one difference, by who owns it in A and
 * who owns it in B. docs/diff.md tells the rules; nothing here knows a format. */

#include <string.h>

#include "core/error.h"
#include "core/num.h"
#include "core/owner.h"
#include "diff/pairs.h"
#include "diff/program.h"

#define BLOCK_LEN     ((size_t)4096)
#define RANGES_EACH   ((size_t)16384)       /* of a difference, before it becomes coarse */
#define RANGES_EXACT  (UINT64_C(1) << 19)   /* of all, before those become coarse that get more */
#define RANGES_MAX    (UINT64_C(1) << 22)   /* of all; beyond it only the last ones grow */
#define NEAR_LEN      ((uint64_t)BLOCK_LEN) /* coarse ranges that are nearer are one */
#define SHARING_ATTRS 4                     /* attributes in a row that may share bytes */

/** struct held - the owner of the byte last asked for on one side, and how far it holds */
struct held {
	struct rimg_node *root;
	uint64_t size;
	struct owner o;
	struct pair *pair;
	uint64_t pos; /* that was asked for */
	uint64_t end;
	bool exists; /* false behind the end of this side */
};

struct accounting {
	struct rimg_diff *d;
	const struct scope *scope;
	struct held a, b;
	struct difference *x; /* who gets the bytes up to `until` */
	uint64_t until;
};

/* ---- owners --------------------------------------------------------------------------------- */

static bool goes_on(const struct rimg_node *n)
{
	const struct pair *p = pair_of(n);

	return p && p->descend && (p->a == n || p->b == n);
}

static void hold(struct held *h, uint64_t pos)
{
	if (h->end > pos)
		return;
	h->exists = pos < h->size;
	h->pos = pos;
	h->end = UINT64_MAX;
	if (!h->exists)
		return;
	h->o = owner_at(h->root, pos, goes_on);
	h->pair = pair_of(h->o.node);
	h->end = pos + h->o.len;
}

/* Bytes that have no meaning of their own: free, padding, unknown. */
static bool is_filler(const struct held *h)
{
	if (diff_node_is_filler(h->o.node))
		return true;
	return h->o.claim && !h->o.attr &&
	       (h->o.claim->cause == RIMG_CAUSE_FREE_SPACE ||
		h->o.claim->cause == RIMG_CAUSE_PADDING);
}

/* Stored as it is, so that its offset in the content is known. */
static bool is_plain(const struct held *h)
{
	return h->o.claim && h->o.claim->content_off != NO_CONTENT;
}

/* Stored content, perhaps packed or enciphered: what openers call "content" or a "record" of it. */
static bool is_content(const struct held *h)
{
	const struct claim *c = h->o.claim;

	return is_plain(h) ||
	       (c && (strcmp(c->what, "content") == 0 || strcmp(c->what, "record") == 0));
}

/* Enciphered: what the stored bytes mean is not known byte by byte. */
static bool is_opaque(const struct held *h)
{
	return h->o.claim && h->o.node->layer->opaque_places;
}

/* Offset in the owner's claim of the byte at @pos. */
static uint64_t claim_off(const struct held *h, uint64_t pos)
{
	return h->o.off + (pos - h->pos) - h->o.claim->off;
}

/* Offset in the owner's content of the byte at @pos; it is_plain(). */
static uint64_t content_off(const struct held *h, uint64_t pos)
{
	return h->o.claim->content_off + claim_off(h, pos);
}

static uint64_t content_size(const struct rimg_node *n)
{
	return n && n->content ? rimg_source_size(n->content) : 0;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static struct difference *give_presence(struct accounting *acc, struct pair *p)
{
	if (p->parent && p->parent->half_read)
		return difference_content(acc->d, p->parent);
	return difference_get(acc->d, p, DIFFERS_PRESENCE, NULL, (p->a ? p->a : p->b)->cause);
}

static struct difference *give_unexplained(struct accounting *acc, struct pair *p)
{
	return difference_get(acc->d, p, DIFFERS_CLAIM, "bytes", RIMG_CAUSE_UNEXPLAINED);
}

static struct difference *give_place(struct accounting *acc, struct pair *p)
{
	return difference_get(acc->d, p, DIFFERS_PLACE, "place", RIMG_CAUSE_PLACEMENT);
}

/* By what the structure's bytes are for. */
static struct difference *give_claim(struct accounting *acc, const struct held *h)
{
	const struct claim *c = h->o.claim;
	struct difference *order;

	if (h->o.node->role == RIMG_ROLE_GAP || c->cause == RIMG_CAUSE_UNEXPLAINED)
		return give_unexplained(acc, h->pair);
	if (c->cause != RIMG_CAUSE_ORDERING)
		return difference_get(acc->d, h->pair, DIFFERS_CLAIM, c->what, c->cause);
	/* an entry of a list, or a list of entries: other ones, or the same in another order */
	if (h->pair->moved)
		return difference_get(acc->d, h->pair, DIFFERS_PRESENCE, "path", 0);
	order = difference_find(h->pair, DIFFERS_ORDER);
	if (order)
		return order;
	return difference_get(acc->d, h->pair, DIFFERS_CLAIM, c->what,
			      h->pair->set_changed ? RIMG_CAUSE_CONTENT : c->cause);
}

/* Is the piece of @h's content at @pos another one on the other side? Shortens `until` to where
 * that is known. */
static bool piece_differs(struct accounting *acc, const struct held *h, uint64_t pos)
{
	const struct pair *p = h->pair;
	const struct rimg_node *other = h == &acc->a ? p->b : p->a;
	uint64_t off, block;

	if (p->content != CONTENT_DIFFERENT)
		return false;
	if (!is_plain(h))
		return true;
	off = content_off(h, pos);
	if (off >= content_size(other) || !p->blocks)
		return true;
	block = UINT64_C(1) << p->blocks->shift;
	acc->until = num_min(acc->until, pos + (block - off % block));
	acc->until = num_min(acc->until, pos + (content_size(other) - off));
	return blockmap_any(p->blocks, off, 1);
}

/* Equal contents in other bytes: packed in another way, or enciphered with other random keys. */
static struct difference *give_stored(struct accounting *acc, bool opaque)
{
	return difference_get(acc->d, acc->a.pair, DIFFERS_STORED, "stored",
			      opaque ? RIMG_CAUSE_IDENTIFIER : RIMG_CAUSE_COMPRESSION);
}

/* A structure that is enciphered in both images. What differs in it is known, but not in which
 * bytes; if nothing does, the keys do. */
static struct difference *give_opaque(struct accounting *acc)
{
	const struct claim *c = acc->a.o.claim;

	if (is_filler(&acc->a) || is_filler(&acc->b))
		return give_claim(acc, &acc->a);
	for (const struct difference *x = acc->a.pair->first; x; x = x->next)
		if (x->type == DIFFERS_ATTR || x->type == DIFFERS_CONTENT)
			return difference_get(acc->d, acc->a.pair, DIFFERS_CLAIM, c->what,
					      x->cause);
	return give_stored(acc, true);
}

/* Content of a pair of nodes, in both images at this place. */
static struct difference *give_content(struct accounting *acc, uint64_t pos)
{
	struct pair *p = acc->a.pair;
	bool both = is_content(&acc->a) && is_content(&acc->b);
	bool plain = is_plain(&acc->a) && is_plain(&acc->b);

	if (plain && content_off(&acc->a, pos) == content_off(&acc->b, pos))
		return p->content == CONTENT_DIFFERENT ? difference_content(acc->d, p)
						       : give_unexplained(acc, p);
	if (piece_differs(acc, is_content(&acc->a) ? &acc->a : &acc->b, pos))
		return difference_content(acc->d, p);
	if (both && !plain && claim_off(&acc->a, pos) == claim_off(&acc->b, pos))
		return difference_get(acc->d, p, DIFFERS_STORED, "stored", RIMG_CAUSE_COMPRESSION);
	return give_place(acc, p);
}

/* Attributes may share bytes (a type and a mode in one number): of those at this byte, one whose
 * value differs. */
static struct difference *give_attr(struct accounting *acc, uint64_t pos)
{
	const struct rimg_attr *a = acc->a.o.attr, *b = acc->b.o.attr;
	const struct rimg_attr *next_a = a->next, *next_b = b->next;
	uint64_t off = acc->a.o.off + (pos - acc->a.pos);
	bool found = a->type == ATTR_RAW || !attr_equal(a, b);

	for (int n = 1; n < SHARING_ATTRS && !found && next_a && next_b; n++) {
		const struct place *place = &next_a->place;

		if (off >= place->off && off - place->off < place->len &&
		    strcmp(next_a->key, next_b->key) == 0 && !attr_equal(next_a, next_b)) {
			acc->until = num_min(acc->until, pos + place->len - (off - place->off));
			a = next_a;
			b = next_b;
			found = true;
		}
		next_a = next_a->next;
		next_b = next_b->next;
	}
	return difference_attr(acc->d, acc->a.pair, a, b);
}

/* The byte belongs to a node of A and to its counterpart in B. */
static struct difference *give_to_pair(struct accounting *acc, uint64_t pos)
{
	const struct owner *a = &acc->a.o, *b = &acc->b.o;
	struct pair *p = acc->a.pair;

	if (!a->claim || !b->claim)
		return difference_content(acc->d, p);
	if (a->attr && b->attr && strcmp(a->attr->key, b->attr->key) == 0)
		return give_attr(acc, pos);
	if (is_content(&acc->a) || is_content(&acc->b))
		return give_content(acc, pos);
	if (strcmp(a->claim->what, b->claim->what) != 0)
		return give_place(acc, p);
	return is_opaque(&acc->a) ? give_opaque(acc) : give_claim(acc, &acc->a);
}

/* Entries of one list, in another order on the other side. */
static struct difference *find_order(const struct accounting *acc)
{
	const struct held *a = &acc->a, *b = &acc->b;

	if (!a->exists || !b->exists || !a->pair->b || !b->pair->b || !a->pair->parent ||
	    a->pair->parent != b->pair->parent || is_content(a) || is_content(b))
		return NULL;
	if (!a->o.claim || !b->o.claim || strcmp(a->o.claim->what, b->o.claim->what) != 0)
		return NULL;
	return difference_find(a->pair->parent, DIFFERS_ORDER);
}

/* The same field of two structures of one kind that take turns, such as the headers of a ring: what
 * differs is that field, whichever of them is in use. */
static struct difference *find_field(struct accounting *acc)
{
	const struct owner *a = &acc->a.o, *b = &acc->b.o;

	if (!acc->a.exists || !acc->b.exists || !a->attr || !b->attr || !a->claim || !b->claim ||
	    a->node->role != RIMG_ROLE_META || b->node->role != RIMG_ROLE_META ||
	    !acc->a.pair->parent || acc->a.pair->parent != acc->b.pair->parent ||
	    strcmp(a->claim->what, b->claim->what) != 0 || strcmp(a->attr->key, b->attr->key) != 0)
		return NULL;
	if (a->attr->type == ATTR_RAW || attr_equal(a->attr, b->attr))
		return NULL;
	return difference_attr(acc->d, acc->a.pair, a->attr, b->attr);
}

static bool is_lone(const struct held *h)
{
	return h->exists && !(h->pair->a && h->pair->b) && !diff_node_is_filler(h->o.node);
}

/* Of two fillers: what nobody knows before what may be left over from earlier before what is meant
 * to be zero. */
static int filler_rank(const struct held *h)
{
	if (h->o.node->role == RIMG_ROLE_GAP)
		return 2;
	return h->o.claim && h->o.claim->cause == RIMG_CAUSE_FREE_SPACE;
}

/* The byte belongs to different things, or exists on one side alone: something came, went or moved.
 * What has no meaning gives way to what has. */
static struct difference *give_to_one(struct accounting *acc, uint64_t pos)
{
	const struct held *h = &acc->a;
	struct difference *order;

	if (is_lone(&acc->a))
		return give_presence(acc, acc->a.pair);
	if (is_lone(&acc->b))
		return give_presence(acc, acc->b.pair);
	if (!h->exists || (acc->b.exists && is_filler(h) && !is_filler(&acc->b)))
		h = &acc->b;
	if (is_filler(h)) {
		if (h == &acc->a && acc->b.exists && filler_rank(&acc->b) > filler_rank(h))
			h = &acc->b;
		return give_claim(acc, h);
	}
	if (!h->o.claim)
		return difference_content(acc->d, h->pair);
	order = find_order(acc);
	if (!order)
		order = find_field(acc);
	if (order)
		return order;
	if (is_content(h) && piece_differs(acc, h, pos))
		return difference_content(acc->d, h->pair);
	return give_place(acc, h->pair);
}

static int choose(struct accounting *acc, uint64_t pos, struct rimg_error *err)
{
	const struct pair *p;

	hold(&acc->a, pos);
	hold(&acc->b, pos);
	acc->until = num_min(acc->a.end, acc->b.end);
	p = acc->a.exists ? acc->a.pair : NULL;
	if ((acc->a.exists && !acc->a.pair) || (acc->b.exists && !acc->b.pair))
		return error_at(err, RIMG_E_INTERNAL, acc->d->root->a->image->name, pos,
				"the owner of a byte was not compared");
	if (p && acc->b.exists && p == acc->b.pair && p->a == acc->a.o.node &&
	    p->b == acc->b.o.node)
		acc->x = give_to_pair(acc, pos);
	else
		acc->x = give_to_one(acc, pos);
	return acc->x ? 0 : error_nomem(err);
}

/* ---- ranges --------------------------------------------------------------------------------- */

static int add_range(struct rimg_diff *d, struct difference *x, struct rimg_diff_range r,
		     struct rimg_error *err)
{
	struct rimg_diff_range *last = x->n_ranges > 0 ? &x->ranges[x->n_ranges - 1] : NULL;
	uint64_t pos = r.a_off != RIMG_NO_OFFSET ? r.a_off : r.b_off;
	struct rimg_diff_range *ranges;

	if (last && (last->a_off == RIMG_NO_OFFSET) == (r.a_off == RIMG_NO_OFFSET) &&
	    (last->b_off == RIMG_NO_OFFSET) == (r.b_off == RIMG_NO_OFFSET)) {
		uint64_t start = last->a_off != RIMG_NO_OFFSET ? last->a_off : last->b_off;
		uint64_t gap = pos - (start + last->len);
		bool full = x->n_ranges >= RANGES_EACH || d->n_ranges >= RANGES_EXACT;

		if (gap == 0 || (full && gap < NEAR_LEN) || d->n_ranges >= RANGES_MAX) {
			x->coarse |= gap > 0;
			last->len = pos + r.len - start;
			return 0;
		}
	}
	ranges = vec_grow(x->ranges, &x->cap_ranges, x->n_ranges, sizeof(*ranges));
	if (!ranges)
		return error_nomem(err);
	x->ranges = ranges;
	ranges[x->n_ranges++] = r;
	d->n_ranges++;
	return 0;
}

/* Give the differing bytes [pos, pos + len) away. */
static int give(struct accounting *acc, uint64_t pos, uint64_t len, struct rimg_error *err)
{
	while (len > 0) {
		uint64_t n;
		int rc = pos >= acc->until ? choose(acc, pos, err) : 0;

		if (rc < 0)
			return rc;
		n = num_min(len, acc->until - pos);
		acc->x->touched = true;
		if (acc->scope->mode != SCOPE_EXPLAIN) {
			acc->x->bytes += n;
			acc->d->summary.differing += n;
		}
		if (acc->scope->mode == SCOPE_RANGES) {
			struct rimg_diff_range r = {
				.a_off = pos < acc->a.size ? pos : RIMG_NO_OFFSET,
				.b_off = pos < acc->b.size ? pos : RIMG_NO_OFFSET,
				.len = n,
			};

			rc = add_range(acc->d, acc->x, r, err);
		}
		if (rc < 0)
			return rc;
		pos += n;
		len -= n;
	}
	return 0;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static int give_runs(struct accounting *acc, uint64_t off, const uint8_t *a, const uint8_t *b,
		     size_t len, struct rimg_error *err)
{
	size_t pos = 0, run;
	int rc = 0;

	while (rc == 0 && (run = compare_next(a, b, len, &pos)) > 0) {
		rc = give(acc, off + pos, run, err);
		pos += run;
		/* to know that something differs there is all that is wanted */
		if (acc->scope->mode == SCOPE_EXPLAIN && acc->until > off + pos)
			pos = (size_t)num_min(len, acc->until - off);
	}
	return rc;
}

/* A step of which a part is damaged: blocks that can't be read count as different. */
static int account_damaged(struct accounting *acc, uint64_t off, size_t len, uint8_t *buf_a,
			   uint8_t *buf_b, struct rimg_error *err)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		int rc;

		n = (size_t)num_min(BLOCK_LEN - (off + i) % BLOCK_LEN, len - i);
		rc = rimg_source_read(acc->scope->a, off + i, buf_a, n, err);
		if (rc == 0)
			rc = rimg_source_read(acc->scope->b, off + i, buf_b, n, err);
		if (rc == -RIMG_E_BAD)
			rc = give(acc, off + i, n, err);
		else if (rc == 0)
			rc = give_runs(acc, off + i, buf_a, buf_b, n, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int account_step(struct accounting *acc, uint64_t off, size_t len, struct rimg_error *err)
{
	const struct scope *s = acc->scope;
	uint8_t *buf_a, *buf_b;
	int rc;

	scratch_pair(acc->d->scratch, &buf_a, &buf_b);
	rc = rimg_source_read(s->a, off, buf_a, len, err);
	if (rc == 0)
		rc = rimg_source_read(s->b, off, buf_b, len, err);
	if (rc == -RIMG_E_BAD && s->mode != SCOPE_RANGES)
		return account_damaged(acc, off, len, buf_a, buf_b, err);
	if (rc < 0)
		return rc;
	if (memcmp(buf_a, buf_b, len) == 0)
		return error_at(err, RIMG_E_IO, acc->d->root->a->image->name, off,
				"bytes that differed are equal now; something writes to the files");
	return give_runs(acc, off, buf_a, buf_b, len, err);
}

/* How many bytes from @off on, at most @len, are known to be unreadable on either side; however
 * many an image says these are, nothing is read. */
static uint64_t bad_len(const struct scope *s, uint64_t off, uint64_t len)
{
	return num_min(len, num_max(content_bad_len(s->a, off), content_bad_len(s->b, off)));
}

static int account_run(struct accounting *acc, uint64_t *off, uint64_t len, struct rimg_error *err)
{
	uint64_t bad = acc->scope->mode != SCOPE_RANGES ? bad_len(acc->scope, *off, len) : 0;
	size_t n = (size_t)num_min(len, STEP_LEN - *off % STEP_LEN);
	int rc;

	if (bad > 0) {
		rc = give(acc, *off, bad, err);
		*off += bad;
		return rc;
	}
	rc = account_step(acc, *off, n, err);
	*off += n;
	/* to know that something differs there is all that is wanted */
	if (acc->scope->mode == SCOPE_EXPLAIN)
		*off = num_max(*off, acc->until);
	return rc;
}

static int account_scope(struct rimg_diff *d, const struct scope *s, struct rimg_error *err)
{
	struct accounting acc = { .d = d, .scope = s };
	uint64_t off = 0, len, common;
	bool descend = s->pair->descend;
	int rc = 0;

	acc.a = (struct held){ .root = s->pair->a, .size = rimg_source_size(s->a) };
	acc.b = (struct held){ .root = s->pair->b, .size = rimg_source_size(s->b) };
	common = num_min(acc.a.size, acc.b.size);
	s->pair->descend = s->pair->recursed;
	while (rc == 0 && blockmap_next(s->map, &off, &len)) {
		rc = account_run(&acc, &off, len, err);
		if (d->options->progress && off % (16 * STEP_LEN) == 0)
			d->options->progress(d->options->progress_arg, "accounting", off, common);
	}
	if (rc == 0)
		rc = give(&acc, common, num_max(acc.a.size, acc.b.size) - common, err);
	s->pair->descend = descend;
	return rc;
}

/* Whatever went wrong above, what is reported adds up or is not reported. */
static int sum_up(struct rimg_diff *d, struct rimg_error *err)
{
	struct rimg_diff_summary *sum = &d->summary;

	for (struct pair *p = d->root; p; p = pair_next(p, d->root)) {
		for (const struct difference *x = p->hidden ? NULL : p->first; x; x = x->next) {
			sum->differences++;
			sum->by_cause[x->cause].differences++;
			sum->by_cause[x->cause].bytes += x->bytes;
			if (x->cause == RIMG_CAUSE_UNEXPLAINED)
				sum->unexplained += x->bytes;
			else
				sum->explained += x->bytes;
		}
	}
	if (sum->explained + sum->unexplained == sum->differing)
		return 0;
	return error_set(err, RIMG_E_INTERNAL, NULL,
			 "the differing bytes were not all accounted for; please report this");
}

int diff_account(struct rimg_diff *d, struct rimg_error *err)
{
	int rc = 0;

	for (const struct scope *s = d->scopes; s && rc == 0; s = s->next)
		rc = account_scope(d, s, err);
	if (rc == 0)
		rc = diff_refine(d, err);
	if (rc == 0)
		rc = diff_find_roots(d, err);
	return rc < 0 ? rc : sum_up(d, err);
}
