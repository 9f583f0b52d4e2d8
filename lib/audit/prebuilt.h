/* SPDX-License-Identifier: MIT */
#ifndef AUDIT_PREBUILT_H
#define AUDIT_PREBUILT_H

#include "audit/audit.h"

/*
 * Files and functions that are known to come from elsewhere: what is equal to one of them is it.
 * Identity is the strongest evidence there is of where code comes from.
 */

#define PREBUILT_MIN 48U /* bytes; shorter functions are equal by accident */

/** struct prebuilt - an index by hash */
struct prebuilt;

/** prebuilt_new - an empty index; NULL without memory. prebuilt_free(): NULL is fine */
struct prebuilt *prebuilt_new(void);
void prebuilt_free(struct prebuilt *p);

/**
 * prebuilt_add - enter the artifacts of a report and their functions
 * @name: what the file is called in outputs; copied
 *
 * The class of a function is what the report says: its own; where that is undecided, that of the
 * program it is in; "foreign" where that is undecided, too. Never cranelift: the caller has said
 * that it comes from elsewhere.
 * Returns 0 or a code of code_piece_digest().
 */
__attribute__((warn_unused_result)) int prebuilt_add(struct prebuilt *p,
						     const struct audit_report *report,
						     const char *name, struct rimg_error *err);

/** prebuilt_finish - nothing is added any more, now it can be asked */
void prebuilt_finish(struct prebuilt *p);

/** prebuilt_file, prebuilt_function - 1 + index of the entry of that hash, 0 if there is none;
 * @ret_cls: of the function */
uint32_t prebuilt_file(const struct prebuilt *p, const uint8_t sha256[SHA256_LEN]);
uint32_t prebuilt_function(const struct prebuilt *p, const uint8_t sha256[SHA256_LEN],
			   enum code_class *ret_cls);

/** prebuilt_name - "FILE::PATH: SYMBOL" of an entry, escaped; lives as long as the index */
const char *prebuilt_name(const struct prebuilt *p, uint32_t entry);

/** prebuilt_count - how many entries there are */
size_t prebuilt_count(const struct prebuilt *p);

#endif
