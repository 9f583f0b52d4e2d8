/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_PE_H
#define FORMATS_PE_H

#include "core/field.h"
#include "core/format.h"
#include "formats/spans.h"

/* Layout of PE images and what the parts of their reader share: pe.c reads the headers and
 * sections, pe_data.c what the data directories point to. Facts: docs/formats/pe.md. */

#define PE_DOS_MAGIC     "MZ"
#define PE_DOS_LEN       64
#define PE_LFANEW_OFF    60 /* u32 in the DOS header: offset of the signature */
#define PE_SIGNATURE     "PE\0"
#define PE_SIGNATURE_LEN 4 /* the NUL behind the string included */
#define PE_COFF_LEN      20
#define PE_SECTION_LEN   40
#define PE_SYMBOL_LEN    18
#define PE_DEBUG_LEN     28

#define PE_MAGIC_32 0x10B
#define PE_MAGIC_64 0x20B

/* where the optional header's CheckSum lies, in both its forms */
#define PE_CHECKSUM_OFF 64

enum pe_directory {
	PE_DIR_CERTIFICATES = 4, /* its address is an offset in the file */
	PE_DIR_DEBUG = 6,
	PE_N_DIRS = 16,
};

#define PE_SCN_EXECUTE 0x20000000U
#define PE_SCN_BSS     0x00000080U

#define PE_DEBUG_CODEVIEW 2

/* who gets a byte that several structures cover */
enum pe_rank {
	PE_RANK_HEADER,
	PE_RANK_SECTION_HEADER,
	PE_RANK_DOS,
	PE_RANK_SECTION,
	PE_RANK_SYMBOLS,
	PE_RANK_CERTIFICATES,
};

struct pe_section {
	uint32_t vsize;
	uint32_t vaddr;
	uint32_t size;
	uint32_t off;
	uint32_t flags;
	uint32_t have; /* bytes of it that lie in the file */
	struct rimg_node *node;
};

struct pe_file {
	struct rimg_layer *l;
	uint64_t size;
	uint32_t header_off; /* of the signature */
	bool is64;
	uint16_t n_sections;
	uint16_t optional_len;
	uint32_t symbols_off, n_symbols;
	uint32_t entry, image_size;
	uint32_t n_dirs;
	struct {
		uint32_t addr, size;
	} dir[PE_N_DIRS];
	struct pe_section *section;
	struct rimg_node *header;
	uint8_t *strings; /* of the COFF symbol table, behind its length; NULL: none */
	uint32_t strings_len;
	struct spans spans;
	uint64_t end; /* behind the last byte that a header points to */
};

/** pe_content - give a node [off, off + len) of the file as its content, without a claim */
int pe_content(const struct pe_file *f, struct rimg_node *node, uint64_t off, uint64_t len);

/**
 * pe_read_data - read what the data directories and the header point to outside of the sections
 *
 * Certificates become a node; debug entries become attributes of the section they lie in.
 * Returns 0, -RIMG_E_NOMEM or what reading returned.
 */
int pe_read_data(struct pe_file *f, struct rimg_error *err);

/** pe_read_symbols - find the COFF symbol table and read its strings, which may hold names */
int pe_read_symbols(struct pe_file *f, struct rimg_error *err);

/** pe_check - the image's checksum, which takes reading all of it */
int pe_check(struct rimg_layer *l, struct rimg_error *err);

#endif
