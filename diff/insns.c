/* SPDX-License-Identifier: MIT */
#include "diff/insns.h"

#include <rimg/error.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/str.h"
#include "diff/insns_arch.h"
#include "diff/symbols.h"

#define SAME_LEN   16 /* bytes of data that have to be equal to be the same thing */
#define TEXT_MAX   4096
#define TEXT_SHOWN 24

void insns_done(struct insns *c)
{
	free(c->insn);
	c->insn = NULL;
	c->n = c->cap = 0;
}

void insns_delta_done(struct insns_delta *d)
{
	edits_done(&d->edits);
}

/* ---- decoding ------------------------------------------------------------------------------- */

int insns_add(struct insns *c, const struct insn *insn)
{
	struct insn *grown = vec_grow(c->insn, &c->cap, c->n, sizeof(*grown));

	if (!grown)
		return -RIMG_E_NOMEM;
	c->insn = grown;
	grown[c->n++] = *insn;
	return 0;
}

int insns_decode(struct insns_decoder *d, const struct elf_view *view, const uint8_t *data,
		 size_t len, uint64_t addr, struct insns *ret)
{
	auto_with(insns_done) struct insns c = {
		.view = view, .data = data, .len = len, .addr = addr
	};
	int rc = 0;

	*ret = c;
	if (view->big || !view->is64 || len > UINT32_MAX)
		return 0;
	switch (view->machine) {
	case EM_AARCH64: rc = insns_a64(&c); break;
	case EM_X86_64: rc = insns_x86(d, &c); break;
	case EM_RISCV: rc = insns_riscv(&c); break;
	default: break;
	}
	if (rc < 0)
		return rc;
	*ret = c;
	c.insn = NULL;
	return 0;
}

/* ---- what an address is --------------------------------------------------------------------- */

/* Length of a text with its zero; 0 if there is none that could be meant. */
static size_t text_len(const struct elf_view_section *s, uint64_t off)
{
	size_t n = 0;

	while (off + n < s->size && n < TEXT_MAX && s->data[off + n] >= 0x20 &&
	       s->data[off + n] < 0x7f)
		n++;
	return n >= 2 && off + n < s->size && s->data[off + n] == 0 ? n + 1 : 0;
}

/* A text that stands at an address, or the beginning of it. */
static bool add_text(struct str *s, const struct elf_view_section *section, uint64_t off)
{
	size_t len = section && section->data ? text_len(section, off) : 0;

	if (len == 0)
		return false;
	str_add_char(s, '"');
	str_add_escaped(s, section->data + off, num_min(len - 1, TEXT_SHOWN), STR_ESCAPE_TEXT);
	str_add(s, len - 1 > TEXT_SHOWN ? "...\"" : "\"");
	return true;
}

void insns_add_target(struct str *s, const struct elf_view *view, uint64_t target)
{
	const struct elf_view_symbol *symbol = elf_view_symbol_at(view, target);
	const struct elf_view_section *section = symbol ? NULL : elf_view_section_at(view, target);
	uint64_t base = symbol ? symbol->addr : section ? section->addr : 0;
	const char *name = symbol ? symbol->name : section ? section->name : NULL;

	if (!name) {
		str_printf(s, "0x%llx", (unsigned long long)target);
		return;
	}
	if (section && add_text(s, section, target - base))
		return;
	str_add_escaped(s, name, strlen(name), STR_ESCAPE_TEXT);
	if (target > base)
		str_printf(s, "+0x%llx", (unsigned long long)(target - base));
}

static bool is_inside(const struct insns *c, uint64_t target)
{
	return target >= c->addr && target - c->addr < c->len;
}

static bool same_texts(const struct elf_view_section *sa, uint64_t off_a,
		       const struct elf_view_section *sb, uint64_t off_b)
{
	size_t len_a = text_len(sa, off_a), len_b = text_len(sb, off_b);

	return len_a > 0 && len_a == len_b &&
	       memcmp(sa->data + off_a, sb->data + off_b, len_a) == 0;
}

/* Bytes without a name: the same if enough of them are equal. What has no bytes in the file cannot
 * be told. */
static bool same_bytes(const struct elf_view_section *sa, uint64_t a,
		       const struct elf_view_section *sb, uint64_t b)
{
	uint64_t off_a = a - sa->addr, off_b = b - sb->addr;
	uint64_t len_a = num_min(SAME_LEN, sa->size - off_a);
	uint64_t len_b = num_min(SAME_LEN, sb->size - off_b);

	if (strcmp(sa->name, sb->name) != 0)
		return false;
	if (!sa->data || !sb->data)
		return !sa->data && !sb->data && off_a == off_b;
	if (same_texts(sa, off_a, sb, off_b))
		return true;
	return len_a == len_b && memcmp(sa->data + off_a, sb->data + off_b, (size_t)len_a) == 0;
}

