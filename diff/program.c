/* SPDX-License-Identifier: MIT */
/* Better causes than formats can tell: for functions and sections of programs, and for contents
 * that differ in nothing but build paths. */
#include "diff/program.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/error.h"
#include "core/num.h"
#include "diff/insns.h"

#define FUNCTION_MAX  ((uint64_t)1 << 20)   /* bytes of a function that is looked into */
#define CODE_BUDGET   ((uint64_t)16 << 20)  /* bytes of all of them, A and B together */
#define CODE_EDITS    200                   /* instructions that are matched one by one */
#define PROGRAM_MAX   ((uint64_t)192 << 20) /* bytes of a program, A and B together */
#define FILE_BUDGET   ((uint64_t)512 << 20) /* bytes of programs that are held, one by one */
#define PATH_FILE_MAX ((uint64_t)4 << 20)   /* bytes of a file that is searched for paths */
#define PATH_BUDGET   ((uint64_t)32 << 20)

int why_set(struct rimg_diff *d, struct difference *x, const struct str *s)
{
	x->why = s->failed ? NULL : arena_copy(&d->arena, str_cstr(s), s->len);
	return x->why ? 0 : -RIMG_E_NOMEM;
}

/* ---- functions ------------------------------------------------------------------------------ */

static int load(const struct rimg_source *src, uint8_t **ret, size_t *ret_len)
{
	auto_free uint8_t *data = NULL;

	*ret_len = (size_t)rimg_source_size(src);
	data = malloc(*ret_len + 1);
	if (!data)
		return -RIMG_E_NOMEM;
	if (rimg_source_read(src, 0, data, *ret_len, NULL) < 0)
		return 1;
	*ret = take_ptr(data);
	return 0;
}

/* What differs, in numbers. */
static void tell_delta(struct str *s, const struct program *g, const struct insns *a,
		       const struct insns *b, const struct insns_delta *t)
{
	const char *more = "";

	if (t->n_changed > 0) {
		str_printf(s, "%zu of %zu instructions differ%s", t->n_changed,
			   (size_t)num_max(a->n, b->n),
			   t->edits.coarse ? " at most: too many to match them one by one" : "");
		more = "; ";
	}
	if (t->n_other > 0) {
		const struct insn *ia = &a->insn[t->first_a], *ib = &b->insn[t->first_b];

		str_printf(s, "%s%zu lead%s elsewhere", more, t->n_other,
			   t->n_other == 1 ? "s" : "");
		if (ia->has_target && ib->has_target) {
			str_printf(s, ", the first at +0x%x to ", (unsigned)ib->off);
			insns_add_target(s, &g->b, ib->target);
			str_add(s, " instead of ");
			insns_add_target(s, &g->a, ia->target);
		}
		more = "; ";
	}
	if (t->n_moved > 0)
		str_printf(s, "%s%zu of %zu instructions hold another address of the same thing",
			   more, t->n_moved, a->n);
}

static int judge_code(struct program *g, struct difference *x, const struct insns *a,
		      const struct insns *b)
{
	auto_with(insns_delta_done) struct insns_delta t = { 0 };
	auto_str struct str s = { 0 };

	if (a->n == 0 || b->n == 0)
		return 0;
	if (insns_compare(a, b, CODE_EDITS, &t) < 0)
		return -RIMG_E_NOMEM;
	tell_delta(&s, g, a, b, &t);
	if (t.n_changed == 0 && t.n_other == 0 && t.n_moved > 0)
		x->cause = RIMG_CAUSE_PLACEMENT;
	return s.len > 0 ? why_set(g->d, x, &s) : 0;
}

int program_function(struct program *g, struct difference *x)
{
	const struct pair *p = x->pair;
	auto_free uint8_t *data_a = NULL, *data_b = NULL;
	auto_with(insns_done) struct insns a = { 0 }, b = { 0 };
	uint64_t all = pair_bytes(p);
	size_t len_a, len_b;
	int rc;

	/* whatever it is, it is what a compiler or somebody in its place made */
	x->cause = RIMG_CAUSE_CODEGEN;
	if (all > FUNCTION_MAX || all > g->d->code_budget) {
		x->why = "too much code differs to look at these instructions";
		return 0;
	}
	g->d->code_budget -= all;
	rc = load(p->a->content, &data_a, &len_a);
	if (rc == 0)
		rc = load(p->b->content, &data_b, &len_b);
	if (rc == 0)
		rc = insns_decode(&g->decoder, &g->a, data_a, len_a,
				  node_attr_u64(p->a, "address", 0), &a);
	if (rc == 0)
		rc = insns_decode(&g->decoder, &g->b, data_b, len_b,
				  node_attr_u64(p->b, "address", 0), &b);
	if (rc == 0)
		rc = judge_code(g, x, &a, &b);
	return rc < 0 ? rc : 0; /* what cannot be read keeps its cause */
}

