/* SPDX-License-Identifier: MIT */
#ifndef RIMG_DIFF_H
#define RIMG_DIFF_H

#include <rimg/image.h>

#if defined(__GNUC__)
#	pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/** struct rimg_diff - everything in which two artifacts differ, and which bytes that is */
struct rimg_diff;

/** enum rimg_diff_kind - what happened to the thing that a difference names */
enum rimg_diff_kind {
	RIMG_DIFF_CHANGED,
	RIMG_DIFF_ADDED,   /* only B has it */
	RIMG_DIFF_REMOVED, /* only A has it */
	RIMG_DIFF_MOVED,   /* the same or similar content under another path */
};

/** rimg_diff_kind_name - "changed", "added", "removed", "moved"; static */
const char *rimg_diff_kind_name(enum rimg_diff_kind kind);

#define RIMG_NO_OFFSET UINT64_MAX

/**
 * struct rimg_diff_range - bytes that differ
 * @a_off, @b_off: offset in A and in B, the same number; RIMG_NO_OFFSET in the one that ends
 *                 before it
 */
struct rimg_diff_range {
	uint64_t a_off;
	uint64_t b_off;
	uint64_t len;
};

/**
 * struct rimg_difference - one difference
 * @path:     steps from the artifacts compared to the thing, as the command line spells them; ""
 *            for these artifacts themselves. Of A, or of B when it was added.
 * @layer:    format that the thing is a part of ("redoxfs"), "function", or "bytes"
 * @field:    attribute or kind of bytes; NULL when the thing was added or removed
 * @a, @b:    the two values as text; NULL when there is none or it does not exist
 * @cause:    what it means
 * @bytes:    how many differing bytes belong to it
 * @ranges:   where these are, ascending; none for bytes inside of a packed or moved content, whose
 *            place has a difference of its own
 * @coarse:   there are more ranges than are kept: some also cover equal bytes in between. @bytes is
 *            exact.
 * @node_a, @node_b: the nodes; NULL where it does not exist
 * @why:         one sentence with the evidence for the cause; harmless text, never NULL
 * @index:       its number, in the order of rimg_diff_each() with all causes, from 0
 * @root:        number of the difference that it follows from, which itself follows from none; its
 *               own if it follows from none
 * @n_followers: how many follow from it
 * @all_bytes:   @bytes and those of all that follow from it
 */
struct rimg_difference {
	const char *path;
	const char *layer;
	enum rimg_diff_kind kind;
	const char *field;
	const char *a;
	const char *b;
	enum rimg_cause cause;
	uint64_t bytes;
	const struct rimg_diff_range *ranges;
	size_t n_ranges;
	bool coarse;
	struct rimg_node *node_a;
	struct rimg_node *node_b;
	const char *why;
	uint64_t index;
	uint64_t root;
	uint64_t n_followers;
	uint64_t all_bytes;
};

/**
 * struct rimg_diff_summary - the whole comparison in numbers
 * @identical:   the same bytes; for artifacts without bytes of their own (directories): nothing in
 *               them differs, and all of it could be read
 * @equivalent:  the same content tree, whatever the layout, ids and times (docs/diff.md)
 * @has_bytes:   false: the artifacts are directories; the numbers count the contents of their files
 * @a_size, @b_size: of the artifacts, bytes
 * @compared:    bytes that were looked at or known to be equal
 * @differing:   bytes that differ at equal offsets, and those that only the longer one has
 * @explained, @unexplained: together @differing, always
 * @differences: how many
 * @unread:      parts that could not be read and so could not be compared
 * @by_cause:    differences and their bytes, for each cause
 * @roots:       differences that follow from no other; all the rest follow from these
 */
struct rimg_diff_summary {
	bool identical;
	bool equivalent;
	bool has_bytes;
	uint64_t a_size;
	uint64_t b_size;
	uint64_t compared;
	uint64_t differing;
	uint64_t explained;
	uint64_t unexplained;
	uint64_t differences;
	uint64_t unread;
	struct {
		uint64_t differences;
		uint64_t bytes;
	} by_cause[RIMG_N_CAUSES];
	uint64_t roots;
};

/**
 * struct rimg_diff_options - how to compare
 * @progress: called now and then from the calling thread: what is going on, how far it is; or NULL
 */
