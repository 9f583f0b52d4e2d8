/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_SEAL_H
#define TESTS_FUZZ_SEAL_H

#include "fuzz/fuzz.h"

/* Checksums and magic numbers, made right again after a mutation, so that fuzzing gets past them.
 *
 * A seal changes what a format says about other bytes, and nothing else: what it protects stays as
 * the engine made it. Any bytes may come in. */

typedef void fuzz_seal(uint8_t *data, size_t len);

fuzz_seal seal_ar;      /* magic, ends of member headers */
fuzz_seal seal_elf;     /* magic */
fuzz_seal seal_fat;     /* signature, checksums of short names in long ones */
fuzz_seal seal_gpt;     /* magic; CRC-32 of the entries, then of the header, of both copies */
fuzz_seal seal_initfs;  /* magic */
fuzz_seal seal_pe;      /* both magics */
fuzz_seal seal_pkgar;   /* BLAKE3 of the contents, then of the table */
fuzz_seal seal_redoxfs; /* seahash of everything that a pointer leads to, lowest blocks first;
			   blocks as fuzz_redoxfs.c lays them out */

/** fuzz_mutate - LLVMFuzzerCustomMutator() with @seal, which one input in eight goes without */
size_t fuzz_mutate(uint8_t *data, size_t len, size_t max, unsigned seed, fuzz_seal *seal);

/** FUZZ_FORMAT - the target of an opener whose images @seal mends */
#define FUZZ_FORMAT(seal)                                           \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) \
	{                                                           \
		fuzz_image(data, len);                              \
		return 0;                                           \
	}                                                           \
	FUZZ_MUTATOR(seal)

#define FUZZ_MUTATOR(seal)                                                                    \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed); \
	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned seed)  \
	{                                                                                     \
		return fuzz_mutate(data, len, max, seed, seal);                               \
	}                                                                                     \
	struct fuzz_needs_no_semicolon

#endif