/* ---- sections ------------------------------------------------------------------------------- */

static uint64_t word_at(const struct elf_view *v, const uint8_t *p)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < 8; i++)
		x |= (uint64_t)p[i] << 8 * (v->big ? 7 - i : i);
	return x;
}

bool program_pointers(const struct program *g, const struct elf_view_section *a,
		      const struct elf_view_section *b, size_t *ret_n)
{
	const struct insns empty_a = { .view = &g->a }, empty_b = { .view = &g->b };

	*ret_n = 0;
	if (!g->a.is64 || !g->b.is64 || a->size != b->size || a->size % 8 != 0)
		return false;
	for (uint64_t i = 0; i < a->size; i += 8) {
		struct insn ia = { .target = word_at(&g->a, a->data + i) };
		struct insn ib = { .target = word_at(&g->b, b->data + i) };

		if (ia.target == ib.target)
			continue;
		if (!insns_leads_to_same(&empty_a, &ia, &empty_b, &ib))
			return false;
		++*ret_n;
	}
	return *ret_n > 0;
}

/* Sections that say of others where they are or what they mean: nobody writes them by hand. */
static bool is_describing(const struct elf_view_section *s)
{
	static const char *const names[] = { ".eh_frame", ".eh_frame_hdr", ".gcc_except_table",
					     ".got",      ".got.plt",      ".plt",
					     ".plt.got",  ".plt.sec",      ".gnu_debuglink" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(s->name, names[i]) == 0)
			return true;
	return !(s->flags & SHF_ALLOC) && strncmp(s->name, ".debug", 6) == 0;
}

/* Rows of texts, in any order. */
static bool holds_texts(const struct elf_view_section *s)
{
	return (s->flags & SHF_STRINGS) || strcmp(s->name, ".debug_str") == 0 ||
	       strcmp(s->name, ".debug_line_str") == 0;
}

/* The note with the build id, when all else in the section is equal. */
static bool differs_in_build_id(const struct difference *x)
{
	const struct rimg_attr *a = node_attr(x->pair->a, "build-id");
	const struct rimg_attr *b = node_attr(x->pair->b, "build-id");

	return a && b && !attr_equal(a, b) &&
	       rimg_source_size(x->pair->a->content) == rimg_source_size(x->pair->b->content) &&
	       rimg_source_size(x->pair->a->content) == 16 + a->bytes.len;
}

/** struct between - bytes of a section of code that no function covers */
struct between {
	struct insns_decoder *decoder;
	const struct elf_view *view;
	const struct rimg_node *node;
	const struct elf_view_section *section;
};

static int compare_offsets(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return (a[0] > b[0]) - (a[0] < b[0]);
}

/* Adds all that is not covered and does something to @s. */
static int gather_between(const struct between *w, struct str *s)
{
	auto_free uint64_t(*spans)[2] = calloc((size_t)w->node->n_children + 1, sizeof(*spans));
	uint64_t pos = 0, base = w->view->type == ET_REL ? 0 : w->section->addr;
	size_t n = 0;

	if (!spans)
		return -RIMG_E_NOMEM;
	rimg_for_each_child(f, w->node) {
		uint64_t off = node_attr_u64(f, "address", base) - base;

		if (!f->content || off > w->section->size)
			continue;
		spans[n][0] = off;
		spans[n++][1] = num_min(off + rimg_source_size(f->content), w->section->size);
	}
	qsort(spans, n, sizeof(*spans), compare_offsets);
	for (size_t i = 0; i <= n; i++) {
		uint64_t end = i < n ? spans[i][0] : w->section->size;

		if (end > pos && !insns_is_padding(w->decoder, w->view, w->section->data + pos,
						   (size_t)(end - pos)))
			str_add_len(s, w->section->data + pos, (size_t)(end - pos));
		if (i < n)
			pos = num_max(pos, spans[i][1]);
	}
	return s->failed ? -RIMG_E_NOMEM : 0;
}

