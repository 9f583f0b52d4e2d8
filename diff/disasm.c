/* SPDX-License-Identifier: MIT */
/* Instructions as text, with the addresses in them by name. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/disasm.h"
#include "core/str.h"
#include "diff/insns.h"

struct disassembler {
	struct disasm *text;
};

struct disassembler *disassembler_new(const struct elf_view *view)
{
	struct disassembler *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->text = disasm_new(view->machine == EM_AARCH64  ? DISASM_A64
			     : view->machine == EM_X86_64 ? DISASM_X86_64
							  : DISASM_NONE);
	if (!d->text) {
		free(d);
		return NULL;
	}
	return d;
}

void disassembler_free(struct disassembler *d)
{
	if (d)
		disasm_free(d->text);
	free(d);
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
	struct disasm_text text;

	disasm_one(d->text, c->data + insn->off, insn->len, c->addr + insn->off, insn->len, &text);
	str_add(s, text.mnemonic);
	if (text.operands[0] == '\0')
		return;
	str_add_char(s, ' ');
	if (strcmp(text.mnemonic, ".insn") == 0)
		str_add(s, text.operands);
	else
		add_operands(s, text.operands, c, insn);
}
