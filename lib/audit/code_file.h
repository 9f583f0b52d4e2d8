/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CODE_FILE_H
#define AUDIT_CODE_FILE_H

#include "audit/code.h"
#include "audit/code_rules.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/str.h"

/*
 * What the parts of the examination share. The content is held whole; a reader of a container
 * (code_elf.c, code_pe.c) finds regions, symbols and unwind tables in it; code_cut.c walks the
 * regions, cuts them into pieces and has each judged (code_judge.c).
 */

/* no region; no section */
#define CODE_NONE SIZE_MAX

/**
 * struct code_region - a run of executable bytes; regions ascend and do not overlap
 * @addr:       address of its first byte; in relocatable objects 0 at the section's beginning
 * @section:    index of the section it belongs to, CODE_NONE: of a segment alone
 * @first_word: where its words' flags begin in code_file.flags
 * @bare:       executable only because of its segment, in a file whose section headers claim to
 *              say where the code is
 * @head:       bytes before it that were its own, but no whole instruction
 * @opaque:     whether it is code cannot be told; it counts as unknown code
 */
struct code_region {
	uint64_t off, addr, len;
	size_t section;
	size_t first_word;
	uint8_t head;
	bool bare;
	bool opaque;
};

/** struct code_symbol - the name of an offset in the content; names lie in the content */
struct code_symbol {
	uint64_t off;
	uint64_t name_off;
	uint32_t name_len;
	uint8_t rank; /* of symbols at one offset the lowest rank, then the first name, is taken */
};

/** enum cie_class - whose unwind tables have such a CIE */
enum cie_class {
	CIE_CRANELIFT,
	CIE_LLVM,
	CIE_GCC,
	CIE_OTHER,
};

/** struct code_cie - what its entries have in common */
struct code_cie {
	uint64_t off; /* of its length, in the content */
	enum cie_class cls;
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding;  /* of addresses: DW_EH_PE_* */
	bool augmented;    /* 'z': its entries have augmentation data */
	bool foreign_seen; /* an entry of it has a program that Cranelift does not write */
	bool framed_seen;  /* an entry of it has a program that Cranelift alone writes */
};

/** enum fde_shape - what an unwind program does */
enum fde_shape {
	FDE_EMPTY,
	FDE_FRAMED,
	FDE_FOREIGN,
};

/**
 * struct code_fde - one unwind entry
 * @off:     first byte of the code it covers, in the content
 * @setup:   words before the first that saves a register in a push (FRAMED)
 * @program: offset and length of the unwind program in the content
 */
struct code_fde {
	uint64_t off, len;
	uint64_t program_off;
	uint32_t program_len;
	uint32_t cie;
	uint32_t setup;
	enum fde_shape shape;
};

/** struct code_map - addresses that the content has bytes for: a loaded segment or section */
struct code_map {
	uint64_t addr, off, len;
};

/* flags of a word of code */
enum {
	WORD_CALLED = 1,    /* a bl leads here */
	WORD_LITERAL = 2,   /* a load of a literal reads it */
	WORD_TARGET = 4,    /* a branch of the function leads here */
	WORD_REACHED = 8,   /* control does */
	WORD_TABLE = 16,    /* of a jump table */
	WORD_SYMBOL = 32,   /* a symbol names it */
	WORD_BRANCHED = 64, /* a branch, of whatever function, leads here */
};

/** enum code_oddity - what is told once a file, with how often and where first */
enum code_oddity {
	ODD_REGION_CUT,
	ODD_REGION_OVERLAP,
	ODD_NO_SECTIONS,
	ODD_BARE,
	ODD_UNWIND_BAD,
	ODD_UNWIND_ZERO,
	ODD_UNWIND_STRAY,
	ODD_UNWIND_OVERLAP,
	ODD_UNWIND_SEARCHED,
	ODD_UNWIND_SPLIT,
	ODD_UNREACHED,
	ODD_MISALIGNED,
	ODD_NO_FILE_BYTES,
	ODD_BAD_HEADERS,
	ODD_ENTRY,
	N_CODE_ODDITIES,
};

