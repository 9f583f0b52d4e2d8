/* SPDX-License-Identifier: MIT */
#ifndef DIFF_INSNS_ARCH_H
#define DIFF_INSNS_ARCH_H

#include "diff/insns.h"

/** insns_add - one more instruction; 0 or -RIMG_E_NOMEM */
int insns_add(struct insns *c, const struct insn *insn);

/* Each cuts all bytes of @c into instructions; 0 or -RIMG_E_NOMEM. */
int insns_a64(struct insns *c);
int insns_x86(struct insns_decoder *d, struct insns *c);
int insns_riscv(struct insns *c);

/** insns_x86_idle - are these only instructions that do nothing? */
bool insns_x86_idle(struct insns_decoder *d, const uint8_t *data, size_t len);

#endif
