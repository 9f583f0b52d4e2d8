/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CODE_H
#define AUDIT_CODE_H

#include <rimg/node.h>

/*
 * Machine code by the compiler that made it. One code object is the executable bytes of one program
 * (ELF, PE) or of a run of raw code, cut into pieces; every executable byte is in exactly one
 * piece, every piece in exactly one class, with the evidence for it. Which classes pass is policy's
 * matter (policy.h); where code hides is hidden.h's.
 *
 * Facts: docs/audit.md.
 */

/** enum code_class - what made a piece */
enum code_class {
	CODE_CRANELIFT,
	CODE_LLVM,
	CODE_GCC,
	CODE_FOREIGN,  /* surely not Cranelift; LLVM or GCC is undecided */
	CODE_ASM,      /* written by hand: inline asm in its wrapper, naked functions */
	CODE_CONFLICT, /* unwind table and code contradict each other */
	CODE_UNKNOWN,
	CODE_PAD, /* zero or nop words between functions */
	N_CODE_CLASSES,
};

/** code_class_name - "cranelift", ...: the spelling of outputs and policies */
const char *code_class_name(enum code_class cls);

/** enum code_arch - instruction set */
enum code_arch {
	CODE_A64,
	CODE_X86_64,
	CODE_RISCV64,
	CODE_OTHER,
	N_CODE_ARCHES,
};

/** code_arch_name - "aarch64", "x86_64", "riscv64", "other" */
const char *code_arch_name(enum code_arch arch);

/**
 * struct code_piece - one run of executable bytes
 * @off:      offset in the object's content, bytes
 * @addr:     virtual address; 0-based section offset in relocatable objects
 * @len:      bytes, > 0
 * @symbol:   name as stored (bytes, no NUL inside), or NULL; lives as long as the object
 * @cls:      what made it
 * @evidence: bits of the table of rules: code_rule_name(0..63)
 */
struct code_piece {
	uint64_t off;
	uint64_t addr;
	uint64_t len;
	const char *symbol;
	uint64_t evidence;
	uint8_t cls;
};

/** code_rule_name - short name of an evidence bit ("pair-at-sp", "cie-cranelift", ...) or NULL */
const char *code_rule_name(unsigned bit);

/** code_rule_note - one sentence on what it says; how to check it by hand is in docs/audit.md */
const char *code_rule_note(unsigned bit);

/**
 * struct code_object - the code of one artifact
 * @pieces:   ascending by offset, not overlapping, together all executable bytes of the content
 * @by_class: bytes of each class; the sum is @code_bytes
 * @notes:    evidence of the container, sentences: producers that .comment names, sections that
 * only one compiler makes, paths of a prebuilt standard library
 * @reasons:  what is odd about it (overlapping symbols, an unwind table that is damaged, a section
 *            header table that is missing), sentences; never improves a verdict
 */
struct code_object {
	const char *format; /* "elf", "pe", "raw" */
	enum code_arch arch;
	uint64_t code_bytes;
	uint64_t by_class[N_CODE_CLASSES];
	const struct code_piece *pieces;
	size_t n_pieces;
	const char *const *notes;
	size_t n_notes;
	const char *const *reasons;
	size_t n_reasons;
};

/**
 * code_examine - find, cut and judge the code of an artifact's content
 * @content: an ELF or PE file, whole; it is recognised by its first bytes
 * @ret:     set on success only, by code_object_free(); *ret is NULL when the content is neither
 *
 * Reads the content itself and does not rely on the tree of nodes, so that what a format's opener
 * leaves out (segments without section headers, bytes that several sections claim) is seen too.
 * What cannot be parsed ends up as unknown code with a reason, never as no code. Work is linear in
 * the size of the content.
 *
 * Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM, -RIMG_E_LIMIT (content larger than the limits' budget).
 */
__attribute__((warn_unused_result)) int code_examine(struct rimg_ctx *ctx,
						     const struct rimg_source *content,
						     struct code_object **ret,
						     struct rimg_error *err);

/**
 * code_examine_raw - judge bytes that are machine code without a container
 * @arch: which instruction set to read it as
 *
 * As code_examine(); all bytes are executable, addresses are offsets.
 */
__attribute__((warn_unused_result)) int
code_examine_raw(struct rimg_ctx *ctx, const struct rimg_source *content, enum code_arch arch,
		 struct code_object **ret, struct rimg_error *err);

/** code_object_free - NULL is fine */
void code_object_free(struct code_object *object);

/**
 * code_piece_digest - SHA-256 of a piece with what linking changes masked
 *
 * On AArch64 the immediates of adrp, of an add or load that follows from it, and of adr, bl, b and
 * ldr (literal) that lead out of the piece are zeroed, so that one function has one digest wherever
 * it was linked. Elsewhere the plain bytes. docs/audit.md tells the mask in full, so that it can be
 * computed by hand.
 */
__attribute__((warn_unused_result)) int code_piece_digest(const struct rimg_source *content,
							  enum code_arch arch,
							  const struct code_piece *piece,
							  uint8_t ret[32], struct rimg_error *err);

#endif
