/* SPDX-License-Identifier: MIT */
#ifndef DIFF_PAIRS_H
#define DIFF_PAIRS_H

#include <rimg/diff.h>

#include "core/layer.h"
#include "diff/ranges.h"

/* What the parts of a comparison share: the tree of pairs, and the differences that hang on it.
 *
 * Every node that was visited points to its pair through `mark`; below a node that only one side
 * has, all point to the pair of that node. */

/** enum difference_type - which kind of thing differs; with the key, what a pair has one of */
enum difference_type {
	DIFFERS_PRESENCE, /* added, removed or moved */
	DIFFERS_ROLE,
	DIFFERS_NAME,
	DIFFERS_LINK,  /* which other entry is the same file */
	DIFFERS_ATTR,  /* key: attr_a or attr_b */
	DIFFERS_ORDER, /* of the children */
	DIFFERS_CONTENT,
	DIFFERS_STORED, /* the same content, stored in other bytes */
	DIFFERS_PLACE,  /* the same, stored elsewhere */
	DIFFERS_CLAIM,  /* bytes of a structure; key: field and cause */
};

/** enum follows - why one difference follows from another */
enum follows {
	FOLLOWS_NOTHING,
	FOLLOWS_ECHO,     /* the same change of the same field */
	FOLLOWS_INSIDE,   /* a content, from what is inside of it */
	FOLLOWS_SIZE,     /* the length of a content */
	FOLLOWS_LINK,     /* the number of names of a file */
	FOLLOWS_COUNT,    /* numbers and lists of what is there */
	FOLLOWS_TABLE,    /* describes it */
	FOLLOWS_CHECKSUM, /* computed over it */
	FOLLOWS_PLACE,    /* moved by it */
	FOLLOWS_FAMILY,   /* of the same kind */
};

/** struct difference - see struct rimg_difference, which is made from it when it is shown */
struct difference {
	struct difference *next;       /* of the pair, in order of making */
	struct difference *next_other; /* of the pair, without those of attributes */
	struct pair *pair;
	enum difference_type type;
	enum rimg_cause cause;
	const char *field;              /* static or in an arena; NULL for DIFFERS_PRESENCE */
	const struct rimg_attr *attr_a; /* DIFFERS_ATTR */
	const struct rimg_attr *attr_b;
	const struct rimg_node *first_a; /* DIFFERS_ORDER: the first two children that differ */
	const struct rimg_node *first_b;
	uint64_t bytes;
	struct rimg_diff_range *ranges; /* malloc'ed */
	size_t n_ranges, cap_ranges;
	bool coarse;
	bool touched;            /* bytes were given to it, counted or not */
	bool shell;              /* of a content: all of it is told by what is inside */
	bool aside;              /* of a program, but not of what is loaded of it */
	bool derived;            /* follows from others by its nature */
	enum follows follows;    /* how it follows from `root` */
	uint64_t index;          /* in rimg_diff.list */
	struct difference *root; /* that it follows from, itself if from none */
	struct difference *via;  /* the next one on the way there */
	const char *why;         /* evidence that was found when the cause was; NULL: see why.c */
	uint64_t n_followers;    /* of a root */
	uint64_t all_bytes;      /* of a root and its followers */
};

/** enum renamed - why two functions of different names are a pair */
enum renamed {
	RENAMED_NOT,
	RENAMED_HASH, /* the names differ only in what a compiler adds */
	RENAMED_CODE, /* the code is equal */
};

enum content_state {
	CONTENT_NONE, /* neither has one */
	CONTENT_EQUAL,
	CONTENT_DIFFERENT,
};

/** enum scope_mode - what is done with the differing bytes of a scope */
enum scope_mode {
	SCOPE_RANGES,  /* counted, with their places: the artifacts compared */
	SCOPE_COUNT,   /* counted: contents, when the artifacts have no bytes of their own */
	SCOPE_EXPLAIN, /* only given to differences: the bytes are counted further up */
};

/**
 * struct scope - two contents whose bytes are compared at equal offsets
 *
 * The artifacts compared are one. A content that is packed, or stored at other places than in the
 * other image, is a scope of its own, so that what is inside of it is explained as well.
 */
struct scope {
	struct scope *next;
	struct pair *pair; /* whose contents they are */
	const struct rimg_source *a;
	const struct rimg_source *b;
	const struct blockmap *map; /* of the blocks that differ */
	enum scope_mode mode;
};

