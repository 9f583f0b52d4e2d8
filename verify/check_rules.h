/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_CHECK_RULES_H
#define VERIFY_CHECK_RULES_H

#include "core/layer.h"

/** check_is_written - is the layer of a format that rimg writes? */
bool check_is_written(const struct rimg_layer *l);

/**
 * check_severity - what a finding weighs in a check
 *
 * Readers go on after much that a format forbids, and what they can go on after is a warning to
 * them. A check tells by the rule: docs/findings.md, "What a check makes of them".
 */
enum severity check_severity(const struct rimg_layer *l, const struct finding *f, bool strict);

/**
 * check_only_magic - is the magic all that makes the content of a file look like this format?
 *
 * Any file may begin with four or eight bytes that mean something elsewhere. An unreadable layer is
 * no broken container when hardly a field behind the magic makes sense: two of three for ELF
 * (class, byte order, version), all three for initfs (table, size, page size).
 */
bool check_only_magic(const struct rimg_layer *l);

/** check_leaves_open - does this code mean that something was not read, so that nobody knows? */
bool check_leaves_open(const char *code);

#endif
