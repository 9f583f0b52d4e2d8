/* SPDX-License-Identifier: MIT */
#include "core/num.h"
#include "formats/redoxfs_read.h"

/* Sets of block numbers, as leaves of bits. */

#define WORD_BITS  64
#define LEAF_WORDS (BLOCKSET_LEAF / WORD_BITS)

/* Stands for every leaf that is wholly in the set; never written to. */
static uint64_t blockset_full[1];

static uint64_t n_leaves(uint64_t n)
{
	return n / BLOCKSET_LEAF + (n % BLOCKSET_LEAF != 0);
}

int blockset_init(struct blockset *s, struct arena *a, uint64_t n)
{
	uint64_t **leaf = arena_array(a, (size_t)n_leaves(n), sizeof(uint64_t *));

	if (!leaf)
		return -RIMG_E_NOMEM;
	*s = (struct blockset){ .arena = a, .n = n, .leaf = leaf };
	return 0;
}

/* Word @w of a leaf, whatever stands for it. */
static uint64_t leaf_word(const uint64_t *leaf, size_t w)
{
	if (!leaf)
		return 0;
	return leaf == blockset_full ? UINT64_MAX : leaf[w];
}

/* Bits [from, to) of a word. */
static uint64_t word_mask(unsigned from, unsigned to)
{
	uint64_t below = to == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << to) - 1;

	return below & UINT64_MAX << from;
}

bool blockset_has(const struct blockset *s, uint64_t i)
{
	uint64_t word = leaf_word(s->leaf[i / BLOCKSET_LEAF], i % BLOCKSET_LEAF / WORD_BITS);

	return word >> (i % WORD_BITS) & 1;
}

/* A leaf that can be written to. */
static uint64_t *own_leaf(struct blockset *s, uint64_t **leaf)
{
	uint64_t *words;

	if (*leaf && *leaf != blockset_full)
		return *leaf;
	words = arena_array(s->arena, LEAF_WORDS, sizeof(*words));
	if (!words)
		return NULL;
	for (size_t w = 0; w < LEAF_WORDS; w++)
		words[w] = leaf_word(*leaf, w);
	return *leaf = words;
}

/* Bits [from, to) of one leaf. */
static int put_in_leaf(struct blockset *s, uint64_t **leaf, unsigned from, unsigned to, bool in)
{
	uint64_t *words;

	if (from == 0 && to == BLOCKSET_LEAF && (!*leaf || *leaf == blockset_full)) {
		*leaf = in ? blockset_full : NULL;
		return 0;
	}
	words = own_leaf(s, leaf);
	if (!words)
		return -RIMG_E_NOMEM;
	while (from < to) {
		unsigned start = from % WORD_BITS;
		unsigned end = (unsigned)num_min(WORD_BITS, start + (to - from));
		uint64_t mask = word_mask(start, end);

		if (in)
			words[from / WORD_BITS] |= mask;
		else
			words[from / WORD_BITS] &= ~mask;
		from += end - start;
	}
	return 0;
}

int blockset_put(struct blockset *s, uint64_t from, uint64_t len, bool in)
{
	uint64_t end = from + len;

	while (from < end) {
		uint64_t i = from / BLOCKSET_LEAF;
		unsigned start = (unsigned)(from % BLOCKSET_LEAF);
		unsigned to = (unsigned)num_min(BLOCKSET_LEAF, start + (end - from));

		if (put_in_leaf(s, &s->leaf[i], start, to, in) < 0)
			return -RIMG_E_NOMEM;
		from += to - start;
	}
	return 0;
}

static unsigned count_in_leaf(const uint64_t *leaf, unsigned from, unsigned to)
{
	unsigned n = 0;

	if (!leaf)
		return 0;
	if (leaf == blockset_full)
		return to - from;
	while (from < to) {
		unsigned start = from % WORD_BITS;
		unsigned end = (unsigned)num_min(WORD_BITS, start + (to - from));

		n += (unsigned)__builtin_popcountll(leaf[from / WORD_BITS] & word_mask(start, end));
		from += end - start;
	}
	return n;
}

uint64_t blockset_count(const struct blockset *s, uint64_t from, uint64_t len)
{
	uint64_t n = 0, end = from + len;

	while (from < end) {
		unsigned start = (unsigned)(from % BLOCKSET_LEAF);
		unsigned to = (unsigned)num_min(BLOCKSET_LEAF, start + (end - from));

		n += count_in_leaf(s->leaf[from / BLOCKSET_LEAF], start, to);
		from += to - start;
	}
	return n;
}

uint64_t blockset_next(const struct blockset *s, uint64_t from, bool in)
{
	while (from < s->n) {
		const uint64_t *leaf = s->leaf[from / BLOCKSET_LEAF];
		uint64_t word;

		if (leaf == (in ? NULL : blockset_full)) { /* none here */
			from = (from / BLOCKSET_LEAF + 1) * BLOCKSET_LEAF;
			continue;
		}
		word = leaf_word(leaf, from % BLOCKSET_LEAF / WORD_BITS);
		word = (in ? word : ~word) >> (from % WORD_BITS);
		if (word)
			return num_min(from + (unsigned)__builtin_ctzll(word), s->n);
		from = (from / WORD_BITS + 1) * WORD_BITS;
	}
	return s->n;
}
