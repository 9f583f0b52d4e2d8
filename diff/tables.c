/* SPDX-License-Identifier: MIT */
/* Symbols, relocations and names of programs, compared by what they mean. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/num.h"
#include "core/rd.h"
#include "diff/insns.h"
#include "diff/program.h"
#include "diff/symbols.h"

#define TOO_MANY     SIZE_MAX /* entries: the list is empty */
#define ENTRIES_MAX  ((size_t)1 << 20)
#define NAME_MAX_LEN 1024

/* ---- lists of keys -------------------------------------------------------------------------- */

/** struct entry - something that a table lists: @exact as it is written, @normal without hashes */
struct entry {
	uint64_t exact, normal;
	const char *name;
};

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return h;
}

static struct entry entry_of(const char *name, uint64_t more)
{
	struct entry e = { .name = name };
	char normal[NAME_MAX_LEN];
	size_t len = strlen(name);

	e.exact = e.normal = hash_text(name, len) + more;
	if (len <= sizeof(normal))
		e.normal = hash_text(normal, symbol_normal(name, len, normal)) + more;
	return e;
}

static int compare_exact(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return (a->exact > b->exact) - (a->exact < b->exact);
}

static int compare_normal(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	return (a->normal > b->normal) - (a->normal < b->normal);
}

/* How many entries of @a the other lacks; both sorted by @order. @ret_first: the first of them. */
static size_t count_alone(const struct entry *a, size_t na, const struct entry *b, size_t nb,
			  int (*order)(const void *, const void *), const char **ret_first)
{
	size_t n = 0, j = 0;

	for (size_t i = 0; i < na; i++) {
		while (j < nb && order(&b[j], &a[i]) < 0)
			j++;
		if (j < nb && order(&b[j], &a[i]) == 0) {
			j++;
			continue;
		}
		if (n++ == 0)
			*ret_first = a[i].name;
	}
	return n;
}

static void tell_alone(struct str *s, const char *side, size_t n, const char *first)
{
	if (n == 0)
		return;
	str_printf(s, "%s%zu only in %s (", s->len ? ", " : "", n, side);
	str_add_escaped(s, first, strlen(first), STR_ESCAPE_TEXT);
	str_add(s, n > 1 ? ", ...)" : ")");
}

/* What two lists of names differ in; *@ret_cause is set when they hold the same. */
static void judge_lists(struct entry *a, size_t na, struct entry *b, size_t nb, const char *what,
			struct str *s, enum rimg_cause *ret_cause)
{
	const char *first_a = "", *first_b = "";
	size_t n_a, n_b;

	qsort(a, na, sizeof(*a), compare_exact);
	qsort(b, nb, sizeof(*b), compare_exact);
	n_a = count_alone(a, na, b, nb, compare_exact, &first_a);
	n_b = count_alone(b, nb, a, na, compare_exact, &first_b);
	if (n_a == 0 && n_b == 0) {
		str_printf(s, "the same %zu %s, at other places", na, what);
		*ret_cause = RIMG_CAUSE_PLACEMENT;
		return;
	}
	qsort(a, na, sizeof(*a), compare_normal);
	qsort(b, nb, sizeof(*b), compare_normal);
	if (na == nb && count_alone(a, na, b, nb, compare_normal, &first_a) == 0) {
		str_printf(s, "%zu of %zu %s differ only in the hash that the compiler adds, e.g. ",
			   n_a, na, what);
		symbol_add_path(s, first_a, strlen(first_a));
		*ret_cause = RIMG_CAUSE_SYMBOL_HASH;
		return;
	}
	n_a = count_alone(a, na, b, nb, compare_normal, &first_a);
	n_b = count_alone(b, nb, a, na, compare_normal, &first_b);
	tell_alone(s, "A", n_a, first_a);
	tell_alone(s, "B", n_b, first_b);
}

/* ---- names ---------------------------------------------------------------------------------- */

static struct entry *list_names(const struct elf_view_section *s, size_t *ret_n)
{
	struct entry *list;
	size_t n = 0;

