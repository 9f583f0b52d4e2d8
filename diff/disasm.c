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

/* Where in the operands the address stands, or the part of it that the instruction holds; sets its
 * length. NULL: nowhere. */
static const char *find_address(const char *text, uint64_t target, size_t *ret_len)
{
	char number[32];
	const char *at = strstr(text, "[rip");

	if (at) {
		*ret_len = strcspn(at, "]") + 1;
		return at;
	}
	snprintf(number, sizeof(number), "0x%" PRIx64, target);
	at = strstr(text, number);
	if (at && at[strlen(number)] == '\0') {
		*ret_len = strlen(number);
		if (at > text && at[-1] == '#') {
			at--;
			++*ret_len;
		}
		return at;
	}
	at = strchr(text, '#');
	if (at)
		*ret_len = 1 + strspn(at + 1, "0123456789abcdefx");
	return at;
}

/* Operands with the address by its name, so that they read the same wherever that lies. */
static void add_operands(struct str *s, const char *text, const struct insns *c,
			 const struct insn *insn)
{
	const char *at, *comma = strchr(text, ',');
	size_t len = 0;

	if (insn->page && comma) {
		str_add_len(s, text, (size_t)(comma - text));
		str_add(s, ", (page)");
		return;
	}
	at = insn->has_target ? find_address(text, insn->target, &len) : NULL;
	str_add_len(s, text, at ? (size_t)(at - text) : strlen(text));
	if (!insn->has_target)
		return;
	str_add(s, at && *at == '[' ? "[" : "");
	insns_add_target(s, c->view, insn->target);
	str_add(s, at && *at == '[' ? "]" : "");
	/* "]" is cut off when operands end before it */
	if (at && len <= strlen(at))
		str_add(s, at + len);
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
