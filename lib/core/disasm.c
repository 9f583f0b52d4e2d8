/* SPDX-License-Identifier: MIT */
/* Capstone. It knows no RISC-V in the version that Debian 12 has: those are shown as numbers. */
#include "core/disasm.h"

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

struct disasm {
	csh handle;
	bool open; /* false: there is no decoder for the machine */
};

struct disasm *disasm_new(enum disasm_machine machine)
{
	struct disasm *d = calloc(1, sizeof(*d));
	cs_err rc = CS_ERR_ARCH;

	if (!d)
		return NULL;
	switch (machine) {
	case DISASM_NONE: break;
	case DISASM_A64: rc = cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->handle); break;
	case DISASM_X86_64: rc = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle); break;
	}
	if (rc == CS_ERR_MEM)
		mem_note_failure("out of memory");
	d->open = rc == CS_ERR_OK;
	return d;
}

void disasm_free(struct disasm *d)
{
	if (d && d->open)
		(void)cs_close(&d->handle);
	free(d);
}

/* The bytes as one number, as the processor reads them. */
static void put_number(const uint8_t *code, size_t len, struct disasm_text *ret)
{
	char *to = ret->operands;

	ret->len = len;
	memcpy(ret->mnemonic, ".insn", sizeof(".insn"));
	to += snprintf(to, sizeof(ret->operands), "0x");
	for (size_t i = len; i-- > 0;)
		to += snprintf(to, 3, "%02x", code[i]);
}

void disasm_one(const struct disasm *d, const uint8_t *code, size_t len, uint64_t addr, size_t unit,
		struct disasm_text *ret)
{
	cs_insn *in = NULL;
	size_t n = d->open ? cs_disasm(d->handle, code, len, addr, 1, &in) : 0;

	if (d->open && n == 0 && cs_errno(d->handle) == CS_ERR_MEM)
		mem_note_failure("out of memory");
	if (n == 0) {
		unit = unit > 16 ? 16 : unit > 0 ? unit : 1;
		put_number(code, unit < len ? unit : len, ret);
		return;
	}
	ret->len = in->size;
	snprintf(ret->mnemonic, sizeof(ret->mnemonic), "%s", in->mnemonic);
	snprintf(ret->operands, sizeof(ret->operands), "%s", in->op_str);
	cs_free(in, n);
}
