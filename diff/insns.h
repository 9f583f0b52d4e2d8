/* SPDX-License-Identifier: MIT */
#ifndef DIFF_INSNS_H
#define DIFF_INSNS_H

#include "diff/edits.h"
#include "formats/elf_view.h"

/* Machine code by instructions, compared without the addresses in it: where the linker puts things
 * changes the operands of branches and of what makes addresses, but not what a function does. */

/**
 * struct insn - one instruction
 * @off:     in the function
 * @len:     bytes; of what is no instruction the length of the smallest one
 * @key:     equal for instructions that are equal but for an address
 * @target:  the address, when @has_target
 * @page:    makes only a part of an address; @used: another instruction is known that completes it
 */
struct insn {
	uint32_t off;
	uint8_t len;
	bool has_target;
	bool page;
	bool used;
	uint64_t key;
	uint64_t target;
};

/** struct insns - a function; @data is not its own */
struct insns {
	const struct elf_view *view;
	const uint8_t *data;
	size_t len;
	uint64_t addr;
	struct insn *insn;
	size_t n, cap;
};

/** struct insns_decoder - what is kept from one function to the next; all zero at first */
struct insns_decoder {
	struct x86 *x86;
};

void insns_decoder_done(struct insns_decoder *d);

/**
 * insns_decode - cut @len bytes at address @addr into instructions
 *
 * AArch64, x86-64 and RISC-V, little-endian. *ret has none for other machines.
 * Returns 0 or -RIMG_E_NOMEM; the caller frees with insns_done(). @data must stay.
 */
int insns_decode(struct insns_decoder *d, const struct elf_view *view, const uint8_t *data,
		 size_t len, uint64_t addr, struct insns *ret);

void insns_done(struct insns *c);

/**
 * struct insns_delta - two functions compared
 * @edits:      instructions that differ, after masking addresses
 * @n_changed:  how many these are
 * @n_moved:    instructions whose address differs, but leads to the same thing
 * @n_other:    instructions whose address leads to another thing, or to what cannot be told
 * @first_a, @first_b: the first of the latter
 */
struct insns_delta {
	struct edits edits;
	size_t n_changed;
	size_t n_moved;
	size_t n_other;
	size_t first_a, first_b;
};

/** insns_compare - 0 or -RIMG_E_NOMEM; the caller frees @ret with insns_delta_done()
 * @max: edits looked for, as edits_find() */
int insns_compare(const struct insns *a, const struct insns *b, size_t max,
		  struct insns_delta *ret);

void insns_delta_done(struct insns_delta *d);

/** insns_leads_to_same - do the addresses in two instructions lead to the same thing? */
bool insns_leads_to_same(const struct insns *a, const struct insn *ia, const struct insns *b,
			 const struct insn *ib);

/** insns_is_padding - do these bytes do nothing, as those between functions? */
bool insns_is_padding(struct insns_decoder *d, const struct elf_view *view, const uint8_t *data,
		      size_t len);

struct str;

/** insns_add_target - add what an address is: main+0x10, "a text", .rodata+0x40, 0x1234 */
void insns_add_target(struct str *s, const struct elf_view *view, uint64_t target);

/** struct disassembler - instructions as text */
struct disassembler;

/** disassembler_new - for the machine of @view; NULL when it is not known, or without memory */
struct disassembler *disassembler_new(const struct elf_view *view);
void disassembler_free(struct disassembler *d);

/** disassembler_add - add the text of one instruction; addresses in it by name */
void disassembler_add(struct disassembler *d, struct str *s, const struct insns *c,
		      const struct insn *insn);

#endif
