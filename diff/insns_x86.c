/* SPDX-License-Identifier: MIT */
/* x86-64, decoded by Capstone: where instructions end, and which of their bytes are an address. */
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"
#include "diff/insns_arch.h"

/** struct x86 - the decoder, and one instruction that it fills */
struct x86 {
	csh handle;
	cs_insn *insn;
};

static void x86_free(struct x86 *x)
{
	if (x->insn)
		cs_free(x->insn, 1);
	if (x->handle)
		(void)cs_close(&x->handle);
	free(x);
}

static struct x86 *x86_new(void)
{
	struct x86 *x = calloc(1, sizeof(*x));
	cs_err rc = x ? cs_open(CS_ARCH_X86, CS_MODE_64, &x->handle) : CS_ERR_MEM;

	if (rc == CS_ERR_MEM)
		mem_note_failure("out of memory");
	if (!x)
		return NULL;
	if (rc != CS_ERR_OK)
		x->handle = 0;
	if (x->handle && cs_option(x->handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK)
		x->insn = cs_malloc(x->handle);
	if (x->handle && !x->insn)
		mem_note_failure("out of memory");
	if (!x->insn) {
		x86_free(x);
		return NULL;
	}
	return x;
}

/* Opening it costs as much as some hundred instructions; NULL where it cannot be had. */
static struct x86 *x86_of(struct insns_decoder *d)
{
	if (!d->x86)
		d->x86 = x86_new();
	return d->x86;
}

void insns_decoder_done(struct insns_decoder *d)
{
	if (d->x86)
		x86_free(d->x86);
	d->x86 = NULL;
}

/* The operand that is an address relative to the instruction; sets which bytes it takes. */
static bool find_address(const cs_insn *in, uint64_t *ret_target, unsigned *ret_at, unsigned *ret_n)
{
	const cs_x86 *x = &in->detail->x86;

	for (unsigned i = 0; i < x->op_count; i++) {
		const cs_x86_op *op = &x->operands[i];

		if (op->type == X86_OP_MEM && op->mem.base == X86_REG_RIP) {
			*ret_target = in->address + in->size + (uint64_t)op->mem.disp;
			*ret_at = x->encoding.disp_offset;
			*ret_n = x->encoding.disp_size;
			return *ret_at > 0 && *ret_n > 0;
		}
	}
	for (unsigned i = 0; i < in->detail->groups_count; i++) {
		if (in->detail->groups[i] != CS_GRP_BRANCH_RELATIVE || x->op_count != 1 ||
		    x->operands[0].type != X86_OP_IMM)
			continue;
		*ret_target = (uint64_t)x->operands[0].imm;
		*ret_at = x->encoding.imm_offset;
		*ret_n = x->encoding.imm_size;
		return *ret_at > 0 && *ret_n > 0;
	}
	return false;
}

static uint64_t key_of(const uint8_t *data, size_t len, unsigned at, unsigned n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ len;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (i >= at && i - at < n ? 0 : data[i])) * UINT64_C(0x100000001b3);
	return h;
}

static void read_insn(struct x86 *x, const struct insns *c, size_t off, struct insn *ret)
{
	const uint8_t *data = c->data + off;
	size_t left = c->len - off;
	uint64_t addr = c->addr + off;
	unsigned at = 0, n = 0;

	*ret = (struct insn){ .off = (uint32_t)off, .len = 1 };
	if (cs_disasm_iter(x->handle, &data, &left, &addr, x->insn) && x->insn->size > 0) {
		ret->len = (uint8_t)x->insn->size;
		ret->has_target = find_address(x->insn, &ret->target, &at, &n);
	}
	ret->key = key_of(c->data + off, ret->len, at, n);
}

int insns_x86(struct insns_decoder *d, struct insns *c)
{
	struct x86 *x = x86_of(d);
	size_t off = 0;

	/* without a decoder there are no instructions, and the cause says less */
	if (!x)
		return 0;
	while (off < c->len) {
		struct insn insn;

		read_insn(x, c, off, &insn);
		if (insns_add(c, &insn) < 0)
			return -RIMG_E_NOMEM;
		off += insn.len;
	}
	return 0;
}

bool insns_x86_idle(struct insns_decoder *d, const uint8_t *data, size_t len)
{
	struct x86 *x = x86_of(d);
	uint64_t addr = 0;

	if (!x)
		return false;
	while (len > 0) {
		if (!cs_disasm_iter(x->handle, &data, &len, &addr, x->insn))
			return false;
		if (x->insn->id != X86_INS_NOP && x->insn->id != X86_INS_INT3)
			return false;
	}
	return true;
}
