/* SPDX-License-Identifier: MIT */
#ifndef DIFF_SYMBOLS_H
#define DIFF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>

struct str;

/* Names of symbols without what a compiler adds to tell builds apart: rustc's hashes in legacy
 * names
 * (`17h0123456789abcdefE`), its crate disambiguators in v0 names (`Cs1a2b3c_`), the number behind
 * `.llvm.`. No demangler: only these parts are understood. */

/**
 * symbol_normal - write @name without these parts to @out, which has room for @len bytes
 *
 * Returns the length of what was written, at most @len; equal to @len when there are none.
 */
size_t symbol_normal(const char *name, size_t len, char *out);

/** symbol_same - are two names equal without these parts? */
bool symbol_same(const char *a, const char *b);

/** symbol_add_path - add a legacy name of rustc as a path, "core::fmt::write"; others as they are
 */
void symbol_add_path(struct str *s, const char *name, size_t len);

#endif
