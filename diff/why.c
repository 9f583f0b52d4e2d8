/* SPDX-License-Identifier: MIT */
/* The evidence for a cause, in a sentence. */
#include "diff/why.h"

#include <inttypes.h>
#include <string.h>

#include "core/num.h"
#include "diff/symbols.h"

#define PIECES_MAX   65536 /* of a stored content that are counted */
#define FINDINGS_MAX 64    /* of a layer that are looked at */
#define TARGET_MAX   1024  /* bytes of a symbolic link that are shown */
#define RANGES_MAX   8     /* of a difference */

void why_add_name(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	size_t before = s->len;

	diff_add_path(s, d, x);
	if (s->len == before)
		str_add(s, "the whole");
	if (x->field)
		str_printf(s, ": %s", x->field);
}

static const char *what_happened(const struct difference *x)
{
	if (x->type != DIFFERS_PRESENCE)
		return "changed";
	if (x->pair->moved)
		return "was moved";
	return x->pair->a ? "was removed" : "was added";
}

/* ---- from what it follows ------------------------------------------------------------------- */

static void add_root(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	const struct difference *root = x->root;

	why_add_name(s, d, root);
	str_printf(s, " %s", what_happened(root));
}

static void add_follows(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	switch (x->follows) {
	case FOLLOWS_ECHO:
		str_add(s, "the same change as ");
		why_add_name(s, d, x->via);
		return;
	case FOLLOWS_INSIDE: str_add(s, "because of what is inside: "); break;
	case FOLLOWS_SIZE: str_add(s, "the length of a content that differs: "); break;
	case FOLLOWS_LINK: str_add(s, "the number of names: "); break;
	case FOLLOWS_COUNT: str_add(s, "tells what is there: "); break;
	case FOLLOWS_TABLE: str_add(s, "describes what differs, of which the first is: "); break;
	case FOLLOWS_CHECKSUM:
		str_add(s, "computed over what differs, of which the first is: ");
		break;
	case FOLLOWS_PLACE: str_add(s, "lies elsewhere, since the room it has changed: "); break;
	case FOLLOWS_FAMILY:
		str_add(s, "of the same kind as ");
		why_add_name(s, d, x->root);
		return;
	case FOLLOWS_NOTHING: break;
	}
	add_root(s, d, x);
}

/* ---- causes --------------------------------------------------------------------------------- */

static void add_uuid(struct str *s, const struct rimg_attr *a, const struct rimg_attr *b)
{
	unsigned va = a->bytes.data[6] >> 4, vb = b->bytes.data[6] >> 4;

	if (va == 4 && vb == 4)
		str_add(s, "both are UUIDs of version 4, which are made at random");
	else
		str_printf(s, "UUIDs of version %u and %u", va, vb);
}

static void add_identifier(struct str *s, const struct difference *x)
{
	const struct rimg_attr *a = x->attr_a, *b = x->attr_b;

	if (x->type == DIFFERS_STORED)
		str_add(s, "the same bytes, enciphered with other keys or salt");
	else if (a && b && a->type == ATTR_UUID && b->type == ATTR_UUID && a->bytes.len == 16 &&
		 b->bytes.len == 16)
		add_uuid(s, a, b);
	else
		str_add(s, "a number that only tells one copy from another");
}

/* How many bytes are stored of a content, and whether they are packed. */
static uint64_t stored_len(const struct rimg_source *src, bool *ret_packed)
{
	uint64_t len = 0, size = rimg_source_size(src), off = 0;

	for (unsigned n = 0; off < size && n < PIECES_MAX; n++) {
		struct source_piece p;
		const struct rimg_source *base = source_map(src, off, &p);

		if (!base || p.off + p.len <= off)
			return 0;
		if (p.kind == PIECE_BLOCK || p.kind == PIECE_RAW)
			len += p.base_len;
		*ret_packed |= p.kind == PIECE_BLOCK && !p.plain;
		off = p.off + p.len;
	}
	return off < size ? 0 : len;
}

static void add_compression(struct str *s, const struct difference *x)
{
	const struct rimg_source *a = x->pair->a->content, *b = x->pair->b->content;
	bool packed_a = false, packed_b = false;
	uint64_t len_a = a ? stored_len(a, &packed_a) : 0, len_b = b ? stored_len(b, &packed_b) : 0;

	str_add(s, "the same content in another form");
	if (len_a == 0 || len_b == 0)
		return;
	str_printf(s, ": %" PRIu64 " bytes are stored as %" PRIu64 " (%s) and %" PRIu64 " (%s)",
		   rimg_source_size(a), len_a, packed_a ? "packed" : "plain", len_b,
		   packed_b ? "packed" : "plain");
}

