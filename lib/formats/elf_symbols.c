/* SPDX-License-Identifier: MIT */
#include "formats/elf_file.h"

#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/mem.h"
#include "core/num.h"

/* Functions: symbols of code, by address. Symbols with the same address are one function with
 * several names. libelf decodes the tables; where it disagrees with our section headers about where
 * a table lies, the table is not used. */

#define MAX_ALIASES 256 /* further names of one function are counted */

struct symbol {
	uint64_t start;   /* in its section's content */
	uint64_t size;    /* as the table says */
	uint32_t section; /* index */
	uint32_t name_off;
	const char *name; /* in place, looked up late */
	size_t name_len;
	size_t seq;
};

struct symbols {
	struct elf_file *f;
	uint32_t strings; /* section that holds the names */
	struct symbol *symbol;
	size_t n, cap;
	uint32_t *by_addr; /* sections of code by address, for symbols of unusual sections */
	size_t n_by_addr;
	size_t bad;     /* index of the table that could not be read, or 0 */
	bool functions; /* it is functions that are read, not labels, which may be anywhere */
	uint64_t n_outside, n_nameless, n_overlaps, n_dropped;
	struct rimg_node *overlap, *overlapped; /* the first two functions that overlap */
};

/* ---- libelf ------------------------------------------------------------------------------- */

static void start_libelf(void)
{
	(void)elf_version(EV_CURRENT);
}

static void end_elf(Elf **elf)
{
	(void)elf_end(*elf); /* NULL is fine */
}

/* libelf's view of section @i when it is the same as ours; else NULL. */
static Elf_Data *table_data(const struct elf_file *f, Elf *elf, size_t i)
{
	const struct elf_section *s = &f->section[i];
	Elf_Scn *scn = elf_getscn(elf, i);
	GElf_Shdr header;
	Elf_Data *data;

	if (!scn || !gelf_getshdr(scn, &header) || header.sh_offset != s->off ||
	    header.sh_size != s->size || header.sh_type != s->type || s->have != s->size)
		return NULL;
	data = elf_getdata(scn, NULL);
	return data && data->d_buf && data->d_size == s->size ? data : NULL;
}

/* Once for each table, which may be tried twice. */
static void bad_table(struct symbols *t, size_t i)
{
	const struct elf_file *f = t->f;
	int code = elf_errno();

	if (t->bad == i)
		return;
	t->bad = i;
	/* its numbers are its own; nobody sets a locale, so these are its words */
	if (code && strcmp(elf_errmsg(code), "out of memory") == 0)
		mem_note_failure("out of memory");
	layer_finding(f->l, SEVERITY_ERROR, "elf.symbol-table", f->section[i].node,
		      f->section[i].off, f->section[i].have,
		      "expected a table of symbols, found one that cannot be read (%s)",
		      code ? elf_errmsg(code) : "its section header is wrong");
}

/* ---- which section a symbol is in --------------------------------------------------------- */

static bool holds_code(const struct elf_section *s)
{
	return (s->flags & SHF_EXECINSTR) && s->have > 0 && !(s->flags & SHF_COMPRESSED);
}

static int compare_addresses(const void *pa, const void *pb, void *arg)
{
	const struct elf_section *section = arg;
	const struct elf_section *a = &section[*(const uint32_t *)pa];
	const struct elf_section *b = &section[*(const uint32_t *)pb];

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return (a > b) - (a < b);
}

static int sort_code_sections(struct symbols *t)
{
	struct elf_file *f = t->f;

	t->by_addr = calloc(f->n_sections + 1, sizeof(*t->by_addr));
	if (!t->by_addr)
		return -RIMG_E_NOMEM;
	for (size_t i = 1; i < f->n_sections; i++) {
		if (holds_code(&f->section[i]) && (f->section[i].flags & SHF_ALLOC))
			t->by_addr[t->n_by_addr++] = (uint32_t)i;
	}
	qsort_r(t->by_addr, t->n_by_addr, sizeof(*t->by_addr), compare_addresses, f->section);
	return 0;
}

