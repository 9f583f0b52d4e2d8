/* SPDX-License-Identifier: MIT */
#ifndef DIFF_PROGRAM_H
#define DIFF_PROGRAM_H

#include "core/str.h"
#include "diff/insns.h"
#include "diff/pairs.h"
#include "formats/elf_view.h"

/* Programs are the one thing that the comparison looks into with knowledge of its own: what a
 * compiler or linker did is not to be read off from fields. */

/** struct program - a pair of ELF files, both held whole
 * @number_a, @number_b: which section a child of the root is, by its position; made when needed */
struct program {
	struct rimg_diff *d;
	struct elf_view a, b;
	size_t *number_a, *number_b;
	struct insns_decoder decoder;
};

/**
 * program_section - find the cause of a section's content
 * @x: DIFFERS_CONTENT of a section; gets cause, why and `derived`
 *
 * Returns 0 or -RIMG_E_NOMEM.
 */
int program_section(struct program *g, struct difference *x);

/** program_table - the same for symbols, relocations and names; *@ret: false: it is none of these
 */
int program_table(struct program *g, struct difference *x, const struct elf_view_section *a,
		  const struct elf_view_section *b, bool *ret);

/**
 * program_producers - were two rows of texts made by other compilers, or with other options?
 *
 * Looks for the texts that compilers write about themselves. *@ret says so, and @x tells both.
 */
int program_producers(struct program *g, struct difference *x, const struct elf_view_section *a,
		      const struct elf_view_section *b, bool *ret);

/** program_function - the same for a function */
int program_function(struct program *g, struct difference *x);

/** program_pointers - are all words that differ addresses that lead to the same things?
 * @ret_n: how many differ */
bool program_pointers(const struct program *g, const struct elf_view_section *a,
		      const struct elf_view_section *b, size_t *ret_n);

/** why_set - keep a sentence with the difference; 0 or -RIMG_E_NOMEM */
int why_set(struct rimg_diff *d, struct difference *x, const struct str *s);

/**
 * paths_compare - are two contents equal but for the beginnings of paths?
 * @s: receives which beginnings
 *
 * Finds the paths that only one side has, and replaces the beginning that most of them share by
 * that of the other side; the rest must be equal then, byte by byte or, with @as_texts, as a set of
 * texts. *@ret says whether that is so. Returns 0 or -RIMG_E_NOMEM.
 */
int paths_compare(const uint8_t *a, size_t len_a, const uint8_t *b, size_t len_b, bool as_texts,
		  struct str *s, bool *ret);

/** diff_refine - find better causes than formats can tell */
int diff_refine(struct rimg_diff *d, struct rimg_error *err);

#endif
