/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_ELF_VIEW_H
#define FORMATS_ELF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rimg/source.h>

/* A whole ELF file in memory, to look things up in: what lies at an address, what a section's bytes
 * are. For those who compare programs; the tree of nodes is made by elf.c. */

/** struct elf_view_section - see the section headers of ELF; @data: NULL when it has no bytes */
struct elf_view_section {
	const char *name; /* "" when it has none */
	uint32_t type;
	uint64_t flags;
	uint64_t addr;
	uint64_t size;
	uint32_t link;
	uint64_t entsize;
	const uint8_t *data; /* @size bytes */
};

/** struct elf_view_symbol - a symbol */
struct elf_view_symbol {
	uint64_t addr;
	uint64_t size;
	const char *name; /* NUL-terminated */
	uint8_t type;     /* STT_... */
	uint8_t bind;
	uint32_t section; /* index, or SHN_... */
};

/** struct elf_view - @symbol: functions and objects by address, of one address one, things before
 * labels */
struct elf_view {
	uint8_t *data;
	size_t size;
	bool is64, big;
	uint16_t type, machine;
	struct elf_view_section *section;
	size_t n_sections;
	struct elf_view_symbol *symbol;
	size_t n_symbols;
};

/**
 * elf_view_open - read an ELF file whole
 * @max: more bytes than this are not read
 *
 * What is damaged is left out. *ret has no data when it is no ELF file, too large, or damaged where
 * it lies. Returns 0, -RIMG_E_NOMEM or -RIMG_E_IO; the caller frees with elf_view_done().
 */
int elf_view_open(const struct rimg_source *src, uint64_t max, struct elf_view *ret);

void elf_view_done(struct elf_view *v);

/** elf_view_section_at - the section whose bytes are loaded at @addr; NULL: none. Relocatable files
 * have none. */
const struct elf_view_section *elf_view_section_at(const struct elf_view *v, uint64_t addr);

/** elf_view_symbol_at - the symbol that @addr lies in or begins; NULL: none */
const struct elf_view_symbol *elf_view_symbol_at(const struct elf_view *v, uint64_t addr);

/**
 * elf_view_read_symbol - entry @i of a symbol table
 *
 * Returns false when there is none. The name is "" when it cannot be found.
 */
bool elf_view_read_symbol(const struct elf_view *v, const struct elf_view_section *table, size_t i,
			  struct elf_view_symbol *ret);

#endif
