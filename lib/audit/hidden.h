/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_HIDDEN_H
#define AUDIT_HIDDEN_H

#include <rimg/source.h>

/*
 * Code where none should be: programs appended to pictures, in gaps, in free blocks, in slack; raw
 * machine code in files of no known format.
 */

/** enum hidden_kind - what was found */
enum hidden_kind {
	HIDDEN_ELF,     /* an ELF file header that holds */
	HIDDEN_PE,      /* a PE file */
	HIDDEN_ARCHIVE, /* an ar archive with a member header that holds */
	HIDDEN_VOLUME, /* a header of RedoxFS, which packs what it holds; one for many that are near
			*/
	HIDDEN_A64,    /* a run that reads as AArch64 code */
};

/** struct hidden_run - one thing that was found; @len is a lower bound but for A64 */
struct hidden_run {
	enum hidden_kind kind;
	uint64_t off;
	uint64_t len;
};

typedef bool (*hidden_fn)(void *arg, const struct hidden_run *run);

/**
 * hidden_scan - look through bytes at every offset for programs and machine code
 * @off, @len: the range of @src to look through; a program may go on behind its end
 * @fn:        gets what was found, of each kind in order of offsets; returns false to stop
 *
 * Reads each byte once, holes not at all. The rates of the detector, missed and false, are measured
 * in docs/audit.md. Returns 0, -RIMG_E_IO, -RIMG_E_NOMEM.
 */
__attribute__((warn_unused_result)) int hidden_scan(const struct rimg_source *src, uint64_t off,
						    uint64_t len, hidden_fn fn, void *arg,
						    struct rimg_error *err);

#endif