/* A section of code whose functions tell all that differs. */
static int judge_between(struct program *g, struct difference *x, const struct elf_view_section *a,
			 const struct elf_view_section *b)
{
	const struct between wa = {
		.decoder = &g->decoder, .view = &g->a, .node = x->pair->a, .section = a
	};
	const struct between wb = {
		.decoder = &g->decoder, .view = &g->b, .node = x->pair->b, .section = b
	};
	auto_str struct str sa = { 0 }, sb = { 0 }, s = { 0 };

	if (gather_between(&wa, &sa) < 0 || gather_between(&wb, &sb) < 0)
		return -RIMG_E_NOMEM;
	x->shell = sa.len == sb.len && memcmp(str_cstr(&sa), str_cstr(&sb), sa.len) == 0;
	if (x->shell)
		return 0;
	x->cause = RIMG_CAUSE_CODEGEN;
	str_printf(&s, "code that no symbol covers: %zu bytes of A, %zu of B", sa.len, sb.len);
	return why_set(g->d, x, &s);
}

static int judge_section(struct program *g, struct difference *x, const struct elf_view_section *a,
			 const struct elf_view_section *b)
{
	auto_str struct str s = { 0 };
	bool done = false;
	size_t n;

	if (differs_in_build_id(x)) {
		x->cause = RIMG_CAUSE_BUILD_ID;
		return 0;
	}
	if ((a->flags & SHF_EXECINSTR) && x->pair->a->first_child && x->pair->b->first_child)
		return judge_between(g, x, a, b);
	if (program_table(g, x, a, b, &done) < 0)
		return -RIMG_E_NOMEM;
	if (done)
		return 0;
	if (holds_texts(a) && program_producers(g, x, a, b, &done) < 0)
		return -RIMG_E_NOMEM;
	if (done)
		return 0;
	if (program_pointers(g, a, b, &n)) {
		str_printf(&s, "%zu addresses in it differ, which lead to the same things", n);
		x->cause = RIMG_CAUSE_PLACEMENT;
		return why_set(g->d, x, &s);
	}
	if (paths_compare(a->data, (size_t)a->size, b->data, (size_t)b->size, holds_texts(a), &s,
			  &done) < 0)
		return -RIMG_E_NOMEM;
	if (done) {
		x->cause = RIMG_CAUSE_BUILD_PATH;
		return why_set(g->d, x, &s);
	}
	x->derived = is_describing(a);
	return 0;
}

/* Sections stand in the order of their headers. */
static size_t *number_sections(const struct rimg_node *parent)
{
	size_t *number = calloc((size_t)parent->n_children + 1, sizeof(*number));
	size_t n = 0;

	if (!number)
		return NULL;
	rimg_for_each_child(m, parent) {
		n += m->role == RIMG_ROLE_SECTION;
		number[m->index] = n;
	}
	return number;
}

static int section_of(const struct elf_view *v, size_t **number, const struct rimg_node *n,
		      const struct elf_view_section **ret)
{
	size_t i;

	if (!*number)
		*number = number_sections(n->parent);
	if (!*number)
		return -RIMG_E_NOMEM;
	i = (*number)[n->index];
	*ret = i < v->n_sections && v->section[i].data ? &v->section[i] : NULL;
	return 0;
}

int program_section(struct program *g, struct difference *x)
{
	const struct elf_view_section *a, *b;

	if (section_of(&g->a, &g->number_a, x->pair->a, &a) < 0 ||
	    section_of(&g->b, &g->number_b, x->pair->b, &b) < 0)
		return -RIMG_E_NOMEM;
	if (!a || !b || a->type != b->type)
		return 0;
	x->aside = !(a->flags & SHF_ALLOC);
	return judge_section(g, x, a, b);
}

/* ---- programs ------------------------------------------------------------------------------- */

/* Words of the file as a whole repeat what is told of its parts. */
static void mark_words(struct pair *inner)
{
	for (struct difference *x = inner->first; x; x = x->next)
		if (x->type == DIFFERS_ATTR)
			x->derived = true;
}

