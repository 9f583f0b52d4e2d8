/* SPDX-License-Identifier: MIT */
#ifndef CORE_DISASM_H
#define CORE_DISASM_H

#include <stddef.h>
#include <stdint.h>

/* Instructions as text, for people to read. Nothing is decided by it. */

/** enum disasm_machine - whose instructions */
enum disasm_machine {
	DISASM_NONE, /* of a machine that is not known here: all bytes are shown as numbers */
	DISASM_A64,
	DISASM_X86_64,
};

struct disasm;

/** disasm_new - NULL without memory; a decoder that cannot be had shows numbers */
struct disasm *disasm_new(enum disasm_machine machine);

/** disasm_free - NULL is fine */
void disasm_free(struct disasm *d);

/**
 * struct disasm_text - one instruction
 * @len:      its bytes, at least 1 and at most as many as there were
 * @mnemonic: "stp", or ".insn" for what is no instruction
 * @operands: "" if it has none
 */
struct disasm_text {
	size_t len;
	char mnemonic[32];
	char operands[192];
};

/**
 * disasm_one - the instruction that begins at @code
 * @len:  bytes that there are, > 0
 * @addr: of the first one
 * @unit: how many of them to show as one number when they are no instruction; 1 .. 16
 */
void disasm_one(const struct disasm *d, const uint8_t *code, size_t len, uint64_t addr, size_t unit,
		struct disasm_text *ret);

#endif