/** struct code_file - one artifact under examination */
struct code_file {
	const uint8_t *data;
	size_t len;
	struct arena *arena; /* of the object that is made */
	enum code_arch arch;
	const char *format;
	bool is64, big;
	bool relocatable; /* addresses are offsets in sections */
	bool never_clif;  /* a container that Cranelift cannot have made */
	bool nomem;
	struct code_region *regions;
	size_t n_regions, cap_regions;
	struct code_symbol *symbols;
	size_t n_symbols, cap_symbols;
	struct code_cie *cies;
	size_t n_cies, cap_cies;
	uint64_t tables_left; /* bytes of unwind tables that may still be read */
	uint64_t names_used;  /* bytes of names that were copied */
	struct code_fde *fdes;
	size_t n_fdes, cap_fdes;
	struct code_map *maps; /* by address */
	size_t n_maps, cap_maps;
	struct code_piece *pieces;
	size_t n_pieces, cap_pieces;
	const char **notes;
	size_t n_notes, cap_notes;
	uint8_t *flags;    /* of each word of each region */
	uint32_t *pending; /* room for code_flow.c */
	size_t n_pending, cap_pending;
	struct code_matcher matcher;
	struct {
		uint64_t count, off;
	} odd[N_CODE_ODDITIES];
};

/** code_rd - a cursor over [off, off + len) of the content, in the file's byte order */
static inline struct rd code_rd(const struct code_file *f, uint64_t off, uint64_t len)
{
	struct rd all = rd_init(f->data, f->len, 0);

	all.big = f->big;
	return rd_sub(&all, off, len);
}

/** code_odd - something odd was met at @off of the content */
void code_odd(struct code_file *f, enum code_oddity what, uint64_t off);

/** code_note - add a note; what it quotes is escaped by the caller */
__attribute__((format(printf, 2, 3))) void code_note(struct code_file *f, const char *fmt, ...);

/** code_note_paths - notes of paths of Rust's standard library in the content */
void code_note_paths(struct code_file *f);

/** code_add - room for one more element of a growing array of @f, zeroed; NULL: f->nomem is set */
void *code_add(struct code_file *f, void **data, size_t *cap, size_t *n, size_t size);

/** code_offset - the content's offset of an address, and how many bytes follow it; false: none */
bool code_offset(const struct code_file *f, uint64_t addr, uint64_t *ret_off, uint64_t *ret_left);

/** code_address - the address of a byte of the content; false: it is not loaded */
bool code_address(const struct code_file *f, uint64_t off, uint64_t *ret);

/** code_region_at - the region that byte @off of the content lies in, or CODE_NONE */
size_t code_region_at(const struct code_file *f, uint64_t off);

/** code_opaque_rest - what no region has becomes one that is unknown: headers could not be trusted
 */
void code_opaque_rest(struct code_file *f);

/** code_elf_read - regions, symbols, unwind tables and notes of an ELF file */
void code_elf_read(struct code_file *f);

/** code_pe_read - the same of a PE file */
void code_pe_read(struct code_file *f);

/** struct code_reloc - where a pointer of an unwind table leads, in relocatable objects */
struct code_reloc {
	uint64_t at;  /* byte of the table */
	uint64_t off; /* byte of the content that it leads to; UINT64_MAX: none */
};

/**
 * code_unwind_read - the entries of one .eh_frame
 * @off, @len: the table in the content
 * @addr:      its address
 * @relocs:    ascending by @at, or NULL when pointers are as they stand
 * @whole:     @len is the table's length, not only what may be read
 */
void code_unwind_read(struct code_file *f, uint64_t off, uint64_t len, uint64_t addr,
		      const struct code_reloc *relocs, size_t n_relocs, bool whole);

/**
 * code_unwind_pushed - the registers that push @i of a FRAMED entry saves, by DWARF's numbers
 *
 * Returns how many: 2, 1, or 0 when there is no such push.
 */
uint32_t code_unwind_pushed(const struct code_file *f, const struct code_fde *fde, size_t i,
			    uint32_t regs[2]);

/** code_unwind_search - look for an .eh_frame in the bytes that are loaded */
void code_unwind_search(struct code_file *f);

/** code_unwind_done - sort the entries and drop those that say nothing of code */
void code_unwind_done(struct code_file *f);

/** code_cut_a64 - cut all regions into pieces and judge them, as AArch64 code */
void code_cut_a64(struct code_file *f);

/** code_cut_x86 - the same as x86-64 code */
void code_cut_x86(struct code_file *f);

/** code_cut_other - everything is unknown; padding is not looked for */
void code_cut_other(struct code_file *f);

/** code_emit - add a piece of @region; takes the name of a symbol at its beginning */
void code_emit(struct code_file *f, const struct code_region *region, uint64_t off, uint64_t len,
	       enum code_class cls, uint64_t evidence);

/** code_word - a word of a region */
static inline uint32_t code_word(const struct code_file *f, const struct code_region *r, size_t i)
{
	const uint8_t *p = f->data + r->off + i * 4;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

#endif