/* How a section is laid out and which others it belongs to follows its content. */
static void mark_layout(struct pair *q)
{
	static const char *const keys[] = { "align", "entry_size", "link", "info" };

	for (struct difference *x = q->first; x; x = x->next)
		for (size_t i = 0; x->type == DIFFERS_ATTR && i < ARRAY_LEN(keys); i++)
			x->derived |= strcmp(x->field, keys[i]) == 0;
}

static int refine_node(struct program *g, struct pair *q)
{
	struct difference *x = difference_find(q, DIFFERS_CONTENT);

	/* lengths of segments are those of their sections */
	if (q->a->role == RIMG_ROLE_SEGMENT)
		mark_words(q);
	if (!x || !q->a->content || !q->b->content)
		return 0;
	if (q->a->role == RIMG_ROLE_FUNCTION && q->b->role == RIMG_ROLE_FUNCTION)
		return program_function(g, x);
	if (q->a->role != RIMG_ROLE_SECTION)
		return 0;
	mark_layout(q);
	return program_section(g, x);
}

static void program_done(struct program *g)
{
	insns_decoder_done(&g->decoder);
	free(g->number_a);
	free(g->number_b);
	elf_view_done(&g->a);
	elf_view_done(&g->b);
}

static int refine_program(struct rimg_diff *d, struct pair *p)
{
	auto_with(program_done) struct program g = { .d = d };
	uint64_t size_a = rimg_source_size(p->a->content), size_b = rimg_source_size(p->b->content);
	struct pair *inner = p->first_child;
	int rc;

	while (inner && inner->a != p->a->nested->root)
		inner = inner->next;
	if (!inner || size_a + size_b > num_min(PROGRAM_MAX, d->file_budget))
		return 0;
	d->file_budget -= size_a + size_b;
	rc = elf_view_open(p->a->content, size_a, &g.a);
	if (rc == 0)
		rc = elf_view_open(p->b->content, size_b, &g.b);
	if (rc < 0 || !g.a.data || !g.b.data)
		return rc;
	mark_words(inner);
	for (struct pair *q = inner; q && rc == 0; q = pair_next(q, inner))
		if (q->a && q->b && q->a->layer == p->a->nested)
			rc = refine_node(&g, q);
	return rc;
}

/* ---- other contents ------------------------------------------------------------------------- */

static int refine_file(struct rimg_diff *d, struct difference *x)
{
	const struct pair *p = x->pair;
	auto_free uint8_t *a = NULL, *b = NULL;
	auto_str struct str s = { 0 };
	uint64_t all = pair_bytes(p);
	size_t len_a, len_b;
	bool done = false;
	int rc;

	if (all > PATH_FILE_MAX || all > d->path_budget)
		return 0;
	d->path_budget -= all;
	rc = load(p->a->content, &a, &len_a);
	if (rc == 0)
		rc = load(p->b->content, &b, &len_b);
	if (rc == 0)
		rc = paths_compare(a, len_a, b, len_b, false, &s, &done);
	if (rc == 0 && done) {
		x->cause = RIMG_CAUSE_BUILD_PATH;
		rc = why_set(d, x, &s);
	}
	return rc < 0 ? rc : 0; /* what cannot be read keeps its cause */
}

static bool is_program(const struct pair *p)
{
	return p->recursed && p->a->nested && p->b->nested &&
	       strcmp(layer_format_name(p->a->nested), "elf") == 0;
}

static int refine(struct rimg_diff *d, struct pair *p)
{
	struct difference *x;

	if (p->hidden || !p->a || !p->b || !p->a->content || !p->b->content)
		return 0;
	if (is_program(p))
		return refine_program(d, p);
	x = p->recursed || p->a->role != RIMG_ROLE_FILE ? NULL
							: difference_find(p, DIFFERS_CONTENT);
	return x ? refine_file(d, x) : 0;
}

int diff_refine(struct rimg_diff *d, struct rimg_error *err)
{
	d->code_budget = CODE_BUDGET;
	d->file_budget = FILE_BUDGET;
	d->path_budget = PATH_BUDGET;
	for (struct pair *p = d->root; p; p = pair_next(p, d->root))
		if (refine(d, p) < 0)
			return error_nomem(err);
	return 0;
}
