/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_CODE_ELF_H
#define AUDIT_CODE_ELF_H

#include "audit/code_file.h"

/* What the parts of the reader of ELF files share: code_elf.c reads headers and regions,
 * code_elf_tables.c symbols and unwind tables, code_elf_notes.c what else tells a producer. */

struct code_section {
	uint32_t name, type, link, info;
	uint64_t flags, addr, off, size, entsize;
	uint64_t have; /* bytes of it that lie in the content */
};

struct code_segment {
	uint32_t type, flags;
	uint64_t addr, off, filesz, memsz;
	uint64_t have;
};

struct code_elf {
	struct code_file *f;
	uint16_t type, machine;
	uint32_t names; /* index of the section of names */
	struct code_section *sections;
	size_t n_sections;
	struct code_segment *segments;
	size_t n_segments;
};

/** code_elf_name_is - is that the name of a section? */
bool code_elf_name_is(const struct code_elf *e, const struct code_section *s, const char *name);

/** code_elf_symbols - the symbols that name code */
void code_elf_symbols(struct code_elf *e);

/** code_elf_unwind - all unwind tables that can be found */
void code_elf_unwind(struct code_elf *e);

/** code_elf_notes - what sections and texts say of the producers */
void code_elf_notes(struct code_elf *e);

#endif