/* The section of code that an address lies in; 0 for none. */
static uint32_t section_at(const struct symbols *t, uint64_t addr)
{
	size_t lo = 0, hi = t->n_by_addr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->f->section[t->by_addr[mid]].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return 0;
	lo = t->by_addr[lo - 1];
	return addr - t->f->section[lo].addr < t->f->section[lo].have ? (uint32_t)lo : 0;
}

/* ---- reading a table ---------------------------------------------------------------------- */

static bool is_function(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static bool is_label(const GElf_Sym *sym)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);

	return GELF_ST_TYPE(sym->st_info) == STT_NOTYPE && (bind == STB_GLOBAL || bind == STB_WEAK);
}

/* Where a symbol's code is. Returns false for symbols that have none in this file. */
static bool place_symbol(struct symbols *t, const GElf_Sym *sym, uint32_t index, struct symbol *ret)
{
	const struct elf_file *f = t->f;
	uint64_t addr = f->machine == EM_ARM ? sym->st_value & ~UINT64_C(1) : sym->st_value;
	uint64_t base;

	if (index == SHN_UNDEF || (sym->st_shndx >= SHN_LORESERVE && sym->st_shndx != SHN_XINDEX))
		return false;
	if (index >= f->n_sections) {
		t->n_outside += t->functions;
		return false;
	}
	base = f->type == ET_REL ? 0 : f->section[index].addr;
	if (addr < base || addr - base >= f->section[index].size) {
		index = f->type == ET_REL ? 0 : section_at(t, addr);
		if (index == 0) {
			t->n_outside += t->functions;
			return false;
		}
		base = f->section[index].addr;
	}
	if (!holds_code(&f->section[index]) || addr - base >= f->section[index].have)
		return false;
	ret->section = index;
	ret->start = addr - base;
	ret->size = sym->st_size;
	ret->name_off = sym->st_name;
	return true;
}

static int add_symbol(struct symbols *t, const struct symbol *symbol)
{
	struct symbol *grown;

	/* each would need a node */
	if (t->n >= t->f->l->image->ctx->limits.nodes) {
		t->n_dropped++;
		return 0;
	}
	grown = vec_grow(t->symbol, &t->cap, t->n, sizeof(*grown));
	if (!grown)
		return -RIMG_E_NOMEM;
	t->symbol = grown;
	t->symbol[t->n] = *symbol;
	t->symbol[t->n].seq = t->n;
	t->n++;
	return 0;
}

static size_t find_section(const struct elf_file *f, uint32_t type, uint32_t link)
{
	for (size_t i = 1; i < f->n_sections; i++) {
		if (f->section[i].type == type && (link == 0 || f->section[i].link == link))
			return i;
	}
	return 0;
}