bool insns_leads_to_same(const struct insns *a, const struct insn *ia, const struct insns *b,
			 const struct insn *ib)
{
	const struct elf_view_symbol *na, *nb;
	const struct elf_view_section *sa, *sb;

	if (is_inside(a, ia->target) || is_inside(b, ib->target))
		return is_inside(a, ia->target) && is_inside(b, ib->target);
	na = elf_view_symbol_at(a->view, ia->target);
	nb = elf_view_symbol_at(b->view, ib->target);
	if (na && nb)
		return symbol_same(na->name, nb->name) &&
		       ia->target - na->addr == ib->target - nb->addr;
	sa = elf_view_section_at(a->view, ia->target);
	sb = elf_view_section_at(b->view, ib->target);
	return !na && !nb && sa && sb && same_bytes(sa, ia->target, sb, ib->target);
}

/* ---- comparing ------------------------------------------------------------------------------ */

static uint64_t *keys_of(const struct insns *c)
{
	uint64_t *keys = calloc(c->n + 1, sizeof(*keys));

	for (size_t i = 0; keys && i < c->n; i++)
		keys[i] = c->insn[i].key;
	return keys;
}

/* The instruction that begins @off bytes into the function; its number, or SIZE_MAX. */
static size_t insn_at(const struct insns *c, uint64_t off)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->insn[mid].off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && c->insn[lo].off == off ? lo : SIZE_MAX;
}

/* Two instructions that are equal but for their addresses; @map: of each of A its number in B. */
static void compare_targets(struct insns_delta *d, const struct insns *a, size_t i,
			    const struct insns *b, size_t j, const size_t *map)
{
	const struct insn *ia = &a->insn[i], *ib = &b->insn[j];
	bool same;

	if (memcmp(a->data + ia->off, b->data + ib->off, ia->len) == 0)
		return;
	/* half an address is told by the other half */
	if (ia->has_target && ib->has_target)
		same = insns_leads_to_same(a, ia, b, ib);
	else
		same = ia->page && ib->page && ia->used && ib->used;
	if (same && ia->has_target && is_inside(a, ia->target)) {
		size_t to = insn_at(a, ia->target - a->addr);
		size_t other = insn_at(b, ib->target - b->addr);

		/* to an instruction that is gone: that one is told */
		same = to != SIZE_MAX && (map[to] == SIZE_MAX || map[to] == other);
	}
	d->n_moved += same;
	if (!same && d->n_other++ == 0) {
		d->first_a = i;
		d->first_b = j;
	}
}

/* Call @each for all pairs of instructions that the edits leave alone. */
static void map_insns(const struct insns *a, const struct edits *e, size_t *map)
{
	size_t i = 0, j = 0;

	for (size_t n = 0; n <= e->n; n++) {
		size_t end = n < e->n ? e->items[n].a : a->n;

		while (i < end)
			map[i++] = j++;
		if (n == e->n)
			break;
		for (size_t k = 0; k < e->items[n].n_a; k++)
			map[i++] = SIZE_MAX;
		j += e->items[n].n_b;
	}
}

int insns_compare(const struct insns *a, const struct insns *b, size_t max, struct insns_delta *ret)
{
	auto_free uint64_t *keys_a = keys_of(a), *keys_b = keys_of(b);
	auto_free size_t *map = calloc(a->n + 1, sizeof(*map));
	struct insns_delta d = { 0 };
	int rc;

	if (!keys_a || !keys_b || !map)
		return -RIMG_E_NOMEM;
	rc = edits_find(keys_a, a->n, keys_b, b->n, max, &d.edits);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d.edits.n; i++)
		d.n_changed += (size_t)num_max(d.edits.items[i].n_a, d.edits.items[i].n_b);
	map_insns(a, &d.edits, map);
	for (size_t i = 0; i < a->n; i++)
		if (map[i] != SIZE_MAX)
			compare_targets(&d, a, i, b, map[i], map);
	*ret = d;
	return 0;
}

/* ---- padding -------------------------------------------------------------------------------- */

/* What assemblers put between functions: zeros, and instructions that do nothing. */
bool insns_is_padding(struct insns_decoder *d, const struct elf_view *view, const uint8_t *data,
		      size_t len)
{
	static const uint8_t a64_nop[] = { 0x1f, 0x20, 0x03, 0xd5 };
	size_t i = 0;

	while (i < len && data[i] == 0)
		i++;
	if (i == len)
		return true;
	if (view->machine == EM_X86_64)
		return insns_x86_idle(d, data, len);
	if (view->machine != EM_AARCH64 || view->big)
		return false;
	for (i = 0; i + 4 <= len; i += 4)
		if (memcmp(data + i, a64_nop, 4) != 0 && memcmp(data + i, "\0\0\0", 4) != 0)
			return false;
	return i == len;
}
