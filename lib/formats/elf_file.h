/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_ELF_FILE_H
#define FORMATS_ELF_FILE_H

#include "core/field.h"
#include "core/format.h"
#include "formats/spans.h"

/* What the parts of the ELF reader share: elf.c reads the headers and segments, elf_sections.c the
 * sections, elf_symbols.c the functions. Names of constants are those of <elf.h>. */

/* who gets a byte that several structures cover */
enum elf_rank {
	ELF_RANK_HEADER,
	ELF_RANK_SEGMENT_HEADER,
	ELF_RANK_SECTION_HEADER,
	ELF_RANK_FUNCTION,
	ELF_RANK_SECTION,
	ELF_RANK_SEGMENT, /* the ones for one purpose, before those that are just loaded */
	ELF_RANK_LOAD,
};

struct elf_section {
	uint32_t name_off;
	uint32_t type;
	uint64_t flags;
	uint64_t addr;
	uint64_t off;
	uint64_t size;
	uint32_t link;
	uint32_t info;
	uint64_t align;
	uint64_t entsize;
	uint64_t have;          /* bytes of it that lie in the file; 0 for types without bytes */
	struct rimg_node *node; /* NULL for index 0 */
};

struct elf_segment {
	uint32_t type;
	uint32_t flags;
	uint64_t off;
	uint64_t vaddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t align;
	uint64_t have;
	struct rimg_node *node;
};

struct elf_file {
	struct rimg_layer *l;
	uint8_t *data; /* the whole content */
	size_t size;
	bool is64;
	bool big;
	uint16_t type;
	uint16_t machine;
	uint64_t entry;
	uint64_t phoff, shoff;
	uint16_t ehsize, phentsize, shentsize;
	uint64_t phnum, shnum; /* also where they don't fit into the header */
	uint32_t shstrndx;
	struct elf_section *section; /* `n_sections` of them; index 0 is the unused one */
	size_t n_sections;
	struct elf_segment *segment;
	size_t n_segments;
	struct spans spans;
	uint64_t names_left; /* bytes of names that may still be looked at */
};

/** elf_cursor - a cursor over the whole file, at byte @off, in the file's byte order */
struct rd elf_cursor(const struct elf_file *f, uint64_t off);

/** elf_bytes - the @len bytes at @off; NULL when they don't lie in the file */
const uint8_t *elf_bytes(const struct elf_file *f, uint64_t off, uint64_t len);

/** elf_fields - a field reader for the @len bytes at @off, in the file's byte order */
struct field elf_fields(const struct elf_file *f, struct rimg_node *node, uint64_t off, size_t len);

/** elf_word - the next 4 (32-bit file) or 8 bytes */
uint64_t elf_word(const struct elf_file *f, struct rd *r);

/** elf_field_hex32 - 4 bytes as a field, in hexadecimal */
uint32_t elf_field_hex32(struct field *fields, const char *key, enum rimg_cause cause);

/** elf_field_word, elf_field_hex - elf_word() as a field, in decimal or hexadecimal */
uint64_t elf_field_word(const struct elf_file *f, struct field *fields, const char *key,
			enum rimg_cause cause);
uint64_t elf_field_hex(const struct elf_file *f, struct field *fields, const char *key,
		       enum rimg_cause cause);

/**
 * elf_string - the text at byte @off of a string table
 * @table:   index of the section that is the table
 * @ret_len: its length, set on success only
 *
 * Returns the text in place; NULL when there is no such text in the table, or when the file has had
 * more names than a sane one of its size can have.
 */
const char *elf_string(struct elf_file *f, uint32_t table, uint64_t off, size_t *ret_len);

/** elf_content - give a node [off, off + len) of the file as its content, without a claim */
int elf_content(const struct elf_file *f, struct rimg_node *node, uint64_t off, uint64_t len);

/**
 * elf_read_sections - read the section headers
 *
 * Facts: docs/formats/elf.md, "Sections". Makes a node for each section, with spans for its header
 * and contents. Returns 0 or -RIMG_E_NOMEM.
 */
int elf_read_sections(struct elf_file *f);

/**
 * elf_read_notes - describe the notes in [off, off + len) as attributes of @node
 * @align: 4 or 8
 *
 * A build id also becomes an attribute of the layer's root. Returns 0 or -RIMG_E_NOMEM.
 */
int elf_read_notes(struct elf_file *f, struct rimg_node *node, uint64_t off, uint64_t len,
		   uint64_t align);

/**
 * elf_read_functions - make the functions that a symbol table names, below their sections
 *
 * Facts: docs/formats/elf.md, "Symbols". Returns 0 or -RIMG_E_NOMEM.
 */
int elf_read_functions(struct elf_file *f);

#endif