/**
 * struct pair - a node of A and its counterpart in B
 * @a, @b:        one is NULL when the other was removed or added
 * @scope:        what the bytes of both lie in; NULL: none is known
 * @blocks:       which blocks of the content differ; NULL unless it is different and not in place
 * @content:      enum content_state
 * @in_place:     the content of both lies at the same places of the scope
 * @descend:      who owns a byte of the content is decided inside of it
 * @recursed:     the content was opened on both sides and compared there
 * @tree:         counts for `equivalent`
 * @moved:        found under different paths by their content
 * @set_changed:  a child was added or removed
 * @damaged:      parts of the content could not be read
 * @half_read:    one of the two could not be read: what it lacks is not known to be missing
 * @hidden:       nothing of it is shown: its node was found to be moved from elsewhere
 * @renamed:      how it was found under another name, of functions and sections
 * @similar:      moved, and about so many hundredths of the content are equal; 0: all
 * @copy_of:      a file of the same side with the same content, of what only one side has
 * @holder:       of a further name of a file: the pair of the name that came or went and that is
 * the one that the file is known by on that side
 * @repacked:     a piece is packed on one side only
 * @packed:       what is stored of the content has another length or form than the content
 *
 * Of roots.c alone, all below it included:
 * @layer_pair:   the pair of the root of its layer
 * @came_or_went: the first child that was added, removed or moved
 * @layer_change: of the root of a layer: the same for all of the layer
 * @n_changed:    of the root of a layer: nodes that came or went
 * @relinked:     a name of this file that was added or removed
 * @best, @mover: the root of the best rank, and the first that can move others
 * @inside:       of a partition: the best root in its content, which @best does not know
 * @near, @near_mover: those of the nearest pair around that has one
 * @family:       of the root of a layer: who stands for all of a cause
 */
struct pair {
	struct rimg_node *a;
	struct rimg_node *b;
	struct pair *parent;
	struct pair *first_child;
	struct pair *last_child;
	struct pair *next;
	struct scope *scope;
	struct blockmap *blocks;
	struct difference *first;
	struct difference *last;
	struct difference *others; /* those that are not of attributes */
	enum content_state content;
	bool in_place;
	bool descend;
	bool recursed;
	bool tree;
	bool moved;
	bool set_changed;
	bool damaged;
	bool half_read;
	bool hidden;
	bool packed;
	bool repacked;
	struct pair *holder;
	enum renamed renamed;
	unsigned similar;
	const struct rimg_node *copy_of;
	struct pair *layer_pair;
	struct difference *came_or_went;
	struct difference *layer_change;
	uint64_t n_changed;
	struct difference *relinked;
	struct difference *best, *mover, *inside;
	struct difference *near, *near_mover;
	struct family *family;
};

/** struct pair_list - a growing list of pairs */
struct pair_list {
	struct pair **items;
	size_t n, cap;
};

/** struct attr_table - the differences of attributes, by these: to find them, never to list them */
struct attr_table {
	struct difference **slots;
	size_t n, cap; /* a power of two */
};

struct rimg_diff {
	struct rimg_ctx *ctx;
	const struct rimg_diff_options *options;
	struct arena arena;
	struct scratch *scratch;
	struct pair *root;
	struct blockmap map; /* of the artifacts compared */
	struct scope *scopes, *last_scope;
	struct pair_list stack;     /* to be visited */
	struct pair_list links;     /* hard links, looked at when everything else is paired */
	struct pair_list unmatched; /* removed or added */
	struct attr_table attrs;
	uint64_t n_ranges; /* of all differences */
	uint64_t budget;   /* bytes of contents that may still be compared */
	uint64_t code_budget, file_budget, path_budget; /* bytes that program.c may still look at */
	bool tree_differs;
	struct difference **list; /* what is shown, depth first */
	size_t n_list;
	struct rimg_diff_summary summary;
};

/* ---- pairs.c ------------------------------------------------------------------------------- */

/** pair_add - a pair below @parent (NULL: the root); marks its nodes; NULL without memory */
struct pair *pair_add(struct rimg_diff *d, struct pair *parent, struct rimg_node *a,
		      struct rimg_node *b);

/** pair_of - the pair of a node that was visited, or of the one above it that has no counterpart */
static inline struct pair *pair_of(const struct rimg_node *node)
{
	return node ? node->mark : NULL;
}

/** pair_list_add - 0 or -RIMG_E_NOMEM */
int pair_list_add(struct pair_list *list, struct pair *p);

/** pair_bytes - of both contents, which a pair must have; UINT64_MAX if that is not a number */
uint64_t pair_bytes(const struct pair *p);

/** pair_next - depth-first successor of @p, which is @root or below; NULL after the last */
struct pair *pair_next(const struct pair *p, const struct pair *root);

/** diff_node_is_filler - free space, padding or a gap: never a difference by itself, only its bytes
 */
bool diff_node_is_filler(const struct rimg_node *n);