/* Where the first byte of a content lies in its layer's artifact; false: not known. */
static bool first_place(const struct rimg_node *n, uint64_t *ret)
{
	uint64_t len;

	return n->content && rimg_source_size(n->content) > 0 &&
	       source_ground(n->content, 0, ret, &len);
}

static void add_placement(struct str *s, const struct difference *x)
{
	const struct pair *p = x->pair;
	uint64_t at_a, at_b;

	if (x->type == DIFFERS_PLACE && p->a && p->b && p->content == CONTENT_EQUAL &&
	    first_place(p->a, &at_a) && first_place(p->b, &at_b))
		str_printf(s,
			   "the same %" PRIu64 " bytes of content, which begin at byte %" PRIu64
			   " of A and %" PRIu64 " of B",
			   rimg_source_size(p->a->content), at_a, at_b);
	else if (x->type == DIFFERS_PLACE)
		str_add(s, "the same thing is stored at other places");
	else
		str_add(s, "says where things lie, not what they are");
}

static void add_sizes(struct str *s, const struct pair *p)
{
	uint64_t a = rimg_source_size(p->a->content), b = rimg_source_size(p->b->content);

	if (a == b)
		str_printf(s, "other bytes, of %" PRIu64 " as before", a);
	else if (a < b)
		str_printf(s, "other bytes, %" PRIu64 " more", b - a);
	else
		str_printf(s, "other bytes, %" PRIu64 " fewer", a - b);
}

static void add_name(struct str *s, const struct pair *p)
{
	if (p->renamed == RENAMED_HASH) {
		symbol_add_path(s, p->a->name, p->a->name_len);
		str_add(s, " in both; only what the compiler adds to tell builds apart differs");
	} else if (p->renamed == RENAMED_CODE) {
		str_add(s, "the same code has another name");
	} else {
		str_add(s, "the same thing has another name");
	}
}

static bool is_link(const struct rimg_node *n)
{
	return n && n->role == RIMG_ROLE_SYMLINK && n->content;
}

static void add_target(struct str *s, const struct rimg_source *src)
{
	char text[TARGET_MAX];
	size_t len = (size_t)num_min(rimg_source_size(src), sizeof(text));

	if (rimg_source_read(src, 0, text, len, NULL) < 0)
		len = 0;
	str_add_char(s, '"');
	str_add_escaped(s, text, len, STR_ESCAPE_TEXT);
	str_add(s, len < rimg_source_size(src) ? "...\"" : "\"");
}

static void add_targets(struct str *s, const struct pair *p)
{
	str_add(s, "leads to ");
	add_target(s, p->b->content);
	str_add(s, " instead of ");
	add_target(s, p->a->content);
}

static void add_content(struct str *s, const struct difference *x)
{
	const struct pair *p = x->pair;

	switch (x->type) {
	case DIFFERS_ROLE: str_add(s, "another kind of thing has this name"); return;
	case DIFFERS_NAME: add_name(s, p); return;
	case DIFFERS_LINK: str_add(s, "this name leads to another file"); return;
	case DIFFERS_ORDER: str_add(s, "the same entries in another order"); return;
	case DIFFERS_ATTR:
		if (!x->attr_a || !x->attr_b)
			str_add(s, x->attr_a ? "only A has it" : "only B has it");
		else
			str_add(s, "another value");
		return;
	case DIFFERS_CONTENT:
		if (is_link(p->a) && is_link(p->b))
			add_targets(s, p);
		else if (p->a && p->b && p->a->content && p->b->content)
			add_sizes(s, p);
		else
			str_add(s, "only one side has bytes that can be read");
		return;
	default: str_add(s, "other bytes of this structure");
	}
}

static void add_node(struct str *s, const struct rimg_node *n)
{
	auto_str struct str path = { 0 };

	node_add_path(&path, n);
	str_add_escaped(s, str_cstr(&path), path.len, STR_ESCAPE_TEXT);
}