/* The symbols of a table that @wanted says are code. */
static int read_symbols(struct symbols *t, Elf *elf, uint32_t table_type,
			bool (*wanted)(const GElf_Sym *))
{
	struct elf_file *f = t->f;
	size_t table = find_section(f, table_type, 0), more;
	Elf_Data *data, *more_data = NULL;
	size_t entsize = elf ? gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT) : 0, n;

	if (table == 0 || f->section[table].size == 0)
		return 0;
	data = entsize && f->section[table].entsize == entsize ? table_data(f, elf, table) : NULL;
	if (!data) {
		bad_table(t, table);
		return 0;
	}
	more = find_section(f, SHT_SYMTAB_SHNDX, (uint32_t)table);
	if (more) {
		more_data = table_data(f, elf, more);
		if (!more_data)
			bad_table(t, more);
	}
	t->strings = f->section[table].link;
	n = (size_t)num_min(data->d_size / entsize, INT_MAX);
	for (size_t i = 1; i < n; i++) {
		Elf32_Word index = 0;
		struct symbol symbol = { 0 };
		GElf_Sym sym;

		/* the table of further indexes ends before this one does */
		if (!gelf_getsymshndx(data, more_data, (int)i, &sym, &index)) {
			bad_table(t, table);
			return 0;
		}
		if (!wanted(&sym))
			continue;
		if (sym.st_shndx != SHN_XINDEX)
			index = sym.st_shndx;
		if (place_symbol(t, &sym, index, &symbol) && add_symbol(t, &symbol) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* Best first: all functions, the exported ones, and in hand-written code plain labels. */
static int read_tables(struct symbols *t)
{
	auto_with(end_elf) Elf *elf = NULL;
	static const struct {
		uint32_t type;
		bool (*wanted)(const GElf_Sym *);
	} tries[] = {
		{ SHT_SYMTAB, is_function },
		{ SHT_DYNSYM, is_function },
		{ SHT_SYMTAB, is_label },
	};
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, start_libelf);
	/* NULL shows as tables that cannot be read */
	elf = elf_memory((char *)t->f->data, t->f->size);
	for (size_t i = 0; i < ARRAY_LEN(tries) && t->n == 0; i++) {
		t->functions = tries[i].wanted == is_function;
		if (read_symbols(t, elf, tries[i].type, tries[i].wanted) < 0)
			return -RIMG_E_NOMEM;
	}
	return 0;
}

/* ---- functions ---------------------------------------------------------------------------- */

static int compare_places(const void *pa, const void *pb)
{
	const struct symbol *a = pa, *b = pb;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

/* By name; the nameless ones last. */
static int compare_names(const void *pa, const void *pb)
{
	const struct symbol *a = pa, *b = pb;
	int order;

	if (a->name_len == 0 || b->name_len == 0)
		return (a->name_len == 0) - (b->name_len == 0);
	order = memcmp(a->name, b->name, num_min_size(a->name_len, b->name_len));
	if (order != 0)
		return order;
	return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* Sort the symbols of one address by name and drop nameless and equal ones. Returns how many are
 * left. */
static size_t unique_names(struct symbols *t, struct symbol *s, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = elf_string(t->f, t->strings, s[i].name_off, &s[i].name_len);

		s[i].name = name ? name : "";
		t->n_nameless += !name;
	}
	qsort(s, n, sizeof(*s), compare_names);
	for (size_t i = 0; i < n && s[i].name_len > 0; i++) {
		if (kept == 0 || compare_names(&s[kept - 1], &s[i]) != 0)
			s[kept++] = s[i];
	}
	return kept;
}

static int add_attrs(struct symbols *t, struct rimg_node *node, const struct symbol *s,
		     size_t n_names, uint64_t size)
{
	struct elf_file *f = t->f;
	uint64_t base = f->type == ET_REL ? 0 : f->section[s->section].addr;
	int rc = attr_add_u64(f->l, node, "address", ATTR_HEX, RIMG_CAUSE_PLACEMENT, PLACE_NONE,
			      base + s->start);

	if (rc == 0)
		rc = attr_add_u64(f->l, node, "size", ATTR_U64, RIMG_CAUSE_CONTENT, PLACE_NONE,
				  size);
	for (size_t i = 1; rc == 0 && i < n_names && i <= MAX_ALIASES; i++)
		rc = attr_add_bytes(f->l, node, "alias", ATTR_TEXT, RIMG_CAUSE_CONTENT, PLACE_NONE,
				    s[i].name, s[i].name_len);
	if (rc == 0 && n_names > MAX_ALIASES + 1)
		rc = attr_add_u64(f->l, node, "more_aliases", ATTR_U64, RIMG_CAUSE_CONTENT,
				  PLACE_NONE, n_names - MAX_ALIASES - 1);
	return rc;
}

/* One function: the @n symbols at @s have its address, and the next function (or the end of the
 * section) is at @next. */
static int add_function(struct symbols *t, struct symbol *s, size_t n, uint64_t next,
			struct rimg_node **before, uint64_t *before_end)
{
	struct elf_file *f = t->f;
	const struct elf_section *sec = &f->section[s->section];
	uint64_t start = s->start, size = 0, len;
	struct rimg_node *node;
	size_t names;
	int rc;

	for (size_t i = 0; i < n; i++)
		size = num_max(size, s[i].size);
	names = unique_names(t, s, n);
	if (names == 0)
		return 0;
	if (size > sec->have - start)
		t->n_outside++;
	/* hand-written code has symbols without a size: up to the next one */
	len = num_min(size > 0 ? size : next - start, sec->have - start);
	node = layer_node(f->l, sec->node, RIMG_ROLE_FUNCTION, s->name, s->name_len);
	if (!node)
		return -RIMG_E_NOMEM;
	if (*before && start < *before_end && t->n_overlaps++ == 0) {
		t->overlap = node;
		t->overlapped = *before;
	}
	if (!*before || start + len > *before_end) {
		*before = node;
		*before_end = start + len;
	}
	rc = elf_content(f, node, sec->off + start, len);
	if (rc == 0)
		rc = add_attrs(t, node, s, names, size);
	if (rc < 0)
		return rc;
	return spans_add(&f->spans, &(struct span){ .off = sec->off + start,
						    .len = num_min(len, next - start),
						    .node = node,
						    .what = "content",
						    .cause = RIMG_CAUSE_CONTENT,
						    .rank = ELF_RANK_FUNCTION });
}

static int add_functions(struct symbols *t)
{
	struct rimg_node *before = NULL;
	uint64_t before_end = 0;

	for (size_t i = 0, end; i < t->n; i = end) {
		struct symbol *s = &t->symbol[i];
		uint64_t next = t->f->section[s->section].have;
		int rc;

		if (i > 0 && s[-1].section != s->section)
			before = NULL;
		for (end = i; end < t->n && t->symbol[end].section == s->section &&
			      t->symbol[end].start == s->start;)
			end++;
		if (end < t->n && t->symbol[end].section == s->section)
			next = t->symbol[end].start;
		rc = add_function(t, s, end - i, next, &before, &before_end);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One finding for each kind of oddity: libraries written in assembler have hundreds. */
static void report(struct symbols *t)
{
	struct rimg_layer *l = t->f->l;

	if (t->n_overlaps > 0)
		layer_finding(l, SEVERITY_WARNING, "elf.symbol-overlap", t->overlap, 0, 0,
			      "expected functions with bytes of their own, found %" PRIu64
			      " that begin inside another, the first inside \"%s\"",
			      t->n_overlaps, t->overlapped->name);
	if (t->n_outside > 0)
		layer_finding(l, SEVERITY_WARNING, "elf.symbol-range", NULL, 0, 0,
			      "expected functions inside of their sections, found %" PRIu64
			      " that are not",
			      t->n_outside);
	if (t->n_nameless > 0)
		layer_finding(l, SEVERITY_WARNING, "elf.symbol-name", NULL, 0, 0,
			      "expected the names of symbols in their string table, found %" PRIu64
			      " that are not",
			      t->n_nameless);
	if (t->n_dropped > 0)
		layer_finding(l, SEVERITY_ERROR, "elf.symbol-count", NULL, 0, 0,
			      "expected at most %zu functions, found %" PRIu64 " more", t->n,
			      t->n_dropped);
}

static void done(struct symbols *t)
{
	free(t->symbol);
	free(t->by_addr);
}

int elf_read_functions(struct elf_file *f)
{
	auto_with(done) struct symbols t = { .f = f };
	int rc = sort_code_sections(&t);

	if (rc == 0 && f->n_sections > 0)
		rc = read_tables(&t);
	if (rc < 0)
		return rc;
	if (t.n > 0)
		qsort(t.symbol, t.n, sizeof(*t.symbol), compare_places);
	rc = add_functions(&t);
	if (rc == 0)
		report(&t);
	return rc;
}