	for (uint64_t i = 0; i < s->size; i++)
		n += s->data[i] == 0;
	*ret_n = TOO_MANY;
	list = calloc(n > ENTRIES_MAX ? 1 : n + 1, sizeof(*list));
	if (!list || n > ENTRIES_MAX)
		return list;
	n = 0;
	for (uint64_t i = 0; i < s->size;) {
		const uint8_t *end = memchr(s->data + i, 0, (size_t)(s->size - i));

		if (!end)
			break;
		if (end > s->data + i)
			list[n++] = entry_of((const char *)s->data + i, 0);
		i = (uint64_t)(end - s->data) + 1;
	}
	*ret_n = n;
	return list;
}

static bool is_producer(const char *text)
{
	static const char *const words[] = { "GNU C",      "GNU AS ",       "GCC: (",
					     "GNU Rust",   "rustc version", "clang version",
					     "Linker: LLD" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/* The first producer in @a that @b lacks; both sorted. */
static const char *lone_producer(const struct entry *a, size_t na, const struct entry *b, size_t nb)
{
	size_t j = 0;

	for (size_t i = 0; i < na; i++) {
		while (j < nb && b[j].exact < a[i].exact)
			j++;
		if ((j == nb || b[j].exact != a[i].exact) && is_producer(a[i].name))
			return a[i].name;
	}
	return NULL;
}

static void add_quoted(struct str *s, const char *text)
{
	str_add_char(s, '"');
	str_add_escaped(s, text, strlen(text), STR_ESCAPE_TEXT);
	str_add_char(s, '"');
}

int program_producers(struct program *g, struct difference *x, const struct elf_view_section *a,
		      const struct elf_view_section *b, bool *ret)
{
	size_t na = 0, nb = 0;
	auto_free struct entry *la = list_names(a, &na), *lb = list_names(b, &nb);
	auto_str struct str s = { 0 };
	const char *pa, *pb;

	if (!la || !lb)
		return -RIMG_E_NOMEM;
	if (na == TOO_MANY || nb == TOO_MANY)
		return 0;
	qsort(la, na, sizeof(*la), compare_exact);
	qsort(lb, nb, sizeof(*lb), compare_exact);
	pa = lone_producer(la, na, lb, nb);
	pb = lone_producer(lb, nb, la, na);
	*ret = pa || pb;
	if (!*ret)
		return 0;
	str_add(&s, "made by another compiler or with other options: ");
	if (pa)
		add_quoted(&s, pa);
	str_add(&s, pa && pb ? " and " : pb ? "only B by " : " only in A");
	if (pb)
		add_quoted(&s, pb);
	return why_set(g->d, x, &s);
}

/* ---- symbols -------------------------------------------------------------------------------- */

static struct entry *list_symbols(const struct elf_view *v, const struct elf_view_section *s,
				  size_t *ret_n)
{
	size_t most = (size_t)(s->size / (v->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
	struct entry *list = calloc(most > ENTRIES_MAX ? 1 : most + 1, sizeof(*list));
	struct elf_view_symbol symbol;
	size_t n = 0;

	*ret_n = TOO_MANY;
	if (!list || most > ENTRIES_MAX)
		return list;
	for (size_t i = 0; i < most && elf_view_read_symbol(v, s, i, &symbol); i++) {
		uint64_t more = symbol.type + UINT64_C(16) * symbol.bind + 256 * symbol.size;

		/* a section's own symbol has no name */
		if (symbol.section == SHN_UNDEF)
			more += UINT64_C(1) << 63;
		/* an absolute value is no place */
		if (symbol.section == SHN_ABS)
			more += symbol.addr << 20;
		list[n++] = entry_of(symbol.name, more);
	}
	*ret_n = n;
	return list;
}

/* ---- relocations ---------------------------------------------------------------------------- */

struct relocation {
	uint64_t offset, info, addend;
};

static bool read_relocation(const struct elf_view *v, const struct elf_view_section *s, uint64_t i,
			    struct relocation *ret)
{
	struct rd r = rd_init(s->data, (size_t)s->size, 0);

	r.big = v->big;
	rd_seek(&r, i * sizeof(Elf64_Rela));
	ret->offset = rd_u64(&r);
	ret->info = rd_u64(&r);
	ret->addend = rd_u64(&r);
	return !r.failed;
}

static bool same_target(const struct program *g, uint64_t a, uint64_t b)
{
	const struct insns code_a = { .view = &g->a }, code_b = { .view = &g->b };
	const struct insn ia = { .target = a }, ib = { .target = b };

	return insns_leads_to_same(&code_a, &ia, &code_b, &ib);
}

/* The symbol's name; "" for none. */
static const char *symbol_name(const struct elf_view *v, const struct elf_view_section *s,
			       const struct relocation *r)
{
	struct elf_view_symbol symbol;

	if (s->link == 0 || s->link >= v->n_sections ||
	    !elf_view_read_symbol(v, &v->section[s->link], (size_t)ELF64_R_SYM(r->info), &symbol))
		return "";
	return symbol.name;
}

static bool same_relocation(const struct program *g, const struct elf_view_section *a,
			    const struct relocation *ra, const struct elf_view_section *b,
			    const struct relocation *rb)
{
	const char *name_a = symbol_name(&g->a, a, ra), *name_b = symbol_name(&g->b, b, rb);

	if (ELF64_R_TYPE(ra->info) != ELF64_R_TYPE(rb->info) || !symbol_same(name_a, name_b))
		return false;
	if (g->a.type == ET_REL || g->b.type == ET_REL)
		return ra->offset == rb->offset && ra->addend == rb->addend;
	if (ra->offset != rb->offset && !same_target(g, ra->offset, rb->offset))
		return false;
	if (name_a[0])
		return ra->addend == rb->addend;
	return ra->addend == rb->addend || same_target(g, ra->addend, rb->addend);
}

/* Relocations in the order in which the linker sorted them. */
static void judge_relocations(struct program *g, const struct elf_view_section *a,
			      const struct elf_view_section *b, struct str *s,
			      enum rimg_cause *ret_cause)
{
	uint64_t na = a->size / sizeof(Elf64_Rela), nb = b->size / sizeof(Elf64_Rela), other = 0;
	struct relocation ra, rb;

	if (na != nb) {
		str_printf(s, "%llu relocations and %llu", (unsigned long long)na,
			   (unsigned long long)nb);
		return;
	}
	for (uint64_t i = 0;
	     i < na && read_relocation(&g->a, a, i, &ra) && read_relocation(&g->b, b, i, &rb); i++)
		other += !same_relocation(g, a, &ra, b, &rb);
	if (other == 0) {
		str_printf(s, "the same %llu relocations, for other addresses",
			   (unsigned long long)na);
		*ret_cause = RIMG_CAUSE_PLACEMENT;
	} else {
		str_printf(s, "%llu of %llu relocations lead elsewhere", (unsigned long long)other,
			   (unsigned long long)na);
	}
}

/* ---- all ------------------------------------------------------------------------------------ */

static int judge_names(struct difference *x, struct entry *la, size_t na, struct entry *lb,
		       size_t nb, const char *what, struct str *s)
{
	if (!la || !lb)
		return -RIMG_E_NOMEM;
	if (na != TOO_MANY && nb != TOO_MANY)
		judge_lists(la, na, lb, nb, what, s, &x->cause);
	return 0;
}

int program_table(struct program *g, struct difference *x, const struct elf_view_section *a,
		  const struct elf_view_section *b, bool *ret)
{
	auto_free struct entry *la = NULL, *lb = NULL;
	auto_str struct str s = { 0 };
	size_t na = 0, nb = 0;
	int rc = 0;

	*ret = true;
	switch (a->type) {
	case SHT_STRTAB:
		la = list_names(a, &na);
		lb = list_names(b, &nb);
		rc = judge_names(x, la, na, lb, nb, "names", &s);
		break;
	case SHT_SYMTAB:
	case SHT_DYNSYM:
		la = list_symbols(&g->a, a, &na);
		lb = list_symbols(&g->b, b, &nb);
		rc = judge_names(x, la, na, lb, nb, "symbols", &s);
		break;
	case SHT_RELA:
		if (g->a.is64 && g->b.is64)
			judge_relocations(g, a, b, &s, &x->cause);
		break;
	case SHT_HASH:
	case SHT_GNU_HASH:
	case SHT_REL:
	case SHT_RELR:
	case SHT_GNU_versym: break;
	default: *ret = false; return 0;
	}
	/* they list what is elsewhere in the file; but what the loader reads may be the news */
	x->derived = !(a->flags & SHF_ALLOC) || a->type == SHT_HASH || a->type == SHT_GNU_HASH;
	return rc == 0 && s.len > 0 ? why_set(g->d, x, &s) : rc;
}