static void add_presence(struct str *s, const struct difference *x)
{
	const struct pair *p = x->pair;
	const struct rimg_node *n = p->a ? p->a : p->b;

	if (x->why)
		str_add(s, x->why);
	else if (p->moved && p->similar > 0)
		str_printf(s, "similar content under another path: about %u %% of it is equal",
			   p->similar);
	else if (p->moved)
		str_add(s, "the same content under another path (SHA-256 is equal)");
	else if (p->copy_of) {
		str_printf(s, "only %s has it; its content is that of ", p->a ? "A" : "B");
		add_node(s, p->copy_of);
	} else
		str_printf(s, "only %s has a %s of this name", p->a ? "A" : "B",
			   rimg_role_name(n->role));
}

static void add_cause(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	bool in_a;

	switch (x->cause) {
	case RIMG_CAUSE_TIMESTAMP: why_add_time(s, x->attr_a, x->attr_b); return;
	case RIMG_CAUSE_IDENTIFIER: add_identifier(s, x); return;
	case RIMG_CAUSE_ORDERING: str_add(s, "the same entries in another order"); return;
	case RIMG_CAUSE_PLACEMENT: add_placement(s, x); return;
	case RIMG_CAUSE_COMPRESSION: add_compression(s, x); return;
	case RIMG_CAUSE_CHECKSUM:
		str_add(s, why_damage(d, x, &in_a)
				   ? "a checksum"
				   : "a checksum, though nothing it covers is known to differ");
		return;
	case RIMG_CAUSE_PADDING:
	case RIMG_CAUSE_FREE_SPACE:
	case RIMG_CAUSE_UNEXPLAINED: why_add_bytes(s, d, x); return;
	case RIMG_CAUSE_BUILD_ID:
		str_add(s, "an id that the linker made, though nothing else is known to differ");
		return;
	case RIMG_CAUSE_CONTENT:
	case RIMG_CAUSE_BUILD_PATH:
	case RIMG_CAUSE_SYMBOL_HASH:
	case RIMG_CAUSE_CODEGEN:
	case RIMG_N_CAUSES: add_content(s, x);
	}
}

/* ---- damage --------------------------------------------------------------------------------- */

/* The first finding of either side about bytes of @x: what a reader stumbled over is the best
 * explanation there is. */
static const struct finding *find_damage(const struct difference *x, const struct rimg_node *n,
					 bool side_a)
{
	const struct rimg_layer *l = n ? n->layer : NULL;

	for (size_t i = 0; l && i < num_min(l->n_findings, FINDINGS_MAX); i++) {
		const struct finding *f = &l->findings[i];
		uint64_t off = f->off, at, len;

		if (f->node == x->pair->a || f->node == x->pair->b)
			return f;
		if (f->len == 0)
			continue;
		/* findings count in their layer, ranges in the artifact */
		if (off >= rimg_source_size(l->src) || !source_ground(l->src, off, &at, &len))
			continue;
		for (size_t r = 0; r < num_min(x->n_ranges, RANGES_MAX); r++) {
			uint64_t pos = side_a ? x->ranges[r].a_off : x->ranges[r].b_off;

			if (pos != RIMG_NO_OFFSET && pos < at + f->len &&
			    at < pos + x->ranges[r].len)
				return f;
		}
	}
	return NULL;
}

const struct finding *why_damage(const struct rimg_diff *d, const struct difference *x,
				 bool *ret_in_a)
{
	const struct pair *above = x->pair;
	const struct finding *f;

	/* ranges are offsets in the artifacts: those must be whole images */
	if (x->n_ranges == 0 || source_map(d->root->a->content, 0, &(struct source_piece){ 0 }))
		return NULL;
	while (above->parent && (!above->a || !above->b))
		above = above->parent;
	f = find_damage(x, above->a, true);
	*ret_in_a = f != NULL;
	return f ? f : find_damage(x, above->b, false);
}

static void add_damage(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	bool in_a;
	const struct finding *f = why_damage(d, x, &in_a);

	if (f)
		str_printf(s, "; damage in %s: %s", in_a ? "A" : "B", f->text);
}

void why_add(struct str *s, const struct rimg_diff *d, const struct difference *x)
{
	if (x->root != x) {
		add_follows(s, d, x);
		/* what was found out about it all the same */
		if (x->why)
			str_printf(s, "; %s", x->why);
	} else if (x->type == DIFFERS_PRESENCE)
		add_presence(s, x);
	else if (x->why)
		str_add(s, x->why);
	else
		add_cause(s, d, x);
	add_damage(s, d, x);
}