/** diff_node_is_artifact - part of the content tree, not a structure of the format */
bool diff_node_is_artifact(const struct rimg_node *n);

/** diff_roles_fit - may a node of role @a become one of role @b under its name? */
bool diff_roles_fit(enum rimg_role a, enum rimg_role b);

/** scope_add - a scope for the content of @p; NULL without memory */
struct scope *scope_add(struct rimg_diff *d, struct pair *p, const struct blockmap *map,
			enum scope_mode mode);

/**
 * difference_get - the difference of that kind that @p has; made now if it has none
 * @field: of DIFFERS_CLAIM a part of the key
 *
 * Returns NULL without memory.
 */
struct difference *difference_get(struct rimg_diff *d, struct pair *p, enum difference_type type,
				  const char *field, enum rimg_cause cause);

/** difference_attr - the same for attributes; one of @a, @b may be NULL */
struct difference *difference_attr(struct rimg_diff *d, struct pair *p, const struct rimg_attr *a,
				   const struct rimg_attr *b);

/** difference_find - the first of a type other than DIFFERS_ATTR; NULL when there is none */
struct difference *difference_find(const struct pair *p, enum difference_type type);

/** difference_content - DIFFERS_CONTENT with the cause that fits the nodes */
struct difference *difference_content(struct rimg_diff *d, struct pair *p);

/** differs_in_tree - note that @p's difference is one of the content tree */
void differs_in_tree(struct rimg_diff *d, const struct pair *p);

/* ---- content.c ------------------------------------------------------------------------------ */

/**
 * content_compare - are the contents of a pair equal?
 *
 * Sets content, in_place and blocks. What lies at the same places of the scope is not read again.
 * Returns 0 or a code of rimg_source_read() other than -RIMG_E_BAD: damaged parts count as
 * different.
 */
int content_compare(struct rimg_diff *d, struct pair *p, struct rimg_error *err);

/** content_bad_len - how many bytes of @src from @off on are known to be unreadable; 0: none */
uint64_t content_bad_len(const struct rimg_source *src, uint64_t off);

/** place_compare - are the bytes at the places of two RAW attributes equal? */
int place_compare(struct rimg_diff *d, const struct pair *p, const struct rimg_attr *a,
		  const struct rimg_attr *b, bool *ret_equal, struct rimg_error *err);

/* ---- match.c -------------------------------------------------------------------------------- */

/**
 * match_children - pair the children of two nodes of one layer each
 *
 * By name and class of role; several of one name in the order that they are stored in; partitions
 * that are left over by number. New pairs go on the stack, what is left over to `unmatched`.
 */
int match_children(struct rimg_diff *d, struct pair *p, struct rimg_error *err);

/** match_order - note when the paired children of two nodes are stored in another order */
int match_order(struct rimg_diff *d, struct pair *p, struct rimg_error *err);

/* ---- moved.c -------------------------------------------------------------------------------- */

/**
 * match_moved - find removed and added files and directories of equal content
 *
 * Pairs them and puts the pairs on the stack.
 */
int match_moved(struct rimg_diff *d, struct rimg_error *err);

/**
 * match_publish - pair two nodes that only one side each was thought to have
 *
 * Takes the place of what said that they are gone; goes on the stack.
 */
int match_publish(struct rimg_diff *d, struct rimg_node *a, struct rimg_node *b, struct pair **ret,
		  struct rimg_error *err);

/* ---- similar.c ------------------------------------------------------------------------------ */

/** match_similar - the same for files of which the larger part is equal, and find copies */
int match_similar(struct rimg_diff *d, struct rimg_error *err);

/* ---- renamed.c ------------------------------------------------------------------------------ */

/**
 * match_renamed - pair functions and sections whose names differ only in a compiler's hash, then
 * functions of equal code
 * @first: where the unmatched children of one pair begin in `unmatched`
 */
int match_renamed(struct rimg_diff *d, size_t first, struct rimg_error *err);

/* ---- walk.c --------------------------------------------------------------------------------- */

/** diff_walk - compare everything below the root pair, whose contents are known to differ */
int diff_walk(struct rimg_diff *d, struct rimg_error *err);

/* ---- roots.c -------------------------------------------------------------------------------- */

/** diff_find_roots - number the differences, and find out which follow from which */
int diff_find_roots(struct rimg_diff *d, struct rimg_error *err);

/** diff_rank - how near to a decision of somebody a cause is: 0 is nearest */
unsigned diff_rank(enum rimg_cause cause);

/* ---- account.c ------------------------------------------------------------------------------ */

/** diff_account - give every differing byte of every scope to one difference */
int diff_account(struct rimg_diff *d, struct rimg_error *err);

#endif
