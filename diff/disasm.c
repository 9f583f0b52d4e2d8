/* SPDX-License-Identifier: MIT */
/* Instructions as text, by Capstone. It knows no RISC-V in the version that Debian 12 has: those
 * are shown as numbers. */
#include <capstone/capstone.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "diff/insns.h"

struct disassembler {
	csh handle; /* 0: none for this machine */
};

struct disassembler *disassembler_new(const struct elf_view *view)
{
	struct disassembler *d = calloc(1, sizeof(*d));
	cs_err rc = CS_ERR_ARCH;

	if (!d)
		return NULL;
	if (view->machine == EM_AARCH64)
		rc = cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &d->handle);
	else if (view->machine == EM_X86_64)
		rc = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle);
	if (rc != CS_ERR_OK)
		d->handle = 0;
	return d;
}

void disassembler_free(struct disassembler *d)
{
	if (d && d->handle)
		(void)cs_close(&d->handle);
	free(d);
}

/* The bytes as one number, as the processor reads them. */
static void add_number(struct str *s, const struct insns *c, const struct insn *insn)
{
	str_add(s, ".insn 0x");
	for (size_t i = insn->len; i-- > 0;)
		str_printf(s, "%02x", c->data[insn->off + i]);
}

/* Operands with the address by its name, so that they read the same wherever that lies. */
static void add_operands(struct str *s, const char *text, const struct insns *c,
			 const struct insn *insn)
{
	char number[32];
	const char *at, *comma = strchr(text, ',');

	if (insn->page && comma) {
		str_add_len(s, text, (size_t)(comma - text));
		str_add(s, ", (page)");
		return;
	}
	if (!insn->has_target) {
		str_add(s, text);
		return;
	}
	snprintf(number, sizeof(number), "0x%" PRIx64, insn->target);
	at = strstr(text, number);
	if (at && at[strlen(number)] == '\0') {
		size_t before = (size_t)(at - text);

		before -= before > 0 && text[before - 1] == '#';
		str_add_len(s, text, before);
	} else {
		/* the part that is relative says nothing */
		const char *low = strstr(text, "[rip");

		if (!low)
			low = strstr(text, "#0x");
		if (!low)
			low = strchr(text, '#');
		str_add_len(s, text, low ? (size_t)(low - text) : strlen(text));
	}
	insns_add_target(s, c->view, insn->target);
}

void disassembler_add(struct disassembler *d, struct str *s, const struct insns *c,
		      const struct insn *insn)
{
	cs_insn *in = NULL;
	size_t n = d->handle ? cs_disasm(d->handle, c->data + insn->off, insn->len,
					 c->addr + insn->off, 1, &in)
			     : 0;

	if (n == 0) {
		add_number(s, c, insn);
		return;
	}
	str_add(s, in->mnemonic);
	if (in->op_str[0]) {
		str_add_char(s, ' ');
		add_operands(s, in->op_str, c, insn);
	}
	cs_free(in, n);
}