struct rimg_diff_options {
	void (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
	void *progress_arg;
};

/**
 * rimg_diff_run - compare two artifacts of two different images
 * @a, @b:   of images that were opened one each, perhaps with one context
 * @options: may be NULL; read during the call only
 *
 * Both have bytes, or both have none (directories). Contents are opened as far as that is needed to
 * tell the differences; the trees stay as they are. One comparison of an image at a time.
 * Returns the result, which the caller frees with rimg_diff_free() before the images, or NULL with
 * @err set: ARG (they cannot be compared), IO (also: a file changed meanwhile), BAD (a damaged
 * content was to be compared), NOMEM, LIMIT, CRYPTO.
 */
struct rimg_diff *rimg_diff_run(struct rimg_node *a, struct rimg_node *b,
				const struct rimg_diff_options *options, struct rimg_error *err);

/** rimg_diff_free - free a result; NULL is fine */
void rimg_diff_free(struct rimg_diff *diff);

/** rimg_diff_get_summary - the numbers; live as long as the result */
const struct rimg_diff_summary *rimg_diff_get_summary(const struct rimg_diff *diff);

#define RIMG_CAUSES_ALL UINT32_MAX

/**
 * rimg_diff_each - call @fn for every difference, depth first, children by name bytes
 * @causes: of which causes: 1 << enum rimg_cause, or RIMG_CAUSES_ALL
 * @fn:     gets a difference that is valid during the call; returns false to stop
 * @arg:    passed to @fn
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int rimg_diff_each(const struct rimg_diff *diff, uint32_t causes,
		   bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg);

/**
 * rimg_diff_each_root - the same, each difference that follows from none with its followers behind
 * @causes, @fn, @arg: as for rimg_diff_each(); returns the same
 *
 * Those that follow from none come by cause, what somebody wanted before what happened by itself,
 * of one cause depth first; the followers depth first behind it.
 */
int rimg_diff_each_root(const struct rimg_diff *diff, uint32_t causes,
			bool (*fn)(void *arg, const struct rimg_difference *difference), void *arg);

/** enum rimg_detail_kind - what a line of a closer look is */
enum rimg_detail_kind {
	RIMG_DETAIL_HEAD, /* where the lines below it are: "@@ -3,7 +3,8 @@" */
	RIMG_DETAIL_SAME, /* a line that both have */
	RIMG_DETAIL_DIFF, /* one that differs, or that one side lacks (NULL there) */
	RIMG_DETAIL_NOTE, /* said about the lines: what is not shown, and why */
};

/** enum rimg_detail_form - what the lines are */
enum rimg_detail_form {
	RIMG_DETAIL_TEXT, /* lines of two texts */
	RIMG_DETAIL_HEX,  /* rows of bytes: offset, hexadecimal, characters */
	RIMG_DETAIL_CODE, /* instructions */
	RIMG_DETAIL_LIST, /* members of a list in order, values of an attribute */
};

/**
 * struct rimg_detail_line - one line
 * @a, @b: what the sides say, harmless text without line ends. HEAD and NOTE: @a alone. SAME: both,
 *         where the lines mean the same they may still be spelled differently (addresses)
 */
struct rimg_detail_line {
	enum rimg_detail_kind kind;
	enum rimg_detail_form form;
	const char *a;
	const char *b;
};

/**
 * rimg_difference_detail - a closer look at one difference
 * @difference: during a call of rimg_diff_each() or rimg_diff_each_root(), or with its `index`
 * @max_lines:  about how many lines at most; a NOTE says what was left out. 0: a sensible number
 * @fn:         gets the lines in order, valid during the call; returns false to stop
 * @arg:        passed to @fn
 *
 * Texts are compared by lines, functions by instructions, other contents shown in hexadecimal
 * around the first bytes that differ. Many differences have no more to tell than their values:
 * then there are no lines. What cannot be read is a NOTE.
 * Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM.
 */
int rimg_difference_detail(const struct rimg_diff *diff, const struct rimg_difference *difference,
			   size_t max_lines,
			   bool (*fn)(void *arg, const struct rimg_detail_line *line), void *arg,
			   struct rimg_error *err);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#	pragma GCC visibility pop
#endif
#endif
