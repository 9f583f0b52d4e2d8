/* SPDX-License-Identifier: MIT */
#ifndef CORE_FINDINGS_H
#define CORE_FINDINGS_H

/**
 * finding_text - what a code means, as docs/findings.md explains it
 *
 * Returns NULL for a code that has no row there.
 */
const char *finding_text(const char *code);

#endif
